//! Window procedures: a layer over the pump for programs that want their messages handed to them.
//!
//! A [`Dispatcher`] owns a [`Pump`] and a procedure for each window that has one. It takes messages from
//! the pump and gives each to the procedure of its window. Which of the two styles suits a program is
//! told in [`guide::procedures`](crate::guide::procedures).
//!
//! Floor 5. It uses what the crate gives out, as a third party would.

mod call;
mod run;
mod slow;

use std::collections::HashMap;
use std::fmt;

use crate::{InHand, Message, Pump, Swept, WindowId};

pub use call::Dispatch;
pub use run::{Ended, Pending};
pub use slow::SlowHandler;
use slow::Watch;

/// A pump whose windows have procedures.
///
/// `T` is what the program posts to itself, `S` its state: a `&mut S` is handed to every procedure, so no
/// program needs an `Rc<RefCell<S>>` to share it between them. A procedure gets the dispatcher, too, and may do
/// anything with it and with its pump: post, start, cancel, open windows, destroy any window, its own
/// included, set another procedure in its own place, and run a nested loop until a dialog is closed.
/// It is not `Send`, as the pump is not.
///
/// # Nested loops
///
/// A procedure never runs inside itself. While it runs, the messages for its window stay where they are and
/// in their order; a nested loop passes them by, and they come when the procedure has returned. A timer that is
/// due meanwhile then ticks once. A procedure that wants its window served during a nested loop sets
/// another one in its place first, with [`set_procedure`](Dispatcher::set_procedure).
///
/// # Cancellation
///
/// When [`cancel`](Pump::cancel) returns, no message of that operation is handed to a procedure, not even one
/// that was taken and not yet dispatched. The same holds for a cancelled group and window, and a
/// destroyed window.
///
/// # Panics in procedures
///
/// Go through to whoever called [`run`](Dispatcher::run) or [`dispatch`](Dispatcher::dispatch). If they are caught
/// there, all goes on: the procedure stays that of its window, its message counts as handled.
///
/// # Examples
///
/// ```
/// use msgpump::{Dispatcher, HostQuery, Payload, Pump};
///
/// #[derive(Default)]
/// struct App {
///     found: Vec<String>,
/// }
///
/// let mut dispatcher = Dispatcher::<&str, App>::new(Pump::new()?);
/// let window = dispatcher.open_window(|dispatcher, app, message| match message.payload {
///     Payload::Posted(name) => {
///         let started = dispatcher.pump().lookup_host(message.window, HostQuery::by_name(name));
///         started.expect("the window is open");
///     }
///     Payload::Host(Ok(host)) => {
///         app.found.push(host.canonical_name);
///         dispatcher.pump().quit(0);
///     }
///     _ => {}
/// });
/// dispatcher.pump().post(window, "localhost")?;
/// let mut app = App::default();
/// let code = dispatcher.run(&mut app)?;
/// assert_eq!((code, app.found.len()), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Dispatcher<T, S = ()> {
    pump: Pump<T>,
    seats: HashMap<WindowId, Seat<T, S>>,
    /// The windows whose procedure runs and has not been replaced, innermost last.
    running: Vec<WindowId>,
    /// How many seats there may be before those are looked for whose window is gone.
    seats_room: usize,
    unclaimed: u64,
    watch: Option<Watch>,
}

type Procedure<T, S> = Box<dyn FnMut(&mut Dispatcher<T, S>, &mut S, Message<T>)>;

/// Where a window's procedure is.
enum Seat<T, S> {
    /// Here, waiting for a message.
    Waiting(Procedure<T, S>),
    /// Taken out to run.
    Running,
}

/// How many seats there are before any is looked at.
const SEATS_MIN: usize = 16;

impl<T, S> Dispatcher<T, S> {
    /// Makes a dispatcher that takes its messages from `pump`. Windows that are open already can be given
    /// procedures with [`set_procedure`](Dispatcher::set_procedure).
    pub fn new(pump: Pump<T>) -> Dispatcher<T, S> {
        let (seats, running) = (HashMap::new(), Vec::new());
        Dispatcher { pump, seats, running, seats_room: SEATS_MIN, unclaimed: 0, watch: None }
    }

    /// The pump beneath, with all its verbs.
    ///
    /// A message that is taken from it directly goes past the procedures.
    pub fn pump(&mut self) -> &mut Pump<T> {
        &mut self.pump
    }

    /// Gives the pump back, and drops the procedures.
    pub fn into_pump(self) -> Pump<T> {
        self.pump
    }

    /// Opens a window whose messages go to `procedure`.
    ///
    /// # Panics
    ///
    /// As [`Pump::open_window`].
    pub fn open_window(
        &mut self,
        procedure: impl FnMut(&mut Dispatcher<T, S>, &mut S, Message<T>) + 'static,
    ) -> WindowId {
        let window = self.pump.open_window();
        self.seat(window, Box::new(procedure));
        window
    }

    /// Gives a window another procedure, or its first one.
    ///
    /// A procedure may replace itself: the new one gets the window's next message, in a nested loop too, and
    /// the old one is dropped when it has returned.
    ///
    /// # Errors
    ///
    /// The procedure comes back when the window is not open.
    pub fn set_procedure<P>(&mut self, window: WindowId, procedure: P) -> Result<(), ProcedureError<P>>
    where
        P: FnMut(&mut Dispatcher<T, S>, &mut S, Message<T>) + 'static,
    {
        if !self.pump.has_window(window) {
            return Err(ProcedureError { procedure, window });
        }
        self.running.retain(|&running| running != window);
        // What it replaces is dropped last: that is the program's code.
        drop(self.seat(window, Box::new(procedure)));
        Ok(())
    }

    fn seat(&mut self, window: WindowId, procedure: Procedure<T, S>) -> Option<Seat<T, S>> {
        if self.seats.len() >= self.seats_room {
            self.drop_seats_of_destroyed_windows();
        }
        self.seats.insert(window, Seat::Waiting(procedure))
    }

    /// Destroys a window and drops its procedure: as [`Pump::destroy_window`].
    ///
    /// A procedure that destroys its own window runs to its end and is dropped then. Of a window that is
    /// destroyed through [`pump`](Dispatcher::pump) the procedure is never called again either; it is dropped
    /// later, when room is needed.
    pub fn destroy_window(&mut self, window: WindowId) -> Option<Swept> {
        let swept = self.pump.destroy_window(window)?;
        drop(self.seats.remove(&window));
        Some(swept)
    }

    /// How many messages were dropped by [`run`](Dispatcher::run), [`run_until`](Dispatcher::run_until) and
    /// [`dispatch_pending`](Dispatcher::dispatch_pending) because their window has no procedure. Each is
    /// logged as a warning.
    pub fn unclaimed(&self) -> u64 {
        self.unclaimed
    }

    /// Drops the procedures of windows that were destroyed through the pump, a step for each new window.
    fn drop_seats_of_destroyed_windows(&mut self) {
        let pump = &self.pump;
        let gone: Vec<_> = self.seats.extract_if(|window, _| !pump.has_window(*window)).collect();
        self.seats_room = SEATS_MIN.max(2 * self.seats.len());
        drop(gone);
    }
}

impl<T, S> fmt::Debug for Dispatcher<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Dispatcher");
        fields.field("procedures", &self.seats.len()).field("running", &self.running);
        fields.field("unclaimed", &self.unclaimed).field("pump", &self.pump).finish_non_exhaustive()
    }
}

/// A window could not be given a procedure: it is not open. The procedure comes back.
#[non_exhaustive]
pub struct ProcedureError<P> {
    /// What was to be its procedure.
    pub procedure: P,
    /// The window.
    pub window: WindowId,
}

impl<P> fmt::Display for ProcedureError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "giving {} a procedure: it is destroyed or belongs to another pump", self.window)
    }
}

impl<P> fmt::Debug for ProcedureError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcedureError").field("window", &self.window).finish_non_exhaustive()
    }
}

impl<P> std::error::Error for ProcedureError<P> {}
