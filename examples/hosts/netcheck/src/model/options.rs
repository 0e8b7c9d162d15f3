//! What can be set: how name servers are asked, how many at a time, and what is connected to.

use std::net::SocketAddr;
use std::time::Duration;

use msgpump::{Pump, ResolverConfig, ResolverConfigError};

/// How many checks may run at a time: each needs up to two sockets.
pub const PARALLEL_MAX: usize = 4096;

#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The name server; without it those of the machine are asked.
    pub server: Option<SocketAddr>,
    /// How long one question to one server may take, and how often each server is asked.
    pub timeout: Duration,
    pub attempts: u32,
    /// How many checks run at a time.
    pub parallel: usize,
    /// Whether rows with a port are connected to.
    pub connect: bool,
    /// The port that rows without one are connected to.
    pub port: Option<u16>,
    /// How long a connect may take, lookup and all.
    pub connect_deadline: Duration,
    /// How long the checks pause and try again while no name server can be reached, before rows fail for it.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            server: None,
            // Of thousands of questions some are lost, and should not cost the five seconds that machines are configured
            // with. Asked again sooner, but more often, a slow name still has three seconds.
            timeout: Duration::from_millis(600),
            attempts: 5,
            parallel: 256,
            connect: false,
            port: None,
            connect_deadline: Duration::from_secs(10),
            patience: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// Tells the pump how name servers are to be asked from now on.
    ///
    /// # Errors
    ///
    /// A setting is outside its limits.
    pub fn apply<T>(&self, pump: &mut Pump<T>) -> Result<(), ResolverConfigError> {
        let config = match self.server {
            Some(server) => ResolverConfig::new([server]),
            None => {
                pump.set_resolver(None)?; // as the machine is configured now, which may be another network than before
                pump.resolver_config().clone()
            }
        };
        let config = config.with_timeout(self.timeout).with_attempts(self.attempts);
        // Each check that runs is asked at once: what waits in line would count as time.
        pump.set_resolver(config.with_lookups_in_flight_max(self.parallel))
    }
}
