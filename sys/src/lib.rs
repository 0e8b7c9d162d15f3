//! The few calls of `msgpump` that have no safe interface elsewhere, so that the crate itself can
//! forbid unsafe code. Each is a safe function with its reason beside it.

#[cfg(windows)]
mod windows;

#[cfg(windows)]
pub use windows::{Adapter, adapters, domain, host_name, interface_index, search_list};

/// The descriptor of a readiness queue, to be waited on by another one.
#[cfg(unix)]
pub fn descriptor_of(poll: &mio::Poll) -> std::os::fd::BorrowedFd<'_> {
    use std::os::fd::{AsRawFd, BorrowedFd};
    // SAFETY: the queue owns this descriptor and keeps it open for as long as it lives, and the
    // borrow ends before the queue can be dropped.
    unsafe { BorrowedFd::borrow_raw(poll.as_raw_fd()) }
}

/// Has the system tell a datagram socket all that the network says of where its datagrams go: besides closed ports also
/// hosts and networks that cannot be reached. It is the error of the next call that sends or receives.
///
/// # Errors
///
/// Fails if the system has no such option, or the socket is of another address family.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn report_unreachable(socket: &impl std::os::fd::AsFd, is_ipv6: bool) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    let (level, option) =
        if is_ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) } else { (libc::IPPROTO_IP, libc::IP_RECVERR) };
    let on: libc::c_int = 1;
    let descriptor = socket.as_fd().as_raw_fd();
    // SAFETY: the value is read during the call only, and is as long as it is said to be.
    let result =
        unsafe { libc::setsockopt(descriptor, level, option, (&raw const on).cast(), size_of_val(&on) as u32) };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
