//! The words of watching a source: what is waited for, what is told, and the typed id.
//!
//! Floor 0. Words only.

use std::fmt;
use std::ops::BitOr;

use crate::id::typed_id;

/// What a source is watched for. An error and the end of both directions are always told; that the other side will send
/// no more, to who waits to read.
///
/// ```
/// use msgpump::Interest;
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.includes(Interest::READABLE));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// There is something to read, a connection to accept, or the end of what can be read.
    pub const READABLE: Interest = Interest(1);
    /// There is room to write, or the connection is made.
    pub const WRITABLE: Interest = Interest(2);
    /// There is urgent data (Linux only; elsewhere it is never told).
    pub const PRIORITY: Interest = Interest(4);

    /// Whether all of `other` is in it.
    pub fn includes(self, other: Interest) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            [(Interest::READABLE, "READABLE"), (Interest::WRITABLE, "WRITABLE"), (Interest::PRIORITY, "PRIORITY")];
        let names: Vec<_> =
            names.iter().filter(|(interest, _)| self.includes(*interest)).map(|entry| entry.1).collect();
        write!(f, "Interest({})", names.join(" | "))
    }
}

/// What the system said of a source. A hint: reading and writing say how it is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Readiness(u8);

impl Readiness {
    pub(crate) const READABLE: Readiness = Readiness(1);
    pub(crate) const WRITABLE: Readiness = Readiness(2);
    pub(crate) const PRIORITY: Readiness = Readiness(4);
    pub(crate) const READ_CLOSED: Readiness = Readiness(8);
    pub(crate) const WRITE_CLOSED: Readiness = Readiness(16);
    pub(crate) const ERROR: Readiness = Readiness(32);

    /// There is something to read, a connection to accept, or the end of what can be read.
    pub fn is_readable(self) -> bool {
        self.has(Readiness::READABLE)
    }

    /// There is room to write, or the connection is made.
    pub fn is_writable(self) -> bool {
        self.has(Readiness::WRITABLE)
    }

    /// There is urgent data.
    pub fn is_priority(self) -> bool {
        self.has(Readiness::PRIORITY)
    }

    /// The other side will send no more. What it sent before can still be read.
    pub fn is_read_closed(self) -> bool {
        self.has(Readiness::READ_CLOSED)
    }

    /// The other side takes no more.
    pub fn is_write_closed(self) -> bool {
        self.has(Readiness::WRITE_CLOSED)
    }

    /// There is an error to fetch, by reading or writing.
    pub fn is_error(self) -> bool {
        self.has(Readiness::ERROR)
    }

    fn has(self, bit: Readiness) -> bool {
        self.0 & bit.0 != 0
    }

    pub(crate) fn when(self, is_so: bool) -> Readiness {
        if is_so { self } else { Readiness(0) }
    }
}

impl BitOr for Readiness {
    type Output = Readiness;

    fn bitor(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Readiness::READABLE, "readable"),
            (Readiness::WRITABLE, "writable"),
            (Readiness::PRIORITY, "priority"),
            (Readiness::READ_CLOSED, "read closed"),
            (Readiness::WRITE_CLOSED, "write closed"),
            (Readiness::ERROR, "error"),
        ];
        let names: Vec<_> = names.iter().filter(|(bit, _)| self.has(*bit)).map(|entry| entry.1).collect();
        write!(f, "Readiness({})", names.join(", "))
    }
}

typed_id! {
    /// The id of a watched source of type `S`.
    ///
    /// It is an [`OperationId`](crate::OperationId) that knows what is watched.
    WatchId<S>, "Watch"
}
