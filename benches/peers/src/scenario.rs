//! What a scenario is: a thing to do, who does it, and which figures it gives.

use crate::task::Task;

/// What somebody does in a scenario.
pub struct Peer {
    pub name: &'static str,
    /// What exactly was measured, for the table.
    pub note: &'static str,
    pub measure: fn(&'static Task),
    /// It asks the C library's resolver, which asks whom the machine's configuration names.
    pub asks_c_library: bool,
}

impl Peer {
    pub const fn new(name: &'static str, note: &'static str, measure: fn(&'static Task)) -> Peer {
        Peer { name, note, measure, asks_c_library: false }
    }

    pub const fn by_c_library(name: &'static str, note: &'static str, measure: fn(&'static Task)) -> Peer {
        Peer { name, note, measure, asks_c_library: true }
    }

    pub fn is_ours(&self) -> bool {
        self.name.starts_with("msgpump")
    }

    pub fn is_floor(&self) -> bool {
        self.name.starts_with("floor")
    }
}

/// Which name server has to be there.
#[derive(Clone, Copy, PartialEq)]
pub enum Server {
    None,
    Answering,
    /// It loses a few of the questions.
    LosingFew,
    /// It loses a large part of the questions.
    LosingMany,
    /// It answers some names over TCP only: over UDP it says that their answers are cut.
    Truncating,
    /// It never answers.
    Dead,
}

/// How a figure is written.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    Nanoseconds,
    Number,
    Bytes,
    Percent,
}

pub struct Column {
    pub metric: &'static str,
    pub heading: &'static str,
    pub unit: Unit,
}

pub const fn column(metric: &'static str, heading: &'static str, unit: Unit) -> Column {
    Column { metric, heading, unit }
}

/// What system calls are reported as.
pub const CALLS: &str = "calls";

/// Of system calls, which not every system lets us count.
pub const fn calls(heading: &'static str) -> Column {
    column(CALLS, heading, Unit::Number)
}

/// Something that is done by everybody who can.
pub struct Scenario {
    pub name: &'static str,
    pub title: &'static str,
    pub peers: &'static [Peer],
    /// The first is what the rows are ordered by and what is drawn.
    pub columns: &'static [Column],
    /// How many operations, in full and in a quick run.
    pub operations: [usize; 2],
    /// What the scenario's file says it is.
    pub shape: [usize; 2],
    /// At most this many rounds, however many are asked for.
    pub rounds_max: usize,
    pub server: Server,
    /// Of the resolver's configuration, for who asks the C library.
    pub c_library_options: &'static str,
    /// The system calls and allocations of each operation are counted in a run of their own.
    pub is_counted: bool,
    /// Everybody waits nearly all the time, so that all peers are measured at the same time.
    pub is_waiting: bool,
}

impl Scenario {
    /// What most scenarios have in common.
    pub const PLAIN: Scenario = Scenario {
        name: "",
        title: "",
        peers: &[],
        columns: &[],
        operations: [1_000_000, 200_000],
        shape: [0, 0],
        rounds_max: usize::MAX,
        server: Server::None,
        c_library_options: "timeout:5 attempts:2",
        is_counted: true,
        is_waiting: false,
    };
}
