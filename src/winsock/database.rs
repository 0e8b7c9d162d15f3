//! The six asynchronous database requests, and their cancel.
//!
//! Floor 5.

use super::error::WinsockError;
use super::handle::TaskHandle;
use super::library::Winsock;
use super::question::Question;
use super::request::Request;
use crate::{Pump, WindowId};

/// Whom a request tells, and how: the arguments that all six have in common.
struct Reply {
    window: Option<WindowId>,
    message: u32,
    buflen: Option<usize>,
}

impl<T> Winsock<T> {
    /// Asks for the IPv4 addresses of a host: `WSAAsyncGetHostByName`.
    ///
    /// A handle is returned at once. Later comes one [`WinsockMessage`](super::WinsockMessage) with the
    /// number `message` to `window`; without a window, or for a program that has none, to the root window.
    /// Whether a window exists is not looked at by the texts, nor here: one that does not gives a handle, and
    /// no message ever.
    ///
    /// `buflen` is the size of the caller's buffer in bytes. An answer that does not fit is told by
    /// `WSAENOBUFS` and the size that is needed, and asking again with that size succeeds. The answer comes
    /// with the message as a typed structure, and [`Answer::write_to`](super::Answer::write_to) puts it into
    /// the buffer; until then nobody touches that. With `None` there is no buffer and every answer fits.
    ///
    /// An empty name is this machine's, which always has an address. What an address in text form gives is
    /// told at [`NumericHosts`](super::NumericHosts). Letter case does not matter.
    ///
    /// # Errors
    ///
    /// At once [`Ewouldblock`](WinsockError::Ewouldblock) when as many requests live as may, or as many
    /// lookups wait in the pump; and what every call checks first. In the message
    /// [`HostNotFound`](WinsockError::HostNotFound), [`NoData`](WinsockError::NoData),
    /// [`TryAgain`](WinsockError::TryAgain), [`NoRecovery`](WinsockError::NoRecovery),
    /// [`Enobufs`](WinsockError::Enobufs) and [`Enetdown`](WinsockError::Enetdown).
    ///
    /// # Cancellation
    ///
    /// [`wsa_cancel_async_request`](Winsock::wsa_cancel_async_request), at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::Pump;
    /// use msgpump::winsock::{Delivery, MAXGETHOSTSTRUCT, Version, Winsock, WsaData};
    /// const WM_HOST: u32 = 0x0401;
    /// let mut pump = Pump::<()>::new()?;
    /// let mut winsock = Winsock::new();
    /// winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
    /// let window = pump.open_window();
    /// let task = winsock.wsa_async_get_host_by_name(&mut pump, window, WM_HOST, "localhost", Some(MAXGETHOSTSTRUCT))?;
    /// let Some(Delivery::Winsock(message)) = winsock.get_message(&mut pump)? else { panic!("nobody quits") };
    /// assert_eq!((message.message, message.task(), message.async_error()), (WM_HOST, task, None));
    /// let host = message.answer.as_ref().and_then(|answer| answer.host()).expect("a host was asked for");
    /// assert!(host.addresses.iter().all(|address| address.is_loopback()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "WSAAsyncGetHostByName")]
    pub fn wsa_async_get_host_by_name(
        &mut self,
        pump: &mut Pump<T>,
        window: impl Into<Option<WindowId>>,
        message: u32,
        name: &str,
        buflen: impl Into<Option<usize>>,
    ) -> Result<TaskHandle, WinsockError> {
        let reply = Reply { window: window.into(), message, buflen: buflen.into() };
        let own_name = super::own_name(pump);
        let numeric = self.settings.numeric_hosts;
        let question = self.version_in_force().map(|version| Question::host_by_name(name, &own_name, version, numeric));
        self.request(pump, reply, question)
    }

    /// Asks for the name of an address: `WSAAsyncGetHostByAddr`.
    ///
    /// `address` is in network order, and `family` says of what kind it is; only
    /// [`AF_INET`](super::AF_INET) with four bytes has names. All else as
    /// [`wsa_async_get_host_by_name`](Winsock::wsa_async_get_host_by_name).
    ///
    /// # Errors
    ///
    /// In the message also [`Efault`](WinsockError::Efault) for an address of another length, and
    /// [`Eafnosupport`](WinsockError::Eafnosupport) for another family.
    #[doc(alias = "WSAAsyncGetHostByAddr")]
    pub fn wsa_async_get_host_by_addr(
        &mut self,
        pump: &mut Pump<T>,
        window: impl Into<Option<WindowId>>,
        message: u32,
        address: &[u8],
        family: i32,
        buflen: impl Into<Option<usize>>,
    ) -> Result<TaskHandle, WinsockError> {
        let reply = Reply { window: window.into(), message, buflen: buflen.into() };
        self.request(pump, reply, Ok(Question::host_by_address(address, family)))
    }

    /// Asks for the port of a service: `WSAAsyncGetServByName`.
    ///
    /// Official names and aliases are compared without letter case. Without a protocol the first entry of
    /// that name is taken. The port in the answer is in network order. All else as
    /// [`wsa_async_get_host_by_name`](Winsock::wsa_async_get_host_by_name); what is not listed gives
    /// [`NoData`](WinsockError::NoData), digits too.
    #[doc(alias = "WSAAsyncGetServByName")]
    pub fn wsa_async_get_serv_by_name<'a>(
        &mut self,
        pump: &mut Pump<T>,
        window: impl Into<Option<WindowId>>,
        message: u32,
        name: &str,
        protocol: impl Into<Option<&'a str>>,
        buflen: impl Into<Option<usize>>,
    ) -> Result<TaskHandle, WinsockError> {
        let reply = Reply { window: window.into(), message, buflen: buflen.into() };
        self.request(pump, reply, Ok(Question::service_by_name(name, protocol.into())))
    }

    /// Asks for the service at a port: `WSAAsyncGetServByPort`.
    ///
    /// `port` is **in network order**: write [`htons(80)`](super::htons). A number of more than 16 bits is no
    /// service. All else as [`wsa_async_get_serv_by_name`](Winsock::wsa_async_get_serv_by_name).
    #[doc(alias = "WSAAsyncGetServByPort")]
    pub fn wsa_async_get_serv_by_port<'a>(
        &mut self,
        pump: &mut Pump<T>,
        window: impl Into<Option<WindowId>>,
        message: u32,
        port: impl Into<i32>,
        protocol: impl Into<Option<&'a str>>,
        buflen: impl Into<Option<usize>>,
    ) -> Result<TaskHandle, WinsockError> {
        let reply = Reply { window: window.into(), message, buflen: buflen.into() };
        self.request(pump, reply, Ok(Question::service_by_port(port.into(), protocol.into())))
    }

    /// Asks for the number of a protocol: `WSAAsyncGetProtoByName`.
    ///
    /// All else as [`wsa_async_get_serv_by_name`](Winsock::wsa_async_get_serv_by_name).
    #[doc(alias = "WSAAsyncGetProtoByName")]
    pub fn wsa_async_get_proto_by_name(
        &mut self,
        pump: &mut Pump<T>,
        window: impl Into<Option<WindowId>>,
        message: u32,
        name: &str,
        buflen: impl Into<Option<usize>>,
    ) -> Result<TaskHandle, WinsockError> {
        let reply = Reply { window: window.into(), message, buflen: buflen.into() };
        self.request(pump, reply, Ok(Question::protocol_by_name(name)))
    }

    /// Asks for the name of a protocol: `WSAAsyncGetProtoByNumber`.
    ///
    /// `number` is **in host order**, unlike the port of
    /// [`wsa_async_get_serv_by_port`](Winsock::wsa_async_get_serv_by_port). All else as there.
    #[doc(alias = "WSAAsyncGetProtoByNumber")]
    pub fn wsa_async_get_proto_by_number(
        &mut self,
        pump: &mut Pump<T>,
        window: impl Into<Option<WindowId>>,
        message: u32,
        number: i32,
        buflen: impl Into<Option<usize>>,
    ) -> Result<TaskHandle, WinsockError> {
        let reply = Reply { window: window.into(), message, buflen: buflen.into() };
        self.request(pump, reply, Ok(Question::protocol_by_number(number)))
    }

    /// Cancels a request: `WSACancelAsyncRequest`.
    ///
    /// Whatever it returns, no message of that request is seen any more. This is more than the text gives,
    /// which leaves a queued message where it is.
    ///
    /// # Errors
    ///
    /// [`Ealready`](WinsockError::Ealready) for a request that is over: its message waits, and is purged now;
    /// or was taken; or it was cancelled before. [`Einval`](WinsockError::Einval) for zero, for a number that
    /// was never given out, for a handle of another kind, and for one from before the last cleanup. And what
    /// every call checks first, in its order, before the handle is looked at.
    ///
    /// # Cost
    ///
    /// As [`Pump::cancel`], and two table look-ups.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::Pump;
    /// use msgpump::winsock::{Version, Winsock, WinsockError, WsaData, htons};
    /// let mut pump = Pump::<()>::new()?;
    /// let mut winsock = Winsock::new();
    /// winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
    /// let task = winsock.wsa_async_get_serv_by_port(&mut pump, None, 0x401, htons(80), "tcp", None)?;
    /// // It is finished, and its message is queued; nobody will see it.
    /// assert_eq!(winsock.wsa_cancel_async_request(&mut pump, task), Err(WinsockError::Ealready));
    /// assert!(winsock.next_message(&mut pump).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "WSACancelAsyncRequest")]
    pub fn wsa_cancel_async_request(&mut self, pump: &mut Pump<T>, task: TaskHandle) -> Result<(), WinsockError> {
        let cancelled = self.admit().and_then(|()| self.requests.cancel(pump, task));
        self.noted(cancelled)
    }

    fn request(
        &mut self,
        pump: &mut Pump<T>,
        reply: Reply,
        question: Result<Question, WinsockError>,
    ) -> Result<TaskHandle, WinsockError> {
        let started = self.admit().and(question).and_then(|question| self.start_request(pump, reply, question));
        self.noted(started)
    }

    fn start_request(
        &mut self,
        pump: &mut Pump<T>,
        reply: Reply,
        question: Question,
    ) -> Result<TaskHandle, WinsockError> {
        let window = reply.window.unwrap_or_else(|| pump.root_window());
        if !pump.has_window(window) {
            return Ok(self.requests.issue_dead());
        }
        self.requests.sweep(pump, self.settings.requests_max);
        if self.requests.len() >= self.settings.requests_max {
            return Err(WinsockError::Ewouldblock);
        }
        let (operation, expected) = question.start(pump, window.into()).map_err(|_| WinsockError::Ewouldblock)?;
        let (message, buflen) = (reply.message, reply.buflen.unwrap_or(usize::MAX));
        Ok(self.requests.insert(operation, Request { window, message, buflen, expected }))
    }
}
