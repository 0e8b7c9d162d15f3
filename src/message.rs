//! Everything that a program can be told.
//!
//! Floor 0. Words only.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::connect::{Accepted, ConnectError, Connection};
use crate::external::External;
use crate::id::{OperationId, WindowId};
use crate::lookup::{Family, Host, LookupError, Protocol, Service, Source};
use crate::provider::{Batch, StreamEnd};
use crate::watch::Readiness;

/// One thing that the program is told, on its own thread, when it asks for it.
///
/// `T` is what the program posts to itself.
///
/// Which of several operations of a kind it is about is told by `operation`: compare it with the id that the start
/// returned, or have that for a key.
///
/// It is not `Send`: what another thread shall have is taken out of it.
///
/// ```
/// use std::collections::HashMap;
/// use msgpump::{HostQuery, Payload, Pump};
///
/// let mut pump = Pump::<()>::new()?;
/// let window = pump.open_window();
/// let mut asked = HashMap::new();
/// for name in ["localhost", "www.localhost"] {
///     asked.insert(pump.lookup_host(window, HostQuery::by_name(name))?, name);
/// }
/// while !asked.is_empty() {
///     let message = pump.get_message()?.expect("nobody quits here");
///     let name = message.operation.and_then(|operation| asked.remove(&operation));
///     if let (Some(name), Payload::Host(Ok(host))) = (name, message.payload) {
///         println!("{name}: {:?}", host.addresses);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Message<T> {
    /// Whom it is for.
    pub window: WindowId,
    /// The operation that it belongs to; `None` for what was posted, and for quit.
    pub operation: Option<OperationId>,
    /// What happened.
    pub payload: Payload<T>,
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
// Messages are moved much. Behind a tag of one byte a move would begin at an odd address, and a read of what was moved
// would wait until it has arrived in memory.
#[repr(u64)]
pub enum Payload<T> {
    /// What the program posted to itself, from this thread or another.
    Posted(T),
    /// A timer's time has come.
    Tick(Tick),
    /// The final message of a host lookup.
    Host(Result<Box<Host>, LookupError>),
    /// One address family of a streamed host lookup, as soon as it is known.
    HostPart(Box<HostPart>),
    /// The final message of a service lookup.
    Service(Result<Box<Service>, LookupError>),
    /// The final message of a protocol lookup.
    Protocol(Result<Box<Protocol>, LookupError>),
    /// The final message of an external operation.
    External(External),
    /// Some of a stream's items.
    Batch(Batch),
    /// The final message of a stream.
    StreamEnd(StreamEnd),
    /// A watched source is ready. Until it is armed again, it is silent.
    Ready(Readiness),
    /// The final message of a connect.
    Connected(Result<Box<Connection>, ConnectError>),
    /// Somebody connected to a listening socket.
    Accepted(Box<Accepted>),
    /// The program asked itself to end, with this code. Everything posted before it came before it.
    Quit(i32),
}

/// A timer's time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The number of this tick: 1 for the first one that the timer gave.
    pub count: u64,
    /// How many periods passed without a tick of their own since the last one. There is never a burst.
    pub missed: u64,
}

/// One address family of a streamed host lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostPart {
    /// The family, never [`Family::Any`].
    pub family: Family,
    /// The name that the addresses belong to.
    pub canonical_name: String,
    /// The addresses, in the order in which they came. Only the final message is in RFC 6724 order.
    pub addresses: Vec<IpAddr>,
    /// How long the answer may be kept, where its source says so.
    pub ttl: Option<Duration>,
    /// Where the answer came from.
    pub source: Source,
}

/// What a message is about, to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Payload::Posted`]
    Posted,
    /// [`Payload::Tick`]
    Tick,
    /// [`Payload::Host`]
    Host,
    /// [`Payload::HostPart`]
    HostPart,
    /// [`Payload::Service`]
    Service,
    /// [`Payload::Protocol`]
    Protocol,
    /// [`Payload::External`]
    External,
    /// [`Payload::Batch`]
    Batch,
    /// [`Payload::StreamEnd`]
    StreamEnd,
    /// [`Payload::Ready`]
    Ready,
    /// [`Payload::Connected`]
    Connected,
    /// [`Payload::Accepted`]
    Accepted,
    /// [`Payload::Quit`]
    Quit,
}

impl<T> Payload<T> {
    /// What kind of message this is.
    pub fn kind(&self) -> Kind {
        match self {
            Payload::Posted(_) => Kind::Posted,
            Payload::Tick(_) => Kind::Tick,
            Payload::Host(_) => Kind::Host,
            Payload::HostPart(_) => Kind::HostPart,
            Payload::Service(_) => Kind::Service,
            Payload::Protocol(_) => Kind::Protocol,
            Payload::External(_) => Kind::External,
            Payload::Batch(_) => Kind::Batch,
            Payload::StreamEnd(_) => Kind::StreamEnd,
            Payload::Ready(_) => Kind::Ready,
            Payload::Connected(_) => Kind::Connected,
            Payload::Accepted(_) => Kind::Accepted,
            Payload::Quit(_) => Kind::Quit,
        }
    }

    /// Whether an operation is over when this message of it is taken.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Payload::HostPart(_) | Payload::Batch(_) | Payload::Ready(_) | Payload::Accepted(_))
    }
}

/// Which messages are wanted. Each condition narrows the choice.
///
/// ```
/// use msgpump::{Filter, Kind, Pump};
/// let mut pump = Pump::<&str>::new()?;
/// let (first, second) = (pump.open_window(), pump.open_window());
/// pump.post(first, "a")?;
/// pump.post(second, "b")?;
/// let message = pump.next_message_for(Filter::any().window(second)).expect("one waits");
/// assert!(matches!(message.payload, msgpump::Payload::Posted("b")));
/// assert!(pump.next_message_for(Filter::any().kind(Kind::Host)).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a filter does nothing until messages are taken with it"]
pub struct Filter {
    pub(crate) window: Option<WindowId>,
    /// Wanted as well as `window`.
    pub(crate) or_window: Option<WindowId>,
    pub(crate) operation: Option<OperationId>,
    pub(crate) kind: Option<Kind>,
}

impl Filter {
    /// Every message.
    #[inline]
    pub fn any() -> Filter {
        Filter::default()
    }

    /// Only messages for `window`. Quit still gets through: it is for the whole program.
    pub fn window(mut self, window: WindowId) -> Filter {
        self.window = Some(window);
        self
    }

    /// After [`window`](Filter::window): messages for this other window too.
    pub fn or_window(mut self, window: WindowId) -> Filter {
        self.or_window = Some(window);
        self
    }

    /// Only messages of `operation`. Quit still gets through.
    pub fn operation(mut self, operation: impl Into<OperationId>) -> Filter {
        self.operation = Some(operation.into());
        self
    }

    /// Only messages of one kind. Quit still gets through.
    pub fn kind(mut self, kind: Kind) -> Filter {
        self.kind = Some(kind);
        self
    }

    /// This filter, unless it admits everything.
    #[inline]
    pub(crate) fn narrowing(&self) -> Option<&dyn Admits> {
        (*self != Filter::default()).then_some(self as &dyn Admits)
    }
}

/// A choice among messages, by what can be said of one before it is made.
pub(crate) trait Admits {
    fn admits(&self, window: WindowId, operation: Option<OperationId>, kind: Kind) -> bool;

    /// The one operation whose messages are admitted, if it is only one.
    fn operation(&self) -> Option<OperationId> {
        None
    }
}

/// All but the messages for these windows.
impl Admits for &[WindowId] {
    fn admits(&self, window: WindowId, _operation: Option<OperationId>, _kind: Kind) -> bool {
        !self.contains(&window)
    }
}

impl Admits for Filter {
    #[inline]
    fn admits(&self, window: WindowId, operation: Option<OperationId>, kind: Kind) -> bool {
        self.window.is_none_or(|wanted| wanted == window || self.or_window == Some(window))
            && self.operation.is_none_or(|wanted| Some(wanted) == operation)
            && self.kind.is_none_or(|wanted| wanted == kind)
    }

    fn operation(&self) -> Option<OperationId> {
        self.operation
    }
}

/// What a cancel prevented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancelled {
    /// The work was still under way. It is gone, and so is every message it had already queued.
    Pending,
    /// The work was finished, and this many of its messages were still in the queue. They are gone.
    Queued(usize),
    /// Its final message had been taken, or it had been cancelled before.
    Over,
    /// This pump never gave out such an id.
    Unknown,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cancelled::Pending => f.write_str("pending: its work is stopped"),
            Cancelled::Queued(1) => f.write_str("finished: 1 queued message is purged"),
            Cancelled::Queued(messages) => write!(f, "finished: {messages} queued messages are purged"),
            Cancelled::Over => f.write_str("already over"),
            Cancelled::Unknown => f.write_str("unknown"),
        }
    }
}

/// What the cancel of a group or of a window prevented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Swept {
    pub(crate) pending: usize,
    pub(crate) finished: usize,
    pub(crate) messages: usize,
}

impl Swept {
    /// How many operations were cancelled.
    pub fn operations(self) -> usize {
        self.pending + self.finished
    }

    /// How many of them still had work under way.
    pub fn pending(self) -> usize {
        self.pending
    }

    /// How many queued messages were purged.
    pub fn messages(self) -> usize {
        self.messages
    }
}
