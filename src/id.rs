//! Names of things that can go stale.
//!
//! Floor 0. An id is eight bytes, `Copy`, and never zero. It holds a slot, the slot's generation and
//! the tag of the pump that gave it out, so an id that has outlived its thing reaches nobody, and an
//! id of another pump is told from one whose thing is over.
//!
//! No id is given out twice. Generations have 32 bits, of which slotmap keeps one for itself, and a slot that
//! was used 2^31 times is not used again.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};

use slotmap::{Key, KeyData};

/// How many things of one kind a pump can hold at a time: a slot number has 24 bits.
pub(crate) const SLOTS_MAX: usize = (1 << SLOT_BITS) - 1;

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const TAG_SHIFT: u32 = 32 + SLOT_BITS;

/// Tells the ids of one pump from those of another. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PumpTag(u8);

/// A tag that no other living pump has, while there are no more than 255. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct TagLease(PumpTag);

/// How many pumps have each tag.
struct Tags {
    latest: u8,
    pumps_by_tag: [usize; 256],
}

static TAGS: Mutex<Tags> = Mutex::new(Tags { latest: 0, pumps_by_tag: [0; 256] });

impl TagLease {
    pub(crate) fn new() -> TagLease {
        let mut tags = TAGS.lock().unwrap_or_else(PoisonError::into_inner);
        let next = tags.latest % u8::MAX + 1;
        // In turn, so that a tag comes round again as late as can be: old ids of a pump that is gone may be about.
        let in_turn = (next..=u8::MAX).chain(1..next);
        tags.latest = in_turn.into_iter().find(|&tag| tags.pumps_by_tag[usize::from(tag)] == 0).unwrap_or(next);
        let tag = tags.latest;
        tags.pumps_by_tag[usize::from(tag)] += 1;
        TagLease(PumpTag(tag))
    }

    pub(crate) fn tag(&self) -> PumpTag {
        self.0
    }
}

impl Drop for TagLease {
    fn drop(&mut self) {
        TAGS.lock().unwrap_or_else(PoisonError::into_inner).pumps_by_tag[usize::from(self.0.0)] -= 1;
    }
}

/// The bits of an id: tag, slot, generation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Bits(NonZeroU64);

impl Bits {
    #[inline]
    fn new<K: Key>(tag: PumpTag, key: K) -> Bits {
        let key = key.data().as_ffi();
        let (generation, slot) = (key >> 32, key & u64::from(u32::MAX));
        debug_assert!(slot <= SLOT_MASK, "tables refuse to grow past SLOTS_MAX");
        let bits = (u64::from(tag.0) << TAG_SHIFT) | (slot << 32) | generation;
        Bits(NonZeroU64::new(bits).expect("a pump's tag is never zero"))
    }

    #[inline]
    fn slot(self) -> usize {
        ((self.0.get() >> 32) & SLOT_MASK) as usize
    }

    #[inline]
    fn key<K: Key>(self, tag: PumpTag) -> Option<K> {
        let bits = self.0.get();
        let (generation, slot) = (bits & u64::from(u32::MAX), (bits >> 32) & SLOT_MASK);
        (bits >> TAG_SHIFT == u64::from(tag.0)).then(|| KeyData::from_ffi((generation << 32) | slot).into())
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.get();
        write!(f, "{}v{}", self.slot(), bits as u32)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $key:ident, $word:literal) => {
        slotmap::new_key_type! { pub(crate) struct $key; }

        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Bits);

        impl $name {
            #[inline]
            pub(crate) fn new(tag: PumpTag, key: $key) -> $name {
                $name(Bits::new(tag, key))
            }

            /// The table's key, if this id was given out by the pump of `tag`.
            #[inline]
            pub(crate) fn key(self, tag: PumpTag) -> Option<$key> {
                self.0.key(tag)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($word, " {}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id! {
    /// The address of messages, and the owner of operations.
    ///
    /// A window of this crate is not a picture on a screen. It is what a Win32 programmer knows as a
    /// message-only window: messages are addressed to it, operations belong to it, and when it is
    /// destroyed both are gone.
    WindowId, WindowKey, "window"
}

id! {
    /// Work that was started and will end in one final message, unless it is cancelled first.
    OperationId, OperationKey, "op"
}

id! {
    /// Operations that are cancelled together.
    GroupId, GroupKey, "group"
}

/// Makes the id of operations of one kind, which knows the types that they deal in.
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident<$($parameter:ident),+>, $word:literal) => {
        $(#[$doc])*
        pub struct $name<$($parameter),+> {
            operation: $crate::id::OperationId,
            types: std::marker::PhantomData<fn() -> ($($parameter,)+)>,
        }

        impl<$($parameter),+> $name<$($parameter),+> {
            pub(crate) fn new(operation: $crate::id::OperationId) -> Self {
                $name { operation, types: std::marker::PhantomData }
            }

            /// The same id without the types, as messages have it.
            pub fn id(self) -> $crate::id::OperationId {
                self.operation
            }
        }

        impl<$($parameter),+> Clone for $name<$($parameter),+> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($parameter),+> Copy for $name<$($parameter),+> {}

        impl<$($parameter),+> PartialEq for $name<$($parameter),+> {
            fn eq(&self, other: &Self) -> bool {
                self.operation == other.operation
            }
        }

        impl<$($parameter),+> Eq for $name<$($parameter),+> {}

        impl<$($parameter),+> std::hash::Hash for $name<$($parameter),+> {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.operation.hash(state);
            }
        }

        impl<$($parameter),+> std::fmt::Display for $name<$($parameter),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.operation.fmt(f)
            }
        }

        impl<$($parameter),+> std::fmt::Debug for $name<$($parameter),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($word, "{:?}"), self.operation)
            }
        }

        impl<$($parameter),+> From<$name<$($parameter),+>> for $crate::id::OperationId {
            fn from(id: $name<$($parameter),+>) -> Self {
                id.operation
            }
        }
    };
}

pub(crate) use typed_id;

/// Who gets an operation's messages, and the group it is cancelled with, if any.
///
/// A [`WindowId`] converts into one; [`WindowId::in_group`] adds the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub(crate) window: WindowId,
    pub(crate) group: Option<GroupId>,
}

impl OperationId {
    /// The number of its slot.
    pub(crate) fn slot(self) -> usize {
        self.0.slot()
    }

    /// All of it: a number that is never zero.
    pub(crate) fn bits(self) -> u64 {
        self.0.0.get()
    }
}

impl WindowId {
    /// The number of its slot.
    pub(crate) fn slot(self) -> usize {
        self.0.slot()
    }

    /// Names this window as the owner of an operation that shall also be in `group`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use msgpump::{Pump, Timer};
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// let blinking = pump.open_group();
    /// let timer = pump.set_timer(window.in_group(blinking), Timer::every(Duration::from_millis(500)))?;
    /// assert_eq!(pump.cancel_group(blinking).operations(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn in_group(self, group: GroupId) -> Owner {
        Owner { window: self, group: Some(group) }
    }
}

impl From<WindowId> for Owner {
    fn from(window: WindowId) -> Owner {
        Owner { window, group: None }
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn an_id_leads_back_to_its_key_in_its_own_pump_only() {
        let (ours, other) = (TagLease::new().tag(), TagLease::new().tag());
        let mut table: SlotMap<OperationKey, ()> = SlotMap::with_key();
        for _ in 0..100 {
            let key = table.insert(());
            let id = OperationId::new(ours, key);
            assert_eq!(id.key(ours), Some(key));
            assert_eq!(id.key(other), None);
        }
    }

    #[test]
    fn a_reused_slot_gives_another_id() {
        let tag = TagLease::new().tag();
        let mut table: SlotMap<WindowKey, ()> = SlotMap::with_key();
        let first = table.insert(());
        table.remove(first);
        let second = table.insert(());
        assert_ne!(WindowId::new(tag, first), WindowId::new(tag, second));
        assert_eq!(size_of::<Option<WindowId>>(), 8);
    }

    #[test]
    fn a_pump_that_lives_long_keeps_its_tag_to_itself() {
        let ours = TagLease::new();
        for _ in 0..1000 {
            assert_ne!(TagLease::new().tag(), ours.tag());
        }
    }
}
