//! Lookups against a name server that is told what to do wrong.

// Only Windows has no resolver file.
#[cfg(windows)]
mod adapters;
mod answers;
mod cancel;
// Counts descriptors and threads in /proc.
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
