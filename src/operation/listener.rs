//! Listening sockets, and the connections that come in.
//!
//! Floor 2. Pure. What comes in is accepted in turns' shares, at most so many that the program has not
//! taken. Where the system has no descriptor for one, it is tried again after a pause.
//!
//! | listener | next                                                                            |
//! |----------|---------------------------------------------------------------------------------|
//! | InLine   | it accepts: Idle once nobody waits, Spent without credit, Pausing on an error     |
//! | Spent    | one of its connections is taken: InLine                                         |
//! | Idle     | the system says that somebody waits: InLine                                     |
//! | Pausing  | the pause is over: InLine                                                       |

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::connect::Accepted;
use crate::line::Line;
use crate::moment::Moment;
use crate::network::{Network, SocketKey};
use crate::slots::{Slot, Slots, slot_of};
use crate::timers::Timers;

/// How long accepting pauses after an error of the system's: mostly there is no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections a turn accepts from one listener.
const ACCEPTS_PER_TURN_MAX: usize = 64;

slotmap::new_key_type! { struct ListenerKey; }

/// The listening sockets.
pub(crate) struct Listeners {
    listeners: Slots<ListenerKey, Listener>,
    line: Line,
    alarms: Timers,
}

struct Listener {
    operation: Slot,
    socket: SocketKey,
    credit: usize,
    undelivered: usize,
    state: ListenerState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ListenerState {
    InLine,
    Spent,
    Idle,
    Pausing,
}

/// Somebody who came in, for the operation that listens.
pub(crate) struct Arrival {
    pub(crate) operation: Slot,
    pub(crate) accepted: Box<Accepted>,
}

impl Listeners {
    pub(crate) fn new() -> Listeners {
        Listeners { listeners: Slots::new(), line: Line::new(), alarms: Timers::new() }
    }

    pub(crate) fn start(&mut self, operation: Slot, socket: SocketKey, credit: usize) -> Slot {
        let listener = Listener { operation, socket, credit, undelivered: 0, state: ListenerState::Idle };
        slot_of(self.listeners.insert(listener))
    }

    /// Forgets a listener. Its socket is to be closed.
    pub(crate) fn remove(&mut self, slot: Slot) -> SocketKey {
        self.alarms.remove(slot);
        let listener = self.listeners.remove(self.listeners.key_at(slot)).expect("slots are used while alive");
        if listener.state == ListenerState::InLine {
            self.line.remove(slot);
        }
        listener.socket
    }

    pub(crate) fn socket(&self, slot: Slot) -> SocketKey {
        self.listeners.at(slot).socket
    }

    /// Takes in that somebody waits.
    pub(crate) fn ready(&mut self, slot: Slot) {
        if self.listeners.at(slot).state == ListenerState::Idle {
            self.line_up(slot);
        }
    }

    /// Takes in that one of its connections left the queue.
    pub(crate) fn connection_taken(&mut self, slot: Slot) {
        let listener = self.listeners.at_mut(slot);
        listener.undelivered -= 1;
        if listener.state == ListenerState::Spent {
            self.line_up(slot);
        }
    }

    /// Whether somebody may be accepted without anything happening.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !self.line.is_empty()
    }

    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.alarms.first().map(|(deadline, _)| deadline)
    }

    /// The time has become `now`: accepts each listener's share.
    pub(crate) fn advance<N: Network>(&mut self, now: Moment, network: &mut N, arrivals: &mut VecDeque<Arrival>) {
        while let Some((_, slot)) = self.alarms.first().filter(|&(deadline, _)| deadline <= now) {
            self.alarms.remove(slot);
            self.line_up(slot);
        }
        for _ in 0..self.line.len() {
            let Some(slot) = self.line.first() else { break };
            self.line.remove(slot);
            self.accept_share(slot, now, network, arrivals);
        }
    }

    fn accept_share<N: Network>(&mut self, slot: Slot, now: Moment, network: &mut N, arrivals: &mut VecDeque<Arrival>) {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            let listener = self.listeners.at_mut(slot);
            if listener.undelivered >= listener.credit {
                break;
            }
            match network.accept(listener.socket) {
                Ok((stream, peer)) => {
                    listener.undelivered += 1;
                    let accepted = Box::new(Accepted { stream, peer });
                    arrivals.push_back(Arrival { operation: listener.operation, accepted });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listener.state = ListenerState::Idle;
                    return;
                }
                // Whoever it was has given up meanwhile.
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    log::warn!("accepting a connection: {error}; again in {ACCEPT_PAUSE:?}");
                    listener.state = ListenerState::Pausing;
                    self.alarms.set(slot, now.saturating_add(ACCEPT_PAUSE));
                    return;
                }
            }
        }
        self.line_up(slot);
    }

    /// Goes to the end of the line, or has to wait until a connection is taken.
    fn line_up(&mut self, slot: Slot) {
        let listener = self.listeners.at_mut(slot);
        if listener.undelivered < listener.credit {
            listener.state = ListenerState::InLine;
            self.line.push(slot);
        } else {
            listener.state = ListenerState::Spent;
        }
    }

    /// The address that somebody can connect to.
    pub(crate) fn address(&self, slot: Slot, network: &impl Network) -> io::Result<SocketAddr> {
        network.local_address(self.socket(slot))
    }
}

/// Whether an error of accept(2) belongs to the connection and not to the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
