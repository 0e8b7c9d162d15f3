/* libev. Stopping a watcher clears its pending state as well.
 *
 * http://pod.tst.eu/http://cvs.schmorp.de/libev/ev.pod ev_TYPE_stop, ev_clear_pending
 */
#include "cell.h"
#include <ev.h>

static struct ev_loop *loop;
static ev_timer timers[2], guard;
static ev_io ios[2];
static ev_async asyncs[2];

const char *table_libev_version(void)
{
    static char text[16];
    snprintf(text, sizeof text, "%d.%d", ev_version_major(), ev_version_minor());
    return text;
}

static void on_guard(struct ev_loop *the_loop, ev_timer *timer, int events)
{
    ev_break(the_loop, EVBREAK_ALL);
}

static void turn(void)
{
    ev_now_update(loop);
    ev_timer_init(&guard, on_guard, SETTLE_MS / 1e3, 0.);
    ev_timer_start(loop, &guard);
    ev_run(loop, 0);
}

static void on_timer(struct ev_loop *the_loop, ev_timer *timer, int events)
{
    handled(timer - timers, 0);
}

static void start_timer(int item)
{
    ev_now_update(loop);
    ev_timer_init(&timers[item], on_timer, TIMER_MS / 1e3, state == INSIDE ? TIMER_MS / 1e3 : 0.);
    ev_timer_start(loop, &timers[item]);
}

static void cancel_timer(int item)
{
    cancel_begins(item);
    ev_timer_stop(loop, &timers[item]);
    cancel_returned();
}

static void on_io(struct ev_loop *the_loop, ev_io *io, int events)
{
    handled(io - ios, 0);
}

static void start_io(int item)
{
    ev_io_init(&ios[item], on_io, descriptor(item), EV_READ);
    ev_io_start(loop, &ios[item]);
}

static void cancel_io(int item)
{
    cancel_begins(item);
    ev_io_stop(loop, &ios[item]);
    cancel_returned();
}

static void on_async(struct ev_loop *the_loop, ev_async *async, int events)
{
    handled(async - asyncs, 0);
}

static void send_async(int item)
{
    ev_async_send(loop, &asyncs[item]);
}

static void start_async(int item)
{
    ev_async_init(&asyncs[item], on_async);
    ev_async_start(loop, &asyncs[item]);
    on_another_thread(send_async, item);
}

static void cancel_async(int item)
{
    cancel_begins(item);
    ev_async_stop(loop, &asyncs[item]);
    cancel_returned();
}

void table_libev(enum kind kind, enum state the_state, struct cell *the_cell)
{
    static const struct play plays[] = {
        [TIMER] = { NULL, start_timer, pass_time_of_timers, cancel_timer, turn },
        [READINESS] = { NULL, start_io, NULL, cancel_io, turn },
        [POST] = { NULL, start_async, NULL, cancel_async, turn },
    };
    loop = ev_loop_new(EVFLAG_AUTO);
    play_cell(&plays[kind], kind, the_state, the_cell);
}
