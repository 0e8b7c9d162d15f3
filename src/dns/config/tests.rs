//! What is made of resolv.conf files, good and bad, and of settings made in code.

use super::file::{Environment, FILE_SERVERS_MAX, words};
use super::*;
use crate::file_report::FileReport;

/// A machine with two interfaces.
fn zone(text: &str) -> Option<u32> {
    match text {
        "eth0" => Some(3),
        "br-lan.7" => Some(4),
        _ => None,
    }
}

fn read(text: impl AsRef<[u8]>) -> (ResolverConfig, FileReport) {
    ResolverConfig::from_text(text.as_ref(), &Environment::default(), None, &zone)
}

fn read_with(text: &str, localdomain: Option<&str>, res_options: Option<&str>) -> ResolverConfig {
    let environment =
        Environment { localdomain: localdomain.map(str::to_owned), res_options: res_options.map(str::to_owned) };
    ResolverConfig::from_text(text.as_bytes(), &environment, Some("host.of.example"), &zone).0
}

fn servers(config: &ResolverConfig) -> Vec<String> {
    config.servers().iter().map(SocketAddr::to_string).collect()
}

#[test]
fn an_empty_file_is_the_default() {
    for text in ["", "\n\n", "# nothing\n; at all\n", "   # indented", "\r\n"] {
        assert_eq!(read(text), (ResolverConfig::default(), FileReport::default()), "{text:?}");
    }
    assert_eq!(servers(&ResolverConfig::default()), ["127.0.0.1:53", "[::1]:53"]);
}

#[test]
fn a_whole_file() {
    let text = "# written by hand\r\n\
        nameserver 192.0.2.1\r\n\
        nameserver\t2001:db8::53   # the other one\r\n\
        search one.example two.example.\r\n\
        options ndots:2 timeout:3 attempts:4 rotate use-vc\r\n\
        options no-aaaa single-request no-reload edns0 trust-ad inet6 unheard-of:7\r\n\
        sortlist 130.155.160.0/255.255.240.0";
    let (config, report) = read(text);
    let expected = ResolverConfig {
        no_reload: true,
        ..ResolverConfig::new([
            "192.0.2.1:53".parse::<SocketAddr>().expect("an address"),
            "[2001:db8::53]:53".parse().expect("an address"),
        ])
        .with_search(["one.example", "two.example"])
        .with_ndots(2)
        .with_timeout(Duration::from_secs(3))
        .with_attempts(4)
        .with_rotate(true)
        .with_tcp(true)
        .with_no_aaaa(true)
        .with_single_request(true)
    };
    assert_eq!(config, expected);
    assert!(config.no_reload());
    assert_eq!(report, FileReport { entries: 6, lines_skipped: 0, first_skipped: None });
}

#[test]
fn name_servers() {
    for (text, expected) in [
        ("nameserver fe80::1%eth0", &["[fe80::1%3]:53"][..]),
        ("nameserver fe80::1%br-lan.7", &["[fe80::1%4]:53"]),
        ("nameserver fe80::1%2", &["[fe80::1%2]:53"]),
        ("nameserver fe80::1%gone\nnameserver 192.0.2.1", &["192.0.2.1:53"]),
        ("nameserver fe80::1%gone", &["127.0.0.1:53", "[::1]:53"]),
        ("nameserver 192.0.2.1 192.0.2.2", &["192.0.2.1:53"]),
        ("nameserver ::ffff:192.0.2.1", &["192.0.2.1:53"]),
        ("  nameserver 192.0.2.1", &["192.0.2.1:53"]),
        ("nameserver\nnameserver 192.0.2.1;old", &["192.0.2.1:53"]),
        (
            "nameserver x\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4",
            &["192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"],
        ),
    ] {
        assert_eq!(servers(&read(text).0), expected, "{text:?}");
    }
}

#[test]
fn one_bad_line_takes_no_other_with_it() {
    let good = "nameserver 192.0.2.1\nsearch one.example\noptions ndots:3\n";
    let (expected, _) = read(good);
    for bad in [
        &b"nameserver"[..],
        b"nameserver 300.1.1.1",
        b"nameserver fe80::1%gone",
        b"nameserver \xff\xfe",
        b"options ndots:many",
        b"options timeout:99999999999999999999",
        b"family inet7",
        b"domain",
        b"\xff\xff\xff",
        b"\0",
        b"<html>",
        b"nameserver=192.0.2.9",
    ] {
        for bad_comes_first in [true, false] {
            let lines = if bad_comes_first { [bad, good.as_bytes()] } else { [good.as_bytes(), bad] };
            let (config, report) = read(lines.join(&b'\n'));
            let shown = String::from_utf8_lossy(bad);
            assert_eq!(config, expected, "{shown}");
            let line = if bad_comes_first { 1 } else { 5 };
            assert_eq!(report, FileReport { entries: 3, lines_skipped: 1, first_skipped: Some(line) }, "{shown}");
        }
    }
}

#[test]
fn a_bad_option_takes_none_of_its_line_with_it() {
    let (config, report) = read("options ndots:x timeout:9 attempts: rotate what:ever no-aaaa");
    assert_eq!((config.timeout(), config.rotate(), config.no_aaaa()), (Duration::from_secs(9), true, true));
    assert_eq!((config.ndots(), config.attempts()), (1, 2));
    assert_eq!(report.lines_skipped, 1);
}

#[test]
fn either_option_makes_single_requests() {
    for (option, expected) in [("single-request", true), ("single-request-reopen", true), ("rotate", false)] {
        assert_eq!(read(format!("options {option}")).0.single_request(), expected, "{option}");
    }
}

#[test]
fn a_comment_may_be_in_any_encoding() {
    let (config, report) = read(b"# \xe9\nnameserver 192.0.2.1 # \xe9\n");
    assert_eq!(servers(&config), ["192.0.2.1:53"]);
    assert_eq!(report, FileReport { entries: 1, lines_skipped: 0, first_skipped: None });
}

#[test]
fn search_domains() {
    let many: String = (0..40).map(|number| format!(" d{number}.example")).collect();
    let long = format!("search {} ok.example", "a.".repeat(128));
    for (text, expected) in [
        ("search a.example b.example", &["a.example", "b.example"][..]),
        ("search a.example\nsearch b.example", &["b.example"]),
        ("search a.example b.example\ndomain c.example", &["c.example"]),
        ("domain c.example\nsearch a.example b.example", &["a.example", "b.example"]),
        ("search .a.example. _udp.b_c a.EXAMPLE", &["a.example", "_udp.b_c"]),
        ("search .", &["."]),
        ("search a..example \u{e9}.example a\\b ok.example", &["ok.example"]),
        (&long, &["ok.example"]),
        ("nameserver 192.0.2.1", &[]),
    ] {
        assert_eq!(read(text).0.search(), expected, "{text:?}");
    }
    assert_eq!(read(format!("search{many}")).0.search().len(), SEARCH_MAX);
}

#[test]
fn the_host_name_gives_the_domain_that_the_file_does_not() {
    for (text, host_name, expected) in [
        ("", Some("host.of.example"), &["of.example"][..]),
        ("", Some("host.of.example."), &["of.example"]),
        ("", Some("host"), &[]),
        ("", Some("host."), &[]),
        ("", Some(""), &[]),
        ("", None, &[]),
        ("domain a.example", Some("host.of.example"), &["a.example"]),
        ("search .", Some("host.of.example"), &["."]),
    ] {
        let (config, _) = ResolverConfig::from_text(text.as_bytes(), &Environment::default(), host_name, &zone);
        assert_eq!(config.search(), expected, "{text:?} on {host_name:?}");
    }
}

#[test]
fn the_environment_comes_last() {
    let text = "search file.example\noptions ndots:2 rotate";
    assert_eq!(read_with(text, Some("a.example b.example"), None).search(), ["a.example", "b.example"]);
    assert_eq!(read_with(text, Some("a.example\nsearch b.example"), None).search(), ["a.example"]);
    assert_eq!(read_with("", Some(""), None).search(), [""; 0], "an empty list is a list");
    assert_eq!(read_with("", None, None).search(), ["of.example"]);

    let amended = read_with(text, None, Some("ndots:4 timeout:1"));
    assert_eq!((amended.ndots(), amended.rotate(), amended.timeout()), (4, true, Duration::from_secs(1)));
    assert_eq!(amended.search(), ["file.example"]);

    let hostile = Environment { localdomain: None, res_options: Some("ndots:x\noptions ndots:9".to_owned()) };
    let (config, report) = ResolverConfig::from_text(b"options ndots:2", &hostile, None, &zone);
    assert_eq!((config.ndots(), config.servers().len()), (2, 2));
    assert_eq!(report, FileReport { entries: 1, lines_skipped: 0, first_skipped: None });
}

#[test]
fn values_of_a_file_are_held_to_their_limits() {
    for (option, ndots, timeout, attempts) in [
        ("ndots:0", 0, 5, 2),
        ("ndots:15", 15, 5, 2),
        ("ndots:16", 15, 5, 2),
        ("timeout:0", 1, 1, 2),
        ("timeout:30", 1, 30, 2),
        ("timeout:4294967295", 1, 30, 2),
        ("attempts:0", 1, 5, 1),
        ("attempts:5", 1, 5, 5),
        ("attempts:6", 1, 5, 5),
    ] {
        let (config, _) = read(format!("options {option}"));
        let seconds = config.timeout().as_secs();
        assert_eq!((config.ndots(), seconds, config.attempts()), (ndots, timeout, attempts), "{option}");
    }
}

#[test]
fn a_server_is_asked_by_the_family_that_its_address_has() {
    let texts = ["[::ffff:192.0.2.1]:5353", "[::192.0.2.1]:53", "[fe80::1%3]:53"];
    let config = ResolverConfig::new(texts.map(|text| text.parse::<SocketAddr>().expect("an address")));
    assert_eq!(config.servers(), ["192.0.2.1:5353", texts[1], texts[2]].map(|text| text.parse().expect("an address")));
}

#[test]
fn settings_made_in_code_are_refused_outside_their_limits() {
    let config = ResolverConfig::default;
    let server = SocketAddr::from(([192, 0, 2, 1], 53));
    for good in [
        config(),
        ResolverConfig::new([server; SERVERS_MAX]),
        config().with_search(["."; SEARCH_MAX]).with_ndots(0).with_waiting_max(0),
        config().with_timeout(Duration::from_nanos(1)).with_deadline(Some(Duration::from_nanos(1))),
        config().with_timeout(TIMEOUT_MAX).with_deadline(Some(DEADLINE_MAX)).with_attempts(ATTEMPTS_MAX),
    ] {
        assert_eq!(good.check(), Ok(()), "{good:?}");
    }
    for (bad, message) in [
        (ResolverConfig::new([server; 0]), "number of servers: 0 is not within 1 to 8"),
        (ResolverConfig::new([server; 9]), "number of servers: 9 is not within 1 to 8"),
        (ResolverConfig::new([([192, 0, 2, 1], 0)]), "servers: 192.0.2.1:0 has no port"),
        (config().with_search(["a"; 33]), "number of search domains: 33 is not within 0 to 32"),
        (config().with_search(["a..b"]), "search: \"a..b\": a label of it is empty"),
        (config().with_ndots(16), "ndots: 16 is not within 0 to 15"),
        (config().with_timeout(Duration::ZERO), "timeout: 0ns is not within 1ns to 30s"),
        (config().with_timeout(Duration::from_secs(31)), "timeout: 31s is not within 1ns to 30s"),
        (config().with_attempts(0), "attempts: 0 is not within 1 to 5"),
        (config().with_deadline(Some(Duration::ZERO)), "deadline: 0ns is not within 1ns to 86400s"),
        (
            config().with_deadline(Some(Duration::MAX)),
            &format!("deadline: {:?} is not within 1ns to 86400s", Duration::MAX),
        ),
        (config().with_lookups_in_flight_max(0), "lookups_in_flight_max: 0 is not within 1 to 4096"),
        (config().with_waiting_max(1_000_001), "waiting_max: 1000001 is not within 0 to 1000000"),
    ] {
        assert_eq!(bad.check().expect_err(message).to_string(), format!("resolver setting {message}"));
    }
}

/// Random files from the words that matter: whatever comes out is a usable configuration, and every
/// line that says something is counted once.
#[test]
fn hostile_files() {
    const WORDS: [&[u8]; 26] = [
        b"nameserver",
        b"search",
        b"domain",
        b"options",
        b"sortlist",
        b"family",
        b"192.0.2.1",
        b"fe80::1%eth0",
        b"fe80::1%",
        b"::1",
        b"ndots:",
        b"ndots:99",
        b"timeout:0",
        b"attempts:7",
        b"rotate",
        b"a.example",
        b".",
        b"..",
        b"#",
        b";",
        b"\xff",
        b"\0",
        b"\r",
        b":",
        b"%",
        b"\xe2\x80\xa8",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..3_000 {
        let mut text = Vec::new();
        for _ in 0..random(40) {
            text.extend_from_slice(WORDS[random(WORDS.len())]);
            text.push(b" \n\t  "[random(5)]);
        }
        let (config, report) = read(&text);
        let shown = String::from_utf8_lossy(&text);
        assert_eq!(config.check(), Ok(()), "round {round}: {shown}");
        assert!(config.servers().len() <= FILE_SERVERS_MAX, "round {round}: {shown}");
        let said = shown.split('\n').filter(|line| words(line).next().is_some()).count();
        assert_eq!(report.entries + report.lines_skipped, said, "round {round}: {shown}");
        assert_eq!(report.first_skipped.is_some(), report.lines_skipped > 0, "round {round}: {shown}");
    }
}
