//! Tables of paths, and what random ones must keep.

use std::sync::Arc;

use super::*;
use crate::wbem::cim_type::CimType;
use crate::wbem::class::{Class, Property};
use crate::wbem::random::Random;
use crate::wbem::value::Value;

/// A class with a number and a text as keys.
fn two_keys() -> Arc<Class> {
    Class::builder("MyClass")
        .property(Property::key("IntVal", CimType::Uint32))
        .property(Property::key("StrVal", CimType::String))
        .build()
        .unwrap()
}

/// A class with one key of a type.
fn one_key(cim_type: CimType) -> Arc<Class> {
    Class::builder("Disk").property(Property::key("DeviceID", cim_type)).build().unwrap()
}

#[test]
fn o01_texts_that_are_no_namespace() {
    for (text, position, status) in [
        ("", 0, WbemStatus::InvalidNamespace),
        ("\\", 0, WbemStatus::InvalidNamespace),
        ("\\ROOT", 0, WbemStatus::InvalidNamespace),
        ("\\\\.", 3, WbemStatus::InvalidNamespace),
        ("\\\\.\\", 4, WbemStatus::InvalidNamespace),
        ("ROOT\\\\CIMV2", 5, WbemStatus::InvalidNamespace),
        ("ROOT\\CIMV2\\", 11, WbemStatus::InvalidNamespace),
        ("ROOT CIMV2", 0, WbemStatus::InvalidNamespace),
        ("\\\\\\.\\ROOT", 2, WbemStatus::InvalidParameter),
    ] {
        let error = NamespacePath::parse(text).unwrap_err();
        assert_eq!((error.position, error.status()), (position, status), "{text:?}");
    }
    // These are well formed; that nothing is called so is for the service to say.
    for text in ["\\\\.\\NONE", "ROOT\\NONE"] {
        assert!(NamespacePath::parse(text).unwrap().segments().last() == Some("NONE"), "{text:?}");
    }
}

#[test]
fn o02_namespaces() {
    for (text, server, canonical) in [
        ("\\\\.\\ROOT", Some("."), "\\\\.\\ROOT"),
        ("//./ROOT", Some("."), "\\\\.\\ROOT"),
        ("\\/.\\ROOT", Some("."), "\\\\.\\ROOT"),
        ("ROOT", None, "ROOT"),
        ("ROOT/CIMV2", None, "ROOT\\CIMV2"),
        ("root\\cimv2", None, "root\\cimv2"),
        ("\\\\host-1.example.org\\root\\a\\b", Some("host-1.example.org"), "\\\\host-1.example.org\\root\\a\\b"),
    ] {
        let namespace = NamespacePath::parse(text).unwrap();
        assert_eq!((namespace.server(), namespace.to_string()), (server, canonical.to_string()), "{text:?}");
        assert_eq!(namespace.is_local(), server.is_none_or(|server| server == "."));
        assert_eq!(NamespacePath::parse(&canonical.to_lowercase()), Ok(namespace));
    }
    assert_ne!(NamespacePath::parse("root"), NamespacePath::parse("\\\\.\\root"));
    assert_ne!(NamespacePath::parse("root"), NamespacePath::parse("root\\root"));
}

#[test]
fn o03_keys_in_any_order_are_the_same_object() {
    let class = two_keys();
    let paths = ["MyClass.IntVal=33,StrVal=\"AAA\"", "myclass.STRVAL='AAA',intval=0x21"];
    let values = paths.map(|text| ObjectPath::parse(text).unwrap().key_values(&class).unwrap());
    assert_eq!(values[0], values[1]);
    assert_eq!(values[0], [Value::from(33_u32), Value::from("AAA")]);
    let instances = values.map(|values| crate::wbem::instance::Instance::from_values(&class, values).unwrap());
    for instance in instances {
        assert_eq!(instance.relative_path().unwrap().to_string(), paths[0]);
    }
}

#[test]
fn o04_singletons_and_single_keys() {
    let singleton = Class::builder("Win32_OperatingSystem").singleton().build().unwrap();
    let path = ObjectPath::parse("Win32_OperatingSystem=@").unwrap();
    assert_eq!((path.key_values(&singleton), path.to_string()), (Ok(vec![]), "Win32_OperatingSystem=@".to_string()));
    let disk = one_key(CimType::String);
    let derived = Class::builder("MappedDisk").superclass(&disk).build().unwrap();
    assert!(ObjectPath::parse("Disk='C:'").unwrap().key_values(&derived).is_ok());
    assert!(ObjectPath::parse("MappedDisk='C:'").unwrap().key_values(&disk).is_err());
    for text in ["Disk='C:'", "Disk.DeviceID=\"C:\""] {
        assert_eq!(ObjectPath::parse(text).unwrap().key_values(&disk), Ok(vec![Value::from("C:")]), "{text}");
    }
}

#[test]
fn parts_of_a_path() {
    let path = ObjectPath::parse("//server/root/cimv2:Disk.DeviceID=\"C:\"").unwrap();
    assert_eq!(path.namespace().map(|namespace| namespace.to_string()).as_deref(), Some("\\\\server\\root\\cimv2"));
    assert_eq!((path.class(), path.is_class()), ("Disk", false));
    assert_eq!(path.to_string(), "\\\\server\\root\\cimv2:Disk.DeviceID=\"C:\"");
    let class = ObjectPath::parse("root:Disk").unwrap();
    assert_eq!((class.is_class(), class.namespace().and_then(|namespace| namespace.server())), (true, None));
    let colon = ObjectPath::parse("Disk='a:b'").unwrap();
    assert_eq!((colon.namespace(), colon.class()), (None, "Disk"));
}

#[test]
fn values_of_keys() {
    for (text, expected) in [
        (r#""""#, KeyValue::String("".into())),
        (r#""a\"b\\c\'d""#, KeyValue::String("a\"b\\c'd".into())),
        (r#"'a"b\'c'"#, KeyValue::String("a\"b'c".into())),
        ("\"a%20b%0Ac\"", KeyValue::String("a b\nc".into())),
        ("\"100%\"", KeyValue::String("100%".into())),
        ("\"%41%zz%2\"", KeyValue::String("%41%zz%2".into())),
        ("\"%2520\"", KeyValue::String("%20".into())),
        ("33", KeyValue::Integer(33)),
        ("-33", KeyValue::Integer(-33)),
        ("+33", KeyValue::Integer(33)),
        ("0x1F", KeyValue::Integer(31)),
        ("18446744073709551615", KeyValue::Integer(u64::MAX.into())),
        ("-9223372036854775808", KeyValue::Integer(i64::MIN.into())),
        ("true", KeyValue::Boolean(true)),
        ("False", KeyValue::Boolean(false)),
    ] {
        let path = ObjectPath::parse(&format!("A={text}")).unwrap();
        assert_eq!(path.keys(), &PathKeys::Unnamed(expected), "{text}");
        assert_eq!(ObjectPath::parse(&path.to_string()), Ok(path), "{text}");
    }
}

#[test]
fn bad_paths_say_where_and_why() {
    let expected = PathErrorKind::Expected;
    for (text, position, kind) in [
        ("", 0, expected("the name of a class")),
        ("9", 0, expected("the name of a class")),
        ("\\\\.\\root", 8, expected("a colon and the name of a class")),
        ("root:", 5, expected("the name of a class")),
        ("A B", 1, expected("`.`, `=` or the end of the path")),
        ("A ", 1, expected("`.`, `=` or the end of the path")),
        ("A.", 2, expected("the name of a key")),
        ("A.B", 3, expected("`=`")),
        ("A.B =1", 3, expected("`=`")),
        ("A.B=", 4, expected("the value of a key")),
        ("A.B= 1", 4, expected("the value of a key")),
        ("A.B=1,", 6, expected("the name of a key")),
        ("A.B=1, C=2", 6, expected("the name of a key")),
        ("A.B=1;C=2", 5, expected("the end of the path")),
        ("A=@@", 3, expected("the end of the path")),
        ("A=word", 2, expected("a text in quotes")),
        ("A=-", 3, expected("a digit")),
        ("A=0x", 4, expected("a digit")),
        ("A=1.5", 3, expected("the end of the path")),
        ("A=18446744073709551616", 2, PathErrorKind::NumberTooLarge),
        ("A=-9223372036854775809", 2, PathErrorKind::NumberTooLarge),
        ("A=\"b", 2, PathErrorKind::UnclosedQuote),
        ("A='b\"", 2, PathErrorKind::UnclosedQuote),
        ("A=\"b\\n\"", 4, PathErrorKind::Escape),
        ("A=\"b\\", 4, PathErrorKind::Escape),
        ("A=\"b\n\"", 4, PathErrorKind::ControlCharacter),
        ("A.B=1,b=2", 6, PathErrorKind::RepeatedKey("b".into())),
    ] {
        assert_eq!(ObjectPath::parse(text), Err(PathError { position, kind }), "{text:?}");
    }
    assert_eq!(ObjectPath::parse(&"a".repeat(PATH_BYTES_MAX + 1)).unwrap_err().kind, PathErrorKind::TooLong);
    let keys: Vec<String> = (0..=KEYS_MAX).map(|number| format!("K{number}=1")).collect();
    assert_eq!(ObjectPath::parse(&format!("A.{}", keys.join(","))).unwrap_err().kind, PathErrorKind::TooLong);
}

#[test]
fn keys_that_are_not_those_of_the_class() {
    let singleton = Class::builder("Only").singleton().build().unwrap();
    let keyless = Class::builder("Event").build().unwrap();
    let large = one_key(CimType::Uint64);
    let (two, number, text) = (two_keys(), one_key(CimType::Uint8), one_key(CimType::String));
    for (path, class, is_right) in [
        ("MyClass.IntVal=33", &two, false),
        ("MyClass.IntVal=33,StrVal='',More=1", &two, false),
        ("MyClass=33", &two, false),
        ("MyClass", &two, false),
        ("MyClass=@", &two, false),
        ("Other.IntVal=33,StrVal=''", &two, false),
        ("MyClass.IntVal='33',StrVal=4", &two, true),
        ("Disk=256", &number, false),
        ("Disk='x'", &number, false),
        ("Disk=TRUE", &number, false),
        ("Disk=4", &text, true),
        ("Disk=TRUE", &text, false),
        ("Disk=\"18446744073709551615\"", &large, true),
        ("Disk=18446744073709551615", &large, true),
        ("Only=@", &singleton, true),
        ("Only=1", &singleton, false),
        ("Only", &singleton, false),
        ("Event=1", &keyless, false),
        ("Event=@", &keyless, false),
    ] {
        let values = ObjectPath::parse(path).unwrap().key_values(class);
        assert_eq!(values.is_ok(), is_right, "{path}: {values:?}");
    }
}

#[test]
fn values_beyond_32_bits_are_written_in_quotes() {
    for (value, expected) in [
        (Value::from(u32::MAX), Some("4294967295")),
        (Value::from(4_294_967_296_u64), Some("\"4294967296\"")),
        (Value::from(i32::MIN), Some("-2147483648")),
        (Value::from(i64::from(i32::MIN) - 1), Some("\"-2147483649\"")),
        (Value::from(true), Some("TRUE")),
        (Value::from("a\"\\'\u{7}%25é"), Some("\"a\\\"\\\\'%07%2525é\"")),
        (Value::reference("A=1"), Some("\"A=1\"")),
        (Value::from(1.5), None),
        (Value::Null, None),
    ] {
        let text = KeyValue::from_value(&value).map(|key| key.to_string());
        assert_eq!(text.as_deref(), expected, "{value:?}");
    }
}

#[test]
fn random_paths_come_back() {
    Random::seeds(20_000, |random| {
        let alphabet = "aB%2054\"'\\:=,.@é\u{1}\n ";
        let mut value = || match random.below(4) {
            0 => KeyValue::Integer(i128::from(random.next() as i64)),
            1 => KeyValue::Boolean(random.below(2) == 0),
            _ => KeyValue::String(random.text(alphabet, 12).into()),
        };
        let keys = match value() {
            KeyValue::Boolean(true) => PathKeys::None,
            KeyValue::Boolean(false) => PathKeys::Singleton,
            KeyValue::Integer(_) => PathKeys::Unnamed(value()),
            KeyValue::String(text) => {
                let names = (0..=text.len()).map(|number| format!("K{number}").into());
                PathKeys::Named(names.map(|name| (name, value())).collect())
            }
        };
        let path = ObjectPath::new("Class_1", keys).unwrap();
        assert_eq!(ObjectPath::parse(&path.to_string()), Ok(path.clone()), "{path}");
        let path = path.within(NamespacePath::parse("\\\\host\\root\\x").unwrap());
        assert_eq!(ObjectPath::parse(&path.to_string()), Ok(path.clone()), "{path}");
    });
}

#[test]
fn random_and_mutated_texts_never_panic_and_what_parses_comes_back() {
    Random::seeds(300_000, |random| {
        let alphabet = "aA0%2\"'\\/:=,.@é\u{1} x";
        let text = match random.below(2) {
            0 => random.text(alphabet, 20),
            _ => random.mutate("\\\\h\\root\\c:A.B=\"x%20\\\"\",C=0x1f,D=TRUE", alphabet),
        };
        if let Ok(path) = ObjectPath::parse(&text) {
            assert_eq!(ObjectPath::parse(&path.to_string()), Ok(path), "{text}");
        }
        let _ = NamespacePath::parse(&text);
    });
}

#[test]
fn half_of_a_pair_of_units_is_a_key_by_its_number() {
    let letters = crate::wbem::fixtures::class("Letter", [Property::key("Unit", CimType::Char16)]);
    for (unit, expected) in [(0xd800, "Letter.Unit=55296"), (0x41, "Letter.Unit=\"A\"")] {
        let letter = crate::wbem::fixtures::instance(&letters, &[("Unit", Value::Char16(unit))]);
        let path = letter.relative_path().unwrap();
        assert_eq!(path.to_string(), expected);
        let again = ObjectPath::parse(expected).unwrap().key_values(&letters);
        assert_eq!(again, Ok(vec![Value::Char16(unit)]));
    }
}
