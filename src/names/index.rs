//! Finds the entries of a table by a key that several may share, in the order of the file.
//!
//! Floor 1. Pure: its hash is the same in every run. It holds no text: a table keeps the names once
//! and the index knows eight bytes of each, so 100,000 lines cost two allocations that grow.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash};
use std::iter;
use std::num::NonZeroU32;

/// A hash without a random seed: these files belong to the machine's administrator.
pub(super) type FixedState = BuildHasherDefault<DefaultHasher>;

/// A name without its letter case, in eight bytes.
///
/// Two names may have the same key, so who finds an entry by it looks at the name as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NameKey(u64);

impl NameKey {
    /// The key of `name`: FNV-1a over its bytes, ASCII letters in lower case.
    pub(super) fn of(name: &str) -> NameKey {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(PRIME);
        NameKey(name.bytes().fold(BASIS, mix))
    }
}

/// Entry numbers by key.
pub(super) struct Index<K> {
    chains: HashMap<K, Chain, FixedState>,
    links: Vec<Link>,
}

/// The first and the last link of one key.
struct Chain {
    first: u32,
    last: u32,
}

/// One entry of a key, and the link after it: never link 0, which is the first of its chain.
struct Link {
    entry: u32,
    next: Option<NonZeroU32>,
}

impl<K: Hash + Eq> Index<K> {
    /// Adds `entry` after the others of `key`, unless it is the one added last.
    ///
    /// Counts fit in 32 bits because the text that the entries come from does.
    pub(super) fn add(&mut self, key: K, entry: u32) {
        let link = self.links.len() as u32;
        let chain = self.chains.entry(key).or_insert(Chain { first: link, last: link });
        if chain.last != link {
            let last = &mut self.links[chain.last as usize];
            if last.entry == entry {
                return;
            }
            last.next = NonZeroU32::new(link);
            chain.last = link;
        }
        self.links.push(Link { entry, next: None });
    }

    /// The entries of `key`, in the order in which they were added.
    pub(super) fn entries(&self, key: K) -> impl Iterator<Item = usize> + Clone {
        let first = self.chains.get(&key).map(|chain| chain.first);
        let links = iter::successors(first, |&link| self.links[link as usize].next.map(NonZeroU32::get));
        links.map(|link| self.links[link as usize].entry as usize)
    }
}

impl<K> Index<K> {
    /// An index that does not grow before it has `keys` keys.
    pub(super) fn with_capacity(keys: usize) -> Index<K> {
        Index {
            chains: HashMap::with_capacity_and_hasher(keys, FixedState::default()),
            links: Vec::with_capacity(keys),
        }
    }
}

impl<K> Default for Index<K> {
    fn default() -> Index<K> {
        Index::with_capacity(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_in_the_order_of_the_file_and_once() {
        let mut index = Index::default();
        for (key, entry) in [('a', 0), ('b', 0), ('a', 0), ('a', 1), ('b', 2), ('a', 2), ('a', 2)] {
            index.add(key, entry);
        }
        assert_eq!(index.entries('a').collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(index.entries('b').collect::<Vec<_>>(), [0, 2]);
        assert_eq!(index.entries('c').count(), 0);
    }

    #[test]
    fn name_keys_ignore_ascii_case_and_nothing_else() {
        assert!(NameKey::of("WWW.Example.org") == NameKey::of("www.example.ORG"));
        for (one, other) in [("a", "b"), ("ab", "ba"), ("a", "a."), ("\u{e4}", "\u{c4}"), ("", "a"), ("@", "`")] {
            assert!(NameKey::of(one) != NameKey::of(other), "{one:?} and {other:?}");
        }
    }
}
