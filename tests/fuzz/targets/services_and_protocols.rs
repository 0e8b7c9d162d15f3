//! A services file and a protocols file: all their names, ports and numbers are looked up, and what comes is what a
//! reader without an index finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use msgpump::simulation::Simulation;
use msgpump::{Payload, ProtocolQuery, Pump, ServiceQuery, Settings, Source};
use msgpump_fuzz::{answer, files};

/// As many entries of one file are looked up.
const LOOKUPS_MAX: usize = 24;

fn service(simulation: &Simulation, pump: &mut Pump<()>, query: ServiceQuery) -> Option<files::Service> {
    let window = pump.root_window();
    pump.lookup_service(window, query).expect("the root window is open");
    let Payload::Service(result) = answer(simulation, pump) else { panic!("only a service was asked for") };
    let found = *result.ok().filter(|service| service.source == Source::File)?;
    Some(files::Service { name: found.name, aliases: found.aliases, port: found.port, protocol: found.protocol })
}

fn protocol(simulation: &Simulation, pump: &mut Pump<()>, query: ProtocolQuery) -> Option<files::Protocol> {
    let window = pump.root_window();
    pump.lookup_protocol(window, query).expect("the root window is open");
    let Payload::Protocol(result) = answer(simulation, pump) else { panic!("only a protocol was asked for") };
    let found = *result.ok().filter(|protocol| protocol.source == Source::File)?;
    Some(files::Protocol { name: found.name, aliases: found.aliases, number: found.number })
}

fuzz_target!(|text: &[u8]| {
    let simulation = Simulation::new(1);
    simulation.write_file("/etc/services", text);
    simulation.write_file("/etc/protocols", text);
    let mut pump = simulation.pump(Settings::default());

    let read = files::lines(text);
    let services: Vec<_> = read.iter().flatten().filter_map(|fields| files::service(fields)).collect();
    let protocols: Vec<_> = read.iter().flatten().filter_map(|fields| files::protocol(fields)).collect();
    for entry in services.iter().take(LOOKUPS_MAX) {
        let speaks = |service: &&files::Service| service.protocol.eq_ignore_ascii_case(&entry.protocol);
        for name in [&entry.name].into_iter().chain(&entry.aliases) {
            let is_called = |service: &&files::Service| files::has_name(&service.name, &service.aliases, name);
            let asked = name.to_ascii_uppercase();
            let found = service(&simulation, &mut pump, ServiceQuery::by_name(&*asked));
            assert_eq!(found.as_ref(), services.iter().find(is_called), "{asked:?}");
            let found = service(&simulation, &mut pump, ServiceQuery::by_name(&*asked).protocol(&*entry.protocol));
            let first = services.iter().find(|service| is_called(service) && speaks(service));
            assert_eq!(found.as_ref(), first, "{asked:?} {:?}", entry.protocol);
        }
        let found = service(&simulation, &mut pump, ServiceQuery::by_port(entry.port).protocol(&*entry.protocol));
        assert_eq!(found.as_ref(), services.iter().find(|service| service.port == entry.port && speaks(service)));
    }
    for entry in protocols.iter().take(LOOKUPS_MAX) {
        for name in [&entry.name].into_iter().chain(&entry.aliases) {
            let is_called = |protocol: &&files::Protocol| files::has_name(&protocol.name, &protocol.aliases, name);
            let found = protocol(&simulation, &mut pump, ProtocolQuery::by_name(&**name));
            assert_eq!(found.as_ref(), protocols.iter().find(is_called), "{name:?}");
        }
        let found = protocol(&simulation, &mut pump, ProtocolQuery::by_number(entry.number));
        assert_eq!(found.as_ref(), protocols.iter().find(|protocol| protocol.number == entry.number));
    }
    let reports = pump.name_files();
    let counts = |file: usize| (reports[file].report.entries, reports[file].report.lines_skipped);
    assert_eq!(counts(1), (services.len(), read.len() - services.len()));
    assert_eq!(counts(2), (protocols.len(), read.len() - protocols.len()));
});
