//! A table whose entries have generational keys for the outside and plain slot numbers inside.
//!
//! Floor 0. Slotmap holds the entries and knows which are alive. Links between entries that live and
//! die together need no such check: a slot number is half the size of a key, and the generation that
//! makes a key of it is remembered here.
//!
//! No two entries ever have the same key: a slot whose generations are used up is not used again.

use slotmap::{Key, KeyData, SlotMap};

use crate::id::SLOTS_MAX;

/// A slot number. Only meaningful while its entry is alive.
pub(crate) type Slot = u32;

/// The table of entries `R` with keys `K`. `LAST` is the last generation of a slot.
pub(crate) struct Slots<K: Key, R, const LAST: u32 = { u32::MAX }> {
    entries: SlotMap<K, R>,
    /// The generation of the entry that was last put into a slot.
    generations: Vec<u32>,
    /// How many slots are used no more, because their last generation is over.
    retired: usize,
}

impl<K: Key, R, const LAST: u32> Slots<K, R, LAST> {
    pub(crate) fn new() -> Slots<K, R, LAST> {
        Slots { entries: SlotMap::with_key(), generations: Vec::new(), retired: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() + self.retired >= SLOTS_MAX
    }

    /// Leaves no room, as if all other slots were used up.
    #[cfg(test)]
    pub(crate) fn fill(&mut self) {
        self.retired = SLOTS_MAX - self.entries.len();
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
        make_room(&mut self.generations, slot, 0);
        self.generations[slot as usize] = generation;
    }

    #[inline]
    pub(crate) fn remove(&mut self, mut key: K) -> Option<R> {
        while parts(key).1 == LAST {
            key = self.retire(key)?;
        }
        self.entries.remove(key)
    }

    /// Puts the slot of an entry out of use, because its next generation would be its first again. The entry
    /// moves to another slot, to be removed there: one way out for all entries is the quicker one.
    #[cold]
    fn retire(&mut self, key: K) -> Option<K> {
        // What is detached and never attached again is out of use.
        let entry = self.entries.detach(key)?;
        self.retired += 1;
        Some(self.entries.insert(entry))
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

/// Makes room for what is kept of `slot`, and of those before it, where there is none yet.
#[inline]
pub(crate) fn make_room<V: Copy>(values_by_slot: &mut Vec<V>, slot: Slot, value: V) {
    if values_by_slot.len() <= slot as usize {
        grow(values_by_slot, slot, value);
    }
}

/// Seldom needed, and kept out of the way of what is done for each operation.
#[cold]
fn grow<V: Copy>(values_by_slot: &mut Vec<V>, slot: Slot, value: V) {
    values_by_slot.resize(slot as usize + 1, value);
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::id::{OperationId, OperationKey, TagLease};

    /// Every second number is a generation: this leaves each slot four of them.
    const FOURTH: u32 = 7;

    #[test]
    fn no_id_is_given_out_twice_though_generations_run_out() {
        let tag = TagLease::new().tag();
        let mut table: Slots<OperationKey, usize, FOURTH> = Slots::new();
        let (mut ids, mut keys) = (HashSet::new(), Vec::new());
        for round in 0..100 {
            let held = [table.insert(round), table.insert(round)];
            for key in held {
                assert!(ids.insert(OperationId::new(tag, key)), "round {round}: {key:?} was given out before");
                assert_eq!((table.at(slot_of(key)), table.key_at(slot_of(key))), (&round, key));
                assert_eq!((table.remove(key), table.remove(key)), (Some(round), None));
            }
            keys.extend(held);
        }
        assert!(keys.iter().all(|&key| !table.contains(key)));
        let slots: HashSet<_> = keys.iter().map(|&key| slot_of(key)).collect();
        assert!(slots.len() >= 200 / 4, "a slot is used four times at most, then another one");
        assert!(table.len() == 0 && table.retired >= slots.len() - 2, "{} of {} retired", table.retired, slots.len());
    }

    #[test]
    fn retired_slots_count_against_the_range_of_slot_numbers() {
        let mut table: Slots<OperationKey, (), FOURTH> = Slots::new();
        while table.retired == 0 {
            let key = table.insert(());
            assert!(!table.is_full());
            table.remove(key);
        }
        table.retired = SLOTS_MAX - 1;
        assert!(!table.is_full());
        table.insert(());
        assert!(table.is_full());
    }

    /// The tables of a pump retire at the very generation after which slotmap would begin anew.
    #[test]
    fn the_last_generation_is_the_last_that_slotmap_can_tell() {
        fn last<K: Key, R, const LAST: u32>(_: &Slots<K, R, LAST>) -> u32 {
            LAST
        }
        let table: Slots<OperationKey, ()> = Slots::new();
        assert_eq!(last(&table), u32::MAX);
    }
}
