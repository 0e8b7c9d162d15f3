//! Queries end to end: what is asked of providers, and what comes of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use msgpump::wbem::{
    CimType, Class, ClassProvider, Flags, Instance, List, Object, Property, Rows, Store, Value, Wanted, WbemError,
    WbemStatus,
};

use crate::support::{HOME, Stage, class, disks, instance, key, keys, processes, status, statuses};

/// A stage with processes and disks.
fn stage() -> Stage {
    let stage = Stage::new(3);
    stage.server.register(HOME, processes()).unwrap();
    stage.server.register(HOME, disks()).unwrap();
    stage
}

fn rows(stage: &mut Stage, query: &str, flags: Flags) -> Vec<Object> {
    let mut rows = stage.services.exec_query(&mut stage.pump, "WQL", query, flags).unwrap();
    rows.collect(&mut stage.pump).unwrap()
}

/// The keys of what a query gives.
fn found(stage: &mut Stage, query: &str) -> Vec<String> {
    rows(stage, query, Flags::NONE).iter().map(key).collect()
}

fn refused(stage: &mut Stage, query: &str) -> WbemStatus {
    status(stage.services.exec_query(&mut stage.pump, "WQL", query, Flags::NONE))
}

#[test]
fn p01_p24_p25_p41_conditions() {
    let mut stage = stage();
    for (query, expected) in [
        ("SELECT * FROM Win32_LogicalDisk WHERE \"NTFS\" = FileSystem", &["C:", "D:"][..]),
        ("SELECT * FROM Win32_LogicalDisk WHERE (Name = \"C:\" OR Name = \"D:\") AND FreeSpace > 2000000", &["C:"]),
        ("select name from win32_process where handle = 0 or handle = 4", &["System", "cscript.exe"]),
        ("SELECT * FROM Win32_Process WHERE Name = 'cscript.exe' OR Name = 'wscript.exe'", &["100", "4"]),
        ("SELECT * FROM Win32_Process WHERE CommandLine IS NULL AND Name LIKE '[m-o]%'", &["104"]),
        ("SELECT * FROM Win32_Process WHERE NULL = Name", &[]),
        ("SELECT * FROM Win32_Process WHERE Handle = 4 AND Handle = 100", &[]),
    ] {
        assert_eq!(found(&mut stage, query), expected, "{query}");
    }
}

#[test]
fn lists_give_what_they_name() {
    let mut stage = stage();
    let names = |object: &Object| -> Vec<String> {
        object.class().properties().iter().map(|property| property.name.to_string()).collect()
    };
    let query = "SELECT Name FROM Win32_Process WHERE Handle = 4";
    let row = rows(&mut stage, query, Flags::NONE).remove(0);
    assert_eq!((names(&row), row.get("__RELPATH").unwrap().into_owned()), (vec!["Name".into()], Value::Null));
    let row = rows(&mut stage, query, Flags::ENSURE_LOCATABLE).remove(0);
    let path = row.get("__PATH").unwrap().to_string();
    assert_eq!(path, r#"ROOT\CIMV2:Win32_Process.Handle="4""#);
    let row = rows(&mut stage, query, Flags::PROTOTYPE).remove(0);
    assert_eq!((names(&row), row.get("Name").unwrap().is_null()), (vec!["Name".into()], true));
    assert_eq!(row.object_text(), "\ninstance of Win32_Process\n{\n};\n");
    for query in ["SELECT * FROM meta_class", "ASSOCIATORS OF {Win32_Process='4'}", "REFERENCES OF {Win32_Process='4'}"]
    {
        let asked = stage.services.exec_query(&mut stage.pump, "WQL", query, Flags::PROTOTYPE);
        assert_eq!(status(asked), WbemStatus::NotSupported, "{query}");
    }
}

#[test]
fn p28_p30_p31_schema_queries() {
    let mut stage = stage();
    assert_eq!(found(&mut stage, "SELECT * FROM meta_class WHERE __CLASS LIKE 'Win32[_]L%'"), ["Win32_LogicalDisk"]);
    assert!(found(&mut stage, "SELECT * FROM meta_class WHERE __CLASS LIKE '[_][_]%'").len() >= 15);
    let top = found(&mut stage, "Select * From meta_class Where __Superclass Is Null");
    assert_eq!(top, ["__SystemClass", "Slow", "Win32_LogicalDisk", "Win32_Process"]);
    let later = "SELECT * FROM meta_class WHERE NOT __class < \"Win32\" AND NOT __this ISA \"Win32_Process\"";
    assert_eq!(found(&mut stage, later), ["Win32_LogicalDisk"]);
}

/// Remembers what it was asked for.
struct Asked {
    class: Arc<Class>,
    rows: Store,
    asked: Rc<RefCell<Vec<Wanted>>>,
}

impl ClassProvider for Asked {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.asked.borrow_mut().push(wanted.clone());
        // It does not care, and gives all.
        Ok(List::boxed(self.rows.instances()))
    }
}

/// A parent with two classes below it, each with its own provider.
fn family() -> (Stage, Rc<RefCell<Vec<Wanted>>>) {
    let stage = Stage::new(1);
    let device = class("Device", [Property::key("Id", CimType::Uint32), Property::new("Name", CimType::String)]);
    let asked = Rc::default();
    for name in ["Modem", "Keyboard", "Mouse"] {
        let class = Class::builder(name).superclass(&device).property(Property::new("Own", CimType::Uint8));
        let class = class.build().unwrap();
        let rows = Store::new(&class);
        for id in 0..3_u32 {
            rows.insert(instance(&class, &[("Id", id.into()), ("Name", format!("{name} {id}").into())]));
        }
        stage.server.register(HOME, Asked { class, rows, asked: Rc::clone(&asked) }).unwrap();
    }
    (stage, asked)
}

#[test]
fn p32_only_those_who_can_have_something_are_asked() {
    let (mut stage, asked) = family();
    let mut count = |query: &str| {
        asked.borrow_mut().clear();
        let found = found(&mut stage, query).len();
        (found, asked.borrow().len())
    };
    assert_eq!(count("SELECT * FROM Device"), (9, 3));
    assert_eq!(count("SELECT * FROM Device WHERE __CLASS = \"Modem\" OR __CLASS = \"Keyboard\""), (6, 2));
    assert_eq!(count("SELECT * FROM Device WHERE __this ISA 'Mouse' AND Id = 1"), (1, 1));
    assert_eq!(count("SELECT * FROM Device WHERE Id = 1 AND Id = 2"), (0, 0));
    assert_eq!(count("SELECT * FROM Device WHERE __CLASS = 'Device'"), (0, 0));
    assert_eq!(count("SELECT * FROM Keyboard WHERE Id > 0 AND Own IS NULL"), (2, 1));
}

#[test]
fn providers_are_told_what_is_wanted() {
    let (mut stage, asked) = family();
    let query = "SELECT Name FROM Modem WHERE (Id = 1 OR Id = 7) AND Own = 3";
    assert_eq!(found(&mut stage, query), [""; 0]);
    {
        let asked = asked.borrow();
        let wanted = &asked[0];
        assert_eq!([0, 1, 2].map(|index| wanted.needs(index)), [true, true, true]);
        assert_eq!(wanted.keys().unwrap().len(), 2);
        assert_eq!(wanted.values(2), Some(&[Value::Uint8(3)][..]));
    }
    let explanation = stage.services.explain("WQL", query).unwrap();
    let provider = &explanation.providers[0];
    assert_eq!((&*explanation.class, &*provider.class, provider.keys), ("Modem", "Modem", Some(2)));
    assert_eq!(provider.bound.iter().map(|name| &**name).collect::<Vec<_>>(), ["Own"]);
    let only_name = stage.services.explain("WQL", "SELECT Name FROM Modem").unwrap();
    assert_eq!(only_name.providers[0].properties.iter().map(|name| &**name).collect::<Vec<_>>(), ["Name"]);
    assert_eq!(asked.borrow().len(), 1, "to explain asks nobody");
    assert_eq!(status(stage.services.explain("WQL", "SELECT * FROM None")), WbemStatus::InvalidClass);
}

#[test]
fn what_a_provider_gives_beyond_the_condition_is_left_out() {
    let (mut stage, _) = family();
    assert_eq!(found(&mut stage, "SELECT * FROM Modem WHERE Id = 1"), ["1"]);
    let modem = stage.services.get_object(&mut stage.pump, "Modem=2", Flags::NONE).unwrap();
    assert_eq!(modem.get("Name").unwrap().to_string(), "Modem 2");
    assert_eq!(status(stage.services.get_object(&mut stage.pump, "Modem=9", Flags::NONE)), WbemStatus::NotFound);
}

/// Gives what is needed, and NULL for the rest.
struct Frugal {
    rows: Store,
}

impl ClassProvider for Frugal {
    fn class(&self) -> &Arc<Class> {
        self.rows.class()
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let needed = |row: Arc<Instance>| {
            let values = row.values().iter().enumerate();
            let values = values.map(|(index, value)| if wanted.needs(index) { value.clone() } else { Value::Null });
            Instance::from_values(row.class(), values.collect()).unwrap()
        };
        Ok(List::boxed(self.rows.instances().into_iter().map(needed)))
    }
}

#[test]
fn rows_of_a_parent_without_keys_know_their_path_all_the_same() {
    let mut stage = Stage::new(1);
    let parent = class("Element", [Property::new("Name", CimType::String)]);
    let child = Class::builder("Part").superclass(&parent).property(Property::key("Id", CimType::Uint32));
    let child = child.build().unwrap();
    let store = Store::new(&child);
    for id in [1_u32, 2] {
        store.insert(instance(&child, &[("Id", id.into()), ("Name", "x".into())]));
    }
    stage.server.register(HOME, Frugal { rows: store }).unwrap();
    let mut paths = |query: &str, flags: Flags| -> Vec<String> {
        let rows = rows(&mut stage, query, flags);
        rows.iter().map(|row| row.get("__RELPATH").unwrap().to_string()).collect()
    };
    assert_eq!(paths("SELECT __PATH FROM Element", Flags::NONE), ["Part.Id=1", "Part.Id=2"]);
    assert_eq!(paths("SELECT Name FROM Element", Flags::ENSURE_LOCATABLE), ["Part.Id=1", "Part.Id=2"]);
    assert_eq!(paths("SELECT Name FROM Element", Flags::NONE), ["", ""]);
    assert_eq!(paths("SELECT __PATH FROM Element WHERE __RELPATH LIKE '%2'", Flags::NONE), ["Part.Id=2"]);
    assert_eq!(paths("SELECT Name FROM Element WHERE __RELPATH LIKE '%2'", Flags::NONE), [""]);
}

/// People, animals, and two ways in which they belong together.
fn associations() -> Stage {
    let stage = Stage::new(1);
    let person = class("Person", [Property::key("Name", CimType::String)]);
    let animal = Class::builder("Animal").qualifier("Alive", true).property(Property::key("Name", CimType::String));
    let animal = animal.build().unwrap();
    let dog = Class::builder("Dog").superclass(&animal).build().unwrap();
    let store = |class: &Arc<Class>, names: &[&str]| {
        let store = Store::new(class);
        for name in names {
            store.insert(instance(class, &[("Name", (*name).into())]));
        }
        stage.server.register(HOME, store).unwrap();
    };
    store(&person, &["Ann", "Bob", "Cid"]);
    store(&animal, &["Cat"]);
    store(&dog, &["Rex"]);
    for (name, links) in [
        ("Owns", &[("Ann", "Animal='Cat'"), ("Ann", "Dog='Rex'"), ("Bob", "Animal='Gone'")][..]),
        ("Feeds", &[("ann", r#"\\.\root\cimv2:Dog.Name="Rex""#), ("Bob", "Dog='Rex'")]),
    ] {
        let class = Class::builder(name)
            .qualifier("Association", true)
            .property(Property::key("Who", CimType::Reference).of_class("Person"))
            .property(Property::key("What", CimType::Reference).of_class("Animal"));
        let class = class.build().unwrap();
        let store = Store::new(&class);
        for (who, what) in links {
            let who = Value::reference(format!("Person.Name=\"{who}\""));
            store.insert(instance(&class, &[("Who", who), ("What", Value::reference(*what))]));
        }
        stage.server.register(HOME, store).unwrap();
    }
    stage
}

#[test]
fn p36_p37_p39_objects_found_through_associations() {
    let mut stage = associations();
    for (query, expected) in [
        ("ASSOCIATORS OF {Person='Ann'}", &["Rex", "Cat", "Rex"][..]),
        ("ASSOCIATORS OF{Person.Name=\"Ann\"} WHERE AssocClass = Feeds", &["Rex"]),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ResultClass = Dog", &["Rex", "Rex"]),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ResultClass = Person", &[]),
        ("ASSOCIATORS OF {Person='Ann'} WHERE requiredQualifier = Alive AssocClass = Owns", &["Cat"]),
        ("ASSOCIATORS OF {Person='Ann'} WHERE Role = What", &[]),
        ("ASSOCIATORS OF {Person='Ann'} WHERE Role = Who ResultRole = What", &["Rex", "Cat", "Rex"]),
        ("ASSOCIATORS OF {Person='Bob'}", &["Rex"]),
        ("ASSOCIATORS OF {Person='Cid'}", &[]),
        ("ASSOCIATORS OF {Dog='Rex'}", &["Ann", "Bob", "Ann"]),
        ("ASSOCIATORS OF {Animal='Rex'} WHERE AssocClass = Owns", &["Ann"]),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ClassDefsOnly", &["Dog", "Animal"]),
        ("ASSOCIATORS OF {Person} WHERE SchemaOnly", &["Animal"]),
        ("REFERENCES OF {Person} WHERE SchemaOnly", &["Feeds", "Owns"]),
        ("REFERENCES OF {Dog='Rex'} WHERE ClassDefsOnly", &["Feeds", "Owns"]),
    ] {
        assert_eq!(found(&mut stage, query), expected, "{query}");
    }
    let references = rows(&mut stage, "REFERENCES OF {Dog='Rex'} WHERE ResultClass = Owns Role = What", Flags::NONE);
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].get("Who").unwrap().to_string(), "Person.Name=\"Ann\"");
    let keys = rows(&mut stage, "ASSOCIATORS OF {Person='Ann'} WHERE AssocClass = Feeds KeysOnly", Flags::NONE);
    assert_eq!(keys[0].get("__RELPATH").unwrap().to_string(), "Dog.Name=\"Rex\"");
    for (query, expected) in [
        ("ASSOCIATORS OF {None='x'}", WbemStatus::InvalidClass),
        ("ASSOCIATORS OF {Person='None'}", WbemStatus::NotFound),
        ("REFERENCES OF {Person='None'}", WbemStatus::NotFound),
        ("ASSOCIATORS OF {Dog='Cat'}", WbemStatus::NotFound),
        ("REFERENCES OF {Dog='Cat'}", WbemStatus::NotFound),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ResultClass = None", WbemStatus::InvalidClass),
        ("ASSOCIATORS OF {Person='Ann'} WHERE AssocClass = None", WbemStatus::InvalidClass),
        ("REFERENCES OF {Person='Ann'} WHERE ResultClass = None", WbemStatus::InvalidClass),
        ("ASSOCIATORS OF {Person.None='x'}", WbemStatus::InvalidObjectPath),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ClassDefsOnly ResultClass = Dog", WbemStatus::InvalidQuery),
    ] {
        assert_eq!(refused(&mut stage, query), expected, "{query}");
    }
}

/// Has some plants, and lets nobody look for one by its name.
struct Locked {
    class: Arc<Class>,
}

impl ClassProvider for Locked {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        Err(WbemStatus::AccessDenied.into())
    }
}

#[test]
fn that_an_end_could_not_be_read_is_told_at_the_end() {
    let mut stage = associations();
    let plant = class("Plant", [Property::key("Name", CimType::String)]);
    stage.server.register(HOME, Locked { class: plant }).unwrap();
    let end = |name: &str, class: &str| Property::key(name, CimType::Reference).of_class(class);
    let waters = class("Waters", [end("Who", "Person"), end("What", "Plant")]);
    let store = Store::new(&waters);
    let ends = [("Who", Value::reference("Person='Ann'")), ("What", Value::reference("Plant='Fern'"))];
    store.insert(instance(&waters, &ends));
    stage.server.register(HOME, store).unwrap();
    for (query, expected, ended) in [
        ("ASSOCIATORS OF {Person='Ann'}", 3, WbemStatus::SPartialResults),
        ("ASSOCIATORS OF {Person='Ann'} WHERE AssocClass = Owns", 2, WbemStatus::SNoError),
        ("ASSOCIATORS OF {Person='Bob'}", 1, WbemStatus::SNoError),
        ("REFERENCES OF {Person='Ann'}", 4, WbemStatus::SNoError),
    ] {
        let sink = stage.sink();
        stage.ask_for(query, &sink);
        let heard = stage.run(30);
        assert_eq!((keys(&heard).len(), statuses(&heard)), (expected, vec![ended]), "{query}");
        let mut rows = stage.services.exec_query(&mut stage.pump, "WQL", query, Flags::SEMISYNCHRONOUS).unwrap();
        assert_eq!((rows.status(), rows.collect(&mut stage.pump).unwrap().len()), (None, expected), "{query}");
        assert_eq!(rows.status(), Some(ended), "{query}");
    }
}

/// A store of people, and one of links between them.
fn links(stage: &Stage, links: &[[&str; 3]]) -> Arc<Class> {
    let person = class("Person", [Property::key("Name", CimType::String)]);
    let people = Store::new(&person);
    ["Ann", "Bob"].into_iter().for_each(|name| drop(people.insert(instance(&person, &[("Name", name.into())]))));
    stage.server.register(HOME, people).unwrap();
    let link = class("Link", ["One", "Two", "Three"].map(|name| Property::key(name, CimType::Reference)));
    let store = Store::new(&link);
    for ends in links {
        let [one, two, three] = ends.map(Value::reference);
        store.insert(instance(&link, &[("One", one), ("Two", two), ("Three", three)]));
    }
    stage.server.register(HOME, store).unwrap();
    link
}

#[test]
fn an_end_is_told_once_of_an_association() {
    let mut stage = Stage::new(1);
    links(&stage, &[["Person='Ann'", "Person='ann'", "Person='Bob'"], ["Person='Bob'", "Person='Bob'", "None='x'"]]);
    assert_eq!(found(&mut stage, "ASSOCIATORS OF {Person='Ann'}"), ["Ann", "Bob"]);
    assert_eq!(found(&mut stage, "ASSOCIATORS OF {Person='Ann'} WHERE ResultRole = Three"), ["Bob"]);
    assert_eq!(found(&mut stage, "ASSOCIATORS OF {Person='Ann'} WHERE Role = Two ResultRole = One"), ["Ann"]);
    assert_eq!(found(&mut stage, "ASSOCIATORS OF {Person='Bob'} WHERE Role = Three"), ["Ann"]);
    assert_eq!(found(&mut stage, "REFERENCES OF {Person='Ann'}").len(), 1);
}

#[test]
fn an_end_that_is_written_in_two_ways_is_one() {
    let mut stage = Stage::new(1);
    links(&stage, &[["Person='Ann'", "Person='Bob'", "//./root/cimv2:Person.Name=\"bob\""]]);
    assert_eq!(found(&mut stage, "ASSOCIATORS OF {Person='Ann'}"), ["Bob"]);
    assert_eq!(found(&mut stage, "ASSOCIATORS OF {Person='Bob'}"), ["Ann", "Bob"]);
}

#[test]
fn an_object_of_another_namespace_is_another_object() {
    let mut stage = Stage::new(1);
    let there = ["root\\other:Person='Ann'", "Person='Bob'", "None='x'"];
    links(&stage, &[there, ["//./ROOT/cimv2:Person='ann'", "Person='Bob'", "None='x'"]]);
    assert_eq!(found(&mut stage, "REFERENCES OF {Person='Ann'}"), ["//./ROOT/cimv2:Person='ann'"]);
    assert_eq!(found(&mut stage, "ASSOCIATORS OF {Person='Ann'}"), ["Bob"]);
}

#[test]
fn keys_of_every_type_of_text_are_found_without_letter_case() {
    let mut stage = Stage::new(1);
    links(&stage, &[["Person='Ann'", "Person='Bob'", "None='x'"]]);
    let letter = class("Letter", [Property::key("Letter", CimType::Char16)]);
    let letters = Store::new(&letter);
    letters.insert(instance(&letter, &[("Letter", "é".into())]));
    stage.server.register(HOME, letters).unwrap();
    for path in ["Letter.Letter='É'", "Link.One=\"PERSON='ann'\",Two=\"Person='Bob'\",Three=\"none='x'\""] {
        assert_eq!(
            status(stage.services.get_object(&mut stage.pump, path, Flags::NONE)),
            WbemStatus::SNoError,
            "{path}"
        );
    }
    assert_eq!(found(&mut stage, "SELECT * FROM Letter WHERE Letter = 'É'"), ["é"]);
}

#[test]
fn halves_of_pairs_are_keys_of_different_objects() {
    let mut stage = Stage::new(1);
    let half = class("Half", [Property::key("Unit", CimType::Char16), Property::new("Name", CimType::String)]);
    let halves = Store::new(&half);
    for (unit, name) in [(0xd800, "a"), (0xd801, "b"), (0xdfff, "c")] {
        halves.insert(instance(&half, &[("Unit", Value::Char16(unit)), ("Name", name.into())]));
    }
    stage.server.register(HOME, halves).unwrap();
    let mut names = |query: &str| -> Vec<String> {
        rows(&mut stage, query, Flags::NONE).iter().map(|row| row.get("Name").unwrap().to_string()).collect()
    };
    assert_eq!(names("SELECT * FROM Half"), ["a", "b", "c"]);
    assert_eq!(names("SELECT * FROM Half WHERE Unit = 55296 OR Unit = 55297"), ["a", "b"]);
    let object = stage.services.get_object(&mut stage.pump, "Half=57343", Flags::NONE).unwrap();
    assert_eq!(object.get("Name").unwrap().to_string(), "c");
}

#[test]
fn who_provides_a_class_may_give_objects_of_one_that_nobody_provides() {
    let mut stage = Stage::new(1);
    let parent = class("Parent", [Property::key("Name", CimType::String)]);
    let child = Class::builder("Child").superclass(&parent).build().unwrap();
    let store = Store::new(&parent);
    store.insert(instance(&parent, &[("Name", "a".into())]));
    store.insert(instance(&child, &[("Name", "b".into())]));
    stage.server.register(HOME, store).unwrap();
    stage.server.register_class(HOME, &child).unwrap();
    for (query, expected) in [
        ("Parent WHERE Name IS NOT NULL", &["a", "b"][..]),
        ("Parent WHERE __CLASS = 'Child'", &["b"]),
        ("Parent WHERE NOT __this ISA 'Child'", &["a"]),
        ("Child", &["b"]),
        ("Child WHERE Name = 'b'", &["b"]),
        ("Child WHERE Name = 'a'", &[]),
        ("Child WHERE __CLASS = 'Parent'", &[]),
    ] {
        assert_eq!(found(&mut stage, &format!("SELECT * FROM {query}")), expected, "{query}");
    }
    for (class, flags, expected) in [
        ("Parent", Flags::DEEP, &["a", "b"][..]),
        ("Parent", Flags::SHALLOW, &["a"]),
        ("Child", Flags::DEEP, &["b"]),
        ("Child", Flags::SHALLOW, &["b"]),
    ] {
        let mut rows = stage.services.create_instance_enum(&mut stage.pump, class, flags).unwrap();
        let keys: Vec<String> = rows.collect(&mut stage.pump).unwrap().iter().map(key).collect();
        assert_eq!(keys, expected, "{class} {flags:?}");
    }
    let mut get = |path: &str| status(stage.services.get_object(&mut stage.pump, path, Flags::NONE));
    assert_eq!(
        ["Child='b'", "Parent='b'", "Parent='a'", "Child='a'"].map(&mut get),
        [WbemStatus::SNoError, WbemStatus::SNoError, WbemStatus::SNoError, WbemStatus::NotFound]
    );
    let mut change = |path: &str| status(stage.services.delete_instance(&mut stage.pump, path, Flags::NONE));
    assert_eq!(change("Child='a'"), WbemStatus::NotFound);
    assert_eq!(change("Child='b'"), WbemStatus::SNoError);
    let again = instance(&child, &[("Name", "c".into())]);
    assert_eq!(status(stage.services.put_instance(&mut stage.pump, &again, Flags::NONE)), WbemStatus::SNoError);
    assert_eq!(found(&mut stage, "SELECT * FROM Child"), ["c"]);
    assert_eq!(found(&mut stage, "SELECT * FROM Parent"), ["a", "c"]);
}

/// Notes that it is asked.
struct Noting {
    class: Arc<Class>,
    by: Rc<RefCell<Vec<String>>>,
}

impl ClassProvider for Noting {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        self.by.borrow_mut().push(self.class.name().to_string());
        Ok(List::boxed::<Arc<Instance>>([]))
    }
}

#[test]
fn associations_that_cannot_lead_there_are_not_read() {
    let mut stage = associations();
    let by = Rc::new(RefCell::new(Vec::new()));
    for (name, ends) in [
        ("Barks", [("Barker", Some("Dog")), ("Hearer", Some("Person"))]),
        ("Buys", [("Buyer", Some("Person")), ("Thing", Some("Thing"))]),
        ("Knows", [("Knower", Some("Person")), ("Known", Some("Person"))]),
        ("Links", [("From", None), ("To", None)]),
    ] {
        let end = |(name, class): (&'static str, Option<&'static str>)| {
            let property = Property::key(name, CimType::Reference);
            class.into_iter().fold(property, Property::of_class)
        };
        let class = class(name, ends.map(end));
        stage.server.register(HOME, Noting { class, by: by.clone() }).unwrap();
    }
    for (query, expected) in [
        ("ASSOCIATORS OF {Person='Ann'}", "Barks Buys Knows Links"),
        ("ASSOCIATORS OF {Animal='Cat'}", "Barks Links"),
        ("ASSOCIATORS OF {Dog='Rex'}", "Barks Links"),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ResultClass = Person", "Knows Links"),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ResultClass = Animal", "Barks Links"),
        ("ASSOCIATORS OF {Person='Ann'} WHERE Role = Buyer", "Buys"),
        ("ASSOCIATORS OF {Person='Ann'} WHERE Role = Barker", ""),
        ("ASSOCIATORS OF {Person='Ann'} WHERE ResultRole = Known", "Knows"),
        ("ASSOCIATORS OF {Person='Ann'} WHERE Role = To", "Links"),
        ("REFERENCES OF {Cat='Tom'}", ""),
        ("REFERENCES OF {Dog='Rex'}", "Barks Links"),
        ("REFERENCES OF {Dog='Rex'} WHERE ResultClass = Barks", "Barks"),
    ] {
        by.borrow_mut().clear();
        // A class that is not there is an error, and asks nobody.
        let _ = stage.services.exec_query(&mut stage.pump, "WQL", query, Flags::NONE);
        let mut asked = by.take();
        asked.sort();
        assert_eq!(asked.join(" "), expected, "{query}");
    }
}

/// Counts what it reads, and asks before it reads what is dear.
struct Careful {
    class: Arc<Class>,
    dear: Rc<Cell<usize>>,
}

impl ClassProvider for Careful {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let cheap = [0].into_iter().collect();
        let rows = (0..10_u32).filter_map(|id| {
            let cheaply = instance(&self.class, &[("Id", id.into())]);
            if wanted.rules_out(&cheaply, &cheap) {
                return None;
            }
            self.dear.set(self.dear.get() + 1);
            Some(instance(&self.class, &[("Id", id.into()), ("Dear", format!("row {id}").into())]))
        });
        Ok(List::boxed(rows))
    }
}

#[test]
fn a_provider_may_ask_before_it_reads_what_is_dear() {
    let mut stage = Stage::new(1);
    let class = class("Careful", [Property::key("Id", CimType::Uint32), Property::new("Dear", CimType::String)]);
    let dear = Rc::new(Cell::new(0));
    stage.server.register(HOME, Careful { class, dear: dear.clone() }).unwrap();
    assert_eq!(found(&mut stage, "SELECT * FROM Careful WHERE Dear LIKE '%7' AND Id > 5"), ["7"]);
    assert_eq!(dear.get(), 4);
}

#[test]
fn p45_hostile_queries_are_refused_and_told_once() {
    let mut stage = stage();
    let many = |count: usize| vec!["Name = 'x'"; count].join(" OR ");
    for (query, expected) in [
        (format!("SELECT * FROM Win32_Process WHERE {}", many(5000)), WbemStatus::QuotaViolation),
        (format!("SELECT * FROM Win32_Process WHERE {}", "(".repeat(60_000)), WbemStatus::QuotaViolation),
        ("x".repeat(1024 * 1024), WbemStatus::QuotaViolation),
        ("SELECT * FROM Win32_Process WHERE Name = 'unclosed".into(), WbemStatus::InvalidQuery),
        (
            "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'x'".into(),
            WbemStatus::InvalidQuery,
        ),
    ] {
        let sink = stage.sink();
        stage.ask_for(&query, &sink);
        let heard = stage.run(3);
        assert_eq!(statuses(&heard), [expected], "{}", &query[..query.len().min(80)]);
    }
}
