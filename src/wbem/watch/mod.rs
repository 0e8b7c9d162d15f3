//! Event queries: who tells of what happens, and who is told.
//!
//! Floor 5. A *source* makes events: it polls a class, or reads what a provider tells. Sources are shared: one
//! for each class and interval, however many subscribe. A *subscription* takes the events that its query
//! selects, and is a call like any other.

mod channel;
mod poll;
mod source;
mod subscription;
mod timers;

use std::rc::{Rc, Weak};
use std::time::Duration;

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::events;
use super::fold;
use super::path::NamespacePath;
use super::provider::{ClassProvider, Rows, Wanted};
use super::repository::Namespace;
use super::server::Server;
use super::wql::EventQuery;
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
    operations: Vec<(StreamId<(), SourceEnd>, Weak<Source>)>,
}

/// What a source is found by.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    namespace: NamespacePath,
    /// The class, folded.
    class: String,
    way: Way,
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
        of_instances(&query, text, namespace)?
    } else {
        of_events(class, namespace)
    };
    let within = query.within.map(|within| within.max(POLL_MIN));
    Ok(Plan { subscription, needs, within, namespace: namespace.path().clone() })
}

/// Who tells what happens to the instances that a query is about.
fn of_instances(query: &EventQuery, text: &str, namespace: &Namespace) -> Result<Vec<Need>, WbemError> {
    let Some(classes) = query.target_classes() else {
        let error = WbemError::new(WbemStatus::RegistrationTooBroad).parameter(text);
        return Err(error.description("the condition must say of which class TargetInstance is, by ISA"));
    };
    let mut needs: Vec<Need> = Vec::new();
    for name in classes {
        namespace.need(name, WbemStatus::NotFound).map_err(|error| error.parameter(text))?;
        for entry in namespace.subtree(name) {
            let class: Rc<str> = (&**entry.class.name()).into();
            if let Some(provider) = &entry.provider
                && !needs.iter().any(|need| need.class == class)
            {
                needs.push(Need { way: Way::Changes, class, provider: Some(provider.clone()) });
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
            needs.push(Need { way: Way::Timers, class, provider: None });
        } else if let Some(provider) = &entry.provider {
            needs.push(Need { way: Way::Events, class, provider: Some(provider.clone()) });
        }
    }
    needs
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
        for need in &plan.needs {
            let source = self.source(pump, need, &plan)?;
            plan.subscription.join(source);
        }
        Ok(SubscriptionRun::new(plan.subscription))
    }

    /// The source that a query needs.
    fn source<T: Send + 'static>(&self, pump: &mut Pump<T>, need: &Need, plan: &Plan) -> Result<Rc<Source>, WbemError> {
        let key = |way| Key { namespace: plan.namespace.clone(), class: fold::text(&need.class), way };
        if let Some(source) = self.shared.borrow_mut().sources.find(&key(need.way)) {
            return Ok(source);
        }
        let telling: (Way, Box<dyn Telling>) = match (&need.provider, need.way) {
            (Some(provider), Way::Events) => (need.way, told(provider.open(&Wanted::everything())?)),
            (Some(provider), Way::Changes) => match (provider.changes(), plan.within) {
                (Some(rows), _) => (need.way, told(rows?)),
                (None, None) => return Err(too_precise()),
                (None, Some(within)) => {
                    let way = Way::Polling(within);
                    if let Some(source) = self.shared.borrow_mut().sources.find(&key(way)) {
                        return Ok(source);
                    }
                    (way, Box::new(Poller::new(provider.clone(), within)))
                }
            },
            _ => {
                let shared = self.shared.borrow();
                (Way::Timers, Box::new(Timers::new(shared.namespace(&plan.namespace)?.timers().clone())))
            }
        };
        let source = Rc::new(Source::default());
        let run = SourceRun::new(Rc::downgrade(&source), telling.1, self.clone());
        let window = self.shared.borrow().window;
        let stream = pump.start_stream(window, run, StreamSettings::default());
        let stream = stream.map_err(super::server::cannot_start)?;
        self.shared.borrow_mut().sources.insert(key(telling.0), stream, &source);
        Ok(source)
    }

    /// Takes in that a source has ended, and tells those who listen.
    pub(super) fn source_over(&self, operation: OperationId, end: &mut crate::StreamEnd) {
        let removed = self.shared.borrow_mut().sources.remove(operation);
        let Some((stream, source)) = removed else { return };
        if let (Some(Err(panicked)), Some(source)) = (end.of(stream), source.upgrade()) {
            source.finish(&Err(super::server::provider_failed(&panicked.message)));
        }
    }
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

    fn insert(&mut self, key: Key, stream: StreamId<(), SourceEnd>, source: &Rc<Source>) {
        self.sources.push((key, Rc::downgrade(source)));
        self.operations.push((stream, Rc::downgrade(source)));
    }

    fn remove(&mut self, operation: OperationId) -> Option<(StreamId<(), SourceEnd>, Weak<Source>)> {
        let place = self.operations.iter().position(|(stream, _)| stream.id() == operation)?;
        Some(self.operations.swap_remove(place))
    }
}
