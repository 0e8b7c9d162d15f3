//! The system's own count of the system calls of this process, all its threads included.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::FromRawFd;

/// Where the system numbers its events. The first is mounted, the second where somebody mounted debugfs.
const EVENT_NUMBER: [&str; 2] = [
    "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
    "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
];

const TRACEPOINT: u32 = 2;
/// The counter of a thread counts those that it starts later, too.
const INHERITED: u64 = 1 << 1;

/// Counts from when it is made.
pub struct SystemCalls(File);

/// The first version of `perf_event_attr`, which all later systems take.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    period: u64,
    sample: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint: u32,
    more: u64,
}

impl SystemCalls {
    /// Nothing where the system does not let us count.
    pub fn new() -> Option<SystemCalls> {
        let number = EVENT_NUMBER.iter().find_map(|path| fs::read_to_string(path).ok())?.trim().parse().ok()?;
        let size = size_of::<Attributes>() as u32;
        let attributes =
            Attributes { kind: TRACEPOINT, size, config: number, flags: INHERITED, ..Attributes::default() };
        // SAFETY: the attributes are read during the call; a new descriptor is nobody else's.
        unsafe {
            let fd = libc::syscall(libc::SYS_perf_event_open, &attributes, 0, -1, -1, 0);
            (fd >= 0).then(|| SystemCalls(File::from_raw_fd(fd as i32)))
        }
    }

    pub fn count(&self) -> u64 {
        let mut count = [0; 8];
        (&self.0).read_exact(&mut count).expect("a counter can be read");
        u64::from_ne_bytes(count)
    }
}
