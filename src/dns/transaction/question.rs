//! One question of a transaction, and what a server's reply makes of it.
//!
//! Part of the transaction: whom to ask next is decided there.

use std::net::SocketAddr;

use crate::dns::message::{Answer, CNAME_HOPS_MAX, ChainEnd, DnsName, FailureCode, Question, Reply};
use crate::lookup::LookupFailure;
use crate::network::Transport;

/// One question and what became of it.
pub(super) struct Asking {
    pub(super) question: Question,
    pub(super) state: State,
    /// The aliases on the way to the name that is asked for at the moment.
    aliases: Vec<DnsName>,
    ttl_secs: Option<u32>,
}

pub(super) enum State {
    Open,
    Asked { id: u16, has_edns: bool },
    Truncated,
    Failed,
    Answered(Answered),
}

/// The answer to one question.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) server: SocketAddr,
    /// The aliases passed, the name asked for first.
    pub(crate) aliases: Vec<DnsName>,
    pub(crate) canonical: DnsName,
    pub(crate) ttl_secs: Option<u32>,
    pub(crate) end: ChainEnd,
}

impl Asking {
    pub(super) fn new(question: Question) -> Asking {
        Asking { question, state: State::Open, aliases: Vec::new(), ttl_secs: None }
    }

    pub(super) fn is_answered(&self) -> bool {
        matches!(self.state, State::Answered(_))
    }

    /// Whether it is answered with data, not with there being none.
    pub(super) fn has_data(&self) -> bool {
        match &self.state {
            State::Answered(answered) => matches!(answered.end, ChainEnd::Addresses(_) | ChainEnd::Names(_)),
            _ => false,
        }
    }

    /// Takes in the reply of `server`, and says why the server has no answer where it has none.
    pub(super) fn settle(
        &mut self,
        reply: Reply,
        transport: Transport,
        server: SocketAddr,
    ) -> Result<(), LookupFailure> {
        let failure = match reply {
            Reply::Answer(answer) if !self.leads_nowhere(&answer) => {
                self.settle_answer(answer, server);
                return Ok(());
            }
            Reply::Truncated if transport == Transport::Datagram => {
                self.state = State::Truncated;
                return Ok(());
            }
            Reply::Failed { code: FailureCode::Refused, .. } => LookupFailure::Refused,
            // Of an answer that leads nowhere no alias is kept: the next server is asked the same, and
            // may know better.
            Reply::Answer(_) | Reply::Failed { .. } | Reply::Truncated | Reply::Referral | Reply::Malformed => {
                LookupFailure::ServerFailure
            }
        };
        self.state = State::Failed;
        Err(failure)
    }

    /// Whether the aliases go round, or on for too long: over however many answers they come.
    fn leads_nowhere(&self, answer: &Answer) -> bool {
        let is_endless = match answer.end {
            ChainEnd::Continue => self.aliases.contains(&answer.canonical),
            ChainEnd::Loop | ChainEnd::TooLong => true,
            _ => false,
        };
        is_endless || self.aliases.len() + answer.aliases.len() > CNAME_HOPS_MAX
    }

    fn settle_answer(&mut self, answer: Answer, server: SocketAddr) {
        self.ttl_secs = [self.ttl_secs, answer.ttl_secs].into_iter().flatten().min();
        self.aliases.extend(answer.aliases);
        let (canonical, ttl_secs) = (answer.canonical, self.ttl_secs);
        self.state = match answer.end {
            ChainEnd::Continue => {
                self.question.name = canonical;
                State::Open
            }
            end => {
                let aliases = std::mem::take(&mut self.aliases);
                State::Answered(Answered { server, aliases, canonical, ttl_secs, end })
            }
        };
    }
}

/// A failure that asking without EDNS may cure (RFC 6891 section 7).
pub(super) fn is_ignorant_of_edns(reply: &Reply) -> bool {
    match reply {
        Reply::Failed { code: FailureCode::BadVers, .. } => true,
        Reply::Failed { code: FailureCode::FormErr | FailureCode::NotImp, has_edns } => !has_edns,
        _ => false,
    }
}
