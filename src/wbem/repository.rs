//! Namespaces, the classes in them, and who answers for each.
//!
//! Floor 5. Pure. Names are found without letter case.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::events;
use super::fold;
use super::path::NamespacePath;
use super::provider::ClassProvider;
use super::store::Store;

/// The namespaces that are there from the beginning.
const NAMESPACES: [&str; 2] = ["ROOT", "ROOT\\CIMV2"];

/// Every namespace of a server.
pub(super) struct Repository {
    /// By their folded names.
    namespaces: BTreeMap<String, Namespace>,
    /// What the machine is called, if the program has said so.
    machine: Option<Box<str>>,
}

/// The classes of a namespace.
pub(super) struct Namespace {
    path: NamespacePath,
    /// By their folded names.
    classes: BTreeMap<String, Entry>,
    /// The instructions for timers.
    timers: Store,
}

/// A class in its namespace.
pub(super) struct Entry {
    pub(super) class: Arc<Class>,
    pub(super) provider: Option<Rc<dyn ClassProvider>>,
    /// The folded names of the classes that derive from it directly.
    children: Vec<String>,
}

impl Repository {
    pub(super) fn new() -> Repository {
        let mut repository = Repository { namespaces: BTreeMap::new(), machine: None };
        for name in NAMESPACES {
            repository.make(&NamespacePath::parse(name).expect("the name is that of a namespace"));
        }
        repository
    }

    pub(super) fn machine(&self) -> Option<&str> {
        self.machine.as_deref()
    }

    /// Gives the machine a name, once; classes that are registered from now on tell it.
    pub(super) fn name_machine(&mut self, name: &str) -> Result<(), WbemError> {
        if self.machine.is_some() {
            let error = WbemError::new(WbemStatus::IllegalOperation).parameter(name);
            return Err(error.description("the machine has a name already"));
        }
        for namespace in self.namespaces.values_mut() {
            namespace.path = namespace.path.clone().on_server(name).map_err(|error| error.in_text(name))?;
        }
        self.machine = Some(name.into());
        Ok(())
    }

    /// Finds a namespace of this machine.
    pub(super) fn namespace(&self, path: &NamespacePath) -> Result<&Namespace, WbemError> {
        let found = self.namespaces.get(&fold::text(&path.namespace()));
        found.filter(|namespace| path.is_on_machine_of(&namespace.path)).ok_or_else(|| no_namespace(path))
    }

    /// Puts a class into a namespace, which is made if it is not there, with the ancestors that are missing.
    pub(super) fn register(
        &mut self,
        path: NamespacePath,
        class: &Arc<Class>,
        provider: Option<Rc<dyn ClassProvider>>,
    ) -> Result<(), WbemError> {
        let is_machine = |server: &str| self.machine().is_some_and(|machine| fold::equal(server, machine));
        if !path.is_local() && !path.server().is_some_and(is_machine) {
            return Err(no_namespace(&path));
        }
        self.make(&path).register(class, provider)
    }

    /// The namespace, which is made if it is not there.
    fn make(&mut self, path: &NamespacePath) -> &mut Namespace {
        let machine = self.machine.as_deref();
        self.namespaces.entry(fold::text(&path.namespace())).or_insert_with(|| {
            let path = path.on_machine(machine);
            let mut classes: Vec<Arc<Class>> = Vec::new();
            for class in events::system_classes() {
                // Parents come before their children. Each namespace has its own, which tell where they are.
                let parent = class.superclass().and_then(|parent| classes.iter().find(|it| it.name() == parent.name()));
                classes.push(class.copied(parent, path.clone()));
            }
            let is_timer = |class: &&Arc<Class>| &**class.name() == events::INTERVAL_TIMER;
            let timers = Store::new(classes.iter().find(is_timer).expect("it is a class of the system"));
            let mut namespace = Namespace { path, classes: BTreeMap::new(), timers: timers.clone() };
            for class in &classes {
                namespace.insert(class, None);
            }
            namespace.insert(timers.class(), Some(Rc::new(timers.clone())));
            namespace
        })
    }
}

impl Namespace {
    pub(super) fn path(&self) -> &NamespacePath {
        &self.path
    }

    pub(super) fn timers(&self) -> &Store {
        &self.timers
    }

    /// Finds a class.
    pub(super) fn class(&self, name: &str) -> Option<&Entry> {
        self.classes.get(&fold::text(name))
    }

    /// Finds a class, or says that there is none.
    pub(super) fn need(&self, name: &str, status: WbemStatus) -> Result<&Entry, WbemError> {
        self.class(name).ok_or_else(|| {
            let description = format!("there is no class {name} in the namespace {}", self.path);
            WbemError::new(status).description(description)
        })
    }

    /// Every class, in the order of their names.
    pub(super) fn classes(&self) -> impl Iterator<Item = &Entry> {
        self.classes.values()
    }

    /// The class of this name, and all that derive from it, parents before their children.
    pub(super) fn subtree(&self, name: &str) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = self.class(name).into_iter().collect();
        let mut looked_at = 0;
        while let Some(entry) = found.get(looked_at) {
            looked_at += 1;
            let children = self.children(entry);
            found.extend(children);
        }
        found
    }

    /// The classes that derive directly from this one.
    pub(super) fn children(&self, entry: &Entry) -> Vec<&Entry> {
        entry.children.iter().filter_map(|child| self.classes.get(child)).collect()
    }

    fn register(&mut self, class: &Arc<Class>, provider: Option<Rc<dyn ClassProvider>>) -> Result<(), WbemError> {
        let refuse = |status, description: &str| {
            let description = format!("{} cannot be registered in {}: {description}", class.name(), self.path);
            Err(WbemError::new(status).description(description))
        };
        if let Some(known) = self.class(class.name()) {
            if known.provider.is_some() {
                return refuse(WbemStatus::AlreadyExists, "it is registered already");
            }
            if !is_same(&known.class, class) {
                return refuse(WbemStatus::AlreadyExists, "another class has its name");
            }
        }
        let mut ancestor = class.superclass();
        while let Some(parent) = ancestor {
            if self.class(parent.name()).is_some_and(|known| !is_same(&known.class, parent)) {
                return refuse(WbemStatus::InvalidSuperclass, "another class has the name of its parent");
            }
            ancestor = parent.superclass();
        }
        if !class.settle(self.path.clone()) {
            return refuse(WbemStatus::IllegalOperation, "it belongs to another namespace");
        }
        self.insert(class, provider);
        Ok(())
    }

    /// Puts a class in, after its ancestors.
    fn insert(&mut self, class: &Arc<Class>, provider: Option<Rc<dyn ClassProvider>>) {
        let key = fold::text(class.name());
        if let Some(known) = self.classes.get_mut(&key) {
            // The provider's own class, so that rows are known to be of it at a glance.
            known.class = class.clone();
            known.provider = provider;
            return;
        }
        if let Some(parent) = class.superclass() {
            if self.class(parent.name()).is_none() {
                parent.settle(self.path.clone());
                self.insert(parent, None);
            }
            let parent = self.classes.get_mut(&fold::text(parent.name())).expect("it was put in right before");
            parent.children.push(key.clone());
        }
        self.classes.insert(key, Entry { class: class.clone(), provider, children: Vec::new() });
    }
}

fn no_namespace(path: &NamespacePath) -> WbemError {
    let error = WbemError::new(WbemStatus::InvalidNamespace);
    error.description("there is no such namespace").parameter(path.to_string())
}

/// Whether the classes are one, or made alike.
fn is_same(left: &Arc<Class>, right: &Arc<Class>) -> bool {
    let shape = |class: &Arc<Class>| -> Vec<_> {
        class.properties().iter().map(|property| (fold::text(&property.name), property.property_type)).collect()
    };
    let lineage = |class: &Arc<Class>| -> Vec<_> { class.lineage().map(|class| fold::text(class.name())).collect() };
    let identity = |class: &Arc<Class>| (class.keys().to_vec(), class.is_singleton());
    let is_alike =
        || shape(left) == shape(right) && identity(left) == identity(right) && lineage(left) == lineage(right);
    Arc::ptr_eq(left, right) || is_alike()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbem::cim_type::CimType;
    use crate::wbem::class::Property;
    use crate::wbem::fixtures::{class, derived};

    /// A repository with a tree of classes in `ROOT\CIMV2`.
    fn repository() -> (Repository, Arc<Class>) {
        let top = class("Top", [Property::key("Id", CimType::Uint32)]);
        let left = derived("Left", &top, []);
        let leaf = derived("Leaf", &left, [Property::new("Size", CimType::Uint8)]);
        let right = derived("Right", &top, []);
        let mut repository = Repository::new();
        for class in [&leaf, &right] {
            repository.register("root\\cimv2".parse().unwrap(), class, None).unwrap();
        }
        (repository, leaf)
    }

    #[test]
    fn a_class_brings_its_ancestors() {
        let (repository, _) = repository();
        let namespace = repository.namespace(&"//./Root/CIMV2".parse().unwrap()).unwrap();
        let names = |name: &str| -> Vec<_> {
            namespace.subtree(name).iter().map(|entry| entry.class.name().to_string()).collect()
        };
        assert_eq!(names("top"), ["Top", "Left", "Right", "Leaf"]);
        assert_eq!(names("LEFT"), ["Left", "Leaf"]);
        assert_eq!(names("none"), [""; 0]);
        assert_eq!(namespace.children(namespace.class("Top").unwrap()).len(), 2);
        assert_eq!(namespace.need("none", WbemStatus::NotFound).map(|_| ()).unwrap_err().status, WbemStatus::NotFound);
        assert!(namespace.class("__event").is_some());
    }

    #[test]
    fn what_cannot_be_registered_is_refused() {
        let (mut repository, leaf) = repository();
        let home = || "root\\cimv2".parse().unwrap();
        let mut refused = |path: NamespacePath, class: &Arc<Class>| {
            repository.register(path, class, None).map_err(|error| error.status)
        };
        assert_eq!(refused("root\\other".parse().unwrap(), &leaf), Err(WbemStatus::IllegalOperation));
        assert_eq!(refused(home(), &leaf), Ok(()));
        let other = class("leaf", [Property::key("Name", CimType::String)]);
        assert_eq!(refused(home(), &other), Err(WbemStatus::AlreadyExists));
        let top = class("Top", [Property::key("Name", CimType::String)]);
        assert_eq!(refused(home(), &derived("Child", &top, [])), Err(WbemStatus::InvalidSuperclass));
        // It would stay below its first parent, and be none of that one's.
        let top = class("Top", [Property::key("Id", CimType::Uint32)]);
        assert_eq!(refused(home(), &derived("Right", &derived("Left", &top, []), [])), Err(WbemStatus::AlreadyExists));
        assert_eq!(refused(home(), &derived("Right", &top, [])), Ok(()));
        let other = NamespacePath::parse("root\\nowhere").unwrap();
        assert_eq!(repository.namespace(&other).map(|_| ()).unwrap_err().status, WbemStatus::InvalidNamespace);
    }
}
