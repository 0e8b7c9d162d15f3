//! What a selected socket tells, and when: the rules of the events.
//!
//! Floor 5. One readiness of the pump makes at most one message. What else holds is asked for again at once,
//! so it comes as a message of its own, behind what others have queued meanwhile.
//!
//! | event      | told                                              | and again after                         |
//! |------------|---------------------------------------------------|-----------------------------------------|
//! | FD_READ    | data waits                                        | `recv`, `recvfrom`, if data still waits  |
//! | FD_WRITE   | at the selection, after FD_CONNECT and `accept`   | a send that would block, once it would not |
//! | FD_OOB     | urgent data waits                                 | a receive, if more waits                |
//! | FD_ACCEPT  | a connection waits                                | `accept`, if another waits              |
//! | FD_CONNECT | a connect is over, either way                     | another connect                         |
//! | FD_CLOSE   | the other side has ended the connection and all   | another selection                       |
//! |            | data is read, or has reset it                     |                                         |

use super::error::WinsockError;
use super::native::{Head, Watch};
use super::settings::{CloseOrder, ResetCode};
use super::socket::{Connection, Socket};
use crate::{Interest, Readiness, WindowId};

/// Data waits to be read.
pub const FD_READ: i32 = 0x01;
/// There is room to send.
pub const FD_WRITE: i32 = 0x02;
/// Urgent data waits to be read.
pub const FD_OOB: i32 = 0x04;
/// A connection waits to be accepted.
pub const FD_ACCEPT: i32 = 0x08;
/// A connect is over.
pub const FD_CONNECT: i32 = 0x10;
/// The other side has ended the connection.
pub const FD_CLOSE: i32 = 0x20;

/// Whether the pump can tell of urgent data, and so of a reset, while other data waits unread; elsewhere it would tell
/// of all data in its place.
const TELLS_URGENT: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// As much is thrown away at once of what can never be received.
const THROWN_AWAY_BYTES: usize = 64 * 1024;

/// What a program has asked to be told of a socket.
pub(super) struct Selection {
    pub(super) window: WindowId,
    pub(super) message: u32,
    /// The events asked for.
    pub(super) mask: i32,
    /// The operation that watches, once there was something to wait for.
    pub(super) watch: Option<Watch>,
    /// What the watch waits for; nothing once it has told something.
    pub(super) armed: Option<Interest>,
    /// What waits on the side of reading was told, or is not asked for: a receive must come first.
    is_read_told: bool,
    /// The same of urgent data, and of what is told wherever that is waited for.
    is_oob_told: bool,
    is_write_told: bool,
    is_close_told: bool,
    /// The other side has ended the connection, though data of it may still be unread.
    is_end_seen: bool,
}

/// What the manners of the layer say of events.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) close_order: CloseOrder,
    pub(super) reset_code: ResetCode,
}

/// One event, and what went wrong.
pub(super) type Event = (i32, Option<WinsockError>);

impl Selection {
    pub(super) fn new(window: WindowId, message: u32, mask: i32) -> Selection {
        Selection {
            window,
            message,
            mask,
            watch: None,
            armed: None,
            is_read_told: false,
            is_oob_told: false,
            is_write_told: false,
            is_close_told: false,
            is_end_seen: false,
        }
    }

    pub(super) fn wants(&self, event: i32) -> bool {
        self.mask & event != 0
    }

    /// A receive or an accept was called, with or without success.
    pub(super) fn reading_enabled(&mut self) {
        self.is_read_told = false;
        self.is_oob_told = false;
    }

    /// A send would have blocked, or a connection is new.
    pub(super) fn writing_enabled(&mut self) {
        self.is_write_told = false;
    }

    fn tell(&mut self, event: i32) {
        match event {
            FD_READ | FD_ACCEPT => self.is_read_told = true,
            FD_WRITE => self.is_write_told = true,
            FD_OOB => self.is_oob_told = true,
            FD_CLOSE => self.is_close_told = true,
            _ => {}
        }
    }
}

impl Socket {
    /// Whether room is to be told: not where nothing can be sent any more.
    fn wants_write(&self, selection: &Selection) -> bool {
        selection.wants(FD_WRITE) && !selection.is_write_told && !self.is_send_shut
    }

    /// What the pump must be asked for, so that all is told that is to be told; `None` for nothing.
    pub(super) fn wanted_interest(&self, manner: Manner) -> Option<Interest> {
        let selection = self.selection.as_ref()?;
        let wants_close = self.is_stream() && selection.wants(FD_CLOSE) && !selection.is_close_told;
        let wants_read = selection.wants(FD_READ) && !self.is_receive_shut;
        let wants_write = self.wants_write(selection);
        let is_early = manner.close_order == CloseOrder::Early;
        let (readable, writable, priority) = match self.connection {
            _ if self.connect_outcome.is_some() => (false, true, false),
            Connection::Listening => (selection.wants(FD_ACCEPT) && !selection.is_read_told, false, false),
            Connection::Connecting => (false, true, false),
            Connection::None if self.is_stream() => (false, false, false),
            Connection::Broken(_) => (wants_close || (wants_read && !selection.is_read_told), wants_write, false),
            Connection::None | Connection::Connected => {
                let is_unread = (wants_read || wants_close) && !selection.is_read_told;
                let is_never_read = self.is_receive_shut && wants_close;
                let is_ended_early = is_early && selection.is_end_seen && wants_close;
                // A reset is told at once, data unread or not, to whoever waits for urgent data.
                let wants_urgent = self.is_stream() && selection.wants(FD_OOB) || wants_close;
                let priority = TELLS_URGENT && wants_urgent && !selection.is_oob_told;
                (is_unread || is_never_read || is_ended_early, wants_write, priority)
            }
        };
        let all = [(readable, Interest::READABLE), (writable, Interest::WRITABLE), (priority, Interest::PRIORITY)];
        all.into_iter().filter(|&(is_wanted, _)| is_wanted).map(|(_, interest)| interest).reduce(|all, one| all | one)
    }

    /// The event that is told of a readiness, if one is.
    pub(super) fn event_of(&mut self, readiness: Readiness, manner: Manner) -> Option<Event> {
        self.selection.as_mut()?.armed = None;
        self.refresh();
        let event = self.choose_event(readiness, manner)?;
        self.selection.as_mut()?.tell(event.0);
        Some(event)
    }

    /// Events in their order of rank: FD_CONNECT, FD_ACCEPT, FD_OOB, FD_READ, FD_WRITE, FD_CLOSE.
    fn choose_event(&mut self, readiness: Readiness, manner: Manner) -> Option<Event> {
        let wants = |socket: &Socket, event| socket.selection.as_ref().is_some_and(|selection| selection.wants(event));
        if let Some(outcome) = self.connect_outcome.take() {
            if wants(self, FD_CONNECT) {
                return Some((FD_CONNECT, outcome.err()));
            }
            outcome.ok()?;
        }
        match self.connection {
            Connection::Listening => (readiness.is_readable() && wants(self, FD_ACCEPT)).then_some((FD_ACCEPT, None)),
            Connection::Connecting => None,
            Connection::None if self.is_stream() => None,
            Connection::Broken(error) => self.broken_event(error, manner),
            Connection::None | Connection::Connected => self.transfer_event(readiness, manner),
        }
    }

    /// Of a connection that is no more: what came before can still be read, and a send says at once how it is.
    fn broken_event(&mut self, error: WinsockError, manner: Manner) -> Option<Event> {
        let is_unread = !self.is_receive_shut && matches!(self.native.head(), Head::Data);
        let selection = self.selection.as_ref()?;
        if is_unread && selection.wants(FD_READ) && !selection.is_read_told {
            return Some((FD_READ, None));
        }
        if self.wants_write(selection) {
            return Some((FD_WRITE, None));
        }
        self.close_event(Some(error), manner)
    }

    fn transfer_event(&mut self, readiness: Readiness, manner: Manner) -> Option<Event> {
        let is_stream = self.is_stream();
        let is_receive_shut = self.is_receive_shut;
        if is_stream
            && readiness.is_error()
            && let Some(error) = self.native.take_error()
        {
            return self.break_event(error, manner);
        }
        if readiness.is_priority() {
            let (is_inline, has_urgent) = (self.is_oob_inline, self.native.has_urgent());
            let selection = self.selection.as_mut()?;
            let may_receive = !is_inline && !is_receive_shut;
            if has_urgent && may_receive && selection.wants(FD_OOB) && !selection.is_oob_told {
                return Some((FD_OOB, None));
            }
            // It is told as other data, or not at all, and as long as it waits it would be told again and again.
            selection.is_oob_told |= has_urgent || is_inline;
        }
        let head = self.head(readiness);
        let may_write = readiness.is_writable() && self.wants_write(self.selection.as_ref()?);
        let selection = self.selection.as_mut()?;
        selection.is_end_seen |= is_stream && readiness.is_read_closed();
        match head {
            Head::Data if is_receive_shut => self.native.throw_away(THROWN_AWAY_BYTES),
            Head::Data if !selection.is_read_told => {
                if selection.wants(FD_READ) {
                    return Some((FD_READ, None));
                }
                // Nobody is told, and the end behind it can only be seen once it is read.
                selection.is_read_told = true;
            }
            Head::Broken(error) => return self.break_event(error, manner),
            Head::Data | Head::End | Head::Nothing => {}
        }
        if may_write {
            return Some((FD_WRITE, None));
        }
        let is_end = match (head, manner.close_order) {
            (Head::End, _) => true,
            (_, CloseOrder::Early) => selection.is_end_seen,
            (_, CloseOrder::AfterDrain) => false,
        };
        let event = if is_end { self.close_event(None, manner) } else { None };
        let is_ended = readiness.is_error() || readiness.is_read_closed() || readiness.is_write_closed();
        if event.is_none() && is_ended {
            // An end is told to whoever waits for urgent data too, again and again, and no such data comes after it.
            self.selection.as_mut()?.is_oob_told = true;
        }
        event
    }

    /// As [`broken_event`](Socket::broken_event), of a connection that has just broken.
    fn break_event(&mut self, error: WinsockError, manner: Manner) -> Option<Event> {
        self.connection = Connection::Broken(error);
        self.pending_error = Some(error);
        self.broken_event(error, manner)
    }

    /// What is at the head of what was received, asked of the system only where readiness does not tell.
    fn head(&mut self, readiness: Readiness) -> Head {
        let is_plain = !readiness.is_read_closed() && !readiness.is_error() && !readiness.is_priority();
        match (readiness.is_readable(), self.is_stream()) {
            (true, true) if is_plain => Head::Data,
            // An error of a datagram socket is told by the receive.
            (true, false) => Head::Data,
            (false, false) if readiness.is_error() => Head::Data,
            (false, _) if is_plain => Head::Nothing,
            (false, false) => Head::Nothing,
            (_, true) => self.native.head(),
        }
    }

    fn close_event(&mut self, error: Option<WinsockError>, manner: Manner) -> Option<Event> {
        let selection = self.selection.as_mut()?;
        selection.is_end_seen = true;
        selection.is_read_told = true;
        if !selection.wants(FD_CLOSE) || selection.is_close_told {
            return None;
        }
        let told = |error| match (error, manner.reset_code) {
            (WinsockError::Econnreset, ResetCode::ConnReset) => WinsockError::Econnreset,
            // A timeout or another failure, in the words of the texts.
            _ => WinsockError::Econnaborted,
        };
        Some((FD_CLOSE, error.map(told)))
    }
}
