//! What another thread's result costs beside a channel with a waker, and rows beside a plain iterator.

mod support;

use std::any::Any;
use std::hint::black_box;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use divan::Bencher;
use mio::{Events, Poll, Token, Waker};
use msgpump::{Completer, ExternalId, Payload, Pump, StreamSettings, Timer, items};
use support::{Work, ratio};

const ROWS: usize = 1_000_000;

/// Completions measured at a time.
const BURST: usize = 10_000;

/// Completions one at a time, measured at a time.
const SINGLES: usize = 100;

const STARTS: usize = 100;

/// How many other operations live while some are started and cancelled.
const LIVE: usize = 10_000;

fn main() {
    support::main(|| {
        ratio("completion::one_at_a_time", 1.2, channel_one_at_a_time, pump_one_at_a_time);
        ratio("completion::burst", 1.2, || channel_burst(|number| number), pump_burst);
        // As results of every type have to.
        let name = "completion::burst, beside a channel of boxed results";
        ratio(name, 1.2, || channel_burst(|number| Box::new(number) as Box<dyn Any + Send>), pump_burst);
        ratio("rows::pump", f64::NAN, iterator, streamed_rows);
        for live in [0, LIVE] {
            ratio(&format!("start_cancel::external, {live} live"), 10.0, arcs, || external_and_cancel(live));
            ratio(&format!("start_cancel::stream, {live} live"), 10.0, arcs, || stream_and_cancel(live));
        }
        print_rows_beside_a_timer();
    });
}

#[divan::bench_group]
mod completion {
    use super::*;

    #[divan::bench]
    fn floor_one_at_a_time(bencher: Bencher) {
        channel_one_at_a_time().bench(bencher);
    }

    #[divan::bench]
    fn one_at_a_time(bencher: Bencher) {
        pump_one_at_a_time().bench(bencher);
    }

    #[divan::bench]
    fn floor_burst(bencher: Bencher) {
        channel_burst(|number| number).bench(bencher);
    }

    #[divan::bench]
    fn burst(bencher: Bencher) {
        pump_burst().bench(bencher);
    }
}

#[divan::bench_group]
mod rows {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        iterator().bench(bencher);
    }

    #[divan::bench]
    fn pump(bencher: Bencher) {
        streamed_rows().bench(bencher);
    }
}

#[divan::bench_group]
mod start_cancel {
    use super::*;

    #[divan::bench(args = [0, LIVE])]
    fn external(bencher: Bencher, live: usize) {
        external_and_cancel(live).bench(bencher);
    }

    #[divan::bench(args = [0, LIVE])]
    fn stream(bencher: Bencher, live: usize) {
        stream_and_cancel(live).bench(bencher);
    }
}

/// A channel whose sender wakes a mio poll for each item, as it must who knows nothing of the other side.
struct Channel<R> {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    results: crossbeam_channel::Receiver<R>,
    sender: crossbeam_channel::Sender<R>,
}

impl<R> Channel<R> {
    fn new() -> Channel<R> {
        let poll = Poll::new().expect("there are descriptors left");
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).expect("there are descriptors left"));
        let (sender, results) = crossbeam_channel::unbounded();
        Channel { poll, events: Events::with_capacity(16), waker, results, sender }
    }

    fn take(&mut self) -> R {
        loop {
            if let Ok(result) = self.results.try_recv() {
                return result;
            }
            self.poll.poll(&mut self.events, None).expect("the wait works");
        }
    }
}

/// Asks a worker for one result, sleeps, and takes it.
fn channel_one_at_a_time() -> Work<()> {
    let mut channel = Channel::new();
    let (ask, asked) = mpsc::channel::<u64>();
    let (sender, waker) = (channel.sender.clone(), channel.waker.clone());
    thread::spawn(move || {
        for number in asked {
            sender.send(number).expect("the receiver lives");
            waker.wake().expect("the poll lives");
        }
    });
    Work::steady(SINGLES, move || {
        for number in 0..SINGLES as u64 {
            ask.send(number).expect("the worker lives");
            assert_eq!(channel.take(), number);
        }
    })
}

fn pump_one_at_a_time() -> Work<()> {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let (ask, asked) = mpsc::channel::<(u64, Completer<u64>)>();
    thread::spawn(move || {
        for (number, completer) in asked {
            completer.complete(number).expect("it is wanted");
        }
    });
    Work::steady(SINGLES, move || {
        for number in 0..SINGLES as u64 {
            let (id, completer) = pump.start_external(window).expect("the window is open");
            ask.send((number, completer)).expect("the worker lives");
            assert_eq!(take(&mut pump, id), number);
        }
    })
}

fn take(pump: &mut Pump<()>, id: ExternalId<u64>) -> u64 {
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::External(mut external) = message.payload else { panic!("{message:?}") };
    external.of(id).expect("it is the one").expect("nobody gives up")
}

/// A worker sends many results, the other side takes them as they come.
fn channel_burst<R: Send + 'static>(result: fn(u64) -> R) -> Work<()> {
    let mut channel = Channel::new();
    let (ask, asked) = mpsc::channel::<()>();
    let (sender, waker) = (channel.sender.clone(), channel.waker.clone());
    thread::spawn(move || {
        for () in asked {
            // The kindest to it: one wake for the whole burst, once it is sent.
            (0..BURST as u64).for_each(|number| assert!(sender.send(result(number)).is_ok()));
            waker.wake().expect("the poll lives");
        }
    });
    Work::steady(BURST, move || {
        ask.send(()).expect("the worker lives");
        for _ in 0..BURST {
            black_box(channel.take());
        }
    })
}

fn pump_burst() -> Work<(Vec<ExternalId<u64>>, Vec<Completer<u64>>)> {
    let pump = std::rc::Rc::new(std::cell::RefCell::new(Pump::<()>::new().expect("there are descriptors left")));
    let (ask, asked) = mpsc::channel::<Vec<Completer<u64>>>();
    thread::spawn(move || {
        for completers in asked {
            for (number, completer) in completers.into_iter().enumerate() {
                completer.complete(number as u64).expect("it is wanted");
            }
        }
    });
    let starter = pump.clone();
    let prepare = move || {
        let mut pump = starter.borrow_mut();
        let window = pump.root_window();
        (0..BURST).map(|_| pump.start_external(window).expect("the window is open")).unzip()
    };
    Work::new(BURST, prepare, move |(ids, completers): &mut (Vec<ExternalId<u64>>, Vec<Completer<u64>>)| {
        let mut pump = pump.borrow_mut();
        ask.send(std::mem::take(completers)).expect("the worker lives");
        for (number, &id) in ids.iter().enumerate() {
            assert_eq!(take(&mut pump, id), number as u64);
        }
    })
}

/// A row as a query gives it: small, and not free to make.
fn row(number: usize) -> [u64; 4] {
    let number = number as u64;
    [number, number.wrapping_mul(0x9E37_79B9_7F4A_7C15), number >> 3, !number]
}

/// The plain iterator: every row is made and looked at.
fn iterator() -> Work<()> {
    Work::steady(ROWS, || {
        for row in (0..ROWS).map(row) {
            black_box(&row);
        }
    })
}

fn streamed_rows() -> Work<()> {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    Work::steady(ROWS, move || assert_eq!(take_rows(&mut pump, |_| {}), ROWS))
}

/// Takes a million rows, and hands every tick that comes between them to `tick`.
fn take_rows(pump: &mut Pump<()>, mut tick: impl FnMut(Instant)) -> usize {
    let window = pump.root_window();
    let id = pump.start_stream(window, items((0..ROWS).map(row)), StreamSettings::default());
    let id = id.expect("the window is open");
    let mut count = 0;
    loop {
        match pump.get_message().expect("the wait works").expect("nobody quits").payload {
            Payload::Batch(mut batch) => {
                for row in batch.of(id).expect("it is the only stream") {
                    black_box(&row);
                    count += 1;
                }
            }
            Payload::StreamEnd(_) => return count,
            Payload::Tick(_) => tick(Instant::now()),
            other => panic!("{other:?}"),
        }
    }
}

/// The longest gap of a timer at 60 Hz while millions of rows are taken.
fn print_rows_beside_a_timer() {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let period = Duration::from_micros(16_667);
    pump.set_timer(window, Timer::every(period)).expect("the window is open");
    let (mut last, mut longest, mut rows, start) = (None::<Instant>, Duration::ZERO, 0, Instant::now());
    while start.elapsed() < Duration::from_secs(2) {
        rows += take_rows(&mut pump, |now| {
            longest = longest.max(last.map_or(Duration::ZERO, |last| now - last));
            last = Some(now);
        });
    }
    let rate = rows as f64 / start.elapsed().as_secs_f64() / 1e6;
    println!("{rate:.0} million rows a second; longest gap of a 60 Hz tick beside them {longest:?}, period {period:?}");
}

/// The least that it costs to share with a thread: what is shared is allocated and freed.
fn arcs() -> Work<()> {
    Work::steady(STARTS, || {
        for number in 0..STARTS as u64 {
            black_box(Arc::new(std::sync::Mutex::new((number, number))));
        }
    })
}

fn external_and_cancel(live: usize) -> Work<()> {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let others: Vec<_> = (0..live).map(|_| pump.start_external::<u64>(window).expect("it is open")).collect();
    Work::steady(STARTS, move || {
        black_box(&others);
        for _ in 0..STARTS {
            let (id, completer) = pump.start_external::<u64>(window).expect("the window is open");
            pump.cancel(id);
            drop(completer);
        }
    })
}

fn stream_and_cancel(live: usize) -> Work<()> {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let start = move |pump: &mut Pump<()>| {
        pump.start_stream(window, items(0_u64..), StreamSettings::default()).expect("the window is open")
    };
    (0..live).for_each(|_| _ = start(&mut pump));
    Work::steady(STARTS, move || {
        for _ in 0..STARTS {
            let id = start(&mut pump);
            pump.cancel(id);
        }
    })
}
