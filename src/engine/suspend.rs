//! Timers that go on while the machine is suspended.
//!
//! Part of the engine. All deadlines are on one time line, which stands still meanwhile. When the machine
//! has slept, the deadlines of these timers come nearer by as much, so that the next deadline and the order
//! stay what they are for all others.

use std::time::Duration;

use super::Engine;
use crate::operation::Work;
use crate::slots::Slot;
use crate::timer::Clock;

impl<T> Engine<T> {
    /// Whether there are timers that must be told when the machine has slept.
    pub(crate) fn counts_suspend(&self) -> bool {
        self.boot_timers > 0
    }

    /// The machine has slept for `slept` since this was last said, or since the first such timer was set.
    pub(crate) fn pass_suspend(&mut self, slept: Duration) {
        let Engine { timers, operations, .. } = self;
        let counts = |slot: Slot| matches!(operations.at(slot).work, Work::Timer { clock: Clock::Boot, .. });
        let count = timers.bring_forward(slept, counts);
        debug_assert_eq!(count, self.boot_timers);
        log::debug!(target: "msgpump::timer", "the machine slept for {slept:?}: {count} timers count that");
    }

    /// A timer with `clock` has come.
    #[inline]
    pub(super) fn enter_timer(&mut self, clock: Clock) {
        self.boot_timers += usize::from(clock == Clock::Boot);
    }

    /// A timer with `clock` is gone.
    #[inline]
    pub(super) fn leave_timer(&mut self, clock: Clock) {
        self.boot_timers -= usize::from(clock == Clock::Boot);
    }
}
