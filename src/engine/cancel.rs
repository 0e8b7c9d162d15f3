//! Cancel: work removed, messages purged, silence.
//!
//! Part of the engine. It goes one way only: from the operation's table to its timer, its lookup,
//! its messages. It posts nothing, allocates nothing and runs no code of the program before all is
//! consistent: the payloads of purged messages are dropped at the very end.

use super::Engine;
use super::elsewhere::Retired;
use crate::id::{GroupId, OperationId, OperationKey, WindowId};
use crate::message::{Cancelled, Payload, Swept};
use crate::network::Network;
use crate::operation::Work;
use crate::slots::{Slot, slot_of};

/// What became of one operation.
enum Removed {
    Pending { messages: usize },
    Finished { messages: usize },
}

impl<T> Engine<T> {
    pub(crate) fn cancel<N: Network>(&mut self, operation: OperationId, network: &mut N) -> Cancelled {
        let Some(key) = operation.key(self.tag) else { return Cancelled::Unknown };
        self.silence_operation(operation);
        let cancelled = match self.remove_operation(key, network) {
            None => return Cancelled::Over,
            Some(Removed::Pending { .. }) => Cancelled::Pending,
            Some(Removed::Finished { messages }) => Cancelled::Queued(messages),
        };
        log::debug!("{operation} cancelled: {cancelled}");
        self.drop_purged();
        cancelled
    }

    /// Cancels every operation of a group; `None` if there is no such group.
    pub(crate) fn cancel_group<N: Network>(&mut self, group: GroupId, network: &mut N) -> Option<Swept> {
        let key = group.key(self.tag).filter(|&key| self.operations.has_group(key))?;
        self.silence_group(key);
        let mut swept = Swept::default();
        while let Some(slot) = self.operations.first_of_group(key) {
            self.sweep(slot, &mut swept, network);
        }
        log::debug!("{group} cancelled: {} operations, {} messages", swept.operations(), swept.messages());
        self.drop_purged();
        Some(swept)
    }

    pub(crate) fn close_group<N: Network>(&mut self, group: GroupId, network: &mut N) -> Option<Swept> {
        let swept = self.cancel_group(group, network)?;
        if let Some(key) = group.key(self.tag) {
            self.operations.remove_group(key);
        }
        Some(swept)
    }

    /// Cancels every operation of a window; `None` if there is no such window.
    pub(crate) fn cancel_window<N: Network>(&mut self, window: WindowId, network: &mut N) -> Option<Swept> {
        let swept = self.sweep_window(window, network)?;
        self.silence_operations_of(window.key(self.tag)?);
        self.drop_purged();
        Some(swept)
    }

    /// Cancels a window's operations, purges what was posted to it, and forgets it. Not for the root window.
    pub(crate) fn destroy_window<N: Network>(&mut self, window: WindowId, network: &mut N) -> Option<Swept> {
        let mut swept = self.sweep_window(window, network)?;
        let key = window.key(self.tag)?;
        self.silence_window(key);
        let posts = &mut self.operations.window_mut(key)?.posts;
        let purged = self.queue.purge(posts);
        self.posted -= purged;
        self.metrics.purged_messages += purged as u64;
        swept.messages += purged;
        self.operations.remove_window(key);
        log::debug!("{window} destroyed: {} operations, {} messages", swept.operations(), swept.messages());
        self.drop_purged();
        Some(swept)
    }

    /// Takes back the posts to `window` that `unwanted` picks, and says how many they were. Their payloads are still to be
    /// dropped ([`drop_purged`](Engine::drop_purged)).
    pub(crate) fn purge_posts(&mut self, window: WindowId, mut unwanted: impl FnMut(&T) -> bool) -> usize {
        let Some(key) = window.key(self.tag) else { return 0 };
        let mut purged = 0;
        let mut following = self.operations.window_mut(key).and_then(|window| self.queue.first_of(window.posts));
        while let Some(position) = following {
            let Payload::Posted(payload) = &self.queue.message_at(position).payload else {
                unreachable!("a window's chain holds posts alone")
            };
            let unwanted = unwanted(payload);
            let Some(window) = self.operations.window_mut(key) else { break };
            following = self.queue.next_in_chain(position, window.posts);
            if unwanted {
                self.queue.purge_one(position, &mut window.posts);
                self.posted -= 1;
                self.metrics.purged_messages += 1;
                purged += 1;
            }
        }
        purged
    }

    fn sweep_window<N: Network>(&mut self, window: WindowId, network: &mut N) -> Option<Swept> {
        let key = window.key(self.tag).filter(|&key| self.operations.has_window(key))?;
        let mut swept = Swept::default();
        while let Some(slot) = self.operations.first_of_window(key) {
            self.sweep(slot, &mut swept, network);
        }
        Some(swept)
    }

    fn sweep<N: Network>(&mut self, slot: Slot, swept: &mut Swept, network: &mut N) {
        let removed = self.remove_operation(self.operations.key_at(slot), network);
        match removed.expect("links lead to living entries only") {
            Removed::Pending { messages } => {
                swept.pending += 1;
                swept.messages += messages;
            }
            Removed::Finished { messages } => {
                swept.finished += 1;
                swept.messages += messages;
            }
        }
    }

    /// Takes an operation out of every index, stops its work and purges its messages; `None` if it is over.
    fn remove_operation<N: Network>(&mut self, key: OperationKey, network: &mut N) -> Option<Removed> {
        let slot = slot_of(key);
        let work = self.operations.unlink(key)?;
        let messages = work.queued_mut().map_or(0, |queued| self.queue.purge(queued));
        self.metrics.purged_messages += messages as u64;
        let mut watched = None;
        let removed = match *work {
            Work::Timer { repeat, clock } => {
                self.timers.remove(slot);
                self.leave_timer(clock);
                self.drop_repeat(repeat);
                Removed::Pending { messages }
            }
            Work::Lookup { lookup, .. } => {
                self.resolver.cancel(lookup, network);
                Removed::Pending { messages }
            }
            Work::External => {
                self.wanted.forget(slot as usize);
                Removed::Pending { messages }
            }
            Work::Stream { stream, .. } => {
                self.retired.push(Retired::Provider(self.streams.cancel(stream)));
                Removed::Pending { messages }
            }
            Work::Watch { watch, .. } => {
                watched = Some(self.watches.remove(watch));
                Removed::Pending { messages }
            }
            Work::Connect { connect } => {
                self.connects.cancel(connect, network, &mut self.resolver);
                Removed::Pending { messages }
            }
            Work::Listen { listener, .. } => {
                network.close(self.listeners.remove(listener));
                Removed::Pending { messages }
            }
            Work::Finished { .. } => Removed::Finished { messages },
        };
        self.operations.forget(key);
        // Last: a source's own code is run, which may panic.
        if let Some(socket) = watched {
            self.retired.extend(network.unwatch(socket).map(Retired::Source));
        }
        Some(removed)
    }

    /// Runs the program's code in the drop of payloads, results, providers and sources that nobody wants. If one panics,
    /// the rest is dropped next time.
    #[inline]
    pub(crate) fn drop_purged(&mut self) {
        if !self.retired.is_empty() || self.queue.has_purged() {
            self.drop_each_purged();
        }
    }

    fn drop_each_purged(&mut self) {
        while let Some(retired) = self.retired.pop() {
            drop(retired);
        }
        while let Some(payload) = self.queue.take_purged() {
            drop(payload);
        }
    }
}
