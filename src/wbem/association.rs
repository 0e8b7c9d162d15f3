//! `ASSOCIATORS OF` and `REFERENCES OF`: objects that are found through associations.
//!
//! Floor 5. An association is an object whose class has properties that are paths of others. Only those are read
//! whose class says that they can refer to the object, and to what is asked for; the ends of each that does refer to it
//! are looked up one by one.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cim_type::{CimType, PropertyType};
use super::class::{Class, Property, Qualifier};
use super::error::{WbemError, WbemStatus};
use super::feed::{Asking, Finish, Next, Part, Source};
use super::fold;
use super::instance::Instance;
use super::path::{NamespacePath, ObjectPath};
use super::plan::{self, Depth};
use super::provider::{Progress, Wanted};
use super::repository::Namespace;
use super::scan::{Counts, Filter, Scan, waker};
use super::server::Server;
use super::value::Value;
use super::work::Known;
use super::wql::{AssociatorsQuery, Output, ReferencesQuery};

/// Either query.
pub(super) struct Question {
    path: ObjectPath,
    /// What the association must be.
    link: Restriction,
    /// The association's property that refers to the object.
    role: Option<Box<str>>,
    /// What the other end must be, if that is asked for and not the association itself.
    far: Option<FarEnd>,
    output: Output,
}

/// What must be of a class.
struct Restriction {
    class: Option<Box<str>>,
    qualifier: Option<Box<str>>,
}

/// What the other end must be.
struct FarEnd {
    restriction: Restriction,
    /// The association's property that refers to it.
    role: Option<Box<str>>,
}

impl From<AssociatorsQuery> for Question {
    fn from(query: AssociatorsQuery) -> Question {
        let link = Restriction { class: query.association_class, qualifier: query.required_association_qualifier };
        let restriction = Restriction { class: query.result_class, qualifier: query.required_qualifier };
        let far = Some(FarEnd { restriction, role: query.result_role });
        Question { path: query.path, link, role: query.role, far, output: query.output }
    }
}

impl From<ReferencesQuery> for Question {
    fn from(query: ReferencesQuery) -> Question {
        let link = Restriction { class: query.result_class, qualifier: query.required_qualifier };
        Question { path: query.path, link, role: query.role, far: None, output: query.output }
    }
}

impl Restriction {
    fn admits(&self, class: &Class) -> bool {
        let is_named = |qualifier: &Qualifier, name: &str| qualifier.name.eq_ignore_ascii_case(name);
        self.class.as_ref().is_none_or(|name| class.is_a(name))
            && self.qualifier.as_ref().is_none_or(|name| class.qualifiers().iter().any(|it| is_named(it, name)))
    }
}

/// Plans the answer: who is asked for associations, or what the classes alone say.
pub(super) fn begin(
    question: Question,
    namespace: &Namespace,
    server: Server,
    home: NamespacePath,
) -> Result<Box<dyn Source>, WbemError> {
    let entry = plan::owner(&question.path, namespace)?;
    let class = entry.class.clone();
    let named = [Some(&question.link), question.far.as_ref().map(|far| &far.restriction)];
    for name in named.into_iter().flatten().filter_map(|restriction| restriction.class.as_deref()) {
        namespace.need(name, WbemStatus::InvalidClass)?;
    }
    let links = namespace
        .classes()
        .filter(|entry| question.link.admits(&entry.class) && entry.class.properties().iter().any(is_reference));
    if question.output == Output::Schema || question.path.is_class() {
        let links: Vec<Arc<Class>> = links.map(|entry| entry.class.clone()).collect();
        return Ok(Box::new(Known::new(schema(&question, &class, &links, namespace).into_iter().map(Into::into))));
    }
    let keys = question.path.key_values(&class).map_err(|error| error.in_text(&question.path.to_string()))?;
    let links: Vec<_> = links.filter(|entry| can_link(&question, &class, &entry.class, namespace)).collect();
    let targets = plan::origins(&links, namespace).into_iter().map(|origin| origin.target(Wanted::everything()));
    let scan = Scan::new(targets.collect(), Filter::All, None);
    // A reference by the name of an ancestor may be to an object that is none of the class.
    let is_ambiguous = class.superclass().is_some_and(|parent| !parent.keys().is_empty());
    let lookup = match is_ambiguous {
        true => Lookup::Near(plan::instance(&question.path, namespace, Depth::Deep)?),
        false => Lookup::None,
    };
    let derived = namespace.subtree(class.name()).into_iter().map(|entry| entry.class.name().clone()).collect();
    let near = Near { class, derived, keys, home: namespace.path().clone() };
    let (rows, ends, told) = (Vec::new(), VecDeque::new(), Vec::new());
    Ok(Box::new(Associations {
        question,
        near,
        scan,
        rows,
        ends,
        lookup,
        told,
        is_known: false,
        is_partial: false,
        server,
        home,
    }))
}

fn is_reference(property: &Property) -> bool {
    property.property_type == PropertyType::One(CimType::Reference)
}

/// Whether a role is the one that is asked for, if one is.
fn is_role(wanted: Option<&str>, property: &Property) -> bool {
    is_reference(property) && wanted.is_none_or(|role| fold::equal(role, &property.name))
}

/// Whether objects of `link` can refer to one of `class`, or of what derives from it, and to what is asked for.
fn can_link(question: &Question, class: &Class, link: &Class, namespace: &Namespace) -> bool {
    let ends = |role: Option<&str>, class: Option<&Class>| {
        let can_be = |property: &Property| is_role(role, property) && can_refer(property, class, namespace);
        let ends = link.properties().iter().enumerate().filter(move |(_, property)| can_be(property));
        ends.map(|(index, _)| index).collect::<Vec<_>>()
    };
    let near = ends(question.role.as_deref(), Some(class));
    let Some(far) = &question.far else { return !near.is_empty() };
    let wanted = far.restriction.class.as_deref().and_then(|name| namespace.class(name));
    let far = ends(far.role.as_deref(), wanted.map(|entry| &*entry.class));
    near.iter().any(|near| far.iter().any(|far| far != near))
}

/// Whether a reference can be to an object of a class, or of what derives from it; without a class to any.
fn can_refer(property: &Property, class: Option<&Class>, namespace: &Namespace) -> bool {
    let (Some(target), Some(class)) = (property.target_class.as_deref(), class) else { return true };
    class.is_a(target) || namespace.class(target).is_some_and(|target| target.class.is_a(class.name()))
}

/// The classes that a class can be associated with, or the classes of its associations.
fn schema(question: &Question, class: &Class, links: &[Arc<Class>], namespace: &Namespace) -> Vec<Arc<Class>> {
    let mut found: Vec<Arc<Class>> = Vec::new();
    for link in links {
        let near = link.properties().iter().enumerate().filter(|(_, property)| {
            let target = property.target_class.as_deref();
            is_role(question.role.as_deref(), property) && target.is_none_or(|target| class.is_a(target))
        });
        for (near, _) in near {
            let classes: Vec<Arc<Class>> = match &question.far {
                None => vec![link.clone()],
                Some(far) => {
                    let properties = link.properties().iter().enumerate();
                    let ends = properties.filter(|(index, it)| *index != near && is_role(far.role.as_deref(), it));
                    let named = ends.filter_map(|(_, property)| namespace.class(property.target_class.as_deref()?));
                    named.map(|entry| entry.class.clone()).filter(|it| far.restriction.admits(it)).collect()
                }
            };
            for class in classes {
                if !found.iter().any(|known| Arc::ptr_eq(known, &class)) {
                    found.push(class);
                }
            }
        }
    }
    found
}

/// The object whose associations are asked for.
struct Near {
    class: Arc<Class>,
    /// The names of the class and of those that derive from it: the object may be of any.
    derived: Vec<Arc<str>>,
    keys: Vec<Value>,
    home: NamespacePath,
}

impl Near {
    /// Whether a reference is to the object.
    fn is_meant(&self, reference: &Value) -> bool {
        let path = reference.as_str().and_then(|text| ObjectPath::parse(text).ok());
        let Some(path) = path.filter(|path| plan::is_here(path, &self.home)) else { return false };
        let is_derived = self.derived.iter().any(|name| fold::equal(name, path.class()));
        let path = if is_derived { ObjectPath::new(self.class.name(), path.keys().clone()) } else { Ok(path) };
        let keys = path.and_then(|path| path.key_values(&self.class));
        keys.is_ok_and(|keys| keys.iter().zip(&self.keys).all(|(left, right)| left.is_same_key(right)))
    }
}

/// What is looked up at the moment.
enum Lookup {
    None,
    /// The other end of an association.
    End(Scan),
    /// The object, where no association tells that it is there.
    Near(Scan),
}

/// The reading of associations, and of their other ends.
struct Associations {
    question: Question,
    near: Near,
    scan: Scan,
    rows: Vec<Arc<Instance>>,
    /// Other ends that are still to be looked up.
    ends: VecDeque<ObjectPath>,
    lookup: Lookup,
    /// An association refers to the object, or it was found.
    is_known: bool,
    /// An end may be there and could not be read.
    is_partial: bool,
    /// Classes that were told already, where only classes are asked for.
    told: Vec<Arc<Class>>,
    server: Server,
    home: NamespacePath,
}

impl Source for Associations {
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next {
        if let Some(next) = self.look_up(out, asking) {
            return next;
        }
        if let Some(end) = self.ends.pop_front() {
            self.lookup = self.find(&end).map_or(Lookup::None, Lookup::End);
            return Next::More;
        }
        let mut rows = std::mem::take(&mut self.rows);
        let progress = self.scan.step(room, &mut rows, || waker(asking.waker.clone()));
        for row in rows.drain(..) {
            self.examine(&row, out);
        }
        self.rows = rows;
        match progress {
            Progress::End(Ok(())) if !self.ends.is_empty() => Next::More,
            Progress::End(Ok(())) if !self.is_known => match self.find(&self.question.path) {
                Ok(scan) => {
                    self.lookup = Lookup::Near(scan);
                    Next::More
                }
                Err(error) => Next::End(Finish::of(Err(error))),
            },
            Progress::End(Ok(())) => {
                let status = if self.is_partial { WbemStatus::SPartialResults } else { WbemStatus::SNoError };
                Next::End(Finish { counts: self.scan.counts, ..Finish::of(Ok(status)) })
            }
            progress => Next::after(progress, asking.now, self.scan.counts),
        }
    }
}

impl Associations {
    /// Plans the reading of an object.
    fn find(&self, path: &ObjectPath) -> Result<Scan, WbemError> {
        let shared = self.server.shared.borrow();
        shared.namespace(&self.home).and_then(|namespace| plan::instance(path, namespace, Depth::Deep))
    }

    /// Goes on with what is looked up; `None` if nothing is.
    fn look_up(&mut self, out: &mut VecDeque<Part>, asking: &Asking) -> Option<Next> {
        let (Lookup::End(scan) | Lookup::Near(scan)) = &mut self.lookup else { return None };
        let mut found = Vec::new();
        let progress = scan.step(1, &mut found, || waker(asking.waker.clone()));
        let end = found.into_iter().next();
        if end.is_none() && !matches!(progress, Progress::End(_)) {
            return Some(Next::after(progress, asking.now, Counts::default()));
        }
        match (std::mem::replace(&mut self.lookup, Lookup::None), end) {
            (Lookup::End(_), Some(end)) => self.tell(end, out),
            (Lookup::Near(_), None) if progress == Progress::End(Ok(())) => {
                let error = WbemError::new(WbemStatus::NotFound).parameter(self.question.path.to_string());
                return Some(Next::End(Finish::of(Err(error.description("there is no such object")))));
            }
            // An object that cannot be read may be there. An end that is gone meanwhile is left out; that one could not be
            // read is told at the end.
            (Lookup::Near(_), _) => self.is_known = true,
            (Lookup::End(_), None) => self.is_partial |= progress != Progress::End(Ok(())),
            (Lookup::None, _) => {}
        }
        Some(Next::More)
    }

    /// Looks whether an association refers to the object, and notes its other ends.
    fn examine(&mut self, row: &Arc<Instance>, out: &mut VecDeque<Part>) {
        // Of a derived class that nobody provides there may be other things to say than of the one that was asked for.
        if !self.question.link.admits(row.class()) {
            return;
        }
        let properties = || row.class().properties().iter().enumerate();
        let is_meant = |(index, property): &(usize, &Property)| {
            is_role(self.question.role.as_deref(), property)
                && row.value(*index).is_some_and(|value| self.near.is_meant(value))
        };
        let nears: Vec<usize> = properties().filter(is_meant).map(|(index, _)| index).collect();
        if nears.is_empty() {
            return;
        }
        self.is_known = true;
        let Some(far) = &self.question.far else {
            self.tell(row.clone(), out);
            return;
        };
        // An end is told once of an association, however often and in whatever way that refers to it, or to the object.
        let mut told: Vec<ObjectPath> = Vec::new();
        let is_far =
            |index: usize, property| nears.iter().any(|near| *near != index) && is_role(far.role.as_deref(), property);
        for (index, _) in properties().filter(|(index, property)| is_far(*index, property)) {
            let path = row.value(index).and_then(Value::as_str).and_then(|text| ObjectPath::parse(text).ok());
            told.extend(path.filter(|path| !told.iter().any(|known| self.is_same_object(known, path))));
        }
        self.ends.extend(told);
    }

    /// Whether both paths lead to the same object of the namespace.
    fn is_same_object(&self, left: &ObjectPath, right: &ObjectPath) -> bool {
        let shared = self.server.shared.borrow();
        let Ok(namespace) = shared.namespace(&self.home) else { return false };
        let found = |path: &ObjectPath| {
            let class = &plan::owner(path, namespace).ok()?.class;
            Some((class.clone(), path.key_values(class).ok()?))
        };
        found(left).zip(found(right)).is_some_and(|((class, keys), (other, others))| {
            // One may be named by a parent of its class.
            let is_related = class.is_a(other.name()) || other.is_a(class.name());
            is_related
                && keys.len() == others.len()
                && keys.iter().zip(&others).all(|(left, right)| left.is_same_key(right))
        })
    }

    /// Tells an object as it is asked for, if it is.
    fn tell(&mut self, object: Arc<Instance>, out: &mut VecDeque<Part>) {
        let far = self.question.far.as_ref();
        if far.is_some_and(|far| !far.restriction.admits(object.class())) {
            return;
        }
        let class = object.class();
        match self.question.output {
            Output::Objects | Output::Schema => out.push_back(Part::Object(object.into())),
            Output::Keys => {
                let values = class.keys().iter().filter_map(|key| object.value(*key).cloned()).collect();
                let keys = Instance::from_fitting(&class.project(class.keys()), values);
                out.push_back(Part::Object(Arc::new(keys).into()));
            }
            Output::Classes => {
                if !self.told.iter().any(|known| Arc::ptr_eq(known, class)) {
                    self.told.push(class.clone());
                    out.push_back(Part::Object(class.clone().into()));
                }
            }
        }
    }
}
