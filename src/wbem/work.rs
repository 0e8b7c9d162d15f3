//! What calls do: reading, writing, running methods.
//!
//! Floor 5. Each is a [`Source`]. Nothing of a provider is touched before the first slice, so a call that is
//! cancelled in the turn of its start has asked nobody.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::error::{WbemError, WbemStatus};
use super::feed::{Asking, Finish, Next, Part, Source};
use super::foreign::Foreign;
use super::object::Object;
use super::provider::{Action, Progress, Stepped};
use super::scan::{Scan, waker};
use super::server::Start;

/// Objects that are known already.
pub(super) struct Known {
    objects: VecDeque<Object>,
}

impl Known {
    pub(super) fn new(objects: impl IntoIterator<Item = Object>) -> Known {
        Known { objects: objects.into_iter().collect() }
    }
}

impl Source for Known {
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, _: &Asking) -> Next {
        let room = room.min(self.objects.len());
        out.extend(self.objects.drain(..room).map(Part::Object));
        match self.objects.is_empty() {
            true => Next::End(Finish::of(Ok(WbemStatus::SNoError))),
            false => Next::More,
        }
    }
}

/// All that a scan finds.
pub(super) struct Reading {
    scan: Scan,
    sends_progress: bool,
    rows: Vec<std::sync::Arc<super::Instance>>,
}

impl Reading {
    pub(super) fn new(scan: Scan, sends_progress: bool) -> Reading {
        Reading { scan, sends_progress, rows: Vec::new() }
    }
}

impl Source for Reading {
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next {
        let progress = self.scan.step(room, &mut self.rows, || waker(asking.waker.clone()));
        out.extend(self.rows.drain(..).map(|row| Part::Object(row.into())));
        if let Progress::Done { done, total } = progress
            && self.sends_progress
        {
            out.push_back(Part::Progress { done, total });
        }
        Next::after(progress, asking.now, self.scan.counts)
    }
}

/// The one object that a scan should find.
pub(super) struct Finding {
    scan: Scan,
    /// What is looked for, for the error.
    path: String,
}

impl Finding {
    pub(super) fn new(scan: Scan, path: String) -> Finding {
        Finding { scan, path }
    }
}

impl Source for Finding {
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next {
        let mut rows = Vec::new();
        let progress = self.scan.step(room, &mut rows, || waker(asking.waker.clone()));
        let counts = self.scan.counts;
        if let Some(row) = rows.into_iter().next() {
            out.push_back(Part::Object(row.into()));
            return Next::End(Finish { result: Ok(WbemStatus::SNoError), text: None, counts });
        }
        match progress {
            Progress::End(Ok(())) => {
                let error = WbemError::new(WbemStatus::NotFound);
                let error = error.description("there is no such object").parameter(self.path.clone());
                Next::End(Finish { result: Err(error), text: None, counts })
            }
            progress => Next::after(progress, asking.now, counts),
        }
    }
}

/// A put, a delete or a method.
pub(super) struct Doing<T> {
    stage: Foreign<Stage<T>>,
    /// Makes what the sink is told of the result.
    told: fn(T) -> Option<Object>,
    /// The path of what is put.
    text: Option<String>,
    /// Who does it, for errors.
    provider: String,
    begun: Begun,
}

/// Whether a provider has been asked to do something: from then on it is done, though nobody waits for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun {
    is_begun: Rc<Cell<bool>>,
}

impl Begun {
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun.get()
    }
}

enum Stage<T> {
    Ahead(Box<dyn FnOnce() -> Result<Action<T>, WbemError>>),
    UnderWay(Action<T>),
    Over,
}

impl<T> Doing<T> {
    pub(super) fn new(
        provider: String,
        begin: impl FnOnce() -> Result<Action<T>, WbemError> + 'static,
        told: fn(T) -> Option<Object>,
    ) -> Doing<T> {
        let stage = Foreign::new(Stage::Ahead(Box::new(begin)));
        Doing { stage, told, text: None, provider, begun: Begun::default() }
    }

    /// The work of a call that does this.
    pub(super) fn start(self, operation: &'static str) -> Start
    where
        T: 'static,
    {
        let begun = self.begun.clone();
        Start { operation, work: Ok(Box::new(self)), begun: Some(begun) }
    }

    /// Says the path of what is put.
    pub(super) fn text(mut self, text: Option<String>) -> Doing<T> {
        self.text = text;
        self
    }
}

impl<T> Source for Doing<T> {
    fn step(&mut self, _: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next {
        let begun = match std::mem::replace(&mut *self.stage, Stage::Over) {
            Stage::Ahead(begin) => {
                self.begun.is_begun.set(true);
                begin()
            }
            Stage::UnderWay(action) => Ok(action),
            Stage::Over => Err(WbemStatus::Unexpected.into()),
        };
        let stepped = match begun {
            Ok(action) => action.step(|| waker(asking.waker.clone())),
            Err(error) => Stepped::Over(Err(error)),
        };
        let (action, next) = match stepped {
            Stepped::Again(action) => (action, Next::More),
            Stepped::Parked(action) => (action, Next::Parked),
            Stepped::Over(result) => {
                let result = result.map_err(|error| error.provider(self.provider.clone())).map(|value| {
                    out.extend((self.told)(value).map(Part::Object));
                    WbemStatus::SNoError
                });
                let text = self.text.take().filter(|_| result.is_ok());
                return Next::End(Finish { text, ..Finish::of(result) });
            }
        };
        *self.stage = Stage::UnderWay(action);
        next
    }
}
