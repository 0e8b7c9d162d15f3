//! What a pump has done and holds.
//!
//! Floor 0. Words only.

/// What a pump has done since it was made, and what it holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Turns made.
    pub turns: u64,
    /// Turns that asked the operating system for readiness: a system call each, and on Linux one more for
    /// a deadline that is near, or two at the end of a long wait.
    pub waits: u64,
    /// Messages taken by the program.
    pub messages: u64,
    /// Messages that were in the queue when their operation was cancelled or their window destroyed, and posts
    /// that were taken back.
    pub purged_messages: u64,
    /// Messages that were taken in hand ([`InHand`](crate::InHand)), by a dispatcher mostly, and cancelled
    /// before they were handled.
    pub silenced_messages: u64,
    /// Posts of other threads that arrived for a window destroyed since. Their payloads were dropped.
    pub dropped_posts: u64,
    /// Wake-ups sent by other threads. A burst of posts sends one.
    pub wakes: u64,
    /// Messages in the queue.
    pub queued: usize,
    /// Operations that live: under way, or with messages not yet taken.
    pub operations: usize,
    /// Timers set.
    pub timers: usize,
    /// Open windows, the root window among them.
    pub windows: usize,
    /// Sockets that the pump has registered, those of its resolver among them.
    pub sockets: usize,
    /// Host lookups that wait for others to end before they are asked of a name server.
    pub lookups_in_line: usize,
    /// Datagrams that were no answer to what was asked: late, forged or garbled.
    pub ignored_datagrams: u64,
}
