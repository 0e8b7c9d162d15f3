//! What every handler of every peer does with a message: it counts it, and adds one of its words up.

use std::cell::Cell;
use std::hint::black_box;

use crate::foreign::Words;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static SUM: Cell<u64> = const { Cell::new(0) };
}

/// The message number `count`.
pub fn words(count: u64) -> Words {
    Words { target: 1, number: 0x400, sent: 0, count: black_box(count) }
}

#[inline]
pub fn receive(words: &Words) {
    COUNT.set(COUNT.get() + 1);
    SUM.set(SUM.get().wrapping_add(black_box(words.count)));
}

/// As [`receive`], for C.
pub extern "C" fn receive_in_c(words: &Words) -> i32 {
    receive(words);
    0
}

/// How many messages this thread has received.
pub fn received() -> u64 {
    COUNT.get()
}

/// Ends the program unless each of `count` messages was received once.
pub fn assert_all_received(count: u64) {
    assert_eq!(received(), count, "messages received");
    assert_eq!(SUM.get(), count * (count - 1) / 2, "their contents");
}
