//! Somebody else's descriptor, watched by a duplicate of its own.
//!
//! Part of the reactor. A bare number would not do: once its owner has closed it, the system gives the number
//! to another, and to stop watching would hit that one.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// The duplicate of a descriptor, as [`Pump::watch_descriptor`](crate::Pump::watch_descriptor) watches it.
#[derive(Debug)]
pub struct Descriptor(OwnedFd);

impl Descriptor {
    pub(crate) fn new(duplicate: OwnedFd) -> Descriptor {
        Descriptor(duplicate)
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Source for Descriptor {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).deregister(registry)
    }
}
