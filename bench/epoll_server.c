/* The lower bound: what an HTTP server on epoll costs when it does nothing but answer.
 *
 *     bench_epoll_server --threads N --answer-bytes B [--port P]
 *
 * Answers every request with one constant 202 of B bytes, head and body together, so that a
 * comparison with a server whose answer has the same length is fair to both. It reads as little as
 * it may: finds the end of the head and its Content-Length, skips the body. Keep-alive always,
 * pipelining works; no parsing, no logging, no time-outs, nothing kept. One thread with a listening
 * socket of its own for each --threads (SO_REUSEPORT). Prints "listening PORT" and serves until
 * SIGTERM. Level-triggered: with one request in flight on a connection, edges would save nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256,
    HEAD_BYTES_MAX = 16 * 1024,
    READ_BYTES = 256 * 1024,
    THREADS_MAX = 64,
    CLIENTS_MAX = 65536
};

struct client {
    size_t head_len;       // bytes of an incomplete head kept from the last read
    uint64_t body_missing; // bytes of the current body still to come
    char head[HEAD_BYTES_MAX];
};

// By socket. A socket belongs to one thread, so no two touch the same slot at once.
static struct client *clients[CLIENTS_MAX];

struct server {
    char *answer;
    size_t answer_len;
    struct sockaddr_in address;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_epoll_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

// Returns the body's length; 0 when the head names none.
static uint64_t content_length(const char *head, size_t len)
{
    static const char name[] = "\r\nContent-Length:";
    const size_t name_len = sizeof name - 1;
    for (const char *at = head; (size_t)(at - head) + name_len < len; at++) {
        at = memchr(at, '\r', len - (size_t)(at - head));
        if (at == NULL || (size_t)(at - head) + name_len >= len)
            return 0;
        if (strncasecmp(at, name, name_len) == 0)
            return strtoull(at + name_len, NULL, 10);
    }
    return 0;
}

// Takes the bytes of one read; returns how many requests they completed, or -1 to close.
static int take_bytes(struct client *client, const char *bytes, size_t len)
{
    int completed = 0;
    while (len > 0) {
        if (client->body_missing > 0) {
            uint64_t taken = client->body_missing < len ? client->body_missing : len;
            client->body_missing -= taken;
            bytes += taken;
            len -= taken;
            completed += client->body_missing == 0;
            continue;
        }
        const char *head = bytes;
        size_t head_len = len;
        size_t kept = client->head_len;
        if (kept > 0) {
            // A head in two reads is rare; it is put together in the client's own buffer.
            size_t added = len < HEAD_BYTES_MAX - kept ? len : HEAD_BYTES_MAX - kept;
            memcpy(client->head + kept, bytes, added);
            head = client->head;
            head_len = kept + added;
        }
        const char *end = memmem(head, head_len, "\r\n\r\n", 4);
        if (end == NULL) {
            if (head_len >= HEAD_BYTES_MAX)
                return -1;
            if (kept == 0)
                memcpy(client->head, bytes, len);
            client->head_len = head_len;
            return completed;
        }
        head_len = (size_t)(end - head) + 4;
        client->body_missing = content_length(head, head_len);
        completed += client->body_missing == 0;
        client->head_len = 0;
        bytes += head_len - kept;
        len -= head_len - kept;
    }
    return completed;
}

// The answer is far smaller than a socket's buffer; a client that does not read is dropped.
static bool send_answers(const struct server *server, int socket, int count)
{
    for (; count > 0; count--)
        if (send(socket, server->answer, server->answer_len, MSG_NOSIGNAL) !=
            (ssize_t)server->answer_len)
            return false;
    return true;
}

static void serve_client(const struct server *server, int socket, char *buffer)
{
    ssize_t received = recv(socket, buffer, READ_BYTES, 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int completed = received > 0 ? take_bytes(clients[socket], buffer, (size_t)received) : -1;
    if (completed < 0 || !send_answers(server, socket, completed)) {
        free(clients[socket]);
        clients[socket] = NULL;
        close(socket);
    }
}

static void accept_client(int listener, int epoll)
{
    const int on = 1;
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0)
        return;
    if (socket >= CLIENTS_MAX) {
        close(socket);
        return;
    }
    clients[socket] = malloc(sizeof *clients[socket]);
    if (clients[socket] == NULL)
        fail("out of memory");
    clients[socket]->head_len = 0;
    clients[socket]->body_missing = 0;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = socket};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0)
        fail("epoll");
}

static int open_listener(struct sockaddr_in *address)
{
    const int on = 1;
    socklen_t len = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(listener, (const struct sockaddr *)address, len) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)address, &len) != 0)
        fail("cannot listen");
    return listener;
}

struct worker {
    const struct server *server;
    int listener;
};

static void *serve(void *argument)
{
    const struct worker *worker = argument;
    struct epoll_event events[EVENTS_MAX];
    char *buffer = malloc(READ_BYTES);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = worker->listener};
    if (buffer == NULL || epoll < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, worker->listener, &event) != 0)
        fail("cannot start");
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int index = 0; index < count; index++) {
            if (events[index].data.fd == worker->listener)
                accept_client(worker->listener, epoll);
            else
                serve_client(worker->server, events[index].data.fd, buffer);
        }
    }
    return NULL;
}

// A 202 of exactly `bytes` bytes, padded in its body.
static void make_answer(struct server *server, size_t bytes)
{
    static const char start[] = "{\"status\":\"success\",\"message\":\"Log queued successfully\","
                                "\"id\":\"";
    char head[256];
    size_t body_len = bytes;
    size_t head_len = 0;
    // The head's length depends on the number of digits in it, so a second look settles it.
    for (int look = 0; look < 3; look++) {
        head_len = (size_t)snprintf(head, sizeof head,
                                    "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
                                    "Content-Length: %zu\r\n\r\n",
                                    body_len);
        if (bytes < head_len + sizeof start + 2) {
            fprintf(stderr, "bench_epoll_server: an answer has at least %zu bytes\n",
                    head_len + sizeof start + 2);
            exit(2);
        }
        body_len = bytes - head_len;
    }
    server->answer = malloc(bytes);
    if (server->answer == NULL)
        fail("out of memory");
    server->answer_len = bytes;
    memset(server->answer, 'x', bytes);
    memcpy(server->answer, head, head_len);
    memcpy(server->answer + head_len, start, sizeof start - 1);
    memcpy(server->answer + bytes - 2, "\"}", 2);
}

static unsigned long number_after(int argc, char **argv, const char *name, unsigned long usual)
{
    for (int index = 1; index + 1 < argc; index += 2)
        if (strcmp(argv[index], name) == 0)
            return strtoul(argv[index + 1], NULL, 10);
    return usual;
}

int main(int argc, char **argv)
{
    static struct server server;
    static struct worker workers[THREADS_MAX];
    unsigned long threads = number_after(argc, argv, "--threads", 1);
    if (threads < 1 || threads > THREADS_MAX || argc % 2 != 1) {
        fprintf(stderr, "usage: bench_epoll_server [--threads N] [--answer-bytes B] [--port P]\n");
        return 2;
    }
    make_answer(&server, number_after(argc, argv, "--answer-bytes", 300));
    server.address.sin_family = AF_INET;
    server.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.address.sin_port = htons((uint16_t)number_after(argc, argv, "--port", 0));
    for (unsigned long index = 0; index < threads; index++)
        workers[index] =
            (struct worker){.server = &server, .listener = open_listener(&server.address)};
    for (unsigned long index = 1; index < threads; index++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, &workers[index]) != 0)
            fail("no thread");
    }
    printf("listening %u\n", ntohs(server.address.sin_port));
    if (fflush(stdout) != 0)
        fail("standard output");
    serve(&workers[0]);
}
