//! What one name is, asked of the name servers until one answers.
//!
//! Floor 1. Pure: no socket, no clock, no randomness of its own.
//!
//! A transaction has one or two *questions* about one name: A and AAAA go side by side, over one
//! socket that is opened for them and never used again. They are asked of one server at a time.
//! What became of each question is its own state, where the exchange with the server stands is another:
//!
//! | question  | meaning                                              | once nothing is outstanding     |
//! |-----------|------------------------------------------------------|---------------------------------|
//! | Open      | to be asked: the first time, in plain, of a new name | asked of the same server        |
//! | Asked     | outstanding                                          |                                 |
//! | Truncated | the answer does not fit in a datagram                | asked of this server by stream  |
//! | Failed    | this server cannot answer it                         | asked of the next server        |
//! | Answered  | done                                                 |                                 |
//!
//! | exchange | reply                     | refused, unreachable, closed | deadline passed                   |
//! |----------|---------------------------|------------------------------|-----------------------------------|
//! | None     |                           |                              |                                   |
//! | Datagram | its question changes      | next server at once          | outstanding: next server          |
//! | Stream   | its question changes      | next server at once          | outstanding: next server          |
//!
//! A reply counts when it comes from the server asked, over the socket it was asked on, with the id and
//! the question that are outstanding (RFC 5452 section 9.1). Whatever else arrives is ignored: it costs
//! neither the attempt nor its time. The time for each server is the configured timeout, without the
//! doubling of some resolvers, so that a lookup's length can be told beforehand.

mod question;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::config::ResolverConfig;
use super::framing::{FrameReader, FrameWriter};
use super::message::{EDNS_PAYLOAD_BYTES, Mismatch, Question, encode_query, parse_reply};
use crate::lookup::LookupFailure;
use crate::moment::Moment;
use crate::network::{Network, OpenError, SocketKey, SocketOwner, Transport};

pub(crate) use question::Answered;
use question::{Asking, State, is_ignorant_of_edns};

/// How many datagrams of one socket are read before others get their turn: a flood of forged ones must
/// not hold up a frame.
const DATAGRAMS_PER_STEP: usize = 32;

/// How many reads of one stream before others get their turn. The longest answer is two buffers long.
const READS_PER_STEP: usize = 8;

/// What a step needs from outside.
pub(crate) struct Context<'a, N> {
    pub(crate) now: Moment,
    pub(crate) network: &'a mut N,
    pub(crate) scratch: &'a mut Scratch,
}

/// What all transactions share: buffers, and what is known of the servers.
pub(crate) struct Scratch {
    received: Vec<u8>,
    query: Vec<u8>,
    /// Servers that do not understand EDNS. By their addresses: a transaction that began before the
    /// configuration changed may still learn of one.
    plain_servers: Vec<SocketAddr>,
    /// Datagrams that were no answer to what was asked.
    pub(crate) ignored: u64,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        Scratch { received: vec![0; usize::from(u16::MAX)], query: Vec::new(), plain_servers: Vec::new(), ignored: 0 }
    }

    /// Forgets what is known of the servers: they are others.
    pub(crate) fn forget_servers(&mut self) {
        self.plain_servers.clear();
    }

    fn note_plain(&mut self, server: SocketAddr) {
        if !self.plain_servers.contains(&server) {
            self.plain_servers.push(server);
        }
    }
}

/// Where a transaction stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It waits for its socket or its deadline.
    Pending,
    /// As `Pending`, and its socket has more to read: it wants another step without waiting.
    CutShort,
    /// It needs a descriptor and there is none. It holds no socket.
    Starved,
    /// Every question is answered or given up. It holds no socket.
    Finished,
}

/// One name, asked of the name servers.
pub(crate) struct Transaction {
    config: Arc<ResolverConfig>,
    owner: SocketOwner,
    questions: Vec<Asking>,
    first_server: usize,
    /// How many times a server was chosen.
    tries: usize,
    /// How many servers in a row could not be reached.
    unreachable_in_a_row: usize,
    exchange: Exchange,
    /// When the wait for the second question ends because the first is answered.
    patience_end: Option<Moment>,
    sent: u32,
    trouble: Option<Trouble>,
}

enum Exchange {
    None,
    Datagram { socket: SocketKey, deadline: Moment },
    Stream { socket: SocketKey, deadline: Moment, writer: FrameWriter, reader: FrameReader },
}

/// Why no server has answered so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) failure: LookupFailure,
    pub(crate) server: SocketAddr,
}

/// Whether a server could be asked.
enum Asked {
    Yes,
    Starved,
    Unreachable,
}

impl Transaction {
    /// Asks `questions`, all about one name, beginning at the configuration's server `first_server`.
    pub(crate) fn new(
        config: Arc<ResolverConfig>,
        owner: SocketOwner,
        questions: impl IntoIterator<Item = Question>,
        first_server: usize,
    ) -> Transaction {
        Transaction {
            config,
            owner,
            questions: questions.into_iter().map(Asking::new).collect(),
            first_server,
            tries: 0,
            unreachable_in_a_row: 0,
            exchange: Exchange::None,
            patience_end: None,
            sent: 0,
            trouble: None,
        }
    }

    /// When the next step is due though nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let server = match self.exchange {
            Exchange::None => None,
            Exchange::Datagram { deadline, .. } | Exchange::Stream { deadline, .. } => Some(deadline),
        };
        [server, self.patience_end].into_iter().flatten().min()
    }

    pub(crate) fn socket(&self) -> Option<SocketKey> {
        match self.exchange {
            Exchange::None => None,
            Exchange::Datagram { socket, .. } | Exchange::Stream { socket, .. } => Some(socket),
        }
    }

    /// How many questions were sent.
    pub(crate) fn sent(&self) -> u32 {
        self.sent
    }

    /// What kept the unanswered questions from an answer.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// The answers so far, each with its question.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&Question, &Answered)> {
        self.questions.iter().filter_map(|asking| match &asking.state {
            State::Answered(answered) => Some((&asking.question, answered)),
            _ => None,
        })
    }

    /// Whether every question has its answer.
    pub(crate) fn is_answered(&self) -> bool {
        self.questions.iter().all(Asking::is_answered)
    }

    /// Asks the first server, or the next one after it was starved of descriptors.
    pub(crate) fn begin<N: Network>(&mut self, context: &mut Context<'_, N>) -> Flow {
        self.ask_next(context)
    }

    /// Takes in what its socket is ready for.
    pub(crate) fn ready<N: Network>(&mut self, socket: SocketKey, context: &mut Context<'_, N>) -> Flow {
        match self.exchange {
            Exchange::Datagram { socket: own, .. } if own == socket => self.read_datagrams(socket, context),
            Exchange::Stream { socket: own, .. } if own == socket => self.drive_stream(context),
            _ => Flow::Pending,
        }
    }

    /// Takes in that the time has passed [`deadline`](Transaction::deadline).
    pub(crate) fn expire<N: Network>(&mut self, context: &mut Context<'_, N>) -> Flow {
        if self.deadline().is_none_or(|deadline| context.now < deadline) {
            return Flow::Pending;
        }
        if self.patience_end.is_some_and(|end| end <= context.now) {
            self.note(LookupFailure::TimedOut);
            return self.finish(context);
        }
        self.note(LookupFailure::TimedOut);
        self.unreachable_in_a_row = 0;
        for asking in &mut self.questions {
            if let State::Asked { .. } = asking.state {
                asking.state = State::Failed;
            }
        }
        self.proceed(context)
    }

    /// Stops, and closes its socket.
    pub(crate) fn close<N: Network>(&mut self, network: &mut N) {
        match std::mem::replace(&mut self.exchange, Exchange::None) {
            Exchange::None => {}
            Exchange::Datagram { socket, .. } | Exchange::Stream { socket, .. } => network.close(socket),
        }
    }

    fn finish<N: Network>(&mut self, context: &mut Context<'_, N>) -> Flow {
        self.close(context.network);
        Flow::Finished
    }

    /// Decides what comes next once a question's state has changed.
    fn proceed<N: Network>(&mut self, context: &mut Context<'_, N>) -> Flow {
        let any = |wanted: fn(&State) -> bool| self.questions.iter().any(|asking| wanted(&asking.state));
        if any(|state| matches!(state, State::Asked { .. })) {
            return Flow::Pending;
        }
        if self.is_answered() {
            return self.finish(context);
        }
        let transport = if any(|state| matches!(state, State::Truncated)) {
            Transport::Stream
        } else if any(|state| matches!(state, State::Open)) {
            self.first_transport()
        } else {
            return self.ask_another(context);
        };
        match self.ask_server(transport, context) {
            Asked::Yes => Flow::Pending,
            Asked::Starved => Flow::Starved,
            Asked::Unreachable => self.ask_another(context),
        }
    }

    /// Gives the server up and asks the next one.
    fn ask_another<N: Network>(&mut self, context: &mut Context<'_, N>) -> Flow {
        self.tries += 1;
        self.ask_next(context)
    }

    fn ask_next<N: Network>(&mut self, context: &mut Context<'_, N>) -> Flow {
        self.close(context.network);
        for asking in &mut self.questions {
            if !asking.is_answered() {
                asking.state = State::Open;
            }
        }
        let servers = self.config.servers().len();
        while self.tries < servers * self.config.attempts() as usize && self.unreachable_in_a_row < servers {
            match self.ask_server(self.first_transport(), context) {
                Asked::Yes => return Flow::Pending,
                Asked::Starved => return Flow::Starved,
                Asked::Unreachable => self.tries += 1,
            }
        }
        self.finish(context)
    }

    fn first_transport(&self) -> Transport {
        if self.config.use_tcp() { Transport::Stream } else { Transport::Datagram }
    }

    /// The server that was chosen last.
    fn server(&self) -> SocketAddr {
        let servers = self.config.servers();
        servers[(self.first_server + self.tries) % servers.len()]
    }

    /// Asks the server what is not answered, on a socket opened for it.
    fn ask_server<N: Network>(&mut self, transport: Transport, context: &mut Context<'_, N>) -> Asked {
        self.close(context.network);
        let server = self.server();
        let socket = match context.network.open(self.owner, transport, server) {
            Ok(socket) => socket,
            Err(OpenError::OutOfDescriptors) => return Asked::Starved,
            Err(OpenError::Unreachable(error)) => return self.unreachable(transport, &error),
        };
        let deadline = context.now.saturating_add(self.config.timeout());
        self.exchange = match transport {
            Transport::Datagram => Exchange::Datagram { socket, deadline },
            Transport::Stream => {
                let (writer, reader) = (FrameWriter::default(), FrameReader::default());
                Exchange::Stream { socket, deadline, writer, reader }
            }
        };
        let speaks_edns = self.config.edns() && !context.scratch.plain_servers.contains(&server);
        let edns = speaks_edns.then_some(EDNS_PAYLOAD_BYTES);
        let mut other_id = None;
        for index in 0..self.questions.len() {
            if !matches!(self.questions[index].state, State::Open | State::Truncated) {
                continue;
            }
            let id = fresh_id(other_id, context.network);
            other_id = Some(id);
            encode_query(&mut context.scratch.query, id, &self.questions[index].question, edns);
            if let Err(error) = self.transmit(&context.scratch.query, context.network) {
                self.close(context.network);
                return self.unreachable(transport, &error);
            }
            log::trace!("asked {server} by {transport:?}: {}", self.questions[index].question);
            self.questions[index].state = State::Asked { id, has_edns: edns.is_some() };
            self.sent += 1;
            if self.config.single_request() {
                break;
            }
        }
        Asked::Yes
    }

    /// Sends a query, or queues it for a stream that is not connected yet.
    fn transmit<N: Network>(&mut self, query: &[u8], network: &mut N) -> io::Result<()> {
        match &mut self.exchange {
            Exchange::None => Ok(()),
            Exchange::Datagram { socket, .. } => match network.send(*socket, query) {
                // A send that would block is a datagram lost: the deadline takes care of it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                result => result.map(|_| ()),
            },
            Exchange::Stream { writer, .. } => {
                writer.queue(query).expect("a stream has room for two queries");
                Ok(())
            }
        }
    }

    fn unreachable(&mut self, transport: Transport, error: &io::Error) -> Asked {
        log::debug!("name server {}: {error}", self.server());
        if transport == self.first_transport() {
            self.unreachable_in_a_row += 1;
            self.note(LookupFailure::NetworkDown);
        } else {
            // Its truncated answer came by datagram, so there is a way to it.
            self.unreachable_in_a_row = 0;
            self.note(LookupFailure::ServerFailure);
        }
        for asking in &mut self.questions {
            if let State::Asked { .. } = asking.state {
                asking.state = State::Open;
            }
        }
        Asked::Unreachable
    }

    fn read_datagrams<N: Network>(&mut self, socket: SocketKey, context: &mut Context<'_, N>) -> Flow {
        let mut trouble = None;
        for _ in 0..DATAGRAMS_PER_STEP {
            match context.network.receive(socket, &mut context.scratch.received) {
                Ok(length) => {
                    let bytes = std::mem::take(&mut context.scratch.received);
                    self.take_in(&bytes[..length], Transport::Datagram, context.scratch, context.now);
                    context.scratch.received = bytes;
                    match self.proceed(context) {
                        Flow::Pending if self.socket() == Some(socket) => {}
                        flow => return flow,
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock if trouble.is_none() => return Flow::Pending,
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => {}
                    // The system tells it before an answer that came earlier: to the other question, or to this one,
                    // where the error was forged.
                    _ => trouble = Some(error),
                },
            }
        }
        match trouble {
            Some(error) => self.lose_server(&error, context),
            None => Flow::CutShort,
        }
    }

    fn drive_stream<N: Network>(&mut self, context: &mut Context<'_, N>) -> Flow {
        for _ in 0..READS_PER_STEP {
            let Exchange::Stream { socket, writer, reader, .. } = &mut self.exchange else { return Flow::Pending };
            let socket = *socket;
            while !writer.remaining().is_empty() {
                match context.network.send(socket, writer.remaining()) {
                    Ok(count) => writer.advance(count),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // Not connected yet, or no room: it will be reported writable.
                    Err(error) if is_not_yet(&error) => return Flow::Pending,
                    Err(error) => return self.lose_server(&error, context),
                }
            }
            let length = match context.network.receive(socket, &mut context.scratch.received) {
                Ok(0) => return self.lose_server(&io::ErrorKind::UnexpectedEof.into(), context),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_not_yet(&error) => return Flow::Pending,
                Err(error) => return self.lose_server(&error, context),
            };
            let mut reader = std::mem::take(reader);
            let bytes = std::mem::take(&mut context.scratch.received);
            let mut unread = &bytes[..length];
            while !unread.is_empty() {
                unread = &unread[reader.push(unread)..];
                while let Some(frame) = reader.next_frame() {
                    self.take_in(frame, Transport::Stream, context.scratch, context.now);
                }
            }
            context.scratch.received = bytes;
            if let Exchange::Stream { reader: place, .. } = &mut self.exchange {
                *place = reader;
            }
            match self.proceed(context) {
                Flow::Pending => {}
                flow => return flow,
            }
        }
        Flow::CutShort
    }

    /// The server refused, cannot be reached or closed the stream: the next one, at once.
    fn lose_server<N: Network>(&mut self, error: &io::Error, context: &mut Context<'_, N>) -> Flow {
        match self.exchange {
            // It was reached, and broke off.
            Exchange::Stream { .. } if !is_unreachable(error) => {
                log::debug!("name server {} broke the stream off: {error}", self.server());
                self.unreachable_in_a_row = 0;
                self.note(LookupFailure::ServerFailure);
            }
            Exchange::Stream { .. } => _ = self.unreachable(Transport::Stream, error),
            _ => _ = self.unreachable(Transport::Datagram, error),
        }
        self.ask_another(context)
    }

    /// Takes in a message that came over its socket.
    fn take_in(&mut self, bytes: &[u8], transport: Transport, scratch: &mut Scratch, now: Moment) {
        let server = self.server();
        for asking in &mut self.questions {
            let State::Asked { id, has_edns } = asking.state else { continue };
            match parse_reply(bytes, id, &asking.question) {
                Err(Mismatch::BareFormatError) if has_edns => {
                    scratch.note_plain(server);
                    asking.state = State::Open;
                }
                Err(mismatch) => {
                    log::trace!("ignoring what is no answer to {}: {mismatch:?}", asking.question);
                    continue;
                }
                Ok(reply) => {
                    self.unreachable_in_a_row = 0;
                    if has_edns && is_ignorant_of_edns(&reply) {
                        scratch.note_plain(server);
                        asking.state = State::Open;
                    } else if let Err(failure) = asking.settle(reply, transport, server) {
                        self.note(failure);
                    } else if asking.has_data() {
                        self.patience_end = Some(now.saturating_add(self.config.family_patience()));
                    }
                }
            }
            return;
        }
        scratch.ignored += 1;
    }

    /// Keeps the most telling reason for having no answer: what a server said before its silence.
    fn note(&mut self, failure: LookupFailure) {
        let weight = |failure| match failure {
            LookupFailure::ServerFailure | LookupFailure::Refused => 2,
            LookupFailure::TimedOut => 1,
            _ => 0,
        };
        if self.trouble.is_none_or(|trouble| weight(failure) >= weight(trouble.failure)) {
            self.trouble = Some(Trouble { failure, server: self.server() });
        }
    }
}

/// An id that the other outstanding question does not have.
fn fresh_id(other: Option<u16>, network: &mut impl Network) -> u16 {
    loop {
        let id = network.unpredictable();
        if other != Some(id) {
            return id;
        }
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected)
}

fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | NetworkDown | AddrNotAvailable)
}
