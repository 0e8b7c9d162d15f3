//! The pump in a loop that knows its descriptor and nothing else.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use msgpump::{
    Budget, Cancelled, Connect, Dispatcher, HostQuery, Hosted, Interest, Kind, Listen, Message, OperationId, Payload,
    Poster, Pump, Rest, ServiceQuery, StreamSettings, Timer, WindowId, items,
};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::support::alone::alone;
use crate::support::host::poll_readable;
use crate::support::wire::Reply;
use crate::support::{LONG, NameServer, PATIENCE, asking, settings};

/// Long enough for a needless wake-up to come, short enough to wait for in vain.
const A_WHILE: Duration = Duration::from_millis(40);

fn hosted() -> Hosted<u32> {
    Hosted::with_settings(settings()).expect("descriptors are left")
}

fn start_timer(hosted: &mut Hosted<u32>, timer: Timer) -> OperationId {
    let mut pump = hosted.lend();
    let window = pump.root_window();
    pump.set_timer(window, timer).expect("there is room for a timer")
}

fn poster_of(hosted: &mut Hosted<u32>) -> (Poster<u32>, WindowId) {
    let pump = hosted.lend();
    (pump.poster(), pump.root_window())
}

/// One round of a host that takes whatever there is.
fn turn_and_take(hosted: &mut Hosted<u32>) -> Vec<Message<u32>> {
    let mut pump = hosted.lend();
    pump.turn(Budget::no_wait()).expect("the system's wait works");
    std::iter::from_fn(|| pump.next_message()).collect()
}

/// Hosts the pump until `count` messages have come.
#[track_caller]
fn take(hosted: &mut Hosted<u32>, count: usize) -> Vec<Message<u32>> {
    let mut messages = Vec::new();
    while messages.len() < count {
        assert!(poll_readable(hosted, PATIENCE), "the host was never woken; {messages:?} {hosted:?}");
        messages.extend(turn_and_take(hosted));
    }
    messages
}

/// The descriptor says what there is to do, and a host that obeys it finds nothing more.
#[track_caller]
fn assert_at_rest(hosted: &Hosted<u32>) {
    assert!(!poll_readable(hosted, Duration::ZERO), "the host is woken for nothing; {hosted:?}");
}

#[test]
fn posts_ticks_and_answers_come_to_a_host_that_only_waits_for_the_descriptor() {
    let server = NameServer::answering(|query| Reply::with_host(query, [192, 0, 2, 1], [1; 8]));
    let mut hosted = Hosted::with_settings(settings().resolver(asking([&server])).unwrap()).unwrap();
    start_timer(&mut hosted, Timer::every(Duration::from_millis(3)));
    start_timer(&mut hosted, Timer::once(Duration::from_micros(300)));
    let (poster, window) = poster_of(&mut hosted);
    hosted.lend().lookup_host(window, HostQuery::by_name("host.example")).unwrap();
    let thread = thread::spawn(move || (0..1000).for_each(|number| poster.post(window, number).unwrap()));
    let (mut posts, mut ticks, mut hosts) = (Vec::new(), 0, 0);
    while posts.len() < 1000 || ticks < 6 || hosts < 1 {
        for message in take(&mut hosted, 1) {
            match message.payload {
                Payload::Posted(number) => posts.push(number),
                Payload::Tick(_) => ticks += 1,
                Payload::Host(result) => hosts += result.unwrap().addresses.len() / 2,
                other => panic!("unexpected {:?}", other.kind()),
            }
        }
    }
    thread.join().unwrap();
    assert!(posts.iter().copied().eq(0..1000));
}

/// Whatever is started between turns, by code that has nothing to do with them.
#[test]
fn every_verb_that_gives_the_pump_something_to_do_makes_the_descriptor_readable() {
    type Verb = (&'static str, fn(&mut Pump<u32>), Kind);
    let verbs: &[Verb] = &[
        ("post", |pump| pump.post(pump.root_window(), 1).unwrap(), Kind::Posted),
        ("set_timer", |pump| _ = pump.set_timer(pump.root_window(), Timer::once(Duration::ZERO)).unwrap(), Kind::Tick),
        (
            "an earlier timer",
            |pump| {
                let window = pump.root_window();
                pump.set_timer(window, Timer::once(Duration::from_micros(700))).unwrap();
            },
            Kind::Tick,
        ),
        (
            "reset_timer",
            |pump| {
                let window = pump.root_window();
                let timer = pump.set_timer(window, Timer::once(LONG)).unwrap();
                pump.reset_timer(timer, Timer::at(Instant::now())).unwrap();
            },
            Kind::Tick,
        ),
        (
            "lookup_service",
            |pump| {
                pump.lookup_service(pump.root_window(), ServiceQuery::by_name("https")).unwrap();
            },
            Kind::Service,
        ),
        (
            "lookup_host",
            |pump| {
                pump.lookup_host(pump.root_window(), HostQuery::by_name("localhost")).unwrap();
            },
            Kind::Host,
        ),
        (
            "start_external",
            |pump| {
                let (_, completer) = pump.start_external::<u32>(pump.root_window()).unwrap();
                completer.complete(1).unwrap();
            },
            Kind::External,
        ),
        (
            "start_stream",
            |pump| {
                pump.start_stream(pump.root_window(), items(0..3), StreamSettings::default()).unwrap();
            },
            Kind::Batch,
        ),
        ("quit", |pump| pump.quit(0), Kind::Quit),
    ];
    for (name, verb, kind) in verbs {
        let mut hosted = hosted();
        // There is something later to wait for, so the descriptor must be told of something earlier.
        start_timer(&mut hosted, Timer::once(LONG));
        assert_at_rest(&hosted);
        verb(&mut hosted.lend());
        let messages = take(&mut hosted, 1);
        assert_eq!(messages[0].payload.kind(), *kind, "{name}");
        while poll_readable(&hosted, Duration::ZERO) {
            turn_and_take(&mut hosted);
        }
    }
}

/// Sockets are told of edges inside; what is armed again must be told by level.
#[test]
fn a_watched_source_that_is_armed_again_makes_the_descriptor_readable() {
    let mut hosted = hosted();
    let (mut theirs, ours) = UnixStream::pair().unwrap();
    let watch = {
        let pump = &mut *hosted.lend();
        pump.watch_descriptor(pump.root_window(), &ours, Interest::READABLE).unwrap()
    };
    assert_at_rest(&hosted);
    theirs.write_all(b"ab").unwrap();
    for round in 0..3 {
        let messages = take(&mut hosted, 1);
        assert!(matches!(messages[0].payload, Payload::Ready(ready) if ready.is_readable()), "round {round}");
        assert_at_rest(&hosted);
        // Still unread.
        hosted.lend().rearm(watch, Interest::READABLE).unwrap();
    }
    hosted.lend().cancel(watch);
    assert_at_rest(&hosted);
}

#[test]
fn a_connection_is_made_and_taken_through_the_descriptor_alone() {
    let mut hosted = hosted();
    {
        let pump = &mut *hosted.lend();
        let window = pump.root_window();
        let listening = pump.listen(window, Listen::on(([127, 0, 0, 1], 0))).unwrap();
        let address = pump.listening_address(listening).unwrap();
        pump.connect(window, Connect::to(address.to_string())).unwrap();
    }
    let mut kinds: Vec<_> = take(&mut hosted, 2).iter().map(|message| message.payload.kind()).collect();
    kinds.sort_by_key(|&kind| kind != Kind::Connected);
    assert_eq!(kinds, [Kind::Connected, Kind::Accepted]);
    assert_at_rest(&hosted);
}

#[test]
fn the_descriptor_stays_readable_until_the_last_message_is_taken() {
    let mut hosted = hosted();
    {
        let mut pump = hosted.lend();
        let window = pump.root_window();
        (0..3).for_each(|number| pump.post(window, number).unwrap());
    }
    for left in [2, 1, 0] {
        for _ in 0..2 {
            assert!(poll_readable(&hosted, PATIENCE));
            // Its readiness may have been taken in, by this turn, and the messages are still there.
            hosted.lend().turn(Budget::no_wait()).unwrap();
        }
        assert!(poll_readable(&hosted, PATIENCE));
        assert!(hosted.lend().next_message().is_some());
        assert_eq!(hosted.lend().metrics().queued, left);
    }
    assert_at_rest(&hosted);
}

/// A message of another thread is taken in by a turn whose budget is too small for all of them.
#[test]
fn what_a_small_budget_left_keeps_the_descriptor_readable() {
    let mut hosted = hosted();
    let (poster, window) = poster_of(&mut hosted);
    thread::spawn(move || (0..100).for_each(|number| poster.post(window, number).unwrap())).join().unwrap();
    let mut taken = Vec::new();
    while taken.len() < 100 {
        assert!(poll_readable(&hosted, PATIENCE), "{} of 100 came", taken.len());
        let mut pump = hosted.lend();
        pump.turn(Budget::no_wait().messages(7)).unwrap();
        taken.extend(std::iter::from_fn(|| pump.next_message()));
    }
    assert_eq!(taken.len(), 100);
    assert_at_rest(&hosted);
}

/// Sockets that were ready in one wait, and are worked on in several turns, which need not ask the system again.
#[test]
fn what_a_small_budget_left_is_a_new_edge() {
    const PIPES: usize = 20;
    let mut hosted = hosted();
    let queue = epoll::create(CreateFlags::CLOEXEC).unwrap();
    epoll::add(&queue, &hosted, EventData::new_u64(0), EventFlags::IN | EventFlags::ET).unwrap();
    let mut pipes: Vec<_> = (0..PIPES).map(|_| std::io::pipe().unwrap()).collect();
    for (reader, writer) in &mut pipes {
        let mut pump = hosted.lend();
        let window = pump.root_window();
        pump.watch_descriptor(window, &*reader, Interest::READABLE).unwrap();
        writer.write_all(b"x").unwrap();
    }
    let mut taken = 0;
    while taken < PIPES {
        assert!(is_told(&queue, PATIENCE), "{taken} of {PIPES} came");
        let mut pump = hosted.lend();
        pump.turn(Budget::no_wait().messages(1)).unwrap();
        taken += std::iter::from_fn(|| pump.next_message()).count();
    }
    assert_at_rest(&hosted);
}

#[test]
fn what_was_cancelled_wakes_no_host() {
    let mut hosted = hosted();
    for delay in [Duration::ZERO, Duration::from_millis(5)] {
        let timer = start_timer(&mut hosted, Timer::once(delay));
        assert_eq!(hosted.lend().cancel(timer), Cancelled::Pending);
        assert!(!poll_readable(&hosted, A_WHILE), "a timer of {delay:?} was cancelled");
    }
    {
        let mut pump = hosted.lend();
        let window = pump.root_window();
        pump.post(window, 1).unwrap();
        assert_eq!(pump.purge_posts(window, |_| true), 1);
    }
    assert_at_rest(&hosted);
}

/// A timer that is put off counts from where it is now.
#[test]
fn a_deadline_that_moved_away_wakes_no_host() {
    let mut hosted = hosted();
    let timer = start_timer(&mut hosted, Timer::once(Duration::from_millis(5)));
    hosted.lend().reset_timer(timer, Timer::once(LONG)).unwrap();
    assert!(!poll_readable(&hosted, A_WHILE));
}

#[test]
fn a_tick_is_never_early_and_each_wakes_the_host_once() {
    let mut hosted = hosted();
    let (mut wakes, rounds) = (0, 20);
    for _ in 0..rounds {
        let deadline = Instant::now() + Duration::from_micros(1500);
        start_timer(&mut hosted, Timer::at(deadline));
        loop {
            assert!(poll_readable(&hosted, PATIENCE));
            wakes += 1;
            if !turn_and_take(&mut hosted).is_empty() {
                break;
            }
        }
        assert!(Instant::now() >= deadline);
        assert_at_rest(&hosted);
    }
    assert_eq!(wakes, rounds, "each tick is one wake-up");
}

#[test]
fn an_idle_pump_wakes_no_host() {
    let mut hosted = hosted();
    start_timer(&mut hosted, Timer::once(LONG));
    let before = hosted.lend().metrics();
    assert!(!poll_readable(&hosted, A_WHILE));
    assert_eq!(hosted.lend().metrics(), before);
}

/// What comes and is not asked for wakes the host once, not each time that there is more of it.
#[test]
fn a_source_that_nobody_arms_again_keeps_no_host_awake() {
    let mut hosted = hosted();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let watch = {
        let mut pump = hosted.lend();
        let window = pump.root_window();
        pump.watch_descriptor(window, &ours, Interest::READABLE).unwrap()
    };
    for _ in 0..3 {
        theirs.write_all(b"x").unwrap();
        assert_eq!(take(&mut hosted, 1).len(), 1);
        theirs.write_all(b"x").unwrap();
        assert!(turn_and_take(&mut hosted).is_empty());
        for _ in 0..3 {
            theirs.write_all(b"x").unwrap();
            assert_at_rest(&hosted);
        }
        hosted.lend().rearm(watch, Interest::READABLE).unwrap();
        assert_eq!(take(&mut hosted, 1).len(), 1, "it is told by level");
        hosted.lend().rearm(watch, Interest::READABLE).unwrap();
        turn_and_take(&mut hosted);
        hosted.lend().rearm(watch, Interest::READABLE).unwrap();
    }
    assert!(hosted.lend().release(watch).is_some());
    theirs.write_all(b"x").unwrap();
    assert_at_rest(&hosted);
}

/// An outer wait that is edge-triggered tells of a change alone: each one must be a new edge.
/// Otherwise the host would turn the pump again and again until that thread is given a processor.
#[test]
fn a_thread_that_was_interrupted_while_it_woke_the_pump_keeps_no_host_awake() {
    let (sent, is_sent) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    // The pump is woken by now, and its thread has nothing to say of it yet.
    let may_go_on = Mutex::new(may_go_on);
    let interrupted = move || {
        sent.send(()).unwrap();
        may_go_on.lock().unwrap().recv_timeout(PATIENCE).unwrap();
    };
    let mut hosted = Hosted::<u32>::with_settings(settings().host_waker(interrupted)).unwrap();
    let (poster, window) = poster_of(&mut hosted);
    let thread = thread::spawn(move || poster.post(window, 7));
    is_sent.recv_timeout(PATIENCE).unwrap();
    assert!(poll_readable(&hosted, Duration::ZERO), "the post has woken the pump");
    assert_eq!(turn_and_take(&mut hosted).len(), 1);
    assert_at_rest(&hosted);
    go_on.send(()).unwrap();
    thread.join().unwrap().unwrap();
    assert!(turn_and_take(&mut hosted).is_empty());
    assert_at_rest(&hosted);
}

#[test]
fn an_edge_triggered_host_is_told_each_time() {
    let mut hosted = hosted();
    let queue = epoll::create(CreateFlags::CLOEXEC).unwrap();
    epoll::add(&queue, &hosted, EventData::new_u64(0), EventFlags::IN | EventFlags::ET).unwrap();
    for round in 0..50 {
        match round % 3 {
            0 => _ = start_timer(&mut hosted, Timer::once(Duration::from_micros(500))),
            1 => {
                let mut pump = hosted.lend();
                let window = pump.root_window();
                pump.post(window, round).unwrap();
            }
            _ => {
                let (poster, window) = poster_of(&mut hosted);
                thread::spawn(move || poster.post(window, round).unwrap()).join().unwrap();
            }
        }
        assert!(is_told(&queue, PATIENCE), "round {round}");
        // It does what a host must that is told of edges only: all there is.
        assert_eq!(turn_and_take(&mut hosted).len(), 1, "round {round}");
    }
    assert_at_rest(&hosted);
}

/// More sockets are ready than one wait of the system's brings back.
const CROWD: usize = 1100;

/// What one turn cannot bring stays with the system, which tells an outer wait of what is new, and not of what is left.
#[test]
fn an_edge_triggered_host_is_told_of_what_one_wait_could_not_bring() {
    alone(an_edge_triggered_host_is_told_of_what_one_wait_could_not_bring, || {
        let mut limits = getrlimit(Resource::Nofile);
        limits.current = limits.maximum;
        setrlimit(Resource::Nofile, limits).expect("as many descriptors as are allowed");
        let mut hosted = hosted();
        let queue = epoll::create(CreateFlags::CLOEXEC).unwrap();
        epoll::add(&queue, &hosted, EventData::new_u64(0), EventFlags::IN | EventFlags::ET).unwrap();
        {
            let mut pump = hosted.lend();
            let window = pump.root_window();
            for _ in 0..CROWD {
                // There is room to write from the start.
                let socket = mio::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
                pump.watch(window, socket, Interest::WRITABLE).expect("descriptors are left");
            }
        }
        let mut told = 0;
        while told < CROWD {
            assert!(is_told(&queue, PATIENCE), "{told} of {CROWD}");
            told += turn_and_take(&mut hosted).len();
        }
        assert_eq!(told, CROWD);
        turn_and_take(&mut hosted);
        assert_at_rest(&hosted);
    });
}

/// Who asks before each sleep need not ask the system.
#[test]
fn a_turn_that_could_not_bring_all_that_is_ready_says_that_there_is_more() {
    alone(a_turn_that_could_not_bring_all_that_is_ready_says_that_there_is_more, || {
        let mut limits = getrlimit(Resource::Nofile);
        limits.current = limits.maximum;
        setrlimit(Resource::Nofile, limits).expect("as many descriptors as are allowed");
        let mut pump = Pump::<u32>::with_settings(settings()).unwrap();
        let window = pump.root_window();
        let watch = |pump: &mut Pump<u32>| {
            let socket = mio::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            pump.watch(window, socket, Interest::WRITABLE).expect("descriptors are left")
        };
        let watches: Vec<_> = (0..CROWD).map(|_| watch(&mut pump)).collect();
        assert!(pump.turn(Budget::no_wait()).unwrap().more);
        while pump.next_message().is_some() {}
        assert_eq!(pump.rest(), Rest::Ready);
        let turn = pump.turn(Budget::no_wait()).unwrap();
        assert_eq!((turn.taken_over, turn.more, pump.metrics().queued), (CROWD - 1024, false, CROWD - 1024));
        while pump.next_message().is_some() {}
        assert_eq!(pump.rest(), Rest::Forever);
        for &watch in &watches {
            pump.rearm(watch, Interest::WRITABLE).expect("it lives");
        }
        assert!(pump.turn(Budget::no_wait()).unwrap().more);
        for watch in watches {
            pump.cancel(watch);
        }
        assert!(!pump.turn(Budget::no_wait()).unwrap().more, "of what is closed there is no more");
        assert_eq!(pump.rest(), Rest::Forever);
    });
}

fn is_told(queue: &OwnedFd, timeout: Duration) -> bool {
    let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 1];
    let timeout = Timespec::try_from(timeout).expect("tests wait for seconds");
    epoll::wait(queue, &mut events[..], Some(&timeout)).expect("epoll works") == 1
}

/// As a layer does that has the pump in its own hands.
#[test]
fn a_pump_in_other_hands_informs_its_host_when_asked_to() {
    let mut dispatcher = Dispatcher::<u32, u32>::new(Pump::with_settings(settings()).unwrap());
    let window = dispatcher.open_window(|_, seen, _| *seen += 1);
    dispatcher.pump().set_timer(window, Timer::once(Duration::from_micros(300))).unwrap();
    dispatcher.pump().post(window, 1).unwrap();
    let mut seen = 0;
    while seen < 2 {
        dispatcher.inform_host().unwrap();
        assert!(poll_readable(dispatcher.pump(), PATIENCE), "{seen} of 2 were seen");
        dispatcher.dispatch_pending(&mut seen, Budget::no_wait()).unwrap();
    }
    dispatcher.inform_host().unwrap();
    assert!(!poll_readable(dispatcher.pump(), Duration::ZERO));
}

/// Within a procedure, too, the descriptor is readable when there is something to do, and not for what is passed by.
#[test]
fn a_host_within_a_procedure_is_not_woken_by_what_is_passed_by() {
    let mut dispatcher = Dispatcher::<u32, u32>::new(Pump::with_settings(settings()).unwrap());
    let other = dispatcher.open_window(|_, seen, _| *seen += 1);
    let window = dispatcher.open_window(move |dispatcher, seen, message| {
        dispatcher.pump().post(message.window, 2).unwrap();
        dispatcher.dispatch_pending(seen, Budget::no_wait()).unwrap();
        dispatcher.inform_host().unwrap();
        assert!(!poll_readable(dispatcher.pump(), Duration::ZERO));
        dispatcher.pump().post(other, 3).unwrap();
        dispatcher.inform_host().unwrap();
        assert!(poll_readable(dispatcher.pump(), PATIENCE));
        dispatcher.dispatch_pending(seen, Budget::no_wait()).unwrap();
    });
    dispatcher.pump().post(window, 1).unwrap();
    let (message, mut seen) = (dispatcher.next_message().unwrap(), 0);
    assert!(matches!(dispatcher.dispatch(&mut seen, message), msgpump::dispatcher::Dispatch::Done));
    assert_eq!(seen, 1);
    dispatcher.inform_host().unwrap();
    assert!(poll_readable(dispatcher.pump(), PATIENCE), "what was passed by can be dispatched now");
}

/// The loan ends in unwinding too.
#[test]
fn a_panic_during_a_loan_leaves_the_descriptor_right() {
    let mut hosted = hosted();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut pump = hosted.lend();
        let window = pump.root_window();
        pump.post(window, 1).unwrap();
        panic!("a handler does");
    }));
    assert!(result.is_err());
    assert_eq!(take(&mut hosted, 1).len(), 1);
    assert_at_rest(&hosted);
}
