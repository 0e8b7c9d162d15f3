//! The pump in somebody else's loop: turn, take, rest, and sleep on its descriptor.

use std::thread;
use std::time::{Duration, Instant};

use msgpump::{Budget, Filter, HostQuery, Kind, Payload, Pump, ResolverConfig, Rest, Timer, Turn};

use crate::support::host::{poll_readable, sleep};
use crate::support::wire::Reply;
use crate::support::{LONG, NameServer, asking, pump, settings, start, turn_until};

/// Posts from another thread, and comes back when it is done.
fn post_from_elsewhere<T: Send + 'static>(pump: &Pump<T>, payloads: impl IntoIterator<Item = T> + Send + 'static) {
    let (poster, window) = (pump.poster(), pump.root_window());
    let thread = thread::spawn(move || {
        for payload in payloads {
            poster.post(window, payload).expect("there is room for a test's posts");
        }
    });
    thread.join().expect("posting does not panic");
}

/// A host that has posts, a timer and a lookup come to it, and sleeps in poll(2) between.
#[test]
fn a_host_loop_is_told_everything() {
    let server = NameServer::answering(|query| Reply::with_host(query, [192, 0, 2, 1], [1; 8]));
    let settings = settings().resolver(asking([&server])).unwrap();
    let mut pump = Pump::<u32>::with_settings(settings).unwrap();
    let window = pump.root_window();
    pump.set_timer(window, Timer::once(Duration::from_millis(5))).unwrap();
    start(&mut pump, HostQuery::by_name("host.example"));
    let poster = pump.poster();
    let thread = thread::spawn(move || (0..1000).for_each(|number| poster.post(window, number).unwrap()));

    let (mut posts, mut ticks, mut hosts) = (Vec::new(), 0, 0);
    loop {
        pump.turn(Budget::no_wait()).unwrap();
        while let Some(message) = pump.next_message() {
            match message.payload {
                Payload::Posted(number) => posts.push(number),
                Payload::Tick(_) => ticks += 1,
                Payload::Host(result) => hosts += result.unwrap().addresses.len() / 2,
                other => panic!("unexpected {:?}", other.kind()),
            }
        }
        if (posts.len(), ticks, hosts) == (1000, 1, 1) {
            break;
        }
        sleep(&mut pump);
    }
    thread.join().unwrap();
    assert!(posts.iter().copied().eq(0..1000));
    assert_eq!(pump.rest(), Rest::Forever);
    assert!(pump.metrics().turns < 2000, "some turns were for nothing; {pump:?}");
}

/// Otherwise a host would spin from the first post on.
#[test]
fn a_wake_up_that_was_taken_in_leaves_the_descriptor_unreadable() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    for round in 0..100 {
        post_from_elsewhere(&pump, [round]);
        assert!(poll_readable(&pump, LONG), "round {round}: a post wakes the host");
        pump.turn(Budget::no_wait()).unwrap();
        assert!(pump.next_message().is_some());
        assert_eq!(pump.rest(), Rest::Forever);
        assert!(!poll_readable(&pump, Duration::ZERO), "round {round}: nothing is left, but the host is woken");
    }
}

#[test]
fn a_post_after_rest_was_asked_wakes_the_host() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    for round in 0..100 {
        assert_eq!(pump.rest(), Rest::Forever);
        assert!(!poll_readable(&pump, Duration::ZERO));
        post_from_elsewhere(&pump, [round]);
        assert!(poll_readable(&pump, LONG), "round {round}");
        assert_eq!(pump.rest(), Rest::Ready, "and who asks again is told");
        pump.turn(Budget::no_wait()).unwrap();
        assert!(pump.next_message().is_some());
    }
}

#[test]
fn who_asks_twice_is_told_the_same() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    assert_eq!((pump.rest(), pump.rest()), (Rest::Forever, Rest::Forever));
    let timer = pump.set_timer(window, Timer::once(LONG)).unwrap();
    let Rest::Until(deadline) = pump.rest() else { panic!("a timer is set") };
    assert_eq!((pump.rest(), pump.next_deadline()), (Rest::Until(deadline), Some(deadline)));
    pump.post(window, 1).unwrap();
    assert_eq!((pump.rest(), pump.rest()), (Rest::Ready, Rest::Ready));
    // Looking takes nothing away.
    assert!(pump.peek_message().is_some());
    assert_eq!(pump.rest(), Rest::Ready);
    assert!(pump.next_message().is_some());
    pump.cancel(timer);
    assert_eq!(pump.rest(), Rest::Forever);
}

/// A message that waits is never slept over, however long the turn may wait.
#[test]
fn a_turn_does_not_wait_while_a_message_waits() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    pump.post(window, 1).unwrap();
    pump.post(window, 2).unwrap();
    for left in [2, 1] {
        pump.turn(Budget::wait_forever()).unwrap();
        assert_eq!(pump.metrics().queued, left);
        assert!(pump.next_message().is_some());
    }
    assert_eq!(pump.metrics().waits, 0);
}

/// A purged completion is no reason to be woken (nor is one that was never seen).
#[test]
fn what_was_cancelled_keeps_nobody_awake() {
    let mut pump = pump(ResolverConfig::default());
    let lookup = start(&mut pump, HostQuery::by_name("localhost"));
    assert_eq!(pump.rest(), Rest::Ready);
    pump.cancel(lookup);
    assert_eq!(pump.rest(), Rest::Forever);
    assert!(!poll_readable(&pump, Duration::ZERO));
}

/// A wake-up for nothing: the descriptor was readable, and all of it was cancelled meanwhile.
#[test]
fn a_turn_for_nothing_says_so() {
    let server = NameServer::answering(|query| Reply::with_host(query, [192, 0, 2, 1], [1; 8]));
    let mut pump = pump(asking([&server]));
    let lookup = start(&mut pump, HostQuery::by_name("host.example"));
    assert!(poll_readable(&pump, LONG), "the answer makes the descriptor readable");
    pump.cancel(lookup);
    assert!(matches!(pump.turn(Budget::no_wait()).unwrap(), Turn { taken_over: 0, more: false, .. }));
    assert!(pump.next_message().is_none());
    assert_eq!(pump.rest(), Rest::Forever);
    assert!(!poll_readable(&pump, Duration::ZERO));
}

/// The reason for sleeping changes while the host thinks: only its last question counts.
#[test]
fn what_a_handler_starts_moves_the_deadline() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    pump.set_timer(window, Timer::once(LONG)).unwrap();
    let Rest::Until(late) = pump.rest() else { panic!("a timer is set") };
    let soon = pump.set_timer(window, Timer::once(Duration::from_millis(10))).unwrap();
    let Rest::Until(early) = pump.rest() else { panic!("a timer is set") };
    assert!(early < late);
    sleep(&mut pump);
    // poll(2) may end up to a millisecond before what it was asked for: then there is one more sleep.
    turn_until(&mut pump, "the earlier timer ticks", |pump| pump.rest() == Rest::Ready);
    assert_eq!(pump.next_message().unwrap().operation, Some(soon));
    assert!(Instant::now() < late);
}

#[test]
fn a_budget_bounds_what_one_turn_takes_over() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    post_from_elsewhere(&pump, 0..1000);
    let mut taken = Vec::new();
    for turn in 1.. {
        let Turn { taken_over, more, .. } = pump.turn(Budget::no_wait().messages(64)).unwrap();
        assert_eq!(more, turn < 16, "turn {turn}");
        assert_eq!(taken_over, if more { 64 } else { 1000 - 15 * 64 }, "turn {turn}");
        if turn % 2 == 0 {
            assert_eq!(pump.rest(), Rest::Ready, "turn {turn}");
        }
        while let Some(message) = pump.next_message() {
            let Payload::Posted(number) = message.payload else { panic!("only posts are here") };
            taken.push(number);
        }
        if !more {
            break;
        }
        assert_eq!(pump.rest(), Rest::Ready, "turn {turn}: more is there, though not in the queue");
    }
    assert!(taken.into_iter().eq(0..1000));
    assert_eq!(pump.rest(), Rest::Forever);
}

#[test]
fn a_turn_without_any_time_still_gets_on() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    post_from_elsewhere(&pump, 0..1000);
    for turns in 1.. {
        let Turn { taken_over, more, .. } = pump.turn(Budget::no_wait().time(Duration::ZERO)).unwrap();
        assert!(taken_over > 0);
        if !more {
            break;
        }
        assert!(turns < 1000);
    }
    assert_eq!(pump.metrics().queued, 1000);
}

/// The socket's readiness and the posts both have a share of a turn with a small budget.
#[test]
fn a_small_budget_leaves_ready_sockets_for_the_next_turn() {
    let server = NameServer::answering(|query| Reply::with_host(query, [192, 0, 2, 1], [1; 8]));
    let mut pump = pump(asking([&server]));
    for number in 0..20 {
        start(&mut pump, HostQuery::by_name(format!("host{number}.example")));
    }
    let mut hosts = 0;
    turn_until(&mut pump, "20 lookups end, one socket a turn", |pump| {
        let before = pump.metrics().queued;
        let turn = pump.turn(Budget::no_wait().messages(1)).unwrap();
        assert!(turn.taken_over <= 1 && pump.metrics().queued <= before + 1);
        while pump.next_message_for(Filter::any().kind(Kind::Host)).is_some() {
            hosts += 1;
        }
        hosts == 20
    });
}

#[test]
fn an_idle_pump_wakes_nobody() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    pump.set_timer(window, Timer::once(LONG)).unwrap();
    pump.turn(Budget::no_wait()).unwrap();
    let before = pump.metrics();
    assert!(!poll_readable(&pump, Duration::from_millis(50)));
    assert_eq!(pump.metrics(), before);
    // With nothing but a timer far away, a turn that may not wait asks the system nothing.
    for _ in 0..100 {
        pump.turn(Budget::no_wait()).unwrap();
    }
    assert_eq!(pump.metrics().waits, before.waits);
}
