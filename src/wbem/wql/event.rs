//! What an event query asks of those who make events.
//!
//! Floor 5. Pure. Which classes the events are about, and which events make a group.

use std::sync::Arc;

use super::access::{Access, Fitting, value_of};
use super::ast::{Check, Condition, EventQuery};
use super::error::{WqlError, WqlErrorKind};
use super::parser::Form;
use crate::wbem::cim_type::CimType;
use crate::wbem::class::Class;
use crate::wbem::datetime::DateTime;
use crate::wbem::events;
use crate::wbem::fold;
use crate::wbem::instance::Instance;
use crate::wbem::value::Value;

/// What events of a group have in common.
#[derive(Debug)]
pub struct Grouping {
    names: Vec<Box<str>>,
}

impl EventQuery {
    /// The classes of which the target of every event must be, by `TargetInstance ISA`; `None` if it may be of
    /// any. A class stands for those derived from it too.
    pub fn target_classes(&self) -> Option<Vec<&str>> {
        target_classes(self.condition.as_ref()?, &self.class.text)
    }

    /// Fits the list behind GROUP BY to the class of the events; `None` if events are not gathered.
    ///
    /// # Errors
    ///
    /// A property is unknown, or is an embedded object.
    pub fn grouping(&self, class: &Arc<Class>) -> Result<Option<Grouping>, WqlError> {
        let Some(group) = &self.group else { return Ok(None) };
        let fitting = Fitting { form: Form::Event, utc_offset: 0 };
        for name in &group.by {
            match fitting.resolve(name, class)? {
                Access::Property(index) if class.properties()[index].property_type.element() == CimType::Object => {
                    return Err(fitting.error(name.place, WqlErrorKind::AggregatingByObject(name.text.clone())));
                }
                Access::Itself => {
                    return Err(fitting.error(name.place, WqlErrorKind::UnknownProperty(name.text.clone())));
                }
                Access::Property(_) | Access::System(_) | Access::Embedded(..) => {}
            }
        }
        Ok(Some(Grouping { names: group.by.iter().map(|name| name.text.clone()).collect() }))
    }
}

impl Grouping {
    /// What tells the group of an event: equal for events of one group. Texts and letters are folded, as letter case
    /// makes no difference, moments are told as instants, and what is not there is NULL.
    pub fn key(&self, event: &Instance) -> Vec<Value> {
        let value = |name: &str| value_of(name, event).map_or(Value::Null, |value| grouped(&value));
        self.names.iter().map(|name| value(name)).collect()
    }
}

/// A value as groups know it: equal for those that are no different in a condition.
fn grouped(value: &Value) -> Value {
    match value {
        Value::String(text) | Value::Reference(text) => Value::from(fold::text(text)),
        Value::Char16(unit) => char::from_u32((*unit).into())
            .map_or_else(|| value.clone(), |letter| Value::from(fold::letter(letter).to_string())),
        Value::DateTime(DateTime::Timestamp(moment)) => {
            moment.unix_microseconds().map_or_else(|| value.clone(), Value::from)
        }
        Value::Array(elements) => Value::Array(elements.iter().map(grouped).collect()),
        // What is no number is not equal to itself.
        Value::Real32(number) if number.is_nan() => Value::from("NaN"),
        Value::Real64(number) if number.is_nan() => Value::from("NaN"),
        _ => value.clone(),
    }
}

/// The classes that a condition on events of a class restricts the target to.
fn target_classes<'q>(condition: &'q Condition, event: &str) -> Option<Vec<&'q str>> {
    match condition {
        Condition::Test(name, Check::Isa(_, class)) if is_target(&name.text, event) => Some(vec![class]),
        Condition::And(conditions) => conditions.iter().find_map(|condition| target_classes(condition, event)),
        Condition::Or(conditions) => {
            let classes = conditions.iter().map(|condition| target_classes(condition, event));
            classes.collect::<Option<Vec<_>>>().map(|classes| classes.concat())
        }
        Condition::Not(_) | Condition::Test(..) | Condition::Pair(_) => None,
    }
}

/// Whether a name is that of the target, be it with the class of the events before it.
fn is_target(name: &str, event: &str) -> bool {
    match name.split_once('.') {
        // No property begins with an underscore.
        Some((class, rest)) if class.starts_with("__") || fold::equal(class, event) => is_target(rest, event),
        _ => fold::equal(name, events::TARGET),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbem::class::Property;
    use crate::wbem::error::WbemStatus;
    use crate::wbem::fixtures::{class, instance};

    #[test]
    fn classes_that_the_target_must_be_of() {
        let isa = "TargetInstance ISA";
        for (condition, expected) in [
            (format!("{isa} 'A'"), Some(vec!["A"])),
            (format!("x = 1 AND targetinstance isa A AND {isa} 'B'"), Some(vec!["A"])),
            (format!("({isa} A OR {isa} B) AND x = 1"), Some(vec!["A", "B"])),
            (format!("({isa} A AND x = 1) OR ({isa} B AND y = 2)"), Some(vec!["A", "B"])),
            (format!("{isa} A OR x = 1"), None),
            (format!("NOT {isa} A"), None),
            ("PreviousInstance ISA A".into(), None),
            (format!("E.{isa} A"), Some(vec!["A"])),
            (format!("__InstanceOperationEvent.{isa} A"), Some(vec!["A"])),
            (format!("TargetInstance.{isa} A"), None),
        ] {
            let query = EventQuery::parse(&format!("SELECT * FROM E WITHIN 5 WHERE {condition}")).unwrap();
            assert_eq!(query.target_classes(), expected, "{condition}");
        }
        assert_eq!(EventQuery::parse("SELECT * FROM E").unwrap().target_classes(), None);
    }

    #[test]
    fn what_is_no_different_in_a_condition_is_of_one_group() {
        let class = class(
            "Reading",
            [
                Property::new("Letter", CimType::Char16),
                Property::new("Number", CimType::Real64),
                Property::new("When", CimType::DateTime),
                Property::array("Names", CimType::String),
            ],
        );
        let key = |by: &str, value: &Value| {
            let query = EventQuery::parse(&format!("SELECT * FROM Reading GROUP WITHIN 5 BY {by}")).unwrap();
            query.grouping(&class).unwrap().unwrap().key(&instance(&class, &[(by, value.clone())]))
        };
        for (by, one, other, is_same) in [
            ("Letter", Value::from("é"), Value::from("É"), true),
            ("Letter", Value::Char16(0xd800), Value::Char16(0xd801), false),
            ("Letter", Value::Char16(0xd800), Value::Char16(0xfffd), false),
            ("Number", Value::from(f64::NAN), Value::from(f64::NAN), true),
            ("Number", Value::from(f64::NAN), Value::from(0.0), false),
            ("Names", vec!["a", "É"].into(), vec!["A", "é"].into(), true),
            ("Names", vec!["a"].into(), vec!["a", "a"].into(), false),
            ("When", "20190113200517.500000-180".into(), "20190113230517.500000+000".into(), true),
            ("When", "20190113200517.500000-180".into(), "20190113200517.500000+000".into(), false),
        ] {
            assert_eq!(key(by, &one) == key(by, &other), is_same, "{one} {other}");
        }
    }

    #[test]
    fn v08_v09_groups() {
        let mail = class("Mail", [Property::new("Size", CimType::Uint8)]);
        let email = class(
            "EmailEvent",
            [Property::new("Sender", CimType::String), Property::new("TargetInstance", CimType::Object)],
        );
        let event = |sender: &str, size: u8| {
            let object = instance(&mail, &[("Size", size.into())]);
            instance(&email, &[("Sender", sender.into()), ("TargetInstance", object.into())])
        };
        let grouping = |by: &str| {
            let query = EventQuery::parse(&format!("SELECT * FROM EmailEvent GROUP WITHIN 5 BY {by}")).unwrap();
            query.grouping(&email)
        };
        let sender = grouping("Sender").unwrap().unwrap();
        assert_eq!(sender.key(&event("A", 1)), sender.key(&event("a", 2)));
        assert_ne!(sender.key(&event("a", 1)), sender.key(&event("b", 1)));
        let both = grouping("TargetInstance.Size, EmailEvent.Sender, TargetInstance.NoSuch").unwrap().unwrap();
        assert_eq!(both.key(&event("A", 1)), [Value::from(1_u8), Value::from("a"), Value::Null]);
        for (by, status) in [
            ("TargetInstance", WbemStatus::AggregatingByObject),
            ("Sender.Name", WbemStatus::PropertyNotAnObject),
            ("NoSuch", WbemStatus::UnparsableQuery),
            ("__this", WbemStatus::UnparsableQuery),
        ] {
            let error = grouping(by).map(|_| ()).unwrap_err();
            assert_eq!((error.position, error.status()), (43, status), "{by}");
        }
        let query = EventQuery::parse("SELECT * FROM EmailEvent GROUP WITHIN 5").unwrap();
        assert!(query.grouping(&email).unwrap().unwrap().key(&event("a", 1)).is_empty());
        assert!(EventQuery::parse("SELECT * FROM EmailEvent").unwrap().grouping(&email).unwrap().is_none());
    }
}
