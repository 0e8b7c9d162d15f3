//! Reading instances from those who provide them, one provider after the other, and keeping what is wanted.
//!
//! Floor 5. What a provider gives is not believed: rows of another class are left out, and the whole
//! condition is tried on every row.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};

use super::class::Class;
use super::error::{WbemError, WbemStatus};
use super::fold;
use super::foreign::Foreign;
use super::instance::Instance;
use super::provider::{ClassProvider, Progress, Rows, Wanted};
use super::value::Value;
use super::wql::{Predicate, Projection};
use crate::StreamWaker;

/// How many rows were read for a call, and how many of them were wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Rows that providers gave.
    pub read: u64,
    /// Rows that matched.
    pub kept: u64,
}

/// Somebody to be asked, and for what.
#[derive(Clone)]
pub(super) struct Target {
    /// The class that is provided.
    pub(super) class: Arc<Class>,
    /// The class derived from it whose objects are wanted, if not all are.
    pub(super) only: Option<Arc<Class>>,
    pub(super) provider: Rc<dyn ClassProvider>,
    pub(super) wanted: Wanted,
}

/// Which rows are kept.
#[derive(Clone)]
pub(super) enum Filter {
    All,
    /// Those of the class, and none of a derived one.
    Class(Arc<Class>),
    /// The one with these keys.
    Keys(Vec<Value>),
    Predicate(Rc<Predicate>),
}

/// The reading of all that a query is about.
pub(super) struct Scan {
    targets: VecDeque<Target>,
    filter: Filter,
    projection: Option<Projection>,
    reading: Option<Reading>,
    asked: Option<(Arc<Class>, Rc<dyn ClassProvider>)>,
    /// Who was asked last was asked for objects by their keys.
    is_by_keys: bool,
    /// What a slice has read, before it is looked at; kept for its memory.
    rows: Vec<Arc<Instance>>,
    pub(super) counts: Counts,
}

/// The rows of one provider.
struct Reading {
    class: Arc<Class>,
    /// As of its target.
    only: Option<Arc<Class>>,
    rows: Foreign<Box<dyn Rows>>,
    /// In the middle of a slice: if it is never left, the rows have panicked.
    is_in_slice: bool,
    is_over: bool,
}

impl Scan {
    pub(super) fn new(targets: Vec<Target>, filter: Filter, projection: Option<Projection>) -> Scan {
        let (reading, asked, rows, counts) = (None, None, Vec::new(), Counts::default());
        Scan { targets: targets.into(), filter, projection, reading, asked, is_by_keys: false, rows, counts }
    }

    /// Reads on for a slice and appends what is wanted; about `room` rows are asked for.
    pub(super) fn step(
        &mut self,
        room: usize,
        out: &mut Vec<Arc<Instance>>,
        waker: impl FnOnce() -> Waker,
    ) -> Progress {
        match self.slice(room, out, waker) {
            Progress::End(Err(error)) if !self.is_elsewhere(&error) => Progress::End(Err(error)),
            Progress::End(_) if self.targets.is_empty() => Progress::End(Ok(())),
            Progress::End(_) => Progress::More,
            progress => progress,
        }
    }

    /// Who was asked last: the class, and who provides it.
    pub(super) fn asked(&self) -> Option<&(Arc<Class>, Rc<dyn ClassProvider>)> {
        self.asked.as_ref()
    }

    /// Whether an error only says that one of those who are asked for objects by their keys does not have them.
    fn is_elsewhere(&self, error: &WbemError) -> bool {
        self.is_by_keys && error.status == WbemStatus::NotFound
    }

    /// Reads on with one provider, to its end at most.
    fn slice(&mut self, room: usize, out: &mut Vec<Arc<Instance>>, waker: impl FnOnce() -> Waker) -> Progress {
        if self.reading.is_none() {
            let Some(target) = self.targets.pop_front() else { return Progress::End(Ok(())) };
            self.asked = Some((target.class.clone(), target.provider.clone()));
            self.is_by_keys = matches!(self.filter, Filter::Keys(_)) || target.wanted.keys().is_some();
            match Reading::begin(target, waker) {
                Ok(reading) => self.reading = Some(reading),
                Err(error) => return Progress::End(Err(error)),
            }
        }
        let Some(reading) = &mut self.reading else { unreachable!("it was begun right before") };
        let progress = reading.step(room, &mut self.rows);
        for row in self.rows.drain(..) {
            self.counts.read += 1;
            if is_kept(&self.filter, &row, reading) {
                self.counts.kept += 1;
                out.push(self.projection.as_ref().map_or_else(|| row.clone(), |projection| projection.apply(&row)));
            }
        }
        let Progress::End(result) = progress else { return progress };
        let class = reading.class.clone();
        self.reading = None;
        Progress::End(result.map_err(|error| error.provider(class.name().to_string())))
    }
}

impl Reading {
    /// Asks a provider for its rows.
    fn begin(target: Target, waker: impl FnOnce() -> Waker) -> Result<Reading, WbemError> {
        let opened = target.provider.open(&target.wanted);
        let mut rows = opened.map(Foreign::new).map_err(|error| error.provider(target.class.name().to_string()))?;
        rows.set_waker(waker());
        Ok(Reading { class: target.class, only: target.only, rows, is_in_slice: false, is_over: false })
    }

    fn step(&mut self, room: usize, out: &mut Vec<Arc<Instance>>) -> Progress {
        self.is_in_slice = true;
        let progress = self.rows.step(room, out);
        self.is_in_slice = false;
        self.is_over = matches!(progress, Progress::End(_));
        progress
    }
}

impl Drop for Reading {
    /// A panic here would unwind into whoever cancels, and other calls would never hear of their end.
    fn drop(&mut self) {
        if self.is_over || self.is_in_slice {
            return;
        }
        let told = catch_unwind(AssertUnwindSafe(|| self.rows.cancelled()));
        if told.is_err() {
            log::warn!("the provider of {} panicked when it was told of a cancel", self.class.name());
        }
    }
}

/// Whether a row is of the class and wanted.
fn is_kept(filter: &Filter, row: &Instance, reading: &Reading) -> bool {
    let class = &reading.class;
    if !is_of(row, class) {
        log::warn!("the provider of {} gave an object of {}, left out", class.name(), row.class().name());
        return false;
    }
    let class = reading.only.as_ref().unwrap_or(class);
    if reading.only.is_some() && !is_of(row, class) {
        return false;
    }
    match filter {
        Filter::All => true,
        Filter::Class(class) => Arc::ptr_eq(row.class(), class) || fold::equal(row.class().name(), class.name()),
        Filter::Predicate(predicate) => predicate.matches(row).is_true(),
        Filter::Keys(keys) => has_keys(row, class, keys),
    }
}

/// Whether an instance is of a class, or of one derived from it.
fn is_of(row: &Instance, class: &Arc<Class>) -> bool {
    Arc::ptr_eq(row.class(), class) || row.class().is_a(class.name())
}

/// Whether an instance has these keys; letter case is ignored in texts.
fn has_keys(row: &Instance, class: &Class, keys: &[Value]) -> bool {
    let mut pairs = class.keys().iter().zip(keys);
    pairs.all(|(index, key)| row.value(*index).is_some_and(|value| value.is_same_key(key)))
}

/// A stream's waker as the one that providers know.
struct Wakes(StreamWaker);

impl Wake for Wakes {
    fn wake(self: Arc<Wakes>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Wakes>) {
        self.0.wake();
    }
}

/// Turns a stream's waker into the one that providers know.
pub(super) fn waker(waker: StreamWaker) -> Waker {
    Waker::from(Arc::new(Wakes(waker)))
}
