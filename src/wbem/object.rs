//! What calls give: instances, and where classes are asked for, classes.
//!
//! Floor 5. Pure.

use std::borrow::Cow;
use std::sync::Arc;

use super::class::Class;
use super::instance::Instance;
use super::system::SystemProperty;
use super::value::Value;

/// A class or an instance; what the texts call an `IWbemClassObject`. A clone is cheap, and
/// other threads may have one.
#[derive(Clone, Debug)]
pub enum Object {
    /// A class.
    Class(Arc<Class>),
    /// An instance, or an event.
    Instance(Arc<Instance>),
}

impl Object {
    /// The instance, if it is one.
    pub fn instance(&self) -> Option<&Arc<Instance>> {
        match self {
            Object::Instance(instance) => Some(instance),
            Object::Class(_) => None,
        }
    }

    /// The class itself, or the class of the instance.
    pub fn class(&self) -> &Arc<Class> {
        match self {
            Object::Class(class) => class,
            Object::Instance(instance) => instance.class(),
        }
    }

    /// The value of a property, be it the class's or the system's; of a class, its default.
    pub fn get(&self, name: &str) -> Option<Cow<'_, Value>> {
        match self {
            Object::Instance(instance) => instance.lookup(name),
            Object::Class(class) => match SystemProperty::from_name(name) {
                Some(property) => Some(Cow::Owned(property.of_class(class))),
                None => class.property(name).map(|property| Cow::Borrowed(&property.default)),
            },
        }
    }

    /// The object in MOF.
    pub fn object_text(&self) -> String {
        match self {
            Object::Instance(instance) => instance.object_text(),
            Object::Class(class) => class.object_text(),
        }
    }
}

impl From<Arc<Instance>> for Object {
    fn from(instance: Arc<Instance>) -> Object {
        Object::Instance(instance)
    }
}

impl From<Arc<Class>> for Object {
    fn from(class: Arc<Class>) -> Object {
        Object::Class(class)
    }
}
