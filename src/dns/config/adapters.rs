//! Takes name servers and search domains from what a machine's network adapters say.
//!
//! Floor 1. Pure: what they say comes in as an argument.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::file::usable_domains;
use super::{DNS_PORT, ResolverConfig, SERVERS_MAX};
use crate::adapter::{Adapter, MachineNames};

impl ResolverConfig {
    /// The servers of all adapters, those of the preferred one first, as many as are used.
    ///
    /// Search domains are the administrator's list; where there is none, the machine's own domain and
    /// then the suffixes of the adapters.
    pub(crate) fn from_adapters(names: &MachineNames) -> ResolverConfig {
        let mut by_metric: Vec<(u32, SocketAddr)> = names.adapters.iter().flat_map(servers_of).collect();
        by_metric.sort_by_key(|&(metric, _)| metric);
        let mut servers = Vec::new();
        for (_, server) in by_metric {
            if !servers.contains(&server) && servers.len() < SERVERS_MAX {
                servers.push(server);
            }
        }
        let search = match &names.search_list {
            Some(list) => usable_domains(list.split([',', ' ']).filter(|domain| !domain.is_empty())),
            None => usable_domains(names.domain.iter().chain(suffixes(&names.adapters))),
        };
        let default = ResolverConfig::default();
        ResolverConfig { servers: if servers.is_empty() { default.servers } else { servers }, search, ..default }
    }
}

/// The usable servers of an adapter, each with the metric for its family.
fn servers_of(adapter: &Adapter) -> impl Iterator<Item = (u32, SocketAddr)> {
    adapter.name_servers.iter().filter(|server| is_usable(server.ip())).map(|server| {
        let metric = if server.is_ipv4() { adapter.ipv4_metric } else { adapter.ipv6_metric };
        let mut server = *server;
        server.set_port(DNS_PORT);
        (metric, server)
    })
}

/// The suffixes of the adapters, those of the preferred one first.
fn suffixes(adapters: &[Adapter]) -> impl Iterator<Item = &String> {
    let mut adapters: Vec<&Adapter> = adapters.iter().collect();
    adapters.sort_by_key(|adapter| adapter.ipv4_metric.min(adapter.ipv6_metric));
    adapters.into_iter().flat_map(|adapter| &adapter.suffixes)
}

/// An adapter for which nobody named an IPv6 server has three of the site-local prefix, which was given up
/// (RFC 3879) and leads nowhere.
fn is_usable(server: IpAddr) -> bool {
    let is_site_local = |v6: Ipv6Addr| v6.segments()[0] & 0xffc0 == 0xfec0;
    !server.is_unspecified() && !server.is_multicast() && !matches!(server, IpAddr::V6(v6) if is_site_local(v6))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(metric: u32, servers: &[&str], suffixes: &[&str]) -> Adapter {
        Adapter {
            name_servers: servers.iter().map(|server| server.parse().expect("it is an address")).collect(),
            suffixes: suffixes.iter().map(|&suffix| suffix.to_owned()).collect(),
            ipv4_metric: metric,
            ipv6_metric: metric + 1,
        }
    }

    fn names(adapters: impl IntoIterator<Item = Adapter>) -> MachineNames {
        MachineNames { adapters: adapters.into_iter().collect(), ..MachineNames::default() }
    }

    fn servers(names: &MachineNames) -> Vec<String> {
        ResolverConfig::from_adapters(names).servers().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_servers_of_the_preferred_adapter_come_first() {
        let wired = adapter(25, &["192.0.2.1:0", "[2001:db8::1]:0", "192.0.2.2:0"], &[]);
        let tunnel = adapter(5, &["198.51.100.1:0", "192.0.2.1:0"], &[]);
        let expected = ["198.51.100.1:53", "192.0.2.1:53", "192.0.2.2:53", "[2001:db8::1]:53"];
        assert_eq!(servers(&names([wired.clone(), tunnel.clone()])), expected);
        assert_eq!(servers(&names([tunnel, wired])), expected);
    }

    #[test]
    fn servers_that_lead_nowhere_are_left_out_and_a_zone_is_kept() {
        let placeholders = ["[fec0:0:0:ffff::1%1]:0", "[fec0:0:0:ffff::2%1]:0", "0.0.0.0:0", "[ff02::fb]:0"];
        let named = adapter(5, &["[fe80::1%12]:0", placeholders[0]], &[]);
        assert_eq!(servers(&names([adapter(1, &placeholders, &[]), named])), ["[fe80::1%12]:53"]);
        let default = ["127.0.0.1:53", "[::1]:53"];
        assert_eq!(servers(&names([adapter(1, &placeholders, &[])])), default, "as where nothing is told");
        assert_eq!(servers(&names([])), default);
    }

    #[test]
    fn more_servers_than_are_asked_are_left_out() {
        let many: Vec<String> = (1..=20).map(|last| format!("192.0.2.{last}:0")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let config = ResolverConfig::from_adapters(&names([adapter(1, &many, &[])]));
        assert_eq!((config.servers().len(), config.check()), (SERVERS_MAX, Ok(())));
    }

    #[test]
    fn an_administrators_suffixes_stand_for_all_others() {
        let machine = MachineNames {
            domain: Some("corp.example".to_owned()),
            ..names([adapter(25, &[], &["lan.example", "CORP.example."]), adapter(5, &[], &["vpn.example", "no good"])])
        };
        let search = |names: &MachineNames| ResolverConfig::from_adapters(names).search().join(" ");
        assert_eq!(search(&machine), "corp.example vpn.example lan.example");
        let list = |text: &str| MachineNames { search_list: Some(text.to_owned()), ..machine.clone() };
        assert_eq!(search(&list("a.example,b.example, c.example")), "a.example b.example c.example");
        assert_eq!(search(&list("a..example,,b.example")), "b.example");
        let long: Vec<String> = (0..50).map(|number| format!("s{number}.example")).collect();
        let config = ResolverConfig::from_adapters(&list(&long.join(",")));
        assert_eq!((config.search().len(), config.check()), (32, Ok(())));
    }
}
