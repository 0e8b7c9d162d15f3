//! What is on the stage, and what will happen there.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use slotmap::SlotMap;

use super::connections::Connected;
use super::name_server::{NameServer, Query, Reaction, read_query};
use super::peer::Peer;
use crate::lookup::Family;
use crate::network::{OpenError, Ready, SocketKey, SocketOwner, Transport};

/// Between two bytes that a server sends one at a time.
const BYTE_INTERVAL: Duration = Duration::from_micros(10);

/// The stage's state.
pub(super) struct World {
    start: Instant,
    elapsed: Duration,
    suspended: Duration,
    random: u64,
    servers: HashMap<SocketAddr, NameServer>,
    pub(super) peers: HashMap<SocketAddr, Peer>,
    /// What was written to the peers at each address.
    pub(super) received: HashMap<SocketAddr, Vec<u8>>,
    pub(super) ports_given: u16,
    pub(super) sockets: SlotMap<SocketKey, Socket>,
    pub(super) descriptors: usize,
    cut_off: Vec<Family>,
    /// What will happen, by time and then in the order in which it was decided.
    events: BTreeMap<(Duration, u64), Event>,
    next_event: u64,
    /// Sockets to be reported by the next wait.
    pub(super) ready: VecDeque<SocketKey>,
    files: HashMap<PathBuf, (u64, Vec<u8>)>,
    files_written: u64,
    environment: HashMap<String, String>,
    queries: Vec<Query>,
    stages: u64,
}

pub(super) struct Socket {
    /// The pump that it belongs to.
    pub(super) stage: u64,
    /// None while no pump waits for it: it is in the program's hands.
    pub(super) owner: Option<SocketOwner>,
    pub(super) transport: Transport,
    pub(super) is_connected: bool,
    pub(super) incoming: VecDeque<Incoming>,
    pub(super) role: Role,
}

/// What a socket is for.
pub(super) enum Role {
    /// It asks a name server.
    Question {
        server: SocketAddr,
        /// What was written to a stream and is no whole frame yet.
        outgoing: Vec<u8>,
    },
    Connected(Connected),
    Listener {
        address: SocketAddr,
        waiting: VecDeque<SocketKey>,
    },
}

pub(super) enum Incoming {
    Bytes(Vec<u8>),
    Error(io::ErrorKind),
    End,
}

impl Socket {
    /// How many bytes have come and are not read.
    pub(super) fn unread(&self) -> usize {
        let bytes = self.incoming.iter().map(|incoming| match incoming {
            Incoming::Bytes(bytes) => bytes.len(),
            Incoming::Error(_) | Incoming::End => 0,
        });
        bytes.sum()
    }
}

pub(super) enum Event {
    Connected(SocketKey),
    Arrives(SocketKey, Incoming),
    PeerActs(SocketKey),
    Call(Box<dyn FnOnce() + Send>),
}

impl World {
    pub(super) fn new(seed: u64) -> World {
        World {
            start: Instant::now(),
            elapsed: Duration::ZERO,
            suspended: Duration::ZERO,
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            servers: HashMap::new(),
            peers: HashMap::new(),
            received: HashMap::new(),
            ports_given: 0,
            sockets: SlotMap::with_key(),
            descriptors: usize::MAX,
            cut_off: Vec::new(),
            events: BTreeMap::new(),
            next_event: 0,
            ready: VecDeque::new(),
            files: HashMap::new(),
            files_written: 0,
            environment: HashMap::new(),
            queries: Vec::new(),
            stages: 0,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.start + self.elapsed
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    pub(super) fn advance(&mut self, time: Duration) {
        self.elapsed += time;
    }

    /// Lets the clock run on to `moment`, if it has not passed it.
    pub(super) fn advance_to(&mut self, moment: Duration) {
        self.elapsed = self.elapsed.max(moment);
    }

    pub(super) fn suspended(&self) -> Duration {
        self.suspended
    }

    /// The number of the next stage.
    pub(super) fn number_stage(&mut self) -> u64 {
        self.stages += 1;
        self.stages
    }

    pub(super) fn suspend(&mut self, time: Duration) {
        self.suspended += time;
    }

    pub(super) fn set_server(&mut self, address: SocketAddr, server: NameServer) {
        self.servers.insert(address, server);
    }

    pub(super) fn write_file(&mut self, path: PathBuf, text: Option<Vec<u8>>) {
        self.files_written += 1;
        match text {
            Some(text) => self.files.insert(path, (self.files_written, text)),
            None => self.files.remove(&path),
        };
    }

    /// A file's text, and the number of the writing that made it so.
    pub(super) fn file(&self, path: &Path) -> Option<&(u64, Vec<u8>)> {
        self.files.get(path)
    }

    pub(super) fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    pub(super) fn set_environment(&mut self, name: String, value: String) {
        self.environment.insert(name, value);
    }

    pub(super) fn schedule_call(&mut self, delay: Duration, action: Box<dyn FnOnce() + Send>) {
        self.schedule(delay, Event::Call(action));
    }

    pub(super) fn set_descriptors(&mut self, descriptors: usize) {
        self.descriptors = descriptors;
    }

    pub(super) fn cut_off(&mut self, family: Family) {
        self.cut_off.push(family);
    }

    pub(super) fn open_sockets(&self) -> usize {
        self.sockets.len()
    }

    pub(super) fn queries(&self) -> &[Query] {
        &self.queries
    }

    pub(super) fn forget_log(&mut self) {
        self.queries.clear();
        self.received.clear();
    }

    pub(super) fn received(&self, address: SocketAddr) -> Vec<u8> {
        self.received.get(&address).cloned().unwrap_or_default()
    }

    pub(super) fn schedule(&mut self, delay: Duration, event: Event) {
        self.next_event += 1;
        self.events.insert((self.elapsed + delay, self.next_event), event);
    }

    pub(super) fn is_cut_off(&self, address: IpAddr) -> bool {
        self.cut_off.iter().any(|family| family.includes(address.to_canonical()))
    }

    /// A number below `limit`, from the seed.
    pub(super) fn random(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 16) % limit
    }

    /// Notes which sockets of one stage are ready, and says whether there are any.
    pub(super) fn report_ready(&mut self, stage: u64, ready: &mut VecDeque<Ready>) -> bool {
        let before = ready.len();
        for socket in std::mem::take(&mut self.ready) {
            match self.sockets.get(socket).map(|socket| socket.stage) {
                Some(owner) if owner != stage => self.ready.push_back(socket),
                Some(_) if self.is_of_interest(socket) => {
                    ready.push_back(Ready { socket, readiness: self.readiness(socket) });
                }
                _ => {}
            }
        }
        ready.len() > before
    }

    /// Whether more happens at this very moment.
    pub(super) fn has_due_event(&self) -> bool {
        self.events.first_key_value().is_some_and(|((at, _), _)| *at <= self.elapsed)
    }

    /// Lets the next event happen if it is due by `limit`, and hands out what it calls.
    pub(super) fn next_event_until(&mut self, limit: Option<Duration>) -> Option<Option<Box<dyn FnOnce() + Send>>> {
        let entry = self.events.first_entry()?;
        let (at, _) = *entry.key();
        if limit.is_some_and(|limit| at > limit) {
            return None;
        }
        let event = entry.remove();
        self.elapsed = self.elapsed.max(at);
        match event {
            Event::Call(action) => return Some(Some(action)),
            Event::Connected(key) => {
                if let Some(socket) = self.sockets.get_mut(key) {
                    socket.is_connected = true;
                    self.ready.push_back(key);
                }
            }
            Event::PeerActs(key) => self.peer_acts(key),
            Event::Arrives(key, incoming) => self.take_in(key, incoming),
        }
        Some(None)
    }

    pub(super) fn open(
        &mut self,
        stage: u64,
        owner: SocketOwner,
        transport: Transport,
        server: SocketAddr,
    ) -> Result<SocketKey, OpenError> {
        if self.sockets.len() >= self.descriptors {
            return Err(OpenError::OutOfDescriptors);
        }
        if self.is_cut_off(server.ip()) {
            return Err(OpenError::Unreachable(io::ErrorKind::NetworkUnreachable.into()));
        }
        if transport == Transport::Stream
            && let Some(key) = self.open_connection(stage, owner, server)
        {
            return Ok(key);
        }
        let is_connected = transport == Transport::Datagram;
        let role = Role::Question { server, outgoing: Vec::new() };
        let (owner, incoming) = (Some(owner), VecDeque::new());
        let key = self.sockets.insert(Socket { stage, owner, transport, is_connected, incoming, role });
        if transport == Transport::Stream {
            match self.servers.get_mut(&server).and_then(NameServer::accept) {
                Some(latency) => self.schedule(latency, Event::Connected(key)),
                None => self.arrive(key, Duration::ZERO, Incoming::Error(io::ErrorKind::ConnectionRefused)),
            }
        }
        Ok(key)
    }

    pub(super) fn arrive(&mut self, socket: SocketKey, delay: Duration, incoming: Incoming) {
        self.schedule(delay, Event::Arrives(socket, incoming));
    }

    /// Something is at a socket, if that is still open.
    pub(super) fn take_in(&mut self, key: SocketKey, incoming: Incoming) {
        if let Some(socket) = self.sockets.get_mut(key) {
            socket.incoming.push_back(incoming);
            self.ready.push_back(key);
        }
    }

    pub(super) fn send(&mut self, key: SocketKey, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.sockets.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
        if !socket.is_connected {
            return match socket.incoming.pop_front() {
                Some(Incoming::Error(kind)) => Err(kind.into()),
                _ => Err(io::ErrorKind::NotConnected.into()),
            };
        }
        match socket.transport {
            Transport::Datagram => self.receive_question(key, bytes),
            Transport::Stream => {
                if let Role::Question { outgoing, .. } = &mut socket.role {
                    outgoing.extend(bytes);
                }
                while let Some(frame) = self.next_frame(key) {
                    self.receive_question(key, &frame);
                }
            }
        }
        Ok(bytes.len())
    }

    /// A whole frame that was written to a stream: its length in two bytes, and the message.
    fn next_frame(&mut self, key: SocketKey) -> Option<Vec<u8>> {
        let Role::Question { outgoing, .. } = &mut self.sockets.get_mut(key)?.role else { return None };
        let (length, _) = outgoing.split_first_chunk::<2>()?;
        let end = 2 + usize::from(u16::from_be_bytes(*length));
        (outgoing.len() >= end).then(|| outgoing.drain(..end).skip(2).collect())
    }

    fn receive_question(&mut self, key: SocketKey, message: &[u8]) {
        let Role::Question { server: address, .. } = self.sockets[key].role else { return };
        let transport = self.sockets[key].transport;
        let by_stream = transport == Transport::Stream;
        let Some(query) = read_query(message, self.elapsed, address, by_stream) else { return };
        let loss = self.servers.get(&address).map_or(0, NameServer::loss_percent);
        let mut is_lost = || !by_stream && self.random(100) < loss.into();
        let (question_is_lost, answer_is_lost) = (is_lost(), is_lost());
        let Some(server) = self.servers.get_mut(&address) else {
            return self.arrive(key, Duration::ZERO, Incoming::Error(io::ErrorKind::ConnectionRefused));
        };
        let latency = server.usual_latency();
        if question_is_lost {
            return;
        }
        let reactions = server.react(&query, message);
        self.queries.push(query);
        for reaction in reactions {
            match reaction {
                Reaction::Send { .. } if answer_is_lost => {}
                Reaction::Send { bytes, later } => {
                    let bytes = if by_stream { framed(&bytes) } else { bytes };
                    self.arrive(key, latency + later, Incoming::Bytes(bytes));
                }
                Reaction::SendSplit { bytes } => {
                    for (index, byte) in framed(&bytes).into_iter().enumerate() {
                        self.arrive(key, latency + BYTE_INTERVAL * index as u32, Incoming::Bytes(vec![byte]));
                    }
                }
                Reaction::Reset => {
                    let kind =
                        if by_stream { io::ErrorKind::ConnectionReset } else { io::ErrorKind::ConnectionRefused };
                    self.arrive(key, latency, Incoming::Error(kind));
                }
            }
        }
    }

    pub(super) fn receive(&mut self, key: SocketKey, buffer: &mut [u8]) -> io::Result<usize> {
        let socket = self.sockets.get_mut(key).ok_or(io::ErrorKind::NotConnected)?;
        match socket.incoming.pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Incoming::Error(kind)) => Err(kind.into()),
            Some(Incoming::End) => Ok(0),
            Some(Incoming::Bytes(bytes)) => {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                Ok(length)
            }
        }
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = (message.len() as u16).to_be_bytes().to_vec();
    bytes.extend(message);
    bytes
}
