//! Loops with nothing to do: turns that do not wait, and sleep.
//!
//! The shape is how many quiet sockets and how many timers, a minute or more away, are waited for. Turns are measured
//! unless there is more than one timer: then the loop sleeps, and another thread watches how often it is woken.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use futures_lite::future::yield_now;
use msgpump::{Budget, Interest, Pump, Timer};

use crate::foreign::epoll::{Epoll, READABLE};
use crate::foreign::loop_in_c::{LIBEV, LIBEVENT, LIBUV, LoopInC};
use crate::foreign::{libevent, system};
use crate::scenario::{Column, Peer, Scenario, Unit, calls, column};
use crate::task::Task;

const COLUMNS_OF_TURNS: &[Column] = &[column("cpu", "a turn", Unit::Nanoseconds), calls("system calls")];

const fn turns(
    name: &'static str,
    title: &'static str,
    operations: [usize; 2],
    quiet_sockets: usize,
    far_timers: usize,
) -> Scenario {
    Scenario {
        name,
        title,
        peers: PEERS,
        columns: COLUMNS_OF_TURNS,
        operations,
        shape: [quiet_sockets, far_timers],
        ..Scenario::PLAIN
    }
}

pub const TURNS: &[Scenario] = &[
    turns("turn-nothing", "A turn that does not wait, with nothing registered", [500_000, 100_000], 0, 0),
    turns("turn-one", "A turn that does not wait, with one quiet socket", [500_000, 100_000], 1, 0),
    turns(
        "turn-sixteen",
        "A turn that does not wait, with 16 quiet sockets and a timer far away",
        [500_000, 100_000],
        16,
        1,
    ),
    turns("turn-thousand", "A turn that does not wait, with 1,000 quiet sockets", [20_000, 5_000], 1000, 0),
];

/// The scenario in which everybody sleeps.
pub const ASLEEP: &str = "idle";

pub const SLEEP: &[Scenario] = &[Scenario {
    name: ASLEEP,
    title: "Asleep, with 10 quiet sockets and 3 timers far away",
    peers: PEERS,
    columns: &[
        column("wakes", "woken", Unit::Number),
        column("cpu", "CPU", Unit::Nanoseconds),
        column("seconds", "seconds", Unit::Number),
    ],
    operations: [1, 1],
    shape: [10, 3],
    rounds_max: 1,
    is_counted: false,
    is_waiting: true,
    ..Scenario::PLAIN
}];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "turn(no_wait); asleep: get_message", with_pump),
    Peer::new("floor-epoll", "epoll_wait", with_epoll),
    Peer::new("mio", "Poll::poll", with_mio),
    Peer::new("calloop", "dispatch", with_calloop),
    Peer::new(
        "tokio",
        "yield_now in block_on, which asks the system with a timeout of zero; asleep: block_on",
        with_tokio,
    ),
    Peer::new(
        "smol",
        "yield_now under async_io::block_on, which asks the system sometimes; asleep: block_on",
        with_smol,
    ),
    Peer::new("glib", "iteration, which looks at every source", with_glib),
    Peer::new("libuv", "UV_RUN_NOWAIT; asleep: UV_RUN_ONCE", with_libuv),
    Peer::new("libevent", "EVLOOP_NONBLOCK, with nothing at all it returns early; asleep: EVLOOP_ONCE", with_libevent),
    Peer::new("libev", "EVRUN_NOWAIT; asleep: EVRUN_ONCE", with_libev),
];

/// What a scenario wants of a loop.
struct Quiet<'a> {
    task: &'a Task,
    pairs: Vec<(UnixStream, UnixStream)>,
    far_timers: usize,
}

/// The timers are this far away and more.
const FAR: Duration = Duration::from_secs(600);

impl<'a> Quiet<'a> {
    fn new(task: &'a Task) -> Quiet<'a> {
        let [sockets, far_timers] = task.shape;
        let pair = |_| {
            let pair = UnixStream::pair().expect("the limit on open files is high enough");
            pair.0.set_nonblocking(true).expect("the system does it");
            pair
        };
        Quiet { task, pairs: (0..sockets).map(pair).collect(), far_timers }
    }

    fn sleeps(&self) -> bool {
        self.far_timers > 1
    }

    fn sockets(&self) -> impl Iterator<Item = UnixStream> {
        self.pairs.iter().map(|pair| pair.0.try_clone().expect("the limit on open files is high enough"))
    }

    fn numbers(&self) -> Vec<i32> {
        self.pairs.iter().map(|pair| pair.0.as_raw_fd()).collect()
    }

    fn timers(&self) -> impl Iterator<Item = Duration> {
        (1..=self.far_timers as u32).map(|times| FAR * times)
    }

    /// Measures turns of a loop, or sleeps in it until the time is over and the program ends.
    fn run(self, mut turn: impl FnMut(), mut sleep: impl FnMut()) {
        if self.sleeps() {
            watch_from_another_thread(self.task.time);
            // Whoever returns is counted, and sleeps again.
            loop {
                sleep();
            }
        }
        turn();
        let operations = self.task.operations;
        let ((), spent) = self.task.measure(|| (0..operations).for_each(|_| turn()));
        self.task.report_cost(spent, operations);
    }
}

/// Reports what the other threads do within `time`, and ends the program.
fn watch_from_another_thread(time: Duration) {
    thread::spawn(move || {
        let me = system::thread_number();
        let others = || {
            let threads = system::threads().into_iter().filter(|&thread| thread != me);
            threads.fold((0, 0), |(cpu, wakes), thread| (cpu + system::cpu_of(thread), wakes + system::sleeps(thread)))
        };
        // Time for the loop to settle.
        thread::sleep(Duration::from_millis(500));
        let before = others();
        thread::sleep(time);
        let after = others();
        println!("wakes\t{}\ncpu\t{}\nseconds\t{}", after.1 - before.1, after.0 - before.0, time.as_secs_f64());
        std::process::exit(0);
    });
}

fn with_pump(task: &Task) {
    let quiet = Quiet::new(task);
    let pump = std::cell::RefCell::new(Pump::<()>::new().expect("there are descriptors left"));
    let window = pump.borrow().root_window();
    for socket in quiet.sockets() {
        let watched = pump.borrow_mut().watch_descriptor(window, OwnedFd::from(socket), Interest::READABLE);
        watched.expect("the window is open");
    }
    for delay in quiet.timers() {
        pump.borrow_mut().set_timer(window, Timer::once(delay)).expect("the window is open");
    }
    quiet.run(
        || _ = pump.borrow_mut().turn(Budget::no_wait()).expect("the wait works"),
        || _ = pump.borrow_mut().get_message().expect("the wait works"),
    );
}

fn with_epoll(task: &Task) {
    let quiet = Quiet::new(task);
    let epoll = std::cell::RefCell::new(Epoll::new());
    for pair in &quiet.pairs {
        epoll.borrow().add(&pair.0, READABLE, 0);
    }
    quiet.run(|| epoll.borrow_mut().wait(0).for_each(drop), || epoll.borrow_mut().wait(-1).for_each(drop));
}

fn with_mio(task: &Task) {
    let quiet = Quiet::new(task);
    let mut poll = mio::Poll::new().expect("there are descriptors left");
    for number in quiet.numbers() {
        let source = &mut mio::unix::SourceFd(&number);
        let registered = poll.registry().register(source, mio::Token(0), mio::Interest::READABLE);
        registered.expect("it is registered once");
    }
    let timeout = quiet.timers().next();
    let events = mio::Events::with_capacity(64);
    let both = std::cell::RefCell::new((&mut poll, events));
    let wait = |timeout| {
        let (poll, events) = &mut *both.borrow_mut();
        poll.poll(events, timeout).expect("the wait works");
    };
    quiet.run(|| wait(Some(Duration::ZERO)), || wait(timeout));
}

fn with_calloop(task: &Task) {
    use calloop::generic::Generic;
    use calloop::timer::{TimeoutAction, Timer};
    let quiet = Quiet::new(task);
    let event_loop = std::cell::RefCell::new(calloop::EventLoop::<()>::try_new().expect("there are descriptors left"));
    let handle = event_loop.borrow().handle();
    for socket in quiet.sockets() {
        let source = Generic::new(socket, calloop::Interest::READ, calloop::Mode::Level);
        handle.insert_source(source, |_, _, _| Ok(calloop::PostAction::Continue)).expect("there is room");
    }
    for delay in quiet.timers() {
        handle.insert_source(Timer::from_duration(delay), |_, _, _| TimeoutAction::Drop).expect("there is room");
    }
    let dispatch = |timeout| event_loop.borrow_mut().dispatch(timeout, &mut ()).expect("the wait works");
    quiet.run(|| dispatch(Some(Duration::ZERO)), || dispatch(None));
}

/// Waits for a socket that is quiet.
async fn read_on_tokio(socket: tokio::net::UnixStream) {
    socket.readable().await.expect("the wait works");
}

fn with_tokio(task: &Task) {
    let quiet = Quiet::new(task);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("there are descriptors left").block_on(async {
        for socket in quiet.sockets() {
            tokio::spawn(read_on_tokio(tokio::net::UnixStream::from_std(socket).expect("the system does it")));
        }
        quiet.timers().for_each(|delay| _ = tokio::spawn(tokio::time::sleep(delay)));
        for _ in 0..quiet.task.shape[0] + 10 {
            tokio::task::yield_now().await;
        }
        if quiet.sleeps() {
            watch_from_another_thread(task.time);
            return std::future::pending().await;
        }
        let stopwatch = task.start();
        for _ in 0..task.operations {
            tokio::task::yield_now().await;
        }
        task.report_cost(stopwatch.stop(), task.operations);
    });
}

fn with_smol(task: &Task) {
    let quiet = Quiet::new(task);
    let executor = async_executor::LocalExecutor::new();
    for socket in quiet.sockets() {
        let socket = async_io::Async::new(socket).expect("the system does it");
        executor.spawn(async move { socket.readable().await.expect("the wait works") }).detach();
    }
    for delay in quiet.timers() {
        executor.spawn(async move { _ = async_io::Timer::after(delay).await }).detach();
    }
    async_io::block_on(executor.run(async {
        for _ in 0..task.shape[0] + 10 {
            yield_now().await;
        }
        if quiet.sleeps() {
            watch_from_another_thread(task.time);
            return std::future::pending().await;
        }
        let stopwatch = task.start();
        for _ in 0..task.operations {
            yield_now().await;
        }
        task.report_cost(stopwatch.stop(), task.operations);
    }));
}

fn with_glib(task: &Task) {
    let context = glib::MainContext::new();
    let run = || {
        let quiet = Quiet::new(task);
        for number in quiet.numbers() {
            let go_on = |_, _| glib::ControlFlow::Continue;
            let source = glib_unix::fd_source_new(number, glib::IOCondition::IN, None, glib::Priority::DEFAULT, go_on);
            source.attach(Some(&context));
        }
        for delay in quiet.timers() {
            let source = glib::timeout_source_new(delay, None, glib::Priority::DEFAULT, || glib::ControlFlow::Break);
            source.attach(Some(&context));
        }
        quiet.run(|| _ = context.iteration(false), || _ = context.iteration(true));
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

extern "C" fn nothing(_: u64) {}

fn with_libuv(task: &Task) {
    with_loop_in_c(task, &LIBUV);
}

fn with_libevent(task: &Task) {
    libevent::open(false, false);
    with_loop_in_c(task, &LIBEVENT);
}

fn with_libev(task: &Task) {
    with_loop_in_c(task, &LIBEV);
}

fn with_loop_in_c(task: &Task, library: &LoopInC) {
    let quiet = Quiet::new(task);
    (library.watch)(&quiet.numbers(), nothing);
    let deadlines: Vec<_> = quiet.timers().map(|delay| delay.as_nanos() as u64).collect();
    (library.timers_make)(deadlines.len() as u64, nothing);
    (library.timers_start)(&deadlines, system::now());
    quiet.run(|| (library.turn)(), || (library.wait_turn)());
}
