//! Deadlines, soonest first.
//!
//! Floor 1. Pure. A heap in which every node has four children, so that the children of one node
//! share a cache line, with the place of each entry known: setting and removing cost a walk along
//! one branch, and the next deadline is always the first entry. Equal deadlines come in the order
//! in which they were set.

use std::time::Duration;

use crate::moment::Moment;
use crate::slots::{Slot, make_room};

const ARITY: usize = 4;

/// An absent entry's place.
const NOWHERE: u32 = u32::MAX;

/// The deadlines of whatever is numbered by [`Slot`]s, at most one for each.
#[derive(Default)]
pub(crate) struct Timers {
    heap: Vec<Entry>,
    /// Where in the heap the deadline of a slot is.
    places_by_slot: Vec<u32>,
    next_order: u32,
}

/// A deadline, in two numbers that travel in registers.
#[derive(Clone, Copy)]
struct Entry {
    deadline: Moment,
    /// What counts up with each deadline set, and whose deadline it is.
    order_and_slot: u64,
}

impl Entry {
    #[inline]
    fn new(deadline: Moment, order: u32, slot: Slot) -> Entry {
        Entry { deadline, order_and_slot: (u64::from(order) << 32) | u64::from(slot) }
    }

    #[inline]
    fn slot(self) -> Slot {
        self.order_and_slot as Slot
    }

    #[inline]
    fn is_before(self, other: Entry) -> bool {
        // The order is compared with wrap-around, so that of those less than 2^31 settings apart the older comes first.
        let is_older = (self.order_and_slot.wrapping_sub(other.order_and_slot) as i64) < 0;
        self.deadline < other.deadline || self.deadline == other.deadline && is_older
    }
}

impl Timers {
    #[inline]
    pub(crate) fn new() -> Timers {
        Timers::default()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// The soonest deadline and whose it is.
    #[inline]
    pub(crate) fn first(&self) -> Option<(Moment, Slot)> {
        self.heap.first().map(|entry| (entry.deadline, entry.slot()))
    }

    /// The slot of the soonest deadline that `wanted` accepts. Looks at all of them.
    #[inline]
    pub(crate) fn first_that(&self, mut wanted: impl FnMut(Moment, Slot) -> bool) -> Option<Slot> {
        let accepted = self.heap.iter().copied().filter(|entry| wanted(entry.deadline, entry.slot()));
        accepted.reduce(|best, entry| if entry.is_before(best) { entry } else { best }).map(Entry::slot)
    }

    /// Sets the deadline of `slot`, in place of one it may have.
    #[inline]
    pub(crate) fn set(&mut self, slot: Slot, deadline: Moment) {
        let entry = Entry::new(deadline, self.next_order, slot);
        self.next_order = self.next_order.wrapping_add(1);
        make_room(&mut self.places_by_slot, slot, NOWHERE);
        match self.places_by_slot[slot as usize] {
            NOWHERE => {
                let place = self.heap.len();
                self.heap.push(entry);
                if self.is_before_parent(place, entry) {
                    self.sift_up(place, entry);
                } else {
                    self.places_by_slot[slot as usize] = place as u32;
                }
            }
            place => self.settle(place as usize, entry),
        }
    }

    /// Brings the deadlines of the slots that `wanted` accepts forward, and says how many they are. Equal
    /// deadlines keep their order. Looks at all of them.
    pub(crate) fn bring_forward(&mut self, interval: Duration, wanted: impl Fn(Slot) -> bool) -> usize {
        let mut count = 0;
        for entry in self.heap.iter_mut().filter(|entry| wanted(entry.slot())) {
            entry.deadline = entry.deadline.saturating_sub(interval);
            count += 1;
        }
        for place in (0..self.heap.len()).rev() {
            self.sift_down(place, self.heap[place]);
        }
        count
    }

    /// Removes the deadline of `slot` and says whether there was one.
    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot) -> bool {
        let Some(place) = self.places_by_slot.get_mut(slot as usize) else { return false };
        let place = std::mem::replace(place, NOWHERE);
        if place == NOWHERE {
            return false;
        }
        let moved = self.heap.pop().expect("a place is known only of entries in the heap");
        if (place as usize) < self.heap.len() {
            self.settle(place as usize, moved);
        }
        true
    }

    /// The deadline of `slot`, if one is set.
    #[inline]
    pub(crate) fn deadline(&self, slot: Slot) -> Option<Moment> {
        let &place = self.places_by_slot.get(slot as usize)?;
        self.heap.get(place as usize).map(|entry| entry.deadline)
    }

    /// Puts `entry` at `place`, or where order demands from there.
    #[inline]
    fn settle(&mut self, place: usize, entry: Entry) {
        if self.is_before_parent(place, entry) {
            self.sift_up(place, entry);
        } else {
            self.sift_down(place, entry);
        }
    }

    #[inline]
    fn is_before_parent(&self, place: usize, entry: Entry) -> bool {
        place > 0 && entry.is_before(self.heap[(place - 1) / ARITY])
    }

    #[inline]
    fn sift_up(&mut self, mut place: usize, entry: Entry) {
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if !entry.is_before(self.heap[parent]) {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, entry);
    }

    #[inline]
    fn sift_down(&mut self, mut place: usize, entry: Entry) {
        loop {
            let first_child = place * ARITY + 1;
            let Some(children) = self.heap.get(first_child..) else { break };
            let mut soonest: Option<(usize, Entry)> = None;
            for (index, &child) in children.iter().take(ARITY).enumerate() {
                if soonest.is_none_or(|(_, best)| child.is_before(best)) {
                    soonest = Some((first_child + index, child));
                }
            }
            match soonest {
                Some((child_place, child)) if child.is_before(entry) => {
                    self.put(place, child);
                    place = child_place;
                }
                _ => break,
            }
        }
        self.put(place, entry);
    }

    #[inline]
    fn put(&mut self, place: usize, entry: Entry) {
        self.heap[place] = entry;
        self.places_by_slot[entry.slot() as usize] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn at(nanos: u64) -> Moment {
        Moment::START.saturating_add(Duration::from_nanos(nanos))
    }

    #[test]
    fn agrees_with_a_sorted_list_under_random_schedules() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let (mut timers, mut model) = (Timers::new(), Vec::<(u64, usize, Slot)>::new());
            for step in 0..400 {
                let slot = random.below(24) as Slot;
                match random.below(10) {
                    0 => {
                        let (earlier, odd) = (random.below(8), random.below(2) as Slot);
                        let wanted = |slot: Slot| slot % 2 == odd;
                        let count = timers.bring_forward(Duration::from_nanos(earlier), wanted);
                        let moved = model.iter_mut().filter(|entry| wanted(entry.2));
                        assert_eq!(moved.map(|entry| entry.0 -= earlier).count(), count, "seed {seed} step {step}");
                        model.sort();
                    }
                    1..=6 => {
                        // Brought forward 400 times, it is still none of the past.
                        let deadline = 4000 + random.below(16);
                        timers.set(slot, at(deadline));
                        model.retain(|entry| entry.2 != slot);
                        model.push((deadline, step, slot));
                        model.sort();
                    }
                    _ => {
                        let before = model.len();
                        model.retain(|entry| entry.2 != slot);
                        assert_eq!(timers.remove(slot), model.len() < before, "seed {seed} step {step}");
                    }
                }
                let expected = model.first().map(|&(deadline, _, slot)| (at(deadline), slot));
                assert_eq!(timers.first(), expected, "seed {seed} step {step}");
                assert_eq!(timers.len(), model.len());
                // As a wait does that passes what is due, and a filter that wants some.
                let wanted = |deadline: Moment, slot: Slot| deadline > at(4000) && slot.is_multiple_of(3);
                let expected = model.iter().find(|&&(deadline, _, slot)| wanted(at(deadline), slot));
                assert_eq!(timers.first_that(wanted), expected.map(|entry| entry.2), "seed {seed} step {step}");
            }
            while let Some((deadline, slot)) = timers.first() {
                let expected = model.remove(0);
                assert_eq!((deadline, slot), (at(expected.0), expected.2), "seed {seed} at the end");
                assert_eq!(timers.deadline(slot), Some(deadline));
                timers.remove(slot);
            }
        }
    }

    #[test]
    fn the_order_of_equal_deadlines_survives_the_wrap_of_its_counter() {
        for slots in [[0, 1, 2, 3], [3, 2, 1, 0]] {
            let mut timers = Timers { next_order: u32::MAX - 1, ..Timers::new() };
            slots.into_iter().for_each(|slot| timers.set(slot, at(7)));
            for slot in slots {
                assert_eq!(timers.first(), Some((at(7), slot)));
                timers.remove(slot);
            }
        }
    }
}
