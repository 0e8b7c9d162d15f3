//! What the network adapters of a machine say of names.
//!
//! Floor 0. Words only. Windows has no file that says which name servers are asked.

use std::net::SocketAddr;

/// A network adapter that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adapter {
    pub(crate) name_servers: Vec<SocketAddr>,
    pub(crate) suffixes: Vec<String>,
    /// What a route by it costs. The lowest is preferred.
    pub(crate) ipv4_metric: u32,
    pub(crate) ipv6_metric: u32,
}

/// Everything that a machine without a resolver file says of how names are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MachineNames {
    pub(crate) adapters: Vec<Adapter>,
    /// Suffixes that an administrator has put in place of all others, with commas between them.
    pub(crate) search_list: Option<String>,
    /// The domain that the machine belongs to.
    pub(crate) domain: Option<String>,
}
