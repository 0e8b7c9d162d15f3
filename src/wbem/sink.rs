//! Sinks: whom asynchronous calls tell, and what they are told.
//!
//! Floor 5. A sink is a name that calls share. What they tell it comes as messages: objects in batches, progress on
//! request, and exactly one final status for each call.

use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{ErrorInfo, WbemError, WbemStatus};
use super::feed::Finish;
use super::object::Object;
use super::scan::Counts;
use crate::WindowId;

/// What asynchronous calls tell their objects and their end to.
///
/// Clones are the same sink: [`CancelAsyncCall`](super::Services::cancel_async_call) by one of them
/// ends the calls of all. A call keeps its sink until it has told its end.
#[derive(Clone)]
pub struct Sink {
    body: Rc<Body>,
}

struct Body {
    id: SinkId,
    window: WindowId,
}

/// Names a sink. It is never given out again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkId(u64);

/// Names a call to a sink, in the order in which calls were started. It is never given out again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl Sink {
    /// Makes a sink whose messages are for `window`. When the window is destroyed, they end without a word.
    pub fn new(window: WindowId) -> Sink {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Sink { body: Rc::new(Body { id: SinkId(NEXT.fetch_add(1, Ordering::Relaxed)), window }) }
    }

    /// The sink's name.
    pub fn id(&self) -> SinkId {
        self.body.id
    }

    /// The window that its messages are for.
    pub fn window(&self) -> WindowId {
        self.body.window
    }

    /// How many hold the sink: the program's clones, calls that are not over, messages that were taken.
    pub fn holders(&self) -> usize {
        Rc::strong_count(&self.body)
    }
}

/// A sink that is not kept by this.
pub(super) struct WeakSink {
    body: Weak<Body>,
}

impl Sink {
    pub(super) fn downgrade(&self) -> WeakSink {
        WeakSink { body: Rc::downgrade(&self.body) }
    }
}

impl WeakSink {
    /// Whether nobody holds the sink.
    pub(super) fn is_gone(&self) -> bool {
        self.body.strong_count() == 0
    }
}

impl PartialEq for Sink {
    fn eq(&self, other: &Sink) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Sink {}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sink({})", self.body.id.0)
    }
}

impl fmt::Debug for SinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SinkId({})", self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({})", self.0)
    }
}

impl CallId {
    /// The call with this number.
    pub(super) fn numbered(number: u64) -> CallId {
        CallId(number)
    }
}

/// Something that a sink is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SinkMessage {
    /// The sink.
    pub sink: Sink,
    /// The call that tells it.
    pub call: CallId,
    /// What it tells.
    pub event: SinkEvent,
}

/// What a call tells its sink.
#[derive(Clone, Debug)]
pub enum SinkEvent {
    /// Some objects, at least one: the texts' `Indicate`.
    Indicate(Vec<Object>),
    /// So much is done; told to those who asked for it by `WBEM_FLAG_SEND_STATUS`.
    Progress {
        /// What is done.
        done: u16,
        /// What there is to do in all.
        total: u16,
    },
    /// The call is over: the texts' `SetStatus` with `WBEM_STATUS_COMPLETE`.
    Status(SinkStatus),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SinkStatus {
    /// What the call would have returned, had it been synchronous.
    pub status: WbemStatus,
    /// The path of the instance that was written.
    pub text: Option<String>,
    /// What is known of a failure.
    pub info: Option<Box<ErrorInfo>>,
    /// How many rows were read and kept.
    pub counts: Counts,
}

impl SinkStatus {
    pub(super) fn new(finish: Finish) -> SinkStatus {
        let Finish { result, text, counts } = finish;
        match result {
            Ok(status) => SinkStatus { status, text, info: None, counts },
            Err(WbemError { status, info }) => SinkStatus { status, text, info, counts },
        }
    }

    /// The success code, or the error.
    pub fn result(&self) -> Result<WbemStatus, WbemError> {
        if self.status.is_error() {
            return Err(WbemError { status: self.status, info: self.info.clone() });
        }
        Ok(self.status)
    }
}

impl SinkEvent {
    /// Progress as the texts pack it into one number: what there is in the high word, what is done in the low.
    pub fn packed_progress(&self) -> Option<u32> {
        match self {
            SinkEvent::Progress { done, total } => Some(u32::from(*total) << 16 | u32::from(*done)),
            SinkEvent::Indicate(_) | SinkEvent::Status(_) => None,
        }
    }
}
