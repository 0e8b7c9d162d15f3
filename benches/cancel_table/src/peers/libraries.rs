//! The libraries in C: which kinds each has, and how each calls its cancel. What is played is in `c/`.

use crate::ffi::{CARES, GLIB, LIBEV, LIBEVENT, LIBUV, Library};
use crate::scene::{absent, row};
use crate::table::Kind::{self, Lookup, Post, Readiness, Stream, Timer, Work};

pub fn libuv_version() -> String {
    LIBUV.version()
}

pub fn libevent_version() -> String {
    LIBEVENT.version()
}

pub fn libev_version() -> String {
    LIBEV.version()
}

pub fn cares_version() -> String {
    CARES.version()
}

pub fn glib_version() -> String {
    GLIB.version()
}

fn rows(library: &Library, rows: &[(Kind, &str, &str)]) {
    for &(kind, way, source) in rows {
        row(kind, way, source, kind.states(), |state| library.play(kind, state));
    }
}

pub fn libuv() {
    let request = "https://docs.libuv.org/en/v1.x/request.html#c.uv_cancel";
    rows(
        &LIBUV,
        &[
            (Timer, "`uv_timer_stop`", "https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_stop"),
            (Lookup, "`uv_cancel` of a `uv_getaddrinfo`", request),
            (Readiness, "`uv_poll_stop`", "https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_stop"),
            (Post, "`uv_close` of a `uv_async_t`", "https://docs.libuv.org/en/v1.x/handle.html#c.uv_close"),
            (Work, "`uv_cancel` of a `uv_queue_work`", request),
        ],
    );
    absent(Stream, "no such kind: `uv_async_send` carries nothing");
}

pub fn libevent() {
    let event = "https://libevent.org/doc/event_8h.html";
    rows(
        &LIBEVENT,
        &[
            (Timer, "`event_del`", event),
            (Lookup, "`evdns_getaddrinfo_cancel`", "https://libevent.org/doc/dns_8h.html"),
            (Readiness, "`event_del`", event),
            (Post, "`event_del` after `event_active`", event),
        ],
    );
    absent(Work, "no such kind");
    absent(Stream, "no such kind");
}

pub fn libev() {
    let manual = "http://pod.tst.eu/http://cvs.schmorp.de/libev/ev.pod";
    rows(
        &LIBEV,
        &[(Timer, "`ev_timer_stop`", manual), (Readiness, "`ev_io_stop`", manual), (Post, "`ev_async_stop`", manual)],
    );
    absent(Lookup, "no such kind");
    absent(Work, "no such kind");
    absent(Stream, "no such kind: `ev_async_send` carries nothing");
}

pub fn cares() {
    use crate::table::State::{Finished, Next, UnderWay};
    // Its lookups do not wait in line.
    let states = &[UnderWay, Finished, Next];
    let way = "`ares_cancel`, of all lookups of a channel: there is no way to cancel one";
    row(Lookup, way, "https://c-ares.org/docs/ares_cancel.html", states, |state| CARES.play(Lookup, state));
}

pub fn glib() {
    let remove = "https://docs.gtk.org/glib/type_func.Source.remove.html";
    let cancellable = "https://docs.gtk.org/gio/method.Cancellable.cancel.html";
    rows(
        &GLIB,
        &[
            (Timer, "`g_source_remove`", remove),
            (Lookup, "`g_cancellable_cancel` of a `GResolver` lookup", cancellable),
            (Readiness, "`g_source_remove` of a `g_unix_fd_add`", remove),
            (Post, "`g_source_remove` of a `g_idle_add`", remove),
            (Work, "`g_cancellable_cancel` of a `GTask`", cancellable),
        ],
    );
    absent(Stream, "no such kind");
}
