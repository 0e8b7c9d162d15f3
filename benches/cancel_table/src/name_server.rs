//! A name server on 127.0.0.1:53 that answers a name when it is told to, and knows when an answer has arrived.

use std::collections::HashSet;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing here takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

const PORT: u16 = 53;

pub struct NameServer {
    socket: UdpSocket,
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    held: Vec<Question>,
    /// Names whose questions are answered at once.
    answered: HashSet<String>,
}

struct Question {
    name: String,
    from: SocketAddr,
    message: Vec<u8>,
}

/// The server of this process; started when it is first asked for.
pub fn name_server() -> &'static NameServer {
    static SERVER: OnceLock<NameServer> = OnceLock::new();
    static RECEIVER: OnceLock<()> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let socket = UdpSocket::bind(("127.0.0.1", PORT)).expect("port 53 of a network namespace of its own is free");
        NameServer { socket, desk: Mutex::default(), changed: Condvar::new() }
    });
    RECEIVER.get_or_init(|| drop(thread::spawn(|| server.receive())));
    server
}

impl NameServer {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("nobody panics with it")
    }

    fn receive(&self) {
        let mut buffer = [0; 1500];
        loop {
            // An error is about somebody who is gone.
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { continue };
            let message = buffer[..length].to_vec();
            let name = question_name(&message);
            let mut desk = self.desk();
            if desk.answered.contains(&name) {
                self.send(&message, from);
            } else {
                desk.held.push(Question { name, from, message });
                self.changed.notify_all();
            }
        }
    }

    fn send(&self, question: &[u8], to: SocketAddr) {
        // Whoever closed the socket meanwhile gets nothing.
        let _ = self.socket.send_to(&answer(question), to);
    }

    /// Waits until `name` has been asked for.
    pub fn await_question(&self, name: &str) {
        let desk = self.desk();
        let waiting = |desk: &mut Desk| !desk.held.iter().any(|question| question.name == name);
        let waited = self.changed.wait_timeout_while(desk, PATIENCE, waiting).expect("nobody panics with it");
        assert!(!waited.1.timed_out(), "nobody asked for {name}");
    }

    /// Whether `name` has been asked for.
    pub fn has_question(&self, name: &str) -> bool {
        self.desk().held.iter().any(|question| question.name == name)
    }

    /// Answers what was asked for `name`, and whatever will be.
    pub fn answer(&self, name: &str) {
        for question in self.release(name) {
            self.send(&question.message, question.from);
        }
    }

    /// Answers what was asked for `name`, and waits until the answers lie in the buffers of the sockets that
    /// asked. These must not be read meanwhile.
    pub fn answer_into_buffer(&self, name: &str) {
        for question in self.release(name) {
            let port = question.from.port();
            let before = received(port);
            self.send(&question.message, question.from);
            let deadline = Instant::now() + PATIENCE;
            while received(port) <= before {
                assert!(Instant::now() < deadline, "the answer for {name} does not arrive");
                thread::yield_now();
            }
        }
    }

    fn release(&self, name: &str) -> Vec<Question> {
        let mut desk = self.desk();
        desk.answered.insert(name.to_owned());
        desk.held.extract_if(.., |question| question.name == name).collect()
    }
}

/// How many sockets are connected to the name server: those that wait for an answer.
pub fn asking() -> usize {
    sockets().filter(|socket| socket.to == PORT).count()
}

/// How much lies in the buffer of the socket with this port.
fn received(port: u16) -> u64 {
    sockets().filter(|socket| socket.port == port).map(|socket| socket.received).sum()
}

struct UdpEntry {
    port: u16,
    to: u16,
    received: u64,
}

/// proc(5): `sl local_address rem_address st tx_queue:rx_queue ...`, numbers in hexadecimal.
fn sockets() -> impl Iterator<Item = UdpEntry> {
    let table = fs::read_to_string("/proc/self/net/udp").expect("there is /proc");
    let entries: Vec<UdpEntry> = table.lines().skip(1).filter_map(entry).collect();
    entries.into_iter()
}

fn entry(line: &str) -> Option<UdpEntry> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let port = |word: &str| u16::from_str_radix(word.split_once(':')?.1, 16).ok();
    let received = u64::from_str_radix(words.get(4)?.split_once(':')?.1, 16).ok()?;
    Some(UdpEntry { port: port(words.get(1)?)?, to: port(words.get(2)?)?, received })
}

/// The name of a question in lower case, whatever case the asker plays with.
fn question_name(message: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut rest = message.get(12..).unwrap_or_default();
    while let [length @ 1..=63, after @ ..] = rest {
        let (label, after) = after.split_at_checked(usize::from(*length)).unwrap_or_default();
        labels.push(String::from_utf8_lossy(label).to_lowercase());
        rest = after;
    }
    labels.join(".")
}

/// The question and, if it is for IPv4 addresses, one answer: 10.0.0.1.
fn answer(question: &[u8]) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|&byte| byte == 0).expect("a name ends") + 5;
    let is_ipv4 = question[end - 4..end - 2] == [0, 1];
    let mut message = question[..end].to_vec();
    message[2] |= 0x84;
    message[3] = 0x80;
    message[4..12].copy_from_slice(&[0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]);
    if is_ipv4 {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
    }
    message
}
