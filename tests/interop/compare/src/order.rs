//! Whether addresses are in the order of RFC 6724, or in the older one that the C library keeps to.
//!
//! Written apart from the crate's own, to judge it.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr, UdpSocket};

/// By which rules addresses are put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// RFC 6724, as msgpump has it: prefixes are compared for IPv6 only, and up to 64 bits.
    Rfc6724,
    /// RFC 6724, with whole prefixes.
    Rfc6724WholePrefixes,
    /// The table of RFC 3484, with whole prefixes, for IPv4 too: glibc.
    Rfc3484,
}

/// A part of the policy table: prefix, its length, precedence, label.
type Policy = (u128, u32, u8, u8);

const fn prefix(a: u16, b: u16) -> u128 {
    (a as u128) << 112 | (b as u128) << 96
}

const V4: u128 = 0xffff << 32;

const TABLE_6724: [Policy; 9] = [
    (1, 128, 50, 0),
    (V4, 96, 35, 4),
    (0, 96, 1, 3),
    (prefix(0x2001, 0), 32, 5, 5),
    (prefix(0x2002, 0), 16, 30, 2),
    (prefix(0x3ffe, 0), 16, 1, 12),
    (prefix(0xfec0, 0), 10, 1, 11),
    (prefix(0xfc00, 0), 7, 3, 13),
    (0, 0, 40, 1),
];

/// Precedences of RFC 3484, and the labels that glibc has beside them.
const TABLE_3484: [Policy; 7] = [
    (1, 128, 50, 0),
    (V4, 96, 10, 4),
    (0, 96, 20, 3),
    (prefix(0x2001, 0), 32, 40, 7),
    (prefix(0x2002, 0), 16, 30, 2),
    (prefix(0xfc00, 0), 7, 40, 6),
    (0, 0, 40, 1),
];

/// Whether no address comes after one that the rules put behind it.
pub fn is_ordered(addresses: &[IpAddr], rules: Rules) -> bool {
    addresses.iter().map(|&address| rank(address, rules)).is_sorted()
}

/// The place of an address: the least comes first.
fn rank(address: IpAddr, rules: Rules) -> impl Ord {
    let source = source_of(address).map(as_v6);
    let (is_v4, address) = (address.is_ipv4(), as_v6(address));
    let (precedence, label) = policy(address, rules);
    let common = source.map_or(0, |source| (u128::from(source) ^ u128::from(address)).leading_zeros());
    let common_prefix = match (rules, is_v4 || address.to_ipv4_mapped().is_some()) {
        (Rules::Rfc6724, true) => 0,
        (Rules::Rfc6724, false) => common.min(64),
        // Only within the network of the source does it count, which is 10.0.0.0/8 or 192.0.2.0/24 here.
        (_, true) if common < 96 + 8 => 0,
        (_, _) => common,
    };
    let scope_differs = source.is_some_and(|source| scope(source) != scope(address));
    let label_differs = source.is_some_and(|source| policy(source, rules).1 != label);
    (source.is_none(), scope_differs, label_differs, Reverse(precedence), scope(address), Reverse(common_prefix))
}

/// The address of this machine from which `destination` is reached.
fn source_of(destination: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if destination.is_ipv4() { [0u8; 4].into() } else { [0u16; 8].into() };
    let socket = UdpSocket::bind((any, 0)).expect("descriptors are left");
    socket.connect((destination, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn policy(address: Ipv6Addr, rules: Rules) -> (u8, u8) {
    let table: &[Policy] = if rules == Rules::Rfc3484 { &TABLE_3484 } else { &TABLE_6724 };
    let matches = |&&(prefix, bits, ..): &&Policy| (u128::from(address) ^ prefix).leading_zeros() >= bits;
    let &(_, _, precedence, label) = table.iter().find(matches).expect("the last prefix fits every address");
    (precedence, label)
}

fn scope(address: Ipv6Addr) -> u8 {
    match address.to_ipv4_mapped() {
        Some(v4) if v4.is_loopback() || v4.is_link_local() => 2,
        Some(_) => 14,
        None if address.is_loopback() || address.segments()[0] & 0xffc0 == 0xfe80 => 2,
        None if address.segments()[0] & 0xffc0 == 0xfec0 => 5,
        None => 14,
    }
}
