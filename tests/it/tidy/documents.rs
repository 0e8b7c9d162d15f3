//! What the documents say of the source, compared with the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use msgpump::ResolverConfig;

use super::source::Source;
use super::{FLOORS, assert_none, read};

/// Rows of the README's table of limits, and the lines of the source that they repeat.
const LIMITS: &[(&str, &str, &[&str])] = &[
    ("| posts that wait in the queue | 10,000 |", "src/pump/settings.rs", &["QUEUE_CAPACITY: usize = 10_000;"]),
    (
        "| operations, windows and groups at a time | 16,777,215 each |",
        "src/id.rs",
        &["SLOTS_MAX: usize = (1 << SLOT_BITS) - 1;", "SLOT_BITS: u32 = 24;"],
    ),
    ("| messages in a row while a tick is due | 64 |", "src/engine/select.rs", &["POSTS_IN_A_ROW_MAX: usize = 64;"]),
    ("| things that one turn takes over | 1,024 |", "src/pump/turn.rs", &["MESSAGES_PER_TURN: usize = 1024;"]),
    (
        "| slices of streams that one turn asks for | 64, for 1 ms |",
        "src/pump/turn.rs",
        &["SLICES_PER_TURN_MAX: usize = 64;", "SLICES_TIME_MAX: Duration = Duration::from_millis(1);"],
    ),
    (
        "| items in a batch of a stream | 64, at most 65,536 |",
        "src/provider.rs",
        &["BATCH: usize = 64;", "BATCH_MAX: usize = 65_536;"],
    ),
    ("| batches of a stream that wait to be taken | 4 |", "src/provider.rs", &["CREDIT: usize = 4;"]),
    (
        "| a stream that asks to be asked again | in 1 ms at the soonest |",
        "src/operation/stream.rs",
        &["AGAIN_MIN: Duration = Duration::from_millis(1);"],
    ),
    ("| time for a connect, lookup and all | 30 s |", "src/connect.rs", &["Duration = Duration::from_secs(30);"]),
    (
        "| addresses that one connect tries | 64, 250 ms apart |",
        "src/operation/connect/mod.rs",
        &["ATTEMPTS_MAX: usize = 64;", "ATTEMPT_DELAY: Duration = Duration::from_millis(250);"],
    ),
    (
        "| wait for the other family's addresses | 50 ms |",
        "src/operation/connect/mod.rs",
        &["RESOLUTION_DELAY: Duration = Duration::from_millis(50);"],
    ),
    ("| accepted connections that wait to be taken | 64 |", "src/connect.rs", &["ACCEPTED_MAX: usize = 64;"]),
    ("| connections that the system keeps until then (Unix) | 4,096,", "src/reactor/mod.rs", &["BACKLOG: i32 = 4096;"]),
    (
        "| pause of a listener without descriptors | 100 ms |",
        "src/operation/listener.rs",
        &["ACCEPT_PAUSE: Duration = Duration::from_millis(100);"],
    ),
    ("| 256, at most 4,096 |", "src/dns/config.rs", &["LOOKUPS_IN_FLIGHT_MAX: usize = 4096;"]),
    ("| 10,000, at most 1,000,000 |", "src/dns/config.rs", &["WAITING_MAX: usize = 1_000_000;"]),
    ("| name servers | 8, of a file the first 3 |", "src/dns/config.rs", &["SERVERS_MAX: usize = 8;"]),
    ("| name servers | 8, of a file the first 3 |", "src/dns/config/file.rs", &["FILE_SERVERS_MAX: usize = 3;"]),
    ("| search domains | 32 |", "src/dns/config.rs", &["SEARCH_MAX: usize = 32;"]),
    ("| 5 s, at most 30 s |", "src/dns/config.rs", &["TIMEOUT_MAX: Duration = Duration::from_secs(30);"]),
    ("| 2, at most 5 |", "src/dns/config.rs", &["ATTEMPTS_MAX: u32 = 5;"]),
    ("| aliases (CNAME) followed | 16 |", "src/dns/message/reply.rs", &["CNAME_HOPS_MAX: usize = 16;"]),
    ("| 1,232 bytes |", "src/dns/message.rs", &["EDNS_PAYLOAD_BYTES: u16 = 1232;"]),
    ("| 10,000 each | `WinsockSettings` |", "src/winsock/settings.rs", &["REQUESTS_MAX: usize = 10_000;"]),
    ("| 10,000 each | `WinsockSettings` |", "src/winsock/settings.rs", &["SOCKETS_MAX: usize = 10_000;"]),
    ("| the first 64 MiB |", "src/files.rs", &["FILE_BYTES_MAX: usize = 64 * 1024 * 1024;"]),
    (
        "| at most once in 5 seconds,",
        "src/pump/adapters.rs",
        &["ADAPTERS_INTERVAL: Duration = Duration::from_secs(5);"],
    ),
    ("| at most once a second,", "src/pump/name_files.rs", &["CHECK_INTERVAL: Duration = Duration::from_secs(1);"]),
];

#[test]
fn the_limits_in_the_readme_are_those_of_the_source() {
    let readme = read("README.md");
    let mut broken = Vec::new();
    for (row, path, definitions) in LIMITS {
        if !readme.contains(row) {
            broken.push(format!("README.md: lacks \"{row}\""));
        }
        let source = read(path);
        let missing = definitions.iter().filter(|definition| !source.contains(**definition));
        broken.extend(missing.map(|definition| format!("{path}: lacks \"{definition}\", as the README has it")));
    }
    assert_none(broken);
    let default = ResolverConfig::default();
    assert_eq!((default.lookups_in_flight_max(), default.waiting_max()), (256, 10_000));
    assert_eq!((default.timeout().as_secs(), default.attempts()), (5, 2));
}

#[test]
fn the_front_page_names_every_verb_of_the_pump() {
    let page = read("src/lib.rs");
    let mut verbs = 0;
    let mut broken = Vec::new();
    for source in Source::all().iter().filter(|source| source.module() == "pump") {
        for (line, name) in source.public_methods() {
            verbs += 1;
            if !["Pump", "Hosted"].iter().any(|owner| page.contains(&format!("[`{owner}::{name}`]"))) {
                broken.push(format!("{}:{line}: {name} is not in the table of src/lib.rs", source.path));
            }
        }
    }
    assert!(verbs > 30, "the pump has more verbs than the {verbs} that were found");
    assert_none(broken);
}

#[test]
fn the_architecture_page_shows_the_floors_as_they_are() {
    let page = read("src/architecture.md");
    let floors = FLOORS.iter().filter(|floor| floor.name != "roof");
    let row = |name: &str, modules: &[&str]| format!("| {name} | `{}` |", modules.join("`, `"));
    let rows = floors.map(|floor| row(floor.name, floor.modules));
    assert_none(rows.filter(|row| !page.contains(row)).map(|row| format!("src/architecture.md: lacks \"{row}\"")));
}

#[test]
fn the_tests_that_the_architecture_page_names_exist() {
    let page = read("src/architecture.md");
    let (_, invariants) = page.split_once("# Invariants").expect("the page has its invariants");
    let (invariants, _) = invariants.split_once("\n# ").expect("and goes on after them");
    let rows = invariants.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let named: Vec<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 10, "only {named:?} were found");
    let mut text = String::new();
    for folder in ["src", "tests"] {
        append_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    }
    let missing = named.iter().filter(|name| !is_test(&text, name));
    assert_none(missing.map(|name| format!("src/architecture.md: there is no test {name}")));
}

/// Whether there is a test of this name in `text`, which has no blanks at the beginnings of lines.
fn is_test(text: &str, name: &str) -> bool {
    let Some((before, _)) = text.split_once(&format!("\nfn {name}()")) else { return false };
    let mut attributes = before.lines().rev().take_while(|line| line.starts_with("#["));
    attributes.any(|line| line == "#[test]")
}

#[test]
fn what_the_readme_says_that_it_does_is_shown_by_tests_and_examples_that_exist() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## What it does\n").expect("the README has this section");
    let (section, _) = section.split_once("\n## ").expect("and goes on after it");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for folder in ["src", "tests"] {
        append_files(&root.join(folder), &mut text);
    }
    let exists = |name: &str| {
        let is_file = |folder: &str| root.join(folder).join(format!("{name}.rs")).exists();
        is_test(&text, name) || is_file("examples") || is_file("benches")
    };
    let mut rows = 0;
    let mut broken = Vec::new();
    for row in section.lines().filter(|row| row.starts_with("| ") && !row.ends_with("| shown by |")) {
        let (_, shown_by) = row.trim_end_matches(" |").rsplit_once(" | ").expect("a row has two cells");
        let names: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        rows += 1;
        if names.is_empty() {
            broken.push(format!("README.md: nothing shows \"{row}\""));
        }
        let missing = names.iter().filter(|name| !exists(name));
        broken.extend(missing.map(|name| format!("README.md: there is no test and no example {name}")));
    }
    assert!(rows > 20, "only {rows} rows were found");
    assert_none(broken);
}

/// Appends the Rust files below `folder`, without the blanks at the beginnings of lines.
fn append_files(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("the folder is here") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            append_files(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = fs::read_to_string(&path).expect("source is UTF-8");
            text.extend(file.lines().flat_map(|line| [line.trim_start(), "\n"]));
        }
    }
}

#[test]
fn every_example_opens_with_what_it_shows() {
    let mut count = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).expect("there are examples") {
        let path = entry.expect("its folder can be listed").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("source is UTF-8");
            assert!(text.starts_with("//! Shows "), "{}:1: does not open with \"//! Shows\"", path.display());
            count += 1;
        }
    }
    assert!(count > 0, "no example was read");
}

#[test]
fn the_readme_lists_every_example() {
    let readme = read("README.md");
    let (_, table) =
        readme.split_once("\n| `cargo run --example` | shows |\n").expect("the README has a table of them");
    let (table, _) = table.split_once("\n\n").expect("the table ends");
    let names = table.lines().skip(1).filter_map(|row| row.strip_prefix("| `")?.split(['`', ' ']).next());
    let listed: BTreeSet<_> = names.map(str::to_owned).collect();
    let examples = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).expect("there are examples");
    let paths = examples.map(|entry| entry.expect("its folder can be listed").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let there: BTreeSet<_> = sources.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned)).collect();
    assert_eq!(listed, there, "the README's table, and the folder");
}

#[test]
fn the_changelog_begins_with_this_version_or_what_is_unreleased() {
    let changelog = read("CHANGELOG.md");
    let heads: Vec<_> = changelog.lines().filter(|line| line.starts_with("## ")).collect();
    let version = concat!("## [", env!("CARGO_PKG_VERSION"), "]");
    let first = heads.first().expect("the changelog has a head");
    assert!(first.starts_with("## [Unreleased]") || first.starts_with(version), "{first}: neither");
    let unreleased = heads.iter().filter(|head| head.starts_with("## [Unreleased]")).count();
    assert!(unreleased <= 1, "{unreleased} heads say Unreleased");
}
