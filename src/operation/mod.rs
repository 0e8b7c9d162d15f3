//! The operations that live, to whom they belong, and what each of them does.
//!
//! Floor 2. Pure. An operation lives from its start until its last message is taken, or until it
//! is cancelled. It is in the ring of its window and, if it has one, of its group, so that both can
//! be cancelled by a pass over their members alone.

pub(crate) mod connect;
pub(crate) mod listener;
pub(crate) mod lookup;
pub(crate) mod stream;
pub(crate) mod watch;

use std::num::NonZeroU32;

use crate::id::{GroupKey, OperationKey, WindowKey};
use crate::queue::Chain;
use crate::rings::{Ring, Rings};
use crate::slots::{Slot, Slots, slot_of};
use crate::timer::Clock;

/// One operation.
pub(crate) struct Operation {
    /// The window that gets its messages.
    pub(crate) window: Slot,
    /// None takes no room: slotmap's first slot is number one.
    group: Option<NonZeroU32>,
    pub(crate) work: Work,
}

/// What an operation is doing.
pub(crate) enum Work {
    /// A timer; its deadline is kept by the engine, the rest, if it repeats, in `repeat`.
    Timer { repeat: Option<Slot>, clock: Clock },
    /// A host lookup that the resolver still works on.
    Lookup { lookup: Slot, queued: Chain },
    /// Work on another thread, whose result is awaited.
    External,
    /// A stream that its provider still has something for.
    Stream { stream: Slot, queued: Chain },
    /// A source that is watched.
    Watch { watch: Slot, queued: Chain },
    /// A connect under way.
    Connect { connect: Slot },
    /// A listening socket.
    Listen { listener: Slot, queued: Chain },
    /// Finished: its final message waits to be taken.
    Finished { queued: Chain },
}

/// A window: the owner of messages and operations.
pub(crate) struct Window {
    /// What was posted to it and waits.
    pub(crate) posts: Chain,
    operations: Ring,
}

/// The tables of operations, windows and groups.
pub(crate) struct Operations {
    operations: Slots<OperationKey, Operation>,
    windows: Slots<WindowKey, Window>,
    groups: Slots<GroupKey, Ring>,
    by_window: Rings,
    by_group: Rings,
}

impl Operations {
    #[inline]
    pub(crate) fn new() -> Operations {
        Operations {
            operations: Slots::new(),
            windows: Slots::new(),
            groups: Slots::new(),
            by_window: Rings::new(),
            by_group: Rings::new(),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.operations.is_full()
    }

    #[cfg(test)]
    pub(crate) fn fill(&mut self) {
        self.operations.fill();
    }

    #[inline]
    pub(crate) fn windows_len(&self) -> usize {
        self.windows.len()
    }

    #[inline]
    pub(crate) fn open_window(&mut self) -> WindowKey {
        assert!(!self.windows.is_full(), "more than {} windows are open at a time", crate::id::SLOTS_MAX);
        self.windows.insert(Window { posts: Chain::EMPTY, operations: Ring::EMPTY })
    }

    #[inline]
    pub(crate) fn open_group(&mut self) -> GroupKey {
        assert!(!self.groups.is_full(), "more than {} groups are open at a time", crate::id::SLOTS_MAX);
        self.groups.insert(Ring::EMPTY)
    }

    #[inline]
    pub(crate) fn has_window(&self, window: WindowKey) -> bool {
        self.windows.contains(window)
    }

    #[inline]
    pub(crate) fn has_group(&self, group: GroupKey) -> bool {
        self.groups.contains(group)
    }

    /// Forgets a window whose operations are all removed.
    #[inline]
    pub(crate) fn remove_window(&mut self, window: WindowKey) {
        let removed = self.windows.remove(window);
        debug_assert!(removed.is_none_or(|window| window.operations.is_empty() && window.posts.is_empty()));
    }

    /// Forgets a group whose operations are all removed.
    #[inline]
    pub(crate) fn remove_group(&mut self, group: GroupKey) {
        let removed = self.groups.remove(group);
        debug_assert!(removed.is_none_or(Ring::is_empty));
    }

    /// Adds an operation of living owners. The caller has made sure that the table is not full.
    #[inline]
    pub(crate) fn insert(&mut self, window: WindowKey, group: Option<GroupKey>, work: Work) -> OperationKey {
        let group_slot = group.map(|group| NonZeroU32::new(slot_of(group)).expect("no key has slot zero"));
        let operation = Operation { window: slot_of(window), group: group_slot, work };
        let key = self.operations.insert(operation);
        let window = self.windows.get_mut(window).expect("its owners live");
        self.by_window.push(&mut window.operations, slot_of(key));
        if let Some(group) = group {
            self.by_group.push(self.groups.get_mut(group).expect("its owners live"), slot_of(key));
        }
        key
    }

    /// Takes a living operation out of every index.
    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot) {
        let key = self.key_at(slot);
        self.unlink(key).expect("links lead to living entries only");
        self.forget(key);
    }

    /// Takes an operation, if it is alive, from its owners, and gives what it was doing. It is to be forgotten next.
    #[inline]
    pub(crate) fn unlink(&mut self, key: OperationKey) -> Option<&mut Work> {
        // Read where it lies: moved as a whole, it would wait for what was just written in parts.
        let Operation { window, group, work } = self.operations.get_mut(key)?;
        self.by_window.remove(&mut self.windows.at_mut(*window).operations, slot_of(key));
        if let Some(group) = group {
            self.by_group.remove(self.groups.at_mut(group.get()), slot_of(key));
        }
        Some(work)
    }

    /// Forgets an operation that belongs to nobody any more.
    #[inline]
    pub(crate) fn forget(&mut self, key: OperationKey) {
        self.operations.remove(key);
    }

    /// The gate: the slot of an operation that is alive.
    #[inline]
    pub(crate) fn slot(&self, key: OperationKey) -> Option<Slot> {
        self.operations.contains(key).then(|| slot_of(key))
    }

    #[inline]
    pub(crate) fn key_at(&self, slot: Slot) -> OperationKey {
        self.operations.key_at(slot)
    }

    #[inline]
    pub(crate) fn at(&self, slot: Slot) -> &Operation {
        self.operations.at(slot)
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut Operation {
        self.operations.at_mut(slot)
    }

    /// The group of a living operation, if it is in one.
    #[inline]
    pub(crate) fn group_key_of(&self, slot: Slot) -> Option<GroupKey> {
        self.at(slot).group.map(|group| self.groups.key_at(group.get()))
    }

    #[inline]
    pub(crate) fn window_key_at(&self, slot: Slot) -> WindowKey {
        self.windows.key_at(slot)
    }

    #[inline]
    pub(crate) fn window_mut(&mut self, window: WindowKey) -> Option<&mut Window> {
        self.windows.get_mut(window)
    }

    /// The oldest operation of a window.
    #[inline]
    pub(crate) fn first_of_window(&self, window: WindowKey) -> Option<Slot> {
        self.windows.get(window).and_then(|window| self.by_window.first(window.operations))
    }

    /// The oldest operation of a group.
    #[inline]
    pub(crate) fn first_of_group(&self, group: GroupKey) -> Option<Slot> {
        self.groups.get(group).and_then(|&members| self.by_group.first(members))
    }
}

impl Work {
    /// The queued messages of an operation that may have some.
    #[inline]
    pub(crate) fn queued_mut(&mut self) -> Option<&mut Chain> {
        match self {
            Work::Timer { .. } | Work::External | Work::Connect { .. } => None,
            Work::Lookup { queued, .. }
            | Work::Stream { queued, .. }
            | Work::Watch { queued, .. }
            | Work::Listen { queued, .. }
            | Work::Finished { queued } => Some(queued),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic = "more than 16777215 windows"]
    fn windows_have_a_limit() {
        let mut operations = Operations::new();
        operations.windows.fill();
        operations.open_window();
    }

    #[test]
    #[should_panic = "more than 16777215 groups"]
    fn groups_have_a_limit() {
        let mut operations = Operations::new();
        operations.groups.fill();
        operations.open_group();
    }
}
