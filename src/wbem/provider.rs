//! What a class of objects is answered by: the contract of providers.
//!
//! Floor 5. Words only: what a provider is asked, and how it answers. Whoever provides a class needs nothing
//! else of the layer. A provider runs on the pump's thread, in slices, inside the pump's turns; only sources
//! of events are begun inside the call that subscribes, so that what is wrong with them is told at once.

use std::sync::Arc;
use std::time::Duration;

use super::class::Class;
use super::error::WbemError;
use super::instance::Instance;
use super::value::Value;

mod action;
mod list;
mod wanted;

pub(super) use action::Stepped;
pub use action::{Action, Reply};
pub use list::List;
pub use wanted::Wanted;

/// Answers for the instances of one class, and of those derived from it that nobody provides.
///
/// Only [`class`](ClassProvider::class) and [`open`](ClassProvider::open) must be there. For a class of
/// events `open` begins the source of the events, which goes on until nobody listens; the next may begin before the last
/// is dropped.
///
/// A provider that panics or answers what it should not hurts only the call that asked it.
pub trait ClassProvider {
    /// The class, always the same one.
    fn class(&self) -> &Arc<Class>;

    /// Begins to read instances. Reading is the business of the rows, here nothing should take long.
    ///
    /// One instance is asked for in the same way: then [`Wanted::keys`] tells its keys.
    ///
    /// # Errors
    ///
    /// Whatever is told becomes the status of the call: `WBEM_E_QUOTA_VIOLATION` where the keys are needed
    /// and not told, `WBEM_E_ACCESS_DENIED`, `WBEM_E_PROVIDER_LOAD_FAILURE` and so on. Only `WBEM_E_NOT_FOUND` where keys
    /// are told is as good as no rows: another provider may have the instance.
    fn open(&self, wanted: &Wanted) -> Result<Box<dyn Rows>, WbemError>;

    /// Writes an instance. It is of the class, or of one derived from it that nobody provides, and has its keys; whether
    /// it may be there is said by `mode`.
    ///
    /// # Errors
    ///
    /// `WBEM_E_PROVIDER_NOT_CAPABLE` unless this is implemented; `WBEM_E_ALREADY_EXISTS` and
    /// `WBEM_E_NOT_FOUND` are for the provider to tell, as the mode wants it.
    fn put(&self, instance: &Arc<Instance>, mode: PutMode) -> Result<Action<()>, WbemError> {
        let _ = (instance, mode);
        Err(not_capable("written"))
    }

    /// Deletes the instance with these keys, which are in the order and the types of the class.
    ///
    /// # Errors
    ///
    /// `WBEM_E_PROVIDER_NOT_CAPABLE` unless this is implemented; `WBEM_E_NOT_FOUND` is for the provider to
    /// tell.
    fn delete(&self, keys: &[Value]) -> Result<Action<()>, WbemError> {
        let _ = keys;
        Err(not_capable("deleted"))
    }

    /// Runs a method, which the class declares and whose arguments fit their declaration.
    ///
    /// Its results are an object of the class that the method declares for them. That the method did not do
    /// what it should is told there, by `ReturnValue`, and is no error of the call.
    ///
    /// # Errors
    ///
    /// `WBEM_E_METHOD_NOT_IMPLEMENTED` unless this is implemented; `WBEM_E_NOT_FOUND` if there is no
    /// object with these keys.
    fn execute(&self, invocation: &Invocation) -> Result<Action<Arc<Instance>>, WbemError> {
        let method = &invocation.method;
        let error = WbemError::new(super::WbemStatus::MethodNotImplemented);
        Err(error.description(format!("the provider does not implement {method}")))
    }

    /// Begins to tell what happens to the instances, as events that derive from
    /// `__InstanceOperationEvent`.
    ///
    /// `None`, as it is unless implemented: the class is polled for those who ask WITHIN which time.
    fn changes(&self) -> Option<Result<Box<dyn Rows>, WbemError>> {
        None
    }
}

/// Why nothing can be done to the instances of a class.
fn not_capable(what: &str) -> WbemError {
    let error = WbemError::new(super::WbemStatus::ProviderNotCapable);
    error.description(format!("instances of the class cannot be {what}"))
}

/// Instances, or events, as they are read: a slice at a time, so that the program's frames are never late.
pub trait Rows {
    /// Reads on for a moment and appends what was found, at most `up_to` rows.
    ///
    /// A slice should take well under a millisecond, and may find nothing. It must not wait: what is not
    /// there yet is waited for by [`Progress::Parked`] or [`Progress::After`].
    fn step(&mut self, up_to: usize, out: &mut Vec<Arc<Instance>>) -> Progress;

    /// Takes the waker that ends [`Progress::Parked`]. It is told once, before the first step.
    fn set_waker(&mut self, waker: std::task::Waker) {
        let _ = waker;
    }

    /// The descriptor that becomes readable when there is something to read, for sources of events that
    /// answer [`Progress::Parked`]: the layer watches it and wakes the source, now and then though there is
    /// nothing to read.
    #[cfg(unix)]
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// Hears that nobody wants the rest. The rows are dropped right after it.
    fn cancelled(&mut self) {}
}

/// How reading goes on after a slice.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// There is more to read now.
    More,
    /// As [`More`](Progress::More), and so much of the whole is done. It is told to sinks that asked for it with
    /// `WBEM_FLAG_SEND_STATUS`.
    Done {
        /// What is done.
        done: u16,
        /// What there is to do in all.
        total: u16,
    },
    /// Not before this time has passed.
    After(Duration),
    /// Not before the waker is woken, or the descriptor is readable.
    Parked,
    /// That was all, or something stands in the way; what was found up to here is kept.
    End(Result<(), WbemError>),
}

/// Whether an instance that is written may be, or must be, there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PutMode {
    /// Either is right (`WBEM_FLAG_CREATE_OR_UPDATE`).
    #[default]
    CreateOrUpdate,
    /// It must be there (`WBEM_FLAG_UPDATE_ONLY`).
    UpdateOnly,
    /// It must not be there (`WBEM_FLAG_CREATE_ONLY`).
    CreateOnly,
}

/// A call of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The method, as the class writes it.
    pub method: Arc<str>,
    /// The keys of the object, in the order and the types of the class; `None` for the class itself.
    pub keys: Option<Vec<Value>>,
    /// The arguments; those that were not given have their defaults. `None` if the method has none.
    pub inputs: Option<Arc<Instance>>,
}
