//! The guide: chapters that tell how to go about something, where the other pages tell what a thing does.
//!
//! Floor 5. Words for readers, with examples that are compiled.

#[doc = include_str!("procedures.md")]
pub mod procedures {}

#[doc = include_str!("slow_handlers.md")]
pub mod slow_handlers {}

#[doc = include_str!("threads.md")]
pub mod threads {}

#[doc = include_str!("timers.md")]
pub mod timers {}

#[doc = include_str!("streams.md")]
pub mod streams {}

#[doc = include_str!("sockets.md")]
pub mod sockets {}

#[doc = include_str!("foreign_loops.md")]
pub mod foreign_loops {}

#[doc = include_str!("hosts.md")]
pub mod hosts {}

#[doc = include_str!("testing.md")]
pub mod testing {}
