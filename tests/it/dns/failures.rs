//! Servers that refuse, fail or are silent, and what the message says about it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use msgpump::{Family, HostQuery, LookupError, LookupFailure, Pump, Source};

use crate::support::wire::{A, IS_REPLY, NOTIMP, NXDOMAIN, Query, REFUSED, Reply, SERVFAIL};
use crate::support::{
    Act, ClosedPort, NameServer, SHORT, Script, addresses, asking, asking_at, failure, look_up, outcome, pump, start,
};

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, [192, 0, 2, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
}

fn rcode(rcode: u16) -> NameServer {
    NameServer::answering(move |query| Reply::to(query).rcode(rcode))
}

fn error(pump: &mut Pump<()>, query: HostQuery) -> LookupError {
    let lookup = start(pump, query);
    outcome(pump, lookup).expect_err("the lookup fails")
}

/// Wine, where the tests for Windows are run, tells no socket that its datagram was refused.
const TELLS_NO_REFUSAL: bool = cfg!(windows);

fn v4(name: &str) -> HostQuery {
    HostQuery::by_name(name).family(Family::V4)
}

#[test]
fn each_failure_keeps_its_name() {
    let no_such_name = NameServer::answering(|query| Reply::to(query).rcode(NXDOMAIN).soa("example"));
    let no_such_data = NameServer::answering(|query| Reply::to(query).soa("example"));
    let closed = ClosedPort::new();
    let refusing = rcode(REFUSED);
    let failing = rcode(SERVFAIL);
    let silent = NameServer::silent();
    for (address, expected, is_temporary) in [
        (no_such_name.address(), LookupFailure::NotFound, false),
        (no_such_data.address(), LookupFailure::NoData, false),
        (refusing.address(), LookupFailure::Refused, true),
        (failing.address(), LookupFailure::ServerFailure, true),
        (silent.address(), LookupFailure::TimedOut, true),
        (closed.address(), LookupFailure::NetworkDown, true),
    ] {
        if TELLS_NO_REFUSAL && address == closed.address() {
            continue;
        }
        let mut pump = pump(asking_at([address]).with_timeout(SHORT));
        let error = error(&mut pump, HostQuery::by_name("host.example"));
        assert_eq!(error.failure(), expected);
        assert_eq!(error.failure().is_temporary(), is_temporary);
        assert_eq!((error.question(), error.server()), ("host.example", Some(address)), "{expected:?}");
        let shown = error.to_string();
        assert!(shown.contains("host.example") && shown.contains(&address.to_string()), "{shown}");
        let metrics = pump.metrics();
        assert_eq!((metrics.sockets, metrics.operations, metrics.timers), (0, 0, 0), "{expected:?}");
    }
}

#[test]
fn what_was_sent_is_counted() {
    let failing = rcode(SERVFAIL);
    let mut pump = pump(asking([&failing]).with_attempts(3));
    assert_eq!(error(&mut pump, v4("host.example")).attempts(), 3);
    assert_eq!(failing.asked(), 3);
    assert_eq!(error(&mut pump, HostQuery::by_name("host.example")).attempts(), 6);
}

/// A refusal comes back at once (ICMP), so the timeout of 30 seconds has no part in this.
#[cfg_attr(windows, ignore = "Wine tells no socket that its datagram was refused")]
#[test]
fn a_server_that_is_not_there_is_passed_over_at_once() {
    let (closed, server) = (ClosedPort::new(), NameServer::answering(answer));
    let mut pump = pump(asking_at([closed.address(), server.address()]));
    let host = look_up(&mut pump, "host.example").unwrap();
    assert_eq!((host.addresses.len(), host.incomplete), (2, false));
    assert_eq!(host.source, Source::NameServer(server.address()));
    assert_eq!(server.asked(), 2);
}

/// With five attempts at each of three servers, one round is enough to know.
#[cfg_attr(windows, ignore = "Wine tells no socket that its datagram was refused")]
#[test]
fn all_servers_out_of_reach_is_told_at_once() {
    let closed = [ClosedPort::new(), ClosedPort::new(), ClosedPort::new()];
    let mut pump = pump(asking_at(closed.iter().map(ClosedPort::address)).with_attempts(5));
    let error = error(&mut pump, v4("host.example"));
    assert_eq!((error.failure(), error.attempts()), (LookupFailure::NetworkDown, 3));
    assert_eq!(error.server(), Some(closed[2].address()));
}

/// No route, as opposed to nobody there: the discard prefix of RFC 6666 leads nowhere on most
/// machines; where it does, nobody answers.
#[test]
fn a_server_without_a_route_is_passed_over() {
    let nowhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 53)), 53);
    let server = NameServer::answering(answer);
    let mut pump = pump(asking_at([nowhere, server.address()]).with_timeout(SHORT * 5));
    assert_eq!(addresses(&outcome_of(&mut pump, v4("host.example"))), ["192.0.2.1"]);
}

fn outcome_of(pump: &mut Pump<()>, query: HostQuery) -> Box<msgpump::Host> {
    let lookup = start(pump, query);
    outcome(pump, lookup).unwrap()
}

#[test]
fn a_server_that_fails_leads_to_the_next() {
    let servers: [(&str, Script); 8] = [
        ("SERVFAIL", |query| vec![Reply::to(query).rcode(SERVFAIL).into()]),
        ("REFUSED", |query| vec![Reply::to(query).rcode(REFUSED).into()]),
        ("NOTIMP", |query| vec![Reply::to(query).rcode(NOTIMP).edns(0).into()]),
        ("a code nobody knows", |query| vec![Reply::to(query).rcode(13).into()]),
        ("a referral", |query| {
            let reply =
                Reply { flags: IS_REPLY, counts: [1, 0, 1, 0], ..Reply::to(query).answer("example", 2, b"\x01a\0") };
            vec![reply.into()]
        }),
        ("an address of five bytes", |query| {
            vec![Reply::to(query).answer(&query.name, query.record_type, &[9; 5]).into()]
        }),
        ("a record that ends early", |query| {
            let mut bytes = answer(query).bytes();
            bytes.truncate(bytes.len() - 2);
            vec![Act::Send(bytes)]
        }),
        ("records that are not there", |query| vec![Reply { counts: [1, 3, 0, 0], ..Reply::to(query) }.into()]),
    ];
    for (what, script) in servers {
        let (first, second) = (NameServer::start(script), NameServer::answering(answer));
        let mut pump = pump(asking([&first, &second]));
        let host = look_up(&mut pump, "host.example").unwrap();
        assert_eq!((host.addresses.len(), host.source), (2, Source::NameServer(second.address())), "{what}");
        assert_eq!((first.asked(), second.asked()), (2, 2), "{what}");
    }
}

/// What a server knows counts, even if another one would know more: they are asked in order.
#[test]
fn a_name_that_does_not_exist_is_not_asked_of_the_next_server() {
    for rcode in [NXDOMAIN, 0] {
        let first = NameServer::answering(move |query| Reply::to(query).rcode(rcode).soa("example"));
        let second = NameServer::answering(answer);
        let mut pump = pump(asking([&first, &second]).with_attempts(5));
        let expected = if rcode == 0 { LookupFailure::NoData } else { LookupFailure::NotFound };
        assert_eq!(failure(&mut pump, "host.example"), expected);
        assert_eq!((first.asked(), second.asked()), (2, 0));
    }
}

#[test]
fn the_most_telling_failure_is_told() {
    let (refusing_server, silent_server, closed_port) = (rcode(REFUSED), NameServer::silent(), ClosedPort::new());
    let (refusing, silent) = (refusing_server.address(), silent_server.address());
    let closed = closed_port.address();
    for (what, servers, expected, whose) in [
        ("a refusal before a silence", [refusing, silent], LookupFailure::Refused, refusing),
        ("a refusal after a silence", [silent, refusing], LookupFailure::Refused, refusing),
        ("a silence after a closed port", [closed, silent], LookupFailure::TimedOut, silent),
        ("a closed port after a silence", [silent, closed], LookupFailure::TimedOut, silent),
        ("a closed port after a refusal", [refusing, closed], LookupFailure::Refused, refusing),
    ] {
        if TELLS_NO_REFUSAL && servers == [silent, closed] {
            continue;
        }
        let mut pump = pump(asking_at(servers).with_timeout(SHORT));
        let error = error(&mut pump, v4("host.example"));
        assert_eq!((error.failure(), error.server()), (expected, Some(whose)), "{what}");
    }
}

/// Silent servers cost a timeout each; the order is by server, then by attempt.
#[test]
fn servers_are_asked_in_order_and_then_again() {
    let servers = [NameServer::silent(), NameServer::silent(), NameServer::silent()];
    let mut pump = pump(asking(&servers).with_timeout(SHORT / 2).with_attempts(2));
    let error = error(&mut pump, v4("host.example"));
    assert_eq!((error.failure(), error.attempts()), (LookupFailure::TimedOut, 6));
    assert!(error.elapsed() >= SHORT / 2 * 6, "no attempt is cut short: {:?}", error.elapsed());
    assert!(servers.iter().all(|server| server.asked() == 2));
}

#[test]
fn rotation_begins_each_lookup_at_the_next_server() {
    let servers = [NameServer::answering(answer), NameServer::answering(answer), NameServer::answering(answer)];
    let mut pump = pump(asking(&servers).with_rotate(true));
    let sources: Vec<_> = (0..6).map(|_| outcome_of(&mut pump, v4("host.example")).source).collect();
    let places = servers.each_ref().map(|server| Source::NameServer(server.address()));
    assert_eq!(sources, [places, places].concat());

    let mut pump = self::pump(asking(&servers));
    let sources: Vec<_> = (0..3).map(|_| outcome_of(&mut pump, v4("host.example")).source).collect();
    assert_eq!(sources, [places[0]; 3], "without it, at the first");
}

/// A rotation that begins at a dead server goes on at the next.
#[cfg_attr(windows, ignore = "Wine tells no socket that its datagram was refused")]
#[test]
fn rotation_passes_over_a_closed_port() {
    let (closed, server) = (ClosedPort::new(), NameServer::answering(answer));
    let mut pump = pump(asking_at([closed.address(), server.address()]).with_rotate(true));
    for _ in 0..4 {
        assert_eq!(outcome_of(&mut pump, v4("host.example")).source, Source::NameServer(server.address()));
    }
}

#[test]
fn a_lookup_as_a_whole_may_have_a_deadline() {
    let server = NameServer::silent();
    let mut pump = pump(asking([&server]).with_deadline(Some(SHORT)));
    let error = error(&mut pump, v4("host.example"));
    assert_eq!((error.failure(), error.attempts()), (LookupFailure::TimedOut, 1));
    assert!(error.elapsed() >= SHORT);
    assert_eq!(pump.metrics().sockets, 0);
}

#[test]
fn a_name_server_may_have_an_ipv6_address() {
    if std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("skipped: this machine has no IPv6");
        return;
    }
    let server = NameServer::start_at(Ipv6Addr::LOCALHOST, |query| {
        assert_eq!(query.record_type, A);
        vec![answer(query).into()]
    });
    let mut pump = pump(asking([&server]));
    let host = outcome_of(&mut pump, v4("host.example"));
    assert_eq!(host.source, Source::NameServer(server.address()));
}
