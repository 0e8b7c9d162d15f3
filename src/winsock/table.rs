//! Tables by handles and ids.
//!
//! Floor 5. Their keys are given out one after the other, by this crate, so a multiplication spreads them well
//! enough, and costs a tenth of the standard library's hash.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table by a handle or an id.
pub(super) type Table<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;

/// Spreads numbers over the whole range.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Spread {
    fn add(&mut self, number: u64) {
        // The odd number next to 2^64 divided by the golden ratio.
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        self.0 = (self.0 ^ number).wrapping_mul(FACTOR);
    }
}

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.add(byte.into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.add(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn finish(&self) -> u64 {
        // A table looks at the lowest bits first, and the product has its best ones on top.
        self.0.rotate_left(26)
    }
}
