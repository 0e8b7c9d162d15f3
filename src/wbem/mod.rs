//! Management objects and their query language, as `IWbemServices` and WQL have them.

mod datetime;
mod error;
mod fold;
#[cfg(test)]
mod random;

pub use datetime::{DAYS_MAX, DateTime, DateTimeError, DateTimeErrorKind, Interval, Timestamp};
pub use error::{ErrorInfo, UnknownStatus, WbemError, WbemStatus};
