//! Management objects, their query language, and the calls that ask for them, as `IWbemServices` and WQL have them.
//!
//! Floor 5. It stands on the pump's public interface, as any third party does.
//!
//! - [`Server`] answers beside a pump, [`Services`] asks it, a [`Sink`] is told, an [`Enumerator`] is fetched from.
//! - [`ClassProvider`] is what answers for a class: implement it, or use a [`Store`]. On Linux, `linux` has
//!   the classes of the machine.
//! - [`Class`], [`Instance`], [`Value`]: an object is a shared class and one value for each property.
//! - [`ObjectPath`] and [`NamespacePath`] name objects, [`DateTime`] is their time.
//! - [`wql`] asks for them.
//! - [`WbemStatus`] is the number that every call ends with, [`WbemError`] what is told beside it.

#[doc = include_str!("guide.md")]
pub mod guide {}

mod association;
mod call_result;
mod callbacks;
mod calls;
mod cim_type;
mod class;
mod collector;
mod convert;
mod datetime;
mod enumerator;
mod error;
pub mod events;
mod feed;
#[cfg(test)]
mod fixtures;
mod flags;
mod fold;
mod foreign;
mod instance;
#[cfg(all(target_os = "linux", feature = "linux"))]
pub mod linux;
mod mof;
mod object;
mod path;
mod plan;
mod provider;
#[cfg(test)]
mod random;
mod repository;
mod scan;
#[cfg(feature = "serde")]
mod serialize;
mod server;
mod services;
mod sink;
mod store;
mod system;
mod value;
mod watch;
mod within;
mod work;
pub mod wql;

pub use call_result::CallResult;
pub use callbacks::{Callbacks, ObjectSink};
pub use cim_type::{CimType, PropertyType};
pub use class::{
    CLASS_DEPTH_MAX, Class, ClassBuilder, ClassError, ClassErrorKind, Method, PROPERTIES_MAX, Property, Qualifier,
};
pub use convert::{ValueError, ValueErrorKind};
pub use datetime::{DAYS_MAX, DateTime, DateTimeError, DateTimeErrorKind, Interval, Timestamp};
pub use enumerator::{Enumerator, Fetched, Outcome};
pub use error::{ErrorInfo, UnknownStatus, WbemError, WbemStatus};
pub use flags::Flags;
pub use instance::{Instance, PutError};
pub use object::Object;
pub use path::{KeyValue, NamespacePath, ObjectPath, PATH_BYTES_MAX, PathError, PathErrorKind, PathKeys};
pub use plan::{ExplainedProvider, Explanation};
pub use provider::{Action, ClassProvider, Invocation, List, Progress, PutMode, Reply, Rows, Wanted};
pub use scan::Counts;
pub use server::{Received, Server};
pub use services::Services;
pub use sink::{CallId, Sink, SinkEvent, SinkId, SinkMessage, SinkStatus};
pub use store::Store;
pub use system::SystemProperty;
pub use value::Value;
pub use watch::{EVENT_BYTES_MAX, EventChannel, POLL_MIN, Publisher, SNAPSHOT_MAX};
pub use within::{EMBEDDED_DEPTH_MAX, EMBEDDED_OBJECTS_MAX};
