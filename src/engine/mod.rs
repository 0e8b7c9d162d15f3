//! The whole runtime without an operating system.
//!
//! Floor 3. Pure: no socket, no clock, no file, no randomness. Facts come in as arguments, `now`
//! among them; messages go out when they are asked for. Nothing is called back.
//!
//! A message becomes visible in one of two ways. Facts (posts, outcomes) are queued when they
//! happen. States (a timer is due, quit was asked for) become messages when somebody looks, so
//! ending the state is enough to end its message. A timer is due when its deadline is not after the
//! *horizon*, the time of the last turn; what is set later is due after it. So nothing that a
//! handler starts can come back in the same turn.

mod cancel;
mod elsewhere;
mod in_hand;
mod lookups;
mod select;
mod sockets;
mod suspend;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{PostError, PostRefusal, StartRefusal};
use crate::external::Wanted;
use crate::id::{GroupId, GroupKey, OperationId, Owner, PumpTag, TagLease, WindowId, WindowKey};
use crate::message::{Message, Payload};
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::network::Network;
use crate::operation::connect::Connects;
use crate::operation::listener::{Arrival, Listeners};
use crate::operation::lookup::Resolver;
use crate::operation::stream::Streams;
use crate::operation::watch::Watches;
use crate::operation::{Operations, Work};
use crate::queue::MessageQueue;
use crate::slots::{Slot, Slots, slot_of};
use crate::timer::Clock;
use crate::timers::Timers;

use elsewhere::Retired;
pub use in_hand::InHand;
use in_hand::InHands;
pub(crate) use select::Choice;
use select::Quit;

slotmap::new_key_type! {
    struct RepeatKey;
}

/// What a repeating timer needs beside its deadline.
#[derive(Clone, Copy)]
struct Repeat {
    interval: Duration,
    count: u64,
}

/// The runtime.
pub(crate) struct Engine<T> {
    tag: PumpTag,
    /// Keeps the tag from other pumps while this one lives.
    _tag_lease: TagLease,
    root: WindowKey,
    operations: Operations,
    queue: MessageQueue<T>,
    /// How many of the queued messages were posted: these alone are limited.
    posted: usize,
    capacity: usize,
    timers: Timers,
    /// How many of them go on while the machine is suspended.
    boot_timers: usize,
    repeats: Slots<RepeatKey, Repeat>,
    pub(crate) resolver: Resolver,
    wanted: Arc<Wanted>,
    streams: Streams,
    watches: Watches,
    connects: Connects,
    listeners: Listeners,
    arrivals: VecDeque<Arrival>,
    retired: Vec<Retired>,
    horizon: Moment,
    quit: Quit,
    /// Messages taken from the queue since the last tick, or since none was due, to let a due one through in a flood.
    posts_in_a_row: usize,
    in_hands: InHands,
    pub(crate) metrics: Metrics,
}

impl<T> Engine<T> {
    pub(crate) fn new(capacity: usize, resolver: Resolver) -> Engine<T> {
        let mut operations = Operations::new();
        let tag_lease = TagLease::new();
        Engine {
            tag: tag_lease.tag(),
            _tag_lease: tag_lease,
            root: operations.open_window(),
            operations,
            queue: MessageQueue::new(),
            posted: 0,
            capacity,
            timers: Timers::new(),
            boot_timers: 0,
            repeats: Slots::new(),
            resolver,
            wanted: Arc::new(Wanted::new()),
            streams: Streams::new(),
            watches: Watches::new(),
            connects: Connects::new(),
            listeners: Listeners::new(),
            arrivals: VecDeque::new(),
            retired: Vec::new(),
            horizon: Moment::START,
            quit: Quit::NotAsked,
            posts_in_a_row: 0,
            in_hands: InHands::default(),
            metrics: Metrics::default(),
        }
    }

    pub(crate) fn root(&self) -> WindowId {
        WindowId::new(self.tag, self.root)
    }

    pub(crate) fn open_window(&mut self) -> WindowId {
        WindowId::new(self.tag, self.operations.open_window())
    }

    pub(crate) fn open_group(&mut self) -> GroupId {
        GroupId::new(self.tag, self.operations.open_group())
    }

    pub(crate) fn has_window(&self, window: WindowId) -> bool {
        window.key(self.tag).is_some_and(|key| self.operations.has_window(key))
    }

    pub(crate) fn is_live(&self, operation: OperationId) -> bool {
        self.live_slot(operation).is_some()
    }

    /// Whether messages of an operation may still be made.
    pub(crate) fn is_under_way(&self, operation: OperationId) -> bool {
        let work = self.live_slot(operation).map(|slot| &self.operations.at(slot).work);
        work.is_some_and(|work| !matches!(work, Work::Finished { .. }))
    }

    #[inline]
    pub(crate) fn post(&mut self, window: WindowId, payload: T) -> Result<(), PostError<T>> {
        let posts =
            window.key(self.tag).and_then(|key| self.operations.window_mut(key)).map(|window| &mut window.posts);
        let Some(posts) = posts else {
            return Err(PostError { payload, refusal: PostRefusal::NoSuchWindow(window) });
        };
        if self.posted >= self.capacity {
            return Err(PostError { payload, refusal: PostRefusal::Full });
        }
        self.queue.push(posts, || Message { window, operation: None, payload: Payload::Posted(payload) });
        self.posted += 1;
        Ok(())
    }

    /// How many more posts the queue takes.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.posted
    }

    /// Starts a timer whose first deadline is `first`. With the clock since boot, what is not passed yet
    /// ([`pass_suspend`](Engine::pass_suspend)) is added to that.
    #[inline]
    pub(crate) fn start_timer(
        &mut self,
        owner: Owner,
        first: Moment,
        interval: Option<Duration>,
        clock: Clock,
    ) -> Result<OperationId, StartRefusal> {
        let (window, group) = self.admit(owner)?;
        let repeat = self.new_repeat(interval);
        let operation = self.operations.insert(window, group, Work::Timer { repeat, clock });
        self.enter_timer(clock);
        self.arm(slot_of(operation), first);
        log::debug!(target: "msgpump::timer", "{} set", OperationId::new(self.tag, operation));
        Ok(OperationId::new(self.tag, operation))
    }

    /// Gives a living timer a new deadline and interval. Its count of ticks starts again.
    pub(crate) fn reset_timer(
        &mut self,
        timer: OperationId,
        first: Moment,
        interval: Option<Duration>,
        clock: Clock,
    ) -> Result<(), StartRefusal> {
        let slot = self.live_slot(timer).ok_or(StartRefusal::NotATimer)?;
        let Work::Timer { repeat, clock: before } = self.operations.at(slot).work else {
            return Err(StartRefusal::NotATimer);
        };
        self.silence_operation(timer);
        let repeat = match (repeat, interval) {
            (Some(slot), Some(interval)) => {
                *self.repeats.at_mut(slot) = Repeat { interval, count: 0 };
                Some(slot)
            }
            (repeat, _) => {
                self.drop_repeat(repeat);
                self.new_repeat(interval)
            }
        };
        self.operations.at_mut(slot).work = Work::Timer { repeat, clock };
        self.leave_timer(before);
        self.enter_timer(clock);
        self.arm(slot, first);
        Ok(())
    }

    /// Whether `owner` can start one more operation.
    #[inline]
    fn admit(&self, owner: Owner) -> Result<(WindowKey, Option<GroupKey>), StartRefusal> {
        let window = owner.window.key(self.tag).filter(|&key| self.operations.has_window(key));
        let window = window.ok_or(StartRefusal::NoSuchWindow(owner.window))?;
        let group = match owner.group {
            Some(group) => {
                let key = group.key(self.tag).filter(|&key| self.operations.has_group(key));
                Some(key.ok_or(StartRefusal::NoSuchGroup(group))?)
            }
            None => None,
        };
        if self.operations.is_full() {
            return Err(StartRefusal::Full);
        }
        Ok((window, group))
    }

    #[inline]
    fn arm(&mut self, slot: Slot, deadline: Moment) {
        // Beyond the horizon, so that it is not due before the next turn.
        self.timers.set(slot, deadline.max(self.horizon.successor()));
    }

    #[inline]
    fn new_repeat(&mut self, interval: Option<Duration>) -> Option<Slot> {
        interval.map(|interval| slot_of(self.repeats.insert(Repeat { interval, count: 0 })))
    }

    #[inline]
    fn drop_repeat(&mut self, repeat: Option<Slot>) {
        if let Some(slot) = repeat {
            self.repeats.remove(self.repeats.key_at(slot));
        }
    }

    /// The time has become `now`: what is due by then is done, or can be taken.
    pub(crate) fn advance<N: Network>(&mut self, now: Moment, network: &mut N) {
        self.pass_time(now);
        self.streams.advance(now);
        self.resolver.advance(now, network);
        self.deliver(now, network);
        self.advance_sockets(now, network);
    }

    /// The time has become `now`, and nothing is due by then.
    pub(crate) fn pass_time(&mut self, now: Moment) {
        if self.posts_in_a_row > 0 && self.due_tick(None).is_none() {
            // No tick had to wait for these.
            self.posts_in_a_row = 0;
        }
        self.horizon = self.horizon.max(now);
    }

    /// The time of the last turn that asked for it.
    pub(crate) fn horizon(&self) -> Moment {
        self.horizon
    }

    /// Whether another turn gets on though nothing happens meanwhile.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        self.resolver.has_work() || self.streams.has_work() || self.listeners.has_work()
    }

    /// Whether a turn does something else at another time. `next` is the next deadline.
    pub(crate) fn waits_for_time(&self, next: Option<Moment>) -> bool {
        next.is_some() || self.streams.len() > 0
    }

    /// The soonest moment at which something will be due, whether or not it is past.
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.soonest_with(self.timers.first().map(|(deadline, _)| deadline))
    }

    /// As [`next_deadline`](Engine::next_deadline), without ticks that are due already. Looks at every timer.
    pub(crate) fn next_deadline_after_horizon(&self) -> Option<Moment> {
        let later = self.timers.first_that(|deadline, _| deadline > self.horizon);
        self.soonest_with(later.and_then(|slot| self.timers.deadline(slot)))
    }

    #[inline]
    fn soonest_with(&self, timer: Option<Moment>) -> Option<Moment> {
        if self.has_work() {
            return Some(self.horizon);
        }
        let sockets = Moment::sooner(self.connects.next_deadline(), self.listeners.next_deadline());
        let others = Moment::sooner(self.streams.next_deadline(), self.resolver.next_deadline());
        Moment::sooner(timer, Moment::sooner(sockets, others))
    }

    /// Fills in what the engine holds at the moment.
    pub(crate) fn measure(&self) -> Metrics {
        Metrics {
            queued: self.queue.len(),
            operations: self.operations.len(),
            timers: self.timers.len(),
            windows: self.operations.windows_len(),
            lookups_in_line: self.resolver.line_len(),
            ignored_datagrams: self.resolver.ignored_datagrams(),
            ..self.metrics
        }
    }

    fn live_slot(&self, operation: OperationId) -> Option<Slot> {
        operation.key(self.tag).and_then(|key| self.operations.slot(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_refused_when_there_is_no_room_for_an_operation() {
        let mut engine = Engine::<()>::new(1, Resolver::new(Default::default()));
        let start = |engine: &mut Engine<()>| {
            let owner = engine.root().into();
            engine.start_timer(owner, Moment::START, None, Clock::Monotonic)
        };
        let timer = start(&mut engine).expect("there is room");
        engine.operations.fill();
        assert_eq!(start(&mut engine), Err(StartRefusal::Full));
        assert!(engine.is_live(timer));
    }
}
