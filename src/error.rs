//! What can go wrong with a call, as opposed to with an operation.
//!
//! Floor 0. A refused argument comes back inside its error. What a lookup ran into is not here: it
//! is data in the operation's final message.

use std::borrow::Cow;
use std::{fmt, io};

use crate::id::{GroupId, OperationId, WindowId};

/// A call could not be carried out: what was attempted, and why not.
///
/// The pump stays usable. A refused start and a refused post convert into it (without what they give back), and it
/// converts into an [`io::Error`], so that a function of the program may use `?` on every call.
///
/// ```
/// use std::time::Duration;
/// use msgpump::{OperationId, Pump, Timer};
///
/// fn greet(pump: &mut Pump<&'static str>) -> Result<OperationId, msgpump::Error> {
///     let window = pump.open_window();
///     pump.post(window, "hello")?;
///     Ok(pump.set_timer(window, Timer::once(Duration::from_secs(1)))?)
/// }
/// # greet(&mut Pump::new()?)?;
/// # Ok::<(), std::io::Error>(())
/// ```
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
    /// Arming a watch that is over.
    WatchOver(OperationId),
    /// Waiting past a queue that is full of other messages while more are in the inbox.
    QueueFull,
    /// An operation could not be started.
    Start(StartError<()>),
    /// A message could not be posted.
    Post(PostError<()>),
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

    pub(crate) fn watch_over(operation: OperationId) -> Error {
        Error(Kind::WatchOver(operation))
    }

    pub(crate) fn queue_full() -> Error {
        Error(Kind::QueueFull)
    }

    /// The kind of the system's error; `InvalidInput` where the argument was at fault,
    /// `QuotaExceeded` where the queue is full, or the table of operations, `BrokenPipe` where the pump is gone.
    pub fn kind(&self) -> io::ErrorKind {
        match &self.0 {
            Kind::Machine { source, .. } => source.kind(),
            Kind::NoSuchWindow(_) | Kind::OperationOver(_) | Kind::WatchOver(_) => io::ErrorKind::InvalidInput,
            Kind::QueueFull => io::ErrorKind::QuotaExceeded,
            Kind::Start(error) => error.refusal.kind(),
            Kind::Post(error) => error.refusal.kind(),
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
            Kind::WatchOver(watch) => {
                write!(f, "arming {watch} again: it was cancelled or released, or belongs to another pump")
            }
            Kind::QueueFull => {
                f.write_str("waiting for some messages: the queue is full of others, take them before waiting for more")
            }
            Kind::Start(error) => error.fmt(f),
            Kind::Post(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Machine { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

impl<A> From<StartError<A>> for Error {
    fn from(error: StartError<A>) -> Error {
        Error(Kind::Start(error.without_argument()))
    }
}

impl<A> From<StartError<A>> for io::Error {
    fn from(error: StartError<A>) -> io::Error {
        Error::from(error).into()
    }
}

impl<T> From<PostError<T>> for Error {
    fn from(error: PostError<T>) -> Error {
        Error(Kind::Post(PostError { payload: (), refusal: error.refusal }))
    }
}

impl<T> From<PostError<T>> for io::Error {
    fn from(error: PostError<T>) -> io::Error {
        Error::from(error).into()
    }
}

/// A post was refused. The payload comes back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
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

impl PostRefusal {
    fn kind(self) -> io::ErrorKind {
        match self {
            PostRefusal::Full => io::ErrorKind::QuotaExceeded,
            PostRefusal::NoSuchWindow(_) => io::ErrorKind::InvalidInput,
            PostRefusal::PumpGone => io::ErrorKind::BrokenPipe,
        }
    }
}

impl std::error::Error for PostRefusal {}

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
///
/// Where the argument cannot be sent to another thread, which some programs ask of their errors, the
/// [`refusal`](StartError::refusal) is an error of its own: `.map_err(|error| error.refusal)?`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartError<A> {
    /// What was to be started.
    pub argument: A,
    /// Why it was not.
    pub refusal: StartRefusal,
    attempted: Cow<'static, str>,
}

impl<A> StartError<A> {
    /// `attempted` in a few words, with what of the argument can be said.
    pub(crate) fn new(attempted: impl Into<Cow<'static, str>>, argument: A, refusal: StartRefusal) -> StartError<A> {
        StartError { argument, refusal, attempted: attempted.into() }
    }

    fn without_argument(self) -> StartError<()> {
        StartError { argument: (), refusal: self.refusal, attempted: self.attempted }
    }
}

/// Why an operation could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartRefusal {
    /// The window is destroyed, or belongs to another pump.
    NoSuchWindow(WindowId),
    /// The group is closed, or belongs to another pump.
    NoSuchGroup(GroupId),
    /// As many operations live as the pump may hold (16,777,215), or as many lookups wait in line as
    /// [may](crate::ResolverConfig::with_waiting_max): cancel some, or take their messages.
    Full,
    /// A repeating timer needs an interval above zero: it would tick without end.
    ZeroInterval,
    /// The time is beyond what the clock can express.
    BeyondClock,
    /// The operation named is not a living timer.
    NotATimer,
    /// A deadline of no time at all.
    ZeroDeadline,
    /// It cannot be waited for: a regular file and a folder are always ready (Linux; elsewhere the system's own
    /// refusal tells it).
    NoWait,
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

    fn kind(self) -> io::ErrorKind {
        match self {
            StartRefusal::Full => io::ErrorKind::QuotaExceeded,
            StartRefusal::System { kind, .. } => kind,
            _ => io::ErrorKind::InvalidInput,
        }
    }
}

impl std::error::Error for StartRefusal {}

fn system_error(kind: io::ErrorKind, code: Option<i32>) -> io::Error {
    code.map_or_else(|| kind.into(), io::Error::from_raw_os_error)
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
            StartRefusal::System { attempted, kind, code } => write!(f, "{attempted}: {}", system_error(*kind, *code)),
            StartRefusal::NoWait => f.write_str("the system cannot wait for it, as for a file or a folder"),
        }
    }
}

impl<A> fmt::Display for StartError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refusal {
            // It is said already, with more words.
            StartRefusal::System { attempted, kind, code } if self.attempted.starts_with(attempted) => {
                write!(f, "{}: {}", self.attempted, system_error(kind, code))
            }
            refusal => write!(f, "{}: {refusal}", self.attempted),
        }
    }
}

impl<A> fmt::Debug for StartError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (attempted, refusal) = (&self.attempted, &self.refusal);
        f.debug_struct("StartError").field("attempted", attempted).field("refusal", refusal).finish_non_exhaustive()
    }
}

impl<A> std::error::Error for StartError<A> {}
