//! A provider that does all that a provider may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use msgpump::{Provider, Slice, Step, StreamWaker};

use crate::random::Random;

/// What a provider that panics says, so that nobody is alarmed.
pub const ON_PURPOSE: &str = "on purpose";

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Has a stream woken by somebody else, after a while.
pub type Rouser = Arc<dyn Fn(StreamWaker) + Send + Sync>;

/// Numbers from zero on, a few at a time, sometimes none, sometimes after a pause or a wake.
pub struct Numbers {
    next: u64,
    length: u64,
    /// The longest pause.
    pause: Duration,
    random: Random,
    rouser: Rouser,
}

impl Numbers {
    pub fn new(length: u64, pause: Duration, random: Random, rouser: Rouser) -> Numbers {
        LIVE.fetch_add(1, SeqCst);
        Numbers { next: 0, length, pause, random, rouser }
    }

    /// How many there are at the moment, wherever.
    pub fn live() -> usize {
        LIVE.load(SeqCst)
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, SeqCst);
    }
}

impl Provider for Numbers {
    type Item = u64;
    type Status = u64;

    fn step(&mut self, slice: &mut Slice<'_, u64>) -> Step<u64> {
        for _ in 0..self.random.below(40) {
            if self.next == self.length {
                return Step::End(self.length);
            }
            if slice.push(self.next).is_err() {
                return Step::More;
            }
            self.next += 1;
        }
        match self.random.below(400) {
            0 => panic!("{ON_PURPOSE}"),
            1..60 => Step::At(slice.now() + self.random.time(self.pause)),
            60..120 => {
                (self.rouser)(slice.waker());
                Step::Parked
            }
            _ => Step::More,
        }
    }
}
