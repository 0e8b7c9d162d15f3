//! Events that a program tells itself, from any thread.
//!
//! Floor 5. Publisher and source share a queue of limited length. Nothing is kept while nobody listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::subscription::{EVENT_BYTES_MAX, weight};
use crate::wbem::class::Class;
use crate::wbem::error::WbemError;
use crate::wbem::events;
use crate::wbem::instance::Instance;
use crate::wbem::provider::{ClassProvider, Progress, Rows, Wanted};

/// How many events wait between a publisher and the pump's next turn; of long ones only [`EVENT_BYTES_MAX`] bytes.
const PUBLISHED_MAX: usize = 65_536;

/// Provides a class of events that a program tells by a [`Publisher`].
///
/// ```
/// use msgpump::wbem::{Class, EventChannel, Instance, Server, events};
/// let mut pump = msgpump::Pump::<()>::new()?;
/// let server = Server::new(&mut pump);
/// let doorbell = Class::builder("Doorbell").superclass(&events::extrinsic_event()).build()?;
/// let (publisher, channel) = EventChannel::new(&doorbell);
/// server.register(r"root\cimv2", channel)?;
/// assert!(!publisher.publish(Instance::new(&doorbell))); // nobody listens
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventChannel {
    class: Arc<Class>,
    shared: Arc<Mutex<Shared>>,
}

/// Tells events, from any thread.
#[derive(Clone, Debug)]
pub struct Publisher {
    shared: Arc<Mutex<Shared>>,
}

/// What publishers and the source share.
#[derive(Debug, Default)]
struct Shared {
    events: VecDeque<Arc<Instance>>,
    /// About how many bytes the events take.
    bytes: usize,
    /// The number of the source that listens; none does where it is `None`.
    listener: Option<u64>,
    /// How many sources have begun to listen.
    begun: u64,
    lost: u32,
    waker: Option<Waker>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventChannel {
    /// Makes a channel for events of a class, which should derive from `__ExtrinsicEvent`.
    pub fn new(class: &Arc<Class>) -> (Publisher, EventChannel) {
        let shared = Arc::new(Mutex::new(Shared::default()));
        (Publisher { shared: shared.clone() }, EventChannel { class: class.clone(), shared })
    }
}

impl Publisher {
    /// Tells an event to those who have subscribed to its class, and says whether it is on its way. It is not if nobody
    /// listens, or if too many wait for the pump; then a `__EventQueueOverflowEvent` is told in the place of all that
    /// were lost.
    pub fn publish(&self, event: impl Into<Arc<Instance>>) -> bool {
        let event = event.into();
        let waker = {
            let mut shared = lock(&self.shared);
            if shared.listener.is_none() {
                return false;
            }
            let bytes = shared.bytes + weight(&event);
            if shared.events.len() == PUBLISHED_MAX || bytes > EVENT_BYTES_MAX {
                shared.lost = shared.lost.saturating_add(1);
                return false;
            }
            shared.bytes = bytes;
            shared.events.push_back(event);
            shared.waker.clone()
        };
        waker.into_iter().for_each(Waker::wake);
        true
    }
}

impl ClassProvider for EventChannel {
    fn class(&self) -> &Arc<Class> {
        &self.class
    }

    fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
        let mut shared = lock(&self.shared);
        let number = shared.begun + 1;
        let last =
            std::mem::replace(&mut *shared, Shared { listener: Some(number), begun: number, ..Shared::default() });
        drop(shared);
        drop(last);
        Ok(Box::new(Listening { shared: self.shared.clone(), number }))
    }
}

/// The source of a channel's events. When nobody wants it any more, another may begin before it ends.
struct Listening {
    shared: Arc<Mutex<Shared>>,
    number: u64,
}

impl Listening {
    /// What is shared, as long as this source is the one that listens.
    fn lock(&self) -> Option<MutexGuard<'_, Shared>> {
        Some(lock(&self.shared)).filter(|shared| shared.listener == Some(self.number))
    }
}

impl Rows for Listening {
    fn step(&mut self, up_to: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        let Some(mut shared) = self.lock() else { return Progress::Parked };
        let room = up_to.min(shared.events.len());
        let begin = out.len();
        out.extend(shared.events.drain(..room));
        shared.bytes -= out[begin..].iter().map(|event| weight(event)).sum::<usize>();
        if !shared.events.is_empty() {
            return Progress::More;
        }
        let lost = std::mem::take(&mut shared.lost);
        if lost > 0 {
            out.push(events::queue_overflow(lost));
        }
        Progress::Parked
    }

    fn set_waker(&mut self, waker: Waker) {
        if let Some(mut shared) = self.lock() {
            shared.waker = Some(waker);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let Some(mut shared) = self.lock() else { return };
        let begun = shared.begun;
        let last = std::mem::replace(&mut *shared, Shared { begun, ..Shared::default() });
        drop(shared);
        drop(last);
    }
}
