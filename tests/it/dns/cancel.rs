//! Cancel, where more than one thing is on its way.

use msgpump::{Budget, Cancelled, Family, HostQuery, Pump, Rest};

use crate::support::wire::{Query, Reply};
use crate::support::{Act, Directory, NameServer, asking, outcome, pump, settings, start, turn_until};

/// How long the hosts file is of a lookup that waits until it is indexed: more than one turn's share.
const HOSTS_LINES: usize = 50_000;

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, [192, 0, 2, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
}

/// The system has reported two sockets, the turn's budget is over after the first, and the second
/// one's lookup is cancelled: it was in the batch, and comes no more.
#[test]
fn cancel_between_the_report_of_a_socket_and_its_turn() {
    let server = NameServer::start(|query| vec![Act::Hold, answer(query).into()]);
    let mut pump = pump(asking([&server]));
    let lookups: Vec<_> = (0..10)
        .map(|number| start(&mut pump, HostQuery::by_name(format!("host{number}")).family(Family::V4)))
        .collect();
    turn_until(&mut pump, "all are asked", |_| server.holding() == lookups.len());
    while server.release() {}
    let turn = pump.turn(Budget::wait_forever().messages(1)).unwrap();
    assert_eq!(turn.taken_over, 1);
    let mut told = 0;
    for &lookup in &lookups {
        match pump.cancel(lookup) {
            Cancelled::Queued(1) => told += 1,
            cancelled => assert_eq!(cancelled, Cancelled::Pending),
        }
    }
    assert_eq!((told, pump.metrics().sockets), (1, 0));
    // New sockets get the numbers of the old ones, while reports of those are still in the batch.
    let again: Vec<_> = (0..10).map(|number| start(&mut pump, HostQuery::by_name(format!("again{number}")))).collect();
    pump.turn(Budget::no_wait()).unwrap();
    assert!(pump.next_message().is_none());
    for lookup in again {
        assert_eq!(pump.cancel(lookup), Cancelled::Pending);
    }
}

/// Two parts are queued and the outcome is to come; then three messages are queued.
#[test]
fn cancel_takes_back_the_parts_of_a_streamed_lookup() {
    let server = NameServer::start(|query| match query.record_type {
        1 => vec![answer(query).into()],
        _ => vec![Act::Hold, answer(query).into()],
    });
    let mut pump = pump(asking([&server]));
    for is_over in [false, true] {
        let lookup = start(&mut pump, HostQuery::by_name("host").streamed());
        turn_until(&mut pump, "a part", |pump| server.holding() == 1 && pump.metrics().queued == 1);
        assert!(server.release());
        if is_over {
            turn_until(&mut pump, "the outcome", |pump| pump.metrics().queued == 3);
        }
        let purged = pump.metrics().purged_messages;
        let expected = if is_over { (Cancelled::Queued(3), 3) } else { (Cancelled::Pending, 1) };
        assert_eq!((pump.cancel(lookup), pump.metrics().purged_messages - purged), expected);
        assert!(pump.next_message().is_none());
    }
}

/// The hosts file is longer than one turn reads.
#[test]
fn cancel_while_the_hosts_file_is_being_indexed() {
    let directory = Directory::new();
    let lines: String = (0..HOSTS_LINES).map(|number| format!("192.0.2.1 host{number}\n")).collect();
    let settings = settings().hosts_file(directory.put("hosts", lines));
    let mut pump = Pump::<()>::with_settings(settings).unwrap();
    let [first, second, third] = [0, 1, HOSTS_LINES - 1].map(|number| {
        let query = HostQuery::by_name(format!("host{number}"));
        start(&mut pump, query)
    });
    assert_eq!(pump.rest(), Rest::Until(pump.next_deadline().unwrap()), "there is work for the next turn");
    assert_eq!(pump.cancel(first), Cancelled::Pending);
    pump.turn(Budget::no_wait()).unwrap();
    assert_eq!(pump.cancel(second), Cancelled::Pending);
    assert_eq!(outcome(&mut pump, third).unwrap().canonical_name, format!("host{}", HOSTS_LINES - 1));
    assert!(pump.next_message().is_none());
    assert_eq!(pump.metrics().operations, 0);
}
