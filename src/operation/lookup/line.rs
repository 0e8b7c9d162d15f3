//! Those that wait, in the order in which they came.
//!
//! Part of the lookup machine: jobs stand in a line for a place, lookups for the hosts file.

use crate::rings::{Ring, Rings};
use crate::slots::Slot;

/// A line. Whoever is in it can leave it from any place.
pub(super) struct Line {
    members: Ring,
    links: Rings,
    len: usize,
}

impl Line {
    pub(super) fn new() -> Line {
        Line { members: Ring::EMPTY, links: Rings::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn first(&self) -> Option<Slot> {
        self.links.first(self.members)
    }

    /// Goes to the end.
    pub(super) fn push(&mut self, slot: Slot) {
        self.links.push(&mut self.members, slot);
        self.len += 1;
    }

    /// Goes to the head.
    pub(super) fn push_front(&mut self, slot: Slot) {
        self.links.push_front(&mut self.members, slot);
        self.len += 1;
    }

    /// Leaves the line, in which it is.
    pub(super) fn remove(&mut self, slot: Slot) {
        self.links.remove(&mut self.members, slot);
        self.len -= 1;
    }
}
