//! Sources of the program's own, watched beside the reactor's sockets.
//!
//! Part of the reactor. It owns them while they are watched, and knows nothing of what they are.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mio::Interest as Interests;
use mio::event::Source;

use super::{Reactor, Socket};
use crate::network::{SocketKey, SocketOwner};
use crate::watch::{Interest, Readiness};

/// A source whose type is forgotten, except for those who ask for it by the type.
pub(super) trait AnySource: Source + Any {}

impl<S: Source + Any> AnySource for S {}

impl Reactor {
    /// Watches a source. Where that fails, it stays with the caller.
    pub(crate) fn watch<S: Source + 'static>(
        &mut self,
        owner: SocketOwner,
        source: &mut Option<S>,
        interest: Interest,
    ) -> io::Result<SocketKey> {
        let offered = source.take().ok_or(io::ErrorKind::InvalidInput)?;
        let key = self.insert(Socket::Watched(Box::new(offered)), owner);
        let registered = catch_unwind(AssertUnwindSafe(|| self.register_at(key, interests(interest))));
        let result = registered.unwrap_or_else(|cause| {
            // The source's own code panicked: it goes, and what the system may have of it finds nobody.
            drop(self.sockets.remove(key));
            resume_unwind(cause)
        });
        if result.is_err() {
            let registered = self.sockets.remove(key).map(|registered| registered.socket);
            if let Some(Socket::Watched(refused)) = registered {
                let refused: Box<dyn Any> = refused;
                *source = refused.downcast().ok().map(|refused| *refused);
            }
        }
        result.map(|()| key)
    }

    /// A second descriptor of the same.
    #[cfg(unix)]
    pub(crate) fn duplicate(&mut self, descriptor: std::os::fd::BorrowedFd<'_>) -> io::Result<std::os::fd::OwnedFd> {
        self.with_a_descriptor(|_| descriptor.try_clone_to_owned())
    }

    /// The watched source behind a socket.
    pub(crate) fn source(&mut self, socket: SocketKey) -> Option<&mut dyn Any> {
        match &mut self.sockets.get_mut(socket)?.socket {
            Socket::Watched(source) => Some(&mut **source),
            _ => None,
        }
    }
}

pub(super) fn interests(interest: Interest) -> Interests {
    // Alone, so that what waits to be read is not told in its place.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if interest == Interest::PRIORITY {
        return Interests::PRIORITY;
    }
    let interests = match (interest.includes(Interest::READABLE), interest.includes(Interest::WRITABLE)) {
        (true, true) => Interests::READABLE | Interests::WRITABLE,
        (false, true) => Interests::WRITABLE,
        (_, false) => Interests::READABLE,
    };
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if interest.includes(Interest::PRIORITY) {
        return interests | Interests::PRIORITY;
    }
    interests
}

pub(super) fn readiness(event: &mio::event::Event) -> Readiness {
    Readiness::READABLE.when(event.is_readable())
        | Readiness::WRITABLE.when(event.is_writable())
        | Readiness::PRIORITY.when(event.is_priority())
        | Readiness::READ_CLOSED.when(event.is_read_closed())
        | Readiness::WRITE_CLOSED.when(event.is_write_closed())
        | Readiness::ERROR.when(event.is_error())
}
