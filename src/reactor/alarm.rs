//! A timer of the system inside the readiness queue, for moments that the queue's own waits are too coarse for.
//!
//! Part of the reactor. On Linux epoll_wait counts whole milliseconds, and the kernel may let it end late by
//! the thread's timer slack (`PR_SET_TIMERSLACK` in prctl(2)), or by a thousandth of the time, up to 100 ms
//! (`select_estimate_accuracy` in its fs/select.c). A timer descriptor counts nanoseconds and is granted no slack. Setting it costs a system call, so it is set only
//! for what is near; what is far is waited for in milliseconds, until it is near. It also goes on while the
//! machine is suspended, which those waits do not.
//!
//! It is never read: the readiness queue tells of each ring once, and setting it anew makes it ring again.

use std::time::Duration;

/// The longest that one wait of the queue lasts. It counts milliseconds in 32 bits on Linux, which are full after 24 days
/// and some hours; a longer time would be taken for another one, or for no limit.
const WAIT_MAX: Duration = Duration::from_secs(24 * 24 * 60 * 60);

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::Alarm;
#[cfg(target_os = "linux")]
pub(super) use linux::Alarm;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::time::{Duration, Instant};

    use mio::unix::SourceFd;
    use mio::{Interest, Registry};
    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};
    use rustix::time::{Timespec, timerfd_create, timerfd_settime};

    use super::super::ALARM;
    use super::WAIT_MAX;
    use crate::system;
    use crate::timer::Clock;

    /// Deadlines as near as this are waited for with the alarm: a frame at 60 Hz, and some.
    const NEAR: Duration = Duration::from_millis(20);

    /// How long before a deadline a wait for it in milliseconds ends. The next one is exact, and short.
    const LEAD: Duration = Duration::from_millis(1);

    /// The part of a long wait by which the kernel may be late: twice what it takes.
    const SLACK_DIVISOR: u32 = 500;

    /// The shortest time that the timer can be set to: zero would mean never.
    const AT_ONCE: Duration = Duration::from_nanos(1);

    /// The alarm.
    pub(in super::super) struct Alarm {
        timer: OwnedFd,
        /// When it will ring, unless it has: then the queue has not told it yet.
        deadline: Option<Instant>,
    }

    impl Alarm {
        pub(in super::super) fn new(registry: &Registry) -> io::Result<Alarm> {
            // Of the two clocks with no jumps, the one that goes on while the machine sleeps.
            let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), ALARM, Interest::READABLE)?;
            Ok(Alarm { timer, deadline: None })
        }

        /// Whether it will ring, or has and nobody was told.
        pub(in super::super) fn is_set(&self) -> bool {
            self.deadline.is_some()
        }

        /// It was told that it rang.
        pub(in super::super) fn rang(&mut self) {
            self.deadline = None;
        }

        /// How long the readiness queue is to wait for `deadline`, with the alarm set if need be.
        pub(in super::super) fn timeout(&mut self, now: Instant, deadline: Instant, clock: Clock) -> Option<Duration> {
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                return Some(left);
            }
            if left > NEAR && clock == Clock::Monotonic {
                let until_near = (left - LEAD - left / SLACK_DIVISOR).min(WAIT_MAX);
                return Some(until_near - Duration::from_nanos((until_near.subsec_nanos() % 1_000_000).into()));
            }
            match self.set(Some(deadline), left) {
                Ok(()) => None,
                Err(error) => {
                    // The queue rounds up: late by a millisecond, but it goes on.
                    log::warn!("setting the system's timer: {error}");
                    Some(left.min(WAIT_MAX))
                }
            }
        }

        /// Makes it ring at `deadline`, at once if that is past, and not otherwise.
        ///
        /// It is set anew also where it has rung for an earlier deadline and nobody was told: a host that waits
        /// for edges has seen that one.
        pub(in super::super) fn set_for(&mut self, deadline: Option<Instant>) -> io::Result<()> {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(system::now()).max(AT_ONCE));
            self.set(deadline, left.unwrap_or_default())
        }

        fn set(&mut self, deadline: Option<Instant>, left: Duration) -> io::Result<()> {
            if self.deadline == deadline {
                return Ok(());
            }
            let it_value = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
            let setting = Itimerspec { it_interval: Timespec::default(), it_value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting)?;
            self.deadline = deadline;
            Ok(())
        }
    }
}

/// Elsewhere the readiness queue alone waits: in nanoseconds on kqueue, in milliseconds rounded up on Windows.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::time::{Duration, Instant};

    use mio::Registry;

    use super::WAIT_MAX;
    use crate::timer::Clock;

    /// No alarm.
    pub(in super::super) struct Alarm;

    impl Alarm {
        pub(in super::super) fn new(_: &Registry) -> io::Result<Alarm> {
            Ok(Alarm)
        }

        pub(in super::super) fn is_set(&self) -> bool {
            false
        }

        pub(in super::super) fn rang(&mut self) {}

        pub(in super::super) fn timeout(&mut self, now: Instant, deadline: Instant, _: Clock) -> Option<Duration> {
            Some(deadline.saturating_duration_since(now).min(WAIT_MAX))
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::collections::VecDeque;
    use std::time::{Duration, Instant};

    use super::super::Reactor;
    use crate::moment::Patience;
    use crate::timer::Clock;

    fn until(now: Instant, after: Duration) -> Patience {
        Patience::Until { now, deadline: now + after, clock: Clock::Monotonic }
    }

    #[test]
    fn only_what_is_near_sets_the_alarm() {
        let mut reactor = Reactor::new().unwrap();
        let alarm = &mut reactor.alarm;
        let now = Instant::now();
        for millis in [21, 100, 1_000, 60_000, 86_400_000] {
            let left = Duration::from_millis(millis);
            let timeout = alarm.timeout(now, now + left, Clock::Monotonic).expect("the queue itself waits");
            assert!(timeout < left && timeout > left * 4 / 5, "{timeout:?} of {left:?}");
            assert_eq!(timeout.subsec_nanos() % 1_000_000, 0, "{timeout:?} would be rounded up");
            assert!(!alarm.is_set());
        }
        assert_eq!(alarm.timeout(now, now, Clock::Monotonic), Some(Duration::ZERO));
        assert!(!alarm.is_set());
        assert_eq!(alarm.timeout(now, now + Duration::from_micros(1), Clock::Monotonic), None);
        assert!(alarm.is_set());
    }

    /// The queue would take more milliseconds than 32 bits hold for no limit, and the deadline would never come.
    #[test]
    fn what_is_very_far_is_waited_for_in_steps() {
        let mut reactor = Reactor::new().unwrap();
        let now = Instant::now();
        for days in [25, 30, 49, 50, 75, 1_000, 100_000] {
            let deadline = now + Duration::from_secs(days * 24 * 60 * 60);
            let timeout = reactor.alarm.timeout(now, deadline, Clock::Monotonic).expect("the queue itself waits");
            assert!(i32::try_from(timeout.as_millis()).is_ok(), "{timeout:?} for {days} days");
            assert!(timeout > Duration::from_secs(20 * 24 * 60 * 60), "{timeout:?} for {days} days");
        }
    }

    /// A wait of the queue's own would not be over when the machine wakes.
    #[test]
    fn a_wait_that_counts_a_suspend_sets_the_alarm_however_far() {
        let mut reactor = Reactor::new().unwrap();
        let alarm = &mut reactor.alarm;
        let now = Instant::now();
        assert_eq!(alarm.timeout(now, now + Duration::from_secs(3600), Clock::Boot), None);
        assert!(alarm.is_set());
    }

    #[test]
    fn a_wait_for_a_moment_is_never_over_early() {
        let mut reactor = Reactor::new().unwrap();
        for micros in [1, 50, 999, 1_000, 3_000, 20_500, 25_000] {
            let now = Instant::now();
            let after = Duration::from_micros(micros);
            reactor.wait(until(now, after), &mut VecDeque::new()).unwrap();
            assert!(now.elapsed() >= after, "{after:?}");
            assert!(reactor.is_quiet());
        }
    }

    /// Otherwise a host would find the descriptor readable, turn the pump, and find it readable again.
    #[test]
    fn an_alarm_that_rings_for_nothing_is_told_once() {
        let mut reactor = Reactor::new().unwrap();
        reactor.wake()().unwrap();
        reactor.wait(until(Instant::now(), Duration::from_millis(2)), &mut VecDeque::new()).unwrap();
        assert!(!reactor.is_quiet(), "the wake-up ended the wait, and the alarm is still set");
        reactor.wait(Patience::Forever, &mut VecDeque::new()).unwrap();
        assert!(reactor.is_quiet());
    }
}
