/* What a program still sees after it has cancelled, with the system's own calls.
 *
 * Three times the same: something is started, it completes while nobody looks, so that its message is in the
 * queue; then it is cancelled; then the queue is read. `examples/stale_messages.rs` does the same with msgpump.
 */
#define WIN32_LEAN_AND_MEAN
#define _WINSOCK_DEPRECATED_NO_WARNINGS
#include <stdio.h>
#include <winsock2.h>
#include <windows.h>

#define WM_REQUEST (WM_USER + 1)
#define WM_SELECT (WM_USER + 2)
#define TIMER 7

/* Whether a message is in the queue. It stays there. */
static int is_queued(HWND window, UINT message)
{
    MSG found;
    return PeekMessageA(&found, window, message, message, PM_NOREMOVE | PM_NOYIELD);
}

/* Waits until a message is in the queue; gives up after five seconds. */
static int await_queued(HWND window, UINT message)
{
    for (int i = 0; i < 500 && !is_queued(window, message); i++)
        Sleep(10);
    return is_queued(window, message);
}

/* Reads the queue to its end and counts what comes of one kind. */
static int count_seen(HWND window, UINT message)
{
    MSG taken;
    int seen = 0;
    /* Whatever another thread is about to post is posted by then. */
    Sleep(200);
    while (PeekMessageA(&taken, window, message, message, PM_REMOVE))
        seen++;
    return seen;
}

static void tell(const char *what, const char *queued, int answer, int seen)
{
    printf("%-22s %-9s cancel: %-6d seen afterwards: %d\n", what, queued, answer, seen);
}

static void request(HWND window)
{
    static char buffer[MAXGETHOSTSTRUCT];
    HANDLE task = WSAAsyncGetServByName(window, WM_REQUEST, "ftp", "tcp", buffer, sizeof buffer);
    const char *queued = await_queued(window, WM_REQUEST) ? "queued" : "pending";
    int answer = WSACancelAsyncRequest(task) == 0 ? 0 : WSAGetLastError();
    tell("WSACancelAsyncRequest", queued, answer, count_seen(window, WM_REQUEST));
}

static void timer(HWND window)
{
    SetTimer(window, TIMER, 10, NULL);
    /* A look makes the message and leaves it in the queue. */
    const char *queued = await_queued(window, WM_TIMER) ? "queued" : "pending";
    int answer = KillTimer(window, TIMER) ? 0 : (int)GetLastError();
    tell("KillTimer", queued, answer, count_seen(window, WM_TIMER));
}

static void selection(HWND window)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int length = sizeof address;
    SOCKET receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
    bind(receiver, (struct sockaddr *)&address, sizeof address);
    getsockname(receiver, (struct sockaddr *)&address, &length);
    WSAAsyncSelect(receiver, window, WM_SELECT, FD_READ);
    sendto(sender, "x", 1, 0, (struct sockaddr *)&address, sizeof address);
    const char *queued = await_queued(window, WM_SELECT) ? "queued" : "pending";
    int answer = WSAAsyncSelect(receiver, window, 0, 0) == 0 ? 0 : WSAGetLastError();
    tell("WSAAsyncSelect(0)", queued, answer, count_seen(window, WM_SELECT));
    closesocket(sender);
    closesocket(receiver);
}

int main(void)
{
    WSADATA data;
    HWND window = CreateWindowA("STATIC", "", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    if (window == NULL || WSAStartup(MAKEWORD(1, 1), &data) != 0)
        return 2;
    request(window);
    timer(window);
    selection(window);
    WSACleanup();
    return 0;
}
