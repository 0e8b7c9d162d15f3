//! How many system calls lookups and timers make, counted from outside by strace.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use msgpump::{Family, HostQuery, Payload, Pump, Timer};

use crate::support::wire::Reply;
use crate::support::{LONG, NameServer, asking_at, outcome, pump, settings, start};

/// Tells the process under strace whom to ask, and how often.
const SERVER: &str = "MSGPUMP_TEST_TRACED_SERVER";
const LOOKUPS: &str = "MSGPUMP_TEST_TRACED_LOOKUPS";

/// Tell it how often to wait for what is near and what is far.
const NEAR: &str = "MSGPUMP_TEST_TRACED_NEAR";
const FAR: &str = "MSGPUMP_TEST_TRACED_FAR";

const WAITS: usize = 50;

/// A socket opened, bound, connected, registered, sent to, waited for, received from, deregistered, closed.
const CALLS_PER_QUESTION_MAX: usize = 9;

const QUESTIONS: usize = 200;

/// Random numbers are fetched for many questions at a time, and once a second the files are looked at.
const CALLS_NOW_AND_THEN_MAX: usize = 20;

/// The difference of a long run and a short one: what is done once is in both.
#[test]
fn a_question_costs_nine_system_calls_at_most() {
    if let (Ok(server), Ok(lookups)) = (std::env::var(SERVER), std::env::var(LOOKUPS)) {
        return look_up(server.parse().unwrap(), lookups.parse().unwrap());
    }
    if Command::new("strace").arg("--version").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let server = NameServer::answering(|query| Reply::to(query).a(&query.name, [192, 0, 2, 1]));
    let (few, many) = (system_calls(server.address(), 10), system_calls(server.address(), 10 + QUESTIONS));
    let limit = QUESTIONS * CALLS_PER_QUESTION_MAX + CALLS_NOW_AND_THEN_MAX;
    assert!(many - few <= limit, "{few} calls for 10 questions, {many} for {QUESTIONS} more");
}

fn look_up(server: SocketAddr, lookups: usize) {
    let mut pump = pump(asking_at([server]));
    for number in 0..lookups {
        let query = HostQuery::by_name(format!("host{number}.test.")).family(Family::V4);
        let lookup = start(&mut pump, query);
        outcome(&mut pump, lookup).unwrap();
    }
}

fn system_calls(server: SocketAddr, lookups: usize) -> usize {
    let name = "system_calls::a_question_costs_nine_system_calls_at_most";
    traced(name, &[(SERVER, &server.to_string()), (LOOKUPS, &lookups.to_string())]).len()
}

/// Each timer is waited for alone: set to ring, waited for, and nothing else; a far one costs its wait alone.
#[test]
fn only_a_near_deadline_sets_the_systems_timer() {
    if let (Ok(near), Ok(far)) = (std::env::var(NEAR), std::env::var(FAR)) {
        return wait(near.parse().unwrap(), far.parse().unwrap());
    }
    if Command::new("strace").arg("--version").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let calls = |near: usize, far: usize| {
        let name = "system_calls::only_a_near_deadline_sets_the_systems_timer";
        let calls = traced(name, &[(NEAR, &near.to_string()), (FAR, &far.to_string())]);
        ["timerfd_settime(", "epoll_"].map(|call| calls.iter().filter(|line| line.contains(call)).count())
    };
    let [none, far, near] = [calls(0, 0), calls(0, WAITS), calls(WAITS, 0)];
    assert_eq!(far[0], 0, "what is far needs no timer of the system's");
    assert!(far[1] - none[1] <= WAITS, "and no more waits than ever: {none:?}, {far:?}");
    // At most: a busy machine may come to the wait when the moment is past.
    assert!((1..=WAITS).contains(&near[0]), "{near:?}");
    assert!(near[1] - none[1] <= WAITS, "{none:?}, {near:?}");
}

/// Waits for ticks that are near, and for posts while a tick is far.
fn wait(near: usize, far: usize) {
    let mut pump = Pump::<()>::with_settings(settings()).unwrap();
    let window = pump.root_window();
    for _ in 0..near {
        pump.set_timer(window, Timer::once(Duration::from_micros(1700))).unwrap();
        assert!(matches!(pump.get_message().unwrap().unwrap().payload, Payload::Tick(_)));
    }
    pump.set_timer(window, Timer::once(LONG)).unwrap();
    let poster = pump.poster();
    let (ask, asked) = mpsc::channel();
    let thread = thread::spawn(move || asked.iter().for_each(|()| poster.post(window, ()).unwrap()));
    for _ in 0..far {
        ask.send(()).unwrap();
        assert!(matches!(pump.get_message().unwrap().unwrap().payload, Payload::Posted(())));
    }
    drop(ask);
    thread.join().unwrap();
}

/// The system calls that a test makes, run in a process of its own.
fn traced(name: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/stderr"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads=1"])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let (report, trace) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("1 passed"), "{report}{trace}");
    // A build with debug assertions asks of each descriptor whether it is open before it closes it. What was
    // interrupted by another thread's line is told again when it goes on.
    let is_call = |line: &&str| line.contains('(') && !line.contains("F_GETFD") && !line.contains("resumed>");
    trace.lines().filter(is_call).map(str::to_owned).collect()
}
