//! Blocking calls: how they wait, the hook that runs meanwhile, and their cancel.
//!
//! Floor 5. A blocking call starts an operation of the pump, as every other call does, and then turns the pump
//! until it is finished. Its messages go to a window of the layer's own, so the program's loop never sees them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;
use std::{fmt, io};

use super::error::WinsockError;
use super::library::Winsock;
use super::message::Delivery;
use crate::{Budget, Error, Filter, Message, OperationId, Payload, Pump, Timer, WindowId};

/// How long a hook of the program's own is not run while nothing happens.
const HOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A blocking hook of the program's: true asks to be run again at once.
pub type Hook<T> = Box<dyn FnMut(&mut Winsock<T>, &mut Pump<T>) -> bool>;

/// What the default hook hands messages to, in the place of `DispatchMessage`.
pub type Procedure<T> = Box<dyn FnMut(&mut Winsock<T>, &mut Pump<T>, Delivery<T>)>;

/// The hook that runs while a call blocks.
#[derive(Default)]
pub enum BlockingHook<T> {
    /// Takes one message and hands it to the program's procedure, see [`Winsock::set_procedure`]; without
    /// one, leaves messages where they are.
    #[default]
    Default,
    /// One of the program's own.
    Custom(Hook<T>),
}

impl<T> fmt::Debug for BlockingHook<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BlockingHook::Default => "BlockingHook::Default",
            BlockingHook::Custom(_) => "BlockingHook::Custom",
        })
    }
}

/// A call that was given something to keep has failed. It comes back.
#[non_exhaustive]
pub struct Refused<A> {
    /// What was to be kept.
    pub argument: A,
    /// Why it was not.
    pub error: WinsockError,
}

impl<A> fmt::Debug for Refused<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<A> fmt::Display for Refused<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "setting a blocking hook: {}", self.error)
    }
}

impl<A> std::error::Error for Refused<A> {}

/// The hook, and the blocking call that is under way.
pub(super) struct Blocking<T> {
    hook: BlockingHook<T>,
    procedure: Option<Procedure<T>>,
    /// The layer's own window, once a blocking call needed one.
    window: Option<WindowId>,
    call: Call<T>,
}

enum Call<T> {
    None,
    UnderWay {
        operation: OperationId,
        is_cancelled: bool,
        /// What came for the operation and was not looked at yet.
        arrived: Option<Payload<T>>,
    },
}

impl<T> Blocking<T> {
    pub(super) fn new() -> Blocking<T> {
        Blocking { hook: BlockingHook::Default, procedure: None, window: None, call: Call::None }
    }

    /// Takes a message for the layer's own window out of the program's way.
    pub(super) fn keep_own(&mut self, message: Message<T>) -> Option<Message<T>> {
        if self.window != Some(message.window) {
            return Some(message);
        }
        match &mut self.call {
            Call::UnderWay { operation, arrived, .. } if message.operation == Some(*operation) => {
                *arrived = Some(message.payload);
            }
            // The tick that ended a wait.
            Call::UnderWay { .. } | Call::None => {}
        }
        None
    }

    /// The final cleanup: the default hook is back.
    pub(super) fn reset(&mut self, pump: &mut Pump<T>) {
        self.hook = BlockingHook::Default;
        if let Some(window) = self.window.take() {
            pump.destroy_window(window);
        }
    }

    fn is_cancelled(&self) -> bool {
        matches!(self.call, Call::UnderWay { is_cancelled: true, .. })
    }

    fn take_arrived(&mut self) -> Option<Payload<T>> {
        match &mut self.call {
            Call::UnderWay { arrived, .. } => arrived.take(),
            Call::None => None,
        }
    }
}

impl<T> Winsock<T> {
    /// Whether a blocking call is under way: `WSAIsBlocking`. It may be asked at any time.
    ///
    /// So a handler knows that it runs inside of a blocking call, and that it must not make another.
    #[doc(alias = "WSAIsBlocking")]
    pub fn wsa_is_blocking(&self) -> bool {
        matches!(self.blocking.call, Call::UnderWay { .. })
    }

    /// Says what the default hook hands messages to while a call blocks.
    ///
    /// The procedure is given the messages that the program's own loop would have taken, one for each run of
    /// the hook. It may do all that is allowed inside of a blocking call. Without one, messages wait until
    /// the call is over.
    pub fn set_procedure(&mut self, procedure: Procedure<T>) {
        self.blocking.procedure = Some(procedure);
    }

    /// Has `hook` run while calls block, and gives back the one that ran so far: `WSASetBlockingHook`.
    ///
    /// It is run when a call has to wait, again at once while it returns true, and then whenever something
    /// happens or 10 ms have passed. A hook that never returns true is the rule; one that always does
    /// starves the call, which then never ends, as in the text.
    ///
    /// # Errors
    ///
    /// The hook comes back, with what every call checks first, or with
    /// [`Eopnotsupp`](WinsockError::Eopnotsupp) where a version 2 is in force: it has no hooks.
    #[doc(alias = "WSASetBlockingHook")]
    pub fn wsa_set_blocking_hook(&mut self, hook: Hook<T>) -> Result<BlockingHook<T>, Refused<Hook<T>>> {
        let admitted = self.admit().and_then(|()| self.admit_hooks());
        match self.noted(admitted) {
            Ok(()) => Ok(std::mem::replace(&mut self.blocking.hook, BlockingHook::Custom(hook))),
            Err(error) => Err(Refused { argument: hook, error }),
        }
    }

    /// Puts the default hook back, never the one before: `WSAUnhookBlockingHook`.
    ///
    /// # Errors
    ///
    /// As [`wsa_set_blocking_hook`](Winsock::wsa_set_blocking_hook).
    #[doc(alias = "WSAUnhookBlockingHook")]
    pub fn wsa_unhook_blocking_hook(&mut self) -> Result<(), WinsockError> {
        let admitted = self.admit_offline().and_then(|()| self.admit_hooks());
        self.noted(admitted)?;
        self.blocking.hook = BlockingHook::Default;
        Ok(())
    }

    /// Ends the blocking call that is under way, from a hook or from a handler inside of it:
    /// `WSACancelBlockingCall`.
    ///
    /// The call fails with [`Eintr`](WinsockError::Eintr) when the hook has returned. Its socket, if it has
    /// one, is as it was: no data is lost, whatever the call was.
    ///
    /// # Errors
    ///
    /// [`Einval`](WinsockError::Einval) where no call blocks,
    /// [`Notinitialised`](WinsockError::Notinitialised), and [`Eopnotsupp`](WinsockError::Eopnotsupp) where
    /// a version 2 is in force.
    #[doc(alias = "WSACancelBlockingCall")]
    pub fn wsa_cancel_blocking_call(&mut self) -> Result<(), WinsockError> {
        let cancelled = self.admit_hooks().and_then(|()| match &mut self.blocking.call {
            Call::UnderWay { is_cancelled, .. } => {
                *is_cancelled = true;
                Ok(())
            }
            Call::None => Err(WinsockError::Einval),
        });
        self.noted(cancelled)
    }

    fn admit_hooks(&self) -> Result<(), WinsockError> {
        if self.version_in_force()?.major >= 2 { Err(WinsockError::Eopnotsupp) } else { Ok(()) }
    }

    /// The window that the layer's own operations belong to.
    pub(super) fn own_window(&mut self, pump: &mut Pump<T>) -> WindowId {
        match self.blocking.window.filter(|&window| pump.has_window(window)) {
            Some(window) => window,
            None => {
                let window = pump.open_window();
                self.blocking.window = Some(window);
                window
            }
        }
    }

    /// Waits until `attempt` has an outcome, with what came for `operation`, which is of the layer's own
    /// window, if something did. The operation is over afterwards.
    pub(super) fn block<R>(
        &mut self,
        pump: &mut Pump<T>,
        operation: OperationId,
        attempt: impl FnMut(&mut Winsock<T>, &mut Pump<T>, Option<Payload<T>>) -> Option<R>,
    ) -> Result<R, WinsockError> {
        self.blocking.call = Call::UnderWay { operation, is_cancelled: false, arrived: None };
        // A hook that panics must not leave the layer inside of a call that is no more.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.wait(pump, operation, attempt)));
        self.blocking.call = Call::None;
        pump.cancel(operation);
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn wait<R>(
        &mut self,
        pump: &mut Pump<T>,
        operation: OperationId,
        mut attempt: impl FnMut(&mut Winsock<T>, &mut Pump<T>, Option<Payload<T>>) -> Option<R>,
    ) -> Result<R, WinsockError> {
        let has_hooks = self.version_in_force()?.major < 2;
        loop {
            while has_hooks && !is_quitting(pump) && self.run_hook(pump) {}
            // Asked to end, the program must not be held up by a call.
            if self.blocking.is_cancelled() || is_quitting(pump) {
                return Err(WinsockError::Eintr);
            }
            let arrived = self.blocking.take_arrived();
            if let Some(outcome) = attempt(self, pump, arrived) {
                return Ok(outcome);
            }
            if !pump.is_live(operation) {
                // A hook took its message from the pump and threw it away.
                return Err(WinsockError::TryAgain);
            }
            self.wait_for_something(pump, has_hooks).map_err(|_| WinsockError::Enetdown)?;
        }
    }

    fn wait_for_something(&mut self, pump: &mut Pump<T>, has_hooks: bool) -> Result<(), Error> {
        let is_polled = has_hooks && matches!(self.blocking.hook, BlockingHook::Custom(_));
        let takes_messages = has_hooks && (is_polled || self.blocking.procedure.is_some());
        if takes_messages && pump.peek_message().is_none() {
            let budget = if is_polled { Budget::wait(HOOK_INTERVAL) } else { Budget::wait_forever() };
            return pump.turn(budget).map(|_| ());
        }
        // Messages wait that the hook does not take: only what is the layer's own ends the wait.
        let window = self.own_window(pump);
        let tick = is_polled.then(|| pump.set_timer(window, Timer::once(HOOK_INTERVAL)).ok()).flatten();
        let message = pump.get_message_for(Filter::any().window(window));
        if let Some(tick) = tick {
            pump.cancel(tick);
        }
        match message {
            Ok(message) => {
                // None: the program is asked to end, which is looked at next.
                message.and_then(|message| self.blocking.keep_own(message));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => pump.turn(Budget::no_wait()).map(|_| ()),
            Err(error) => Err(error),
        }
    }

    /// Runs the hook once, and says whether it asks to be run again.
    fn run_hook(&mut self, pump: &mut Pump<T>) -> bool {
        let mut hook = std::mem::take(&mut self.blocking.hook);
        let again = catch_unwind(AssertUnwindSafe(|| match &mut hook {
            BlockingHook::Default => self.dispatch_one(pump),
            BlockingHook::Custom(hook) => hook(self, pump),
        }));
        self.blocking.hook = hook;
        again.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// The default hook.
    fn dispatch_one(&mut self, pump: &mut Pump<T>) -> bool {
        let Some(mut procedure) = self.blocking.procedure.take() else { return false };
        let dispatched = catch_unwind(AssertUnwindSafe(|| match self.next_message(pump) {
            Some(delivery) => {
                procedure(self, pump, delivery);
                true
            }
            None => false,
        }));
        // A procedure may have set another one.
        self.blocking.procedure.get_or_insert(procedure);
        dispatched.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn is_quitting<T>(pump: &Pump<T>) -> bool {
    pump.quit_code().is_some()
}
