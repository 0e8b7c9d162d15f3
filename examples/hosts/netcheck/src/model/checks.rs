//! The checks of a list's rows, as operations of the pump: so many at a time, each one of them, some, or all of them
//! cancelled by a call, after which no answer of theirs is seen.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use msgpump::{
    Connect, ConnectError, ConnectFailure, Connection, GroupId, Host, HostQuery, LookupError, LookupFailure, Message,
    OperationId, Owner, Payload, Pump, ResolverConfigError, Source, StartRefusal, Swept, Timer, WindowId,
};

use super::options::Options;
use super::row::{Row, State};
use super::target::Target;

/// How long the checks rest when no name server can be reached, before they ask again.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// How many rows are in each state.
pub type Tally = [usize; State::ALL.len()];

pub struct Checks {
    rows: Vec<Row>,
    /// The rows that wait, in order. One that was cancelled meanwhile stays in it and is passed over.
    line: VecDeque<u32>,
    running: HashMap<OperationId, Running>,
    window: WindowId,
    /// All that runs, to be cancelled by one call.
    group: GroupId,
    options: Options,
    tally: Tally,
    stale: usize,
    /// How many lists there were.
    lists: u64,
    revision: u64,
    outage: Option<Outage>,
    /// Rows that ran when an outage began, and were put back to the line for that.
    interrupted: HashSet<u32>,
}

struct Running {
    row: u32,
    since: Instant,
}

/// No name server can be reached.
struct Outage {
    since: Instant,
    /// The end of the pause.
    pause: Option<OperationId>,
}

impl Checks {
    pub fn new<T>(pump: &mut Pump<T>, options: Options) -> Result<Checks, ResolverConfigError> {
        options.apply(pump)?;
        let (window, group) = (pump.open_window(), pump.open_group());
        let (rows, line, running, tally, stale, lists, revision, outage, interrupted) = Default::default();
        Ok(Checks { rows, line, running, window, group, options, tally, stale, lists, revision, outage, interrupted })
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn count(&self, state: State) -> usize {
        self.tally[state as usize]
    }

    /// How many rows have been checked or need no check, of all.
    pub fn progress(&self) -> (usize, usize) {
        let to_do = self.count(State::Idle) + self.count(State::Waiting) + self.count(State::Running);
        (self.rows.len() - to_do, self.rows.len())
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_at_rest(&self) -> bool {
        self.count(State::Waiting) + self.count(State::Running) == 0
    }

    /// Answers to checks that had been cancelled. There are none; counted, not hoped.
    pub fn stale(&self) -> usize {
        self.stale
    }

    /// Changes whenever the list is replaced: what was a row's place is another row's then.
    pub fn list(&self) -> u64 {
        self.lists
    }

    /// Changes whenever a row does.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Since when no name server can be reached.
    pub fn outage(&self) -> Option<Instant> {
        self.outage.as_ref().map(|outage| outage.since)
    }

    /// Takes another list, cancels what runs for the one before, and gives that back.
    pub fn load<T>(&mut self, pump: &mut Pump<T>, rows: Vec<Row>) -> Vec<Row> {
        self.cancel_all(pump);
        self.tally = Default::default();
        for row in &rows {
            self.tally[row.state as usize] += 1;
        }
        self.interrupted.clear();
        self.lists += 1;
        self.revision += 1;
        std::mem::replace(&mut self.rows, rows)
    }

    /// Goes on with other options: what runs ends as it began.
    ///
    /// # Errors
    ///
    /// A setting is outside its limits; then nothing has changed.
    pub fn set_options<T>(&mut self, pump: &mut Pump<T>, options: Options) -> Result<(), ResolverConfigError> {
        if let Err(error) = options.apply(pump) {
            self.options.apply(pump)?;
            return Err(error);
        }
        self.options = options;
        self.fill(pump);
        Ok(())
    }

    /// Checks the rows that were not checked, or not to the end.
    pub fn start<T>(&mut self, pump: &mut Pump<T>) -> Result<(), ResolverConfigError> {
        self.start_those(pump, |row| matches!(row.state, State::Idle | State::Cancelled))
    }

    /// Checks again what failed.
    pub fn retry_failed<T>(&mut self, pump: &mut Pump<T>) -> Result<(), ResolverConfigError> {
        self.start_those(pump, |row| row.state == State::Failed)
    }

    fn start_those<T>(&mut self, pump: &mut Pump<T>, wanted: impl Fn(&Row) -> bool) -> Result<(), ResolverConfigError> {
        let rows: Vec<_> = (0..self.rows.len() as u32).filter(|&row| wanted(&self.rows[row as usize])).collect();
        self.start_rows(pump, rows)
    }

    /// Checks these rows, or checks them again.
    pub fn start_rows<T>(
        &mut self,
        pump: &mut Pump<T>,
        rows: impl IntoIterator<Item = u32>,
    ) -> Result<(), ResolverConfigError> {
        self.options.apply(pump)?;
        for index in rows {
            let row = &mut self.rows[index as usize];
            if matches!(row.state, State::BadLine | State::Waiting | State::Running) {
                continue;
            }
            row.clear();
            self.interrupted.remove(&index);
            self.set_state(index, State::Waiting);
            self.line.push_back(index);
        }
        self.fill(pump);
        Ok(())
    }

    /// Cancels the checks of these rows.
    pub fn cancel_rows<T>(&mut self, pump: &mut Pump<T>, rows: impl IntoIterator<Item = u32>) {
        let operations: HashMap<u32, OperationId> =
            self.running.iter().map(|(&operation, running)| (running.row, operation)).collect();
        for row in rows {
            if let Some(operation) = operations.get(&row) {
                let _ = pump.cancel(*operation);
                self.running.remove(operation);
            }
            if matches!(self.rows[row as usize].state, State::Waiting | State::Running) {
                self.set_state(row, State::Cancelled);
            }
        }
        self.fill(pump);
    }

    /// Cancels all that runs and all that waits, by one call of the pump.
    pub fn cancel_all<T>(&mut self, pump: &mut Pump<T>) -> Swept {
        let swept = pump.cancel_group(self.group);
        self.outage = None;
        let running: Vec<_> = self.running.drain().map(|(_, running)| running.row).collect();
        for row in running.into_iter().chain(std::mem::take(&mut self.line)) {
            if matches!(self.rows[row as usize].state, State::Waiting | State::Running) {
                self.set_state(row, State::Cancelled);
            }
        }
        swept
    }

    /// Takes in what the pump tells.
    pub fn handle<T>(&mut self, pump: &mut Pump<T>, message: Message<T>) {
        let Some(operation) = message.operation else { return };
        match message.payload {
            Payload::Host(answer) => match self.take(operation) {
                Some(running) => self.looked_up(pump, running, answer),
                None => self.stale += 1,
            },
            Payload::Connected(answer) => match self.take(operation) {
                Some(running) => self.connected(pump, running, answer),
                None => self.stale += 1,
            },
            Payload::Tick(_) => {
                if let Some(outage) = self.outage.as_mut().filter(|outage| outage.pause == Some(operation)) {
                    outage.pause = None;
                }
            }
            _ => return,
        }
        self.fill(pump);
    }

    fn take(&mut self, operation: OperationId) -> Option<Running> {
        self.running.remove(&operation)
    }

    fn looked_up<T>(&mut self, pump: &mut Pump<T>, running: Running, answer: Result<Box<Host>, LookupError>) {
        if let Err(error) = &answer
            && self.is_put_off(pump, &running, error)
        {
            return;
        }
        let time = pump.clock() - running.since;
        let row = &mut self.rows[running.row as usize];
        row.time = Some(time);
        let state = match answer {
            Ok(host) => {
                let Host { canonical_name, addresses, source, .. } = *host;
                self.outage = self.outage.take().filter(|_| !matches!(source, Source::NameServer(_)));
                let is_asked = canonical_name.eq_ignore_ascii_case(row.text.trim_end_matches('.'));
                row.name = (!is_asked).then(|| canonical_name.into());
                row.addresses = addresses.into();
                State::Found
            }
            Err(error) => {
                row.problem = Some(error.to_string().into());
                failed(error.failure())
            }
        };
        self.set_state(running.row, state);
    }

    fn connected<T>(&mut self, pump: &mut Pump<T>, running: Running, answer: Result<Box<Connection>, ConnectError>) {
        if let Err(error) = &answer
            && let ConnectFailure::Lookup(error) = error.failure()
            && self.is_put_off(pump, &running, error)
        {
            return;
        }
        let row = &mut self.rows[running.row as usize];
        // Whose address was tried was looked up, unless the list has it.
        let is_tried = answer.as_ref().map_or_else(|error| !error.attempts().is_empty(), |_| true);
        if is_tried && matches!(Target::parse(&row.text), Ok(Target::Host { .. })) {
            self.outage = None;
        }
        let state = match answer {
            Ok(connection) => {
                row.time = Some(connection.elapsed);
                row.addresses = [connection.peer.ip()].into();
                let failed = connection.failed.iter().map(|attempt| format!("{} {}", attempt.address, attempt.error));
                let failed = failed.collect::<Vec<_>>().join("; ");
                row.problem = (!failed.is_empty()).then(|| format!("tried before: {failed}").into());
                State::Connected
            }
            Err(error) => {
                row.time = Some(error.elapsed());
                let mut addresses: Vec<IpAddr> = error.attempts().iter().map(|attempt| attempt.address.ip()).collect();
                addresses.dedup();
                row.addresses = addresses.into();
                row.problem = Some(error.to_string().into());
                match error.failure() {
                    ConnectFailure::MalformedTarget => State::BadLine,
                    ConnectFailure::Lookup(error) => failed(error.failure()),
                    _ => State::Failed,
                }
            }
        };
        self.set_state(running.row, state);
    }

    /// Puts a row back to the head of the line while no name server can be reached, for as long as that is borne.
    fn is_put_off<T>(&mut self, pump: &mut Pump<T>, running: &Running, error: &LookupError) -> bool {
        match error.failure() {
            LookupFailure::NetworkDown => {}
            LookupFailure::TimedOut => {
                // Over before its time: a question was lost, and then no name server could be reached to ask it again.
                // Whether it is still so is seen when it is started again, which is done once.
                let is_early = error.elapsed() < self.options.timeout * self.options.attempts;
                let is_put_off = is_early && self.interrupted.insert(running.row);
                if is_put_off {
                    self.put_back(running.row);
                }
                return is_put_off;
            }
            _ => {
                self.outage = None; // a name server has answered
                return false;
            }
        }
        let now = pump.clock();
        let outage = self.outage.get_or_insert(Outage { since: now, pause: None });
        if now - outage.since >= self.options.patience {
            return false;
        }
        if outage.pause.is_none() {
            let owner = self.window.in_group(self.group);
            outage.pause = pump.set_timer(owner, Timer::once(OUTAGE_PAUSE)).ok();
        }
        self.put_back(running.row);
        true
    }

    fn put_back(&mut self, row: u32) {
        self.line.push_front(row);
        self.set_state(row, State::Waiting);
    }

    /// Starts rows that wait, as many as may run.
    fn fill<T>(&mut self, pump: &mut Pump<T>) {
        if self.outage.as_ref().is_some_and(|outage| outage.pause.is_some()) {
            return;
        }
        while self.running.len() < self.options.parallel
            && let Some(index) = self.line.pop_front()
        {
            if self.rows[index as usize].state != State::Waiting {
                continue;
            }
            match self.start_check(pump, index) {
                Ok(operation) => {
                    self.running.insert(operation, Running { row: index, since: pump.clock() });
                    self.set_state(index, State::Running);
                }
                // The line of the resolver is full of what others ask. What runs here makes room when it ends.
                Err(StartRefusal::Full) if !self.running.is_empty() => return self.line.push_front(index),
                Err(refusal) => {
                    self.rows[index as usize].problem = Some(refusal.to_string().into());
                    self.set_state(index, State::Failed);
                }
            }
        }
    }

    /// One operation for each row: a connect looks up by itself.
    fn start_check<T>(&self, pump: &mut Pump<T>, index: u32) -> Result<OperationId, StartRefusal> {
        let owner = self.window.in_group(self.group);
        let text = &*self.rows[index as usize].text;
        let target = Target::parse(text).expect("rows that wait are targets");
        let (Target::Host { port, .. } | Target::Address { port, .. }) = target;
        let default_port = self.options.port.filter(|_| self.options.connect).map(|port| port.to_string());
        match (target, port.filter(|_| self.options.connect).or(default_port.as_deref())) {
            (target, Some(port)) => {
                let host = match target {
                    Target::Address { address: IpAddr::V6(address), .. } => format!("[{address}]"),
                    Target::Address { address, .. } => address.to_string(),
                    Target::Host { name, .. } if name.contains('%') => format!("[{name}]"),
                    Target::Host { name, .. } => name.into(),
                };
                self.connect(pump, owner, format!("{host}:{port}"))
            }
            (Target::Address { address, .. }, None) => self.look_up(pump, owner, HostQuery::by_address(address)),
            (Target::Host { name, .. }, None) => self.look_up(pump, owner, HostQuery::by_name(name)),
        }
    }

    fn look_up<T>(&self, pump: &mut Pump<T>, owner: Owner, query: HostQuery) -> Result<OperationId, StartRefusal> {
        pump.lookup_host(owner, query).map_err(|error| error.refusal)
    }

    fn connect<T>(&self, pump: &mut Pump<T>, owner: Owner, target: String) -> Result<OperationId, StartRefusal> {
        let connect = Connect::to(target).deadline(self.options.connect_deadline);
        pump.connect(owner, connect).map_err(|error| error.refusal)
    }

    fn set_state(&mut self, row: u32, state: State) {
        let row = &mut self.rows[row as usize];
        self.tally[row.state as usize] -= 1;
        self.tally[state as usize] += 1;
        row.state = state;
        self.revision += 1;
    }
}

/// A name that no server can be asked for is the list's fault.
fn failed(failure: LookupFailure) -> State {
    if failure == LookupFailure::MalformedName { State::BadLine } else { State::Failed }
}

/// Allows this process as many sockets as the system lets it have: programs start with few, for the sake of others
/// that use select(2).
pub fn allow_sockets() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

#[cfg(test)]
#[path = "checks_tests.rs"]
mod tests;
