//! What can be set when the layer is made: limits, and manners in which the texts and Windows differ.
//!
//! Floor 5. Words only. The defaults follow the texts; the other side of each is what Windows was seen to do,
//! or what the text allows and few programs want.

use super::startup::VersionMaximum;

/// How many requests may be pending or have their message queued, unless it is set.
pub const REQUESTS_MAX: usize = 10_000;

/// How many sockets may be open, unless it is set.
pub const SOCKETS_MAX: usize = 10_000;

/// When a host request is given an address in text form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumericHosts {
    /// As the text of the version in force says: in 1.x such a name is unknown, in 2.x it is its own answer.
    #[default]
    ByVersion,
    /// An IPv4 address is its own answer; other numbers give `WSANO_DATA`.
    Resolve,
    /// It is an unknown name.
    UnknownHost,
}

/// When FD_CLOSE is told of a connection whose other side ended it in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseOrder {
    /// Once all data was read, as today's text says. No data is lost by a program that closes on FD_CLOSE.
    #[default]
    AfterDrain,
    /// When the end arrives, data unread or not, as the 1.1 text says and Windows does.
    Early,
}

/// The error of FD_CLOSE for a connection that the other side reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetCode {
    /// `WSAECONNRESET`, as both texts say.
    #[default]
    ConnReset,
    /// `WSAECONNABORTED`, as Windows does.
    ConnAborted,
}

/// What becomes of a socket's queued message when its selection ends or is replaced. When the socket is closed it is
/// purged, whatever is set: no program can do anything with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StaleEvents {
    /// It is purged: nothing of an ended selection is ever seen.
    #[default]
    Purge,
    /// It is still delivered, as the texts say it may be and Windows does.
    Keep,
}

/// What can be set when a [`Winsock`](super::Winsock) is made.
///
/// ```
/// use msgpump::winsock::{VersionMaximum, Winsock, WinsockSettings};
/// let settings = WinsockSettings::default().version_maximum(VersionMaximum::V1_1).requests_max(100);
/// let winsock = Winsock::<()>::with_settings(settings);
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until a library is made with them"]
pub struct WinsockSettings {
    pub(super) version_maximum: VersionMaximum,
    pub(super) requests_max: usize,
    pub(super) sockets_max: usize,
    pub(super) numeric_hosts: NumericHosts,
    pub(super) close_order: CloseOrder,
    pub(super) reset_code: ResetCode,
    pub(super) stale_events: StaleEvents,
}

impl Default for WinsockSettings {
    fn default() -> WinsockSettings {
        WinsockSettings {
            version_maximum: VersionMaximum::default(),
            requests_max: REQUESTS_MAX,
            sockets_max: SOCKETS_MAX,
            numeric_hosts: NumericHosts::default(),
            close_order: CloseOrder::default(),
            reset_code: ResetCode::default(),
            stale_events: StaleEvents::default(),
        }
    }
}

impl WinsockSettings {
    /// The highest version offered at startup. By default 2.2.
    pub fn version_maximum(mut self, maximum: VersionMaximum) -> WinsockSettings {
        self.version_maximum = maximum;
        self
    }

    /// How many requests may be pending or have their message queued; one more is refused with
    /// `WSAEWOULDBLOCK`. By default [`REQUESTS_MAX`].
    pub fn requests_max(mut self, requests: usize) -> WinsockSettings {
        self.requests_max = requests;
        self
    }

    /// How many sockets may be open; one more is refused with `WSAEMFILE`. By default [`SOCKETS_MAX`].
    pub fn sockets_max(mut self, sockets: usize) -> WinsockSettings {
        self.sockets_max = sockets;
        self
    }

    /// What a host request answers to an address in text form.
    pub fn numeric_hosts(mut self, numeric_hosts: NumericHosts) -> WinsockSettings {
        self.numeric_hosts = numeric_hosts;
        self
    }

    /// When FD_CLOSE is told of a connection ended in order.
    pub fn close_order(mut self, order: CloseOrder) -> WinsockSettings {
        self.close_order = order;
        self
    }

    /// The error that FD_CLOSE tells of a reset.
    pub fn reset_code(mut self, code: ResetCode) -> WinsockSettings {
        self.reset_code = code;
        self
    }

    /// What becomes of queued messages of a selection that ends.
    pub fn stale_events(mut self, stale: StaleEvents) -> WinsockSettings {
        self.stale_events = stale;
        self
    }
}
