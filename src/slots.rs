//! A table whose entries have generational keys for the outside and plain slot numbers inside.
//!
//! Floor 0. Slotmap gives out the keys and knows which are alive. Links between entries that live
//! and die together need no such check: a slot number is half the size of a key, and following it
//! costs one index.

use slotmap::{Key, KeyData, SlotMap};

use crate::id::SLOTS_MAX;

/// A slot number. Only meaningful while its entry is alive.
pub(crate) type Slot = u32;

/// The table of entries `R` with keys `K`.
pub(crate) struct Slots<K: Key, R> {
    keys: SlotMap<K, ()>,
    records: Vec<Record<R>>,
}

struct Record<R> {
    generation: u32,
    entry: Option<R>,
}

impl<K: Key, R> Slots<K, R> {
    pub(crate) fn new() -> Slots<K, R> {
        Slots { keys: SlotMap::with_key(), records: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.keys.len() >= SLOTS_MAX
    }

    /// Adds an entry. The caller has made sure that the table is not full.
    pub(crate) fn insert(&mut self, entry: R) -> K {
        let key = self.keys.insert(());
        self.fill(key, entry);
        key
    }

    fn fill(&mut self, key: K, entry: R) {
        let (slot, generation) = parts(key);
        // Slotmap reserves slot 0, so the table of records may start two slots behind.
        while self.records.len() <= slot as usize {
            self.records.push(Record { generation: 0, entry: None });
        }
        self.records[slot as usize] = Record { generation, entry: Some(entry) };
    }

    /// Adds an entry that is made knowing its own key, unless making it fails.
    pub(crate) fn try_insert_with<E>(&mut self, make: impl FnOnce(K) -> Result<R, E>) -> Result<K, E> {
        let key = self.keys.insert(());
        match make(key) {
            Ok(entry) => {
                self.fill(key, entry);
                Ok(key)
            }
            Err(error) => {
                self.keys.remove(key);
                Err(error)
            }
        }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<R> {
        self.keys.remove(key)?;
        self.records[slot_of(key) as usize].entry.take()
    }

    pub(crate) fn get(&self, key: K) -> Option<&R> {
        let (slot, generation) = parts(key);
        let record = self.records.get(slot as usize)?;
        if record.generation == generation { record.entry.as_ref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut R> {
        let (slot, generation) = parts(key);
        let record = self.records.get_mut(slot as usize)?;
        if record.generation == generation { record.entry.as_mut() } else { None }
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    /// The key of the living entry in `slot`.
    pub(crate) fn key_at(&self, slot: Slot) -> K {
        let generation = self.records[slot as usize].generation;
        KeyData::from_ffi((u64::from(generation) << 32) | u64::from(slot)).into()
    }

    /// The living entry in `slot`.
    pub(crate) fn at(&self, slot: Slot) -> &R {
        self.records[slot as usize].entry.as_ref().expect("links lead to living entries only")
    }

    /// The living entry in `slot`.
    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut R {
        self.records[slot as usize].entry.as_mut().expect("links lead to living entries only")
    }
}

/// The slot number inside a key.
pub(crate) fn slot_of<K: Key>(key: K) -> Slot {
    parts(key).0
}

fn parts<K: Key>(key: K) -> (Slot, u32) {
    let bits = key.data().as_ffi();
    (bits as u32, (bits >> 32) as u32)
}
