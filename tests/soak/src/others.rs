//! The other process: name servers that misbehave and programs that take connections, on the loopback interface.
//!
//! Apart from the pump's, so that its descriptors and its memory are not counted with the pump's. It prints its
//! addresses, and ends when its standard input does.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::wire::{NXDOMAIN, Query, REFUSED, SERVFAIL};
use crate::zone::FORGED;

/// How many name servers answer, beside one whose port is closed.
const SERVERS: u64 = 2;

/// Replies that a server is late with, and streams that it neither answers nor closes, at a time.
const HELD_MAX: usize = 64;

/// How long a stream may take to ask.
const STREAM_PATIENCE: Duration = Duration::from_millis(200);

/// The other process and the addresses in it.
pub struct Others {
    child: Child,
    /// It ends when this is closed.
    stdin: Option<ChildStdin>,
    pub name_servers: Vec<SocketAddr>,
    pub peers: Vec<SocketAddr>,
}

impl Others {
    pub fn start(seed: u64) -> Result<Others, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--others", "--seed", &seed.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let output = child.stdout.take().ok_or("the other process has an output")?;
        let mut lines = BufReader::new(output).lines();
        let mut addresses = || -> Result<Vec<SocketAddr>, Box<dyn Error>> {
            let line = lines.next().ok_or("the other process ended early")??;
            Ok(line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
        };
        let (name_servers, peers) = (addresses()?, addresses()?);
        Ok(Others { child, stdin, name_servers, peers })
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// What the other process does.
pub fn run(seed: u64) -> Result<(), Box<dyn Error>> {
    let mut name_servers = Vec::new();
    for number in 0..SERVERS {
        let (datagrams, streams) = bind_both()?;
        name_servers.push(datagrams.local_addr()?);
        let (for_datagrams, for_streams) = (Random::new(seed ^ (number << 32)), Random::new(!seed ^ (number << 32)));
        thread::spawn(move || DatagramServer::new(datagrams, for_datagrams).serve());
        thread::spawn(move || serve_streams(&streams, for_streams));
    }
    // It hears one port alone, so for all others its own is closed, and nobody else gets it.
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    closed.connect((Ipv4Addr::LOCALHOST, 9))?;
    name_servers.push(closed.local_addr()?);

    let mut peers = Vec::new();
    for manner in [Manner::Greets, Manner::Echoes, Manner::Holds, Manner::Resets, Manner::Ends] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        peers.push(listener.local_addr()?);
        thread::spawn(move || serve_peers(&listener, manner));
    }
    let (silent, full) = silent_peer()?;
    peers.push(silent.local_addr()?);
    // Nobody listens there, as long as this is bound and does not.
    let refuses = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)?;
    rustix::net::bind(&refuses, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    peers.push(rustix::net::getsockname(&refuses)?.try_into()?);

    for addresses in [name_servers, peers] {
        let words: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
        println!("{}", words.join(" "));
    }
    io::stdin().read_to_end(&mut Vec::new())?;
    drop((closed, silent, full, refuses));
    Ok(())
}

fn bind_both() -> Result<(UdpSocket, TcpListener), Box<dyn Error>> {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        if let Ok(tcp) = TcpListener::bind(udp.local_addr()?) {
            return Ok((udp, tcp));
        }
    }
    Err("no port is free for both UDP and TCP".into())
}

struct DatagramServer {
    socket: UdpSocket,
    random: Random,
    /// What is sent later, in order.
    late: BTreeMap<(Instant, u64), (SocketAddr, Vec<u8>)>,
    sent: u64,
}

impl DatagramServer {
    fn new(socket: UdpSocket, random: Random) -> DatagramServer {
        DatagramServer { socket, random, late: BTreeMap::new(), sent: 0 }
    }

    fn serve(&mut self) {
        let mut buffer = [0; 1500];
        loop {
            self.send_late();
            // Zero would mean no limit at all.
            let patience = self
                .late
                .first_key_value()
                .map(|((due, _), _)| due.saturating_duration_since(Instant::now()).max(Duration::from_micros(100)));
            let _ = self.socket.set_read_timeout(patience);
            // An error tells of a port that was closed since, or that it is time for what is late.
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { continue };
            if let Some(query) = Query::parse(&buffer[..length]) {
                self.react(&query, from);
            }
        }
    }

    fn send_late(&mut self) {
        while let Some(entry) = self.late.first_entry().filter(|entry| entry.key().0 <= Instant::now()) {
            let (to, bytes) = entry.remove();
            self.send(&bytes, to);
        }
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) {
        // Who asked may have gone.
        let _ = self.socket.send_to(bytes, to);
        self.sent += 1;
    }

    fn react(&mut self, query: &Query, from: SocketAddr) {
        let answer = query.answer();
        match self.random.below(100) {
            0..50 => self.send(&answer, from),
            50..60 => {}
            60..72 if self.late.len() < HELD_MAX => {
                // Some of these come when nobody waits any more.
                let due = Instant::now() + Duration::from_millis(1 + self.random.below(60));
                self.sent += 1;
                self.late.insert((due, self.sent), (from, answer));
            }
            60..76 => (0..2).for_each(|_| self.send(&answer, from)),
            76..82 => {
                let mut forged = query.forged(FORGED);
                forged[1] ^= 1;
                self.send(&forged, from);
                self.send(&answer, from);
            }
            82..84 => {
                let mut forged = query.forged(FORGED);
                forged[0] ^= 0x80;
                (0..100).for_each(|_| self.send(&forged, from));
            }
            84..86 => {
                let mut other = query.forged(FORGED);
                // The first letter of the name, behind the header and the length of its label.
                other[13] ^= 2;
                self.send(&other, from);
            }
            86..92 => self.send(&query.truncated(), from),
            92..94 => self.send(&query.empty(SERVFAIL), from),
            94..96 => self.send(&query.empty(REFUSED), from),
            96..98 => {
                let mut garbled = answer;
                garbled[7] = garbled[7].wrapping_add(1);
                garbled.truncate(garbled.len() - 1);
                self.send(&garbled, from);
            }
            _ => self.send(&query.empty(NXDOMAIN)[..11], from),
        }
    }
}

fn serve_streams(listener: &TcpListener, mut random: Random) {
    let mut held = VecDeque::new();
    for stream in listener.incoming() {
        // Whatever goes wrong with one stream ends it and nothing else.
        let _ = stream.and_then(|stream| serve_stream(stream, &mut held, &mut random));
    }
}

fn serve_stream(mut stream: TcpStream, held: &mut VecDeque<TcpStream>, random: &mut Random) -> io::Result<()> {
    stream.set_read_timeout(Some(STREAM_PATIENCE))?;
    let manner = random.below(10);
    if manner == 0 {
        return reset(&stream);
    }
    // Both questions of a lookup may come over one stream.
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut message)?;
        let answer = Query::parse(&message).ok_or(io::ErrorKind::InvalidData)?.answer();
        let frame = [&(answer.len() as u16).to_be_bytes()[..], &answer].concat();
        match manner {
            1 => return Ok(()),
            2 => {
                stream.write_all(&frame[..frame.len() / 2])?;
                return reset(&stream);
            }
            3 => {
                // A length, and nothing of what it promises.
                stream.write_all(&[0xFF, 0xFF])?;
                held.push_back(stream);
                if held.len() > HELD_MAX {
                    held.pop_front();
                }
                return Ok(());
            }
            4 => frame.iter().try_for_each(|byte| stream.write_all(&[*byte]))?,
            _ => stream.write_all(&frame)?,
        }
    }
}

/// What a program does that somebody connects to.
#[derive(Clone, Copy)]
enum Manner {
    /// Says something and closes.
    Greets,
    /// Sends one message back.
    Echoes,
    /// Says something and keeps the connection.
    Holds,
    /// Says something and breaks the connection off.
    Resets,
    /// Says nothing more and listens on.
    Ends,
}

fn serve_peers(listener: &TcpListener, manner: Manner) {
    let mut held = VecDeque::new();
    for stream in listener.incoming() {
        let served = stream.and_then(|mut stream| {
            match manner {
                Manner::Greets => return stream.write_all(b"hello"),
                Manner::Echoes => {
                    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
                    let mut buffer = [0; 64];
                    let length = stream.read(&mut buffer)?;
                    return stream.write_all(&buffer[..length]);
                }
                Manner::Holds => stream.write_all(b"wait")?,
                Manner::Resets => {
                    stream.write_all(b"bye")?;
                    return reset(&stream);
                }
                Manner::Ends => stream.shutdown(Shutdown::Write)?,
            }
            held.push_back(stream);
            if held.len() > HELD_MAX {
                held.pop_front();
            }
            Ok(())
        });
        // Who connected may have gone.
        let _ = served;
    }
}

/// Closes without a farewell.
fn reset(stream: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
    Ok(())
}

/// An address at which a connect neither succeeds nor fails: nobody takes those that wait, and there is room
/// for no more.
fn silent_peer() -> Result<(TcpListener, Vec<TcpStream>), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::listen(&listener, 0)?;
    let address = listener.local_addr()?;
    let mut full = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        full.push(stream);
        if full.len() > 16 {
            return Err("nothing fills the queue of a listener".into());
        }
    }
    Ok((listener, full))
}
