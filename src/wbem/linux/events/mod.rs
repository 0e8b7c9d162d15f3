//! Classes of events: processes that start and stop, files that change.
//!
//! Floor 5. Each has a descriptor that is readable when there is something to tell.

mod connector;
mod files;
mod poller;
mod trace;

use std::rc::Rc;

use super::machine::Machine;
use super::table::LinuxClass;
pub use files::{FOLDERS_MAX, FileEvents};
pub use poller::POLL_INTERVAL;

/// The classes of events that every machine has.
pub(super) fn classes(machine: &Rc<Machine>) -> Vec<LinuxClass> {
    trace::classes(machine)
}
