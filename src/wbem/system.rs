//! The properties that every object has without declaring them.
//!
//! Floor 5. Pure. Their names begin with two underscores; what they tell follows from the class, its
//! home and the keys ("WMI System Properties" in the public documentation). In events, and in objects
//! whose class is registered nowhere, those that tell the place are NULL.

use std::sync::Arc;

use super::cim_type::{CimType, PropertyType};
use super::class::Class;
use super::instance::Instance;
use super::value::Value;

/// A property that every object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemProperty {
    /// `__CLASS`: the name of the class.
    Class,
    /// `__DERIVATION`: the names of the ancestors, nearest first.
    Derivation,
    /// `__DYNASTY`: the name of the ancestor that has none itself.
    Dynasty,
    /// `__GENUS`: 1 for a class, 2 for an instance.
    Genus,
    /// `__NAMESPACE`: the namespace without its server.
    Namespace,
    /// `__PATH`: the path with server and namespace.
    Path,
    /// `__PROPERTY_COUNT`: how many other properties there are.
    PropertyCount,
    /// `__RELPATH`: the path within the namespace.
    RelativePath,
    /// `__SERVER`: the name of the machine.
    Server,
    /// `__SUPERCLASS`: the name of the class that the class derives from.
    Superclass,
}

/// Each property with its name, in the order of the names.
const NAMES: [(SystemProperty, &str); 10] = [
    (SystemProperty::Class, "__CLASS"),
    (SystemProperty::Derivation, "__DERIVATION"),
    (SystemProperty::Dynasty, "__DYNASTY"),
    (SystemProperty::Genus, "__GENUS"),
    (SystemProperty::Namespace, "__NAMESPACE"),
    (SystemProperty::Path, "__PATH"),
    (SystemProperty::PropertyCount, "__PROPERTY_COUNT"),
    (SystemProperty::RelativePath, "__RELPATH"),
    (SystemProperty::Server, "__SERVER"),
    (SystemProperty::Superclass, "__SUPERCLASS"),
];

/// `__GENUS` of a class.
const GENUS_CLASS: i32 = 1;

/// `__GENUS` of an instance, of an event too.
const GENUS_INSTANCE: i32 = 2;

impl SystemProperty {
    /// Every one, in the order of the names.
    pub fn all() -> impl Iterator<Item = SystemProperty> {
        NAMES.iter().map(|(property, _)| *property)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// Finds the property of a name, letter case ignored.
    pub fn from_name(name: &str) -> Option<SystemProperty> {
        if !name.starts_with("__") {
            return None;
        }
        NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(property, _)| *property)
    }

    /// The type.
    pub fn property_type(self) -> PropertyType {
        match self {
            SystemProperty::Derivation => PropertyType::Array(CimType::String),
            SystemProperty::Genus | SystemProperty::PropertyCount => PropertyType::One(CimType::Sint32),
            _ => PropertyType::One(CimType::String),
        }
    }

    /// The value in a class.
    pub fn of_class(self, class: &Class) -> Value {
        let tells_name = matches!(self, SystemProperty::Class | SystemProperty::RelativePath | SystemProperty::Dynasty);
        match self {
            _ if tells_name && class.name().is_empty() => Value::Null,
            SystemProperty::Class | SystemProperty::RelativePath => Value::from(class.name().clone()),
            SystemProperty::Derivation => {
                let ancestors = class.lineage().skip(1).map(|class| class.name().clone());
                Value::from(ancestors.collect::<Vec<Arc<str>>>())
            }
            SystemProperty::Dynasty => Value::from(class.dynasty().name().clone()),
            SystemProperty::Genus => Value::from(GENUS_CLASS),
            SystemProperty::Namespace => Value::from(class.home().map(|home| home.namespace())),
            SystemProperty::Path => Value::from(class.home().map(|home| format!("{home}:{}", class.name()))),
            SystemProperty::PropertyCount => Value::from(i32::try_from(class.properties().len()).unwrap_or(i32::MAX)),
            SystemProperty::Server => Value::from(class.home().and_then(|home| home.server())),
            SystemProperty::Superclass => Value::from(class.superclass().map(|parent| parent.name().clone())),
        }
    }

    /// The value in an instance.
    pub fn of_instance(self, instance: &Instance) -> Value {
        match self {
            SystemProperty::Genus => Value::from(GENUS_INSTANCE),
            SystemProperty::Path => Value::from(instance.path().map(|path| path.to_string())),
            SystemProperty::RelativePath => Value::from(instance.relative_path().map(|path| path.to_string())),
            SystemProperty::Namespace | SystemProperty::Server if instance.class().is_event() => Value::Null,
            _ => self.of_class(instance.class()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbem::class::Property;

    #[test]
    fn names_lead_back_to_the_property() {
        for property in SystemProperty::all() {
            assert_eq!(SystemProperty::from_name(&property.name().to_lowercase()), Some(property));
        }
        for name in ["CLASS", "_CLASS", "__THIS", "__"] {
            assert_eq!(SystemProperty::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn system_properties_of_classes_instances_and_events() {
        let element = Class::builder("CIM_Element").build().unwrap();
        let disk = Class::builder("Win32_Disk").superclass(&element);
        let disk = disk.property(Property::key("Name", CimType::String)).build().unwrap();
        let event = Class::builder("__Event").build().unwrap();
        for class in [&element, &disk, &event] {
            assert!(class.settle("\\\\Host\\root\\cimv2".parse().unwrap()));
        }
        let mut c = Instance::new(&disk);
        c.put("Name", "C:").unwrap();
        let event = Instance::new(&event);
        let text = |text: &str| Value::from(text);
        let path = text("\\\\Host\\root\\cimv2:Win32_Disk");
        let instance_path = text("\\\\Host\\root\\cimv2:Win32_Disk.Name=\"C:\"");
        for (property, of_class, of_instance, of_event) in [
            (SystemProperty::Class, text("Win32_Disk"), text("Win32_Disk"), text("__Event")),
            (
                SystemProperty::Derivation,
                Value::from(vec!["CIM_Element"]),
                Value::from(vec!["CIM_Element"]),
                Value::from(Vec::<Value>::new()),
            ),
            (SystemProperty::Dynasty, text("CIM_Element"), text("CIM_Element"), text("__Event")),
            (SystemProperty::Genus, Value::from(1), Value::from(2), Value::from(2)),
            (SystemProperty::Namespace, text("root\\cimv2"), text("root\\cimv2"), Value::Null),
            (SystemProperty::Path, path, instance_path, Value::Null),
            (SystemProperty::PropertyCount, Value::from(1), Value::from(1), Value::from(0)),
            (SystemProperty::RelativePath, text("Win32_Disk"), text("Win32_Disk.Name=\"C:\""), Value::Null),
            (SystemProperty::Server, text("Host"), text("Host"), Value::Null),
            (SystemProperty::Superclass, text("CIM_Element"), text("CIM_Element"), Value::Null),
        ] {
            assert_eq!(property.of_class(&disk), of_class, "{property:?}");
            assert_eq!(property.of_instance(&c), of_instance, "{property:?}");
            assert_eq!(property.of_instance(&event), of_event, "{property:?}");
            let found = c.lookup(&property.name().to_lowercase());
            assert_eq!(found.as_deref(), Some(&of_instance), "{property:?}");
            let wanted = property.property_type();
            assert!(wanted.convert(of_instance.clone()).is_ok_and(|value| value == of_instance), "{property:?}");
        }
        assert_eq!(c.lookup("name").as_deref(), Some(&text("C:")));
        assert_eq!(c.lookup("__none"), None);
    }
}
