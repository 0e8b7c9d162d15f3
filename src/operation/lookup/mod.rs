//! Lookups: six kinds of questions about names, answered on the pump's own thread.
//!
//! Floor 2. Pure: sockets are asked for through [`Network`], time and the texts of files are
//! arguments.
//!
//! A *lookup* is what one caller wants; a *job* is one question for the name servers. Lookups with
//! the same question share a job, and it ends with the last of them. At most as many jobs as the
//! configuration says are asked at a time, the others stand in line. A job that gets no descriptor
//! goes back to the head of the line, and the line moves when a job ends or after
//! [`DESCRIPTOR_PATIENCE`], never in a spin.
//!
//! | lookup       | next                                                                           |
//! |--------------|--------------------------------------------------------------------------------|
//! | AwaitsHosts  | the hosts file is indexed: answered by it, or Asks                             |
//! | Asks         | its job is over, or it is cancelled                                            |

mod job;
mod local;
mod order;
mod outcome;
mod tables;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::dns::config::ResolverConfig;
use crate::dns::transaction::{Context, Scratch};
use crate::error::StartRefusal;
use crate::file_report::FileReport;
use crate::line::Line;
use crate::lookup::{Host, HostKey, HostQuery, LookupError, LookupErrorDetail, ProtocolQuery, ServiceQuery};
use crate::message::HostPart;
use crate::moment::Moment;
use crate::network::{JobKey, Network, SocketKey, SocketOwner};
use crate::rings::Rings;
use crate::slots::{Slot, Slots, slot_of};
use crate::timers::Timers;

use job::{Conclusion, Job, JobFlow, JobQuestion, Place};
use local::Local;
use order::put_in_order;
use tables::Tables;

pub(crate) use outcome::{Delivery, LookupOutcome};

/// How long the line waits for a descriptor when no job's end has given one back.
const DESCRIPTOR_PATIENCE: Duration = Duration::from_millis(50);

/// How many jobs leave the line in one turn. Where there is no way to a server each is over at once, and
/// a long line would hold the turn up.
const LINE_MOVES_PER_TURN: usize = 256;

slotmap::new_key_type! { struct LookupKey; }

/// As many lookups wait in line as may.
pub(crate) struct LineFull;

impl From<LineFull> for StartRefusal {
    fn from(_: LineFull) -> StartRefusal {
        StartRefusal::Full
    }
}

/// The machine that answers lookups.
pub(crate) struct Resolver {
    config: Arc<ResolverConfig>,
    tables: Tables,
    lookups: Slots<LookupKey, Lookup>,
    /// Lookups that wait until the hosts file is indexed.
    awaiting_hosts: Line,
    jobs: Slots<JobKey, Job>,
    jobs_by_question: HashMap<JobQuestion, Slot>,
    /// Which lookups wait for the same.
    askers: Rings,
    /// Jobs that wait to be asked.
    line: Line,
    asking: usize,
    /// When the line moves though no job ends: there was no descriptor.
    starved_until: Option<Moment>,
    /// A place is free and the line has not moved since.
    place_free: bool,
    timers: Timers,
    /// Jobs whose sockets have more to read than one turn's share.
    cut_short: Vec<(JobKey, SocketKey)>,
    next_first_server: usize,
    scratch: Scratch,
    deliveries: VecDeque<Delivery>,
}

/// What one caller wants.
struct Lookup {
    operation: Slot,
    query: HostQuery,
    started: Moment,
    state: LookupState,
}

enum LookupState {
    AwaitsHosts,
    Asks { job: Slot },
}

impl Lookup {
    /// Tells one address family, to a lookup that wants each.
    fn tell_part(&self, part: &HostPart, deliveries: &mut VecDeque<Delivery>) {
        if self.query.streamed {
            let outcome = LookupOutcome::HostPart(Box::new(part.clone()));
            deliveries.push_back(Delivery { operation: self.operation, outcome });
        }
    }
}

impl Resolver {
    pub(crate) fn new(config: ResolverConfig) -> Resolver {
        Resolver {
            config: Arc::new(config),
            tables: Tables::new(),
            lookups: Slots::new(),
            awaiting_hosts: Line::new(),
            jobs: Slots::new(),
            jobs_by_question: HashMap::new(),
            askers: Rings::new(),
            line: Line::new(),
            asking: 0,
            starved_until: None,
            place_free: false,
            timers: Timers::new(),
            cut_short: Vec::new(),
            next_first_server: 0,
            scratch: Scratch::new(),
            deliveries: VecDeque::new(),
        }
    }

    /// Asks name servers as `config` says from now on. Jobs under way end as they began.
    pub(crate) fn set_config(&mut self, config: ResolverConfig) {
        self.config = Arc::new(config);
        self.jobs_by_question.clear();
        self.scratch.forget_servers();
        self.next_first_server = 0;
        // More may be asked at a time than before.
        self.place_free = true;
    }

    pub(crate) fn config(&self) -> &ResolverConfig {
        &self.config
    }

    pub(crate) fn set_hosts(&mut self, text: Option<Vec<u8>>, network: &impl Network) {
        self.tables.set_hosts(text, &|name| network.interface_index(name));
    }

    pub(crate) fn set_services(&mut self, text: Option<&[u8]>) {
        self.tables.set_services(text);
    }

    pub(crate) fn set_protocols(&mut self, text: Option<&[u8]>) {
        self.tables.set_protocols(text);
    }

    pub(crate) fn reports(&self) -> [FileReport; 3] {
        self.tables.reports()
    }

    pub(crate) fn line_len(&self) -> usize {
        self.line.len()
    }

    pub(crate) fn ignored_datagrams(&self) -> u64 {
        self.scratch.ignored
    }

    /// The outcomes that came about since the last call, in order.
    pub(crate) fn take_delivery(&mut self) -> Option<Delivery> {
        self.deliveries.pop_front()
    }

    /// Whether there is work that waits for nothing.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !self.cut_short.is_empty() || !self.awaiting_hosts.is_empty() || self.place_free && !self.line.is_empty()
    }

    /// The soonest moment at which a step is due though nothing arrives.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        let job = self.timers.first().map(|(deadline, _)| deadline);
        let line = self.starved_until.filter(|_| !self.line.is_empty());
        Moment::sooner(job, line)
    }

    pub(crate) fn service(&self, query: &ServiceQuery) -> LookupOutcome {
        local::service(query, &self.tables.services, &self.tables.protocols)
    }

    pub(crate) fn protocol(&self, query: &ProtocolQuery) -> LookupOutcome {
        local::protocol(query, &self.tables.protocols)
    }

    /// Starts a host lookup for `operation`. What is known at once is delivered at once.
    pub(crate) fn start<N: Network>(
        &mut self,
        operation: Slot,
        query: HostQuery,
        now: Moment,
        network: &mut N,
    ) -> Result<Slot, LineFull> {
        let must_await_hosts = self.tables.hosts().is_none();
        if must_await_hosts && self.has_no_place_left() {
            return Err(LineFull);
        }
        let lookup = Lookup { operation, query, started: now, state: LookupState::AwaitsHosts };
        let slot = slot_of(self.lookups.insert(lookup));
        if must_await_hosts {
            self.awaiting_hosts.push(slot);
            return Ok(slot);
        }
        let result = self.look(slot, self.config.waiting_max(), now, network);
        if result.is_err() {
            self.forget(slot);
        }
        result.map(|()| slot)
    }

    /// Stops working for a lookup. Its job ends with it unless others wait for the same.
    pub(crate) fn cancel<N: Network>(&mut self, lookup: Slot, network: &mut N) {
        match self.lookups.at(lookup).state {
            LookupState::AwaitsHosts => self.awaiting_hosts.remove(lookup),
            LookupState::Asks { job } => {
                let askers = &mut self.jobs.at_mut(job).askers;
                self.askers.remove(askers, lookup);
                if askers.is_empty() {
                    self.end_job(job, network);
                }
            }
        }
        self.forget(lookup);
    }

    /// Takes in that a job's socket is ready.
    pub(crate) fn ready<N: Network>(&mut self, job: JobKey, socket: SocketKey, now: Moment, network: &mut N) {
        self.step_job(job, now, network, |job, context| job.ready(socket, context));
    }

    /// The time has become `now`: does what is due, and its share of what was cut short.
    pub(crate) fn advance<N: Network>(&mut self, now: Moment, network: &mut N) {
        if self.jobs.len() == 0 && self.awaiting_hosts.is_empty() {
            self.cut_short.clear();
            return;
        }
        let mut cut_short = std::mem::take(&mut self.cut_short);
        // Once each: a socket that was cut short in the turn before and in this one has one share.
        cut_short.sort_unstable();
        cut_short.dedup();
        for (job, socket) in cut_short {
            self.ready(job, socket, now, network);
        }
        while let Some((_, slot)) = self.timers.first().filter(|&(deadline, _)| deadline <= now) {
            self.step_job(self.jobs.key_at(slot), now, network, Job::expire);
        }
        if !self.awaiting_hosts.is_empty() {
            self.index_hosts(now, network);
        }
        self.move_line(now, network);
    }

    fn index_hosts<N: Network>(&mut self, now: Moment, network: &mut N) {
        self.tables.index(&|name| network.interface_index(name));
        while let Some(slot) = self.awaiting_hosts.first().filter(|_| self.tables.hosts().is_some()) {
            self.awaiting_hosts.remove(slot);
            let result = self.look(slot, usize::MAX, now, network);
            debug_assert!(result.is_ok(), "a lookup once admitted finds a place in line");
        }
    }

    /// Whether as many lookups are under way as may ask and wait, should each that awaits the hosts
    /// file have to be asked.
    fn has_no_place_left(&self) -> bool {
        let taken = self.asking + self.line.len() + self.awaiting_hosts.len();
        taken >= self.config.lookups_in_flight_max() + self.config.waiting_max()
    }

    /// Answers a lookup from what is here, or puts it to a job.
    fn look<N: Network>(&mut self, slot: Slot, line_max: usize, now: Moment, network: &mut N) -> Result<(), LineFull> {
        let query = &self.lookups.at(slot).query;
        let hosts = self.tables.hosts().expect("lookups wait until the hosts file is indexed");
        let answer = match &query.key {
            HostKey::Name(name) => {
                let zone = |name: &str| network.interface_index(name);
                local::host_by_name(name, query.family, hosts, &self.config, &zone)
            }
            HostKey::Address(address) => local::host_by_address(*address, hosts),
        };
        match answer {
            Local::Found(mut host) => {
                put_in_order(&mut host, network);
                self.forget_ways_if_last(network);
                if query.streamed {
                    let lookup = self.lookups.at(slot);
                    local::parts(&host).for_each(|part| lookup.tell_part(&part, &mut self.deliveries));
                }
                self.tell(slot, Ok(Box::new(host)));
            }
            Local::Failed(failure, explanation) => {
                let error = LookupError::local(query.to_string(), failure, explanation);
                self.tell(slot, Err(error));
            }
            Local::Ask(question) => self.ask(slot, question, line_max, now, network)?,
        }
        Ok(())
    }

    /// Joins the job that asks the same, or makes one.
    fn ask<N: Network>(
        &mut self,
        slot: Slot,
        question: JobQuestion,
        line_max: usize,
        now: Moment,
        network: &mut N,
    ) -> Result<(), LineFull> {
        // With a limit on its time, a lookup has its own job: another's would end it too early.
        let may_share = self.config.deadline().is_none();
        if let Some(&job) = self.jobs_by_question.get(&question).filter(|_| may_share) {
            self.join(slot, job);
            return Ok(());
        }
        if self.must_line_up() && self.line.len() >= line_max {
            return Err(LineFull);
        }
        let first_server = self.next_first_server;
        if self.config.rotate() {
            self.next_first_server = (first_server + 1) % self.config.servers().len();
        }
        let (config, started) = (self.config.clone(), self.lookups.at(slot).started);
        let job = self
            .jobs
            .try_insert_with(|key| Job::new(question.clone(), config, first_server, SocketOwner::Job(key), started));
        match job {
            Err(failure) => {
                let error = LookupError::local(self.lookups.at(slot).query.to_string(), failure, None);
                self.tell(slot, Err(error));
            }
            Ok(key) => {
                let job = slot_of(key);
                if may_share {
                    self.jobs_by_question.insert(question, job);
                }
                self.join(slot, job);
                if self.must_line_up() {
                    self.line.push(job);
                    self.arm(job);
                } else {
                    self.begin_job(key, now, network);
                }
            }
        }
        Ok(())
    }

    fn must_line_up(&self) -> bool {
        self.asking >= self.config.lookups_in_flight_max() || !self.line.is_empty()
    }

    fn join(&mut self, slot: Slot, job: Slot) {
        let lookup = self.lookups.at_mut(slot);
        lookup.state = LookupState::Asks { job };
        let job = self.jobs.at_mut(job);
        self.askers.push(&mut job.askers, slot);
        job.parts.iter().for_each(|part| lookup.tell_part(part, &mut self.deliveries));
    }

    fn begin_job<N: Network>(&mut self, key: JobKey, now: Moment, network: &mut N) {
        self.asking += 1;
        self.jobs.at_mut(slot_of(key)).place = Place::Asking;
        self.step_job(key, now, network, Job::begin);
    }

    /// Has a job make a step, unless it is over, and follows where that led.
    fn step_job<N: Network>(
        &mut self,
        key: JobKey,
        now: Moment,
        network: &mut N,
        step: impl FnOnce(&mut Job, &mut Context<'_, N>) -> JobFlow,
    ) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        let told = job.parts.len();
        let mut context = Context { now, network, scratch: &mut self.scratch };
        let flow = step(job, &mut context);
        self.tell_parts(slot_of(key), told);
        match flow {
            JobFlow::Pending => self.arm(slot_of(key)),
            JobFlow::CutShort => {
                self.arm(slot_of(key));
                if let Some(socket) = self.jobs.at(slot_of(key)).socket() {
                    self.cut_short.push((key, socket));
                }
            }
            JobFlow::Starved => self.starve(slot_of(key), now),
            JobFlow::Over(conclusion) => self.conclude_job(slot_of(key), conclusion, now, network),
        }
    }

    fn arm(&mut self, job: Slot) {
        match self.jobs.at(job).deadline() {
            Some(deadline) => self.timers.set(job, deadline),
            None => {
                self.timers.remove(job);
            }
        }
    }

    /// Puts a job back to the head of the line until a descriptor may be free.
    fn starve(&mut self, slot: Slot, now: Moment) {
        log::warn!("out of descriptors, a lookup waits in line");
        self.asking -= 1;
        self.jobs.at_mut(slot).place = Place::InLine;
        self.line.push_front(slot);
        self.starved_until = Some(now.saturating_add(DESCRIPTOR_PATIENCE));
        self.place_free = false;
        self.arm(slot);
    }

    /// Lets those in line begin, as many as there are places, but not all of a long line in one turn.
    fn move_line<N: Network>(&mut self, now: Moment, network: &mut N) {
        let patience_over = self.starved_until.is_some_and(|until| until <= now);
        if !self.place_free && !patience_over {
            return;
        }
        (self.place_free, self.starved_until) = (false, None);
        for _ in 0..LINE_MOVES_PER_TURN {
            if self.asking >= self.config.lookups_in_flight_max() || self.starved_until.is_some() {
                return;
            }
            let Some(slot) = self.line.first() else { return };
            self.line.remove(slot);
            self.begin_job(self.jobs.key_at(slot), now, network);
        }
        self.place_free = self.starved_until.is_none();
    }

    /// Tells a job's new parts to those who want each as it comes.
    fn tell_parts(&mut self, job: Slot, told: usize) {
        let job = self.jobs.at(job);
        for part in &job.parts[told..] {
            for asker in self.askers.iter(job.askers) {
                self.lookups.at(asker).tell_part(part, &mut self.deliveries);
            }
        }
    }

    /// Tells a job's end to everybody who waits for it.
    fn conclude_job<N: Network>(&mut self, slot: Slot, conclusion: Conclusion, now: Moment, network: &mut N) {
        while let Some(asker) = self.askers.first(self.jobs.at(slot).askers) {
            self.askers.remove(&mut self.jobs.at_mut(slot).askers, asker);
            self.conclude(asker, conclusion.clone(), now);
        }
        self.end_job(slot, network);
    }

    fn conclude(&mut self, asker: Slot, conclusion: Conclusion, now: Moment) {
        let result = match conclusion {
            Conclusion::Found(host) => Ok(host),
            Conclusion::Failed { failure, server, attempts } => {
                let lookup = self.lookups.at(asker);
                let (question, elapsed) = (lookup.query.to_string(), now.since(lookup.started));
                let detail = LookupErrorDetail { question, failure, explanation: None, server, attempts, elapsed };
                Err(LookupError(Box::new(detail)))
            }
        };
        self.tell(asker, result);
    }

    /// Takes a job out of every index and frees what it holds.
    fn end_job<N: Network>(&mut self, slot: Slot, network: &mut N) {
        self.timers.remove(slot);
        let Some(mut job) = self.jobs.remove(self.jobs.key_at(slot)) else { return };
        job.close(network);
        if self.jobs_by_question.get(&job.question) == Some(&slot) {
            self.jobs_by_question.remove(&job.question);
        }
        match job.place {
            Place::InLine => self.line.remove(slot),
            Place::Asking => {
                self.asking -= 1;
                self.place_free = true;
            }
        }
        self.forget_ways_if_last(network);
    }

    /// While questions are out, answers will want to be put in order.
    fn forget_ways_if_last<N: Network>(&self, network: &mut N) {
        if self.jobs.len() == 0 {
            network.forget_ways();
        }
    }

    /// Delivers a lookup's final outcome and forgets it.
    fn tell(&mut self, slot: Slot, result: Result<Box<Host>, LookupError>) {
        let operation = self.lookups.at(slot).operation;
        self.deliveries.push_back(Delivery { operation, outcome: LookupOutcome::Host(result) });
        self.forget(slot);
    }

    fn forget(&mut self, slot: Slot) {
        self.lookups.remove(self.lookups.key_at(slot));
    }
}
