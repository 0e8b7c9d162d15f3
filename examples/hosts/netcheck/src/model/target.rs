//! What a line of the list names: a host or an address, with a port or without.

use std::net::{IpAddr, Ipv6Addr};

/// RFC 1035: the longest name, and the longest part of one between two dots.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

#[derive(Debug, PartialEq, Eq)]
pub enum Target<'a> {
    Host { name: &'a str, port: Option<&'a str> },
    Address { address: IpAddr, port: Option<&'a str> },
}

impl Target<'_> {
    /// Reads a line: `host`, `host:port`, `192.0.2.1`, `192.0.2.1:port`, `2001:db8::1`, `[2001:db8::1]:port`. A port is a
    /// number or the name of a service. What is no target is told in words for the list.
    pub fn parse(line: &str) -> Result<Target<'_>, String> {
        if line.contains("://") {
            return Err("a URL: write the host, or host:port".into());
        }
        if line.contains(char::is_control) {
            return Err("no text: it has control characters".into());
        }
        if line.contains(char::is_whitespace) {
            return Err("more than one word: each host needs a line of its own".into());
        }
        if let Some(bracketed) = line.strip_prefix('[') {
            let (inside, after) = bracketed.split_once(']').ok_or("the bracket is not closed")?;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(check_port(port)?),
                None if after.is_empty() => None,
                None => return Err("only a colon and a port may come after the bracket".into()),
            };
            return ipv6(inside, port).ok_or_else(|| "in brackets there must be an IPv6 address".into());
        }
        if let Ok(address) = line.parse() {
            return Ok(Target::Address { address, port: None });
        }
        if let Some(target) = ipv6(line, None) {
            return Ok(target);
        }
        let (name, port) = match line.split_once(':') {
            None => (line, None),
            Some((_, rest)) if rest.contains(':') => {
                return Err("no IPv6 address; with a port it is written [address]:port".into());
            }
            Some((name, port)) => (name, Some(check_port(port)?)),
        };
        if let Ok(address) = name.parse() {
            return Ok(Target::Address { address, port });
        }
        check_name(name)?;
        Ok(Target::Host { name, port })
    }
}

/// An IPv6 address. One with a zone, `fe80::1%eth0`, is left to the resolver, which knows the interfaces.
fn ipv6<'a>(text: &'a str, port: Option<&'a str>) -> Option<Target<'a>> {
    match text.split_once('%') {
        None => text.parse().ok().map(|address: Ipv6Addr| Target::Address { address: address.into(), port }),
        Some((address, zone)) if !zone.is_empty() => {
            address.parse::<Ipv6Addr>().ok().map(|_| Target::Host { name: text, port })
        }
        Some(_) => None,
    }
}

fn check_port(port: &str) -> Result<&str, String> {
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        return match port.parse::<u16>() {
            Ok(1..) => Ok(port),
            _ => Err(format!("port {port:?} is not within 1 to 65535")),
        };
    }
    let is_service = port.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
    if is_service { Ok(port) } else { Err(format!("{port:?} is neither a port nor a service")) }
}

/// Refuses what no name server can be asked for; the resolver has the last word on the rest.
fn check_name(name: &str) -> Result<(), String> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    if bare.is_empty() {
        return Err("there is no name".into());
    }
    if bare.len() > NAME_BYTES_MAX {
        return Err(format!("a name of {} bytes: at most {NAME_BYTES_MAX} are allowed", bare.len()));
    }
    match bare.split('.').find(|label| label.is_empty() || label.len() > LABEL_BYTES_MAX) {
        None => Ok(()),
        Some("") => Err("a part of the name is empty: two dots follow each other, or it begins with one".into()),
        Some(_) => Err(format!("a part of the name is longer than {LABEL_BYTES_MAX} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        let host = |name, port| Ok(Target::Host { name, port });
        let address = |text: &str, port| Ok(Target::Address { address: text.parse().unwrap(), port });
        assert_eq!(Target::parse("example.org"), host("example.org", None));
        assert_eq!(Target::parse("example.org.:443"), host("example.org.", Some("443")));
        assert_eq!(Target::parse("example.org:https"), host("example.org", Some("https")));
        assert_eq!(Target::parse("192.0.2.1"), address("192.0.2.1", None));
        assert_eq!(Target::parse("192.0.2.1:80"), address("192.0.2.1", Some("80")));
        assert_eq!(Target::parse("2001:db8::1"), address("2001:db8::1", None));
        assert_eq!(Target::parse("[2001:db8::1]:80"), address("2001:db8::1", Some("80")));
        assert_eq!(Target::parse("[::1]"), address("::1", None));
        assert_eq!(Target::parse("fe80::1%eth0"), host("fe80::1%eth0", None));
    }

    #[test]
    fn what_is_no_target_is_explained() {
        let long = "a".repeat(64);
        let longest = format!("{}.b", ["abcdefg"; 40].join("."));
        for (line, explanation) in [
            ("https://example.org/", "URL"),
            ("two words", "more than one word"),
            ("bell\u{7}", "control characters"),
            ("example.org:0", "not within 1 to 65535"),
            ("example.org:70000", "not within 1 to 65535"),
            ("example.org:", "not within 1 to 65535"),
            ("example.org:ht tp", "more than one word"),
            ("example.org:a/b", "neither a port nor a service"),
            ("2001:db8::1:80:x", "[address]:port"),
            ("[::1", "not closed"),
            ("[::1]80", "only a colon"),
            ("[example.org]:80", "an IPv6 address"),
            (":80", "no name"),
            ("a..b", "is empty"),
            (long.as_str(), "longer than 63"),
            (longest.as_str(), "at most 253"),
        ] {
            let problem = Target::parse(line).expect_err(line);
            assert!(problem.contains(explanation), "{line:?}: {problem}");
        }
    }
}
