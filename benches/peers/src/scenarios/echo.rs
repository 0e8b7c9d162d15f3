//! An echo server with many quiet and some busy connections, and a client that never sleeps in a process of its own.
//!
//! The shape is how many connections are quiet and how many busy. Client and server each want a whole CPU.

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use msgpump::{Interest, Listen, Payload, Pump};

use crate::foreign::epoll::{Epoll, READABLE};
use crate::foreign::{libev, libevent, libuv, system};
use crate::scenario::{Peer, Scenario, Unit, calls, column};
use crate::task::{Stopwatch, Task};

pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "echo",
    title: "An echo server with 1,000 quiet and 100 busy connections, 64 bytes at a time",
    peers: PEERS,
    columns: &[
        column("cpu", "CPU an echo", Unit::Nanoseconds),
        column("rate", "echoes a second", Unit::Number),
        column("busy", "server busy", Unit::Percent),
        column("round trip p50", "round trip", Unit::Nanoseconds),
        calls("system calls an echo"),
        column("allocations", "allocations an echo", Unit::Number),
    ],
    operations: [120_000, 60_000],
    shape: [1000, 100],
    ..Scenario::PLAIN
}];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "listen, watch; read until short, rearm", with_pump),
    Peer::new("floor-epoll", "level-triggered, read until short", with_epoll),
    Peer::new("mio", "edge-triggered, read until short", with_mio),
    Peer::new("calloop", "Generic, level-triggered, read until short", with_calloop),
    Peer::new("tokio", "a task for each connection", with_tokio),
    Peer::new("smol", "a task for each connection", with_smol),
    Peer::new("glib", "a source for each connection, read until short", with_glib),
    Peer::new("libuv", "uv_tcp, uv_try_write", with_libuv),
    Peer::new("libevent", "an event for each connection, read until short", with_libevent),
    Peer::new("libev", "a watcher for each connection, read until short", with_libev),
];

/// What the client's program is called by.
pub const CLIENT: &str = "--echo-client";

/// What a server is measured by: from the last connection that opens to the first that closes.
struct Meter {
    task: &'static Task,
    client: Child,
    stopwatch: Option<Stopwatch<'static>>,
    spent: Option<crate::task::Spent>,
}

thread_local! {
    static OPENED: Cell<usize> = const { Cell::new(0) };
    static CLOSED: Cell<usize> = const { Cell::new(0) };
    static METER: std::cell::RefCell<Option<Meter>> = const { std::cell::RefCell::new(None) };
}

fn total(task: &Task) -> usize {
    task.shape.iter().sum()
}

fn opened() {
    OPENED.set(OPENED.get() + 1);
    METER.with_borrow_mut(|meter| {
        let meter = meter.as_mut().expect("it is set before anybody connects");
        if OPENED.get() == total(meter.task) {
            meter.stopwatch = Some(meter.task.start());
        }
    });
}

fn closed() {
    CLOSED.set(CLOSED.get() + 1);
    if CLOSED.get() == 1 {
        METER.with_borrow_mut(|meter| {
            let meter = meter.as_mut().expect("it is set before anybody connects");
            meter.spent = meter.stopwatch.take().map(Stopwatch::stop);
        });
    }
}

fn are_all_closed() -> bool {
    METER.with_borrow(|meter| meter.as_ref().is_some_and(|meter| CLOSED.get() == total(meter.task)))
}

extern "C" fn opened_in_c(_: u64) {
    opened();
}

extern "C" fn closed_in_libuv(_: u64) {
    closed();
    if are_all_closed() {
        libuv::stop();
    }
}

extern "C" fn closed_in_libevent(_: u64) {
    closed();
    if are_all_closed() {
        libevent::stop();
    }
}

extern "C" fn closed_in_libev(_: u64) {
    closed();
    if are_all_closed() {
        libev::stop();
    }
}

/// Listens, starts the client, and has `serve` serve it until all its connections are closed.
fn measure(task: &'static Task, serve: impl FnOnce(TcpListener)) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    system::listen_longer(&listener, 1024);
    listener.set_nonblocking(true).expect("the system does it");
    let port = listener.local_addr().expect("it is bound").port();
    measure_at(task, port, || serve(listener));
}

/// As [`measure`], for who listens by itself.
fn measure_at(task: &'static Task, port: u16, serve: impl FnOnce()) {
    let [quiet, busy] = task.shape;
    let client = Command::new(std::env::current_exe().expect("it runs"))
        .args([CLIENT.to_owned(), port.to_string(), quiet.to_string(), busy.to_string(), task.operations.to_string()])
        .stdout(Stdio::piped())
        .spawn();
    let client = client.expect("this program can be started");
    METER.set(Some(Meter { task, client, stopwatch: None, spent: None }));
    serve();
    let meter = METER.take().expect("it was set");
    let output = meter.client.wait_with_output().expect("it ends");
    let told = String::from_utf8(output.stdout).expect("it writes numbers");
    let told: Vec<u64> = told.split_whitespace().map(|number| number.parse().expect("it is a number")).collect();
    let [echoes, wall, round_trip] = told[..] else { panic!("the client failed") };
    let spent = meter.spent.expect("there were connections");
    task.report_cost(spent, echoes as usize);
    if !task.is_counting {
        task.report("rate", echoes as f64 / (wall as f64 / 1e9));
        task.report("busy", spent.cpu as f64 / wall as f64 * 100.0);
        task.report("round trip p50", round_trip as f64);
    }
}

/// Echoes what has come; whether the connection is still open. After a short read nothing is left.
#[inline]
fn echo(mut stream: impl Read + Write) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(length) => {
                stream.write_all(&buffer[..length]).expect("there is room");
                if length < buffer.len() {
                    return true;
                }
            }
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

fn prepare(stream: &TcpStream) {
    stream.set_nonblocking(true).expect("the system does it");
    stream.set_nodelay(true).expect("the system does it");
}

fn with_pump(task: &'static Task) {
    let mut pump = Pump::<()>::new().expect("there are descriptors left");
    let window = pump.root_window();
    let listening = pump.listen(window, Listen::on(([127, 0, 0, 1], 0))).expect("loopback has ports");
    let port = pump.listening_address(listening).expect("it listens").port();
    let mut watches = std::collections::HashMap::new();
    measure_at(task, port, || {
        while !are_all_closed() {
            let message = pump.get_message().expect("the wait works").expect("nobody quits");
            match message.payload {
                Payload::Accepted(accepted) => {
                    accepted.stream.set_nodelay(true).expect("the system does it");
                    let watched = pump.watch(window, accepted.stream, Interest::READABLE);
                    let watch = watched.expect("the window is open");
                    watches.insert(watch.id(), watch);
                    opened();
                }
                Payload::Ready(_) => {
                    let watch = watches[&message.operation.expect("it is of a watch")];
                    let stream = pump.source(watch).expect("it is watched");
                    if echo(stream) {
                        pump.rearm(watch, Interest::READABLE).expect("it is watched");
                    } else {
                        closed();
                        pump.cancel(watch);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

fn with_epoll(task: &'static Task) {
    const LISTENER: u64 = u64::MAX;
    measure(task, |listener| {
        let mut epoll = Epoll::new();
        epoll.add(&listener, READABLE, LISTENER);
        let mut streams: Vec<Option<TcpStream>> = Vec::new();
        while !are_all_closed() {
            let ready: Vec<_> = epoll.wait(-1).collect();
            for ready in ready {
                if ready.number == LISTENER {
                    while let Ok((stream, _)) = listener.accept() {
                        prepare(&stream);
                        epoll.add(&stream, READABLE, streams.len() as u64);
                        streams.push(Some(stream));
                        opened();
                    }
                    continue;
                }
                let slot = &mut streams[ready.number as usize];
                if !echo(slot.as_ref().expect("it is open")) {
                    closed();
                    *slot = None;
                }
            }
        }
    });
}

fn with_mio(task: &'static Task) {
    const LISTENER: mio::Token = mio::Token(usize::MAX - 1);
    measure(task, |listener| {
        let mut poll = mio::Poll::new().expect("there are descriptors left");
        let mut listener = mio::net::TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, mio::Interest::READABLE).expect("the system does it");
        let mut streams: Vec<Option<mio::net::TcpStream>> = Vec::new();
        let mut events = mio::Events::with_capacity(256);
        while !are_all_closed() {
            poll.poll(&mut events, None).expect("the wait works");
            for event in &events {
                if event.token() == LISTENER {
                    while let Ok((mut stream, _)) = listener.accept() {
                        stream.set_nodelay(true).expect("the system does it");
                        let token = mio::Token(streams.len());
                        let registered = poll.registry().register(&mut stream, token, mio::Interest::READABLE);
                        registered.expect("the system does it");
                        streams.push(Some(stream));
                        opened();
                    }
                    continue;
                }
                let slot = &mut streams[event.token().0];
                if !echo(slot.as_mut().expect("it is open")) {
                    closed();
                    *slot = None;
                }
            }
        }
    });
}

fn with_calloop(task: &'static Task) {
    use calloop::generic::Generic;
    use calloop::{EventLoop, Interest, Mode, PostAction};
    measure(task, |listener| {
        let mut event_loop = EventLoop::<()>::try_new().expect("there are descriptors left");
        let handle = event_loop.handle();
        let source = Generic::new(listener, Interest::READ, Mode::Level);
        let accept = move |_, listener: &mut calloop::generic::NoIoDrop<TcpListener>, _: &mut ()| {
            while let Ok((stream, _)) = listener.accept() {
                prepare(&stream);
                let serve = |_, stream: &mut calloop::generic::NoIoDrop<TcpStream>, _: &mut ()| {
                    if echo(&**stream) {
                        return Ok(PostAction::Continue);
                    }
                    closed();
                    Ok(PostAction::Remove)
                };
                let source = Generic::new(stream, Interest::READ, Mode::Level);
                handle.insert_source(source, serve).expect("there is room");
                opened();
            }
            Ok(PostAction::Continue)
        };
        event_loop.handle().insert_source(source, accept).expect("there is room");
        while !are_all_closed() {
            event_loop.dispatch(None, &mut ()).expect("the wait works");
        }
    });
}

fn with_tokio(task: &'static Task) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    measure(task, |listener| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("there are descriptors left").block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("the system does it");
            let mut served = tokio::task::JoinSet::new();
            for _ in 0..total(task) {
                let (mut stream, _) = listener.accept().await.expect("somebody connects");
                stream.set_nodelay(true).expect("the system does it");
                served.spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                        stream.write_all(&buffer[..length]).await.expect("the client reads");
                    }
                    closed();
                });
                opened();
            }
            while served.join_next().await.is_some() {}
        });
    });
}

fn with_smol(task: &'static Task) {
    measure(task, |listener| {
        let executor = Rc::new(async_executor::LocalExecutor::new());
        let spawner = executor.clone();
        async_io::block_on(executor.run(async move {
            let listener = async_io::Async::new(listener).expect("the system does it");
            let mut served = Vec::new();
            for _ in 0..total(task) {
                let (mut stream, _) = listener.accept().await.expect("somebody connects");
                stream.get_ref().set_nodelay(true).expect("the system does it");
                served.push(spawner.spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                        stream.write_all(&buffer[..length]).await.expect("the client reads");
                    }
                    closed();
                }));
                opened();
            }
            for task in served {
                task.await;
            }
        }));
    });
}

fn with_glib(task: &'static Task) {
    let context = glib::MainContext::new();
    let run = || {
        measure(task, |listener| {
            let (number, accepting) = (listener.as_raw_fd(), context.clone());
            let accept = move |_, _| {
                while let Ok((stream, _)) = listener.accept() {
                    prepare(&stream);
                    attach_glib_source(stream, &accepting);
                    opened();
                }
                glib::ControlFlow::Continue
            };
            let readable = glib::IOCondition::IN;
            glib_unix::fd_source_new(number, readable, None, glib::Priority::DEFAULT, accept).attach(Some(&context));
            while !are_all_closed() {
                context.iteration(true);
            }
        });
    };
    context.with_thread_default(run).expect("it is nobody else's");
}

fn attach_glib_source(stream: TcpStream, context: &glib::MainContext) {
    let number = stream.as_raw_fd();
    let serve = move |_, _| {
        if echo(&stream) {
            return glib::ControlFlow::Continue;
        }
        closed();
        glib::ControlFlow::Break
    };
    let conditions = glib::IOCondition::IN | glib::IOCondition::HUP;
    glib_unix::fd_source_new(number, conditions, None, glib::Priority::DEFAULT, serve).attach(Some(context));
}

fn with_libuv(task: &'static Task) {
    measure(task, |listener| {
        libuv::echo(listener.into_raw_fd(), opened_in_c, closed_in_libuv);
        libuv::run();
    });
}

fn with_libevent(task: &'static Task) {
    measure(task, |listener| {
        libevent::open(false, false);
        libevent::echo(listener.into_raw_fd(), opened_in_c, closed_in_libevent);
        libevent::run();
    });
}

fn with_libev(task: &'static Task) {
    measure(task, |listener| {
        libev::echo(listener.into_raw_fd(), opened_in_c, closed_in_libev);
        libev::run();
    });
}

/// The client: connects, sends 64 bytes over each busy connection, and again whenever they have come back.
///
/// Takes a port, how many connections are quiet and busy, and how many echoes it wants; prints how many it had, how
/// long that took, and the median round trip.
pub fn run_client(arguments: &[String]) {
    let numbers: Vec<u64> = arguments.iter().map(|number| number.parse().expect("it is a number")).collect();
    let [port, quiet, busy, wanted] = numbers[..] else { panic!("four numbers are wanted") };
    let connect = |_| {
        let stream = TcpStream::connect(("127.0.0.1", port as u16)).expect("the server listens");
        prepare(&stream);
        stream
    };
    let _quiet: Vec<_> = (0..quiet).map(connect).collect();
    let busy: Vec<_> = (0..busy).map(connect).collect();
    let mut epoll = Epoll::new();
    for (index, stream) in busy.iter().enumerate() {
        epoll.add(stream, READABLE, index as u64);
    }
    // Until the server has accepted all.
    std::thread::sleep(Duration::from_millis(100));
    let text = |index: usize, turn: u64| {
        let mut text = [index as u8; 64];
        text[..8].copy_from_slice(&turn.to_le_bytes());
        text
    };
    let began = system::now();
    let mut sent = vec![(0_u64, began); busy.len()];
    for (index, mut stream) in busy.iter().enumerate() {
        stream.write_all(&text(index, 0)).expect("there is room");
    }
    let mut round_trips = Vec::with_capacity(wanted as usize + busy.len());
    let mut under_way = busy.len();
    while under_way > 0 {
        // Never sleeps: nobody has to wake it, which would be the server's cost.
        for ready in epoll.wait(0) {
            let index = ready.number as usize;
            let (turn, since) = sent[index];
            let mut buffer = [0; 256];
            let length = (&busy[index]).read(&mut buffer).expect("the server echoes");
            assert_eq!(buffer[..length], text(index, turn), "an echo is what was sent");
            let now = system::now();
            round_trips.push(now - since);
            if (round_trips.len() as u64) < wanted {
                sent[index] = (turn + 1, now);
                (&busy[index]).write_all(&text(index, turn + 1)).expect("there is room");
            } else {
                under_way -= 1;
            }
        }
    }
    let wall = system::now() - began;
    round_trips.sort_unstable();
    println!("{} {wall} {}", round_trips.len(), round_trips[round_trips.len() / 2]);
}
