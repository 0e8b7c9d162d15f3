//! Posts of other threads: order, wake-ups, refusals, and payloads whose drop does things.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use msgpump::{Budget, Filter, Payload, PostRefusal, Poster, Pump, Rest, ServiceQuery, Settings, Timer, WindowId};

use crate::support::{LONG, settings, turn_until};

const THREADS: usize = 4;
const POSTS_EACH: usize = 10_000;

/// Which thread, and which of its posts.
type Numbered = (usize, usize);

fn pump<T>(capacity: usize) -> Pump<T> {
    Pump::with_settings(settings().queue_capacity(capacity)).expect("descriptors are left")
}

/// Has [`THREADS`] threads post [`POSTS_EACH`] posts each, all at the same time.
fn burst(pump: &Pump<Numbered>) -> Vec<thread::JoinHandle<()>> {
    let start = Arc::new(Barrier::new(THREADS));
    let window = pump.root_window();
    let posting = |thread: usize| {
        let (poster, start) = (pump.poster(), start.clone());
        move || {
            start.wait();
            (0..POSTS_EACH).for_each(|number| poster.post(window, (thread, number)).expect("there is room for all"));
        }
    };
    (0..THREADS).map(|thread| thread::spawn(posting(thread))).collect()
}

/// Takes every post, and checks that each thread's come in its order.
fn take_all(pump: &mut Pump<Numbered>) {
    let mut next = [0; THREADS];
    while next != [POSTS_EACH; THREADS] {
        let message = pump.get_message().unwrap().expect("nobody quits");
        let Payload::Posted((thread, number)) = message.payload else { panic!("only posts are here") };
        assert_eq!(number, next[thread], "thread {thread}");
        next[thread] += 1;
    }
    assert!(pump.next_message().is_none());
}

#[test]
fn each_threads_posts_arrive_in_its_order() {
    let mut pump = pump(THREADS * POSTS_EACH);
    let threads = burst(&pump);
    take_all(&mut pump);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let metrics = pump.metrics();
    assert_eq!((metrics.messages, metrics.dropped_posts, metrics.queued), (40_000, 0, 0));
    assert!(metrics.wakes <= metrics.waits + 1, "a wake-up for each sleep at most: {metrics:?}");
}

#[test]
fn a_burst_sends_one_wake_up() {
    let mut pump = pump(THREADS * POSTS_EACH);
    burst(&pump).into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(pump.metrics().wakes, 1);
    take_all(&mut pump);
    assert_eq!(pump.metrics().wakes, 1);
}

#[test]
fn posts_of_a_thread_that_ended_arrive() {
    let mut pump = pump::<u32>(10);
    let (window, poster) = (pump.root_window(), pump.poster());
    let _ = thread::spawn(move || {
        poster.post(window, 1).unwrap();
        panic!("the thread of a dead poster: this is part of the test");
    })
    .join();
    assert!(matches!(pump.get_message().unwrap().unwrap().payload, Payload::Posted(1)));
}

#[test]
fn a_post_to_a_window_that_is_gone_comes_back() {
    let (mut pump, mut other) = (pump::<String>(10), pump::<String>(10));
    let (window, foreign) = (pump.open_window(), other.open_window());
    let poster = pump.poster();
    pump.destroy_window(window);
    // Another window in the same slot is another window.
    let again = pump.open_window();
    for stale in [window, foreign] {
        let refused = poster.post(stale, "back".into()).unwrap_err();
        assert_eq!((refused.refusal, refused.payload.as_str()), (PostRefusal::NoSuchWindow(stale), "back"));
        let refused = pump.post(stale, "back".into()).unwrap_err();
        assert_eq!((refused.refusal, refused.payload.as_str()), (PostRefusal::NoSuchWindow(stale), "back"));
    }
    poster.post(again, "arrives".into()).unwrap();
    assert_eq!(pump.get_message().unwrap().unwrap().window, again);
}

#[test]
fn posts_that_wait_go_with_their_window() {
    let mut pump = pump::<u32>(10);
    let (doomed, kept) = (pump.open_window(), pump.open_window());
    let poster = pump.poster();
    for number in 0..3 {
        pump.post(doomed, number).unwrap();
        pump.post(kept, number).unwrap();
        poster.post(doomed, number).unwrap();
        poster.post(kept, number).unwrap();
    }
    assert_eq!(pump.destroy_window(doomed).unwrap().messages(), 6);
    assert_eq!(pump.metrics().purged_messages, 6);
    pump.turn(Budget::no_wait()).unwrap();
    let mut left = 0;
    while let Some(message) = pump.next_message() {
        assert_eq!(message.window, kept);
        left += 1;
    }
    assert_eq!((left, pump.metrics().dropped_posts), (6, 0));
}

#[test]
fn a_full_inbox_hands_the_payload_back() {
    let mut pump = pump::<u32>(3);
    let (window, poster) = (pump.root_window(), pump.poster());
    let fill = |poster: &Poster<u32>, from: u32| {
        (from..from + 3).for_each(|number| poster.post(window, number).unwrap());
        let refused = poster.post(window, 99).unwrap_err();
        assert_eq!((refused.refusal, refused.payload), (PostRefusal::Full, 99));
    };
    fill(&poster, 0);
    // The queue has room for them, and then the inbox again.
    pump.turn(Budget::no_wait()).unwrap();
    fill(&poster, 3);
    // The queue is full as well.
    assert_eq!(pump.post(window, 98).unwrap_err().refusal, PostRefusal::Full);
    let turn = pump.turn(Budget::no_wait()).unwrap();
    assert_eq!(turn.taken_over, 0);
    // Each message taken makes room for one.
    for expected in 0..6 {
        assert_eq!(pump.rest(), Rest::Ready);
        let message = pump.next_message().unwrap();
        assert!(matches!(message.payload, Payload::Posted(number) if number == expected));
        pump.turn(Budget::no_wait()).unwrap();
    }
    assert_eq!(pump.rest(), Rest::Forever);
}

#[test]
fn posts_of_which_a_turn_took_a_part_count_until_the_rest_is_taken() {
    let mut pump = pump::<u32>(3);
    let (window, poster) = (pump.root_window(), pump.poster());
    let is_full = || poster.post(window, 99).is_err_and(|refused| refused.refusal == PostRefusal::Full);
    (0..3).for_each(|number| poster.post(window, number).unwrap());
    for number in 0..10 {
        assert!(is_full(), "before {number}");
        let turn = pump.turn(Budget::wait(LONG).messages(1)).unwrap();
        assert_eq!((turn.taken_over, turn.more, pump.rest()), (1, true, Rest::Ready));
        poster.post(window, number + 3).unwrap();
        let message = pump.next_message().unwrap();
        assert!(matches!(message.payload, Payload::Posted(posted) if posted == number));
        assert_eq!(pump.rest(), Rest::Ready, "more is in the inbox");
    }
}

/// Completions have their room reserved: a full queue refuses posts alone.
#[test]
fn a_full_queue_loses_no_completion() {
    let mut pump = pump::<u32>(2);
    let window = pump.root_window();
    let lookups: Vec<_> = (0..100)
        .map(|_| {
            let _ = pump.post(window, 1);
            pump.lookup_service(window, ServiceQuery::by_name("https")).unwrap()
        })
        .collect();
    assert_eq!(pump.metrics().queued, 102);
    for lookup in lookups {
        assert!(pump.next_message_for(Filter::any().operation(lookup)).is_some());
    }
}

/// Another turn would take nothing over: the queue has no room for it.
#[test]
fn a_turn_has_no_more_for_a_full_queue() {
    let mut pump = pump::<u32>(1);
    let (window, poster) = (pump.root_window(), pump.poster());
    for number in 1..=2 {
        poster.post(window, number).unwrap();
        let turn = pump.turn(Budget::no_wait()).unwrap();
        assert_eq!((turn.taken_over, turn.more), (usize::from(number == 1), false), "{number}");
    }
    assert_eq!(pump.rest(), Rest::Ready, "a message can be taken");
    assert!(pump.next_message().is_some());
    assert!(pump.turn(Budget::no_wait()).unwrap().taken_over == 1);
}

#[test]
fn a_poster_outlives_its_pump() {
    let pump = pump::<Vec<u8>>(10);
    let (window, poster) = (pump.root_window(), pump.poster());
    poster.post(window, vec![1]).unwrap();
    let clone = poster.clone();
    drop(pump);
    for poster in [poster, clone] {
        let refused = poster.post(window, vec![2]).unwrap_err();
        assert_eq!((refused.refusal, refused.payload), (PostRefusal::PumpGone, vec![2]));
    }
}

/// The pump ends while threads post as fast as they can.
#[test]
fn the_end_of_a_pump_amid_posts_refuses_the_rest() {
    for _ in 0..20 {
        let mut pump = pump::<Numbered>(1_000_000);
        let window = pump.root_window();
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let poster = pump.poster();
                let post = move |number| poster.post(window, (thread, number)).map_err(|error| error.refusal);
                thread::spawn(move || (0..).find_map(|number| post(number).err()))
            })
            .collect();
        turn_until(&mut pump, "some posts", |pump| pump.metrics().queued > 100);
        drop(pump);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Some(PostRefusal::PumpGone));
        }
    }
}

/// What a payload's drop has come across.
type Log = Arc<Mutex<Vec<Result<(), PostRefusal>>>>;

/// Posts another message when it is dropped, and notes what came of it.
enum Chatty {
    Talks { poster: Poster<Chatty>, window: WindowId, log: Log },
    Silent,
}

impl Drop for Chatty {
    fn drop(&mut self) {
        if let Chatty::Talks { poster, window, log } = self {
            let result = poster.post(*window, Chatty::Silent).map_err(|error| error.refusal);
            log.lock().unwrap().push(result);
        }
    }
}

/// A pump, a window, and a way to make payloads that post to the root window when they are dropped.
fn chatty() -> (Pump<Chatty>, WindowId, Log, impl Fn() -> Chatty) {
    let mut pump = pump::<Chatty>(100);
    let (window, root, poster, log) = (pump.open_window(), pump.root_window(), pump.poster(), Log::default());
    let for_payloads = log.clone();
    let payload = move || Chatty::Talks { poster: poster.clone(), window: root, log: for_payloads.clone() };
    (pump, window, log, payload)
}

#[test]
fn payloads_may_post_while_they_are_purged() {
    let (mut pump, window, log, payload) = chatty();
    let poster = pump.poster();
    for _ in 0..3 {
        pump.post(window, payload()).unwrap();
        poster.post(window, payload()).unwrap();
    }
    let mut seen = 0;
    let first_of_each = |_: &Chatty| {
        seen += 1;
        seen % 3 == 1
    };
    assert_eq!(pump.purge_posts(window, first_of_each), 2);
    assert_eq!(pump.destroy_window(window).unwrap().messages(), 4);
    assert!(pump.post(window, payload()).is_err());
    assert!(poster.post(window, payload()).is_err());
    assert_eq!(*log.lock().unwrap(), [Ok(()); 8]);
    pump.turn(Budget::no_wait()).unwrap();
    for _ in 0..8 {
        assert!(matches!(pump.next_message().unwrap().payload, Payload::Posted(Chatty::Silent)));
    }
    assert!(pump.next_message().is_none());
}

#[test]
fn what_purged_payloads_post_is_not_purged_with_them() {
    for is_on_the_way in [false, true] {
        let mut pump = pump::<Chatty>(10);
        let (window, poster, log) = (pump.open_window(), pump.poster(), Log::default());
        poster.post(window, Chatty::Talks { poster: poster.clone(), window, log: log.clone() }).unwrap();
        if !is_on_the_way {
            pump.turn(Budget::no_wait()).unwrap();
        }
        assert_eq!(pump.purge_posts(window, |_| true), 1);
        pump.turn(Budget::no_wait()).unwrap();
        assert!(matches!(pump.next_message().unwrap().payload, Payload::Posted(Chatty::Silent)));
        assert_eq!(*log.lock().unwrap(), [Ok(())]);
    }
}

#[test]
fn posts_stay_where_the_question_whether_they_are_wanted_panics() {
    let mut pump = pump::<u32>(10);
    let (window, other, poster) = (pump.open_window(), pump.open_window(), pump.poster());
    for number in 1..=3 {
        poster.post(window, number).unwrap();
        poster.post(other, number).unwrap();
    }
    let no_two = |&number: &u32| number == 1 || number == 2 && panic!("this is part of the test");
    assert!(catch_unwind(AssertUnwindSafe(|| pump.purge_posts(window, no_two))).is_err());
    assert_eq!(pump.purge_posts(window, |&number| number == 2), 1);
    pump.turn(Budget::no_wait()).unwrap();
    let left: Vec<_> = std::iter::from_fn(|| pump.next_message()).map(|message| message.window).collect();
    assert_eq!(left, [window, other, other, window, other]);
    assert_eq!(pump.metrics().purged_messages, 1);
}

#[test]
fn payloads_may_post_while_the_pump_is_dropped() {
    let (mut pump, window, log, payload) = chatty();
    let poster = pump.poster();
    pump.post(window, payload()).unwrap();
    poster.post(window, payload()).unwrap();
    pump.turn(Budget::no_wait()).unwrap();
    poster.post(window, payload()).unwrap();
    drop(pump);
    assert_eq!(*log.lock().unwrap(), [Err(PostRefusal::PumpGone); 3]);
    assert!(poster.post(window, payload()).is_err());
    assert_eq!(log.lock().unwrap().len(), 4);
}

/// Panics when it is dropped.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0, "the panic of a payload's drop: this is part of the test");
    }
}

#[test]
fn a_panic_in_a_payloads_drop_leaves_the_pump_usable() {
    let mut pump = pump::<Bomb>(10);
    let (doomed, kept) = (pump.open_window(), pump.open_window());
    let poster = pump.poster();
    for armed in [true, false, true] {
        pump.post(doomed, Bomb(armed)).unwrap();
        pump.post(kept, Bomb(false)).unwrap();
    }
    let timer = pump.set_timer(doomed, Timer::once(LONG)).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| pump.destroy_window(doomed))).is_err());
    assert!(!pump.has_window(doomed) && !pump.is_live(timer));
    assert_eq!((pump.metrics().queued, pump.metrics().timers), (3, 0));
    let refused = poster.post(doomed, Bomb(false));
    // The rest of what was purged is dropped by whatever purges next.
    let again = catch_unwind(AssertUnwindSafe(|| pump.purge_posts(kept, |_| false)));
    assert!(again.is_err(), "the second bomb");
    assert_eq!(pump.purge_posts(kept, |_| false), 0);
    for _ in 0..3 {
        assert_eq!(pump.next_message().unwrap().window, kept);
    }
    assert!(pump.next_message().is_none());
    assert_eq!(refused.map_err(|error| error.refusal), Err(PostRefusal::NoSuchWindow(doomed)));
}

#[test]
fn a_filtered_wait_past_a_full_queue_is_an_error_and_no_hang() {
    let mut pump = Pump::<u32>::with_settings(Settings::default().queue_capacity(4)).unwrap();
    let (full, waited_for, poster) = (pump.open_window(), pump.open_window(), pump.poster());
    for number in 0..4 {
        pump.post(full, number).unwrap();
    }
    thread::spawn(move || poster.post(waited_for, 9)).join().unwrap().unwrap();
    let filter = Filter::any().window(waited_for);
    let error = pump.get_message_for(filter).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::QuotaExceeded);
    // With room for it, it comes.
    assert!(pump.next_message().is_some());
    let message = pump.get_message_for(filter).unwrap().expect("nobody quits");
    assert!(matches!(message.payload, Payload::Posted(9)));
}
