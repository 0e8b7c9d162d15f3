//! The services file: names, their ports and protocols.
//!
//! Floor 1. Pure. That digits asked for as a name mean a port is decided above.

use super::built_in;
use super::index::{Index, NameKey};
use super::lines::{Fields, decimal, read_all};
use crate::file_report::FileReport;

/// One line of a services file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceEntry {
    /// The official name.
    pub(crate) name: String,
    /// The other names.
    pub(crate) aliases: Vec<String>,
    /// The port, never 0, in this machine's byte order.
    pub(crate) port: u16,
    /// The protocol it is spoken over.
    pub(crate) protocol: String,
}

/// A services file, indexed.
#[derive(Default)]
pub(crate) struct ServicesTable {
    entries: Vec<ServiceEntry>,
    entries_by_name: Index<NameKey>,
    entries_by_port: Index<u16>,
    report: FileReport,
}

impl ServicesTable {
    /// Reads `text`, the bytes of a services file.
    pub(crate) fn parse(text: &[u8]) -> ServicesTable {
        let mut table = ServicesTable::default();
        table.report = read_all(text, |fields| ServiceEntry::from_fields(fields).map(|entry| table.add(entry)));
        table
    }

    /// The registered services most programs ask for, for a machine without the file.
    pub(crate) fn built_in() -> ServicesTable {
        ServicesTable::parse(built_in::SERVICES.as_bytes())
    }

    /// The first entry that is called `name`, officially or by an alias, and is of `protocol`.
    ///
    /// Without a protocol, the first with that name.
    pub(crate) fn by_name(&self, name: &str, protocol: Option<&str>) -> Option<&ServiceEntry> {
        let mut candidates = self.entries_by_name.entries(NameKey::of(name)).map(|entry| &self.entries[entry]);
        candidates.find(|entry| entry.has_name(name) && entry.speaks(protocol))
    }

    /// The first entry at `port` that is of `protocol`; without a protocol, the first at that port.
    pub(crate) fn by_port(&self, port: u16, protocol: Option<&str>) -> Option<&ServiceEntry> {
        let mut candidates = self.entries_by_port.entries(port).map(|entry| &self.entries[entry]);
        candidates.find(|entry| entry.speaks(protocol))
    }

    /// What the file held.
    pub(crate) fn report(&self) -> &FileReport {
        &self.report
    }

    fn add(&mut self, entry: ServiceEntry) {
        let number = self.entries.len() as u32;
        self.entries_by_name.add(NameKey::of(&entry.name), number);
        for alias in &entry.aliases {
            self.entries_by_name.add(NameKey::of(alias), number);
        }
        self.entries_by_port.add(entry.port, number);
        self.entries.push(entry);
    }
}

impl ServiceEntry {
    fn from_fields(mut fields: Fields<'_>) -> Option<ServiceEntry> {
        let name = fields.next()?.to_owned();
        let (port, protocol) = fields.next()?.split_once('/')?;
        let port = decimal(port).filter(|&port| port != 0)?;
        let is_protocol = !protocol.is_empty() && !protocol.contains('/');
        let aliases = fields.map(str::to_owned).collect();
        is_protocol.then(|| ServiceEntry { name, aliases, port, protocol: protocol.to_owned() })
    }

    fn has_name(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }

    fn speaks(&self, protocol: Option<&str>) -> bool {
        protocol.is_none_or(|protocol| self.protocol.eq_ignore_ascii_case(protocol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entry as the file would have it.
    fn show(entry: Option<&ServiceEntry>) -> String {
        entry.map_or("-".to_owned(), |ServiceEntry { name, aliases, port, protocol }| {
            [format!("{name} {port}/{protocol}")]
                .iter()
                .chain(aliases)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        })
    }

    #[test]
    fn the_first_entry_that_matches_answers() {
        let text = b"\
one\t\t100/tcp\t uno eins\t# the first
ONE     101/udp
two     200/udp  one deux
two     200/tcp
uno     300/tcp
two     400/tcp  dos
";
        let table = ServicesTable::parse(text);
        assert_eq!(table.report(), &FileReport { entries: 6, ..FileReport::default() });
        let by_name = [
            ("one", None, "one 100/tcp uno eins"),
            ("One", Some("TCP"), "one 100/tcp uno eins"),
            ("one", Some("udp"), "ONE 101/udp"),
            ("uno", None, "one 100/tcp uno eins"),
            ("EINS", Some("tcp"), "one 100/tcp uno eins"),
            ("eins", Some("udp"), "-"),
            ("two", None, "two 200/udp one deux"),
            ("two", Some("tcp"), "two 200/tcp"),
            ("dos", None, "two 400/tcp dos"),
            ("one", Some(""), "-"),
            ("one", Some("sctp"), "-"),
            ("100", None, "-"),
            ("", None, "-"),
        ];
        for (name, protocol, expected) in by_name {
            assert_eq!(show(table.by_name(name, protocol)), expected, "{name:?} {protocol:?}");
        }
        let by_port = [
            (100, None, "one 100/tcp uno eins"),
            (200, None, "two 200/udp one deux"),
            (200, Some("Tcp"), "two 200/tcp"),
            (100, Some("udp"), "-"),
            (0, None, "-"),
        ];
        for (port, protocol, expected) in by_port {
            assert_eq!(show(table.by_port(port, protocol)), expected, "{port} {protocol:?}");
        }
    }

    #[test]
    fn bad_lines_are_skipped() {
        let bad = ["a", "a 1", "a /tcp", "a 1/", "a 0/tcp", "a 65536/tcp", "a -1/tcp", "a +1/tcp", "a 0x1/tcp"];
        for line in bad.iter().chain(&["a tcp/1", "a 1/tcp/udp", "a 1 /tcp", "1/tcp a", "a 1,tcp"]) {
            let table = ServicesTable::parse(format!("{line}\na 65535/tcp").as_bytes());
            assert_eq!(
                table.report(),
                &FileReport { entries: 1, lines_skipped: 1, first_skipped: Some(1) },
                "{line:?}"
            );
            assert_eq!(show(table.by_name("a", None)), "a 65535/tcp");
        }
    }

    #[test]
    fn well_known_services_are_built_in() {
        let table = ServicesTable::built_in();
        assert_eq!((table.report().lines_skipped, table.report().entries > 150), (0, true));
        let cases = [
            ("domain", Some("udp"), "domain 53/udp"),
            ("telnet", Some("tcp"), "telnet 23/tcp"),
            ("http", None, "http 80/tcp www www-http"),
            ("www", Some("tcp"), "http 80/tcp www www-http"),
            ("HTTPS", None, "https 443/tcp"),
            ("mail", None, "smtp 25/tcp mail"),
            ("ident", Some("tcp"), "auth 113/tcp authentication tap ident"),
            ("imap2", None, "imap 143/tcp imap2 imap4"),
            ("smtps", None, "submissions 465/tcp smtps ssmtp urd"),
            ("syslog", None, "syslog 514/udp"),
            ("rdp", Some("tcp"), "ms-wbt-server 3389/tcp rdp"),
            ("amqp", Some("sctp"), "amqp 5672/sctp"),
        ];
        for (name, protocol, expected) in cases {
            assert_eq!(show(table.by_name(name, protocol)), expected, "{name:?} {protocol:?}");
        }
        assert_eq!(show(table.by_port(80, None)), "http 80/tcp www www-http");
        assert_eq!(show(table.by_port(53, None)), "domain 53/tcp");
        assert_eq!(show(table.by_port(53_u16.swap_bytes(), None)), "-");
    }

    #[test]
    fn every_built_in_service_is_found_in_both_directions() {
        let table = ServicesTable::built_in();
        for entry in &table.entries {
            let protocol = Some(entry.protocol.as_str());
            assert_eq!(table.by_port(entry.port, protocol), Some(entry));
            for name in [&entry.name].into_iter().chain(&entry.aliases) {
                assert_eq!(table.by_name(name, protocol), Some(entry), "{name}");
            }
        }
        assert!(table.entries.is_sorted_by_key(|entry| entry.port));
    }
}
