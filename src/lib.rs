//! A single-threaded event loop shaped like the Win32 message pump.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "no machine asks name servers yet"))]
mod dns;
mod id;
mod lookup;

pub use id::{GroupId, OperationId, Owner, WindowId};
pub use lookup::{
    Family, Host, HostQuery, LookupError, LookupFailure, Protocol, ProtocolQuery, Service, ServiceQuery, Source,
};
