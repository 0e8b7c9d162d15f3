//! Making a value fit the type of a property.
//!
//! Floor 5. Pure. A value of another type is accepted where nothing is lost: integers of other widths
//! within their range, integers as reals, the decimal text in which 64-bit integers travel, the text
//! of a datetime or of a path. NULL always fits.

use std::fmt;
use std::sync::Arc;

use super::cim_type::{CimType, PropertyType};
use super::datetime::DateTime;
use super::error::{WbemError, WbemStatus};
use super::value::Value;
use super::within::{EMBEDDED_DEPTH_MAX, EMBEDDED_OBJECTS_MAX};

/// Why a value does not fit a property.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ValueError {
    /// The type of the property.
    pub expected: PropertyType,
    /// The value.
    pub value: Value,
    /// What is wrong with it.
    pub kind: ValueErrorKind,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueErrorKind {
    /// It is of another type.
    Mismatch,
    /// It is a number that the type cannot hold.
    OutOfRange,
    /// It has objects within each other, more than [`EMBEDDED_DEPTH_MAX`].
    TooDeep,
    /// With it, more than [`EMBEDDED_OBJECTS_MAX`] objects would lie within one.
    TooMany,
}

impl PropertyType {
    /// Makes `value` a value of this type.
    ///
    /// # Errors
    ///
    /// The value cannot be told in this type without loss; it is handed back in the error.
    pub fn convert(self, value: Value) -> Result<Value, ValueError> {
        if let Err(kind) = value.within().check() {
            return Err(ValueError { expected: self, value, kind });
        }
        let converted = match (self, &value) {
            (_, Value::Null) => Ok(Value::Null),
            (PropertyType::One(element), _) if value.property_type() == Some(PropertyType::One(element)) => {
                return Ok(value);
            }
            (PropertyType::One(element), _) => convert_one(element, &value),
            (PropertyType::Array(element), Value::Array(elements)) => convert_array(element, elements),
            (PropertyType::Array(_), _) => Err(ValueErrorKind::Mismatch),
        };
        converted.map_err(|kind| ValueError { expected: self, value, kind })
    }
}

/// Converts a value whose type is not yet `element`.
fn convert_one(element: CimType, value: &Value) -> Result<Value, ValueErrorKind> {
    match (element, value) {
        (CimType::Real32 | CimType::Real64, _) => convert_real(element, value),
        (CimType::Char16, Value::String(text)) => one_unit(text).map(Value::Char16).ok_or(ValueErrorKind::Mismatch),
        (CimType::Char16, _) => {
            let unit = value.as_integer().ok_or(ValueErrorKind::Mismatch)?;
            unit.try_into().map(Value::Char16).map_err(|_| ValueErrorKind::OutOfRange)
        }
        (CimType::DateTime, Value::String(text)) => {
            DateTime::parse(text).map(Value::DateTime).map_err(|_| ValueErrorKind::Mismatch)
        }
        (CimType::Reference, Value::String(text)) => Ok(Value::Reference(text.clone())),
        (CimType::String, Value::Reference(text)) => Ok(Value::String(text.clone())),
        (_, Value::String(text)) if element.range().is_some() => {
            integer(element, text.parse().map_err(|_| ValueErrorKind::Mismatch)?)
        }
        _ => integer(element, value.as_integer().ok_or(ValueErrorKind::Mismatch)?),
    }
}

/// Makes an integer of the type `element`.
pub(super) fn integer(element: CimType, value: i128) -> Result<Value, ValueErrorKind> {
    let converted = match element {
        CimType::Sint8 => value.try_into().map(Value::Sint8),
        CimType::Uint8 => value.try_into().map(Value::Uint8),
        CimType::Sint16 => value.try_into().map(Value::Sint16),
        CimType::Uint16 => value.try_into().map(Value::Uint16),
        CimType::Sint32 => value.try_into().map(Value::Sint32),
        CimType::Uint32 => value.try_into().map(Value::Uint32),
        CimType::Sint64 => value.try_into().map(Value::Sint64),
        CimType::Uint64 => value.try_into().map(Value::Uint64),
        _ => return Err(ValueErrorKind::Mismatch),
    };
    converted.map_err(|_| ValueErrorKind::OutOfRange)
}

/// Makes a number a real; 32 bits may round it, but not to infinity.
fn convert_real(element: CimType, value: &Value) -> Result<Value, ValueErrorKind> {
    let number = value.as_f64().or_else(|| value.as_integer().map(|integer| integer as f64));
    let number = number.ok_or(ValueErrorKind::Mismatch)?;
    if element == CimType::Real64 {
        return Ok(Value::Real64(number));
    }
    let narrow = number as f32;
    if narrow.is_infinite() && number.is_finite() {
        return Err(ValueErrorKind::OutOfRange);
    }
    Ok(Value::Real32(narrow))
}

/// Converts each element; an array has no NULL within.
fn convert_array(element: CimType, elements: &Arc<[Value]>) -> Result<Value, ValueErrorKind> {
    let wanted = PropertyType::One(element);
    if elements.iter().all(|value| value.property_type() == Some(wanted)) {
        return Ok(Value::Array(elements.clone()));
    }
    let converted = elements.iter().map(|value| match value {
        Value::Null => Err(ValueErrorKind::Mismatch),
        value => wanted.convert(value.clone()).map_err(|error| error.kind),
    });
    converted.collect::<Result<_, _>>().map(Value::Array)
}

/// The only UTF-16 unit of `text`.
pub(super) fn one_unit(text: &str) -> Option<u16> {
    let mut units = text.encode_utf16();
    units.next().filter(|_| units.next().is_none())
}

impl ValueError {
    /// The number that a call ends with because of this.
    pub fn status(&self) -> WbemStatus {
        match self.kind {
            ValueErrorKind::Mismatch => WbemStatus::TypeMismatch,
            ValueErrorKind::OutOfRange => WbemStatus::ValueOutOfRange,
            ValueErrorKind::TooDeep | ValueErrorKind::TooMany => WbemStatus::QuotaViolation,
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ValueError { expected, value, kind } = self;
        match (kind, expected.element().range()) {
            (ValueErrorKind::OutOfRange, Some(range)) => {
                write!(f, "{value} does not fit {expected} ({} to {})", range.start(), range.end())
            }
            (ValueErrorKind::OutOfRange, None) => write!(f, "{value} does not fit {expected}"),
            (ValueErrorKind::TooDeep, _) => {
                write!(f, "more than {EMBEDDED_DEPTH_MAX} objects lie within each other")
            }
            (ValueErrorKind::TooMany, _) => {
                write!(f, "more than {EMBEDDED_OBJECTS_MAX} objects would lie within the object")
            }
            (ValueErrorKind::Mismatch, _) => {
                match value.as_str() {
                    Some(text) => write!(f, "{text:?}")?,
                    None => write!(f, "{value}")?,
                }
                match value.property_type() {
                    Some(found) if found != *expected => write!(f, " is of type {found}, not {expected}"),
                    _ => write!(f, " is not of type {expected}"),
                }
            }
        }
    }
}

impl std::error::Error for ValueError {}

impl From<ValueError> for WbemError {
    fn from(error: ValueError) -> WbemError {
        WbemError::new(error.status()).description(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_does_not_fit() {
        let error =
            |cim_type: CimType, value: Value| PropertyType::One(cim_type).convert(value).unwrap_err().to_string();
        for (message, expected) in [
            (error(CimType::Uint8, Value::from(300)), "300 does not fit uint8 (0 to 255)"),
            (error(CimType::Uint8, Value::from("x")), "\"x\" is of type string, not uint8"),
            (error(CimType::Uint64, Value::from(1.5)), "1.5 is of type real64, not uint64"),
            (error(CimType::Char16, Value::from(70_000)), "70000 does not fit char16"),
            (error(CimType::Real32, Value::from(1e300)), &format!("{} does not fit real32", 1e300)),
            (error(CimType::String, Value::from(vec![1])), "{1} is of type sint32[], not string"),
            (error(CimType::String, Value::from(Vec::<Value>::new())), "{} is not of type string"),
        ] {
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn what_fits_loses_nothing() {
        for (cim_type, value, expected) in [
            (CimType::Uint64, Value::from("18446744073709551615"), Value::from(u64::MAX)),
            (CimType::Sint64, Value::from("-1"), Value::from(-1_i64)),
            (CimType::Sint8, Value::from(u64::from(7_u8)), Value::from(7_i8)),
            (CimType::Real64, Value::from(3), Value::from(3.0)),
            (CimType::Real64, Value::from(0.5_f32), Value::from(0.5)),
            (CimType::Char16, Value::from("é"), Value::Char16(233)),
            (CimType::Char16, Value::from(65), Value::Char16(65)),
            (CimType::Reference, Value::from("A=1"), Value::reference("A=1")),
            (CimType::String, Value::reference("A=1"), Value::from("A=1")),
            (
                CimType::DateTime,
                Value::from("00000001000000.000000:000"),
                Value::from(DateTime::parse("00000001000000.000000:000").unwrap()),
            ),
            (CimType::Object, Value::Null, Value::Null),
        ] {
            assert_eq!(PropertyType::One(cim_type).convert(value), Ok(expected), "{cim_type}");
        }
        for value in [Value::from("\u{10000}"), Value::from("ab"), Value::from(""), Value::from(true)] {
            assert!(PropertyType::One(CimType::Char16).convert(value).is_err());
        }
    }

    #[test]
    fn rows_can_be_made_on_other_threads() {
        /// Compiles for what can be sent and shared.
        fn is_shared<T: Send + Sync>() {}
        is_shared::<Value>();
    }
}
