//! Watched sources, connects and listening sockets, on loopback.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream as StdStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use msgpump::{
    Budget, Cancelled, Connect, ConnectFailure, Filter, Interest, Kind, Listen, Payload, Pump, Readiness, Settings,
    StartRefusal, TcpStream, Timer, WatchId,
};

fn pump() -> Pump<()> {
    Pump::new().expect("there are descriptors left")
}

/// A connection over loopback: one end for the pump, the other for the test.
fn pair() -> (TcpStream, StdStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let ours = StdStream::connect(listener.local_addr().expect("it is bound")).expect("somebody listens");
    let (theirs, _) = listener.accept().expect("somebody connected");
    (TcpStream::from_std(ours).expect("it can be made non-blocking"), theirs)
}

/// Waits for the next readiness of a watch.
fn ready<S>(pump: &mut Pump<()>, watch: WatchId<S>) -> Readiness {
    let message = pump.get_message_for(Filter::any().operation(watch)).expect("the wait works");
    match message.expect("nobody quits").payload {
        Payload::Ready(readiness) => readiness,
        other => panic!("{other:?}"),
    }
}

/// Lets the pump take in what has happened so far, and shows that it tells nothing.
///
/// What the test did to a socket of loopback before has reached the system when the call returned.
fn nothing_comes(pump: &mut Pump<()>) {
    for _ in 0..3 {
        let _ = pump.turn(Budget::no_wait()).expect("a turn that does not wait");
        assert!(pump.peek_message().is_none(), "{:?}", pump.peek_message());
    }
}

#[test]
fn a_source_is_told_once_until_it_is_armed_again_and_then_by_level() {
    let mut pump = pump();
    let window = pump.root_window();
    let (ours, mut theirs) = pair();
    let watch = pump.watch(window, ours, Interest::READABLE).expect("it can be watched");
    nothing_comes(&mut pump);
    theirs.write_all(b"ab").expect("there is room");
    assert!(ready(&mut pump, watch).is_readable());
    let mut byte = [0];
    pump.source(watch).expect("it is watched").read_exact(&mut byte).expect("two bytes are there");
    theirs.write_all(b"c").expect("there is room");
    nothing_comes(&mut pump);
    // Two bytes are unread: told again though nothing new came.
    pump.rearm(watch, Interest::READABLE).expect("it is watched");
    assert!(ready(&mut pump, watch).is_readable());
    let mut rest = [0; 8];
    assert_eq!(pump.source(watch).expect("it is watched").read(&mut rest).expect("two bytes are there"), 2);
    pump.rearm(watch, Interest::READABLE).expect("it is watched");
    nothing_comes(&mut pump);
}

#[cfg_attr(windows, ignore = "mio asks Windows again only once the source is armed again, which tells it by level")]
#[test]
fn what_happens_while_a_message_waits_is_merged_into_it() {
    let mut pump = pump();
    let window = pump.root_window();
    let (ours, mut theirs) = pair();
    let watch = pump.watch(window, ours, Interest::READABLE).expect("it can be watched");
    theirs.write_all(b"a").expect("there is room");
    while pump.peek_message().is_none() {
        let _ = pump.turn(Budget::wait_forever()).expect("the wait works");
    }
    drop(theirs);
    // Until the end of the stream is there too.
    loop {
        let _ = pump.turn(Budget::no_wait()).expect("a turn that does not wait");
        assert_eq!(pump.metrics().queued, 1);
        let Some(Payload::Ready(told)) = pump.peek_message().map(|message| &message.payload) else {
            panic!("its message waits")
        };
        if told.is_read_closed() {
            break;
        }
    }
    assert!(ready(&mut pump, watch).is_readable());
    nothing_comes(&mut pump);
}

#[test]
fn room_to_write_and_the_end_of_a_connection_are_told() {
    let mut pump = pump();
    let window = pump.root_window();
    let (ours, theirs) = pair();
    let watch = pump.watch(window, ours, Interest::READABLE | Interest::WRITABLE).expect("it can be watched");
    let told = ready(&mut pump, watch);
    assert!(told.is_writable() && !told.is_readable(), "{told:?}");
    drop(theirs);
    pump.rearm(watch, Interest::READABLE).expect("it is watched");
    let told = ready(&mut pump, watch);
    assert!(told.is_readable() && told.is_read_closed(), "{told:?}");
    assert_eq!(pump.source(watch).expect("it is watched").read(&mut [0]).expect("its end can be read"), 0);
}

#[test]
fn a_cancelled_watch_is_silent_also_in_the_batch_under_way_and_when_its_number_is_reused() {
    let mut pump = pump();
    let window = pump.root_window();
    for _ in 0..50 {
        let (first, mut their_first) = pair();
        let (second, mut their_second) = pair();
        let first = pump.watch(window, first, Interest::READABLE).expect("it can be watched");
        let second = pump.watch(window, second, Interest::READABLE).expect("it can be watched");
        their_first.write_all(b"x").expect("there is room");
        their_second.write_all(b"x").expect("there is room");
        // One of the two is worked on, the other stays in the batch.
        let _ = pump.turn(Budget::wait_forever().messages(1)).expect("the wait works");
        pump.cancel(first);
        pump.cancel(second);
        // The next sockets have the numbers that these had.
        let (third, mut their_third) = pair();
        let third = pump.watch(window, third, Interest::READABLE).expect("it can be watched");
        nothing_comes(&mut pump);
        their_third.write_all(b"y").expect("there is room");
        assert!(ready(&mut pump, third).is_readable());
        assert_eq!(pump.cancel(third), Cancelled::Pending);
        assert_eq!(pump.metrics().sockets, 0);
    }
}

#[test]
fn a_released_source_is_whole_and_silent() {
    let mut pump = pump();
    let window = pump.root_window();
    let (ours, mut theirs) = pair();
    let watch = pump.watch(window, ours, Interest::READABLE).expect("it can be watched");
    theirs.write_all(b"x").expect("there is room");
    while pump.peek_message().is_none() {
        let _ = pump.turn(Budget::wait_forever()).expect("the wait works");
    }
    let mut ours = pump.release(watch).expect("it is watched");
    nothing_comes(&mut pump);
    assert!(!pump.is_live(watch));
    assert!(pump.source(watch).is_none() && pump.release(watch).is_none());
    assert_eq!(pump.rearm(watch, Interest::READABLE).expect_err("it is over").kind(), ErrorKind::InvalidInput);
    let mut byte = [0];
    ours.read_exact(&mut byte).expect("what came is still there");
    let again = pump.watch(window, ours, Interest::WRITABLE).expect("it can be watched again");
    assert!(ready(&mut pump, again).is_writable());
}

/// Panics when it is dropped, unless a panic is under way.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a bomb was dropped");
        }
    }
}

/// The second of two payloads whose drop panics is left by the panic of the first, and goes with whatever is purged next.
#[test]
fn a_payload_whose_drop_panics_keeps_no_source_from_being_released() {
    let mut pump = Pump::<Bomb>::new().expect("there are descriptors left");
    let window = pump.open_window();
    let watch = pump.watch(pump.root_window(), pair().0, Interest::READABLE).expect("it can be watched");
    for _ in 0..2 {
        assert!(pump.post(window, Bomb).is_ok());
    }
    catch_unwind(AssertUnwindSafe(|| pump.destroy_window(window))).expect_err("the first bomb goes off");
    catch_unwind(AssertUnwindSafe(|| pump.release(watch))).expect_err("the second bomb goes off");
    assert_eq!((pump.metrics().sockets, pump.metrics().operations), (0, 0));
}

#[cfg(unix)]
#[test]
fn a_descriptor_of_somebody_else_is_watched_and_stays_theirs() {
    use std::fs::File;
    let mut pump = pump();
    let window = pump.root_window();
    let (mut reader, mut writer) = std::io::pipe().expect("there are descriptors left");
    let watch = pump.watch_descriptor(window, &reader, Interest::READABLE).expect("it can be watched");
    // Twice is no fault: each has a duplicate of its own.
    let twin = pump.watch_descriptor(window, &reader, Interest::READABLE).expect("it can be watched");
    writer.write_all(b"x").expect("there is room");
    assert!(ready(&mut pump, watch).is_readable());
    assert!(ready(&mut pump, twin).is_readable());
    let mut byte = [0];
    reader.read_exact(&mut byte).expect("it is still ours");
    // Closed by its owner, and its number given to another, before the watch ends.
    drop(reader);
    let (other, mut other_writer) = std::io::pipe().expect("there are descriptors left");
    let other_watch = pump.watch_descriptor(window, &other, Interest::READABLE).expect("it can be watched");
    pump.cancel(watch);
    pump.cancel(twin);
    other_writer.write_all(b"y").expect("there is room");
    assert!(ready(&mut pump, other_watch).is_readable());
    let file = File::open(std::env::current_exe().expect("this program has a path")).expect("it can be read");
    let refused = pump.watch_descriptor(window, &file, Interest::READABLE).expect_err("a file is always ready");
    match cfg!(target_os = "linux") {
        true => assert_eq!(refused.refusal, StartRefusal::NoWait),
        false => assert!(matches!(refused.refusal, StartRefusal::System { .. }), "{refused}"),
    }
}

/// A source with a fault in code of its own: where it is watched, or where it is let go.
#[derive(PartialEq)]
enum Faulty {
    Register,
    Deregister,
}

impl msgpump::EventSource for Faulty {
    fn register(&mut self, _: &mio::Registry, _: mio::Token, _: mio::Interest) -> std::io::Result<()> {
        assert!(*self != Faulty::Register, "on purpose");
        Ok(())
    }

    fn reregister(&mut self, _: &mio::Registry, _: mio::Token, _: mio::Interest) -> std::io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &mio::Registry) -> std::io::Result<()> {
        assert!(*self != Faulty::Deregister, "on purpose");
        Ok(())
    }
}

#[test]
fn a_source_that_panics_when_it_is_watched_leaves_nothing() {
    let mut pump = pump();
    let window = pump.open_window();
    let watch = AssertUnwindSafe(|| pump.watch(window, Faulty::Register, Interest::READABLE).map(drop).map_err(drop));
    catch_unwind(watch).expect_err("its panic passes through");
    assert_eq!((pump.metrics().operations, pump.metrics().sockets), (0, 0));
    let (ours, mut theirs) = pair();
    let watch = pump.watch(window, ours, Interest::READABLE).expect("it can be watched");
    theirs.write_all(b"x").expect("there is room");
    assert!(ready(&mut pump, watch).is_readable());
}

#[test]
fn a_source_that_panics_when_it_is_let_go_is_over_and_the_rest_stays_whole() {
    let mut pump = pump();
    let window = pump.open_window();
    let faulty = |pump: &mut Pump<()>| {
        let watch = pump.watch(window, Faulty::Deregister, Interest::READABLE);
        watch.unwrap_or_else(|error| panic!("{}", error.refusal))
    };
    let watch = faulty(&mut pump);
    let timer = pump.set_timer(window, Timer::every(Duration::from_nanos(1))).expect("the window is open");
    catch_unwind(AssertUnwindSafe(|| pump.cancel(watch))).expect_err("its panic passes through");
    assert_eq!((pump.is_live(watch), pump.cancel(watch)), (false, Cancelled::Over));
    assert_eq!((pump.is_live(timer), pump.metrics().operations, pump.metrics().sockets), (true, 1, 0));
    faulty(&mut pump);
    catch_unwind(AssertUnwindSafe(|| pump.destroy_window(window))).expect_err("its panic passes through");
    assert!(pump.destroy_window(window).is_some(), "what was left can be swept");
    assert_eq!((pump.is_live(timer), pump.has_window(window), pump.metrics().operations), (false, false, 0));
    let _ = pump.turn(Budget::no_wait()).expect("a turn that does not wait");
    assert!(pump.next_message().is_none());
}

#[test]
fn a_source_that_is_refused_comes_back() {
    let mut pump = pump();
    let window = pump.open_window();
    let (ours, theirs) = pair();
    let address = ours.local_addr().expect("it is connected");
    pump.destroy_window(window);
    let refused = pump.watch(window, ours, Interest::READABLE).expect_err("the window is destroyed");
    assert_eq!(refused.refusal, StartRefusal::NoSuchWindow(window));
    assert_eq!(refused.argument.local_addr().expect("it is whole"), address);
    drop(theirs);
}

#[test]
fn connections_come_in_and_carry_bytes_both_ways() {
    let mut pump = pump();
    let (server, client) = (pump.open_window(), pump.open_window());
    let listening = pump.listen(server, Listen::on(([127, 0, 0, 1], 0))).expect("loopback has ports");
    let address = pump.listening_address(listening).expect("it listens");
    pump.connect(client, Connect::to(format!("localhost:{}", address.port()))).expect("the window is open");
    let (mut accepted, mut connected) = (None, None);
    while accepted.is_none() || connected.is_none() {
        match pump.get_message().expect("the wait works").expect("nobody quits").payload {
            Payload::Accepted(arrival) => accepted = Some(*arrival),
            Payload::Connected(result) => connected = Some(result.expect("somebody listens")),
            other => panic!("{other:?}"),
        }
    }
    let (accepted, connected) = (accepted.expect("it came"), connected.expect("it came"));
    assert_eq!(connected.peer, address);
    assert_eq!(accepted.peer, connected.stream.local_addr().expect("it is connected"));
    let watch = pump.watch(server, accepted.stream, Interest::READABLE).expect("it can be watched");
    (&connected.stream).write_all(b"ping").expect("there is room");
    assert!(ready(&mut pump, watch).is_readable());
    let mut text = [0; 4];
    pump.source(watch).expect("it is watched").read_exact(&mut text).expect("four bytes are there");
    assert_eq!(&text, b"ping");
}

#[test]
fn a_refused_connect_tells_what_each_address_answered() {
    let mut pump = pump();
    let window = pump.root_window();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
        listener.local_addr().expect("it is bound")
    };
    pump.connect(window, Connect::from(closed)).expect("the window is open");
    let Payload::Connected(Err(error)) = pump.get_message().expect("the wait works").expect("nobody quits").payload
    else {
        panic!("nobody listens")
    };
    assert_eq!(*error.failure(), ConnectFailure::AllFailed);
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(error.attempts().len(), 1);
    assert_eq!(error.attempts()[0].address, closed);
    assert!(error.to_string().contains(&closed.to_string()), "{error}");
    assert_eq!(pump.metrics().sockets, 0);
}

#[test]
fn what_is_no_target_is_told_in_the_message_and_a_deadline_of_nothing_is_refused() {
    let mut pump = pump();
    let window = pump.root_window();
    for (target, is_expected) in [
        ("example.org", (|failure| matches!(failure, ConnectFailure::MalformedTarget)) as fn(&ConnectFailure) -> bool),
        ("localhost:no-such-service", |failure| matches!(failure, ConnectFailure::Lookup(_))),
        ("a..b:80", |failure| matches!(failure, ConnectFailure::Lookup(_))),
    ] {
        pump.connect(window, Connect::to(target)).expect("the window is open");
        let message = pump.get_message().expect("the wait works").expect("nobody quits");
        let Payload::Connected(Err(error)) = message.payload else { panic!("{message:?}") };
        assert!(is_expected(error.failure()), "{target}: {error}");
        assert_eq!(error.target(), target);
    }
    let connect = Connect::to("localhost:80").deadline(Duration::ZERO);
    let refused = pump.connect(window, connect.clone()).expect_err("it has no time");
    assert_eq!((refused.argument, refused.refusal), (connect, StartRefusal::ZeroDeadline));
}

#[test]
fn a_cancelled_connect_closes_its_socket_and_is_silent() {
    let mut pump = pump();
    let window = pump.root_window();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    for turns in 0..3 {
        let connect = pump.connect(window, Connect::from(address)).expect("the window is open");
        for _ in 0..turns {
            let _ = pump.turn(Budget::no_wait()).expect("a turn that does not wait");
        }
        assert!(matches!(pump.cancel(connect), Cancelled::Pending | Cancelled::Queued(1)));
        assert_eq!(pump.metrics().sockets, 0);
        nothing_comes(&mut pump);
    }
}

#[test]
fn a_listener_accepts_no_more_than_may_wait_and_goes_on_when_one_is_taken() {
    let mut pump = pump();
    let window = pump.root_window();
    let listening = pump.listen(window, Listen::on(([127, 0, 0, 1], 0)).undelivered(2)).expect("loopback has ports");
    let address = pump.listening_address(listening).expect("it listens");
    let theirs: Vec<_> = (0..5).map(|_| StdStream::connect(address).expect("it listens")).collect();
    for _ in 0..5 {
        let _ = pump.turn(Budget::no_wait()).expect("a turn that does not wait");
        assert!(pump.metrics().queued <= 2);
    }
    let mut peers = Vec::<SocketAddr>::new();
    for _ in 0..5 {
        let message = pump.get_message().expect("the wait works").expect("nobody quits");
        let Payload::Accepted(accepted) = message.payload else { panic!("{message:?}") };
        peers.push(accepted.peer);
    }
    let expected: Vec<_> = theirs.iter().map(|stream| stream.local_addr().expect("it is connected")).collect();
    assert_eq!(peers, expected);
    assert_eq!(pump.cancel(listening), Cancelled::Pending);
    StdStream::connect(address).expect_err("nobody listens any more");
    nothing_comes(&mut pump);
}

#[cfg(target_os = "linux")]
#[test]
fn a_burst_of_connections_waits_in_the_systems_queue() {
    let mut pump = pump();
    let window = pump.root_window();
    let listening = pump.listen(window, Listen::on(([127, 0, 0, 1], 0))).expect("loopback has ports");
    let address = pump.listening_address(listening).expect("it listens");
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux tells its limit");
    let burst = limit.trim().parse::<usize>().expect("it is a number").min(400);
    let patience = Duration::from_millis(900); // a connection that was dropped is tried again after a second
    let theirs = (0..burst).map(|_| StdStream::connect_timeout(&address, patience).expect("there is room"));
    assert_eq!(theirs.collect::<Vec<_>>().len(), burst);
    for _ in 0..burst {
        let message = pump.get_message().expect("the wait works").expect("nobody quits");
        assert!(matches!(message.payload, Payload::Accepted(_)), "{message:?}");
    }
}

#[test]
fn an_address_in_use_is_refused_with_the_systems_reason() {
    let mut pump = pump();
    let window = pump.root_window();
    let listening = pump.listen(window, Listen::on(([127, 0, 0, 1], 0))).expect("loopback has ports");
    let address = pump.listening_address(listening).expect("it listens");
    let refused = pump.listen(window, Listen::on(address)).expect_err("it is in use");
    assert!(matches!(refused.refusal, StartRefusal::System { kind: ErrorKind::AddrInUse, .. }), "{refused}");
    assert!(refused.to_string().starts_with(&format!("listening on {address}: ")), "{refused}");
    assert!(!refused.to_string()["listening".len()..].contains("listening"), "said once: {refused}");
    assert_eq!(refused.argument, Listen::on(address));
}

#[test]
fn sockets_and_timers_come_side_by_side() {
    let mut pump = pump();
    let window = pump.root_window();
    let (ours, mut theirs) = pair();
    let watch = pump.watch(window, ours, Interest::READABLE).expect("it can be watched");
    pump.set_timer(window, Timer::every(Duration::from_millis(1))).expect("the window is open");
    // The source is never read: by level it is ready each time it is armed.
    theirs.write_all(b"x").expect("there is room");
    let (mut ticks, mut told) = (0, 0);
    while ticks < 5 || told < 5 {
        match pump.get_message().expect("the wait works").expect("nobody quits") {
            message if message.payload.kind() == Kind::Tick => ticks += 1,
            _ => {
                told += 1;
                pump.rearm(watch, Interest::READABLE).expect("it is watched");
            }
        }
    }
}

/// Nothing would be lost, but it would come only when no socket is ready any more.
#[test]
fn ready_sockets_leave_results_of_other_threads_their_share_also_while_the_queue_is_full() {
    let mut pump = Pump::with_settings(Settings::default().queue_capacity(1)).expect("descriptors are left");
    let window = pump.root_window();
    pump.post(window, ()).expect("there is room for one");
    let connections: Vec<_> = (0..32).map(|_| pair()).collect();
    let mut theirs = Vec::new();
    for (ours, mut other) in connections {
        pump.watch(window, ours, Interest::READABLE).expect("it can be watched");
        other.write_all(b"x").expect("the connection lives");
        theirs.push(other);
    }
    let (work, completer) = pump.start_external::<u8>(window).expect("the window is open");
    completer.complete(7).expect("it is wanted");
    for _ in 0..3 {
        pump.turn(Budget::no_wait().messages(1)).expect("the wait works");
    }
    let result = pump.next_message_for(Filter::any().operation(work));
    assert!(result.is_some(), "{:?}", pump.metrics());
}
