//! Objects within objects, as deep as they may be and deeper.

use std::sync::Arc;

use msgpump::wbem::{
    CimType, Class, EMBEDDED_DEPTH_MAX, EMBEDDED_OBJECTS_MAX, Instance, Method, Property, PutError, Value,
    ValueErrorKind, WbemStatus, events,
};

use crate::support::class;

/// Puts an object into an object into an object, until it is refused; gives the deepest one that is not.
fn nested(class: &Arc<Class>, wrap: impl Fn(Value) -> Value) -> (Instance, usize) {
    let mut inner = Instance::new(class);
    for depth in 0.. {
        let mut outer = Instance::new(class);
        match outer.put("Inner", wrap(inner.clone().into())) {
            Ok(()) => inner = outer,
            Err(PutError::Value(_, error)) => {
                assert_eq!((error.kind, error.status()), (ValueErrorKind::TooDeep, WbemStatus::QuotaViolation));
                assert_eq!(outer, Instance::new(class), "what was refused leaves nothing");
                return (inner, depth);
            }
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("it is refused some time")
}

#[test]
fn objects_within_objects_end_before_the_stack_does() {
    let node = class("Node", [Property::new("Inner", CimType::Object), Property::new("Name", CimType::String)]);
    let nodes = class("Nodes", [Property::array("Inner", CimType::Object)]);
    let (deep, depth) = nested(&node, |inner| inner);
    assert_eq!(depth, EMBEDDED_DEPTH_MAX);
    assert_eq!(nested(&nodes, |inner| vec![inner].into()).1, EMBEDDED_DEPTH_MAX);
    // What was taken out again does not count.
    let mut emptied = deep.clone();
    emptied.put("Inner", Value::Null).unwrap();
    let mut outer = Instance::new(&node);
    outer.put("Inner", emptied).unwrap();
    // All that goes down: on a stack as small as a thread of a program has at least.
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        let values = Instance::from_values(&node, vec![deep.clone().into()]);
        assert!(matches!(values, Err(PutError::Value(..))), "every way in is closed");
        assert_eq!(deep.clone(), deep);
        assert_eq!(deep.object_text().matches("instance of Node").count(), EMBEDDED_DEPTH_MAX + 1);
        assert!(format!("{deep:?}").len() > EMBEDDED_DEPTH_MAX);
        #[cfg(feature = "serde")]
        assert_eq!(serde_json::to_string(&deep).unwrap().matches("Inner").count(), EMBEDDED_DEPTH_MAX + 1);
        // Events are around what they are about, whatever it is; events about events end as well.
        let mut event = events::creation(&Arc::new(deep));
        assert!(!event.get("TargetInstance").unwrap().is_null());
        for _ in 0..10_000 {
            event = events::creation(&event);
        }
        assert_eq!(event.clone(), event);
    });
    thread.unwrap().join().unwrap();
}

/// A class whose objects have two within them, and many more.
fn couples() -> Arc<Class> {
    let object = |name: &str| Property::new(name, CimType::Object);
    class("Couple", [object("First"), object("Second"), Property::array("Others", CimType::Object)])
}

/// The error of an object that has too many within it.
fn too_many(refused: Result<(), PutError>) {
    let Err(PutError::Value(_, error)) = refused else { panic!("{refused:?}") };
    assert_eq!((error.kind, error.status()), (ValueErrorKind::TooMany, WbemStatus::QuotaViolation));
    assert!(error.to_string().contains("65536 objects"), "{error}");
}

/// Each object has the one before twice. So 64 of them would be 2^64 to whoever prints them.
#[test]
fn objects_that_are_within_others_twice_end_before_they_are_too_many() {
    let class = couples();
    let mut inner = Arc::new(Instance::new(&class));
    let mut objects = 0;
    let outer = loop {
        let mut outer = Instance::new(&class);
        outer.put("First", inner.clone()).unwrap();
        let before = outer.clone();
        match outer.put("Second", inner.clone()) {
            Ok(()) => (inner, objects) = (Arc::new(outer), 2 * objects + 2),
            refused => {
                too_many(refused);
                assert_eq!(outer, before, "what was refused leaves nothing");
                break outer;
            }
        }
    };
    assert!(2 * objects + 2 > EMBEDDED_OBJECTS_MAX && objects <= EMBEDDED_OBJECTS_MAX);
    assert_eq!(inner.object_text().matches("instance of Couple").count(), objects + 1);
    // Every way in is closed: all values at once, an array, and the defaults of a class.
    let two = [Value::from(inner.clone()), inner.clone().into()];
    too_many(Instance::from_values(&class, two.to_vec()).map(|_| ()));
    too_many(outer.clone().put("Others", two.to_vec()));
    let full = ["First", "Second"].into_iter().zip(two).fold(Class::builder("Full"), |builder, (name, value)| {
        builder.property(Property::new(name, CimType::Object).default(value))
    });
    let refused = full.build().unwrap_err();
    assert_eq!(refused.kind.status(), WbemStatus::QuotaViolation, "{refused}");
    // What is taken out makes room.
    let mut outer = outer;
    outer.put("First", Value::Null).unwrap();
    outer.put("Second", inner.clone()).unwrap();
}

/// The system's events may have two objects within them that are as large as may be, and end there.
#[test]
fn events_that_have_an_object_twice_end_too() {
    let class = couples();
    let other = Arc::new(Instance::new(&class));
    let mut full = Instance::new(&class);
    full.put("Others", vec![other; EMBEDDED_OBJECTS_MAX]).unwrap();
    too_many(full.put("First", Instance::new(&class)));
    let around = |inner: &Arc<Instance>| events::modification(inner, inner);
    let leaves_out = |event: &Instance| event.get("TargetInstance").unwrap().is_null();
    let events = [around(&Arc::new(full.clone())), around(&around(&full.into()))];
    assert_eq!(events.each_ref().map(|event| leaves_out(event)), [false, false]);
    assert!(leaves_out(&around(&events[1])));
    // Of what an event has, a part can be taken out, though more is left than others may have.
    let [_, event] = events;
    let mut lesser = Instance::clone(&event);
    lesser.put("PreviousInstance", Value::Null).unwrap();
    assert!(!leaves_out(&lesser));
    let event = (0..100).fold(event, |event, _| around(&event));
    assert!(event.object_text().matches("instance of").count() <= 5 * EMBEDDED_OBJECTS_MAX);
}

#[test]
fn classes_within_classes_end_too() {
    let by_default = |inner: Option<&Arc<Class>>| {
        let property = Property::new("Inner", CimType::Object);
        inner.into_iter().fold(property, |property, class| property.default(Instance::new(class)))
    };
    let by_method = |inner: Option<&Arc<Class>>| {
        let builder = Class::builder("Node");
        inner.into_iter().fold(builder, |it, class| it.method(Method::new("M").inputs(class.clone()))).build()
    };
    let by_qualifier = |inner: Option<&Arc<Class>>| {
        let builder = Class::builder("Node");
        inner.into_iter().fold(builder, |it, class| it.qualifier("Inner", Instance::new(class))).build()
    };
    // No type says that the elements of a qualifier are alike.
    let by_elements = |inner: Option<&Arc<Class>>| {
        let builder = Class::builder("Node");
        let elements = |class| Value::Array(vec![Value::Null, Value::from(Instance::new(class))].into());
        inner.into_iter().fold(builder, |it, class| it.qualifier("Inner", elements(class))).build()
    };
    let makes: [&dyn Fn(Option<&Arc<Class>>) -> Result<Arc<Class>, _>; 4] =
        [&|inner| Class::builder("Node").property(by_default(inner)).build(), &by_method, &by_qualifier, &by_elements];
    for make in makes {
        let mut class = make(None).unwrap();
        let mut depth = 0;
        let error = loop {
            match make(Some(&class)) {
                Ok(outer) => (class, depth) = (outer, depth + 1),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind.status(), WbemStatus::QuotaViolation, "{error}");
        assert_eq!(depth, EMBEDDED_DEPTH_MAX);
        assert!(class.object_text().contains("class Node"));
    }
}
