//! A single-threaded event loop shaped like the Win32 message pump, with a DNS stub resolver on the
//! same thread.
//!
//! A program opens a [`Pump`], starts operations on it (timers, name lookups, connections, watched sockets,
//! streams of results), and takes what comes of them as typed [`Message`]s, on its own thread, when it asks.
//! Other threads post to it and finish work for it. It has no threads of its own, runs no callbacks, and is
//! no executor. The promise that it is built around:
//!
//! **When [`cancel`](Pump::cancel) returns, nothing of that operation is ever seen again**, wherever it was:
//! in the network, in the inbox of other threads, in the queue.
//!
//! ```text
//!   other threads         sockets, clock, files                  your program
//!        |                         |                         |               ^
//!        | post, complete          | turn                    | post, start   | messages
//!        v                         v                         v               |
//!   +---------+  turn      +------------------------------------------------------+
//!   |  inbox  | ---------> | operations --> their final messages --> queue        |
//!   +---------+            +------------------------------------------------------+
//!
//!   cancel:  your program -> operation -> its timer, its socket, its queued messages
//! ```
//!
//! # In somebody else's loop
//!
//! Where the pump owns the loop, [`get_message`](Pump::get_message) is all that is needed: it waits, and
//! gives `None` when the program quits. Elsewhere:
//!
//! ```
//! use msgpump::{Budget, HostQuery, Payload, Pump, Rest};
//!
//! let mut pump = Pump::<()>::new()?; // () because this program posts nothing to itself
//! let window = pump.open_window();
//! let wanted = pump.lookup_host(window, HostQuery::by_name("localhost"))?;
//! let outdated = pump.lookup_host(window, HostQuery::by_name("old.localhost"))?;
//! pump.cancel(outdated); // says what it prevented; from here on it is silent
//!
//! let mut is_answered = false;
//! while !is_answered {
//!     pump.turn(Budget::no_wait().messages(64))?; // takes over what happened outside
//!     while let Some(message) = pump.next_message() {
//!         assert_eq!(message.operation, Some(wanted));
//!         match message.payload {
//!             Payload::Host(Ok(host)) => println!("{} is {:?}", host.canonical_name, host.addresses),
//!             Payload::Host(Err(error)) => eprintln!("{error}"),
//!             _ => {}
//!         }
//!         is_answered = true;
//!     }
//!     // A frame may be drawn here. Then, may the host sleep?
//!     match pump.rest() {
//!         Rest::Ready => {}
//!         Rest::Until(_instant) => {} // until then, or until the pump's descriptor is readable
//!         Rest::Forever => {}         // until the descriptor is readable
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Every verb, by wish
//!
//! | I want to ...                                      | call                                                |
//! |----------------------------------------------------|-----------------------------------------------------|
//! | have a pump                                        | [`Pump::new`], [`Pump::with_settings`] with [`Settings`] |
//! | have an address for messages                       | [`Pump::open_window`], [`Pump::root_window`]        |
//! | be rid of it and of all that belongs to it         | [`Pump::destroy_window`]; [`Pump::has_window`] asks |
//! | tell myself something                              | [`Pump::post`]                                      |
//! | be told something by another thread                | [`Pump::poster`], then [`Poster::post`] there       |
//! | take back what was posted                          | [`Pump::purge_posts`]                               |
//! | be told when it is time                            | [`Pump::set_timer`] with a [`Timer`], [`Pump::reset_timer`] |
//! | be told when a socket or a descriptor is ready     | [`Pump::watch`], [`Pump::watch_descriptor`], again with [`Pump::rearm`] |
//! | read and write what is watched, have it back       | [`Pump::source`], [`Pump::release`]                 |
//! | connect to a host and service                      | [`Pump::connect`] with a [`Connect`]                |
//! | listen for connections                             | [`Pump::listen`] with a [`Listen`], [`Pump::listening_address`] |
//! | have another thread's result as a message          | [`Pump::start_external`] and its [`Completer`]      |
//! | have many results in batches, without a long pause | [`Pump::start_stream`] with a [`Provider`]          |
//! | have such results from another thread              | [`Step::Parked`] and [`Pump::stream_waker`]         |
//! | look up a host by name or address                  | [`Pump::lookup_host`] with a [`HostQuery`]          |
//! | have each address family as it arrives             | [`HostQuery::streamed`]                             |
//! | look up a service by name or port                  | [`Pump::lookup_service`] with a [`ServiceQuery`]    |
//! | look up a protocol by name or number               | [`Pump::lookup_protocol`] with a [`ProtocolQuery`]  |
//! | say which name servers are asked, and how          | [`Settings::resolver`] with a [`ResolverConfig`], [`Pump::set_resolver`] |
//! | see how they are asked, and what files were read   | [`Pump::resolver_config`], [`Pump::name_files`]     |
//! | know the machine's own name                        | [`Pump::host_name`]                                 |
//! | stop something                                     | [`Pump::cancel`]                                    |
//! | stop several things at once                        | [`Pump::open_group`], [`WindowId::in_group`], [`Pump::cancel_group`], [`Pump::close_group`] |
//! | stop all that a window started                     | [`Pump::cancel_window`]                             |
//! | know whether something is over                     | [`Pump::is_live`]                                   |
//! | wait for the next message                          | [`Pump::get_message`], [`Pump::get_message_for`]    |
//! | take the next message, or none                     | [`Pump::next_message`], [`Pump::next_message_for`], [`Pump::next_posted`] |
//! | look at it and leave it                            | [`Pump::peek_message`], [`Pump::peek_message_for`]  |
//! | wait for certain messages only                     | a [`Filter`]                                        |
//! | let the pump work, in my loop                      | [`Pump::turn`] with a [`Budget`]                    |
//! | know whether my loop may sleep                     | [`Pump::rest`], [`Pump::next_deadline`]; the pump is `AsFd` on Unix |
//! | live in a loop that waits for no descriptors       | [`Settings::host_waker`]                            |
//! | live in a loop that knows only descriptors (Linux) | a [`Hosted`] pump, on loan from [`Hosted::lend`]; [`Pump::inform_host`] |
//! | have messages handed to a procedure of their window | [`Dispatcher`]: [`open_window`](Dispatcher::open_window), [`run`](Dispatcher::run), [`dispatch_pending`](Dispatcher::dispatch_pending) |
//! | run a dialog that is modal                         | [`Dispatcher::run_until`]                           |
//! | find the handler that holds everything up          | [`Dispatcher::report_slow`]                         |
//! | take a message that a cancel still reaches         | [`Pump::next_in_hand`], [`Pump::get_in_hand`] give an [`InHand`] |
//! | turn past the messages of some windows             | [`Pump::turn_in_hand`]                              |
//! | know whether my loop within a procedure may sleep  | [`Dispatcher::rest`]; beneath it [`Pump::rest_in_hand`], [`Pump::inform_host_in_hand`] |
//! | know the time as timers do                         | [`Pump::clock`]                                     |
//! | end                                                | [`Pump::quit`], [`Pump::quit_code`], [`Pump::told_quit`], [`Pump::resume`] |
//! | see what the pump has done                         | [`Pump::metrics`]                                   |
//! | ask objects as WMI does                            | [`wbem`]: its [`guide`](wbem::guide)                |
//! | have Winsock's messages, handles and errors        | [`winsock`]                                         |
//! | test my timeouts and cancels without sleeping      | the feature `simulation` and its module of that name |
//!
//! What comes back is a [`Payload`]. What could not be started or posted comes back inside its error,
//! [`StartError`] or [`PostError`]; a lookup that fails is a message with a [`LookupError`]; [`Error`] is
//! left for the machine itself. The first two convert into the last, and all into an [`io::Error`](std::io::Error),
//! so a function of the program may use `?` on every call.
//!
//! # How to
//!
//! The [`guide`] has a chapter each:
//!
//! - Where you come from: [from tokio to messages](guide::tokio), [coming from Win32](guide::win32).
//! - Where it goes: into [winit, egui, GTK, X11, a terminal, Win32, a game, another event loop](guide::hosts);
//!   [foreign loops](guide::foreign_loops) in general.
//! - What it is good for: [cancel, and what you may stop worrying about](guide::cancel).
//! - What it is made of: [messages or procedures](guide::procedures), [timers](guide::timers),
//!   [sockets and connections](guide::sockets), [other threads](guide::threads), [streams of results](guide::streams),
//!   [objects as WMI has them](wbem::guide), [Winsock's calls](winsock::functions).
//! - How to keep it well: [nothing comes](guide::nothing_comes), [what a slow handler does](guide::slow_handlers),
//!   [how to test without sleeping](guide::testing).
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `linux`, on by default | the classes of a Linux machine for [`wbem`]; nothing elsewhere |
//! | `simulation` | the virtual clock with name servers and peers by script, for a program's own tests |
//! | `serde` | objects of [`wbem`] that can be serialized |
//! | `idna` | host names in other letters than ASCII |
//!
//! # Logging
//!
//! Through the crate `log`, under module paths: `msgpump=debug` tells when operations are cancelled and
//! what files were read, `msgpump::dns=trace` tells every question sent and every datagram ignored. No line
//! has a payload of the program in it.
//!
//! # Floors
//!
//! The source is built in floors that import downwards only: words, mechanisms, machines, the engine, which
//! is the whole runtime without an operating system, the doors to the outside, and the pump that connects
//! the two. [`architecture`] is the tour, with the invariants and the tests that hold them; [`security`] has who
//! may attack a program through the crate, and the tests that show the defence.

// What is on Linux or on Unix only is told on pages for all systems. Elsewhere a link to it leads nowhere.
#![cfg_attr(not(target_os = "linux"), allow(rustdoc::broken_intra_doc_links))]

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("security.md")]
pub mod security {}

mod adapter;
mod connect;
pub mod dispatcher;
mod dns;
mod engine;
mod error;
mod external;
mod file_report;
mod files;
pub mod guide;
mod id;
mod line;
mod lookup;
mod message;
mod metrics;
mod moment;
mod names;
mod network;
mod operation;
mod provider;
mod pump;
mod queue;
mod reactor;
mod rings;
mod scoped_address;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod slots;
mod sync;
mod system;
mod tcp_stream;
#[cfg(test)]
mod testing;
mod timer;
mod timers;
mod watch;
pub mod wbem;
pub mod winsock;

pub use connect::{Accepted, Connect, ConnectError, ConnectFailure, Connection, FailedAttempt, Listen};
pub use dispatcher::Dispatcher;
pub use dns::config::{ResolverConfig, ResolverConfigError};
pub use engine::InHand;
pub use error::{Error, PostError, PostRefusal, StartError, StartRefusal};
pub use external::{Abandoned, Completer, External, ExternalId};
pub use file_report::FileReport;
pub use id::{GroupId, OperationId, Owner, WindowId};
pub use lookup::{
    Family, Host, HostQuery, LookupError, LookupFailure, Protocol, ProtocolQuery, Service, ServiceQuery, Source,
};
pub use message::{Cancelled, Filter, HostPart, Kind, Message, Payload, Swept, Tick};
pub use metrics::Metrics;
pub use provider::{
    Batch, Items, Panicked, Provider, Slice, Step, StreamEnd, StreamId, StreamSettings, StreamWaker, items,
};
pub use pump::{Budget, FileStatus, Pump, Rest, Settings, Turn};
#[cfg(target_os = "linux")]
pub use pump::{Hosted, Lent};
#[cfg(unix)]
pub use reactor::Descriptor;
pub use reactor::{Poster, Source as EventSource};
pub use tcp_stream::TcpStream;
pub use timer::Timer;
pub use watch::{Interest, Readiness, WatchId};

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
