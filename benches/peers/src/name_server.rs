//! The name servers of the scenarios, in a process of their own, on port 53 of addresses of loopback.
//!
//! The name `hNNNNN.bench.test` has the addresses 10.0.0.0 + N and fd00:: + N; no other name exists. Which questions a
//! losing server loses is its luck, not the asker's.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread;

use crate::foreign::epoll::{Epoll, READABLE};
use crate::foreign::system::{self, DatagramBatch};
use crate::random::Random;
use crate::resolvers::{ipv4, ipv6, number_of};
use crate::scenario::Server;

/// What this program is called by as a name server.
pub const NAME_SERVER: &str = "--name-server";

/// Of a hundred questions, how many the losing servers lose.
const FEW_LOST: u64 = 5;
const MANY_LOST: u64 = 30;

/// Where answers are cut, those of every tenth name are. The first lookup, which nobody measures, is not among them.
fn is_cut(number: u32) -> bool {
    number % 10 == 9
}

pub fn address(server: Server) -> SocketAddr {
    let last = match server {
        Server::None | Server::Answering => 1,
        Server::LosingFew => 2,
        Server::LosingMany => 3,
        Server::Truncating => 4,
        Server::Dead => 5,
    };
    (Ipv4Addr::new(127, 0, 0, last), 53).into()
}

fn bind(server: Server) -> UdpSocket {
    UdpSocket::bind(address(server)).expect("port 53 of a namespace of our own is free")
}

/// Serves until its process is ended. Says `ready` when it listens.
pub fn run() {
    // Bound and never read: it takes questions and keeps silent.
    let _dead = bind(Server::Dead);
    let losing = [(Server::LosingFew, FEW_LOST), (Server::LosingMany, MANY_LOST)];
    let losing = losing.map(|(server, lost)| (bind(server), lost));
    let truncating = bind(Server::Truncating);
    let streams = TcpListener::bind(address(Server::Truncating)).expect("port 53 of a namespace of our own is free");
    let answering = bind(Server::Answering);
    println!("ready");
    std::io::stdout().flush().expect("somebody reads it");
    for (socket, lost) in losing {
        let mut random = Random::new();
        let answer_unless_lost =
            move |message: &mut Message, length| if random.below(100) < lost { 0 } else { answer(message, length) };
        thread::spawn(move || serve(&socket, answer_unless_lost));
    }
    thread::spawn(move || serve(&truncating, answer_or_cut));
    thread::spawn(move || serve_streams(&streams));
    serve(&answering, answer);
}

/// Answers questions over UDP by `answer`, which writes over each and says how long it is now; 0 where it keeps silent.
fn serve(socket: &UdpSocket, mut answer: impl FnMut(&mut Message, usize) -> usize) {
    system::enlarge_receive_buffer(socket, 8 << 20);
    let mut batch = DatagramBatch::new();
    loop {
        batch.serve(socket, &mut answer);
    }
}

/// Answers questions over TCP, of many connections at a time: some resolvers keep theirs.
fn serve_streams(listener: &TcpListener) {
    const LISTENER: u64 = u64::MAX;
    listener.set_nonblocking(true).expect("the system does it");
    let mut epoll = Epoll::new();
    epoll.add(listener, READABLE, LISTENER);
    let mut connections = HashMap::new();
    loop {
        let ready: Vec<_> = epoll.wait(-1).map(|ready| ready.number).collect();
        for number in ready {
            if number == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true).expect("the system does it");
                    let number = stream.as_raw_fd() as u64;
                    epoll.add(&stream, READABLE, number);
                    connections.insert(number, Connection { stream, arrived: Vec::new() });
                }
            } else if connections.get_mut(&number).is_some_and(|connection| !connection.serve()) {
                connections.remove(&number);
            }
        }
    }
}

/// Who asks over TCP, and what has arrived and is not answered.
struct Connection {
    stream: TcpStream,
    arrived: Vec<u8>,
}

impl Connection {
    /// Answers what has arrived. Whether more may come.
    fn serve(&mut self) -> bool {
        let mut buffer = [0; 2048];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => self.arrived.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        let mut answers = Vec::new();
        let mut rest = &self.arrived[..];
        // Each message has its length before it.
        while let Some((length, behind)) = rest.split_first_chunk()
            && let Some((question, behind)) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        {
            let mut message = [0; size_of::<Message>()];
            let Some(place) = message.get_mut(..question.len()) else { return false };
            place.copy_from_slice(question);
            let length = answer(&mut message, question.len());
            answers.extend((length as u16).to_be_bytes());
            answers.extend(&message[..length]);
            rest = behind;
        }
        let answered = self.arrived.len() - rest.len();
        self.arrived.drain(..answered);
        // A few short answers always fit.
        self.stream.write_all(&answers).is_ok()
    }
}

/// Room for a question or an answer.
type Message = [u8; 512];

/// Answers what is a question.
fn answer(message: &mut Message, length: usize) -> usize {
    Question::read(&message[..length]).map_or(0, |question| question.answer(message))
}

/// As [`answer`], but of some names only that the answer is too long.
fn answer_or_cut(message: &mut Message, length: usize) -> usize {
    match Question::read(&message[..length]) {
        Some(question) if question.number.is_some_and(is_cut) => question.cut(message),
        question => question.map_or(0, |question| question.answer(message)),
    }
}

/// The only question of a message.
struct Question {
    /// Of the name, where it is one of ours.
    number: Option<u32>,
    kind: u8,
    /// Where it ends in the message.
    end: usize,
}

const HEADER: usize = 12;

impl Question {
    fn read(message: &[u8]) -> Option<Question> {
        if message.len() <= HEADER || message[2] & 0x80 != 0 {
            return None;
        }
        let name_length = message[HEADER..].iter().position(|&byte| byte == 0)?;
        let name_end = HEADER + name_length + 1;
        let end = name_end + 4;
        let kind = *message.get(..end)?.get(name_end + 1)?;
        let number = number_of(&message[HEADER..name_end].to_ascii_lowercase());
        Some(Question { number, kind, end })
    }

    /// Makes the question an answer without records: authoritative, recursion as wished and available.
    fn turn_round(&self, message: &mut Message) {
        message[2] = 0x84 | (message[2] & 1);
        message[3] = 0x80;
        message[4..HEADER].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    }

    /// Writes the answer over the question, and says how long it is.
    fn answer(&self, message: &mut Message) -> usize {
        self.turn_round(message);
        let Some(number) = self.number else {
            const NO_SUCH_NAME: u8 = 3;
            message[3] |= NO_SUCH_NAME;
            return self.end;
        };
        let data: &[u8] = match self.kind {
            1 => &ipv4(number as usize).octets(),
            28 => &ipv6(number as usize).octets(),
            _ => return self.end,
        };
        // The name of the question, kind, class, a minute.
        let record = [0xC0, HEADER as u8, 0, self.kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8];
        let mut end = self.end;
        for part in [&record[..], data] {
            message[end..end + part.len()].copy_from_slice(part);
            end += part.len();
        }
        message[7] = 1;
        end
    }

    /// Writes over the question that its answer is too long.
    fn cut(&self, message: &mut Message) -> usize {
        const TRUNCATED: u8 = 0x02;
        self.turn_round(message);
        message[2] |= TRUNCATED;
        self.end
    }
}
