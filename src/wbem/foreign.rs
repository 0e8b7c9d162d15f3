//! What is the program's own, kept so that its drop does no harm.
//!
//! Floor 5. Rows and actions of providers are dropped in the middle of other things: a cancel that has to tell the
//! sink's other calls, a turn that serves other providers. A panic would leave those undone.

use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something of the program's. If its drop panics, that is told to the log.
pub(super) struct Foreign<T> {
    /// There until it is dropped.
    inner: Option<T>,
}

impl<T> Foreign<T> {
    pub(super) fn new(inner: T) -> Foreign<T> {
        Foreign { inner: Some(inner) }
    }
}

impl<T> Deref for Foreign<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inner.as_ref().expect("it is there until it is dropped")
    }
}

impl<T> DerefMut for Foreign<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("it is there until it is dropped")
    }
}

impl<T> Drop for Foreign<T> {
    fn drop(&mut self) {
        let inner = self.inner.take();
        if catch_unwind(AssertUnwindSafe(|| drop(inner))).is_err() {
            log::warn!("a provider panicked when what it had given was dropped");
        }
    }
}
