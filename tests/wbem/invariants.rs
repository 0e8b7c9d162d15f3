//! What holds of calls whatever happens in whatever order: random schedules beside a naive model.

use std::collections::HashMap;
use std::sync::Arc;

use msgpump::wbem::{
    CallId, CimType, Class, ClassProvider, Enumerator, EventChannel, Flags, Instance, Property, Publisher, Received,
    Sink, SinkId, WbemStatus, events,
};
use msgpump::{Message, Pump};

use crate::random::Random;
use crate::support::{HOME, Heard, Slow, Stage, What, heard, instance, status};

/// How many schedules are run, and how long each is.
const SCHEDULES: u64 = 300;
const STEPS: usize = 120;

/// How many rows the class has.
const ROWS: u32 = 6;

/// What the model knows of a call.
#[derive(Debug)]
struct Known {
    sink: SinkId,
    kind: Kind,
    handle: usize,
    rows: Vec<String>,
    state: State,
    /// The pump has turned since the call was started.
    has_turned: bool,
    /// Where the rows of a fetch begin, the number of the next event for a subscription.
    begin: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Query,
    Refused,
    Method,
    Put,
    /// Events, until it is cancelled.
    Subscription,
    /// `NextAsync`, for so many rows.
    Fetch(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Pending,
    /// The cancel has returned, or the handle is gone and the server knows.
    Cancelled,
    /// The handle is gone; the server may not know yet.
    Orphaned,
    Over,
}

struct Model {
    calls: HashMap<CallId, Known>,
    methods: usize,
    puts: usize,
    events: usize,
}

impl Model {
    /// Checks what a sink heard against what it may hear.
    fn hears(&mut self, told: &Heard) {
        let call = self.calls.get_mut(&told.call).expect("the call was accepted");
        assert_eq!(call.sink, told.sink);
        assert!(call.has_turned, "I2: nothing comes before the call has returned");
        assert_ne!(call.state, State::Over, "I4: nothing comes after the final status");
        match &told.what {
            What::Indicate(keys) => {
                assert_ne!(call.state, State::Cancelled, "I3: nothing comes after the cancel but its status");
                assert!(!keys.is_empty());
                if call.kind == Kind::Subscription && call.rows.is_empty() {
                    // What was on its way when it began may come as well.
                    let first = keys[0].parse().unwrap();
                    assert!(first <= call.begin, "no event is lost");
                    call.begin = first;
                }
                call.rows.extend(keys.iter().cloned());
            }
            What::Progress(_) => panic!("nobody asked for progress"),
            What::Status(ended) => {
                let expected = match (call.state, call.kind) {
                    (State::Cancelled, _) => WbemStatus::CallCancelled,
                    (_, Kind::Refused) => WbemStatus::InvalidQuery,
                    (_, Kind::Fetch(count)) if call.rows.len() < count => WbemStatus::SFalse,
                    _ => WbemStatus::SNoError,
                };
                let is_orphans = call.state == State::Orphaned && *ended == WbemStatus::CallCancelled;
                assert!(*ended == expected || is_orphans, "{ended} instead of {expected}: {call:?}");
                if !is_orphans && expected != WbemStatus::CallCancelled {
                    let all = match call.kind {
                        Kind::Query => ROWS as usize,
                        Kind::Method => 1,
                        Kind::Put | Kind::Refused => 0,
                        Kind::Fetch(count) => count.min((ROWS as usize).saturating_sub(call.begin)),
                        Kind::Subscription => panic!("a subscription ends by a cancel: {call:?}"),
                    };
                    assert_eq!(call.rows.len(), all, "{call:?}");
                }
                call.state = State::Over;
            }
        }
        if matches!(call.kind, Kind::Query | Kind::Fetch(_) | Kind::Subscription) {
            let in_order: Vec<String> = (call.begin..).take(call.rows.len()).map(|row| row.to_string()).collect();
            assert_eq!(call.rows, in_order, "I6: rows come in the provider's order");
        }
    }

    fn pending(&self, sink: SinkId) -> usize {
        let is_pending = |call: &&Known| matches!(call.state, State::Pending | State::Orphaned);
        self.calls.values().filter(|call| call.sink == sink).filter(is_pending).count()
    }

    fn over(&self) -> bool {
        // Events go on until nobody wants them.
        let goes_on = |call: &Known| call.kind == Kind::Subscription && call.state == State::Pending;
        self.calls.values().all(|call| call.state == State::Over || goes_on(call))
    }
}

/// A schedule under way.
struct Run {
    stage: Stage,
    model: Model,
    sinks: Vec<Sink>,
    handles: Vec<msgpump::wbem::Services>,
    handle: usize,
    /// Messages that the program took and has not handed on.
    hand: Vec<Message<u32>>,
    publisher: Publisher,
    alarm: Arc<Class>,
    /// What the enumerator reads.
    slower: Slow,
    rows: Enumerator,
    /// How many of the enumerator's rows were promised to sinks.
    promised: usize,
}

impl Run {
    fn new() -> Run {
        let mut stage = Stage::new(ROWS);
        let sinks = (0..3).map(|_| stage.sink()).collect();
        let handles = vec![stage.server.connect(&mut stage.pump, r"root\cimv2").unwrap()];
        let model = Model { calls: HashMap::new(), methods: 0, puts: 0, events: 0 };
        let alarm = Class::builder("Alarm").superclass(&events::extrinsic_event());
        let alarm = alarm.property(Property::key("Number", CimType::Uint32)).build().unwrap();
        let (publisher, channel) = EventChannel::new(&alarm);
        stage.server.register(HOME, channel).unwrap();
        let slower = Slow::named("Slower", ROWS);
        stage.server.register(HOME, slower.clone()).unwrap();
        let rows = open(&mut stage);
        let hand = Vec::new();
        Run { stage, model, sinks, handles, handle: 0, hand, publisher, alarm, slower, rows, promised: 0 }
    }

    fn start(&mut self, sink: usize, kind: Kind) {
        let sink = &self.sinks[sink];
        let services = self.handles.last().expect("there is always one");
        let pump: &mut Pump<u32> = &mut self.stage.pump;
        let none = Flags::NONE;
        let accepted = match kind {
            Kind::Query => services.exec_query_async(pump, "WQL", "SELECT * FROM Slow", none, sink),
            Kind::Refused => services.exec_query_async(pump, "WQL", "SELECT", none, sink),
            Kind::Method => {
                let arguments = self.stage.slow.arguments(3);
                services.exec_method_async(pump, "Slow.Id=0", "Work", Some(&arguments), none, sink)
            }
            Kind::Put => {
                let row = Instance::from_values(self.stage.slow.class(), vec![3_u32.into()]).unwrap();
                services.put_instance_async(pump, &row, none, sink)
            }
            Kind::Subscription => {
                services.exec_notification_query_async(pump, "WQL", "SELECT * FROM Alarm", none, sink)
            }
            Kind::Fetch(count) => {
                let Some(call) = self.rows.next_async(pump, count, sink).unwrap() else { return };
                Ok(call)
            }
        };
        let begin = match kind {
            Kind::Subscription => self.model.events,
            Kind::Fetch(count) => {
                self.promised += count;
                self.promised - count
            }
            _ => 0,
        };
        let known = Known {
            sink: sink.id(),
            kind,
            handle: self.handle,
            rows: Vec::new(),
            state: State::Pending,
            has_turned: false,
            begin,
        };
        assert!(self.model.calls.insert(accepted.unwrap(), known).is_none(), "names are never given out again");
        self.model.methods += usize::from(kind == Kind::Method);
        self.model.puts += usize::from(kind == Kind::Put);
    }

    /// An event happens, which all who have subscribed are told.
    fn publish(&mut self) {
        let number = u32::try_from(self.model.events).unwrap();
        let is_on_its_way = self.publisher.publish(instance(&self.alarm, &[("Number", number.into())]));
        let mut subscriptions = self.model.calls.values().filter(|call| call.kind == Kind::Subscription);
        let is_listening = subscriptions.any(|call| call.state == State::Pending);
        assert!(is_on_its_way || !is_listening, "who has subscribed is told");
        self.model.events += usize::from(is_on_its_way);
    }

    /// Another enumerator takes the place of the last, which is dropped.
    fn reopen(&mut self) {
        // What was promised to sinks is given to them all the same.
        self.rows = open(&mut self.stage);
        self.promised = 0;
    }

    fn refuse(&mut self, sink: usize) {
        let before = self.sinks[sink].holders();
        let services = self.handles.last().expect("there is always one");
        let pump = &mut self.stage.pump;
        let refused = services.exec_query_async(pump, "SQL", "SELECT * FROM Slow", Flags::NONE, &self.sinks[sink]);
        assert_eq!(status(refused), WbemStatus::InvalidQueryType);
        assert_eq!(self.sinks[sink].holders(), before, "I9: after an error at once nobody keeps the sink");
    }

    fn turn(&mut self) {
        self.slower.tick();
        self.stage.turn();
        self.model.calls.values_mut().for_each(|call| call.has_turned = true);
    }

    fn take(&mut self) {
        // Whoever holds messages hands them on in the order in which they came.
        self.hand_on();
        match self.stage.server.next_message(&mut self.stage.pump) {
            None => {}
            Some(Received::Sink(message)) => self.model.hears(&heard(message)),
            Some(Received::Other(message)) => panic!("{message:?}"),
        }
    }

    /// The program keeps a message, and hands it on later.
    fn keep(&mut self) {
        self.hand.extend(self.stage.pump.next_message());
    }

    fn hand_on(&mut self) {
        for message in std::mem::take(&mut self.hand) {
            match self.stage.server.translate(&mut self.stage.pump, message) {
                None => {}
                Some(Received::Sink(message)) => self.model.hears(&heard(message)),
                Some(Received::Other(message)) => panic!("{message:?}"),
            }
        }
    }

    fn cancel(&mut self, sink: usize) {
        let sink = self.sinks[sink].clone();
        let pending = self.model.pending(sink.id());
        let asked = || [&self.stage.slow, &self.slower].map(|slow| slow.stats.asked());
        let before = asked();
        let returned = status(self.stage.services.cancel_async_call(&mut self.stage.pump, &sink));
        assert_eq!(asked(), before, "I10: a cancel asks nobody, and so waits for nobody");
        let orphans = self.model.calls.values().any(|it| it.sink == sink.id() && it.state == State::Orphaned);
        let expected = if pending == 0 { WbemStatus::NotFound } else { WbemStatus::SNoError };
        // What was orphaned may have been cancelled by the server already.
        assert!(returned == expected || orphans, "{returned} instead of {expected}");
        for call in self.model.calls.values_mut().filter(|call| call.sink == sink.id()) {
            if matches!(call.state, State::Pending | State::Orphaned) {
                call.state = State::Cancelled;
            }
        }
        let pending = self.model.calls.values().filter(|it| it.kind == Kind::Query && it.state == State::Pending);
        let orphans = self.model.calls.values().filter(|it| it.state == State::Orphaned);
        let stats = &self.stage.slow.stats;
        let open = stats.opened.get() - stats.dropped.get();
        assert!(open <= pending.count() + orphans.count(), "I11: who is cancelled is never asked again");
    }

    fn close_handle(&mut self) {
        let next = self.stage.server.connect(&mut self.stage.pump, r"root\cimv2").unwrap();
        self.handles = vec![next];
        let handle = self.handle;
        self.handle += 1;
        for call in self.model.calls.values_mut().filter(|call| call.handle == handle) {
            if call.state == State::Pending {
                call.state = State::Orphaned;
            }
        }
    }

    fn step(&mut self, random: &Random) {
        let sink = random.below(self.sinks.len());
        match random.below(50) {
            0..6 => self.start(sink, Kind::Query),
            6 => self.start(sink, Kind::Refused),
            7..9 => self.start(sink, Kind::Method),
            9 => self.refuse(sink),
            10..22 => self.turn(),
            22..32 => self.take(),
            32..34 => self.keep(),
            34..36 => self.hand_on(),
            36..39 => self.cancel(sink),
            39 => self.close_handle(),
            40..42 => self.start(sink, Kind::Put),
            42 => self.start(sink, Kind::Subscription),
            43..45 => self.publish(),
            45..49 => self.start(sink, Kind::Fetch(1 + random.below(4))),
            _ => self.reopen(),
        }
    }

    /// Ends all: by waiting for it, or with the server.
    fn end(&mut self, is_shut_down: bool) {
        if is_shut_down {
            self.hand_on();
            for message in self.stage.server.shut_down(&mut self.stage.pump) {
                let told = heard(message);
                let call = self.model.calls.get_mut(&told.call).unwrap();
                assert_ne!(call.state, State::Over, "I4");
                assert!(matches!(told.what, What::Status(_)));
                call.state = State::Over;
            }
        }
        for _ in 0..200 {
            self.turn();
            self.hand_on();
            for _ in 0..20 {
                self.take();
            }
        }
        assert!(self.model.over(), "I1, I8: each call has told its end: {:?}", self.model.calls);
        // Who listens for ever is cancelled, all of a sink's at once.
        for sink in 0..self.sinks.len() {
            self.cancel(sink);
        }
        self.turn();
        (0..200).for_each(|_| self.take());
        let told = self.model.calls.values().all(|call| call.state == State::Over);
        assert!(told, "I1, I8: each call has told its end: {:?}", self.model.calls);
        assert!(self.sinks.iter().all(|sink| sink.holders() == 1), "I7: nobody keeps a sink");
        if !is_shut_down {
            self.reopen();
            self.turn();
        }
        let (opened, dropped) = (&self.slower.stats.opened, &self.slower.stats.dropped);
        assert_eq!(opened.get(), dropped.get() + usize::from(!is_shut_down), "only the last enumerator reads");
        let stats = &self.stage.slow.stats;
        assert_eq!(stats.opened.get(), stats.dropped.get());
        assert!(stats.finished.get() <= self.model.methods && stats.put.get() <= self.model.puts);
        // What is left is the server's own: sources that end, rows of the enumerator.
        for _ in 0..20 {
            self.turn();
            assert!(self.stage.server.next_message(&mut self.stage.pump).is_none());
        }
        self.turn();
        assert!(self.stage.pump.next_message().is_none());
    }
}

/// An enumerator of all rows.
fn open(stage: &mut Stage) -> Enumerator {
    stage.services.exec_query(&mut stage.pump, "WQL", "SELECT * FROM Slower", Flags::RETURN_IMMEDIATELY).unwrap()
}

#[test]
fn i01_to_i11_hold_in_random_schedules() {
    for seed in 0..SCHEDULES {
        let random = Random::new(seed);
        let mut run = Run::new();
        let schedule = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..STEPS {
                run.step(&random);
            }
            run.end(random.below(3) == 0);
        }));
        assert!(schedule.is_ok(), "the schedule of seed {seed}");
    }
}

#[test]
fn i10_a_cancel_costs_what_its_sink_has() {
    let cost = |others: usize, calls: usize| {
        let mut stage = Stage::new(ROWS);
        let sink = stage.sink();
        let window = sink.window();
        let ask = |stage: &mut Stage, calls: usize, sink: &Sink| (0..calls).for_each(|_| _ = stage.ask(sink));
        (0..others / 2).for_each(|_| ask(&mut stage, 1, &Sink::new(window)));
        ask(&mut stage, calls, &sink);
        (0..others / 2).for_each(|_| ask(&mut stage, 1, &Sink::new(window)));
        stage.turns(3);
        let cost = allocation_counter::measure(|| assert_eq!(stage.cancel(&sink), WbemStatus::SNoError));
        (cost.count_total, cost.bytes_total)
    };
    // Allocations stand for steps; the bench has the time. What grows now and then is as large in each.
    let alone = cost(0, 8);
    let among = [cost(200, 8), cost(2000, 8)];
    println!("a cancel of 8 calls allocates {alone:?} alone, {among:?} among 200 and 2,000 others");
    assert!(among.iter().all(|(count, _)| *count <= alone.0 + 2), "{alone:?} {among:?}");
    let (few, many) = (cost(0, 8), cost(0, 80));
    assert!(many.0 <= 12 * few.0, "{few:?} {many:?}");
}
