//! The classes of a Linux machine, read from where the kernel and the distribution keep the truth.
//!
//! Floor 5. A property that has no true source is NULL, never a guess. Reading is done in slices of
//! bounded work on the caller's thread; what could block for long, such as a network file system, is
//! not touched. [`classes`] tells of every property where it is from.

use std::rc::Rc;

#[doc = include_str!("classes.md")]
pub mod classes {}

mod accounts;
mod computer_system;
mod cpu;
mod disk;
mod environment;
mod fields;
mod file;
mod firmware;
mod machine;
mod memory;
mod network;
mod operating_system;
mod page_file;
mod process;
mod processor;
mod reading;
mod schema;
mod sessions;
mod source;
mod table;
mod time;
mod zone;

pub use machine::{FILE_BYTES_MAX, Machine, Roots};
use schema::Schema;
pub use source::{ClassSource, Progress, Rows, Wanted, get};

/// Every class of the machine.
pub fn sources(machine: &Rc<Machine>) -> Vec<Box<dyn ClassSource>> {
    let schema = Schema::new();
    let mut sources = vec![
        process::source(machine, &schema),
        operating_system::source(machine, &schema),
        computer_system::source(machine, &schema),
        processor::source(machine, &schema),
        environment::source(machine, &schema),
        page_file::source(machine, &schema),
    ];
    sources.extend(disk::sources(machine, &schema));
    sources.extend(network::sources(machine, &schema));
    sources.extend(time::sources(machine, &schema));
    sources.extend(firmware::sources(machine, &schema));
    sources.extend(file::sources(machine, &schema));
    sources.extend(accounts::sources(machine, &schema));
    sources
}
