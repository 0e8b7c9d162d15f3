//! Moments, whose fields may be unknown.
//!
//! Floor 5. Pure. An unknown field is written as asterisks, all of it or none. Two moments are compared
//! as instants when both know all their fields, otherwise letter by letter and for equality only.

use std::cmp::Ordering;
use std::fmt;

use super::calendar::{civil_from_days, days_from_civil, days_in_month};
use super::{
    DateTimeError, DateTimeErrorKind, FieldSpec, MICROSECONDS_PER_SECOND, SECONDS_PER_DAY, check_length, check_range,
    expect, read_field, separator,
};

/// The greatest distance from UTC that three digits can tell, in minutes.
const OFFSET_MAX: i16 = 999;

/// The fields of a moment in the order of the letters: where each begins, its length, its range.
pub(super) const FIELDS: [FieldSpec; 8] = [
    FieldSpec { name: "year", at: 0, digits: 4, least: 0, most: 9999 },
    FieldSpec { name: "month", at: 4, digits: 2, least: 1, most: 12 },
    FieldSpec { name: "day", at: 6, digits: 2, least: 1, most: 31 },
    FieldSpec { name: "hour", at: 8, digits: 2, least: 0, most: 23 },
    FieldSpec { name: "minute", at: 10, digits: 2, least: 0, most: 59 },
    FieldSpec { name: "second", at: 12, digits: 2, least: 0, most: 59 },
    FieldSpec { name: "microsecond", at: 15, digits: 6, least: 0, most: 999_999 },
    FieldSpec { name: "offset", at: 22, digits: 3, least: 0, most: OFFSET_MAX as u32 },
];

const YEAR: usize = 0;
const MONTH: usize = 1;
const DAY: usize = 2;
pub(super) const HOUR: usize = 3;
const MINUTE: usize = 4;
const SECOND: usize = 5;
const MICROSECOND: usize = 6;
pub(super) const OFFSET: usize = 7;

/// A moment, with its distance from UTC; any field may be unknown.
///
/// `==` compares the letters, as the texts want it for moments with unknown fields. Moments as instants
/// are compared by [`compare`](Timestamp::compare).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    microsecond: u32,
    year: u16,
    /// Minutes to add to UTC; with an unknown offset only the sign counts.
    offset: i16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// A bit for each field of [`FIELDS`] that is unknown.
    unknown: u8,
}

impl Timestamp {
    /// Makes the moment that many microseconds after 1970-01-01 00:00 UTC, told for a place that is
    /// `offset` minutes ahead of UTC.
    pub fn from_unix_microseconds(microseconds: i64, offset: i16) -> Result<Timestamp, DateTimeError> {
        let too_far = DateTimeError { position: 0, kind: DateTimeErrorKind::TooFar };
        if !(-OFFSET_MAX..=OFFSET_MAX).contains(&offset) {
            return Err(too_far);
        }
        let local = microseconds.checked_add(i64::from(offset) * 60 * MICROSECONDS_PER_SECOND).ok_or(too_far)?;
        let seconds = local.div_euclid(MICROSECONDS_PER_SECOND);
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        Ok(Timestamp {
            year: u16::try_from(year).ok().filter(|year| *year <= 9999).ok_or(too_far)?,
            month,
            day,
            hour: (second_of_day / 3600) as u8,
            minute: (second_of_day / 60 % 60) as u8,
            second: (second_of_day % 60) as u8,
            microsecond: local.rem_euclid(MICROSECONDS_PER_SECOND) as u32,
            offset,
            unknown: 0,
        })
    }

    /// Reads `yyyymmddHHMMSS.mmmmmmsUUU`.
    pub fn parse(text: &str) -> Result<Timestamp, DateTimeError> {
        let bytes = check_length(text)?;
        expect(bytes, 14, ".", |byte| byte == b'.')?;
        expect(bytes, 21, "+ or -", |byte| matches!(byte, b'+' | b'-'))?;
        let mut fields = [0; FIELDS.len()];
        let mut unknown = 0;
        for (index, spec) in FIELDS.iter().enumerate() {
            match read_field(bytes, spec)? {
                Some(value) => fields[index] = value,
                None => unknown |= 1 << index,
            }
        }
        let is_known = |field: usize| unknown & (1 << field) == 0;
        let year = if is_known(YEAR) { fields[YEAR] } else { 2000 };
        if is_known(MONTH) && is_known(DAY) {
            let most = u32::from(days_in_month(year, fields[MONTH]));
            check_range(fields[DAY], FieldSpec { most, ..FIELDS[DAY] })?;
        }
        let is_behind = bytes[21] == b'-';
        let offset = match (is_known(OFFSET), is_behind) {
            (true, false) => fields[OFFSET] as i16,
            (true, true) => -(fields[OFFSET] as i16),
            (false, _) => -i16::from(is_behind),
        };
        Ok(Timestamp {
            year: fields[YEAR] as u16,
            month: fields[MONTH] as u8,
            day: fields[DAY] as u8,
            hour: fields[HOUR] as u8,
            minute: fields[MINUTE] as u8,
            second: fields[SECOND] as u8,
            microsecond: fields[MICROSECOND],
            offset,
            unknown,
        })
    }

    /// Reads `yyyy-mm-dd`, `yyyy-mm-dd HH:MM:SS` or `yyyy-mm-dd HH:MM:SS:mmm`, the only forms beside
    /// the CIM's own that mean the same in every locale, as local time `offset` minutes ahead of UTC.
    pub fn parse_calendar(text: &str, offset: i16) -> Result<Timestamp, DateTimeError> {
        const PATTERN: &[u8] = b"dddd-dd-dd dd:dd:dd:ddd";
        if !matches!(text.len(), 10 | 19 | 23) {
            return Err(DateTimeError { position: text.len(), kind: DateTimeErrorKind::Length(text.chars().count()) });
        }
        let mut cim = *b"00000000000000.000000+000";
        let mut next = 0;
        for (position, (byte, pattern)) in text.bytes().zip(PATTERN).enumerate() {
            match pattern {
                b'd' if byte.is_ascii_digit() => {
                    cim[next] = byte;
                    // The dot stands between the seconds and their fraction.
                    next += if next == 13 { 2 } else { 1 };
                }
                b'd' => return Err(DateTimeError { position, kind: DateTimeErrorKind::Digit }),
                b'-' if byte != b'-' => return Err(separator(position, "-")),
                b':' if byte != b':' => return Err(separator(position, ":")),
                b' ' if byte != b' ' => return Err(separator(position, "a blank")),
                _ => {}
            }
        }
        let utc = Timestamp::parse(&String::from_utf8_lossy(&cim))?;
        if !(-OFFSET_MAX..=OFFSET_MAX).contains(&offset) {
            return Err(DateTimeError { position: 0, kind: DateTimeErrorKind::TooFar });
        }
        Ok(Timestamp { offset, ..utc })
    }

    /// Microseconds after 1970-01-01 00:00 UTC; `None` while a field is unknown.
    pub fn unix_microseconds(self) -> Option<i64> {
        if self.unknown != 0 {
            return None;
        }
        let days = days_from_civil(i64::from(self.year), self.month, self.day);
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute) - i64::from(self.offset);
        let seconds = days * SECONDS_PER_DAY + minutes * 60 + i64::from(self.second);
        Some(seconds * MICROSECONDS_PER_SECOND + i64::from(self.microsecond))
    }

    /// Whether every field is known.
    pub fn is_complete(self) -> bool {
        self.unknown == 0
    }

    /// Orders two moments as instants; with an unknown field, tells only that they are equal.
    pub fn compare(self, other: Timestamp) -> Option<Ordering> {
        match (self.unix_microseconds(), other.unix_microseconds()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => (self == other).then_some(Ordering::Equal),
        }
    }

    /// The year.
    pub fn year(self) -> Option<u16> {
        self.known(YEAR, self.year)
    }

    /// The month, 1 to 12.
    pub fn month(self) -> Option<u8> {
        self.known(MONTH, self.month)
    }

    /// The day of the month, from 1.
    pub fn day(self) -> Option<u8> {
        self.known(DAY, self.day)
    }

    /// The hour, 0 to 23.
    pub fn hour(self) -> Option<u8> {
        self.known(HOUR, self.hour)
    }

    /// The minute.
    pub fn minute(self) -> Option<u8> {
        self.known(MINUTE, self.minute)
    }

    /// The second, 0 to 59.
    pub fn second(self) -> Option<u8> {
        self.known(SECOND, self.second)
    }

    /// The microseconds of the second.
    pub fn microsecond(self) -> Option<u32> {
        self.known(MICROSECOND, self.microsecond)
    }

    /// How many minutes the place is ahead of UTC.
    pub fn offset_minutes(self) -> Option<i16> {
        self.known(OFFSET, self.offset)
    }

    /// `value`, if the field is known.
    fn known<T>(self, field: usize, value: T) -> Option<T> {
        (self.unknown & (1 << field) == 0).then_some(value)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = [
            u32::from(self.year),
            u32::from(self.month),
            u32::from(self.day),
            u32::from(self.hour),
            u32::from(self.minute),
            u32::from(self.second),
            self.microsecond,
            u32::from(self.offset.unsigned_abs()),
        ];
        for (field, (value, spec)) in values.iter().zip(&FIELDS).enumerate() {
            match field {
                MICROSECOND => f.write_str(".")?,
                OFFSET => f.write_str(if self.offset < 0 { "-" } else { "+" })?,
                _ => {}
            }
            match self.known(field, *value) {
                Some(value) => write!(f, "{value:0width$}", width = spec.digits)?,
                None => write!(f, "{:*<width$}", "", width = spec.digits)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
