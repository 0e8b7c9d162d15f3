//! What `try` needs to rehearse the program without a network: a name server on the loopback interface, lookups that
//! hang, a log, and figures. Without `--script` none of it is there.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use msgpump::{HostQuery, OperationId, Pump, ResolverConfig, Settings, WindowId};

/// How many lookups hang, in the style of a name server that is dead.
const HANGING: usize = 100;
/// From a question to its answer: longer than between two keystrokes.
const ANSWERS_AFTER: Duration = Duration::from_millis(30);
/// From Stop until the window system has come to rest too.
const SETTLES_IN: Duration = Duration::from_secs(1);

/// What the program posts to itself.
#[derive(Debug)]
pub enum Note {
    /// How far the other thread has counted.
    Count(u64),
    /// Asks how often the pump was turned.
    Look,
}

/// The command line's `--script LOG SECONDS`: where to write, and how long to look at an idle program.
fn script() -> Option<(String, u64)> {
    let mut arguments = env::args().skip_while(|argument| argument != "--script").skip(1);
    Some((arguments.next()?, arguments.next()?.parse().ok()?))
}

pub(crate) fn settings() -> Result<Settings, Box<dyn Error>> {
    if script().is_none() {
        return Ok(Settings::default());
    }
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let config = ResolverConfig::new([socket.local_addr()?]);
    thread::spawn(move || serve(&socket));
    Ok(Settings::default().resolver(config)?)
}

/// Answers 192.0.2.N to a name of N letters, and nothing at all to those that begin with "slow".
fn serve(socket: &UdpSocket) {
    let mut bytes = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut bytes) {
        let (Some(answer), Ok(socket)) = (answer_to(&bytes[..length]), socket.try_clone()) else { continue };
        thread::spawn(move || {
            thread::sleep(ANSWERS_AFTER);
            drop(socket.send_to(&answer, from));
        });
    }
}

/// RFC 1035 section 4.1: a header of 12 bytes, then the labels of the name, its type and class.
fn answer_to(question: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    while *question.get(at)? != 0 {
        at += 1 + usize::from(question[at]);
    }
    let letters = at.checked_sub(13)? as u8; // the dots are counted as the bytes of length, the first one is not
    let is_address = question.get(at + 1..at + 3)? == [0, 1];
    if question[13..].starts_with(b"slow") {
        return None;
    }
    let mut answer = question.get(..at + 5)?.to_vec();
    answer[2..4].copy_from_slice(&[0x81, 0x80]); // a response, without an error
    answer[6..12].copy_from_slice(&[0, u8::from(is_address), 0, 0, 0, 0]);
    if is_address {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, letters]);
    }
    Some(answer)
}

pub(crate) struct Rehearsal {
    log: Option<File>,
    idle_for: Duration,
    hanging: Vec<OperationId>,
    input: Option<Instant>,
    delays: Vec<Duration>,
    looked: Option<(u64, u64)>,
}

impl Rehearsal {
    pub(crate) fn start(pump: &mut Pump<Note>, owner: WindowId) -> Result<Rehearsal, Box<dyn Error>> {
        let mut rehearsal = Rehearsal {
            log: None,
            idle_for: Duration::ZERO,
            hanging: Vec::new(),
            input: None,
            delays: Vec::new(),
            looked: None,
        };
        if let Some((path, seconds)) = script() {
            rehearsal.log = Some(File::create(path)?);
            rehearsal.idle_for = Duration::from_secs(seconds);
            for number in 0..HANGING {
                rehearsal.hanging.push(pump.lookup_host(owner, HostQuery::by_name(format!("slow-{number}.test")))?);
            }
            rehearsal.log(&format!("started: {HANGING} lookups hang"));
        }
        Ok(rehearsal)
    }

    pub(crate) fn log(&mut self, line: &str) {
        if let Some(log) = &mut self.log {
            writeln!(log, "{line}").expect("the log can be written");
        }
    }

    pub(crate) fn is_hanging(&self, operation: Option<OperationId>) -> bool {
        operation.is_some_and(|operation| self.hanging.contains(&operation))
    }

    /// Something was typed.
    pub(crate) fn input(&mut self) {
        self.input.get_or_insert_with(Instant::now);
    }

    pub(crate) fn painted(&mut self) {
        if let Some(input) = self.input.take() {
            self.delays.push(input.elapsed());
        }
    }

    /// Tells the delays, and has another thread ask twice how often the pump was turned: with nothing else to do, once
    /// for the question.
    pub(crate) fn stop(&mut self, pump: &Pump<Note>) {
        if self.log.is_none() {
            return;
        }
        self.delays.sort();
        let at = |percent: usize| self.delays.get(self.delays.len() * percent / 100).map_or(0, Duration::as_micros);
        let line = format!(
            "painted after input: {} times, 50 % within {} us, 99 % within {} us",
            self.delays.len(),
            at(50),
            at(99)
        );
        self.log(&line);
        let (poster, window, idle_for) = (pump.poster(), pump.root_window(), self.idle_for);
        thread::spawn(move || {
            for pause in [SETTLES_IN, idle_for] {
                thread::sleep(pause);
                drop(poster.post(window, Note::Look));
            }
        });
    }

    pub(crate) fn look(&mut self, pump: &Pump<Note>) {
        let now = (pump.metrics().turns, wake_ups());
        let Some(before) = self.looked.replace(now) else { return };
        // One of them was for the question itself.
        let (turns, wakes) = (now.0 - before.0 - 1, now.1.saturating_sub(before.1 + 1));
        let seconds = self.idle_for.as_secs();
        self.log(&format!("idle for {seconds} s: {turns} turns of the pump, {wakes} wake-ups of its thread"));
    }
}

/// How often this thread slept and was woken.
fn wake_ups() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}
