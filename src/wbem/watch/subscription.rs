//! A subscription: the events that one query selects, on their way to whoever asked.
//!
//! Floor 5. Events wait in a queue of limited size. When it overflows, the subscription ends, and says so: events
//! are never lost in silence.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::source::Source;
use crate::StreamWaker;
use crate::wbem::class::Class;
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::events;
use crate::wbem::feed::{self, Asking, Finish, Next, Part};
use crate::wbem::instance::Instance;
use crate::wbem::value::Value;
use crate::wbem::wql::{Bindings, EventQuery, Grouping, Having, Predicate, Projection};

/// How many bytes of events wait for a subscriber who does not take them, about.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many bytes of events a slice hands on, about: what was handed on waits beside [`EVENT_BYTES_MAX`].
const SLICE_BYTES: usize = 1024 * 1024;

/// How many groups of events a query may gather at a time, of long ones only [`EVENT_BYTES_MAX`] bytes.
const GROUPS_MAX: usize = 4096;

/// What a query selects, and what waits.
pub(in crate::wbem) struct Subscription {
    class: Arc<Class>,
    predicate: Predicate,
    projection: Projection,
    gathering: Option<(Grouping, Duration, Option<Having>)>,
    waiting: RefCell<Waiting>,
    sources: RefCell<Vec<Rc<Source>>>,
}

/// What waits for the subscriber.
#[derive(Default)]
struct Waiting {
    events: VecDeque<(Arc<Instance>, usize)>,
    bytes: usize,
    end: Option<Result<(), WbemError>>,
    waker: Option<StreamWaker>,
}

impl Subscription {
    pub(super) fn new(
        query: &EventQuery,
        text: &str,
        class: &Arc<Class>,
        utc_offset: i16,
    ) -> Result<Rc<Subscription>, WbemError> {
        let predicate = query.predicate(class, utc_offset).map_err(|error| error.in_query(text))?;
        let projection = query.projection(class).map_err(|error| error.in_query(text))?;
        let grouping = query.grouping(class).map_err(|error| error.in_query(text))?;
        let gathering = grouping.zip(query.group.as_ref()).map(|(by, group)| (by, group.within, group.having));
        let (class, waiting, sources) = (class.clone(), RefCell::default(), RefCell::default());
        Ok(Rc::new(Subscription { class, predicate, projection, gathering, waiting, sources }))
    }

    pub(super) fn class(&self) -> &Class {
        &self.class
    }

    /// What the query says of the instances of a class that events are about; `None` if of any.
    pub(super) fn reach(&self, class: &Class) -> Option<Bindings> {
        let place = self.class.index_of(events::TARGET)?;
        Some(self.predicate.bindings_of_object(place, class)).filter(|bindings| !bindings.is_open())
    }

    /// Listens to a source.
    pub(super) fn join(self: &Rc<Subscription>, source: Rc<Source>) {
        source.add(Rc::downgrade(self));
        self.sources.borrow_mut().push(source);
    }

    /// Whether events of a class can be among those that are selected.
    pub(super) fn wants(&self, class: &str) -> bool {
        self.class.is_a(class) || self.class.name().eq_ignore_ascii_case(events::OPERATION)
    }

    /// Takes an event, if the query selects it.
    pub(super) fn offer(&self, event: &Arc<Instance>) {
        let is_selected = event.class().is_a(self.class.name()) && self.predicate.matches(event).is_true();
        if !is_selected || self.waiting.borrow().end.is_some() {
            return;
        }
        // A group has a representative as it was.
        let row = if self.gathering.is_some() { event.clone() } else { self.projection.apply(event) };
        let bytes = weight(&row);
        let mut waiting = self.waiting.borrow_mut();
        if waiting.bytes + bytes > EVENT_BYTES_MAX {
            drop(waiting);
            self.overflow();
            return;
        }
        waiting.bytes += bytes;
        waiting.events.push_back((row, bytes));
        waiting.waker.iter().for_each(StreamWaker::wake);
    }

    /// Gives up what waits, and says so.
    fn overflow(&self) {
        let lost = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.bytes = 0;
            std::mem::take(&mut waiting.events)
        };
        let error = WbemError::new(WbemStatus::QueueOverflow);
        self.finish(&Err(error.description(format!("{} events waited and are lost", lost.len()))));
    }

    /// Ends the subscription once what waits is taken.
    pub(super) fn finish(&self, result: &Result<(), WbemError>) {
        let sources = std::mem::take(&mut *self.sources.borrow_mut());
        {
            let mut waiting = self.waiting.borrow_mut();
            waiting.end.get_or_insert_with(|| result.clone());
            waiting.waker.iter().for_each(StreamWaker::wake);
        }
        drop(sources);
    }
}

/// About how many bytes an object takes.
pub(super) fn weight(instance: &Instance) -> usize {
    size_of::<Instance>() + instance.values().iter().map(weight_of_value).sum::<usize>()
}

fn weight_of_value(value: &Value) -> usize {
    let beside = match value {
        Value::String(text) | Value::Reference(text) => text.len(),
        Value::Object(object) => weight(object),
        Value::Array(values) => values.iter().map(weight_of_value).sum(),
        _ => 0,
    };
    size_of::<Value>() + beside
}

/// A subscription at work.
pub(in crate::wbem) struct SubscriptionRun {
    subscription: Rc<Subscription>,
    groups: Vec<Group>,
    /// About how many bytes the groups take.
    bytes: usize,
}

/// Events that are gathered into one.
struct Group {
    key: Vec<Value>,
    /// When the one event is told.
    due: Instant,
    count: u32,
    representative: Arc<Instance>,
}

impl SubscriptionRun {
    pub(super) fn new(subscription: Rc<Subscription>) -> SubscriptionRun {
        SubscriptionRun { subscription, groups: Vec::new(), bytes: 0 }
    }

    /// Puts events into their groups.
    fn gather(&mut self, events: Vec<Arc<Instance>>, now: Instant) {
        let subscription = self.subscription.clone();
        let Some((grouping, within, _)) = &subscription.gathering else { return };
        for event in events {
            let key = grouping.key(&event);
            if let Some(group) = self.groups.iter_mut().find(|group| group.key == key) {
                group.count = group.count.saturating_add(1);
                continue;
            }
            let bytes = self.bytes + weight(&event);
            if self.groups.len() == GROUPS_MAX || bytes > EVENT_BYTES_MAX {
                self.subscription.overflow();
                return;
            }
            self.bytes = bytes;
            let due = now.checked_add(*within).unwrap_or(now);
            self.groups.push(Group { key, due, count: 1, representative: event });
        }
    }

    /// Tells of the groups whose time has come, and says when the next one's comes.
    fn tell_groups(&mut self, out: &mut VecDeque<Part>, now: Instant) -> Option<Instant> {
        let having = self.subscription.gathering.as_ref().and_then(|(_, _, having)| *having);
        let is_due = |group: &mut Group| group.due <= now;
        for group in self.groups.extract_if(.., is_due) {
            self.bytes -= weight(&group.representative);
            if having.is_none_or(|having| having.holds(group.count)) {
                let values = [
                    ("NumberOfEvents", Value::from(group.count)),
                    ("Representative", Value::from(group.representative)),
                ];
                out.push_back(Part::Object(events::make(events::AGGREGATE, values).into()));
            }
        }
        self.groups.iter().map(|group| group.due).min()
    }

    /// Takes events that wait, at least one if there are any.
    fn take(&self, room: usize) -> Vec<Arc<Instance>> {
        let mut waiting = self.subscription.waiting.borrow_mut();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < room && bytes < SLICE_BYTES {
            let Some((event, weight)) = waiting.events.pop_front() else { break };
            bytes += weight;
            taken.push(event);
        }
        waiting.bytes -= bytes;
        taken
    }
}

impl feed::Source for SubscriptionRun {
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next {
        self.subscription.waiting.borrow_mut().waker.get_or_insert_with(|| asking.waker.clone());
        let taken = self.take(room);
        let next_group = if self.subscription.gathering.is_some() {
            self.gather(taken, asking.now);
            self.tell_groups(out, asking.now)
        } else {
            out.extend(taken.into_iter().map(|event| Part::Object(event.into())));
            None
        };
        let waiting = self.subscription.waiting.borrow();
        match (&waiting.end, next_group) {
            _ if !waiting.events.is_empty() => Next::More,
            (Some(Err(error)), _) => Next::End(Finish::of(Err(error.clone()))),
            (_, Some(due)) => Next::At(due),
            (Some(Ok(())), None) => Next::End(Finish::of(Ok(WbemStatus::SNoError))),
            (None, None) => Next::Parked,
        }
    }
}
