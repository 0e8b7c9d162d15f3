//! What was to be reached, and whether it is.

use crate::results::Results;
use crate::scenario::{CALLS, Unit};
use crate::scenarios;

/// One thing that was wanted: ours is to be at most the limit.
pub struct Judgement {
    pub wanted: String,
    pub limit: f64,
    /// Nothing where it is a number of system calls, and those are not counted here.
    pub ours: Option<f64>,
    pub unit: Unit,
}

const US: &str = "msgpump";

/// The loops that ask the system for each message.
const ASKING: [&str; 6] =
    ["calloop-channel", "calloop-idle", "glib-idle", "libuv-async", "libevent-active", "libev-feed"];

/// The queues that carry what a program gives them.
const TYPED: [&str; 8] = [
    "crossbeam",
    "std-mpsc",
    "calloop-channel",
    "calloop-idle",
    "tokio-mpsc",
    "tokio-spawn",
    "smol-channel",
    "glib-idle",
];

/// The loops that other threads post to.
const LOOPS: [&str; 8] = ["mio", "calloop", "tokio", "smol", "glib", "libuv", "libevent", "libev"];

const TIMERS: [&str; 6] = ["calloop", "tokio", "async-io", "glib", "libuv", "libevent"];

/// The kinds of operations that a pump cancels.
const KINDS: [&str; 5] = ["msgpump-timer", "msgpump-lookup", "msgpump-external", "msgpump-stream", "msgpump-group"];

/// Collects judgements for which everything was measured.
struct Judge<'a> {
    results: &'a Results,
    judged: Vec<Judgement>,
}

impl Judge<'_> {
    fn median(&self, scenario: &'static str, peer: &'static str, metric: &str) -> Option<f64> {
        self.results.median(scenario, peer, metric)
    }

    /// The best of `peers`.
    fn best(&self, scenario: &'static str, peers: &[&'static str], metric: &str) -> Option<f64> {
        peers.iter().filter_map(|peer| self.median(scenario, peer, metric)).reduce(f64::min)
    }

    fn judge(&mut self, wanted: &str, unit: Unit, limit: Option<f64>, ours: Option<f64>) {
        if let (Some(limit), Some(_)) = (limit, ours) {
            self.judged.push(Judgement { wanted: wanted.to_owned(), limit, ours, unit });
        }
    }

    /// Judges whether ours makes no system call in a scenario.
    fn judge_no_calls(&mut self, wanted: &str, scenario: &'static str) {
        if self.median(scenario, US, "cpu").is_some() {
            let ours = self.median(scenario, US, CALLS);
            self.judged.push(Judgement { wanted: wanted.to_owned(), limit: 0.0, ours, unit: Unit::Number });
        }
    }
}

/// Judges what was measured.
pub fn judge(results: &Results) -> Vec<Judgement> {
    let mut judge = Judge { results, judged: Vec::new() };
    judge_messages(&mut judge);
    judge_timers(&mut judge);
    judge_cancel(&mut judge);
    judge_lookups(&mut judge);
    judge_loops(&mut judge);
    judge.judged
}

fn judge_messages(judge: &mut Judge<'_>) {
    let (time, number) = (Unit::Nanoseconds, Unit::Number);
    let ours = judge.median("post-1", US, "cpu");
    let limit = judge.best("post-1", &ASKING, "cpu").map(|best| best / 4.0);
    judge.judge("post and deliver, one at a time: a quarter of the best loop", time, limit, ours);
    judge.judge_no_calls("no system call while messages wait", "post-1");
    let ours = judge.median("post-10000", US, "cpu");
    let limit = judge.best("post-10000", &TYPED, "cpu");
    judge.judge("the same, 10,000 deep: ahead of every typed queue", time, limit, ours);
    let limit = judge.median("post-10000", "floor-vecdeque", "cpu").map(|floor| floor * 2.5);
    judge.judge("the same: within 2.5 times of the bare VecDeque", time, limit, ours);
    // Equal within the noise: not above the best one's own worst round.
    let best = LOOPS.iter().filter_map(|peer| judge.results.get("flood-1", peer, "wall"));
    let limit = best.min_by(|left, right| left.median().total_cmp(&right.median())).map(|best| best.highest());
    let ours = judge.median("flood-1", US, "wall");
    judge.judge("flood from another thread: ahead of the best loop, or within its spread", time, limit, ours);
    let wakes = judge.median("burst-10000", US, "wakes");
    // A tenth for bursts that outlast a wait, as the first one, for which the tables grow.
    judge.judge("one wake for a burst of 10,000", number, Some(1.1), wakes);
    let limit = judge.median("wake", "mio", "round trip p50").map(|mio| mio * 1.05);
    let ours = judge.median("wake", US, "round trip p50");
    judge.judge("one wake-up from another thread, there and back: within 5 % of mio", time, limit, ours);
}

fn judge_timers(judge: &mut Judge<'_>) {
    let (time, number) = (Unit::Nanoseconds, Unit::Number);
    for (metric, what) in [("start", "started"), ("cancel", "cancelled")] {
        let ours = judge.median("timers-cancel", US, metric);
        let limit = judge.median("timers-cancel", "libev", metric).map(|libev| libev * 1.5);
        judge.judge(&format!("a million timers {what}: within 1.5 times of libev"), time, limit, ours);
        let limit = judge.best("timers-cancel", &TIMERS, metric);
        judge.judge(&format!("a million timers {what}: ahead of all others"), time, limit, ours);
    }
    let ours = judge.median("timers-fire", "msgpump-ms", "cpu");
    let limit = judge.median("timers-fire", "libev", "cpu").map(|libev| libev * 1.3);
    judge.judge(
        "100,000 timers fired in a second, by the millisecond: CPU within 1.3 times of libev",
        time,
        limit,
        ours,
    );
    let ours = judge.median("timers-fire", US, "late p50");
    let limit = judge.median("timers-fire", "async-io", "late p50");
    judge.judge("the same, exactly: less late than async-io", time, limit, ours);
    let ours = judge.median("timers-fire", US, "cpu");
    let limit = judge.median("timers-fire", "async-io", "cpu").map(|theirs| theirs / 2.0);
    judge.judge("the same, exactly: half of async-io's CPU", time, limit, ours);
    let early = judge.median("timers-fire", US, "early").zip(judge.median("timers-fire", "msgpump-ms", "early"));
    judge.judge("never early", number, Some(0.0), early.map(|(left, right)| left + right));
}

fn judge_cancel(judge: &mut Judge<'_>) {
    let (time, number) = (Unit::Nanoseconds, Unit::Number);
    for kind in KINDS {
        let what = kind.trim_start_matches("msgpump-");
        let ours = judge.median("cancel-100", kind, "cancel");
        judge.judge(&format!("cancel of a queued completion, {what}, 100 deep"), time, Some(15.0), ours);
        let ours = judge.median("cancel-100000", kind, "cancel");
        judge.judge(&format!("the same, {what}, 100,000 deep"), time, Some(15.0), ours);
    }
    let delivered: Option<Vec<f64>> =
        KINDS.iter().map(|kind| judge.median("cancel-100000", kind, "delivered")).collect();
    judge.judge("nothing delivered of what was cancelled", number, Some(0.0), delivered.map(|all| all.iter().sum()));
}

fn judge_lookups(judge: &mut Judge<'_>) {
    let time = Unit::Nanoseconds;
    let limit = judge.median("lookups-256", "c-ares-nosort", "cpu");
    let ours = judge.median("lookups-256", US, "cpu");
    judge.judge("A and AAAA, sorted, a fresh port each: CPU below c-ares unsorted", time, limit, ours);
    let ours = judge.median("dead-server", "msgpump-pumps", "gone");
    judge.judge("10,000 lookups at a dead server cancelled, until nothing is left", time, Some(25e6), ours);
    for (metric, limit, what) in
        [("gap", 2e6, "longest delay of a tick"), ("cancel", 1e5, "cancel all"), ("exit", 1e6, "until exit")]
    {
        let ours = judge.median("freeze", US, metric);
        judge.judge(&format!("60 Hz beside 100 hanging lookups: {what}"), time, Some(limit), ours);
    }
}

fn judge_loops(judge: &mut Judge<'_>) {
    let (time, number, bytes) = (Unit::Nanoseconds, Unit::Number, Unit::Bytes);
    let limit = judge.median("echo", "mio", "cpu").map(|mio| mio * 1.05);
    let ours = judge.median("echo", US, "cpu");
    judge.judge("echo over 100 of 1,100 sockets: CPU within 5 % of mio", time, limit, ours);
    let limit = judge.median("turn-sixteen", "mio", "cpu").map(|mio| mio * 1.1);
    let ours = judge.median("turn-sixteen", US, "cpu");
    judge.judge("idle turn with 16 sockets and a timer: within 10 % of mio", time, limit, ours);
    judge.judge_no_calls("no system call with nothing registered", "turn-nothing");
    let ours = judge.median(scenarios::ASLEEP, US, "wakes");
    judge.judge("asleep with 10 sockets and 3 far timers: not woken", number, Some(0.0), ours);
    for (metric, limit, what) in [
        ("lookup", 2048.0, "lookup under way: under 2 KiB"),
        ("timer", 64.0, "timer: under 64 bytes"),
        ("message", 80.0, "queued message: its 32 bytes and 48"),
    ] {
        let ours = judge.median("memory", US, metric);
        judge.judge(&format!("memory of a {what}"), bytes, Some(limit), ours);
    }
}
