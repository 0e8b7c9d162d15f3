//! The pump beside its alternatives.
//!
//! ```text
//! peers all                     every scenario, and tables and pictures into results/
//! peers SCENARIO...             some of them, printed only
//! peers list                    their names, and who takes part
//!   --rounds N                  how often each is measured (5); the rounds are interleaved
//!   --quick                     fewer operations, a fourth of the time, less exact
//!   --idle-seconds N            how long the scenario `idle` sleeps (60)
//!   --out FOLDER                where `all` writes (results/ of this package)
//! ```
//!
//! Each measurement runs in a process of its own, in a network namespace that has loopback only and a
//! configuration of the resolver that names loopback only: no peer can ask anybody else.

mod figures;
mod foreign;
mod machine;
mod name_server;
mod namespace;
mod picture;
mod random;
mod received;
mod resolvers;
mod results;
mod runner;
mod scenario;
mod scenarios;
mod tables;
mod task;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use foreign::system;
use runner::Plan;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    system::raise_file_limit();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(runner::MEASURE) => {
            runner::measure(&arguments[1..]);
            Ok(ExitCode::SUCCESS)
        }
        Some(scenarios::ECHO_CLIENT) => {
            scenarios::run_echo_client(&arguments[1..]);
            Ok(ExitCode::SUCCESS)
        }
        Some(name_server::NAME_SERVER) => {
            name_server::run();
            Ok(ExitCode::SUCCESS)
        }
        Some("list") => {
            for scenario in scenarios::all() {
                let peers: Vec<_> = scenario.peers.iter().map(|peer| peer.name).collect();
                println!("{}: {}", scenario.name, peers.join(" "));
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => compare(&arguments),
    }
}

fn compare(arguments: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let mut plan = Plan { scenarios: Vec::new(), rounds: 5, is_quick: false, idle: Duration::from_secs(60) };
    let mut folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/results"));
    let mut is_all = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--rounds" => plan.rounds = value()?.parse()?,
            "--quick" => plan.is_quick = true,
            "--idle-seconds" => plan.idle = Duration::from_secs(value()?.parse()?),
            "--out" => folder = value()?.into(),
            "all" => is_all = true,
            name => {
                let scenario = scenarios::by_name(name).ok_or_else(|| format!("there is no scenario {name}"))?;
                plan.scenarios.push(scenario);
            }
        }
    }
    if is_all {
        plan.scenarios = scenarios::all().collect();
    }
    if plan.scenarios.is_empty() || plan.rounds == 0 {
        return Err("which scenario? `list` names them, `all` takes them all".into());
    }
    if let Some(status) = namespace::enter(arguments)? {
        return Ok(status);
    }
    let results = runner::run(&plan)?;
    print!("{}", tables::text(&plan, &results));
    if is_all {
        tables::write(&plan, &results, &folder)?;
        println!("tables and pictures: {}", folder.display());
    }
    for failure in &results.failures {
        eprintln!("failed: {failure}");
    }
    Ok(if results.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
