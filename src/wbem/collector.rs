//! Where objects wait for somebody who fetches them.
//!
//! Floor 5. Pure, but for the wakers. Enumerators and the results of single calls are made of it. Each object has a
//! place, counted from the first one; whoever only goes forward takes the objects out.

use std::collections::VecDeque;

use super::feed::{Finish, Part};
use super::object::Object;
use crate::StreamWaker;

/// How many objects are made ready for an enumerator before somebody fetches them.
const AHEAD_MAX: usize = 4096;

/// Objects of a call, and its end.
pub(super) struct Collector {
    /// Those from the place `base` on; `None` where one was taken out.
    objects: VecDeque<Option<Object>>,
    base: usize,
    /// The place behind the last one that was fetched.
    fetched: usize,
    /// The place up to which somebody waits for objects.
    wanted: usize,
    finish: Option<Finish>,
    keeping: Keeping,
    /// Makes the call go on.
    waker: Option<StreamWaker>,
    /// Those who wait for more.
    followers: Vec<StreamWaker>,
}

/// What becomes of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// They are kept, all of them wanted at once.
    Everything,
    /// They are kept, so that they can be fetched again.
    Fetched,
    /// They are given away.
    Nothing,
}

impl Collector {
    pub(super) fn new(keeping: Keeping) -> Collector {
        let (objects, followers) = (VecDeque::new(), Vec::new());
        Collector { objects, base: 0, fetched: 0, wanted: 0, finish: None, keeping, waker: None, followers }
    }

    /// Whether enough objects wait; then the call is woken when some were fetched.
    pub(super) fn wants_pause(&mut self, waker: &dyn Fn() -> StreamWaker) -> bool {
        self.waker.get_or_insert_with(waker);
        let is_enough = self.waiting() >= AHEAD_MAX && self.end() >= self.wanted;
        self.keeping != Keeping::Everything && is_enough
    }

    /// Takes in that somebody waits for all objects before the place `wanted`, however many; for none any more at 0.
    pub(super) fn want(&mut self, wanted: usize) {
        self.wanted = wanted;
        if wanted > self.end() {
            self.waker.iter().for_each(StreamWaker::wake);
        }
    }

    /// How many objects nobody has fetched.
    fn waiting(&self) -> usize {
        self.end().saturating_sub(self.fetched)
    }

    /// Takes in what the call gave.
    pub(super) fn add(&mut self, parts: Vec<Part>) {
        self.objects.extend(parts.into_iter().filter_map(|part| match part {
            Part::Object(object) => Some(Some(object)),
            Part::Progress { .. } => None,
        }));
        self.wake_followers();
    }

    /// Takes in how the call ended; only the first end counts.
    pub(super) fn finish(&mut self, finish: Finish) {
        self.finish.get_or_insert(finish);
        self.wake_followers();
    }

    fn wake_followers(&mut self) {
        self.followers.drain(..).for_each(|waker| waker.wake());
    }

    /// Wakes `waker` once, when there is more.
    pub(super) fn follow(&mut self, waker: StreamWaker) {
        self.followers.push(waker);
    }

    /// The place behind the last object.
    pub(super) fn end(&self) -> usize {
        self.base + self.objects.len()
    }

    pub(super) fn finished(&self) -> Option<&Finish> {
        self.finish.as_ref()
    }

    /// Fetches the objects from the place `from` on, at most `count` of them.
    pub(super) fn fetch(&mut self, from: usize, count: usize) -> Vec<Object> {
        let was_full = self.waiting() >= AHEAD_MAX;
        let begin = from.max(self.base) - self.base;
        let end = begin.saturating_add(count).min(self.objects.len());
        let begin = begin.min(end);
        let places = self.objects.range_mut(begin..end);
        let fetched: Vec<_> = match self.keeping {
            Keeping::Nothing => places.filter_map(Option::take).collect(),
            Keeping::Everything | Keeping::Fetched => places.filter_map(|object| object.clone()).collect(),
        };
        while self.objects.front().is_some_and(Option::is_none) {
            self.objects.pop_front();
            self.base += 1;
        }
        if !fetched.is_empty() {
            self.fetched = self.fetched.max(from.saturating_add(fetched.len()));
        }
        if was_full {
            self.waker.iter().for_each(StreamWaker::wake);
        }
        fetched
    }
}

impl Drop for Collector {
    /// The call sees that nobody collects, and ends.
    fn drop(&mut self) {
        if self.finish.is_none() {
            self.waker.iter().for_each(StreamWaker::wake);
        }
    }
}
