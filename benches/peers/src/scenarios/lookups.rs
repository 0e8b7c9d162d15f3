//! Names looked up at a server on loopback, A and AAAA each, some at a time. Every address is checked.
//!
//! The shape is how many at a time, and [`LOSSES`] where the server loses questions. The server is a process of its
//! own on the same CPUs; on loopback who sends also pays for the way to the receiver.

use std::time::Duration;

use super::{Peer, Server};
use crate::foreign::system;
use crate::name_server;
use crate::resolvers::{
    Asking, Cares, Evdns, Hickory, Libuv, OneSocket, PumpResolver, Resolver, SocketEach, Threads, TokioLookupHost,
    Wanted, take_answers,
};
use crate::task::Task;

pub const PEERS: &[Peer] = &[
    Peer::new("msgpump", "a fresh socket and port for each lookup, sorted by RFC 6724", |task| {
        look_up(task, PumpResolver::open)
    }),
    Peer::new("floor-one-socket", "by hand: one port for all, not sorted, no second attempt", |task| {
        unless_lossy(task, OneSocket::open)
    }),
    Peer::new(
        "floor-socket-each",
        "by hand: a fresh socket and port for each lookup, not sorted, no second attempt",
        |task| unless_lossy(task, SocketEach::open),
    ),
    Peer::new("c-ares", "one port for all, sorted by RFC 6724", |task| look_up(task, Cares::open)),
    Peer::new("c-ares-nosort", "one port for all, not sorted", |task| look_up(task, Cares::open_unsorted)),
    Peer::new("hickory", "on tokio; a fresh socket for each question, sorted by family", |task| {
        look_up(task, Hickory::open)
    }),
    Peer::new("evdns", "one port for all, at most 64 questions at a time, not sorted", |task| {
        look_up(task, Evdns::open)
    }),
    Peer::by_c_library("libuv", "getaddrinfo on the pool: four threads, of which two look up", |task| {
        look_up(task, Libuv::open)
    }),
    Peer::by_c_library("tokio", "lookup_host: getaddrinfo on the blocking pool", |task| {
        look_up(task, TokioLookupHost::open)
    }),
    Peer::by_c_library("getaddrinfo-1", "on one thread", |task| unless_lossy(task, |_| Threads::open_many(1))),
    Peer::by_c_library("getaddrinfo-4", "on four threads", |task| look_up(task, |_| Threads::open_many(4))),
];

/// The second number of the shape where questions are lost.
pub const LOSSES: usize = 1;

fn asking(task: &Task) -> Asking {
    let (server, timeout, attempts) =
        if task.shape[1] == LOSSES { (Server::Losing, 1, 4) } else { (Server::Answering, 5, 2) };
    Asking {
        server: name_server::address(server),
        timeout: Duration::from_secs(timeout),
        attempts,
        lookups: task.operations,
        at_a_time: task.shape[0],
    }
}

/// Takes no part where questions are lost: what is written by hand asks once, and one thread would take minutes.
fn unless_lossy<R: Resolver>(task: &Task, open: impl FnOnce(Asking) -> R) {
    if task.shape[1] != LOSSES {
        look_up(task, open);
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
    if task.shape[1] != LOSSES {
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
