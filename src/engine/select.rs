//! Which message comes next.
//!
//! Part of the engine. In order: what is queued, quit, ticks. Two bounds keep that order fair:
//! after [`POSTS_IN_A_ROW_MAX`] queued messages a due tick is let through, and quit waits for what
//! was queued before it and as many more, not for a program that posts to itself without end.

use std::time::Duration;

use super::{Engine, Repeat};
use crate::id::{OperationId, WindowId};
use crate::message::{Admits, Kind, Message, Payload, Tick};
use crate::moment::Moment;
use crate::operation::Work;
use crate::queue::Position;
use crate::slots::Slot;

/// How many queued messages may come one after another while a tick is due.
pub(crate) const POSTS_IN_A_ROW_MAX: usize = 64;

/// Whether the program asked itself to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quit {
    NotAsked,
    /// Asked, and not told yet. Of the queue, at most `patience` more messages come first; at most `ahead` of those in it
    /// were there before.
    Asked {
        code: i32,
        patience: usize,
        ahead: usize,
    },
    /// The message was taken; the loop is over until the program says otherwise. One that passed messages by may have
    /// been told before them: of the queue, at most so many more are owed to a loop that passes none by.
    Told {
        code: i32,
        owed: usize,
    },
}

/// The message that comes next, still in its place.
#[derive(Clone, Copy)]
pub(crate) enum Choice {
    Queued(Position),
    Quit(i32),
    Tick(Slot),
}

impl<T> Engine<T> {
    pub(crate) fn quit(&mut self, code: i32) {
        self.quit = match self.quit {
            Quit::Asked { patience, ahead, .. } => Quit::Asked { code, patience, ahead },
            _ => {
                let ahead = self.queue.len();
                Quit::Asked { code, patience: ahead + POSTS_IN_A_ROW_MAX, ahead }
            }
        };
    }

    pub(crate) fn resume(&mut self) {
        self.quit = Quit::NotAsked;
    }

    pub(crate) fn quit_code(&self) -> Option<i32> {
        match self.quit {
            Quit::NotAsked => None,
            Quit::Asked { code, .. } | Quit::Told { code, .. } => Some(code),
        }
    }

    /// The code of a quit that is told, once nothing is owed any more.
    pub(crate) fn told_quit(&self) -> Option<i32> {
        match self.quit {
            // What is owed may be purged.
            Quit::Told { code, owed } if owed == 0 || self.queue.len() == 0 => Some(code),
            _ => None,
        }
    }

    /// Notes that quit is told. What was in the queue before it and still is was passed by.
    pub(crate) fn note_quit_told(&mut self) {
        if let Quit::Asked { code, ahead, .. } = self.quit {
            self.quit = Quit::Told { code, owed: ahead.min(self.queue.len()) };
        }
    }

    /// The code of a quit that nothing comes before, whatever is wanted.
    #[inline]
    fn quit_that_is_next(&self) -> Option<i32> {
        match self.quit {
            Quit::Asked { code, patience, .. } if self.queue.len() == 0 || patience == 0 => Some(code),
            _ => None,
        }
    }

    /// Whether a message can be taken without a turn.
    pub(crate) fn is_ready(&self) -> bool {
        self.queue.len() > 0 || matches!(self.quit, Quit::Asked { .. }) || self.due_tick(None).is_some()
    }

    #[inline]
    pub(crate) fn take_chosen(&mut self, choice: Choice) -> Option<Message<T>> {
        self.metrics.messages += 1;
        match choice {
            Choice::Queued(position) => {
                self.posts_in_a_row += 1;
                self.take_queued(position)
            }
            Choice::Quit(code) => {
                self.note_quit_told();
                Some(self.quit_message(code))
            }
            Choice::Tick(slot) => {
                self.posts_in_a_row = 0;
                Some(self.take_tick(slot))
            }
        }
    }

    /// Takes the next posted message that `wanted` accepts.
    pub(crate) fn take_posted(&mut self, mut wanted: impl FnMut(&T) -> bool) -> Option<Message<T>> {
        let position = self.queue.find(|message| match &message.payload {
            Payload::Posted(payload) => wanted(payload),
            _ => false,
        })?;
        self.metrics.messages += 1;
        self.take_queued(position)
    }

    /// Shows the next message that `filter`, if there is one, admits, and leaves everything as it is.
    pub(crate) fn peek<'a>(
        &'a self,
        filter: Option<&dyn Admits>,
        made: &'a mut Option<Message<T>>,
    ) -> Option<&'a Message<T>> {
        match self.choose(filter)? {
            Choice::Queued(position) => Some(self.queue.message_at(position)),
            Choice::Quit(code) => Some(made.insert(self.quit_message(code))),
            Choice::Tick(slot) => Some(made.insert(self.tick_message(slot))),
        }
    }

    /// The next message that `filter`, if there is one, admits.
    #[inline]
    pub(crate) fn choose(&self, filter: Option<&dyn Admits>) -> Option<Choice> {
        if let Some(code) = self.quit_that_is_next() {
            return Some(Choice::Quit(code));
        }
        if self.posts_in_a_row >= POSTS_IN_A_ROW_MAX
            && let Some(slot) = self.due_tick(filter)
        {
            return Some(Choice::Tick(slot));
        }
        let queued = match filter {
            None => self.queue.first(),
            Some(filter) => self.find(filter),
        };
        if let Some(position) = queued {
            return Some(Choice::Queued(position));
        }
        if let Quit::Asked { code, .. } = self.quit {
            return Some(Choice::Quit(code));
        }
        self.due_tick(filter).map(Choice::Tick)
    }

    /// As [`choose`](Engine::choose), for a loop that ends with quit.
    #[inline]
    pub(crate) fn choose_for_loop(&mut self, filter: Option<&dyn Admits>) -> Option<Choice> {
        match self.quit {
            Quit::NotAsked => self.choose(filter),
            Quit::Asked { .. } | Quit::Told { .. } => self.choose_near_quit(filter),
        }
    }

    /// Once quit is told, nothing but what is owed comes before it, and not to a loop that passes messages by: that would
    /// get some of those for it, and not the others.
    // Apart, so that what is taken every day needs no room for it.
    #[cold]
    #[inline(never)]
    fn choose_near_quit(&mut self, filter: Option<&dyn Admits>) -> Option<Choice> {
        if self.quit_that_is_next().is_some() {
            self.note_quit_told();
        }
        let Quit::Told { code, owed } = &mut self.quit else { return self.choose(filter) };
        // What is owed may be purged.
        *owed = (*owed).min(self.queue.len());
        let first = self.queue.first().filter(|_| *owed > 0 && filter.is_none());
        Some(first.map_or(Choice::Quit(*code), Choice::Queued))
    }

    // The two searches are not inlined: what takes the first there is needs no room for them.

    #[inline(never)]
    fn find(&self, filter: &dyn Admits) -> Option<Position> {
        self.queue.find(|message| filter.admits(message.window, message.operation, message.payload.kind()))
    }

    #[inline]
    pub(super) fn due_tick(&self, filter: Option<&dyn Admits>) -> Option<Slot> {
        match filter {
            None => self.timers.first().filter(|&(deadline, _)| deadline <= self.horizon).map(|(_, slot)| slot),
            Some(filter) => self.find_due_tick(filter),
        }
    }

    /// Looks at every timer: filters on ticks are rare.
    #[inline(never)]
    fn find_due_tick(&self, filter: &dyn Admits) -> Option<Slot> {
        self.timers.first_that(|deadline, slot| {
            deadline <= self.horizon && filter.admits(self.window_of(slot), Some(self.id_of(slot)), Kind::Tick)
        })
    }

    /// Notes that a message leaves the queue for the program, which a quit may wait for.
    #[inline]
    fn note_for_quit(&mut self, position: Position) {
        match &mut self.quit {
            Quit::NotAsked => {}
            Quit::Asked { patience, ahead, .. } => {
                *patience = patience.saturating_sub(1);
                // Of another one it is not known on which side of the quit it was.
                if self.queue.first() == Some(position) {
                    *ahead = ahead.saturating_sub(1);
                }
            }
            Quit::Told { owed, .. } => *owed = owed.saturating_sub(1),
        }
    }

    /// Takes a queued message, and ends its operation if it is its last.
    #[inline]
    fn take_queued(&mut self, position: Position) -> Option<Message<T>> {
        self.note_for_quit(position);
        let message = self.queue.message_at(position);
        let (window, operation) = (message.window, message.operation);
        match operation.and_then(|id| self.live_slot(id)) {
            None => {
                let window = window.key(self.tag).and_then(|key| self.operations.window_mut(key));
                let window = window.expect("the messages of a destroyed window are purged");
                self.posted -= 1;
                self.queue.remove(position, &mut window.posts)
            }
            Some(slot) => {
                let work = &mut self.operations.at_mut(slot).work;
                let queued = work.queued_mut().expect("timers queue no messages");
                let message = self.queue.remove(position, queued);
                // Not when its final message is taken: through a filter, that may come before others of it.
                match work {
                    Work::Finished { queued } if queued.is_empty() => self.operations.remove(slot),
                    _ => self.note_taken(slot),
                }
                message
            }
        }
    }

    /// Lets an operation that goes on know that one of its messages was taken.
    fn note_taken(&mut self, slot: Slot) {
        match self.operations.at(slot).work {
            Work::Stream { stream, .. } => self.streams.batch_taken(stream),
            Work::Watch { watch, .. } => self.watches.told(watch),
            Work::Listen { listener, .. } => self.listeners.connection_taken(listener),
            _ => {}
        }
    }

    /// Makes a timer's message, and sets the timer for its next period if it repeats.
    fn take_tick(&mut self, slot: Slot) -> Message<T> {
        let message = self.tick_message(slot);
        match (self.repeat_of(slot), &message.payload) {
            (Some(repeat), Payload::Tick(tick)) => {
                self.repeats.at_mut(repeat).count = tick.count;
                self.arm(slot, self.next_period(slot, repeat));
            }
            _ => {
                self.timers.remove(slot);
                if let Work::Timer { clock, .. } = self.operations.at(slot).work {
                    self.leave_timer(clock);
                }
                self.operations.remove(slot);
            }
        }
        message
    }

    fn tick_message(&self, slot: Slot) -> Message<T> {
        let tick = match self.repeat_of(slot) {
            None => Tick { count: 1, missed: 0 },
            Some(repeat) => {
                let Repeat { interval, count } = *self.repeats.at(repeat);
                let missed = self.lateness(slot).as_nanos() / interval.as_nanos();
                Tick { count: count + 1, missed: u64::try_from(missed).unwrap_or(u64::MAX) }
            }
        };
        Message { window: self.window_of(slot), operation: Some(self.id_of(slot)), payload: Payload::Tick(tick) }
    }

    fn repeat_of(&self, slot: Slot) -> Option<Slot> {
        let Work::Timer { repeat, .. } = self.operations.at(slot).work else {
            unreachable!("only timers have deadlines here")
        };
        repeat
    }

    /// The end of the period that the horizon is in: whole intervals after the deadline that is due.
    fn next_period(&self, slot: Slot, repeat: Slot) -> Moment {
        let interval = self.repeats.at(repeat).interval;
        let into_period = (self.lateness(slot).as_nanos() % interval.as_nanos()) as u64;
        self.horizon.saturating_add(interval.saturating_sub(Duration::from_nanos(into_period)))
    }

    /// How long ago a due timer's deadline was.
    fn lateness(&self, slot: Slot) -> Duration {
        self.horizon.since(self.timers.deadline(slot).expect("a due timer is set"))
    }

    fn quit_message(&self, code: i32) -> Message<T> {
        Message { window: self.root(), operation: None, payload: Payload::Quit(code) }
    }

    pub(super) fn window_of(&self, slot: Slot) -> WindowId {
        WindowId::new(self.tag, self.operations.window_key_at(self.operations.at(slot).window))
    }

    pub(super) fn id_of(&self, slot: Slot) -> OperationId {
        OperationId::new(self.tag, self.operations.key_at(slot))
    }
}
