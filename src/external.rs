//! Work that is done elsewhere, on any thread, and ends as a message here.
//!
//! Floor 0. The result lies in a cell that two share: the pump, as long as it wants the result, and
//! the [`Completer`], which is sent to whoever does the work. Only the news that there is a result goes
//! through the inbox of other threads, so it keeps its place among their posts.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, PoisonError};

use crate::id::{OperationId, typed_id};
use crate::sync::{Mutex, MutexGuard};

/// Tells the pump, from any thread, that there is news of an operation.
pub(crate) trait Bell: Send + Sync {
    fn ring(&self, operation: OperationId);
}

typed_id! {
    /// The id of an external operation whose result is an `R`.
    ///
    /// It is an [`OperationId`] that knows what its operation ends with, so that nobody has to find out.
    ExternalId<R>, "External"
}

/// Ends an external operation, once, from any thread.
///
/// Dropped without that, it ends the operation as [`Abandoned`]. It outlives the pump without harm.
pub struct Completer<R> {
    /// None once the operation is ended.
    work: Option<Work<R>>,
}

struct Work<R> {
    cell: Arc<Cell<R>>,
    bell: Arc<dyn Bell>,
}

/// The operation's completer was dropped: there will be no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whoever worked on it gave up without a result")
    }
}

impl std::error::Error for Abandoned {}

/// The final message of an external operation. [`of`](External::of) takes the result out.
pub struct External {
    cell: Arc<dyn Completion>,
}

/// What the pump keeps of an external operation: dropping it says that nobody wants the result.
pub(crate) struct Expectation {
    /// None once it is fulfilled.
    cell: Option<Arc<dyn Completion>>,
}

struct Cell<R> {
    operation: OperationId,
    state: Mutex<State<R>>,
}

enum State<R> {
    Open,
    Completed(R),
    Abandoned,
    /// Nobody wants the result, or it was taken.
    Closed,
}

/// A cell whose result's type is forgotten.
trait Completion: Send + Sync {
    fn operation(&self) -> OperationId;
    /// Closes a cell that is open.
    fn close(&self);
    /// Moves the result into `slot`, which is the `Option` of what the operation ends with.
    fn take(&self, slot: &mut dyn Any);
}

/// Makes both ends of an external operation.
pub(crate) fn external<R: Send + 'static>(operation: OperationId, bell: Arc<dyn Bell>) -> (Expectation, Completer<R>) {
    let cell = Arc::new(Cell { operation, state: Mutex::new(State::<R>::Open) });
    (Expectation { cell: Some(cell.clone()) }, Completer { work: Some(Work { cell, bell }) })
}

impl<R> Completer<R> {
    /// Ends the operation with `result`, and wakes the pump if it sleeps.
    ///
    /// # Errors
    ///
    /// The result comes back when nobody wants it any more: the operation was cancelled, or the pump is
    /// gone. A cancel that comes later than this call keeps its silence too.
    ///
    /// # Cost
    ///
    /// Two short locks. Only the first news of a burst makes a system call.
    pub fn complete(mut self, result: R) -> Result<(), R> {
        match self.work.take() {
            Some(work) => work.end(result, State::Completed),
            None => Err(result),
        }
    }

    /// Whether anybody still wants the result. Cheap enough to be asked between two steps of the work.
    pub fn is_wanted(&self) -> bool {
        self.work.as_ref().is_some_and(|work| matches!(*work.cell.lock(), State::Open))
    }
}

impl<R> Work<R> {
    /// Ends the operation with what `state` makes of `result`, which comes back if nobody wants it.
    fn end<A>(self, result: A, state: impl FnOnce(A) -> State<R>) -> Result<(), A> {
        {
            let mut cell = self.cell.lock();
            match *cell {
                State::Open => *cell = state(result),
                _ => return Err(result),
            }
        }
        self.bell.ring(self.cell.operation);
        Ok(())
    }
}

impl<R> Drop for Completer<R> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            // Where nobody wants a result, nobody misses one.
            let _ = work.end((), |()| State::Abandoned);
        }
    }
}

impl<R> fmt::Debug for Completer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.work.as_ref().map(|work| work.cell.operation);
        f.debug_struct("Completer").field("operation", &operation).finish_non_exhaustive()
    }
}

impl External {
    /// Takes the result out, if this is the end of the operation `id`. A second time there is none.
    pub fn of<R: 'static>(&mut self, id: ExternalId<R>) -> Option<Result<R, Abandoned>> {
        let mut result = None::<Result<R, Abandoned>>;
        if id.operation == self.cell.operation() {
            self.cell.take(&mut result);
        }
        result
    }
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").field("operation", &self.cell.operation()).finish_non_exhaustive()
    }
}

impl Expectation {
    /// Makes the final message.
    pub(crate) fn fulfil(mut self) -> Option<External> {
        self.cell.take().map(|cell| External { cell })
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        if let Some(cell) = &self.cell {
            cell.close();
        }
    }
}

impl<R> Cell<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        // No code of the program runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Send + 'static> Completion for Cell<R> {
    fn operation(&self) -> OperationId {
        self.operation
    }

    fn close(&self) {
        let mut state = self.lock();
        if matches!(*state, State::Open) {
            *state = State::Closed;
        }
    }

    fn take(&self, slot: &mut dyn Any) {
        let Some(slot) = slot.downcast_mut::<Option<Result<R, Abandoned>>>() else { return };
        let state = std::mem::replace(&mut *self.lock(), State::Closed);
        *slot = match state {
            State::Completed(result) => Some(Ok(result)),
            State::Abandoned => Some(Err(Abandoned)),
            State::Open | State::Closed => None,
        };
    }
}
