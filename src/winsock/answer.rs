//! What the database requests answer, as typed structures.
//!
//! Floor 5. Pure. [`layout`](super::layout) turns them into the bytes of the texts.

use std::net::{IpAddr, Ipv4Addr};

use super::byte_order::htons;
use super::layout;
use crate::{Host, Protocol, Service};

/// The address family of the Internet, the only one that the database knows (`AF_INET`, `PF_INET`).
#[doc(alias = "PF_INET")]
pub const AF_INET: i32 = 2;

/// A buffer of this many bytes was said to be large enough for every answer (`MAXGETHOSTSTRUCT`). It is for
/// nearly every one; for the others there is WSAENOBUFS.
pub const MAXGETHOSTSTRUCT: usize = 1024;

/// The length of an IPv4 address in bytes.
pub(super) const ADDRESS_BYTES: usize = 4;

/// A host (`struct hostent`). Its addresses are IPv4.
#[doc(alias = "hostent")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hostent {
    /// The official name.
    pub name: String,
    /// The other names.
    pub aliases: Vec<String>,
    /// The addresses. In the bytes of the texts they are in network order.
    pub addresses: Vec<Ipv4Addr>,
}

/// A service (`struct servent`).
#[doc(alias = "servent")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Servent {
    /// The official name.
    pub name: String,
    /// The other names.
    pub aliases: Vec<String>,
    /// The port **in network order**: [`ntohs`](super::ntohs) gives the number that people know.
    pub port: u16,
    /// The protocol to speak it over.
    pub protocol: String,
}

/// A protocol (`struct protoent`).
#[doc(alias = "protoent")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protoent {
    /// The official name.
    pub name: String,
    /// The other names.
    pub aliases: Vec<String>,
    /// The number **in host order**, unlike the port of a [`Servent`].
    pub number: i16,
}

/// The answer of a database request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of a host request.
    Host(Hostent),
    /// Of a service request.
    Service(Servent),
    /// Of a protocol request.
    Protocol(Protoent),
}

impl Hostent {
    pub(super) fn new(name: String, addresses: Vec<Ipv4Addr>) -> Hostent {
        Hostent { name, aliases: Vec::new(), addresses }
    }

    pub(super) fn from_core(host: Host) -> Hostent {
        let v4 = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        };
        let addresses = host.addresses.into_iter().filter_map(v4).collect();
        Hostent { name: host.canonical_name, aliases: host.aliases, addresses }
    }
}

impl Servent {
    pub(super) fn from_core(service: Service) -> Servent {
        let Service { name, aliases, port, protocol, .. } = service;
        Servent { name, aliases, port: htons(port), protocol }
    }
}

impl Protoent {
    pub(super) fn from_core(protocol: Protocol) -> Protoent {
        let Protocol { name, aliases, number, .. } = protocol;
        Protoent { name, aliases, number: number.into() }
    }
}

/// A buffer is too small for an answer, and nothing was written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall {
    /// How many bytes are needed.
    pub needed: usize,
}

impl std::fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "writing a database answer: the buffer is too small, pass one of {} bytes", self.needed)
    }
}

impl std::error::Error for BufferTooSmall {}

impl Answer {
    /// The host, if it is one.
    pub fn host(&self) -> Option<&Hostent> {
        match self {
            Answer::Host(host) => Some(host),
            Answer::Service(_) | Answer::Protocol(_) => None,
        }
    }

    /// The service, if it is one.
    pub fn service(&self) -> Option<&Servent> {
        match self {
            Answer::Service(service) => Some(service),
            Answer::Host(_) | Answer::Protocol(_) => None,
        }
    }

    /// The protocol, if it is one.
    pub fn protocol(&self) -> Option<&Protoent> {
        match self {
            Answer::Protocol(protocol) => Some(protocol),
            Answer::Host(_) | Answer::Service(_) => None,
        }
    }

    /// How many bytes [`write_to`](Answer::write_to) writes, whatever the buffer's address is.
    pub fn size(&self) -> usize {
        layout::size(self)
    }

    /// Writes the answer into `buffer` as a C program reads it, and says how many bytes were written.
    ///
    /// First the structure in this machine's layout, then what it points to, all inside of the buffer. The
    /// pointers are those of this buffer at its present address: moved or copied bytes point nowhere.
    /// If the buffer begins at a multiple of the size of a pointer, so does every pointer in it.
    ///
    /// # Errors
    ///
    /// Tells the size that is needed when the buffer is smaller, and leaves it as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::Pump;
    /// use msgpump::winsock::{Delivery, Version, Winsock};
    /// let mut pump = Pump::<()>::new()?;
    /// let mut winsock = Winsock::new();
    /// winsock.wsa_startup(Version::V1_1, Some(&mut Default::default()))?;
    /// winsock.wsa_async_get_proto_by_number(&mut pump, None, 0x401, 6, None)?;
    /// let Some(Delivery::Winsock(message)) = winsock.get_message(&mut pump)? else { panic!("nobody quits") };
    /// let answer = message.answer.expect("TCP is known everywhere");
    /// let mut buffer = [0; 1024];
    /// assert_eq!(answer.write_to(&mut buffer), Ok(answer.size()));
    /// assert_eq!(answer.write_to(&mut buffer[..9]).map_err(|error| error.needed), Err(answer.size()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_to(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let needed = self.size();
        match buffer.get_mut(..needed) {
            Some(buffer) => {
                layout::write(self, buffer);
                Ok(needed)
            }
            None => Err(BufferTooSmall { needed }),
        }
    }
}
