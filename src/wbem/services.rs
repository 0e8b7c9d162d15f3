//! The handle by which a program asks a namespace: the texts' `IWbemServices`.
//!
//! Floor 5. Every call comes in up to three forms. How each is prepared, which is the same for all forms, is in
//! [`prepare`].

mod prepare;

use std::rc::Rc;

use super::call_result::CallResult;
use super::collector::Keeping;
use super::enumerator::Enumerator;
use super::error::{WbemError, WbemStatus};
use super::flags::Flags;
use super::instance::Instance;
use super::object::Object;
use super::path::NamespacePath;
use super::plan::Explanation;
use super::server::{Server, Start};
use super::sink::{CallId, Sink};
use crate::{Completer, OperationId, Pump};

/// Asks a namespace: the texts' `IWbemServices`. A clone is the same handle; when the last one is dropped, the
/// calls that were made by it end with `WBEM_E_CALL_CANCELLED`.
///
/// # Three forms
///
/// - **Semisynchronous**, which is recommended: the call returns at once, and its objects are fetched when the program
///   wants them, for as long as it wants to wait. Nothing is told to anybody who does not ask, what is not fetched
///   is not read, and to stop is to drop the [`Enumerator`] or [`CallResult`]. With
///   [`Flags::RETURN_IMMEDIATELY`], and with the calls whose name begins with `start_`.
/// - **Asynchronous**: a [`Sink`] is told, by messages among the program's others. With the calls whose name ends
///   with `_async`. Nothing is told before such a call has returned.
/// - **Synchronous**: the call waits for its result. The pump works meanwhile, but the program gets no
///   message, so this is for programs without a window to serve.
#[derive(Clone)]
pub struct Services {
    body: Rc<Body>,
}

struct Body {
    server: Server,
    namespace: NamespacePath,
    handle: OperationId,
    /// Dropped with the last handle, which the server then hears of.
    _completer: Completer<()>,
}

/// What every asynchronous call for objects may be told.
const ASYNC: Flags = Flags::from_bits(Flags::SEND_STATUS.bits() | Flags::USE_AMENDED_QUALIFIERS.bits());

/// What every other call for one object may be told.
const ONE: Flags = Flags::from_bits(Flags::RETURN_IMMEDIATELY.bits() | Flags::USE_AMENDED_QUALIFIERS.bits());

/// What every other call for an enumerator may be told.
const MANY: Flags = Flags::from_bits(Flags::SEMISYNCHRONOUS.bits() | Flags::USE_AMENDED_QUALIFIERS.bits());

impl Services {
    pub(super) fn new(
        server: Server,
        namespace: NamespacePath,
        handle: impl Into<OperationId>,
        completer: Completer<()>,
    ) -> Services {
        Services { body: Rc::new(Body { server, namespace, handle: handle.into(), _completer: completer }) }
    }

    /// The namespace.
    pub fn namespace(&self) -> &NamespacePath {
        &self.body.namespace
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.body.server
    }

    /// Asks a query (`ExecQuery`). The language is `WQL`.
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` for an empty query or flags that do not go with it, and
    /// `WBEM_E_INVALID_QUERY_TYPE` for another language, at once. What else is wrong is told at once too
    /// unless [`Flags::RETURN_IMMEDIATELY`] is set; then by the first [`Enumerator::next`].
    pub fn exec_query<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        language: &str,
        query: &str,
        flags: Flags,
    ) -> Result<Enumerator, WbemError> {
        let allowed = MANY | Flags::DIRECT_READ | Flags::ENSURE_LOCATABLE | Flags::PROTOTYPE;
        let start = self.prepare_query(language, query, flags, allowed)?;
        self.enumerate(pump, start, flags)
    }

    /// Asks a query and has a sink told (`ExecQueryAsync`).
    ///
    /// # Errors
    ///
    /// As [`exec_query`](Services::exec_query) at once. What else is wrong is told to the sink. After an error at
    /// once the sink is told nothing.
    pub fn exec_query_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        language: &str,
        query: &str,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let allowed = ASYNC | Flags::DIRECT_READ | Flags::ENSURE_LOCATABLE | Flags::PROTOTYPE;
        let start = self.prepare_query(language, query, flags, allowed)?;
        self.tell(pump, start, sink)
    }

    /// Says how a query for instances or for events would be answered, and asks nobody.
    ///
    /// # Errors
    ///
    /// What the query would end with before anybody is asked.
    pub fn explain(&self, language: &str, query: &str) -> Result<Explanation, WbemError> {
        self.explain_query(language, query)
    }

    /// Lists the instances of a class (`CreateInstanceEnum`), and of those that derive from it unless
    /// [`Flags::SHALLOW`] is set.
    ///
    /// # Errors
    ///
    /// As [`exec_query`](Services::exec_query).
    pub fn create_instance_enum<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        class: &str,
        flags: Flags,
    ) -> Result<Enumerator, WbemError> {
        let start = self.prepare_instances(class, flags, MANY | Flags::DIRECT_READ | Flags::SHALLOW)?;
        self.enumerate(pump, start, flags)
    }

    /// Lists the instances of a class to a sink (`CreateInstanceEnumAsync`).
    ///
    /// # Errors
    ///
    /// As [`exec_query_async`](Services::exec_query_async).
    pub fn create_instance_enum_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        class: &str,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let start = self.prepare_instances(class, flags, ASYNC | Flags::DIRECT_READ | Flags::SHALLOW)?;
        self.tell(pump, start, sink)
    }

    /// Lists the classes that derive from a class, which is not among them; all classes if its name is empty
    /// (`CreateClassEnum`). With [`Flags::SHALLOW`] only those that derive from it directly; those without a parent
    /// if its name is empty.
    ///
    /// # Errors
    ///
    /// As [`exec_query`](Services::exec_query).
    pub fn create_class_enum<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        superclass: &str,
        flags: Flags,
    ) -> Result<Enumerator, WbemError> {
        let start = self.prepare_classes(superclass, flags, MANY | Flags::SHALLOW)?;
        self.enumerate(pump, start, flags)
    }

    /// Lists classes to a sink (`CreateClassEnumAsync`), as [`create_class_enum`](Services::create_class_enum)
    /// does.
    ///
    /// # Errors
    ///
    /// As [`exec_query_async`](Services::exec_query_async).
    pub fn create_class_enum_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        superclass: &str,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let start = self.prepare_classes(superclass, flags, ASYNC | Flags::SHALLOW)?;
        self.tell(pump, start, sink)
    }

    /// Gets a class or an instance by its path, and waits for it (`GetObject`). The empty path gives a class without
    /// a name and without properties.
    ///
    /// # Errors
    ///
    /// `WBEM_E_NOT_FOUND` if there is no such object, `WBEM_E_INVALID_OBJECT_PATH` if the path is none of its class,
    /// and whatever the provider tells.
    pub fn get_object<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        flags: Flags,
    ) -> Result<Object, WbemError> {
        let mut call = self.start_get_object(pump, path, flags)?;
        call.result_object(pump, None)
    }

    /// Gets a class or an instance by its path; the result is fetched (`GetObject`, semisynchronous).
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` for flags that do not go with it.
    pub fn start_get_object<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        flags: Flags,
    ) -> Result<CallResult, WbemError> {
        let start = self.prepare_object(path, flags, ONE | Flags::DIRECT_READ)?;
        self.call(pump, start)
    }

    /// Gets a class or an instance by its path and has a sink told (`GetObjectAsync`).
    ///
    /// # Errors
    ///
    /// As [`start_get_object`](Services::start_get_object); the rest is told to the sink.
    pub fn get_object_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let start = self.prepare_object(path, flags, ASYNC | Flags::DIRECT_READ)?;
        self.tell(pump, start, sink)
    }

    /// Writes an instance, and waits until it is done; the instance's path is returned (`PutInstance`).
    ///
    /// # Errors
    ///
    /// `WBEM_E_ALREADY_EXISTS` and `WBEM_E_NOT_FOUND` with [`Flags::CREATE_ONLY`] and [`Flags::UPDATE_ONLY`],
    /// `WBEM_E_NO_KEY` if a key has no value, `WBEM_E_NOT_SUPPORTED` for a row of a query that did not select all
    /// properties, `WBEM_E_PROVIDER_NOT_CAPABLE` if the class cannot be written, and whatever the provider tells.
    pub fn put_instance<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        instance: &Instance,
        flags: Flags,
    ) -> Result<String, WbemError> {
        let mut call = self.start_put_instance(pump, instance, flags)?;
        call.result_text(pump, None)
    }

    /// Writes an instance; that it is done is asked for (`PutInstance`, semisynchronous).
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` for flags that do not go with it.
    pub fn start_put_instance<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        instance: &Instance,
        flags: Flags,
    ) -> Result<CallResult, WbemError> {
        let start = self.prepare_put(instance, flags, ONE)?;
        self.call(pump, start)
    }

    /// Writes an instance and has a sink told (`PutInstanceAsync`).
    ///
    /// # Cancellation
    ///
    /// The sink hears no more of it. The instance is written all the same, in most cases.
    ///
    /// # Errors
    ///
    /// As [`start_put_instance`](Services::start_put_instance); the rest is told to the sink.
    pub fn put_instance_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        instance: &Instance,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let start = self.prepare_put(instance, flags, ASYNC)?;
        self.tell(pump, start, sink)
    }

    /// Deletes an instance, and waits until it is done (`DeleteInstance`).
    ///
    /// # Errors
    ///
    /// `WBEM_E_NOT_FOUND` if there is no such instance, `WBEM_E_INVALID_OBJECT_PATH` if the path is none,
    /// `WBEM_E_PROVIDER_NOT_CAPABLE` if the class cannot be written, and whatever the provider tells.
    pub fn delete_instance<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        flags: Flags,
    ) -> Result<(), WbemError> {
        let mut call = self.start_delete_instance(pump, path, flags)?;
        call.result(pump, None).map(|_| ())
    }

    /// Deletes an instance; that it is done is asked for (`DeleteInstance`, semisynchronous).
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` for flags that do not go with it.
    pub fn start_delete_instance<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        flags: Flags,
    ) -> Result<CallResult, WbemError> {
        let start = self.prepare_delete(path, flags, Flags::RETURN_IMMEDIATELY)?;
        self.call(pump, start)
    }

    /// Deletes an instance and has a sink told (`DeleteInstanceAsync`).
    ///
    /// # Cancellation
    ///
    /// As [`put_instance_async`](Services::put_instance_async).
    ///
    /// # Errors
    ///
    /// As [`start_delete_instance`](Services::start_delete_instance); the rest is told to the sink.
    pub fn delete_instance_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let start = self.prepare_delete(path, flags, Flags::SEND_STATUS)?;
        self.tell(pump, start, sink)
    }

    /// Runs a method of an instance, or a static one of a class, and waits for its results (`ExecMethod`).
    ///
    /// That the method did not do what it should is told by `ReturnValue` among the results; it is no error.
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_METHOD` if the class has no such method, `WBEM_E_INVALID_METHOD_PARAMETERS` if the
    /// arguments do not fit it, `WBEM_E_METHOD_NOT_IMPLEMENTED`, and whatever the provider tells.
    pub fn exec_method<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        method: &str,
        arguments: Option<&Instance>,
    ) -> Result<Option<Object>, WbemError> {
        let mut call = self.start_exec_method(pump, path, method, arguments)?;
        call.result(pump, None)
    }

    /// Runs a method; its results are fetched (`ExecMethod`, semisynchronous).
    ///
    /// # Errors
    ///
    /// `WBEM_E_INVALID_PARAMETER` if path or method are empty.
    pub fn start_exec_method<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        method: &str,
        arguments: Option<&Instance>,
    ) -> Result<CallResult, WbemError> {
        let start = self.prepare_method(path, method, arguments, Flags::NONE)?;
        self.call(pump, start)
    }

    /// Runs a method and has a sink told (`ExecMethodAsync`). Only [`Flags::SEND_STATUS`] may be set.
    ///
    /// # Cancellation
    ///
    /// The sink hears no more of it. The method runs to its end.
    ///
    /// # Errors
    ///
    /// As [`start_exec_method`](Services::start_exec_method); the rest is told to the sink.
    pub fn exec_method_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        path: &str,
        method: &str,
        arguments: Option<&Instance>,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let start = self.prepare_method(path, method, arguments, flags)?;
        self.tell(pump, start, sink)
    }

    /// Subscribes to events (`ExecNotificationQuery`); they are fetched. Dropped, the enumerator ends the subscription.
    ///
    /// # Errors
    ///
    /// All at once: `WBEM_E_INVALID_PARAMETER` unless the flags are [`Flags::SEMISYNCHRONOUS`],
    /// `WBEM_E_UNPARSABLE_QUERY`, `WBEM_E_NOT_FOUND` if there is no such class, `WBEM_E_NOT_EVENT_CLASS`,
    /// `WBEMESS_E_REGISTRATION_TOO_PRECISE` if a class must be polled and WITHIN is missing,
    /// `WBEMESS_E_REGISTRATION_TOO_BROAD` if `TargetInstance ISA` is missing, and what the source tells.
    pub fn exec_notification_query<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        language: &str,
        query: &str,
        flags: Flags,
    ) -> Result<Enumerator, WbemError> {
        if !flags.contains(Flags::SEMISYNCHRONOUS) {
            let error = WbemError::new(WbemStatus::InvalidParameter).operation("ExecNotificationQuery");
            return Err(error.description("events have no end, so the flags must be SEMISYNCHRONOUS"));
        }
        let start = self.prepare_notification(pump, language, query, flags, Flags::SEMISYNCHRONOUS)?;
        self.enumerate(pump, start, flags)
    }

    /// Subscribes to events and has a sink told (`ExecNotificationQueryAsync`). Its status comes when the
    /// subscription is cancelled or broken: `WBEM_E_QUEUE_OVERFLOW` if the sink takes too little and more than
    /// [`EVENT_BYTES_MAX`](super::EVENT_BYTES_MAX) would wait.
    ///
    /// # Errors
    ///
    /// As [`exec_notification_query`](Services::exec_notification_query), all at once.
    pub fn exec_notification_query_async<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        language: &str,
        query: &str,
        flags: Flags,
        sink: &Sink,
    ) -> Result<CallId, WbemError> {
        let start = self.prepare_notification(pump, language, query, flags, Flags::SEND_STATUS)?;
        self.tell(pump, start, sink)
    }

    /// Cancels every call that shares the sink, whatever handle or namespace it was made by (`CancelAsyncCall`).
    ///
    /// When this returns, nothing of these calls is told any more but one final `WBEM_E_CALL_CANCELLED` for each,
    /// in the order of their starts, in place of a final status that waits already. Objects that wait are purged.
    /// Methods, puts and deletes run to their end, unseen. It may be called from inside a sink's callback.
    ///
    /// # Errors
    ///
    /// `WBEM_E_NOT_FOUND` if the sink has no call that is pending. That does no harm.
    ///
    /// # Cost
    ///
    /// One pass over the calls of the sink and their messages. It never waits.
    pub fn cancel_async_call<T: Send + 'static>(&self, pump: &mut Pump<T>, sink: &Sink) -> Result<(), WbemError> {
        self.body.server.cancel_sink(pump, sink)
    }

    /// Starts a call that tells a sink.
    fn tell<T: Send + 'static>(&self, pump: &mut Pump<T>, start: Start, sink: &Sink) -> Result<CallId, WbemError> {
        self.body.server.start_for_sink(pump, self.body.handle, sink, start)
    }

    /// Starts a call whose objects are enumerated.
    fn enumerate<T: Send + 'static>(
        &self,
        pump: &mut Pump<T>,
        start: Start,
        flags: Flags,
    ) -> Result<Enumerator, WbemError> {
        let is_semisynchronous = flags.contains(Flags::RETURN_IMMEDIATELY);
        let is_forward_only = flags.contains(Flags::FORWARD_ONLY);
        let keeping = match (is_semisynchronous, is_forward_only) {
            (false, _) => Keeping::Everything,
            (true, false) => Keeping::Fetched,
            (true, true) => Keeping::Nothing,
        };
        let server = &self.body.server;
        let collecting = server.start_for_collector(pump, self.body.handle, keeping, start)?;
        let enumerator = Enumerator::new(server.clone(), self.body.handle, collecting, is_forward_only);
        if !is_semisynchronous {
            enumerator.wait_for_all(pump)?;
        }
        Ok(enumerator)
    }

    /// Starts a call that has one result.
    fn call<T: Send + 'static>(&self, pump: &mut Pump<T>, start: Start) -> Result<CallResult, WbemError> {
        let server = &self.body.server;
        let collecting = server.start_for_collector(pump, self.body.handle, Keeping::Everything, start)?;
        Ok(CallResult::new(server.clone(), collecting))
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Services({})", self.body.namespace)
    }
}

/// The error of an argument that is missing.
fn missing(operation: &str, what: &str) -> WbemError {
    WbemError::new(WbemStatus::InvalidParameter).operation(operation).description(format!("{what} is empty"))
}
