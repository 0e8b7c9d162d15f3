//! What the kernel tells of memory: `/proc/meminfo`, in kilobytes.
//!
//! Floor 5. Pure.

use super::fields;

/// Kilobytes of memory.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) total: Option<u64>,
    pub(super) available: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) swap_total: Option<u64>,
    pub(super) swap_free: Option<u64>,
    pub(super) committed: Option<u64>,
    pub(super) commit_limit: Option<u64>,
}

impl Memory {
    /// Reads the file; a line that is missing is a number that is not known.
    pub(super) fn parse(file: &[u8]) -> Memory {
        let number = |key| fields::number_of(file, key);
        Memory {
            total: number("MemTotal"),
            available: number("MemAvailable"),
            cached: number("Cached"),
            swap_total: number("SwapTotal"),
            swap_free: number("SwapFree"),
            committed: number("Committed_AS"),
            commit_limit: number("CommitLimit"),
        }
    }

    /// Memory and swap together.
    pub(super) fn total_virtual(&self) -> Option<u64> {
        self.total?.checked_add(self.swap_total?)
    }

    /// What of both can be had.
    pub(super) fn free_virtual(&self) -> Option<u64> {
        self.available?.checked_add(self.swap_free?)
    }
}
