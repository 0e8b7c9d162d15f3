//! Management objects and their query language, as `IWbemServices` and WQL have them.
//!
//! Floor 5. Pure: what objects are, what they are called and how they are asked for. Nothing here waits,
//! reads a file or a clock, or knows the pump.
//!
//! - [`Class`], [`Instance`], [`Value`]: an object is a shared class and one value for each property.
//! - [`ObjectPath`] and [`NamespacePath`] name objects, [`DateTime`] is their time.
//! - [`wql`] asks for them.
//! - [`WbemStatus`] is the number that every call ends with, [`WbemError`] what is told beside it.

mod cim_type;
mod class;
mod convert;
mod datetime;
mod error;
#[cfg(test)]
mod fixtures;
mod fold;
mod instance;
#[cfg(all(target_os = "linux", feature = "linux"))]
pub mod linux;
mod mof;
mod path;
#[cfg(test)]
mod random;
mod system;
mod value;
pub mod wql;

pub use cim_type::{CimType, PropertyType};
pub use class::{
    CLASS_DEPTH_MAX, Class, ClassBuilder, ClassError, ClassErrorKind, Method, PROPERTIES_MAX, Property, Qualifier,
};
pub use convert::{ValueError, ValueErrorKind};
pub use datetime::{DAYS_MAX, DateTime, DateTimeError, DateTimeErrorKind, Interval, Timestamp};
pub use error::{ErrorInfo, UnknownStatus, WbemError, WbemStatus};
pub use instance::{Instance, PutError};
pub use path::{KeyValue, NamespacePath, ObjectPath, PATH_BYTES_MAX, PathError, PathErrorKind, PathKeys};
pub use system::SystemProperty;
pub use value::Value;
