//! tokio, on one thread. A handler is what stands behind an await.
//!
//! - <https://docs.rs/tokio/latest/tokio/task/index.html#cancellation>: a task that is aborted may complete all the same if it
//!   has completed already, and is cancelled at its next await otherwise; a closure on the blocking pool that runs cannot
//!   be aborted
//! - <https://docs.rs/tokio/latest/tokio/task/struct.JoinSet.html>: what was aborted is still joined
//! - <https://docs.rs/tokio/latest/tokio/sync/mpsc/index.html#clean-shutdown>: what is sent can still be received after `close`
//!
//! Its pool has one thread here, so that what is queued first has run when what is queued last begins.

use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{AbortHandle, Id, JoinSet, spawn_blocking, yield_now};
use tokio::time::{Instant, sleep, timeout_at};

use crate::name_server::name_server;
use crate::scene::{Barrier, Cue, SETTLE, Scene, TIMER, absent, names, pass_time_of_timers, row, socket};
use crate::table::{Kind, Seen, State};

const TASK: &str = "https://docs.rs/tokio/latest/tokio/task/index.html#cancellation";
const SET: &str = "https://docs.rs/tokio/latest/tokio/task/struct.JoinSet.html#method.abort_all";
const CLOSE: &str = "https://docs.rs/tokio/latest/tokio/sync/mpsc/struct.UnboundedReceiver.html#method.close";

/// A task is its own handler; there is nothing in it that could be cancelled from inside but itself, and it returns.
const STATES: &[State] = &[State::UnderWay, State::Finished, State::Next];

pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Who tells the program of a task's end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The task itself goes on; nobody joins it.
    Aborted,
    /// The program joins it.
    JoinSet,
}

pub fn play() {
    rows(Way::Aborted, "`abort` of its task, which nobody joins", TASK);
    let way = "drop of its receiver: there is no way to take one back";
    row(Kind::Post, way, CLOSE, Kind::Post.states(), post);
    row(Kind::Stream, "drop of an `mpsc` receiver", CLOSE, Kind::Stream.states(), |state| stream(state, false));
    row(Kind::Stream, "`UnboundedReceiver::close`", CLOSE, Kind::Stream.states(), |state| stream(state, true));
}

pub fn play_join_set() {
    rows(Way::JoinSet, "`abort` of its task in a `JoinSet`", SET);
    absent(Kind::Post, "no such kind");
    absent(Kind::Stream, "no such kind");
}

fn rows(way: Way, in_words: &str, source: &str) {
    row(Kind::Timer, in_words, source, STATES, |state| timer(state, way));
    row(Kind::Lookup, in_words, source, Kind::Lookup.states(), |state| lookup(state, way));
    row(Kind::Readiness, in_words, source, STATES, |state| readiness(state, way));
    let in_words = in_words.replace(
        "its task",
        if way == Way::JoinSet { "a `spawn_blocking`" } else { "a task that awaits a `spawn_blocking`" },
    );
    row(Kind::Work, &in_words, source, Kind::Work.states(), |state| work(state, way));
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().max_blocking_threads(1).build().expect("there are descriptors left")
}

/// Tasks, and how they are aborted.
pub struct Stage {
    pub scene: Arc<Scene>,
    way: Way,
    aborts: Arc<Mutex<Vec<AbortHandle>>>,
    /// Where their ends are joined.
    set: JoinSet<()>,
    ids: Vec<Id>,
    begun: Arc<AtomicUsize>,
}

impl Stage {
    pub fn new(state: State, way: Way) -> Stage {
        let (scene, aborts) = (Scene::new(state), Arc::default());
        Stage { scene, way, aborts, set: JoinSet::new(), ids: Vec::new(), begun: Arc::default() }
    }

    /// Starts tasks that wait for `future`, and returns when each has begun to.
    pub async fn start(&mut self, mut future: impl FnMut(usize) -> Work) {
        for item in self.scene.items() {
            let (future, begun) = (future(item), self.begun.clone());
            let abort = match self.way {
                Way::JoinSet => self.set.spawn(async move {
                    begun.fetch_add(1, SeqCst);
                    future.await;
                }),
                Way::Aborted => {
                    let (scene, aborts) = (self.scene.clone(), self.aborts.clone());
                    let task = tokio::spawn(async move {
                        begun.fetch_add(1, SeqCst);
                        future.await;
                        if let Cue::Cancel(item) = scene.result(item) {
                            abort(&scene, &aborts, item);
                        }
                    });
                    task.abort_handle()
                }
            };
            self.add(abort);
        }
        while self.begun.load(SeqCst) < self.scene.items().len() {
            yield_now().await;
        }
    }

    fn add(&mut self, abort: AbortHandle) {
        self.ids.push(abort.id());
        self.aborts.lock().expect("nobody panics with it").push(abort);
    }

    /// Cancels, unless a handler is to do it.
    pub fn cancel(&self) {
        if self.scene.state != State::Next {
            abort(&self.scene, &self.aborts, 0);
        }
    }

    /// To the end: until everything that comes has come.
    pub async fn finish(&mut self) -> Seen {
        self.settle().await;
        while self.scene.is_awaited() {
            self.settle().await;
        }
        self.scene.seen()
    }

    pub async fn settle(&mut self) {
        let until = Instant::now() + SETTLE;
        while let Ok(Some(joined)) = timeout_at(until, self.set.join_next_with_id()).await {
            let id = joined.as_ref().map_or_else(|error| error.id(), |(id, ())| *id);
            let item = self.ids.iter().position(|known| *known == id).expect("it is one of them");
            match joined {
                Ok(_) => {
                    if let Cue::Cancel(item) = self.scene.result(item) {
                        abort(&self.scene, &self.aborts, item);
                    }
                }
                Err(error) => {
                    assert!(error.is_cancelled());
                    self.scene.told_cancelled(item);
                }
            }
        }
        sleep(until - Instant::now()).await;
    }
}

fn abort(scene: &Scene, aborts: &Mutex<Vec<AbortHandle>>, item: usize) {
    let abort = aborts.lock().expect("nobody panics with it")[item].clone();
    scene.cancel(item, || abort.abort());
}

fn timer(state: State, way: Way) -> Seen {
    runtime().block_on(async {
        let mut stage = Stage::new(state, way);
        stage.start(|_| Box::pin(sleep(TIMER))).await;
        pass_time_of_timers(state);
        stage.cancel();
        stage.finish().await
    })
}

fn readiness(state: State, way: Way) -> Seen {
    runtime().block_on(async {
        let mut stage = Stage::new(state, way);
        let mut writers = Vec::new();
        let sockets = [(); 2].map(|()| socket(State::UnderWay)).map(|(ours, theirs)| {
            writers.push(theirs);
            Arc::new(tokio::net::UnixStream::from_std(ours).expect("it is a socket"))
        });
        stage
            .start(|item| {
                let socket = sockets[item].clone();
                Box::pin(async move { socket.readable().await.expect("it is a socket") })
            })
            .await;
        let mut write = || writers.iter_mut().for_each(|writer| writer.write_all(b"x").expect("there is room"));
        if state != State::UnderWay {
            write();
        }
        stage.cancel();
        write();
        stage.finish().await
    })
}

/// Holds the pool's only thread.
fn barrier() -> Barrier {
    Barrier::put(|work| drop(spawn_blocking(work)))
}

fn lookup(state: State, way: Way) -> Seen {
    runtime().block_on(async {
        let mut stage = Stage::new(state, way);
        let names = names();
        let in_the_way = (state == State::InLine).then(barrier);
        stage
            .start(|item| {
                let name = names[item].clone();
                Box::pin(async move { drop(tokio::net::lookup_host((name, 80)).await.expect("it is answered")) })
            })
            .await;
        let mut behind = None;
        match state {
            State::InLine => {}
            State::UnderWay => name_server().await_question(&names[0]),
            _ => {
                names.iter().for_each(|name| name_server().answer(name));
                behind = Some(barrier());
            }
        }
        stage.cancel();
        drop((in_the_way, behind));
        stage.settle().await;
        if state == State::UnderWay {
            stage.scene.note_asking();
        }
        name_server().answer(&names[0]);
        stage.finish().await
    })
}

fn work(state: State, way: Way) -> Seen {
    runtime().block_on(async {
        let mut stage = Stage::new(state, way);
        let in_the_way = (state == State::InLine).then(barrier);
        let (begun, has_begun) = mpsc::channel();
        // None is through before its task waits for it.
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let may_go_on = Arc::new(Mutex::new(may_go_on));
        let closure = || {
            let (begun, may_go_on) = (begun.clone(), may_go_on.clone());
            move || {
                begun.send(()).expect("somebody waits");
                may_go_on.lock().expect("nobody panics with it").recv().expect("somebody sends");
            }
        };
        if way == Way::JoinSet {
            for _ in stage.scene.items() {
                let abort = stage.set.spawn_blocking(closure());
                stage.add(abort);
            }
        } else {
            stage
                .start(|_| {
                    let closure = closure();
                    Box::pin(async move { spawn_blocking(closure).await.expect("it does not panic") })
                })
                .await;
        }
        let go_on = || stage.scene.items().for_each(|_| go_on.send(()).expect("the closures receive it"));
        let mut behind = None;
        match state {
            State::InLine => {}
            State::UnderWay => has_begun.recv().expect("it begins"),
            _ => {
                go_on();
                behind = Some(barrier());
            }
        }
        stage.cancel();
        drop((in_the_way, behind));
        if matches!(state, State::InLine | State::UnderWay) {
            go_on();
        }
        stage.finish().await
    })
}

fn post(state: State) -> Seen {
    runtime().block_on(async {
        let scene = Scene::new(state);
        let (senders, receivers): (Vec<_>, Vec<_>) =
            scene.items().map(|_| tokio::sync::mpsc::unbounded_channel()).unzip();
        let mut receivers: Vec<_> = receivers.into_iter().map(Some).collect();
        thread::spawn(move || senders.iter().for_each(|sender| sender.send(()).expect("somebody receives")))
            .join()
            .expect("it ends");
        if state == State::Finished {
            scene.cancel(0, || drop(receivers[0].take()));
        }
        for item in scene.items() {
            while let Some(open) = &mut receivers[item] {
                let Some(()) = open.recv().await else { break };
                if let Cue::Cancel(other) = scene.result(item) {
                    scene.cancel(other, || drop(receivers[other].take()));
                }
            }
        }
        scene.seen()
    })
}

fn stream(state: State, closes: bool) -> Seen {
    runtime().block_on(async {
        let scene = Scene::new(state);
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let mut receiver = Some(receiver);
        thread::spawn(move || (0..3).for_each(|_| sender.send(()).expect("somebody receives")))
            .join()
            .expect("it ends");
        let cancel = |receiver: &mut Option<tokio::sync::mpsc::UnboundedReceiver<()>>| {
            scene.cancel(0, || match receiver {
                Some(receiver) if closes => receiver.close(),
                receiver => drop(receiver.take()),
            });
        };
        if state == State::Finished {
            cancel(&mut receiver);
        }
        while let Some(open) = &mut receiver {
            let Some(()) = open.recv().await else { break };
            if let Cue::Cancel(_) = scene.result(0) {
                cancel(&mut receiver);
            }
        }
        scene.seen()
    })
}
