//! Operations whose message must not be seen any more, though a program may have taken it.
//!
//! Floor 5. A message in the queue is purged by the pump. One that was taken and not translated yet is in
//! the program's hands; it is known again when it comes to be translated.

use std::collections::HashSet;

use crate::OperationId;

/// How many operations are remembered. A program translates what it takes, so when there are more, the older
/// ones are not in anybody's hands.
const WITHDRAWN_MAX: usize = 1024;

pub(super) struct Withdrawn(HashSet<OperationId>);

impl Withdrawn {
    pub(super) fn new() -> Withdrawn {
        Withdrawn(HashSet::new())
    }

    pub(super) fn add(&mut self, operation: OperationId) {
        if self.0.len() == WITHDRAWN_MAX {
            self.0.clear();
        }
        self.0.insert(operation);
    }

    /// Whether a message of `operation` must not be seen. Told once.
    pub(super) fn take(&mut self, operation: OperationId) -> bool {
        !self.0.is_empty() && self.0.remove(&operation)
    }
}
