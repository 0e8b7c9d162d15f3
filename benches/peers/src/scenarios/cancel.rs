//! Completions that wait to be delivered are cancelled, and the loop is turned: what is delivered all the same?

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use msgpump::{Budget, ExternalId, OperationId, Owner, ProtocolQuery, Pump, Settings, StreamSettings, Timer, items};

use crate::foreign::{Words, libev, libevent, libuv, system};
use crate::received::{receive_in_c, received, words};
use crate::scenario::{Column, Peer, Scenario, Unit, column};
use crate::task::Task;

const COLUMNS: &[Column] = &[
    column("cancel", "cancel of one", Unit::Nanoseconds),
    column("drain", "the loop's work on what is left", Unit::Nanoseconds),
    column("delivered", "delivered all the same", Unit::Percent),
    column("allocations", "allocations each", Unit::Number),
];

const fn cancels(name: &'static str, title: &'static str, operations: [usize; 2]) -> Scenario {
    Scenario { name, title, peers: PEERS, columns: COLUMNS, operations, ..Scenario::PLAIN }
}

pub const SCENARIOS: &[Scenario] = &[
    cancels("cancel-100", "100 completions that wait are cancelled", [100, 100]),
    cancels("cancel-100000", "100,000 completions that wait are cancelled", [100_000, 20_000]),
];

const PEERS: &[Peer] = &[
    Peer::new("msgpump-timer", "timers that are due", pump_timers),
    Peer::new("msgpump-lookup", "lookups that are answered", pump_lookups),
    Peer::new("msgpump-external", "results that a thread has completed", pump_externals),
    Peer::new("msgpump-stream", "streams with a batch and an end that wait", pump_streams),
    Peer::new("msgpump-group", "timers that are due, by one call", pump_group),
    Peer::new(
        "floor-generations",
        "a number in the table is raised, the stale message skipped when it comes",
        generations,
    ),
    Peer::new("calloop-idle", "Idle::cancel", calloop_idle),
    Peer::new("calloop-timer", "timers that are due, removed; starting them is quadratic, so 5,000", calloop_timers),
    Peer::new("tokio-task", "tasks that are woken and have not run, aborted", tokio_tasks),
    Peer::new("tokio-joinset", "tasks that have ended, their results in a JoinSet, aborted", tokio_join_set),
    Peer::new("smol-task", "tasks that are woken and have not run, dropped", smol_tasks),
    Peer::new("glib-idle", "idle sources, destroyed", glib_idle),
    Peer::new("libuv-work", "uv_queue_work that is done, uv_cancel", libuv_work),
    Peer::new("libuv-timer", "timers that are due, uv_timer_stop", libuv_timers),
    Peer::new("libuv-async", "asyncs that are signalled, uv_close", libuv_asyncs),
    Peer::new("libevent-active", "active events, event_del", libevent_active),
    Peer::new("libev-pending", "pending watchers, ev_clear_pending", libev_pending),
];

/// How many cancels are measured in all, where few wait at a time.
const CANCELS: usize = 20_000;

/// Again and again: lets `count` be ready, measures the cancel of them, and then the turn that finds out what is
/// left, which says how many have been delivered so far.
fn measure<S>(
    task: &Task,
    count: usize,
    mut start: impl FnMut() -> S,
    mut cancel: impl FnMut(&mut S),
    mut turn: impl FnMut() -> u64,
) {
    let repeats = (CANCELS / count).max(1);
    // The CPU's clock, which takes a system call, where that is nothing beside what is measured.
    let clock = if count < CANCELS { system::now } else { system::thread_cpu };
    let (mut cancels, mut drains, mut delivered) = (0, 0, 0);
    if task.is_counting {
        let mut started = start();
        let ((), spent) = task.measure(|| cancel(&mut started));
        return task.report_cost(spent, count);
    }
    for _ in 0..repeats {
        let mut started = start();
        let before = clock();
        cancel(&mut started);
        let between = clock();
        delivered = turn();
        drains += clock() - between;
        cancels += between - before;
        // What is left of the handles is nobody's cancel.
        drop(started);
    }
    task.report("cancel", cancels as f64 / (repeats * count) as f64);
    task.report("drain", drains as f64 / (repeats * count) as f64);
    task.report("delivered", delivered as f64 / (repeats * count) as f64 * 100.0);
}

fn roomy_pump(task: &Task) -> RefCell<Pump<()>> {
    let settings = Settings::default().queue_capacity(task.operations);
    RefCell::new(Pump::with_settings(settings).expect("there are descriptors left"))
}

/// Cancels each of what `start` gives, and looks for messages.
fn cancel_each(task: &Task, pump: &RefCell<Pump<()>>, start: impl FnMut() -> Vec<OperationId>) {
    let mut taken = 0;
    let cancel = |ids: &mut Vec<OperationId>| {
        let mut pump = pump.borrow_mut();
        ids.iter().for_each(|&id| _ = pump.cancel(id));
    };
    let turn = || {
        taken += take_all(&mut pump.borrow_mut());
        taken
    };
    measure(task, task.operations, start, cancel, turn);
}

fn take_all(pump: &mut Pump<()>) -> u64 {
    let _ = pump.turn(Budget::no_wait()).expect("the wait works");
    std::iter::from_fn(|| pump.next_message()).count() as u64
}

/// Turns until nothing more is taken over from outside.
fn take_over(pump: &RefCell<Pump<()>>) {
    while pump.borrow_mut().turn(Budget::no_wait()).expect("the wait works").more {}
}

fn due_timers(task: &Task, pump: &RefCell<Pump<()>>, owner: Owner) -> Vec<OperationId> {
    let past = Instant::now();
    let set = |_| pump.borrow_mut().set_timer(owner, Timer::at(past)).expect("its owner is open");
    let ids = (0..task.operations).map(set).collect();
    take_over(pump);
    ids
}

fn pump_timers(task: &Task) {
    let pump = roomy_pump(task);
    let window = pump.borrow().root_window();
    cancel_each(task, &pump, || due_timers(task, &pump, window.into()));
}

fn pump_group(task: &Task) {
    let pump = roomy_pump(task);
    let window = pump.borrow().root_window();
    let group = pump.borrow_mut().open_group();
    let mut taken = 0;
    measure(
        task,
        task.operations,
        || due_timers(task, &pump, window.in_group(group)),
        |ids| assert_eq!(pump.borrow_mut().cancel_group(group).operations(), ids.len()),
        || {
            taken += take_all(&mut pump.borrow_mut());
            taken
        },
    );
}

fn pump_lookups(task: &Task) {
    let pump = roomy_pump(task);
    let window = pump.borrow().root_window();
    let start = |_| pump.borrow_mut().lookup_protocol(window, ProtocolQuery::by_number(6)).expect("it is open");
    cancel_each(task, &pump, || (0..task.operations).map(start).collect());
}

fn pump_externals(task: &Task) {
    let pump = roomy_pump(task);
    let window = pump.borrow().root_window();
    let start = |_| pump.borrow_mut().start_external::<u64>(window).expect("it is open");
    cancel_each(task, &pump, || {
        let (ids, completers): (Vec<_>, Vec<_>) = (0..task.operations).map(start).unzip();
        let complete = || completers.into_iter().for_each(|completer| completer.complete(7).expect("it is wanted"));
        thread::scope(|scope| _ = scope.spawn(complete));
        take_over(&pump);
        ids.into_iter().map(ExternalId::id).collect()
    });
}

fn pump_streams(task: &Task) {
    let pump = roomy_pump(task);
    let window = pump.borrow().root_window();
    let start = |number: usize| {
        let stream = items(std::iter::once(number));
        pump.borrow_mut().start_stream(window, stream, StreamSettings::default()).expect("it is open").id()
    };
    cancel_each(task, &pump, || {
        let ids = (0..task.operations).map(start).collect();
        // Until each has been asked: a turn asks some.
        take_over(&pump);
        ids
    });
}

fn generations(task: &Task) {
    let count = task.operations;
    let table = RefCell::new(vec![0_u64; count]);
    let queue = RefCell::new(VecDeque::with_capacity(count));
    let mut delivered = 0;
    measure(
        task,
        count,
        || {
            for (target, &number) in (0..).zip(table.borrow().iter()) {
                queue.borrow_mut().push_back(Words { target, number, ..Words::default() });
            }
        },
        |()| table.borrow_mut().iter_mut().for_each(|generation| *generation += 1),
        || {
            let table = table.borrow();
            let is_live = |words: &Words| words.number == table[words.target as usize];
            delivered += queue.borrow_mut().drain(..).filter(is_live).count() as u64;
            delivered
        },
    );
}

fn calloop_idle(task: &Task) {
    let mut event_loop = calloop::EventLoop::<u64>::try_new().expect("there are descriptors left");
    let handle = event_loop.handle();
    let mut delivered = 0;
    measure(
        task,
        task.operations,
        || (0..task.operations).map(|_| handle.insert_idle(|count: &mut u64| *count += 1)).collect(),
        |idles: &mut Vec<_>| idles.drain(..).for_each(calloop::Idle::cancel),
        || {
            event_loop.dispatch(Some(Duration::ZERO), &mut delivered).expect("the wait works");
            delivered
        },
    );
}

fn calloop_timers(task: &Task) {
    let mut event_loop = calloop::EventLoop::<u64>::try_new().expect("there are descriptors left");
    let handle = event_loop.handle();
    let count = task.operations.min(5000);
    let start = |_| {
        let fired = |_, _: &mut (), count: &mut u64| {
            *count += 1;
            calloop::timer::TimeoutAction::Drop
        };
        handle.insert_source(calloop::timer::Timer::immediate(), fired).expect("there is room")
    };
    let mut delivered = 0;
    measure(
        task,
        count,
        || (0..count).map(start).collect(),
        |tokens: &mut Vec<_>| tokens.iter().for_each(|&token| handle.remove(token)),
        || {
            event_loop.dispatch(Some(Duration::ZERO), &mut delivered).expect("the wait works");
            delivered
        },
    );
}

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing")
}

/// Turns until no task lives.
fn until_no_task_lives(runtime: &tokio::runtime::Runtime) {
    while runtime.metrics().num_alive_tasks() > 0 {
        runtime.block_on(tokio::task::yield_now());
    }
}

fn tokio_tasks(task: &Task) {
    let runtime = tokio_runtime();
    let hits = Arc::new(AtomicU64::new(0));
    let start = |_| {
        let (sender, receiver) = tokio::sync::oneshot::channel::<u64>();
        let hits = hits.clone();
        let wait = async move {
            if receiver.await.is_ok() {
                hits.fetch_add(1, Ordering::Relaxed);
            }
        };
        (sender, runtime.spawn(wait))
    };
    measure(
        task,
        task.operations,
        || {
            let (senders, tasks): (Vec<_>, Vec<_>) = (0..task.operations).map(start).unzip();
            // Until each waits.
            runtime.block_on(async {
                for _ in 0..task.operations / 10 + 10 {
                    tokio::task::yield_now().await;
                }
            });
            senders.into_iter().for_each(|sender| sender.send(1).expect("its task waits"));
            tasks
        },
        |tasks| tasks.iter().for_each(tokio::task::JoinHandle::abort),
        || {
            until_no_task_lives(&runtime);
            hits.load(Ordering::Relaxed)
        },
    );
}

fn tokio_join_set(task: &Task) {
    let runtime = tokio_runtime();
    let set = RefCell::new(tokio::task::JoinSet::new());
    let mut delivered = 0;
    measure(
        task,
        task.operations,
        || {
            let spawn = |number| set.borrow_mut().spawn_on(async move { number }, runtime.handle());
            let handles: Vec<_> = (0..task.operations).map(spawn).collect();
            until_no_task_lives(&runtime);
            handles
        },
        |handles| handles.iter().for_each(tokio::task::AbortHandle::abort),
        || {
            let mut set = set.borrow_mut();
            while let Some(result) = runtime.block_on(set.join_next()) {
                delivered += u64::from(result.is_ok());
            }
            delivered
        },
    );
}

fn smol_tasks(task: &Task) {
    let executor = async_executor::LocalExecutor::new();
    let hits = Rc::new(Cell::new(0));
    let start = |_| {
        let (sender, receiver) = async_channel::bounded::<u64>(1);
        let hits = hits.clone();
        let wait = async move {
            if receiver.recv().await.is_ok() {
                hits.set(hits.get() + 1);
            }
        };
        (sender, executor.spawn(wait))
    };
    measure(
        task,
        task.operations,
        || {
            let (senders, tasks): (Vec<_>, Vec<_>) = (0..task.operations).map(start).unzip();
            while executor.try_tick() {}
            senders.iter().for_each(|sender| sender.try_send(1).expect("its task waits"));
            tasks
        },
        |tasks| tasks.drain(..).for_each(drop),
        || {
            while executor.try_tick() {}
            hits.get()
        },
    );
}

fn glib_idle(task: &Task) {
    thread_local!(static HITS: Cell<u64> = const { Cell::new(0) });
    let context = glib::MainContext::new();
    let start = |_| {
        let called = || {
            HITS.set(HITS.get() + 1);
            glib::ControlFlow::Break
        };
        let source = glib::idle_source_new(None, glib::Priority::DEFAULT, called);
        source.attach(Some(&context));
        source
    };
    let run = || {
        measure(
            task,
            task.operations,
            || (0..task.operations).map(start).collect(),
            |sources: &mut Vec<glib::Source>| sources.iter().for_each(glib::Source::destroy),
            || {
                context.iteration(false);
                HITS.get()
            },
        );
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

fn libuv_work(task: &Task) {
    let count = task.operations as u64;
    measure(
        task,
        task.operations,
        || libuv::works_finish(count),
        |()| libuv::works_cancel(count),
        || {
            libuv::run();
            libuv::delivered()
        },
    );
}

thread_local!(static TIMERS_FIRED: Cell<u64> = const { Cell::new(0) });

extern "C" fn timer_fired(_: u64) {
    TIMERS_FIRED.set(TIMERS_FIRED.get() + 1);
}

fn libuv_timers(task: &Task) {
    let count = task.operations as u64;
    libuv::timers_make(count, timer_fired);
    let due = vec![0; task.operations];
    measure(
        task,
        task.operations,
        || libuv::timers_start(&due, 0),
        |()| libuv::timers_stop(count),
        || {
            libuv::turn();
            TIMERS_FIRED.get()
        },
    );
}

fn libuv_asyncs(task: &Task) {
    let count = task.operations as u64;
    measure(
        task,
        task.operations,
        || libuv::asyncs_send(count),
        |()| libuv::asyncs_close(count),
        || {
            while libuv::asyncs_closed() < count {
                libuv::turn();
            }
            libuv::delivered()
        },
    );
}

fn libevent_active(task: &Task) {
    let count = task.operations as u64;
    libevent::open(false, false);
    libevent::post_open(count, receive_in_c);
    measure(
        task,
        task.operations,
        || (0..count).for_each(|slot| libevent::post(slot, &words(slot))),
        |()| (0..count).for_each(|slot| libevent::post_cancel(slot)),
        || {
            libevent::turn();
            received()
        },
    );
}

fn libev_pending(task: &Task) {
    let count = task.operations as u64;
    libev::post_open(count, receive_in_c);
    measure(
        task,
        task.operations,
        || (0..count).for_each(|slot| libev::post(slot, &words(slot))),
        |()| (0..count).for_each(|slot| libev::post_cancel(slot)),
        || {
            libev::turn();
            received()
        },
    );
}
