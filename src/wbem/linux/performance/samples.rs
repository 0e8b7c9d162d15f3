//! Two readings of the same counters, and what they are to each other.
//!
//! Floor 5.

use std::cell::RefCell;

use super::super::machine::Machine;

/// The least time between two readings, in microseconds: the kernel's own tick. Within it nothing rises.
pub(super) const INTERVAL_MIN: i64 = 10_000;

/// The reading before this one.
pub(super) struct Samples<T> {
    earlier: RefCell<Option<(i64, T)>>,
}

/// Counters now, and those of before with the seconds between.
#[derive(Clone, Debug)]
pub(super) struct Pair<T> {
    pub(super) now: T,
    pub(super) earlier: Option<(T, f64)>,
}

impl<T: Clone> Samples<T> {
    pub(super) fn new() -> Samples<T> {
        Samples { earlier: RefCell::new(None) }
    }

    /// Puts a new reading in the place of the one before, and gives both.
    pub(super) fn pair(&self, machine: &Machine, now: T) -> Pair<T> {
        let time = machine.monotonic();
        let mut kept = self.earlier.borrow_mut();
        match &*kept {
            Some((earlier, _)) if time - earlier < INTERVAL_MIN => Pair { now, earlier: None },
            _ => {
                let earlier = kept.replace((time, now.clone()));
                Pair { now, earlier: earlier.map(|(earlier, counters)| (counters, seconds(time - earlier))) }
            }
        }
    }
}

impl<T> Pair<T> {
    /// How much a counter rises in a second; `None` without an earlier reading, or if it fell.
    pub(super) fn rate(&self, counter: impl Fn(&T) -> Option<u64>) -> Option<u64> {
        let (earlier, seconds) = self.earlier.as_ref()?;
        rate(counter(&self.now)?, counter(earlier)?, *seconds)
    }
}

/// How much a counter rose in a second; `None` if it fell, so was set anew.
pub(super) fn rate(now: u64, earlier: u64, seconds: f64) -> Option<u64> {
    Some((now.checked_sub(earlier)? as f64 / seconds).round() as u64)
}

/// Microseconds in seconds.
pub(super) fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::super::super::machine::Roots;
    use super::*;

    #[test]
    fn a_rate_needs_two_readings_and_time_between_them() {
        let machine = Machine::of_files(Roots::below("/nowhere"), 0);
        let samples = Samples::new();
        let rate_at = |time: i64, counter: u64| {
            machine.set_clock(time);
            samples.pair(&machine, counter).rate(|counter| Some(*counter))
        };
        for (time, counter, expected) in [
            (0, 100, None),
            (9_999, 150, None),
            (500_000, 200, Some(200)),
            (1_500_000, 201, Some(1)),
            (2_500_000, 7, None),
            (4_500_000, 8, Some(1)),
        ] {
            assert_eq!(rate_at(time, counter), expected, "{time}");
        }
    }
}
