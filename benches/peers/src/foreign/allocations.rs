//! Allocations of the whole process, of every language and library, counted by `c/allocations.c`.

unsafe extern "C" {
    /// From here on they are counted.
    #[link_name = "allocations_count"]
    pub safe fn count();
    /// How many were made.
    #[link_name = "allocations_made"]
    pub safe fn made() -> u64;
    /// Bytes that are allocated now, less those from before the counting that were freed.
    #[link_name = "allocations_bytes"]
    pub safe fn bytes() -> i64;
}
