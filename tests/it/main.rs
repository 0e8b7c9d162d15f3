//! The crate as its users and its maintainers see it.

#[cfg(unix)]
mod host;
mod tidy;
