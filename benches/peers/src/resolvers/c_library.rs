//! The C library's `getaddrinfo`, which blocks its thread: on threads by hand, and on tokio's pool.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Asking, Resolver, Wanted, answered, name};
use crate::foreign::c_library;

/// Threads that block, and channels to and from them. A cancel is a flag: who runs, runs on.
pub struct Threads {
    questions: crossbeam_channel::Sender<(usize, Wanted)>,
    answers: crossbeam_channel::Receiver<(usize, Vec<IpAddr>)>,
    threads: Vec<JoinHandle<()>>,
    is_cancelled: Arc<AtomicBool>,
}

impl Threads {
    pub fn open_many(threads: usize) -> Threads {
        let (questions, asked) = crossbeam_channel::unbounded::<(usize, Wanted)>();
        let (told, answers) = crossbeam_channel::unbounded();
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let work = |_| {
            let (asked, told, is_cancelled) = (asked.clone(), told.clone(), is_cancelled.clone());
            thread::spawn(move || {
                for (number, wanted) in asked {
                    if !is_cancelled.load(Ordering::Acquire) {
                        let found = c_library::look_up(&name(number), wanted.family()).unwrap_or_default();
                        let _ = told.send((number, found));
                    }
                }
            })
        };
        Threads { questions, answers, threads: (0..threads).map(work).collect(), is_cancelled }
    }
}

impl Resolver for Threads {
    fn open(_asking: Asking) -> Threads {
        Threads::open_many(4)
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        self.questions.send((number, wanted)).expect("the threads live");
    }

    fn turn(&mut self, limit: Duration) {
        if let Ok((number, addresses)) = self.answers.recv_timeout(limit)
            && !self.is_cancelled.load(Ordering::Acquire)
        {
            answered(number, &addresses);
        }
    }

    fn cancel(&mut self, _count: usize) -> usize {
        self.is_cancelled.store(true, Ordering::Release);
        self.threads.len()
    }

    fn close(self) {
        drop(self.questions);
        self.threads.into_iter().for_each(|thread| thread.join().expect("it ends with its questions"));
    }
}

/// `tokio::net::lookup_host`: the C library on a pool of up to 512 threads.
pub struct TokioLookupHost {
    runtime: tokio::runtime::Runtime,
    set: tokio::task::LocalSet,
    woken: Rc<tokio::sync::Notify>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Resolver for TokioLookupHost {
    fn open(asking: Asking) -> TokioLookupHost {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("there are descriptors left");
        let (set, woken) = (tokio::task::LocalSet::new(), Rc::default());
        TokioLookupHost { runtime, set, woken, tasks: Vec::with_capacity(asking.lookups) }
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        let woken = self.woken.clone();
        let look_up = async move {
            let addresses: Vec<IpAddr> = match tokio::net::lookup_host((name(number), 80)).await {
                Ok(found) => found.map(|address| address.ip()).collect(),
                Err(_) => Vec::new(),
            };
            // It has no way to ask for one family only.
            assert!(wanted == Wanted::Both || addresses.is_empty());
            answered(number, &addresses);
            woken.notify_one();
        };
        self.tasks.push(self.set.spawn_local(look_up));
    }

    fn turn(&mut self, limit: Duration) {
        turn_of_tokio(&self.runtime, &self.set, &self.woken, limit);
    }

    fn cancel(&mut self, count: usize) -> usize {
        self.tasks[..count].iter().for_each(tokio::task::JoinHandle::abort);
        0
    }

    fn are_cancels_told(&mut self) -> bool {
        self.tasks.iter().all(tokio::task::JoinHandle::is_finished)
    }

    fn close(self) {
        // Waits for the pool, as the end of `main` does.
        drop(self.set);
        drop(self.runtime);
    }
}

/// Runs the tasks of a set until one of them wakes the program, for up to `limit`.
pub(super) fn turn_of_tokio(
    runtime: &tokio::runtime::Runtime,
    set: &tokio::task::LocalSet,
    woken: &tokio::sync::Notify,
    limit: Duration,
) {
    runtime.block_on(set.run_until(async {
        if limit.is_zero() {
            tokio::task::yield_now().await;
        } else {
            let _ = tokio::time::timeout(limit, woken.notified()).await;
        }
    }));
}
