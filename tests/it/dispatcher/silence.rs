//! Promise 1 for messages that were taken and are not dispatched: a cancel reaches them.

use std::time::Duration;

use msgpump::dispatcher::Dispatch;
use msgpump::simulation::{NameServer, Simulation};
use msgpump::{
    Budget, Cancelled, Dispatcher, GroupId, HostQuery, InHand, OperationId, ProtocolQuery, Pump, ResolverConfig,
    ServiceQuery, Settings, StreamSettings, Timer, WindowId, items,
};

use super::connections;

type Seen = Vec<&'static str>;

struct Stage {
    dispatcher: Dispatcher<&'static str, Seen>,
    window: WindowId,
    group: GroupId,
}

fn stage() -> Stage {
    let simulation = Simulation::new(1);
    let server = ([192, 0, 2, 53], 53).into();
    simulation.name_server(server, NameServer::new().host("a.test", ["192.0.2.1", "2001:db8::1"]));
    let settings = Settings::default().resolver(ResolverConfig::new([server])).unwrap();
    let mut dispatcher = Dispatcher::new(simulation.pump(settings));
    let window = dispatcher.open_window(|_, seen: &mut Seen, _| seen.push("handled"));
    let group = dispatcher.pump().open_group();
    Stage { dispatcher, window, group }
}

type Start = fn(&mut Pump<&'static str>, WindowId, GroupId) -> OperationId;

/// Operations of every kind, with whether they are over when the first message of them is taken.
const STARTS: &[(&str, bool, Start)] = &[
    ("tick once", true, |pump, window, group| {
        pump.set_timer(window.in_group(group), Timer::once(Duration::from_millis(1))).unwrap()
    }),
    ("tick again and again", false, |pump, window, group| {
        pump.set_timer(window.in_group(group), Timer::every(Duration::from_millis(1))).unwrap()
    }),
    ("host", true, |pump, window, group| {
        pump.lookup_host(window.in_group(group), HostQuery::by_name("a.test")).unwrap()
    }),
    ("host part", false, |pump, window, group| {
        pump.lookup_host(window.in_group(group), HostQuery::by_name("a.test").streamed()).unwrap()
    }),
    ("external", true, |pump, window, group| {
        let (work, completer) = pump.start_external(window.in_group(group)).unwrap();
        completer.complete(7_u32).unwrap();
        work.id()
    }),
    ("batch", false, |pump, window, group| {
        pump.start_stream(window.in_group(group), items(0..100), StreamSettings::default().batch(8)).unwrap().id()
    }),
    ("stream end", true, |pump, window, group| {
        pump.start_stream(window.in_group(group), items(0..0), StreamSettings::default()).unwrap().id()
    }),
    ("ready", false, |pump, window, group| connections::watch(pump, window.in_group(group)).id()),
    ("connected", true, |pump, window, group| connections::connect_to_peer(pump, window.in_group(group))),
    ("accepted", false, |pump, window, group| connections::accept(pump, window.in_group(group))),
    ("service", true, |pump, window, group| {
        pump.lookup_service(window.in_group(group), ServiceQuery::by_name("https")).unwrap()
    }),
    ("protocol", true, |pump, window, group| {
        pump.lookup_protocol(window.in_group(group), ProtocolQuery::by_number(6)).unwrap()
    }),
];

type Stop = fn(&mut Stage, OperationId);

/// Whatever ends an operation.
const STOPS: &[(&str, Stop)] = &[
    ("cancel", |stage, operation| {
        stage.dispatcher.pump().cancel(operation);
    }),
    ("cancel_group", |stage, _| {
        stage.dispatcher.pump().cancel_group(stage.group);
    }),
    ("close_group", |stage, _| {
        stage.dispatcher.pump().close_group(stage.group).unwrap();
    }),
    ("cancel_window", |stage, _| {
        stage.dispatcher.pump().cancel_window(stage.window);
    }),
    ("destroy_window", |stage, _| {
        stage.dispatcher.destroy_window(stage.window).unwrap();
    }),
    ("destroy_window of the pump", |stage, _| {
        stage.dispatcher.pump().destroy_window(stage.window).unwrap();
    }),
];

fn take(stage: &mut Stage) -> InHand<&'static str> {
    stage.dispatcher.get_message().unwrap().expect("nobody quits")
}

#[test]
fn every_way_to_stop_silences_a_message_in_hand_of_every_kind() {
    for (kind, is_over, start) in STARTS {
        for (name, stop) in STOPS {
            let mut stage = stage();
            let operation = start(stage.dispatcher.pump(), stage.window, stage.group);
            let message = take(&mut stage);
            let taken = message.get().expect("nothing is cancelled yet");
            assert_eq!(taken.operation, Some(operation), "{kind}, {name}");
            assert_eq!(stage.dispatcher.pump().is_live(operation), !is_over, "{kind}, {name}");
            stop(&mut stage, operation);
            assert!(message.get().is_none(), "{kind}, {name}");
            assert_eq!(stage.dispatcher.pump().metrics().silenced_messages, 1, "{kind}, {name}");
            assert_eq!(stage.dispatcher.pump().cancel(operation), Cancelled::Over, "{kind}, {name}");
            let mut seen = Seen::new();
            let dispatch = stage.dispatcher.dispatch(&mut seen, message);
            assert!(matches!(dispatch, Dispatch::Silenced), "{kind}, {name}: {dispatch:?}");
            let _ = stage.dispatcher.dispatch_pending(&mut seen, Budget::no_wait()).unwrap();
            assert_eq!((seen.len(), stage.dispatcher.pump().metrics().silenced_messages), (0, 1), "{kind}, {name}");
        }
    }
}

#[test]
fn a_source_that_is_given_back_silences_its_message_in_hand() {
    let mut stage = stage();
    let (window, pump) = (stage.window, stage.dispatcher.pump());
    let watch = connections::watch(pump, window);
    let message = take(&mut stage);
    assert_eq!(message.get().and_then(|message| message.operation), Some(watch.id()));
    assert!(stage.dispatcher.pump().release(watch).is_some());
    assert!(matches!(stage.dispatcher.dispatch(&mut Seen::new(), message), Dispatch::Silenced));
}

#[test]
fn a_timer_that_is_set_anew_silences_the_tick_in_hand_of_its_earlier_time() {
    let mut stage = stage();
    let (window, pump) = (stage.window, stage.dispatcher.pump());
    let timer = pump.set_timer(window, Timer::every(Duration::from_millis(1))).unwrap();
    let message = take(&mut stage);
    stage.dispatcher.pump().reset_timer(timer, Timer::once(Duration::from_secs(1))).unwrap();
    let mut seen = Seen::new();
    assert!(matches!(stage.dispatcher.dispatch(&mut seen, message), Dispatch::Silenced));
    let message = take(&mut stage);
    assert!(matches!(stage.dispatcher.dispatch(&mut seen, message), Dispatch::Done));
    assert_eq!(seen, ["handled"], "its new time counts");
}

#[test]
fn the_others_in_hand_are_left_alone() {
    for (name, stop) in STOPS {
        let mut stage = stage();
        let other = stage.dispatcher.open_window(|_, seen: &mut Seen, _| seen.push("other"));
        let pump = stage.dispatcher.pump();
        let unlike = pump.open_group();
        let stopped = pump.lookup_service(stage.window.in_group(stage.group), ServiceQuery::by_port(443)).unwrap();
        pump.lookup_service(other.in_group(unlike), ServiceQuery::by_port(443)).unwrap();
        pump.post(other, "posted").unwrap();
        let messages = [(); 3].map(|()| take(&mut stage));
        stop(&mut stage, stopped);
        let mut seen = Seen::new();
        for (message, is_silent) in messages.into_iter().zip([true, false, false]) {
            let dispatch = stage.dispatcher.dispatch(&mut seen, message);
            assert_eq!(matches!(dispatch, Dispatch::Silenced), is_silent, "{name}: {dispatch:?}");
        }
        assert_eq!(seen, ["other", "other"], "{name}");
    }
}

#[test]
fn a_post_in_hand_goes_with_its_window_alone() {
    let mut stage = stage();
    stage.dispatcher.pump().post(stage.window, "first").unwrap();
    stage.dispatcher.pump().post(stage.window, "second").unwrap();
    let [first, second] = [(); 2].map(|()| take(&mut stage));
    stage.dispatcher.pump().cancel_window(stage.window);
    let mut seen = Seen::new();
    assert!(matches!(stage.dispatcher.dispatch(&mut seen, first), Dispatch::Done), "only operations are cancelled");
    stage.dispatcher.destroy_window(stage.window).unwrap();
    assert!(matches!(stage.dispatcher.dispatch(&mut seen, second), Dispatch::Silenced));
    assert_eq!(seen, ["handled"]);
}

#[test]
fn what_is_started_in_a_group_later_is_not_silenced() {
    let mut stage = stage();
    let (window, group) = (stage.window, stage.group);
    for round in 0..2 {
        stage.dispatcher.pump().lookup_service(window.in_group(group), ServiceQuery::by_port(443)).unwrap();
        let message = take(&mut stage);
        assert!(message.get().is_some(), "round {round}");
        stage.dispatcher.pump().cancel_group(group);
        assert!(message.get().is_none(), "round {round}");
    }
}

#[test]
fn a_message_that_was_handled_or_let_go_counts_no_more() {
    let mut stage = stage();
    let window = stage.window;
    for is_handled in [true, false] {
        let lookup = stage.dispatcher.pump().lookup_service(window, ServiceQuery::by_port(443)).unwrap();
        let message = take(&mut stage);
        if is_handled {
            assert!(matches!(stage.dispatcher.dispatch(&mut Seen::new(), message), Dispatch::Done));
        } else {
            drop(message);
        }
        assert_eq!(stage.dispatcher.pump().cancel(lookup), Cancelled::Over);
    }
    assert_eq!(stage.dispatcher.pump().metrics().silenced_messages, 0);
}

/// Three loops, each with a message in hand, and the innermost handler cancels them all.
#[test]
fn messages_in_hand_of_every_nested_loop_are_silenced() {
    let mut stage = stage();
    let pump = stage.dispatcher.pump();
    let scope = pump.open_group();
    let last = pump.root_window();
    let nested = |dispatcher: &mut Dispatcher<&'static str, Seen>, seen: &mut Seen, _| {
        seen.push("nested");
        let Some(message) = dispatcher.next_message() else { panic!("one waits for each loop") };
        let deeper = dispatcher.next_message().expect("and what the next one handles");
        assert!(matches!(dispatcher.dispatch(seen, deeper), Dispatch::Done));
        assert!(matches!(dispatcher.dispatch(seen, message), Dispatch::Silenced));
    };
    let windows = [(); 3].map(|()| stage.dispatcher.open_window(nested));
    let innermost = move |dispatcher: &mut Dispatcher<&'static str, Seen>, seen: &mut Seen, _| {
        seen.push("innermost");
        assert_eq!(dispatcher.pump().cancel_group(scope).operations(), 0, "all of them are over");
    };
    stage.dispatcher.set_procedure(last, innermost).unwrap();
    for window in windows {
        let pump = stage.dispatcher.pump();
        pump.post(window, "go").unwrap();
        pump.lookup_service(stage.window.in_group(scope), ServiceQuery::by_port(443)).unwrap();
    }
    stage.dispatcher.pump().post(last, "go").unwrap();
    let mut seen = Seen::new();
    let first = take(&mut stage);
    assert!(matches!(stage.dispatcher.dispatch(&mut seen, first), Dispatch::Done));
    assert_eq!(seen, ["nested", "nested", "nested", "innermost"]);
    assert_eq!(stage.dispatcher.pump().metrics().silenced_messages, 3);
}
