//! DNS messages as bytes, written by hand from RFC 1035 section 4 and RFC 6891.
//!
//! Independent of the crate under test and of the codec that it uses, so that the two can disagree.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

pub(crate) const A: u16 = 1;
pub(crate) const CNAME: u16 = 5;
pub(crate) const SOA: u16 = 6;
pub(crate) const PTR: u16 = 12;
pub(crate) const AAAA: u16 = 28;
const OPT: u16 = 41;

pub(crate) const FORMERR: u16 = 1;
pub(crate) const SERVFAIL: u16 = 2;
pub(crate) const NXDOMAIN: u16 = 3;
pub(crate) const NOTIMP: u16 = 4;
pub(crate) const REFUSED: u16 = 5;

pub(crate) const IN: u16 = 1;

/// QR: the message is a reply.
pub(crate) const IS_REPLY: u16 = 0x8000;
/// TC: the message is cut short.
pub(crate) const IS_TRUNCATED: u16 = 0x0200;
/// RD and RA: recursion was asked for, and is done.
pub(crate) const RECURSION: u16 = 0x0180;

/// How long the records of a [`Reply`] may be kept, unless said otherwise.
pub(crate) const TTL_SECS: u32 = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// A question as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    /// With its letter case, and a dot behind every label but the last.
    pub(crate) name: String,
    pub(crate) record_type: u16,
    pub(crate) class: u16,
    /// The size of datagram that it says it takes.
    pub(crate) edns: Option<u16>,
    pub(crate) transport: Transport,
    pub(crate) from: SocketAddr,
}

impl Query {
    /// Reads a query, and panics unless it is one question with at most an OPT record behind it.
    pub(crate) fn parse(bytes: &[u8], transport: Transport, from: SocketAddr) -> Query {
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        assert_eq!((word(4), word(6), word(8)), (1, 0, 0), "a query is one question, without records but OPT");
        let (mut at, mut labels) = (12, Vec::new());
        while bytes[at] != 0 {
            let label = &bytes[at + 1..][..usize::from(bytes[at])];
            labels.push(String::from_utf8(label.to_vec()).expect("tests ask for names in ASCII"));
            at += 1 + label.len();
        }
        let (record_type, class) = (word(at + 1), word(at + 3));
        let options = at + 5;
        let edns = (word(10) == 1).then(|| {
            assert_eq!((bytes[options], word(options + 1)), (0, OPT), "the additional record is an OPT of the root");
            assert_eq!(&bytes[options + 5..], [0; 6], "it is of version 0, without flags and options");
            word(options + 3)
        });
        let end = options + if edns.is_some() { 11 } else { 0 };
        assert_eq!(bytes.len(), end, "nothing stands behind the query");
        Query { id: word(0), flags: word(2), name: labels.join("."), record_type, class, edns, transport, from }
    }
}

/// A reply in the making.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) id: u16,
    pub(crate) flags: u16,
    pub(crate) question: Vec<u8>,
    pub(crate) counts: [u16; 4],
    pub(crate) records: Vec<u8>,
    pub(crate) ttl_secs: u32,
}

impl Reply {
    /// An answer without records.
    pub(crate) fn to(query: &Query) -> Reply {
        let (question, records) = (question(&query.name, query.record_type, query.class), Vec::new());
        let flags = IS_REPLY | RECURSION;
        Reply { id: query.id, flags, question, counts: [1, 0, 0, 0], records, ttl_secs: TTL_SECS }
    }

    /// What is most often wanted: `v4` for an A question, `v6` for an AAAA question.
    pub(crate) fn with_host(query: &Query, v4: [u8; 4], v6: [u16; 8]) -> Reply {
        match query.record_type {
            A => Reply::to(query).a(&query.name, v4),
            AAAA => Reply::to(query).aaaa(&query.name, v6),
            _ => Reply::to(query),
        }
    }

    pub(crate) fn a(self, owner: &str, address: [u8; 4]) -> Reply {
        self.answer(owner, A, &Ipv4Addr::from(address).octets())
    }

    pub(crate) fn aaaa(self, owner: &str, address: [u16; 8]) -> Reply {
        self.answer(owner, AAAA, &Ipv6Addr::from(address).octets())
    }

    pub(crate) fn cname(self, owner: &str, target: &str) -> Reply {
        self.answer(owner, CNAME, &name(target))
    }

    pub(crate) fn ptr(self, owner: &str, target: &str) -> Reply {
        self.answer(owner, PTR, &name(target))
    }

    /// Adds a record to the answers. Answers come before the authority.
    pub(crate) fn answer(mut self, owner: &str, record_type: u16, data: &[u8]) -> Reply {
        self.counts[1] += 1;
        self.record(owner, record_type, data)
    }

    /// Adds the start of `zone` to the authority section: the zone has no such data.
    pub(crate) fn soa(mut self, zone: &str) -> Reply {
        self.counts[2] += 1;
        let mut data = [name("ns"), name("hostmaster")].concat();
        data.extend([1, 7200, 3600, 86_400, 60].iter().flat_map(|number: &u32| number.to_be_bytes()));
        self.record(zone, SOA, &data)
    }

    pub(crate) fn rcode(mut self, rcode: u16) -> Reply {
        self.flags = self.flags & !0xF | rcode;
        self
    }

    /// Adds an OPT record that carries the upper bits of a response code.
    pub(crate) fn edns(mut self, upper_rcode: u8) -> Reply {
        self.counts[3] += 1;
        self.records.extend([0, 0, OPT as u8, 4, 208, upper_rcode, 0, 0, 0, 0, 0]);
        self
    }

    /// The records that follow may be kept this long.
    pub(crate) fn ttl(mut self, secs: u32) -> Reply {
        self.ttl_secs = secs;
        self
    }

    pub(crate) fn truncated(mut self) -> Reply {
        self.flags |= IS_TRUNCATED;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.id.to_be_bytes(), self.flags.to_be_bytes()].concat();
        bytes.extend(self.counts.iter().flat_map(|count| count.to_be_bytes()));
        bytes.extend(&self.question);
        bytes.extend(&self.records);
        bytes
    }

    fn record(mut self, owner: &str, record_type: u16, data: &[u8]) -> Reply {
        self.records.extend(name(owner));
        self.records.extend(record_type.to_be_bytes());
        self.records.extend(IN.to_be_bytes());
        self.records.extend(self.ttl_secs.to_be_bytes());
        self.records.extend((data.len() as u16).to_be_bytes());
        self.records.extend(data);
        self
    }
}

/// A question section with one question.
pub(crate) fn question(text: &str, record_type: u16, class: u16) -> Vec<u8> {
    let mut bytes = name(text);
    bytes.extend(record_type.to_be_bytes());
    bytes.extend(class.to_be_bytes());
    bytes
}

/// A name, not compressed. `.` is the root.
pub(crate) fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("a label is short"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
