//! What can be set when a pump is made.

use std::path::PathBuf;

use crate::dns::config::{ResolverConfig, ResolverConfigError};

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
    // Without a path a file is where the machine keeps it.
    pub(crate) resolver_file: Option<PathBuf>,
    pub(crate) hosts_file: Option<PathBuf>,
    pub(crate) services_file: Option<PathBuf>,
    pub(crate) protocols_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            queue_capacity: QUEUE_CAPACITY,
            resolver: None,
            resolver_file: None,
            hosts_file: None,
            services_file: None,
            protocols_file: None,
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

    /// Reads this file in place of `/etc/resolv.conf`; on Windows in place of what the network adapters say.
    pub fn resolver_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.resolver_file = Some(path.into());
        self
    }

    /// Reads this file in place of `/etc/hosts`; on Windows in place of `hosts` in `System32\drivers\etc`.
    pub fn hosts_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.hosts_file = Some(path.into());
        self
    }

    /// Reads this file in place of `/etc/services`; on Windows in place of `services` in `System32\drivers\etc`.
    pub fn services_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.services_file = Some(path.into());
        self
    }

    /// Reads this file in place of `/etc/protocols`; on Windows in place of `protocol` in `System32\drivers\etc`.
    pub fn protocols_file(mut self, path: impl Into<PathBuf>) -> Settings {
        self.protocols_file = Some(path.into());
        self
    }
}
