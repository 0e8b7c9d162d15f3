//! A loop that draws 60 frames a second, and in it lookups at a server that never answers.
//!
//! At the tenth tick all lookups are started, half a second later all are cancelled, and a little later everything
//! is torn down. A tick is late when the loop was busy or blocked when it was due.

use std::time::Duration;

use crate::foreign::{c_library, system};
use crate::name_server;
use crate::resolvers::{
    Asking, Cares, Evdns, Hickory, Libuv, PumpResolver, Resolver, Threads, TokioLookupHost, Wanted, name, take_answers,
};
use crate::scenario::{Peer, Scenario, Server, Unit, column};
use crate::task::Task;

pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "freeze",
    title: "100 lookups at a dead server, started from a 60 Hz tick, cancelled half a second later, all torn down",
    peers: PEERS,
    columns: &[
        column("gap", "longest delay of a tick", Unit::Nanoseconds),
        column("start", "start of all", Unit::Nanoseconds),
        column("cancel", "cancel of all", Unit::Nanoseconds),
        column("exit", "until the process may exit", Unit::Nanoseconds),
        column("threads", "threads left after cancel", Unit::Number),
        column("descriptors", "descriptors left after cancel", Unit::Number),
        column("delivered", "answers after cancel", Unit::Number),
    ],
    operations: [100, 100],
    server: Server::Dead,
    c_library_options: "timeout:2 attempts:1",
    rounds_max: 3,
    is_counted: false,
    ..Scenario::PLAIN
}];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "cancel each; drop", |task| freeze(task, PumpResolver::open)),
    Peer::new("c-ares", "ares_cancel, all of a channel or nothing", |task| freeze(task, Cares::open)),
    Peer::new("hickory", "tasks aborted; the runtime dropped", |task| freeze(task, Hickory::open)),
    Peer::new("evdns", "a cancel each", |task| freeze(task, Evdns::open)),
    Peer::by_c_library("libuv", "uv_cancel each; the loop ends when its threads do", |task| freeze(task, Libuv::open)),
    Peer::by_c_library("tokio", "lookup_host, tasks aborted; the runtime's drop waits for its threads", |task| {
        freeze(task, TokioLookupHost::open)
    }),
    Peer::by_c_library("getaddrinfo-4", "four threads and a flag; joined", |task| freeze(task, Threads::open)),
    Peer::by_c_library("getaddrinfo-0", "one lookup, not a hundred, in the loop itself", in_the_loop),
];

const PERIOD: Duration = Duration::from_nanos(16_666_667);
const START_AT: u32 = 10;
const CANCEL_AT: u32 = 40;
const TICKS: u32 = 50;

/// The ticks of a loop, and by how much the latest was late.
struct Ticks {
    start: u64,
    ticked: u32,
    latest: u64,
}

impl Ticks {
    fn new() -> Ticks {
        Ticks { start: system::now(), ticked: 0, latest: 0 }
    }

    fn next(&self) -> u64 {
        self.start + u64::from(self.ticked + 1) * PERIOD.as_nanos() as u64
    }

    /// Turns until the next tick is due. What wakes in whole milliseconds is asked again for the rest of one.
    fn wait(&mut self, mut turn: impl FnMut(Duration)) {
        while let left @ 1.. = self.next().saturating_sub(system::now()) {
            turn(Duration::from_nanos(left));
        }
        self.latest = self.latest.max(system::now() - self.next());
        self.ticked += 1;
    }
}

fn freeze<R: Resolver>(task: &Task, open: impl FnOnce(Asking) -> R) {
    let descriptors = system::descriptors();
    let mut resolver = open(Asking {
        server: name_server::address(task.server),
        timeout: Duration::from_secs(5),
        attempts: 2,
        lookups: task.operations,
        at_a_time: task.operations,
    });
    let (own_threads, own_descriptors) = (system::threads().len(), system::descriptors());
    let mut ticks = Ticks::new();
    let (mut start, mut cancel, mut delivered) = (0, 0, 0);
    let mut left = (0, 0);
    while ticks.ticked < TICKS {
        ticks.wait(|limit| resolver.turn(limit));
        delivered += if ticks.ticked > CANCEL_AT { take_answers().len() } else { 0 };
        let began = system::now();
        if ticks.ticked == START_AT {
            (0..task.operations).for_each(|number| resolver.start(number, Wanted::Both));
            start = system::now() - began;
        }
        if ticks.ticked == CANCEL_AT {
            assert!(take_answers().is_empty(), "a dead server does not answer");
            resolver.cancel(task.operations);
            cancel = system::now() - began;
        }
        if ticks.ticked == CANCEL_AT + 1 {
            left = (system::threads().len() - own_threads, system::descriptors().saturating_sub(own_descriptors));
        }
    }
    let began = system::now();
    resolver.close();
    let exit = system::now() - began;
    report(task, &ticks, start, cancel, exit);
    task.report("threads", left.0 as f64);
    task.report("descriptors", left.1 as f64);
    task.report("delivered", delivered as f64);
    assert!(system::descriptors() <= descriptors.max(own_descriptors), "descriptors are left");
}

fn report(task: &Task, ticks: &Ticks, start: u64, cancel: u64, exit: u64) {
    task.report("gap", ticks.latest as f64);
    task.report("start", start as f64);
    task.report("cancel", cancel as f64);
    task.report("exit", exit as f64);
}

/// What a program gets that knows no better.
fn in_the_loop(task: &Task) {
    let mut ticks = Ticks::new();
    let mut start = 0;
    while ticks.ticked < TICKS {
        ticks.wait(std::thread::sleep);
        if ticks.ticked == START_AT {
            let began = system::now();
            assert!(c_library::look_up(&name(0), libc::AF_UNSPEC).is_err());
            start = system::now() - began;
        }
    }
    report(task, &ticks, start, 0, 0);
}
