/* libevent, and its resolver evdns.
 *
 * https://libevent.org/doc/event_8h.html event_del: neither pending nor active any more; has no effect on an event
 *                                        whose callback has begun
 * https://libevent.org/doc/dns_8h.html   evdns_getaddrinfo_cancel: the callback is invoked with EVUTIL_EAI_CANCEL
 */
#include "cell.h"
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <event2/util.h>

static struct event_base *base;
static struct evdns_base *resolver;
static struct event *events[2];
static struct evdns_getaddrinfo_request *lookups[2];

const char *table_libevent_version(void)
{
    return event_get_version();
}

static void turn(void)
{
    struct timeval time = { 0, SETTLE_MS * 1000 };
    event_base_loopexit(base, &time);
    event_base_dispatch(base);
}

static void on_event(evutil_socket_t socket, short what, void *item)
{
    handled((int)(intptr_t)item, 0);
}

static void start_timer(int item)
{
    struct timeval time = { 0, TIMER_MS * 1000 };
    events[item] = event_new(base, -1, state == INSIDE ? EV_PERSIST : 0, on_event, (void *)(intptr_t)item);
    event_add(events[item], &time);
}

static void start_readiness(int item)
{
    events[item] = event_new(base, descriptor(item), EV_READ | EV_PERSIST, on_event, (void *)(intptr_t)item);
    event_add(events[item], NULL);
}

static void post(int item)
{
    event_active(events[item], EV_READ, 1);
}

static void start_post(int item)
{
    events[item] = event_new(base, -1, 0, on_event, (void *)(intptr_t)item);
    on_another_thread(post, item);
}

static void cancel_event(int item)
{
    cancel_begins(item);
    cancel_answered(event_del(events[item]));
}

static void on_lookup(int error, struct evutil_addrinfo *addresses, void *item)
{
    CHECK(error == 0 || error == EVUTIL_EAI_CANCEL);
    handled((int)(intptr_t)item, error != 0);
    if (addresses)
        evutil_freeaddrinfo(addresses);
}

static void on_lookup_before(int error, struct evutil_addrinfo *addresses, void *nothing)
{
    if (addresses)
        evutil_freeaddrinfo(addresses);
}

static const struct evutil_addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

/* In line is what comes after as many as may be asked at a time: here one, which is for the second name. */
static void prepare_lookup(void)
{
    resolver = evdns_base_new(base, 0);
    CHECK(resolver && evdns_base_nameserver_ip_add(resolver, "127.0.0.1:53") == 0);
    if (state == IN_LINE) {
        CHECK(evdns_base_set_option(resolver, "max-inflight:", "1") == 0);
        evdns_getaddrinfo(resolver, cell->names[1], NULL, &hints, on_lookup_before, NULL);
        table_await_question(cell->names[1]);
    }
}

static void start_lookup(int item)
{
    lookups[item] = evdns_getaddrinfo(resolver, cell->names[item], NULL, &hints, on_lookup, (void *)(intptr_t)item);
    CHECK(lookups[item]);
}

static void reach_lookup(void)
{
    if (state == IN_LINE)
        return;
    reach_answers(table_answer_into_buffer);
}

static void cancel_lookup(int item)
{
    cancel_begins(item);
    evdns_getaddrinfo_cancel(lookups[item]);
    cancel_returned();
}

void table_libevent(enum kind kind, enum state the_state, struct cell *the_cell)
{
    static const struct play plays[] = {
        [TIMER] = { NULL, start_timer, pass_time_of_timers, cancel_event, turn },
        [LOOKUP] = { prepare_lookup, start_lookup, reach_lookup, cancel_lookup, turn },
        [READINESS] = { NULL, start_readiness, NULL, cancel_event, turn },
        [POST] = { NULL, start_post, NULL, cancel_event, turn },
    };
    CHECK(evthread_use_pthreads() == 0);
    base = event_base_new();
    play_cell(&plays[kind], kind, the_state, the_cell);
}
