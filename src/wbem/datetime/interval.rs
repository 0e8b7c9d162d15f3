//! Spans.
//!
//! Floor 5. Pure. Unlike a moment, a span always knows all its fields.

use std::fmt;
use std::time::Duration;

use super::timestamp::{FIELDS, HOUR, OFFSET};
use super::{
    DateTimeError, DateTimeErrorKind, LETTERS, MICROSECONDS_PER_SECOND, SECONDS_PER_DAY, check_length, check_range,
    expect, read_digits,
};

/// The most days an interval can count: eight digits.
pub const DAYS_MAX: u64 = 99_999_999;

/// A span, to the microsecond, of at most [`DAYS_MAX`] days and the rest of a day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    microseconds: u64,
}

impl Interval {
    /// Makes the span of `duration`; what is shorter than a microsecond is cut off.
    pub fn from_duration(duration: Duration) -> Result<Interval, DateTimeError> {
        let too_far = DateTimeError { position: 0, kind: DateTimeErrorKind::TooFar };
        if duration.as_secs() / SECONDS_PER_DAY as u64 > DAYS_MAX {
            return Err(too_far);
        }
        u64::try_from(duration.as_micros()).map(|microseconds| Interval { microseconds }).map_err(|_| too_far)
    }

    /// Reads `ddddddddHHMMSS.mmmmmm:000`.
    pub fn parse(text: &str) -> Result<Interval, DateTimeError> {
        let bytes = check_length(text)?;
        expect(bytes, 14, ".", |byte| byte == b'.')?;
        expect(bytes, 21, ":", |byte| byte == b':')?;
        for position in 22..LETTERS {
            expect(bytes, position, "0", |byte| byte == b'0')?;
        }
        let days = read_digits(bytes, 0, 8)?;
        let mut fields = [0; 4];
        for (value, spec) in fields.iter_mut().zip(&FIELDS[HOUR..OFFSET]) {
            *value = u64::from(check_range(read_digits(bytes, spec.at, spec.digits)?, *spec)?);
        }
        let [hours, minutes, seconds, microseconds] = fields;
        let seconds = ((u64::from(days) * 24 + hours) * 60 + minutes) * 60 + seconds;
        Ok(Interval { microseconds: seconds * MICROSECONDS_PER_SECOND as u64 + microseconds })
    }

    /// The span as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_micros(self.microseconds)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.microseconds / MICROSECONDS_PER_SECOND as u64;
        let days = seconds / SECONDS_PER_DAY as u64;
        let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
        let microseconds = self.microseconds % MICROSECONDS_PER_SECOND as u64;
        write!(f, "{days:08}{hours:02}{minutes:02}{:02}.{microseconds:06}:000", seconds % 60)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
