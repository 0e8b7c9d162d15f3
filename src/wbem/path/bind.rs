//! Paths and the keys of classes.
//!
//! Floor 5. Pure. A path is only text until a class says which keys it must have, and of which types.

use super::{KeyValue, ObjectPath, PathError, PathErrorKind, PathKeys};
use crate::wbem::cim_type::{CimType, PropertyType};
use crate::wbem::class::Class;
use crate::wbem::convert::integer;
use crate::wbem::fold;
use crate::wbem::value::Value;

impl ObjectPath {
    /// The values of the keys in the order and in the types of `class`, so that two paths of the same
    /// instance give equal values but for letter case; none for a singleton.
    ///
    /// # Errors
    ///
    /// The path is that of a class, or of one that `class` does not derive from, or its keys are not those of `class`.
    pub fn key_values(&self, class: &Class) -> Result<Vec<Value>, PathError> {
        let wrong = |kind| Err(PathError { position: 0, kind });
        // The name of an ancestor finds the instance too: it has the same keys.
        if !class.is_a(&self.class) {
            return wrong(PathErrorKind::WrongKind("the path is that of another class"));
        }
        let keys = class.keys();
        match &self.keys {
            PathKeys::None => wrong(PathErrorKind::WrongKind("the path is that of a class, not of an instance")),
            PathKeys::Singleton if class.is_singleton() => Ok(Vec::new()),
            PathKeys::Singleton => wrong(PathErrorKind::WrongKind("the class is not a singleton")),
            _ if class.is_singleton() => wrong(PathErrorKind::WrongKind("the only instance is found by =@")),
            _ if keys.is_empty() => wrong(PathErrorKind::WrongKind("the class has no keys")),
            PathKeys::Unnamed(value) => match keys {
                [key] => Ok(vec![typed(class, *key, value)?]),
                _ => wrong(PathErrorKind::Expected("the names of the keys")),
            },
            PathKeys::Named(named) => named_values(class, named),
        }
    }
}

/// The values of the keys of `class`, each of which must be among `named`, which has no others.
fn named_values(class: &Class, named: &[(Box<str>, KeyValue)]) -> Result<Vec<Value>, PathError> {
    let key_name = |key: usize| &*class.properties()[key].name;
    if let Some((name, _)) =
        named.iter().find(|(name, _)| !class.keys().iter().any(|key| fold::equal(key_name(*key), name)))
    {
        return Err(PathError { position: 0, kind: PathErrorKind::UnknownKey(name.clone()) });
    }
    let values = class.keys().iter().map(|key| {
        let given = named.iter().find(|(name, _)| fold::equal(key_name(*key), name));
        let (_, value) =
            given.ok_or_else(|| PathError { position: 0, kind: PathErrorKind::MissingKey(key_name(*key).into()) })?;
        typed(class, *key, value)
    });
    values.collect()
}

/// The value of a key in the type of its property.
fn typed(class: &Class, key: usize, value: &KeyValue) -> Result<Value, PathError> {
    let property = &class.properties()[key];
    property
        .property_type
        .convert(value.value(property.property_type))
        .map_err(|error| PathError { position: 0, kind: PathErrorKind::KeyType((*property.name).into(), error) })
}

impl KeyValue {
    /// How the value of a key property is written; `None` for a value that cannot be a key.
    ///
    /// Integers beyond 32 bits are written as texts, as the public documentation wants it.
    pub fn from_value(value: &Value) -> Option<KeyValue> {
        Some(match value {
            Value::Boolean(value) => KeyValue::Boolean(*value),
            Value::String(text) | Value::Reference(text) => KeyValue::String((**text).into()),
            Value::DateTime(value) => KeyValue::String(value.to_string().into()),
            // Half of a pair of units is no letter: its number is written.
            Value::Char16(unit) => char::from_u32((*unit).into()).map_or_else(
                || KeyValue::Integer((*unit).into()),
                |letter| KeyValue::String(letter.to_string().into()),
            ),
            value => {
                let number = value.as_integer()?;
                if (i32::MIN.into()..=u32::MAX.into()).contains(&number) {
                    KeyValue::Integer(number)
                } else {
                    KeyValue::String(number.to_string().into())
                }
            }
        })
    }

    /// The value before it takes on the type of its key, in a type that can be converted to that.
    fn value(&self, wanted: PropertyType) -> Value {
        match self {
            KeyValue::String(text) => Value::from(&**text),
            KeyValue::Boolean(value) => Value::Boolean(*value),
            KeyValue::Integer(number) => match wanted {
                PropertyType::One(CimType::String) => Value::from(number.to_string()),
                _ => integer(CimType::Sint64, *number)
                    .or_else(|_| integer(CimType::Uint64, *number))
                    .unwrap_or_else(|_| Value::from(number.to_string())),
            },
        }
    }
}
