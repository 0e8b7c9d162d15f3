//! Name servers that answer by script.
//!
//! Written over plain bytes and not over the codec that the resolver uses, so that a fault of one is
//! not hidden by the same fault of the other.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The types that can be asked for, by their numbers (RFC 1035 section 3.2.2, RFC 3596).
const A: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const AAAA: u16 = 28;
const OPT: u16 = 41;

/// The header's flags: a reply, to which recursion is available.
const REPLY: u16 = 0x8180;
const TRUNCATED: u16 = 0x0200;

/// What a server does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Answers from its zone.
    Answer,
    /// Says nothing.
    Drop,
    /// Answers this much later than usual.
    Delay(Duration),
    /// Answers twice.
    Duplicate,
    /// Answers with another id, and then says nothing.
    WrongId,
    /// Answers from another address: the system drops it, since the socket is connected.
    WrongSource,
    /// Answers another question.
    WrongQuestion,
    /// Answers, but a forger is quicker, who knows the port and all of the id but its last `unknown_bits` (16 at
    /// most): before the answer come `guesses` forged ones with as many different ids. They say that the name is
    /// 203.0.113.66, 2001:db8::bad or forged.invalid.
    ///
    /// A lookup believes one of them once in `2^unknown_bits / guesses` times.
    Forge {
        /// How many forged answers come first.
        guesses: u16,
        /// How many bits of the id the forger does not know.
        unknown_bits: u8,
    },
    /// Answers that the answer does not fit in a datagram. Over TCP it answers.
    Truncate,
    /// Answers with this response code and nothing else: 1 FORMERR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    Code(u8),
    /// Answers FORMERR to EDNS, and from the zone without it.
    RefuseEdns,
    /// Answers with bytes that begin like a reply and are cut short.
    Garble,
    /// Answers over TCP one byte at a time.
    Split,
    /// Refuses: the port is closed.
    Refuse,
    /// Resets the connection, or over UDP does as `Refuse`.
    Reset,
}

/// A name server with a zone and a script.
///
/// The script is a list of acts, one for each question in order. After its end every question is
/// answered from the zone.
#[derive(Clone, Debug)]
#[must_use = "a name server answers nobody until a simulation is given it"]
pub struct NameServer {
    records: HashMap<String, Vec<Data>>,
    script: VecDeque<Act>,
    always: Act,
    own_answers: Option<OwnAnswers>,
    latency: Duration,
    loss_percent: u8,
}

/// What a program's own function makes of a question: the messages that are sent back.
#[derive(Clone)]
struct OwnAnswers(Arc<dyn Fn(&Query, &[u8]) -> Vec<Vec<u8>> + Send + Sync>);

impl fmt::Debug for OwnAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnAnswers")
    }
}

#[derive(Clone, Debug)]
enum Data {
    Address(IpAddr),
    Alias(String),
    Pointer(String),
}

/// A question that a name server received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The virtual time since the start.
    pub at: Duration,
    /// Who was asked.
    pub server: SocketAddr,
    /// Whether over TCP.
    pub by_stream: bool,
    /// The id of the message.
    pub id: u16,
    /// The name, as written.
    pub name: String,
    /// The number of the record type: 1 A, 12 PTR, 28 AAAA.
    pub record_type: u16,
    /// Whether it carried an EDNS record.
    pub edns: bool,
}

/// What a server sends back, and when.
pub(super) enum Reaction {
    /// These bytes, this much later than usual.
    Send { bytes: Vec<u8>, later: Duration },
    /// These bytes of a stream, one at a time.
    SendSplit { bytes: Vec<u8> },
    /// The port is closed, or the connection is reset.
    Reset,
}

impl Default for NameServer {
    fn default() -> NameServer {
        NameServer::new()
    }
}

impl NameServer {
    /// A server that knows no names, and answers after a millisecond.
    pub fn new() -> NameServer {
        NameServer {
            records: HashMap::new(),
            script: VecDeque::new(),
            always: Act::Answer,
            own_answers: None,
            latency: Duration::from_millis(1),
            loss_percent: 0,
        }
    }

    /// Knows a host by its addresses, and each address by the host's name.
    ///
    /// # Panics
    ///
    /// Panics when one of `addresses` is not an address.
    #[track_caller]
    pub fn host<'a>(mut self, name: &str, addresses: impl IntoIterator<Item = &'a str>) -> NameServer {
        let name_as_asked = name.to_ascii_lowercase();
        self.records.entry(name_as_asked.clone()).or_default();
        for text in addresses {
            let Ok(address) = text.parse::<IpAddr>() else { panic!("a host of the script: {text:?} is no address") };
            self.records.entry(name_as_asked.clone()).or_default().push(Data::Address(address));
            self.records.entry(reverse_name(address)).or_default().push(Data::Pointer(name.to_owned()));
        }
        self
    }

    /// Knows `name` as an alias of `target`.
    pub fn alias(mut self, name: &str, target: &str) -> NameServer {
        self.records.entry(name.to_ascii_lowercase()).or_default().push(Data::Alias(target.to_owned()));
        self
    }

    /// Takes this long to answer, instead of a millisecond.
    pub fn latency(mut self, latency: Duration) -> NameServer {
        self.latency = latency;
        self
    }

    /// Loses this many of a hundred datagrams, each way.
    pub fn loss(mut self, percent: u8) -> NameServer {
        self.loss_percent = percent;
        self
    }

    /// Adds `act` to the script.
    pub fn then(mut self, act: Act) -> NameServer {
        self.script.push_back(act);
        self
    }

    /// Says nothing to this many questions.
    pub fn silent(mut self, questions: usize) -> NameServer {
        self.script.extend(std::iter::repeat_n(Act::Drop, questions));
        self
    }

    /// Does `act` with every question after the script's end.
    pub fn always(mut self, act: Act) -> NameServer {
        self.always = act;
        self
    }

    /// Answers every question after the script's end with what `answer` makes of it and of the bytes that asked
    /// it, in place of the zone: messages that are sent one after another, none for silence.
    ///
    /// For what the zone cannot say, replies of hostile servers among them. A message is sent as it is; over TCP
    /// its length comes before it.
    ///
    /// ```
    /// use msgpump::simulation::{NameServer, Simulation};
    /// use msgpump::{HostQuery, Payload, ResolverConfig, Settings};
    ///
    /// let simulation = Simulation::new(1);
    /// let address = ([192, 0, 2, 53], 53).into();
    /// let not_found = |_: &_, asked: &[u8]| {
    ///     let mut reply = asked.to_vec();
    ///     reply[2..4].copy_from_slice(&[0x81, 0x83]);
    ///     vec![reply]
    /// };
    /// simulation.name_server(address, NameServer::new().answers_by(not_found));
    /// let settings = Settings::default().resolver(ResolverConfig::new([address]))?;
    /// let mut pump = simulation.pump::<()>(settings);
    /// let window = pump.open_window();
    /// pump.lookup_host(window, HostQuery::by_name("www.example.org"))?;
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// assert!(matches!(message.payload, Payload::Host(Err(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn answers_by(mut self, answer: impl Fn(&Query, &[u8]) -> Vec<Vec<u8>> + Send + Sync + 'static) -> NameServer {
        self.own_answers = Some(OwnAnswers(Arc::new(answer)));
        self
    }

    pub(super) fn usual_latency(&self) -> Duration {
        self.latency
    }

    pub(super) fn loss_percent(&self) -> u8 {
        self.loss_percent
    }

    /// Takes a stream, and says how long that takes; `None` where the port is closed.
    pub(super) fn accept(&mut self) -> Option<Duration> {
        match self.script.front() {
            Some(Act::Refuse) => {
                self.script.pop_front();
                None
            }
            Some(_) => Some(self.latency),
            None => (self.always != Act::Refuse).then_some(self.latency),
        }
    }

    pub(super) fn react(&mut self, question: &Query, message: &[u8]) -> Vec<Reaction> {
        let act = match (self.script.pop_front(), &self.own_answers) {
            (Some(act), _) => act,
            (None, Some(own)) => {
                let messages = own.0(question, message).into_iter();
                return messages.map(|bytes| Reaction::Send { bytes, later: Duration::ZERO }).collect();
            }
            (None, None) => self.always,
        };
        let answer = || self.answer(question, message);
        let send = |bytes| vec![Reaction::Send { bytes, later: Duration::ZERO }];
        match act {
            Act::Answer => send(answer()),
            Act::Drop | Act::WrongSource => Vec::new(),
            Act::Delay(later) => vec![Reaction::Send { bytes: answer(), later }],
            Act::Duplicate => [send(answer()), send(answer())].into_iter().flatten().collect(),
            Act::WrongId => {
                let mut bytes = answer();
                bytes[1] ^= 1;
                send(bytes)
            }
            Act::WrongQuestion => {
                let mut bytes = answer();
                // The first letter of the name, behind the header and the length of its label.
                bytes[13] ^= 2;
                send(bytes)
            }
            Act::Forge { guesses, unknown_bits } => {
                let forged = forgeries(question, message, guesses, unknown_bits).flat_map(send);
                forged.chain(send(answer())).collect()
            }
            Act::Truncate if question.by_stream => send(answer()),
            Act::Truncate => send(empty_reply(message, TRUNCATED)),
            Act::Code(code) => send(empty_reply(message, code.into())),
            Act::RefuseEdns if question.edns => send(empty_reply(message, 1)),
            Act::RefuseEdns => send(answer()),
            Act::Garble => {
                let mut bytes = answer();
                // Claims one answer more than there is.
                bytes[7] = bytes[7].wrapping_add(1);
                bytes.truncate(bytes.len() - 1);
                send(bytes)
            }
            Act::Split if question.by_stream => vec![Reaction::SendSplit { bytes: answer() }],
            Act::Split => send(empty_reply(message, TRUNCATED)),
            Act::Refuse | Act::Reset => vec![Reaction::Reset],
        }
    }

    /// The reply from the zone: the chain of aliases and what is at its end.
    fn answer(&self, question: &Query, message: &[u8]) -> Vec<u8> {
        let mut answers = Vec::new();
        let mut count = 0u16;
        let mut name = question.name.to_ascii_lowercase();
        let mut exists = false;
        for _ in 0..64 {
            let Some(records) = self.records.get(&name) else { break };
            exists = true;
            let mut next = None;
            for data in records {
                let (record_type, bytes) = match data {
                    Data::Address(IpAddr::V4(address)) => (A, address.octets().to_vec()),
                    Data::Address(IpAddr::V6(address)) => (AAAA, address.octets().to_vec()),
                    Data::Pointer(target) => (PTR, wire_name(target)),
                    Data::Alias(target) => {
                        next = Some(target.to_ascii_lowercase());
                        (CNAME, wire_name(target))
                    }
                };
                if record_type == question.record_type || record_type == CNAME {
                    push_record(&mut answers, &name, record_type, &bytes);
                    count += 1;
                }
            }
            match next {
                Some(next) => {
                    exists = self.records.contains_key(&next);
                    name = next;
                }
                None => break,
            }
        }
        let code = if exists { 0 } else { 3 };
        let mut reply = empty_reply(message, code);
        reply[6..8].copy_from_slice(&count.to_be_bytes());
        reply.extend(answers);
        if count == 0 {
            reply[8..10].copy_from_slice(&1u16.to_be_bytes());
            push_record(&mut reply, &name, SOA, &[0; 22]);
        }
        reply
    }
}

/// The name that has the names of `address` (RFC 1035 section 3.5, RFC 3596 section 2.5).
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits = address.octets().into_iter().rev().map(|octet| format!("{:x}.{:x}.", octet & 15, octet >> 4));
            digits.collect::<String>() + "ip6.arpa"
        }
    }
}

/// Reads the one question of a message.
pub(super) fn read_query(message: &[u8], at: Duration, server: SocketAddr, by_stream: bool) -> Option<Query> {
    let id = u16::from_be_bytes([*message.first()?, *message.get(1)?]);
    let mut labels = Vec::new();
    let mut place = 12;
    loop {
        let length = usize::from(*message.get(place)?);
        place += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(message.get(place..place + length)?).into_owned());
        place += length;
    }
    let record_type = u16::from_be_bytes([*message.get(place)?, *message.get(place + 1)?]);
    // The root's name, then the type.
    let edns = message.get(place + 4..place + 7).is_some_and(|tail| tail == [0, 0, OPT as u8]);
    Some(Query { at, server, by_stream, id, name: labels.join("."), record_type, edns })
}

/// A reply with the question and nothing else; `flags` are added to those of a reply.
fn empty_reply(message: &[u8], flags: u16) -> Vec<u8> {
    let question_end = 12 + message[12..].iter().position(|&byte| byte == 0).unwrap_or(0) + 5;
    let mut reply = message[..question_end.min(message.len())].to_vec();
    reply[2..4].copy_from_slice(&(REPLY | flags).to_be_bytes());
    reply[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    reply
}

/// Forged answers with different ids: those that the true one may be as far as the forger knows, the least first.
fn forgeries(question: &Query, message: &[u8], guesses: u16, unknown_bits: u8) -> impl Iterator<Item = Vec<u8>> {
    let data = match question.record_type {
        A => vec![203, 0, 113, 66],
        AAAA => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xbad).octets().to_vec(),
        _ => wire_name("forged.invalid"),
    };
    let mut forged = empty_reply(message, 0);
    forged[6..8].copy_from_slice(&1u16.to_be_bytes());
    push_record(&mut forged, &question.name, question.record_type, &data);
    let ids = 1u32 << unknown_bits.min(16);
    let known = u32::from(question.id) & !(ids - 1);
    (0..ids.min(guesses.into())).map(move |guess| {
        forged[..2].copy_from_slice(&((known | guess) as u16).to_be_bytes());
        forged.clone()
    })
}

fn push_record(bytes: &mut Vec<u8>, name: &str, record_type: u16, data: &[u8]) {
    const IN: u16 = 1;
    const TTL_SECS: u32 = 300;
    bytes.extend(wire_name(name));
    bytes.extend(record_type.to_be_bytes());
    bytes.extend(IN.to_be_bytes());
    bytes.extend(TTL_SECS.to_be_bytes());
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
