//! What must hold in every order.

use std::io;
use std::sync::Arc;

use loom::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use slotmap::SlotMap;

use crate::error::PostRefusal;
use crate::external::{Abandoned, Completer, External, ExternalId, News, Wanted};
use crate::id::{OperationId, OperationKey, PumpTag, TagLease, WindowId, WindowKey};
use crate::inbox::{Entry, Inbox, Poster};
use crate::provider::StreamWaker;

/// What the pump sleeps on: readable from a wake-up to the wait that takes it in.
#[derive(Default)]
struct Descriptor {
    is_readable: Mutex<bool>,
    changed: Condvar,
    /// How many wake-ups are still to fail.
    failures: AtomicUsize,
}

impl Descriptor {
    fn wake(&self) -> io::Result<()> {
        if self.failures.load(Relaxed) > 0 {
            self.failures.fetch_sub(1, Relaxed);
            return Err(io::ErrorKind::Other.into());
        }
        *self.is_readable.lock().unwrap() = true;
        self.changed.notify_one();
        Ok(())
    }

    /// Sleeps until it is readable. Loom says so if nobody ever wakes it.
    fn sleep(&self) {
        let mut is_readable = self.is_readable.lock().unwrap();
        while !*is_readable {
            is_readable = self.changed.wait(is_readable).unwrap();
        }
    }

    /// The system's wait: takes in that it is readable.
    fn take_in(&self) {
        *self.is_readable.lock().unwrap() = false;
    }
}

/// The pump, as far as other threads meet it.
struct Pump {
    inbox: Inbox<u32>,
    wanted: Arc<Wanted>,
    descriptor: Arc<Descriptor>,
    taken: Vec<Entry<u32>>,
    /// How often it was said that nothing waits, and a wake-up was asked for.
    asked: u64,
    /// How much is taken over at a time.
    limit: usize,
}

/// Two windows and an operation.
struct Ids {
    window: WindowId,
    other: WindowId,
    operation: OperationId,
}

impl Pump {
    fn new(capacity: usize) -> (Pump, Ids) {
        let descriptor = Arc::new(Descriptor::default());
        let waking = descriptor.clone();
        let wanted = Arc::new(Wanted::new());
        let inbox = Inbox::new(capacity, wanted.clone(), Arc::new(move || waking.wake()));
        let tag: PumpTag = TagLease::new().tag();
        let mut windows = SlotMap::<WindowKey, ()>::with_key();
        let mut operations = SlotMap::<OperationKey, ()>::with_key();
        let [window, other] = [(), ()].map(|()| WindowId::new(tag, windows.insert(())));
        let operation = OperationId::new(tag, operations.insert(()));
        inbox.open_window(window);
        inbox.open_window(other);
        let pump = Pump { inbox, wanted, descriptor, taken: Vec::new(), asked: 0, limit: 16 };
        (pump, Ids { window, other, operation })
    }

    fn start<R: Send + 'static>(&self, operation: OperationId) -> Completer<R> {
        self.wanted.want(operation);
        Completer::new(operation, self.inbox.bell())
    }

    fn cancel(&self, operation: OperationId) {
        self.wanted.forget(operation.slot());
    }

    /// What the operation came to whose news was taken over last.
    fn result<R: 'static>(&mut self) -> Option<Result<R, Abandoned>> {
        match self.taken.pop() {
            Some(Entry::News(News { operation, result: Some(result) })) => {
                External::new(operation, result).of(ExternalId::new(operation))
            }
            _ => None,
        }
    }

    fn take_over(&mut self) {
        let Pump { inbox, taken, limit, .. } = self;
        inbox.take_over(*limit, 16, |entry| taken.push(entry));
    }

    /// Waits until this many things were taken over: asks for a wake-up last, and only then sleeps.
    fn wait_for(&mut self, count: usize) {
        loop {
            self.take_over();
            if self.taken.len() >= count {
                return;
            }
            if self.inbox.want_wake() {
                continue;
            }
            self.asked += 1;
            self.descriptor.sleep();
            self.inbox.wait_for_wakes();
            self.descriptor.take_in();
        }
    }

    /// The numbers that were posted, and how much news came.
    fn seen(&self) -> (Vec<u32>, usize) {
        let posts = self.taken.iter().filter_map(|entry| match entry {
            Entry::Post(_, number) => Some(*number),
            Entry::News(_) => None,
        });
        let posts: Vec<_> = posts.collect();
        let news = self.taken.len() - posts.len();
        (posts, news)
    }
}

fn post(pump: &Pump, window: WindowId, numbers: &'static [u32]) -> thread::JoinHandle<()> {
    let poster = pump.inbox.poster();
    thread::spawn(move || numbers.iter().for_each(|&number| poster.post(window, number).expect("there is room")))
}

/// Tries every order of at most three threads; of more switches than these in one run, none is needed to see a fault
/// of two threads.
fn check(switches_max: Option<usize>, test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = switches_max;
    model.check(test);
}

#[test]
fn a_post_ends_the_wait_whenever_it_comes() {
    check(None, || {
        let (mut pump, ids) = Pump::new(8);
        let thread = post(&pump, ids.window, &[1]);
        pump.wait_for(1);
        assert_eq!(pump.seen(), (vec![1], 0));
        thread.join().unwrap();
    });
}

#[test]
fn posts_of_one_thread_keep_their_order_and_none_is_lost() {
    check(Some(4), || {
        let (mut pump, ids) = Pump::new(8);
        // So that more is posted while the pump still holds something.
        pump.limit = 1;
        let thread = post(&pump, ids.window, &[1, 2, 3]);
        pump.wait_for(3);
        assert_eq!(pump.seen(), (vec![1, 2, 3], 0));
        thread.join().unwrap();
        assert!(pump.inbox.is_empty());
    });
}

#[test]
fn what_is_posted_while_something_is_held_comes_behind_it() {
    check(None, || {
        let (mut pump, ids) = Pump::new(8);
        let poster = pump.inbox.poster();
        [1, 2, 3].into_iter().for_each(|number| poster.post(ids.window, number).expect("there is room"));
        pump.limit = 1;
        pump.take_over();
        let thread = post(&pump, ids.window, &[4]);
        pump.wait_for(4);
        assert_eq!(pump.seen(), (vec![1, 2, 3, 4], 0));
        thread.join().unwrap();
    });
}

#[test]
fn posts_of_two_threads_all_come_and_wake_no_oftener_than_was_asked() {
    check(Some(3), || {
        let (mut pump, ids) = Pump::new(8);
        let threads = [post(&pump, ids.window, &[1]), post(&pump, ids.other, &[2])];
        pump.wait_for(2);
        let mut posts = pump.seen().0;
        posts.sort_unstable();
        assert_eq!(posts, [1, 2]);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        // The first wake-up is asked for by a new inbox.
        assert!(pump.inbox.wakes() <= 1 + pump.asked, "{} wakes, {} asked", pump.inbox.wakes(), pump.asked);
    });
}

#[test]
fn a_burst_of_two_threads_wakes_once() {
    check(None, || {
        let (mut pump, ids) = Pump::new(8);
        let threads = [post(&pump, ids.window, &[1, 2]), post(&pump, ids.window, &[3])];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(pump.inbox.wakes(), 1);
        pump.take_over();
        assert_eq!(pump.taken.len(), 3);
    });
}

#[test]
fn news_and_posts_all_come() {
    check(Some(3), || {
        // Room for the post alone: news needs none.
        let (mut pump, ids) = Pump::new(1);
        let (bell, operation) = (pump.inbox.bell(), ids.operation);
        let ringing = thread::spawn(move || bell.ring(News { operation, result: None }));
        let posting = post(&pump, ids.window, &[1]);
        pump.wait_for(2);
        assert_eq!(pump.seen(), (vec![1], 1));
        [ringing, posting].into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_completion_is_not_lost() {
    check(None, || {
        let (mut pump, ids) = Pump::new(8);
        let completer = pump.start::<u32>(ids.operation);
        let thread = thread::spawn(move || completer.complete(7));
        pump.wait_for(1);
        assert_eq!(pump.seen(), (vec![], 1));
        assert_eq!(pump.result::<u32>(), Some(Ok(7)));
        assert_eq!(thread.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_completer_that_gives_up_is_told_of() {
    check(None, || {
        let (mut pump, ids) = Pump::new(8);
        let completer = pump.start::<u32>(ids.operation);
        let thread = thread::spawn(move || drop(completer));
        pump.wait_for(1);
        assert_eq!(pump.result::<u32>(), Some(Err(Abandoned)));
        thread.join().unwrap();
    });
}

#[test]
fn a_cancelled_completion_comes_back_or_is_gone() {
    check(None, || {
        let (mut pump, ids) = Pump::new(8);
        let completer = pump.start::<u32>(ids.operation);
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let seen = is_cancelled.clone();
        let thread = thread::spawn(move || {
            let is_late = seen.load(SeqCst);
            assert!(!is_late || !completer.is_wanted());
            (is_late, completer.complete(7))
        });
        pump.cancel(ids.operation);
        is_cancelled.store(true, SeqCst);
        let (is_late, completed) = thread.join().unwrap();
        pump.take_over();
        let news = pump.seen().1;
        assert!(completed == Err(7) || !is_late, "what comes after the cancel comes back");
        assert_eq!(news, usize::from(completed.is_ok()), "only what was completed before it has news, for nobody");
    });
}

#[test]
fn who_learns_of_a_cancel_sees_what_was_done_before_it() {
    check(None, || {
        let (pump, ids) = Pump::new(8);
        let completer = pump.start::<u32>(ids.operation);
        let done = Arc::new(AtomicUsize::new(0));
        let seen = done.clone();
        let thread = thread::spawn(move || assert!(completer.is_wanted() || seen.load(Relaxed) == 1));
        done.store(1, Relaxed);
        pump.cancel(ids.operation);
        thread.join().unwrap();
    });
}

#[test]
fn a_closed_window_gets_nothing_and_everything_accepted_is_given_back() {
    check(Some(4), || {
        let (mut pump, ids) = Pump::new(8);
        let poster = pump.inbox.poster();
        let (window, other) = (ids.window, ids.other);
        let thread = thread::spawn(move || {
            let accepted = [1, 2].into_iter().filter(|&number| poster.post(window, number).is_ok()).count();
            poster.post(other, 9).expect("it is open");
            accepted
        });
        pump.take_over();
        let of_window = |pump: &Pump| pump.seen().0.into_iter().filter(|&number| number != 9).count();
        let before = of_window(&pump);
        let purged = pump.inbox.close_window(window).len();
        while !pump.seen().0.contains(&9) {
            pump.wait_for(pump.taken.len() + 1);
        }
        let accepted = thread.join().unwrap();
        assert_eq!((before + purged, of_window(&pump)), (accepted, before));
        assert!(pump.inbox.is_empty());
    });
}

#[test]
fn what_is_accepted_stays_within_the_capacity_and_comes() {
    check(Some(3), || {
        let (mut pump, ids) = Pump::new(1);
        let threads = [1, 2].map(|number| {
            let (poster, window) = (pump.inbox.poster(), ids.window);
            thread::spawn(move || match poster.post(window, number) {
                Ok(()) => 1,
                Err(error) => {
                    assert_eq!((error.payload, error.refusal), (number, PostRefusal::Full));
                    0
                }
            })
        });
        pump.take_over();
        let taken_between = pump.taken.len();
        let accepted: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        pump.take_over();
        assert_eq!(pump.taken.len(), accepted);
        assert!((1..=1 + taken_between).contains(&accepted), "{accepted} with {taken_between} taken meanwhile");
        assert!(pump.inbox.poster().post(ids.window, 3).is_ok(), "there is room again");
    });
}

#[test]
fn a_pump_that_goes_refuses_and_keeps_nothing() {
    check(None, || {
        let (pump, ids) = Pump::new(8);
        let (poster, bell) = (pump.inbox.poster(), pump.inbox.bell());
        let descriptor = Arc::downgrade(&pump.descriptor);
        let thread = thread::spawn(move || {
            if let Err(error) = poster.post(ids.window, 1) {
                assert_eq!(error.refusal, PostRefusal::PumpGone);
            }
            bell.ring(News { operation: ids.operation, result: None });
            // Both live longer than the pump.
            (poster, bell)
        });
        drop(pump);
        let (poster, _bell) = thread.join().unwrap();
        assert_eq!(poster.post(ids.window, 1).map_err(|error| error.refusal), Err(PostRefusal::PumpGone));
        assert!(descriptor.upgrade().is_none(), "what it wakes with is gone with the pump");
    });
}

/// Posts when it is dropped, as a program's may.
struct Posts(Poster<u32>, WindowId);

impl Drop for Posts {
    fn drop(&mut self) {
        let _ = self.0.post(self.1, 1);
    }
}

#[test]
fn a_result_for_a_pump_that_goes_comes_back_or_is_dropped_outside_the_locks() {
    check(None, || {
        let (pump, ids) = Pump::new(8);
        let (completer, other) = (pump.start(ids.operation), pump.start::<u32>(ids.operation));
        let kept = Arc::new(());
        let result = (kept.clone(), Posts(pump.inbox.poster(), ids.window));
        let thread = thread::spawn(move || drop(completer.complete(result)));
        drop(pump);
        assert!(!other.is_wanted());
        assert_eq!(other.complete(7), Err(7));
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&kept), 1);
    });
}

#[test]
fn a_wake_up_that_fails_is_tried_again_by_the_next_post() {
    check(None, || {
        let (mut pump, ids) = Pump::new(8);
        pump.descriptor.failures.store(1, Relaxed);
        let thread = post(&pump, ids.window, &[1, 2]);
        pump.wait_for(2);
        assert_eq!(pump.seen(), (vec![1, 2], 0));
        thread.join().unwrap();
    });
}

#[test]
fn a_host_is_woken_and_at_rest_its_descriptor_is_not_readable() {
    check(Some(3), || {
        let (mut pump, ids) = Pump::new(8);
        let thread = post(&pump, ids.window, &[1, 2]);
        // A host: sleeps on the descriptor where the pump says it may, and then has it make a turn without a wait,
        // in which the system is asked only if a wake-up is about.
        while pump.taken.len() < 2 {
            if !pump.inbox.want_wake() {
                pump.descriptor.sleep();
            }
            if pump.inbox.wait_for_wakes() {
                pump.descriptor.take_in();
            }
            pump.take_over();
        }
        thread.join().unwrap();
        if pump.inbox.wait_for_wakes() {
            pump.descriptor.take_in();
        }
        assert!(!*pump.descriptor.is_readable.lock().unwrap(), "a host would spin");
        assert!(!pump.inbox.wait_for_wakes(), "and the system be asked again and again");
    });
}

#[test]
fn what_was_done_before_a_stream_is_woken_is_seen_when_it_is_asked() {
    check(Some(4), || {
        let (mut pump, ids) = Pump::new(8);
        let waker = Arc::new(StreamWaker::new(ids.operation, pump.inbox.bell()));
        let items = Arc::new(AtomicUsize::new(0));
        let (waking, made) = (waker.clone(), items.clone());
        let thread = thread::spawn(move || {
            for _ in 0..2 {
                made.fetch_add(1, Relaxed);
                waking.wake();
            }
        });
        let mut news = 0;
        // Parked after every look that finds too little.
        while items.load(Relaxed) < 2 {
            pump.wait_for(news + 1);
            news = pump.taken.len();
            waker.take_wake();
        }
        thread.join().unwrap();
    });
}

/// The faults that these tests are for are found: with one made on purpose, loom says so.
mod the_tests_themselves {
    use super::*;

    #[test]
    #[should_panic]
    fn a_sleep_that_nobody_asked_to_be_woken_from_is_found() {
        check(None, || {
            let (mut pump, ids) = Pump::new(8);
            pump.inbox.want_wake();
            let thread = post(&pump, ids.window, &[1]);
            pump.descriptor.sleep();
            pump.descriptor.take_in();
            pump.take_over();
            // The flag is down, and nothing that comes now would put an end to this sleep.
            let other = post(&pump, ids.window, &[2]);
            pump.descriptor.sleep();
            thread.join().unwrap();
            other.join().unwrap();
        });
    }
}
