//! A hosts file: every name and address of it is looked up, and what comes is what a reader without an index finds.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use msgpump::simulation::Simulation;
use msgpump::{Family, HostQuery, Payload, Pump, ResolverConfig, Settings, Source};
use msgpump_fuzz::{answer, files, stage};

/// As many names and addresses of one file are looked up.
const LOOKUPS_MAX: usize = 24;

/// As many lines make one answer.
const LINES_PER_ANSWER_MAX: usize = 256;

type Line = (IpAddr, Vec<String>);

/// What a host is called and where it is, if it is known.
type Found = Option<(String, Vec<String>, Vec<IpAddr>)>;

/// Merges lines into one answer: each name and each address once.
fn merge<'l>(lines: impl Iterator<Item = &'l Line>) -> Found {
    let (mut names, mut addresses): (Vec<String>, Vec<IpAddr>) = (Vec::new(), Vec::new());
    for (address, own_names) in lines {
        for name in own_names {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name.clone());
            }
        }
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    (!names.is_empty()).then(|| (names.remove(0), names, addresses))
}

fn by_name(lines: &[Line], name: &str, family: Family) -> Found {
    let has_name = |line: &&Line| line.1.iter().any(|own| own.eq_ignore_ascii_case(name));
    let in_family = |(address, names): &Line| {
        // An IPv4 address may be written as one of IPv6.
        let address = if family == Family::V4 { address.to_canonical() } else { *address };
        family.includes(address).then(|| (address, names.clone()))
    };
    let lines = lines.iter().filter(has_name).take(LINES_PER_ANSWER_MAX);
    let lines: Vec<Line> = lines.filter_map(in_family).collect();
    let (name, aliases, mut addresses) = merge(lines.iter())?;
    addresses.sort_unstable();
    Some((name, aliases, addresses))
}

/// Names that are looked up in the file.
fn is_asked_for(name: &str) -> bool {
    let is_text = name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'[' | b':'));
    let is_short = name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()));
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_text && is_short && !is_number && last != "localhost"
}

fn look_up(simulation: &Simulation, pump: &mut Pump<()>, query: HostQuery) -> Found {
    let window = pump.root_window();
    pump.lookup_host(window, query).expect("the root window is open");
    let Payload::Host(result) = answer(simulation, pump) else { panic!("only a host was asked for") };
    let mut host = result.ok().filter(|host| host.source == Source::File)?;
    // In which order they are tried is another matter.
    host.addresses.sort_unstable();
    Some((host.canonical_name, host.aliases, host.addresses))
}

fuzz_target!(|text: &[u8]| {
    let simulation = stage();
    simulation.write_file("/etc/hosts", text);
    // A name server that nobody is at, so that what is not in the file is not found at once.
    let config = ResolverConfig::new([([192, 0, 2, 53], 53)]).with_attempts(1);
    let mut pump = simulation.pump(Settings::default().resolver(config).expect("within the limits"));
    let read: Vec<_> = files::lines(text);
    if read.iter().flatten().any(|fields| fields[0].contains('%')) {
        // Interfaces have names that only the machine knows.
        look_up(&simulation, &mut pump, HostQuery::by_name("a"));
        return;
    }
    let lines: Vec<Line> = read.iter().flatten().filter_map(|fields| files::host(fields)).collect();

    let names = lines.iter().flat_map(|(_, names)| names).filter(|name| is_asked_for(name)).take(LOOKUPS_MAX);
    for name in names {
        for family in [Family::Any, Family::V4] {
            let expected = by_name(&lines, name, family);
            for asked in [name.to_ascii_uppercase(), format!("{name}.")] {
                let found = look_up(&simulation, &mut pump, HostQuery::by_name(&*asked).family(family));
                assert_eq!(found, expected, "{asked:?} {family:?}");
            }
        }
    }
    for (address, _) in lines.iter().take(LOOKUPS_MAX) {
        let found = look_up(&simulation, &mut pump, HostQuery::by_address(*address));
        let first = lines.iter().find(|line| line.0.to_canonical() == address.to_canonical());
        let expected = merge(first.into_iter()).map(|(name, aliases, _)| (name, aliases, vec![*address]));
        assert_eq!(found, expected, "{address}");
    }
    if lines.is_empty() {
        look_up(&simulation, &mut pump, HostQuery::by_name("a"));
    }
    let report = &pump.name_files()[0].report;
    assert_eq!((report.entries, report.lines_skipped), (lines.len(), read.len() - lines.len()));
});
