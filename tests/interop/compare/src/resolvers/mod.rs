//! The four resolvers, each asked for all names with the machine's configuration, and without a cache.

mod c_ares;
mod c_library;
mod hickory;
mod pump;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use crate::answer::Answer;
use crate::names::{Asked, Query};

/// How many names each resolver is asked for at a time.
const AT_A_TIME: usize = 32;

/// How long a server has to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the questions to one resolver have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// The resolver: its sockets, and what it knows of the server.
    Resolver,
    /// Nothing: what the server did to one question means nothing to the next.
    Nothing,
}

/// A resolver that msgpump is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    CLibrary,
    CAres,
    Hickory,
}

impl Peer {
    pub const ALL: [Peer; 3] = [Peer::CLibrary, Peer::CAres, Peer::Hickory];

    /// Its answers to `queries`, in their order.
    pub fn ask(self, queries: &[Query], sharing: Sharing) -> Vec<Answer> {
        match self {
            // It keeps nothing.
            Peer::CLibrary => c_library::ask(queries),
            Peer::CAres => c_ares::ask(queries, sharing),
            // One for all loses some: a lookup on a stream that the server closes ends as "receiver was canceled".
            Peer::Hickory => hickory::ask(queries),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Peer::CLibrary => "C library",
            Peer::CAres => "c-ares",
            Peer::Hickory => "hickory",
        })
    }
}

/// The answers of msgpump to `queries`, in their order.
pub fn ask_msgpump(queries: &[Query], sharing: Sharing) -> Vec<Answer> {
    pump::ask(queries, sharing)
}

/// The answers that `ask` has to `queries`, in their order, from several threads at a time.
fn on_threads(queries: &[Query], ask: impl Fn(&Query) -> Answer + Sync) -> Vec<Answer> {
    let answers: Mutex<Vec<Option<Answer>>> = Mutex::new(vec![None; queries.len()]);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(query) = queries.get(index) else { break };
                    let answer = ask(query);
                    answers.lock().expect("no thread panics with it")[index] = Some(answer);
                }
            });
        }
    });
    let answers = answers.into_inner().expect("no thread panicked");
    answers.into_iter().map(|answer| answer.expect("each was asked")).collect()
}

/// Waits until the server has started, which is when it has an answer for `name`; false if it takes too long.
pub fn is_answered_in_time(name: &str) -> bool {
    let query = [Query { index: 0, asked: Asked::Name(name.to_owned()), group: "first" }];
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if pump::ask(&query, Sharing::Resolver)[0].is_ok() {
            return true;
        }
        // A server that has not opened its port refuses at once.
        thread::sleep(Duration::from_millis(20));
    }
    false
}

/// The versions of the resolvers, in words.
pub fn versions() -> String {
    let lock = include_str!("../../Cargo.lock");
    let hickory = lock.split("name = \"hickory-resolver\"").nth(1).and_then(|rest| rest.split('"').nth(1));
    format!("c-ares {}, hickory-resolver {}", c_ares::version(), hickory.expect("it is a dependency"))
}
