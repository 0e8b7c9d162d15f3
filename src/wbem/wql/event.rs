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
        target_classes(self.condition.as_ref()?)
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
    /// What tells the group of an event: equal for events of one group. Texts are folded, as letter case
    /// makes no difference, and what is not there is NULL.
    pub fn key(&self, event: &Instance) -> Vec<Value> {
        let value = |name: &str| match value_of(name, event).as_deref() {
            Some(value) => value.as_str().map_or_else(|| value.clone(), |text| Value::from(fold::text(text))),
            None => Value::Null,
        };
        self.names.iter().map(|name| value(name)).collect()
    }
}

/// The classes that a condition restricts the target to.
fn target_classes(condition: &Condition) -> Option<Vec<&str>> {
    match condition {
        Condition::Test(name, Check::Isa(_, class)) if fold::equal(&name.text, events::TARGET) => Some(vec![class]),
        Condition::And(conditions) => conditions.iter().find_map(target_classes),
        Condition::Or(conditions) => {
            conditions.iter().map(target_classes).collect::<Option<Vec<_>>>().map(|classes| classes.concat())
        }
        Condition::Not(_) | Condition::Test(..) | Condition::Pair(_) => None,
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
        ] {
            let query = EventQuery::parse(&format!("SELECT * FROM E WITHIN 5 WHERE {condition}")).unwrap();
            assert_eq!(query.target_classes(), expected, "{condition}");
        }
        assert_eq!(EventQuery::parse("SELECT * FROM E").unwrap().target_classes(), None);
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
