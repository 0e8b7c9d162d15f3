//! The system's sockets, one function each, with Winsock's errors.
//!
//! Floor 5. The only folder of the layer that names the system. Every socket here is non-blocking: that
//! a call blocks is the layer's doing. Through rustix, because a program's buffer of initialized bytes
//! goes through it without unsafe code.

use std::net::{Ipv4Addr, SocketAddrV4};

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketType, sockopt};

use super::error::WinsockError;
use super::socket::{MSG_DONTROUTE, MSG_OOB, MSG_PEEK, SocketKind};
use crate::{Interest, Owner, Pump, StartRefusal, WatchId};

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

use system::{BUFFER_SHARES, QUIETLY, WHOLE_LENGTH, Watched, error};

/// What the pump watches a socket by: a duplicate of it.
pub(super) type Watch = WatchId<Watched>;

/// A socket of the system.
#[derive(Debug)]
pub(super) struct Native(OwnedFd);

/// What became of an attempt to connect.
pub(super) enum Connect {
    Done,
    UnderWay,
}

/// What is to be found at the head of what was received.
#[derive(Clone, Copy)]
pub(super) enum Head {
    Data,
    /// The other side has ended the stream.
    End,
    Nothing,
    Broken(WinsockError),
}

type Outcome<R> = Result<R, WinsockError>;

impl Native {
    pub(super) fn open(kind: SocketKind) -> Outcome<Native> {
        let socket_type = match kind {
            SocketKind::Stream => SocketType::STREAM,
            SocketKind::Datagram => SocketType::DGRAM,
        };
        system::begin();
        Native::adopt(net::socket(AddressFamily::INET, socket_type, None).map_err(error)?)
    }

    /// Makes a socket what all are: non-blocking, and not inherited by other programs.
    fn adopt(socket: OwnedFd) -> Outcome<Native> {
        rustix::io::ioctl_fionbio(&socket, true).map_err(error)?;
        system::keep_private(&socket)?;
        Ok(Native(socket))
    }

    /// Has the pump tell when it is ready.
    pub(super) fn watch<T>(&self, pump: &mut Pump<T>, owner: Owner, interest: Interest) -> Result<Watch, StartRefusal> {
        system::watch(&self.0, pump, owner, interest)
    }

    pub(super) fn bind(&self, address: SocketAddrV4) -> Outcome<()> {
        net::bind(&self.0, &address).map_err(error)
    }

    pub(super) fn listen(&self, backlog: i32) -> Outcome<()> {
        net::listen(&self.0, backlog).map_err(error)
    }

    pub(super) fn accept(&self) -> Outcome<(Native, SocketAddrV4)> {
        let (socket, address) = net::acceptfrom(&self.0).map_err(error)?;
        Ok((Native::adopt(socket)?, address.map_or(UNSPECIFIED, v4)))
    }

    pub(super) fn connect(&self, address: SocketAddrV4) -> Outcome<Connect> {
        let connected = match net::connect(&self.0, &address) {
            // Linux tells once more that the connect before this one has failed.
            Err(Errno::CONNABORTED) => net::connect(&self.0, &address),
            connected => connected,
        };
        match connected {
            Ok(()) => Ok(Connect::Done),
            Err(Errno::INPROGRESS | Errno::WOULDBLOCK) => Ok(Connect::UnderWay),
            Err(errno) => Err(error(errno)),
        }
    }

    /// Takes a datagram socket's peer back.
    pub(super) fn disconnect(&self) -> Outcome<()> {
        let before = self.name()?;
        system::disconnect(&self.0)?;
        let mut after = self.name()?;
        if after.port() != before.port() {
            // Linux takes back a port that was not asked for by its number.
            after.set_port(before.port());
            self.bind(after)?;
        }
        Ok(())
    }

    /// What became of a connect that was under way; `None` while it still is.
    pub(super) fn connected(&self) -> Option<Outcome<()>> {
        // In this order: Wine tells the error of the attempt before for as long as there is the socket.
        match self.peer_name() {
            Ok(_) => Some(Ok(())),
            Err(_) => self.take_error().map(Err),
        }
    }

    /// Whether both sides have ended the connection that was made, and all was delivered, as far as the system tells.
    pub(super) fn has_ended(&self) -> bool {
        self.peer_name().is_err()
    }

    /// The error that waits to be told, and is told once.
    pub(super) fn take_error(&self) -> Option<WinsockError> {
        match sockopt::socket_error(&self.0) {
            Ok(Ok(())) => None,
            Ok(Err(errno)) | Err(errno) => Some(error(errno)),
        }
    }

    pub(super) fn send(&self, bytes: &[u8], flags: i32) -> Outcome<usize> {
        net::send(&self.0, bytes, send_flags(flags)).map_err(error)
    }

    pub(super) fn send_to(&self, bytes: &[u8], flags: i32, address: SocketAddrV4) -> Outcome<usize> {
        net::sendto(&self.0, bytes, send_flags(flags), &address).map_err(error)
    }

    /// Receives from a stream.
    pub(super) fn receive(&self, buffer: &mut [u8], flags: i32) -> Outcome<usize> {
        let (length, _) = net::recv(&self.0, buffer, receive_flags(flags)).map_err(error)?;
        Ok(length)
    }

    /// Receives a datagram, and tells its whole length and its sender.
    pub(super) fn receive_from(&self, buffer: &mut [u8], flags: i32) -> Outcome<(usize, SocketAddrV4)> {
        let flags = receive_flags(flags) | WHOLE_LENGTH;
        let (_, length, address) = net::recvfrom(&self.0, buffer, flags).map_err(error)?;
        Ok((length, address.map_or(UNSPECIFIED, v4)))
    }

    /// How much of a stream was received. Unlike a look at it, this leaves an error where it is.
    pub(super) fn waiting_bytes(&self) -> u32 {
        rustix::io::ioctl_fionread(&self.0).map_or(0, |bytes| u32::try_from(bytes).unwrap_or(u32::MAX))
    }

    /// Looks at what was received and leaves it.
    pub(super) fn head(&self) -> Head {
        let mut byte = [0];
        match net::recv(&self.0, &mut byte, RecvFlags::PEEK) {
            Ok((0, _)) => Head::End,
            Ok(_) => Head::Data,
            Err(Errno::WOULDBLOCK | Errno::INTR) => Head::Nothing,
            Err(errno) => Head::Broken(error(errno)),
        }
    }

    /// Receives up to that many bytes of a stream for nobody.
    pub(super) fn throw_away(&self, bytes: usize) {
        // An error stays where it is found next.
        let _ = net::recv(&self.0, &mut vec![0; bytes], RecvFlags::empty());
    }

    /// Whether a byte of urgent data waits, apart from the others.
    pub(super) fn has_urgent(&self) -> bool {
        let mut byte = [0];
        net::recv(&self.0, &mut byte, RecvFlags::PEEK | RecvFlags::OOB).is_ok()
    }

    pub(super) fn shutdown_sending(&self) -> Outcome<()> {
        net::shutdown(&self.0, Shutdown::Write).map_err(error)
    }

    pub(super) fn name(&self) -> Outcome<SocketAddrV4> {
        net::getsockname(&self.0).map(v4).map_err(error)
    }

    pub(super) fn peer_name(&self) -> Outcome<SocketAddrV4> {
        match net::getpeername(&self.0) {
            Ok(Some(address)) => Ok(v4(address)),
            Ok(None) => Err(WinsockError::Enotconn),
            Err(errno) => Err(error(errno)),
        }
    }

    /// Has the connection be reset, and what was not sent be lost, when it is closed.
    pub(super) fn reset_on_close(&self) -> Outcome<()> {
        sockopt::set_socket_linger(&self.0, Some(std::time::Duration::ZERO)).map_err(error)
    }

    /// As [`reset_on_close`](Native::reset_on_close), taken back.
    pub(super) fn deliver_on_close(&self) -> Outcome<()> {
        sockopt::set_socket_linger(&self.0, None).map_err(error)
    }

    pub(super) fn flag(&self, option: Flag) -> Outcome<bool> {
        let value = match option {
            Flag::Broadcast => sockopt::socket_broadcast(&self.0),
            Flag::KeepAlive => sockopt::socket_keepalive(&self.0),
            Flag::NoDelay => sockopt::tcp_nodelay(&self.0),
            Flag::OobInline => sockopt::socket_oobinline(&self.0),
            Flag::ReuseAddress => sockopt::socket_reuseaddr(&self.0),
        };
        value.map_err(error)
    }

    pub(super) fn set_flag(&self, option: Flag, value: bool) -> Outcome<()> {
        let set = match option {
            Flag::Broadcast => sockopt::set_socket_broadcast(&self.0, value),
            Flag::KeepAlive => sockopt::set_socket_keepalive(&self.0, value),
            Flag::NoDelay => sockopt::set_tcp_nodelay(&self.0, value),
            Flag::OobInline => sockopt::set_socket_oobinline(&self.0, value),
            Flag::ReuseAddress => sockopt::set_socket_reuseaddr(&self.0, value),
        };
        set.map_err(error)
    }

    pub(super) fn receive_buffer(&self) -> Outcome<usize> {
        sockopt::socket_recv_buffer_size(&self.0).map(|bytes| bytes / BUFFER_SHARES).map_err(error)
    }

    pub(super) fn set_receive_buffer(&self, bytes: usize) -> Outcome<()> {
        sockopt::set_socket_recv_buffer_size(&self.0, bytes).map_err(error)
    }

    pub(super) fn send_buffer(&self) -> Outcome<usize> {
        sockopt::socket_send_buffer_size(&self.0).map(|bytes| bytes / BUFFER_SHARES).map_err(error)
    }

    pub(super) fn set_send_buffer(&self, bytes: usize) -> Outcome<()> {
        sockopt::set_socket_send_buffer_size(&self.0, bytes).map_err(error)
    }
}

/// The options that are on or off, as the system keeps them.
#[derive(Clone, Copy)]
pub(super) enum Flag {
    Broadcast,
    KeepAlive,
    NoDelay,
    OobInline,
    ReuseAddress,
}

/// Whether this machine has any network at all, its own loopback included.
///
/// A datagram socket that is connected sends nothing, but finds the way.
pub(super) fn has_network() -> bool {
    const DISCARD: u16 = 9;
    let to_itself = SocketAddrV4::new(Ipv4Addr::LOCALHOST, DISCARD);
    Native::open(SocketKind::Datagram).and_then(|socket| socket.connect(to_itself)).is_ok()
}

/// No address.
pub(super) const UNSPECIFIED: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

fn v4(address: SocketAddrAny) -> SocketAddrV4 {
    SocketAddrV4::try_from(address).unwrap_or(UNSPECIFIED)
}

fn send_flags(flags: i32) -> SendFlags {
    let flag = |bit, flag| if flags & bit != 0 { flag } else { SendFlags::empty() };
    QUIETLY | flag(MSG_OOB, SendFlags::OOB) | flag(MSG_DONTROUTE, SendFlags::DONTROUTE)
}

fn receive_flags(flags: i32) -> RecvFlags {
    let flag = |bit, flag| if flags & bit != 0 { flag } else { RecvFlags::empty() };
    flag(MSG_OOB, RecvFlags::OOB) | flag(MSG_PEEK, RecvFlags::PEEK)
}
