//! Processes as the kernel tells of them: the process connector, messages over netlink(7).
//!
//! Floor 5. Its layout is that of the kernel's `linux/cn_proc.h`. Only a process with CAP_NET_ADMIN in the
//! first namespaces hears it; whether it does is told by an answer, and without one others must do.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with};

use super::super::machine::{At, Machine};
use super::super::process::pid;
use super::super::reading::Reading;
use super::trace::{Change, Known, Watch};
use crate::wbem::provider::Progress;

/// How many messages are read in a step.
const MESSAGES_PER_STEP: usize = 64;

/// How long a new process may run the program of its parent before it is told: most begin with that and go
/// over to their own at once, and whoever listens wants the name of that one.
const PATIENCE: Duration = Duration::from_millis(10);

/// How many entries of `/proc` are looked at in a step, to know what there was before.
const ENTRIES_PER_STEP: usize = 32;

const HEADER_BYTES: usize = 16;
const CONNECTOR_BYTES: usize = 20;
/// The kind of a message, a processor, a time.
const EVENT_BYTES: usize = 16;

/// The last kind of message of netlink(7), and the number and value of the process connector.
const MESSAGE_DONE: u16 = 3;
const PROCESSES: u32 = 1;
const LISTEN: u32 = 1;

/// Kinds of messages.
const ANSWER: u32 = 0;
const FORK: u32 = 1;
const EXEC: u32 = 2;
const EXIT: u32 = 0x8000_0000;

/// What the kernel told.
#[derive(Debug, PartialEq)]
enum Message {
    /// Whether it will tell: 0, or the number of an error.
    Answer(u32),
    Started(u32),
    /// It runs another program now.
    Replaced(u32),
    Stopped {
        pid: u32,
        status: u32,
    },
    /// Of threads and of what else happens to processes.
    Other,
}

/// A socket on which the kernel tells.
pub(super) struct Connector {
    machine: Rc<Machine>,
    socket: OwnedFd,
    known: HashMap<u32, Known>,
    /// Processes that run the program of their parents, with the moment of their start in microseconds.
    pending: Vec<(u32, i64)>,
    /// Processes that were there before, not all looked at.
    before: Option<std::fs::ReadDir>,
}

impl Connector {
    /// Asks the kernel to tell; `None` if it does not.
    pub(super) fn open(machine: &Rc<Machine>) -> Option<Connector> {
        if !machine.is_this() {
            return None;
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let protocol = Some(netlink::CONNECTOR);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, protocol).ok()?;
        bind(&socket, &SocketAddrNetlink::new(0, PROCESSES)).ok()?;
        send(&socket, &listen(), SendFlags::empty()).ok()?;
        // The answer is there when the question was sent, among whatever else happens.
        let mut buffer = [0; 4096];
        let is_heard = (0..MESSAGES_PER_STEP).find_map(|_| match recv(&socket, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((length, _)) => match parse(&buffer[..length]) {
                Some(Message::Answer(error)) => Some(error == 0),
                _ => None,
            },
            Err(_) => Some(false),
        });
        let before = machine.folder(At::Proc, format_args!(".")).ok();
        is_heard?.then(|| Connector {
            machine: machine.clone(),
            socket,
            known: HashMap::new(),
            pending: Vec::new(),
            before,
        })
    }

    /// Gets to know processes that were there before, for their names when they stop.
    fn look_back(&mut self) {
        let Some(entries) = &mut self.before else { return };
        let reading = Reading::new(&self.machine);
        for _ in 0..ENTRIES_PER_STEP {
            let Some(entry) = entries.next() else {
                self.before = None;
                return;
            };
            let pid = entry.ok().and_then(|entry| pid(entry.file_name().to_str()?));
            if let Some((pid, known)) = pid.and_then(|pid| Some((pid, Known::read(&reading, pid)?))) {
                self.known.entry(pid).or_insert(known);
            }
        }
    }

    fn take(&mut self, message: Message, changes: &mut Vec<Change>) {
        let reading = Reading::new(&self.machine);
        match message {
            Message::Started(pid) => {
                let known = Known::read(&reading, pid).unwrap_or_default();
                let parent = known.parent.and_then(|parent| self.known.get(&parent));
                let is_own = parent.is_some_and(|parent| parent.name != known.name);
                self.known.insert(pid, known);
                self.pending.push((pid, self.machine.monotonic()));
                if is_own {
                    self.tell_start(pid, changes);
                }
            }
            Message::Replaced(pid) => {
                if let Some(known) = Known::read(&reading, pid) {
                    self.known.insert(pid, known);
                }
                self.tell_start(pid, changes);
            }
            Message::Stopped { pid, status } => {
                self.tell_start(pid, changes);
                let known = self.known.remove(&pid).unwrap_or_default();
                changes.push(Change::Stopped { pid, known, status: Some(status) });
            }
            Message::Answer(_) | Message::Other => {}
        }
    }

    /// Tells of a start, unless it was told.
    fn tell_start(&mut self, pid: u32, changes: &mut Vec<Change>) {
        let Some(place) = self.pending.iter().position(|(pending, _)| *pending == pid) else { return };
        self.pending.swap_remove(place);
        changes.push(Change::Started { pid, known: self.known.get(&pid).cloned().unwrap_or_default() });
    }

    /// Tells of those that have run the program of their parents for long enough.
    fn tell_the_patient(&mut self, changes: &mut Vec<Change>) {
        let limit = self.machine.monotonic() - PATIENCE.as_micros() as i64;
        let due: Vec<_> = self.pending.iter().filter(|(_, since)| *since <= limit).map(|(pid, _)| *pid).collect();
        due.into_iter().for_each(|pid| self.tell_start(pid, changes));
    }
}

impl Watch for Connector {
    fn step(&mut self, changes: &mut Vec<Change>) -> Progress {
        self.look_back();
        let mut buffer = [0; 4096];
        for _ in 0..MESSAGES_PER_STEP {
            match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    if let Some(message) = buffer.get(..length).and_then(parse) {
                        self.take(message, changes);
                    }
                }
                Err(Errno::NOBUFS) => {
                    changes.push(Change::Lost);
                    // What stopped meanwhile is not known any more, and would be kept for good.
                    self.known.clear();
                    self.before = self.machine.folder(At::Proc, format_args!(".")).ok();
                }
                Err(Errno::INTR) => {}
                Err(_) => {
                    self.tell_the_patient(changes);
                    return match (&self.before, self.pending.is_empty()) {
                        (Some(_), _) => Progress::More,
                        (None, false) => Progress::After(PATIENCE),
                        (None, true) => Progress::Parked,
                    };
                }
            }
        }
        Progress::More
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The message that asks to be told.
fn listen() -> Vec<u8> {
    let length = (HEADER_BYTES + CONNECTOR_BYTES + 4) as u32;
    let header = [&length.to_ne_bytes()[..], &MESSAGE_DONE.to_ne_bytes(), &[0; 10]].concat();
    let connector = [&PROCESSES.to_ne_bytes()[..], &PROCESSES.to_ne_bytes(), &[0; 8], &4_u16.to_ne_bytes(), &[0; 2]];
    [&header[..], &connector.concat(), &LISTEN.to_ne_bytes()].concat()
}

/// Reads a message; `None` if it is not of the process connector.
fn parse(message: &[u8]) -> Option<Message> {
    let number = |place: usize| Some(u32::from_ne_bytes(message.get(place..place + 4)?.try_into().ok()?));
    if (number(HEADER_BYTES)?, number(HEADER_BYTES + 4)?) != (PROCESSES, PROCESSES) {
        return None;
    }
    let event = HEADER_BYTES + CONNECTOR_BYTES;
    let data = event + EVENT_BYTES;
    Some(match number(event)? {
        ANSWER => Message::Answer(number(data)?),
        FORK => {
            // Number of the parent's thread and of the parent, of the thread and of its process.
            let (thread, process) = (number(data + 8)?, number(data + 12)?);
            if thread == process { Message::Started(process) } else { Message::Other }
        }
        EXEC => {
            let (thread, process) = (number(data)?, number(data + 4)?);
            if thread == process { Message::Replaced(process) } else { Message::Other }
        }
        EXIT => {
            let (thread, process, code) = (number(data)?, number(data + 4)?, number(data + 8)?);
            if thread == process { Message::Stopped { pid: process, status: status(code) } } else { Message::Other }
        }
        _ => Message::Other,
    })
}

/// The status of a process as a shell tells it: its code, or 128 and the signal that ended it.
fn status(code: u32) -> u32 {
    match code & 0x7f {
        0 => code >> 8 & 0xff,
        signal => 128 + signal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of the kernel.
    fn message(what: u32, data: &[u32]) -> Vec<u8> {
        let mut message = listen();
        message.truncate(HEADER_BYTES + CONNECTOR_BYTES);
        message.extend_from_slice(&what.to_ne_bytes());
        message.extend_from_slice(&[0; 12]);
        data.iter().for_each(|number| message.extend_from_slice(&number.to_ne_bytes()));
        message
    }

    #[test]
    fn messages_of_the_kernel() {
        for (what, data, expected) in [
            (ANSWER, &[0][..], Some(Message::Answer(0))),
            (ANSWER, &[1], Some(Message::Answer(1))),
            (FORK, &[1, 1, 20, 20], Some(Message::Started(20))),
            (FORK, &[20, 20, 21, 20], Some(Message::Other)),
            (EXIT, &[20, 20, 3 << 8, 17], Some(Message::Stopped { pid: 20, status: 3 })),
            (EXIT, &[20, 20, 9, 17], Some(Message::Stopped { pid: 20, status: 137 })),
            (EXIT, &[21, 20, 0, 17], Some(Message::Other)),
            (EXEC, &[20, 20], Some(Message::Replaced(20))),
            (EXEC, &[21, 20], Some(Message::Other)),
            (4, &[20, 20], Some(Message::Other)),
            (FORK, &[1, 1, 20], None),
            (EXIT, &[], None),
        ] {
            assert_eq!(parse(&message(what, data)), expected, "{what} {data:?}");
        }
        let mut other = message(FORK, &[1, 1, 20, 20]);
        other[HEADER_BYTES] = 7;
        assert_eq!((parse(&other), parse(b""), parse(&[0; 40])), (None, None, None));
    }
}
