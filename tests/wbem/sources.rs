//! Sources of rows and of events that misbehave.

use std::sync::Arc;
use std::time::Duration;

use msgpump::simulation::Simulation;
use msgpump::wbem::{
    CimType, Class, ClassProvider, EVENT_BYTES_MAX, EventChannel, Flags, Instance, List, Progress, Property, Rows,
    Server, Sink, SinkEvent, Wanted, WbemError, WbemStatus, events,
};
use msgpump::{Settings, Timer};

use crate::support::{HOME, Stage, class, instance, status};

/// Where a source panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Beginning,
    Descriptor,
}

struct Faulty {
    class: Arc<Class>,
    fault: Fault,
}

struct FaultyRows;

impl ClassProvider for Faulty {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        assert_ne!(self.fault, Fault::Beginning, "as it was told");
        Ok(Box::new(FaultyRows))
    }

    fn changes(&self) -> Option<Result<Box<dyn Rows>, WbemError>> {
        Some(self.open(&Wanted::everything()))
    }
}

impl Rows for FaultyRows {
    fn step(&mut self, _: usize, _: &mut Vec<Arc<Instance>>) -> Progress {
        Progress::Parked
    }

    #[cfg(unix)]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        panic!("as it was told")
    }
}

#[test]
fn a_source_that_panics_when_it_is_begun_hurts_only_its_call() {
    let faults = if cfg!(unix) { &[Fault::Beginning, Fault::Descriptor][..] } else { &[Fault::Beginning] };
    for fault in faults {
        let mut stage = Stage::new(3);
        let alarm = Class::builder("Alarm").superclass(&events::extrinsic_event()).build().unwrap();
        let thing = class("Thing", [Property::key("Name", CimType::String)]);
        for class in [alarm, thing] {
            stage.server.register(HOME, Faulty { class, fault: *fault }).unwrap();
        }
        let (sink, other) = (stage.sink(), stage.sink());
        stage.ask(&other);
        for query in ["SELECT * FROM Alarm", "SELECT * FROM __InstanceCreationEvent WHERE TargetInstance ISA 'Thing'"] {
            let (pump, flags) = (&mut stage.pump, Flags::NONE);
            let refused = stage.services.exec_notification_query_async(pump, "WQL", query, flags, &sink);
            assert_eq!(status(refused), WbemStatus::ProviderFailure, "{fault:?}: {query}");
        }
        let heard = stage.run(6);
        assert!(heard.iter().all(|heard| heard.sink == other.id()), "{fault:?}");
        assert_eq!(crate::support::statuses(&heard), [WbemStatus::SNoError], "{fault:?}");
        assert_eq!(sink.holders(), 1);
    }
}

/// Gives every object twice.
struct Doubling {
    row: Arc<Instance>,
}

impl ClassProvider for Doubling {
    fn class(&self) -> &Arc<Class> {
        self.row.class()
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Ok(List::boxed([self.row.clone(), self.row.clone()]))
    }
}

/// Uses the server when it goes.
struct Farewell {
    class: Arc<Class>,
    server: Server,
}

impl ClassProvider for Farewell {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Ok(List::boxed::<Arc<Instance>>([]))
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.server.set_utc_offset(60);
    }
}

#[test]
fn a_provider_that_is_refused_may_use_the_server_when_it_goes() {
    let stage = Stage::new(1);
    let class = class("Slow", [Property::key("Id", CimType::Uint32)]);
    let refused = stage.server.register(HOME, Farewell { class, server: stage.server.clone() });
    assert_eq!(status(refused), WbemStatus::AlreadyExists);
}

#[test]
fn an_object_that_is_given_twice_is_no_new_one() {
    let simulation = Simulation::new(1);
    let mut pump = simulation.pump::<u32>(Settings::default());
    let server = Server::new(&mut pump);
    let class = class("Thing", [Property::key("Name", CimType::String)]);
    server.register(HOME, Doubling { row: instance(&class, &[("Name", "a".into())]) }).unwrap();
    let services = server.connect(&mut pump, HOME).unwrap();
    let sink = Sink::new(pump.root_window());
    let query = "SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'Thing'";
    services.exec_notification_query_async(&mut pump, "WQL", query, Flags::NONE, &sink).unwrap();
    let window = pump.root_window();
    let timer = pump.set_timer(window, Timer::once(Duration::from_secs(5))).unwrap();
    loop {
        let message = pump.get_message().unwrap().unwrap();
        if message.operation == Some(timer) {
            break;
        }
        if let Some(msgpump::wbem::Received::Sink(message)) = server.translate(&mut pump, message) {
            assert!(!matches!(message.event, SinkEvent::Indicate(_)), "{message:?}");
        }
    }
}

/// Panics when it hears that nobody wants the rest.
struct Touchy {
    class: Arc<Class>,
}

struct TouchyRows;

impl ClassProvider for Touchy {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Ok(Box::new(TouchyRows))
    }
}

impl Rows for TouchyRows {
    fn step(&mut self, _: usize, _: &mut Vec<Arc<Instance>>) -> Progress {
        Progress::Parked
    }

    fn cancelled(&mut self) {
        panic!("as it was told")
    }
}

#[test]
fn a_provider_that_panics_at_a_cancel_silences_no_other_call_of_the_sink() {
    let mut stage = Stage::new(3);
    let class = class("Touchy", [Property::key("Name", CimType::String)]);
    stage.server.register(HOME, Touchy { class }).unwrap();
    let sink = stage.sink();
    for query in ["SELECT * FROM Touchy", "SELECT * FROM Slow", "SELECT * FROM Touchy"] {
        stage.ask_for(query, &sink);
    }
    stage.turn();
    assert_eq!(stage.cancel(&sink), WbemStatus::SNoError);
    let heard = stage.run(3);
    assert_eq!(crate::support::statuses(&heard), [WbemStatus::CallCancelled; 3]);
}

#[test]
fn long_events_wait_within_limits_too() {
    let mut stage = Stage::new(1);
    let alarm = Class::builder("Alarm").superclass(&events::extrinsic_event());
    let alarm = alarm.property(Property::new("Text", CimType::String)).build().unwrap();
    let (publisher, channel) = EventChannel::new(&alarm);
    stage.server.register(HOME, channel).unwrap();
    let sink = stage.sink();
    let query = "SELECT * FROM __Event";
    stage.services.exec_notification_query_async(&mut stage.pump, "WQL", query, Flags::NONE, &sink).unwrap();
    stage.turn();
    let long = instance(&alarm, &[("Text", "x".repeat(EVENT_BYTES_MAX / 8).into())]);
    let taken = (0..100).filter(|_| publisher.publish(long.clone())).count();
    assert_eq!(taken, 7, "the eighth would be too much");
    let mut classes = Vec::new();
    for _ in 0..5 {
        stage.turn();
        for message in stage.take() {
            let SinkEvent::Indicate(objects) = message.event else { panic!("{message:?}") };
            classes.extend(objects.iter().map(|object| object.class().name().to_string()));
        }
    }
    assert_eq!((classes.len(), &*classes[7]), (8, "__EventQueueOverflowEvent"));
    assert!(publisher.publish(long), "there is room again");
}

#[test]
fn a_query_for_objects_never_takes_a_subscriptions_events() {
    let mut stage = Stage::new(1);
    let alarm = Class::builder("Alarm").superclass(&events::extrinsic_event()).build().unwrap();
    let (publisher, channel) = EventChannel::new(&alarm);
    stage.server.register(HOME, channel).unwrap();
    let (sink, flags) = (stage.sink(), Flags::NONE);
    stage.services.exec_notification_query_async(&mut stage.pump, "WQL", "SELECT * FROM Alarm", flags, &sink).unwrap();
    stage.turn();
    assert!(publisher.publish(Instance::new(&alarm)));
    for (query, expected) in [
        ("SELECT * FROM Alarm", WbemStatus::InvalidQuery),
        ("SELECT * FROM __InstanceCreationEvent WHERE TargetInstance ISA 'Slow'", WbemStatus::InvalidQuery),
        ("SELECT * FROM __SystemClass", WbemStatus::SNoError),
    ] {
        let asked = stage.services.exec_query(&mut stage.pump, "WQL", query, Flags::NONE);
        assert_eq!(status(asked), expected, "{query}");
    }
    let listed = stage.services.create_instance_enum(&mut stage.pump, "Alarm", Flags::NONE);
    assert_eq!(status(listed), WbemStatus::ProviderNotCapable);
    assert_eq!(stage.run(3).len(), 1, "the subscription has its event");
}
