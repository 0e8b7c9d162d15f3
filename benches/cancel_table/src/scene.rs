//! One cell as it is played in Rust: who cancels when, and what is counted. `c/cell.h` is the same for C.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::table::{Kind, Line, Seen, State};

/// How long a loop goes on after the cancel, in which nothing or something is seen.
pub const SETTLE: Duration = Duration::from_millis(60);

/// How often a loop goes on so until what nobody cancelled is seen.
const TRIES_MAX: u32 = 100;

pub const TIMER: Duration = Duration::from_millis(20);

/// Whether nothing is to be cancelled, so that everything has to be seen.
static IS_CONTROL: AtomicBool = AtomicBool::new(false);

pub fn play_control() {
    IS_CONTROL.store(true, SeqCst);
}

pub fn is_control() -> bool {
    IS_CONTROL.load(SeqCst)
}

const BEFORE: u8 = 0;
const IN_THE_CALL: u8 = 1;
const AFTER: u8 = 2;

/// The state that one cell is about, and what was seen from the cancel on.
pub struct Scene {
    pub state: State,
    phase: AtomicU8,
    target: AtomicUsize,
    results: AtomicU32,
    cancelled: AtomicU32,
    inside: AtomicU32,
    answer: Mutex<Option<String>>,
    asks_on: Mutex<bool>,
    tries: AtomicU32,
}

/// What the handler of an item is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// Cancel this one.
    Cancel(usize),
    /// Go on.
    Nothing,
}

impl Scene {
    pub fn new(state: State) -> Arc<Scene> {
        Arc::new(Scene {
            state,
            phase: AtomicU8::new(BEFORE),
            target: AtomicUsize::new(usize::MAX),
            results: AtomicU32::new(0),
            cancelled: AtomicU32::new(0),
            inside: AtomicU32::new(0),
            answer: Mutex::default(),
            asks_on: Mutex::default(),
            tries: AtomicU32::new(0),
        })
    }

    /// Items 0 and 1 where one cancels the other, else item 0 alone.
    pub fn items(&self) -> std::ops::Range<usize> {
        0..if self.state == State::Next { 2 } else { 1 }
    }

    /// Cancels `item` by `call`, which says nothing.
    pub fn cancel(&self, item: usize, call: impl FnOnce()) {
        assert_eq!(self.phase.swap(IN_THE_CALL, SeqCst), BEFORE, "one cancel a cell");
        self.target.store(item, SeqCst);
        if !is_control() {
            call();
        }
        self.phase.store(AFTER, SeqCst);
    }

    /// Cancels `item` by `call`, and notes what it says.
    pub fn cancel_saying(&self, item: usize, call: impl FnOnce() -> String) {
        self.cancel(item, || *self.answer.lock().expect("nobody panics with it") = Some(call()));
    }

    /// The handler of `item` was called with a result.
    pub fn result(&self, item: usize) -> Cue {
        self.handled(item, &self.results)
    }

    /// The handler of `item` was told that it is cancelled.
    pub fn told_cancelled(&self, item: usize) {
        self.handled(item, &self.cancelled);
    }

    fn handled(&self, item: usize, count: &AtomicU32) -> Cue {
        let phase = self.phase.load(SeqCst);
        match (phase, self.state) {
            (BEFORE, State::Next) => return Cue::Cancel(1 - item),
            (BEFORE, State::Inside) => return Cue::Cancel(item),
            (BEFORE, state) => panic!("{state:?}: its handler ran before it could be cancelled"),
            _ if item == self.target.load(SeqCst) => {
                count.fetch_add(1, SeqCst);
                if phase == IN_THE_CALL {
                    self.inside.fetch_add(1, SeqCst);
                }
            }
            _ => {}
        }
        Cue::Nothing
    }

    /// Whether the cell is played: in the state "next" and "inside" a handler has to have come to its cancel.
    pub fn is_cancelled(&self) -> bool {
        self.phase.load(SeqCst) == AFTER
    }

    /// Whether a loop is to go on: something that nobody cancelled has not come yet.
    pub fn is_awaited(&self) -> bool {
        is_control() && self.results.load(SeqCst) == 0 && self.tries.fetch_add(1, SeqCst) < TRIES_MAX
    }

    pub fn note_asking(&self) {
        *self.asks_on.lock().expect("nobody panics with it") = crate::name_server::asking() > 0;
    }

    pub fn seen(&self) -> Seen {
        assert!(self.is_cancelled(), "the state {:?} was not reached", self.state);
        Seen {
            answer: self.answer.lock().expect("nobody panics with it").clone(),
            results: self.results.load(SeqCst),
            cancelled: self.cancelled.load(SeqCst),
            inside: self.inside.load(SeqCst),
            asks_on: *self.asks_on.lock().expect("nobody panics with it"),
        }
    }
}

/// Plays a row: each of `states` by `play`. Prints it.
pub fn row(kind: Kind, way: &str, source: &str, states: &[State], mut play: impl FnMut(State) -> Seen) {
    let cells: Vec<(State, Seen)> = states.iter().map(|&state| (state, play(state))).collect();
    for (state, seen) in &cells {
        assert!(!is_control() || seen.results > 0, "{kind:?} by {way}, {state:?}: without the cancel nothing is seen");
    }
    println!("{}", Line(kind, way, source, &cells));
}

/// Prints that there is nothing to play, and why.
pub fn absent(kind: Kind, why: &str) {
    println!("{}", Line(kind, why, "", &[]));
}

/// Passes the time of a timer while no loop turns.
pub fn pass_time_of_timers(state: State) {
    if matches!(state, State::Finished | State::Next) {
        let until = Instant::now() + 2 * TIMER;
        while Instant::now() < until {
            thread::yield_now();
        }
    }
}

/// Holds the only thread of a pool until it is dropped.
pub struct Barrier {
    _go_on: mpsc::Sender<()>,
}

impl Barrier {
    /// Returns when everything that was queued before has run. `queue` hands work to the pool.
    pub fn put(queue: impl FnOnce(Box<dyn FnOnce() + Send>)) -> Barrier {
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        queue(Box::new(move || {
            begun.send(()).expect("somebody waits");
            // Ends when the other end is dropped.
            may_go_on.recv().unwrap_or_default();
        }));
        has_begun.recv().expect("it begins");
        Barrier { _go_on: go_on }
    }
}

/// A socket that is readable, or will be when its other end is written to.
pub fn socket(state: State) -> (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream) {
    use std::io::Write;
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().expect("there are descriptors left");
    ours.set_nonblocking(true).expect("it is a socket");
    if state != State::UnderWay {
        theirs.write_all(b"x").expect("there is room");
    }
    (ours, theirs)
}

/// Two names that nobody asked for before.
pub fn names() -> [String; 2] {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    [(); 2].map(|()| format!("n{}.table.test", NEXT.fetch_add(1, SeqCst)))
}
