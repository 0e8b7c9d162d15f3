//! Which names are asked for: search domains, special names, addresses, malformed text.

use msgpump::simulation::Simulation;
use msgpump::{Family, HostQuery, LookupError, LookupFailure, Payload, Pump, ResolverConfig, Settings, Source};

use crate::support::wire::{FORMERR, NXDOMAIN, REFUSED, Reply, SERVFAIL};
use crate::support::{Act, NameServer, SHORT, Script, addresses, asking, failure, outcome, pump, start};

const V4: [u8; 4] = [192, 0, 2, 1];

/// Looks up the IPv4 addresses alone, so that each candidate is one query.
fn v4(pump: &mut Pump<()>, name: &str) -> Result<Box<msgpump::Host>, LookupError> {
    let lookup = start(pump, HostQuery::by_name(name).family(Family::V4));
    outcome(pump, lookup)
}

/// A server that knows `known` and nothing else.
fn knowing(known: &'static [&'static str]) -> NameServer {
    NameServer::answering(|query| match known.contains(&query.name.as_str()) {
        true => Reply::to(query).a(&query.name, V4),
        false => Reply::to(query).rcode(NXDOMAIN).soa("example"),
    })
}

fn names(server: &NameServer) -> Vec<String> {
    server.queries().into_iter().map(|query| query.name).collect()
}

#[test]
fn candidates_are_asked_for_in_order() {
    for (name, ndots, expected) in [
        ("host", 1, &["host.corp.example", "host.example", "host"][..]),
        ("host.web", 1, &["host.web", "host.web.corp.example", "host.web.example"]),
        ("host.web", 2, &["host.web.corp.example", "host.web.example", "host.web"]),
        ("host", 0, &["host", "host.corp.example", "host.example"]),
        ("host.", 1, &["host"]),
        ("host.web.", 5, &["host.web"]),
        // Names with underscores and of digits are names.
        ("_dns._udp", 2, &["_dns._udp.corp.example", "_dns._udp.example", "_dns._udp"]),
        ("4host-", 1, &["4host-.corp.example", "4host-.example", "4host-"]),
    ] {
        let server = knowing(&[]);
        let mut pump = pump(asking([&server]).with_search(["corp.example", "example"]).with_ndots(ndots));
        let error = v4(&mut pump, name).unwrap_err();
        assert_eq!((error.failure(), error.question()), (LookupFailure::NotFound, name));
        assert_eq!(error.attempts() as usize, expected.len());
        assert_eq!(names(&server), expected, "{name}, ndots {ndots}");
    }
}

#[test]
fn the_first_candidate_found_is_the_answer() {
    let server = knowing(&["host.example", "host"]);
    let mut pump = pump(asking([&server]).with_search(["corp.example", "example", "late.example"]));
    let host = v4(&mut pump, "host").unwrap();
    assert_eq!((host.canonical_name.as_str(), addresses(&host)), ("host.example", vec!["192.0.2.1".to_owned()]));
    assert_eq!(names(&server), ["host.corp.example", "host.example"]);
}

/// That a name has no address is remembered, and told only if no other candidate is found.
#[test]
fn no_data_goes_on_and_is_told_at_the_end() {
    for (second_exists, expected) in [(true, None), (false, Some(LookupFailure::NoData))] {
        let server = NameServer::answering(move |query| match query.name.as_str() {
            "host.a.example" => Reply::to(query).soa("a.example"),
            "host.b.example" if second_exists => Reply::to(query).a(&query.name, V4),
            _ => Reply::to(query).rcode(NXDOMAIN),
        });
        let mut pump = pump(asking([&server]).with_search(["a.example", "b.example"]));
        assert_eq!(v4(&mut pump, "host").err().map(|error| error.failure()), expected);
        assert_eq!(server.asked(), if second_exists { 2 } else { 3 });
    }
}

/// Scripts of a server that is in trouble about everything but a wildcard below `wild.example`.
fn troubles() -> [(&'static str, Script, LookupFailure); 13] {
    use LookupFailure::*;
    fn raw(bytes: Vec<u8>) -> Vec<Act> {
        vec![Act::Send(bytes)]
    }
    [
        ("SERVFAIL", |query| raw(Reply::to(query).rcode(SERVFAIL).bytes()), ServerFailure),
        ("REFUSED", |query| raw(Reply::to(query).rcode(REFUSED).bytes()), Refused),
        ("silence", |_| Vec::new(), TimedOut),
        ("FORMERR", |query| raw(Reply::to(query).rcode(FORMERR).edns(0).bytes()), ServerFailure),
        ("too long and truncated on the stream too", |query| raw(Reply::to(query).truncated().bytes()), ServerFailure),
        (
            "a name that points to itself",
            |query| {
                let loops = Reply { counts: [1, 1, 0, 0], ..Reply::to(query) }.bytes();
                let at = loops.len() as u8;
                raw([&loops[..], &[0xC0, at, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4]].concat())
            },
            ServerFailure,
        ),
        (
            "a pointer past the end",
            |query| {
                let reply = Reply { counts: [1, 1, 0, 0], ..Reply::to(query) }.bytes();
                raw([&reply[..], &[0xFF, 0xFF, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4]].concat())
            },
            ServerFailure,
        ),
        (
            "an address of three bytes",
            |query| raw(Reply::to(query).answer(&query.name, 1, &[1, 2, 3]).bytes()),
            ServerFailure,
        ),
        (
            "an address of sixteen bytes",
            |query| raw(Reply::to(query).answer(&query.name, 1, &[1; 16]).bytes()),
            ServerFailure,
        ),
        (
            "half an answer",
            |query| {
                let bytes = Reply::to(query).a(&query.name, V4).bytes();
                raw(bytes[..bytes.len() - 6].to_vec())
            },
            ServerFailure,
        ),
        (
            "an answer that is not there",
            |query| raw(Reply { counts: [1, 1, 0, 0], ..Reply::to(query) }.bytes()),
            ServerFailure,
        ),
        (
            "NXDOMAIN with records that are not there",
            |query| raw(Reply { counts: [1, 2, 0, 0], ..Reply::to(query).rcode(NXDOMAIN) }.bytes()),
            ServerFailure,
        ),
        (
            "a chain without an end",
            |query| raw(Reply::to(query).cname(&query.name, &query.name).bytes()),
            ServerFailure,
        ),
    ]
}

/// Otherwise somebody else's host would stand in for the one that was meant: whoever has the wildcard.
#[test]
fn f12_malformed_replies_and_trouble_never_lead_to_another_candidate() {
    for (what, trouble, expected) in troubles() {
        let server = NameServer::start(move |query| match query.name.ends_with("wild.example") {
            true => vec![Reply::to(query).a(&query.name, [203, 0, 113, 66]).into()],
            false => trouble(query),
        });
        let config = asking([&server]).with_search(["wild.example"]).with_timeout(SHORT);
        let mut pump = pump(config);
        assert_eq!(v4(&mut pump, "host.meant").unwrap_err().failure(), expected, "{what}");
        assert!(names(&server).iter().all(|name| name == "host.meant"), "{what}: {:?}", names(&server));
        assert_eq!(pump.metrics().sockets, 0);
    }
}

/// The report that this is about: an answer of more than 512 bytes, without EDNS.
#[test]
fn f12_an_answer_over_512_bytes_is_an_answer() {
    let server = NameServer::answering(|query| match query.name.as_str() {
        "host.meant" => (1..=40).fold(Reply::to(query), |reply, last| reply.a(&query.name, [192, 0, 2, last])),
        _ => Reply::to(query).a(&query.name, [203, 0, 113, 66]),
    });
    let mut pump = pump(asking([&server]).with_search(["wild.example"]).with_edns(false));
    assert_eq!(v4(&mut pump, "host.meant").unwrap().addresses.len(), 40);
    assert_eq!(names(&server), ["host.meant"]);
}

#[test]
fn a_candidate_that_is_too_long_is_passed_over() {
    let label = "a".repeat(63);
    let name = [&*label, &label, &label].join(".");
    let domain = ["b".repeat(63), "example".to_owned()].join(".");
    let server = knowing(&["aaaa"]);
    let mut pump = pump(asking([&server]).with_search([&domain]).with_ndots(5));
    assert_eq!(v4(&mut pump, &name).unwrap_err().failure(), LookupFailure::NotFound);
    assert_eq!(names(&server), [name]);
}

#[test]
fn what_is_malformed_is_told_and_not_sent() {
    let server = knowing(&[]);
    let mut pump = pump(asking([&server]).with_search(["example"]));
    let long_label = format!("{}.example", "a".repeat(64));
    let long_name = ["a".repeat(63), "a".repeat(63), "a".repeat(63), "a".repeat(62)].join(".");
    for name in [
        "",
        ".",
        "..",
        "host..",
        "host..example",
        ".host",
        "a\0b",
        "a b",
        "host\n",
        "h\u{fffd}st.example",
        "a\\.b",
        "1.2.3.4.5.6",
        "127.1",
        "0x7f.1",
        "1234",
        "[::1",
        "::1::2",
        "1.2.3.4:53",
        &long_label,
        &long_name,
    ] {
        let error = v4(&mut pump, name).expect_err(name);
        assert_eq!((error.failure(), error.question()), (LookupFailure::MalformedName, name), "{error}");
        assert_eq!((error.attempts(), error.server()), (0, None));
    }
    assert_eq!(server.asked(), 0, "{:?}", names(&server));
}

/// RFC 1035 section 3.1: the last of the lengths that fit.
#[test]
fn the_longest_names_are_asked_for() {
    let server = knowing(&[]);
    let mut pump = pump(asking([&server]));
    let longest = ["a".repeat(63), "a".repeat(63), "a".repeat(63), "a".repeat(61)].join(".");
    assert_eq!(longest.len(), 253);
    assert_eq!(v4(&mut pump, &longest).unwrap_err().failure(), LookupFailure::NotFound);
    assert_eq!(v4(&mut pump, &format!("{longest}.")).unwrap_err().failure(), LookupFailure::NotFound);
    assert_eq!(names(&server), [longest.clone(), longest]);
}

#[test]
fn addresses_in_text_form_are_their_own_answer() {
    let server = knowing(&[]);
    let mut pump = pump(asking([&server]).with_search(["example"]));
    for (text, family, expected) in [
        ("192.0.2.7", Family::Any, Ok("192.0.2.7")),
        ("2001:DB8::7", Family::Any, Ok("2001:db8::7")),
        ("[2001:db8::7]", Family::Any, Ok("2001:db8::7")),
        ("::ffff:192.0.2.7", Family::V6, Ok("::ffff:192.0.2.7")),
        ("fe80::1%1", Family::Any, Ok("fe80::1")),
        ("192.0.2.7", Family::V6, Err(LookupFailure::NoData)),
        ("2001:db8::7", Family::V4, Err(LookupFailure::NoData)),
    ] {
        let lookup = start(&mut pump, HostQuery::by_name(text).family(family));
        match (outcome(&mut pump, lookup), expected) {
            (Ok(host), Ok(address)) => {
                assert_eq!((addresses(&host), host.source), (vec![address.to_owned()], Source::Literal));
            }
            (Err(error), Err(failure)) => assert_eq!(error.failure(), failure, "{text}"),
            (outcome, _) => panic!("{text}: {outcome:?}"),
        }
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn special_names_are_never_sent() {
    let server = knowing(&[]);
    let mut pump = pump(asking([&server]).with_search(["example"]));
    for name in ["localhost", "LOCALHOST.", "a.b.localhost"] {
        for (family, expected) in
            [(Family::Any, &["::1", "127.0.0.1"][..]), (Family::V4, &["127.0.0.1"]), (Family::V6, &["::1"])]
        {
            let lookup = start(&mut pump, HostQuery::by_name(name).family(family));
            let host = outcome(&mut pump, lookup).unwrap();
            let mut found = addresses(&host);
            // The better one is first, which depends on the machine.
            found.sort_by_key(|address| !address.contains(':'));
            assert_eq!((found, host.source), (expected.iter().map(ToString::to_string).collect(), Source::SpecialName));
        }
    }
    for name in ["host.invalid", "host.INVALID.", "secret.onion", "printer.local"] {
        assert_eq!(failure(&mut pump, name), LookupFailure::NotFound, "{name}");
    }
    for address in ["127.0.0.1", "127.9.9.9", "::1"] {
        let lookup = start(&mut pump, HostQuery::by_address(address.parse::<std::net::IpAddr>().unwrap()));
        assert_eq!(outcome(&mut pump, lookup).unwrap().canonical_name, "localhost", "{address}");
    }
    assert_eq!(server.asked(), 0, "{:?}", names(&server));
}

/// Who searches below `corp.local` has name servers that know it.
#[test]
fn local_names_within_a_search_domain_are_sent() {
    let server = knowing(&["dc1.corp.local", "corp.local"]);
    let mut pump = pump(asking([&server]).with_search(["corp.local"]));
    assert_eq!(v4(&mut pump, "dc1").unwrap().canonical_name, "dc1.corp.local");
    for name in ["dc1.corp.local", "corp.local", "corp.local."] {
        assert_eq!(v4(&mut pump, name).unwrap().canonical_name, name.trim_end_matches('.'));
    }
    assert_eq!(server.asked(), 4);
}

/// Without the feature the name is refused, with it its ASCII form is asked for.
#[test]
fn a_name_in_another_script() {
    use msgpump::simulation::NameServer;
    let address = ([192, 0, 2, 53], 53).into();
    let simulation = Simulation::new(1);
    simulation.name_server(address, NameServer::new().host("xn--bcher-kva.test", ["192.0.2.1"]));
    let config = ResolverConfig::new([address]);
    let mut pump = simulation.pump::<()>(Settings::default().resolver(config).unwrap());
    let root = pump.root_window();
    #[cfg(feature = "idna")]
    {
        simulation.write_file("/etc/hosts", "192.0.2.7 b\u{fc}ro.test\n192.0.2.8 xn--bse-sna.test\n");
        for (name, address) in [("b\u{fc}ro.test", "192.0.2.7"), ("b\u{f6}se.test", "192.0.2.8")] {
            let host = v4(&mut pump, name).expect("the hosts file has it, in this form or the other");
            assert_eq!(addresses(&host), [address], "{name}");
        }
    }
    pump.lookup_host(root, HostQuery::by_name("b\u{fc}cher.test")).unwrap();
    let message = pump.get_message().unwrap().expect("nobody quits");
    match message.payload {
        Payload::Host(Ok(host)) if cfg!(feature = "idna") => assert_eq!(host.canonical_name, "xn--bcher-kva.test"),
        Payload::Host(Err(error)) if cfg!(not(feature = "idna")) => {
            assert_eq!(error.failure(), LookupFailure::MalformedName);
        }
        other => panic!("{other:?}"),
    }
}
