//! Shows processes that start and stop, beside a timer that ticks sixty times a second.
//!
//! `cargo run --example process_watch -- --for 5000`; Ctrl-C ends it sooner.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use msgpump::wbem::{Flags, Object, Received, Server, Sink, SinkEvent};
use msgpump::{Payload, Pump, Timer};

/// A frame of sixty a second.
const FRAME: Duration = Duration::from_micros(16_667);

const HELP: &str = "process_watch [--for MILLISECONDS]: for so long, 3000 by default; Ctrl-C ends it sooner";

fn main() -> ExitCode {
    env_logger::init();
    let ended = match parse() {
        Ok(Some(limit)) => watch(limit),
        Ok(None) => {
            println!("{HELP}");
            Ok(())
        }
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("process_watch: {error}");
            ExitCode::from(2)
        }
    }
}

fn watch(limit: Duration) -> Result<(), Box<dyn Error>> {
    let mut pump = Pump::<()>::new()?; // what is posted is only ever Ctrl-C
    let server = Server::new(&mut pump);
    provide(&server)?;
    let services = server.connect(&mut pump, r"root\cimv2")?;
    let window = pump.open_window();
    let poster = pump.poster();
    ctrlc::set_handler(move || drop(poster.post(window, ())))?;

    let sink = Sink::new(window);
    for class in ["Win32_ProcessStartTrace", "Win32_ProcessStopTrace"] {
        let query = format!("SELECT * FROM {class}");
        services.exec_notification_query_async(&mut pump, "WQL", &query, Flags::NONE, &sink)?;
    }
    let frames = pump.set_timer(window, Timer::every(FRAME))?;
    let end = pump.set_timer(window, Timer::once(limit))?;
    println!("watching the processes for {limit:?}: start some elsewhere");

    let (mut last, mut longest, mut count) = (Instant::now(), Duration::ZERO, 0);
    let mut pending = 2;
    while let Some(received) = server.get_message(&mut pump)? {
        match received {
            Received::Sink(message) => match message.event {
                SinkEvent::Indicate(events) => events.iter().for_each(print),
                SinkEvent::Status(status) => {
                    println!("a subscription ended with {}", status.status);
                    pending -= 1;
                    if pending == 0 {
                        break;
                    }
                }
                SinkEvent::Progress { .. } => {}
            },
            Received::Other(message) if message.operation == Some(frames) => {
                longest = longest.max(last.elapsed());
                last = Instant::now();
                count += 1;
            }
            // One call ends both subscriptions, which share the sink.
            Received::Other(message)
                if message.operation == Some(end) || matches!(message.payload, Payload::Posted(())) =>
            {
                let _ = services.cancel_async_call(&mut pump, &sink);
            }
            Received::Other(_) => {}
        }
    }
    println!("{count} frames, the longest took {longest:?}");
    Ok(())
}

fn print(event: &Object) {
    let what = if event.class().name().contains("Start") { "start" } else { "stop " };
    let text = |name: &str| event.get(name).map(|value| value.to_string()).unwrap_or_default();
    // A process may call itself what it likes, also what a terminal would obey.
    let text = |name: &str| text(name).replace(char::is_control, "\u{fffd}");
    println!("{what} {:>8} {}", text("ProcessID"), text("ProcessName"));
}

#[cfg(all(target_os = "linux", feature = "linux"))]
fn provide(server: &Server) -> Result<(), Box<dyn Error>> {
    use msgpump::wbem::linux::{Machine, register};
    Ok(register(server, r"root\cimv2", &std::rc::Rc::new(Machine::new()))?)
}

#[cfg(not(all(target_os = "linux", feature = "linux")))]
fn provide(_: &Server) -> Result<(), Box<dyn Error>> {
    Err("this machine's processes are not provided".into())
}

/// How long to watch; `None` if help was all that was asked for.
fn parse() -> Result<Option<Duration>, Box<dyn Error>> {
    let mut limit = Duration::from_secs(3);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("for") => {
                limit = Duration::from_millis(parser.value()?.parse().map_err(|error| format!("--for: {error}"))?)
            }
            Long("help") => return Ok(None),
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    Ok(Some(limit))
}
