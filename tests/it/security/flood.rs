//! A forger who floods, as Kaminsky did: one name after the other, and as many forged answers as get there first.

use std::time::Duration;

use msgpump::simulation::{Act, NameServer, Simulation};
use msgpump::{Family, HostQuery, Payload, Pump, ResolverConfig};

use crate::support::settings;

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 53], 53);

/// Looks up this many new names, with a flood for each, and says of how many the forged answer was believed, and how
/// many datagrams were ignored.
fn forged(seed: u64, lookups: u32, guesses: u16, unknown_bits: u8) -> (u32, u64) {
    let simulation = Simulation::new(seed);
    simulation.name_server(SERVER.into(), NameServer::new().always(Act::Forge { guesses, unknown_bits }));
    let config = ResolverConfig::new([SERVER]).with_timeout(Duration::from_secs(1)).with_attempts(1);
    let mut pump: Pump<()> = simulation.pump(settings().resolver(config).expect("it is within its limits"));
    let window = pump.root_window();
    assert!(simulation.queries().is_empty());
    let mut believed = 0;
    for number in 0..lookups {
        // Nobody has such a name: whatever is found is forged.
        let query = HostQuery::by_name(format!("{number}.bank.example")).family(Family::V4);
        pump.lookup_host(window, query).expect("there is room");
        let message = pump.get_message().expect("the stage works").expect("nobody quits");
        let Payload::Host(result) = message.payload else { panic!("{message:?}") };
        assert_eq!(simulation.queries().len(), 1, "the log of the lookup before is forgotten");
        simulation.forget_log();
        if let Ok(host) = result {
            assert_eq!(host.addresses, [std::net::IpAddr::from([203, 0, 113, 66])]);
            believed += 1;
        }
    }
    (believed, pump.metrics().ignored_datagrams)
}

/// The forger knows the port, so the rate is large enough to be counted. It must be what guessing gives, no more and
/// no less: a forger who is more successful knows something, one who is less shows that this test sees nothing.
#[test]
fn a_flood_of_forgeries_succeeds_as_often_as_guessing_does() {
    println!("unknown bits  guesses  lookups  believed  by theory");
    for (unknown_bits, guesses, lookups) in [(8, 16, 1000), (10, 64, 1000), (12, 128, 1000), (16, 1024, 400)] {
        let (believed, ignored) = forged(u64::from(unknown_bits), lookups, guesses, unknown_bits);
        let chance = f64::from(guesses) / f64::from(1u32 << unknown_bits);
        let (expected, deviation) =
            (f64::from(lookups) * chance, (f64::from(lookups) * chance * (1.0 - chance)).sqrt());
        println!("{unknown_bits:>12}  {guesses:>7}  {lookups:>7}  {believed:>8}  {expected:>6.1} +- {deviation:.1}");
        assert!((f64::from(believed) - expected).abs() < 4.0 * deviation, "{believed} believed instead of {expected}");
        // Each that failed was a datagram that was looked at and cost nothing else.
        assert!(ignored >= u64::from(lookups - believed) * u64::from(guesses));
    }
}

/// Without a flood nobody is believed, and a forger who knows everything is: the test above measures between these.
#[test]
fn a_forger_who_knows_the_id_is_believed_and_one_who_sends_nothing_is_not() {
    assert_eq!(forged(1, 50, 1, 0).0, 50);
    assert_eq!(forged(1, 50, 0, 16).0, 0);
}
