//! hickory-resolver on tokio's current thread: a socket of its own for each question.

use std::time::Duration;

use hickory_resolver::Resolver as HickoryResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use super::{Asking, Resolver, Wanted, answered, name};

pub struct Hickory {
    runtime: tokio::runtime::Runtime,
    set: tokio::task::LocalSet,
    both: HickoryResolver<TokioRuntimeProvider>,
    ipv4: HickoryResolver<TokioRuntimeProvider>,
    woken: std::rc::Rc<tokio::sync::Notify>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

fn resolver(asking: Asking, strategy: LookupIpStrategy) -> HickoryResolver<TokioRuntimeProvider> {
    let mut server = NameServerConfig::udp_and_tcp(asking.server.ip());
    server.connections.iter_mut().for_each(|connection| connection.port = asking.server.port());
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = HickoryResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = strategy;
    options.num_concurrent_reqs = 1;
    options.max_active_requests = 100_000;
    options.timeout = asking.timeout;
    options.attempts = asking.attempts as usize;
    builder.build().expect("it is a configuration")
}

impl Resolver for Hickory {
    fn open(asking: Asking) -> Hickory {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("there are descriptors left");
        let entered = runtime.enter();
        let both = resolver(asking, LookupIpStrategy::Ipv4AndIpv6);
        let ipv4 = resolver(asking, LookupIpStrategy::Ipv4Only);
        drop(entered);
        let (set, woken) = (tokio::task::LocalSet::new(), std::rc::Rc::default());
        Hickory { runtime, set, both, ipv4, woken, tasks: Vec::with_capacity(asking.lookups) }
    }

    fn start(&mut self, number: usize, wanted: Wanted) {
        let resolver = if wanted == Wanted::Both { self.both.clone() } else { self.ipv4.clone() };
        let woken = self.woken.clone();
        let look_up = async move {
            let addresses = match resolver.lookup_ip(name(number)).await {
                Ok(found) => found.iter().collect(),
                Err(_) => Vec::new(),
            };
            answered(number, &addresses);
            woken.notify_one();
        };
        self.tasks.push(self.set.spawn_local(look_up));
    }

    fn turn(&mut self, limit: Duration) {
        super::c_library::turn_of_tokio(&self.runtime, &self.set, &self.woken, limit);
    }

    fn cancel(&mut self, count: usize) -> usize {
        self.tasks[..count].iter().for_each(tokio::task::JoinHandle::abort);
        0
    }

    fn are_cancels_told(&mut self) -> bool {
        self.tasks.iter().all(tokio::task::JoinHandle::is_finished)
    }

    fn close(self) {
        let Hickory { runtime, set, both, ipv4, .. } = self;
        drop((both, ipv4));
        drop(set);
        drop(runtime);
    }
}
