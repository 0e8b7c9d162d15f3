//! The answers that need no name server.
//!
//! Part of the lookup machine. A text that is an address or a number is its own answer; then the
//! machine's files are asked, then the names with a meaning of their own. What is left is for the
//! name servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::LookupOutcome;
use super::job::JobQuestion;
use super::order::scope_id;
use crate::dns::config::ResolverConfig;
use crate::dns::host_text::{HostText, SpecialName, to_ascii};
use crate::dns::search::is_within_search_domain;
use crate::lookup::{
    Family, Host, LookupError, LookupFailure, Protocol, ProtocolKey, ProtocolQuery, Service, ServiceKey, ServiceQuery,
    Source,
};
use crate::message::HostPart;
use crate::names::{HostsAnswer, HostsTable, ProtocolEntry, ProtocolsTable, ServiceEntry, ServicesTable};
use crate::scoped_address::Zone;

/// What can be said of a host without asking a name server.
pub(super) enum Local {
    Found(Host),
    Failed(LookupFailure, Option<&'static str>),
    /// Only a name server can tell, when asked this.
    Ask(JobQuestion),
}

/// A services or protocols table, and whether it is the machine's own.
pub(super) struct Table<T> {
    pub(super) table: T,
    pub(super) source: Source,
}

pub(super) fn host_by_name(
    text: &str,
    family: Family,
    hosts: &HostsTable,
    config: &ResolverConfig,
    zone: Zone<'_>,
) -> Local {
    let ascii = match to_ascii(text) {
        Err(explanation) => return Local::Failed(LookupFailure::MalformedName, Some(explanation)),
        Ok(ascii) => ascii,
    };
    let (written, text) = (text, ascii.as_ref());
    let ask = || Local::Ask(JobQuestion::Host { name: text.to_ascii_lowercase(), family });
    let special = match HostText::parse(text, zone) {
        Err(explanation) => return Local::Failed(LookupFailure::MalformedName, Some(explanation)),
        Ok(HostText::Address(address)) => return literal(address, family),
        Ok(HostText::Name { .. }) => None,
        Ok(HostText::Special(special)) => Some(special),
    };
    // Where it has none of the wanted family, a name server may know one.
    let in_file = |name: &str| hosts.by_name_in(name, family).map(from_hosts);
    // A hosts file may have a name as people write it.
    let in_other_form = || (written != text).then(|| in_file(written)).flatten();
    if let Some(host) = in_file(text).or_else(in_other_form) {
        return Local::Found(host);
    }
    match special {
        None => ask(),
        Some(SpecialName::Localhost) => Local::Found(localhost(text, family)),
        // Who searches in a domain below `local` has name servers that know it.
        Some(SpecialName::Local) if is_within_search_domain(text, config) => ask(),
        Some(special) => Local::Failed(LookupFailure::NotFound, special.reason()),
    }
}

pub(super) fn host_by_address(address: IpAddr, hosts: &HostsTable) -> Local {
    if let Some(answer) = hosts.by_address(address) {
        let (canonical_name, aliases) = (answer.canonical_name.to_owned(), owned(&answer.aliases));
        return Local::Found(Host { aliases, ..host(canonical_name, vec![SocketAddr::new(address, 0)], Source::File) });
    }
    match SpecialName::of_address(address) {
        Some(_) => Local::Found(host("localhost".to_owned(), vec![SocketAddr::new(address, 0)], Source::SpecialName)),
        None => Local::Ask(JobQuestion::Address(address)),
    }
}

pub(super) fn service(
    query: &ServiceQuery,
    services: &Table<ServicesTable>,
    protocols: &Table<ProtocolsTable>,
) -> LookupOutcome {
    let protocol = query.protocol.as_deref();
    let found = match &query.key {
        ServiceKey::Name(name) => services.table.by_name(name, protocol),
        ServiceKey::Port(port) => services.table.by_port(*port, protocol),
    };
    let result = match (found, &query.key) {
        (Some(entry), _) => Ok(service_of(entry, services.source)),
        (None, _) if protocol.is_some_and(|protocol| protocols.table.by_name(protocol).is_none()) => {
            Err((LookupFailure::NotFound, Some("no such protocol is known")))
        }
        (None, ServiceKey::Port(_)) => Err((LookupFailure::NotFound, None)),
        (None, ServiceKey::Name(name)) => numbered_service(name, protocol),
    };
    LookupOutcome::Service(
        result
            .map(Box::new)
            .map_err(|(failure, explanation)| LookupError::local(query.to_string(), failure, explanation)),
    )
}

pub(super) fn protocol(query: &ProtocolQuery, protocols: &Table<ProtocolsTable>) -> LookupOutcome {
    let found = match &query.key {
        ProtocolKey::Number(number) => Ok(protocols.table.by_number(*number)),
        ProtocolKey::Name(name) => match protocols.table.by_name(name) {
            None if is_number(name) => match name.parse() {
                Ok(number) => Ok(protocols.table.by_number(number)),
                Err(_) => Err((LookupFailure::MalformedName, Some("a protocol number is at most 255"))),
            },
            None if name.is_empty() => Err((LookupFailure::MalformedName, Some("it is empty"))),
            found => Ok(found),
        },
    };
    let result = found.and_then(|entry| entry.ok_or((LookupFailure::NotFound, None)));
    LookupOutcome::Protocol(match result {
        Ok(entry) => Ok(Box::new(protocol_of(entry, protocols.source))),
        Err((failure, explanation)) => Err(LookupError::local(query.to_string(), failure, explanation)),
    })
}

/// A host whose addresses carry their scopes.
pub(super) fn host(canonical_name: String, addresses: Vec<SocketAddr>, source: Source) -> Host {
    let scope_ids = match addresses.iter().any(|&address| scope_id(address) != 0) {
        true => addresses.iter().copied().map(scope_id).collect(),
        false => Vec::new(),
    };
    let addresses = addresses.iter().map(SocketAddr::ip).collect();
    Host { canonical_name, aliases: Vec::new(), addresses, ttl: None, source, incomplete: false, scope_ids }
}

/// The families of an answer, for who wants each.
pub(super) fn parts(host: &Host) -> impl Iterator<Item = HostPart> {
    let of = |family: Family| HostPart {
        family,
        canonical_name: host.canonical_name.clone(),
        addresses: host.addresses.iter().copied().filter(|&address| family.includes(address)).collect(),
        ttl: host.ttl,
        source: host.source,
    };
    [of(Family::V6), of(Family::V4)].into_iter().filter(|part| !part.addresses.is_empty())
}

fn literal(address: SocketAddr, family: Family) -> Local {
    match family.form_of(address) {
        Some(address) => Local::Found(host(address.ip().to_string(), vec![address], Source::Literal)),
        None => Local::Failed(LookupFailure::NoData, Some("it is an address of the other family")),
    }
}

fn from_hosts(answer: HostsAnswer<'_>) -> Host {
    let HostsAnswer { canonical_name, aliases, addresses } = answer;
    Host { aliases: owned(&aliases), ..host(canonical_name.to_owned(), addresses, Source::File) }
}

/// The loopback addresses (RFC 6761 section 6.3).
fn localhost(text: &str, family: Family) -> Host {
    let loopback = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let wanted = loopback.into_iter().filter(|&address| family.includes(address));
    let name = text.strip_suffix('.').unwrap_or(text).to_owned();
    host(name, wanted.map(|address| SocketAddr::new(address, 0)).collect(), Source::SpecialName)
}

/// A service that is named by its port number.
fn numbered_service(text: &str, protocol: Option<&str>) -> Result<Service, (LookupFailure, Option<&'static str>)> {
    if text.is_empty() {
        return Err((LookupFailure::MalformedName, Some("it is empty")));
    }
    if !is_number(text) {
        return Err((LookupFailure::NotFound, None));
    }
    let too_large = (LookupFailure::MalformedName, Some("a port is at most 65535"));
    let port = text.parse().map_err(|_| too_large)?;
    let protocol = protocol.unwrap_or_default().to_owned();
    Ok(Service { name: text.to_owned(), aliases: Vec::new(), port, protocol, source: Source::Literal })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn service_of(entry: &ServiceEntry, source: Source) -> Service {
    Service {
        name: entry.name.clone(),
        aliases: entry.aliases.clone(),
        port: entry.port,
        protocol: entry.protocol.clone(),
        source,
    }
}

fn protocol_of(entry: &ProtocolEntry, source: Source) -> Protocol {
    Protocol { name: entry.name.clone(), aliases: entry.aliases.clone(), number: entry.number, source }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
