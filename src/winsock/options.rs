//! Options of sockets, and `ioctlsocket`.
//!
//! Floor 5.

use super::connection::apply_linger;
use super::error::WinsockError;
use super::handle::SocketHandle;
use super::library::Winsock;
use super::native::Flag;
use super::socket::{Connection, Linger, MSG_PEEK, SOCK_DGRAM, SOCK_STREAM, Socket};
use super::transfer::datagram_error;

/// Sets whether a socket blocks: zero, and it does.
pub const FIONBIO: u32 = 0x8004_667E;
/// Tells how many bytes one receive would give.
pub const FIONREAD: u32 = 0x4004_667F;
/// Tells whether no urgent data waits.
pub const SIOCATMARK: u32 = 0x4004_7307;

/// The level of the options of sockets, where options are known by numbers.
pub const SOL_SOCKET: i32 = 0xFFFF;

/// No datagram is longer.
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;

/// An option of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketOption {
    /// Whether it listens. To be read only.
    AcceptConn,
    /// Whether it may send to broadcast addresses.
    Broadcast,
    /// Kept and given back, without effect.
    Debug,
    /// Whether `SO_LINGER` is off.
    DontLinger,
    /// Whether it sends to directly connected networks alone.
    DontRoute,
    /// The error that waits. Reading clears it.
    Error,
    /// Whether the system asks an idle connection for signs of life.
    KeepAlive,
    /// How it is closed.
    Linger,
    /// Whether urgent data comes among the other.
    OobInline,
    /// The size of the buffer of what was received, in bytes.
    RcvBuf,
    /// Whether an address in use may be bound.
    ReuseAddr,
    /// The size of the buffer of what is to be sent, in bytes.
    SndBuf,
    /// Its type. To be read only.
    Type,
    /// Whether small segments are sent at once (`TCP_NODELAY`).
    NoDelay,
}

/// The options, with their level, number and name in the texts.
const OPTIONS: &[(SocketOption, i32, i32, &str)] = &[
    (SocketOption::Debug, SOL_SOCKET, 0x0001, "SO_DEBUG"),
    (SocketOption::AcceptConn, SOL_SOCKET, 0x0002, "SO_ACCEPTCONN"),
    (SocketOption::ReuseAddr, SOL_SOCKET, 0x0004, "SO_REUSEADDR"),
    (SocketOption::KeepAlive, SOL_SOCKET, 0x0008, "SO_KEEPALIVE"),
    (SocketOption::DontRoute, SOL_SOCKET, 0x0010, "SO_DONTROUTE"),
    (SocketOption::Broadcast, SOL_SOCKET, 0x0020, "SO_BROADCAST"),
    (SocketOption::Linger, SOL_SOCKET, 0x0080, "SO_LINGER"),
    (SocketOption::OobInline, SOL_SOCKET, 0x0100, "SO_OOBINLINE"),
    (SocketOption::DontLinger, SOL_SOCKET, !0x0080, "SO_DONTLINGER"),
    (SocketOption::SndBuf, SOL_SOCKET, 0x1001, "SO_SNDBUF"),
    (SocketOption::RcvBuf, SOL_SOCKET, 0x1002, "SO_RCVBUF"),
    (SocketOption::Error, SOL_SOCKET, 0x1007, "SO_ERROR"),
    (SocketOption::Type, SOL_SOCKET, 0x1008, "SO_TYPE"),
    (SocketOption::NoDelay, super::IPPROTO_TCP, 0x0001, "TCP_NODELAY"),
];

impl SocketOption {
    /// The option of a level and a number in the texts, if it is offered.
    pub fn from_numbers(level: i32, number: i32) -> Option<SocketOption> {
        OPTIONS.iter().find(|option| (option.1, option.2) == (level, number)).map(|option| option.0)
    }

    /// The level and the number in the texts.
    pub fn numbers(self) -> (i32, i32) {
        let option = OPTIONS.iter().find(|option| option.0 == self).expect("every option is in the table");
        (option.1, option.2)
    }

    /// The name in the texts.
    pub fn name(self) -> &'static str {
        OPTIONS.iter().find(|option| option.0 == self).expect("every option is in the table").3
    }
}

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionValue {
    /// A number; of options that are on or off, zero is off.
    Number(i32),
    /// What `SO_LINGER` has (`struct linger`).
    Linger {
        /// Whether a close waits, or resets the connection when `seconds` is zero.
        is_on: bool,
        /// How long it would wait.
        seconds: u16,
    },
}

impl From<i32> for OptionValue {
    fn from(number: i32) -> OptionValue {
        OptionValue::Number(number)
    }
}

impl From<bool> for OptionValue {
    fn from(is_on: bool) -> OptionValue {
        OptionValue::Number(is_on.into())
    }
}

impl<T> Winsock<T> {
    /// Asks or tells about a socket's input: [`FIONBIO`], [`FIONREAD`], [`SIOCATMARK`]: `ioctlsocket`.
    ///
    /// # Errors
    ///
    /// [`Einval`](WinsockError::Einval) for another command, and for making a socket block that is selected:
    /// end its selection first.
    pub fn ioctlsocket(&mut self, socket: SocketHandle, command: u32, argument: &mut u32) -> Result<(), WinsockError> {
        let done = self.admitted_socket(socket).and_then(|socket| match command {
            FIONBIO if *argument == 0 && socket.selection.is_some() => Err(WinsockError::Einval),
            FIONBIO => {
                socket.is_blocking = *argument == 0;
                Ok(())
            }
            FIONREAD => {
                *argument = waiting_bytes(socket);
                Ok(())
            }
            SIOCATMARK if !socket.is_stream() => Err(WinsockError::Einval),
            SIOCATMARK => {
                *argument = (!socket.native.has_urgent()).into();
                Ok(())
            }
            _ => Err(WinsockError::Einval),
        });
        self.noted(done)
    }

    /// Sets an option of a socket: `setsockopt`.
    ///
    /// # Errors
    ///
    /// [`Enoprotoopt`](WinsockError::Enoprotoopt) for one that can only be read, and where the kind of socket
    /// has no such option; [`Efault`](WinsockError::Efault) for a value of the wrong form;
    /// [`Einval`](WinsockError::Einval) for a size below zero.
    pub fn setsockopt(
        &mut self,
        socket: SocketHandle,
        option: SocketOption,
        value: impl Into<OptionValue>,
    ) -> Result<(), WinsockError> {
        let value = value.into();
        let set = self.admitted_socket(socket).and_then(|socket| set_option(socket, option, value));
        self.noted(set)
    }

    /// Reads an option of a socket: `getsockopt`.
    ///
    /// # Errors
    ///
    /// [`Enoprotoopt`](WinsockError::Enoprotoopt) where the kind of socket has no such option.
    pub fn getsockopt(&mut self, socket: SocketHandle, option: SocketOption) -> Result<OptionValue, WinsockError> {
        let value = self.admitted_socket(socket).and_then(|socket| get_option(socket, option));
        self.noted(value)
    }
}

/// How many bytes one receive would give.
fn waiting_bytes(socket: &mut Socket) -> u32 {
    if socket.is_stream() {
        return socket.native.waiting_bytes();
    }
    // Systems count datagrams together, or with their addresses.
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    match socket.native.receive_from(&mut buffer, MSG_PEEK) {
        Ok((length, _)) => length as u32,
        Err(WinsockError::Ewouldblock) => 0,
        // The system tells it once, and it is for the next receive.
        Err(error) => {
            socket.pending_error = Some(datagram_error(error));
            0
        }
    }
}

/// The flag of the system that an option is, if it is one.
fn flag_of(socket: &Socket, option: SocketOption) -> Option<Flag> {
    match option {
        SocketOption::Broadcast if !socket.is_stream() => Some(Flag::Broadcast),
        SocketOption::KeepAlive if socket.is_stream() => Some(Flag::KeepAlive),
        SocketOption::NoDelay if socket.is_stream() => Some(Flag::NoDelay),
        SocketOption::OobInline if socket.is_stream() => Some(Flag::OobInline),
        SocketOption::ReuseAddr => Some(Flag::ReuseAddress),
        _ => None,
    }
}

fn set_option(socket: &mut Socket, option: SocketOption, value: OptionValue) -> Result<(), WinsockError> {
    let number = match (option, value) {
        (SocketOption::Linger, OptionValue::Linger { is_on, seconds }) if socket.is_stream() => {
            socket.linger = if is_on { Linger::On(seconds) } else { Linger::Off };
            return apply_linger(socket);
        }
        (SocketOption::Linger, OptionValue::Linger { .. }) => return Err(WinsockError::Enoprotoopt),
        (SocketOption::Linger, OptionValue::Number(_)) | (_, OptionValue::Linger { .. }) => {
            return Err(WinsockError::Efault);
        }
        (_, OptionValue::Number(number)) => number,
    };
    if let Some(flag) = flag_of(socket, option) {
        socket.native.set_flag(flag, number != 0)?;
        if let Flag::OobInline = flag {
            socket.is_oob_inline = number != 0;
        }
        return Ok(());
    }
    let size = usize::try_from(number).map_err(|_| WinsockError::Einval);
    match option {
        SocketOption::RcvBuf => socket.native.set_receive_buffer(size?),
        SocketOption::SndBuf => socket.native.set_send_buffer(size?),
        SocketOption::Debug => {
            socket.is_debugged = number != 0;
            Ok(())
        }
        SocketOption::DontRoute => {
            socket.is_unrouted = number != 0;
            Ok(())
        }
        SocketOption::DontLinger if socket.is_stream() => {
            if number != 0 {
                socket.linger = Linger::Off;
            }
            apply_linger(socket)
        }
        _ => Err(WinsockError::Enoprotoopt),
    }
}

fn get_option(socket: &mut Socket, option: SocketOption) -> Result<OptionValue, WinsockError> {
    if let Some(flag) = flag_of(socket, option) {
        return socket.native.flag(flag).map(OptionValue::from);
    }
    let size = |bytes: usize| OptionValue::Number(i32::try_from(bytes).unwrap_or(i32::MAX));
    match option {
        SocketOption::AcceptConn => Ok((socket.connection == Connection::Listening).into()),
        SocketOption::Debug => Ok(socket.is_debugged.into()),
        SocketOption::DontRoute => Ok(socket.is_unrouted.into()),
        SocketOption::DontLinger if socket.is_stream() => Ok((socket.linger == Linger::Off).into()),
        SocketOption::Linger if socket.is_stream() => Ok(match socket.linger {
            Linger::Off => OptionValue::Linger { is_on: false, seconds: 0 },
            Linger::On(seconds) => OptionValue::Linger { is_on: true, seconds },
        }),
        SocketOption::Error => {
            socket.refresh();
            let error = match (socket.pending_error.take(), socket.connection) {
                (Some(error), _) => Some(error),
                // What a connect that failed has left is told, and some systems keep it.
                (None, Connection::None | Connection::Listening) if socket.is_stream() => None,
                (None, _) if socket.is_stream() => socket.native.take_error(),
                (None, _) => socket.native.take_error().map(datagram_error),
            };
            if let Some(error) = error {
                socket.note_failure(error);
            }
            Ok(OptionValue::Number(error.map_or(0, WinsockError::number)))
        }
        SocketOption::RcvBuf => socket.native.receive_buffer().map(size),
        SocketOption::SndBuf => socket.native.send_buffer().map(size),
        SocketOption::Type => Ok(if socket.is_stream() { SOCK_STREAM } else { SOCK_DGRAM }.into()),
        _ => Err(WinsockError::Enoprotoopt),
    }
}
