//! The way from the handle of a request to its operation.
//!
//! Floor 5. Handles are numbers in a row, so the latest ones are found by counting back. Few requests live long;
//! when most of the row is over, those at its far end move to a table, and the row is short again.

use std::collections::VecDeque;

use super::handle::{Numbers, TaskHandle};
use super::table::Table;
use crate::OperationId;

/// The row may have this many places, and four for each request that lives.
const SPARE_PLACES: usize = 1024;

pub(super) struct Handles {
    numbers: Numbers,
    /// The operations of the latest handles, in their order; none for those that are over.
    row: VecDeque<Option<OperationId>>,
    /// How many of the row live.
    living: usize,
    elders: Table<TaskHandle, OperationId>,
}

impl Handles {
    pub(super) fn new() -> Handles {
        Handles { numbers: Numbers::of_tasks(), row: VecDeque::new(), living: 0, elders: Table::default() }
    }

    /// Gives out a handle that no other living request has.
    pub(super) fn issue(&mut self, operation: Option<OperationId>) -> TaskHandle {
        self.shorten();
        loop {
            let handle = TaskHandle::from_raw(self.numbers.issue());
            if !self.elders.is_empty() && self.elders.contains_key(&handle) {
                self.row.push_back(None);
                continue;
            }
            self.row.push_back(operation);
            self.living += usize::from(operation.is_some());
            return handle;
        }
    }

    /// The operation of a handle whose request lives.
    pub(super) fn operation(&self, handle: TaskHandle) -> Option<OperationId> {
        match self.place(handle)? {
            Some(place) => self.row[place],
            None => self.elders.get(&handle).copied(),
        }
    }

    /// Takes in that a request is over.
    pub(super) fn forget(&mut self, handle: TaskHandle) {
        match self.place(handle) {
            Some(Some(place)) => {
                self.living -= usize::from(self.row[place].take().is_some());
                while let Some(None) = self.row.front() {
                    self.row.pop_front();
                }
            }
            Some(None) => _ = self.elders.remove(&handle),
            None => {}
        }
    }

    /// Whether the handle was given out since the last startup.
    pub(super) fn is_issued(&self, handle: TaskHandle) -> bool {
        self.numbers.is_issued(handle.raw())
    }

    /// Makes the handles given out so far those of the past.
    pub(super) fn begin_epoch(&mut self) {
        self.numbers.begin_epoch();
        self.row.clear();
        self.elders.clear();
        self.living = 0;
    }

    /// Where in the row a handle is: nowhere, if it is too old. `None` for one that was never given out.
    fn place(&self, handle: TaskHandle) -> Option<Option<usize>> {
        let age = self.numbers.age(handle.raw())?;
        Some(self.row.len().checked_sub(age + 1))
    }

    /// Moves the oldest ones out of a row that is mostly over.
    fn shorten(&mut self) {
        if self.row.len() <= 4 * self.living + SPARE_PLACES {
            return;
        }
        while self.row.len() > 2 * self.living + SPARE_PLACES / 2 {
            let handle = self.numbers.aged(self.row.len() - 1);
            if let Some(operation) = self.row.pop_front().flatten() {
                self.elders.insert(TaskHandle::from_raw(handle), operation);
                self.living -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pump, Timer};

    #[test]
    fn one_that_lives_long_is_found_behind_many_that_are_over() {
        let mut pump = Pump::<()>::new().expect("descriptors are left");
        let window = pump.root_window();
        let mut operation = || pump.set_timer(window, Timer::once(std::time::Duration::from_secs(9))).expect("open");
        let mut handles = Handles::new();
        let old = operation();
        let oldest = handles.issue(Some(old));
        let mut living = VecDeque::new();
        for round in 0..20_000 {
            let started = operation();
            living.push_back((handles.issue(Some(started)), started));
            if round % 1000 != 0 {
                let (handle, _) = living.pop_back().expect("one was started");
                handles.forget(handle);
                assert_eq!(handles.operation(handle), None);
            }
            assert!(handles.row.len() <= 4 * (living.len() + 1) + SPARE_PLACES + 1, "{}", handles.row.len());
        }
        assert_eq!(handles.operation(oldest), Some(old));
        assert!(living.iter().all(|&(handle, started)| handles.operation(handle) == Some(started)));
        handles.forget(oldest);
        assert_eq!((handles.operation(oldest), handles.is_issued(oldest)), (None, true));
        handles.begin_epoch();
        assert!(living.iter().all(|&(handle, _)| handles.operation(handle).is_none()));
    }
}
