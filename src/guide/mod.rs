//! The guide: chapters that tell how to go about something, where the other pages tell what a thing does.
//!
//! | you | read |
//! |---|---|
//! | know tokio | [when to use which, and both](tokio) |
//! | know Win32 | [call by call](win32) |
//! | have a loop already: winit, egui, GTK, X11, a terminal, Win32, a game | [window systems](hosts), [foreign loops](foreign_loops) |
//! | wonder what the fuss about cancel is | [what you may stop worrying about](cancel) |
//! | write the program | [messages or procedures](procedures), [timers], [sockets], [threads], [streams] |
//! | have written it | [nothing comes](nothing_comes), [slow handlers](slow_handlers), [tests](testing) |
//!
//! A snippet that ends in `?` stands for the inside of a `main` that returns `Result<(), Box<dyn std::error::Error>>`.
//!
//! Floor 5. Words for readers, with examples that are compiled.

#[doc = include_str!("cancel.md")]
pub mod cancel {}

#[doc = include_str!("tokio.md")]
pub mod tokio {}

#[doc = include_str!("win32.md")]
pub mod win32 {}

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

#[doc = include_str!("nothing_comes.md")]
pub mod nothing_comes {}

#[doc = include_str!("testing.md")]
pub mod testing {}
