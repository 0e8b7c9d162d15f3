//! libuv: the functions of `c/libuv.c`.

use super::{OnAddresses, OnNumber, OnWords, Words, c_string};

unsafe extern "C" {
    safe fn libuv_version() -> u32;
    #[link_name = "libuv_turn"]
    pub safe fn turn();
    #[link_name = "libuv_wait_turn"]
    pub safe fn wait_turn();
    #[link_name = "libuv_turn_for"]
    pub safe fn turn_for(ms: u64);
    #[link_name = "libuv_run"]
    pub safe fn run();
    #[link_name = "libuv_stop"]
    pub safe fn stop();
    #[link_name = "libuv_backend_fd"]
    pub safe fn backend_fd() -> i32;
    /// In milliseconds; -1 where nothing is waited for.
    #[link_name = "libuv_backend_timeout"]
    pub safe fn backend_timeout() -> i32;
    #[link_name = "libuv_close"]
    pub safe fn close();
    #[link_name = "libuv_post_open"]
    pub safe fn post_open(handler: OnWords);
    #[link_name = "libuv_post"]
    pub safe fn post(words: &Words);
    #[link_name = "libuv_inbox_open"]
    pub safe fn inbox_open(handler: OnWords);
    #[link_name = "libuv_inbox_post"]
    pub safe fn inbox_post(words: &Words);
    #[link_name = "libuv_timers_make"]
    pub safe fn timers_make(count: u64, handler: OnNumber);
    fn libuv_timers_start(count: u64, deadlines: *const u64, base: u64);
    #[link_name = "libuv_timers_stop"]
    pub safe fn timers_stop(count: u64);
    #[link_name = "libuv_tick"]
    pub safe fn tick(period_ms: u64, handler: OnNumber);
    #[link_name = "libuv_tick_stop"]
    pub safe fn tick_stop();
    #[link_name = "libuv_works_finish"]
    pub safe fn works_finish(count: u64);
    #[link_name = "libuv_works_cancel"]
    pub safe fn works_cancel(count: u64);
    /// How many completions of works and asyncs came although they were cancelled.
    #[link_name = "libuv_delivered"]
    pub safe fn delivered() -> u64;
    #[link_name = "libuv_asyncs_send"]
    pub safe fn asyncs_send(count: u64);
    #[link_name = "libuv_asyncs_close"]
    pub safe fn asyncs_close(count: u64);
    #[link_name = "libuv_asyncs_closed"]
    pub safe fn asyncs_closed() -> u64;
    #[link_name = "libuv_lookups_make"]
    pub safe fn lookups_make(count: u64, handler: OnAddresses);
    fn libuv_lookup(number: u64, name: *const libc::c_char, family: i32);
    #[link_name = "libuv_lookup_cancel"]
    pub safe fn lookup_cancel(number: u64) -> bool;
    #[link_name = "libuv_echo"]
    pub safe fn echo(listener: i32, accepted: OnNumber, closed: OnNumber);
    fn libuv_watch(count: u64, fds: *const i32, handler: OnNumber);
}

pub fn version() -> String {
    let version = libuv_version();
    format!("{}.{}.{}", version >> 16, version >> 8 & 255, version & 255)
}

/// Starts as many timers as there are `deadlines`, each in nanoseconds since `base`.
pub fn timers_start(deadlines: &[u64], base: u64) {
    // SAFETY: pointer and length are one slice's.
    unsafe { libuv_timers_start(deadlines.len() as u64, deadlines.as_ptr(), base) }
}

pub fn lookup(number: usize, name: &str, family: i32) {
    let name = c_string(name);
    // SAFETY: libuv copies the name.
    unsafe { libuv_lookup(number as u64, name.as_ptr(), family) }
}

pub fn watch(fds: &[i32], handler: OnNumber) {
    // SAFETY: pointer and length are one slice's, which is read here only.
    unsafe { libuv_watch(fds.len() as u64, fds.as_ptr(), handler) }
}
