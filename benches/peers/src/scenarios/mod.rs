//! The scenarios: a file for each, and the table of them all.

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

use crate::task::Task;

pub use echo::{CLIENT as ECHO_CLIENT, run_client as run_echo_client};

/// The scenario in which everybody sleeps.
pub const IDLE: &str = "idle";

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
    const fn new(name: &'static str, note: &'static str, measure: fn(&'static Task)) -> Peer {
        Peer { name, note, measure, asks_c_library: false }
    }

    const fn by_c_library(name: &'static str, note: &'static str, measure: fn(&'static Task)) -> Peer {
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
    /// It loses a part of the questions.
    Losing,
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

const fn column(metric: &'static str, heading: &'static str, unit: Unit) -> Column {
    Column { metric, heading, unit }
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
    /// Everybody waits nearly all the time, so all are measured at the same time.
    pub is_waiting: bool,
}

const ALL_ROUNDS: usize = usize::MAX;

const PLAIN: Scenario = Scenario {
    name: "",
    title: "",
    peers: &[],
    columns: &[],
    operations: [1_000_000, 200_000],
    shape: [0, 0],
    rounds_max: ALL_ROUNDS,
    server: Server::None,
    c_library_options: "timeout:5 attempts:2",
    is_counted: true,
    is_waiting: false,
};

use Unit::{Bytes, Nanoseconds, Number, Percent};

const EACH: &[Column] = &[
    column("cpu", "time each", Nanoseconds),
    column("calls", "system calls each", Number),
    column("allocations", "allocations each", Number),
];

const TURNS: &[Column] = &[column("cpu", "a turn", Nanoseconds), column("calls", "system calls", Number)];

const LATE: &[Column] = &[
    column("late p50", "late, median", Nanoseconds),
    column("late p99", "late, 99 %", Nanoseconds),
    column("cpu", "CPU for each", Nanoseconds),
    column("early", "early", Number),
    column("drift", "drift, millionths", Number),
    column("calls", "system calls each", Number),
];

const LOOKUPS: &[Column] = &[
    column("cpu", "CPU for each", Nanoseconds),
    column("wall", "time for each", Nanoseconds),
    column("took p99", "slowest 1 %", Nanoseconds),
    column("threads", "threads", Number),
    column("calls", "system calls each", Number),
    column("allocations", "allocations each", Number),
];

const FLOOD: &[Column] = &[
    column("wall", "time each", Nanoseconds),
    column("cpu", "CPU of all threads", Nanoseconds),
    column("sleeps", "sleeps of the loop", Number),
    column("calls", "system calls each", Number),
    column("allocations", "allocations each", Number),
];

const READY: &[Column] = &[column("cpu", "an event", Nanoseconds), column("calls", "system calls an event", Number)];

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "floors",
        title: "What the system and plain structures cost here",
        peers: floors::PEERS,
        columns: &[column("cpu", "time each", Nanoseconds), column("calls", "system calls each", Number)],
        operations: [500_000, 100_000],
        ..PLAIN
    },
    Scenario {
        name: "turn-nothing",
        title: "A turn that does not wait, with nothing registered",
        peers: idle::PEERS,
        columns: TURNS,
        operations: [500_000, 100_000],
        ..PLAIN
    },
    Scenario {
        name: "turn-one",
        title: "A turn that does not wait, with one quiet socket",
        peers: idle::PEERS,
        columns: TURNS,
        operations: [500_000, 100_000],
        shape: [1, 0],
        ..PLAIN
    },
    Scenario {
        name: "turn-sixteen",
        title: "A turn that does not wait, with 16 quiet sockets and a timer far away",
        peers: idle::PEERS,
        columns: TURNS,
        operations: [500_000, 100_000],
        shape: [16, 1],
        ..PLAIN
    },
    Scenario {
        name: "turn-thousand",
        title: "A turn that does not wait, with 1,000 quiet sockets",
        peers: idle::PEERS,
        columns: TURNS,
        operations: [20_000, 5_000],
        shape: [1000, 0],
        ..PLAIN
    },
    Scenario {
        name: "post-1",
        title: "Post a message to oneself and have it delivered, one at a time",
        peers: post::PEERS,
        columns: EACH,
        operations: [500_000, 100_000],
        shape: [1, 0],
        ..PLAIN
    },
    Scenario {
        name: "post-1000",
        title: "Post messages to oneself and have them delivered, 1,000 at a time",
        peers: post::PEERS,
        columns: EACH,
        operations: [500_000, 200_000],
        shape: [1000, 0],
        ..PLAIN
    },
    Scenario {
        name: "post-10000",
        title: "Post messages to oneself and have them delivered, 10,000 at a time",
        peers: post::PEERS,
        columns: EACH,
        shape: [10_000, 0],
        ..PLAIN
    },
    Scenario {
        name: "post-100000",
        title: "Post messages to oneself and have them delivered, 100,000 at a time",
        peers: post::PEERS,
        columns: EACH,
        shape: [100_000, 0],
        ..PLAIN
    },
    Scenario {
        name: "flood-1",
        title: "Another thread posts without a pause",
        peers: elsewhere::PEERS,
        columns: FLOOD,
        operations: [1_000_000, 300_000],
        shape: [1, elsewhere::WITHOUT_PAUSE],
        ..PLAIN
    },
    Scenario {
        name: "flood-4",
        title: "Four threads post without a pause",
        peers: elsewhere::PEERS,
        columns: FLOOD,
        operations: [1_000_000, 300_000],
        shape: [4, elsewhere::WITHOUT_PAUSE],
        ..PLAIN
    },
    Scenario {
        name: "burst-100",
        title: "Another thread posts 100, and waits until all are there",
        peers: elsewhere::PEERS,
        columns: FLOOD,
        operations: [300_000, 100_000],
        shape: [1, 100],
        ..PLAIN
    },
    Scenario {
        name: "burst-10000",
        title: "Another thread posts 10,000, and waits until all are there",
        peers: elsewhere::PEERS,
        columns: FLOOD,
        operations: [500_000, 200_000],
        shape: [1, 10_000],
        ..PLAIN
    },
    Scenario {
        name: "wake",
        title: "Another thread wakes the loop with one message, and is woken by its handler",
        peers: elsewhere::PEERS,
        columns: &[
            column("round trip p50", "round trip, median", Nanoseconds),
            column("round trip p99", "round trip, 99 %", Nanoseconds),
            column("calls", "system calls each", Number),
        ],
        operations: [10_000, 5_000],
        shape: [1, elsewhere::PING_PONG],
        ..PLAIN
    },
    Scenario {
        name: "timers-cancel",
        title: "Timers 10 to 60 s away at random: all started, then all cancelled in the same order",
        peers: timers::PEERS_OF_CANCEL,
        columns: &[
            column("start", "start", Nanoseconds),
            column("cancel", "cancel", Nanoseconds),
            column("bytes", "bytes each, with the caller's own", Bytes),
            column("timers", "timers", Number),
        ],
        operations: [1_000_000, 260_000],
        ..PLAIN
    },
    Scenario {
        name: "timers-fire",
        title: "100,000 timers that fire at random within one second",
        peers: timers::PEERS_OF_FIRE,
        columns: LATE,
        operations: [100_000, 100_000],
        shape: [timers::AT_RANDOM, 0],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "timers-due",
        title: "100,000 timers that are due at once, set in order of their deadlines, which are equal in tens",
        peers: timers::PEERS_OF_FIRE,
        columns: &[
            column("cpu", "CPU for each", Nanoseconds),
            column("out of order", "out of order", Number),
            column("calls", "system calls each", Number),
        ],
        operations: [100_000, 100_000],
        shape: [timers::AT_ONCE, 0],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "late-100us",
        title: "A periodic timer of 100 µs",
        peers: lateness::PEERS,
        columns: LATE,
        operations: [3000, 2000],
        shape: [100, 0],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "late-1ms",
        title: "A periodic timer of 1 ms",
        peers: lateness::PEERS,
        columns: LATE,
        operations: [600, 300],
        shape: [1000, 0],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "late-1ms-loaded",
        title: "A periodic timer of 1 ms while every CPU computes something else",
        peers: lateness::PEERS,
        columns: LATE,
        operations: [600, 300],
        shape: [1000, 1],
        rounds_max: 3,
        is_counted: false,
        ..PLAIN
    },
    Scenario {
        name: "late-60hz",
        title: "A periodic timer of 16.667 ms",
        peers: lateness::PEERS,
        columns: LATE,
        operations: [60, 30],
        shape: [16_667, 0],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "echo",
        title: "An echo server with 1,000 quiet and 100 busy connections, 64 bytes at a time",
        peers: echo::PEERS,
        columns: &[
            column("cpu", "CPU an echo", Nanoseconds),
            column("rate", "echoes a second", Number),
            column("busy", "server busy", Percent),
            column("round trip p50", "round trip", Nanoseconds),
            column("calls", "system calls an echo", Number),
            column("allocations", "allocations an echo", Number),
        ],
        operations: [120_000, 60_000],
        shape: [1000, 100],
        ..PLAIN
    },
    Scenario {
        name: "ready-100-1",
        title: "Of 100 socket pairs 1 becomes readable at a time",
        peers: readiness::PEERS,
        columns: READY,
        operations: [20_000, 5_000],
        shape: [100, 1],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "ready-1000-10",
        title: "Of 1,000 socket pairs 10 become readable at a time",
        peers: readiness::PEERS,
        columns: READY,
        operations: [20_000, 5_000],
        shape: [1000, 10],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "ready-4000-100",
        title: "Of 4,000 socket pairs 100 become readable at a time",
        peers: readiness::PEERS,
        columns: READY,
        operations: [20_000, 5_000],
        shape: [4000, 100],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "lookups-1",
        title: "Names looked up, A and AAAA, one at a time",
        peers: lookups::PEERS,
        columns: LOOKUPS,
        operations: [1000, 500],
        shape: [1, 0],
        server: Server::Answering,
        ..PLAIN
    },
    Scenario {
        name: "lookups-10",
        title: "Names looked up, A and AAAA, 10 at a time",
        peers: lookups::PEERS,
        columns: LOOKUPS,
        operations: [2000, 1000],
        shape: [10, 0],
        server: Server::Answering,
        ..PLAIN
    },
    Scenario {
        name: "lookups-256",
        title: "Names looked up, A and AAAA, 256 at a time",
        peers: lookups::PEERS,
        columns: LOOKUPS,
        operations: [5000, 2000],
        shape: [256, 0],
        server: Server::Answering,
        ..PLAIN
    },
    Scenario {
        name: "lookups-1000",
        title: "Names looked up, A and AAAA, 1,000 at a time",
        peers: lookups::PEERS,
        columns: LOOKUPS,
        operations: [5000, 2000],
        shape: [1000, 0],
        server: Server::Answering,
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: "lookups-lossy",
        title: "Names looked up, 100 at a time, at a server that loses 30 % of the questions; 1 s, 4 attempts",
        peers: lookups::PEERS,
        columns: &[
            column("both", "both families answered", Percent),
            column("answered", "one or both", Percent),
            column("took p50", "median", Nanoseconds),
            column("took p99", "slowest 1 %", Nanoseconds),
            column("total", "all of them", Nanoseconds),
            column("threads", "threads", Number),
        ],
        operations: [100, 100],
        shape: [100, lookups::LOSSES],
        server: Server::Losing,
        c_library_options: "timeout:1 attempts:4",
        rounds_max: 1,
        is_counted: false,
        is_waiting: true,
    },
    Scenario {
        name: "freeze",
        title: "100 lookups at a dead server, started from a 60 Hz tick, cancelled half a second later, all torn down",
        peers: freeze::PEERS,
        columns: &[
            column("gap", "longest delay of a tick", Nanoseconds),
            column("start", "start of all", Nanoseconds),
            column("cancel", "cancel of all", Nanoseconds),
            column("exit", "until the process may exit", Nanoseconds),
            column("threads", "threads left after cancel", Number),
            column("descriptors", "descriptors left after cancel", Number),
            column("delivered", "answers after cancel", Number),
        ],
        operations: [100, 100],
        server: Server::Dead,
        c_library_options: "timeout:2 attempts:1",
        rounds_max: 3,
        is_counted: false,
        ..PLAIN
    },
    Scenario {
        name: "dead-server",
        title: "10,000 lookups (A only) at a dead server: started, then all cancelled",
        peers: dead_server::PEERS,
        columns: &[
            column("gone", "until nothing is left", Nanoseconds),
            column("cancelled", "until all are cancelled", Nanoseconds),
            column("cancel", "a cancel call", Nanoseconds),
            column("start", "start of one", Nanoseconds),
            column("refused", "refused", Number),
            column("sockets", "sockets open", Number),
        ],
        operations: [10_000, 4_000],
        server: Server::Dead,
        c_library_options: "timeout:1 attempts:1",
        rounds_max: 3,
        is_counted: false,
        ..PLAIN
    },
    Scenario {
        name: "cancel-100",
        title: "100 completions that wait are cancelled",
        peers: cancel::PEERS,
        columns: CANCEL,
        operations: [100, 100],
        ..PLAIN
    },
    Scenario {
        name: "cancel-100000",
        title: "100,000 completions that wait are cancelled",
        peers: cancel::PEERS,
        columns: CANCEL,
        operations: [100_000, 20_000],
        ..PLAIN
    },
    Scenario {
        name: "embedding",
        title: "As the guest of a plain epoll loop that knows a descriptor",
        peers: embedding::PEERS,
        columns: &[
            column("post p50", "post of another thread to handler", Nanoseconds),
            column("timer p50", "300 µs timer, late", Nanoseconds),
            column("woken", "woken in an idle second", Number),
            column("calls", "system calls a post", Number),
        ],
        operations: [500, 200],
        rounds_max: 3,
        ..PLAIN
    },
    Scenario {
        name: IDLE,
        title: "Asleep, with 10 quiet sockets and 3 timers far away",
        peers: idle::PEERS,
        columns: &[
            column("wakes", "woken", Number),
            column("cpu", "CPU", Nanoseconds),
            column("seconds", "seconds", Number),
        ],
        operations: [1, 1],
        shape: [10, 3],
        rounds_max: 1,
        is_counted: false,
        is_waiting: true,
        ..PLAIN
    },
    Scenario {
        name: "memory",
        title: "Memory: allocated for each, by whatever allocates it",
        peers: memory::PEERS,
        columns: &[
            column("message", "queued message of 32 bytes", Bytes),
            column("timer", "timer", Bytes),
            column("socket", "watched socket", Bytes),
            column("lookup", "lookup under way", Bytes),
        ],
        // Less than the powers of two at which tables grow: little of what is counted is room for more.
        operations: [65_000, 16_000],
        rounds_max: 1,
        server: Server::Dead,
        is_counted: false,
        ..PLAIN
    },
];

const CANCEL: &[Column] = &[
    column("cancel", "cancel of one", Nanoseconds),
    column("drain", "the loop's work on what is left", Nanoseconds),
    column("delivered", "delivered all the same", Percent),
    column("allocations", "allocations each", Number),
];

pub fn by_name(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}
