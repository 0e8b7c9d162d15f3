//! What a condition says of single properties, so that a provider need not look at everything.
//!
//! Floor 5. Pure. From `Handle = 4 OR Handle = 8` follows that only two objects can match, from
//! `Name = 'a' AND Name = 'b'` that none can. What is told is necessary, not sufficient: the condition
//! is still to be tried on what the provider gives. Letter case is ignored in texts, so a source
//! that knows case has to look for every way to write them, or take them as they are written.

use std::collections::HashSet;

use super::eval::{Embedded, Node};
use crate::wbem::class::Class;
use crate::wbem::value::Value;

/// The most objects that are told by their keys; for more it is better to look at all of them.
const OBJECTS_MAX: usize = 1024;

/// The values that properties must have in every object that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Bindings {
    sets: Sets,
}

/// What can match.
#[derive(Clone, Debug, PartialEq)]
enum Sets {
    /// Nothing.
    Nothing,
    /// Objects in which the properties at these places have one of these values; others may have any.
    Some(Vec<(usize, Vec<Value>)>),
}

impl Bindings {
    /// Finds what a condition says.
    pub(super) fn of(node: &Node, class: &Class) -> Bindings {
        Bindings { sets: sets(node, &|leaf| of_property(leaf, class)) }
    }

    /// Finds what a condition on events says of the object of `class` at a place of theirs, as far as it cannot change
    /// while there is the object: of keys, and of properties with the qualifier `Fixed`. Conditions that say the same
    /// give what is equal.
    ///
    /// What can change must not be told to who looks again and again: an object that begins to match is none
    /// that begins to be.
    pub(super) fn of_object(node: &Node, place: usize, class: &Class) -> Bindings {
        let mut sets = sets(node, &|leaf| match leaf {
            Node::Embedded(embedded) if embedded.index == place => of_fixed(embedded, class),
            _ => anything(),
        });
        if let Sets::Some(sets) = &mut sets {
            sets.sort_by_key(|(index, _)| *index);
            sets.iter_mut().for_each(|(_, values)| values.sort_by_cached_key(Value::to_string));
        }
        Bindings { sets }
    }

    /// Whether anything can match.
    pub fn is_open(&self) -> bool {
        self.sets == anything()
    }

    /// Whether no object can match.
    pub fn is_impossible(&self) -> bool {
        self.sets == Sets::Nothing
    }

    /// The values of which the property at a place must have one; `None` if it may have any.
    pub fn values(&self, index: usize) -> Option<&[Value]> {
        match &self.sets {
            Sets::Nothing => Some(&[]),
            Sets::Some(sets) => sets.iter().find(|(place, _)| *place == index).map(|(_, values)| &**values),
        }
    }

    /// The keys of all objects that can match, each in the order of the class's keys and once, however it is written;
    /// `None` if the condition leaves a key open, or there are too many.
    pub fn keys(&self, class: &Class) -> Option<Vec<Vec<Value>>> {
        if class.keys().is_empty() {
            return None;
        }
        let mut objects = vec![Vec::new()];
        for key in class.keys() {
            let values = self.values(*key)?;
            if objects.len().checked_mul(values.len())? > OBJECTS_MAX {
                return None;
            }
            let longer = |object: &Vec<Value>| {
                let object = object.clone();
                values.iter().map(move |value| object.iter().chain([value]).cloned().collect::<Vec<_>>())
            };
            objects = objects.iter().flat_map(longer).collect();
        }
        // Two ways to write the same are one object for who does not know letter case.
        let mut known = HashSet::new();
        objects.retain(|object| known.insert(object.iter().map(Value::key_text).collect::<Vec<_>>()));
        Some(objects)
    }
}

/// What is said if nothing is.
fn anything() -> Sets {
    Sets::Some(Vec::new())
}

/// What a node says, if its leaves say what `of_leaf` finds.
fn sets(node: &Node, of_leaf: &dyn Fn(&Node) -> Sets) -> Sets {
    match node {
        Node::All(nodes) => nodes.iter().fold(anything(), |all, node| both(all, sets(node, of_leaf))),
        Node::Any(nodes) => nodes.iter().fold(Sets::Nothing, |any, node| either(any, sets(node, of_leaf))),
        Node::Not(_) => anything(),
        leaf => of_leaf(leaf),
    }
}

/// What a check of a property says.
fn of_property(leaf: &Node, class: &Class) -> Sets {
    let Node::Property(index, criterion) = leaf else { return anything() };
    let value = criterion.only_value();
    let property_type = class.properties()[*index].property_type;
    let value = value.and_then(|value| property_type.convert(value).ok());
    value.map_or(anything(), |value| Sets::Some(vec![(*index, vec![value])]))
}

/// What a check of something in an object says, if that cannot change.
fn of_fixed(embedded: &Embedded, class: &Class) -> Sets {
    match embedded.fit(class) {
        Some(leaf @ Node::Property(index, _)) if class.properties()[index].is_fixed() => of_property(&leaf, class),
        _ => anything(),
    }
}

/// What follows if both hold.
fn both(left: Sets, right: Sets) -> Sets {
    let (Sets::Some(mut left), Sets::Some(right)) = (left, right) else { return Sets::Nothing };
    for (index, values) in right {
        match left.iter_mut().find(|(place, _)| *place == index) {
            None => left.push((index, values)),
            Some((_, common)) => {
                common.retain(|value| has(&values, value));
                if common.is_empty() {
                    return Sets::Nothing;
                }
            }
        }
    }
    Sets::Some(left)
}

/// What follows if one of the two holds.
fn either(left: Sets, right: Sets) -> Sets {
    let (mut left, right) = match (left, right) {
        (Sets::Nothing, other) | (other, Sets::Nothing) => return other,
        (Sets::Some(left), Sets::Some(right)) => (left, right),
    };
    left.retain_mut(|(index, values)| {
        let other = right.iter().find(|(place, _)| place == index);
        let Some((_, others)) = other else { return false };
        for value in others {
            // Two ways to write a text are two values for who knows letter case.
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        true
    });
    Sets::Some(left)
}

/// Whether the value is there; letter case is ignored.
fn has(values: &[Value], value: &Value) -> bool {
    values.iter().any(|other| other.is_same_key(value))
}
