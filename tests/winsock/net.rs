//! Sockets over the loopback interface, and what is told of them.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use msgpump::winsock::{
    AF_INET, Delivery, FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, SOCK_DGRAM, SOCK_STREAM,
    SocketHandle, Version, Winsock, WinsockMessage, WinsockSettings, WsaData,
};
use msgpump::{Budget, Interest, Payload, Pump, WatchId, WindowId};

use crate::support::Outcome;

/// A message number of an application.
pub(crate) const M: u32 = 0x0402;

/// Every event.
pub(crate) const ALL: i32 = FD_READ | FD_WRITE | FD_OOB | FD_ACCEPT | FD_CONNECT | FD_CLOSE;

/// How long a test waits for what must come. Only a test that fails waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program with real sockets.
pub(crate) struct Net {
    pub(crate) pump: Pump<u32>,
    pub(crate) winsock: Winsock<u32>,
    pub(crate) window: WindowId,
    /// What sockets are called in the expectations; the others have no name.
    names: HashMap<SocketHandle, &'static str>,
    /// What is sent over it comes behind all that was sent before on the same interface.
    fence: TcpStream,
    fence_watch: WatchId<msgpump::TcpStream>,
}

/// The end of a connection that is not the layer's.
pub(crate) type Peer = TcpStream;

impl Net {
    /// Started with version 1.1.
    pub(crate) fn new() -> Net {
        Net::with(WinsockSettings::default(), Version::V1_1)
    }

    pub(crate) fn with(settings: WinsockSettings, version: Version) -> Net {
        let mut pump = Pump::new().expect("descriptors are left");
        let mut winsock = Winsock::with_settings(settings);
        winsock.wsa_startup(version, Some(&mut WsaData::default())).expect("the version is offered");
        let (window, fence_window) = (pump.open_window(), pump.open_window());
        let listener = TcpListener::bind(anywhere()).expect("the loopback interface is there");
        let fence = TcpStream::connect(listener.local_addr().expect("it listens")).expect("somebody listens");
        fence.set_nodelay(true).expect("it is TCP");
        let (watched, _) = listener.accept().expect("a connection waits");
        let watched = msgpump::TcpStream::from_std(watched).expect("it can be non-blocking");
        let fence_watch = pump.watch(fence_window, watched, Interest::READABLE).expect("it can be watched");
        Net { pump, winsock, window, names: HashMap::new(), fence, fence_watch }
    }

    pub(crate) fn name(&mut self, socket: SocketHandle, name: &'static str) {
        self.names.insert(socket, name);
    }

    pub(crate) fn stream(&mut self) -> SocketHandle {
        self.winsock.socket(AF_INET, SOCK_STREAM, 0).expect("descriptors are left")
    }

    /// A datagram socket with an address.
    pub(crate) fn datagram(&mut self) -> (SocketHandle, SocketAddrV4) {
        let socket = self.winsock.socket(AF_INET, SOCK_DGRAM, 0).expect("descriptors are left");
        self.winsock.bind(socket, anywhere()).expect("it has no address yet");
        (socket, self.winsock.getsockname(socket).expect("it has one now"))
    }

    /// A connection, not selected.
    pub(crate) fn pair(&mut self) -> (SocketHandle, Peer) {
        let listener = TcpListener::bind(anywhere()).expect("the loopback interface is there");
        let socket = self.stream();
        let address = v4(listener.local_addr().expect("it listens"));
        self.winsock.connect(&mut self.pump, socket, address).expect("somebody listens");
        let (peer, _) = listener.accept().expect("a connection waits");
        peer.set_nodelay(true).expect("it is TCP");
        (socket, peer)
    }

    /// A connection that is selected for `events`, whose first messages were taken.
    pub(crate) fn selected_pair(&mut self, events: i32) -> (SocketHandle, Peer) {
        let (socket, peer) = self.pair();
        self.select(socket, events);
        self.events();
        (socket, peer)
    }

    /// A listening socket, and its address.
    pub(crate) fn listener(&mut self) -> (SocketHandle, SocketAddrV4) {
        let socket = self.stream();
        self.winsock.bind(socket, anywhere()).expect("it has no address yet");
        self.winsock.listen(&mut self.pump, socket, 5).expect("it is bound");
        (socket, self.winsock.getsockname(socket).expect("it has an address"))
    }

    #[track_caller]
    pub(crate) fn select(&mut self, socket: SocketHandle, events: i32) {
        let result = self.winsock.wsa_async_select(&mut self.pump, socket, self.window, M, events);
        result.expect("it can be selected");
    }

    pub(crate) fn recv(&mut self, socket: SocketHandle, length: usize) -> Outcome<usize> {
        self.recv_with(socket, length, 0)
    }

    pub(crate) fn recv_with(&mut self, socket: SocketHandle, length: usize, flags: i32) -> Outcome<usize> {
        self.winsock.recv(&mut self.pump, socket, &mut vec![0; length], flags)
    }

    pub(crate) fn send(&mut self, socket: SocketHandle, bytes: &[u8]) -> Outcome<usize> {
        self.winsock.send(&mut self.pump, socket, bytes, 0)
    }

    pub(crate) fn accept(&mut self, socket: SocketHandle) -> Outcome<SocketHandle> {
        self.winsock.accept(&mut self.pump, socket).map(|(accepted, _)| accepted)
    }

    pub(crate) fn close(&mut self, socket: SocketHandle) -> Outcome<()> {
        self.winsock.closesocket(&mut self.pump, socket)
    }

    /// Sends until there is no room.
    pub(crate) fn fill(&mut self, socket: SocketHandle) -> usize {
        let (chunk, mut sent) = (vec![0; 64 * 1024], 0);
        loop {
            match self.send(socket, &chunk) {
                Ok(length) => sent += length,
                Err(error) => {
                    assert_eq!(error.number(), 10035, "there is no room");
                    return sent;
                }
            }
        }
    }

    /// Takes what has come, until nothing more comes.
    pub(crate) fn messages(&mut self) -> Vec<WinsockMessage> {
        let mut taken = Vec::new();
        // A message may enable another one, which the next round sees.
        let mut quiet_rounds = 0;
        while quiet_rounds < 2 {
            let before = taken.len();
            self.fence_round(&mut taken);
            quiet_rounds = if taken.len() == before { quiet_rounds + 1 } else { 0 };
        }
        taken
    }

    fn fence_round(&mut self, taken: &mut Vec<WinsockMessage>) {
        self.fence.write_all(b"|").expect("there is room");
        let end = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < end, "the fence never came; {:?}", self.pump);
            self.pump.turn(Budget::wait(PATIENCE)).expect("the system works");
            let mut is_passed = false;
            while let Some(delivery) = self.winsock.next_message(&mut self.pump) {
                match delivery {
                    Delivery::Winsock(message) => taken.push(message),
                    Delivery::Other(other) => {
                        assert_eq!(other.operation, Some(self.fence_watch.id()), "unexpected {other:?}");
                        assert!(matches!(other.payload, Payload::Ready(_)));
                        is_passed = true;
                    }
                }
            }
            if is_passed {
                let watched = self.pump.source(self.fence_watch).expect("it is watched");
                watched.read_exact(&mut [0]).expect("it has come");
                self.pump.rearm(self.fence_watch, Interest::READABLE).expect("it lives");
                return;
            }
        }
    }

    /// As [`messages`](Net::messages), in words: `READ WRITE l:ACCEPT CLOSE(10054)`.
    #[track_caller]
    pub(crate) fn events(&mut self) -> String {
        let messages = self.messages();
        let words = messages.iter().map(|message| self.words(message));
        words.collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    pub(crate) fn words(&self, message: &WinsockMessage) -> String {
        let event = match i32::from(message.select_event()) {
            FD_READ => "READ",
            FD_WRITE => "WRITE",
            FD_OOB => "OOB",
            FD_ACCEPT => "ACCEPT",
            FD_CONNECT => "CONNECT",
            FD_CLOSE => "CLOSE",
            other => panic!("{other:#x} is more than one event"),
        };
        let name = self.names.get(&message.socket()).map_or(String::new(), |name| format!("{name}:"));
        let error = message.select_error().map_or(String::new(), |error| format!("({})", error.number()));
        format!("{name}{event}{error}")
    }
}

pub(crate) fn anywhere() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)
}

pub(crate) fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => panic!("the tests are of IPv4"),
    }
}

/// An address where nobody listens.
pub(crate) fn closed_port() -> SocketAddrV4 {
    let listener = TcpListener::bind(anywhere()).expect("the loopback interface is there");
    v4(listener.local_addr().expect("it listens"))
}

/// Connects to an address of the layer's.
pub(crate) fn peer_of(address: SocketAddrV4) -> Peer {
    TcpStream::connect(address).expect("somebody listens")
}

/// Writes bytes.
pub(crate) fn say(peer: &mut Peer, bytes: &[u8]) {
    peer.write_all(bytes).expect("the connection lives");
}

/// Reads all that has come.
pub(crate) fn drain(peer: &mut Peer) -> usize {
    peer.set_nonblocking(true).expect("it can be");
    let (mut buffer, mut total) = (vec![0; 1 << 20], 0);
    loop {
        match peer.read(&mut buffer) {
            Ok(0) => return total,
            Ok(length) => total += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return total,
            Err(error) => panic!("reading from the layer: {error}"),
        }
    }
}

/// Closes a connection with a reset.
pub(crate) fn reset(peer: Peer) {
    rustix::net::sockopt::set_socket_linger(&peer, Some(Duration::ZERO)).expect("it is TCP");
}

/// Sends a byte of urgent data.
pub(crate) fn say_urgently(peer: &Peer, byte: u8) {
    rustix::net::send(peer, &[byte], rustix::net::SendFlags::OOB).expect("the connection lives");
}
