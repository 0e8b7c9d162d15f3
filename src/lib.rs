//! A single-threaded event loop shaped like the Win32 message pump.

#[cfg_attr(not(test), expect(dead_code, reason = "the lookup machine is above this floor"))]
mod dns;
mod id;
mod lookup;

pub use dns::config::{ResolverConfig, ResolverConfigError};
pub use id::{GroupId, OperationId, Owner, WindowId};
pub use lookup::{
    Family, Host, HostQuery, LookupError, LookupFailure, Protocol, ProtocolQuery, Service, ServiceQuery, Source,
};
