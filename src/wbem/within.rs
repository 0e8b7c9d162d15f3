//! How much of objects may lie within others.
//!
//! Floor 5. Pure. Embedded objects are shared, so that a few of them make an object in which very many lie: one within
//! another which has it twice, and so on. What lies within an object is kept with it, so that to look costs no walk.

use super::convert::ValueErrorKind;

/// The most objects, and classes of theirs, that lie within each other: whoever compares, prints or drops an object
/// goes down all of them.
pub const EMBEDDED_DEPTH_MAX: usize = 64;

/// The most objects that lie within one, each counted as often as it is met: whoever compares or prints an object goes
/// through all of them.
pub const EMBEDDED_OBJECTS_MAX: usize = 65_536;

/// What of objects and classes lies within something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Within {
    /// How many lie within each other.
    depth: u32,
    /// How many there are.
    objects: u32,
}

impl Within {
    pub(super) const NOTHING: Within = Within { depth: 0, objects: 0 };

    /// What lies within a thing that has both within it.
    pub(super) fn beside(self, other: Within) -> Within {
        Within { depth: self.depth.max(other.depth), objects: self.objects.saturating_add(other.objects) }
    }

    /// What lies within a thing that has an object or a class with this within it.
    pub(super) fn wrapped(self) -> Within {
        Within { depth: self.depth.saturating_add(1), objects: self.objects.saturating_add(1) }
    }

    /// The same for a thing of a class, which goes as deep as its class and has its own objects.
    pub(super) fn of_class(self, class: Within) -> Within {
        Within { depth: self.depth.max(class.depth), ..self }
    }

    /// Says what is too much, if anything.
    pub(super) fn check(self) -> Result<(), ValueErrorKind> {
        if self.depth as usize > EMBEDDED_DEPTH_MAX {
            return Err(ValueErrorKind::TooDeep);
        }
        if self.has_too_many() {
            return Err(ValueErrorKind::TooMany);
        }
        Ok(())
    }

    pub(super) fn has_too_many(self) -> bool {
        self.objects as usize > EMBEDDED_OBJECTS_MAX
    }

    pub(super) fn has_more_than(self, other: Within) -> bool {
        self.objects > other.objects
    }

    /// Whether an event of the system's may have it within, which is around two objects that may have all that is allowed,
    /// or around such an event.
    pub(super) fn fits_an_event(self) -> bool {
        /// How many objects the system may put around one that has as many within each other as it may.
        const DEPTH_OF_EVENTS: usize = 4;
        self.depth as usize <= EMBEDDED_DEPTH_MAX + DEPTH_OF_EVENTS
            && self.objects as usize <= 2 * EMBEDDED_OBJECTS_MAX + DEPTH_OF_EVENTS
    }
}
