//! Lookups at a real name server: the zones beside this file, asked of each kind of server that `servers` starts.
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

/// How many addresses `big`, `bigsix` and `huge` have; `servers` writes them.
const BIG_ADDRESSES: usize = 150;
const HUGE_ADDRESSES: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unbound,
    Nsd,
    Knot,
    Bind,
    Pdns,
    Yadifa,
    Gdnsd,
    Dnsmasq,
    Recursor,
    Kresd,
}

impl Kind {
    fn of(name: &str) -> Option<Kind> {
        use Kind::*;
        let kinds = [Unbound, Nsd, Knot, Bind, Pdns, Yadifa, Gdnsd, Dnsmasq, Recursor, Kresd];
        kinds.into_iter().find(|kind| format!("{kind:?}").eq_ignore_ascii_case(name))
    }
}

#[derive(Clone, Copy)]
struct Server {
    kind: Kind,
    address: SocketAddr,
}

const LONGEST_LABEL: &str = "this-label-is-sixty-three-characters-long-which-is-what-may-be3";
const LONGEST_NAME: &str = "this-label-is-sixty-three-characters-long-which-is-what-may-be3.this-label-is-sixty-three-characters-long-which-is-what-may-be3.this-label-is-sixty-three-characters-long-which-is-what-may-be3.this-one-is-forty-eight-characters-long-for-rest";

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
    let kind = Kind::of(kind).unwrap_or_else(|| panic!("MSGPUMP_INTEROP: no zones are known for {kind:?}"));
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
    use Kind::*;
    use LookupFailure::*;
    const HOST: Expected = Ok(&["192.0.2.1", "2001:db8::1"]);
    const LEAF: Expected = Ok(&["192.0.2.20", "2001:db8::20"]);
    const WILD: Expected = Ok(&["192.0.2.9"]);
    // What a kind of server does otherwise than the others.
    let unless =
        |kinds: &[Kind], otherwise: Expected, expected| if kinds.contains(&kind) { otherwise } else { expected };
    // No server of those is given a DNAME: they do not know it.
    let without_dname = [Yadifa, Gdnsd, Dnsmasq];
    vec![
        ("host", HOST),
        ("HOST", HOST),
        ("four", Ok(&["192.0.2.4"])),
        ("six", Ok(&["2001:db8::6"])),
        ("short", Ok(&["192.0.2.5"])),
        ("never", Ok(&["192.0.2.24"])),
        ("under_score", Ok(&["192.0.2.6"])),
        ("4digits-", Ok(&["192.0.2.7"])),
        ("mixed", Ok(&["192.0.2.21"])),
        ("MIXED", Ok(&["192.0.2.21"])),
        ("oddALIAS", Ok(&["192.0.2.21"])),
        (LONGEST_LABEL, Ok(&["192.0.2.23"])),
        (LONGEST_NAME, Ok(&["192.0.2.25"])),
        ("alias", HOST),
        ("ten0", HOST),
        // These fail after about ten aliases.
        ("most", unless(&[Bind, Pdns, Recursor], Err(ServerFailure), HOST)),
        // One alias more than are followed. gdnsd and dnsmasq are not given it, nor the ring.
        ("far", unless(&[Gdnsd], Err(NotFound), Err(ServerFailure))),
        ("ring0", unless(&[Gdnsd, Dnsmasq], Err(NotFound), Err(ServerFailure))),
        ("dangling", Err(NotFound)),
        ("blank", Err(NoData)),
        // The end of the alias is asked for, of a server that does not speak for it.
        ("outside", unless(&[Unbound], Err(NotFound), unless(&[Recursor], Err(ServerFailure), Err(Refused)))),
        ("dotted", unless(&[Dnsmasq], Err(NotFound), Ok(&["192.0.2.22"]))),
        ("leaf.tree", unless(&without_dname, Err(NotFound), LEAF)),
        ("treeward", unless(&without_dname, Err(NotFound), LEAF)),
        ("treenothing", Err(NotFound)),
        ("none.tree", Err(NotFound)),
        ("tree", unless(&without_dname, Err(NotFound), Err(NoData))),
        ("x.wild", WILD),
        ("y.x.wild", WILD),
        // dnsmasq's wildcard has all that is below it and the domain itself; unbound takes no notice of a name
        // that exists only because one below it does.
        ("wild", unless(&[Dnsmasq], WILD, Err(NoData))),
        ("some.wild", unless(&[Dnsmasq], WILD, Err(NoData))),
        ("x.some.wild", Ok(&["192.0.2.11"])),
        ("y.some.wild", unless(&[Dnsmasq, Unbound], WILD, Err(NotFound))),
        // An alias of dnsmasq has one name.
        ("far.away", unless(&[Dnsmasq], Err(NotFound), HOST)),
        ("empty", Err(NoData)),
        ("below.empty", Ok(&["192.0.2.10"])),
        ("text", Err(NoData)),
        ("mail", Err(NoData)),
        ("zero", Ok(&["0.0.0.0"])),
        ("loop", Ok(&["127.0.0.1"])),
        ("mapped", Ok(&["::ffff:192.0.2.1"])),
        ("link", Ok(&["fe80::1"])),
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
    let mut wrong = Vec::new();
    for (how, config) in configs {
        let mut pump = pump(config);
        for (name, expected) in names(server.kind) {
            let found = look_up(&mut pump, HostQuery::by_name(format!("{name}.interop.test")));
            let found_addresses = found.as_ref().map(|host| sorted(&host.addresses)).map_err(LookupError::failure);
            let expected_addresses = expected.map(|addresses| addresses.iter().map(|&text| text.to_owned()).collect());
            if found_addresses != expected_addresses {
                wrong.push(format!("{name} {how}: {found_addresses:?}, not {expected_addresses:?}"));
            }
            if let Ok(host) = found {
                assert_eq!((host.source, host.incomplete), (Source::NameServer(server.address), false), "{name}");
                assert!(host.ttl.is_some_and(|ttl| ttl <= Duration::from_secs(300)), "{name}: {host:?}");
            }
        }
        assert_eq!((pump.metrics().sockets, pump.metrics().ignored_datagrams), (0, 0), "{how}");
    }
    assert!(wrong.is_empty(), "{:?}:\n{}", server.kind, wrong.join("\n"));
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
    let host = look_up(&mut pump, HostQuery::by_name("ten0.interop.test")).expect("it is in the zone");
    let expected: Vec<String> = (0..10).map(|number| format!("ten{number}.interop.test")).collect();
    assert_eq!((host.canonical_name.as_str(), host.aliases), ("host.interop.test", expected));
}

/// By datagram hardly a server sends them whole: they are asked for again by stream. YADIFA does, however long they are.
#[test]
fn names_with_many_addresses() {
    let Some(server) = server() else { return };
    let big = (1..=BIG_ADDRESSES).map(|last| IpAddr::from([10, 0, 0, last as u8]));
    let bigsix = (1..=BIG_ADDRESSES).map(|last| IpAddr::from([0x2001, 0xdb8, 0xb, 0, 0, 0, 0, last as u16]));
    let huge = (0..HUGE_ADDRESSES).map(|number| IpAddr::from([10, 1, (number / 250) as u8, (number % 250) as u8]));
    let sets: [(&str, Vec<IpAddr>); 3] =
        [("big", big.collect()), ("bigsix", bigsix.collect()), ("huge", huge.collect())];
    for edns in [true, false] {
        let mut pump = pump(config(server).with_edns(edns));
        for (name, all) in &sets {
            let found = look_up(&mut pump, HostQuery::by_name(format!("{name}.interop.test")));
            let mut addresses = found.unwrap_or_else(|error| panic!("{name}: {error}")).addresses;
            addresses.sort();
            assert_eq!(&addresses, all, "{name}");
        }
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
        // They say that recursion is available: who says so and has nothing means that there is nothing.
        Kind::Unbound | Kind::Kresd => LookupFailure::NoData,
        Kind::Dnsmasq => LookupFailure::NotFound,
        _ => LookupFailure::ServerFailure,
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
