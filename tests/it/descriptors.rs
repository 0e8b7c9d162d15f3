//! Too few descriptors: lookups wait, nothing spins, nothing is lost (bun 32705, joyent/libuv 690: all
//! of a processor at the limit).
//!
//! Each test has a process of its own, whose limit it lowers. Name servers are outside of it: a thread
//! that waits for a stream has a descriptor in reserve.

use std::collections::HashSet;
use std::fs::File;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use msgpump::{
    Budget, Cancelled, Connect, Family, HostQuery, Interest, Listen, LookupFailure, OperationId, Payload, Pump,
    ResolverConfig, Rest,
};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::support::alone::{alone, alone_with_server, descriptors};
use crate::support::wire::{Query, Reply, Transport};
use crate::support::{ClosedPort, Directory, asking_at, failure, look_up, outcome, pump, settings, start, turn_until};

/// How many descriptors the process may have.
const LIMIT: usize = 32;

const LOOKUPS: usize = 500;

/// How many descriptors a pump has that does nothing.
const PUMP_DESCRIPTORS: usize = 3;

/// How long the pump waits for a descriptor that nobody gives back.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, [192, 0, 2, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
}

/// Sets how many descriptors the process may have.
fn limit_descriptors(limit: usize) {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = Some(limit as u64);
    setrlimit(Resource::Nofile, limits).expect("a limit may be lowered");
}

/// Starts many lookups, each of a name of its own.
fn start_many(pump: &mut Pump<()>) -> Vec<OperationId> {
    (0..LOOKUPS).map(|number| start(pump, HostQuery::by_name(format!("host{number}.example")))).collect()
}

/// Opens files until there are no descriptors left.
fn take_all_descriptors() -> Vec<File> {
    let files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(files.len() < LIMIT, "the limit holds");
    files
}

fn many_lookups_at_the_limit(server: SocketAddr) {
    let mut pump = pump(asking_at([server]).with_lookups_in_flight_max(LOOKUPS));
    limit_descriptors(LIMIT);
    let lookups = start_many(&mut pump);
    let metrics = pump.metrics();
    assert!(metrics.sockets < LIMIT && metrics.lookups_in_line > LOOKUPS - LIMIT, "{metrics:?}");
    let mut unanswered: HashSet<OperationId> = lookups.into_iter().collect();
    while !unanswered.is_empty() {
        let message = pump.get_message().unwrap().expect("nobody quits");
        assert!(unanswered.remove(&message.operation.unwrap()), "each is told once");
        let Payload::Host(Ok(host)) = message.payload else { panic!("{:?}", message.payload) };
        assert_eq!((host.addresses.len(), host.incomplete), (2, false));
    }
    let metrics = pump.metrics();
    assert_eq!((metrics.sockets, metrics.lookups_in_line, metrics.operations), (0, 0, 0));
    // Some turns for each lookup at most: two answers by datagram, a stream, two answers by it.
    assert!(metrics.turns < 10 * LOOKUPS as u64, "turns for nothing: {metrics:?}");
}

#[test]
fn f11_many_lookups_at_the_limit_are_all_answered() {
    let script = |query: &Query| vec![answer(query).into()];
    alone_with_server(f11_many_lookups_at_the_limit_are_all_answered, script, many_lookups_at_the_limit);
}

#[test]
fn f11_streams_at_the_limit_are_all_answered() {
    let script = |query: &Query| match query.transport {
        Transport::Udp => vec![Reply::to(query).truncated().into()],
        Transport::Tcp => vec![answer(query).into()],
    };
    alone_with_server(f11_streams_at_the_limit_are_all_answered, script, many_lookups_at_the_limit);
}

/// As long as no descriptor comes back, the pump looks again now and then, and sleeps between.
#[test]
fn f11_nothing_spins_at_the_limit() {
    alone(f11_nothing_spins_at_the_limit, || {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let config = asking_at([silent.local_addr().unwrap()]);
        let mut pump = pump(config.with_lookups_in_flight_max(LOOKUPS));
        limit_descriptors(LIMIT);
        let lookups = start_many(&mut pump);
        let (began, turns, mut looks) = (Instant::now(), pump.metrics().turns, 0);
        while looks < 5 {
            let Rest::Until(deadline) = pump.rest() else { panic!("the line is looked at again") };
            pump.turn(Budget::wait_until(deadline)).unwrap();
            looks += 1;
        }
        let passed = began.elapsed();
        let bound = passed.as_millis() / RETRY_INTERVAL.as_millis() + 2;
        assert!(u128::from(pump.metrics().turns - turns) <= bound, "{looks} looks in {passed:?}");
        assert!(pump.metrics().lookups_in_line > LOOKUPS - LIMIT);

        for lookup in lookups {
            assert_eq!(pump.cancel(lookup), Cancelled::Pending);
        }
        let metrics = pump.metrics();
        assert_eq!((metrics.sockets, metrics.lookups_in_line, metrics.operations), (0, 0, 0));
        assert_eq!(pump.rest(), Rest::Forever, "and then nothing is looked for any more");
    });
}

/// Counts the warnings of which each is an attempt for which there was no descriptor.
struct CountsWarnings(AtomicUsize);

impl log::Log for CountsWarnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) && record.args().to_string().starts_with("out of descriptors") {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// One asks for all who wait.
#[test]
fn many_connects_at_the_limit_ask_no_more_often_than_one_and_are_all_made() {
    static WARNINGS: CountsWarnings = CountsWarnings(AtomicUsize::new(0));
    alone(many_connects_at_the_limit_ask_no_more_often_than_one_and_are_all_made, || {
        log::set_logger(&WARNINGS).expect("it is the first");
        log::set_max_level(log::LevelFilter::Warn);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        let mut pump = Pump::<()>::with_settings(settings()).unwrap();
        limit_descriptors(LIMIT);
        let files = take_all_descriptors();
        let (began, root) = (Instant::now(), pump.root_window());
        let mut waiting: Vec<_> = (0..100).map(|_| pump.connect(root, Connect::from(peer)).unwrap()).collect();
        for _ in 0..5 {
            let Rest::Until(deadline) = pump.rest() else { panic!("they ask again") };
            pump.turn(Budget::wait_until(deadline)).unwrap();
        }
        let bound = began.elapsed().as_millis() / RETRY_INTERVAL.as_millis() + 2;
        let attempts = WARNINGS.0.load(Ordering::Relaxed);
        assert!(attempts >= 5 && attempts as u128 <= bound, "{attempts} in {:?}", began.elapsed());
        drop(files);
        while !waiting.is_empty() {
            let message = pump.get_message().unwrap().expect("nobody quits");
            let Payload::Connected(Ok(_)) = message.payload else { panic!("{message:?}") };
            waiting.retain(|&connect| Some(connect) != message.operation);
        }
    });
}

/// What ways to addresses are found with is kept while lookups wait, but not from those that wait for a descriptor.
#[test]
fn f11_with_a_few_descriptors_every_lookup_is_answered() {
    let script = |query: &Query| vec![answer(query).into()];
    alone_with_server(f11_with_a_few_descriptors_every_lookup_is_answered, script, |server| {
        let mut pump = pump(asking_at([server]));
        limit_descriptors(LIMIT);
        let mut files = take_all_descriptors();
        for _ in 0..4 {
            files.pop();
            let names = (0..8).map(|number| HostQuery::by_name(format!("host{number}.example")));
            let lookups: Vec<_> = names.map(|query| start(&mut pump, query)).collect();
            for lookup in lookups {
                let host = outcome(&mut pump, lookup).expect("the server knows it");
                assert_eq!((host.addresses.len(), host.incomplete), (2, false));
            }
        }
    });
}

/// Nor are they kept from a socket that listens.
#[test]
fn what_is_kept_to_find_ways_with_is_given_up_for_a_listening_socket() {
    let script = |query: &Query| match query.name.as_str() {
        "host.example" => vec![answer(query).into()],
        _ => Vec::new(),
    };
    alone_with_server(what_is_kept_to_find_ways_with_is_given_up_for_a_listening_socket, script, |server| {
        let mut pump = pump(asking_at([server]));
        start(&mut pump, HostQuery::by_name("waits.example"));
        assert!(look_up(&mut pump, "host.example").is_ok());
        limit_descriptors(LIMIT);
        let _files = take_all_descriptors();
        let root = pump.root_window();
        assert!(pump.listen(root, Listen::on(([127, 0, 0, 1], 0))).is_ok(), "{:?}", pump.metrics());
    });
}

/// Nor from a descriptor that is to be watched.
#[test]
fn what_is_kept_to_find_ways_with_is_given_up_for_a_watched_descriptor() {
    let script = |query: &Query| match query.name.as_str() {
        "host.example" => vec![answer(query).into()],
        _ => Vec::new(),
    };
    alone_with_server(what_is_kept_to_find_ways_with_is_given_up_for_a_watched_descriptor, script, |server| {
        let mut pump = pump(asking_at([server]));
        let (reader, _writer) = std::io::pipe().unwrap();
        start(&mut pump, HostQuery::by_name("waits.example"));
        assert!(look_up(&mut pump, "host.example").is_ok());
        limit_descriptors(LIMIT);
        let _files = take_all_descriptors();
        let root = pump.root_window();
        let watched = pump.watch_descriptor(root, &reader, Interest::READABLE);
        assert!(watched.is_ok(), "{watched:?}, {:?}", pump.metrics());
    });
}

/// The program itself has taken all descriptors, so no lookup's end would give one back.
#[test]
fn a_lookup_without_any_descriptor_waits_for_one() {
    let script = |query: &Query| vec![answer(query).into()];
    alone_with_server(a_lookup_without_any_descriptor_waits_for_one, script, |server| {
        let mut pump = pump(asking_at([server]));
        limit_descriptors(LIMIT);
        let files = take_all_descriptors();
        let lookup = start(&mut pump, HostQuery::by_name("host.example").family(Family::V4));
        for _ in 0..3 {
            pump.turn(Budget::wait(RETRY_INTERVAL)).unwrap();
            assert!(pump.is_live(lookup) && pump.peek_message().is_none());
        }
        assert_eq!((pump.metrics().sockets, pump.metrics().lookups_in_line), (0, 1));
        // What needs no descriptor is answered meanwhile.
        assert!(look_up(&mut pump, "localhost").is_ok());
        drop(files);
        assert!(outcome(&mut pump, lookup).is_ok());
    });
}

#[test]
fn a_lookup_without_any_descriptor_may_be_cancelled_and_may_have_a_deadline() {
    alone(a_lookup_without_any_descriptor_may_be_cancelled_and_may_have_a_deadline, || {
        let config = ResolverConfig::default().with_deadline(Some(RETRY_INTERVAL * 2));
        let mut pump = pump(config);
        limit_descriptors(LIMIT);
        let files = take_all_descriptors();
        let lookup = start(&mut pump, HostQuery::by_name("host.example"));
        pump.turn(Budget::wait(RETRY_INTERVAL)).unwrap();
        assert_eq!(pump.cancel(lookup), Cancelled::Pending);
        assert_eq!((pump.rest(), pump.metrics().lookups_in_line), (Rest::Forever, 0));

        assert_eq!(failure(&mut pump, "host.example"), LookupFailure::TimedOut);
        assert_eq!(pump.rest(), Rest::Forever);
        drop(files);
    });
}

/// A truncated answer needs a stream, and the datagram's descriptor cannot be had again.
#[test]
fn a_stream_without_a_descriptor_waits_for_one() {
    let script = |query: &Query| match query.transport {
        Transport::Udp => vec![Reply::to(query).truncated().into()],
        Transport::Tcp => vec![answer(query).into()],
    };
    alone_with_server(a_stream_without_a_descriptor_waits_for_one, script, |server| {
        let mut pump = pump(asking_at([server]));
        limit_descriptors(LIMIT);
        let mut files = take_all_descriptors();
        // The last one is the highest: the socket gets it, and once closed it is beyond the limit.
        files.pop();
        let lookup = start(&mut pump, HostQuery::by_name("host.example").family(Family::V4));
        assert_eq!(pump.metrics().sockets, 1);
        limit_descriptors(LIMIT - 1);
        turn_until(&mut pump, "the lookup is in line again", |pump| pump.metrics().lookups_in_line == 1);
        assert_eq!(pump.metrics().sockets, 0);
        limit_descriptors(LIMIT);
        assert!(outcome(&mut pump, lookup).is_ok());
    });
}

/// The readiness queue, the wake-up and the system's timer need one each.
#[test]
fn a_pump_without_any_descriptor_is_an_error() {
    alone(a_pump_without_any_descriptor_is_an_error, || {
        limit_descriptors(LIMIT);
        let mut files = take_all_descriptors();
        for freed in 0..PUMP_DESCRIPTORS {
            let error = Pump::<()>::with_settings(settings()).expect_err("there is none");
            assert!(!error.to_string().is_empty(), "{freed}");
            files.pop();
        }
        let before = descriptors();
        files.truncate(files.len() - PUMP_DESCRIPTORS);
        drop(Pump::<()>::with_settings(settings()).expect("there are some"));
        assert_eq!(descriptors(), before - PUMP_DESCRIPTORS);
    });
}

/// A file that cannot be opened for want of descriptors is opened later.
#[test]
fn files_are_read_once_there_is_a_descriptor() {
    alone(files_are_read_once_there_is_a_descriptor, || {
        let directory = Directory::new();
        let hosts = directory.put("hosts", "192.0.2.7 host.localhost\n");
        let mut pump = Pump::<()>::with_settings(settings().hosts_file(hosts)).unwrap();
        limit_descriptors(LIMIT);
        let files = take_all_descriptors();
        assert_eq!(look_up(&mut pump, "host.localhost").unwrap().addresses.len(), 2, "without the file");
        assert!(pump.name_files()[0].problem.is_some());
        drop(files);
        turn_until(&mut pump, "the file counts", |pump| {
            look_up(pump, "host.localhost").unwrap().addresses == ["192.0.2.7".parse::<std::net::IpAddr>().unwrap()]
        });
        assert_eq!(pump.name_files()[0].problem, None);
    });
}

/// A name server that is not there takes no descriptor with it.
#[test]
fn closed_ports_keep_no_descriptors() {
    alone(closed_ports_keep_no_descriptors, || {
        let closed = ClosedPort::new();
        let mut pump = pump(asking_at([closed.address()]).with_attempts(5));
        let before = descriptors();
        for number in 0..100 {
            assert_eq!(failure(&mut pump, &format!("host{number}.example")), LookupFailure::NetworkDown);
        }
        assert_eq!(descriptors(), before);
    });
}
