//! What can be set when a pump is made.

use std::path::PathBuf;

use crate::dns::config::{ResolverConfig, ResolverConfigError};
use crate::system;

/// How many posts may wait: what Win32 allows a thread's queue by default.
const QUEUE_CAPACITY: usize = 10_000;

/// What can be set when a pump is made.
///
/// ```
/// use msgpump::{Pump, ResolverConfig, Settings};
/// let settings = Settings::default()
///     .queue_capacity(100)
///     .resolver(ResolverConfig::new([([127, 0, 0, 1], 5353)]))?;
/// let pump = Pump::<()>::with_settings(settings)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) queue_capacity: usize,
    pub(crate) resolver: Option<ResolverConfig>,
    pub(crate) resolver_file: PathBuf,
    pub(crate) hosts_file: PathBuf,
    pub(crate) services_file: PathBuf,
    pub(crate) protocols_file: PathBuf,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            queue_capacity: QUEUE_CAPACITY,
            resolver: None,
            resolver_file: PathBuf::from("/etc/resolv.conf"),
            hosts_file: system::configuration_file("hosts"),
            services_file: system::configuration_file("services"),
            protocols_file: system::configuration_file(if cfg!(windows) { "protocol" } else { "protocols" }),
        }
    }
}

impl Settings {
    /// How many posted messages may wait in the queue, and as many again in the inbox of other
    /// threads until a turn takes them over. A post beyond it is refused. By default 10,000.
    ///
    /// The outcomes of operations do not count: room for them is reserved when they start.
    pub fn queue_capacity(mut self, posts: usize) -> Settings {
        self.queue_capacity = posts;
        self
    }

    /// Asks name servers as `config` says, instead of as the machine is configured.
    ///
    /// # Errors
    ///
    /// Refuses a configuration with a setting outside its limits.
    pub fn resolver(mut self, config: ResolverConfig) -> Result<Settings, ResolverConfigError> {
        config.check()?;
        self.resolver = Some(config);
        Ok(self)
    }

    /// Reads this file in place of `/etc/resolv.conf`.
    pub fn resolver_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.resolver_file = path.into();
        self
    }

    /// Reads this file in place of `/etc/hosts`.
    pub fn hosts_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.hosts_file = path.into();
        self
    }

    /// Reads this file in place of `/etc/services`.
    pub fn services_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.services_file = path.into();
        self
    }

    /// Reads this file in place of `/etc/protocols`.
    pub fn protocols_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.protocols_file = path.into();
        self
    }
}
