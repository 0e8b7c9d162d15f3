//! What an event query asks of those who make events.
//!
//! Floor 2. Pure. Which classes the events are about, and which events make a group.

use std::sync::Arc;

use super::access::{Access, Fitting, value_of};
use super::ast::{Check, Condition, EventQuery};
use super::error::{WqlError, WqlErrorKind};
use super::parser::Form;
use crate::wbem::cim_type::CimType;
use crate::wbem::class::Class;
use crate::wbem::fold;
use crate::wbem::instance::Instance;
use crate::wbem::value::Value;

/// The property of an event about an object that has the object.
const TARGET: &str = "TargetInstance";

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
        Condition::Test(name, Check::Isa(_, class)) if fold::equal(&name.text, TARGET) => Some(vec![class]),
        Condition::And(conditions) => conditions.iter().find_map(target_classes),
        Condition::Or(conditions) => {
            conditions.iter().map(target_classes).collect::<Option<Vec<_>>>().map(|classes| classes.concat())
        }
        Condition::Not(_) | Condition::Test(..) | Condition::Pair(_) => None,
    }
}
