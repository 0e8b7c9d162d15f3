//! A program that uses every verb of a pump, and a plain model of what it may see.
//!
//! Timers, lookups, external operations, streams, watched sources, connects and listening sockets are started,
//! completed from elsewhere, reset, cancelled one by one, by group and by window; messages are posted, purged,
//! looked at, waited for and taken, all of them or some, also in hand, while turns are made on the virtual clock.
//! What happens next is somebody else's choice: a seed's, or a fuzzer's. The model is a list: what was
//! started, what of it has been seen, what is over.

use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use msgpump::simulation::{NameServer, Peer, Simulation};
use msgpump::{
    Budget, Cancelled, Completer, Connect, ExternalId, Family, Filter, GroupId, HostQuery, InHand, Interest,
    Kind as MessageKind, Listen, Message, Metrics, OperationId, Owner, Payload, Poster, ProtocolQuery, Provider, Pump,
    ResolverConfig, Rest, ServiceQuery, Settings, Slice, Step, StreamId, StreamSettings, Swept, TcpStream, Timer,
    WatchId, WindowId,
};

use super::random::{Choose, Random};

const CAPACITY: usize = 20;
const NAME_SERVER: ([u8; 4], u16) = ([192, 0, 2, 53], 53);

/// The longest that anything takes which ends by itself.
const END_MAX: Duration = Duration::from_secs(100);

/// What an operation is, as far as its messages must be judged.
enum Kind {
    /// `first` is when it may tick for the first time; nothing is known of one that counts the suspend.
    Timer {
        first: Option<Instant>,
        interval: Option<Duration>,
        count: u64,
    },
    Host,
    Service,
    Protocol,
    External(ExternalId<u64>, u64),
    /// `next` is lost sight of when a batch is silenced in hand.
    Stream {
        id: StreamId<u64, u64>,
        next: Option<u64>,
        length: u64,
    },
    Watch {
        id: WatchId<TcpStream>,
        is_armed: bool,
    },
    Connect,
    Listen(SocketAddr),
}

struct Started {
    window: WindowId,
    group: Option<GroupId>,
    kind: Kind,
    /// Its final message was taken. Through a filter, that may have been before others of it.
    has_ended: bool,
}

/// Numbers from zero on, a few at a time, sometimes none, sometimes after a pause or a wake.
struct Numbers {
    next: u64,
    length: u64,
    random: Random,
    simulation: Simulation,
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
        match self.random.below(5) {
            0 => Step::At(slice.now() + Duration::from_millis(3)),
            1 => {
                let waker = slice.waker();
                self.simulation.after(Duration::from_millis(4), move || waker.wake());
                Step::Parked
            }
            _ => Step::More,
        }
    }
}

/// A message that is taken and not handled.
struct Held {
    message: InHand<u32>,
    window: WindowId,
    group: Option<GroupId>,
    operation: Option<OperationId>,
    kind: MessageKind,
    is_silenced: bool,
}

/// The program and its model.
pub(crate) struct Run<C> {
    simulation: Simulation,
    pump: Pump<u32>,
    choices: C,
    windows: Vec<WindowId>,
    groups: Vec<GroupId>,
    /// What lives, by the model.
    live: HashMap<OperationId, Started>,
    /// What is over or cancelled: nothing of it may ever be seen.
    over: Vec<OperationId>,
    held: Vec<Held>,
    completers: Vec<(Completer<u64>, u64)>,
    streams: Vec<TcpStream>,
    poster: Poster<u32>,
    /// What is posted and not taken: even numbers by the pump, odd ones by the poster.
    posted: Vec<(WindowId, u32)>,
    posts: u32,
    quit: Option<i32>,
    is_quit_told: bool,
    /// How many messages were in the queue when quit was asked for; once it is told, how many of them may still come.
    before_quit: usize,
    silenced: u64,
    taken: u64,
}

fn address(last: usize, port: u16) -> SocketAddr {
    ([192, 0, 2, last as u8], port).into()
}

/// The operation that a message belongs to, its window and its kind.
fn identity(message: &Message<u32>) -> (WindowId, Option<OperationId>, MessageKind) {
    (message.window, message.operation, message.payload.kind())
}

impl<C: Choose> Run<C> {
    pub(crate) fn new(seed: u64, choices: C) -> Run<C> {
        let simulation = Simulation::new(seed);
        let server = NameServer::new().host("www.example.org", ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
        simulation.name_server(NAME_SERVER.into(), server.silent((seed % 3) as usize));
        simulation.write_file("/etc/services", "telnet 23/tcp\n");
        simulation.write_file("/etc/protocols", "tcp 6 TCP\n");
        simulation.peer(address(1, 80), Peer::new().latency(Duration::from_millis(5)).sends("hello").closes());
        simulation.peer(address(2, 80), Peer::new().is_silent());
        simulation.peer(address(3, 80), Peer::new().sends("a").waits(Duration::from_millis(9)).sends("b").resets());
        simulation.peer(address(4, 80), Peer::new().refuses());
        let settings = Settings::default().queue_capacity(CAPACITY);
        let settings = settings.resolver(ResolverConfig::new([NAME_SERVER])).expect("it is within its limits");
        let mut pump = simulation.pump(settings);
        assert_eq!((pump.host_name(), pump.resolver_config().servers()), (None, &[NAME_SERVER.into()][..]));
        Run {
            simulation,
            poster: pump.poster(),
            windows: vec![pump.root_window()],
            pump,
            choices,
            groups: Vec::new(),
            live: HashMap::new(),
            over: Vec::new(),
            held: Vec::new(),
            completers: Vec::new(),
            streams: Vec::new(),
            posted: Vec::new(),
            posts: 0,
            quit: None,
            is_quit_told: false,
            before_quit: 0,
            silenced: 0,
            taken: 0,
        }
    }

    fn window(&mut self) -> WindowId {
        self.choices.pick(&self.windows).expect("the root window stays")
    }

    fn millis(&mut self, limit: usize) -> Duration {
        Duration::from_millis(self.choices.below(limit) as u64)
    }

    /// One of what lives, in an order that depends on nothing but what was started.
    fn living(&mut self, is_meant: impl Fn(&Started) -> bool) -> Option<OperationId> {
        let mut ids: Vec<_> = self.live.iter().filter(|(_, started)| is_meant(started)).map(|(id, _)| *id).collect();
        ids.sort();
        self.choices.pick(&ids)
    }

    fn owner(&mut self) -> (Owner, WindowId, Option<GroupId>) {
        let window = self.window();
        let group = self.choices.pick(&self.groups).filter(|_| self.choices.below(2) == 0);
        (group.map_or(window.into(), |group| window.in_group(group)), window, group)
    }

    fn timer(&mut self) -> (Timer, Kind) {
        let delay = self.millis(30);
        let interval = (self.choices.below(2) == 0).then(|| self.millis(9) + Duration::from_millis(1));
        let now = self.pump.clock();
        assert_eq!(now, self.simulation.now());
        let timer = if self.choices.below(4) == 0 { Timer::at(now + delay) } else { Timer::once(delay) };
        let timer = interval.map_or(timer, |interval| timer.then_every(interval));
        let counts_suspend = self.choices.below(4) == 0;
        let timer = if counts_suspend { timer.counting_suspend() } else { timer };
        (timer, Kind::Timer { first: (!counts_suspend).then_some(now + delay), interval, count: 0 })
    }

    fn host_query(&mut self) -> HostQuery {
        let query = match self.choices.below(4) {
            0 => HostQuery::by_address([192, 0, 2, 1]),
            1 => HostQuery::by_name("localhost"),
            _ => HostQuery::by_name("www.example.org").family(Family::Any),
        };
        if self.choices.below(2) == 0 { query.streamed() } else { query }
    }

    fn start(&mut self) {
        let (owner, window, group) = self.owner();
        let (id, kind): (OperationId, Kind) = match self.choices.below(11) {
            0 => {
                let (timer, kind) = self.timer();
                (self.pump.set_timer(owner, timer).expect("it is open"), kind)
            }
            1 => {
                let query = self.host_query();
                (self.pump.lookup_host(owner, query).expect("it is open"), Kind::Host)
            }
            2 | 3 => {
                let (id, completer) = self.pump.start_external::<u64>(owner).expect("it is open");
                let value = self.choices.below(1000) as u64;
                self.completers.push((completer, value));
                (id.id(), Kind::External(id, value))
            }
            4 | 5 => {
                let length = self.choices.below(40) as u64;
                let random = Random::new(self.choices.below(256) as u64);
                let provider = Numbers { next: 0, length, random, simulation: self.simulation.clone() };
                let settings = StreamSettings::default().batch(7).credit(2);
                let id = self.pump.start_stream(owner, provider, settings).expect("it is open");
                (id.id(), Kind::Stream { id, next: Some(0), length })
            }
            6 => {
                let connect = match self.choices.below(5) {
                    4 => Connect::to("www.example.org:80"),
                    last => Connect::from(address(last + 1, 80)),
                };
                let connect = connect.deadline(Duration::from_millis(1) + self.millis(3000));
                (self.pump.connect(owner, connect).expect("it is open"), Kind::Connect)
            }
            7 => {
                let Some(stream) = self.streams.pop() else { return };
                let id = self.pump.watch(owner, stream, Interest::READABLE).expect("it is open");
                (id.id(), Kind::Watch { id, is_armed: true })
            }
            8 => {
                let query = ServiceQuery::by_name("telnet");
                (self.pump.lookup_service(owner, query).expect("it is open"), Kind::Service)
            }
            9 => {
                let query = ProtocolQuery::by_number(self.choices.below(20) as u8);
                (self.pump.lookup_protocol(owner, query).expect("it is open"), Kind::Protocol)
            }
            _ => {
                let own = address(100, 1 + self.choices.below(3) as u16);
                let Ok(id) = self.pump.listen(owner, Listen::on(own).undelivered(2)) else { return };
                for _ in 0..self.choices.below(4) {
                    self.simulation.dial(own, Peer::new().sends("dialled").closes());
                }
                (id, Kind::Listen(own))
            }
        };
        let started = Started { window, group, kind, has_ended: false };
        assert!(self.live.insert(id, started).is_none() && !self.over.contains(&id), "p05");
    }

    /// Nothing is started for who is not open.
    fn start_in_vain(&mut self) {
        let window = self.pump.open_window();
        let group = self.pump.open_group();
        let closed = window.in_group(group);
        assert_eq!(self.pump.close_group(group).map(|swept| swept.operations()), Some(0));
        assert_eq!(self.pump.close_group(group), None);
        assert!(self.pump.set_timer(closed, Timer::once(Duration::ZERO)).is_err());
        assert!(self.pump.start_stream(closed, msgpump::items(0..3), StreamSettings::default()).is_err());
        assert!(self.pump.destroy_window(window).is_some() && !self.pump.has_window(window));
        assert!(self.pump.destroy_window(window).is_none());
        assert!(self.pump.destroy_window(self.pump.root_window()).is_none(), "it stays");
        assert!(self.pump.lookup_host(window, HostQuery::by_name("localhost")).is_err());
        assert!(self.pump.connect(window, Connect::from(address(1, 80))).is_err());
        assert!(self.pump.listen(window, Listen::on(address(100, 9))).is_err());
        assert!(self.pump.start_external::<u64>(window).is_err());
        assert!(self.pump.post(window, 0).is_err() && self.poster.post(window, 0).is_err());
    }

    fn end(&mut self, is_ended: impl Fn(&OperationId, &Started) -> bool) -> usize {
        let ended: Vec<_> = self.live.iter().filter(|(id, started)| is_ended(id, started)).map(|(id, _)| *id).collect();
        for id in &ended {
            self.live.remove(id);
            self.over.push(*id);
        }
        ended.len()
    }

    /// What is in hand of these is seen no more.
    fn silence(&mut self, is_meant: impl Fn(&Held) -> bool) {
        for held in self.held.iter_mut().filter(|held| is_meant(held) && !held.is_silenced) {
            held.is_silenced = true;
            self.silenced += 1;
        }
    }

    /// Whether nobody decides any more.
    pub(crate) fn is_over(&self) -> bool {
        self.choices.is_over()
    }

    /// Does the next thing.
    pub(crate) fn step(&mut self) {
        match self.choices.below(32) {
            0..7 => self.start(),
            7 if self.windows.len() < 4 => self.windows.push(self.pump.open_window()),
            8 if self.groups.len() < 3 => self.groups.push(self.pump.open_group()),
            9 if !self.completers.is_empty() => self.complete(),
            10 | 11 => self.cancel(),
            12 => self.sweep(),
            13 | 14 => self.post(),
            15 => self.purge_posts(),
            16 => self.reset_timer(),
            17 => self.handle_sources(),
            18 => self.quit_or_resume(),
            19 => self.take_in_hand(),
            20 => self.handle_held(),
            21 => self.take_some(),
            22 => self.wait(),
            23 => self.start_in_vain(),
            24 => {
                let time = self.millis(20);
                if self.choices.below(2) == 0 { self.simulation.advance(time) } else { self.simulation.suspend(time) }
            }
            25..29 => {
                let wait = self.millis(6);
                let budget = Budget::wait(wait).messages(1 + self.choices.below(8));
                let budget = if self.choices.below(4) == 0 { budget.time(Duration::ZERO) } else { budget };
                let _ = self.pump.turn(budget).expect("the stage's wait works");
            }
            _ => {
                for _ in 0..self.choices.below(6) {
                    let peeked = self.pump.peek_message().map(identity);
                    let taken = self.pump.next_message();
                    assert_eq!(peeked, taken.as_ref().map(identity));
                    let Some(message) = taken else { break };
                    self.take(message, |_, _, _| true);
                }
            }
        }
        self.compare();
    }

    fn complete(&mut self) {
        let index = self.choices.below(self.completers.len());
        let (completer, value) = self.completers.swap_remove(index);
        let is_live = |started: &Started| matches!(started.kind, Kind::External(_, other) if other == value);
        assert!(!completer.is_wanted() || self.live.values().any(is_live) || !self.held.is_empty());
        match self.choices.below(3) {
            0 => drop(completer),
            1 => _ = completer.complete(value),
            _ => {
                let delay = self.millis(20);
                self.simulation.after(delay, move || _ = completer.complete(value));
            }
        }
    }

    fn cancel(&mut self) {
        let id = self.living(|_| true).filter(|_| self.choices.below(4) > 0);
        match id {
            Some(id) => {
                let before = self.pump.metrics();
                let cancelled = self.pump.cancel(id);
                let purged = self.purged_since(before);
                let is_exact = match cancelled {
                    Cancelled::Pending => true,
                    Cancelled::Queued(messages) => messages > 0 && messages == purged,
                    Cancelled::Over | Cancelled::Unknown => false,
                };
                assert!(is_exact && before.queued - self.pump.metrics().queued == purged, "p06: {id} {cancelled}");
                self.end(|other, _| *other == id);
                self.silence(|held| held.operation == Some(id));
            }
            None => {
                if let Some(id) = self.choices.pick(&self.over) {
                    assert_eq!(self.pump.cancel(id), Cancelled::Over, "p06");
                    self.silence(|held| held.operation == Some(id));
                }
            }
        }
    }

    fn purged_since(&self, before: Metrics) -> usize {
        (self.pump.metrics().purged_messages - before.purged_messages) as usize
    }

    /// A sweep says how many messages it purged. Of these, those in the inbox of other threads were not queued.
    fn check_sweep(&self, swept: Swept, before: Metrics, in_inbox_max: usize) {
        assert_eq!(swept.messages(), self.purged_since(before), "p06");
        let from_queue = before.queued - self.pump.metrics().queued;
        assert!((from_queue..=from_queue + in_inbox_max).contains(&swept.messages()), "p06: {from_queue} {swept:?}");
        assert!(swept.pending() <= swept.operations());
    }

    fn sweep(&mut self) {
        let before = self.pump.metrics();
        match self.choices.below(4) {
            0 => {
                let window = self.window();
                if window == self.pump.root_window() {
                    return;
                }
                let swept = self.pump.destroy_window(window).expect("it is open");
                self.windows.retain(|open| *open != window);
                let waited = self.posted.len();
                self.posted.retain(|(to, _)| *to != window);
                self.check_sweep(swept, before, waited - self.posted.len());
                assert_eq!(swept.operations(), self.end(|_, started| started.window == window), "p07");
                self.silence(|held| held.window == window);
            }
            1 => {
                let window = self.window();
                let swept = self.pump.cancel_window(window);
                self.check_sweep(swept, before, 0);
                assert_eq!(swept.operations(), self.end(|_, started| started.window == window), "p07");
                self.silence(|held| held.window == window && held.operation.is_some());
            }
            how => {
                let Some(group) = self.choices.pick(&self.groups) else { return };
                let swept = match how {
                    2 => self.pump.cancel_group(group),
                    _ => {
                        self.groups.retain(|open| *open != group);
                        self.pump.close_group(group).expect("it is open")
                    }
                };
                self.check_sweep(swept, before, 0);
                assert_eq!(swept.operations(), self.end(|_, started| started.group == Some(group)), "p07");
                self.silence(|held| held.group == Some(group));
            }
        }
    }

    fn post(&mut self) {
        let window = self.window();
        self.posts += 1 + self.choices.below(2) as u32;
        let number = self.posts;
        let result =
            if number.is_multiple_of(2) { self.pump.post(window, number) } else { self.poster.post(window, number) };
        match result {
            Ok(()) => self.posted.push((window, number)),
            Err(error) => {
                assert_eq!(error.payload, number, "it comes back");
                assert!(self.posted.len() >= CAPACITY, "p11: refused with room left");
            }
        }
    }

    fn purge_posts(&mut self) {
        let window = self.window();
        let rest = self.choices.below(3) as u32;
        let metrics = self.pump.metrics();
        let mut purged = Vec::new();
        let count = self.pump.purge_posts(window, |&number| {
            let is_purged = number % 3 == rest;
            purged.extend(is_purged.then_some((window, number)));
            is_purged
        });
        assert_eq!((count, self.purged_since(metrics)), (purged.len(), purged.len()));
        let before = self.posted.len();
        self.posted.retain(|post| !purged.contains(post));
        assert_eq!(before - self.posted.len(), count, "what is purged was there");
        let is_left = |&&(to, number): &&(WindowId, u32)| to == window && number % 3 == rest;
        assert_eq!(self.posted.iter().find(is_left), None, "all are purged");
    }

    fn reset_timer(&mut self) {
        let (timer, kind) = self.timer();
        match self.living(|started| matches!(started.kind, Kind::Timer { .. })) {
            Some(id) => {
                self.pump.reset_timer(id, timer).expect("it lives");
                self.live.get_mut(&id).expect("it lives").kind = kind;
                self.silence(|held| held.operation == Some(id));
            }
            None => {
                if let Some(id) = self.choices.pick(&self.over) {
                    assert!(self.pump.reset_timer(id, timer).is_err());
                }
            }
        }
    }

    /// Watches are armed again, given back, and asked for, as listeners are.
    fn handle_sources(&mut self) {
        if let Some(id) = self.living(|started| matches!(started.kind, Kind::Listen(_))) {
            let Kind::Listen(own) = self.live[&id].kind else { panic!("it is a listener") };
            assert_eq!(self.pump.listening_address(id), Some(own));
            assert!(self.pump.reset_timer(id, Timer::once(Duration::ZERO)).is_err(), "it is no timer");
        }
        let Some(id) = self.living(|started| matches!(started.kind, Kind::Watch { .. })) else { return };
        let Kind::Watch { id: watch, is_armed } = self.live[&id].kind else { panic!("it is a watch") };
        assert!(self.pump.source(watch).is_some() && self.pump.listening_address(id).is_none());
        if self.choices.below(2) == 0 {
            self.streams.push(self.pump.release(watch).expect("it lives"));
            self.end(|other, _| *other == id);
            self.silence(|held| held.operation == Some(id));
            assert!(self.pump.release(watch).is_none() && self.pump.rearm(watch, Interest::READABLE).is_err());
        } else if !is_armed {
            self.arm(id, watch);
        }
    }

    fn arm(&mut self, id: OperationId, watch: WatchId<TcpStream>) {
        self.pump.rearm(watch, Interest::READABLE).expect("it lives");
        if let Some(Started { kind: Kind::Watch { is_armed, .. }, .. }) = self.live.get_mut(&id) {
            *is_armed = true;
        }
    }

    fn quit_or_resume(&mut self) {
        if self.choices.below(2) == 0 {
            let code = self.choices.below(100) as i32;
            self.pump.quit(code);
            if self.quit.is_none() || self.is_quit_told {
                self.before_quit = self.pump.metrics().queued;
            }
            (self.quit, self.is_quit_told) = (Some(code), false);
        } else {
            self.pump.resume();
            (self.quit, self.is_quit_told) = (None, false);
        }
    }

    /// Takes what a filter admits, and nothing else.
    fn take_some(&mut self) {
        let window = self.choices.pick(&self.windows).filter(|_| self.choices.below(2) == 0);
        let operation = self.living(|_| true).filter(|_| self.choices.below(3) == 0);
        let kinds = [
            MessageKind::Posted,
            MessageKind::Tick,
            MessageKind::Batch,
            MessageKind::StreamEnd,
            MessageKind::External,
            MessageKind::Host,
            MessageKind::HostPart,
        ];
        let kind = self.choices.pick(&kinds).filter(|_| self.choices.below(3) == 0);
        let mut filter = Filter::any();
        filter = window.map_or(filter, |window| filter.window(window));
        filter = operation.map_or(filter, |operation| filter.operation(operation));
        filter = kind.map_or(filter, |kind| filter.kind(kind));
        let admits = |to: WindowId, of: Option<OperationId>, what: MessageKind| {
            let is_admitted = window.is_none_or(|window| window == to)
                && operation.is_none_or(|operation| Some(operation) == of)
                && kind.is_none_or(|kind| kind == what);
            is_admitted || what == MessageKind::Quit
        };
        if self.choices.below(3) == 0 {
            let rest = self.choices.below(3) as u32;
            let Some(message) = self.pump.next_posted(|&number| number % 3 == rest) else { return };
            let Payload::Posted(number) = message.payload else { panic!("{message:?}") };
            assert_eq!(number % 3, rest);
            self.note_post(message.window, number, |_, other| other % 3 == rest);
            self.taken += 1;
            return;
        }
        let peeked = self.pump.peek_message_for(filter).map(identity);
        let taken = self.pump.next_message_for(filter);
        assert_eq!(peeked, taken.as_ref().map(identity));
        match taken {
            Some(message) => {
                let (to, of, what) = identity(&message);
                assert!(admits(to, of, what), "{message:?} through {filter:?}");
                let started = of.and_then(|id| self.live.get_mut(&id)).map(|started| &mut started.kind);
                if let (Some(MessageKind::StreamEnd), Some(Kind::Stream { next, .. })) = (kind, started) {
                    // It may be taken before the last items.
                    *next = None;
                }
                self.take(message, admits);
            }
            None => {
                let next = self.pump.peek_message().map(identity);
                assert!(
                    next.is_none_or(|(to, of, what)| !admits(to, of, what)),
                    "{next:?} does not come through {filter:?}"
                );
            }
        }
    }

    /// Waits for a message, where one must come.
    fn wait(&mut self) {
        match self.pump.get_message() {
            Ok(Some(message)) => {
                if self.is_quit_told {
                    assert!(self.before_quit > 0 && message.payload.kind() != MessageKind::Tick, "the loop is over");
                    self.before_quit -= 1;
                }
                self.take(message, |_, _, _| true);
            }
            Ok(None) => {
                assert_eq!(self.pump.quit_code(), self.quit);
                assert!(self.quit.is_some());
                self.note_quit_told();
            }
            // Nothing will ever happen on the stage.
            Err(_) => assert_eq!(self.pump.rest(), Rest::Forever),
        }
    }

    /// What was passed by when it was told may still come to who passes nothing by.
    fn note_quit_told(&mut self) {
        self.is_quit_told = true;
        self.before_quit = self.before_quit.min(self.pump.metrics().queued);
    }

    fn take_in_hand(&mut self) {
        let passed_by = self.choices.pick(&self.windows).filter(|_| self.choices.below(3) == 0);
        let passed_by = passed_by.as_slice();
        let Some(message) = self.pump.next_in_hand(passed_by) else { return };
        self.taken += 1;
        let taken = message.get().expect("it is not silenced yet");
        let (window, operation, kind) = identity(taken);
        assert!(kind == MessageKind::Quit || !passed_by.contains(&window));
        let group = operation.and_then(|id| self.live.get(&id)).and_then(|started| started.group);
        let (sum, number) = match &taken.payload {
            Payload::Posted(number) => (0, Some(*number)),
            Payload::Tick(tick) => (tick.count, None),
            Payload::Quit(code) => (*code as u64, None),
            _ => (0, None),
        };
        if let Some(number) = number {
            self.note_post(window, number, |to, _| !passed_by.contains(&to));
        } else {
            self.note(window, operation, kind, sum);
        }
        if let Some(Started { kind: Kind::Stream { next, .. }, .. }) = operation.and_then(|id| self.live.get_mut(&id)) {
            *next = None;
        }
        self.held.push(Held { message, window, group, operation, kind, is_silenced: false });
    }

    fn handle_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let index = self.choices.below(self.held.len());
        let Held { message, operation, kind, is_silenced, window, .. } = self.held.swap_remove(index);
        assert_eq!((message.window(), message.get().is_none()), (window, is_silenced), "p01: {operation:?} {kind:?}");
        let Some(message) = message.into_message() else {
            assert!(is_silenced);
            return;
        };
        assert!(!is_silenced, "p01: of what is over, in hand: {message:?}");
        match message.payload {
            Payload::Connected(Ok(connection)) => self.streams.push(connection.stream),
            Payload::Accepted(accepted) => self.streams.push(accepted.stream),
            _ => {}
        }
    }

    /// A post is one that is waited for, and the oldest of its maker among those that are `admitted`.
    fn note_post(&mut self, window: WindowId, number: u32, admitted: impl Fn(WindowId, u32) -> bool) {
        let place = self.posted.iter().position(|post| *post == (window, number));
        self.posted.remove(place.unwrap_or_else(|| panic!("p01, p02: {number} is not waited for in {window}")));
        let is_older =
            |&&(to, other): &&(WindowId, u32)| other < number && other % 2 == number % 2 && admitted(to, other);
        assert_eq!(self.posted.iter().find(is_older), None, "p08: it was posted before {number}");
    }

    /// A message is of something that lives, is what comes next of it, and ends it exactly once. `sum` is the count
    /// of a tick or the code of quit.
    fn note(&mut self, window: WindowId, operation: Option<OperationId>, kind: MessageKind, sum: u64) {
        let Some(id) = operation else {
            assert_eq!((kind, window), (MessageKind::Quit, self.pump.root_window()));
            assert_eq!((self.quit, self.is_quit_told), (Some(sum as i32), false), "quit is told once");
            self.note_quit_told();
            return;
        };
        let now = self.simulation.now();
        let started = self.live.get_mut(&id);
        let started = started.unwrap_or_else(|| panic!("p01: of what is over: {id} {kind:?}"));
        assert_eq!(window, started.window);
        let is_final = match (&mut started.kind, kind) {
            (Kind::Timer { first, interval, count }, MessageKind::Tick) => {
                *count += 1;
                assert_eq!(sum, *count, "ticks are counted one by one");
                let periods = interval.unwrap_or_default() * (*count - 1) as u32;
                assert!(first.is_none_or(|first| now >= first + periods), "a tick never comes early");
                interval.is_none()
            }
            (Kind::Host, MessageKind::HostPart) => false,
            (Kind::Host, MessageKind::Host)
            | (Kind::Service, MessageKind::Service)
            | (Kind::Protocol, MessageKind::Protocol)
            | (Kind::External(..), MessageKind::External)
            | (Kind::Stream { .. }, MessageKind::StreamEnd)
            | (Kind::Connect, MessageKind::Connected) => true,
            (Kind::Stream { .. }, MessageKind::Batch) | (Kind::Listen(_), MessageKind::Accepted) => false,
            (Kind::Watch { is_armed, .. }, MessageKind::Ready) => {
                assert!(std::mem::replace(is_armed, false), "one message until it is armed again");
                false
            }
            _ => panic!("another kind's message: {kind:?} of {id}"),
        };
        assert!(!(is_final && started.has_ended), "p02: {id} has one final message");
        started.has_ended |= is_final;
        // Those of its messages that a filter has left are still to come.
        if started.has_ended && !self.pump.is_live(id) {
            self.live.remove(&id);
            self.over.push(id);
        }
    }

    /// Judges a message and uses what is in it. It was taken from among those that are `admitted`.
    fn take(&mut self, message: Message<u32>, admitted: impl Fn(WindowId, Option<OperationId>, MessageKind) -> bool) {
        self.taken += 1;
        let (window, operation, kind) = identity(&message);
        let started = operation.and_then(|id| self.live.get_mut(&id)).map(|started| &mut started.kind);
        match (message.payload, started) {
            (Payload::Posted(number), _) => {
                self.note_post(window, number, |to, _| admitted(to, None, MessageKind::Posted));
                return;
            }
            (Payload::Tick(tick), _) => return self.note(window, operation, kind, tick.count),
            (Payload::Quit(code), _) => return self.note(window, operation, kind, code as u64),
            (Payload::External(mut external), Some(Kind::External(id, value))) => {
                let result = external.of(*id).expect("it is its own");
                assert!(result.is_err() || result == Ok(*value));
            }
            (Payload::Batch(mut batch), Some(Kind::Stream { id, next, .. })) => {
                for item in batch.of(*id).expect("it is its own") {
                    if let Some(next) = next {
                        assert_eq!(item, *next, "p02: in order");
                        *next += 1;
                    }
                }
            }
            (Payload::StreamEnd(mut end), Some(Kind::Stream { id, next, length })) => {
                assert_eq!(end.of(*id), Some(Ok(*length)));
                assert!(next.is_none_or(|next| next == *length), "p02: all items come before the end");
            }
            (Payload::Connected(result), _) => {
                self.streams.extend(result.ok().map(|connection| connection.stream));
            }
            (Payload::Accepted(accepted), _) => self.streams.push(accepted.stream),
            _ => {}
        }
        self.note(window, operation, kind, 0);
        if kind == MessageKind::Ready {
            self.use_source(operation.expect("a watch told it"));
        }
    }

    fn use_source(&mut self, id: OperationId) {
        let Kind::Watch { id: watch, .. } = self.live[&id].kind else { panic!("a watch told it") };
        let end = self.pump.source(watch).expect("it lives").read(&mut [0; 2]);
        if matches!(end, Ok(0)) || self.choices.below(3) == 0 {
            self.streams.extend(self.pump.release(watch));
            self.end(|other, _| *other == id);
            // It was armed again while an earlier message of it was in hand.
            self.silence(|held| held.operation == Some(id));
        } else {
            self.arm(id, watch);
        }
    }

    fn compare(&mut self) {
        let metrics = self.pump.metrics();
        assert_eq!(metrics.operations, self.live.len(), "the pump holds what the model holds");
        let timers = self.live.values().filter(|started| matches!(started.kind, Kind::Timer { .. })).count();
        assert_eq!((metrics.windows, metrics.timers), (self.windows.len(), timers));
        assert_eq!(metrics.messages, self.taken);
        assert_eq!(metrics.silenced_messages, self.silenced, "p01, in hand");
        assert!(self.live.keys().all(|&id| self.pump.is_live(id)));
        assert!(self.over.iter().all(|&id| !self.pump.is_live(id)), "p05");
        assert!(self.windows.iter().all(|&window| self.pump.has_window(window)));
        assert!(self.posted.len() <= 2 * CAPACITY, "p11: {} posts wait", self.posted.len());
        assert_eq!(self.pump.quit_code(), self.quit);
        let of_live = |message: &Message<u32>| message.operation.is_none_or(|id| self.live.contains_key(&id));
        assert!(self.pump.peek_message().is_none_or(of_live), "p01");
        match self.pump.rest() {
            Rest::Until(instant) => assert_eq!(self.pump.next_deadline(), Some(instant)),
            Rest::Forever => assert_eq!(self.pump.next_deadline(), None),
            Rest::Ready => {}
        }
    }

    /// Cancels what has no end of its own.
    fn cancel_endless(&mut self) {
        let is_endless = |started: &Started| {
            matches!(started.kind, Kind::Timer { interval: Some(_), .. } | Kind::Watch { .. } | Kind::Listen(_))
        };
        for (&id, _) in self.live.iter().filter(|(_, started)| is_endless(started)) {
            self.pump.cancel(id);
        }
        self.end(|_, started| is_endless(started));
    }

    /// Lets everything end that ends by itself, and looks at what is left.
    pub(crate) fn finish(mut self) {
        self.pump.resume();
        (self.quit, self.is_quit_told) = (None, false);
        self.held.clear();
        self.completers.clear();
        self.cancel_endless();
        self.silenced = self.pump.metrics().silenced_messages;
        let start = self.simulation.elapsed();
        loop {
            let _ = self.pump.turn(Budget::wait(Duration::from_millis(50))).expect("the stage's wait works");
            while let Some(message) = self.pump.next_message() {
                self.take(message, |_, _, _| true);
            }
            self.compare();
            // What did not find room in one turn comes in the next.
            if self.live.is_empty() && self.posted.is_empty() {
                break;
            }
            assert!(self.simulation.elapsed() - start < END_MAX, "p02, p03: what ends by itself has ended");
        }
        assert_eq!(self.pump.metrics().operations, 0);
        assert_eq!(self.pump.rest(), Rest::Forever, "p09");
        let (simulation, pump) = (self.simulation, self.pump);
        drop(self.streams);
        drop(pump);
        assert_eq!(simulation.open_sockets(), 0, "p12");
    }
}
