//! One question for the name servers, through its candidate names, for everybody who asks it.
//!
//! Part of the lookup machine.
//!
//! | place   | meaning                                           | socket            | deadline                                  |
//! |---------|---------------------------------------------------|-------------------|-------------------------------------------|
//! | InLine  | others are asked first, or there is no descriptor | none              | its last one, its patience with a family  |
//! | Asking  | a name server is asked                            | its transaction's | its transaction's, its last one           |

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::local;
use super::order::put_in_order;
use crate::dns::config::ResolverConfig;
use crate::dns::message::{ChainEnd, DnsName, Question, RecordType};
use crate::dns::search::{Search, Step};
use crate::dns::transaction::{Answered, Context, Flow, Transaction, Trouble};
use crate::lookup::{Family, Host, LookupFailure, Source};
use crate::message::HostPart;
use crate::moment::Moment;
use crate::network::{Network, SocketKey, SocketOwner};
use crate::rings::Ring;

/// What a job asks. Whoever asks the same while it is asked joins it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum JobQuestion {
    /// A name in lower case, with its final dot if it has one.
    Host {
        name: String,
        family: Family,
    },
    Address(IpAddr),
}

/// Whether a job is asked at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    InLine,
    Asking,
}

/// One question for the name servers.
pub(super) struct Job {
    pub(super) question: JobQuestion,
    /// The lookups that wait for it.
    pub(super) askers: Ring,
    pub(super) place: Place,
    /// The last moment at which it is over, whatever the servers do.
    last_moment: Option<Moment>,
    config: Arc<ResolverConfig>,
    first_server: usize,
    owner: SocketOwner,
    /// The candidates still to be tried; none for an address.
    search: Option<Search>,
    transaction: Transaction,
    /// Questions sent for candidates that failed.
    sent_before: u32,
    /// The families found so far, for those who want each as it comes.
    pub(super) parts: Vec<HostPart>,
}

/// How a job ended.
#[derive(Clone)]
pub(super) enum Conclusion {
    Found(Box<Host>),
    Failed { failure: LookupFailure, server: Option<SocketAddr>, attempts: u32 },
}

/// What a step of a job led to.
pub(super) enum JobFlow {
    Pending,
    CutShort,
    Starved,
    Over(Conclusion),
}

impl Job {
    /// A job that stands in line, for a lookup that was `started` then. Fails if the name has no form on the wire.
    pub(super) fn new(
        question: JobQuestion,
        config: Arc<ResolverConfig>,
        first_server: usize,
        owner: SocketOwner,
        started: Moment,
    ) -> Result<Job, LookupFailure> {
        let (search, questions) = match &question {
            JobQuestion::Host { name, family } => {
                let (candidate, search) = Search::start(name, &config);
                let questions =
                    host_questions(&candidate.name, *family, &config).ok_or(LookupFailure::MalformedName)?;
                (Some(search), questions)
            }
            JobQuestion::Address(address) => {
                let name = DnsName::reverse_of(address.to_canonical());
                (None, vec![Question { name, record_type: RecordType::Ptr }])
            }
        };
        if questions.is_empty() {
            return Err(LookupFailure::NoData);
        }
        Ok(Job {
            question,
            askers: Ring::EMPTY,
            place: Place::InLine,
            last_moment: config.deadline().map(|limit| started.saturating_add(limit)),
            transaction: Transaction::new(config.clone(), owner, questions, first_server),
            config,
            first_server,
            owner,
            search,
            sent_before: 0,
            parts: Vec::new(),
        })
    }

    /// When a step is due though nothing arrives.
    pub(super) fn deadline(&self) -> Option<Moment> {
        [self.transaction.deadline(), self.last_moment].into_iter().flatten().min()
    }

    pub(super) fn socket(&self) -> Option<SocketKey> {
        self.transaction.socket()
    }

    /// Asks the first name server, or the next one after it was starved.
    pub(super) fn begin<N: Network>(&mut self, context: &mut Context<'_, N>) -> JobFlow {
        let flow = self.transaction.begin(context);
        self.follow(flow, context)
    }

    pub(super) fn ready<N: Network>(&mut self, socket: SocketKey, context: &mut Context<'_, N>) -> JobFlow {
        let flow = self.transaction.ready(socket, context);
        self.follow(flow, context)
    }

    /// Takes in that a deadline has passed. First what has come by now: the program may have been busy, or others had this
    /// turn's share of ready sockets.
    pub(super) fn expire<N: Network>(&mut self, context: &mut Context<'_, N>) -> JobFlow {
        if let Some(socket) = self.socket() {
            let flow = self.ready(socket, context);
            let is_due = self.deadline().is_some_and(|deadline| deadline <= context.now);
            if !(is_due && matches!(flow, JobFlow::Pending | JobFlow::CutShort)) {
                return flow;
            }
        }
        if self.last_moment.is_some_and(|last| last <= context.now) {
            self.transaction.close(context.network);
            return JobFlow::Over(match self.found(context.network) {
                Some(host) => Conclusion::Found(Box::new(host)),
                None => self.failed(LookupFailure::TimedOut),
            });
        }
        let flow = self.transaction.expire(context);
        self.follow(flow, context)
    }

    pub(super) fn close<N: Network>(&mut self, network: &mut N) {
        self.transaction.close(network);
    }

    /// Goes on from where the transaction stands: a candidate that failed leads to the next one.
    fn follow<N: Network>(&mut self, mut flow: Flow, context: &mut Context<'_, N>) -> JobFlow {
        loop {
            self.collect_parts();
            match flow {
                Flow::Pending => return JobFlow::Pending,
                Flow::CutShort => return JobFlow::CutShort,
                Flow::Starved => return JobFlow::Starved,
                Flow::Finished => {}
            }
            if let Some(host) = self.found(context.network) {
                return JobFlow::Over(Conclusion::Found(Box::new(host)));
            }
            let failure = self.candidate_failure();
            let step = self.search.as_mut().map_or(Step::Stop(failure), |search| search.note(failure));
            let candidate = match step {
                Step::Stop(failure) => return JobFlow::Over(self.failed(failure)),
                Step::Try(candidate) => candidate,
            };
            log::debug!("{failure}, trying {}", candidate.name);
            let JobQuestion::Host { family, .. } = self.question else { return JobFlow::Over(self.failed(failure)) };
            let Some(questions) = host_questions(&candidate.name, family, &self.config) else { continue };
            self.sent_before += self.transaction.sent();
            self.transaction = Transaction::new(self.config.clone(), self.owner, questions, self.first_server);
            flow = self.transaction.begin(context);
        }
    }

    /// Notes the families that have come since the last look.
    fn collect_parts(&mut self) {
        for (question, answered) in self.transaction.answers() {
            let family = if question.record_type == RecordType::A { Family::V4 } else { Family::V6 };
            let ChainEnd::Addresses(addresses) = &answered.end else { continue };
            if self.parts.iter().all(|part| part.family != family) {
                self.parts.push(HostPart {
                    family,
                    canonical_name: answered.canonical.to_string(),
                    addresses: addresses.clone(),
                    ttl: ttl(answered),
                    source: Source::NameServer(answered.server),
                });
            }
        }
    }

    /// The answer, if one of the questions has one.
    fn found<N: Network>(&self, network: &mut N) -> Option<Host> {
        let mut found: Option<Host> = None;
        for (_, answered) in self.transaction.answers() {
            let (names, addresses) = match &answered.end {
                ChainEnd::Addresses(addresses) => (&[][..], &addresses[..]),
                ChainEnd::Names(names) => (&names[..], &[][..]),
                _ => continue,
            };
            let host = found.get_or_insert_with(|| self.first_found(answered, names));
            host.addresses.extend(addresses);
            host.ttl = [host.ttl, ttl(answered)].into_iter().flatten().min();
        }
        let mut host = found?;
        host.incomplete = !self.transaction.is_answered();
        put_in_order(&mut host, network);
        Some(host)
    }

    /// The answer to the first question that has one, without the addresses that it found.
    fn first_found(&self, answered: &Answered, names: &[DnsName]) -> Host {
        let source = Source::NameServer(answered.server);
        match (&self.question, names) {
            (JobQuestion::Address(address), [first, others @ ..]) => Host {
                aliases: others.iter().map(DnsName::to_string).collect(),
                ..local::host(first.to_string(), vec![SocketAddr::new(*address, 0)], source)
            },
            _ => Host {
                aliases: answered.aliases.iter().map(DnsName::to_string).collect(),
                ..local::host(answered.canonical.to_string(), Vec::new(), source)
            },
        }
    }

    /// Why the candidate has no answer: that a name does not exist holds for both families.
    fn candidate_failure(&self) -> LookupFailure {
        let ends = || self.transaction.answers().map(|(_, answered)| &answered.end);
        if ends().any(|end| matches!(end, ChainEnd::NxDomain)) {
            LookupFailure::NotFound
        } else if self.transaction.is_answered() {
            LookupFailure::NoData
        } else {
            self.transaction.trouble().map_or(LookupFailure::TimedOut, |trouble| trouble.failure)
        }
    }

    fn failed(&self, failure: LookupFailure) -> Conclusion {
        let asked = self.transaction.answers().next().map(|(_, answered)| answered.server);
        let troubled = self.transaction.trouble().map(|Trouble { server, .. }| server);
        let server = match failure {
            LookupFailure::NotFound | LookupFailure::NoData => asked.or(troubled),
            _ => troubled.or(asked),
        };
        Conclusion::Failed { failure, server, attempts: self.sent_before + self.transaction.sent() }
    }
}

/// The questions for a name: AAAA first (RFC 8305 section 3). `None` if it has no form on the wire.
fn host_questions(name: &str, family: Family, config: &ResolverConfig) -> Option<Vec<Question>> {
    let name = DnsName::parse(name).ok()?;
    let types: &[RecordType] = match family {
        Family::Any if !config.no_aaaa() => &[RecordType::Aaaa, RecordType::A],
        Family::Any | Family::V4 => &[RecordType::A],
        Family::V6 if !config.no_aaaa() => &[RecordType::Aaaa],
        Family::V6 => &[],
    };
    Some(types.iter().map(|&record_type| Question { name: name.clone(), record_type }).collect())
}

fn ttl(answered: &Answered) -> Option<Duration> {
    answered.ttl_secs.map(|seconds| Duration::from_secs(seconds.into()))
}
