//! Which procedure held everything up.

use std::fmt;
use std::time::{Duration, Instant};

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
        self.watch = Some(Watch { threshold, report: Box::new(report), served: Duration::ZERO });
    }

    /// Runs a procedure, and reports it if it is slow.
    pub(super) fn watched(&mut self, window: WindowId, kind: Kind, call: impl FnOnce(&mut Dispatcher<T, S>)) {
        let Some((start, served_before)) = self.start() else { return call(self) };
        call(self);
        let time = self.pump.clock().saturating_duration_since(start);
        let Some(watch) = &mut self.watch else { return };
        // Of its time, the nested loops were not its own.
        let own = time.saturating_sub(watch.served.saturating_sub(served_before));
        watch.served = served_before + time;
        if own > watch.threshold {
            (watch.report)(SlowHandler { window, kind, time: own });
        }
    }

    /// Does something of the dispatcher's own, which is not held against the procedure that asked for it.
    pub(super) fn pumping<R>(&mut self, work: impl FnOnce(&mut Dispatcher<T, S>) -> R) -> R {
        let Some((start, served_before)) = self.start() else { return work(self) };
        let result = work(self);
        let time = self.pump.clock().saturating_duration_since(start);
        if let Some(watch) = &mut self.watch {
            watch.served = served_before + time;
        }
        result
    }

    fn start(&self) -> Option<(Instant, Duration)> {
        self.watch.as_ref().map(|watch| (self.pump.clock(), watch.served))
    }
}
