//! Checks the hosts of a list: looks each up, connects to it if wanted, and tells what came of it, in a window or on the
//! command line.

// The command line needs less of the model than the window.
#![cfg_attr(not(feature = "window"), allow(dead_code))]

mod arguments;
mod headless;
mod model;
#[cfg(feature = "window")]
mod window;

use std::process::ExitCode;

fn main() -> ExitCode {
    let ended = match arguments::parse(lexopt::Parser::from_env()) {
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => Err(format!("{error}; --help tells what can be given").into()),
        Ok(Some(arguments)) => {
            // Without them fewer checks run at a time.
            let _ = model::checks::allow_sockets();
            if arguments.csv.is_some() || arguments.json.is_some() {
                headless::run(&arguments)
            } else {
                open_window(arguments)
            }
        }
    };
    ended.unwrap_or_else(|error| {
        eprintln!("netcheck: {error}");
        ExitCode::from(2)
    })
}

#[cfg(feature = "window")]
fn open_window(arguments: arguments::Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    window::run(arguments)
}

#[cfg(not(feature = "window"))]
fn open_window(_: arguments::Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    Err("it was built without its window: give it a --list and a --csv".into())
}
