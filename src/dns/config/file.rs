//! Reads the text of a resolv.conf(5) file, and what the environment changes about it.
//!
//! Floor 1. Pure: the text, the variables and the host's name come in as arguments.
//!
//! A line that cannot be read takes no other with it. Read and without effect: `edns0` (on by default
//! here), `inet6`, `trust-ad`, `no-tld-query`, `no-check-names`, `debug`, `sortlist`, and options that
//! nobody knows.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use resolv_conf::ParseError;

use super::{
    ATTEMPTS_MAX, DNS_PORT, NDOTS_MAX, ResolverConfig, SEARCH_MAX, TIMEOUT_MAX, bare_domain, by_own_family,
    check_domain,
};
use crate::file_report::FileReport;
use crate::scoped_address::{Zone, parse_address};

/// Name servers taken from a file: `MAXNS` of resolv.conf(5).
pub(super) const FILE_SERVERS_MAX: usize = 3;

impl ResolverConfig {
    /// Reads `text` as resolv.conf(5) says.
    ///
    /// Values beyond a limit are taken as the limit, as resolv.conf(5) has it: what comes out always
    /// passes [`check`](Self::check). `host_name` gives the search domain where nothing else does.
    pub(crate) fn from_text(
        text: &[u8],
        environment: &Environment,
        host_name: Option<&str>,
        zone: Zone<'_>,
    ) -> (ResolverConfig, FileReport) {
        let text = String::from_utf8_lossy(text);
        let (parsed, errors) = resolv_conf::Config::parse_with_errors(environment.amend(&text).as_bytes());
        let mut skipped: BTreeSet<usize> = errors.iter().filter_map(lost_line).collect();
        let servers = read_servers(&text, zone, &mut skipped);
        let report = report_of(&text, &skipped);

        let mut search = usable_domains(parsed.get_last_search_or_domain());
        if search.is_empty() && environment.localdomain.is_none() {
            let domain = host_name.and_then(|name| name.split_once('.')).map(|(_, domain)| domain);
            search = usable_domains(domain.filter(|domain| !domain.is_empty()));
        }

        let default = ResolverConfig::default();
        let config = ResolverConfig {
            servers: if servers.is_empty() { default.servers } else { servers },
            search,
            ndots: parsed.ndots.min(NDOTS_MAX),
            timeout: Duration::from_secs(parsed.timeout.into()).clamp(Duration::from_secs(1), TIMEOUT_MAX),
            attempts: parsed.attempts.clamp(1, ATTEMPTS_MAX),
            rotate: parsed.rotate,
            use_tcp: parsed.use_vc,
            no_aaaa: parsed.no_aaaa,
            // The second option differs in that the other question gets a socket of its own, and
            // here every question has one.
            single_request: parsed.single_request || parsed.single_request_reopen,
            no_reload: parsed.no_reload,
            ..default
        };
        (config, report)
    }
}

/// The environment variables that resolv.conf(5) knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `LOCALDOMAIN`: search domains in place of those of the file.
    pub(crate) localdomain: Option<String>,
    /// `RES_OPTIONS`: options on top of those of the file.
    pub(crate) res_options: Option<String>,
}

impl Environment {
    /// The file as it would be if it said what the variables say: the last `search` line replaces
    /// those before it, and `options` add up.
    fn amend(&self, text: &str) -> String {
        let mut amended = text.to_owned();
        for (keyword, value) in [("search", &self.localdomain), ("options", &self.res_options)] {
            if let Some(value) = value {
                // What follows a line break would be a line of the file.
                let value = value.lines().next().unwrap_or_default();
                amended.extend(["\n", keyword, " ", value]);
            }
        }
        amended
    }
}

/// Counts the lines of `text`, of which those at the indices in `skipped` could not be read.
fn report_of(text: &str, skipped: &BTreeSet<usize>) -> FileReport {
    let mut report = FileReport::default();
    for (index, line) in text.split('\n').enumerate() {
        if skipped.contains(&index) {
            report.lines_skipped += 1;
            report.first_skipped.get_or_insert(index + 1);
        } else if words(line).next().is_some() {
            report.entries += 1;
        }
    }
    report
}

/// The words of a line up to a comment.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(['#', ';']).next().unwrap_or_default().split_whitespace()
}

/// Reads the `nameserver` lines, and adds the indices of those that name no usable one to `skipped`.
///
/// Read here and not by `resolv-conf`, which refuses interface names like `br-lan` and `eth0.7`.
fn read_servers(text: &str, zone: Zone<'_>, skipped: &mut BTreeSet<usize>) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let mut words = words(line);
        if words.next() != Some("nameserver") {
            continue;
        }
        match words.next().map(|word| parse_address(word, zone)) {
            Some(Ok(mut server)) => {
                server.set_port(DNS_PORT);
                servers.push(by_own_family(server));
            }
            Some(Err(_)) | None => _ = skipped.insert(index),
        }
    }
    servers.truncate(FILE_SERVERS_MAX);
    servers
}

/// The index of the line that was lost to this error, if one was.
fn lost_line(error: &ParseError) -> Option<usize> {
    use ParseError::*;
    match *error {
        InvalidUtf8(index, _) | InvalidValue(index) | InvalidOptionValue(index) | InvalidDirective(index) => {
            Some(index)
        }
        // Addresses of servers are not read by `resolv-conf`, and a `sortlist` has no effect anyway.
        InvalidIp(..) => None,
        // The man page allows for options of other versions; what follows a value is nobody's loss.
        InvalidOption(_) | ExtraData(_) => None,
    }
}

/// The well-formed ones of `domains`, each once, as many as are used.
pub(super) fn usable_domains(domains: impl IntoIterator<Item: AsRef<str>>) -> Vec<String> {
    let mut usable: Vec<String> = Vec::new();
    for domain in domains {
        let domain = bare_domain(domain.as_ref());
        let known = usable.iter().any(|other| other.eq_ignore_ascii_case(domain));
        if !known && check_domain(domain).is_ok() && usable.len() < SEARCH_MAX {
            usable.push(domain.to_owned());
        }
    }
    usable
}
