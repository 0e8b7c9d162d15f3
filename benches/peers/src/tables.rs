//! Results as text and as Markdown, and everything that `all` writes.

use std::cmp::Ordering;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::figures::{self, Judgement};
use crate::machine;
use crate::picture;
use crate::results::{Results, Samples};
use crate::runner::Plan;
use crate::scenario::{CALLS, Column, Peer, Scenario, Unit};

/// A figure with three digits and the unit that suits it.
pub fn written(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds => {
            let steps = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")];
            let (divisor, name) = steps.into_iter().find(|(step, _)| value >= *step).unwrap_or((1.0, "ns"));
            format!("{} {name}", three_digits(value / divisor))
        }
        Unit::Number | Unit::Bytes => three_digits(value),
        Unit::Percent => format!("{} %", three_digits(value)),
    }
}

fn three_digits(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        _ if size >= 100.0 => grouped(value.round() as i64),
        _ if size >= 10.0 => trimmed(format!("{value:.1}")),
        _ if size >= 0.01 => trimmed(format!("{value:.2}")),
        _ if size < 0.0005 => "0".to_owned(),
        _ => format!("{value:.3}"),
    }
}

fn trimmed(text: String) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn grouped(value: i64) -> String {
    let digits = value.abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

/// The median, and how far the rounds lie apart where they do.
fn cell(samples: &Samples, unit: Unit) -> String {
    let median = written(samples.median(), unit);
    let (lowest, highest) = (written(samples.lowest(), unit), written(samples.highest(), unit));
    if lowest == highest { median } else { format!("{median} ({lowest} to {highest})") }
}

/// Those who took part, the best first: by the first column, and those who are equal there by the next.
pub fn ranked(scenario: &'static Scenario, results: &Results) -> Vec<(&'static Peer, f64)> {
    let median = |peer: &Peer, column: &Column| results.median(scenario.name, peer.name, column.metric);
    let rank = |peer: &Peer, column: &Column| match median(peer, column) {
        None => f64::INFINITY,
        Some(percent) if column.unit == Unit::Percent => -percent,
        Some(cost) => cost,
    };
    let first = |peer: &'static Peer| Some((peer, median(peer, &scenario.columns[0])?));
    let mut ranked: Vec<_> = scenario.peers.iter().filter_map(first).collect();
    ranked.sort_by(|(left, _), (right, _)| {
        let mut orders = scenario.columns.iter().map(|column| rank(left, column).total_cmp(&rank(right, column)));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    ranked
}

/// Where the system does not let us count its calls.
const NOT_COUNTED: &str = "not counted here";

/// A heading and rows of cells.
struct Table {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn table(scenario: &'static Scenario, results: &Results) -> Table {
    let measured = |metric| scenario.peers.iter().any(|peer| results.get(scenario.name, peer.name, metric).is_some());
    let is_missed = |metric| metric == CALLS && scenario.is_counted && !measured(CALLS);
    let is_shown = |column: &&Column| measured(column.metric) || is_missed(column.metric);
    let columns: Vec<_> = scenario.columns.iter().filter(is_shown).collect();
    let mut heading = vec!["peer".to_owned()];
    heading.extend(columns.iter().map(|column| column.heading.to_owned()));
    heading.push("what was measured".to_owned());
    let mut peers: Vec<_> = ranked(scenario, results).into_iter().map(|(peer, _)| peer).collect();
    let has_any =
        |peer: &&Peer| columns.iter().any(|column| results.get(scenario.name, peer.name, column.metric).is_some());
    let others =
        scenario.peers.iter().filter(has_any).filter(|peer| !peers.iter().any(|other| other.name == peer.name));
    let others: Vec<_> = others.collect();
    peers.extend(others);
    let row = |peer: &Peer| {
        let mut row = vec![peer.name.to_owned()];
        for column in &columns {
            let samples = results.get(scenario.name, peer.name, column.metric);
            row.push(match samples {
                Some(samples) => cell(samples, column.unit),
                None if is_missed(column.metric) => NOT_COUNTED.to_owned(),
                None => String::new(),
            });
        }
        row.push(peer.note.to_owned());
        row
    };
    Table { heading, rows: peers.into_iter().map(row).collect() }
}

impl Table {
    fn as_text(&self) -> String {
        let lines = || std::iter::once(&self.heading).chain(&self.rows);
        let width = |index: usize| lines().map(|row| row[index].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.heading.len()).map(width).collect();
        let mut text = String::new();
        for row in lines() {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
            _ = writeln!(text, "  {}", cells.join("  ").trim_end());
        }
        text
    }

    fn as_markdown(&self) -> String {
        let mut text = format!("| {} |\n|{}\n", self.heading.join(" | "), "---|".repeat(self.heading.len()));
        for row in &self.rows {
            let name =
                if row[0].starts_with("msgpump") { format!("**`{}`**", row[0]) } else { format!("`{}`", row[0]) };
            _ = writeln!(text, "| {name} | {} |", row[1..].join(" | "));
        }
        text
    }
}

/// All tables as text.
pub fn text(plan: &Plan, results: &Results) -> String {
    let mut text = String::new();
    for scenario in &plan.scenarios {
        _ = writeln!(text, "{}: {}\n{}", scenario.name, scenario.title, table(scenario, results).as_text());
    }
    text.push_str(&judgements(&figures::judge(results)).as_text());
    text
}

fn judgements(judged: &[Judgement]) -> Table {
    let heading = ["wanted", "limit", "ours", "reached"].map(str::to_owned).to_vec();
    let row = |judgement: &Judgement| {
        let (ours, reached) = match judgement.ours {
            None => (NOT_COUNTED.to_owned(), "unknown".to_owned()),
            Some(ours) => (written(ours, judgement.unit), reached(ours, judgement.limit)),
        };
        vec![judgement.wanted.clone(), written(judgement.limit, judgement.unit), ours, reached]
    };
    Table { heading, rows: judged.iter().map(row).collect() }
}

fn reached(ours: f64, limit: f64) -> String {
    if ours <= limit {
        "yes".to_owned()
    } else if limit > 0.0 {
        format!("no, {:.2} times", ours / limit)
    } else {
        "no".to_owned()
    }
}

/// Writes tables as text, Markdown and values, and a picture for each scenario.
pub fn write(plan: &Plan, results: &Results, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut page =
        String::from("# Results\n\nWritten by `benches/peers`; what it means is told in [its page](../README.md).\n\n");
    let kind = if plan.is_quick { ", quick" } else { "" };
    _ = writeln!(
        page,
        "Machine: {} Load at the end: {}. Rounds, interleaved: {}{kind}; a cell is the median (lowest to highest).\n",
        machine::words(),
        machine::load(),
        plan.rounds
    );
    page.push_str("| peer | version |\n|---|---|\n");
    for (name, version) in machine::versions() {
        _ = writeln!(page, "| {name} | {version} |");
    }
    page.push_str("\n## What was to be reached\n\n");
    let judged = judgements(&figures::judge(results));
    _ = writeln!(page, "| {} |\n|---|---|---|---|", judged.heading.join(" | "));
    for row in &judged.rows {
        _ = writeln!(page, "| {} |", row.join(" | "));
    }
    for scenario in &plan.scenarios {
        _ = writeln!(page, "\n## {}\n\n`{}`\n", scenario.title, scenario.name);
        page.push_str(&table(scenario, results).as_markdown());
        let file = format!("{}.svg", scenario.name);
        if picture::draw(scenario, results, &folder.join(&file))? {
            _ = writeln!(page, "\n![{}]({file})", scenario.title);
        }
    }
    if !results.failures.is_empty() {
        _ = writeln!(page, "\n## What failed\n\n- {}", results.failures.join("\n- "));
    }
    fs::write(folder.join("tables.md"), page)?;
    fs::write(folder.join("tables.txt"), text(plan, results))?;
    fs::write(folder.join("values.tsv"), values(plan, results))?;
    Ok(())
}

/// Every figure of every column, in nanoseconds and plain numbers.
fn values(plan: &Plan, results: &Results) -> String {
    let mut text = String::from("scenario\tpeer\tmetric\tmedian\tlowest\thighest\truns\n");
    for scenario in &plan.scenarios {
        for peer in scenario.peers {
            for column in scenario.columns {
                if let Some(samples) = results.get(scenario.name, peer.name, column.metric) {
                    let (median, lowest, highest) = (samples.median(), samples.lowest(), samples.highest());
                    let names = [scenario.name, peer.name, column.metric].join("\t");
                    _ = writeln!(text, "{names}\t{median:.3}\t{lowest:.3}\t{highest:.3}\t{}", samples.count());
                }
            }
        }
    }
    text
}
