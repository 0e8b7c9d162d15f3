//! What the machines ask of the outside.
//!
//! Floor 0. A trait: the reactor carries it out with real sockets, the simulation with scripted
//! ones. Every call returns at once.

use std::any::Any;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::id::OperationKey;
use crate::tcp_stream::TcpStream;
use crate::watch::{Interest, Readiness};

slotmap::new_key_type! {
    /// A socket held by the outside.
    pub(crate) struct SocketKey;

    /// A question that the resolver works on.
    pub(crate) struct JobKey;
}

/// Whom a socket's readiness is for. Rides with the socket, so that a late one finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketOwner {
    Job(JobKey),
    Operation(OperationKey),
}

/// How a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Datagram,
    Stream,
}

/// Why a socket could not be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The process or the machine has no descriptor left: worth another try later.
    OutOfDescriptors,
    /// There is no way to this address.
    Unreachable(io::Error),
}

/// What the outside said of one socket: something can be done with it, or something is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) socket: SocketKey,
    pub(crate) readiness: Readiness,
}

/// The outside.
pub(crate) trait Network {
    /// Opens a socket of its own, with a port of the system's choice, connected to `server`.
    ///
    /// A stream is usable once it has been reported writable.
    fn open(&mut self, owner: SocketOwner, transport: Transport, server: SocketAddr) -> Result<SocketKey, OpenError>;

    /// Sends a datagram, or as much of a stream's bytes as fits.
    fn send(&mut self, socket: SocketKey, bytes: &[u8]) -> io::Result<usize>;

    /// Receives a datagram or some of a stream's bytes.
    fn receive(&mut self, socket: SocketKey, buffer: &mut [u8]) -> io::Result<usize>;

    /// Closes a socket. Nothing of it is reported any more.
    fn close(&mut self, socket: SocketKey);

    /// Whether a stream's connection is made. Fails with what the other side answered.
    fn is_connected(&mut self, socket: SocketKey) -> io::Result<bool>;

    /// Gives a stream up to the program. Nothing of it is reported any more.
    fn detach(&mut self, socket: SocketKey) -> io::Result<TcpStream>;

    /// Opens a socket that others can connect to.
    fn listen(&mut self, owner: SocketOwner, address: SocketAddr) -> io::Result<SocketKey>;

    /// Takes in a connection that somebody made to a listening socket.
    fn accept(&mut self, socket: SocketKey) -> io::Result<(TcpStream, SocketAddr)>;

    /// The address that a socket has on this side.
    fn local_address(&self, socket: SocketKey) -> io::Result<SocketAddr>;

    /// Asks for what a watched source is ready for, also for what has been reported.
    fn rearm(&mut self, socket: SocketKey, interest: Interest) -> io::Result<()>;

    /// Has a watched source wake nobody until [`rearm`](Network::rearm): it was told, and the program does not read it.
    fn disarm(&mut self, socket: SocketKey);

    /// Stops watching a source, and gives it back. Nothing of it is reported any more.
    fn unwatch(&mut self, socket: SocketKey) -> Option<Box<dyn Any>>;

    /// The address that a packet to `destination` would carry as its source, if there is a way. What finds it
    /// may be kept until [`forget_ways`](Network::forget_ways).
    fn source_address(&mut self, destination: SocketAddr) -> Option<IpAddr>;

    /// Lets go of what the ways to addresses were found with: nobody asks for more in a while.
    fn forget_ways(&mut self);

    /// The number of the network interface with this name, for the zone of a link-local address.
    fn interface_index(&self, name: &str) -> Option<u32>;

    /// A number that nobody outside can guess.
    fn unpredictable(&mut self) -> u16;
}
