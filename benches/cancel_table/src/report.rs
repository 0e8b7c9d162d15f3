//! The table as text and as Markdown, and the summary.

use std::fmt::Write;

use crate::table::{Kind, Row, Seen, State};

/// What a cell says whose state does not exist.
const NO_STATE: &str = "–";

/// The rows of everybody, and their names and versions in the order of the table.
pub struct Report {
    pub rows: Vec<Row>,
    pub peers: Vec<(String, String)>,
}

impl Report {
    /// For a terminal: everybody under each kind.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for kind in Kind::ALL {
            _ = writeln!(text, "{}", kind.title().to_uppercase());
            for row in self.of(kind) {
                _ = writeln!(text, "  {}: {}", row.peer, row.way);
                for (state, seen) in &row.cells {
                    _ = writeln!(text, "      {:<10} {}", state.title(), seen.details(kind));
                }
            }
        }
        text
    }

    pub fn markdown(&self) -> String {
        let mut text =
            "# What is seen after a cancel\n\nMade by `benches/cancel_table/run --write`; not edited by hand.\n\n"
                .to_owned();
        text += INTRODUCTION;
        text += "\n| | version |\n|---|---|\n";
        for (peer, version) in self.peers.iter().filter(|(_, version)| !version.is_empty()) {
            _ = writeln!(text, "| {peer} | {version} |");
        }
        for kind in Kind::ALL {
            let states = kind.states();
            let titles: Vec<&str> = states.iter().map(|state| state.title()).collect();
            _ = writeln!(text, "\n## {}\n\n{}\n", capitalised(kind.title()), kind.explanation());
            _ = writeln!(text, "| | cancelled by | {} |", titles.join(" | "));
            _ = writeln!(text, "|---|---|{}", "---|".repeat(states.len()));
            for row in self.of(kind) {
                let details = |seen: &Seen| seen.details(kind);
                let cells: Vec<String> =
                    states.iter().map(|&state| row.cell(state).map_or(NO_STATE.to_owned(), details)).collect();
                _ = writeln!(text, "| {} | {} | {} |", row.peer, linked(row), cells.join(" | "));
            }
        }
        text
    }

    /// A row for each peer, a column for each kind.
    pub fn summary(&self) -> String {
        let titles: Vec<&str> = Kind::ALL.iter().map(|kind| kind.title()).collect();
        let mut text = format!("| | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
        for (peer, _) in &self.peers {
            let cells: Vec<String> = Kind::ALL.iter().map(|&kind| self.summary_cell(peer, kind)).collect();
            _ = writeln!(text, "| {peer} | {} |", cells.join(" | "));
        }
        text
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    /// Of several ways the quietest one that knows every state.
    fn summary_cell(&self, peer: &str, kind: Kind) -> String {
        let ways: Vec<&Row> = self.of(kind).filter(|row| row.peer == peer).collect();
        let loud = |row: &Row| row.cells.iter().filter(|(_, seen)| !seen.is_nothing()).count();
        let states = ways.iter().map(|row| row.cells.len()).max().unwrap_or_default();
        let quietest = ways.iter().filter(|row| row.cells.len() == states).min_by_key(|row| loud(row));
        match quietest {
            Some(row) if !row.cells.is_empty() => in_short(row),
            Some(row) if row.way.starts_with("no way") => "no way to cancel".to_owned(),
            _ => NO_STATE.to_owned(),
        }
    }
}

const INTRODUCTION: &str = "\
Each cell is played: an operation is started, brought to the state, cancelled by the call that its documentation names, and
its loop goes on. Before that the same is played without the cancel, and it has to be seen then. The cell says what the
program is still told of the operation from the cancel on, and in brackets what the cancelling call said:

- *nothing*;
- *“cancelled”*: its handler is called once more, and told that it was cancelled;
- *the result*, *tick*, *event* or *message*: its handler is called with it, as if nobody had cancelled;
- *inside the call*: while the cancelling call has not yet returned;
- *a thread asks on*: nobody is told, and the thread that looks up stays taken until the server answers.

Win32 and Winsock are those of Wine, not of Windows. Wine's `WSACancelAsyncRequest` does nothing in any state; by its
documentation Windows stops a request that is under way, and refuses with `WSAEALREADY` when it has completed. By its
documentation `KillTimer` leaves a `WM_TIMER` that is in the queue; Wine makes one only when it is taken.
";

/// `“cancelled”: in line; the result: under way, finished`
fn in_short(row: &Row) -> String {
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for state in State::ALL {
        let Some(seen) = row.cell(state).filter(|seen| !seen.is_nothing()) else { continue };
        match said.iter_mut().find(|(words, _)| *words == seen.words(row.kind)) {
            Some((_, states)) => states.push(state.title()),
            None => said.push((seen.words(row.kind), vec![state.title()])),
        }
    }
    let mut parts: Vec<String> = said
        .into_iter()
        .map(
            |(words, states)| {
                if states.len() == row.cells.len() { words } else { format!("{words}: {}", states.join(", ")) }
            },
        )
        .collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    if row.cells.iter().any(|(_, seen)| seen.asks_on) {
        parts.push("a thread asks on".to_owned());
    }
    parts.join("; ")
}

fn linked(row: &Row) -> String {
    if row.source.is_empty() { row.way.clone() } else { format!("[{}]({})", row.way, row.source) }
}

fn capitalised(title: &str) -> String {
    let (first, rest) = title.split_at(1);
    first.to_uppercase() + rest
}
