//! A table whose entries have generational keys for the outside and plain slot numbers inside.
//!
//! Floor 0. Slotmap holds the entries and knows which are alive. Links between entries that live and
//! die together need no such check: a slot number is half the size of a key, and the generation that
//! makes a key of it is remembered here.

use slotmap::{Key, KeyData, SlotMap};

use crate::id::SLOTS_MAX;

/// A slot number. Only meaningful while its entry is alive.
pub(crate) type Slot = u32;

/// The table of entries `R` with keys `K`.
pub(crate) struct Slots<K: Key, R> {
    entries: SlotMap<K, R>,
    /// The generation of the entry that was last put into a slot.
    generations: Vec<u32>,
}

impl<K: Key, R> Slots<K, R> {
    pub(crate) fn new() -> Slots<K, R> {
        Slots { entries: SlotMap::with_key(), generations: Vec::new() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= SLOTS_MAX
    }

    /// Adds an entry. The caller has made sure that the table is not full.
    #[inline]
    pub(crate) fn insert(&mut self, entry: R) -> K {
        let key = self.entries.insert(entry);
        self.remember(key);
        key
    }

    /// Adds an entry that is made knowing its own key, unless making it fails.
    pub(crate) fn try_insert_with<E>(&mut self, make: impl FnOnce(K) -> Result<R, E>) -> Result<K, E> {
        let key = self.entries.try_insert_with_key(make)?;
        self.remember(key);
        Ok(key)
    }

    #[inline]
    fn remember(&mut self, key: K) {
        let (slot, generation) = parts(key);
        if self.generations.len() <= slot as usize {
            self.generations.resize(slot as usize + 1, 0);
        }
        self.generations[slot as usize] = generation;
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: K) -> Option<R> {
        self.entries.remove(key)
    }

    #[inline]
    pub(crate) fn get(&self, key: K) -> Option<&R> {
        self.entries.get(key)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut R> {
        self.entries.get_mut(key)
    }

    #[inline]
    pub(crate) fn contains(&self, key: K) -> bool {
        self.entries.contains_key(key)
    }

    /// The key of the living entry in `slot`.
    #[inline]
    pub(crate) fn key_at(&self, slot: Slot) -> K {
        let generation = self.generations[slot as usize];
        KeyData::from_ffi((u64::from(generation) << 32) | u64::from(slot)).into()
    }

    /// The living entry in `slot`.
    #[inline]
    pub(crate) fn at(&self, slot: Slot) -> &R {
        self.entries.get(self.key_at(slot)).expect("links lead to living entries only")
    }

    /// The living entry in `slot`.
    #[inline]
    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut R {
        let key = self.key_at(slot);
        self.entries.get_mut(key).expect("links lead to living entries only")
    }
}

/// The slot number inside a key.
#[inline]
pub(crate) fn slot_of<K: Key>(key: K) -> Slot {
    parts(key).0
}

#[inline]
fn parts<K: Key>(key: K) -> (Slot, u32) {
    let bits = key.data().as_ffi();
    (bits as u32, (bits >> 32) as u32)
}
