//! What is wanted of the instances of a class, so that a provider need not read everything.
//!
//! Floor 5. Pure. All of it is help: what a provider reads beyond it is left out by the layer, which
//! tries the whole condition on every row.

use std::rc::Rc;

use crate::wbem::class::Class;
use crate::wbem::instance::Instance;
use crate::wbem::value::Value;
use crate::wbem::wql::{Bindings, Predicate, PropertySet};

/// What is wanted of the instances of a class. A clone is cheap.
#[derive(Clone, Debug)]
pub struct Wanted {
    parts: Rc<Parts>,
}

/// What is wanted.
#[derive(Debug)]
struct Parts {
    /// The properties that are needed; all without it.
    properties: Option<PropertySet>,
    /// The keys of the only instances that can match.
    keys: Option<Vec<Vec<Value>>>,
    bindings: Option<Bindings>,
    predicate: Option<Rc<Predicate>>,
}

impl Wanted {
    /// Everything of every instance.
    pub fn everything() -> Wanted {
        Wanted { parts: Rc::new(Parts { properties: None, keys: None, bindings: None, predicate: None }) }
    }

    /// Everything of one instance, the one with these keys in the order and the types of the class.
    pub fn one(keys: Vec<Value>) -> Wanted {
        Wanted { parts: Rc::new(Parts { properties: None, keys: Some(vec![keys]), bindings: None, predicate: None }) }
    }

    /// Everything of the instances that can have these values.
    pub fn bound(class: &Class, bindings: Bindings) -> Wanted {
        Wanted::of(class, None, bindings, None)
    }

    /// What a condition wants of the instances of `class`, of which these properties are needed; all without
    /// them.
    pub fn matching(class: &Class, properties: Option<PropertySet>, predicate: Rc<Predicate>) -> Wanted {
        Wanted::of(class, properties, predicate.bindings(), Some(predicate))
    }

    fn of(
        class: &Class,
        properties: Option<PropertySet>,
        bindings: Bindings,
        predicate: Option<Rc<Predicate>>,
    ) -> Wanted {
        let keys = if bindings.is_impossible() { Some(Vec::new()) } else { bindings.keys(class) };
        Wanted { parts: Rc::new(Parts { properties, keys, bindings: Some(bindings), predicate }) }
    }

    /// Whether the property at a place of the class's properties is needed. Where it is not, NULL will do.
    pub fn needs(&self, index: usize) -> bool {
        self.parts.properties.as_ref().is_none_or(|properties| properties.contains(index))
    }

    /// Whether one of these properties is needed.
    pub fn needs_any(&self, indices: impl IntoIterator<Item = usize>) -> bool {
        indices.into_iter().any(|index| self.needs(index))
    }

    /// The keys of the only instances that can match, each in the order and the types of the class's keys;
    /// `None` if any can.
    ///
    /// Letter case is ignored in texts, so a source that knows case has to decide what it takes for
    /// the same.
    pub fn keys(&self) -> Option<&[Vec<Value>]> {
        self.parts.keys.as_deref()
    }

    /// The values of which the property at a place must have one; `None` if it may have any.
    pub fn values(&self, index: usize) -> Option<&[Value]> {
        self.parts.bindings.as_ref()?.values(index)
    }

    /// Whether an instance cannot match, whatever the values are that are not `known` yet.
    ///
    /// A provider that reads the cheap properties first may ask this before it reads the dear ones.
    pub fn rules_out(&self, instance: &Instance, known: &PropertySet) -> bool {
        self.parts.predicate.as_ref().is_some_and(|predicate| predicate.rules_out(instance, known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbem::fixtures::{instance, processes};
    use crate::wbem::wql::Query;

    /// What a condition on processes wants, with the properties at these places.
    fn wanted(condition: &str, properties: Option<&[usize]>) -> Wanted {
        let (class, _) = processes();
        let query = Query::parse(&format!("SELECT * FROM Win32_Process WHERE {condition}")).unwrap();
        let Query::Select(query) = query else { panic!("{condition}") };
        let predicate = Rc::new(query.predicate(&class, 0).unwrap());
        Wanted::matching(&class, properties.map(|indices| indices.iter().copied().collect()), predicate)
    }

    #[test]
    fn keys_and_values_follow_from_the_condition() {
        let text = |text: &str| Value::from(text);
        let two = wanted("Handle = 4 OR Handle = '100'", None);
        assert_eq!(two.keys(), Some(&[vec![text("4")], vec![text("100")]][..]));
        let named = wanted("Name = 'System' AND CommandLine IS NULL", None);
        assert_eq!((named.keys(), named.values(2)), (None, Some(&[text("System")][..])));
        assert_eq!(wanted("Handle = 4 AND Handle = 8", None).keys(), Some(&[][..]));
        assert_eq!(Wanted::one(vec![text("4")]).keys(), Some(&[vec![text("4")]][..]));
        assert_eq!(Wanted::everything().keys(), None);
    }

    #[test]
    fn only_named_properties_are_needed() {
        let some = wanted("Name = 'a'", Some(&[0, 2]));
        assert_eq!([0, 1, 2, 3].map(|index| some.needs(index)), [true, false, true, false]);
        assert!(some.needs_any([1, 2]) && !some.needs_any([1, 3]));
        assert!(Wanted::everything().needs(3));
    }

    #[test]
    fn what_is_known_may_rule_an_instance_out() {
        let (class, _) = processes();
        let row = instance(&class, &[("Handle", "4".into()), ("Name", "System".into())]);
        let known: PropertySet = [0, 2].into_iter().collect();
        for (condition, expected) in [
            ("Name = 'other'", true),
            ("Name = 'system'", false),
            ("Name = 'other' AND CommandLine = 'x'", true),
            ("Name = 'other' OR CommandLine = 'x'", false),
            ("NOT (Name = 'system' OR CommandLine = 'x')", true),
            ("CommandLine IS NOT NULL", false),
            ("ProcessId = 4", false),
            ("__RELPATH = 'x'", true),
            ("__CLASS = 'x'", true),
        ] {
            assert_eq!(wanted(condition, None).rules_out(&row, &known), expected, "{condition}");
        }
        let nothing = PropertySet::default();
        assert!(!wanted("__RELPATH IS NULL", None).rules_out(&row, &nothing));
        assert!(!wanted("__RELPATH = 'x'", None).rules_out(&row, &nothing));
        assert!(!Wanted::everything().rules_out(&row, &known));
    }
}
