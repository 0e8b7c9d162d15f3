//! What a timer costs to set and to kill, among few and among many, and what the next deadline costs.

mod least;
mod random;
mod support;

use std::hint::black_box;
use std::mem::replace;
use std::time::{Duration, Instant};

use divan::Bencher;
use least::LeastTimers;
use msgpump::{OperationId, Pump, Timer};
use random::Random;
use slotmap::{DefaultKey, SlotMap};
use support::{Work, ratio};

/// How many timers live meanwhile.
const LIVE: [usize; 3] = [0, 1000, 100_000];

/// How many operations are measured at a time.
const BATCH: usize = 10_000;

/// How many timers are set, and then killed in the same order.
const VERY_MANY: usize = 1_000_000;

fn main() {
    support::main(|| {
        let at_most = |live| if live == 0 { 4.0 } else { 8.0 };
        for live in LIVE {
            let name = format!("set_and_kill::at, {live} live");
            ratio(&name, at_most(live), || insert_and_remove(live, nothing), || set_and_kill(live, Timer::at));
        }
        for live in LIVE {
            let name = format!("set_and_kill::once, {live} live");
            ratio(&name, at_most(live), || insert_and_remove(live, clock), || set_and_kill(live, once()));
        }
        for live in LIVE {
            let name = format!("set_and_kill::at, {live} live, beside the least by hand");
            ratio(&name, f64::NAN, || set_and_kill_by_hand(live), || set_and_kill(live, Timer::at));
        }
        for live in LIVE {
            let name = format!("next_deadline, {live} live");
            ratio(&name, 1.2, || look_at_next_deadline(1), || look_at_next_deadline(live));
        }
    });
}

/// Sets a timer and kills a random one.
mod set_and_kill {
    use super::*;

    #[divan::bench(args = LIVE)]
    fn floor(bencher: Bencher, live: usize) {
        insert_and_remove(live, nothing).bench(bencher);
    }

    #[divan::bench(args = LIVE)]
    fn at(bencher: Bencher, live: usize) {
        set_and_kill(live, Timer::at).bench(bencher);
    }

    #[divan::bench(args = LIVE)]
    fn floor_with_clock(bencher: Bencher, live: usize) {
        insert_and_remove(live, clock).bench(bencher);
    }

    #[divan::bench(args = LIVE)]
    fn once(bencher: Bencher, live: usize) {
        set_and_kill(live, super::once()).bench(bencher);
    }
}

#[divan::bench(args = LIVE)]
fn next_deadline(bencher: Bencher, live: usize) {
    look_at_next_deadline(live).bench(bencher);
}

/// Sets all, and kills all in the same order.
#[divan::bench_group(sample_count = 10)]
mod very_many {
    use super::*;

    #[divan::bench]
    fn floor_of_set(bencher: Bencher) {
        insert_all().bench(bencher);
    }

    #[divan::bench]
    fn set(bencher: Bencher) {
        set_all().bench(bencher);
    }

    #[divan::bench]
    fn floor_of_kill(bencher: Bencher) {
        remove_all().bench(bencher);
    }

    #[divan::bench]
    fn kill(bencher: Bencher) {
        kill_all().bench(bencher);
    }
}

fn nothing() {}

fn clock() {
    black_box(Instant::now());
}

/// Makes a timer for which the clock is read when it is set.
fn once() -> impl Fn(Instant) -> Timer {
    let epoch = Instant::now();
    move |deadline| Timer::once(deadline - epoch)
}

fn insert_and_remove(live: usize, also: fn()) -> Work<()> {
    let deadlines = deadlines(live + BATCH);
    let (mut table, mut keys) = filled_table(&deadlines[BATCH..]);
    let victims = victims(live);
    Work::steady(BATCH, move || {
        for (&deadline, &victim) in deadlines.iter().zip(&victims) {
            also();
            let key = black_box(&mut table).insert(deadline);
            let removed = keys.get_mut(victim).map_or(key, |victim| replace(victim, key));
            black_box(&black_box(&mut table).remove(removed));
        }
    })
}

fn set_and_kill(live: usize, timer: impl Fn(Instant) -> Timer + 'static) -> Work<()> {
    let deadlines = deadlines(live + BATCH);
    let (mut pump, mut ids) = filled_pump(&deadlines[BATCH..]);
    let window = pump.root_window();
    let victims = victims(live);
    Work::steady(BATCH, move || {
        for (&deadline, &victim) in deadlines.iter().zip(&victims) {
            let id = black_box(&mut pump).set_timer(window, timer(deadline)).expect("its window is open");
            let killed = ids.get_mut(victim).map_or(id, |victim| replace(victim, id));
            black_box(black_box(&mut pump).cancel(killed));
        }
    })
}

fn set_and_kill_by_hand(live: usize) -> Work<()> {
    let deadlines = deadlines(live + BATCH);
    let mut timers = LeastTimers::new();
    let owner = timers.add_owner();
    let set = |&deadline| timers.set(owner, deadline).expect("its owner is there");
    let mut keys: Vec<_> = deadlines[BATCH..].iter().map(set).collect();
    let victims = victims(live);
    Work::steady(BATCH, move || {
        for (&deadline, &victim) in deadlines.iter().zip(&victims) {
            let key = black_box(&mut timers).set(owner, deadline).expect("its owner is there");
            let killed = keys.get_mut(victim).map_or(key, |victim| replace(victim, key));
            assert!(black_box(&mut timers).kill(killed), "it was set");
        }
    })
}

fn look_at_next_deadline(live: usize) -> Work<()> {
    let (pump, _) = filled_pump(&deadlines(live));
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            black_box(black_box(&pump).next_deadline());
        }
    })
}

fn insert_all() -> Work<Table> {
    let deadlines = deadlines(VERY_MANY);
    Work::new(VERY_MANY, || filled_table(&[]), move |filled| *filled = filled_table(&deadlines))
}

fn set_all() -> Work<Timers> {
    let deadlines = deadlines(VERY_MANY);
    Work::new(VERY_MANY, || filled_pump(&[]), move |filled| *filled = filled_pump(&deadlines))
}

fn remove_all() -> Work<Table> {
    let deadlines = deadlines(VERY_MANY);
    Work::new(
        VERY_MANY,
        move || filled_table(&deadlines),
        |(table, keys)| {
            for key in keys {
                black_box(&table.remove(*key));
            }
        },
    )
}

fn kill_all() -> Work<Timers> {
    let deadlines = deadlines(VERY_MANY);
    Work::new(
        VERY_MANY,
        move || filled_pump(&deadlines),
        |(pump, ids)| {
            for id in ids {
                black_box(pump.cancel(*id));
            }
        },
    )
}

type Table = (SlotMap<DefaultKey, Instant>, Vec<DefaultKey>);
type Timers = (Pump<()>, Vec<OperationId>);

fn filled_table(deadlines: &[Instant]) -> Table {
    let mut table = SlotMap::new();
    let keys = deadlines.iter().map(|&deadline| table.insert(deadline)).collect();
    (table, keys)
}

fn filled_pump(deadlines: &[Instant]) -> Timers {
    let mut pump = Pump::new().expect("there are descriptors left");
    let window = pump.root_window();
    let set = |&deadline| pump.set_timer(window, Timer::at(deadline)).expect("its window is open");
    let ids = deadlines.iter().map(set).collect();
    (pump, ids)
}

/// Instants 10 to 60 seconds away.
fn deadlines(count: usize) -> Vec<Instant> {
    let (now, mut random) = (Instant::now(), Random::new());
    (0..count).map(|_| now + Duration::from_nanos(10_000_000_000 + random.below(50_000_000_000))).collect()
}

/// Which of the timers that live is killed in its turn; the one just set where none does.
fn victims(live: usize) -> Vec<usize> {
    let mut random = Random::new();
    (0..BATCH).map(|_| random.below(live.max(1) as u64) as usize).collect()
}
