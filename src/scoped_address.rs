//! Addresses in text form, with the zone that a link-local one needs.
//!
//! Floor 0. Pure: the numbers of interfaces come from a function that the caller passes in. IPv4 is four
//! decimal numbers: in `127.1` or `010.0.0.1` readers disagree on what is meant.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Finds the number of the network interface that a zone names, as in `fe80::1%eth0`.
pub(crate) type Zone<'a> = &'a dyn Fn(&str) -> Option<u32>;

/// Reads an IPv4 address, or an IPv6 address with or without a zone.
pub(crate) fn parse_address(text: &str, zone: Zone<'_>) -> Result<SocketAddr, &'static str> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, 0));
    }
    let (address, zone_text) = text.split_once('%').unwrap_or((text, ""));
    let address: Ipv6Addr = address.parse().map_err(|_| "it has a colon and is not an IPv6 address")?;
    let scope_id = zone(zone_text).or_else(|| number(zone_text));
    let scope_id = scope_id.ok_or("no network interface has the name or number after the %")?;
    Ok(SocketAddrV6::new(address, 0, 0, scope_id).into())
}

/// A number in decimal digits, without the sign that `parse` would let pass.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
