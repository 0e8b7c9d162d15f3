//! What each kind of reply says, in tables.

mod hostile;
mod packet;
mod zones;

use std::net::IpAddr;

use crate::dns::message::{CNAME_HOPS_MAX, ChainEnd, FailureCode, Mismatch, Question, RecordType, Reply, parse_reply};
use packet::*;

#[test]
fn what_is_not_the_reply_to_our_question_is_a_mismatch() {
    let good = || Packet::reply(0).answer(ASKED, A, &[192, 0, 2, 1]);
    assert_eq!(good().told(), "www.example: 192.0.2.1");
    let cases = [
        ("nothing", Packet(vec![]), Mismatch::TooShort),
        ("half a header", good().cut(34), Mismatch::TooShort),
        ("another id", good().patch(0, b"\xbe\xee"), Mismatch::Id),
        ("a query", good().patch(2, b"\x01\x00"), Mismatch::NotAReply),
        ("a status reply", good().patch(2, b"\x91\x80"), Mismatch::Opcode),
        ("an update reply", good().patch(2, b"\xa9\x80"), Mismatch::Opcode),
        ("no question", Packet::header(0), Mismatch::Question),
        ("no question, an answer", Packet::header(0).answer(&wire("www.example"), A, &[1; 4]), Mismatch::Question),
        ("no question, NXDOMAIN", Packet::header(NXDOMAIN), Mismatch::Question),
        ("no question, SERVFAIL", Packet::header(2), Mismatch::Question),
        ("no question, FORMERR", Packet::header(1), Mismatch::BareFormatError),
        ("two questions", Packet::reply(0).question(ASKED, A, IN), Mismatch::Question),
        ("a question that is not there", Packet::header(0).count(0, 1), Mismatch::Question),
        ("half a question", Packet::reply(0).cut(1), Mismatch::Question),
        ("another name", Packet::to("ww.example", A, 0), Mismatch::Question),
        ("a longer name", Packet::to("www.example.org", A, 0), Mismatch::Question),
        ("a shorter name", Packet::to("www", A, 0), Mismatch::Question),
        ("the root", Packet::to("", A, 0), Mismatch::Question),
        ("another type", Packet::to("www.example", AAAA, 0), Mismatch::Question),
        ("another class", Packet::header(0).question(&wire("www.example"), A, CH), Mismatch::Question),
        ("a name that points to itself", Packet::header(0).question(ASKED, A, IN), Mismatch::Question),
        ("another id, malformed", Packet::reply(0).answer(ASKED, A, b"").patch(0, b"\0"), Mismatch::Id),
        ("another question, malformed", Packet::to("a", A, 0).answer(ASKED, A, b""), Mismatch::Question),
        ("another question, SERVFAIL", Packet::to("a", A, 2), Mismatch::Question),
    ];
    for (what, packet, mismatch) in cases {
        assert_eq!(packet.read(), Err(mismatch), "{what}");
    }
}

#[test]
fn the_question_may_come_back_in_other_letter_case() {
    let packet = Packet::to("wWw.EXAMPLE", A, 0).answer(&wire("WwW.example"), A, &[192, 0, 2, 1]);
    assert_eq!(packet.told(), "www.example: 192.0.2.1");
}

#[test]
fn response_codes_that_are_no_answer_are_kept_apart() {
    use FailureCode::*;
    let cases = [
        (1, None, FormErr),
        (2, None, ServFail),
        (4, None, NotImp),
        (5, None, Refused),
        (6, None, Other(6)),
        (15, None, Other(15)),
        (1, Some(0), FormErr),
        (2, Some(0), ServFail),
        (0, Some(1), BadVers),
        (3, Some(1), Other(19)),
        (15, Some(255), Other(4095)),
    ];
    for (rcode, extension, code) in cases {
        let bare = Packet::reply(rcode);
        let packet = extension.into_iter().fold(bare, Packet::opt);
        let failed = Ok(Reply::Failed { code, has_edns: extension.is_some() });
        assert_eq!(packet.read(), failed, "{rcode} and {extension:?}");

        // Neither what else is inside nor a mark of truncation changes it.
        let with_answer = Packet::reply(rcode | TC).answer(ASKED, A, &[1; 4]);
        assert_eq!(extension.into_iter().fold(with_answer, Packet::opt).read(), failed, "{rcode} and {extension:?}");
        assert_eq!(packet.count(ADDITIONAL, 1).bytes(b"\xff").read(), failed, "{rcode} and {extension:?}, malformed");
    }
}

#[test]
fn only_an_opt_record_of_the_additional_section_is_one() {
    let stray = Packet::reply(0).record(ANSWER, b"\0", OPT, 1232, 1 << 24, b"").soa();
    assert_eq!(stray.told(), "www.example: NoData");
    let with_options = Packet::reply(0).answer(ASKED, A, &[192, 0, 2, 1]);
    let with_options = with_options.record(ADDITIONAL, b"\0", OPT, 4096, 0x8000, b"\0\x0a\0\x08cookie!!");
    assert_eq!(with_options.told(), "www.example: 192.0.2.1");
}

#[test]
fn nothing_of_a_truncated_reply_is_used() {
    let cases = [
        Packet::reply(TC),
        Packet::reply(TC | NXDOMAIN),
        Packet::reply(TC).answer(ASKED, A, &[192, 0, 2, 1]),
        Packet::reply(TC).answer(ASKED, A, &[192, 0, 2, 1]).cut(2),
        Packet::reply(TC).answer(ASKED, A, &[192, 0, 2, 1]).count(ANSWER, 9).opt(0),
    ];
    for packet in cases {
        assert_eq!(packet.read(), Ok(Reply::Truncated));
    }
    assert_eq!(Packet::header(TC).read(), Err(Mismatch::Question));
}

#[test]
fn the_records_of_the_question_are_its_answer() {
    let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let v4 = Packet::reply(0).answer(ASKED, A, &[192, 0, 2, 1]).answer(ASKED, A, &[0, 0, 0, 0]);
    assert_eq!(v4.told(), "www.example: 192.0.2.1 0.0.0.0");

    let packet = Packet::to("h", AAAA, 0).answer(ASKED, AAAA, &v6).answer(ASKED, AAAA, &[0; 16]);
    assert_eq!(told(packet.read_as("h", RecordType::Aaaa)), "h: 2001:db8::1 ::");

    let reverse = "1.2.0.192.in-addr.arpa";
    let packet = Packet::to(reverse, PTR, 0).answer(ASKED, PTR, b"\x01b\0").answer(ASKED, PTR, ASKED);
    assert_eq!(told(packet.read_as(reverse, RecordType::Ptr)), format!("{reverse}: b {reverse}"));
}

#[test]
fn reverse_names_may_be_aliases_too() {
    // RFC 2317: the reverse zone of less than 256 addresses.
    let (asked, real) = ("5.2.0.192.in-addr.arpa", "5.0/25.2.0.192.in-addr.arpa");
    let packet = Packet::to(asked, PTR, 0).answer(&wire(real), PTR, &wire("host.example")).alias(asked, real);
    assert_eq!(told(packet.read_as(asked, RecordType::Ptr)), format!("{asked} > {real}: host.example"));
}

#[test]
fn records_that_are_not_ours_are_passed_over() {
    let one = [192, 0, 2, 1];
    let noise = || {
        let packet = Packet::reply(0)
            .answer(&wire("other.example"), A, &[9; 4])
            .answer(&wire("example"), A, &[9; 4])
            .answer(&wire("www.example.www.example"), A, &[9; 4])
            .answer(b"\0", A, &[9; 4])
            .answer(ASKED, AAAA, &[9; 16])
            .answer(ASKED, AAAA, b"of the wrong length, but not asked for")
            .answer(ASKED, TXT, b"\x04text")
            .answer(ASKED, PTR, &wire("pointer"))
            .answer(&wire("other.example"), CNAME, &wire("elsewhere"))
            .answer(&wire("www.example.org"), DNAME, &wire("elsewhere"));
        packet.record(ANSWER, ASKED, A, CH, 1, &[9; 4]).record(ANSWER, ASKED, CNAME, CH, 1, &wire("chaos"))
    };
    assert_eq!(noise().soa().told(), "www.example: NoData");
    let found = noise().answer(ASKED, A, &one).record(AUTHORITY, ASKED, A, IN, 1, &[8; 4]);
    let found = found.record(ADDITIONAL, ASKED, A, IN, 1, &[7; 4]).record(ADDITIONAL, ASKED, CNAME, IN, 1, b"\0");
    assert_eq!(found.told(), "www.example: 192.0.2.1");
}

#[test]
fn aliases_are_followed_in_any_order() {
    let (one, two) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    let records = [
        (wire("WWW.example"), CNAME, wire("a.example")),
        (wire("a.Example"), CNAME, wire("b.example")),
        (wire("B.example"), CNAME, wire("c.example")),
        (wire("c.example"), A, one.to_vec()),
        (wire("C.EXAMPLE"), A, two.to_vec()),
    ];
    let mut orders = 0;
    for order in permutations(records.len()) {
        let packet = order.iter().fold(Packet::reply(0), |packet, &index| {
            let (owner, rtype, data) = &records[index];
            packet.answer(owner, *rtype, data)
        });
        let told = packet.told().replace("192.0.2.2 192.0.2.1", "192.0.2.1 192.0.2.2");
        assert_eq!(told, "www.example > a.example > b.example > c.example: 192.0.2.1 192.0.2.2", "{order:?}");
        orders += 1;
    }
    assert_eq!(orders, 120);
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(count - 1);
    shorter.iter().flat_map(|order| (0..count).map(|at| [&order[..at], &[count - 1], &order[at..]].concat())).collect()
}

#[test]
fn of_a_dname_only_the_alias_made_from_it_counts() {
    let dname = || Packet::reply(0).answer(&wire("example"), DNAME, &wire("example.net"));
    let whole = dname().alias("www.example", "www.example.net").answer(&wire("www.example.net"), A, &[192, 0, 2, 1]);
    assert_eq!(whole.told(), "www.example > www.example.net: 192.0.2.1");
    assert_eq!(dname().soa().told(), "www.example: NoData");
}

#[test]
fn an_alias_goes_before_data_of_the_same_name() {
    let packet = Packet::reply(0).answer(ASKED, A, &[9; 4]).alias("www.example", "a").alias("www.example", "b");
    assert_eq!(packet.told(), "www.example > a: Continue");
}

#[test]
fn chains_without_an_end_are_told() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("www.example", "www.example")], "www.example > www.example: Loop"),
        (&[("www.example", "a"), ("a", "WWW.example")], "www.example > a > WWW.example: Loop"),
        (&[("b", "a"), ("a", "b"), ("www.example", "a")], "www.example > a > b > a: Loop"),
        (&[("a", "a"), ("www.example", "b")], "www.example > b: Continue"),
    ];
    for (aliases, expected) in cases {
        for flags in [0, NXDOMAIN] {
            let packet =
                aliases.iter().fold(Packet::reply(flags), |packet, (owner, target)| packet.alias(owner, target));
            let packet = packet.answer(&wire("www.example"), A, &[9; 4]).answer(&wire("a"), A, &[9; 4]);
            let expected =
                if flags == NXDOMAIN { expected.replace("Continue", "NxDomain") } else { expected.to_string() };
            assert_eq!(packet.told(), expected);
        }
    }
}

#[test]
fn chains_have_a_longest_length() {
    for (hops, reversed) in [(16, false), (16, true), (17, false), (17, true), (64, false), (64, true)] {
        let owner = |hop: usize| if hop == 0 { "www.example".into() } else { format!("hop{hop}") };
        let mut order: Vec<usize> = (0..hops).collect();
        if reversed {
            order.reverse();
        }
        let packet = order.iter().fold(Packet::reply(0), |packet, &hop| packet.alias(&owner(hop), &owner(hop + 1)));
        let packet = packet.answer(&wire(&owner(hops)), A, &[192, 0, 2, 1]);
        let chain = (0..=16).map(owner).collect::<Vec<_>>().join(" > ");
        let end = if hops <= CNAME_HOPS_MAX { "192.0.2.1" } else { "TooLong" };
        assert_eq!(packet.told(), format!("{chain}: {end}"), "{hops} aliases, reversed: {reversed}");
    }
}

#[test]
fn the_end_of_a_chain_without_data_is_told_from_one_that_was_not_reached() {
    let alias = |flags| Packet::reply(flags).alias("www.example", "a.net");
    let name_server = |packet: Packet| packet.record(AUTHORITY, &wire("example"), NS, IN, 60, &wire("ns.example"));
    let no_recursion = |packet: Packet| packet.patch(3, b"\0");
    let cases = [
        (Packet::reply(0), "www.example: NoData"),
        (Packet::reply(AA), "www.example: NoData"),
        (Packet::reply(0).soa(), "www.example: NoData"),
        (name_server(Packet::reply(0).soa()), "www.example: NoData"),
        (name_server(Packet::reply(0)).soa(), "www.example: NoData"),
        (name_server(Packet::reply(AA)), "www.example: NoData"),
        (name_server(Packet::reply(0)), "www.example: NoData"),
        (no_recursion(name_server(Packet::reply(0))), "Ok(Referral)"),
        (no_recursion(name_server(Packet::reply(AA))), "www.example: NoData"),
        (no_recursion(name_server(Packet::reply(0)).soa()), "www.example: NoData"),
        (no_recursion(name_server(Packet::reply(0).soa())), "www.example: NoData"),
        (no_recursion(Packet::reply(0)), "www.example: NoData"),
        (no_recursion(name_server(alias(0))), "www.example > a.net: Continue"),
        (Packet::reply(NXDOMAIN), "www.example: NxDomain"),
        (Packet::reply(NXDOMAIN).soa(), "www.example: NxDomain"),
        (name_server(Packet::reply(NXDOMAIN)), "www.example: NxDomain"),
        (Packet::reply(NXDOMAIN).answer(ASKED, A, &[9; 4]), "www.example: NxDomain"),
        (alias(0), "www.example > a.net: Continue"),
        (name_server(alias(0)), "www.example > a.net: Continue"),
        (alias(0).answer(&wire("b.net"), A, &[9; 4]), "www.example > a.net: Continue"),
        (alias(0).soa(), "www.example > a.net: NoData"),
        (alias(NXDOMAIN), "www.example > a.net: NxDomain"),
        (name_server(alias(0).answer(&wire("a.net"), A, &[192, 0, 2, 1])), "www.example > a.net: 192.0.2.1"),
    ];
    for (index, (packet, expected)) in cases.into_iter().enumerate() {
        assert_eq!(packet.told(), expected, "case {index}");
    }
}

#[test]
fn the_least_time_to_live_of_the_records_used_counts() {
    let ttl = |records: &[(&str, u16, u32)]| {
        let packet = records.iter().fold(Packet::reply(0), |packet, &(owner, rtype, ttl)| {
            let data = if rtype == CNAME { wire("a") } else { vec![9; 4] };
            packet.record(ANSWER, &wire(owner), rtype, IN, ttl, &data)
        });
        let Ok(Reply::Answer(answer)) = packet.read() else { panic!("{records:?}") };
        answer.ttl_secs
    };
    let cases: &[(&[_], _)] = &[
        (&[], None),
        (&[("other", A, 5)], None),
        (&[("www.example", A, 0)], Some(0)),
        (&[("www.example", A, 300), ("www.example", A, 200), ("other", A, 5)], Some(200)),
        (&[("www.example", CNAME, 30), ("a", A, 40)], Some(30)),
        (&[("a", A, 20), ("www.example", CNAME, 30), ("a", A, 40)], Some(20)),
        (&[("www.example", CNAME, 30)], Some(30)),
        (&[("www.example", A, 0x7fff_ffff)], Some(0x7fff_ffff)),
        (&[("www.example", A, 0x8000_0000)], Some(0)),
        (&[("www.example", A, 300), ("www.example", A, u32::MAX)], Some(0)),
    ];
    for (records, expected) in cases {
        assert_eq!(ttl(records), *expected, "{records:?}");
    }
}

#[test]
fn malformed_replies_are_neither_an_answer_nor_its_absence() {
    let good = [192, 0, 2, 1];
    type Spoil = fn(Packet) -> Packet;
    let cases: &[(&str, Spoil)] = &[
        ("no address", |p| p.answer(ASKED, A, b"")),
        ("a short address", |p| p.answer(ASKED, A, &[1; 3])),
        ("a long address", |p| p.answer(ASKED, A, &[1; 5])),
        ("an IPv6 address as IPv4", |p| p.answer(ASKED, A, &[1; 16])),
        ("a wrong length elsewhere", |p| p.answer(&wire("other"), A, &[1; 5])),
        ("an alias of nothing", |p| p.answer(ASKED, CNAME, b"")),
        ("an alias and more", |p| p.answer(ASKED, CNAME, b"\x01a\0\0")),
        ("an alias past its length", |p| p.answer(ASKED, CNAME, b"\x05abcd")),
        ("an alias without an end", |p| p.answer(ASKED, CNAME, b"\x01a")),
        ("half a pointer", |p| p.answer(ASKED, CNAME, b"\xc0")),
        ("a pointer forward", |p| p.answer(b"\xff\xff", A, &[1; 4])),
        ("a pointer to itself", |p| {
            let here = p.0.len() as u8;
            p.answer(&[0xc0, here], A, &[1; 4])
        }),
        ("a pointer to the next name", |p| {
            let here = p.0.len() as u8;
            p.answer(&[0xc0, here + 2], A, &[1; 4])
        }),
        ("two pointers in a circle", |p| {
            let data = p.0.len() as u8 + 12;
            p.answer(ASKED, CNAME, &[0xc0, data + 2, 0xc0, data])
        }),
        ("a label that runs into itself", |p| {
            let here = p.0.len() as u8;
            p.answer(&[1, b'a', 0xc0, here], A, &[1; 4])
        }),
        ("a label of an unknown kind", |p| p.answer(b"\x41a\0", A, &[1; 4])),
        ("a label of another unknown kind", |p| p.answer(b"\x81a\0", A, &[1; 4])),
        ("a name of 256 octets", |p| p.answer(&[b"\x01a".repeat(127), b"\x01\0".to_vec()].concat(), A, &[1; 4])),
        ("a name made long by a pointer", |p| p.answer(&[b"\x01a".repeat(122), ASKED.to_vec()].concat(), A, &[1; 4])),
        ("a record cut in its header", |p| p.count(ANSWER, 1).bytes(ASKED).bytes(b"\0\x01\0")),
        ("a name cut short", |p| p.count(ANSWER, 1).bytes(b"\x03ww")),
        ("data cut short", |p| p.answer(ASKED, A, &[1; 4]).cut(1)),
        ("data of no interest cut short", |p| p.answer(ASKED, TXT, &[1; 4]).cut(1)),
        ("a bad name in the authority section", |p| p.record(AUTHORITY, b"\xff\xff", NS, IN, 1, b"\0")),
        ("a cut additional section", |p| p.opt(0).cut(1)),
        ("garbage where a record should be", |p| p.count(ADDITIONAL, 1).bytes(&[0xff; 40])),
    ];
    for (what, spoil) in cases {
        for flags in [0, AA, NXDOMAIN] {
            let alone = spoil(Packet::reply(flags));
            assert_eq!(alone.read(), Ok(Reply::Malformed), "{what}");
            let after_data = spoil(Packet::reply(flags).answer(ASKED, A, &good));
            assert_eq!(after_data.read(), Ok(Reply::Malformed), "{what}, behind an address");
        }
    }
}

#[test]
fn compressed_names_that_keep_the_rules_are_read() {
    let one = [192, 0, 2, 1];
    // www.example: 12 is the whole name, 16 its last label, 24 the root.
    let cases: [(&str, Packet); 6] = [
        ("www.example", Packet::reply(0).answer(b"\xc0\x0c", A, &one)),
        ("www.example", Packet::reply(0).answer(b"\x03www\xc0\x10", A, &one)),
        ("www.example", Packet::reply(0).answer(b"\x03www\x07example\xc0\x18", A, &one)),
        ("www.example", Packet::reply(0).answer(&wire("other"), TXT, b"\xc0\x0c").answer(b"\xc0\x2e", A, &one)),
        ("www.example > ftp.example", {
            let alias = Packet::reply(0).answer(ASKED, CNAME, b"\x03ftp\xc0\x10");
            alias.answer(b"\xc0\x29", A, &one)
        }),
        ("www.example > .", Packet::reply(0).answer(ASKED, CNAME, b"\xc0\x18").answer(b"\0", A, &one)),
    ];
    for (index, (chain, packet)) in cases.iter().enumerate() {
        assert_eq!(packet.told(), format!("{chain}: 192.0.2.1"), "case {index}");
    }
}

#[test]
fn chains_of_pointers_are_followed_as_far_as_a_name_can_be_long() {
    for (pointers, readable) in [(1, true), (2, true), (254, true), (255, true), (256, false), (5_000, false)] {
        // Each points to the one before it, the first to the name in the question.
        let first = Packet::reply(0).0.len() + 1 + 10;
        let mut places: Vec<usize> = (0..pointers - 1).map(|index| first + 2 * index).collect();
        places.insert(0, 12);
        let pointer = |place: usize| (0xc000 | place as u16).to_be_bytes();
        let last = pointer(places.pop().unwrap());
        let chain: Vec<u8> = places.into_iter().flat_map(pointer).collect();
        let packet = Packet::reply(0).answer(b"\0", TXT, &chain).answer(&last, A, &[192, 0, 2, 1]);
        let expected = if readable { "www.example: 192.0.2.1" } else { "Ok(Malformed)" };
        assert_eq!(packet.told(), expected, "{pointers} pointers");
    }
}

#[test]
fn counts_that_promise_more_records_than_there_are() {
    let found = || Packet::reply(0).answer(ASKED, A, &[192, 0, 2, 1]);
    let alias = |flags| Packet::reply(flags).alias("www.example", "a");
    let cases = [
        (found().count(ANSWER, 1), "www.example: 192.0.2.1"),
        (found().count(ANSWER, 65_534), "www.example: 192.0.2.1"),
        (found().count(AUTHORITY, 3).count(ADDITIONAL, 3), "www.example: 192.0.2.1"),
        (found().opt(0).count(ADDITIONAL, 1), "www.example: 192.0.2.1"),
        (alias(0).count(ANSWER, 1), "www.example > a: Continue"),
        (Packet::reply(0).count(AUTHORITY, 1), "www.example: NoData"),
        (Packet::reply(NXDOMAIN).count(AUTHORITY, 1), "www.example: NxDomain"),
        // The promised answer may be the one that is missing.
        (Packet::reply(0).count(ANSWER, 1), "Ok(Malformed)"),
        (Packet::reply(NXDOMAIN).count(ANSWER, 1), "Ok(Malformed)"),
        (Packet::reply(0).answer(&wire("other"), A, &[9; 4]).count(ANSWER, 1), "Ok(Malformed)"),
        (alias(NXDOMAIN).count(ANSWER, 1), "Ok(Malformed)"),
    ];
    for (index, (packet, expected)) in cases.into_iter().enumerate() {
        assert_eq!(packet.told(), expected, "case {index}");
    }
}

#[test]
fn bytes_past_the_last_record_are_ignored() {
    for garbage in [b"\0".as_slice(), &[0xff; 999]] {
        let found = Packet::reply(0).answer(ASKED, A, &[192, 0, 2, 1]).bytes(garbage);
        assert_eq!(found.told(), "www.example: 192.0.2.1");
        assert_eq!(Packet::reply(0).bytes(garbage).told(), "www.example: NoData");
    }
    let uncounted = Packet::reply(0).answer(ASKED, A, &[192, 0, 2, 1]).answer(ASKED, A, &[9; 4]).patch(6, &[0, 1]);
    assert_eq!(uncounted.told(), "www.example: 192.0.2.1");
}

#[test]
fn replies_longer_than_what_was_advertised_are_read_to_the_end() {
    for count in [40, 100, 1_000, 4_000] {
        let mut packet = Packet::reply(0);
        for index in 0..count {
            packet = packet.answer(ASKED, A, &(index as u32).to_be_bytes());
        }
        assert!(packet.0.len() > 512 && packet.0.len() <= 65_535);
        let Ok(Reply::Answer(answer)) = packet.read() else { panic!("{count} addresses") };
        let expected = (0..count as u32).map(|index| IpAddr::from(index.to_be_bytes())).collect();
        assert_eq!(answer.end, ChainEnd::Addresses(expected));
    }
}

#[test]
fn the_longest_message_of_addresses_is_within_the_limit_of_records_and_smaller_records_are_not() {
    let fill = |rtype: u16, owner: &[u8], data: &[u8]| {
        let mut packet = Packet::reply(0);
        while packet.0.len() + owner.len() + 10 + data.len() <= 65_535 {
            packet = packet.answer(owner, rtype, data);
        }
        packet.read()
    };
    let Ok(Reply::Answer(answer)) = fill(A, ASKED, &[192, 0, 2, 1]) else { panic!("a message full of addresses") };
    assert!(matches!(answer.end, ChainEnd::Addresses(addresses) if addresses.len() == 4_094));
    assert_eq!(fill(TXT, b"\0", b""), Ok(Reply::Malformed));
}

#[test]
fn names_that_are_far_longer_than_the_message_they_are_compressed_in_are_limited() {
    let long = [b"\x01a".repeat(126), vec![0]].concat();
    let with_pointers = |rtype: u16, records: usize| {
        let first = Packet::to("www.example", rtype, 0);
        let pointer = (0xC000 | first.0.len() as u16).to_be_bytes();
        // Behind the head of the first record, whose owner is long, all others point to that.
        let packet = first.answer(&long, A, &[192, 0, 2, 1]);
        (0..records).fold(packet, |packet, _| match rtype {
            PTR => packet.answer(ASKED, PTR, &pointer),
            _ => packet.answer(&pointer, A, &[192, 0, 2, 1]),
        })
    };
    // 253 octets each, of 262,144.
    let Ok(Reply::Answer(answer)) = with_pointers(A, 1035).read() else { panic!("it is within the limit") };
    assert_eq!(answer.end, ChainEnd::NoData);
    assert_eq!(with_pointers(A, 1036).read(), Ok(Reply::Malformed));
    let question = Question { name: name_of("www.example"), record_type: RecordType::Ptr };
    assert!(matches!(parse_reply(&with_pointers(PTR, 900).0, ID, &question), Ok(Reply::Answer(_))));
    assert_eq!(parse_reply(&with_pointers(PTR, 1036).0, ID, &question), Ok(Reply::Malformed));
}

#[test]
fn a_message_full_of_aliases_is_malformed() {
    for order in [|index: usize| index, |index: usize| 2_200 - index] {
        let packet = (0..2_200).fold(Packet::reply(0), |packet, index| {
            packet.alias(&format!("x{}", order(index)), &format!("x{}", order(index) + 1))
        });
        assert!(packet.0.len() <= 65_535);
        assert_eq!(packet.read(), Ok(Reply::Malformed));
    }
}
