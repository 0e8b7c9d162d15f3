//! The crate as its users and its maintainers see it: real sockets on the loopback interface, real files, real
//! threads, and the rules about the source.
//!
//! No test sleeps, none needs the Internet, none has a port of its own. Whatever is waited for is
//! waited for with a limit that fails the test in words.

#[cfg(target_os = "linux")]
mod descriptors;
mod dns;
#[cfg(unix)]
mod elsewhere;
mod embed;
mod order;
mod posts;
#[cfg(target_os = "linux")]
mod reports;
mod support;
#[cfg(target_os = "linux")]
mod system_calls;
mod tidy;
