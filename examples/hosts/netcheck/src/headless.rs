//! Checks a list without a window, with a progress bar on the terminal.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use msgpump::{Payload, Pump};

use crate::arguments::Arguments;
use crate::model::checks::Checks;
use crate::model::export::{Export, Format};
use crate::model::list;
use crate::model::row::State;

/// Runs all checks, and writes what came of them, also of those that were not run after Ctrl-C.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let path = arguments.list.as_deref().ok_or("there is no list")?;
    let rows = list::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    // Before anything is asked: what cannot be written is told now, and not when all is checked.
    let exports = [(&arguments.csv, Format::Csv), (&arguments.json, Format::Json)];
    let exports = exports.into_iter().filter_map(|(path, format)| Some(begin(path.as_deref()?, format)));
    let mut exports = exports.collect::<Result<Vec<_>, _>>()?;
    let mut pump = Pump::<()>::new()?; // what is posted is only ever Ctrl-C
    let (poster, window) = (pump.poster(), pump.root_window());
    ctrlc::set_handler(move || drop(poster.post(window, ())))?;
    let began = Instant::now();
    let mut checks = Checks::new(&mut pump, arguments.options.clone())?;
    checks.load(&mut pump, rows);
    checks.start(&mut pump)?;
    let is_stopped = check_all(&mut pump, &mut checks)?;
    // One that fails does not keep the other from being written.
    let mut written = Ok(());
    for export in &mut exports {
        if let Err(error) = export.step(checks.rows(), usize::MAX) {
            written = Err(format!("writing {}: {error}", export.path().display()));
        }
    }
    eprintln!("{} rows in {:.3} s: {}", checks.rows().len(), began.elapsed().as_secs_f64(), summary(&checks));
    written?;
    Ok(match (is_stopped, checks.count(State::Failed) + checks.count(State::BadLine)) {
        (true, _) => ExitCode::from(130),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

fn begin(path: &Path, format: Format) -> Result<Export, String> {
    Export::begin(path, format).map_err(|error| format!("writing {}: {error}", path.display()))
}

/// Takes messages until every row is checked, and says whether Ctrl-C came first.
fn check_all(pump: &mut Pump<()>, checks: &mut Checks) -> Result<bool, Box<dyn Error>> {
    let (_, all) = checks.progress();
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {per_sec} {eta}")?;
    let bar = ProgressBar::new(all as u64).with_style(style);
    let mut shown = Instant::now();
    while !checks.is_at_rest()
        && let Some(message) = pump.get_message()?
    {
        if matches!(message.payload, Payload::Posted(())) {
            let stopped = checks.cancel_all(pump);
            bar.abandon();
            eprintln!("cancelled: {} that ran", stopped.operations());
            return Ok(true);
        }
        checks.handle(pump, message);
        if shown.elapsed() >= Duration::from_millis(50) {
            shown = Instant::now();
            bar.set_position(checks.progress().0 as u64);
            bar.set_message(match checks.outage() {
                Some(_) => "no name server can be reached, trying again".into(),
                None => format!("{} failed", checks.count(State::Failed)),
            });
        }
    }
    bar.finish_and_clear();
    Ok(false)
}

/// How many rows are in which state.
pub fn summary(checks: &Checks) -> String {
    if checks.rows().is_empty() {
        return "the list is empty".into();
    }
    let counts = State::ALL.iter().map(|&state| (checks.count(state), state.text()));
    let counts = counts.filter(|(count, _)| *count > 0).map(|(count, state)| format!("{count} {state}"));
    counts.collect::<Vec<_>>().join(", ")
}
