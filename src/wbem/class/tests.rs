//! The rules of classes.

use super::*;
use crate::wbem::error::WbemStatus;

/// A class with one key and one other property.
fn keyed() -> Arc<Class> {
    Class::builder("Keyed")
        .property(Property::new("Caption", CimType::String).qualifier("read", true))
        .property(Property::key("Id", CimType::Uint32))
        .build()
        .unwrap()
}

#[test]
fn a_derived_class_keeps_the_places_of_its_parent() {
    let parent = keyed();
    let child = Class::builder("Child")
        .superclass(&parent)
        .property(Property::new("Size", CimType::Uint64))
        .property(Property::new("ID", CimType::Uint32).qualifier("write", true))
        .build()
        .unwrap();
    let names: Vec<&str> = child.properties().iter().map(|property| &*property.name).collect();
    let origins: Vec<&str> = child.properties().iter().map(|property| &*property.origin).collect();
    assert_eq!(names, ["Caption", "ID", "Size"]);
    assert_eq!(origins, ["Keyed", "Keyed", "Child"]);
    assert_eq!((child.keys(), child.index_of("iD")), (&[1][..], Some(1)));
    assert!(child.property("id").unwrap().is_writable() && child.property("id").unwrap().is_key());
    assert!(child.is_a("KEYED") && child.is_a("child") && !parent.is_a("Child"));
    assert_eq!(&**child.dynasty().name(), "Keyed");
}

#[test]
fn a_derived_class_may_make_an_inherited_property_its_key() {
    let element = Class::builder("Element").property(Property::new("Name", CimType::String)).build().unwrap();
    let derive =
        |name: &str, parent: &Arc<Class>, property| Class::builder(name).superclass(parent).property(property).build();
    let service = derive("Service", &element, Property::key("Name", CimType::String)).unwrap();
    assert_eq!((element.keys(), service.keys(), service.properties().len()), (&[][..], &[0][..], 1));
    // Once there are keys, they are all there will be.
    let error = derive("Other", &service, Property::key("Id", CimType::Uint32)).unwrap_err();
    assert_eq!(error.kind, ClassErrorKind::KeysInherited);
    assert_eq!(derive("Same", &service, Property::key("NAME", CimType::String)).unwrap().keys(), [0]);
}

#[test]
fn classes_that_break_a_rule() {
    let parent = keyed();
    let singleton = Class::builder("Only").singleton().build().unwrap();
    let text = || Property::new("Text", CimType::String);
    let long = "n".repeat(256);
    for (builder, subject, status) in [
        (Class::builder("9a"), "9a", WbemStatus::InvalidParameter),
        (Class::builder(long.as_str()), &*long, WbemStatus::ClassNameTooWide),
        (Class::builder("C").property(Property::new("a b", CimType::String)), "a b", WbemStatus::InvalidParameter),
        (Class::builder("C").property(Property::new("_a", CimType::String)), "_a", WbemStatus::InvalidParameter),
        (
            Class::builder("C").property(text()).property(Property::new("TEXT", CimType::Uint8)),
            "TEXT",
            WbemStatus::InvalidParameter,
        ),
        (Class::builder("C").method(Method::new("M")).method(Method::new("m")), "m", WbemStatus::InvalidParameter),
        (Class::builder("C").property(Property::key("K", CimType::Real32)), "K", WbemStatus::CannotBeKey),
        (Class::builder("C").property(Property::key("K", CimType::Object)), "K", WbemStatus::CannotBeKey),
        (
            Class::builder("C").property(Property::array("K", CimType::String).qualifier("key", true)),
            "K",
            WbemStatus::CannotBeKey,
        ),
        (
            Class::builder("C").superclass(&parent).property(Property::key("K", CimType::String)),
            "K",
            WbemStatus::CannotChangeKeyInheritance,
        ),
        (
            Class::builder("C").superclass(&parent).property(Property::key("Caption", CimType::String)),
            "Caption",
            WbemStatus::CannotChangeKeyInheritance,
        ),
        (
            Class::builder("C").superclass(&parent).property(Property::new("Id", CimType::Uint64)),
            "Id",
            WbemStatus::UpdateTypeMismatch,
        ),
        (Class::builder("C").superclass(&parent).singleton(), "Id", WbemStatus::CannotBeSingleton),
        (
            Class::builder("C").superclass(&singleton).property(Property::key("K", CimType::String)),
            "K",
            WbemStatus::CannotBeSingleton,
        ),
        (
            Class::builder("C").property(Property::new("N", CimType::Uint8).default(256)),
            "N",
            WbemStatus::ValueOutOfRange,
        ),
        (Class::builder("C").property(Property::new("N", CimType::Uint8).default("x")), "N", WbemStatus::TypeMismatch),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!((&*error.subject, error.kind.status()), (subject, status), "{error}");
    }
}

#[test]
fn classes_have_limits() {
    let many = |count: usize| {
        let properties = (0..count).map(|number| Property::new(format!("P{number}"), CimType::Uint8));
        properties.fold(Class::builder("C"), ClassBuilder::property).build()
    };
    assert!(many(PROPERTIES_MAX).is_ok());
    assert_eq!(many(PROPERTIES_MAX + 1).unwrap_err().kind, ClassErrorKind::TooManyProperties);
    let mut class = Class::builder("C0").build().unwrap();
    for depth in 1..CLASS_DEPTH_MAX {
        class = Class::builder(format!("C{depth}")).superclass(&class).build().unwrap();
    }
    assert_eq!(Class::builder("C").superclass(&class).build().unwrap_err().kind, ClassErrorKind::TooDeep);
}

#[test]
fn a_class_settles_once() {
    let class = keyed();
    assert_eq!(class.home(), None);
    assert!(class.settle(NamespacePath::parse("root\\cimv2").unwrap()));
    assert!(class.settle(NamespacePath::parse("ROOT/CIMV2").unwrap()));
    assert!(!class.settle(NamespacePath::parse("root\\other").unwrap()));
    assert_eq!(class.home().unwrap().to_string(), "root\\cimv2");
}

#[test]
fn a_projection_keeps_its_keys_or_loses_its_identity() {
    let class = keyed();
    class.settle(NamespacePath::parse("root").unwrap());
    let whole = class.project(&[1, 0]);
    assert_eq!((whole.keys(), whole.property("caption").is_some()), (&[0][..], true));
    assert_eq!((&**whole.name(), whole.home()), ("Keyed", class.home()));
    let part = class.project(&[0]);
    assert_eq!((part.keys(), part.properties().len(), part.is_singleton()), (&[][..], 1, false));
}

#[test]
fn what_overrides_a_key_is_one_whatever_it_says() {
    let name = Property::new("Name", CimType::String).qualifier("Key", false).qualifier("read", true);
    let parent = [Property::key("Name", CimType::String), Property::key("Id", CimType::Uint8)];
    let parent = parent.into_iter().fold(Class::builder("Parent"), ClassBuilder::property).build().unwrap();
    let child = Class::builder("Child").superclass(&parent).property(name).build().unwrap();
    assert_eq!(child.keys(), parent.keys());
    assert!(child.property("Name").is_some_and(|name| name.is_key() && name.qualifiers.len() == 2));
}

#[test]
fn every_property_says_its_cimtype() {
    for (property, expected) in [
        (Property::new("Size", CimType::Uint32), "uint32"),
        (Property::array("Loads", CimType::Sint8), "sint8"),
        (Property::new("When", CimType::DateTime), "datetime"),
        (Property::new("Any", CimType::Reference), "ref"),
        (Property::new("Who", CimType::Reference).of_class("Person"), "ref:Person"),
        (Property::new("Part", CimType::Object), "object"),
        (Property::array("Parts", CimType::Object).of_class("Part"), "object:Part"),
    ] {
        assert_eq!(property.cimtype(), expected);
    }
}
