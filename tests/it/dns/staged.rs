//! Rare circumstances of lookups, on a virtual clock.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use msgpump::simulation::{Act, NameServer, Simulation};
use msgpump::{Budget, Family, HostQuery, LookupFailure, Pump, ResolverConfig, Rest, Settings, Source, StartRefusal};

use crate::support::wire::{A, AAAA};
use crate::support::{addresses, look_up, outcome, start};

fn address(last: u8) -> SocketAddr {
    ([192, 0, 2, last], 53).into()
}

fn pump(simulation: &Simulation, config: ResolverConfig) -> Pump<()> {
    simulation.pump(Settings::default().resolver(config).expect("the configuration is within its limits"))
}

fn v4(name: &str) -> HostQuery {
    HostQuery::by_name(name).family(Family::V4)
}

/// What a server said that was of no use is no part of the answer that another one gives.
#[test]
fn aliases_that_led_nowhere_are_forgotten() {
    let simulation = Simulation::new(1);
    simulation.name_server(address(53), NameServer::new().alias("a.test", "b.test").alias("b.test", "a.test"));
    let zone = NameServer::new().alias("a.test", "b.test").host("b.test", ["192.0.2.1"]);
    simulation.name_server(address(54), zone);
    let mut pump = pump(&simulation, ResolverConfig::new([address(53), address(54)]));
    let lookup = start(&mut pump, v4("a.test"));
    let host = outcome(&mut pump, lookup).expect("the second server knows it");
    assert_eq!((host.canonical_name.as_str(), host.aliases.as_slice()), ("b.test", &["a.test".to_owned()][..]));
}

/// As in a panel of settings: what is set counts from the next lookup on, and the machine's own can be had back.
#[test]
fn the_resolver_is_set_anew_while_lookups_run() {
    let simulation = Simulation::new(1);
    for (last, name) in [(53, "machine.test"), (54, "set.test")] {
        simulation
            .name_server(address(last), NameServer::new().host(name, ["192.0.2.1"]).latency(Duration::from_secs(1)));
    }
    simulation.write_file("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    let mut pump = simulation.pump::<()>(Settings::default());
    let early = start(&mut pump, v4("machine.test"));
    pump.set_resolver(ResolverConfig::new([address(54)])).expect("it is within its limits");
    outcome(&mut pump, early).expect("it is answered by the server that it was put to");
    look_up(&mut pump, "set.test").expect("the server that was set knows it");
    // Refused, so what was goes on; and the file counts no more, changed or not.
    pump.set_resolver(ResolverConfig::new([address(53)]).with_attempts(9)).expect_err("so often nobody is asked");
    simulation.write_file("/etc/resolv.conf", "nameserver 192.0.2.53\n# changed\n");
    simulation.advance(Duration::from_secs(2));
    assert_eq!(pump.resolver_config().servers(), [address(54)]);
    pump.set_resolver(None).expect("the machine's own configuration is within its limits");
    look_up(&mut pump, "machine.test").expect("the machine's own server knows it");
}

/// Who stands in line because few may be asked at a time goes on when more may.
#[test]
fn a_larger_limit_moves_the_line() {
    let simulation = Simulation::new(1);
    let deaf = NameServer::new().host("b.test", ["192.0.2.2"]).then(Act::Drop);
    simulation.name_server(address(53), deaf);
    let config = ResolverConfig::new([address(53)]).with_lookups_in_flight_max(1);
    let mut pump = pump(&simulation, config.clone());
    let (_held, waiting) = (start(&mut pump, v4("a.test")), start(&mut pump, v4("b.test")));
    assert_eq!(pump.metrics().lookups_in_line, 1);
    pump.set_resolver(config.with_lookups_in_flight_max(2)).expect("it is within its limits");
    outcome(&mut pump, waiting).expect("the server answers");
    assert!(simulation.elapsed() < Duration::from_secs(1), "{:?}", simulation.elapsed());
}

/// A lookup that began before the configuration changed says nothing about the servers of the next.
#[test]
fn a_server_without_edns_is_remembered_by_its_address() {
    let simulation = Simulation::new(1);
    let slow = NameServer::new().host("a.test", ["192.0.2.1"]).latency(Duration::from_secs(3));
    simulation.name_server(address(53), slow.always(Act::RefuseEdns));
    simulation.name_server(address(54), NameServer::new().host("b.test", ["192.0.2.2"]));
    simulation.write_file("/etc/resolv.conf", "nameserver 192.0.2.53\n");
    let mut pump = simulation.pump::<()>(Settings::default());
    let early = start(&mut pump, v4("a.test"));
    simulation.advance(Duration::from_secs(2));
    simulation.write_file("/etc/resolv.conf", "nameserver 192.0.2.54\n");
    assert_eq!(pump.resolver_config().servers(), [address(54)]);
    outcome(&mut pump, early).expect("it is answered by the server that it was put to");
    look_up(&mut pump, "b.test").expect("the other server knows it");
    let asked: Vec<_> = simulation.queries().into_iter().map(|query| (query.server, query.edns)).collect();
    let expected = [(address(53), true), (address(53), false), (address(54), true), (address(54), true)];
    assert_eq!(asked, expected);
}

/// As those of a name server: what cannot be reached comes last, whatever the file says first.
#[test]
fn addresses_of_the_hosts_file_are_put_in_order() {
    let simulation = Simulation::new(1);
    let hosts = "192.0.2.1 both.test\n2001:db8::1 both.test\n127.0.0.1 here.test\n::1 here.test\nfe80::1%3 here.test\n";
    simulation.write_file("/etc/hosts", hosts);
    let mut pump = simulation.pump::<()>(Settings::default());
    let texts = |addresses: &[IpAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
    let both = look_up(&mut pump, "both.test").expect("it is in the file");
    assert_eq!(texts(&both.addresses), ["2001:db8::1", "192.0.2.1"]);
    let here = look_up(&mut pump, "here.test").expect("it is in the file");
    assert_eq!(here.addresses[0].to_string(), "::1");
    let scoped: Vec<_> = here.socket_addresses(80).filter(|address| address.to_string().contains('%')).collect();
    assert_eq!(scoped, ["[fe80::1%3]:80".parse().expect("it is an address")], "the scope stays with its address");
    simulation.cut_off(Family::V6);
    let both = look_up(&mut pump, "both.test").expect("it is in the file");
    assert_eq!(texts(&both.addresses), ["192.0.2.1", "2001:db8::1"]);
}

/// A line of the other family names another host's addresses, or this one's other names.
#[test]
fn of_one_family_only_the_lines_of_the_hosts_file_that_have_it_count() {
    let simulation = Simulation::new(1);
    let hosts = "2001:db8::1 six.test www.test v6only.test\n192.0.2.1 four.test www.test v4only.test\n";
    simulation.write_file("/etc/hosts", hosts);
    let mut pump = simulation.pump::<()>(Settings::default());
    for (family, expected) in [
        (Family::Any, "six.test: www.test v6only.test four.test v4only.test"),
        (Family::V4, "four.test: www.test v4only.test"),
        (Family::V6, "six.test: www.test v6only.test"),
    ] {
        let lookup = start(&mut pump, HostQuery::by_name("www.test").family(family));
        let host = outcome(&mut pump, lookup).expect("it is in the file");
        assert_eq!(format!("{}: {}", host.canonical_name, host.aliases.join(" ")), expected, "{family:?}");
    }
}

/// While the hosts file is indexed, nobody knows yet who will have to stand in line.
#[test]
fn the_line_has_an_end_while_the_hosts_file_is_indexed() {
    let simulation = Simulation::new(1);
    simulation.write_file("/etc/hosts", "192.0.2.9 filed.test\n".repeat(5_000));
    simulation.name_server(address(53), NameServer::new());
    let config = ResolverConfig::new([address(53)]).with_lookups_in_flight_max(2).with_waiting_max(3);
    let mut pump = pump(&simulation, config);
    let window = pump.root_window();
    let lookups: Vec<_> = (0..5).map(|number| start(&mut pump, v4(&format!("host{number}.test")))).collect();
    let error = pump.lookup_host(window, v4("one.too.many.test")).expect_err("five have places");
    assert_eq!(error.refusal, StartRefusal::Full);
    pump.cancel(lookups[0]);
    let last = start(&mut pump, v4("filed.test"));
    outcome(&mut pump, last).expect("the file knows it");
    for &lookup in &lookups[1..] {
        outcome(&mut pump, lookup).expect_err("nobody knows it");
    }
}

/// The patience with the second family ends also where there is no descriptor to ask for it.
#[test]
fn half_an_answer_is_told_without_a_descriptor() {
    let simulation = Simulation::new(1);
    let zone = NameServer::new().host("a.test", ["192.0.2.1", "2001:db8::1"]);
    simulation.name_server(address(53), zone.then(Act::Answer).then(Act::Truncate));
    let config = ResolverConfig::new([address(53)]).with_family_patience(Duration::from_secs(2));
    let mut pump = pump(&simulation, config);
    let lookup = start(&mut pump, HostQuery::by_name("a.test"));
    simulation.limit_descriptors(0);
    let host = outcome(&mut pump, lookup).expect("one family is known");
    assert!(host.incomplete && host.addresses.len() == 1, "{host:?}");
    assert!(simulation.elapsed() < Duration::from_secs(3), "{:?}", simulation.elapsed());
}

/// As when the patience with the second family ends: what is known is told, not thrown away.
#[test]
fn half_an_answer_is_told_at_the_deadline() {
    let simulation = Simulation::new(1);
    let zone = NameServer::new().host("a.test", ["192.0.2.1", "2001:db8::1"]);
    simulation.name_server(address(53), zone.then(Act::Answer).then(Act::Drop));
    let limit = Duration::from_secs(1);
    let mut pump = pump(&simulation, ResolverConfig::new([address(53)]).with_deadline(Some(limit)));
    let lookup = start(&mut pump, HostQuery::by_name("a.test"));
    let host = outcome(&mut pump, lookup).expect("one family is known");
    assert!(host.incomplete && host.addresses.len() == 1, "{host:?}");
    assert_eq!((simulation.elapsed(), simulation.open_sockets()), (limit, 0));
}

/// The time it takes to index the hosts file is part of the lookup's.
#[test]
fn a_deadline_counts_from_the_start_of_the_lookup() {
    let simulation = Simulation::new(1);
    simulation.write_file("/etc/hosts", "192.0.2.9 filed.test\n".repeat(5_000));
    simulation.name_server(address(53), NameServer::new().always(Act::Drop));
    let limit = Duration::from_secs(1);
    let mut pump = pump(&simulation, ResolverConfig::new([address(53)]).with_deadline(Some(limit)));
    let lookup = start(&mut pump, v4("a.test"));
    while simulation.queries().is_empty() {
        simulation.advance(Duration::from_millis(150));
        pump.turn(Budget::no_wait()).expect("the stage does not fail");
    }
    let error = outcome(&mut pump, lookup).expect_err("nobody answers");
    assert_eq!((error.failure(), error.elapsed()), (LookupFailure::TimedOut, limit));
}

/// `no-reload` holds for a file that has been read, not for one that nobody has looked at.
#[test]
fn a_configuration_that_forbids_reading_again_gives_way_to_the_machines_own() {
    let simulation = Simulation::new(1);
    simulation.write_file("/etc/resolv.conf", "nameserver 192.0.2.53\noptions no-reload\n");
    let mut pump = simulation.pump::<()>(Settings::default());
    let machine = pump.resolver_config().clone();
    pump.set_resolver(machine.clone().with_attempts(1)).expect("it is within its limits");
    pump.set_resolver(None).expect("the machine's own configuration is within its limits");
    assert_eq!(pump.resolver_config(), &machine);
    assert_eq!(pump.name_files()[3].report.entries, 2);
    simulation.write_file("/etc/resolv.conf", "nameserver 192.0.2.54\n");
    simulation.advance(Duration::from_secs(2));
    assert_eq!(pump.resolver_config(), &machine, "it is not read again by itself");
    pump.set_resolver(None).expect("the machine's own configuration is within its limits");
    assert_eq!(pump.resolver_config().servers(), [address(54)], "who asks for it has it read");
}

/// Each of several pumps on one stage is told of its own sockets, whoever waits first.
#[test]
fn pumps_on_one_stage_leave_each_other_their_answers() {
    let simulation = Simulation::new(1);
    simulation.name_server(address(53), NameServer::new().host("a.test", ["192.0.2.1"]));
    let mut pumps = [(); 2].map(|()| pump(&simulation, ResolverConfig::new([address(53)])));
    let lookups = pumps.each_mut().map(|pump| start(pump, v4("a.test")));
    for (pump, lookup) in pumps.iter_mut().zip(lookups) {
        outcome(pump, lookup).expect("the server answers");
    }
    assert!(simulation.elapsed() < Duration::from_secs(1), "{:?}", simulation.elapsed());
}

/// To find the way to an address costs a system call or two: a long answer must not hold up a frame.
#[test]
fn of_a_long_answer_the_first_addresses_are_put_in_order() {
    let simulation = Simulation::new(1);
    // Its scope differs from that of the way to it, so it is worth the least (RFC 6724 section 6, rule 2).
    let listed: Vec<_> =
        (0..70).map(|last| format!("{}.{last}", if last == 0 { "169.254.1" } else { "10.0.0" })).collect();
    let zone = NameServer::new().host("a.test", listed.iter().map(String::as_str));
    simulation.name_server(address(53), zone);
    let mut pump = pump(&simulation, ResolverConfig::new([address(53)]));
    let host = look_up(&mut pump, "a.test").expect("the server knows it");
    let mut expected = listed;
    expected[..64].rotate_left(1);
    assert_eq!(addresses(&host), expected);
}

/// An IPv4 address in its IPv6 form is the same host, in the hosts file as for the name servers.
#[test]
fn a_mapped_address_is_found_in_the_hosts_file() {
    let simulation = Simulation::new(1);
    simulation.write_file("/etc/hosts", "192.0.2.9 filed.test\n");
    let mut pump = simulation.pump::<()>(Settings::default());
    let mapped: IpAddr = "::ffff:192.0.2.9".parse().expect("it is an address");
    let lookup = start(&mut pump, HostQuery::by_address(mapped));
    let host = outcome(&mut pump, lookup).expect("the file knows it");
    assert_eq!((host.canonical_name.as_str(), host.addresses.as_slice()), ("filed.test", &[mapped][..]));
}

/// The other way round as well: the file may have the IPv6 form, and who wants IPv4 gets the address in it.
#[test]
fn a_mapped_address_of_the_hosts_file_is_an_ipv4_address() {
    let simulation = Simulation::new(1);
    simulation.write_file("/etc/hosts", "::ffff:192.0.2.9 filed.test\n192.0.2.9 again.test filed.test\n");
    let mut pump = simulation.pump::<()>(Settings::default());
    let (plain, mapped) = ("192.0.2.9", "::ffff:192.0.2.9");
    for (name, family, expected) in [
        ("filed.test", Family::V4, &[plain][..]),
        ("filed.test", Family::V6, &[mapped]),
        ("filed.test", Family::Any, &[mapped, plain]),
        (mapped, Family::V4, &[plain]),
        (mapped, Family::Any, &[mapped]),
    ] {
        let lookup = start(&mut pump, HostQuery::by_name(name).family(family));
        let host = outcome(&mut pump, lookup).expect("the file or the text knows it");
        assert_eq!(addresses(&host), expected, "{name} {family:?}");
        assert!(host.socket_addresses(80).all(|address| family.includes(address.ip())));
    }
    for address in [plain, mapped].map(|text| text.parse::<IpAddr>().expect("it is an address")) {
        let lookup = start(&mut pump, HostQuery::by_address(address));
        let host = outcome(&mut pump, lookup).expect("the file knows it");
        assert_eq!((host.canonical_name.as_str(), host.addresses.as_slice()), ("filed.test", &[address][..]));
    }
}

/// Editors of Windows put a mark before the first line, which is the one that counts most.
#[test]
fn a_byte_order_mark_costs_no_file_its_first_line() {
    let simulation = Simulation::new(1);
    for (path, line) in [
        ("/etc/hosts", "192.0.2.9 filed.test"),
        ("/etc/services", "filed 4711/tcp"),
        ("/etc/protocols", "filed 200"),
        ("/etc/resolv.conf", "nameserver 192.0.2.53"),
    ] {
        simulation.write_file(path, format!("\u{feff}{line}\r\n"));
    }
    let mut pump = simulation.pump::<()>(Settings::default());
    for file in pump.name_files() {
        assert_eq!((file.report.entries, file.report.lines_skipped), (1, 0), "{}", file.path.display());
    }
    assert_eq!(pump.resolver_config().servers(), [address(53)]);
    assert_eq!(addresses(&look_up(&mut pump, "filed.test").expect("the file knows it")), ["192.0.2.9"]);
}

/// Where IPv6 is off, what only tries the first address must not be given `::1`.
#[test]
fn localhost_is_put_in_order_as_other_hosts_are() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<()>(Settings::default());
    assert_eq!(addresses(&look_up(&mut pump, "localhost").expect("it is always known")), ["::1", "127.0.0.1"]);
    simulation.cut_off(Family::V6);
    assert_eq!(addresses(&look_up(&mut pump, "localhost").expect("it is always known")), ["127.0.0.1", "::1"]);
}

/// Sockets that are ready turn after turn leave the posts of other threads a share of each.
#[test]
fn ready_sockets_starve_no_posts() {
    let simulation = Simulation::new(1);
    simulation.name_server(address(53), NameServer::new().host("a.test", ["192.0.2.1"]));
    let mut pump = pump(&simulation, ResolverConfig::new([address(53)]));
    for number in 0..20 {
        start(&mut pump, v4(&format!("host{number}.test")));
    }
    let (window, poster) = (pump.root_window(), pump.poster());
    (0..10).for_each(|_| poster.post(window, ()).expect("there is room"));
    simulation.advance(Duration::from_millis(2));
    for turn in 1..=10 {
        let taken_over = pump.turn(Budget::no_wait().messages(2)).expect("the stage's wait works").taken_over;
        assert_eq!(taken_over, 2);
        let posts = pump.next_posted(|()| true).into_iter().count();
        assert_eq!(posts, 1, "turn {turn}");
    }
}

/// Whoever must not miss a frame gives a turn a time. That it is over is seen after a few sockets, each of which may have
/// had many datagrams.
#[test]
fn a_turn_without_time_works_on_sixteen_sockets() {
    let simulation = Simulation::new(1);
    simulation.name_server(address(53), NameServer::new());
    let mut pump = pump(&simulation, ResolverConfig::new([address(53)]));
    for number in 0..40 {
        start(&mut pump, v4(&format!("host{number}.test")));
    }
    simulation.advance(Duration::from_millis(2));
    for expected in [(16, true), (16, true), (8, false)] {
        let turn = pump.turn(Budget::no_wait().time(Duration::ZERO)).expect("the stage's wait works");
        assert_eq!((turn.taken_over, turn.more), expected);
    }
}

/// A long line that moves fast, because there is no way to any server, does not hold a turn up.
#[test]
fn of_a_line_without_a_network_each_turn_ends_a_part() {
    const MOVES_PER_TURN_MAX: usize = 256;
    let simulation = Simulation::new(1);
    simulation.name_server(address(53), NameServer::new().always(Act::Drop));
    let mut pump = pump(&simulation, ResolverConfig::new([address(53)]).with_lookups_in_flight_max(1));
    let first = start(&mut pump, v4("first.test"));
    for number in 0..1000 {
        start(&mut pump, v4(&format!("host{number}.test")));
    }
    simulation.cut_off(Family::V4);
    pump.cancel(first);
    let mut ended = 0;
    for _ in 0..4 {
        assert_eq!(pump.rest(), Rest::Until(simulation.now()), "the line moves without waiting");
        pump.turn(Budget::no_wait()).expect("the stage's wait works");
        let ending = std::iter::from_fn(|| pump.next_message()).count();
        assert!((1..=MOVES_PER_TURN_MAX).contains(&ending), "{ending}");
        ended += ending;
    }
    assert_eq!((ended, pump.rest()), (1000, Rest::Forever));
}

/// That a server cannot be reached is told before an answer that came earlier, which counts all the same: the error may
/// be about the other question, or forged.
#[test]
fn an_answer_that_came_with_an_error_is_an_answer() {
    let simulation = Simulation::new(1);
    let zone = || NameServer::new().host("a.test", ["192.0.2.1", "2001:db8::1"]);
    simulation.name_server(address(53), zone().then(Act::Reset).then(Act::Answer));
    simulation.name_server(address(54), zone());
    let mut pump = pump(&simulation, ResolverConfig::new([address(53), address(54)]));
    let host = look_up(&mut pump, "a.test").expect("the second server knows it");
    assert_eq!((host.addresses.len(), host.incomplete), (2, false));
    let asked: Vec<_> = simulation.queries().iter().map(|query| (query.server, query.record_type)).collect();
    assert_eq!(asked, [(address(53), AAAA), (address(53), A), (address(54), AAAA)]);
}

/// The program was busy while the answers came, and takes them over bit by bit: they are there, whatever the time is.
#[test]
fn an_answer_that_came_in_time_counts_however_late_it_is_taken_over() {
    let deadlines = [None, Some(Duration::from_secs(7))];
    for (budget, deadline) in [Budget::no_wait().messages(1), Budget::no_wait().time(Duration::ZERO)]
        .into_iter()
        .flat_map(|budget| deadlines.map(|deadline| (budget, deadline)))
    {
        let simulation = Simulation::new(1);
        let zone =
            (0..40).fold(NameServer::new(), |zone, number| zone.host(&format!("host{number}.test"), ["192.0.2.1"]));
        simulation.name_server(address(53), zone);
        let config = ResolverConfig::new([address(53)]).with_attempts(1).with_deadline(deadline);
        let mut pump = pump(&simulation, config);
        let lookups: Vec<_> = (0..40).map(|number| start(&mut pump, v4(&format!("host{number}.test")))).collect();
        simulation.advance(Duration::from_secs(10));
        while pump.turn(budget).expect("the stage's wait works").more {}
        for lookup in lookups {
            outcome(&mut pump, lookup).expect("the answer came after a millisecond");
        }
        assert_eq!((simulation.queries().len(), simulation.open_sockets()), (40, 0), "each is asked once");
    }
}

/// Whose turn it is to be asked first is forgotten with the configuration that has them take turns.
#[test]
fn who_is_asked_first_is_the_first_again_once_servers_take_no_turns() {
    let simulation = Simulation::new(1);
    let servers = [53, 54, 55].map(address);
    for server in servers {
        simulation.name_server(server, NameServer::new().host("a.test", ["192.0.2.1"]));
    }
    let config = ResolverConfig::new(servers);
    let mut pump = pump(&simulation, config.clone().with_rotate(true));
    let ask = |pump: &mut Pump<()>| {
        let lookup = start(pump, v4("a.test"));
        outcome(pump, lookup).expect("each server knows it").source
    };
    assert_eq!([(); 4].map(|()| ask(&mut pump)), [0, 1, 2, 0].map(|index: usize| Source::NameServer(servers[index])));
    pump.set_resolver(config).expect("it is within its limits");
    assert_eq!([(); 2].map(|()| ask(&mut pump)), [Source::NameServer(servers[0]); 2]);
}

/// An act of a script is done once, by stream as by datagram.
#[test]
fn a_scripted_refusal_of_a_stream_is_over_after_one() {
    let simulation = Simulation::new(1);
    let zone = NameServer::new().host("a.test", ["192.0.2.1"]);
    simulation.name_server(address(53), zone.then(Act::Refuse).then(Act::Answer).then(Act::Refuse));
    let config = ResolverConfig::new([address(53)]).with_tcp(true).with_attempts(1);
    let mut pump = pump(&simulation, config);
    for expected in [Some(LookupFailure::NetworkDown), None, Some(LookupFailure::NetworkDown), None, None] {
        let lookup = start(&mut pump, v4("a.test"));
        assert_eq!(outcome(&mut pump, lookup).err().map(|error| error.failure()), expected);
    }
}

/// The first server may be the only one that knows the names of a private network: that it was silent once makes no
/// other the first.
#[test]
fn each_candidate_begins_at_the_first_server() {
    let simulation = Simulation::new(1);
    simulation.name_server(address(53), NameServer::new().host("host", ["192.0.2.1"]).silent(2));
    simulation.name_server(address(54), NameServer::new());
    let config = ResolverConfig::new([address(53), address(54)]).with_search(["a.test", "b.test"]);
    let mut pump = pump(&simulation, config);
    let lookup = start(&mut pump, v4("host"));
    let host = outcome(&mut pump, lookup).expect("the first server knows it");
    assert_eq!(host.source, Source::NameServer(address(53)));
    assert_eq!(simulation.queries().len(), 5, "{:?}", simulation.queries());
}

/// Whoever answers has shown that it is there, so what it is asked then has the whole time for a server.
#[test]
fn who_must_be_asked_again_has_the_timeout_anew() {
    let simulation = Simulation::new(1);
    let slow = NameServer::new().latency(Duration::from_secs(2));
    simulation.name_server(address(53), slow.then(Act::Truncate).always(Act::Drop));
    let mut pump = pump(&simulation, ResolverConfig::new([address(53)]).with_attempts(1));
    let lookup = start(&mut pump, v4("a.test"));
    let error = outcome(&mut pump, lookup).expect_err("nobody answers by stream");
    assert_eq!((error.failure(), error.elapsed()), (LookupFailure::TimedOut, Duration::from_secs(2 + 5)));
}
