//! One line of the list, and what is known of it.

use std::net::IpAddr;
use std::time::Duration;

/// How far a row is. The order is that of sorting: what needs a look comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    BadLine,
    Failed,
    Running,
    Cancelled,
    Waiting,
    Idle,
    Found,
    Connected,
}

impl State {
    pub const ALL: [State; 8] = [
        State::BadLine,
        State::Failed,
        State::Running,
        State::Cancelled,
        State::Waiting,
        State::Idle,
        State::Found,
        State::Connected,
    ];

    pub fn text(self) -> &'static str {
        match self {
            State::BadLine => "malformed",
            State::Failed => "failed",
            State::Running => "running",
            State::Cancelled => "cancelled",
            State::Waiting => "waiting",
            State::Idle => "not checked",
            State::Found => "found",
            State::Connected => "connected",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Row {
    /// Counted from 1.
    pub line: u32,
    /// The line, as far as it can be shown.
    pub text: Box<str>,
    pub state: State,
    /// The name that was found, where it is another one than was asked for.
    pub name: Option<Box<str>>,
    pub addresses: Box<[IpAddr]>,
    /// From the question to the answer.
    pub time: Option<Duration>,
    pub problem: Option<Box<str>>,
}

impl Row {
    pub fn new(line: u32, text: &str, problem: Option<String>) -> Row {
        let state = if problem.is_some() { State::BadLine } else { State::Idle };
        let problem = problem.map(Into::into);
        Row { line, text: text.into(), state, name: None, addresses: [].into(), time: None, problem }
    }

    /// Forgets what was found out.
    pub fn clear(&mut self) {
        let (text, state) = (std::mem::take(&mut self.text), self.state);
        *self = Row { text, state, ..Row::new(self.line, "", None) };
    }

    /// The name and the addresses, with blanks between them.
    pub fn answer(&self) -> String {
        let name = self.name.iter().map(|name| name.to_string());
        name.chain(self.addresses.iter().map(IpAddr::to_string)).collect::<Vec<_>>().join(" ")
    }

    pub fn milliseconds(&self) -> Option<f64> {
        self.time.map(|time| (time.as_secs_f64() * 1e6).round() / 1e3)
    }
}
