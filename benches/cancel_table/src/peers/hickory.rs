//! hickory-resolver, on tokio. A lookup is a future: it is cancelled with the task that awaits it.
//!
//! <https://docs.rs/hickory-resolver/latest/hickory_resolver/struct.Resolver.html>

use hickory_resolver::Resolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use super::tokio::{Stage, Way, runtime};
use crate::name_server::name_server;
use crate::scene::{names, row};
use crate::table::{Kind, Seen, State};

const DOCUMENTATION: &str = "https://docs.rs/hickory-resolver/latest/hickory_resolver/struct.Resolver.html";

pub fn play() {
    // Its lookups do not wait in line.
    let states = &[State::UnderWay, State::Finished, State::Next];
    let way = "drop of its future, by `abort` of a tokio task";
    row(Kind::Lookup, way, DOCUMENTATION, states, |state| lookup(state, Way::Aborted));
}

fn resolver() -> Resolver<TokioRuntimeProvider> {
    let server = NameServerConfig::new([127, 0, 0, 1].into(), true, vec![ConnectionConfig::udp()]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4Only;
    builder.build().expect("it is a configuration")
}

fn lookup(state: State, way: Way) -> Seen {
    runtime().block_on(async {
        let mut stage = Stage::new(state, way);
        let (resolver, names) = (resolver(), names());
        stage
            .start(|item| {
                let (resolver, name) = (resolver.clone(), format!("{}.", names[item]));
                Box::pin(async move { drop(resolver.lookup_ip(name).await.expect("it is answered")) })
            })
            .await;
        // Tasks of its own send the questions.
        for item in stage.scene.items() {
            while !name_server().has_question(&names[item]) {
                tokio::task::yield_now().await;
            }
        }
        for item in stage.scene.items().filter(|_| state != State::UnderWay) {
            name_server().answer_into_buffer(&names[item]);
        }
        stage.cancel();
        stage.settle().await;
        if state == State::UnderWay {
            stage.scene.note_asking();
        }
        name_server().answer(&names[0]);
        stage.finish().await
    })
}
