//! Streams: results that a provider gives in slices, and that come as messages in batches.
//!
//! Floor 0. The words of both sides. A provider knows nothing of the pump, and the pump forgets what
//! a provider's items are: only the [`StreamId`] that the start returned remembers it.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::external::{Bell, News};
use crate::id::{OperationId, typed_id};
use crate::sync::{AtomicBool, Ordering};

/// How many items a batch holds unless told otherwise.
const BATCH: usize = 64;

/// How many batches may wait to be taken unless told otherwise.
const CREDIT: usize = 4;

/// The most items that a batch can be asked to hold.
const BATCH_MAX: usize = 65_536;

/// How many bytes a slice has room for before there are items in it: items can be large, and batches short.
const SLICE_BYTES: usize = 1 << 16;

/// What gives a stream's items, a slice at a time, on the pump's own thread and inside its turn.
///
/// A slice should be short, well under a millisecond: while it runs, nothing else does. A provider that
/// panics ends its stream with [`Panicked`] and disturbs nothing else. It is dropped when its stream has
/// ended or is cancelled; if that panics, the panic passes through the turn or the cancel, and all else goes on.
///
/// Every iterator can be one: see [`items`].
pub trait Provider {
    /// What it gives.
    type Item: 'static;
    /// What it ends with.
    type Status: 'static;

    /// Puts some items into `slice`, none is no fault, and says how it goes on.
    fn step(&mut self, slice: &mut Slice<'_, Self::Item>) -> Step<Self::Status>;
}

/// How a stream goes on after a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<S> {
    /// There is more to do: ask again as soon as there is room.
    More,
    /// Ask again then. A moment that is past, or nearer than a millisecond, counts as a millisecond from now.
    At(Instant),
    /// Ask again once the stream's [`StreamWaker`] is woken.
    Parked,
    /// It is over. It is not asked again.
    End(S),
}

/// Where a provider puts its items.
pub struct Slice<'a, I> {
    items: Vec<I>,
    room: usize,
    now: Instant,
    waker: &'a StreamWaker,
}

impl<I> Slice<'_, I> {
    /// Adds an item.
    ///
    /// # Errors
    ///
    /// The item comes back when there is no room: keep it for the next slice.
    #[inline]
    pub fn push(&mut self, item: I) -> Result<(), I> {
        if self.is_full() {
            return Err(item);
        }
        self.items.push(item);
        Ok(())
    }

    /// How many more items there is room for.
    #[inline]
    pub fn room(&self) -> usize {
        self.room - self.items.len()
    }

    /// Whether there is no room for another item.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// The time of the turn.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What wakes the stream after a [`Step::Parked`], from any thread.
    pub fn waker(&self) -> StreamWaker {
        self.waker.clone()
    }
}

impl<I> fmt::Debug for Slice<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slice").field("room", &self.room()).finish_non_exhaustive()
    }
}

/// Has a parked stream asked again, from any thread.
///
/// A wake that comes while the provider is being asked counts. It outlives stream and pump without harm.
#[derive(Clone)]
pub struct StreamWaker {
    shared: Arc<WakerShared>,
}

struct WakerShared {
    operation: OperationId,
    /// The news is on its way: a flood of wakes is one.
    is_woken: AtomicBool,
    bell: Arc<dyn Bell>,
}

impl StreamWaker {
    pub(crate) fn new(operation: OperationId, bell: Arc<dyn Bell>) -> StreamWaker {
        StreamWaker { shared: Arc::new(WakerShared { operation, is_woken: AtomicBool::new(false), bell }) }
    }

    /// Has the stream asked again, and wakes the pump if it sleeps.
    pub fn wake(&self) {
        if !self.shared.is_woken.swap(true, Ordering::AcqRel) {
            self.shared.bell.ring(News { operation: self.shared.operation, result: None });
        }
    }

    /// The news has arrived: the next wake is news again.
    ///
    /// It reads the flag that it takes down: so whatever was done before a wake that found it up is seen by
    /// the provider, which is asked after this. With a plain store it might look for more before the store
    /// is seen, and park, while the wake thinks that it will look.
    pub(crate) fn take_wake(&self) {
        self.shared.is_woken.swap(false, Ordering::AcqRel);
    }
}

impl fmt::Debug for StreamWaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWaker").field("operation", &self.shared.operation).finish_non_exhaustive()
    }
}

typed_id! {
    /// The id of a stream of items `I` that ends with an `S`.
    ///
    /// It is an [`OperationId`] that knows what its operation gives, so that nobody has to find out.
    StreamId<I, S>, "Stream"
}

/// How a stream's items are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "settings do nothing until a stream is started with them"]
pub struct StreamSettings {
    pub(crate) batch: usize,
    pub(crate) credit: usize,
}

impl Default for StreamSettings {
    fn default() -> StreamSettings {
        StreamSettings { batch: BATCH, credit: CREDIT }
    }
}

impl StreamSettings {
    /// At most this many items come in one message: from 1 to 65,536, by default 64.
    pub fn batch(mut self, items: usize) -> StreamSettings {
        self.batch = items.clamp(1, BATCH_MAX);
        self
    }

    /// At most this many batches wait to be taken: the provider is not asked meanwhile. At least 1, by
    /// default 4.
    pub fn credit(mut self, batches: usize) -> StreamSettings {
        self.credit = batches.max(1);
        self
    }
}

/// Some of a stream's items, in order. [`of`](Batch::of) takes them out.
pub struct Batch {
    items: Box<dyn Any>,
    operation: OperationId,
}

impl Batch {
    /// Takes the items out, if they are of the stream `id`. A second time there are none.
    pub fn of<I: 'static, S>(&mut self, id: StreamId<I, S>) -> Option<Vec<I>> {
        let items = self.items.downcast_mut::<Option<Vec<I>>>().filter(|_| id.operation == self.operation)?;
        items.take()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// The final message of a stream. [`of`](StreamEnd::of) takes the status out.
pub struct StreamEnd(Box<EndDetail>);

struct EndDetail {
    operation: OperationId,
    status: Result<Box<dyn Any>, Option<Panicked>>,
}

/// The stream's provider panicked: there will be no more of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Panicked {
    /// What it said, where it said it in words.
    pub message: String,
}

impl Panicked {
    fn from_cause(cause: Box<dyn Any + Send>) -> Panicked {
        let words = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let words = words.or_else(|| cause.downcast_ref::<String>().cloned());
        // What a program panics with may panic in turn when it is dropped.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(cause))) {
            std::mem::forget(again);
        }
        Panicked { message: words.unwrap_or_else(|| "without a word".to_owned()) }
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream's provider panicked: {}", self.message)
    }
}

impl std::error::Error for Panicked {}

impl StreamEnd {
    /// Takes the status out, if this is the end of the stream `id`. A second time there is none.
    pub fn of<I, S: 'static>(&mut self, id: StreamId<I, S>) -> Option<Result<S, Panicked>> {
        let detail = &mut *self.0;
        if id.operation != detail.operation {
            return None;
        }
        match &mut detail.status {
            Ok(status) => status.downcast_mut::<Option<S>>()?.take().map(Ok),
            Err(panicked) => panicked.take().map(Err),
        }
    }
}

impl fmt::Debug for StreamEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamEnd").field("operation", &self.0.operation).finish_non_exhaustive()
    }
}

/// A provider whose types are forgotten.
pub(crate) trait AnyProvider {
    fn slice(&mut self, request: SliceRequest<'_>) -> SliceOutcome;
}

/// What a provider is asked with.
pub(crate) struct SliceRequest<'a> {
    pub(crate) room: usize,
    pub(crate) now: Instant,
    pub(crate) waker: &'a StreamWaker,
}

/// What a provider gave.
pub(crate) struct SliceOutcome {
    pub(crate) batch: Option<Batch>,
    pub(crate) step: Step<StreamEnd>,
}

impl<P: Provider> AnyProvider for P {
    fn slice(&mut self, SliceRequest { room, now, waker }: SliceRequest<'_>) -> SliceOutcome {
        let capacity = room.min(SLICE_BYTES / size_of::<P::Item>().max(1));
        let mut slice = Slice { items: Vec::with_capacity(capacity), room, now, waker };
        // What it gave before it panicked still counts.
        let step = catch_unwind(AssertUnwindSafe(|| self.step(&mut slice)));
        let operation = waker.shared.operation;
        let items = (!slice.items.is_empty()).then_some(slice.items);
        let batch = items.map(|items| Batch { items: Box::new(Some(items)), operation });
        let end = |status| Step::End(StreamEnd(Box::new(EndDetail { operation, status })));
        let step = match step {
            Ok(Step::More) => Step::More,
            Ok(Step::At(instant)) => Step::At(instant),
            Ok(Step::Parked) => Step::Parked,
            Ok(Step::End(status)) => end(Ok(Box::new(Some(status)))),
            Err(cause) => end(Err(Some(Panicked::from_cause(cause)))),
        };
        SliceOutcome { batch, step }
    }
}

/// A provider of the items that an iterator gives. Each slice takes as many as there is room for.
///
/// ```
/// use msgpump::{Payload, Pump, StreamSettings, items};
/// let mut pump = Pump::<()>::new()?;
/// let window = pump.root_window();
/// let squares = pump.start_stream(window, items((1..=100).map(|n| n * n)), StreamSettings::default())?;
/// let mut sum = 0;
/// while let Some(message) = pump.get_message()? {
///     match message.payload {
///         Payload::Batch(mut batch) => sum += batch.of(squares).into_iter().flatten().sum::<u32>(),
///         Payload::StreamEnd(_) => pump.quit(0),
///         _ => {}
///     }
/// }
/// assert_eq!(sum, 338_350);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn items<I: IntoIterator>(items: I) -> Items<I::IntoIter> {
    Items(items.into_iter())
}

/// The provider that [`items`] makes.
#[derive(Clone, Debug)]
pub struct Items<I>(I);

impl<I> Provider for Items<I>
where
    I: Iterator,
    I::Item: 'static,
{
    type Item = I::Item;
    type Status = ();

    #[inline]
    fn step(&mut self, slice: &mut Slice<'_, I::Item>) -> Step<()> {
        slice.items.extend(self.0.by_ref().take(slice.room - slice.items.len()));
        if slice.is_full() { Step::More } else { Step::End(()) }
    }
}
