/* GLib and GIO.
 *
 * https://docs.gtk.org/glib/type_func.Source.remove.html          g_source_remove
 * https://docs.gtk.org/glib/method.Source.destroy.html            its callback is not called any more
 * https://docs.gtk.org/gio/method.Cancellable.cancel.html         the operation's callback is called later, with an error
 * https://docs.gtk.org/gio/method.Task.set_check_cancellable.html a result that is there already becomes that error
 */
#include "cell.h"
#include <gio/gio.h>
#include <glib-unix.h>

/* So many threads have the tasks of GIO; more come when these are busy for long. */
#define TASK_THREADS 10

static guint sources[2];
static GCancellable *cancellables[2];
static GMutex mutex;
static GCond changed;
static int blockers_begun, works_begun, may_go_on, blockers_may_go_on;

const char *table_glib_version(void)
{
    static char text[24];
    snprintf(text, sizeof text, "%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
    return text;
}

static gboolean on_guard(gpointer is_over)
{
    *(gboolean *)is_over = TRUE;
    return G_SOURCE_REMOVE;
}

static void turn(void)
{
    gboolean is_over = FALSE;
    g_timeout_add(SETTLE_MS, on_guard, &is_over);
    while (!is_over)
        g_main_context_iteration(NULL, TRUE);
}

static gboolean on_source(gpointer item)
{
    handled(GPOINTER_TO_INT(item), 0);
    return state == INSIDE ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean on_descriptor(gint fd, GIOCondition condition, gpointer item)
{
    handled(GPOINTER_TO_INT(item), 0);
    return state == INSIDE ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void start_timer(int item)
{
    sources[item] = g_timeout_add(TIMER_MS, on_source, GINT_TO_POINTER(item));
}

static void start_readiness(int item)
{
    sources[item] = g_unix_fd_add(descriptor(item), G_IO_IN, on_descriptor, GINT_TO_POINTER(item));
}

static void post(int item)
{
    sources[item] = g_idle_add(on_source, GINT_TO_POINTER(item));
}

static void start_post(int item)
{
    on_another_thread(post, item);
}

static void cancel_source(int item)
{
    cancel_begins(item);
    cancel_answered(g_source_remove(sources[item]));
}

static void wait_until_readable(void)
{
    while (!g_main_context_pending(NULL))
        g_thread_yield();
}

static void cancel_cancellable(int item)
{
    /* The other one's result may still be on its way from its thread. */
    if (state == NEXT)
        wait_until_readable();
    cancel_begins(item);
    g_cancellable_cancel(cancellables[item]);
    cancel_returned();
}

static void raise_and_wait(int *begun, const int *until)
{
    g_mutex_lock(&mutex);
    ++*begun;
    g_cond_broadcast(&changed);
    while (until && !*until)
        g_cond_wait(&changed, &mutex);
    g_mutex_unlock(&mutex);
}

static void await_count(const int *count, int wanted)
{
    g_mutex_lock(&mutex);
    while (*count < wanted)
        g_cond_wait(&changed, &mutex);
    g_mutex_unlock(&mutex);
}

static void go_on(int *flag)
{
    g_mutex_lock(&mutex);
    *flag = 1;
    g_cond_broadcast(&changed);
    g_mutex_unlock(&mutex);
}

static void block(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    raise_and_wait(&blockers_begun, &blockers_may_go_on);
    g_task_return_boolean(task, TRUE);
}

static void prepare_tasks(void)
{
    blockers_begun = works_begun = may_go_on = blockers_may_go_on = 0;
    for (int item = 0; item < 2; item++)
        cancellables[item] = g_cancellable_new();
    for (int i = 0; state == IN_LINE && i < TASK_THREADS; i++) {
        GTask *task = g_task_new(NULL, NULL, NULL, NULL);
        g_task_run_in_thread(task, block);
        g_object_unref(task);
    }
    await_count(&blockers_begun, state == IN_LINE ? TASK_THREADS : 0);
}

static void work(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    raise_and_wait(&works_begun, state == UNDER_WAY ? &may_go_on : NULL);
    g_task_return_boolean(task, TRUE);
}

static void on_work(GObject *source, GAsyncResult *result, gpointer item)
{
    GError *error = NULL;
    g_task_propagate_boolean(G_TASK(result), &error);
    CHECK(!error || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    handled(GPOINTER_TO_INT(item), error != NULL);
    g_clear_error(&error);
}

static void start_work(int item)
{
    GTask *task = g_task_new(NULL, cancellables[item], on_work, GINT_TO_POINTER(item));
    g_task_run_in_thread(task, work);
    g_object_unref(task);
}

static void reach_work(void)
{
    if (state == IN_LINE) {
        CHECK(works_begun == 0);
        return;
    }
    await_count(&works_begun, state == NEXT ? 2 : 1);
    if (state != UNDER_WAY)
        wait_until_readable();
}

static void settle_tasks(void)
{
    if (state == IN_LINE)
        CHECK(works_begun == 0);
    go_on(&may_go_on);
    go_on(&blockers_may_go_on);
    turn();
}

static void on_lookup(GObject *resolver, GAsyncResult *result, gpointer item)
{
    GError *error = NULL;
    GList *addresses = g_resolver_lookup_by_name_finish(G_RESOLVER(resolver), result, &error);
    CHECK(!error || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
    handled(GPOINTER_TO_INT(item), error != NULL);
    g_clear_error(&error);
    g_resolver_free_addresses(addresses);
}

static void start_lookup(int item)
{
    g_resolver_lookup_by_name_async(g_resolver_get_default(), cell->names[item], cancellables[item], on_lookup,
                                    GINT_TO_POINTER(item));
}

static void reach_lookup(void)
{
    if (state == IN_LINE)
        return;
    reach_answers(table_answer);
    if (state != UNDER_WAY)
        wait_until_readable();
}

void table_glib(enum kind kind, enum state the_state, struct cell *the_cell)
{
    static const struct play plays[] = {
        [TIMER] = { NULL, start_timer, pass_time_of_timers, cancel_source, turn },
        [LOOKUP] = { prepare_tasks, start_lookup, reach_lookup, cancel_cancellable, settle_tasks },
        [READINESS] = { NULL, start_readiness, NULL, cancel_source, turn },
        [POST] = { NULL, start_post, NULL, cancel_source, turn },
        [WORK] = { prepare_tasks, start_work, reach_work, cancel_cancellable, settle_tasks },
    };
    sources[0] = sources[1] = 0;
    play_cell(&plays[kind], kind, the_state, the_cell);
    /* The next cell has the same context: what is not cancelled is not to come there. */
    for (int item = 0; item < 2; item++) {
        GSource *source = sources[item] ? g_main_context_find_source_by_id(NULL, sources[item]) : NULL;
        if (source)
            g_source_destroy(source);
    }
}
