//! The pump in the loops of others, which know no more of it than its descriptor.
//!
//! Each host is run twice. Busy: a thread posts, the host's own timer starts timers and lookups between turns, and
//! all that must come does. Idle: a timer is far away, and the host must not be woken at all. How late ticks
//! were is printed and not judged: that is the machine's business as much as ours.

mod guest;
mod in_calloop;
#[cfg(feature = "glib")]
mod in_glib;
mod in_poll;

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use guest::Guest;

/// Runs a loop around the guest for some time, with `Guest::work` called in a period of its own, if there is one.
type Run = fn(&Rc<RefCell<Guest>>, work: Option<Duration>, length: Duration);

const HOSTS: &[(&str, Run)] = &[
    ("poll(2)", in_poll::run),
    ("calloop, level", in_calloop::run_level),
    ("calloop, edge", in_calloop::run_edge),
    #[cfg(feature = "glib")]
    ("GLib", in_glib::run),
];

/// How long a busy host is run before it is asked whether all has come.
const BUSY: Duration = Duration::from_millis(500);

/// How often it may not have yet: what is missing after this long is lost.
const RUNS_MAX: usize = 40;

/// Between two pieces of work that the host has for the guest.
const WORK: Duration = Duration::from_millis(7);

/// Of all wake-ups of a busy host, at most this part may be for nothing: a post that a turn took over at the moment
/// at which its wake-up was sent is told of afterwards.
const WASTED_PERCENT_MAX: usize = 5;

/// A thread gives way of its own accord once to sleep, and now and then for reasons of the system's.
const SLEEPS_MAX: u64 = 3;

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).map_or(Ok(10), |seconds| seconds.parse());
    let Ok(seconds) = seconds else {
        eprintln!("usage: hosts [seconds of idleness]");
        return ExitCode::from(2);
    };
    println!("{:18}{:>7}{:>7}{:>7}{:>9}{:>22}", "busy", "posts", "ticks", "wakes", "wasted", "late, 50% 99%");
    let mut is_good = HOSTS.iter().fold(true, |is_good, &(name, run)| is_good & is_busy_right(name, run));
    println!("{:18}{:>14}{:>9}", "idle", "wakes", "sleeps");
    let idle = Duration::from_secs(seconds);
    let idlers: Vec<_> =
        HOSTS.iter().map(|&(name, run)| thread::spawn(move || is_idle_right(name, run, idle))).collect();
    for idler in idlers {
        is_good &= idler.join().unwrap_or(false);
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is_busy_right(name: &str, run: Run) -> bool {
    let guest = Rc::new(RefCell::new(Guest::new()));
    guest.borrow_mut().expect_posts();
    let mut runs = 0;
    while runs < RUNS_MAX && !guest.borrow().has_all() {
        // The last run starts nothing: it waits for what is still under way.
        let work = guest.borrow().wants_work().then_some(WORK);
        run(&guest, work, BUSY);
        runs += 1;
    }
    let guest = guest.borrow();
    let (seen, [median, late]) = (guest.seen(), guest.lateness());
    println!(
        "{name:18}{:>7}{:>7}{:>7}{:>9}{:>13.0}{:>6.0} µs",
        seen.posts, seen.ticks, seen.wakes, seen.wasted, median, late
    );
    if !guest.has_all() {
        println!("{name}: not all has come: {guest:?}");
    }
    guest.has_all() && seen.wasted * 100 <= seen.wakes * WASTED_PERCENT_MAX
}

fn is_idle_right(name: &str, run: Run, idle: Duration) -> bool {
    let guest = Rc::new(RefCell::new(Guest::new()));
    guest.borrow_mut().expect_nothing();
    let before = sleeps();
    run(&guest, None, idle);
    let (wakes, sleeps) = (guest.borrow().seen().wakes, sleeps() - before);
    println!("{name:18}{wakes:>14}{sleeps:>9}");
    wakes == 0 && sleeps <= SLEEPS_MAX
}

/// How often this thread went to sleep.
fn sleeps() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.expect("it has this line").trim().parse().expect("with a number")
}
