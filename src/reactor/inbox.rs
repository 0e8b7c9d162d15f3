//! What other threads hand to the pump.
//!
//! A list behind a lock that is held for a push or a swap, never while code of the program runs. The
//! pump takes the whole list in exchange for its own empty one, and then has no need of the lock until
//! it has taken over every post of it; what it still holds counts against the capacity.
//! Under the same lock is a flag that says whether the next entry must wake the pump. The pump puts it
//! up where nothing waits, before it sleeps; a thread that adds an entry takes it down, and wakes the pump
//! if it was up. So no wake-up is lost, and of a burst of posts only the first wakes. The news of work that
//! is done elsewhere goes the same way, in one order with the posts.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, PoisonError};

use crate::error::{PostError, PostRefusal};
use crate::external::{AnyResult, Bell, News, Wanted};
use crate::id::{OperationId, WindowId};
use crate::sync::{
    AtomicU64, AtomicUsize, Mutex, MutexGuard,
    Ordering::{Relaxed, SeqCst},
    SPINS_MAX, YIELDS_MAX, spin_loop, yield_now,
};

/// How many entries there are before old news is looked for.
const NEWS_MIN: usize = 1024;

/// From how many entries between two waits of the pump on it is a burst, and more of it may be on the way.
const BURST_MIN: usize = 4;

/// How often the pump looks whether a burst goes on before it sleeps: a few microseconds in all.
const BURST_LOOKS_MAX: usize = 8;

/// How many pauses of the CPU lie between two looks. Each look takes from who posts what it writes with each post, and the
/// more comes between two, the less often the lock is taken.
const BURST_PAUSES: usize = 16;

/// Wakes the pump, from any thread.
pub(crate) type Wake = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// Posts messages from other threads.
///
/// It can be cloned and sent. It outlives the pump without harm: its posts are then refused.
pub struct Poster<T> {
    shared: Arc<Shared<T>>,
}

/// What another thread handed in.
pub(crate) enum Entry<T> {
    Post(WindowId, T),
    /// Room for what comes of it is reserved: it counts against no limit.
    News(News),
}

impl<T> Entry<T> {
    fn is_news(&self) -> bool {
        matches!(self, Entry::News(_))
    }
}

/// The pump's end.
pub(crate) struct Inbox<T> {
    shared: Arc<Shared<T>>,
    /// Older than all in the shared list, with which it is swapped once it is empty.
    held: VecDeque<Entry<T>>,
    /// How many of those held are news.
    held_news: usize,
    /// How many entries there may be before old news is looked for.
    room_for_news: usize,
    /// How many entries were handed out since the pump was last about to wait.
    handed_out: usize,
    /// Nothing waited when the flag was put up, and nothing was taken out since: while nothing waits,
    /// it is still up.
    asked_for_wake: bool,
    /// How many wake-ups had been sent before the last wait.
    wakes_waited_for: u64,
}

struct Shared<T> {
    /// Which results of other threads are still wanted.
    wanted: Arc<Wanted>,
    state: Mutex<State<T>>,
    /// How many entries are in the list; changed with the lock held. Read without it, it may be late by a
    /// moment.
    len: AtomicUsize,
    /// How many posts the pump holds; changed by the pump alone, in large steps.
    held: AtomicUsize,
    /// Wake-ups that were sent, or are being sent at the moment.
    wakes_begun: AtomicU64,
    /// Wake-ups that were sent.
    wakes: AtomicU64,
    /// None once the pump is gone: what it wakes with, a descriptor or the host's own, goes with it, however long
    /// posters live.
    wake: Mutex<Option<Wake>>,
}

struct State<T> {
    entries: Vec<Entry<T>>,
    /// How many of them are news.
    news: usize,
    /// Whether the next entry must wake the pump.
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
            self.shared.push(&mut state, || Entry::Post(window, payload))
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
    pub(crate) fn new(capacity: usize, wanted: Arc<Wanted>, wake: Wake) -> Inbox<T> {
        let (entries, windows) = (Vec::new(), Vec::new());
        let state = State { entries, news: 0, wake_wanted: true, capacity, is_open: true, windows };
        let (len, held) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (wakes_begun, wakes) = (AtomicU64::new(0), AtomicU64::new(0));
        let (state, wake) = (Mutex::new(state), Mutex::new(Some(wake)));
        let shared = Shared { wanted, state, len, held, wakes_begun, wakes, wake };
        let held = VecDeque::new();
        Inbox {
            shared: Arc::new(shared),
            held,
            held_news: 0,
            room_for_news: NEWS_MIN,
            handed_out: 0,
            asked_for_wake: true,
            wakes_waited_for: 0,
        }
    }

    /// What other threads ring with.
    pub(crate) fn bell(&self) -> Arc<dyn Bell>
    where
        T: Send + 'static,
    {
        self.shared.clone()
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
    pub(crate) fn close_window(&mut self, window: WindowId) -> VecDeque<Entry<T>> {
        if let Some(entry) = self.shared.lock().windows.get_mut(window.slot()) {
            entry.take_if(|open| *open == window);
        }
        self.take_out(|entry| matches!(entry, Entry::Post(to, _) if *to == window))
    }

    /// Whether old news is to be looked for: there are twice as many entries as were left the last time. A program that
    /// starts, completes and cancels without a turn in between would gather it.
    #[inline]
    pub(crate) fn may_gather_old_news(&self) -> bool {
        self.held.len() + self.shared.len.load(Relaxed) >= self.room_for_news
    }

    /// Takes out the news of operations that are over, and gives back their results.
    pub(crate) fn take_old_news(&mut self, is_live: impl Fn(OperationId) -> bool) -> Vec<AnyResult> {
        let old = self.take_out(|entry| matches!(entry, Entry::News(news) if !is_live(news.operation)));
        self.room_for_news = NEWS_MIN.max(2 * self.held.len());
        let results = old.into_iter().filter_map(|entry| match entry {
            Entry::News(news) => news.result,
            Entry::Post(..) => None,
        });
        results.collect()
    }

    /// Takes out the posts to `window` that `unwanted` picks, and gives them back.
    pub(crate) fn take_posts(&mut self, window: WindowId, mut unwanted: impl FnMut(&T) -> bool) -> VecDeque<Entry<T>> {
        if self.is_empty() {
            return VecDeque::new();
        }
        self.hold_all();
        let mut is_meant =
            |entry: &Entry<T>| matches!(entry, Entry::Post(to, payload) if *to == window && unwanted(payload));
        // All asked before any is taken out: it is code of the program, which may panic.
        let meant: Vec<_> = self.held.iter().map(&mut is_meant).collect();
        if !meant.contains(&true) {
            return VecDeque::new();
        }
        let mut meant = meant.into_iter();
        self.take_from_held(|_| meant.next() == Some(true))
    }

    /// Takes out the entries that `is_meant` picks, to be dropped when all is consistent. The others are held.
    fn take_out(&mut self, is_meant: impl FnMut(&Entry<T>) -> bool) -> VecDeque<Entry<T>> {
        self.hold_all();
        self.take_from_held(is_meant)
    }

    fn take_from_held(&mut self, is_meant: impl FnMut(&Entry<T>) -> bool) -> VecDeque<Entry<T>> {
        let (taken, kept) = std::mem::take(&mut self.held).into_iter().partition(is_meant);
        self.held = kept;
        self.held_news = self.held.iter().filter(|entry| entry.is_news()).count();
        self.shared.held.store(self.held_posts(), Relaxed);
        taken
    }

    /// Takes what is in the shared list behind what is held.
    fn hold_all(&mut self) {
        self.asked_for_wake = false;
        let mut state = self.shared.lock();
        self.held.extend(state.entries.drain(..));
        self.held_news += std::mem::take(&mut state.news);
        self.shared.len.store(0, Relaxed);
        self.shared.held.store(self.held_posts(), Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.shared.len.load(Relaxed) == 0
    }

    pub(crate) fn wakes(&self) -> u64 {
        self.shared.wakes.load(SeqCst)
    }

    /// Notes that a wait takes in the wake-ups sent so far, and says whether there is one for it. One that is being
    /// sent may be there already, though its thread has not come to count it: it is waited for now and again when
    /// it is counted.
    pub(crate) fn wait_for_wakes(&mut self) -> bool {
        let sent = self.wakes();
        let before = std::mem::replace(&mut self.wakes_waited_for, sent);
        self.shared.wakes_begun.load(SeqCst) != before
    }

    /// Waits a few microseconds for more where a burst of other threads was just taken over. A pump that slept as soon as it
    /// has caught up would be woken again for every few posts.
    pub(crate) fn let_burst_go_on(&mut self) {
        if std::mem::take(&mut self.handed_out) < BURST_MIN {
            return;
        }
        // It keeps the CPU: others that want it would have it for many milliseconds, past any deadline.
        for _ in 0..BURST_LOOKS_MAX {
            if !self.is_empty() {
                return;
            }
            (0..BURST_PAUSES).for_each(|_| spin_loop());
        }
    }

    /// Asks to be woken by the next post unless one waits already, and says whether one does.
    #[inline]
    pub(crate) fn want_wake(&mut self) -> bool {
        if !self.held.is_empty() {
            return true;
        }
        if self.asked_for_wake && self.is_empty() {
            return false;
        }
        self.ask_for_wake()
    }

    fn ask_for_wake(&mut self) -> bool {
        let mut state = self.shared.lock();
        state.wake_wanted = state.entries.is_empty();
        self.asked_for_wake = state.wake_wanted;
        !state.wake_wanted
    }

    /// Whether the oldest entry is news, which can be taken over though there is no room for posts.
    pub(crate) fn has_news_first(&mut self) -> bool {
        if self.held.is_empty() {
            self.swap();
        }
        matches!(self.held.front(), Some(Entry::News(_)))
    }

    /// Hands the oldest entries to `accept`, at most `limit`, and of posts at most `room`: what is behind
    /// one for which there is no room waits with it. Goes to the shared list once: taken out one by one
    /// as they come, posts would cost both sides more.
    pub(crate) fn take_over(&mut self, limit: usize, room: usize, mut accept: impl FnMut(Entry<T>)) {
        let (mut left, mut room) = (limit, room);
        self.hand_out(&mut left, &mut room, &mut accept);
        if self.held.is_empty() {
            self.swap();
            self.hand_out(&mut left, &mut room, &mut accept);
        }
        self.handed_out = self.handed_out.saturating_add(limit - left);
        // Written only when it changes: every post reads it.
        if self.shared.held.load(Relaxed) != self.held_posts() {
            self.shared.held.store(self.held_posts(), Relaxed);
        }
    }

    fn hand_out(&mut self, limit: &mut usize, room: &mut usize, accept: &mut impl FnMut(Entry<T>)) {
        if self.held_news == 0 {
            let count = self.held.len().min(*limit).min(*room);
            self.held.drain(..count).for_each(accept);
            (*limit, *room) = (*limit - count, *room - count);
            return;
        }
        while *limit > 0 {
            match self.held.front() {
                Some(Entry::News(_)) => self.held_news -= 1,
                Some(Entry::Post(..)) if *room > 0 => *room -= 1,
                _ => break,
            }
            *limit -= 1;
            self.held.pop_front().into_iter().for_each(&mut *accept);
        }
    }

    fn held_posts(&self) -> usize {
        self.held.len() - self.held_news
    }

    /// Takes all that is in the shared list, while nothing is held.
    fn swap(&mut self) {
        if self.shared.len.load(Relaxed) == 0 {
            return;
        }
        self.asked_for_wake = false;
        let mut state = self.shared.lock();
        let empty = std::mem::take(&mut self.held).into();
        self.held = std::mem::replace(&mut state.entries, empty).into();
        self.held_news = std::mem::take(&mut state.news);
        self.shared.len.store(0, Relaxed);
        self.shared.held.store(self.held_posts(), Relaxed);
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        self.shared.wanted.forget_all();
        let entries = {
            let mut state = self.shared.lock();
            state.is_open = false;
            std::mem::take(&mut state.entries)
        };
        let wake = self.shared.waking().take();
        // Outside the locks: the drop of a payload or a result may use a poster. What is held is dropped after this.
        drop((entries, wake));
    }
}

impl<T: Send> Bell for Shared<T> {
    fn ring(&self, news: News) {
        let must_wake = {
            let mut state = self.lock();
            if !state.is_open {
                // Unlocked first, and what it brings is dropped after that.
                return;
            }
            state.news += 1;
            self.push(&mut state, || Entry::News(news))
        };
        if must_wake {
            self.wake();
        }
    }

    fn is_wanted(&self, operation: OperationId) -> bool {
        self.wanted.contains(operation)
    }
}

impl<T> Shared<T> {
    /// Adds an entry and says whether the pump must be woken for it. The entry is made where it will lie: copied there,
    /// it would be read in larger parts than it was just written in, and the CPU waits for that, here with the lock held.
    #[inline]
    fn push(&self, state: &mut State<T>, make: impl FnOnce() -> Entry<T>) -> bool {
        state.entries.extend(std::iter::once_with(make));
        self.len.store(state.entries.len(), Relaxed);
        std::mem::take(&mut state.wake_wanted)
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        match self.state.try_lock() {
            Ok(state) => state,
            Err(_) => self.lock_contended(),
        }
    }

    /// Looks a few times more, then lets other threads run, before it sleeps: the lock is held for a few nanoseconds,
    /// and where a thread sleeps for it, the next unlock is a system call.
    #[cold]
    fn lock_contended(&self) -> MutexGuard<'_, State<T>> {
        for spins in 1..=SPINS_MAX {
            (0..spins).for_each(|_| spin_loop());
            if let Ok(state) = self.state.try_lock() {
                return state;
            }
        }
        for _ in 0..YIELDS_MAX {
            yield_now();
            if let Ok(state) = self.state.try_lock() {
                return state;
            }
        }
        // No code of the program runs under the lock, so a panic cannot have left it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waking(&self) -> MutexGuard<'_, Option<Wake>> {
        self.wake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn wake(&self) {
        // The host's own may take its time: it is called without the lock.
        let Some(wake) = self.waking().clone() else { return };
        self.wakes_begun.fetch_add(1, SeqCst);
        match catch_unwind(AssertUnwindSafe(|| wake())) {
            // Counted once it is sent: a wake-up counted too early would be one that a wait missed.
            Ok(Ok(())) => _ = self.wakes.fetch_add(1, SeqCst),
            Ok(Err(error)) => {
                self.wakes_begun.fetch_sub(1, SeqCst);
                // So that the next post tries again.
                self.lock().wake_wanted = true;
                log::warn!("waking the pump: {error}");
            }
            // The host's own panicked, which comes after the pump's: that is sent, and the host may not know.
            Err(cause) => {
                self.wakes.fetch_add(1, SeqCst);
                self.lock().wake_wanted = true;
                resume_unwind(cause);
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
        } else if self.entries.len() - self.news + held.load(Relaxed) >= self.capacity {
            Some(PostRefusal::Full)
        } else {
            None
        }
    }
}
