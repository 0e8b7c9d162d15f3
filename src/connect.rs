//! The words of making connections, and of taking them in.
//!
//! Floor 0. Words only.

use std::net::SocketAddr;
use std::time::Duration;
use std::{fmt, io};

use crate::lookup::LookupError;
use crate::tcp_stream::TcpStream;

/// How long a connect may take in all, unless told otherwise.
const CONNECT_DEADLINE: Duration = Duration::from_secs(30);

/// How many accepted connections may wait to be taken, unless told otherwise.
const ACCEPTED_MAX: usize = 64;

/// Whom to connect to, and how long that may take.
///
/// ```
/// use std::time::Duration;
/// use msgpump::Connect;
/// let connect = Connect::to("example.org:https").deadline(Duration::from_secs(10));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until it is started"]
pub struct Connect {
    pub(crate) target: String,
    pub(crate) deadline: Duration,
}

impl Connect {
    /// Connects to a host and a service: `example.org:https`, `example.org:443`, `192.0.2.1:80`,
    /// `[2001:db8::1]:80`.
    ///
    /// The text is read when the connect starts; a malformed one is told in the final message. Where host and port
    /// are apart, `Connect::from((host, port))` puts them together, and the brackets around an IPv6 address.
    pub fn to(target: impl Into<String>) -> Connect {
        Connect { target: target.into(), deadline: CONNECT_DEADLINE }
    }

    /// Gives up after this long, lookup and all. By default 30 seconds.
    pub fn deadline(mut self, deadline: Duration) -> Connect {
        self.deadline = deadline;
        self
    }
}

/// As [`Connect::to`].
impl From<&str> for Connect {
    fn from(target: &str) -> Connect {
        Connect::to(target)
    }
}

/// As [`Connect::to`].
impl From<String> for Connect {
    fn from(target: String) -> Connect {
        Connect::to(target)
    }
}

/// A host and a port that are apart; the host may be an IPv6 address without brackets.
///
/// ```
/// use msgpump::Connect;
/// assert_eq!(Connect::from(("example.org", 80)), Connect::to("example.org:80"));
/// assert_eq!(Connect::from(("2001:db8::1", 80)), Connect::to("[2001:db8::1]:80"));
/// ```
impl From<(&str, u16)> for Connect {
    fn from((host, port): (&str, u16)) -> Connect {
        match host.contains(':') && !host.starts_with('[') {
            true => Connect::to(format!("[{host}]:{port}")),
            false => Connect::to(format!("{host}:{port}")),
        }
    }
}

impl From<SocketAddr> for Connect {
    fn from(address: SocketAddr) -> Connect {
        Connect::to(address.to_string())
    }
}

impl fmt::Display for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.target)
    }
}

/// A connection that was made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connection {
    /// The connection. It is not watched yet.
    pub stream: TcpStream,
    /// The address that answered.
    pub peer: SocketAddr,
    /// The addresses that were tried in vain before it answered.
    pub failed: Vec<FailedAttempt>,
    /// How long it took, lookup and all.
    pub elapsed: Duration,
}

/// An address that was tried, and what it answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedAttempt {
    /// The address.
    pub address: SocketAddr,
    /// What it answered; [`TimedOut`](io::ErrorKind::TimedOut) if nothing until the deadline,
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) if the system had no descriptor to try it with.
    pub error: io::Error,
}

/// No connection was made.
#[derive(Debug)]
pub struct ConnectError(pub(crate) Box<ConnectErrorDetail>);

#[derive(Debug)]
pub(crate) struct ConnectErrorDetail {
    pub(crate) target: String,
    pub(crate) failure: ConnectFailure,
    pub(crate) attempts: Vec<FailedAttempt>,
    pub(crate) elapsed: Duration,
}

/// Why no connection was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The text is no host and service.
    MalformedTarget,
    /// The host or the service was not found.
    Lookup(LookupError),
    /// Every address was tried, and each said no.
    AllFailed,
    /// The deadline came first.
    TimedOut,
}

impl ConnectError {
    /// Whom the connect was to.
    pub fn target(&self) -> &str {
        &self.0.target
    }

    /// Why it failed.
    pub fn failure(&self) -> &ConnectFailure {
        &self.0.failure
    }

    /// The addresses that were tried and what each answered, in order.
    pub fn attempts(&self) -> &[FailedAttempt] {
        &self.0.attempts
    }

    /// How long it took.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// The kind of the latest error among the attempts, or what comes nearest.
    pub fn kind(&self) -> io::ErrorKind {
        match &self.0.failure {
            ConnectFailure::MalformedTarget => io::ErrorKind::InvalidInput,
            ConnectFailure::Lookup(error) => error.kind(),
            ConnectFailure::TimedOut => io::ErrorKind::TimedOut,
            ConnectFailure::AllFailed => {
                self.0.attempts.last().map_or(io::ErrorKind::Other, |attempt| attempt.error.kind())
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConnectErrorDetail { target, failure, attempts, elapsed } = &*self.0;
        // Quoted: a text from elsewhere may hold what a terminal obeys.
        write!(f, "connecting to {target:?}: ")?;
        match failure {
            ConnectFailure::MalformedTarget => {
                f.write_str("no host and service, write host:port, host:service or [IPv6 address]:port")?
            }
            ConnectFailure::Lookup(error) => write!(f, "{error}")?,
            ConnectFailure::AllFailed => f.write_str("no address answered")?,
            ConnectFailure::TimedOut => write!(f, "not connected after {elapsed:?}")?,
        }
        for (index, attempt) in attempts.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{} {}", attempt.address, attempt.error)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.failure {
            ConnectFailure::Lookup(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

/// Where to listen, and how many connections may wait to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until it is started"]
pub struct Listen {
    pub(crate) address: SocketAddr,
    pub(crate) undelivered: usize,
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Listen {
        Listen::on(address)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Listen {
    /// Listens on `address`; port 0 is one of the system's choice, see
    /// [`Pump::listening_address`](crate::Pump::listening_address).
    ///
    /// ```
    /// use std::net::{Ipv6Addr, SocketAddr};
    /// use msgpump::Listen;
    /// let this_machine_only = Listen::on(([127, 0, 0, 1], 8080));
    /// let everybody = Listen::on((Ipv6Addr::UNSPECIFIED, 8080));
    /// let as_the_user_wrote = Listen::on("192.0.2.1:8080".parse::<SocketAddr>()?);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn on(address: impl Into<SocketAddr>) -> Listen {
        Listen { address: address.into(), undelivered: ACCEPTED_MAX }
    }

    /// Accepts no more while this many connections wait to be taken. The rest waits in the system's
    /// queue. At least 1, by default 64.
    pub fn undelivered(mut self, connections: usize) -> Listen {
        self.undelivered = connections.max(1);
        self
    }
}

/// A connection that somebody made to us.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The connection. It is not watched yet.
    pub stream: TcpStream,
    /// Who made it.
    pub peer: SocketAddr,
}
