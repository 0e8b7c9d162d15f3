//! Which names to ask for when a user wrote one that may be incomplete, and when to stop asking.
//!
//! Floor 1. Pure.
//!
//! The candidates, as resolv.conf(5) has it and `res_nsearch` does it:
//!
//! | the name                     | candidates, in order              |
//! |------------------------------|-----------------------------------|
//! | ends in a dot                | itself                            |
//! | has `ndots` dots or more     | itself, with each search domain   |
//! | has fewer                    | with each search domain, itself   |
//!
//! What a candidate's failure leads to:
//!
//! | failure        | next step                                                                   |
//! |----------------|-----------------------------------------------------------------------------|
//! | not found      | the next candidate                                                          |
//! | no data        | the next candidate; if none is found, this is what is told                  |
//! | anything else  | stop with it: while a name server is in trouble, a host of another domain   |
//! |                | must not stand in for the one that was meant                                |

use std::vec;

use super::config::{ROOT, ResolverConfig};
use super::host_text::NAME_MAX;
use crate::lookup::LookupFailure;

/// A name to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The complete name, without a final dot.
    pub(crate) name: String,
    /// It is the user's own name, with nothing appended.
    pub(crate) literal: bool,
}

/// The way through the candidates of one name.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    untried: vec::IntoIter<Candidate>,
    /// What is told when every candidate has failed.
    verdict: LookupFailure,
}

/// What to do after a candidate has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask for this one.
    Try(Candidate),
    /// Give up, and tell this.
    Stop(LookupFailure),
}

impl Search {
    /// Begins with the first candidate of `name`, whose final dot, if any, makes it the only one.
    pub(crate) fn start(name: &str, config: &ResolverConfig) -> (Candidate, Search) {
        let mut untried = candidates(name, config).into_iter();
        let first = untried.next().expect("a name is a candidate for itself");
        (first, Search { untried, verdict: LookupFailure::NotFound })
    }

    /// Takes in how the candidate asked for last has failed.
    ///
    /// An answer that could not be used is a server failure, and so never leads to another candidate.
    pub(crate) fn note(&mut self, failure: LookupFailure) -> Step {
        match failure {
            LookupFailure::NotFound => {}
            LookupFailure::NoData => self.verdict = LookupFailure::NoData,
            trouble => return Step::Stop(trouble),
        }
        self.untried.next().map_or(Step::Stop(self.verdict), Step::Try)
    }
}

/// Whether `name` is one of the search domains or below one.
///
/// Who configured the search domain `corp.local` means that the name servers know it, although names
/// below `local` are otherwise not asked for. It has addresses itself, too: those of its domain controllers.
pub(crate) fn is_within_search_domain(name: &str, config: &ResolverConfig) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    config.search().iter().filter(|domain| *domain != ROOT).any(|domain| {
        let start = name.len().checked_sub(domain.len());
        let (below, end) = start.and_then(|start| name.split_at_checked(start)).unwrap_or_default();
        (below.is_empty() || below.ends_with('.')) && end.eq_ignore_ascii_case(domain)
    })
}

/// The names to try for `name`, best first; never none, and the literal one once.
fn candidates(name: &str, config: &ResolverConfig) -> Vec<Candidate> {
    let literal = |name: &str| Candidate { name: name.to_owned(), literal: true };
    if let Some(name) = name.strip_suffix('.') {
        return vec![literal(name)];
    }
    let dots = name.bytes().filter(|&byte| byte == b'.').count();
    let literal_first = dots >= config.ndots() as usize;

    let mut candidates = Vec::with_capacity(config.search().len() + 1);
    candidates.extend(literal_first.then(|| literal(name)));
    let mut literal_tried = literal_first;
    for domain in config.search() {
        if domain == ROOT {
            candidates.extend((!literal_tried).then(|| literal(name)));
            literal_tried = true;
        } else if name.len() + 1 + domain.len() <= NAME_MAX {
            candidates.push(Candidate { name: format!("{name}.{domain}"), literal: false });
        }
    }
    candidates.extend((!literal_tried).then(|| literal(name)));
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(ndots: u32, search: &[&str]) -> ResolverConfig {
        ResolverConfig::default().with_ndots(ndots).with_search(search)
    }

    /// The candidates' names in one line, the literal one in parentheses.
    fn shown(candidates: &[Candidate]) -> String {
        let show = |Candidate { name, literal }: &Candidate| match literal {
            true => format!("({name})"),
            false => name.clone(),
        };
        candidates.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn candidates_in_order() {
        let two = &["corp.example", "example"][..];
        for (name, ndots, search, expected) in [
            ("www", 1, two, "www.corp.example www.example (www)"),
            ("www.", 1, two, "(www)"),
            ("www.", 0, two, "(www)"),
            ("www", 0, two, "(www) www.corp.example www.example"),
            ("www.web", 1, two, "(www.web) www.web.corp.example www.web.example"),
            ("www.web.", 2, two, "(www.web)"),
            ("www.web", 2, two, "www.web.corp.example www.web.example (www.web)"),
            ("a.b.c.d", 5, two, "a.b.c.d.corp.example a.b.c.d.example (a.b.c.d)"),
            ("www", 1, &[], "(www)"),
            ("www", 15, &[], "(www)"),
            ("www", 1, &["."], "(www)"),
            ("www", 1, &["", "a"], "(www) www.a"),
            ("www", 1, &["a", ".", "b", "."], "www.a (www) www.b"),
            ("www.web", 1, &["a", "."], "(www.web) www.web.a"),
            ("www", 1, &[".a_b.local."], "www.a_b.local (www)"),
        ] {
            let candidates = candidates(name, &config(ndots, search));
            assert_eq!(shown(&candidates), expected, "{name}, ndots {ndots}, search {search:?}");
        }
    }

    #[test]
    fn a_candidate_that_is_too_long_is_passed_over() {
        let label = "a".repeat(63);
        let name = [&*label, &label, &label].join(".");
        let (fits, exceeds) = ("b".repeat(253 - 191 - 1), "b".repeat(253 - 191));
        let candidates = candidates(&name, &config(5, &[&exceeds, &fits, &exceeds]));
        assert_eq!(shown(&candidates), format!("{name}.{fits} ({name})"));
        assert_eq!(candidates[0].name.len(), NAME_MAX);
    }

    /// The failures of the candidates in turn, how many of them are asked for, and what is told.
    #[test]
    fn failures_and_what_they_lead_to() {
        use LookupFailure::*;
        for (failures, asked, told) in [
            ([NotFound, NotFound, NotFound], 3, NotFound),
            ([NoData, NotFound, NotFound], 3, NoData),
            ([NotFound, NoData, NotFound], 3, NoData),
            ([NotFound, NotFound, NoData], 3, NoData),
            ([ServerFailure, NotFound, NotFound], 1, ServerFailure),
            ([NotFound, TimedOut, NotFound], 2, TimedOut),
            ([NoData, Refused, NotFound], 2, Refused),
            ([NoData, NotFound, NetworkDown], 3, NetworkDown),
        ] {
            let (mut candidate, mut search) = Search::start("www", &config(1, &["a", "b"]));
            let mut names = Vec::new();
            let stopped = failures.into_iter().find_map(|failure| {
                names.push(candidate.name.clone());
                match search.note(failure) {
                    Step::Try(next) => {
                        candidate = next;
                        None
                    }
                    Step::Stop(failure) => Some(failure),
                }
            });
            assert_eq!(stopped, Some(told), "{failures:?}");
            assert_eq!(names, ["www.a", "www.b", "www"][..asked], "{failures:?}");
        }
    }

    #[test]
    fn names_within_a_search_domain() {
        let config = config(1, &["corp.local", "."]);
        for (name, within) in [
            ("dc1.corp.local", true),
            ("a.dc1.CORP.Local.", true),
            ("corp.local", true),
            ("CORP.local.", true),
            ("notcorp.local", false),
            ("printer.local", false),
            ("local", false),
            ("", false),
            (".", false),
            ("..", false),
            ("\u{e9}orp.local", false),
        ] {
            assert_eq!(is_within_search_domain(name, &config), within, "{name:?}");
        }
    }
}
