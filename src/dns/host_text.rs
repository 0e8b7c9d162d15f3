//! What the text of a host is, before any packet: an address, a special name, or a name to look up.
//!
//! Floor 1. Pure. Unicode names are turned into their ASCII form where the feature `idna` is on, and
//! refused where it is not. Deliberately absent: the legacy forms of an IPv4 address, which one program
//! reads as an address and the next one as a name.
//!
//! | text                                       | is                                        |
//! |--------------------------------------------|-------------------------------------------|
//! | `192.0.2.1`, `2001:db8::1`, `[::1]`        | an address                                |
//! | `fe80::1%eth0`, `fe80::1%2`                | an address with its scope                 |
//! | `127.1`, `0x7f.1`, `2130706433`, `1.2.3.999` | refused: it ends in a number            |
//! | `localhost`, `printer.local`, ...          | special: see [`SpecialName`]              |
//! | `example.org`, `_sip._tcp.example.org`     | a name, to be tried with search domains   |
//! | `example.org.`                             | a name, absolute                          |

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::scoped_address::{Zone, parse_address};

/// The longest name, in characters: 255 octets on the wire, less the first length octet and the
/// root label (RFC 1035 section 2.3.4).
pub(crate) const NAME_MAX: usize = 253;

/// The longest label: its length has six bits (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;

/// The kinds of host text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostText<'a> {
    /// An address, with its scope id where a zone was given. The port is zero.
    Address(SocketAddr),

    /// A well-formed name, without its final dot. `absolute` says that there was one.
    Name { text: &'a str, absolute: bool },

    /// A name that no name server is asked for.
    Special(SpecialName),
}

impl<'a> HostText<'a> {
    /// Tells what `text` is, or what is wrong with it.
    pub(crate) fn parse(text: &'a str, zone: Zone<'_>) -> Result<HostText<'a>, &'static str> {
        if let Some(rest) = text.strip_prefix('[') {
            let inner = rest.strip_suffix(']').filter(|inner| inner.contains(':'));
            let inner = inner.ok_or("brackets enclose an IPv6 address and nothing else")?;
            return parse_address(inner, zone).map(HostText::Address);
        }
        if text.contains(':') || text.parse::<Ipv4Addr>().is_ok() {
            return parse_address(text, zone).map(HostText::Address);
        }
        if text == "." {
            return Err("a lone dot is the root, not a host");
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        check_name(name)?;
        if name.parse::<Ipv4Addr>().is_ok() {
            return Err("an address has no final dot");
        }
        if ends_in_a_number(name) {
            return Err("it ends in a number and is not an IPv4 address of four decimal numbers");
        }
        Ok(match SpecialName::of_name(name) {
            Some(special) => HostText::Special(special),
            None => HostText::Name { text: name, absolute: name.len() < text.len() },
        })
    }
}

/// The ASCII form of a host text that is not ASCII (UTS 46); one that is stays as it is.
#[cfg(feature = "idna")]
pub(crate) fn to_ascii(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY);
    ascii.map_err(|_| "it is no valid internationalized name")
}

/// Without the feature `idna` a host text that is not ASCII stays as it is, to be refused.
#[cfg(not(feature = "idna"))]
pub(crate) fn to_ascii(text: &str) -> Result<Cow<'_, str>, &'static str> {
    Ok(Cow::Borrowed(text))
}

/// Names with a meaning of their own, which are never sent to a name server.
///
/// Special is what a user wrote in full. A name that only becomes `printer.local` because somebody
/// configured the search domain `local` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpecialName {
    /// `localhost` and everything below it: the loopback addresses (RFC 6761 section 6.3).
    Localhost,
    /// Below `invalid`: it does not exist (RFC 6761 section 6.4).
    Invalid,
    /// Below `onion`: to ask for it would tell the name server whom one talks to (RFC 7686).
    Onion,
    /// Below `local`: for multicast DNS (RFC 6762 section 3).
    Local,
}

impl SpecialName {
    /// The special name that `name` is, in any letter case, with or without the final dot.
    ///
    /// Only `localhost` is special by itself: a machine may well be called `onion`.
    pub(crate) fn of_name(name: &str) -> Option<SpecialName> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let (below, top) = name.rsplit_once('.').map_or((None, name), |(below, top)| (Some(below), top));
        let is = |word: &str| top.eq_ignore_ascii_case(word);
        match below {
            _ if is("localhost") => Some(SpecialName::Localhost),
            Some(_) if is("invalid") => Some(SpecialName::Invalid),
            Some(_) if is("onion") => Some(SpecialName::Onion),
            Some(_) if is("local") => Some(SpecialName::Local),
            _ => None,
        }
    }

    /// The special name of `address`, the way back from [`SpecialName::Localhost`].
    pub(crate) fn of_address(address: IpAddr) -> Option<SpecialName> {
        address.to_canonical().is_loopback().then_some(SpecialName::Localhost)
    }

    /// Why such a name is not found, in words for its failure; nothing for one that is answered.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            SpecialName::Localhost => None,
            SpecialName::Invalid => Some("names below .invalid never exist"),
            SpecialName::Onion => Some("names below .onion are not in the DNS"),
            SpecialName::Local => Some("names below .local are for multicast DNS, which is not spoken here"),
        }
    }
}

/// Checks the shape of a name without its final dot: what its characters are, and how long it is.
///
/// Which names are good ones for a host is not decided here: underscores and leading digits are in
/// use (RFC 2181 section 11).
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if !name.is_ascii() {
        return Err("letters outside ASCII need this crate's feature idna, or their ASCII form, xn--...");
    }
    if name.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err("it contains a space or a control character");
    }
    // An escape of the master file format (RFC 1035 section 5.1) would say two things to two readers.
    if name.contains('\\') {
        return Err("it contains a backslash");
    }
    if name.len() > NAME_MAX {
        return Err("it is longer than 253 characters");
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err("a label of it is empty");
        }
        if label.len() > LABEL_MAX {
            return Err("a label of it is longer than 63 characters");
        }
    }
    Ok(())
}

/// Whether the last label is a number, decimal or hexadecimal: no top-level domain is one (RFC 3696
/// section 2), and where `127.1` is read as an address, `127.1` must not be a name here.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    /// A machine with one interface.
    fn zone(text: &str) -> Option<u32> {
        (text == "eth0").then_some(7)
    }

    fn parse(text: &str) -> Result<HostText<'_>, &'static str> {
        HostText::parse(text, &zone)
    }

    #[test]
    fn addresses() {
        let v6 = |address: &str, scope_id| {
            let address = address.parse().expect("the table holds addresses");
            SocketAddr::V6(SocketAddrV6::new(address, 0, 0, scope_id))
        };
        for (text, address) in [
            ("192.0.2.1", SocketAddr::from(([192, 0, 2, 1], 0))),
            ("0.0.0.0", SocketAddr::from(([0, 0, 0, 0], 0))),
            ("2001:DB8::1", v6("2001:db8::1", 0)),
            ("::", v6("::", 0)),
            ("::ffff:192.0.2.1", v6("::ffff:192.0.2.1", 0)),
            ("[::1]", v6("::1", 0)),
            ("fe80::1%eth0", v6("fe80::1", 7)),
            ("[fe80::1%eth0]", v6("fe80::1", 7)),
            ("fe80::1%2", v6("fe80::1", 2)),
            ("fe80::1%4294967295", v6("fe80::1", u32::MAX)),
        ] {
            assert_eq!(parse(text), Ok(HostText::Address(address)), "{text}");
        }
    }

    #[test]
    fn names() {
        let longest_label = "a".repeat(LABEL_MAX);
        let longest = [&*longest_label, &longest_label, &longest_label, &"a".repeat(61)].join(".");
        assert_eq!(longest.len(), NAME_MAX);
        for name in [
            "example.org",
            "a",
            "www",
            "_sip._tcp.example.org",
            "3com.com",
            "-.example",
            "xn--bcher-kva.example",
            "0/25.2.0.192.in-addr.arpa",
            "home.arpa",
            "printer.home.arpa",
            "0xyz",
            "1.2.3.4.example",
            "local",
            "onion",
            "notlocalhost",
            &longest,
        ] {
            assert_eq!(parse(name), Ok(HostText::Name { text: name, absolute: false }), "{name}");
            assert_eq!(parse(&format!("{name}.")), Ok(HostText::Name { text: name, absolute: true }), "{name}.");
        }
    }

    #[test]
    fn refusals() {
        let long_label = "a".repeat(LABEL_MAX + 1);
        let long_name = ["a".repeat(LABEL_MAX), "a".repeat(LABEL_MAX), "a".repeat(LABEL_MAX), "a".repeat(62)].join(".");
        for (text, words) in [
            ("", "empty"),
            (".", "lone dot"),
            ("..", "label of it is empty"),
            ("a..b", "label of it is empty"),
            (".a", "label of it is empty"),
            ("a..", "label of it is empty"),
            (&long_label, "longer than 63"),
            (&long_name, "longer than 253"),
            (&format!("{long_name}."), "longer than 253"),
            ("a\0b", "control character"),
            ("a b", "space"),
            (" a", "space"),
            ("a\n", "control character"),
            ("a\u{7f}", "control character"),
            ("a\\.b", "backslash"),
            ("b\u{fc}cher.example", "xn--"),
            ("\u{ff11}", "xn--"),
            ("127.1", "ends in a number"),
            ("0x7f.1", "ends in a number"),
            ("0177.0.0.1", "ends in a number"),
            ("01.2.3.4", "ends in a number"),
            ("2130706433", "ends in a number"),
            ("0x7f000001", "ends in a number"),
            ("1.2.3.0X", "ends in a number"),
            ("1.2.3.999", "ends in a number"),
            ("1.2.3.4.5", "ends in a number"),
            ("example.123.", "ends in a number"),
            ("127.0.0.1.", "no final dot"),
            ("::1.", "not an IPv6 address"),
            ("::g", "not an IPv6 address"),
            ("example.org:80", "not an IPv6 address"),
            ("http://example.org", "not an IPv6 address"),
            ("[::1", "brackets"),
            ("[::1]:80", "brackets"),
            ("[]", "brackets"),
            ("[127.0.0.1]", "brackets"),
            ("[example.org]", "brackets"),
            ("[[::1]]", "not an IPv6 address"),
            ("fe80::1%", "no network interface"),
            ("fe80::1%eth9", "no network interface"),
            ("fe80::1%+2", "no network interface"),
            ("fe80::1%4294967296", "no network interface"),
            ("fe80::1%2%2", "no network interface"),
        ] {
            let reason = parse(text).expect_err(text);
            assert!(reason.contains(words), "{text:?}: {reason}");
        }
    }

    #[test]
    fn special_names() {
        for (text, special) in [
            ("localhost", SpecialName::Localhost),
            ("LocalHost.", SpecialName::Localhost),
            ("db.localhost", SpecialName::Localhost),
            ("a.b.LOCALHOST.", SpecialName::Localhost),
            ("nothing.invalid", SpecialName::Invalid),
            ("abc.ONION", SpecialName::Onion),
            ("printer.local", SpecialName::Local),
            ("a.b.local.", SpecialName::Local),
        ] {
            assert_eq!(parse(text), Ok(HostText::Special(special)), "{text}");
            assert_eq!(special.reason().is_none(), special == SpecialName::Localhost);
        }
        for (address, special) in [
            ("127.0.0.1", Some(SpecialName::Localhost)),
            ("127.9.9.9", Some(SpecialName::Localhost)),
            ("::1", Some(SpecialName::Localhost)),
            ("::ffff:127.0.0.1", Some(SpecialName::Localhost)),
            ("128.0.0.1", None),
            ("::", None),
        ] {
            let address = address.parse().expect("the table holds addresses");
            assert_eq!(SpecialName::of_address(address), special, "{address}");
        }
    }

    /// Random text from the characters that matter: whatever is taken for a name has the shape of one.
    #[test]
    fn hostile_text() {
        const CHARACTERS: [&str; 16] =
            ["a", "f", "0", "1", "25", "x", ".", ".", ":", "::", "%", "[", "]", "eth0", "\0", "\u{e9}"];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        for round in 0..20_000 {
            let text: String = (0..random(12)).map(|_| CHARACTERS[random(CHARACTERS.len())]).collect();
            match parse(&text) {
                Ok(HostText::Name { text: name, absolute }) => {
                    assert_eq!(check_name(name), Ok(()), "round {round}: {text:?}");
                    assert_eq!(absolute, text.ends_with('.'), "round {round}: {text:?}");
                    assert!(name.parse::<IpAddr>().is_err(), "round {round}: {text:?}");
                }
                Ok(HostText::Address(address)) => {
                    let text = text.trim_matches(['[', ']']);
                    let bare = text.split_once('%').map_or(text, |(bare, _)| bare);
                    assert_eq!(bare.parse(), Ok(address.ip()), "round {round}: {text:?}");
                }
                Ok(HostText::Special(_)) => panic!("round {round}: {text:?} has no special name's letters"),
                Err(_) => assert!(text.parse::<IpAddr>().is_err(), "round {round}: {text:?}"),
            }
        }
    }
}
