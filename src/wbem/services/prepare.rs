//! What must be known before a call can start, whatever its form.
//!
//! Floor 5. What is wrong at once is the error of these functions; what the call is told later is inside what
//! they return. No provider is asked here.

use std::rc::Rc;
use std::sync::Arc;

use super::{Services, missing};
use crate::Pump;
use crate::wbem::association;
use crate::wbem::class::{Class, Method};
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::feed::Source;
use crate::wbem::flags::Flags;
use crate::wbem::instance::Instance;
use crate::wbem::object::Object;
use crate::wbem::path::ObjectPath;
use crate::wbem::plan::{self, Depth, Explanation, Found, Origin};
use crate::wbem::provider::{ClassProvider, Invocation, PutMode};
use crate::wbem::repository::{Entry, Namespace};
use crate::wbem::server::Start;
use crate::wbem::value::Value;
use crate::wbem::watch;
use crate::wbem::work::{Doing, Finding, Holder, Known, Reading, Seeking};
use crate::wbem::wql::{EventQuery, Query, SchemaQuery, SelectQuery};

type Work = Result<Box<dyn Source>, WbemError>;

impl Services {
    pub(super) fn prepare_query(
        &self,
        language: &str,
        text: &str,
        flags: Flags,
        allowed: Flags,
    ) -> Result<Start, WbemError> {
        let operation = "ExecQuery";
        check_query(operation, language, text)?;
        flags.check(allowed, operation)?;
        let is_prototype = flags.contains(Flags::PROTOTYPE);
        let work = Query::parse(text).map_err(|error| error.in_query(text)).and_then(|query| match query {
            Query::Select(query) => self.select(&query, text, flags),
            _ if is_prototype => {
                let error = WbemError::new(WbemStatus::NotSupported).parameter(text);
                Err(error.description("only queries for instances of a class have a prototype"))
            }
            Query::Schema(query) => self.schema(&query, text),
            Query::Associators(query) => self.associations(query.into(), text),
            Query::References(query) => self.associations(query.into(), text),
        });
        Ok(Start { operation, work, begun: None })
    }

    fn select(&self, query: &SelectQuery, text: &str, flags: Flags) -> Work {
        let plan = self.plan(query, text, depth(flags, Depth::Deep), flags.contains(Flags::ENSURE_LOCATABLE))?;
        if flags.contains(Flags::PROTOTYPE) {
            return Ok(Box::new(Known::new([plan.prototype.into()])));
        }
        Ok(Box::new(Reading::new(plan.scan, flags.contains(Flags::SEND_STATUS))))
    }

    fn plan(&self, query: &SelectQuery, text: &str, depth: Depth, is_locatable: bool) -> Result<plan::Plan, WbemError> {
        let offset = self.body.server.shared.borrow().utc_offset.unwrap_or(0);
        self.with_namespace(|namespace| plan::select(query, text, namespace, depth, is_locatable, offset))
    }

    fn schema(&self, query: &SchemaQuery, text: &str) -> Work {
        let predicate = query.predicate().map_err(|error| error.in_query(text))?;
        self.with_namespace(|namespace| {
            let classes = namespace.classes().map(|entry| &entry.class);
            let wanted = classes.filter(|class| predicate.matches(class).is_true());
            let found: Vec<Object> = wanted.map(|class| class.clone().into()).collect();
            Ok(Box::new(Known::new(found)) as Box<dyn Source>)
        })
    }

    fn associations(&self, question: association::Question, text: &str) -> Work {
        let server = self.body.server.clone();
        let home = self.body.namespace.clone();
        self.with_namespace(|namespace| association::begin(question, namespace, server, home))
            .map_err(|error| error.parameter(text))
    }

    pub(super) fn explain_query(&self, language: &str, text: &str) -> Result<Explanation, WbemError> {
        let operation = "ExecQuery";
        check_query(operation, language, text)?;
        let query = EventQuery::parse(text);
        let is_event = |query: &EventQuery| {
            query.within.is_some()
                || self
                    .with_namespace(|it| it.need(&query.class.text, WbemStatus::NotFound).map(|it| it.class.is_event()))
                    == Ok(true)
        };
        if query.is_ok_and(|query| is_event(&query)) {
            let offset = self.body.server.shared.borrow().utc_offset.unwrap_or(0);
            return self.with_namespace(|namespace| Ok(watch::plan(text, namespace, offset)?.explain(namespace)));
        }
        match Query::parse(text).map_err(|error| error.in_query(text).operation(operation))? {
            Query::Select(query) => Ok(self.plan(&query, text, Depth::Deep, false)?.explain()),
            _ => {
                let error = WbemError::new(WbemStatus::NotSupported).operation(operation);
                Err(error.description("only queries for instances and for events can be explained").parameter(text))
            }
        }
    }

    pub(super) fn prepare_notification<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        language: &str,
        text: &str,
        flags: Flags,
        allowed: Flags,
    ) -> Result<Start, WbemError> {
        let operation = "ExecNotificationQuery";
        check_query(operation, language, text)?;
        flags.check(allowed, operation)?;
        let server = &self.body.server;
        let offset = server.shared.borrow().utc_offset.unwrap_or(0);
        let plan = self.with_namespace(|namespace| watch::plan(text, namespace, offset));
        let run = plan.and_then(|plan| server.subscribe(pump, plan)).map_err(|error| error.operation(operation))?;
        Ok(Start { operation, work: Ok(Box::new(run)), begun: None })
    }

    pub(super) fn prepare_instances(&self, class: &str, flags: Flags, allowed: Flags) -> Result<Start, WbemError> {
        let operation = "CreateInstanceEnum";
        if class.is_empty() {
            return Err(missing(operation, "the name of the class"));
        }
        flags.check(allowed, operation)?;
        let wanted = if flags.contains(Flags::SHALLOW) { Depth::Shallow } else { Depth::Deep };
        let scan = self.with_namespace(|namespace| plan::instances(class, namespace, depth(flags, wanted)));
        let sends_progress = flags.contains(Flags::SEND_STATUS);
        let work = scan.map(|scan| Box::new(Reading::new(scan, sends_progress)) as Box<dyn Source>);
        Ok(Start { operation, work, begun: None })
    }

    pub(super) fn prepare_classes(&self, superclass: &str, flags: Flags, allowed: Flags) -> Result<Start, WbemError> {
        let operation = "CreateClassEnum";
        flags.check(allowed, operation)?;
        let is_deep = !flags.contains(Flags::SHALLOW);
        let found = self.with_namespace(|namespace| classes(superclass, namespace, is_deep));
        let work = found.map(|found| Box::new(Known::new(found)) as Box<dyn Source>);
        Ok(Start { operation, work, begun: None })
    }

    pub(super) fn prepare_object(&self, path: &str, flags: Flags, allowed: Flags) -> Result<Start, WbemError> {
        let operation = "GetObject";
        flags.check(allowed, operation)?;
        if path.is_empty() {
            let work: Work = Ok(Box::new(Known::new([Class::unnamed().into()])));
            return Ok(Start { operation, work, begun: None });
        }
        let found = parse_path(path)
            .and_then(|parsed| self.with_namespace(|it| plan::object(&parsed, it, depth(flags, Depth::Deep))));
        let work = found.map(|found| match found {
            Found::Class(class) => Box::new(Known::new([class])) as Box<dyn Source>,
            Found::Instance(scan) => Box::new(Finding::new(*scan, path.to_string())),
        });
        Ok(Start { operation, work, begun: None })
    }

    pub(super) fn prepare_put(&self, instance: &Instance, flags: Flags, allowed: Flags) -> Result<Start, WbemError> {
        let operation = "PutInstance";
        flags.check(allowed | Flags::UPDATE_ONLY | Flags::CREATE_ONLY, operation)?;
        let mode = match (flags.contains(Flags::UPDATE_ONLY), flags.contains(Flags::CREATE_ONLY)) {
            (false, false) => PutMode::CreateOrUpdate,
            (true, false) => PutMode::UpdateOnly,
            (false, true) => PutMode::CreateOnly,
            (true, true) => {
                let error = WbemError::new(WbemStatus::InvalidParameter).operation(operation);
                return Err(error.description("to create only and to update only exclude each other"));
            }
        };
        let work = self.with_namespace(|namespace| {
            let entry = namespace.need(instance.class().name(), WbemStatus::InvalidClass)?;
            let Origin { entry: provided, provider, .. } = provider_of(entry, namespace)?;
            check_whole(instance)?;
            let fitted = Arc::new(fit(instance, &entry.class, WbemStatus::InvalidProperty)?);
            let Some(path) = fitted.relative_path() else {
                let error = WbemError::new(WbemStatus::NoKey).parameter(entry.class.name().to_string());
                return Err(error.description("a key of the instance has no value"));
            };
            let path = path.within(namespace.path().clone());
            let put = move || provider.put(&fitted, mode);
            let doing = Doing::new(provided.class.name().to_string(), put, |()| None);
            Ok(doing.text(Some(path.to_string())).start(operation))
        });
        Ok(work.unwrap_or_else(|error| Start::failed(operation, error)))
    }

    pub(super) fn prepare_delete(&self, path: &str, flags: Flags, allowed: Flags) -> Result<Start, WbemError> {
        let operation = "DeleteInstance";
        if path.is_empty() {
            return Err(missing(operation, "the path"));
        }
        flags.check(allowed, operation)?;
        let delete = |namespace: &Namespace, parsed: &ObjectPath| {
            let entry = plan::owner(parsed, namespace)?;
            if parsed.is_class() {
                return Err(plan::not_an_instance(parsed));
            }
            let keys = parsed.key_values(&entry.class).map_err(|error| error.in_text(path))?;
            Ok(match holder(entry, namespace)? {
                Some(only) => deletion(only.entry.class.clone(), only.provider, keys).start(operation),
                None => {
                    let delete = |found: Holder| Ok(deletion(found.class, found.provider, keys_of(&found.object)));
                    Seeking::new(plan::instance(parsed, namespace, Depth::Deep)?, path.to_string(), delete)
                        .start(operation)
                }
            })
        };
        let work = parse_path(path).and_then(|parsed| self.with_namespace(|namespace| delete(namespace, &parsed)));
        Ok(work.unwrap_or_else(|error| Start::failed(operation, error)))
    }

    pub(super) fn prepare_method(
        &self,
        path: &str,
        method: &str,
        arguments: Option<&Instance>,
        flags: Flags,
    ) -> Result<Start, WbemError> {
        let operation = "ExecMethod";
        if path.is_empty() || method.is_empty() {
            return Err(missing(operation, "the path or the name of the method"));
        }
        flags.check(Flags::SEND_STATUS, operation)?;
        let execute = |namespace: &Namespace, parsed: &ObjectPath| {
            let entry = plan::owner(parsed, namespace)?;
            let keys = match (parsed.is_class(), is_static(declared(&entry.class, method)?)) {
                (true, false) => return Err(plan::not_an_instance(parsed)),
                (true, true) => None,
                (false, _) => Some(parsed.key_values(&entry.class).map_err(|error| error.in_text(path))?),
            };
            let invoked = invocation(&entry.class, method, keys, arguments)?;
            let only = match parsed.is_class() {
                true => Some(provider_of(entry, namespace)?),
                false => holder(entry, namespace)?,
            };
            Ok(match only {
                Some(only) => execution(only.entry.class.clone(), only.provider, invoked).start(operation),
                None => {
                    // The object may be of a class that has a method of its own by this name.
                    let (method, arguments) = (method.to_string(), arguments.cloned());
                    let execute = move |found: Holder| {
                        let keys = Some(keys_of(&found.object));
                        let invoked = invocation(found.object.class(), &method, keys, arguments.as_ref())?;
                        Ok(execution(found.class, found.provider, invoked))
                    };
                    Seeking::new(plan::instance(parsed, namespace, Depth::Deep)?, path.to_string(), execute)
                        .start(operation)
                }
            })
        };
        let work = parse_path(path).and_then(|parsed| self.with_namespace(|namespace| execute(namespace, &parsed)));
        Ok(work.unwrap_or_else(|error| Start::failed(operation, error)))
    }

    /// Looks something up in the handle's namespace.
    pub(super) fn with_namespace<R>(
        &self,
        look: impl FnOnce(&Namespace) -> Result<R, WbemError>,
    ) -> Result<R, WbemError> {
        let shared = self.body.server.shared.borrow();
        look(shared.namespace(&self.body.namespace)?)
    }
}

/// What is wrong with every query in this way, in the order in which it is looked for.
pub(super) fn check_query(operation: &str, language: &str, text: &str) -> Result<(), WbemError> {
    if language.is_empty() || text.is_empty() {
        return Err(missing(operation, "the query or its language"));
    }
    if !language.eq_ignore_ascii_case("WQL") {
        let error = WbemError::new(WbemStatus::InvalidQueryType).operation(operation);
        return Err(error.description("the only language is WQL").parameter(language));
    }
    Ok(())
}

/// How far from its class the instances are looked for that a call with these flags wants; `wanted` without a flag.
fn depth(flags: Flags, wanted: Depth) -> Depth {
    if flags.contains(Flags::DIRECT_READ) { Depth::Direct } else { wanted }
}

fn parse_path(path: &str) -> Result<ObjectPath, WbemError> {
    ObjectPath::parse(path).map_err(|error| error.in_text(path))
}

/// The classes that derive from a class.
fn classes(superclass: &str, namespace: &Namespace, is_deep: bool) -> Result<Vec<Object>, WbemError> {
    let entries: Vec<&Entry> = match (superclass.is_empty(), is_deep) {
        (true, true) => namespace.classes().collect(),
        (true, false) => namespace.classes().filter(|entry| entry.class.superclass().is_none()).collect(),
        (false, is_deep) => {
            let entry = namespace.need(superclass, WbemStatus::InvalidClass)?;
            if is_deep { namespace.subtree(superclass).split_off(1) } else { namespace.children(entry) }
        }
    };
    Ok(entries.into_iter().map(|entry| entry.class.clone().into()).collect())
}

/// Who provides a class, to change something.
fn provider_of<'n>(entry: &'n Entry, namespace: &'n Namespace) -> Result<Origin<'n>, WbemError> {
    Origin::of(entry, namespace).ok_or_else(|| nobody_provides(entry))
}

fn nobody_provides(entry: &Entry) -> WbemError {
    let error = WbemError::new(WbemStatus::ProviderNotCapable);
    error.description(format!("nobody provides the class {}", entry.class.name()))
}

/// Who has an object of a class if there is one; `None` if several may have it, so that it must be looked for.
fn holder<'n>(entry: &'n Entry, namespace: &'n Namespace) -> Result<Option<Origin<'n>>, WbemError> {
    let mut origins = plan::origins(&namespace.subtree(entry.class.name()), namespace);
    match origins.pop() {
        None => Err(nobody_provides(entry)),
        Some(only) => Ok(Some(only).filter(|only| origins.is_empty() && only.provides(&entry.class))),
    }
}

/// Refuses what a list of properties has left of an instance: the rest would be written over with defaults.
fn check_whole(instance: &Instance) -> Result<(), WbemError> {
    if instance.is_whole() {
        return Ok(());
    }
    let error = WbemError::new(WbemStatus::NotSupported).parameter(instance.class().name().to_string());
    Err(error.description("only some properties of the instance were selected, and instances are written as a whole"))
}

/// The keys of an object.
fn keys_of(object: &Instance) -> Vec<Value> {
    object.class().keys().iter().filter_map(|key| object.value(*key).cloned()).collect()
}

/// Has a provider delete an object.
fn deletion(class: Arc<Class>, provider: Rc<dyn ClassProvider>, keys: Vec<Value>) -> Doing<()> {
    Doing::new(class.name().to_string(), move || provider.delete(&keys), |()| None)
}

/// Has a provider run a method.
fn execution(class: Arc<Class>, provider: Rc<dyn ClassProvider>, invocation: Invocation) -> Doing<Arc<Instance>> {
    Doing::new(class.name().to_string(), move || provider.execute(&invocation), |results| Some(results.into()))
}

/// The instance as one of `class`, which may be another description of the same class.
fn fit(instance: &Instance, class: &Arc<Class>, unknown: WbemStatus) -> Result<Instance, WbemError> {
    if Arc::ptr_eq(instance.class(), class) {
        return Ok(instance.clone());
    }
    let mut fitted = Instance::new(class);
    for (property, value) in instance.class().properties().iter().zip(instance.values()) {
        let Some(index) = class.index_of(&property.name) else {
            let description = format!("{} has no property {}", class.name(), property.name);
            return Err(WbemError::new(unknown).description(description));
        };
        fitted.put_at(index, value.clone())?;
    }
    Ok(fitted)
}

/// The method of a class.
fn declared<'c>(class: &'c Class, method: &str) -> Result<&'c Method, WbemError> {
    class.method(method).ok_or_else(|| {
        let description = format!("{} has no method {method}", class.name());
        WbemError::new(WbemStatus::InvalidMethod).description(description)
    })
}

/// Whether a method is one of the class and needs no object.
fn is_static(method: &Method) -> bool {
    let mut qualifiers = method.qualifiers.iter();
    qualifiers.any(|it| it.name.eq_ignore_ascii_case("static") && it.value == Value::Boolean(true))
}

/// What a provider is told of a call of a method.
fn invocation(
    class: &Class,
    method: &str,
    keys: Option<Vec<Value>>,
    arguments: Option<&Instance>,
) -> Result<Invocation, WbemError> {
    let method = declared(class, method)?;
    Ok(Invocation { method: method.name.clone(), keys, inputs: inputs(method, arguments)? })
}

/// The arguments in the class that the method declares for them.
fn inputs(method: &Method, arguments: Option<&Instance>) -> Result<Option<Arc<Instance>>, WbemError> {
    let refuse = |description: String| {
        let description = format!("{}: {description}", method.name);
        WbemError::new(WbemStatus::InvalidMethodParameters).description(description)
    };
    match (&method.inputs, arguments) {
        (None, None) => Ok(None),
        (None, Some(given)) if given.values().is_empty() => Ok(None),
        (None, Some(_)) => Err(refuse("the method has no arguments".into())),
        (Some(class), None) => Ok(Some(Arc::new(Instance::new(class)))),
        (Some(class), Some(given)) => {
            let fitted = fit(given, class, WbemStatus::InvalidMethodParameters);
            let fitted = fitted.map_err(|error| {
                let description = error.info.and_then(|info| info.description);
                refuse(description.unwrap_or_default())
            })?;
            Ok(Some(Arc::new(fitted)))
        }
    }
}
