//! How long the machine was suspended, for the timers that count it.
//!
//! Part of the pump. Asked only while there are such timers.

use std::time::Duration;

use super::Pump;

/// What differs by less is the time between two readings of clocks.
const SUSPEND_MIN: Duration = Duration::from_millis(1);

/// How much of the time that the machine was suspended the engine has been told of. Unknown until the clocks
/// were read.
#[derive(Debug, Default)]
pub(super) struct Suspended(Option<Duration>);

impl Suspended {
    /// What the engine is to be told, where the machine was suspended for `reading` in all. What was before there
    /// were timers that count it is none of theirs.
    fn count(&mut self, reading: Option<Duration>, is_counted: bool) -> Duration {
        if !is_counted {
            self.0 = reading;
        }
        let Some(reading) = reading else { return Duration::ZERO };
        let slept = reading.saturating_sub(*self.0.get_or_insert(reading));
        if slept < SUSPEND_MIN { Duration::ZERO } else { slept }
    }

    /// The engine was told.
    fn pass(&mut self, slept: Duration) {
        self.0 = self.0.map(|passed| passed + slept);
    }
}

impl<T> Pump<T> {
    /// How long the machine was suspended since the engine was last told.
    pub(super) fn suspend_to_pass(&mut self) -> Duration {
        let suspended = self.outside.suspended();
        self.suspended.count(suspended, self.engine.counts_suspend())
    }

    /// Tells the engine if the machine was suspended.
    #[inline]
    pub(super) fn pass_suspend(&mut self) {
        if self.engine.counts_suspend() {
            self.pass_what_was_slept();
        }
    }

    fn pass_what_was_slept(&mut self) {
        let slept = self.suspend_to_pass();
        if !slept.is_zero() {
            self.suspended.pass(slept);
            self.engine.pass_suspend(slept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clocks are not always read close enough together; what was slept before a timer was set makes none tick.
    #[test]
    fn a_first_reading_that_fails_counts_nothing_of_before() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        for before in [None, hours(2)] {
            let mut suspended = Suspended(before);
            assert_eq!(suspended.count(None, false), Duration::ZERO);
            assert_eq!(suspended.count(hours(8), true), Duration::ZERO);
            assert_eq!(suspended.count(None, true), Duration::ZERO);
            let slept = suspended.count(hours(9), true);
            assert_eq!(Some(slept), hours(1));
            suspended.pass(slept);
            assert_eq!(suspended.count(hours(9), true), Duration::ZERO);
        }
    }
}
