//! Lookups at a real name server: the zones beside this file, asked of unbound, nsd or dnsmasq.
//!
//! `tests/interop/run` starts the servers and runs this with `MSGPUMP_INTEROP=nsd@127.0.0.1:PORT`. Without
//! the variable there is no server to ask, and each test says that it is skipped.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant};

use msgpump::{
    Budget, Cancelled, Family, Filter, Host, HostQuery, LookupError, LookupFailure, OperationId, Payload, Pump,
    ResolverConfig, Settings, Source,
};

/// How long a server has to start, and a lookup to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many addresses `big` has; `run` writes them.
const BIG_ADDRESSES: usize = 150;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unbound,
    Nsd,
    Dnsmasq,
}

#[derive(Clone, Copy)]
struct Server {
    kind: Kind,
    address: SocketAddr,
}

/// What a name has, or why it has nothing.
type Expected = Result<&'static [&'static str], LookupFailure>;

/// The server to ask, once it answers; `None` where there is none.
fn server() -> Option<Server> {
    let Ok(text) = std::env::var("MSGPUMP_INTEROP") else {
        static SAID: Once = Once::new();
        // Past the test harness, which shows nothing of tests that pass.
        SAID.call_once(|| {
            _ = writeln!(io::stderr(), "skipped: no name server is given, tests/interop/run starts some")
        });
        return None;
    };
    let (kind, address) = text.split_once('@').expect("MSGPUMP_INTEROP is written SERVER@ADDRESS:PORT");
    let kind = match kind {
        "unbound" => Kind::Unbound,
        "nsd" => Kind::Nsd,
        "dnsmasq" => Kind::Dnsmasq,
        other => panic!("MSGPUMP_INTEROP: no zones are known for {other:?}"),
    };
    let server = Server { kind, address: address.parse().expect("MSGPUMP_INTEROP has an address with a port") };
    let mut pump = pump(config(server));
    let end = Instant::now() + PATIENCE;
    while let Err(error) = look_up(&mut pump, HostQuery::by_name("host.interop.test.")) {
        assert!(Instant::now() < end, "the server does not answer: {error}");
        pump.turn(Budget::wait(Duration::from_millis(20))).expect("the system works");
    }
    Some(server)
}

fn config(server: Server) -> ResolverConfig {
    ResolverConfig::new([server.address])
}

fn pump(config: ResolverConfig) -> Pump<()> {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    let settings = Settings::default().hosts_file(nowhere).resolver(config).expect("it is within its limits");
    Pump::with_settings(settings).expect("descriptors are left")
}

fn look_up(pump: &mut Pump<()>, query: HostQuery) -> Result<Box<Host>, LookupError> {
    let window = pump.root_window();
    let lookup = pump.lookup_host(window, query).expect("there is room");
    outcome(pump, lookup)
}

fn outcome(pump: &mut Pump<()>, lookup: OperationId) -> Result<Box<Host>, LookupError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match pump.next_message_for(Filter::any().operation(lookup)).map(|message| message.payload) {
            Some(Payload::Host(result)) => return result,
            Some(_) => continue,
            None => {}
        }
        assert!(Instant::now() < end, "waited in vain for the outcome of a lookup; {pump:?}");
        pump.turn(Budget::wait_until(end)).expect("the system works");
    }
}

fn sorted(addresses: &[IpAddr]) -> Vec<String> {
    let mut sorted: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    sorted.sort();
    sorted
}

/// The names of the zone, and what is to be found by them at this kind of server.
fn names(kind: Kind) -> Vec<(&'static str, Expected)> {
    use LookupFailure::*;
    const HOST: Expected = Ok(&["192.0.2.1", "2001:db8::1"]);
    vec![
        ("host", HOST),
        ("HOST", HOST),
        ("four", Ok(&["192.0.2.4"])),
        ("six", Ok(&["2001:db8::6"])),
        ("short", Ok(&["192.0.2.5"])),
        ("under_score", Ok(&["192.0.2.6"])),
        ("4digits-", Ok(&["192.0.2.7"])),
        ("alias", HOST),
        ("ten0", HOST),
        ("most", HOST),
        // One alias more than are followed.
        ("far", Err(ServerFailure)),
        // dnsmasq has no rings: it refuses to start with one.
        ("ring0", Err(if kind == Kind::Dnsmasq { NotFound } else { ServerFailure })),
        ("dangling", Err(NotFound)),
        // The end of the alias is asked for, of a server that does not speak for it.
        ("outside", Err(if kind == Kind::Unbound { NotFound } else { Refused })),
        ("x.wild", Ok(&["192.0.2.9"])),
        ("y.x.wild", Ok(&["192.0.2.9"])),
        // dnsmasq has the domain itself below its wildcard.
        ("wild", if kind == Kind::Dnsmasq { Ok(&["192.0.2.9"]) } else { Err(NoData) }),
        ("empty", Err(NoData)),
        ("below.empty", Ok(&["192.0.2.10"])),
        ("text", Err(NoData)),
        ("missing", Err(NotFound)),
    ]
}

#[test]
fn the_names_of_the_zone_by_every_transport() {
    let Some(server) = server() else { return };
    let configs = [
        ("as by default", config(server)),
        ("without EDNS", config(server).with_edns(false)),
        ("by stream", config(server).with_tcp(true)),
        ("one question at a time", config(server).with_single_request(true)),
    ];
    for (how, config) in configs {
        let mut pump = pump(config);
        for (name, expected) in names(server.kind) {
            let name = format!("{name}.interop.test");
            let found = look_up(&mut pump, HostQuery::by_name(&name));
            match (&found, expected) {
                (Ok(host), Ok(addresses)) => {
                    assert_eq!(sorted(&host.addresses), addresses, "{name} {how}");
                    assert_eq!((host.source, host.incomplete), (Source::NameServer(server.address), false), "{name}");
                    assert!(host.ttl.is_some_and(|ttl| ttl <= Duration::from_secs(300)), "{name}: {host:?}");
                }
                (Err(error), Err(failure)) => assert_eq!(error.failure(), failure, "{name} {how}: {error}"),
                _ => panic!("{name} {how}: {found:?} is not {expected:?}"),
            }
        }
        assert_eq!((pump.metrics().sockets, pump.metrics().ignored_datagrams), (0, 0), "{how}");
    }
}

#[test]
fn one_family_alone() {
    let Some(server) = server() else { return };
    let mut pump = pump(config(server));
    for (name, family, expected) in [
        ("host", Family::V4, Ok("192.0.2.1")),
        ("host", Family::V6, Ok("2001:db8::1")),
        ("ten0", Family::V6, Ok("2001:db8::1")),
        ("four", Family::V6, Err(LookupFailure::NoData)),
        ("six", Family::V4, Err(LookupFailure::NoData)),
        ("missing", Family::V4, Err(LookupFailure::NotFound)),
    ] {
        let found = look_up(&mut pump, HostQuery::by_name(format!("{name}.interop.test")).family(family));
        match (found, expected) {
            (Ok(host), Ok(address)) => assert_eq!(sorted(&host.addresses), [address]),
            (Err(error), Err(failure)) => assert_eq!(error.failure(), failure, "{name} {family:?}"),
            (found, _) => panic!("{name} {family:?}: {found:?}"),
        }
    }
}

#[test]
fn aliases_are_told_in_order() {
    let Some(server) = server() else { return };
    let mut pump = pump(config(server));
    let host = look_up(&mut pump, HostQuery::by_name("most.interop.test")).expect("it is in the zone");
    let steps = ["most", "most1", "most2", "most3", "most4", "most5"].map(String::from).into_iter();
    let expected: Vec<String> =
        steps.chain((0..10).map(|number| format!("ten{number}"))).map(|name| format!("{name}.interop.test")).collect();
    assert_eq!((host.canonical_name.as_str(), host.aliases), ("host.interop.test", expected));
}

/// By datagram no server sends it whole: it is asked for again by stream.
#[test]
fn a_name_with_many_addresses() {
    let Some(server) = server() else { return };
    for edns in [true, false] {
        let mut pump = pump(config(server).with_edns(edns));
        let host = look_up(&mut pump, HostQuery::by_name("big.interop.test")).expect("it is in the zone");
        let mut addresses = host.addresses.clone();
        addresses.sort();
        let all = (1..=BIG_ADDRESSES).map(|last| IpAddr::from([10, 0, 0, last as u8]));
        assert!(addresses.into_iter().eq(all), "{host:?}");
    }
}

#[test]
fn addresses_have_their_names() {
    let Some(server) = server() else { return };
    let mut pump = pump(config(server));
    for (address, name) in [
        ("192.0.2.1", Some("host.interop.test")),
        ("192.0.2.4", Some("four.interop.test")),
        ("2001:db8::1", Some("host.interop.test")),
        ("192.0.2.77", None),
        ("2001:db8::77", None),
    ] {
        let address: IpAddr = address.parse().expect("the table has addresses");
        let found = look_up(&mut pump, HostQuery::by_address(address));
        match name {
            Some(name) => assert_eq!(found.expect("it is in the zone").canonical_name, name, "{address}"),
            None => assert_eq!(found.unwrap_err().failure(), LookupFailure::NotFound, "{address}"),
        }
    }
}

#[test]
fn search_domains_complete_names() {
    let Some(server) = server() else { return };
    let mut pump = pump(config(server).with_search(["empty.interop.test", "interop.test"]).with_ndots(2));
    for (name, expected) in [
        ("host", Ok("host.interop.test")),
        ("below", Ok("below.empty.interop.test")),
        ("x.wild", Ok("x.wild.interop.test")),
        ("alias", Ok("host.interop.test")),
        // No data in one domain, nothing in the others.
        ("text.interop.test.", Err(LookupFailure::NoData)),
    ] {
        let found = look_up(&mut pump, HostQuery::by_name(name)).map(|host| host.canonical_name);
        assert_eq!(found.map_err(|error| error.failure()), expected.map(str::to_owned), "{name}");
    }
}

/// A zone that the server knows to be somebody else's.
#[test]
fn a_delegation_is_no_answer() {
    let Some(server) = server() else { return };
    let expected = match server.kind {
        Kind::Nsd => LookupFailure::ServerFailure,
        // It says that recursion is available: who says so and has nothing means that there is nothing.
        Kind::Unbound => LookupFailure::NoData,
        Kind::Dnsmasq => LookupFailure::NotFound,
    };
    let mut pump = pump(config(server));
    let error = look_up(&mut pump, HostQuery::by_name("host.sub.interop.test")).unwrap_err();
    assert_eq!(error.failure(), expected, "{error}");
}

/// All at the same time, every other one cancelled.
#[test]
fn hundreds_of_lookups() {
    let Some(server) = server() else { return };
    let mut pump = pump(config(server).with_lookups_in_flight_max(50));
    let window = pump.root_window();
    let mut start = |number: usize| {
        // The same for all, one of its own that the wildcard has, one of its own that nobody has.
        let (name, is_found) = match number % 3 {
            0 => ("host.interop.test.".to_owned(), true),
            1 => (format!("n{number}.wild.interop.test."), true),
            _ => (format!("n{number}.interop.test."), false),
        };
        let lookup = pump.lookup_host(window, HostQuery::by_name(name)).expect("there is room");
        (lookup, is_found)
    };
    let lookups: Vec<_> = (0..500).map(&mut start).collect();
    for (lookup, _) in lookups.iter().skip(1).step_by(2) {
        assert_eq!(pump.cancel(*lookup), Cancelled::Pending);
    }
    for (lookup, is_found) in lookups.iter().step_by(2) {
        assert_eq!(outcome(&mut pump, *lookup).is_ok(), *is_found);
    }
    assert!(pump.next_message().is_none(), "what was cancelled is silent");
    let metrics = pump.metrics();
    assert_eq!((metrics.sockets, metrics.operations, metrics.lookups_in_line), (0, 0, 0));
}
