//! The classes of events, and the events that tell what happened to an instance.
//!
//! Floor 5. Pure. Every namespace has these classes ("WMI System Classes" in the public documentation).
//! Classes of a program's own events derive from [`extrinsic_event`].

use std::sync::{Arc, OnceLock};

use super::cim_type::CimType;
use super::class::{Class, Property};
use super::instance::Instance;
use super::value::Value;

pub(super) const EVENT: &str = "__Event";
pub(super) const OPERATION: &str = "__InstanceOperationEvent";
pub(super) const CREATION: &str = "__InstanceCreationEvent";
pub(super) const DELETION: &str = "__InstanceDeletionEvent";
pub(super) const MODIFICATION: &str = "__InstanceModificationEvent";
pub(super) const AGGREGATE: &str = "__AggregateEvent";
pub(super) const TIMER: &str = "__TimerEvent";
pub(super) const INTERVAL_TIMER: &str = "__IntervalTimerInstruction";

/// Where `TargetInstance` stands in an event about an instance.
pub(super) const TARGET: &str = "TargetInstance";

/// Makes a class of the system.
fn class(name: &str, parent: Option<&Arc<Class>>, properties: Vec<Property>) -> Arc<Class> {
    let builder = Class::builder(name).qualifier("abstract", true);
    let builder = parent.into_iter().fold(builder, |builder, parent| builder.superclass(parent));
    let builder = properties.into_iter().fold(builder, |builder, property| builder.property(property));
    builder.build().expect("the classes of the system keep the rules")
}

/// The classes that every namespace has, parents before their children.
pub(super) fn system_classes() -> &'static [Arc<Class>] {
    static CLASSES: OnceLock<Vec<Arc<Class>>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let object = |name: &str| Property::new(name, CimType::Object);
        let system = class("__SystemClass", None, Vec::new());
        let related = class("__IndicationRelated", Some(&system), Vec::new());
        let descriptor = Property::array("SECURITY_DESCRIPTOR", CimType::Uint8);
        let event = class(EVENT, Some(&related), vec![descriptor, Property::new("TIME_CREATED", CimType::Uint64)]);
        let extrinsic = class("__ExtrinsicEvent", Some(&event), Vec::new());
        let operation = class(OPERATION, Some(&event), vec![object(TARGET)]);
        let creation = class(CREATION, Some(&operation), Vec::new());
        let deletion = class(DELETION, Some(&operation), Vec::new());
        let modification = class(MODIFICATION, Some(&operation), vec![object("PreviousInstance")]);
        let number = Property::new("NumberOfEvents", CimType::Uint32);
        let aggregate = class(AGGREGATE, Some(&related), vec![number, object("Representative")]);
        let identity = || Property::new("TimerId", CimType::String);
        let firings = Property::new("NumFirings", CimType::Uint32);
        let timer = class(TIMER, Some(&event), vec![identity(), firings]);
        let instruction =
            [Property::key("TimerId", CimType::String), Property::new("SkipIfPassed", CimType::Boolean).default(false)];
        let instruction = class("__TimerInstruction", Some(&system), instruction.into());
        let interval = Property::new("IntervalBetweenEvents", CimType::Uint32);
        let interval = class(INTERVAL_TIMER, Some(&instruction), vec![interval]);
        let system_event = class("__SystemEvent", Some(&extrinsic), Vec::new());
        let dropped = class("__EventDroppedEvent", Some(&system_event), vec![object("Event")]);
        let size = Property::new("CurrentQueueSize", CimType::Uint32);
        let overflow = class("__EventQueueOverflowEvent", Some(&dropped), vec![size]);
        vec![
            system,
            related,
            event,
            extrinsic,
            operation,
            creation,
            deletion,
            modification,
            aggregate,
            timer,
            instruction,
            interval,
            system_event,
            dropped,
            overflow,
        ]
    })
}

/// One of the classes that every namespace has.
pub(super) fn system_class(name: &str) -> Arc<Class> {
    let found = system_classes().iter().find(|class| class.name().eq_ignore_ascii_case(name));
    found.expect("the name is one of the constants above").clone()
}

/// `__ExtrinsicEvent`, from which the classes of a program's own events derive.
pub fn extrinsic_event() -> Arc<Class> {
    system_class("__ExtrinsicEvent")
}

/// `__EventQueueOverflowEvent`: the source of events has lost some, `size` of them were waiting.
pub fn queue_overflow(size: u32) -> Arc<Instance> {
    make("__EventQueueOverflowEvent", [("CurrentQueueSize", Value::from(size))])
}

/// The event that tells of an instance that has come to be.
///
/// An instance that has so many others within it that no event can have it is left out, here and in the other events.
pub fn creation(instance: &Arc<Instance>) -> Arc<Instance> {
    make(CREATION, [(TARGET, Value::from(instance.clone()))])
}

/// The event that tells of an instance that is gone, as it was known last.
pub fn deletion(instance: &Arc<Instance>) -> Arc<Instance> {
    make(DELETION, [(TARGET, Value::from(instance.clone()))])
}

/// The event that tells of an instance that has changed.
pub fn modification(instance: &Arc<Instance>, previous: &Arc<Instance>) -> Arc<Instance> {
    let values = [(TARGET, Value::from(instance.clone())), ("PreviousInstance", Value::from(previous.clone()))];
    make(MODIFICATION, values)
}

/// Makes an object of one of the system's classes.
pub(super) fn make<const N: usize>(class: &str, values: [(&str, Value); N]) -> Arc<Instance> {
    let class = system_class(class);
    let mut filled: Vec<Value> = class.properties().iter().map(|property| property.default.clone()).collect();
    for (name, value) in values {
        let index = class.index_of(name).expect("the class has the property");
        debug_assert_eq!(value.property_type(), Some(class.properties()[index].property_type));
        if value.within().fits_an_event() {
            filled[index] = value;
        }
    }
    Arc::new(Instance::from_fitting(&class, filled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbem::fixtures::processes;

    #[test]
    fn v03_a_modification_has_four_properties() {
        let (_, rows) = processes();
        let event = modification(&rows[1], &rows[0]);
        let mut names: Vec<_> = event.class().properties().iter().map(|property| &*property.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["PreviousInstance", "SECURITY_DESCRIPTOR", "TIME_CREATED", "TargetInstance"]);
        assert_eq!(event.get("targetinstance").unwrap().as_object(), Some(&rows[1]));
        assert!(event.class().is_event() && event.class().is_a(OPERATION));
        let parent = |event: Arc<Instance>| event.class().superclass().map(|class| class.name().clone());
        assert_eq!(parent(creation(&rows[0])), parent(deletion(&rows[0])));
    }

    #[test]
    fn own_events_are_events() {
        let class = Class::builder("Doorbell").superclass(&extrinsic_event()).build().unwrap();
        assert!(class.is_event());
        assert!(queue_overflow(3).class().is_a("__ExtrinsicEvent"));
        assert!(!system_class(AGGREGATE).is_event());
    }
}
