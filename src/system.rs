//! The door to clock, randomness and files.
//!
//! Floor 3'. The only code that reads them. It keeps no state but what saves system calls.

use std::time::Instant;

/// How many random bytes are fetched at a time: one system call for 128 query ids.
const RANDOM_BYTES: usize = 256;

/// Reads the monotonic clock.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Unpredictable numbers from the system's generator, fetched in advance.
pub(crate) struct Randomness {
    bytes: [u8; RANDOM_BYTES],
    used: usize,
}

impl Randomness {
    pub(crate) fn new() -> Randomness {
        Randomness { bytes: [0; RANDOM_BYTES], used: RANDOM_BYTES }
    }

    pub(crate) fn next(&mut self) -> u16 {
        if self.used + 2 > RANDOM_BYTES {
            // It cannot fail on a system that has booted; an id that can be guessed is no option.
            getrandom::fill(&mut self.bytes).expect("the system's random generator works");
            self.used = 0;
        }
        let number = u16::from_le_bytes([self.bytes[self.used], self.bytes[self.used + 1]]);
        self.bytes[self.used..self.used + 2].fill(0);
        self.used += 2;
        number
    }
}
