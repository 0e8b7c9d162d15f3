//! Those who attack: how likely a forger is, what a hostile packet costs, what a hostile peer can hold, and what
//! the page about it names. What is not seen here is where the page says.
//!
//! Two tests that take long are run by their names, with `--ignored --nocapture`, in the release profile: they
//! print the figures of the page.

mod entropy;
mod flood;
mod memory;
mod names;
mod page;
mod work;
