//! A name server that does what no server should do and some do: the first label of a name says which.
//!
//! `chain-backwards.n3.odd.test` has its records backwards; `p2.chain-in-pieces.n3.odd.test` is the third piece of a
//! chain. Every name that means nothing has the addresses 192.0.2.1 and 2001:db8::1.

use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

use crate::wire::{A, AAAA, DNAME, NS, Question, Reply, rcode};

/// How many names each oddity is asked by.
pub const NAMES_EACH: usize = 8;

/// What is sent for a question: messages in this order, or none.
type Oddity = fn(&Question) -> Vec<Reply>;

/// The oddities by their names.
pub const ODDITIES: &[(&str, Oddity)] = &[
    ("plain", |question| vec![good(question)]),
    // What there is not.
    ("nx-with-soa", |question| vec![Reply::to(question).rcode(rcode::NXDOMAIN).soa()]),
    ("nx-without-soa", |question| vec![Reply::to(question).rcode(rcode::NXDOMAIN)]),
    ("nodata-with-soa", |question| vec![Reply::to(question).soa()]),
    ("nodata-without-soa", |question| vec![Reply::to(question)]),
    ("referral", |question| vec![Reply::to(question).not_authoritative().authority("odd.test", NS, "ns.odd.test")]),
    ("alias-to-nx", |question| {
        vec![Reply::to(question).rcode(rcode::NXDOMAIN).alias(&question.name, "none.odd.test").soa()]
    }),
    ("alias-to-nodata", |question| vec![Reply::to(question).alias(&question.name, "empty.odd.test").soa()]),
    ("nx-with-address", |question| vec![good(question).rcode(rcode::NXDOMAIN)]),
    ("only-unrelated", |question| vec![addresses(Reply::to(question), question, "other.odd.test")]),
    // Failures.
    ("servfail", |question| vec![Reply::to(question).rcode(rcode::SERVFAIL)]),
    ("refused", |question| vec![Reply::to(question).rcode(rcode::REFUSED)]),
    ("formerr", |question| vec![Reply::to(question).rcode(rcode::FORMERR)]),
    ("notimp", |question| vec![Reply::to(question).rcode(rcode::NOTIMP)]),
    ("rcode-11", |question| vec![Reply::to(question).rcode(11)]),
    ("silent", |_| vec![]),
    // EDNS that is not understood: it is as if the question without it were another.
    ("edns-formerr", |question| without_edns(question, || vec![Reply::to(question).rcode(rcode::FORMERR)])),
    ("edns-bare-formerr", |question| without_edns(question, || vec![Reply::bare(question).rcode(rcode::FORMERR)])),
    ("edns-notimp", |question| without_edns(question, || vec![Reply::to(question).rcode(rcode::NOTIMP)])),
    ("edns-servfail", |question| without_edns(question, || vec![Reply::to(question).rcode(rcode::SERVFAIL)])),
    ("edns-refused", |question| without_edns(question, || vec![Reply::to(question).rcode(rcode::REFUSED)])),
    ("edns-badvers", |question| without_edns(question, || vec![Reply::to(question).bad_version()])),
    ("edns-silent", |question| without_edns(question, Vec::new)),
    // One family that fails.
    ("v6-nx", |question| one_family(question, || vec![Reply::to(question).rcode(rcode::NXDOMAIN).soa()])),
    ("v6-nodata", |question| one_family(question, || vec![Reply::to(question).soa()])),
    ("v6-servfail", |question| one_family(question, || vec![Reply::to(question).rcode(rcode::SERVFAIL)])),
    ("v6-refused", |question| one_family(question, || vec![Reply::to(question).rcode(rcode::REFUSED)])),
    ("v6-silent", |question| one_family(question, Vec::new)),
    // Letter case.
    ("case-of-question", |question| vec![good(question).question_in_upper_case()]),
    ("case-of-owner", |question| vec![addresses(Reply::to(question), question, &question.name.to_ascii_uppercase())]),
    ("case-of-alias", |question| {
        let reply = Reply::to(question).alias(&question.name.to_ascii_uppercase(), "TARGET.odd.test");
        vec![addresses(reply, question, "target.ODD.test")]
    }),
    // Aliases.
    ("chain-backwards", |question| vec![chain(question, 7, true)]),
    ("chain-of-8", |question| vec![chain(question, 8, false)]),
    ("chain-of-16", |question| vec![chain(question, 16, false)]),
    ("chain-of-17", |question| vec![chain(question, 17, false)]),
    ("chain-of-40", |question| vec![chain(question, 40, false)]),
    ("chain-in-pieces", |question| vec![piece(question, 3)]),
    ("chain-in-12-pieces", |question| vec![piece(question, 12)]),
    ("chain-without-end", |question| vec![piece(question, usize::MAX)]),
    ("ring-of-1", |question| vec![Reply::to(question).alias(&question.name, &question.name)]),
    ("ring-of-2", |question| {
        let other = format!("other.{}", question.name);
        vec![Reply::to(question).alias(&question.name, &other).alias(&other, &question.name)]
    }),
    ("alias-with-data", |question| {
        let reply = Reply::to(question).alias(&question.name, "target.odd.test");
        vec![addresses(addresses(reply, question, "target.odd.test"), question, &question.name)]
    }),
    ("two-aliases", |question| {
        let reply =
            Reply::to(question).alias(&question.name, "target.odd.test").alias(&question.name, "other.odd.test");
        vec![addresses(reply, question, "target.odd.test")]
    }),
    ("dname-alone", |question| {
        vec![addresses(Reply::to(question).record(&question.parent(), DNAME, "odd.test"), question, "target.odd.test")]
    }),
    ("unrelated-too", |question| {
        let reply = Reply::to(question).address("other.odd.test", A, &[192, 0, 2, 66]);
        vec![addresses(reply, question, &question.name)]
    }),
    // Length.
    ("truncated", |question| match question.by_stream {
        true => vec![many(question)],
        false => vec![good(question).truncated()],
    }),
    ("truncated-no-stream", |question| if question.by_stream { vec![] } else { vec![good(question).truncated()] }),
    ("truncated-always", |question| vec![good(question).truncated()]),
    ("long-datagram", |question| vec![many(question)]),
    // What is not the answer, before the answer.
    ("wrong-id-first", |question| vec![decoy(question).id(question.id ^ 0x5555), good(question)]),
    ("wrong-question-first", |question| vec![decoy(question).question_about("other.odd.test"), good(question)]),
    ("query-first", |question| vec![decoy(question).turned_into_a_query(), good(question)]),
    ("late-copy", |question| vec![good(question), decoy(question)]),
    // Messages against the rules.
    ("no-question", |question| vec![good(question).without_question()]),
    ("two-questions", |question| vec![good(question).question_twice()]),
    ("trailing-garbage", |question| vec![good(question).trailing(b"\xff\xff\xff\xff")]),
    ("counts-too-high", |question| vec![good(question).counts_one_more()]),
    ("short-address", |question| vec![Reply::to(question).address(&question.name, question.kind, &[192, 0, 2])]),
    ("pointer-loop", |question| vec![Reply::to(question).pointer_loop()]),
    ("cut-off", |question| vec![good(question).cut(5)]),
    ("class-chaos", |question| vec![Reply::to(question).address_of_class(&question.name, 3)]),
    ("ttl-top-bit", |question| vec![good(question).ttl(0x8000_0001)]),
    ("nothing-but-header", |question| vec![Reply::bare(question)]),
    ("no-authority", |question| vec![good(question).not_authoritative()]),
];

fn good(question: &Question) -> Reply {
    addresses(Reply::to(question), question, &question.name)
}

/// An answer with addresses that nobody should see.
fn decoy(question: &Question) -> Reply {
    let decoy = if question.kind == A { vec![192, 0, 2, 66] } else { v6(0x66) };
    Reply::to(question).address(&question.name, question.kind, &decoy)
}

fn addresses(reply: Reply, question: &Question, owner: &str) -> Reply {
    match question.kind {
        A => reply.address(owner, A, &[192, 0, 2, 1]),
        AAAA => reply.address(owner, AAAA, &v6(1)),
        _ => reply,
    }
}

/// More than a datagram should hold.
fn many(question: &Question) -> Reply {
    (1..=100u8).fold(Reply::to(question), |reply, last| match question.kind {
        A => reply.address(&question.name, A, &[192, 0, 2, last]),
        _ => reply.address(&question.name, AAAA, &v6(last.into())),
    })
}

fn v6(last: u16) -> Vec<u8> {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).octets().to_vec()
}

fn without_edns(question: &Question, otherwise: impl FnOnce() -> Vec<Reply>) -> Vec<Reply> {
    if question.has_edns { otherwise() } else { vec![good(question)] }
}

fn one_family(question: &Question, otherwise: impl FnOnce() -> Vec<Reply>) -> Vec<Reply> {
    if question.kind == AAAA { otherwise() } else { vec![good(question)] }
}

/// All of a chain in one answer.
fn chain(question: &Question, hops: usize, backwards: bool) -> Reply {
    let name = |step: usize| if step == 0 { question.name.clone() } else { format!("c{step}.odd.test") };
    let alias = |reply: Reply, step: usize| reply.alias(&name(step), &name(step + 1));
    match backwards {
        false => addresses((0..hops).fold(Reply::to(question), alias), question, &name(hops)),
        true => (0..hops).rev().fold(addresses(Reply::to(question), question, &name(hops)), alias),
    }
}

/// One alias of a chain, or its end.
fn piece(question: &Question, hops: usize) -> Reply {
    let (step, rest) = question.step();
    if step == hops {
        return good(question);
    }
    Reply::to(question).alias(&question.name, &format!("p{}.{rest}", step + 1))
}

/// Answers questions on this port of the loopback, until the process is ended.
pub fn serve(port: u16) -> io::Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = TcpListener::bind(address)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who breaks a stream off has what it wanted.
            thread::spawn(move || _ = serve_stream(stream));
        }
    });
    let socket = UdpSocket::bind(address)?;
    let mut buffer = [0; 4096];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        let Some(question) = Question::read(&buffer[..length], false) else { continue };
        for reply in replies(&question) {
            socket.send_to(&reply.bytes(), from)?;
        }
    }
}

fn serve_stream(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message)?;
        let Some(question) = Question::read(&message, true) else { return Ok(()) };
        let replies = replies(&question);
        if replies.is_empty() {
            return Ok(());
        }
        for reply in replies {
            let bytes = reply.bytes();
            stream.write_all(&[&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat())?;
        }
    }
}

fn replies(question: &Question) -> Vec<Reply> {
    let (_, name) = question.step();
    let first = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    match ODDITIES.iter().find(|(name, _)| *name == first) {
        Some((_, oddity)) => oddity(question),
        None if first == "empty" => vec![Reply::to(question).soa()],
        None if first == "none" => vec![Reply::to(question).rcode(rcode::NXDOMAIN).soa()],
        None => vec![good(question)],
    }
}
