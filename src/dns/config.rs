//! How name servers are asked: which ones, how often, how long, and with which search domains.
//!
//! Floor 1. Pure. The machine's own configuration is read in [`file`] and [`adapters`].

pub(crate) mod adapters;
pub(crate) mod file;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::host_text::check_name;
use crate::lookup::Family;

/// Name servers in a configuration made in code. Each one more is another timeout to sit through.
const SERVERS_MAX: usize = 8;

/// Search domains: a name that does not exist is asked for once with each.
const SEARCH_MAX: usize = 32;

/// `RES_MAXNDOTS` of resolv.conf(5).
const NDOTS_MAX: u32 = 15;

/// `RES_MAXRETRANS` of resolv.conf(5).
const TIMEOUT_MAX: Duration = Duration::from_secs(30);

/// `RES_MAXRETRY` of resolv.conf(5).
const ATTEMPTS_MAX: u32 = 5;

/// A lookup that nobody has waited for in a day is not waited for. Also keeps instants in range.
const DEADLINE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Lookups in flight: each holds up to two sockets, and a process has some thousands of descriptors.
const LOOKUPS_IN_FLIGHT_MAX: usize = 4096;

/// Lookups in line: each holds its name and its place.
const WAITING_MAX: usize = 1_000_000;

/// The port of a name server (RFC 1035 section 4.2).
const DNS_PORT: u16 = 53;

/// The search domain that appends nothing.
pub(crate) const ROOT: &str = ".";

/// How the pump asks name servers.
///
/// Without one of these the machine's own configuration is used. The default is what a machine
/// without any has: the name server on the machine itself, no search domains.
///
/// IPv6 addresses are asked for also where there is no way to them: an answer's order (RFC 6724) puts those
/// last. A machine that slept finds its questions timed out, and they are asked again as after any timeout.
///
/// ```
/// use std::time::Duration;
/// use msgpump::ResolverConfig;
///
/// let config = ResolverConfig::new([([192, 0, 2, 53], 53), ([192, 0, 2, 54], 53)])
///     .with_search(["corp.example"])
///     .with_timeout(Duration::from_millis(800))
///     .with_attempts(1);
/// assert_eq!(config.check(), Ok(()));
/// assert_eq!(config.servers().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until a pump is given it"]
pub struct ResolverConfig {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: u32,
    timeout: Duration,
    attempts: u32,
    deadline: Option<Duration>,
    rotate: bool,
    use_tcp: bool,
    edns: bool,
    no_aaaa: bool,
    single_request: bool,
    family_patience: Duration,
    no_reload: bool,
    lookups_in_flight_max: usize,
    waiting_max: usize,
}

impl Default for ResolverConfig {
    fn default() -> ResolverConfig {
        ResolverConfig {
            servers: vec![(Ipv4Addr::LOCALHOST, DNS_PORT).into(), (Ipv6Addr::LOCALHOST, DNS_PORT).into()],
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            deadline: None,
            rotate: false,
            use_tcp: false,
            edns: true,
            no_aaaa: false,
            single_request: false,
            family_patience: Duration::from_secs(3),
            no_reload: false,
            lookups_in_flight_max: 256,
            waiting_max: 10_000,
        }
    }
}

/// Writes the setter and the getter of each setting.
macro_rules! settings {
    ($($(#[$doc:meta])* $setter:ident, $name:ident: $type:ty;)*) => {
        $(
            $(#[$doc])*
            pub fn $setter(mut self, $name: $type) -> ResolverConfig {
                self.$name = $name;
                self
            }

            #[doc = concat!("What [`", stringify!($setter), "`](Self::", stringify!($setter), ") sets.")]
            pub fn $name(&self) -> $type {
                self.$name
            }
        )*
    };
}

impl ResolverConfig {
    /// Asks `servers`, one to eight of them, in this order; everything else as by default. One whose address is of
    /// IPv4 in its IPv6 form (`::ffff:192.0.2.53`) is asked by IPv4.
    ///
    /// Each candidate name of each lookup begins at the first of them, also where that one was silent before: it may be
    /// the only one that knows the names of a private network, and a server that does not would say that they do not
    /// exist.
    ///
    /// ```
    /// use msgpump::ResolverConfig;
    /// let config = ResolverConfig::new(["192.0.2.53:53".parse::<std::net::SocketAddr>()?]);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn new(servers: impl IntoIterator<Item: Into<SocketAddr>>) -> ResolverConfig {
        let servers = servers.into_iter().map(Into::into).map(by_own_family);
        ResolverConfig { servers: servers.collect(), ..ResolverConfig::default() }
    }

    /// The name servers, in the order in which they are asked.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Appends these domains, up to 32 and in this order, to names that do not end in a dot.
    ///
    /// The domain `.` appends nothing: it is the place where the name itself is tried. Only a name that does not exist,
    /// or has no such record, leads to the next one. Where name servers fail, refuse or are silent the lookup ends with
    /// that, though some resolvers go on: a host of another domain must not stand in for the one that was meant.
    pub fn with_search(mut self, domains: impl IntoIterator<Item: AsRef<str>>) -> ResolverConfig {
        self.search = domains.into_iter().map(|domain| bare_domain(domain.as_ref()).to_owned()).collect();
        self
    }

    /// The search domains, without their final dots.
    pub fn search(&self) -> &[String] {
        &self.search
    }

    settings! {
        /// Tries a name with this many dots (0 to 15, default 1) as it is before the search domains,
        /// and one with fewer dots after them.
        with_ndots, ndots: u32;

        /// Waits this long (up to 30 seconds, default 5) for one name server's answer.
        with_timeout, timeout: Duration;

        /// Goes through the list of name servers this often (1 to 5 times, default 2).
        with_attempts, attempts: u32;

        /// Ends every lookup after this long (up to a day): as timed out, or with the addresses of the one
        /// family that is there.
        ///
        /// By default a lookup ends by itself: each candidate name takes at most the timeout, times
        /// the attempts, times the number of name servers. A name server whose answer is that it must be asked
        /// again (by stream, in plain, for the next of up to 16 aliases) has the timeout anew, and twice where each
        /// question [goes alone](Self::with_single_request).
        with_deadline, deadline: Option<Duration>;

        /// Starts each lookup at another name server in turn, to spread the load.
        with_rotate, rotate: bool;

        /// Asks over TCP from the start, not only when an answer does not fit in a datagram.
        with_tcp, use_tcp: bool;

        /// Announces that larger datagrams can be received (EDNS, on by default).
        ///
        /// A name server that does not understand this is asked again without it.
        with_edns, edns: bool;

        /// Never asks for IPv6 addresses.
        with_no_aaaa, no_aaaa: bool;

        /// Asks for the IPv6 addresses of a host first and for the IPv4 ones when that is answered,
        /// instead of for both at a time, for name servers that lose one of two questions.
        with_single_request, single_request: bool;

        /// Waits this long (up to 30 seconds, default 3) for the addresses of one family once those of
        /// the other are there. After it the lookup succeeds with what it has.
        with_family_patience, family_patience: Duration;

        /// Has this many lookups (1 to 4096, default 256) ask name servers at a time. Others wait.
        with_lookups_in_flight_max, lookups_in_flight_max: usize;

        /// Lets this many lookups (up to a million, default 10 000) wait for their turn.
        with_waiting_max, waiting_max: usize;
    }

    /// Whether the machine's configuration is to be kept as it was first read.
    pub(crate) fn no_reload(&self) -> bool {
        self.no_reload
    }

    /// Tells whether every setting is within its limits. The pump refuses a configuration that is not.
    ///
    /// ```
    /// use msgpump::ResolverConfig;
    /// let error = ResolverConfig::default().with_attempts(9).check().unwrap_err();
    /// assert_eq!(error.to_string(), "resolver setting attempts: 9 is not within 1 to 5");
    /// ```
    pub fn check(&self) -> Result<(), ResolverConfigError> {
        within("number of servers", self.servers.len(), 1..=SERVERS_MAX)?;
        for server in &self.servers {
            if server.port() == 0 {
                return Err(ResolverConfigError::new("servers", format!("{server} has no port")));
            }
        }
        within("number of search domains", self.search.len(), 0..=SEARCH_MAX)?;
        for domain in &self.search {
            let refuse = |problem| ResolverConfigError::new("search", format!("{domain:?}: {problem}"));
            check_domain(domain).map_err(refuse)?;
        }
        within("ndots", self.ndots, 0..=NDOTS_MAX)?;
        let instant = Duration::from_nanos(1);
        within("timeout", self.timeout, instant..=TIMEOUT_MAX)?;
        within("attempts", self.attempts, 1..=ATTEMPTS_MAX)?;
        within("deadline", self.deadline.unwrap_or(DEADLINE_MAX), instant..=DEADLINE_MAX)?;
        within("family_patience", self.family_patience, Duration::ZERO..=TIMEOUT_MAX)?;
        within("lookups_in_flight_max", self.lookups_in_flight_max, 1..=LOOKUPS_IN_FLIGHT_MAX)?;
        within("waiting_max", self.waiting_max, 0..=WAITING_MAX)
    }
}

/// A setting of a [`ResolverConfig`] that is outside its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverConfigError {
    setting: &'static str,
    problem: String,
}

impl ResolverConfigError {
    fn new(setting: &'static str, problem: String) -> ResolverConfigError {
        ResolverConfigError { setting, problem }
    }
}

impl fmt::Display for ResolverConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resolver setting {}: {}", self.setting, self.problem)
    }
}

impl std::error::Error for ResolverConfigError {}

/// The address with which a server is asked by the family that it has: through a socket of IPv6 the system does not say
/// of IPv4 what it says, and some systems have no such sockets.
fn by_own_family(server: SocketAddr) -> SocketAddr {
    Family::V4.form_of(server).unwrap_or(server)
}

/// A search domain without the dots around it, which files have in all ways.
fn bare_domain(domain: &str) -> &str {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    if domain.is_empty() { ROOT } else { domain }
}

fn check_domain(domain: &str) -> Result<(), &'static str> {
    if domain == ROOT { Ok(()) } else { check_name(domain) }
}

fn within<T: PartialOrd + fmt::Debug>(
    setting: &'static str,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<(), ResolverConfigError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let problem = format!("{value:?} is not within {:?} to {:?}", allowed.start(), allowed.end());
    Err(ResolverConfigError::new(setting, problem))
}

#[cfg(test)]
mod tests;
