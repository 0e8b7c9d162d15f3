//! What one operation of the system or of a plain structure costs here.

use std::collections::VecDeque;
use std::hint::black_box;
use std::net::{SocketAddrV4, UdpSocket};
use std::time::Instant;

use crate::foreign::epoll::{EDGES, Epoll, READABLE};
use crate::foreign::{Words, system};
use crate::received::words;
use crate::scenario::{Peer, Scenario, Unit, calls, column};
use crate::task::Task;

pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "floors",
    title: "What the system and plain structures cost here",
    peers: PEERS,
    columns: &[column("cpu", "time each", Unit::Nanoseconds), calls("system calls each")],
    operations: [500_000, 100_000],
    ..Scenario::PLAIN
}];

const PEERS: &[Peer] = &[
    Peer::new("floor-vecdeque", "a message of 32 bytes in and out of a queue", vec_deque),
    Peer::new("floor-box", "64 bytes allocated and freed", boxed),
    Peer::new("floor-instant", "Instant::now", instant),
    Peer::new("floor-call", "the emptiest system call", call),
    Peer::new("floor-epoll", "epoll_wait(0), nothing ready", epoll_nothing),
    Peer::new("floor-wake-self", "eventfd write, and the epoll_wait that tells it, by edges", wake_self),
    Peer::new("floor-udp", "a datagram to oneself over loopback, sent and received", udp),
    Peer::new("floor-udp-socket", "a UDP socket made, connected and closed", udp_socket),
    Peer::new("floor-thread", "a thread made and joined", thread),
];

fn repeat(task: &Task, count: usize, mut work: impl FnMut()) {
    let ((), spent) = task.measure(|| (0..count).for_each(|_| work()));
    task.report_cost(spent, count);
}

/// What is slow is done less often.
const SLOW: usize = 50;

fn vec_deque(task: &Task) {
    let mut queue = VecDeque::<Words>::with_capacity(64);
    repeat(task, task.operations, || {
        black_box(&mut queue).push_back(words(7));
        black_box(black_box(&mut queue).pop_front());
    });
}

fn boxed(task: &Task) {
    repeat(task, task.operations, || drop(black_box(Box::new([0_u64; 8]))));
}

fn instant(task: &Task) {
    repeat(task, task.operations, || _ = black_box(Instant::now()));
}

fn call(task: &Task) {
    repeat(task, task.operations, || _ = black_box(system::parent_process()));
}

fn epoll_nothing(task: &Task) {
    let (mut epoll, counter) = (Epoll::new(), system::event_counter());
    epoll.add(&counter, READABLE, 0);
    repeat(task, task.operations, || assert_eq!(epoll.wait(0).count(), 0));
}

fn wake_self(task: &Task) {
    let (mut epoll, counter) = (Epoll::new(), system::event_counter());
    epoll.add(&counter, READABLE | EDGES, 0);
    repeat(task, task.operations, || {
        system::add_one(&counter);
        assert_eq!(epoll.wait(0).count(), 1);
    });
}

fn udp(task: &Task) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has ports");
    socket.connect(socket.local_addr().expect("it is bound")).expect("loopback is there");
    let mut buffer = [0; 512];
    repeat(task, task.operations / SLOW, || {
        socket.send(&buffer[..35]).expect("loopback takes it");
        socket.recv(&mut buffer).expect("it is there");
    });
}

fn udp_socket(task: &Task) {
    let server: SocketAddrV4 = "127.0.0.1:53".parse().expect("it is an address");
    repeat(task, task.operations / SLOW, || drop(system::connected_udp(server)));
}

fn thread(task: &Task) {
    repeat(task, task.operations / SLOW, || std::thread::spawn(|| ()).join().expect("it does nothing"));
}
