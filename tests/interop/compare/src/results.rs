//! What was counted at each server, and the table of it.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::explanations;
use crate::resolvers::Peer;

/// What was counted at one server.
pub struct Results {
    server: String,
    asked: usize,
    /// How many answers of each peer are like ours.
    alike: BTreeMap<String, usize>,
    /// How often a difference was seen at a peer, and the first name.
    differences: BTreeMap<(String, String), (usize, String)>,
}

impl Results {
    pub fn new(server: &str, asked: usize) -> Results {
        Results { server: server.to_owned(), asked, alike: BTreeMap::new(), differences: BTreeMap::new() }
    }

    pub fn count(&mut self, peer: Peer, is_alike: bool) {
        *self.alike.entry(peer.to_string()).or_default() += usize::from(is_alike);
    }

    pub fn add(&mut self, what: &str, peer: Peer, name: &str) {
        let entry = self.differences.entry((what.to_owned(), peer.to_string())).or_insert((0, name.to_owned()));
        entry.0 += 1;
    }

    /// A line for each thing counted, its parts with tabs between them.
    pub fn to_text(&self) -> String {
        let mut text = format!("server\t{}\t{}\n", self.server, self.asked);
        for (peer, alike) in &self.alike {
            text += &format!("alike\t{peer}\t{alike}\n");
        }
        for ((what, peer), (count, name)) in &self.differences {
            text += &format!("differs\t{what}\t{peer}\t{count}\t{name}\n");
        }
        text
    }

    pub fn from_text(text: &str) -> Results {
        let mut results = Results::new("", 0);
        let number = |text: &str| text.parse().expect("it is a count");
        for line in text.lines() {
            match line.split('\t').collect::<Vec<_>>()[..] {
                ["server", server, asked] => results = Results::new(server, number(asked)),
                ["alike", peer, count] => _ = results.alike.insert(peer.to_owned(), number(count)),
                ["differs", what, peer, count, name] => {
                    let key = (what.to_owned(), peer.to_owned());
                    results.differences.insert(key, (number(count), name.to_owned()));
                }
                _ => panic!("{line:?} is no line of results"),
            }
        }
        results
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names", self.asked)?;
        for (peer, alike) in &self.alike {
            write!(f, ", {alike} as {peer} says")?;
        }
        Ok(())
    }
}

/// What was counted at all servers, in Markdown.
pub fn table(results: &[Results], versions: &str) -> String {
    let mut text = String::new();
    _ = writeln!(text, "{versions}\n");
    _ = write!(text, "| server | names asked |");
    Peer::ALL.iter().for_each(|peer| _ = write!(text, " as {peer} |"));
    _ = writeln!(text, "\n|---|---|{}", "---|".repeat(Peer::ALL.len()));
    for result in results {
        _ = write!(text, "| {} | {} |", result.server, result.asked);
        Peer::ALL.iter().for_each(|peer| _ = write!(text, " {} |", result.alike[&peer.to_string()]));
        text.push('\n');
    }
    _ = write!(text, "\n| difference |");
    Peer::ALL.iter().for_each(|peer| _ = write!(text, " {peer} |"));
    _ = writeln!(text, " servers | for example | why |\n|---|{}---|---|---|", "---|".repeat(Peer::ALL.len()));
    for explanation in explanations::ALL {
        let seen = |result: &&Results| result.differences.keys().any(|(what, _)| what == explanation.what);
        let servers: Vec<&str> = results.iter().filter(seen).map(|result| &*result.server).collect();
        if servers.is_empty() {
            continue;
        }
        let counted = |peer: &Peer| {
            let key = (explanation.what.to_owned(), peer.to_string());
            results.iter().filter_map(|result| result.differences.get(&key)).collect::<Vec<_>>()
        };
        let example = Peer::ALL.iter().find_map(|peer| counted(peer).first().map(|(_, name)| name.clone()));
        _ = write!(text, "| {} |", explanation.what);
        for peer in &Peer::ALL {
            let count: usize = counted(peer).iter().map(|(count, _)| count).sum();
            _ = if count > 0 { write!(text, " {count} |") } else { write!(text, " |") };
        }
        let servers = if servers.len() == results.len() { "all".to_owned() } else { servers.join(", ") };
        _ = writeln!(text, " {servers} | `{}` | {} |", example.unwrap_or_default(), explanation.why);
    }
    text
}
