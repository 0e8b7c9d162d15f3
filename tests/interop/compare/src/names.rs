//! The names that all resolvers are asked for, and the part of the zone that they need. Both are the same in each run.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fastrand::Rng;

use crate::odd_server;

/// What one question is about.
#[derive(Clone, Debug)]
pub enum Asked {
    Name(String),
    Address(IpAddr),
}

/// A question for every resolver.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its place among all.
    pub index: usize,
    pub asked: Asked,
    /// Which kind of name it is.
    pub group: &'static str,
}

impl Query {
    /// The name or the address.
    pub fn text(&self) -> String {
        match &self.asked {
            Asked::Name(name) => name.clone(),
            Asked::Address(address) => address.to_string(),
        }
    }

    /// The name as the zone has it, if it is one of the zone: without the zone and in lower case.
    pub fn in_zone(&self) -> String {
        let text = self.text().to_ascii_lowercase();
        let text = text.strip_suffix('.').unwrap_or(&text);
        text.strip_suffix(".interop.test").unwrap_or(text).to_owned()
    }
}

/// The names of `zones/interop.test.zone`, and others that it decides about.
const ZONE_NAMES: &[&str] = &[
    "host",
    "four",
    "six",
    "short",
    "never",
    "under_score",
    "4digits-",
    "mixed",
    "oddalias",
    "alias",
    "ten0",
    "ten5",
    "most",
    "far",
    "ring0",
    "ring1",
    "dangling",
    "blank",
    "outside",
    "dotted",
    "leaf.tree",
    "treeward",
    "treenothing",
    "none.tree",
    "tree",
    "branches",
    "leaf.branches",
    "x.wild",
    "y.x.wild",
    "wild",
    "*.wild",
    "some.wild",
    "x.some.wild",
    "y.some.wild",
    "far.away",
    "away",
    "empty",
    "below.empty",
    "not.below.empty",
    "text",
    "mail",
    "zero",
    "loop",
    "mapped",
    "link",
    "missing",
    "host.sub",
    "sub",
    "ns.sub",
    "big",
    "bigsix",
    "huge",
    "ns",
    "this-label-is-sixty-three-characters-long-which-is-what-may-be3",
    "this-label-is-sixty-three-characters-long-which-is-what-may-be3.this-label-is-sixty-three-characters-long-which-is-what-may-be3.this-label-is-sixty-three-characters-long-which-is-what-may-be3.this-one-is-forty-eight-characters-long-for-rest",
];

/// Texts that are no name of a zone.
const TEXTS: &[&str] = &[
    "192.0.2.1",
    "192.0.2.1.",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.4 ",
    "::1",
    "::",
    "2001:db8::1",
    "2001:DB8:0:0::1",
    "::ffff:192.0.2.1",
    "[::1]",
    "fe80::1%lo",
    "fe80::1%nosuch",
    "1::2::3",
    "::1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "db.localhost",
    "nothing.invalid",
    "hidden.onion",
    "printer.local",
    "home.arpa",
    "",
    ".",
    "..",
    "host..interop.test",
    "host.interop.test..",
    ".host.interop.test",
    "-",
    "-host.interop.test",
    "ho st.interop.test",
    "host.interop.test/24",
    "ho\\.st.interop.test",
    "h\u{fc}gel.interop.test",
    "xn--hgel-0ra.interop.test",
    "this-label-is-sixty-four-characters-long-which-is-one-too-many-4.interop.test",
    "example:80",
    "host@interop.test",
    "ho*st.interop.test",
    "ho!st.interop.test",
    "123.interop.test",
    "interop.123",
    "interop.0x7f",
    "1e3.interop.test",
];

/// Names of the hosts file that `run` writes.
const HOSTS_FILE_NAMES: &[&str] = &[
    "filed.interop.test",
    "FILED.interop.test",
    "filed",
    "both-filed.interop.test",
    "twice-filed.interop.test",
    "second-alias",
    "host-in-file.interop.test",
    "filed.interop.test.",
];

/// The lines of the hosts file, for [`HOSTS_FILE_NAMES`]. One of its names is in the zone too, with other addresses.
pub const HOSTS_FILE: &str = "\
127.0.0.1 localhost
::1 localhost ip6-localhost
192.0.2.100 filed.interop.test filed first-alias second-alias # a comment
192.0.2.101 both-filed.interop.test
2001:db8::101 both-filed.interop.test
192.0.2.102\ttwice-filed.interop.test
192.0.2.103\ttwice-filed.interop.test
192.0.2.104 host-in-file.interop.test
";

/// Lines of the zone for the generated names of [`queries`] with the same `count`.
pub fn zone(count: usize) -> Vec<String> {
    let mut random = Rng::with_seed(1);
    let mut lines = vec!["host-in-file 300 A 198.51.100.1".to_owned()];
    for number in 0..count / 2 {
        let owner = odd_case(&format!("g{number}"), &mut random);
        let (v4, v6) = match number % 8 {
            0 => (1, 0),
            1 => (1, 1),
            2 => (0, 2),
            3 => (3, 2),
            4 => {
                lines.push(format!("{owner} 300 CNAME g{}", number - 1));
                continue;
            }
            5 => {
                lines.push(format!("{owner} 300 TXT \"no address\""));
                continue;
            }
            6 => (2, 1),
            _ => {
                lines.push(format!("{owner} 300 CNAME g{}", number - 3));
                continue;
            }
        };
        lines.extend((0..v4).map(|_| format!("{owner} 300 A {}", random_v4(&mut random))));
        lines.extend((0..v6).map(|_| format!("{owner} 300 AAAA {}", random_v6(&mut random))));
    }
    lines
}

/// About `count` questions for a server of the zones, and those that are always asked.
pub fn queries(count: usize) -> Vec<Query> {
    let mut random = Rng::with_seed(2);
    let mut queries = Vec::new();
    let mut add = |asked, group| queries.push(Query { index: queries.len(), asked, group });
    for name in ZONE_NAMES {
        let name = format!("{name}.interop.test");
        for form in [name.clone(), name.to_ascii_uppercase(), odd_case(&name, &mut random), format!("{name}.")] {
            add(Asked::Name(form), "zone");
        }
    }
    for name in ZONE_NAMES {
        add(Asked::Name((*name).to_owned()), "to be completed");
    }
    for text in TEXTS {
        add(Asked::Name((*text).to_owned()), "text");
    }
    for name in HOSTS_FILE_NAMES {
        add(Asked::Name((*name).to_owned()), "hosts file");
    }
    for last in [1, 4, 77, 100, 101] {
        add(Asked::Address(Ipv4Addr::new(192, 0, 2, last).into()), "address");
        add(Asked::Address(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()).into()), "address");
    }
    for address in
        ["127.0.0.1", "127.0.0.5", "::1", "10.0.0.1", "198.51.100.7", "fe80::1", "::ffff:192.0.2.1", "0.0.0.0"]
    {
        add(Asked::Address(address.parse().expect("it is an address")), "address");
    }
    for number in 0..count {
        let generated = random.usize(..count / 2);
        let name = match number % 10 {
            0..=5 => format!("g{}", number * 5 / 10),
            6 => format!("nobody{}", random.u32(..)),
            7 => format!("{}.wild", label(&mut random)),
            8 => format!("{}.g{generated}", label(&mut random)),
            _ => format!("{}.away", label(&mut random)),
        };
        let name = match random.u8(..8) {
            0 => odd_case(&format!("{name}.interop.test"), &mut random),
            1 => format!("{name}.interop.test."),
            2 if !name.contains('.') => name,
            _ => format!("{name}.interop.test"),
        };
        add(Asked::Name(name), "generated");
    }
    queries
}

/// Questions for the odd server: each of its oddities under several names.
pub fn odd_queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for (group, _) in odd_server::ODDITIES {
        for number in 0..odd_server::NAMES_EACH {
            let asked = Asked::Name(format!("{group}.n{number}.odd.test."));
            queries.push(Query { index: queries.len(), asked, group });
        }
    }
    queries
}

fn odd_case(name: &str, random: &mut Rng) -> String {
    name.chars().map(|letter| if random.bool() { letter.to_ascii_uppercase() } else { letter }).collect()
}

fn label(random: &mut Rng) -> String {
    (0..random.usize(1..=20)).map(|_| random.lowercase()).collect()
}

/// Addresses of all the kinds that are put in order differently.
fn random_v4(random: &mut Rng) -> Ipv4Addr {
    let [a, b] = [random.u8(..), random.u8(1..255)];
    match random.u8(..5) {
        0 => Ipv4Addr::new(10, 0, a, b),
        1 => Ipv4Addr::new(192, 0, 2, b),
        2 => Ipv4Addr::new(198, 51, 100, b),
        3 => Ipv4Addr::new(127, 0, a, b),
        _ => Ipv4Addr::new(169, 254, a, b),
    }
}

fn random_v6(random: &mut Rng) -> Ipv6Addr {
    let last = random.u16(1..);
    match random.u8(..7) {
        0 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last),
        1 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last),
        2 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last),
        3 => Ipv6Addr::new(0x2002, 0xc000, 0x201, 0, 0, 0, 0, last),
        4 => Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, last),
        5 => Ipv4Addr::new(192, 0, 2, last as u8).to_ipv6_mapped(),
        _ => Ipv6Addr::new(0x2001, 0xdb8, 0xffff, last, 0, 0, 0, 1),
    }
}
