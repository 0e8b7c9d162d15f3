//! Conditions, fitted to a class and tried on its objects.
//!
//! Floor 5. Pure. What can be done once is done once: names become places, constants take on the types of
//! their properties, patterns are compiled. A predicate made for a class is right for all classes derived
//! from it.

use std::cell::RefCell;
use std::sync::Arc;

use super::access::{Access, Fitting, value_of};
use super::ast::{Check, Condition, EventQuery, Operator, Pair, PropertyName, SchemaQuery, SelectQuery};
use super::bindings::Bindings;
use super::criterion::{Criterion, test_pair};
use super::error::{WqlError, WqlErrorKind};
use super::parser::Form;
use super::property_set::PropertySet;
use super::truth::Truth;
use crate::wbem::class::Class;
use crate::wbem::instance::Instance;
use crate::wbem::system::SystemProperty;
use crate::wbem::value::Value;

/// Which instances of a class are wanted.
#[derive(Debug)]
pub struct Predicate {
    root: Node,
    class: Arc<Class>,
}

/// Which classes are wanted.
#[derive(Debug)]
pub struct SchemaPredicate {
    root: Node,
}

/// A condition that has been fitted.
#[derive(Debug)]
pub(super) enum Node {
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    Property(usize, Criterion),
    System(SystemProperty, Criterion),
    /// The object itself is of the class or of one derived from it.
    Isa(Box<str>),
    Embedded(Box<Embedded>),
    Pair(Box<Pair>),
}

/// A check of something in an embedded object, whose class is known only when there is one.
#[derive(Debug)]
pub(super) struct Embedded {
    /// The place of the object.
    pub(super) index: usize,
    /// What is checked in it.
    name: PropertyName,
    check: Check,
    fitting: Fitting,
    /// The check fitted to the class that was met last; nothing if it does not fit.
    last: RefCell<Option<(Arc<Class>, Option<Node>)>>,
}

impl SelectQuery {
    /// Fits the condition to the class of the query. Constants without an offset are local times,
    /// `utc_offset` minutes ahead of UTC.
    ///
    /// # Errors
    ///
    /// A property is unknown, or an operator or a constant does not go with it.
    pub fn predicate(&self, class: &Arc<Class>, utc_offset: i16) -> Result<Predicate, WqlError> {
        predicate(self.condition.as_ref(), class, Fitting { form: Form::Data, utc_offset })
    }
}

impl EventQuery {
    /// Fits the condition to the class of the events: see [`SelectQuery::predicate`].
    pub fn predicate(&self, class: &Arc<Class>, utc_offset: i16) -> Result<Predicate, WqlError> {
        predicate(self.condition.as_ref(), class, Fitting { form: Form::Event, utc_offset })
    }
}

impl SchemaQuery {
    /// Fits the condition to classes, of which there are only the system properties and `__this`.
    ///
    /// # Errors
    ///
    /// A property is unknown, or an operator or a constant does not go with it.
    pub fn predicate(&self) -> Result<SchemaPredicate, WqlError> {
        let nothing = Class::builder("meta_class").build().expect("the name is an identifier");
        let fitting = Fitting { form: Form::Data, utc_offset: 0 };
        Ok(SchemaPredicate { root: root(self.condition.as_ref(), &nothing, fitting)? })
    }
}

impl Predicate {
    /// What is known of an instance of the class, or of one derived from it.
    pub fn matches(&self, instance: &Instance) -> Truth {
        self.root.evaluate(instance)
    }

    /// Whether an instance cannot match, whatever the values are that are not `known` yet.
    pub fn rules_out(&self, instance: &Instance, known: &PropertySet) -> bool {
        self.root.evaluate(&Partial { instance, known }) == Truth::False
    }

    /// The properties that have to be there for this.
    pub fn reads(&self) -> PropertySet {
        self.reads_of(&self.class)
    }

    /// The properties that have to be there in instances of `class`, which is the class of the condition or derived from
    /// it.
    pub(in crate::wbem) fn reads_of(&self, class: &Class) -> PropertySet {
        let mut properties = PropertySet::default();
        self.root.reads(class, &mut properties);
        properties
    }

    /// The values that properties must have in every instance that matches.
    pub fn bindings(&self) -> Bindings {
        Bindings::of(&self.root, &self.class)
    }

    /// The values that properties of the object of `class` at a place of the instance must have in every instance
    /// that matches, as far as they cannot change while there is the object: of keys, and of properties with the
    /// qualifier `Fixed`.
    pub fn bindings_of_object(&self, place: usize, class: &Class) -> Bindings {
        Bindings::of_object(&self.root, place, class)
    }
}

impl SchemaPredicate {
    /// What is known of a class.
    pub fn matches(&self, class: &Class) -> Truth {
        self.root.evaluate(class)
    }
}

/// Fits a condition that may be missing.
fn predicate(condition: Option<&Condition>, class: &Arc<Class>, fitting: Fitting) -> Result<Predicate, WqlError> {
    Ok(Predicate { root: root(condition, class, fitting)?, class: class.clone() })
}

/// The node of a condition; what is always true without one.
fn root(condition: Option<&Condition>, class: &Class, fitting: Fitting) -> Result<Node, WqlError> {
    condition.map_or(Ok(Node::All(Box::new([]))), |condition| fit(condition, class, fitting))
}

/// Fits a condition.
fn fit(condition: &Condition, class: &Class, fitting: Fitting) -> Result<Node, WqlError> {
    let fit_each = |conditions: &[Condition]| -> Result<Box<[Node]>, WqlError> {
        let mut nodes = conditions.iter().map(|one| fit(one, class, fitting)).collect::<Result<Vec<_>, _>>()?;
        // Whatever the order, the truth is the same: what is cheap decides before what is dear is looked at.
        nodes.sort_by_cached_key(Node::cost);
        Ok(nodes.into())
    };
    match condition {
        Condition::And(conditions) => fit_each(conditions).map(Node::All),
        Condition::Or(conditions) => fit_each(conditions).map(Node::Any),
        Condition::Not(condition) => Ok(Node::Not(Box::new(fit(condition, class, fitting)?))),
        Condition::Test(name, check) => fit_test(name, check, class, fitting),
        Condition::Pair(pair) => {
            for name in [&pair.left, &pair.right] {
                if matches!(fitting.resolve(name, class)?, Access::Property(_)) {
                    let reason = "an embedded object cannot be compared; name one of its properties";
                    return Err(fitting.error(name.place, WqlErrorKind::Operator(reason)));
                }
            }
            Ok(Node::Pair(pair.clone()))
        }
    }
}

/// Fits a check of a property.
fn fit_test(name: &PropertyName, check: &Check, class: &Class, fitting: Fitting) -> Result<Node, WqlError> {
    match fitting.resolve(name, class)? {
        Access::Property(index) => {
            Criterion::new(check, class.properties()[index].property_type, fitting).map(|it| Node::Property(index, it))
        }
        Access::System(property) => {
            Criterion::new(check, property.property_type(), fitting).map(|it| Node::System(property, it))
        }
        Access::Itself => match check {
            Check::Isa(_, class) => Ok(Node::Isa(class.clone())),
            _ => Err(fitting.error(name.place, WqlErrorKind::Operator("__this goes with ISA only"))),
        },
        Access::Embedded(index, rest) => {
            let name = PropertyName { text: rest.into(), place: name.place };
            let last = RefCell::new(None);
            Ok(Node::Embedded(Box::new(Embedded { index, name, check: check.clone(), fitting, last })))
        }
    }
}

/// What conditions are tried on: an instance or a class.
trait Object {
    /// The value at a place; `None` if there is none.
    fn value(&self, index: usize) -> Option<&Value>;
    /// The class of the object, or the object if it is a class.
    fn class(&self) -> &Class;
    /// The value of a property that every object has; `None` if it is not known yet.
    fn system(&self, property: SystemProperty) -> Option<Value>;
    /// The value that a name means.
    fn named(&self, name: &str) -> Option<Value>;
}

impl Object for Instance {
    fn value(&self, index: usize) -> Option<&Value> {
        Instance::value(self, index)
    }

    fn class(&self) -> &Class {
        Instance::class(self)
    }

    fn system(&self, property: SystemProperty) -> Option<Value> {
        Some(property.of_instance(self))
    }

    fn named(&self, name: &str) -> Option<Value> {
        value_of(name, self).map(std::borrow::Cow::into_owned)
    }
}

impl Object for Class {
    fn value(&self, _: usize) -> Option<&Value> {
        None
    }

    fn class(&self) -> &Class {
        self
    }

    fn system(&self, property: SystemProperty) -> Option<Value> {
        Some(property.of_class(self))
    }

    fn named(&self, _: &str) -> Option<Value> {
        None
    }
}

/// An instance of which only some values are known.
struct Partial<'i> {
    instance: &'i Instance,
    known: &'i PropertySet,
}

impl Object for Partial<'_> {
    fn value(&self, index: usize) -> Option<&Value> {
        self.instance.value(index).filter(|_| self.known.contains(index))
    }

    fn class(&self) -> &Class {
        self.instance.class()
    }

    fn system(&self, property: SystemProperty) -> Option<Value> {
        let is_told_by_keys = matches!(property, SystemProperty::Path | SystemProperty::RelativePath);
        let is_known = !is_told_by_keys || self.class().keys().iter().all(|key| self.known.contains(*key));
        is_known.then(|| property.of_instance(self.instance))
    }

    fn named(&self, _: &str) -> Option<Value> {
        None
    }
}

impl Node {
    /// About how dear it is to evaluate, in comparisons of numbers.
    fn cost(&self) -> u32 {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().map(Node::cost).sum(),
            Node::Not(node) => node.cost(),
            Node::Property(_, criterion) => criterion.cost(),
            Node::Isa(_) | Node::System(SystemProperty::Class, _) => 4,
            // A value is made, or a name looked up.
            Node::System(..) | Node::Embedded(_) | Node::Pair(_) => 100,
        }
    }

    /// What is known of an object.
    fn evaluate(&self, object: &impl Object) -> Truth {
        match self {
            Node::Property(index, criterion) => {
                object.value(*index).map_or(Truth::Unknown, |value| criterion.test(value))
            }
            Node::All(nodes) => {
                let mut all = Truth::True;
                for node in nodes {
                    all = all.and(node.evaluate(object));
                    if all == Truth::False {
                        break;
                    }
                }
                all
            }
            Node::Any(nodes) => {
                let mut any = Truth::False;
                for node in nodes {
                    any = any.or(node.evaluate(object));
                    if any == Truth::True {
                        break;
                    }
                }
                any
            }
            Node::Not(node) => !node.evaluate(object),
            Node::System(SystemProperty::Class, criterion) => criterion.test_text(object.class().name()),
            Node::System(property, criterion) => {
                object.system(*property).map_or(Truth::Unknown, |value| criterion.test(&value))
            }
            Node::Isa(class) => object.class().is_a(class).into(),
            Node::Embedded(embedded) => match object.value(embedded.index) {
                Some(Value::Object(inner)) => embedded.evaluate(inner),
                _ => Truth::Unknown,
            },
            Node::Pair(pair) => test_names(pair, |name| object.named(name)),
        }
    }

    /// Adds the properties that have to be there.
    fn reads(&self, class: &Class, properties: &mut PropertySet) {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.reads(class, properties)),
            Node::Not(node) => node.reads(class, properties),
            Node::Property(index, _) => properties.insert(*index),
            Node::System(SystemProperty::Path | SystemProperty::RelativePath, _) => {
                class.keys().iter().for_each(|key| properties.insert(*key));
            }
            Node::System(..) | Node::Isa(_) => {}
            Node::Embedded(embedded) => properties.insert(embedded.index),
            Node::Pair(pair) => {
                for name in [&pair.left, &pair.right] {
                    if let Ok(Access::Property(index) | Access::Embedded(index, _)) = Access::resolve(&name.text, class)
                    {
                        properties.insert(index);
                    }
                }
            }
        }
    }
}

/// Compares the values that two names mean.
fn test_names(pair: &Pair, named: impl Fn(&str) -> Option<Value>) -> Truth {
    let operator: Operator = pair.operator;
    match (named(&pair.left.text), named(&pair.right.text)) {
        (Some(left), Some(right)) => test_pair(operator, &left, &right),
        _ => Truth::Unknown,
    }
}

impl Embedded {
    /// The check as it is for objects of a class; `None` if it does not fit.
    pub(super) fn fit(&self, class: &Class) -> Option<Node> {
        fit_test(&self.name, &self.check, class, self.fitting).ok()
    }

    /// What is known of an object that is embedded.
    fn evaluate(&self, object: &Instance) -> Truth {
        let mut last = self.last.borrow_mut();
        let is_known = last.as_ref().is_some_and(|(class, _)| Arc::ptr_eq(class, object.class()));
        if !is_known {
            *last = Some((object.class().clone(), self.fit(object.class())));
        }
        match last.as_ref() {
            Some((_, Some(node))) => node.evaluate(object),
            _ => Truth::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
