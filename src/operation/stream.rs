//! Streams under way: who is asked next, who waits for what, and who has no credit left.
//!
//! Floor 2. Pure, but for the providers, which are the program's own code and know nothing of the pump.
//! Everybody who has something to give stands in one line and is asked in turn, a slice at a time.
//!
//! | stream | next                                                                              |
//! |--------|-----------------------------------------------------------------------------------|
//! | InLine | it is asked: InLine, Spent or Idle by its answer, or it is over                   |
//! | Spent  | one of its batches is taken: InLine                                               |
//! | Idle   | its alarm rings or its waker is woken: InLine, or Spent if its credit is          |

use std::time::Duration;

use crate::line::Line;
use crate::moment::{Moment, TimeLine};
use crate::provider::{AnyProvider, Batch, SliceOutcome, SliceRequest, Step, StreamEnd, StreamSettings, StreamWaker};
use crate::slots::{Slot, Slots, slot_of};
use crate::timers::Timers;

/// The soonest that a provider is asked again which says when: one that names the past would spin.
const AGAIN_MIN: Duration = Duration::from_millis(1);

slotmap::new_key_type! { struct StreamKey; }

/// The streams under way.
pub(crate) struct Streams {
    streams: Slots<StreamKey, Stream>,
    line: Line,
    alarms: Timers,
}

struct Stream {
    operation: Slot,
    provider: Box<dyn AnyProvider>,
    waker: StreamWaker,
    settings: StreamSettings,
    /// Batches in the queue.
    undelivered: usize,
    state: StreamState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StreamState {
    InLine,
    Spent,
    Idle,
}

/// What a slice gave: some items, the end, or both.
pub(crate) struct Sliced {
    pub(crate) operation: Slot,
    pub(crate) batch: Option<Batch>,
    pub(crate) end: Option<(StreamEnd, Box<dyn AnyProvider>)>,
}

impl Streams {
    pub(crate) fn new() -> Streams {
        Streams { streams: Slots::new(), line: Line::new(), alarms: Timers::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(crate) fn start(
        &mut self,
        operation: Slot,
        provider: Box<dyn AnyProvider>,
        waker: StreamWaker,
        settings: StreamSettings,
    ) -> Slot {
        let stream = Stream { operation, provider, waker, settings, undelivered: 0, state: StreamState::InLine };
        let slot = slot_of(self.streams.insert(stream));
        self.line.push(slot);
        slot
    }

    /// Ends a stream without a word. Its provider comes back, to be dropped when all is consistent.
    pub(crate) fn cancel(&mut self, slot: Slot) -> Box<dyn AnyProvider> {
        self.remove(slot).provider
    }

    fn remove(&mut self, slot: Slot) -> Stream {
        self.alarms.remove(slot);
        let stream = self.streams.remove(self.streams.key_at(slot)).expect("slots are used while alive");
        if stream.state == StreamState::InLine {
            self.line.remove(slot);
        }
        stream
    }

    /// What wakes a stream that is parked.
    pub(crate) fn waker(&self, slot: Slot) -> &StreamWaker {
        &self.streams.at(slot).waker
    }

    /// Takes in that a stream's waker was woken.
    pub(crate) fn woken(&mut self, slot: Slot) {
        self.streams.at(slot).waker.take_wake();
        if self.streams.at(slot).state == StreamState::Idle {
            self.alarms.remove(slot);
            self.line_up(slot);
        }
    }

    /// Takes in that one of a stream's batches left the queue.
    pub(crate) fn batch_taken(&mut self, slot: Slot) {
        let stream = self.streams.at_mut(slot);
        stream.undelivered -= 1;
        if stream.state == StreamState::Spent {
            self.line_up(slot);
        }
    }

    /// The time has become `now`: whoever wanted to be asked by then stands in line.
    pub(crate) fn advance(&mut self, now: Moment) {
        while let Some((_, slot)) = self.alarms.first().filter(|&(deadline, _)| deadline <= now) {
            self.alarms.remove(slot);
            self.line_up(slot);
        }
    }

    /// Whether somebody stands in line.
    #[inline]
    pub(crate) fn has_work(&self) -> bool {
        !self.line.is_empty()
    }

    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.alarms.first().map(|(deadline, _)| deadline)
    }

    /// Asks the first in line for a slice.
    pub(crate) fn step(&mut self, now: Moment, time_line: TimeLine) -> Option<Sliced> {
        let slot = self.line.first()?;
        let instant = time_line.instant(now).expect("the clock was read");
        let stream = self.streams.at_mut(slot);
        let operation = stream.operation;
        let request = SliceRequest { room: stream.settings.batch, now: instant, waker: &stream.waker };
        let SliceOutcome { batch, step } = stream.provider.slice(request);
        stream.undelivered += usize::from(batch.is_some());
        if let Step::End(end) = step {
            let provider = self.remove(slot).provider;
            return Some(Sliced { operation, batch, end: Some((end, provider)) });
        }
        self.line.remove(slot);
        match step {
            Step::More | Step::End(_) => self.line_up(slot),
            Step::Parked => self.streams.at_mut(slot).state = StreamState::Idle,
            Step::At(instant) => {
                self.streams.at_mut(slot).state = StreamState::Idle;
                self.alarms.set(slot, time_line.moment(instant).max(now.saturating_add(AGAIN_MIN)));
            }
        }
        Some(Sliced { operation, batch, end: None })
    }

    /// Goes to the end of the line, or has to wait until a batch is taken.
    fn line_up(&mut self, slot: Slot) {
        let stream = self.streams.at_mut(slot);
        if stream.undelivered < stream.settings.credit {
            stream.state = StreamState::InLine;
            self.line.push(slot);
        } else {
            stream.state = StreamState::Spent;
        }
    }
}
