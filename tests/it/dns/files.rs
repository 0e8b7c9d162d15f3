//! The machine's files: hosts, services, protocols, the resolver's configuration; read, and replaced
//! while the pump lives.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use msgpump::{
    Budget, Family, Host, HostQuery, LookupError, LookupFailure, Payload, Protocol, ProtocolQuery, Pump, Service,
    ServiceQuery, Settings, Source,
};

use crate::support::alone::alone_with;
use crate::support::wire::Reply;
use crate::support::{Directory, NameServer, addresses, asking, look_up, outcome, settings, start, turn_until};

/// What a block list has.
const LONG_FILE_LINES: usize = 200_000;

fn pump_with(settings: Settings) -> Pump<()> {
    Pump::with_settings(settings).expect("descriptors are left")
}

fn host(pump: &mut Pump<()>, query: HostQuery) -> Result<Box<Host>, LookupError> {
    let lookup = start(pump, query);
    outcome(pump, lookup)
}

fn service(pump: &mut Pump<()>, query: ServiceQuery) -> Result<Box<Service>, LookupError> {
    let window = pump.root_window();
    pump.lookup_service(window, query).unwrap();
    match pump.next_message().expect("it is answered at once").payload {
        Payload::Service(result) => result,
        other => panic!("unexpected {:?}", other.kind()),
    }
}

fn protocol(pump: &mut Pump<()>, query: ProtocolQuery) -> Result<Box<Protocol>, LookupError> {
    let window = pump.root_window();
    pump.lookup_protocol(window, query).unwrap();
    match pump.next_message().expect("it is answered at once").payload {
        Payload::Protocol(result) => result,
        other => panic!("unexpected {:?}", other.kind()),
    }
}

const HOSTS: &str = "# comment\n\
    192.0.2.1\thost.example host alias\r\n\
    2001:db8::1  HOST.example\n\
    \n\
    192.0.2.2 four\n\
    not-an-address name\n\
    192.0.2.1 second.name # with a comment\n\
    192.0.2.1 host.example\n\
    fe80::7%1 scoped\n\
    192.0.2.3 last";

#[test]
fn the_hosts_file_comes_before_any_name_server() {
    let directory = Directory::new();
    let server = NameServer::answering(|query| Reply::with_host(query, [203, 0, 113, 1], [9; 8]));
    let config = asking([&server]);
    let settings = settings().hosts_file(directory.put("hosts", HOSTS)).resolver(config).unwrap();
    let mut pump = pump_with(settings);

    for name in ["host.example", "HOST.Example", "host.example."] {
        let found = host(&mut pump, HostQuery::by_name(name)).unwrap();
        assert_eq!((found.canonical_name.as_str(), found.source, found.ttl), ("host.example", Source::File, None));
        let mut both = addresses(&found);
        both.sort();
        assert_eq!(both, ["192.0.2.1", "2001:db8::1"], "each once, of all lines");
        assert!(found.aliases.contains(&"alias".to_owned()), "{found:?}");
    }
    let found = host(&mut pump, HostQuery::by_name("alias")).unwrap();
    assert_eq!((found.canonical_name.as_str(), addresses(&found)), ("host.example", vec!["192.0.2.1".to_owned()]));
    assert_eq!(addresses(&host(&mut pump, HostQuery::by_name("last")).unwrap()), ["192.0.2.3"]);

    for (address, name) in [("192.0.2.1", "host.example"), ("2001:db8::1", "HOST.example"), ("192.0.2.3", "last")] {
        let found = host(&mut pump, HostQuery::by_address(address.parse::<IpAddr>().unwrap())).unwrap();
        assert_eq!((found.canonical_name.as_str(), found.source), (name, Source::File));
    }
    let found = host(&mut pump, HostQuery::by_name("scoped")).unwrap();
    let expected: SocketAddr = "[fe80::7%1]:80".parse().unwrap();
    assert_eq!(found.socket_addresses(80).collect::<Vec<_>>(), [expected]);

    assert_eq!(server.asked(), 0);
    let status = &pump.name_files()[0];
    assert_eq!((status.report.entries, status.report.lines_skipped, status.report.first_skipped), (7, 1, Some(6)));
}

/// The other family is not asked of a name server, unless it alone is wanted.
#[test]
fn a_host_with_one_family_in_the_file_has_one_family() {
    let directory = Directory::new();
    let server = NameServer::answering(|query| Reply::with_host(query, [203, 0, 113, 1], [9; 8]));
    let settings = settings().hosts_file(directory.put("hosts", HOSTS)).resolver(asking([&server])).unwrap();
    let mut pump = pump_with(settings);
    assert_eq!(addresses(&look_up(&mut pump, "four").unwrap()), ["192.0.2.2"]);
    assert_eq!(server.asked(), 0);
    let found = host(&mut pump, HostQuery::by_name("four").family(Family::V6)).unwrap();
    assert_eq!(found.source, Source::NameServer(server.address()));
}

#[test]
fn the_hosts_file_may_name_a_special_host() {
    let directory = Directory::new();
    let hosts = "127.0.0.9 localhost\n192.0.2.5 printer.local\n192.0.2.6 host.invalid\n";
    let mut pump = pump_with(settings().hosts_file(directory.put("hosts", hosts)));
    for (name, address) in [("localhost", "127.0.0.9"), ("printer.local", "192.0.2.5"), ("host.invalid", "192.0.2.6")] {
        assert_eq!(addresses(&look_up(&mut pump, name).unwrap()), [address]);
    }
}

/// Looks `host` up again and again until its address is the one expected, or until it has none.
#[track_caller]
fn wait_for_host(pump: &mut Pump<()>, what: &str, expected: Option<&str>) {
    turn_until(pump, what, |pump| {
        let found = look_up(pump, "host.localhost").expect("what is below localhost is always found");
        match expected {
            Some(address) => addresses(&found) == [address],
            None => found.source == Source::SpecialName,
        }
    });
}

/// `host.localhost` has an address of its own by this file, and the loopback ones without it.
#[test]
fn a_hosts_file_may_come_change_and_go_while_the_pump_lives() {
    let directory = Directory::new();
    let mut pump = pump_with(settings().hosts_file(directory.path("hosts")));
    wait_for_host(&mut pump, "no file yet", None);
    directory.put("hosts", "192.0.2.1 host.localhost\n");
    wait_for_host(&mut pump, "a file has come", Some("192.0.2.1"));
    // Of the same length: size alone would not tell.
    directory.put("hosts", "192.0.2.2 host.localhost\n");
    wait_for_host(&mut pump, "another file is in its place", Some("192.0.2.2"));
    fs::write(directory.path("hosts"), "192.0.2.33 host.localhost\n").unwrap();
    wait_for_host(&mut pump, "it is written over", Some("192.0.2.33"));
    fs::remove_file(directory.path("hosts")).unwrap();
    wait_for_host(&mut pump, "it is removed", None);
    directory.put("hosts", "192.0.2.4 host.localhost\n");
    wait_for_host(&mut pump, "it is there again", Some("192.0.2.4"));
}

/// As where a whole directory of configuration is switched by one link.
#[cfg(unix)]
#[test]
fn a_hosts_file_may_be_a_link() {
    use std::os::unix::fs::symlink;
    let directory = Directory::new();
    directory.put("old", "192.0.2.1 host.localhost\n");
    directory.put("new", "192.0.2.2 host.localhost\n");
    symlink("old", directory.path("hosts")).unwrap();
    let mut pump = pump_with(settings().hosts_file(directory.path("hosts")));
    wait_for_host(&mut pump, "the old file", Some("192.0.2.1"));
    symlink("new", directory.path("draft")).unwrap();
    fs::rename(directory.path("draft"), directory.path("hosts")).unwrap();
    wait_for_host(&mut pump, "the new file", Some("192.0.2.2"));
}

/// What was read before still counts, and the report says what is wrong.
#[test]
fn a_file_that_cannot_be_read_leaves_what_was() {
    let directory = Directory::new();
    let hosts = directory.put("hosts", "192.0.2.1 host.localhost\n");
    let mut pump = pump_with(settings().hosts_file(&hosts));
    wait_for_host(&mut pump, "the file", Some("192.0.2.1"));
    fs::remove_file(&hosts).unwrap();
    fs::create_dir(&hosts).unwrap();
    turn_until(&mut pump, "a problem is told", |pump| pump.name_files()[0].problem.is_some());
    assert_eq!(pump.name_files()[0].path, hosts);
    wait_for_host(&mut pump, "what was", Some("192.0.2.1"));
    fs::remove_dir(&hosts).unwrap();
    directory.put("hosts", "192.0.2.2 host.localhost\n");
    wait_for_host(&mut pump, "a file again", Some("192.0.2.2"));
    assert_eq!(pump.name_files()[0].problem, None);
}

/// No turn reads all of it: between two, a frame can be drawn.
#[test]
fn a_block_list_is_read_in_slices() {
    let directory = Directory::new();
    let lines = (0..LONG_FILE_LINES).map(|number| format!("0.0.0.0 ads{number}.example\n")).collect::<String>();
    let hosts = directory.put("hosts", lines + "192.0.2.1 host.localhost\n");
    let mut pump = pump_with(settings().hosts_file(hosts));
    let lookup = start(&mut pump, HostQuery::by_name("host.localhost"));
    let mut turns = 0;
    while pump.peek_message().is_none() {
        assert!(pump.is_live(lookup));
        pump.turn(Budget::no_wait()).unwrap();
        turns += 1;
    }
    assert!((20..=LONG_FILE_LINES).contains(&turns), "{turns}");
    assert_eq!(addresses(&outcome(&mut pump, lookup).unwrap()), ["192.0.2.1"]);
    let last = format!("ADS{}.example", LONG_FILE_LINES - 1);
    assert_eq!(addresses(&look_up(&mut pump, &last).unwrap()), ["0.0.0.0"]);
    assert_eq!(pump.name_files()[0].report.entries, LONG_FILE_LINES + 1);
}

#[test]
fn services_and_protocols_come_from_the_files() {
    let directory = Directory::new();
    let services = directory.put(
        "services",
        "# comment\nchess  4711/tcp  CHECKERS mate # game\r\nchess 4712/udp\nbad line\nworse 99999/tcp\nlast 1/sctp",
    );
    let protocols = directory.put("protocols", "tcp 6 TCP\nchessp 250 CHESSP # no such thing\nbad\n");
    let mut pump = pump_with(settings().services_file(services).protocols_file(protocols));

    for (query, name, port, protocol) in [
        (ServiceQuery::by_name("chess"), "chess", 4711, "tcp"),
        (ServiceQuery::by_name("chess").protocol("udp"), "chess", 4712, "udp"),
        (ServiceQuery::by_name("CHECKERS").protocol("tcp"), "chess", 4711, "tcp"),
        (ServiceQuery::by_port(4712), "chess", 4712, "udp"),
        (ServiceQuery::by_port(1).protocol("sctp"), "last", 1, "sctp"),
    ] {
        let found = service(&mut pump, query.clone()).unwrap();
        let told = (found.name.as_str(), found.port, found.protocol.as_str(), found.source);
        assert_eq!(told, (name, port, protocol, Source::File), "{query}");
    }
    let found = service(&mut pump, ServiceQuery::by_name("8080").protocol("tcp")).unwrap();
    assert_eq!((found.port, found.source), (8080, Source::Literal));
    for (query, expected) in [
        (ServiceQuery::by_name("https"), LookupFailure::NotFound),
        (ServiceQuery::by_name("chess").protocol("sctp"), LookupFailure::NotFound),
        (ServiceQuery::by_name("chess").protocol("nonsense"), LookupFailure::NotFound),
        (ServiceQuery::by_name("65536"), LookupFailure::MalformedName),
        (ServiceQuery::by_name(""), LookupFailure::MalformedName),
        (ServiceQuery::by_port(0), LookupFailure::NotFound),
        (ServiceQuery::by_port(4711).protocol("udp"), LookupFailure::NotFound),
    ] {
        let error = service(&mut pump, query.clone()).unwrap_err();
        assert_eq!((error.failure(), error.question()), (expected, query.to_string().as_str()));
    }

    for (query, name, number) in [
        (ProtocolQuery::by_name("chessp"), "chessp", 250),
        (ProtocolQuery::by_name("CHESSP"), "chessp", 250),
        (ProtocolQuery::by_number(250), "chessp", 250),
        (ProtocolQuery::by_name("6"), "tcp", 6),
    ] {
        let found = protocol(&mut pump, query).unwrap();
        assert_eq!((found.name.as_str(), found.number, found.source), (name, number, Source::File));
    }
    for (query, expected) in [
        (ProtocolQuery::by_name("udp"), LookupFailure::NotFound),
        (ProtocolQuery::by_number(17), LookupFailure::NotFound),
        (ProtocolQuery::by_name("256"), LookupFailure::MalformedName),
        (ProtocolQuery::by_name(""), LookupFailure::MalformedName),
    ] {
        assert_eq!(protocol(&mut pump, query).unwrap_err().failure(), expected);
    }
    let skipped: Vec<_> = pump.name_files().iter().map(|status| status.report.lines_skipped).collect();
    assert_eq!(skipped[1..3], [2, 1]);
}

#[test]
fn without_the_files_the_registered_services_and_protocols_are_known() {
    let directory = Directory::new();
    let mut pump =
        pump_with(settings().services_file(directory.path("services")).protocols_file(directory.path("protocols")));
    let found = service(&mut pump, ServiceQuery::by_name("https").protocol("tcp")).unwrap();
    assert_eq!((found.port, found.source), (443, Source::BuiltIn));
    let found = service(&mut pump, ServiceQuery::by_port(53).protocol("udp")).unwrap();
    assert_eq!((found.name.as_str(), found.source), ("domain", Source::BuiltIn));
    let found = protocol(&mut pump, ProtocolQuery::by_name("tcp")).unwrap();
    assert_eq!((found.number, found.source), (6, Source::BuiltIn));
    let found = protocol(&mut pump, ProtocolQuery::by_number(17)).unwrap();
    assert_eq!((found.name.as_str(), found.source), ("udp", Source::BuiltIn));

    // A file that comes counts alone; one that goes leaves what is built in.
    directory.put("services", "chess 4711/tcp\n");
    directory.put("protocols", "chessp 250\n");
    turn_until(&mut pump, "the files count", |pump| {
        service(pump, ServiceQuery::by_name("chess")).is_ok() && protocol(pump, ProtocolQuery::by_number(250)).is_ok()
    });
    assert!(service(&mut pump, ServiceQuery::by_name("https")).is_err());
    assert!(protocol(&mut pump, ProtocolQuery::by_name("tcp")).is_err());
    fs::remove_file(directory.path("services")).unwrap();
    turn_until(&mut pump, "the file is gone", |pump| service(pump, ServiceQuery::by_name("https")).is_ok());
    assert_eq!(service(&mut pump, ServiceQuery::by_port(443)).unwrap().source, Source::BuiltIn);
}

fn servers(pump: &mut Pump<()>) -> Vec<String> {
    pump.resolver_config().servers().iter().map(ToString::to_string).collect()
}

const DEFAULT_SERVERS: [&str; 2] = ["127.0.0.1:53", "[::1]:53"];

#[test]
fn the_resolver_file_says_how_name_servers_are_asked() {
    let directory = Directory::new();
    let file = directory.put(
        "resolv.conf",
        "# comment\nnameserver 192.0.2.53\nnameserver nonsense\nnameserver fe80::1%1\nnameserver 2001:db8::53\n\
         nameserver 192.0.2.99\ndomain old.example\nsearch corp.example a_b.example\n\
         options ndots:3 timeout:2 attempts:4\noptions rotate use-vc no-aaaa single-request unheard-of\n",
    );
    let mut pump = pump_with(settings().resolver_file(file));
    // At most three; the bad one costs only itself; a zone is kept.
    assert_eq!(servers(&mut pump), ["192.0.2.53:53", "[fe80::1%1]:53", "[2001:db8::53]:53"]);
    let config = pump.resolver_config();
    assert_eq!(config.search(), ["corp.example", "a_b.example"]);
    assert_eq!((config.ndots(), config.timeout(), config.attempts()), (3, Duration::from_secs(2), 4));
    assert!(config.rotate() && config.use_tcp() && config.no_aaaa() && config.single_request());
    let status = &pump.name_files()[3];
    assert_eq!((status.report.lines_skipped, status.report.first_skipped), (1, Some(3)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_local_name_server_may_name_its_interface() {
    let directory = Directory::new();
    let file = directory.put("resolv.conf", "nameserver fe80::1%lo\nnameserver fe80::1%nosuchif\nnameserver ::1\n");
    let mut pump = pump_with(settings().resolver_file(file));
    assert_eq!(servers(&mut pump), ["[fe80::1%1]:53", "[::1]:53"], "the loopback interface is the first");
}

#[test]
fn without_a_resolver_file_this_machine_is_asked() {
    let directory = Directory::new();
    for text in [None, Some(""), Some("# nothing\n"), Some("nameserver\nnameserver x\n"), Some("options rotate")] {
        if let Some(text) = text {
            directory.put("resolv.conf", text);
        }
        let mut pump = pump_with(settings().resolver_file(directory.path("resolv.conf")));
        assert_eq!(servers(&mut pump), DEFAULT_SERVERS, "{text:?}");
    }
}

#[test]
fn a_resolver_file_may_change_while_the_pump_lives() {
    let directory = Directory::new();
    let mut pump = pump_with(settings().resolver_file(directory.path("resolv.conf")));
    assert_eq!(servers(&mut pump), DEFAULT_SERVERS);
    for server in ["192.0.2.1", "192.0.2.2"] {
        directory.put("resolv.conf", format!("nameserver {server}\n"));
        turn_until(&mut pump, "the file counts", |pump| servers(pump) == [format!("{server}:53")]);
    }
    fs::remove_file(directory.path("resolv.conf")).unwrap();
    turn_until(&mut pump, "the file is gone", |pump| servers(pump) == DEFAULT_SERVERS);
}

/// `no-reload` keeps what was read first, though other files are looked at as ever.
#[test]
fn a_resolver_file_may_forbid_that_it_is_read_again() {
    let directory = Directory::new();
    let file = directory.put("resolv.conf", "nameserver 192.0.2.1\noptions no-reload\n");
    let mut pump = pump_with(settings().resolver_file(file).hosts_file(directory.path("hosts")));
    assert_eq!(servers(&mut pump), ["192.0.2.1:53"]);
    directory.put("resolv.conf", "nameserver 192.0.2.2\n");
    directory.put("hosts", "192.0.2.9 host.localhost\n");
    wait_for_host(&mut pump, "the hosts file counts", Some("192.0.2.9"));
    assert_eq!(servers(&mut pump), ["192.0.2.1:53"]);
}

#[test]
fn a_configuration_made_in_code_knows_no_file() {
    let directory = Directory::new();
    let file = directory.put("resolv.conf", "nameserver 192.0.2.1\n");
    let server = NameServer::silent();
    let mut pump = pump_with(settings().resolver_file(file).resolver(asking([&server])).unwrap());
    assert_eq!(servers(&mut pump), [server.address().to_string()]);
    assert_eq!(pump.name_files().len(), 3);
}

#[test]
fn the_environment_overrides_the_resolver_file() {
    let environment = [("LOCALDOMAIN", "env.example other.example"), ("RES_OPTIONS", "ndots:5 attempts:1")];
    alone_with(the_environment_overrides_the_resolver_file, &environment, || {
        let directory = Directory::new();
        let file = directory.put("resolv.conf", "search corp.example\noptions ndots:2 timeout:3\n");
        let mut pump = pump_with(settings().resolver_file(file));
        let config = pump.resolver_config();
        assert_eq!(config.search(), ["env.example", "other.example"]);
        assert_eq!((config.ndots(), config.attempts(), config.timeout()), (5, 1, Duration::from_secs(3)));
    });
}

/// Whatever these are, the pump lives, and says what it could not read.
#[test]
fn odd_files_do_no_harm() {
    let directory = Directory::new();
    let noise: Vec<u8> = (0..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let one_line = format!("192.0.2.1 {}", "name ".repeat(100_000));
    let texts: [&[u8]; 5] = [b"", &[0; 10_000], &noise, one_line.as_bytes(), b"\n\n\n\xFF\xFE\n"];
    for text in texts {
        let files = ["hosts", "services", "protocols", "resolv.conf"].map(|name| directory.put(name, text));
        let [hosts, services, protocols, resolver] = files;
        let settings = Settings::default().hosts_file(hosts).services_file(services);
        let mut pump = pump_with(settings.protocols_file(protocols).resolver_file(resolver));
        assert!(look_up(&mut pump, "host.localhost").is_ok());
        let _ = service(&mut pump, ServiceQuery::by_name("https"));
        let _ = protocol(&mut pump, ProtocolQuery::by_name("tcp"));
        assert!(pump.name_files().iter().all(|status| status.problem.is_none()));
    }
}

/// To read them would never end, and to open a pipe that nobody writes to would not either.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    use std::process::Command;
    use std::sync::mpsc;

    use crate::support::PATIENCE;

    let directory = Directory::new();
    let pipe = directory.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo(1) is there").success());
    let (told, telling) = mpsc::channel();
    // A thread of its own, so that the test ends although the pump may not.
    std::thread::spawn(move || {
        let mut pump = pump_with(settings().hosts_file(&pipe).services_file("/dev/zero"));
        assert!(look_up(&mut pump, "host.localhost").is_ok());
        assert!(service(&mut pump, ServiceQuery::by_name("https")).is_ok(), "what is built in");
        told.send(pump.name_files()).expect("the test waits");
    });
    let status = telling.recv_timeout(PATIENCE).expect("the pump reads neither the pipe nor the device");
    assert!(status[0].problem.is_some() && status[1].problem.is_some(), "{status:?}");
}
