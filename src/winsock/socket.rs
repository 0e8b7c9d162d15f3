//! Sockets: what the layer knows of each, and the table of them.
//!
//! Floor 5.

use std::collections::hash_map::Entry;
use std::net::SocketAddrV4;

use super::error::WinsockError;
use super::handle::{Numbers, SocketHandle};
use super::native::Native;
use super::selection::Selection;
use super::table::Table;
use crate::OperationId;

/// A stream of bytes over a connection: TCP.
pub const SOCK_STREAM: i32 = 1;
/// Datagrams: UDP.
pub const SOCK_DGRAM: i32 = 2;
/// The number of TCP, for `socket`.
pub const IPPROTO_TCP: i32 = 6;
/// The number of UDP, for `socket`.
pub const IPPROTO_UDP: i32 = 17;

/// Sends or receives urgent data, which is out of band.
pub const MSG_OOB: i32 = 1;
/// Looks at what was received and leaves it.
pub const MSG_PEEK: i32 = 2;
/// Sends to hosts on directly connected networks alone.
pub const MSG_DONTROUTE: i32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SocketKind {
    Stream,
    Datagram,
}

/// How far a socket's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// There is none.
    None,
    Listening,
    Connecting,
    /// To a datagram socket's peer, too.
    Connected,
    /// It was made and is no more: the other side reset it, or it was given up.
    Broken(WinsockError),
}

/// How a socket is closed (`SO_LINGER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linger {
    /// What is left is sent in the background.
    Off,
    /// For this many seconds the call would wait; none reset the connection.
    On(u16),
}

/// A socket of the program.
pub(super) struct Socket {
    pub(super) native: Native,
    pub(super) kind: SocketKind,
    pub(super) connection: Connection,
    /// The other side of the connection, or the one that a connect is under way to. The system forgets it when both
    /// have ended.
    pub(super) peer: Option<SocketAddrV4>,
    /// What became of the last connect, until FD_CONNECT tells it.
    pub(super) connect_outcome: Option<Result<(), WinsockError>>,
    /// What `SO_ERROR` tells once.
    pub(super) pending_error: Option<WinsockError>,
    /// Whether calls wait for what cannot be done at once.
    pub(super) is_blocking: bool,
    pub(super) is_bound: bool,
    pub(super) is_send_shut: bool,
    pub(super) is_receive_shut: bool,
    pub(super) linger: Linger,
    /// Urgent data comes among the other (`SO_OOBINLINE`).
    pub(super) is_oob_inline: bool,
    /// Kept for the program and without effect (`SO_DEBUG`).
    pub(super) is_debugged: bool,
    /// Every datagram and segment is sent with [`MSG_DONTROUTE`] (`SO_DONTROUTE`).
    pub(super) is_unrouted: bool,
    pub(super) selection: Option<Selection>,
}

impl Socket {
    pub(super) fn new(native: Native, kind: SocketKind) -> Socket {
        Socket {
            native,
            kind,
            connection: Connection::None,
            peer: None,
            connect_outcome: None,
            pending_error: None,
            is_blocking: true,
            is_bound: false,
            is_send_shut: false,
            is_receive_shut: false,
            linger: Linger::Off,
            is_oob_inline: false,
            is_debugged: false,
            is_unrouted: false,
            selection: None,
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        self.kind == SocketKind::Stream
    }

    /// Asks the system how far a connect is that was under way when it was last asked.
    pub(super) fn refresh(&mut self) {
        if self.connection != Connection::Connecting {
            return;
        }
        let Some(outcome) = self.native.connected() else { return };
        self.pending_error = outcome.err();
        (self.connect_outcome, self.connection) = match outcome {
            Ok(()) => (Some(Ok(())), Connection::Connected),
            // Only a connection that was made can be reset: a connect is refused.
            Err(error @ WinsockError::Econnreset) => (Some(Ok(())), Connection::Broken(error)),
            Err(error) => (Some(Err(error)), Connection::None),
        };
    }

    /// A connection that was made before anybody asked to be told is no event any more. A failure stays one: it
    /// has no other.
    pub(super) fn forget_success(&mut self) {
        self.refresh();
        if let Some(Ok(())) = self.connect_outcome {
            self.connect_outcome = None;
        }
    }

    /// Takes in an error that the system told of a stream: one that ends its connection is told once by the
    /// system, and by every call here.
    pub(super) fn note_failure(&mut self, error: WinsockError) {
        use WinsockError as E;
        let is_end = matches!(
            error,
            E::Econnreset | E::Econnaborted | E::Etimedout | E::Enetreset | E::Enetdown | E::Enetunreach
                // What the network said of the last segments, which were sent again and again.
                | E::Ehostunreach | E::Ehostdown
        );
        if is_end && self.is_stream() && self.connection == Connection::Connected {
            self.connection = Connection::Broken(error);
        }
    }

    /// The other side of a connection that is made, or was.
    pub(super) fn peer_name(&mut self) -> Result<SocketAddrV4, WinsockError> {
        self.refresh();
        match self.connection {
            Connection::Connected | Connection::Broken(_) => self.peer.ok_or(WinsockError::Enotconn),
            Connection::None | Connection::Listening | Connection::Connecting => Err(WinsockError::Enotconn),
        }
    }

    /// Fails where data cannot go over it as far as its connection is concerned.
    pub(super) fn check_connected(&mut self) -> Result<(), WinsockError> {
        self.refresh();
        match self.connection {
            Connection::Connected | Connection::Broken(_) => Ok(()),
            Connection::None | Connection::Listening | Connection::Connecting if self.is_stream() => {
                Err(WinsockError::Enotconn)
            }
            Connection::None | Connection::Listening | Connection::Connecting => Ok(()),
        }
    }
}

/// The sockets that are open.
pub(super) struct Sockets {
    numbers: Numbers,
    by_handle: Table<SocketHandle, Socket>,
    /// Whose readiness an operation of the pump tells.
    by_watch: Table<OperationId, SocketHandle>,
    /// Ended selections whose message is still to be delivered.
    stale: Table<OperationId, Selection>,
}

impl Sockets {
    pub(super) fn new() -> Sockets {
        Sockets {
            numbers: Numbers::of_sockets(),
            by_handle: Table::default(),
            by_watch: Table::default(),
            stale: Table::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_handle.len()
    }

    pub(super) fn insert(&mut self, socket: Socket) -> SocketHandle {
        loop {
            let handle = SocketHandle::from_raw(self.numbers.issue());
            if let Entry::Vacant(entry) = self.by_handle.entry(handle) {
                entry.insert(socket);
                return handle;
            }
        }
    }

    pub(super) fn get(&mut self, handle: SocketHandle) -> Result<&mut Socket, WinsockError> {
        self.by_handle.get_mut(&handle).ok_or(WinsockError::Enotsock)
    }

    pub(super) fn remove(&mut self, handle: SocketHandle) -> Option<Socket> {
        self.by_handle.remove(&handle)
    }

    pub(super) fn watched(&self, operation: OperationId) -> Option<SocketHandle> {
        self.by_watch.get(&operation).copied()
    }

    pub(super) fn note_watch(&mut self, operation: OperationId, handle: SocketHandle) {
        self.by_watch.insert(operation, handle);
    }

    pub(super) fn forget_watch(&mut self, operation: OperationId) {
        self.by_watch.remove(&operation);
    }

    /// Every operation that watches a socket.
    pub(super) fn watches(&self) -> Vec<OperationId> {
        self.by_watch.keys().copied().collect()
    }

    /// Keeps a selection that has ended until its queued message is taken.
    pub(super) fn keep_stale(&mut self, operation: OperationId, handle: SocketHandle, selection: Selection) {
        self.by_watch.insert(operation, handle);
        self.stale.insert(operation, selection);
    }

    /// Takes a kept selection whose message was taken.
    pub(super) fn take_stale(&mut self, operation: OperationId) -> Option<Selection> {
        if self.stale.is_empty() {
            return None;
        }
        let selection = self.stale.remove(&operation)?;
        self.by_watch.remove(&operation);
        Some(selection)
    }

    /// Takes the operations of a socket's kept selections.
    pub(super) fn take_stale_of(&mut self, handle: SocketHandle) -> Vec<OperationId> {
        let of_socket = |operation: &OperationId| self.by_watch.get(operation) == Some(&handle);
        let operations: Vec<_> = self.stale.keys().copied().filter(of_socket).collect();
        for operation in &operations {
            self.take_stale(*operation);
        }
        operations
    }

    /// Gives up every socket; the handles given out so far are those of the past.
    pub(super) fn take_all(&mut self) -> Vec<Socket> {
        self.numbers.begin_epoch();
        self.by_watch.clear();
        self.stale.clear();
        std::mem::take(&mut self.by_handle).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_error_ends_a_connection_is_told_by_every_call_from_then_on() {
        use WinsockError as E;
        let broken = |error| {
            let mut socket = Socket::new(Native::open(SocketKind::Stream).expect("descriptors"), SocketKind::Stream);
            socket.connection = Connection::Connected;
            socket.note_failure(error);
            socket.connection
        };
        for error in [E::Econnreset, E::Econnaborted, E::Etimedout, E::Ehostunreach, E::Enetunreach] {
            assert_eq!(broken(error), Connection::Broken(error));
        }
        for error in [E::Ewouldblock, E::Einval, E::Enobufs, E::Emsgsize] {
            assert_eq!(broken(error), Connection::Connected);
        }
    }
}
