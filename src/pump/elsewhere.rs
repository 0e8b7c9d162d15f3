//! Work that is done elsewhere, and streams.

use super::Pump;
use crate::error::{StartError, StartRefusal};
use crate::external::{Completer, ExternalId};
use crate::id::Owner;
use crate::provider::{Provider, StreamId, StreamSettings, StreamWaker};

impl<T: Send + 'static> Pump<T> {
    /// Starts an operation whose work is done by somebody else, on any thread, who ends it with the
    /// [`Completer`]: one [`Payload::External`](crate::Payload::External) message. No thread is started here.
    ///
    /// # Cancellation
    ///
    /// Waits for nobody: the completer learns by [`is_wanted`](Completer::is_wanted), and gets a result that
    /// comes too late back. One that is on its way is dropped by a later turn.
    ///
    /// # Errors
    ///
    /// When its owner is not open, and when too many operations live.
    ///
    /// # Cost
    ///
    /// An allocation, in which the result will lie; now and then a longer table, of 8 bytes for each operation that lives.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, Pump};
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// let (sum, completer) = pump.start_external::<u64>(window)?;
    /// let worker = std::thread::spawn(move || completer.complete((1..=1000).sum()));
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// let Payload::External(mut external) = message.payload else { panic!("{message:?}") };
    /// assert_eq!(external.of(sum), Some(Ok(500_500)));
    /// assert_eq!(worker.join().expect("the worker does not panic"), Ok(()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_external<R: Send + 'static>(
        &mut self,
        owner: impl Into<Owner>,
    ) -> Result<(ExternalId<R>, Completer<R>), StartError<()>> {
        self.retire_old_news();
        let started = self.engine.start_external(owner.into(), self.inbox.bell());
        let refused = |refusal: StartRefusal| StartError::new("starting an external operation", (), refusal);
        started.map(|(operation, completer)| (ExternalId::new(operation), completer)).map_err(refused)
    }

    /// Starts a stream: `provider` is asked for its items in slices, inside turns, and they come in order as
    /// [`Payload::Batch`](crate::Payload::Batch) messages, then one
    /// [`Payload::StreamEnd`](crate::Payload::StreamEnd).
    ///
    /// # Cancellation
    ///
    /// The provider is dropped and not asked again; the batches in the queue are purged.
    ///
    /// # Errors
    ///
    /// The provider comes back when its owner is not open, and when too many operations live.
    ///
    /// # Cost
    ///
    /// Two allocations for each batch. A turn asks for slices until nobody has credit left, or its share of
    /// time is over: see [`turn`](Pump::turn).
    ///
    /// # Examples
    ///
    /// See [`items`](crate::items) for an iterator as a stream. A provider of one's own:
    ///
    /// ```
    /// use msgpump::{Payload, Provider, Pump, Slice, Step, StreamSettings};
    ///
    /// struct Countdown(u32);
    ///
    /// impl Provider for Countdown {
    ///     type Item = u32;
    ///     type Status = &'static str;
    ///
    ///     fn step(&mut self, slice: &mut Slice<'_, u32>) -> Step<&'static str> {
    ///         while self.0 > 0 {
    ///             if slice.push(self.0).is_err() {
    ///                 return Step::More;
    ///             }
    ///             self.0 -= 1;
    ///         }
    ///         Step::End("lift-off")
    ///     }
    /// }
    ///
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.root_window();
    /// let countdown = pump.start_stream(window, Countdown(100), StreamSettings::default())?;
    /// let mut end = None;
    /// while let Some(message) = pump.get_message()? {
    ///     match message.payload {
    ///         Payload::Batch(mut batch) => println!("{:?}", batch.of(countdown)),
    ///         Payload::StreamEnd(mut said) => {
    ///             end = said.of(countdown);
    ///             pump.quit(0);
    ///         }
    ///         _ => {}
    ///     }
    /// }
    /// assert_eq!(end, Some(Ok("lift-off")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_stream<P: Provider + 'static>(
        &mut self,
        owner: impl Into<Owner>,
        provider: P,
        settings: StreamSettings,
    ) -> Result<StreamId<P::Item, P::Status>, StartError<P>> {
        self.retire_old_news();
        self.engine.start_stream(owner.into(), provider, settings, self.inbox.bell()).map(StreamId::new)
    }

    /// Drops the results of operations that are over, where they may have gathered.
    fn retire_old_news(&mut self) {
        if self.inbox.may_gather_old_news() {
            let results = self.inbox.take_old_news(|operation| self.engine.is_live(operation));
            self.engine.retire(results);
            self.engine.drop_purged();
        }
    }

    /// What wakes a stream whose provider has parked, for the thread that has more for it. `None` once the
    /// provider has ended, or the stream is cancelled.
    ///
    /// The provider finds the same one in its [`Slice`](crate::Slice::waker).
    pub fn stream_waker<I, S>(&self, stream: StreamId<I, S>) -> Option<StreamWaker> {
        self.engine.stream_waker(stream.id()).cloned()
    }
}
