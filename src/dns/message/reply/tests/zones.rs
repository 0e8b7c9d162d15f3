//! Random zones, read from packets and by a plain model that knows nothing of packets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::packet::*;
use crate::dns::message::{Answer, ChainEnd, Mismatch, Reply};

/// Addresses in the order of their numbers, so that the order of records does not matter.
fn sorted(mut reply: Result<Reply, Mismatch>) -> Result<Reply, Mismatch> {
    if let Ok(Reply::Answer(Answer { end: ChainEnd::Addresses(addresses), .. })) = &mut reply {
        addresses.sort();
    }
    reply
}

#[test]
fn random_zones_are_read_as_a_plain_model_says() {
    let seed = 0x0dd5_eed5;
    let mut random = Random(seed);
    let mut ends = BTreeMap::<String, u32>::new();
    for round in 0..20_000 {
        let zone = Zone::random(&mut random);
        let packet = zone.packet(&mut random);
        let (told, expected) = (told(sorted(packet.read())).to_lowercase(), zone.told().to_lowercase());
        assert_eq!(told, expected, "seed {seed:#x}, round {round}: {:02x?}", packet.0);
        let end = expected.rsplit(": ").next().unwrap();
        *ends.entry(end.split('.').next().unwrap().into()).or_default() += 1;
    }
    for end in ["10", "continue", "loop", "nodata", "toolong"] {
        assert!(ends.get(end).is_some_and(|count| *count > 100), "the zones are too much alike: {ends:?}");
    }
}

struct Zone {
    /// The target of each name that is an alias; name 0 is the one asked for.
    alias_of: Vec<Option<usize>>,
    addresses: Vec<(usize, [u8; 4])>,
}

impl Zone {
    fn random(random: &mut Random) -> Zone {
        let names = 1 + random.below(24);
        let straight = random.below(2) == 0;
        let alias_of = (0..names).map(|name| match random.below(8) {
            0 => None,
            _ if straight => (name + 1 < names).then_some(name + 1),
            _ => Some(random.below(names)),
        });
        let alias_of = alias_of.collect();
        let addresses = (0..random.below(6)).map(|index| (random.below(names), [10, 0, 0, index as u8])).collect();
        Zone { alias_of, addresses }
    }

    fn name(index: usize) -> String {
        if index == 0 { "www.example".into() } else { format!("n{index}.sub.example") }
    }

    fn told(&self) -> String {
        let mut chain = vec![0];
        let end = loop {
            let last = chain[chain.len() - 1];
            let Some(next) = self.alias_of[last] else { break self.end(last, chain.len() > 1) };
            if chain.len() > 16 {
                break "TooLong".into();
            }
            let seen = chain.contains(&next);
            chain.push(next);
            if seen {
                break "Loop".into();
            }
        };
        format!("{}: {end}", chain.into_iter().map(Zone::name).collect::<Vec<_>>().join(" > "))
    }

    fn end(&self, last: usize, is_alias: bool) -> String {
        let addresses = self.addresses.iter().filter(|(name, _)| *name == last);
        let mut addresses: Vec<_> = addresses.map(|(_, address)| IpAddr::from(*address)).collect();
        addresses.sort();
        match addresses.is_empty() {
            false => join(addresses),
            true if is_alias => "Continue".into(),
            true => "NoData".into(),
        }
    }

    /// The zone as a reply: records shuffled among noise, names spelled and compressed in any legal way.
    fn packet(&self, random: &mut Random) -> Packet {
        let mut records = Vec::new();
        for (name, target) in self.alias_of.iter().enumerate() {
            records.extend(target.map(|target| (name, CNAME, target, [0; 4])));
        }
        records.extend(self.addresses.iter().map(|&(name, address)| (name, A, 0, address)));
        records.extend((0..random.below(4)).map(|_| (random.below(30), TXT, 0, *b"\x03hey")));
        random.shuffle(&mut records);

        let mut spelling = Spelling { places: vec![(0, 12)] };
        records.into_iter().fold(Packet::reply(0), |packet, (name, rtype, target, data)| {
            let owner = spelling.write(random, name, packet.0.len());
            let data_at = packet.0.len() + owner.len() + 10;
            let data = if rtype == CNAME { spelling.write(random, target, data_at) } else { data.to_vec() };
            packet.answer(&owner, rtype, &data)
        })
    }
}

/// Where each name stands in the packet so far.
struct Spelling {
    places: Vec<(usize, usize)>,
}

impl Spelling {
    fn write(&mut self, random: &mut Random, name: usize, at: usize) -> Vec<u8> {
        let place = self.places.iter().rfind(|(known, _)| *known == name);
        if let (Some((_, place)), 0..2) = (place, random.below(3)) {
            return (0xc000 | *place as u16).to_be_bytes().to_vec();
        }
        self.places.push((name, at));
        let text: String =
            Zone::name(name).chars().map(|c| if random.below(2) == 0 { c.to_ascii_uppercase() } else { c }).collect();
        let mut spelled = wire(&text);
        if random.below(2) == 0 {
            // `example` stands at 16, behind `www` of the question.
            spelled.truncate(spelled.len() - wire("example").len());
            spelled.extend(b"\xc0\x10");
        }
        spelled
    }
}
