//! How the pump lives in somebody else's loop.

use std::time::Instant;

use super::Pump;
use crate::message::Admits;

/// Whether the host may sleep. There will be no fourth answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// No: a message can be taken, or a turn has something to take over.
    Ready,
    /// Until then, or until the pump's descriptor is readable. A moment that is past: a turn is due now.
    Until(Instant),
    /// Until the pump's descriptor is readable.
    Forever,
}

impl<T> Pump<T> {
    /// Says whether the host may sleep, and until when. Asked last before every sleep.
    ///
    /// A post of another thread that comes after the answer makes the pump's descriptor readable.
    ///
    /// # Cost
    ///
    /// Constant; no system call.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Pump, Rest, Timer};
    /// use std::time::Duration;
    /// let mut pump = Pump::<&str>::new()?;
    /// let window = pump.open_window();
    /// assert_eq!(pump.rest(), Rest::Forever);
    /// pump.set_timer(window, Timer::once(Duration::from_secs(3600)))?;
    /// let deadline = pump.next_deadline().expect("a timer is set");
    /// assert_eq!(pump.rest(), Rest::Until(deadline));
    /// pump.post(window, "hello")?;
    /// assert_eq!(pump.rest(), Rest::Ready);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "a host that does not look at this sleeps past what is due"]
    pub fn rest(&mut self) -> Rest {
        self.rest_past_all_but(None)
    }

    /// Says whether a host may sleep that takes only what `filter` admits.
    pub(super) fn rest_past_all_but(&mut self, filter: Option<&dyn Admits>) -> Rest {
        self.pass_suspend();
        let can_take = match filter {
            None => self.engine.is_ready(),
            Some(_) => self.engine.choose(filter).is_some(),
        };
        if can_take || self.has_ready_sockets() || self.inbox_waits() {
            return Rest::Ready;
        }
        let deadline = match filter {
            None => self.engine.next_deadline(),
            // Of the ticks that are due none is admitted.
            Some(_) => self.engine.next_deadline_after_horizon(),
        };
        deadline.and_then(|moment| self.time_line.instant(moment)).map_or(Rest::Forever, Rest::Until)
    }

    /// The instant at which the next turn has something to do though nothing happens outside.
    ///
    /// It is exact, and may be past. A queued message is not a deadline: ask [`rest`](Pump::rest).
    ///
    /// # Cost
    ///
    /// Constant.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.engine.next_deadline().and_then(|moment| self.time_line.instant(moment))
    }
}

/// The descriptor to wait on in a foreign loop: readable when a turn has something to take over.
///
/// It tells of sockets and of other threads' posts; deadlines and queued messages are told by
/// [`Pump::rest`]. The descriptor of a `Hosted` pump tells those too (Linux).
///
/// # Panics
///
/// Panics on a simulated pump: there is nothing to wait on.
#[cfg(unix)]
impl<T> std::os::fd::AsFd for Pump<T> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.outside.descriptor()
    }
}
