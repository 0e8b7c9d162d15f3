//! Every kind of operation at once, under random schedules, against a plain model.
//!
//! Timers, lookups, external operations, streams, watched sources, connects and listening sockets are started,
//! completed from elsewhere, cancelled one by one, by group and by window, while turns are made and messages
//! taken, on the virtual clock. The model is a list: what was started, what of it has been seen, what is over.

use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use msgpump::simulation::{NameServer, Peer, Simulation};
use msgpump::{
    Budget, Cancelled, Completer, Connect, ExternalId, Family, GroupId, HostQuery, Interest, Listen, Message,
    OperationId, Owner, Payload, Provider, Pump, ResolverConfig, Rest, Settings, Slice, Step, StreamId, StreamSettings,
    TcpStream, Timer, WatchId, WindowId,
};

use crate::Random;

const SEEDS: u64 = 300;
const STEPS: usize = 250;
const CAPACITY: usize = 20;
const NAME_SERVER: ([u8; 4], u16) = ([192, 0, 2, 53], 53);

/// What an operation is, as far as its messages must be judged.
enum Kind {
    Timer { ticks: u64 },
    Lookup,
    External(ExternalId<u64>, u64),
    Stream { id: StreamId<u64, u64>, next: u64, length: u64 },
    Watch { id: WatchId<TcpStream>, is_armed: bool },
    Connect,
    Listen,
}

struct Started {
    window: WindowId,
    group: Option<GroupId>,
    kind: Kind,
}

/// Numbers from zero on, a few at a time, sometimes none, sometimes after a pause.
struct Numbers {
    next: u64,
    length: u64,
    random: Random,
}

impl Provider for Numbers {
    type Item = u64;
    type Status = u64;

    fn step(&mut self, slice: &mut Slice<'_, u64>) -> Step<u64> {
        for _ in 0..self.random.below(12) {
            if self.next == self.length {
                return Step::End(self.length);
            }
            if slice.push(self.next).is_err() {
                return Step::More;
            }
            self.next += 1;
        }
        if self.random.below(4) == 0 { Step::At(slice.now() + Duration::from_millis(3)) } else { Step::More }
    }
}

struct Run {
    simulation: Simulation,
    pump: Pump<u32>,
    random: Random,
    windows: Vec<WindowId>,
    groups: Vec<GroupId>,
    /// What lives, by the model.
    live: HashMap<OperationId, Started>,
    /// What is over or cancelled: nothing of it may ever be seen.
    over: Vec<OperationId>,
    completers: Vec<(Completer<u64>, u64)>,
    streams: Vec<TcpStream>,
    posted: HashMap<WindowId, Vec<u32>>,
    posts: u32,
    /// The latest post taken of those made by the pump, and of those made by a poster.
    latest: [u32; 2],
}

fn address(last: usize, port: u16) -> SocketAddr {
    ([192, 0, 2, last as u8], port).into()
}

impl Run {
    fn new(seed: u64) -> Run {
        let simulation = Simulation::new(seed);
        let server = NameServer::new().host("www.example.org", ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
        simulation.name_server(NAME_SERVER.into(), server.silent((seed % 3) as usize));
        simulation.peer(address(1, 80), Peer::new().latency(Duration::from_millis(5)).sends("hello").closes());
        simulation.peer(address(2, 80), Peer::new().is_silent());
        simulation.peer(address(3, 80), Peer::new().sends("a").waits(Duration::from_millis(9)).sends("b").resets());
        simulation.peer(address(4, 80), Peer::new().refuses());
        let settings = Settings::default().queue_capacity(CAPACITY);
        let settings = settings.resolver(ResolverConfig::new([NAME_SERVER])).expect("it is within its limits");
        let pump = simulation.pump(settings);
        Run {
            simulation,
            pump,
            random: Random::new(seed),
            windows: Vec::new(),
            groups: Vec::new(),
            live: HashMap::new(),
            over: Vec::new(),
            completers: Vec::new(),
            streams: Vec::new(),
            posted: HashMap::new(),
            posts: 0,
            latest: [0; 2],
        }
    }

    fn owner(&mut self) -> (Owner, WindowId, Option<GroupId>) {
        if self.windows.is_empty() {
            self.windows.push(self.pump.open_window());
        }
        let window = self.random.pick(&self.windows).expect("one is open");
        let group = self.random.pick(&self.groups).filter(|_| self.random.below(2) == 0);
        (group.map_or(window.into(), |group| window.in_group(group)), window, group)
    }

    fn start(&mut self) {
        let (owner, window, group) = self.owner();
        let Run { pump, random, .. } = self;
        let (id, kind): (OperationId, Kind) = match random.below(9) {
            0 => {
                let delay = Duration::from_millis(random.below(30) as u64);
                let repeats = random.below(2) == 0;
                let timer = Timer::once(delay);
                let timer =
                    if repeats { timer.then_every(Duration::from_millis(1 + random.below(9) as u64)) } else { timer };
                let ticks = if repeats { u64::MAX } else { 1 };
                (pump.set_timer(owner, timer).expect("it is open"), Kind::Timer { ticks })
            }
            1 => {
                let query = HostQuery::by_name("www.example.org").family(Family::Any);
                let query = if random.below(2) == 0 { query.streamed() } else { query };
                (pump.lookup_host(owner, query).expect("it is open"), Kind::Lookup)
            }
            2 | 3 => {
                let (id, completer) = pump.start_external::<u64>(owner).expect("it is open");
                let value = random.below(1 << 30) as u64;
                self.completers.push((completer, value));
                (id.id(), Kind::External(id, value))
            }
            4 | 5 => {
                let length = random.below(40) as u64;
                let provider = Numbers { next: 0, length, random: Random::new(random.below(1 << 30) as u64) };
                let settings = StreamSettings::default().batch(7).credit(2);
                let id = pump.start_stream(owner, provider, settings).expect("it is open");
                (id.id(), Kind::Stream { id, next: 0, length })
            }
            6 => {
                let connect = match random.below(5) {
                    4 => Connect::to("www.example.org:80"),
                    last => Connect::from(address(last + 1, 80)),
                };
                let connect = connect.deadline(Duration::from_millis(1 + random.below(3000) as u64));
                (pump.connect(owner, connect).expect("it is open"), Kind::Connect)
            }
            7 => {
                let Some(stream) = self.streams.pop() else { return };
                let id = pump.watch(owner, stream, Interest::READABLE).expect("it is open");
                (id.id(), Kind::Watch { id, is_armed: true })
            }
            _ => {
                let own = address(100, 1 + random.below(3) as u16);
                let Ok(id) = pump.listen(owner, Listen::on(own).undelivered(2)) else { return };
                for _ in 0..random.below(4) {
                    self.simulation.dial(own, Peer::new().sends("dialled").closes());
                }
                (id, Kind::Listen)
            }
        };
        assert!(self.live.insert(id, Started { window, group, kind }).is_none() && !self.over.contains(&id), "p05");
    }

    fn end(&mut self, is_ended: impl Fn(&OperationId, &Started) -> bool) -> usize {
        let ended: Vec<_> = self.live.iter().filter(|(id, started)| is_ended(id, started)).map(|(id, _)| *id).collect();
        for id in &ended {
            self.live.remove(id);
            self.over.push(*id);
        }
        ended.len()
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..6 => self.start(),
            6 if self.windows.len() < 4 => self.windows.push(self.pump.open_window()),
            7 if self.groups.len() < 3 => self.groups.push(self.pump.open_group()),
            8 if !self.completers.is_empty() => {
                let index = self.random.below(self.completers.len());
                let (completer, value) = self.completers.swap_remove(index);
                if self.random.below(2) == 0 {
                    let _ = completer.complete(value);
                } else {
                    let delay = Duration::from_millis(self.random.below(20) as u64);
                    self.simulation.after(delay, move || _ = completer.complete(value));
                }
            }
            9 | 10 => self.cancel(),
            11 => self.sweep(),
            12 => {
                let (_, window, _) = self.owner();
                // Even ones are posted by the pump, odd ones by a poster.
                self.posts += 1 + self.random.below(2) as u32;
                let number = self.posts;
                let is_posted = match number % 2 {
                    0 => self.pump.post(window, number).is_ok(),
                    _ => self.pump.poster().post(window, number).is_ok(),
                };
                if is_posted {
                    self.posted.entry(window).or_default().push(number);
                }
            }
            13..16 => {
                let wait = Duration::from_millis(self.random.below(6) as u64);
                let budget = Budget::wait(wait).messages(1 + self.random.below(8));
                let _ = self.pump.turn(budget).expect("the stage's wait works");
            }
            _ => {
                for _ in 0..self.random.below(6) {
                    let Some(message) = self.pump.next_message() else { break };
                    self.judge(message);
                }
            }
        }
        self.compare();
    }

    fn cancel(&mut self) {
        let mut ids: Vec<_> = self.live.keys().copied().collect();
        ids.sort();
        match self.random.pick(&ids).filter(|_| self.random.below(4) > 0) {
            Some(id) => {
                let cancelled = self.pump.cancel(id);
                assert!(matches!(cancelled, Cancelled::Pending | Cancelled::Queued(1..)), "p06: {id} {cancelled}");
                self.end(|other, _| *other == id);
            }
            None => {
                if let Some(id) = self.random.pick(&self.over) {
                    assert_eq!(self.pump.cancel(id), Cancelled::Over, "p06");
                }
            }
        }
    }

    fn sweep(&mut self) {
        match self.random.below(3) {
            0 => {
                let Some(window) = self.random.pick(&self.windows) else { return };
                let swept = self.pump.destroy_window(window).expect("it is open");
                self.windows.retain(|open| *open != window);
                self.posted.remove(&window);
                assert_eq!(swept.operations(), self.end(|_, started| started.window == window), "p07");
            }
            1 => {
                let Some(group) = self.random.pick(&self.groups) else { return };
                let swept = self.pump.cancel_group(group);
                assert_eq!(swept.operations(), self.end(|_, started| started.group == Some(group)), "p07");
            }
            _ => {
                let Some(window) = self.random.pick(&self.windows) else { return };
                let swept = self.pump.cancel_window(window);
                assert_eq!(swept.operations(), self.end(|_, started| started.window == window), "p07");
            }
        }
    }

    /// A message is of something that lives, is what comes next of it, and ends it exactly once.
    fn judge(&mut self, message: Message<u32>) {
        let Some(id) = message.operation else {
            let Payload::Posted(number) = message.payload else { panic!("{message:?}") };
            let posted = self.posted.get_mut(&message.window).expect("p01: its window lives");
            assert!(posted.contains(&number), "p02: it comes once");
            posted.retain(|other| *other != number);
            let latest = &mut self.latest[number as usize % 2];
            assert!(number > *latest, "p08: across windows in the order in which they were posted");
            *latest = number;
            return;
        };
        let started = self.live.get_mut(&id);
        let started = started.unwrap_or_else(|| panic!("p01: of what is over: {id} {:?}", message.payload));
        assert_eq!(message.window, started.window);
        let is_final = match (&mut started.kind, message.payload) {
            (Kind::Timer { ticks }, Payload::Tick(tick)) => tick.count == *ticks,
            (Kind::Lookup, Payload::HostPart(_)) => false,
            (Kind::Lookup, Payload::Host(_)) => true,
            (Kind::External(id, value), Payload::External(mut external)) => {
                let result = external.of(*id).expect("it is its own");
                assert!(result.is_err() || result == Ok(*value));
                true
            }
            (Kind::Stream { id, next, .. }, Payload::Batch(mut batch)) => {
                for item in batch.of(*id).expect("it is its own") {
                    assert_eq!(item, *next, "p02: in order");
                    *next += 1;
                }
                false
            }
            (Kind::Stream { id, next, length }, Payload::StreamEnd(mut end)) => {
                assert_eq!(end.of(*id), Some(Ok(*length)));
                assert_eq!(next, length, "p02: all items come before the end");
                true
            }
            (Kind::Watch { id, is_armed }, Payload::Ready(_)) => {
                assert!(std::mem::replace(is_armed, false), "one message until it is armed again");
                let id = *id;
                let end = self.pump.source(id).expect("it lives").read(&mut [0; 2]);
                if matches!(end, Ok(0)) || self.random.below(3) == 0 {
                    self.streams.extend(self.pump.release(id));
                    true
                } else {
                    self.pump.rearm(id, Interest::READABLE).expect("it lives");
                    *is_armed = true;
                    false
                }
            }
            (Kind::Connect, Payload::Connected(result)) => {
                self.streams.extend(result.ok().map(|connection| connection.stream));
                true
            }
            (Kind::Listen, Payload::Accepted(accepted)) => {
                self.streams.push(accepted.stream);
                false
            }
            (_, payload) => panic!("another kind's message: {payload:?}"),
        };
        if is_final {
            self.live.remove(&id);
            self.over.push(id);
        }
    }

    fn compare(&mut self) {
        let metrics = self.pump.metrics();
        assert_eq!(metrics.operations, self.live.len(), "the pump holds what the model holds");
        assert!(self.live.keys().all(|&id| self.pump.is_live(id)));
        assert!(self.over.iter().all(|&id| !self.pump.is_live(id)), "p05");
        let waiting: usize = self.posted.values().map(Vec::len).sum();
        assert!(waiting <= 2 * CAPACITY, "p11: {waiting} posts wait");
        let of_live = |message: &Message<u32>| message.operation.is_none_or(|id| self.live.contains_key(&id));
        assert!(self.pump.peek_message().is_none_or(of_live), "p01");
    }

    /// Cancels what has no end of its own.
    fn cancel_endless(&mut self) {
        let is_endless = |started: &Started| {
            matches!(started.kind, Kind::Timer { ticks: u64::MAX } | Kind::Watch { .. } | Kind::Listen)
        };
        for (&id, _) in self.live.iter().filter(|(_, started)| is_endless(started)) {
            self.pump.cancel(id);
        }
        self.end(|_, started| is_endless(started));
    }

    /// Lets everything end that ends by itself.
    fn finish(mut self) {
        for (completer, _) in self.completers.drain(..) {
            drop(completer);
        }
        self.cancel_endless();
        // Longer than any deadline and any timeout.
        for _ in 0..2000 {
            let _ = self.pump.turn(Budget::wait(Duration::from_millis(50))).expect("the stage's wait works");
            while let Some(message) = self.pump.next_message() {
                self.judge(message);
            }
            self.compare();
            if self.live.is_empty() {
                break;
            }
        }
        assert_eq!(self.live.len(), 0, "p02, p03: what ends by itself has ended");
        assert_eq!(self.pump.metrics().operations, 0);
        assert!(self.posted.values().all(Vec::is_empty), "p03: what was posted has come");
        assert_eq!(self.pump.rest(), Rest::Forever, "p09");
        let (simulation, pump) = (self.simulation, self.pump);
        drop(self.streams);
        drop(pump);
        assert_eq!(simulation.open_sockets(), 0, "p12");
    }
}

#[test]
fn the_promises_hold_for_every_kind_of_operation_under_random_schedules() {
    for seed in 0..SEEDS {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        run.finish();
    }
}
