//! hickory-resolver, on tokio's current thread, one for each name.

use futures_util::stream::{self, StreamExt};
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::ProtoError;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};

use super::AT_A_TIME;
use crate::answer::{Answer, Failure, Found};
use crate::names::{Asked, Query};

pub fn ask(queries: &[Query]) -> Vec<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("descriptors are left");
    runtime.block_on(async {
        let answers = stream::iter(queries).map(async |query| ask_one(&new_resolver(), query).await);
        answers.buffered(AT_A_TIME).collect().await
    })
}

fn new_resolver() -> TokioResolver {
    let mut builder = Resolver::builder_tokio().expect("it can read the machine's configuration");
    let options = builder.options_mut();
    options.cache_size = 0;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build().expect("it can be built")
}

async fn ask_one(resolver: &TokioResolver, query: &Query) -> Answer {
    match &query.asked {
        Asked::Name(name) => {
            let found = resolver.lookup_ip(name.as_str()).await.map_err(failure)?;
            let records = found.as_lookup().answers();
            let owner =
                records.iter().find(|record| record.data.ip_addr().is_some()).map(|record| record.name.to_ascii());
            Ok(Found { addresses: found.iter().collect(), name: owner })
        }
        Asked::Address(address) => {
            let found = resolver.reverse_lookup(*address).await.map_err(failure)?;
            let name = found.answers().iter().find_map(|record| match &record.data {
                RData::PTR(name) => Some(name.to_ascii()),
                _ => None,
            });
            Ok(Found { addresses: Vec::new(), name })
        }
    }
}

fn failure(error: NetError) -> Failure {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Failure::NotFound,
            ResponseCode::NoError => Failure::NoData,
            ResponseCode::Refused => Failure::Refused,
            ResponseCode::ServFail => Failure::ServerFailed,
            other => Failure::Other(format!("nothing, {other}")),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => match code {
            ResponseCode::ServFail => Failure::ServerFailed,
            ResponseCode::Refused => Failure::Refused,
            other => Failure::Other(other.to_string()),
        },
        NetError::Timeout => Failure::TimedOut,
        // What it says of a text before it asks anybody, and of a message that it cannot read.
        NetError::Proto(ProtoError::Decode(error)) => Failure::Other(error.to_string()),
        NetError::Proto(ProtoError::FormError { .. }) => Failure::BadReply,
        NetError::Proto(_) => Failure::Malformed,
        other => Failure::Other(other.to_string()),
    }
}
