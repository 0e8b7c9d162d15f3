//! From a query to the providers that answer it, and what each is told in advance.
//!
//! Floor 5. Pure. Evaluated early: a condition that cannot hold asks nobody, one that names keys or
//! values tells them to the provider, one that names a class (`__CLASS`, `__this ISA`) leaves the
//! others out, and only the properties that list and condition need are asked for.

use std::rc::Rc;
use std::sync::Arc;

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::instance::Instance;
use super::object::Object;
use super::path::{NamespacePath, ObjectPath, PathErrorKind};
use super::provider::Wanted;
use super::repository::{Entry, Namespace};
use super::scan::{Filter, Scan, Target};
use super::wql::{PropertySet, SelectList, SelectQuery};

/// How a query is answered, for people: the layer's own words for what `--explain` prints.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The class that the query names.
    pub class: Arc<str>,
    /// Those who are asked; nobody if the condition cannot hold, or nobody provides the class.
    pub providers: Vec<ExplainedProvider>,
}

/// What one provider is asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExplainedProvider {
    /// The class that it provides.
    pub class: Arc<str>,
    /// The properties that are needed.
    pub properties: Vec<Arc<str>>,
    /// How many objects are asked for by their keys; `None` if all are looked at.
    pub keys: Option<usize>,
    /// The other properties whose values it is told.
    pub bound: Vec<Arc<str>>,
}

/// A query that has found its providers.
pub(super) struct Plan {
    pub(super) class: Arc<Class>,
    pub(super) targets: Vec<Target>,
    pub(super) scan: Scan,
    /// What `WBEM_FLAG_PROTOTYPE` gives.
    pub(super) prototype: Arc<Instance>,
}

/// Plans a query for instances.
pub(super) fn select(
    query: &SelectQuery,
    text: &str,
    namespace: &Namespace,
    is_locatable: bool,
    utc_offset: i16,
) -> Result<Plan, WbemError> {
    let class = &namespace.need(&query.class.text, WbemStatus::InvalidClass).map_err(|error| {
        error.parameter(text).offending(query.class.text.to_string(), query.class.place.start as usize)
    })?;
    let class = &class.class;
    if class.is_event() {
        let error = WbemError::new(WbemStatus::InvalidQuery).description("events are told by ExecNotificationQuery");
        return Err(error.parameter(text).offending(query.class.text.to_string(), query.class.place.start as usize));
    }
    let predicate = Rc::new(query.predicate(class, utc_offset).map_err(|error| error.in_query(text))?);
    let projection = query.projection(class, is_locatable).map_err(|error| error.in_query(text))?;
    // The path needs keys that a derived class may have and its ancestor not.
    let properties = |class: &Class| match query.list {
        SelectList::All => None,
        SelectList::Properties(_) => {
            let mut properties = projection.reads_of(class);
            properties.extend(&predicate.reads_of(class));
            Some(properties)
        }
    };
    let nothing = PropertySet::default();
    let subtree = namespace.subtree(class.name());
    let can_match = |entry: &Entry| !predicate.rules_out(&Instance::new(&entry.class), &nothing);
    // Instances of a derived class that nobody provides come from who provides its ancestor.
    let can_come = |entry: &Entry| {
        let derived = || namespace.subtree(entry.class.name()).into_iter().filter(|entry| entry.provider.is_none());
        can_match(entry) || derived().any(can_match)
    };
    let wanted_classes = subtree.into_iter().filter(|entry| can_come(entry));
    let targets: Vec<Target> = wanted_classes
        .filter_map(|entry| {
            let wanted = Wanted::matching(&entry.class, properties(&entry.class), predicate.clone());
            target(entry, wanted)
        })
        .filter(|target| target.wanted.keys().is_none_or(|keys| !keys.is_empty()))
        .collect();
    let prototype = projection.apply(&Arc::new(Instance::new(class)));
    let scan = Scan::new(targets.clone(), Filter::Predicate(predicate), Some(projection));
    Ok(Plan { class: class.clone(), targets, scan, prototype })
}

/// Plans the reading of all instances of a class; with `is_deep` also of those that derive from it.
pub(super) fn instances(class: &str, namespace: &Namespace, is_deep: bool) -> Result<Scan, WbemError> {
    let entry = namespace.need(class, WbemStatus::InvalidClass).map_err(|error| error.parameter(class))?;
    if entry.class.is_event() {
        let error = WbemError::new(WbemStatus::ProviderNotCapable).parameter(class);
        return Err(error.description("events are told by ExecNotificationQuery"));
    }
    let entries = if is_deep { namespace.subtree(class) } else { vec![entry] };
    let targets = entries.into_iter().filter_map(|entry| target(entry, Wanted::everything())).collect();
    Ok(Scan::new(targets, Filter::All, None))
}

/// What a path leads to.
pub(super) enum Found {
    Class(Object),
    /// Whoever may know the instance.
    Instance(Scan),
}

/// Plans the reading of one object.
pub(super) fn object(path: &ObjectPath, namespace: &Namespace) -> Result<Found, WbemError> {
    let entry = owner(path, namespace)?;
    if path.is_class() {
        return Ok(Found::Class(entry.class.clone().into()));
    }
    instance(path, namespace).map(Found::Instance)
}

/// Plans the reading of one instance.
pub(super) fn instance(path: &ObjectPath, namespace: &Namespace) -> Result<Scan, WbemError> {
    let entry = owner(path, namespace)?;
    let keys = path.key_values(&entry.class).map_err(|error| error.in_text(&path.to_string()))?;
    let entries = namespace.subtree(path.class()).into_iter();
    let targets = entries.filter_map(|entry| target(entry, Wanted::one(keys.clone()))).collect();
    Ok(Scan::new(targets, Filter::Keys(keys), None))
}

/// Whether a path is of the namespace `home`, by not naming another.
pub(super) fn is_here(path: &ObjectPath, home: &NamespacePath) -> bool {
    let is_named = |named: &NamespacePath| named.on_machine(None) == home.on_machine(None);
    path.namespace().is_none_or(|named| named.is_on_machine_of(home) && is_named(named))
}

/// The class that a path names, in this namespace.
pub(super) fn owner<'n>(path: &ObjectPath, namespace: &'n Namespace) -> Result<&'n Entry, WbemError> {
    if !is_here(path, namespace.path()) {
        let description = format!("the path is of another namespace than {}", namespace.path());
        return Err(WbemError::new(WbemStatus::InvalidNamespace).description(description).parameter(path.to_string()));
    }
    // The texts have it so: the class of an object that is not there either is not found.
    let status = if path.is_class() { WbemStatus::NotFound } else { WbemStatus::InvalidClass };
    namespace.need(path.class(), status).map_err(|error| error.parameter(path.to_string()))
}

/// The error of a path that names a class where an instance is needed.
pub(super) fn not_an_instance(path: &ObjectPath) -> WbemError {
    let kind = PathErrorKind::WrongKind("the path is that of a class, not of an instance");
    WbemError::new(WbemStatus::InvalidObjectPath).description(kind.to_string()).parameter(path.to_string())
}

/// Asks the provider of a class, if it has one; one of events begins a source, and has no instances.
pub(super) fn target(entry: &Entry, wanted: Wanted) -> Option<Target> {
    let provider = entry.provider.clone().filter(|_| !entry.class.is_event())?;
    Some(Target { class: entry.class.clone(), provider, wanted })
}

impl Plan {
    pub(super) fn explain(&self) -> Explanation {
        let providers = self.targets.iter().map(|target| ExplainedProvider::new(&target.class, &target.wanted));
        Explanation { class: self.class.name().clone(), providers: providers.collect() }
    }
}

impl ExplainedProvider {
    pub(super) fn new(class: &Class, wanted: &Wanted) -> ExplainedProvider {
        let names = |is_meant: &dyn Fn(usize) -> bool| -> Vec<Arc<str>> {
            let properties = class.properties().iter().enumerate();
            properties.filter(|(index, _)| is_meant(*index)).map(|(_, property)| property.name.clone()).collect()
        };
        let is_key = |index: usize| class.keys().contains(&index);
        ExplainedProvider {
            class: class.name().clone(),
            properties: names(&|index| wanted.needs(index)),
            keys: wanted.keys().map(<[_]>::len),
            bound: names(&|index| !is_key(index) && wanted.values(index).is_some()),
        }
    }
}
