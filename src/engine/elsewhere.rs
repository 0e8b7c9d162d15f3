//! Work that is not the pump's own, as operations: done on other threads, or by providers in slices.
//!
//! Part of the engine: it turns results, batches and ends into messages of the operations that wait for
//! them. Code of the program runs here in one place only, where a provider is asked; it cannot reach
//! the engine, and what it panics with becomes the end of its stream.

use std::any::Any;
use std::sync::Arc;

use super::Engine;
use crate::error::{StartError, StartRefusal};
use crate::external::{AnyResult, Bell, Completer, External, News, Wanted};
use crate::id::{OperationId, Owner};
use crate::message::{Message, Payload};
use crate::moment::{Moment, TimeLine};
use crate::operation::Work;
use crate::operation::stream::Sliced;
use crate::provider::{AnyProvider, StreamSettings, StreamWaker};
use crate::queue::Chain;
use crate::slots::{Slot, slot_of};

/// What is the program's own and is dropped last, when all is consistent.
#[expect(dead_code, reason = "kept to be dropped")]
pub(super) enum Retired {
    Result(AnyResult),
    Provider(Box<dyn AnyProvider>),
    Source(Box<dyn Any>),
}

impl<T> Engine<T> {
    pub(crate) fn start_external<R: Send + 'static>(
        &mut self,
        owner: Owner,
        bell: Arc<dyn Bell>,
    ) -> Result<(OperationId, Completer<R>), StartRefusal> {
        let (window, group) = self.admit(owner)?;
        let operation = OperationId::new(self.tag, self.operations.insert(window, group, Work::External));
        self.wanted.want(operation);
        Ok((operation, Completer::new(operation, bell)))
    }

    /// Which external operations are still to end, for those who ask on other threads.
    pub(crate) fn wanted(&self) -> Arc<Wanted> {
        self.wanted.clone()
    }

    pub(crate) fn start_stream<P: AnyProvider + 'static>(
        &mut self,
        owner: Owner,
        provider: P,
        settings: StreamSettings,
        bell: Arc<dyn Bell>,
    ) -> Result<OperationId, StartError<P>> {
        let (window, group) = match self.admit(owner) {
            Ok(admitted) => admitted,
            Err(refusal) => return Err(StartError::new("starting a stream", provider, refusal)),
        };
        let key = self.operations.insert(window, group, Work::Finished { queued: Chain::EMPTY });
        let operation = OperationId::new(self.tag, key);
        let waker = StreamWaker::new(operation, bell);
        let stream = self.streams.start(slot_of(key), Box::new(provider), waker, settings);
        self.operations.at_mut(slot_of(key)).work = Work::Stream { stream, queued: Chain::EMPTY };
        self.reserve_retirement();
        Ok(operation)
    }

    /// What wakes a stream that is parked, while its provider lives.
    pub(crate) fn stream_waker(&self, operation: OperationId) -> Option<&StreamWaker> {
        let slot = self.live_slot(operation)?;
        match self.operations.at(slot).work {
            Work::Stream { stream, .. } => Some(self.streams.waker(stream)),
            _ => None,
        }
    }

    /// So that a cancel allocates nothing.
    pub(super) fn reserve_retirement(&mut self) {
        self.retired.reserve(self.streams.len() + self.watches.len());
    }

    /// Takes in news of an operation, if it still lives.
    pub(crate) fn news(&mut self, News { operation, result }: News) {
        let live = self.live_slot(operation).map(|slot| (slot, &self.operations.at(slot).work));
        match (live, result) {
            (Some((slot, Work::External)), Some(result)) => {
                self.finish(slot, Chain::EMPTY, || Payload::External(External::new(operation, result)));
            }
            (Some((_, &Work::Stream { stream, .. })), _) => self.streams.woken(stream),
            (_, result) => self.retire(result),
        }
    }

    /// Keeps results that nobody wants until they can be dropped.
    pub(crate) fn retire(&mut self, results: impl IntoIterator<Item = AnyResult>) {
        self.retired.extend(results.into_iter().map(Retired::Result));
    }

    /// Whether a stream stands in line to be asked.
    pub(crate) fn has_streams_in_line(&self) -> bool {
        self.streams.has_work()
    }

    /// Asks the first stream in line for a slice, if there is one.
    pub(crate) fn step_stream(&mut self, now: Moment, time_line: TimeLine) -> bool {
        let Some(Sliced { operation: slot, batch, end }) = self.streams.step(now, time_line) else { return false };
        if let Some(batch) = batch {
            self.queue_of(slot, || Payload::Batch(batch));
        }
        if let Some((end, provider)) = end {
            let Work::Stream { queued, .. } = self.operations.at(slot).work else {
                unreachable!("only streams give slices")
            };
            self.finish(slot, queued, || Payload::StreamEnd(end));
            // Last: its drop is code of the program.
            drop(provider);
        }
        true
    }

    /// Queues a message of a living operation. As in the queue, what it says is made where it is to lie.
    #[inline]
    pub(super) fn queue_of(&mut self, slot: Slot, payload: impl FnOnce() -> Payload<T>) {
        let (window, operation) = (self.window_of(slot), Some(self.id_of(slot)));
        let queued = self.operations.at_mut(slot).work.queued_mut().expect("its work queues messages");
        self.queue.push(queued, || Message { window, operation, payload: payload() });
    }

    /// Queues the final message of an operation of which `queued` is in the queue.
    #[inline]
    pub(super) fn finish(&mut self, slot: Slot, queued: Chain, payload: impl FnOnce() -> Payload<T>) {
        log::debug!("{} is over", self.id_of(slot));
        self.operations.at_mut(slot).work = Work::Finished { queued };
        self.queue_of(slot, payload);
    }
}
