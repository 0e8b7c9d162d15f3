//! What other threads hand to the pump.
//!
//! A list behind a lock that is held for a push or a swap, never while code of the program runs.
//! Beside it is a flag that says whether somebody must wake the pump, kept by this protocol: a
//! thread adds its post, then takes the flag down, and wakes the pump if it was up; the pump puts
//! the flag up, then looks whether something was added. Whoever is second sees the other, so no
//! wake-up is lost, and of a burst of posts only the first wakes.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{PostError, PostRefusal};
use crate::id::WindowId;

/// Wakes the pump, from any thread.
pub(crate) type Wake = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// Posts messages from other threads.
///
/// It can be cloned and sent. It outlives the pump without harm: its posts are then refused.
pub struct Poster<T> {
    shared: Arc<Shared<T>>,
}

/// The pump's end.
pub(crate) struct Inbox<T> {
    shared: Arc<Shared<T>>,
    /// Swapped with the shared list at each drain, so that neither is allocated anew.
    drained: Vec<(WindowId, T)>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// How many posts wait; changed with the lock held, read without.
    len: AtomicUsize,
    /// Whether the next post must wake the pump.
    wake_wanted: AtomicBool,
    wakes: AtomicU64,
    wake: Wake,
}

struct State<T> {
    posts: Vec<(WindowId, T)>,
    capacity: usize,
    is_open: bool,
    /// The windows that are open, by slot.
    windows: Vec<Option<WindowId>>,
}

impl<T> Poster<T> {
    /// Posts a message to `window` and wakes the pump if it sleeps.
    ///
    /// # Errors
    ///
    /// The payload comes back when the window is destroyed, when the pump is gone, and when as many
    /// posts of other threads wait as the pump's queue may hold.
    ///
    /// # Cost
    ///
    /// A short lock. Only the first post of a burst makes a system call.
    ///
    /// # Examples
    ///
    /// ```
    /// use msgpump::{Payload, Pump};
    /// let mut pump = Pump::<u32>::new()?;
    /// let window = pump.open_window();
    /// let poster = pump.poster();
    /// let worker = std::thread::spawn(move || poster.post(window, 42));
    /// let message = pump.get_message()?.expect("nobody quits here");
    /// assert!(matches!(message.payload, Payload::Posted(42)));
    /// worker.join().expect("the worker does not panic")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn post(&self, window: WindowId, payload: T) -> Result<(), PostError<T>> {
        {
            let mut state = self.shared.lock();
            if let Some(refusal) = state.refusal(window) {
                return Err(PostError { payload, refusal });
            }
            state.posts.push((window, payload));
            self.shared.len.store(state.posts.len(), SeqCst);
        }
        self.shared.wake_if_wanted();
        Ok(())
    }
}

impl<T> Clone for Poster<T> {
    fn clone(&self) -> Poster<T> {
        Poster { shared: self.shared.clone() }
    }
}

impl<T> std::fmt::Debug for Poster<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poster").finish_non_exhaustive()
    }
}

impl<T> Inbox<T> {
    pub(crate) fn new(capacity: usize, wake: Wake) -> Inbox<T> {
        let state = State { posts: Vec::new(), capacity, is_open: true, windows: Vec::new() };
        let shared = Shared {
            state: Mutex::new(state),
            len: AtomicUsize::new(0),
            wake_wanted: AtomicBool::new(true),
            wakes: AtomicU64::new(0),
            wake,
        };
        Inbox { shared: Arc::new(shared), drained: Vec::new() }
    }

    pub(crate) fn poster(&self) -> Poster<T> {
        Poster { shared: self.shared.clone() }
    }

    /// Tells the posters that `window` is open.
    pub(crate) fn open_window(&self, window: WindowId) {
        let mut state = self.shared.lock();
        let slot = window.slot();
        if state.windows.len() <= slot {
            state.windows.resize(slot + 1, None);
        }
        state.windows[slot] = Some(window);
    }

    /// Tells the posters that `window` is destroyed, and gives back what waited for it.
    pub(crate) fn close_window(&self, window: WindowId) -> Vec<(WindowId, T)> {
        let mut state = self.shared.lock();
        if let Some(entry) = state.windows.get_mut(window.slot()) {
            entry.take_if(|open| *open == window);
        }
        let purged = state.posts.extract_if(.., |post| post.0 == window).collect();
        self.shared.len.store(state.posts.len(), SeqCst);
        purged
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shared.len.load(SeqCst) == 0
    }

    pub(crate) fn wakes(&self) -> u64 {
        self.shared.wakes.load(SeqCst)
    }

    /// Asks to be woken by the next post, and says whether one came before.
    pub(crate) fn want_wake(&self) -> bool {
        if !self.shared.wake_wanted.load(SeqCst) {
            self.shared.wake_wanted.store(true, SeqCst);
        }
        !self.is_empty()
    }

    /// Takes out the oldest posts, at most `limit`.
    pub(crate) fn drain(&mut self, limit: usize) -> impl Iterator<Item = (WindowId, T)> + '_ {
        if !self.is_empty() && limit > 0 {
            let mut state = self.shared.lock();
            if state.posts.len() <= limit {
                std::mem::swap(&mut state.posts, &mut self.drained);
            } else {
                self.drained.extend(state.posts.drain(..limit));
            }
            self.shared.len.store(state.posts.len(), SeqCst);
        }
        self.drained.drain(..)
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let posts = {
            let mut state = self.shared.lock();
            state.is_open = false;
            std::mem::take(&mut state.posts)
        };
        // Outside the lock: a payload's drop may use a poster.
        drop(posts);
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code of the program runs under the lock, so a panic cannot have left it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_if_wanted(&self) {
        if !self.wake_wanted.load(SeqCst) || !self.wake_wanted.swap(false, SeqCst) {
            return;
        }
        match (self.wake)() {
            // Counted once it is sent: a pump that has seen the count finds the wake-up there.
            Ok(()) => {
                self.wakes.fetch_add(1, SeqCst);
            }
            Err(error) => {
                // So that the next post tries again.
                self.wake_wanted.store(true, SeqCst);
                log::warn!("waking the pump: {error}");
            }
        }
    }
}

impl<T> State<T> {
    fn refusal(&self, window: WindowId) -> Option<PostRefusal> {
        if !self.is_open {
            Some(PostRefusal::PumpGone)
        } else if self.windows.get(window.slot()) != Some(&Some(window)) {
            Some(PostRefusal::NoSuchWindow(window))
        } else if self.posts.len() >= self.capacity {
            Some(PostRefusal::Full)
        } else {
            None
        }
    }
}
