//! Event queries, on a virtual clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use msgpump::simulation::Simulation;
use msgpump::wbem::{
    CimType, Class, ClassProvider, EventChannel, Flags, Instance, Object, Outcome, Progress, Property, Received, Rows,
    Server, Services, Sink, SinkEvent, Store, Value, Wanted, WbemError, WbemStatus, events,
};
use msgpump::{Budget, Payload, Pump, Settings, Timer};

use crate::support::{HOME, class, instance, processes, status};

/// A server on a virtual clock.
struct Theatre {
    simulation: Simulation,
    pump: Pump<u32>,
    server: Server,
    services: Services,
    heard: Vec<(Sink, SinkEvent)>,
}

impl Theatre {
    fn new() -> Theatre {
        let simulation = Simulation::new(1);
        let mut pump = simulation.pump(Settings::default());
        let server = Server::new(&mut pump);
        // Subscribing makes the namespace's classes known.
        server.register(HOME, processes()).unwrap();
        let services = server.connect(&mut pump, HOME).unwrap();
        Theatre { simulation, pump, server, services, heard: Vec::new() }
    }

    fn subscribe(&mut self, query: &str) -> Sink {
        let sink = Sink::new(self.pump.root_window());
        self.try_subscribe(query, &sink).unwrap();
        sink
    }

    fn try_subscribe(&mut self, query: &str, sink: &Sink) -> Result<(), WbemError> {
        let flags = Flags::NONE;
        self.services.exec_notification_query_async(&mut self.pump, "WQL", query, flags, sink).map(|_| ())
    }

    /// Lets so many virtual milliseconds pass.
    fn pass(&mut self, milliseconds: u64) {
        let window = self.pump.root_window();
        let timer = self.pump.set_timer(window, Timer::once(Duration::from_millis(milliseconds))).unwrap();
        loop {
            let message = self.pump.get_message().unwrap().unwrap();
            if message.operation == Some(timer) {
                break;
            }
            match self.server.translate(&mut self.pump, message) {
                Some(Received::Sink(message)) => self.heard.push((message.sink, message.event)),
                Some(Received::Other(message)) => panic!("{message:?}"),
                None => {}
            }
        }
        // What came of the last moment is taken too.
        for _ in 0..50 {
            let _ = self.pump.turn(Budget::no_wait()).unwrap();
            while let Some(Received::Sink(message)) = self.server.next_message(&mut self.pump) {
                self.heard.push((message.sink, message.event));
            }
        }
    }

    /// The events that a sink has heard since it was asked last, as class and name of the target.
    fn told(&mut self, sink: &Sink) -> Vec<String> {
        let (ours, others) = std::mem::take(&mut self.heard).into_iter().partition(|(heard, _)| heard == sink);
        self.heard = others;
        let ours: Vec<(Sink, SinkEvent)> = ours;
        ours.into_iter()
            .flat_map(|(_, event)| match event {
                SinkEvent::Indicate(objects) => objects.iter().map(describe).collect(),
                SinkEvent::Status(status) => vec![status.status.to_string()],
                SinkEvent::Progress { .. } => panic!("events have no progress"),
            })
            .collect()
    }
}

fn describe(event: &Object) -> String {
    let event = event.instance().unwrap();
    let class = event.class().name().replace("__Instance", "").replace("Event", "");
    match event.get("TargetInstance").and_then(Value::as_object) {
        Some(target) => format!("{class} {}", target.get("Name").unwrap()),
        None => class,
    }
}

fn process(store: &Store, handle: &str, name: &str) -> Arc<Instance> {
    instance(store.class(), &[("Handle", handle.into()), ("Name", name.into())])
}

/// A class of the program's own, and a server that has it.
fn mine() -> (Theatre, Store) {
    let theatre = Theatre::new();
    let class = class("Mine", [Property::key("Name", CimType::String), Property::new("Size", CimType::Uint32)]);
    let store = Store::new(&class);
    theatre.server.register(HOME, store.clone()).unwrap();
    (theatre, store)
}

fn own(store: &Store, name: &str, size: u32) -> Arc<Instance> {
    instance(store.class(), &[("Name", name.into()), ("Size", size.into())])
}

#[test]
fn v01_v02_v07_v09_what_is_wrong_is_wrong_at_once() {
    let (mut theatre, _) = mine();
    let object = class("Mail", [Property::new("Size", CimType::Uint8)]);
    let email = Class::builder("EmailEvent").superclass(&events::extrinsic_event());
    let email = email.property(Property::new("Sender", CimType::String)).build().unwrap();
    theatre.server.register_class(HOME, &object).unwrap();
    theatre.server.register(HOME, EventChannel::new(&email).1).unwrap();
    let sink = Sink::new(theatre.pump.root_window());
    let intrinsic = "SELECT * FROM __InstanceCreationEvent";
    for (query, expected) in [
        ("42", WbemStatus::UnparsableQuery),
        ("Invalid Query", WbemStatus::UnparsableQuery),
        ("", WbemStatus::InvalidParameter),
        ("SELECT * FROM Win32_DeviceChangeEvent", WbemStatus::NotFound),
        ("SELECT * FROM Win32_Process", WbemStatus::NotEventClass),
        (intrinsic, WbemStatus::RegistrationTooBroad),
        (&format!("{intrinsic} WHERE TargetInstance ISA 'Mine'"), WbemStatus::RegistrationTooPrecise),
        (&format!("{intrinsic} WITHIN 5 WHERE TargetInstance ISA 'None'"), WbemStatus::NotFound),
        ("SELECT * FROM EmailEvent GROUP BY Sender", WbemStatus::MissingGroupWithin),
        (
            &format!("{intrinsic} WITHIN 1 WHERE TargetInstance ISA 'Mine' GROUP WITHIN 5 BY TargetInstance"),
            WbemStatus::AggregatingByObject,
        ),
        ("SELECT * FROM EmailEvent WHERE Sender > 1 OR None = 2", WbemStatus::UnparsableQuery),
    ] {
        assert_eq!(status(theatre.try_subscribe(query, &sink)), expected, "{query}");
        let flags = Flags::SEMISYNCHRONOUS;
        let at_once = theatre.services.exec_notification_query(&mut theatre.pump, "WQL", query, flags);
        assert_eq!(status(at_once), expected, "{query}");
    }
    let flags = Flags::RETURN_IMMEDIATELY;
    let refused = theatre.services.exec_notification_query(&mut theatre.pump, "WQL", "SELECT * FROM EmailEvent", flags);
    assert_eq!(status(refused), WbemStatus::InvalidParameter);
    let unknown = theatre.try_subscribe("SELECT NoSuchField FROM EmailEvent", &sink);
    assert_eq!(status(unknown), WbemStatus::SNoError, "it is accepted, and the events have no properties");
    theatre.pass(10_000);
    assert!(theatre.heard.is_empty());
}

#[test]
fn v04_what_begins_between_two_looks_is_told_what_is_short_is_not() {
    let mut theatre = Theatre::new();
    let store = Store::new(&class(
        "Win32_Task",
        [Property::key("Handle", CimType::String), Property::new("Name", CimType::String)],
    ));
    theatre.server.register(HOME, store.clone()).unwrap();
    store.insert(process(&store, "1", "calc.exe"));
    let sink = theatre.subscribe(
        "SELECT * FROM __InstanceCreationEvent WITHIN 10 WHERE TargetInstance ISA 'Win32_Task' \
         AND (TargetInstance.Name = 'notepad.exe' OR TargetInstance.Name = 'calc.exe')",
    );
    theatre.pass(3000);
    store.insert(process(&store, "2", "NOTEPAD.EXE"));
    store.insert(process(&store, "3", "other.exe"));
    theatre.pass(6500);
    assert_eq!(theatre.told(&sink), [""; 0], "what is there at first is not told, and nothing before the next look");
    theatre.pass(1000);
    assert_eq!(theatre.told(&sink), ["Creation NOTEPAD.EXE"]);
    theatre.pass(500);
    store.insert(process(&store, "4", "calc.exe"));
    theatre.pass(3000);
    store.remove(&["4".into()]);
    theatre.pass(20_000);
    assert_eq!(theatre.told(&sink), [""; 0]);
}

#[test]
fn v05_v10_creation_change_and_deletion() {
    let (mut theatre, store) = mine();
    let all = theatre.subscribe("SELECT * FROM __InstanceOperationEvent WITHIN 10 WHERE TargetInstance ISA \"Mine\"");
    let gone = theatre.subscribe("SELECT * FROM __InstanceDeletionEvent WITHIN 10 WHERE TargetInstance ISA 'Mine'");
    let grown = theatre.subscribe(
        "SELECT * FROM __InstanceModificationEvent WITHIN 10 WHERE TargetInstance ISA 'Mine' \
         AND TargetInstance.Size > PreviousInstance.Size",
    );
    theatre.pass(1000);
    store.insert(own(&store, "a", 1));
    theatre.pass(10_000);
    store.insert(own(&store, "a", 2));
    theatre.pass(10_000);
    store.insert(own(&store, "a", 1));
    theatre.pass(10_000);
    store.remove(&["a".into()]);
    theatre.pass(10_000);
    assert_eq!(theatre.told(&all), ["Creation a", "Modification a", "Modification a", "Deletion a"]);
    assert_eq!(theatre.told(&gone), ["Deletion a"]);
    assert_eq!(theatre.told(&grown), ["Modification a"]);
}

#[test]
fn v12_system_properties_of_the_target() {
    let (mut theatre, store) = mine();
    let sink = theatre.subscribe(
        "SELECT * FROM __InstanceCreationEvent WITHIN 10 WHERE TargetInstance ISA 'Mine' \
         AND TargetInstance.__RELPATH like '%bob%'",
    );
    theatre.pass(1000);
    store.insert(own(&store, "Bob", 1));
    store.insert(own(&store, "Alice", 1));
    theatre.pass(10_000);
    assert_eq!(theatre.told(&sink), ["Creation Bob"]);
}

/// Counts how often it is read, and does as it is told.
struct Counting {
    store: Store,
    opened: Rc<Cell<usize>>,
    fault: Rc<Cell<bool>>,
}

impl ClassProvider for Counting {
    fn class(&self) -> &Arc<Class> {
        self.store.class()
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.opened.set(self.opened.get() + 1);
        assert!(!self.fault.get(), "as it was told");
        self.store.open(wanted)
    }
}

fn counted() -> (Theatre, Store, Rc<Cell<usize>>, Rc<Cell<bool>>) {
    let theatre = Theatre::new();
    let store = Store::new(&class("Counted", [Property::key("Name", CimType::String)]));
    let (opened, fault) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
    let counting = Counting { store: store.clone(), opened: opened.clone(), fault: fault.clone() };
    theatre.server.register(HOME, counting).unwrap();
    (theatre, store, opened, fault)
}

const COUNTED: &str = "SELECT * FROM __InstanceCreationEvent WITHIN 10 WHERE TargetInstance ISA 'Counted'";

#[test]
fn one_look_serves_all_who_ask_in_the_same_interval() {
    let (mut theatre, store, opened, _) = counted();
    let sinks: Vec<_> = (0..20).map(|_| theatre.subscribe(COUNTED)).collect();
    theatre.pass(25_000);
    assert_eq!(opened.get(), 3);
    let named = instance(store.class(), &[("Name", "a".into())]);
    store.insert(named);
    theatre.pass(10_000);
    assert_eq!(opened.get(), 4);
    for sink in &sinks {
        assert_eq!(theatre.told(sink), ["Creation a"]);
    }
    let other = theatre.subscribe(&COUNTED.replace("10", "1"));
    theatre.pass(10_000);
    assert!(opened.get() >= 14, "another interval is another look");
    for sink in sinks.iter().chain([&other]) {
        theatre.services.cancel_async_call(&mut theatre.pump, sink).unwrap();
    }
    let looked = opened.get();
    theatre.pass(100_000);
    assert_eq!(opened.get(), looked, "nobody looks when nobody listens");
    assert!(sinks.iter().all(|sink| theatre.told(sink) == ["WBEM_E_CALL_CANCELLED"]));
}

/// Notes which instances it is asked for.
struct Noting {
    store: Store,
    looks: Rc<RefCell<Vec<Wanted>>>,
}

impl ClassProvider for Noting {
    fn class(&self) -> &Arc<Class> {
        self.store.class()
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.looks.borrow_mut().push(wanted.clone());
        self.store.open(wanted)
    }
}

/// Things in places, of which only the size can change.
fn placed() -> (Theatre, Store, Rc<RefCell<Vec<Wanted>>>) {
    let theatre = Theatre::new();
    let place = Property::new("Place", CimType::String).qualifier("Fixed", true);
    let class =
        class("Placed", [Property::key("Name", CimType::String), place, Property::new("Size", CimType::Uint32)]);
    let (store, looks) = (Store::new(&class), Rc::default());
    theatre.server.register(HOME, Noting { store: store.clone(), looks: Rc::clone(&looks) }).unwrap();
    (theatre, store, looks)
}

/// Those who ask about things in places.
fn about(condition: &str) -> String {
    format!("SELECT * FROM __InstanceOperationEvent WITHIN 10 WHERE TargetInstance ISA 'Placed' AND {condition}")
}

#[test]
fn what_cannot_change_of_the_target_is_told_to_who_is_looked_at() {
    for (condition, keys, places) in [
        ("TargetInstance.Name = 'a'", Some("a"), None),
        ("(TargetInstance.Name = 'b' OR 'a' = TargetInstance.Name)", Some("a b"), None),
        ("TargetInstance.Name = 'a' AND TargetInstance.Name = 'b'", Some(""), Some("")),
        ("TargetInstance.Place = 'here' AND TargetInstance.Size = 3", None, Some("here")),
        ("TargetInstance.Name = 'a' AND TargetInstance.Place = 'here'", Some("a"), Some("here")),
        // Who changes into what is asked for is not new.
        ("TargetInstance.Size = 3", None, None),
        ("(TargetInstance.Name = 'a' OR TargetInstance.Size = 3)", None, None),
        ("NOT TargetInstance.Name = 'a'", None, None),
        ("TargetInstance.Name LIKE 'a'", None, None),
        ("TargetInstance.None = 'a'", None, None),
    ] {
        let (mut theatre, _, looks) = placed();
        theatre.subscribe(&about(condition));
        theatre.pass(15_000);
        assert_eq!(looks.borrow().len(), 2, "{condition}");
        for look in looks.borrow().iter() {
            let texts = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
            let told = look.keys().map(|objects| texts(&objects.concat()));
            assert_eq!(told.as_deref(), keys, "{condition}");
            assert_eq!(look.values(1).map(texts).as_deref(), places, "{condition}");
            assert_eq!(look.values(2).is_some(), keys == Some(""), "{condition}");
        }
    }
}

#[test]
fn who_is_looked_at_is_explained() {
    let (theatre, _, looks) = placed();
    let explain = |condition: &str| theatre.services.explain("WQL", &about(condition)).unwrap();
    let named = explain("TargetInstance.Name = 'a' AND TargetInstance.Place = 'here'");
    assert_eq!(&*named.class, "__InstanceOperationEvent");
    let [provider] = &named.providers[..] else { panic!("{named:?}") };
    assert_eq!((&*provider.class, provider.keys, &*provider.bound[0]), ("Placed", Some(1), "Place"));
    let all = explain("TargetInstance.Size = 1");
    assert_eq!((all.providers[0].keys, all.providers[0].bound.len()), (None, 0));
    assert!(looks.borrow().is_empty(), "to explain asks nobody");
    let wrong = about("TargetInstance.Size = 1").replace("'Placed'", "'None'");
    assert_eq!(status(theatre.services.explain("WQL", &wrong)), WbemStatus::NotFound);
}

#[test]
fn one_look_serves_all_who_ask_for_the_same_objects() {
    let (mut theatre, store, looks) = placed();
    let named = [
        "TargetInstance.Name = 'a' OR TargetInstance.Name = 'b'",
        "'b' = TargetInstance.Name OR TargetInstance.Name = 'a'",
    ];
    let sinks: Vec<_> = (0..20).map(|number| theatre.subscribe(&about(&format!("({})", named[number % 2])))).collect();
    let everything = theatre.subscribe(&about("TargetInstance.Size > 1"));
    theatre.pass(25_000);
    assert_eq!(looks.borrow().len(), 6, "one for those who name the same two, one for who does not");
    let put = |name: &str, size: u32| {
        let values = [("Name", name.into()), ("Size", size.into())];
        drop(store.insert(instance(store.class(), &values)));
    };
    ["a", "c"].into_iter().for_each(|name| put(name, 1));
    theatre.pass(10_000);
    ["a", "b", "c"].into_iter().for_each(|name| put(name, 2));
    theatre.pass(10_000);
    drop(store.remove(&["a".into()]));
    theatre.pass(10_000);
    for sink in &sinks {
        let mut told = theatre.told(sink);
        told[1..3].sort();
        assert_eq!(told, ["Creation a", "Creation b", "Modification a", "Deletion a"]);
    }
    let mut told = theatre.told(&everything);
    told[..3].sort();
    assert_eq!(told, ["Creation b", "Modification a", "Modification c", "Deletion a"]);
}

#[test]
fn a_look_that_fails_ends_the_subscriptions_with_the_reason() {
    let (mut theatre, _, _, fault) = counted();
    let sinks = [theatre.subscribe(COUNTED), theatre.subscribe(COUNTED)];
    theatre.pass(1000);
    fault.set(true);
    theatre.pass(10_000);
    for sink in &sinks {
        assert_eq!(theatre.told(sink), ["WBEM_E_PROVIDER_FAILURE"]);
        assert_eq!(sink.holders(), 1);
    }
    fault.set(false);
    let sink = theatre.subscribe(COUNTED);
    theatre.pass(1000);
    assert_eq!(theatre.told(&sink), [""; 0]);
}

#[test]
fn c11_events_for_a_dropped_enumerator_go_nowhere() {
    let mut theatre = Theatre::new();
    let doorbell = Class::builder("Doorbell").superclass(&events::extrinsic_event()).build().unwrap();
    let (publisher, channel) = EventChannel::new(&doorbell);
    theatre.server.register(HOME, channel).unwrap();
    let query = "SELECT * FROM Doorbell";
    let flags = Flags::SEMISYNCHRONOUS;
    let mut rings = theatre.services.exec_notification_query(&mut theatre.pump, "WQL", query, flags).unwrap();
    theatre.pass(1);
    let other = publisher.clone();
    let bell = doorbell.clone();
    std::thread::spawn(move || assert!(other.publish(Instance::new(&bell)))).join().unwrap();
    theatre.pass(1);
    let fetched = rings.next(&mut theatre.pump, Some(Duration::ZERO), 10).unwrap();
    assert_eq!((fetched.objects.len(), fetched.outcome), (1, Outcome::TimedOut));
    drop(rings);
    theatre.pass(1);
    assert_eq!((0..10_000).filter(|_| publisher.publish(Instance::new(&doorbell))).count(), 0);
    assert_eq!(format!("{:?}", theatre.server), "Server { calls: 0, .. }");
}

#[test]
fn who_subscribes_while_the_last_source_ends_is_told() {
    let mut theatre = Theatre::new();
    let doorbell = Class::builder("Doorbell").superclass(&events::extrinsic_event()).build().unwrap();
    let (publisher, channel) = EventChannel::new(&doorbell);
    theatre.server.register(HOME, channel).unwrap();
    let first = theatre.subscribe("SELECT * FROM Doorbell");
    theatre.pass(1);
    theatre.services.cancel_async_call(&mut theatre.pump, &first).unwrap();
    let second = theatre.subscribe("SELECT * FROM Doorbell");
    theatre.pass(1);
    assert!(publisher.publish(Instance::new(&doorbell)));
    theatre.pass(1);
    assert_eq!(theatre.told(&second), ["Doorbell"]);
    assert_eq!(theatre.told(&first), ["WBEM_E_CALL_CANCELLED"]);
}

#[test]
fn v11_a_sink_that_takes_nothing_is_told_of_the_overflow_once() {
    let mut theatre = Theatre::new();
    let doorbell = Class::builder("Doorbell").superclass(&events::extrinsic_event());
    let doorbell = doorbell.property(Property::new("Name", CimType::String)).build().unwrap();
    let (publisher, channel) = EventChannel::new(&doorbell);
    theatre.server.register(HOME, channel).unwrap();
    let sink = theatre.subscribe("SELECT * FROM Doorbell");
    let _ = theatre.pump.turn(Budget::no_wait()).unwrap();
    let mut published = 0;
    for count in 0..1_000_000 {
        published += usize::from(publisher.publish(instance(&doorbell, &[("Name", "front door".into())])));
        if count % 1000 == 0 {
            let _ = theatre.pump.turn(Budget::no_wait()).unwrap();
        }
    }
    assert!(published < 400_000, "{published} were taken: too much would wait");
    theatre.pass(1);
    let told = theatre.told(&sink);
    assert_eq!(told.last().unwrap(), "WBEM_E_QUEUE_OVERFLOW");
    assert!(told[..told.len() - 1].iter().all(|event| event == "Doorbell"));
    assert!(told.len() <= 4 * 64 + 1, "{} were on their way", told.len());
    assert!(!publisher.publish(Instance::new(&doorbell)), "nobody listens any more");
    assert_eq!(sink.holders(), 1);
}

#[test]
fn v08_events_are_gathered() {
    let mut theatre = Theatre::new();
    let email = Class::builder("EmailEvent").superclass(&events::extrinsic_event());
    let email = email.property(Property::new("Sender", CimType::String)).build().unwrap();
    let (publisher, channel) = EventChannel::new(&email);
    theatre.server.register(HOME, channel).unwrap();
    let query = "SELECT * FROM EmailEvent GROUP WITHIN 300 BY Sender HAVING NumberOfEvents > 5";
    let sink = theatre.subscribe(query);
    theatre.pass(1);
    for sender in ["a", "b", "a", "A", "b", "a", "a", "b", "a", "a"] {
        assert!(publisher.publish(instance(&email, &[("Sender", sender.into())])));
        theatre.pass(10_000);
    }
    theatre.pass(195_000);
    assert_eq!(theatre.told(&sink), [""; 0]);
    theatre.pass(10_000);
    let heard = std::mem::take(&mut theatre.heard);
    let [(_, SinkEvent::Indicate(objects))] = &heard[..] else { panic!("{heard:?}") };
    let [Object::Instance(event)] = &objects[..] else { panic!("{objects:?}") };
    assert_eq!(&**event.class().name(), "__AggregateEvent");
    assert_eq!(event.get("NumberOfEvents").unwrap().as_u64(), Some(7));
    let representative = event.get("Representative").unwrap().as_object().unwrap();
    assert_eq!(representative.get("Sender").unwrap().as_str(), Some("a"));
}

#[test]
fn what_is_gathered_is_limited_too() {
    let mut theatre = Theatre::new();
    let email = Class::builder("EmailEvent").superclass(&events::extrinsic_event());
    let email = email.property(Property::new("Sender", CimType::String)).build().unwrap();
    let (publisher, channel) = EventChannel::new(&email);
    theatre.server.register(HOME, channel).unwrap();
    let sink = theatre.subscribe("SELECT * FROM EmailEvent GROUP WITHIN 300 BY Sender");
    theatre.pass(1);
    let body = "x".repeat(1024 * 1024);
    let publish = |theatre: &mut Theatre, sender: usize| {
        publisher.publish(instance(&email, &[("Sender", format!("{sender}{body}").into())]));
        theatre.pass(10);
        theatre.told(&sink)
    };
    // Of one group only the first is kept.
    assert!((0..40).all(|_| publish(&mut theatre, 0).is_empty()));
    let told: Vec<_> = (1..40).flat_map(|sender| publish(&mut theatre, sender)).collect();
    assert_eq!(told, ["WBEM_E_QUEUE_OVERFLOW"]);
}

#[test]
fn what_is_no_number_has_not_changed() {
    let mut theatre = Theatre::new();
    let part = class("Part", [Property::new("Loads", CimType::Object)]);
    let ratios = [Property::new("Ratio", CimType::Real64), Property::array("Ratios", CimType::Real32)];
    let mine = [Property::key("Name", CimType::String), Property::new("Part", CimType::Object)];
    let mine = class("Mine", mine.into_iter().chain(ratios));
    let row = |ratio: f64| {
        let inner = instance(&mine, &[("Ratio", ratio.into())]);
        let part = instance(&part, &[("Loads", inner.into())]);
        let ratios = vec![f32::NAN, 1.0];
        instance(
            &mine,
            &[("Name", "a".into()), ("Ratio", f64::NAN.into()), ("Ratios", ratios.into()), ("Part", part.into())],
        )
    };
    let store = Store::new(&mine);
    store.insert(row(f64::NAN));
    theatre.server.register(HOME, store.clone()).unwrap();
    let query = "SELECT * FROM __InstanceModificationEvent WITHIN 1 WHERE TargetInstance ISA 'Mine'";
    let sink = theatre.subscribe(query);
    theatre.pass(1500);
    // It is the same, in another place.
    store.insert(row(f64::NAN));
    theatre.pass(3000);
    assert_eq!(theatre.told(&sink), [""; 0]);
    store.insert(row(1.0));
    theatre.pass(3000);
    assert_eq!(theatre.told(&sink), ["Modification a"]);
}

/// A clock that tells by itself that it has changed, once a second.
struct Clock {
    class: Arc<Class>,
}

impl ClassProvider for Clock {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Err(WbemStatus::NotSupported.into())
    }

    fn changes(&self) -> Option<Result<Box<dyn Rows>, WbemError>> {
        Some(Ok(Box::new(Ticking { class: self.class.clone(), seconds: 0 })))
    }
}

struct Ticking {
    class: Arc<Class>,
    seconds: u32,
}

impl Rows for Ticking {
    fn step(&mut self, _: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        let at = |seconds: u32| instance(&self.class, &[("Second", (seconds % 60).into())]);
        if self.seconds > 0 {
            out.push(events::modification(&at(self.seconds), &at(self.seconds - 1)));
        }
        self.seconds += 1;
        Progress::After(Duration::from_secs(1))
    }
}

#[test]
fn v03_v06_a_provider_that_tells_changes_needs_no_within() {
    let mut theatre = Theatre::new();
    let class = Class::builder("Win32_LocalTime").singleton().property(Property::new("Second", CimType::Uint32));
    theatre.server.register(HOME, Clock { class: class.build().unwrap() }).unwrap();
    theatre.server.set_clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    let isa = "SELECT * FROM __InstanceModificationEvent WHERE TargetInstance ISA 'Win32_LocalTime'";
    let all = theatre.subscribe(isa);
    let full = theatre.subscribe(&format!("{isa} AND TargetInstance.Second = 0"));
    theatre.pass(180_500);
    let count = |sink: &Sink, theatre: &Theatre| -> usize {
        let of_sink = theatre.heard.iter().filter(|(heard, _)| heard == sink);
        of_sink.map(|(_, event)| if let SinkEvent::Indicate(objects) = event { objects.len() } else { 0 }).sum()
    };
    assert_eq!((count(&all, &theatre), count(&full, &theatre)), (180, 3));
    let Some((_, SinkEvent::Indicate(objects))) = theatre.heard.first() else { panic!("events came") };
    let event = objects[0].instance().unwrap();
    let mut names: Vec<_> = event.class().properties().iter().map(|property| property.name.to_string()).collect();
    names.sort_unstable();
    assert_eq!(names, ["PreviousInstance", "SECURITY_DESCRIPTOR", "TIME_CREATED", "TargetInstance"]);
    assert_eq!(event.get("TIME_CREATED").unwrap().as_u64(), Some(116_444_736_010_000_000));
}

fn instruct(theatre: &mut Theatre, name: &str, milliseconds: u32) {
    let class = theatre.services.get_object(&mut theatre.pump, "__IntervalTimerInstruction", Flags::NONE).unwrap();
    let values = [("TimerId", name.into()), ("IntervalBetweenEvents", milliseconds.into())];
    let instruction = instance(class.class(), &values);
    theatre.services.put_instance(&mut theatre.pump, &instruction, Flags::NONE).unwrap();
}

#[test]
fn timers_fire_by_instructions() {
    let mut theatre = Theatre::new();
    let ids = |theatre: &mut Theatre| -> Vec<(String, u64)> {
        let heard = std::mem::take(&mut theatre.heard);
        let objects = heard.into_iter().flat_map(|(_, event)| match event {
            SinkEvent::Indicate(objects) => objects,
            other => panic!("{other:?}"),
        });
        let read = |object: Object| {
            let id = object.get("TimerId").unwrap().to_string();
            (id, object.get("NumFirings").unwrap().as_u64().unwrap())
        };
        objects.map(read).collect()
    };
    theatre.subscribe("SELECT * FROM __TimerEvent WHERE TimerId <> 'silent'");
    theatre.pass(1000);
    instruct(&mut theatre, "fast", 1000);
    instruct(&mut theatre, "slow", 2500);
    instruct(&mut theatre, "silent", 10);
    theatre.pass(5100);
    let heard = ids(&mut theatre);
    let of = |name: &str| heard.iter().filter(|(id, _)| id == name).count();
    assert_eq!((of("fast"), of("slow"), heard.len()), (5, 2, 7));
    let path = "__IntervalTimerInstruction.TimerId='fast'";
    theatre.services.delete_instance(&mut theatre.pump, path, Flags::NONE).unwrap();
    theatre.pass(5000);
    assert!(ids(&mut theatre).iter().all(|(id, _)| id == "slow"));
    theatre.simulation.advance(Duration::from_secs(25));
    theatre.pass(1);
    let late = ids(&mut theatre);
    assert_eq!((late.len(), late[0].1), (1, 10), "what was missed is told at once, with its number");
}

#[test]
fn the_sink_of_a_subscription_may_be_cancelled_from_anywhere() {
    let (mut theatre, store) = mine();
    let query = "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Mine'";
    let sink = theatre.subscribe(query);
    theatre.pass(500);
    store.insert(own(&store, "a", 1));
    // The event is made, and waits to be taken.
    theatre.simulation.advance(Duration::from_secs(1));
    for _ in 0..5 {
        let _ = theatre.pump.turn(Budget::no_wait()).unwrap();
    }
    assert!(matches!(theatre.pump.peek_message().unwrap().payload, Payload::Batch(_)));
    theatre.services.cancel_async_call(&mut theatre.pump, &sink).unwrap();
    theatre.pass(5000);
    assert_eq!(theatre.told(&sink), ["WBEM_E_CALL_CANCELLED"]);
}

/// Tells when its pipe is written to.
#[cfg(unix)]
struct Pipe {
    class: Arc<Class>,
    reader: RefCell<Option<std::os::unix::net::UnixStream>>,
}

#[cfg(unix)]
impl ClassProvider for Pipe {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let reader = self.reader.borrow_mut().take().ok_or(WbemStatus::NotAvailable)?;
        Ok(Box::new(Piped { class: self.class.clone(), reader }))
    }
}

#[cfg(unix)]
struct Piped {
    class: Arc<Class>,
    reader: std::os::unix::net::UnixStream,
}

#[cfg(unix)]
impl Rows for Piped {
    fn step(&mut self, _: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        use std::io::Read;
        let mut byte = [0];
        if self.reader.read_exact(&mut byte).is_ok() {
            out.push(instance(&self.class, &[("Letter", u32::from(byte[0]).into())]));
        }
        Progress::Parked
    }

    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        Some(std::os::fd::AsFd::as_fd(&self.reader))
    }
}

/// A server with a class of events that come through a pipe, and the other end of it.
#[cfg(unix)]
fn letters() -> (Pump<u32>, Server, Services, std::os::unix::net::UnixStream) {
    let mut pump = Pump::<u32>::new().unwrap();
    let server = Server::new(&mut pump);
    let class = Class::builder("Letter").superclass(&events::extrinsic_event());
    let class = class.property(Property::new("Letter", CimType::Uint32)).build().unwrap();
    let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    reader.set_nonblocking(true).unwrap();
    server.register(HOME, Pipe { class, reader: RefCell::new(Some(reader)) }).unwrap();
    let services = server.connect(&mut pump, HOME).unwrap();
    (pump, server, services, writer)
}

/// Who has cancelled a subscription may have nothing to do with the server any more.
#[cfg(unix)]
#[test]
fn the_last_cancel_lets_a_sources_descriptor_go_though_nobody_takes_a_message() {
    use std::io::{ErrorKind, Write};
    let (mut pump, _server, services, mut writer) = letters();
    let sinks = [Sink::new(pump.root_window()), Sink::new(pump.root_window())];
    for sink in &sinks {
        let query = "SELECT * FROM Letter";
        services.exec_notification_query_async(&mut pump, "WQL", query, Flags::NONE, sink).unwrap();
    }
    let _ = pump.turn(Budget::no_wait()).unwrap();
    services.cancel_async_call(&mut pump, &sinks[0]).unwrap();
    assert_eq!(pump.metrics().sockets, 1, "the other one listens");
    writer.write_all(b"a").unwrap();
    services.cancel_async_call(&mut pump, &sinks[1]).unwrap();
    assert_eq!(pump.metrics().sockets, 0);
    assert_eq!(writer.write_all(b"a").unwrap_err().kind(), ErrorKind::BrokenPipe, "nobody has the other end");
}

#[cfg(unix)]
#[test]
fn a_source_with_a_descriptor_is_woken_when_it_is_readable() {
    use std::io::Write;
    let (mut pump, server, services, mut writer) = letters();
    let flags = Flags::SEMISYNCHRONOUS;
    let mut letters = services.exec_notification_query(&mut pump, "WQL", "SELECT * FROM Letter", flags).unwrap();
    for _ in 0..3 {
        let _ = pump.turn(Budget::no_wait()).unwrap();
    }
    writer.write_all(b"ab").unwrap();
    let mut read = Vec::new();
    while read.len() < 2 {
        assert!(server.next_message(&mut pump).is_none());
        let _ = pump.turn(Budget::wait(Duration::from_secs(5))).unwrap();
        let fetched = letters.next(&mut pump, Some(Duration::ZERO), 9).unwrap();
        read.extend(fetched.objects.iter().map(|it| it.get("Letter").unwrap().as_u64().unwrap()));
    }
    assert_eq!(read, [97, 98]);
    // A fetch that waits is woken as well.
    writer.write_all(b"cd").unwrap();
    let fetched = letters.next(&mut pump, Some(Duration::from_secs(30)), 2).unwrap();
    assert_eq!(fetched.objects.len(), 2);
}

#[test]
fn who_asks_for_instances_of_events_takes_none_from_others() {
    let mut theatre = Theatre::new();
    let bell = Class::builder("Bell").superclass(&events::extrinsic_event()).build().unwrap();
    let (publisher, channel) = EventChannel::new(&bell);
    theatre.server.register(HOME, channel).unwrap();
    let sink = theatre.subscribe("SELECT * FROM Bell");
    for class in ["Bell", "__ExtrinsicEvent", "__SystemClass"] {
        let query = format!("SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA '{class}'");
        let none = theatre.subscribe(&query);
        theatre.pass(5_000);
        assert!(publisher.publish(Instance::new(&bell)), "{class}");
        theatre.pass(10);
        assert_eq!((theatre.told(&sink), theatre.told(&none)), (vec!["Bell".to_string()], vec![]), "{class}");
    }
}

#[test]
fn instances_of_a_class_that_nobody_provides_are_looked_for_where_they_come_from() {
    let (mut theatre, store) = mine();
    let tiny = Class::builder("Tiny").superclass(store.class()).build().unwrap();
    theatre.server.register_class(HOME, &tiny).unwrap();
    let query = "SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA";
    let (all, some) = (theatre.subscribe(&format!("{query} 'Mine'")), theatre.subscribe(&format!("{query} 'Tiny'")));
    theatre.pass(500);
    store.insert(own(&store, "big", 1));
    store.insert(instance(&tiny, &[("Name", "small".into())]));
    theatre.pass(1_000);
    assert_eq!(theatre.told(&all), ["Creation big", "Creation small"]);
    assert_eq!(theatre.told(&some), ["Creation small"]);
    store.remove(&["small".into()]);
    theatre.pass(1_000);
    assert_eq!(
        (theatre.told(&all), theatre.told(&some)),
        (vec!["Deletion small".into()], vec!["Deletion small".into()])
    );
}

/// Tells its changes, and counts the sources that have not been dropped.
struct Telltale {
    class: Arc<Class>,
    sources: Rc<()>,
}

struct Silence {
    _source: Rc<()>,
}

impl Rows for Silence {
    fn step(&mut self, _: usize, _: &mut Vec<Arc<Instance>>) -> Progress {
        Progress::Parked
    }
}

impl ClassProvider for Telltale {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Err(WbemStatus::NotSupported.into())
    }

    fn changes(&self) -> Option<Result<Box<dyn Rows>, WbemError>> {
        Some(Ok(Box::new(Silence { _source: self.sources.clone() })))
    }
}

#[test]
fn a_refused_subscription_leaves_no_source_behind() {
    let (mut theatre, _) = mine();
    let sources = Rc::new(());
    let told = class("Told", [Property::key("Name", CimType::String)]);
    theatre.server.register(HOME, Telltale { class: told, sources: sources.clone() }).unwrap();
    let sink = Sink::new(theatre.pump.root_window());
    let both = "TargetInstance ISA 'Told' OR TargetInstance ISA 'Mine'";
    let refused = theatre.try_subscribe(&format!("SELECT * FROM __InstanceCreationEvent WHERE {both}"), &sink);
    assert_eq!((status(refused), Rc::strong_count(&sources)), (WbemStatus::RegistrationTooPrecise, 2));
    theatre.subscribe("SELECT * FROM __InstanceCreationEvent WHERE TargetInstance ISA 'Told'");
    assert_eq!(Rc::strong_count(&sources), 3);
}
