//! A plain loop around poll(2).

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::guest::Shared;

pub(crate) fn run(guest: &Shared, work: Option<Duration>, length: Duration) {
    let end = Instant::now() + length;
    let mut next_work = work.map(|period| Instant::now() + period);
    while Instant::now() < end {
        let until = next_work.map_or(end, |next| next.min(end));
        let timeout = Timespec::try_from(until.saturating_duration_since(Instant::now())).expect("it is short");
        let readable = poll(&mut [PollFd::new(&*guest.borrow(), PollFlags::IN)], Some(&timeout));
        if readable.expect("poll(2) works") > 0 {
            guest.borrow_mut().turn();
        }
        if next_work.is_some_and(|next| next <= Instant::now()) {
            guest.borrow_mut().work();
            next_work = work.map(|period| Instant::now() + period);
        }
    }
}
