//! Many socket pairs of which some become readable: the shape that libevent's own bench made customary.
//!
//! The shape is how many pairs there are and how many become readable at a time. An event is one byte written, told,
//! and read.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use msgpump::{Budget, Descriptor, Interest, Payload, Pump, WatchId};

use crate::foreign::epoll::{Epoll, READABLE};
use crate::foreign::{libev, libevent, libuv};
use crate::scenario::{Column, Peer, Scenario, Unit, calls, column};
use crate::task::Task;

const COLUMNS: &[Column] = &[column("cpu", "an event", Unit::Nanoseconds), calls("system calls an event")];

const fn ready(name: &'static str, title: &'static str, pairs: usize, active: usize) -> Scenario {
    Scenario {
        name,
        title,
        peers: PEERS,
        columns: COLUMNS,
        operations: [20_000, 5_000],
        shape: [pairs, active],
        rounds_max: 3,
        ..Scenario::PLAIN
    }
}

pub const SCENARIOS: &[Scenario] = &[
    ready("ready-100-1", "Of 100 socket pairs 1 becomes readable at a time", 100, 1),
    ready("ready-1000-10", "Of 1,000 socket pairs 10 become readable at a time", 1000, 10),
    ready("ready-4000-100", "Of 4,000 socket pairs 100 become readable at a time", 4000, 100),
];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "watch_descriptor, rearm", with_pump),
    Peer::new("floor-epoll", "level-triggered", with_epoll),
    Peer::new("mio", "edge-triggered; read once, a byte is all there is", with_mio),
    Peer::new("calloop", "Generic, level-triggered", with_calloop),
    Peer::new("tokio", "a local task for each pair", with_tokio),
    Peer::new("smol", "a local task for each pair", with_smol),
    Peer::new("glib", "a source for each pair", with_glib),
    Peer::new("libuv", "uv_poll", with_libuv),
    Peer::new("libevent", "a persistent event for each pair", with_libevent),
    Peer::new("libev", "ev_io", with_libev),
];

thread_local! {
    static NEAR: RefCell<Vec<UnixStream>> = const { RefCell::new(Vec::new()) };
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// Pair `number` is readable: reads its byte.
fn read(number: usize) {
    NEAR.with_borrow(|near| {
        assert_eq!((&near[number]).read(&mut [0; 16]).expect("a byte is there"), 1);
    });
    READ.set(READ.get() + 1);
}

extern "C" fn read_in_c(number: u64) {
    read(number as usize);
}

/// The far ends. The near ends are where [`read`] finds them.
struct Pairs(Vec<UnixStream>);

impl Pairs {
    fn new(task: &Task) -> Pairs {
        let pair = |_| {
            let (near, far) = UnixStream::pair().expect("the limit on open files is high enough");
            near.set_nonblocking(true).expect("the system does it");
            (near, far)
        };
        let (near, far) = (0..task.shape[0]).map(pair).unzip();
        NEAR.set(near);
        Pairs(far)
    }

    fn numbers(&self) -> Vec<i32> {
        NEAR.with_borrow(|near| near.iter().map(AsRawFd::as_raw_fd).collect())
    }

    /// A second descriptor of each near end, for who wants to own what it watches.
    fn sockets(&self) -> Vec<UnixStream> {
        let copy = |near: &UnixStream| near.try_clone().expect("the limit on open files is high enough");
        NEAR.with_borrow(|near| near.iter().map(copy).collect())
    }

    /// Makes some readable, spread over all, others each time.
    fn make_readable(&self, active: usize, round: usize) {
        let stride = self.0.len() / active;
        for index in 0..active {
            let number = index * stride + round % stride;
            (&self.0[number]).write_all(b"x").expect("there is room");
        }
    }

    /// Measures: again and again makes some readable, and calls `turn` until all are read.
    fn measure(&self, task: &Task, mut turn: impl FnMut()) {
        let active = task.shape[1];
        let rounds = task.operations / active;
        let mut round = |number| {
            self.make_readable(active, number);
            let wanted = READ.get() + active;
            while READ.get() < wanted {
                turn();
            }
        };
        round(0);
        let ((), spent) = task.measure(|| (0..rounds).for_each(round));
        task.report_cost(spent, rounds * active);
    }
}

fn with_pump(task: &Task) {
    let pairs = Pairs::new(task);
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let watches: Vec<WatchId<Descriptor>> = pairs
        .sockets()
        .into_iter()
        .map(|socket| {
            pump.watch_descriptor(window, std::os::fd::OwnedFd::from(socket), Interest::READABLE)
                .expect("the window is open")
        })
        .collect();
    let numbers: std::collections::HashMap<_, _> =
        watches.iter().enumerate().map(|(n, watch)| (watch.id(), n)).collect();
    pairs.measure(task, || {
        let _ = pump.turn(Budget::wait_forever()).expect("the wait works");
        while let Some(message) = pump.next_message() {
            assert!(matches!(message.payload, Payload::Ready(_)));
            let number = numbers[&message.operation.expect("it is of a watch")];
            read(number);
            pump.rearm(watches[number], Interest::READABLE).expect("it is watched");
        }
    });
}

fn with_epoll(task: &Task) {
    let pairs = Pairs::new(task);
    let mut epoll = Epoll::new();
    for (number, socket) in pairs.numbers().into_iter().enumerate() {
        epoll.add_number(socket, READABLE, number as u64);
    }
    pairs.measure(task, || epoll.wait(-1).for_each(|ready| read(ready.number as usize)));
}

fn with_mio(task: &Task) {
    let pairs = Pairs::new(task);
    let mut poll = mio::Poll::new().expect("there are descriptors left");
    for (number, socket) in pairs.numbers().iter().enumerate() {
        let source = &mut mio::unix::SourceFd(socket);
        let registered = poll.registry().register(source, mio::Token(number), mio::Interest::READABLE);
        registered.expect("it is registered once");
    }
    let mut events = mio::Events::with_capacity(256);
    pairs.measure(task, || {
        poll.poll(&mut events, None).expect("the wait works");
        events.iter().for_each(|event| read(event.token().0));
    });
}

fn with_calloop(task: &Task) {
    use calloop::generic::Generic;
    let pairs = Pairs::new(task);
    let mut event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    for (number, socket) in pairs.sockets().into_iter().enumerate() {
        let source = Generic::new(socket, calloop::Interest::READ, calloop::Mode::Level);
        let take = move |_, _: &mut calloop::generic::NoIoDrop<UnixStream>, _: &mut ()| {
            read(number);
            Ok(calloop::PostAction::Continue)
        };
        event_loop.handle().insert_source(source, take).expect("there is room");
    }
    pairs.measure(task, || event_loop.dispatch(None, &mut ()).expect("the wait works"));
}

fn with_tokio(task: &Task) {
    let pairs = Pairs::new(task);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("there are descriptors left");
    let set = tokio::task::LocalSet::new();
    runtime.block_on(set.run_until(async {
        let woken = Rc::new(tokio::sync::Notify::new());
        for (number, socket) in pairs.sockets().into_iter().enumerate() {
            let woken = woken.clone();
            tokio::task::spawn_local(async move {
                let socket = tokio::net::UnixStream::from_std(socket).expect("the system does it");
                loop {
                    socket.readable().await.expect("the wait works");
                    let taken = socket.try_io(tokio::io::Interest::READABLE, || {
                        read(number);
                        // Nothing is left, which the runtime wants to be told.
                        Err::<(), _>(std::io::ErrorKind::WouldBlock.into())
                    });
                    assert!(taken.is_err());
                    woken.notify_one();
                }
            });
        }
        for _ in 0..20 + task.shape[0] / 10 {
            tokio::task::yield_now().await;
        }
        let active = task.shape[1];
        let rounds = task.operations / active;
        let stopwatch = task.start();
        for round in 0..rounds {
            pairs.make_readable(active, round);
            let wanted = (round + 1) * active;
            while READ.get() < wanted {
                woken.notified().await;
            }
        }
        task.report_cost(stopwatch.stop(), rounds * active);
    }));
}

fn with_smol(task: &Task) {
    let pairs = Pairs::new(task);
    let executor = async_executor::LocalExecutor::new();
    for (number, socket) in pairs.sockets().into_iter().enumerate() {
        let socket = async_io::Async::new(socket).expect("the system does it");
        let serve = async move {
            loop {
                socket.readable().await.expect("the wait works");
                read(number);
            }
        };
        executor.spawn(serve).detach();
    }
    while executor.try_tick() {}
    pairs.measure(task, || {
        // One wait; what it wakes is run below.
        async_io::block_on(async {
            executor.tick().await;
        });
        while executor.try_tick() {}
    });
}

fn with_glib(task: &Task) {
    let context = glib::MainContext::new();
    let run = || {
        let pairs = Pairs::new(task);
        for (number, socket) in pairs.numbers().into_iter().enumerate() {
            let take = move |_, _| {
                read(number);
                glib::ControlFlow::Continue
            };
            let readable = glib::IOCondition::IN;
            glib_unix::fd_source_new(socket, readable, None, glib::Priority::DEFAULT, take).attach(Some(&context));
        }
        pairs.measure(task, || _ = context.iteration(true));
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

fn with_libuv(task: &Task) {
    let pairs = Pairs::new(task);
    libuv::watch(&pairs.numbers(), read_in_c);
    pairs.measure(task, || libuv::wait_turn());
}

fn with_libevent(task: &Task) {
    let pairs = Pairs::new(task);
    libevent::open(false, false);
    libevent::watch(&pairs.numbers(), read_in_c);
    pairs.measure(task, || libevent::wait_turn());
}

fn with_libev(task: &Task) {
    let pairs = Pairs::new(task);
    libev::watch(&pairs.numbers(), read_in_c);
    pairs.measure(task, || libev::wait_turn());
}
