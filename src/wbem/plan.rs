//! From a query to the providers that answer it, and what each is told in advance.
//!
//! Floor 5. Pure. Evaluated early: a condition that cannot hold asks nobody, one that names keys or
//! values tells them to the provider, one that names a class (`__CLASS`, `__this ISA`) leaves the
//! others out, and only the properties that list and condition need are asked for.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::instance::Instance;
use super::object::Object;
use super::path::{NamespacePath, ObjectPath, PathErrorKind};
use super::provider::{ClassProvider, Wanted};
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
    depth: Depth,
    is_locatable: bool,
    utc_offset: i16,
) -> Result<Plan, WbemError> {
    let entry = namespace.need(&query.class.text, WbemStatus::InvalidClass).map_err(|error| {
        error.parameter(text).offending(query.class.text.to_string(), query.class.place.start as usize)
    })?;
    let class = &entry.class;
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
    let can_match = |class: &&Arc<Class>| !predicate.rules_out(&Instance::new(class), &nothing);
    let targets = asked(entry, namespace, depth).into_iter().filter_map(|origin| {
        let classes = origin.classes(namespace);
        if !classes.iter().any(can_match) {
            return None;
        }
        let properties = classes.iter().map(|class| properties(class)).reduce(|all, more| {
            let (mut all, more) = all.zip(more)?;
            all.extend(&more);
            Some(all)
        });
        let wanted = Wanted::matching(&origin.entry.class, properties.flatten(), predicate.clone());
        wanted.keys().is_none_or(|keys| !keys.is_empty()).then(|| origin.target(wanted))
    });
    let targets: Vec<Target> = targets.collect();
    let prototype = projection.apply(&Arc::new(Instance::new(class)));
    let scan = Scan::new(targets.clone(), Filter::Predicate(predicate), Some(projection));
    Ok(Plan { class: class.clone(), targets, scan, prototype })
}

/// Plans the reading of all instances of a class.
pub(super) fn instances(class: &str, namespace: &Namespace, depth: Depth) -> Result<Scan, WbemError> {
    let entry = namespace.need(class, WbemStatus::InvalidClass).map_err(|error| error.parameter(class))?;
    if entry.class.is_event() {
        let error = WbemError::new(WbemStatus::ProviderNotCapable).parameter(class);
        return Err(error.description("events are told by ExecNotificationQuery"));
    }
    let filter = if depth == Depth::Shallow { Filter::Class(entry.class.clone()) } else { Filter::All };
    let origins = asked(entry, namespace, depth).into_iter();
    let targets = origins.map(|origin| origin.target(Wanted::everything())).collect();
    Ok(Scan::new(targets, filter, None))
}

/// What a path leads to.
pub(super) enum Found {
    Class(Object),
    /// Whoever may know the instance.
    Instance(Box<Scan>),
}

/// Plans the reading of one object.
pub(super) fn object(path: &ObjectPath, namespace: &Namespace, depth: Depth) -> Result<Found, WbemError> {
    let entry = owner(path, namespace)?;
    if path.is_class() {
        return Ok(Found::Class(entry.class.clone().into()));
    }
    instance(path, namespace, depth).map(|scan| Found::Instance(Box::new(scan)))
}

/// Plans the reading of one instance. The path of an ancestor leads to it too.
pub(super) fn instance(path: &ObjectPath, namespace: &Namespace, depth: Depth) -> Result<Scan, WbemError> {
    let entry = owner(path, namespace)?;
    let keys = path.key_values(&entry.class).map_err(|error| error.in_text(&path.to_string()))?;
    let targets = asked(entry, namespace, depth).into_iter().map(|origin| {
        let wanted = if origin.knows_keys() { Wanted::one(keys.clone()) } else { Wanted::everything() };
        origin.target(wanted)
    });
    Ok(Scan::new(targets.collect(), Filter::Keys(keys), None))
}

/// How far from a class its instances are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Those of derived classes too.
    Deep,
    /// Only those of the class.
    Shallow,
    /// What the provider of the class gives, whatever classes there are above and below it.
    Direct,
}

/// Who is asked for the instances of a class.
pub(super) struct Origin<'n> {
    /// The class that is provided: this one, or its nearest ancestor that somebody provides.
    pub(super) entry: &'n Entry,
    pub(super) provider: Rc<dyn ClassProvider>,
    /// The class whose instances are wanted.
    class: &'n Arc<Class>,
}

impl<'n> Origin<'n> {
    /// Who provides a class. Instances of one that nobody provides come from who provides its nearest ancestor. Events
    /// are no instances: who provides them begins a source.
    pub(super) fn of(entry: &'n Entry, namespace: &'n Namespace) -> Option<Origin<'n>> {
        if entry.class.is_event() {
            return None;
        }
        let class = &entry.class;
        let mut lineage = class.lineage().filter_map(|class| namespace.class(class.name()));
        lineage.find_map(|entry| Some(Origin { entry, provider: entry.provider.clone()?, class }))
    }

    /// Whether it is this class that is provided, and no ancestor of it.
    pub(super) fn provides(&self, class: &Arc<Class>) -> bool {
        Arc::ptr_eq(&self.entry.class, class)
    }

    /// Whether the class that is provided has the keys of the one that is wanted.
    fn knows_keys(&self) -> bool {
        let (provided, wanted) = (&self.entry.class, self.class);
        provided.keys() == wanted.keys() && provided.is_singleton() == wanted.is_singleton()
    }

    /// The class that is wanted, and those derived from it that nobody provides.
    fn classes(&self, namespace: &'n Namespace) -> Vec<&'n Arc<Class>> {
        let derived = namespace.subtree(self.class.name()).into_iter().skip(1);
        let derived = derived.filter(|entry| entry.provider.is_none()).map(|entry| &entry.class);
        std::iter::once(self.class).chain(derived).collect()
    }

    /// Asks for the instances of the class that is wanted.
    pub(super) fn target(self, wanted: Wanted) -> Target {
        let only = (!self.provides(self.class)).then(|| self.class.clone());
        Target { class: self.entry.class.clone(), only, provider: self.provider, wanted }
    }
}

/// Who is asked for the instances of a class.
fn asked<'n>(entry: &'n Entry, namespace: &'n Namespace, depth: Depth) -> Vec<Origin<'n>> {
    match depth {
        Depth::Deep => origins(&namespace.subtree(entry.class.name()), namespace),
        Depth::Shallow => origins(&[entry], namespace),
        Depth::Direct => {
            let own = Origin::of(entry, namespace).filter(|origin| origin.provides(&entry.class));
            own.into_iter().collect()
        }
    }
}

/// Who is asked for the instances of some classes, each once.
pub(super) fn origins<'n>(entries: &[&'n Entry], namespace: &'n Namespace) -> Vec<Origin<'n>> {
    let wanted: HashSet<*const Entry> = entries.iter().map(|entry| std::ptr::from_ref(*entry)).collect();
    // Whoever provides an ancestor that is among them is asked already, and gives these too.
    let is_asked = |entry: &Entry| {
        let ancestors = entry.class.lineage().skip(1).filter_map(|class| namespace.class(class.name()));
        let mut known = ancestors.map(|entry| (wanted.contains(&std::ptr::from_ref(entry)), entry.provider.is_some()));
        entry.provider.is_none()
            && known.find(|(is_wanted, is_provided)| *is_wanted || *is_provided).is_some_and(|it| it.0)
    };
    let asked = entries.iter().filter(|entry| !is_asked(entry));
    asked.filter_map(|entry| Origin::of(entry, namespace)).collect()
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
