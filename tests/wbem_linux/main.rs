//! The classes of a Linux machine: what they say of this one and of machines made of files.
#![cfg(all(target_os = "linux", feature = "linux"))]

mod support;
mod tables;
