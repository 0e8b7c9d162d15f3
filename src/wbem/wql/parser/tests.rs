//! Tables of queries, and what random ones must keep.

use super::super::ast::*;
use super::super::generate;
use super::*;
use crate::wbem::error::WbemStatus;
use crate::wbem::random::Random;

/// Reads a query for objects that must be valid.
fn query(text: &str) -> Query {
    Query::parse(text).unwrap_or_else(|error| panic!("{}", error.annotate(text)))
}

/// Reads a query for instances that must be valid.
fn select(text: &str) -> SelectQuery {
    match query(text) {
        Query::Select(query) => query,
        other => panic!("{other:?}"),
    }
}

/// Reads what follows WHERE.
fn condition(text: &str) -> Condition {
    select(&format!("SELECT * FROM C WHERE {text}")).condition.unwrap()
}

/// A comparison with a constant.
fn compare(property: &str, operator: Operator, value: LiteralValue) -> Condition {
    let place = Place::default();
    Condition::Test(PropertyName::new(property), Check::Compare(operator, place, Literal { value, place }))
}

/// A comparison with a number.
fn number(property: &str, operator: Operator, value: i128) -> Condition {
    compare(property, operator, LiteralValue::Integer(value))
}

/// A comparison with a text.
fn text(property: &str, value: &str) -> Condition {
    compare(property, Operator::Equal, LiteralValue::String(value.into()))
}

#[test]
fn p01_a_constant_may_stand_on_the_left() {
    assert_eq!(condition("\"NTFS\" = FileSystem"), text("FileSystem", "NTFS"));
    assert_eq!(condition("0 >= A"), number("A", Operator::LessOrEqual, 0));
    assert_eq!(condition("0 < A"), number("A", Operator::Greater, 0));
    assert_eq!(condition("0 <> A"), number("A", Operator::NotEqual, 0));
    for no_name in ["'x' > NOT", "'x' > not.A", "'x' = TRUE", "'x' = NULL"] {
        let error = Query::parse(&format!("SELECT * FROM a WHERE {no_name}")).expect_err(no_name);
        assert_eq!(error.position, "SELECT * FROM a WHERE 'x' > ".len(), "{no_name}");
    }
}

#[test]
fn p02_any_blanks_separate() {
    let expected = SelectQuery {
        list: SelectList::Properties(vec![PropertyName::new("a")]),
        class: ClassName::new("b"),
        condition: None,
    };
    assert_eq!(select("SELECT\na\rFROM\tb"), expected);
    assert_eq!(select(" \r\nselect a from b\t"), expected);
}

#[test]
fn p03_p04_p11_p12_p48_texts() {
    let like = |pattern: &str| {
        Condition::Test(PropertyName::new("Caption"), Check::Like(Place::default(), pattern.into(), Place::default()))
    };
    assert_eq!(condition("Caption LIKE '%%REGEDIT%'"), like("%%REGEDIT%"));
    assert_eq!(condition(r#"DeviceID="\\\\.\\PHYSICALDRIVE0""#), text("DeviceID", r"\\.\PHYSICALDRIVE0"));
    assert_eq!(condition(r#"NAME='Wilma "F"'"#), text("NAME", "Wilma \"F\""));
    assert_eq!(condition(r#"a = "one \"two\" three""#), text("a", "one \"two\" three"));
    assert_eq!(condition(r"Name = 'c:\\Scripts'"), text("Name", r"c:\Scripts"));
}

#[test]
fn p05_only_quotes_and_backslashes_are_escaped() {
    let text = r#"SELECT * FROM Win32_DiskDrive WHERE PNPDeviceID LIKE "PCI\%""#;
    let error = Query::parse(text).unwrap_err();
    assert_eq!(
        (error.position, error.kind.clone(), error.status()),
        (57, WqlErrorKind::Escape, WbemStatus::InvalidQuery)
    );
}

#[test]
fn p09_not_binds_tighter_than_and_and_tighter_than_or() {
    let not = |condition| Condition::Not(Box::new(condition));
    let a = || number("A", Operator::Greater, 1);
    let b = || number("B", Operator::Less, 1);
    let c = || number("C", Operator::Greater, 3);
    assert_eq!(
        condition("NOT A > 1 OR B < 1 AND C > 3"),
        Condition::Or(vec![not(a()), Condition::And(vec![b(), c()])])
    );
    assert_eq!(
        condition("(NOT (A > 1 OR B < 1)) AND NOT NOT C > 3"),
        Condition::And(vec![not(Condition::Or(vec![a(), b()])), not(not(c()))])
    );
    assert_eq!(condition("((A > 1))"), a());
}

#[test]
fn p14_comparisons_with_null() {
    let test = |check| Condition::Test(PropertyName::new("realData"), check);
    for null in ["realData IS NULL", "realData = NULL", "NULL = realData", "realData is null"] {
        assert_eq!(condition(null), test(Check::Null), "{null}");
    }
    for not_null in ["realData IS NOT NULL", "realData <> NULL", "NULL != realData"] {
        assert_eq!(condition(not_null), test(Check::NotNull), "{not_null}");
    }
}

#[test]
fn p35_p37_p38_associations() {
    let Query::Associators(directory) = query(
        "Associators of {win32_LogicalDisk=\"C:\"} where resultClass = Win32_Directory requiredQualifier = Dynamic",
    ) else {
        panic!()
    };
    assert_eq!(directory.path.to_string(), "win32_LogicalDisk=\"C:\"");
    assert_eq!(directory.result_class.as_deref(), Some("Win32_Directory"));
    assert_eq!(directory.required_qualifier.as_deref(), Some("Dynamic"));
    assert_eq!(directory.output, Output::Objects);
    query("ASSOCIATORS OF{Win32_LogicalDisk.DeviceID=\"C:\"}");
    let Query::Associators(partition) = query(
        "ASSOCIATORS OF {Win32_LogicalDisk.DeviceID=\"C:\"} WHERE ClassDefsOnly AssocClass = Win32_LogicalDiskToPartition",
    ) else {
        panic!()
    };
    assert_eq!(
        (partition.output, partition.association_class.as_deref()),
        (Output::Classes, Some("Win32_LogicalDiskToPartition"))
    );
    let Query::Associators(service) =
        query("Associators Of {Win32_Service.Name='dhcp'} Where AssocClass=Win32_DependentService Role=Dependent")
    else {
        panic!()
    };
    assert_eq!((service.role.as_deref(), service.result_role), (Some("Dependent"), None));
    let Query::References(references) = query(
        "REFERENCES OF {Win32_NetworkAdapter.DeviceID=\"0\"} WHERE resultclass = X requiredQualifier = Dynamic KeysOnly",
    ) else {
        panic!()
    };
    assert_eq!((references.result_class.as_deref(), references.output), (Some("X"), Output::Keys));
    query("ASSOCIATORS OF {A}");
    query("REFERENCES OF {myClass} WHERE SchemaOnly");
}

#[test]
fn p36_associations_that_are_none() {
    let text = "Associators of {win32_LogicalDisk=\"C:\"} where ";
    for (filters, offset, kind) in [
        ("resultClass = D AND requiredQualifier = Q", 16, None),
        ("resultClass = D, requiredQualifier = Q", 15, None),
        ("resultClass = D requiredQualifier <> Q", 34, None),
        ("ClassDefsOnly ResultClass = X", 14, Some(WqlErrorKind::Exclusive("ClassDefsOnly", "ResultClass"))),
        ("ResultClass = X ClassDefsOnly", 16, Some(WqlErrorKind::Exclusive("ClassDefsOnly", "ResultClass"))),
        ("ClassDefsOnly KeysOnly", 14, Some(WqlErrorKind::Exclusive("KeysOnly", "ClassDefsOnly"))),
        ("KeysOnly KeysOnly", 9, Some(WqlErrorKind::Repeated("KeysOnly"))),
        ("Role = A role = B", 9, Some(WqlErrorKind::Repeated("Role"))),
        ("SchemaOnly", 0, Some(WqlErrorKind::SchemaOfInstance)),
        ("Role = 5", 7, None),
        ("Name = X", 0, None),
        ("", 0, None),
    ] {
        let error = Query::parse(&format!("{text}{filters}")).unwrap_err();
        assert_eq!(
            (error.position, error.status()),
            (text.len() + offset, WbemStatus::InvalidQuery),
            "{filters}: {error}"
        );
        assert!(kind.is_none_or(|kind| kind == error.kind), "{filters}: {error}");
    }
    for (text, position) in [
        ("ASSOCIATORS OF {Disk.DeviceID=C:}", 30),
        ("ASSOCIATORS OF { Disk}", 16),
        ("ASSOCIATORS OF {}", 16),
        ("ASSOCIATORS OF {Disk=\"}", 15),
        ("ASSOCIATORS {Disk}", 12),
        ("REFERENCES OF {Disk} WHERE AssocClass = X", 27),
        ("REFERENCES OF {Disk} AND", 21),
    ] {
        assert_eq!(Query::parse(text).unwrap_err().position, position, "{text}");
    }
}

#[test]
fn p42_three_patterns() {
    let condition =
        condition("Name LIKE '%Roblox%' OR CommandLine LIKE '%ROBLOXCORPORATION%' OR Name LIKE '%Bloxstrap%'");
    assert!(matches!(condition, Condition::Or(patterns) if patterns.len() == 3));
}

#[test]
fn p44_what_is_quoted_reads_back() {
    assert_eq!(super::super::quote("C:\\Path\\With\"In Name"), r#""C:\\Path\\With\"In Name""#);
    Random::seeds(20_000, |random| {
        let value = random.text(generate::LETTERS, 30);
        assert_eq!(condition(&format!("A = {}", super::super::quote(&value))), text("A", &value));
    });
}

#[test]
fn p45_hostile_sizes_are_refused() {
    let conditions = vec!["Name = 'x'"; 5000].join(" OR ");
    let parentheses = "(".repeat(60_000);
    let nots = "NOT ".repeat(15_000);
    let list = vec!["a"; LIST_MAX + 1].join(",");
    let name = vec!["a"; NAME_PARTS_MAX + 1].join(".");
    for text in [
        format!("SELECT * FROM C WHERE {conditions}"),
        format!("SELECT * FROM C WHERE {parentheses}"),
        format!("SELECT * FROM C WHERE {}", "(".repeat(100_000)),
        format!("SELECT * FROM C WHERE {nots}"),
        format!("SELECT {list} FROM C"),
        format!("SELECT {name} FROM C"),
        "a".repeat(1024 * 1024),
    ] {
        assert_eq!(Query::parse(&text).unwrap_err().status(), WbemStatus::QuotaViolation);
        assert_eq!(EventQuery::parse(&text).unwrap_err().status(), WbemStatus::QuotaViolation);
    }
    let nested = |depth: usize| format!("SELECT * FROM C WHERE {}A = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(select(&nested(NESTING_MAX)).condition, Some(number("A", Operator::Equal, 1)));
    assert!(Query::parse(&nested(NESTING_MAX + 1)).is_err());
    let many = |count: usize| format!("SELECT * FROM C WHERE {}", vec!["A=1"; count].join(" OR "));
    assert!(Query::parse(&many(CONDITIONS_MAX)).is_ok());
    assert!(Query::parse(&many(CONDITIONS_MAX + 1)).is_err());
    let side_by_side = vec!["(((A = 1)))"; 1000].join(" AND ");
    assert!(Query::parse(&format!("SELECT * FROM C WHERE {side_by_side}")).is_ok());
}

#[test]
fn what_is_nested_as_deep_as_it_may_be_is_printed_no_deeper() {
    for inner in ["A = 1 AND B = 2 OR C = 3", "C = 3 OR NOT A = 1 AND B = 2", "A = 1 OR B = 2", "A = 1 AND B = 2"] {
        let deepest = if inner.contains("NOT") { NESTING_MAX - 2 } else { NESTING_MAX - 1 };
        let text = format!("SELECT * FROM C WHERE {}({inner})", "NOT ".repeat(deepest));
        let read = query(&text);
        assert_eq!(query(&read.to_string()), read, "{inner}");
    }
    for grouped in ["(A = 1 AND B = 2) AND C = 3", "(A = 1 OR B = 2) OR C = 3", "(A = 1 OR B = 2) AND C = 3"] {
        assert_eq!(condition(grouped).to_string(), grouped);
    }
}

#[test]
fn p46_bad_texts_say_where_and_what_was_expected() {
    for (text, position, message) in [
        ("", 0, "expected SELECT, ASSOCIATORS OF or REFERENCES OF, found the end of the query"),
        ("42", 0, "expected SELECT, ASSOCIATORS OF or REFERENCES OF, found 42"),
        ("invalid query", 0, "expected SELECT, ASSOCIATORS OF or REFERENCES OF, found invalid"),
        ("SELECT", 6, "expected `*` or the name of a property, found the end of the query"),
        ("SELECT * FROM", 13, "expected the name of a class, found the end of the query"),
        ("SELECT * FROM X WHERE", 21, "expected a condition, found the end of the query"),
        ("SELECT * FROM X WHERE A = 'b", 26, "the quote is never closed"),
        ("ASSOCIATORS OF {A", 15, "the brace is never closed"),
        ("SELECT *, a FROM X", 8, "expected FROM, found ,"),
        ("SELECT a, FROM X", 15, "expected FROM, found X"),
        ("SELECT a b FROM X", 9, "expected FROM, found b"),
        ("SELECT a. FROM X", 15, "expected FROM, found X"),
        ("SELECT NULL FROM X", 7, "expected `*` or the name of a property, found NULL"),
        ("SELECT * FROM true", 14, "expected the name of a class, found true"),
        ("SELECT * FORM X", 9, "expected FROM, found FORM"),
        ("SELECT * FROM X Y", 16, "expected WHERE or the end of the query, found Y"),
        ("SELECT * FROM X;", 15, "expected WHERE or the end of the query, found ;"),
        ("SELECT * FROM X ORDER BY a", 16, "expected WHERE or the end of the query, found ORDER"),
        ("SELECT COUNT(*) FROM X", 12, "expected FROM, found ("),
        ("SELECT DISTINCT a FROM X", 16, "expected FROM, found a"),
        ("SELECT * FROM X, Y", 15, "expected WHERE or the end of the query, found ,"),
        ("DELETE FROM X", 0, "expected SELECT, ASSOCIATORS OF or REFERENCES OF, found DELETE"),
        ("SELECT * FROM X WHERE a", 23, "expected a comparison, LIKE, ISA or IS, found the end of the query"),
        ("SELECT * FROM X WHERE a == 1", 25, "expected a constant, found ="),
        ("SELECT * FROM X WHERE 1 = 1", 26, "expected the name of a property, found 1"),
        ("SELECT * FROM X WHERE a = 1 b = 2", 28, "expected AND, OR or the end of the query, found b"),
        ("SELECT * FROM X WHERE (a = 1", 28, "expected AND, OR or `)`, found the end of the query"),
        ("SELECT * FROM X WHERE a = 1)", 27, "expected AND, OR or the end of the query, found )"),
        ("SELECT * FROM X WHERE AND a = 1", 26, "expected a comparison, LIKE, ISA or IS, found a"),
        ("SELECT * FROM X WHERE a LIKE 5", 29, "expected a pattern in quotes, found 5"),
        ("SELECT * FROM X WHERE a LIKE b", 29, "expected a pattern in quotes, found b"),
        ("SELECT * FROM X WHERE a ISA 5", 28, "expected the name of a class, found 5"),
        ("SELECT * FROM X WHERE a = 5abc", 26, "this is not a number"),
        ("SELECT * FROM X WHERE a = 99999999999999999999", 26, "the number is too large"),
        ("SELECT * FROM X WITHIN 5", 16, "WITHIN belongs to event queries"),
        ("SELECT * FROM X WHERE a = 1 GROUP WITHIN 5", 28, "GROUP belongs to event queries"),
        ("SELECT a FROM meta_class", 7, "expected `*`, as classes have no other list, found a"),
        ("SELECT * FROM X WHERE a = é", 26, "expected a constant, found é"),
    ] {
        let error = Query::parse(text).unwrap_err();
        assert_eq!((error.position, &*error.to_string()), (position, message), "{text}");
        assert_eq!(error.status(), WbemStatus::InvalidQuery, "{text}");
    }
}

#[test]
fn p19_p20_p22_operators_that_do_not_fit() {
    for (condition, position) in [
        ("infraredsupported >= null", 18),
        ("NULL < a", 5),
        ("DriveType IS 5", 13),
        ("FileSystem IS NOT \"NTFS\"", 18),
        ("Partitions < (4 + 7 - 2)", 13),
        ("Partitions = SectorsPerTrack", 13),
        ("Partitions = 4 + 7", 15),
        ("Partitions = SectorsPerTrack / 7", 13),
    ] {
        let error = Query::parse(&format!("SELECT * FROM C WHERE {condition}")).unwrap_err();
        assert_eq!((error.position, error.status()), (22 + position, WbemStatus::InvalidQuery), "{condition}: {error}");
    }
}

#[test]
fn words_are_keywords_only_in_their_places() {
    assert_eq!(condition("Like LIKE 'a'"), condition("Like like \"a\""));
    assert_eq!(
        condition("Group = 1 AND By = 2 OR Where = 3 AND Is IS NULL AND Isa ISA Isa").to_string(),
        "Group = 1 AND By = 2 OR Where = 3 AND Is IS NULL AND Isa ISA \"Isa\""
    );
    assert_eq!(select("SELECT Select, From FROM From").list.to_string(), "Select, From");
    let Query::Schema(schema) = query("Select * From Meta_Class Where __Superclass Is Null") else { panic!() };
    assert_eq!(schema.condition, Some(Condition::Test(PropertyName::new("__Superclass"), Check::Null)));
}

#[test]
fn v01_v08_v09_event_queries() {
    for text in ["42", "Invalid Query", "", "ASSOCIATORS OF {A}"] {
        assert_eq!(EventQuery::parse(text).unwrap_err().status(), WbemStatus::UnparsableQuery, "{text}");
    }
    let negative = EventQuery::parse("SELECT * FROM E GROUP WITHIN 5 HAVING NumberOfEvents > -1").unwrap_err();
    assert_eq!(negative.to_string(), "expected a number of events, found -1");
    let email =
        EventQuery::parse("SELECT * FROM EmailEvent GROUP WITHIN 300 BY Sender HAVING NumberOfEvents > 5").unwrap();
    let group = email.group.unwrap();
    assert_eq!((group.within, group.by), (Duration::from_secs(300), vec![PropertyName::new("Sender")]));
    let having = group.having.unwrap();
    assert_eq!([5, 6, 7].map(|events| having.holds(events)), [false, true, true]);
    for (text, position, status) in [
        ("SELECT * FROM EmailEvent GROUP BY Sender", 31, WbemStatus::MissingGroupWithin),
        ("SELECT * FROM EmailEvent GROUP HAVING NumberOfEvents > 5", 31, WbemStatus::MissingGroupWithin),
        ("SELECT * FROM EmailEvent GROUP WITHIN 5 BY *", 43, WbemStatus::MissingAggregationList),
        ("SELECT * FROM EmailEvent GROUP WITHIN 5 BY", 42, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent GROUP WITHIN 5 HAVING Sender = 5", 47, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent GROUP WITHIN 5 HAVING NumberOfEvents = 'x'", 64, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent GROUP WITHIN 5 HAVING NumberOfEvents = 4294967296", 64, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent HAVING NumberOfEvents = 5", 25, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WITHIN 0", 32, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WITHIN -5", 32, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WITHIN 1e-300", 32, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WITHIN 4294967296", 32, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WITHIN '5'", 32, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WITHIN WHERE a = 1", 32, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WHERE a = 1 WITHIN 5", 37, WbemStatus::UnparsableQuery),
        ("SELECT * FROM EmailEvent WHERE a >= NULL", 33, WbemStatus::InvalidOperator),
    ] {
        let error = EventQuery::parse(text).unwrap_err();
        assert_eq!((error.position, error.status()), (position, status), "{text}: {error}");
    }
    let within = |text: &str| EventQuery::parse(text).unwrap().within.unwrap();
    assert_eq!(within("SELECT * FROM E WITHIN 0.1"), Duration::from_millis(100));
    assert_eq!(within("SELECT * FROM E WITHIN 1e1"), Duration::from_secs(10));
}

#[test]
fn v04_v06_v12_event_conditions() {
    for text in [
        "SELECT * FROM __InstanceCreationEvent WITHIN 10 WHERE TargetInstance ISA 'Win32_Process' AND (TargetInstance.Name = 'notepad.exe' OR TargetInstance.Name = 'calc.exe')",
        "Select * From __InstanceModificationEvent WHERE TargetInstance ISA 'Win32_LocalTime' AND TargetInstance.Second = 0",
        "SELECT * FROM __InstanceCreationEvent WITHIN 10 WHERE TargetInstance ISA 'Win32_LoggedOnUser' AND TargetInstance.__RELPATH like '%bob%'",
        "SELECT TargetInstance FROM __InstanceOperationEvent WITHIN 10 WHERE TargetInstance ISA MyOwnClass",
    ] {
        EventQuery::parse(text).unwrap_or_else(|error| panic!("{}", error.annotate(text)));
    }
}

#[test]
fn two_properties_are_compared_only_between_the_two_objects_of_a_modification() {
    let text = |condition: &str| format!("SELECT * FROM __InstanceModificationEvent WITHIN 5 WHERE {condition}");
    let query = EventQuery::parse(&text("TargetInstance.Size > previousInstance.Size")).unwrap();
    assert!(matches!(query.condition, Some(Condition::Pair(_))));
    for condition in [
        "TargetInstance.Size > TargetInstance.Size",
        "TargetInstance.Size > Size",
        "Size > PreviousInstance.Size",
        "A = B",
    ] {
        assert_eq!(
            EventQuery::parse(&text(condition)).unwrap_err().status(),
            WbemStatus::UnparsableQuery,
            "{condition}"
        );
    }
    let data = "SELECT * FROM C WHERE TargetInstance.Size > PreviousInstance.Size";
    assert_eq!(Query::parse(data).unwrap_err().position, 44);
}

#[test]
fn a_caret_points_into_the_right_line() {
    for (text, expected) in [
        ("SELECT * FORM X", "SELECT * FORM X\n         ^ expected FROM, found FORM"),
        ("SELECT *\n\tFORM X\nWHERE", "\tFORM X\n\t^ expected FROM, found FORM"),
        (
            "SELECT * FROM X WHERE é = é",
            "SELECT * FROM X WHERE é = é\n                      ^ expected a condition, found é",
        ),
        ("SELECT", "SELECT\n      ^ expected `*` or the name of a property, found the end of the query"),
    ] {
        assert_eq!(Query::parse(text).unwrap_err().annotate(text), expected);
    }
    let error = Query::parse("SELECT *").unwrap_err();
    assert_eq!(error.annotate("é"), format!("é\n ^ {error}"));
}

#[test]
fn random_queries_print_and_read_back_equal() {
    Random::seeds(20_000, |random| {
        let query = generate::query(random);
        let text = query.to_string();
        assert_eq!(Query::parse(&text), Ok(query), "{text}");
        let query = generate::event_query(random);
        let text = query.to_string();
        assert_eq!(EventQuery::parse(&text), Ok(query), "{text}");
    });
}

#[test]
fn random_and_mutated_texts_never_panic_and_what_parses_reads_back() {
    const LETTERS: &str = "aA_0 \t\n'\"\\%,.*(){}=<>!+-éNnOo";
    const WORDS: [&str; 20] = [
        "SELECT", "*", "FROM", "C", "WHERE", "a", "=", "1", "AND", "OR", "NOT", "(", ")", "'x'", "LIKE", "IS", "NULL",
        "ISA", ",", ".",
    ];
    Random::seeds(300_000, |random| {
        let text = match random.below(4) {
            0 => random.text(LETTERS, 30),
            1 => {
                let words: Vec<&str> = (0..random.below(14)).map(|_| random.pick(&WORDS)).collect();
                words.join(" ")
            }
            2 => {
                let query = generate::query(random).to_string();
                random.mutate(&query, LETTERS)
            }
            _ => {
                let query = generate::event_query(random).to_string();
                random.mutate(&query, LETTERS)
            }
        };
        match Query::parse(&text) {
            Ok(query) => assert_eq!(Query::parse(&query.to_string()), Ok(query), "{text}"),
            Err(error) => assert!(error.annotate(&text).contains('^') && error.position <= text.len()),
        }
        match EventQuery::parse(&text) {
            Ok(query) => assert_eq!(EventQuery::parse(&query.to_string()), Ok(query), "{text}"),
            Err(error) => assert!(error.annotate(&text).contains('^') && error.position <= text.len()),
        }
    });
}
