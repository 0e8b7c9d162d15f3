//! Lookups as operations.
//!
//! Part of the engine: it gives the resolver's outcomes to the operations that asked.

use super::Engine;
use crate::error::StartRefusal;
use crate::id::{OperationId, Owner};
use crate::lookup::{HostQuery, ProtocolQuery, ServiceQuery};
use crate::message::{Message, Payload};
use crate::moment::Moment;
use crate::network::{JobKey, Network, SocketKey};
use crate::operation::Work;
use crate::operation::lookup::{Delivery, LookupOutcome};
use crate::queue::Chain;
use crate::slots::slot_of;

impl<T> Engine<T> {
    pub(crate) fn start_host_lookup<N: Network>(
        &mut self,
        owner: Owner,
        query: HostQuery,
        now: Moment,
        network: &mut N,
    ) -> Result<OperationId, StartRefusal> {
        let (window, group) = self.admit(owner)?;
        let operation = self.operations.insert(window, group, Work::Finished { queued: Chain::EMPTY });
        log::debug!("{} looks up {:?}", OperationId::new(self.tag, operation), query.to_string());
        let slot = slot_of(operation);
        match self.resolver.start(slot, query, now, network) {
            Err(refusal) => {
                self.operations.remove(slot);
                return Err(refusal.into());
            }
            Ok(lookup) => self.operations.at_mut(slot).work = Work::Lookup { lookup, queued: Chain::EMPTY },
        }
        self.deliver(now, network);
        Ok(OperationId::new(self.tag, operation))
    }

    pub(crate) fn start_service_lookup(
        &mut self,
        owner: Owner,
        query: &ServiceQuery,
    ) -> Result<OperationId, StartRefusal> {
        self.start_finished(owner, |engine| engine.resolver.service(query))
    }

    pub(crate) fn start_protocol_lookup(
        &mut self,
        owner: Owner,
        query: &ProtocolQuery,
    ) -> Result<OperationId, StartRefusal> {
        self.start_finished(owner, |engine| engine.resolver.protocol(query))
    }

    /// Starts an operation whose outcome is known at once. It is queued all the same.
    fn start_finished(
        &mut self,
        owner: Owner,
        outcome: impl FnOnce(&Engine<T>) -> LookupOutcome,
    ) -> Result<OperationId, StartRefusal> {
        let (window, group) = self.admit(owner)?;
        let payload = outcome(self).into();
        let key = self.operations.insert(window, group, Work::Finished { queued: Chain::EMPTY });
        let operation = OperationId::new(self.tag, key);
        let queued = self.operations.at_mut(slot_of(key)).work.queued_mut().expect("it is finished");
        self.queue.push(queued, || Message { window: owner.window, operation: Some(operation), payload });
        Ok(operation)
    }

    /// Takes in that a socket of the resolver is ready.
    pub(crate) fn job_ready<N: Network>(&mut self, job: JobKey, socket: SocketKey, now: Moment, network: &mut N) {
        self.resolver.ready(job, socket, now, network);
        self.deliver(now, network);
    }

    /// Queues the outcomes that the resolver has come to.
    pub(super) fn deliver<N: Network>(&mut self, now: Moment, network: &mut N) {
        while let Some(Delivery { operation: slot, outcome }) = self.resolver.take_delivery() {
            match self.operations.at(slot).work {
                Work::Connect { connect } => self.connects.told(connect, outcome, now),
                Work::Lookup { queued, .. } => {
                    let payload = Payload::from(outcome);
                    match payload.is_final() {
                        true => self.finish(slot, queued, || payload),
                        false => self.queue_of(slot, || payload),
                    }
                }
                _ => unreachable!("only lookups and connects ask the resolver"),
            }
        }
        self.step_told_connects(now, network);
    }
}
