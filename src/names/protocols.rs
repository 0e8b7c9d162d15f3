//! The protocols file: names and their numbers in the IP header.
//!
//! Floor 1. Pure. No index: there are 256 numbers, and a walk over the table is short.

use super::built_in;
use super::lines::{Fields, decimal, read_all};
use crate::file_report::FileReport;

/// One line of a protocols file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolEntry {
    /// The official name.
    pub(crate) name: String,
    /// The other names, of which the first is often the official one in capitals.
    pub(crate) aliases: Vec<String>,
    /// The number in the IP header.
    pub(crate) number: u8,
}

/// A protocols file.
#[derive(Default)]
pub(crate) struct ProtocolsTable {
    entries: Vec<ProtocolEntry>,
    report: FileReport,
}

impl ProtocolsTable {
    /// Reads `text`, the bytes of a protocols file.
    pub(crate) fn parse(text: &[u8]) -> ProtocolsTable {
        let mut entries = Vec::new();
        let report = read_all(text, |fields| ProtocolEntry::from_fields(fields).map(|entry| entries.push(entry)));
        ProtocolsTable { entries, report }
    }

    /// The registered protocols, for a machine without the file.
    pub(crate) fn built_in() -> ProtocolsTable {
        ProtocolsTable::parse(built_in::PROTOCOLS.as_bytes())
    }

    /// The first entry that is called `name`, officially or by an alias.
    pub(crate) fn by_name(&self, name: &str) -> Option<&ProtocolEntry> {
        self.entries.iter().find(|entry| entry.has_name(name))
    }

    /// The first entry with `number`.
    pub(crate) fn by_number(&self, number: u8) -> Option<&ProtocolEntry> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    /// What the file held.
    pub(crate) fn report(&self) -> &FileReport {
        &self.report
    }
}

impl ProtocolEntry {
    fn from_fields(mut fields: Fields<'_>) -> Option<ProtocolEntry> {
        let name = fields.next()?.to_owned();
        let number = decimal(fields.next()?)?;
        Some(ProtocolEntry { name, aliases: fields.map(str::to_owned).collect(), number })
    }

    fn has_name(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, number: u8, aliases: &[&str]) -> ProtocolEntry {
        ProtocolEntry { name: name.into(), aliases: aliases.iter().map(|&alias| alias.into()).collect(), number }
    }

    #[test]
    fn the_first_entry_that_matches_answers() {
        let table = ProtocolsTable::parse(b"one 1 uno\nUNO 2\ntwo\t2\tdeux DOS # both\nten 10");
        let (one, uno, two) = (entry("one", 1, &["uno"]), entry("UNO", 2, &[]), entry("two", 2, &["deux", "DOS"]));
        assert_eq!(table.report(), &FileReport { entries: 4, ..FileReport::default() });
        for (name, expected) in [("One", Some(&one)), ("uno", Some(&one)), ("dos", Some(&two)), ("1", None), ("", None)]
        {
            assert_eq!(table.by_name(name), expected, "{name:?}");
        }
        for (number, expected) in [(1, Some(&one)), (2, Some(&uno)), (3, None)] {
            assert_eq!(table.by_number(number), expected, "{number}");
        }
    }

    #[test]
    fn bad_lines_are_skipped() {
        for line in ["a", "a b", "a 256", "a -1", "a +1", "a 0x1", "1 a", "a 1.0"] {
            let table = ProtocolsTable::parse(format!("{line}\na 255").as_bytes());
            assert_eq!(
                table.report(),
                &FileReport { entries: 1, lines_skipped: 1, first_skipped: Some(1) },
                "{line:?}"
            );
            assert_eq!(table.by_name("a"), Some(&entry("a", 255, &[])));
        }
    }

    #[test]
    fn registered_protocols_are_built_in() {
        let table = ProtocolsTable::built_in();
        assert_eq!((table.report().lines_skipped, table.report().entries > 50), (0, true));
        for name in ["tcp", "TCP", "Tcp"] {
            assert_eq!(table.by_name(name), Some(&entry("tcp", 6, &["TCP"])));
        }
        for (number, name) in [(0, "ip"), (1, "icmp"), (6, "tcp"), (17, "udp"), (41, "ipv6"), (58, "ipv6-icmp")] {
            assert_eq!(table.by_number(number).map(|entry| entry.name.as_str()), Some(name));
        }
        assert_eq!(table.by_number(200), None);
    }

    #[test]
    fn every_built_in_protocol_is_found_in_both_directions() {
        let table = ProtocolsTable::built_in();
        for entry in &table.entries {
            for name in [&entry.name].into_iter().chain(&entry.aliases) {
                assert_eq!(table.by_name(name), Some(entry), "{name}");
            }
            let first = table.by_number(entry.number);
            assert!(first == Some(entry) || entry.name == "hopopt", "{} shares its number", entry.name);
        }
        assert!(table.entries.is_sorted_by_key(|entry| entry.number));
    }
}
