//! A resolv.conf and the two variables that amend it: whatever they say, the configuration is within its limits, a
//! line more that says nothing changes nothing, and lookups go on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgpump::simulation::NameServer;
use msgpump::{HostQuery, Payload, ResolverConfig, Settings};
use msgpump_fuzz::{Choices, answer, stage};

/// What Windows editors put before the first line.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The configuration that `text` makes, and how many lines were read and skipped.
fn read(text: &[u8], variables: &[(&str, &str)]) -> (ResolverConfig, (usize, usize)) {
    let simulation = stage();
    simulation.write_file("/etc/resolv.conf", text);
    variables.iter().for_each(|&(name, value)| simulation.set_environment(name, value));
    let mut pump = simulation.pump::<()>(Settings::default());
    let config = pump.resolver_config().clone();
    let report = pump.name_files().pop().expect("the resolver's is the last").report;

    for &server in config.servers() {
        simulation.name_server(server, NameServer::new().host("www.example.test", ["192.0.2.1", "2001:db8::1"]));
    }
    let window = pump.root_window();
    pump.lookup_host(window, HostQuery::by_name("www.example.test.")).expect("the root window is open");
    let Payload::Host(result) = answer(&simulation, &mut pump) else { panic!("only a host was asked for") };
    assert!(result.is_ok(), "{result:?} with {config:?}");
    assert_eq!(simulation.open_sockets(), 0);
    (config, (report.entries, report.lines_skipped))
}

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let (domain, options) = match choices.below(4) {
        0 => (None, None),
        how => {
            let text = |bytes| String::from_utf8_lossy(bytes).replace('\0', "");
            ((how & 1 != 0).then(|| text(choices.bytes())), (how & 2 != 0).then(|| text(choices.bytes())))
        }
    };
    let variables: Vec<_> = [("LOCALDOMAIN", &domain), ("RES_OPTIONS", &options)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect();
    let mut text = choices.rest();
    while let Some(rest) = text.strip_prefix(MARK) {
        text = rest;
    }

    let (config, report) = read(text, &variables);
    assert_eq!(config.check(), Ok(()));
    assert!((1..=3).contains(&config.servers().len()));
    let with = |text: &[&[u8]]| read(&text.concat(), &variables);
    assert_eq!(with(&[b"# words\n\n;\n", text]), (config.clone(), report), "a comment before it");
    assert_eq!(with(&[text, b"\n  \n# words"]), (config.clone(), report), "a comment behind it");
    assert_eq!(with(&[MARK, text]), (config.clone(), report), "a mark before it");
    let (again, (entries, skipped)) = with(&[text, b"\nnameserver nowhere"]);
    assert_eq!((again, (entries, skipped)), (config, (report.0, report.1 + 1)), "a bad line behind it");
});
