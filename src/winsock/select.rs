//! `WSAAsyncSelect`, and the messages of selected sockets.
//!
//! Floor 5.

use super::error::WinsockError;
use super::handle::SocketHandle;
use super::library::Winsock;
use super::message::{WinsockMessage, wsa_make_select_reply};
use super::selection::{FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, Manner, Selection};
use super::settings::StaleEvents;
use crate::{Filter, OperationId, Pump, Readiness, WindowId};

/// The events that are told. Others, of Winsock 2, may be asked for and never come.
const EVENTS: i32 = FD_READ | FD_WRITE | FD_OOB | FD_ACCEPT | FD_CONNECT | FD_CLOSE;

impl<T> Winsock<T> {
    /// Has events of a socket told as messages: `WSAAsyncSelect`.
    ///
    /// Each message has the number `message`, the socket in `wparam`, one event in the low word of `lparam`
    /// and an error in the high one. An event is told once, and then again after the call that enables it
    /// anew, if it still holds: see the table in the chapter on this layer. The socket no longer blocks,
    /// whatever the events are.
    ///
    /// The selection replaces an earlier one of this socket, its window, message and events; what still holds
    /// is told again. Without events there is none any more, and no window is needed. Sockets that are
    /// accepted from a selected one have its selection, and are told of from the start.
    ///
    /// # Errors
    ///
    /// [`Enotsock`](WinsockError::Enotsock); [`Einval`](WinsockError::Einval) for a window that does not
    /// exist; [`Enobufs`](WinsockError::Enobufs) when the system cannot watch the socket; and what every
    /// call checks first.
    ///
    /// # Cancellation
    ///
    /// When a selection ends or is replaced, its messages are purged: nothing of it is seen any more. The
    /// text leaves queued ones where they are; [`StaleEvents::Keep`] does so too.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::Pump;
    /// use msgpump::winsock::{AF_INET, Delivery, FD_READ, FD_WRITE, SOCK_DGRAM, Version, Winsock, WsaData};
    /// let mut pump = Pump::<()>::new()?;
    /// let mut winsock = Winsock::new();
    /// winsock.wsa_startup(Version::V1_1, Some(&mut WsaData::default()))?;
    /// let window = pump.open_window();
    /// let socket = winsock.socket(AF_INET, SOCK_DGRAM, 0)?;
    /// winsock.wsa_async_select(&mut pump, socket, window, 0x402, FD_READ | FD_WRITE)?;
    /// let Some(Delivery::Winsock(message)) = winsock.get_message(&mut pump)? else { panic!("nobody quits") };
    /// assert_eq!((message.socket(), i32::from(message.select_event())), (socket, FD_WRITE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "WSAAsyncSelect")]
    pub fn wsa_async_select(
        &mut self,
        pump: &mut Pump<T>,
        socket: SocketHandle,
        window: impl Into<Option<WindowId>>,
        message: u32,
        events: i32,
    ) -> Result<(), WinsockError> {
        let selected = self.admit().and_then(|()| self.select(pump, socket, window.into(), message, events));
        self.noted(selected)
    }

    fn select(
        &mut self,
        pump: &mut Pump<T>,
        handle: SocketHandle,
        window: Option<WindowId>,
        message: u32,
        events: i32,
    ) -> Result<(), WinsockError> {
        let before = self.sockets.get(handle)?.selection.as_ref();
        let owes_connect = before.is_some_and(|before| before.wants(FD_CONNECT));
        let selection = match window.filter(|&window| pump.has_window(window)) {
            Some(window) => (events != 0).then(|| Selection::new(window, message, events & EVENTS)),
            None if events == 0 => None,
            None => return Err(WinsockError::Einval),
        };
        let is_kept = self.settings.stale_events == StaleEvents::Keep;
        self.end_selection(pump, handle, is_kept);
        let socket = self.sockets.get(handle)?;
        if !owes_connect {
            socket.forget_success();
        }
        socket.is_blocking = false;
        socket.selection = selection;
        self.arm(pump, handle).inspect_err(|_| self.end_selection(pump, handle, false))
    }

    /// Ends a socket's selection. Its queued message, if there is one, is purged, unless it `is_kept`.
    pub(super) fn end_selection(&mut self, pump: &mut Pump<T>, handle: SocketHandle, is_kept: bool) {
        let Ok(socket) = self.sockets.get(handle) else { return };
        let Some(selection) = socket.selection.take() else { return };
        let Some(watch) = selection.watch else { return };
        let operation = OperationId::from(watch);
        let is_queued = |pump: &mut Pump<T>| {
            let message = pump.peek_message_for(Filter::any().operation(operation));
            message.is_some_and(|message| message.operation == Some(operation))
        };
        if is_kept && is_queued(pump) {
            self.sockets.keep_stale(operation, handle, selection);
            return;
        }
        self.sockets.forget_watch(operation);
        self.end_watch(pump, operation, selection.armed.is_some());
    }

    /// Ends an operation that watches. A message of it may be in the program's hands where it `may_be_told`, even
    /// if another one is queued: it was armed again meanwhile.
    pub(super) fn end_watch(&mut self, pump: &mut Pump<T>, operation: OperationId, may_be_told: bool) {
        pump.cancel(operation);
        if may_be_told {
            self.requests.withdrawn.add(operation);
        }
    }

    /// Asks the pump for what a socket's selection is to be told of next.
    pub(super) fn arm(&mut self, pump: &mut Pump<T>, handle: SocketHandle) -> Result<(), WinsockError> {
        let manner = self.manner();
        let socket = self.sockets.get(handle)?;
        let Some(wanted) = socket.wanted_interest(manner) else { return Ok(()) };
        let Some(selection) = &mut socket.selection else { return Ok(()) };
        if selection.armed.is_some_and(|armed| armed.includes(wanted)) {
            return Ok(());
        }
        match selection.watch {
            // Over with its window: nothing is told there any more.
            Some(watch) if pump.rearm(watch, wanted).is_err() => return Ok(()),
            Some(_) => selection.armed = Some(wanted),
            None if !pump.has_window(selection.window) => {}
            None => {
                let watch = socket.native.watch(pump, selection.window.into(), wanted);
                let watch = watch.map_err(|_| WinsockError::Enobufs)?;
                (selection.watch, selection.armed) = (Some(watch), Some(wanted));
                self.sockets.note_watch(watch.into(), handle);
            }
        }
        Ok(())
    }

    /// Makes the message that a readiness of a selected socket is, if it is one.
    pub(super) fn selected(
        &mut self,
        pump: &mut Pump<T>,
        operation: OperationId,
        handle: SocketHandle,
        readiness: Readiness,
    ) -> Option<WinsockMessage> {
        let manner = self.manner();
        if let Some(stale) = self.sockets.take_stale(operation) {
            let socket = self.sockets.get(handle).ok()?;
            let current = socket.selection.replace(stale);
            let event = socket.event_of(readiness, manner);
            let stale = std::mem::replace(&mut socket.selection, current)?;
            pump.cancel(operation);
            let message = event.map(|event| message_of(&stale, handle, event));
            return message.filter(|_| pump.has_window(stale.window));
        }
        let socket = self.sockets.get(handle).ok()?;
        let event = socket.event_of(readiness, manner);
        let selection = socket.selection.as_ref()?;
        let message = event.map(|event| message_of(selection, handle, event));
        let is_wanted = pump.has_window(selection.window);
        // What else holds is told behind what has been queued since.
        if let Err(error) = self.arm(pump, handle) {
            log::warn!("{handle} is not watched any more: {error}");
        }
        message.filter(|_| is_wanted)
    }

    /// A receive or an accept was called: what is left to be read is told again.
    pub(super) fn reading_called(&mut self, pump: &mut Pump<T>, handle: SocketHandle) {
        if let Ok(socket) = self.sockets.get(handle)
            && let Some(selection) = &mut socket.selection
        {
            selection.reading_enabled();
            self.arm_or_log(pump, handle);
        }
    }

    /// A send would have blocked, or a connection is new: room is told again.
    pub(super) fn writing_enabled(&mut self, pump: &mut Pump<T>, handle: SocketHandle) {
        if let Ok(socket) = self.sockets.get(handle)
            && let Some(selection) = &mut socket.selection
        {
            selection.writing_enabled();
            self.arm_or_log(pump, handle);
        }
    }

    /// As [`arm`](Winsock::arm), in a call that has an outcome of its own.
    pub(super) fn arm_or_log(&mut self, pump: &mut Pump<T>, handle: SocketHandle) {
        if let Err(error) = self.arm(pump, handle) {
            log::warn!("{handle} is not watched any more: {error}");
        }
    }

    fn manner(&self) -> Manner {
        Manner { close_order: self.settings.close_order, reset_code: self.settings.reset_code }
    }
}

fn message_of(
    selection: &Selection,
    handle: SocketHandle,
    (event, error): (i32, Option<WinsockError>),
) -> WinsockMessage {
    // Both halves fit in 16 bits: events have six, errors of the table fourteen.
    let lparam = wsa_make_select_reply(event as u16, error.map_or(0, WinsockError::number) as u16);
    let (window, message) = (selection.window, selection.message);
    WinsockMessage { window, message, wparam: handle.raw(), lparam, answer: None, needed: 0 }
}
