//! The crate as its users and its maintainers see it: real sockets on the loopback interface, real files, real
//! threads, and the rules about the source.
//!
//! No test sleeps, none needs the Internet, none has a port of its own. Whatever is waited for is
//! waited for with a limit that fails the test in words.

mod connect;
mod dispatcher;
mod dns;
mod elsewhere;
mod errors;
mod exact_time;
mod host_waker;
mod order;
mod posts;
mod security;
mod sockets;
mod support;
mod tidy;
mod types;

// Not everywhere, each for its reason.

// Counts the process's descriptors in /proc.
#[cfg(target_os = "linux")]
mod descriptors;
// Sleeps in poll(2) on the pump's descriptor, which Windows has not.
#[cfg(unix)]
mod embed;
// The descriptor tells everything on Linux alone.
#[cfg(target_os = "linux")]
mod hosted;
// Counts descriptors and threads in /proc, and sleeps in poll(2).
#[cfg(target_os = "linux")]
mod reports;
// Counts with strace(1).
#[cfg(target_os = "linux")]
mod system_calls;
