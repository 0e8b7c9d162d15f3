//! How many of each kind there were, and what became of them.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Lookup,
    Table,
    Connect,
    Timer,
    Stream,
    External,
    Watch,
    Listen,
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::Lookup, "host lookups"),
    (Kind::Table, "service and protocol lookups"),
    (Kind::Connect, "connects"),
    (Kind::Timer, "timers"),
    (Kind::Stream, "streams"),
    (Kind::External, "external operations"),
    (Kind::Watch, "watches"),
    (Kind::Listen, "listening sockets"),
];

/// What became of the operations of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub started: u64,
    /// The pump had no room or no descriptor for them.
    pub refused: u64,
    /// Came to their own end.
    pub ended: u64,
    /// Cancelled with nothing in the queue.
    pub cancelled_pending: u64,
    /// Cancelled with messages in the queue.
    pub cancelled_queued: u64,
    /// Cancelled with their last message taken in hand and not handled.
    pub cancelled_in_hand: u64,
    /// Cancelled with their window or group.
    pub swept: u64,
}

impl Row {
    pub fn cancelled(self) -> u64 {
        self.cancelled_pending + self.cancelled_queued + self.cancelled_in_hand + self.swept
    }
}

#[derive(Clone, Debug, Default)]
pub struct Tally {
    rows: [Row; KINDS.len()],
    pub ticks: u64,
    pub batches: u64,
    pub posts: u64,
    /// Answers that were compared with the truth.
    pub answers: u64,
    /// Lookups that found nothing: their servers misbehaved.
    pub failures: u64,
    /// The longest time that one call to cancel took, in microseconds of the machine's clock.
    pub longest_cancel_us: u128,
}

impl Tally {
    pub fn row(&mut self, kind: Kind) -> &mut Row {
        &mut self.rows[kind as usize]
    }

    pub fn started(&self) -> u64 {
        self.rows.iter().map(|row| row.started).sum()
    }

    pub fn cancelled(&self) -> u64 {
        self.rows.iter().map(|row| row.cancelled()).sum()
    }

    pub fn ended(&self) -> u64 {
        self.rows.iter().map(|row| row.ended).sum()
    }

    /// Kinds of which there were none, or none were cancelled, or none came to their own end.
    pub fn untried(&self) -> Vec<&'static str> {
        let is_untried = |row: &Row| row.started == 0 || row.cancelled() == 0;
        KINDS.iter().filter(|(kind, _)| is_untried(&self.rows[*kind as usize])).map(|(_, name)| *name).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["started", "refused", "own end", "pending", "queued", "in hand", "swept"];
        write!(f, "{:<30}", "")?;
        heads.iter().try_for_each(|head| write!(f, "{head:>11}"))?;
        for (kind, name) in KINDS {
            let row = self.rows[kind as usize];
            let numbers = [
                row.started,
                row.refused,
                row.ended,
                row.cancelled_pending,
                row.cancelled_queued,
                row.cancelled_in_hand,
                row.swept,
            ];
            write!(f, "\n{name:<30}")?;
            numbers.iter().try_for_each(|number| write!(f, "{number:>11}"))?;
        }
        let percent = 100.0 * self.cancelled() as f64 / self.started().max(1) as f64;
        write!(f, "\n{} operations, {} cancelled ({percent:.1} %)", self.started(), self.cancelled())?;
        write!(f, "; {} posts, {} ticks, {} batches taken", self.posts, self.ticks, self.batches)?;
        write!(f, "\n{} answers compared with the truth, {} lookups failed", self.answers, self.failures)?;
        write!(f, "; longest cancel {} us", self.longest_cancel_us)
    }
}
