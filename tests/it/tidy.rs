//! What the crate promises of its own source, read from the source.
//!
//! The rules are data, first in the file. A rule that is broken is told with the file, the line and
//! the reason. `architecture` in the crate's documentation tells what they are for.

mod documents;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use source::Source;

/// Modules that stand at one height.
struct Floor {
    name: &'static str,
    modules: &'static [&'static str],
    /// The floors that its modules may import from.
    sees: &'static [&'static str],
}

/// Who may import whom. A floor that sees itself is one whose modules know each other.
const FLOORS: &[Floor] = &[
    Floor {
        name: "0",
        modules: &[
            "adapter",
            "connect",
            "error",
            "external",
            "file_report",
            "files",
            "id",
            "line",
            "lookup",
            "message",
            "metrics",
            "moment",
            "network",
            "provider",
            "rings",
            "scoped_address",
            "slots",
            "sync",
            "tcp_stream",
            "timer",
            "watch",
        ],
        sees: &["0"],
    },
    Floor { name: "1", modules: &["dns", "names", "queue", "timers"], sees: &["0"] },
    Floor { name: "2", modules: &["operation"], sees: &["0", "1"] },
    Floor { name: "3", modules: &["engine"], sees: &["0", "1", "2"] },
    Floor { name: "3'", modules: &["reactor", "simulation", "system"], sees: &["0", "3'"] },
    Floor { name: "4", modules: &["pump"], sees: &["0", "1", "2", "3", "3'"] },
    // As third parties: through what the roof gives out.
    Floor { name: "5", modules: &["dispatcher", "guide", "wbem", "winsock"], sees: &["roof"] },
    Floor { name: "roof", modules: &["lib"], sees: &["0", "1", "2", "3", "3'", "4", "5"] },
];

/// Imports that the floors forbid and that have a reason: who, whom, why.
const EXCEPTIONS: &[(&str, &str, &str)] =
    &[("simulation", "pump", "its front door makes the pumps that play on the stage")];

/// Words that only some files may say.
struct Reserved {
    words: &'static [&'static str],
    /// Beginnings of paths.
    only_in: &'static [&'static str],
    reason: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        words: &["mio"],
        only_in: &["src/reactor/", "src/tcp_stream.rs"],
        reason: "another readiness interface must be a change of one folder",
    },
    Reserved {
        words: &[
            "Instant::now",
            "SystemTime::now",
            "std::fs",
            "std::env",
            "getrandom",
            "UdpSocket",
            "net::TcpStream",
            "TcpListener",
        ],
        only_in: &[
            "src/reactor/",
            "src/system.rs",
            "src/tcp_stream.rs",
            "src/wbem/linux/",
            "src/winsock/native/windows.rs",
        ],
        reason: "the floors below are pure: what is outside comes in as an argument",
    },
    Reserved {
        words: &["rustix"],
        only_in: &["src/reactor/", "src/system.rs", "src/tcp_stream.rs", "src/wbem/linux/", "src/winsock/native/"],
        reason: "the floors below are pure; the Winsock layer has sockets of its own, in one folder",
    },
    Reserved {
        words: &["slotmap"],
        only_in: &[
            "src/engine/",
            "src/id.rs",
            "src/network.rs",
            "src/operation/",
            "src/reactor/",
            "src/simulation/",
            "src/slots.rs",
        ],
        reason: "keys stay in the tables, programs hold ids",
    },
    Reserved { words: &["unsafe"], only_in: &[], reason: "what needs it is in the crate msgpump-sys" },
    Reserved {
        words: &["thread::spawn", "thread::Builder", "thread::scope"],
        only_in: &[],
        reason: "no hidden threads",
    },
    Reserved { words: &["thread::sleep"], only_in: &[], reason: "only the reactor waits, for readiness" },
    Reserved {
        words: &["RefCell"],
        only_in: &["src/wbem/"],
        reason: "no borrow can be held across the program's code",
    },
    Reserved {
        words: &[".unwrap()", "todo!", "unimplemented!", "dbg!"],
        only_in: &[],
        reason: "an invariant deserves an `expect` that states it",
    },
    Reserved {
        words: &["print!", "println!", "eprint!", "eprintln!", "env_logger"],
        only_in: &[],
        reason: "a library speaks to its program's logger and to nobody else",
    },
];

/// The one place outside of the doors that may read the clock.
const CLOCK_OF_THE_STAGE: &str = "src/simulation/world.rs";

/// Lines of code in a file, those of tests, comments and empty ones not counted.
const FILE_LINES_MAX: usize = 500;

/// Lines of a function, all counted.
const FUNCTION_LINES_MAX: usize = 60;

fn floor_of(module: &str) -> Option<&'static Floor> {
    FLOORS.iter().find(|floor| floor.modules.contains(&module))
}

/// Fails with all that is wrong, a line each.
fn assert_none(broken: impl IntoIterator<Item = String>) {
    let broken: Vec<_> = broken.into_iter().collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn imports_go_downwards() {
    let mut broken = Vec::new();
    let mut unused: BTreeSet<_> = EXCEPTIONS.iter().map(|&(from, to, _)| (from, to)).collect();
    let sources = Source::all();
    for source in &sources {
        let from = source.module();
        let Some(floor) = floor_of(from) else {
            broken.push(format!("{}: the module {from} has no floor", source.path));
            continue;
        };
        for (line, to) in source.imports().into_iter().filter(|&(_, to)| to != from) {
            let is_seen = floor_of(to).is_some_and(|target| floor.sees.contains(&target.name));
            let is_exception = EXCEPTIONS.iter().any(|&(who, whom, _)| (who, whom) == (from, to));
            if is_exception {
                unused.retain(|&edge| edge != (from, to));
            } else if !is_seen {
                let target = floor_of(to).map_or("none", |target| target.name);
                broken.push(format!(
                    "{}:{line}: {from} (floor {}) imports {to} (floor {target}); it sees floors {:?}",
                    source.path, floor.name, floor.sees
                ));
            }
        }
    }
    broken.extend(unused.iter().map(|(who, whom)| format!("{who} -> {whom} is excepted from the floors in vain")));
    assert_none(broken);
}

#[test]
fn every_module_says_on_which_floor_it_stands() {
    let sources = Source::all();
    let doors: Vec<_> = sources.iter().filter(|source| source.is_front_door() && source.module() != "lib").collect();
    assert_none(doors.iter().filter_map(|source| {
        let floor = floor_of(source.module())?.name;
        let says = source.text.lines().any(|line| line.starts_with(&format!("//! Floor {floor}.")));
        (!says).then(|| format!("{}:1: its first lines do not say \"Floor {floor}.\"", source.path))
    }));
    let here: BTreeSet<_> = doors.iter().map(|source| source.module()).collect();
    let placed = FLOORS.iter().flat_map(|floor| floor.modules).filter(|&&module| module != "lib");
    assert_none(placed.filter(|module| !here.contains(*module)).map(|module| format!("there is no module {module}")));
}

#[test]
fn words_are_said_only_where_they_belong() {
    let mut broken = Vec::new();
    for source in &Source::all() {
        for Reserved { words, only_in, reason } in RESERVED {
            if only_in.iter().any(|start| source.path.starts_with(start)) {
                continue;
            }
            for word in *words {
                let excused = *word == "Instant::now" && source.path == CLOCK_OF_THE_STAGE;
                let lines = source.lines_with(word).filter(|_| !excused);
                broken.extend(lines.map(|line| format!("{}:{line}: says {word}: {reason}", source.path)));
            }
        }
    }
    assert_none(broken);
}

#[test]
fn files_and_functions_are_short() {
    let mut broken = Vec::new();
    for source in &Source::all() {
        let lines = source.code_lines();
        if lines > FILE_LINES_MAX {
            broken.push(format!("{}: {lines} lines of code, more than {FILE_LINES_MAX}", source.path));
        }
        let functions = source.functions();
        let long = functions.iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
        broken.extend(long.map(|function| {
            let (path, line) = (&source.path, function.line);
            format!("{path}:{line}: {} has {} lines, more than {FUNCTION_LINES_MAX}", function.name, function.lines)
        }));
    }
    assert_none(broken);
}

#[test]
fn every_file_opens_with_what_it_is() {
    let sources = Source::all();
    let silent = sources.iter().filter(|source| !source.text.starts_with("//! "));
    assert_none(silent.map(|source| format!("{}:1: no headline", source.path)));
}
