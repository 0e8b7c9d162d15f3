//! What the fuzz targets share: decisions made from bytes, and the naive second opinions that the crate is
//! compared with.

mod choices;
pub mod codecs;
pub mod files;
pub mod resolver;

pub use choices::Choices;

use std::time::Duration;

use msgpump::simulation::Simulation;
use msgpump::{Payload, Pump};

/// Longer than any lookup of the targets takes on the virtual clock.
pub const LOOKUP_MAX: Duration = Duration::from_secs(100_000);

/// A stage whose machine has empty files: without them each pump would read the tables that are built in.
pub fn stage() -> Simulation {
    let simulation = Simulation::new(1);
    for file in ["/etc/hosts", "/etc/services", "/etc/protocols"] {
        simulation.write_file(file, "");
    }
    simulation
}

/// Lets the virtual clock run until the next message, which is there within [`LOOKUP_MAX`].
pub fn answer<T: std::fmt::Debug>(simulation: &Simulation, pump: &mut Pump<T>) -> Payload<T> {
    let start = simulation.elapsed();
    let message = pump.get_message().expect("something happens").expect("nobody quits");
    assert!(simulation.elapsed() - start < LOOKUP_MAX, "it took {:?}", simulation.elapsed() - start);
    message.payload
}
