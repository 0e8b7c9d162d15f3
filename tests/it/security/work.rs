//! What one hostile packet costs: packets sent, allocations, time.

use std::time::{Duration, Instant};

use allocation_counter::measure;
use msgpump::{Budget, Family, Filter, HostQuery, Pump};

use crate::support::wire::{A, CNAME, FORMERR, IN, NXDOMAIN, Query, Reply, SERVFAIL, Transport, name};
use crate::support::{Act, NameServer, PATIENCE, asking, outcome, pump, start};

/// The longest message that a datagram carries over IPv4.
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// A pointer to the name of the question, behind the header.
const TO_QUESTION: [u8; 2] = [0xC0, 12];

fn record(owner: &[u8], record_type: u16, data: &[u8]) -> Vec<u8> {
    let numbers = [record_type, IN, 0, 300, data.len() as u16].map(u16::to_be_bytes).concat();
    [owner, &numbers, data].concat()
}

/// A reply with these records in its answer section, as many as a datagram holds.
fn with_records(query: &Query, records: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut reply = Reply::to(query);
    let room = DATAGRAM_BYTES_MAX - reply.bytes().len();
    for record in records {
        if reply.records.len() + record.len() > room {
            break;
        }
        reply.records.extend(record);
        reply.counts[1] += 1;
    }
    reply.bytes()
}

/// A pointer, from behind the question of a query named `name_bytes` long on the wire.
fn pointer_to(offset: usize) -> [u8; 2] {
    (0xC000 | offset as u16).to_be_bytes()
}

/// A name of as many labels as one can have.
fn many_labels() -> Vec<u8> {
    [[1, b'a'].repeat(126), vec![0]].concat()
}

/// What a hostile name server may send to cost most, each with a word.
fn hostile_replies(query: &Query) -> Vec<(&'static str, Vec<u8>)> {
    let body = Reply::to(query).bytes().len();
    let long = |number: usize| {
        let label = [&[63][..], format!("{number:063}").as_bytes()].concat();
        [label.repeat(3), vec![0]].concat()
    };
    let address = |owner: &[u8]| record(owner, A, &[192, 0, 2, 1]);
    // Each name is a label and a pointer to the name before it, so that reading one walks all.
    let ladder = {
        let (mut at, mut previous, mut rungs) = (body, None, 0);
        std::iter::repeat_with(move || {
            let owner = match previous {
                Some(previous) if rungs < 126 => [&[1, b'a'][..], &pointer_to(previous)].concat(),
                _ => vec![1, b'a', 0],
            };
            rungs = if owner.len() == 3 { 1 } else { rungs + 1 };
            let record = record(&owner, A, &[192, 0, 2, 1]);
            // A pointer reaches the first 16 KiB only.
            if at < 0x3FFF {
                previous = Some(at);
            }
            at += record.len();
            record
        })
    };
    vec![
        ("as many addresses as fit", with_records(query, std::iter::repeat(address(&TO_QUESTION)))),
        (
            "as many addresses of another name",
            with_records(query, {
                let first = address(&many_labels());
                std::iter::once(first).chain(std::iter::repeat(address(&pointer_to(body))))
            }),
        ),
        ("a ladder of pointers", with_records(query, ladder)),
        ("a pointer to itself", with_records(query, std::iter::repeat(address(&pointer_to(body))))),
        (
            "a chain of aliases, the last one first",
            with_records(query, {
                let aliases = (0..16).rev().map(|number| record(&long(number), CNAME, &long(number + 1)));
                aliases.chain([record(&TO_QUESTION, CNAME, &long(0)), address(&long(16))])
            }),
        ),
        (
            "as many aliases as are read",
            with_records(query, (0..64).map(|number| record(&long(number), CNAME, &long(number + 1)))),
        ),
        ("as many aliases as fit", with_records(query, std::iter::repeat(record(&TO_QUESTION, CNAME, &TO_QUESTION)))),
        ("as many records of another type as fit", with_records(query, std::iter::repeat(record(&[0], 99, &[])))),
        ("counts without records", Reply { counts: [1, 0xFFFF, 0xFFFF, 0xFFFF], ..Reply::to(query) }.bytes()),
    ]
}

/// What reading a reply cost the pump's thread.
#[derive(Debug)]
struct Cost {
    allocations: u64,
    /// The most that was allocated at a time.
    bytes: u64,
    time: Duration,
}

/// Has one reply read, and says what it cost.
fn cost_of(reply: usize) -> Cost {
    let server = NameServer::start(move |query| {
        let bytes = hostile_replies(query).swap_remove(reply).1;
        vec![Act::Send(bytes)]
    });
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, HostQuery::by_name("host.example").family(Family::V4));
    let filter = Filter::any().operation(lookup);
    let end = Instant::now() + PATIENCE;
    let mut turn_time = Duration::ZERO;
    let cost = measure(|| {
        while pump.peek_message_for(filter).is_none() {
            assert!(Instant::now() < end, "waited in vain");
            // What has arrived is read in a turn of its own, so that the wait is not counted.
            wait_until_readable(&pump);
            let before = Instant::now();
            pump.turn(Budget::no_wait()).expect("the system's wait works");
            turn_time = turn_time.max(before.elapsed());
        }
    });
    Cost { allocations: cost.count_total, bytes: cost.bytes_max, time: turn_time }
}

#[cfg(unix)]
fn wait_until_readable(pump: &Pump<()>) {
    use rustix::event::{PollFd, PollFlags, poll};
    let timeout = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
    let _ = poll(&mut [PollFd::new(pump, PollFlags::IN)], Some(&timeout));
}

#[cfg(not(unix))]
fn wait_until_readable(_: &Pump<()>) {
    std::thread::yield_now();
}

fn any_query() -> Query {
    Query {
        id: 1,
        flags: 0,
        name: "host.example".into(),
        record_type: A,
        class: IN,
        edns: None,
        transport: Transport::Udp,
        from: ([127, 0, 0, 1], 1).into(),
    }
}

/// Of the allocations that a reply causes a few grow with it, none with its square, and there are few of them.
#[test]
fn the_work_that_one_packet_causes_is_bounded() {
    const ALLOCATIONS_MAX: u64 = 400;
    /// Kept records, and the answer made of them: some times the packet itself.
    const BYTES_MAX: u64 = 1 << 20;
    for (index, (what, bytes)) in hostile_replies(&any_query()).into_iter().enumerate() {
        let cost = cost_of(index);
        println!("{what:<42} {:>6} bytes: {cost:?}", bytes.len());
        assert!(cost.allocations <= ALLOCATIONS_MAX, "{what}: {cost:?}");
        assert!(cost.bytes <= BYTES_MAX, "{what}: {cost:?}");
    }
}

/// Prints the figures of the page.
#[test]
#[ignore = "takes long: run by its name in the release profile"]
fn the_time_that_each_hostile_packet_takes() {
    println!("reply                                       bytes  allocations  allocated  time (median of 21)");
    for (index, (what, bytes)) in hostile_replies(&any_query()).into_iter().enumerate() {
        let mut costs: Vec<_> = (0..21).map(|_| cost_of(index)).collect();
        costs.sort_by_key(|cost| cost.time);
        let Cost { allocations, bytes: allocated, time } = &costs[10];
        println!("{what:<42} {:>6}  {allocations:>11}  {allocated:>9}  {time:?}", bytes.len());
    }
}

/// What a hostile server may say to have us ask again.
fn provocations(query: &Query) -> [(&'static str, Reply); 7] {
    // A new name each time, by what was asked.
    let next = |name: &str| match name.split_once('.') {
        Some((label, rest)) if label.starts_with('n') => {
            format!("n{}.{rest}", label[1..].parse::<u32>().expect("it is a number") + 1)
        }
        _ => format!("n1.{name}"),
    };
    [
        ("an endless chain of aliases", Reply::to(query).cname(&query.name, &next(&query.name))),
        ("truncated", Reply::to(query).truncated()),
        ("format error", Reply::to(query).rcode(FORMERR)),
        ("server failure", Reply::to(query).rcode(SERVFAIL)),
        ("no such name", Reply::to(query).rcode(NXDOMAIN)),
        ("no data", Reply::to(query).soa("example")),
        ("malformed", Reply { counts: [1, 1, 0, 0], records: vec![0xFF], ..Reply::to(query) }),
    ]
}

/// How many questions one lookup asks, of servers that reply so to each, with so many copies.
fn questions_asked(provocation: usize, copies: usize) -> usize {
    let script = move |query: &Query| {
        let reply = provocations(query)[provocation].1.clone();
        std::iter::repeat_n(reply.into(), copies).collect()
    };
    let (first, second) = (NameServer::start(script), NameServer::start(script));
    let config = asking([&first, &second]).with_attempts(2).with_search(["one.example", "two.example"]);
    let mut pump = pump(config);
    let lookup = start(&mut pump, HostQuery::by_name("host"));
    outcome(&mut pump, lookup).expect_err("there is no answer");
    first.asked() + second.asked()
}

/// A packet causes one question at most, and only the first that answers a question counts: a server that sends
/// ten times as many gets no more of us.
#[test]
fn more_packets_do_not_make_us_send_more() {
    /// Two questions, an alias more each time until there are 17, at two servers, twice.
    const QUESTIONS_MAX: usize = 2 * 17 * 2 * 2;
    for (provocation, (what, _)) in provocations(&any_query()).into_iter().enumerate() {
        let asked = questions_asked(provocation, 1);
        println!("{what}: {asked} questions");
        assert!((2..=QUESTIONS_MAX).contains(&asked), "{what}: {asked} questions");
        assert_eq!(questions_asked(provocation, 10), asked, "{what}");
    }
}

/// A long name in a query costs us what it is long, not what it is compressed to.
#[test]
fn the_longest_query_is_small() {
    let server = NameServer::answering(|query| Reply::to(query).rcode(NXDOMAIN));
    let mut pump = pump(asking([&server]));
    let longest = [["a"; 63].concat(), ["b"; 63].concat(), ["c"; 63].concat(), ["d"; 61].concat()].join(".");
    let lookup = start(&mut pump, HostQuery::by_name(longest.clone()));
    outcome(&mut pump, lookup).expect_err("nobody has it");
    assert!(server.queries().iter().all(|query| name(&query.name).len() == 255));
}
