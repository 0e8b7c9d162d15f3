//! Win32_TimeZone, Win32_LocalTime and Win32_UTCTime.
//!
//! Floor 5.

use std::rc::Rc;

use super::machine::Machine;
use super::reading::{MICROSECONDS, Reading};
use super::schema::Schema;
use super::table::{Column, Definition, LinuxClass, Row, UNITS_PER_STEP};
use super::ticking::Ticking;
use super::zone::Change;
use crate::wbem::cim_type::CimType;
use crate::wbem::datetime::Timestamp;

/// The machine's time zone; the reading has it.
struct Place;

impl Row for Place {}

/// A moment of the clock.
struct Clock {
    moment: Timestamp,
    day_of_week: u32,
}

impl Row for Clock {}

const RULE: &str = "the rule at the end of `/etc/localtime`";

const ZONE: &[Column<Place>] = &[
    Column::s32("Bias", "`/etc/localtime`, standard time; minutes ahead of UTC", |_, reading| {
        standard_minutes(reading)
    }),
    Column::text("Caption", "`/etc/localtime`, its distance from UTC and the name of where it leads", |_, reading| {
        caption(reading)
    }),
    Column::s32(
        "DaylightBias",
        "the rule at the end of `/etc/localtime`: minutes that summer time takes off the way to UTC, so less than 0",
        |_, reading| daylight_bias(reading),
    ),
    Column::u32(
        "DaylightDay",
        "the rule at the end of `/etc/localtime`: which week of the month, 5 for the last; NULL without summer time",
        |_, reading| daylight(reading, |change| change.week.into()),
    ),
    Column::u8("DaylightDayOfWeek", "the rule at the end of `/etc/localtime`: 0 for Sunday", |_, reading| {
        reading.zone().daylight_change().map(|change| change.day_of_week)
    }),
    Column::u32("DaylightHour", RULE, |_, reading| daylight(reading, |change| part(change, 3600, 24))),
    Column::u32("DaylightMinute", RULE, |_, reading| daylight(reading, |change| part(change, 60, 60))),
    Column::u32("DaylightMonth", RULE, |_, reading| daylight(reading, |change| change.month.into())),
    Column::text(
        "DaylightName",
        "the rule at the end of `/etc/localtime`: what summer time is called",
        |_, reading| Some(reading.zone().daylight()?.abbreviation.into()),
    ),
    Column::u32("DaylightSecond", RULE, |_, reading| daylight(reading, |change| part(change, 1, 60))),
    Column::u32("DaylightYear", "0: the rule is for every year; NULL without summer time", |_, reading| {
        daylight(reading, |_| 0)
    }),
    Column::text(
        "Description",
        "`/etc/localtime`, its distance from UTC and the name of where it leads",
        |_, reading| caption(reading),
    ),
    Column::text("SettingID", "`/etc/localtime`, the name of where it leads, or `/etc/timezone`", |_, reading| {
        Some(reading.zone().name.as_deref()?.into())
    }),
    Column::u32("StandardBias", "0: Bias is that of standard time", |_, _| Some(0)),
    Column::u32(
        "StandardDay",
        "the rule at the end of `/etc/localtime`: which week of the month, 5 for the last; NULL without summer time",
        |_, reading| standard(reading, |change| change.week.into()),
    ),
    Column::u8("StandardDayOfWeek", "the rule at the end of `/etc/localtime`: 0 for Sunday", |_, reading| {
        reading.zone().standard_change().map(|change| change.day_of_week)
    }),
    Column::u32("StandardHour", RULE, |_, reading| standard(reading, |change| part(change, 3600, 24))),
    Column::u32("StandardMinute", RULE, |_, reading| standard(reading, |change| part(change, 60, 60))),
    Column::u32("StandardMonth", RULE, |_, reading| standard(reading, |change| change.month.into())),
    Column::key(Column::text("StandardName", "`/etc/localtime`, what standard time is called", |_, reading| {
        Some(reading.zone().standard(seconds(reading))?.abbreviation.into())
    })),
    Column::u32("StandardSecond", RULE, |_, reading| standard(reading, |change| part(change, 1, 60))),
    Column::u32("StandardYear", "0: the rule is for every year; NULL without summer time", |_, reading| {
        standard(reading, |_| 0)
    }),
];

const CLOCK: &[Column<Clock>] = &[
    Column::u32("Day", "the clock", |clock, _| clock.moment.day().map(Into::into)),
    Column::u32("DayOfWeek", "the clock: 0 for Sunday", |clock, _| Some(clock.day_of_week)),
    Column::u32("Hour", "the clock", |clock, _| clock.moment.hour().map(Into::into)),
    Column::null("Milliseconds", CimType::Uint32, "NULL, as the texts have it: the object changes once a second"),
    Column::u32("Minute", "the clock", |clock, _| clock.moment.minute().map(Into::into)),
    Column::u32("Month", "the clock", |clock, _| clock.moment.month().map(Into::into)),
    Column::u32("Quarter", "the clock: 1 to 4", |clock, _| {
        clock.moment.month().map(|month| (u32::from(month) - 1) / 3 + 1)
    }),
    Column::u32("Second", "the clock", |clock, _| clock.moment.second().map(Into::into)),
    Column::u32("WeekInMonth", "the clock: 1 to 6, weeks begin on Sunday", |clock, _| week_in_month(clock)),
    Column::u32("Year", "the clock", |clock, _| clock.moment.year().map(Into::into)),
];

/// The three classes.
pub(super) fn sources(machine: &Rc<Machine>, schema: &Schema) -> Vec<LinuxClass> {
    let zone = Definition {
        name: "Win32_TimeZone",
        parent: "CIM_Setting",
        about: "The time zone of the machine, which is UTC where `/etc/localtime` is missing.",
        columns: ZONE,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let clock = |name, about| Definition {
        name,
        parent: "Win32_CurrentTime",
        about,
        columns: CLOCK,
        methods: &[],
        units_per_step: UNITS_PER_STEP,
    };
    let local = clock(
        "Win32_LocalTime",
        "What the clock of the machine shows. It tells its changes, once a second, so events about it need no WITHIN.",
    );
    let utc =
        clock("Win32_UTCTime", "What a clock shows that keeps UTC. It tells its changes as Win32_LocalTime does.");
    let local = LinuxClass::new(machine, schema, &local, |reading, _| {
        let offset = reading.zone().offset_minutes(seconds(reading));
        Ok(Box::new([clock_at(reading, offset)].into_iter()))
    });
    let utc = LinuxClass::new(machine, schema, &utc, |reading, _| Ok(Box::new([clock_at(reading, 0)].into_iter())));
    vec![
        LinuxClass::new(machine, schema, &zone, |_, _| Ok(Box::new([Some(Place)].into_iter()))),
        Ticking::class(local, machine),
        Ticking::class(utc, machine),
    ]
}

/// What a clock shows that is so many minutes ahead of UTC.
fn clock_at(reading: &Reading, offset: i16) -> Option<Clock> {
    let now = reading.now();
    let moment = Timestamp::from_unix_microseconds(now, offset).ok()?;
    let days = (now.div_euclid(MICROSECONDS) + i64::from(offset) * 60).div_euclid(86_400);
    // The first day of 1970 was a Thursday.
    Some(Clock { moment, day_of_week: (days + 4).rem_euclid(7) as u32 })
}

fn week_in_month(clock: &Clock) -> Option<u32> {
    let day = u32::from(clock.moment.day()?);
    let first_day_of_week = (clock.day_of_week + 35 - (day - 1)) % 7;
    Some((day - 1 + first_day_of_week) / 7 + 1)
}

/// The second after 1970.
fn seconds(reading: &Reading) -> i64 {
    reading.now().div_euclid(MICROSECONDS)
}

fn standard_minutes(reading: &Reading) -> Option<i32> {
    Some(reading.zone().standard(seconds(reading))?.seconds / 60)
}

fn daylight_bias(reading: &Reading) -> Option<i32> {
    Some(standard_minutes(reading)? - reading.zone().daylight()?.seconds / 60)
}

fn daylight(reading: &Reading, number: impl Fn(&Change) -> u32) -> Option<u32> {
    reading.zone().daylight_change().as_ref().map(number)
}

fn standard(reading: &Reading, number: impl Fn(&Change) -> u32) -> Option<u32> {
    reading.zone().standard_change().as_ref().map(number)
}

/// A part of the time of day; a rule may lie on the day before or after.
fn part(change: &Change, unit: i32, count: i32) -> u32 {
    change.seconds.rem_euclid(86_400).div_euclid(unit).rem_euclid(count) as u32
}

fn caption(reading: &Reading) -> Option<std::sync::Arc<str>> {
    let minutes = standard_minutes(reading)?;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    let name = reading.zone().name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    Some(format!("(UTC{sign}{hours:02}:{rest:02}){name}").into())
}
