//! Replies written by hand, byte by byte: nothing of the codec under test makes its own input.

use crate::dns::message::{ChainEnd, DnsName, Mismatch, Question, RecordType, Reply, parse_reply};

pub(super) const ID: u16 = 0xbeef;
pub(super) const ANSWER: usize = 1;
pub(super) const AUTHORITY: usize = 2;
pub(super) const ADDITIONAL: usize = 3;

pub(super) const A: u16 = 1;
pub(super) const NS: u16 = 2;
pub(super) const CNAME: u16 = 5;
pub(super) const SOA: u16 = 6;
pub(super) const PTR: u16 = 12;
pub(super) const TXT: u16 = 16;
pub(super) const AAAA: u16 = 28;
pub(super) const DNAME: u16 = 39;
pub(super) const OPT: u16 = 41;
pub(super) const IN: u16 = 1;
pub(super) const CH: u16 = 3;

pub(super) const AA: u16 = 0x0400;
pub(super) const TC: u16 = 0x0200;
pub(super) const NXDOMAIN: u16 = 3;

/// The question's name in every packet, wherever a name may stand.
pub(super) const ASKED: &[u8] = b"\xc0\x0c";

pub(super) struct Packet(pub(super) Vec<u8>);

impl Packet {
    /// The reply to an A question for `www.example`, with no records yet. `flags` join QR, RD and RA.
    pub(super) fn reply(flags: u16) -> Packet {
        Packet::to("www.example", A, flags)
    }

    pub(super) fn to(name: &str, rtype: u16, flags: u16) -> Packet {
        Packet::header(flags).question(&wire(name), rtype, IN)
    }

    pub(super) fn header(flags: u16) -> Packet {
        Packet([ID.to_be_bytes(), (0x8180 | flags).to_be_bytes()].concat()).bytes(&[0; 8])
    }

    pub(super) fn question(self, name: &[u8], rtype: u16, class: u16) -> Packet {
        self.count(0, 1).bytes(name).bytes(&rtype.to_be_bytes()).bytes(&class.to_be_bytes())
    }

    pub(super) fn record(self, section: usize, owner: &[u8], rtype: u16, class: u16, ttl: u32, data: &[u8]) -> Packet {
        let packet = self.count(section, 1).bytes(owner).bytes(&rtype.to_be_bytes()).bytes(&class.to_be_bytes());
        packet.bytes(&ttl.to_be_bytes()).bytes(&(data.len() as u16).to_be_bytes()).bytes(data)
    }

    pub(super) fn answer(self, owner: &[u8], rtype: u16, data: &[u8]) -> Packet {
        self.record(ANSWER, owner, rtype, IN, 300, data)
    }

    pub(super) fn alias(self, owner: &str, target: &str) -> Packet {
        self.answer(&wire(owner), CNAME, &wire(target))
    }

    pub(super) fn soa(self) -> Packet {
        let data = [b"\x02ns\0\x04root\0".as_slice(), &[0; 20]].concat();
        self.record(AUTHORITY, &wire("example"), SOA, IN, 60, &data)
    }

    /// An OPT record with the upper bits of a response code.
    pub(super) fn opt(self, extension: u8) -> Packet {
        self.record(ADDITIONAL, b"\0", OPT, 1232, u32::from(extension) << 24, b"")
    }

    /// Adds to the count of `section` without adding a record.
    pub(super) fn count(mut self, section: usize, more: u16) -> Packet {
        let at = 4 + 2 * section;
        let count = u16::from_be_bytes([self.0[at], self.0[at + 1]]) + more;
        self.0[at..at + 2].copy_from_slice(&count.to_be_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Packet {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn cut(mut self, count: usize) -> Packet {
        self.0.truncate(self.0.len() - count);
        self
    }

    pub(super) fn patch(mut self, at: usize, bytes: &[u8]) -> Packet {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Reads it as the reply to `www.example A`.
    pub(super) fn read(&self) -> Result<Reply, Mismatch> {
        self.read_as("www.example", RecordType::A)
    }

    pub(super) fn read_as(&self, name: &str, record_type: RecordType) -> Result<Reply, Mismatch> {
        parse_reply(&self.0, ID, &Question { name: name_of(name), record_type })
    }

    /// What an answer says, shortly: `alias > alias > canonical: end`.
    pub(super) fn told(&self) -> String {
        told(self.read())
    }
}

pub(super) fn told(reply: Result<Reply, Mismatch>) -> String {
    match reply {
        Ok(Reply::Answer(answer)) => {
            let chain = answer.aliases.iter().chain([&answer.canonical]).map(ToString::to_string);
            let end = match answer.end {
                ChainEnd::Addresses(addresses) => join(addresses),
                ChainEnd::Names(names) => join(names),
                other => format!("{other:?}"),
            };
            format!("{}: {end}", chain.collect::<Vec<_>>().join(" > "))
        }
        other => format!("{other:?}"),
    }
}

pub(super) fn join(items: impl IntoIterator<Item: ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

pub(super) fn name_of(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

pub(super) fn wire(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend(label.bytes());
    }
    wire.push(0);
    wire
}

/// A small generator: the same numbers for the same seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
