//! The text that says whom to connect to.
//!
//! Part of the connect machine. Pure.

use std::net::{IpAddr, Ipv6Addr};

/// A host and a service, as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'t> {
    pub(super) host: &'t str,
    pub(super) service: ServiceText<'t>,
}

/// The part after the last colon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServiceText<'t> {
    Port(u16),
    Name(&'t str),
}

/// Reads `host:service`, `host:port`, `address:port`, `[address]:port`. Port 0 is none.
pub(super) fn parse(text: &str) -> Option<Target<'_>> {
    let (host, service) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            let plain = host.split_once('%').map_or(host, |(address, _)| address);
            plain.parse::<Ipv6Addr>().ok()?;
            (host, after.strip_prefix(':')?)
        }
        None => {
            let (host, service) = text.rsplit_once(':')?;
            // An IPv6 address without brackets: nobody can tell where it ends.
            if host.contains(':') {
                return None;
            }
            (host, service)
        }
    };
    if host.is_empty() || service.is_empty() {
        return None;
    }
    let is_number = service.bytes().all(|byte| byte.is_ascii_digit());
    let service = match is_number {
        true => ServiceText::Port(service.parse().ok().filter(|&port| port != 0)?),
        false => ServiceText::Name(service),
    };
    Some(Target { host, service })
}

/// Puts addresses in the order in which they are tried: families in turn, each in the order given
/// (RFC 8305, section 4).
pub(super) fn is_other_family(address: IpAddr, last: Option<IpAddr>) -> bool {
    last.is_some_and(|last| last.is_ipv4() != address.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_services_are_told_apart() {
        let port = |host, port| Some(Target { host, service: ServiceText::Port(port) });
        assert_eq!(parse("example.org:443"), port("example.org", 443));
        assert_eq!(parse("192.0.2.1:80"), port("192.0.2.1", 80));
        assert_eq!(parse("[2001:db8::1]:80"), port("2001:db8::1", 80));
        assert_eq!(parse("[fe80::1%eth0]:80"), port("fe80::1%eth0", 80));
        let https = Target { host: "example.org", service: ServiceText::Name("https") };
        assert_eq!(parse("example.org:https"), Some(https));
    }

    #[test]
    fn what_is_no_host_and_service_is_refused() {
        let bad = [
            "",
            ":",
            "example.org",
            "example.org:",
            ":80",
            "2001:db8::1:80",
            "[2001:db8::1]",
            "[2001:db8::1]80",
            "[example.org]:80",
            "example.org:0",
            "example.org:65536",
            "[::1:80",
            "::1",
        ];
        for text in bad {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
