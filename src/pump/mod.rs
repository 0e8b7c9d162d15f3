//! The pump: what a program holds and turns.
//!
//! Floor 4. The only code that knows both the engine and the outside.

mod adapters;
mod elsewhere;
mod embed;
#[cfg(target_os = "linux")]
mod hosted;
mod in_hand;
mod lookups;
mod name_files;
mod outside;
mod settings;
mod sockets;
mod suspend;
mod taken;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, PostError, StartError, StartRefusal};
use crate::id::{GroupId, OperationId, Owner, WindowId};
use crate::message::{Cancelled, Message, Swept};
use crate::metrics::Metrics;
use crate::moment::{Moment, TimeLine};
use crate::network::Ready;
use crate::operation::lookup::Resolver;
use crate::reactor::{Inbox, Poster, Reactor, Wake};
use crate::timer::{Clock, FirstTick, Timer};

use lookups::NameFiles;
use outside::Outside;
use settings::HostWaker;
use suspend::Suspended;

pub use embed::Rest;
#[cfg(target_os = "linux")]
pub use hosted::{Hosted, Lent};
pub use lookups::FileStatus;
pub use settings::Settings;
pub use turn::{Budget, Turn};

/// A message pump: one queue of typed messages, and everything that puts messages into it.
///
/// `T` is what the program posts to itself; `Pump::<()>` where nothing is.
///
/// It has no threads of its own and calls nobody back: the program takes messages, with
/// [`get_message`](Pump::get_message) where the pump owns the loop, or with [`turn`](Pump::turn) and
/// [`next_message`](Pump::next_message) where somebody else does.
///
/// # Threads
///
/// It lives on one thread and is not `Send`: make it on the thread that shall have it. Other threads reach it through a
/// [`Poster`] or a [`Completer`](crate::Completer), which can be sent, as can all ids. Where a framework wants
/// state that can be sent, keep the pump where it keeps what belongs to the main thread (Bevy's `NonSend`, a
/// `thread_local!`).
///
/// ```compile_fail,E0277
/// let pump = msgpump::Pump::<()>::new().unwrap();
/// std::thread::spawn(move || drop(pump));
/// ```
///
/// # Order
///
/// Posted messages and the outcomes of operations come in the order in which they were queued, across
/// windows. Then quit, then timers. A flood of messages starves neither: after 64 of them a due tick
/// is let through, and in `get_message` the sockets and other threads are asked.
///
/// # Cancellation
///
/// When [`cancel`](Pump::cancel) returns, no message of that operation is ever taken or peeked,
/// wherever it was: in the network, in the batch of readiness being worked on, in the inbox of other
/// threads, in the queue.
///
/// # Limits
///
/// Posts are refused beyond [`Settings::queue_capacity`], and every start while 16,777,215 operations live
/// ([`StartRefusal::Full`]): what was posted or to be started comes back. The README has a table of all limits.
///
/// # Dropping
///
/// Closes every socket and drops every message. It joins nothing and waits for nobody.
///
/// # Examples
///
/// ```
/// use msgpump::{Payload, Pump, Timer};
/// use std::time::Duration;
///
/// let mut pump = Pump::<&str>::new()?;
/// let window = pump.open_window();
/// pump.post(window, "hello")?;
/// pump.set_timer(window, Timer::once(Duration::from_millis(1)))?;
/// let mut seen = Vec::new();
/// while let Some(message) = pump.get_message()? {
///     match message.payload {
///         Payload::Posted(text) => seen.push(text),
///         Payload::Tick(_) => pump.quit(0),
///         _ => {}
///     }
/// }
/// assert_eq!(seen, ["hello"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pump<T> {
    // First, so that posts of payloads being dropped are refused.
    inbox: Inbox<T>,
    engine: Engine<T>,
    outside: Outside,
    time_line: TimeLine,
    suspended: Suspended,
    /// The sockets that the last wait reported and that are not worked on yet.
    ready: VecDeque<Ready>,
    name_files: NameFiles,
    /// Messages taken since the outside was last asked, for [`get_message`](Pump::get_message).
    taken_since_turn: usize,
    /// A message made for a peek: ticks and quit are not stored.
    peeked: Option<Message<T>>,
}

impl<T> Pump<T> {
    /// Makes a pump with the default [`Settings`].
    ///
    /// # Errors
    ///
    /// Fails when the system gives no readiness queue, no wake-up or, on Linux, no timer: the process is out of
    /// descriptors.
    pub fn new() -> Result<Pump<T>, Error> {
        Pump::with_settings(Settings::default())
    }

    /// Makes a pump with `settings`.
    ///
    /// # Errors
    ///
    /// As [`new`](Pump::new).
    pub fn with_settings(settings: Settings) -> Result<Pump<T>, Error> {
        Ok(Pump::on(Outside::System(Box::new(Reactor::new()?)), settings))
    }

    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn on_stage(stage: crate::simulation::Stage, settings: Settings) -> Pump<T> {
        Pump::on(Outside::Simulation(stage), settings)
    }

    fn on(outside: Outside, settings: Settings) -> Pump<T> {
        let name_files = NameFiles::new(&settings, &outside);
        let engine = Engine::new(settings.queue_capacity, Resolver::new(settings.resolver.unwrap_or_default()));
        let inbox = Inbox::new(settings.queue_capacity, engine.wanted(), wake(&outside, settings.host_waker));
        inbox.open_window(engine.root());
        let time_line = TimeLine::starting_at(outside.now());
        let (suspended, ready, peeked) = (Suspended::default(), VecDeque::new(), None);
        Pump { inbox, engine, outside, time_line, suspended, ready, name_files, taken_since_turn: 0, peeked }
    }

    /// The window that every pump has: for a program that needs no other. It cannot be destroyed.
    pub fn root_window(&self) -> WindowId {
        self.engine.root()
    }

    /// Opens a window.
    ///
    /// # Panics
    ///
    /// Panics when 16,777,215 windows are open.
    pub fn open_window(&mut self) -> WindowId {
        let window = self.engine.open_window();
        self.inbox.open_window(window);
        window
    }

    /// Destroys a window: cancels its operations, purges its messages, refuses later posts to it.
    ///
    /// Returns `None` for a window that is destroyed already, of another pump, or the root window.
    ///
    /// # Cost
    ///
    /// One pass over the window's own operations and messages, and over the posts of other threads
    /// that are not taken over yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{HostQuery, Pump};
    /// let mut pump = Pump::<&str>::new()?;
    /// let dialog = pump.open_window();
    /// pump.post(dialog, "shown")?;
    /// pump.lookup_host(dialog, HostQuery::by_name("localhost"))?; // answered at once: its message is queued
    /// let swept = pump.destroy_window(dialog).expect("it is open");
    /// assert_eq!((swept.operations(), swept.messages()), (1, 2));
    /// assert!(pump.next_message().is_none());
    /// assert!(pump.post(dialog, "late").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn destroy_window(&mut self, window: WindowId) -> Option<Swept> {
        if !self.engine.has_window(window) || window == self.root_window() {
            return None;
        }
        // First, so that it is closed on both sides before a payload's drop runs code of the program.
        let purged = self.inbox.close_window(window);
        self.engine.metrics.purged_messages += purged.len() as u64;
        let swept = self.engine.destroy_window(window, &mut self.outside)?;
        Some(Swept { messages: swept.messages + purged.len(), ..swept })
    }

    /// Whether `window` is open in this pump.
    pub fn has_window(&self, window: WindowId) -> bool {
        self.engine.has_window(window)
    }

    /// Opens a group, in which operations can be put to be cancelled together.
    ///
    /// # Panics
    ///
    /// Panics when 16,777,215 groups are open.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{HostQuery, Pump};
    /// let mut pump = Pump::<()>::new()?;
    /// let (window, group) = (pump.open_window(), pump.open_group());
    /// for name in ["localhost", "www.localhost"] {
    ///     pump.lookup_host(window.in_group(group), HostQuery::by_name(name))?;
    /// }
    /// assert_eq!(pump.cancel_group(group).operations(), 2); // it can be used again
    /// assert_eq!(pump.close_group(group).map(|swept| swept.operations()), Some(0)); // it cannot
    /// assert_eq!(pump.close_group(group), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_group(&mut self) -> GroupId {
        self.engine.open_group()
    }

    /// Cancels the operations of a group and forgets it. `None` if there is no such group.
    pub fn close_group(&mut self, group: GroupId) -> Option<Swept> {
        self.engine.close_group(group, &mut self.outside)
    }

    /// Posts a message to a window, at the end of the queue.
    ///
    /// # Errors
    ///
    /// The payload comes back when the window is not open, and when the queue holds as many posts as
    /// it may ([`Settings::queue_capacity`]).
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{PostRefusal, Pump, Settings};
    /// let mut pump = Pump::<&str>::with_settings(Settings::default().queue_capacity(1))?;
    /// let window = pump.open_window();
    /// pump.post(window, "one")?;
    /// let refused = pump.post(window, "two").expect_err("there is room for one");
    /// assert_eq!((refused.payload, refused.refusal), ("two", PostRefusal::Full));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn post(&mut self, window: WindowId, payload: T) -> Result<(), PostError<T>> {
        self.engine.post(window, payload)
    }

    /// What other threads post with.
    pub fn poster(&self) -> Poster<T> {
        self.inbox.poster()
    }

    /// Starts a timer, which gives [`Payload::Tick`](crate::Payload::Tick) messages.
    ///
    /// # Errors
    ///
    /// The timer comes back when its owner is not open, when its interval is zero, or when its time is
    /// beyond the clock's range.
    ///
    /// # Cost
    ///
    /// Logarithmic in the number of timers; no system call.
    pub fn set_timer(&mut self, owner: impl Into<Owner>, timer: Timer) -> Result<OperationId, StartError<Timer>> {
        let refused = |refusal| StartError::new("setting a timer", timer, refusal);
        let first = self.first_tick(timer).map_err(refused)?;
        self.engine.start_timer(owner.into(), first, timer.interval, timer.clock).map_err(refused)
    }

    /// Sets a living timer anew, from now. Its id stays, its ticks are counted from 1 again.
    ///
    /// A tick that was due and not yet taken is gone, and one that is [in hand](crate::InHand) is silenced.
    ///
    /// # Errors
    ///
    /// As [`set_timer`](Pump::set_timer), and when `id` names no living timer.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, Pump, Timer};
    /// use std::time::Duration;
    /// let mut pump = Pump::<()>::new()?;
    /// let timer = pump.set_timer(pump.root_window(), Timer::once(Duration::from_secs(3600)))?;
    /// pump.reset_timer(timer, Timer::once(Duration::from_millis(1)))?; // sooner, under the same id
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// assert_eq!(message.operation, Some(timer));
    /// assert!(matches!(message.payload, Payload::Tick(tick) if tick.count == 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset_timer(&mut self, id: OperationId, timer: Timer) -> Result<(), StartError<Timer>> {
        let refused = |refusal| StartError::new(format!("setting {id} anew"), timer, refusal);
        let first = self.first_tick(timer).map_err(refused)?;
        self.engine.reset_timer(id, first, timer.interval, timer.clock).map_err(refused)
    }

    fn first_tick(&mut self, timer: Timer) -> Result<Moment, StartRefusal> {
        if timer.interval.is_some_and(|interval| interval.is_zero()) {
            return Err(StartRefusal::ZeroInterval);
        }
        let first = match timer.first {
            FirstTick::After(delay) => {
                self.now().checked_add(delay).filter(|&first| self.time_line.instant(first).is_some())
            }
            FirstTick::At(instant) => self.time_line.checked_moment(instant),
        };
        let first = first.ok_or(StartRefusal::BeyondClock)?;
        match timer.clock {
            Clock::Monotonic => Ok(first),
            // The next turn takes it off again.
            Clock::Boot => first.checked_add(self.suspend_to_pass()).ok_or(StartRefusal::BeyondClock),
        }
    }

    /// Cancels an operation: stops its work, purges its messages, and says what that prevented.
    ///
    /// Whatever it returns, no message of this operation is seen any more. Nothing is posted in its
    /// place, and cancelling again does no harm.
    ///
    /// # Cost
    ///
    /// One step for each queued message of this operation, however long the queue is. It allocates
    /// nothing and cannot fail.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Cancelled, Pump, ServiceQuery};
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// let lookup = pump.lookup_service(window, ServiceQuery::by_name("https"))?;
    /// assert_eq!(pump.cancel(lookup), Cancelled::Queued(1)); // answered at once, but nobody will see it
    /// assert_eq!(pump.cancel(lookup), Cancelled::Over);
    /// assert!(pump.next_message().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&mut self, operation: impl Into<OperationId>) -> Cancelled {
        self.engine.cancel(operation.into(), &mut self.outside)
    }

    /// Cancels every operation of `group` and says what that prevented.
    ///
    /// Operations started in the group later are not affected: a group is a label, not a lifetime.
    /// A group that is closed or of another pump has no operations.
    ///
    /// # Cost
    ///
    /// One pass over the group's operations and their messages.
    pub fn cancel_group(&mut self, group: GroupId) -> Swept {
        self.engine.cancel_group(group, &mut self.outside).unwrap_or_default()
    }

    /// Cancels every operation of `window` and says what that prevented. What was posted to it stays.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{HostQuery, Pump};
    /// let mut pump = Pump::<&str>::new()?;
    /// let window = pump.open_window();
    /// pump.lookup_host(window, HostQuery::by_name("localhost"))?;
    /// pump.post(window, "stays")?;
    /// assert_eq!(pump.cancel_window(window).operations(), 1);
    /// assert!(pump.next_message().is_some_and(|message| message.operation.is_none()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel_window(&mut self, window: WindowId) -> Swept {
        self.engine.cancel_window(window, &mut self.outside).unwrap_or_default()
    }

    /// Whether an operation lives: its work is under way, or a message of it waits to be taken.
    pub fn is_live(&self, operation: impl Into<OperationId>) -> bool {
        self.engine.is_live(operation.into())
    }

    /// Takes back the messages posted to `window` that `unwanted` picks, from this thread or from others, and says
    /// how many they were.
    ///
    /// # Cost
    ///
    /// A look at each post to the window, and at each of other threads that no turn has taken over yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, Pump};
    /// #[derive(Clone, Copy, PartialEq)]
    /// enum App { Redraw, Key(char) }
    /// let mut pump = Pump::<App>::new()?;
    /// let window = pump.open_window();
    /// for posted in [App::Redraw, App::Key('a'), App::Redraw] {
    ///     pump.post(window, posted)?;
    /// }
    /// let message = pump.next_message().expect("it waits");
    /// assert!(matches!(message.payload, Payload::Posted(App::Redraw)));
    /// // It is drawn anew now: once, for all that wait.
    /// assert_eq!(pump.purge_posts(window, |&posted| posted == App::Redraw), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn purge_posts(&mut self, window: WindowId, mut unwanted: impl FnMut(&T) -> bool) -> usize {
        if !self.engine.has_window(window) {
            return 0;
        }
        let queued = self.engine.purge_posts(window, &mut unwanted);
        let on_the_way = self.inbox.take_posts(window, unwanted);
        self.engine.metrics.purged_messages += on_the_way.len() as u64;
        let count = queued + on_the_way.len();
        // Both, before a payload's drop runs code of the program.
        self.engine.drop_purged();
        count
    }

    /// What the pump has done and holds.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{HostQuery, Pump};
    /// let mut pump = Pump::<()>::new()?;
    /// let lookup = pump.lookup_host(pump.root_window(), HostQuery::by_name("localhost"))?;
    /// assert_eq!((pump.metrics().operations, pump.metrics().queued), (1, 1));
    /// pump.cancel(lookup);
    /// assert_eq!((pump.metrics().operations, pump.metrics().purged_messages), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn metrics(&self) -> Metrics {
        let mut metrics = self.engine.measure();
        metrics.wakes = self.inbox.wakes();
        metrics.sockets = self.outside.sockets_len();
        metrics
    }

    fn now(&self) -> Moment {
        self.time_line.moment(self.outside.now())
    }
}

/// Wakes the pump where it sleeps by itself, and its host.
fn wake(outside: &Outside, host: Option<HostWaker>) -> Wake {
    let wake = outside.wake();
    match host {
        None => wake,
        Some(HostWaker(host)) => Arc::new(move || {
            let woken = wake();
            host();
            woken
        }),
    }
}

impl<T> std::fmt::Debug for Pump<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pump").field("metrics", &self.metrics()).finish_non_exhaustive()
    }
}
