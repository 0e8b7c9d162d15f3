//! The Win32_PerfFormattedData classes: how fast counters of the kernel rise.
//!
//! Floor 5. A rate needs two readings, so the first query has none: NULL, not 0.

mod devices;
mod processes;
mod processors;
mod samples;
mod system;

use std::rc::Rc;

use super::machine::Machine;
use super::schema::Schema;
use super::table::LinuxClass;

/// The class that all of them derive from.
const PARENT: &str = "Win32_PerfFormattedData";

/// The classes of performance.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let mut sources = vec![processors::source(machine, schema)];
    sources.extend(system::sources(machine, schema));
    sources.extend(devices::sources(machine, schema));
    sources.push(processes::source(machine, schema));
    sources
}
