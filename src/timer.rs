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
#[must_use = "a timer does nothing until it is set"]
pub struct Timer {
    pub(crate) first: FirstTick,
    pub(crate) interval: Option<Duration>,
    pub(crate) clock: Clock,
}

/// Whether a timer goes on while the machine is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// It stands still then, as the monotonic clock does.
    Monotonic,
    /// It goes on, as the clock since boot does.
    Boot,
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
        Timer { first: FirstTick::After(delay), interval: None, clock: Clock::Monotonic }
    }

    /// Ticks once, at `deadline`; on the next turn if that is past.
    pub fn at(deadline: Instant) -> Timer {
        Timer { first: FirstTick::At(deadline), interval: None, clock: Clock::Monotonic }
    }

    /// Ticks every `interval`, the first time one interval from now. An interval of zero is refused.
    pub fn every(interval: Duration) -> Timer {
        Timer { first: FirstTick::After(interval), interval: Some(interval), clock: Clock::Monotonic }
    }

    /// Goes on ticking every `interval` after the first tick.
    pub fn then_every(mut self, interval: Duration) -> Timer {
        self.interval = Some(interval);
        self
    }

    /// Goes on while the machine is suspended (Linux). Other timers stand still then, with the clock of
    /// [`Instant`]: ten minutes are ten minutes of a machine that is awake.
    ///
    /// A timer that came due during the suspend ticks once when the machine is awake again, with the periods
    /// that passed in [`Tick::missed`](crate::Tick::missed). It does not wake the machine. A time shorter than
    /// a millisecond is not taken for a suspend.
    ///
    /// On other systems it makes no difference: macOS' clock stands still in sleep, that of Windows goes on.
    ///
    /// # Cost
    ///
    /// While there are such timers, three more readings of a clock before and after each wait, and on Linux a system call for each
    /// new next deadline of whatever kind.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use msgpump::simulation::Simulation;
    /// use msgpump::{Payload, Settings, Timer};
    ///
    /// let simulation = Simulation::new(1);
    /// let mut pump = simulation.pump::<()>(Settings::default());
    /// let window = pump.open_window();
    /// let hour = Duration::from_secs(3600);
    /// pump.set_timer(window, Timer::every(hour).counting_suspend())?;
    /// simulation.suspend(hour * 10); // the lid is closed
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// assert!(matches!(message.payload, Payload::Tick(tick) if tick.missed == 9));
    /// assert_eq!(simulation.elapsed(), Duration::ZERO);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counting_suspend(mut self) -> Timer {
        self.clock = Clock::Boot;
        self
    }
}
