//! What the pump allocates and asks the system for, counted.
//!
//! A program of its own, because the allocator that counts is for the whole program. It counts each
//! thread for itself, so the tests do not disturb each other.

use std::net::UdpSocket;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use msgpump::{
    Budget, Cancelled, Dispatcher, Filter, HostQuery, Kind, Payload, ProtocolQuery, Pump, ResolverConfig, ServiceQuery,
    Settings, Timer,
};

/// As many as a queue holds by default.
const MESSAGES: u64 = 10_000;

/// How often something is started and cancelled that must leave nothing.
const CYCLES: usize = 1_000_000;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// A pump that asks a name server which never answers, and reads no file of this machine.
fn pump<T>() -> (Pump<T>, UdpSocket) {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let nowhere = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    let config = ResolverConfig::new([silent.local_addr().expect("it is bound")]).with_timeout(Duration::from_secs(30));
    let settings = Settings::default()
        .resolver(config)
        .expect("the configuration is within its limits")
        .hosts_file(nowhere.join("hosts"))
        .services_file(nowhere.join("services"))
        .protocols_file(nowhere.join("protocols"));
    (Pump::with_settings(settings).expect("descriptors are left"), silent)
}

/// Does it once to make room for what it holds, and counts what it allocates the second time.
fn allocations(mut action: impl FnMut()) -> AllocationInfo {
    action();
    measure(action)
}

#[track_caller]
fn assert_no_allocations(action: impl FnMut()) {
    let counted = allocations(action);
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn a_counter_that_counts() {
    assert_ne!(allocations(|| drop(Box::new(7))).count_total, 0);
}

#[test]
fn post_peek_and_take_allocate_nothing() {
    let (mut pump, _silent) = pump::<u64>();
    let window = pump.open_window();
    assert_no_allocations(|| {
        for number in 0..MESSAGES {
            pump.post(window, number).expect("the queue has room");
        }
        assert!(pump.peek_message_for(Filter::any().window(window)).is_some());
        for _ in 0..MESSAGES {
            assert!(pump.peek_message().is_some());
            assert!(pump.next_message().is_some());
        }
    });
}

#[test]
fn get_message_and_filters_allocate_nothing() {
    let (mut pump, _silent) = pump::<u64>();
    let window = pump.open_window();
    assert_no_allocations(|| {
        for number in 0..100 {
            pump.post(window, number).expect("the queue has room");
        }
        for number in (0..100).rev() {
            let filter = Filter::any().window(window).kind(Kind::Posted);
            let message = match number % 3 {
                0 => pump.next_posted(|&posted| posted == number),
                1 => pump.next_message_for(filter),
                _ => pump.get_message_for(filter).expect("the system works"),
            };
            assert!(message.is_some() || number % 3 == 0);
        }
        while pump.next_message().is_some() {}
    });
}

/// The same thread plays the other one: a poster does not know the difference.
#[test]
fn posts_of_other_threads_allocate_nothing() {
    let (mut pump, _silent) = pump::<u64>();
    let (window, poster) = (pump.open_window(), pump.poster());
    // Twice for each of the two lists that are swapped.
    for _ in 0..2 {
        (0..MESSAGES).for_each(|number| poster.post(window, number).expect("the inbox has room"));
        while pump.turn(Budget::no_wait()).expect("the system works").more {}
        while pump.next_message().is_some() {}
    }
    assert_no_allocations(|| {
        (0..MESSAGES).for_each(|number| poster.post(window, number).expect("the inbox has room"));
        while pump.turn(Budget::no_wait()).expect("the system works").more {}
        for _ in 0..MESSAGES {
            assert!(pump.next_message().is_some());
        }
    });
}

#[test]
fn timers_allocate_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    let mut timers = Vec::with_capacity(1000);
    assert_no_allocations(|| {
        for number in 0..1000 {
            let timer = if number % 2 == 0 { Timer::once(LONG) } else { Timer::every(LONG) };
            timers.push(pump.set_timer(window, timer).expect("the window is open"));
        }
        for (number, &timer) in timers.iter().enumerate() {
            let again = if number % 4 < 2 { Timer::once(LONG) } else { Timer::every(LONG / 2) };
            pump.reset_timer(timer, again).expect("it lives");
        }
        for timer in timers.drain(..) {
            assert_eq!(pump.cancel(timer), Cancelled::Pending);
        }
    });
}

#[test]
fn ticks_allocate_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    assert_no_allocations(|| {
        for _ in 0..100 {
            pump.set_timer(window, Timer::once(Duration::ZERO)).expect("the window is open");
        }
        let mut ticks = 0;
        while ticks < 100 {
            pump.turn(Budget::wait(LONG)).expect("the system works");
            while pump.next_message().is_some() {
                ticks += 1;
            }
        }
    });
}

/// Not the start, which keeps the answer: the cancel.
#[test]
fn cancel_of_a_queued_completion_allocates_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let (window, group) = (pump.open_window(), pump.open_group());
    let start = |pump: &mut Pump<()>| {
        let lookups = [(); 3].map(|()| {
            pump.lookup_service(window.in_group(group), ServiceQuery::by_name("https")).expect("the window is open")
        });
        lookups[0]
    };
    let lookup = start(&mut pump);
    let counted = measure(|| {
        assert_eq!(pump.cancel(lookup), Cancelled::Queued(1));
        assert_eq!(pump.cancel(lookup), Cancelled::Over);
        assert_eq!(pump.cancel_group(group).messages(), 2);
    });
    assert_eq!(counted.count_total, 0, "{counted:?}");
    start(&mut pump);
    let counted = measure(|| assert_eq!(pump.destroy_window(window).expect("it is open").messages(), 3));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

#[test]
fn cancel_of_a_lookup_under_way_allocates_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    for round in 0..3 {
        let lookups = ["a.example", "a.example", "b.example"]
            .map(|name| pump.lookup_host(window, HostQuery::by_name(name).streamed()).expect("there is room"));
        assert_eq!(pump.metrics().sockets, 2);
        let counted =
            measure(|| lookups.iter().for_each(|&lookup| assert_eq!(pump.cancel(lookup), Cancelled::Pending)));
        assert_eq!((counted.count_total, pump.metrics().sockets), (0, 0), "round {round}: {counted:?}");
    }
}

#[test]
fn a_turn_for_nothing_allocates_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    pump.set_timer(window, Timer::once(LONG)).expect("the window is open");
    assert_no_allocations(|| {
        for _ in 0..100 {
            pump.turn(Budget::no_wait()).expect("the system works");
            assert!(pump.next_message().is_none());
            let _ = (pump.rest(), pump.next_deadline(), pump.metrics());
        }
    });
    // With a socket open it asks the system, which has nothing to say.
    pump.lookup_host(window, HostQuery::by_name("host.example")).expect("there is room");
    assert_no_allocations(|| _ = pump.turn(Budget::no_wait()).expect("the system works"));
}

/// Without a socket there is nobody but other threads to ask, and those say so by a flag.
#[test]
fn messages_from_this_thread_cost_no_system_call() {
    let (mut pump, _silent) = pump::<u64>();
    let window = pump.open_window();
    for number in 0..MESSAGES {
        pump.post(window, number).expect("the queue has room");
    }
    for expected in 0..MESSAGES {
        let message = pump.get_message().expect("the system works").expect("nobody quits");
        assert!(matches!(message.payload, Payload::Posted(number) if number == expected));
    }
    let metrics = pump.metrics();
    assert_eq!((metrics.messages, metrics.waits, metrics.wakes), (MESSAGES, 0, 0));
    assert!(metrics.turns >= MESSAGES / 64 - 1, "others had their turn: {metrics:?}");
}

#[test]
fn a_turn_with_nothing_registered_costs_no_system_call() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    for _ in 0..1000 {
        pump.turn(Budget::no_wait()).expect("the system works");
    }
    pump.set_timer(window, Timer::once(LONG)).expect("the window is open");
    for _ in 0..1000 {
        pump.turn(Budget::no_wait()).expect("the system works");
    }
    assert_eq!((pump.metrics().turns, pump.metrics().waits), (2000, 0));
}

/// One for each turn, however many there are.
#[test]
fn a_turn_with_sockets_costs_one_system_call() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    for number in 0..100 {
        pump.lookup_host(window, HostQuery::by_name(format!("host{number}.example"))).expect("there is room");
    }
    assert_eq!(pump.metrics().sockets, 100);
    for _ in 0..100 {
        pump.turn(Budget::no_wait()).expect("the system works");
    }
    assert_eq!((pump.metrics().turns, pump.metrics().waits), (100, 100));
}

/// Does `cycle` a thousand times and then a million times: what is held afterwards is the same.
#[track_caller]
fn assert_flat(mut cycle: impl FnMut(usize)) {
    const WARM_UP: usize = 1000;
    (0..WARM_UP).for_each(&mut cycle);
    let counted = measure(|| (WARM_UP..CYCLES).for_each(&mut cycle));
    assert_eq!((counted.count_current, counted.bytes_current), (0, 0), "{counted:?}");
}

/// calloop 238, niri 3439: entries of cancelled timers stay, and the loop slows down over days.
#[test]
fn f07_timers_set_and_killed_leave_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    let kept = pump.set_timer(window, Timer::every(LONG)).expect("the window is open");
    assert_flat(|number| {
        let timer = if number % 2 == 0 { Timer::once(LONG) } else { Timer::every(LONG) };
        let timer = pump.set_timer(window, timer).expect("the window is open");
        let again = if number % 3 == 0 { Timer::once(LONG) } else { Timer::every(LONG) };
        pump.reset_timer(kept, again).expect("it lives");
        assert_eq!(pump.cancel(timer), Cancelled::Pending);
    });
    assert_eq!((pump.metrics().timers, pump.metrics().operations), (1, 1));
}

#[test]
fn f07_lookups_started_and_cancelled_leave_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    assert_flat(|number| {
        let lookup = match number % 3 {
            0 => pump.lookup_service(window, ServiceQuery::by_port(443)),
            1 => pump.lookup_service(window, ServiceQuery::by_name("no such service")),
            _ => Ok(pump.lookup_protocol(window, ProtocolQuery::by_number(6)).expect("the window is open")),
        };
        assert_eq!(pump.cancel(lookup.expect("the window is open")), Cancelled::Queued(1));
    });
    assert_eq!((pump.metrics().queued, pump.metrics().operations), (0, 0));
}

/// Less often: each opens a socket and closes it.
#[test]
fn f07_questions_asked_and_cancelled_leave_nothing() {
    let (mut pump, _silent) = pump::<()>();
    let window = pump.open_window();
    let mut cycle = |number: usize| {
        let name = format!("host{}.example", number % 10);
        let lookups = [(); 2].map(|()| pump.lookup_host(window, HostQuery::by_name(&name)).expect("there is room"));
        if number.is_multiple_of(10) {
            pump.turn(Budget::no_wait()).expect("the system works");
        }
        lookups.iter().for_each(|&lookup| assert_eq!(pump.cancel(lookup), Cancelled::Pending));
    };
    (0..1000).for_each(&mut cycle);
    let counted = measure(|| (0..20_000).for_each(&mut cycle));
    assert_eq!((counted.count_current, counted.bytes_current), (0, 0), "{counted:?}");
    assert_eq!((pump.metrics().sockets, pump.metrics().operations), (0, 0));
}

/// Windows and groups come and go, and what is in them with them.
#[test]
fn f07_windows_and_groups_leave_nothing() {
    let (mut pump, _silent) = pump::<u64>();
    let mut cycle = |number: u64| {
        let (window, group) = (pump.open_window(), pump.open_group());
        pump.post(window, number).expect("the queue has room");
        pump.set_timer(window.in_group(group), Timer::once(LONG)).expect("both are open");
        pump.lookup_protocol(window, ProtocolQuery::by_number(17)).expect("the window is open");
        assert_eq!(pump.close_group(group).expect("it is open").pending(), 1);
        assert_eq!(pump.destroy_window(window).expect("it is open").messages(), 2);
    };
    (0..1000).for_each(&mut cycle);
    let counted = measure(|| (0..100_000).for_each(&mut cycle));
    assert_eq!((counted.count_current, counted.bytes_current), (0, 0), "{counted:?}");
}

#[test]
fn dispatching_allocates_nothing() {
    let (pump, _silent) = pump::<u64>();
    let mut dispatcher = Dispatcher::<u64, u64>::new(pump);
    let inner = dispatcher.open_window(|_, sum, _| *sum += 1);
    // With a nested loop, so that two are in hand.
    let outer = dispatcher.open_window(move |dispatcher, sum, _| {
        let seen = *sum;
        dispatcher.pump().post(inner, 0).expect("the queue has room");
        dispatcher.run_until(sum, |_, sum| *sum > seen).expect("the system works");
    });
    let mut sum = 0;
    assert_no_allocations(|| {
        for number in 0..100 {
            dispatcher.pump().post(outer, number).expect("the queue has room");
        }
        dispatcher.run_until(&mut sum, |_, sum| sum.is_multiple_of(100) && *sum > 0).expect("the system works");
        sum = 0;
    });
}
