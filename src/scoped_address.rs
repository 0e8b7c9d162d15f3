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

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with one interface.
    fn zone(name: &str) -> Option<u32> {
        (name == "eth0").then_some(2)
    }

    #[test]
    fn addresses_have_one_spelling_each_reader_agrees_on() {
        let cases = [
            ("192.0.2.1", Some("192.0.2.1:0")),
            ("::1", Some("[::1]:0")),
            ("FE80::1%eth0", Some("[fe80::1%2]:0")),
            ("fe80::1%12", Some("[fe80::1%12]:0")),
            ("fe80::1%0", Some("[fe80::1]:0")),
            ("::ffff:192.0.2.1", Some("[::ffff:192.0.2.1]:0")),
            ("fe80::1%eth9", None),
            ("fe80::1%", None),
            ("fe80::1%1%1", None),
            ("192.0.2.1%eth0", None),
            ("127.1", None),
            ("2130706433", None),
            ("0x7f000001", None),
            ("010.0.0.1", None),
            ("192.0.2.1.", None),
            (" ::1", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let address = parse_address(text, &zone).ok().map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text:?}");
        }
    }
}
