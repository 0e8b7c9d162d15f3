//! Many lookups at a time: those that ask the same share the question, too many wait in line.

use msgpump::{Cancelled, Family, Filter, HostQuery, Kind, LookupFailure, Payload, StartRefusal};

use crate::support::wire::{Query, Reply};
use crate::support::{Act, NameServer, SHORT, asking, outcome, pump, start, turn_until};

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, [192, 0, 2, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
}

fn holding() -> NameServer {
    NameServer::start(|query| vec![Act::Hold, answer(query).into()])
}

fn v4(name: &str) -> HostQuery {
    HostQuery::by_name(name).family(Family::V4)
}

#[test]
fn lookups_of_the_same_name_share_one_question() {
    let server = holding();
    let mut pump = pump(asking([&server]));
    let lookups: Vec<_> =
        ["host.example", "HOST.example", "host.example"].map(|name| start(&mut pump, v4(name))).to_vec();
    assert_eq!((pump.metrics().sockets, pump.metrics().operations), (1, 3));
    turn_until(&mut pump, "the question", |_| server.holding() == 1);
    assert!(server.release());
    for lookup in lookups {
        assert!(outcome(&mut pump, lookup).is_ok());
    }
    assert_eq!(server.asked(), 1);
    // What is asked later is asked again: nothing is kept.
    let lookup = start(&mut pump, v4("host.example"));
    turn_until(&mut pump, "the question", |_| server.holding() == 1);
    assert!(server.release());
    assert!(outcome(&mut pump, lookup).is_ok());
    assert_eq!(server.asked(), 2);
}

#[test]
fn the_cancel_of_one_leaves_the_others() {
    let server = holding();
    let mut pump = pump(asking([&server]));
    let [first, second, third] = [(); 3].map(|()| start(&mut pump, v4("host.example")));
    turn_until(&mut pump, "the question", |_| server.holding() == 1);
    // The one that began it as well.
    assert_eq!(pump.cancel(first), Cancelled::Pending);
    assert_eq!(pump.cancel(third), Cancelled::Pending);
    assert_eq!(pump.metrics().sockets, 1);
    assert!(server.release());
    assert!(outcome(&mut pump, second).is_ok());
    assert!(pump.next_message().is_none());
    assert_eq!(server.asked(), 1);
}

#[test]
fn the_cancel_of_the_last_one_ends_the_question() {
    let server = holding();
    let mut pump = pump(asking([&server]));
    let [first, second] = [(); 2].map(|()| start(&mut pump, v4("host.example")));
    turn_until(&mut pump, "the question", |_| server.holding() == 1);
    pump.cancel(first);
    assert_eq!(pump.metrics().sockets, 1);
    pump.cancel(second);
    assert_eq!((pump.metrics().sockets, pump.metrics().operations), (0, 0));
}

/// Whoever asks late is told first what the others were told already.
#[test]
fn a_streamed_lookup_that_joins_late_misses_nothing() {
    let server = holding();
    let mut pump = pump(asking([&server]));
    let first = start(&mut pump, HostQuery::by_name("host.example"));
    turn_until(&mut pump, "both questions", |_| server.holding() == 2);
    assert!(server.release());
    turn_until(&mut pump, "one family is there", |pump| {
        // Only a streamed lookup makes it seen.
        let watcher = start(pump, HostQuery::by_name("host.example").streamed());
        let is_there = pump.next_message_for(Filter::any().operation(watcher).kind(Kind::HostPart)).is_some();
        pump.cancel(watcher);
        is_there
    });
    let late = start(&mut pump, HostQuery::by_name("host.example").streamed());
    assert!(matches!(pump.next_message().unwrap().payload, Payload::HostPart(part) if part.family == Family::V6));
    assert!(server.release());
    assert_eq!(outcome(&mut pump, first).unwrap().addresses.len(), 2);
    let part = pump.next_message_for(Filter::any().operation(late)).unwrap();
    assert!(matches!(part.payload, Payload::HostPart(part) if part.family == Family::V4));
    assert_eq!(outcome(&mut pump, late).unwrap().addresses.len(), 2);
}

#[test]
fn too_many_lookups_wait_in_line() {
    let server = holding();
    let mut pump = pump(asking([&server]).with_lookups_in_flight_max(2));
    let lookups: Vec<_> = (0..5).map(|number| start(&mut pump, v4(&format!("host{number}.example")))).collect();
    assert_eq!((pump.metrics().sockets, pump.metrics().lookups_in_line), (2, 3));
    for (number, &lookup) in lookups.iter().enumerate() {
        turn_until(&mut pump, "the oldest question", |_| server.holding() > 0);
        assert!(server.release());
        assert!(outcome(&mut pump, lookup).is_ok(), "number {number} is answered in its turn");
    }
    let names: Vec<_> = server.queries().into_iter().map(|query| query.name).collect();
    assert_eq!(names[2..], ["host2.example", "host3.example", "host4.example"], "the line is kept");
    assert_eq!((pump.metrics().sockets, pump.metrics().lookups_in_line), (0, 0));
}

/// A place freed by a cancel is taken by the next in line, though nothing arrives.
#[test]
fn a_cancel_moves_the_line() {
    let server = holding();
    let mut pump = pump(asking([&server]).with_lookups_in_flight_max(1));
    let [first, second, third] = ["a", "b", "c"].map(|name| start(&mut pump, v4(name)));
    turn_until(&mut pump, "the first question", |_| server.asked() == 1);
    assert_eq!(pump.cancel(second), Cancelled::Pending, "one in line leaves it");
    assert_eq!(pump.metrics().lookups_in_line, 1);
    assert_eq!(pump.cancel(first), Cancelled::Pending);
    turn_until(&mut pump, "the third question", |_| server.asked() == 2);
    assert!(server.release_newest());
    assert!(outcome(&mut pump, third).is_ok());
    assert_eq!(server.queries()[1].name, "c");
}

#[test]
fn the_line_has_an_end() {
    let server = holding();
    let mut pump = pump(asking([&server]).with_lookups_in_flight_max(1).with_waiting_max(2));
    let window = pump.root_window();
    let lookups = ["a", "b", "c"].map(|name| start(&mut pump, v4(name)));
    let error = pump.lookup_host(window, v4("d")).unwrap_err();
    assert_eq!((error.refusal, error.argument), (StartRefusal::Full, v4("d")));
    // Who asks what is asked already needs no place.
    let joined = start(&mut pump, v4("c"));
    pump.cancel(joined);
    for lookup in lookups {
        pump.cancel(lookup);
    }
    let metrics = pump.metrics();
    assert_eq!((metrics.sockets, metrics.lookups_in_line, metrics.operations), (0, 0, 0));
}

/// A limit on the time of each lookup holds for those in line too.
#[test]
fn a_deadline_passes_in_line_as_well() {
    let server = NameServer::silent();
    let config = asking([&server]).with_lookups_in_flight_max(1).with_deadline(Some(SHORT));
    let mut pump = pump(config);
    let lookups = ["a", "b", "c"].map(|name| start(&mut pump, v4(name)));
    for lookup in lookups {
        assert_eq!(outcome(&mut pump, lookup).unwrap_err().failure(), LookupFailure::TimedOut);
    }
    let metrics = pump.metrics();
    assert_eq!((metrics.sockets, metrics.lookups_in_line, metrics.operations), (0, 0, 0));
}

/// A thousand at a time, answered in the order that the server likes.
#[test]
fn a_thousand_lookups_are_each_answered_once() {
    let server = NameServer::answering(|query| {
        let number: u16 = query.name.trim_start_matches("host").trim_end_matches(".example").parse().unwrap();
        let [high, low] = number.to_be_bytes();
        Reply::with_host(query, [10, 0, high, low], [0x2001, 0xdb8, 0, 0, 0, 0, 0, number])
    });
    let mut pump = pump(asking([&server]).with_lookups_in_flight_max(100).with_attempts(5).with_timeout(SHORT * 20));
    let mut expected = std::collections::HashMap::new();
    for number in 0..1000_u16 {
        expected.insert(start(&mut pump, HostQuery::by_name(format!("host{number}.example"))), number);
    }
    while !expected.is_empty() {
        turn_until(&mut pump, "an answer", |pump| pump.peek_message().is_some());
        let message = pump.next_message().unwrap();
        let number = expected.remove(&message.operation.unwrap()).expect("each is told once");
        let Payload::Host(Ok(host)) = message.payload else { panic!("{:?}", message.payload) };
        let [high, low] = number.to_be_bytes();
        assert!(host.addresses.contains(&[10, 0, high, low].into()), "{number}: {host:?}");
        assert_eq!((host.addresses.len(), host.incomplete), (2, false));
    }
    let metrics = pump.metrics();
    assert_eq!((metrics.sockets, metrics.lookups_in_line, metrics.operations), (0, 0, 0));
}
