//! Watched sources.
//!
//! Floor 2. Pure. One message tells that a source is ready, and then none until the program arms it again.
//!
//! | watch    | next                                                                         |
//! |----------|------------------------------------------------------------------------------|
//! | Armed    | the source is ready: Queued                                                  |
//! | Queued   | what comes now is merged into its message; that is taken: Disarmed           |
//! | Disarmed | it is armed again: Armed. What comes meanwhile is told then, if it still holds. The first such makes the system watch it no more until then |

use crate::network::SocketKey;
use crate::slots::{Slot, Slots, slot_of};

slotmap::new_key_type! { struct WatchKey; }

/// The watched sources.
pub(crate) struct Watches {
    watches: Slots<WatchKey, Watch>,
}

struct Watch {
    socket: SocketKey,
    state: WatchState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchState {
    Armed,
    Queued,
    Disarmed,
}

impl Watches {
    pub(crate) fn new() -> Watches {
        Watches { watches: Slots::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.watches.len()
    }

    pub(crate) fn start(&mut self, socket: SocketKey) -> Slot {
        slot_of(self.watches.insert(Watch { socket, state: WatchState::Armed }))
    }

    /// Forgets a watch. Its socket is to be given up.
    pub(crate) fn remove(&mut self, slot: Slot) -> SocketKey {
        let watch = self.watches.remove(self.watches.key_at(slot));
        watch.expect("slots are used while alive").socket
    }

    pub(crate) fn socket(&self, slot: Slot) -> SocketKey {
        self.watches.at(slot).socket
    }

    /// Takes in that the source is ready, and says in what state that found it.
    pub(crate) fn ready(&mut self, slot: Slot) -> WatchState {
        let state = &mut self.watches.at_mut(slot).state;
        let before = *state;
        if before == WatchState::Armed {
            *state = WatchState::Queued;
        }
        before
    }

    /// Takes in that its message was taken.
    pub(crate) fn told(&mut self, slot: Slot) {
        self.watches.at_mut(slot).state = WatchState::Disarmed;
    }

    /// Arms it again. A message that still waits is left as it is.
    pub(crate) fn rearm(&mut self, slot: Slot) {
        let state = &mut self.watches.at_mut(slot).state;
        if *state == WatchState::Disarmed {
            *state = WatchState::Armed;
        }
    }
}
