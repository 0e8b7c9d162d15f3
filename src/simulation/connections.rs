//! Connections on the stage: between a pump and a scripted peer, or between two pumps.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::peer::{Answer, Peer, PeerAct};
use super::stage::Stage;
use super::world::{Event, Incoming, Role, Socket, World};
use crate::network::{SocketKey, SocketOwner, Transport};
use crate::tcp_stream::{Pipe, TcpStream};
use crate::watch::{Interest, Readiness};

/// How many bytes a simulated connection holds that the other side has not read.
const BUFFER_MAX: usize = 65_536;

/// The first of the ports that the stage gives out.
const FIRST_PORT: u16 = 49_152;

/// What is at the other end of a socket.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) end: End,
    /// What it is watched for since it was armed last.
    pub(super) interest: Option<Interest>,
    /// Nothing more is sent from this side.
    is_shut: bool,
}

#[derive(Debug)]
pub(super) enum End {
    /// A scripted peer, and how many bytes it has received and not waited for.
    Peer { peer: Peer, received: usize },
    /// Another socket of the stage.
    Socket(SocketKey),
}

impl World {
    pub(super) fn set_peer(&mut self, address: SocketAddr, peer: Peer) {
        self.peers.insert(address, peer);
    }

    /// Has `peer` connect to whoever listens at `address`.
    pub(super) fn dial(&mut self, address: SocketAddr, peer: Peer) {
        let Some(listener) = self.listener_at(address) else { return };
        let from = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 200).into(), self.next_port());
        let end = End::Peer { peer, received: 0 };
        let key = self.add_connected(0, None, Connected::new(address, from, end));
        self.arrive_at_listener(listener, key);
        self.schedule(Duration::ZERO, Event::PeerActs(key));
    }

    fn listener_at(&self, address: SocketAddr) -> Option<SocketKey> {
        let listens = |socket: &Socket| matches!(&socket.role, Role::Listener { address: own, .. } if *own == address);
        self.sockets.iter().find(|(_, socket)| listens(socket)).map(|(key, _)| key)
    }

    fn arrive_at_listener(&mut self, listener: SocketKey, connection: SocketKey) {
        if let Some(Socket { role: Role::Listener { waiting, .. }, .. }) = self.sockets.get_mut(listener) {
            waiting.push_back(connection);
            self.ready.push_back(listener);
        }
    }

    fn next_port(&mut self) -> u16 {
        self.ports_given = (self.ports_given + 1) % (u16::MAX - FIRST_PORT);
        FIRST_PORT + self.ports_given
    }

    fn add_connected(&mut self, stage: u64, owner: Option<SocketOwner>, connected: Connected) -> SocketKey {
        let role = Role::Connected(connected);
        let incoming = VecDeque::new();
        self.sockets.insert(Socket { stage, owner, transport: Transport::Stream, is_connected: true, incoming, role })
    }

    /// Begins a connection to a peer or a listening pump, if one of them is at `address`.
    pub(super) fn open_connection(&mut self, stage: u64, owner: SocketOwner, address: SocketAddr) -> Option<SocketKey> {
        let listener = self.listener_at(address);
        let peer = self.peers.get(&address).cloned();
        if listener.is_none() && peer.is_none() {
            return None;
        }
        let own: IpAddr = if address.ip().is_loopback() { address.ip() } else { Stage::own_address(address.ip()) };
        let local = SocketAddr::new(own, self.next_port());
        if let Some(listener) = listener {
            let host = self.sockets[listener].stage;
            let key = self.add_connected(stage, Some(owner), Connected::new(local, address, End::Socket(listener)));
            let other = self.add_connected(host, None, Connected::new(address, local, End::Socket(key)));
            if let Role::Connected(connected) = &mut self.sockets[key].role {
                connected.end = End::Socket(other);
            }
            self.arrive_at_listener(listener, other);
            self.schedule(Duration::ZERO, Event::Connected(key));
            return Some(key);
        }
        let peer = peer?;
        let (answer, latency) = (peer.answer, peer.latency);
        let key =
            self.add_connected(stage, Some(owner), Connected::new(local, address, End::Peer { peer, received: 0 }));
        self.sockets[key].is_connected = false;
        match answer {
            Answer::Accept => {
                self.schedule(latency, Event::Connected(key));
                self.schedule(latency, Event::PeerActs(key));
            }
            Answer::Refuse => self.arrive(key, latency, Incoming::Error(io::ErrorKind::ConnectionRefused)),
            Answer::Silence => {}
        }
        Some(key)
    }

    pub(super) fn is_connected(&mut self, key: SocketKey) -> io::Result<bool> {
        let socket = self.sockets.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
        match socket.incoming.front() {
            Some(Incoming::Error(kind)) if !socket.is_connected => Err((*kind).into()),
            _ => Ok(socket.is_connected),
        }
    }

    /// Lets a scripted peer go on as far as it can.
    pub(super) fn peer_acts(&mut self, key: SocketKey) {
        while let Some((act, latency)) = self.next_act(key) {
            match act {
                // Nothing, which would be read as the end.
                PeerAct::Send(bytes) if bytes.is_empty() => {}
                PeerAct::Send(bytes) => self.arrive(key, latency, Incoming::Bytes(bytes)),
                PeerAct::Close => self.arrive(key, latency, Incoming::End),
                PeerAct::Reset => self.arrive(key, latency, Incoming::Error(io::ErrorKind::ConnectionReset)),
                PeerAct::Receive(_) => {}
                PeerAct::Wait(time) => {
                    self.schedule(time, Event::PeerActs(key));
                    return;
                }
            }
        }
    }

    fn next_act(&mut self, key: SocketKey) -> Option<(PeerAct, Duration)> {
        let Role::Connected(Connected { end: End::Peer { peer, received }, .. }) = &mut self.sockets.get_mut(key)?.role
        else {
            return None;
        };
        if let PeerAct::Receive(bytes) = peer.script.front()? {
            *received = received.checked_sub(*bytes)?;
        }
        peer.script.pop_front().map(|act| (act, peer.latency))
    }

    /// Takes in what was written to a connection.
    fn write_connected(&mut self, key: SocketKey, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.sockets.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
        if let Some(Incoming::Error(kind)) = socket.incoming.front() {
            return Err((*kind).into());
        }
        let Role::Connected(connected) = &mut socket.role else { return Err(io::ErrorKind::NotConnected.into()) };
        if connected.is_shut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if bytes.is_empty() {
            // It would be read as the end.
            return Ok(0);
        }
        match &mut connected.end {
            End::Peer { peer, received } => {
                *received += bytes.len();
                let (address, echo) = (connected.peer, (peer.echoes, peer.latency));
                self.received.entry(address).or_default().extend(bytes);
                if let (true, latency) = echo {
                    self.arrive(key, latency, Incoming::Bytes(bytes.to_vec()));
                }
                self.peer_acts(key);
                Ok(bytes.len())
            }
            End::Socket(other) => {
                let other = *other;
                let Some(socket) = self.sockets.get(other) else { return Err(io::ErrorKind::BrokenPipe.into()) };
                let room = BUFFER_MAX.saturating_sub(socket.unread());
                let length = bytes.len().min(room);
                if length == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                // At once, so that it counts when more is written.
                self.take_in(other, Incoming::Bytes(bytes[..length].to_vec()));
                Ok(length)
            }
        }
    }

    fn read_connected(&mut self, key: SocketKey, buffer: &mut [u8]) -> io::Result<usize> {
        let socket = self.sockets.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
        match socket.incoming.front_mut() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Incoming::Error(kind)) => Err((*kind).into()),
            Some(Incoming::End) => Ok(0),
            Some(Incoming::Bytes(bytes)) => {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                bytes.drain(..length);
                if bytes.is_empty() {
                    socket.incoming.pop_front();
                }
                if let Role::Connected(Connected { end: End::Socket(other), .. }) = &socket.role {
                    // There is room again.
                    self.ready.push_back(*other);
                }
                Ok(length)
            }
        }
    }

    fn shut(&mut self, key: SocketKey, how: Shutdown) -> io::Result<()> {
        let socket = self.sockets.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
        let Role::Connected(connected) = &mut socket.role else { return Err(io::ErrorKind::NotConnected.into()) };
        if how != Shutdown::Read && !connected.is_shut {
            connected.is_shut = true;
            if let End::Socket(other) = connected.end {
                self.arrive(other, Duration::ZERO, Incoming::End);
            }
        }
        Ok(())
    }

    /// Closes a socket: the other end of a connection reads its end.
    pub(super) fn close(&mut self, key: SocketKey) {
        let Some(socket) = self.sockets.remove(key) else { return };
        match socket.role {
            Role::Connected(Connected { end: End::Socket(other), is_shut: false, .. }) => {
                self.arrive(other, Duration::ZERO, Incoming::End);
            }
            Role::Listener { waiting, .. } => waiting.into_iter().for_each(|connection| self.close(connection)),
            _ => {}
        }
    }

    /// What a watched socket is ready for.
    pub(super) fn readiness(&self, key: SocketKey) -> Readiness {
        let Some(socket) = self.sockets.get(key) else { return Readiness::default() };
        let can_read = !socket.incoming.is_empty()
            || matches!(&socket.role, Role::Listener { waiting, .. } if !waiting.is_empty());
        let is_end = matches!(socket.incoming.front(), Some(Incoming::End));
        let is_error = matches!(socket.incoming.front(), Some(Incoming::Error(_)));
        let can_write = socket.is_connected && self.has_room_beyond(socket);
        Readiness::READABLE.when(can_read)
            | Readiness::WRITABLE.when(can_write)
            | Readiness::READ_CLOSED.when(is_end || is_error)
            | Readiness::ERROR.when(is_error)
    }

    fn has_room_beyond(&self, socket: &Socket) -> bool {
        match &socket.role {
            Role::Connected(Connected { end: End::Socket(other), .. }) => {
                self.sockets.get(*other).is_none_or(|other| other.unread() < BUFFER_MAX)
            }
            _ => true,
        }
    }

    /// Whether a socket is told of what it is ready for now.
    pub(super) fn is_of_interest(&self, key: SocketKey) -> bool {
        let Some(socket) = self.sockets.get(key).filter(|socket| socket.owner.is_some()) else { return false };
        let Role::Connected(Connected { interest: Some(interest), .. }) = socket.role else { return true };
        let readiness = self.readiness(key);
        readiness.is_readable() && interest.includes(Interest::READABLE)
            || readiness.is_writable() && interest.includes(Interest::WRITABLE)
            || readiness.is_error()
    }
}

impl Connected {
    fn new(local: SocketAddr, peer: SocketAddr, end: End) -> Connected {
        Connected { local, peer, end, interest: None, is_shut: false }
    }
}

impl Stage {
    pub(crate) fn watch<S: 'static>(
        &mut self,
        owner: SocketOwner,
        source: &mut Option<S>,
        interest: Interest,
    ) -> io::Result<SocketKey> {
        let stream = source.as_ref().and_then(|source| (source as &dyn Any).downcast_ref::<TcpStream>());
        let key = stream.and_then(TcpStream::simulated_socket).ok_or(io::ErrorKind::Unsupported)?;
        {
            let mut world = self.lock();
            let number = self.number();
            let socket = world.sockets.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
            (socket.owner, socket.stage) = (Some(owner), number);
        }
        if let Some(source) = source.take() {
            self.watched.insert(key, Box::new(source));
        }
        self.rearm(key, interest).map(|()| key)
    }

    pub(crate) fn source(&mut self, socket: SocketKey) -> Option<&mut dyn Any> {
        self.watched.get_mut(&socket).map(|source| &mut **source)
    }

    pub(crate) fn rearm(&mut self, socket: SocketKey, interest: Interest) -> io::Result<()> {
        let mut world = self.lock();
        let Role::Connected(connected) = &mut world.sockets.get_mut(socket).ok_or(io::ErrorKind::NotConnected)?.role
        else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        connected.interest = Some(interest);
        if world.is_of_interest(socket) {
            world.ready.push_back(socket);
        }
        Ok(())
    }

    pub(crate) fn unwatch(&mut self, socket: SocketKey) -> Option<Box<dyn Any>> {
        if let Some(socket) = self.lock().sockets.get_mut(socket) {
            socket.owner = None;
        }
        self.watched.remove(&socket)
    }

    pub(crate) fn is_connected(&mut self, socket: SocketKey) -> io::Result<bool> {
        self.lock().is_connected(socket)
    }

    pub(crate) fn detach(&mut self, socket: SocketKey) -> io::Result<TcpStream> {
        if let Some(socket) = self.lock().sockets.get_mut(socket) {
            socket.owner = None;
        }
        Ok(TcpStream::simulated(Box::new(SimulatedPipe { world: self.world(), key: socket })))
    }

    pub(crate) fn listen(&mut self, owner: SocketOwner, address: SocketAddr) -> io::Result<SocketKey> {
        let stage = self.number();
        let mut world = self.lock();
        let port = if address.port() == 0 { world.next_port() } else { address.port() };
        let address = SocketAddr::new(address.ip(), port);
        if world.listener_at(address).is_some() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        if world.open_sockets() >= world.descriptors {
            return Err(io::Error::other("no descriptor is left"));
        }
        let role = Role::Listener { address, waiting: VecDeque::new() };
        let (transport, incoming) = (Transport::Stream, VecDeque::new());
        let owner = Some(owner);
        Ok(world.sockets.insert(Socket { stage, owner, transport, is_connected: false, incoming, role }))
    }

    pub(crate) fn accept(&mut self, socket: SocketKey) -> io::Result<(TcpStream, SocketAddr)> {
        let (key, peer) = {
            let mut world = self.lock();
            let Some(Socket { role: Role::Listener { waiting, .. }, .. }) = world.sockets.get_mut(socket) else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            let key = waiting.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
            let peer = match &world.sockets[key].role {
                Role::Connected(connected) => connected.peer,
                _ => unreachable!("only connections wait at a listener"),
            };
            (key, peer)
        };
        Ok((TcpStream::simulated(Box::new(SimulatedPipe { world: self.world(), key })), peer))
    }

    pub(crate) fn local_address(&self, socket: SocketKey) -> io::Result<SocketAddr> {
        self.lock().local_address(socket)
    }
}

impl World {
    fn local_address(&self, key: SocketKey) -> io::Result<SocketAddr> {
        match &self.sockets.get(key).ok_or(io::ErrorKind::NotConnected)?.role {
            Role::Listener { address, .. } => Ok(*address),
            Role::Connected(connected) => Ok(connected.local),
            Role::Question { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// A program's end of a simulated connection. Dropped, it closes.
struct SimulatedPipe {
    world: Arc<Mutex<World>>,
    key: SocketKey,
}

impl SimulatedPipe {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SimulatedPipe {
    fn drop(&mut self) {
        self.lock().close(self.key);
    }
}

impl std::fmt::Debug for SimulatedPipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedPipe").finish_non_exhaustive()
    }
}

impl Pipe for SimulatedPipe {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read_connected(self.key, buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write_connected(self.key, bytes)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.lock().shut(self.key, how)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self.lock().sockets.get(self.key).map(|socket| &socket.role) {
            Some(Role::Connected(connected)) => Ok(connected.peer),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.lock().local_address(self.key)
    }

    fn socket(&self) -> SocketKey {
        self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of virtual days makes more connections than there are ports.
    #[test]
    fn ports_come_again_after_the_last() {
        let mut world = World::new(1);
        let ports: Vec<u16> = (0..70_000).map(|_| world.next_port()).collect();
        assert!(ports.iter().all(|&port| port >= FIRST_PORT));
        assert!(ports.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
