//! A single-threaded event loop shaped like the Win32 message pump.

mod id;
mod lookup;

pub use id::{GroupId, OperationId, Owner, WindowId};
pub use lookup::{
    Family, Host, HostQuery, LookupError, LookupFailure, Protocol, ProtocolQuery, Service, ServiceQuery, Source,
};
