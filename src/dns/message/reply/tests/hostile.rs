//! Bytes that no server would send.

use std::iter;

use super::packet::*;
use crate::dns::message::{CNAME_HOPS_MAX, ChainEnd, Question, RecordType, Reply, parse_reply};

/// Checks what holds of any reply, however spoilt the bytes are; returns whether they were believed.
fn check_invariants(bytes: &[u8], context: &dyn Fn() -> String) -> bool {
    let mut believed = false;
    for record_type in [RecordType::A, RecordType::Ptr] {
        let reply = parse_reply(bytes, ID, &Question { name: name_of("www.example"), record_type });
        let Ok(reply) = reply else { continue };
        let rcode = u16::from(bytes[3] & 0xf);
        assert!(bytes[..2] == ID.to_be_bytes() && bytes[2] & 0xf8 == 0x80 && bytes[4..6] == [0, 1], "{}", context());
        match bytes[2] & 2 {
            0 => assert_ne!(reply, Reply::Truncated, "{}", context()),
            _ => assert!(matches!(reply, Reply::Truncated | Reply::Failed { .. }), "{}", context()),
        }
        let Reply::Answer(answer) = reply else { continue };
        believed = true;
        assert!(rcode == 0 || rcode == NXDOMAIN, "{}", context());
        assert!(answer.aliases.len() <= CNAME_HOPS_MAX, "{}", context());
        match answer.end {
            ChainEnd::Addresses(addresses) => {
                assert!(rcode == 0 && !addresses.is_empty() && addresses.len() <= bytes.len() / 15, "{}", context());
            }
            ChainEnd::Names(names) => assert!(rcode == 0 && !names.is_empty(), "{}", context()),
            ChainEnd::NxDomain => assert_eq!(rcode, NXDOMAIN, "{}", context()),
            ChainEnd::NoData => assert_eq!(rcode, 0, "{}", context()),
            ChainEnd::Continue => assert!(rcode == 0 && !answer.aliases.is_empty(), "{}", context()),
            ChainEnd::Loop => assert!(answer.aliases.contains(&answer.canonical), "{}", context()),
            ChainEnd::TooLong => assert_eq!(answer.aliases.len(), CNAME_HOPS_MAX, "{}", context()),
        }
    }
    believed
}

#[test]
fn spoilt_replies_do_no_harm() {
    let seed = 0xbad_c0de;
    let mut random = Random(seed);
    let originals = [
        Packet::reply(0).answer(ASKED, A, &[192, 0, 2, 1]).answer(ASKED, A, &[192, 0, 2, 2]).opt(0),
        Packet::reply(0).answer(ASKED, CNAME, b"\x03ftp\xc0\x10").answer(b"\xc0\x29", A, &[192, 0, 2, 1]).soa().opt(0),
        Packet::reply(NXDOMAIN).alias("www.example", "a.example").soa(),
        Packet::to("www.example", PTR, 0).answer(ASKED, PTR, b"\x01a\xc0\x10").answer(ASKED, PTR, ASKED),
        Packet::reply(0).alias("b", "c").alias("a", "b").alias("www.example", "a").answer(b"\xc0\x21", A, &[9; 4]),
        Packet::reply(2).opt(1),
    ];
    let mut believed = 0;
    for round in 0..240_000 {
        let mut bytes = originals[random.below(originals.len())].0.clone();
        for _ in 0..1 + random.below(4) {
            spoil(&mut random, &mut bytes);
        }
        let context = || format!("seed {seed:#x}, round {round}: {bytes:02x?}");
        believed += u32::from(check_invariants(&bytes, &context));
    }
    assert!((20_000..200_000).contains(&believed), "too many or too few were spoilt: {believed} believed");
}

/// Changes one thing, mostly behind the question: what is spoilt before it is a mismatch and soon done with.
fn spoil(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = if bytes.len() > 6 && random.below(8) > 0 {
        6 + random.below(bytes.len() - 6)
    } else {
        random.below(bytes.len())
    };
    match random.below(8) {
        0 => bytes[at] = random.below(256) as u8,
        1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = [0, 1, 0x3f, 0x40, 0xc0, 0xff][random.below(6)],
        3 => bytes[at] = bytes[at].wrapping_add(1),
        4 => bytes.truncate(at),
        5 => drop(bytes.remove(at)),
        6 => bytes.insert(at, random.below(256) as u8),
        _ => {
            let length = random.below(bytes.len() - at + 1).min(40);
            let copy = bytes[at..at + length].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
    }
}

#[test]
fn random_bytes_behind_a_good_question_do_no_harm() {
    let seed = 0xf00d;
    let mut random = Random(seed);
    for round in 0..40_000 {
        let mut packet = Packet::reply([0, 0, 0, NXDOMAIN, TC, AA][random.below(6)]);
        for section in [ANSWER, AUTHORITY, ADDITIONAL] {
            packet = packet.count(section, random.below(4) as u16);
        }
        // Bytes that mean something to a parser of names and records are the likelier ones.
        let length = random.below(80);
        let bytes = iter::repeat_with(|| match random.below(4) {
            0 => random.below(256) as u8,
            1 => [0xc0, 0xc1, 0xff][random.below(3)],
            _ => random.below(32) as u8,
        });
        let bytes: Vec<u8> = bytes.take(length).collect();
        let packet = packet.bytes(&bytes);
        check_invariants(&packet.0, &|| format!("seed {seed:#x}, round {round}: {:02x?}", packet.0));
    }
}

#[test]
fn bytes_of_no_kind_are_a_mismatch_or_read() {
    let seed = 0x1eaf;
    let mut random = Random(seed);
    for round in 0..40_000 {
        let length = random.below(64);
        let bytes: Vec<u8> = iter::repeat_with(|| random.below(256) as u8).take(length).collect();
        check_invariants(&bytes, &|| format!("seed {seed:#x}, round {round}: {bytes:02x?}"));
    }
}
