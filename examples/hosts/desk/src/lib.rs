//! The program that every host shows: a host name is looked up at each keystroke and the lookup before is
//! cancelled, a clock ticks, another thread counts, and Stop ends all of it with one call.
//!
//! It knows the pump and no window system. A host tells it what was typed and hands it the pump's messages, and draws
//! [`Desk::lines`].

mod rehearsal;

use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use msgpump::{HostQuery, Message, OperationId, Payload, Pump, Settings, Timer, WindowId};

pub use rehearsal::Note;
use rehearsal::Rehearsal;

/// The title of the window.
pub const TITLE: &str = "msgpump desk";

pub struct Desk {
    /// Owner of everything that Stop ends; `None` while stopped.
    owner: Option<WindowId>,
    wanted: Option<OperationId>,
    started: Instant,
    pub text: String,
    answer: String,
    clock: f32,
    counter: u64,
    stale: usize,
    rehearsal: Rehearsal,
}

/// The pump's settings. With `--script LOG SECONDS` on the command line they name a name server of the program's own.
pub fn settings() -> Result<Settings, Box<dyn Error>> {
    rehearsal::settings()
}

/// Ends the program. What went wrong is a sentence, and the exit status 2: no display, no terminal.
pub fn end(outcome: Result<(), Box<dyn Error>>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the program ended: {error}");
            ExitCode::from(2)
        }
    }
}

impl Desk {
    /// Starts the clock and the other thread.
    pub fn new(pump: &mut Pump<Note>) -> Result<Desk, Box<dyn Error>> {
        let owner = pump.open_window();
        pump.set_timer(owner, Timer::every(Duration::from_millis(100)))?;
        let poster = pump.poster();
        thread::spawn(move || {
            // Ends when its window is destroyed: the post comes back.
            for number in 1.. {
                thread::sleep(Duration::from_millis(50));
                if poster.post(owner, Note::Count(number)).is_err() {
                    return;
                }
            }
        });
        Ok(Desk {
            owner: Some(owner),
            wanted: None,
            started: Instant::now(),
            text: String::new(),
            answer: "type the name of a host".into(),
            clock: 0.0,
            counter: 0,
            stale: 0,
            rehearsal: Rehearsal::start(pump, owner)?,
        })
    }

    /// What is drawn, from the top: the search box, the answer, the clock, the counter, the number of stale answers.
    pub fn lines(&self) -> [String; 5] {
        [
            format!("look up: {}_", self.text),
            self.answer.clone(),
            format!("clock: {:.1} s", self.clock),
            format!("counter of another thread: {}", self.counter),
            format!("stale answers seen: {}", self.stale),
        ]
    }

    /// One letter more, for hosts without a text box of their own.
    pub fn type_letter(&mut self, pump: &mut Pump<Note>, letter: char) {
        if !letter.is_control() {
            self.typed(pump, format!("{}{letter}", self.text));
        }
    }

    /// One letter less.
    pub fn erase(&mut self, pump: &mut Pump<Note>) {
        let mut text = self.text.clone();
        text.pop();
        self.typed(pump, text);
    }

    /// Looks up what stands in the search box now, and forgets what stood there before.
    pub fn typed(&mut self, pump: &mut Pump<Note>, text: String) {
        self.rehearsal.input();
        if let Some(before) = self.wanted.take() {
            pump.cancel(before); // from here on it is silent
        }
        self.text = text;
        self.answer = String::new();
        if let Some(owner) = self.owner.filter(|_| !self.text.is_empty()) {
            match pump.lookup_host(owner, HostQuery::by_name(&self.text)) {
                Ok(lookup) => {
                    self.wanted = Some(lookup);
                    self.answer = "...".into();
                }
                Err(error) => self.answer = error.to_string(),
            }
        }
    }

    /// Takes in what the pump tells.
    pub fn handle(&mut self, pump: &mut Pump<Note>, message: Message<Note>) {
        match message.payload {
            Payload::Tick(_) => self.clock = self.started.elapsed().as_secs_f32(),
            Payload::Posted(Note::Count(number)) => self.counter = number,
            Payload::Posted(Note::Look) => self.rehearsal.look(pump),
            Payload::Host(answer) => {
                if self.rehearsal.is_hanging(message.operation) {
                    return;
                }
                // Counted, not hoped: an answer to anything but the text that stands there now.
                if message.operation != self.wanted {
                    self.stale += 1;
                }
                // Who is answered has an address: none at all is an error.
                self.answer = match answer {
                    Ok(host) => format!("{}: {}", host.canonical_name, host.addresses[0]),
                    Err(error) => error.to_string(),
                };
                self.rehearsal.log(&format!("answer: {}", self.answer));
            }
            _ => {}
        }
    }

    /// Ends all that is under way. What the other thread posts from here on is refused.
    pub fn stop(&mut self, pump: &mut Pump<Note>) {
        if let Some(stopped) = self.owner.take().and_then(|owner| pump.destroy_window(owner)) {
            self.wanted = None;
            self.answer = "stopped".into();
            self.rehearsal.log(&format!("stopped: {stopped:?}; stale answers seen: {}", self.stale));
            self.rehearsal.stop(pump);
        }
    }

    /// What was typed is on the screen now.
    pub fn painted(&mut self) {
        self.rehearsal.painted();
    }
}
