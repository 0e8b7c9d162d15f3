//! The random inputs of the tests of this module: small, seeded, repeatable.

/// A xorshift generator; its seed is printed when a test that it drives fails.
pub(crate) struct Random(u64);

impl Random {
    /// Makes the generator of `seed`.
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Runs `test` with `count` generators, one after the other.
    pub(crate) fn seeds(count: u64, mut test: impl FnMut(&mut Random)) {
        /// Says which seed it was, if the test panics.
        struct Seed(u64);

        impl Drop for Seed {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    eprintln!("seed {}", self.0);
                }
            }
        }

        for seed in 0..count {
            let seed = Seed(seed);
            test(&mut Random::new(seed.0));
        }
        println!("{count} random inputs");
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number under `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 32) as usize % limit
    }

    /// One of `choices`.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Up to `most` letters out of `alphabet`.
    pub(crate) fn text(&mut self, alphabet: &str, most: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..self.below(most + 1)).map(|_| self.pick(&alphabet)).collect()
    }

    /// `text` with up to three letters replaced, removed or put in.
    pub(crate) fn mutate(&mut self, text: &str, alphabet: &str) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let mut letters: Vec<char> = text.chars().collect();
        for _ in 0..self.below(4) {
            let at = self.below(letters.len() + 1);
            match self.below(4) {
                0 if at < letters.len() => drop(letters.remove(at)),
                1 | 2 if at < letters.len() => letters[at] = self.pick(&alphabet),
                _ => letters.insert(at, self.pick(&alphabet)),
            }
        }
        letters.into_iter().collect()
    }
}
