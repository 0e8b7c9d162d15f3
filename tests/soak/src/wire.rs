//! DNS messages as bytes, by hand: independent of the crate under test and of its codec.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::zone::{host_name, number_of, v4_of, v6_of};

pub const A: u16 = 1;
pub const CNAME: u16 = 5;
pub const AAAA: u16 = 28;

pub const SERVFAIL: u16 = 2;
pub const NXDOMAIN: u16 = 3;
pub const REFUSED: u16 = 5;

/// A reply, to which recursion was asked for and is available.
const REPLY: u16 = 0x8180;
const TRUNCATED: u16 = 0x0200;

/// A question as it arrived.
pub struct Query {
    head: Vec<u8>,
    pub name: String,
    pub record_type: u16,
}

impl Query {
    /// Reads a query; `None` where it is none.
    pub fn parse(bytes: &[u8]) -> Option<Query> {
        let (mut at, mut labels) = (12, Vec::new());
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(bytes.get(at..at + length)?).into_owned());
            at += length;
        }
        let record_type = u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]);
        let head = bytes.get(..at + 4)?.to_vec();
        Some(Query { head, name: labels.join("."), record_type })
    }

    /// A reply with these flags and no records.
    pub fn empty(&self, flags: u16) -> Vec<u8> {
        let mut reply = self.head.clone();
        reply[2..4].copy_from_slice(&(REPLY | flags).to_be_bytes());
        reply[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        reply
    }

    pub fn truncated(&self) -> Vec<u8> {
        self.empty(TRUNCATED)
    }

    /// The truth about the name.
    pub fn answer(&self) -> Vec<u8> {
        let Some((number, is_alias)) = number_of(&self.name) else { return self.empty(NXDOMAIN) };
        let mut reply = self.empty(0);
        let mut owner = self.name.clone();
        let mut records = 0;
        if is_alias {
            push_record(&mut reply, &owner, CNAME, &wire_name(&host_name(number)));
            owner = host_name(number);
            records += 1;
        }
        records += self.push_address(&mut reply, &owner, v4_of(number), v6_of(number));
        reply[6..8].copy_from_slice(&u16::to_be_bytes(records));
        reply
    }

    /// A lie in the form of an answer.
    pub fn forged(&self, address: Ipv4Addr) -> Vec<u8> {
        let mut reply = self.empty(0);
        let records = self.push_address(&mut reply, &self.name, address, address.to_ipv6_mapped());
        reply[6..8].copy_from_slice(&u16::to_be_bytes(records));
        reply
    }

    fn push_address(&self, reply: &mut Vec<u8>, owner: &str, v4: Ipv4Addr, v6: Ipv6Addr) -> u16 {
        match self.record_type {
            A => push_record(reply, owner, A, &v4.octets()),
            AAAA => push_record(reply, owner, AAAA, &v6.octets()),
            _ => return 0,
        }
        1
    }
}

fn push_record(bytes: &mut Vec<u8>, owner: &str, record_type: u16, data: &[u8]) {
    const IN: u16 = 1;
    const TTL_SECS: u32 = 60;
    bytes.extend(wire_name(owner));
    bytes.extend(record_type.to_be_bytes());
    bytes.extend(IN.to_be_bytes());
    bytes.extend(TTL_SECS.to_be_bytes());
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + 2);
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
