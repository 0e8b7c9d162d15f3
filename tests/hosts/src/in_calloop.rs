//! calloop, with the pump's descriptor as one of its sources.

use std::time::{Duration, Instant};

use calloop::generic::Generic;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, Interest, Mode, PostAction};

use crate::guest::Shared;

pub(crate) fn run_level(guest: &Shared, work: Option<Duration>, length: Duration) {
    run(guest, work, length, Mode::Level);
}

pub(crate) fn run_edge(guest: &Shared, work: Option<Duration>, length: Duration) {
    run(guest, work, length, Mode::Edge);
}

fn run(guest: &Shared, work: Option<Duration>, length: Duration, mode: Mode) {
    let mut host = EventLoop::<Shared>::try_new().expect("descriptors are left");
    let pump = Generic::new(guest.borrow().descriptor(), Interest::READ, mode);
    let turn = host.handle().insert_source(pump, |_, _, guest: &mut Shared| {
        guest.borrow_mut().turn();
        Ok(PostAction::Continue)
    });
    turn.expect("an epoll can be watched by another");
    if let Some(period) = work {
        let work = host.handle().insert_source(Timer::from_duration(period), move |_, _, guest: &mut Shared| {
            guest.borrow_mut().work();
            TimeoutAction::ToDuration(period)
        });
        work.expect("a timer can be set");
    }
    let end = Instant::now() + length;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        host.dispatch(left, &mut guest.clone()).expect("calloop works");
    }
}
