//! Shows the six kinds of lookups: questions in, one line for each message as it comes.
//!
//! `cargo run --example lookup -- --help` tells what it takes.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lexopt::prelude::*;
use msgpump::{
    Host, HostQuery, OperationId, Payload, ProtocolQuery, Pump, ResolverConfig, ServiceQuery, Settings, Timer, WindowId,
};

const HELP: &str = "\
Looks names up, all at the same time, and prints each answer as it comes.

usage: lookup [options] [question...]

A question is a host name, an address, SERVICE/PROTOCOL, PORT/PROTOCOL,
PROTOCOL, or a protocol NUMBER. Without any, a list that every machine answers.

  --server ADDR[:PORT]   ask this name server (may be repeated)
  --hosts FILE           read this hosts file
  --resolv-conf FILE     read this resolver configuration
  --stream               print each address family as it arrives
  --cancel-after MS      cancel what is left after MS milliseconds
  --help                 print this

Ctrl-C cancels all. Exit status: 0 all answered, 1 some failed, 2 bad usage, 130 cancelled.";

/// What other threads post.
enum App {
    CtrlC,
}

struct Options {
    settings: Settings,
    stream: bool,
    cancel_after: Option<Duration>,
    questions: Vec<String>,
}

fn main() -> ExitCode {
    env_logger::init();
    match parse().map(|options| options.map(run)) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(Ok(code))) => code,
        Ok(Some(Err(error))) | Err(error) => {
            eprintln!("lookup: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut pump = Pump::<App>::with_settings(options.settings)?;
    for file in pump.name_files() {
        if let Some(problem) = file.problem {
            eprintln!("lookup: {problem}");
        }
    }
    let window = pump.open_window();
    let poster = pump.poster();
    ctrlc::set_handler(move || drop(poster.post(window, App::CtrlC)))?;

    let started = Instant::now();
    let mut questions = HashMap::new();
    for question in &options.questions {
        questions.insert(start(&mut pump, window, question, options.stream)?, question.as_str());
    }
    let limit = match options.cancel_after {
        Some(delay) => Some(pump.set_timer(window, Timer::once(delay))?),
        None => None,
    };
    let mut code = ExitCode::SUCCESS;
    while !questions.is_empty() {
        let Some(message) = pump.get_message()? else { break };
        let question = message.operation.and_then(|id| questions.get(&id)).copied().unwrap_or_default();
        match message.payload {
            Payload::Posted(App::CtrlC) => break,
            Payload::Tick(_) if message.operation == limit => break,
            Payload::HostPart(part) => {
                println!("{question}: {:?} {}, from {}", part.family, list(&part.addresses), part.source);
                continue;
            }
            payload => {
                let time = started.elapsed();
                match describe(payload) {
                    Ok(answer) => println!("{question}: {answer}, {:.1} ms", time.as_secs_f64() * 1e3),
                    Err(error) => {
                        println!("{question}: FAILED: {error}, {:.1} ms", time.as_secs_f64() * 1e3);
                        code = ExitCode::FAILURE;
                    }
                }
            }
        }
        if let Some(id) = message.operation {
            questions.remove(&id);
        }
    }
    for (id, question) in questions {
        println!("{question}: cancelled, {}", pump.cancel(id));
        code = ExitCode::from(130);
    }
    Ok(code)
}

/// Starts the lookup that the form of the question asks for.
fn start(
    pump: &mut Pump<App>,
    window: WindowId,
    question: &str,
    stream: bool,
) -> Result<OperationId, Box<dyn std::error::Error>> {
    if let Ok(address) = question.parse::<IpAddr>() {
        return Ok(pump.lookup_host(window, HostQuery::by_address(address))?);
    }
    if let Some((service, protocol)) = question.split_once('/') {
        let query = match service.parse::<u16>() {
            Ok(port) => ServiceQuery::by_port(port),
            Err(_) => ServiceQuery::by_name(service),
        };
        return Ok(pump.lookup_service(window, query.protocol(protocol))?);
    }
    if question.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(pump.lookup_protocol(window, ProtocolQuery::by_name(question))?);
    }
    if ["ip", "icmp", "tcp", "udp", "ipv6", "ipv6-icmp", "sctp"].contains(&question) {
        return Ok(pump.lookup_protocol(window, ProtocolQuery::by_name(question))?);
    }
    let query = HostQuery::by_name(question);
    Ok(pump.lookup_host(window, if stream { query.streamed() } else { query })?)
}

/// Says in words what a final message tells.
fn describe(payload: Payload<App>) -> Result<String, Box<dyn std::error::Error>> {
    Ok(match payload {
        Payload::Host(result) => {
            let host = result?;
            let ttl = host.ttl.map(|ttl| format!(", ttl {} s", ttl.as_secs())).unwrap_or_default();
            let addresses = scoped(&host);
            format!("{}{} {addresses}{ttl}, from {}", host.canonical_name, also(&host.aliases), host.source)
        }
        Payload::Service(result) => {
            let service = result?;
            let (name, also, port) = (service.name, also(&service.aliases), service.port);
            format!("{name}{also} {port}/{}, from {}", service.protocol, service.source)
        }
        Payload::Protocol(result) => {
            let protocol = result?;
            format!("{}{} {}, from {}", protocol.name, also(&protocol.aliases), protocol.number, protocol.source)
        }
        other => format!("unexpected {:?}", other.kind()),
    })
}

fn also(aliases: &[String]) -> String {
    if aliases.is_empty() { String::new() } else { format!(" (also {})", aliases.join(", ")) }
}

/// The addresses, with the zones of link-local ones.
fn scoped(host: &Host) -> String {
    let with_zone = |address: SocketAddr| match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        other => other.ip().to_string(),
    };
    host.socket_addresses(0).map(with_zone).collect::<Vec<_>>().join(" ")
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
}

fn parse() -> Result<Option<Options>, Box<dyn std::error::Error>> {
    let mut settings = Settings::default();
    let (mut servers, mut questions) = (Vec::new(), Vec::new());
    let (mut stream, mut cancel_after) = (false, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("server") => servers.push(server(&arguments.value()?.string()?)?),
            Long("hosts") => settings = settings.hosts_file(file(arguments.value()?)?),
            Long("resolv-conf") => settings = settings.resolver_file(file(arguments.value()?)?),
            Long("stream") => stream = true,
            Long("cancel-after") => {
                let delay = arguments.value()?.parse().map_err(|error| format!("--cancel-after: {error}"))?;
                cancel_after = Some(Duration::from_millis(delay));
            }
            Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            Value(question) => questions.push(question.string()?),
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    if !servers.is_empty() {
        settings = settings.resolver(ResolverConfig::new(servers))?;
    }
    if questions.is_empty() {
        questions = ["localhost", "127.0.0.1", "::1", "https/tcp", "53/udp", "tcp", "17"].map(String::from).to_vec();
    }
    Ok(Some(Options { settings, stream, cancel_after, questions }))
}

/// A file that is named has to be there: one that is not is as good as empty to the pump.
fn file(path: OsString) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.exists() { Ok(path) } else { Err(format!("there is no file {}", path.display())) }
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)));
    address.map_err(|_| format!("--server {text:?}: write an address, with :PORT if it is not 53"))
}
