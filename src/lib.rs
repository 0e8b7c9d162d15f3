//! A single-threaded event loop shaped like the Win32 message pump.

mod id;
mod lookup;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the lookup machine that asks these tables comes next")
)]
mod names;

pub use id::{GroupId, OperationId, Owner, WindowId};
pub use lookup::{
    Family, Host, HostQuery, LookupError, LookupFailure, Protocol, ProtocolQuery, Service, ServiceQuery, Source,
};
pub use names::FileReport;
