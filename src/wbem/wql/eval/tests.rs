//! Queries asked of the fixtures, and what evaluation must keep for random conditions.

use super::super::ast::Query;
use super::super::generate;
use super::*;
use crate::wbem::cim_type::CimType;
use crate::wbem::class::Property;
use crate::wbem::datetime::Timestamp;
use crate::wbem::error::WbemStatus;
use crate::wbem::fixtures::{class, derived, disks, instance, processes, various};
use crate::wbem::random::Random;

/// The rows of a fixture.
type Fixture = (Arc<Class>, Vec<Arc<Instance>>);

/// Reads a query for instances.
fn select(text: &str) -> SelectQuery {
    match Query::parse(text).unwrap_or_else(|error| panic!("{}", error.annotate(text))) {
        Query::Select(query) => query,
        other => panic!("{other:?}"),
    }
}

/// Fits what follows WHERE to a class.
fn fit_where(condition: &str, class: &Arc<Class>) -> Result<Predicate, WqlError> {
    select(&format!("SELECT * FROM {} WHERE {condition}", class.name())).predicate(class, 0)
}

/// The first values of the rows that match what follows WHERE.
fn matching((class, rows): &Fixture, condition: &str) -> Vec<String> {
    let predicate = fit_where(condition, class).unwrap_or_else(|error| panic!("{condition}: {error}"));
    let matching = rows.iter().filter(|row| predicate.matches(row).is_true());
    matching.map(|row| row.values()[0].to_string()).collect()
}

/// The place behind WHERE and the number of the error of a condition that does not fit.
fn refused(class: &Arc<Class>, condition: &str) -> (usize, WbemStatus) {
    let error = fit_where(condition, class).map(|_| ()).unwrap_err();
    (error.position - "SELECT * FROM  WHERE ".len() - class.name().len(), error.status())
}

/// A class with one property, and a row for each value of it.
fn column(cim_type: CimType, values: &[Value]) -> Fixture {
    let class = class("MyClass", [Property::new("Prop1", cim_type)]);
    let rows = values.iter().map(|value| instance(&class, &[("Prop1", value.clone())])).collect();
    (class, rows)
}

#[test]
fn p01_p24_disks() {
    let disks = disks();
    assert_eq!(matching(&disks, "\"NTFS\" = FileSystem"), ["C:", "D:"]);
    assert_eq!(
        matching(&disks, "(Name = \"C:\" OR Name = \"D:\") AND FreeSpace > 2000000 AND FileSystem = \"NTFS\""),
        ["C:"]
    );
}

#[test]
fn p06_p40_patterns_with_backslashes() {
    let devices = column(CimType::String, &[Value::from("PCI\\VEN_1"), Value::from("PCIX")]);
    assert_eq!(matching(&devices, r#"Prop1 LIKE "PCI\\%""#), ["PCI\\VEN_1"]);
    let printers = class(
        "Win32_Printer",
        [
            Property::key("PortName", CimType::String),
            Property::new("Local", CimType::Boolean),
            Property::new("Network", CimType::Boolean),
            Property::new("DriverName", CimType::String),
        ],
    );
    let rows = [
        ("LPT1:", true, false, "HP LaserJet"),
        ("10.0.0.1", true, false, "HP LaserJet"),
        ("\\\\host\\queue", true, false, "HP LaserJet"),
        ("LPT2:", false, false, "HP LaserJet"),
        ("LPT3:", true, true, "HP LaserJet"),
        ("LPT4:", true, false, "Other"),
    ];
    let rows = rows.map(|(port, local, network, driver)| {
        let values = vec![port.into(), local.into(), network.into(), driver.into()];
        Arc::new(Instance::from_values(&printers, values).unwrap())
    });
    let condition = r#"Local="TRUE" AND Network ="False" AND DriverName LIKE "%HP%"
        AND NOT PortName LIKE "%10.%" AND NOT PortName LIKE "%\\%""#;
    assert_eq!(matching(&(printers, rows.into()), condition), ["LPT1:"]);
}

#[test]
fn p08_p14_p16_null() {
    let names = column(CimType::String, &[Value::from("BIOS")]);
    assert!(matching(&names, "NULL = PROP1").is_empty());
    let various = various();
    for (condition, count) in
        [("realData IS NULL", 8), ("realData IS NOT NULL", 2), ("realData = NULL", 8), ("realData <> NULL", 2)]
    {
        assert_eq!(matching(&various, condition).len(), count, "{condition}");
    }
    let condition = "(name IS NOT NULL and realData IS NOT NULL) or (name = \"test5\" or booleanData = true)";
    assert_eq!(matching(&various, condition), ["test4", "test5", "test9", "test10"]);
}

#[test]
fn p13_comparisons_of_every_type() {
    let various = various();
    for (condition, expected) in [
        ("sint32Data = 0", &["test1"][..]),
        ("sint32Data <> 0", &["test2"]),
        ("sint32Data != 0", &["test2"]),
        ("sint32Data >= 0", &["test1", "test2"]),
        ("sint32Data > 0", &["test2"]),
        ("0 >= sint32Data", &["test1"]),
        ("sint32Data < -1", &[]),
        ("booleanData = 0", &["test3"]),
        ("booleanData = FALSE", &["test3"]),
        ("booleanData <> 'false'", &["test4"]),
        ("booleanData = -1", &["test4"]),
        ("TRUE = booleanData", &["test4"]),
        ("uint64Data = 5000000000000", &["test5"]),
        ("uint64Data = '5000000000000'", &["test5"]),
        ("uint64Data < 0xff", &["test6"]),
        ("uint64Data <= 18446744073709551615", &["test5", "test6"]),
        ("uint64Data > '9'", &["test5", "test6"]),
        ("stringData = 'ABC'", &["test7"]),
        ("stringData > 'B'", &["test8"]),
        ("stringData >= 'aBc'", &["test7", "test8"]),
        ("stringData < 'abcd'", &["test7"]),
        ("realData = 123.456789", &["test9"]),
        ("realData > 123", &["test9", "test10"]),
        ("realData < '1e3'", &["test9"]),
        ("realData = 4567890123.0e18", &["test10"]),
    ] {
        assert_eq!(matching(&various, condition), expected, "{condition}");
    }
}

#[test]
fn p17_p32_system_properties() {
    let various = various();
    assert_eq!(matching(&various, r#"__RELPATH = "wqlTestClass.name=\"test5\"""#), ["test5"]);
    assert_eq!(matching(&various, "__relpath LIKE '%test1%'"), ["test1", "test10"]);
    assert_eq!(matching(&various, "__GENUS = 2 AND __PROPERTY_COUNT = 6 AND __SUPERCLASS IS NULL").len(), 10);
    assert_eq!(matching(&various, "__PATH IS NOT NULL OR __SERVER = 'x'").len(), 0);
    let device = class("Device", [Property::key("Name", CimType::String)]);
    let kinds = ["Modem", "Keyboard", "Mouse"];
    let rows = kinds.map(|kind| instance(&derived(kind, &device, []), &[("Name", Value::from(kind))]));
    let devices = (device, Vec::from(rows));
    assert_eq!(matching(&devices, "__CLASS = \"Modem\" OR __CLASS = \"Keyboard\""), ["Modem", "Keyboard"]);
    assert_eq!(matching(&devices, "__CLASS = \"Device\"").len(), 0);
    assert_eq!(matching(&devices, "__DYNASTY = 'device' AND __SUPERCLASS = 'DEVICE' AND __this ISA Device").len(), 3);
}

#[test]
fn p18_p22_conditions_that_do_not_fit_the_types() {
    let class = class(
        "MyClass",
        [
            Property::new("BoolProp", CimType::Boolean),
            Property::new("Small", CimType::Uint8),
            Property::new("Signed", CimType::Sint64),
            Property::new("Text", CimType::String),
            Property::new("Real", CimType::Real32),
            Property::new("When", CimType::DateTime),
            Property::new("Letter", CimType::Char16),
            Property::new("Part", CimType::Object),
            Property::array("Many", CimType::String),
        ],
    );
    for (condition, position) in [
        ("BoolProp <= TRUE", 9),
        ("BoolProp > FALSE", 9),
        ("BoolProp >= 0", 9),
        ("1 > BoolProp", 2),
        ("BoolProp = 2", 11),
        ("BoolProp = 'yes'", 11),
        ("BoolProp = 1.0", 11),
        ("BoolProp LIKE 'TRUE'", 9),
        ("Small = 256", 8),
        ("Small = -1", 8),
        ("Small = '256'", 8),
        ("Small = 'x'", 8),
        ("Small = ''", 8),
        ("Small = 1.5", 8),
        ("Small = 1.0", 8),
        ("Small = 1e1", 8),
        ("Small = TRUE", 8),
        ("Signed = 9223372036854775808", 9),
        ("Real = 'x'", 7),
        ("Real = TRUE", 7),
        ("Real = 1e39", 7),
        ("Real < '-1e300'", 7),
        ("When = 5", 7),
        ("When = 'January 21, 1932'", 7),
        ("When = '1/21/1932'", 7),
        ("When = '20190113200517'", 7),
        ("When > '19980416******.000000+***'", 5),
        ("Letter = 'ab'", 9),
        ("Letter = 65536", 9),
        ("Part = 'x'", 5),
        ("Part LIKE 'x'", 5),
        ("Many = 'x'", 5),
        ("Many LIKE 'x'", 5),
        ("Text ISA 'X'", 5),
        ("__this = 'x'", 0),
        ("__DERIVATION = 'x'", 13),
        ("NoSuch = 1", 0),
        ("__NoSuch IS NULL", 0),
        ("Text = 'x' AND (Text = 'y' OR NOT NoSuch = 1)", 34),
    ] {
        assert_eq!(refused(&class, condition), (position, WbemStatus::InvalidQuery), "{condition}");
    }
    for condition in ["Text.Length = 1", "Many.x = 1", "__CLASS.x = 1"] {
        assert_eq!(refused(&class, condition), (0, WbemStatus::PropertyNotAnObject), "{condition}");
    }
    for condition in [
        "Many IS NULL",
        "Part = NULL",
        "Small = '7'",
        "Small = 0xff",
        "Text = 5",
        "Real = 5",
        "Letter = 65",
        "MyClass.Small = 1",
        "Small LIKE '1%'",
    ] {
        assert!(fit_where(condition, &class).is_ok(), "{condition}");
    }
    let error = fit_where("Small = 300", &class).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "300 does not fit uint8 (0 to 255)");
}

#[test]
fn an_operator_that_does_not_fit_has_a_number_of_its_own_in_event_queries() {
    let class = class("Alarm", [Property::new("IsOn", CimType::Boolean)]);
    let query = EventQuery::parse("SELECT * FROM Alarm WHERE IsOn > FALSE").unwrap();
    assert_eq!(query.predicate(&class, 0).map(|_| ()).unwrap_err().status(), WbemStatus::InvalidOperator);
    let query = EventQuery::parse("SELECT * FROM Alarm WHERE IsOn = 'x'").unwrap();
    assert_eq!(query.predicate(&class, 0).map(|_| ()).unwrap_err().status(), WbemStatus::UnparsableQuery);
}

#[test]
fn p23_comparisons_ignore_case() {
    let cats = column(CimType::String, &[Value::from("Cat"), Value::from("dog"), Value::from("ÄRGER")]);
    for condition in ["Prop1 = \"cat\"", "Prop1 = \"CAT\"", "pRoP1 = \"cAt\"", "Prop1 LIKE 'C_T'"] {
        assert_eq!(matching(&cats, condition), ["Cat"], "{condition}");
    }
    assert_eq!(matching(&cats, "Prop1 = 'ärger'"), ["ÄRGER"]);
    assert_eq!(matching(&cats, "Prop1 > 'CAT'"), ["dog", "ÄRGER"]);
}

#[test]
fn p25_p41_p42_processes() {
    let processes = processes();
    assert_eq!(matching(&processes, "handle = 0 or handle = 4"), ["0", "4"]);
    assert_eq!(matching(&processes, "Name = 'cscript.exe' OR Name = 'wscript.exe'"), ["4", "100"]);
    let either = "Name LIKE '%cscript%' OR CommandLine LIKE '%ROBLOXCORPORATION%' OR Name LIKE '%system%'";
    assert_eq!(matching(&processes, either), ["0", "4", "104"]);
    assert_eq!(matching(&processes, "Name LIKE 'a[_]b%'"), ["108"]);
    assert_eq!(matching(&processes, "Name LIKE 'a_b%'"), ["108", "112"]);
    assert_eq!(matching(&processes, "ProcessId LIKE '10%'"), ["100", "104", "108"]);
}

#[test]
fn nothing_is_known_of_comparisons_with_null() {
    let disks = disks();
    for condition in [
        "FileSystem = 'NTFS'",
        "FileSystem <> 'NTFS'",
        "FileSystem LIKE '%'",
        "NOT FileSystem = 'NTFS'",
        "NOT FileSystem LIKE 'N%'",
        "NOT (FileSystem = 'NTFS' OR FreeSpace > 0)",
        "FileSystem = 'NTFS' AND DriveType = 5",
    ] {
        let predicate = fit_where(condition, &disks.0).unwrap();
        assert_eq!(predicate.matches(&disks.1[2]), Truth::Unknown, "{condition}");
    }
    for (condition, expected) in [
        ("FileSystem = 'NTFS' OR DriveType = 5", Truth::True),
        ("FileSystem = 'NTFS' AND DriveType = 3", Truth::False),
        ("NOT (FileSystem = 'NTFS' AND DriveType = 3)", Truth::True),
        ("NOT FileSystem IS NULL", Truth::False),
        ("FileSystem IS NULL", Truth::True),
    ] {
        assert_eq!(fit_where(condition, &disks.0).unwrap().matches(&disks.1[2]), expected, "{condition}");
    }
}

#[test]
fn datetimes_are_compared_as_instants() {
    let moment = |text: &str| Value::from(Timestamp::parse(text).unwrap());
    let times = column(
        CimType::DateTime,
        &[
            moment("20190113200517.500000-180"),
            moment("20190113000000.000000+060"),
            moment("19980416******.000000+***"),
            Value::Null,
        ],
    );
    for (condition, expected) in [
        ("Prop1 = '20190113230517.500000+000'", &[0][..]),
        ("Prop1 <> '20190113230517.500000+000'", &[1, 2]),
        ("Prop1 >= '2019-01-13'", &[0, 1]),
        ("Prop1 > '2019-01-13'", &[0]),
        ("Prop1 < '2019-01-13 00:00:00:001'", &[1]),
        ("Prop1 = '19980416******.000000+***'", &[2]),
        ("Prop1 = '19980416******.000000-***'", &[]),
        ("Prop1 LIKE '2019%'", &[0, 1]),
        ("Prop1 < '00000001000000.000000:000'", &[]),
        ("Prop1 IS NULL", &[3]),
    ] {
        let query = select(&format!("SELECT * FROM MyClass WHERE {condition}"));
        let predicate = query.predicate(&times.0, 60).unwrap();
        let found: Vec<usize> = (0..times.1.len()).filter(|row| predicate.matches(&times.1[*row]).is_true()).collect();
        assert_eq!(found, expected, "{condition}");
    }
}

#[test]
fn letters_references_and_narrow_reals() {
    let letters = column(CimType::Char16, &[Value::Char16(97), Value::Char16(66)]);
    assert_eq!(matching(&letters, "Prop1 = 'A'"), ["a"]);
    assert_eq!(matching(&letters, "Prop1 = 98 OR Prop1 LIKE '[a]'"), ["a", "B"]);
    assert_eq!(matching(&letters, "Prop1 = 'A' AND Prop1 = 'a'"), ["a"]);
    let both = fit_where("Prop1 = 'A' AND Prop1 = 'a'", &letters.0).unwrap().bindings();
    assert_eq!((both.is_impossible(), both.values(0)), (false, Some(&[Value::Char16(65)][..])));
    let pair = |left, right: &Value| test_pair(Operator::Equal, &Value::Char16(left), right);
    assert_eq!(pair(97, &Value::Char16(65)), Truth::True);
    assert_eq!(pair(97, &"A".into()), Truth::True);
    assert_eq!(pair(97, &Value::Char16(98)), Truth::False);
    let references = column(CimType::Reference, &[Value::reference("A.B=\"c\"")]);
    assert_eq!(matching(&references, "Prop1 = 'a.b=\"C\"' AND Prop1 LIKE '%c%'").len(), 1);
    let reals = column(CimType::Real32, &[Value::from(0.1_f32), Value::from(f32::NAN)]);
    assert_eq!(matching(&reals, "Prop1 = 0.1 AND Prop1 <= 0.1"), ["0.1"]);
    assert_eq!(matching(&reals, "Prop1 <> 0.1"), ["NaN"]);
    assert_eq!(matching(&reals, "Prop1 > 0").len(), 1);
}

#[test]
fn halves_of_pairs_are_compared_as_numbers() {
    let units = [97, 0xd800, 0xd801, 0xfffd];
    let letters = column(CimType::Char16, &units.map(Value::Char16));
    let found = |condition: &str| -> Vec<u16> {
        let predicate = fit_where(condition, &letters.0).unwrap();
        let matching = letters.1.iter().filter(|row| predicate.matches(row).is_true());
        let unit = |row: &Arc<Instance>| if let Value::Char16(unit) = row.values()[0] { unit } else { panic!() };
        let found: Vec<u16> = matching.map(unit).collect();
        // What is bound is no less than what matches.
        if let Some(values) = predicate.bindings().values(0) {
            assert!(found.iter().all(|unit| values.contains(&Value::Char16(*unit))), "{condition}");
        }
        found
    };
    for (condition, expected) in [
        ("Prop1 = 55296", &[0xd800][..]),
        ("Prop1 <> 0xd800", &[97, 0xd801, 0xfffd]),
        ("Prop1 > 55296", &[0xd801, 0xfffd]),
        ("Prop1 <= 55296", &[97, 0xd800]),
        ("Prop1 = '\u{fffd}'", &[0xfffd]),
        ("Prop1 < '\u{fffd}' AND Prop1 > 'a'", &[0xd800, 0xd801]),
        ("Prop1 = 55296 AND Prop1 = 55297", &[]),
    ] {
        assert_eq!(found(condition), expected, "{condition}");
    }
    let pair = |left, right| test_pair(Operator::Equal, &Value::Char16(left), &Value::Char16(right));
    assert_eq!([pair(0xd800, 0xd800), pair(0xd800, 0xd801)], [Truth::True, Truth::False]);
}

#[test]
fn p28_p29_p30_p31_schema() {
    let top = class("Top", []);
    let mut classes = vec![top.clone()];
    for child in 1..=3 {
        let child = derived(&format!("Child{child}"), &top, []);
        classes.push(child.clone());
        classes.extend((1..=3).map(|number| derived(&format!("{}_{number}", child.name()), &child, [])));
    }
    assert_eq!(classes.len(), 13);
    let account = class("Win32_Account", []);
    let others = [
        class("CIM_Thing", []),
        class("__System", []),
        class("A__B", []),
        class("Win32_Disk", []),
        derived("Win32_User", &account, []),
    ];
    classes.push(account);
    classes.extend(others);
    let found = |condition: &str| -> Vec<String> {
        let Query::Schema(query) = Query::parse(&format!("SELECT * FROM meta_class WHERE {condition}")).unwrap() else {
            panic!("{condition}")
        };
        let predicate = query.predicate().unwrap_or_else(|error| panic!("{condition}: {error}"));
        let found = classes.iter().filter(|class| predicate.matches(class).is_true());
        found.map(|class| class.name().to_string()).collect()
    };
    assert_eq!(found("__this ISA \"Top\"").len(), 13);
    assert_eq!(found("__class = \"Top\""), ["Top"]);
    assert_eq!(found("__dynasty = \"Child1\"").len(), 0);
    assert_eq!(found("__dynasty = \"Top\"").len(), 13);
    assert_eq!(found("__CLASS LIKE \"%[_][_]%\""), ["__System", "A__B"]);
    assert_eq!(found("__Superclass Is Null"), ["Top", "Win32_Account", "CIM_Thing", "__System", "A__B", "Win32_Disk"]);
    assert_eq!(found("NOT __class < \"Win32\" AND NOT __this ISA \"Win32_Account\""), ["Win32_Disk"]);
    let Query::Schema(everything) = Query::parse("SELECT * FROM meta_class").unwrap() else { panic!() };
    assert!(classes.iter().all(|class| everything.predicate().unwrap().matches(class).is_true()));
    for condition in ["Name = 'x'", "__this = 'x'", "__class > 5.x"] {
        let query = Query::parse(&format!("SELECT * FROM meta_class WHERE {condition}"));
        let is_refused = match query {
            Ok(Query::Schema(query)) => query.predicate().is_err(),
            _ => true,
        };
        assert!(is_refused, "{condition}");
    }
}

/// Ten objects, of which five embed an object of a derived class, four of another class, one nothing.
fn embedding() -> Fixture {
    let z = class("ClassZ", [Property::new("Size", CimType::Uint32), Property::new("Deeper", CimType::Object)]);
    let child = derived("ClassZChild", &z, [Property::new("Color", CimType::String)]);
    let other = class("Other", [Property::new("Color", CimType::Uint8), Property::new("Size", CimType::String)]);
    let outer = class("ClassA", [Property::key("Id", CimType::Uint8), Property::new("EmbeddedObj", CimType::Object)]);
    let rows = (0..10_u8).map(|id| {
        let deeper = instance(&other, &[("Color", Value::from(id))]);
        let object = match id {
            0..5 => Value::from(instance(
                &child,
                &[("Size", Value::from(id)), ("Color", Value::from("red")), ("Deeper", Value::from(deeper))],
            )),
            5..9 => Value::from(instance(&other, &[("Color", Value::from(id)), ("Size", Value::from("3"))])),
            _ => Value::Null,
        };
        instance(&outer, &[("Id", Value::from(id)), ("EmbeddedObj", object)])
    });
    (outer.clone(), rows.collect())
}

#[test]
fn p34_embedded_objects() {
    let rows = embedding();
    for (condition, expected) in [
        ("EmbeddedObj ISA \"ClassZ\"", "01234"),
        ("EmbeddedObj ISA ClassZChild AND NOT EmbeddedObj ISA Other", "01234"),
        ("EmbeddedObj ISA 'Other'", "5678"),
        ("EmbeddedObj ISA 'NoSuch'", ""),
        ("EmbeddedObj IS NULL", "9"),
        // The same name is of another type in another class, where the constant may not fit.
        ("EmbeddedObj.Size = 3", "35678"),
        ("EmbeddedObj.Color = 'RED'", "01234"),
        ("EmbeddedObj.Color = 6", "6"),
        ("EmbeddedObj.NoSuch = 6 OR EmbeddedObj.No.Such IS NULL", ""),
        ("NOT EmbeddedObj.NoSuch = 6", ""),
        ("EmbeddedObj.Deeper.Color = 2", "2"),
        ("ClassA.EmbeddedObj.Deeper.Color = 2", "2"),
        ("EmbeddedObj.__CLASS LIKE '%Child'", "01234"),
        ("EmbeddedObj.Deeper ISA Other", "01234"),
    ] {
        assert_eq!(matching(&rows, condition).concat(), expected, "{condition}");
    }
}

#[test]
fn v04_v06_v12_events() {
    let target = class(
        "Win32_LoggedOnUser",
        [
            Property::key("Antecedent", CimType::String),
            Property::new("Second", CimType::Uint32),
            Property::array("Many", CimType::Uint8).default(vec![1]),
            Property::new("IsOn", CimType::Boolean).default(true),
            Property::new("Part", CimType::Object).default(Instance::new(&class("Part", []))),
        ],
    );
    let event_class = class("__Event", [Property::new("TIME_CREATED", CimType::Uint64)]);
    let modification = derived(
        "__InstanceModificationEvent",
        &event_class,
        [Property::new("TargetInstance", CimType::Object), Property::new("PreviousInstance", CimType::Object)],
    );
    let event = |user: &str, before: u32, now: u32| {
        let object = |second: u32| instance(&target, &[("Antecedent", user.into()), ("Second", second.into())]);
        let objects = [("TargetInstance", object(now).into()), ("PreviousInstance", object(before).into())];
        instance(&modification, &objects)
    };
    let events = [event("bob", 59, 0), event("alice", 0, 1)];
    for (condition, expected) in [
        ("TargetInstance ISA 'Win32_LoggedOnUser' AND TargetInstance.Second = 0", [true, false]),
        ("TargetInstance ISA 'Win32_LoggedOnUser' AND TargetInstance.__RELPATH like '%bob%'", [true, false]),
        ("TargetInstance ISA Win32_Process", [false, false]),
        ("TargetInstance.Second > PreviousInstance.Second", [false, true]),
        ("PreviousInstance.Second >= TargetInstance.Second", [true, false]),
        ("__InstanceModificationEvent.TargetInstance.Second > __Event.PreviousInstance.Second", [false, true]),
        ("PreviousInstance.NoSuch = TargetInstance.Second", [false, false]),
        // No array and no object can be compared, with each other neither.
        ("PreviousInstance.Many <> TargetInstance.Many", [false, false]),
        ("PreviousInstance.Part <> TargetInstance.Part", [false, false]),
        // A boolean is equal or not, never more or less.
        ("PreviousInstance.IsOn = TargetInstance.IsOn", [true, true]),
        ("PreviousInstance.IsOn <= TargetInstance.IsOn", [false, false]),
        ("TargetInstance.Antecedent = 'bob' OR TargetInstance.Antecedent = 'alice'", [true, true]),
    ] {
        let text = format!("SELECT * FROM __InstanceModificationEvent WITHIN 10 WHERE {condition}");
        let predicate = EventQuery::parse(&text).unwrap().predicate(&modification, 0).unwrap();
        let found = [0, 1].map(|index| predicate.matches(&events[index]).is_true());
        assert_eq!(found, expected, "{condition}");
        let reads: Vec<usize> = predicate.reads().iter().collect();
        let is_read = |name: &str| reads.contains(&modification.index_of(name).unwrap());
        assert!(condition.contains("PreviousInstance") == is_read("PreviousInstance"), "{condition}");
    }
    let objects = "SELECT * FROM __InstanceModificationEvent WHERE TargetInstance <> PreviousInstance";
    let refused = EventQuery::parse(objects).unwrap().predicate(&modification, 0).map(|_| ()).unwrap_err();
    assert_eq!(refused.status(), WbemStatus::InvalidOperator);
}

#[test]
fn what_has_to_be_read() {
    let processes = processes();
    for (condition, expected) in [
        ("Name = 'a' AND (ProcessId > 4 OR NOT Name LIKE 'b')", &[1, 2][..]),
        ("__RELPATH = 'x' OR __CLASS = 'y' OR __this ISA z", &[0]),
        ("CommandLine IS NULL", &[3]),
    ] {
        let reads = fit_where(condition, &processes.0).unwrap().reads();
        assert_eq!(reads.iter().collect::<Vec<_>>(), expected, "{condition}");
    }
    assert!(select("SELECT * FROM Win32_Process").predicate(&processes.0, 0).unwrap().reads().is_empty());
}

/// What a condition is by its definition, one step after the other.
fn define(condition: &Condition, class: &Arc<Class>, row: &Instance) -> Option<Truth> {
    let fitting = Fitting { form: Form::Data, utc_offset: 0 };
    Some(match condition {
        Condition::And(all) => {
            let all: Option<Vec<Truth>> = all.iter().map(|one| define(one, class, row)).collect();
            all?.into_iter().fold(Truth::True, Truth::and)
        }
        Condition::Or(any) => {
            let any: Option<Vec<Truth>> = any.iter().map(|one| define(one, class, row)).collect();
            any?.into_iter().fold(Truth::False, Truth::or)
        }
        Condition::Not(condition) => !define(condition, class, row)?,
        Condition::Test(name, check) => fit_test(name, check, class, fitting).ok()?.evaluate(row),
        Condition::Pair(_) => return None,
    })
}

#[test]
fn random_conditions_are_what_their_parts_are_and_bindings_are_necessary() {
    let class = class(
        "C",
        [
            Property::key("a", CimType::Sint32),
            Property::key("Name", CimType::String),
            Property::new("x9", CimType::Boolean),
            Property::new("E1", CimType::Object),
            Property::new("Letter", CimType::Char16),
        ],
    );
    let mut fitted = 0;
    let mut bound = 0;
    Random::seeds(30_000, |random| {
        let condition = generate::condition_on(random, &["a", "Name", "x9", "E1", "Letter", "__CLASS"], 3);
        let Ok(predicate) = predicate(Some(&condition), &class, Fitting { form: Form::Data, utc_offset: 0 }) else {
            return;
        };
        fitted += 1;
        let bindings = predicate.bindings();
        let keys = bindings.keys(&class);
        for _ in 0..4 {
            let values = vec![
                if random.below(4) == 0 { Value::Null } else { Value::from(random.below(4) as i32) },
                if random.below(4) == 0 { Value::Null } else { Value::from(random.text("aB", 2)) },
                Value::from(random.below(2) == 0),
                Value::Null,
                if random.below(4) == 0 { Value::Null } else { Value::Char16(random.pick(&[97, 98, 65, 66])) },
            ];
            let row = Instance::from_values(&class, values).unwrap();
            let truth = predicate.matches(&row);
            assert_eq!(Some(truth), define(&condition, &class, &row), "{condition}");
            if !truth.is_true() {
                continue;
            }
            assert!(!bindings.is_impossible(), "{condition}");
            let is_same = |left: &Value, right: &Value| {
                left == right || super::super::criterion::order(left, right).is_some_and(|order| order.is_eq())
            };
            for index in 0..class.properties().len() {
                if let Some(values) = bindings.values(index) {
                    bound += 1;
                    assert!(values.iter().any(|value| is_same(value, &row.values()[index])), "{condition}");
                }
            }
            if let Some(keys) = &keys {
                let is_told = |key: &Vec<Value>| key.iter().zip(row.values()).all(|(left, right)| is_same(left, right));
                assert!(keys.iter().any(is_told), "{condition}");
            }
        }
    });
    assert!(fitted > 5000 && bound > 100, "{fitted} {bound}");
}

#[test]
fn keys_that_conditions_leave() {
    let class = class(
        "C",
        [
            Property::key("Id", CimType::Uint32),
            Property::key("Name", CimType::String),
            Property::new("Size", CimType::Uint64),
        ],
    );
    let keys = |condition: &str| fit_where(condition, &class).unwrap().bindings().keys(&class);
    let key = |id: u32, name: &str| vec![Value::from(id), Value::from(name)];
    for (condition, expected) in [
        ("Id = 1 AND Name = 'a'", Some(vec![key(1, "a")])),
        ("Id = '1' AND Name = 5 AND Size > 3", Some(vec![key(1, "5")])),
        ("(Id = 1 OR Id = 2 OR 1 = Id) AND Name = 'a'", Some(vec![key(1, "a"), key(2, "a")])),
        ("Id = 1 AND (Name = 'a' OR Name = 'A' OR Name = 'b')", Some(vec![key(1, "a"), key(1, "b")])),
        ("Id = 1 AND (Id = 2 OR Id = 1) AND Name = 'a'", Some(vec![key(1, "a")])),
        ("Id = 1 AND Id = 2", Some(vec![])),
        ("(Id = 1 AND Id = 2) OR (Id = 3 AND Name = 'c')", Some(vec![key(3, "c")])),
        ("Id = 1 OR Name = 'a'", None),
        ("Id = 1", None),
        ("Id = 1 AND NOT Name = 'a'", None),
        ("Id = 1 AND Name LIKE 'a'", None),
        ("Id > 1 AND Name = 'a'", None),
        ("Size = 1", None),
    ] {
        assert_eq!(keys(condition), expected, "{condition}");
    }
    let any_of = |property: &str, count: usize| {
        let each: Vec<String> = (0..count).map(|number| format!("{property} = {number}")).collect();
        format!("({})", each.join(" OR "))
    };
    assert_eq!(keys(&format!("{} AND {}", any_of("Id", 32), any_of("Name", 32))).unwrap().len(), 1024);
    assert_eq!(keys(&format!("{} AND {}", any_of("Id", 33), any_of("Name", 32))), None);
    let sizes = fit_where("Size = 7 AND Id < 3", &class).unwrap().bindings();
    assert_eq!((sizes.values(2), sizes.values(0)), (Some(&[Value::from(7_u64)][..]), None));
}
