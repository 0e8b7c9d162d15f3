//! A source of events, and those who listen to it.
//!
//! Floor 5. It is a stream of the pump that gives no messages: what it finds goes to its subscriptions. When nobody
//! listens any more, it ends.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::subscription::Subscription;
use crate::wbem::error::WbemError;
use crate::wbem::feed::{Asking, Next};
use crate::wbem::foreign::Foreign;
use crate::wbem::instance::Instance;
use crate::wbem::provider::Rows;
use crate::wbem::scan::{Counts, waker};
use crate::wbem::server::Server;
use crate::{Provider, Slice, Step, StreamWaker};

/// How many events one slice may bring.
const EVENTS_PER_SLICE: usize = 256;

/// The days of `TIME_CREATED` begin with the year 1601, so many seconds before those of Unix.
const SECONDS_FROM_1601: u64 = 11_644_473_600;

/// How a source ends; what there is to tell is told to its subscriptions.
pub(super) type SourceEnd = ();

/// What subscriptions hold of a source. It lives as long as one of them.
#[derive(Default)]
pub(super) struct Source {
    subscriptions: RefCell<Vec<Weak<Subscription>>>,
    waker: RefCell<Option<StreamWaker>>,
}

impl Source {
    pub(super) fn add(&self, subscription: Weak<Subscription>) {
        let mut subscriptions = self.subscriptions.borrow_mut();
        subscriptions.retain(|known| known.strong_count() > 0);
        subscriptions.push(subscription);
    }

    /// Those who listen.
    fn listeners(&self) -> Vec<Rc<Subscription>> {
        self.subscriptions.borrow().iter().filter_map(Weak::upgrade).collect()
    }

    /// Has the source look at once.
    pub(super) fn wake(&self) {
        self.waker.borrow().iter().for_each(StreamWaker::wake);
    }

    /// Ends the subscriptions.
    pub(super) fn finish(&self, result: &Result<(), WbemError>) {
        self.listeners().iter().for_each(|subscription| subscription.finish(result));
    }
}

impl Drop for Source {
    /// Its stream sees that nobody listens, and ends.
    fn drop(&mut self) {
        self.waker.get_mut().iter().for_each(StreamWaker::wake);
    }
}

/// What makes events.
pub(super) trait Telling {
    /// Looks for a slice what has happened. `wants` says whether somebody wants events of a class.
    fn step(&mut self, asking: &Asking, out: &mut Vec<Arc<Instance>>, wants: &dyn Fn(&str) -> bool) -> Next;

    /// The descriptor that becomes readable when something has happened.
    #[cfg(unix)]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }
}

/// A source at work.
pub(super) struct SourceRun {
    source: Weak<Source>,
    telling: Box<dyn Telling>,
    server: Server,
    events: Vec<Arc<Instance>>,
}

impl SourceRun {
    pub(super) fn new(source: Weak<Source>, telling: Box<dyn Telling>, server: Server) -> SourceRun {
        SourceRun { source, telling, server, events: Vec::new() }
    }
}

impl Provider for SourceRun {
    type Item = ();
    type Status = SourceEnd;

    fn step(&mut self, slice: &mut Slice<'_, ()>) -> Step<SourceEnd> {
        let Some(source) = self.source.upgrade() else { return Step::End(()) };
        source.waker.borrow_mut().get_or_insert_with(|| slice.waker());
        let listeners = source.listeners();
        let asking = Asking { now: slice.now(), waker: slice.waker() };
        let wants = |class: &str| listeners.iter().any(|subscription| subscription.wants(class));
        let next = self.telling.step(&asking, &mut self.events, &wants);
        if !self.events.is_empty() {
            let clock = self.server.shared.borrow().clock.clone();
            let now = clock.and_then(|clock| time_created(clock()));
            for event in self.events.drain(..) {
                let event = stamped(event, now);
                listeners.iter().for_each(|subscription| subscription.offer(&event));
            }
        }
        match next {
            Next::More => Step::More,
            Next::At(instant) => Step::At(instant),
            Next::Parked => Step::Parked,
            Next::End(finish) => {
                source.finish(&finish.result.map(|_| ()));
                Step::End(())
            }
        }
    }
}

/// A time as `TIME_CREATED` has it: units of 100 ns.
fn time_created(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let seconds = since.as_secs().checked_add(SECONDS_FROM_1601)?;
    seconds.checked_mul(10_000_000)?.checked_add(u64::from(since.subsec_nanos() / 100))
}

/// The event with the time at which it was made, unless it says so itself.
fn stamped(event: Arc<Instance>, now: Option<u64>) -> Arc<Instance> {
    let Some(now) = now else { return event };
    let Some(index) = event.class().index_of("TIME_CREATED") else { return event };
    if event.value(index).is_none_or(|value| !value.is_null()) {
        return event;
    }
    let mut stamped = (*event).clone();
    match stamped.put_at(index, now) {
        Ok(()) => Arc::new(stamped),
        Err(_) => event,
    }
}

/// What a provider tells.
pub(super) struct Told {
    rows: Foreign<Box<dyn Rows>>,
    is_begun: bool,
}

impl Told {
    pub(super) fn new(rows: Box<dyn Rows>) -> Told {
        Told { rows: Foreign::new(rows), is_begun: false }
    }
}

impl Telling for Told {
    fn step(&mut self, asking: &Asking, out: &mut Vec<Arc<Instance>>, _: &dyn Fn(&str) -> bool) -> Next {
        if !self.is_begun {
            self.is_begun = true;
            self.rows.set_waker(waker(asking.waker.clone()));
        }
        let progress = self.rows.step(EVENTS_PER_SLICE, out);
        Next::after(progress, asking.now, Counts::default())
    }

    #[cfg(unix)]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.rows.descriptor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn time_is_counted_from_1601() {
        assert_eq!(time_created(UNIX_EPOCH), Some(116_444_736_000_000_000));
        let later = UNIX_EPOCH + Duration::from_nanos(1_500_000_100);
        assert_eq!(time_created(later), Some(116_444_736_015_000_001));
    }
}
