//! What goes out, and which of what comes in is believed (RFC 5452).

use std::collections::{HashMap, HashSet};

use msgpump::{Budget, Family, HostQuery};

use crate::support::wire::{A, AAAA, IN, IS_REPLY, PTR, Query, Reply, Transport, question};
use crate::support::{Act, LONG, NameServer, SHORT, addresses, asking, look_up, outcome, pump, start, turn_until};

const V4: [u8; 4] = [192, 0, 2, 1];
const V6: [u16; 8] = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1];

fn v4(name: &str) -> HostQuery {
    HostQuery::by_name(name).family(Family::V4)
}

#[test]
fn a_query_asks_for_recursion_and_announces_1232_bytes() {
    let server = NameServer::answering(|query| Reply::with_host(query, V4, V6));
    let mut pump = pump(asking([&server]));
    look_up(&mut pump, "host.example").unwrap();
    for query in server.queries() {
        // RD alone: no CD, no AD, opcode 0.
        assert_eq!((query.flags, query.class, query.edns), (0x0100, IN, Some(1232)), "{query:?}");
        assert_eq!(query.name, "host.example");
    }
}

#[test]
fn edns_can_be_left_out() {
    let server = NameServer::answering(|query| Reply::with_host(query, V4, V6));
    let mut pump = pump(asking([&server]).with_edns(false));
    look_up(&mut pump, "host.example").unwrap();
    assert!(server.queries().iter().all(|query| query.edns.is_none()));
}

/// Both questions of one lookup go over one socket, with two ids; the IPv6 one first (RFC 8305).
#[test]
fn two_questions_of_a_lookup_share_a_socket_and_not_an_id() {
    let server = NameServer::answering(|query| Reply::with_host(query, V4, V6));
    let mut pump = pump(asking([&server]));
    look_up(&mut pump, "host.example").unwrap();
    let queries = server.queries();
    let [first, second] = &queries[..] else { panic!("{queries:?}") };
    assert_eq!((first.record_type, second.record_type), (AAAA, A));
    assert_eq!(first.from, second.from);
    assert_ne!(first.id, second.id);
}

/// Statistics with room: an honest generator fails here once in some hundred thousand runs.
#[test]
fn ids_and_ports_of_200_lookups_are_widely_spread() {
    let server = NameServer::answering(|query| Reply::with_host(query, V4, V6));
    let mut pump = pump(asking([&server]));
    let lookups: Vec<_> = (0..200).map(|number| start(&mut pump, v4(&format!("host{number}.example")))).collect();
    for lookup in lookups {
        outcome(&mut pump, lookup).unwrap();
    }
    let queries = server.queries();
    assert_eq!(queries.len(), 200);
    let ids: Vec<u16> = queries.iter().map(|query| query.id).collect();
    let ports: Vec<u16> = queries.iter().map(|query| query.from.port()).collect();
    for (what, numbers, bits) in [("ids", &ids, 16), ("ports", &ports, 12)] {
        let distinct: HashSet<u16> = numbers.iter().copied().collect();
        assert!(distinct.len() >= 190, "{what} repeat: {numbers:?}");
        for bit in 0..bits {
            let set = numbers.iter().filter(|&&number| number & 1 << bit != 0).count();
            assert!((60..=140).contains(&set), "bit {bit} of the {what} is set {set} times of 200");
        }
        let neighbours = numbers.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 16).count();
        assert!(neighbours <= 20, "{neighbours} {what} follow closely on the one before: {numbers:?}");
    }
    // Neither tells of the other.
    let distances: HashSet<u16> = ids.iter().zip(&ports).map(|(id, port)| id.wrapping_sub(*port)).collect();
    assert!(distances.len() >= 190, "ids and ports go together");
}

#[test]
fn each_attempt_has_a_new_id_and_a_new_port() {
    let server = NameServer::silent();
    let mut pump = pump(asking([&server]).with_timeout(SHORT).with_attempts(5));
    let lookup = start(&mut pump, v4("host.example"));
    outcome(&mut pump, lookup).expect_err("nobody answers");
    let queries = server.queries();
    let ids: HashSet<u16> = queries.iter().map(|query| query.id).collect();
    let ports: HashSet<u16> = queries.iter().map(|query| query.from.port()).collect();
    assert_eq!(queries.len(), 5);
    // The system may give a port again, but hardly two times of five.
    assert!(ids.len() >= 4 && ports.len() >= 4, "{queries:?}");
}

/// What looks like an answer and is none.
fn forgeries(query: &Query) -> Vec<(&'static str, Vec<u8>)> {
    let honest = || Reply::to(query).a(&query.name, [203, 0, 113, 66]);
    let asking_of = |name: &str, record_type, class| Reply { question: question(name, record_type, class), ..honest() };
    vec![
        ("wrong id", Reply { id: query.id.wrapping_add(1), ..honest() }.bytes()),
        ("id of the other byte order", Reply { id: query.id ^ 0x0100, ..honest() }.bytes()),
        ("a query", Reply { flags: 0x0100, ..honest() }.bytes()),
        ("another opcode", Reply { flags: IS_REPLY | 0x2000, ..honest() }.bytes()),
        ("another name", asking_of("bank.example", A, IN).bytes()),
        ("a longer name", asking_of(&format!("{}.example", query.name), A, IN).bytes()),
        ("another type", asking_of(&query.name, AAAA, IN).bytes()),
        ("a type nobody asked for", asking_of(&query.name, PTR, IN).bytes()),
        ("another class", asking_of(&query.name, A, 3).bytes()),
        ("no question", Reply { question: Vec::new(), counts: [0, 1, 0, 0], ..honest() }.bytes()),
        ("two questions", Reply { question: honest().question.repeat(2), counts: [2, 1, 0, 0], ..honest() }.bytes()),
        ("half a header", honest().bytes()[..6].to_vec()),
        ("an empty datagram", Vec::new()),
        ("no whole question", honest().bytes()[..14].to_vec()),
        ("noise", (0..=255).collect()),
    ]
}

#[test]
fn forged_answers_are_ignored_and_cost_no_attempt() {
    let server = NameServer::start(|query| {
        let mut acts: Vec<Act> = forgeries(query).into_iter().map(|(_, bytes)| Act::Send(bytes)).collect();
        acts.extend([Act::Hold, Reply::with_host(query, V4, V6).into()]);
        acts
    });
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, v4("host.example"));
    let forged = forgeries(&Query {
        id: 1,
        flags: 0,
        name: "host.example".into(),
        record_type: A,
        class: IN,
        edns: None,
        transport: Transport::Udp,
        from: server.address(),
    })
    .len();
    turn_until(&mut pump, "all forgeries are ignored", |pump| pump.metrics().ignored_datagrams == forged as u64);
    assert!(pump.is_live(lookup));
    assert!(server.release());
    let host = outcome(&mut pump, lookup).unwrap();
    assert_eq!(addresses(&host), ["192.0.2.1"]);
    assert_eq!(server.asked(), 1);
}

/// One forgery at a time, each before the honest answer.
#[test]
fn no_single_forgery_is_believed() {
    let server = NameServer::start(|query| {
        let number: usize = query.name.split('.').next().unwrap().parse().unwrap();
        vec![Act::Send(forgeries(query)[number].1.clone()), Reply::with_host(query, V4, V6).into()]
    });
    let mut pump = pump(asking([&server]));
    for number in 0..15 {
        let lookup = start(&mut pump, v4(&format!("{number}.example")));
        let host = outcome(&mut pump, lookup).unwrap();
        assert_eq!(addresses(&host), ["192.0.2.1"], "forgery {number}");
        assert_eq!(pump.metrics().ignored_datagrams, number + 1, "forgery {number}");
    }
    assert_eq!(server.asked(), 15);
}

/// The socket is connected, so the system itself drops what comes from elsewhere.
#[test]
fn an_answer_from_another_port_is_not_seen_at_all() {
    let server = NameServer::start(|query| {
        let forged = Reply::to(query).a(&query.name, [203, 0, 113, 66]).bytes();
        vec![Act::SendFromStranger(forged), Reply::with_host(query, V4, V6).into()]
    });
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, v4("host.example"));
    assert_eq!(addresses(&outcome(&mut pump, lookup).unwrap()), ["192.0.2.1"]);
    assert_eq!(pump.metrics().ignored_datagrams, 0);
}

#[test]
fn the_letter_case_of_the_question_does_not_matter() {
    let server = NameServer::answering(|query| {
        let shouted = query.name.to_ascii_uppercase();
        let reply = Reply::to(query).a(&shouted, V4);
        Reply { question: question(&shouted, query.record_type, IN), ..reply }
    });
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, v4("host.example"));
    assert_eq!(addresses(&outcome(&mut pump, lookup).unwrap()), ["192.0.2.1"]);
}

/// The answer to the first attempt comes while the second one is under way.
#[test]
fn a_late_answer_is_ignored_and_costs_nothing() {
    let server = NameServer::start(|query| vec![Act::Hold, Reply::with_host(query, V4, V6).into()]);
    let mut pump = pump(asking([&server]).with_timeout(LONG / 100).with_attempts(2));
    let lookup = start(&mut pump, v4("host.example"));
    turn_until(&mut pump, "a second attempt", |_| server.asked() == 2);
    assert!(server.release(), "the first query is answered late");
    assert!(server.release(), "the second one in time");
    let host = outcome(&mut pump, lookup).unwrap();
    assert_eq!(addresses(&host), ["192.0.2.1"]);
    assert_eq!(server.asked(), 2);
}

/// However long a flood of forgeries lasts, a turn reads the same few of them.
#[test]
fn a_flood_of_forgeries_has_a_small_share_of_each_turn() {
    const READ_PER_TURN_MAX: u64 = 64;
    let server = NameServer::start(|query| {
        let forged = || Act::from(Reply { id: query.id ^ 1, ..Reply::with_host(query, V4, V6) });
        let flood = |count| std::iter::repeat_with(forged).take(count).chain([Act::Hold]);
        flood(120).chain(flood(60)).chain(flood(60)).chain([Reply::with_host(query, V4, V6).into()]).collect()
    });
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, v4("host.example"));
    while server.holding() == 0 {
        std::thread::yield_now();
    }
    for turn in 1..=3 {
        let before = pump.metrics().ignored_datagrams;
        pump.turn(Budget::no_wait()).unwrap();
        let read = pump.metrics().ignored_datagrams - before;
        assert!((1..=READ_PER_TURN_MAX).contains(&read), "turn {turn}: {read}");
        assert!(server.release());
    }
    outcome(&mut pump, lookup).unwrap();
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    let server = NameServer::start(|query| {
        let reply = Reply::with_host(query, V4, V6);
        vec![reply.clone().into(), reply.into()]
    });
    let mut pump = pump(asking([&server]));
    let mut outcomes = HashMap::new();
    for name in ["one.example", "two.example", "three.example"] {
        let lookup = start(&mut pump, HostQuery::by_name(name));
        outcomes.insert(name, outcome(&mut pump, lookup).unwrap());
    }
    assert!(outcomes.values().all(|host| host.addresses.len() == 2), "{outcomes:?}");
    assert!(pump.next_message().is_none());
    assert_eq!(pump.metrics().operations, 0);
}
