//! The floors: questions written by hand, with one socket for all, and with one for each lookup.

use std::net::{IpAddr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::{Asking, Resolver, Wanted, answered, name};
use crate::foreign::epoll::{Epoll, READABLE};
use crate::foreign::system;
use crate::random::Random;

const A: u8 = 1;
const AAAA: u8 = 28;

/// A question of a lookup.
fn question(id: u16, number: usize, kind: u8) -> Vec<u8> {
    let mut question = Vec::with_capacity(64);
    question.extend(id.to_be_bytes());
    question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name(number).split('.') {
        question.push(label.len() as u8);
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, kind, 0, 1]);
    question
}

/// The id and the first address of a reply to one.
fn reply(reply: &[u8]) -> (u16, IpAddr) {
    let id = u16::from_be_bytes([reply[0], reply[1]]);
    assert!(reply[2] & 0x80 != 0 && reply[3] & 15 == 0 && reply[7] >= 1, "it is no answer");
    let name_end = 12 + reply[12..].iter().position(|&byte| byte == 0).expect("a name ends");
    // The rest of the question, the pointer to its name, kind, class, time to live.
    let data = &reply[name_end + 5 + 2 + 8..];
    let address = match data[1] {
        4 => IpAddr::from(<[u8; 4]>::try_from(&data[2..6]).expect("four bytes")),
        _ => IpAddr::from(<[u8; 16]>::try_from(&data[2..18]).expect("sixteen bytes")),
    };
    (id, address)
}

fn kinds(wanted: Wanted) -> &'static [u8] {
    match wanted {
        Wanted::Both => &[A, AAAA],
        Wanted::Ipv4 => &[A],
    }
}

fn ipv4_server(asking: Asking) -> SocketAddrV4 {
    match asking.server {
        SocketAddr::V4(server) => server,
        SocketAddr::V6(_) => panic!("the servers have IPv4 addresses"),
    }
}

/// One socket, and so one port, for all. Ids are found by their place in a table.
pub struct OneSocket {
    socket: UdpSocket,
    epoll: Epoll,
    found: Vec<Vec<IpAddr>>,
}

impl Resolver for OneSocket {
    fn open(asking: Asking) -> OneSocket {
        let socket = system::connected_udp(ipv4_server(asking));
        system::enlarge_receive_buffer(&socket, 1 << 20);
        let epoll = Epoll::new();
        epoll.add(&socket, READABLE, 0);
        OneSocket { socket, epoll, found: vec![Vec::new(); asking.lookups] }
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        for (index, &kind) in kinds(wanted).iter().enumerate() {
            let id = (number * 2 + index) as u16;
            self.socket.send(&question(id, number, kind)).expect("loopback takes it");
        }
    }

    fn turn(&mut self, limit: Duration) {
        self.epoll.wait(limit.as_millis() as i32).for_each(drop);
        let mut buffer = [0; 512];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let (id, address) = reply(&buffer[..length]);
            let number = usize::from(id) / 2;
            self.found[number].push(address);
            if let [_, _] = self.found[number][..] {
                answered(number, &std::mem::take(&mut self.found[number]));
            }
        }
    }

    fn cancel(&mut self, _count: usize) -> usize {
        self.found.clear();
        0
    }

    fn close(self) {}
}

/// A socket for each lookup: what a port that nobody guesses costs.
pub struct SocketEach {
    server: SocketAddrV4,
    epoll: Epoll,
    random: Random,
    open: Vec<Option<(UdpSocket, u16, Vec<IpAddr>)>>,
}

impl Resolver for SocketEach {
    fn open(asking: Asking) -> SocketEach {
        let open = (0..asking.lookups).map(|_| None).collect();
        SocketEach { server: ipv4_server(asking), epoll: Epoll::new(), random: Random::new(), open }
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        let socket = system::connected_udp(self.server);
        self.epoll.add_number(socket.as_raw_fd(), READABLE, number as u64);
        let id = self.random.below(1 << 16) as u16;
        for (index, &kind) in kinds(wanted).iter().enumerate() {
            let id = id.wrapping_add(index as u16);
            socket.send(&question(id, number, kind)).expect("loopback takes it");
        }
        self.open[number] = Some((socket, id, Vec::new()));
    }

    fn turn(&mut self, limit: Duration) {
        let mut buffer = [0; 512];
        for ready in self.epoll.wait(limit.as_millis() as i32) {
            let number = ready.number as usize;
            let Some((socket, first, found)) = &mut self.open[number] else { continue };
            while let Ok(length) = socket.recv(&mut buffer) {
                let (id, address) = reply(&buffer[..length]);
                assert!(id.wrapping_sub(*first) < 2, "an id is what was sent");
                found.push(address);
                if found.len() == 2 {
                    break;
                }
            }
            if found.len() == 2 {
                answered(number, found);
                self.open[number] = None;
            }
        }
    }

    fn cancel(&mut self, count: usize) -> usize {
        self.open[..count].iter_mut().for_each(|open| *open = None);
        0
    }

    fn close(self) {}
}
