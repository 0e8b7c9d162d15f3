//! The machine and the peers' versions, in words.

use std::fs;

use crate::foreign::{c_library, libev, libevent, libuv};

/// The lock file of this package, which says what was built.
const LOCK: &str = include_str!("../Cargo.lock");

/// The crates that are measured, or that what is measured is made of.
const CRATES: [&str; 12] = [
    "msgpump",
    "calloop",
    "tokio",
    "mio",
    "polling",
    "async-io",
    "async-executor",
    "async-channel",
    "crossbeam-channel",
    "hickory-resolver",
    "glib",
    "c-ares",
];

/// Name and version of each peer.
pub fn versions() -> Vec<(String, String)> {
    let locked = |name: &str| {
        let rest = LOCK.split_once(&format!("\nname = \"{name}\"\nversion = \""))?.1;
        Some((format!("crate {name}"), rest.split_once('"')?.0.to_owned()))
    };
    let mut versions: Vec<_> = CRATES.iter().filter_map(|name| locked(name)).collect();
    for (name, version) in [
        ("c-ares (built by its crate)", c_ares::version().0.to_owned()),
        ("libuv", libuv::version()),
        ("libevent", libevent::version()),
        ("libev", libev::version()),
        ("GLib", c_library::glib_version()),
        ("glibc", c_library::version()),
    ] {
        versions.push((name.to_owned(), version));
    }
    versions
}

/// Processor, memory, system and compiler, as far as they can be read.
pub fn words() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str, end: char| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        rest.trim_start_matches([' ', '\t', ':', '=', '"']).trim_end_matches(end).trim().to_owned()
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let processor_text = read("/proc/cpuinfo");
    let kind = after(&processor_text, "model name", ' ');
    let place = if processor_text.contains(" hypervisor ") { "virtual CPUs" } else { "CPUs" };
    let memory: f64 =
        after(&read("/proc/meminfo"), "MemTotal:", ' ').trim_end_matches(" kB").parse().unwrap_or_default();
    let system = read("/proc/sys/kernel/osrelease");
    let system: Vec<_> = system.trim().split('.').take(2).collect();
    let distribution = after(&read("/etc/os-release"), "PRETTY_NAME", '"');
    let compiler = std::process::Command::new("rustc").arg("--version").output();
    let compiler = compiler.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let compiler = compiler.split_whitespace().nth(1).unwrap_or("of unknown version").to_owned();
    format!(
        "{processors} {place} of an {kind}, {:.0} GB, Linux {}, {distribution}, Rust {compiler}, Cargo's release profile, C at -O2; no pinning.",
        memory / 1e6,
        system.join("."),
    )
}

/// Runnable threads on average of the last minute.
pub fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}
