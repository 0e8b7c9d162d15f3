//! What calls do: reading, writing, running methods.
//!
//! Floor 5. Each is a [`Source`]. Nothing of a provider is touched before the first slice, so a call that is
//! cancelled in the turn of its start has asked nobody.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::feed::{Asking, Finish, Next, Part, Source};
use super::foreign::Foreign;
use super::instance::Instance;
use super::object::Object;
use super::provider::{Action, ClassProvider, Progress, Stepped};
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
    rows: Vec<Arc<Instance>>,
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
        match look(&mut self.scan, &self.path, room, asking) {
            Ok(row) => {
                out.push_back(Part::Object(row.into()));
                let counts = self.scan.counts;
                Next::End(Finish { result: Ok(WbemStatus::SNoError), text: None, counts })
            }
            Err(next) => next,
        }
    }
}

/// Looks on for the one object that a scan should find; the error is how to go on without it.
fn look(scan: &mut Scan, path: &str, room: usize, asking: &Asking) -> Result<Arc<Instance>, Next> {
    let mut rows = Vec::new();
    let progress = scan.step(room, &mut rows, || waker(asking.waker.clone()));
    if let Some(row) = rows.into_iter().next() {
        return Ok(row);
    }
    Err(match progress {
        Progress::End(Ok(())) => {
            let error = WbemError::new(WbemStatus::NotFound);
            let error = error.description("there is no such object").parameter(path.to_string());
            Next::End(Finish { result: Err(error), text: None, counts: scan.counts })
        }
        progress => Next::after(progress, asking.now, scan.counts),
    })
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

    /// Has others see whether it is begun.
    fn seen_by(mut self, begun: Begun) -> Doing<T> {
        self.begun = begun;
        self
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
            Stepped::Later(pause, action) => (action, asking.now.checked_add(pause).map_or(Next::Parked, Next::At)),
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

/// A delete or a method of an object that one of several may have: it is looked for first, so that it is done by whoever
/// gives the object.
pub(super) struct Seeking<T> {
    stage: Sought<T>,
    /// What is looked for, for the error.
    path: String,
    begun: Begun,
}

enum Sought<T> {
    Looking(Scan, Option<Do<T>>),
    Found(Doing<T>),
}

/// What is done with an object that was found.
type Do<T> = Box<dyn FnOnce(Holder) -> Result<Doing<T>, WbemError>>;

/// An object, and who gave it.
pub(super) struct Holder {
    pub(super) object: Arc<Instance>,
    /// The class that is provided.
    pub(super) class: Arc<Class>,
    pub(super) provider: Rc<dyn ClassProvider>,
}

impl<T: 'static> Seeking<T> {
    pub(super) fn new(
        scan: Scan,
        path: String,
        then: impl FnOnce(Holder) -> Result<Doing<T>, WbemError> + 'static,
    ) -> Seeking<T> {
        Seeking { stage: Sought::Looking(scan, Some(Box::new(then))), path, begun: Begun::default() }
    }

    /// The work of a call that does this.
    pub(super) fn start(self, operation: &'static str) -> Start {
        let begun = self.begun.clone();
        Start { operation, work: Ok(Box::new(self)), begun: Some(begun) }
    }
}

impl<T> Source for Seeking<T> {
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next {
        let (scan, then) = match &mut self.stage {
            Sought::Looking(scan, then) => (scan, then),
            Sought::Found(doing) => return doing.step(room, out, asking),
        };
        let object = match look(scan, &self.path, room, asking) {
            Ok(object) => object,
            Err(next) => return next,
        };
        let asked = scan.asked().cloned().zip(then.take());
        let ((class, provider), then) = asked.expect("somebody gave the object, and it was found once");
        match then(Holder { object, class, provider }) {
            Ok(doing) => {
                self.stage = Sought::Found(doing.seen_by(self.begun.clone()));
                Next::More
            }
            Err(error) => Next::End(Finish::of(Err(error))),
        }
    }
}
