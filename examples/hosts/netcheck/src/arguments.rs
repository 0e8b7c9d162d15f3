//! The command line.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::model::options::{Options, PARALLEL_MAX};

pub const HELP: &str = "\
netcheck: looks up, and if wanted connects to, all hosts of a list.

  netcheck                                  opens a window
  netcheck --list FILE                      opens a window with this list
  netcheck --list FILE --csv OUT            needs no window: checks all, and writes what came of it

A list has a host, a host:port or an address in each line; # begins a comment. With - it is read from the standard input.

  --csv OUT             writes a line for each row
  --json OUT            writes an object for each row
  --connect             connects to rows that have a port
  --port PORT           connects to the others too, at this port
  --server ADDRESS      asks this name server, as 192.0.2.53 or 192.0.2.53:5353
  --timeout SECONDS     waits this long for an answer (0.6)
  --attempts COUNT      asks each name server this often, 1 to 5 times (5)
  --deadline SECONDS    ends a connect after this long, lookup and all (10)
  --patience SECONDS    while no name server can be reached, pauses for this long before rows fail for it (10)
  --parallel COUNT      checks so many at a time (256)
  --start               in a window: begins at once

It exits with 0 if all rows were found, with 1 if not, with 2 if it could not be run, and with 130 after Ctrl-C.";

pub struct Arguments {
    pub list: Option<PathBuf>,
    pub csv: Option<PathBuf>,
    pub json: Option<PathBuf>,
    pub options: Options,
    pub start: bool,
    /// Where the window tells what it does, for the script that tries it.
    pub log: Option<PathBuf>,
}

/// Reads the command line; `None` if help was all that was asked for.
pub fn parse(mut parser: lexopt::Parser) -> Result<Option<Arguments>, Box<dyn Error>> {
    let (mut list, mut csv, mut json, mut log, mut start) = (None, None, None, None, false);
    let mut options = Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("list") => list = Some(parser.value()?.into()),
            Long("csv") => csv = Some(parser.value()?.into()),
            Long("json") => json = Some(parser.value()?.into()),
            Long("connect") => options.connect = true,
            Long("port") => {
                options.port = Some(value(&mut parser, "port", port)?);
                options.connect = true;
            }
            Long("server") => options.server = Some(server(&parser.value()?.string()?)?),
            Long("timeout") => options.timeout = value(&mut parser, "timeout", seconds)?,
            Long("attempts") => options.attempts = value(&mut parser, "attempts", count)?,
            Long("deadline") => options.connect_deadline = value(&mut parser, "deadline", seconds)?,
            Long("patience") => options.patience = value(&mut parser, "patience", seconds)?,
            Long("parallel") => options.parallel = value(&mut parser, "parallel", parallel)?,
            Long("start") => start = true,
            Long("log") => log = Some(parser.value()?.into()),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if csv.is_some() && csv == json {
        return Err("--csv and --json name the same file".into());
    }
    if list.is_none() && (csv.is_some() || json.is_some()) {
        return Err("--csv and --json need a --list".into());
    }
    Ok(Some(Arguments { list, csv, json, options, start, log }))
}

/// A name server: an address, with a port or without.
pub fn server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok().filter(|server| server.port() != 0);
    let server = with_port.or_else(|| text.parse::<IpAddr>().ok().map(|address| (address, 53).into()));
    server.ok_or_else(|| format!("{text:?} is no name server: write its address, as 192.0.2.53 or 192.0.2.53:5353"))
}

/// The value of an option. What is wrong with it is told with the option's name.
fn value<V>(
    parser: &mut lexopt::Parser,
    option: &str,
    read: fn(&str) -> Result<V, String>,
) -> Result<V, Box<dyn Error>> {
    let text = parser.value()?.string()?;
    Ok(read(&text).map_err(|problem| format!("--{option} {text}: {problem}"))?)
}

fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|&port| port > 0);
    port.ok_or_else(|| "it is not within 1 to 65535".into())
}

fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "it is no number".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let time = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| "it is no number of seconds".into())
}

fn parallel(text: &str) -> Result<usize, String> {
    let parallel = text.parse().ok().filter(|parallel| (1..=PARALLEL_MAX).contains(parallel));
    parallel.ok_or_else(|| format!("it is not within 1 to {PARALLEL_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Option<Arguments>, Box<dyn Error>> {
        parse(lexopt::Parser::from_iter(["netcheck"].iter().chain(words)))
    }

    #[test]
    fn options_are_read() {
        let words = ["--list", "-", "--server=192.0.2.1:5353", "--timeout", "0.5", "--port", "443", "--parallel", "9"];
        let arguments = parsed(&words).unwrap().unwrap();
        let options = arguments.options;
        assert_eq!(options.server, Some(([192, 0, 2, 1], 5353).into()));
        assert_eq!((options.timeout, options.parallel), (Duration::from_millis(500), 9));
        assert_eq!((options.port, options.connect), (Some(443), true));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_option() {
        for option in ["port", "timeout", "attempts", "deadline", "patience", "parallel"] {
            let error = parsed(&[&format!("--{option}"), "x"]).map(drop).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--{option} x: it is n")), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for words in [
            &["--csv", "out"][..],
            &["--list", "hosts", "--csv", "out", "--json", "out"],
            &["--parallel", "0"],
            &["--parallel", "9999"],
            &["--timeout", "-1"],
            &["--timeout", "soon"],
            &["--port", "0"],
            &["--attempts", "often"],
            &["--server", "nowhere"],
            &["--server", "192.0.2.1:0"],
            &["--list"],
            &["stray"],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }
}
