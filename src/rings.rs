//! Which slots belong together: rings through a table's slot numbers.
//!
//! Floor 0. Each owner keeps a [`Ring`], the number of its latest member; the links between members
//! are here. A slot is in one ring at a time. Adding, removing and the next member cost one step.

use crate::slots::{Slot, make_room};

/// The members of one owner, kept by the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    latest: Option<Slot>,
}

impl Ring {
    pub(crate) const EMPTY: Ring = Ring { latest: None };

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.latest.is_none()
    }
}

/// The links of one set of rings.
#[derive(Default)]
pub(crate) struct Rings {
    links_by_slot: Vec<Links>,
}

#[derive(Clone, Copy, Default)]
struct Links {
    next: Slot,
    previous: Slot,
}

impl Rings {
    #[inline]
    pub(crate) fn new() -> Rings {
        Rings::default()
    }

    /// Adds `slot` as the latest member.
    #[inline]
    pub(crate) fn push(&mut self, ring: &mut Ring, slot: Slot) {
        make_room(&mut self.links_by_slot, slot, Links::default());
        let links = &mut *self.links_by_slot;
        let (oldest, latest) = match ring.latest {
            Some(latest) => (links[latest as usize].next, latest),
            None => (slot, slot),
        };
        links[slot as usize] = Links { next: oldest, previous: latest };
        links[latest as usize].next = slot;
        links[oldest as usize].previous = slot;
        ring.latest = Some(slot);
    }

    /// Puts `slot` before the oldest member.
    #[inline]
    pub(crate) fn push_front(&mut self, ring: &mut Ring, slot: Slot) {
        let latest = ring.latest;
        self.push(ring, slot);
        ring.latest = latest.or(Some(slot));
    }

    /// Removes `slot`, a member of this ring.
    #[inline]
    pub(crate) fn remove(&mut self, ring: &mut Ring, slot: Slot) {
        let links = &mut *self.links_by_slot;
        let Links { next, previous } = links[slot as usize];
        if next == slot {
            ring.latest = None;
            return;
        }
        links[previous as usize].next = next;
        links[next as usize].previous = previous;
        if ring.latest == Some(slot) {
            ring.latest = Some(previous);
        }
    }

    /// The oldest member.
    #[inline]
    pub(crate) fn first(&self, ring: Ring) -> Option<Slot> {
        ring.latest.map(|latest| self.links_by_slot[latest as usize].next)
    }

    /// The members, oldest first.
    #[inline]
    pub(crate) fn iter(&self, ring: Ring) -> impl Iterator<Item = Slot> + '_ {
        let mut following = self.first(ring);
        std::iter::from_fn(move || {
            let slot = following?;
            following = (Some(slot) != ring.latest).then(|| self.links_by_slot[slot as usize].next);
            Some(slot)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn agrees_with_plain_lists_under_random_schedules() {
        for seed in 0..100 {
            let mut random = Random::new(seed);
            let mut rings = Rings::new();
            let mut owners = [Ring::EMPTY; 3];
            let mut model: [Vec<Slot>; 3] = Default::default();
            for step in 0..300 {
                let slot = random.below(12) as Slot;
                let owner = random.below(3) as usize;
                match model.iter().position(|members| members.contains(&slot)) {
                    Some(of) => {
                        rings.remove(&mut owners[of], slot);
                        model[of].retain(|&member| member != slot);
                    }
                    None if random.below(4) == 0 => {
                        rings.push_front(&mut owners[owner], slot);
                        model[owner].insert(0, slot);
                    }
                    None => {
                        rings.push(&mut owners[owner], slot);
                        model[owner].push(slot);
                    }
                }
                for (ring, members) in owners.iter().zip(&model) {
                    assert_eq!(&rings.iter(*ring).collect::<Vec<_>>(), members, "seed {seed} step {step}");
                    assert_eq!(ring.is_empty(), members.is_empty());
                }
            }
        }
    }
}
