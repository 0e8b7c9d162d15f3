//! calloop. A removed source is not called any more; what its own callback has begun with goes on.
//!
//! <https://docs.rs/calloop/latest/calloop/struct.LoopHandle.html#method.remove>

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use calloop::channel::{Event, channel};
use calloop::generic::Generic;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, Idle, Interest, LoopHandle, Mode, PostAction, RegistrationToken};

use crate::scene::{Cue, SETTLE, Scene, TIMER, absent, pass_time_of_timers, row, socket};
use crate::table::{Kind, Seen, State};

const REMOVE: &str = "https://docs.rs/calloop/latest/calloop/struct.LoopHandle.html#method.remove";
const IDLE: &str = "https://docs.rs/calloop/latest/calloop/struct.Idle.html#method.cancel";

pub fn play() {
    row(Kind::Timer, "`LoopHandle::remove`", REMOVE, Kind::Timer.states(), timer);
    absent(Kind::Lookup, "no such kind");
    row(Kind::Readiness, "`LoopHandle::remove`", REMOVE, Kind::Readiness.states(), readiness);
    let way = "`LoopHandle::remove` of its channel: there is no way to take one back";
    row(Kind::Post, way, REMOVE, Kind::Post.states(), post);
    row(Kind::Post, "`Idle::cancel`", IDLE, Kind::Post.states(), idle);
    absent(Kind::Work, "no such kind: a channel carries it");
    row(Kind::Stream, "`LoopHandle::remove` of its channel", REMOVE, Kind::Stream.states(), stream);
}

/// A loop and what was put into it.
struct Stage {
    scene: Arc<Scene>,
    event_loop: EventLoop<'static, ()>,
    tokens: Arc<Mutex<Vec<RegistrationToken>>>,
}

impl Stage {
    /// `insert` gets what a handler is to call.
    fn new(
        state: State,
        mut insert: impl FnMut(LoopHandle<'static, ()>, usize, Handler) -> RegistrationToken,
    ) -> Stage {
        let event_loop = EventLoop::try_new().expect("there are descriptors left");
        let stage = Stage { scene: Scene::new(state), event_loop, tokens: Arc::default() };
        for item in stage.scene.items() {
            let (scene, handle, tokens) = (stage.scene.clone(), stage.event_loop.handle(), stage.tokens.clone());
            let handler = Handler { scene, handle, tokens, item };
            let token = insert(stage.event_loop.handle(), item, handler);
            stage.tokens.lock().expect("nobody panics with it").push(token);
        }
        stage
    }

    /// Cancels, unless a handler is to do it.
    fn cancel(&self) {
        if !matches!(self.scene.state, State::Next | State::Inside) {
            remove(&self.scene, &self.event_loop.handle(), &self.tokens, 0);
        }
    }

    /// Turns until everything that comes has come.
    fn finish(mut self) -> Seen {
        loop {
            let until = Instant::now() + SETTLE;
            while let Some(rest) = until.checked_duration_since(Instant::now()) {
                self.event_loop.dispatch(rest, &mut ()).expect("it works");
            }
            if !self.scene.is_awaited() {
                return self.scene.seen();
            }
        }
    }
}

struct Handler {
    scene: Arc<Scene>,
    handle: LoopHandle<'static, ()>,
    tokens: Arc<Mutex<Vec<RegistrationToken>>>,
    item: usize,
}

impl Handler {
    fn call(&self) {
        if let Cue::Cancel(item) = self.scene.result(self.item) {
            remove(&self.scene, &self.handle, &self.tokens, item);
        }
    }
}

fn remove(scene: &Scene, handle: &LoopHandle<'static, ()>, tokens: &Mutex<Vec<RegistrationToken>>, item: usize) {
    let token = tokens.lock().expect("nobody panics with it")[item];
    scene.cancel(item, || handle.remove(token));
}

fn timer(state: State) -> Seen {
    let stage = Stage::new(state, |handle, _, handler| {
        let call = move |_, _: &mut (), (): &mut ()| {
            handler.call();
            if state == State::Inside { TimeoutAction::ToDuration(TIMER) } else { TimeoutAction::Drop }
        };
        handle.insert_source(Timer::from_duration(TIMER), call).expect("it is a source")
    });
    pass_time_of_timers(state);
    stage.cancel();
    stage.finish()
}

fn readiness(state: State) -> Seen {
    let mut others = Vec::new();
    let stage = Stage::new(state, |handle, _, handler| {
        let (ours, theirs) = socket(state);
        others.push(theirs);
        let call = move |_, _: &mut _, (): &mut ()| {
            handler.call();
            Ok(PostAction::Continue)
        };
        handle.insert_source(Generic::new(ours, Interest::READ, Mode::Level), call).expect("it is a source")
    });
    stage.cancel();
    // Nobody may be at the other end any more.
    let _ = others[0].write_all(b"y");
    stage.finish()
}

fn post(state: State) -> Seen {
    channels(state, 1)
}

fn stream(state: State) -> Seen {
    channels(state, 3)
}

/// Channels in each of which another thread has put so many messages.
fn channels(state: State, messages: usize) -> Seen {
    let mut senders = Vec::new();
    let stage = Stage::new(state, |handle, _, handler| {
        let (sender, receiver) = channel();
        senders.push(sender);
        let call = move |event, (): &mut (), (): &mut ()| {
            if let Event::Msg(()) = event {
                handler.call();
            }
        };
        handle.insert_source(receiver, call).expect("it is a source")
    });
    let thread = thread::spawn(move || {
        for sender in &senders {
            (0..messages).for_each(|_| sender.send(()).expect("somebody receives"));
        }
        senders
    });
    let _keep_open = thread.join().expect("it ends");
    stage.cancel();
    stage.finish()
}

/// Callbacks of its own thread: other threads cannot insert one.
fn idle(state: State) -> Seen {
    let mut event_loop = EventLoop::<()>::try_new().expect("there are descriptors left");
    let scene = Scene::new(state);
    let idles: Arc<Mutex<Vec<Option<Idle>>>> = Arc::default();
    let cancel = |scene: &Scene, idles: &Mutex<Vec<Option<Idle>>>, item: usize| {
        scene.cancel(item, || {
            let idle = idles.lock().expect("nobody panics with it")[item].take();
            idle.expect("it is cancelled once").cancel();
        });
    };
    for item in scene.items() {
        let (scene, of_handler) = (scene.clone(), idles.clone());
        let idle = event_loop.handle().insert_idle(move |()| {
            if let Cue::Cancel(item) = scene.result(item) {
                cancel(&scene, &of_handler, item);
            }
        });
        idles.lock().expect("nobody panics with it").push(Some(idle));
    }
    if state == State::Finished {
        cancel(&scene, &idles, 0);
    }
    event_loop.dispatch(SETTLE, &mut ()).expect("it works");
    event_loop.dispatch(SETTLE, &mut ()).expect("it works");
    scene.seen()
}
