//! What the loops in C all do, behind one face, for scenarios that treat them alike.

use super::{OnNumber, libev, libevent, libuv};

/// The functions of one library's loop. Its own module says what they do.
pub struct LoopInC {
    pub turn: extern "C" fn(),
    pub wait_turn: extern "C" fn(),
    pub run: extern "C" fn(),
    pub timers_make: extern "C" fn(count: u64, handler: OnNumber),
    pub timers_start: fn(deadlines: &[u64], base: u64),
    pub timers_stop: extern "C" fn(count: u64),
    pub watch: fn(descriptors: &[i32], handler: OnNumber),
}

/// The loop of one library's module.
macro_rules! loop_of {
    ($library:ident) => {
        LoopInC {
            turn: $library::turn,
            wait_turn: $library::wait_turn,
            run: $library::run,
            timers_make: $library::timers_make,
            timers_start: $library::timers_start,
            timers_stop: $library::timers_stop,
            watch: $library::watch,
        }
    };
}

pub const LIBUV: LoopInC = loop_of!(libuv);
/// It has to be opened first.
pub const LIBEVENT: LoopInC = loop_of!(libevent);
pub const LIBEV: LoopInC = loop_of!(libev);
