//! What is at the other end of a simulated connection.

use std::collections::VecDeque;
use std::time::Duration;

/// A program at the other end of a connection, with a script.
///
/// Its acts follow one another: bytes that it sends, bytes that it waits for, pauses, the end. After the end of
/// the script it reads on and says nothing.
///
/// ```
/// use std::time::Duration;
/// use msgpump::simulation::Peer;
/// let greets = Peer::new().sends("220 ready\r\n").receives(6).waits(Duration::from_secs(1)).closes();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a peer is not there until a simulation is given it"]
pub struct Peer {
    pub(super) answer: Answer,
    pub(super) latency: Duration,
    pub(super) script: VecDeque<PeerAct>,
    pub(super) echoes: bool,
}

/// What a peer does when somebody connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accept,
    Refuse,
    Silence,
}

#[derive(Clone, Debug)]
pub(super) enum PeerAct {
    Send(Vec<u8>),
    Receive(usize),
    Wait(Duration),
    Close,
    Reset,
}

impl Default for Peer {
    fn default() -> Peer {
        Peer::new()
    }
}

impl Peer {
    /// One that takes connections, at once, and says nothing.
    pub fn new() -> Peer {
        Peer { answer: Answer::Accept, latency: Duration::ZERO, script: VecDeque::new(), echoes: false }
    }

    /// Refuses connections.
    pub fn refuses(mut self) -> Peer {
        self.answer = Answer::Refuse;
        self
    }

    /// Does not answer at all, as an address behind which nothing is.
    pub fn is_silent(mut self) -> Peer {
        self.answer = Answer::Silence;
        self
    }

    /// What it sends arrives this much later, its answer to a connect too.
    pub fn latency(mut self, latency: Duration) -> Peer {
        self.latency = latency;
        self
    }

    /// Sends back all that it receives, beside its script.
    pub fn echoes(mut self) -> Peer {
        self.echoes = true;
        self
    }

    /// Then sends `bytes`.
    pub fn sends(self, bytes: impl Into<Vec<u8>>) -> Peer {
        self.then(PeerAct::Send(bytes.into()))
    }

    /// Then waits for this many bytes, counted from what earlier acts have waited for.
    pub fn receives(self, bytes: usize) -> Peer {
        self.then(PeerAct::Receive(bytes))
    }

    /// Then waits this long.
    pub fn waits(self, time: Duration) -> Peer {
        self.then(PeerAct::Wait(time))
    }

    /// Then closes the connection.
    pub fn closes(self) -> Peer {
        self.then(PeerAct::Close)
    }

    /// Then resets the connection.
    pub fn resets(self) -> Peer {
        self.then(PeerAct::Reset)
    }

    fn then(mut self, act: PeerAct) -> Peer {
        self.script.push_back(act);
        self
    }
}
