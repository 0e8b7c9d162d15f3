//! The Winsock layer as programs use it.
//!
//! Tests whose names begin with `t` and a number are cases, each with the exact code; the module `cases` lists
//! them. Requests run on the virtual clock, sockets over the loopback interface.

mod blocking;
mod byte_order;
mod cancel;
mod cases;
mod errors;
mod every_byte;
mod every_call;
mod layout;
mod memory;
mod net;
mod random;
mod requests;
mod schedules;
mod select;
mod sockets;
mod startup;
mod support;
mod traffic;
