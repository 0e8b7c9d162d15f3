//! What can be set when a pump is made.

/// How many posts may wait: what Win32 allows a thread's queue by default.
const QUEUE_CAPACITY: usize = 10_000;

/// What can be set when a pump is made.
///
/// ```
/// use msgpump::{Pump, Settings};
/// let pump = Pump::<()>::with_settings(Settings::default().queue_capacity(100))?;
/// # Ok::<(), msgpump::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) queue_capacity: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { queue_capacity: QUEUE_CAPACITY }
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
}
