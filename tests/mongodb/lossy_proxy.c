#include "lossy_proxy.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, CHUNK_BYTES = 256 * 1024, POLL_MS = 5 };

struct pair {
    int client;
    int server;
    bool lost; /* something that was to go through it */
};

struct lossy_proxy {
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything behind */
    int listener;
    uint16_t server_port;
    uint16_t port;
    struct pair pairs[CONNECTIONS_MAX];
    int count;
    int answers_left;
    bool is_cut;
    bool stops;
};

static char chunk[CHUNK_BYTES];

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void end_pair(struct lossy_proxy *proxy, int at)
{
    close(proxy->pairs[at].client);
    close(proxy->pairs[at].server);
    proxy->pairs[at] = proxy->pairs[--proxy->count];
}

static void accept_one(struct lossy_proxy *proxy)
{
    int on = 1;
    struct sockaddr_in address = loopback(proxy->server_port);
    int client = accept(proxy->listener, NULL, NULL);
    ASSERT(client >= 0);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(server >= 0 && proxy->count < CONNECTIONS_MAX);
    if (proxy->is_cut || connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
        close(client);
        close(server);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    proxy->pairs[proxy->count++] = (struct pair){.client = client, .server = server};
}

/* False at the end of the connection. */
static bool pass(struct lossy_proxy *proxy, struct pair *pair, bool is_answer)
{
    int from = is_answer ? pair->server : pair->client;
    int to = is_answer ? pair->client : pair->server;
    ssize_t len = recv(from, chunk, sizeof chunk, 0);
    if (len <= 0) {
        return false;
    }
    if (is_answer && proxy->answers_left == 0) {
        pair->lost = true;
        return true;
    }
    proxy->answers_left -= is_answer && proxy->answers_left > 0;
    for (ssize_t sent = 0; sent < len;) {
        ssize_t written = send(to, chunk + sent, (size_t)(len - sent), MSG_NOSIGNAL);
        if (written <= 0) {
            return false;
        }
        sent += written;
    }
    return true;
}

static void serve(struct lossy_proxy *proxy, const struct pollfd *polled, int pairs)
{
    for (int i = pairs - 1; i >= 0; i--) {
        bool goes_on = true;
        if (polled[1 + 2 * i].revents != 0) {
            goes_on = pass(proxy, &proxy->pairs[i], false);
        }
        if (goes_on && polled[2 + 2 * i].revents != 0) {
            goes_on = pass(proxy, &proxy->pairs[i], true);
        }
        if (!goes_on) {
            end_pair(proxy, i);
        }
    }
    if (polled[0].revents != 0) {
        accept_one(proxy);
    }
}

static void *run(void *context)
{
    struct lossy_proxy *proxy = context;
    for (bool stops = false; !stops;) {
        struct pollfd polled[1 + 2 * CONNECTIONS_MAX];
        pthread_mutex_lock(&proxy->lock);
        int pairs = proxy->count;
        polled[0] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
        for (int i = 0; i < pairs; i++) {
            polled[1 + 2 * i] = (struct pollfd){.fd = proxy->pairs[i].client, .events = POLLIN};
            polled[2 + 2 * i] = (struct pollfd){.fd = proxy->pairs[i].server, .events = POLLIN};
        }
        /* Under the lock, so that the pairs stay those that are polled; the mode waits so long. */
        if (poll(polled, 1 + 2 * (nfds_t)pairs, POLL_MS) > 0) {
            serve(proxy, polled, pairs);
        }
        stops = proxy->stops;
        pthread_mutex_unlock(&proxy->lock);
        poll(NULL, 0, 0);
    }
    return NULL;
}

struct lossy_proxy *lossy_proxy_new(uint16_t server_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    struct lossy_proxy *proxy = calloc(1, sizeof *proxy);
    ASSERT(proxy != NULL);
    proxy->server_port = server_port;
    proxy->answers_left = -1;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(bind(proxy->listener, (struct sockaddr *)&address, sizeof address) == 0);
    ASSERT(listen(proxy->listener, CONNECTIONS_MAX) == 0);
    ASSERT(getsockname(proxy->listener, (struct sockaddr *)&address, &len) == 0);
    proxy->port = ntohs(address.sin_port);
    pthread_mutex_init(&proxy->lock, NULL);
    ASSERT(pthread_create(&proxy->thread, NULL, run, proxy) == 0);
    return proxy;
}

void lossy_proxy_free(struct lossy_proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->stops = true;
    pthread_mutex_unlock(&proxy->lock);
    pthread_join(proxy->thread, NULL);
    while (proxy->count > 0) {
        end_pair(proxy, 0);
    }
    close(proxy->listener);
    pthread_mutex_destroy(&proxy->lock);
    free(proxy);
}

uint16_t lossy_proxy_port(const struct lossy_proxy *proxy)
{
    return proxy->port;
}

void lossy_proxy_pass_answers(struct lossy_proxy *proxy, int count)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->answers_left = count;
    pthread_mutex_unlock(&proxy->lock);
}

void lossy_proxy_cut(struct lossy_proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->is_cut = true;
    while (proxy->count > 0) {
        end_pair(proxy, 0);
    }
    pthread_mutex_unlock(&proxy->lock);
}

void lossy_proxy_mend(struct lossy_proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->is_cut = false;
    proxy->answers_left = -1;
    for (int i = proxy->count - 1; i >= 0; i--) {
        if (proxy->pairs[i].lost) {
            end_pair(proxy, i);
        }
    }
    pthread_mutex_unlock(&proxy->lock);
}
