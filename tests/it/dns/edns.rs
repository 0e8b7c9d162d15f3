//! Servers that do not understand EDNS are asked in plain, and remembered (RFC 6891 section 7).

use msgpump::LookupFailure;

use crate::support::wire::{FORMERR, IS_REPLY, NOTIMP, Query, Reply, SERVFAIL};
use crate::support::{NameServer, asking, failure, look_up, pump};

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, [192, 0, 2, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
}

type Ignorance = fn(&Query) -> Reply;

/// Ways in which servers say that they know nothing of EDNS.
fn ignorances() -> [(&'static str, Ignorance); 4] {
    [
        ("FORMERR", |query| Reply::to(query).rcode(FORMERR)),
        ("NOTIMP", |query| Reply::to(query).rcode(NOTIMP)),
        // BADVERS is 16: one in the upper bits.
        ("BADVERS", |query| Reply::to(query).edns(1)),
        ("FORMERR, nothing but a header", |query| {
            let reply = Reply::to(query).rcode(FORMERR);
            Reply { question: Vec::new(), counts: [0; 4], flags: IS_REPLY | FORMERR, ..reply }
        }),
    ]
}

#[test]
fn who_does_not_know_edns_is_asked_in_plain_and_remembered() {
    for (what, ignorance) in ignorances() {
        let server = NameServer::answering(move |query| match query.edns {
            Some(_) => ignorance(query),
            None => answer(query),
        });
        let mut pump = pump(asking([&server]));
        assert_eq!(look_up(&mut pump, "host.example").unwrap().addresses.len(), 2, "{what}");
        let (with_edns, in_plain) = (0..2, 2..4);
        let queries = server.queries();
        assert_eq!(queries.len(), 4, "{what}");
        assert!(queries[with_edns].iter().all(|query| query.edns.is_some()), "{what}: {queries:?}");
        assert!(queries[in_plain].iter().all(|query| query.edns.is_none()), "{what}: {queries:?}");

        look_up(&mut pump, "other.example").unwrap();
        let queries = server.queries();
        assert_eq!(queries.len(), 6, "{what}");
        assert!(queries[4..].iter().all(|query| query.edns.is_none()), "{what}: {queries:?}");
    }
}

/// What one server does not know, another may.
#[test]
fn each_server_is_remembered_for_itself() {
    let ignorant = NameServer::answering(|query| match query.edns {
        Some(_) => Reply::to(query).rcode(FORMERR),
        None => Reply::to(query).rcode(SERVFAIL),
    });
    let versed = NameServer::answering(answer);
    let mut pump = pump(asking([&ignorant, &versed]));
    for name in ["one.example", "two.example"] {
        look_up(&mut pump, name).unwrap();
    }
    assert!(versed.queries().iter().all(|query| query.edns.is_some()));
    assert_eq!(ignorant.queries().iter().filter(|query| query.edns.is_some()).count(), 2);
}

/// A server that speaks EDNS and cannot read the question will not read it in plain either.
#[test]
fn who_knows_edns_is_not_asked_in_plain() {
    let server = NameServer::answering(|query| Reply::to(query).rcode(FORMERR).edns(0));
    let mut pump = pump(asking([&server]));
    assert_eq!(failure(&mut pump, "host.example"), LookupFailure::ServerFailure);
    assert_eq!(server.asked(), 2);
}

#[test]
fn who_refuses_plain_questions_as_well_is_given_up() {
    let server = NameServer::answering(|query| Reply::to(query).rcode(FORMERR));
    let mut pump = pump(asking([&server]));
    assert_eq!(failure(&mut pump, "host.example"), LookupFailure::ServerFailure);
    assert_eq!(server.asked(), 4);
}
