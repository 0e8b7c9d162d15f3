//! Guests of a plain epoll loop, which waits for their descriptor and calls them when it is readable.
//!
//! Another thread posts to the guest, the host starts short timers in it, and then nothing happens for a second.

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use msgpump::{Budget, Hosted, Payload, Timer};

use crate::foreign::epoll::{EDGES, Epoll, READABLE};
use crate::foreign::{Words, libuv, system};
use crate::scenario::{Peer, Scenario, Unit, calls, column};
use crate::task::Task;

pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "embedding",
    title: "As the guest of a plain epoll loop that knows a descriptor",
    peers: PEERS,
    columns: &[
        column("post p50", "post of another thread to handler", Unit::Nanoseconds),
        column("timer p50", "300 µs timer, late", Unit::Nanoseconds),
        column("woken", "woken in an idle second", Unit::Number),
        calls("system calls a post"),
    ],
    operations: [500, 200],
    rounds_max: 3,
    ..Scenario::PLAIN
}];

const PEERS: &[Peer] = &[
    Peer::new("msgpump", "a Hosted pump: its descriptor tells of everything", with_pump),
    Peer::new("floor-eventfd", "a queue and an eventfd of the host's own; no timers", with_eventfd),
    Peer::new(
        "calloop",
        "its descriptor does not tell of timers: the host waits for those, in milliseconds",
        with_calloop,
    ),
    Peer::new("libuv", "uv_backend_fd, and before each wait uv_backend_timeout, in milliseconds", with_libuv),
];

/// How far away the timers are that the host starts.
const DELAY: Duration = Duration::from_micros(300);

const TIMERS: usize = 50;

/// What the guest has told, with the clock at that moment.
#[derive(Default)]
struct Told {
    posts: Vec<u64>,
    timer: Option<u64>,
}

thread_local!(static TOLD: RefCell<Told> = RefCell::default());

fn posted(words: &Words) {
    TOLD.with_borrow_mut(|told| told.posts.push(system::now() - words.sent));
}

fn ticked() {
    TOLD.with_borrow_mut(|told| told.timer = Some(system::now()));
}

extern "C" fn posted_in_c(words: &Words) -> i32 {
    posted(words);
    0
}

extern "C" fn ticked_in_c(_: u64) {
    ticked();
}

/// A guest, as the host sees it.
struct Guest<'a> {
    /// Lets it work, after its descriptor was readable or its timeout over.
    work: &'a mut dyn FnMut(),
    /// How many milliseconds the host may sleep; -1 for ever.
    timeout: &'a mut dyn FnMut() -> i32,
    /// Starts a timer in it, where it has timers.
    start_timer: Option<&'a mut dyn FnMut(Instant)>,
    epoll: Epoll,
}

impl Guest<'_> {
    /// A turn of the host. Whether anything woke it.
    fn turn(&mut self, limit_ms: i32) -> bool {
        let guest = (self.timeout)();
        let limit = if guest < 0 {
            limit_ms
        } else if limit_ms < 0 {
            guest
        } else {
            guest.min(limit_ms)
        };
        let is_woken = self.epoll.wait(limit).count() > 0 || (guest >= 0 && guest <= limit);
        if is_woken {
            (self.work)();
        }
        is_woken
    }

    fn measure(&mut self, task: &Task, post: impl FnMut(Words) + Send + 'static) {
        task.count_threads_from_here();
        let (go, wait) = mpsc::channel();
        let count = task.operations;
        let poster = thread::spawn(move || post_when_asked(&wait, post));
        (self.work)();
        let stopwatch = task.start();
        for number in 1..=count {
            go.send(()).expect("it posts");
            while TOLD.with_borrow(|told| told.posts.len()) < number {
                self.turn(-1);
            }
        }
        task.report_cost(stopwatch.stop(), count);
        if task.is_counting {
            return;
        }
        drop(go);
        poster.join().expect("it ends when nobody asks");
        let mut posts = TOLD.with_borrow_mut(|told| std::mem::take(&mut told.posts));
        task.report_percentiles("post", &mut posts);
        self.measure_timers(task);
        self.measure_idle(task);
    }

    fn measure_timers(&mut self, task: &Task) {
        if self.start_timer.is_none() {
            return;
        }
        let mut late = Vec::with_capacity(TIMERS);
        for _ in 0..TIMERS {
            let (now, deadline) = (system::now(), Instant::now() + DELAY);
            let due = now + DELAY.as_nanos() as u64;
            self.start_timer.as_mut().expect("it was asked for")(deadline);
            let fired = loop {
                if let Some(fired) = TOLD.with_borrow_mut(|told| told.timer.take()) {
                    break fired;
                }
                self.turn(-1);
            };
            late.push(fired.saturating_sub(due));
        }
        task.report_percentiles("timer", &mut late);
    }

    /// A timer is a minute away, and a second passes.
    fn measure_idle(&mut self, task: &Task) {
        if let Some(start_timer) = &mut self.start_timer {
            start_timer(Instant::now() + Duration::from_secs(60));
        }
        // What that made it do is not idleness.
        while self.turn(0) {}
        let (end, mut woken) = (Instant::now() + Duration::from_secs(1), 0);
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| left.as_millis() > 0) {
            woken += u32::from(self.turn(left.as_millis() as i32));
        }
        task.report("woken", f64::from(woken));
    }
}

/// Posts once for each time it is asked, a little later, when the host sleeps again.
fn post_when_asked(wait: &mpsc::Receiver<()>, mut post: impl FnMut(Words)) {
    for (count, ()) in (0..).zip(wait) {
        thread::sleep(Duration::from_micros(200));
        post(Words { target: 1, number: 0x400, sent: system::now(), count });
    }
}

fn with_pump(task: &Task) {
    let hosted = RefCell::new(Hosted::<Words>::new().expect("there are descriptors left"));
    let epoll = Epoll::new();
    epoll.add(&*hosted.borrow(), READABLE | EDGES, 0);
    let (window, poster) = {
        let mut hosted = hosted.borrow_mut();
        let pump = hosted.lend();
        (pump.root_window(), pump.poster())
    };
    let mut work = || {
        let mut hosted = hosted.borrow_mut();
        let mut pump = hosted.lend();
        let _ = pump.turn(Budget::no_wait()).expect("the wait works");
        while let Some(message) = pump.next_message() {
            match message.payload {
                Payload::Posted(words) => posted(&words),
                Payload::Tick(_) => ticked(),
                other => panic!("{other:?}"),
            }
        }
    };
    let mut start_timer = |deadline| {
        hosted.borrow_mut().lend().set_timer(window, Timer::at(deadline)).expect("the window is open");
    };
    Guest { work: &mut work, timeout: &mut || -1, start_timer: Some(&mut start_timer), epoll }
        .measure(task, move |words| poster.post(window, words).expect("there is room"));
}

fn with_eventfd(task: &Task) {
    let epoll = Epoll::new();
    let counter = std::sync::Arc::new(system::event_counter());
    epoll.add(&*counter, READABLE | EDGES, 0);
    let (sender, receiver) = crossbeam_channel::unbounded();
    let mut work = || receiver.try_iter().for_each(|words| posted(&words));
    Guest { work: &mut work, timeout: &mut || -1, start_timer: None, epoll }.measure(task, move |words| {
        sender.send(words).expect("its receiver is there");
        system::add_one(&counter);
    });
}

fn with_calloop(task: &Task) {
    use calloop::timer::{TimeoutAction, Timer};
    let event_loop = calloop::EventLoop::<()>::try_new().expect("there are descriptors left");
    let epoll = Epoll::new();
    epoll.add(&event_loop.as_fd(), READABLE, 0);
    let handle = event_loop.handle();
    let (sender, channel) = calloop::channel::channel();
    let take = |event, _: &mut (), _: &mut ()| {
        if let calloop::channel::Event::Msg(words) = event {
            posted(&words);
        }
    };
    handle.insert_source(channel, take).expect("there is room");
    let event_loop = Rc::new(RefCell::new(event_loop));
    // It does not tell when its next timer is due, so the host has to remember what it started.
    let deadline = std::cell::Cell::new(None::<Instant>);
    let mut work = || event_loop.borrow_mut().dispatch(Some(Duration::ZERO), &mut ()).expect("the wait works");
    let mut timeout = || {
        deadline.get().map_or(-1, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            left.as_micros().div_ceil(1000) as i32
        })
    };
    let mut start_timer = |due| {
        let fired = |_, _: &mut (), _: &mut ()| {
            ticked();
            TimeoutAction::Drop
        };
        handle.insert_source(Timer::from_deadline(due), fired).expect("there is room");
        deadline.set(Some(due));
    };
    Guest { work: &mut work, timeout: &mut timeout, start_timer: Some(&mut start_timer), epoll }
        .measure(task, move |words| sender.send(words).expect("its loop is there"));
}

fn with_libuv(task: &Task) {
    libuv::inbox_open(posted_in_c);
    libuv::timers_make(1, ticked_in_c);
    let epoll = Epoll::new();
    epoll.add_number(libuv::backend_fd(), READABLE, 0);
    let mut start_timer = |deadline: Instant| {
        let left = deadline.saturating_duration_since(Instant::now());
        libuv::timers_start(&[left.as_nanos() as u64], system::now());
    };
    Guest {
        work: &mut || libuv::turn(),
        timeout: &mut || libuv::backend_timeout(),
        start_timer: Some(&mut start_timer),
        epoll,
    }
    .measure(task, |words| libuv::inbox_post(&words));
}
