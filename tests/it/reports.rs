//! What other event loops and resolvers were reported for, as tests that this one must pass.
//!
//! Each begins with the report. F-7 stands in `tests/allocation.rs`, F-11 in `descriptors.rs`, F-12 in
//! `dns/search.rs`.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use msgpump::dispatcher::Ended;
use msgpump::{
    Budget, Cancelled, Dispatcher, Family, HostQuery, LookupFailure, Message, Payload, PostRefusal, Pump, Rest,
    ServiceQuery, Timer, WindowId,
};

use crate::support::alone::{alone, descriptors, threads};
use crate::support::host::{poll_readable, sleep};
use crate::support::wire::{Query, Reply};
use crate::support::{
    Act, LONG, NameServer, PATIENCE, SHORT, asking, failure, outcome, pump, settings, start, turn_until,
};

/// How often a thread posts just when the pump goes to sleep.
const POSTS_INTO_SLEEP: u32 = 50_000;

fn answer(query: &Query) -> Reply {
    Reply::with_host(query, [192, 0, 2, 1], [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
}

fn v4(name: &str) -> HostQuery {
    HostQuery::by_name(name).family(Family::V4)
}

/// c-ares 1254, 1282, 1283: the answer is in the socket's buffer, a cancel comes, and the callback is
/// called twice.
#[test]
fn f01_an_answer_in_the_socket_of_a_cancelled_lookup_is_nothing() {
    let server = NameServer::start(|query| vec![answer(query).into(), answer(query).into()]);
    let mut pump = pump(asking([&server]));
    for _ in 0..100 {
        let (cancelled, kept) = (start(&mut pump, v4("host.example")), start(&mut pump, v4("other.example")));
        turn_until(&mut pump, "one answer is taken", |pump| pump.metrics().queued > 0);
        pump.cancel(cancelled);
        let told = pump.next_message().or_else(|| {
            turn_until(&mut pump, "the other answer", |pump| pump.peek_message().is_some());
            pump.next_message()
        });
        assert_eq!(told.unwrap().operation, Some(kept));
        pump.turn(Budget::no_wait()).unwrap();
        assert!(pump.next_message().is_none());

        let cancelled = start(&mut pump, v4("host.example"));
        assert!(poll_readable(&pump, LONG), "an answer is in the socket's buffer");
        assert_eq!(pump.cancel(cancelled), Cancelled::Pending);
        assert_eq!(pump.cancel(cancelled), Cancelled::Over);
        pump.turn(Budget::no_wait()).unwrap();
        assert!(pump.next_message().is_none());
        assert_eq!((pump.metrics().sockets, pump.metrics().operations), (0, 0));
    }
}

/// asio 878: a timer that has expired reports success after the handler before it cancelled it.
#[test]
fn f02_a_timer_that_is_due_and_cancelled_does_not_tick() {
    let mut pump = Pump::<()>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    for round in 0..100 {
        let timers = [(); 3].map(|()| pump.set_timer(window, Timer::once(Duration::ZERO)).unwrap());
        turn_until(&mut pump, "all are due", |pump| pump.rest() == Rest::Ready);
        assert_eq!(pump.next_message().unwrap().operation, Some(timers[0]), "round {round}");
        assert!(pump.peek_message().is_some());
        assert_eq!(pump.cancel(timers[1]), Cancelled::Pending);
        assert_eq!(pump.next_message().unwrap().operation, Some(timers[2]));
        assert!(pump.next_message().is_none());
    }
}

/// envoy 45058, 45105: each lookup that timed out leaves an object, and a completion that was posted
/// finds its resolver freed.
#[test]
fn f03_lookups_that_time_out_or_are_cancelled_leave_nothing() {
    let server = NameServer::silent();
    let mut pump = pump(asking([&server]).with_timeout(SHORT / 10));
    for round in 0..20 {
        assert_eq!(failure(&mut pump, &format!("host{round}.example")), LookupFailure::TimedOut);
        let lookup = start(&mut pump, v4("cancelled.example"));
        pump.cancel(lookup);
        let metrics = pump.metrics();
        assert_eq!((metrics.operations, metrics.sockets, metrics.queued), (0, 0, 0), "round {round}");
        assert_eq!(pump.rest(), Rest::Forever, "round {round}");
    }
}

/// The second half of it.
#[test]
fn f03_a_pump_may_end_with_anything_under_way() {
    let server = NameServer::silent();
    for _ in 0..20 {
        let mut pump = Pump::<String>::with_settings(settings().resolver(asking([&server])).unwrap()).unwrap();
        let window = pump.root_window();
        let poster = pump.poster();
        pump.lookup_service(window, ServiceQuery::by_name("https")).unwrap();
        start(&mut pump, v4("host.example"));
        poster.post(window, "in the inbox".into()).unwrap();
        pump.post(window, "in the queue".into()).unwrap();
        drop(pump);
        let refused = poster.post(window, "too late".into()).unwrap_err();
        assert_eq!((refused.refusal, refused.payload.as_str()), (PostRefusal::PumpGone, "too late"));
    }
}

/// libuv 1565, 3308: a host waits on the descriptor with the timeout that it was told before; what its
/// own handler starts meanwhile is not honoured.
#[test]
fn f04_what_a_handler_starts_is_honoured_in_the_next_sleep() {
    let server = NameServer::answering(answer);
    let mut pump = Pump::<u32>::with_settings(settings().resolver(asking([&server])).unwrap()).unwrap();
    let window = pump.root_window();
    for round in 0..20 {
        let poster = pump.poster();
        let thread = thread::spawn(move || poster.post(window, round).unwrap());
        // For good, but for the post.
        while sleep(&mut pump) != Rest::Ready && pump.turn(Budget::no_wait()).unwrap().taken_over == 0 {}
        pump.turn(Budget::no_wait()).unwrap();
        assert!(matches!(pump.next_message().unwrap().payload, Payload::Posted(number) if number == round));
        thread.join().unwrap();

        let timer = pump.set_timer(window, Timer::once(Duration::from_millis(2))).unwrap();
        let lookup = start(&mut pump, v4("host.example"));
        let mut ended = Vec::new();
        while ended.len() < 2 {
            sleep(&mut pump);
            pump.turn(Budget::no_wait()).unwrap();
            ended.extend(std::iter::from_fn(|| pump.next_message()).filter_map(|message| message.operation));
        }
        assert!(ended.contains(&timer) && ended.contains(&lookup), "round {round}");
    }
}

/// libuv 4245: a timer's handler sets it again with no delay, and the loop never leaves its timers.
#[test]
fn f05_a_timer_that_restarts_itself_at_once_starves_nobody() {
    let server = NameServer::answering(answer);
    let mut pump = Pump::<&str>::with_settings(settings().resolver(asking([&server])).unwrap()).unwrap();
    let window = pump.root_window();
    let poster = pump.poster();
    let lookup = start(&mut pump, v4("host.example"));
    let timer = pump.set_timer(window, Timer::once(Duration::ZERO)).unwrap();
    let thread = thread::spawn(move || poster.post(window, "from another thread").unwrap());
    let (mut timer, mut left, end) = (timer, 2, Instant::now() + PATIENCE);
    while left > 0 {
        assert!(Instant::now() < end, "the timer starves others; {pump:?}");
        let message = pump.get_message().unwrap().expect("nobody quits");
        match message.payload {
            Payload::Tick(_) if message.operation == Some(timer) => {
                timer = pump.set_timer(window, Timer::once(Duration::ZERO)).unwrap();
                assert!(pump.next_message().is_none_or(|next| next.operation != Some(timer)), "not in the same turn");
            }
            Payload::Tick(_) => panic!("a timer ticks that is over"),
            Payload::Posted(_) => left -= 1,
            Payload::Host(result) => {
                assert!(result.is_ok() && message.operation == Some(lookup));
                left -= 1;
            }
            other => panic!("unexpected {:?}", other.kind()),
        }
    }
    thread.join().unwrap();
}

/// calloop 109: a callback that registers another of its kind panics, something is borrowed still. Every
/// verb in every handler is tried in `dispatcher/matrix.rs`; here is all other code of the program that is called.
#[test]
fn f06_whatever_is_called_back_may_start_more_of_its_kind() {
    type Windows = Vec<WindowId>;
    fn handle(dispatcher: &mut Dispatcher<u32, Windows>, windows: &mut Windows, message: Message<u32>) {
        let Payload::Posted(left @ 1..) = message.payload else { return };
        let window = dispatcher.open_window(handle);
        windows.push(window);
        dispatcher.pump().post(window, left - 1).unwrap();
        let seen = windows.len();
        // The condition, too, may do anything.
        let ended = dispatcher.run_until(windows, |dispatcher, windows| {
            let window = dispatcher.open_window(handle);
            dispatcher.pump().set_timer(window, Timer::once(Duration::ZERO)).unwrap();
            dispatcher.set_procedure(window, handle).unwrap();
            windows.push(window);
            left == 1 || windows.len() > 2 * seen
        });
        assert_eq!(ended.unwrap(), Ended::Over);
        if let Some(window) = windows.pop() {
            dispatcher.destroy_window(window).unwrap();
        }
    }
    let mut dispatcher = Dispatcher::new(Pump::<u32>::with_settings(settings()).unwrap());
    let window = dispatcher.open_window(handle);
    dispatcher.pump().post(window, 5).unwrap();
    let mut windows = Windows::new();
    let mut dispatched = 0;
    while dispatched == 0 || dispatcher.pump().rest() == Rest::Ready {
        dispatched += dispatcher.dispatch_pending(&mut windows, Budget::no_wait()).unwrap().dispatched;
    }
    assert!(windows.len() > 5);
    for window in windows {
        dispatcher.destroy_window(window).unwrap();
    }
    assert_eq!((dispatcher.unclaimed(), dispatcher.pump().metrics().timers), (0, 0));
}

/// winit 266, 1340: a post that comes between the last look and the sleep does not end the sleep.
#[test]
fn f08_a_post_just_before_the_sleep_ends_it() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    let poster = pump.poster();
    let (go, going) = mpsc::channel::<u32>();
    let thread = thread::spawn(move || {
        for number in going {
            // So that the post comes sometimes before the sleep, sometimes within, sometimes between.
            for _ in 0..number % 512 {
                std::hint::spin_loop();
            }
            poster.post(window, number).unwrap();
        }
    });
    let lost = pump.set_timer(window, Timer::once(PATIENCE)).unwrap();
    for number in 0..POSTS_INTO_SLEEP {
        go.send(number).unwrap();
        if number % 2 == 0 {
            // The pump owns the loop.
            let message = pump.get_message().unwrap().expect("nobody quits");
            assert_ne!(message.operation, Some(lost), "post {number} did not end the sleep");
            assert!(matches!(message.payload, Payload::Posted(posted) if posted == number));
        } else {
            // A host does.
            let message = loop {
                pump.turn(Budget::no_wait()).unwrap();
                if let Some(message) = pump.next_message() {
                    break message;
                }
                sleep(&mut pump);
            };
            assert_ne!(message.operation, Some(lost), "post {number} did not end the sleep");
        }
        if number % 1000 == 0 {
            pump.reset_timer(lost, Timer::once(PATIENCE)).unwrap();
        }
    }
    drop(go);
    thread.join().unwrap();
}

/// winit 4183, smithay 366: events are in the library's own buffer while the host sleeps on the
/// descriptor.
#[test]
fn f09_a_host_is_not_let_sleep_over_messages() {
    let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    let poster = pump.poster();
    thread::spawn(move || (0..2).for_each(|number| poster.post(window, number).unwrap())).join().unwrap();
    assert!(poll_readable(&pump, LONG));
    pump.turn(Budget::no_wait()).unwrap();
    assert!(pump.next_message().is_some());
    assert_eq!(pump.rest(), Rest::Ready, "the other one is in the queue");
    assert!(pump.next_message().is_some());
    assert_eq!(pump.rest(), Rest::Forever);
}

/// As above, where what was read from the system is not worked on: the budget of the turn was over.
#[test]
fn f09_a_host_is_not_let_sleep_over_sockets_that_are_ready() {
    let server = NameServer::start(|query| vec![Act::Hold, answer(query).into()]);
    let mut pump = pump(asking([&server]));
    for number in 0..10 {
        start(&mut pump, v4(&format!("host{number}.example")));
    }
    turn_until(&mut pump, "all are asked", |_| server.holding() == 10);
    while server.release() {}
    let mut hosts = 0;
    while hosts < 10 {
        let turn = pump.turn(Budget::no_wait().messages(1)).unwrap();
        while pump.next_message().is_some() {
            hosts += 1;
        }
        assert_eq!(pump.rest() == Rest::Ready, turn.more, "{hosts} hosts are told");
        if hosts < 10 {
            sleep(&mut pump);
        }
    }
    assert_eq!(pump.rest(), Rest::Forever);
}

/// curl 8515: to remove a transfer blocks the main loop while its name server is dead.
#[test]
fn f10_cancel_and_drop_wait_for_no_name_server() {
    alone(f10_cancel_and_drop_wait_for_no_name_server, || {
        let dead = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let before = (threads(), descriptors());
        let mut pump = pump(crate::support::asking_at([dead.local_addr().unwrap()]));
        let lookups: Vec<_> = (0..200).map(|number| start(&mut pump, v4(&format!("host{number}.example")))).collect();
        pump.turn(Budget::no_wait()).unwrap();
        assert_eq!(pump.metrics().sockets, 200);
        assert_eq!(threads(), before.0, "nobody else works for the pump");
        for lookup in &lookups[..100] {
            assert_eq!(pump.cancel(*lookup), Cancelled::Pending);
        }
        assert_eq!((pump.metrics().sockets, pump.metrics().operations), (100, 100));
        drop(pump);
        assert_eq!((threads(), descriptors()), before);
    });
}

/// The other side of F-1: whatever a server sends, an operation ends once.
#[test]
fn f01_many_answers_make_one_message() {
    let server = NameServer::start(|query| (0..20).map(|_| answer(query).into()).collect());
    let mut pump = pump(asking([&server]));
    for _ in 0..20 {
        let lookup = start(&mut pump, HostQuery::by_name("host.example"));
        assert_eq!(outcome(&mut pump, lookup).unwrap().addresses.len(), 2);
        pump.turn(Budget::no_wait()).unwrap();
        assert!(pump.next_message().is_none());
    }
}
