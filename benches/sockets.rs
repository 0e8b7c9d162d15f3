//! What a watched socket costs beside bare mio, and what it costs to start and cancel one.

mod support;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream as StdStream};

use divan::Bencher;
use mio::net::TcpStream as MioStream;
use mio::{Events, Interest as MioInterest, Poll, Token};
use msgpump::{Connect, Interest, Payload, Pump, TcpStream, WatchId};
use support::{Work, ratio};

/// How many sockets idle beside the one that is ready.
const IDLE: usize = 1000;

const CONNECTIONS: usize = 100;

/// Round trips over all connections together, measured at a time.
const ROUND_TRIPS: usize = 1000;

/// How often one ready socket is told, taken, read and armed again, measured at a time.
const WAKES: usize = 100;

/// Operations that are started and cancelled at a time.
const STARTS: usize = 10;

fn main() {
    support::main(|| {
        ratio("one_ready", 1.5, || mio_one_ready(IDLE), || pump_one_ready(IDLE));
        // At least 0.9 of its rate.
        ratio("echo", 1.0 / 0.9, mio_echo, pump_echo);
        for live in [0, IDLE] {
            let floor = || mio_register(live);
            ratio(&format!("start_cancel::watch, {live} live"), 3.0, floor, || watch_and_cancel(live));
            ratio(&format!("start_cancel::connect, {live} live"), 20.0, floor, || connect_and_cancel(live));
        }
    });
}

#[divan::bench_group]
mod one_ready {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        mio_one_ready(IDLE).bench(bencher);
    }

    #[divan::bench]
    fn pump(bencher: Bencher) {
        pump_one_ready(IDLE).bench(bencher);
    }
}

#[divan::bench_group]
mod echo {
    use super::*;

    #[divan::bench]
    fn floor(bencher: Bencher) {
        mio_echo().bench(bencher);
    }

    #[divan::bench]
    fn pump(bencher: Bencher) {
        pump_echo().bench(bencher);
    }
}

#[divan::bench_group]
mod start_cancel {
    use super::*;

    #[divan::bench(args = [0, IDLE])]
    fn watch(bencher: Bencher, live: usize) {
        watch_and_cancel(live).bench(bencher);
    }

    #[divan::bench(args = [0, IDLE])]
    fn connect(bencher: Bencher, live: usize) {
        connect_and_cancel(live).bench(bencher);
    }
}

/// Connections over loopback, each with its two ends, none of which blocks.
fn pairs(count: usize) -> Vec<(StdStream, StdStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    let pair = |_| {
        let near = StdStream::connect(address).expect("somebody listens");
        let (far, _) = listener.accept().expect("somebody connected");
        for stream in [&near, &far] {
            stream.set_nonblocking(true).expect("the system does it");
            stream.set_nodelay(true).expect("the system does it");
        }
        (near, far)
    };
    (0..count).map(pair).collect()
}

/// Reads until nothing more is there.
fn drain(mut stream: impl Read) -> usize {
    let (mut buffer, mut total) = ([0; 512], 0);
    loop {
        match stream.read(&mut buffer) {
            Ok(length) => total += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return total,
            Err(error) => panic!("{error}"),
        }
    }
}

struct Bare {
    poll: Poll,
    events: Events,
    streams: Vec<MioStream>,
}

impl Bare {
    fn new(streams: Vec<StdStream>) -> Bare {
        let poll = Poll::new().expect("there are descriptors left");
        let register = |(index, stream)| {
            let mut stream = MioStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), MioInterest::READABLE).expect("the system does it");
            stream
        };
        let streams = streams.into_iter().enumerate().map(register).collect();
        Bare { poll, events: Events::with_capacity(1024), streams }
    }
}

/// Write to one of many connections, wait, find it, read all of it: edge-triggered, as mio wants it.
fn mio_one_ready(idle: usize) -> Work<()> {
    let (near, mut far): (Vec<_>, Vec<_>) = pairs(idle + 1).into_iter().unzip();
    let mut bare = Bare::new(near);
    Work::steady(WAKES, move || {
        for wake in 0..WAKES {
            let index = wake * 7 % far.len();
            far[index].write_all(b"x").expect("there is room");
            bare.poll.poll(&mut bare.events, None).expect("the wait works");
            for event in &bare.events {
                assert_eq!(drain(&bare.streams[event.token().0]), 1);
            }
        }
    })
}

struct Watched {
    pump: Pump<()>,
    watches: Vec<WatchId<TcpStream>>,
}

impl Watched {
    fn new(streams: Vec<StdStream>) -> Watched {
        let mut pump = Pump::new().expect("there are descriptors left");
        let window = pump.root_window();
        let watch = |stream| {
            let stream = TcpStream::from_std(stream).expect("the system does it");
            pump.watch(window, stream, Interest::READABLE).expect("the window is open")
        };
        let watches = streams.into_iter().map(watch).collect();
        Watched { pump, watches }
    }

    /// The watch whose source is ready.
    fn ready(&mut self) -> WatchId<TcpStream> {
        let message = self.pump.get_message().expect("the wait works").expect("nobody quits");
        assert!(matches!(message.payload, Payload::Ready(_)));
        // As a program would, by a table of its own: the watches were started in a row.
        let place = self.watches.binary_search_by_key(&message.operation, |watch| Some(watch.id()));
        self.watches[place.expect("it is one of ours")]
    }
}

/// The same with the pump: the message says that it is ready, one read, and it is armed again by level.
fn pump_one_ready(idle: usize) -> Work<()> {
    let (near, mut far): (Vec<_>, Vec<_>) = pairs(idle + 1).into_iter().unzip();
    let mut watched = Watched::new(near);
    Work::steady(WAKES, move || {
        for wake in 0..WAKES {
            let index = wake * 7 % far.len();
            far[index].write_all(b"x").expect("there is room");
            let watch = watched.ready();
            let source = watched.pump.source(watch).expect("it is watched");
            assert_eq!(source.read(&mut [0; 512]).expect("a byte is there"), 1);
            watched.pump.rearm(watch, Interest::READABLE).expect("it is watched");
        }
    })
}

/// Round trips over all connections at a time: the near ends are the test's, the far ends echo.
fn mio_echo() -> Work<()> {
    let (near, far): (Vec<_>, Vec<_>) = pairs(CONNECTIONS).into_iter().unzip();
    let mut bare = Bare::new(far);
    Work::steady(ROUND_TRIPS, move || {
        for _ in 0..ROUND_TRIPS / CONNECTIONS {
            near.iter().for_each(|mut stream| stream.write_all(b"ping").expect("there is room"));
            let mut echoed = 0;
            while echoed < CONNECTIONS {
                bare.poll.poll(&mut bare.events, None).expect("the wait works");
                for event in &bare.events {
                    let mut stream = &bare.streams[event.token().0];
                    let mut buffer = [0; 512];
                    loop {
                        match stream.read(&mut buffer) {
                            Ok(length) => {
                                stream.write_all(&buffer[..length]).expect("there is room");
                                echoed += 1;
                            }
                            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            }
            near.iter().for_each(|stream| assert_eq!(drain(stream), 4));
        }
    })
}

fn pump_echo() -> Work<()> {
    let (near, far): (Vec<_>, Vec<_>) = pairs(CONNECTIONS).into_iter().unzip();
    let mut watched = Watched::new(far);
    Work::steady(ROUND_TRIPS, move || {
        for _ in 0..ROUND_TRIPS / CONNECTIONS {
            near.iter().for_each(|mut stream| stream.write_all(b"ping").expect("there is room"));
            for _ in 0..CONNECTIONS {
                let watch = watched.ready();
                let source = watched.pump.source(watch).expect("it is watched");
                let mut buffer = [0; 512];
                let length = source.read(&mut buffer).expect("it is ready");
                source.write_all(&buffer[..length]).expect("there is room");
                watched.pump.rearm(watch, Interest::READABLE).expect("it is watched");
            }
            near.iter().for_each(|stream| assert_eq!(drain(stream), 4));
        }
    })
}

/// The least that watching and leaving a socket costs: two system calls.
fn mio_register(live: usize) -> Work<()> {
    let mut streams: Vec<_> = pairs(live + 1).into_iter().map(|pair| pair.0).collect();
    let mut one = MioStream::from_std(streams.pop().expect("there is one more"));
    let bare = Bare::new(streams);
    Work::steady(STARTS, move || {
        for _ in 0..STARTS {
            let registry = bare.poll.registry();
            registry.register(&mut one, Token(usize::MAX), MioInterest::READABLE).expect("the system does it");
            registry.deregister(&mut one).expect("it is registered");
        }
    })
}

fn watch_and_cancel(live: usize) -> Work<()> {
    let mut streams: Vec<_> = pairs(live + 1).into_iter().map(|pair| pair.0).collect();
    let one = TcpStream::from_std(streams.pop().expect("there is one more")).expect("the system does it");
    let mut watched = Watched::new(streams);
    let (window, mut one) = (watched.pump.root_window(), Some(one));
    Work::steady(STARTS, move || {
        for _ in 0..STARTS {
            let source = one.take().expect("it came back");
            let watch = watched.pump.watch(window, source, Interest::READABLE).expect("the window is open");
            one = watched.pump.release(watch);
        }
    })
}

/// A socket is made, connected, registered and closed: system calls are nearly all of it.
fn connect_and_cancel(live: usize) -> Work<()> {
    let streams: Vec<_> = pairs(live).into_iter().map(|pair| pair.0).collect();
    let mut watched = Watched::new(streams);
    let window = watched.pump.root_window();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    Work::steady(STARTS, move || {
        for _ in 0..STARTS {
            let connect = watched.pump.connect(window, Connect::from(address)).expect("the window is open");
            watched.pump.cancel(connect);
        }
        listener.set_nonblocking(true).expect("the system does it");
        while listener.accept().is_ok() {}
    })
}
