//! Classes: what their instances have in common.
//!
//! Floor 5. Pure. A class is built once and shared from then on. Its properties are those of its parent,
//! in the same places, and then its own, so an index that was found in a class is right for every class
//! derived from it. How classes are made, and what they must keep to, is in [`builder`].

mod builder;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::{fmt, iter};

use super::cim_type::{CimType, PropertyType};
use super::fold;
use super::path::NamespacePath;
use super::value::Value;
use super::within::Within;
pub use builder::{CLASS_DEPTH_MAX, ClassBuilder, ClassError, ClassErrorKind, PROPERTIES_MAX};

/// The class from which all events derive.
const EVENT_CLASS: &str = "__Event";

/// A class of objects.
#[derive(Clone)]
pub struct Class {
    name: Arc<str>,
    superclass: Option<Arc<Class>>,
    qualifiers: Vec<Qualifier>,
    properties: Vec<Property>,
    methods: Vec<Method>,
    identity: Identity,
    /// No property was left out when the class was made for rows.
    is_whole: bool,
    home: OnceLock<NamespacePath>,
    /// What of classes and objects lies within this one: in defaults, qualifiers and methods.
    within: Within,
}

/// How instances of a class are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// They are not: events, parameters, parts of other objects.
    None,
    /// There is only one.
    Singleton,
    /// By the properties at these indices; there is at least one.
    Keys(Vec<usize>),
    /// By properties that were not all selected.
    Lost,
}

/// A property of a class.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Property {
    /// The name; letter case is kept and ignored.
    pub name: Arc<str>,
    /// The type.
    pub property_type: PropertyType,
    /// The class of the embedded object, or of the object that is referred to, if there is only one.
    pub target_class: Option<Arc<str>>,
    /// What else is said of the property.
    pub qualifiers: Vec<Qualifier>,
    /// The value in an instance where none was set.
    pub default: Value,
    /// The class that brought the property in.
    pub origin: Arc<str>,
}

/// A method of a class.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Method {
    /// The name; letter case is kept and ignored.
    pub name: Arc<str>,
    /// The class of the object with the arguments; `None` if there are none.
    pub inputs: Option<Arc<Class>>,
    /// The class of the object with the results, among them `ReturnValue`; `None` if there are none.
    pub outputs: Option<Arc<Class>>,
    /// What else is said of the method.
    pub qualifiers: Vec<Qualifier>,
}

/// Something said of a class, a property or a method.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Qualifier {
    /// The name; letter case is kept and ignored.
    pub name: Arc<str>,
    /// The value; TRUE where only the name is written.
    pub value: Value,
}

/// The names alone: a class holds all that its superclasses are.
impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let superclass = self.superclass.as_ref().map(|class| &class.name);
        f.debug_struct("Class").field("name", &self.name).field("superclass", &superclass).finish_non_exhaustive()
    }
}

impl Class {
    /// Begins a class of this name.
    pub fn builder(name: impl Into<Arc<str>>) -> ClassBuilder {
        ClassBuilder::new(name.into())
    }

    /// A class without a name and without properties: what the empty path leads to.
    pub(super) fn unnamed() -> Arc<Class> {
        Arc::new(Class {
            name: "".into(),
            superclass: None,
            qualifiers: Vec::new(),
            properties: Vec::new(),
            methods: Vec::new(),
            identity: Identity::None,
            is_whole: true,
            home: OnceLock::new(),
            within: Within::NOTHING,
        })
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The class that it derives from.
    pub fn superclass(&self) -> Option<&Arc<Class>> {
        self.superclass.as_ref()
    }

    /// The class and its ancestors, nearest first.
    pub fn lineage(&self) -> impl Iterator<Item = &Class> {
        iter::successors(Some(self), |class| class.superclass.as_deref())
    }

    /// The ancestor that has none itself; the class itself if it has none.
    pub fn dynasty(&self) -> &Class {
        self.lineage().last().unwrap_or(self)
    }

    /// Whether the class is the one called `name`, or derives from it.
    pub fn is_a(&self, name: &str) -> bool {
        self.lineage().any(|class| fold::equal(&class.name, name))
    }

    /// Whether instances of the class are events.
    pub fn is_event(&self) -> bool {
        self.is_a(EVENT_CLASS)
    }

    /// The properties, inherited ones first.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The property of this name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.index_of(name).map(|index| &self.properties[index])
    }

    /// The place of the property of this name in [`properties`](Class::properties) and in the values of
    /// an instance.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.properties.iter().position(|property| property.name.eq_ignore_ascii_case(name))
    }

    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name.eq_ignore_ascii_case(name))
    }

    /// The methods, inherited ones first.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// What is said of the class itself; nothing of it is inherited.
    pub fn qualifiers(&self) -> &[Qualifier] {
        &self.qualifiers
    }

    /// The value of a qualifier of the class.
    pub fn qualifier(&self, name: &str) -> Option<&Value> {
        find_qualifier(&self.qualifiers, name)
    }

    /// The places of the key properties; none for a singleton and for a class without identity.
    pub fn keys(&self) -> &[usize] {
        match &self.identity {
            Identity::Keys(keys) => keys,
            Identity::None | Identity::Singleton | Identity::Lost => &[],
        }
    }

    /// Whether the class has exactly one instance.
    pub fn is_singleton(&self) -> bool {
        self.identity == Identity::Singleton
    }

    /// Whether no property was left out when the class was made for rows.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// What of classes and objects lies within this one.
    pub(super) fn within(&self) -> Within {
        self.within
    }

    /// The namespace in which the class was registered.
    pub fn home(&self) -> Option<&NamespacePath> {
        self.home.get()
    }

    /// Registers the class in a namespace, once and for all; says whether it is the class's home now.
    ///
    /// Instances tell their full path by it.
    pub fn settle(&self, home: NamespacePath) -> bool {
        // The machine may have got its name in between.
        let known = self.home.get_or_init(|| home.clone());
        let is_same_machine = known.is_local() || home.is_on_machine_of(known);
        is_same_machine && known.on_machine(None) == home.on_machine(None)
    }

    /// The same class in a namespace of its own, below its parent there.
    pub(super) fn copied(&self, superclass: Option<&Arc<Class>>, home: NamespacePath) -> Arc<Class> {
        Arc::new(Class { superclass: superclass.cloned(), home: home.into(), ..self.clone() })
    }

    /// The class of rows that have only the properties at `indices`, in that order.
    ///
    /// Name and ancestors stay. If a key is left out, the rows do not know their path.
    pub fn project(&self, indices: &[usize]) -> Arc<Class> {
        let identity = match &self.identity {
            Identity::Keys(keys) => {
                let places = keys.iter().map(|key| indices.iter().position(|index| index == key));
                places.collect::<Option<_>>().map_or(Identity::Lost, Identity::Keys)
            }
            other => other.clone(),
        };
        let kept: BTreeSet<usize> = indices.iter().copied().collect();
        Arc::new(Class {
            name: self.name.clone(),
            superclass: self.superclass.clone(),
            qualifiers: self.qualifiers.clone(),
            properties: indices.iter().filter_map(|index| self.properties.get(*index).cloned()).collect(),
            methods: self.methods.clone(),
            identity,
            is_whole: self.is_whole && (0..self.properties.len()).all(|index| kept.contains(&index)),
            home: self.home.clone(),
            within: self.within,
        })
    }
}

impl Property {
    /// Makes a property with one value.
    pub fn new(name: impl Into<Arc<str>>, cim_type: CimType) -> Property {
        Property::of_type(name.into(), PropertyType::One(cim_type))
    }

    /// Makes a property with an array of values.
    pub fn array(name: impl Into<Arc<str>>, cim_type: CimType) -> Property {
        Property::of_type(name.into(), PropertyType::Array(cim_type))
    }

    /// Makes a property that is a key.
    pub fn key(name: impl Into<Arc<str>>, cim_type: CimType) -> Property {
        Property::new(name, cim_type).qualifier("key", true)
    }

    /// Makes a property about which nothing else is said.
    fn of_type(name: Arc<str>, property_type: PropertyType) -> Property {
        let (target_class, qualifiers, default) = (None, Vec::new(), Value::Null);
        Property { name, property_type, target_class, qualifiers, default, origin: "".into() }
    }

    /// Says of which class the embedded or referred object is.
    pub fn of_class(mut self, class: impl Into<Arc<str>>) -> Property {
        self.target_class = Some(class.into());
        self
    }

    /// Says something of the property.
    pub fn qualifier(mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Property {
        self.qualifiers.push(Qualifier::new(name, value));
        self
    }

    /// Sets the value that instances have to begin with.
    pub fn default(mut self, value: impl Into<Value>) -> Property {
        self.default = value.into();
        self
    }

    /// Whether the property is a key.
    pub fn is_key(&self) -> bool {
        self.is_marked("key")
    }

    /// What the qualifier `CIMTYPE` says, which every property has: `uint32`, `ref:Win32_Process`, `object`; of an array
    /// the type of its elements.
    pub fn cimtype(&self) -> String {
        let element = self.property_type.element();
        match &self.target_class {
            Some(class) if matches!(element, CimType::Reference | CimType::Object) => format!("{element}:{class}"),
            _ => element.to_string(),
        }
    }

    /// Whether the property may be changed by `PutInstance`: it is marked `write`.
    pub fn is_writable(&self) -> bool {
        self.is_marked("write")
    }

    /// Whether the value cannot change while there is the object: the property is a key, or marked `fixed`.
    pub fn is_fixed(&self) -> bool {
        self.is_key() || self.is_marked("fixed")
    }

    /// Whether a boolean qualifier is there and TRUE.
    fn is_marked(&self, name: &str) -> bool {
        find_qualifier(&self.qualifiers, name) == Some(&Value::Boolean(true))
    }
}

impl Method {
    /// Makes a method without arguments and results.
    pub fn new(name: impl Into<Arc<str>>) -> Method {
        Method { name: name.into(), inputs: None, outputs: None, qualifiers: Vec::new() }
    }

    /// Says what the arguments are.
    pub fn inputs(mut self, class: Arc<Class>) -> Method {
        self.inputs = Some(class);
        self
    }

    /// Says what the results are.
    pub fn outputs(mut self, class: Arc<Class>) -> Method {
        self.outputs = Some(class);
        self
    }

    /// Says something of the method.
    pub fn qualifier(mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) -> Method {
        self.qualifiers.push(Qualifier::new(name, value));
        self
    }
}

impl Qualifier {
    /// Makes a qualifier.
    pub fn new(name: impl Into<Arc<str>>, value: impl Into<Value>) -> Qualifier {
        Qualifier { name: name.into(), value: value.into() }
    }
}

/// The value of the qualifier of this name.
fn find_qualifier<'q>(qualifiers: &'q [Qualifier], name: &str) -> Option<&'q Value> {
    qualifiers.iter().find(|qualifier| qualifier.name.eq_ignore_ascii_case(name)).map(|qualifier| &qualifier.value)
}

#[cfg(test)]
mod tests;
