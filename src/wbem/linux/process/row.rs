//! What is read of one process, file by file.
//!
//! Floor 5.

use std::cell::{Cell, OnceCell};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use rustix::io::Errno;

use super::super::fields;
use super::super::machine::At;
use super::super::reading::{MICROSECONDS, Reading};
use super::super::table::Row;
use super::stat::Stat;
use crate::wbem::datetime::Timestamp;

/// The units in which the texts count the time of a processor.
const HUNDRED_NANOSECONDS: u64 = 10_000_000;

/// How many descriptors are counted one by one, where the kernel does not tell how many there are.
const DESCRIPTORS_LISTED_MAX: usize = 4096;

/// A process of which some files may have been read.
pub(in super::super) struct Process {
    pid: u32,
    is_gone: Cell<bool>,
    stat: OnceCell<Option<Stat>>,
    status: OnceCell<Option<Status>>,
    traffic: OnceCell<Option<Traffic>>,
}

/// What `/proc/PID/status` tells; sizes in kilobytes.
#[derive(Debug, Default)]
struct Status {
    group: Option<u32>,
    owner: Option<u32>,
    peak_virtual: Option<u64>,
    peak_resident: Option<u64>,
    swapped: Option<u64>,
}

/// What `/proc/PID/io` tells.
#[derive(Debug)]
pub(in super::super) struct Traffic {
    pub(in super::super) reads: u64,
    pub(in super::super) read_bytes: u64,
    pub(in super::super) writes: u64,
    pub(in super::super) written_bytes: u64,
}

impl Row for Process {
    fn is_gone(&self) -> bool {
        self.is_gone.get()
    }
}

impl Process {
    pub(in super::super) fn new(pid: u32) -> Process {
        let (stat, status, traffic) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Process { pid, is_gone: Cell::new(false), stat, status, traffic }
    }

    pub(in super::super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(in super::super) fn stat(&self, reading: &Reading) -> Option<&Stat> {
        self.stat.get_or_init(|| self.read(reading, "stat", Stat::parse)?).as_ref()
    }

    pub(in super::super) fn traffic(&self, reading: &Reading) -> Option<&Traffic> {
        self.traffic.get_or_init(|| self.read(reading, "io", Traffic::parse)?).as_ref()
    }

    fn status(&self, reading: &Reading) -> Option<&Status> {
        self.status.get_or_init(|| self.read(reading, "status", Status::parse)).as_ref()
    }

    /// Whether it is a process and not one of its other threads.
    pub(super) fn is_process(&self, reading: &Reading) -> bool {
        let group = self.status(reading).map(|status| status.group);
        !self.is_gone() && group.is_none_or(|group| group.is_none_or(|group| group == self.pid))
    }

    /// The number of the account whose rights it has.
    pub(super) fn owner(&self, reading: &Reading) -> Option<u32> {
        self.status(reading)?.owner
    }

    pub(in super::super) fn name(&self, reading: &Reading) -> Option<Arc<str>> {
        Some(self.stat(reading)?.name.as_str().into())
    }

    pub(super) fn command_line(&self, reading: &Reading) -> Option<Arc<str>> {
        let text = self.read(reading, "cmdline", |bytes| {
            let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
            let line: Vec<u8> = bytes[..end].iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
            Some(String::from_utf8_lossy(&line).into())
        });
        text?
    }

    pub(super) fn executable(&self, reading: &Reading) -> Option<Arc<str>> {
        match reading.link(At::Proc, format_args!("{}/exe", self.pid)) {
            Ok(path) => Some(path.to_string_lossy().into()),
            // A kernel thread has the link and it leads nowhere.
            Err(error) => self.noticing_end(reading, Err(error)),
        }
    }

    pub(super) fn creation(&self, reading: &Reading) -> Option<Timestamp> {
        let ticks = i128::from(self.stat(reading)?.start_ticks()) * i128::from(MICROSECONDS);
        let boot = reading.boot_seconds()?.checked_mul(MICROSECONDS)?;
        let since_boot = i64::try_from(ticks / i128::from(ticks_per_second())).ok()?;
        reading.moment(boot.checked_add(since_boot)?)
    }

    /// Whether it has ended, and whoever started it has not asked how.
    pub(in super::super) fn has_ended(&self, reading: &Reading) -> bool {
        self.stat(reading).is_some_and(|stat| matches!(stat.state, b'Z' | b'X'))
    }

    pub(super) fn state(&self, reading: &Reading) -> Option<u16> {
        Some(match self.stat(reading)?.state {
            b'R' => 3,
            b'S' | b'D' | b'I' => 4,
            b'Z' | b'X' => 7,
            b'T' | b't' => 8,
            _ => 1,
        })
    }

    pub(in super::super) fn priority(&self, reading: &Reading) -> Option<u32> {
        self.stat(reading)?.priority()
    }

    pub(super) fn user_time(&self, reading: &Reading) -> Option<u64> {
        time(self.stat(reading)?.user_ticks())
    }

    pub(super) fn kernel_time(&self, reading: &Reading) -> Option<u64> {
        time(self.stat(reading)?.system_ticks())
    }

    pub(super) fn faults(&self, reading: &Reading) -> Option<u32> {
        Some(self.stat(reading)?.faults() as u32)
    }

    pub(in super::super) fn resident(&self, reading: &Reading) -> Option<u64> {
        self.stat(reading)?.resident_pages().checked_mul(rustix::param::page_size() as u64)
    }

    pub(in super::super) fn swapped(&self, reading: &Reading) -> Option<u32> {
        self.status(reading)?.swapped?.try_into().ok()
    }

    pub(in super::super) fn peak_resident(&self, reading: &Reading) -> Option<u32> {
        self.status(reading)?.peak_resident?.try_into().ok()
    }

    pub(in super::super) fn peak_virtual(&self, reading: &Reading) -> Option<u64> {
        self.status(reading)?.peak_virtual?.checked_mul(1024)
    }

    /// How many descriptors are open.
    pub(in super::super) fn descriptors(&self, reading: &Reading) -> Option<u32> {
        // Since Linux 6.2 the folder's size is the number of its entries.
        if reading.is_this() {
            let size = reading.path(At::Proc, format_args!("{}/fd", self.pid)).metadata().map(|folder| folder.size());
            if let Some(size @ 1..) = self.noticing_end(reading, size) {
                return size.try_into().ok();
            }
        }
        let entries = self.noticing_end(reading, reading.folder(At::Proc, format_args!("{}/fd", self.pid)))?;
        let count = entries.take(DESCRIPTORS_LISTED_MAX + 1).count();
        if count > DESCRIPTORS_LISTED_MAX { None } else { count.try_into().ok() }
    }

    /// Reads a file of the process.
    fn read<T>(&self, reading: &Reading, file: &str, parse: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.noticing_end(reading, reading.read(At::Proc, format_args!("{}/{file}", self.pid), parse))
    }

    /// Takes a failure for what it tells: the process is gone, or must not be looked at, or the kernel was built
    /// without what was asked for.
    fn noticing_end<T>(&self, reading: &Reading, result: io::Result<T>) -> Option<T> {
        if let Err(error) = &result {
            let is_missed = error.kind() == io::ErrorKind::NotFound;
            let is_gone = error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
                || is_missed && !reading.exists(At::Proc, format_args!("{}", self.pid));
            self.is_gone.set(self.is_gone.get() || is_gone);
        }
        result.ok()
    }
}

impl Status {
    fn parse(file: &[u8]) -> Status {
        let mut status = Status::default();
        for (name, value) in fields::lines(file).filter_map(|line| fields::pair(line, b':')) {
            let mut words = fields::words(value);
            let number = words.next();
            match name {
                b"Tgid" => status.group = number.and_then(fields::number),
                // The second is the one that counts when it asks for something.
                b"Uid" => status.owner = words.next().and_then(fields::number),
                b"VmPeak" => status.peak_virtual = number.and_then(fields::number),
                b"VmHWM" => status.peak_resident = number.and_then(fields::number),
                b"VmSwap" => status.swapped = number.and_then(fields::number),
                _ => {}
            }
        }
        status
    }
}

impl Traffic {
    fn parse(file: &[u8]) -> Option<Traffic> {
        Some(Traffic {
            reads: fields::number_of(file, "syscr")?,
            read_bytes: fields::number_of(file, "rchar")?,
            writes: fields::number_of(file, "syscw")?,
            written_bytes: fields::number_of(file, "wchar")?,
        })
    }
}

/// How many ticks the kernel counts in a second.
pub(in super::super) fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

/// Ticks in units of 100 nanoseconds.
fn time(ticks: u64) -> Option<u64> {
    u64::try_from(u128::from(ticks) * u128::from(HUNDRED_NANOSECONDS) / u128::from(ticks_per_second())).ok()
}
