//! The machine's time zone, from the compiled file that `/etc/localtime` is.
//!
//! Floor 5. A machine without one keeps UTC, as its C library does. The variable `TZ` is of a process,
//! not of the machine, and is not looked at.

use std::path::Path;

use tz::timezone::{AlternateTime, RuleDay, TransitionRule};

use super::machine::{At, Machine};

/// A time zone.
pub(super) struct Zone {
    rules: tz::TimeZone,
    /// `Europe/Berlin`, if it can be told.
    pub(super) name: Option<String>,
}

/// When the clocks are changed, in the form of the public page of Win32_TimeZone.
pub(super) struct Change {
    pub(super) month: u8,
    /// Which one of the month's, 5 for the last.
    pub(super) week: u8,
    /// 0 for Sunday.
    pub(super) day_of_week: u8,
    /// Local time of the change, in seconds of the day.
    pub(super) seconds: i32,
}

/// How far the clock is ahead of UTC, and what the time is called.
pub(super) struct LocalTime {
    pub(super) seconds: i32,
    pub(super) abbreviation: String,
}

impl Zone {
    /// Reads the zone of a machine.
    pub(super) fn of(machine: &Machine) -> Zone {
        let target = machine.link(At::Etc, format_args!("localtime")).ok();
        let target = target.as_deref().and_then(Path::to_str);
        let parse = tz::TimeZone::from_tz_data;
        // A link from the root leads to the machine's own file, wherever the files of the machine are.
        let rules = match target.and_then(|target| target.strip_prefix('/')) {
            Some(target) => machine.read(At::Root, format_args!("{target}"), parse),
            None => machine.read(At::Etc, format_args!("localtime"), parse),
        };
        let rules = rules.ok().and_then(Result::ok).unwrap_or_else(tz::TimeZone::utc);
        Zone { rules, name: name(machine, target) }
    }

    /// How many minutes the clock is ahead of UTC in a second after 1970.
    pub(super) fn offset_minutes(&self, unix_seconds: i64) -> i16 {
        let local = self.rules.find_local_time_type(unix_seconds);
        local.ok().and_then(|local| i16::try_from(local.ut_offset() / 60).ok()).unwrap_or(0)
    }

    /// Whether summer time is kept in a second after 1970.
    pub(super) fn is_daylight(&self, unix_seconds: i64) -> bool {
        self.rules.find_local_time_type(unix_seconds).is_ok_and(|local| local.is_dst())
    }

    /// The time of winter, in the years to come.
    pub(super) fn standard(&self, unix_seconds: i64) -> Option<LocalTime> {
        let local = match self.rules.as_ref().extra_rule() {
            Some(TransitionRule::Alternate(alternate)) => Some(alternate.std()),
            Some(TransitionRule::Fixed(local)) => Some(local),
            None => self.rules.find_local_time_type(unix_seconds).ok(),
        };
        local.map(local_time)
    }

    /// The time of summer, in the years to come.
    pub(super) fn daylight(&self) -> Option<LocalTime> {
        self.alternate().map(|alternate| local_time(alternate.dst()))
    }

    /// When summer time begins.
    pub(super) fn daylight_change(&self) -> Option<Change> {
        let alternate = self.alternate()?;
        change(alternate.dst_start(), alternate.dst_start_time())
    }

    /// When summer time ends.
    pub(super) fn standard_change(&self) -> Option<Change> {
        let alternate = self.alternate()?;
        change(alternate.dst_end(), alternate.dst_end_time())
    }

    fn alternate(&self) -> Option<&AlternateTime> {
        match self.rules.as_ref().extra_rule() {
            Some(TransitionRule::Alternate(alternate)) => Some(alternate),
            _ => None,
        }
    }
}

fn local_time(local: &tz::LocalTimeType) -> LocalTime {
    // The zone that stands in for none has no name of its own.
    let name = Some(local.time_zone_designation()).filter(|name| !name.is_empty()).unwrap_or("UTC");
    LocalTime { seconds: local.ut_offset(), abbreviation: name.to_owned() }
}

/// A rule that names a week of a month; the other forms name a day of the year and have no week.
fn change(day: &RuleDay, seconds: i32) -> Option<Change> {
    match day {
        RuleDay::MonthWeekDay(day) => {
            Some(Change { month: day.month(), week: day.week(), day_of_week: day.week_day(), seconds })
        }
        RuleDay::Julian0WithLeap(_) | RuleDay::Julian1WithoutLeap(_) => None,
    }
}

/// The zone's name: where the link leads, or what the file of Debian says.
fn name(machine: &Machine, target: Option<&str>) -> Option<String> {
    let linked = target.and_then(|target| target.split_once("zoneinfo/")).map(|(_, name)| name);
    linked.map(str::to_owned).or_else(|| machine.text(At::Etc, format_args!("timezone")))
}
