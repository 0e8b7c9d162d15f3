//! The loops: take a message, dispatch it, until the end.

use super::{Dispatch, Dispatcher, InHand};
use crate::{Budget, Error, Rest};

/// Why a loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What it ran for is over.
    Over,
    /// The program is asked to end, with this code. Loops around this one end as well.
    Quit(i32),
}

/// What [`Dispatcher::dispatch_pending`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// How many messages were taken and dispatched.
    pub dispatched: usize,
    /// The budget ran out first: there is more to do, without waiting.
    pub more: bool,
    /// The program is asked to end, with this code, and all that came before is dispatched.
    pub quit: Option<i32>,
}

impl<T, S> Dispatcher<T, S> {
    /// Takes the next message, and waits for one where none is there: as
    /// [`Pump::get_message`](crate::Pump::get_message), but a cancel still reaches it until it is
    /// [dispatched](Dispatcher::dispatch). Messages for windows whose procedure runs are passed by.
    /// `None` once the program is asked to end.
    ///
    /// # Errors
    ///
    /// As [`Pump::get_in_hand`](crate::Pump::get_in_hand).
    pub fn get_message(&mut self) -> Result<Option<InHand<T>>, Error> {
        self.pumping(|dispatcher| dispatcher.pump.get_in_hand(&dispatcher.running))
    }

    /// Takes the next message, if one waits, as [`get_message`](Dispatcher::get_message) does. Quit is a
    /// message here, for the root window.
    pub fn next_message(&mut self) -> Option<InHand<T>> {
        self.pump.next_in_hand(&self.running)
    }

    /// Takes and dispatches messages until the program is asked to end, and says with which code.
    ///
    /// In a procedure it is a nested loop. Messages for windows without a procedure are dropped, counted
    /// ([`unclaimed`](Dispatcher::unclaimed)) and logged.
    ///
    /// # Errors
    ///
    /// Fails when the system's wait fails. In a nested loop also when the queue is full of messages for windows
    /// whose procedure runs, while more are in the inbox of other threads. The dispatcher stays usable.
    pub fn run(&mut self, state: &mut S) -> Result<i32, Error> {
        loop {
            if let Ended::Quit(code) = self.run_until(state, |_, _| false)? {
                return Ok(code);
            }
        }
    }

    /// Takes and dispatches messages until `is_over` says so, or the program is asked to end.
    ///
    /// It is asked before each message is waited for. What changes the answer must be a procedure that this loop
    /// can call: while the caller is itself a procedure, messages for its window wait.
    ///
    /// # Errors
    ///
    /// As [`run`](Dispatcher::run).
    ///
    /// # Examples
    ///
    /// A dialog that is modal: its caller goes on when it is closed.
    ///
    /// ```
    /// use msgpump::dispatcher::Ended;
    /// use msgpump::{Dispatcher, Payload, Pump};
    ///
    /// let mut dispatcher = Dispatcher::<&str, Vec<String>>::new(Pump::new()?);
    /// let main = dispatcher.open_window(|dispatcher, log, _| {
    ///     let dialog = dispatcher.open_window(|dispatcher, log: &mut Vec<String>, message| {
    ///         log.push("yes, save it".into());
    ///         dispatcher.destroy_window(message.window);
    ///     });
    ///     dispatcher.pump().post(dialog, "save?").expect("it is open");
    ///     let ended = dispatcher.run_until(log, |dispatcher, _| !dispatcher.pump().has_window(dialog));
    ///     assert!(matches!(ended, Ok(Ended::Over)));
    ///     log.push("saved".into());
    ///     dispatcher.pump().quit(0);
    /// });
    /// dispatcher.pump().post(main, "close")?;
    /// let mut log = Vec::new();
    /// dispatcher.run(&mut log)?;
    /// assert_eq!(log, ["yes, save it", "saved"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_until(
        &mut self,
        state: &mut S,
        mut is_over: impl FnMut(&mut Dispatcher<T, S>, &mut S) -> bool,
    ) -> Result<Ended, Error> {
        while !is_over(self, state) {
            match self.get_message()? {
                Some(message) => self.dispatch_or_count(state, message),
                None => return Ok(Ended::Quit(self.pump.quit_code().unwrap_or_default())),
            }
        }
        Ok(Ended::Over)
    }

    /// Makes one turn of the pump and dispatches what it brought: for a host that owns the loop. In a procedure, messages
    /// for windows whose procedure runs are passed by, and keep the turn from no wait.
    ///
    /// At most as many messages are dispatched as the budget says, and, where it has a time, no further one once
    /// procedures have taken that long. Then [`rest`](Dispatcher::rest) tells whether the host may sleep.
    ///
    /// # Errors
    ///
    /// As [`run`](Dispatcher::run); the latter where the turn may wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Budget, Dispatcher, Pump};
    /// let mut dispatcher = Dispatcher::<u32, u32>::new(Pump::new()?);
    /// let window = dispatcher.open_window(|_, seen, _| *seen += 1);
    /// dispatcher.pump().post(window, 1)?;
    /// let mut seen = 0;
    /// let pending = dispatcher.dispatch_pending(&mut seen, Budget::no_wait().messages(64))?; // once a frame
    /// assert_eq!((pending.dispatched, pending.more, seen), (1, false, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dispatch_pending(&mut self, state: &mut S, budget: Budget) -> Result<Pending, Error> {
        let turn = self.pumping(|dispatcher| dispatcher.pump.turn_in_hand(budget, &dispatcher.running))?;
        let deadline = budget.time_limit().and_then(|time| self.pump.clock().checked_add(time));
        for dispatched in 0..budget.messages_limit() {
            let Some(message) = self.next_message() else {
                // Where the queue was full in the turn, what waited for room can be taken over now.
                let more = turn.more || self.rest() == Rest::Ready;
                return Ok(Pending { dispatched, more, quit: self.pump.quit_code() });
            };
            if let Some(code) = message.quit_code() {
                return Ok(Pending { dispatched, more: false, quit: Some(code) });
            }
            self.dispatch_or_count(state, message);
            if deadline.is_some_and(|deadline| self.pump.clock() >= deadline) {
                return Ok(self.interrupted(dispatched + 1, turn.more));
            }
        }
        Ok(self.interrupted(budget.messages_limit(), turn.more))
    }

    fn interrupted(&mut self, dispatched: usize, more: bool) -> Pending {
        // A loop within a procedure may have been told.
        let quit = self.pump.told_quit();
        Pending { dispatched, more: more || self.rest() == Rest::Ready, quit }
    }

    /// Says whether the host may sleep, and until when: as [`Pump::rest`](crate::Pump::rest). In a procedure, messages for
    /// windows whose procedure runs keep nobody awake: they wait until it has returned.
    ///
    /// # Cost
    ///
    /// As [`Pump::rest_in_hand`](crate::Pump::rest_in_hand).
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Dispatcher, Pump, Rest};
    /// let mut dispatcher = Dispatcher::<u32>::new(Pump::new()?);
    /// let window = dispatcher.open_window(|dispatcher, _, message| {
    ///     dispatcher.pump().post(message.window, 2).expect("there is room");
    ///     assert_eq!(dispatcher.rest(), Rest::Forever, "it waits until this has returned");
    /// });
    /// dispatcher.pump().post(window, 1)?;
    /// let message = dispatcher.next_message().expect("it was posted");
    /// assert!(matches!(dispatcher.dispatch(&mut (), message), msgpump::dispatcher::Dispatch::Done));
    /// assert_eq!(dispatcher.rest(), Rest::Ready);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "a host that does not look at this sleeps past what is due"]
    pub fn rest(&mut self) -> Rest {
        self.pump.rest_in_hand(&self.running)
    }

    /// Has the pump's descriptor tell all that [`rest`](Dispatcher::rest) tells: as
    /// [`Pump::inform_host`](crate::Pump::inform_host) (Linux).
    ///
    /// # Errors
    ///
    /// As [`Pump::inform_host`](crate::Pump::inform_host).
    ///
    /// # Panics
    ///
    /// As [`Pump::inform_host`](crate::Pump::inform_host).
    #[cfg(target_os = "linux")]
    pub fn inform_host(&mut self) -> Result<(), Error> {
        self.pump.inform_host_in_hand(&self.running)
    }

    fn dispatch_or_count(&mut self, state: &mut S, message: InHand<T>) {
        let window = message.window();
        match self.dispatch(state, message) {
            Dispatch::Done | Dispatch::Silenced => {}
            Dispatch::Unclaimed(_) | Dispatch::Busy(_) => {
                self.unclaimed += 1;
                log::warn!("a message for {window} is dropped: the window has no procedure");
            }
        }
    }
}
