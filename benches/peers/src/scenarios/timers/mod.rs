//! Timers that are started and cancelled, and timers that fire.

mod cancel;
mod fire;

use crate::scenario::{Scenario, Unit, calls, column};

use super::lateness;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "timers-cancel",
        title: "Timers 10 to 60 s away at random: all started, then all cancelled in the same order",
        peers: cancel::PEERS,
        columns: &[
            column("start", "start", Unit::Nanoseconds),
            column("cancel", "cancel", Unit::Nanoseconds),
            column("bytes", "bytes each, with the caller's own", Unit::Bytes),
            column("timers", "timers", Unit::Number),
        ],
        operations: [1_000_000, 260_000],
        ..Scenario::PLAIN
    },
    Scenario {
        name: "timers-fire",
        title: "100,000 timers that fire at random within one second",
        peers: fire::PEERS,
        columns: lateness::COLUMNS,
        operations: [100_000, 100_000],
        shape: [fire::AT_RANDOM, 0],
        rounds_max: 3,
        ..Scenario::PLAIN
    },
    Scenario {
        name: "timers-due",
        title: "100,000 timers that are due at once, set in order of their deadlines, which are equal in tens",
        peers: fire::PEERS,
        columns: &[
            column("cpu", "CPU for each", Unit::Nanoseconds),
            column("out of order", "out of order", Unit::Number),
            calls("system calls each"),
        ],
        operations: [100_000, 100_000],
        shape: [fire::AT_ONCE, 0],
        rounds_max: 3,
        ..Scenario::PLAIN
    },
];

/// What an unlimited count is called.
const ALL: usize = usize::MAX;

const MILLISECOND: u64 = 1_000_000;
