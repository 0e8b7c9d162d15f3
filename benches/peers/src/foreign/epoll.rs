//! An epoll by hand, for the floors and for the loop that has guests.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use super::system::check;

pub const READABLE: u32 = libc::EPOLLIN as u32;
pub const EDGES: u32 = libc::EPOLLET as u32;
const WRITABLE: u32 = libc::EPOLLOUT as u32;

pub struct Epoll {
    queue: Arc<OwnedFd>,
    events: Vec<libc::epoll_event>,
}

/// Says what an [`Epoll`] watches, for libraries that call back about their sockets.
pub struct Watcher(Arc<OwnedFd>);

impl Watcher {
    /// Watches `fd` under its own number for what is wanted, or not any more.
    pub fn want(&self, fd: i32, reads: bool, writes: bool) {
        let events = if reads { READABLE } else { 0 } | if writes { WRITABLE } else { 0 };
        let mut event = libc::epoll_event { events, u64: fd as u64 };
        let queue = self.0.as_raw_fd();
        // SAFETY: the event is read during the calls.
        unsafe {
            if events == 0 {
                libc::epoll_ctl(queue, libc::EPOLL_CTL_DEL, fd, &mut event);
            } else if libc::epoll_ctl(queue, libc::EPOLL_CTL_MOD, fd, &mut event) < 0 {
                check(libc::epoll_ctl(queue, libc::EPOLL_CTL_ADD, fd, &mut event));
            }
        }
    }
}

/// What is ready: the number that it was added with, and for what.
#[derive(Clone, Copy)]
pub struct Ready {
    pub number: u64,
    pub is_readable: bool,
    pub is_writable: bool,
}

impl Epoll {
    pub fn new() -> Epoll {
        // SAFETY: a new descriptor is nobody else's.
        let queue = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))) };
        Epoll { queue: Arc::new(queue), events: vec![libc::epoll_event { events: 0, u64: 0 }; 256] }
    }

    pub fn add(&self, fd: &impl AsFd, events: u32, number: u64) {
        self.control(libc::EPOLL_CTL_ADD, fd.as_fd().as_raw_fd(), events, number);
    }

    /// As [`add`](Epoll::add), for libraries that lend numbers.
    pub fn add_number(&self, fd: i32, events: u32, number: u64) {
        self.control(libc::EPOLL_CTL_ADD, fd, events, number);
    }

    pub fn watcher(&self) -> Watcher {
        Watcher(self.queue.clone())
    }

    fn control(&self, what: i32, fd: i32, events: u32, number: u64) {
        let mut event = libc::epoll_event { events, u64: number };
        // SAFETY: the event is read during the call.
        check(unsafe { libc::epoll_ctl(self.queue.as_raw_fd(), what, fd, &mut event) });
    }

    /// Waits for up to `timeout_ms`, for ever where it is -1, and gives what is ready.
    pub fn wait(&mut self, timeout_ms: i32) -> impl Iterator<Item = Ready> + use<'_> {
        let count = loop {
            let (queue, room) = (self.queue.as_raw_fd(), self.events.len() as i32);
            // SAFETY: the system writes as many events as there is room for.
            let count = unsafe { libc::epoll_wait(queue, self.events.as_mut_ptr(), room, timeout_ms) };
            if count >= 0 {
                break count as usize;
            }
        };
        self.events[..count].iter().map(|event| Ready {
            number: event.u64,
            is_readable: event.events & !WRITABLE != 0,
            is_writable: event.events & WRITABLE != 0,
        })
    }
}
