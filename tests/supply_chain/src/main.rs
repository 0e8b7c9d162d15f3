//! What the crate is built of: checks that each direct dependency has a reason in its manifest and that each licence
//! is an accepted one, and that the table in `dependencies.md` says so. With `--write`, writes the table.

mod licence;
mod manifest;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::Value;

use licence::is_accepted;
use manifest::Dependency;

/// The manifests of what is published, from the root of the tree.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "sys/Cargo.toml"];

const TABLE: &str = "dependencies.md";

/// A package of the graph.
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    is_ours: bool,
}

fn main() -> ExitCode {
    let write = std::env::args().nth(1).as_deref() == Some("--write");
    match run(write) {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong, a line each.
fn run(write: bool) -> Result<Vec<String>, Box<dyn Error>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.join("../..");
    let mut faults = Vec::new();
    let mut dependencies = Vec::new();
    for path in MANIFESTS {
        let found = manifest::dependencies(path, &fs::read_to_string(root.join(path))?);
        let silent = found.iter().filter(|dependency| dependency.reason.is_empty());
        faults.extend(silent.map(|dependency| format!("{path}: {} has no reason", dependency.name)));
        dependencies.extend(found);
    }
    if dependencies.len() < 10 {
        faults.push(format!("only {} dependencies were found", dependencies.len()));
    }
    let packages = packages(&root)?;
    for package in packages.values() {
        let Package { name, version, licence, .. } = package;
        match licence {
            None => faults.push(format!("{name} {version} names no licence")),
            Some(licence) if is_accepted(licence) => {}
            Some(licence) => faults.push(format!("{name} {version}: {licence} is not accepted")),
        }
    }
    let table = table(&dependencies, &packages, &shipped(&root)?)?;
    let path = own.join(TABLE);
    if write {
        fs::write(&path, table)?;
    } else if fs::read_to_string(&path).ok().as_ref() != Some(&table) {
        faults.push(format!("{TABLE} is not what the manifests say: run with --write"));
    }
    println!(
        "{} direct dependencies with their reasons, {} packages with accepted licences",
        dependencies.len(),
        packages.len()
    );
    Ok(faults)
}

/// All packages that any feature, platform, test or bench of ours may bring, by their ids.
fn packages(root: &Path) -> Result<BTreeMap<String, Package>, Box<dyn Error>> {
    let metadata = cargo(root, &["metadata", "--format-version", "1", "--all-features", "--locked"])?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let members: Vec<_> = metadata["workspace_members"].as_array().into_iter().flatten().collect();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let package = |value: &Value| {
        let (name, version) = (text(&value["name"])?, text(&value["version"])?);
        let is_ours = members.contains(&&value["id"]);
        Some((text(&value["id"])?, Package { name, version, licence: text(&value["license"]), is_ours }))
    };
    let packages = metadata["packages"].as_array().ok_or("cargo tells no packages")?;
    packages.iter().map(|value| package(value).ok_or_else(|| "a package without a name".into())).collect()
}

/// Names and versions of what a program on this platform is built of that uses the crate with its default features.
fn shipped(root: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let tree =
        cargo(root, &["tree", "--package", "msgpump", "--edges", "normal,build", "--prefix", "none", "--locked"])?;
    let words = tree.lines().filter_map(|line| line.split_once(" v"));
    Ok(words.map(|(name, rest)| format!("{name} {}", rest.split(' ').next().unwrap_or(rest))).collect())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root).output()?;
    if !output.status.success() {
        return Err(format!("cargo {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn table(
    dependencies: &[Dependency],
    packages: &BTreeMap<String, Package>,
    shipped: &BTreeSet<String>,
) -> Result<String, Box<dyn Error>> {
    let mut page =
        String::from("Written by `tests/supply_chain/run --write`, from the manifests and what cargo says.\n\n");
    for (title, is_wanted) in [("Shipped", false), ("For tests, examples and benches", true)] {
        writeln!(page, "# {title}\n\n| crate | manifest | platforms | licence | reason |\n|---|---|---|---|---|")?;
        for Dependency { name, from, section, reason, .. } in dependencies.iter().filter(|it| it.is_dev() == is_wanted)
        {
            let licence = packages.values().find(|package| package.name == *name).and_then(|it| it.licence.as_deref());
            let (platforms, licence) = (scope(section), licence.unwrap_or("?"));
            writeln!(page, "| `{name}` | `{from}` | {platforms} | {licence} | {reason} |")?;
        }
        page.push('\n');
    }
    writeln!(page, "# All that a program with the default features is built of on Linux\n")?;
    let others = packages.values().filter(|package| !package.is_ours);
    for Package { name, licence, .. } in others.filter(|it| shipped.contains(&format!("{} {}", it.name, it.version))) {
        writeln!(page, "- `{name}`: {}", licence.as_deref().unwrap_or("?"))?;
    }
    Ok(page)
}

/// On which platforms a section of a manifest counts.
fn scope(section: &str) -> &str {
    match section.split_once("cfg(") {
        Some((_, rest)) => rest.split_once(")'").map_or("?", |(platform, _)| platform),
        None => "everywhere",
    }
}
