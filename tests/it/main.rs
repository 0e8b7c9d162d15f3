//! The crate as its users and its maintainers see it.

mod tidy;
