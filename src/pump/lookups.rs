//! Lookups, and the files that they are answered from.

use std::fmt;
use std::path::PathBuf;

use super::Pump;
use crate::dns::config::file::Environment;
use crate::dns::config::{ResolverConfig, ResolverConfigError};
use crate::error::StartError;
use crate::file_report::FileReport;
use crate::files::Files;
use crate::id::{OperationId, Owner};
use crate::lookup::{HostQuery, ProtocolQuery, ServiceQuery};
use crate::moment::Moment;
use crate::network::Network;

use super::adapters::Adapters;
use super::name_files::{Change, CheckTimes, NameFile};
use super::outside::Outside;
use super::settings::Settings;

/// The files that lookups are configured with.
pub(super) struct NameFiles {
    hosts: NameFile,
    services: NameFile,
    protocols: NameFile,
    resolver: ResolverSource,
    /// What the settings name in place of the machine's own resolver file.
    resolver_file: Option<PathBuf>,
    times: CheckTimes,
}

/// What says how name servers are asked.
enum ResolverSource {
    /// The program, once and for all.
    Program,
    File {
        file: NameFile,
        report: FileReport,
    },
    Adapters(Adapters),
}

impl ResolverSource {
    fn of_machine(file: Option<PathBuf>, outside: &Outside) -> ResolverSource {
        match file.or_else(|| outside.resolver_file()) {
            Some(path) => ResolverSource::File { file: NameFile::new(path), report: FileReport::default() },
            None => ResolverSource::Adapters(Adapters::default()),
        }
    }
}

/// What was read of one of the files that lookups are configured with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStatus {
    /// Where it was looked for.
    pub path: PathBuf,
    /// What it held; empty if it was never there.
    pub report: FileReport,
    /// Why it could not be read when last looked at. What was read before still counts. That it is not there is
    /// no problem.
    pub problem: Option<String>,
}

impl NameFiles {
    pub(super) fn new(settings: &Settings, outside: &Outside) -> NameFiles {
        let file = |path: &Option<PathBuf>, name| {
            NameFile::new(path.clone().unwrap_or_else(|| outside.configuration_file(name)))
        };
        let resolver_file = settings.resolver_file.clone();
        let resolver = match settings.resolver {
            Some(_) => ResolverSource::Program,
            None => ResolverSource::of_machine(resolver_file.clone(), outside),
        };
        NameFiles {
            hosts: file(&settings.hosts_file, "hosts"),
            services: file(&settings.services_file, "services"),
            protocols: file(&settings.protocols_file, "protocols"),
            resolver,
            resolver_file,
            times: CheckTimes::default(),
        }
    }
}

impl<T> Pump<T> {
    /// Starts a host lookup, by name or by address.
    ///
    /// Asked in order: the text itself, where it is an address; the hosts file; names with a meaning of
    /// their own (`localhost`); the name servers. It ends with one [`Payload::Host`](crate::Payload::Host)
    /// message; a [`streamed`](HostQuery::streamed) one gives each address family before, as a
    /// [`Payload::HostPart`](crate::Payload::HostPart).
    ///
    /// # Cancellation
    ///
    /// Closes its socket and frees its place at once. Others that wait for the same name are not touched.
    ///
    /// # Errors
    ///
    /// The query comes back when its owner is not open, and when as many lookups wait in line as may
    /// ([`ResolverConfig::with_waiting_max`]). A malformed name is told in the message.
    ///
    /// # Cost
    ///
    /// Nothing blocks and no thread is started. Once a second at most, the files are asked for a change. On
    /// Windows the network adapters are asked as well, once in five seconds: that takes a millisecond or two.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{HostQuery, Payload, Pump};
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// pump.lookup_host(window, HostQuery::by_name("localhost"))?;
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// let Payload::Host(Ok(host)) = message.payload else { panic!("{message:?}") };
    /// assert!(host.addresses.iter().all(|address| address.is_loopback()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lookup_host(
        &mut self,
        owner: impl Into<Owner>,
        query: HostQuery,
    ) -> Result<OperationId, StartError<HostQuery>> {
        let now = self.now();
        self.refresh_names(now);
        let started = self.engine.start_host_lookup(owner.into(), query.clone(), now, &mut self.outside);
        started.map_err(|refusal| StartError::new(looking_up("", &query), query, refusal))
    }

    /// Starts a service lookup, by name or by port: one [`Payload::Service`](crate::Payload::Service)
    /// message.
    ///
    /// Answered by the machine's services file; where there is none, by a built-in table of registered
    /// services. getservbyname(3) and getservbyport(3) without their blocking.
    ///
    /// # Errors
    ///
    /// The query comes back when its owner is not open.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, Pump, ServiceQuery};
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// pump.lookup_service(window, ServiceQuery::by_port(443).protocol("tcp"))?;
    /// let message = pump.next_message().expect("it is answered at once");
    /// assert!(matches!(message.payload, Payload::Service(Ok(service)) if service.name == "https"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lookup_service(
        &mut self,
        owner: impl Into<Owner>,
        query: ServiceQuery,
    ) -> Result<OperationId, StartError<ServiceQuery>> {
        self.refresh_names(self.now());
        let started = self.engine.start_service_lookup(owner.into(), &query);
        started.map_err(|refusal| StartError::new(looking_up("service ", &query), query, refusal))
    }

    /// Starts a protocol lookup, by name or by number: one [`Payload::Protocol`](crate::Payload::Protocol)
    /// message.
    ///
    /// Answered by the machine's protocols file; where there is none, by a built-in table of registered
    /// protocols. getprotobyname(3) and getprotobynumber(3) without their blocking.
    ///
    /// # Errors
    ///
    /// The query comes back when its owner is not open.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, ProtocolQuery, Pump};
    /// let mut pump = Pump::<()>::new()?;
    /// let window = pump.open_window();
    /// pump.lookup_protocol(window, ProtocolQuery::by_name("udp"))?;
    /// let message = pump.next_message().expect("it is answered at once");
    /// assert!(matches!(message.payload, Payload::Protocol(Ok(protocol)) if protocol.number == 17));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lookup_protocol(
        &mut self,
        owner: impl Into<Owner>,
        query: ProtocolQuery,
    ) -> Result<OperationId, StartError<ProtocolQuery>> {
        self.refresh_names(self.now());
        let started = self.engine.start_protocol_lookup(owner.into(), &query);
        started.map_err(|refusal| StartError::new(looking_up("protocol ", &query), query, refusal))
    }

    /// The machine's own name, if it has one; a simulated machine has none.
    pub fn host_name(&self) -> Option<String> {
        self.outside.host_name()
    }

    /// How name servers are asked at the moment.
    pub fn resolver_config(&mut self) -> &ResolverConfig {
        self.refresh_names(self.now());
        self.engine.resolver.config()
    }

    /// Asks name servers as `config` says from now on; with `None` as the machine is configured, or as
    /// [`Settings::resolver_file`] says. Lookups that are under way end as they began.
    ///
    /// # Errors
    ///
    /// Refuses a configuration with a setting outside its limits, and goes on as before.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Pump, ResolverConfig};
    /// let mut pump = Pump::<()>::new()?;
    /// let typed = ResolverConfig::new([([192, 0, 2, 53], 53)]); // a user changes the settings
    /// pump.set_resolver(typed.clone())?;
    /// assert_eq!(pump.resolver_config(), &typed);
    /// pump.set_resolver(None)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_resolver(&mut self, config: impl Into<Option<ResolverConfig>>) -> Result<(), ResolverConfigError> {
        match config.into() {
            Some(config) => {
                config.check()?;
                self.name_files.resolver = ResolverSource::Program;
                self.engine.resolver.set_config(config);
            }
            None => {
                let file = self.name_files.resolver_file.clone();
                self.name_files.resolver = ResolverSource::of_machine(file, &self.outside);
                self.refresh_resolver(self.now());
            }
        }
        Ok(())
    }

    /// What was read of the files that lookups are configured with: hosts, services, protocols, and the
    /// resolver's configuration unless that was made in code or is told by the network adapters (Windows).
    ///
    /// Looks at them first, as a lookup does.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut pump = msgpump::Pump::<()>::new()?;
    /// for file in pump.name_files() {
    ///     let report = file.report;
    ///     println!("{}: {} entries, {} bad lines", file.path.display(), report.entries, report.lines_skipped);
    ///     if let Some(problem) = file.problem {
    ///         println!("{problem}");
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name_files(&mut self) -> Vec<FileStatus> {
        self.refresh_names(self.now());
        let [hosts, services, protocols] = self.engine.resolver.reports();
        let files = &self.name_files;
        let tables = [(&files.hosts, hosts), (&files.services, services), (&files.protocols, protocols)];
        let resolver = match &files.resolver {
            ResolverSource::File { file, report } => Some((file, report.clone())),
            ResolverSource::Program | ResolverSource::Adapters(_) => None,
        };
        let status = |(file, report): (&NameFile, FileReport)| FileStatus {
            path: file.path().to_owned(),
            report,
            problem: file.problem().map(str::to_owned),
        };
        tables.into_iter().chain(resolver).map(status).collect()
    }

    /// Reads the files that have changed, if it is time to look.
    pub(super) fn refresh_names(&mut self, now: Moment) {
        if !self.name_files.times.is_due(now) {
            return;
        }
        let (files, resolver) = (&mut self.name_files, &mut self.engine.resolver);
        match files.hosts.look(&self.outside) {
            Change::Unchanged => {}
            Change::Gone => resolver.set_hosts(None, &self.outside),
            Change::Text(text) => resolver.set_hosts(Some(text), &self.outside),
        }
        match files.services.look(&self.outside) {
            Change::Unchanged => {}
            Change::Gone => resolver.set_services(None),
            Change::Text(text) => resolver.set_services(Some(&text)),
        }
        match files.protocols.look(&self.outside) {
            Change::Unchanged => {}
            Change::Gone => resolver.set_protocols(None),
            Change::Text(text) => resolver.set_protocols(Some(&text)),
        }
        self.refresh_resolver(now);
    }

    /// Takes over what now says how name servers are asked, where that has changed.
    fn refresh_resolver(&mut self, now: Moment) {
        let (outside, resolver) = (&self.outside, &mut self.engine.resolver);
        let config = match &mut self.name_files.resolver {
            ResolverSource::Program => None,
            ResolverSource::Adapters(adapters) => {
                adapters.look(now, || outside.machine_names()).map(ResolverConfig::from_adapters)
            }
            ResolverSource::File { file, .. } if file.is_known() && resolver.config().no_reload() => None,
            ResolverSource::File { file, report } => match file.look(outside) {
                Change::Unchanged => None,
                Change::Gone => Some(read_config(&[], outside, report)),
                Change::Text(text) => Some(read_config(&text, outside, report)),
            },
        };
        if let Some(config) = config {
            log::debug!("resolver configuration: name servers {:?}", config.servers());
            resolver.set_config(config);
        }
    }
}

/// What a lookup attempts. Quoted: a name from elsewhere may hold what a terminal obeys.
fn looking_up(kind: &str, query: &impl fmt::Display) -> String {
    format!("looking up {kind}{:?}", query.to_string())
}

/// Reads the text of a resolver file, as the environment amends it.
fn read_config(text: &[u8], outside: &Outside, report: &mut FileReport) -> ResolverConfig {
    let environment = Environment {
        localdomain: outside.environment("LOCALDOMAIN"),
        res_options: outside.environment("RES_OPTIONS"),
    };
    let zone = |name: &str| outside.interface_index(name);
    let (config, read) = ResolverConfig::from_text(text, &environment, outside.host_name().as_deref(), &zone);
    *report = read;
    config
}
