//! Cancel, in every state that a host lookup can be in with a name server, and what the process has
//! open afterwards. Linux tells what a process has open.

use std::net::TcpStream;

use msgpump::{
    Budget, Cancelled, Family, GroupId, HostQuery, LookupFailure, OperationId, Pump, ResolverConfig, Rest, WindowId,
};

use crate::support::alone::{alone, descriptors, threads};
use crate::support::wire::{FORMERR, NXDOMAIN, Query, Reply, Transport};
use crate::support::{Act, NameServer, PATIENCE, SHORT, Script, asking, failure, pump, settings, start, turn_until};

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, [192, 0, 2, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
}

/// Truncates by datagram, and sends the answer by stream one byte for each release.
fn dripping(query: &Query) -> Vec<Act> {
    match query.transport {
        Transport::Udp => vec![Reply::to(query).truncated().into()],
        Transport::Tcp => Act::drip(answer(query).bytes()),
    }
}

/// A state, and how to get a lookup of `host` there.
struct State {
    what: &'static str,
    script: Script,
    configure: fn(ResolverConfig) -> ResolverConfig,
    query: fn() -> HostQuery,
    /// Whether the lookup is there. May push it on.
    reach: fn(&mut Pump<()>, &NameServer) -> bool,
    /// What a cancel says of it.
    cancelled: Cancelled,
    /// How many messages wait.
    messages: usize,
}

fn v4() -> HostQuery {
    HostQuery::by_name("host").family(Family::V4)
}

/// A lookup of both families that nobody answers.
const SILENCE: State = State {
    what: "asked by datagram",
    script: |_| Vec::new(),
    configure: |config| config,
    query: || HostQuery::by_name("host"),
    reach: |_, server| server.asked() == 2,
    cancelled: Cancelled::Pending,
    messages: 0,
};

const STATES: &[State] = &[
    SILENCE,
    State { what: "not sent for longer than a moment", reach: |_, _| true, ..SILENCE },
    State {
        what: "asked by datagram, the answer in the socket's buffer",
        script: |query| vec![answer(query).into()],
        // Nothing is turned here: the answer cannot have been read.
        reach: |_, _| true,
        ..SILENCE
    },
    State {
        what: "one family is answered",
        script: |query| if query.record_type == 1 { vec![answer(query).into()] } else { Vec::new() },
        query: || HostQuery::by_name("host").streamed(),
        reach: |pump, _| pump.metrics().queued == 1,
        messages: 1,
        ..SILENCE
    },
    State {
        what: "a second attempt",
        configure: |config| config.with_timeout(SHORT / 2).with_attempts(5),
        query: v4,
        reach: |_, server| server.asked() == 2,
        ..SILENCE
    },
    State {
        what: "the second search domain",
        script: |query| match query.name.as_str() {
            "host.a.example" => vec![Reply::to(query).rcode(NXDOMAIN).into()],
            _ => Vec::new(),
        },
        configure: |config| config.with_search(["a.example", "b.example"]),
        reach: |_, server| server.queries().iter().any(|query| query.name == "host.b.example"),
        ..SILENCE
    },
    State {
        what: "asked again without EDNS",
        script: |query| if query.edns.is_some() { vec![Reply::to(query).rcode(FORMERR).into()] } else { Vec::new() },
        reach: |_, server| server.asked() == 4,
        ..SILENCE
    },
    State {
        what: "asked again for the end of an alias",
        script: |query| match query.name.as_str() {
            "host" => vec![Reply::to(query).cname("host", "alias.example").into()],
            _ => Vec::new(),
        },
        reach: |_, server| server.asked() == 4,
        ..SILENCE
    },
    State { what: "asked by stream", script: dripping, reach: |_, server| server.holding() == 2, ..SILENCE },
    State {
        what: "half of a length has come by stream",
        script: dripping,
        query: v4,
        reach: |pump, server| server.holding() == 1 && release(pump, server, 1),
        ..SILENCE
    },
    State {
        what: "the length has come by stream",
        script: dripping,
        query: v4,
        reach: |pump, server| server.holding() == 1 && release(pump, server, 2),
        ..SILENCE
    },
    State {
        what: "half of an answer has come by stream",
        script: dripping,
        query: v4,
        reach: |pump, server| server.holding() == 1 && release(pump, server, 20),
        ..SILENCE
    },
    State {
        what: "the stream is closed, and nobody has looked",
        script: |query| match query.transport {
            Transport::Udp => vec![Reply::to(query).truncated().into()],
            Transport::Tcp => vec![Act::Hold, Act::Close],
        },
        query: v4,
        reach: |_, server| server.holding() == 1 && server.release(),
        ..SILENCE
    },
    State {
        what: "answered, the message is queued",
        script: |query| vec![answer(query).into()],
        reach: |pump, _| pump.metrics().queued == 1,
        cancelled: Cancelled::Queued(1),
        messages: 1,
        ..SILENCE
    },
    State {
        what: "failed, the message is queued",
        script: |query| vec![Reply::to(query).rcode(NXDOMAIN).into()],
        reach: |pump, _| pump.metrics().queued == 1,
        cancelled: Cancelled::Queued(1),
        messages: 1,
        ..SILENCE
    },
    State {
        what: "answered, the message is taken",
        script: |query| vec![answer(query).into()],
        reach: |pump, _| pump.next_message().is_some(),
        cancelled: Cancelled::Over,
        ..SILENCE
    },
];

/// Has the server do what it holds, some steps of it, and the pump look after each.
fn release(pump: &mut Pump<()>, server: &NameServer, steps: usize) -> bool {
    for _ in 0..steps {
        assert!(server.release());
        pump.turn(Budget::no_wait()).unwrap();
    }
    true
}

/// Something with a lookup in it, on its way to be ended.
struct Stage {
    pump: Pump<()>,
    window: WindowId,
    group: GroupId,
    lookup: OperationId,
}

/// Brings a lookup to each state in turn and has `end` end it; nothing must be left, and nothing come.
fn in_each_state(end: impl Fn(Stage, &State) -> Option<Pump<()>>) {
    // Something to wait with that is there all the time.
    let mut idle = pump(ResolverConfig::default());
    for state in STATES {
        let server = NameServer::start(state.script);
        let config = (state.configure)(asking([&server]));
        let settings = settings().resolver(config).unwrap();
        let without_pump = descriptors();
        let mut pump = Pump::<()>::with_settings(settings).unwrap();
        let (with_pump, started) = (descriptors(), threads());
        let (window, group) = (pump.open_window(), pump.open_group());
        let lookup = pump.lookup_host(window.in_group(group), (state.query)()).unwrap();
        turn_until(&mut pump, state.what, |pump| (state.reach)(pump, &server));

        let ended = end(Stage { pump, window, group, lookup }, state);
        // What comes late comes now. The server's end of a stream is closed when its thread has seen
        // that ours is.
        while server.release() {}
        let expected = if ended.is_some() { with_pump } else { without_pump };
        turn_until(&mut idle, state.what, |_| descriptors() == expected && threads() <= started);

        let Some(mut pump) = ended else { continue };
        let metrics = pump.metrics();
        let held = (metrics.sockets, metrics.operations, metrics.queued, metrics.lookups_in_line);
        assert_eq!((held, pump.rest()), ((0, 0, 0, 0), Rest::Forever), "{}", state.what);
        for _ in 0..3 {
            pump.turn(Budget::no_wait()).unwrap();
            assert!(pump.peek_message().is_none() && pump.next_message().is_none(), "{}", state.what);
        }
        assert_eq!(pump.metrics().messages, metrics.messages, "{}", state.what);
    }
}

#[test]
fn cancel_in_every_state_leaves_nothing_and_nothing_comes() {
    alone(cancel_in_every_state_leaves_nothing_and_nothing_comes, || {
        in_each_state(|Stage { mut pump, lookup, .. }, state| {
            assert_eq!(pump.cancel(lookup), state.cancelled, "{}", state.what);
            assert_eq!(pump.metrics().sockets, 0, "{}: at once", state.what);
            assert_eq!(pump.cancel(lookup), Cancelled::Over, "{}: and again", state.what);
            Some(pump)
        });
    });
}

#[test]
fn cancel_of_a_group_in_every_state_leaves_nothing() {
    alone(cancel_of_a_group_in_every_state_leaves_nothing, || {
        in_each_state(|Stage { mut pump, group, .. }, state| {
            let swept = pump.cancel_group(group);
            assert_eq!(swept.pending(), usize::from(state.cancelled == Cancelled::Pending), "{}", state.what);
            assert_eq!(swept.messages(), state.messages, "{}", state.what);
            assert_eq!(pump.metrics().sockets, 0, "{}: at once", state.what);
            Some(pump)
        });
    });
}

#[test]
fn the_end_of_a_window_in_every_state_leaves_nothing() {
    alone(the_end_of_a_window_in_every_state_leaves_nothing, || {
        in_each_state(|Stage { mut pump, window, lookup, .. }, state| {
            assert_eq!(pump.destroy_window(window).unwrap().messages(), state.messages, "{}", state.what);
            assert_eq!(pump.metrics().sockets, 0, "{}: at once", state.what);
            assert_eq!(pump.cancel(lookup), Cancelled::Over, "{}", state.what);
            Some(pump)
        });
    });
}

#[test]
fn the_end_of_the_pump_in_every_state_leaves_nothing() {
    alone(the_end_of_the_pump_in_every_state_leaves_nothing, || {
        in_each_state(|stage, _| {
            drop(stage.pump);
            None
        });
    });
}

/// The accept queue is full, so the system drops what would open another connection.
#[test]
fn cancel_while_a_stream_is_being_connected() {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

    // A port that is free for datagrams may be taken by a stream of some other test.
    let (server, listener) = (0..100)
        .find_map(|_| {
            let server = NameServer::without_streams(|query| vec![Reply::to(query).truncated().into()]);
            let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("descriptors are left");
            bind(&listener, &server.address()).is_ok().then_some((server, listener))
        })
        .expect("a port is free for both");
    listen(&listener, 0).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&server.address(), SHORT) {
        waiting.push(stream);
        assert!(waiting.len() < 100, "a queue of no places has an end");
    }

    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, v4());
    let turn = pump.turn(Budget::wait(PATIENCE)).unwrap();
    assert_eq!((turn.taken_over, pump.metrics().sockets), (1, 1), "the datagram has come, the stream is opened");
    assert_eq!((pump.cancel(lookup), pump.metrics().sockets), (Cancelled::Pending, 0));
    assert_eq!(pump.rest(), Rest::Forever);

    // A connect that hangs has the time of its attempt and no more.
    let mut pump = self::pump(asking([&server]).with_timeout(SHORT));
    assert_eq!(failure(&mut pump, "host"), LookupFailure::TimedOut);
    assert_eq!(pump.metrics().sockets, 0);
}
