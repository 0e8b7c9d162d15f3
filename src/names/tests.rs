//! What holds for all three tables: hostile bytes, files read in slices, both directions.

use std::net::SocketAddr;

use super::*;
use crate::file_report::FileReport;

const HOSTS: &str = "\
127.0.0.1 localhost\r
127.0.1.1\tdesk.example.org desk
::1     localhost ip6-localhost ip6-loopback # comment
ff02::1 ip6-allnodes

# 192.0.2.9 not.this
fe80::1%eth0 router gateway.
0.0.0.0 ads.example.com
0.0.0.0 tracker.example.net # block list
192.0.2.10 b\u{fc}ro.example.org DESK
";

/// A small generator (xorshift64), so that a failure can be had again from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A byte of those that mean something in these files, or of any kind.
    fn byte(&mut self) -> u8 {
        const TELLING: &[u8] = b" \t\r\n##//..::%%0159afAF\0\xc3\xbf";
        if self.below(4) == 0 { self.next() as u8 } else { TELLING[self.below(TELLING.len())] }
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(300)).map(|_| self.byte()).collect()
    }

    /// `text` with some of its bytes replaced, removed, repeated, or cut off.
    fn mutated(&mut self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for _ in 0..=self.below(20) {
            let place = self.below(text.len());
            match self.below(8) {
                0..4 => text[place] = self.byte(),
                4 => text.insert(place, self.byte()),
                5 => drop(text.remove(place)),
                6 => text.extend_from_within(place..text.len().min(place + 40)),
                _ => text.truncate(text.len().max(200) - 1),
            }
        }
        text
    }
}

fn zone_index(name: &str) -> Option<u32> {
    (name == "eth0").then_some(2)
}

/// How many lines of `text` hold more than blanks and a comment, counted the plain way.
fn telling_lines(text: &[u8]) -> usize {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let is_telling =
        |line: &&[u8]| line.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|&byte| byte != b'#');
    text.split(|&byte| byte == b'\n').filter(is_telling).count()
}

/// Whatever the table holds is found, and nothing that it should not.
fn check_hosts(table: &HostsTable, names: impl Iterator<Item = String>) {
    for name in names {
        let Some(answer) = table.by_name(&name) else { continue };
        let HostsAnswer { canonical_name, aliases, addresses } = answer;
        let bare = name.strip_suffix('.').unwrap_or(&name);
        let mut all = [canonical_name].into_iter().chain(aliases);
        assert!(all.any(|own| own.eq_ignore_ascii_case(bare)), "{name:?} is not a name of its own answer");
        for address in addresses {
            let reverse = table.by_address(address.ip()).expect("an address found by name is found by itself");
            let forward = table.by_name(reverse.canonical_name).expect("a canonical name is found");
            let is_same = |other: &SocketAddr| other.ip() == address.ip();
            assert!(
                reverse.addresses.iter().all(is_same) && forward.addresses.iter().any(is_same),
                "{name:?} {address}"
            );
        }
    }
}

/// Reads `text` as each kind of file and checks what must hold for any bytes.
fn check(text: &[u8]) {
    let words = || String::from_utf8_lossy(text).split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let hosts = HostsTable::parse(text, &zone_index);
    check_hosts(&hosts, words().into_iter());

    let services = ServicesTable::parse(text);
    for name in words() {
        if let Some(ServiceEntry { port, protocol, .. }) = services.by_name(&name, None) {
            let reverse = services.by_port(*port, Some(protocol)).expect("a service found by name is found by port");
            assert_eq!((reverse.port, &reverse.protocol), (*port, protocol));
        }
    }

    let protocols = ProtocolsTable::parse(text);
    for name in words() {
        if let Some(ProtocolEntry { number, .. }) = protocols.by_name(&name) {
            let reverse = protocols.by_number(*number).expect("a protocol found by name is found by number");
            assert_eq!(reverse.number, *number);
        }
    }

    for report in [hosts.report(), services.report(), protocols.report()] {
        assert_eq!(report.entries + report.lines_skipped, telling_lines(text));
        assert_eq!(report.first_skipped.is_some(), report.lines_skipped > 0);
    }
}

/// Runs `check` on texts made from many seeds, and names the seed of one that fails.
fn check_many(mut text: impl FnMut(&mut Random) -> Vec<u8> + std::panic::UnwindSafe + Copy) {
    for seed in (1..=500_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
        let outcome = std::panic::catch_unwind(move || check(&text(&mut Random(seed))));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

#[test]
fn random_bytes_do_no_harm() {
    check_many(Random::bytes);
}

#[test]
fn damaged_files_do_no_harm() {
    check(HOSTS.as_bytes());
    for text in [HOSTS, built_in::SERVICES, built_in::PROTOCOLS] {
        check_many(move |random| random.mutated(text.as_bytes()));
    }
}

#[test]
fn a_long_file_read_in_slices_is_the_file_read_at_once() {
    let name = |line: usize| format!("ads{line}.example{}.com", line % 7);
    let text: String = (0..100_000)
        .map(|line| match line % 50 {
            0 => format!("bad line {line}\n"),
            1 => format!("# comment {line}\r\n"),
            2 => {
                format!("10.0.{}.{} {} shared{}.example.org\r\n", line / 256 % 256, line % 256, name(line), line % 1000)
            }
            _ => format!("0.0.0.0 {}\n", name(line)),
        })
        .collect();
    let once = HostsTable::parse(text.as_bytes(), &zone_index);
    assert_eq!(once.report(), &FileReport { entries: 96_000, lines_skipped: 2000, first_skipped: Some(1) });

    let mut builder = HostsBuilder::new(text.clone().into_bytes());
    let slices = 1 + (1..).take_while(|_| !builder.advance(999, &zone_index)).count();
    assert_eq!(slices, 100_000_usize.div_ceil(999));
    assert!(builder.advance(999, &zone_index), "what is read stays read");
    let sliced = builder.finish();

    assert_eq!(sliced.report(), once.report());
    for line in 0..100_000 {
        let answer = once.by_name(&name(line));
        assert_eq!(answer.is_some(), line % 50 > 1, "line {line}");
        assert_eq!(sliced.by_name(&name(line)), answer);
    }
    for shared in (0..1000).map(|number| format!("SHARED{number}.example.org")) {
        assert_eq!(sliced.by_name(&shared), once.by_name(&shared));
        check_hosts(&sliced, std::iter::once(shared));
    }
    let block_list = sliced.by_address([0, 0, 0, 0].into()).expect("the address of a block list");
    assert_eq!((block_list.canonical_name, block_list.aliases.len()), (name(3).as_str(), 0));
}

#[test]
fn a_table_can_be_had_of_what_is_read_so_far() {
    let mut builder = HostsBuilder::new(HOSTS.as_bytes().to_vec());
    assert!(!builder.advance(2, &zone_index));
    let table = builder.finish();
    assert_eq!(table.report().entries, 2);
    assert!(table.by_name("desk").is_some() && table.by_name("router").is_none());
}

#[test]
fn two_names_with_one_key_are_still_two_names() {
    let (one, other) = ("xq7nzwqrwfsmo", "ueorsdlhqc72i");
    assert!(index::NameKey::of(one) == index::NameKey::of(other), "found by a search for such a pair");
    let hosts = HostsTable::parse(format!("10.0.0.1 {one}\n10.0.0.2 {other}").as_bytes(), &zone_index);
    let services = ServicesTable::parse(format!("{one} 1/tcp\n{other} 2/tcp").as_bytes());
    for (name, number) in [(one, 1), (other, 2)] {
        let answer = hosts.by_name(name).expect("a name of the file");
        assert_eq!(answer.addresses, [SocketAddr::from(([10, 0, 0, number], 0))]);
        assert_eq!((answer.canonical_name, answer.aliases.len()), (name, 0));
        assert_eq!(services.by_name(name, None).map(|entry| entry.port), Some(u16::from(number)));
    }
    let half = HostsTable::parse(format!("10.0.0.1 {one}").as_bytes(), &zone_index);
    assert_eq!(half.by_name(other), None);
}
