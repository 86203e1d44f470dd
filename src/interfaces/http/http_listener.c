#include "interfaces/http/http_listener.h"

#include "base/clock.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 4096, /* the kernel lowers it to net.core.somaxconn */
    GUARD_ATTEMPTS = 3,
    GUARD_PAUSE_MS_MAX = 20
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t address_length(const union address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

static bool address_parse(const char *host, uint16_t port, union address *out_address)
{
    union address address;
    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
    } else if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
    } else {
        return false;
    }
    *out_address = address;
    return true;
}

static bool option_set(int descriptor, int option, int value)
{
    return setsockopt(descriptor, SOL_SOCKET, option, &value, sizeof value) == 0;
}

/* Answers are gathered before they are written, so a write must not wait for more. */
static bool no_delay_set(int descriptor)
{
    int on = 1;
    return setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

static int socket_open(const union address *address)
{
    return socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* SO_REUSEADDR lets the guard bind beside connections that an earlier server left in TIME_WAIT, but
 * it would also let two guards bind at the same time. So the guard listens for a moment: of
 * sockets with one address only one may, whatever their options. Listening ends at once by
 * shutdown, which keeps the address; SO_REUSEADDR is off by then and excludes everybody else. */
static bool guard_hold(int guard, const union address *address)
{
    return option_set(guard, SO_REUSEADDR, 1) &&
           bind(guard, &address->any, address_length(address)) == 0 && listen(guard, 1) == 0 &&
           option_set(guard, SO_REUSEADDR, 0) && shutdown(guard, SHUT_RDWR) == 0;
}

static int guard_open(const union address *address)
{
    int guard = socket_open(address);
    if (guard >= 0 && !guard_hold(guard, address)) {
        int cause = errno;
        close(guard);
        errno = cause;
        return -1;
    }
    return guard;
}

static void pause_briefly(void)
{
    uint64_t pause_ns = (1 + random_below(&random_system, GUARD_PAUSE_MS_MAX)) *
                        (uint64_t)NANOSECONDS_PER_MILLISECOND;
    nanosleep(&(struct timespec){.tv_nsec = (long)pause_ns}, NULL);
}

/* Two guards that listen at the very same moment may both be sent away; chance parts them. */
static int guard_open_patiently(const union address *address)
{
    int guard = guard_open(address);
    for (int attempt = 1; guard < 0 && errno == EADDRINUSE && attempt < GUARD_ATTEMPTS; attempt++) {
        pause_briefly();
        guard = guard_open(address);
    }
    return guard;
}

static bool port_read(int guard, union address *address, uint16_t *out_port)
{
    socklen_t len = sizeof *address;
    if (getsockname(guard, &address->any, &len) != 0) {
        return false;
    }
    *out_port =
        ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
    return true;
}

/* The connections that these sockets accept inherit SO_REUSEADDR, which makes what they leave in
 * TIME_WAIT no obstacle for the next guard, and TCP_NODELAY, which saves a call for each. */
static bool socket_listen(int descriptor, const union address *address)
{
    return option_set(descriptor, SO_REUSEADDR, 1) && option_set(descriptor, SO_REUSEPORT, 1) &&
           no_delay_set(descriptor) &&
           bind(descriptor, &address->any, address_length(address)) == 0 &&
           listen(descriptor, BACKLOG) == 0;
}

static bool sockets_open(struct http_listener *listener, const union address *address)
{
    for (unsigned i = 0; i < listener->count; i++) {
        listener->sockets[i] = socket_open(address);
        if (listener->sockets[i] < 0 || !socket_listen(listener->sockets[i], address)) {
            return false;
        }
    }
    return true;
}

static bool listener_bind(struct http_listener *listener, union address *address)
{
    listener->guard = guard_open_patiently(address);
    return listener->guard >= 0 && port_read(listener->guard, address, &listener->port) &&
           option_set(listener->guard, SO_REUSEPORT, 1) && sockets_open(listener, address) &&
           option_set(listener->guard, SO_REUSEPORT, 0);
}

static enum status bind_failed(int cause, const char *host, uint16_t port, struct error *err)
{
    if (cause == EADDRINUSE) {
        return error_set(err, STATUS_UNAVAILABLE, cause,
                         "cannot listen on %s port %u: address in use by another server; stop it "
                         "or choose another port",
                         host, port);
    }
    return error_set_system(err, cause, "cannot listen on %s port %u", host, port);
}

enum status http_listener_open(struct http_listener *listener, const char *host, uint16_t port,
                               unsigned count, struct error *err)
{
    union address address;
    if (!address_parse(host, port, &address)) {
        return error_set(err, STATUS_INVALID, 0,
                         "\"%s\" is not a numeric IPv4 or IPv6 address to listen on", host);
    }
    struct http_listener opened = {.guard = -1, .count = count};
    opened.sockets = malloc(count * sizeof *opened.sockets);
    if (opened.sockets == NULL) {
        return error_set_system(err, ENOMEM, "cannot listen on %s", host);
    }
    for (unsigned i = 0; i < count; i++) {
        opened.sockets[i] = -1;
    }
    if (!listener_bind(&opened, &address)) {
        int cause = errno;
        http_listener_close(&opened);
        return bind_failed(cause, host, port, err);
    }
    *listener = opened;
    return STATUS_OK;
}

static void descriptor_close(int *descriptor)
{
    if (*descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
    }
}

void http_listener_close(struct http_listener *listener)
{
    for (unsigned i = 0; listener->sockets != NULL && i < listener->count; i++) {
        descriptor_close(&listener->sockets[i]);
    }
    if (listener->sockets != NULL) {
        descriptor_close(&listener->guard);
    }
    free(listener->sockets);
    *listener = (struct http_listener){.guard = -1};
}
