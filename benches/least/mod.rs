//! The least that sets and kills a timer which belongs to somebody: written for this bench alone.
//!
//! A table, a ring of the owner's timers, and a heap that knows where each timer is. No limits, no errors told, no log, no
//! metrics, no other kinds of operations, no messages.

use std::time::Instant;

use slotmap::{DefaultKey, Key, SlotMap};

const ARITY: usize = 4;

type Slot = u32;

pub(crate) struct LeastTimers {
    epoch: Instant,
    owners: SlotMap<DefaultKey, Option<Slot>>,
    /// Whom each timer belongs to.
    timers: SlotMap<DefaultKey, DefaultKey>,
    /// The next and the previous timer of the same owner.
    neighbours: Vec<(Slot, Slot)>,
    /// Deadlines in nanoseconds, then the order in which they were set, and whose they are.
    heap: Vec<(u64, u64)>,
    places: Vec<Slot>,
    next_order: u64,
}

impl LeastTimers {
    pub(crate) fn new() -> LeastTimers {
        LeastTimers {
            epoch: Instant::now(),
            owners: SlotMap::new(),
            timers: SlotMap::new(),
            neighbours: Vec::new(),
            heap: Vec::new(),
            places: Vec::new(),
            next_order: 0,
        }
    }

    pub(crate) fn add_owner(&mut self) -> DefaultKey {
        self.owners.insert(None)
    }

    // Neither is inlined, as no library's are.
    #[inline(never)]
    pub(crate) fn set(&mut self, owner: DefaultKey, deadline: Instant) -> Option<DefaultKey> {
        let latest = self.owners.get_mut(owner)?;
        let key = self.timers.insert(owner);
        let slot = slot_of(key);
        if self.neighbours.len() <= slot {
            self.neighbours.resize(slot + 1, (0, 0));
            self.places.resize(slot + 1, 0);
        }
        let previous = latest.replace(slot as Slot).unwrap_or(slot as Slot);
        let next = if previous as usize == slot { previous } else { self.neighbours[previous as usize].0 };
        self.neighbours[slot] = (next, previous);
        self.neighbours[previous as usize].0 = slot as Slot;
        self.neighbours[next as usize].1 = slot as Slot;

        let nanos = deadline.saturating_duration_since(self.epoch).as_nanos() as u64;
        self.heap.push((nanos, self.next_order << 32 | slot as u64));
        self.next_order += 1;
        self.settle(self.heap.len() - 1);
        Some(key)
    }

    #[inline(never)]
    pub(crate) fn kill(&mut self, key: DefaultKey) -> bool {
        let Some(owner) = self.timers.remove(key) else { return false };
        let slot = slot_of(key);
        let (next, previous) = self.neighbours[slot];
        self.neighbours[previous as usize].0 = next;
        self.neighbours[next as usize].1 = previous;
        let latest = &mut self.owners[owner];
        if *latest == Some(slot as Slot) {
            *latest = (next as usize != slot).then_some(previous);
        }
        let place = self.places[slot] as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.settle(place);
        }
        true
    }

    /// Moves what is at `place` to where order demands.
    fn settle(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while place > 0 && entry < self.heap[(place - 1) / ARITY] {
            self.put(place, self.heap[(place - 1) / ARITY]);
            place = (place - 1) / ARITY;
        }
        loop {
            let first = place * ARITY + 1;
            let children = self.heap.iter().enumerate().skip(first).take(ARITY);
            match children.min_by_key(|&(_, child)| child) {
                Some((child, &soonest)) if soonest < entry => {
                    self.put(place, soonest);
                    place = child;
                }
                _ => break,
            }
        }
        self.put(place, entry);
    }

    fn put(&mut self, place: usize, entry: (u64, u64)) {
        self.heap[place] = entry;
        self.places[entry.1 as Slot as usize] = place as Slot;
    }
}

fn slot_of(key: DefaultKey) -> usize {
    key.data().as_ffi() as Slot as usize
}
