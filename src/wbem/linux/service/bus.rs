//! A connection to the machine's D-Bus, which never waits.
//!
//! Floor 5. Whoever asks comes again a little later for the answer.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send, socket_with};

use super::super::machine::{At, Machine};
use super::wire::{self, Answer, Method};
use crate::wbem::error::{WbemError, WbemStatus};

/// How long to wait before looking for answers again.
pub(super) const PAUSE: Duration = Duration::from_millis(2);

/// The longest time without any answer, in microseconds.
const SILENCE_MAX: i64 = 5_000_000;

/// How much is read in a step.
const READ_PER_STEP: usize = 256 * 1024;

const PIECE_BYTES: usize = 16 * 1024;

/// The longest line with which the bus lets a program in.
const LINE_BYTES_MAX: usize = 4096;

/// A connection.
pub(super) struct Bus {
    machine: Rc<Machine>,
    stream: UnixStream,
    outgoing: VecDeque<u8>,
    incoming: Vec<u8>,
    is_let_in: bool,
    serial: u32,
    /// When something came last, or the connection was made.
    heard: i64,
}

impl Bus {
    /// Connects, and says who asks: the account of this process, which the kernel vouches for.
    pub(super) fn connect(machine: &Rc<Machine>) -> Result<Bus, WbemError> {
        let path = machine.path(At::Root, format_args!("run/dbus/system_bus_socket"));
        let open = || -> rustix::io::Result<UnixStream> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            connect(&socket, &SocketAddrUnix::new(&path)?)?;
            Ok(socket.into())
        };
        let stream = open().map_err(|error| {
            let description = format!("no connection to the system bus at {}: {error}", path.display());
            WbemError::new(WbemStatus::ProviderLoadFailure).description(description)
        })?;
        let account = rustix::process::geteuid().as_raw().to_string();
        let account: String = account.bytes().map(|digit| format!("{digit:02x}")).collect();
        let outgoing = format!("\0AUTH EXTERNAL {account}\r\nBEGIN\r\n").into_bytes().into();
        let heard = machine.monotonic();
        let (machine, incoming) = (machine.clone(), Vec::new());
        let mut bus = Bus { machine, stream, outgoing, incoming, is_let_in: false, serial: 0, heard };
        let bus_itself = "org.freedesktop.DBus";
        let hello =
            Method { destination: bus_itself, path: "/org/freedesktop/DBus", interface: bus_itself, name: "Hello" };
        bus.call(&hello, &[]);
        Ok(bus)
    }

    /// Puts a call behind those that wait to be sent; its number is that of its answer.
    pub(super) fn call(&mut self, method: &Method<'_>, arguments: &[&str]) -> u32 {
        self.serial += 1;
        self.outgoing.extend(wire::call(self.serial, method, arguments));
        self.serial
    }

    /// Sends and reads for a moment; gives the answers that have come.
    pub(super) fn step(&mut self) -> Result<Vec<Answer>, WbemError> {
        self.send().map_err(broken)?;
        let is_over = self.receive().map_err(broken)?;
        let mut answers = Vec::new();
        let mut place = if self.is_let_in { 0 } else { self.read_line()? };
        while let Some(end) = self.message_end(place)? {
            answers.extend(wire::answer(&self.incoming[place..end]));
            place = end;
        }
        self.incoming.drain(..place);
        if is_over && answers.is_empty() {
            return Err(broken("the bus has closed the connection"));
        }
        if self.machine.monotonic() - self.heard > SILENCE_MAX {
            let description = "the system bus does not answer";
            return Err(WbemError::new(WbemStatus::ProviderTimedOut).description(description));
        }
        Ok(answers)
    }

    /// Where the message ends that begins at a place; `None` if it is not all there.
    fn message_end(&self, place: usize) -> Result<Option<usize>, WbemError> {
        // What comes first is no message but the line that lets this process in.
        if !self.is_let_in {
            return Ok(None);
        }
        let length = wire::length(&self.incoming[place..]).map_err(broken)?;
        Ok(length.map(|length| place + length).filter(|end| *end <= self.incoming.len()))
    }

    /// Sends what the system takes at once.
    fn send(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            // Written, the end of the other side would end a program that was not started by Rust: by SIGPIPE.
            match send(&self.stream, self.outgoing.as_slices().0, SendFlags::NOSIGNAL) {
                Ok(sent) => drop(self.outgoing.drain(..sent)),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what is there; says whether the other end is gone.
    fn receive(&mut self) -> io::Result<bool> {
        let mut piece = [0; PIECE_BYTES];
        for _ in 0..READ_PER_STEP / PIECE_BYTES {
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(true),
                Ok(read) => {
                    self.incoming.extend_from_slice(&piece[..read]);
                    self.heard = self.machine.monotonic();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Reads the line that lets this process in, or does not; gives its length.
    fn read_line(&mut self) -> Result<usize, WbemError> {
        match self.incoming.iter().position(|byte| *byte == b'\n') {
            Some(end) if self.incoming.starts_with(b"OK ") => {
                self.is_let_in = true;
                Ok(end + 1)
            }
            Some(_) => {
                let description = "the system bus does not let this account in";
                Err(WbemError::new(WbemStatus::AccessDenied).description(description))
            }
            None if self.incoming.len() > LINE_BYTES_MAX => Err(broken("the bus does not speak its language")),
            None => Ok(0),
        }
    }
}

/// The error of a connection that came to nothing.
fn broken(what: impl std::fmt::Display) -> WbemError {
    WbemError::new(WbemStatus::ProviderFailure).description(format!("the system bus: {what}"))
}
