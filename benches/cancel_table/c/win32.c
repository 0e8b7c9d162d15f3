/* What a program still sees after it has cancelled, with the system's own calls.
 *
 * https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-killtimer
 *   does not remove a WM_TIMER that is posted already
 * https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-wsacancelasyncrequest
 *   WSAEALREADY where the request has completed already, whether or not its message was taken
 * https://learn.microsoft.com/windows/win32/api/winsock/nf-winsock-wsaasyncselect
 *   messages that wait may still come after a mask of 0, and after closesocket
 * https://learn.microsoft.com/windows/win32/api/winuser/nf-winuser-destroywindow
 *
 * It prints rows as `src/table.rs` reads them, and asks on its standard output for the name server (`src/peers/win32.rs`).
 */
#define WIN32_LEAN_AND_MEAN
#define _WINSOCK_DEPRECATED_NO_WARNINGS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winsock2.h>
#include <windows.h>

/* Of item 0; that of item 1 is one more. */
#define WM_REQUEST (WM_USER + 1)
#define WM_SELECT (WM_USER + 3)
#define WM_POST (WM_USER + 5)

/* Nothing here takes longer, unless it is broken. */
#define PATIENCE_MS 20000
#define SETTLE_MS 150
#define TIMER_MS 10
/* How often the loop goes on so until what nobody cancelled is seen. */
#define TRIES_MAX 100

enum state { UNDER_WAY, FINISHED, NEXT, INSIDE };
static const char *const state_names[] = { "UnderWay", "Finished", "Next", "Inside" };

struct play {
    const char *kind, *way, *source;
    void (*start)(int item);
    /* Waits until the item's message is in the queue, or passes the time until it would be. */
    void (*reach)(int item);
    /* What the call says: 0 or an error number. */
    int (*cancel)(int item);
    /* Has what is under way come to its end after the cancel. */
    void (*late)(void);
};

static const struct play *play;
static enum state state;
static int is_cancelled, target, results, answer, asking;
/* Nothing is cancelled, so that everything has to be seen. */
static int is_control;
static HWND windows[2];
static SOCKET receivers[2], senders[2];
static HANDLE requests[2];
static char buffers[2][MAXGETHOSTSTRUCT];
static char names[2][32];

static void fail(const char *what)
{
    printf("failed: %s, %s, state %s, error %lu\n", what, play ? play->way : "", state_names[state], GetLastError());
    fflush(stdout);
    ExitProcess(3);
}

/* Has the name server do something; returns how many sockets wait for its answers. */
static int ask(const char *what, const char *name)
{
    char line[32];
    printf("%s %s\n", what, name);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        ExitProcess(4);
    return atoi(line);
}

/* Whether a message is in the queue. It stays there. */
static int is_queued(HWND window, UINT message)
{
    MSG found;
    return PeekMessageA(&found, window, message, message, PM_NOREMOVE | PM_NOYIELD);
}

static void await_queued(HWND window, UINT message)
{
    DWORD start = GetTickCount();
    while (!is_queued(window, message)) {
        if (GetTickCount() - start > PATIENCE_MS)
            fail("its message does not come");
        Sleep(1);
    }
}

static void cancel(int item)
{
    is_cancelled = 1;
    target = item;
    answer = is_control ? 0 : play->cancel(item);
}

static void handled(int item)
{
    if (!is_cancelled && state == NEXT)
        cancel(1 - item);
    else if (!is_cancelled && state == INSIDE)
        cancel(item);
    else if (!is_cancelled)
        fail("its handler ran before it could be cancelled");
    else if (item == target)
        results++;
}

static void handle(const MSG *message)
{
    if (message->message == WM_TIMER)
        handled((int)message->wParam - 1);
    else if (message->message == WM_REQUEST || message->message == WM_REQUEST + 1)
        handled(message->message - WM_REQUEST);
    else if (message->message == WM_SELECT || message->message == WM_SELECT + 1) {
        char byte;
        handled(message->message - WM_SELECT);
        /* More is told when this is read. */
        recv(receivers[message->message - WM_SELECT], &byte, 1, 0);
    }
    else if (message->message == WM_POST || message->message == WM_POST + 1)
        handled(message->message - WM_POST);
}

static void settle(void)
{
    DWORD start = GetTickCount();
    while (GetTickCount() - start < SETTLE_MS) {
        MSG message;
        while (PeekMessageA(&message, NULL, 0, 0, PM_REMOVE))
            handle(&message);
        MsgWaitForMultipleObjects(0, NULL, FALSE, 5, QS_ALLINPUT);
    }
}

static void open_windows(void)
{
    for (int item = 0; item < 2; item++) {
        windows[item] = CreateWindowA("STATIC", "", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
        if (!windows[item])
            fail("a window");
    }
}

static void play_cell(void)
{
    static int next_name;
    is_cancelled = results = answer = asking = 0;
    open_windows();
    for (int item = 0; item < 2; item++)
        sprintf(names[item], "w%d.table.test", next_name++);
    for (int item = 0; item < (state == NEXT ? 2 : 1); item++)
        play->start(item);
    for (int item = 0; item < (state == NEXT ? 2 : 1); item++)
        play->reach(item);
    if (state < NEXT)
        cancel(0);
    if (play->late)
        play->late();
    for (int tries = 0; tries == 0 || (is_control && results == 0 && tries < TRIES_MAX); tries++)
        settle();
    if (!is_cancelled)
        fail("the state was not reached");
    if (is_control && results == 0)
        fail("without the cancel nothing is seen");
    for (int item = 0; item < 2; item++)
        DestroyWindow(windows[item]);
}

static void start_timer(int item)
{
    SetTimer(windows[item], item + 1, TIMER_MS, NULL);
}

static void reach_timer(int item)
{
    DWORD start = GetTickCount();
    while ((state == FINISHED || state == NEXT) && GetTickCount() - start < 4 * TIMER_MS)
        Sleep(1);
}

static void reach_seen_timer(int item)
{
    await_queued(windows[item], WM_TIMER);
}

static int cancel_timer(int item)
{
    return KillTimer(windows[item], item + 1) ? 0 : (int)GetLastError();
}

static void start_request(int item)
{
    requests[item] = WSAAsyncGetHostByName(windows[item], WM_REQUEST + item, names[item], buffers[item], MAXGETHOSTSTRUCT);
    if (!requests[item])
        fail("a request");
}

static void reach_request(int item)
{
    if (state == UNDER_WAY) {
        ask("await", names[item]);
        return;
    }
    ask("answer", names[item]);
    await_queued(windows[item], WM_REQUEST + item);
}

static int cancel_request(int item)
{
    return WSACancelAsyncRequest(requests[item]) == 0 ? 0 : WSAGetLastError();
}

static void late_request(void)
{
    if (state != UNDER_WAY)
        return;
    settle();
    asking = ask("asking", ".");
    ask("answer", names[0]);
}

static void start_selection(int item)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int length = sizeof address;
    receivers[item] = socket(AF_INET, SOCK_DGRAM, 0);
    senders[item] = socket(AF_INET, SOCK_DGRAM, 0);
    bind(receivers[item], (struct sockaddr *)&address, sizeof address);
    getsockname(receivers[item], (struct sockaddr *)&address, &length);
    if (WSAAsyncSelect(receivers[item], windows[item], WM_SELECT + item, FD_READ) != 0)
        fail("a selection");
    connect(senders[item], (struct sockaddr *)&address, sizeof address);
}

static void reach_selection(int item)
{
    if (state == UNDER_WAY)
        return;
    send(senders[item], "x", 1, 0);
    await_queued(windows[item], WM_SELECT + item);
}

static int cancel_selection(int item)
{
    return WSAAsyncSelect(receivers[item], windows[item], 0, 0) == 0 ? 0 : WSAGetLastError();
}

static int close_socket(int item)
{
    return closesocket(receivers[item]) == 0 ? 0 : WSAGetLastError();
}

static void late_selection(void)
{
    send(senders[0], "y", 1, 0);
}

static DWORD WINAPI post(void *item)
{
    return PostMessageA(windows[(INT_PTR)item], WM_POST + (INT_PTR)item, 0, 0);
}

static void start_post(int item)
{
    HANDLE thread = CreateThread(NULL, 0, post, (void *)(INT_PTR)item, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

static void reach_nothing(int item)
{
}

static int cancel_post(int item)
{
    return DestroyWindow(windows[item]) ? 0 : (int)GetLastError();
}

#define PAGE "https://learn.microsoft.com/windows/win32/api/"

int main(int count, char **arguments)
{
    static const struct {
        struct play play;
        enum state from, to;
    } rows[] = {
        { { "Timer", "`KillTimer`", PAGE "winuser/nf-winuser-killtimer", start_timer, reach_timer, cancel_timer },
          UNDER_WAY, INSIDE },
        { { "Timer", "`KillTimer`, its message seen by `PeekMessage`", PAGE "winuser/nf-winuser-killtimer", start_timer,
            reach_seen_timer, cancel_timer },
          FINISHED, FINISHED },
        { { "Lookup", "`WSACancelAsyncRequest`", PAGE "winsock/nf-winsock-wsacancelasyncrequest", start_request,
            reach_request, cancel_request, late_request },
          UNDER_WAY, NEXT },
        { { "Readiness", "`WSAAsyncSelect` with a mask of 0", PAGE "winsock/nf-winsock-wsaasyncselect", start_selection,
            reach_selection, cancel_selection, late_selection },
          UNDER_WAY, INSIDE },
        { { "Readiness", "`closesocket`", PAGE "winsock/nf-winsock-closesocket", start_selection, reach_selection,
            close_socket, late_selection },
          UNDER_WAY, INSIDE },
        { { "Post", "`DestroyWindow`", PAGE "winuser/nf-winuser-destroywindow", start_post, reach_nothing, cancel_post },
          FINISHED, NEXT },
    };
    WSADATA data;
    is_control = count > 1 && strcmp(arguments[1], "control") == 0;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[1024];
        play = &rows[i].play;
        int length = sprintf(line, "row\t%s\t%s\t%s", play->kind, play->way, play->source);
        for (state = rows[i].from; state <= rows[i].to; state++) {
            play_cell();
            length += sprintf(line + length, "\t%s|%d|%d|0|0|%d", state_names[state], answer, results, asking > 0);
        }
        printf("%s\n", line);
        fflush(stdout);
    }
    printf("row\tWork\tno such kind\t\nrow\tStream\tno such kind\t\n");
    fflush(stdout);
    return 0;
}
