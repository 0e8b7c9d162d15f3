//! The order of a host's addresses.
//!
//! Part of the lookup machine: asks the outside for the way to each address, and puts those best worth trying first.

use std::net::SocketAddr;

use crate::dns::order::{Destination, sort_destinations};
use crate::lookup::{Family, Host};
use crate::network::Network;

/// How many addresses of each family are put in order; more keep the order of the answer, behind these.
/// To find the way to one costs some system calls, and a hostile answer has room for thousands.
const SORTED_PER_FAMILY_MAX: usize = 64;

/// Puts the addresses of `host` in the order of RFC 6724. A single one costs nothing.
pub(super) fn put_in_order<N: Network>(host: &mut Host, network: &mut N) {
    if host.addresses.len() < 2 {
        return;
    }
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for family in [Family::V6, Family::V4] {
        let mut of_family = host.socket_addresses(0).filter(|address| family.includes(address.ip()));
        first.extend(of_family.by_ref().take(SORTED_PER_FAMILY_MAX));
        rest.extend(of_family);
    }
    let way = |address: SocketAddr| Destination { address, source: network.source_address(address) };
    let mut destinations: Vec<Destination> = first.into_iter().map(way).collect();
    sort_destinations(&mut destinations);
    let in_order = || destinations.iter().map(|destination| destination.address).chain(rest.iter().copied());
    if !host.scope_ids.is_empty() {
        host.scope_ids = in_order().map(scope_id).collect();
    }
    host.addresses = in_order().map(|address| address.ip()).collect();
}

/// The scope of an address; 0 where it has none.
pub(super) fn scope_id(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    }
}
