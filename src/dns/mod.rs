//! The pieces of a DNS stub resolver: what is asked, what is read, and in which order it is tried.
//!
//! Floor 1. Pure. No piece knows another's state; the machines above join them.

pub(crate) mod framing;
pub(crate) mod message;
