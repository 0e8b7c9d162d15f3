//! What is allocated for each thing that is held, by whoever allocates it: the peer, its libraries, or the caller
//! where a peer wants the caller's memory.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use msgpump::{Interest, Pump, Settings, Timer};

use crate::foreign::loop_in_c::{LIBEV, LIBEVENT, LIBUV, LoopInC};
use crate::foreign::{Words, allocations, libev, libevent, libuv, system};
use crate::name_server;
use crate::received::{receive_in_c, words};
use crate::resolvers::{Asking, Cares, Evdns, Hickory, PumpResolver, Resolver, Wanted, settle};
use crate::scenario::{Peer, Scenario, Server, Unit, column};
use crate::task::Task;

pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "memory",
    title: "Memory: allocated for each, by whatever allocates it",
    peers: PEERS,
    columns: &[
        column("message", "queued message of 32 bytes", Unit::Bytes),
        column("timer", "timer", Unit::Bytes),
        column("socket", "watched socket", Unit::Bytes),
        column("lookup", "lookup under way", Unit::Bytes),
    ],
    // Less than the powers of two at which tables grow: little of what is counted is room for more.
    operations: [65_000, 16_000],
    rounds_max: 1,
    server: Server::Dead,
    is_counted: false,
    ..Scenario::PLAIN
}];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "", with_pump),
    Peer::new("calloop", "idle callbacks, 4,000 timers, Generic", with_calloop),
    Peer::new("tokio", "unbounded channel, boxed Sleep, a task that waits for a socket", with_tokio),
    Peer::new("smol", "unbounded channel, Timer, a task that waits for a socket", with_smol),
    Peer::new("glib", "sources", with_glib),
    Peer::new("libuv", "a ring of the harness, uv_timer, uv_poll", with_libuv),
    Peer::new("libevent", "an event each; evdns", with_libevent),
    Peer::new("libev", "a watcher each", with_libev),
    Peer::new("c-ares", "", |task| hold_lookups::<Cares>(task, Cares::open)),
    Peer::new("hickory", "with the task that waits for it", |task| hold_lookups::<Hickory>(task, Hickory::open)),
];

/// How many sockets and lookups are held.
const SOCKETS: usize = 2000;

/// Reports the bytes that `make` leaves allocated, for each of `count`. What it gives is held meanwhile.
fn hold<H>(task: &Task, metric: &str, count: usize, make: impl FnOnce() -> H) {
    allocations::count();
    let before = allocations::bytes();
    let held = make();
    task.report(metric, (allocations::bytes() - before) as f64 / count as f64);
    // Giving things back is nothing that is measured here.
    std::mem::forget(held);
}

fn far(number: usize) -> Duration {
    Duration::from_secs(600) + Duration::from_millis(number as u64)
}

fn hold_lookups<R: Resolver>(task: &Task, open: impl FnOnce(Asking) -> R) {
    let mut resolver = open(Asking {
        server: name_server::address(task.server),
        timeout: Duration::from_secs(30),
        attempts: 1,
        lookups: SOCKETS + 1,
        at_a_time: SOCKETS + 1,
    });
    resolver.start(0, Wanted::Ipv4);
    resolver.turn(Duration::ZERO);
    hold(task, "lookup", SOCKETS, || {
        (1..=SOCKETS).for_each(|number| resolver.start(number, Wanted::Ipv4));
        settle(&mut resolver);
        resolver
    });
}

/// The near ends of pairs of sockets, and the pairs.
fn sockets() -> Vec<(UnixStream, UnixStream)> {
    let pair = |_| {
        let pair = UnixStream::pair().expect("the limit on open files is high enough");
        pair.0.set_nonblocking(true).expect("the system does it");
        pair
    };
    (0..SOCKETS).map(pair).collect()
}

fn with_pump(task: &Task) {
    let count = task.operations;
    let settings = Settings::default().queue_capacity(count);
    let mut pump = Pump::<Words>::with_settings(settings).expect("there are descriptors left");
    let window = pump.root_window();
    hold(task, "message", count, || {
        (0..count as u64).for_each(|number| pump.post(window, words(number)).expect("there is room"));
    });
    hold(task, "timer", count, || {
        (0..count).for_each(|number| _ = pump.set_timer(window, Timer::once(far(number))).expect("it is open"));
    });
    // Another one: what the tables of the first have room for is no socket's.
    let mut pump = Pump::<Words>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let sockets = sockets();
    hold(task, "socket", SOCKETS, || {
        for (near, far) in sockets {
            pump.watch_descriptor(window, OwnedFd::from(near), Interest::READABLE).expect("it is open");
            std::mem::forget(far);
        }
    });
    hold_lookups(task, PumpResolver::open);
}

fn with_calloop(task: &Task) {
    use calloop::generic::Generic;
    use calloop::timer::{TimeoutAction, Timer};
    const TIMERS: usize = 4000;
    let event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    let handle = event_loop.handle();
    hold(task, "message", task.operations, || {
        for number in 0..task.operations as u64 {
            let words = words(number);
            handle.insert_idle(move |_: &mut ()| crate::received::receive(&words));
        }
    });
    hold(task, "timer", TIMERS, || {
        for number in 0..TIMERS {
            let timer = Timer::from_duration(far(number));
            handle.insert_source(timer, |_, _, _| TimeoutAction::Drop).expect("there is room");
        }
    });
    let sockets = sockets();
    hold(task, "socket", SOCKETS, || {
        for (near, far) in sockets {
            let source = Generic::new(near, calloop::Interest::READ, calloop::Mode::Level);
            handle.insert_source(source, |_, _, _| Ok(calloop::PostAction::Continue)).expect("there is room");
            std::mem::forget(far);
        }
    });
    std::mem::forget(event_loop);
}

fn with_tokio(task: &Task) {
    let count = task.operations;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("there are descriptors left");
    let _entered = runtime.enter();
    hold(task, "message", count, || {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        (0..count as u64).for_each(|number| sender.send(words(number)).expect("its receiver is there"));
        (sender, receiver)
    });
    let now = tokio::time::Instant::now();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    hold(task, "timer", count, || {
        let start = |number| {
            let mut sleep = Box::pin(tokio::time::sleep_until(now + far(number)));
            assert!(sleep.as_mut().poll(&mut context).is_pending());
            sleep
        };
        (0..count).map(start).collect::<Vec<_>>()
    });
    let sockets = sockets();
    hold(task, "socket", SOCKETS, || {
        for (near, far) in sockets {
            let near = tokio::net::UnixStream::from_std(near).expect("the system does it");
            runtime.spawn(async move { near.readable().await });
            std::mem::forget(far);
        }
        for _ in 0..SOCKETS / 20 {
            runtime.block_on(tokio::task::yield_now());
        }
    });
}

fn with_smol(task: &Task) {
    let count = task.operations;
    hold(task, "message", count, || {
        let (sender, receiver) = async_channel::unbounded();
        (0..count as u64).for_each(|number| sender.try_send(words(number)).expect("its receiver is there"));
        (sender, receiver)
    });
    let now = Instant::now();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    hold(task, "timer", count, || {
        let start = |number| {
            let mut timer = async_io::Timer::at(now + far(number));
            assert!(std::pin::Pin::new(&mut timer).poll(&mut context).is_pending());
            timer
        };
        (0..count).map(start).collect::<Vec<_>>()
    });
    let (sockets, executor) = (sockets(), async_executor::LocalExecutor::new());
    hold(task, "socket", SOCKETS, || {
        for (near, far) in sockets {
            let near = async_io::Async::new(near).expect("the system does it");
            executor.spawn(async move { near.readable().await }).detach();
            std::mem::forget(far);
        }
        while executor.try_tick() {}
    });
    std::mem::forget(executor);
}

fn with_glib(task: &Task) {
    let (count, context) = (task.operations, glib::MainContext::new());
    let run = || {
        hold(task, "message", count, || {
            for number in 0..count as u64 {
                let words = words(number);
                let receive = move || {
                    crate::received::receive(&words);
                    glib::ControlFlow::Break
                };
                glib::idle_source_new(None, glib::Priority::DEFAULT, receive).attach(Some(&context));
            }
        });
        hold(task, "timer", count, || {
            for number in 0..count {
                let never = || glib::ControlFlow::Break;
                glib::timeout_source_new(far(number), None, glib::Priority::DEFAULT, never).attach(Some(&context));
            }
        });
        let sockets = sockets();
        hold(task, "socket", SOCKETS, || {
            for (near, far) in sockets {
                let number = std::os::fd::IntoRawFd::into_raw_fd(near);
                let go_on = |_, _| glib::ControlFlow::Continue;
                let readable = glib::IOCondition::IN;
                let source = glib_unix::fd_source_new(number, readable, None, glib::Priority::DEFAULT, go_on);
                source.attach(Some(&context));
                std::mem::forget(far);
            }
        });
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

extern "C" fn nothing(_: u64) {}

/// The near ends' numbers; the sockets stay open.
fn socket_numbers() -> Vec<i32> {
    let number = |pair: (UnixStream, UnixStream)| {
        std::mem::forget(pair.1);
        std::os::fd::IntoRawFd::into_raw_fd(pair.0)
    };
    sockets().into_iter().map(number).collect()
}

fn far_deadlines(count: usize) -> Vec<u64> {
    (0..count).map(|number| far(number).as_nanos() as u64).collect()
}

fn with_libuv(task: &Task) {
    let count = task.operations as u64;
    libuv::post_open(receive_in_c);
    hold(task, "message", task.operations, || (0..count).for_each(|number| libuv::post(&words(number))));
    hold_in_c(task, &LIBUV);
}

fn with_libevent(task: &Task) {
    let count = task.operations as u64;
    libevent::open(false, false);
    hold(task, "message", task.operations, || {
        libevent::post_open(count, receive_in_c);
        (0..count).for_each(|number| libevent::post(number, &words(number)));
    });
    hold_in_c(task, &LIBEVENT);
    hold_lookups::<Evdns>(task, Evdns::open_unbounded);
}

fn with_libev(task: &Task) {
    let count = task.operations as u64;
    hold(task, "message", task.operations, || {
        libev::post_open(count, receive_in_c);
        (0..count).for_each(|number| libev::post(number, &words(number)));
    });
    hold_in_c(task, &LIBEV);
}

/// Holds timers and sockets.
fn hold_in_c(task: &Task, library: &LoopInC) {
    let (deadlines, sockets) = (far_deadlines(task.operations), socket_numbers());
    hold(task, "timer", task.operations, || {
        (library.timers_make)(deadlines.len() as u64, nothing);
        (library.timers_start)(&deadlines, system::now());
    });
    hold(task, "socket", SOCKETS, || (library.watch)(&sockets, nothing));
}
