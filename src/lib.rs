//! A single-threaded event loop shaped like the Win32 message pump.

mod dns;
mod engine;
mod error;
mod file_report;
mod files;
mod id;
mod lookup;
mod message;
mod metrics;
mod moment;
mod names;
mod network;
mod operation;
mod pump;
mod queue;
mod reactor;
mod rings;
mod scoped_address;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
mod slots;
mod system;
#[cfg(test)]
mod testing;
mod timer;
mod timers;
pub mod wbem;

pub use dns::config::{ResolverConfig, ResolverConfigError};
pub use error::{Error, PostError, PostRefusal, StartError, StartRefusal};
pub use file_report::FileReport;
pub use id::{GroupId, OperationId, Owner, WindowId};
pub use lookup::{
    Family, Host, HostQuery, LookupError, LookupFailure, Protocol, ProtocolQuery, Service, ServiceQuery, Source,
};
pub use message::{Cancelled, Filter, HostPart, Kind, Message, Payload, Swept, Tick};
pub use metrics::Metrics;
pub use pump::{Budget, FileStatus, Pump, Rest, Settings, Turn, Wait};
pub use reactor::Poster;
pub use timer::Timer;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
