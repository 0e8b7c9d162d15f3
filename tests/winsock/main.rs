//! The Winsock layer as programs use it.
//!
//! Tests whose names begin with `t` and a number are the cases of the chapter "Winsock, function by function", each with
//! the exact code. Requests run on the virtual clock, sockets over the loopback interface.

mod blocking;
mod byte_order;
mod cancel;
mod cases;
mod errors;
mod layout;
#[cfg(unix)]
mod net;
mod requests;
mod schedules;
#[cfg(unix)]
mod select;
#[cfg(unix)]
mod sockets;
mod startup;
mod support;
#[cfg(unix)]
mod traffic;
