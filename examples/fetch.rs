//! Shows a download by host name that a timeout or Ctrl-C ends at once, wherever it is.
//!
//! Without an argument it fetches a page that it serves itself, slowly. The page goes to the standard output,
//! everything else to the standard error. `cargo run --example fetch -- --help` tells what it takes.

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use msgpump::{Connect, Interest, Payload, Pump, TcpStream, Timer, WatchId};

const HELP: &str = "\
usage: fetch [--timeout MS] [[http://]HOST[:PORT][/PATH]]

Exit status: 0 fetched, 1 failed, 2 bad usage, 124 timed out, 130 stopped by Ctrl-C.";

/// More than this is not kept in memory.
const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What another thread posts.
struct CtrlC;

fn main() -> ExitCode {
    env_logger::init();
    let (failed, ended) = match parse() {
        Ok(None) => return ExitCode::SUCCESS,
        Ok(Some(options)) => (ExitCode::FAILURE, run(options)),
        Err(error) => (ExitCode::from(2), Err(error)),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("fetch: {error}");
        failed
    })
}

/// How long it may take, and what is fetched; `None` if help was all that was asked for.
fn parse() -> Result<Option<(Duration, Option<String>)>, Box<dyn std::error::Error>> {
    let (mut timeout, mut url) = (Duration::from_secs(30), None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("timeout") => {
                timeout =
                    Duration::from_millis(arguments.value()?.parse().map_err(|error| format!("--timeout: {error}"))?)
            }
            Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            Value(text) if url.is_none() => url = Some(text.string()?),
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    Ok(Some((timeout, url)))
}

fn run((timeout, url): (Duration, Option<String>)) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let url = url.map_or_else(serve_a_page, Ok)?;
    let (target, request) = read_url(&url)?;

    let mut pump = Pump::<CtrlC>::new()?;
    let window = pump.open_window(); // all of the download belongs to it
    let poster = pump.poster();
    ctrlc::set_handler(move || drop(poster.post(window, CtrlC)))?;
    let started = Instant::now();
    let limit = pump.set_timer(window, Timer::once(timeout))?;
    pump.set_timer(window, Timer::every(Duration::from_millis(100)))?;
    pump.connect(window, Connect::to(&target))?;

    let mut reply = Vec::new();
    let mut connection: Option<WatchId<TcpStream>> = None;
    while let Some(message) = pump.get_message()? {
        match message.payload {
            Payload::Connected(Ok(made)) => {
                eprintln!("connected to {} ({}) after {:.1?}", target, made.peer, made.elapsed);
                (&made.stream).write_all(request.as_bytes())?; // a new connection has room for it
                connection = Some(pump.watch(window, made.stream, Interest::READABLE)?);
            }
            Payload::Connected(Err(error)) => return Err(error.into()),
            Payload::Ready(_) => {
                let Some(watch) = connection else { continue };
                let may_go_on = read_some(pump.source(watch), &mut reply);
                if !may_go_on.map_err(|error| format!("reading from {target}: {error}"))? {
                    break;
                }
                pump.rearm(watch, Interest::READABLE)?;
            }
            Payload::Tick(_) if message.operation != Some(limit) => {
                eprintln!("{} bytes after {:.1?}", reply.len(), started.elapsed());
            }
            Payload::Tick(_) | Payload::Posted(CtrlC) => {
                // With the window goes all that is under way, whatever it is.
                let cancelled = pump.destroy_window(window).unwrap_or_default().operations();
                let is_late = message.operation == Some(limit);
                let (reason, code) = if is_late { ("timed out", 124) } else { ("stopped by Ctrl-C", 130) };
                eprintln!("fetch: {url}: {reason} after {:.1?}, {cancelled} operations cancelled", started.elapsed());
                return Ok(ExitCode::from(code));
            }
            _ => {}
        }
    }
    let head_end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("the reply is no HTTP")?;
    let status = String::from_utf8_lossy(&reply[..head_end]).lines().next().unwrap_or_default().to_owned();
    let page = &reply[head_end + 4..];
    eprintln!("{status}: {} bytes after {:.1?}", page.len(), started.elapsed());
    io::stdout().write_all(page)?;
    Ok(if status.split(' ').nth(1) == Some("200") { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads one bufferful, and says whether more may come.
fn read_some(stream: Option<&mut TcpStream>, reply: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 16_384];
    match stream.ok_or(ErrorKind::NotConnected)?.read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(length) if reply.len() + length > REPLY_BYTES_MAX => Err(ErrorKind::FileTooLarge.into()),
        Ok(length) => {
            reply.extend(&buffer[..length]);
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}

/// Whom to connect to, and what to ask.
fn read_url(url: &str) -> Result<(String, String), String> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    if rest.contains("://") {
        return Err(format!("{url}: this speaks http:// only"));
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = host.rfind(':') > host.rfind(']');
    let target = if has_port { host.to_owned() } else { format!("{host}:http") };
    Ok((target, format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n")))
}

/// Serves one page to one client, a line every 50 milliseconds, on a thread. Says where.
fn serve_a_page() -> io::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://localhost:{}/", listener.local_addr()?.port());
    std::thread::spawn(move || -> io::Result<()> {
        let (mut client, _) = listener.accept()?;
        client.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n")?;
        for line in 1..=10 {
            std::thread::sleep(Duration::from_millis(50));
            writeln!(client, "This is line {line} of a page that comes slowly.")?;
        }
        // What the client asked is read before the end, lest the system resets the connection.
        client.read(&mut [0; 4096]).map(drop)
    });
    Ok(url)
}
