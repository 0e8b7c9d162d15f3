//! What happens to lookups and connects when the cable, the addresses and the routes change.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use msgpump::{Connect, ConnectFailure, LookupFailure, ResolverConfig, Source};

use crate::far::{BIG_ADDRESSES, ECHO_PORT};
use crate::stage::*;

/// A scenario leaves the stage as it found it.
type Scenario = fn(&mut Stage);

pub const ALL: &[(&str, Scenario)] = &[
    ("everything-in-order", everything_in_order),
    ("link-down", link_down),
    ("link-down-while-lookups-wait", link_down_while_lookups_wait),
    ("link-back-while-lookups-wait", link_back_while_lookups_wait),
    ("link-back-while-a-connect-waits", link_back_while_a_connect_waits),
    ("address-change", address_change),
    ("address-change-while-lookups-wait", address_change_while_lookups_wait),
    ("no-way-for-ipv6", no_way_for_ipv6),
    ("no-ipv6-at-all", no_ipv6_at_all),
    ("no-port-is-free", no_port_is_free),
    ("port-unreachable", port_unreachable),
    ("nobody-has-the-address", nobody_has_the_address),
    ("a-router-has-no-way", a_router_has_no_way),
    ("routes-that-say-no", routes_that_say_no),
    ("servers-in-all-kinds-of-trouble", servers_in_all_kinds_of_trouble),
    ("cancelled-without-a-link", cancelled_without_a_link),
];

fn everything_in_order(_: &mut Stage) {
    let mut pump = pump(patient([far_server()]));
    let host = look_up(&mut pump, "host.test.").expect("it has an answer");
    assert_eq!(host.addresses, [IpAddr::from(FAR_V6), IpAddr::from(FAR_V4)]);
    assert_eq!(host.source, Source::NameServer(far_server()));
    let big = look_up(&mut pump, "big.test.").expect("it has an answer");
    assert_eq!(big.addresses.len(), BIG_ADDRESSES.into());
    for target in
        [format!("{FAR_V4}:{ECHO_PORT}"), format!("[{FAR_V6}]:{ECHO_PORT}"), format!("host.test.:{ECHO_PORT}")]
    {
        echo(*connect(&mut pump, &target).expect("somebody listens"), 10_000);
    }
    assert_quiet(&mut pump);
}

/// Who has no way is told so at once, and who asks again once there is one gets an answer: of the same pump.
fn link_down(_: &mut Stage) {
    let mut pump = pump(patient([far_server()]));
    ip("link set near down");
    for _ in 0..3 {
        let error = look_up(&mut pump, "host.test.").unwrap_err();
        assert_eq!((error.failure(), error.server()), (LookupFailure::NetworkDown, Some(far_server())), "{error}");
        let error = connect(&mut pump, &format!("{FAR_V4}:{ECHO_PORT}")).unwrap_err();
        assert_eq!((error.failure(), error.kind()), (&ConnectFailure::AllFailed, ErrorKind::NetworkUnreachable));
        let error = connect(&mut pump, &format!("host.test.:{ECHO_PORT}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{error}");
    }
    ip("link set near up");
    wait_for_an_answer(&mut pump);
    echo(*connect(&mut pump, &format!("host.test.:{ECHO_PORT}")).expect("somebody listens"), 100);
    assert_quiet(&mut pump);
}

/// Looks a name up again and again until the network works.
fn wait_for_an_answer(pump: &mut msgpump::Pump<()>) {
    let end = Instant::now() + PATIENCE;
    while let Err(error) = look_up(pump, "host.test.") {
        assert!(Instant::now() < end, "the network does not come back: {error}");
        turn(pump);
    }
}

/// Those that wait for an answer are not told, and the next question is: they end with that.
fn link_down_while_lookups_wait(stage: &mut Stage) {
    let mut pump = pump(ResolverConfig::new([far_server()]).with_timeout(Duration::from_millis(300)).with_attempts(3));
    let (before, _) = (stage.far.asked(), stage.far.be_silent(true));
    let lookups: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.test."))).collect();
    stage.wait_until_asked(&mut pump, before, 40);
    ip("link set near down");
    for lookup in lookups {
        let error = lookup_outcome(&mut pump, lookup).unwrap_err();
        assert!(matches!(error.failure(), LookupFailure::TimedOut | LookupFailure::NetworkDown), "{error}");
    }
    ip("link set near up");
    stage.far.be_silent(false);
    wait_for_an_answer(&mut pump);
    assert_quiet(&mut pump);
}

/// The link is back before the next question: the lookups never learn that it was away.
fn link_back_while_lookups_wait(stage: &mut Stage) {
    let mut pump = pump(ResolverConfig::new([far_server()]).with_timeout(Duration::from_secs(4)).with_attempts(5));
    let (before, _) = (stage.far.asked(), stage.far.be_silent(true));
    let lookups: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.test."))).collect();
    stage.wait_until_asked(&mut pump, before, 40);
    ip("link set near down");
    ip("link set near up");
    stage.far.be_silent(false);
    for lookup in lookups {
        let host = lookup_outcome(&mut pump, lookup).expect("it is asked again");
        assert!(host.addresses.contains(&FAR_V4.into()), "{host:?}");
    }
    assert_quiet(&mut pump);
}

/// The other end is pulled, so that nothing here tells: the system asks again and again, until somebody is there.
fn link_back_while_a_connect_waits(stage: &mut Stage) {
    let mut pump = pump(patient([far_server()]));
    // Were the neighbour forgotten, the system would tell that nobody is there.
    ip("neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:99 dev near nud permanent");
    let waiting = start_connect(&mut pump, Connect::to(format!("{FAR_V4}:{ECHO_PORT}")).deadline(2 * PATIENCE));
    for _ in 0..20 {
        turn(&mut pump);
    }
    assert!(pump.next_message().is_none(), "nobody can have answered");
    ip("neighbour del 10.9.0.2 dev near");
    stage.far_ip("link set far down");
    stage.far_ip("link set far up");
    echo(*connect_outcome(&mut pump, waiting).expect("somebody listens"), 100);
    assert_quiet(&mut pump);
}

fn address_change(_: &mut Stage) {
    let mut pump = pump(patient([far_server()]));
    for last in [1, 3, 4, 1] {
        ip("address flush dev near scope global");
        ip(&format!("address add 10.9.0.{last}/24 dev near"));
        ip("address add 2001:db8:9::1/64 dev near nodad");
        look_up(&mut pump, "host.test.").expect("it has an answer");
        let connection = *connect(&mut pump, &format!("{FAR_V4}:{ECHO_PORT}")).expect("somebody listens");
        let here = connection.stream.local_addr().expect("it is connected").ip();
        assert_eq!(here, IpAddr::from([10, 9, 0, last]));
        echo(connection, 100);
    }
    assert_quiet(&mut pump);
}

/// The answers go to an address that is here no more, and each lookup asks again from the new one.
fn address_change_while_lookups_wait(stage: &mut Stage) {
    let mut pump = pump(ResolverConfig::new([far_server()]).with_timeout(Duration::from_secs(4)).with_attempts(5));
    let (before, _) = (stage.far.asked(), stage.far.be_silent(true));
    let lookups: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.test."))).collect();
    stage.wait_until_asked(&mut pump, before, 40);
    ip("address add 10.9.0.3/24 dev near");
    ip("address del 10.9.0.1/24 dev near");
    stage.far.be_silent(false);
    for lookup in lookups {
        lookup_outcome(&mut pump, lookup).expect("it is asked again");
    }
    ip("address flush dev near scope global");
    ip(&format!("address add {NEAR_V4}/24 dev near"));
    ip("address add 2001:db8:9::1/64 dev near nodad");
    assert_quiet(&mut pump);
}

/// Addresses without a way are last, and a connect does not wait for them.
fn no_way_for_ipv6(_: &mut Stage) {
    let mut pump = pump(patient([far_server()]));
    ip("address del 2001:db8:9::1/64 dev near");
    let host = look_up(&mut pump, "host.test.").expect("it has an answer");
    assert_eq!(host.addresses, [IpAddr::from(FAR_V4), IpAddr::from(FAR_V6)]);
    let connection = connect(&mut pump, &format!("host.test.:{ECHO_PORT}")).expect("somebody listens");
    assert_eq!(connection.peer, SocketAddr::from((FAR_V4, ECHO_PORT)));
    let error = connect(&mut pump, &format!("[{FAR_V6}]:{ECHO_PORT}")).unwrap_err();
    assert_eq!(error.failure(), &ConnectFailure::AllFailed);
    ip("address add 2001:db8:9::1/64 dev near nodad");
    let host = look_up(&mut pump, "host.test.").expect("it has an answer");
    assert_eq!(host.addresses, [IpAddr::from(FAR_V6), IpAddr::from(FAR_V4)]);
    assert_quiet(&mut pump);
}

/// Not even `::1` is an address of the machine.
fn no_ipv6_at_all(_: &mut Stage) {
    let mut pump = pump(patient([far_server()]));
    let here = |pump: &mut msgpump::Pump<()>| look_up(pump, "localhost").expect("it is always known").addresses;
    let (v4, v6) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
    assert_eq!(here(&mut pump), [v6, v4]);
    switch_ipv6("1");
    assert_eq!(here(&mut pump), [v4, v6]);
    let mapped = SocketAddr::from((FAR_V4.to_ipv6_mapped(), 53));
    look_up(&mut self::pump(patient([mapped])), "host.test.").expect("it is an address of IPv4");
    switch_ipv6("0");
    ip("address add 2001:db8:9::1/64 dev near nodad");
    assert_eq!(here(&mut pump), [v6, v4]);
    assert_quiet(&mut pump);
}

/// Other programs have all the ports that the system gives out: who asks waits in line, as without descriptors.
fn no_port_is_free(_: &mut Stage) {
    const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
    let usual = fs::read_to_string(RANGE).expect("it is this network's own");
    fs::write(RANGE, "61000 61001").expect("it is this network's own");
    let mut pump = pump(patient([far_server()]));
    let lookups: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.test."))).collect();
    for lookup in lookups {
        let host = lookup_outcome(&mut pump, lookup).expect("a port is free again");
        assert_eq!(host.addresses.len(), 2, "{host:?}");
    }
    fs::write(RANGE, usual).expect("it is this network's own");
    assert_quiet(&mut pump);
}

/// The machine is there, and says that nobody listens: by ICMP to a datagram, by a reset to a connect.
fn port_unreachable(_: &mut Stage) {
    let closed = |last: u16| SocketAddr::from((FAR_V4, 5300 + last));
    let mut alone = pump(patient([closed(0)]));
    let error = look_up(&mut alone, "host.test.").unwrap_err();
    assert_eq!((error.failure(), error.server()), (LookupFailure::NetworkDown, Some(closed(0))), "{error}");
    assert_quiet(&mut alone);
    let mut by_stream = pump(patient([closed(0)]).with_tcp(true));
    let error = look_up(&mut by_stream, "host.test.").unwrap_err();
    assert_eq!(error.failure(), LookupFailure::NetworkDown, "{error}");
    let mut pump = pump(patient([closed(0), closed(1), far_server()]));
    let host = look_up(&mut pump, "host.test.").expect("the last one answers");
    assert_eq!(host.source, Source::NameServer(far_server()));
    let error = connect(&mut pump, &format!("{FAR_V4}:8")).unwrap_err();
    assert_eq!((error.failure(), error.kind()), (&ConnectFailure::AllFailed, ErrorKind::ConnectionRefused));
    let error = connect(&mut pump, "host.test.:8").unwrap_err();
    assert_eq!((error.attempts().len(), error.kind()), (2, ErrorKind::ConnectionRefused), "{error}");
    assert_quiet(&mut pump);
}

/// No machine says that it has the address. The system finds out, and tells.
fn nobody_has_the_address(_: &mut Stage) {
    for nobody in ["10.9.0.77:53", "[::ffff:10.9.0.78]:53", "[2001:db8:9::77]:53"] {
        let nobody: SocketAddr = nobody.parse().expect("an address");
        assert_passed_over_at_once(nobody);
        let error = connect(&mut pump(patient([far_server()])), &nobody.to_string()).unwrap_err();
        assert_eq!(
            (error.failure(), error.kind()),
            (&ConnectFailure::AllFailed, ErrorKind::HostUnreachable),
            "{error}"
        );
    }
}

/// There is a way to a router, and the router has none: it says so in three ways, of which one tells of a network and two
/// of a host.
fn a_router_has_no_way(stage: &mut Stage) {
    for (behind, by, network) in
        [("10.6.0.1:53", "10.9.0.2", "10.6.0.0/16"), ("[2001:db8:6::1]:53", "2001:db8:9::2", "2001:db8:6::/48")]
    {
        ip(&format!("route add {network} via {by}"));
        assert_passed_over_at_once(behind.parse().expect("an address"));
        for kind in ["unreachable", "prohibit"] {
            stage.far_ip(&format!("route add {kind} {network}"));
            assert_passed_over_at_once(behind.parse().expect("an address"));
            stage.far_ip(&format!("route del {kind} {network}"));
        }
        ip(&format!("route del {network} via {by}"));
    }
}

/// Asks a server that is out of reach: alone, and many times before one that answers.
fn assert_passed_over_at_once(server: SocketAddr) {
    let mut alone = pump(patient([server]));
    let error = look_up(&mut alone, "host.test.").unwrap_err();
    let asked = SocketAddr::new(server.ip().to_canonical(), server.port());
    assert_eq!((error.failure(), error.server()), (LookupFailure::NetworkDown, Some(asked)), "{error}");
    assert_quiet(&mut alone);
    let mut pump = pump(patient([server, far_server()]));
    let lookups: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.test."))).collect();
    for lookup in lookups {
        let host = lookup_outcome(&mut pump, lookup).expect("the second one answers");
        assert_eq!((host.source, host.addresses.len()), (Source::NameServer(far_server()), 2), "{server}");
    }
    assert_quiet(&mut pump);
}

/// A route may refuse: the call that would send says so, in four ways.
fn routes_that_say_no(_: &mut Stage) {
    for kind in ["unreachable", "prohibit", "blackhole", "throw"] {
        ip(&format!("route add {kind} 10.8.0.0/16"));
        let behind: SocketAddr = ([10, 8, 0, 1], 53).into();
        let mut alone = pump(patient([behind]));
        let error = look_up(&mut alone, "host.test.").unwrap_err();
        assert_eq!(error.failure(), LookupFailure::NetworkDown, "{kind}: {error}");
        let mut pump = pump(patient([behind, far_server()]));
        let host = look_up(&mut pump, "host.test.").expect("the second one answers");
        assert_eq!(host.source, Source::NameServer(far_server()), "{kind}");
        let error = connect(&mut pump, "10.8.0.1:7").unwrap_err();
        assert_eq!(error.failure(), &ConnectFailure::AllFailed, "{kind}: {error}");
        assert_quiet(&mut pump);
        ip(&format!("route del {kind} 10.8.0.0/16"));
    }
}

/// Each way to be told, one after the other, and then an answer.
fn servers_in_all_kinds_of_trouble(_: &mut Stage) {
    ip("route add unreachable 10.8.0.0/16");
    let servers: [SocketAddr; 4] =
        [([10, 8, 0, 1], 53).into(), (FAR_V4, 5300).into(), ([10, 7, 0, 1], 53).into(), far_server()];
    let mut pump = pump(patient(servers));
    let lookups: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.test."))).collect();
    for lookup in lookups {
        let host = lookup_outcome(&mut pump, lookup).expect("the last one answers");
        assert_eq!(host.source, Source::NameServer(far_server()));
    }
    ip("route del unreachable 10.8.0.0/16");
    assert_quiet(&mut pump);
}

/// Whatever the network says of what was cancelled, before and after, nobody hears it.
fn cancelled_without_a_link(stage: &mut Stage) {
    let mut pump = pump(ResolverConfig::new([far_server()]).with_timeout(Duration::from_millis(300)).with_attempts(3));
    let (before, _) = (stage.far.asked(), stage.far.be_silent(true));
    let mut all: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.test."))).collect();
    stage.wait_until_asked(&mut pump, before, 40);
    ip("link set near down");
    // Some that fail at once, some that are refused, some that nobody answers.
    all.extend((0..20).map(|number| start_lookup(&mut pump, &format!("later{number}.test."))));
    all.extend((0..20).map(|_| start_connect(&mut pump, Connect::to(format!("{FAR_V4}:{ECHO_PORT}")))));
    turn(&mut pump);
    ip("link set near up");
    all.extend((0..20).map(|_| start_connect(&mut pump, Connect::to(format!("{FAR_V4}:8")))));
    for operation in all {
        pump.cancel(operation);
    }
    stage.far.be_silent(false);
    // An answer to a lookup of later: what came for the others came before it.
    wait_for_an_answer(&mut pump);
    assert_quiet(&mut pump);
}
