//! Making sockets and connections, and ending them.
//!
//! Floor 5.

use std::net::SocketAddrV4;

use super::answer::AF_INET;
use super::error::WinsockError;
use super::handle::SocketHandle;
use super::library::Winsock;
use super::native::{Connect, Native};
use super::selection::Selection;
use super::socket::{Connection, IPPROTO_TCP, IPPROTO_UDP, Linger, SOCK_DGRAM, SOCK_STREAM, Socket, SocketKind};
use crate::{Interest, Pump};

/// The most connections that wait for `accept` in version 1.x, as its text says.
const BACKLOG_MAX: i32 = 5;

impl<T> Winsock<T> {
    /// Makes a socket: `socket`. It blocks until it is told not to.
    ///
    /// # Errors
    ///
    /// [`Eafnosupport`](WinsockError::Eafnosupport) for another family than [`AF_INET`];
    /// [`Esocktnosupport`](WinsockError::Esocktnosupport) for another kind than [`SOCK_STREAM`] and
    /// [`SOCK_DGRAM`]; [`Eprototype`](WinsockError::Eprototype) and
    /// [`Eprotonosupport`](WinsockError::Eprotonosupport) for a protocol that does not fit or is not known,
    /// where zero always fits; [`Emfile`](WinsockError::Emfile) when as many sockets are open as may be.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::winsock::{AF_INET, SOCK_STREAM, Version, Winsock, WsaData};
    /// let mut winsock = Winsock::<()>::new();
    /// winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
    /// let socket = winsock.socket(AF_INET, SOCK_STREAM, 0)?;
    /// winsock.bind(socket, "127.0.0.1:0".parse().expect("an address"))?;
    /// assert_ne!(winsock.getsockname(socket)?.port(), 0);
    /// # Ok::<(), msgpump::winsock::WinsockError>(())
    /// ```
    pub fn socket(&mut self, family: i32, kind: i32, protocol: i32) -> Result<SocketHandle, WinsockError> {
        let opened = self.admit().and_then(|()| {
            let kind = kind_of(family, kind, protocol)?;
            self.check_room()?;
            Ok(self.sockets.insert(Socket::new(Native::open(kind)?, kind)))
        });
        self.noted(opened)
    }

    /// Gives a socket an address on this machine; port 0 asks for any: `bind`.
    ///
    /// # Errors
    ///
    /// [`Einval`](WinsockError::Einval) for one that has an address already,
    /// [`Eaddrinuse`](WinsockError::Eaddrinuse), [`Eaddrnotavail`](WinsockError::Eaddrnotavail),
    /// [`Enotsock`](WinsockError::Enotsock).
    pub fn bind(&mut self, socket: SocketHandle, address: SocketAddrV4) -> Result<(), WinsockError> {
        let bound = self.admitted_socket(socket).and_then(|socket| {
            if socket.is_bound {
                return Err(WinsockError::Einval);
            }
            socket.native.bind(address)?;
            socket.is_bound = true;
            Ok(())
        });
        self.noted(bound)
    }

    /// Has a bound stream socket take connections: `listen`.
    ///
    /// `backlog` connections wait for [`accept`](Winsock::accept), as near as the system can; in version 1.x
    /// one to five.
    ///
    /// # Errors
    ///
    /// [`Einval`](WinsockError::Einval) for a socket without an address,
    /// [`Eisconn`](WinsockError::Eisconn), [`Eopnotsupp`](WinsockError::Eopnotsupp) for one of datagrams.
    pub fn listen(&mut self, pump: &mut Pump<T>, socket: SocketHandle, backlog: i32) -> Result<(), WinsockError> {
        let backlog = match self.version() {
            Some(version) if version.major >= 2 => backlog.max(1),
            _ => backlog.clamp(1, BACKLOG_MAX),
        };
        let listening = self.admitted_socket(socket).and_then(|socket| {
            socket.refresh();
            match socket.connection {
                _ if !socket.is_stream() => Err(WinsockError::Eopnotsupp),
                Connection::Connected | Connection::Broken(_) => Err(WinsockError::Eisconn),
                Connection::Connecting => Err(WinsockError::Einval),
                Connection::None | Connection::Listening if !socket.is_bound => Err(WinsockError::Einval),
                Connection::None | Connection::Listening => {
                    socket.native.listen(backlog)?;
                    socket.connection = Connection::Listening;
                    Ok(())
                }
            }
        });
        let listening = listening.and_then(|()| self.arm(pump, socket));
        self.noted(listening)
    }

    /// Takes a connection that somebody made, and tells from where: `accept`.
    ///
    /// The new socket blocks or not as the listening one does, and has its selection.
    ///
    /// # Errors
    ///
    /// [`Ewouldblock`](WinsockError::Ewouldblock) when none waits and the socket does not block,
    /// [`Einval`](WinsockError::Einval) for one that does not listen,
    /// [`Eopnotsupp`](WinsockError::Eopnotsupp) for one of datagrams,
    /// [`Emfile`](WinsockError::Emfile), and [`Eintr`](WinsockError::Eintr), after which it may be called
    /// again.
    pub fn accept(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
    ) -> Result<(SocketHandle, SocketAddrV4), WinsockError> {
        let accepted = self.admit().and_then(|()| self.accept_one(pump, socket));
        // It enables, with success or without.
        self.reading_called(pump, socket);
        self.noted(accepted)
    }

    fn accept_one(
        &mut self,
        pump: &mut Pump<T>,
        handle: SocketHandle,
    ) -> Result<(SocketHandle, SocketAddrV4), WinsockError> {
        let listener = self.sockets.get(handle)?;
        if !listener.is_stream() {
            return Err(WinsockError::Eopnotsupp);
        }
        if listener.connection != Connection::Listening {
            return Err(WinsockError::Einval);
        }
        self.check_room()?;
        let attempt = |winsock: &mut Winsock<T>| winsock.sockets.get(handle)?.native.accept();
        let (native, address) = self.persist(pump, handle, Interest::READABLE, attempt)?;
        let listener = self.sockets.get(handle)?;
        let mut socket = Socket::new(native, SocketKind::Stream);
        socket.connection = Connection::Connected;
        socket.peer = Some(address);
        socket.is_bound = true;
        socket.is_blocking = listener.is_blocking;
        socket.is_oob_inline = listener.is_oob_inline;
        socket.linger = listener.linger;
        socket.is_debugged = listener.is_debugged;
        socket.is_unrouted = listener.is_unrouted;
        let inherited = listener.selection.as_ref();
        socket.selection = inherited.map(|of| Selection::new(of.window, of.message, of.mask));
        socket.native.set_flag(super::native::Flag::OobInline, socket.is_oob_inline)?;
        apply_linger(&socket)?;
        let accepted = self.sockets.insert(socket);
        // Before anything can be missed that happens to it.
        match self.arm(pump, accepted) {
            Ok(()) => Ok((accepted, address)),
            Err(error) => {
                self.sockets.remove(accepted);
                Err(error)
            }
        }
    }

    /// Connects to an address: `connect`. A socket of datagrams only notes whom it sends to.
    ///
    /// # Errors
    ///
    /// [`Ewouldblock`](WinsockError::Ewouldblock) when the connection is under way and the socket does not
    /// block; then FD_CONNECT tells the end. Called again meanwhile,
    /// [`Ealready`](WinsockError::Ealready), or in version 1.x [`Einval`](WinsockError::Einval).
    /// [`Eisconn`](WinsockError::Eisconn), [`Econnrefused`](WinsockError::Econnrefused),
    /// [`Enetunreach`](WinsockError::Enetunreach), [`Etimedout`](WinsockError::Etimedout);
    /// [`Eaddrnotavail`](WinsockError::Eaddrnotavail) for port 0 and for no address, but see below;
    /// [`Einval`](WinsockError::Einval) for a listening socket.
    ///
    /// In version 2 a socket of datagrams that is connected to no address has no peer any more.
    pub fn connect(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
        address: SocketAddrV4,
    ) -> Result<(), WinsockError> {
        let connected = self.admit().and_then(|()| self.connect_to(pump, socket, address));
        self.noted(connected)
    }

    fn connect_to(
        &mut self,
        pump: &mut Pump<T>,
        handle: SocketHandle,
        address: SocketAddrV4,
    ) -> Result<(), WinsockError> {
        let is_modern = self.version_in_force()?.major >= 2;
        let socket = self.sockets.get(handle)?;
        socket.refresh();
        match socket.connection {
            Connection::Listening => return Err(WinsockError::Einval),
            Connection::Connecting if is_modern => return Err(WinsockError::Ealready),
            Connection::Connecting => return Err(WinsockError::Einval),
            Connection::Connected | Connection::Broken(_) if socket.is_stream() => return Err(WinsockError::Eisconn),
            Connection::None | Connection::Connected | Connection::Broken(_) => {}
        }
        if is_modern && !socket.is_stream() && address.ip().is_unspecified() {
            socket.native.disconnect()?;
            socket.connection = Connection::None;
            return Ok(());
        }
        if address.port() == 0 || address.ip().is_unspecified() {
            return Err(WinsockError::Eaddrnotavail);
        }
        (socket.connect_outcome, socket.pending_error) = (None, None);
        let begun = socket.native.connect(address)?;
        socket.peer = Some(address);
        socket.is_bound = true;
        if !socket.is_stream() {
            socket.connection = Connection::Connected;
            self.writing_enabled(pump, handle);
            return Ok(());
        }
        socket.connection = Connection::Connecting;
        if let Connect::Done = begun {
            socket.refresh();
        }
        let is_blocking = socket.is_blocking;
        self.writing_enabled(pump, handle);
        if !is_blocking {
            return Err(WinsockError::Ewouldblock);
        }
        self.persist(pump, handle, Interest::WRITABLE, |winsock| {
            let socket = winsock.sockets.get(handle)?;
            socket.refresh();
            let outcome = socket.connect_outcome.take();
            if let Some(Err(_)) = outcome {
                // It is told by this very call.
                socket.pending_error = None;
            }
            outcome.unwrap_or(Err(WinsockError::Ewouldblock))
        })
    }

    /// Ends one direction of a connection or both: 0 receiving, 1 sending, 2 both: `shutdown`.
    ///
    /// The other side is told of an end of sending alone. What it sends after an end of receiving can never be
    /// received; FD_CLOSE still tells when it ends the connection.
    ///
    /// # Errors
    ///
    /// [`Einval`](WinsockError::Einval) for another number, [`Enotconn`](WinsockError::Enotconn).
    pub fn shutdown(&mut self, pump: &mut Pump<T>, socket: SocketHandle, how: i32) -> Result<(), WinsockError> {
        let shut = self.admitted_socket(socket).and_then(|socket| {
            socket.check_connected()?;
            let (receives, sends) = match how {
                0 => (true, false),
                1 => (false, true),
                2 => (true, true),
                _ => return Err(WinsockError::Einval),
            };
            // The system is not told of an end of receiving: it would tell it as the end of the other side.
            let shut = if sends && !socket.is_send_shut { socket.native.shutdown_sending() } else { Ok(()) };
            match shut {
                // A connection that is over is shut already.
                Ok(()) | Err(WinsockError::Enotconn) => {}
                Err(error) if socket.is_stream() && socket.connection == Connection::Connected => return Err(error),
                Err(_) => {}
            }
            socket.is_receive_shut |= receives;
            socket.is_send_shut |= sends;
            Ok(())
        });
        if shut.is_ok() {
            self.arm_or_log(pump, socket);
        }
        self.noted(shut)
    }

    /// Closes a socket: `closesocket`. Nothing of it is seen any more, a queued message neither.
    ///
    /// It never waits. What was sent and is not delivered goes on in the background, unless `SO_LINGER` is
    /// on with zero seconds: then it is lost and the connection is reset.
    ///
    /// # Errors
    ///
    /// [`Enotsock`](WinsockError::Enotsock); [`Ewouldblock`](WinsockError::Ewouldblock) for a connection that
    /// does not block, has `SO_LINGER` on with some seconds, and has not been ended by both sides. It stays open.
    pub fn closesocket(&mut self, pump: &mut Pump<T>, socket: SocketHandle) -> Result<(), WinsockError> {
        let closed = self.admit().and_then(|()| {
            let state = self.sockets.get(socket)?;
            state.refresh();
            let lingers = matches!(state.linger, Linger::On(seconds) if seconds > 0);
            let is_connected = state.is_stream() && state.connection == Connection::Connected;
            if lingers && !state.is_blocking && is_connected && !state.native.has_ended() {
                return Err(WinsockError::Ewouldblock);
            }
            // Before the descriptor is closed: the watch has a duplicate of it.
            self.end_selection(pump, socket, false);
            for stale in self.sockets.take_stale_of(socket) {
                self.end_watch(pump, stale, true);
            }
            self.sockets.remove(socket);
            Ok(())
        });
        self.noted(closed)
    }

    /// The address of a socket on this side: `getsockname`.
    ///
    /// # Errors
    ///
    /// [`Einval`](WinsockError::Einval) for one that has none yet.
    pub fn getsockname(&mut self, socket: SocketHandle) -> Result<SocketAddrV4, WinsockError> {
        let name = self.admitted_socket(socket).and_then(|socket| match socket.is_bound {
            true => socket.native.name(),
            false => Err(WinsockError::Einval),
        });
        self.noted(name)
    }

    /// The address of the other side, also of a connection that has ended: `getpeername`.
    ///
    /// # Errors
    ///
    /// [`Enotconn`](WinsockError::Enotconn).
    pub fn getpeername(&mut self, socket: SocketHandle) -> Result<SocketAddrV4, WinsockError> {
        let name = self.admitted_socket(socket).and_then(Socket::peer_name);
        self.noted(name)
    }

    /// The final cleanup: connections are reset, everything is closed.
    pub(super) fn close_all(&mut self, pump: &mut Pump<T>) {
        for operation in self.sockets.watches() {
            self.end_watch(pump, operation, true);
        }
        for mut socket in self.sockets.take_all() {
            socket.refresh();
            if socket.is_stream() && socket.connection == Connection::Connected {
                // If the system refuses, it is closed in order.
                let _ = socket.native.reset_on_close();
            }
        }
    }

    /// The socket of a call that begins as every call does.
    pub(super) fn admitted_socket(&mut self, socket: SocketHandle) -> Result<&mut Socket, WinsockError> {
        self.admit()?;
        self.sockets.get(socket)
    }

    fn check_room(&self) -> Result<(), WinsockError> {
        if self.sockets.len() < self.settings.sockets_max { Ok(()) } else { Err(WinsockError::Emfile) }
    }
}

/// Tells the system how a socket is to be closed. The system must never wait in a close, so of the seconds it
/// is told only whether there are none.
pub(super) fn apply_linger(socket: &Socket) -> Result<(), WinsockError> {
    match socket.linger {
        Linger::On(0) => socket.native.reset_on_close(),
        Linger::Off | Linger::On(_) => socket.native.deliver_on_close(),
    }
}

fn kind_of(family: i32, kind: i32, protocol: i32) -> Result<SocketKind, WinsockError> {
    if family != AF_INET {
        return Err(WinsockError::Eafnosupport);
    }
    let kind = match kind {
        SOCK_STREAM => SocketKind::Stream,
        SOCK_DGRAM => SocketKind::Datagram,
        _ => return Err(WinsockError::Esocktnosupport),
    };
    match (kind, protocol) {
        (_, 0) | (SocketKind::Stream, IPPROTO_TCP) | (SocketKind::Datagram, IPPROTO_UDP) => Ok(kind),
        (_, IPPROTO_TCP | IPPROTO_UDP) => Err(WinsockError::Eprototype),
        _ => Err(WinsockError::Eprotonosupport),
    }
}
