//! What lookups tell their operations.
//!
//! Part of the lookup machine. Words only.

use crate::lookup::{Host, LookupError, Protocol, Service};
use crate::message::{HostPart, Payload};
use crate::slots::Slot;

/// What a lookup tells its operation.
#[derive(Debug)]
pub(crate) enum LookupOutcome {
    Host(Result<Box<Host>, LookupError>),
    HostPart(Box<HostPart>),
    Service(Result<Box<Service>, LookupError>),
    Protocol(Result<Box<Protocol>, LookupError>),
}

impl<T> From<LookupOutcome> for Payload<T> {
    fn from(outcome: LookupOutcome) -> Payload<T> {
        match outcome {
            LookupOutcome::Host(result) => Payload::Host(result),
            LookupOutcome::HostPart(part) => Payload::HostPart(part),
            LookupOutcome::Service(result) => Payload::Service(result),
            LookupOutcome::Protocol(result) => Payload::Protocol(result),
        }
    }
}

/// An outcome on its way to the operation that asked.
pub(crate) struct Delivery {
    pub(crate) operation: Slot,
    pub(crate) outcome: LookupOutcome,
}
