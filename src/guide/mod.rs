//! The guide: chapters that tell how to go about something, where the other pages tell what a thing does.
//!
//! Floor 5. Words for readers, with examples that are compiled.

#[doc = include_str!("procedures.md")]
pub mod procedures {}

#[doc = include_str!("slow_handlers.md")]
pub mod slow_handlers {}

#[doc = include_str!("timers.md")]
pub mod timers {}

#[doc = include_str!("foreign_loops.md")]
pub mod foreign_loops {}
