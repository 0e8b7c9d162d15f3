//! c-ares, with its own thread of events.

use std::sync::mpsc;

use c_ares::{AddrInfoFlags, AddrInfoHints, Channel, Error, EventSys, Options};

use super::{AT_A_TIME, Sharing};
use crate::answer::{Answer, Failure, Found};
use crate::names::{Asked, Query};

/// How many channels there may be before their questions are waited for: each has a thread.
const CHANNELS_MAX: usize = 64;

pub fn version() -> &'static str {
    c_ares::version().0
}

pub fn ask(queries: &[Query], sharing: Sharing) -> Vec<Answer> {
    let mut channels: Vec<Channel> = vec![new_channel()];
    let (sender, answered) = mpsc::channel();
    let mut answers: Vec<Option<Answer>> = vec![None; queries.len()];
    let (mut next, mut pending) = (0, 0);
    while next < queries.len() || pending > 0 {
        while next < queries.len() && pending < AT_A_TIME && channels.len() <= CHANNELS_MAX {
            if sharing == Sharing::Nothing {
                channels.push(new_channel());
            }
            start(channels.last_mut().expect("there is one"), &queries[next], sender.clone());
            pending += 1;
            next += 1;
        }
        let (index, answer) = answered.recv().expect("a sender is left");
        answers[index] = Some(answer);
        pending -= 1;
        if pending == 0 {
            // Whose questions are all answered.
            channels.drain(..channels.len() - 1);
        }
    }
    answers.into_iter().map(|answer| answer.expect("each was asked")).collect()
}

fn new_channel() -> Channel {
    let mut options = Options::new();
    options.set_event_thread(EventSys::Default).set_query_cache_max_ttl(0);
    Channel::with_options(options).expect("it can read the machine's configuration")
}

fn start(channel: &mut Channel, query: &Query, sender: mpsc::Sender<(usize, Answer)>) {
    let index = query.index;
    match &query.asked {
        Asked::Name(name) => {
            let hints = AddrInfoHints { flags: AddrInfoFlags::CANONNAME, ..AddrInfoHints::default() };
            channel.get_addrinfo(name, None, &hints, move |result| {
                let answer = result.map_err(failure).map(|results| Found {
                    addresses: results.nodes().filter_map(|node| node.ip_addr()).collect(),
                    name: results.name().map(str::to_owned),
                });
                // Who does not wait any more asked for nothing.
                _ = sender.send((index, answer));
            });
        }
        Asked::Address(address) => channel.get_host_by_address(address, move |result| {
            let name =
                |host: &c_ares::HostResults| Found { addresses: Vec::new(), name: Some(host.hostname().to_owned()) };
            _ = sender.send((index, result.map_err(failure).map(name)));
        }),
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::ENOTFOUND => Failure::NotFound,
        Error::ENODATA => Failure::NoData,
        Error::EREFUSED => Failure::Refused,
        Error::ESERVFAIL => Failure::ServerFailed,
        Error::ETIMEOUT => Failure::TimedOut,
        Error::EBADNAME => Failure::Malformed,
        Error::EBADRESP => Failure::BadReply,
        other => Failure::Other(format!("{other:?}")),
    }
}
