//! How long the machine was suspended, for the timers that count it.
//!
//! Part of the pump. Asked only while there are such timers.

use std::time::Duration;

use super::Pump;

/// What differs by less is the time between two readings of clocks.
const SUSPEND_MIN: Duration = Duration::from_millis(1);

impl<T> Pump<T> {
    /// How long the machine was suspended since the engine was last told.
    pub(super) fn suspend_to_pass(&mut self) -> Duration {
        let Some(suspended) = self.outside.suspended() else { return Duration::ZERO };
        if !self.engine.counts_suspend() {
            self.suspended = suspended;
        }
        let slept = suspended.saturating_sub(self.suspended);
        if slept < SUSPEND_MIN { Duration::ZERO } else { slept }
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
            self.suspended += slept;
            self.engine.pass_suspend(slept);
        }
    }
}
