//! What two codecs that the crate does not use read in a reply.
//!
//! Each gives the same plain form, or nothing where it refuses the message: both read the data of every record,
//! also of those that a lookup passes over, and so refuse more.

use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType, OpCode};
use hickory_proto::rr::{DNSClass, RData as HickoryData, Record as HickoryRecord, RecordType};
use simple_dns::rdata::RData as SimpleData;
use simple_dns::{CLASS, OPCODE, Packet, PacketFlag, QCLASS, RCODE, ResourceRecord};

/// A name as its labels, in the letter case of the message.
pub type Labels = Vec<Vec<u8>>;

/// A reply.
#[derive(Debug)]
pub struct Reading {
    pub is_reply: bool,
    pub is_query_opcode: bool,
    pub is_truncated: bool,
    pub is_authoritative: bool,
    pub recursion_available: bool,
    /// The four bits of the header and the eight of the OPT record: 0 NOERROR, 3 NXDOMAIN.
    pub code: u16,
    /// Name, type and whether the class is IN.
    pub questions: Vec<(Labels, u16, bool)>,
    pub answers: Vec<Record>,
    pub authority: Vec<Record>,
    /// All sections.
    pub records: usize,
}

/// A record.
#[derive(Debug)]
pub struct Record {
    pub owner: Labels,
    pub is_in: bool,
    pub ttl_secs: u32,
    pub data: Data,
}

/// What of a record's data matters to a lookup.
#[derive(Clone, Debug)]
pub enum Data {
    Address(IpAddr),
    Alias(Labels),
    Pointer(Labels),
    NameServer,
    StartOfZone,
    Other,
}

/// What hickory-proto reads.
pub fn hickory(bytes: &[u8]) -> Option<Reading> {
    let message = Message::from_vec(bytes).ok()?;
    let labels = |name: &hickory_proto::rr::Name| name.iter().map(<[u8]>::to_vec).collect();
    let record = |record: &HickoryRecord| {
        let data = match record.data() {
            // What it makes of data without a byte, whatever the type: the wire knows no such address.
            HickoryData::Update0(_) => return None,
            HickoryData::A(address) => Data::Address(IpAddr::V4(address.0)),
            HickoryData::AAAA(address) => Data::Address(IpAddr::V6(address.0)),
            HickoryData::CNAME(name) => Data::Alias(labels(&name.0)),
            HickoryData::PTR(name) => Data::Pointer(labels(&name.0)),
            HickoryData::NS(_) => Data::NameServer,
            HickoryData::SOA(_) => Data::StartOfZone,
            _ => Data::Other,
        };
        let is_in = record.dns_class() == DNSClass::IN;
        Some(Record { owner: labels(record.name()), is_in, ttl_secs: record.ttl(), data })
    };
    let questions = message.queries().iter();
    Some(Reading {
        is_reply: message.message_type() == MessageType::Response,
        is_query_opcode: message.op_code() == OpCode::Query,
        is_truncated: message.truncated(),
        is_authoritative: message.authoritative(),
        recursion_available: message.recursion_available(),
        code: message.response_code().into(),
        questions: questions
            .map(|query| {
                let is_in = query.query_class() == DNSClass::IN;
                (labels(query.name()), RecordType::into(query.query_type()), is_in)
            })
            .collect(),
        answers: message.answers().iter().map(record).collect::<Option<_>>()?,
        authority: message.name_servers().iter().map(record).collect::<Option<_>>()?,
        records: message.answers().len() + message.name_servers().len() + message.additionals().len(),
    })
}

/// What simple-dns reads.
pub fn simple(bytes: &[u8]) -> Option<Reading> {
    let packet = Packet::parse(bytes).ok()?;
    let labels = |name: &simple_dns::Name<'_>| name.as_bytes().map(<[u8]>::to_vec).collect();
    let record = |record: &ResourceRecord<'_>| {
        let data = match &record.rdata {
            SimpleData::A(address) => Data::Address(IpAddr::V4(address.address.into())),
            SimpleData::AAAA(address) => Data::Address(IpAddr::V6(address.address.into())),
            SimpleData::CNAME(name) => Data::Alias(labels(&name.0)),
            SimpleData::PTR(name) => Data::Pointer(labels(&name.0)),
            SimpleData::NS(_) => Data::NameServer,
            SimpleData::SOA(_) => Data::StartOfZone,
            SimpleData::Empty(_) => return None,
            _ => Data::Other,
        };
        // It takes the highest bit of the class for that of multicast DNS.
        let is_in = record.class == CLASS::IN && !record.cache_flush;
        Some(Record { owner: labels(&record.name), is_in, ttl_secs: record.ttl, data })
    };
    // It takes the upper bits of the code from the wrong end of an OPT record's field, and of two such records
    // believes the first and keeps the other.
    if packet.opt().is_some()
        || packet.additional_records.iter().any(|record| matches!(record.rdata, SimpleData::OPT(_)))
    {
        return None;
    }
    let code = match packet.rcode() {
        RCODE::NoError => 0,
        RCODE::NameError => 3,
        // It has no number for some of the others.
        _ => u16::MAX,
    };
    Some(Reading {
        is_reply: packet.has_flags(PacketFlag::RESPONSE),
        is_query_opcode: packet.opcode() == OPCODE::StandardQuery,
        is_truncated: packet.has_flags(PacketFlag::TRUNCATION),
        is_authoritative: packet.has_flags(PacketFlag::AUTHORITATIVE_ANSWER),
        recursion_available: packet.has_flags(PacketFlag::RECURSION_AVAILABLE),
        code,
        questions: packet
            .questions
            .iter()
            .map(|question| {
                let is_in = question.qclass == QCLASS::CLASS(CLASS::IN) && !question.unicast_response;
                (labels(&question.qname), question.qtype.into(), is_in)
            })
            .collect(),
        answers: packet.answers.iter().map(record).collect::<Option<_>>()?,
        authority: packet.name_servers.iter().map(record).collect::<Option<_>>()?,
        records: packet.answers.len() + packet.name_servers.len() + packet.additional_records.len(),
    })
}
