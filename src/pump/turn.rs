//! One turn, and the loop that turns until there is a message.

use std::time::{Duration, Instant};

use super::Pump;
use crate::engine::{Choice, Engine};
use crate::error::Error;
use crate::message::{Admits, Filter, Message};
use crate::moment::{Moment, Patience};
use crate::network::Ready;
use crate::network::SocketOwner;
use crate::reactor::Entry;
use crate::timer::Clock;

/// How many messages `get_message` gives out before it asks the outside again.
const MESSAGES_BETWEEN_TURNS_MAX: usize = 64;

/// How long a turn may wait, and how much of what happened outside it may take over.
///
/// ```
/// use msgpump::Budget;
/// use std::time::Duration;
/// let frame = Budget::no_wait().messages(64);
/// let idle = Budget::wait(Duration::from_millis(100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a budget does nothing until a turn is made with it"]
pub struct Budget {
    wait: Wait,
    messages: usize,
    time: Option<Duration>,
}

/// How long a turn waits for something to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// Not at all.
    No,
    /// At most this long.
    AtMost(Duration),
    /// At most until then.
    Until(Instant),
    /// Until something happens.
    Forever,
}

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// How many things were taken over: posts and completions of other threads, ready sockets, slices of
    /// streams.
    pub taken_over: usize,
    /// Another turn has more to take over, without waiting: the budget ran out first. Or it may have more: so many sockets
    /// were ready, 1,024, that one wait brings no others.
    pub more: bool,
}

/// How much a turn takes over unless told otherwise.
const MESSAGES_PER_TURN: usize = 1024;

/// How many sockets are worked on between two looks at the clock, where a budget has a time.
const SOCKETS_BETWEEN_CLOCK_READINGS: usize = 16;

/// How many slices of streams one turn asks for.
const SLICES_PER_TURN_MAX: usize = 64;

/// How long one turn asks streams for slices, where its budget has no time: a small part of a frame.
const SLICES_TIME_MAX: Duration = Duration::from_millis(1);

impl Budget {
    /// A turn that does not wait.
    pub fn no_wait() -> Budget {
        Budget { wait: Wait::No, messages: MESSAGES_PER_TURN, time: None }
    }

    /// A turn that waits at most `timeout` for something to happen.
    pub fn wait(timeout: Duration) -> Budget {
        Budget { wait: Wait::AtMost(timeout), ..Budget::no_wait() }
    }

    /// A turn that waits at most until `deadline` for something to happen.
    pub fn wait_until(deadline: Instant) -> Budget {
        Budget { wait: Wait::Until(deadline), ..Budget::no_wait() }
    }

    /// A turn that waits until something happens.
    pub fn wait_forever() -> Budget {
        Budget { wait: Wait::Forever, ..Budget::no_wait() }
    }

    /// Takes over at most this many things that happened outside. By default 1,024.
    pub fn messages(mut self, messages: usize) -> Budget {
        self.messages = messages.max(1);
        self
    }

    /// Stops working on ready sockets once this much time is spent on it, looked at after every 16 of them,
    /// and stops asking streams for slices then, looked at after each.
    /// Posts cost next to nothing and are bounded by [`messages`](Budget::messages) alone. By default there
    /// is no such limit.
    pub fn time(mut self, time: Duration) -> Budget {
        self.time = Some(time);
        self
    }
}

// For layers that dispatch what a turn brought, within the same budget.
impl Budget {
    /// How many things the turn may take over.
    pub fn messages_limit(self) -> usize {
        self.messages
    }

    /// How long it may work, if that is limited.
    pub fn time_limit(self) -> Option<Duration> {
        self.time
    }
}

/// What is left of a budget for ready sockets.
struct Allowance {
    sockets: usize,
    taken: usize,
    deadline: Option<Instant>,
}

impl Allowance {
    /// Takes one socket's share, if there is one left.
    fn take(&mut self, now: impl FnOnce() -> Instant) -> bool {
        let asks_clock = self.taken > 0 && self.taken.is_multiple_of(SOCKETS_BETWEEN_CLOCK_READINGS);
        let is_late = || self.deadline.is_some_and(|deadline| now() >= deadline);
        if self.taken >= self.sockets || asks_clock && is_late() {
            return false;
        }
        self.taken += 1;
        true
    }
}

impl<T> Pump<T> {
    /// Makes one turn: waits for something to happen, and takes over what happened.
    ///
    /// 1. It waits in the system, at most as long as the budget says and not past the next deadline. It
    ///    does not wait when a message can be taken already. A signal may end the wait early, and so may a
    ///    near deadline that is no more. With nothing to wait for and no time to wait, it does not ask the
    ///    system at all.
    /// 2. It reads the clock, if anything depends on the time. This time counts for the rest of the turn.
    /// 3. It works on each ready socket, up to a limit for each.
    /// 4. What is due by then can be taken.
    /// 5. It takes over what other threads posted and completed.
    /// 6. It asks streams for slices, 64 at most, for a millisecond unless the budget has another time.
    /// 7. It drops results of other threads that came after their operation was cancelled.
    ///
    /// Then messages can be taken with [`next_message`](Pump::next_message).
    ///
    /// # Errors
    ///
    /// Fails when the system's wait fails. The pump stays usable.
    pub fn turn(&mut self, budget: Budget) -> Result<Turn, Error> {
        self.turn_past_all_but(budget, None)
    }

    /// Makes one turn, which waits also where messages are there that `filter` does not admit.
    pub(super) fn turn_past_all_but(&mut self, budget: Budget, filter: Option<&dyn Admits>) -> Result<Turn, Error> {
        let past_ready = filter.is_some() && self.engine.is_ready() && self.engine.choose(filter).is_none();
        if past_ready && budget.wait != Wait::No {
            self.check_room()?;
        }
        let turn = self.wait_and_take_over(budget, past_ready)?;
        // From here on the host may sleep, so the next post must wake it.
        let more = self.inbox_waits() || turn.more;
        Ok(Turn { more, ..turn })
    }

    /// Takes the next message, and waits for one where none is there. `None` once the program is
    /// asked to end.
    ///
    /// # Errors
    ///
    /// Fails when the system's wait fails. The pump stays usable.
    ///
    /// # Cost
    ///
    /// While messages wait, one zero-timeout wait for every 64 of them; without sockets, none. After a burst from other
    /// threads it looks for a few microseconds whether that goes on, before it sleeps.
    pub fn get_message(&mut self) -> Result<Option<Message<T>>, Error> {
        self.take_or_wait(None, Engine::take_chosen)
    }

    /// Takes the next message that `filter` admits, and waits for one where none is there. The others
    /// keep their order. `None` once the program is asked to end.
    ///
    /// # Errors
    ///
    /// Fails when the system's wait fails, and at once when the filter names a window that is not
    /// open or an operation that is over, and as soon as the operation that it names has finished with messages that
    /// it does not admit: nothing can come of it. Also when the queue is full of messages that it does not admit
    /// and more are in the inbox of other threads: these could never be taken over.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Filter, HostQuery, Payload, Pump};
    /// let mut pump = Pump::<&str>::new()?;
    /// let window = pump.open_window();
    /// pump.post(window, "later")?;
    /// let lookup = pump.lookup_host(window, HostQuery::by_name("localhost"))?;
    /// let answer = pump.get_message_for(Filter::any().operation(lookup))?.expect("nobody quits here");
    /// assert!(matches!(answer.payload, Payload::Host(Ok(_))));
    /// assert!(pump.get_message_for(Filter::any().operation(lookup)).is_err()); // nothing more can come of it
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_message_for(&mut self, filter: Filter) -> Result<Option<Message<T>>, Error> {
        if let Some(window) = filter.window
            && ![Some(window), filter.or_window].into_iter().flatten().any(|window| self.engine.has_window(window))
        {
            return Err(Error::no_such_window(window));
        }
        if let Some(operation) = filter.operation.filter(|&operation| !self.engine.is_live(operation)) {
            return Err(Error::operation_over(operation));
        }
        self.take_or_wait(filter.narrowing(), Engine::take_chosen)
    }

    /// Takes with `take` what `filter` admits, and waits for it where it is not there.
    // What is taken is not looked at again, so that it is moved once, to where it is returned.
    #[inline]
    pub(super) fn take_or_wait<M>(
        &mut self,
        filter: Option<&dyn Admits>,
        take: impl Fn(&mut Engine<T>, Choice) -> Option<M>,
    ) -> Result<Option<M>, Error> {
        if self.taken_since_turn >= MESSAGES_BETWEEN_TURNS_MAX {
            self.turn_once(Budget::no_wait())?;
        }
        loop {
            self.taken_since_turn += 1;
            match self.engine.choose_for_loop(filter) {
                Some(Choice::Quit(_)) => {
                    self.engine.note_quit_told();
                    return Ok(None);
                }
                Some(choice) => return Ok(take(&mut self.engine, choice)),
                None => self.turn_for(filter)?,
            }
        }
    }

    /// Waits until there may be something for `filter`, though other messages are there.
    fn turn_for(&mut self, filter: Option<&dyn Admits>) -> Result<(), Error> {
        let budget = Budget::wait_forever();
        // All that it will ever tell is in the queue, and is not admitted.
        if let Some(operation) = filter.and_then(Admits::operation).filter(|&id| !self.engine.is_under_way(id)) {
            return Err(Error::operation_over(operation));
        }
        let holds_others = filter.is_some() && self.engine.is_ready();
        if holds_others {
            self.check_room()?;
        }
        self.wait_and_take_over(budget, holds_others).map(|_| ())
    }

    /// Fails where what is waited for may be in the inbox, and nothing would ever make room for it.
    fn check_room(&mut self) -> Result<(), Error> {
        // Asked so that a post which comes later wakes: it must be seen to wait here.
        let is_stuck = self.engine.room() == 0 && self.inbox.want_wake() && !self.inbox.has_news_first();
        if is_stuck { Err(Error::queue_full()) } else { Ok(()) }
    }

    fn turn_once(&mut self, budget: Budget) -> Result<Turn, Error> {
        self.wait_and_take_over(budget, false)
    }

    /// `past_ready`: waits although a message can be taken, for one that cannot yet.
    fn wait_and_take_over(&mut self, budget: Budget, past_ready: bool) -> Result<Turn, Error> {
        self.engine.metrics.turns += 1;
        self.taken_since_turn = 0;
        if self.ready.is_empty() {
            let may_wait = past_ready || !self.engine.is_ready();
            self.wait(if may_wait { budget.wait } else { Wait::No }, past_ready)?;
        }
        self.pass_suspend();
        let (mut now, mut deadline, mut sockets) = (self.engine.horizon(), None, 0);
        // Reading the clock is most of what an empty turn costs, and of no use where nothing waits for time.
        let next = self.engine.next_deadline();
        if !self.ready.is_empty() || budget.time.is_some() || self.engine.waits_for_time(next) {
            let instant = self.outside.now();
            now = self.time_line.moment(instant);
            deadline = budget.time.and_then(|time| instant.checked_add(time));
            let mut allowance = Allowance { sockets: self.share_of_sockets(budget.messages), taken: 0, deadline };
            self.work_on_sockets(now, &mut allowance);
            sockets = allowance.taken;
            match sockets > 0 || next.is_some_and(|deadline| deadline <= now) {
                true => self.engine.advance(now, &mut self.outside),
                false => self.engine.pass_time(now),
            }
        }
        let posts = self.take_over_posts(budget.messages - sockets);
        let slices = self.step_streams(now, budget.messages - sockets - posts, deadline);
        // Results that came for nobody.
        self.engine.drop_purged();
        let more = self.has_ready_sockets()
            || self.engine.has_work()
            || !self.inbox.is_empty() && (self.engine.room() > 0 || self.inbox.has_news_first());
        Ok(Turn { taken_over: sockets + posts + slices, more })
    }

    /// Whether another turn has sockets to work on that are known to be ready, or may be: those that one wait brings are
    /// limited.
    pub(super) fn has_ready_sockets(&self) -> bool {
        !self.ready.is_empty() || self.outside.may_have_more()
    }

    /// Asks streams for slices, and says for how many.
    fn step_streams(&mut self, now: Moment, limit: usize, deadline: Option<Instant>) -> usize {
        if !self.engine.has_streams_in_line() {
            return 0;
        }
        let deadline = deadline.or_else(|| self.outside.now().checked_add(SLICES_TIME_MAX));
        let mut slices = 0;
        // One always, so that streams go on beside a flood of posts.
        while self.engine.step_stream(now, self.time_line) {
            slices += 1;
            let is_late = || deadline.is_some_and(|deadline| self.outside.now() >= deadline);
            if slices >= limit.min(SLICES_PER_TURN_MAX) || is_late() {
                break;
            }
        }
        slices
    }

    /// Whether something of the inbox can be taken over. Asked last before a sleep: what comes later wakes.
    pub(super) fn inbox_waits(&mut self) -> bool {
        self.inbox.want_wake() && (self.engine.room() > 0 || self.inbox.has_news_first())
    }

    /// How many of a turn's things may be ready sockets: half where something of the inbox can be taken over, so that
    /// neither starves the other; an odd one is for either in turn.
    fn share_of_sockets(&mut self, things: usize) -> usize {
        if self.inbox.is_empty() || self.engine.room() == 0 && !self.inbox.has_news_first() {
            return things;
        }
        things / 2 + usize::from(!things.is_multiple_of(2) && self.engine.metrics.turns.is_multiple_of(2))
    }

    fn wait(&mut self, wait: Wait, past_ready: bool) -> Result<(), Error> {
        if wait != Wait::No {
            self.inbox.let_burst_go_on();
        }
        let patience = match wait {
            Wait::No => Patience::None,
            // The inbox is asked last, so that a post that comes later wakes.
            _ if self.inbox_waits() => Patience::None,
            _ => self.patience(wait, past_ready),
        };
        // A wake-up keeps the descriptor readable until a wait has seen it, and a host from sleeping.
        let is_woken = self.inbox.wait_for_wakes();
        if patience == Patience::None && self.outside.is_quiet() && !is_woken {
            return Ok(());
        }
        self.engine.metrics.waits += 1;
        self.outside.wait(patience, &mut self.ready)
    }

    /// How long a wait may last that is not to miss what the engine has to do.
    fn patience(&mut self, wait: Wait, past_ready: bool) -> Patience {
        self.pass_suspend();
        let now = self.outside.now();
        let own = match past_ready {
            true => self.engine.next_deadline_after_horizon(),
            false => self.engine.next_deadline(),
        };
        let own = own.and_then(|moment| self.time_line.instant(moment));
        let asked = match wait {
            Wait::No => Some(now),
            Wait::AtMost(timeout) => now.checked_add(timeout),
            Wait::Until(instant) => Some(instant),
            Wait::Forever => None,
        };
        match [own, asked].into_iter().flatten().min() {
            None => Patience::Forever,
            Some(deadline) if deadline <= now => Patience::None,
            Some(deadline) => {
                let clock = if self.engine.counts_suspend() { Clock::Boot } else { Clock::Monotonic };
                Patience::Until { now, deadline, clock }
            }
        }
    }

    fn work_on_sockets(&mut self, now: Moment, allowance: &mut Allowance) {
        while !self.ready.is_empty() && allowance.take(|| self.outside.now()) {
            let Some(Ready { socket, readiness }) = self.ready.pop_front() else { break };
            match self.outside.owner(socket) {
                Some(SocketOwner::Job(job)) => self.engine.job_ready(job, socket, now, &mut self.outside),
                Some(SocketOwner::Operation(operation)) => {
                    self.engine.operation_ready(operation, socket, readiness, now, &mut self.outside);
                }
                // Closed since the system reported it.
                None => {}
            }
        }
    }

    /// Puts what other threads handed in into the queue, at most `limit` things, and says how many they were.
    pub(super) fn take_over_posts(&mut self, limit: usize) -> usize {
        if self.inbox.is_empty() {
            return 0;
        }
        let mut taken = 0;
        self.inbox.take_over(limit, self.engine.room(), |entry| {
            taken += 1;
            match entry {
                Entry::Post(window, payload) => {
                    if self.engine.post(window, payload).is_err() {
                        self.engine.metrics.dropped_posts += 1;
                        log::debug!("a post for {window} came after its end, dropped");
                    }
                }
                Entry::News(news) => self.engine.news(news),
            }
        });
        taken
    }
}
