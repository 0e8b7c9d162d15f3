//! Which rows are shown, and in what order. Made anew only when it may have become another one.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use super::checks::Checks;
use super::row::{Row, State};

/// While rows change all the time, how often the rows are put in order anew.
const REFRESH_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Line,
    Target,
    State,
    Addresses,
    Time,
    Problem,
}

impl Column {
    pub const ALL: [Column; 6] =
        [Column::Line, Column::Target, Column::State, Column::Addresses, Column::Time, Column::Problem];

    pub fn text(self) -> &'static str {
        match self {
            Column::Line => "line",
            Column::Target => "host",
            Column::State => "state",
            Column::Addresses => "answer",
            Column::Time => "ms",
            Column::Problem => "problem",
        }
    }
}

/// What is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Only rows whose host, answer or problem has this text in it; upper or lower case does not matter.
    pub text: String,
    /// Only rows in this state.
    pub state: Option<State>,
    pub column: Column,
    pub is_descending: bool,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish { text: String::new(), state: None, column: Column::Line, is_descending: false }
    }
}

impl Wish {
    /// Sorts by a column, or by the same in the other direction.
    pub fn sort_by(&mut self, column: Column) {
        self.is_descending = self.column == column && !self.is_descending;
        self.column = column;
    }

    fn admits(&self, row: &Row, wanted: &str) -> bool {
        let has_text = |text: &str| text.to_ascii_lowercase().contains(wanted);
        self.state.is_none_or(|state| state == row.state)
            && (wanted.is_empty()
                || has_text(&row.text)
                || row.problem.as_deref().is_some_and(has_text)
                || has_text(&row.answer()))
    }

    /// Whether a check's end may show other rows, or in another order.
    fn depends_on_results(&self) -> bool {
        let is_fixed = matches!(self.column, Column::Line | Column::Target);
        !is_fixed || self.state.is_some() || !self.text.is_empty()
    }
}

/// The rows that are shown, by their places in the list.
#[derive(Default)]
pub struct Listing {
    rows: Vec<u32>,
    made_for: Option<MadeFor>,
}

struct MadeFor {
    wish: Wish,
    list: u64,
    revision: u64,
    at: Instant,
}

impl Listing {
    /// The rows in their order. `now` decides whether those that changed are put in order again.
    pub fn rows(&mut self, checks: &Checks, wish: &Wish, now: Instant) -> &[u32] {
        if self.is_outdated(checks, wish, now) {
            self.make(checks.rows(), wish);
            let (wish, list, revision) = (wish.clone(), checks.list(), checks.revision());
            self.made_for = Some(MadeFor { wish, list, revision, at: now });
        }
        &self.rows
    }

    /// When it should be looked at again though nothing else happens.
    pub fn due(&self, checks: &Checks, now: Instant) -> Option<Duration> {
        let made_for = self.made_for.as_ref()?;
        let is_behind = made_for.revision != checks.revision() && made_for.wish.depends_on_results();
        is_behind.then(|| REFRESH_INTERVAL.saturating_sub(now - made_for.at))
    }

    fn is_outdated(&self, checks: &Checks, wish: &Wish, now: Instant) -> bool {
        let Some(made_for) = &self.made_for else { return true };
        made_for.wish != *wish
            || made_for.list != checks.list()
            || (made_for.revision != checks.revision()
                && wish.depends_on_results()
                && now - made_for.at >= REFRESH_INTERVAL)
    }

    fn make(&mut self, rows: &[Row], wish: &Wish) {
        let wanted = wish.text.to_ascii_lowercase();
        self.rows.clear();
        self.rows.extend((0..rows.len() as u32).filter(|&row| wish.admits(&rows[row as usize], &wanted)));
        if wish.column != Column::Line {
            self.rows.sort_by(|&one, &other| compare(&rows[one as usize], &rows[other as usize], wish));
        } else if wish.is_descending {
            self.rows.reverse();
        }
    }
}

/// Rows that have nothing to be compared by come last in both directions.
fn compare(one: &Row, other: &Row, wish: &Wish) -> Ordering {
    let ordering = match wish.column {
        Column::Line => one.line.cmp(&other.line),
        Column::Target => one.text.cmp(&other.text),
        Column::State => one.state.cmp(&other.state),
        Column::Addresses => return with(one.addresses.first(), other.addresses.first(), wish),
        Column::Time => return with(one.time, other.time, wish),
        Column::Problem => return with(one.problem.as_deref(), other.problem.as_deref(), wish),
    };
    if wish.is_descending { ordering.reverse() } else { ordering }
}

fn with<T: Ord>(one: Option<T>, other: Option<T>, wish: &Wish) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if wish.is_descending => other.cmp(&one),
        (Some(one), Some(other)) => one.cmp(&other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use msgpump::Pump;

    use super::*;
    use crate::model::list;
    use crate::model::options::Options;

    fn lines(listing: &mut Listing, checks: &Checks, wish: &Wish) -> Vec<u32> {
        listing.rows(checks, wish, Instant::now()).iter().map(|&row| checks.rows()[row as usize].line).collect()
    }

    #[test]
    fn rows_are_chosen_and_put_in_order() {
        let mut pump = Pump::<()>::new().unwrap();
        let mut checks = Checks::new(&mut pump, Options::default()).unwrap();
        checks.load(&mut pump, list::parse(b"c.test\nB.test\ntwo words\na.example\n"));
        let (mut listing, mut wish) = (Listing::default(), Wish::default());
        assert_eq!(lines(&mut listing, &checks, &wish), [1, 2, 3, 4]);
        wish.sort_by(Column::Line);
        assert_eq!(lines(&mut listing, &checks, &wish), [4, 3, 2, 1]);
        wish.sort_by(Column::Problem); // the only one that has a problem first, then the others as they were
        assert_eq!(lines(&mut listing, &checks, &wish), [3, 1, 2, 4]);
        wish.sort_by(Column::Target);
        wish.text = "b.TEST".into();
        assert_eq!(lines(&mut listing, &checks, &wish), [2]);
        wish = Wish { state: Some(State::BadLine), ..Wish::default() };
        assert_eq!(lines(&mut listing, &checks, &wish), [3]);
        checks.load(&mut pump, list::parse(b"d.test"));
        assert_eq!(lines(&mut listing, &checks, &Wish::default()), [1]);
    }

    #[test]
    fn another_list_of_the_same_length_is_put_in_order_anew() {
        let mut pump = Pump::<()>::new().unwrap();
        let mut checks = Checks::new(&mut pump, Options::default()).unwrap();
        let (mut listing, wish) = (Listing::default(), Wish { column: Column::Target, ..Wish::default() });
        for (list, order) in [(b"a.test\nb.test", [1, 2]), (b"b.test\na.test", [2, 1])] {
            checks.load(&mut pump, list::parse(list));
            assert_eq!(lines(&mut listing, &checks, &wish), order);
        }
    }
}
