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
