//! From which of its addresses this machine would reach another.
//!
//! Part of the reactor. Connecting a datagram socket sends nothing: it only asks the routing table.

use std::net::{IpAddr, SocketAddr};

/// Any port will do; this one is for discarding.
const PORT: u16 = 9;

/// The destination with a port, and with its scope where it has one.
fn to_port(mut destination: SocketAddr) -> SocketAddr {
    destination.set_port(PORT);
    destination
}

/// What the routing table is asked with.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Default)]
pub(super) struct Routes {
    /// A socket of each family, once it was needed: making and closing one costs more than the question.
    v4: Option<std::os::fd::OwnedFd>,
    v6: Option<std::os::fd::OwnedFd>,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Routes {
    pub(super) fn source_address(&mut self, destination: SocketAddr) -> Option<IpAddr> {
        use rustix::net::{AddressFamily, connect, connect_unspec, getsockname};

        let (kept, other, family) = match destination {
            SocketAddr::V4(_) => (&mut self.v4, &mut self.v6, AddressFamily::INET),
            SocketAddr::V6(_) => (&mut self.v6, &mut self.v4, AddressFamily::INET6),
        };
        let socket = kept.take().or_else(|| socket_of(family)).or_else(|| {
            // Where descriptors run out, the one that the other family has will do.
            other.take().and_then(|other| {
                drop(other);
                socket_of(family)
            })
        })?;
        let connected = connect(&socket, &to_port(destination));
        let source = connected.and_then(|()| getsockname(&socket));
        // Connected to the next without this, it would keep the address that it has now.
        if connect_unspec(&socket).is_ok() {
            *kept = Some(socket);
        }
        SocketAddr::try_from(source.ok()?).ok().map(|address| address.ip())
    }

    /// Closes what is kept, and says whether that was something.
    pub(super) fn let_go(&mut self) -> bool {
        [self.v4.take(), self.v6.take()].iter().any(Option::is_some)
    }
}

/// What the routing table is asked with: a socket for each question, so that nothing is kept.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[derive(Default)]
pub(super) struct Routes {}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Routes {
    pub(super) fn let_go(&mut self) -> bool {
        false
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
impl Routes {
    pub(super) fn source_address(&mut self, destination: SocketAddr) -> Option<IpAddr> {
        use rustix::net::{AddressFamily, connect, getsockname};

        let family = if destination.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_of(family)?;
        connect(&socket, &to_port(destination)).ok()?;
        SocketAddr::try_from(getsockname(&socket).ok()?).ok().map(|address| address.ip())
    }
}

#[cfg(not(unix))]
impl Routes {
    pub(super) fn source_address(&mut self, destination: SocketAddr) -> Option<IpAddr> {
        let socket = std::net::UdpSocket::bind(super::unspecified(destination)).ok()?;
        socket.connect(to_port(destination)).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    }
}

/// Not bound first, as the standard library's sockets are: that is a system call less.
#[cfg(unix)]
fn socket_of(family: rustix::net::AddressFamily) -> Option<std::os::fd::OwnedFd> {
    use rustix::net::{SocketFlags, SocketType, socket_with};

    // So that no program inherits it that another thread starts meanwhile. Apple's systems have no such flag.
    #[cfg(not(target_vendor = "apple"))]
    let flags = SocketFlags::CLOEXEC;
    #[cfg(target_vendor = "apple")]
    let flags = SocketFlags::empty();
    socket_with(family, SocketType::DGRAM, flags, None).ok()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// What the kernel chooses on a socket that nothing else was asked with.
    fn by_a_fresh_socket(destination: SocketAddr) -> Option<IpAddr> {
        Routes::default().source_address(destination)
    }

    #[test]
    fn one_destination_after_another_is_answered_as_if_it_were_the_first() {
        let mut routes = Routes::default();
        let texts =
            ["127.0.0.1", "127.8.8.8", "192.0.2.1", "::1", "2001:db8::1", "fe80::1", "255.255.255.255", "0.0.0.0"];
        let addresses = texts.map(|text| SocketAddr::new(text.parse().expect("an address"), 0));
        for (first, second) in addresses.iter().flat_map(|first| addresses.map(|second| (*first, second))) {
            assert_eq!(routes.source_address(first), by_a_fresh_socket(first));
            assert_eq!(routes.source_address(second), by_a_fresh_socket(second), "{second} after {first}");
        }
        assert_eq!(routes.source_address(addresses[0]), Some(addresses[0].ip()));
    }

    /// A link-local address leads nowhere without its scope.
    #[test]
    fn a_scope_is_part_of_the_question() {
        let scoped = std::net::SocketAddrV6::new("fe80::1".parse().expect("an address"), 0, 0, 7);
        assert!(
            matches!(to_port(scoped.into()), SocketAddr::V6(address) if (address.scope_id(), address.port()) == (7, PORT))
        );
    }
}
