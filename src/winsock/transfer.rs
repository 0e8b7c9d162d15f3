//! Sending and receiving, and how a call persists that has to wait.
//!
//! Floor 5.

use std::net::SocketAddrV4;

use super::error::WinsockError;
use super::handle::SocketHandle;
use super::library::Winsock;
use super::socket::{Connection, MSG_DONTROUTE, MSG_OOB, MSG_PEEK, Socket};
use crate::{Interest, OperationId, Pump};

impl<T> Winsock<T> {
    /// Sends over a connection, and says how many bytes were taken: `send`.
    ///
    /// A socket that blocks waits until all are taken; one that does not takes what there is room for.
    /// `flags` may be [`MSG_OOB`] and [`MSG_DONTROUTE`].
    ///
    /// # Errors
    ///
    /// [`Ewouldblock`](WinsockError::Ewouldblock) when there is no room, and FD_WRITE tells when there is;
    /// [`Enotconn`](WinsockError::Enotconn), [`Eshutdown`](WinsockError::Eshutdown),
    /// [`Econnreset`](WinsockError::Econnreset); [`Emsgsize`](WinsockError::Emsgsize) for a datagram that is
    /// too large; [`Eopnotsupp`](WinsockError::Eopnotsupp) for urgent data in datagrams.
    ///
    /// # Cancellation
    ///
    /// A blocking send that is cancelled after some bytes were taken says how many: nothing is lost.
    pub fn send(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
        bytes: &[u8],
        flags: i32,
    ) -> Result<usize, WinsockError> {
        let sent = self.admit().and_then(|()| self.send_all(pump, socket, bytes, flags, None));
        self.noted(sent)
    }

    /// Sends a datagram to an address: `sendto`. On a connection the address is not looked at.
    ///
    /// # Errors
    ///
    /// As [`send`](Winsock::send); [`Eaddrnotavail`](WinsockError::Eaddrnotavail) for port 0 and for
    /// no address;
    /// [`Eacces`](WinsockError::Eacces) for a broadcast without `SO_BROADCAST`.
    pub fn sendto(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
        bytes: &[u8],
        flags: i32,
        address: SocketAddrV4,
    ) -> Result<usize, WinsockError> {
        let sent = self.admit().and_then(|()| self.send_all(pump, socket, bytes, flags, Some(address)));
        self.noted(sent)
    }

    fn send_all(
        &mut self,
        pump: &mut Pump<T>,
        handle: SocketHandle,
        bytes: &[u8],
        flags: i32,
        address: Option<SocketAddrV4>,
    ) -> Result<usize, WinsockError> {
        let socket = self.sockets.get(handle)?;
        check_flags(socket, flags, MSG_OOB | MSG_DONTROUTE)?;
        let flags = if socket.is_unrouted { flags | MSG_DONTROUTE } else { flags };
        let (is_whole, mut sent) = (socket.is_blocking && socket.is_stream(), 0);
        let result = self.persist(pump, handle, Interest::WRITABLE, |winsock| {
            let socket = winsock.sockets.get(handle)?;
            loop {
                sent += send_some(socket, &bytes[sent..], flags, address)?;
                if sent == bytes.len() || !is_whole {
                    return Ok(());
                }
            }
        });
        match result {
            Ok(()) => Ok(sent),
            // What was taken is on its way, and the program must know.
            Err(_) if sent > 0 => Ok(sent),
            Err(error) => {
                match error {
                    WinsockError::Ewouldblock => self.writing_enabled(pump, handle),
                    // It may have ended the connection, whose FD_CLOSE then waits for no data to be read.
                    _ => self.arm_or_log(pump, handle),
                }
                Err(error)
            }
        }
    }

    /// Receives from a connection, or a datagram: `recv`. Zero is the end of a stream.
    ///
    /// `flags` may be [`MSG_PEEK`] and [`MSG_OOB`].
    ///
    /// # Errors
    ///
    /// [`Ewouldblock`](WinsockError::Ewouldblock) when nothing waits and the socket does not block;
    /// [`Enotconn`](WinsockError::Enotconn), [`Eshutdown`](WinsockError::Eshutdown),
    /// [`Econnreset`](WinsockError::Econnreset); [`Einval`](WinsockError::Einval) for a datagram socket
    /// without an address, and where there is no urgent data; [`Emsgsize`](WinsockError::Emsgsize) for a
    /// datagram that was longer than the buffer, which is full of its beginning.
    pub fn recv(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<usize, WinsockError> {
        let received = self.receive(pump, socket, buffer, flags);
        self.noted(received).map(|(length, _)| length)
    }

    /// As [`recv`](Winsock::recv), and tells who sent the datagram: `recvfrom`. Of a connection it tells the
    /// other side.
    ///
    /// # Errors
    ///
    /// As [`recv`](Winsock::recv).
    pub fn recvfrom(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<(usize, SocketAddrV4), WinsockError> {
        let received = self.receive(pump, socket, buffer, flags);
        let received = received.and_then(|(length, sender)| match sender {
            Some(sender) => Ok((length, sender)),
            None => Ok((length, self.sockets.get(socket)?.peer_name()?)),
        });
        self.noted(received)
    }

    fn receive(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
        buffer: &mut [u8],
        flags: i32,
    ) -> Result<(usize, Option<SocketAddrV4>), WinsockError> {
        let attempt = |winsock: &mut Winsock<T>| {
            let socket = winsock.sockets.get(socket)?;
            check_flags(socket, flags, MSG_OOB | MSG_PEEK)?;
            receive_some(socket, buffer, flags)
        };
        let received = self.admit().and_then(|()| self.persist(pump, socket, Interest::READABLE, attempt));
        // It enables, with success or without: a handler that was called inside of a blocking call, where it can
        // receive nothing, is called again.
        self.reading_called(pump, socket);
        received
    }

    /// Attempts something on a socket; where that would block and the socket blocks, waits and attempts again.
    pub(super) fn persist<R>(
        &mut self,
        pump: &mut Pump<T>,
        handle: SocketHandle,
        interest: Interest,
        mut attempt: impl FnMut(&mut Winsock<T>) -> Result<R, WinsockError>,
    ) -> Result<R, WinsockError> {
        let first = attempt(self);
        if !matches!(first, Err(WinsockError::Ewouldblock)) || !self.sockets.get(handle)?.is_blocking {
            return first;
        }
        let window = self.own_window(pump);
        let watch = self.sockets.get(handle)?.native.watch(pump, window.into(), interest);
        let watch = watch.map_err(|_| WinsockError::Enobufs)?;
        self.block(pump, OperationId::from(watch), |winsock, pump, _| match attempt(winsock) {
            Err(WinsockError::Ewouldblock) => match pump.rearm(watch, interest) {
                Ok(()) => None,
                Err(_) => Some(Err(WinsockError::Enetdown)),
            },
            outcome => Some(outcome),
        })?
    }
}

/// What a datagram socket is told, in the words of Windows: the port of an earlier datagram is closed.
pub(super) fn datagram_error(error: WinsockError) -> WinsockError {
    match error {
        WinsockError::Econnrefused => WinsockError::Econnreset,
        error => error,
    }
}

fn check_flags(socket: &Socket, flags: i32, allowed: i32) -> Result<(), WinsockError> {
    match () {
        () if flags & !allowed != 0 => Err(WinsockError::Einval),
        () if flags & MSG_OOB != 0 && !socket.is_stream() => Err(WinsockError::Eopnotsupp),
        () => Ok(()),
    }
}

fn send_some(
    socket: &mut Socket,
    bytes: &[u8],
    flags: i32,
    address: Option<SocketAddrV4>,
) -> Result<usize, WinsockError> {
    socket.check_connected()?;
    if socket.is_send_shut {
        return Err(WinsockError::Eshutdown);
    }
    if let Connection::Broken(error) = socket.connection {
        return Err(error);
    }
    let sent = match (address, socket.is_stream()) {
        (Some(address), false) if address.port() == 0 || address.ip().is_unspecified() => {
            Err(WinsockError::Eaddrnotavail)
        }
        (None, false) if socket.connection != Connection::Connected => Err(WinsockError::Enotconn),
        (address, false) => send_datagram(socket, bytes, flags, address),
        (_, true) => socket.native.send(bytes, flags),
    };
    match sent {
        Ok(_) => socket.is_bound = true,
        Err(error) => socket.note_failure(error),
    }
    sent
}

/// Sends a datagram. The system tells here, in the place of sending, that the port of an earlier one is closed; that
/// is for the next receive.
fn send_datagram(
    socket: &mut Socket,
    bytes: &[u8],
    flags: i32,
    address: Option<SocketAddrV4>,
) -> Result<usize, WinsockError> {
    let send = |socket: &Socket| match address {
        Some(address) => socket.native.send_to(bytes, flags, address),
        None => socket.native.send(bytes, flags),
    };
    match send(socket) {
        Err(WinsockError::Econnrefused) => {
            socket.pending_error = Some(WinsockError::Econnreset);
            send(socket)
        }
        sent => sent,
    }
}

fn receive_some(
    socket: &mut Socket,
    buffer: &mut [u8],
    flags: i32,
) -> Result<(usize, Option<SocketAddrV4>), WinsockError> {
    socket.check_connected()?;
    if socket.is_receive_shut {
        return Err(WinsockError::Eshutdown);
    }
    if !socket.is_stream() {
        return receive_datagram(socket, buffer, flags).map(|(length, sender)| (length, Some(sender)));
    }
    let broken = match socket.connection {
        Connection::Broken(error) => Some(error),
        _ => None,
    };
    match (socket.native.receive(buffer, flags), broken) {
        // What came before the connection broke can still be read; then it is told that it did.
        (Ok(0), Some(error)) if !buffer.is_empty() => Err(error),
        (Err(_), Some(error)) => Err(error),
        (received, _) => received.inspect_err(|&error| socket.note_failure(error)).map(|length| (length, None)),
    }
}

fn receive_datagram(socket: &mut Socket, buffer: &mut [u8], flags: i32) -> Result<(usize, SocketAddrV4), WinsockError> {
    if !socket.is_bound {
        return Err(WinsockError::Einval);
    }
    if let Some(error) = socket.pending_error.take() {
        return Err(error);
    }
    match socket.native.receive_from(buffer, flags) {
        Ok((length, _)) if length > buffer.len() => Err(WinsockError::Emsgsize),
        Err(error) => Err(datagram_error(error)),
        received => received,
    }
}
