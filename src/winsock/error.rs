//! The error numbers of the interface, their names and meanings.
//!
//! Floor 5. Pure. Numbers and names follow the Winsock 1.1 specification and the public page "Windows
//! Sockets Error Codes". A number outside the table is kept: a program may set any as its last error.

use std::fmt;

/// Makes the table below the only place where a number, its name and its meaning are written.
macro_rules! errors {
    ($($variant:ident = $number:literal, $name:literal, $meaning:literal;)*) => {
        /// Why a call failed, or what the high word of a message tells.
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum WinsockError {
            $(
                #[doc = concat!("`", $name, "` (", stringify!($number), "): ", $meaning)]
                #[doc(alias = $name)]
                $variant,
            )*
            /// A number that is not in the table.
            Unknown(UnknownError),
        }

        /// Every error of the table, in the order of the numbers.
        const KNOWN: &[WinsockError] = &[$(WinsockError::$variant),*];

        impl WinsockError {
            /// The number, as `WSAGetLastError` gives it.
            pub const fn number(self) -> i32 {
                match self {
                    $(WinsockError::$variant => $number,)*
                    WinsockError::Unknown(UnknownError(number)) => number,
                }
            }

            /// The name in the texts.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(WinsockError::$variant => Some($name),)*
                    WinsockError::Unknown(_) => None,
                }
            }

            /// The meaning in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(WinsockError::$variant => $meaning,)*
                    WinsockError::Unknown(_) => "This number is not one of the known errors.",
                }
            }
        }
    };
}

errors! {
    InvalidHandle = 6, "WSA_INVALID_HANDLE", "The handle of an event object is not valid.";
    NotEnoughMemory = 8, "WSA_NOT_ENOUGH_MEMORY", "There is not enough memory.";
    InvalidParameter = 87, "WSA_INVALID_PARAMETER", "One or more parameters are not valid.";
    OperationAborted = 995, "WSA_OPERATION_ABORTED", "An overlapped operation ended because its socket was closed.";
    IoIncomplete = 996, "WSA_IO_INCOMPLETE", "An overlapped operation is not finished yet.";
    IoPending = 997, "WSA_IO_PENDING", "An overlapped operation was started, and tells its end later.";
    Eintr = 10004, "WSAEINTR", "A blocking call was ended by WSACancelBlockingCall.";
    Ebadf = 10009, "WSAEBADF", "The file handle is not valid.";
    Eacces = 10013, "WSAEACCES", "The access is forbidden by the permissions in force.";
    Efault = 10014, "WSAEFAULT", "An address or a length does not describe a usable piece of memory.";
    Einval = 10022, "WSAEINVAL", "An argument is not valid, or the call does not fit the object's state.";
    Emfile = 10024, "WSAEMFILE", "No more sockets can be opened.";
    Ewouldblock = 10035, "WSAEWOULDBLOCK", "It cannot be done at once; try again later.";
    Einprogress = 10036, "WSAEINPROGRESS", "A blocking call is under way, and no other call is allowed meanwhile.";
    Ealready = 10037, "WSAEALREADY", "The operation is already over, or already under way.";
    Enotsock = 10038, "WSAENOTSOCK", "The handle is not an open socket.";
    Edestaddrreq = 10039, "WSAEDESTADDRREQ", "A destination address is needed.";
    Emsgsize = 10040, "WSAEMSGSIZE", "A datagram is larger than the buffer or than the network can carry.";
    Eprototype = 10041, "WSAEPROTOTYPE", "The protocol does not fit the type of the socket.";
    Enoprotoopt = 10042, "WSAENOPROTOOPT", "The socket option is not known or not supported.";
    Eprotonosupport = 10043, "WSAEPROTONOSUPPORT", "The protocol is not supported.";
    Esocktnosupport = 10044, "WSAESOCKTNOSUPPORT", "The type of socket is not supported in this address family.";
    Eopnotsupp = 10045, "WSAEOPNOTSUPP", "The operation is not supported for this object.";
    Epfnosupport = 10046, "WSAEPFNOSUPPORT", "The protocol family is not supported.";
    Eafnosupport = 10047, "WSAEAFNOSUPPORT", "The address family is not supported.";
    Eaddrinuse = 10048, "WSAEADDRINUSE", "The address is in use already.";
    Eaddrnotavail = 10049, "WSAEADDRNOTAVAIL", "The address is not this machine's, or is none to connect to.";
    Enetdown = 10050, "WSAENETDOWN", "The network has failed.";
    Enetunreach = 10051, "WSAENETUNREACH", "The network cannot be reached from here.";
    Enetreset = 10052, "WSAENETRESET", "The connection was dropped because its network was reset.";
    Econnaborted = 10053, "WSAECONNABORTED", "This side gave the connection up, after a timeout or another failure.";
    Econnreset = 10054, "WSAECONNRESET", "The connection was reset by the other side.";
    Enobufs = 10055, "WSAENOBUFS", "There is no room: a buffer is too small, or memory is short.";
    Eisconn = 10056, "WSAEISCONN", "The socket is connected already.";
    Enotconn = 10057, "WSAENOTCONN", "The socket is not connected.";
    Eshutdown = 10058, "WSAESHUTDOWN", "This direction of the connection was shut down before.";
    Etoomanyrefs = 10059, "WSAETOOMANYREFS", "A kernel object has too many references.";
    Etimedout = 10060, "WSAETIMEDOUT", "The other side did not answer in time.";
    Econnrefused = 10061, "WSAECONNREFUSED", "The other side refused the connection.";
    Eloop = 10062, "WSAELOOP", "A name cannot be translated because it leads back to itself.";
    Enametoolong = 10063, "WSAENAMETOOLONG", "A name is too long.";
    Ehostdown = 10064, "WSAEHOSTDOWN", "The other host is down.";
    Ehostunreach = 10065, "WSAEHOSTUNREACH", "The other host cannot be reached from here.";
    Enotempty = 10066, "WSAENOTEMPTY", "A directory that must be empty is not.";
    Eproclim = 10067, "WSAEPROCLIM", "As many tasks use the library as it allows.";
    Eusers = 10068, "WSAEUSERS", "The quota of users is exhausted.";
    Edquot = 10069, "WSAEDQUOT", "The quota of the disk is exhausted.";
    Estale = 10070, "WSAESTALE", "The file handle is not valid any more.";
    Eremote = 10071, "WSAEREMOTE", "The object is not on this machine.";
    Sysnotready = 10091, "WSASYSNOTREADY", "The network is not ready for use.";
    Vernotsupported = 10092, "WSAVERNOTSUPPORTED", "The version asked for is not supported.";
    Notinitialised = 10093, "WSANOTINITIALISED", "WSAStartup has not been called successfully.";
    Ediscon = 10101, "WSAEDISCON", "The other side is shutting the connection down in order.";
    Enomore = 10102, "WSAENOMORE", "There are no more results.";
    Ecancelled = 10103, "WSAECANCELLED", "The call was cancelled while it was under way.";
    Einvalidproctable = 10104, "WSAEINVALIDPROCTABLE", "The provider's table of procedures is not valid.";
    Einvalidprovider = 10105, "WSAEINVALIDPROVIDER", "The provider is not valid.";
    Eproviderfailedinit = 10106, "WSAEPROVIDERFAILEDINIT", "The provider could not be started.";
    Syscallfailure = 10107, "WSASYSCALLFAILURE", "A system call that should never fail has failed.";
    ServiceNotFound = 10108, "WSASERVICE_NOT_FOUND", "The service is not known in the name space.";
    TypeNotFound = 10109, "WSATYPE_NOT_FOUND", "The class is not known.";
    NoMore = 10110, "WSA_E_NO_MORE", "There are no more results of the query.";
    Cancelled = 10111, "WSA_E_CANCELLED", "The query was cancelled while it was under way.";
    Erefused = 10112, "WSAEREFUSED", "The query was refused.";
    HostNotFound = 11001, "WSAHOST_NOT_FOUND", "The host is not known.";
    TryAgain = 11002, "WSATRY_AGAIN", "The name service did not answer; it may do so later.";
    NoRecovery = 11003, "WSANO_RECOVERY", "The name service failed for good.";
    NoData = 11004, "WSANO_DATA", "The name is valid and has no entry of the kind asked for.";
    QosReceivers = 11005, "WSA_QOS_RECEIVERS", "At least one reservation of a receiver has arrived.";
    QosSenders = 11006, "WSA_QOS_SENDERS", "At least one path of a sender has arrived.";
    QosNoSenders = 11007, "WSA_QOS_NO_SENDERS", "There are no senders.";
    QosNoReceivers = 11008, "WSA_QOS_NO_RECEIVERS", "There are no receivers.";
    QosRequestConfirmed = 11009, "WSA_QOS_REQUEST_CONFIRMED", "The reservation is confirmed.";
    QosAdmissionFailure = 11010, "WSA_QOS_ADMISSION_FAILURE", "There are not enough resources for the reservation.";
    QosPolicyFailure = 11011, "WSA_QOS_POLICY_FAILURE", "The reservation is refused by an administrator's rules.";
    QosBadStyle = 11012, "WSA_QOS_BAD_STYLE", "The style of the reservation is not known or in conflict.";
    QosBadObject = 11013, "WSA_QOS_BAD_OBJECT", "A filter, flow or provider buffer of the reservation is wrong.";
    QosTrafficCtrlError = 11014, "WSA_QOS_TRAFFIC_CTRL_ERROR", "The flow is refused by the control of traffic.";
    QosGenericError = 11015, "WSA_QOS_GENERIC_ERROR", "The reservation failed, and nothing more is known.";
    QosEservicetype = 11016, "WSA_QOS_ESERVICETYPE", "The type of service in a flow is not valid or supported.";
    QosEflowspec = 11017, "WSA_QOS_EFLOWSPEC", "A flow is not valid.";
    QosEprovspecbuf = 11018, "WSA_QOS_EPROVSPECBUF", "The provider's own buffer is not valid.";
    QosEfilterstyle = 11019, "WSA_QOS_EFILTERSTYLE", "The style of a filter is not valid.";
    QosEfiltertype = 11020, "WSA_QOS_EFILTERTYPE", "The type of a filter is not valid.";
    QosEfiltercount = 11021, "WSA_QOS_EFILTERCOUNT", "The number of filters is not right.";
    QosEobjlength = 11022, "WSA_QOS_EOBJLENGTH", "The length of an object is not valid.";
    QosEflowcount = 11023, "WSA_QOS_EFLOWCOUNT", "The number of flow descriptors is not right.";
    // Spelled so in the header.
    QosEunkownpsobj = 11024, "WSA_QOS_EUNKOWNPSOBJ", "An object in the provider's own buffer is not known.";
    QosEpolicyobj = 11025, "WSA_QOS_EPOLICYOBJ", "An object of a policy is not valid.";
    QosEflowdesc = 11026, "WSA_QOS_EFLOWDESC", "A flow descriptor is not valid.";
    QosEpsflowspec = 11027, "WSA_QOS_EPSFLOWSPEC", "A flow in the provider's own buffer is not valid.";
    QosEpsfilterspec = 11028, "WSA_QOS_EPSFILTERSPEC", "A filter in the provider's own buffer is not valid.";
    QosEsdmodeobj = 11029, "WSA_QOS_ESDMODEOBJ", "The object that says how to shape or discard is not valid.";
    QosEshaperateobj = 11030, "WSA_QOS_ESHAPERATEOBJ", "The object that says at which rate to shape is not valid.";
    QosReservedPetype = 11031, "WSA_QOS_RESERVED_PETYPE", "An element of a policy has a reserved type.";
}

/// A number outside the table of [`WinsockError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownError(i32);

impl WinsockError {
    /// Finds the error of a number; any number has one.
    pub fn from_number(number: i32) -> WinsockError {
        match KNOWN.binary_search_by_key(&number, |error| error.number()) {
            Ok(index) => KNOWN[index],
            Err(_) => WinsockError::Unknown(UnknownError(number)),
        }
    }

    /// Finds the error of a name from the texts, letter case ignored. `WSANO_ADDRESS` is another name of
    /// [`NoData`](WinsockError::NoData).
    pub fn from_name(name: &str) -> Option<WinsockError> {
        if name.eq_ignore_ascii_case("WSANO_ADDRESS") {
            return Some(WinsockError::NoData);
        }
        KNOWN.iter().copied().find(|error| error.name().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Every known error, in the order of the numbers.
    pub fn known() -> impl Iterator<Item = WinsockError> {
        KNOWN.iter().copied()
    }
}

impl fmt::Display for WinsockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({}): {}", self.number(), self.meaning()),
            None => write!(f, "Winsock error {}", self.number()),
        }
    }
}

impl fmt::Debug for WinsockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "WinsockError({})", self.number()),
        }
    }
}

impl std::error::Error for WinsockError {}
