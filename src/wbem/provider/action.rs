//! How a put, a delete or a method comes to its end.
//!
//! Floor 5. At once, in slices, or elsewhere: on another thread, or when something else has happened.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use crate::wbem::error::{WbemError, WbemStatus};

/// How a put, a delete or a method goes on. `Ok(value.into())` for what is done already.
pub struct Action<T> {
    kind: Kind<T>,
}

enum Kind<T> {
    Done(T),
    Steps(Step<T>),
    /// The same with a pause between two steps.
    Looks(Step<T>, Duration),
    Elsewhere(Pending<T>),
}

/// A slice, which gives a result or not yet.
type Step<T> = Box<dyn FnMut() -> Option<Result<T, WbemError>>>;

/// What comes of an action from elsewhere.
struct Pending<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

/// Where the reply is left.
enum Shared<T> {
    /// It has not come; who waits for it is woken.
    Awaited(Option<Waker>),
    Come(Result<T, WbemError>),
    /// It was taken, or nobody waits.
    Over,
}

/// Ends an action from wherever it is carried out. Dropped without a result, it ends the call with
/// `WBEM_E_PROVIDER_FAILURE`.
pub struct Reply<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

impl<T> From<T> for Action<T> {
    fn from(value: T) -> Action<T> {
        Action { kind: Kind::Done(value) }
    }
}

impl<T> Action<T> {
    /// Goes on in slices: `step` is called once a slice until it gives a result, also when the call was
    /// cancelled meanwhile.
    pub fn in_steps(step: impl FnMut() -> Option<Result<T, WbemError>> + 'static) -> Action<T> {
        Action { kind: Kind::Steps(Box::new(step)) }
    }

    /// Looks now and then whether there is a result, as [`in_steps`](Action::in_steps) with a pause between two steps: for
    /// what another process does, and nobody tells.
    ///
    /// ```no_run
    /// use msgpump::wbem::Action;
    /// let mut child = std::process::Command::new("true").spawn()?;
    /// let action = Action::in_steps_every(std::time::Duration::from_millis(5), move || match child.try_wait() {
    ///     Ok(status) => status.map(|status| Ok(status.success())),
    ///     Err(_) => Some(Ok(false)),
    /// });
    /// # drop(action);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn in_steps_every(pause: Duration, step: impl FnMut() -> Option<Result<T, WbemError>> + 'static) -> Action<T> {
        Action { kind: Kind::Looks(Box::new(step), pause) }
    }

    /// Is carried out elsewhere, and over when the reply has come.
    ///
    /// ```
    /// use msgpump::wbem::Action;
    /// let (reply, action) = Action::<()>::elsewhere();
    /// std::thread::spawn(move || reply.send(Ok(())));
    /// # drop(action);
    /// ```
    pub fn elsewhere() -> (Reply<T>, Action<T>) {
        let shared = Arc::new(Mutex::new(Shared::Awaited(None)));
        let pending = Pending { shared: shared.clone() };
        (Reply { shared }, Action { kind: Kind::Elsewhere(pending) })
    }

    /// Goes on for a slice; `waker` is woken when a reply from elsewhere comes.
    pub(crate) fn step(mut self, waker: impl FnOnce() -> Waker) -> Stepped<T> {
        match &mut self.kind {
            Kind::Steps(step) => match step() {
                Some(result) => Stepped::Over(result),
                None => Stepped::Again(self),
            },
            Kind::Looks(step, pause) => match step() {
                Some(result) => Stepped::Over(result),
                None => Stepped::Later(*pause, self),
            },
            Kind::Elsewhere(pending) => match pending.take(waker) {
                Some(result) => Stepped::Over(result),
                None => Stepped::Parked(self),
            },
            Kind::Done(_) => match self.kind {
                Kind::Done(value) => Stepped::Over(Ok(value)),
                _ => unreachable!("it was looked at right before"),
            },
        }
    }
}

/// Where an action is after a slice.
pub(crate) enum Stepped<T> {
    Over(Result<T, WbemError>),
    Again(Action<T>),
    /// Not before this time has passed.
    Later(Duration, Action<T>),
    /// Until the waker is woken.
    Parked(Action<T>),
}

impl<T> Pending<T> {
    /// Takes the reply if it has come.
    fn take(&self, waker: impl FnOnce() -> Waker) -> Option<Result<T, WbemError>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *shared {
            Shared::Awaited(known) => {
                known.get_or_insert_with(waker);
                None
            }
            Shared::Come(_) | Shared::Over => match mem::replace(&mut *shared, Shared::Over) {
                Shared::Come(result) => Some(result),
                _ => Some(Err(WbemStatus::Unexpected.into())),
            },
        }
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let last = mem::replace(&mut *shared, Shared::Over);
        // What is left may run code of the program when it is dropped.
        drop(shared);
        drop(last);
    }
}

impl<T> Reply<T> {
    /// Ends the action. The result comes back if it is not waited for any more.
    ///
    /// # Errors
    ///
    /// The pump or the server is gone.
    pub fn send(self, result: Result<T, WbemError>) -> Result<(), Result<T, WbemError>> {
        self.leave(result)
    }

    /// Leaves the result, and wakes who waits for it.
    fn leave(&self, result: Result<T, WbemError>) -> Result<(), Result<T, WbemError>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*shared, Shared::Awaited(_)) {
            return Err(result);
        }
        let Shared::Awaited(waker) = mem::replace(&mut *shared, Shared::Come(result)) else {
            unreachable!("it was looked at right before")
        };
        drop(shared);
        waker.into_iter().for_each(Waker::wake);
        Ok(())
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let error = WbemError::new(WbemStatus::ProviderFailure);
        // After a result nobody waits, and this comes back.
        let _ = self.leave(Err(error.description("the provider gave its reply up")));
    }
}

impl<T> fmt::Debug for Action<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an action has come to after a slice: a number, a status, or what is waited for.
    fn step(action: Action<u8>) -> (String, Option<Action<u8>>) {
        match action.step(|| Waker::noop().clone()) {
            Stepped::Over(Ok(number)) => (number.to_string(), None),
            Stepped::Over(Err(error)) => (error.status.to_string(), None),
            Stepped::Again(action) => ("again".into(), Some(action)),
            Stepped::Later(pause, action) => (format!("after {pause:?}"), Some(action)),
            Stepped::Parked(action) => ("parked".into(), Some(action)),
        }
    }

    #[test]
    fn what_is_done_is_over_at_once() {
        assert_eq!(step(Action::from(7)).0, "7");
    }

    #[test]
    fn steps_go_on_until_there_is_a_result() {
        let mut left = 2;
        let mut action = Action::in_steps(move || {
            left -= 1;
            (left < 0).then_some(Ok(3))
        });
        for _ in 0..2 {
            let (said, next) = step(action);
            assert_eq!(said, "again");
            action = next.expect("it goes on");
        }
        assert_eq!(step(action).0, "3");
    }

    #[test]
    fn looks_have_a_pause_between_them() {
        let mut left = 1;
        let action = Action::in_steps_every(Duration::from_millis(2), move || {
            left -= 1;
            (left < 0).then_some(Ok(3))
        });
        let (said, action) = step(action);
        assert_eq!((&*said, &*step(action.unwrap()).0), ("after 2ms", "3"));
    }

    #[test]
    fn a_reply_is_waited_for_and_its_loss_is_told() {
        let (reply, action) = Action::elsewhere();
        let (said, action) = step(action);
        assert_eq!(said, "parked");
        reply.send(Ok(5)).unwrap();
        assert_eq!(step(action.unwrap()).0, "5");

        let (reply, action) = Action::elsewhere();
        drop(reply);
        assert_eq!(step(action).0, "WBEM_E_PROVIDER_FAILURE");

        let (reply, action) = Action::<u8>::elsewhere();
        drop(action);
        assert_eq!(reply.send(Ok(9)), Err(Ok(9)));
    }
}
