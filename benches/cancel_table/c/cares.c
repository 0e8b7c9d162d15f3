/* c-ares. It cancels all lookups of a channel; there is no call for one. The callbacks run inside ares_cancel.
 *
 * https://c-ares.org/docs/ares_cancel.html
 */
#include "cell.h"
#include <ares.h>
#include <poll.h>

#define SOCKETS_MAX 8

static ares_channel_t *channel;
/* Those that the channel wants to read, the rest -1, which poll(2) passes over. */
static struct pollfd sockets[SOCKETS_MAX];

const char *table_cares_version(void)
{
    return ares_version(NULL);
}

static void on_socket(void *nothing, ares_socket_t socket, int readable, int writable)
{
    int place = -1;
    for (int i = 0; i < SOCKETS_MAX; i++)
        if (sockets[i].fd == socket || (place < 0 && sockets[i].fd < 0))
            place = i;
    CHECK(place >= 0);
    sockets[place] = (struct pollfd){ .fd = readable ? socket : -1, .events = POLLIN };
}

static void turn(void)
{
    uint64_t until = now_ns() + SETTLE_MS * UINT64_C(1000000);
    while (now_ns() < until) {
        ares_fd_events_t events[SOCKETS_MAX];
        size_t count = 0;
        poll(sockets, SOCKETS_MAX, 5);
        for (int i = 0; i < SOCKETS_MAX; i++)
            if (sockets[i].fd >= 0 && sockets[i].revents)
                events[count++] = (ares_fd_events_t){ .fd = sockets[i].fd, .events = ARES_FD_EVENT_READ };
        CHECK(ares_process_fds(channel, events, count, ARES_PROCESS_FLAG_NONE) == ARES_SUCCESS);
    }
}

static void prepare_channel(void)
{
    struct ares_options options = { .lookups = "b", .sock_state_cb = on_socket };
    for (int i = 0; i < SOCKETS_MAX; i++)
        sockets[i].fd = -1;
    CHECK(ares_init_options(&channel, &options, ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS);
    CHECK(ares_set_servers_csv(channel, "127.0.0.1:53") == ARES_SUCCESS);
}

static void on_lookup(void *item, int status, int timeouts, struct ares_addrinfo *addresses)
{
    CHECK(status == ARES_SUCCESS || status == ARES_ECANCELLED);
    handled((int)(intptr_t)item, status != ARES_SUCCESS);
    ares_freeaddrinfo(addresses);
}

static void start_lookup(int item)
{
    struct ares_addrinfo_hints hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    ares_getaddrinfo(channel, cell->names[item], NULL, &hints, on_lookup, (void *)(intptr_t)item);
}

static void reach_lookup(void)
{
    reach_answers(table_answer_into_buffer);
}

static void cancel_channel(int item)
{
    cancel_begins(item);
    ares_cancel(channel);
    cancel_returned();
}

void table_cares(enum kind kind, enum state the_state, struct cell *the_cell)
{
    static const struct play lookup = { prepare_channel, start_lookup, reach_lookup, cancel_channel, turn };
    CHECK(kind == LOOKUP && ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
    play_cell(&lookup, kind, the_state, the_cell);
}
