//! Making connections: the lookup, then attempts over both families, staggered, the first one wins.
//!
//! Floor 2. Pure. RFC 8305 ("Happy Eyeballs"): a second attempt begins [`ATTEMPT_DELAY`] after the one
//! before it, or at once when that one fails; families take turns; where IPv4 addresses are known first,
//! the others are waited for [`RESOLUTION_DELAY`] long. Every attempt has a socket of its own, and all but
//! the winner's are closed.

mod target;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::connect::{Connect, ConnectError, ConnectErrorDetail, ConnectFailure, Connection, FailedAttempt};
use crate::id::OperationKey;
use crate::lookup::{HostQuery, LookupError, ServiceQuery};
use crate::moment::Moment;
use crate::network::{Network, OpenError, SocketKey, SocketOwner, Transport};
use crate::operation::lookup::{LookupOutcome, Resolver};
use crate::slots::{Slot, Slots, slot_of};
use crate::tcp_stream::TcpStream;
use crate::timers::Timers;

use target::{ServiceText, is_other_family};

/// Between the beginnings of two attempts (RFC 8305, section 5: "Connection Attempt Delay").
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How long IPv6 addresses are waited for once others are known (RFC 8305, section 3: "Resolution Delay").
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// How long a connect waits for a descriptor that the system has not.
const DESCRIPTOR_PATIENCE: Duration = Duration::from_millis(50);

/// How many addresses are tried. A name with more is no service but an attack, or a mistake.
const ATTEMPTS_MAX: usize = 64;

slotmap::new_key_type! { struct ConnectKey; }

/// The connects under way.
pub(crate) struct Connects {
    connects: Slots<ConnectKey, Connecting>,
    alarms: Timers,
    /// Connects that their lookups told something. They make their step once all lookups have told theirs.
    told: Vec<ConnectKey>,
    results: VecDeque<Outcome>,
    /// Until then no attempt begins: the system had no descriptor for one. Then those who wait ask in the order in which they
    /// came, and the first that is refused has asked for all.
    starved_until: Option<Moment>,
}

/// How a connect ended.
pub(crate) struct Outcome {
    pub(crate) operation: Slot,
    pub(crate) result: Result<Box<Connection>, ConnectError>,
}

struct Connecting {
    operation: OperationKey,
    target: String,
    port: u16,
    started: Moment,
    deadline: Moment,
    resolution: Resolution,
    /// Addresses not tried yet.
    untried: Vec<SocketAddr>,
    last_tried: Option<IpAddr>,
    attempts: Vec<Attempt>,
    failed: Vec<FailedAttempt>,
    /// When the next attempt begins though nothing happens.
    next_attempt: Moment,
    /// Whether the system had no descriptor for the latest attempt.
    is_starved: bool,
}

/// How far the lookup is.
enum Resolution {
    /// Nothing is known yet.
    Asking { lookup: Slot },
    /// Some addresses are known. None is tried before the moment given.
    Partly { lookup: Slot, not_before: Moment },
    /// All are known.
    Done,
    /// It failed; what was known before is tried.
    Failed(LookupError),
}

struct Attempt {
    socket: SocketKey,
    address: SocketAddr,
}

/// How an attempt stands.
#[derive(PartialEq)]
enum Standing {
    Waits,
    Failed,
    /// The connect is over.
    Won,
}

/// What a step needs beside the connect itself.
pub(crate) struct ConnectContext<'a, N> {
    pub(crate) now: Moment,
    pub(crate) network: &'a mut N,
    pub(crate) resolver: &'a mut Resolver,
}

impl Connects {
    pub(crate) fn new() -> Connects {
        Connects {
            connects: Slots::new(),
            alarms: Timers::new(),
            told: Vec::new(),
            results: VecDeque::new(),
            starved_until: None,
        }
    }

    /// How the connects ended that did since the last call, in order.
    pub(crate) fn take_outcome(&mut self) -> Option<Outcome> {
        self.results.pop_front()
    }

    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.alarms.first().map(|(deadline, _)| deadline)
    }

    /// Starts a connect for `operation`. Where it fails at once, that is an outcome too.
    ///
    /// `None`: as many lookups wait in line as may.
    pub(crate) fn start<N: Network>(
        &mut self,
        operation: OperationKey,
        connect: &Connect,
        context: &mut ConnectContext<'_, N>,
    ) -> Option<Slot> {
        let mut connecting = Connecting {
            operation,
            target: connect.target.clone(),
            port: 0,
            started: context.now,
            deadline: context.now.saturating_add(connect.deadline),
            resolution: Resolution::Done,
            untried: Vec::new(),
            last_tried: None,
            attempts: Vec::new(),
            failed: Vec::new(),
            next_attempt: context.now,
            is_starved: false,
        };
        let prepared = connecting.prepare(context);
        let slot = slot_of(self.connects.insert(connecting));
        match prepared {
            Ok(()) => self.step(slot, context),
            Err(Refused::Failure(failure)) => self.fail(slot, failure, context),
            Err(Refused::LineFull) => {
                self.connects.remove(self.connects.key_at(slot));
                return None;
            }
        }
        Some(slot)
    }

    /// Ends a connect without a word: closes its sockets and stops its lookup.
    pub(crate) fn cancel<N: Network>(&mut self, slot: Slot, network: &mut N, resolver: &mut Resolver) {
        let connecting = self.remove(slot);
        connecting.stop(network, resolver);
    }

    fn remove(&mut self, slot: Slot) -> Connecting {
        self.alarms.remove(slot);
        let connecting = self.connects.remove(self.connects.key_at(slot)).expect("slots are used while alive");
        if self.connects.len() == 0 {
            // Nobody is left who waits for a descriptor.
            self.starved_until = None;
        }
        connecting
    }

    /// Takes in what the lookup of a connect told. [`step_told`](Connects::step_told) follows.
    pub(crate) fn told(&mut self, slot: Slot, outcome: LookupOutcome, now: Moment) {
        self.connects.at_mut(slot).told(outcome, now);
        self.told.push(self.connects.key_at(slot));
    }

    /// Has the connects that were told something go on.
    pub(crate) fn step_told<N: Network>(&mut self, context: &mut ConnectContext<'_, N>) {
        for key in std::mem::take(&mut self.told) {
            if self.connects.contains(key) {
                self.step(slot_of(key), context);
            }
        }
    }

    /// Takes in that the socket of an attempt is ready.
    pub(crate) fn ready<N: Network>(&mut self, slot: Slot, socket: SocketKey, context: &mut ConnectContext<'_, N>) {
        if self.look_at(slot, socket, context) == Standing::Failed {
            self.step(slot, context);
        }
    }

    /// Takes in how an attempt stands.
    fn look_at<N: Network>(&mut self, slot: Slot, socket: SocketKey, context: &mut ConnectContext<'_, N>) -> Standing {
        let connecting = self.connects.at_mut(slot);
        let Some(index) = connecting.attempts.iter().position(|attempt| attempt.socket == socket) else {
            return Standing::Waits;
        };
        match context.network.is_connected(socket) {
            Ok(false) => return Standing::Waits,
            Ok(true) => {
                let attempt = connecting.attempts.swap_remove(index);
                match context.network.detach(socket) {
                    Ok(stream) => {
                        let connecting = self.remove(slot);
                        self.results.push_back(connecting.won(stream, attempt.address, context));
                        return Standing::Won;
                    }
                    Err(error) => connecting.failed.push(FailedAttempt { address: attempt.address, error }),
                }
            }
            Err(error) => {
                let attempt = connecting.attempts.swap_remove(index);
                context.network.close(socket);
                connecting.failed.push(FailedAttempt { address: attempt.address, error });
                // Its descriptor is free again.
                self.starved_until = None;
            }
        }
        // One that failed is followed at once.
        connecting.next_attempt = context.now;
        Standing::Failed
    }

    /// The time has become `now`: does what is due.
    pub(crate) fn advance<N: Network>(&mut self, context: &mut ConnectContext<'_, N>) {
        while let Some((_, slot)) = self.alarms.first().filter(|&(deadline, _)| deadline <= context.now) {
            self.alarms.remove(slot);
            // First what has come by now: others may have had this turn's share of ready sockets.
            let sockets: Vec<_> = self.connects.at(slot).attempts.iter().map(|attempt| attempt.socket).collect();
            if !sockets.into_iter().any(|socket| self.look_at(slot, socket, context) == Standing::Won) {
                self.step(slot, context);
            }
        }
    }

    /// Begins the attempts that are due, or ends the connect, and sets the alarm.
    fn step<N: Network>(&mut self, slot: Slot, context: &mut ConnectContext<'_, N>) {
        if self.connects.at(slot).deadline <= context.now {
            return self.fail(slot, ConnectFailure::TimedOut, context);
        }
        let connecting = self.connects.at_mut(slot);
        connecting.begin_attempts(&mut self.starved_until, context);
        let is_over = connecting.attempts.is_empty() && connecting.untried.is_empty();
        let failure = match &connecting.resolution {
            Resolution::Done => Some(ConnectFailure::AllFailed),
            Resolution::Failed(error) if connecting.failed.is_empty() => Some(ConnectFailure::Lookup(error.clone())),
            Resolution::Failed(_) => Some(ConnectFailure::AllFailed),
            Resolution::Asking { .. } | Resolution::Partly { .. } => None,
        };
        match failure.filter(|_| is_over) {
            Some(failure) => self.fail(slot, failure, context),
            None => self.alarms.set(slot, self.connects.at(slot).alarm()),
        }
    }

    fn fail<N: Network>(&mut self, slot: Slot, failure: ConnectFailure, context: &mut ConnectContext<'_, N>) {
        let mut connecting = self.remove(slot);
        if failure == ConnectFailure::TimedOut {
            let unanswered = connecting.attempts.iter().map(|attempt| attempt.address);
            let timed_out = |address| FailedAttempt { address, error: io::ErrorKind::TimedOut.into() };
            connecting.failed.extend(unanswered.map(timed_out));
            let starved = connecting.untried.first().filter(|_| connecting.is_starved);
            let starved = starved.map(|&address| {
                let error = io::Error::new(io::ErrorKind::QuotaExceeded, "no descriptor was left for it");
                FailedAttempt { address, error }
            });
            connecting.failed.extend(starved);
        }
        let operation = slot_of(connecting.operation);
        let (target, attempts) = (std::mem::take(&mut connecting.target), std::mem::take(&mut connecting.failed));
        let elapsed = context.now.since(connecting.started);
        connecting.stop(context.network, context.resolver);
        let detail = ConnectErrorDetail { target, failure, attempts, elapsed };
        self.results.push_back(Outcome { operation, result: Err(ConnectError(Box::new(detail))) });
    }
}

/// Why a connect does not begin.
enum Refused {
    Failure(ConnectFailure),
    LineFull,
}

impl Connecting {
    /// Reads the target and starts the lookup of its host.
    fn prepare<N: Network>(&mut self, context: &mut ConnectContext<'_, N>) -> Result<(), Refused> {
        let target = target::parse(&self.target).ok_or(Refused::Failure(ConnectFailure::MalformedTarget))?;
        self.port = match target.service {
            ServiceText::Port(port) => port,
            ServiceText::Name(name) => match context.resolver.service(&ServiceQuery::by_name(name).protocol("tcp")) {
                LookupOutcome::Service(Ok(service)) => service.port,
                LookupOutcome::Service(Err(error)) => return Err(Refused::Failure(ConnectFailure::Lookup(error))),
                _ => unreachable!("a service query has a service's outcome"),
            },
        };
        let query = HostQuery::by_name(target.host).streamed();
        let started = context.resolver.start(slot_of(self.operation), query, context.now, context.network);
        let lookup = started.map_err(|_| Refused::LineFull)?;
        self.resolution = Resolution::Asking { lookup };
        Ok(())
    }

    fn told(&mut self, outcome: LookupOutcome, now: Moment) {
        match outcome {
            LookupOutcome::HostPart(part) => {
                let addresses = part.addresses.iter().map(|&address| SocketAddr::new(address, self.port));
                self.untried.extend(addresses);
                let (Resolution::Asking { lookup } | Resolution::Partly { lookup, .. }) = self.resolution else {
                    return;
                };
                let has_preferred = self.untried.iter().any(SocketAddr::is_ipv6);
                let not_before = if has_preferred { now } else { now.saturating_add(RESOLUTION_DELAY) };
                self.resolution = Resolution::Partly { lookup, not_before };
            }
            LookupOutcome::Host(Ok(host)) => {
                // In the order of RFC 6724, which the parts are not in.
                let is_tried = |address: &SocketAddr| {
                    self.attempts.iter().any(|attempt| attempt.address == *address)
                        || self.failed.iter().any(|attempt| attempt.address == *address)
                };
                self.untried = host.socket_addresses(self.port).filter(|address| !is_tried(address)).collect();
                self.resolution = Resolution::Done;
            }
            LookupOutcome::Host(Err(error)) => self.resolution = Resolution::Failed(error),
            LookupOutcome::Service(_) | LookupOutcome::Protocol(_) => {}
        }
    }

    fn begin_attempts<N: Network>(&mut self, starved_until: &mut Option<Moment>, context: &mut ConnectContext<'_, N>) {
        if let Resolution::Partly { not_before, .. } = self.resolution
            && not_before > context.now
        {
            return;
        }
        while self.next_attempt <= context.now {
            if let Some(until) = starved_until.filter(|&until| until > context.now) {
                self.is_starved = true;
                self.next_attempt = until;
                return;
            }
            let Some(address) = self.take_next() else { return };
            let owner = SocketOwner::Operation(self.operation);
            match context.network.open(owner, Transport::Stream, address) {
                Ok(socket) => {
                    self.is_starved = false;
                    self.last_tried = Some(address.ip());
                    self.attempts.push(Attempt { socket, address });
                    self.next_attempt = context.now.saturating_add(ATTEMPT_DELAY);
                }
                Err(OpenError::OutOfDescriptors) => {
                    log::warn!("out of descriptors, connects wait");
                    self.untried.insert(0, address);
                    *starved_until = Some(context.now.saturating_add(DESCRIPTOR_PATIENCE));
                }
                Err(OpenError::Unreachable(error)) => {
                    self.last_tried = Some(address.ip());
                    self.failed.push(FailedAttempt { address, error });
                }
            }
        }
    }

    /// The address to be tried next: of the other family than the last one, if there is one.
    fn take_next(&mut self) -> Option<SocketAddr> {
        if self.attempts.len() + self.failed.len() >= ATTEMPTS_MAX {
            self.untried.clear();
        }
        let other = self.untried.iter().position(|address| is_other_family(address.ip(), self.last_tried));
        (!self.untried.is_empty()).then(|| self.untried.remove(other.unwrap_or(0)))
    }

    /// When it must be looked at though nothing happens.
    fn alarm(&self) -> Moment {
        let next = match (self.untried.is_empty(), &self.resolution) {
            (true, _) => self.deadline,
            (false, Resolution::Partly { not_before, .. }) => self.next_attempt.max(*not_before),
            (false, _) => self.next_attempt,
        };
        next.min(self.deadline)
    }

    fn won<N: Network>(mut self, stream: TcpStream, peer: SocketAddr, context: &mut ConnectContext<'_, N>) -> Outcome {
        let (operation, elapsed) = (slot_of(self.operation), context.now.since(self.started));
        let failed = std::mem::take(&mut self.failed);
        self.stop(context.network, context.resolver);
        Outcome { operation, result: Ok(Box::new(Connection { stream, peer, failed, elapsed })) }
    }

    fn stop<N: Network>(self, network: &mut N, resolver: &mut Resolver) {
        for attempt in self.attempts {
            network.close(attempt.socket);
        }
        if let Resolution::Asking { lookup } | Resolution::Partly { lookup, .. } = self.resolution {
            resolver.cancel(lookup, network);
        }
    }
}
