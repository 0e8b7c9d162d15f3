//! The door to clock, randomness and files.
//!
//! Floor 3'. The only code that reads them. It keeps no state but what saves system calls.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[cfg(windows)]
use crate::adapter::Adapter;
use crate::adapter::MachineNames;
use crate::files::{FILE_BYTES_MAX, Stamp};

/// How many random bytes are fetched at a time: one system call for 128 query ids.
const RANDOM_BYTES: usize = 256;

/// How often two clocks are read until that is done quickly enough to compare them.
#[cfg(target_os = "linux")]
const READINGS_MAX: usize = 4;

/// How quickly that is. Usually it takes a tenth of a microsecond.
#[cfg(target_os = "linux")]
const READING_TIME_MAX: Duration = Duration::from_micros(20);

/// Reads the monotonic clock.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long the machine was suspended since it was started: what the two clocks without jumps differ by. `None`
/// while they cannot be read close enough together, because other threads are run between.
#[cfg(target_os = "linux")]
pub(crate) fn suspended() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    for _ in 0..READINGS_MAX {
        let (before, boot, after) = (read(ClockId::Monotonic), read(ClockId::Boottime), read(ClockId::Monotonic));
        if after.saturating_sub(before) <= READING_TIME_MAX {
            return Some(boot.saturating_sub(after));
        }
    }
    None
}

/// Elsewhere there is one clock without jumps.
#[cfg(not(target_os = "linux"))]
pub(crate) fn suspended() -> Option<Duration> {
    None
}

/// What tells the present state of a file from another.
pub(crate) fn file_stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Ok(Stamp { modified: metadata.modified().ok(), len: metadata.len(), inode })
}

/// The first [`FILE_BYTES_MAX`] bytes of a file.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        // Reading a terminal would block, and to open a pipe is enough to.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX as u64).read_to_end(&mut text)?;
    Ok(text)
}

/// Where the machine keeps a file of its network configuration, named as below `/etc`.
#[cfg(not(windows))]
pub(crate) fn configuration_file(name: &str) -> PathBuf {
    PathBuf::from("/etc").join(name)
}

/// Where the machine keeps a file of its network configuration, named as below `/etc`.
#[cfg(windows)]
pub(crate) fn configuration_file(name: &str) -> PathBuf {
    let root = environment("SystemRoot").unwrap_or_else(|| r"C:\Windows".to_owned());
    let name = if name == "protocols" { "protocol" } else { name };
    [&root, "System32", "drivers", "etc", name].iter().collect()
}

/// The file that says how names are looked up, where there is one.
pub(crate) fn resolver_file() -> Option<PathBuf> {
    cfg!(not(windows)).then(|| configuration_file("resolv.conf"))
}

/// What the network adapters say of names.
#[cfg(windows)]
pub(crate) fn machine_names() -> io::Result<MachineNames> {
    let adapter = |adapter: msgpump_sys::Adapter| Adapter {
        name_servers: adapter.name_servers,
        suffixes: adapter.suffixes,
        ipv4_metric: adapter.ipv4_metric,
        ipv6_metric: adapter.ipv6_metric,
    };
    Ok(MachineNames {
        adapters: msgpump_sys::adapters()?.into_iter().map(adapter).collect(),
        search_list: msgpump_sys::search_list(),
        domain: msgpump_sys::domain(),
    })
}

/// Elsewhere a file says it.
#[cfg(not(windows))]
pub(crate) fn machine_names() -> io::Result<MachineNames> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A variable of the environment, if it is set and is text.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The name of this machine.
#[cfg(unix)]
pub(crate) fn host_name() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

/// The name of this machine.
#[cfg(windows)]
pub(crate) fn host_name() -> Option<String> {
    msgpump_sys::host_name()
}

/// The number of the network interface with this name.
#[cfg(target_os = "linux")]
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice::name_to_index, socket_with};
    // The system wants any socket to ask through.
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).ok()?;
    name_to_index(socket, name).ok()
}

/// The number of the network interface with this name.
#[cfg(windows)]
pub(crate) fn interface_index(name: &str) -> Option<u32> {
    msgpump_sys::interface_index(name)
}

/// Elsewhere a zone is written as a number.
#[cfg(not(any(target_os = "linux", windows)))]
pub(crate) fn interface_index(_name: &str) -> Option<u32> {
    None
}

/// Unpredictable numbers from the system's generator, fetched in advance.
pub(crate) struct Randomness {
    bytes: [u8; RANDOM_BYTES],
    used: usize,
}

impl Randomness {
    pub(crate) fn new() -> Randomness {
        Randomness { bytes: [0; RANDOM_BYTES], used: RANDOM_BYTES }
    }

    pub(crate) fn next(&mut self) -> u16 {
        if self.used + 2 > RANDOM_BYTES {
            // It cannot fail on a system that has booted; an id that can be guessed is no option.
            getrandom::fill(&mut self.bytes).expect("the system's random generator works");
            self.used = 0;
        }
        let number = u16::from_le_bytes([self.bytes[self.used], self.bytes[self.used + 1]]);
        self.bytes[self.used..self.used + 2].fill(0);
        self.used += 2;
        number
    }
}
