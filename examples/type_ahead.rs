//! Shows that no stale answer is ever seen: one lookup for each keystroke, the one before cancelled.
//!
//! A scripted typist posts letters from a thread. A name server on the loopback interface, started
//! here, answers some questions at once and others after the next letter. Exits with 1 if an answer
//! to an outdated text is seen.

use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use msgpump::{Family, HostQuery, OperationId, Payload, Pump, ResolverConfig, Settings, Timer};

const TEXT: &str = "message-pump.example";

/// Between two letters, in turn.
const PAUSES_MS: [u64; 4] = [25, 10, 40, 0];

/// Before an answer is sent, in turn.
const DELAYS_MS: [u64; 3] = [0, 15, 60];

/// More than the longest delay: what could come late has come by then.
const LINGER: Duration = Duration::from_millis(200);

enum App {
    Key(char),
    TypingDone,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    env_logger::init();
    let sent = Arc::new(AtomicUsize::new(0));
    let server = start_name_server(sent.clone())?;
    let settings = Settings::default().resolver(ResolverConfig::new([server]))?;
    let mut pump = Pump::<App>::with_settings(settings)?;
    let window = pump.open_window();
    let poster = pump.poster();
    thread::spawn(move || {
        for (letter, pause) in TEXT.chars().zip(PAUSES_MS.into_iter().cycle()) {
            thread::sleep(Duration::from_millis(pause));
            if poster.post(window, App::Key(letter)).is_err() {
                return;
            }
        }
        drop(poster.post(window, App::TypingDone));
    });

    let mut typed = String::new();
    let mut newest: Option<OperationId> = None;
    let (mut fresh, mut stale) = (0, 0);
    while let Some(message) = pump.get_message()? {
        match message.payload {
            Payload::Posted(App::Key(letter)) => {
                let before = newest.map(|lookup| pump.cancel(lookup).to_string());
                typed.push(letter);
                println!("{typed:20} typed; the lookup before: {}", before.as_deref().unwrap_or("none"));
                let query = HostQuery::by_name(&typed).family(Family::V4);
                newest = Some(pump.lookup_host(window, query)?);
            }
            Payload::Posted(App::TypingDone) => _ = pump.set_timer(window, Timer::once(LINGER))?,
            Payload::Host(result) if message.operation == newest => {
                let host = result?;
                println!("{:20} is {}", host.canonical_name, host.addresses[0]);
                fresh += 1;
            }
            Payload::Host(_) => stale += 1,
            Payload::Tick(_) => pump.quit(0),
            _ => {}
        }
    }
    let (typed, sent) = (typed.len(), sent.load(Ordering::Relaxed));
    println!("{typed} lookups, {sent} answers sent; seen: {fresh} fresh, {stale} stale");
    Ok(if stale == 0 && fresh > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts a name server that ends when it has not been asked for five seconds.
fn start_name_server(sent: Arc<AtomicUsize>) -> std::io::Result<SocketAddr> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let address = socket.local_addr()?;
    let socket = Arc::new(socket);
    thread::spawn(move || {
        let mut query = [0; 512];
        for delay in DELAYS_MS.into_iter().cycle() {
            let Ok((length, client)) = socket.recv_from(&mut query) else { return };
            let Some(reply) = reply(&query[..length]) else { continue };
            let (socket, sent) = (socket.clone(), sent.clone());
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(delay));
                if socket.send_to(&reply, client).is_ok() {
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    Ok(address)
}

/// Answers any question with 192.0.2.1 (RFC 1035 section 4.1).
fn reply(query: &[u8]) -> Option<Vec<u8>> {
    const REPLY_WITH_ONE_ANSWER: [u8; 10] = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    // The name of the question, by a pointer; type A, class IN; 60 seconds; four bytes.
    const ANSWER: [u8; 16] = [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
    let name_end = 12 + query.get(12..)?.iter().position(|&byte| byte == 0)?;
    let question = query.get(12..name_end + 5)?;
    Some([&query[..2], &REPLY_WITH_ONE_ANSWER, question, &ANSWER].concat())
}
