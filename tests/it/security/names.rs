//! Names that come from outside and are shown.

use msgpump::HostQuery;

use crate::support::wire::{PTR, Reply};
use crate::support::{NameServer, asking, outcome, pump, start};

/// Labels that would do harm where a name is printed, or be mistaken for others.
const LABELS: &[&[u8]] = &[
    b"\x1b[2J\x1b]0;owned\x07",
    b"line\r\nSet-Cookie: a=b",
    b"nul\0byte",
    b"a.dot",
    b"back\\slash",
    b"\xe2\x80\xae right to left",
    b"\xff\xfe",
];

#[test]
fn names_of_a_reply_are_safe_to_print_and_tell_dots_from_dots() {
    for label in LABELS {
        let server = NameServer::answering(move |query| {
            let name = [&[label.len() as u8], *label, &[7], b"example", &[0]].concat();
            Reply::to(query).answer(&query.name, PTR, &name)
        });
        let mut pump = pump(asking([&server]));
        let lookup = start(&mut pump, HostQuery::by_address(std::net::IpAddr::from([192, 0, 2, 1])));
        let name = outcome(&mut pump, lookup).expect("it is answered").canonical_name.clone();
        assert!(name.bytes().all(|byte| (0x20..0x7F).contains(&byte)), "{name:?}");
        let unescaped = name.replace("\\.", "");
        assert_eq!(unescaped.matches('.').count(), 1, "{name:?} has two labels");
    }
}
