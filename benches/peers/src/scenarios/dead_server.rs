//! Very many lookups at a server that never answers, and the cancel of all of them.

use std::time::Duration;

use crate::foreign::system;
use crate::name_server;
use crate::resolvers::{
    Asking, Cares, Evdns, Hickory, Libuv, PumpResolver, Resolver, SocketEach, TokioLookupHost, Wanted, settle,
    take_answers,
};
use crate::scenario::{Peer, Scenario, Server, Unit, column};
use crate::task::Task;

pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "dead-server",
    title: "10,000 lookups (A only) at a dead server: started, then all cancelled",
    peers: PEERS,
    columns: &[
        column("gone", "until nothing is left", Unit::Nanoseconds),
        column("cancelled", "until all are cancelled", Unit::Nanoseconds),
        column("cancel", "a cancel call", Unit::Nanoseconds),
        column("start", "start of one", Unit::Nanoseconds),
        column("refused", "refused", Unit::Number),
        column("sockets", "sockets open", Unit::Number),
    ],
    operations: [10_000, 4_000],
    server: Server::Dead,
    c_library_options: "timeout:1 attempts:1",
    rounds_max: 3,
    is_counted: false,
    ..Scenario::PLAIN
}];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "one pump: 4,096 have a socket each, the others wait in line", |task| {
        start_and_cancel(task, usize::MAX, PumpResolver::open)
    }),
    Peer::new("msgpump-pumps", "as many pumps as give each lookup a socket", |task| {
        start_and_cancel(task, usize::MAX, PumpResolver::open_many)
    }),
    Peer::new("floor-socket-each", "by hand: as many sockets, connected, asked and closed", |task| {
        start_and_cancel(task, usize::MAX, SocketEach::open)
    }),
    Peer::new("c-ares", "ares_cancel of the channel, which calls every callback in the call; one socket", |task| {
        start_and_cancel(task, usize::MAX, Cares::open)
    }),
    Peer::new(
        "hickory",
        "tasks aborted; up to three sockets each, for which 10,000 are too many here: only 4,000",
        |task| start_and_cancel(task, 4000, Hickory::open),
    ),
    Peer::new("evdns", "a cancel each, callbacks on the next turn; one socket", |task| {
        start_and_cancel(task, usize::MAX, Evdns::open_unbounded)
    }),
    Peer::by_c_library("libuv", "uv_cancel; what runs on the pool refuses. resolv.conf says 1 s, 1 attempt", |task| {
        start_and_cancel(task, usize::MAX, Libuv::open)
    }),
    Peer::by_c_library(
        "tokio",
        "tasks aborted; the pool performs all of them. Only 2,000, resolv.conf says 1 s, 1 attempt",
        |task| start_and_cancel(task, 2000, TokioLookupHost::open),
    ),
];

fn start_and_cancel<R: Resolver>(task: &Task, count_max: usize, open: impl FnOnce(Asking) -> R) {
    let count = task.operations.min(count_max);
    let before = system::descriptors();
    let mut resolver = open(Asking {
        server: name_server::address(task.server),
        timeout: Duration::from_secs(30),
        attempts: 1,
        lookups: count,
        at_a_time: count,
    });
    let idle = system::descriptors();
    let started = system::now();
    for number in 0..count {
        resolver.start(number, Wanted::Ipv4);
    }
    let (sockets, reached) = settle(&mut resolver);
    let start = reached - started;
    assert!(take_answers().is_empty(), "a dead server does not answer");
    let began = system::now();
    let refused = resolver.cancel(count);
    let cancelled_by_call = system::now() - began;
    while !resolver.are_cancels_told() {
        resolver.turn(Duration::ZERO);
    }
    let cancelled = system::now() - began;
    // Nothing is left when the descriptors are closed and everything is torn down.
    resolver.close();
    let gone = system::now() - began;
    assert!(system::descriptors() <= before.max(idle), "descriptors are left");
    task.report("start", start as f64 / count as f64);
    task.report("cancel", cancelled_by_call as f64 / count as f64);
    task.report("cancelled", cancelled as f64);
    task.report("gone", gone as f64);
    task.report("refused", refused as f64);
    task.report("sockets", (sockets - idle) as f64);
}
