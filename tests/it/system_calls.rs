//! How many system calls a lookup makes at a name server, counted from outside by strace.

use std::net::SocketAddr;
use std::process::Command;

use msgpump::{Family, HostQuery};

use crate::support::wire::Reply;
use crate::support::{NameServer, asking_at, outcome, pump, start};

/// Tells the process under strace whom to ask, and how often.
const SERVER: &str = "MSGPUMP_TEST_TRACED_SERVER";
const LOOKUPS: &str = "MSGPUMP_TEST_TRACED_LOOKUPS";

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
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/stderr"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads=1"])
        .envs([(SERVER, server.to_string()), (LOOKUPS, lookups.to_string())])
        .output()
        .unwrap();
    let (report, trace) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("1 passed"), "{report}{trace}");
    // A build with debug assertions asks of each descriptor whether it is open before it closes it.
    trace.lines().filter(|line| line.contains('(') && !line.contains("F_GETFD")).count()
}
