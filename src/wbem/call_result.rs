//! The result of a single call that is fetched: the texts' `IWbemCallResult`.
//!
//! Floor 5. A program that serves windows asks for it now and then instead of waiting.

use std::time::Duration;

use super::error::{WbemError, WbemStatus};
use super::object::Object;
use super::server::{Collecting, Server, Waited};
use crate::Pump;

/// The result of a call that was started and not waited for.
///
/// Dropped, it ends the call; a method, a put or a delete runs to its end.
///
/// # Examples
///
/// ```
/// use msgpump::wbem::{Flags, Server, WbemStatus};
/// let mut pump = msgpump::Pump::<()>::new()?;
/// let services = Server::new(&mut pump).connect(&mut pump, r"root\cimv2")?;
/// let mut asked = services.start_get_object(&mut pump, "__Event", Flags::NONE)?;
/// assert_eq!(asked.status(&mut pump, None)?, Some(WbemStatus::SNoError));
/// assert_eq!(&**asked.result_object(&mut pump, None)?.class().name(), "__Event");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CallResult {
    server: Server,
    collecting: Collecting,
}

impl CallResult {
    pub(super) fn new(server: Server, collecting: Collecting) -> CallResult {
        CallResult { server, collecting }
    }

    /// Waits at most so long until the call is over, for ever without a time, and says what it ended with
    /// (`GetCallStatus`); `None` while it is under way.
    ///
    /// # Errors
    ///
    /// The wait itself failed: the program was asked to end, or the system's wait fails.
    pub fn status<T: Send + 'static>(
        &mut self,
        pump: &mut Pump<T>,
        timeout: Option<Duration>,
    ) -> Result<Option<WbemStatus>, WbemError> {
        let collector = self.collecting.collector.clone();
        let is_done = || collector.borrow().finished().is_some();
        let waited = self.server.wait(pump, self.collecting.window, timeout, is_done)?;
        if waited == Waited::TimedOut {
            return Ok(None);
        }
        let collector = self.collecting.collector.borrow();
        Ok(collector.finished().map(|finish| match &finish.result {
            Ok(status) => *status,
            Err(error) => error.status,
        }))
    }

    /// Waits at most so long for the result, and gives it; `None` for a call that has none.
    ///
    /// # Errors
    ///
    /// What the call ended with, and `WBEM_E_TIMED_OUT` if it is not over in time; then it may be asked again.
    pub fn result<T: Send + 'static>(
        &mut self,
        pump: &mut Pump<T>,
        timeout: Option<Duration>,
    ) -> Result<Option<Object>, WbemError> {
        if self.status(pump, timeout)?.is_none() {
            return Err(WbemError::new(WbemStatus::TimedOut).description("the call is not over yet"));
        }
        let mut collector = self.collecting.collector.borrow_mut();
        if let Some(Err(error)) = collector.finished().map(|finish| &finish.result) {
            return Err(error.clone());
        }
        Ok(collector.fetch(0, 1).pop())
    }

    /// Waits at most so long for the object that the call gives (`GetResultObject`).
    ///
    /// # Errors
    ///
    /// As [`result`](CallResult::result), and `WBEM_E_INVALID_OPERATION` for a call that gives no object.
    pub fn result_object<T: Send + 'static>(
        &mut self,
        pump: &mut Pump<T>,
        timeout: Option<Duration>,
    ) -> Result<Object, WbemError> {
        let error = || WbemError::new(WbemStatus::InvalidOperation).description("the call gives no object");
        self.result(pump, timeout)?.ok_or_else(error)
    }

    /// Waits at most so long for the path of what was put (`GetResultString`).
    ///
    /// # Errors
    ///
    /// As [`result`](CallResult::result), and `WBEM_E_INVALID_OPERATION` for a call that gives no text.
    pub fn result_text<T: Send + 'static>(
        &mut self,
        pump: &mut Pump<T>,
        timeout: Option<Duration>,
    ) -> Result<String, WbemError> {
        self.result(pump, timeout)?;
        let collector = self.collecting.collector.borrow();
        let text = collector.finished().and_then(|finish| finish.text.clone());
        text.ok_or_else(|| WbemError::new(WbemStatus::InvalidOperation).description("the call gives no text"))
    }
}

impl std::fmt::Debug for CallResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallResult").finish_non_exhaustive()
    }
}
