//! The program inside the host: what it starts, and what comes of that.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use msgpump::{Budget, HostQuery, Hosted, OperationId, Payload, Timer};

/// How much must come of each.
const POSTS: usize = 300;
const TIMERS: usize = 150;

/// Between two posts of the other thread.
const BETWEEN_POSTS: Duration = Duration::from_millis(3);

/// How far timers are away, in turn.
const DELAYS_MICROS: [u64; 5] = [200, 16_600, 1_000, 0, 4_300];

/// A timer that nobody waits for.
const FAR: Duration = Duration::from_secs(3600);

pub(crate) struct Guest {
    hosted: Hosted<usize>,
    started: usize,
    expected: Expected,
    deadlines: HashMap<OperationId, Instant>,
    lookups: usize,
    late: Vec<Duration>,
    seen: Seen,
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    Nothing,
    All,
}

/// What the host was woken for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) wakes: usize,
    /// Turns that took nothing over and gave no message.
    pub(crate) wasted: usize,
    pub(crate) posts: usize,
    pub(crate) ticks: usize,
}

impl Guest {
    pub(crate) fn new() -> Guest {
        Guest {
            hosted: Hosted::new().expect("descriptors are left"),
            started: 0,
            expected: Expected::Nothing,
            deadlines: HashMap::new(),
            lookups: 0,
            late: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// A descriptor of the host's own, for loops that want to own what they watch.
    pub(crate) fn descriptor(&self) -> OwnedFd {
        self.hosted.as_fd().try_clone_to_owned().expect("descriptors are left")
    }

    /// Has another thread post.
    pub(crate) fn expect_posts(&mut self) {
        self.expected = Expected::All;
        let pump = self.hosted.lend();
        let (poster, window) = (pump.poster(), pump.root_window());
        thread::spawn(move || {
            for number in 0..POSTS {
                thread::sleep(BETWEEN_POSTS);
                poster.post(window, number).expect("the pump is there and has room");
            }
        });
    }

    /// Has only something far away.
    pub(crate) fn expect_nothing(&mut self) {
        let pump = &mut *self.hosted.lend();
        pump.set_timer(pump.root_window(), Timer::once(FAR)).expect("there is room");
    }

    pub(crate) fn wants_work(&self) -> bool {
        self.started < TIMERS
    }

    /// What the host has to do beside the pump, at a time that the pump knows nothing of.
    pub(crate) fn work(&mut self) {
        if !self.wants_work() {
            return;
        }
        let pump = &mut *self.hosted.lend();
        let window = pump.root_window();
        let deadline = Instant::now() + Duration::from_micros(DELAYS_MICROS[self.started % DELAYS_MICROS.len()]);
        let timer = pump.set_timer(window, Timer::at(deadline)).expect("there is room");
        self.deadlines.insert(timer, deadline);
        pump.lookup_host(window, HostQuery::by_name("localhost")).expect("there is room");
        self.lookups += 1;
        self.started += 1;
    }

    /// The whole of what a host does when the descriptor is readable.
    pub(crate) fn turn(&mut self) {
        self.seen.wakes += 1;
        let pump = &mut *self.hosted.lend();
        let turn = pump.turn(Budget::no_wait()).expect("the system's wait works");
        let mut is_wasted = turn.taken_over == 0;
        while let Some(message) = pump.next_message() {
            is_wasted = false;
            match message.payload {
                Payload::Posted(number) => {
                    assert_eq!(number, self.seen.posts, "posts come in order");
                    self.seen.posts += 1;
                }
                Payload::Tick(_) => {
                    let timer = message.operation.expect("a tick is a timer's");
                    let deadline = self.deadlines.remove(&timer).expect("a timer ticks once");
                    let late = Instant::now().checked_duration_since(deadline).expect("a tick is never early");
                    self.late.push(late);
                    self.seen.ticks += 1;
                }
                Payload::Host(result) => {
                    result.expect("localhost has an address everywhere");
                    self.lookups -= 1;
                }
                other => panic!("unexpected {:?}", other.kind()),
            }
        }
        self.seen.wasted += usize::from(is_wasted);
    }

    pub(crate) fn has_all(&self) -> bool {
        let is_settled = self.deadlines.is_empty() && self.lookups == 0;
        let (posts, started) = match self.expected {
            Expected::Nothing => (0, 0),
            Expected::All => (POSTS, TIMERS),
        };
        is_settled && self.seen.posts == posts && self.started == started
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// The median and the 99th percentile of how late ticks were, in microseconds.
    pub(crate) fn lateness(&self) -> [f64; 2] {
        let mut late = self.late.clone();
        late.sort();
        [50, 99].map(|part| late.get((late.len().max(1) - 1) * part / 100).map_or(0.0, |late| late.as_secs_f64() * 1e6))
    }
}

impl AsFd for Guest {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.hosted.as_fd()
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (timers, lookups) = (self.deadlines.len(), self.lookups);
        write!(f, "{:?}, {timers} timers and {lookups} lookups under way, {:?}", self.seen, self.hosted)
    }
}

/// What several closures of one host share.
pub(crate) type Shared = Rc<RefCell<Guest>>;
