//! The values of properties.
//!
//! Floor 5. Pure. A value knows its own type. NULL has none: it fits every property. Texts, arrays and
//! embedded objects are shared, so a clone of a value never copies them; they are `Arc`, not `Rc`,
//! because rows may be made on other threads and posted.

use std::fmt;
use std::sync::Arc;

use super::cim_type::{CimType, PropertyType};
use super::datetime::{DateTime, Interval, Timestamp};
use super::fold;
use super::instance::Instance;
use super::within::Within;

/// The value of a property.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A `boolean`.
    Boolean(bool),
    /// A `char16`.
    Char16(u16),
    /// A `sint8`.
    Sint8(i8),
    /// A `uint8`.
    Uint8(u8),
    /// A `sint16`.
    Sint16(i16),
    /// A `uint16`.
    Uint16(u16),
    /// A `sint32`.
    Sint32(i32),
    /// A `uint32`.
    Uint32(u32),
    /// A `sint64`.
    Sint64(i64),
    /// A `uint64`.
    Uint64(u64),
    /// A `real32`.
    Real32(f32),
    /// A `real64`.
    Real64(f64),
    /// A `string`.
    String(Arc<str>),
    /// A `datetime`.
    DateTime(DateTime),
    /// A `ref`: the path of another object, as text.
    Reference(Arc<str>),
    /// An embedded object.
    Object(Arc<Instance>),
    /// An array; its elements are neither arrays nor NULL, and of one type.
    Array(Arc<[Value]>),
}

// A row is a vector of these.
const _: () = assert!(size_of::<Value>() <= 24);

impl Value {
    /// Makes a reference from the text of a path.
    pub fn reference(path: impl Into<Arc<str>>) -> Value {
        Value::Reference(path.into())
    }

    /// The type of the value; `None` for NULL and for an array without elements.
    pub fn property_type(&self) -> Option<PropertyType> {
        let one = match self {
            Value::Null => return None,
            Value::Array(elements) => {
                return Some(PropertyType::Array(elements.first()?.property_type()?.element()));
            }
            Value::Boolean(_) => CimType::Boolean,
            Value::Char16(_) => CimType::Char16,
            Value::Sint8(_) => CimType::Sint8,
            Value::Uint8(_) => CimType::Uint8,
            Value::Sint16(_) => CimType::Sint16,
            Value::Uint16(_) => CimType::Uint16,
            Value::Sint32(_) => CimType::Sint32,
            Value::Uint32(_) => CimType::Uint32,
            Value::Sint64(_) => CimType::Sint64,
            Value::Uint64(_) => CimType::Uint64,
            Value::Real32(_) => CimType::Real32,
            Value::Real64(_) => CimType::Real64,
            Value::String(_) => CimType::String,
            Value::DateTime(_) => CimType::DateTime,
            Value::Reference(_) => CimType::Reference,
            Value::Object(_) => CimType::Object,
        };
        Some(PropertyType::One(one))
    }

    /// What of objects lies within the value, which may be one itself.
    pub(super) fn within(&self) -> Within {
        match self {
            Value::Object(object) => object.within().wrapped(),
            Value::Array(elements) if matches!(elements.first(), Some(Value::Object(_))) => {
                elements.iter().map(Value::within).fold(Within::NOTHING, Within::beside)
            }
            _ => Within::NOTHING,
        }
    }

    /// Whether both mean the same as keys, or as what a key is bound to: letter case is ignored.
    pub(super) fn is_same_key(&self, other: &Value) -> bool {
        let fold = |unit: u16| char::from_u32(unit.into()).map(fold::letter);
        match (self, other) {
            (Value::Char16(left), Value::Char16(right)) => {
                left == right || fold(*left).is_some_and(|letter| fold(*right) == Some(letter))
            }
            _ => match (self.as_str(), other.as_str()) {
                (Some(left), Some(right)) => fold::equal(left, right),
                _ => self == other,
            },
        }
    }

    /// The text that a key is found by: the same for values that are the [same key](Value::is_same_key).
    pub(super) fn key_text(&self) -> String {
        match self {
            // Half of a pair of units is no letter, and no other half.
            Value::Char16(unit) if char::from_u32((*unit).into()).is_none() => format!("{unit:#x}"),
            value => fold::text(&value.to_string()),
        }
    }

    /// Whether nothing has changed: a real that is no number is as it was, though it is not equal to itself.
    pub(super) fn is_as(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Real32(left), Value::Real32(right)) => left == right || left.is_nan() && right.is_nan(),
            (Value::Real64(left), Value::Real64(right)) => left == right || left.is_nan() && right.is_nan(),
            (Value::Object(left), Value::Object(right)) => Arc::ptr_eq(left, right) || left.is_as(right),
            (Value::Array(left), Value::Array(right)) => {
                left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| left.is_as(right))
            }
            _ => self == other,
        }
    }

    /// Whether no object within the value has only some of the properties of its class.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Value::Object(object) => object.is_whole(),
            Value::Array(elements) => elements.iter().all(Value::is_whole),
            _ => true,
        }
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, whatever its width.
    pub fn as_integer(&self) -> Option<i128> {
        Some(match self {
            Value::Sint8(value) => (*value).into(),
            Value::Uint8(value) => (*value).into(),
            Value::Sint16(value) => (*value).into(),
            Value::Uint16(value) => (*value).into(),
            Value::Sint32(value) => (*value).into(),
            Value::Uint32(value) => (*value).into(),
            Value::Sint64(value) => (*value).into(),
            Value::Uint64(value) => (*value).into(),
            _ => return None,
        })
    }

    /// The integer, if it fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_integer().and_then(|value| value.try_into().ok())
    }

    /// The integer, if it fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_integer().and_then(|value| value.try_into().ok())
    }

    /// The floating-point number, whatever its width.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Real32(value) => Some((*value).into()),
            Value::Real64(value) => Some(*value),
            _ => None,
        }
    }

    /// The text of a string or of a reference.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(value) | Value::Reference(value) => Some(value),
            _ => None,
        }
    }

    /// The moment or span.
    pub fn as_datetime(&self) -> Option<DateTime> {
        match self {
            Value::DateTime(value) => Some(*value),
            _ => None,
        }
    }

    /// The embedded object.
    pub fn as_object(&self) -> Option<&Arc<Instance>> {
        match self {
            Value::Object(value) => Some(value),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

/// Writes the value for people: texts without quotes, 64-bit integers in full, TRUE and FALSE, arrays
/// in braces, an embedded object as its class, NULL as nothing.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.pad(""),
            Value::Boolean(value) => f.pad(if *value { "TRUE" } else { "FALSE" }),
            Value::Char16(value) => fmt::Display::fmt(&char16(*value), f),
            Value::Sint8(value) => value.fmt(f),
            Value::Uint8(value) => value.fmt(f),
            Value::Sint16(value) => value.fmt(f),
            Value::Uint16(value) => value.fmt(f),
            Value::Sint32(value) => value.fmt(f),
            Value::Uint32(value) => value.fmt(f),
            Value::Sint64(value) => value.fmt(f),
            Value::Uint64(value) => value.fmt(f),
            Value::Real32(value) => value.fmt(f),
            Value::Real64(value) => value.fmt(f),
            Value::String(value) | Value::Reference(value) => f.pad(value),
            Value::DateTime(value) => f.pad(&value.to_string()),
            Value::Object(value) => f.pad(value.class().name()),
            Value::Array(elements) => {
                f.write_str("{")?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// The letter of a UTF-16 unit; half of a pair has none.
pub(super) fn char16(unit: u16) -> char {
    char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Makes a value of what Rust calls it.
macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Value {
                Value::$variant(value.into())
            }
        })*
    };
}

from! {
    bool => Boolean,
    i8 => Sint8,
    u8 => Uint8,
    i16 => Sint16,
    u16 => Uint16,
    i32 => Sint32,
    u32 => Uint32,
    i64 => Sint64,
    u64 => Uint64,
    f32 => Real32,
    f64 => Real64,
    &str => String,
    String => String,
    Arc<str> => String,
    DateTime => DateTime,
    Timestamp => DateTime,
    Interval => DateTime,
    Instance => Object,
    Arc<Instance> => Object,
}

impl From<Timestamp> for DateTime {
    fn from(timestamp: Timestamp) -> DateTime {
        DateTime::Timestamp(timestamp)
    }
}

impl From<Interval> for DateTime {
    fn from(interval: Interval) -> DateTime {
        DateTime::Interval(interval)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Value {
        Value::Array(elements.into_iter().map(Into::into).collect())
    }
}
