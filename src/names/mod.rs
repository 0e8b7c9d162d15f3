//! The hosts, services and protocols tables of a machine, both directions.
//!
//! Floor 1. Pure: text goes in, tables come out. No file is opened here and no interface is asked
//! for its number; whether a table or a name server answers is decided above.
//!
//! | table       | line of the file              | found by                               |
//! |-------------|-------------------------------|----------------------------------------|
//! | hosts       | `address name alias...`       | any of its names; its address          |
//! | services    | `name port/protocol alias...` | any of its names, its port; a protocol |
//! | protocols   | `name number alias...`        | any of its names; its number           |
//!
//! Names are compared without regard to ASCII case, in all three and for aliases too. For services
//! and protocols that is the habit of Windows; services(5) on Unix is case-sensitive, so here a
//! question finds at least what it finds there.

mod built_in;
mod hosts;
mod index;
mod lines;
mod protocols;
mod services;

pub(crate) use hosts::{HostsAnswer, HostsBuilder, HostsTable};
pub(crate) use protocols::{ProtocolEntry, ProtocolsTable};
pub(crate) use services::{ServiceEntry, ServicesTable};

#[cfg(test)]
mod tests;
