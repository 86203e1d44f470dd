#include "connection.h"

#include "tool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void watch(struct connection *connection, int epoll, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = connection->number};
    if (epoll_ctl(epoll, operation, connection->socket, &event) != 0)
        tool_fail(TOOL_WRONG, "epoll: %s", strerror(errno));
}

bool connection_begin(struct connection *connection, int epoll,
                      const struct service_address *service)
{
    const int on = 1;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->socket < 0)
        tool_fail(TOOL_WRONG, "no socket: %s", strerror(errno));
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->state = CONNECTION_CONNECTING;
    if (connect(connection->socket, (const struct sockaddr *)&service->address,
                sizeof service->address) != 0 &&
        errno != EINPROGRESS)
        return false;
    watch(connection, epoll, EPOLL_CTL_ADD, EPOLLOUT);
    return true;
}

bool connection_complete(struct connection *connection, int epoll)
{
    int problem = 0;
    socklen_t len = sizeof problem;
    if (getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &problem, &len) != 0 || problem != 0)
        return false;
    watch(connection, epoll, EPOLL_CTL_MOD, EPOLLIN);
    connection->state = CONNECTION_IDLE;
    return true;
}

char *connection_body_space(struct connection *connection, size_t bytes)
{
    if (connection->out_capacity < CONNECTION_HEAD_MAX + bytes) {
        connection->out_capacity = CONNECTION_HEAD_MAX + bytes;
        connection->out = tool_reallocate(connection->out, connection->out_capacity);
    }
    return connection->out + CONNECTION_HEAD_MAX;
}

void connection_finish_request(struct connection *connection, const struct run_options *options,
                               size_t body_len)
{
    char head[CONNECTION_HEAD_MAX];
    int len = snprintf(head, sizeof head,
                       "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                       "%s%sContent-Length: %zu\r\n\r\n",
                       options->path, options->service.host, options->fields.text,
                       header_field_sets_text(&options->field_sets, connection->number), body_len);
    if (len >= (int)sizeof head)
        tool_fail(TOOL_USAGE, "--path is too long");
    connection->out_sent = CONNECTION_HEAD_MAX - (size_t)len;
    memcpy(connection->out + connection->out_sent, head, (size_t)len);
    connection->out_end = CONNECTION_HEAD_MAX + body_len;
}

bool connection_send(struct connection *connection, int epoll)
{
    bool was_blocked = connection->state == CONNECTION_WAITING;
    connection->state = CONNECTION_WAITING;
    while (connection->out_sent < connection->out_end) {
        ssize_t sent = send(connection->socket, connection->out + connection->out_sent,
                            connection->out_end - connection->out_sent, MSG_NOSIGNAL);
        if (sent > 0) {
            connection->out_sent += (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!was_blocked)
                watch(connection, epoll, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    if (was_blocked)
        watch(connection, epoll, EPOLL_CTL_MOD, EPOLLIN);
    return true;
}

bool connection_receive(struct connection *connection)
{
    size_t space = 0;
    char *bytes = http_reader_space(&connection->reader, &space);
    ssize_t received = recv(connection->socket, bytes, space, 0);
    if (received > 0)
        http_reader_received(&connection->reader, (size_t)received);
    return received > 0 || (received < 0 && (errno == EAGAIN || errno == EINTR));
}

void connection_close(struct connection *connection)
{
    if (connection->socket >= 0)
        close(connection->socket);
    connection->socket = -1;
    connection->state = CONNECTION_CLOSED;
    http_reader_reset(&connection->reader);
}

void connection_deinit(struct connection *connection)
{
    connection_close(connection);
    http_reader_deinit(&connection->reader);
    free(connection->out);
}
