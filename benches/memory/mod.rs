//! What things take in memory, for the benches that tell it.

use crate::support::is_wanted;

/// How many things are made to see what memory each takes: a little less than the powers of two in which
/// tables grow, so that little of what is counted is room for more.
pub(crate) const HELD: usize = 16_000;

/// Prints how much memory is allocated for each of the [`HELD`] things that `fill` leaves behind.
pub(crate) fn memory(name: &str, fill: impl FnOnce()) {
    if is_wanted(name) {
        let bytes = allocation_counter::measure(fill).bytes_current;
        println!("{:>18.0} bytes each  {name}", bytes as f64 / HELD as f64);
    }
}
