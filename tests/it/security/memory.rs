//! What a hostile peer can make us hold.

use std::time::{Duration, Instant};

use allocation_counter::measure;
use msgpump::{Budget, Family, Filter, HostQuery, Pump};

use crate::support::wire::{Query, Reply, Transport};
use crate::support::{Act, NameServer, PATIENCE, SHORT, asking, pump, start, turn_until};

/// The longest frame, and as much again while it is moved to where there is room for it.
const BYTES_PER_STREAM_MAX: u64 = 2 * 65_537;

/// How long a server may go on: long enough for a busy machine to see what it sends.
const TIME: Duration = SHORT.saturating_mul(5);

/// What a lookup holds beside its stream's buffer, and the tables grow by.
const BYTES_BESIDE_MAX: u64 = 16 << 10;

/// Looks names up at a server that truncates and then does `on_stream`, until all have failed by the time, and says
/// how many bytes were allocated at the most, beyond what was before.
fn most_bytes(lookups: usize, on_stream: impl Fn() -> Vec<Act> + Send + 'static) -> u64 {
    let server = NameServer::start(move |query: &Query| match query.transport {
        Transport::Udp => vec![Reply::to(query).truncated().into()],
        Transport::Tcp => on_stream(),
    });
    let mut pump: Pump<()> = pump(asking([&server]).with_timeout(TIME));
    let started: Vec<_> = (0..lookups)
        .map(|number| start(&mut pump, HostQuery::by_name(format!("{number}.example")).family(Family::V4)))
        .collect();
    let (end, mut over) = (Instant::now() + PATIENCE, 0);
    let cost = measure(|| {
        while over < lookups {
            assert!(Instant::now() < end, "waited in vain");
            pump.turn(Budget::wait(TIME)).expect("the system's wait works");
            while pump.next_message().is_some() {
                over += 1;
            }
        }
    });
    assert!(started.iter().all(|&lookup| !pump.is_live(lookup)));
    turn_until(&mut pump, "no socket is left", |pump| pump.metrics().sockets == 0);
    assert!(pump.next_message_for(Filter::any()).is_none());
    cost.bytes_max
}

/// A length alone is a promise: nothing is set aside for it.
#[test]
fn a_length_without_bytes_reserves_nothing() {
    const LOOKUPS: usize = 8;
    let bytes = most_bytes(LOOKUPS, || vec![Act::SendRaw(vec![0xFF, 0xFF, 0, 0, 0]), Act::Hold]);
    assert!(bytes <= LOOKUPS as u64 * 1024 + BYTES_BESIDE_MAX, "{bytes}");
}

/// A server that drips holds a buffer no longer than a frame, and no longer than it has time.
#[test]
fn a_server_that_drips_holds_one_frame_for_one_timeout() {
    const LOOKUPS: usize = 8;
    let bytes = most_bytes(LOOKUPS, || {
        let drops = [vec![0xFF, 0xFF], vec![0; 20_000], vec![0; 20_000], vec![0; 25_000]];
        drops.into_iter().map(Act::SendRaw).chain([Act::Hold]).collect()
    });
    assert!(bytes <= LOOKUPS as u64 * (BYTES_PER_STREAM_MAX + 1024) + BYTES_BESIDE_MAX, "{bytes}");
    assert!(bytes >= 65_000, "{bytes}: the bytes did not arrive, and this test shows nothing");
}

/// A server that never ends its junk neither fills the memory nor stretches its time.
#[test]
fn a_stream_of_junk_ends_with_its_time() {
    let frame = [vec![0xEA, 0x60], vec![0; 60_000]].concat();
    let bytes = most_bytes(1, move || {
        let junk = std::iter::repeat_n(frame.clone(), 100).map(Act::SendRaw);
        junk.chain([Act::Hold]).collect()
    });
    assert!(bytes <= BYTES_PER_STREAM_MAX + BYTES_BESIDE_MAX, "{bytes}");
}
