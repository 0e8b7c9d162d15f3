//! What a program asks of the name services, and what it is told.
//!
//! Floor 0. Words only: the machine that answers is [`operation::lookup`](crate::operation).

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::time::Duration;
use std::{fmt, io};

/// Which address families a host lookup asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4 and IPv6, merged into one list in the order of RFC 6724.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Whether addresses like `address` are wanted.
    pub fn includes(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }

    /// The form that `address` has in this family, if it has one: an IPv4 address that was written in its IPv6 form
    /// (`::ffff:192.0.2.1`) is of either.
    pub(crate) fn form_of(self, address: SocketAddr) -> Option<SocketAddr> {
        let address = match self {
            Family::V4 => SocketAddr::new(address.ip().to_canonical(), address.port()),
            Family::Any | Family::V6 => address,
        };
        self.includes(address.ip()).then_some(address)
    }
}

/// The question of a host lookup: a name, or an address whose name is wanted.
///
/// ```
/// use msgpump::{Family, HostQuery};
/// let forward = HostQuery::by_name("localhost").family(Family::V4);
/// let streamed = HostQuery::by_name("example.org").streamed();
/// let reverse = HostQuery::by_address([127, 0, 0, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "a query does nothing until it is started"]
pub struct HostQuery {
    pub(crate) key: HostKey,
    pub(crate) family: Family,
    pub(crate) streamed: bool,
}

/// What a host is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HostKey {
    Name(String),
    Address(IpAddr),
}

impl HostQuery {
    /// Asks for the addresses of `name`, which may also be an address in text form.
    ///
    /// A name that ends in a dot is complete; another may be tried with the search domains of the
    /// resolver's configuration. With the feature `idna` it may be in any script; without, a name outside
    /// ASCII is malformed. Names are checked when the lookup starts, and a malformed one is
    /// told in the final message as [`LookupFailure::MalformedName`].
    pub fn by_name(name: impl Into<String>) -> HostQuery {
        HostQuery { key: HostKey::Name(name.into()), family: Family::Any, streamed: false }
    }

    /// Asks for the name of `address`.
    pub fn by_address(address: impl Into<IpAddr>) -> HostQuery {
        HostQuery { key: HostKey::Address(address.into()), family: Family::Any, streamed: false }
    }

    /// Restricts the answer to one address family.
    pub fn family(mut self, family: Family) -> HostQuery {
        self.family = family;
        self
    }

    /// Asks to be told each address family as it arrives, before the final message.
    pub fn streamed(mut self) -> HostQuery {
        self.streamed = true;
        self
    }
}

/// As [`HostQuery::by_name`].
impl From<&str> for HostQuery {
    fn from(name: &str) -> HostQuery {
        HostQuery::by_name(name)
    }
}

/// As [`HostQuery::by_name`].
impl From<String> for HostQuery {
    fn from(name: String) -> HostQuery {
        HostQuery::by_name(name)
    }
}

/// As [`HostQuery::by_address`].
impl From<IpAddr> for HostQuery {
    fn from(address: IpAddr) -> HostQuery {
        HostQuery::by_address(address)
    }
}

impl fmt::Display for HostQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            HostKey::Name(name) => f.write_str(name),
            HostKey::Address(address) => address.fmt(f),
        }
    }
}

/// The question of a service lookup: a name or a port, with or without a protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "a query does nothing until it is started"]
pub struct ServiceQuery {
    pub(crate) key: ServiceKey,
    pub(crate) protocol: Option<String>,
}

/// What a service is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ServiceKey {
    Name(String),
    Port(u16),
}

impl ServiceQuery {
    /// Asks for the port of the service called `name`, or that has it as an alias.
    ///
    /// Digits are taken as a port number, so `"8080"` is answered too when no file lists it.
    pub fn by_name(name: impl Into<String>) -> ServiceQuery {
        ServiceQuery { key: ServiceKey::Name(name.into()), protocol: None }
    }

    /// Asks for the service at `port`, a number in this machine's byte order.
    pub fn by_port(port: u16) -> ServiceQuery {
        ServiceQuery { key: ServiceKey::Port(port), protocol: None }
    }

    /// Accepts only a service of `protocol` (`"tcp"`, `"udp"`). Without it the first entry wins.
    pub fn protocol(mut self, protocol: impl Into<String>) -> ServiceQuery {
        self.protocol = Some(protocol.into());
        self
    }
}

impl fmt::Display for ServiceQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            ServiceKey::Name(name) => f.write_str(name)?,
            ServiceKey::Port(port) => port.fmt(f)?,
        }
        match &self.protocol {
            Some(protocol) => write!(f, "/{protocol}"),
            None => Ok(()),
        }
    }
}

/// The question of a protocol lookup: a name or a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "a query does nothing until it is started"]
pub struct ProtocolQuery {
    pub(crate) key: ProtocolKey,
}

/// What a protocol is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProtocolKey {
    Name(String),
    Number(u8),
}

impl ProtocolQuery {
    /// Asks for the number of the protocol called `name`, or that has it as an alias.
    pub fn by_name(name: impl Into<String>) -> ProtocolQuery {
        ProtocolQuery { key: ProtocolKey::Name(name.into()) }
    }

    /// Asks for the name of protocol `number`.
    pub fn by_number(number: u8) -> ProtocolQuery {
        ProtocolQuery { key: ProtocolKey::Number(number) }
    }
}

impl fmt::Display for ProtocolQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            ProtocolKey::Name(name) => f.write_str(name),
            ProtocolKey::Number(number) => number.fmt(f),
        }
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The text itself was an address or a number: nothing was asked.
    Literal,
    /// A name with a meaning of its own (`localhost`), answered as RFC 6761 says.
    SpecialName,
    /// The machine's hosts, services or protocols file.
    File,
    /// The table of registered services and protocols inside this crate.
    BuiltIn,
    /// This name server.
    NameServer(SocketAddr),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Literal => f.write_str("literal"),
            Source::SpecialName => f.write_str("special name"),
            Source::File => f.write_str("file"),
            Source::BuiltIn => f.write_str("built-in table"),
            Source::NameServer(server) => write!(f, "name server {server}"),
        }
    }
}

/// The answer of a host lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// The name at the end of the alias chain, or the first name of the hosts line.
    pub canonical_name: String,
    /// The other names: those on the way to the canonical one, or the rest of the hosts line.
    pub aliases: Vec<String>,
    /// The addresses, best first (RFC 6724); of each family the first 64 are put in order, and more come
    /// after these. For a lookup by address, that address.
    pub addresses: Vec<IpAddr>,
    /// How long the answer may be kept, where its source says so: the least of the records used.
    pub ttl: Option<Duration>,
    /// Where the answer came from.
    pub source: Source,
    /// One address family is missing from the list because no server answered for it in time.
    pub incomplete: bool,
    /// The scope of each address, as in `fe80::1%2`; shorter than `addresses` when none has one.
    pub(crate) scope_ids: Vec<u32>,
}

impl Host {
    /// The addresses joined with `port`, each with its scope id where it has one.
    pub fn socket_addresses(&self, port: u16) -> impl Iterator<Item = SocketAddr> + '_ {
        self.addresses.iter().enumerate().map(move |(index, &address)| match address {
            IpAddr::V4(_) => SocketAddr::new(address, port),
            IpAddr::V6(v6) => {
                let scope_id = self.scope_ids.get(index).copied().unwrap_or(0);
                SocketAddr::V6(SocketAddrV6::new(v6, port, 0, scope_id))
            }
        })
    }
}

/// The answer of a service lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// The official name.
    pub name: String,
    /// The other names.
    pub aliases: Vec<String>,
    /// The port, in this machine's byte order.
    pub port: u16,
    /// The protocol to speak it over: `tcp`, `udp`, ...; empty when a bare number was looked up
    /// without one.
    pub protocol: String,
    /// Where the answer came from.
    pub source: Source,
}

/// The answer of a protocol lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protocol {
    /// The official name.
    pub name: String,
    /// The other names.
    pub aliases: Vec<String>,
    /// The number in the IP header.
    pub number: u8,
    /// Where the answer came from.
    pub source: Source,
}

/// Why a lookup has no answer. Each is kept apart up to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LookupFailure {
    /// The name does not exist (NXDOMAIN), or no table lists it.
    NotFound,
    /// The name exists but has no record of the kind asked for (no data).
    NoData,
    /// The name servers refused to answer (REFUSED).
    Refused,
    /// The name servers failed (SERVFAIL, or an answer that could not be used).
    ServerFailure,
    /// No name server answered in time.
    TimedOut,
    /// No name server can be reached from here: the network is down.
    NetworkDown,
    /// The text cannot be a name, an address, a port or a number of this kind.
    MalformedName,
}

impl LookupFailure {
    /// Whether the same question may well be answered later.
    pub fn is_temporary(self) -> bool {
        use LookupFailure::*;
        match self {
            NotFound | NoData | MalformedName => false,
            Refused | ServerFailure | TimedOut | NetworkDown => true,
        }
    }
}

impl fmt::Display for LookupFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LookupFailure::NotFound => "not found",
            LookupFailure::NoData => "the name exists but has no such record",
            LookupFailure::Refused => "refused by the name server",
            LookupFailure::ServerFailure => "the name server failed",
            LookupFailure::TimedOut => "no name server answered in time",
            LookupFailure::NetworkDown => "no name server can be reached",
            LookupFailure::MalformedName => "malformed",
        })
    }
}

/// A lookup that failed: the question, the reason, and what was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupError(pub(crate) Box<LookupErrorDetail>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LookupErrorDetail {
    pub(crate) question: String,
    pub(crate) failure: LookupFailure,
    pub(crate) explanation: Option<&'static str>,
    pub(crate) server: Option<SocketAddr>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
}

impl LookupError {
    /// A failure that needed no name server, with what is wrong in a few words.
    pub(crate) fn local(question: String, failure: LookupFailure, explanation: Option<&'static str>) -> LookupError {
        let (server, attempts, elapsed) = (None, 0, Duration::ZERO);
        LookupError(Box::new(LookupErrorDetail { question, failure, explanation, server, attempts, elapsed }))
    }

    /// The name, address or number that was looked up, as it was given.
    pub fn question(&self) -> &str {
        &self.0.question
    }

    /// The reason.
    pub fn failure(&self) -> LookupFailure {
        self.0.failure
    }

    /// What comes nearest to it among the kinds of the system's errors.
    pub fn kind(&self) -> io::ErrorKind {
        match self.0.failure {
            LookupFailure::MalformedName => io::ErrorKind::InvalidInput,
            LookupFailure::TimedOut => io::ErrorKind::TimedOut,
            LookupFailure::NetworkDown => io::ErrorKind::NetworkUnreachable,
            LookupFailure::NotFound | LookupFailure::NoData => io::ErrorKind::NotFound,
            LookupFailure::Refused | LookupFailure::ServerFailure => io::ErrorKind::Other,
        }
    }

    /// The name server that gave the reason, or that was asked last.
    pub fn server(&self) -> Option<SocketAddr> {
        self.0.server
    }

    /// How many questions were sent to name servers.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The time from the start of the lookup to its end.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LookupErrorDetail { question, failure, explanation, server, attempts, elapsed } = &*self.0;
        write!(f, "looking up {question:?}: {failure}")?;
        if let Some(explanation) = explanation {
            write!(f, ", {explanation}")?;
        }
        if let Some(server) = server {
            write!(f, " (server {server}, {attempts} sent, {} ms)", elapsed.as_millis())?;
        }
        Ok(())
    }
}

impl std::error::Error for LookupError {}

impl From<LookupError> for io::Error {
    fn from(error: LookupError) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}
