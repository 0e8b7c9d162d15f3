//! Processes watched by looking: a list of all now and then, and a descriptor for each that is known,
//! which is readable when it has ended.
//!
//! Floor 5.

use std::collections::{HashMap, HashSet};
use std::fs::ReadDir;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::event::{Timespec, epoll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

use super::super::machine::{At, Machine};
use super::super::process::{Process, pid};
use super::super::reading::Reading;
use super::super::table::Row;
use super::trace::{Change, Known, Watch};
use crate::wbem::error::{WbemError, WbemStatus};
use crate::wbem::provider::Progress;

/// How often the processes are listed while somebody listens.
pub const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The most processes whose end is noticed at once; each takes a descriptor of this process.
const DESCRIPTORS_MAX: usize = 256;

/// How many entries of `/proc` are looked at in a step.
const ENTRIES_PER_STEP: usize = 64;

/// How many known processes are looked for in a list in a step.
const COMPARED_PER_STEP: usize = 256;

/// How many ends are taken in a step.
const ENDS_PER_STEP: usize = 64;

/// What the clock is called among the descriptors; no process has this number.
const CLOCK: u64 = 0;

/// Processes as they were listed last.
pub(super) struct Poller {
    machine: Rc<Machine>,
    known: HashMap<u32, Watched>,
    phase: Phase,
    epoll: OwnedFd,
    clock: OwnedFd,
    described: usize,
}

/// A process, and what tells of its end.
struct Watched {
    known: Known,
    descriptor: Option<OwnedFd>,
}

/// What is being done.
enum Phase {
    /// The first list tells of nothing that is new.
    First(Listing),
    Waiting,
    Again(Listing),
    /// The list was read; who is known and was not in it is gone.
    Comparing {
        known: std::vec::IntoIter<u32>,
        seen: HashSet<u32>,
    },
}

/// A list being read.
struct Listing {
    entries: ReadDir,
    seen: HashSet<u32>,
}

impl Poller {
    /// Begins to watch.
    pub(super) fn open(machine: &Rc<Machine>) -> Result<Poller, WbemError> {
        let failed = |error: rustix::io::Errno| {
            let description = format!("no descriptor to watch processes with: {error}");
            WbemError::new(WbemStatus::ProviderLoadFailure).description(description)
        };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let clock = timerfd_create(TimerfdClockId::Monotonic, flags).map_err(failed)?;
        let interval = Timespec::try_from(POLL_INTERVAL).expect("the interval is short");
        let every = Itimerspec { it_interval: interval, it_value: interval };
        timerfd_settime(&clock, TimerfdTimerFlags::empty(), &every).map_err(failed)?;
        epoll::add(&epoll, &clock, epoll::EventData::new_u64(CLOCK), epoll::EventFlags::IN).map_err(failed)?;
        let phase = Phase::First(Listing::begin(machine)?);
        Ok(Poller { machine: machine.clone(), known: HashMap::new(), phase, epoll, clock, described: 0 })
    }

    /// Takes what became readable: ends of processes, and the clock.
    fn take_ends(&mut self, changes: &mut Vec<Change>) -> Result<(), WbemError> {
        let mut ready =
            [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }; ENDS_PER_STEP];
        let count = epoll::wait(&self.epoll, &mut ready, Some(&Timespec::default())).unwrap_or(0);
        for event in &ready[..count] {
            match event.data.u64() {
                CLOCK => {
                    // The count of intervals is of no use; what matters is that it is read.
                    let _ = rustix::io::read(&self.clock, &mut [0_u8; 8]);
                    if let Phase::Waiting = self.phase {
                        self.phase = Phase::Again(Listing::begin(&self.machine)?);
                    }
                }
                number => self.forget(number as u32, changes),
            }
        }
        Ok(())
    }

    /// A process has ended.
    fn forget(&mut self, pid: u32, changes: &mut Vec<Change>) {
        let Some(Watched { known, descriptor }) = self.known.remove(&pid) else { return };
        // Closed, it leaves the epoll by itself.
        self.described -= usize::from(descriptor.is_some());
        changes.push(Change::Stopped { pid, known, status: None });
    }

    /// Looks at some entries; says whether that was the end of the list.
    fn read_on(&mut self, listing: &mut Listing, mut started: Option<&mut Vec<Change>>) -> bool {
        let reading = Reading::new(&self.machine);
        for _ in 0..ENTRIES_PER_STEP {
            let Some(entry) = listing.entries.next() else { return true };
            let Some(pid) = entry.ok().and_then(|entry| pid(entry.file_name().to_str()?)) else { continue };
            listing.seen.insert(pid);
            if self.known.contains_key(&pid) {
                continue;
            }
            let process = Process::new(pid);
            // Its end was told, or was before; it is listed until somebody buries it.
            if process.has_ended(&reading) {
                continue;
            }
            let Some(known) = Known::of(&process, &reading) else { continue };
            if let Some(changes) = &mut started {
                changes.push(Change::Started { pid, known: known.clone() });
            }
            let descriptor = self.describe(pid);
            self.described += usize::from(descriptor.is_some());
            self.known.insert(pid, Watched { known, descriptor });
        }
        false
    }

    /// A descriptor that tells of the end of a process.
    fn describe(&self, pid: u32) -> Option<OwnedFd> {
        if !self.machine.is_this() || self.described >= DESCRIPTORS_MAX {
            return None;
        }
        let number = Pid::from_raw(pid.try_into().ok()?)?;
        let descriptor = pidfd_open(number, PidfdFlags::empty()).ok()?;
        let data = epoll::EventData::new_u64(pid.into());
        epoll::add(&self.epoll, &descriptor, data, epoll::EventFlags::IN).ok()?;
        Some(descriptor)
    }
}

impl Watch for Poller {
    fn step(&mut self, changes: &mut Vec<Change>) -> Progress {
        if let Err(error) = self.take_ends(changes) {
            return Progress::End(Err(error));
        }
        match std::mem::replace(&mut self.phase, Phase::Waiting) {
            Phase::Waiting => {}
            Phase::First(mut listing) => {
                if !self.read_on(&mut listing, None) {
                    self.phase = Phase::First(listing);
                    return Progress::More;
                }
            }
            Phase::Again(mut listing) => {
                if !self.read_on(&mut listing, Some(changes)) {
                    self.phase = Phase::Again(listing);
                    return Progress::More;
                }
                let known: Vec<_> = self.known.keys().copied().collect();
                self.phase = Phase::Comparing { known: known.into_iter(), seen: listing.seen };
                return Progress::More;
            }
            Phase::Comparing { mut known, seen } => {
                let some = known.by_ref().take(COMPARED_PER_STEP);
                some.filter(|pid| !seen.contains(pid)).for_each(|pid| self.forget(pid, changes));
                if known.len() > 0 {
                    self.phase = Phase::Comparing { known, seen };
                    return Progress::More;
                }
            }
        }
        Progress::Parked
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl Listing {
    fn begin(machine: &Machine) -> Result<Listing, WbemError> {
        let entries = machine.folder(At::Proc, format_args!("."));
        Ok(Listing { entries: entries.map_err(|_| Reading::no_source("folder `/proc`"))?, seen: HashSet::new() })
    }
}

impl Known {
    /// What is known of a process; `None` if it is gone.
    pub(super) fn read(reading: &Reading, pid: u32) -> Option<Known> {
        Known::of(&Process::new(pid), reading)
    }

    fn of(process: &Process, reading: &Reading) -> Option<Known> {
        let stat = process.stat(reading);
        if stat.is_none() && process.is_gone() {
            return None;
        }
        Some(Known {
            name: stat.map(|stat| stat.name.clone()),
            parent: stat.map(|stat| stat.parent()),
            session: stat.map(|stat| stat.session()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    /// Waits for a change that fits.
    fn wait_for(poller: &mut Poller, fits: impl Fn(&Change) -> bool) -> Change {
        let mut changes = Vec::new();
        loop {
            while poller.step(&mut changes) == Progress::More {}
            if let Some(place) = changes.iter().position(&fits) {
                return changes.swap_remove(place);
            }
            poll(&mut [PollFd::new(&poller.descriptor(), PollFlags::IN)], None).unwrap();
        }
    }

    #[test]
    fn processes_of_this_machine_are_seen_without_the_kernel_telling() {
        let machine = Rc::new(Machine::new());
        let mut poller = Poller::open(&machine).unwrap();
        let mut changes = Vec::new();
        while poller.step(&mut changes) == Progress::More {}
        assert!(poller.known.contains_key(&std::process::id()) && poller.described > 0);
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let child_pid = child.id();
        let started =
            wait_for(&mut poller, |change| matches!(change, Change::Started { pid, .. } if *pid == child_pid));
        let Change::Started { known, .. } = started else { panic!("{started:?}") };
        assert_eq!(known.parent, Some(std::process::id()));
        child.kill().unwrap();
        // It has ended and is not buried, so no list can tell: the descriptor does.
        let stopped =
            wait_for(&mut poller, |change| matches!(change, Change::Stopped { pid, .. } if *pid == child_pid));
        assert_eq!(stopped, Change::Stopped { pid: child_pid, known, status: None });
        // It is listed again with what starts now, and is no news.
        let mut next = Command::new("sleep").arg("1000").spawn().unwrap();
        let numbers = [child_pid, next.id()];
        let started =
            wait_for(&mut poller, |change| matches!(change, Change::Started { pid, .. } if numbers.contains(pid)));
        assert!(matches!(started, Change::Started { pid, .. } if pid == next.id()), "{started:?}");
        next.kill().unwrap();
        next.wait().unwrap();
        child.wait().unwrap();
    }
}
