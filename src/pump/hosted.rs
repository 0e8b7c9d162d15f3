//! A pump in a loop that knows nothing but its descriptor.
//!
//! Part of the pump. What must be told through the descriptor is what [`Rest`] tells otherwise. It can change with
//! every verb, so the program gets the pump on loan: when the loan ends, and not once for each verb, the
//! system's timer is set to what the pump then has to wait for. No verb can be forgotten.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd};

use super::{Pump, Rest, Settings};
use crate::error::Error;

/// A pump whose descriptor tells everything, for a loop that can only wait until it is readable (Linux).
///
/// A bare [`Pump`] expects three things of its host: to wait on its descriptor, not longer than until the next
/// deadline, and not at all while a message waits; [`Pump::rest`] tells which. Here the descriptor is also
/// readable while a message waits in the queue, from the moment at which a deadline has come, and when anything
/// else gives a turn something to do. So the whole protocol is: *when the descriptor is readable, call
/// [`turn`](Pump::turn), and take the messages*. What the program starts, posts or cancels between turns counts
/// at once.
///
/// The wait of the host may be level- or edge-triggered: whatever new there is after a loan is a new edge.
/// While nothing is there, the host is not woken.
///
/// # Cost
///
/// At the end of a loan a reading of the clock, and a system call where the next deadline is another one than
/// before, or where messages were left in the queue. A bare pump pays nothing for this.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use msgpump::{Budget, Hosted, Payload, Timer};
/// use rustix::event::{PollFd, PollFlags, poll};
///
/// let mut hosted = Hosted::<()>::new()?;
/// {
///     let mut pump = hosted.lend();
///     let window = pump.root_window();
///     pump.set_timer(window, Timer::every(Duration::from_millis(2)))?;
/// }
/// let mut ticks = 0;
/// while ticks < 3 {
///     poll(&mut [PollFd::new(&hosted, PollFlags::IN)], None)?; // as long as it takes
///     let mut pump = hosted.lend();
///     pump.turn(Budget::no_wait())?;
///     while let Some(message) = pump.next_message() {
///         assert!(matches!(message.payload, Payload::Tick(_)));
///         ticks += 1;
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Hosted<T> {
    pump: Pump<T>,
}

/// The pump on loan from [`Hosted::lend`]. When it is dropped, the descriptor is brought up to date.
pub struct Lent<'a, T> {
    pump: &'a mut Pump<T>,
}

impl<T> Hosted<T> {
    /// Makes a hosted pump with the default [`Settings`].
    ///
    /// # Errors
    ///
    /// As [`Pump::new`].
    pub fn new() -> Result<Hosted<T>, Error> {
        Hosted::with_settings(Settings::default())
    }

    /// Makes a hosted pump with `settings`.
    ///
    /// # Errors
    ///
    /// As [`new`](Hosted::new).
    pub fn with_settings(settings: Settings) -> Result<Hosted<T>, Error> {
        let mut pump = Pump::with_settings(settings)?;
        pump.inform_host()?;
        Ok(Hosted { pump })
    }

    /// Lends the pump, to do anything with it. `&mut *hosted.lend()` is a plain `&mut Pump`.
    ///
    /// A loan that is leaked instead of dropped leaves the descriptor as it was, until the next one ends.
    pub fn lend(&mut self) -> Lent<'_, T> {
        Lent { pump: &mut self.pump }
    }
}

impl<T> Pump<T> {
    /// Has the descriptor tell all that [`rest`](Pump::rest) tells, for a host that knows only the descriptor: it
    /// becomes readable as soon as there is something to do, and not before (Linux).
    ///
    /// It must be called last before each sleep, and again after every verb that may have changed the answer.
    /// [`Hosted`] does that by itself; this is for who holds the pump in something else. A
    /// [`Dispatcher`](crate::Dispatcher::inform_host) has its own.
    ///
    /// # Errors
    ///
    /// Fails when the system refuses to set its timer. Then the descriptor tells of sockets and posts alone.
    ///
    /// # Panics
    ///
    /// Panics on a simulated pump: it has no descriptor.
    ///
    /// # Cost
    ///
    /// As [`rest`](Pump::rest), a reading of the clock, and a system call where the answer has changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Budget, Dispatcher, Pump};
    /// use rustix::event::{PollFd, PollFlags, poll};
    /// let mut dispatcher = Dispatcher::<u32, u32>::new(Pump::new()?);
    /// let window = dispatcher.open_window(|_, seen, _| *seen += 1);
    /// dispatcher.pump().post(window, 1)?;
    /// dispatcher.pump().inform_host()?; // last before the host sleeps
    /// poll(&mut [PollFd::new(&*dispatcher.pump(), PollFlags::IN)], None)?; // it does not sleep: a message waits
    /// let mut seen = 0;
    /// dispatcher.dispatch_pending(&mut seen, Budget::no_wait())?;
    /// assert_eq!(seen, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inform_host(&mut self) -> Result<(), Error> {
        // Asked first: a post that comes after it makes the descriptor readable by itself.
        let rest = self.rest();
        self.tell_host(rest)
    }

    pub(super) fn tell_host(&mut self, rest: Rest) -> Result<(), Error> {
        let deadline = match rest {
            Rest::Ready => Some(self.outside.now()),
            Rest::Until(deadline) => Some(deadline),
            Rest::Forever => None,
        };
        self.outside.set_alarm(deadline)
    }
}

impl<T> Deref for Lent<'_, T> {
    type Target = Pump<T>;

    fn deref(&self) -> &Pump<T> {
        self.pump
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut Pump<T> {
        self.pump
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        if let Err(error) = self.pump.inform_host() {
            log::error!("the host may not be told when to turn the pump: {error}");
        }
    }
}

/// The descriptor to wait on: readable when a turn has something to do, or a message can be taken.
impl<T> AsFd for Hosted<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pump.as_fd()
    }
}

impl<T> fmt::Debug for Hosted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hosted").field(&self.pump).finish()
    }
}

impl<T> fmt::Debug for Lent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lent").field(&self.pump).finish()
    }
}
