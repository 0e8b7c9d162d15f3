//! A plain loop around poll(2), as a host of the pump.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use msgpump::{Pump, Rest};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::PATIENCE;

/// Waits until the pump's descriptor is readable or the time is over, and says which.
#[track_caller]
pub(crate) fn poll_readable(pump: &impl AsFd, timeout: Duration) -> bool {
    let end = Instant::now() + timeout;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("tests wait for seconds");
        match poll(&mut [PollFd::new(pump, PollFlags::IN)], Some(&left)) {
            Err(Errno::INTR) => {}
            ready => return ready.expect("poll(2) works") > 0,
        }
    }
}

/// Sleeps as the pump says that the host may, and says what it said.
#[track_caller]
pub(crate) fn sleep<T>(pump: &mut Pump<T>) -> Rest {
    let rest = pump.rest();
    match rest {
        Rest::Ready => {}
        Rest::Until(instant) => _ = poll_readable(pump, instant.saturating_duration_since(Instant::now())),
        Rest::Forever => assert!(poll_readable(pump, PATIENCE), "the pump let its host sleep for good; {pump:?}"),
    }
    rest
}
