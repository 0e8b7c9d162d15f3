//! libev: the functions of `c/libev.c`.

use super::{OnNumber, OnWords, Words};

unsafe extern "C" {
    safe fn libev_version(major: &mut i32, minor: &mut i32);
    #[link_name = "libev_turn"]
    pub safe fn turn();
    #[link_name = "libev_wait_turn"]
    pub safe fn wait_turn();
    #[link_name = "libev_run"]
    pub safe fn run();
    #[link_name = "libev_stop"]
    pub safe fn stop();
    #[link_name = "libev_post_open"]
    pub safe fn post_open(depth: u64, handler: OnWords);
    #[link_name = "libev_post"]
    pub safe fn post(slot: u64, words: &Words);
    #[link_name = "libev_post_cancel"]
    pub safe fn post_cancel(slot: u64);
    #[link_name = "libev_inbox_open"]
    pub safe fn inbox_open(handler: OnWords);
    #[link_name = "libev_inbox_post"]
    pub safe fn inbox_post(words: &Words);
    #[link_name = "libev_timers_make"]
    pub safe fn timers_make(count: u64, handler: OnNumber);
    fn libev_timers_start(count: u64, deadlines: *const u64, base: u64);
    #[link_name = "libev_timers_stop"]
    pub safe fn timers_stop(count: u64);
    #[link_name = "libev_tick"]
    pub safe fn tick(period_seconds: f64, handler: OnNumber);
    #[link_name = "libev_echo"]
    pub safe fn echo(listener: i32, accepted: OnNumber, closed: OnNumber);
    fn libev_watch(count: u64, fds: *const i32, handler: OnNumber);
}

pub fn version() -> String {
    let (mut major, mut minor) = (0, 0);
    libev_version(&mut major, &mut minor);
    format!("{major}.{minor}")
}

/// Starts as many timers as there are `deadlines`, each in nanoseconds since `base`.
pub fn timers_start(deadlines: &[u64], base: u64) {
    // SAFETY: pointer and length are one slice's.
    unsafe { libev_timers_start(deadlines.len() as u64, deadlines.as_ptr(), base) }
}

pub fn watch(fds: &[i32], handler: OnNumber) {
    // SAFETY: pointer and length are one slice's, which is read here only.
    unsafe { libev_watch(fds.len() as u64, fds.as_ptr(), handler) }
}
