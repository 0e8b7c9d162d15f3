//! What is still seen after a cancel: this crate and others, kind by kind and state by state.
//!
//! Started by `run`, which gives it a network namespace of its own, with this program as its name server. Each peer plays
//! in a process of its own. Fails if anything of a cancelled operation of this crate's is seen.

#[allow(unsafe_code)]
mod ffi;
mod name_server;
mod peers;
mod report;
mod scene;
mod table;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

// Linked for the glue in c/.
use c_ares_sys as _;

use peers::{PEERS, Peer};
use report::Report;
use table::{Row, parse};

const USAGE: &str =
    "cancel_table [--peer NAME | --control NAME | --into DIRECTORY]; benches/cancel_table/run starts it";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--peer" | "--control", name] => {
            let Some(peer) = PEERS.iter().find(|peer| peer.name == name) else { return usage() };
            if arguments[0] == "--control" {
                scene::play_control();
            }
            assert_is_alone();
            // Before anybody asks it.
            name_server::name_server();
            (peer.play)();
            ExitCode::SUCCESS
        }
        ["--into", directory] => play_all(directory.into()),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    let names: Vec<&str> = PEERS.iter().map(|peer| peer.name).collect();
    eprintln!("peers: {}", names.join(" "));
    ExitCode::from(2)
}

/// Lookups here must not reach the machine's own name server.
fn assert_is_alone() {
    let devices = fs::read_to_string("/proc/self/net/dev").expect("there is /proc");
    let others = devices.lines().skip(2).filter(|line| !line.trim_start().starts_with("lo:")).count();
    assert_eq!(others, 0, "this is no network namespace of its own: benches/cancel_table/run makes one");
}

fn play_all(directory: PathBuf) -> ExitCode {
    let mut report = Report { rows: Vec::new(), peers: Vec::new() };
    for peer in PEERS.iter().filter(|peer| peer.name != "win32" || peers::has_win32()) {
        report.rows.extend(play(peer));
        report.peers.push((peer.title.to_owned(), version(peer)));
    }
    print!("{}\n{}", report.text(), report.summary());
    for (file, text) in [("results.md", report.markdown()), ("summary.md", report.summary())] {
        fs::write(directory.join(file), text).expect("the directory is there");
    }
    let ours = report.rows.iter().filter(|row| row.peer.starts_with("msgpump"));
    let loud: Vec<&Row> = ours.filter(|row| row.cells.iter().any(|(_, seen)| !seen.is_nothing())).collect();
    if loud.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("a cancelled operation of this crate's is seen: {loud:#?}");
    ExitCode::FAILURE
}

/// Plays a peer's cells in a process of its own; before that, in another one, without their cancels, which fails unless
/// everything is seen then.
fn play(peer: &Peer) -> Vec<Row> {
    rows("--control", peer);
    rows("--peer", peer)
}

fn rows(mode: &str, peer: &Peer) -> Vec<Row> {
    let program = env::current_exe().expect("it was started");
    let child = Command::new(program)
        .args([mode, peer.name])
        // Of smol's pool; libuv's is set in the glue, tokio's where it is made.
        .env("BLOCKING_MAX_THREADS", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let output = child.wait_with_output().expect("it is a child");
    let lines = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{mode} {}: {}\n{lines}", peer.name, output.status);
    lines.lines().map(|line| parse(peer.title, line).unwrap_or_else(|| panic!("{}: {line}", peer.name))).collect()
}

fn version(peer: &Peer) -> String {
    match (peer.version, peer.package) {
        (Some(version), _) => version(),
        (None, Some(package)) => locked_version(package),
        (None, None) => String::new(),
    }
}

/// The version of a package in the lock file that this was built with.
fn locked_version(package: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{package}\"\n")));
    let version = entry.and_then(|entry| entry.split("version = \"").nth(1));
    version.and_then(|rest| rest.split('"').next()).expect("it is a dependency").to_owned()
}
