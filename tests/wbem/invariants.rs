//! What holds of calls whatever happens in whatever order: random schedules beside a naive model.

use std::collections::HashMap;

use msgpump::wbem::{CallId, Flags, Received, Sink, SinkId, WbemStatus};
use msgpump::{Message, Pump};

use crate::support::{Heard, Stage, What, heard, status};

/// How many schedules are run, and how long each is.
const SCHEDULES: u64 = 300;
const STEPS: usize = 120;

/// How many rows the class has.
const ROWS: u32 = 6;

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

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
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Query,
    Refused,
    Method,
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
                call.rows.extend(keys.iter().cloned());
            }
            What::Progress(_) => panic!("nobody asked for progress"),
            What::Status(ended) => {
                let expected = match (call.state, call.kind) {
                    (State::Cancelled, _) => WbemStatus::CallCancelled,
                    (_, Kind::Refused) => WbemStatus::InvalidQuery,
                    _ => WbemStatus::SNoError,
                };
                let is_orphans = call.state == State::Orphaned && *ended == WbemStatus::CallCancelled;
                assert!(*ended == expected || is_orphans, "{ended} instead of {expected}: {call:?}");
                if *ended == WbemStatus::SNoError {
                    let all = if call.kind == Kind::Query { ROWS as usize } else { 1 };
                    assert_eq!(call.rows.len(), all);
                }
                call.state = State::Over;
            }
        }
        if call.kind == Kind::Query {
            let in_order: Vec<String> = (0..call.rows.len()).map(|row| row.to_string()).collect();
            assert_eq!(call.rows, in_order, "I6: rows come in the provider's order");
        }
    }

    fn pending(&self, sink: SinkId) -> usize {
        let is_pending = |call: &&Known| matches!(call.state, State::Pending | State::Orphaned);
        self.calls.values().filter(|call| call.sink == sink).filter(is_pending).count()
    }

    fn over(&self) -> bool {
        self.calls.values().all(|call| call.state == State::Over)
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
}

impl Run {
    fn new() -> Run {
        let mut stage = Stage::new(ROWS);
        let sinks = (0..3).map(|_| stage.sink()).collect();
        let handles = vec![stage.server.connect(&mut stage.pump, r"root\cimv2").unwrap()];
        let model = Model { calls: HashMap::new(), methods: 0 };
        Run { stage, model, sinks, handles, handle: 0, hand: Vec::new() }
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
        };
        let known = Known {
            sink: sink.id(),
            kind,
            handle: self.handle,
            rows: Vec::new(),
            state: State::Pending,
            has_turned: false,
        };
        assert!(self.model.calls.insert(accepted.unwrap(), known).is_none(), "names are never given out again");
        self.model.methods += usize::from(kind == Kind::Method);
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
        let returned = self.stage.cancel(&sink);
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

    fn step(&mut self, random: &mut Random) {
        let sink = random.below(self.sinks.len());
        match random.below(40) {
            0..6 => self.start(sink, Kind::Query),
            6 => self.start(sink, Kind::Refused),
            7..9 => self.start(sink, Kind::Method),
            9 => self.refuse(sink),
            10..22 => self.turn(),
            22..32 => self.take(),
            32..34 => self.keep(),
            34..36 => self.hand_on(),
            36..39 => self.cancel(sink),
            _ => self.close_handle(),
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
        assert!(self.sinks.iter().all(|sink| sink.holders() == 1), "I7: nobody keeps a sink");
        let stats = &self.stage.slow.stats;
        assert_eq!(stats.opened.get(), stats.dropped.get());
        assert!(stats.finished.get() <= self.model.methods);
        assert!(self.stage.pump.next_message().is_none());
    }
}

#[test]
fn i01_to_i11_hold_in_random_schedules() {
    for seed in 0..SCHEDULES {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut run = Run::new();
        let schedule = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..STEPS {
                run.step(&mut random);
            }
            run.end(random.below(3) == 0);
        }));
        assert!(schedule.is_ok(), "the schedule of seed {seed}");
    }
}
