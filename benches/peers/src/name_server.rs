//! The name servers of the scenarios, in a process of their own, on port 53 of addresses of loopback.
//!
//! The name `hNNNNN.bench.test` has the addresses 10.0.0.0 + N and fd00:: + N; no other name exists.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

use crate::foreign::system::{self, DatagramBatch};
use crate::random::Random;
use crate::resolvers::{ipv4, ipv6, number_of};
use crate::scenario::Server;

/// What this program is called by as a name server.
pub const NAME_SERVER: &str = "--name-server";

/// Of a hundred questions, how many the losing server loses.
const LOST: u64 = 30;

pub fn address(server: Server) -> SocketAddr {
    let last = match server {
        Server::None | Server::Answering => 1,
        Server::Losing => 2,
        Server::Dead => 3,
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
    let losing = bind(Server::Losing);
    let answering = bind(Server::Answering);
    println!("ready");
    std::io::stdout().flush().expect("somebody reads it");
    let mut random = Random::new();
    thread::spawn(move || serve(&losing, || random.below(100) < LOST));
    serve(&answering, || false);
}

fn serve(socket: &UdpSocket, mut loses: impl FnMut() -> bool) {
    system::enlarge_receive_buffer(socket, 8 << 20);
    let mut batch = DatagramBatch::new();
    loop {
        batch.serve(socket, |buffer, length| if loses() { 0 } else { answer(buffer, length) });
    }
}

/// Writes the answer over the question, and says how long it is; 0 for what is no question.
fn answer(buffer: &mut [u8; 512], length: usize) -> usize {
    const HEADER: usize = 12;
    let is_question = length > HEADER + 4 && buffer[2] & 0x80 == 0;
    let Some(name_length) = buffer[HEADER..length].iter().position(|&byte| byte == 0).filter(|_| is_question) else {
        return 0;
    };
    let name_end = HEADER + name_length + 1;
    if name_end + 4 > length {
        return 0;
    }
    let name = buffer[HEADER..name_end].to_ascii_lowercase();
    let kind = buffer[name_end + 1];
    let mut end = name_end + 4;
    // An answer, authoritative, recursion as wished and available; one question.
    buffer[2] = 0x84 | (buffer[2] & 1);
    buffer[3] = 0x80;
    buffer[4..HEADER].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    let Some(number) = number_of(&name) else {
        const NO_SUCH_NAME: u8 = 3;
        buffer[3] |= NO_SUCH_NAME;
        return end;
    };
    let data: &[u8] = match kind {
        1 => &ipv4(number as usize).octets(),
        28 => &ipv6(number as usize).octets(),
        _ => return end,
    };
    // The name of the question, kind, class, a minute.
    let record = [0xC0, HEADER as u8, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8];
    for part in [&record[..], data] {
        buffer[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    }
    buffer[7] = 1;
    end
}
