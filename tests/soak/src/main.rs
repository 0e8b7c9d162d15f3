//! A soak: everything that the pump does at once and for a long time, half of it cancelled in whatever state it is.
//!
//! Lookups at name servers that misbehave, connects, timers, streams, work and posts of four threads, watched
//! sockets; in tides, between which everything comes to its end. Nothing of what was cancelled may be seen; and
//! in the end operations, descriptors and memory are what they were at the beginning.

mod load;
mod loopback;
mod measure;
mod numbers;
mod others;
mod outside;
mod parcel;
mod picture;
mod random;
mod stage;
mod tally;
mod wire;
mod zone;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use load::Load;
use loopback::Loopback;
use measure::Sample;
use outside::Outside;
use stage::Stage;

const HELP: &str = "\
Starts, cancels and takes at random, and fails if anything of what was cancelled is seen or anything is left.

  --seconds N         on the loopback interface, this long (default 600)
  --virtual-hours N   on the virtual clock instead, this many hours of it
  --seed N            makes the same choices as a run before (default: from the clock, printed)
  --picture PATH      where the curve goes, and words beside it (default results/soak.svg, results/virtual.svg)
";

/// Between them everything comes to its end.
const TIDES: u32 = 10;

/// Points of the curve.
const SAMPLES_MAX: usize = 600;

/// How long what is left at the end of a tide may take to come to its own end: longer than any timeout, and on a
/// stage longer than the longest pause of a script.
const EBB_MAX: Duration = Duration::from_secs(120);

/// In every third tide descriptors run out: this many are left.
const SPARE_DESCRIPTORS: usize = 40;

/// How much more the idle pump may hold in the end than after two thirds of the run: tables that have grown keep their room, and the
/// fullest moment may come late.
const GROWTH_BYTES_MAX: usize = 512 << 10;

/// How much more memory the process may occupy: what the allocator keeps in reserve moves.
const RESIDENT_GROWTH_BYTES_MAX: usize = 16 << 20;

/// What may be left once the pump is gone: the standard library's channels and thread-local parts.
const LEFT_BYTES_MAX: usize = 64 << 10;

/// A run on the virtual clock is given up after this much real time for each virtual hour.
const REAL_TIME_PER_HOUR_MAX: Duration = Duration::from_secs(120);

struct Arguments {
    length: Length,
    seed: u64,
    picture: Option<PathBuf>,
}

#[derive(Clone, Copy)]
enum Length {
    Others,
    Seconds(u64),
    VirtualHours(u64),
}

fn main() -> ExitCode {
    let result = match arguments() {
        Ok(Arguments { length: Length::Others, seed, .. }) => others::run(seed),
        Ok(Arguments { length: Length::Seconds(seconds), seed, picture }) => {
            println!("{seconds} s on the loopback interface, seed {seed}");
            let picture = picture.unwrap_or_else(|| PathBuf::from("results/soak.svg"));
            silence_providers();
            Loopback::start(seed).and_then(|outside| {
                let title = format!("{seconds} s on the loopback interface");
                let length = Duration::from_secs(seconds);
                Run { length, give_up: 4 * length + EBB_MAX, title, unit: "s", picture }.run(outside, seed)
            })
        }
        Ok(Arguments { length: Length::VirtualHours(hours), seed, picture }) => {
            println!("{hours} h on the virtual clock, seed {seed}");
            let picture = picture.unwrap_or_else(|| PathBuf::from("results/virtual.svg"));
            silence_providers();
            let (length, title) = (Duration::from_secs(hours * 3600), format!("{hours} h on the virtual clock"));
            let give_up = REAL_TIME_PER_HOUR_MAX * hours as u32;
            Run { length, give_up, title, unit: "h", picture }.run(Stage::new(seed), seed)
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    use lexopt::prelude::*;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut arguments = Arguments { length: Length::Seconds(600), seed: now.as_nanos() as u64, picture: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seconds") => arguments.length = Length::Seconds(parser.value()?.parse()?),
            Long("virtual-hours") => arguments.length = Length::VirtualHours(parser.value()?.parse()?),
            Long("others") => arguments.length = Length::Others,
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Long("picture") => arguments.picture = Some(parser.value()?.into()),
            Short('h') | Long("help") => {
                print!("{HELP}");
                std::process::exit(0);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(arguments)
}

/// Says nothing of providers that panic on purpose.
fn silence_providers() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str() != Some(numbers::ON_PURPOSE) {
            usual(panic);
        }
    }));
}

struct Run {
    /// By the clock of the run.
    length: Duration,
    /// By the machine's clock.
    give_up: Duration,
    title: String,
    unit: &'static str,
    picture: PathBuf,
}

/// What there was when nothing was under way.
#[derive(Clone, Copy, Debug)]
struct Rest {
    descriptors: usize,
    allocated: usize,
    resident: usize,
}

impl Run {
    fn run<O: Outside>(&self, outside: O, seed: u64) -> Result<(), Box<dyn Error>> {
        let began = Instant::now();
        let mut samples = Vec::with_capacity(2 * SAMPLES_MAX);
        let before = measure::allocated_bytes();
        let mut load = Load::new(outside, seed);
        let mut rests = Vec::with_capacity(TIDES as usize + 1);
        rests.push(rest(&load));
        for tide in 1..=TIDES {
            if tide % 3 == 0 {
                load.outside.limit_descriptors(Some(SPARE_DESCRIPTORS));
            }
            while load.outside.elapsed() < self.length * tide / TIDES {
                load.round();
                let is_due = |sample: &Sample| load.outside.elapsed() >= sample.at + self.length / SAMPLES_MAX as u32;
                if samples.last().is_none_or(is_due) {
                    samples.extend(sample(&load));
                }
                if began.elapsed() > self.give_up {
                    return Err(format!("given up after {:?}", self.give_up).into());
                }
            }
            load.ebb(EBB_MAX);
            samples.extend(sample(&load));
            rests.push(rest(&load));
        }
        let tally = load.tally.clone();
        let (real, virtual_or_real) = (began.elapsed().as_secs_f64(), load.outside.elapsed().as_secs_f64());
        drop(load);
        let left = measure::allocated_bytes().saturating_sub(before);
        let report = format!(
            "{}, seed {seed}\n\n{tally}\nreal time {real:.1} s, run's time {virtual_or_real:.1} s\n{}\n\
             left once the pump is gone: {left} bytes\n",
            self.title,
            rests_in_words(&rests)
        );
        print!("{report}");
        if let Some(folder) = self.picture.parent() {
            std::fs::create_dir_all(folder)?;
        }
        picture::draw(&self.picture, &self.title, self.unit, &samples)?;
        let text = self.picture.with_extension("txt");
        std::fs::write(&text, report)?;
        println!("the curve is in {}, these words are in {}", self.picture.display(), text.display());
        check(&tally, &rests, left)
    }
}

fn sample<O: Outside>(load: &Load<O>) -> Option<Sample> {
    Some(Sample {
        at: load.outside.elapsed(),
        operations: load.pump.metrics().operations,
        descriptors: load.outside.descriptors()?,
        allocated: measure::allocated_bytes(),
        resident: measure::resident_bytes()?,
    })
}

fn rest<O: Outside>(load: &Load<O>) -> Rest {
    let descriptors = load.outside.descriptors().expect("an idle pump leaves descriptors");
    let resident = measure::resident_bytes().expect("an idle pump leaves descriptors");
    Rest { descriptors, allocated: measure::allocated_bytes(), resident }
}

fn rests_in_words(rests: &[Rest]) -> String {
    let line = |name: &str, value: &dyn Fn(&Rest) -> usize| {
        let values: Vec<_> = rests.iter().map(|rest| value(rest).to_string()).collect();
        format!("\n  {name:<16}{}", values.join(" "))
    };
    let words = String::from("at the beginning and between the tides, with nothing under way:");
    words
        + &line("descriptors", &|rest| rest.descriptors)
        + &line("allocated, KiB", &|rest| rest.allocated >> 10)
        + &line("resident, KiB", &|rest| rest.resident >> 10)
}

/// Says all that did not end where it began.
fn check(tally: &tally::Tally, rests: &[Rest], left: usize) -> Result<(), Box<dyn Error>> {
    let (first, last) = (rests[0], rests[rests.len() - 1]);
    // By then the tables have the size that the fullest moments want.
    let settled = rests[rests.len() * 2 / 3];
    let mut faults = Vec::new();
    let mut must = |is_so: bool, what: String| {
        if !is_so {
            faults.push(what);
        }
    };
    must(
        last.descriptors == first.descriptors,
        format!("{} descriptors, {} before", last.descriptors, first.descriptors),
    );
    let (now, then) = (last.allocated, settled.allocated);
    must(now <= then + GROWTH_BYTES_MAX, format!("{now} bytes allocated, {then} after two thirds"));
    let (now, then) = (last.resident, settled.resident);
    must(now <= then + RESIDENT_GROWTH_BYTES_MAX, format!("{now} bytes resident, {then} after two thirds"));
    must(left <= LEFT_BYTES_MAX, format!("{left} bytes are left once the pump is gone"));
    must(2 * tally.cancelled() >= tally.started(), "less than half was cancelled".to_owned());
    must(
        tally.cancelled() + tally.ended() == tally.started(),
        "what was started is neither over nor cancelled".to_owned(),
    );
    must(tally.untried().is_empty(), format!("nothing was cancelled of: {}", tally.untried().join(", ")));
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}
