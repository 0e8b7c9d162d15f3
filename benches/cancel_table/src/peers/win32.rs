//! The system's own calls, under Wine: a program in C, `c/win32.c`, that asks this one for the name server.
//!
//! It says on its standard output what it wants (`await NAME`, `answer NAME`) and goes on when it is told on its standard
//! input that it is done, and how many sockets wait for answers.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::name_server::{asking, name_server};
use crate::scene::is_control;

/// Where Wine is, and where the program that it is to run.
const WINE: &str = "CANCEL_TABLE_WINE";
const PROGRAM: &str = "CANCEL_TABLE_WIN32";

/// Whether the script that starts this has found Wine and built the program.
pub fn is_there() -> bool {
    env::var_os(PROGRAM).is_some()
}

pub fn version() -> String {
    let wine = env::var_os(WINE).expect("the script names it");
    let output = Command::new(wine).arg("--version").output().expect("it runs");
    let version = String::from_utf8_lossy(&output.stdout);
    version.split_whitespace().next().unwrap_or_default().replace("wine-", "Wine ")
}

pub fn play() {
    let wine = env::var_os(WINE).expect("the script names it");
    let program = env::var_os(PROGRAM).expect("the script names it");
    let mut child = Command::new(wine)
        .arg(program)
        .args(is_control().then_some("control"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Wine runs");
    let mut to = child.stdin.take().expect("it is piped");
    let from = BufReader::new(child.stdout.take().expect("it is piped"));
    for line in from.lines() {
        let line = line.expect("it is text");
        let line = line.trim_end_matches('\r');
        match line.split_once(' ') {
            Some(("await", name)) => name_server().await_question(name),
            Some(("answer", name)) => name_server().answer(name),
            Some(("asking", _)) => {}
            _ => {
                println!("{line}");
                continue;
            }
        }
        writeln!(to, "{}", asking()).expect("it listens");
    }
    let status = child.wait().expect("it is a child");
    assert!(status.success(), "{status}");
}
