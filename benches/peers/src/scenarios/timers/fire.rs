//! Timers that fire, some at a random moment of a second, some all at once.
//!
//! The shape is which of the two: [`AT_RANDOM`] or [`AT_ONCE`].

use std::cell::RefCell;
use std::time::{Duration, Instant};

use msgpump::{Payload, Pump, Timer};

use super::{ALL, MILLISECOND};
use crate::foreign::loop_in_c::{LIBEV, LIBEVENT, LIBUV, LoopInC};
use crate::foreign::{libev, libevent, system};
use crate::random::Random;
use crate::scenario::Peer;
use crate::task::{Spent, Task};

pub const PEERS: &[Peer] = &[
    Peer::new("msgpump", "set_timer at an instant", fire_of_pump),
    Peer::new("msgpump-ms", "the same, each rounded up to a whole millisecond by the program", fire_of_pump_ms),
    Peer::new("calloop", "a Timer source each; starting one is linear in their number, so 10,000", fire_of_calloop),
    Peer::new("tokio", "a local task each that sleeps; rounds up to milliseconds", fire_of_tokio),
    Peer::new("async-io", "a local task each that waits for a Timer", fire_of_async_io),
    Peer::new("glib", "a timeout source each; whole milliseconds", fire_of_glib),
    Peer::new("libuv", "whole milliseconds", fire_of_libuv),
    Peer::new("libevent", "microseconds, waits in milliseconds", fire_of_libevent),
    Peer::new("libevent-precise", "with EVENT_BASE_FLAG_PRECISE_TIMER", fire_of_libevent_precise),
    Peer::new("libev", "floating point seconds, waits in milliseconds", fire_of_libev),
];

/// Each fires at a random moment of one second.
pub const AT_RANDOM: usize = 0;

/// All are due when the loop gets to run.
pub const AT_ONCE: usize = 1;

/// Timers that fire, and what is seen of it.
struct Fired {
    base: u64,
    deadlines: Vec<u64>,
    late: Vec<u64>,
    early: usize,
    last: usize,
    out_of_order: usize,
}

thread_local!(static FIRED: RefCell<Option<Fired>> = const { RefCell::new(None) });

/// Timer `number` has fired. Whether all have.
fn fired(number: usize) -> bool {
    let now = system::now();
    FIRED.with_borrow_mut(|fired| {
        let fired = fired.as_mut().expect("it is set before any fires");
        let due = fired.base + fired.deadlines[number];
        fired.early += usize::from(now < due);
        fired.late.push(now.saturating_sub(due));
        fired.out_of_order += usize::from(number < fired.last);
        fired.last = number;
        fired.late.len() == fired.deadlines.len()
    })
}

fn have_all_fired() -> bool {
    FIRED.with_borrow(|fired| fired.as_ref().is_some_and(|fired| fired.late.len() == fired.deadlines.len()))
}

/// For C, whose loop ends by itself with its last timer.
extern "C" fn fired_in_c(number: u64) {
    fired(number as usize);
}

/// Time to set them all, on a machine that does other work as well.
const LEAD: u64 = 1000 * MILLISECOND;

/// Deadlines of timers that fire, in nanoseconds since `base`.
struct Deadlines {
    list: Vec<u64>,
    base: u64,
    epoch: Instant,
}

impl Deadlines {
    /// Random ones begin when all are set; those that are due at once lie in the past by then.
    fn new(task: &Task, count_max: usize) -> Deadlines {
        let mut random = Random::new();
        let count = task.operations.min(count_max);
        let list: Vec<_> = match task.shape[0] {
            AT_ONCE => (0..count as u64).map(|number| number / 10 * 1000).collect(),
            _ => (0..count).map(|_| LEAD + random.below(1000 * MILLISECOND)).collect(),
        };
        let (base, epoch) = (system::now(), Instant::now());
        let late = Vec::with_capacity(count);
        let fired = Fired { base, deadlines: list.clone(), late, early: 0, last: 0, out_of_order: 0 };
        FIRED.set(Some(fired));
        Deadlines { list, base, epoch }
    }

    fn instants(&self) -> impl Iterator<Item = Instant> {
        self.list.iter().map(|&deadline| self.epoch + Duration::from_nanos(deadline))
    }

    /// How many whole milliseconds away each is now, rounded up.
    fn milliseconds_left(&self) -> impl Iterator<Item = u64> {
        let base = self.base;
        self.list.iter().map(move |deadline| (deadline + base).saturating_sub(system::now()).div_ceil(MILLISECOND))
    }

    /// All are set: measures `run`, which returns when all have fired.
    fn measure(&self, task: &Task, run: impl FnOnce()) {
        if task.shape[0] == AT_ONCE {
            // Not before the last of them is due everywhere.
            while system::now() < self.base + self.list.last().expect("there is one") + 2 * MILLISECOND {}
        } else {
            assert!(system::now() < self.base + LEAD, "not all timers were set in time");
        }
        let ((), spent) = task.measure(run);
        self.report(task, spent);
    }

    fn report(&self, task: &Task, spent: Spent) {
        let mut fired = FIRED.take().expect("it was set");
        assert_eq!(fired.late.len(), self.list.len());
        task.report_cost(spent, self.list.len());
        if !task.is_counting {
            task.report_percentiles("late", &mut fired.late);
            task.report("early", fired.early as f64);
            task.report("out of order", fired.out_of_order as f64);
        }
    }
}

fn fire_of_pump(task: &Task) {
    fire_of_pump_rounded(task, 1);
}

fn fire_of_pump_ms(task: &Task) {
    fire_of_pump_rounded(task, MILLISECOND);
}

fn fire_of_pump_rounded(task: &Task, step: u64) {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let deadlines = Deadlines::new(task, ALL);
    let mut numbers = std::collections::HashMap::with_capacity(deadlines.list.len());
    for (number, deadline) in deadlines.list.iter().enumerate() {
        let instant = deadlines.epoch + Duration::from_nanos(deadline.next_multiple_of(step));
        numbers.insert(pump.set_timer(window, Timer::at(instant)).expect("the window is open"), number);
    }
    deadlines.measure(task, || {
        loop {
            let message = pump.get_message().expect("the wait works").expect("nobody quits");
            let (Payload::Tick(_), Some(id)) = (message.payload, message.operation) else { panic!("only timers") };
            if fired(numbers[&id]) {
                break;
            }
        }
    });
}

fn fire_of_calloop(task: &Task) {
    let mut event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    let deadlines = Deadlines::new(task, 10_000);
    for (number, deadline) in deadlines.instants().enumerate() {
        let fired = move |_, _: &mut (), _: &mut ()| {
            fired(number);
            calloop::timer::TimeoutAction::Drop
        };
        let timer = calloop::timer::Timer::from_deadline(deadline);
        event_loop.handle().insert_source(timer, fired).expect("there is room");
    }
    deadlines.measure(task, || {
        while !have_all_fired() {
            event_loop.dispatch(None, &mut ()).expect("the wait works");
        }
    });
}

fn fire_of_tokio(task: &Task) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("there are descriptors left");
    let set = tokio::task::LocalSet::new();
    let all_fired = std::rc::Rc::new(tokio::sync::Notify::new());
    let deadlines = Deadlines::new(task, ALL);
    for (number, deadline) in deadlines.instants().enumerate() {
        let all_fired = all_fired.clone();
        set.spawn_local(async move {
            tokio::time::sleep_until(deadline.into()).await;
            if fired(number) {
                all_fired.notify_one();
            }
        });
    }
    if task.shape[0] != AT_ONCE {
        // Each is polled once: only then the runtime knows of its timer.
        runtime.block_on(set.run_until(async {
            for _ in 0..deadlines.list.len() / 50 {
                tokio::task::yield_now().await;
            }
        }));
    }
    deadlines.measure(task, || runtime.block_on(set.run_until(all_fired.notified())));
}

fn fire_of_async_io(task: &Task) {
    let executor = async_executor::LocalExecutor::new();
    let deadlines = Deadlines::new(task, ALL);
    for (number, deadline) in deadlines.instants().enumerate() {
        let wait = async move {
            async_io::Timer::at(deadline).await;
            fired(number);
        };
        executor.spawn(wait).detach();
    }
    if task.shape[0] != AT_ONCE {
        while executor.try_tick() {}
    }
    deadlines.measure(task, || {
        async_io::block_on(async {
            while !have_all_fired() {
                executor.tick().await;
            }
        });
    });
}

fn fire_of_glib(task: &Task) {
    let context = glib::MainContext::new();
    let run = || {
        let deadlines = Deadlines::new(task, ALL);
        for (number, delay) in deadlines.milliseconds_left().enumerate() {
            let fired = move || {
                fired(number);
                glib::ControlFlow::Break
            };
            let delay = Duration::from_millis(delay);
            glib::timeout_source_new(delay, None, glib::Priority::DEFAULT, fired).attach(Some(&context));
        }
        deadlines.measure(task, || {
            while !have_all_fired() {
                context.iteration(true);
            }
        });
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

fn fire_of_libuv(task: &Task) {
    fire_in_c(task, &LIBUV);
}

fn fire_of_libevent(task: &Task) {
    libevent::open(false, false);
    fire_in_c(task, &LIBEVENT);
}

fn fire_of_libevent_precise(task: &Task) {
    libevent::open(true, false);
    fire_in_c(task, &LIBEVENT);
}

fn fire_of_libev(task: &Task) {
    libev::turn();
    fire_in_c(task, &LIBEV);
}

fn fire_in_c(task: &Task, library: &LoopInC) {
    let deadlines = Deadlines::new(task, ALL);
    (library.timers_make)(deadlines.list.len() as u64, fired_in_c);
    (library.timers_start)(&deadlines.list, deadlines.base);
    deadlines.measure(task, || (library.run)());
}
