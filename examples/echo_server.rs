//! Shows thousands of connections on one thread: what comes in on any of them goes back.
//!
//! By itself it also plays the clients, on one more thread, and ends with its figures.
//! `cargo run --release --example echo_server -- --help` tells what it takes.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use msgpump::{Interest, Listen, OperationId, Payload, Pump, TcpStream, WatchId};

const HELP: &str = "\
usage: echo_server [--clients N] [--rounds N]   serves its own clients: 1000, each with 20 messages
       echo_server ADDRESS:PORT                 serves whoever connects, until Ctrl-C";

const TEXT: &[u8; 64] = b"What comes in on this connection goes back on it, byte for byte.";

/// What other threads post to the server.
enum App {
    ClientsDone(io::Result<()>),
    CtrlC,
}

/// A connection, and what of it is not yet sent back.
struct Echo {
    watch: WatchId<TcpStream>,
    unsent: Vec<u8>,
}

fn main() -> ExitCode {
    env_logger::init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_server: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (mut clients, mut rounds, mut address) = (1000, 20, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("clients") => clients = arguments.value()?.parse().map_err(|error| format!("--clients: {error}"))?,
            Long("rounds") => rounds = arguments.value()?.parse().map_err(|error| format!("--rounds: {error}"))?,
            Value(text) if address.is_none() => {
                let text = text.string()?;
                let parsed = text.parse::<SocketAddr>();
                address =
                    Some(parsed.map_err(|_| format!("{text:?}: write an address and a port, as 127.0.0.1:7777"))?);
            }
            Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    let mut pump = Pump::<App>::new()?;
    let window = pump.open_window();
    let poster = pump.poster();
    ctrlc::set_handler(move || drop(poster.post(window, App::CtrlC)))?;
    let wanted = address.unwrap_or(([127, 0, 0, 1], 0).into());
    let listening = pump.listen(window, Listen::on(wanted))?;
    let own = pump.listening_address(listening).ok_or("it does not listen")?;
    println!("listening on {own}");
    if address.is_none() {
        let clients = clients.min(connections_max());
        println!("{clients} clients, each with {rounds} messages of {} bytes", TEXT.len());
        let poster = pump.poster();
        std::thread::spawn(move || drop(poster.post(window, App::ClientsDone(play_clients(own, clients, rounds)))));
    }

    let mut echoes: HashMap<OperationId, Echo> = HashMap::new();
    let (mut most, mut bytes, started) = (0, 0, Instant::now());
    while let Some(message) = pump.get_message()? {
        match message.payload {
            Payload::Accepted(accepted) => {
                let watch = pump.watch(window, accepted.stream, Interest::READABLE)?;
                echoes.insert(watch.id(), Echo { watch, unsent: Vec::new() });
                most = most.max(echoes.len());
            }
            Payload::Ready(_) => {
                let Some(echo) = message.operation.and_then(|id| echoes.get_mut(&id)) else { continue };
                let watch = echo.watch;
                match serve(&mut pump, echo, &mut bytes) {
                    Ok(Some(interest)) => pump.rearm(watch, interest)?,
                    // Its end, or an error that ends this connection alone. The cancel closes it.
                    Ok(None) | Err(_) => {
                        pump.cancel(watch);
                        echoes.remove(&watch.id());
                    }
                }
            }
            Payload::Posted(App::ClientsDone(result)) => {
                result?;
                println!("every client has all its bytes back");
                pump.quit(0);
            }
            Payload::Posted(App::CtrlC) => pump.quit(0),
            _ => {}
        }
    }
    let (seconds, messages) = (started.elapsed().as_secs_f64(), pump.metrics().messages);
    println!("{most} connections at a time, {bytes} bytes sent back, {messages} messages in {seconds:.2} s,");
    println!("{:.0} messages and {:.1} MB a second", messages as f64 / seconds, bytes as f64 / seconds / 1e6);
    Ok(())
}

/// Sends back one bufferful, and says what to wait for next, if more may come. Only one: a client that sends
/// without end is told of again, after the others.
fn serve(pump: &mut Pump<App>, echo: &mut Echo, bytes: &mut usize) -> io::Result<Option<Interest>> {
    let stream = pump.source(echo.watch).ok_or(ErrorKind::NotConnected)?;
    if echo.unsent.is_empty() {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(length) => echo.unsent.extend(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(Interest::READABLE)),
            Err(error) => return Err(error),
        }
    }
    match stream.write(&echo.unsent) {
        Ok(length) => *bytes += echo.unsent.drain(..length).len(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    Ok(Some(if echo.unsent.is_empty() { Interest::READABLE } else { Interest::WRITABLE }))
}

/// Connects all clients, then in each round has all of them send, and all of them read.
fn play_clients(server: SocketAddr, clients: usize, rounds: usize) -> io::Result<()> {
    let connect = |_| std::net::TcpStream::connect(server);
    let mut streams = (0..clients).map(connect).collect::<io::Result<Vec<_>>>()?;
    for _ in 0..rounds {
        streams.iter_mut().try_for_each(|stream| stream.write_all(TEXT))?;
        for stream in &mut streams {
            let mut answer = [0; TEXT.len()];
            stream.read_exact(&mut answer)?;
            assert_eq!(&answer, TEXT, "this is not what was sent");
        }
    }
    Ok(())
}

/// How many connections this process may hold both ends of, beside the files that any program has open.
fn connections_max() -> usize {
    #[cfg(unix)]
    if let Some(descriptors) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        println!("this process may have {descriptors} descriptors (ulimit -n); each client takes two of them");
        return (descriptors.saturating_sub(32) / 2) as usize;
    }
    usize::MAX
}
