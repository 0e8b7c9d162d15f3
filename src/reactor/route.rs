//! From which of its addresses this machine would reach another.
//!
//! Part of the reactor. Connecting a datagram socket sends nothing: it only asks the routing table.

use std::net::{IpAddr, SocketAddr};

/// Any port will do; this one is for discarding.
const PORT: u16 = 9;

#[cfg(unix)]
pub(super) fn source_address(destination: SocketAddr) -> Option<IpAddr> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, getsockname, socket_with};

    let family = if destination.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    // So that no program inherits it that another thread starts meanwhile. Apple's systems have no such flag.
    #[cfg(not(target_vendor = "apple"))]
    let flags = SocketFlags::CLOEXEC;
    #[cfg(target_vendor = "apple")]
    let flags = SocketFlags::empty();
    // Not bound first, as the standard library's sockets are: that is a system call less.
    let socket = socket_with(family, SocketType::DGRAM, flags, None).ok()?;
    connect(&socket, &SocketAddr::new(destination.ip(), PORT)).ok()?;
    SocketAddr::try_from(getsockname(&socket).ok()?).ok().map(|address| address.ip())
}

#[cfg(not(unix))]
pub(super) fn source_address(destination: SocketAddr) -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind(super::unspecified(destination)).ok()?;
    socket.connect(SocketAddr::new(destination.ip(), PORT)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
