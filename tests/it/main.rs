//! The crate as its users and its maintainers see it: real sockets on the loopback interface, real files, real
//! threads, and the rules about the source.
//!
//! No test sleeps, none needs the Internet, none has a port of its own. Whatever is waited for is
//! waited for with a limit that fails the test in words.

// Counts the process's descriptors in /proc.
#[cfg(target_os = "linux")]
mod connect;
mod descriptors;
mod dispatcher;
mod dns;
mod elsewhere;
// Sleeps in poll(2) on the pump's descriptor, which Windows has not.
#[cfg(unix)]
mod embed;
mod order;
mod posts;
// Counts descriptors and threads in /proc, and sleeps in poll(2).
#[cfg(target_os = "linux")]
mod reports;
mod sockets;
mod support;
// Counts with strace(1).
#[cfg(target_os = "linux")]
mod system_calls;
mod tidy;
