//! This crate.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use msgpump::{
    Budget, Descriptor, Dispatcher, Family, HostQuery, Interest, OperationId, Payload, Provider, Pump, ResolverConfig,
    Settings, Slice, Step, StreamSettings, Timer, WatchId, WindowId,
};

use crate::name_server::name_server;
use crate::scene::{Cue, SETTLE, Scene, TIMER, names, pass_time_of_timers, row, socket};
use crate::table::{Kind, Seen, State};

const CANCEL: &str = "`Pump::cancel`";
const DOCUMENTATION: &str = "../../README.md#cancel-state-by-state";

type Program = Dispatcher<usize>;

pub fn play() {
    row(Kind::Timer, CANCEL, DOCUMENTATION, Kind::Timer.states(), timer);
    row(Kind::Lookup, CANCEL, DOCUMENTATION, Kind::Lookup.states(), lookup);
    row(Kind::Readiness, CANCEL, DOCUMENTATION, Kind::Readiness.states(), readiness);
    row(Kind::Post, "`Pump::destroy_window`", DOCUMENTATION, Kind::Post.states(), |state| {
        post(state, |pump, windows, item| {
            format!("{:?}", pump.destroy_window(windows[item]).map(|swept| swept.messages()))
        })
    });
    row(Kind::Post, "`Pump::purge_posts`", DOCUMENTATION, Kind::Post.states(), |state| {
        post(state, |pump, windows, item| pump.purge_posts(windows[item], |&posted| posted == item).to_string())
    });
    // The threads are the program's own.
    let states = &[State::UnderWay, State::Finished, State::Next];
    row(Kind::Work, "`Pump::cancel` of a `start_external`", DOCUMENTATION, states, work);
    row(Kind::Stream, "`Pump::cancel` of a `start_stream`", DOCUMENTATION, Kind::Stream.states(), stream);
}

/// A program with a procedure, and what it has started.
struct Stage {
    scene: Arc<Scene>,
    program: Program,
    window: WindowId,
    started: Rc<Cell<[Option<OperationId>; 2]>>,
    /// Watches, which are silent after each event until they are armed again.
    rearms: Vec<WatchId<Descriptor>>,
}

impl Stage {
    fn new(state: State, settings: Settings) -> Stage {
        let mut program = Program::new(Pump::with_settings(settings).expect("there are descriptors left"));
        let scene = Scene::new(state);
        let started = Rc::new(Cell::new([None; 2]));
        let (of_procedure, ids) = (scene.clone(), started.clone());
        let window = program.open_window(move |program, (), message| {
            let Some(item) = ids.get().iter().position(|id| *id == message.operation) else { return };
            if let Payload::Host(Err(error)) = &message.payload {
                panic!("{error}");
            }
            if let Cue::Cancel(item) = of_procedure.result(item) {
                cancel(&of_procedure, program.pump(), ids.get(), item);
            }
        });
        Stage { scene, program, window, started, rearms: Vec::new() }
    }

    fn start(&mut self, mut start: impl FnMut(&mut Pump<usize>, WindowId, usize) -> OperationId) {
        for item in self.scene.items() {
            let mut started = self.started.get();
            started[item] = Some(start(self.program.pump(), self.window, item));
            self.started.set(started);
        }
    }

    /// Cancels, unless a handler is to do it.
    fn cancel(&mut self) {
        if !matches!(self.scene.state, State::Next | State::Inside) {
            cancel(&self.scene, self.program.pump(), self.started.get(), 0);
        }
    }

    /// To the end: until everything that comes has come.
    fn finish(&mut self) -> Seen {
        self.settle();
        while self.scene.is_awaited() {
            self.settle();
        }
        self.scene.seen()
    }

    fn settle(&mut self) {
        let until = Instant::now() + SETTLE;
        while Instant::now() < until {
            self.program.dispatch_pending(&mut (), Budget::wait_until(until)).expect("it works");
            for &watch in self.rearms.iter().filter(|_| self.scene.is_cancelled()) {
                // What is cancelled cannot be armed again.
                let _ = self.program.pump().rearm(watch, Interest::READABLE);
            }
        }
    }
}

fn cancel(scene: &Scene, pump: &mut Pump<usize>, started: [Option<OperationId>; 2], item: usize) {
    let operation = started[item].expect("it was started");
    scene.cancel_saying(item, || format!("{:?}", pump.cancel(operation)));
}

fn timer(state: State) -> Seen {
    let mut stage = Stage::new(state, Settings::default());
    let timer = if state == State::Inside { Timer::every(TIMER) } else { Timer::once(TIMER) };
    stage.start(|pump, window, _| pump.set_timer(window, timer).expect("the window is open"));
    pass_time_of_timers(state);
    stage.cancel();
    stage.finish()
}

fn lookup(state: State) -> Seen {
    let in_flight = if state == State::InLine { 1 } else { 256 };
    let config = ResolverConfig::new([([127, 0, 0, 1], 53)]).with_lookups_in_flight_max(in_flight);
    let mut stage = Stage::new(state, Settings::default().resolver(config).expect("it is within its limits"));
    let names = names();
    let query = |name: &str| HostQuery::by_name(name).family(Family::V4);
    if state == State::InLine {
        let root = stage.program.pump().root_window();
        stage.program.pump().lookup_host(root, query(&names[1])).expect("the window is open");
    }
    stage.start(|pump, window, item| pump.lookup_host(window, query(&names[item])).expect("the window is open"));
    // It asks when it is turned.
    stage.program.pump().turn(Budget::no_wait()).expect("it works");
    if state == State::InLine {
        name_server().await_question(&names[1]);
    }
    for item in stage.scene.items().filter(|_| state != State::InLine) {
        name_server().await_question(&names[item]);
        if state != State::UnderWay {
            name_server().answer_into_buffer(&names[item]);
        }
    }
    stage.cancel();
    stage.settle();
    if state == State::UnderWay {
        stage.scene.note_asking();
    }
    names.iter().rev().for_each(|name| name_server().answer(name));
    stage.finish()
}

fn readiness(state: State) -> Seen {
    let mut stage = Stage::new(state, Settings::default());
    let mut sockets = [(); 2].map(|()| socket(state));
    let mut watches = Vec::new();
    stage.start(|pump, window, item| {
        let watch = pump.watch_descriptor(window, &sockets[item].0, Interest::READABLE).expect("the window is open");
        watches.push(watch);
        watch.id()
    });
    stage.rearms = watches;
    stage.cancel();
    sockets[0].1.write_all(b"y").expect("our end is open");
    stage.finish()
}

fn post(state: State, take_back: impl Fn(&mut Pump<usize>, [WindowId; 2], usize) -> String + Copy + 'static) -> Seen {
    let mut program = Program::new(Pump::new().expect("there are descriptors left"));
    let scene = Scene::new(state);
    let windows: [WindowId; 2] = [(); 2].map(|()| program.pump().open_window());
    for window in windows {
        let scene = scene.clone();
        let handler = move |program: &mut Program, (): &mut (), message: msgpump::Message<usize>| {
            let Payload::Posted(item) = message.payload else { return };
            if let Cue::Cancel(item) = scene.result(item) {
                scene.cancel_saying(item, || take_back(program.pump(), windows, item));
            }
        };
        assert!(program.set_procedure(window, handler).is_ok(), "the window is open");
    }
    let (poster, items) = (program.pump().poster(), scene.items());
    let posts = thread::spawn(move || items.for_each(|item| poster.post(windows[item], item).expect("there is room")));
    posts.join().expect("it posts");
    if state == State::Finished {
        scene.cancel_saying(0, || take_back(program.pump(), windows, 0));
    }
    // Posts are there at once.
    program.dispatch_pending(&mut (), Budget::wait(SETTLE)).expect("it works");
    scene.seen()
}

fn work(state: State) -> Seen {
    let mut stage = Stage::new(state, Settings::default());
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let mut completers = Vec::new();
    stage.start(|pump, window, _| {
        let (id, completer) = pump.start_external::<u32>(window).expect("the window is open");
        completers.push(completer);
        id.id()
    });
    let (begun, has_begun) = mpsc::channel();
    let worker = thread::spawn(move || {
        begun.send(()).expect("somebody waits");
        may_go_on.recv().expect("somebody sends");
        for completer in completers {
            // Nobody wants it where it was cancelled.
            let _ = completer.complete(1);
        }
    });
    has_begun.recv().expect("it begins");
    if state == State::UnderWay {
        stage.cancel();
        go_on.send(()).expect("it waits");
        worker.join().expect("it ends");
    } else {
        go_on.send(()).expect("it waits");
        worker.join().expect("it ends");
        stage.cancel();
    }
    stage.finish()
}

/// What another thread sends.
struct FromThread(mpsc::Receiver<u32>);

impl Provider for FromThread {
    type Item = u32;
    type Status = ();

    fn step(&mut self, slice: &mut Slice<'_, u32>) -> Step<()> {
        while !slice.is_full() {
            match self.0.try_recv() {
                Ok(result) => slice.push(result).expect("it is not full"),
                Err(mpsc::TryRecvError::Empty) => return Step::Parked,
                Err(mpsc::TryRecvError::Disconnected) => return Step::End(()),
            }
        }
        Step::More
    }
}

fn stream(state: State) -> Seen {
    let mut stage = Stage::new(state, Settings::default());
    let (results, received) = mpsc::channel();
    let mut provider = Some(FromThread(received));
    let mut waker = None;
    stage.start(|pump, window, _| {
        let provider = provider.take().expect("there is one stream");
        // A message for each result, so that two are left.
        let stream =
            pump.start_stream(window, provider, StreamSettings::default().batch(1)).expect("the window is open");
        waker = pump.stream_waker(stream);
        stream.id()
    });
    // It is asked, and waits for its thread.
    stage.program.pump().turn(Budget::no_wait()).expect("it works");
    let waker = waker.expect("it lives");
    let thread = thread::spawn(move || {
        for result in 0..3 {
            results.send(result).expect("somebody receives");
            waker.wake();
        }
        results
    });
    let keeps_open = thread.join().expect("it ends");
    stage.cancel();
    let seen = stage.finish();
    drop(keeps_open);
    seen
}
