//! A check of a property, fitted to the property's type.
//!
//! Floor 5. Pure. The constant takes on the type of the property once; what cannot is an error and not a
//! row that never matches. Rules and sources: "WHERE Clause", "WQL Operators", "LIKE Operator" and
//! "CIM_DATETIME" in the public documentation.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::access::Fitting;
use super::ast::{Check, Literal, LiteralValue, Operator, Place};
use super::error::{WqlError, WqlErrorKind};
use super::like::Pattern;
use super::truth::Truth;
use crate::wbem::cim_type::{CimType, PropertyType};
use crate::wbem::convert::{ValueError, ValueErrorKind, integer, one_unit};
use crate::wbem::datetime::{DateTime, Timestamp};
use crate::wbem::fold;
use crate::wbem::value::Value;

/// What a value must be.
#[derive(Clone, Debug)]
pub(super) enum Criterion {
    Null,
    NotNull,
    Boolean(Operator, bool),
    Integer(Operator, i128),
    Real(Operator, f64),
    Text(Operator, Box<str>),
    DateTime(Operator, DateTime),
    Like(Pattern),
    Isa(Box<str>),
}

impl Criterion {
    /// Fits a check to the type of a property.
    pub(super) fn new(check: &Check, property_type: PropertyType, fitting: Fitting) -> Result<Criterion, WqlError> {
        let refuse = |place: Place, reason| Err(fitting.error(place, WqlErrorKind::Operator(reason)));
        match (check, property_type) {
            (Check::Null, _) => Ok(Criterion::Null),
            (Check::NotNull, _) => Ok(Criterion::NotNull),
            (Check::Isa(_, class), PropertyType::One(CimType::Object)) => Ok(Criterion::Isa(class.clone())),
            (Check::Isa(place, _), _) => refuse(*place, "ISA needs an embedded object"),
            (Check::Compare(_, place, _) | Check::Like(place, ..), PropertyType::Array(_)) => {
                refuse(*place, "an array cannot be compared")
            }
            (Check::Compare(_, place, _) | Check::Like(place, ..), PropertyType::One(CimType::Object)) => {
                refuse(*place, "an embedded object cannot be compared; name one of its properties")
            }
            (Check::Like(place, ..), PropertyType::One(CimType::Boolean)) => refuse(*place, "a boolean is no text"),
            (Check::Like(_, pattern, _), PropertyType::One(_)) => Ok(Criterion::Like(Pattern::new(pattern))),
            (Check::Compare(operator, place, literal), PropertyType::One(cim_type)) => {
                if cim_type == CimType::Boolean && !operator.is_equality() {
                    return refuse(*place, "a boolean is equal or not, never more or less");
                }
                let criterion = compare(*operator, literal, cim_type, fitting)?;
                match criterion {
                    Criterion::DateTime(operator, DateTime::Timestamp(moment))
                        if !moment.is_complete() && !operator.is_equality() =>
                    {
                        refuse(*place, "a moment with unknown fields is equal or not, never more or less")
                    }
                    criterion => Ok(criterion),
                }
            }
        }
    }

    /// About how dear a test is, in comparisons of numbers.
    pub(super) fn cost(&self) -> u32 {
        match self {
            Criterion::Null | Criterion::NotNull | Criterion::Boolean(..) => 1,
            Criterion::Integer(..) | Criterion::Real(..) => 1,
            Criterion::DateTime(..) => 2,
            Criterion::Text(..) | Criterion::Isa(_) => 4,
            Criterion::Like(_) => 20,
        }
    }

    /// Whether a value is so.
    pub(super) fn test(&self, value: &Value) -> Truth {
        match (self, value) {
            (Criterion::Null, value) => value.is_null().into(),
            (Criterion::NotNull, value) => (!value.is_null()).into(),
            (_, Value::Null) => Truth::Unknown,
            (_, Value::String(text) | Value::Reference(text)) => self.test_text(text),
            (Criterion::Integer(operator, constant), Value::Char16(unit)) => {
                operator.holds(i128::from(*unit).cmp(constant)).into()
            }
            (Criterion::Integer(operator, constant), value) => match value.as_integer() {
                Some(value) => operator.holds(value.cmp(constant)).into(),
                None => Truth::Unknown,
            },
            (Criterion::Boolean(operator, constant), Value::Boolean(value)) => {
                operator.holds(value.cmp(constant)).into()
            }
            (Criterion::Real(operator, constant), value) => match value.as_f64() {
                Some(value) => partly(*operator, value.partial_cmp(constant)),
                None => Truth::Unknown,
            },
            (Criterion::DateTime(operator, constant), Value::DateTime(value)) => {
                partly(*operator, value.compare(*constant))
            }
            (Criterion::Isa(class), Value::Object(object)) => object.class().is_a(class).into(),
            (Criterion::Text(operator, constant), Value::Char16(unit)) => match char::from_u32((*unit).into()) {
                Some(letter) => self.test_text(letter.encode_utf8(&mut [0; 4])),
                None => operator.holds(Some(u32::from(*unit)).cmp(&constant.chars().next().map(u32::from))).into(),
            },
            // Numbers and datetimes are matched as they are written.
            (Criterion::Like(_), Value::Object(_) | Value::Array(_) | Value::Boolean(_)) => Truth::Unknown,
            (Criterion::Like(pattern), value) => pattern.matches(&value.to_string()).into(),
            _ => Truth::Unknown,
        }
    }

    /// Whether a text is so.
    pub(super) fn test_text(&self, text: &str) -> Truth {
        match self {
            Criterion::Text(Operator::Equal, constant) => fold::equal(text, constant).into(),
            Criterion::Text(Operator::NotEqual, constant) => (!fold::equal(text, constant)).into(),
            Criterion::Text(operator, constant) => operator.holds(fold::compare(text, constant)).into(),
            Criterion::Like(pattern) => pattern.matches(text).into(),
            Criterion::Null => Truth::False,
            Criterion::NotNull => Truth::True,
            _ => Truth::Unknown,
        }
    }

    /// The only value that is so, as far as letter case is ignored; `None` if there are more.
    pub(super) fn only_value(&self) -> Option<Value> {
        match self {
            Criterion::Boolean(Operator::Equal, value) => Some(Value::Boolean(*value)),
            Criterion::Boolean(_, value) => Some(Value::Boolean(!*value)),
            Criterion::Integer(Operator::Equal, value) => {
                integer(CimType::Sint64, *value).or_else(|_| integer(CimType::Uint64, *value)).ok()
            }
            Criterion::Text(Operator::Equal, text) => Some(Value::from(&**text)),
            _ => None,
        }
    }
}

/// What follows from an order that some pairs of values do not have.
fn partly(operator: Operator, ordering: Option<Ordering>) -> Truth {
    match (ordering, operator) {
        (Some(ordering), operator) => operator.holds(ordering).into(),
        (None, Operator::Equal) => Truth::False,
        (None, Operator::NotEqual) => Truth::True,
        (None, _) => Truth::Unknown,
    }
}

/// The text of a string, a reference or a letter.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Char16(unit) => Some(char::from_u32((*unit).into())?.to_string().into()),
        value => value.as_str().map(Cow::Borrowed),
    }
}

/// The order of two values of whatever types; `None` if they cannot be compared.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    let real = |value: &Value| value.as_f64().or_else(|| value.as_integer().map(|integer| integer as f64));
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::Char16(left), Value::Char16(right)) => {
            let number = |unit: u16| char::from_u32(unit.into()).map_or(u32::from(unit), |it| fold::letter(it).into());
            Some(number(*left).cmp(&number(*right)))
        }
        (Value::DateTime(left), Value::DateTime(right)) => left.compare(*right),
        _ => match (text(left).zip(text(right)), left.as_integer().zip(right.as_integer())) {
            (Some((left, right)), _) => Some(fold::compare(&left, &right)),
            (None, Some((left, right))) => Some(left.cmp(&right)),
            (None, None) => real(left)?.partial_cmp(&real(right)?),
        },
    }
}

/// Whether two values compare so.
pub(super) fn test_pair(operator: Operator, left: &Value, right: &Value) -> Truth {
    let is_compared = |value: &Value| match value {
        Value::Null | Value::Array(_) | Value::Object(_) => false,
        Value::Boolean(_) => operator.is_equality(),
        _ => true,
    };
    if is_compared(left) && is_compared(right) { partly(operator, order(left, right)) } else { Truth::Unknown }
}

/// Fits a comparison to the type of a property that can be compared.
fn compare(operator: Operator, literal: &Literal, cim_type: CimType, fitting: Fitting) -> Result<Criterion, WqlError> {
    let refuse = |kind| {
        let value = literal.value.to_value();
        let error = ValueError { expected: PropertyType::One(cim_type), value, kind };
        fitting.error(literal.place, WqlErrorKind::Constant(error))
    };
    let mismatch = || refuse(ValueErrorKind::Mismatch);
    match cim_type {
        CimType::Boolean => {
            literal.value.as_boolean().map(|value| Criterion::Boolean(operator, value)).ok_or_else(mismatch)
        }
        CimType::String | CimType::Reference => Ok(Criterion::Text(operator, literal.value.as_text())),
        CimType::Char16 => {
            let unit = match &literal.value {
                LiteralValue::String(text) => one_unit(text),
                LiteralValue::Integer(number) => u16::try_from(*number).ok(),
                LiteralValue::Real(_) | LiteralValue::Boolean(_) => None,
            };
            let unit = unit.ok_or_else(mismatch)?;
            // Half of a pair of units is no letter, and is compared as a number.
            Ok(match char::from_u32(unit.into()) {
                Some(letter) => Criterion::Text(operator, letter.to_string().into()),
                None => Criterion::Integer(operator, unit.into()),
            })
        }
        CimType::DateTime => match &literal.value {
            LiteralValue::String(text) => datetime(text, fitting.utc_offset)
                .map(|value| Criterion::DateTime(operator, value))
                .map_err(|error| fitting.error(literal.place, WqlErrorKind::DateTime(error))),
            _ => Err(mismatch()),
        },
        CimType::Real32 | CimType::Real64 => {
            let number = literal.value.as_real().ok_or_else(mismatch)?;
            // The constant is rounded as the values are, or none of them would ever be equal to it; one that would become
            // infinite is beyond them all.
            let rounded = if cim_type == CimType::Real32 { f64::from(number as f32) } else { number };
            if rounded.is_infinite() {
                return Err(refuse(ValueErrorKind::OutOfRange));
            }
            Ok(Criterion::Real(operator, rounded))
        }
        _ => {
            let number = literal.value.as_integer().ok_or_else(mismatch)?;
            integer(cim_type, number).map_err(refuse)?;
            Ok(Criterion::Integer(operator, number))
        }
    }
}

/// Reads a moment or a span: the CIM's own forms, and those of the calendar that no locale changes.
fn datetime(text: &str, utc_offset: i16) -> Result<DateTime, crate::wbem::datetime::DateTimeError> {
    match Timestamp::parse_calendar(text, utc_offset) {
        Ok(moment) => Ok(DateTime::Timestamp(moment)),
        Err(_) => DateTime::parse(text),
    }
}

impl LiteralValue {
    /// The boolean: TRUE and FALSE, also in quotes, 1 and 0, also -1, which is the TRUE of automation.
    fn as_boolean(&self) -> Option<bool> {
        match self {
            LiteralValue::Boolean(value) => Some(*value),
            LiteralValue::Integer(0) => Some(false),
            LiteralValue::Integer(1 | -1) => Some(true),
            LiteralValue::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            LiteralValue::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The integer, also in quotes.
    fn as_integer(&self) -> Option<i128> {
        match self {
            LiteralValue::Integer(number) => Some(*number),
            LiteralValue::String(text) => text.parse().ok(),
            LiteralValue::Real(_) | LiteralValue::Boolean(_) => None,
        }
    }

    /// The number, also in quotes.
    fn as_real(&self) -> Option<f64> {
        match self {
            LiteralValue::Integer(number) => Some(*number as f64),
            LiteralValue::Real(number) => Some(*number),
            LiteralValue::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            LiteralValue::Boolean(_) => None,
        }
    }

    /// The text; numbers in decimal digits, without those that say nothing: `10` for `10.0` and for `0xA`.
    fn as_text(&self) -> Box<str> {
        match self {
            LiteralValue::String(text) => text.clone(),
            LiteralValue::Integer(number) => number.to_string().into(),
            LiteralValue::Real(number) => number.to_string().into(),
            LiteralValue::Boolean(value) => Value::Boolean(*value).to_string().into(),
        }
    }

    /// The value, for telling that it does not fit.
    fn to_value(&self) -> Value {
        match self {
            LiteralValue::String(text) => Value::from(&**text),
            LiteralValue::Integer(number) => integer(CimType::Sint64, *number)
                .or_else(|_| integer(CimType::Uint64, *number))
                .unwrap_or_else(|_| Value::from(number.to_string())),
            LiteralValue::Real(number) => Value::from(*number),
            LiteralValue::Boolean(value) => Value::from(*value),
        }
    }
}
