//! The order in which the addresses of a host are worth trying (RFC 6724 section 6).
//!
//! Floor 1. Pure: the caller finds out from which address of this machine each one would be reached.
//!
//! | rule                          | here                                                          |
//! |-------------------------------|---------------------------------------------------------------|
//! | 1 avoid unusable destinations | no source address: last                                       |
//! | 2 prefer matching scope       | yes                                                           |
//! | 3 avoid deprecated addresses  | no: a source address alone does not tell that it is deprecated |
//! | 4 prefer home addresses       | no: nor that it is a mobile node's home                       |
//! | 5 prefer matching label       | yes                                                           |
//! | 6 prefer higher precedence    | yes                                                           |
//! | 7 prefer native transport     | no: nor that its interface is a tunnel                        |
//! | 8 prefer smaller scope        | yes                                                           |
//! | 9 longest matching prefix     | IPv6 only: see [`Rank::common_prefix`]                        |
//! | 10 leave the order unchanged  | yes: the sort is stable                                       |
//!
//! Labels and precedences are those of section 2.1. Deliberately absent: a policy of the machine's
//! own, as in `/etc/gai.conf`.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The part of an IPv6 address that names a network. The rest names an interface in it, and what two
/// interfaces' names have in common says nothing about the way between them (RFC 6724 section 2.2).
const NETWORK_BITS: u32 = 64;

/// An address of a host, and the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The address to order, with its scope.
    pub(crate) address: SocketAddr,
    /// The address of this machine from which it would be reached, if there is a route.
    pub(crate) source: Option<IpAddr>,
}

/// Puts the destinations that are most worth trying first.
pub(crate) fn sort_destinations(destinations: &mut [Destination]) {
    destinations.sort_by_cached_key(Rank::of);
}

/// Where a destination belongs: the least comes first, compared rule by rule in the order of fields.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Rule 1.
    unusable: bool,
    /// Rule 2.
    scopes_differ: bool,
    /// Rule 5.
    labels_differ: bool,
    /// Rule 6.
    precedence: Reverse<u8>,
    /// Rule 8.
    scope: u8,
    /// Rule 9, for IPv6.
    ///
    /// For IPv4 it would be meaningful within one subnet at most, which a source address without its
    /// netmask does not show. There, the order that the name server gave is kept: it spreads load.
    common_prefix: Reverse<u32>,
}

impl Rank {
    fn of(destination: &Destination) -> Rank {
        let address = as_v6(destination.address.ip());
        let (precedence, label) = policy(address);
        let scope = scope(address);
        let source = destination.source.map(as_v6);
        Rank {
            unusable: source.is_none(),
            scopes_differ: source.is_some_and(|source| self::scope(source) != scope),
            labels_differ: source.is_some_and(|source| policy(source).1 != label),
            precedence: Reverse(precedence),
            scope,
            common_prefix: Reverse(source.map_or(0, |source| common_prefix(address, source))),
        }
    }
}

/// The one form in which both families are looked up in the policy table: an IPv4 address mapped.
fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// The default policy table of RFC 6724 section 2.1, longest prefixes first: the first match counts.
#[rustfmt::skip]
const POLICY: [(Ipv6Addr, u32, u8, u8); 9] = [
    // prefix                                      bits  precedence  label
    (Ipv6Addr::LOCALHOST,                           128,         50,     0),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0),     96,         35,     4), // IPv4
    (Ipv6Addr::UNSPECIFIED,                          96,          1,     3), // IPv4-compatible
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),     32,          5,     5), // Teredo
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0),     16,         30,     2), // 6to4
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0),     16,          1,    12), // 6bone
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0),     10,          1,    11), // site-local
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),      7,          3,    13), // unique local
    (Ipv6Addr::UNSPECIFIED,                           0,         40,     1),
];

/// The precedence and the label of an address.
fn policy(address: Ipv6Addr) -> (u8, u8) {
    let row = POLICY.iter().find(|(prefix, bits, ..)| leading_bits_in_common(address, *prefix) >= *bits);
    let &(_, _, precedence, label) = row.expect("the last prefix of the table matches every address");
    (precedence, label)
}

/// The scope of an address as the number that multicast addresses carry (RFC 4291 section 2.7).
fn scope(address: Ipv6Addr) -> u8 {
    const LINK_LOCAL: u8 = 2;
    const SITE_LOCAL: u8 = 5;
    const GLOBAL: u8 = 14;

    if let Some(v4) = address.to_ipv4_mapped() {
        // Private addresses are global too (RFC 6724 section 3.2).
        return if v4.is_loopback() || v4.is_link_local() { LINK_LOCAL } else { GLOBAL };
    }
    match address.segments()[0] {
        // The loopback address counts as link-local (RFC 4291 section 2.5.3).
        _ if address.is_loopback() => LINK_LOCAL,
        multicast @ 0xff00..=0xffff => (multicast & 0xf) as u8,
        0xfe80..=0xfebf => LINK_LOCAL,
        0xfec0..=0xfeff => SITE_LOCAL,
        _ => GLOBAL,
    }
}

/// The bits of a network's name that source and destination share; none where IPv4 is involved.
fn common_prefix(address: Ipv6Addr, source: Ipv6Addr) -> u32 {
    match (address.to_ipv4_mapped(), source.to_ipv4_mapped()) {
        (None, None) => leading_bits_in_common(address, source).min(NETWORK_BITS),
        _ => 0,
    }
}

fn leading_bits_in_common(left: Ipv6Addr, right: Ipv6Addr) -> u32 {
    (left.to_bits() ^ right.to_bits()).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `address<source`, with nothing after the sign where there is no route.
    fn destinations(list: &[&str]) -> Vec<Destination> {
        let parse = |text: &str| text.parse::<IpAddr>().ok();
        let read = |pair: &&str| {
            let (address, source) = pair.split_once('<').expect("a pair");
            let address = SocketAddr::new(parse(address).expect("an address"), 0);
            Destination { address, source: parse(source) }
        };
        list.iter().map(read).collect()
    }

    /// The better one first, whichever came first.
    #[test]
    fn the_rules_in_pairs() {
        for (rule, better, worse) in [
            // RFC 6724 section 10.2, as far as addresses alone decide.
            ("2", "2001:db8:1::1<2001:db8:1::2", "198.51.100.121<169.254.13.78"),
            ("2", "198.51.100.121<198.51.100.117", "2001:db8:1::1<fe80::1"),
            ("6", "2001:db8:1::1<2001:db8:1::2", "10.1.2.3<10.1.2.4"),
            ("8", "fe80::1<fe80::2", "2001:db8:1::1<2001:db8:1::2"),
            ("9", "2001:db8:1::1<2001:db8:1::2", "2001:db8:3ffe::1<2001:db8:3f44::2"),
            ("5", "2002:c633:6401::1<2002:c633:6401::2", "2001:db8:1::1<2002:c633:6401::2"),
            ("6", "2001:db8:1::1<2001:db8:1::2", "2002:c633:6401::1<2002:c633:6401::2"),
            // And the rest.
            ("1", "10.1.2.3<10.1.2.4", "2001:db8:1::1<"),
            ("1", "2001:db8:1::1<fe80::1", "::1<"),
            ("6", "2001:db8:1::1<", "10.1.2.3<"),
            ("6", "::1<::1", "127.0.0.1<127.0.0.1"),
            ("6", "198.51.100.1<198.51.100.2", "fd00::1<fd00::2"),
            ("6", "198.51.100.1<198.51.100.2", "2001::1<2001::2"),
            ("5", "198.51.100.1<198.51.100.2", "2001:db8:1::1<fd00::2"),
            ("8", "169.254.1.1<169.254.1.2", "198.51.100.1<198.51.100.2"),
            ("8", "::1<", "2001:db8::1<"),
        ] {
            for start in [[better, worse], [worse, better]] {
                let mut sorted = destinations(&start);
                sort_destinations(&mut sorted);
                assert_eq!(sorted, destinations(&[better, worse]), "rule {rule}");
            }
        }
    }

    #[test]
    fn the_order_of_equals_is_kept() {
        for list in [
            // Round robin over IPv4 survives, however near a source address seems to be.
            &["54.83.193.112<10.2.3.4", "23.23.172.185<10.2.3.4", "10.2.3.4<10.2.3.4", "75.101.148.21<10.2.3.4"][..],
            // And over the hosts of one IPv6 network.
            &["2001:db8::f000:0:0:1<2001:db8::1", "2001:db8::1<2001:db8::1", "2001:db8::2<2001:db8::1"],
            // Mapped addresses are IPv4.
            &["192.0.2.1<192.0.2.9", "::ffff:10.0.0.1<192.0.2.9", "::ffff:192.0.2.8<::ffff:192.0.2.9"],
            &["10.0.0.1<", "192.0.2.1<"],
            &[],
        ] {
            let mut sorted = destinations(list);
            sort_destinations(&mut sorted);
            assert_eq!(sorted, destinations(list));
        }
    }

    #[test]
    fn scopes_and_policies() {
        for (address, scope_wanted, policy_wanted) in [
            ("::1", 2, (50, 0)),
            ("127.0.0.1", 2, (35, 4)),
            ("169.254.1.2", 2, (35, 4)),
            ("10.0.0.1", 14, (35, 4)),
            ("192.168.0.1", 14, (35, 4)),
            ("198.51.100.1", 14, (35, 4)),
            ("::ffff:127.0.0.1", 2, (35, 4)),
            ("::198.51.100.1", 14, (1, 3)),
            ("fe80::1", 2, (40, 1)),
            ("febf::1", 2, (40, 1)),
            ("fec0::1", 5, (1, 11)),
            ("feff::1", 5, (1, 11)),
            ("fc00::1", 14, (3, 13)),
            ("fdff::1", 14, (3, 13)),
            ("fe00::1", 14, (40, 1)),
            ("2001::1", 14, (5, 5)),
            ("2001:1::1", 14, (40, 1)),
            ("2002:1::1", 14, (30, 2)),
            ("3ffe::1", 14, (1, 12)),
            ("2601:645::1", 14, (40, 1)),
            ("ff02::1", 2, (40, 1)),
            ("ff05::1", 5, (40, 1)),
            ("ff1e::1", 14, (40, 1)),
        ] {
            let address = as_v6(address.parse().expect("the table holds addresses"));
            assert_eq!(scope(address), scope_wanted, "{address}");
            assert_eq!(policy(address), policy_wanted, "{address}");
        }
    }
}
