//! What happens to lookups and connects over a wire that loses, delays, reorders and doubles packets.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use msgpump::{Cancelled, Connect, ConnectFailure, LookupFailure, Payload, ResolverConfig};

use crate::far::{BIG_ADDRESSES, ECHO_PORT};
use crate::stage::*;
use crate::wire::{FAR_V4, FAR_V6, Weather, Wire};

type Scenario = fn(&mut Stage, &mut Wire);

pub const ALL: &[(&str, Scenario)] = &[
    ("delay-of-200-ms", delay_of_200_ms),
    ("reordering-and-doubles", reordering_and_doubles),
    ("loss-of-30-percent", loss_of_30_percent),
    ("wire-cut-and-mended", wire_cut_and_mended),
    ("cancelled-in-the-storm", cancelled_in_the_storm),
];

const LOOKUPS: usize = 200;

/// How many of them are asked at a time: the far end has room for some hundred questions that it has not read.
const AT_A_TIME: usize = 40;

fn both() -> BTreeSet<IpAddr> {
    [IpAddr::from(FAR_V4), IpAddr::from(FAR_V6)].into()
}

/// The way there and back takes 200 ms. Nothing is asked twice, and everything is found.
fn delay_of_200_ms(stage: &mut Stage, wire: &mut Wire) {
    wire.put_up(stage);
    wire.set(Weather { delay: Duration::from_millis(100), ..Weather::default() });
    let before = stage.far.asked();
    let mut pump = pump(patient([wire.far_server()]).with_lookups_in_flight_max(AT_A_TIME));
    all_are_found(&mut pump);
    assert_eq!(stage.far.asked() - before, 2 * LOOKUPS, "each question was asked once");
    let big = look_up(&mut pump, "big.wire.").expect("it has an answer");
    assert_eq!(big.addresses.len(), BIG_ADDRESSES.into());
    connects_work(&mut pump, 10_000);
    assert_quiet(&mut pump);
}

/// Packets overtake each other by up to 80 ms, and every fifth comes twice: each lookup has one outcome.
fn reordering_and_doubles(stage: &mut Stage, wire: &mut Wire) {
    wire.put_up(stage);
    wire.set(Weather { jitter: Duration::from_millis(80), doubled: 20, ..Weather::default() });
    let mut pump = pump(patient([wire.far_server()]).with_lookups_in_flight_max(AT_A_TIME));
    all_are_found(&mut pump);
    connects_work(&mut pump, 50_000);
    let counts = wire.counts();
    assert!(counts.overtaken > 100 && counts.doubled > 50, "the wire was too kind: {counts:?}");
    wait_until_empty(&mut pump, wire);
    assert_quiet(&mut pump);
}

/// Of ten packets three are lost, in each direction: half of all questions have no answer, and are asked again.
fn loss_of_30_percent(stage: &mut Stage, wire: &mut Wire) {
    wire.put_up(stage);
    wire.set(Weather { lost: 30, ..Weather::default() });
    let before = stage.far.asked();
    let config = ResolverConfig::new([wire.far_server()]).with_timeout(Duration::from_secs(1)).with_attempts(5);
    let mut pump = pump(config.with_family_patience(Duration::from_secs(6)).with_lookups_in_flight_max(AT_A_TIME));
    let lookups: Vec<_> = (0..LOOKUPS).map(|number| start_lookup(&mut pump, &format!("h{number}.wire."))).collect();
    let mut found = 0;
    for lookup in lookups {
        match lookup_outcome(&mut pump, lookup) {
            Ok(host) => {
                let addresses: BTreeSet<IpAddr> = host.addresses.iter().copied().collect();
                assert!(addresses == both() || host.incomplete && addresses.is_subset(&both()), "{host:?}");
                found += 1;
            }
            Err(error) => assert_eq!(error.failure(), LookupFailure::TimedOut, "{error}"),
        }
    }
    // One in thirty questions is lost five times, and one in a thousand lookups both of its own.
    assert!(found * 10 > LOOKUPS * 9, "only {found} of {LOOKUPS} were found");
    assert!(stage.far.asked() - before > 2 * LOOKUPS, "nothing was asked again");
    assert!(wire.counts().lost > LOOKUPS as u64 / 2, "the wire was too kind: {:?}", wire.counts());
    // The system asks again for a connect after 1, 3, 7 and 15 s.
    let target = format!("{FAR_V4}:{ECHO_PORT}");
    let connects: Vec<_> =
        (0..8).map(|_| start_connect(&mut pump, Connect::to(&target).deadline(Duration::from_secs(20)))).collect();
    let mut connected = 0;
    for connect in connects {
        match connect_outcome(&mut pump, connect) {
            Ok(_) => connected += 1,
            Err(error) => assert_eq!(error.failure(), &ConnectFailure::TimedOut, "{error}"),
        }
    }
    assert!(connected > 0, "no connect came through");
    wait_until_empty(&mut pump, wire);
    assert_quiet(&mut pump);
}

/// Everything is lost for a while, and nobody is told: who asks again is answered once the wire is whole.
fn wire_cut_and_mended(stage: &mut Stage, wire: &mut Wire) {
    wire.put_up(stage);
    wire.set(Weather { lost: 100, ..Weather::default() });
    let config = ResolverConfig::new([wire.far_server()]).with_timeout(Duration::from_secs(1)).with_attempts(5);
    let mut pump = pump(config);
    let lookups: Vec<_> = (0..20).map(|number| start_lookup(&mut pump, &format!("h{number}.wire."))).collect();
    let waiting = start_connect(&mut pump, Connect::to(format!("{FAR_V4}:{ECHO_PORT}")).deadline(2 * PATIENCE));
    let end = Instant::now() + PATIENCE;
    while wire.counts().lost < 41 {
        assert!(Instant::now() < end, "the questions do not reach the wire");
        turn(&mut pump);
    }
    assert!(pump.next_message().is_none(), "nobody can have answered");
    wire.set(Weather::default());
    for lookup in lookups {
        lookup_outcome(&mut pump, lookup).expect("it is asked again");
    }
    echo(*connect_outcome(&mut pump, waiting).expect("the system asks again"), 100);
    assert_quiet(&mut pump);
}

/// Half of everything is cancelled while answers, doubles and refusals are on their way: nothing of it is ever seen, and
/// the other half ends as it would have.
fn cancelled_in_the_storm(stage: &mut Stage, wire: &mut Wire) {
    wire.put_up(stage);
    let jitter = Duration::from_millis(60);
    wire.set(Weather { lost: 10, doubled: 20, delay: Duration::from_millis(5), jitter });
    let config = ResolverConfig::new([wire.far_server()]).with_timeout(Duration::from_secs(1)).with_attempts(5);
    let mut pump = pump(config);
    let mut prevented = 0;
    for round in 0..10 {
        let mut all: Vec<_> =
            (0..40).map(|number| start_lookup(&mut pump, &format!("r{round}h{number}.wire."))).collect();
        for port in [ECHO_PORT, 8] {
            let connect = || Connect::to(format!("{FAR_V4}:{port}")).deadline(Duration::from_secs(20));
            all.extend((0..5).map(|_| start_connect(&mut pump, connect())));
        }
        // Each round is further on its way: from not sent to answered and queued.
        let sent = wire.counts().passed + 40 * round;
        let end = Instant::now() + PATIENCE;
        while wire.counts().passed < sent && !wire.is_empty() && Instant::now() < end {
            turn(&mut pump);
        }
        let (mut cancelled, mut kept) = (BTreeSet::new(), BTreeSet::new());
        for (index, operation) in all.into_iter().enumerate() {
            if index % 2 == 0 {
                kept.insert(operation);
                continue;
            }
            match pump.cancel(operation) {
                Cancelled::Unknown => panic!("nobody has taken its message"),
                _ => prevented += 1,
            }
            cancelled.insert(operation);
        }
        let end = Instant::now() + PATIENCE;
        while !kept.is_empty() {
            assert!(Instant::now() < end, "waited in vain; {pump:?}");
            turn(&mut pump);
            while let Some(message) = pump.next_message() {
                let operation = message.operation.expect("each message here is of an operation");
                assert!(!cancelled.contains(&operation), "a message of a cancelled operation: {:?}", message.payload);
                assert!(kept.remove(&operation), "a second message of an operation");
                assert!(matches!(message.payload, Payload::Host(_) | Payload::Connected(_)));
            }
        }
        wait_until_empty(&mut pump, wire);
        assert_quiet(&mut pump);
    }
    assert_eq!(prevented, 10 * 25);
}

fn all_are_found(pump: &mut msgpump::Pump<()>) {
    let lookups: Vec<_> = (0..LOOKUPS).map(|number| start_lookup(pump, &format!("h{number}.wire."))).collect();
    for lookup in lookups {
        let host = lookup_outcome(pump, lookup).expect("it has an answer");
        assert_eq!(host.addresses.iter().copied().collect::<BTreeSet<_>>(), both());
        assert!(!host.incomplete, "{host:?}");
    }
}

fn connects_work(pump: &mut msgpump::Pump<()>, length: usize) {
    for target in
        [format!("{FAR_V4}:{ECHO_PORT}"), format!("[{FAR_V6}]:{ECHO_PORT}"), format!("host.wire.:{ECHO_PORT}")]
    {
        for _ in 0..5 {
            echo(*connect(pump, &target).expect("somebody listens"), length);
        }
    }
}

/// Waits until nothing is on the way any more, and takes in what came of it.
fn wait_until_empty(pump: &mut msgpump::Pump<()>, wire: &Wire) {
    let end = Instant::now() + PATIENCE;
    while !wire.is_empty() {
        assert!(Instant::now() < end, "packets come and come: {:?}", wire.counts());
        turn(pump);
    }
    turn(pump);
}
