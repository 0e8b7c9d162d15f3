//! Very many timers that are started and cancelled, and never fire.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use msgpump::{Pump, Timer};

use super::{ALL, MILLISECOND};
use crate::foreign::loop_in_c::{LIBEV, LIBEVENT, LIBUV, LoopInC};
use crate::foreign::{allocations, libev, libevent, system};
use crate::random::Random;
use crate::scenario::Peer;
use crate::task::Task;

pub const PEERS: &[Peer] = &[
    Peer::new("msgpump", "set_timer at an instant, cancel", cancel_of_pump),
    Peer::new("floor-btreemap", "BTreeMap of deadline and number", cancel_of_btreemap),
    Peer::new("calloop", "a Timer source each; both are linear in the number of sources, so 10,000", cancel_of_calloop),
    Peer::new("tokio", "a boxed Sleep each, polled once; drop", cancel_of_tokio),
    Peer::new("async-io", "a Timer each, polled once; drop", cancel_of_async_io),
    Peer::new("glib", "a timeout source each; destroy", cancel_of_glib),
    Peer::new("libuv", "uv_timer_start and stop, whole milliseconds", cancel_of_libuv),
    Peer::new("libevent", "evtimer_add and del", cancel_of_libevent),
    Peer::new("libev", "ev_timer_start and stop", cancel_of_libev),
];

/// Nanoseconds from now.
fn far_deadlines(count: usize) -> Vec<u64> {
    let mut random = Random::new();
    (0..count).map(|_| 10_000 * MILLISECOND + random.below(50_000 * MILLISECOND)).collect()
}

/// Measures `start` for all deadlines, which gives what `cancel` takes.
fn start_and_cancel<S>(task: &Task, count_max: usize, start: impl FnOnce(&[u64]) -> S, cancel: impl FnOnce(S)) {
    let count = task.operations.min(count_max);
    let deadlines = far_deadlines(count);
    let bytes = allocations::bytes();
    let (started, spent) = task.measure(|| start(&deadlines));
    if task.is_counting {
        task.report("bytes", (allocations::bytes() - bytes) as f64 / count as f64);
        return;
    }
    task.report_time("start", spent, count);
    let ((), spent) = task.measure(|| cancel(started));
    task.report_time("cancel", spent, count);
    task.report("timers", count as f64);
}

fn cancel_of_pump(task: &Task) {
    let pump = RefCell::new(Pump::<()>::new().expect("there are descriptors left"));
    let epoch = Instant::now();
    start_and_cancel(
        task,
        ALL,
        |deadlines| {
            let mut pump = pump.borrow_mut();
            let window = pump.root_window();
            let set = |&deadline: &u64| {
                let timer = Timer::at(epoch + Duration::from_nanos(deadline));
                pump.set_timer(window, timer).expect("the window is open")
            };
            deadlines.iter().map(set).collect::<Vec<_>>()
        },
        |ids| {
            let mut pump = pump.borrow_mut();
            ids.into_iter().for_each(|id| _ = pump.cancel(id));
        },
    );
}

fn cancel_of_btreemap(task: &Task) {
    start_and_cancel(
        task,
        ALL,
        |deadlines| {
            let keys: Vec<_> = deadlines.iter().copied().zip(0_u32..).collect();
            let map: BTreeMap<_, ()> = keys.iter().fold(BTreeMap::new(), |mut map, &key| {
                map.insert(key, ());
                map
            });
            (keys, map)
        },
        |(keys, mut map)| keys.iter().for_each(|key| assert!(map.remove(key).is_some())),
    );
}

fn cancel_of_calloop(task: &Task) {
    let event_loop = RefCell::new(calloop::EventLoop::<()>::try_new().expect("there are descriptors left"));
    let handle = event_loop.borrow().handle();
    let epoch = Instant::now();
    // What it puts off until the next turn belongs to both.
    let turn = || event_loop.borrow_mut().dispatch(Some(Duration::ZERO), &mut ()).expect("the wait works");
    start_and_cancel(
        task,
        10_000,
        |deadlines| {
            let start = |&deadline: &u64| {
                let timer = calloop::timer::Timer::from_deadline(epoch + Duration::from_nanos(deadline));
                let never = |_, _: &mut (), _: &mut ()| panic!("it is far away");
                handle.insert_source(timer, never).expect("there is room")
            };
            let tokens: Vec<_> = deadlines.iter().map(start).collect();
            turn();
            tokens
        },
        |tokens| {
            tokens.into_iter().for_each(|token| handle.remove(token));
            turn();
        },
    );
}

fn cancel_of_tokio(task: &Task) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("there are descriptors left");
    let _entered = runtime.enter();
    let epoch = tokio::time::Instant::now();
    start_and_cancel(
        task,
        ALL,
        |deadlines| {
            let start = |&deadline: &u64| {
                let mut sleep = Box::pin(tokio::time::sleep_until(epoch + Duration::from_nanos(deadline)));
                // Only then the runtime knows of it.
                poll_once(sleep.as_mut());
                sleep
            };
            deadlines.iter().map(start).collect::<Vec<_>>()
        },
        drop,
    );
}

fn poll_once(future: Pin<&mut impl Future>) {
    assert!(matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
}

fn cancel_of_async_io(task: &Task) {
    let epoch = Instant::now();
    start_and_cancel(
        task,
        ALL,
        |deadlines| {
            let start = |&deadline: &u64| {
                let mut timer = async_io::Timer::at(epoch + Duration::from_nanos(deadline));
                poll_once(pin!(&mut timer));
                timer
            };
            deadlines.iter().map(start).collect::<Vec<_>>()
        },
        drop,
    );
}

fn cancel_of_glib(task: &Task) {
    let context = glib::MainContext::new();
    start_and_cancel(
        task,
        ALL,
        |deadlines| {
            let start = |&deadline: &u64| {
                let delay = Duration::from_millis(deadline.div_ceil(MILLISECOND));
                let never = || panic!("it is far away");
                let source = glib::timeout_source_new(delay, None, glib::Priority::DEFAULT, never);
                source.attach(Some(&context));
                source
            };
            deadlines.iter().map(start).collect::<Vec<_>>()
        },
        |sources| sources.into_iter().for_each(|source| source.destroy()),
    );
}

extern "C" fn never(_: u64) {
    panic!("it is far away");
}

fn cancel_of_libuv(task: &Task) {
    cancel_in_c(task, &LIBUV);
}

fn cancel_of_libevent(task: &Task) {
    libevent::open(false, false);
    cancel_in_c(task, &LIBEVENT);
}

fn cancel_of_libev(task: &Task) {
    libev::turn();
    cancel_in_c(task, &LIBEV);
}

fn cancel_in_c(task: &Task, library: &LoopInC) {
    start_and_cancel(
        task,
        ALL,
        |deadlines| {
            (library.timers_make)(deadlines.len() as u64, never);
            (library.timers_start)(deadlines, system::now());
            deadlines.len() as u64
        },
        |count| (library.timers_stop)(count),
    );
}
