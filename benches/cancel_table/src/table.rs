//! The words of the table: kinds, states, cells and rows, and how a row travels from the process that played it.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Timer,
    Lookup,
    Readiness,
    Post,
    Work,
    Stream,
}

impl Kind {
    pub const ALL: [Kind; 6] = [Kind::Timer, Kind::Lookup, Kind::Readiness, Kind::Post, Kind::Work, Kind::Stream];

    pub fn title(self) -> &'static str {
        match self {
            Kind::Timer => "timer",
            Kind::Lookup => "lookup",
            Kind::Readiness => "readiness",
            Kind::Post => "posted message",
            Kind::Work => "another thread's work",
            Kind::Stream => "stream of results",
        }
    }

    /// What a handler is called with.
    fn noun(self) -> &'static str {
        match self {
            Kind::Timer => "tick",
            Kind::Readiness => "event",
            Kind::Post => "message",
            Kind::Lookup | Kind::Work | Kind::Stream => "result",
        }
    }

    /// The states in which there is anything to be cancelled.
    pub fn states(self) -> &'static [State] {
        match self {
            Kind::Timer => &[State::UnderWay, State::Finished, State::Next, State::Inside],
            Kind::Lookup | Kind::Work => &[State::InLine, State::UnderWay, State::Finished, State::Next],
            Kind::Readiness => &[State::UnderWay, State::Finished, State::Next, State::Inside],
            Kind::Post => &[State::Finished, State::Next],
            Kind::Stream => &[State::Finished, State::Inside],
        }
    }

    /// What the states are, for this kind.
    pub fn explanation(self) -> &'static str {
        match self {
            Kind::Timer => {
                "Under way: not due. Finished: due, and the loop has not turned since. Next: two are due, and the handler \
                 of one cancels the other. Inside: a repeating timer is cancelled in its own handler."
            }
            Kind::Lookup => {
                "In line: it waits for a thread or a place. Under way: the server has the question. Finished: the answer \
                 lies in the socket's buffer, or where threads look up, the thread is through with it; the loop has not \
                 turned since. Next: two are finished so, and the handler of one cancels the other."
            }
            Kind::Readiness => {
                "Under way: a descriptor is watched and not readable. Finished: it is readable, and the loop has not \
                 turned since. Next: two are readable, and the handler of one cancels the other. Inside: it is cancelled \
                 in its own handler, which has read nothing."
            }
            Kind::Post => {
                "Finished: posted by another thread, and the loop has not turned since. Next: two are posted, and the \
                 handler of one cancels the other."
            }
            Kind::Work => {
                "In line: it waits for a thread. Under way: it runs. Finished: its result is handed over, and the loop \
                 has not turned since. Next: two are finished, and the handler of one cancels the other."
            }
            Kind::Stream => {
                "Three results are handed over. Finished: the loop has not turned since. Inside: the handler of the \
                 first cancels the stream, and two are left."
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    InLine,
    UnderWay,
    Finished,
    Next,
    Inside,
}

impl State {
    pub const ALL: [State; 5] = [State::InLine, State::UnderWay, State::Finished, State::Next, State::Inside];

    pub fn title(self) -> &'static str {
        match self {
            State::InLine => "in line",
            State::UnderWay => "under way",
            State::Finished => "finished",
            State::Next => "next",
            State::Inside => "inside",
        }
    }
}

/// What became of one cancel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the cancelling call said, if it says anything.
    pub answer: Option<String>,
    /// How many results reached the program after all.
    pub results: u32,
    /// How many notices that it is cancelled reached the program.
    pub cancelled: u32,
    /// How many of both came while the cancelling call had not yet returned.
    pub inside: u32,
    /// Whether a socket still waited for the answer when everything was quiet.
    pub asks_on: bool,
}

impl Seen {
    pub fn is_nothing(&self) -> bool {
        self.results == 0 && self.cancelled == 0
    }

    /// What is seen, in words.
    pub fn words(&self, kind: Kind) -> String {
        let noun = kind.noun();
        let mut words = match (self.results, self.cancelled) {
            (0, 0) => "nothing".to_owned(),
            (1, 0) => format!("the {noun}"),
            (results, 0) => format!("{results} {noun}s"),
            (0, 1) => "“cancelled”".to_owned(),
            (results, cancelled) => format!("{results} {noun}s and {cancelled} times “cancelled”"),
        };
        if self.inside > 0 {
            words += ", inside the call";
        }
        words
    }

    /// What is seen, what the call said, and what goes on.
    pub fn details(&self, kind: Kind) -> String {
        let mut details = self.words(kind);
        if let Some(answer) = &self.answer {
            details += &format!(" (`{answer}`)");
        }
        if self.asks_on {
            details += "; a thread asks on";
        }
        details
    }
}

/// One way of cancelling, of one kind, in each of its states.
#[derive(Debug)]
pub struct Row {
    pub kind: Kind,
    pub peer: String,
    /// The call, or what there is instead of one.
    pub way: String,
    /// Where its documentation says what it does.
    pub source: String,
    /// By state; a state that is not there does not exist for it.
    pub cells: Vec<(State, Seen)>,
}

impl Row {
    pub fn cell(&self, state: State) -> Option<&Seen> {
        self.cells.iter().find(|(of, _)| *of == state).map(|(_, seen)| seen)
    }
}

/// Prints a row on standard output as a line that [`parse`] reads.
pub struct Line<'a>(pub Kind, pub &'a str, pub &'a str, pub &'a [(State, Seen)]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line(kind, way, source, cells) = self;
        write!(f, "row\t{kind:?}\t{way}\t{source}")?;
        for (state, seen) in *cells {
            let Seen { answer, results, cancelled, inside, asks_on } = seen;
            let answer = answer.as_deref().unwrap_or_default();
            write!(f, "\t{state:?}|{answer}|{results}|{cancelled}|{inside}|{}", u8::from(*asks_on))?;
        }
        Ok(())
    }
}

/// Reads a line of a process that played for `peer`. `None` where it is none of these.
pub fn parse(peer: &str, line: &str) -> Option<Row> {
    let mut fields = line.strip_prefix("row\t")?.split('\t');
    let kind = fields.next()?;
    let kind = Kind::ALL.into_iter().find(|of| format!("{of:?}") == kind)?;
    let (way, source) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let cells = fields.map(parse_cell).collect::<Option<_>>()?;
    Some(Row { kind, peer: peer.to_owned(), way, source, cells })
}

fn parse_cell(field: &str) -> Option<(State, Seen)> {
    let words: Vec<&str> = field.split('|').collect();
    let [state, answer, results, cancelled, inside, asks_on] = words[..] else { return None };
    let state = State::ALL.into_iter().find(|of| format!("{of:?}") == state)?;
    let seen = Seen {
        answer: (!answer.is_empty()).then(|| answer.to_owned()),
        results: results.parse().ok()?,
        cancelled: cancelled.parse().ok()?,
        inside: inside.parse().ok()?,
        asks_on: asks_on == "1",
    };
    Some((state, seen))
}
