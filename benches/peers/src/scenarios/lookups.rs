//! Names looked up at a server on loopback, A and AAAA each, some at a time. Every address is checked.
//!
//! The shape is how many at a time. The server is a process of its own on the same CPUs; on loopback who sends also
//! pays for the way to the receiver.

use std::time::Duration;

use crate::foreign::system;
use crate::name_server;
use crate::resolvers::{
    Asking, Cares, Evdns, Hickory, Libuv, OneSocket, PumpResolver, Resolver, SocketEach, Threads, TokioLookupHost,
    Wanted, take_answers,
};
use crate::scenario::{Column, Peer, Scenario, Server, Unit, calls, column};
use crate::task::Task;

const COLUMNS: &[Column] = &[
    column("cpu", "CPU for each", Unit::Nanoseconds),
    column("wall", "time for each", Unit::Nanoseconds),
    column("took p99", "slowest 1 %", Unit::Nanoseconds),
    column("threads", "threads", Unit::Number),
    calls("system calls each"),
    column("allocations", "allocations each", Unit::Number),
];

const fn answered(name: &'static str, title: &'static str, operations: [usize; 2], at_a_time: usize) -> Scenario {
    Scenario {
        name,
        title,
        peers: PEERS,
        columns: COLUMNS,
        operations,
        shape: [at_a_time, 0],
        server: Server::Answering,
        ..Scenario::PLAIN
    }
}

const COLUMNS_OF_LOSSES: &[Column] = &[
    column("both", "both families answered", Unit::Percent),
    column("answered", "one or both", Unit::Percent),
    column("took p50", "median", Unit::Nanoseconds),
    column("took p99", "slowest 1 %", Unit::Nanoseconds),
    column("total", "all of them", Unit::Nanoseconds),
    column("threads", "threads", Unit::Number),
];

const fn lossy(name: &'static str, title: &'static str, operations: usize, server: Server) -> Scenario {
    Scenario {
        name,
        title,
        peers: PEERS,
        columns: COLUMNS_OF_LOSSES,
        operations: [operations, operations],
        shape: [100, 0],
        server,
        c_library_options: "timeout:1 attempts:4",
        rounds_max: 1,
        is_counted: false,
        is_waiting: true,
    }
}

pub const SCENARIOS: &[Scenario] = &[
    answered("lookups-1", "Names looked up, A and AAAA, one at a time", [1000, 500], 1),
    answered("lookups-10", "Names looked up, A and AAAA, 10 at a time", [2000, 1000], 10),
    answered("lookups-256", "Names looked up, A and AAAA, 256 at a time", [5000, 2000], 256),
    Scenario {
        rounds_max: 3,
        ..answered("lookups-1000", "Names looked up, A and AAAA, 1,000 at a time", [5000, 2000], 1000)
    },
    Scenario {
        name: "lookups-truncated",
        title: "Names looked up, A and AAAA, 10 at a time, at a server that answers every tenth name over TCP only",
        columns: &[
            column("cpu", "CPU for each", Unit::Nanoseconds),
            column("both", "both families answered", Unit::Percent),
            column("wall", "time for each", Unit::Nanoseconds),
            column("took p99", "slowest 1 %", Unit::Nanoseconds),
            column("threads", "threads", Unit::Number),
            calls("system calls each"),
            column("allocations", "allocations each", Unit::Number),
        ],
        server: Server::Truncating,
        ..answered("", "", [2000, 1000], 10)
    },
    // Enough for luck to be the same for all, and not so many that two threads which wait a second for each loss
    // take minutes.
    lossy(
        "lookups-lossy-5",
        "Names looked up, 100 at a time, at a server that loses 5 % of the questions; 1 s, 4 attempts",
        500,
        Server::LosingFew,
    ),
    lossy(
        "lookups-lossy-30",
        "Names looked up, 100 at a time, at a server that loses 30 % of the questions; 1 s, 4 attempts",
        100,
        Server::LosingMany,
    ),
];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "a fresh socket and port for each lookup, sorted by RFC 6724", |task| {
        look_up(task, PumpResolver::open)
    }),
    Peer::new("floor-one-socket", "by hand: one port for all, not sorted, no second attempt", |task| {
        if task.server == Server::Answering {
            look_up(task, OneSocket::open);
        }
    }),
    Peer::new(
        "floor-socket-each",
        "by hand: a fresh socket and port for each lookup, not sorted, no second attempt",
        |task| {
            if task.server == Server::Answering {
                look_up(task, SocketEach::open);
            }
        },
    ),
    Peer::new("c-ares", "one port for all under way, sorted by RFC 6724", |task| look_up(task, Cares::open)),
    Peer::new("c-ares-nosort", "one port for all under way, not sorted", |task| look_up(task, Cares::open_unsorted)),
    Peer::new("hickory", "on tokio; a fresh socket for each question, sorted by family", |task| {
        look_up(task, Hickory::open)
    }),
    Peer::new("evdns", "one port for all, at most 64 questions at a time, not sorted; no TCP", |task| {
        look_up(task, Evdns::open)
    }),
    Peer::by_c_library("libuv", "getaddrinfo on the pool: four threads, of which two look up", |task| {
        look_up(task, Libuv::open)
    }),
    Peer::by_c_library("tokio", "lookup_host: getaddrinfo on the blocking pool", |task| {
        look_up(task, TokioLookupHost::open)
    }),
    Peer::by_c_library("getaddrinfo-1", "on one thread", |task| {
        // Where questions are lost it would take minutes.
        if !is_lossy(task) {
            look_up(task, |_| Threads::open_many(1));
        }
    }),
    Peer::by_c_library("getaddrinfo-4", "on four threads", |task| look_up(task, |_| Threads::open_many(4))),
];

fn is_lossy(task: &Task) -> bool {
    matches!(task.server, Server::LosingFew | Server::LosingMany)
}

fn asking(task: &Task) -> Asking {
    let (timeout, attempts) = if is_lossy(task) { (1, 4) } else { (5, 2) };
    Asking {
        server: name_server::address(task.server),
        timeout: Duration::from_secs(timeout),
        attempts,
        lookups: task.operations,
        at_a_time: task.shape[0],
    }
}

fn look_up<R: Resolver>(task: &Task, open: impl FnOnce(Asking) -> R) {
    task.count_threads_from_here();
    let mut resolver = open(asking(task));
    // What is read once, as a configuration or a file of hosts, is nobody's cost of a lookup.
    resolver.start(0, Wanted::Both);
    while take_answers().is_empty() {
        resolver.turn(Duration::from_secs(1));
    }
    let total = task.operations;
    let mut started = vec![0; total];
    let mut took = Vec::with_capacity(total);
    let (mut next, mut any, mut complete) = (1, 0, 0);
    let stopwatch = task.start();
    while took.len() < total - 1 {
        while next < total && next - 1 - took.len() < task.shape[0] {
            started[next] = system::now();
            resolver.start(next, Wanted::Both);
            next += 1;
        }
        resolver.turn(Duration::from_secs(1));
        for answer in take_answers() {
            took.push(answer.at - started[answer.number]);
            any += usize::from(answer.addresses > 0);
            complete += usize::from(answer.addresses == 2);
        }
    }
    let spent = stopwatch.stop();
    if task.server == Server::Answering {
        assert_eq!(complete, total - 1, "every name has two addresses");
    }
    task.report_cost(spent, total - 1);
    if task.is_counting {
        return;
    }
    task.report("both", complete as f64 / (total - 1) as f64 * 100.0);
    task.report("answered", any as f64 / (total - 1) as f64 * 100.0);
    task.report("total", spent.wall as f64);
    task.report("threads", system::threads().len() as f64);
    task.report_percentiles("took", &mut took);
}
