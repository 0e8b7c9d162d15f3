//! Shows that a query of a million rows holds up nothing: a timer ticks 60 times a second beside it.
//!
//! `cargo run --release --example rows -- --rows 50000000` gives it longer to go wrong. Ctrl-C stops the query.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use msgpump::{Payload, Provider, Pump, Slice, Step, StreamSettings, Timer};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// What another thread posts.
struct CtrlC;

struct Row {
    number: u64,
    value: u64,
}

/// A table that is made up as it is read.
struct Query {
    next: u64,
    rows: u64,
}

impl Provider for Query {
    type Item = Row;
    /// How many rows it has read.
    type Status = u64;

    fn step(&mut self, slice: &mut Slice<'_, Row>) -> Step<u64> {
        while self.next < self.rows {
            let number = self.next;
            let value = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            if slice.push(Row { number, value }).is_err() {
                return Step::More;
            }
            self.next += 1;
        }
        Step::End(self.next)
    }
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("rows: {error}");
        ExitCode::from(2)
    })
}

fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut rows = 1_000_000;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("rows") => rows = arguments.value()?.parse().map_err(|error| format!("--rows: {error}"))?,
            Long("help") => {
                println!("rows [--rows NUMBER]: so many rows, a million by default");
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    let mut pump = Pump::<CtrlC>::new()?;
    let window = pump.open_window();
    let poster = pump.poster();
    ctrlc::set_handler(move || drop(poster.post(window, CtrlC)))?;

    let started = Instant::now();
    let frames = pump.set_timer(window, Timer::every(FRAME))?;
    let query = pump.start_stream(window, Query { next: 0, rows }, StreamSettings::default())?;
    let (mut seen, mut largest) = (0, 0);
    let (mut ticks, mut last_tick, mut longest_gap) = (0, started, Duration::ZERO);
    while let Some(message) = pump.get_message()? {
        match message.payload {
            Payload::Batch(mut batch) => {
                for row in batch.of(query).unwrap_or_default() {
                    assert_eq!(row.number, seen, "rows come in order");
                    largest = largest.max(row.value);
                    seen += 1;
                }
            }
            Payload::StreamEnd(mut end) => {
                match end.of(query) {
                    Some(Ok(read)) => println!("the query has read {read} rows"),
                    other => println!("the query ended with {other:?}"),
                }
                // The next tick is still waited for: it ends the last gap.
                pump.reset_timer(frames, Timer::at(last_tick + FRAME))?;
            }
            Payload::Tick(_) => {
                longest_gap = longest_gap.max(last_tick.elapsed());
                (ticks, last_tick) = (ticks + 1, Instant::now());
                if !pump.is_live(query) {
                    pump.quit(0);
                }
            }
            Payload::Posted(CtrlC) => {
                println!("the query is stopped, {}", pump.cancel(query));
                pump.quit(130);
            }
            _ => {}
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{seen} rows, the largest value is {largest}; {:.1} million rows a second", seen as f64 / seconds / 1e6);
    println!("{ticks} ticks; the longest gap between two was {longest_gap:.1?}, where {FRAME:.1?} were asked for");
    Ok(ExitCode::from(pump.quit_code().unwrap_or(0) as u8))
}
