//! A call at work, as the core's streams have it.
//!
//! Floor 5. Whatever a call does is a source: it gives objects a slice at a time. The feed hands them to the core
//! in batches, a report of progress always in a batch of its own.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Weak;
use std::time::Instant;

use super::collector::Collector;
use super::error::{WbemError, WbemStatus};
use super::object::Object;
use super::provider::Progress;
use super::scan::Counts;
use crate::{Provider, Slice, Step, StreamWaker};

/// What a call gives before its end.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Object(Object),
    Progress { done: u16, total: u16 },
}

impl Part {
    /// The object, if it is one.
    pub(super) fn object(self) -> Option<Object> {
        match self {
            Part::Object(object) => Some(object),
            Part::Progress { .. } => None,
        }
    }
}

/// What a call ends with.
#[derive(Clone, Debug)]
pub(super) struct Finish {
    /// A success code, or what went wrong.
    pub(super) result: Result<WbemStatus, WbemError>,
    /// The path of what was put.
    pub(super) text: Option<String>,
    pub(super) counts: Counts,
}

/// What does the work of a call.
pub(super) trait Source {
    /// Works for a slice and appends what it gives; `room` is a wish.
    fn step(&mut self, room: usize, out: &mut VecDeque<Part>, asking: &Asking) -> Next;
}

/// When a source is asked, and what wakes it.
pub(super) struct Asking {
    pub(super) now: Instant,
    pub(super) waker: StreamWaker,
}

/// How a source goes on.
pub(super) enum Next {
    More,
    At(Instant),
    Parked,
    End(Finish),
}

impl Next {
    /// How a source goes on that has asked a provider.
    pub(super) fn after(progress: Progress, now: Instant, counts: Counts) -> Next {
        match progress {
            Progress::More | Progress::Done { .. } => Next::More,
            Progress::After(delay) => now.checked_add(delay).map_or(Next::Parked, Next::At),
            Progress::Parked => Next::Parked,
            Progress::End(result) => {
                Next::End(Finish { result: result.map(|()| WbemStatus::SNoError), text: None, counts })
            }
        }
    }
}

impl Finish {
    /// An end without anything beside it.
    pub(super) fn of(result: Result<WbemStatus, WbemError>) -> Finish {
        Finish { result, text: None, counts: Counts::default() }
    }
}

/// A source as a provider of the core.
pub(super) struct Feed {
    source: Box<dyn Source>,
    /// What the source gave and is not handed on.
    ready: VecDeque<Part>,
    /// What the source said, until all is handed on.
    next: Next,
    /// Who collects what is given, if it is not a sink.
    reader: Option<Weak<RefCell<Collector>>>,
    /// The call, for errors.
    operation: &'static str,
}

impl Feed {
    pub(super) fn new(
        operation: &'static str,
        source: Box<dyn Source>,
        reader: Option<Weak<RefCell<Collector>>>,
    ) -> Feed {
        Feed { source, ready: VecDeque::new(), next: Next::More, reader, operation }
    }

    /// Whether the reader has enough for now; `None` if it is gone.
    fn is_reader_full(&self, waker: &dyn Fn() -> StreamWaker) -> Option<bool> {
        let Some(reader) = &self.reader else { return Some(false) };
        Some(reader.upgrade()?.borrow_mut().wants_pause(waker))
    }

    /// Hands on what is ready, as far as there is room.
    fn hand_on(&mut self, slice: &mut Slice<'_, Part>) {
        let mut is_first = true;
        while let Some(part) = self.ready.pop_front() {
            let is_alone = matches!(part, Part::Progress { .. });
            if is_alone && !is_first {
                self.ready.push_front(part);
                return;
            }
            if let Err(part) = slice.push(part) {
                self.ready.push_front(part);
                return;
            }
            if is_alone {
                return;
            }
            is_first = false;
        }
    }
}

impl Provider for Feed {
    type Item = Part;
    type Status = Finish;

    fn step(&mut self, slice: &mut Slice<'_, Part>) -> Step<Finish> {
        if self.ready.is_empty() {
            match self.is_reader_full(&|| slice.waker()) {
                None => return Step::End(Finish::of(Err(WbemStatus::CallCancelled.into()))),
                Some(true) => return Step::Parked,
                Some(false) => {}
            }
            let asking = Asking { now: slice.now(), waker: slice.waker() };
            self.next = self.source.step(slice.room(), &mut self.ready, &asking);
        }
        self.hand_on(slice);
        if !self.ready.is_empty() {
            return Step::More;
        }
        match std::mem::replace(&mut self.next, Next::More) {
            Next::More => Step::More,
            Next::At(instant) => Step::At(instant),
            Next::Parked => Step::Parked,
            Next::End(mut finish) => {
                finish.result = finish.result.map_err(|error| error.operation(self.operation));
                Step::End(finish)
            }
        }
    }
}
