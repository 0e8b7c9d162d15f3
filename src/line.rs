//! Those that wait, in the order in which they came.
//!
//! Floor 0. Jobs of the resolver stand in a line for a place, lookups for the hosts file, streams for their
//! next slice.

use crate::rings::{Ring, Rings};
use crate::slots::Slot;

/// A line. Whoever is in it can leave it from any place.
pub(crate) struct Line {
    members: Ring,
    links: Rings,
    len: usize,
}

impl Line {
    pub(crate) fn new() -> Line {
        Line { members: Ring::EMPTY, links: Rings::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn first(&self) -> Option<Slot> {
        self.links.first(self.members)
    }

    /// Goes to the end.
    pub(crate) fn push(&mut self, slot: Slot) {
        self.links.push(&mut self.members, slot);
        self.len += 1;
    }

    /// Goes to the head.
    pub(crate) fn push_front(&mut self, slot: Slot) {
        self.links.push_front(&mut self.members, slot);
        self.len += 1;
    }

    /// Leaves the line, in which it is.
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.links.remove(&mut self.members, slot);
        self.len -= 1;
    }
}
