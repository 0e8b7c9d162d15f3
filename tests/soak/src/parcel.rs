//! What is posted, counted from its making to its end.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// A post. Those of one sender have rising numbers.
#[derive(Debug)]
pub struct Parcel {
    pub sender: usize,
    pub number: u64,
    /// The payload's weight in memory.
    _weight: Box<[u8; 48]>,
}

impl Parcel {
    pub fn new(sender: usize, number: u64) -> Parcel {
        LIVE.fetch_add(1, SeqCst);
        Parcel { sender, number, _weight: Box::new([0; 48]) }
    }

    /// How many there are at the moment, wherever.
    pub fn live() -> usize {
        LIVE.load(SeqCst)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, SeqCst);
    }
}
