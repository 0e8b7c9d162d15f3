//! Shows long work on a thread: its progress, its result, and a Stop after which nothing of it is seen.
//!
//! Enter stops it, and so do Ctrl-C and `--stop-after MS`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use msgpump::{Completer, Payload, Poster, Pump, Timer, WindowId};

/// Primes below this are counted, in steps of a hundredth.
const NUMBERS: u32 = 1_000_000;
const STEP: u32 = NUMBERS / 100;

/// What other threads post.
enum App {
    /// So many hundredths of the work are done.
    Progress(u32),
    Stop(&'static str),
    /// The thread has seen that it is not wanted any more.
    ThreadLeaves(u32),
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("worker: {error}");
        ExitCode::from(2)
    })
}

fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut stop_after = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("stop-after") => {
                stop_after = Some(Duration::from_millis(
                    arguments.value()?.parse().map_err(|error| format!("--stop-after: {error}"))?,
                ))
            }
            Long("help") => {
                println!("worker [--stop-after MILLISECONDS]: stops by itself then; Enter and Ctrl-C stop it too");
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    let mut pump = Pump::<App>::new()?;
    let program = pump.open_window();
    let (enter, ctrl_c) = (pump.poster(), pump.poster());
    ctrlc::set_handler(move || drop(ctrl_c.post(program, App::Stop("Ctrl-C"))))?;
    std::thread::spawn(move || {
        let mut line = String::new();
        if std::io::stdin().read_line(&mut line).is_ok_and(|length| length > 0) {
            drop(enter.post(program, App::Stop("Enter")));
        }
    });
    if let Some(delay) = stop_after {
        pump.set_timer(program, Timer::once(delay))?;
    }

    // A window of its own: when it is destroyed, the work's progress goes with it.
    let dialog = pump.open_window();
    let (count, completer) = pump.start_external::<usize>(dialog)?;
    let poster = pump.poster();
    std::thread::spawn(move || count_primes(completer, &poster, dialog, program));

    println!("counting the primes below {NUMBERS}; Enter stops it");
    let (started, mut percent) = (Instant::now(), 0);
    let mut stopped = None;
    while let Some(message) = pump.get_message()? {
        let reason = match message.payload {
            Payload::Posted(App::Progress(hundredths)) => {
                assert!(stopped.is_none(), "progress of a dialog that is closed");
                percent = hundredths;
                if percent % 10 == 0 {
                    println!("{percent} %");
                }
                continue;
            }
            Payload::External(mut end) => {
                match end.of(count) {
                    Some(Ok(primes)) => println!("{primes} primes, after {:.1?}", started.elapsed()),
                    Some(Err(abandoned)) => println!("no result: {abandoned}"),
                    None => {}
                }
                pump.quit(0);
                continue;
            }
            Payload::Posted(App::ThreadLeaves(hundredths)) => {
                let time = stopped.map(|at: Instant| at.elapsed()).unwrap_or_default();
                println!("the thread noticed it {time:.1?} later, at {hundredths} %");
                pump.quit(130);
                continue;
            }
            Payload::Posted(App::Stop(key)) => key,
            Payload::Tick(_) => "--stop-after",
            _ => continue,
        };
        if let Some(swept) = pump.destroy_window(dialog) {
            stopped = Some(Instant::now());
            let (works, messages) = (swept.operations(), swept.messages());
            println!("stopped at {percent} % by {reason}: {works} operation and {messages} queued messages are gone");
        }
    }
    Ok(ExitCode::from(pump.quit_code().unwrap_or(0) as u8))
}

/// The work. It knows nothing of the pump but how to tell it something.
fn count_primes(completer: Completer<usize>, poster: &Poster<App>, dialog: WindowId, program: WindowId) {
    let is_prime = |&number: &u32| (2..).take_while(|d| d * d <= number).all(|d| !number.is_multiple_of(d));
    let mut primes = 0;
    for hundredths in 0..100 {
        if !completer.is_wanted() {
            drop(poster.post(program, App::ThreadLeaves(hundredths)));
            return;
        }
        let from = (hundredths * STEP).max(2);
        primes += (from..(hundredths + 1) * STEP).filter(is_prime).count();
        drop(poster.post(dialog, App::Progress(hundredths + 1)));
    }
    // Refused if it was stopped meanwhile: the result comes back, and is dropped here.
    if completer.complete(primes).is_err() {
        drop(poster.post(program, App::ThreadLeaves(100)));
    }
}
