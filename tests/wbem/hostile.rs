//! Texts that may be anything: more than a million, through everything that reads text.
//!
//! What is read is printed and read again: the second reading prints the same.

use std::io::Write;

use msgpump::wbem::wql::{EventQuery, PropertySet, Query};
use msgpump::wbem::{CimType, DateTime, Instance, NamespacePath, ObjectPath, Property, Value};

use crate::random::Random;
use crate::support::{class, instance};

/// How many texts each reader gets.
const TEXTS: usize = 260_000;

const QUERY_PARTS: &[&str] = &[
    "SELECT ",
    "* ",
    "FROM ",
    "Win32_Process ",
    "WHERE ",
    "Name ",
    "= ",
    "'a' ",
    "\"b\" ",
    "LIKE ",
    "'%[a-c]_' ",
    "AND ",
    "OR ",
    "NOT ",
    "(",
    ") ",
    "IS ",
    "NULL ",
    "ISA ",
    "'CIM_DataFile' ",
    "WITHIN ",
    "10 ",
    "0.5 ",
    "GROUP ",
    "HAVING ",
    "NumberOfEvents ",
    "> ",
    "<= ",
    "<> ",
    "BY ",
    "TargetInstance.Name ",
    ", ",
    "ASSOCIATORS ",
    "REFERENCES ",
    "OF ",
    "{",
    "A.B='c'",
    "} ",
    "ResultClass ",
    "ClassDefsOnly ",
    "-1 ",
    "18446744073709551616 ",
    "0x7F ",
    "TRUE ",
    "'unended ",
    "\\",
    "'",
    "\"",
    "é",
    "\0",
    "\n",
    "__CLASS ",
    "meta_class ",
    ".",
    "[",
    "]",
    "1e400 ",
    "__InstanceCreationEvent ",
];

/// How queries begin, so that many are nearly right.
const QUERIES: &[&str] = &[
    "",
    "SELECT * FROM Win32_Process ",
    "SELECT Name, __PATH FROM CIM_DataFile WHERE Name = 'a' ",
    "SELECT * FROM meta_class WHERE __this ",
    "SELECT * FROM __InstanceCreationEvent WITHIN 2 WHERE TargetInstance ISA 'A' ",
    "SELECT * FROM Alarm GROUP WITHIN 10 BY TargetInstance.Name ",
    "ASSOCIATORS OF {A.B='c'} ",
    "REFERENCES OF {A} WHERE ",
];

const PATH_PARTS: &[&str] = &[
    "\\\\",
    ".",
    "\\",
    "/",
    "root",
    "cimv2",
    ":",
    "Win32_Process",
    ".Handle=",
    "\"",
    "1",
    "'",
    ",",
    "Key=",
    "@",
    "=@",
    "%",
    "\\\"",
    "é",
    "\0",
    " ",
    "=",
    "-1",
    "TRUE",
    "\n",
    "A.B=\"c\"",
    "__NAMESPACE",
    "//./",
    "::",
];

const TIME_PARTS: &[&str] = &[
    "2026",
    "11",
    "26",
    "12",
    "59",
    "60",
    ".",
    "000000",
    "******",
    "+",
    "-",
    "060",
    "***",
    ":000",
    ":",
    "*",
    "99999999",
    "20261126120000.000000+060",
    "00000001000000.000000:000",
    "é",
    " ",
    "0",
    "\0",
    "31",
    "02",
];

fn text(random: &Random, beginnings: &[&str], parts: &[&str]) -> String {
    let mut text = beginnings[random.below(beginnings.len())].to_owned();
    (0..random.below(12)).for_each(|_| text.push_str(parts[random.below(parts.len())]));
    // A letter is lost now and then.
    if random.below(4) == 0 && !text.is_empty() {
        let place = random.below(text.chars().count());
        text = text.chars().enumerate().filter(|(index, _)| *index != place).map(|(_, letter)| letter).collect();
    }
    text
}

/// Reads many texts, and says how many could be read.
fn read<R: std::fmt::Display>(
    seed: u64,
    beginnings: &[&str],
    parts: &[&str],
    parse: impl Fn(&str) -> Option<R>,
) -> usize {
    let random = Random::new(seed);
    let mut readable = 0;
    for _ in 0..TEXTS {
        let text = text(&random, beginnings, parts);
        if let Some(read) = parse(&text) {
            readable += 1;
            let printed = read.to_string();
            let again = parse(&printed).unwrap_or_else(|| panic!("{text:?} is printed as {printed:?}"));
            assert_eq!(again.to_string(), printed, "{text:?}");
        }
    }
    readable
}

/// How conditions begin.
const CONDITIONS: &[&str] =
    &["Name = 'b' ", "Name LIKE 'b%' OR Name ", "Size > 9 AND Size ", "NOT TargetInstance.Name = 'b' ", "NOT ("];

/// Tries the conditions that can be read on an object, and says how many fit its class.
fn try_conditions(seed: u64) -> usize {
    let random = Random::new(seed);
    let properties = [
        Property::key("Name", CimType::String),
        Property::new("Size", CimType::Uint32),
        Property::new("Ready", CimType::Boolean),
        Property::new("When", CimType::DateTime),
        Property::new("TargetInstance", CimType::Object),
    ];
    let class = class("Win32_Process", properties);
    let inner = instance(&class, &[("Name", "a".into())]);
    let object = instance(&class, &[("Name", "b".into()), ("Size", 10.into()), ("TargetInstance", inner.into())]);
    let mut fitting = 0;
    for _ in 0..TEXTS {
        let text = format!("SELECT * FROM Win32_Process WHERE {}", text(&random, CONDITIONS, QUERY_PARTS));
        let Ok(Query::Select(query)) = Query::parse(&text) else { continue };
        let Ok(predicate) = query.predicate(&class, 0) else { continue };
        fitting += 1;
        let matches = predicate.matches(&object).is_true();
        // What is said of the values of all that match is true of this one.
        let bindings = predicate.bindings();
        let is_bound = |place: usize| {
            bindings.values(place).is_none_or(|values| values.iter().any(|it| is_same(it, &object, place)))
        };
        assert!(!matches || (0..5).all(is_bound), "{text:?}: {bindings:?}");
        let known: PropertySet = [0].into_iter().collect();
        assert!(!matches || !predicate.rules_out(&object, &known), "{text:?}");
    }
    fitting
}

/// Whether a property of an object has a value, in whatever letter case.
fn is_same(value: &Value, object: &Instance, place: usize) -> bool {
    object.value(place).is_some_and(|own| own.to_string().eq_ignore_ascii_case(&value.to_string()))
}

#[test]
fn a_million_texts_are_read_without_harm() {
    let read = [
        ("queries", read(1, QUERIES, QUERY_PARTS, |text| Query::parse(text).ok())),
        ("event queries", read(2, QUERIES, QUERY_PARTS, |text| EventQuery::parse(text).ok())),
        ("object paths", read(3, &[""], PATH_PARTS, |text| ObjectPath::parse(text).ok())),
        ("namespaces", read(4, &[""], PATH_PARTS, |text| NamespacePath::parse(text).ok())),
        ("datetimes", read(5, &[""], TIME_PARTS, |text| DateTime::parse(text).ok())),
    ];
    let fitting = ("conditions that fit and were tried", try_conditions(6));
    let read: Vec<_> = read.into_iter().chain([fitting]).collect();
    // For whoever reads the log: what tests print otherwise is kept from it.
    let told = writeln!(std::io::stdout(), "{} texts; of them could be read: {read:?}", TEXTS * read.len());
    told.expect("there is an output");
    assert!(read.iter().all(|(_, readable)| *readable > 0), "{read:?}");
}
