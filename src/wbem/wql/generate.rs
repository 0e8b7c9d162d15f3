//! Random queries for the tests: valid ones, and texts that may be anything.

use std::time::Duration;

use super::ast::*;
use crate::wbem::path::{KeyValue, ObjectPath, PathKeys};
use crate::wbem::random::Random;

/// Letters that are of interest in texts and patterns.
pub(super) const LETTERS: &str = "aAbB019%_[]^-\\\"' {}.é";

/// Names, among them all words that are keywords somewhere.
const NAMES: [&str; 24] = [
    "Name",
    "a",
    "_b",
    "__CLASS",
    "TargetInstance",
    "Select",
    "From",
    "Where",
    "Is",
    "Like",
    "Group",
    "By",
    "Having",
    "Within",
    "Isa",
    "Of",
    "Role",
    "SchemaOnly",
    "E1",
    "x9",
    "Associators",
    "meta_class",
    "References",
    "NumberOfEvents",
];

const OPERATORS: [Operator; 6] = [
    Operator::Equal,
    Operator::NotEqual,
    Operator::Less,
    Operator::LessOrEqual,
    Operator::Greater,
    Operator::GreaterOrEqual,
];

/// A query for objects.
pub(super) fn query(random: &mut Random) -> Query {
    match random.below(8) {
        0 => Query::Schema(SchemaQuery { condition: maybe(random, |random| condition(random, 3)) }),
        1 => Query::Associators(AssociatorsQuery {
            output: [Output::Objects, Output::Keys][random.below(2)],
            path: path(random),
            association_class: maybe(random, name),
            result_class: maybe(random, name),
            result_role: maybe(random, name),
            role: maybe(random, name),
            required_qualifier: maybe(random, name),
            required_association_qualifier: maybe(random, name),
        }),
        2 => Query::References(ReferencesQuery {
            output: [Output::Objects, Output::Classes][random.below(2)],
            path: path(random),
            result_class: None,
            role: maybe(random, name),
            required_qualifier: maybe(random, name),
        }),
        _ => Query::Select(SelectQuery {
            list: list(random),
            class: ClassName::new("Win32_Process"),
            condition: maybe(random, |random| condition(random, 4)),
        }),
    }
}

/// A query for events.
pub(super) fn event_query(random: &mut Random) -> EventQuery {
    EventQuery {
        list: list(random),
        class: ClassName::new(name(random)),
        within: maybe(random, seconds),
        condition: maybe(random, |random| match random.below(4) {
            0 => Condition::Pair(Box::new(Pair {
                left: PropertyName::new("TargetInstance.Size"),
                operator: random.pick(&OPERATORS),
                right: PropertyName::new("previousinstance.Size"),
            })),
            _ => condition(random, 4),
        }),
        group: maybe(random, |random| Group {
            within: seconds(random),
            by: (0..random.below(3)).map(|_| property(random)).collect(),
            having: maybe(random, |random| Having { operator: random.pick(&OPERATORS), count: random.next() as u32 }),
        }),
    }
}

/// A condition, nested at most `depth` times.
pub(super) fn condition(random: &mut Random, depth: usize) -> Condition {
    nest(random, depth, &mut |random| Condition::Test(property(random), check(random)))
}

/// A condition on some of the properties, with constants that often fit and often match.
pub(super) fn condition_on(random: &mut Random, properties: &[&'static str], depth: usize) -> Condition {
    nest(random, depth, &mut |random| {
        let place = Place::default();
        let check = match random.below(4) {
            0 => check(random),
            1 => Check::Compare(
                Operator::Equal,
                place,
                Literal { value: LiteralValue::String(random.text("ab", 2).into()), place },
            ),
            _ => {
                let value = LiteralValue::Integer(random.below(4) as i128);
                let operator = if random.below(2) == 0 { Operator::Equal } else { random.pick(&OPERATORS) };
                Check::Compare(operator, place, Literal { value, place })
            }
        };
        Condition::Test(PropertyName::new(random.pick(properties)), check)
    })
}

/// Conditions out of others.
fn nest(random: &mut Random, depth: usize, leaf: &mut impl FnMut(&mut Random) -> Condition) -> Condition {
    let kind = if depth == 0 { 4 } else { random.below(6) };
    let count = 2 + random.below(2);
    let mut several = || (0..count).map(|_| nest(random, depth - 1, leaf)).collect();
    match kind {
        0 => Condition::And(several()),
        1 => Condition::Or(several()),
        2 => Condition::Not(Box::new(nest(random, depth - 1, leaf))),
        _ => leaf(random),
    }
}

/// What must hold of a property.
fn check(random: &mut Random) -> Check {
    let place = Place::default();
    match random.below(8) {
        0 => Check::Null,
        1 => Check::NotNull,
        2 => Check::Like(place, random.text(LETTERS, 8).into(), place),
        3 => Check::Isa(place, name(random)),
        _ => Check::Compare(random.pick(&OPERATORS), place, Literal { value: literal(random), place }),
    }
}

/// A constant.
fn literal(random: &mut Random) -> LiteralValue {
    match random.below(6) {
        0 => LiteralValue::Boolean(random.below(2) == 0),
        1 => LiteralValue::Real(Some(f64::from_bits(random.next())).filter(|real| real.is_finite()).unwrap_or(0.5)),
        2 => LiteralValue::Integer(i128::from(random.next() as i64)),
        3 => LiteralValue::Integer(random.next().into()),
        _ => LiteralValue::String(random.text(LETTERS, 8).into()),
    }
}

/// A list behind SELECT.
fn list(random: &mut Random) -> SelectList {
    match random.below(3) {
        0 => SelectList::All,
        _ => SelectList::Properties((0..1 + random.below(3)).map(|_| property(random)).collect()),
    }
}

/// The name of a property, with up to two dots.
fn property(random: &mut Random) -> PropertyName {
    let parts: Vec<Box<str>> = (0..1 + random.below(6).saturating_sub(3)).map(|_| name(random)).collect();
    PropertyName::new(parts.join("."))
}

/// A name.
fn name(random: &mut Random) -> Box<str> {
    random.pick(&NAMES).into()
}

/// A path of an instance.
fn path(random: &mut Random) -> ObjectPath {
    let value = KeyValue::String(random.text(LETTERS, 8).into());
    ObjectPath::new("Win32_Disk", PathKeys::Named(vec![("DeviceID".into(), value)])).unwrap()
}

/// An interval above zero.
fn seconds(random: &mut Random) -> Duration {
    Duration::new(random.below(4_000_000) as u32 as u64, 1 + random.below(999_999_999) as u32)
}

/// Something, half of the time.
fn maybe<T>(random: &mut Random, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
    if random.below(2) == 0 { None } else { Some(make(random)) }
}
