//! Answers: families, aliases, names of addresses, times to live.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use msgpump::{Family, Host, HostPart, HostQuery, LookupError, LookupFailure, OperationId, Payload, Pump, Source};

use crate::support::wire::{A, AAAA, CNAME, NXDOMAIN, PTR, Query, Reply, SERVFAIL, TTL_SECS};
use crate::support::{
    Act, LONG, NameServer, SHORT, addresses, asking, failure, look_up, outcome, pump, start, turn_until,
};

const V4: [u8; 4] = [192, 0, 2, 1];
const V6: [u16; 8] = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1];

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, V4, V6)
}

fn v4(pump: &mut Pump<()>, name: &str) -> Result<Box<Host>, LookupError> {
    let lookup = start(pump, HostQuery::by_name(name).family(Family::V4));
    outcome(pump, lookup)
}

fn v6(pump: &mut Pump<()>, name: &str) -> Result<Box<Host>, LookupError> {
    let lookup = start(pump, HostQuery::by_name(name).family(Family::V6));
    outcome(pump, lookup)
}

#[test]
fn both_families_make_one_answer() {
    let server = NameServer::answering(answer);
    let mut pump = pump(asking([&server]));
    let host = look_up(&mut pump, "Host.Example").unwrap();
    let found: BTreeSet<String> = addresses(&host).into_iter().collect();
    assert_eq!(found, BTreeSet::from(["192.0.2.1".into(), "2001:db8::1".into()]));
    assert_eq!(host.source, Source::NameServer(server.address()));
    assert_eq!(host.ttl, Some(Duration::from_secs(TTL_SECS.into())));
    assert!(!host.incomplete && host.aliases.is_empty());
    assert!(host.canonical_name.eq_ignore_ascii_case("host.example"));
}

#[test]
fn one_family_is_asked_for_alone() {
    let server = NameServer::answering(answer);
    let mut pump = pump(asking([&server]));
    assert_eq!(addresses(&v4(&mut pump, "host.example").unwrap()), ["192.0.2.1"]);
    assert_eq!(addresses(&v6(&mut pump, "host.example").unwrap()), ["2001:db8::1"]);
    let types: Vec<_> = server.queries().iter().map(|query| query.record_type).collect();
    assert_eq!(types, [A, AAAA]);
}

#[test]
fn no_aaaa_asks_for_ipv4_alone() {
    let server = NameServer::answering(answer);
    let mut pump = pump(asking([&server]).with_no_aaaa(true));
    assert_eq!(addresses(&look_up(&mut pump, "host.example").unwrap()), ["192.0.2.1"]);
    assert_eq!(v6(&mut pump, "host.example").unwrap_err().failure(), LookupFailure::NoData);
    assert_eq!(server.asked(), 1);
}

/// The second question goes out when the first one is answered, on a socket of its own.
#[test]
fn single_request_asks_one_question_at_a_time() {
    let server = NameServer::start(|query| vec![Act::Hold, answer(query).into()]);
    let mut pump = pump(asking([&server]).with_single_request(true));
    let lookup = start(&mut pump, HostQuery::by_name("host.example"));
    for asked in 1..=2 {
        turn_until(&mut pump, "a question", |_| server.holding() == 1);
        assert_eq!(server.asked(), asked);
        assert!(server.release());
    }
    assert_eq!(outcome(&mut pump, lookup).unwrap().addresses.len(), 2);
    let types: Vec<_> = server.queries().iter().map(|query| query.record_type).collect();
    assert_eq!(types, [AAAA, A]);
}

/// The other family has no such record, or says that there is no such name: some servers do.
#[test]
fn one_family_is_enough() {
    for rcode in [0, NXDOMAIN] {
        for missing in [A, AAAA] {
            let server = NameServer::answering(move |query| match query.record_type == missing {
                true => Reply::to(query).rcode(rcode).soa("example"),
                false => answer(query),
            });
            let mut pump = pump(asking([&server]));
            let host = look_up(&mut pump, "host.example").unwrap();
            assert_eq!((host.addresses.len(), host.incomplete), (1, false), "{missing} has rcode {rcode}");
            assert_eq!(server.asked(), 2);
        }
    }
}

/// After the patience for the second family the first one is told, and that something is missing.
#[test]
fn a_family_that_does_not_come_is_not_waited_for_long() {
    for silent in [A, AAAA] {
        let server = NameServer::start(move |query| match query.record_type == silent {
            true => Vec::new(),
            false => vec![answer(query).into()],
        });
        let mut pump = pump(asking([&server]).with_family_patience(SHORT));
        let host = look_up(&mut pump, "host.example").unwrap();
        assert_eq!((host.addresses.len(), host.incomplete), (1, true));
        assert_eq!(pump.metrics().sockets, 0);
    }
}

#[test]
fn a_family_that_fails_is_marked_as_missing() {
    let server = NameServer::answering(|query| match query.record_type {
        A => answer(query),
        _ => Reply::to(query).rcode(SERVFAIL),
    });
    let mut pump = pump(asking([&server]).with_attempts(2));
    let host = look_up(&mut pump, "host.example").unwrap();
    assert_eq!((addresses(&host), host.incomplete), (vec!["192.0.2.1".to_owned()], true));
    assert_eq!(server.asked(), 3, "what is answered is not asked again");
}

/// Takes the parts of a streamed lookup and its outcome, in order.
fn parts(pump: &mut Pump<()>, lookup: OperationId) -> (Vec<HostPart>, Result<Box<Host>, LookupError>) {
    let mut parts = Vec::new();
    loop {
        turn_until(pump, "a message", |pump| pump.peek_message().is_some());
        let message = pump.next_message().unwrap();
        assert_eq!(message.operation, Some(lookup));
        match message.payload {
            Payload::HostPart(part) => parts.push(*part),
            Payload::Host(result) => return (parts, result),
            other => panic!("unexpected {:?}", other.kind()),
        }
    }
}

#[test]
fn a_streamed_lookup_tells_each_family_as_it_comes() {
    let server = NameServer::start(|query| vec![Act::Hold, answer(query).into()]);
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, HostQuery::by_name("host.example").streamed());
    turn_until(&mut pump, "both questions are asked", |_| server.holding() == 2);
    // The IPv6 question came first, the IPv4 one is answered first.
    assert!(server.release_newest());
    turn_until(&mut pump, "the first family", |pump| pump.peek_message().is_some());
    let Payload::HostPart(part) = pump.next_message().unwrap().payload else { panic!("a part comes first") };
    assert_eq!((part.family, part.addresses), (Family::V4, vec![IpAddr::from(V4)]));
    assert_eq!((part.canonical_name.as_str(), part.source), ("host.example", Source::NameServer(server.address())));
    assert!(pump.is_live(lookup) && pump.next_message().is_none());

    assert!(server.release());
    let (parts, result) = parts(&mut pump, lookup);
    assert_eq!(parts.iter().map(|part| part.family).collect::<Vec<_>>(), [Family::V6]);
    assert_eq!(result.unwrap().addresses.len(), 2);
    assert!(!pump.is_live(lookup));
}

#[test]
fn a_streamed_lookup_that_fails_gives_its_outcome_alone() {
    let server = NameServer::answering(|query| Reply::to(query).rcode(NXDOMAIN));
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, HostQuery::by_name("host.example").streamed());
    let (parts, result) = parts(&mut pump, lookup);
    assert!(parts.is_empty());
    assert_eq!(result.unwrap_err().failure(), LookupFailure::NotFound);
}

fn alias(step: usize) -> String {
    format!("alias{step}.example")
}

/// A chain of `hops` aliases from `alias0.example`, in the order that `order` makes of them.
fn chain(query: &Query, hops: usize, order: impl Fn(&mut Vec<usize>)) -> Reply {
    let mut steps: Vec<usize> = (0..=hops).collect();
    order(&mut steps);
    steps.into_iter().fold(Reply::to(query), |reply, step| match step == hops {
        true => reply.a(&alias(hops), V4),
        false => reply.cname(&alias(step), &alias(step + 1)),
    })
}

#[test]
fn aliases_are_followed_in_any_order_of_records() {
    let orders: [fn(&mut Vec<usize>); 3] = [|_| {}, |steps| steps.reverse(), |steps| steps.rotate_left(3)];
    for order in orders {
        let server = NameServer::answering(move |query| chain(query, 7, order));
        let mut pump = pump(asking([&server]));
        let host = v4(&mut pump, &alias(0)).unwrap();
        assert_eq!((host.canonical_name.as_str(), addresses(&host)), ("alias7.example", vec!["192.0.2.1".to_owned()]));
        assert_eq!(host.aliases, (0..7).map(alias).collect::<Vec<_>>());
        assert_eq!(server.asked(), 1);
    }
}

/// Each answer has one alias and no more: the next name is asked for, of the same server.
#[test]
fn a_chain_of_aliases_may_go_on_in_another_answer() {
    let server = NameServer::answering(|query| {
        let step: usize = query.name.trim_start_matches("alias").trim_end_matches(".example").parse().unwrap();
        match step {
            5 => answer(query),
            _ => Reply::to(query).cname(&query.name, &alias(step + 1)),
        }
    });
    let mut pump = pump(asking([&server]));
    let host = v4(&mut pump, &alias(0)).unwrap();
    assert_eq!((host.canonical_name.as_str(), host.aliases.len()), ("alias5.example", 5));
    assert_eq!(server.asked(), 6);
    // Of both families, each at its own pace.
    let host = look_up(&mut pump, &alias(0)).unwrap();
    assert_eq!((host.addresses.len(), host.aliases.len(), host.incomplete), (2, 5, false));
    assert_eq!(server.asked(), 18);
}

/// Some servers give five aliases at a time, and the address with the last of them.
#[test]
fn a_chain_has_the_same_limit_in_one_answer_and_in_many() {
    for (hops, expected) in [(16, Ok(16)), (17, Err(LookupFailure::ServerFailure))] {
        let server = NameServer::answering(move |query| {
            let step: usize = query.name.trim_start_matches("alias").trim_end_matches(".example").parse().unwrap();
            let end = hops.min(step + 5);
            let reply = (step..end).fold(Reply::to(query), |reply, step| reply.cname(&alias(step), &alias(step + 1)));
            if end == hops { reply.a(&alias(hops), V4) } else { reply }
        });
        let mut pump = pump(asking([&server]));
        let found = v4(&mut pump, &alias(0)).map(|host| host.aliases.len()).map_err(|error| error.failure());
        assert_eq!((found, server.asked()), (expected, 4), "{hops} aliases");
    }
}

#[test]
fn chains_without_an_end_are_a_server_failure() {
    type Script = fn(&Query) -> Reply;
    let scripts: [(&str, Script, usize); 5] = [
        ("an alias of itself", |query| Reply::to(query).cname(&query.name, &query.name), 1),
        (
            "a ring in one answer",
            |query| Reply::to(query).cname("a.example", "b.example").cname("b.example", "a.example"),
            1,
        ),
        (
            "a ring over two answers",
            |query| {
                Reply::to(query).cname(&query.name, if query.name == "a.example" { "b.example" } else { "a.example" })
            },
            2,
        ),
        (
            "17 aliases in one answer",
            |query| {
                (0..17).fold(Reply::to(query), |reply, step| {
                    let owner = if step == 0 { "a.example".to_owned() } else { alias(step) };
                    reply.cname(&owner, &alias(step + 1))
                })
            },
            1,
        ),
        ("a new alias each time", |query| Reply::to(query).cname(&query.name, &format!("x.{}", query.name)), 17),
    ];
    for (what, script, asked) in scripts {
        let server = NameServer::answering(script);
        let mut pump = pump(asking([&server]));
        assert_eq!(v4(&mut pump, "a.example").unwrap_err().failure(), LookupFailure::ServerFailure, "{what}");
        assert_eq!(server.asked(), asked, "{what}");
    }
}

/// The response code is about the last name (RFC 6604).
#[test]
fn an_alias_may_lead_to_nothing() {
    for (rcode, expected) in [(NXDOMAIN, LookupFailure::NotFound), (0, LookupFailure::NoData)] {
        let server = NameServer::answering(move |query| {
            Reply::to(query).cname(&query.name, "gone.example").rcode(rcode).soa("example")
        });
        let mut pump = pump(asking([&server]));
        assert_eq!(failure(&mut pump, "host.example"), expected);
        assert_eq!(server.asked(), 2);
    }
}

#[test]
fn records_that_nobody_asked_for_are_ignored() {
    let server = NameServer::answering(|query| {
        Reply::to(query)
            .a("bank.example", [203, 0, 113, 66])
            .answer(&query.name, 16, b"\x04text")
            .answer(&query.name, 46, &[0; 40])
            .a(&query.name, V4)
            .aaaa(&query.name, V6)
            .cname("other.example", "bank.example")
    });
    let mut pump = pump(asking([&server]));
    assert_eq!(addresses(&v4(&mut pump, "host.example").unwrap()), ["192.0.2.1"]);
}

#[test]
fn bytes_behind_the_last_record_are_ignored() {
    let server = NameServer::start(|query| vec![Act::Send([answer(query).bytes(), vec![0xC0; 100]].concat())]);
    let mut pump = pump(asking([&server]));
    assert_eq!(look_up(&mut pump, "host.example").unwrap().addresses.len(), 2);
}

#[test]
fn compressed_names_are_read() {
    let server = NameServer::start(|query| {
        // Twice a pointer to the question's name, at 12.
        let mut bytes = Reply { counts: [1, 2, 0, 0], ..Reply::to(query) }.bytes();
        bytes.extend([0xC0, 12, 0, CNAME as u8, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xC0, 12]);
        // The alias's target, `x` before the question's name, stands two bytes into the data before.
        let target = bytes.len() - 4;
        bytes.extend([0xC0, target as u8, 0, A as u8, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        vec![Act::Send(bytes)]
    });
    let mut pump = pump(asking([&server]));
    let host = v4(&mut pump, "host.example").unwrap();
    assert_eq!((host.canonical_name.as_str(), addresses(&host)), ("x.host.example", vec!["192.0.2.1".to_owned()]));
    assert_eq!(host.ttl, Some(Duration::from_secs(9)));
}

#[test]
fn the_time_to_live_is_the_least_of_the_chain() {
    let server = NameServer::answering(|query| {
        Reply::to(query)
            .ttl(600)
            .cname(&query.name, "b.example")
            .ttl(30)
            .cname("b.example", "c.example")
            .ttl(900)
            .a("c.example", V4)
    });
    let mut pump = pump(asking([&server]));
    assert_eq!(v4(&mut pump, "a.example").unwrap().ttl, Some(Duration::from_secs(30)));
}

/// RFC 2181 section 8.
#[test]
fn a_time_to_live_with_its_top_bit_set_is_zero() {
    let server = NameServer::answering(|query| Reply::to(query).ttl(0x8000_0001).a(&query.name, V4));
    let mut pump = pump(asking([&server]));
    assert_eq!(v4(&mut pump, "host.example").unwrap().ttl, Some(Duration::ZERO));
}

#[test]
fn addresses_have_names_in_both_families() {
    let server = NameServer::answering(|query| match query.name.as_str() {
        "1.2.0.192.in-addr.arpa" => Reply::to(query).ptr(&query.name, "Host.Example").ptr(&query.name, "other.example"),
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" => {
            Reply::to(query).ptr(&query.name, "host6.example")
        }
        "2.2.0.192.in-addr.arpa" => Reply::to(query)
            .cname(&query.name, "2.sub.2.0.192.in-addr.arpa")
            .ptr("2.sub.2.0.192.in-addr.arpa", "delegated.example"),
        _ => Reply::to(query).rcode(NXDOMAIN),
    });
    let mut pump = pump(asking([&server]).with_search(["example"]));
    for (address, names) in [
        ("192.0.2.1", &["Host.Example", "other.example"][..]),
        ("::ffff:192.0.2.1", &["Host.Example", "other.example"]),
        ("2001:db8::1", &["host6.example"]),
        // RFC 2317: a part of a network that is not a multiple of 8 bits.
        ("192.0.2.2", &["delegated.example"]),
    ] {
        let address: IpAddr = address.parse().unwrap();
        let lookup = start(&mut pump, HostQuery::by_address(address));
        let host = outcome(&mut pump, lookup).unwrap();
        assert_eq!((host.canonical_name.as_str(), host.addresses), (names[0], vec![address]));
        assert_eq!(host.aliases, &names[1..], "{address}");
    }
    let asked = server.asked();
    let lookup = start(&mut pump, HostQuery::by_address([192, 0, 2, 9]));
    let error = outcome(&mut pump, lookup).unwrap_err();
    assert_eq!((error.failure(), error.question()), (LookupFailure::NotFound, "192.0.2.9"));
    assert_eq!(server.asked(), asked + 1, "search domains have no part in it");
    assert!(server.queries().iter().all(|query| query.record_type == PTR));
}

/// On a machine without an IPv6 route the IPv4 address comes first, with one, the other way round
/// is as good: only what the loopback interface has is the same everywhere.
#[test]
fn addresses_come_in_the_order_of_rfc_6724() {
    let server = NameServer::answering(|query| match query.record_type {
        A => Reply::to(query).a(&query.name, [127, 0, 0, 1]),
        _ => Reply::to(query).aaaa(&query.name, [0, 0, 0, 0, 0, 0, 0, 1]),
    });
    let mut pump = pump(asking([&server]).with_timeout(LONG));
    let host = look_up(&mut pump, "host.example").unwrap();
    let has_ipv6 = std::net::UdpSocket::bind("[::1]:0").is_ok();
    // Rule 6, precedence: ::1 has the highest of all.
    let expected = if has_ipv6 { ["::1", "127.0.0.1"] } else { ["127.0.0.1", "::1"] };
    assert_eq!(addresses(&host), expected);
}
