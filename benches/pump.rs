//! What a message costs, from this thread and from others, and a turn with nothing to do.

mod support;

use std::collections::VecDeque;
use std::hint::black_box;
use std::net::UdpSocket as StdUdpSocket;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use divan::Bencher;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use msgpump::{
    Budget, Family, HostQuery, Message, Payload, Protocol, ProtocolQuery, Pump, ResolverConfig, Settings, Timer,
};
use slotmap::{DefaultKey, SlotMap};
use support::{Work, ratio};

/// What is posted: 32 bytes, as in a Win32 message: target, number, two words.
type Words = [u64; 4];

fn words(number: usize) -> Words {
    [1, 0x400, 7, number as u64]
}

/// How many operations are measured at a time.
const BATCH: usize = 10_000;

/// How many operations are started before the first is taken.
const STARTS: usize = 100;

const IDLE_SOCKETS: usize = 1000;

fn main() {
    support::main(|| {
        for depth in [1, BATCH] {
            ratio(&format!("post::next_message, {depth} deep"), 2.5, || vec_deque(depth), || post_and_next(depth));
            ratio(&format!("post::get_message, {depth} deep"), 2.5, || vec_deque(depth), || post_and_get(depth));
        }
        for depth in [1, BATCH] {
            let name = format!("post::next_message, {depth} deep, beside a ring of messages");
            ratio(&name, 2.5, || vec_deque_of_messages(depth), || post_and_next(depth));
        }
        ratio("operation::timer", 3.0, || slotmap_and_vec_deque(|| ()), timer_of_no_delay);
        ratio("operation::protocol_lookup", 3.0, || slotmap_and_vec_deque(protocol()), protocol_lookup);
        ratio("turn::empty", 2.0, instant_now, empty_turn);
        ratio("turn::empty_with_sockets", 1.2, mio_poll, empty_turn_with_watched_sockets);
        // Their deadlines want a look at the clock, which mio's poll does without.
        ratio("turn::empty_with_lookups", f64::NAN, mio_poll, empty_turn_with_lookups);
        for threads in [1, 4] {
            let name = format!("burst::pump, {threads} threads");
            ratio(&name, 1.0, || channel_burst(threads), || pump_burst(threads));
        }
    });
}

/// Messages in, then out, on one thread.
#[divan::bench_group]
mod post {
    use super::*;

    #[divan::bench(args = [1, BATCH])]
    fn floor(bencher: Bencher, depth: usize) {
        vec_deque(depth).bench(bencher);
    }

    #[divan::bench(args = [1, BATCH])]
    fn next_message(bencher: Bencher, depth: usize) {
        post_and_next(depth).bench(bencher);
    }

    #[divan::bench(args = [1, BATCH])]
    fn get_message(bencher: Bencher, depth: usize) {
        post_and_get(depth).bench(bencher);
    }
}

#[divan::bench_group]
mod operation {
    use super::*;

    #[divan::bench]
    fn floor_of_timer(bencher: Bencher) {
        slotmap_and_vec_deque(|| ()).bench(bencher);
    }

    #[divan::bench]
    fn timer(bencher: Bencher) {
        timer_of_no_delay().bench(bencher);
    }

    #[divan::bench]
    fn floor_of_lookup(bencher: Bencher) {
        slotmap_and_vec_deque(protocol()).bench(bencher);
    }

    #[divan::bench]
    fn protocol_lookup(bencher: Bencher) {
        super::protocol_lookup().bench(bencher);
    }
}

#[divan::bench_group]
mod turn {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        instant_now().bench(bencher);
    }

    #[divan::bench]
    fn empty(bencher: Bencher) {
        empty_turn().bench(bencher);
    }

    #[divan::bench]
    fn floor_with_sockets(bencher: Bencher) {
        mio_poll().bench(bencher);
    }

    #[divan::bench]
    fn empty_with_sockets(bencher: Bencher) {
        empty_turn_with_watched_sockets().bench(bencher);
    }

    #[divan::bench]
    fn empty_with_lookups(bencher: Bencher) {
        empty_turn_with_lookups().bench(bencher);
    }
}

/// Posts of other threads.
#[divan::bench_group]
mod burst {
    use super::*;

    #[divan::bench(args = [1, 4])]
    fn floor(bencher: Bencher, threads: usize) {
        channel_burst(threads).bench(bencher);
    }

    #[divan::bench(args = [1, 4])]
    fn pump(bencher: Bencher, threads: usize) {
        pump_burst(threads).bench(bencher);
    }
}

fn vec_deque(depth: usize) -> Work<()> {
    let mut queue = VecDeque::new();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH / depth {
            for number in 0..depth {
                black_box(&mut queue).push_back(words(number));
            }
            for _ in 0..depth {
                black_box(&black_box(&mut queue).pop_front());
            }
        }
    })
}

/// The same messages, each with the window that it is for, in a ring that knows neither owners nor cancels.
fn vec_deque_of_messages(depth: usize) -> Work<()> {
    let window = pump::<Words>().open_window();
    let mut queue = VecDeque::new();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH / depth {
            for number in 0..depth {
                let message = || Message { window, operation: None, payload: Payload::Posted(words(number)) };
                black_box(&mut queue).extend(std::iter::once_with(message));
            }
            for _ in 0..depth {
                black_box(&black_box(&mut queue).pop_front());
            }
        }
    })
}

fn post_and_next(depth: usize) -> Work<()> {
    post_and(depth, |pump| pump.next_message())
}

fn post_and_get(depth: usize) -> Work<()> {
    post_and(depth, |pump| pump.get_message().expect("the system's wait works"))
}

fn post_and(depth: usize, take: impl Fn(&mut Pump<Words>) -> Option<Message<Words>> + 'static) -> Work<()> {
    let mut pump = pump::<Words>();
    let window = pump.open_window();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH / depth {
            for number in 0..depth {
                black_box(&mut pump).post(window, words(number)).expect("there is room");
            }
            for _ in 0..depth {
                black_box(&take(black_box(&mut pump)));
            }
        }
    })
}

/// What an operation is made of: a place in a table, an outcome, and a place in a queue.
fn slotmap_and_vec_deque<O: 'static>(outcome: impl Fn() -> O + 'static) -> Work<()> {
    let mut table = SlotMap::new();
    let mut queue = VecDeque::<(DefaultKey, O)>::new();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH / STARTS {
            for number in 0..STARTS {
                let key = black_box(&mut table).insert(words(number));
                black_box(&mut queue).push_back((key, outcome()));
            }
            while let Some((key, outcome)) = black_box(&mut queue).pop_front() {
                black_box(&table.remove(key));
                black_box(&outcome);
            }
        }
    })
}

/// Each batch of timers costs one turn, and so a look at the clock, more.
fn timer_of_no_delay() -> Work<()> {
    let mut pump = pump::<()>();
    let window = pump.open_window();
    let past = Instant::now();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH / STARTS {
            for _ in 0..STARTS {
                black_box(black_box(&mut pump).set_timer(window, Timer::at(past))).expect("its window is open");
            }
            let _ = pump.turn(Budget::no_wait()).expect("it asks nothing of the system");
            while let Some(message) = black_box(&mut pump).next_message() {
                black_box(&message);
            }
        }
    })
}

fn protocol_lookup() -> Work<()> {
    let mut pump = pump::<()>();
    let window = pump.open_window();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH / STARTS {
            for _ in 0..STARTS {
                let query = ProtocolQuery::by_number(6);
                black_box(black_box(&mut pump).lookup_protocol(window, query)).expect("its window is open");
            }
            while let Some(message) = black_box(&mut pump).next_message() {
                black_box(&message);
            }
        }
    })
}

/// Makes what the lookup that is measured tells.
fn protocol() -> impl Fn() -> Box<Protocol> {
    let mut pump = pump::<()>();
    let window = pump.open_window();
    pump.lookup_protocol(window, ProtocolQuery::by_number(6)).expect("its window is open");
    match pump.next_message().map(|message| message.payload) {
        Some(Payload::Protocol(Ok(protocol))) => move || protocol.clone(),
        payload => panic!("TCP is known everywhere, but this came: {payload:?}"),
    }
}

fn instant_now() -> Work<()> {
    Work::steady(BATCH, || {
        for _ in 0..BATCH {
            black_box(Instant::now());
        }
    })
}

fn empty_turn() -> Work<()> {
    let mut pump = pump::<()>();
    Work::steady(BATCH, move || {
        for _ in 0..BATCH {
            let _ = black_box(black_box(&mut pump).turn(Budget::no_wait()));
        }
        assert_eq!(pump.metrics().waits, 0, "an empty turn makes no system call");
    })
}

fn idle_sockets() -> Vec<UdpSocket> {
    let bind = |_| UdpSocket::bind(([127, 0, 0, 1], 0).into()).expect("the limit on open files is above 4,096");
    (0..IDLE_SOCKETS).map(bind).collect()
}

fn mio_poll() -> Work<()> {
    let mut poll = Poll::new().expect("there are descriptors left");
    let mut events = Events::with_capacity(256);
    let mut sockets = idle_sockets();
    for (number, socket) in sockets.iter_mut().enumerate() {
        poll.registry().register(socket, Token(number), Interest::READABLE).expect("it is registered once");
    }
    Work::steady(BATCH, move || {
        black_box(&sockets);
        for _ in 0..BATCH {
            black_box(black_box(&mut poll).poll(&mut events, Some(Duration::ZERO))).expect("the system's wait works");
        }
    })
}

fn empty_turn_with_watched_sockets() -> Work<()> {
    let mut pump = pump::<()>();
    let window = pump.open_window();
    for socket in idle_sockets() {
        pump.watch(window, socket, msgpump::Interest::READABLE).expect("the window is open");
    }
    empty_turns_that_ask(pump, ())
}

/// A thousand lookups wait for a name server that never answers.
fn empty_turn_with_lookups() -> Work<()> {
    let server = StdUdpSocket::bind("127.0.0.1:0").expect("there are descriptors left");
    let address = server.local_addr().expect("it is bound");
    let config =
        ResolverConfig::new([address]).with_timeout(Duration::from_secs(30)).with_lookups_in_flight_max(IDLE_SOCKETS);
    let settings = Settings::default().resolver(config).expect("all is within its limits");
    let mut pump = Pump::<()>::with_settings(settings).expect("there are descriptors left");
    let window = pump.open_window();
    for number in 0..IDLE_SOCKETS {
        let query = HostQuery::by_name(format!("host{number}.test.")).family(Family::V4);
        pump.lookup_host(window, query).expect("there is room in line");
    }
    while pump.metrics().sockets < IDLE_SOCKETS {
        let _ = pump.turn(Budget::no_wait()).expect("the system's wait works");
    }
    empty_turns_that_ask(pump, server)
}

/// Turns of a pump that finds nothing, each with one system call. `beside` lives as long.
fn empty_turns_that_ask(mut pump: Pump<()>, beside: impl Sized + 'static) -> Work<()> {
    Work::steady(BATCH, move || {
        black_box(&beside);
        let before = pump.metrics().waits;
        for _ in 0..BATCH {
            let _ = black_box(black_box(&mut pump).turn(Budget::no_wait()));
        }
        assert_eq!(pump.metrics().waits - before, BATCH as u64, "a turn makes one system call");
    })
}

fn channel_burst(threads: usize) -> Work<()> {
    let (sender, receiver) = crossbeam_channel::unbounded();
    burst(
        threads,
        move |words| sender.send((0, words)).expect("the receiver is there"),
        move || assert!(receiver.recv().is_ok()),
    )
}

fn pump_burst(threads: usize) -> Work<()> {
    let mut pump = pump::<Words>();
    let (window, poster) = (pump.open_window(), pump.poster());
    burst(
        threads,
        move |words| poster.post(window, words).expect("there is room"),
        move || assert!(pump.get_message().is_ok()),
    )
}

/// Each of `threads` posts its part of a batch as fast as it can, while this one takes what comes.
fn burst(threads: usize, post: impl Fn(Words) + Clone + Send + 'static, mut take: impl FnMut() + 'static) -> Work<()> {
    let starters: Vec<_> = (0..threads)
        .map(|_| {
            let (starter, start) = mpsc::channel();
            let post = post.clone();
            // Ends when its starter is dropped.
            thread::spawn(move || {
                for () in start {
                    (0..BATCH / threads).for_each(|number| post(words(number)));
                }
            });
            starter
        })
        .collect();
    Work::steady(BATCH, move || {
        for starter in &starters {
            starter.send(()).expect("the thread waits for it");
        }
        (0..BATCH).for_each(|_| take());
    })
}

fn pump<T>() -> Pump<T> {
    Pump::new().expect("there are descriptors left")
}
