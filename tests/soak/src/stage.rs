//! The outside on the virtual clock.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use msgpump::simulation::{Act, NameServer, Peer, Simulation};
use msgpump::{Pump, WindowId};

use crate::load::settings;
use crate::numbers::Rouser;
use crate::outside::{Outside, SENDERS, Work};
use crate::parcel::Parcel;
use crate::random::Random;
use crate::zone::{HOSTS, alias_name, host_name, v4_of, v6_of};

/// How long a name server has to answer.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);

const ROUND_MAX: Duration = Duration::from_secs(1);

/// Milliseconds of the loopback interface are tenths of a second here.
const SCALE: u32 = 100;

/// A round of many has another script for a name server.
const ROUNDS_PER_SCRIPT: u64 = 50;

pub struct Stage {
    simulation: Simulation,
    name_servers: [SocketAddr; 3],
    peers: Vec<SocketAddr>,
    listeners: u16,
    handed_over: u32,
    windows: Vec<WindowId>,
    pending: Pending,
    numbers: Arc<[AtomicU64; SENDERS]>,
    zone: NameServer,
}

/// What others have in hand: what they do next, and how much there is of it.
#[derive(Clone, Default)]
struct Pending {
    rousings: Arc<Mutex<VecDeque<msgpump::StreamWaker>>>,
    count: Arc<AtomicUsize>,
}

impl Stage {
    pub fn new(seed: u64) -> Stage {
        let simulation = Simulation::new(seed);
        let mut zone = NameServer::new();
        for number in 0..HOSTS {
            let (v4, v6) = (v4_of(number).to_string(), v6_of(number).to_string());
            let name = host_name(number);
            zone = zone.host(&name, [v4.as_str(), v6.as_str()]).alias(&alias_name(number), &name);
        }
        let address = |last: u8, port: u16| SocketAddr::from(([192, 0, 2, last], port));
        let name_servers = [address(53, 53), address(54, 53), address(55, 53)];
        // The third one's port is closed: nobody is there.
        for server in &name_servers[..2] {
            simulation.name_server(*server, zone.clone());
        }
        let ms = Duration::from_millis;
        let peers = [
            Peer::new().latency(ms(5)).sends("hello").closes(),
            Peer::new().latency(ms(80)).echoes(),
            Peer::new().sends("wait"),
            Peer::new().sends("a").waits(ms(900)).sends("b").resets(),
            Peer::new().closes(),
            Peer::new().is_silent(),
            Peer::new().refuses(),
        ];
        let peers = peers.into_iter().enumerate().map(|(index, peer)| {
            let address = address(1 + index as u8, 80);
            simulation.peer(address, peer);
            address
        });
        let peers = peers.collect();
        let (listeners, handed_over, windows, pending) = (0, 0, Vec::new(), Pending::default());
        let numbers = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
        Stage { simulation, name_servers, peers, listeners, handed_over, windows, pending, numbers, zone }
    }

    /// Does `action` after `delay`, as another thread.
    fn after(&self, delay: Duration, action: impl FnOnce() + Send + 'static) {
        let count = self.pending.count.clone();
        count.fetch_add(1, SeqCst);
        self.simulation.after(delay, move || {
            action();
            count.fetch_sub(1, SeqCst);
        });
    }

    fn misbehave(&self, random: &mut Random) {
        let mut server = self.zone.clone().latency(Duration::from_millis(1 + random.below(300)));
        server = server.loss(random.below(30) as u8);
        for _ in 0..random.below(40) {
            let act = match random.below(16) {
                0 => Act::Drop,
                1 => Act::Delay(Duration::from_millis(random.below(5000))),
                2 => Act::Duplicate,
                3 => Act::WrongId,
                4 => Act::WrongSource,
                5 => Act::WrongQuestion,
                6 | 7 => Act::Truncate,
                8 => Act::Code(random.pick(&[1, 2, 5, 9]).expect("there are some")),
                9 => Act::RefuseEdns,
                10 => Act::Garble,
                11 => Act::Split,
                12 => Act::Refuse,
                13 => Act::Reset,
                _ => Act::Answer,
            };
            server = server.then(act);
        }
        let address = self.name_servers[random.index(2)];
        self.simulation.name_server(address, server);
    }
}

impl Outside for Stage {
    fn pump(&mut self) -> Pump<Parcel> {
        self.simulation.pump(settings(&self.name_servers, SERVER_TIMEOUT))
    }

    fn peers(&self) -> &[SocketAddr] {
        &self.peers
    }

    fn listening_address(&mut self) -> SocketAddr {
        self.listeners = self.listeners % 60_000 + 1;
        ([192, 0, 2, 100], self.listeners).into()
    }

    fn pipe(&mut self) -> Option<(std::io::PipeReader, std::io::PipeWriter)> {
        None
    }

    fn hand_over(&mut self, work: Work) {
        self.handed_over += 1;
        let delay = ROUND_MAX * 4 * (self.handed_over % 101) / 101;
        self.after(delay, move || work.perform());
    }

    fn rouser(&self) -> Rouser {
        // A provider is asked under the pump's own feet: what is to be done is noted, and done in the next round.
        let pending = self.pending.clone();
        Arc::new(move |waker| {
            pending.count.fetch_add(1, SeqCst);
            pending.rousings.lock().unwrap_or_else(PoisonError::into_inner).push_back(waker);
        })
    }

    fn announce(&mut self, windows: &[WindowId]) {
        self.windows.clear();
        self.windows.extend(windows);
    }

    fn act(&mut self, pump: &Pump<Parcel>, random: &mut Random) {
        let woken: Vec<_> = self.pending.rousings.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        for waker in woken {
            self.pending.count.fetch_sub(1, SeqCst);
            self.after(Duration::from_millis(random.below(1000)), move || waker.wake());
        }
        self.simulation.forget_log();
        if random.once_in(ROUNDS_PER_SCRIPT) {
            self.misbehave(random);
        }
        if random.once_in(500) {
            self.simulation.suspend(Duration::from_secs(random.below(600)));
        }
        for sender in 0..SENDERS {
            for _ in 0..random.below(6) {
                let Some(window) = random.pick(&self.windows) else { return };
                let (poster, numbers) = (pump.poster(), self.numbers.clone());
                self.after(Duration::from_millis(random.below(1000)), move || {
                    let number = numbers[sender].fetch_add(1, SeqCst) + 1;
                    let _ = poster.post(window, Parcel::new(sender, number));
                });
            }
        }
    }

    fn is_quiet(&self) -> bool {
        self.pending.count.load(SeqCst) == 0
    }

    fn limit_descriptors(&mut self, spare: Option<usize>) {
        let limit = spare.map_or(usize::MAX, |spare| self.simulation.open_sockets() + spare);
        self.simulation.limit_descriptors(limit);
    }

    fn descriptors(&self) -> Option<usize> {
        Some(self.simulation.open_sockets())
    }

    fn elapsed(&self) -> Duration {
        self.simulation.elapsed()
    }

    fn round_max(&self) -> Duration {
        ROUND_MAX
    }

    fn scale(&self) -> u32 {
        SCALE
    }
}
