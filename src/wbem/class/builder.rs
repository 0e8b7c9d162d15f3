//! Building classes, and the rules that a class must keep.
//!
//! Floor 5. Pure. The rules follow the public pages "Key Qualifier", "Singleton", "WMI System
//! Properties" and the meanings of the error constants named in [`ClassErrorKind::status`].

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{Class, Identity, Method, Property, Qualifier};
use crate::wbem::cim_type::PropertyType;
use crate::wbem::convert::ValueError;
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::fold;
use crate::wbem::value::Value;
use crate::wbem::within::{EMBEDDED_DEPTH_MAX, EMBEDDED_OBJECTS_MAX, Within};

/// The most properties of a class, which is the limit of the texts.
pub const PROPERTIES_MAX: usize = 1024;

/// The most classes that derive from each other: lineages are walked for every `ISA`.
pub const CLASS_DEPTH_MAX: usize = 64;

/// The longest name, which is the limit of the texts.
const NAME_MAX: usize = 255;

/// A class in the making.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClassBuilder {
    name: Arc<str>,
    superclass: Option<Arc<Class>>,
    qualifiers: Vec<Qualifier>,
    properties: Vec<Property>,
    methods: Vec<Method>,
}

/// Why a class cannot be made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassError {
    /// The class.
    pub class: Arc<str>,
    /// The property or method that is wrong, or the class itself.
    pub subject: Arc<str>,
    /// What is wrong with it.
    pub kind: ClassErrorKind,
}

/// What is wrong with a class.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClassErrorKind {
    /// The name is not made of letters, digits and underscores, or a property begins with an underscore.
    Name,
    /// The name is too long.
    NameTooLong,
    /// The name is there twice.
    Repeated,
    /// There are too many properties.
    TooManyProperties,
    /// There are too many ancestors.
    TooDeep,
    /// Defaults, qualifiers and methods have objects and classes within each other, more than [`EMBEDDED_DEPTH_MAX`], or
    /// more than [`EMBEDDED_OBJECTS_MAX`] in all.
    TooManyWithin,
    /// The parent class has a property of this name and of another type.
    OtherType,
    /// Arrays, reals and embedded objects cannot be keys.
    KeyType,
    /// The parent class has its keys, and a derived class cannot change them.
    KeysInherited,
    /// A class has one instance or keys, not both.
    SingletonWithKeys,
    /// The default does not fit the type.
    Default(ValueError),
}

impl ClassBuilder {
    /// Begins a class with nothing but a name.
    pub(super) fn new(name: Arc<str>) -> ClassBuilder {
        let (qualifiers, properties, methods) = (Vec::new(), Vec::new(), Vec::new());
        ClassBuilder { name, superclass: None, qualifiers, properties, methods }
    }

    /// Derives the class from another.
    pub fn superclass(mut self, class: &Arc<Class>) -> ClassBuilder {
        self.superclass = Some(class.clone());
        self
    }

    /// Adds a property; one of the parent's with the same name is overridden in its place.
    pub fn property(mut self, property: Property) -> ClassBuilder {
        self.properties.push(property);
        self
    }

    /// Adds a method; one of the parent's with the same name is overridden.
    pub fn method(mut self, method: Method) -> ClassBuilder {
        self.methods.push(method);
        self
    }

    /// Says something of the class.
    pub fn qualifier(mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> ClassBuilder {
        self.qualifiers.push(Qualifier::new(name, value));
        self
    }

    /// Says that the class has exactly one instance.
    pub fn singleton(self) -> ClassBuilder {
        self.qualifier("singleton", true)
    }

    /// Makes the class.
    ///
    /// # Errors
    ///
    /// The class breaks one of the rules of [`ClassErrorKind`].
    pub fn build(self) -> Result<Arc<Class>, ClassError> {
        check_name(&self.name).map_err(|kind| self.error(&self.name, kind))?;
        if self.superclass.as_ref().is_some_and(|parent| parent.lineage().count() >= CLASS_DEPTH_MAX) {
            return Err(self.error(&self.name, ClassErrorKind::TooDeep));
        }
        let properties = self.merge_properties()?;
        let identity = self.identity(&properties)?;
        let methods = self.merge_methods()?;
        let within = self.within(&properties, &methods);
        within.check().map_err(|_| self.error(&self.name, ClassErrorKind::TooManyWithin))?;
        let ClassBuilder { name, superclass, qualifiers, .. } = self;
        let home = OnceLock::new();
        let is_whole = true;
        Ok(Arc::new(Class { name, superclass, qualifiers, properties, methods, identity, is_whole, home, within }))
    }

    /// What of classes and objects lies within the class.
    fn within(&self, properties: &[Property], methods: &[Method]) -> Within {
        let all = |parts: &mut dyn Iterator<Item = Within>| parts.fold(Within::NOTHING, Within::beside);
        // No type has seen to it that the elements of their arrays are alike.
        let qualifier = |qualifier: &Qualifier| match &qualifier.value {
            Value::Array(elements) => all(&mut elements.iter().map(Value::within)),
            value => value.within(),
        };
        let qualified = |qualifiers: &[Qualifier]| all(&mut qualifiers.iter().map(qualifier));
        let property = |property: &Property| property.default.within().beside(qualified(&property.qualifiers));
        let method = |method: &Method| {
            let classes = [&method.inputs, &method.outputs].into_iter().flatten();
            all(&mut classes.map(|class| class.within().wrapped())).beside(qualified(&method.qualifiers))
        };
        let own = all(&mut properties.iter().map(property).chain(methods.iter().map(method)));
        let inherited = self.superclass.as_ref().map_or(Within::NOTHING, |parent| parent.within());
        own.beside(qualified(&self.qualifiers)).of_class(inherited)
    }

    /// The parent's properties with those of this class put over and after them.
    fn merge_properties(&self) -> Result<Vec<Property>, ClassError> {
        let mut merged = self.superclass.as_ref().map_or_else(Vec::new, |parent| parent.properties.clone());
        let inherited = merged.len();
        for (index, property) in self.properties.iter().enumerate() {
            let error = |kind| self.error(&property.name, kind);
            check_name(&property.name).map_err(error)?;
            if property.name.starts_with('_') {
                return Err(error(ClassErrorKind::Name));
            }
            if self.properties[..index].iter().any(|other| fold::equal(&other.name, &property.name)) {
                return Err(error(ClassErrorKind::Repeated));
            }
            let default = property.property_type.convert(property.default.clone());
            let default = default.map_err(|wrong| error(ClassErrorKind::Default(wrong)))?;
            let place = merged[..inherited].iter().position(|other| fold::equal(&other.name, &property.name));
            let origin = place.map_or(&self.name, |place| &merged[place].origin).clone();
            let property = Property { default, origin, ..property.clone() };
            match place {
                Some(place) if merged[place].property_type != property.property_type => {
                    return Err(error(ClassErrorKind::OtherType));
                }
                Some(place) => merged[place] = keep_key(property, &merged[place]),
                None => merged.push(property),
            }
        }
        if merged.len() > PROPERTIES_MAX {
            return Err(self.error(&self.name, ClassErrorKind::TooManyProperties));
        }
        Ok(merged)
    }

    /// How instances will be told apart.
    fn identity(&self, properties: &[Property]) -> Result<Identity, ClassError> {
        let inherited = self.superclass.as_ref().map_or(&Identity::None, |parent| &parent.identity);
        let keys: Vec<usize> = (0..properties.len()).filter(|index| properties[*index].is_key()).collect();
        let is_singleton = *inherited == Identity::Singleton
            || super::find_qualifier(&self.qualifiers, "singleton") == Some(&Value::Boolean(true));
        for key in &keys {
            let property = &properties[*key];
            let error = |kind| Err(self.error(&property.name, kind));
            if !matches!(property.property_type, PropertyType::One(element) if element.can_be_key()) {
                return error(ClassErrorKind::KeyType);
            }
            if is_singleton {
                return error(ClassErrorKind::SingletonWithKeys);
            }
            let is_new = match inherited {
                Identity::Keys(inherited) => !inherited.contains(key),
                Identity::Lost => true,
                Identity::None | Identity::Singleton => false,
            };
            if is_new {
                return error(ClassErrorKind::KeysInherited);
            }
        }
        Ok(match (is_singleton, keys.is_empty()) {
            (true, _) => Identity::Singleton,
            (false, true) => Identity::None,
            (false, false) => Identity::Keys(keys),
        })
    }

    /// The parent's methods with those of this class put over and after them.
    fn merge_methods(&self) -> Result<Vec<Method>, ClassError> {
        let mut merged = self.superclass.as_ref().map_or_else(Vec::new, |parent| parent.methods.clone());
        let inherited = merged.len();
        for (index, method) in self.methods.iter().enumerate() {
            check_name(&method.name).map_err(|kind| self.error(&method.name, kind))?;
            if self.methods[..index].iter().any(|other| fold::equal(&other.name, &method.name)) {
                return Err(self.error(&method.name, ClassErrorKind::Repeated));
            }
            match merged[..inherited].iter().position(|other| fold::equal(&other.name, &method.name)) {
                Some(place) => merged[place] = method.clone(),
                None => merged.push(method.clone()),
            }
        }
        Ok(merged)
    }

    /// The error of `subject` being wrong.
    fn error(&self, subject: &Arc<str>, kind: ClassErrorKind) -> ClassError {
        ClassError { class: self.name.clone(), subject: subject.clone(), kind }
    }
}

/// An overriding property, which is a key if the overridden one is.
fn keep_key(mut property: Property, overridden: &Property) -> Property {
    if !overridden.is_key() || property.is_key() {
        return property;
    }
    property.qualifiers.retain(|qualifier| !qualifier.name.eq_ignore_ascii_case("key"));
    property.qualifier("key", true)
}

/// Checks the name of a class, a property or a method.
fn check_name(name: &str) -> Result<(), ClassErrorKind> {
    if name.len() > NAME_MAX {
        return Err(ClassErrorKind::NameTooLong);
    }
    if fold::is_identifier(name) { Ok(()) } else { Err(ClassErrorKind::Name) }
}

impl ClassErrorKind {
    /// The number that a call ends with because of this.
    pub fn status(&self) -> WbemStatus {
        match self {
            ClassErrorKind::Name | ClassErrorKind::Repeated => WbemStatus::InvalidParameter,
            ClassErrorKind::NameTooLong => WbemStatus::ClassNameTooWide,
            ClassErrorKind::TooManyProperties => WbemStatus::TooManyProperties,
            ClassErrorKind::TooDeep => WbemStatus::InvalidSuperclass,
            ClassErrorKind::TooManyWithin => WbemStatus::QuotaViolation,
            ClassErrorKind::OtherType => WbemStatus::UpdateTypeMismatch,
            ClassErrorKind::KeyType => WbemStatus::CannotBeKey,
            ClassErrorKind::KeysInherited => WbemStatus::CannotChangeKeyInheritance,
            ClassErrorKind::SingletonWithKeys => WbemStatus::CannotBeSingleton,
            ClassErrorKind::Default(error) => error.status(),
        }
    }
}

impl fmt::Display for ClassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClassError { class, subject, kind } = self;
        write!(f, "class {class}: {subject}: ")?;
        match kind {
            ClassErrorKind::Name => f.write_str("not a name"),
            ClassErrorKind::NameTooLong => f.write_str("the name is too long"),
            ClassErrorKind::Repeated => f.write_str("the name is there twice"),
            ClassErrorKind::TooManyProperties => f.write_str("too many properties"),
            ClassErrorKind::TooDeep => f.write_str("too many ancestors"),
            ClassErrorKind::TooManyWithin => {
                write!(f, "more than {EMBEDDED_DEPTH_MAX} objects and classes lie within each other, ")?;
                write!(f, "or more than {EMBEDDED_OBJECTS_MAX} in all")
            }
            ClassErrorKind::OtherType => f.write_str("the parent class has it with another type"),
            ClassErrorKind::KeyType => f.write_str("a property of this type cannot be a key"),
            ClassErrorKind::KeysInherited => f.write_str("the keys are those of the parent class"),
            ClassErrorKind::SingletonWithKeys => f.write_str("a singleton has no keys"),
            ClassErrorKind::Default(error) => write!(f, "the default: {error}"),
        }
    }
}

impl std::error::Error for ClassError {}

impl From<ClassError> for WbemError {
    fn from(error: ClassError) -> WbemError {
        WbemError::new(error.kind.status()).description(error.to_string())
    }
}
