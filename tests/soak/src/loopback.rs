//! The real outside: the loopback interface, four threads, and descriptors of the system's.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use msgpump::{Poster, Pump, WindowId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::load::settings;
use crate::measure;
use crate::numbers::Rouser;
use crate::others::Others;
use crate::outside::{Outside, SENDERS, Work};
use crate::parcel::Parcel;
use crate::random::Random;

/// How long one who posts waits for work between two bursts.
const BETWEEN_BURSTS: Duration = Duration::from_millis(1);

/// How long a name server has to answer: those here do so at once or not at all.
const SERVER_TIMEOUT: Duration = Duration::from_millis(25);

pub struct Loopback {
    start: Instant,
    others: Others,
    senders: Vec<Sender<Errand>>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    next_sender: Arc<AtomicUsize>,
    usual_limit: Rlimit,
}

struct Shared {
    windows: Mutex<Vec<WindowId>>,
    /// Errands that were sent and are not done.
    errands: AtomicUsize,
    /// Threads in the middle of a burst.
    posting: AtomicUsize,
    is_over: AtomicBool,
}

/// What is sent to a thread.
enum Errand {
    Do(Work),
    /// Posts with this from now on.
    PostWith(Poster<Parcel>),
}

impl Loopback {
    pub fn start(seed: u64) -> Result<Loopback, Box<dyn Error>> {
        let others = Others::start(seed)?;
        let shared = Arc::new(Shared {
            windows: Mutex::new(Vec::with_capacity(64)),
            errands: AtomicUsize::new(0),
            posting: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let (mut senders, mut threads) = (Vec::new(), Vec::new());
        for number in 0..SENDERS {
            let (sender, errands) = mpsc::channel();
            let (shared, random) = (shared.clone(), Random::new(seed ^ number as u64));
            senders.push(sender);
            threads.push(thread::spawn(move || serve(number, &errands, &shared, random)));
        }
        let usual_limit = getrlimit(Resource::Nofile);
        let (start, next_sender) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        Ok(Loopback { start, others, senders, threads, shared, next_sender, usual_limit })
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.shared.is_over.store(true, SeqCst);
        self.senders.clear();
        for thread in self.threads.drain(..) {
            let result = thread.join();
            if !thread::panicking() {
                result.expect("those who post do not panic");
            }
        }
    }
}

/// What one of the threads does: posts in bursts, and the errands that it is sent on.
fn serve(number: usize, errands: &Receiver<Errand>, shared: &Shared, mut random: Random) {
    let (mut poster, mut posts) = (None, 0);
    while !shared.is_over.load(SeqCst) {
        if let Some(poster) = &poster {
            shared.posting.fetch_add(1, SeqCst);
            for _ in 0..random.below(32) {
                let windows = shared.windows.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(window) = random.pick(&windows) else { break };
                drop(windows);
                posts += 1;
                // A refused one is dropped here, and a destroyed window's there.
                let _ = Poster::post(poster, window, Parcel::new(number, posts));
            }
            shared.posting.fetch_sub(1, SeqCst);
        }
        let mut errand = errands.recv_timeout(BETWEEN_BURSTS);
        while let Ok(what) = errand {
            match what {
                Errand::Do(work) => work.perform(),
                Errand::PostWith(with) => poster = Some(with),
            }
            shared.errands.fetch_sub(1, SeqCst);
            errand = errands.try_recv().map_err(|_| RecvTimeoutError::Timeout);
        }
    }
}

impl Outside for Loopback {
    fn pump(&mut self) -> Pump<Parcel> {
        let pump =
            Pump::with_settings(settings(&self.others.name_servers, SERVER_TIMEOUT)).expect("descriptors are left");
        for sender in &self.senders {
            self.shared.errands.fetch_add(1, SeqCst);
            sender.send(Errand::PostWith(pump.poster())).expect("the thread runs");
        }
        pump
    }

    fn peers(&self) -> &[SocketAddr] {
        &self.others.peers
    }

    fn listening_address(&mut self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }

    fn pipe(&mut self) -> Option<(io::PipeReader, io::PipeWriter)> {
        io::pipe().ok()
    }

    fn hand_over(&mut self, work: Work) {
        send(&self.senders, &self.shared, &self.next_sender, work);
    }

    fn rouser(&self) -> Rouser {
        let (senders, shared, next) = (self.senders.clone(), self.shared.clone(), self.next_sender.clone());
        Arc::new(move |waker| send(&senders, &shared, &next, Work::Wake(waker)))
    }

    fn announce(&mut self, windows: &[WindowId]) {
        let mut shared = self.shared.windows.lock().unwrap_or_else(PoisonError::into_inner);
        shared.clear();
        shared.extend(windows);
    }

    fn act(&mut self, _pump: &Pump<Parcel>, _random: &mut Random) {}

    fn is_quiet(&self) -> bool {
        self.shared.errands.load(SeqCst) == 0 && self.shared.posting.load(SeqCst) == 0
    }

    fn limit_descriptors(&mut self, spare: Option<usize>) {
        let current = match spare {
            Some(spare) => measure::descriptors().map(|open| (open + spare) as u64),
            None => self.usual_limit.current,
        };
        let limit = Rlimit { current, maximum: self.usual_limit.maximum };
        setrlimit(Resource::Nofile, limit).expect("a process may lower its own limits, and raise them to the maximum");
    }

    fn descriptors(&self) -> Option<usize> {
        measure::descriptors()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn round_max(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn scale(&self) -> u32 {
        1
    }
}

fn send(senders: &[Sender<Errand>], shared: &Shared, next: &AtomicUsize, work: Work) {
    shared.errands.fetch_add(1, SeqCst);
    let sender = &senders[next.fetch_add(1, SeqCst) % senders.len()];
    sender.send(Errand::Do(work)).expect("the thread runs as long as there is work");
}
