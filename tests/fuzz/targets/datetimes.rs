//! Datetimes: moments, spans and the calendar's forms, read, printed, counted and compared.
#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use msgpump::wbem::{DateTime, Interval, Timestamp};

/// What holds of a moment.
fn check(timestamp: Timestamp) {
    let printed = timestamp.to_string();
    assert_eq!(Timestamp::parse(&printed), Ok(timestamp), "it is printed as {printed:?}");
    assert_eq!(timestamp.compare(timestamp), Some(Ordering::Equal));
    let Some(microseconds) = timestamp.unix_microseconds() else {
        assert!(!timestamp.is_complete() && printed.contains('*'));
        return;
    };
    let offset = timestamp.offset_minutes().expect("every field is known");
    // Where its year in that place has more than four digits, it was not made from text.
    assert_eq!(Timestamp::from_unix_microseconds(microseconds, offset), Ok(timestamp), "{printed}");
    if let Ok(utc) = Timestamp::from_unix_microseconds(microseconds, 0) {
        assert_eq!(utc.unix_microseconds(), Some(microseconds));
        assert_eq!(utc.compare(timestamp), Some(Ordering::Equal), "{utc} and {printed}");
    }
}

fn read(text: &str) -> Option<DateTime> {
    let read = DateTime::parse(text).inspect_err(|error| assert!(error.position <= text.len())).ok()?;
    let printed = read.to_string();
    assert_eq!(DateTime::parse(&printed), Ok(read), "{text:?} is printed as {printed:?}");
    match read {
        DateTime::Timestamp(timestamp) => check(timestamp),
        DateTime::Interval(interval) => assert_eq!(Interval::from_duration(interval.duration()), Ok(interval)),
    }
    Some(read)
}

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let offset = lines.next().unwrap_or_default().len() as i16;
    for offset in [offset, -offset] {
        if let Ok(timestamp) = Timestamp::parse_calendar(first, offset) {
            assert_eq!(timestamp.offset_minutes(), Some(offset));
            check(timestamp);
        }
    }
    if let Ok(number) = first.parse::<i64>()
        && let Ok(timestamp) = Timestamp::from_unix_microseconds(number, offset)
    {
        assert_eq!(timestamp.unix_microseconds(), Some(number));
        check(timestamp);
    }
    if let (Some(left), Some(right)) = (read(first), read(second)) {
        assert_eq!(left.compare(right), right.compare(left).map(Ordering::reverse), "{first} and {second}");
    }
});
