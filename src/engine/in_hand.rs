//! Messages that were taken and are not dispatched yet.
//!
//! Part of the engine. A message in hand has left the queue, and its operation may be over. So that a
//! cancel still reaches it, the engine remembers to whom it belonged when it was taken, and shares a mark
//! with it: a cancel sets the mark, and who holds the message gets nothing out of it any more.
//! Messages that are taken in the plain way are not remembered and cost nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Engine;
use super::select::Choice;
use crate::id::{GroupKey, OperationId, WindowId, WindowKey};
use crate::message::{Message, Payload};

/// A message that was taken and is not handled yet. A cancel still reaches it.
///
/// It is what a layer takes that looks at a message before somebody else handles it:
/// [`Dispatcher`](crate::Dispatcher) is one. When its operation, its group or its window is cancelled or
/// destroyed meanwhile, it is empty.
///
/// # Examples
///
/// ```
/// use msgpump::{Pump, ServiceQuery};
/// let mut pump = Pump::<()>::new()?;
/// let window = pump.open_window();
/// let lookup = pump.lookup_service(window, ServiceQuery::by_name("https"))?;
/// let message = pump.next_in_hand(&[]).expect("it is answered at once");
/// assert!(message.get().is_some());
/// pump.cancel(lookup); // its final message is taken, so it is over; but nobody has handled it
/// assert!(message.into_message().is_none());
/// assert_eq!(pump.metrics().silenced_messages, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a message that is not dispatched is lost"]
pub struct InHand<T> {
    message: Message<T>,
    is_silenced: Arc<AtomicBool>,
}

impl<T> InHand<T> {
    /// The message, unless it is silenced.
    pub fn get(&self) -> Option<&Message<T>> {
        (!self.is_silenced.load(Ordering::Relaxed)).then_some(&self.message)
    }

    /// The message, to be handled. `None` if it is silenced: its payload is dropped.
    pub fn into_message(self) -> Option<Message<T>> {
        let is_silenced = self.is_silenced.load(Ordering::Relaxed);
        (!is_silenced).then_some(self.message)
    }

    /// The window that it is for.
    pub fn window(&self) -> WindowId {
        self.message.window
    }

    /// Whether it is the message that the program ends, with this code.
    pub fn quit_code(&self) -> Option<i32> {
        match self.message.payload {
            Payload::Quit(code) => Some(code),
            _ => None,
        }
    }
}

/// To whom a message in hand belonged when it was taken.
struct Origin {
    window: WindowKey,
    group: Option<GroupKey>,
    operation: Option<OperationId>,
    /// Shared with the message for as long as that is in hand.
    is_silenced: Arc<AtomicBool>,
}

impl Origin {
    fn is_in_hand(&self) -> bool {
        Arc::strong_count(&self.is_silenced) > 1
    }
}

/// How many origins are kept before those are looked for whose messages are handled.
const ORIGINS_MIN: usize = 16;

/// The messages in hand, and some that were: a message leaves without a word.
#[derive(Default)]
pub(super) struct InHands {
    origins: Vec<Origin>,
    /// Twice as many as were in hand when they were last counted, so that counting them is a step a message.
    room: usize,
}

impl InHands {
    fn remember(
        &mut self,
        window: WindowKey,
        group: Option<GroupKey>,
        operation: Option<OperationId>,
    ) -> Arc<AtomicBool> {
        // One loop takes a message after the other: the mark of the one before is used again.
        let mut left = self.origins.pop_if(|origin| !origin.is_in_hand());
        if left.is_none() && self.origins.len() >= self.room {
            self.origins.retain(Origin::is_in_hand);
            self.room = ORIGINS_MIN.max(2 * self.origins.len());
        }
        let is_silenced = left.take().map_or_else(Arc::default, |origin| origin.is_silenced);
        is_silenced.store(false, Ordering::Relaxed);
        self.origins.push(Origin { window, group, operation, is_silenced: is_silenced.clone() });
        is_silenced
    }
}

impl<T> Engine<T> {
    /// Takes the message that was chosen so that a cancel still reaches it.
    pub(crate) fn take_in_hand(&mut self, choice: Choice) -> Option<InHand<T>> {
        let operation = match choice {
            Choice::Queued(position) => self.queue.message_at(position).operation,
            Choice::Tick(slot) => Some(self.id_of(slot)),
            Choice::Quit(_) => None,
        };
        // Asked now: an operation whose last message is taken is in no group any more.
        let slot = operation.and_then(|operation| self.live_slot(operation));
        let group = slot.and_then(|slot| self.operations.group_key_of(slot));
        let message = self.take_chosen(choice)?;
        let window = message.window.key(self.tag).expect("messages are for windows of this pump");
        let is_silenced = self.in_hands.remember(window, group, operation);
        Some(InHand { message, is_silenced })
    }

    #[inline]
    pub(super) fn silence_operation(&mut self, operation: OperationId) {
        self.silence(|origin| origin.operation == Some(operation));
    }

    pub(super) fn silence_group(&mut self, group: GroupKey) {
        self.silence(|origin| origin.group == Some(group));
    }

    /// What was posted to the window stays.
    pub(super) fn silence_operations_of(&mut self, window: WindowKey) {
        self.silence(|origin| origin.window == window && origin.operation.is_some());
    }

    pub(super) fn silence_window(&mut self, window: WindowKey) {
        self.silence(|origin| origin.window == window);
    }

    #[inline]
    fn silence(&mut self, is_meant: impl Fn(&Origin) -> bool) {
        if !self.in_hands.origins.is_empty() {
            self.silence_those(is_meant);
        }
    }

    #[cold]
    fn silence_those(&mut self, is_meant: impl Fn(&Origin) -> bool) {
        for origin in self.in_hands.origins.iter().filter(|origin| origin.is_in_hand() && is_meant(origin)) {
            if !origin.is_silenced.swap(true, Ordering::Relaxed) {
                self.metrics.silenced_messages += 1;
                log::debug!("a message in hand for {} is silenced", WindowId::new(self.tag, origin.window));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::lookup::Resolver;

    fn next_in_hand(engine: &mut Engine<usize>) -> Option<InHand<usize>> {
        engine.choose(None).and_then(|choice| engine.take_in_hand(choice))
    }

    /// What is held while `messages` others are taken and let go, and how many origins are kept then.
    fn kept_beside(held: usize, messages: usize) -> usize {
        let mut engine = Engine::new(messages + held, Resolver::new(Default::default()));
        let root = engine.root();
        for number in 0..held + messages {
            engine.post(root, number).expect("there is room");
        }
        let held: Vec<_> = (0..held).map(|_| next_in_hand(&mut engine).expect("one waits")).collect();
        let mut last = None;
        for _ in 0..messages {
            // The one before goes when the next is there already, as in a host that keeps the last.
            last = next_in_hand(&mut engine);
        }
        assert!(last.is_some() && held.iter().all(|message| message.get().is_some()));
        engine.in_hands.origins.len()
    }

    #[test]
    fn messages_that_were_handled_are_forgotten() {
        assert!(kept_beside(0, 10_000) <= ORIGINS_MIN);
        assert!(kept_beside(3, 10_000) <= ORIGINS_MIN);
        assert!(kept_beside(1000, 10_000) <= 2 * 1000 + ORIGINS_MIN);
    }

    /// Each count of those in hand is followed by as many messages as it looked at, at least.
    #[test]
    fn messages_in_hand_are_counted_more_rarely_the_more_there_are() {
        let mut in_hands = InHands::default();
        let (mut held, mut rooms) = (Vec::new(), Vec::new());
        for _ in 0..1000 {
            held.push(in_hands.remember(WindowKey::default(), None, None));
            rooms.push(in_hands.room);
        }
        rooms.dedup();
        assert_eq!(rooms, [16, 32, 64, 128, 256, 512, 1024]);
    }

    #[test]
    fn those_that_are_let_go_in_another_order_are_forgotten_too() {
        let mut engine = Engine::new(100_000, Resolver::new(Default::default()));
        let root = engine.root();
        let mut in_hand = std::collections::VecDeque::new();
        for number in 0..100_000 {
            engine.post(root, number).expect("there is room");
            in_hand.extend(next_in_hand(&mut engine));
            if in_hand.len() > 10 {
                in_hand.pop_front();
            }
        }
        assert!(engine.in_hands.origins.len() <= 2 * ORIGINS_MIN, "{}", engine.in_hands.origins.len());
    }
}
