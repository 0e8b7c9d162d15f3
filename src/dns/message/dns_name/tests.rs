use std::iter;

use domain::base::Name;

use crate::dns::message::{DnsName, NameFault};

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap_or_else(|fault| panic!("{text:?}: {fault}"))
}

#[test]
fn reads_text_into_wire_form() {
    let cases: &[(&str, &[u8])] = &[
        (".", b"\0"),
        ("a", b"\x01a\0"),
        ("a.", b"\x01a\0"),
        ("www.Example.org", b"\x03www\x07Example\x03org\0"),
        ("www.Example.org.", b"\x03www\x07Example\x03org\0"),
        ("_ldap._tcp.dc-1.example", b"\x05_ldap\x04_tcp\x04dc-1\x07example\0"),
        ("-a-.3com.9", b"\x03-a-\x043com\x019\0"),
        ("!\"#$%&'()*+,/:;<=>?@[]^`{|}~", b"\x1c!\"#$%&'()*+,/:;<=>?@[]^`{|}~\0"),
        ("xn--bcher-kva.example", b"\x0dxn--bcher-kva\x07example\0"),
    ];
    for (text, wire) in cases {
        assert_eq!(name(text).0.as_slice(), *wire, "{text:?}");
    }
}

#[test]
fn refuses_with_the_reason() {
    let cases = [
        ("", NameFault::Empty),
        ("..", NameFault::EmptyLabel),
        (".a", NameFault::EmptyLabel),
        ("a..b", NameFault::EmptyLabel),
        ("a..", NameFault::EmptyLabel),
        ("a b", NameFault::Space),
        (" ", NameFault::Space),
        ("a\0b", NameFault::Control),
        ("a\n", NameFault::Control),
        ("\u{7f}", NameFault::Control),
        ("a\\.b", NameFault::Backslash),
        ("bücher.example", NameFault::NotAscii),
        ("\u{80}", NameFault::NotAscii),
        ("a\u{3002}b", NameFault::NotAscii),
    ];
    for (text, fault) in cases {
        assert_eq!(DnsName::parse(text), Err(fault), "{text:?}");
    }
    assert!(NameFault::NotAscii.to_string().contains("A-label form (xn--...)"));
}

#[test]
fn keeps_the_limits_of_labels_and_names() {
    let label = |length| "x".repeat(length);
    let wide = format!("{0}.{0}.{0}.", label(63));
    let cases = [
        (label(63), Ok(65)),
        (label(64), Err(NameFault::LabelTooLong)),
        (format!("a.{}.b", label(64)), Err(NameFault::LabelTooLong)),
        (format!("{wide}{}", label(61)), Ok(255)),
        (format!("{wide}{}.", label(61)), Ok(255)),
        (format!("{wide}{}", label(62)), Err(NameFault::NameTooLong)),
        ("a.".repeat(127), Ok(255)),
        ("a.".repeat(128), Err(NameFault::NameTooLong)),
        ("a.".repeat(100_000), Err(NameFault::NameTooLong)),
    ];
    for (text, expected) in cases {
        let length = DnsName::parse(&text).map(|name| name.0.as_slice().len());
        assert_eq!(length, expected, "{} octets of text", text.len());
    }
}

#[test]
fn shows_text_without_the_final_dot() {
    for (text, shown) in [(".", "."), ("a.b.", "a.b"), ("A.b", "A.b"), ("_x", "_x")] {
        assert_eq!(name(text).to_string(), shown);
    }
    let strange = DnsName(Name::from_octets(b"\x05a.b \x07\x01\\\0".to_vec()).unwrap());
    assert_eq!(strange.to_string(), r"a\.b\ \007.\\");
}

#[test]
fn every_name_shown_is_read_back_equal() {
    let seed = 0x5eed_u64;
    let mut state = seed;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let printable: Vec<char> = ('!'..='~').filter(|c| !matches!(c, '.' | '\\')).collect();
    for round in 0..2_000 {
        let mut labels = Vec::new();
        for _ in 0..1 + random(8) {
            let length = 1 + random(40);
            labels.push(String::from_iter(iter::repeat_with(|| printable[random(printable.len())]).take(length)));
        }
        let text = labels.join(".");
        let Ok(name) = DnsName::parse(&text) else {
            assert!(text.len() > 253, "seed {seed}, round {round}: {text:?}");
            continue;
        };
        assert_eq!(name.to_string(), text, "seed {seed}, round {round}");
        assert_eq!(DnsName::parse(&format!("{name}.")), Ok(name), "seed {seed}, round {round}");
    }
}

#[test]
fn compares_without_the_case_of_ascii_letters() {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    let hash = BuildHasherDefault::<DefaultHasher>::default();
    let (lower, upper) = (name("www.example-1.org"), name("WwW.EXAMPLE-1.oRg."));
    assert_eq!(lower, upper);
    assert_eq!(hash.hash_one(&lower), hash.hash_one(&upper));
    for (left, right) in [("a.b", "ab"), ("a", "b"), ("a", "a.a"), ("[", "{"), ("@", "`"), (".", "a")] {
        assert_ne!(name(left), name(right));
    }
}

#[test]
fn reverse_names_are_those_of_the_registries() {
    let cases = [
        ("192.0.2.7", "7.2.0.192.in-addr.arpa"),
        ("0.0.0.255", "255.0.0.0.in-addr.arpa"),
        ("2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
        ("::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"),
    ];
    for (address, reverse) in cases {
        assert_eq!(DnsName::reverse_of(address.parse().unwrap()).to_string(), reverse);
    }
}
