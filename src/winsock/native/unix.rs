//! What is Unix's own about sockets.

use rustix::fd::OwnedFd;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{RecvFlags, SendFlags, connect_unspec};

use super::super::error::WinsockError;
use super::Watch;
use crate::{Interest, Owner, Pump, StartRefusal};

pub(super) type Watched = crate::Descriptor;

/// Without the signal that ends a program which writes to a closed connection. Where there is no such flag,
/// the standard library has turned the signal off.
#[cfg(not(target_vendor = "apple"))]
pub(super) const QUIETLY: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
pub(super) const QUIETLY: SendFlags = SendFlags::empty();

/// Asks for the length of a datagram that is longer than the buffer, where the system can tell it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const WHOLE_LENGTH: RecvFlags = RecvFlags::TRUNC;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const WHOLE_LENGTH: RecvFlags = RecvFlags::empty();

/// What the system tells of a buffer is this many times what was asked for: as much again is for its books.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const BUFFER_SHARES: usize = 2;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const BUFFER_SHARES: usize = 1;

/// Sockets need no beginning here.
pub(super) fn begin() {}

pub(super) fn disconnect(socket: &OwnedFd) -> Result<(), WinsockError> {
    match connect_unspec(socket) {
        // Where it is told, it is done all the same.
        Ok(()) | Err(Errno::AFNOSUPPORT) => Ok(()),
        Err(errno) => Err(error(errno)),
    }
}

/// Keeps a socket from programs that this one starts.
pub(super) fn keep_private(socket: &OwnedFd) -> Result<(), WinsockError> {
    fcntl_setfd(socket, FdFlags::CLOEXEC).map_err(error)
}

pub(super) fn watch<T>(
    socket: &OwnedFd,
    pump: &mut Pump<T>,
    owner: Owner,
    interest: Interest,
) -> Result<Watch, StartRefusal> {
    pump.watch_descriptor(owner, socket, interest).map_err(|error| error.refusal)
}

pub(super) fn error(errno: Errno) -> WinsockError {
    use WinsockError as E;
    match errno {
        Errno::WOULDBLOCK | Errno::INTR | Errno::INPROGRESS => E::Ewouldblock,
        Errno::ACCESS | Errno::PERM => E::Eacces,
        Errno::ADDRINUSE => E::Eaddrinuse,
        Errno::ADDRNOTAVAIL => E::Eaddrnotavail,
        Errno::AFNOSUPPORT => E::Eafnosupport,
        Errno::ALREADY => E::Ealready,
        Errno::BADF | Errno::NOTSOCK => E::Enotsock,
        Errno::CONNABORTED => E::Econnaborted,
        Errno::CONNREFUSED => E::Econnrefused,
        // Writing to what was reset before.
        Errno::CONNRESET | Errno::PIPE => E::Econnreset,
        Errno::DESTADDRREQ => E::Edestaddrreq,
        Errno::FAULT => E::Efault,
        Errno::HOSTDOWN => E::Ehostdown,
        Errno::HOSTUNREACH => E::Ehostunreach,
        Errno::INVAL => E::Einval,
        Errno::ISCONN => E::Eisconn,
        Errno::MFILE | Errno::NFILE => E::Emfile,
        Errno::MSGSIZE => E::Emsgsize,
        Errno::NETDOWN => E::Enetdown,
        Errno::NETRESET => E::Enetreset,
        Errno::NETUNREACH => E::Enetunreach,
        Errno::NOBUFS | Errno::NOMEM => E::Enobufs,
        Errno::NOPROTOOPT => E::Enoprotoopt,
        Errno::NOTCONN => E::Enotconn,
        Errno::OPNOTSUPP => E::Eopnotsupp,
        Errno::PROTONOSUPPORT => E::Eprotonosupport,
        Errno::PROTOTYPE => E::Eprototype,
        Errno::SHUTDOWN => E::Eshutdown,
        Errno::TIMEDOUT => E::Etimedout,
        _ => E::Syscallfailure,
    }
}
