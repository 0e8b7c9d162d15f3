//! A domain name, absolute and in wire form.
//!
//! Floor 1. Pure. Any octet may stand in a label (RFC 2181 section 11): what a host may be called is the
//! caller's rule. Search lists, U-labels and the escapes of zone files are not known here.

use std::fmt;
use std::net::IpAddr;

use domain::base::{Name, ParsedName, ToName};

/// The longest label, in octets (RFC 1035 section 2.3.4). The whole name's 255 are checked by the codec.
const LABEL_BYTES_MAX: usize = 63;

/// An absolute domain name. Names that differ in the case of ASCII letters only are equal (RFC 4343).
///
/// `Display` shows it without the final dot, and the root as a dot. Octets that would be mistaken there
/// are escaped as in zone files, which [`parse`](DnsName::parse) does not take back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DnsName(pub(super) Name<Vec<u8>>);

impl DnsName {
    /// Reads a name from text; a dot at its end changes nothing, as every `DnsName` is absolute.
    pub(crate) fn parse(text: &str) -> Result<DnsName, NameFault> {
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        if let Some(fault) = text.chars().find_map(NameFault::of_char) {
            return Err(fault);
        }
        let mut wire = Vec::with_capacity(text.len() + 2);
        if text != "." {
            for label in text.strip_suffix('.').unwrap_or(text).split('.') {
                match label.len() {
                    0 => return Err(NameFault::EmptyLabel),
                    length @ ..=LABEL_BYTES_MAX => wire.push(length as u8),
                    _ => return Err(NameFault::LabelTooLong),
                }
                wire.extend_from_slice(label.as_bytes());
            }
        }
        wire.push(0);
        // The labels are well formed by the loop above; what is left is their sum.
        Name::from_octets(wire).map(DnsName).map_err(|_| NameFault::NameTooLong)
    }

    /// The name under which the name of `address` is found: in `in-addr.arpa` (RFC 1035 section 3.5) or
    /// `ip6.arpa` (RFC 3596 section 2.5), in lower case.
    pub(crate) fn reverse_of(address: IpAddr) -> DnsName {
        let mut name = Name::reverse_from_addr(address).expect("74 octets are the most a reverse name has");
        name.make_canonical();
        DnsName(name)
    }
}

impl From<ParsedName<&[u8]>> for DnsName {
    fn from(name: ParsedName<&[u8]>) -> DnsName {
        DnsName(name.to_vec())
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NameFault {
    /// There is no text.
    Empty,
    /// Two dots in a row, or a dot at the start.
    EmptyLabel,
    /// A label of more than 63 octets.
    LabelTooLong,
    /// More than 255 octets on the wire, which is 253 in text.
    NameTooLong,
    /// A space.
    Space,
    /// A control character, such as NUL or the end of a line.
    Control,
    /// A backslash: escapes are not read, and no name means one literally.
    Backslash,
    /// A letter outside ASCII.
    NotAscii,
}

impl NameFault {
    /// The fault that `character` is in any name.
    fn of_char(character: char) -> Option<NameFault> {
        match character {
            ' ' => Some(NameFault::Space),
            '\\' => Some(NameFault::Backslash),
            '\0'..='\x1f' | '\x7f' => Some(NameFault::Control),
            '\u{80}'.. => Some(NameFault::NotAscii),
            _ => None,
        }
    }

    /// The fault in a few words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            NameFault::Empty => "the name is empty",
            NameFault::EmptyLabel => "a label is empty: two dots in a row, or one at the start",
            NameFault::LabelTooLong => "a label is longer than 63 octets",
            NameFault::NameTooLong => "the name is longer than 253 octets",
            NameFault::Space => "the name has a space in it",
            NameFault::Control => "the name has a control character in it",
            NameFault::Backslash => "the name has a backslash in it, and escapes are not read",
            NameFault::NotAscii => "the name is not ASCII: write it in A-label form (xn--...)",
        }
    }
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
