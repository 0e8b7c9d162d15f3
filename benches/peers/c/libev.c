/* libev, with a loop of its own: the default one would also reap the program's children. */
#include "peers.h"
#include <ev.h>

void libev_version(int *major, int *minor) { *major = ev_version_major(), *minor = ev_version_minor(); }
static struct ev_loop *the_loop;
static inline struct ev_loop *loop(void) { return the_loop ? the_loop : (the_loop = ev_loop_new(EVFLAG_AUTO)); }

void libev_turn(void) { ev_run(loop(), EVRUN_NOWAIT); }
void libev_wait_turn(void) { ev_run(loop(), EVRUN_ONCE); }
void libev_run(void) { ev_run(loop(), 0); }
void libev_stop(void) { ev_break(loop(), EVBREAK_ALL); }

/* ---- messages: a watcher for each that waits, fed as pending, called by the next turn */
typedef struct { ev_watcher watcher; Words words; } Slot;
static Slot *slots;
static on_words on_post;
static void slot_called(struct ev_loop *l, ev_watcher *watcher, int events) { on_post(&((Slot *)watcher)->words); }
void libev_post_open(uint64_t depth, on_words handler) {
  on_post = handler;
  slots = malloc(depth * sizeof *slots);
  for (uint64_t i = 0; i < depth; i++) ev_init(&slots[i].watcher, slot_called);
}
void libev_post(uint64_t slot, const Words *words) {
  slots[slot].words = *words;
  ev_feed_event(loop(), &slots[slot].watcher, EV_CUSTOM);
}
void libev_post_cancel(uint64_t slot) { ev_clear_pending(loop(), &slots[slot].watcher); }

/* ---- from other threads */
static Inbox inbox = {.lock = PTHREAD_MUTEX_INITIALIZER};
static ev_async inbox_watcher;
static void take_inbox(struct ev_loop *l, ev_async *watcher, int events) {
  Words words;
  inbox_swap(&inbox);
  while (ring_pop(&inbox.taken, &words))
    if (on_post(&words)) return ev_break(l, EVBREAK_ALL);
}
void libev_inbox_open(on_words handler) {
  on_post = handler;
  ev_async_init(&inbox_watcher, take_inbox);
  ev_async_start(loop(), &inbox_watcher);
}
void libev_inbox_post(const Words *words) {
  inbox_push(&inbox, words);
  ev_async_send(loop(), &inbox_watcher);
}

/* ---- timers */
static ev_timer *timers;
static on_number on_timer;
static void timer_fired(struct ev_loop *l, ev_timer *timer, int events) { on_timer((uint64_t)(uintptr_t)timer->data); }
void libev_timers_make(uint64_t count, on_number handler) {
  on_timer = handler;
  timers = malloc(count * sizeof *timers);
}
void libev_timers_start(uint64_t count, const uint64_t *deadlines, uint64_t base) {
  uint64_t gone;
  do gone = now_ns() - base, ev_now_update(loop()); /* timers are relative to the time that the loop remembers */
  while (now_ns() - base - gone > 20000);
  for (uint64_t i = 0; i < count; i++) {
    ev_timer_init(&timers[i], timer_fired, deadlines[i] > gone ? (deadlines[i] - gone) / 1e9 : 0., 0.);
    timers[i].data = (void *)(uintptr_t)i;
    ev_timer_start(loop(), &timers[i]);
  }
}
void libev_timers_stop(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) ev_timer_stop(loop(), &timers[i]);
}
static ev_timer ticker;
static void ticked(struct ev_loop *l, ev_timer *timer, int events) { on_timer(0); }
void libev_tick(double period, on_number handler) {
  on_timer = handler;
  ev_timer_init(&ticker, ticked, period, period);
  ev_timer_start(loop(), &ticker);
}

/* ---- sockets */
static on_number on_accept, on_close;
static void echo_ready(struct ev_loop *l, ev_io *watcher, int events) {
  if (echo(watcher->fd)) return;
  on_close(0);
  ev_io_stop(l, watcher);
  close(watcher->fd);
  free(watcher);
}
static void accept_ready(struct ev_loop *l, ev_io *listener, int events) {
  int fd;
  while ((fd = accept_one(listener->fd)) >= 0) {
    ev_io *watcher = malloc(sizeof *watcher);
    ev_io_init(watcher, echo_ready, fd, EV_READ);
    ev_io_start(l, watcher);
    on_accept(0);
  }
}
void libev_echo(int listener, on_number accept, on_number close) {
  static ev_io watcher;
  on_accept = accept, on_close = close;
  ev_io_init(&watcher, accept_ready, listener, EV_READ);
  ev_io_start(loop(), &watcher);
}

/* ---- descriptors watched by level */
typedef struct { ev_io io; uint64_t number; } Watch;
static on_number on_readable;
static void readable(struct ev_loop *l, ev_io *io, int events) { on_readable(((Watch *)io)->number); }
void libev_watch(uint64_t count, const int *fds, on_number handler) {
  Watch *watches = malloc(count * sizeof *watches);
  on_readable = handler;
  for (uint64_t i = 0; i < count; i++) {
    watches[i].number = i;
    ev_io_init(&watches[i].io, readable, fds[i], EV_READ);
    ev_io_start(loop(), &watches[i].io);
  }
}
