//! DNS messages as they are on the wire, right ones and wrong ones.

pub const A: u16 = 1;
pub const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
pub const AAAA: u16 = 28;
pub const DNAME: u16 = 39;
const OPT: u16 = 41;

const IN: u16 = 1;

const HEADER: usize = 12;

/// Response codes.
pub mod rcode {
    pub const FORMERR: u8 = 1;
    pub const SERVFAIL: u8 = 2;
    pub const NXDOMAIN: u8 = 3;
    pub const NOTIMP: u8 = 4;
    pub const REFUSED: u8 = 5;
}

/// A question as it came.
pub struct Question {
    pub id: u16,
    /// In the letter case it was asked in, without the final dot.
    pub name: String,
    pub kind: u16,
    pub has_edns: bool,
    pub by_stream: bool,
    wire: Vec<u8>,
}

impl Question {
    /// Reads a query with one question; `None` if it is none.
    pub fn read(message: &[u8], by_stream: bool) -> Option<Question> {
        let id = u16::from_be_bytes(message.get(..2)?.try_into().ok()?);
        let mut labels: Vec<String> = Vec::new();
        let mut place = HEADER;
        loop {
            let length = usize::from(*message.get(place)?);
            place += 1;
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(message.get(place..place + length)?).into_owned());
            place += length;
        }
        let kind = u16::from_be_bytes(message.get(place..place + 2)?.try_into().ok()?);
        let wire = message.get(HEADER..place + 4)?.to_vec();
        // Nothing else is ever added to a query.
        let has_edns = message.len() > place + 4;
        Some(Question { id, name: labels.join("."), kind, has_edns, by_stream, wire })
    }

    /// The name without its first label.
    pub fn parent(&self) -> String {
        self.name.split_once('.').map(|(_, parent)| parent.to_owned()).unwrap_or_default()
    }

    /// The number in a first label like `p3`, and the name without that label; 0 where there is none.
    pub fn step(&self) -> (usize, &str) {
        let step =
            self.name.split_once('.').and_then(|(first, rest)| Some((first.strip_prefix('p')?.parse().ok()?, rest)));
        step.unwrap_or((0, &self.name))
    }
}

/// A reply, right or wrong.
pub struct Reply {
    header: [u8; HEADER],
    question: Vec<u8>,
    records: Vec<u8>,
    trailing: Vec<u8>,
    cut: usize,
    ttl: u32,
}

impl Reply {
    /// A reply that is right so far: of authority, and with recursion available.
    pub fn to(question: &Question) -> Reply {
        let mut reply = Reply::bare(question);
        reply.question = question.wire.clone();
        reply.header[5] = 1;
        reply
    }

    /// A reply with nothing but a header.
    pub fn bare(question: &Question) -> Reply {
        let mut header = [0; HEADER];
        header[..2].copy_from_slice(&question.id.to_be_bytes());
        header[2] = 0x85;
        header[3] = 0x80;
        Reply { header, question: Vec::new(), records: Vec::new(), trailing: Vec::new(), cut: 0, ttl: 300 }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.header[..], &self.question, &self.records, &self.trailing].concat();
        bytes.truncate(bytes.len() - self.cut);
        bytes
    }

    pub fn id(mut self, id: u16) -> Reply {
        self.header[..2].copy_from_slice(&id.to_be_bytes());
        self
    }

    pub fn rcode(mut self, rcode: u8) -> Reply {
        self.header[3] = self.header[3] & 0xf0 | rcode;
        self
    }

    /// Without authority, and without recursion.
    pub fn not_authoritative(mut self) -> Reply {
        self.header[2] &= !0x04;
        self.header[3] &= !0x80;
        self
    }

    pub fn truncated(mut self) -> Reply {
        self.header[2] |= 0x02;
        self
    }

    pub fn turned_into_a_query(mut self) -> Reply {
        self.header[2] &= !0x80;
        self
    }

    pub fn without_question(mut self) -> Reply {
        self.question.clear();
        self.header[5] = 0;
        self
    }

    pub fn question_twice(mut self) -> Reply {
        self.question = [&self.question[..], &self.question].concat();
        self.header[5] = 2;
        self
    }

    pub fn question_in_upper_case(mut self) -> Reply {
        let name = self.question.len() - 4;
        self.question[..name].make_ascii_uppercase();
        self
    }

    pub fn question_about(mut self, name: &str) -> Reply {
        let kind = self.question.split_off(self.question.len() - 4);
        self.question = [wire_name(name), kind].concat();
        self
    }

    pub fn trailing(mut self, bytes: &[u8]) -> Reply {
        self.trailing = bytes.to_vec();
        self
    }

    /// Without its last bytes.
    pub fn cut(mut self, bytes: usize) -> Reply {
        self.cut = bytes;
        self
    }

    pub fn counts_one_more(mut self) -> Reply {
        self.header[7] += 1;
        self
    }

    /// Sets the time to live of the first record.
    pub fn ttl(mut self, ttl: u32) -> Reply {
        let name = self.records.iter().position(|&byte| byte == 0).expect("it has a record");
        self.records[name + 5..name + 9].copy_from_slice(&ttl.to_be_bytes());
        self
    }

    pub fn address(mut self, owner: &str, kind: u16, address: &[u8]) -> Reply {
        self.push(owner, kind, IN, address);
        self.header[7] += 1;
        self
    }

    pub fn address_of_class(mut self, owner: &str, class: u16) -> Reply {
        self.push(owner, A, class, &[192, 0, 2, 1]);
        self.header[7] += 1;
        self
    }

    pub fn alias(self, owner: &str, target: &str) -> Reply {
        self.record(owner, CNAME, target)
    }

    /// A record of the answer whose data is a name.
    pub fn record(self, owner: &str, kind: u16, target: &str) -> Reply {
        self.address(owner, kind, &wire_name(target))
    }

    /// A record of the authority section whose data is a name.
    pub fn authority(mut self, owner: &str, kind: u16, target: &str) -> Reply {
        self.push(owner, kind, IN, &wire_name(target));
        self.header[9] += 1;
        self
    }

    pub fn soa(mut self) -> Reply {
        let mut data = [wire_name("ns.odd.test"), wire_name("hostmaster.odd.test")].concat();
        for number in [1u32, 3600, 600, 86400, 60] {
            data.extend(number.to_be_bytes());
        }
        self.push("odd.test", SOA, IN, &data);
        self.header[9] += 1;
        self
    }

    /// The response code 16: of its upper bits, which are in the OPT record, one is set.
    pub fn bad_version(mut self) -> Reply {
        self.records.extend([0, 0, OPT as u8, 4, 208, 1, 0, 0, 0, 0, 0]);
        self.header[11] += 1;
        self
    }

    /// An answer whose owner is a pointer to itself.
    pub fn pointer_loop(mut self) -> Reply {
        let place = HEADER + self.question.len() + self.records.len();
        self.records.extend([
            0xc0 | (place >> 8) as u8,
            place as u8,
            0,
            A as u8,
            0,
            1,
            0,
            0,
            0,
            60,
            0,
            4,
            192,
            0,
            2,
            1,
        ]);
        self.header[7] += 1;
        self
    }

    fn push(&mut self, owner: &str, kind: u16, class: u16, data: &[u8]) {
        self.records.extend(wire_name(owner));
        self.records.extend(kind.to_be_bytes());
        self.records.extend(class.to_be_bytes());
        self.records.extend(self.ttl.to_be_bytes());
        self.records.extend((data.len() as u16).to_be_bytes());
        self.records.extend(data);
    }
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.') {
        wire.push(label.len() as u8);
        wire.extend(label.bytes());
    }
    wire.push(0);
    wire
}
