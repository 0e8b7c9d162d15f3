//! What other threads hand to the pump.
//!
//! A list behind a lock that is held for a push or a swap, never while code of the program runs. The
//! pump takes the whole list in exchange for its own empty one, and then has no need of the lock until
//! it has taken over every post of it; what it still holds counts against the capacity.
//! Under the same lock is a flag that says whether the next post must wake the pump. The pump puts it
//! up where nothing waits, before it sleeps; a thread that adds a post takes it down, and wakes the pump
//! if it was up. So no wake-up is lost, and of a burst of posts only the first wakes.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{PostError, PostRefusal};
use crate::id::WindowId;

/// How often a thread that meets the lock lets others run before it sleeps for it.
const YIELDS_MAX: usize = 16;

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
    /// Older than all in the shared list, with which it is swapped once it is empty.
    held: VecDeque<(WindowId, T)>,
    /// Nothing waited when the flag was put up, and nothing was taken out since: while nothing waits,
    /// it is still up.
    asked_for_wake: bool,
    /// How many wake-ups had been sent before the last wait.
    wakes_waited_for: u64,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// How many posts are in the list; changed with the lock held. Read without it, it may be late by a
    /// moment.
    len: AtomicUsize,
    /// How many posts the pump holds; changed by the pump alone, in large steps.
    held: AtomicUsize,
    wakes: AtomicU64,
    wake: Wake,
}

struct State<T> {
    posts: VecDeque<(WindowId, T)>,
    /// Whether the next post must wake the pump.
    wake_wanted: bool,
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
    #[inline]
    pub fn post(&self, window: WindowId, payload: T) -> Result<(), PostError<T>> {
        let must_wake = {
            let mut state = self.shared.lock();
            if let Some(refusal) = state.refusal(window, &self.shared.held) {
                return Err(PostError { payload, refusal });
            }
            state.posts.push_back((window, payload));
            self.shared.len.store(state.posts.len(), Relaxed);
            std::mem::take(&mut state.wake_wanted)
        };
        if must_wake {
            self.shared.wake();
        }
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
        let state = State { posts: VecDeque::new(), wake_wanted: true, capacity, is_open: true, windows: Vec::new() };
        let (len, held) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Shared { state: Mutex::new(state), len, held, wakes: AtomicU64::new(0), wake };
        Inbox { shared: Arc::new(shared), held: VecDeque::new(), asked_for_wake: true, wakes_waited_for: 0 }
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
    pub(crate) fn close_window(&mut self, window: WindowId) -> VecDeque<(WindowId, T)> {
        let mut state = self.shared.lock();
        if let Some(entry) = state.windows.get_mut(window.slot()) {
            entry.take_if(|open| *open == window);
        }
        let posts = std::mem::take(&mut self.held).into_iter().chain(std::mem::take(&mut state.posts));
        let (purged, kept) = posts.partition(|post| post.0 == window);
        self.held = kept;
        self.shared.len.store(0, Relaxed);
        self.shared.held.store(self.held.len(), Relaxed);
        self.asked_for_wake = false;
        purged
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.shared.len.load(Relaxed) == 0
    }

    pub(crate) fn wakes(&self) -> u64 {
        self.shared.wakes.load(SeqCst)
    }

    /// Notes that a wait takes in the wake-ups sent so far, and says whether there is one for it.
    pub(crate) fn wait_for_wakes(&mut self) -> bool {
        let wakes = self.wakes();
        std::mem::replace(&mut self.wakes_waited_for, wakes) != wakes
    }

    /// Asks to be woken by the next post unless one waits already, and says whether one does.
    pub(crate) fn want_wake(&mut self) -> bool {
        if !self.held.is_empty() {
            return true;
        }
        if self.asked_for_wake && self.is_empty() {
            return false;
        }
        let mut state = self.shared.lock();
        state.wake_wanted = state.posts.is_empty();
        self.asked_for_wake = state.wake_wanted;
        !state.wake_wanted
    }

    /// Hands the oldest posts to `accept`, at most `limit`. Goes to the shared list once: taken out one
    /// by one as they come, posts would cost both sides more.
    pub(crate) fn take_over(&mut self, limit: usize, mut accept: impl FnMut(WindowId, T)) {
        let held = self.held.len().min(limit);
        self.held.drain(..held).for_each(|(window, payload)| accept(window, payload));
        if self.held.is_empty() {
            self.swap();
            let new = self.held.len().min(limit - held);
            self.held.drain(..new).for_each(|(window, payload)| accept(window, payload));
        }
        // Written only when it changes: every post reads it.
        if self.shared.held.load(Relaxed) != self.held.len() {
            self.shared.held.store(self.held.len(), Relaxed);
        }
    }

    /// Takes all that is in the shared list, while nothing is held.
    fn swap(&mut self) {
        if self.shared.len.load(Relaxed) == 0 {
            return;
        }
        self.asked_for_wake = false;
        let mut state = self.shared.lock();
        std::mem::swap(&mut state.posts, &mut self.held);
        self.shared.len.store(0, Relaxed);
        self.shared.held.store(self.held.len(), Relaxed);
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let posts = {
            let mut state = self.shared.lock();
            state.is_open = false;
            std::mem::take(&mut state.posts)
        };
        // Outside the lock: a payload's drop may use a poster. What is held is dropped after this.
        drop(posts);
    }
}

impl<T> Shared<T> {
    #[inline]
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        match self.state.try_lock() {
            Ok(state) => state,
            Err(_) => self.lock_contended(),
        }
    }

    /// Lets other threads run before it sleeps: the lock is held for a few nanoseconds, and where a
    /// thread sleeps for it, the next unlock is a system call.
    #[cold]
    fn lock_contended(&self) -> MutexGuard<'_, State<T>> {
        for _ in 0..YIELDS_MAX {
            std::thread::yield_now();
            if let Ok(state) = self.state.try_lock() {
                return state;
            }
        }
        // No code of the program runs under the lock, so a panic cannot have left it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn wake(&self) {
        match (self.wake)() {
            // Counted once it is sent: a wake-up counted too early would be one that a wait missed.
            Ok(()) => _ = self.wakes.fetch_add(1, SeqCst),
            Err(error) => {
                // So that the next post tries again.
                self.lock().wake_wanted = true;
                log::warn!("waking the pump: {error}");
            }
        }
    }
}

impl<T> State<T> {
    #[inline]
    fn refusal(&self, window: WindowId, held: &AtomicUsize) -> Option<PostRefusal> {
        if !self.is_open {
            Some(PostRefusal::PumpGone)
        } else if self.windows.get(window.slot()) != Some(&Some(window)) {
            Some(PostRefusal::NoSuchWindow(window))
        } else if self.posts.len() + held.load(Relaxed) >= self.capacity {
            Some(PostRefusal::Full)
        } else {
            None
        }
    }
}
