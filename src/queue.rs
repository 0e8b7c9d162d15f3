//! The messages that wait, in the order in which they came.
//!
//! Floor 1. Pure, and of facts only: a timer that is due and a quit that was asked for are states,
//! and become messages when somebody looks.
//!
//! Every message is in two lists at once: the one order of the whole queue, and the [`Chain`] of
//! whoever owns it, an operation or the posts of a window. So the next message, the last one, and
//! all of one owner are each found without looking at any other. Nodes live in one array and are
//! reused, from the array's start again whenever the queue has become empty, so that what comes in a row
//! lies in a row. The queue's memory is that of the most messages that ever waited together.

use crate::message::{Message, Payload};

/// A node's place in the array; [`NONE`] is beyond every array.
type Place = u32;
const NONE: Place = Place::MAX;

/// The two ends of a list: the messages of one owner, kept by the owner, or the whole order.
///
/// An empty list has no latest; its oldest is then without meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    oldest: Place,
    latest: Place,
}

impl Chain {
    pub(crate) const EMPTY: Chain = Chain { oldest: NONE, latest: NONE };

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.latest == NONE
    }

    #[inline]
    fn first(self) -> Option<Position> {
        (!self.is_empty()).then_some(Position(self.oldest))
    }
}

/// Where a message stands in the queue. Valid until the queue next changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position(Place);

/// The queue.
pub(crate) struct MessageQueue<T> {
    nodes: Vec<Node<T>>,
    order: Chain,
    len: usize,
    /// Nodes that a message has left while others waited, linked by `order`.
    free: Place,
    /// The first of the nodes that had no message since the queue was last empty.
    fresh: Place,
    /// Purged messages whose payloads are not dropped yet, linked by `order`.
    purged: Place,
}

struct Node<T> {
    message: Option<Message<T>>,
    order: Links,
    chain: Links,
}

/// The neighbours in one of the lists that a node is in. Beyond the list's ends they are without meaning:
/// a link that nobody follows is a store that nobody needs.
#[derive(Clone, Copy)]
struct Links {
    next: Place,
    previous: Place,
}

impl Links {
    const NOWHERE: Links = Links { next: NONE, previous: NONE };
}

impl<T> MessageQueue<T> {
    pub(crate) fn new() -> MessageQueue<T> {
        MessageQueue { nodes: Vec::new(), order: Chain::EMPTY, len: 0, free: NONE, fresh: 0, purged: NONE }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends the message that `make` makes to the queue and to its owner's chain.
    // It is made last, when nothing can fail any more, so that the compiler makes it in its node.
    #[inline]
    pub(crate) fn push(&mut self, chain: &mut Chain, make: impl FnOnce() -> Message<T>) {
        let place = self.append_node(chain);
        let vacant = &mut self.nodes[place as usize].message;
        // There is nothing in it to drop.
        std::mem::forget(vacant.replace(make()));
    }

    fn append_node(&mut self, chain: &mut Chain) -> Place {
        let place = self.take_node();
        let nodes = self.nodes.as_mut_slice();
        append(nodes, &mut self.order, |node| &mut node.order, place);
        append(nodes, chain, |node| &mut node.chain, place);
        self.len += 1;
        place
    }

    #[inline]
    fn take_node(&mut self) -> Place {
        if self.free != NONE {
            let place = self.free;
            self.free = self.nodes[place as usize].order.next;
            return place;
        }
        if self.fresh as usize == self.nodes.len() {
            self.grow();
        }
        self.fresh += 1;
        self.fresh - 1
    }

    #[cold]
    fn grow(&mut self) {
        assert!(self.fresh < NONE, "messages are bounded far below the range of a place");
        self.nodes.push(Node { message: None, order: Links::NOWHERE, chain: Links::NOWHERE });
    }

    /// The oldest message.
    #[inline]
    pub(crate) fn first(&self) -> Option<Position> {
        self.order.first()
    }

    /// The oldest message that `wanted` accepts. Costs one look at each message before it.
    pub(crate) fn find(&self, mut wanted: impl FnMut(&Message<T>) -> bool) -> Option<Position> {
        let mut following = self.first();
        while let Some(position) = following {
            if wanted(self.message_at(position)) {
                return Some(position);
            }
            following = self.after(position, self.order, |node| node.order);
        }
        None
    }

    /// The oldest message of a chain.
    pub(crate) fn first_of(&self, chain: Chain) -> Option<Position> {
        chain.first()
    }

    /// The message that follows the one at `position` in its owner's chain.
    pub(crate) fn next_in_chain(&self, position: Position, chain: Chain) -> Option<Position> {
        self.after(position, chain, |node| node.chain)
    }

    #[inline]
    pub(crate) fn message_at(&self, Position(place): Position) -> &Message<T> {
        self.nodes[place as usize].message.as_ref().expect("a position is used before the queue changes")
    }

    #[inline]
    pub(crate) fn message_at_mut(&mut self, Position(place): Position) -> &mut Message<T> {
        self.nodes[place as usize].message.as_mut().expect("a position is used before the queue changes")
    }

    /// Takes the message at `position` out of the queue and of its owner's chain.
    #[inline]
    pub(crate) fn remove(&mut self, Position(place): Position, chain: &mut Chain) -> Option<Message<T>> {
        self.unlink(place, chain);
        self.give_node(place);
        self.nodes[place as usize].message.take()
    }

    /// Takes all messages of a chain out of the queue and says how many they were.
    ///
    /// Their payloads are kept for [`take_purged`](MessageQueue::take_purged): dropping one runs
    /// code of the program, which must not happen before the pump's own state is consistent.
    pub(crate) fn purge(&mut self, chain: &mut Chain) -> usize {
        let mut count = 0;
        while let Some(position) = self.first_of(*chain) {
            self.purge_one(position, chain);
            count += 1;
        }
        count
    }

    /// As [`purge`](MessageQueue::purge), for one message.
    pub(crate) fn purge_one(&mut self, Position(place): Position, chain: &mut Chain) {
        self.unlink(place, chain);
        self.nodes[place as usize].order.next = self.purged;
        self.purged = place;
    }

    /// Whether there are purged messages whose payloads are to be dropped.
    #[inline]
    pub(crate) fn has_purged(&self) -> bool {
        self.purged != NONE
    }

    /// Gives out the payload of a purged message, to be dropped by the caller.
    #[inline]
    pub(crate) fn take_purged(&mut self) -> Option<Payload<T>> {
        let place = self.purged;
        let node = self.nodes.get_mut(place as usize)?;
        self.purged = node.order.next;
        let message = node.message.take();
        self.give_node(place);
        message.map(|message| message.payload)
    }

    #[inline]
    fn after(&self, Position(place): Position, list: Chain, links: impl Fn(&Node<T>) -> Links) -> Option<Position> {
        (place != list.latest).then(|| Position(links(&self.nodes[place as usize]).next))
    }

    #[inline]
    fn unlink(&mut self, place: Place, chain: &mut Chain) {
        let nodes = self.nodes.as_mut_slice();
        unlink(nodes, &mut self.order, |node| &mut node.order, place);
        unlink(nodes, chain, |node| &mut node.chain, place);
        self.len -= 1;
    }

    /// Takes back a node that is in no list.
    #[inline]
    fn give_node(&mut self, place: Place) {
        if self.len == 0 && self.purged == NONE {
            (self.free, self.fresh) = (NONE, 0);
        } else {
            self.nodes[place as usize].order.next = self.free;
            self.free = place;
        }
    }
}

#[inline]
fn append<T>(nodes: &mut [Node<T>], list: &mut Chain, links: impl Fn(&mut Node<T>) -> &mut Links, place: Place) {
    match nodes.get_mut(list.latest as usize) {
        Some(latest) => links(latest).next = place,
        None => list.oldest = place,
    }
    links(&mut nodes[place as usize]).previous = list.latest;
    list.latest = place;
}

#[inline]
fn unlink<T>(nodes: &mut [Node<T>], list: &mut Chain, links: impl Fn(&mut Node<T>) -> &mut Links, place: Place) {
    let Links { next, previous } = *links(&mut nodes[place as usize]);
    match (place == list.oldest, place == list.latest) {
        (true, true) => list.latest = NONE,
        (true, false) => list.oldest = next,
        (false, true) => list.latest = previous,
        (false, false) => {
            links(&mut nodes[previous as usize]).next = next;
            links(&mut nodes[next as usize]).previous = previous;
        }
    }
}

#[cfg(test)]
mod tests;
