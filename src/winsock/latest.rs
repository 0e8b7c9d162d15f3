//! A memory of what is over and may still be asked for.
//!
//! Floor 5. Pure.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// How many are remembered: many more than sockets and requests live, unless the program allows more.
const REMEMBERED_MAX: usize = 65_536;

/// The latest of those that were added.
pub(super) struct Latest<K> {
    remembered: HashSet<K>,
    /// In the order in which they came, those that were taken among them.
    order: VecDeque<K>,
}

impl<K: Copy + Eq + Hash> Latest<K> {
    pub(super) fn new() -> Latest<K> {
        Latest { remembered: HashSet::new(), order: VecDeque::new() }
    }

    /// Remembers one more, and forgets the oldest where there are too many.
    pub(super) fn add(&mut self, key: K) {
        if self.order.len() == REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        if self.remembered.insert(key) {
            self.order.push_back(key);
        }
    }

    /// Whether it is remembered. Told once.
    pub(super) fn take(&mut self, key: K) -> bool {
        !self.remembered.is_empty() && self.remembered.remove(&key)
    }

    pub(super) fn clear(&mut self) {
        self.remembered.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_ones_are_forgotten_first_and_each_is_told_once() {
        let mut latest = Latest::new();
        (0..REMEMBERED_MAX + 2).for_each(|key| latest.add(key));
        let told = [0, 1, 2, REMEMBERED_MAX + 1].map(|key| latest.take(key));
        assert_eq!(told, [false, false, true, true]);
        assert!(!latest.take(2));
        latest.clear();
        assert!(!latest.take(3));
    }
}
