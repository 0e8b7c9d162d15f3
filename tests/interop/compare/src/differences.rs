//! In what two answers to the same question differ.

use std::fmt;

use crate::answer::{Answer, in_words};
use crate::names::Query;
use crate::resolvers::Peer;

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// Whether something was found, or why nothing was.
    Outcome,
    /// Which addresses, and how often each.
    Addresses,
    /// The same addresses come in another order.
    Order,
    /// The name at the end of the aliases, or of the address.
    Name,
}

/// A difference, with all that is known of it.
pub struct Case<'a> {
    pub server: &'a str,
    pub peer: Peer,
    pub query: &'a Query,
    pub ours: &'a Answer,
    pub theirs: &'a Answer,
    pub aspect: Aspect,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { server, peer, query, ours, theirs, aspect } = self;
        let (ours, theirs) = (in_words(ours), in_words(theirs));
        write!(f, "{peer}, {aspect:?} of {:?} ({} at {server}): {theirs}; msgpump: {ours}", query.text(), query.group)
    }
}

/// In what `theirs` differs from `ours`.
pub fn differences(ours: &Answer, theirs: &Answer) -> Vec<Aspect> {
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(ours), Err(theirs)) if ours == theirs => return Vec::new(),
        _ => return vec![Aspect::Outcome],
    };
    let mut differences = Vec::new();
    let sorted = |addresses: &[_]| {
        let mut sorted = addresses.to_vec();
        sorted.sort();
        sorted
    };
    if sorted(&ours.addresses) != sorted(&theirs.addresses) {
        differences.push(Aspect::Addresses);
    } else if ours.addresses != theirs.addresses {
        differences.push(Aspect::Order);
    }
    // Whether a name is written with its final dot is no difference.
    let bare = |name: &Option<String>| name.as_deref().map(|name| name.strip_suffix('.').unwrap_or(name).to_owned());
    if bare(&ours.name) != bare(&theirs.name) {
        differences.push(Aspect::Name);
    }
    differences
}
