//! libevent and its resolver: the functions of `c/libevent.c`.

use std::net::SocketAddr;

use super::{OnAddresses, OnNumber, OnWords, Words, c_string};

unsafe extern "C" {
    safe fn libevent_version() -> *const libc::c_char;
    #[link_name = "libevent_open"]
    pub safe fn open(precise: bool, threads: bool);
    #[link_name = "libevent_close"]
    pub safe fn close();
    #[link_name = "libevent_turn"]
    pub safe fn turn();
    #[link_name = "libevent_wait_turn"]
    pub safe fn wait_turn();
    #[link_name = "libevent_turn_for"]
    pub safe fn turn_for(us: u64);
    #[link_name = "libevent_run"]
    pub safe fn run();
    #[link_name = "libevent_stop"]
    pub safe fn stop();
    #[link_name = "libevent_post_open"]
    pub safe fn post_open(depth: u64, handler: OnWords);
    #[link_name = "libevent_post"]
    pub safe fn post(slot: u64, words: &Words);
    #[link_name = "libevent_post_cancel"]
    pub safe fn post_cancel(slot: u64);
    #[link_name = "libevent_inbox_open"]
    pub safe fn inbox_open(handler: OnWords);
    #[link_name = "libevent_inbox_post"]
    pub safe fn inbox_post(words: &Words);
    #[link_name = "libevent_timers_make"]
    pub safe fn timers_make(count: u64, handler: OnNumber);
    fn libevent_timers_start(count: u64, deadlines: *const u64, base: u64);
    #[link_name = "libevent_timers_stop"]
    pub safe fn timers_stop(count: u64);
    #[link_name = "libevent_tick"]
    pub safe fn tick(period_us: u64, handler: OnNumber);
    fn libevent_lookups_make(
        count: u64,
        server: *const libc::c_char,
        in_flight: *const libc::c_char,
        timeout: *const libc::c_char,
        attempts: *const libc::c_char,
        handler: OnAddresses,
    );
    fn libevent_lookup(number: u64, name: *const libc::c_char, family: i32);
    #[link_name = "libevent_lookup_cancel"]
    pub safe fn lookup_cancel(number: u64);
    #[link_name = "libevent_is_cancelled"]
    pub safe fn is_cancelled(error: i32) -> bool;
    #[link_name = "libevent_lookups_close"]
    pub safe fn lookups_close();
    #[link_name = "libevent_echo"]
    pub safe fn echo(listener: i32, accepted: OnNumber, closed: OnNumber);
    fn libevent_watch(count: u64, fds: *const i32, handler: OnNumber);
}

pub fn version() -> String {
    super::text(libevent_version())
}

/// Starts as many timers as there are `deadlines`, each in nanoseconds since `base`.
pub fn timers_start(deadlines: &[u64], base: u64) {
    // SAFETY: pointer and length are one slice's.
    unsafe { libevent_timers_start(deadlines.len() as u64, deadlines.as_ptr(), base) }
}

/// Makes room for `count` lookups at `server`.
pub fn lookups_make(
    count: usize,
    server: SocketAddr,
    in_flight: usize,
    timeout_seconds: u32,
    attempts: u32,
    handler: OnAddresses,
) {
    let [server, in_flight, timeout, attempts] =
        [server.to_string(), in_flight.to_string(), timeout_seconds.to_string(), attempts.to_string()]
            .map(|text| c_string(&text));
    // SAFETY: all are texts that end in a zero, and are read here only.
    unsafe {
        libevent_lookups_make(
            count as u64,
            server.as_ptr(),
            in_flight.as_ptr(),
            timeout.as_ptr(),
            attempts.as_ptr(),
            handler,
        )
    }
}

pub fn lookup(number: usize, name: &str, family: i32) {
    let name = c_string(name);
    // SAFETY: libevent copies the name.
    unsafe { libevent_lookup(number as u64, name.as_ptr(), family) }
}

pub fn watch(fds: &[i32], handler: OnNumber) {
    // SAFETY: pointer and length are one slice's, which is read here only.
    unsafe { libevent_watch(fds.len() as u64, fds.as_ptr(), handler) }
}
