//! The table of calls: which are under way, whose they are, and which share a sink.
//!
//! Floor 5. Pure. It follows the machine of the specification MS-WMI: an entry for each call, found by its
//! sink, gone before its final status is told.
//!
//! | call    | next                                                                                    |
//! |---------|-----------------------------------------------------------------------------------------|
//! | Running | its stream ends: told and gone; its sink is cancelled: Ended                             |
//! | Ended   | its message arrives: told and gone; its sink is cancelled: Ended with another status     |
//!
//! A method, a put or a delete that is cancelled goes on, and belongs to nobody until it is over.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Weak;

use super::collector::Collector;
use super::error::WbemStatus;
use super::feed::{Finish, Part};
use super::sink::{CallId, Sink, SinkId};
use super::work::Begun;
use crate::{ExternalId, GroupId, OperationId, StreamId, WindowId};

/// How many cancelled calls are remembered: the program may still hold a message of them.
const CANCELLED_MAX: usize = 1024;

/// The calls of a server.
#[derive(Default)]
pub(super) struct Calls {
    calls: HashMap<OperationId, Call>,
    sinks: HashMap<SinkId, SinkEntry>,
    started: u64,
    /// Calls that were cancelled, and whose sink does not know yet.
    silenced: HashSet<CallId>,
    /// The operations of calls that were cancelled last, and the calls, also in their order: every message of the program
    /// asks for them.
    cancelled: HashSet<OperationId>,
    cancelled_calls: HashSet<CallId>,
    cancelled_in_order: VecDeque<(OperationId, CallId)>,
    /// Calls that are over, and whose sink is an object that is called just now: it hears of the end later.
    held: HashMap<CallId, Held>,
}

/// An end that waits until a sink's object can be called.
struct Held {
    sink: SinkId,
    /// Whatever the end was, it is told that the call was cancelled.
    is_cancelled: bool,
}

/// A call.
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) target: CallTarget,
    /// The handle by which it was made.
    pub(super) handle: OperationId,
    pub(super) state: CallState,
    /// It is a method, a put or a delete.
    pub(super) begun: Option<Begun>,
}

/// Whom a call tells.
#[derive(Clone)]
pub(super) enum CallTarget {
    Sink(Sink),
    /// Somebody who fetches, and waits for messages of this window.
    Collector(Weak<RefCell<Collector>>, WindowId),
    /// It was cancelled.
    Nobody,
}

/// Where a call is.
pub(super) enum CallState {
    Running(StreamId<Part, Finish>),
    /// The end is known, and a message to tell it is under way.
    Ended(ExternalId<()>, Finish),
}

/// The calls that share a sink.
pub(super) struct SinkEntry {
    pub(super) group: GroupId,
    pub(super) calls: BTreeMap<CallId, OperationId>,
}

impl CallState {
    pub(super) fn operation(&self) -> OperationId {
        match self {
            CallState::Running(stream) => stream.id(),
            CallState::Ended(external, _) => external.id(),
        }
    }
}

impl Call {
    /// Whether it goes on when it is cancelled.
    pub(super) fn runs_on(&self) -> bool {
        matches!(self.state, CallState::Running(_)) && self.begun.as_ref().is_some_and(Begun::is_begun)
    }

    /// Whether all that is left of the call is to tell that it was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        let CallState::Ended(_, finish) = &self.state else { return false };
        matches!(&finish.result, Err(error) if error.status == WbemStatus::CallCancelled)
    }
}

impl Calls {
    /// The group of a sink that has calls.
    pub(super) fn group(&self, sink: SinkId) -> Option<GroupId> {
        self.sinks.get(&sink).map(|entry| entry.group)
    }

    /// The next call's name.
    pub(super) fn next_id(&mut self) -> CallId {
        self.started += 1;
        CallId::numbered(self.started)
    }

    /// Puts a call into the table; with a group it is found by its sink, which has this group.
    pub(super) fn insert(&mut self, call: Call, group: Option<GroupId>) {
        let operation = call.state.operation();
        if let (CallTarget::Sink(sink), Some(group)) = (&call.target, group) {
            let entry = self.sinks.entry(sink.id());
            let entry = entry.or_insert_with(|| SinkEntry { group, calls: BTreeMap::new() });
            entry.calls.insert(call.id, operation);
        }
        if call.is_cancelled() {
            self.silenced.insert(call.id);
        }
        self.calls.insert(operation, call);
    }

    /// Whether a call was cancelled, and its sink does not know yet, or not for long.
    pub(super) fn is_silenced(&self, call: CallId) -> bool {
        let is_held = || self.held.get(&call).is_some_and(|held| held.is_cancelled);
        self.silenced.contains(&call) || self.cancelled_calls.contains(&call) || is_held()
    }

    /// Takes in that the end of a call waits until the object of its sink can be called.
    pub(super) fn hold(&mut self, call: CallId, sink: SinkId, is_cancelled: bool) {
        self.held.insert(call, Held { sink, is_cancelled });
    }

    /// Takes in that such an end is told now, and says whether it is that the call was cancelled.
    pub(super) fn let_go(&mut self, call: CallId) -> bool {
        self.held.remove(&call).is_some_and(|held| held.is_cancelled)
    }

    /// Cancels the calls of a sink whose ends are held, all or one, and says whether there were any.
    pub(super) fn cancel_held(&mut self, sink: SinkId, call: Option<CallId>) -> bool {
        let is_meant =
            |id: &CallId, held: &Held| held.sink == sink && !held.is_cancelled && call.is_none_or(|call| call == *id);
        let meant = self.held.iter_mut().filter(|(id, held)| is_meant(id, held));
        meant.map(|(_, held)| held.is_cancelled = true).count() > 0
    }

    pub(super) fn get(&self, operation: OperationId) -> Option<&Call> {
        self.calls.get(&operation)
    }

    /// Whether the operation is of a call that was cancelled not long ago.
    pub(super) fn was_cancelled(&self, operation: OperationId) -> bool {
        self.cancelled.contains(&operation)
    }

    /// Takes a call out; with the group of its sink if it was the last one there.
    pub(super) fn remove(&mut self, operation: OperationId) -> Option<(Call, Option<GroupId>)> {
        let call = self.calls.remove(&operation)?;
        self.silenced.remove(&call.id);
        let CallTarget::Sink(sink) = &call.target else { return Some((call, None)) };
        let Some(entry) = self.sinks.get_mut(&sink.id()) else { return Some((call, None)) };
        entry.calls.remove(&call.id);
        let group = entry.calls.is_empty().then_some(entry.group);
        if group.is_some() {
            self.sinks.remove(&sink.id());
        }
        Some((call, group))
    }

    /// Takes out all calls of a sink, in the order in which they were started; `None` if it has none.
    ///
    /// Those that run on stay, and belong to nobody.
    pub(super) fn cancel_sink(&mut self, sink: SinkId) -> Option<(GroupId, Vec<Call>)> {
        let entry = self.sinks.remove(&sink)?;
        let calls = entry.calls.into_values().filter_map(|operation| Some(self.detach(operation)?.0));
        Some((entry.group, calls.collect()))
    }

    /// Takes a call out that is cancelled, as [`remove`](Calls::remove) does. One that runs on stays, and belongs
    /// to nobody.
    pub(super) fn detach(&mut self, operation: OperationId) -> Option<(Call, Option<GroupId>)> {
        let (call, group) = self.remove(operation)?;
        self.remember(operation, call.id);
        if let CallState::Running(stream) = call.state
            && call.runs_on()
        {
            let (id, handle, state) = (call.id, call.handle, CallState::Running(stream));
            let abandoned = Call { id, target: CallTarget::Nobody, handle, state, begun: call.begun.clone() };
            self.calls.insert(operation, abandoned);
        }
        Some((call, group))
    }

    /// Remembers that a call was cancelled, in place of the one that was cancelled longest ago if there are many.
    fn remember(&mut self, operation: OperationId, call: CallId) {
        // One that was left to itself before is known already.
        if !self.cancelled.insert(operation) {
            return;
        }
        if self.cancelled_in_order.len() == CANCELLED_MAX
            && let Some((operation, call)) = self.cancelled_in_order.pop_front()
        {
            self.cancelled.remove(&operation);
            self.cancelled_calls.remove(&call);
        }
        self.cancelled_in_order.push_back((operation, call));
        self.cancelled_calls.insert(call);
    }

    /// The operation of a sink's call, if it is still to be ended.
    pub(super) fn operation_of(&self, sink: SinkId, call: CallId) -> Option<OperationId> {
        self.sinks.get(&sink)?.calls.get(&call).copied()
    }

    /// The operations of calls that `is_meant` picks and that tell somebody, in the order of their starts.
    pub(super) fn select(&self, is_meant: impl Fn(&Call) -> bool) -> Vec<OperationId> {
        let told = self.calls.iter().filter(|(_, call)| !matches!(call.target, CallTarget::Nobody));
        let meant = told.filter(|(_, call)| is_meant(call));
        let mut found: Vec<_> = meant.map(|(operation, call)| (call.id, *operation)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, operation)| operation).collect()
    }

    /// How many calls are in the table.
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }
}
