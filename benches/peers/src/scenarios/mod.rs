//! The scenarios: a file for each kind, with its rows of the tables and how each peer does it.

mod cancel;
mod dead_server;
mod echo;
mod elsewhere;
mod embedding;
mod floors;
mod freeze;
mod idle;
mod lateness;
mod lookups;
mod memory;
mod post;
mod readiness;
mod timers;

use crate::scenario::Scenario;

pub use echo::{CLIENT as ECHO_CLIENT, run_client as run_echo_client};
pub use idle::ASLEEP;

/// In the order of the tables.
const BY_FILE: &[&[Scenario]] = &[
    floors::SCENARIOS,
    idle::TURNS,
    post::SCENARIOS,
    elsewhere::SCENARIOS,
    timers::SCENARIOS,
    lateness::SCENARIOS,
    echo::SCENARIOS,
    readiness::SCENARIOS,
    lookups::SCENARIOS,
    freeze::SCENARIOS,
    dead_server::SCENARIOS,
    cancel::SCENARIOS,
    embedding::SCENARIOS,
    idle::SLEEP,
    memory::SCENARIOS,
];

pub fn all() -> impl Iterator<Item = &'static Scenario> {
    BY_FILE.iter().flat_map(|scenarios| scenarios.iter())
}

pub fn by_name(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}
