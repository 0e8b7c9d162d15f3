//! What is Windows' own about sockets. Its errors have their numbers already.

use std::net::TcpStream;
use std::sync::Once;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, connect, wsa_startup};

use super::super::error::WinsockError;
use super::{UNSPECIFIED, Watch};
use crate::{Interest, Owner, Pump, StartRefusal};

pub(super) type Watched = crate::TcpStream;

/// There is no signal to be kept away.
pub(super) const QUIETLY: SendFlags = SendFlags::empty();

/// The system refuses by itself to cut a datagram in silence.
pub(super) const WHOLE_LENGTH: RecvFlags = RecvFlags::empty();

/// A buffer has the size that was asked for.
pub(super) const BUFFER_SHARES: usize = 1;

/// Starts the system's own library, once for the process and for as long as it lives.
pub(super) fn begin() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        if let Err(error) = wsa_startup() {
            log::warn!("starting the system's sockets: {error}");
        }
    });
}

pub(super) fn disconnect(socket: &OwnedFd) -> Result<(), WinsockError> {
    connect(socket, &UNSPECIFIED).map_err(error)
}

/// Sockets are not inherited here unless somebody asks for it.
pub(super) fn keep_private(_socket: &OwnedFd) -> Result<(), WinsockError> {
    Ok(())
}

/// Whatever kind of socket it is, the system waits for all alike, so it is watched as a stream.
pub(super) fn watch<T>(
    socket: &OwnedFd,
    pump: &mut Pump<T>,
    owner: Owner,
    interest: Interest,
) -> Result<Watch, StartRefusal> {
    let duplicate = socket.try_clone().map_err(|_| StartRefusal::Full)?;
    let watched = crate::TcpStream::from_std(TcpStream::from(duplicate)).map_err(|_| StartRefusal::Full)?;
    pump.watch(owner, watched, interest).map_err(|error| error.refusal)
}

pub(super) fn error(errno: Errno) -> WinsockError {
    match errno {
        Errno::INTR | Errno::INPROGRESS => WinsockError::Ewouldblock,
        errno => WinsockError::from_number(errno.raw_os_error()),
    }
}
