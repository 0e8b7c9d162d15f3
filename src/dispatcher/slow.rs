//! Which procedure held everything up.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use super::Dispatcher;
use crate::{Kind, WindowId};

/// A procedure that took longer than it should: no other message was handled meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowHandler {
    /// The window whose procedure it is.
    pub window: WindowId,
    /// What it handled.
    pub kind: Kind,
    /// How long it took. What it spent in nested loops does not count: others were served in them.
    pub time: Duration,
}

impl fmt::Display for SlowHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SlowHandler { window, kind, time } = self;
        write!(f, "the procedure of {window} took {time:?} for a message of kind {kind:?}")
    }
}

/// Who is told of slow procedures.
pub(super) struct Watch {
    threshold: Duration,
    report: Box<dyn FnMut(SlowHandler)>,
    /// How long the dispatcher has worked since it is watched, seen from whoever calls it.
    served: Duration,
}

impl<T, S> Dispatcher<T, S> {
    /// Calls `report` for each procedure that takes longer than `threshold`, when it has returned.
    ///
    /// A screen that is drawn 60 times a second has 16 ms for each picture.
    ///
    /// # Cost
    ///
    /// The clock is read twice for each message waited for and twice for each dispatched. Nothing where
    /// this is not called.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::simulation::Simulation;
    /// use msgpump::{Dispatcher, Settings};
    /// use std::time::Duration;
    ///
    /// let simulation = Simulation::new(1);
    /// let mut dispatcher = Dispatcher::<u64>::new(simulation.pump(Settings::default()));
    /// let (tell, told) = std::sync::mpsc::channel();
    /// dispatcher.report_slow(Duration::from_millis(16), move |slow| {
    ///     tell.send(slow).expect("it is waited for"); // or log::warn!("{slow}")
    /// });
    /// let work = simulation.clone();
    /// let window = dispatcher.open_window(move |dispatcher, _, message| match message.payload {
    ///     msgpump::Payload::Posted(milliseconds) => work.advance(Duration::from_millis(milliseconds)),
    ///     _ => {}
    /// });
    /// for milliseconds in [5, 40, 10] {
    ///     dispatcher.pump().post(window, milliseconds)?;
    /// }
    /// dispatcher.pump().quit(0);
    /// dispatcher.run(&mut ())?;
    /// let slow: Vec<_> = told.try_iter().collect();
    /// assert_eq!(slow.len(), 1);
    /// assert_eq!((slow[0].window, slow[0].time), (window, Duration::from_millis(40)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn report_slow(&mut self, threshold: Duration, report: impl FnMut(SlowHandler) + 'static) {
        // Said in a procedure, it counts the nested loops that there were before, too.
        let served = self.watch.as_ref().map_or(Duration::ZERO, |watch| watch.served);
        self.watch = Some(Watch { threshold, report: Box::new(report), served });
    }

    /// Runs a procedure, and reports it if it is slow.
    pub(super) fn watched(&mut self, window: WindowId, kind: Kind, call: impl FnOnce(&mut Dispatcher<T, S>)) {
        let ((), own) = self.timed(call);
        if let (Some(own), Some(watch)) = (own, &mut self.watch)
            && own > watch.threshold
        {
            (watch.report)(SlowHandler { window, kind, time: own });
        }
    }

    /// Does something of the dispatcher's own, which is not held against the procedure that asked for it.
    pub(super) fn pumping<R>(&mut self, work: impl FnOnce(&mut Dispatcher<T, S>) -> R) -> R {
        self.timed(work).0
    }

    /// Does something, and says how long that took without the nested loops in it, if anybody is to be told. It counts where
    /// it ends in a panic, too: the procedure around it may catch that.
    fn timed<R>(&mut self, work: impl FnOnce(&mut Dispatcher<T, S>) -> R) -> (R, Option<Duration>) {
        let before = self.watch.as_ref().map(|watch| (self.pump.clock(), watch.served));
        let Some((start, served_before)) = before else { return (work(self), None) };
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        let time = self.pump.clock().saturating_duration_since(start);
        let own = self.watch.as_mut().map(|watch| {
            let nested = watch.served.saturating_sub(served_before);
            watch.served = served_before + time;
            time.saturating_sub(nested)
        });
        (result.unwrap_or_else(|cause| resume_unwind(cause)), own)
    }
}
