//! The load: starts, cancels and takes at random, against a plain model.
//!
//! The model is what lives: what was started and is neither cancelled nor over. A message of anything else is
//! stale, and none may be seen. Ids are never given out twice, so nothing need be remembered of what is over.

use std::collections::HashMap;
use std::io::{PipeWriter, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use msgpump::{
    Budget, Cancelled, Connect, Descriptor, ExternalId, Family, GroupId, HostQuery, InHand, Interest, Listen, Message,
    OperationId, Owner, Payload, ProtocolQuery, Pump, ResolverConfig, ServiceQuery, Settings, StreamId, StreamSettings,
    TcpStream, Timer, WatchId, WindowId,
};

use crate::numbers::{Numbers, Rouser};
use crate::outside::{Outside, SENDERS, Work};
use crate::parcel::Parcel;
use crate::random::Random;
use crate::tally::{Kind, Tally};
use crate::zone::{HOSTS, alias_name, host_name, number_of, v4_of, v6_of};

/// No more is started while this many operations live.
const LIVE_MAX: usize = 3000;

const WINDOWS_MAX: usize = 12;
const GROUPS_MAX: usize = 6;
const LISTENERS_MAX: usize = 6;

/// Connections that nobody watches, to be watched later.
const STREAMS_MAX: usize = 40;

/// A window, or a group, is cancelled once in so many rounds.
const ROUNDS_PER_SWEEP: u64 = 60;

/// The name servers are asked in another way once in so many rounds.
const ROUNDS_PER_CONFIGURATION: u64 = 200;

/// How many posts may wait.
const QUEUE_CAPACITY: usize = 2000;

/// Under which the pump is made: nothing of this machine is read.
pub fn settings(name_servers: &[SocketAddr], timeout: Duration) -> Settings {
    let config = ResolverConfig::new(name_servers.iter().copied())
        .with_search(["search.soak.test"])
        .with_timeout(timeout)
        .with_attempts(2)
        .with_rotate(true)
        .with_lookups_in_flight_max(400)
        .with_waiting_max(2000);
    Settings::default()
        .queue_capacity(QUEUE_CAPACITY)
        .hosts_file("/nonexistent/hosts")
        .services_file("/nonexistent/services")
        .protocols_file("/nonexistent/protocols")
        .resolver(config)
        .expect("the configuration is within its limits")
}

/// What an operation is, as far as its messages must be judged.
enum What {
    Lookup { number: Option<u64> },
    Table,
    Connect,
    Timer { is_endless: bool },
    Stream { id: StreamId<u64, u64>, next: u64, length: u64 },
    External { id: ExternalId<u64>, value: u64 },
    Watch { id: WatchId<TcpStream> },
    Pipe { id: WatchId<Descriptor>, writer: PipeWriter },
    Listen { address: SocketAddr },
}

impl What {
    fn kind(&self) -> Kind {
        match self {
            What::Lookup { .. } => Kind::Lookup,
            What::Table => Kind::Table,
            What::Connect => Kind::Connect,
            What::Timer { .. } => Kind::Timer,
            What::Stream { .. } => Kind::Stream,
            What::External { .. } => Kind::External,
            What::Watch { .. } | What::Pipe { .. } => Kind::Watch,
            What::Listen { .. } => Kind::Listen,
        }
    }

    /// Whether it lives until it is cancelled.
    fn is_endless(&self) -> bool {
        matches!(self, What::Timer { is_endless: true } | What::Watch { .. } | What::Pipe { .. } | What::Listen { .. })
    }
}

struct Started {
    window: WindowId,
    group: Option<GroupId>,
    /// It will be cancelled, whatever becomes of it.
    is_doomed: bool,
    what: What,
}

pub struct Load<O> {
    pub outside: O,
    pub pump: Pump<Parcel>,
    pub tally: Tally,
    random: Random,
    rouser: Rouser,
    windows: Vec<WindowId>,
    groups: Vec<GroupId>,
    live: HashMap<OperationId, Started>,
    doomed: Vec<OperationId>,
    listeners: Vec<SocketAddr>,
    streams: Vec<TcpStream>,
    /// The latest number taken of each sender: they come in order.
    latest: [u64; SENDERS],
}

impl<O: Outside> Load<O> {
    pub fn new(mut outside: O, seed: u64) -> Load<O> {
        let (pump, rouser) = (outside.pump(), outside.rouser());
        Load {
            outside,
            pump,
            tally: Tally::default(),
            random: Random::new(seed),
            rouser,
            windows: Vec::with_capacity(WINDOWS_MAX),
            groups: Vec::with_capacity(GROUPS_MAX),
            live: HashMap::with_capacity(2 * LIVE_MAX),
            doomed: Vec::with_capacity(2 * LIVE_MAX),
            listeners: Vec::with_capacity(LISTENERS_MAX),
            streams: Vec::with_capacity(STREAMS_MAX),
            latest: [0; SENDERS],
        }
    }

    /// Some of everything.
    pub fn round(&mut self) {
        while self.windows.len() < WINDOWS_MAX / 2 || self.windows.len() < WINDOWS_MAX && self.random.once_in(9) {
            self.windows.push(self.pump.open_window());
            self.outside.announce(&self.windows);
        }
        while self.groups.len() < GROUPS_MAX {
            self.groups.push(self.pump.open_group());
        }
        let starts = if self.live.len() < LIVE_MAX { self.random.below(40) } else { 0 };
        for _ in 0..starts {
            self.start();
        }
        self.cancel_some();
        if self.random.once_in(ROUNDS_PER_SWEEP) {
            self.sweep();
        }
        if self.random.once_in(ROUNDS_PER_CONFIGURATION) {
            self.reconfigure();
        }
        self.outside.act(&self.pump, &mut self.random);
        let end = self.outside.elapsed() + self.random.time(self.outside.round_max());
        loop {
            let left = end.saturating_sub(self.outside.elapsed());
            let wait = if self.random.once_in(4) { Budget::no_wait() } else { Budget::wait(left) };
            let things = 1 + self.random.index(300);
            self.turn(wait.messages(things));
            for _ in 0..self.random.below(300) {
                if !self.take() {
                    break;
                }
            }
            self.compare();
            if self.outside.elapsed() >= end {
                break;
            }
        }
    }

    /// Has the name servers asked in another way, while lookups are under way.
    fn reconfigure(&mut self) {
        let deadline = self.random.once_in(4).then(|| self.time(200) + Duration::from_millis(10));
        let config = self.pump.resolver_config().clone();
        let config = config
            .with_rotate(!self.random.once_in(4))
            .with_edns(!self.random.once_in(4))
            .with_tcp(self.random.once_in(6))
            .with_single_request(self.random.once_in(4))
            .with_deadline(deadline);
        self.pump.set_resolver(config).expect("it is within its limits");
    }

    fn turn(&mut self, budget: Budget) {
        self.pump.turn(budget).expect("the wait works");
    }

    /// A time below so many milliseconds, or what stands for them.
    fn time(&mut self, millis: u64) -> Duration {
        self.random.time(Duration::from_millis(millis) * self.outside.scale())
    }

    fn owner(&mut self) -> (Owner, WindowId, Option<GroupId>) {
        let window = self.random.pick(&self.windows).expect("some are open");
        let group = self.random.pick(&self.groups).filter(|_| self.random.once_in(2));
        (group.map_or(window.into(), |group| window.in_group(group)), window, group)
    }

    fn start(&mut self) {
        let (owner, window, group) = self.owner();
        let (kind, started) = match self.random.below(100) {
            0..42 => (Kind::Lookup, self.start_lookup(owner)),
            42..46 => (Kind::Table, self.start_table_lookup(owner)),
            46..54 => (Kind::Connect, self.start_connect(owner)),
            54..74 => (Kind::Timer, self.start_timer(owner)),
            74..82 => (Kind::Stream, self.start_stream(owner)),
            82..91 => (Kind::External, self.start_external(owner)),
            91..99 => match self.start_watch(owner) {
                Some(started) => (Kind::Watch, started),
                None => return,
            },
            _ if self.listeners.len() < LISTENERS_MAX => (Kind::Listen, self.start_listening(owner)),
            _ => return,
        };
        let Some((id, what)) = started else {
            self.tally.row(kind).refused += 1;
            return;
        };
        self.tally.row(kind).started += 1;
        let is_doomed = what.is_endless() || self.random.once_in(2);
        if is_doomed {
            self.doomed.push(id);
        }
        let before = self.live.insert(id, Started { window, group, is_doomed, what });
        assert!(before.is_none(), "{id} was given out twice");
    }

    fn start_lookup(&mut self, owner: Owner) -> Option<(OperationId, What)> {
        let number = self.random.below(HOSTS);
        let (query, number) = match self.random.below(16) {
            0 => (HostQuery::by_name(format!("nobody{number}.soak.test")), None),
            1 => (HostQuery::by_name(format!("short{number}")), None),
            2 => (HostQuery::by_address(IpAddr::from(v4_of(number))), None),
            3 => (HostQuery::by_name("localhost"), None),
            4 => (HostQuery::by_name("192.0.2.1"), None),
            5..9 => (HostQuery::by_name(alias_name(number)), Some(number)),
            _ => (HostQuery::by_name(host_name(number)), Some(number)),
        };
        let family = self.random.pick(&[Family::Any, Family::Any, Family::V4, Family::V6]).expect("there are some");
        let query = query.family(family);
        let query = if self.random.once_in(3) { query.streamed() } else { query };
        self.pump.lookup_host(owner, query).ok().map(|id| (id, What::Lookup { number }))
    }

    fn start_table_lookup(&mut self, owner: Owner) -> Option<(OperationId, What)> {
        let id = match self.random.below(4) {
            0 => self.pump.lookup_service(owner, ServiceQuery::by_name("https")).ok(),
            1 => self.pump.lookup_service(owner, ServiceQuery::by_port(53)).ok(),
            2 => self.pump.lookup_protocol(owner, ProtocolQuery::by_name("udp")).ok(),
            _ => self.pump.lookup_protocol(owner, ProtocolQuery::by_number(6)).ok(),
        };
        id.map(|id| (id, What::Table))
    }

    fn start_connect(&mut self, owner: Owner) -> Option<(OperationId, What)> {
        let peers = self.outside.peers();
        let peer = peers[self.random.index(peers.len())];
        let own = self.random.pick(&self.listeners).filter(|_| self.random.once_in(3));
        let connect = match self.random.below(12) {
            0 => Connect::to(format!("{}:{}", host_name(self.random.below(HOSTS)), peer.port())),
            1 => Connect::to("localhost:1"),
            _ => Connect::from(own.unwrap_or(peer)),
        };
        let connect = connect.deadline(self.time(500) + Duration::from_millis(5));
        self.pump.connect(owner, connect).ok().map(|id| (id, What::Connect))
    }

    fn start_timer(&mut self, owner: Owner) -> Option<(OperationId, What)> {
        let timer = Timer::once(self.time(80));
        let is_endless = self.random.once_in(4);
        let timer = match is_endless {
            true => timer.then_every(self.time(30) + Duration::from_micros(500) * self.outside.scale()),
            false => timer,
        };
        let timer = if self.random.once_in(4) { timer.counting_suspend() } else { timer };
        self.pump.set_timer(owner, timer).ok().map(|id| (id, What::Timer { is_endless }))
    }

    fn start_stream(&mut self, owner: Owner) -> Option<(OperationId, What)> {
        let length = self.random.below(400);
        let pause = self.time(5);
        let numbers = Numbers::new(length, pause, Random::new(self.random.next()), self.rouser.clone());
        let settings = StreamSettings::default().batch(1 + self.random.index(64)).credit(1 + self.random.index(4));
        let id = self.pump.start_stream(owner, numbers, settings).ok()?;
        Some((id.id(), What::Stream { id, next: 0, length }))
    }

    fn start_external(&mut self, owner: Owner) -> Option<(OperationId, What)> {
        let (id, completer) = self.pump.start_external::<u64>(owner).ok()?;
        let value = self.random.next();
        let work = if self.random.once_in(20) { Work::Abandon(completer) } else { Work::Complete(completer, value) };
        self.outside.hand_over(work);
        Some((id.id(), What::External { id, value }))
    }

    /// `None` where there is nothing to watch.
    fn start_watch(&mut self, owner: Owner) -> Option<Option<(OperationId, What)>> {
        let interest = match self.random.below(4) {
            0 => Interest::READABLE | Interest::WRITABLE,
            _ => Interest::READABLE,
        };
        if self.random.once_in(2)
            && let Some((reader, mut writer)) = self.outside.pipe()
        {
            if self.random.once_in(2) {
                writer.write_all(b"x").expect("a pipe has room for a byte");
            }
            let watched = self.pump.watch_descriptor(owner, &reader, Interest::READABLE).ok();
            return Some(watched.map(|id| (id.id(), What::Pipe { id, writer })));
        }
        let stream = self.streams.pop()?;
        Some(self.pump.watch(owner, stream, interest).ok().map(|id| (id.id(), What::Watch { id })))
    }

    fn start_listening(&mut self, owner: Owner) -> Option<(OperationId, What)> {
        let on = self.outside.listening_address();
        let id = self.pump.listen(owner, Listen::on(on).undelivered(1 + self.random.index(8))).ok()?;
        let address = self.pump.listening_address(id).expect("it listens");
        self.listeners.push(address);
        Some((id, What::Listen { address }))
    }

    /// Cancels doomed operations, about as many as there come to be in a round.
    fn cancel_some(&mut self) {
        for _ in 0..self.random.below(28) {
            if self.doomed.is_empty() {
                return;
            }
            let index = self.random.index(self.doomed.len());
            let id = self.doomed[index];
            if self.live.contains_key(&id) {
                if self.random.once_in(20) {
                    let timer = Timer::once(self.time(40));
                    self.retime(id, timer);
                }
                if !self.random.once_in(8) {
                    self.cancel(id);
                }
            } else {
                // Cancelled on another way: to do it again is harmless.
                self.doomed.swap_remove(index);
                assert_eq!(self.pump.cancel(id), Cancelled::Over, "{id} is over");
            }
        }
    }

    /// Gives a timer another time.
    fn retime(&mut self, id: OperationId, timer: Timer) {
        if let What::Timer { is_endless } = &mut self.live.get_mut(&id).expect("it lives").what {
            self.pump.reset_timer(id, timer).expect("it lives");
            *is_endless = false;
        }
    }

    fn cancel(&mut self, id: OperationId) {
        let started = self.live.remove(&id).expect("only what lives is cancelled");
        let before = Instant::now();
        let cancelled = self.pump.cancel(id);
        self.tally.longest_cancel_us = self.tally.longest_cancel_us.max(before.elapsed().as_micros());
        let row = self.tally.row(started.what.kind());
        match cancelled {
            Cancelled::Pending => row.cancelled_pending += 1,
            Cancelled::Queued(1..) => row.cancelled_queued += 1,
            other => panic!("{id} lived, and its cancel said: {other}"),
        }
        assert!(!self.pump.is_live(id));
        self.forget(&started);
    }

    fn forget(&mut self, started: &Started) {
        if let What::Listen { address } = started.what {
            self.listeners.retain(|other| *other != address);
        }
    }

    /// Cancels all of one group or one window.
    fn sweep(&mut self) {
        let window = self.random.pick(&self.windows).expect("some are open");
        let group = self.random.pick(&self.groups).expect("some are open");
        let (swept, ended) = match self.random.below(4) {
            0 => {
                self.windows.retain(|open| *open != window);
                self.outside.announce(&self.windows);
                let swept = self.pump.destroy_window(window).expect("it is open");
                (swept, self.end(|started| started.window == window))
            }
            1 => (self.pump.cancel_window(window), self.end(|started| started.window == window)),
            2 => {
                self.groups.retain(|open| *open != group);
                let swept = self.pump.close_group(group).expect("it is open");
                (swept, self.end(|started| started.group == Some(group)))
            }
            _ => (self.pump.cancel_group(group), self.end(|started| started.group == Some(group))),
        };
        assert_eq!(swept.operations(), ended, "a sweep reaches its own and nobody else");
    }

    /// Takes what was swept out of the model.
    fn end(&mut self, is_ended: impl Fn(&Started) -> bool) -> usize {
        let ended: Vec<_> = self.live.extract_if(|_, started| is_ended(started)).collect();
        for (_, started) in &ended {
            self.tally.row(started.what.kind()).swept += 1;
            self.forget(started);
        }
        ended.len()
    }

    /// Takes the next message, one way or another; says whether there was one.
    fn take(&mut self) -> bool {
        let Some(next) = self.pump.peek_message() else { return false };
        let Some(id) = next.operation else {
            let message = self.pump.next_message().expect("it was seen");
            self.judge(message);
            return true;
        };
        let is_last = !matches!(
            next.payload,
            Payload::HostPart(_) | Payload::Batch(_) | Payload::Ready(_) | Payload::Accepted(_)
        );
        let started = self.live.get(&id).unwrap_or_else(|| panic!("STALE: {id} is over, and {next:?} was seen"));
        let is_doomed = started.is_doomed;
        match self.random.below(8) {
            // What is doomed does not come to its own end: it is cancelled while its last message waits.
            0..6 if is_doomed && (is_last || self.random.once_in(4)) => self.cancel(id),
            6 | 7 if is_doomed => self.take_in_hand(id),
            _ if is_doomed && is_last => self.cancel(id),
            _ => {
                let message = self.pump.next_message().expect("it was seen");
                self.judge(message);
            }
        }
        true
    }

    /// Takes a message in hand, as one does who dispatches, and cancels its operation before it is handled.
    fn take_in_hand(&mut self, id: OperationId) {
        let in_hand: InHand<Parcel> = self.pump.next_in_hand(&[]).expect("it was seen");
        assert!(in_hand.get().is_some_and(|message| message.operation == Some(id)));
        let started = self.live.remove(&id).expect("it lives");
        // Its last message may be in hand, or others may come.
        let _ = self.pump.cancel(id);
        assert!(in_hand.into_message().is_none(), "STALE: a message in hand of {id}, which is cancelled");
        self.tally.row(started.what.kind()).cancelled_in_hand += 1;
        self.forget(&started);
    }

    /// A message is of something that lives, and is what comes next of it.
    fn judge(&mut self, message: Message<Parcel>) {
        let Some(id) = message.operation else {
            let Payload::Posted(parcel) = message.payload else { panic!("{message:?} is of nobody") };
            assert!(self.windows.contains(&message.window), "STALE: a post for {}, destroyed", message.window);
            let latest = &mut self.latest[parcel.sender];
            assert!(parcel.number > *latest, "posts of one thread come in order");
            *latest = parcel.number;
            self.tally.posts += 1;
            return;
        };
        let started = self.live.get_mut(&id).unwrap_or_else(|| panic!("STALE: {id} is over, and {message:?} was seen"));
        assert_eq!(message.window, started.window);
        let is_final = match (&mut started.what, message.payload) {
            (What::Timer { is_endless }, Payload::Tick(_)) => {
                self.tally.ticks += 1;
                !*is_endless
            }
            (What::Lookup { number }, Payload::HostPart(part)) => {
                number.inspect(|&number| judge_answer(number, &part.canonical_name, &part.addresses));
                false
            }
            (What::Lookup { number }, Payload::Host(result)) => {
                match result {
                    Err(_) => self.tally.failures += 1,
                    Ok(host) => {
                        self.tally.answers += 1;
                        number.inspect(|&number| judge_answer(number, &host.canonical_name, &host.addresses));
                    }
                }
                true
            }
            (What::Table, Payload::Service(result)) => {
                assert!(result.is_ok(), "it is registered");
                true
            }
            (What::Table, Payload::Protocol(result)) => {
                assert!(result.is_ok(), "it is registered");
                true
            }
            (What::External { id, value }, Payload::External(mut external)) => {
                let result = external.of(*id).expect("it is its own");
                assert!(result.is_err() || result == Ok(*value));
                true
            }
            (What::Stream { id, next, .. }, Payload::Batch(mut batch)) => {
                self.tally.batches += 1;
                for item in batch.of(*id).expect("it is its own") {
                    assert_eq!(item, *next, "items come in order");
                    *next += 1;
                }
                false
            }
            (What::Stream { id, next, length }, Payload::StreamEnd(mut end)) => {
                match end.of(*id).expect("it is its own") {
                    Ok(status) => assert_eq!((status, *next), (*length, *length), "all items come before the end"),
                    Err(panicked) => assert_eq!(panicked.message, crate::numbers::ON_PURPOSE),
                }
                true
            }
            (What::Watch { id }, Payload::Ready(_)) => {
                let id = *id;
                return self.serve_watch(id);
            }
            (What::Pipe { id, writer }, Payload::Ready(readiness)) => {
                assert!(readiness.is_readable());
                let _ = writer.write_all(b"y");
                let id = *id;
                self.pump.rearm(id, Interest::READABLE).expect("it lives");
                false
            }
            (What::Connect, Payload::Connected(result)) => {
                if let Ok(connection) = result {
                    self.keep(connection.stream);
                }
                true
            }
            (What::Listen { .. }, Payload::Accepted(accepted)) => {
                self.keep(accepted.stream);
                false
            }
            (_, payload) => panic!("{id} is no operation that has {payload:?}"),
        };
        if is_final {
            let started = self.live.remove(&id).expect("it lived");
            self.tally.row(started.what.kind()).ended += 1;
            assert!(!self.pump.is_live(id), "{id} has had its last message");
        }
    }

    /// Reads and writes, and goes on or ends.
    fn serve_watch(&mut self, id: WatchId<TcpStream>) {
        let stream = self.pump.source(id).expect("it lives");
        let is_at_end = matches!(stream.read(&mut [0; 8]), Ok(0));
        let _ = stream.write(b"ping");
        if is_at_end || self.random.once_in(4) {
            let stream = self.pump.release(id).expect("it lives");
            self.live.remove(&id.id());
            self.tally.row(Kind::Watch).ended += 1;
            if !is_at_end {
                self.keep(stream);
            }
        } else {
            self.pump.rearm(id, Interest::READABLE).expect("it lives");
        }
    }

    fn keep(&mut self, stream: TcpStream) {
        if self.streams.len() < STREAMS_MAX {
            self.streams.push(stream);
        }
    }

    fn compare(&self) {
        let metrics = self.pump.metrics();
        assert_eq!(metrics.operations, self.live.len(), "the pump holds what the model holds");
        assert_eq!(metrics.windows, self.windows.len() + 1, "the root window is always there");
    }

    /// Stops starting, cancels all that is doomed, and lets the rest come to its end. Fails if it does not in
    /// `limit`, by the clock of the run, and if anything is left.
    pub fn ebb(&mut self, limit: Duration) {
        self.outside.limit_descriptors(None);
        self.outside.announce(&[]);
        let end = self.outside.elapsed() + limit;
        while let Some(id) = self.doomed.pop() {
            if self.live.contains_key(&id) {
                self.cancel(id);
            }
        }
        let is_over = |load: &Load<O>| load.live.is_empty() && Parcel::live() == 0 && load.outside.is_quiet();
        while !is_over(self) {
            assert!(
                self.outside.elapsed() < end,
                "{} operations and {} posts are left",
                self.live.len(),
                Parcel::live()
            );
            self.outside.act(&self.pump, &mut self.random);
            self.turn(Budget::wait(Duration::from_millis(10)));
            while self.take() {}
            self.compare();
        }
        for window in self.windows.drain(..) {
            let swept = self.pump.destroy_window(window).expect("it is open");
            assert_eq!((swept.operations(), swept.messages()), (0, 0), "nothing is left in a window");
        }
        for group in self.groups.drain(..) {
            self.pump.close_group(group).expect("it is open");
        }
        self.streams.clear();
        self.turn(Budget::no_wait());
        let metrics = self.pump.metrics();
        let held = [metrics.queued, metrics.operations, metrics.timers, metrics.sockets, metrics.lookups_in_line];
        assert_eq!((held, metrics.windows), ([0; 5], 1), "an idle pump holds nothing: {metrics:?}");
        assert_eq!((Numbers::live(), self.listeners.len()), (0, 0), "no provider outlives its stream");
    }
}

/// What is said of a name is the truth.
fn judge_answer(number: u64, canonical_name: &str, addresses: &[IpAddr]) {
    assert_eq!(number_of(canonical_name), Some((number, false)), "{canonical_name}");
    for address in addresses {
        let truth = [IpAddr::from(v4_of(number)), IpAddr::from(v6_of(number))];
        assert!(truth.contains(address), "FORGED: host {number} was believed to be {address}");
    }
}
