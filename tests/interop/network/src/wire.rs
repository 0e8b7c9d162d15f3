//! A wire between the two networks that is this process: it loses, delays, reorders and doubles packets.

use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::far::Far;
use crate::stage::{Stage, ip};
use crate::tunnel;

pub const FAR_V4: Ipv4Addr = Ipv4Addr::new(10, 10, 0, 2);
pub const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x10, 0, 0, 0, 0, 2);

/// What the wire does to packets, in each direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// How many of a hundred are lost.
    pub lost: u64,
    /// How many of a hundred come twice.
    pub doubled: u64,
    /// How long each takes at least.
    pub delay: Duration,
    /// Up to how much longer: with it, packets overtake each other.
    pub jitter: Duration,
}

/// What became of packets so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub passed: u64,
    pub lost: u64,
    pub doubled: u64,
    /// Those that left after one that had come later.
    pub overtaken: u64,
}

/// The wire.
pub struct Wire {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    weather: Weather,
    counts: Counts,
    random: u64,
    arrived: u64,
    /// Per direction: the packets on the way, and the number of the latest that has left.
    on_the_way: [BinaryHeap<Packet>; 2],
    latest: [u64; 2],
}

/// A packet on the way; the greatest is the one that leaves first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    leaves: std::cmp::Reverse<(Instant, u64)>,
    bytes: Vec<u8>,
}

impl Wire {
    /// Puts the wire up; `None` where the system hands no packets to programs.
    pub fn between_here_and(far: &Far) -> Option<Wire> {
        let (near_end, far_end) = (tunnel::open("wire").ok()?, tunnel::open("farwire").ok()?);
        ip(&format!("link set farwire netns {}", far.id()));
        let shared = Arc::new(Shared::default());
        shared.lock().random = 1;
        let ends = [(near_end.try_clone(), far_end.try_clone()), (Ok(far_end), Ok(near_end))];
        for (direction, (from, to)) in ends.into_iter().enumerate() {
            let (from, to) = (from.expect("descriptors are left"), to.expect("descriptors are left"));
            let (reading, writing) = (shared.clone(), shared.clone());
            thread::spawn(move || take_in(from, direction, &reading));
            thread::spawn(move || pass_on(to, direction, &writing));
        }
        Some(Wire { shared })
    }

    /// Gives both ends their addresses.
    pub fn put_up(&self, stage: &Stage) {
        ip("link set wire up");
        ip("address replace 10.10.0.1/24 dev wire");
        ip("address replace 2001:db8:10::1/64 dev wire nodad");
        stage.far_ip("link set farwire up");
        stage.far_ip("address replace 10.10.0.2/24 dev farwire");
        stage.far_ip("address replace 2001:db8:10::2/64 dev farwire nodad");
    }

    /// Changes the weather, and counts anew.
    pub fn set(&mut self, weather: Weather) {
        let mut state = self.shared.lock();
        state.weather = weather;
        state.counts = Counts::default();
    }

    pub fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// Whether no packet is on the way.
    pub fn is_empty(&self) -> bool {
        self.shared.lock().on_the_way.iter().all(BinaryHeap::is_empty)
    }

    pub fn far_server(&self) -> SocketAddr {
        (FAR_V4, 53).into()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }
}

impl State {
    /// A number below `end` (xorshift): the same in each run.
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        if end == 0 { 0 } else { self.random % end }
    }

    fn take_in(&mut self, bytes: &[u8], direction: usize) {
        if self.below(100) < self.weather.lost {
            self.counts.lost += 1;
            return;
        }
        let times = if self.below(100) < self.weather.doubled { 2 } else { 1 };
        self.counts.doubled += times - 1;
        for _ in 0..times {
            let jitter = Duration::from_micros(self.below(self.weather.jitter.as_micros() as u64));
            let leaves = Instant::now() + self.weather.delay + jitter;
            self.arrived += 1;
            let leaves = std::cmp::Reverse((leaves, self.arrived));
            self.on_the_way[direction].push(Packet { leaves, bytes: bytes.to_vec() });
        }
    }
}

fn take_in(mut from: File, direction: usize, shared: &Shared) {
    let mut buffer = [0; 65_536];
    // It ends with the device, which ends with the process.
    while let Ok(length) = from.read(&mut buffer) {
        shared.lock().take_in(&buffer[..length], direction);
        shared.changed.notify_all();
    }
}

fn pass_on(mut to: File, direction: usize, shared: &Shared) {
    let mut state = shared.lock();
    loop {
        let now = Instant::now();
        let next = state.on_the_way[direction].peek().map(|packet| packet.leaves.0);
        state = match next {
            None => shared.changed.wait(state).expect("nobody panics with it"),
            Some((leaves, _)) if leaves > now => {
                shared.changed.wait_timeout(state, leaves - now).expect("nobody panics with it").0
            }
            Some((_, number)) => {
                let packet = state.on_the_way[direction].pop().expect("it was there");
                // An end that is down takes nothing: the packet is lost.
                _ = to.write(&packet.bytes);
                state.counts.passed += 1;
                state.counts.overtaken += u64::from(number < state.latest[direction]);
                state.latest[direction] = state.latest[direction].max(number);
                state
            }
        };
    }
}
