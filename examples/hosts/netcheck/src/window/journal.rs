//! What `examples/hosts/try` reads: what the program does, line by line, and how long its frames take. Without `--log`
//! none of it is there.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use eframe::egui;
use msgpump::Swept;

use crate::headless::summary;
use crate::model::checks::Checks;
use crate::model::row::State;
use crate::model::times::percentiles;

/// How many more rows must be done for another line.
const PROGRESS: usize = 500;

pub struct Journal {
    log: Option<File>,
    /// When the frame before began, if it asked for this one at once.
    frame: Option<Instant>,
    frames: Vec<Duration>,
    is_at_rest: bool,
    rows: usize,
    done: usize,
    running: usize,
    is_closing: bool,
}

impl Journal {
    pub fn new(path: Option<&Path>) -> io::Result<Journal> {
        let log = path.map(File::create).transpose()?;
        let (frame, frames, rows, done, running) = Default::default();
        Ok(Journal { log, frame, frames, is_at_rest: true, rows, done, running, is_closing: false })
    }

    fn write(&mut self, line: &str) {
        if let Some(log) = &mut self.log {
            writeln!(log, "{line}").expect("the log can be written");
        }
    }

    /// A frame begins. One that was asked for by the one before tells how long that took, with all that belongs to it.
    pub fn frame(&mut self, checks: &Checks) {
        if self.log.is_none() {
            return;
        }
        let now = Instant::now();
        self.frames.extend(self.frame.take().map(|before| now - before));
        self.frame = (!checks.is_at_rest()).then_some(now);
    }

    /// Tells what has changed since the last frame, and asks for the next one while checks run.
    pub fn look(&mut self, context: &egui::Context, checks: &Checks) {
        if self.log.is_none() {
            return;
        }
        if self.frame.is_some() {
            context.request_repaint();
        }
        let (done, all) = checks.progress();
        if std::mem::replace(&mut self.rows, all) != all {
            self.write(&format!("loaded: {all} rows, {} malformed", checks.count(State::BadLine)));
            self.done = done;
        }
        if done / PROGRESS != self.done / PROGRESS {
            self.write(&format!("done: {done} of {all}"));
        }
        self.done = done;
        let running = checks.count(State::Running);
        if running == checks.options().parallel && self.running != running {
            self.write(&format!("in flight: {running}"));
        }
        self.running = running;
        if std::mem::replace(&mut self.is_at_rest, checks.is_at_rest()) != checks.is_at_rest() {
            if self.is_at_rest {
                self.at_rest(checks);
            } else {
                self.write("started");
            }
        }
        if !self.is_closing && context.input(|input| input.viewport().close_requested()) {
            self.is_closing = true;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
            self.write(&format!("stale answers: {}", checks.stale()));
            self.write(&format!("closing at {now} us with {running} in flight"));
        }
    }

    fn at_rest(&mut self, checks: &Checks) {
        self.write(&format!("at rest: {}; {} rows in all", summary(checks), checks.rows().len()));
        let (count, longest) = (self.frames.len(), self.frames.iter().max().copied().unwrap_or_default());
        if let Some([half, nearly_all]) = percentiles(&mut self.frames, [50, 99]) {
            let [half, nearly_all, longest] = [half, nearly_all, longest].map(|time| time.as_micros());
            self.write(&format!(
                "frames: {count}, 50 % within {half} us, 99 % within {nearly_all} us, longest {longest} us"
            ));
        }
        self.frames.clear();
    }

    pub fn cancelled(&mut self, swept: Swept, took: Duration) {
        self.write(&format!("cancelled: {} operations in {} us", swept.operations(), took.as_micros()));
    }
}
