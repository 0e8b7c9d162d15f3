//! The classes of a Linux machine: what they say of this one and of machines made of files.
#![cfg(all(target_os = "linux", feature = "linux"))]

mod chapter;
mod events;
mod files;
mod machines;
mod methods;
mod performance;
mod processes;
mod queries;
mod services;
mod support;
mod tables;
mod tools;
