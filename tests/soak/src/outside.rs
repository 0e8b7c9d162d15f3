//! What is around the pump: the loopback interface and real threads, or a stage.

use std::net::SocketAddr;
use std::time::Duration;

use msgpump::{Completer, Pump, StreamWaker, WindowId};

use crate::numbers::Rouser;
use crate::parcel::Parcel;
use crate::random::Random;

/// How many others post.
pub const SENDERS: usize = 4;

/// Work that somebody else does.
pub enum Work {
    Complete(Completer<u64>, u64),
    /// Drops it without a result.
    Abandon(Completer<u64>),
    Wake(StreamWaker),
}

impl Work {
    pub fn perform(self) {
        match self {
            // Whether it is still wanted is the pump's business.
            Work::Complete(completer, value) => drop(completer.complete(value)),
            Work::Abandon(completer) => drop(completer),
            Work::Wake(waker) => waker.wake(),
        }
    }
}

pub trait Outside {
    fn pump(&mut self) -> Pump<Parcel>;

    /// The programs that can be connected to.
    fn peers(&self) -> &[SocketAddr];

    /// The address to listen on.
    fn listening_address(&mut self) -> SocketAddr;

    /// Both ends of a pipe, where there are descriptors.
    fn pipe(&mut self) -> Option<(std::io::PipeReader, std::io::PipeWriter)>;

    /// Has somebody else do something, a little later.
    fn hand_over(&mut self, work: Work);

    fn rouser(&self) -> Rouser;

    /// Tells those who post which windows there are; none: be silent.
    fn announce(&mut self, windows: &[WindowId]);

    /// What happens outside in a round.
    fn act(&mut self, pump: &Pump<Parcel>, random: &mut Random);

    /// Whether the others have nothing in hand, after they were told to be silent.
    fn is_quiet(&self) -> bool;

    /// Leaves this many descriptors beside those that are open, or as many as there are.
    fn limit_descriptors(&mut self, spare: Option<usize>);

    /// How many descriptors are open. `None` when there is none left to count with.
    fn descriptors(&self) -> Option<usize>;

    /// How much time has passed, by the clock of the run.
    fn elapsed(&self) -> Duration;

    /// How long a round may last.
    fn round_max(&self) -> Duration;

    /// How many times as long as on the loopback interface things take here: hours must have few enough of them.
    fn scale(&self) -> u32;
}
