//! Sinks as objects that are called: a thin layer over the messages.
//!
//! Floor 5. A sink's callback never runs inside another callback of the same sink: what a nested loop takes for it
//! waits until the outer one has returned. No borrow is held while a callback runs.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::error::{WbemError, WbemStatus};
use super::object::Object;
use super::server::Server;
use super::sink::{CallId, Sink, SinkEvent, SinkId, SinkMessage, SinkStatus, WeakSink};
use crate::{Pump, WindowId};

/// What is called when a sink is told something: the texts' `IWbemObjectSink`.
///
/// From inside a callback everything is allowed, to cancel the sink's own calls too: their final status comes after
/// the callback has returned. A callback should take well under 100 ms.
pub trait ObjectSink<T> {
    /// Takes some objects, at least one.
    ///
    /// # Errors
    ///
    /// With any error the call is cancelled, and ends with `WBEM_E_CALL_CANCELLED`.
    fn indicate(&mut self, pump: &mut Pump<T>, call: CallId, objects: &[Object]) -> Result<(), WbemError>;

    /// Hears of progress, `done` of `total`; only if `WBEM_FLAG_SEND_STATUS` was set.
    ///
    /// # Errors
    ///
    /// As [`indicate`](ObjectSink::indicate).
    fn progress(&mut self, pump: &mut Pump<T>, call: CallId, done: u16, total: u16) -> Result<(), WbemError> {
        let _ = (pump, call, done, total);
        Ok(())
    }

    /// Hears that the call is over: the last that it hears of it.
    fn set_status(&mut self, pump: &mut Pump<T>, call: CallId, status: &SinkStatus);
}

/// Sinks that are objects. A clone is the same table.
///
/// An object is kept as long as somebody holds its sink: the program, or a call that is not over.
///
/// # Examples
///
/// ```
/// use msgpump::Pump;
/// use msgpump::wbem::{CallId, Callbacks, Flags, Object, ObjectSink, Received, Server, SinkStatus, WbemError};
///
/// struct Names;
///
/// impl ObjectSink<()> for Names {
///     fn indicate(&mut self, _: &mut Pump<()>, _: CallId, objects: &[Object]) -> Result<(), WbemError> {
///         objects.iter().for_each(|object| println!("{}", object.class().name()));
///         Ok(())
///     }
///
///     fn set_status(&mut self, pump: &mut Pump<()>, _: CallId, status: &SinkStatus) {
///         println!("the end: {}", status.status);
///         pump.quit(0);
///     }
/// }
///
/// let mut pump = Pump::<()>::new()?;
/// let server = Server::new(&mut pump);
/// let services = server.connect(&mut pump, r"root\cimv2")?;
/// let callbacks = Callbacks::new(&server);
/// let names = callbacks.sink(pump.root_window(), Names);
/// services.create_class_enum_async(&mut pump, "__Event", Flags::NONE, &names)?;
/// while let Some(received) = server.get_message(&mut pump)? {
///     if let Received::Sink(message) = received {
///         callbacks.dispatch(&mut pump, message);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Callbacks<T> {
    server: Server,
    slots: Rc<RefCell<HashMap<SinkId, Slot<T>>>>,
}

struct Slot<T> {
    sink: WeakSink,
    /// Not there while it is called.
    object: Option<Box<dyn ObjectSink<T>>>,
    /// What came while it was called.
    waiting: VecDeque<SinkMessage>,
}

impl<T: Send + 'static> Callbacks<T> {
    /// Makes a table of sinks for a server.
    pub fn new(server: &Server) -> Callbacks<T> {
        Callbacks { server: server.clone(), slots: Rc::default() }
    }

    /// Makes a sink of an object; its messages are for `window`.
    pub fn sink(&self, window: WindowId, object: impl ObjectSink<T> + 'static) -> Sink {
        let sink = Sink::new(window);
        let slot = Slot { sink: sink.downgrade(), object: Some(Box::new(object)), waiting: VecDeque::new() };
        let forgotten: Vec<_> = {
            let mut slots = self.slots.borrow_mut();
            // Now and then, so that it costs nothing on the whole.
            let is_time = slots.len().is_power_of_two();
            let ids = slots.iter().filter(|(_, slot)| is_time && slot.is_forgotten()).map(|(id, _)| *id);
            let ids: Vec<SinkId> = ids.collect();
            slots.insert(sink.id(), slot);
            ids.into_iter().filter_map(|id| slots.remove(&id)).collect()
        };
        // Their drop is code of the program.
        drop(forgotten);
        sink
    }

    /// Calls the object of a message's sink; the message comes back if it has none here.
    ///
    /// Objects of a call that was cancelled meanwhile are left out. A callback that panics has its call cancelled,
    /// and the panic goes on once the object has heard what else waits for it.
    pub fn dispatch(&self, pump: &mut Pump<T>, message: SinkMessage) -> Option<SinkMessage> {
        let id = message.sink.id();
        match self.slots.borrow_mut().get_mut(&id) {
            Some(slot) => {
                if let (None, SinkEvent::Status(status)) = (&slot.object, &message.event) {
                    self.server.hold(message.call, id, status);
                }
                slot.waiting.push_back(message);
            }
            None => return Some(message),
        }
        // There is nothing to be had while the object is called: whoever called it goes on with what waits.
        let mut panicked = None;
        while let Some((object, message)) = self.next(id) {
            let delivered = self.deliver(pump, object, message);
            panicked = panicked.or(delivered.err());
        }
        let forgotten = {
            let mut slots = self.slots.borrow_mut();
            let is_forgotten = slots.get(&id).is_some_and(Slot::is_forgotten);
            is_forgotten.then(|| slots.remove(&id))
        };
        drop(forgotten);
        match panicked {
            Some(panic) => resume_unwind(panic),
            None => None,
        }
    }

    /// The object of a sink, and what it is told next.
    fn next(&self, id: SinkId) -> Option<(Box<dyn ObjectSink<T>>, SinkMessage)> {
        loop {
            let mut message = {
                let mut slots = self.slots.borrow_mut();
                let slot = slots.get_mut(&id)?;
                slot.object.as_ref()?;
                slot.waiting.pop_front()?
            };
            if self.is_silenced(id, &message) {
                continue;
            }
            if let SinkEvent::Status(status) = &mut message.event
                && let Some(cancelled) = self.server.let_go(message.call)
            {
                *status = cancelled;
            }
            let object = self.slots.borrow_mut().get_mut(&id)?.object.take()?;
            return Some((object, message));
        }
    }

    /// Whether a message is of a call that was cancelled after the message was taken.
    fn is_silenced(&self, id: SinkId, message: &SinkMessage) -> bool {
        let is_cancel = |other: &SinkMessage| {
            let is_ours = other.call == message.call;
            is_ours && matches!(&other.event, SinkEvent::Status(status) if status.status == WbemStatus::CallCancelled)
        };
        let is_final = matches!(message.event, SinkEvent::Status(_));
        !is_final
            && (self.server.is_cancelled(message.call)
                || self.slots.borrow().get(&id).is_some_and(|slot| slot.waiting.iter().any(is_cancel)))
    }

    /// Calls an object, and puts it back; with its panic if it panicked.
    fn deliver(
        &self,
        pump: &mut Pump<T>,
        mut object: Box<dyn ObjectSink<T>>,
        message: SinkMessage,
    ) -> Result<(), Box<dyn Any + Send>> {
        let SinkMessage { sink, call, event } = message;
        let called = catch_unwind(AssertUnwindSafe(|| match &event {
            SinkEvent::Indicate(objects) => object.indicate(pump, call, objects),
            SinkEvent::Progress { done, total } => object.progress(pump, call, *done, *total),
            SinkEvent::Status(status) => {
                object.set_status(pump, call, status);
                Ok(())
            }
        }));
        if let Some(slot) = self.slots.borrow_mut().get_mut(&sink.id()) {
            slot.object = Some(object);
        }
        match &called {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => log::debug!("{sink:?} refused what {call:?} told it: {error}"),
            Err(_) => {}
        }
        self.server.cancel_call(pump, &sink, call);
        called.map(|_| ())
    }
}

impl<T> Slot<T> {
    /// Whether nobody can tell the object anything any more.
    fn is_forgotten(&self) -> bool {
        self.sink.is_gone() && self.waiting.is_empty() && self.object.is_some()
    }
}

impl<T> Clone for Callbacks<T> {
    fn clone(&self) -> Callbacks<T> {
        Callbacks { server: self.server.clone(), slots: self.slots.clone() }
    }
}

impl<T> std::fmt::Debug for Callbacks<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").field("sinks", &self.slots.borrow().len()).finish_non_exhaustive()
    }
}
