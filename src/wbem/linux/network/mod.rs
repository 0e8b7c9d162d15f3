//! Interfaces, what they are to IP, and routes.
//!
//! Floor 5.

mod adapter;
mod interface;
mod netlink;
mod routes;

use std::rc::Rc;

use super::machine::Machine;
use super::schema::Schema;
use super::table::LinuxClass;

/// The classes of the network.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let mut sources = adapter::sources(machine, schema);
    sources.push(routes::source(machine, schema));
    sources
}
