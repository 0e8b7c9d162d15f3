//! Disks, their partitions, and the file systems on them.
//!
//! Floor 5.

mod association;
mod block;
mod drive;
mod logical;
mod mount;
mod volume;

use std::rc::Rc;

use super::machine::Machine;
use super::schema::Schema;
use super::table::LinuxClass;
pub(super) use block::{device_path, drives};
pub(super) use mount::{blocking_places, is_within};

/// The classes of disks.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let mut sources = vec![logical::source(machine, schema), volume::source(machine, schema)];
    sources.extend(drive::sources(machine, schema));
    sources.extend(association::sources(machine, schema));
    sources
}
