//! Queries: read, printed, read again, fitted to classes, and tried on objects of all types.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use msgpump::wbem::wql::{Bindings, EventQuery, Predicate, PropertySet, Query, Truth};
use msgpump::wbem::{CimType, Class, DateTime, Instance, Property, Value};

/// A class with a property of each kind, and objects of it and of a class derived from it.
static OBJECTS: LazyLock<(Arc<Class>, Vec<Arc<Instance>>)> = LazyLock::new(|| {
    let inner = Class::builder("B").property(Property::new("I", CimType::Sint32)).build().expect("the names are good");
    let class = Class::builder("A")
        .property(Property::key("S", CimType::String))
        .property(Property::new("B", CimType::Boolean))
        .property(Property::new("C", CimType::Char16))
        .property(Property::new("I", CimType::Sint8))
        .property(Property::new("U", CimType::Uint64))
        .property(Property::new("R", CimType::Real64))
        .property(Property::new("F", CimType::Real32))
        .property(Property::new("D", CimType::DateTime))
        .property(Property::new("P", CimType::Reference))
        .property(Property::new("E", CimType::Object))
        .property(Property::array("L", CimType::String))
        .build()
        .expect("the names are good");
    let derived = Class::builder("Derived").superclass(&class).build().expect("the names are good");
    let object = |number: Option<i32>| {
        let mut object = Instance::new(&inner);
        object.put("I", number).expect("it has the type");
        Value::Object(Arc::new(object))
    };
    let moment = |text| Value::DateTime(DateTime::parse(text).expect("it is one"));
    let rows = [
        vec!["".into(), false.into(), Value::Char16(97), Value::Sint8(-1), 0_u64.into(), 0.5.into()],
        vec!["Abc".into(), true.into(), Value::Char16(0xD800), Value::Sint8(127), u64::MAX.into(), (-0.0).into()],
        vec!["a_%[".into(), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null],
        vec!["é".into(), true.into(), Value::Char16(66), Value::Sint8(3), 3_u64.into(), 1e300.into()],
    ];
    let others = [
        vec![0.5_f32.into(), moment("20260101000000.000000+000"), Value::reference("A.S=\"a\""), object(Some(3))],
        vec![f32::MAX.into(), moment("20260101010000.000000+060"), Value::reference("root\\b:A.S=1"), object(None)],
        vec![Value::Null, Value::Null, Value::Null, Value::Null],
        vec![3.0_f32.into(), moment("00000001000000.000000:000"), Value::reference("A"), object(Some(-3))],
    ];
    let rows = rows.into_iter().zip(others).map(|(mut row, others)| {
        row.extend(others);
        row.push(Value::Null);
        row
    });
    let make = |(index, row): (usize, Vec<Value>)| {
        let class = if index % 2 == 0 { &class } else { &derived };
        Arc::new(Instance::from_values(class, row).expect("the values have the types"))
    };
    (class.clone(), rows.enumerate().map(make).collect())
});

/// Whether the two are one value as a condition compares them.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::DateTime(left), Value::DateTime(right)) => {
            left.compare(*right).is_some_and(|ordering| ordering.is_eq())
        }
        (Value::String(_) | Value::Reference(_) | Value::Char16(_), _) => {
            left.property_type() == right.property_type()
                && left.to_string().to_lowercase() == right.to_string().to_lowercase()
        }
        _ => left == right,
    }
}

/// What a condition says of each object, and what it says without looking, which must not contradict.
fn try_on_objects(predicate: &Predicate) -> Vec<Truth> {
    let (class, objects) = &*OBJECTS;
    let (bindings, reads): (Bindings, PropertySet) = (predicate.bindings(), predicate.reads());
    let keys = bindings.keys(class);
    objects
        .iter()
        .map(|object| {
            let truth = predicate.matches(object);
            let (none, all) = (PropertySet::default(), (0..class.properties().len()).collect());
            assert!(!(truth.is_true() && predicate.rules_out(object, &none)), "ruled out without a value");
            assert!(!(truth.is_true() && predicate.rules_out(object, &all)), "ruled out with all values");
            assert!(!(truth.is_true() && predicate.rules_out(object, &reads)), "ruled out with those that are read");
            if truth.is_true() {
                assert!(!bindings.is_impossible(), "what cannot be is");
                for (index, value) in object.values().iter().enumerate() {
                    let bound = bindings.values(index);
                    let is_told = bound.is_none_or(|values| values.iter().any(|bound| is_same(bound, value)));
                    assert!(is_told, "{value:?} is not among {bound:?}");
                }
                let key = &object.values()[0];
                let is_told = |keys: &Vec<Vec<Value>>| keys.iter().any(|values| is_same(&values[0], key));
                assert!(keys.as_ref().is_none_or(is_told), "{key:?} is not among {keys:?}");
            }
            truth
        })
        .collect()
}

fn check_query(text: &str) {
    let query = match Query::parse(text) {
        Ok(query) => query,
        Err(error) => {
            assert!(error.position <= text.len());
            let _ = (error.annotate(text), error.in_query(text).to_string());
            return;
        }
    };
    let printed = query.to_string();
    let again = Query::parse(&printed).unwrap_or_else(|error| panic!("{text:?} is printed as {printed:?}: {error}"));
    assert_eq!(again.to_string(), printed, "{text:?}");
    let (class, objects) = &*OBJECTS;
    match (&query, &again) {
        (Query::Select(query), Query::Select(again)) => {
            if let Ok(predicate) = query.predicate(class, 60) {
                let seen = try_on_objects(&predicate);
                let predicate = again.predicate(class, 60).expect("it says the same");
                assert_eq!(seen, try_on_objects(&predicate), "{text:?} is printed as {printed:?}");
            }
            for is_locatable in [false, true] {
                let Ok(projection) = query.projection(class, is_locatable) else { continue };
                for object in objects {
                    let row = projection.apply(object);
                    assert!(row.values().len() <= object.values().len());
                    assert!(!is_locatable || row.relative_path() == object.relative_path());
                }
            }
        }
        (Query::Schema(query), Query::Schema(again)) => {
            let (Ok(predicate), Ok(again)) = (query.predicate(), again.predicate()) else { return };
            assert_eq!(predicate.matches(class), again.matches(class), "{text:?} is printed as {printed:?}");
        }
        (Query::Associators(_), Query::Associators(_)) | (Query::References(_), Query::References(_)) => {}
        _ => panic!("{text:?} is printed as {printed:?}, a query of another kind"),
    }
}

fn check_event_query(text: &str) {
    let Ok(query) = EventQuery::parse(text) else { return };
    let printed = query.to_string();
    let again =
        EventQuery::parse(&printed).unwrap_or_else(|error| panic!("{text:?} is printed as {printed:?}: {error}"));
    assert_eq!(again.to_string(), printed, "{text:?}");
    let (class, objects) = &*OBJECTS;
    if let Ok(predicate) = query.predicate(class, -60) {
        let seen = try_on_objects(&predicate);
        let predicate = again.predicate(class, -60).expect("it says the same");
        assert_eq!(seen, try_on_objects(&predicate), "{text:?} is printed as {printed:?}");
    }
    if let Ok(projection) = query.projection(class) {
        objects.iter().for_each(|object| _ = projection.apply(object));
    }
    if let Ok(Some(grouping)) = query.grouping(class) {
        objects.iter().for_each(|object| _ = grouping.key(object));
    }
}

fuzz_target!(|text: &str| {
    check_query(text);
    check_event_query(text);
});
