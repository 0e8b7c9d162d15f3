//! Lookups against a name server that is told what to do wrong.

mod answers;
mod cancel;
#[cfg(target_os = "linux")]
mod cancel_states;
mod edns;
mod failures;
mod files;
mod forgery;
mod line;
mod search;
mod staged;
mod stream;
