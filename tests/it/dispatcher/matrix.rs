//! Every verb from every kind of handler: nothing is borrowed while the program's code runs.
//!
//! A row is a kind of handler, a column a verb. To add one is to add an entry to [`HANDLERS`] or [`VERBS`].

use std::time::Duration;

use msgpump::dispatcher::{Dispatch, Ended};
use msgpump::simulation::{NameServer, Simulation};
use msgpump::{
    Budget, Cancelled, Connect, Dispatcher, Filter, GroupId, HostQuery, Interest, Kind, Listen, Message, OperationId,
    Payload, PostRefusal, ProtocolQuery, Pump, ResolverConfig, Rest, ServiceQuery, Settings, StreamSettings, Timer,
    WindowId, items,
};

use super::connections;

const SOON: Duration = Duration::from_millis(1);
const LATE: Duration = Duration::from_secs(3600);

/// What is posted so that the handler of the row runs, and what for others.
const ROW: u32 = 1;
const OTHER: u32 = 2;

/// What a handler finds around it.
struct Scene {
    verb: Option<Verb>,
    /// The window of the handler, in which its message came.
    own: WindowId,
    /// Another window, whose procedure counts.
    other: WindowId,
    /// The group of the handler's operation.
    group: GroupId,
    /// A timer of the other window that is not due.
    timer: OperationId,
    /// How many messages the other window was handed.
    others: usize,
}

type Programs = Dispatcher<u32, Scene>;

/// Brings it about that the handler is called with a message of a kind.
type Row = fn(&mut Pump<u32>, WindowId, GroupId);

const HANDLERS: &[(&str, Kind, Row)] = &[
    ("posted", Kind::Posted, |pump, own, _| pump.post(own, ROW).unwrap()),
    ("tick once", Kind::Tick, |pump, own, group| {
        pump.set_timer(own.in_group(group), Timer::once(SOON)).unwrap();
    }),
    ("tick again and again", Kind::Tick, |pump, own, group| {
        pump.set_timer(own.in_group(group), Timer::every(SOON)).unwrap();
    }),
    ("host", Kind::Host, |pump, own, group| {
        pump.lookup_host(own.in_group(group), HostQuery::by_name("a.test")).unwrap();
    }),
    ("host that failed", Kind::Host, |pump, own, group| {
        pump.lookup_host(own.in_group(group), HostQuery::by_name("nobody.test")).unwrap();
    }),
    ("host part", Kind::HostPart, |pump, own, group| {
        pump.lookup_host(own.in_group(group), HostQuery::by_name("a.test").streamed()).unwrap();
    }),
    ("service", Kind::Service, |pump, own, group| {
        pump.lookup_service(own.in_group(group), ServiceQuery::by_name("https")).unwrap();
    }),
    ("protocol", Kind::Protocol, |pump, own, group| {
        pump.lookup_protocol(own.in_group(group), ProtocolQuery::by_number(6)).unwrap();
    }),
    ("external", Kind::External, |pump, own, group| {
        let (_, completer) = pump.start_external(own.in_group(group)).unwrap();
        completer.complete(7_u32).unwrap();
    }),
    ("batch", Kind::Batch, |pump, own, group| {
        pump.start_stream(own.in_group(group), items(0..100), StreamSettings::default().batch(8)).unwrap();
    }),
    ("stream end", Kind::StreamEnd, |pump, own, group| {
        pump.start_stream(own.in_group(group), items(0..4), StreamSettings::default()).unwrap();
    }),
    ("ready", Kind::Ready, |pump, own, group| {
        connections::watch(pump, own.in_group(group));
    }),
    ("connected", Kind::Connected, |pump, own, group| {
        connections::connect_to_peer(pump, own.in_group(group));
    }),
    ("accepted", Kind::Accepted, |pump, own, group| {
        connections::accept(pump, own.in_group(group));
    }),
    // It is for the root window, which stays.
    ("quit", Kind::Quit, |pump, _, _| pump.quit(7)),
];

type Verb = fn(&mut Programs, &mut Scene, &Message<u32>);

const VERBS: &[(&str, Verb)] = &[
    ("post to its own window", |d, scene, _| d.pump().post(scene.own, OTHER).unwrap()),
    ("post to another window", |d, scene, _| d.pump().post(scene.other, OTHER).unwrap()),
    ("post from another thread", |d, scene, _| {
        let (poster, window) = (d.pump().poster(), scene.other);
        std::thread::spawn(move || poster.post(window, OTHER).unwrap()).join().unwrap();
    }),
    ("set a timer", |d, scene, _| {
        d.pump().set_timer(scene.own, Timer::once(SOON)).unwrap();
    }),
    ("reset a timer", |d, scene, _| d.pump().reset_timer(scene.timer, Timer::once(SOON)).unwrap()),
    ("reset its own operation", |d, _, message| {
        let Some(operation) = message.operation else { return };
        let is_live = d.pump().is_live(operation);
        let reset = d.pump().reset_timer(operation, Timer::once(SOON));
        assert_eq!(reset.is_ok(), is_live && message.payload.kind() == Kind::Tick);
    }),
    ("look up a host", |d, scene, _| {
        d.pump().lookup_host(scene.own, HostQuery::by_name("a.test")).unwrap();
    }),
    ("look up a service", |d, scene, _| {
        d.pump().lookup_service(scene.own, ServiceQuery::by_port(443)).unwrap();
    }),
    ("look up a protocol", |d, scene, _| {
        d.pump().lookup_protocol(scene.own, ProtocolQuery::by_name("tcp")).unwrap();
    }),
    ("start something on another thread", |d, scene, _| {
        let (work, completer) = d.pump().start_external::<u32>(scene.own).unwrap();
        std::thread::spawn(move || completer.complete(7)).join().unwrap().unwrap();
        assert!(d.pump().is_live(work));
    }),
    ("start a stream", |d, scene, _| {
        d.pump().start_stream(scene.own, items(0..100), StreamSettings::default().batch(8)).unwrap();
    }),
    ("connect", |d, scene, _| {
        d.pump().connect(scene.own, Connect::to("a.test:80")).unwrap();
    }),
    ("listen", |d, scene, _| {
        let listening = d.pump().listen(scene.own, Listen::on(([192, 0, 2, 81], 81))).unwrap();
        assert!(d.pump().listening_address(listening).is_some());
    }),
    ("watch, arm again and release", |d, scene, _| {
        let pump = d.pump();
        let watched = connections::watch(pump, scene.own);
        assert!(pump.source(watched).is_some());
        pump.rearm(watched, Interest::WRITABLE).unwrap();
        assert!(pump.release(watched).is_some() && pump.source(watched).is_none());
    }),
    ("cancel its own operation", |d, _, message| {
        let Some(operation) = message.operation else { return };
        let was_live = d.pump().is_live(operation);
        assert_eq!(d.pump().cancel(operation) != Cancelled::Over, was_live);
        assert_eq!(d.pump().cancel(operation), Cancelled::Over);
    }),
    ("cancel another operation", |d, scene, _| assert_eq!(d.pump().cancel(scene.timer), Cancelled::Pending)),
    ("cancel a group", |d, scene, _| {
        d.pump().cancel_group(scene.group);
        assert_eq!(d.pump().cancel_group(scene.group).operations(), 0);
    }),
    ("close a group", |d, scene, _| assert!(d.pump().close_group(scene.group).is_some())),
    ("cancel its own window", |d, scene, _| {
        d.pump().cancel_window(scene.own);
        assert_eq!(d.pump().cancel_window(scene.own).operations(), 0);
    }),
    ("cancel another window", |d, scene, _| assert_eq!(d.pump().cancel_window(scene.other).operations(), 1)),
    ("destroy its own window", |d, scene, _| {
        let is_root = scene.own == d.pump().root_window();
        assert_eq!(d.destroy_window(scene.own).is_some(), !is_root);
        if !is_root {
            let refused = d.pump().post(scene.own, OTHER).unwrap_err();
            assert_eq!((refused.payload, refused.refusal), (OTHER, PostRefusal::NoSuchWindow(scene.own)));
        }
    }),
    ("destroy another window", |d, scene, _| assert!(d.destroy_window(scene.other).is_some())),
    ("destroy its own window through the pump", |d, scene, _| {
        d.pump().destroy_window(scene.own);
    }),
    ("open a window", |d, scene, _| {
        let window = d.open_window(|d, _, message| {
            d.destroy_window(message.window).unwrap();
        });
        d.pump().post(window, OTHER).unwrap();
        assert!(d.pump().has_window(window) && window != scene.own);
    }),
    ("open a group", |d, scene, _| {
        let group = d.pump().open_group();
        d.pump().set_timer(scene.own.in_group(group), Timer::once(LATE)).unwrap();
        assert_eq!(d.pump().close_group(group).unwrap().operations(), 1);
    }),
    ("quit", |d, _, _| {
        d.pump().quit(3);
        assert_eq!(d.pump().quit_code(), Some(3));
        assert_eq!(d.pump().told_quit(), None);
    }),
    ("resume", |d, _, _| {
        d.pump().resume();
        assert_eq!(d.pump().quit_code(), None);
    }),
    ("run a nested loop", |d, scene, _| {
        d.pump().post(scene.other, OTHER).unwrap();
        let before = scene.others;
        match d.run_until(scene, |_, scene| scene.others > before).unwrap() {
            Ended::Over => assert!(scene.others > before),
            Ended::Quit(code) => assert_eq!(d.pump().quit_code(), Some(code)),
        }
    }),
    ("run a nested loop to its end", |d, scene, _| {
        d.pump().quit(5);
        assert_eq!(d.run(scene).unwrap(), 5);
    }),
    ("dispatch what is pending", |d, scene, _| {
        d.pump().post(scene.other, OTHER).unwrap();
        let before = scene.others;
        d.dispatch_pending(scene, Budget::no_wait()).unwrap();
        assert_eq!(scene.others, before + 1);
    }),
    ("take and dispatch", |d, scene, _| {
        d.pump().post(scene.other, OTHER).unwrap();
        let message = d.next_message().unwrap();
        assert!(matches!(d.dispatch(scene, message), Dispatch::Done));
    }),
    ("take from the pump", |d, scene, _| {
        d.pump().post(scene.other, OTHER).unwrap();
        assert_eq!(d.pump().next_message_for(Filter::any().window(scene.other)).unwrap().window, scene.other);
        assert!(d.pump().next_posted(|&number| number == OTHER).is_none());
    }),
    ("wait for a message of the pump", |d, scene, _| {
        d.pump().resume();
        d.pump().reset_timer(scene.timer, Timer::once(SOON)).unwrap();
        let message = d.pump().get_message_for(Filter::any().operation(scene.timer)).unwrap().unwrap();
        assert_eq!(message.operation, Some(scene.timer));
    }),
    ("peek", |d, scene, _| {
        d.pump().post(scene.other, OTHER).unwrap();
        assert_eq!(d.pump().peek_message().is_some(), d.pump().peek_message_for(Filter::any()).is_some());
    }),
    ("purge posts", |d, scene, _| {
        d.pump().post(scene.own, OTHER).unwrap();
        assert_eq!(d.pump().purge_posts(scene.own, |&number| number == OTHER), 1);
    }),
    ("turn", |d, _, _| {
        d.pump().turn(Budget::wait(SOON)).unwrap();
    }),
    ("ask the pump", |d, _, _| {
        let pump = d.pump();
        assert!(pump.metrics().messages >= 1 && pump.clock() <= pump.next_deadline().unwrap());
        let _ = (pump.rest(), pump.root_window(), pump.resolver_config().timeout(), pump.name_files());
    }),
    ("replace its own procedure", |d, scene, _| d.set_procedure(scene.own, |_, _, _| {}).unwrap()),
    ("replace another procedure", |d, scene, _| d.set_procedure(scene.other, |_, _, _| {}).unwrap()),
    ("watch for slow procedures", |d, _, _| d.report_slow(SOON, |_| {})),
    ("ask the dispatcher", |d, _, _| {
        assert_eq!(d.unclaimed(), 0);
        let _ = d.rest();
        assert!(!format!("{d:?}").is_empty());
    }),
];

fn play(row: &(&str, Kind, Row), column: &(&str, Verb)) {
    let (&(handler, kind, start), &(verb, action)) = (row, column);
    let simulation = Simulation::new(1);
    let server = ([192, 0, 2, 53], 53).into();
    simulation.name_server(server, NameServer::new().host("a.test", ["192.0.2.1", "2001:db8::1"]));
    let settings = Settings::default().resolver(ResolverConfig::new([server])).unwrap();
    let mut dispatcher = Programs::new(simulation.pump(settings));
    let pump = dispatcher.pump();
    let own = if kind == Kind::Quit { pump.root_window() } else { pump.open_window() };
    let (other, group) = (pump.open_window(), pump.open_group());
    let timer = pump.set_timer(other, Timer::once(LATE)).unwrap();
    let mut scene = Scene { verb: Some(action), own, other, group, timer, others: 0 };
    let procedure = move |d: &mut Programs, scene: &mut Scene, message: Message<u32>| {
        let is_it = message.payload.kind() == kind && !matches!(message.payload, Payload::Posted(OTHER));
        if let Some(verb) = scene.verb.take_if(|_| is_it) {
            verb(d, scene, &message);
        }
    };
    dispatcher.set_procedure(own, procedure).unwrap();
    dispatcher.set_procedure(other, |_, scene: &mut Scene, _| scene.others += 1).unwrap();
    start(dispatcher.pump(), own, group);
    for _ in 0..50 {
        while let Some(message) = dispatcher.next_message() {
            let _ = dispatcher.dispatch(&mut scene, message);
        }
        dispatcher.pump().turn(Budget::wait(SOON)).unwrap();
    }
    assert!(scene.verb.is_none(), "{handler}, {verb}: the handler was not called");
    // And all goes on.
    dispatcher.pump().resume();
    let window = dispatcher.open_window(|_, scene: &mut Scene, _| scene.others = 100);
    dispatcher.pump().post(window, OTHER).unwrap();
    let ended = dispatcher.run_until(&mut scene, |_, scene| scene.others == 100);
    assert_eq!(ended.unwrap(), Ended::Over, "{handler}, {verb}");
    let root = dispatcher.pump().root_window();
    for window in [own, other, window, root] {
        dispatcher.pump().cancel_window(window);
        dispatcher.destroy_window(window);
    }
    let pump = dispatcher.pump();
    let metrics = pump.metrics();
    let left = (metrics.operations, metrics.timers, metrics.sockets, metrics.queued, metrics.windows);
    assert_eq!((left, pump.rest()), ((0, 0, 0, 0, 1), Rest::Forever), "{handler}, {verb}");
}

#[test]
fn every_verb_can_be_said_in_every_handler() {
    for row in HANDLERS {
        for column in VERBS {
            play(row, column);
        }
    }
}
