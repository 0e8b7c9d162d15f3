//! Answers that do not fit in a datagram, and what can go wrong with a stream (RFC 7766).

use msgpump::{Family, Host, HostQuery, LookupFailure, Pump};

use crate::support::wire::{A, AAAA, Query, Reply, Transport};
use crate::support::{
    Act, LONG, NameServer, SHORT, Script, addresses, asking, failure, look_up, outcome, pump, start, turn_until,
};

const V4: [u8; 4] = [192, 0, 2, 1];
const V6: [u16; 8] = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1];
const WRONG: [u8; 4] = [203, 0, 113, 66];

/// Says that the answer is too long for a datagram, and does `by_stream` to those who ask again.
fn truncating(mut by_stream: impl FnMut(&Query) -> Vec<Act> + Send + 'static) -> NameServer {
    NameServer::start(move |query| match query.transport {
        Transport::Udp => vec![Reply::to(query).a(&query.name, WRONG).truncated().into()],
        Transport::Tcp => by_stream(query),
    })
}

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, V4, V6)
}

fn v4(pump: &mut Pump<()>, name: &str) -> Box<Host> {
    let lookup = start(pump, HostQuery::by_name(name).family(Family::V4));
    outcome(pump, lookup).unwrap()
}

#[test]
fn a_truncated_answer_is_dropped_and_asked_for_again_by_stream() {
    let server = truncating(|query| vec![answer(query).into()]);
    let mut pump = pump(asking([&server]));
    assert_eq!(addresses(&v4(&mut pump, "host.example")), ["192.0.2.1"]);
    let queries = server.queries();
    let [first, second] = &queries[..] else { panic!("{queries:?}") };
    assert_eq!((first.transport, second.transport), (Transport::Udp, Transport::Tcp));
    assert_eq!(pump.metrics().sockets, 0);
}

/// Both questions of a lookup go over one stream, one after the other.
#[test]
fn two_truncated_answers_need_one_stream() {
    let server = truncating(|query| vec![answer(query).into()]);
    let mut pump = pump(asking([&server]));
    let host = look_up(&mut pump, "host.example").unwrap();
    assert_eq!((host.addresses.len(), host.incomplete), (2, false));
    let by_stream: Vec<_> = server.queries().into_iter().filter(|query| query.transport == Transport::Tcp).collect();
    let [first, second] = &by_stream[..] else { panic!("{by_stream:?}") };
    assert_eq!((first.record_type, second.record_type), (AAAA, A));
    assert_eq!(first.from, second.from);
    assert_ne!(first.id, second.id);
}

#[test]
fn answers_on_a_stream_may_come_in_any_order() {
    let server = truncating(|query| vec![Act::Hold, answer(query).into()]);
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, HostQuery::by_name("host.example"));
    turn_until(&mut pump, "both questions are on the stream", |_| server.holding() == 2);
    assert!(server.release_newest() && server.release());
    assert_eq!(outcome(&mut pump, lookup).unwrap().addresses.len(), 2);
}

#[test]
fn a_stream_may_come_byte_by_byte() {
    let server = truncating(|query| Act::drip(answer(query).bytes()));
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, HostQuery::by_name("host.example").family(Family::V4));
    turn_until(&mut pump, "the question is on the stream", |_| server.holding() == 1);
    // Between two bytes the pump reads the first of them, as far as the system hands it on at once.
    while server.release() {
        assert!(pump.next_message().is_none());
        pump.turn(msgpump::Budget::no_wait()).unwrap();
    }
    assert_eq!(addresses(&outcome(&mut pump, lookup).unwrap()), ["192.0.2.1"]);
}

#[test]
fn what_else_comes_on_a_stream_is_ignored() {
    let server = truncating(|query| {
        let other_id = Reply { id: !query.id, ..Reply::to(query).a(&query.name, WRONG) };
        let empty_frame = Act::SendRaw(vec![0, 0]);
        vec![empty_frame.clone(), other_id.into(), Act::Send(vec![7; 5]), empty_frame, answer(query).into()]
    });
    let mut pump = pump(asking([&server]));
    assert_eq!(addresses(&v4(&mut pump, "host.example")), ["192.0.2.1"]);
    assert_eq!(server.asked(), 2);
}

#[test]
fn a_server_may_close_the_stream_once_it_has_answered() {
    let server = truncating(|query| vec![answer(query).into(), Act::Close]);
    let mut pump = pump(asking([&server]));
    for number in 0..10 {
        assert_eq!(addresses(&v4(&mut pump, &format!("host{number}.example"))), ["192.0.2.1"]);
    }
    assert_eq!(server.asked(), 20);
}

/// Some servers answer one question on a stream and close it: the other one is asked once more.
#[test]
fn a_server_that_takes_one_question_on_a_stream_is_asked_twice() {
    let server = truncating(|query| vec![answer(query).into(), Act::Close]);
    let mut pump = pump(asking([&server]).with_attempts(2));
    let host = look_up(&mut pump, "host.example").unwrap();
    assert_eq!((host.addresses.len(), host.incomplete), (2, false));
}

#[test]
fn a_stream_that_breaks_off_leads_to_the_next_server_at_once() {
    let breaks: [(&str, Script); 5] = [
        ("closed at once", |_| vec![Act::Close]),
        ("closed within the length", |_| vec![Act::SendRaw(vec![0]), Act::Close]),
        ("closed after the length", |_| vec![Act::SendRaw(vec![0, 100]), Act::Close]),
        ("closed within the answer", |query| {
            let bytes = answer(query).bytes();
            vec![Act::SendRaw(vec![0, bytes.len() as u8]), Act::SendRaw(bytes[..20].to_vec()), Act::Close]
        }),
        #[cfg(target_os = "linux")]
        ("reset", |_| vec![Act::Reset]),
        #[cfg(not(target_os = "linux"))]
        ("closed", |_| vec![Act::Close]),
    ];
    for (what, broken) in breaks {
        let (first, second) = (truncating(broken), NameServer::answering(answer));
        let mut both = pump(asking([&first, &second]));
        assert_eq!(addresses(&v4(&mut both, "host.example")), ["192.0.2.1"], "{what}");
        assert_eq!((first.asked(), second.asked()), (2, 1), "{what}");

        let mut alone = pump(asking([&first]));
        assert_eq!(failure(&mut alone, "host.example"), LookupFailure::ServerFailure, "{what}");
        assert_eq!(alone.metrics().sockets, 0, "{what}");
    }
}

/// The server was reached, so the network is not down.
#[test]
fn a_truncated_answer_without_a_stream_to_follow_is_a_server_failure() {
    let script = |query: &Query| vec![Reply::to(query).truncated().into()];
    let first = NameServer::without_streams(script);
    let second = NameServer::answering(answer);
    let mut both = pump(asking([&first, &second]));
    assert_eq!(addresses(&v4(&mut both, "host.example")), ["192.0.2.1"]);

    let mut alone = pump(asking([&first]));
    assert_eq!(failure(&mut alone, "host.example"), LookupFailure::ServerFailure);
}

#[test]
fn a_stream_on_which_nothing_comes_times_out() {
    let server = truncating(|_| Vec::new());
    let mut pump = pump(asking([&server]).with_timeout(SHORT));
    assert_eq!(failure(&mut pump, "host.example"), LookupFailure::TimedOut);
    assert_eq!(pump.metrics().sockets, 0);
}

#[test]
fn a_stream_can_be_asked_from_the_start() {
    let server = NameServer::answering(answer);
    let mut pump = pump(asking([&server]).with_tcp(true));
    assert_eq!(look_up(&mut pump, "host.example").unwrap().addresses.len(), 2);
    let queries = server.queries();
    assert!(queries.iter().all(|query| query.transport == Transport::Tcp), "{queries:?}");
}

/// There is no other transport to go to.
#[test]
fn a_truncated_answer_on_a_stream_is_a_server_failure() {
    let server = NameServer::answering(|query| answer(query).truncated());
    let mut pump = pump(asking([&server]));
    assert_eq!(failure(&mut pump, "host.example"), LookupFailure::ServerFailure);
}

fn many_addresses(query: &Query, count: u16) -> Reply {
    let reply = Reply::to(query);
    (0..count).fold(reply, |reply, number| reply.a(&query.name, [10, 0, (number >> 8) as u8, number as u8]))
}

/// Servers overshoot: what was announced is no limit for what is read.
#[test]
fn a_datagram_longer_than_announced_is_read_whole() {
    for (count, edns) in [(25, false), (60, true), (2000, true)] {
        let server = NameServer::answering(move |query| many_addresses(query, count));
        let mut pump = pump(asking([&server]).with_edns(edns));
        let length = many_addresses(&server_query("h.example"), count).bytes().len();
        assert!(length > if edns { 1232 } else { 512 });
        assert_eq!(v4(&mut pump, "h.example").addresses.len(), usize::from(count), "{length} bytes");
        assert_eq!(server.asked(), 1);
    }
}

/// Close to 64 KiB, which the system hands on in many pieces.
#[test]
fn the_longest_answers_come_whole_by_stream() {
    let server = truncating(|query| vec![many_addresses(query, 2600).into()]);
    let mut pump = pump(asking([&server]));
    let host = v4(&mut pump, "h.example");
    assert_eq!(host.addresses.len(), 2600);
}

/// Whoever is not up to it for one question is not asked forever.
#[test]
fn attempts_bound_streams_too() {
    let server = truncating(|_| vec![Act::Close]);
    let mut pump = pump(asking([&server]).with_attempts(3).with_timeout(LONG));
    let lookup = start(&mut pump, HostQuery::by_name("host.example").family(Family::V4));
    let error = outcome(&mut pump, lookup).unwrap_err();
    assert_eq!((error.failure(), error.attempts()), (LookupFailure::ServerFailure, 6));
    assert_eq!(server.asked(), 6);
}

fn server_query(name: &str) -> Query {
    Query {
        id: 0,
        flags: 0,
        name: name.to_owned(),
        record_type: A,
        class: 1,
        edns: None,
        transport: Transport::Udp,
        from: ([127, 0, 0, 1], 1).into(),
    }
}
