//! How calls begin.
//!
//! Floor 5. A call that cannot succeed is accepted all the same where the texts have it so, and told its failure.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Server, cannot_start};
use crate::wbem::calls::{Call, CallState, CallTarget};
use crate::wbem::collector::{Collector, Keeping};
use crate::wbem::error::WbemError;
use crate::wbem::feed::{Feed, Finish, Source};
use crate::wbem::sink::{CallId, Sink};
use crate::wbem::work::Begun;
use crate::{OperationId, Owner, Pump, StreamSettings, WindowId};

/// How many calls there are at least before those of destroyed windows are looked for.
const SWEEP_MIN: usize = 64;

/// A call to be started.
pub(in crate::wbem) struct Start {
    pub(in crate::wbem) operation: &'static str,
    /// What does the work, or what is told instead.
    pub(in crate::wbem) work: Result<Box<dyn Source>, WbemError>,
    /// It is a method, a put or a delete: once begun it goes on when it is cancelled.
    pub(in crate::wbem) begun: Option<Begun>,
}

impl Start {
    /// A call that only tells an error.
    pub(in crate::wbem) fn failed(operation: &'static str, error: WbemError) -> Start {
        Start { operation, work: Err(error), begun: None }
    }
}

/// A call that was started for somebody who fetches.
pub(in crate::wbem) struct Collecting {
    pub(in crate::wbem) collector: Rc<RefCell<Collector>>,
    /// Where its messages are waited for.
    pub(in crate::wbem) window: WindowId,
}

impl Server {
    /// Starts a call that tells a sink.
    pub(in crate::wbem) fn start_for_sink<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        handle: OperationId,
        sink: &Sink,
        start: Start,
    ) -> Result<CallId, WbemError> {
        self.admit(pump, start.operation)?;
        let known = self.shared.borrow().calls.group(sink.id());
        let group = known.unwrap_or_else(|| pump.open_group());
        let in_group = sink.window().in_group(group);
        let state = match start.work {
            Ok(source) => {
                let is_apart = start.begun.is_some() && pump.has_window(sink.window());
                let owner = if is_apart { self.shared.borrow().window.into() } else { in_group };
                run(pump, owner, Feed::new(start.operation, source, None))
            }
            Err(error) => end_later(pump, in_group, Finish::of(Err(error.operation(start.operation)))),
        };
        let state = state.map_err(|error| {
            if known.is_none() {
                pump.close_group(group);
            }
            error.operation(start.operation)
        })?;
        let mut shared = self.shared.borrow_mut();
        let id = shared.calls.next_id();
        let target = CallTarget::Sink(sink.clone());
        shared.calls.insert(Call { id, target, handle, state, begun: start.begun }, Some(group));
        Ok(id)
    }

    /// Starts a call whose objects are fetched.
    pub(in crate::wbem) fn start_for_collector<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        handle: OperationId,
        keeping: Keeping,
        start: Start,
    ) -> Result<Collecting, WbemError> {
        self.admit(pump, start.operation)?;
        let collector = Rc::new(RefCell::new(Collector::new(keeping)));
        let source = match start.work {
            Ok(source) => source,
            Err(error) => {
                let window = self.shared.borrow().window;
                collector.borrow_mut().finish(Finish::of(Err(error.operation(start.operation))));
                return Ok(Collecting { collector, window });
            }
        };
        let window = pump.open_window();
        let reader = Rc::downgrade(&collector);
        let feed = Feed::new(start.operation, source, start.begun.is_none().then(|| reader.clone()));
        let state = run(pump, window.into(), feed).map_err(|error| {
            pump.destroy_window(window);
            error.operation(start.operation)
        })?;
        let mut shared = self.shared.borrow_mut();
        let id = shared.calls.next_id();
        let target = CallTarget::Collector(reader, window);
        shared.calls.insert(Call { id, target, handle, state, begun: start.begun }, None);
        drop(shared);
        Ok(Collecting { collector, window })
    }

    /// Refuses calls when the server is shut down, and looks after the table now and then.
    fn admit<T: Send + 'static>(&self, pump: &mut Pump<T>, operation: &str) -> Result<(), WbemError> {
        let mut shared = self.shared.borrow_mut();
        shared.check_open().map_err(|error| error.operation(operation))?;
        if shared.calls.len() <= 2 * shared.swept_calls.max(SWEEP_MIN) {
            return Ok(());
        }
        // A call dies without a word when its sink's window is destroyed.
        let is_dead = |call: &Call| matches!(&call.target, CallTarget::Sink(sink) if !pump.has_window(sink.window()));
        let dead = shared.calls.select(is_dead);
        let removed: Vec<_> = dead.into_iter().filter_map(|operation| shared.calls.detach(operation)).collect();
        shared.swept_calls = shared.calls.len();
        drop(shared);
        for (_, group) in removed {
            group.map(|group| pump.close_group(group));
        }
        Ok(())
    }
}

/// Lets the pump run a call.
fn run<T: Send + 'static>(pump: &mut Pump<T>, owner: Owner, feed: Feed) -> Result<CallState, WbemError> {
    pump.start_stream(owner, feed, StreamSettings::default()).map(CallState::Running).map_err(cannot_start)
}

/// Has an end told by a message that takes its place behind all others.
pub(super) fn end_later<T: Send + 'static>(
    pump: &mut Pump<T>,
    owner: Owner,
    finish: Finish,
) -> Result<CallState, WbemError> {
    let (external, completer) = pump.start_external::<()>(owner).map_err(cannot_start)?;
    let told = completer.complete(());
    debug_assert!(told.is_ok(), "it was started right before");
    Ok(CallState::Ended(external, finish))
}
