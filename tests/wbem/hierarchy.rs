//! Paths and instances of classes that derive from each other: whose provider is asked.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use msgpump::wbem::{
    Action, CimType, Class, ClassProvider, Flags, Instance, Invocation, List, Method, Property, PutMode, Rows, Store,
    Value, Wanted, WbemError, WbemStatus,
};

use crate::support::{HOME, Stage, class, instance, status, statuses};

/// Instances of one class, and a note of what was done to them.
struct Family {
    rows: Store,
    done: Rc<RefCell<Vec<String>>>,
    /// What is said of keys that are not there.
    missing: Option<WbemStatus>,
    is_writable: bool,
}

impl Family {
    fn note(&self, what: &str, keys: &[Value]) {
        self.done.borrow_mut().push(format!("{} {what} {}", self.rows.class().name(), keys[0]));
    }
}

impl ClassProvider for Family {
    fn class(&self) -> &Arc<Class> {
        self.rows.class()
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        match (self.missing, wanted.keys()) {
            (Some(status), Some([keys])) if self.rows.get(keys).is_none() => Err(status.into()),
            _ => Ok(List::boxed(self.rows.instances())),
        }
    }

    fn put(&self, instance: &Arc<Instance>, mode: PutMode) -> Result<Action<()>, WbemError> {
        self.rows.put(instance, mode)
    }

    fn delete(&self, keys: &[Value]) -> Result<Action<()>, WbemError> {
        self.note("deletes", keys);
        if self.is_writable { self.rows.delete(keys) } else { Err(WbemStatus::ProviderNotCapable.into()) }
    }

    fn execute(&self, invocation: &Invocation) -> Result<Action<Arc<Instance>>, WbemError> {
        self.note("rings", invocation.keys.as_deref().unwrap_or_default());
        let class = self.class().method("Ring").and_then(|method| method.outputs.clone());
        let inputs = invocation.inputs.as_ref().expect("the method has arguments");
        let result = inputs.values().len() as u32;
        Ok(instance(&class.expect("the method has results"), &[("ReturnValue", result.into())]).into())
    }
}

fn ring(arguments: impl IntoIterator<Item = Property>) -> Method {
    let results = class("__PARAMETERS", [Property::new("ReturnValue", CimType::Uint32)]);
    Method::new("Ring").inputs(class("__PARAMETERS", arguments)).outputs(results)
}

/// A parent and two classes below it, each with its own provider and one instance; the second child has a method of its
/// own by the name of its parent's.
fn family(missing: Option<WbemStatus>) -> (Stage, Rc<RefCell<Vec<String>>>) {
    let stage = Stage::new(1);
    let done = Rc::<RefCell<Vec<String>>>::default();
    let times = || Property::new("Times", CimType::Uint32);
    let parent = Class::builder("Bell").property(Property::key("Name", CimType::String));
    let parent = parent.property(Property::new("Size", CimType::Uint32)).method(ring([times()])).build().unwrap();
    let door = Class::builder("DoorBell").superclass(&parent).build().unwrap();
    let church = Class::builder("ChurchBell").superclass(&parent);
    let church = church.method(ring([times(), Property::new("Loud", CimType::Boolean)])).build().unwrap();
    for (class, name, is_writable) in [(&parent, "Any", false), (&door, "Front", true), (&church, "Big", true)] {
        let rows = Store::new(class);
        rows.insert(instance(class, &[("Name", name.into()), ("Size", 7.into())]));
        stage.server.register(HOME, Family { rows, done: done.clone(), missing, is_writable }).unwrap();
    }
    (stage, done)
}

#[test]
fn a_path_of_a_parent_leads_to_the_instance_of_the_class_that_has_it() {
    for missing in [None, Some(WbemStatus::NotFound)] {
        let (mut stage, done) = family(missing);
        for (path, found) in [
            ("Bell='big'", Some("ChurchBell.Name=\"Big\"")),
            ("Bell='Front'", Some("DoorBell.Name=\"Front\"")),
            ("Bell='Any'", Some("Bell.Name=\"Any\"")),
            ("DoorBell='Any'", None),
            ("DoorBell='Big'", None),
            ("Bell='None'", None),
        ] {
            let object = stage.services.get_object(&mut stage.pump, path, Flags::NONE);
            let object = object.map(|object| object.get("__RELPATH").unwrap().to_string());
            let expected = found.map(String::from).ok_or(WbemStatus::NotFound);
            assert_eq!(object.map_err(|error| error.status), expected, "{path}");
        }
        for (condition, expected) in [("Name = 'big'", 1), ("Name = 'none'", 0), ("Size = 7", 3)] {
            let query = format!("SELECT * FROM Bell WHERE {condition}");
            let mut rows = stage.services.exec_query(&mut stage.pump, "WQL", &query, Flags::NONE).unwrap();
            assert_eq!(rows.collect(&mut stage.pump).unwrap().len(), expected, "{condition}");
        }
        for (path, expected, by) in [
            ("Bell='big'", Ok(2), "ChurchBell rings Big"),
            ("Bell='Front'", Ok(1), "DoorBell rings Front"),
            ("Bell='Any'", Ok(1), "Bell rings Any"),
            ("Bell='None'", Err(WbemStatus::NotFound), ""),
        ] {
            let results = stage.services.exec_method(&mut stage.pump, path, "Ring", None);
            let results = results.map(|results| results.unwrap().get("ReturnValue").unwrap().as_i64().unwrap());
            assert_eq!(results.map_err(|error| error.status), expected, "{path}");
            assert_eq!(done.take().join(", "), by, "{path}");
        }
        for (path, expected, by) in [
            ("Bell='Big'", WbemStatus::SNoError, "ChurchBell deletes Big"),
            ("Bell='Big'", WbemStatus::NotFound, ""),
            ("Bell='Any'", WbemStatus::ProviderNotCapable, "Bell deletes Any"),
            ("Bell='front'", WbemStatus::SNoError, "DoorBell deletes Front"),
            ("Bell", WbemStatus::InvalidObjectPath, ""),
        ] {
            assert_eq!(status(stage.services.delete_instance(&mut stage.pump, path, Flags::NONE)), expected, "{path}");
            assert_eq!(done.take().join(", "), by, "{path}");
        }
    }
}

#[test]
fn an_object_that_cannot_be_looked_for_is_no_object_that_is_not_there() {
    let (mut stage, done) = family(Some(WbemStatus::AccessDenied));
    let path = "Bell='Big'";
    assert_eq!(status(stage.services.get_object(&mut stage.pump, path, Flags::NONE)), WbemStatus::AccessDenied);
    assert_eq!(status(stage.services.delete_instance(&mut stage.pump, path, Flags::NONE)), WbemStatus::AccessDenied);
    assert_eq!(done.take(), [""; 0]);
}

#[test]
fn what_is_cancelled_while_its_object_is_looked_for_is_not_done() {
    let (mut stage, done) = family(None);
    let sink = stage.sink();
    stage.services.delete_instance_async(&mut stage.pump, "Bell='Big'", Flags::NONE, &sink).unwrap();
    assert_eq!(stage.cancel(&sink), WbemStatus::SNoError);
    assert_eq!(statuses(&stage.run(5)), [WbemStatus::CallCancelled]);
    assert_eq!(done.take(), [""; 0]);
    stage.services.delete_instance_async(&mut stage.pump, "Bell='Big'", Flags::NONE, &sink).unwrap();
    assert_eq!(statuses(&stage.run(5)), [WbemStatus::SNoError]);
    assert_eq!(done.take(), ["ChurchBell deletes Big"]);
}

#[test]
fn a_direct_read_asks_only_who_provides_the_class_itself() {
    let (mut stage, _) = family(None);
    let tiny = Class::builder("TinyBell").superclass(&class("Loose", [Property::key("Name", CimType::String)]));
    stage.server.register_class(HOME, &tiny.build().unwrap()).unwrap();
    for (class, flags, count) in [
        ("Bell", Flags::NONE, 3),
        ("Bell", Flags::SHALLOW, 1),
        ("Bell", Flags::DIRECT_READ, 1),
        ("DoorBell", Flags::DIRECT_READ, 1),
        ("Loose", Flags::DIRECT_READ, 0),
    ] {
        let mut rows = stage.services.create_instance_enum(&mut stage.pump, class, flags).unwrap();
        assert_eq!(rows.collect(&mut stage.pump).unwrap().len(), count, "{class} {flags:?}");
        if flags != Flags::SHALLOW {
            let query = format!("SELECT * FROM {class}");
            let mut rows = stage.services.exec_query(&mut stage.pump, "WQL", &query, flags).unwrap();
            assert_eq!(rows.collect(&mut stage.pump).unwrap().len(), count, "{class} {flags:?}");
        }
    }
    for (path, flags, expected) in [
        ("Bell='Big'", Flags::NONE, WbemStatus::SNoError),
        ("Bell='Big'", Flags::DIRECT_READ, WbemStatus::NotFound),
        ("ChurchBell='Big'", Flags::DIRECT_READ, WbemStatus::SNoError),
    ] {
        assert_eq!(status(stage.services.get_object(&mut stage.pump, path, flags)), expected, "{path} {flags:?}");
    }
}

/// Puts the row that a query gives.
fn put_row(stage: &mut Stage, query: &str) -> WbemStatus {
    let mut rows = stage.services.exec_query(&mut stage.pump, "WQL", query, Flags::NONE).unwrap();
    let rows = rows.collect(&mut stage.pump).unwrap();
    let row = rows[0].instance().unwrap();
    status(stage.services.put_instance(&mut stage.pump, row, Flags::NONE))
}

#[test]
fn what_a_list_has_left_of_an_instance_is_not_written_over_the_whole() {
    let mut stage = Stage::new(1);
    let lens = class("Lens", [Property::new("Glass", CimType::String), Property::new("Width", CimType::Uint32)]);
    let lamp = class(
        "Lamp",
        [
            Property::key("Name", CimType::String),
            Property::new("Watts", CimType::Uint32),
            Property::new("Lens", CimType::Object),
        ],
    );
    let store = Store::new(&lamp);
    let whole = instance(&lens, &[("Glass", "clear".into()), ("Width", 3.into())]);
    let desk = instance(&lamp, &[("Name", "desk".into()), ("Watts", 40.into()), ("Lens", whole.into())]);
    store.insert(desk.clone());
    stage.server.register(HOME, store.clone()).unwrap();
    for list in ["Name", "Watts", "Name, Watts", "Name, Watts, Lens", "Name, Watts, Lens.Width"] {
        assert_eq!(put_row(&mut stage, &format!("SELECT {list} FROM Lamp")), WbemStatus::NotSupported, "{list}");
        assert_eq!(store.instances()[0], desk, "{list}");
    }
    for list in ["*", "Watts, Name, Lens.Width, Lens.Glass"] {
        assert_eq!(put_row(&mut stage, &format!("SELECT {list} FROM Lamp")), WbemStatus::SNoError, "{list}");
        assert_eq!(store.instances()[0].get("Watts"), desk.get("Watts"), "{list}");
    }
}
