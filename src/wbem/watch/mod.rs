//! Event queries: who tells of what happens, and who is told.
//!
//! Floor 5. A *source* makes events: it polls a class, or reads what a provider tells. Sources are shared: one
//! for each class and interval, however many subscribe. Who asks for some objects only, by what cannot change of them,
//! has those looked at and no others; that is a source of its own, shared by all who ask for the same ones. A *subscription* takes the events that its query
//! selects, and is a call like any other.

mod channel;
mod poll;
mod source;
mod subscription;
mod timers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::events;
use super::fold;
use super::path::NamespacePath;
use super::plan::{self, ExplainedProvider, Explanation};
use super::provider::{ClassProvider, Rows, Wanted};
use super::repository::Namespace;
use super::server::Server;
use super::wql::{Bindings, EventQuery};
use crate::{OperationId, Pump, StreamId, StreamSettings};

pub use channel::{EventChannel, Publisher};
pub use poll::SNAPSHOT_MAX;
pub use subscription::EVENT_BYTES_MAX;
pub(super) use subscription::{Subscription, SubscriptionRun};

use poll::Poller;
use source::{Source, SourceEnd, SourceRun, Telling};
use timers::Timers;

/// The shortest time between two looks at a class: a shorter WITHIN counts as this.
pub const POLL_MIN: Duration = Duration::from_millis(100);

/// The sources of a server.
#[derive(Default)]
pub(super) struct Sources {
    sources: Vec<(Key, Weak<Source>)>,
    running: Vec<Running>,
}

/// A source that the pump runs.
struct Running {
    stream: StreamId<(), SourceEnd>,
    source: Weak<Source>,
    /// Tells when its descriptor is readable, if it has one.
    watch: Option<Watch>,
}

/// What watches a descriptor.
#[cfg(unix)]
type Watch = crate::WatchId<crate::Descriptor>;

/// There are no descriptors to watch.
#[cfg(not(unix))]
type Watch = std::convert::Infallible;

/// What a source is found by.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    namespace: NamespacePath,
    /// The class, folded.
    class: String,
    way: Way,
    /// Which instances are looked at; all without it.
    reach: Option<Bindings>,
}

/// How a source comes by its events.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// By looking at all instances, so often.
    Polling(Duration),
    /// The provider of the instances tells what happens to them.
    Changes,
    /// The class is one of events, and is provided.
    Events,
    /// By the timer instructions of the namespace.
    Timers,
}

/// A source that a query needs.
struct Need {
    way: Way,
    class: Rc<str>,
    provider: Option<Rc<dyn ClassProvider>>,
    /// Which instances the query is about, as far as that cannot change; all without it.
    reach: Option<Bindings>,
}

impl Need {
    /// What is wanted in each look.
    fn wanted(&self, class: &Class) -> Wanted {
        self.reach.clone().map_or_else(Wanted::everything, |reach| Wanted::bound(class, reach))
    }
}

/// What a query needs, and what it selects.
pub(super) struct Plan {
    subscription: Rc<Subscription>,
    needs: Vec<Need>,
    within: Option<Duration>,
    namespace: NamespacePath,
}

/// Plans an event query. All that is wrong with it is wrong at once.
pub(super) fn plan(text: &str, namespace: &Namespace, utc_offset: i16) -> Result<Plan, WbemError> {
    let query = EventQuery::parse(text).map_err(|error| error.in_query(text))?;
    let at_class = |error: WbemError| {
        error.parameter(text).offending(query.class.text.to_string(), query.class.place.start as usize)
    };
    let class = &namespace.need(&query.class.text, WbemStatus::NotFound).map_err(at_class)?.class;
    if !class.is_event() {
        let error = WbemError::new(WbemStatus::NotEventClass);
        return Err(at_class(error.description(format!("{} is not a class of events", class.name()))));
    }
    let subscription = Subscription::new(&query, text, class, utc_offset)?;
    let needs = if class.is_a(events::OPERATION) {
        of_instances(&query, &subscription, text, namespace)?
    } else {
        of_events(class, namespace)
    };
    let within = query.within.map(|within| within.max(POLL_MIN));
    Ok(Plan { subscription, needs, within, namespace: namespace.path().clone() })
}

/// Who tells what happens to the instances that a query is about.
fn of_instances(
    query: &EventQuery,
    subscription: &Subscription,
    text: &str,
    namespace: &Namespace,
) -> Result<Vec<Need>, WbemError> {
    let Some(classes) = query.target_classes() else {
        let error = WbemError::new(WbemStatus::RegistrationTooBroad).parameter(text);
        return Err(error.description("the condition must say of which class TargetInstance is, by ISA"));
    };
    let mut needs: Vec<Need> = Vec::new();
    for name in classes {
        namespace.need(name, WbemStatus::NotFound).map_err(|error| error.parameter(text))?;
        for origin in plan::origins(&namespace.subtree(name), namespace) {
            let provided = &origin.entry.class;
            let class: Rc<str> = (&**provided.name()).into();
            if !needs.iter().any(|need| need.class == class) {
                let reach = subscription.reach(provided);
                needs.push(Need { way: Way::Changes, class, provider: Some(origin.provider), reach });
            }
        }
    }
    Ok(needs)
}

/// Who tells events of a class, and of those that derive from it.
fn of_events(class: &Class, namespace: &Namespace) -> Vec<Need> {
    let mut needs = Vec::new();
    for entry in namespace.subtree(class.name()) {
        let class: Rc<str> = (&**entry.class.name()).into();
        if fold::equal(&class, events::TIMER) {
            needs.push(Need { way: Way::Timers, class, provider: None, reach: None });
        } else if let Some(provider) = &entry.provider {
            needs.push(Need { way: Way::Events, class, provider: Some(provider.clone()), reach: None });
        }
    }
    needs
}

impl Plan {
    /// Whom the query needs, and what is looked at there unless they tell what happens by themselves.
    pub(super) fn explain(&self, namespace: &Namespace) -> Explanation {
        let known = self.needs.iter().filter_map(|need| Some((need, &namespace.class(&need.class)?.class)));
        let providers = known.map(|(need, class)| ExplainedProvider::new(class, &need.wanted(class)));
        Explanation { class: self.subscription.class().name().clone(), providers: providers.collect() }
    }
}

impl Server {
    /// Joins the subscription of a plan to its sources, which are begun where there are none.
    pub(super) fn subscribe<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        plan: Plan,
    ) -> Result<SubscriptionRun, WbemError> {
        let is_instances = plan.subscription.class().is_a(events::OPERATION);
        if plan.needs.is_empty() && is_instances && plan.within.is_none() {
            return Err(too_precise());
        }
        let begun = plan.needs.iter().try_for_each(|need| {
            plan.subscription.join(self.source(pump, need, &plan)?);
            Ok(())
        });
        if let Err(error) = begun {
            // Some may have begun, and nobody listens to them.
            drop(plan);
            self.let_sources_go(pump);
            return Err(error);
        }
        Ok(SubscriptionRun::new(plan.subscription))
    }

    /// The source that a query needs.
    fn source<T: Send + 'static>(&self, pump: &mut Pump<T>, need: &Need, plan: &Plan) -> Result<Rc<Source>, WbemError> {
        let key = |way| {
            // Who is told has one source, whatever its listeners want of it; who looks has one for all who look for the
            // same.
            let reach = if matches!(way, Way::Polling(_)) { need.reach.clone() } else { None };
            Key { namespace: plan.namespace.clone(), class: fold::text(&need.class), way, reach }
        };
        if let Some(source) = self.shared.borrow_mut().sources.find(&key(need.way)) {
            return Ok(source);
        }
        let telling: (Way, Box<dyn Telling>) = match (&need.provider, need.way) {
            (Some(provider), Way::Events) => (need.way, told(guarded(|| provider.open(&Wanted::everything()))??)),
            (Some(provider), Way::Changes) => match (guarded(|| provider.changes())?, plan.within) {
                (Some(rows), _) => (need.way, told(rows?)),
                (None, None) => return Err(too_precise()),
                (None, Some(within)) => {
                    let way = Way::Polling(within);
                    if let Some(source) = self.shared.borrow_mut().sources.find(&key(way)) {
                        return Ok(source);
                    }
                    (way, Box::new(Poller::new(provider.clone(), need.wanted(provider.class()), within)))
                }
            },
            _ => {
                let shared = self.shared.borrow();
                (Way::Timers, Box::new(Timers::new(shared.namespace(&plan.namespace)?.timers().clone())))
            }
        };
        self.begin(pump, key(telling.0), telling.1)
    }

    /// Lets the pump run a source.
    fn begin<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        key: Key,
        telling: Box<dyn Telling>,
    ) -> Result<Rc<Source>, WbemError> {
        let source = Rc::new(Source::default());
        let window = self.shared.borrow().window;
        let watch = watch(pump, window, &*telling)?;
        let run = SourceRun::new(Rc::downgrade(&source), telling, self.clone());
        let started = pump.start_stream(window, run, StreamSettings::default());
        let stream = started.map_err(super::server::cannot_start)?;
        let running = Running { stream, source: Rc::downgrade(&source), watch };
        self.shared.borrow_mut().sources.insert(key, running);
        Ok(source)
    }

    /// Takes in that a source has ended, and tells those who listen.
    pub(super) fn source_over<T>(&self, pump: &mut Pump<T>, operation: OperationId, end: &mut crate::StreamEnd) {
        let removed = self.shared.borrow_mut().sources.remove(operation);
        let Some(running) = removed else { return };
        unwatch(pump, running.watch);
        if let (Some(Err(panicked)), Some(source)) = (end.of(running.stream), running.source.upgrade()) {
            source.finish(&Err(super::server::provider_failed(&panicked.message)));
        }
    }

    /// Ends the sources that nobody listens to any more, and lets their descriptors go.
    ///
    /// They end by themselves too, but that is a message, and a program that wants no more events may take none by way
    /// of the server.
    pub(super) fn let_sources_go<T>(&self, pump: &mut Pump<T>) {
        let unheard = self.shared.borrow_mut().sources.take_unheard();
        for running in unheard {
            unwatch(pump, running.watch);
            pump.cancel(running.stream);
        }
    }

    /// Takes in that a source's descriptor is readable.
    pub(super) fn source_ready<T>(&self, pump: &mut Pump<T>, operation: OperationId) {
        let watched = self.shared.borrow().sources.watched(operation);
        if let Some((source, watch)) = watched {
            source.wake();
            rearm(pump, watch);
        }
    }
}

/// Asks a provider outside the pump's turns; a panic is the error of the call.
fn guarded<R>(ask: impl FnOnce() -> R) -> Result<R, WbemError> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied().map(String::from);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        super::server::provider_failed(text.as_deref().unwrap_or("without a word"))
    })
}

/// Watches the descriptor of a source, if it has one.
#[cfg(unix)]
fn watch<T>(pump: &mut Pump<T>, window: crate::WindowId, telling: &dyn Telling) -> Result<Option<Watch>, WbemError> {
    let Some(descriptor) = guarded(|| telling.descriptor())? else { return Ok(None) };
    let watch = pump.watch_descriptor(window, descriptor, crate::Interest::READABLE);
    watch.map(Some).map_err(super::server::cannot_start)
}

#[cfg(not(unix))]
fn watch<T>(_: &mut Pump<T>, _: crate::WindowId, _: &dyn Telling) -> Result<Option<Watch>, WbemError> {
    Ok(None)
}

#[cfg(unix)]
fn unwatch<T>(pump: &mut Pump<T>, watch: Option<Watch>) {
    watch.map(|watch| pump.cancel(watch));
}

#[cfg(not(unix))]
fn unwatch<T>(_: &mut Pump<T>, _: Option<Watch>) {}

#[cfg(unix)]
fn rearm<T>(pump: &mut Pump<T>, watch: Watch) {
    // It fails if the system refuses: then the source is not woken any more, and says so in the log.
    if let Err(error) = pump.rearm(watch, crate::Interest::READABLE) {
        log::warn!("a source of events is not watched any more: {error}");
    }
}

#[cfg(not(unix))]
fn rearm<T>(_: &mut Pump<T>, watch: Watch) {
    match watch {}
}

/// What a provider tells.
fn told(rows: Box<dyn Rows>) -> Box<dyn Telling> {
    Box::new(source::Told::new(rows))
}

/// The error of a query for what nobody tells.
fn too_precise() -> WbemError {
    let error = WbemError::new(WbemStatus::RegistrationTooPrecise);
    error.description("nobody tells what happens to the class, so the query must say WITHIN which time it is looked at")
}

impl Sources {
    fn find(&mut self, key: &Key) -> Option<Rc<Source>> {
        self.sources.retain(|(_, source)| source.strong_count() > 0);
        self.sources.iter().find(|(known, _)| known == key)?.1.upgrade()
    }

    fn insert(&mut self, key: Key, running: Running) {
        self.sources.push((key, running.source.clone()));
        self.running.push(running);
    }

    fn remove(&mut self, operation: OperationId) -> Option<Running> {
        let place = self.running.iter().position(|running| running.stream.id() == operation)?;
        Some(self.running.swap_remove(place))
    }

    /// Takes out the sources that nobody listens to any more.
    fn take_unheard(&mut self) -> Vec<Running> {
        self.running.extract_if(.., |running| running.source.strong_count() == 0).collect()
    }

    /// The source whose descriptor an operation watches.
    #[cfg(unix)]
    fn watched(&self, operation: OperationId) -> Option<(Rc<Source>, Watch)> {
        self.running.iter().find_map(|running| {
            let watch = running.watch.filter(|watch| watch.id() == operation)?;
            Some((running.source.upgrade()?, watch))
        })
    }

    #[cfg(not(unix))]
    fn watched(&self, _: OperationId) -> Option<(Rc<Source>, Watch)> {
        None
    }
}
