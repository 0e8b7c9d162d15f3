//! libevent's resolver: one socket and one port for all.

use std::time::Duration;

use super::{Asking, Resolver, Wanted, answered, name};
use crate::foreign::{c_library, libevent};

pub struct Evdns {
    started: usize,
}

thread_local!(static CANCELS_TOLD: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

/// Its socket keeps the system's receive buffer, which more answers than these overflow.
const IN_FLIGHT_MAX: usize = 64;

extern "C" fn looked_up(number: u64, error: i32, addresses: *const libc::addrinfo) {
    if libevent::is_cancelled(error) {
        CANCELS_TOLD.set(CANCELS_TOLD.get() + 1);
    } else {
        answered(number as usize, &c_library::addresses(addresses));
    }
}

impl Evdns {
    /// With as many questions in flight as there are, where none is answered anyway.
    pub fn open_unbounded(asking: Asking) -> Evdns {
        Evdns::with_in_flight(asking, 60_000)
    }

    fn with_in_flight(asking: Asking, in_flight: usize) -> Evdns {
        libevent::open(false, false);
        let timeout = asking.timeout.as_secs() as u32;
        libevent::lookups_make(asking.lookups, asking.server, in_flight, timeout, asking.attempts, looked_up);
        Evdns { started: 0 }
    }
}

impl Resolver for Evdns {
    fn open(asking: Asking) -> Evdns {
        Evdns::with_in_flight(asking, IN_FLIGHT_MAX)
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        libevent::lookup(number, &name(number), wanted.family());
        self.started += 1;
    }

    fn turn(&mut self, limit: Duration) {
        if limit.is_zero() {
            libevent::turn();
        } else {
            libevent::turn_for(limit.as_micros() as u64);
        }
    }

    fn cancel(&mut self, count: usize) -> usize {
        (0..count as u64).for_each(|number| libevent::lookup_cancel(number));
        0
    }

    fn are_cancels_told(&mut self) -> bool {
        CANCELS_TOLD.get() == self.started
    }

    fn close(self) {
        libevent::lookups_close();
        libevent::close();
    }
}
