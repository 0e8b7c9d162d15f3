//! One reply through the whole resolver, and what two other codecs with a naive resolver make of it.
//!
//! The first byte says what is asked and how much of the reply is made rightly: the id always, header and question
//! mostly. Whatever else a server may answer, every question gets the same reply, and a name at the end of a chain
//! of aliases has one record more.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use msgpump::simulation::{NameServer, Query};
use msgpump::{Family, HostQuery, LookupFailure, Payload, ResolverConfig, Settings};
use msgpump_fuzz::codecs::{self, Reading};
use msgpump_fuzz::resolver::{A, AAAA, PTR, Verdict, judge, labels};
use msgpump_fuzz::{Choices, answer, stage};

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 53], 53);
const NAME: &str = "www.example.test";
const ADDRESS: [u8; 4] = [192, 0, 2, 7];
const REVERSE_NAME: &str = "7.2.0.192.in-addr.arpa";

/// How the reply is made.
#[derive(Clone)]
struct Reply {
    /// Header and question are right, as far as the flags may be right.
    is_framed: bool,
    bytes: Vec<u8>,
}

impl Reply {
    /// The reply to the question in `asked`.
    fn to(&self, asked: &[u8]) -> Vec<u8> {
        let mut reply = Vec::new();
        if self.is_framed {
            let mut choices = Choices::new(&self.bytes);
            reply.extend([0, 0, 0x80 | choices.byte(), choices.byte(), 0, 1]);
            for _ in 0..3 {
                reply.extend([0, choices.byte()]);
            }
            reply.extend(question(asked));
            reply.extend(choices.rest());
        } else {
            reply.extend(&self.bytes);
        }
        reply.iter_mut().zip(&asked[..2]).for_each(|(byte, id)| *byte = *id);
        reply
    }
}

/// The question of a message that has just one and was made by the resolver.
fn question(asked: &[u8]) -> &[u8] {
    let mut end = 12;
    while asked[end] != 0 {
        end += usize::from(asked[end]) + 1;
    }
    &asked[12..end + 5]
}

/// The record that every other name has.
fn other_answer(asked: &[u8]) -> Vec<u8> {
    let question = question(asked);
    let record_type = u16::from_be_bytes([question[question.len() - 4], question[question.len() - 3]]);
    let data = match record_type {
        A => other(true).0,
        AAAA => other(false).0,
        _ => b"\x05other\0".to_vec(),
    };
    let mut reply = [&asked[..2], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], question, &[0xC0, 12]].concat();
    reply.extend(record_type.to_be_bytes());
    reply.extend([0, 1, 0, 0, 1, 0, 0, data.len() as u8]);
    reply.extend(data);
    reply
}

/// The address of every other name.
fn other(is_v4: bool) -> (Vec<u8>, IpAddr) {
    match is_v4 {
        true => (vec![192, 0, 2, 77], Ipv4Addr::new(192, 0, 2, 77).into()),
        false => {
            let address = Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 77);
            (address.octets().to_vec(), address.into())
        }
    }
}

/// How a lookup ends, as far as one reply decides it.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Failed,
    NotFound,
    NoData,
    Found { canonical: String, aliases: Vec<String>, addresses: Vec<IpAddr>, ttl: Option<Duration> },
}

impl Outcome {
    fn of(verdict: Verdict, record_type: u16) -> Outcome {
        let ttl = |secs: Option<u32>| secs.map(|secs| Duration::from_secs(secs.into()));
        match verdict {
            Verdict::Useless => Outcome::Failed,
            Verdict::NotFound => Outcome::NotFound,
            Verdict::NoData => Outcome::NoData,
            Verdict::Addresses(chain, mut addresses) => {
                addresses.sort_unstable();
                let (canonical, aliases) = (chain.canonical, chain.aliases);
                Outcome::Found { canonical, aliases, addresses, ttl: ttl(chain.ttl_secs) }
            }
            Verdict::Names(chain, mut names) => {
                let canonical = names.remove(0);
                let addresses = vec![ADDRESS.into()];
                Outcome::Found { canonical, aliases: names, addresses, ttl: ttl(chain.ttl_secs) }
            }
            Verdict::Continues(mut chain) => {
                chain.ttl_secs = chain.ttl_secs.map(|secs| secs.min(256));
                match record_type {
                    PTR => Outcome::of(Verdict::Names(chain, vec!["other".to_owned()]), record_type),
                    _ => Outcome::of(Verdict::Addresses(chain, vec![other(record_type == A).1]), record_type),
                }
            }
        }
    }
}

/// What the resolver makes of it, and the replies as they were sent: they differ in their ids, at which a name may point.
fn look_up(record_type: u16, by_stream: bool, reply: &Reply) -> (Outcome, Vec<Vec<u8>>) {
    let simulation = stage();
    let first = reply.clone();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let sending = sent.clone();
    let answers = move |_: &Query, asked: &[u8]| {
        let (name, wanted) = (question(asked), if record_type == PTR { REVERSE_NAME } else { NAME });
        let wanted = labels(wanted).into_iter().flat_map(|label| [vec![label.len() as u8], label].concat());
        let is_first = name[..name.len() - 5].eq_ignore_ascii_case(&wanted.collect::<Vec<_>>());
        if !is_first {
            return vec![other_answer(asked)];
        }
        let reply = first.to(asked);
        sending.lock().expect("no thread panics with it").push(reply.clone());
        vec![reply]
    };
    simulation.name_server(SERVER.into(), NameServer::new().answers_by(answers));
    let config = ResolverConfig::new([SERVER]).with_attempts(1).with_timeout(Duration::from_secs(1));
    let settings = Settings::default().resolver(config.with_tcp(by_stream)).expect("within the limits");
    let mut pump = simulation.pump::<()>(settings);
    let query = match record_type {
        A => HostQuery::by_name(NAME).family(Family::V4),
        AAAA => HostQuery::by_name(NAME).family(Family::V6),
        _ => HostQuery::by_address(ADDRESS),
    };
    let window = pump.root_window();
    pump.lookup_host(window, query).expect("the root window is open");
    let Payload::Host(result) = answer(&simulation, &mut pump) else { panic!("only a host was asked for") };
    assert_eq!((simulation.open_sockets(), pump.metrics().operations), (0, 0), "nothing is left");
    let outcome = match result {
        Ok(host) => {
            let host = *host;
            let (canonical, mut addresses) = (host.canonical_name, host.addresses);
            addresses.sort_unstable();
            Outcome::Found { canonical, aliases: host.aliases, addresses, ttl: host.ttl }
        }
        Err(error) => match error.failure() {
            LookupFailure::NotFound => Outcome::NotFound,
            LookupFailure::NoData => Outcome::NoData,
            failure => {
                assert!(failure.is_temporary(), "{failure:?}");
                Outcome::Failed
            }
        },
    };
    let sent = sent.lock().expect("no thread panics with it").clone();
    (outcome, sent)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let record_type = [A, AAAA, PTR, A][usize::from(how & 3)];
    let reply = Reply { is_framed: how & 4 == 0, bytes: bytes.to_vec() };
    let (outcome, sent) = look_up(record_type, how & 8 != 0, &reply);
    let name = labels(if record_type == PTR { REVERSE_NAME } else { NAME });
    let readers: [(&str, fn(&[u8]) -> Option<Reading>); 2] =
        [("hickory-proto", codecs::hickory), ("simple-dns", codecs::simple)];
    for (codec, read) in readers {
        // What hickory-proto refuses is left: simple-dns takes names with something behind them in their record.
        let Some(readings) = sent.iter().map(|message| read(message)).collect::<Option<Vec<_>>>() else { break };
        let outcomes = readings.iter().map(|reading| Outcome::of(judge(reading, &name, record_type), record_type));
        let mut outcomes: Vec<_> = outcomes.collect();
        outcomes.dedup();
        if let [expected] = &outcomes[..] {
            assert_eq!(&outcome, expected, "{codec} reads {readings:#?}");
        }
    }
});
