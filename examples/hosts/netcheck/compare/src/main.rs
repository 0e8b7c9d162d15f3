//! Looks up all hosts of a list, so many at a time, and writes a CSV: as netcheck does on the command line, on tokio and
//! hickory-resolver.
//!
//! It is written as their documentation has it. Of the resolver's settings those are set that netcheck has otherwise: no
//! cache, no hosts file, both address families at a time, and where they are given the time and number of attempts.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use indicatif::{ProgressBar, ProgressStyle};
use lexopt::prelude::*;
use serde::Serialize;

/// A row as netcheck writes it.
#[derive(Serialize)]
struct Row {
    line: usize,
    host: String,
    state: &'static str,
    name: Option<String>,
    addresses: String,
    milliseconds: f64,
    problem: Option<String>,
}

struct Arguments {
    list: PathBuf,
    csv: PathBuf,
    server: SocketAddr,
    timeout: Option<Duration>,
    attempts: Option<usize>,
    parallel: usize,
    threads: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = parse()?;
    let runtime = match arguments.threads {
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        threads => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    let rows = runtime.block_on(check_all(&arguments))?;
    let mut csv = csv::Writer::from_path(&arguments.csv)?;
    for row in &rows {
        csv.serialize(row)?;
    }
    csv.flush()?;
    let found = rows.iter().filter(|row| row.state == "found").count();
    eprintln!("{} rows: {} failed, {found} found", rows.len(), rows.len() - found);
    Ok(())
}

async fn check_all(arguments: &Arguments) -> Result<Vec<Row>, Box<dyn Error>> {
    let text = std::fs::read_to_string(&arguments.list)?;
    let lines: Vec<(usize, String)> = text.lines().zip(1..).map(|(line, number)| (number, line.to_string())).collect();
    let resolver = resolver(arguments)?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {per_sec} {eta}")?;
    let bar = ProgressBar::new(lines.len() as u64).with_style(style);
    let mut checks = stream::iter(lines)
        .map(|(line, host)| {
            let check = check(resolver.clone(), line, host);
            // On several threads each check is a task; on one thread they are polled in place, which costs less.
            async move { if arguments.threads == 1 { Ok(check.await) } else { tokio::spawn(check).await } }
        })
        .buffer_unordered(arguments.parallel);
    let (mut rows, mut shown) = (Vec::new(), Instant::now());
    while let Some(row) = checks.next().await {
        rows.push(row?);
        if shown.elapsed() >= Duration::from_millis(50) {
            shown = Instant::now();
            bar.set_position(rows.len() as u64);
        }
    }
    bar.finish_and_clear();
    rows.sort_unstable_by_key(|row| row.line);
    Ok(rows)
}

async fn check(resolver: TokioResolver, line: usize, host: String) -> Row {
    let since = Instant::now();
    let answer = resolver.lookup_ip(host.as_str()).await;
    let milliseconds = since.elapsed().as_secs_f64() * 1e3;
    match answer {
        Ok(found) => {
            let addresses = found.iter().map(|address: IpAddr| address.to_string()).collect::<Vec<_>>().join(" ");
            Row { line, host, state: "found", name: None, addresses, milliseconds, problem: None }
        }
        Err(error) => {
            let problem = Some(error.to_string());
            Row { line, host, state: "failed", name: None, addresses: String::new(), milliseconds, problem }
        }
    }
}

fn resolver(arguments: &Arguments) -> Result<TokioResolver, Box<dyn Error>> {
    let mut connection = ConnectionConfig::udp();
    connection.port = arguments.server.port();
    let server = NameServerConfig::new(arguments.server.ip(), true, vec![connection]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = arguments.timeout.unwrap_or(options.timeout);
    if let Some(attempts) = arguments.attempts {
        // Netcheck counts how often a server is asked, hickory how often it is asked again.
        options.attempts = attempts.saturating_sub(1);
    }
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    // Or it refuses what is more than its own bound.
    options.max_active_requests = 2 * arguments.parallel;
    Ok(builder.build()?)
}

fn parse() -> Result<Arguments, Box<dyn Error>> {
    let mut arguments = Arguments {
        list: PathBuf::new(),
        csv: PathBuf::new(),
        server: ([127, 0, 0, 1], 53).into(),
        timeout: None,
        attempts: None,
        parallel: 256,
        threads: 1,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("list") => arguments.list = parser.value()?.into(),
            Long("csv") => arguments.csv = parser.value()?.into(),
            Long("server") => arguments.server = parser.value()?.parse()?,
            Long("timeout") => arguments.timeout = Some(Duration::from_secs_f64(parser.value()?.parse()?)),
            Long("attempts") => arguments.attempts = Some(parser.value()?.parse()?),
            Long("parallel") => arguments.parallel = parser.value()?.parse()?,
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(arguments)
}
