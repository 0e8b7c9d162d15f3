//! Namespaces, and the classes in them.

use msgpump::wbem::{CimType, Class, Flags, Property, Store, WbemStatus};

use crate::support::{HOME, Stage, disks, instance, key, processes, status};

#[test]
fn o01_o02_names_of_namespaces() {
    let mut stage = Stage::new(1);
    let mut connect = |name: &str| status(stage.server.connect(&mut stage.pump, name));
    for name in [r"\\.\ROOT", "//./ROOT", r"\/.\ROOT", "ROOT", "ROOT/CIMV2", r"root\cimv2"] {
        assert_eq!(connect(name), WbemStatus::SNoError, "{name}");
    }
    for name in ["", r"\", r"\\.", r"\\.\NONE", r"ROOT\NONE", r"ROOT\\CIMV2", "ROOT\\CIMV2\\", r"\\other\ROOT"] {
        assert_eq!(connect(name), WbemStatus::InvalidNamespace, "{name}");
    }
}

/// The names of the classes that are listed.
fn classes(stage: &mut Stage, superclass: &str, flags: Flags) -> Vec<String> {
    let mut rows = stage.services.create_class_enum(&mut stage.pump, superclass, flags).unwrap();
    rows.collect(&mut stage.pump).unwrap().iter().map(key).collect()
}

#[test]
fn classes_are_listed_by_their_parents() {
    let mut stage = Stage::new(1);
    let top = Class::builder("Top").property(Property::key("Name", CimType::String)).build().unwrap();
    let middle = Class::builder("Middle").superclass(&top).build().unwrap();
    for name in ["Low", "Lower"] {
        let class = Class::builder(name).superclass(&middle).build().unwrap();
        stage.server.register(HOME, Store::new(&class)).unwrap();
    }
    assert_eq!(classes(&mut stage, "top", Flags::NONE), ["Middle", "Low", "Lower"]);
    assert_eq!(classes(&mut stage, "top", Flags::SHALLOW), ["Middle"]);
    assert_eq!(classes(&mut stage, "Low", Flags::NONE), [""; 0]);
    assert_eq!(classes(&mut stage, "", Flags::SHALLOW), ["__SystemClass", "Slow", "Top"]);
    assert!(classes(&mut stage, "", Flags::NONE).len() > 15);
    let refused = stage.services.create_class_enum(&mut stage.pump, "None", Flags::NONE);
    assert_eq!(status(refused), WbemStatus::InvalidClass);
}

#[test]
fn instances_are_listed_with_those_of_derived_classes() {
    let mut stage = Stage::new(1);
    let top = Class::builder("Top").property(Property::key("Name", CimType::String)).build().unwrap();
    let low = Class::builder("Low").superclass(&top).property(Property::new("Size", CimType::Uint8)).build().unwrap();
    for class in [&top, &low] {
        let store = Store::new(class);
        store.insert(instance(class, &[("Name", format!("of {}", class.name()).into())]));
        stage.server.register(HOME, store).unwrap();
    }
    let mut list = |class: &str, flags: Flags| -> Vec<String> {
        let mut rows = stage.services.create_instance_enum(&mut stage.pump, class, flags).unwrap();
        rows.collect(&mut stage.pump).unwrap().iter().map(key).collect()
    };
    assert_eq!(list("Top", Flags::NONE), ["of Top", "of Low"]);
    assert_eq!(list("Top", Flags::SHALLOW), ["of Top"]);
    assert_eq!(list("Low", Flags::SHALLOW), ["of Low"]);
    let by_ancestor = stage.services.get_object(&mut stage.pump, "Top='of low'", Flags::NONE).unwrap();
    assert_eq!(&**by_ancestor.class().name(), "Low");
}

#[test]
fn a_class_is_registered_once() {
    let stage = Stage::new(1);
    let disks = disks();
    stage.server.register(HOME, disks.clone()).unwrap();
    assert_eq!(status(stage.server.register(HOME, disks.clone())), WbemStatus::AlreadyExists);
    assert_eq!(status(stage.server.register(r"root\other", disks)), WbemStatus::IllegalOperation);
    assert_eq!(status(stage.server.register(r"root\\", processes())), WbemStatus::InvalidNamespace);
}

#[test]
fn the_systems_classes_and_their_instances_tell_where_they_are() {
    let mut stage = Stage::new(1);
    stage.server.register(r"root\kitchen", processes()).unwrap();
    for namespace in [r"ROOT\CIMV2", r"root\kitchen"] {
        let services = stage.server.connect(&mut stage.pump, namespace).unwrap();
        let class = services.get_object(&mut stage.pump, "__IntervalTimerInstruction", Flags::NONE).unwrap();
        let values = [("TimerId", "tea".into()), ("IntervalBetweenEvents", 5000.into())];
        let timer = instance(class.class(), &values);
        let put = services.put_instance(&mut stage.pump, &timer, Flags::NONE).unwrap();
        assert_eq!(put, format!("{namespace}:__IntervalTimerInstruction.TimerId=\"tea\""));
        for path in ["__TimerInstruction='tea'", &put] {
            let found = services.get_object(&mut stage.pump, path, Flags::NONE).unwrap();
            assert_eq!(found.get("__PATH").unwrap().to_string(), put, "{path}");
        }
        assert_eq!(class.get("__NAMESPACE").unwrap().to_string(), namespace);
        let parent = class.class().superclass().unwrap();
        assert_eq!(parent.home().unwrap().to_string(), namespace);
        services.delete_instance(&mut stage.pump, &put, Flags::NONE).unwrap();
    }
}
