//! The layer's state, and what every call begins and ends with.
//!
//! Floor 5.

use std::fmt;

use super::blocking::Blocking;
use super::error::WinsockError;
use super::message::Delivery;
use super::native;
use super::request::{Requests, completion};
use super::settings::WinsockSettings;
use super::socket::Sockets;
use super::startup::{Version, WsaData};
use crate::{Error, Message, Payload, Pump, Swept, WindowId};

/// Whether the network works, as far as the layer was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NetworkState {
    /// It works.
    #[default]
    Up,
    /// It has failed: calls give `WSAENETDOWN`.
    Down,
}

/// The Winsock interface of one program, which stands beside the program's [`Pump`].
///
/// Every call that may start, stop or take something is given the pump; it must be the same one each time.
/// `T` is what the program posts to itself.
///
/// A failed call returns its error, and keeps it as the last error for
/// [`wsa_get_last_error`](Winsock::wsa_get_last_error). A call that succeeds leaves the last error as it was,
/// but for startup and cleanup, which clear it. Every call checks first that the layer is started
/// ([`Notinitialised`](WinsockError::Notinitialised)), then that no blocking call is under way
/// ([`Einprogress`](WinsockError::Einprogress)), then that the network works
/// ([`Enetdown`](WinsockError::Enetdown)), and only then its arguments.
///
/// It is not `Send`, as the pump is not.
///
/// # Dropping
///
/// Call [`wsa_cleanup`](Winsock::wsa_cleanup) first. The layer has no pump of its own to take back what it has
/// started there: requests that are pending go on, connections of selected sockets stay open until the pump is
/// dropped, and messages of both reach the program as the pump's own.
pub struct Winsock<T> {
    pub(super) settings: WinsockSettings,
    /// How many startups have no cleanup yet.
    started: u64,
    /// The lowest version that was given out since the first of these.
    in_force: Version,
    last_error: i32,
    network: NetworkState,
    pub(super) requests: Requests,
    pub(super) sockets: Sockets,
    pub(super) blocking: Blocking<T>,
}

impl<T> Default for Winsock<T> {
    fn default() -> Winsock<T> {
        Winsock::new()
    }
}

impl<T> Winsock<T> {
    /// Makes the layer with the default [`WinsockSettings`], not started.
    pub fn new() -> Winsock<T> {
        Winsock::with_settings(WinsockSettings::default())
    }

    /// Makes the layer with `settings`, not started.
    pub fn with_settings(settings: WinsockSettings) -> Winsock<T> {
        Winsock {
            settings,
            started: 0,
            in_force: Version::V2_2,
            last_error: 0,
            network: NetworkState::Up,
            requests: Requests::new(),
            sockets: Sockets::new(),
            blocking: Blocking::new(),
        }
    }

    /// Starts the layer, or counts one more start of it: `WSAStartup`.
    ///
    /// The version that the program is to use is told in `data`. A later start may bring the version in
    /// force down, never up.
    ///
    /// # Errors
    ///
    /// [`Vernotsupported`](WinsockError::Vernotsupported) for a version below the lowest one, `data` filled
    /// all the same; [`Efault`](WinsockError::Efault) without `data`;
    /// [`Sysnotready`](WinsockError::Sysnotready) while the network is down;
    /// [`Einprogress`](WinsockError::Einprogress) inside a blocking call. They are checked in this order, a
    /// blocking call first of all. The last error is of no use before the first successful start: it reads
    /// `WSANOTINITIALISED`.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::winsock::{Version, Winsock, WsaData};
    /// let mut winsock = Winsock::<()>::new();
    /// let mut data = WsaData::default();
    /// winsock.wsa_startup(Version::new(1, 15), Some(&mut data))?;
    /// assert_eq!((data.version, data.high_version), (Version::V1_1, Version::V2_2));
    /// # Ok::<(), msgpump::winsock::WinsockError>(())
    /// ```
    #[doc(alias = "WSAStartup")]
    pub fn wsa_startup(&mut self, asked: Version, data: Option<&mut WsaData>) -> Result<(), WinsockError> {
        let result = self.negotiate(asked, data);
        self.last_error = match &result {
            Ok(version) => {
                self.in_force = if self.started == 0 { *version } else { self.in_force.min(*version) };
                self.started += 1;
                log::debug!("started for version {asked}, {version} in force, {} times", self.started);
                0
            }
            Err(_) if self.started == 0 => WinsockError::Notinitialised.number(),
            Err(error) => error.number(),
        };
        result.map(|_| ())
    }

    fn negotiate(&self, asked: Version, data: Option<&mut WsaData>) -> Result<Version, WinsockError> {
        if self.wsa_is_blocking() {
            return Err(WinsockError::Einprogress);
        }
        let maximum = self.settings.version_maximum;
        let version = maximum.negotiate(asked);
        match data {
            Some(data) => data.fill(version.unwrap_or(maximum.version()), maximum),
            None => return version.and(Err(WinsockError::Efault)),
        }
        match self.network {
            NetworkState::Up => version,
            NetworkState::Down => version.and(Err(WinsockError::Sysnotready)),
        }
    }

    /// Takes one start back: `WSACleanup`. The last one ends everything and returns at once.
    ///
    /// Every pending request is cancelled without a message, every queued message of this layer is purged
    /// and no other one, connections are reset, sockets closed, and all handles become those of the past.
    ///
    /// # Errors
    ///
    /// [`Notinitialised`](WinsockError::Notinitialised) when it is not started,
    /// [`Einprogress`](WinsockError::Einprogress) inside a blocking call. A network that is down does not
    /// keep a program from cleaning up.
    #[doc(alias = "WSACleanup")]
    pub fn wsa_cleanup(&mut self, pump: &mut Pump<T>) -> Result<(), WinsockError> {
        let admitted = self.admit_offline();
        self.noted(admitted)?;
        self.started -= 1;
        self.last_error = 0;
        if self.started == 0 {
            log::debug!("cleaned up: {} requests ended", self.requests.len());
            self.requests.cancel_all(pump);
            self.close_all(pump);
            self.blocking.reset(pump);
        }
        Ok(())
    }

    /// The number of the last error, or of whatever the program has set: `WSAGetLastError`.
    ///
    /// Zero where nothing has failed. It may be asked at any time.
    #[doc(alias = "WSAGetLastError")]
    pub fn wsa_get_last_error(&self) -> i32 {
        self.last_error
    }

    /// Sets the last error to any number: `WSASetLastError`. It may be called at any time.
    #[doc(alias = "WSASetLastError")]
    pub fn wsa_set_last_error(&mut self, number: i32) {
        self.last_error = number;
    }

    /// The version in force, while the layer is started.
    pub fn version(&self) -> Option<Version> {
        (self.started > 0).then_some(self.in_force)
    }

    /// Declares that the network works, or that it has failed.
    ///
    /// The texts leave it to the library to notice that "the network subsystem has failed"; here the program
    /// says so, or asks the layer to look with [`probe_network`](Winsock::probe_network). While it is down,
    /// calls fail with `WSAENETDOWN`. What is pending goes on.
    pub fn declare_network(&mut self, state: NetworkState) {
        self.network = state;
    }

    /// Looks whether any interface of the machine is up, its own loopback included, and declares what it found.
    ///
    /// # Cost
    ///
    /// Three system calls.
    pub fn probe_network(&mut self) -> NetworkState {
        self.network = if native::has_network() { NetworkState::Up } else { NetworkState::Down };
        self.network
    }

    /// Whether the network works, as it was declared last.
    pub fn network(&self) -> NetworkState {
        self.network
    }

    /// Destroys a window and ends the requests and selections on it: `DestroyWindow`, as far as this layer sees it.
    ///
    /// [`Pump::destroy_window`] is as silent. The difference is in the code that a later cancel of a request
    /// on this window gives: only here it is known which requests were still pending.
    ///
    /// # Cost
    ///
    /// One look at each request that lives, and what the pump's own call costs.
    #[doc(alias = "DestroyWindow")]
    pub fn destroy_window(&mut self, pump: &mut Pump<T>, window: WindowId) -> Option<Swept> {
        if window != pump.root_window() {
            self.requests.cancel_window(pump, window);
        }
        pump.destroy_window(window)
    }

    /// Takes the next message, if one waits: `PeekMessage` with `PM_REMOVE`.
    pub fn next_message(&mut self, pump: &mut Pump<T>) -> Option<Delivery<T>> {
        while let Some(message) = pump.next_message() {
            if let Some(delivery) = self.translate(pump, message) {
                return Some(delivery);
            }
        }
        None
    }

    /// Takes the next message, and waits for one where none is there: `GetMessage`. `None` once the program
    /// is asked to end.
    ///
    /// # Errors
    ///
    /// As [`Pump::get_message`].
    pub fn get_message(&mut self, pump: &mut Pump<T>) -> Result<Option<Delivery<T>>, Error> {
        while let Some(message) = pump.get_message()? {
            if let Some(delivery) = self.translate(pump, message) {
                return Ok(Some(delivery));
            }
        }
        Ok(None)
    }

    /// Makes a message that was taken from the pump one of this layer, if it is one.
    ///
    /// For programs that take messages from the pump themselves, through a filter or another layer. Every
    /// message of the pump must pass here, in the order in which they were taken, and before it is acted
    /// upon. `None` for one that nobody must see: its request was cancelled or its window destroyed since it
    /// was taken, or it is the layer's own.
    pub fn translate(&mut self, pump: &mut Pump<T>, message: Message<T>) -> Option<Delivery<T>> {
        let message = self.blocking.keep_own(message)?;
        let Some(operation) = message.operation else { return Some(Delivery::Other(message)) };
        if let Payload::Ready(readiness) = message.payload {
            if let Some(socket) = self.sockets.watched(operation) {
                return self.selected(pump, operation, socket, readiness).map(Delivery::Winsock);
            }
        } else if let Some((handle, request)) = self.requests.complete(operation) {
            let is_wanted = pump.has_window(request.window);
            return is_wanted.then(|| Delivery::Winsock(completion(handle, request, message.payload)));
        }
        (!self.requests.withdrawn.take(operation)).then_some(Delivery::Other(message))
    }

    /// What every call that needs the network begins with.
    pub(super) fn admit(&self) -> Result<(), WinsockError> {
        self.admit_offline()?;
        match self.network {
            NetworkState::Up => Ok(()),
            NetworkState::Down => Err(WinsockError::Enetdown),
        }
    }

    /// What every call begins with that does not need the network.
    pub(super) fn admit_offline(&self) -> Result<(), WinsockError> {
        if self.started == 0 {
            return Err(WinsockError::Notinitialised);
        }
        if self.wsa_is_blocking() { Err(WinsockError::Einprogress) } else { Ok(()) }
    }

    /// The version in force, or the error of a call that needs one.
    pub(super) fn version_in_force(&self) -> Result<Version, WinsockError> {
        self.version().ok_or(WinsockError::Notinitialised)
    }

    /// What every call ends with: a failure becomes the last error.
    pub(super) fn noted<R>(&mut self, result: Result<R, WinsockError>) -> Result<R, WinsockError> {
        if let Err(error) = &result {
            self.last_error = error.number();
        }
        result
    }
}

impl<T> fmt::Debug for Winsock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Winsock")
            .field("version", &self.version())
            .field("last_error", &WinsockError::from_number(self.last_error))
            .field("requests", &self.requests.len())
            .field("sockets", &self.sockets.len())
            .finish_non_exhaustive()
    }
}
