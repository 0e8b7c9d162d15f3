/* libuv. Its loop is the process's default one. */
#include "peers.h"
#include <uv.h>

unsigned libuv_version(void) { return uv_version(); }
static uv_loop_t *loop(void) { return uv_default_loop(); }

void libuv_turn(void) { uv_run(loop(), UV_RUN_NOWAIT); }
void libuv_wait_turn(void) { uv_run(loop(), UV_RUN_ONCE); }
static void nothing(uv_timer_t *timer) {}
/* until something happens, and at most that long */
void libuv_turn_for(uint64_t ms) {
  static uv_timer_t limit;
  if (!limit.loop) uv_timer_init(loop(), &limit);
  uv_update_time(loop());
  /* again and again: one that is due before the wait begins would not end it */
  uv_timer_start(&limit, nothing, ms, 1);
  uv_run(loop(), UV_RUN_ONCE);
  uv_timer_stop(&limit);
}
void libuv_run(void) { uv_run(loop(), UV_RUN_DEFAULT); }
void libuv_stop(void) { uv_stop(loop()); }
int libuv_backend_fd(void) { return uv_backend_fd(loop()); }
int libuv_backend_timeout(void) { uv_update_time(loop()); return uv_backend_timeout(loop()); }
static void close_handle(uv_handle_t *handle, void *nothing) {
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}
void libuv_close(void) {
  uv_walk(loop(), close_handle, NULL);
  uv_run(loop(), UV_RUN_DEFAULT);
  CHECK(uv_loop_close(loop()));
}

/* ---- messages: a handle carries one bit, so the words lie in a ring */
static Ring posted;
static uv_async_t post_handle;
static on_words on_post;
static void take_posted(uv_async_t *handle) {
  Words words;
  while (ring_pop(&posted, &words)) on_post(&words);
}
void libuv_post_open(on_words handler) {
  on_post = handler;
  CHECK(uv_async_init(loop(), &post_handle, take_posted));
}
void libuv_post(const Words *words) {
  ring_push(&posted, *words);
  uv_async_send(&post_handle);
}

/* ---- from other threads */
static Inbox inbox = {.lock = PTHREAD_MUTEX_INITIALIZER};
static uv_async_t inbox_handle;
static void take_inbox(uv_async_t *handle) {
  Words words;
  inbox_swap(&inbox);
  while (ring_pop(&inbox.taken, &words))
    if (on_post(&words)) return uv_stop(loop());
}
void libuv_inbox_open(on_words handler) {
  on_post = handler;
  CHECK(uv_async_init(loop(), &inbox_handle, take_inbox));
}
void libuv_inbox_post(const Words *words) {
  inbox_push(&inbox, words);
  uv_async_send(&inbox_handle);
}

/* ---- timers, in whole milliseconds */
static uv_timer_t *timers;
static on_number on_timer;
static void timer_fired(uv_timer_t *timer) { on_timer((uint64_t)(uintptr_t)timer->data); }
void libuv_timers_make(uint64_t count, on_number handler) {
  on_timer = handler;
  timers = malloc(count * sizeof *timers);
}
void libuv_timers_start(uint64_t count, const uint64_t *deadlines, uint64_t base) {
  uint64_t gone;
  do gone = now_ns() - base, uv_update_time(loop()); /* the two at one moment, or timers would be early or late */
  while (now_ns() - base - gone > 20000);
  for (uint64_t i = 0; i < count; i++) {
    uv_timer_init(loop(), &timers[i]);
    timers[i].data = (void *)(uintptr_t)i;
    uint64_t delay = deadlines[i] > gone ? deadlines[i] - gone : 0;
    uv_timer_start(&timers[i], timer_fired, (delay + 999999) / 1000000, 0);
  }
}
void libuv_timers_stop(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) uv_timer_stop(&timers[i]);
}
static uv_timer_t ticker;
static void ticked(uv_timer_t *timer) { on_timer(0); }
void libuv_tick(uint64_t period_ms, on_number handler) {
  on_timer = handler;
  uv_timer_init(loop(), &ticker);
  uv_timer_start(&ticker, ticked, period_ms, period_ms);
}
void libuv_tick_stop(void) { uv_close((uv_handle_t *)&ticker, NULL); }

/* ---- completions that wait, cancelled */
static uint64_t work_done, delivered;
static uv_work_t *works;
static void work(uv_work_t *request) { __atomic_add_fetch(&work_done, 1, __ATOMIC_RELAXED); }
static void after_work(uv_work_t *request, int status) { delivered += status != UV_ECANCELED; }
void libuv_works_finish(uint64_t count) {
  if (!works) works = malloc(count * sizeof *works);
  work_done = 0;
  for (uint64_t i = 0; i < count; i++) uv_queue_work(loop(), &works[i], work, after_work);
  while (__atomic_load_n(&work_done, __ATOMIC_RELAXED) < count) usleep(1000);
  usleep(20000);
}
void libuv_works_cancel(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) uv_cancel((uv_req_t *)&works[i]);
}
uint64_t libuv_delivered(void) { return delivered; }
static uv_async_t *asyncs;
static uint64_t asyncs_closed;
static void async_called(uv_async_t *handle) { delivered++; }
static void async_closed(uv_handle_t *handle) { asyncs_closed++; }
void libuv_asyncs_send(uint64_t count) {
  if (!asyncs) asyncs = malloc(count * sizeof *asyncs);
  asyncs_closed = 0;
  for (uint64_t i = 0; i < count; i++) uv_async_init(loop(), &asyncs[i], async_called), uv_async_send(&asyncs[i]);
}
void libuv_asyncs_close(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) uv_close((uv_handle_t *)&asyncs[i], async_closed);
}
uint64_t libuv_asyncs_closed(void) { return asyncs_closed; }

/* ---- lookups */
typedef struct { uv_getaddrinfo_t request; uint64_t number; } Lookup;
typedef void (*on_addresses)(uint64_t number, int error, const struct addrinfo *);
static on_addresses on_lookup;
static Lookup *lookups;
static void looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses) {
  Lookup *lookup = (Lookup *)request;
  on_lookup(lookup->number, status, addresses);
  uv_freeaddrinfo(addresses);
}
void libuv_lookups_make(uint64_t count, on_addresses handler) {
  on_lookup = handler;
  lookups = malloc(count * sizeof *lookups);
}
void libuv_lookup(uint64_t number, const char *name, int family) {
  struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
  lookups[number].number = number;
  CHECK(uv_getaddrinfo(loop(), &lookups[number].request, looked_up, name, NULL, &hints));
}
/* whether it was taken back */
int libuv_lookup_cancel(uint64_t number) { return uv_cancel((uv_req_t *)&lookups[number].request) == 0; }

/* ---- sockets */
typedef struct { uv_tcp_t stream; char buffer[4096]; } Connection;
static on_number on_accept, on_close;
static void lend_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
  *buffer = uv_buf_init(((Connection *)handle)->buffer, sizeof((Connection *)handle)->buffer);
}
static void free_connection(uv_handle_t *handle) { free(handle); }
static void echo_stream(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer) {
  if (length < 0) {
    on_close(0);
    uv_close((uv_handle_t *)stream, free_connection);
  } else if (length > 0) {
    uv_buf_t reply = uv_buf_init(buffer->base, length);
    if (uv_try_write(stream, &reply, 1) != length) abort(); /* 64 bytes always fit */
  }
}
static void accepted(uv_stream_t *listener, int status) {
  Connection *connection = malloc(sizeof *connection);
  uv_tcp_init(loop(), &connection->stream);
  if (uv_accept(listener, (uv_stream_t *)&connection->stream)) return free(connection);
  uv_tcp_nodelay(&connection->stream, 1);
  uv_read_start((uv_stream_t *)&connection->stream, lend_buffer, echo_stream);
  on_accept(0);
}
void libuv_echo(int listener, on_number accept, on_number close) {
  static uv_tcp_t stream;
  on_accept = accept, on_close = close;
  uv_tcp_init(loop(), &stream);
  CHECK(uv_tcp_open(&stream, listener));
  CHECK(uv_listen((uv_stream_t *)&stream, 1024, accepted));
}

/* ---- descriptors watched by level */
typedef struct { uv_poll_t poll; uint64_t number; } Watch;
static on_number on_readable;
static void readable(uv_poll_t *poll, int status, int events) { on_readable(((Watch *)poll)->number); }
void libuv_watch(uint64_t count, const int *fds, on_number handler) {
  Watch *watches = malloc(count * sizeof *watches);
  on_readable = handler;
  for (uint64_t i = 0; i < count; i++) {
    watches[i].number = i;
    uv_poll_init(loop(), &watches[i].poll, fds[i]);
    uv_poll_start(&watches[i].poll, UV_READABLE, readable);
  }
}
