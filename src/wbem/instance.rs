//! Instances: a shared class and one value for each of its properties.
//!
//! Floor 5. Pure. Values stand at the places of their properties; a name is looked up once for many
//! rows with [`Class::index_of`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::cim_type::CimType;
use super::class::{Class, Property};
use super::convert::{ValueError, ValueErrorKind};
use super::error::{WbemError, WbemStatus};
use super::path::{KeyValue, ObjectPath, PathKeys};
use super::system::SystemProperty;
use super::value::Value;
use super::within::Within;

/// An object of a class.
#[derive(Clone)]
pub struct Instance {
    class: Arc<Class>,
    values: Vec<Value>,
    /// What of objects and classes lies within this one.
    within: Within,
}

/// Why a property cannot be set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PutError {
    /// The class has no such property.
    NoProperty(Box<str>),
    /// The value does not fit the property.
    Value(Box<str>, ValueError),
}

/// The class by its name, and what is not NULL.
impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut properties = f.debug_struct(self.class.name());
        for (property, value) in self.class.properties().iter().zip(&self.values).filter(|(_, value)| !value.is_null())
        {
            properties.field(&property.name, value);
        }
        properties.finish()
    }
}

impl Instance {
    /// Makes an instance with the defaults of its class.
    pub fn new(class: &Arc<Class>) -> Instance {
        let values = class.properties().iter().map(|property| property.default.clone()).collect();
        Instance::from_fitting(class, values)
    }

    /// Makes an instance of all its values, in the order of the properties.
    ///
    /// # Errors
    ///
    /// A value does not fit its property, or there are more values than properties. Values that are
    /// missing at the end are NULL.
    pub fn from_values(class: &Arc<Class>, mut values: Vec<Value>) -> Result<Instance, PutError> {
        let properties = class.properties();
        if let Some(surplus) = values.get(properties.len()) {
            return Err(PutError::NoProperty(surplus.to_string().into()));
        }
        let mut within = Within::NOTHING;
        for (value, property) in values.iter_mut().zip(properties) {
            let converted = property.property_type.convert(std::mem::take(value));
            *value = converted.map_err(|error| PutError::Value((*property.name).into(), error))?;
            if property.property_type.element() == CimType::Object {
                within = within.beside(value.within());
                if within.has_too_many() {
                    return Err(one_too_many(property, std::mem::take(value)));
                }
            }
        }
        values.resize(properties.len(), Value::Null);
        Ok(Instance { class: class.clone(), values, within: within.of_class(class.within()) })
    }

    /// Makes an instance of values that are known to fit.
    pub(super) fn from_fitting(class: &Arc<Class>, values: Vec<Value>) -> Instance {
        let within = within(&values).of_class(class.within());
        Instance { class: class.clone(), values, within }
    }

    /// What of objects and classes lies within this one.
    pub(super) fn within(&self) -> Within {
        self.within
    }

    /// The values, in the order of the class's properties.
    #[cfg(all(target_os = "linux", feature = "linux"))]
    pub(super) fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// The class.
    pub fn class(&self) -> &Arc<Class> {
        &self.class
    }

    /// The values, in the order of the class's properties.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value at a place that [`Class::index_of`] told, of this class or of one that it derives from.
    pub fn value(&self, index: usize) -> Option<&Value> {
        self.values.get(index)
    }

    /// The value of a property of the class.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(self.class.index_of(name)?)
    }

    /// The value of a property, be it the class's or the system's.
    pub fn lookup(&self, name: &str) -> Option<Cow<'_, Value>> {
        match SystemProperty::from_name(name) {
            Some(property) => Some(Cow::Owned(property.of_instance(self))),
            None => self.get(name).map(Cow::Borrowed),
        }
    }

    /// Sets a property.
    ///
    /// # Errors
    ///
    /// The class has no such property, or the value does not fit it.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) -> Result<(), PutError> {
        let index = self.class.index_of(name).ok_or_else(|| PutError::NoProperty(name.into()))?;
        self.put_at(index, value)
    }

    /// Sets the property at a place of the class's properties.
    ///
    /// # Errors
    ///
    /// There is no property at the place, or the value does not fit it.
    pub fn put_at(&mut self, index: usize, value: impl Into<Value>) -> Result<(), PutError> {
        let Some(property) = self.class.properties().get(index) else {
            return Err(PutError::NoProperty(index.to_string().into()));
        };
        let converted = property.property_type.convert(value.into());
        let converted = converted.map_err(|error| PutError::Value((*property.name).into(), error))?;
        let last = std::mem::replace(&mut self.values[index], converted);
        if property.property_type.element() == CimType::Object {
            let within = within(&self.values).of_class(self.class.within());
            // An event may have more than others may, and what makes it less is not refused.
            if within.has_too_many() && within.has_more_than(self.within) {
                return Err(one_too_many(property, std::mem::replace(&mut self.values[index], last)));
            }
            self.within = within;
        }
        Ok(())
    }

    /// Whether nothing has changed of an instance of the same class.
    pub(super) fn is_as(&self, other: &Instance) -> bool {
        let values = || self.values.iter().zip(&other.values).all(|(left, right)| left.is_as(right));
        let is_class = Arc::ptr_eq(&self.class, &other.class) || self.class.name() == other.class.name();
        is_class && self.values.len() == other.values.len() && values()
    }

    /// Whether neither the instance nor an object within it has only some of the properties of its class.
    pub(super) fn is_whole(&self) -> bool {
        self.class.is_whole() && self.values.iter().all(Value::is_whole)
    }

    /// The path within the namespace; `None` if the class has no keys, or one of them is NULL.
    pub fn relative_path(&self) -> Option<ObjectPath> {
        if self.class.is_singleton() {
            return ObjectPath::new(self.class.name(), PathKeys::Singleton).ok();
        }
        let keys = self.class.keys().iter().map(|key| {
            let name = &*self.class.properties()[*key].name;
            Some((name.into(), KeyValue::from_value(self.values.get(*key)?)?))
        });
        let keys: Vec<_> = keys.collect::<Option<_>>()?;
        ObjectPath::new(self.class.name(), PathKeys::Named(keys)).ok()
    }

    /// The path with its namespace; `None` also if the class was never registered in one.
    pub fn path(&self) -> Option<ObjectPath> {
        Some(self.relative_path()?.within(self.class.home()?.clone()))
    }
}

/// What of objects lies within all of the values.
fn within(values: &[Value]) -> Within {
    values.iter().map(Value::within).fold(Within::NOTHING, Within::beside)
}

/// The error of a value that fits its property, and has too many objects within it beside those of the others.
fn one_too_many(property: &Property, value: Value) -> PutError {
    let error = ValueError { expected: property.property_type, value, kind: ValueErrorKind::TooMany };
    PutError::Value((*property.name).into(), error)
}

/// Instances are equal if they are of the same class and have the same values.
impl PartialEq for Instance {
    fn eq(&self, other: &Instance) -> bool {
        (Arc::ptr_eq(&self.class, &other.class) || self.class.name() == other.class.name())
            && self.values == other.values
    }
}

impl PutError {
    /// The number that a call ends with because of this.
    pub fn status(&self) -> WbemStatus {
        match self {
            PutError::NoProperty(_) => WbemStatus::NotFound,
            PutError::Value(_, error) => error.status(),
        }
    }
}

impl fmt::Display for PutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutError::NoProperty(name) => write!(f, "the class has no property {name}"),
            PutError::Value(name, error) => write!(f, "{name}: {error}"),
        }
    }
}

impl std::error::Error for PutError {}

impl From<PutError> for WbemError {
    fn from(error: PutError) -> WbemError {
        WbemError::new(error.status()).description(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A class with a default and a key.
    fn class() -> Arc<Class> {
        Class::builder("Thing")
            .property(Property::key("Id", CimType::Uint16))
            .property(Property::new("Name", CimType::String).default("unnamed"))
            .property(Property::new("Size", CimType::Uint64))
            .property(Property::array("Loads", CimType::Uint8))
            .build()
            .unwrap()
    }

    #[test]
    fn values_are_checked_and_fitted() {
        let mut thing = Instance::new(&class());
        assert_eq!(thing.get("NAME"), Some(&Value::from("unnamed")));
        for (name, value, expected) in [
            ("id", Value::from(7_i64), Ok(Value::from(7_u16))),
            ("id", Value::from(-1), Err(WbemStatus::ValueOutOfRange)),
            ("id", Value::from("x"), Err(WbemStatus::TypeMismatch)),
            ("size", Value::from("18446744073709551615"), Ok(Value::from(u64::MAX))),
            ("size", Value::from(1.5), Err(WbemStatus::TypeMismatch)),
            ("size", Value::Null, Ok(Value::Null)),
            ("loads", Value::from(vec![1, 2]), Ok(Value::from(vec![1_u8, 2]))),
            ("loads", Value::from(vec![1, 256]), Err(WbemStatus::ValueOutOfRange)),
            ("loads", Value::from(vec![Some(1), None]), Err(WbemStatus::TypeMismatch)),
            ("loads", Value::from(1), Err(WbemStatus::TypeMismatch)),
            ("name", Value::from(1), Err(WbemStatus::TypeMismatch)),
            ("none", Value::from(1), Err(WbemStatus::NotFound)),
        ] {
            let result = thing.put(name, value.clone()).map_err(|error| error.status());
            assert_eq!(result.map(|()| thing.get(name).cloned().unwrap()), expected, "{name} {value:?}");
        }
    }

    #[test]
    fn an_instance_of_all_its_values() {
        let class = class();
        let thing = Instance::from_values(&class, vec![Value::from(7), Value::from("x")]).unwrap();
        assert_eq!(thing.values(), [Value::from(7_u16), Value::from("x"), Value::Null, Value::Null]);
        assert!(Instance::from_values(&class, vec![Value::from(70_000)]).is_err());
        assert!(Instance::from_values(&class, vec![Value::Null; 5]).is_err());
    }

    #[test]
    fn paths_need_every_key() {
        let mut thing = Instance::new(&class());
        assert_eq!(thing.relative_path(), None);
        thing.put("Id", 7).unwrap();
        assert_eq!(thing.relative_path().unwrap().to_string(), "Thing.Id=7");
        assert_eq!(thing.path(), None);
        thing.class().settle("\\\\host\\root\\x".parse().unwrap());
        assert_eq!(thing.path().unwrap().to_string(), "\\\\host\\root\\x:Thing.Id=7");
    }
}
