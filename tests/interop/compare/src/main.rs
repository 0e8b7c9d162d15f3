//! The same names, asked of one name server through four resolvers, and why the answers differ where they do.
//!
//! `run` beside this folder makes a network of its own in which the machine's configuration names that server, so that
//! the C library asks it too, and starts this program there.

mod answer;
mod differences;
mod explanations;
mod names;
mod odd_server;
mod order;
mod resolvers;
mod results;
mod wire;

use std::process::ExitCode;
use std::{env, fs};

use differences::{Case, differences};
use explanations::ASKED_AGAIN;
use names::Query;
use resolvers::{Peer, Sharing};
use results::Results;

const USAGE: &str = "\
zone COUNT               prints lines for the zone of COUNT names
hosts-file               prints the hosts file
serve PORT               is the odd name server
ask SERVER COUNT FILE    asks all four resolvers for COUNT names, and writes what differs into FILE
table FILE...            prints the table of what differs in those files";

/// How many differences that nobody explains are shown.
const SHOWN_MAX: usize = 60;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["zone", count] => names::zone(number(count)).iter().for_each(|line| println!("{line}")),
        ["hosts-file"] => print!("{}", names::HOSTS_FILE),
        ["serve", port] => odd_server::serve(number(port) as u16).expect("the port is free"),
        ["ask", server, count, file] => return ask(server, number(count), file),
        ["table", ref files @ ..] => return table(files),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn ask(server: &str, count: usize, file: &str) -> ExitCode {
    let (queries, sharing) = match server {
        "odd" => (names::odd_queries(), Sharing::Nothing),
        _ => (names::queries(count), Sharing::Resolver),
    };
    if !resolvers::is_answered_in_time(if server == "odd" { "plain.n0.odd.test." } else { "host.interop.test." }) {
        println!("{server} does not answer");
        return ExitCode::FAILURE;
    }
    let ours = resolvers::ask_msgpump(&queries, sharing);
    let mut results = Results::new(server, queries.len());
    let mut unexplained = Vec::new();
    for peer in Peer::ALL {
        let theirs = peer.ask(&queries, sharing);
        for ((query, ours), theirs) in queries.iter().zip(&ours).zip(&theirs) {
            let found = differences(ours, theirs);
            results.count(peer, found.is_empty());
            for aspect in found {
                let case = Case { server, peer, query, ours, theirs, aspect };
                match explanations::of(&case).or_else(|| is_gone_when_asked_again(&case).then_some(ASKED_AGAIN)) {
                    Some(what) => results.add(what, peer, &query.text()),
                    None => unexplained.push(case.to_string()),
                }
            }
        }
    }
    fs::write(file, results.to_text()).expect("the file can be written");
    println!("{server}: {results}");
    if unexplained.is_empty() {
        return ExitCode::SUCCESS;
    }
    for line in unexplained.iter().take(SHOWN_MAX) {
        println!("{line}");
    }
    println!("{server}: {} differences that nothing explains", unexplained.len());
    ExitCode::FAILURE
}

/// Whether both resolvers, asked for this name alone, differ in nothing that is not explained. msgpump must say what it
/// said before: only the other one may have lost something on the way.
fn is_gone_when_asked_again(case: &Case<'_>) -> bool {
    let query = [Query { index: 0, ..case.query.clone() }];
    let ours = resolvers::ask_msgpump(&query, Sharing::Nothing).remove(0);
    if !differences(case.ours, &ours).is_empty() {
        return false;
    }
    let theirs = case.peer.ask(&query, Sharing::Nothing).remove(0);
    differences(&ours, &theirs).into_iter().all(|aspect| {
        explanations::of(&Case { query: &query[0], ours: &ours, theirs: &theirs, aspect, ..*case }).is_some()
    })
}

fn table(files: &[&str]) -> ExitCode {
    let results: Vec<Results> =
        files.iter().map(|file| Results::from_text(&fs::read_to_string(file).expect("it can be read"))).collect();
    print!("{}", results::table(&results, &resolvers::versions()));
    ExitCode::SUCCESS
}
