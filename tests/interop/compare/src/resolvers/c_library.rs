//! The C library: getaddrinfo and getnameinfo, which wait, so on several threads.

use std::net::SocketAddr;

use dns_lookup::{AddrInfoHints, LookupError, getaddrinfo, getnameinfo};

use super::on_threads;
use crate::answer::{Answer, Failure, Found};
use crate::names::{Asked, Query};

const AI_CANONNAME: i32 = 2;
const NI_NAMEREQD: i32 = 8;
const SOCK_STREAM: i32 = 1;

pub fn ask(queries: &[Query]) -> Vec<Answer> {
    on_threads(queries, ask_one)
}

fn ask_one(query: &Query) -> Answer {
    match &query.asked {
        Asked::Name(name) => {
            let hints = AddrInfoHints { flags: AI_CANONNAME, socktype: SOCK_STREAM, ..AddrInfoHints::default() };
            let found: Vec<_> = getaddrinfo(Some(name), None, Some(hints))
                .map_err(failure)?
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::Other(error.to_string()))?;
            Ok(Found {
                name: found.iter().find_map(|info| info.canonname.clone()),
                addresses: found.iter().map(|info| info.sockaddr.ip()).collect(),
            })
        }
        Asked::Address(address) => {
            let (name, _) = getnameinfo(&SocketAddr::new(*address, 0), NI_NAMEREQD).map_err(failure)?;
            Ok(Found { addresses: Vec::new(), name: Some(name) })
        }
    }
}

/// The numbers of glibc.
fn failure(error: LookupError) -> Failure {
    match error.error_num() {
        -2 => Failure::NotFound,
        -3 => Failure::Temporary,
        -4 => Failure::Permanent,
        -5 => Failure::NoData,
        number => Failure::Other(format!("error {number}: {error:?}")),
    }
}
