//! Operations whose message must not be seen any more, though a program may have taken it.
//!
//! Floor 5. A message in the queue is purged by the pump. One that was taken and not translated yet is in
//! the program's hands; it is known again when it comes to be translated.

use std::collections::{HashSet, VecDeque};

use crate::OperationId;

/// How many operations are remembered: more than twice the sockets and requests that live unless more are
/// allowed. A program translates what it takes, so the oldest ones are in nobody's hands.
const WITHDRAWN_MAX: usize = 65_536;

pub(super) struct Withdrawn {
    operations: HashSet<OperationId>,
    /// In the order in which they came, those that were told among them.
    order: VecDeque<OperationId>,
}

impl Withdrawn {
    pub(super) fn new() -> Withdrawn {
        Withdrawn { operations: HashSet::new(), order: VecDeque::new() }
    }

    pub(super) fn add(&mut self, operation: OperationId) {
        if self.order.len() == WITHDRAWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.operations.remove(&oldest);
        }
        if self.operations.insert(operation) {
            self.order.push_back(operation);
        }
    }

    /// Whether a message of `operation` must not be seen. Told once.
    pub(super) fn take(&mut self, operation: OperationId) -> bool {
        !self.operations.is_empty() && self.operations.remove(&operation)
    }
}
