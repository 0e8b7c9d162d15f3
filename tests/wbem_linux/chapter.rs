//! The chapter of the classes says what the classes say of themselves.

use std::fmt::Write;
use std::rc::Rc;

use msgpump::wbem::linux::{FileEvents, Machine, classes_of};
use msgpump::wbem::{Class, ClassProvider, Property, Value};

/// The words before the first class.
const INTRODUCTION: &str = include_str!("introduction.md");

fn mapping(property: &Property) -> String {
    let qualifier = property.qualifiers.iter().find(|qualifier| &*qualifier.name == "MappingStrings");
    let source = qualifier.and_then(|qualifier| qualifier.value.as_array()?.first());
    source.map(Value::to_string).unwrap_or_else(|| panic!("{} says where it is from", property.name))
}

/// The properties that are not those of every event.
fn own(class: &Class) -> impl Iterator<Item = &Property> {
    class.properties().iter().filter(|property| !property.origin.starts_with("__"))
}

/// The part of a class.
fn part(class: &Class) -> String {
    let mut part = String::new();
    let about = class.qualifier("Description").unwrap();
    write!(part, "\n# {}\n\n{about}\n\n| property | type | source |\n|---|---|---|\n", class.name()).unwrap();
    for property in own(class) {
        let key = match (property.is_key(), property.is_fixed()) {
            (true, _) => ", key",
            (false, true) => ", fixed",
            (false, false) => "",
        };
        let source = mapping(property);
        writeln!(
            part,
            "| {} | {}{key} | {source} |",
            property.name,
            property.property_type.to_string().replace("[]", " array")
        )
        .unwrap();
    }
    for method in class.methods() {
        let about = method.qualifiers.iter().find(|qualifier| &*qualifier.name == "Description").unwrap();
        write!(part, "\n`{}`: {}\n", method.name, about.value).unwrap();
    }
    part
}

#[test]
fn every_property_stands_in_the_chapter_with_its_source() {
    let mut chapter = INTRODUCTION.to_owned();
    for source in classes_of(&Rc::new(Machine::new())) {
        for property in own(source.class()) {
            let source = mapping(property);
            assert!(!source.is_empty() && !source.contains('|'), "{}: {source}", property.name);
        }
        chapter.push_str(&part(source.class()));
    }
    chapter.push_str(&part(FileEvents::in_folders(["/"]).unwrap().class()));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/wbem/linux/classes.md");
    if std::env::var_os("MSGPUMP_WRITE_CHAPTER").is_some() {
        std::fs::write(path, &chapter).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    let differs = written.lines().zip(chapter.lines()).find(|(written, said)| written != said);
    assert_eq!(differs, None, "set MSGPUMP_WRITE_CHAPTER to write {path} anew");
    assert_eq!(written.lines().count(), chapter.lines().count(), "set MSGPUMP_WRITE_CHAPTER to write {path} anew");
}
