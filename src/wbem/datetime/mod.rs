//! Moments and spans in the 25 letters of the CIM: `yyyymmddHHMMSS.mmmmmmsUUU` and
//! `ddddddddHHMMSS.mmmmmm:000`.
//!
//! Floor 5. Pure: no clock and no time zone; whoever has them passes them in. The forms and their
//! ranges follow the public pages "CIM_DATETIME" and "Interval Format".

mod calendar;
mod interval;
mod timestamp;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub use interval::{DAYS_MAX, Interval};
pub use timestamp::Timestamp;

/// The letters of either form, never more, never fewer.
const LETTERS: usize = 25;

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A value of the CIM type `datetime`: a moment or a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateTime {
    /// A moment.
    Timestamp(Timestamp),
    /// A span.
    Interval(Interval),
}

/// Why a text is no CIM datetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DateTimeError {
    /// The byte at which the text goes wrong.
    pub position: usize,
    /// What is wrong there.
    pub kind: DateTimeErrorKind,
}

/// What is wrong with a datetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateTimeErrorKind {
    /// There are not exactly 25 letters; the number is how many there are.
    Length(usize),
    /// A digit should stand here.
    Digit,
    /// A certain letter should stand here: `.`, or the sign that follows the microseconds.
    Separator(&'static str),
    /// The field named is partly digits and partly asterisks.
    PartlyUnknown(&'static str),
    /// The field named is not in its range.
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
    },
    /// The moment or span cannot be told in this form.
    TooFar,
}

impl DateTime {
    /// Reads either form; the letter after the microseconds tells which it is.
    pub fn parse(text: &str) -> Result<DateTime, DateTimeError> {
        match text.as_bytes().get(21) {
            Some(b':') => Interval::parse(text).map(DateTime::Interval),
            _ => Timestamp::parse(text).map(DateTime::Timestamp),
        }
    }

    /// Orders two of the same form; `None` if they cannot be compared.
    pub fn compare(self, other: DateTime) -> Option<Ordering> {
        match (self, other) {
            (DateTime::Timestamp(left), DateTime::Timestamp(right)) => left.compare(right),
            (DateTime::Interval(left), DateTime::Interval(right)) => Some(left.cmp(&right)),
            _ => None,
        }
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DateTime::Timestamp(timestamp) => timestamp.fmt(f),
            DateTime::Interval(interval) => interval.fmt(f),
        }
    }
}

impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<DateTime, DateTimeError> {
        DateTime::parse(text)
    }
}

impl fmt::Display for DateTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DateTimeErrorKind::Length(letters) => write!(f, "a datetime has {LETTERS} letters, not {letters}"),
            DateTimeErrorKind::Digit => f.write_str("expected a digit"),
            DateTimeErrorKind::Separator(separator) => write!(f, "expected {separator}"),
            DateTimeErrorKind::PartlyUnknown(field) => write!(f, "asterisks must fill the whole {field}"),
            DateTimeErrorKind::OutOfRange { field, least, most } => write!(f, "the {field} must be {least} to {most}"),
            DateTimeErrorKind::TooFar => f.write_str("too far away for a datetime"),
        }
    }
}

impl std::error::Error for DateTimeError {}

/// One field of either form: where it begins, its length, its range.
#[derive(Clone, Copy)]
struct FieldSpec {
    name: &'static str,
    at: usize,
    digits: usize,
    least: u32,
    most: u32,
}

/// The bytes of `text`, if it has the right number of letters, all in ASCII.
fn check_length(text: &str) -> Result<&[u8; LETTERS], DateTimeError> {
    text.as_bytes().try_into().map_err(|_| {
        let position = text.len().min(LETTERS);
        DateTimeError { position, kind: DateTimeErrorKind::Length(text.chars().count()) }
    })
}

/// Checks the letter at `position`.
fn expect(
    bytes: &[u8; LETTERS],
    position: usize,
    wanted: &'static str,
    is_wanted: impl Fn(u8) -> bool,
) -> Result<(), DateTimeError> {
    if is_wanted(bytes[position]) { Ok(()) } else { Err(separator(position, wanted)) }
}

/// The error of a missing separator.
fn separator(position: usize, wanted: &'static str) -> DateTimeError {
    DateTimeError { position, kind: DateTimeErrorKind::Separator(wanted) }
}

/// Reads a field of a moment: a number in its range, or nothing but asterisks.
fn read_field(bytes: &[u8; LETTERS], spec: &FieldSpec) -> Result<Option<u32>, DateTimeError> {
    let letters = &bytes[spec.at..spec.at + spec.digits];
    match letters.iter().filter(|byte| **byte == b'*').count() {
        0 => check_range(read_digits(bytes, spec.at, spec.digits)?, *spec).map(Some),
        stars if stars == spec.digits => Ok(None),
        _ => Err(DateTimeError { position: spec.at, kind: DateTimeErrorKind::PartlyUnknown(spec.name) }),
    }
}

/// Reads `digits` digits from `at`.
fn read_digits(bytes: &[u8; LETTERS], at: usize, digits: usize) -> Result<u32, DateTimeError> {
    let mut value = 0;
    for (position, byte) in bytes.iter().enumerate().skip(at).take(digits) {
        if !byte.is_ascii_digit() {
            return Err(DateTimeError { position, kind: DateTimeErrorKind::Digit });
        }
        value = value * 10 + u32::from(byte - b'0');
    }
    Ok(value)
}

/// Hands `value` back if it is in the range of its field.
fn check_range(value: u32, spec: FieldSpec) -> Result<u32, DateTimeError> {
    let FieldSpec { name, at, least, most, .. } = spec;
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(DateTimeError { position: at, kind: DateTimeErrorKind::OutOfRange { field: name, least, most } })
}

#[cfg(test)]
mod tests;
