//! The hosts file: addresses and the names of each.
//!
//! Floor 1. Pure: interface names become numbers through a function that the caller passes in.
//!
//! Block lists make this file long: 100,000 lines and more. So it is read in slices, the names of
//! all lines are kept in one string, and a lookup that finds nothing allocates nothing.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::index::{FixedState, Index, NameKey};
use super::lines::{Fields, LineReader};
use crate::file_report::FileReport;
use crate::lookup::Family;
use crate::scoped_address::{Zone, parse_address};

/// How many lines of one name make one answer: it bounds the work of a lookup, and no machine is
/// reached at this many addresses.
const LINES_PER_ANSWER_MAX: usize = 256;

/// How many names are looked at for one answer, the names that repeat among them.
const NAMES_PER_ANSWER_MAX: usize = 1024;

/// How long a line of a block list is. Room for that many is made at the start, so that no slice
/// is held up by a large index that grows.
const LINE_BYTES_TYPICAL: usize = 24;

/// What a hosts file says about a name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostsAnswer<'t> {
    /// The first name of the first line that matches.
    pub(crate) canonical_name: &'t str,
    /// The other names of the lines that match, each once.
    pub(crate) aliases: Vec<&'t str>,
    /// The addresses of the lines that match, in the order of the file, each once; port 0.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// A hosts file, indexed.
#[derive(Default)]
pub(crate) struct HostsTable {
    lines: Vec<HostsLine>,
    /// The names of every line, one space between two of a line.
    names: String,
    lines_by_name: Index<NameKey>,
    first_line_by_address: HashMap<IpAddr, u32, FixedState>,
    report: FileReport,
}

/// One usable line: its address, and where its names are.
struct HostsLine {
    address: SocketAddr,
    names: Range<u32>,
}

/// A hosts file that is being read.
pub(crate) struct HostsBuilder {
    text: Vec<u8>,
    reader: LineReader,
    table: HostsTable,
}

impl HostsBuilder {
    /// Begins to read `text`, the bytes of a hosts file.
    pub(crate) fn new(text: Vec<u8>) -> HostsBuilder {
        let lines = text.len() / LINE_BYTES_TYPICAL;
        let table = HostsTable {
            lines: Vec::with_capacity(lines),
            names: String::with_capacity(text.len()),
            lines_by_name: Index::with_capacity(lines),
            ..HostsTable::default()
        };
        HostsBuilder { text, reader: LineReader::default(), table }
    }

    /// Reads up to `lines_max` lines and returns whether all are read.
    ///
    /// `zone_index` gives the number of the network interface with this name, as in `fe80::1%eth0`.
    pub(crate) fn advance(&mut self, lines_max: usize, zone_index: Zone<'_>) -> bool {
        let HostsBuilder { text, reader, table } = self;
        for _ in 0..lines_max {
            if !reader.read_line(text, |fields| table.add(fields, zone_index)) {
                break;
            }
        }
        reader.is_at_end(text)
    }

    /// The table of the lines read so far.
    pub(crate) fn finish(self) -> HostsTable {
        HostsTable { report: self.reader.into_report(), ..self.table }
    }
}

impl HostsTable {
    /// Reads all of `text` at once.
    #[cfg(test)]
    pub(crate) fn parse(text: &[u8], zone_index: Zone<'_>) -> HostsTable {
        let mut builder = HostsBuilder::new(text.to_vec());
        builder.advance(usize::MAX, zone_index);
        builder.finish()
    }

    /// The answer of all lines that have `name`, whatever its letter case, a dot at its end or not, and an
    /// address of `family`.
    ///
    /// # Cost
    ///
    /// One probe of the index; a name that no line has allocates nothing.
    pub(crate) fn by_name_in(&self, name: &str, family: Family) -> Option<HostsAnswer<'_>> {
        let name = without_root(name);
        let lines = self.lines_by_name.entries(NameKey::of(name)).take(LINES_PER_ANSWER_MAX);
        let has_name = |line: &&HostsLine| self.names(line).any(|own| own.eq_ignore_ascii_case(name));
        let is_wanted = |line: &&HostsLine| family.form_of(line.address).is_some() && has_name(line);
        self.answer(lines.map(|line| &self.lines[line]).filter(is_wanted), family)
    }

    /// As [`by_name_in`](HostsTable::by_name_in), in either family.
    #[cfg(test)]
    pub(crate) fn by_name(&self, name: &str) -> Option<HostsAnswer<'_>> {
        self.by_name_in(name, Family::Any)
    }

    /// The answer of the first line that has `address`, in whichever zone and of an IPv4 address in whichever form.
    ///
    /// The first alone, as gethostbyaddr(3) does it: a block list gives one address 100,000 names.
    pub(crate) fn by_address(&self, address: IpAddr) -> Option<HostsAnswer<'_>> {
        let &line = self.first_line_by_address.get(&address.to_canonical())?;
        self.answer([&self.lines[line as usize]].into_iter(), Family::Any)
    }

    /// What the file held.
    pub(crate) fn report(&self) -> &FileReport {
        &self.report
    }

    /// Adds a line, or nothing where any of its fields is bad.
    fn add(&mut self, mut fields: Fields<'_>, zone_index: Zone<'_>) -> Option<()> {
        let address = parse_address(fields.next()?, zone_index).ok()?;
        let has_names = fields.clone().next().is_some();
        if !has_names || !fields.clone().all(is_host_name) {
            return None;
        }
        let (line, start) = (self.lines.len() as u32, self.names.len() as u32);
        for name in fields.map(without_root) {
            if self.names.len() as u32 != start {
                self.names.push(' ');
            }
            self.names.push_str(name);
            self.lines_by_name.add(NameKey::of(name), line);
        }
        self.lines.push(HostsLine { address, names: start..self.names.len() as u32 });
        self.first_line_by_address.entry(address.ip().to_canonical()).or_insert(line);
        Some(())
    }

    fn names(&self, line: &HostsLine) -> impl Iterator<Item = &str> {
        self.names[line.names.start as usize..line.names.end as usize].split(' ')
    }

    /// Merges `lines` into one answer, whose addresses have the form of `family`.
    fn answer<'t>(
        &'t self,
        lines: impl Iterator<Item = &'t HostsLine> + Clone,
        family: Family,
    ) -> Option<HostsAnswer<'t>> {
        let mut names = lines.clone().flat_map(|line| self.names(line)).take(NAMES_PER_ANSWER_MAX);
        let canonical_name = names.next()?;
        let mut aliases: Vec<&str> = Vec::new();
        for name in names {
            let is_name = |known: &&str| known.eq_ignore_ascii_case(name);
            if !is_name(&canonical_name) && !aliases.iter().any(is_name) {
                aliases.push(name);
            }
        }
        let mut addresses = Vec::new();
        for address in lines.filter_map(|line| family.form_of(line.address)) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Some(HostsAnswer { canonical_name, aliases, addresses })
    }
}

/// `name` without the dot that makes it complete: a hosts file knows complete names only.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether every label of `name` has at least a character. What else a name may hold is no matter of
/// ours (RFC 2181, section 11).
fn is_host_name(name: &str) -> bool {
    without_root(name).split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
127.0.0.1\tlocalhost
::1  localhost ip6-localhost IP6-loopback   # loopback
192.0.2.7  www.Example.org www printer.
2001:db8::7 WWW.example.ORG web
192.0.2.8  printer
192.0.2.7  www.example.org again Web
192.0.2.7  www.example.org again
fe80::1%eth0 router
fe80::1%7 router
";

    fn zone_index(name: &str) -> Option<u32> {
        (name == "eth0").then_some(3)
    }

    /// The answer as one line: the canonical name, the aliases, the addresses.
    fn show(answer: Option<HostsAnswer<'_>>) -> String {
        answer.map_or("-".to_owned(), |HostsAnswer { canonical_name, aliases, addresses }| {
            assert!(addresses.iter().all(|address| address.port() == 0));
            let addresses: Vec<_> = addresses
                .iter()
                .map(|address| match address {
                    SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
                    address => address.ip().to_string(),
                })
                .collect();
            format!("{canonical_name} ({}) {}", aliases.join(" "), addresses.join(" "))
        })
    }

    #[test]
    fn names_are_answered_by_all_their_lines() {
        let table = HostsTable::parse(TEXT.as_bytes(), &zone_index);
        assert_eq!(table.report(), &FileReport { entries: 9, ..FileReport::default() });
        let www = "www.Example.org (www printer web again) 192.0.2.7 2001:db8::7";
        let cases = [
            ("localhost", "localhost (ip6-localhost IP6-loopback) 127.0.0.1 ::1"),
            ("LocalHost.", "localhost (ip6-localhost IP6-loopback) 127.0.0.1 ::1"),
            ("ip6-LOOPBACK", "localhost (ip6-localhost IP6-loopback) ::1"),
            ("www.example.org", www),
            ("WWW.EXAMPLE.ORG.", www),
            ("www", "www.Example.org (www printer) 192.0.2.7"),
            ("printer", "www.Example.org (www printer) 192.0.2.7 192.0.2.8"),
            ("printer.", "www.Example.org (www printer) 192.0.2.7 192.0.2.8"),
            ("web", "WWW.example.ORG (web again) 2001:db8::7 192.0.2.7"),
            ("router", "router () fe80::1%3 fe80::1%7"),
            ("local", "-"),
            ("localhost..", "-"),
            ("localhost localhost", "-"),
            ("www printer", "-"),
            (".", "-"),
            ("", "-"),
        ];
        for (name, expected) in cases {
            assert_eq!(show(table.by_name(name)), expected, "{name:?}");
        }
    }

    #[test]
    fn addresses_are_answered_by_their_first_line() {
        let table = HostsTable::parse(TEXT.as_bytes(), &zone_index);
        let cases = [
            ("127.0.0.1", "localhost () 127.0.0.1"),
            ("::1", "localhost (ip6-localhost IP6-loopback) ::1"),
            ("192.0.2.7", "www.Example.org (www printer) 192.0.2.7"),
            ("fe80::1", "router () fe80::1%3"),
            ("::ffff:127.0.0.1", "localhost () 127.0.0.1"),
            ("192.0.2.9", "-"),
        ];
        for (address, expected) in cases {
            let answer = table.by_address(address.parse().expect("a test address"));
            assert_eq!(show(answer), expected, "{address}");
        }
    }

    #[test]
    fn a_bad_field_costs_its_line_and_no_other() {
        let bad = [
            "127.0.0.1",
            "localhost 127.0.0.1",
            "127.1 a",
            "2130706433 a",
            "0x7f.0.0.1 a",
            "0177.0.0.1 a",
            "127.0.0.01 a",
            "127.0.0.256 a",
            "127.0.0.1%1 a",
            "[::1] a",
            "fe80::1%eth1 a",
            "fe80::1% a",
            "fe80::1%+1 a",
            "fe80::1%4294967296 a",
            "192.0.2.1/24 a",
            "192.0.2.1:80 a",
            "192.0.2.1 .",
            "192.0.2.1 a b..",
            "192.0.2.1 a .b",
            "192.0.2.1 a b..c",
            "192.0.2.1 a\u{1}",
        ];
        for line in bad {
            let text = format!("192.0.2.2 before a\n{line}\n192.0.2.3 after a");
            let table = HostsTable::parse(text.as_bytes(), &zone_index);
            let expected = FileReport { entries: 2, lines_skipped: 1, first_skipped: Some(2) };
            assert_eq!(table.report(), &expected, "{line:?}");
            assert_eq!(show(table.by_name("a")), "before (a after) 192.0.2.2 192.0.2.3", "{line:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_bad() {
        let table = HostsTable::parse(b"192.0.2.1 a\xff\n192.0.2.2 b\xc3\xbccher\n", &zone_index);
        assert_eq!(table.report(), &FileReport { entries: 1, lines_skipped: 1, first_skipped: Some(1) });
        assert_eq!(show(table.by_name("b\u{fc}cher")), "b\u{fc}cher () 192.0.2.2");
    }

    #[test]
    fn an_answer_has_a_largest_size() {
        let crowd: String =
            (0..=255).flat_map(|c| (0..4).map(move |d| format!("10.0.{c}.{d} crowd a{c}b{d}\n"))).collect();
        let table = HostsTable::parse(crowd.as_bytes(), &zone_index);
        let answer = table.by_name("crowd").expect("a name of the file");
        assert_eq!(answer.addresses.len(), LINES_PER_ANSWER_MAX);
        assert_eq!(answer.aliases.len(), LINES_PER_ANSWER_MAX);
        let names: String = (0..NAMES_PER_ANSWER_MAX + 1).map(|number| format!(" {number:x}")).collect();
        let table = HostsTable::parse(format!("10.0.0.1{names}").as_bytes(), &zone_index);
        let answer = table.by_name("0").expect("a name of the file");
        assert_eq!(answer.aliases.len(), NAMES_PER_ANSWER_MAX - 1);
        assert!(table.by_name(&format!("{NAMES_PER_ANSWER_MAX:x}")).is_some());
    }
}
