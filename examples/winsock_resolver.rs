//! Shows Winsock's asynchronous host requests in a dialog of the old kind: names in, message words out.
//!
//! Each name that is typed starts a request, Escape cancels those that are not answered. With `--script` a
//! typist and a name server are played by threads, and it exits with 1 if a message of a cancelled request is seen.

use std::collections::HashSet;
use std::io::Read;
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use msgpump::winsock::{Delivery, MAXGETHOSTSTRUCT, TaskHandle, Version, Winsock, WinsockMessage, WsaData};
use msgpump::{Message, Payload, Poster, Pump, ResolverConfig, Settings, Timer, WindowId};

const HELP: &str = "\
usage: winsock_resolver [--script]

Type names, each with Enter. Escape cancels what is not answered, Ctrl-C and Ctrl-D end.";

/// The number of the messages in which requests are answered: the first one that is a program's own.
const WM_HOST: u32 = 0x0400;

/// What the typist of the script does: a name and Enter, and Escape or a wait for the answer.
const SCRIPT: [(&str, Then); 6] = [
    ("localhost\n", Then::Waits),
    ("fast.test\n", Then::Waits),
    ("nobody.test\n", Then::Waits),
    // Not answered yet when it is cancelled.
    ("slow.test\n\x1b", Then::GoesOn),
    // Answered at once: its message is queued when it is cancelled.
    ("localhost\n\x1b", Then::GoesOn),
    ("fast.test\n", Then::Waits),
];

#[derive(PartialEq)]
enum Then {
    Waits,
    GoesOn,
}

/// How long the typist waits for an answer at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the script's name server takes with a name that begins with `slow`.
const SLOW: Duration = Duration::from_millis(200);

/// What the keyboard's thread posts: keys that were pressed one right after the other.
type Keys = Vec<Key>;

#[derive(Clone, Copy)]
enum Key {
    Letter(char),
    Enter,
    Erase,
    Escape,
    End,
}

struct Dialog {
    winsock: Winsock<Keys>,
    window: WindowId,
    typed: String,
    /// Started, not answered, not cancelled.
    pending: Vec<(TaskHandle, String)>,
    cancelled: HashSet<TaskHandle>,
    answered: usize,
    stale: usize,
    /// Where the typist of the script hears of answers.
    typist: Sender<()>,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    env_logger::init();
    let is_script = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--script") => true,
        Some("--help") => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        Some(other) => {
            eprintln!("winsock_resolver: {other:?} is not known\n{HELP}");
            return Ok(ExitCode::from(2));
        }
    };
    let settings = match is_script {
        true => Settings::default().resolver(ResolverConfig::new([start_name_server()?]))?,
        false => Settings::default(),
    };
    let mut pump = Pump::<Keys>::with_settings(settings)?;
    let window = pump.open_window();
    let mut winsock = Winsock::new();
    let mut data = WsaData::default();
    winsock.wsa_startup(Version::V1_1, Some(&mut data))?;
    println!("WSAStartup: version {}, {}, {}", data.version, data.description_text(), data.system_status_text());

    let (typed, pending, cancelled) = (String::new(), Vec::new(), HashSet::new());
    let (typist, answers) = channel();
    let mut dialog = Dialog { winsock, window, typed, pending, cancelled, answered: 0, stale: 0, typist };
    let poster = pump.poster();
    thread::spawn(move || if is_script { play(&poster, window, &answers) } else { read_keys(&poster, window) });
    while let Some(delivery) = dialog.winsock.get_message(&mut pump)? {
        match delivery {
            Delivery::Winsock(message) => dialog.show(&message),
            Delivery::Other(Message { payload: Payload::Posted(keys), .. }) => {
                keys.into_iter().try_for_each(|key| dialog.press(&mut pump, key))?
            }
            // The script's end has lasted long enough for whatever could come late.
            Delivery::Other(_) => pump.quit(0),
        }
    }
    dialog.winsock.wsa_cleanup(&mut pump)?;
    let Dialog { answered, cancelled, stale, .. } = dialog;
    println!("{answered} answered, {} cancelled, {stale} stale", cancelled.len());
    let is_good = stale == 0 && (!is_script || answered == 4 && cancelled.len() == 2);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Dialog {
    fn press(&mut self, pump: &mut Pump<Keys>, key: Key) -> Result<(), Box<dyn std::error::Error>> {
        match key {
            Key::Letter(letter) => self.typed.push(letter),
            Key::Erase => _ = self.typed.pop(),
            Key::Enter => {
                let name = std::mem::take(&mut self.typed);
                let buflen = MAXGETHOSTSTRUCT;
                let started = self.winsock.wsa_async_get_host_by_name(pump, self.window, WM_HOST, &name, buflen);
                match started {
                    Ok(task) => {
                        println!("WSAAsyncGetHostByName({name:?}) = {task}");
                        self.pending.push((task, name));
                    }
                    Err(error) => println!("WSAAsyncGetHostByName({name:?}) = 0, {error}"),
                }
            }
            Key::Escape => {
                for (task, name) in std::mem::take(&mut self.pending) {
                    let result = self.winsock.wsa_cancel_async_request(pump, task);
                    let words = result.map_or_else(|error| format!("-1, {error}"), |()| "0".to_owned());
                    println!("WSACancelAsyncRequest({task}) = {words}    [{name}]");
                    self.cancelled.insert(task);
                }
            }
            Key::End => _ = pump.set_timer(self.window, Timer::once(2 * SLOW))?,
        }
        Ok(())
    }

    fn show(&mut self, message: &WinsockMessage) {
        let task = message.task();
        let WinsockMessage { message: number, wparam, lparam, .. } = message;
        println!("message {number:#06x}  wParam {wparam:#010x}  lParam {lparam:#010x}");
        self.stale += usize::from(self.cancelled.contains(&task));
        self.answered += 1;
        let name = self.pending.iter().position(|(pending, _)| *pending == task).map(|at| self.pending.remove(at).1);
        let name = name.unwrap_or_default();
        match (message.async_error(), message.answer.as_ref().and_then(|answer| answer.host())) {
            (Some(error), _) => println!("    {name}: error in the high word: {error}"),
            (None, Some(host)) => {
                let length = message.async_buflen();
                println!("    {name}: {} has {:?}, {length} bytes in the buffer", host.name, host.addresses);
            }
            (None, None) => println!("    {name}: no answer"),
        }
        // Nobody listens but in a script.
        let _ = self.typist.send(());
    }
}

/// Plays the typist.
fn play(poster: &Poster<Keys>, window: WindowId, answers: &Receiver<()>) {
    for (text, then) in SCRIPT {
        // Refused only if the program has ended.
        let _ = poster.post(window, text.chars().map(key_of).collect());
        if then == Then::Waits {
            let _ = answers.recv_timeout(PATIENCE);
        }
    }
    let _ = poster.post(window, vec![Key::End]);
}

fn key_of(letter: char) -> Key {
    match letter {
        '\r' | '\n' => Key::Enter,
        '\x08' | '\x7f' => Key::Erase,
        '\x1b' => Key::Escape,
        '\x03' | '\x04' => Key::End,
        letter => Key::Letter(letter),
    }
}

/// Reads the keyboard, key by key where the terminal gives them so.
fn read_keys(poster: &Poster<Keys>, window: WindowId) {
    let _restored = terminal::key_by_key();
    for byte in std::io::stdin().lock().bytes().map_while(Result::ok) {
        let key = key_of(byte.into());
        if poster.post(window, vec![key]).is_err() || matches!(key, Key::End) {
            return;
        }
    }
    let _ = poster.post(window, vec![Key::End]);
}

#[cfg(unix)]
mod terminal {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// Puts the terminal back when it is dropped.
    pub(super) struct Restored(Termios);

    impl Drop for Restored {
        fn drop(&mut self) {
            // There is nobody left to be told.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
        }
    }

    /// Has the terminal give each key at once, and still show it. Escape is shown as `^[`. Ctrl-C is a key too: the signal
    /// would end the program without putting the terminal back.
    pub(super) fn key_by_key() -> Option<Restored> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &modes).ok()?;
        Some(Restored(before))
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Keys come by the line here: Escape, then Enter.
    pub(super) fn key_by_key() {}
}

/// Starts a name server that ends when it has not been asked for five seconds.
fn start_name_server() -> std::io::Result<SocketAddr> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let address = socket.local_addr()?;
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut query) {
            let Some(reply) = reply(&query[..length]) else { continue };
            let Ok(socket) = socket.try_clone() else { return };
            let is_slow = query[13..].starts_with(b"slow");
            thread::spawn(move || {
                thread::sleep(if is_slow { SLOW } else { Duration::ZERO });
                // Its asker may have closed its socket.
                let _ = socket.send_to(&reply, client);
            });
        }
    });
    Ok(address)
}

/// Answers with 192.0.2.1, and that names which begin with `nobody` do not exist (RFC 1035 section 4.1).
fn reply(query: &[u8]) -> Option<Vec<u8>> {
    const ONE_ANSWER: [u8; 10] = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    const NO_SUCH_NAME: [u8; 10] = [0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0];
    // The name of the question, by a pointer; type A, class IN; 60 seconds; four bytes.
    const ANSWER: [u8; 16] = [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
    let name_end = 12 + query.get(12..)?.iter().position(|&byte| byte == 0)?;
    let question = query.get(12..name_end + 5)?;
    Some(match query.get(13..)?.starts_with(b"nobody") {
        true => [&query[..2], &NO_SUCH_NAME, question].concat(),
        false => [&query[..2], &ONE_ANSWER, question, &ANSWER].concat(),
    })
}
