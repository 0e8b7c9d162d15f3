//! msgpump: one thread and one pump for all lookups, or one of each for every one.

use std::collections::HashMap;
use std::time::Duration;

use msgpump::{Budget, HostQuery, LookupFailure, OperationId, Payload, Pump, Settings};

use super::{AT_A_TIME, Sharing, on_threads};
use crate::answer::{Answer, Failure, Found};
use crate::names::{Asked, Query};

pub fn ask(queries: &[Query], sharing: Sharing) -> Vec<Answer> {
    match sharing {
        Sharing::Resolver => ask_one_pump(&queries.iter().collect::<Vec<_>>()),
        Sharing::Nothing => on_threads(queries, |query| ask_one_pump(&[query]).remove(0)),
    }
}

fn ask_one_pump(queries: &[&Query]) -> Vec<Answer> {
    let mut pump: Pump<()> = Pump::with_settings(Settings::default()).expect("descriptors are left");
    let window = pump.root_window();
    let mut answers: Vec<Option<Answer>> = vec![None; queries.len()];
    let mut pending: HashMap<OperationId, usize> = HashMap::new();
    let mut next = 0;
    while next < queries.len() || !pending.is_empty() {
        while next < queries.len() && pending.len() < AT_A_TIME {
            let query = match &queries[next].asked {
                Asked::Name(name) => HostQuery::by_name(name.clone()),
                Asked::Address(address) => HostQuery::by_address(*address),
            };
            pending.insert(pump.lookup_host(window, query).expect("there is room"), next);
            next += 1;
        }
        pump.turn(Budget::wait(Duration::from_secs(1))).expect("the system works");
        while let Some(message) = pump.next_message() {
            let Payload::Host(result) = message.payload else { continue };
            let operation = message.operation.expect("an answer is of a lookup");
            let index = pending.remove(&operation).expect("each lookup ends once");
            let is_name = matches!(queries[index].asked, Asked::Name(_));
            answers[index] = Some(result.map_err(|error| failure(error.failure())).map(|host| Found {
                addresses: if is_name { host.addresses } else { Vec::new() },
                name: Some(host.canonical_name),
            }));
        }
    }
    answers.into_iter().map(|answer| answer.expect("each lookup ends")).collect()
}

fn failure(failure: LookupFailure) -> Failure {
    match failure {
        LookupFailure::NotFound => Failure::NotFound,
        LookupFailure::NoData => Failure::NoData,
        LookupFailure::Refused => Failure::Refused,
        LookupFailure::ServerFailure => Failure::ServerFailed,
        LookupFailure::TimedOut => Failure::TimedOut,
        LookupFailure::MalformedName => Failure::Malformed,
        other => Failure::Other(other.to_string()),
    }
}
