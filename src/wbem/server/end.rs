//! How calls end: by themselves, by a cancel, with their handle, with the server.
//!
//! Floor 5. An entry leaves the table before its end is told. A cancel ends the pump's operations at once and
//! without a word; what the sink is told in their place is a message of its own, behind all that wait.

use super::Server;
use super::start::end_later;
use crate::wbem::calls::{Call, CallState, CallTarget};
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::feed::{Finish, Part};
use crate::wbem::sink::{CallId, Sink, SinkEvent, SinkId, SinkMessage, SinkStatus};
use crate::{OperationId, Pump};

impl Server {
    /// What a batch becomes.
    pub(super) fn given<T>(&self, pump: &Pump<T>, operation: OperationId, parts: Vec<Part>) -> Option<SinkMessage> {
        let (call, target) = {
            let shared = self.shared.borrow();
            let call = shared.calls.get(operation)?;
            (call.id, call.target.clone())
        };
        match target {
            // A method goes on when the window of its sink is destroyed.
            CallTarget::Sink(sink) if pump.has_window(sink.window()) => {
                let event = match parts.first()? {
                    Part::Progress { done, total } => SinkEvent::Progress { done: *done, total: *total },
                    Part::Object(_) => SinkEvent::Indicate(parts.into_iter().filter_map(Part::object).collect()),
                };
                Some(SinkMessage { sink, call, event })
            }
            CallTarget::Collector(collector, _) => {
                if let Some(collector) = collector.upgrade() {
                    collector.borrow_mut().add(parts);
                }
                None
            }
            CallTarget::Sink(_) | CallTarget::Nobody => None,
        }
    }

    /// What the end of a call becomes; an end that was known before is told as it was known.
    pub(super) fn over<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        operation: OperationId,
        finish: Option<Finish>,
    ) -> Option<SinkMessage> {
        let (call, group) = self.shared.borrow_mut().calls.remove(operation)?;
        group.map(|group| pump.close_group(group));
        let finish = match call.state {
            CallState::Ended(_, finish) => finish,
            CallState::Running(_) => finish?,
        };
        tell_end(pump, call.target, call.id, finish)
    }

    /// Cancels every call of a sink.
    pub(in crate::wbem) fn cancel_sink<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        sink: &Sink,
    ) -> Result<(), WbemError> {
        let (has_held, cancelled) = {
            let mut shared = self.shared.borrow_mut();
            (shared.calls.cancel_held(sink.id(), None), shared.calls.cancel_sink(sink.id()))
        };
        let (group, calls) = match cancelled {
            Some(cancelled) => cancelled,
            None if has_held => return Ok(()),
            None => {
                let error = WbemError::new(WbemStatus::NotFound).operation("CancelAsyncCall");
                return Err(error.description("the sink has no call that is pending"));
            }
        };
        pump.close_group(group);
        for call in calls {
            stop(pump, &call);
            self.tell_cancelled(pump, call);
        }
        self.let_sources_go(pump);
        Ok(())
    }

    /// Cancels one call of a sink.
    pub(in crate::wbem) fn cancel_call<T: Send + 'static>(&self, pump: &mut Pump<T>, sink: &Sink, call: CallId) {
        let operation = {
            let mut shared = self.shared.borrow_mut();
            shared.calls.cancel_held(sink.id(), Some(call));
            shared.calls.operation_of(sink.id(), call)
        };
        if let Some(operation) = operation {
            self.cancel_operation(pump, operation);
            self.let_sources_go(pump);
        }
    }

    /// Cancels every call that was made by a handle, which is gone.
    pub(super) fn close_handle<T: Send + 'static>(&self, pump: &mut Pump<T>, handle: OperationId) {
        let is_meant = |call: &Call| call.handle == handle && !call.is_cancelled();
        let pending = self.shared.borrow().calls.select(is_meant);
        for operation in pending {
            self.cancel_operation(pump, operation);
        }
        self.let_sources_go(pump);
    }

    fn cancel_operation<T: Send + 'static>(&self, pump: &mut Pump<T>, operation: OperationId) {
        let detached = self.shared.borrow_mut().calls.detach(operation);
        let Some((call, group)) = detached else { return };
        stop(pump, &call);
        group.map(|group| pump.close_group(group));
        self.tell_cancelled(pump, call);
    }

    /// Has it told that a call was cancelled, in place of whatever else would have been told.
    fn tell_cancelled<T: Send + 'static>(&self, pump: &mut Pump<T>, call: Call) {
        if let CallState::Ended(_, finish) = &call.state {
            log::debug!("{:?} is cancelled, its status was {:?}", call.id, finish.result);
        }
        let finish = Finish::of(Err(WbemStatus::CallCancelled.into()));
        let CallTarget::Sink(sink) = &call.target else {
            tell_end(pump, call.target, call.id, finish);
            return;
        };
        // It fails if the sink's window is destroyed: then the sink hears nothing any more.
        if let Ok(state) = end_later(pump, sink.window().into(), finish) {
            self.shared.borrow_mut().calls.insert(Call { state, begun: None, ..call }, None);
        }
    }

    /// Ends a call and says what its sink is told.
    pub(super) fn end_now<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        operation: OperationId,
        error: &WbemError,
    ) -> Option<SinkMessage> {
        let (call, group) = self.shared.borrow_mut().calls.detach(operation)?;
        stop(pump, &call);
        group.map(|group| pump.close_group(group));
        let finish = match call.state {
            CallState::Ended(_, finish) => finish,
            CallState::Running(_) => Finish::of(Err(error.clone())),
        };
        tell_end(pump, call.target, call.id, finish)
    }

    /// Takes in that the end of a call waits until the object of its sink can be called.
    pub(in crate::wbem) fn hold(&self, call: CallId, sink: SinkId, status: &SinkStatus) {
        let is_cancelled = status.status == WbemStatus::CallCancelled;
        self.shared.borrow_mut().calls.hold(call, sink, is_cancelled);
    }

    /// Takes in that such an end is told now, and says how if the call was cancelled meanwhile.
    pub(in crate::wbem) fn let_go(&self, call: CallId) -> Option<SinkStatus> {
        let is_cancelled = self.shared.borrow_mut().calls.let_go(call);
        is_cancelled.then(|| SinkStatus::new(Finish::of(Err(WbemStatus::CallCancelled.into()))))
    }

    /// Whether a call was cancelled, and its sink does not know yet, or not for long.
    pub(in crate::wbem) fn is_cancelled(&self, call: CallId) -> bool {
        self.shared.borrow().calls.is_silenced(call)
    }
}

/// Ends the pump's operation of a call that is out of the table, unless it runs on.
fn stop<T: Send + 'static>(pump: &mut Pump<T>, call: &Call) {
    if !call.runs_on() {
        pump.cancel(call.state.operation());
    }
}

/// Tells the end of a call that is out of the table.
fn tell_end<T: Send + 'static>(
    pump: &mut Pump<T>,
    target: CallTarget,
    call: CallId,
    finish: Finish,
) -> Option<SinkMessage> {
    match target {
        CallTarget::Sink(sink) => {
            let event = SinkEvent::Status(SinkStatus::new(finish));
            pump.has_window(sink.window()).then_some(SinkMessage { sink, call, event })
        }
        CallTarget::Collector(collector, window) => {
            if let Some(collector) = collector.upgrade() {
                collector.borrow_mut().finish(finish);
            }
            pump.destroy_window(window);
            None
        }
        CallTarget::Nobody => None,
    }
}
