//! Time as the engine knows it: nanoseconds, counted from the making of the pump.
//!
//! Floor 0. No clock is read here: a moment is made from an instant that somebody else read. One
//! word instead of the operating system's two keeps deadlines cheap to store and to compare.

use std::time::{Duration, Instant};

use crate::timer::Clock;

/// A point on the pump's time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// The making of the pump. Far from zero: a deadline that counts a suspend may come to lie before it.
    pub(crate) const START: Moment = Moment(1 << 62);

    /// The moment `interval` later, or `None` beyond the range of the time line (438 years).
    #[inline]
    pub(crate) fn checked_add(self, interval: Duration) -> Option<Moment> {
        u64::try_from(interval.as_nanos()).ok().and_then(|nanos| self.0.checked_add(nanos)).map(Moment)
    }

    /// The moment `interval` later, at most the end of the time line.
    #[inline]
    pub(crate) fn saturating_add(self, interval: Duration) -> Moment {
        self.checked_add(interval).unwrap_or(Moment(u64::MAX))
    }

    /// The moment `interval` earlier, at least the beginning of the time line, 146 years before its start.
    #[inline]
    pub(crate) fn saturating_sub(self, interval: Duration) -> Moment {
        Moment(self.0.saturating_sub(u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time from `earlier` until this moment; zero if it is not earlier.
    #[inline]
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The sooner of two moments that there may be.
    #[inline]
    pub(crate) fn sooner(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            _ => one.or(other),
        }
    }

    /// The next moment that can be told from this one.
    #[inline]
    pub(crate) fn successor(self) -> Moment {
        Moment(self.0.saturating_add(1))
    }
}

/// Turns instants into moments and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLine {
    epoch: Instant,
}

impl TimeLine {
    #[inline]
    pub(crate) fn starting_at(epoch: Instant) -> TimeLine {
        TimeLine { epoch }
    }

    /// The moment of `instant`, at most the end of the time line.
    #[inline]
    pub(crate) fn moment(self, instant: Instant) -> Moment {
        self.checked_moment(instant).unwrap_or(Moment(u64::MAX))
    }

    /// The moment of `instant`, or `None` beyond the range of the time line.
    #[inline]
    pub(crate) fn checked_moment(self, instant: Instant) -> Option<Moment> {
        Moment::START.checked_add(instant.saturating_duration_since(self.epoch))
    }

    /// The instant of `moment`, or `None` where the operating system's clock cannot express it.
    #[inline]
    pub(crate) fn instant(self, moment: Moment) -> Option<Instant> {
        if moment < Moment::START {
            // Whatever is that long past is past.
            return Some(self.epoch);
        }
        self.epoch.checked_add(moment.since(Moment::START))
    }
}

/// How long a wait may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all: it only looks.
    None,
    /// Until the deadline; `now` is what the clock said just before. With the clock since boot, the wait is
    /// over sooner if the machine sleeps meanwhile.
    Until { now: Instant, deadline: Instant, clock: Clock },
    /// Until something happens.
    Forever,
}
