//! What a reply says about the question that was asked.
//!
//! Floor 1. Pure. Whether the bytes came from the server that was asked is the caller's knowledge, and so is
//! what happens next. Nothing of a reply is believed before its id and its question have been compared.
//!
//! | the message                                  | is                  |
//! |----------------------------------------------|---------------------|
//! | of another id or question, or not a reply    | a [`Mismatch`]      |
//! | with a response code that is no answer       | [`Reply::Failed`]   |
//! | marked as truncated                          | [`Reply::Truncated`]|
//! | against the rules of the wire                | [`Reply::Malformed`]|
//! | that only names servers to ask instead       | [`Reply::Referral`] |
//! | anything else                                | [`Reply::Answer`]   |
//!
//! The first line that fits counts.

use std::net::IpAddr;
use std::{iter, mem};

use domain::base::iana::{Class, Opcode, OptRcode, Rcode};
use domain::base::message::Section;
use domain::base::name::ToLabelIter;
use domain::base::wire::ParseError;
use domain::base::{
    Header, HeaderCounts, Message, ParseRecordData, ParsedName, ParsedRecord, Question as WireQuestion, Rtype, Ttl,
};
use domain::dep::octseq::Parser;
use domain::rdata::{A, Aaaa, Cname, Ptr};

use super::{DnsName, Question, RecordType};

/// How many aliases are followed, one to the next. Resolvers stop between 8 and 16; real chains have under 10.
pub(crate) const CNAME_HOPS_MAX: usize = 16;

/// How many aliases a reply may hold; one with more is malformed. Each may be compared with each name of the
/// chain, and this bounds that work.
const ALIASES_MAX: usize = 4 * CNAME_HOPS_MAX;

/// How many records of a reply are read; one with more is malformed. The longest message has room for no
/// more than this many of the smallest record that we ask for (16 bytes: A).
const RECORDS_MAX: usize = 65_536 / 16;

/// How many octets the names of a reply's records may have together, owners and data, written out; one with more is
/// malformed. A pointer of two octets stands for as many as 255 that must be walked, and this bounds that work by a
/// few times the longest message: its most records have room for names of 64 octets each.
const NAME_OCTETS_MAX: usize = RECORDS_MAX * 64;

/// Why a message is not the reply to the question.
///
/// Whoever can send to our port can send such a message: it must cost neither the attempt nor its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// It ends before its header does.
    TooShort,
    /// It answers a query with another id.
    Id,
    /// It is a query itself.
    NotAReply,
    /// It is about something else than a query.
    Opcode,
    /// It does not repeat one question, name, type and class, or not ours.
    Question,
    /// It has no question and the code FORMERR: some servers that do not know EDNS answer so, with nothing
    /// but a header. Nothing ties it to our question, but it is a hint to ask again without EDNS.
    BareFormatError,
}

/// What a name server replied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It knows: there is such data, or there is none.
    Answer(Answer),
    /// The answer was too long for UDP; no part of it is used (RFC 2181 section 9).
    Truncated,
    /// It did not answer. `has_edns` tells whether the reply speaks EDNS: without, the server may not know
    /// it and can be asked again in plain (RFC 6891 section 7).
    Failed { code: FailureCode, has_edns: bool },
    /// It knows nothing but servers that may know more (RFC 2308 section 2.2): it has no authority over the
    /// name, and does not resolve names for others.
    Referral,
    /// Its records break the rules of the wire format, or are not all there: nothing can be concluded.
    Malformed,
}

/// The response codes that are not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureCode {
    /// The server could not read the query (FORMERR).
    FormErr,
    /// The server failed, or those it asked did (SERVFAIL).
    ServFail,
    /// The server does not do queries of this kind (NOTIMP).
    NotImp,
    /// The server will not answer us (REFUSED).
    Refused,
    /// The server does not know our version of EDNS (BADVERS).
    BadVers,
    /// Another code, by its number.
    Other(u16),
}

/// Where the chain of aliases led that begins at the name asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The names that are aliases, the one asked for first; empty where it is none.
    pub(crate) aliases: Vec<DnsName>,
    /// The name at the end of the chain.
    pub(crate) canonical: DnsName,
    /// The least time to live of the records used, in seconds; `None` where there were none.
    pub(crate) ttl_secs: Option<u32>,
    /// What is known of the canonical name.
    pub(crate) end: ChainEnd,
}

/// What is known of the name at the end of a chain of aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChainEnd {
    /// It has these addresses, of the family asked for; at least one.
    Addresses(Vec<IpAddr>),
    /// It points to these names; at least one.
    Names(Vec<DnsName>),
    /// Nothing, and there was at least one alias: it may be asked for in turn.
    Continue,
    /// It exists, but has no record of the type asked for.
    NoData,
    /// It does not exist (RFC 6604: the response code is about this name, not the one asked for).
    NxDomain,
    /// It is one of the aliases.
    Loop,
    /// It is an alias, after [`CNAME_HOPS_MAX`] others.
    TooLong,
}

/// Reads `bytes` as the reply to `question`, sent as `id`.
///
/// # Errors
///
/// It is not the reply to this question.
///
/// # Cost
///
/// One pass over the records, then the aliases once per step of the chain; both are limited.
pub(crate) fn parse_reply(bytes: &[u8], id: u16, question: &Question) -> Result<Reply, Mismatch> {
    let message = Message::from_slice(bytes).map_err(|_| Mismatch::TooShort)?;
    let (header, counts) = (message.header(), message.header_counts());
    if header.id() != id {
        return Err(Mismatch::Id);
    }
    if !header.qr() {
        return Err(Mismatch::NotAReply);
    }
    if header.opcode() != Opcode::QUERY {
        return Err(Mismatch::Opcode);
    }
    if counts.qdcount() == 0 && header.rcode() == Rcode::FORMERR {
        return Err(Mismatch::BareFormatError);
    }
    let asked = message.sole_question().map_err(|_| Mismatch::Question)?;
    if asked != WireQuestion::new_in(&question.name.0, question.record_type.rtype()) {
        return Err(Mismatch::Question);
    }
    let mut parser = Parser::from_ref(bytes);
    let body = message.answer().map_err(|_| Mismatch::Question)?.pos();
    parser.advance(body).map_err(|_| Mismatch::Question)?;

    let mut records = Records::default();
    let read = records.read(parser, counts, question.record_type);
    let code = OptRcode::from_parts(header.rcode(), records.edns.unwrap_or(0));
    if let Some(code) = FailureCode::of(code) {
        return Ok(Reply::Failed { code, has_edns: records.edns.is_some() });
    }
    if header.tc() {
        return Ok(Reply::Truncated);
    }
    Ok(match read {
        Ok(()) => records.conclude(question, header),
        Err(Malformed) => Reply::Malformed,
    })
}

impl FailureCode {
    /// The failure that `code` stands for; `None` where it goes with an answer.
    fn of(code: OptRcode) -> Option<FailureCode> {
        match code {
            OptRcode::NOERROR | OptRcode::NXDOMAIN => None,
            OptRcode::FORMERR => Some(FailureCode::FormErr),
            OptRcode::SERVFAIL => Some(FailureCode::ServFail),
            OptRcode::NOTIMP => Some(FailureCode::NotImp),
            OptRcode::REFUSED => Some(FailureCode::Refused),
            OptRcode::BADVERS => Some(FailureCode::BadVers),
            other => Some(FailureCode::Other(other.to_int())),
        }
    }
}

/// A name inside the message.
type NameIn<'a> = ParsedName<&'a [u8]>;

/// A record of the answer section.
struct Entry<'a, T> {
    owner: NameIn<'a>,
    ttl_secs: u32,
    data: T,
}

/// What the records of a message say that can matter to the question.
#[derive(Default)]
struct Records<'a> {
    aliases: Vec<Entry<'a, NameIn<'a>>>,
    addresses: Vec<Entry<'a, IpAddr>>,
    names: Vec<Entry<'a, NameIn<'a>>>,
    /// The message ended, between two records, before the answer section had as many as its header says.
    answers_missing: bool,
    authority: Authority,
    /// Octets of the names read so far, written out.
    name_octets: usize,
    /// The upper bits of the response code, from the OPT record.
    edns: Option<u8>,
}

/// What the authority section tells about an answer without data (RFC 2308 section 2.2).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Authority {
    /// Nothing.
    #[default]
    Silent,
    /// Who may know.
    NameServers,
    /// The zone that was searched, and that has no such data.
    StartOfZone,
}

/// The records break the rules of the wire format, or a limit of ours.
struct Malformed;

impl From<ParseError> for Malformed {
    fn from(_: ParseError) -> Malformed {
        Malformed
    }
}

impl<'a> Records<'a> {
    /// Reads what `parser` has after the question. What was read before a fault is kept.
    ///
    /// Bytes past the last record are ignored, and a message that ends early but between two records is no
    /// fault: some servers miscount.
    fn read(
        &mut self,
        mut parser: Parser<'a, [u8]>,
        counts: HeaderCounts,
        wanted: RecordType,
    ) -> Result<(), Malformed> {
        let answers = iter::repeat_n(Section::Answer, counts.ancount().into());
        let authorities = iter::repeat_n(Section::Authority, counts.nscount().into());
        let additionals = iter::repeat_n(Section::Additional, counts.arcount().into());
        for (index, section) in answers.chain(authorities).chain(additionals).enumerate() {
            if parser.remaining() == 0 {
                self.answers_missing = section == Section::Answer;
                return Ok(());
            }
            if index == RECORDS_MAX {
                return Err(Malformed);
            }
            let record = ParsedRecord::parse(&mut parser)?;
            self.note_name(&record.owner())?;
            match (section, record.rtype()) {
                (Section::Answer, _) if record.class() == Class::IN => self.take_answer(record, wanted)?,
                (Section::Authority, Rtype::NS) => self.authority = self.authority.max(Authority::NameServers),
                (Section::Authority, Rtype::SOA) => self.authority = Authority::StartOfZone,
                (Section::Additional, Rtype::OPT) => self.edns = Some((record.ttl().as_secs() >> 24) as u8),
                _ => {}
            }
        }
        Ok(())
    }

    /// Keeps `record` of the answer section if it is an alias or of the type asked for.
    fn take_answer(&mut self, record: ParsedRecord<'a, [u8]>, wanted: RecordType) -> Result<(), Malformed> {
        match (record.rtype(), wanted) {
            (Rtype::CNAME, _) if self.aliases.len() == ALIASES_MAX => return Err(Malformed),
            (Rtype::CNAME, _) => {
                let alias = Entry::read(record, |data: Cname<NameIn<'a>>| *data.cname())?;
                self.note_name(&alias.data)?;
                self.aliases.push(alias);
            }
            (Rtype::A, RecordType::A) => self.addresses.push(Entry::read(record, |data: A| data.addr().into())?),
            (Rtype::AAAA, RecordType::Aaaa) => {
                self.addresses.push(Entry::read(record, |data: Aaaa| data.addr().into())?);
            }
            (Rtype::PTR, RecordType::Ptr) => {
                let pointer = Entry::read(record, |data: Ptr<NameIn<'a>>| *data.ptrdname())?;
                self.note_name(&pointer.data)?;
                self.names.push(pointer);
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts what it took to read `name`.
    fn note_name(&mut self, name: &NameIn<'_>) -> Result<(), Malformed> {
        self.name_octets += usize::from(name.compose_len());
        if self.name_octets > NAME_OCTETS_MAX { Err(Malformed) } else { Ok(()) }
    }

    /// Answers `question` from these records.
    fn conclude(&self, question: &Question, header: Header) -> Reply {
        let (aliases, canonical) = (Vec::new(), question.name.clone());
        let mut answer = Answer { aliases, canonical, ttl_secs: None, end: ChainEnd::NoData };
        if let Err(endless) = answer.follow(&self.aliases) {
            answer.end = endless;
            return Reply::Answer(answer);
        }
        if header.rcode() == Rcode::NXDOMAIN {
            answer.end = ChainEnd::NxDomain;
            return if self.answers_missing { Reply::Malformed } else { Reply::Answer(answer) };
        }
        let addresses = answer.owned(&self.addresses);
        let names = answer.owned(&self.names);
        answer.end = match self.authority {
            _ if !addresses.is_empty() => ChainEnd::Addresses(addresses),
            _ if !names.is_empty() => ChainEnd::Names(names),
            Authority::StartOfZone => ChainEnd::NoData,
            _ if !answer.aliases.is_empty() => ChainEnd::Continue,
            // What is missing may be the data: its absence cannot be concluded.
            _ if self.answers_missing => return Reply::Malformed,
            Authority::NameServers if !header.aa() && !header.ra() => return Reply::Referral,
            _ => ChainEnd::NoData,
        };
        Reply::Answer(answer)
    }
}

impl Answer {
    /// Walks from the canonical name to the end of the chain; fails where there is none.
    fn follow(&mut self, aliases: &[Entry<'_, NameIn<'_>>]) -> Result<(), ChainEnd> {
        // From the start each time: the records of a chain come in any order.
        while let Some(alias) = aliases.iter().find(|alias| alias.owner == self.canonical.0) {
            if self.aliases.len() == CNAME_HOPS_MAX {
                return Err(ChainEnd::TooLong);
            }
            self.aliases.push(mem::replace(&mut self.canonical, alias.data.into()));
            self.keep_at_most(alias.ttl_secs);
            if self.aliases.contains(&self.canonical) {
                return Err(ChainEnd::Loop);
            }
        }
        Ok(())
    }

    /// The data of those `entries` that belong to the canonical name.
    fn owned<T: Copy + Into<U>, U>(&mut self, entries: &[Entry<'_, T>]) -> Vec<U> {
        let mut owned = Vec::new();
        for entry in entries {
            if entry.owner == self.canonical.0 {
                self.keep_at_most(entry.ttl_secs);
                owned.push(entry.data.into());
            }
        }
        owned
    }

    fn keep_at_most(&mut self, ttl_secs: u32) {
        self.ttl_secs = Some(self.ttl_secs.map_or(ttl_secs, |least| least.min(ttl_secs)));
    }
}

impl<'a, T> Entry<'a, T> {
    /// Reads the data of `record`, which must be of type `D` and fill its length exactly.
    fn read<D: ParseRecordData<'a, [u8]>>(
        record: ParsedRecord<'a, [u8]>,
        data: impl FnOnce(D) -> T,
    ) -> Result<Entry<'a, T>, Malformed> {
        let (owner, ttl_secs) = (record.owner(), believable_secs(record.ttl()));
        let record = record.into_record::<D>()?.ok_or(Malformed)?;
        Ok(Entry { owner, ttl_secs, data: data(record.into_data()) })
    }
}

/// A time to live has 31 bits; one with the 32nd set is to be taken as zero (RFC 2181 section 8).
fn believable_secs(ttl: Ttl) -> u32 {
    let secs = ttl.as_secs();
    if secs > i32::MAX as u32 { 0 } else { secs }
}

#[cfg(test)]
mod tests;
