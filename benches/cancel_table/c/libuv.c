/* libuv. Its pool has one thread here (`UV_THREADPOOL_SIZE`), so that what is queued first has run when what is queued
 * last begins.
 *
 * https://docs.libuv.org/en/v1.x/timer.html   uv_timer_stop: the callback will not be called any more
 * https://docs.libuv.org/en/v1.x/poll.html    uv_poll_stop
 * https://docs.libuv.org/en/v1.x/handle.html  uv_close
 * https://docs.libuv.org/en/v1.x/request.html uv_cancel: fails once the request runs or has run; the callback of what
 *                                             was cancelled is called later with an error
 */
#include "cell.h"
#include <uv.h>

static uv_loop_t *loop;
static uv_timer_t timers[2], guard;
static uv_poll_t polls[2];
static uv_async_t asyncs[2];
static uv_work_t works[2], barrier;
static uv_getaddrinfo_t lookups[2];
static uv_sem_t begun, barrier_begun, go_on, barrier_goes_on;

const char *table_libuv_version(void)
{
    return uv_version_string();
}

static void on_guard(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void turn(void)
{
    uv_timer_init(loop, &guard);
    uv_update_time(loop);
    uv_timer_start(&guard, on_guard, SETTLE_MS, 0);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&guard, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

static void on_timer(uv_timer_t *timer)
{
    handled(timer - timers, 0);
}

static void start_timer(int item)
{
    uv_timer_init(loop, &timers[item]);
    uv_timer_start(&timers[item], on_timer, TIMER_MS, state == INSIDE ? TIMER_MS : 0);
}

static void cancel_timer(int item)
{
    cancel_begins(item);
    cancel_answered(uv_timer_stop(&timers[item]));
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    handled(poll - polls, 0);
}

static void start_poll(int item)
{
    uv_poll_init(loop, &polls[item], descriptor(item));
    uv_poll_start(&polls[item], UV_READABLE, on_poll);
}

static void cancel_poll(int item)
{
    cancel_begins(item);
    cancel_answered(uv_poll_stop(&polls[item]));
}

static void on_async(uv_async_t *async)
{
    handled(async - asyncs, 0);
}

static void send_async(int item)
{
    uv_async_send(&asyncs[item]);
}

static void start_async(int item)
{
    uv_async_init(loop, &asyncs[item], on_async);
    on_another_thread(send_async, item);
}

static void cancel_async(int item)
{
    cancel_begins(item);
    uv_close((uv_handle_t *)&asyncs[item], NULL);
    cancel_returned();
}

static void barrier_work(uv_work_t *work)
{
    uv_sem_post(&barrier_begun);
    uv_sem_wait(&barrier_goes_on);
}

static void on_barrier(uv_work_t *work, int status)
{
}

static void put_barrier(void)
{
    uv_queue_work(loop, &barrier, barrier_work, on_barrier);
    uv_sem_wait(&barrier_begun);
}

/* What waits in line waits behind the barrier. */
static void prepare_pool(void)
{
    uv_sem_init(&begun, 0);
    uv_sem_init(&barrier_begun, 0);
    uv_sem_init(&go_on, 0);
    uv_sem_init(&barrier_goes_on, 0);
    if (state == IN_LINE)
        put_barrier();
}

static void pool_goes_on(void)
{
    if (state != UNDER_WAY)
        uv_sem_post(&barrier_goes_on);
}

static void work(uv_work_t *the_work)
{
    uv_sem_post(&begun);
    if (state == UNDER_WAY)
        uv_sem_wait(&go_on);
}

static void on_work(uv_work_t *the_work, int status)
{
    handled(the_work - works, status == UV_ECANCELED);
}

static void start_work(int item)
{
    uv_queue_work(loop, &works[item], work, on_work);
}

static void reach_work(void)
{
    if (state == UNDER_WAY)
        uv_sem_wait(&begun);
    else if (state != IN_LINE)
        put_barrier();
}

static void cancel_work(int item)
{
    cancel_begins(item);
    cancel_answered(uv_cancel((uv_req_t *)&works[item]));
}

static void settle_work(void)
{
    uv_sem_post(&go_on);
    pool_goes_on();
    turn();
}

static void on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    CHECK(status == 0 || status == UV_EAI_CANCELED);
    handled(lookup - lookups, status != 0);
    uv_freeaddrinfo(addresses);
}

static void start_lookup(int item)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    CHECK(uv_getaddrinfo(loop, &lookups[item], on_lookup, cell->names[item], NULL, &hints) == 0);
}

static void reach_lookup(void)
{
    if (state == IN_LINE)
        return;
    for (int item = 0; item < (state == NEXT ? 2 : 1); item++) {
        /* That the second is asked for says that the first is through. */
        table_await_question(cell->names[item]);
        if (state != UNDER_WAY)
            table_answer(cell->names[item]);
    }
    if (state != UNDER_WAY)
        put_barrier();
}

static void cancel_lookup(int item)
{
    cancel_begins(item);
    cancel_answered(uv_cancel((uv_req_t *)&lookups[item]));
}

static void settle_lookup(void)
{
    pool_goes_on();
    turn();
}

void table_libuv(enum kind kind, enum state the_state, struct cell *the_cell)
{
    static const struct play plays[] = {
        [TIMER] = { NULL, start_timer, pass_time_of_timers, cancel_timer, turn },
        [LOOKUP] = { prepare_pool, start_lookup, reach_lookup, cancel_lookup, settle_lookup },
        [READINESS] = { NULL, start_poll, NULL, cancel_poll, turn },
        [POST] = { NULL, start_async, NULL, cancel_async, turn },
        [WORK] = { prepare_pool, start_work, reach_work, cancel_work, settle_work },
    };
    setenv("UV_THREADPOOL_SIZE", "1", 1);
    loop = malloc(sizeof *loop);
    uv_loop_init(loop);
    play_cell(&plays[kind], kind, the_state, the_cell);
}

const char *table_libuv_answer(int answer)
{
    return answer == 0 ? "0" : uv_err_name(answer);
}
