//! Messages posted and delivered on one thread, some at a time.
//!
//! The shape is how many are posted before they are delivered. Three classes are comparable in themselves only:
//! *memory* is a queue and no loop, *executor* a loop that does not ask the system each time, *loop* one that does.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use futures_lite::future::yield_now;
use msgpump::{Budget, Dispatcher, Payload, Pump, Settings};

use crate::foreign::{Words, libev, libevent, libuv};
use crate::received::{assert_all_received, receive, receive_in_c, received, words};
use crate::scenario::{Column, Peer, Scenario, Unit, calls, column};
use crate::task::Task;

const COLUMNS: &[Column] = &[
    column("cpu", "time each", Unit::Nanoseconds),
    calls("system calls each"),
    column("allocations", "allocations each", Unit::Number),
];

const fn posts(name: &'static str, title: &'static str, operations: [usize; 2], depth: usize) -> Scenario {
    Scenario { name, title, peers: PEERS, columns: COLUMNS, operations, shape: [depth, 0], ..Scenario::PLAIN }
}

pub const SCENARIOS: &[Scenario] = &[
    posts("post-1", "Post a message to oneself and have it delivered, one at a time", [500_000, 100_000], 1),
    posts("post-1000", "Post messages to oneself and have them delivered, 1,000 at a time", [500_000, 200_000], 1000),
    posts(
        "post-10000",
        "Post messages to oneself and have them delivered, 10,000 at a time",
        [1_000_000, 200_000],
        10_000,
    ),
    posts(
        "post-100000",
        "Post messages to oneself and have them delivered, 100,000 at a time",
        [1_000_000, 200_000],
        100_000,
    ),
];

const PEERS: &[Peer] = &[
    Peer::new(
        "msgpump",
        "get_message: takes what waits, and asks the system after each 64th message",
        with_get_message,
    ),
    Peer::new(
        "msgpump-turns",
        "a turn, and next_message while any waits: the system is asked where a descriptor is watched",
        with_turns,
    ),
    Peer::new("msgpump-dispatcher", "each message to the procedure of its window", with_dispatcher),
    Peer::new("floor-vecdeque", "memory: a queue and a table of boxed handlers, owned by one", vec_deque),
    Peer::new(
        "floor-vecdeque-rc",
        "memory: the same shared, the handler taken out while it runs, as a re-entrant pump needs it",
        vec_deque_rc,
    ),
    Peer::new("crossbeam", "memory: unbounded channel, send and try_recv", crossbeam),
    Peer::new("std-mpsc", "memory: the same with std::sync::mpsc", std_mpsc),
    Peer::new("calloop-channel", "loop: channel source and dispatch(0)", calloop_channel),
    Peer::new("calloop-idle", "loop: insert_idle (a boxed closure) and dispatch(0)", calloop_idle),
    Peer::new("tokio-mpsc", "executor: two tasks and an unbounded channel", tokio_mpsc),
    Peer::new("tokio-spawn", "executor: a task for each message", tokio_spawn),
    Peer::new("smol-channel", "executor: channel and tick; the system is never asked", smol_channel),
    Peer::new("smol-spawn", "executor: a task for each message; the system is never asked", smol_spawn),
    Peer::new("glib-idle", "loop: a source for each message and one iteration", glib_idle),
    Peer::new("libuv-async", "loop: a handle carries one bit, so the words lie in a ring of the harness", libuv_async),
    Peer::new("libevent-active", "loop: event_active of an event for each that waits", libevent_active),
    Peer::new("libev-feed", "loop: ev_feed_event of a watcher for each that waits", libev_feed),
];

/// Posts as many as are to wait, and calls `deliver` until they have arrived; again and again.
fn drive(task: &Task, mut post: impl FnMut(Words), mut deliver: impl FnMut()) {
    let (depth, total) = rounded(task);
    let stopwatch = task.start();
    let mut sent = 0;
    while sent < total {
        for _ in 0..depth {
            post(words(sent));
            sent += 1;
        }
        while received() < sent {
            deliver();
        }
    }
    finish(task, stopwatch.stop(), total);
}

/// How many at a time, and how many in all: a multiple of it.
fn rounded(task: &Task) -> (u64, u64) {
    let depth = task.shape[0];
    (depth as u64, (task.operations / depth).max(1) as u64 * depth as u64)
}

fn finish(task: &Task, spent: crate::task::Spent, total: u64) {
    task.report_cost(spent, total as usize);
    assert_all_received(total);
}

fn with_get_message(task: &Task) {
    let pump = RefCell::new(roomy_pump());
    let window = pump.borrow_mut().open_window();
    drive(
        task,
        |words| pump.borrow_mut().post(window, words).expect("there is room"),
        || {
            let message = pump.borrow_mut().get_message().expect("the wait works").expect("nobody quits");
            take(&message.payload);
        },
    );
}

fn with_turns(task: &Task) {
    let pump = RefCell::new(roomy_pump());
    let window = pump.borrow_mut().open_window();
    drive(
        task,
        |words| pump.borrow_mut().post(window, words).expect("there is room"),
        || {
            let mut pump = pump.borrow_mut();
            let _ = pump.turn(Budget::no_wait()).expect("the system's wait works");
            while let Some(message) = pump.next_message() {
                take(&message.payload);
            }
        },
    );
}

fn with_dispatcher(task: &Task) {
    let settings = Settings::default().queue_capacity(ROOM);
    let pump = Pump::with_settings(settings).expect("there are descriptors left");
    let mut dispatcher = Dispatcher::<Words, ()>::new(pump);
    let window = dispatcher.open_window(|_, _, message| take(&message.payload));
    let dispatcher = RefCell::new(dispatcher);
    drive(
        task,
        |words| dispatcher.borrow_mut().pump().post(window, words).expect("there is room"),
        || {
            dispatcher.borrow_mut().dispatch_pending(&mut (), Budget::no_wait()).expect("the system's wait works");
        },
    );
}

/// More than any scenario posts at a time.
const ROOM: usize = 200_000;

fn roomy_pump() -> Pump<Words> {
    Pump::with_settings(Settings::default().queue_capacity(ROOM)).expect("there are descriptors left")
}

fn take(payload: &Payload<Words>) {
    match payload {
        Payload::Posted(words) => receive(words),
        other => panic!("{other:?}"),
    }
}

type Handler = Box<dyn FnMut(&Words)>;

fn vec_deque(task: &Task) {
    let queue = RefCell::new(VecDeque::<Words>::new());
    let mut windows: Vec<Option<Handler>> = vec![None, Some(Box::new(receive))];
    drive(
        task,
        |words| queue.borrow_mut().push_back(words),
        || {
            loop {
                let Some(words) = queue.borrow_mut().pop_front() else { break };
                if let Some(Some(handler)) = windows.get_mut(words.target as usize) {
                    handler(&words);
                }
            }
        },
    );
}

fn vec_deque_rc(task: &Task) {
    struct Shared {
        queue: RefCell<VecDeque<Words>>,
        windows: RefCell<Vec<Option<Handler>>>,
    }
    let windows: Vec<Option<Handler>> = vec![None, Some(Box::new(receive))];
    let shared = Rc::new(Shared { queue: RefCell::default(), windows: RefCell::new(windows) });
    let (poster, taker) = (shared.clone(), black_box(shared));
    drive(
        task,
        move |words| poster.queue.borrow_mut().push_back(words),
        move || {
            loop {
                let Some(words) = taker.queue.borrow_mut().pop_front() else { break };
                let taken = taker.windows.borrow_mut().get_mut(words.target as usize).and_then(Option::take);
                let Some(mut handler) = taken else { continue };
                handler(&words);
                taker.windows.borrow_mut()[words.target as usize] = Some(handler);
            }
        },
    );
}

fn crossbeam(task: &Task) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    drive(
        task,
        |words| sender.send(words).expect("its receiver is there"),
        || receiver.try_iter().for_each(|words| receive(&words)),
    );
}

fn std_mpsc(task: &Task) {
    let (sender, receiver) = std::sync::mpsc::channel();
    drive(
        task,
        |words| sender.send(words).expect("its receiver is there"),
        || receiver.try_iter().for_each(|words| receive(&words)),
    );
}

fn calloop_channel(task: &Task) {
    let mut event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    let (sender, channel) = calloop::channel::channel();
    let take = |event, _: &mut (), _: &mut ()| {
        if let calloop::channel::Event::Msg(words) = event {
            receive(&words);
        }
    };
    event_loop.handle().insert_source(channel, take).expect("there is room");
    drive(
        task,
        |words| sender.send(words).expect("its loop is there"),
        || event_loop.dispatch(Some(Duration::ZERO), &mut ()).expect("the wait works"),
    );
}

fn calloop_idle(task: &Task) {
    let mut event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    let handle = event_loop.handle();
    drive(
        task,
        |words| _ = handle.insert_idle(move |_: &mut ()| receive(&words)),
        || event_loop.dispatch(Some(Duration::ZERO), &mut ()).expect("the wait works"),
    );
}

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there are descriptors left")
}

/// As [`drive`], as a task among those that deliver.
async fn produce(depth: u64, total: u64, send: impl Fn(Words)) {
    let mut sent = 0;
    while sent < total {
        for _ in 0..depth {
            send(words(sent));
            sent += 1;
        }
        while received() < sent {
            yield_now().await;
        }
    }
}

fn tokio_mpsc(task: &Task) {
    let (depth, total) = rounded(task);
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let spent = tokio_runtime().block_on(async {
        tokio::spawn(async move {
            while let Some(words) = receiver.recv().await {
                receive(&words);
            }
        });
        let stopwatch = task.start();
        let send = move |words| sender.send(words).expect("its receiver is there");
        tokio::spawn(produce(depth, total, send)).await.expect("it does not panic");
        stopwatch.stop()
    });
    finish(task, spent, total);
}

fn tokio_spawn(task: &Task) {
    let (depth, total) = rounded(task);
    let spent = tokio_runtime().block_on(async {
        let stopwatch = task.start();
        let send = |words| _ = tokio::spawn(async move { receive(&words) });
        tokio::spawn(produce(depth, total, send)).await.expect("it does not panic");
        stopwatch.stop()
    });
    finish(task, spent, total);
}

fn smol_channel(task: &Task) {
    let executor = async_executor::LocalExecutor::new();
    let (sender, receiver) = async_channel::unbounded();
    let take = async move {
        while let Ok(words) = receiver.recv().await {
            receive(&words);
        }
    };
    executor.spawn(take).detach();
    while executor.try_tick() {}
    drive(task, |words| sender.try_send(words).expect("its receiver is there"), || _ = executor.try_tick());
}

fn smol_spawn(task: &Task) {
    let executor = async_executor::LocalExecutor::new();
    drive(task, |words| executor.spawn(async move { receive(&words) }).detach(), || while executor.try_tick() {});
}

fn glib_idle(task: &Task) {
    let context = glib::MainContext::new();
    let post = |words: Words| {
        let deliver = move || {
            receive(&words);
            glib::ControlFlow::Break
        };
        glib::idle_source_new(None, glib::Priority::DEFAULT, deliver).attach(Some(&context));
    };
    let drive = || drive(task, post, || _ = context.iteration(false));
    context.with_thread_default(drive).expect("it is nobody else's");
}

fn libuv_async(task: &Task) {
    libuv::post_open(receive_in_c);
    drive(task, |words| libuv::post(&words), || libuv::turn());
}

fn libevent_active(task: &Task) {
    let depth = task.shape[0] as u64;
    libevent::open(false, false);
    libevent::post_open(depth, receive_in_c);
    drive(task, |words| libevent::post(words.count % depth, &words), || libevent::turn());
}

fn libev_feed(task: &Task) {
    let depth = task.shape[0] as u64;
    libev::post_open(depth, receive_in_c);
    drive(task, |words| libev::post(words.count % depth, &words), || libev::turn());
}
