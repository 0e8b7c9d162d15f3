/* One cell of the table, as it is played with a C library: what the glue of each library needs.
 *
 * Items 0 and 1 are two operations of one kind. Only in the state "next" there are two; whichever handler runs first
 * cancels the other. A cell counts what the cancelled item's handler is called for from the cancel on.
 */
#ifndef CELL_H
#define CELL_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/eventfd.h>

/* As in ffi.rs. */
enum kind { TIMER, LOOKUP, READINESS, POST, WORK };
enum state { IN_LINE, UNDER_WAY, FINISHED, NEXT, INSIDE };

/* As in ffi.rs. */
struct cell {
    int has_answer, answer;
    /* What the item's handler was called for, from the cancel on. */
    int results, cancelled;
    /* How many of these while the cancelling call had not yet returned. */
    int inside;
    /* Sockets that still wait for the answer of a cancelled lookup. */
    int asking;
    /* 0 before the cancel, 1 in it, 2 after it. */
    int phase;
    int target;
    const char *names[2];
};

/* How long a loop goes on after the cancel, in which nothing or something is seen. */
#define SETTLE_MS 60
#define TIMER_MS 20
/* How often a loop goes on so until what nobody cancelled is seen. */
#define TRIES_MAX 100

#define CHECK(call)                                                                                                   \
    do {                                                                                                              \
        if (!(call)) {                                                                                                \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #call);                                                \
            abort();                                                                                                  \
        }                                                                                                             \
    } while (0)

/* The name server of the table, in Rust. */
void table_await_question(const char *name);
void table_answer(const char *name);
void table_answer_into_buffer(const char *name);
int table_asking(void);
/* Whether nothing is to be cancelled, so that everything has to be seen. */
int table_is_control(void);

/* What differs from library to library and kind to kind. */
struct play {
    void (*prepare)(void);
    void (*start)(int item);
    /* Brings what was started to the state, without a turn of the loop. */
    void (*reach)(void);
    void (*cancel)(int item);
    /* Turns the loop until SETTLE_MS have passed. */
    void (*settle)(void);
};

static struct cell *cell;
static enum state state;
static const struct play *play;
/* What is watched of each item in the kind "readiness". */
static int descriptors[2];

__attribute__((unused)) static void cancel_begins(int item)
{
    cell->phase = 1;
    cell->target = item;
}

__attribute__((unused)) static void cancel_returned(void)
{
    cell->phase = 2;
}

__attribute__((unused)) static void cancel_answered(int answer)
{
    cell->has_answer = 1;
    cell->answer = answer;
    cell->phase = 2;
}

__attribute__((unused)) static void cancel(int item)
{
    if (table_is_control()) {
        cancel_begins(item);
        cancel_returned();
    } else {
        play->cancel(item);
    }
}

/* What every handler does. */
__attribute__((unused)) static void handled(int item, int is_cancelled)
{
    if (cell->phase == 0) {
        if (state == NEXT)
            cancel(1 - item);
        else if (state == INSIDE)
            cancel(item);
        else
            CHECK(!"its handler ran before it could be cancelled");
    } else if (item == cell->target) {
        if (is_cancelled)
            cell->cancelled++;
        else
            cell->results++;
        if (cell->phase == 1)
            cell->inside++;
    }
}

__attribute__((unused)) static void play_cell(const struct play *the_play, enum kind kind, enum state the_state,
                                              struct cell *the_cell)
{
    play = the_play;
    state = the_state;
    cell = the_cell;
    if (play->prepare)
        play->prepare();
    for (int item = 0; item < (state == NEXT ? 2 : 1); item++)
        play->start(item);
    if (play->reach)
        play->reach();
    if (state < NEXT)
        cancel(0);
    if (kind == READINESS && state == UNDER_WAY)
        CHECK(eventfd_write(descriptors[0], 1) == 0);
    if (kind == LOOKUP && state <= UNDER_WAY) {
        play->settle();
        /* The late answer comes. */
        cell->asking = table_asking();
        table_answer(cell->names[1]);
        table_answer(cell->names[0]);
    }
    int tries = 0;
    do
        play->settle();
    while (table_is_control() && cell->results == 0 && ++tries < TRIES_MAX);
}

__attribute__((unused)) static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + time.tv_nsec;
}

/* Passes the time of a timer while its loop does not turn. */
__attribute__((unused)) static void pass_time_of_timers(void)
{
    if (state != FINISHED && state != NEXT)
        return;
    uint64_t until = now_ns() + 2 * TIMER_MS * UINT64_C(1000000);
    while (now_ns() < until)
        ;
}

/* Waits until the lookups are under way, and has them answered if they are to be further. */
__attribute__((unused)) static void reach_answers(void (*answer)(const char *name))
{
    for (int item = 0; item < (state == NEXT ? 2 : 1); item++)
        table_await_question(cell->names[item]);
    for (int item = 0; state != UNDER_WAY && item < (state == NEXT ? 2 : 1); item++)
        answer(cell->names[item]);
}

struct errand {
    void (*run)(int item);
    int item;
};

__attribute__((unused)) static void *run_errand(void *errand)
{
    ((struct errand *)errand)->run(((struct errand *)errand)->item);
    return NULL;
}

__attribute__((unused)) static void on_another_thread(void (*run)(int item), int item)
{
    struct errand errand = { run, item };
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_errand, &errand) != 0)
        abort();
    pthread_join(thread, NULL);
}

/* A descriptor that is readable, or will be after the cancel. */
__attribute__((unused)) static int descriptor(int item)
{
    return descriptors[item] = eventfd(state >= FINISHED, EFD_NONBLOCK | EFD_CLOEXEC);
}

#endif
