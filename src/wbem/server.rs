//! The server: what answers calls, beside a pump.
//!
//! Floor 5. It stands on the pump as any third party does. Calls are the pump's streams; the server keeps whose
//! they are, and translates the pump's messages into what sinks are told.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use super::calls::{CallState, Calls};
use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::feed::{Finish, Part};
use super::path::NamespacePath;
use super::provider::ClassProvider;
use super::repository::{Namespace, Repository};
use super::services::Services;
use super::sink::SinkMessage;
use super::watch::Sources;
use crate::{Filter, Message, OperationId, Payload, Pump, StartError, StartRefusal, StreamId, WindowId};

mod end;
mod start;
mod wait;

pub(super) use start::{Collecting, Start};
pub(super) use wait::Waited;

/// Answers calls, beside a [`Pump`]. A clone is the same server.
///
/// It lives on the pump's thread and is not `Send`, nor are the [`Services`], enumerators and sinks; a
/// [`Publisher`](super::Publisher) of events is.
///
/// Classes are registered here, [`Services`] are connected to here, and every message of the pump passes
/// through here: with [`get_message`](Server::get_message) and [`next_message`](Server::next_message) in place
/// of the pump's, or with [`translate`](Server::translate) where the program takes messages itself.
///
/// # Examples
///
/// ```
/// use msgpump::wbem::{
///     CimType, Class, ClassProvider, Flags, Instance, List, Property, Received, Rows, Server, Sink, SinkEvent, Wanted,
///     WbemError,
/// };
/// use msgpump::Pump;
/// use std::sync::Arc;
///
/// struct Fruits(Arc<Class>);
///
/// impl ClassProvider for Fruits {
///     fn class(&self) -> &Arc<Class> {
///         &self.0
///     }
///
///     fn open(&self, _: &Wanted) -> Result<Box<dyn Rows>, WbemError> {
///         let mut apple = Instance::new(&self.0);
///         apple.put("Name", "Apple")?;
///         Ok(List::boxed([apple]))
///     }
/// }
///
/// let mut pump = Pump::<()>::new()?;
/// let server = Server::new(&mut pump);
/// let class = Class::builder("Fruit").property(Property::key("Name", CimType::String)).build()?;
/// server.register(r"root\cimv2", Fruits(class))?;
///
/// let services = server.connect(&mut pump, r"root\cimv2")?;
/// let sink = Sink::new(pump.root_window());
/// services.exec_query_async(&mut pump, "WQL", "SELECT * FROM Fruit", Flags::NONE, &sink)?;
/// let mut names = Vec::new();
/// while let Some(received) = server.get_message(&mut pump)? {
///     match received {
///         Received::Sink(message) => match message.event {
///             SinkEvent::Indicate(objects) => names.extend(objects.iter().map(|it| it.get("Name").unwrap().to_string())),
///             SinkEvent::Status(_) => pump.quit(0),
///             SinkEvent::Progress { .. } => {}
///         },
///         Received::Other(_) => {}
///     }
/// }
/// assert_eq!(names, ["Apple"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Server {
    pub(super) shared: Rc<RefCell<Shared>>,
}

/// What clones of a server share. It is borrowed for moments only, never while code of the program runs.
pub(super) struct Shared {
    /// Owns what belongs to the server and to no sink.
    pub(super) window: WindowId,
    pub(super) repository: Repository,
    pub(super) calls: Calls,
    pub(super) sources: Sources,
    pub(super) clock: Option<Rc<dyn Fn() -> SystemTime>>,
    /// Minutes ahead of UTC, if the program has said so.
    pub(super) utc_offset: Option<i16>,
    is_shut: bool,
    /// How many calls there were when those of destroyed windows were looked for last.
    swept_calls: usize,
}

/// A message of the pump, after the server has looked at it.
#[derive(Debug)]
pub enum Received<T> {
    /// Something that a sink is told.
    Sink(SinkMessage),
    /// A message that has nothing to do with the server.
    Other(Message<T>),
}

impl Server {
    /// Makes a server for a pump, with the namespaces `ROOT` and `ROOT\CIMV2`, and no classes but the system's.
    pub fn new<T: Send + 'static>(pump: &mut Pump<T>) -> Server {
        let shared = Shared {
            window: pump.open_window(),
            repository: Repository::new(),
            calls: Calls::default(),
            sources: Sources::default(),
            clock: None,
            utc_offset: None,
            is_shut: false,
            swept_calls: 0,
        };
        Server { shared: Rc::new(RefCell::new(shared)) }
    }

    /// Puts a class into a namespace, with who provides its instances. The namespace is made if it is not there, and
    /// ancestors that are not there come with the class.
    ///
    /// # Errors
    ///
    /// `WBEM_E_ALREADY_EXISTS` if the class is provided already, `WBEM_E_INVALID_SUPERCLASS` if an ancestor's name
    /// is that of another class, `WBEM_E_ILLEGAL_OPERATION` if the class belongs to another namespace.
    pub fn register(&self, namespace: &str, provider: impl ClassProvider + 'static) -> Result<(), WbemError> {
        let class = provider.class().clone();
        self.register_as(namespace, &class, Some(Rc::new(provider)))
    }

    /// Puts a class into a namespace that has no instances of its own: one that others derive from, or one of
    /// events that are told by [`Rows`](super::Rows) of other classes.
    ///
    /// # Errors
    ///
    /// As [`register`](Server::register).
    pub fn register_class(&self, namespace: &str, class: &Arc<Class>) -> Result<(), WbemError> {
        self.register_as(namespace, class, None)
    }

    fn register_as(
        &self,
        namespace: &str,
        class: &Arc<Class>,
        provider: Option<Rc<dyn ClassProvider>>,
    ) -> Result<(), WbemError> {
        let path = NamespacePath::parse(namespace).map_err(|error| error.in_text(namespace))?;
        // What is refused is dropped, which is code of the program's, when nothing is borrowed any more.
        let kept = provider.clone();
        let registered = self.shared.borrow_mut().repository.register(path, class, provider);
        drop(kept);
        registered
    }

    /// Tells the server how to read the time of day: without it, `TIME_CREATED` of events is NULL.
    pub fn set_clock(&self, clock: impl Fn() -> SystemTime + 'static) {
        let last = self.shared.borrow_mut().clock.replace(Rc::new(clock));
        drop(last);
    }

    /// Says how many minutes local time is ahead of UTC, for constants in queries that do not say.
    pub fn set_utc_offset(&self, minutes: i16) {
        self.shared.borrow_mut().utc_offset = Some(minutes);
    }

    /// Says what the machine is called. Objects of classes that are registered from now on have it as their
    /// `__SERVER` and in their `__PATH`, and paths that name it are understood. Without it `__SERVER` is NULL, and
    /// only paths without a server, or with `.` as theirs, are.
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` if the name is none of a server (letters, digits, hyphens, dots and underscores),
    /// `WBEM_E_ILLEGAL_OPERATION` if the machine has a name already.
    pub fn set_machine_name(&self, name: &str) -> Result<(), WbemError> {
        self.shared.borrow_mut().repository.name_machine(name)
    }

    /// Connects to a namespace.
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_NAMESPACE` if there is none of this name, `WBEM_E_INVALID_PARAMETER` if the name is none,
    /// `WBEM_E_SHUTTING_DOWN` once the server is shut down.
    pub fn connect<T: Send + 'static>(&self, pump: &mut Pump<T>, namespace: &str) -> Result<Services, WbemError> {
        let failed = |error: WbemError| error.operation("ConnectServer");
        let path = NamespacePath::parse(namespace).map_err(|error| failed(error.in_text(namespace)))?;
        let (path, window) = {
            let shared = self.shared.borrow();
            shared.check_open().map_err(failed)?;
            (shared.repository.namespace(&path).map_err(failed)?.path().clone(), shared.window)
        };
        let (handle, completer) = pump.start_external::<()>(window).map_err(|error| failed(cannot_start(error)))?;
        Ok(Services::new(self.clone(), path, handle, completer))
    }

    /// Waits for the next message, and takes it; `None` once the program is asked to end.
    ///
    /// # Errors
    ///
    /// As [`Pump::get_message`].
    pub fn get_message<T: Send + 'static>(&self, pump: &mut Pump<T>) -> Result<Option<Received<T>>, crate::Error> {
        while let Some(message) = pump.get_message()? {
            if let Some(received) = self.translate(pump, message) {
                return Ok(Some(received));
            }
        }
        Ok(None)
    }

    /// Takes the next message, if one waits.
    pub fn next_message<T: Send + 'static>(&self, pump: &mut Pump<T>) -> Option<Received<T>> {
        while let Some(message) = pump.next_message() {
            if let Some(received) = self.translate(pump, message) {
                return Some(received);
            }
        }
        None
    }

    /// Takes the next message for sinks of a window, or for the window, if one waits.
    pub fn next_message_for<T: Send + 'static>(&self, pump: &mut Pump<T>, filter: Filter) -> Option<Received<T>> {
        while let Some(message) = pump.next_message_for(filter) {
            if let Some(received) = self.translate(pump, message) {
                return Some(received);
            }
        }
        None
    }

    /// Makes of a pump's message what a sink is told; `None` if it was the server's own business.
    ///
    /// A message that was taken from the pump before its call was cancelled is silent here.
    pub fn translate<T: Send + 'static>(&self, pump: &mut Pump<T>, mut message: Message<T>) -> Option<Received<T>> {
        let Some(operation) = message.operation else { return Some(Received::Other(message)) };
        let stream = match self.shared.borrow().whose(operation, message.window) {
            Whose::Program => return Some(Received::Other(message)),
            Whose::Server => None,
            Whose::Call(stream) => stream,
        };
        let told = match (&mut message.payload, stream) {
            (Payload::Batch(batch), Some(stream)) => self.given(pump, operation, batch.of(stream).unwrap_or_default()),
            (Payload::StreamEnd(end), Some(stream)) => {
                let finish = match end.of(stream) {
                    Some(Ok(finish)) => finish,
                    Some(Err(panicked)) => Finish::of(Err(provider_failed(&panicked.message))),
                    None => Finish::of(Err(WbemStatus::Unexpected.into())),
                };
                self.over(pump, operation, Some(finish))
            }
            (Payload::StreamEnd(end), None) => {
                self.source_over(pump, operation, end);
                None
            }
            (Payload::Ready(_), None) => {
                self.source_ready(pump, operation);
                None
            }
            (Payload::External(_), _) if self.shared.borrow().calls.get(operation).is_some() => {
                self.over(pump, operation, None)
            }
            (Payload::External(_), _) => {
                self.close_handle(pump, operation);
                None
            }
            _ => None,
        };
        told.map(Received::Sink)
    }

    /// Ends the server, for a program that ends: every call that is pending ends, in the order of their starts,
    /// with one `WBEM_E_SHUTTING_DOWN` each, which is returned. No call is accepted from here on.
    ///
    /// # Cost
    ///
    /// One pass over the pending calls. It waits for nobody: methods under way are left alone.
    pub fn shut_down<T: Send + 'static>(&self, pump: &mut Pump<T>) -> Vec<SinkMessage> {
        let pending = {
            let mut shared = self.shared.borrow_mut();
            shared.is_shut = true;
            shared.calls.select(|_| true)
        };
        let error = WbemError::new(WbemStatus::ShuttingDown).description("the program ends");
        let told = pending.into_iter().filter_map(|operation| self.end_now(pump, operation, &error)).collect();
        self.let_sources_go(pump);
        told
    }
}

/// Whose business an operation is.
enum Whose {
    Program,
    Server,
    Call(Option<StreamId<Part, Finish>>),
}

impl Shared {
    fn whose(&self, operation: OperationId, window: WindowId) -> Whose {
        match self.calls.get(operation).map(|call| &call.state) {
            Some(CallState::Running(stream)) => Whose::Call(Some(*stream)),
            Some(CallState::Ended(..)) => Whose::Call(None),
            None if window == self.window || self.calls.was_cancelled(operation) => Whose::Server,
            None => Whose::Program,
        }
    }

    fn check_open(&self) -> Result<(), WbemError> {
        if self.is_shut {
            return Err(WbemError::new(WbemStatus::ShuttingDown).description("the server is shut down"));
        }
        Ok(())
    }

    pub(super) fn namespace(&self, path: &NamespacePath) -> Result<&Namespace, WbemError> {
        self.repository.namespace(path)
    }
}

/// The error of a provider that panicked.
pub(super) fn provider_failed(message: &str) -> WbemError {
    WbemError::new(WbemStatus::ProviderFailure).description(format!("the provider panicked: {message}"))
}

/// The error of an operation that the pump refused.
pub(super) fn cannot_start<A>(error: StartError<A>) -> WbemError {
    let status = match error.refusal {
        StartRefusal::Full => WbemStatus::QuotaViolation,
        _ => WbemStatus::InvalidParameter,
    };
    WbemError::new(status).description(error.refusal.to_string())
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("calls", &self.shared.borrow().calls.len()).finish_non_exhaustive()
    }
}
