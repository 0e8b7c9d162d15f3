//! The requests that live, found by their handle and by the operation of the pump that works for them.
//!
//! Floor 5. Which calls there are is told in [`database`](super::database); here is what becomes of one.

use super::answer::{Answer, Hostent, Protoent, Servent};
use super::error::WinsockError;
use super::handle::TaskHandle;
use super::handles::Handles;
use super::latest::Latest;
use super::message::{WinsockMessage, wsa_make_async_reply};
use super::table::Table;
use crate::{Cancelled, LookupFailure, OperationId, Payload, Pump, Source, WindowId};

/// Dead requests are looked for when this many live, and then whenever twice as many do as were left.
const REQUESTS_BEFORE_SWEEP: usize = 64;

/// A request that was started and neither delivered nor cancelled.
pub(super) struct Request {
    pub(super) window: WindowId,
    pub(super) message: u32,
    /// How many bytes the caller's buffer has; all there are, where none is to be filled.
    pub(super) buflen: usize,
    pub(super) expected: Expected,
}

/// What is made of the message of the request's operation.
pub(super) enum Expected {
    /// The host that it tells.
    Host,
    /// As [`Expected::Host`], but of this machine, which has this address even if no server knows it.
    OwnHost(Box<Answer>),
    /// The service that it tells.
    Service,
    /// The protocol that it tells.
    Protocol,
    /// The answer was known at the start, whatever the message tells.
    Known(Box<Result<Answer, WinsockError>>),
}

/// The table.
pub(super) struct Requests {
    handles: Handles,
    by_operation: Table<OperationId, (TaskHandle, Request)>,
    /// Pending ones whose window was destroyed: their first cancel succeeds.
    orphans: Latest<TaskHandle>,
    /// Operations of the past whose message a program may have in its hands, taken and not translated: it must not
    /// be seen any more.
    pub(super) withdrawn: Latest<OperationId>,
    sweep_at: usize,
}

impl Requests {
    pub(super) fn new() -> Requests {
        Requests {
            handles: Handles::new(),
            by_operation: Table::default(),
            orphans: Latest::new(),
            withdrawn: Latest::new(),
            sweep_at: REQUESTS_BEFORE_SWEEP,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_operation.len()
    }

    /// Forgets requests whose window was destroyed without this layer, if there may be many or the most that
    /// may live do.
    pub(super) fn sweep<T>(&mut self, pump: &Pump<T>, requests_max: usize) {
        if self.by_operation.len() < self.sweep_at.min(requests_max) {
            return;
        }
        let Requests { by_operation, handles, orphans, withdrawn, .. } = self;
        by_operation.retain(|&operation, (handle, request)| {
            let is_kept = pump.has_window(request.window);
            if !is_kept {
                handles.forget(*handle);
                withdrawn.add(operation);
                if request.expected.is_slow() {
                    orphans.add(*handle);
                }
            }
            is_kept
        });
        self.sweep_at = (2 * self.by_operation.len()).max(REQUESTS_BEFORE_SWEEP);
    }

    /// Gives a handle to a request that is over already: its window is no more.
    pub(super) fn issue_dead(&mut self) -> TaskHandle {
        let handle = self.handles.issue(None);
        self.handles.forget(handle);
        handle
    }

    pub(super) fn insert(&mut self, operation: OperationId, request: Request) -> TaskHandle {
        let handle = self.handles.issue(Some(operation));
        self.by_operation.insert(operation, (handle, request));
        handle
    }

    /// Takes the request of an operation whose message was taken.
    pub(super) fn complete(&mut self, operation: OperationId) -> Option<(TaskHandle, Request)> {
        let completed = self.by_operation.remove(&operation)?;
        self.handles.forget(completed.0);
        Some(completed)
    }

    /// Cancels one request. Once it returns, nothing of it is seen any more.
    pub(super) fn cancel<T>(&mut self, pump: &mut Pump<T>, handle: TaskHandle) -> Result<(), WinsockError> {
        if let Some(operation) = self.handles.operation(handle)
            && let Some((_, request)) = self.complete(operation)
        {
            return match self.stop(pump, operation, &request) {
                Stopped::Pending => Ok(()),
                Stopped::Finished => Err(WinsockError::Ealready),
            };
        }
        if self.orphans.take(handle) {
            return Ok(());
        }
        Err(if self.handles.is_issued(handle) { WinsockError::Ealready } else { WinsockError::Einval })
    }

    fn stop<T>(&mut self, pump: &mut Pump<T>, operation: OperationId, request: &Request) -> Stopped {
        match pump.cancel(operation) {
            Cancelled::Pending => Stopped::Pending,
            Cancelled::Queued(_) => Stopped::Finished,
            Cancelled::Over | Cancelled::Unknown => {
                // The program has its message in its hands and has not had it translated, or its window was
                // destroyed, and all that belonged to it was cancelled.
                self.withdrawn.add(operation);
                let was_pending = !pump.has_window(request.window) && request.expected.is_slow();
                if was_pending { Stopped::Pending } else { Stopped::Finished }
            }
        }
    }

    /// Cancels the requests of one window and remembers which of them were pending.
    pub(super) fn cancel_window<T>(&mut self, pump: &mut Pump<T>, window: WindowId) {
        let of_window = |(handle, request): &(TaskHandle, Request)| (request.window == window).then_some(*handle);
        let handles: Vec<_> = self.by_operation.values().filter_map(of_window).collect();
        for handle in handles {
            if self.cancel(pump, handle).is_ok() {
                self.orphans.add(handle);
            }
        }
    }

    /// Cancels everything; the handles given out so far are those of the past.
    pub(super) fn cancel_all<T>(&mut self, pump: &mut Pump<T>) {
        for (operation, (_, request)) in std::mem::take(&mut self.by_operation) {
            self.stop(pump, operation, &request);
        }
        self.orphans.clear();
        self.handles.begin_epoch();
    }
}

/// What a cancel found.
enum Stopped {
    Pending,
    Finished,
}

impl Expected {
    /// Whether the pump may have to ask somebody: the others are finished when they have been started.
    fn is_slow(&self) -> bool {
        matches!(self, Expected::Host | Expected::OwnHost(_))
    }

    pub(super) fn read<T>(self, payload: Payload<T>) -> Result<Answer, WinsockError> {
        match (self, payload) {
            (Expected::Known(known), _) => *known,
            (Expected::Host | Expected::OwnHost(_), Payload::Host(Ok(host))) => host_answer(Hostent::from_core(*host)),
            (Expected::OwnHost(known), _) => Ok(*known),
            (Expected::Host, Payload::Host(Err(error))) => Err(host_error(error.failure())),
            // Digits that no table lists: the pump takes them for a port, the texts for an unknown name.
            (Expected::Service, Payload::Service(Ok(service))) if service.source == Source::Literal => {
                Err(WinsockError::NoData)
            }
            (Expected::Service, Payload::Service(Ok(service))) => Ok(Answer::Service(Servent::from_core(*service))),
            (Expected::Protocol, Payload::Protocol(Ok(protocol))) => {
                Ok(Answer::Protocol(Protoent::from_core(*protocol)))
            }
            (Expected::Service | Expected::Protocol, _) => Err(WinsockError::NoData),
            (Expected::Host, _) => Err(WinsockError::NoRecovery),
        }
    }
}

fn host_answer(host: Hostent) -> Result<Answer, WinsockError> {
    if host.addresses.is_empty() { Err(WinsockError::NoData) } else { Ok(Answer::Host(host)) }
}

/// The two classes of the texts: the key is unknown, or the service does not work.
fn host_error(failure: LookupFailure) -> WinsockError {
    match failure {
        LookupFailure::NotFound | LookupFailure::MalformedName => WinsockError::HostNotFound,
        LookupFailure::NoData => WinsockError::NoData,
        LookupFailure::TimedOut | LookupFailure::ServerFailure => WinsockError::TryAgain,
        LookupFailure::NetworkDown => WinsockError::Enetdown,
        _ => WinsockError::NoRecovery,
    }
}

/// The message that completes a request.
pub(super) fn completion<T>(handle: TaskHandle, request: Request, payload: Payload<T>) -> WinsockMessage {
    let Request { window, message, buflen, expected, .. } = request;
    let result = expected.read(payload);
    let needed = result.as_ref().map_or(0, Answer::size);
    let (answer, error) = match result {
        Ok(_) if buflen < needed => (None, WinsockError::Enobufs.number()),
        Ok(answer) => (Some(answer), 0),
        Err(error) => (None, error.number()),
    };
    // Errors of the table fit in 16 bits. A length that does not is as long as the word can say.
    let lparam = wsa_make_async_reply(u16::try_from(needed).unwrap_or(u16::MAX), error as u16);
    WinsockMessage { window, message, wparam: handle.raw(), lparam, answer, needed }
}
