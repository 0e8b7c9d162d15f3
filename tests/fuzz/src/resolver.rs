//! What a stub resolver makes of one reply, written down again without regard to speed.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::codecs::{Data, Labels, Reading};

/// The types that are asked for, by their numbers (RFC 1035 section 3.2.2, RFC 3596).
pub const A: u16 = 1;
pub const PTR: u16 = 12;
pub const AAAA: u16 = 28;

/// As many aliases are followed, as many may be in a reply, and as many records.
const HOPS_MAX: usize = 16;
const ALIASES_MAX: usize = 64;
const RECORDS_MAX: usize = 4096;

/// What one reply says of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: another server may know, or the next try.
    Useless,
    NotFound,
    NoData,
    /// Aliases, and a name at their end that may be asked for.
    Continues(Chain),
    Addresses(Chain, Vec<IpAddr>),
    Names(Chain, Vec<String>),
}

/// The way from the name that was asked for to the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub aliases: Vec<String>,
    pub canonical: String,
    /// The shortest of the records that were used.
    pub ttl_secs: Option<u32>,
}

/// The labels of a plain name.
pub fn labels(name: &str) -> Labels {
    name.split('.').map(|label| label.as_bytes().to_vec()).collect()
}

/// A name as the crate writes it: octets that a reader could mistake are escaped as in zone files.
pub fn text(name: &Labels) -> String {
    if name.is_empty() {
        return ".".to_owned();
    }
    let label = |label: &Vec<u8>| {
        let octets = label.iter().map(|&octet| match octet {
            b' ' | b'.' | b'\\' => format!("\\{}", char::from(octet)),
            b'!'..=b'~' => char::from(octet).to_string(),
            _ => format!("\\{octet:03}"),
        });
        octets.collect::<String>()
    };
    name.iter().map(label).collect::<Vec<_>>().join(".")
}

fn folded(name: &Labels) -> Labels {
    name.iter().map(|label| label.to_ascii_lowercase()).collect()
}

/// The verdict of `reading` on the question for `name` and `record_type`.
pub fn judge(reading: &Reading, name: &Labels, record_type: u16) -> Verdict {
    let is_asked = |(asked, asked_type, is_in): &(Labels, u16, bool)| {
        folded(asked) == folded(name) && *asked_type == record_type && *is_in
    };
    let is_ours = reading.is_reply && reading.is_query_opcode && reading.questions.len() == 1;
    if !is_ours || !is_asked(&reading.questions[0]) || !matches!(reading.code, 0 | 3) || reading.is_truncated {
        return Verdict::Useless;
    }
    let answers = || reading.answers.iter().filter(|record| record.is_in);
    let alias_count = answers().filter(|record| matches!(record.data, Data::Alias(_))).count();
    if reading.records > RECORDS_MAX || alias_count > ALIASES_MAX {
        return Verdict::Useless;
    }
    // Of two aliases of one name the first counts.
    let mut next = HashMap::new();
    for record in answers() {
        if let Data::Alias(target) = &record.data {
            next.entry(folded(&record.owner)).or_insert((target, record.ttl_secs));
        }
    }
    let mut used = Vec::new();
    let mut names = vec![name.clone()];
    while let Some(&(target, ttl_secs)) = next.get(&folded(&names[names.len() - 1])) {
        if names.len() > HOPS_MAX || names.iter().any(|before| folded(before) == folded(target)) {
            return Verdict::Useless;
        }
        used.push(ttl_secs);
        names.push(target.clone());
    }
    let canonical = names.pop().expect("the name asked for is there");
    if reading.code == 3 {
        return Verdict::NotFound;
    }
    let mut data = Vec::new();
    for record in answers().filter(|record| folded(&record.owner) == folded(&canonical)) {
        let is_wanted = match &record.data {
            Data::Address(IpAddr::V4(_)) => record_type == A,
            Data::Address(IpAddr::V6(_)) => record_type == AAAA,
            Data::Pointer(_) => record_type == PTR,
            _ => false,
        };
        if is_wanted {
            used.push(record.ttl_secs);
            data.push(record.data.clone());
        }
    }
    // RFC 2181 section 8.
    let ttl_secs = used.into_iter().map(|ttl| if ttl > i32::MAX as u32 { 0 } else { ttl }).min();
    let chain = Chain { aliases: names.iter().map(text).collect(), canonical: text(&canonical), ttl_secs };
    let in_authority = |wanted: fn(&Data) -> bool| reading.authority.iter().any(|record| wanted(&record.data));
    if !data.is_empty() {
        let addresses: Vec<_> =
            data.iter().filter_map(|data| if let Data::Address(at) = data { Some(*at) } else { None }).collect();
        let names = data.iter().filter_map(|data| if let Data::Pointer(name) = data { Some(text(name)) } else { None });
        return match addresses.is_empty() {
            true => Verdict::Names(chain, names.collect()),
            false => Verdict::Addresses(chain, addresses),
        };
    }
    if in_authority(|data| matches!(data, Data::StartOfZone)) {
        Verdict::NoData
    } else if !chain.aliases.is_empty() {
        Verdict::Continues(chain)
    } else if in_authority(|data| matches!(data, Data::NameServer))
        && !reading.is_authoritative
        && !reading.recursion_available
    {
        Verdict::Useless
    } else {
        Verdict::NoData
    }
}
