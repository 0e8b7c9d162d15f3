//! What can go wrong with a call, as opposed to with an operation.
//!
//! Floor 0. A refused argument comes back inside its error. What a lookup ran into is not here: it
//! is data in the operation's final message.

use std::{fmt, io};

use crate::id::{GroupId, OperationId, WindowId};

/// A call could not be carried out: what was attempted, and why not.
///
/// The pump stays usable.
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
enum Kind {
    /// The machine beneath the pump failed.
    Machine { attempted: &'static str, source: io::Error },
    /// Waiting for a window that is not open.
    NoSuchWindow(WindowId),
    /// Waiting for an operation that is over.
    OperationOver(OperationId),
    /// Waiting past a queue that is full of other messages while more are in the inbox.
    QueueFull,
}

impl Error {
    pub(crate) fn new(attempted: &'static str, source: io::Error) -> Error {
        Error(Kind::Machine { attempted, source })
    }

    pub(crate) fn no_such_window(window: WindowId) -> Error {
        Error(Kind::NoSuchWindow(window))
    }

    pub(crate) fn operation_over(operation: OperationId) -> Error {
        Error(Kind::OperationOver(operation))
    }

    pub(crate) fn queue_full() -> Error {
        Error(Kind::QueueFull)
    }

    /// The kind of the system's error; `InvalidInput` where the argument was at fault,
    /// `QuotaExceeded` where the queue is full of messages that are not waited for.
    pub fn kind(&self) -> io::ErrorKind {
        match &self.0 {
            Kind::Machine { source, .. } => source.kind(),
            Kind::NoSuchWindow(_) | Kind::OperationOver(_) => io::ErrorKind::InvalidInput,
            Kind::QueueFull => io::ErrorKind::QuotaExceeded,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Machine { attempted, source } => write!(f, "{attempted}: {source}"),
            Kind::NoSuchWindow(window) => {
                write!(f, "waiting for messages of {window}: it is destroyed or belongs to another pump")
            }
            Kind::OperationOver(operation) => {
                write!(f, "waiting for messages of {operation}: none that is wanted will come, ")?;
                f.write_str("it is over, or has finished with others, or belongs to another pump")
            }
            Kind::QueueFull => {
                f.write_str("waiting for some messages: the queue is full of others, take them before waiting for more")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Machine { source, .. } => Some(source),
            Kind::NoSuchWindow(_) | Kind::OperationOver(_) | Kind::QueueFull => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

/// A post was refused. The payload comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct PostError<T> {
    /// What was to be posted.
    pub payload: T,
    /// Why it was not.
    pub refusal: PostRefusal,
}

/// Why a post was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PostRefusal {
    /// As many messages wait as the pump may hold: take some, then post again.
    Full,
    /// The window is destroyed, or belongs to another pump.
    NoSuchWindow(WindowId),
    /// The pump is gone.
    PumpGone,
}

impl fmt::Display for PostRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PostRefusal::Full => f.write_str("the queue is full, take messages before posting more"),
            PostRefusal::NoSuchWindow(window) => write!(f, "{window} is destroyed or belongs to another pump"),
            PostRefusal::PumpGone => f.write_str("the pump is gone"),
        }
    }
}

impl<T> fmt::Display for PostError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "posting a message: {}", self.refusal)
    }
}

// By hand: a payload need not be printable, and may hold what a log must not show.
impl<T> fmt::Debug for PostError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostError").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

impl<T> std::error::Error for PostError<T> {}

/// An operation could not be started. The argument comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct StartError<A> {
    /// What was to be started.
    pub argument: A,
    /// Why it was not.
    pub refusal: StartRefusal,
}

/// Why an operation could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartRefusal {
    /// The window is destroyed, or belongs to another pump.
    NoSuchWindow(WindowId),
    /// The group is closed, or belongs to another pump.
    NoSuchGroup(GroupId),
    /// As many operations live as the pump may hold: cancel some, or take their messages.
    Full,
    /// A repeating timer needs an interval above zero: it would tick without end.
    ZeroInterval,
    /// The time is beyond what the clock can express.
    BeyondClock,
    /// The operation named is not a living timer.
    NotATimer,
    /// A deadline of no time at all.
    ZeroDeadline,
    /// The system refused.
    System {
        /// What was attempted.
        attempted: &'static str,
        /// The kind of its error.
        kind: io::ErrorKind,
        /// Its own number, where it has one.
        code: Option<i32>,
    },
}

impl StartRefusal {
    pub(crate) fn system(attempted: &'static str, error: &io::Error) -> StartRefusal {
        StartRefusal::System { attempted, kind: error.kind(), code: error.raw_os_error() }
    }
}

impl fmt::Display for StartRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartRefusal::NoSuchWindow(window) => write!(f, "{window} is destroyed or belongs to another pump"),
            StartRefusal::NoSuchGroup(group) => write!(f, "{group} is closed or belongs to another pump"),
            StartRefusal::Full => f.write_str("too many operations live, cancel some or take their messages"),
            StartRefusal::ZeroInterval => f.write_str("a repeating timer needs an interval above zero"),
            StartRefusal::BeyondClock => f.write_str("the time is beyond what the clock can express"),
            StartRefusal::NotATimer => f.write_str("the operation is not a living timer"),
            StartRefusal::ZeroDeadline => f.write_str("a deadline of no time at all, give it some or leave it out"),
            StartRefusal::System { attempted, kind, code } => {
                let error = code.map_or_else(|| io::Error::from(*kind), io::Error::from_raw_os_error);
                write!(f, "{attempted}: {error}")
            }
        }
    }
}

impl<A> fmt::Display for StartError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "starting an operation: {}", self.refusal)
    }
}

impl<A> fmt::Debug for StartError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartError").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

impl<A> std::error::Error for StartError<A> {}
