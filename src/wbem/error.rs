//! The numbers that every call ends with, their names and meanings, and what is told beside them.
//!
//! Floor 5. Pure. Numbers, names and meanings follow the public pages "WMI Error Constants" and "WMI
//! Non-Error Constants". Unknown numbers are kept: a provider may answer with any of the system's.

use std::fmt;

/// Makes the table below the only place where a number, its name and its meaning are written.
macro_rules! statuses {
    ($($variant:ident = $number:literal, $name:literal, $meaning:literal;)*) => {
        /// The result of a call: a success code (its variant begins with `S`) or an error code.
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum WbemStatus {
            $(#[doc = concat!("`", $name, "`: ", $meaning)] $variant,)*
            /// A number that is not in the table.
            Unknown(UnknownStatus),
        }

        /// Every status of the table, in the order of the numbers.
        const KNOWN: &[WbemStatus] = &[$(WbemStatus::$variant),*];

        impl WbemStatus {
            /// The number, as the texts print it in hexadecimal.
            pub const fn number(self) -> u32 {
                match self {
                    $(WbemStatus::$variant => $number,)*
                    WbemStatus::Unknown(UnknownStatus(number)) => number,
                }
            }

            /// The name in the texts.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(WbemStatus::$variant => Some($name),)*
                    WbemStatus::Unknown(_) => None,
                }
            }

            /// The meaning in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(WbemStatus::$variant => $meaning,)*
                    WbemStatus::Unknown(_) => "This number is not one of the known results.",
                }
            }
        }
    };
}

statuses! {
    SNoError = 0x0000_0000, "WBEM_S_NO_ERROR", "The operation is done, or was accepted.";
    SFalse = 0x0000_0001, "WBEM_S_FALSE", "The enumeration is over, or gave fewer objects than were asked for.";
    SAlreadyExists = 0x0004_0001, "WBEM_S_ALREADY_EXISTS", "The object or class was there before.";
    SResetToDefault = 0x0004_0002, "WBEM_S_RESET_TO_DEFAULT", "An overriding value was removed and the inherited one is back.";
    SDifferent = 0x0004_0003, "WBEM_S_DIFFERENT", "The compared objects differ.";
    STimedOut = 0x0004_0004, "WBEM_S_TIMEDOUT", "The time was over before the call was; some objects may have come.";
    SNoMoreData = 0x0004_0005, "WBEM_S_NO_MORE_DATA", "The enumeration has nothing more.";
    SOperationCancelled = 0x0004_0006, "WBEM_S_OPERATION_CANCELLED", "The operation was cancelled.";
    SPending = 0x0004_0007, "WBEM_S_PENDING", "The operation is still running.";
    SDuplicateObjects = 0x0004_0008, "WBEM_S_DUPLICATE_OBJECTS", "The same object came more than once.";
    SAccessDenied = 0x0004_0009, "WBEM_S_ACCESS_DENIED", "Some of the objects may not be seen by this user.";
    SPartialResults = 0x0004_0010, "WBEM_S_PARTIAL_RESULTS", "Some of the objects could not be reached.";
    Failed = 0x8004_1001, "WBEM_E_FAILED", "The call failed.";
    NotFound = 0x8004_1002, "WBEM_E_NOT_FOUND", "There is no such object.";
    AccessDenied = 0x8004_1003, "WBEM_E_ACCESS_DENIED", "The user may not do this.";
    ProviderFailure = 0x8004_1004, "WBEM_E_PROVIDER_FAILURE", "The provider failed after it had started.";
    TypeMismatch = 0x8004_1005, "WBEM_E_TYPE_MISMATCH", "A value has the wrong type.";
    OutOfMemory = 0x8004_1006, "WBEM_E_OUT_OF_MEMORY", "There is not enough memory.";
    InvalidContext = 0x8004_1007, "WBEM_E_INVALID_CONTEXT", "The context object is not valid.";
    InvalidParameter = 0x8004_1008, "WBEM_E_INVALID_PARAMETER", "An argument of the call is not valid.";
    NotAvailable = 0x8004_1009, "WBEM_E_NOT_AVAILABLE", "The resource is not available at the moment.";
    CriticalError = 0x8004_100A, "WBEM_E_CRITICAL_ERROR", "Something happened that should be impossible.";
    NotSupported = 0x8004_100C, "WBEM_E_NOT_SUPPORTED", "The operation is not supported.";
    InvalidSuperclass = 0x8004_100D, "WBEM_E_INVALID_SUPERCLASS", "The class that is derived from is not valid.";
    InvalidNamespace = 0x8004_100E, "WBEM_E_INVALID_NAMESPACE", "There is no such namespace.";
    InvalidObject = 0x8004_100F, "WBEM_E_INVALID_OBJECT", "The instance is not valid.";
    InvalidClass = 0x8004_1010, "WBEM_E_INVALID_CLASS", "There is no such class.";
    ProviderNotFound = 0x8004_1011, "WBEM_E_PROVIDER_NOT_FOUND", "The provider of the class is not registered.";
    ProviderLoadFailure = 0x8004_1013, "WBEM_E_PROVIDER_LOAD_FAILURE", "The provider of the class could not be started.";
    InitializationFailure = 0x8004_1014, "WBEM_E_INITIALIZATION_FAILURE", "A component could not get ready.";
    InvalidOperation = 0x8004_1016, "WBEM_E_INVALID_OPERATION", "The operation is not valid for this object.";
    InvalidQuery = 0x8004_1017, "WBEM_E_INVALID_QUERY", "The query is not valid.";
    InvalidQueryType = 0x8004_1018, "WBEM_E_INVALID_QUERY_TYPE", "The query language is not supported.";
    AlreadyExists = 0x8004_1019, "WBEM_E_ALREADY_EXISTS", "The object exists and only its creation was asked for.";
    PropagatedProperty = 0x8004_101C, "WBEM_E_PROPAGATED_PROPERTY", "The property belongs to a parent class.";
    Unexpected = 0x8004_101D, "WBEM_E_UNEXPECTED", "The calls came in an order that is not allowed.";
    IllegalOperation = 0x8004_101E, "WBEM_E_ILLEGAL_OPERATION", "The operation is not allowed on this kind of object.";
    CannotBeKey = 0x8004_101F, "WBEM_E_CANNOT_BE_KEY", "A property of this type or class cannot be a key.";
    ReadOnly = 0x8004_1023, "WBEM_E_READ_ONLY", "The property cannot be changed.";
    ProviderNotCapable = 0x8004_1024, "WBEM_E_PROVIDER_NOT_CAPABLE", "The provider does not offer this operation.";
    ClassHasChildren = 0x8004_1025, "WBEM_E_CLASS_HAS_CHILDREN", "Other classes derive from the class.";
    ClassHasInstances = 0x8004_1026, "WBEM_E_CLASS_HAS_INSTANCES", "The class has instances.";
    IllegalNull = 0x8004_1028, "WBEM_E_ILLEGAL_NULL", "The property must have a value.";
    InvalidPropertyType = 0x8004_102A, "WBEM_E_INVALID_PROPERTY_TYPE", "The type of the property is not valid.";
    ValueOutOfRange = 0x8004_102B, "WBEM_E_VALUE_OUT_OF_RANGE", "A value does not fit its type.";
    CannotBeSingleton = 0x8004_102C, "WBEM_E_CANNOT_BE_SINGLETON", "The class cannot have just one instance.";
    InvalidCimType = 0x8004_102D, "WBEM_E_INVALID_CIM_TYPE", "The type is not valid.";
    InvalidMethod = 0x8004_102E, "WBEM_E_INVALID_METHOD", "There is no such method.";
    InvalidMethodParameters = 0x8004_102F, "WBEM_E_INVALID_METHOD_PARAMETERS", "The arguments do not fit the method.";
    InvalidProperty = 0x8004_1031, "WBEM_E_INVALID_PROPERTY", "The property is not valid.";
    CallCancelled = 0x8004_1032, "WBEM_E_CALL_CANCELLED", "The call was cancelled.";
    ShuttingDown = 0x8004_1033, "WBEM_E_SHUTTING_DOWN", "The service is going away.";
    UnsupportedParameter = 0x8004_1035, "WBEM_E_UNSUPPORTED_PARAMETER", "An argument is too complex; try a simpler one.";
    InvalidObjectPath = 0x8004_103A, "WBEM_E_INVALID_OBJECT_PATH", "The object path is not valid.";
    BufferTooSmall = 0x8004_103C, "WBEM_E_BUFFER_TOO_SMALL", "The buffer has not enough room.";
    ServerTooBusy = 0x8004_1045, "WBEM_E_SERVER_TOO_BUSY", "The delivery was refused; the event may be fired again.";
    CannotChangeKeyInheritance = 0x8004_1049, "WBEM_E_CANNOT_CHANGE_KEY_INHERITANCE", "The keys of a parent class cannot be changed.";
    TooManyProperties = 0x8004_1051, "WBEM_E_TOO_MANY_PROPERTIES", "The class would have too many properties.";
    UpdateTypeMismatch = 0x8004_1052, "WBEM_E_UPDATE_TYPE_MISMATCH", "A derived class gives a property another type.";
    MethodNotImplemented = 0x8004_1055, "WBEM_E_METHOD_NOT_IMPLEMENTED", "The method is declared but not implemented.";
    MethodDisabled = 0x8004_1056, "WBEM_E_METHOD_DISABLED", "The method is disabled.";
    UnparsableQuery = 0x8004_1058, "WBEM_E_UNPARSABLE_QUERY", "The event query is not valid.";
    NotEventClass = 0x8004_1059, "WBEM_E_NOT_EVENT_CLASS", "The class of the event query is not an event class.";
    MissingGroupWithin = 0x8004_105A, "WBEM_E_MISSING_GROUP_WITHIN", "GROUP BY needs GROUP WITHIN.";
    MissingAggregationList = 0x8004_105B, "WBEM_E_MISSING_AGGREGATION_LIST", "GROUP BY needs a list of properties.";
    PropertyNotAnObject = 0x8004_105C, "WBEM_E_PROPERTY_NOT_AN_OBJECT", "A dot follows a property that is no embedded object.";
    AggregatingByObject = 0x8004_105D, "WBEM_E_AGGREGATING_BY_OBJECT", "GROUP BY names an embedded object without one of its properties.";
    QueueOverflow = 0x8004_1061, "WBEM_E_QUEUE_OVERFLOW", "The consumer is too slow for its events.";
    InvalidOperator = 0x8004_1063, "WBEM_E_INVALID_OPERATOR", "The operator is not allowed for this type.";
    CannotBeAbstract = 0x8004_1065, "WBEM_E_CANNOT_BE_ABSTRACT", "A class that derives from a concrete one cannot be abstract.";
    ClientTooSlow = 0x8004_1067, "WBEM_E_CLIENT_TOO_SLOW", "The client does not fetch its objects.";
    TimedOut = 0x8004_1069, "WBEM_E_TIMED_OUT", "The operation took too long.";
    QuotaViolation = 0x8004_106C, "WBEM_E_QUOTA_VIOLATION", "A limit was reached.";
    PropertyNameTooWide = 0x8004_1073, "WBEM_E_PROPERTY_NAME_TOO_WIDE", "The property's name is longer than 255 characters.";
    ClassNameTooWide = 0x8004_1074, "WBEM_E_CLASS_NAME_TOO_WIDE", "The class's name is longer than 255 characters.";
    VetoDelete = 0x8004_1079, "WBEM_E_VETO_DELETE", "The provider does not let the object be deleted.";
    VetoPut = 0x8004_107A, "WBEM_E_VETO_PUT", "The provider does not let the object be written.";
    ProviderTimedOut = 0x8004_1088, "WBEM_E_PROVIDER_TIMED_OUT", "The provider took too long.";
    NoKey = 0x8004_1089, "WBEM_E_NO_KEY", "The instance has no key.";
    RegistrationTooBroad = 0x8004_2001, "WBEMESS_E_REGISTRATION_TOO_BROAD", "The provider's events overlap those of the system.";
    RegistrationTooPrecise = 0x8004_2002, "WBEMESS_E_REGISTRATION_TOO_PRECISE", "The class has to be polled and the query has no WITHIN.";
}

/// A number outside the table of [`WbemStatus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownStatus(u32);

impl WbemStatus {
    /// Finds the status of a number; any number has one.
    pub fn from_number(number: u32) -> WbemStatus {
        match KNOWN.binary_search_by_key(&number, |status| status.number()) {
            Ok(index) => KNOWN[index],
            Err(_) => WbemStatus::Unknown(UnknownStatus(number)),
        }
    }

    /// Finds the status of a name from the texts, letter case ignored.
    pub fn from_name(name: &str) -> Option<WbemStatus> {
        KNOWN.iter().copied().find(|status| status.name().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Every known status, in the order of the numbers.
    pub fn known() -> impl Iterator<Item = WbemStatus> {
        KNOWN.iter().copied()
    }

    /// Whether the number tells of a failure: its highest bit is set.
    pub const fn is_error(self) -> bool {
        self.number() >> 31 == 1
    }
}

impl fmt::Display for WbemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#010x}", self.number()),
        }
    }
}

impl fmt::Debug for WbemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A failed call: its status, and what is known beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WbemError {
    /// The number that the call ends with.
    pub status: WbemStatus,
    /// What was attempted, and what stood in the way.
    pub info: Option<Box<ErrorInfo>>,
}

/// What is told beside the number of a failed call, as `__ExtendedStatus` does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The operation that failed, by the name of its method.
    pub operation: Option<String>,
    /// What the operation was asked to work on: a query, a path, the name of a class.
    pub parameter: Option<String>,
    /// What is wrong, in lower case without a full stop.
    pub description: Option<String>,
    /// The text that is wrong, out of `parameter`.
    pub offending: Option<String>,
    /// The byte of `parameter` where the offending text begins.
    pub position: Option<usize>,
    /// The provider that answered.
    pub provider: Option<String>,
}

impl WbemError {
    /// Makes an error of which nothing but the number is known.
    pub fn new(status: WbemStatus) -> WbemError {
        WbemError { status, info: None }
    }

    /// Says what is wrong.
    pub fn description(self, description: impl Into<String>) -> WbemError {
        self.with(|info| info.description = Some(description.into()))
    }

    /// Says what was attempted.
    pub fn operation(self, operation: impl Into<String>) -> WbemError {
        self.with(|info| info.operation = Some(operation.into()))
    }

    /// Says what the operation was asked to work on.
    pub fn parameter(self, parameter: impl Into<String>) -> WbemError {
        self.with(|info| info.parameter = Some(parameter.into()))
    }

    /// Points at the part of the parameter that is wrong.
    pub fn offending(self, text: impl Into<String>, position: usize) -> WbemError {
        self.with(|info| {
            info.offending = Some(text.into());
            info.position = Some(position);
        })
    }

    /// Says who answered.
    pub fn provider(self, provider: impl Into<String>) -> WbemError {
        self.with(|info| info.provider = Some(provider.into()))
    }

    /// Changes the information, which is there afterwards.
    fn with(mut self, change: impl FnOnce(&mut ErrorInfo)) -> WbemError {
        change(self.info.get_or_insert_default());
        self
    }
}

impl From<WbemStatus> for WbemError {
    fn from(status: WbemStatus) -> WbemError {
        WbemError::new(status)
    }
}

impl fmt::Display for WbemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(info) = &self.info else {
            return write!(f, "{} ({:#010x})", self.status, self.status.number());
        };
        if let Some(operation) = &info.operation {
            write!(f, "{operation}: ")?;
        }
        write!(f, "{} ({:#010x})", self.status, self.status.number())?;
        if let Some(description) = &info.description {
            write!(f, ": {description}")?;
        }
        if let Some(position) = info.position {
            let before = info.parameter.as_deref().and_then(|text| text.get(..position));
            // People count letters, and begin again in each line.
            let column = before.map_or(position, |text| text.rsplit('\n').next().unwrap_or(text).chars().count());
            match before.map_or(0, |text| text.matches('\n').count()) {
                0 => write!(f, " at column {}", column.saturating_add(1))?,
                lines => write!(f, " at line {}, column {}", lines + 1, column + 1)?,
            }
        }
        if let Some(parameter) = &info.parameter {
            write!(f, " in {parameter:?}")?;
        }
        match &info.provider {
            Some(provider) => write!(f, ", said by {provider}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for WbemError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_so_that_they_can_be_searched() {
        assert!(KNOWN.is_sorted_by(|left, right| left.number() < right.number()));
    }

    #[test]
    fn places_are_counted_as_people_count() {
        for (text, position, expected) in [
            ("SELECT * FORM X", 9, "at column 10 in"),
            ("SELECT * FROM X WHERE a = 'é' b", "SELECT * FROM X WHERE a = 'é' ".len(), "at column 31 in"),
            ("SELECT *\nFROM é Y", "SELECT *\nFROM é ".len(), "at line 2, column 8 in"),
            ("", 0, "at column 1 in"),
            ("short", 99, "at column 100 in"),
        ] {
            let error = WbemError::new(WbemStatus::InvalidQuery).parameter(text).offending("", position);
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert!(WbemError::new(WbemStatus::Failed).offending("", usize::MAX).to_string().contains("column"));
    }

    #[test]
    fn number_and_name_lead_back_to_the_status() {
        for status in WbemStatus::known() {
            let name = status.name().unwrap();
            assert_eq!(WbemStatus::from_number(status.number()), status);
            assert_eq!(WbemStatus::from_name(&name.to_lowercase()), Some(status));
            assert_eq!(status.is_error(), name.contains("_E_"), "{name}");
            assert!(status.meaning().ends_with('.'), "{name}");
        }
        assert_eq!(WbemStatus::from_name("WBEM_E_NO_SUCH_NAME"), None);
    }

    #[test]
    fn unknown_numbers_are_kept() {
        for (number, is_error) in [(0x8007_0005, true), (64, false), (u32::MAX, true)] {
            let status = WbemStatus::from_number(number);
            assert_eq!((status.number(), status.name(), status.is_error()), (number, None, is_error));
            assert_eq!(status.to_string(), format!("{number:#010x}"));
        }
    }

    #[test]
    fn the_texts_numbers() {
        for (status, number) in [
            (WbemStatus::SNoError, 0),
            (WbemStatus::STimedOut, 0x40004),
            (WbemStatus::SPartialResults, 0x40010),
            (WbemStatus::NotFound, 0x8004_1002),
            (WbemStatus::InvalidQuery, 2_147_749_911),
            (WbemStatus::CallCancelled, 2_147_749_938),
            (WbemStatus::UnparsableQuery, 2_147_749_976),
            (WbemStatus::QuotaViolation, 2_147_749_996),
            (WbemStatus::NoKey, 2_147_750_025),
            (WbemStatus::RegistrationTooPrecise, 2_147_753_986),
        ] {
            assert_eq!(status.number(), number, "{status}");
        }
    }

    #[test]
    fn an_error_says_all_it_knows() {
        assert_eq!(WbemError::new(WbemStatus::NotFound).to_string(), "WBEM_E_NOT_FOUND (0x80041002)");
        let error = WbemError::new(WbemStatus::InvalidQuery)
            .operation("ExecQuery")
            .parameter("SELECT")
            .description("expected a property")
            .offending("", 6)
            .provider("processes");
        assert_eq!(
            error.to_string(),
            "ExecQuery: WBEM_E_INVALID_QUERY (0x80041017): expected a property at column 7 in \"SELECT\", said by processes"
        );
    }
}
