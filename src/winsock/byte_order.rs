//! Byte orders and addresses as text, allowed at any time, before startup too.
//!
//! Floor 5. Pure. An address or a port "in network order" is a number whose bytes in memory are those on
//! the wire. A program that forgets it works on big-endian machines alone, so both orders are kept apart
//! here as the texts keep them: ports are in network order, protocol numbers in host order.

use std::net::Ipv4Addr;

/// What [`inet_addr`] gives for a text that is no address (`INADDR_NONE`); also the broadcast address.
pub const INADDR_NONE: u32 = u32::MAX;

/// A port or another short number from host order to network order.
pub const fn htons(host_short: u16) -> u16 {
    host_short.to_be()
}

/// A port or another short number from network order to host order.
pub const fn ntohs(network_short: u16) -> u16 {
    u16::from_be(network_short)
}

/// An address or another long number from host order to network order.
pub const fn htonl(host_long: u32) -> u32 {
    host_long.to_be()
}

/// An address or another long number from network order to host order.
pub const fn ntohl(network_long: u32) -> u32 {
    u32::from_be(network_long)
}

/// The address, in network order, that is written with dots in `text`; [`INADDR_NONE`] if it is none.
///
/// Of one to four parts, each decimal, octal behind `0` or hexadecimal behind `0x`; the last part fills
/// the bytes that are left. What follows a blank is ignored. A lone blank is 0.0.0.0, as on Windows; an empty
/// text is none.
///
/// ```
/// use msgpump::winsock::{INADDR_NONE, htonl, inet_addr};
/// assert_eq!(inet_addr("127.0.0.1"), htonl(0x7F00_0001));
/// assert_eq!(inet_addr("0x7f.1"), htonl(0x7F00_0001));
/// assert_eq!(inet_addr("1.2.3.999"), INADDR_NONE);
/// ```
pub fn inet_addr(text: &str) -> u32 {
    address_in(text).map_or(INADDR_NONE, u32::to_be)
}

/// As [`inet_addr`], in host order, and with the broadcast address told from none.
pub(super) fn address_in(text: &str) -> Option<u32> {
    if text == " " {
        return Some(0);
    }
    let text = text.split_ascii_whitespace().next().filter(|_| !text.starts_with(|c: char| c.is_whitespace()));
    text.and_then(address_of)
}

/// The text of an address that is in network order.
pub fn inet_ntoa(network_address: u32) -> String {
    Ipv4Addr::from(u32::from_be(network_address)).to_string()
}

/// The address, in host order.
fn address_of(text: &str) -> Option<u32> {
    let parts: Vec<u32> = text.split('.').map(part_of).collect::<Option<_>>()?;
    let (&last, leading) = parts.split_last().filter(|_| parts.len() <= 4)?;
    let bits_left = 32 - 8 * leading.len() as u32;
    let fits = bits_left == 32 || last < 1 << bits_left;
    (fits && leading.iter().all(|&part| part <= 0xFF)).then(|| {
        let high = leading.iter().fold(0, |high, &part| high << 8 | part);
        if bits_left == 32 { last } else { high << bits_left | last }
    })
}

fn part_of(text: &str) -> Option<u32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hexadecimal, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}
