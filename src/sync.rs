//! What threads share state with.
//!
//! Floor 0. The standard library's. The files that use it are read a second time by the package `tests/loom`, with
//! others in its place that try every order in which threads can meet.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::yield_now;

/// How often a thread that meets a lock looks again at once, each time after one pause of the CPU more.
pub(crate) const SPINS_MAX: usize = 3;

/// How often a thread that still meets it lets others run before it sleeps for it.
pub(crate) const YIELDS_MAX: usize = 16;
