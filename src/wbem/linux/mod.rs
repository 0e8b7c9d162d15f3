//! The classes of a Linux machine, read from where the kernel and the distribution keep the truth.
//!
//! Floor 5. A property that has no true source is NULL, never a guess. Reading is done in slices of
//! bounded work on the caller's thread; what could block for long, such as a network file system, is
//! not touched. [`classes`] tells of every property where it is from.

use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use crate::wbem::error::WbemError;
use crate::wbem::server::Server;

#[doc = include_str!("classes.md")]
pub mod classes {}

mod accounts;
mod column;
mod computer_system;
mod cpu;
mod cpuinfo;
mod disk;
mod environment;
mod events;
mod fields;
mod file;
mod firmware;
mod machine;
mod memory;
mod network;
mod operating_system;
mod page_file;
mod performance;
mod process;
mod processor;
mod reading;
mod schema;
mod service;
mod sessions;
mod table;
mod ticking;
mod time;
mod zone;

pub use events::{FOLDERS_MAX, FileEvents, POLL_INTERVAL};
pub use machine::{FILE_BYTES_MAX, Machine, Roots};
use reading::{MICROSECONDS, Reading};
use schema::Schema;
pub use table::LinuxClass;

/// Registers every class of a machine in a namespace, usually `ROOT\\CIMV2`. What the program has not
/// told the server of the machine is taken from it: its name, its clock, and how far its time is from UTC now.
///
/// # Errors
///
/// As [`Server::register`]: a class of one of the names is there already.
pub fn register(server: &Server, namespace: &str, machine: &Rc<Machine>) -> Result<(), WbemError> {
    introduce(server, machine);
    classes_of(machine).into_iter().try_for_each(|class| server.register(namespace, class))
}

/// Tells the server of the machine what nobody has told it.
fn introduce(server: &Server, machine: &Rc<Machine>) {
    let reading = Reading::new(machine);
    let has_name = server.shared.borrow().repository.machine().is_some();
    if let Some(name) = reading.host_name().filter(|_| !has_name)
        && let Err(error) = server.set_machine_name(&name)
    {
        log::debug!("objects do not tell the name of the machine: {error}");
    }
    let (has_clock, has_offset) = {
        let shared = server.shared.borrow();
        (shared.clock.is_some(), shared.utc_offset.is_some())
    };
    if !has_offset {
        server.set_utc_offset(reading.zone().offset_minutes(machine.now().div_euclid(MICROSECONDS)));
    }
    if !has_clock {
        let machine = machine.clone();
        let now = move || UNIX_EPOCH + Duration::from_micros(machine.now().try_into().unwrap_or(0));
        server.set_clock(now);
    }
}

/// Every class of a machine.
///
/// ```
/// use std::rc::Rc;
/// use msgpump::wbem::ClassProvider;
/// use msgpump::wbem::linux::{Machine, classes_of};
///
/// let classes = classes_of(&Rc::new(Machine::new()));
/// assert!(classes.iter().any(|class| &**class.class().name() == "Win32_Process"));
/// ```
pub fn classes_of(machine: &Rc<Machine>) -> Vec<LinuxClass> {
    let schema = Schema::new();
    let mut sources = vec![
        process::source(machine, &schema),
        operating_system::source(machine, &schema),
        computer_system::source(machine, &schema),
        processor::source(machine, &schema),
        environment::source(machine, &schema),
        page_file::source(machine, &schema),
        service::source(machine, &schema),
    ];
    sources.extend(disk::sources(machine, &schema));
    sources.extend(network::sources(machine, &schema));
    sources.extend(time::sources(machine, &schema));
    sources.extend(firmware::sources(machine, &schema));
    sources.extend(file::sources(machine, &schema));
    sources.extend(performance::sources(machine, &schema));
    sources.extend(accounts::sources(machine, &schema));
    sources.extend(events::classes(machine));
    sources
}
