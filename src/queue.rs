//! The messages that wait, in the order in which they came.
//!
//! Floor 1. Pure, and of facts only: a timer that is due and a quit that was asked for are states,
//! and become messages when somebody looks.
//!
//! Every message is in two rings at once: the one order of the whole queue, and the [`Chain`] of
//! whoever owns it, an operation or the posts of a window. So the next message, the last one, and
//! all of one owner are each found without looking at any other. Nodes live in one array and are
//! reused; the queue's memory is that of the most messages that ever waited together.

use crate::message::{Message, Payload};

/// A node's place in the array; [`NONE`] is no place.
type Place = u32;
const NONE: Place = Place::MAX;

/// The messages of one owner, kept by the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The latest message; the ring goes on from it to the oldest.
    latest: Place,
}

impl Chain {
    pub(crate) const EMPTY: Chain = Chain { latest: NONE };

    pub(crate) fn is_empty(self) -> bool {
        self.latest == NONE
    }
}

/// Where a message stands in the queue. Valid until the queue next changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position(Place);

/// The queue.
pub(crate) struct MessageQueue<T> {
    nodes: Vec<Node<T>>,
    free: Place,
    oldest: Place,
    latest: Place,
    len: usize,
    /// Purged messages whose payloads are not dropped yet, linked by `next`.
    purged: Place,
}

struct Node<T> {
    next: Place,
    previous: Place,
    chain_next: Place,
    chain_previous: Place,
    message: Option<Message<T>>,
}

impl<T> MessageQueue<T> {
    pub(crate) fn new() -> MessageQueue<T> {
        MessageQueue { nodes: Vec::new(), free: NONE, oldest: NONE, latest: NONE, len: 0, purged: NONE }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends a message to the queue and to its owner's chain.
    pub(crate) fn push(&mut self, chain: &mut Chain, message: Message<T>) {
        let place = self.take_node(message);
        match self.latest {
            NONE => self.oldest = place,
            latest => self.node_mut(latest).next = place,
        }
        let (chain_next, chain_previous) = match chain.latest {
            NONE => (place, place),
            latest => {
                let oldest = std::mem::replace(&mut self.node_mut(latest).chain_next, place);
                self.node_mut(oldest).chain_previous = place;
                (oldest, latest)
            }
        };
        let previous = self.latest;
        let node = self.node_mut(place);
        (node.next, node.previous, node.chain_next, node.chain_previous) = (NONE, previous, chain_next, chain_previous);
        self.latest = place;
        chain.latest = place;
        self.len += 1;
    }

    /// The oldest message.
    pub(crate) fn first(&self) -> Option<(Position, &Message<T>)> {
        self.look(self.oldest)
    }

    /// The oldest message that `wanted` accepts. Costs one look at each message before it.
    pub(crate) fn find(&self, mut wanted: impl FnMut(&Message<T>) -> bool) -> Option<(Position, &Message<T>)> {
        let mut place = self.oldest;
        while let Some((position, message)) = self.look(place) {
            if wanted(message) {
                return Some((position, message));
            }
            place = self.nodes[place as usize].next;
        }
        None
    }

    /// The oldest message of a chain.
    pub(crate) fn first_of(&self, chain: Chain) -> Option<(Position, &Message<T>)> {
        if chain.is_empty() { None } else { self.look(self.nodes[chain.latest as usize].chain_next) }
    }

    /// The message of a chain that follows the one at `position`.
    pub(crate) fn next_of(&self, chain: Chain, Position(place): Position) -> Option<Position> {
        (place != chain.latest).then(|| Position(self.nodes[place as usize].chain_next))
    }

    pub(crate) fn message_at(&self, position: Position) -> &Message<T> {
        self.look(position.0).expect("a position is used before the queue changes").1
    }

    /// Takes the message at `position` out of the queue and of its owner's chain.
    pub(crate) fn remove(&mut self, position: Position, chain: &mut Chain) -> Message<T> {
        let place = position.0;
        self.unlink_from_order(place);
        self.unlink_from_chain(place, chain);
        let message = self.node_mut(place).message.take().expect("a position is used before the queue changes");
        self.give_node(place);
        message
    }

    /// Takes all messages of a chain out of the queue and says how many they were.
    ///
    /// Their payloads are kept for [`take_purged`](MessageQueue::take_purged): dropping one runs
    /// code of the program, which must not happen before the pump's own state is consistent.
    pub(crate) fn purge(&mut self, chain: &mut Chain) -> usize {
        let mut count = 0;
        while let Some((Position(place), _)) = self.first_of(*chain) {
            self.purge_one(Position(place), chain);
            count += 1;
        }
        count
    }

    /// As [`purge`](MessageQueue::purge), for one message.
    pub(crate) fn purge_one(&mut self, Position(place): Position, chain: &mut Chain) {
        self.unlink_from_order(place);
        self.unlink_from_chain(place, chain);
        self.node_mut(place).next = self.purged;
        self.purged = place;
    }

    /// Gives out the payload of a purged message, to be dropped by the caller.
    pub(crate) fn take_purged(&mut self) -> Option<Payload<T>> {
        let place = self.purged;
        let node = self.nodes.get_mut(place as usize)?;
        self.purged = node.next;
        let message = node.message.take();
        self.give_node(place);
        message.map(|message| message.payload)
    }

    fn look(&self, place: Place) -> Option<(Position, &Message<T>)> {
        let message = self.nodes.get(place as usize)?.message.as_ref()?;
        Some((Position(place), message))
    }

    fn node_mut(&mut self, place: Place) -> &mut Node<T> {
        &mut self.nodes[place as usize]
    }

    fn take_node(&mut self, message: Message<T>) -> Place {
        if self.free == NONE {
            let place = Place::try_from(self.nodes.len()).expect("messages are bounded far below the range of a place");
            let message = Some(message);
            self.nodes.push(Node { next: NONE, previous: NONE, chain_next: NONE, chain_previous: NONE, message });
            place
        } else {
            let place = self.free;
            let node = &mut self.nodes[place as usize];
            self.free = node.next;
            node.message = Some(message);
            place
        }
    }

    fn give_node(&mut self, place: Place) {
        self.node_mut(place).next = self.free;
        self.free = place;
    }

    fn unlink_from_order(&mut self, place: Place) {
        let Node { next, previous, .. } = self.nodes[place as usize];
        match previous {
            NONE => self.oldest = next,
            previous => self.node_mut(previous).next = next,
        }
        match next {
            NONE => self.latest = previous,
            next => self.node_mut(next).previous = previous,
        }
        self.len -= 1;
    }

    fn unlink_from_chain(&mut self, place: Place, chain: &mut Chain) {
        let Node { chain_next, chain_previous, .. } = self.nodes[place as usize];
        if chain_next == place {
            chain.latest = NONE;
            return;
        }
        self.node_mut(chain_previous).chain_next = chain_next;
        self.node_mut(chain_next).chain_previous = chain_previous;
        if chain.latest == place {
            chain.latest = chain_previous;
        }
    }
}

#[cfg(test)]
mod tests;
