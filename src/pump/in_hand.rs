//! Messages taken in hand: for layers that look at a message before it is handled.

use super::{Budget, Pump, Rest, Turn};
use crate::engine::{Engine, InHand};
use crate::error::Error;
use crate::id::WindowId;
use crate::message::Admits;

/// A choice that passes some windows by, or none.
fn all_but<'a>(passed_by: &'a &[WindowId]) -> Option<&'a dyn Admits> {
    (!passed_by.is_empty()).then_some(passed_by as &dyn Admits)
}

impl<T> Pump<T> {
    /// Takes the next message in hand, if one waits: as [`next_message`](Pump::next_message), but a cancel
    /// still reaches it. The messages for the windows `passed_by` stay where they are.
    ///
    /// # Cost
    ///
    /// A few nanoseconds more than `next_message`; a cancel looks once at each message in hand.
    /// Where windows are passed by, one look at each of their messages before the one that is taken.
    pub fn next_in_hand(&mut self, passed_by: &[WindowId]) -> Option<InHand<T>> {
        self.taken_since_turn += 1;
        let choice = self.engine.choose(all_but(&passed_by))?;
        self.engine.take_in_hand(choice)
    }

    /// Takes the next message in hand, and waits for one where none is there: as
    /// [`get_message`](Pump::get_message), but a cancel still reaches it. The messages for the windows
    /// `passed_by` stay where they are. `None` once the program is asked to end.
    ///
    /// # Errors
    ///
    /// Fails when the system's wait fails, and when the queue is full of messages that are passed by while
    /// more are in the inbox of other threads: these could never be taken over. The pump stays usable.
    pub fn get_in_hand(&mut self, passed_by: &[WindowId]) -> Result<Option<InHand<T>>, Error> {
        self.take_or_wait(all_but(&passed_by), Engine::take_in_hand)
    }

    /// Makes one turn for who will take messages in hand: as [`turn`](Pump::turn), but messages for the windows
    /// `passed_by` keep it from no wait.
    ///
    /// # Errors
    ///
    /// As [`get_in_hand`](Pump::get_in_hand), the latter where the turn may wait.
    pub fn turn_in_hand(&mut self, budget: Budget, passed_by: &[WindowId]) -> Result<Turn, Error> {
        self.turn_past_all_but(budget, all_but(&passed_by))
    }

    /// Says whether a host may sleep that takes messages in hand: as [`rest`](Pump::rest), but messages for the windows
    /// `passed_by` keep nobody awake.
    ///
    /// # Cost
    ///
    /// As [`rest`](Pump::rest). Where windows are passed by, one look at each of their messages before another one, and
    /// at each timer.
    #[must_use = "a host that does not look at this sleeps past what is due"]
    pub fn rest_in_hand(&mut self, passed_by: &[WindowId]) -> Rest {
        self.rest_past_all_but(all_but(&passed_by))
    }

    /// Has the descriptor tell what [`rest_in_hand`](Pump::rest_in_hand) tells: as
    /// [`inform_host`](Pump::inform_host), but messages for the windows `passed_by` make it readable not (Linux).
    ///
    /// # Errors
    ///
    /// As [`inform_host`](Pump::inform_host).
    ///
    /// # Panics
    ///
    /// As [`inform_host`](Pump::inform_host).
    #[cfg(target_os = "linux")]
    pub fn inform_host_in_hand(&mut self, passed_by: &[WindowId]) -> Result<(), Error> {
        // Asked first: a post that comes after it makes the descriptor readable by itself.
        let rest = self.rest_in_hand(passed_by);
        self.tell_host(rest)
    }

    /// The code of a quit that some loop was told, once nothing is left that came before it: for loops that take what comes
    /// without a wait, which are not told again.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::Pump;
    /// let mut pump = Pump::<()>::new()?;
    /// pump.quit(3);
    /// assert_eq!((pump.quit_code(), pump.told_quit()), (Some(3), None));
    /// assert!(pump.get_in_hand(&[])?.is_none());
    /// assert_eq!(pump.told_quit(), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn told_quit(&self) -> Option<i32> {
        self.engine.told_quit()
    }

    /// The time by the clock that the pump's timers go by: the system's, or the virtual one of a simulation.
    pub fn clock(&self) -> std::time::Instant {
        self.outside.now()
    }
}
