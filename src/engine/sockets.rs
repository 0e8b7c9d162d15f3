//! Watched sources, connects and listening sockets as operations.
//!
//! Part of the engine: it turns readiness into messages of the operations that wait for it.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::Engine;
use crate::connect::{Connect, Listen};
use crate::error::StartRefusal;
use crate::id::{OperationId, OperationKey, Owner};
use crate::message::Payload;
use crate::moment::Moment;
use crate::network::{Network, SocketKey, SocketOwner};
use crate::operation::Work;
use crate::operation::connect::{ConnectContext, Outcome};
use crate::operation::listener::Arrival;
use crate::operation::watch::WatchState;
use crate::queue::Chain;
use crate::slots::{Slot, slot_of};
use crate::watch::{Interest, Readiness};

impl<T> Engine<T> {
    /// Starts watching what `register` puts before the outside.
    pub(crate) fn start_watch(
        &mut self,
        owner: Owner,
        register: impl FnOnce(SocketOwner) -> io::Result<SocketKey>,
    ) -> Result<OperationId, StartRefusal> {
        let (window, group) = self.admit(owner)?;
        let key = self.operations.insert(window, group, Work::Finished { queued: Chain::EMPTY });
        let registered = catch_unwind(AssertUnwindSafe(|| register(SocketOwner::Operation(key))));
        let registered = registered.unwrap_or_else(|cause| {
            // A source's own code panicked: nothing was started.
            self.operations.remove(slot_of(key));
            resume_unwind(cause)
        });
        match registered {
            Err(error) => {
                self.operations.remove(slot_of(key));
                // What epoll says of a file.
                if cfg!(target_os = "linux") && error.kind() == io::ErrorKind::PermissionDenied {
                    return Err(StartRefusal::NoWait);
                }
                Err(StartRefusal::system("watching", &error))
            }
            Ok(socket) => {
                let watch = self.watches.start(socket);
                self.operations.at_mut(slot_of(key)).work = Work::Watch { watch, queued: Chain::EMPTY };
                self.reserve_retirement();
                Ok(OperationId::new(self.tag, key))
            }
        }
    }

    pub(crate) fn start_connect<N: Network>(
        &mut self,
        owner: Owner,
        connect: &Connect,
        now: Moment,
        network: &mut N,
    ) -> Result<OperationId, StartRefusal> {
        if connect.deadline.is_zero() {
            return Err(StartRefusal::ZeroDeadline);
        }
        let (window, group) = self.admit(owner)?;
        let key = self.operations.insert(window, group, Work::Finished { queued: Chain::EMPTY });
        let operation = OperationId::new(self.tag, key);
        log::debug!("{operation} connects to {:?}", connect.to_string());
        let mut context = ConnectContext { now, network, resolver: &mut self.resolver };
        let Some(connect) = self.connects.start(key, connect, &mut context) else {
            self.operations.remove(slot_of(key));
            return Err(StartRefusal::Full);
        };
        self.operations.at_mut(slot_of(key)).work = Work::Connect { connect };
        self.deliver(now, network);
        Ok(operation)
    }

    pub(crate) fn start_listen<N: Network>(
        &mut self,
        owner: Owner,
        listen: &Listen,
        network: &mut N,
    ) -> Result<OperationId, StartRefusal> {
        let (window, group) = self.admit(owner)?;
        let key = self.operations.insert(window, group, Work::Finished { queued: Chain::EMPTY });
        match network.listen(SocketOwner::Operation(key), listen.address) {
            Err(error) => {
                self.operations.remove(slot_of(key));
                Err(StartRefusal::system("listening", &error))
            }
            Ok(socket) => {
                let listener = self.listeners.start(slot_of(key), socket, listen.undelivered);
                self.operations.at_mut(slot_of(key)).work = Work::Listen { listener, queued: Chain::EMPTY };
                Ok(OperationId::new(self.tag, key))
            }
        }
    }

    /// The address that a living listening socket has.
    pub(crate) fn listening_address(&self, operation: OperationId, network: &impl Network) -> Option<SocketAddr> {
        match self.operations.at(self.live_slot(operation)?).work {
            Work::Listen { listener, .. } => self.listeners.address(listener, network).ok(),
            _ => None,
        }
    }

    /// The socket of a living watch.
    pub(crate) fn watched_socket(&self, operation: OperationId) -> Option<SocketKey> {
        self.live_watch(operation).map(|(_, watch)| self.watches.socket(watch))
    }

    /// Arms a living watch again.
    pub(crate) fn rearm<N: Network>(
        &mut self,
        operation: OperationId,
        interest: Interest,
        network: &mut N,
    ) -> Option<io::Result<()>> {
        let (_, watch) = self.live_watch(operation)?;
        let result = network.rearm(self.watches.socket(watch), interest);
        if result.is_ok() {
            self.watches.rearm(watch);
        }
        Some(result)
    }

    /// Ends a watch without a word, and gives its source back.
    pub(crate) fn release<N: Network>(&mut self, operation: OperationId, network: &mut N) -> Option<Box<dyn Any>> {
        let (slot, watch) = self.live_watch(operation)?;
        self.silence_operation(operation);
        let queued = self.operations.at_mut(slot).work.queued_mut();
        let messages = queued.map_or(0, |queued| self.queue.purge(queued));
        self.operations.remove(slot);
        self.metrics.purged_messages += messages as u64;
        let source = network.unwatch(self.watches.remove(watch));
        self.drop_purged();
        source
    }

    fn live_watch(&self, operation: OperationId) -> Option<(Slot, Slot)> {
        let slot = self.live_slot(operation)?;
        match self.operations.at(slot).work {
            Work::Watch { watch, .. } => Some((slot, watch)),
            _ => None,
        }
    }

    /// Takes in that a socket of an operation is ready. The gate: one that is over is silent.
    pub(crate) fn operation_ready<N: Network>(
        &mut self,
        key: OperationKey,
        socket: SocketKey,
        readiness: Readiness,
        now: Moment,
        network: &mut N,
    ) {
        let Some(slot) = self.operations.slot(key) else { return };
        match self.operations.at(slot).work {
            Work::Watch { watch, queued } => match self.watches.ready(watch) {
                WatchState::Armed => self.queue_of(slot, || Payload::Ready(readiness)),
                WatchState::Queued => self.merge(queued, readiness),
                // Once: what is ready and nobody reads must not wake the pump again and again.
                WatchState::Disarmed => network.disarm(socket),
            },
            Work::Connect { connect } => {
                let mut context = ConnectContext { now, network, resolver: &mut self.resolver };
                self.connects.ready(connect, socket, &mut context);
                self.finish_connects();
            }
            Work::Listen { listener, .. } => self.listeners.ready(listener),
            _ => {}
        }
    }

    /// Adds to what the queued message of a watch tells.
    fn merge(&mut self, queued: Chain, readiness: Readiness) {
        let position = self.queue.first_of(queued).expect("its message is queued");
        if let Payload::Ready(told) = &mut self.queue.message_at_mut(position).payload {
            *told = *told | readiness;
        }
    }

    /// The time has become `now`: connects and listening sockets do what is due.
    pub(super) fn advance_sockets<N: Network>(&mut self, now: Moment, network: &mut N) {
        let mut context = ConnectContext { now, network, resolver: &mut self.resolver };
        self.connects.advance(&mut context);
        self.finish_connects();
        self.listeners.advance(now, network, &mut self.arrivals);
        while let Some(Arrival { operation, accepted }) = self.arrivals.pop_front() {
            self.queue_of(operation, || Payload::Accepted(accepted));
        }
    }

    /// Has the connects go on whose lookups told something.
    pub(super) fn step_told_connects<N: Network>(&mut self, now: Moment, network: &mut N) {
        let mut context = ConnectContext { now, network, resolver: &mut self.resolver };
        self.connects.step_told(&mut context);
        self.finish_connects();
    }

    fn finish_connects(&mut self) {
        while let Some(Outcome { operation, result }) = self.connects.take_outcome() {
            self.finish(operation, Chain::EMPTY, || Payload::Connected(result));
        }
    }
}
