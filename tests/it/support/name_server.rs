//! A name server on the loopback interface that does what a test tells it, right or wrong.
//!
//! It listens on one port by UDP and TCP, notes what it is asked, and asks the test's script what to
//! do about it. What comes after [`Act::Hold`] is done when the test says so, on the test's thread:
//! nothing in a test depends on how long something takes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::wire::{Query, Reply, Transport};

/// How often a port is looked for that is free for both UDP and TCP.
const PORT_TRIES_MAX: usize = 100;

/// One thing done about a query.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends a message, the way the query came.
    Send(Vec<u8>),
    /// Sends a datagram from another port.
    SendFromStranger(Vec<u8>),
    /// Sends bytes on the stream as they are, without a length before them.
    SendRaw(Vec<u8>),
    /// Leaves the rest until [`NameServer::release`].
    Hold,
    /// Ends the stream in an orderly way.
    Close,
    /// Breaks the stream off.
    #[cfg(target_os = "linux")]
    Reset,
}

impl Act {
    /// A message, after its length, in writes of one byte each; each waits to be released.
    pub(crate) fn drip(message: Vec<u8>) -> Vec<Act> {
        let length = (message.len() as u16).to_be_bytes();
        length.into_iter().chain(message).flat_map(|byte| [Act::Hold, Act::SendRaw(vec![byte])]).collect()
    }
}

impl From<Reply> for Act {
    fn from(reply: Reply) -> Act {
        Act::Send(reply.bytes())
    }
}

/// A script that keeps nothing in mind.
pub(crate) type Script = fn(&Query) -> Vec<Act>;

type AnyScript = dyn FnMut(&Query) -> Vec<Act> + Send;

pub(crate) struct NameServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    is_over: AtomicBool,
    state: Mutex<State>,
}

struct State {
    script: Box<AnyScript>,
    queries: Vec<Query>,
    held: VecDeque<(Line, VecDeque<Act>)>,
    streams: Vec<Arc<TcpStream>>,
}

/// The way back to who asked.
#[derive(Clone)]
enum Line {
    Datagram(Arc<UdpSocket>, SocketAddr),
    Stream(Arc<TcpStream>),
}

impl NameServer {
    /// Starts a server that does to each query what `script` says.
    pub(crate) fn start(script: impl FnMut(&Query) -> Vec<Act> + Send + 'static) -> NameServer {
        NameServer::start_at(Ipv4Addr::LOCALHOST, script)
    }

    /// Starts a server that answers each query with one message.
    pub(crate) fn answering(mut reply: impl FnMut(&Query) -> Reply + Send + 'static) -> NameServer {
        NameServer::start(move |query| vec![reply(query).into()])
    }

    /// Starts a server that hears everything and says nothing.
    pub(crate) fn silent() -> NameServer {
        NameServer::start(|_| Vec::new())
    }

    pub(crate) fn start_at(
        host: impl Into<IpAddr>,
        script: impl FnMut(&Query) -> Vec<Act> + Send + 'static,
    ) -> NameServer {
        let (udp, tcp) = bind_both(host.into());
        let address = tcp.local_addr().expect("it is bound");
        let shared = Shared::new(script);
        let (for_udp, for_tcp) = (shared.clone(), shared.clone());
        let threads = vec![
            thread::spawn(move || for_udp.serve_datagrams(udp)),
            thread::spawn(move || for_tcp.serve_streams(tcp)),
        ];
        NameServer { shared, address, threads }
    }

    /// Starts a server that refuses streams.
    pub(crate) fn without_streams(script: impl FnMut(&Query) -> Vec<Act> + Send + 'static) -> NameServer {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP port is free");
        let address = udp.local_addr().expect("it is bound");
        let shared = Shared::new(script);
        let for_udp = shared.clone();
        NameServer { shared, address, threads: vec![thread::spawn(move || for_udp.serve_datagrams(udp))] }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked so far.
    pub(crate) fn queries(&self) -> Vec<Query> {
        self.shared.state().queries.clone()
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.shared.state().queries.len()
    }

    /// How many queries have acts that are held.
    pub(crate) fn holding(&self) -> usize {
        self.shared.state().held.len()
    }

    /// Does what was held of the oldest query, up to its next hold; says whether something was.
    pub(crate) fn release(&self) -> bool {
        let Some((line, acts)) = self.shared.state().held.pop_front() else { return false };
        self.shared.perform(line, acts);
        true
    }

    /// Does what was held of the newest query.
    pub(crate) fn release_newest(&self) -> bool {
        let Some((line, acts)) = self.shared.state().held.pop_back() else { return false };
        self.shared.perform(line, acts);
        true
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, SeqCst);
        // Each wakes one thread, which sees that it is over.
        let farewell = UdpSocket::bind((self.address.ip(), 0)).and_then(|udp| udp.send_to(&[], self.address));
        let last = TcpStream::connect(self.address);
        for stream in &self.shared.state().streams {
            // A stream that its other end has closed needs no end.
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let result = thread.join();
            if !thread::panicking() {
                result.expect("the name server did not panic");
            }
        }
        drop((farewell, last));
    }
}

impl Shared {
    fn new(script: impl FnMut(&Query) -> Vec<Act> + Send + 'static) -> Arc<Shared> {
        let (queries, held, streams) = (Vec::new(), VecDeque::new(), Vec::new());
        let state = Mutex::new(State { script: Box::new(script), queries, held, streams });
        Arc::new(Shared { is_over: AtomicBool::new(false), state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve_datagrams(&self, socket: UdpSocket) {
        let socket = Arc::new(socket);
        let mut buffer = [0; 512];
        while !self.is_over.load(SeqCst) {
            match socket.recv_from(&mut buffer) {
                // An error tells of a datagram sent before: its receiver has closed its port.
                Ok((0, _)) | Err(_) => {}
                Ok((length, from)) => {
                    let query = Query::parse(&buffer[..length], Transport::Udp, from);
                    self.handle(query, Line::Datagram(socket.clone(), from));
                }
            }
        }
    }

    fn serve_streams(self: Arc<Self>, listener: TcpListener) {
        let mut threads = Vec::new();
        for stream in listener.incoming() {
            if self.is_over.load(SeqCst) {
                break;
            }
            let Ok(stream) = stream.map(Arc::new) else { continue };
            self.state().streams.push(stream.clone());
            let shared = self.clone();
            threads.push(thread::spawn(move || shared.serve_stream(stream)));
        }
        for thread in threads {
            thread.join().expect("a stream is served without panic");
        }
    }

    /// Serves one stream until it ends or breaks.
    fn serve_stream(&self, stream: Arc<TcpStream>) {
        if let Ok(from) = stream.peer_addr() {
            while let Ok(message) = read_frame(&stream) {
                let query = Query::parse(&message, Transport::Tcp, from);
                self.handle(query, Line::Stream(stream.clone()));
            }
        }
        self.state().streams.retain(|other| !Arc::ptr_eq(other, &stream));
    }

    fn handle(&self, query: Query, line: Line) {
        let acts = {
            let mut state = self.state();
            let acts = (state.script)(&query);
            state.queries.push(query);
            acts
        };
        self.perform(line, acts.into());
    }

    fn perform(&self, line: Line, mut acts: VecDeque<Act>) {
        while let Some(act) = acts.pop_front() {
            let done = match (act, &line) {
                (Act::Hold, _) => {
                    self.state().held.push_back((line, acts));
                    return;
                }
                (Act::Send(message), Line::Datagram(socket, to)) => socket.send_to(&message, to).map(drop),
                (Act::SendFromStranger(message), Line::Datagram(_, to)) => {
                    UdpSocket::bind((to.ip(), 0)).and_then(|stranger| stranger.send_to(&message, to)).map(drop)
                }
                (Act::Send(message), Line::Stream(stream)) => {
                    let length = (message.len() as u16).to_be_bytes();
                    (&**stream).write_all(&[&length[..], &message].concat())
                }
                (Act::SendRaw(bytes), Line::Stream(stream)) => (&**stream).write_all(&bytes),
                (Act::Close, Line::Stream(stream)) => stream.shutdown(Shutdown::Both),
                #[cfg(target_os = "linux")]
                (Act::Reset, Line::Stream(stream)) => reset(stream),
                (act, _) => panic!("{act:?} makes no sense by this transport"),
            };
            // Who asked may have gone: the test sees that by other means.
            if done.is_err() {
                return;
            }
        }
    }
}

fn read_frame(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// Connected to nobody, a stream is reset at once, whoever else has a descriptor of it.
#[cfg(target_os = "linux")]
fn reset(stream: &TcpStream) -> io::Result<()> {
    rustix::net::connect_unspec(stream).map_err(Into::into)
}

fn bind_both(host: IpAddr) -> (UdpSocket, TcpListener) {
    for _ in 0..PORT_TRIES_MAX {
        let udp = UdpSocket::bind((host, 0)).expect("a UDP port is free");
        let port = udp.local_addr().expect("it is bound").port();
        if let Ok(tcp) = TcpListener::bind((host, port)) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

/// An address at which nobody listens: datagrams are refused, and nobody else gets the port.
pub(crate) struct ClosedPort(UdpSocket);

impl ClosedPort {
    pub(crate) fn new() -> ClosedPort {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP port is free");
        // It hears only this peer, so for all others the port is closed.
        socket.connect((Ipv4Addr::LOCALHOST, 9)).expect("connecting sends nothing");
        ClosedPort(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }
}
