//! The default main context of GLib, as that of a GTK program.

use std::os::fd::AsRawFd;
use std::time::Duration;

use glib::{ControlFlow, IOCondition, MainLoop};

use crate::guest::Shared;

pub(crate) fn run(guest: &Shared, work: Option<Duration>, length: Duration) {
    let host = MainLoop::new(None, false);
    // Closed after the sources are removed that watch it.
    let descriptor = guest.borrow().descriptor();
    let own = guest.clone();
    let mut sources = vec![glib_unix::unix_fd_add_local(descriptor.as_raw_fd(), IOCondition::IN, move |_, _| {
        own.borrow_mut().turn();
        ControlFlow::Continue
    })];
    if let Some(period) = work {
        let own = guest.clone();
        sources.push(glib::timeout_add_local(period, move || {
            own.borrow_mut().work();
            ControlFlow::Continue
        }));
    }
    let ended = host.clone();
    glib::timeout_add_local_once(length, move || ended.quit());
    host.run();
    sources.into_iter().for_each(glib::SourceId::remove);
}
