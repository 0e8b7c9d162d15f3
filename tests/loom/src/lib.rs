//! The crate's own files that threads meet in, with loom's locks and atomics in place of the standard library's.
//!
//! `cargo test --release --manifest-path tests/loom/Cargo.toml` tries every order in which the threads of a test can
//! meet, and every value that a read may see.

#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/external.rs"]
mod external;
#[path = "../../../src/id.rs"]
mod id;
#[path = "../../../src/reactor/inbox.rs"]
mod inbox;
#[path = "../../../src/provider.rs"]
mod provider;

/// What the crate's module of this name has from the standard library.
mod sync {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use loom::thread::yield_now;

    /// None: what a thread does after them is the same without.
    pub(crate) const SPINS_MAX: usize = 0;

    /// Each more doubles the orders there are.
    pub(crate) const YIELDS_MAX: usize = 1;
}

#[cfg(test)]
mod tests;
