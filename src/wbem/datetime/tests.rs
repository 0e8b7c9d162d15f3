//! Tables of datetimes, and what random ones must keep.

use super::*;
use crate::wbem::random::Random;
use std::time::Duration;

/// Reads a moment that must be valid.
fn timestamp(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn o05_instants_and_texts_without_an_offset() {
    let utc = timestamp("20190113230517.500000+000");
    let local = timestamp("20190113200517.500000-180");
    assert_eq!(local.unix_microseconds(), utc.unix_microseconds());
    assert_eq!(local.unix_microseconds(), Some(1_547_420_717_500_000));
    assert!(Timestamp::parse("20190113200517.500000").is_err());
    assert!(Timestamp::parse("20190113200517").is_err());
}

#[test]
fn o06_intervals() {
    let interval = Interval::parse("00000001120032.000000:000").unwrap();
    assert_eq!(interval.duration(), Duration::from_secs(((24 + 12) * 60) * 60 + 32));
    assert_eq!(interval.to_string(), "00000001120032.000000:000");
    assert_eq!(Interval::from_duration(interval.duration()), Ok(interval));
    assert!(Interval::from_duration(Duration::from_secs(DAYS_MAX * 86_400 + 86_399)).is_ok());
    assert!(Interval::from_duration(Duration::from_secs((DAYS_MAX + 1) * 86_400)).is_err());
    assert!(Interval::from_duration(Duration::MAX).is_err());
}

#[test]
fn bad_texts_say_where_and_why() {
    let out_of_range = |field, least, most| DateTimeErrorKind::OutOfRange { field, least, most };
    for (text, position, kind) in [
        ("", 0, DateTimeErrorKind::Length(0)),
        ("20190113200517.500000+0000", 25, DateTimeErrorKind::Length(26)),
        ("2019011320051é.500000+000", 25, DateTimeErrorKind::Length(25)),
        ("20190113200517,500000+000", 14, DateTimeErrorKind::Separator(".")),
        ("20190113200517.500000Z000", 21, DateTimeErrorKind::Separator("+ or -")),
        ("2019011320051x.500000+000", 13, DateTimeErrorKind::Digit),
        ("20190013200517.500000+000", 4, out_of_range("month", 1, 12)),
        ("20191313200517.500000+000", 4, out_of_range("month", 1, 12)),
        ("20190132200517.500000+000", 6, out_of_range("day", 1, 31)),
        ("20190229200517.500000+000", 6, out_of_range("day", 1, 28)),
        ("19000229200517.500000+000", 6, out_of_range("day", 1, 28)),
        ("20190431200517.500000+000", 6, out_of_range("day", 1, 30)),
        ("20190113240517.500000+000", 8, out_of_range("hour", 0, 23)),
        ("20190113206017.500000+000", 10, out_of_range("minute", 0, 59)),
        ("20190113200560.500000+000", 12, out_of_range("second", 0, 59)),
        ("199*0416******.000000+***", 0, DateTimeErrorKind::PartlyUnknown("year")),
        ("1998-04-16 ******:***    ", 14, DateTimeErrorKind::Separator(".")),
        ("0000000112003*.000000:000", 13, DateTimeErrorKind::Digit),
        ("00000001120032.000000:060", 23, DateTimeErrorKind::Separator("0")),
        ("00000001240032.000000:000", 8, out_of_range("hour", 0, 23)),
    ] {
        assert_eq!(DateTime::parse(text), Err(DateTimeError { position, kind }), "{text}");
    }
}

#[test]
fn unknown_fields_are_whole_and_survive() {
    for text in [
        "19980416******.000000+***",
        "****0401******.000000-***",
        "**************.******+***",
        "****0229******.000000+000",
    ] {
        let timestamp = timestamp(text);
        assert!(!timestamp.is_complete());
        assert_eq!((timestamp.to_string(), timestamp.unix_microseconds()), (text.to_string(), None));
    }
    let april_first = timestamp("****0401******.000000+***");
    assert_eq!((april_first.year(), april_first.month(), april_first.day()), (None, Some(4), Some(1)));
    assert_eq!((april_first.hour(), april_first.microsecond(), april_first.offset_minutes()), (None, Some(0), None));
}

#[test]
fn comparing_is_by_instant_or_letter_by_letter() {
    use Ordering::{Equal, Greater, Less};
    for (left, right, expected) in [
        ("20190113200517.500000-180", "20190113230517.500000+000", Some(Equal)),
        ("20190113200517.500000+000", "20190113200517.500001+000", Some(Less)),
        ("20190113200517.500000-001", "20190113200517.500000+000", Some(Greater)),
        ("19980401135809.000000+***", "19980401135809.000000+***", Some(Equal)),
        ("19980401135809.000000+***", "19980401135809.000000-***", None),
        ("19980401135809.000000+***", "19980401135809.000000+000", None),
        ("00000001120032.000000:000", "00000000120032.000000:000", Some(Greater)),
        ("00000001120032.000000:000", "19980401135809.000000+000", None),
    ] {
        let (left_value, right_value) = (DateTime::parse(left).unwrap(), DateTime::parse(right).unwrap());
        assert_eq!(left_value.compare(right_value), expected, "{left} {right}");
        assert_eq!(right_value.compare(left_value), expected.map(Ordering::reverse), "{right} {left}");
    }
}

#[test]
fn calendar_forms() {
    for (text, offset, expected) in [
        ("2019-01-13", 0, Some("20190113000000.000000+000")),
        ("2019-01-13 20:05:17", -180, Some("20190113200517.000000-180")),
        ("2019-01-13 20:05:17:500", 60, Some("20190113200517.500000+060")),
        ("2019-02-29", 0, None),
        ("2019/01/13", 0, None),
        ("2019-01-13T20:05:17", 0, None),
        ("2019-01-13 20:05", 0, None),
        ("2019-01-13 20:05:17.500", 0, None),
        ("January 21, 1932", 0, None),
        ("1/21/1932", 0, None),
        ("20190113200517.500000+000", 0, None),
        ("2019-01-13", 1000, None),
    ] {
        let parsed = Timestamp::parse_calendar(text, offset).map(|timestamp| timestamp.to_string());
        assert_eq!(parsed.ok().as_deref(), expected, "{text}");
    }
}

#[test]
fn offsets_beyond_three_digits_are_too_far() {
    for offset in [i16::MIN, -1000, 1000, i16::MAX] {
        let too_far = Err(DateTimeErrorKind::TooFar);
        assert_eq!(Timestamp::from_unix_microseconds(0, offset).map_err(|error| error.kind), too_far, "{offset}");
        assert_eq!(Timestamp::parse_calendar("2019-01-13", offset).map_err(|error| error.kind), too_far, "{offset}");
    }
    assert_eq!(Timestamp::from_unix_microseconds(0, -999).unwrap().to_string(), "19691231072100.000000-999");
}

#[test]
fn every_day_of_the_calendar_comes_back() {
    let mut day = calendar::days_from_civil(0, 1, 1);
    let end = calendar::days_from_civil(9999, 12, 31);
    assert_eq!(calendar::days_from_civil(1970, 1, 1), 0);
    while day <= end {
        let (year, month, day_of_month) = calendar::civil_from_days(day);
        assert!(day_of_month <= calendar::days_in_month(year as u32, u32::from(month)));
        assert_eq!(calendar::days_from_civil(year, month, day_of_month), day);
        day += 1;
    }
}

#[test]
fn random_moments_and_spans_come_back() {
    let first = Timestamp::parse("00000101000000.000000+000").unwrap().unix_microseconds().unwrap();
    let last = Timestamp::parse("99991231235959.999999+000").unwrap().unix_microseconds().unwrap();
    Random::seeds(20_000, |random| {
        let instant = first + (random.next() % (last - first) as u64) as i64;
        let offset = random.below(2 * 999) as i16 - 999;
        if let Ok(timestamp) = Timestamp::from_unix_microseconds(instant, offset) {
            assert_eq!(timestamp.unix_microseconds(), Some(instant));
            assert_eq!(Timestamp::parse(&timestamp.to_string()), Ok(timestamp));
        }
        let span = Duration::from_micros(random.next() % (DAYS_MAX * 86_400 * 1_000_000));
        let interval = Interval::from_duration(span).unwrap();
        assert_eq!(interval.duration(), span);
        assert_eq!(Interval::parse(&interval.to_string()), Ok(interval));
    });
    for instant in [i64::MIN, first - 1, last + 1, i64::MAX] {
        assert!(Timestamp::from_unix_microseconds(instant, 0).is_err(), "{instant}");
    }
}

#[test]
fn random_and_mutated_texts_never_panic_and_what_parses_comes_back() {
    Random::seeds(300_000, |random| {
        let text = random.mutate("20190113200517.500000-180", "0123456789*.+-:é ");
        if let Ok(value) = DateTime::parse(&text) {
            assert_eq!(DateTime::parse(&value.to_string()), Ok(value), "{text}");
        }
        let text = random.mutate("2019-01-13 20:05:17:500", "0123456789*.+-:é ");
        let _ = Timestamp::parse_calendar(&text, 0);
    });
}
