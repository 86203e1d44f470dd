#include "http_get.h"

#include "tool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TARGET_BYTES_MAX = 8192, RETRY_MS = 50, ANSWER_TIMEOUT_S = 60 };

static void disconnect(struct http_getter *getter)
{
    if (getter->socket >= 0)
        close(getter->socket);
    getter->socket = -1;
    http_reader_reset(&getter->reader);
}

static bool try_connect(struct http_getter *getter)
{
    const int on = 1;
    const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
    http_reader_reset(&getter->reader);
    getter->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (getter->socket < 0)
        tool_fail(TOOL_WRONG, "no socket: %s", strerror(errno));
    setsockopt(getter->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(getter->socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    return connect(getter->socket, (const struct sockaddr *)&getter->service->address,
                   sizeof getter->service->address) == 0;
}

static bool send_request(struct http_getter *getter, const char *target)
{
    char request[TARGET_BYTES_MAX];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", target,
                       getter->service->host, getter->fields);
    if (len >= (int)sizeof request)
        tool_fail(TOOL_WRONG, "a cursor and fields of more than %d bytes", TARGET_BYTES_MAX);
    return send(getter->socket, request, (size_t)len, MSG_NOSIGNAL) == len;
}

static bool receive_answer(struct http_getter *getter, struct http_response *out_response)
{
    for (;;) {
        enum http_progress progress = http_reader_next(&getter->reader, out_response);
        if (progress == HTTP_COMPLETE)
            return true;
        if (progress == HTTP_BROKEN)
            tool_fail(TOOL_WRONG, "the service's answer is no HTTP/1.1 that this client reads");
        size_t space = 0;
        char *bytes = http_reader_space(&getter->reader, &space);
        ssize_t received = recv(getter->socket, bytes, space, 0);
        if (received <= 0)
            return false;
        http_reader_received(&getter->reader, (size_t)received);
    }
}

void http_get(struct http_getter *getter, const char *target, struct http_response *out_response)
{
    const struct timespec retry = {.tv_nsec = RETRY_MS * 1000000L};
    for (;;) {
        // The answer before this one was used up by now.
        if (getter->reader.head_len != 0)
            http_reader_consume(&getter->reader);
        bool connected = getter->socket >= 0 || try_connect(getter);
        if (connected && send_request(getter, target) && receive_answer(getter, out_response))
            break;
        disconnect(getter);
        if (tool_now_ns() > getter->deadline_ns)
            tool_fail(TOOL_WRONG, "no answer from %s to GET %s", getter->service->host, target);
        nanosleep(&retry, NULL);
    }
    if (!out_response->keep_alive) {
        // The reader keeps the body; only the socket goes.
        close(getter->socket);
        getter->socket = -1;
    }
}

void http_getter_deinit(struct http_getter *getter)
{
    disconnect(getter);
    http_reader_deinit(&getter->reader);
}
