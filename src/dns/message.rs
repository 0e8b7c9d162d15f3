//! DNS messages: the question that is sent, and what a reply says about it.
//!
//! Floor 1. Pure: bytes in, bytes out. The wire format (headers, compressed names, record data) is the
//! `domain` crate's; here stands what a stub resolver asks and believes. Absent on purpose: DNSSEC, zone
//! transfers, every record type that a lookup of hosts does not need.

mod dns_name;
mod reply;

use std::fmt;

use domain::base::{MessageBuilder, Question as WireQuestion, Rtype};

pub(crate) use dns_name::DnsName;
#[cfg(test)]
use dns_name::NameFault;
pub(crate) use reply::{Answer, CNAME_HOPS_MAX, ChainEnd, FailureCode, Mismatch, Reply, parse_reply};

/// The size of a UDP reply that we advertise: the least MTU of IPv6, 1280, without the headers of IPv6 and UDP.
/// It crosses the Internet in one piece (RFC 9715).
pub(crate) const EDNS_PAYLOAD_BYTES: u16 = 1232;

/// The kinds of records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RecordType {
    /// The IPv4 addresses of a host.
    A,
    /// The IPv6 addresses of a host.
    Aaaa,
    /// The name of an address.
    Ptr,
}

impl RecordType {
    fn rtype(self) -> Rtype {
        match self {
            RecordType::A => Rtype::A,
            RecordType::Aaaa => Rtype::AAAA,
            RecordType::Ptr => Rtype::PTR,
        }
    }
}

/// What one message asks, in class IN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) name: DnsName,
    pub(crate) record_type: RecordType,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.record_type.rtype())
    }
}

/// Writes the query for `question` to `buffer`, in place of what was there.
///
/// It asks for recursion and nothing else. With `edns_payload` it carries an OPT record that advertises
/// this size (RFC 6891); without, a reply by UDP has at most 512 bytes.
///
/// # Cost
///
/// A buffer that has held a query before is not grown: no query is longer than 282 bytes.
pub(crate) fn encode_query(buffer: &mut Vec<u8>, id: u16, question: &Question, edns_payload: Option<u16>) {
    let Ok(mut message) = MessageBuilder::from_target(buffer);
    message.header_mut().set_id(id);
    message.header_mut().set_rd(true);
    let mut message = message.question();
    let wire_question = WireQuestion::new_in(&question.name.0, question.record_type.rtype());
    message.push(wire_question).expect("a message has room for its first question");
    if let Some(payload) = edns_payload {
        let mut message = message.additional();
        let written = message.opt(|opt| {
            opt.set_udp_payload_size(payload);
            Ok(())
        });
        written.expect("a query has room for its only record");
    }
}

#[cfg(test)]
mod tests;
