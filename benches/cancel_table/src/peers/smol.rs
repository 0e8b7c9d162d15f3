//! async-io and what smol puts around it. A handler is what stands behind an await.
//!
//! - <https://docs.rs/async-task/latest/async_task/struct.Task.html>: dropping a task cancels it
//! - <https://docs.rs/blocking/latest/blocking/fn.unblock.html>: a closure that runs cannot be cancelled
//!
//! Its pool has one thread here (`BLOCKING_MAX_THREADS`), so that what is queued first has run when what is queued last
//! begins.

use std::cell::RefCell;
use std::io::Write;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use smol::{Async, LocalExecutor, Task, Timer};

use crate::name_server::name_server;
use crate::scene::{Barrier, Cue, SETTLE, Scene, TIMER, names, pass_time_of_timers, row, socket};
use crate::table::{Kind, Seen, State};

const TASK: &str = "https://docs.rs/async-task/latest/async_task/struct.Task.html";
const RECEIVER: &str = "https://docs.rs/async-channel/latest/async_channel/struct.Receiver.html";
const DROP: &str = "drop of its task";

/// A task is its own handler; there is nothing in it that could be cancelled from inside but itself, and it returns.
const STATES: &[State] = &[State::UnderWay, State::Finished, State::Next];

type Work = Pin<Box<dyn Future<Output = ()>>>;

pub fn play() {
    row(Kind::Timer, DROP, TASK, STATES, timer);
    row(Kind::Lookup, DROP, TASK, Kind::Lookup.states(), lookup);
    row(Kind::Readiness, DROP, TASK, STATES, readiness);
    let way = "drop of its receiver: there is no way to take one back";
    row(Kind::Post, way, RECEIVER, Kind::Post.states(), post);
    row(Kind::Work, "drop of a task that awaits an `unblock`", TASK, Kind::Work.states(), work);
    row(Kind::Stream, "drop of a channel's receiver", RECEIVER, Kind::Stream.states(), |state| stream(state, false));
    row(Kind::Stream, "`Receiver::close`", RECEIVER, Kind::Stream.states(), |state| stream(state, true));
}

/// Tasks of an executor.
struct Stage {
    scene: Arc<Scene>,
    executor: LocalExecutor<'static>,
    tasks: Rc<RefCell<Vec<Option<Task<()>>>>>,
}

impl Stage {
    fn new(state: State) -> Stage {
        Stage { scene: Scene::new(state), executor: LocalExecutor::new(), tasks: Rc::default() }
    }

    /// Starts tasks that wait for `future`, and returns when each has begun to.
    fn start(&self, mut future: impl FnMut(usize) -> Work) {
        let begun = Rc::new(AtomicUsize::new(0));
        for item in self.scene.items() {
            let (future, scene, tasks, begun) = (future(item), self.scene.clone(), self.tasks.clone(), begun.clone());
            let task = self.executor.spawn(async move {
                begun.fetch_add(1, SeqCst);
                future.await;
                if let Cue::Cancel(item) = scene.result(item) {
                    drop_task(&scene, &tasks, item);
                }
            });
            self.tasks.borrow_mut().push(Some(task));
        }
        while begun.load(SeqCst) < self.scene.items().len() {
            self.executor.try_tick();
        }
    }

    /// Cancels, unless a handler is to do it.
    fn cancel(&self) {
        if self.scene.state != State::Next {
            drop_task(&self.scene, &self.tasks, 0);
        }
    }

    /// To the end: until everything that comes has come.
    fn finish(&self) -> Seen {
        self.settle();
        while self.scene.is_awaited() {
            self.settle();
        }
        self.scene.seen()
    }

    fn settle(&self) {
        smol::block_on(self.executor.run(async { Timer::after(SETTLE).await }));
    }
}

fn drop_task(scene: &Scene, tasks: &RefCell<Vec<Option<Task<()>>>>, item: usize) {
    scene.cancel(item, || {
        let task = tasks.borrow_mut()[item].take();
        drop(task.expect("it is dropped once"));
    });
}

fn timer(state: State) -> Seen {
    let stage = Stage::new(state);
    stage.start(|_| {
        Box::pin(async {
            Timer::after(TIMER).await;
        })
    });
    pass_time_of_timers(state);
    stage.cancel();
    stage.finish()
}

fn readiness(state: State) -> Seen {
    let stage = Stage::new(state);
    let mut writers = Vec::new();
    stage.start(|_| {
        let (ours, theirs) = socket(State::UnderWay);
        writers.push(theirs);
        let ours = Async::new(ours).expect("it is a socket");
        Box::pin(async move { ours.readable().await.expect("it is a socket") })
    });
    // Nobody may be at the other end any more.
    let mut write = || writers.iter_mut().for_each(|writer| drop(writer.write_all(b"x")));
    if state != State::UnderWay {
        write();
    }
    stage.cancel();
    write();
    stage.finish()
}

/// Holds the pool's only thread.
fn barrier() -> Barrier {
    Barrier::put(|work| smol::unblock(work).detach())
}

fn lookup(state: State) -> Seen {
    let stage = Stage::new(state);
    let names = names();
    let in_the_way = (state == State::InLine).then(barrier);
    stage.start(|item| {
        let name = names[item].clone();
        Box::pin(async move { drop(smol::net::resolve((name, 80)).await.expect("it is answered")) })
    });
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
    stage.settle();
    if state == State::UnderWay {
        stage.scene.note_asking();
    }
    name_server().answer(&names[0]);
    stage.finish()
}

fn work(state: State) -> Seen {
    let stage = Stage::new(state);
    let in_the_way = (state == State::InLine).then(barrier);
    let (begun, has_begun) = mpsc::channel();
    // None is through before its task waits for it.
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = Arc::new(Mutex::new(may_go_on));
    stage.start(|_| {
        let (begun, may_go_on) = (begun.clone(), may_go_on.clone());
        Box::pin(async move {
            let work = smol::unblock(move || {
                begun.send(()).expect("somebody waits");
                may_go_on.lock().expect("nobody panics with it").recv().expect("somebody sends");
            });
            work.await;
        })
    });
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
    stage.finish()
}

fn post(state: State) -> Seen {
    let scene = Scene::new(state);
    let (senders, receivers): (Vec<_>, Vec<_>) = scene.items().map(|_| smol::channel::unbounded()).unzip();
    let mut receivers: Vec<_> = receivers.into_iter().map(Some).collect();
    thread::spawn(move || senders.iter().for_each(|sender| sender.send_blocking(()).expect("somebody receives")))
        .join()
        .expect("it ends");
    if state == State::Finished {
        scene.cancel(0, || drop(receivers[0].take()));
    }
    smol::block_on(async {
        for item in scene.items() {
            while let Some(open) = &receivers[item] {
                let Ok(()) = open.recv().await else { break };
                if let Cue::Cancel(other) = scene.result(item) {
                    scene.cancel(other, || drop(receivers[other].take()));
                }
            }
        }
    });
    scene.seen()
}

fn stream(state: State, closes: bool) -> Seen {
    let scene = Scene::new(state);
    let (sender, receiver) = smol::channel::unbounded();
    let mut receiver = Some(receiver);
    thread::spawn(move || (0..3).for_each(|_| sender.send_blocking(()).expect("somebody receives")))
        .join()
        .expect("it ends");
    let cancel = |receiver: &mut Option<smol::channel::Receiver<()>>| {
        scene.cancel(0, || match receiver {
            Some(receiver) if closes => {
                receiver.close();
            }
            receiver => drop(receiver.take()),
        });
    };
    if state == State::Finished {
        cancel(&mut receiver);
    }
    smol::block_on(async {
        while let Some(open) = &receiver {
            let Ok(()) = open.recv().await else { break };
            if let Cue::Cancel(_) = scene.result(0) {
                cancel(&mut receiver);
            }
        }
    });
    scene.seen()
}
