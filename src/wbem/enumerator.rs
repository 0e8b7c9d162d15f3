//! Objects that are fetched one after the other: the texts' `IEnumWbemClassObject`.
//!
//! Floor 5. What is not fetched is not read, but for some objects in advance.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::collector::Collector;
use super::error::{WbemError, WbemStatus};
use super::feed::{Asking, Finish, Next, Part, Source};
use super::object::Object;
use super::scan::Counts;
use super::server::{Collecting, Server, Start, Waited};
use super::sink::{CallId, Sink};
use crate::{OperationId, Pump};

/// The objects of a call, fetched when they are wanted. Dropped, it ends the call.
///
/// # Examples
///
/// ```
/// use msgpump::wbem::{Flags, Outcome, Server};
/// let mut pump = msgpump::Pump::<()>::new()?;
/// let services = Server::new(&mut pump).connect(&mut pump, r"root\cimv2")?;
/// let mut classes = services.create_class_enum(&mut pump, "__Event", Flags::RETURN_IMMEDIATELY)?;
/// let first = classes.next(&mut pump, None, 1)?; // a program with a window: a time of zero, once a frame
/// assert_eq!((first.objects.len(), first.outcome), (1, Outcome::Ready));
/// let others = classes.collect(&mut pump)?.len();
/// classes.reset()?;
/// assert_eq!(classes.skip(&mut pump, None, 1)?, Outcome::Ready);
/// assert_eq!(classes.collect(&mut pump)?.len(), others);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Enumerator {
    server: Server,
    handle: OperationId,
    collecting: Collecting,
    position: usize,
    is_forward_only: bool,
}

/// What [`Enumerator::next`] gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// The objects, in the order in which the call gave them.
    pub objects: Vec<Object>,
    /// Whether there may be more.
    pub outcome: Outcome,
}

/// How a fetch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// There are as many as were asked for; there may be more.
    Ready,
    /// There are fewer, and it is not the end: more may come. This is no error.
    TimedOut,
    /// There are fewer, and there will be no more.
    End,
}

impl Outcome {
    /// The number that the texts have for it.
    pub fn status(self) -> WbemStatus {
        match self {
            Outcome::Ready => WbemStatus::SNoError,
            Outcome::TimedOut => WbemStatus::STimedOut,
            Outcome::End => WbemStatus::SFalse,
        }
    }
}

impl Enumerator {
    pub(super) fn new(
        server: Server,
        handle: OperationId,
        collecting: Collecting,
        is_forward_only: bool,
    ) -> Enumerator {
        Enumerator { server, handle, collecting, position: 0, is_forward_only }
    }

    /// Waits until the call is over.
    pub(super) fn wait_for_all<T: Send + 'static>(&self, pump: &mut Pump<T>) -> Result<(), WbemError> {
        let is_done = || self.collecting.collector.borrow().finished().is_some();
        self.server.wait(pump, self.collecting.window, None, is_done)?;
        match self.collecting.collector.borrow().finished() {
            Some(Finish { result: Err(error), .. }) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Waits at most so long for `count` objects, for ever without a time, and fetches those that are there
    /// (`Next`). With a time of zero it does not wait, and asks nobody: only turns of the pump make objects come.
    ///
    /// Asked after the end, or after an error, it says the same again.
    ///
    /// # Errors
    ///
    /// What the call ended with, once the objects that came before are fetched. `WBEM_E_SHUTTING_DOWN` if the
    /// program is asked to end meanwhile.
    pub fn next<T: Send + 'static>(
        &mut self,
        pump: &mut Pump<T>,
        timeout: Option<Duration>,
        count: usize,
    ) -> Result<Fetched, WbemError> {
        if count == 0 {
            return Ok(Fetched { objects: Vec::new(), outcome: Outcome::Ready });
        }
        let position = self.position;
        let collector = self.collecting.collector.clone();
        let is_done = || {
            let collector = collector.borrow();
            collector.finished().is_some() || collector.end().saturating_sub(position) >= count
        };
        let mut objects = Vec::new();
        loop {
            collector.borrow_mut().want(position.saturating_add(count));
            let waited = self.server.wait(pump, self.collecting.window, timeout, &is_done);
            collector.borrow_mut().want(0);
            let waited = waited?;
            let missing = count - objects.len();
            objects.extend(collector.borrow_mut().fetch(self.position, missing));
            self.position = position + objects.len();
            if objects.len() == count || waited == Waited::TimedOut || collector.borrow().finished().is_some() {
                break;
            }
        }
        let outcome = match collector.borrow().finished() {
            _ if objects.len() == count => Outcome::Ready,
            None => Outcome::TimedOut,
            Some(Finish { result: Ok(_), .. }) => Outcome::End,
            // It is told when nothing else is left to tell.
            Some(Finish { result: Err(_), .. }) if !objects.is_empty() => Outcome::TimedOut,
            Some(Finish { result: Err(error), .. }) => return Err(error.clone()),
        };
        Ok(Fetched { objects, outcome })
    }

    /// Fetches all that is left, and waits for it.
    ///
    /// # Errors
    ///
    /// As [`next`](Enumerator::next); objects that came before the error are lost.
    pub fn collect<T: Send + 'static>(&mut self, pump: &mut Pump<T>) -> Result<Vec<Object>, WbemError> {
        let mut objects = Vec::new();
        loop {
            let fetched = self.next(pump, None, PIECE)?;
            objects.extend(fetched.objects);
            if fetched.outcome == Outcome::End {
                return Ok(objects);
            }
        }
    }

    /// Has a sink told the next `count` objects when they are there (`NextAsync`); `None` if the end is reached
    /// already, then the sink is not touched.
    ///
    /// The sink's status is `WBEM_S_NO_ERROR` if so many came, `WBEM_S_FALSE` if the end came first. Several
    /// of these are served in order, and nothing that is done to the enumerator disturbs them.
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` if the sink's window is destroyed or no object is wanted.
    pub fn next_async<T: Send + 'static>(
        &mut self,
        pump: &mut Pump<T>,
        count: usize,
        sink: &Sink,
    ) -> Result<Option<CallId>, WbemError> {
        let operation = "NextAsync";
        if count == 0 {
            return Err(WbemError::new(WbemStatus::InvalidParameter)
                .operation(operation)
                .description("the count is 0"));
        }
        {
            let collector = self.collecting.collector.borrow();
            let is_over = matches!(collector.finished(), Some(Finish { result: Ok(_), .. }));
            if is_over && self.position >= collector.end() {
                return Ok(None);
            }
        }
        let collector = self.collecting.collector.clone();
        let following = Following { collector, position: self.position, left: count };
        let start = Start { operation, work: Ok(Box::new(following)), begun: None };
        let call = self.server.start_for_sink(pump, self.handle, sink, start)?;
        self.position = self.position.saturating_add(count);
        Ok(Some(call))
    }

    /// Waits at most so long for `count` objects, and leaves them out (`Skip`).
    ///
    /// # Errors
    ///
    /// As [`next`](Enumerator::next).
    pub fn skip<T: Send + 'static>(
        &mut self,
        pump: &mut Pump<T>,
        timeout: Option<Duration>,
        count: usize,
    ) -> Result<Outcome, WbemError> {
        self.next(pump, timeout, count).map(|fetched| fetched.outcome)
    }

    /// Goes back to the first object (`Reset`).
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_OPERATION` for one that goes forward only.
    pub fn reset(&mut self) -> Result<(), WbemError> {
        self.check_bidirectional("Reset")?;
        self.position = 0;
        Ok(())
    }

    /// Makes another enumerator of the same objects, at the same place (`Clone`).
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_OPERATION` for one that goes forward only.
    pub fn try_clone(&self) -> Result<Enumerator, WbemError> {
        self.check_bidirectional("Clone")?;
        let collecting = Collecting { collector: self.collecting.collector.clone(), ..self.collecting };
        Ok(Enumerator { server: self.server.clone(), collecting, ..*self })
    }

    fn check_bidirectional(&self, operation: &str) -> Result<(), WbemError> {
        if self.is_forward_only {
            let error = WbemError::new(WbemStatus::InvalidOperation).operation(operation);
            return Err(error.description("the enumerator goes forward only"));
        }
        Ok(())
    }

    /// What the call ended with, once it is over: `WBEM_S_PARTIAL_RESULTS` if some objects could not be reached.
    pub fn status(&self) -> Option<WbemStatus> {
        let collector = self.collecting.collector.borrow();
        collector.finished().map(|finish| finish.result.as_ref().map_or_else(|error| error.status, |status| *status))
    }

    /// How many rows were read and kept, once the call is over.
    pub fn counts(&self) -> Option<Counts> {
        self.collecting.collector.borrow().finished().map(|finish| finish.counts)
    }
}

/// How many objects are fetched at a time where all are wanted.
const PIECE: usize = 256;

impl std::fmt::Debug for Enumerator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enumerator").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Objects of an enumerator on their way to a sink.
struct Following {
    collector: Rc<RefCell<Collector>>,
    position: usize,
    left: usize,
}

impl Source for Following {
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next {
        let mut collector = self.collector.borrow_mut();
        let fetched = collector.fetch(self.position, room.min(self.left));
        self.position += fetched.len();
        self.left -= fetched.len();
        let has_more = self.position < collector.end();
        out.extend(fetched.into_iter().map(Part::Object));
        match (self.left, has_more, collector.finished()) {
            (0, ..) => Next::End(Finish::of(Ok(WbemStatus::SNoError))),
            (_, true, _) => Next::More,
            (_, false, Some(Finish { result: Ok(_), .. })) => Next::End(Finish::of(Ok(WbemStatus::SFalse))),
            (_, false, Some(Finish { result: Err(error), .. })) => Next::End(Finish::of(Err(error.clone()))),
            (_, false, None) => {
                collector.follow(asking.waker.clone());
                Next::Parked
            }
        }
    }
}
