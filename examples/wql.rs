//! Shows queries: asks the machine in WQL and prints rows as they arrive, also those of events.
//!
//! `cargo run --example wql -- "SELECT Name, ProcessId FROM Win32_Process WHERE Name LIKE '%sh%'"`

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use msgpump::wbem::wql::{EventQuery, Query, SelectList};
use msgpump::wbem::{Flags, Object, Received, Server, Services, Sink, SinkEvent, Value as Cim, WbemError, WbemStatus};
use msgpump::{Payload, Pump, Timer};

const HELP: &str = "\
Asks the machine in WQL and prints the rows as they arrive.

usage: wql [options] QUERY
       wql --classes
       wql --describe CLASS

  --format FORMAT   table (by default), list, csv, json or mof
  --watch           the query is one for events, which mostly is seen from itself: prints them until Ctrl-C
  --timeout MS      cancels after MS milliseconds
  --explain         tells which providers are asked, for what, and how many rows they gave
  --namespace NAME  asks this namespace instead of ROOT\\CIMV2
  --classes         lists the classes
  --describe CLASS  prints a class in MOF
  --help            prints this

Exit status: 0 done, 1 the query failed, 2 bad usage, 130 cancelled.";

/// Where the machine's classes are.
const NAMESPACE: &str = r"ROOT\CIMV2";

/// How long the first rows are gathered before they are printed.
const FIRST_LOOK: Duration = Duration::from_millis(50);

/// How wide a column of the table is at most: what is longer moves the rest of its own line.
const WIDTH_MAX: usize = 60;

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Table,
    List,
    Csv,
    Json,
    Mof,
}

enum Request {
    Query { text: String, watch: bool, explain: bool, timeout: Option<Duration> },
    Classes,
    Describe(String),
}

struct Options {
    request: Request,
    format: Format,
    namespace: String,
}

fn main() -> ExitCode {
    env_logger::init();
    match parse().map(|options| options.map(run)) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(Ok(code))) => code,
        Ok(Some(Err(error))) => {
            if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS; // whoever reads, `head` for one, has enough
            }
            match error.downcast_ref::<WbemError>() {
                Some(error) => report(error),
                None => eprintln!("wql: {error}"),
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("wql: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    let mut pump = Pump::<()>::new()?; // what is posted is only ever Ctrl-C
    let server = Server::new(&mut pump);
    provide(&server)?;
    let services = server.connect(&mut pump, &options.namespace)?;
    match options.request {
        Request::Query { text, watch, explain, timeout } => {
            let watch = watch || is_of_events(&mut pump, &services, &text);
            let mut printer = Printer::new(options.format, system_names(&text));
            if explain {
                print_explanation(&services, &text)?;
            }
            ask(&mut pump, &services, &mut printer, &Asked { text, watch, explain, timeout })
        }
        Request::Classes => {
            let mut classes = services.create_class_enum(&mut pump, "", Flags::NONE)?;
            for class in classes.collect(&mut pump)? {
                writeln!(io::stdout(), "{}", class.class().name())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Request::Describe(class) => {
            let text = services.get_object(&mut pump, &class, Flags::NONE)?.object_text();
            write!(io::stdout(), "{}", text.trim_start())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whether a query is one for events: by what only they have, or by the class that it asks for.
fn is_of_events(pump: &mut Pump<()>, services: &Services, text: &str) -> bool {
    let Ok(query) = EventQuery::parse(text) else { return false };
    let mut class = || services.get_object(pump, &query.class.text, Flags::NONE);
    query.within.is_some() || class().is_ok_and(|class| class.class().is_event())
}

/// The system's properties in the list of a query: every row has them, but only those that are asked for are shown.
fn system_names(text: &str) -> Vec<String> {
    let list = match (Query::parse(text), EventQuery::parse(text)) {
        (Ok(Query::Select(query)), _) => query.list,
        (_, Ok(query)) => query.list,
        _ => SelectList::All,
    };
    let SelectList::Properties(names) = list else { return Vec::new() };
    names.iter().map(|name| name.text.to_string()).filter(|name| name.starts_with("__")).collect()
}

/// Registers what there is to ask about.
#[cfg(all(target_os = "linux", feature = "linux"))]
fn provide(server: &Server) -> Result<(), WbemError> {
    use msgpump::wbem::linux::{Machine, register};
    server.set_clock(std::time::SystemTime::now);
    register(server, NAMESPACE, &std::rc::Rc::new(Machine::new()))
}

#[cfg(not(all(target_os = "linux", feature = "linux")))]
fn provide(_: &Server) -> Result<(), WbemError> {
    eprintln!("wql: there are no classes for this machine but the system's");
    Ok(())
}

struct Asked {
    text: String,
    watch: bool,
    explain: bool,
    timeout: Option<Duration>,
}

/// Asks the query, and prints until its final status has come.
fn ask(
    pump: &mut Pump<()>,
    services: &Services,
    printer: &mut Printer,
    asked: &Asked,
) -> Result<ExitCode, Box<dyn Error>> {
    let window = pump.open_window();
    let poster = pump.poster();
    ctrlc::set_handler(move || drop(poster.post(window, ())))?;
    let sink = Sink::new(window);
    if asked.watch {
        let flags = Flags::NONE;
        services.exec_notification_query_async(pump, "WQL", &asked.text, flags, &sink)?;
    } else {
        services.exec_query_async(pump, "WQL", &asked.text, Flags::NONE, &sink)?;
    }
    if let Some(timeout) = asked.timeout {
        pump.set_timer(window, Timer::once(timeout))?;
    }
    // The first rows are waited for a little, so that the columns are as wide as they need.
    let mut early = Vec::new();
    let gathered = pump.set_timer(window, Timer::once(FIRST_LOOK))?;
    let mut is_early = !asked.watch;
    while let Some(received) = services.server().get_message(pump)? {
        match received {
            Received::Sink(message) => match message.event {
                SinkEvent::Indicate(objects) if is_early => early.extend(objects),
                SinkEvent::Indicate(objects) => printer.print(&objects)?,
                SinkEvent::Progress { .. } => {}
                SinkEvent::Status(status) => {
                    printer.print(&early)?;
                    printer.finish()?;
                    if !printer.has_printed && printer.format != Format::Json && !asked.watch && status.result().is_ok()
                    {
                        eprintln!("wql: no rows");
                    }
                    if asked.explain && !asked.watch {
                        eprintln!("{} rows were read, {} kept", status.counts.read, status.counts.kept);
                    }
                    return match status.result() {
                        Ok(_) => Ok(ExitCode::SUCCESS),
                        Err(error) if error.status == WbemStatus::CallCancelled => Ok(ExitCode::from(130)),
                        Err(error) => Err(error.into()),
                    };
                }
            },
            Received::Other(message) if message.operation == Some(gathered) => {
                is_early = false;
                printer.print(&std::mem::take(&mut early))?;
            }
            // Ctrl-C, or the time is over. It may be later than the end, which does no harm.
            Received::Other(message) if matches!(message.payload, Payload::Posted(()) | Payload::Tick(_)) => {
                let _ = services.cancel_async_call(pump, &sink);
            }
            Received::Other(_) => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_explanation(services: &Services, text: &str) -> Result<(), WbemError> {
    let explanation = match services.explain("WQL", text) {
        // Classes are known without asking, and associations lead from one provider to the next.
        Err(error) if error.status == WbemStatus::NotSupported => {
            eprintln!("no provider is asked for classes; associations ask those of their classes one by one");
            return Ok(());
        }
        explained => explained?,
    };
    eprintln!("{}: {} provider(s) will be asked", explanation.class, explanation.providers.len());
    for provider in &explanation.providers {
        let objects = provider.keys.map_or("all objects".to_string(), |keys| format!("{keys} object(s) by their keys"));
        eprintln!("  {}: {objects}", provider.class);
        eprintln!("    needed: {}", provider.properties.join(", "));
        if !provider.bound.is_empty() {
            eprintln!("    told in advance: {}", provider.bound.join(", "));
        }
    }
    Ok(())
}

/// Prints an error, with a caret under what is wrong.
fn report(error: &WbemError) {
    let info = error.info.as_deref();
    let marked = info.and_then(|info| info.parameter.as_deref().zip(info.position));
    if let Some((text, position)) = marked {
        let position = (0..=position.min(text.len())).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(0);
        let (before, after) = text.split_at(position);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after.find('\n').map_or(text.len(), |newline| position + newline);
        // A tab stays a tab, so that the caret is moved as far as the line.
        let indent = text[start..position].chars().map(|letter| if letter == '\t' { '\t' } else { ' ' });
        eprintln!("{}\n{}^", &text[start..end], indent.collect::<String>());
    }
    let description = info.and_then(|info| info.description.as_deref()).unwrap_or(error.status.meaning());
    eprintln!("wql: {} ({:#010x}): {description}", error.status, error.status.number());
}

/// Prints objects as they come.
struct Printer {
    format: Format,
    /// Properties of the system that are shown before the others.
    system: Vec<String>,
    out: BufWriter<io::Stdout>,
    /// Names and widths of the columns, once the first object has come.
    columns: Vec<(String, usize)>,
    has_printed: bool,
}

impl Printer {
    fn new(format: Format, system: Vec<String>) -> Printer {
        Printer { format, system, out: BufWriter::new(io::stdout()), columns: Vec::new(), has_printed: false }
    }

    fn print(&mut self, objects: &[Object]) -> Result<(), Box<dyn Error>> {
        if objects.is_empty() {
            return Ok(());
        }
        if self.columns.is_empty() {
            let shown = objects.first().map(columns).unwrap_or_default();
            let asked = self.system.iter().filter(|name| shown.iter().all(|(known, _)| known != *name));
            self.columns = asked.map(|name| (name.clone(), name.chars().count())).chain(shown.clone()).collect();
        }
        let rows: Vec<Vec<String>> = objects.iter().map(|object| self.cells(object)).collect();
        match self.format {
            Format::Table => self.print_table(&rows)?,
            Format::List => {
                for row in &rows {
                    for ((name, _), cell) in self.columns.iter().zip(row) {
                        writeln!(self.out, "{name}={cell}")?;
                    }
                    writeln!(self.out)?;
                }
            }
            Format::Csv => {
                if !self.has_printed {
                    let names: Vec<_> = self.columns.iter().map(|(name, _)| quoted(name)).collect();
                    writeln!(self.out, "{}", names.join(","))?;
                }
                for row in &rows {
                    let cells: Vec<_> = row.iter().map(|cell| quoted(cell)).collect();
                    writeln!(self.out, "{}", cells.join(","))?;
                }
            }
            Format::Json => {
                for object in objects {
                    write!(
                        self.out,
                        "{}{}",
                        if self.has_printed { ",\n" } else { "[\n" },
                        serde_json::to_string(object)?
                    )?;
                    self.has_printed = true;
                }
            }
            Format::Mof => objects.iter().try_for_each(|object| write!(self.out, "{}", object.object_text()))?,
        }
        self.has_printed = true;
        Ok(self.out.flush()?)
    }

    /// A table whose columns are as wide as what has come so far.
    fn print_table(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        for row in rows {
            for ((_, width), cell) in self.columns.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count().min(WIDTH_MAX));
            }
        }
        let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let lines: Vec<String> = self.columns.iter().map(|(_, width)| "-".repeat(*width)).collect();
        let heads = [names, lines];
        let heads = heads.iter().filter(|_| !self.has_printed);
        for row in heads.chain(rows) {
            let mut line = String::new();
            for ((_, width), cell) in self.columns.iter().zip(row) {
                line += &format!("{cell:width$}  ");
            }
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.format == Format::Json {
            writeln!(self.out, "{}", if self.has_printed { "\n]" } else { "[]" })?;
        }
        self.out.flush()
    }

    /// The values of an object, one for each column, each in one line.
    fn cells(&self, object: &Object) -> Vec<String> {
        let cell = |name: &str| object.get(name).map_or_else(String::new, |value| text(&value));
        self.columns.iter().map(|(name, _)| cell(name)).collect()
    }
}

/// The columns of an object like this one, as wide as their names.
fn columns(object: &Object) -> Vec<(String, usize)> {
    let names: Vec<String> = match object {
        Object::Class(_) => ["__CLASS", "__SUPERCLASS"].map(String::from).into(),
        Object::Instance(instance) => {
            let properties = instance.class().properties().iter();
            let names = properties.map(|property| property.name.to_string());
            // Every event has these, and they tell little.
            let dull = ["SECURITY_DESCRIPTOR", "TIME_CREATED"];
            let mut names: Vec<_> =
                names.filter(|name| !instance.class().is_event() || !dull.contains(&&**name)).collect();
            if instance.class().is_event() {
                names.insert(0, "__CLASS".into());
            }
            names
        }
    };
    names.into_iter().map(|name| (name.clone(), name.chars().count())).collect()
}

/// A value in one line; an embedded object is its path.
fn text(value: &Cim) -> String {
    let text = match value.as_object() {
        Some(object) => object.relative_path().map_or_else(|| value.to_string(), |path| path.to_string()),
        None => value.to_string(),
    };
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A cell of a CSV file.
fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_string() }
}

fn parse() -> Result<Option<Options>, Box<dyn Error>> {
    let (mut query, mut classes, mut describe) = (None, false, None);
    let (mut watch, mut explain, mut timeout) = (false, false, None);
    let (mut format, mut namespace) = (Format::Table, NAMESPACE.to_string());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("format") => {
                format = match &*parser.value()?.string()? {
                    "table" => Format::Table,
                    "list" => Format::List,
                    "csv" => Format::Csv,
                    "json" => Format::Json,
                    "mof" => Format::Mof,
                    other => return Err(format!("there is no format {other}: table, list, csv, json or mof").into()),
                }
            }
            Long("watch") => watch = true,
            Long("timeout") => {
                let limit = parser.value()?.parse().map_err(|error| format!("--timeout: {error}"))?;
                timeout = Some(Duration::from_millis(limit));
            }
            Long("explain") => explain = true,
            Long("namespace") => namespace = parser.value()?.string()?,
            Long("classes") => classes = true,
            Long("describe") => describe = Some(parser.value()?.string()?),
            Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            Value(text) if query.is_none() => query = Some(text.string()?),
            other => return Err(format!("{}, try --help", other.unexpected()).into()),
        }
    }
    let request = match (query, classes, describe) {
        (Some(text), false, None) => Request::Query { text, watch, explain, timeout },
        (None, true, None) => Request::Classes,
        (None, false, Some(class)) => Request::Describe(class),
        _ => return Err("one query, --classes or --describe is needed; --help tells more".into()),
    };
    Ok(Some(Options { request, format, namespace }))
}
