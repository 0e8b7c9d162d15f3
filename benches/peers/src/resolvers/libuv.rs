//! libuv's `uv_getaddrinfo`: the C library on a pool of four threads, of which two look names up.

use std::time::Duration;

use super::{Asking, Resolver, Wanted, answered, name};
use crate::foreign::{c_library, libuv};

pub struct Libuv {
    /// How many said that they are cancelled.
    cancelled: usize,
}

/// `UV_EAI_CANCELED`.
const CANCELLED: i32 = -3003;

thread_local!(static CANCELS_TOLD: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

extern "C" fn looked_up(number: u64, error: i32, addresses: *const libc::addrinfo) {
    if error == CANCELLED {
        CANCELS_TOLD.set(CANCELS_TOLD.get() + 1);
    } else {
        answered(number as usize, &c_library::addresses(addresses));
    }
}

impl Resolver for Libuv {
    fn open(asking: Asking) -> Libuv {
        // Makes the loop, whose descriptors are no lookup's.
        libuv::turn();
        libuv::lookups_make(asking.lookups as u64, looked_up);
        Libuv { cancelled: 0 }
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        libuv::lookup(number, &name(number), wanted.family());
    }

    fn turn(&mut self, limit: Duration) {
        if limit.is_zero() {
            libuv::turn();
        } else {
            libuv::turn_for(limit.as_millis() as u64);
        }
    }

    fn cancel(&mut self, count: usize) -> usize {
        self.cancelled = (0..count as u64).filter(|&number| libuv::lookup_cancel(number)).count();
        count - self.cancelled
    }

    fn are_cancels_told(&mut self) -> bool {
        CANCELS_TOLD.get() == self.cancelled
    }

    fn close(self) {
        // A loop cannot be closed while a request is under way, nor the memory of one freed: it runs until all are over.
        libuv::close();
    }
}
