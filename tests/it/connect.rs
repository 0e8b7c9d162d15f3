//! Connects on the virtual clock: RFC 8305 step by step, and streams of bytes by script.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use msgpump::simulation::{NameServer, Peer, Simulation};
use msgpump::{
    Budget, Cancelled, Connect, ConnectError, ConnectFailure, Connection, Family, Filter, Interest, Listen, Payload,
    Pump, ResolverConfig, Settings, TcpStream,
};

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 53], 53);
const NAME: &str = "www.example.org";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address and a port")
}

/// A stage with one name server that knows `addresses` for the name.
fn stage(addresses: &[&str]) -> (Simulation, Pump<()>) {
    let simulation = Simulation::new(1);
    let server = NameServer::new().host(NAME, addresses.iter().copied()).latency(Duration::ZERO);
    simulation.name_server(SERVER.into(), server);
    let settings = Settings::default().resolver(ResolverConfig::new([SERVER])).expect("it is within its limits");
    let pump = simulation.pump(settings);
    (simulation, pump)
}

fn start(pump: &mut Pump<()>, connect: Connect) -> Result<Connection, ConnectError> {
    let window = pump.root_window();
    pump.connect(window, connect).expect("the window is open");
    outcome(pump)
}

fn outcome(pump: &mut Pump<()>) -> Result<Connection, ConnectError> {
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    match message.payload {
        Payload::Connected(result) => result.map(|connection| *connection),
        other => panic!("{other:?}"),
    }
}

fn https() -> Connect {
    Connect::to(format!("{NAME}:443"))
}

#[test]
fn the_first_family_that_answers_wins_and_the_other_attempt_is_closed() {
    let (simulation, mut pump) = stage(&["2001:db8::1", "192.0.2.1"]);
    simulation.peer(address("[2001:db8::1]:443"), Peer::new().latency(Duration::from_millis(400)));
    simulation.peer(address("192.0.2.1:443"), Peer::new().latency(Duration::from_millis(100)));
    let connection = start(&mut pump, https()).expect("both answer");
    assert_eq!(connection.peer, address("192.0.2.1:443"));
    assert_eq!(connection.elapsed, Duration::from_millis(350), "250 until the second attempt, 100 for its answer");
    assert_eq!(simulation.open_sockets(), 1, "the winner's");
}

#[test]
fn a_quick_first_address_is_the_only_one_tried() {
    let (simulation, mut pump) = stage(&["2001:db8::1", "192.0.2.1"]);
    simulation.peer(address("[2001:db8::1]:443"), Peer::new().latency(Duration::from_millis(200)));
    simulation.peer(address("192.0.2.1:443"), Peer::new());
    let connection = start(&mut pump, https()).expect("both answer");
    assert_eq!(connection.peer, address("[2001:db8::1]:443"));
    assert!(connection.failed.is_empty());
}

#[test]
fn a_refusal_is_followed_at_once_by_the_other_family() {
    let (simulation, mut pump) = stage(&["2001:db8::1", "2001:db8::2", "192.0.2.1"]);
    simulation.peer(address("[2001:db8::1]:443"), Peer::new().refuses().latency(Duration::from_millis(10)));
    simulation.peer(address("192.0.2.1:443"), Peer::new().latency(Duration::from_millis(10)));
    let connection = start(&mut pump, https()).expect("one answers");
    assert_eq!(connection.peer, address("192.0.2.1:443"));
    assert_eq!(connection.elapsed, Duration::from_millis(20));
    assert_eq!(connection.failed.len(), 1);
    assert_eq!(connection.failed[0].error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_family_without_a_way_costs_no_time() {
    let (simulation, mut pump) = stage(&["2001:db8::1", "192.0.2.1"]);
    simulation.cut_off(Family::V6);
    simulation.peer(address("192.0.2.1:443"), Peer::new());
    let connection = start(&mut pump, https()).expect("one answers");
    assert_eq!(connection.peer, address("192.0.2.1:443"));
    assert_eq!(connection.elapsed, Duration::ZERO);
}

#[test]
fn when_nobody_answers_the_deadline_ends_it_and_says_who_was_silent() {
    let (simulation, mut pump) = stage(&["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
    simulation.peer(address("[2001:db8::1]:443"), Peer::new().is_silent());
    simulation.peer(address("192.0.2.1:443"), Peer::new().is_silent());
    let error = start(&mut pump, https().deadline(Duration::from_secs(5))).expect_err("nobody answers");
    assert_eq!(*error.failure(), ConnectFailure::TimedOut);
    assert_eq!(error.elapsed(), Duration::from_secs(5));
    let answers: Vec<_> = error.attempts().iter().map(|attempt| (attempt.address, attempt.error.kind())).collect();
    assert_eq!(
        answers,
        [
            (address("192.0.2.2:443"), ErrorKind::ConnectionRefused),
            (address("[2001:db8::1]:443"), ErrorKind::TimedOut),
            (address("192.0.2.1:443"), ErrorKind::TimedOut),
        ]
    );
    assert_eq!(simulation.open_sockets(), 0);
}

#[test]
fn a_dead_name_server_counts_against_the_deadline_too() {
    let (simulation, mut pump) = stage(&[]);
    simulation.name_server(SERVER.into(), NameServer::new().silent(100));
    let error = start(&mut pump, https().deadline(Duration::from_secs(2))).expect_err("no address is known");
    assert_eq!(*error.failure(), ConnectFailure::TimedOut);
    assert_eq!(simulation.elapsed(), Duration::from_secs(2));
    assert_eq!(simulation.open_sockets(), 0);
}

#[test]
fn a_name_that_does_not_exist_is_told_as_the_lookup_tells_it() {
    let (_simulation, mut pump) = stage(&["192.0.2.1"]);
    let error = start(&mut pump, Connect::to("nobody.example.org:80")).expect_err("there is no such name");
    assert!(matches!(error.failure(), ConnectFailure::Lookup(lookup) if lookup.server() == Some(SERVER.into())));
    assert!(error.attempts().is_empty());
}

#[test]
fn a_connect_cancelled_at_any_time_leaves_nothing() {
    for pause in [0, 5, 40, 260, 390, 401, 1000].map(Duration::from_millis) {
        let (simulation, mut pump) = stage(&["2001:db8::1", "192.0.2.1"]);
        simulation.name_server(
            SERVER.into(),
            NameServer::new().host(NAME, ["2001:db8::1", "192.0.2.1"]).latency(Duration::from_millis(10)),
        );
        simulation.peer(address("[2001:db8::1]:443"), Peer::new().latency(Duration::from_millis(390)));
        simulation.peer(address("192.0.2.1:443"), Peer::new().is_silent());
        let window = pump.root_window();
        let connect = pump.connect(window, https()).expect("the window is open");
        let until = simulation.elapsed() + pause;
        while simulation.elapsed() < until {
            let left = until - simulation.elapsed();
            let _ = pump.turn(Budget::wait(left)).expect("the wait works");
            if pump.peek_message().is_some() {
                break;
            }
        }
        let expected = if pause < Duration::from_millis(400) { Cancelled::Pending } else { Cancelled::Queued(1) };
        assert_eq!(pump.cancel(connect), expected, "after {pause:?}");
        assert_eq!(simulation.open_sockets(), 0, "after {pause:?}");
        assert_eq!(pump.next_deadline(), None, "after {pause:?}");
        simulation.advance(Duration::from_secs(100));
        let _ = pump.turn(Budget::no_wait()).expect("a turn that does not wait");
        assert!(pump.next_message().is_none());
    }
}

/// Reads what comes until the end, by readiness.
fn read_to_end(pump: &mut Pump<()>, stream: TcpStream) -> std::io::Result<Vec<u8>> {
    let window = pump.root_window();
    let watch = pump.watch(window, stream, Interest::READABLE).expect("it can be watched");
    let mut all = Vec::new();
    loop {
        let message = pump.get_message_for(Filter::any().operation(watch)).expect("the wait works");
        assert!(matches!(message.expect("nobody quits").payload, Payload::Ready(_)));
        let mut buffer = [0; 7];
        loop {
            match pump.source(watch).expect("it is watched").read(&mut buffer) {
                Ok(0) => return Ok(all),
                Ok(length) => all.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        pump.rearm(watch, Interest::READABLE).expect("it is watched");
    }
}

#[test]
fn a_scripted_peer_speaks_waits_and_closes() {
    let (simulation, mut pump) = stage(&[]);
    let peer = address("192.0.2.7:25");
    let minute = Duration::from_secs(60);
    simulation.peer(peer, Peer::new().receives(5).sends("220 ready").waits(minute).sends(" bye").closes());
    let connection = start(&mut pump, Connect::from(peer)).expect("it answers");
    (&connection.stream).write_all(b"HELO ").expect("it takes it");
    let text = read_to_end(&mut pump, connection.stream).expect("it ends well");
    assert_eq!(text, b"220 ready bye");
    assert_eq!(simulation.received(peer), b"HELO ");
    assert_eq!(simulation.elapsed(), minute);
}

#[test]
fn a_reset_is_an_error_to_the_reader() {
    let (simulation, mut pump) = stage(&[]);
    let peer = address("192.0.2.7:25");
    simulation.peer(peer, Peer::new().sends("22").waits(Duration::from_millis(1)).resets());
    let connection = start(&mut pump, Connect::from(peer)).expect("it answers");
    let error = read_to_end(&mut pump, connection.stream).expect_err("it is reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_program_that_listens_is_dialled_and_two_pumps_reach_each_other() {
    let (simulation, mut pump) = stage(&[]);
    let window = pump.root_window();
    let own = address("192.0.2.100:7");
    let listening = pump.listen(window, Listen::on(own)).expect("the address is free");
    simulation.dial(own, Peer::new().sends("hello").closes());
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::Accepted(accepted) = message.payload else { panic!("{message:?}") };
    assert_eq!(read_to_end(&mut pump, accepted.stream).expect("it ends well"), b"hello");

    let mut other = simulation.pump::<()>(Settings::default());
    let connection = start(&mut other, Connect::from(own)).expect("it listens");
    (&connection.stream).write_all(b"from the other pump").expect("there is room");
    drop(connection);
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    assert_eq!(message.operation, Some(listening));
    let Payload::Accepted(accepted) = message.payload else { panic!("{message:?}") };
    assert_eq!(read_to_end(&mut pump, accepted.stream).expect("it ends well"), b"from the other pump");
    drop(pump);
    assert_eq!(simulation.open_sockets(), 0);
}

#[test]
fn a_turn_that_accepted_its_share_says_that_there_is_more() {
    let (simulation, mut pump) = stage(&[]);
    let (window, own) = (pump.root_window(), address("192.0.2.100:7"));
    pump.listen(window, Listen::on(own).undelivered(1000)).expect("the address is free");
    (0..100).for_each(|_| simulation.dial(own, Peer::new()));
    let mut turns = 1;
    while pump.turn(Budget::no_wait()).expect("the wait works").more {
        turns += 1;
    }
    assert_eq!((pump.metrics().queued, turns), (100, 2));
}

/// As on a real machine: the end of what can be read is told to who wants to read.
#[test]
fn who_waits_for_room_is_not_told_again_and_again_that_nothing_more_will_come() {
    let (simulation, mut pump) = stage(&[]);
    let mut other = simulation.pump::<()>(Settings::default());
    let (window, own) = (pump.root_window(), address("192.0.2.100:7"));
    pump.listen(window, Listen::on(own)).expect("the address is free");
    let connection = start(&mut other, Connect::from(own)).expect("it listens");
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::Accepted(accepted) = message.payload else { panic!("{message:?}") };
    accepted.stream.shutdown(Shutdown::Write).expect("it is connected");
    while (&connection.stream).write(&[0; 4096]).is_ok() {
        other.turn(Budget::no_wait()).expect("the wait works");
    }
    let root = other.root_window();
    let watch = other.watch(root, connection.stream, Interest::WRITABLE).expect("it can be watched");
    let start = simulation.elapsed();
    for second in 1..=3 {
        other.rearm(watch, Interest::WRITABLE).expect("it is watched");
        other.turn(Budget::wait(Duration::from_secs(1))).expect("the wait works");
        assert!(other.next_message().is_none());
        assert_eq!(simulation.elapsed() - start, Duration::from_secs(second));
    }
    assert_eq!((&accepted.stream).read(&mut [0; 4096]).expect("there is something"), 4096);
    let message = other.get_message().expect("the wait works").expect("nobody quits");
    assert!(matches!(message.payload, Payload::Ready(readiness) if readiness.is_writable()));
}

#[test]
fn a_connection_holds_so_much_that_is_not_read_however_fast_it_is_written() {
    let (simulation, mut pump) = stage(&[]);
    let mut other = simulation.pump::<()>(Settings::default());
    let (window, own) = (pump.root_window(), address("192.0.2.100:7"));
    pump.listen(window, Listen::on(own)).expect("the address is free");
    let connection = start(&mut other, Connect::from(own)).expect("it listens");
    let mut stream = &connection.stream;
    let written = (0..1000).map_while(|_| stream.write(&[7; 4096]).ok()).sum::<usize>();
    assert_eq!(written, 65_536);
    assert_eq!(stream.write(b"x").expect_err("there is no room").kind(), ErrorKind::WouldBlock);
    drop(connection);
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::Accepted(accepted) = message.payload else { panic!("{message:?}") };
    assert_eq!(read_to_end(&mut pump, accepted.stream).expect("it ends well"), vec![7; written]);
}

/// Nothing is not the end.
#[test]
fn writing_nothing_is_not_read_as_the_end() {
    let (simulation, mut pump) = stage(&[]);
    let mut other = simulation.pump::<()>(Settings::default());
    let (window, own, peer) = (pump.root_window(), address("192.0.2.100:7"), address("192.0.2.1:7"));
    pump.listen(window, Listen::on(own)).expect("the address is free");
    let connection = start(&mut other, Connect::from(own)).expect("it listens");
    let mut stream = &connection.stream;
    assert_eq!(stream.write(b"").expect("it is connected"), 0);
    assert_eq!(stream.write(b"then").expect("there is room"), 4);
    drop(connection);
    let message = pump.get_message().expect("the wait works").expect("nobody quits");
    let Payload::Accepted(accepted) = message.payload else { panic!("{message:?}") };
    assert_eq!(read_to_end(&mut pump, accepted.stream).expect("it ends well"), b"then");

    simulation.peer(peer, Peer::new().sends("").sends("then").closes());
    let connection = start(&mut other, Connect::from(peer)).expect("it is there");
    assert_eq!(read_to_end(&mut other, connection.stream).expect("it ends well"), b"then");
}

#[test]
fn a_listener_without_descriptors_waits_and_goes_on() {
    let (simulation, mut pump) = stage(&[]);
    let window = pump.root_window();
    simulation.limit_descriptors(0);
    let own = address("192.0.2.100:7");
    pump.listen(window, Listen::on(own)).expect_err("there is no descriptor");
    let connect = pump.connect(window, Connect::from(own).deadline(Duration::from_secs(1))).expect("it may wait");
    let error = outcome(&mut pump).expect_err("there is no descriptor");
    assert_eq!(*error.failure(), ConnectFailure::TimedOut);
    assert!(!pump.is_live(connect));
    simulation.limit_descriptors(10);
    pump.listen(window, Listen::on(own)).expect("there are descriptors");
}

#[test]
fn a_connect_that_got_no_descriptor_until_its_deadline_says_so() {
    let (simulation, mut pump) = stage(&["192.0.2.1"]);
    simulation.limit_descriptors(0);
    let connect = Connect::to("192.0.2.1:443").deadline(Duration::from_secs(1));
    let error = start(&mut pump, connect).expect_err("there is no descriptor");
    assert_eq!((error.failure(), simulation.elapsed()), (&ConnectFailure::TimedOut, Duration::from_secs(1)));
    assert!(error.to_string().contains("192.0.2.1:443 no descriptor was left"), "{error}");
}

/// An attempt that failed gives its descriptor back, and is followed at once also where the next one had none before.
#[test]
fn a_descriptor_that_an_attempt_gave_back_is_used_at_once() {
    let (simulation, mut pump) = stage(&["2001:db8::1", "192.0.2.1"]);
    simulation.limit_descriptors(1);
    simulation.peer(address("[2001:db8::1]:443"), Peer::new().refuses().latency(Duration::from_millis(270)));
    simulation.peer(address("192.0.2.1:443"), Peer::new().latency(Duration::from_millis(10)));
    let connection = start(&mut pump, https()).expect("one answers");
    assert_eq!(connection.elapsed, Duration::from_millis(280), "the second would have begun after 250");
    assert_eq!(simulation.open_sockets(), 1);
}

/// Those who waited for a descriptor are served in the order in which they came, those who come meanwhile after them.
#[test]
fn connects_that_wait_for_a_descriptor_are_served_in_their_order() {
    let (simulation, mut pump) = stage(&[]);
    let peer = address("192.0.2.1:443");
    simulation.peer(peer, Peer::new());
    let root = pump.root_window();
    simulation.limit_descriptors(0);
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(pump.connect(root, Connect::from(peer)).expect("it may wait"));
        simulation.advance(Duration::from_millis(8));
        pump.turn(Budget::no_wait()).expect("the wait works");
    }
    simulation.limit_descriptors(10);
    waiting.push(pump.connect(root, Connect::from(peer)).expect("it may wait"));
    for expected in waiting {
        let message = pump.get_message().expect("the wait works").expect("nobody quits");
        assert_eq!(message.operation, Some(expected));
        assert!(matches!(message.payload, Payload::Connected(Ok(_))), "{message:?}");
    }
    assert_eq!(simulation.elapsed(), Duration::from_millis(50));
}

/// Once nobody waits for a descriptor any more, nobody waits for those who did.
#[test]
fn a_connect_after_those_that_got_no_descriptor_begins_at_once() {
    let (simulation, mut pump) = stage(&[]);
    let peer = address("192.0.2.1:443");
    simulation.peer(peer, Peer::new());
    let root = pump.root_window();
    simulation.limit_descriptors(0);
    let starved = pump.connect(root, Connect::from(peer)).expect("it may wait");
    assert_eq!(pump.cancel(starved), Cancelled::Pending);
    simulation.limit_descriptors(1);
    start(&mut pump, Connect::from(peer)).expect("there is one");
    assert_eq!(simulation.elapsed(), Duration::ZERO);
}

#[test]
fn a_failed_connect_has_the_kind_of_what_its_lookup_ran_into_and_a_text_that_is_safe_to_print() {
    let (simulation, mut pump) = stage(&[]);
    let kind = |pump: &mut Pump<()>, target: &str| start(pump, Connect::to(target)).expect_err("no such host").kind();
    assert_eq!(kind(&mut pump, "nobody.example.org:80"), ErrorKind::NotFound);
    assert_eq!(kind(&mut pump, "a..b:80"), ErrorKind::InvalidInput);
    let error = start(&mut pump, Connect::to("\u{1b}[2J:80")).expect_err("no such host");
    assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
    simulation.cut_off(Family::V4);
    assert_eq!(kind(&mut pump, "nobody.example.org:80"), ErrorKind::NetworkUnreachable);
}

/// The program was busy while they were made, and takes them over bit by bit: whatever the time is, they are there.
#[test]
fn a_connection_that_was_made_in_time_counts_however_late_it_is_taken_over() {
    let (simulation, mut pump) = stage(&[]);
    simulation.peer(address("192.0.2.1:443"), Peer::new());
    let window = pump.root_window();
    for _ in 0..10 {
        pump.connect(window, Connect::to("192.0.2.1:443")).expect("the window is open");
    }
    simulation.advance(Duration::from_secs(60));
    while pump.turn(Budget::no_wait().messages(1)).expect("the wait works").more {}
    for _ in 0..10 {
        let connection = outcome(&mut pump).expect("it was made at once");
        assert!(connection.failed.is_empty(), "{connection:?}");
    }
}
