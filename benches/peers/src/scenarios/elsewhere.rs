//! Messages from other threads.
//!
//! The shape is how many threads post, and how many messages each posts before it waits for their receipt.

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use msgpump::{Payload, Pump, Settings};

use crate::foreign::epoll::{EDGES, Epoll, READABLE};
use crate::foreign::{Words, libev, libevent, libuv, system};
use crate::received::{receive, received};
use crate::scenario::{Column, Peer, Scenario, Unit, calls, column};
use crate::task::{Spent, Task};

/// Posts never wait for their receipt.
const WITHOUT_PAUSE: usize = 0;

/// Each message is answered before the next, and each way wakes a thread that sleeps.
const PING_PONG: usize = 1;

const COLUMNS: &[Column] = &[
    column("wall", "time each", Unit::Nanoseconds),
    column("cpu", "CPU of all threads", Unit::Nanoseconds),
    column("sleeps", "sleeps of the loop", Unit::Number),
    calls("system calls each"),
    column("allocations", "allocations each", Unit::Number),
];

const fn posts(
    name: &'static str,
    title: &'static str,
    operations: [usize; 2],
    threads: usize,
    burst: usize,
) -> Scenario {
    Scenario { name, title, peers: PEERS, columns: COLUMNS, operations, shape: [threads, burst], ..Scenario::PLAIN }
}

pub const SCENARIOS: &[Scenario] = &[
    posts("flood-1", "Another thread posts without a pause", [1_000_000, 300_000], 1, WITHOUT_PAUSE),
    posts("flood-4", "Four threads post without a pause", [1_000_000, 300_000], 4, WITHOUT_PAUSE),
    posts("burst-100", "Another thread posts 100, and waits until all are there", [300_000, 100_000], 1, 100),
    posts("burst-10000", "Another thread posts 10,000, and waits until all are there", [500_000, 200_000], 1, 10_000),
    Scenario {
        name: "wake",
        title: "Another thread wakes the loop with one message, and is woken by its handler",
        peers: PEERS,
        columns: &[
            column("round trip p50", "round trip, median", Unit::Nanoseconds),
            column("round trip p99", "round trip, 99 %", Unit::Nanoseconds),
            calls("system calls each"),
        ],
        operations: [10_000, 5_000],
        shape: [1, PING_PONG],
        ..Scenario::PLAIN
    },
];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "Poster::post, get_message", with_pump),
    Peer::new("floor-eventfd", "a mutex and a queue, the counter written for every post, edge-triggered", eventfd),
    Peer::new("floor-eventfd-lazy", "the same, written only when the loop says that it will sleep", eventfd_lazy),
    Peer::new("std-mpsc", "blocking recv; it cannot wait for sockets", std_mpsc),
    Peer::new("crossbeam", "blocking recv, which spins before it sleeps; it cannot wait for sockets", crossbeam),
    Peer::new("mio", "a crossbeam queue, Waker::wake for every post", mio_waker),
    Peer::new("calloop", "channel source", calloop_channel),
    Peer::new("tokio", "unbounded channel, current thread, with I/O and time", tokio_mpsc),
    Peer::new("smol", "async-channel under async_io::block_on", smol_channel),
    Peer::new("glib", "MainContext::invoke: a boxed closure and a source for each", glib_invoke),
    Peer::new("libuv", "a mutex and a ring, uv_async_send", libuv_async),
    Peer::new("libevent", "a mutex and a ring, event_active", libevent_active),
    Peer::new("libev", "a mutex and a ring, ev_async_send", libev_async),
];

/// What the posting threads see of the other side.
#[derive(Default)]
struct Receipts {
    received: AtomicU64,
    poster: OnceLock<Thread>,
}

/// The measuring thread's side.
struct Receiver {
    total: u64,
    burst: u64,
    receipts: Arc<Receipts>,
    finished: Cell<u64>,
}

thread_local!(static RECEIVER: OnceCell<Receiver> = const { OnceCell::new() });

/// A message has arrived. Whether it was the last.
#[inline]
fn take(words: &Words) -> bool {
    receive(words);
    RECEIVER.with(|receiver| {
        let receiver = receiver.get().expect("it is set before anybody posts");
        let count = received();
        if receiver.burst != 0 && (count.is_multiple_of(receiver.burst) || count == receiver.total) {
            receiver.receipts.received.store(count, Ordering::Release);
            receiver.receipts.poster.get().expect("it has posted").unpark();
        }
        if count == receiver.total {
            receiver.finished.set(system::now());
        }
        count == receiver.total
    })
}

extern "C" fn take_in_c(words: &Words) -> i32 {
    i32::from(take(words))
}

fn are_all_there() -> bool {
    RECEIVER.with(|receiver| receiver.get().is_some_and(|receiver| receiver.total == received()))
}

/// What a posting thread has seen: when it began, and how long each round trip took.
struct Posted {
    began: u64,
    round_trips: Vec<u64>,
}

/// Posting threads, and the measurement that they are part of.
struct Posters<'a> {
    task: &'a Task,
    threads: Vec<JoinHandle<Posted>>,
    sleeps: u64,
    stopwatch: crate::task::Stopwatch<'a>,
}

impl<'a> Posters<'a> {
    /// Starts the threads, which wait a little until the loop has fallen asleep.
    fn start(task: &'a Task, post: impl FnMut(Words) + Clone + Send + 'static) -> Posters<'a> {
        let [threads, burst] = task.shape.map(|number| number as u64);
        let each = task.operations as u64 / threads;
        let receipts = Arc::new(Receipts::default());
        let receiver = Receiver { total: each * threads, burst, receipts: receipts.clone(), finished: Cell::default() };
        RECEIVER.with(|cell| assert!(cell.set(receiver).is_ok(), "once in a process"));
        task.count_threads_from_here();
        let sleeps = system::sleeps(system::thread_number());
        let start = || {
            let (receipts, post) = (receipts.clone(), post.clone());
            thread::spawn(move || post_all(each, burst, &receipts, post))
        };
        let threads = (0..threads).map(|_| start()).collect();
        Posters { task, threads, sleeps, stopwatch: task.start() }
    }

    /// All messages are there.
    fn report(self) {
        let spent: Spent = self.stopwatch.stop();
        let sleeps = system::sleeps(system::thread_number()) - self.sleeps;
        let posted: Vec<_> = self.threads.into_iter().map(|thread| thread.join().expect("it posts")).collect();
        let began = posted.iter().map(|posted| posted.began).min().expect("there is one");
        let (total, finished) = RECEIVER.with(|receiver| {
            let receiver = receiver.get().expect("it is set");
            (receiver.total, receiver.finished.get())
        });
        assert_eq!(received(), total);
        self.task.report_cost(spent.since(began, finished), total as usize);
        if !self.task.is_counting {
            self.task.report("sleeps", sleeps as f64);
            let mut round_trips: Vec<_> = posted.into_iter().flat_map(|posted| posted.round_trips).collect();
            if !round_trips.is_empty() {
                self.task.report_percentiles("round trip", &mut round_trips);
            }
        }
    }
}

fn post_all(count: u64, burst: u64, receipts: &Receipts, mut post: impl FnMut(Words)) -> Posted {
    // The one sleep of the harness that no condition ends: nothing tells that a loop of any kind sleeps.
    thread::sleep(Duration::from_millis(20));
    if burst != 0 {
        receipts.poster.set(thread::current()).expect("bursts come from one thread");
    }
    let mut posted = Posted { began: system::now(), round_trips: Vec::new() };
    let mut sent = 0;
    while sent < count {
        let began = system::now();
        for _ in 0..(if burst == 0 { count } else { burst.min(count - sent) }) {
            post(Words { count: sent, ..Words::default() });
            sent += 1;
        }
        if burst != 0 {
            while receipts.received.load(Ordering::Acquire) < sent {
                thread::park();
            }
            posted.round_trips.push(system::now() - began);
        }
    }
    posted
}

fn with_pump(task: &Task) {
    let settings = Settings::default().queue_capacity(task.operations);
    let mut pump = Pump::with_settings(settings).expect("there are descriptors left");
    let (window, poster) = (pump.open_window(), pump.poster());
    let posters = Posters::start(task, move |words| poster.post(window, words).expect("there is room"));
    loop {
        match pump.get_message().expect("the wait works").expect("nobody quits").payload {
            Payload::Posted(words) if take(&words) => break,
            _ => {}
        }
    }
    let bursts = task.operations.div_ceil(task.shape[1].max(1));
    posters.report();
    if !task.is_counting {
        task.report("wakes", pump.metrics().wakes as f64 / bursts as f64);
    }
}

fn eventfd(task: &Task) {
    queue_and_eventfd(task, false);
}

fn eventfd_lazy(task: &Task) {
    queue_and_eventfd(task, true);
}

/// The least that a loop needs which is told by other threads and waits for descriptors.
fn queue_and_eventfd(task: &Task, is_lazy: bool) {
    let shared = Arc::new((Mutex::new(Vec::new()), AtomicBool::new(false), system::event_counter()));
    let mut epoll = Epoll::new();
    epoll.add(&shared.2, READABLE | EDGES, 0);
    let poster = shared.clone();
    let posters = Posters::start(task, move |words| {
        let (queue, sleeps, counter) = &*poster;
        queue.lock().expect("nobody panics").push(words);
        if !is_lazy || (sleeps.load(Ordering::SeqCst) && sleeps.swap(false, Ordering::SeqCst)) {
            system::add_one(counter);
        }
    });
    let (queue, sleeps, _) = &*shared;
    let mut taken = Vec::new();
    while !are_all_there() {
        std::mem::swap(&mut *queue.lock().expect("nobody panics"), &mut taken);
        if taken.is_empty() {
            sleeps.store(true, Ordering::SeqCst);
            if queue.lock().expect("nobody panics").is_empty() {
                epoll.wait(-1).for_each(drop);
            }
            sleeps.store(false, Ordering::SeqCst);
        }
        taken.drain(..).for_each(|words| _ = take(&words));
    }
    posters.report();
}

fn std_mpsc(task: &Task) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let posters = Posters::start(task, move |words| sender.send(words).expect("its receiver is there"));
    while !take(&receiver.recv().expect("somebody posts")) {}
    posters.report();
}

fn crossbeam(task: &Task) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let posters = Posters::start(task, move |words| sender.send(words).expect("its receiver is there"));
    while !take(&receiver.recv().expect("somebody posts")) {}
    posters.report();
}

fn mio_waker(task: &Task) {
    let mut poll = mio::Poll::new().expect("there are descriptors left");
    let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).expect("there are descriptors left"));
    let (sender, receiver) = crossbeam_channel::unbounded();
    // Kept here, too: a waker that is dropped right after its last wake can lose it.
    let kept = waker.clone();
    let posters = Posters::start(task, move |words| {
        sender.send(words).expect("its receiver is there");
        waker.wake().expect("the poll is there");
    });
    let mut events = mio::Events::with_capacity(64);
    while !are_all_there() {
        poll.poll(&mut events, None).expect("the wait works");
        receiver.try_iter().for_each(|words| _ = take(&words));
    }
    posters.report();
    drop(kept);
}

fn calloop_channel(task: &Task) {
    let mut event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    let (sender, channel) = calloop::channel::channel();
    let take = |event, _: &mut (), _: &mut ()| {
        if let calloop::channel::Event::Msg(words) = event {
            take(&words);
        }
    };
    event_loop.handle().insert_source(channel, take).expect("there is room");
    let posters = Posters::start(task, move |words| sender.send(words).expect("its loop is there"));
    while !are_all_there() {
        event_loop.dispatch(None, &mut ()).expect("the wait works");
    }
    posters.report();
}

fn tokio_mpsc(task: &Task) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let posters = Posters::start(task, move |words| sender.send(words).expect("its receiver is there"));
    runtime
        .expect("there are descriptors left")
        .block_on(async { while !take(&receiver.recv().await.expect("somebody posts")) {} });
    posters.report();
}

fn smol_channel(task: &Task) {
    let (sender, receiver) = async_channel::unbounded();
    let posters = Posters::start(task, move |words| sender.try_send(words).expect("its receiver is there"));
    async_io::block_on(async { while !take(&receiver.recv().await.expect("somebody posts")) {} });
    posters.report();
}

fn glib_invoke(task: &Task) {
    let context = glib::MainContext::new();
    let run = || {
        let invoker = context.clone();
        let posters = Posters::start(task, move |words| invoker.invoke(move || _ = take(&words)));
        while !are_all_there() {
            context.iteration(true);
        }
        posters.report();
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

fn libuv_async(task: &Task) {
    libuv::inbox_open(take_in_c);
    let posters = Posters::start(task, |words| libuv::inbox_post(&words));
    libuv::run();
    posters.report();
}

fn libevent_active(task: &Task) {
    libevent::open(false, true);
    libevent::inbox_open(take_in_c);
    let posters = Posters::start(task, |words| libevent::inbox_post(&words));
    libevent::run();
    posters.report();
}

fn libev_async(task: &Task) {
    libev::inbox_open(take_in_c);
    let posters = Posters::start(task, |words| libev::inbox_post(&words));
    libev::run();
    posters.report();
}
