//! The mechanisms of the stub resolver, one to a file; the machine that drives them is above.
//!
//! Floor 1. Pure.

pub(crate) mod config;
pub(crate) mod framing;
pub(crate) mod host_text;
pub(crate) mod message;
pub(crate) mod order;
pub(crate) mod search;
pub(crate) mod transaction;
