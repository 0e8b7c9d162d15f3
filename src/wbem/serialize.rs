//! Objects for serde, and so for JSON.
//!
//! Floor 5. An instance is a map from the names of its properties to their values, a class one to their defaults.
//! NULL is none, datetimes are texts, embedded objects are maps; integers keep all their 64 bits.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::class::Class;
use super::instance::Instance;
use super::object::Object;
use super::value::{Value, char16};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_none(),
            Value::Boolean(value) => serializer.serialize_bool(*value),
            Value::Char16(value) => serializer.serialize_char(char16(*value)),
            Value::Sint8(value) => serializer.serialize_i8(*value),
            Value::Uint8(value) => serializer.serialize_u8(*value),
            Value::Sint16(value) => serializer.serialize_i16(*value),
            Value::Uint16(value) => serializer.serialize_u16(*value),
            Value::Sint32(value) => serializer.serialize_i32(*value),
            Value::Uint32(value) => serializer.serialize_u32(*value),
            Value::Sint64(value) => serializer.serialize_i64(*value),
            Value::Uint64(value) => serializer.serialize_u64(*value),
            Value::Real32(value) => serializer.serialize_f32(*value),
            Value::Real64(value) => serializer.serialize_f64(*value),
            Value::String(text) | Value::Reference(text) => serializer.serialize_str(text),
            Value::DateTime(value) => serializer.collect_str(value),
            Value::Object(object) => object.serialize(serializer),
            Value::Array(elements) => {
                let mut sequence = serializer.serialize_seq(Some(elements.len()))?;
                elements.iter().try_for_each(|element| sequence.serialize_element(element))?;
                sequence.end()
            }
        }
    }
}

impl Serialize for Instance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values().len()))?;
        for (property, value) in self.class().properties().iter().zip(self.values()) {
            map.serialize_entry(&*property.name, value)?;
        }
        map.end()
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.properties().len()))?;
        for property in self.properties() {
            map.serialize_entry(&*property.name, &property.default)?;
        }
        map.end()
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Object::Instance(instance) => instance.serialize(serializer),
            Object::Class(class) => class.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbem::cim_type::CimType;
    use crate::wbem::class::Property;
    use crate::wbem::datetime::DateTime;
    use crate::wbem::fixtures::{class, instance};

    #[test]
    fn objects_in_json() {
        let part = class("Part", [Property::new("Number", CimType::Uint8)]);
        let whole = class(
            "Whole",
            [
                Property::key("Name", CimType::String),
                Property::new("Size", CimType::Uint64).default(7_u64),
                Property::new("Ratio", CimType::Real64),
                Property::new("Missing", CimType::Sint32),
                Property::new("Ready", CimType::Boolean),
                Property::new("Letter", CimType::Char16),
                Property::new("When", CimType::DateTime),
                Property::array("Tags", CimType::String),
                Property::new("Part", CimType::Object),
            ],
        );
        let values = [
            ("Name", Value::from("a\"b\n")),
            ("Size", Value::from(u64::MAX)),
            ("Ratio", Value::from(0.5)),
            ("Ready", Value::from(true)),
            ("Letter", Value::Char16(u16::from(b'x'))),
            ("When", Value::from(DateTime::parse("00000001120032.000000:000").unwrap())),
            ("Tags", Value::from(vec!["x", "y"])),
            ("Part", Value::from(instance(&part, &[("Number", 3.into())]))),
        ];
        let object = Object::from(instance(&whole, &values));
        assert_eq!(
            serde_json::to_string(&object).unwrap(),
            concat!(
                r#"{"Name":"a\"b\n","Size":18446744073709551615,"Ratio":0.5,"Missing":null,"Ready":true,"#,
                r#""Letter":"x","When":"00000001120032.000000:000","Tags":["x","y"],"Part":{"Number":3}}"#
            )
        );
        let class = serde_json::to_value(Object::from(whole)).unwrap();
        assert_eq!((class["Size"].as_u64(), class["Name"].is_null()), (Some(7), true));
    }
}
