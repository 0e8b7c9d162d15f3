//! The operating system's waiting room, over mio.
//!
//! Floor 3'. It owns every socket, and is the only code that names mio. What the system reports is turned
//! into keys with generations before anything else happens: readiness for a socket that is closed since, even
//! in the batch being worked on, finds no entry and is silence.

mod alarm;
#[cfg(unix)]
mod descriptor;
mod inbox;
mod route;
mod watched;

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, UdpSocket};
use mio::{Events, Interest as Interests, Poll, Token, Waker};
use slotmap::SlotMap;

use crate::error::Error;
use crate::moment::Patience;
use crate::network::{Network, OpenError, Ready, SocketKey, SocketOwner, Transport};
use crate::slots::{make_room, slot_of};
use crate::system::{self, Randomness};
use crate::tcp_stream::TcpStream;
use crate::timer::Clock;
use crate::watch::Interest;

use alarm::Alarm;
use route::Routes;
use watched::{AnySource, interests, readiness};

#[cfg(unix)]
pub use descriptor::Descriptor;
pub use inbox::Poster;
pub(crate) use inbox::{Entry, Inbox, Wake};
pub use mio::event::Source;

/// How many sockets' readiness one wait brings back. The rest stays with the system until the next.
const EVENTS_PER_WAIT: usize = 1024;

/// How many connections the system may keep until they are accepted; it has a limit of its own. With the 128
/// that the standard library asks for, a burst fills it, and who is dropped tries again a second later.
#[cfg(unix)]
const BACKLOG: i32 = 4096;

/// The token of the wake-up from other threads; no key has this value.
const WAKE: Token = Token(usize::MAX);

/// The token of the system's timer; nor has any key this one.
const ALARM: Token = Token(usize::MAX - 1);

/// The waiting room.
pub(crate) struct Reactor {
    poll: Poll,
    events: Events,
    /// The last wait brought as much as one can bring: the system may have more to tell.
    is_full: bool,
    waker: Arc<Waker>,
    alarm: Alarm,
    sockets: SlotMap<SocketKey, Registered>,
    /// The latest tenant of each slot.
    keys_by_slot: Vec<SocketKey>,
    randomness: Randomness,
    routes: Routes,
}

struct Registered {
    socket: Socket,
    owner: SocketOwner,
    /// The system does not watch it at the moment: it was told, and is not armed again.
    is_disarmed: bool,
}

enum Socket {
    Datagram(UdpSocket),
    Stream(mio::net::TcpStream),
    Listener(TcpListener),
    Watched(Box<dyn AnySource>),
}

impl Socket {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Socket::Datagram(socket) => socket,
            Socket::Stream(socket) => socket,
            Socket::Listener(socket) => socket,
            Socket::Watched(source) => &mut **source,
        }
    }

    /// What is waited for.
    fn interests(&self) -> Interests {
        match self {
            Socket::Datagram(_) | Socket::Listener(_) | Socket::Watched(_) => Interests::READABLE,
            Socket::Stream(_) => Interests::READABLE | Interests::WRITABLE,
        }
    }
}

/// How the system's wait ended.
#[derive(PartialEq)]
enum Polled {
    /// With events, or because its time was over.
    Whole,
    /// By a signal. That is an empty wait.
    Interrupted,
}

impl Polled {
    #[cold]
    fn failed(error: io::Error) -> Result<Polled, Error> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(Polled::Interrupted),
            _ => Err(Error::new("waiting for readiness", error)),
        }
    }
}

impl Reactor {
    pub(crate) fn new() -> Result<Reactor, Error> {
        let poll = Poll::new().map_err(|source| Error::new("opening the system's readiness queue", source))?;
        let waker =
            Waker::new(poll.registry(), WAKE).map_err(|source| Error::new("registering the wake-up", source))?;
        let alarm =
            Alarm::new(poll.registry()).map_err(|source| Error::new("making a timer of the system's", source))?;
        Ok(Reactor {
            poll,
            events: Events::with_capacity(EVENTS_PER_WAIT),
            is_full: false,
            waker: Arc::new(waker),
            alarm,
            sockets: SlotMap::with_key(),
            keys_by_slot: Vec::new(),
            randomness: Randomness::new(),
            routes: Routes::default(),
        })
    }

    /// What other threads wake this reactor with.
    pub(crate) fn wake(&self) -> Wake {
        let waker = self.waker.clone();
        Arc::new(move || waker.wake())
    }

    pub(crate) fn sockets_len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether more sockets may be ready than the last wait brought. Of those a host that is told of edges only is told no more.
    pub(crate) fn may_have_more(&self) -> bool {
        self.is_full && !self.sockets.is_empty()
    }

    /// Whether a wait that only looks has nothing to tell.
    pub(crate) fn is_quiet(&self) -> bool {
        self.sockets.is_empty() && !self.alarm.is_set()
    }

    /// Makes the descriptor readable at `deadline`, at once if that is past.
    #[cfg(target_os = "linux")]
    pub(crate) fn set_alarm(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        let set = self.alarm.set_for(deadline);
        set.map_err(|source| Error::new("setting a timer of the system's", source))
    }

    /// Waits until a socket is ready, a wake-up comes or patience ends, and notes who is ready.
    #[inline]
    pub(crate) fn wait(&mut self, patience: Patience, ready: &mut VecDeque<Ready>) -> Result<(), Error> {
        match patience {
            Patience::None => _ = self.poll_once(Some(Duration::ZERO))?,
            Patience::Until { now, deadline, clock } => self.wait_until(now, deadline, clock)?,
            Patience::Forever => _ = self.poll_once(None)?,
        }
        self.is_full = false;
        if !self.events.is_empty() {
            self.note_events(ready);
        }
        Ok(())
    }

    fn wait_until(&mut self, mut now: Instant, deadline: Instant, clock: Clock) -> Result<(), Error> {
        loop {
            let timeout = self.alarm.timeout(now, deadline, clock);
            if self.poll_once(timeout)? == Polled::Interrupted || !self.events.is_empty() {
                return Ok(());
            }
            // What is far is waited for in steps.
            now = system::now();
            if now >= deadline {
                return Ok(());
            }
        }
    }

    #[inline]
    fn poll_once(&mut self, timeout: Option<Duration>) -> Result<Polled, Error> {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => Ok(Polled::Whole),
            Err(error) => Polled::failed(error),
        }
    }

    /// Notes who is ready.
    fn note_events(&mut self, ready: &mut VecDeque<Ready>) {
        // Turned into keys at once, while each slot still has the tenant that was registered.
        if self.events.iter().any(|event| event.token() == ALARM) {
            self.alarm.rang();
        }
        // Of the wake-up and the alarm no slot has the token.
        ready.extend(self.events.iter().filter_map(|event| {
            let socket = *self.keys_by_slot.get(event.token().0)?;
            Some(Ready { socket, readiness: readiness(event) })
        }));
        self.is_full = self.events.iter().count() >= EVENTS_PER_WAIT;
    }

    /// Whom a socket belongs to, if it is still there.
    pub(crate) fn owner(&self, socket: SocketKey) -> Option<SocketOwner> {
        self.sockets.get(socket).map(|registered| registered.owner)
    }

    fn register(&mut self, socket: Socket, owner: SocketOwner) -> io::Result<SocketKey> {
        let interests = socket.interests();
        let key = self.insert(socket, owner);
        let result = self.register_at(key, interests);
        if result.is_err() {
            self.sockets.remove(key);
        }
        result.map(|()| key)
    }

    fn insert(&mut self, socket: Socket, owner: SocketOwner) -> SocketKey {
        let key = self.sockets.insert(Registered { socket, owner, is_disarmed: false });
        make_room(&mut self.keys_by_slot, slot_of(key), key);
        self.keys_by_slot[slot_of(key) as usize] = key;
        key
    }

    fn register_at(&mut self, key: SocketKey, interests: Interests) -> io::Result<()> {
        self.poll.registry().register(self.sockets[key].socket.source(), token_of(key), interests)
    }

    /// Does what wants a descriptor, and again where none was left but those that are kept to find ways with.
    fn with_a_descriptor<R>(&mut self, make: impl Fn(&mut Reactor) -> io::Result<R>) -> io::Result<R> {
        match make(self) {
            Err(error) if is_out_of_descriptors(&error) && self.routes.let_go() => make(self),
            result => result,
        }
    }

    /// Takes a socket out of the system's readiness queue and of the table.
    fn remove(&mut self, socket: SocketKey) -> Option<Socket> {
        let mut registered = self.sockets.remove(socket)?;
        // Before the descriptor is closed, so that its number can come back at once.
        if !registered.is_disarmed
            && let Err(error) = self.poll.registry().deregister(registered.socket.source())
        {
            log::warn!("deregistering a socket: {error}");
        }
        Some(registered.socket)
    }

    fn socket(&self, socket: SocketKey) -> io::Result<&Socket> {
        self.sockets.get(socket).map(|registered| &registered.socket).ok_or(io::ErrorKind::NotConnected.into())
    }
}

impl Network for Reactor {
    fn open(&mut self, owner: SocketOwner, transport: Transport, server: SocketAddr) -> Result<SocketKey, OpenError> {
        let opened = self.with_a_descriptor(|reactor| {
            let socket = match transport {
                Transport::Datagram => Socket::Datagram(datagram_socket(server)?),
                Transport::Stream => Socket::Stream(mio::net::TcpStream::connect(server)?),
            };
            reactor.register(socket, owner)
        });
        opened.map_err(open_error)
    }

    fn send(&mut self, socket: SocketKey, bytes: &[u8]) -> io::Result<usize> {
        match self.socket(socket)? {
            Socket::Datagram(socket) => socket.send(bytes),
            Socket::Stream(socket) => io::Write::write(&mut &*socket, bytes),
            Socket::Listener(_) | Socket::Watched(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn receive(&mut self, socket: SocketKey, buffer: &mut [u8]) -> io::Result<usize> {
        match self.socket(socket)? {
            Socket::Datagram(socket) => socket.recv(buffer),
            Socket::Stream(socket) => io::Read::read(&mut &*socket, buffer),
            Socket::Listener(_) | Socket::Watched(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn close(&mut self, socket: SocketKey) {
        self.remove(socket);
    }

    fn is_connected(&mut self, socket: SocketKey) -> io::Result<bool> {
        let Socket::Stream(stream) = self.socket(socket)? else { return Err(io::ErrorKind::InvalidInput.into()) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected || is_in_progress(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn detach(&mut self, socket: SocketKey) -> io::Result<TcpStream> {
        match self.remove(socket) {
            Some(Socket::Stream(stream)) => Ok(TcpStream::of_system(stream)),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn listen(&mut self, owner: SocketOwner, address: SocketAddr) -> io::Result<SocketKey> {
        let listener = self.with_a_descriptor(|_| TcpListener::bind(address))?;
        // It listens already: asked again, the system keeps the new length.
        #[cfg(unix)]
        rustix::net::listen(&listener, BACKLOG)?;
        self.register(Socket::Listener(listener), owner)
    }

    fn accept(&mut self, socket: SocketKey) -> io::Result<(TcpStream, SocketAddr)> {
        self.with_a_descriptor(|reactor| match reactor.socket(socket)? {
            Socket::Listener(listener) => listener.accept().map(|(stream, peer)| (TcpStream::of_system(stream), peer)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        })
    }

    fn local_address(&self, socket: SocketKey) -> io::Result<SocketAddr> {
        match self.socket(socket)? {
            Socket::Datagram(socket) => socket.local_addr(),
            Socket::Stream(socket) => socket.local_addr(),
            Socket::Listener(socket) => socket.local_addr(),
            Socket::Watched(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn rearm(&mut self, socket: SocketKey, interest: Interest) -> io::Result<()> {
        let registered = self.sockets.get_mut(socket).ok_or(io::ErrorKind::NotConnected)?;
        let (source, registry) = (registered.socket.source(), self.poll.registry());
        match registered.is_disarmed {
            false => registry.reregister(source, token_of(socket), interests(interest))?,
            true => registry.register(source, token_of(socket), interests(interest))?,
        }
        registered.is_disarmed = false;
        Ok(())
    }

    fn disarm(&mut self, socket: SocketKey) {
        let Some(registered) = self.sockets.get_mut(socket).filter(|registered| !registered.is_disarmed) else {
            return;
        };
        match self.poll.registry().deregister(registered.socket.source()) {
            Ok(()) => registered.is_disarmed = true,
            Err(error) => log::warn!("deregistering a socket: {error}"),
        }
    }

    fn unwatch(&mut self, socket: SocketKey) -> Option<Box<dyn Any>> {
        match self.remove(socket)? {
            Socket::Watched(source) => Some(source),
            _ => None,
        }
    }

    fn source_address(&mut self, destination: SocketAddr) -> Option<IpAddr> {
        self.routes.source_address(destination)
    }

    fn forget_ways(&mut self) {
        self.routes = Routes::default();
    }

    fn interface_index(&self, name: &str) -> Option<u32> {
        system::interface_index(name)
    }

    fn unpredictable(&mut self) -> u16 {
        self.randomness.next()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Reactor {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        msgpump_sys::descriptor_of(&self.poll)
    }
}

/// A socket for questions to `server`. The system picks a random free port for it. Connected: what others send is
/// dropped, and a refusal is an error at once.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn datagram_socket(server: SocketAddr) -> io::Result<UdpSocket> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

    let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    // Not bound first, as the standard library's sockets are: that is a system call less.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    // A closed port alone is told unasked. Where the system does not tell more, the time for each server ends the wait.
    if let Err(error) = msgpump_sys::report_unreachable(&socket, server.is_ipv6()) {
        log::debug!("unreachable name servers will not be told: {error}");
    }
    connect(&socket, &server)?;
    Ok(UdpSocket::from_std(socket.into()))
}

/// A socket for questions to `server`. Connected: the system drops what others send, and reports a refusal at once.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn datagram_socket(server: SocketAddr) -> io::Result<UdpSocket> {
    // Port 0: the system picks a random free one.
    let socket = UdpSocket::bind(unspecified(server))?;
    socket.connect(server)?;
    Ok(socket)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unspecified(peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V4(_) => SocketAddr::from(([0, 0, 0, 0], 0)),
        SocketAddr::V6(_) => SocketAddr::from(([0; 16], 0)),
    }
}

fn open_error(error: io::Error) -> OpenError {
    // EAGAIN: no port is free, which is waited for as a descriptor is. Of other calls it says nothing of the kind.
    match is_out_of_descriptors(&error) || error.kind() == io::ErrorKind::WouldBlock {
        true => OpenError::OutOfDescriptors,
        false => OpenError::Unreachable(error),
    }
}

/// Whether the process (EMFILE) or the machine (ENFILE, no buffers, no memory) has no more to give.
#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.contains(&Errno::from_raw_os_error(code)))
}

/// Whether a connection is still being made, as some systems say it.
#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

/// Winsock says that it is not connected.
#[cfg(windows)]
fn is_in_progress(_: &io::Error) -> bool {
    false
}

/// Whether Winsock has no more to give: WSAEMFILE, WSAENOBUFS.
#[cfg(windows)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(10024 | 10055))
}

/// The token is the slot alone: a word of 32 bits has no room for the generation.
fn token_of(socket: SocketKey) -> Token {
    Token(slot_of(socket) as usize)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use crate::id::OperationKey;

    /// It is how each burst of connections ends, while lookups have their answers put in order.
    #[test]
    fn that_nobody_waits_to_be_accepted_is_no_lack_of_descriptors() {
        let mut reactor = Reactor::new().expect("descriptors");
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let owner = SocketOwner::Operation(OperationKey::default());
        let listener = reactor.listen(owner, loopback).expect("a port");
        assert!(reactor.source_address(loopback).is_some());
        let nobody = reactor.accept(listener).expect_err("nobody has connected");
        assert_eq!(nobody.kind(), io::ErrorKind::WouldBlock);
        assert!(reactor.routes.let_go(), "what ways are found with was let go for it");
    }

    #[test]
    fn without_a_port_a_socket_is_waited_for() {
        let no_port = rustix::io::Errno::AGAIN;
        assert!(matches!(open_error(no_port.into()), OpenError::OutOfDescriptors));
    }
}
