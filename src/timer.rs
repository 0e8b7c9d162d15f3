//! What a timer is asked to do.
//!
//! Floor 0. Words only.

use std::time::{Duration, Instant};

/// When a timer ticks: once, or again and again.
///
/// A tick never comes early. A repeating timer keeps its phase: its deadlines are whole intervals
/// apart however late a tick is taken, and periods that passed meanwhile are counted in
/// [`Tick::missed`](crate::Tick::missed) instead of coming in a burst.
///
/// Where the pump itself waits, a tick comes as exactly as the system can wake a thread: within tens of
/// microseconds on an idle machine with Linux (a system call more for each deadline, once it is nearer than
/// 20 ms), or macOS. Windows waits in milliseconds, rounded up, and its clock interrupt may add 16 of them.
/// In a foreign loop it is the host that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    pub(crate) first: FirstTick,
    pub(crate) interval: Option<Duration>,
}

/// When a timer first ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstTick {
    After(Duration),
    At(Instant),
}

impl Timer {
    /// Ticks once, `delay` from now. A delay of zero is due at once, but never in the turn in which it
    /// was set; a virtual clock must have moved since.
    pub fn once(delay: Duration) -> Timer {
        Timer { first: FirstTick::After(delay), interval: None }
    }

    /// Ticks once, at `deadline`; on the next turn if that is past.
    pub fn at(deadline: Instant) -> Timer {
        Timer { first: FirstTick::At(deadline), interval: None }
    }

    /// Ticks every `interval`, the first time one interval from now. An interval of zero is refused.
    pub fn every(interval: Duration) -> Timer {
        Timer { first: FirstTick::After(interval), interval: Some(interval) }
    }

    /// Goes on ticking every `interval` after the first tick.
    pub fn then_every(mut self, interval: Duration) -> Timer {
        self.interval = Some(interval);
        self
    }
}
