//! Work that is done elsewhere, on any thread, and ends as a message here.
//!
//! Floor 0. The start makes a box for the result. Its [`Completer`] takes it along, and the filled box goes through
//! the inbox of other threads, where it keeps its place among their posts. What both sides share beside that is one
//! word for each operation: whether the pump still wants its result.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::id::{OperationId, SLOTS_MAX, typed_id};
use crate::sync::{AtomicU64, Ordering};

/// Brings news of operations to the pump, from any thread.
pub(crate) trait Bell: Send + Sync {
    fn ring(&self, news: News);
    /// Whether the pump still waits for the result of `operation`.
    fn is_wanted(&self, operation: OperationId) -> bool;
}

/// What another thread has to tell of an operation.
pub(crate) struct News {
    pub(crate) operation: OperationId,
    /// What its work came to. Without, it is a stream that has more to give.
    pub(crate) result: Option<AnyResult>,
}

/// Where a result lies: empty before it is there, and once it is taken out.
///
/// Never locked: a thread that can only look at one cannot reach the result, so it can be looked at from several.
struct Place<R>(Mutex<Option<Result<R, Abandoned>>>);

impl<R> Place<R> {
    fn get_mut(&mut self) -> &mut Option<Result<R, Abandoned>> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The [`Place`] of a result whose type is forgotten.
pub(crate) type AnyResult = Box<dyn Any + Send + Sync>;

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
    operation: OperationId,
    bell: Arc<dyn Bell>,
    place: Box<Place<R>>,
    /// From where it is known that a result can be sent.
    forget_type: fn(Box<Place<R>>) -> AnyResult,
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
    operation: OperationId,
    result: AnyResult,
}

impl<R: Send + 'static> Completer<R> {
    pub(crate) fn new(operation: OperationId, bell: Arc<dyn Bell>) -> Completer<R> {
        let place = Box::new(Place(Mutex::new(None)));
        Completer { work: Some(Work { operation, bell, place, forget_type: |place| place }) }
    }
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
    /// A short lock. Only the first news of a burst makes a system call.
    pub fn complete(mut self, result: R) -> Result<(), R> {
        match self.wanted_work() {
            Some(work) => work.end(Ok(result)),
            None => return Err(result),
        }
        Ok(())
    }

    /// Whether anybody still wants the result. Costs next to nothing, so it can be asked between two steps of the work.
    pub fn is_wanted(&self) -> bool {
        self.work.as_ref().is_some_and(Work::is_wanted)
    }

    /// What there is to end, which is ended once.
    fn wanted_work(&mut self) -> Option<Work<R>> {
        self.work.take().filter(Work::is_wanted)
    }
}

impl<R> Work<R> {
    fn is_wanted(&self) -> bool {
        self.bell.is_wanted(self.operation)
    }

    /// If nobody wants the result any more by now, the pump finds that out.
    fn end(mut self, result: Result<R, Abandoned>) {
        *self.place.get_mut() = Some(result);
        self.bell.ring(News { operation: self.operation, result: Some((self.forget_type)(self.place)) });
    }
}

impl<R> Drop for Completer<R> {
    fn drop(&mut self) {
        if let Some(work) = self.wanted_work() {
            work.end(Err(Abandoned));
        }
    }
}

impl<R> fmt::Debug for Completer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.work.as_ref().map(|work| work.operation);
        f.debug_struct("Completer").field("operation", &operation).finish_non_exhaustive()
    }
}

impl External {
    pub(crate) fn new(operation: OperationId, result: AnyResult) -> External {
        External { operation, result }
    }

    /// Takes the result out, if this is the end of the operation `id`. A second time there is none.
    pub fn of<R: 'static>(&mut self, id: ExternalId<R>) -> Option<Result<R, Abandoned>> {
        let place = self.result.downcast_mut::<Place<R>>().filter(|_| id.operation == self.operation)?;
        place.get_mut().take()
    }
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// Which operations' results are wanted: told by the pump's thread alone, asked by any.
///
/// A word for each slot of the table of operations, in segments that stay where they are: each is twice as long as
/// the one before, and made when an operation first has a slot in it.
pub(crate) struct Wanted {
    segments: [OnceLock<Box<[AtomicU64]>>; SEGMENTS],
}

/// How many slots the first segment is for.
const SEGMENT_MIN: usize = 16;

const SEGMENTS: usize = 1 + position(SLOTS_MAX).0;

/// The segment of a slot, and where it is in there.
#[inline]
const fn position(slot: usize) -> (usize, usize) {
    let number = slot + SEGMENT_MIN;
    let segment = number.ilog2() - SEGMENT_MIN.ilog2();
    (segment as usize, number - (SEGMENT_MIN << segment))
}

impl Wanted {
    pub(crate) fn new() -> Wanted {
        Wanted { segments: [const { OnceLock::new() }; SEGMENTS] }
    }

    /// From here on the result of `operation` is wanted.
    pub(crate) fn want(&self, operation: OperationId) {
        let (segment, index) = position(operation.slot());
        let make = || (0..SEGMENT_MIN << segment).map(|_| AtomicU64::new(0)).collect();
        self.segments[segment].get_or_init(make)[index].store(operation.bits(), Ordering::Release);
    }

    /// The result of the operation in `slot` is wanted no more.
    pub(crate) fn forget(&self, slot: usize) {
        let (segment, index) = position(slot);
        if let Some(words) = self.segments[segment].get() {
            words[index].store(0, Ordering::Release);
        }
    }

    /// Nothing is wanted any more.
    pub(crate) fn forget_all(&self) {
        for word in self.segments.iter().filter_map(OnceLock::get).flatten() {
            word.store(0, Ordering::Release);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, operation: OperationId) -> bool {
        let (segment, index) = position(operation.slot());
        let words = self.segments[segment].get();
        words.is_some_and(|words| words[index].load(Ordering::Acquire) == operation.bits())
    }
}
