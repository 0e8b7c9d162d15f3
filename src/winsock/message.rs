//! The messages of this layer: the words of the texts, and what they say.
//!
//! Floor 5. Pure.

use std::fmt;

use super::answer::Answer;
use super::error::WinsockError;
use super::handle::{SocketHandle, TaskHandle};
use crate::{Message, WindowId};

/// A message of an asynchronous request or of a selected socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WinsockMessage {
    /// The window that was named in the call.
    pub window: WindowId,
    /// The message number that was named in the call.
    pub message: u32,
    /// The handle: of the request, or of the socket.
    pub wparam: u32,
    /// The error in the high word; in the low one the length of the answer, or the event.
    pub lparam: u32,
    /// The answer of a request that succeeded.
    pub answer: Option<Answer>,
    /// The exact number of bytes that the answer needs, where the low word can only say 65,535: see
    /// [`async_needed`](WinsockMessage::async_needed).
    pub(super) needed: usize,
}

/// Makes the `lParam` of a request's message (`WSAMAKEASYNCREPLY`).
#[doc(alias = "WSAMAKEASYNCREPLY")]
pub const fn wsa_make_async_reply(buflen: u16, error: u16) -> u32 {
    buflen as u32 | (error as u32) << 16
}

/// Makes the `lParam` of a socket's message (`WSAMAKESELECTREPLY`).
#[doc(alias = "WSAMAKESELECTREPLY")]
pub const fn wsa_make_select_reply(event: u16, error: u16) -> u32 {
    event as u32 | (error as u32) << 16
}

/// The low word of a request's `lParam` (`WSAGETASYNCBUFLEN`).
#[doc(alias = "WSAGETASYNCBUFLEN")]
pub const fn wsa_get_async_buflen(lparam: u32) -> u16 {
    lparam as u16
}

/// The high word of a request's `lParam` (`WSAGETASYNCERROR`).
#[doc(alias = "WSAGETASYNCERROR")]
pub const fn wsa_get_async_error(lparam: u32) -> u16 {
    (lparam >> 16) as u16
}

/// The low word of a socket's `lParam` (`WSAGETSELECTEVENT`).
#[doc(alias = "WSAGETSELECTEVENT")]
pub const fn wsa_get_select_event(lparam: u32) -> u16 {
    lparam as u16
}

/// The high word of a socket's `lParam` (`WSAGETSELECTERROR`).
#[doc(alias = "WSAGETSELECTERROR")]
pub const fn wsa_get_select_error(lparam: u32) -> u16 {
    (lparam >> 16) as u16
}

/// The error in a message's high word; `None` for zero.
fn error_in(lparam: u32) -> Option<WinsockError> {
    let number = wsa_get_async_error(lparam);
    (number != 0).then(|| WinsockError::from_number(number.into()))
}

impl WinsockMessage {
    /// The request that it completes, read from `wparam`.
    pub fn task(&self) -> TaskHandle {
        TaskHandle::from_raw(self.wparam)
    }

    /// The socket that it is about, read from `wparam`.
    pub fn socket(&self) -> SocketHandle {
        SocketHandle::from_raw(self.wparam)
    }

    /// Why the request failed, if it did.
    pub fn async_error(&self) -> Option<WinsockError> {
        error_in(self.lparam)
    }

    /// The low word of a completion: with [`Enobufs`](WinsockError::Enobufs) the size that is needed, at
    /// most 65,535. Of a success it is the size of the answer, on which the texts do not let one rely.
    pub fn async_buflen(&self) -> u16 {
        wsa_get_async_buflen(self.lparam)
    }

    /// The size that the answer needs, exact where the word of the texts is too short for it.
    pub fn async_needed(&self) -> usize {
        self.needed
    }

    /// What the socket is ready for, or what became of it: one bit of `FD_*`.
    pub fn select_event(&self) -> u16 {
        wsa_get_select_event(self.lparam)
    }

    /// What went wrong with the socket, if something did.
    pub fn select_error(&self) -> Option<WinsockError> {
        error_in(self.lparam)
    }
}

impl fmt::Display for WinsockMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WinsockMessage { message, wparam, lparam, .. } = self;
        write!(f, "message {message:#06x} wParam {wparam:#010x} lParam {lparam:#010x}")
    }
}

/// What a program takes: a message of this layer, or any other one of the pump.
#[derive(Debug)]
pub enum Delivery<T> {
    /// A message of this layer.
    Winsock(WinsockMessage),
    /// A message that is none of this layer's, as the pump gave it.
    Other(Message<T>),
}
