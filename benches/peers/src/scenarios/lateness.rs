//! How late a periodic timer is, against its own schedule from its start on.
//!
//! The shape is the period in microseconds, and 1 where every CPU has something else to compute. Who takes whole
//! milliseconds gets the period rounded up, and is measured against that.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use msgpump::{Payload, Pump, Timer};

use crate::foreign::{libev, libevent, libuv, system};
use crate::scenario::{Column, Peer, Scenario, Unit, calls, column};
use crate::task::Task;

/// What is told of a timer.
pub const COLUMNS: &[Column] = &[
    column("late p50", "late, median", Unit::Nanoseconds),
    column("late p99", "late, 99 %", Unit::Nanoseconds),
    column("cpu", "CPU for each", Unit::Nanoseconds),
    column("early", "early", Unit::Number),
    column("drift", "drift, millionths", Unit::Number),
    calls("system calls each"),
];

const fn ticks(name: &'static str, title: &'static str, operations: [usize; 2], period_us: usize) -> Scenario {
    Scenario {
        name,
        title,
        peers: PEERS,
        columns: COLUMNS,
        operations,
        shape: [period_us, 0],
        rounds_max: 3,
        ..Scenario::PLAIN
    }
}

pub const SCENARIOS: &[Scenario] = &[
    ticks("late-100us", "A periodic timer of 100 µs", [3000, 2000], 100),
    ticks("late-1ms", "A periodic timer of 1 ms", [600, 300], 1000),
    Scenario {
        shape: [1000, 1],
        is_counted: false,
        ..ticks("late-1ms-loaded", "A periodic timer of 1 ms while every CPU computes something else", [600, 300], 1000)
    },
    ticks("late-60hz", "A periodic timer of 16.667 ms", [60, 30], 16_667),
];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "Timer::every", with_pump),
    Peer::new("calloop", "TimeoutAction::ToInstant, one period after the last deadline", with_calloop),
    Peer::new("tokio", "interval; rounds up to milliseconds", with_tokio),
    Peer::new("async-io", "Timer::interval", with_async_io),
    Peer::new("glib", "timeout source, whole milliseconds, each from the last one's end", with_glib),
    Peer::new("libuv", "repeating timer, whole milliseconds, each from when the last one was handled", with_libuv),
    Peer::new("libevent-precise", "persistent event with EVENT_BASE_FLAG_PRECISE_TIMER", with_libevent),
    Peer::new("libev", "repeating ev_timer, waits in milliseconds", with_libev),
];

/// Ticks against their schedule.
struct Ticks {
    period: u64,
    start: u64,
    wanted: usize,
    late: Vec<u64>,
    early: usize,
    drift: f64,
}

thread_local!(static TICKS: RefCell<Option<Ticks>> = const { RefCell::new(None) });

/// The timer has ticked. Whether that was the last one wanted.
fn ticked() -> bool {
    let now = system::now();
    TICKS.with_borrow_mut(|ticks| {
        let ticks = ticks.as_mut().expect("it is set before any tick");
        let ticked = ticks.late.len() as u64 + 1;
        let due = ticks.start + ticked * ticks.period;
        ticks.early += usize::from(now < due);
        ticks.late.push(now.saturating_sub(due));
        let ideal = (ticked * ticks.period) as f64;
        ticks.drift = ((now - ticks.start) as f64 - ideal) / ideal * 1e6;
        ticks.late.len() >= ticks.wanted
    })
}

fn are_over() -> bool {
    TICKS.with_borrow(|ticks| ticks.as_ref().is_some_and(|ticks| ticks.late.len() >= ticks.wanted))
}

extern "C" fn ticked_in_libuv(_: u64) {
    if ticked() {
        libuv::tick_stop();
    }
}

extern "C" fn ticked_in_libevent(_: u64) {
    if ticked() {
        libevent::stop();
    }
}

extern "C" fn ticked_in_libev(_: u64) {
    if ticked() {
        libev::stop();
    }
}

fn period(task: &Task) -> Duration {
    Duration::from_micros(task.shape[0] as u64)
}

fn whole_milliseconds(period: Duration) -> u64 {
    period.as_micros().div_ceil(1000) as u64
}

/// Measures `run`, which starts a timer of `period` and returns after the last tick wanted.
fn measure(task: &Task, period: Duration, run: impl FnOnce()) {
    let stop = Arc::new(AtomicBool::new(false));
    let busy = if task.shape[1] == 1 { thread::available_parallelism().map_or(1, usize::from) } else { 0 };
    let threads: Vec<_> = (0..busy)
        .map(|_| {
            let stop = stop.clone();
            thread::spawn(move || while !black_box(&stop).load(Ordering::Relaxed) {})
        })
        .collect();
    let period = period.as_nanos() as u64;
    let late = Vec::with_capacity(task.operations);
    let cpu = system::thread_cpu();
    let stopwatch = task.start();
    let start = system::now();
    TICKS.set(Some(Ticks { period, start, wanted: task.operations, late, early: 0, drift: 0.0 }));
    run();
    let spent = stopwatch.stop();
    let cpu = system::thread_cpu() - cpu;
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("it computes"));
    let mut ticks = TICKS.take().expect("it was set");
    if task.is_counting {
        task.report_cost(spent, task.operations);
    } else {
        // Of the loop alone: the others compute all the time.
        task.report("cpu", cpu as f64 / task.operations as f64);
        task.report_percentiles("late", &mut ticks.late);
        task.report("early", ticks.early as f64);
        task.report("drift", ticks.drift);
    }
}

fn with_pump(task: &Task) {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    measure(task, period(task), || {
        pump.set_timer(window, Timer::every(period(task))).expect("the window is open");
        let mut is_over = false;
        while !is_over {
            match pump.get_message().expect("the wait works").expect("nobody quits").payload {
                // The schedule goes on where the program was too slow: those ticks are late as well.
                Payload::Tick(tick) => (0..=tick.missed).for_each(|_| is_over = is_over || ticked()),
                other => panic!("{other:?}"),
            }
        }
    });
}

fn with_calloop(task: &Task) {
    let mut event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    let period = period(task);
    measure(task, period, || {
        let timer = calloop::timer::Timer::from_duration(period);
        let tick = move |deadline: Instant, _: &mut (), _: &mut ()| {
            ticked();
            calloop::timer::TimeoutAction::ToInstant(deadline + period)
        };
        event_loop.handle().insert_source(timer, tick).expect("there is room");
        while !are_over() {
            event_loop.dispatch(None, &mut ()).expect("the wait works");
        }
    });
}

fn with_tokio(task: &Task) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("there are descriptors left");
    let period = period(task);
    measure(task, period, || {
        runtime.block_on(async {
            let mut interval = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
            loop {
                interval.tick().await;
                if ticked() {
                    break;
                }
            }
        });
    });
}

fn with_async_io(task: &Task) {
    let period = period(task);
    measure(task, period, || {
        async_io::block_on(async {
            let mut timer = async_io::Timer::interval(period);
            loop {
                futures_lite::StreamExt::next(&mut timer).await;
                if ticked() {
                    break;
                }
            }
        });
    });
}

fn with_glib(task: &Task) {
    let context = glib::MainContext::new();
    let period = Duration::from_millis(whole_milliseconds(period(task)));
    let run = || {
        measure(task, period, || {
            let tick = || if ticked() { glib::ControlFlow::Break } else { glib::ControlFlow::Continue };
            glib::timeout_source_new(period, None, glib::Priority::DEFAULT, tick).attach(Some(&context));
            while !are_over() {
                context.iteration(true);
            }
        });
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

fn with_libuv(task: &Task) {
    let milliseconds = whole_milliseconds(period(task));
    measure(task, Duration::from_millis(milliseconds), || {
        libuv::turn();
        libuv::tick(milliseconds, ticked_in_libuv);
        libuv::run();
    });
}

fn with_libevent(task: &Task) {
    libevent::open(true, false);
    measure(task, period(task), || {
        libevent::tick(period(task).as_micros() as u64, ticked_in_libevent);
        libevent::run();
    });
}

fn with_libev(task: &Task) {
    measure(task, period(task), || {
        libev::turn();
        libev::tick(period(task).as_secs_f64(), ticked_in_libev);
        libev::run();
    });
}
