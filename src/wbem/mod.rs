//! Management objects and their query language, as `IWbemServices` and WQL have them.
mod error;
mod fold;

pub use error::{ErrorInfo, UnknownStatus, WbemError, WbemStatus};
