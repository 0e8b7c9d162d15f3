//! A name server on the loopback interface, for tests and figures: it has an answer to every name, loses some questions,
//! and leaves some names without an answer for ever.
//!
//! `netcheck-name-server [--port PORT] [--loss PERCENT] [--latency MILLISECONDS]` prints its address and serves until it
//! is ended. Names that begin with `dead` are never answered, those that begin with `no` do not exist.

use std::collections::VecDeque;
use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use lexopt::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut port, mut loss, mut latency) = (0, 0, Duration::ZERO);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = parser.value()?.parse()?,
            Long("loss") => loss = parser.value()?.parse()?,
            Long("latency") => latency = Duration::from_millis(parser.value()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let socket = UdpSocket::bind(("127.0.0.1", port))?;
    println!("{}", socket.local_addr()?);
    let (late, waiting) = channel();
    if !latency.is_zero() {
        let socket = socket.try_clone()?;
        thread::spawn(move || answer_later(&socket, &waiting));
    }
    let (mut question, mut random) = ([0; 1500], 0x2545_f491_4f6c_dd1d_u64);
    loop {
        // A sender that is gone may be told of here, and is no reason to end.
        let Ok((length, from)) = socket.recv_from(&mut question) else { continue };
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if random % 100 < loss {
            continue;
        }
        let Some(answer) = answer_to(&question[..length]) else { continue };
        if latency.is_zero() {
            let _ = socket.send_to(&answer, from);
        } else {
            late.send((Instant::now() + latency, answer, from))?;
        }
    }
}

/// All wait equally long, so they leave in the order in which they came.
fn answer_later(socket: &UdpSocket, waiting: &Receiver<(Instant, Vec<u8>, SocketAddr)>) {
    let mut line = VecDeque::new();
    loop {
        line.extend(waiting.try_iter());
        if line.is_empty() {
            let Ok(next) = waiting.recv() else { return };
            line.push_back(next);
        }
        let (due, answer, from) = line.pop_front().expect("it was filled");
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let _ = socket.send_to(&answer, from);
    }
}

/// RFC 1035 section 4.1: a header of 12 bytes, then the labels of the name, its type and class. One A record of an
/// address made from the name, no records of other types.
fn answer_to(question: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    while *question.get(at)? != 0 {
        at += 1 + usize::from(question[at]);
    }
    let name = &question[12..at];
    let is_address = question.get(at + 1..at + 3)? == [0, 1];
    let first = name.get(1..)?.to_ascii_lowercase();
    if first.starts_with(b"dead") {
        return None;
    }
    let exists = !first.starts_with(b"no");
    let mut answer = question.get(..at + 5)?.to_vec();
    answer[2..4].copy_from_slice(&[0x81, if exists { 0x80 } else { 0x83 }]); // a response, without an error or NXDOMAIN
    answer[6..12].copy_from_slice(&[0, u8::from(is_address && exists), 0, 0, 0, 0]);
    if is_address && exists {
        let hash = name.iter().fold(0x811c_9dc5_u32, |hash, &byte| {
            (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
        });
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10]);
        answer.extend(&hash.to_be_bytes()[1..]);
    }
    Some(answer)
}
