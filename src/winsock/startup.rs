//! Versions, and what startup tells of the library.
//!
//! Floor 5. Pure.

use std::fmt;

use super::error::WinsockError;

/// The length of [`WsaData::description`] (`WSADESCRIPTION_LEN`), without the final zero.
pub const WSADESCRIPTION_LEN: usize = 256;

/// The length of [`WsaData::system_status`] (`WSASYS_STATUS_LEN`), without the final zero.
pub const WSASYS_STATUS_LEN: usize = 128;

/// What is told to programs of version 1.x as the most sockets that one of them can open, as Windows does.
/// The limit in force is [`WinsockSettings::sockets_max`](super::WinsockSettings::sockets_max).
const SOCKETS_TOLD: u16 = 32_767;

/// What is told to programs of version 1.x as the largest datagram, in bytes, as Windows does.
const DATAGRAM_BYTES_TOLD: u16 = 65_467;

/// A version of the interface: in a word, the major number is the low byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The major number.
    pub major: u8,
    /// The minor number.
    pub minor: u8,
}

impl Version {
    /// Version 1.1, of January 1993.
    pub const V1_1: Version = Version::new(1, 1);

    /// Version 2.2.
    pub const V2_2: Version = Version::new(2, 2);

    /// The version `major.minor`.
    pub const fn new(major: u8, minor: u8) -> Version {
        Version { major, minor }
    }

    /// The version in a word, as `MAKEWORD(major, minor)`.
    pub const fn from_word(word: u16) -> Version {
        let [major, minor] = word.to_le_bytes();
        Version { major, minor }
    }

    /// The word of the version.
    pub const fn word(self) -> u16 {
        u16::from_le_bytes([self.major, self.minor])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The highest version that the library offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VersionMaximum {
    /// A library of 1993: 1.1 and nothing else.
    V1_1,
    /// 1.0 to 2.2, as on any Windows since.
    #[default]
    V2_2,
}

impl VersionMaximum {
    /// The version that this is.
    pub const fn version(self) -> Version {
        match self {
            VersionMaximum::V1_1 => Version::V1_1,
            VersionMaximum::V2_2 => Version::V2_2,
        }
    }

    /// The version that a program gets which asks for `asked`.
    pub(super) fn negotiate(self, asked: Version) -> Result<Version, WinsockError> {
        let lowest = match self {
            VersionMaximum::V1_1 => Version::V1_1,
            VersionMaximum::V2_2 => Version::new(1, 0),
        };
        match asked {
            asked if asked < lowest => Err(WinsockError::Vernotsupported),
            // There is nothing between 1.1 and 2.0.
            Version { major: 1, .. } => Ok(asked.min(Version::V1_1)),
            asked => Ok(asked.min(self.version())),
        }
    }
}

/// What [`wsa_startup`](super::Winsock::wsa_startup) tells of the library (`WSADATA`).
#[doc(alias = "WSADATA")]
#[derive(Clone, PartialEq, Eq)]
pub struct WsaData {
    /// The version that the program is to use.
    pub version: Version,
    /// The highest version offered.
    pub high_version: Version,
    /// What the library is, a text that ends with a zero. What follows the zero is left as it was.
    pub description: [u8; WSADESCRIPTION_LEN + 1],
    /// How it is, a text that ends with a zero. What follows the zero is left as it was.
    pub system_status: [u8; WSASYS_STATUS_LEN + 1],
    /// The most sockets, for programs of version 1.x; else 0.
    pub max_sockets: u16,
    /// The largest datagram in bytes, for programs of version 1.x; else 0.
    pub max_udp_datagram: u16,
    /// A pointer of the vendor's, which is never written.
    pub vendor_info: usize,
}

impl Default for WsaData {
    fn default() -> WsaData {
        WsaData {
            version: Version::new(0, 0),
            high_version: Version::new(0, 0),
            description: [0; WSADESCRIPTION_LEN + 1],
            system_status: [0; WSASYS_STATUS_LEN + 1],
            max_sockets: 0,
            max_udp_datagram: 0,
            vendor_info: 0,
        }
    }
}

impl WsaData {
    pub(super) fn fill(&mut self, version: Version, maximum: VersionMaximum) {
        let is_old = version.major < 2;
        self.version = version;
        self.high_version = maximum.version();
        write_text(&mut self.description, "WinSock 2.0");
        write_text(&mut self.system_status, "Running");
        self.max_sockets = if is_old { SOCKETS_TOLD } else { 0 };
        self.max_udp_datagram = if is_old { DATAGRAM_BYTES_TOLD } else { 0 };
    }

    /// The text of `description`.
    pub fn description_text(&self) -> &str {
        text(&self.description)
    }

    /// The text of `system_status`.
    pub fn system_status_text(&self) -> &str {
        text(&self.system_status)
    }
}

impl fmt::Debug for WsaData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsaData")
            .field("version", &self.version)
            .field("high_version", &self.high_version)
            .field("description", &self.description_text())
            .field("system_status", &self.system_status_text())
            .field("max_sockets", &self.max_sockets)
            .field("max_udp_datagram", &self.max_udp_datagram)
            .finish_non_exhaustive()
    }
}

fn write_text(field: &mut [u8], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
    field[text.len()] = 0;
}

fn text(field: &[u8]) -> &str {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).unwrap_or_default()
}
