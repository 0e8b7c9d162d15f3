//! What can be set when a pump is made.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dns::config::{ResolverConfig, ResolverConfigError};

/// How many posts may wait: what Win32 allows a thread's queue by default.
const QUEUE_CAPACITY: usize = 10_000;

/// What can be set when a pump is made.
///
/// A file that is named here and is not there is as good as an empty one, until it is; of services and protocols the
/// built-in table is read in its place. [`Pump::name_files`](crate::Pump::name_files) tells what was read.
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
#[must_use = "settings do nothing until a pump is made with them"]
pub struct Settings {
    pub(crate) queue_capacity: usize,
    pub(crate) resolver: Option<ResolverConfig>,
    // Without a path a file is where the machine keeps it.
    pub(crate) resolver_file: Option<PathBuf>,
    pub(crate) hosts_file: Option<PathBuf>,
    pub(crate) services_file: Option<PathBuf>,
    pub(crate) protocols_file: Option<PathBuf>,
    pub(crate) host_waker: Option<HostWaker>,
}

/// Tells the host, from any thread, that the pump has something to take over.
#[derive(Clone)]
pub(crate) struct HostWaker(pub(crate) Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for HostWaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostWaker")
    }
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
            host_waker: None,
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

    /// Calls `wake` when another thread has handed something in and the pump's host may be asleep: it must have
    /// the host call [`turn`](crate::Pump::turn). For hosts that wait for no descriptors: a window system's
    /// event loop, a channel, a condition variable.
    ///
    /// It tells of posts, of completed external operations and of woken streams. Not of sockets: nobody waits
    /// for those on behalf of such a host, so while the pump has some ([`Metrics::sockets`](crate::Metrics::sockets)),
    /// the host must call `turn` now and then, or have a thread of its own wait on the descriptor. Nor of
    /// deadlines: [`Pump::rest`](crate::Pump::rest) tells those, for the host's own timer.
    ///
    /// It is called on the thread that handed something in, with no lock held, and must not block. If it panics, that passes
    /// through to who handed something in, which arrives all the same, and the next post calls it again. Of a burst only
    /// the first calls it; it is called again once all that was there is taken over, so a host must go on until
    /// [`Pump::rest`](crate::Pump::rest) says that it may sleep. A turn that has no more for a full queue has more when
    /// messages were taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use msgpump::{Budget, Payload, Pump, Rest, Settings};
    ///
    /// enum Event { Pump, Closed } // what the host's own loop waits for
    /// let (sender, events) = mpsc::channel();
    /// let waker = sender.clone();
    /// let settings = Settings::default().host_waker(move || drop(waker.send(Event::Pump)));
    /// let mut pump = Pump::<u32>::with_settings(settings)?;
    ///
    /// let (poster, window) = (pump.poster(), pump.root_window());
    /// std::thread::spawn(move || poster.post(window, 42));
    /// for event in events {
    ///     if matches!(event, Event::Closed) {
    ///         break;
    ///     }
    ///     loop {
    ///         pump.turn(Budget::no_wait())?;
    ///         while let Some(message) = pump.next_message() {
    ///             assert!(matches!(message.payload, Payload::Posted(42)));
    ///             sender.send(Event::Closed)?;
    ///         }
    ///         if pump.rest() != Rest::Ready {
    ///             break; // with a timer of the host's own for Rest::Until
    ///         }
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn host_waker(mut self, wake: impl Fn() + Send + Sync + 'static) -> Settings {
        self.host_waker = Some(HostWaker(Arc::new(wake)));
        self
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
