//! Winsock's message-driven interface: database requests with their cancel, selected sockets, blocking calls
//! with a hook.
//!
//! Floor 5. For a program, a port of an old one, or an emulator. The calls have their names from the Winsock
//! 1.1 specification (20 January 1993) and the public pages of Winsock 2, in Rust's case; numbers, words and
//! errors are those of the texts. [`functions`] goes through them one by one.
//!
//! **When [`wsa_cancel_async_request`](Winsock::wsa_cancel_async_request) returns, whatever it returns, no
//! message of that request is seen.** The original leaves a queued one where it is.
//!
//! # How it stands beside the pump
//!
//! ```text
//!   program --- wsa_async_..., recv, ... ---> Winsock ---- lookup, watch, cancel ---> Pump
//!      ^                                         |                                     |
//!      |        WinsockMessage                   | translate                           | queue
//!      +-----------------------------------------+<------------- Message --------------+
//! ```
//!
//! - A [`Winsock`] owns no pump: each call is given it. So a program may use other layers on the same
//!   pump, and a handler that has the pump can call this layer.
//! - Each request is one operation of the pump, and belongs to the window that the caller named. **Each message
//!   of this layer is one message of the pump**, made into its words when the program takes it. So the
//!   queue's order, its reserved room for completions, the destruction of windows and, above all, the silence after
//!   a cancel are the pump's own, and there is no second queue in which something could be forgotten.
//! - [`Winsock::get_message`] and [`Winsock::next_message`] take and translate. Who takes messages from the
//!   pump in another way gives each to [`Winsock::translate`].
//! - The completion of a request *is* the queueing of its message, and room for it is reserved at the start:
//!   there is no state in between, in which the texts make the library post again and again.
//! - Handles have 32 bits: two say of what kind, thirty count. They count on over cleanup and startup, so a
//!   handle is told to be living, over, of the past, or never given out, and none is kept to know it.
//! - Blocking calls wait for an operation on a window of the layer's own. The program's messages stay in their
//!   order, and go to the hook, one a run, if it wants them.
//! - What the texts leave open, or tell in two ways, is a named choice in [`WinsockSettings`].
//!
//! # With window procedures
//!
//! ```
//! use msgpump::winsock::{Delivery, Version, Winsock, WsaData};
//! use msgpump::{Dispatcher, Pump};
//! const WM_HOST: u32 = 0x0400;
//!
//! struct App {
//!     winsock: Winsock<()>,
//!     name: Option<String>,
//! }
//!
//! let mut app = App { winsock: Winsock::new(), name: None };
//! app.winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
//! let mut dispatcher = Dispatcher::new(Pump::<()>::new()?);
//! let window = dispatcher.open_window(|dispatcher, app: &mut App, message| {
//!     let Some(Delivery::Winsock(message)) = app.winsock.translate(dispatcher.pump(), message) else { return };
//!     assert_eq!((message.message, message.async_error()), (WM_HOST, None));
//!     app.name = message.answer.and_then(|answer| Some(answer.host()?.name.clone()));
//!     dispatcher.pump().quit(0);
//! });
//! app.winsock.wsa_async_get_host_by_name(dispatcher.pump(), window, WM_HOST, "localhost", None)?;
//! dispatcher.run(&mut app)?;
//! assert_eq!(app.name.as_deref(), Some("localhost"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod blocking;
mod blocking_database;
mod byte_order;
mod connection;
mod database;
mod error;
#[doc = include_str!("functions.md")]
pub mod functions {
    // For the links of the chapter.
    #[allow(unused_imports)]
    use super::*;
}
mod handle;
mod handles;
mod latest;
mod layout;
mod library;
mod message;
mod native;
mod options;
mod question;
mod request;
mod select;
mod selection;
mod settings;
mod socket;
mod startup;
mod table;
mod transfer;

pub use answer::{AF_INET, Answer, BufferTooSmall, Hostent, MAXGETHOSTSTRUCT, Protoent, Servent};
pub use blocking::{BlockingHook, Hook, Procedure, Refused};
pub use byte_order::{INADDR_NONE, htonl, htons, inet_addr, inet_ntoa, ntohl, ntohs};
pub use error::{UnknownError, WinsockError};
pub use handle::{INVALID_SOCKET, SocketHandle, TaskHandle};
pub use library::{NetworkState, Winsock};
pub use message::{
    Delivery, WinsockMessage, wsa_get_async_buflen, wsa_get_async_error, wsa_get_select_error, wsa_get_select_event,
    wsa_make_async_reply, wsa_make_select_reply,
};
pub use options::{FIONBIO, FIONREAD, OptionValue, SIOCATMARK, SOL_SOCKET, SocketOption};
pub use selection::{FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE};
pub use settings::{CloseOrder, NumericHosts, REQUESTS_MAX, ResetCode, SOCKETS_MAX, StaleEvents, WinsockSettings};
pub use socket::{IPPROTO_TCP, IPPROTO_UDP, MSG_DONTROUTE, MSG_OOB, MSG_PEEK, SOCK_DGRAM, SOCK_STREAM};
pub use startup::{Version, VersionMaximum, WSADESCRIPTION_LEN, WSASYS_STATUS_LEN, WsaData};

/// The machine's name; where it has none, the one that every machine answers to.
fn own_name<T>(pump: &crate::Pump<T>) -> String {
    pump.host_name().unwrap_or_else(|| "localhost".to_owned())
}
