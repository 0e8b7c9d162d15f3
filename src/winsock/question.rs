//! What each database call asks of the pump, and what it makes of the answer.
//!
//! Floor 5. The arguments are those of the texts, so that every one of them has an answer, the wrong ones too.

use std::net::Ipv4Addr;

use super::answer::{ADDRESS_BYTES, AF_INET, Answer, Hostent};
use super::byte_order::{address_in, ntohs};
use super::error::WinsockError;
use super::request::Expected;
use super::settings::NumericHosts;
use super::startup::Version;
use crate::{Family, HostQuery, OperationId, Owner, ProtocolQuery, Pump, ServiceQuery, StartRefusal};

/// A protocol that every table has. Its lookup is finished when it has been started, so the message of an
/// answer that is known at the start can be that of its operation.
const AT_ONCE: u8 = 6;

/// A database call's arguments.
pub(super) struct Question {
    query: Query,
    pub(super) expected: Expected,
}

enum Query {
    Host(HostQuery),
    Service(ServiceQuery),
    Protocol(ProtocolQuery),
}

impl Question {
    fn known(result: Result<Answer, WinsockError>) -> Question {
        let query = Query::Protocol(ProtocolQuery::by_number(AT_ONCE));
        Question { query, expected: Expected::Known(Box::new(result)) }
    }

    /// `own_name` is this machine's.
    pub(super) fn host_by_name(name: &str, own_name: &str, in_force: Version, numeric: NumericHosts) -> Question {
        let resolves_numbers = match numeric {
            NumericHosts::ByVersion => in_force.major >= 2,
            NumericHosts::Resolve => true,
            NumericHosts::UnknownHost => false,
        };
        let query = |name: &str| Query::Host(HostQuery::by_name(name).family(Family::V4));
        if name.is_empty() || name.eq_ignore_ascii_case(own_name) {
            let known = Hostent::new(own_name.to_owned(), vec![Ipv4Addr::LOCALHOST]);
            return Question { query: query(own_name), expected: Expected::OwnHost(Box::new(Answer::Host(known))) };
        }
        if !is_numeric(name) {
            return Question { query: query(name), expected: Expected::Host };
        }
        Question::known(match address_in(name) {
            _ if !resolves_numbers => Err(WinsockError::HostNotFound),
            None => Err(WinsockError::NoData),
            Some(address) => Ok(Answer::Host(Hostent::new(name.to_owned(), vec![Ipv4Addr::from(address)]))),
        })
    }

    pub(super) fn host_by_address(address: &[u8], family: i32) -> Question {
        if family != AF_INET {
            // Before a length that may be right for that family.
            let is_usable = address.len() >= ADDRESS_BYTES;
            return Question::known(Err(if is_usable { WinsockError::Eafnosupport } else { WinsockError::Efault }));
        }
        match <[u8; ADDRESS_BYTES]>::try_from(address) {
            Ok(address) => Question { query: Query::Host(HostQuery::by_address(address)), expected: Expected::Host },
            Err(_) => Question::known(Err(WinsockError::Efault)),
        }
    }

    pub(super) fn service_by_name(name: &str, protocol: Option<&str>) -> Question {
        Question::service(ServiceQuery::by_name(name), protocol)
    }

    /// `port` is in network order.
    pub(super) fn service_by_port(port: i32, protocol: Option<&str>) -> Question {
        match u16::try_from(port) {
            Ok(port) => Question::service(ServiceQuery::by_port(ntohs(port)), protocol),
            Err(_) => Question::known(Err(WinsockError::NoData)),
        }
    }

    fn service(query: ServiceQuery, protocol: Option<&str>) -> Question {
        let query = match protocol {
            Some(protocol) => query.protocol(protocol),
            None => query,
        };
        Question { query: Query::Service(query), expected: Expected::Service }
    }

    pub(super) fn protocol_by_name(name: &str) -> Question {
        // The pump takes digits for a number, the texts for an unknown name.
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Question::known(Err(WinsockError::NoData));
        }
        Question { query: Query::Protocol(ProtocolQuery::by_name(name)), expected: Expected::Protocol }
    }

    /// `number` is in host order.
    pub(super) fn protocol_by_number(number: i32) -> Question {
        match u8::try_from(number) {
            Ok(number) => {
                Question { query: Query::Protocol(ProtocolQuery::by_number(number)), expected: Expected::Protocol }
            }
            Err(_) => Question::known(Err(WinsockError::NoData)),
        }
    }

    pub(super) fn start<T>(self, pump: &mut Pump<T>, owner: Owner) -> Result<(OperationId, Expected), StartRefusal> {
        let started = match self.query {
            Query::Host(query) => pump.lookup_host(owner, query).map_err(|error| error.refusal),
            Query::Service(query) => pump.lookup_service(owner, query).map_err(|error| error.refusal),
            Query::Protocol(query) => pump.lookup_protocol(owner, query).map_err(|error| error.refusal),
        };
        started.map(|operation| (operation, self.expected))
    }
}

/// Whether a host's name is an address in text form, or would be one: no name ends in a number.
fn is_numeric(name: &str) -> bool {
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    is_number || name.contains(':') || address_in(name).is_some()
}
