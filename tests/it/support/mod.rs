//! What the tests share: a scripted name server, files of their own, and ways to wait.

pub(crate) mod alone;
pub(crate) mod files;
#[cfg(unix)]
pub(crate) mod host;
pub(crate) mod name_server;
pub(crate) mod wire;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use msgpump::{
    Budget, Filter, Host, HostQuery, LookupError, LookupFailure, OperationId, Payload, Pump, ResolverConfig, Settings,
};

pub(crate) use files::Directory;
pub(crate) use name_server::{Act, ClosedPort, NameServer, Script};

/// How long a test waits for what must come. Only a test that fails waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long one turn waits where nothing but a name server's log would tell that something happened.
const GLANCE: Duration = Duration::from_millis(2);

/// A name server's time to answer, where the test is not about it: longer than any test.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A name server's time to answer, where the test is about a server that does not: long enough for
/// one that does. Under Wine each call goes by way of another process.
pub(crate) const SHORT: Duration = Duration::from_millis(if cfg!(windows) { 400 } else { 250 });

/// A configuration that asks `servers` in order, once, and waits for them.
pub(crate) fn asking<'a>(servers: impl IntoIterator<Item = &'a NameServer>) -> ResolverConfig {
    asking_at(servers.into_iter().map(NameServer::address))
}

/// As [`asking`], for servers that may not be there.
pub(crate) fn asking_at(servers: impl IntoIterator<Item = SocketAddr>) -> ResolverConfig {
    ResolverConfig::new(servers).with_timeout(LONG).with_attempts(1)
}

/// Settings under which nothing of this machine is read.
pub(crate) fn settings() -> Settings {
    let nowhere = Directory::nowhere();
    Settings::default()
        .resolver_file(nowhere.join("resolv.conf"))
        .hosts_file(nowhere.join("hosts"))
        .services_file(nowhere.join("services"))
        .protocols_file(nowhere.join("protocols"))
}

/// A pump that knows what `config` knows and nothing else.
pub(crate) fn pump(config: ResolverConfig) -> Pump<()> {
    let settings = settings().resolver(config).expect("the configuration is within its limits");
    Pump::with_settings(settings).expect("descriptors are left")
}

/// Turns the pump until `done`, and fails when nothing comes of it.
#[track_caller]
pub(crate) fn turn_until<T>(pump: &mut Pump<T>, what: &str, mut done: impl FnMut(&mut Pump<T>) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done(pump) {
        assert!(Instant::now() < end, "waited in vain: {what}; {pump:?}");
        pump.turn(Budget::wait(GLANCE)).expect("the system's wait works");
    }
}

/// Waits for the final message of a host lookup.
#[track_caller]
pub(crate) fn outcome<T>(pump: &mut Pump<T>, lookup: OperationId) -> Result<Box<Host>, LookupError> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(message) = pump.next_message_for(Filter::any().operation(lookup)) {
            match message.payload {
                Payload::Host(result) => return result,
                Payload::HostPart(_) => continue,
                other => panic!("a host lookup gives no {:?}", other.kind()),
            }
        }
        assert!(Instant::now() < end, "waited in vain for the outcome of a lookup; {pump:?}");
        pump.turn(Budget::wait_until(end)).expect("the system's wait works");
    }
}

/// Starts a lookup for the root window.
#[track_caller]
pub(crate) fn start<T>(pump: &mut Pump<T>, query: HostQuery) -> OperationId {
    let window = pump.root_window();
    pump.lookup_host(window, query).expect("there is room for a lookup")
}

/// Looks one name up.
#[track_caller]
pub(crate) fn look_up<T>(pump: &mut Pump<T>, name: &str) -> Result<Box<Host>, LookupError> {
    let lookup = start(pump, HostQuery::by_name(name));
    outcome(pump, lookup)
}

/// Looks up a name that must not be found, and says why it is not.
#[track_caller]
pub(crate) fn failure<T>(pump: &mut Pump<T>, name: &str) -> LookupFailure {
    look_up(pump, name).expect_err("the lookup fails").failure()
}

/// The addresses of an answer, as text in their order.
pub(crate) fn addresses(host: &Host) -> Vec<String> {
    host.addresses.iter().map(ToString::to_string).collect()
}
