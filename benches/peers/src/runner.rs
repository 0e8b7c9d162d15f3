//! Rounds of measurements, each in a process of its own, interleaved: whatever slows the machine down for a while
//! slows all alike.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::name_server;
use crate::namespace;
use crate::results::Results;
use crate::scenario::{Peer, Scenario, Server};
use crate::scenarios;
use crate::task::Task;

/// What this program is called by for one measurement.
pub const MEASURE: &str = "--measure";

const COUNTING: &str = "--counting";
const QUICK: &str = "--quick";

/// One measurement takes at most this many seconds.
const LIMIT: &str = "100";

pub struct Plan {
    pub scenarios: Vec<&'static Scenario>,
    pub rounds: usize,
    pub is_quick: bool,
    /// How long what is idle is watched.
    pub idle: Duration,
}

/// A process that is ended with its owner.
struct Servers(Child);

impl Servers {
    fn start() -> Result<Servers, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(name_server::NAME_SERVER).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        let servers = Servers(child);
        BufReader::new(output).read_line(&mut line)?;
        if line.trim() == "ready" { Ok(servers) } else { Err("the name servers did not start".into()) }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn run(plan: &Plan) -> Result<Results, Box<dyn Error>> {
    let mut results = Results::default();
    let needs_servers = plan.scenarios.iter().any(|scenario| scenario.server != Server::None);
    let _servers = if needs_servers { Some(Servers::start()?) } else { None };
    let pairs = || plan.scenarios.iter().flat_map(|scenario| scenario.peers.iter().map(move |peer| (*scenario, peer)));
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for (scenario, peer) in pairs().filter(|(scenario, _)| round <= scenario.rounds_max && !scenario.is_waiting) {
            let started = start(plan, scenario, peer, false)?;
            collect(&mut results, scenario, peer, started)?;
        }
    }
    eprintln!("counting");
    for (scenario, peer) in pairs().filter(|(scenario, _)| scenario.is_counted) {
        let started = start(plan, scenario, peer, true)?;
        collect(&mut results, scenario, peer, started)?;
    }
    eprintln!("waiting");
    // All of a scenario, and one scenario after the other: the C library has one configuration, which names one server.
    for scenario in plan.scenarios.iter().filter(|scenario| scenario.is_waiting) {
        let start = |peer| Ok::<_, Box<dyn Error>>((peer, start(plan, scenario, peer, false)?));
        let started: Vec<_> = scenario.peers.iter().map(start).collect::<Result<_, _>>()?;
        for (peer, started) in started {
            collect(&mut results, scenario, peer, started)?;
        }
    }
    Ok(results)
}

fn start(plan: &Plan, scenario: &Scenario, peer: &Peer, is_counting: bool) -> Result<Child, Box<dyn Error>> {
    if peer.asks_c_library {
        let server = name_server::address(scenario.server).ip();
        let options = scenario.c_library_options;
        namespace::write_resolver_configuration(&format!("nameserver {server}\noptions {options}\n"))?;
    }
    let mut command = Command::new("timeout");
    command.arg(LIMIT).arg(std::env::current_exe()?).args([MEASURE, scenario.name, peer.name]);
    command.arg(plan.idle.as_secs().to_string());
    command.args(is_counting.then_some(COUNTING)).args(plan.is_quick.then_some(QUICK));
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

fn collect(
    results: &mut Results,
    scenario: &'static Scenario,
    peer: &'static Peer,
    child: Child,
) -> Result<(), Box<dyn Error>> {
    let output = child.wait_with_output()?;
    for line in String::from_utf8(output.stdout)?.lines() {
        let (metric, value) = line.split_once('\t').ok_or_else(|| format!("{line:?} is no figure"))?;
        results.add(scenario.name, peer.name, metric, value.parse()?);
    }
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        let told: Vec<_> = told.lines().filter(|line| !line.trim().is_empty()).take(3).collect();
        results.failures.push(format!("{} {}: {}: {}", scenario.name, peer.name, output.status, told.join(" ")));
    }
    Ok(())
}

/// The other side of `start`: measures one peer in one scenario, and prints its figures.
pub fn measure(arguments: &[String]) {
    let [scenario, peer, idle, flags @ ..] = arguments else { panic!("too few arguments") };
    let scenario = scenarios::by_name(scenario).expect("a scenario has this name");
    let peer = scenario.peers.iter().find(|other| other.name == peer).expect("a peer has this name");
    let has = |flag| flags.iter().any(|other| other == flag);
    if peer.asks_c_library {
        namespace::assert_c_library_asks(name_server::address(scenario.server).ip());
    }
    let idle = Duration::from_secs(idle.parse().expect("it is a number of seconds"));
    let task = Task::new(scenario, has(QUICK), idle, has(COUNTING));
    // It lives as long as the process, whose only purpose it is.
    (peer.measure)(Box::leak(Box::new(task)));
}
