//! What the process holds: descriptors, memory, and what the pump says of itself.

use std::alloc::System;
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What was there at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// By the clock of the run: the virtual one on the stage.
    pub at: Duration,
    pub operations: usize,
    pub descriptors: usize,
    /// Bytes allocated and not freed.
    pub allocated: usize,
    /// Bytes that the process occupies in the machine's memory.
    pub resident: usize,
}

/// Bytes allocated and not freed, by all threads.
pub fn allocated_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated)
}

/// How many descriptors are open. `None` when there is none left to count with.
pub fn descriptors() -> Option<usize> {
    // One of them is the listing's own.
    std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1))
}

/// `None` when no descriptor is left to ask with.
pub fn resident_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size())
}
