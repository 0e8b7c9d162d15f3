/* libevent and its resolver. */
#include "peers.h"
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <event2/util.h>

const char *libevent_version(void) { return event_get_version(); }
static struct event_base *base;
/* `precise`: timers wait by a timer descriptor, and the clock is read exactly. `threads`: others may post. */
void libevent_open(int precise, int threads) {
  if (threads) evthread_use_pthreads();
  struct event_config *config = event_config_new();
  if (precise) event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
  base = event_base_new_with_config(config);
  event_config_free(config);
}
void libevent_close(void) { event_base_free(base); }
void libevent_turn(void) { event_base_loop(base, EVLOOP_NONBLOCK); }
void libevent_wait_turn(void) { event_base_loop(base, EVLOOP_ONCE); }
static void nothing(evutil_socket_t fd, short what, void *none) {}
/* until something happens, and at most that long */
void libevent_turn_for(uint64_t us) {
  static struct event *limit;
  struct timeval time = {us / 1000000, us % 1000000};
  if (!limit) limit = evtimer_new(base, nothing, NULL);
  evtimer_add(limit, &time);
  event_base_loop(base, EVLOOP_ONCE);
  evtimer_del(limit);
}
void libevent_run(void) { event_base_dispatch(base); }
void libevent_stop(void) { event_base_loopbreak(base); }

/* ---- messages: an event for each that waits, made active */
typedef struct { struct event event; Words words; } Slot;
static Slot *slots;
static on_words on_post;
static void slot_called(evutil_socket_t fd, short what, void *slot) { on_post(&((Slot *)slot)->words); }
void libevent_post_open(uint64_t depth, on_words handler) {
  on_post = handler;
  slots = malloc(depth * sizeof *slots);
  for (uint64_t i = 0; i < depth; i++) event_assign(&slots[i].event, base, -1, 0, slot_called, &slots[i]);
}
void libevent_post(uint64_t slot, const Words *words) {
  slots[slot].words = *words;
  event_active(&slots[slot].event, EV_TIMEOUT, 1);
}
void libevent_post_cancel(uint64_t slot) { event_del(&slots[slot].event); }

/* ---- from other threads */
static Inbox inbox = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct event *inbox_event;
static void never(evutil_socket_t fd, short what, void *nothing) { abort(); }
static void take_inbox(evutil_socket_t fd, short what, void *nothing) {
  Words words;
  inbox_swap(&inbox);
  while (ring_pop(&inbox.taken, &words))
    if (on_post(&words)) { event_base_loopbreak(base); return; }
}
void libevent_inbox_open(on_words handler) {
  struct timeval hour = {3600, 0};
  on_post = handler;
  inbox_event = event_new(base, -1, EV_PERSIST, take_inbox, NULL);
  evtimer_add(evtimer_new(base, never, NULL), &hour); /* without anything to wait for it would end */
}
void libevent_inbox_post(const Words *words) {
  inbox_push(&inbox, words);
  event_active(inbox_event, EV_READ, 1);
}

/* ---- timers, in microseconds */
static struct event *timers;
static on_number on_timer;
static void timer_fired(evutil_socket_t fd, short what, void *number) { on_timer((uint64_t)(uintptr_t)number); }
void libevent_timers_make(uint64_t count, on_number handler) {
  on_timer = handler;
  timers = malloc(count * sizeof *timers);
}
void libevent_timers_start(uint64_t count, const uint64_t *deadlines, uint64_t since) {
  uint64_t gone = now_ns() - since;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t delay = deadlines[i] > gone ? (deadlines[i] - gone + 999) / 1000 : 0;
    struct timeval time = {delay / 1000000, delay % 1000000};
    evtimer_assign(&timers[i], base, timer_fired, (void *)(uintptr_t)i);
    evtimer_add(&timers[i], &time);
  }
}
void libevent_timers_stop(uint64_t count) {
  for (uint64_t i = 0; i < count; i++) evtimer_del(&timers[i]);
}
void libevent_tick(uint64_t period_us, on_number handler) {
  struct timeval time = {period_us / 1000000, period_us % 1000000};
  on_timer = handler;
  event_add(event_new(base, -1, EV_PERSIST, timer_fired, NULL), &time);
}

/* ---- lookups by evdns, with one socket and one port for all */
static struct evdns_base *resolver;
static struct evdns_getaddrinfo_request **requests;
typedef void (*on_addresses)(uint64_t number, int error, const struct evutil_addrinfo *);
static on_addresses on_lookup;
static void looked_up(int error, struct evutil_addrinfo *addresses, void *number) {
  on_lookup((uint64_t)(uintptr_t)number, error, addresses);
  if (addresses) evutil_freeaddrinfo(addresses);
}
void libevent_lookups_make(uint64_t count, const char *server, const char *in_flight, const char *timeout,
                           const char *attempts, on_addresses handler) {
  on_lookup = handler;
  requests = malloc(count * sizeof *requests);
  resolver = evdns_base_new(base, 0);
  CHECK(evdns_base_nameserver_ip_add(resolver, server));
  CHECK(evdns_base_set_option(resolver, "max-inflight:", in_flight));
  CHECK(evdns_base_set_option(resolver, "timeout:", timeout));
  CHECK(evdns_base_set_option(resolver, "attempts:", attempts));
}
void libevent_lookup(uint64_t number, const char *name, int family) {
  struct evutil_addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
  requests[number] = evdns_getaddrinfo(resolver, name, NULL, &hints, looked_up, (void *)(uintptr_t)number);
}
void libevent_lookup_cancel(uint64_t number) {
  if (requests[number]) evdns_getaddrinfo_cancel(requests[number]);
}
int libevent_is_cancelled(int error) { return error == EVUTIL_EAI_CANCEL; }
void libevent_lookups_close(void) { evdns_base_free(resolver, 0); }

/* ---- sockets */
static on_number on_accept, on_close;
static void echo_ready(evutil_socket_t fd, short what, void *slot) {
  struct event **event = slot;
  if (echo(fd)) return;
  on_close(0);
  event_free(*event);
  free(event);
  close(fd);
}
static void accept_ready(evutil_socket_t listener, short what, void *nothing) {
  int fd;
  while ((fd = accept_one(listener)) >= 0) {
    struct event **event = malloc(sizeof *event);
    *event = event_new(base, fd, EV_READ | EV_PERSIST, echo_ready, event);
    event_add(*event, NULL);
    on_accept(0);
  }
}
void libevent_echo(int listener, on_number accept, on_number close) {
  on_accept = accept, on_close = close;
  event_add(event_new(base, listener, EV_READ | EV_PERSIST, accept_ready, NULL), NULL);
}

/* ---- descriptors watched by level */
static on_number on_readable;
static void readable(evutil_socket_t fd, short what, void *number) { on_readable((uint64_t)(uintptr_t)number); }
void libevent_watch(uint64_t count, const int *fds, on_number handler) {
  on_readable = handler;
  for (uint64_t i = 0; i < count; i++)
    event_add(event_new(base, fds[i], EV_READ | EV_PERSIST, readable, (void *)(uintptr_t)i), NULL);
}
