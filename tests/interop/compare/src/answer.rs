//! What a resolver said of a name, in the same words for all of them.

use std::fmt;
use std::net::IpAddr;

/// What a resolver said.
pub type Answer = Result<Found, Failure>;

/// There is such a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In the order given; of a question for a name, none.
    pub addresses: Vec<IpAddr>,
    /// The name at the end of the aliases, or the name of the address; `None` where the resolver says none.
    pub name: Option<String>,
}

/// Why there is no answer, as precisely as the resolver says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    NotFound,
    NoData,
    Refused,
    ServerFailed,
    /// Something that may pass: the resolver has one word for servers that fail, refuse and are silent.
    Temporary,
    /// Something that does not pass.
    Permanent,
    TimedOut,
    Malformed,
    /// The server's message could not be read.
    BadReply,
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::NotFound => "not found",
            Failure::NoData => "no data",
            Failure::Refused => "refused",
            Failure::ServerFailed => "server failure",
            Failure::Temporary => "try again",
            Failure::Permanent => "failed",
            Failure::TimedOut => "timed out",
            Failure::Malformed => "malformed",
            Failure::BadReply => "bad reply",
            Failure::Other(text) => text,
        })
    }
}

/// An answer in a few words.
pub fn in_words(answer: &Answer) -> String {
    match answer {
        Ok(found) => {
            let addresses: Vec<String> = found.addresses.iter().take(4).map(ToString::to_string).collect();
            let more = if found.addresses.len() > 4 { ", ..." } else { "" };
            format!("{} [{}{more}]", found.name.as_deref().unwrap_or("-"), addresses.join(", "))
        }
        Err(failure) => failure.to_string(),
    }
}
