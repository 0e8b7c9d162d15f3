//! What it costs to cancel an operation whose final message waits in the queue.

mod random;
mod support;

use std::hint::black_box;

use divan::Bencher;
use msgpump::{Cancelled, OperationId, Payload, Protocol, ProtocolQuery, Pump};
use random::Random;
use slotmap::{DefaultKey, SlotMap};
use support::{Work, ratio};

/// How many messages wait in the queue.
const DEPTHS: [usize; 3] = [100, 1000, 100_000];

/// How many operations are measured at a time.
const BATCH: usize = 100;

fn main() {
    support::main(|| {
        ratio("at_once::lookup", 5.0, insert_and_remove, start_and_cancel);
        for depth in DEPTHS {
            let name = format!("queued::lookup, {depth} deep");
            ratio(&name, 5.0, || remove(depth), || cancel(depth));
        }
    });
}

/// Starts an operation that finishes at once, and cancels it.
mod at_once {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        insert_and_remove().bench(bencher);
    }

    #[divan::bench]
    fn lookup(bencher: Bencher) {
        start_and_cancel().bench(bencher);
    }
}

/// Random ones of the operations whose messages are queued.
#[divan::bench_group(sample_count = 20, sample_size = 1)]
mod queued {
    use super::*;

    #[divan::bench(args = DEPTHS)]
    fn floor(bencher: Bencher, depth: usize) {
        remove(depth).bench(bencher);
    }

    #[divan::bench(args = DEPTHS)]
    fn lookup(bencher: Bencher, depth: usize) {
        cancel(depth).bench(bencher);
    }
}

/// Chooses some of `entries` at random.
fn some<K>(mut entries: Vec<K>) -> Vec<K> {
    let mut random = Random::new();
    for chosen in 0..BATCH {
        let others = entries.len() - chosen;
        entries.swap(chosen, chosen + random.below(others as u64) as usize);
    }
    entries.truncate(BATCH);
    entries
}

/// A table, and the keys to be removed from it.
type Table = (SlotMap<DefaultKey, Box<Protocol>>, Vec<DefaultKey>);

/// The outcomes stand in a slotmap. Each is dropped when it is removed, as in a cancel.
fn remove(depth: usize) -> Work<Table> {
    let outcome = protocol();
    let fill = move || {
        let mut table = SlotMap::new();
        let keys = (0..depth).map(|_| table.insert(outcome.clone())).collect();
        (table, some(keys))
    };
    Work::new(BATCH, fill, |(table, keys)| {
        for &mut key in keys {
            black_box(black_box(&mut *table).remove(key));
        }
    })
}

fn cancel(depth: usize) -> Work<(Pump<()>, Vec<OperationId>)> {
    let fill = move || {
        let mut pump = Pump::new().expect("there are descriptors left");
        let operations = (0..depth).map(|_| look_up(&mut pump)).collect();
        (pump, some(operations))
    };
    Work::new(BATCH, fill, |(pump, operations)| {
        for &mut operation in operations {
            assert_eq!(black_box(&mut *pump).cancel(operation), Cancelled::Queued(1));
        }
    })
}

/// In and out of an empty table.
fn insert_and_remove() -> Work<()> {
    let outcome = protocol();
    let mut table = SlotMap::<DefaultKey, _>::new();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            let key = black_box(&mut table).insert(outcome.clone());
            black_box(black_box(&mut table).remove(key));
        }
    })
}

/// Into an empty queue and out of it.
fn start_and_cancel() -> Work<()> {
    let mut pump = Pump::new().expect("there are descriptors left");
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            let operation = look_up(black_box(&mut pump));
            assert_eq!(black_box(&mut pump).cancel(operation), Cancelled::Queued(1));
        }
    })
}

fn look_up(pump: &mut Pump<()>) -> OperationId {
    let window = pump.root_window();
    pump.lookup_protocol(window, ProtocolQuery::by_number(6)).expect("its window is open")
}

/// What the lookup tells.
fn protocol() -> Box<Protocol> {
    let mut pump = Pump::new().expect("there are descriptors left");
    look_up(&mut pump);
    match pump.next_message().map(|message| message.payload) {
        Some(Payload::Protocol(Ok(protocol))) => protocol,
        payload => panic!("TCP is known everywhere, but this came: {payload:?}"),
    }
}
