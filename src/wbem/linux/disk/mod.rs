//! Disks, their partitions, and the file systems on them.
//!
//! Floor 5.

mod logical;
mod mount;

use std::rc::Rc;

use super::machine::Machine;
use super::schema::Schema;
use super::source::ClassSource;

/// The classes of disks.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<Box<dyn ClassSource>> {
    vec![logical::source(machine, schema)]
}
