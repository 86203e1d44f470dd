#include "memory_client.h"

#include "base/assert.h"
#include "base/failing_memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANSWER_BYTES_MAX = 4 << 20, PATIENCE_S = 20 };

static char answer[ANSWER_BYTES_MAX + 1];
static SSL_CTX *context;

/* --- OpenSSL, by the memory that fails --- */

static void *allocate(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(bytes);
}

static void *reallocate(void *block, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(block, bytes);
}

static void release(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

void client_init(bool uses_tls)
{
    signal(SIGPIPE, SIG_IGN);
    failing_memory_spare_this_thread(true);
    if (uses_tls) {
        int set = CRYPTO_set_mem_functions(allocate, reallocate, release);
        ASSERT(set == 1);
        context = SSL_CTX_new(TLS_client_method());
        ASSERT(context != NULL);
    }
}

/* --- the connection --- */

static int connect_to(uint16_t port)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(descriptor >= 0);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        fail_msg("nobody listens any more");
    }
    return descriptor;
}

/* What is sent after the server has closed is lost, and its answer may still come. */
static void send_plain(int descriptor, struct str request)
{
    while (request.len > 0) {
        ssize_t sent = send(descriptor, request.data, request.len, 0);
        if (sent <= 0) {
            return;
        }
        request.data += sent;
        request.len -= (size_t)sent;
    }
}

/* More of the answer; 0: it has ended. */
static size_t read_some(int descriptor, SSL *ssl, char *into, size_t room)
{
    size_t got = 0;
    errno = 0;
    if (ssl == NULL) {
        ssize_t read = recv(descriptor, into, room, 0);
        got = read > 0 ? (size_t)read : 0;
    } else if (SSL_read_ex(ssl, into, room, &got) != 1) {
        got = 0;
    }
    if (got == 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        fail_msg("the server hangs");
    }
    return got;
}

static bool wants_all(struct str so_far)
{
    (void)so_far;
    return false;
}

static size_t exchange(int descriptor, bool tls, struct str request, client_has_enough *has_enough)
{
    SSL *ssl = NULL;
    size_t len = 0;
    size_t got = 1;
    size_t sent;
    if (tls) {
        ssl = SSL_new(context);
        SSL_set_fd(ssl, descriptor);
        if (SSL_connect(ssl) != 1 || SSL_write_ex(ssl, request.data, request.len, &sent) != 1) {
            got = 0;
        }
    } else {
        send_plain(descriptor, request);
    }
    while (got > 0 && !has_enough((struct str){answer, len})) {
        ASSERT(len < ANSWER_BYTES_MAX);
        got = read_some(descriptor, ssl, answer + len, ANSWER_BYTES_MAX - len);
        len += got;
    }
    SSL_free(ssl);
    return len;
}

/* --- the answer --- */

/* Puts the chunks together in place; true when the last one came. */
static bool join_chunks(struct str *body)
{
    char *into = (char *)(uintptr_t)body->data; /* of `answer` */
    char *at = into;
    char *end = into + body->len;
    size_t joined = 0;
    bool complete = false;
    while (at < end && !complete) {
        char *data;
        size_t len = strtoul(at, &data, 16);
        complete = len == 0 && data + 4 <= end;
        data += 2;
        if (data >= end) {
            break;
        }
        len = len < (size_t)(end - data) ? len : (size_t)(end - data);
        memmove(into + joined, data, len);
        joined += len;
        at = data + len + 2;
    }
    body->len = joined;
    return complete;
}

static struct client_answer read_answer(size_t len)
{
    static const char line_begin[] = "HTTP/1.1 ";
    struct client_answer read = {0};
    answer[len] = '\0';
    char *behind = strstr(answer, "\r\n\r\n");
    if (behind == NULL || strncmp(answer, line_begin, sizeof line_begin - 1) != 0) {
        return (struct client_answer){0};
    }
    read.status = (int)strtol(answer + sizeof line_begin - 1, NULL, 10);
    behind += 4;
    read.body = (struct str){behind, (size_t)(answer + len - behind)};
    behind[-1] = '\0';
    const char *length = strstr(answer, "Content-Length: ");
    if (strstr(answer, "Transfer-Encoding: chunked") != NULL) {
        read.complete = join_chunks(&read.body);
        behind[read.body.len] = '\0';
    } else {
        read.complete = length != NULL && strtoul(length + 16, NULL, 10) == read.body.len;
    }
    return read;
}

static struct client_answer ask(uint16_t port, bool tls, struct str request,
                                client_has_enough *has_enough)
{
    int descriptor = connect_to(port);
    size_t len = exchange(descriptor, tls, request, has_enough);
    close(descriptor);
    return read_answer(len);
}

struct client_answer client_ask_until(uint16_t port, struct str request,
                                      client_has_enough *has_enough)
{
    return ask(port, false, request, has_enough);
}

struct client_answer client_ask(uint16_t port, bool tls, struct str request)
{
    return ask(port, tls, request, wants_all);
}
