//! Names that come from outside and are shown.

use std::sync::Mutex;

use msgpump::simulation::Simulation;
use msgpump::{Connect, HostQuery, Pump, Settings};

use crate::support::alone::alone_with;
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

/// Keeps what is logged.
struct Lines(Mutex<Vec<String>>);

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().expect("no line panics").push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// What a program looks up may come from elsewhere, and a log is read in a terminal, line by line.
#[test]
fn what_is_logged_of_a_name_is_safe_to_print() {
    static LINES: Lines = Lines(Mutex::new(Vec::new()));
    alone_with(what_is_logged_of_a_name_is_safe_to_print, &[], || {
        log::set_logger(&LINES).expect("this process has no other logger");
        log::set_max_level(log::LevelFilter::Trace);
        let mut pump: Pump<()> = Simulation::new(1).pump(Settings::default());
        let window = pump.root_window();
        let hostile = "\u{1b}[2J\r\nforged line";
        start(&mut pump, HostQuery::by_name(hostile));
        pump.connect(window, Connect::to(format!("{hostile}:80"))).expect("it is started, and fails");
        let lines = LINES.0.lock().expect("no line panics");
        assert_eq!(lines.iter().filter(|line| line.contains("forged line")).count(), 2, "{lines:?}");
        assert!(lines.iter().flat_map(|line| line.chars()).all(|character| !character.is_control()), "{lines:?}");
    });
}
