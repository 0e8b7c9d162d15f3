//! The names that are looked up, and what each of them must be found to be.
//!
//! Whoever takes a forged answer for an honest one finds other addresses than these.

use std::net::{Ipv4Addr, Ipv6Addr};

/// How many names have addresses.
pub const HOSTS: u64 = 500;

/// What a forged answer says.
pub const FORGED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);

pub fn host_name(number: u64) -> String {
    format!("h{number}.soak.test")
}

/// A name that has another as its alias.
pub fn alias_name(number: u64) -> String {
    format!("a{number}.soak.test")
}

pub fn v4_of(number: u64) -> Ipv4Addr {
    Ipv4Addr::from(0x0A00_0000 + number as u32)
}

pub fn v6_of(number: u64) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number as u16)
}

/// The number of the host that `name` is or leads to, and whether it is an alias.
pub fn number_of(name: &str) -> Option<(u64, bool)> {
    let name = name.to_ascii_lowercase();
    let label = name.strip_suffix(".soak.test")?;
    let is_alias = label.starts_with('a');
    let number: u64 = label.strip_prefix(['h', 'a'])?.parse().ok()?;
    (number < HOSTS).then_some((number, is_alias))
}
