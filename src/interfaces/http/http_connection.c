#include "interfaces/http/http_connection.h"

#include "base/assert.h"
#include "interfaces/http/http_intake.h"
#include "interfaces/http/http_secure.h"
#include "interfaces/http/http_stream.h"

#include <stdlib.h>
#include <unistd.h>

enum { DISCARD_BYTES_MAX = 32 * 1024 * 1024 }; /* read only to let the client read its answer */

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer);

/* --- opening and closing --- */

static struct http_connection *connection_new(struct http_loop *loop, int descriptor)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    connection->loop = loop;
    connection->tcp.data = connection;
    connection->write.data = connection;
    if (!http_secure_open(connection) || uv_tcp_init(&loop->uv, &connection->tcp) != 0) {
        http_tls_session_free(connection->tls);
        free(connection);
        return NULL;
    }
    connection->next = loop->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    loop->connections = connection;
    loop->connection_count++;
    /* Fails for descriptors that the loop watches already only, which a new one is not. */
    int opened = uv_tcp_open(&connection->tcp, descriptor);
    ASSERT(opened == 0);
    return connection;
}

bool http_connection_open(struct http_loop *loop, int descriptor)
{
    struct http_connection *connection = connection_new(loop, descriptor);
    if (connection == NULL) {
        return false;
    }
    http_connection_update(connection);
    return true;
}

void http_connection_open_refused(struct http_loop *loop, int descriptor)
{
    struct http_connection *connection = connection_new(loop, descriptor);
    if (connection == NULL) {
        close(descriptor);
        return;
    }
    connection->refused = true;
    loop->refusals++;
    http_input_fail(connection, HTTP_FAULT_CONNECTIONS, NULL);
    http_connection_update(connection);
}

static void connection_uncount(struct http_connection *connection)
{
    struct http_loop *loop = connection->loop;
    if (connection->refused) {
        loop->refusals--;
        return;
    }
    atomic_fetch_sub_explicit(&loop->load, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&loop->server->connections_open, 1, memory_order_relaxed);
}

static void connection_unlink(struct http_connection *connection)
{
    struct http_loop *loop = connection->loop;
    if (connection->previous == NULL) {
        loop->connections = connection->next;
    } else {
        connection->previous->next = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;
    struct http_loop *loop = connection->loop;
    ASSERT(!connection->dirty && !connection->busy);
    loop->connection_count--;
    http_secure_close(connection);
    free(connection->stash);
    free(connection);
    http_loop_finish_if_done(loop);
}

/* The last that is heard of an exchange that was not answered. */
static void tell_gone(struct http_exchange *exchange)
{
    const struct http_body_consumer *consumer =
        exchange->intake == NULL ? NULL : exchange->intake->consumer;
    if (exchange->phase == HTTP_EXCHANGE_ANSWERED) {
        return;
    }
    http_exchange_tell_gone(exchange);
    if (exchange->status != 0) {
        http_exchange_count(exchange);
    } else {
        counter_add(&exchange->loop->counters.requests_abandoned, 1);
    }
    if (exchange->stream != NULL && exchange->stream->writer->gone != NULL) {
        exchange->stream->writer->gone(exchange);
    }
    if (consumer != NULL && consumer->gone != NULL) {
        consumer->gone(exchange);
    }
}

void http_connection_drop_first(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->first;
    tell_gone(exchange);
    if (exchange->stream != NULL) {
        connection->unsent_bytes -= http_stream_unsent_bytes(exchange->stream);
    }
    connection->first = exchange->next;
    if (connection->first == NULL) {
        connection->last = NULL;
    }
    connection->exchange_count--;
    connection->unsent_bytes -= exchange->answer.bytes.len;
    http_exchange_table_release(&connection->loop->exchanges, exchange);
}

/* --- work without events --- */

void http_connection_go_on(struct http_connection *connection)
{
    struct http_loop *loop = connection->loop;
    if (connection->busy || connection->closing) {
        return;
    }
    connection->busy = true;
    connection->busy_previous = NULL;
    connection->busy_next = loop->busy;
    if (loop->busy != NULL) {
        loop->busy->busy_previous = connection;
    }
    loop->busy = connection;
    http_loop_keep_turning(loop);
}

void http_connection_rest(struct http_connection *connection)
{
    if (!connection->busy) {
        return;
    }
    connection->busy = false;
    if (connection->busy_previous == NULL) {
        connection->loop->busy = connection->busy_next;
    } else {
        connection->busy_previous->busy_next = connection->busy_next;
    }
    if (connection->busy_next != NULL) {
        connection->busy_next->busy_previous = connection->busy_previous;
    }
}

void http_connection_cut(struct http_connection *connection)
{
    if (connection->closing) {
        return;
    }
    http_secure_leave(connection);
    connection->closing = true;
    connection->incoming = NULL;
    http_connection_rest(connection);
    while (connection->first != NULL) {
        http_connection_drop_first(connection);
    }
    http_deadline_clear(&connection->input_deadline);
    http_deadline_clear(&connection->output_deadline);
    connection_unlink(connection);
    connection_uncount(connection);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

/* --- whose it is --- */

struct http_peer http_connection_peer(struct http_connection *connection)
{
    struct sockaddr_storage address;
    int len = sizeof address;
    if (connection->peer_known ||
        uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &len) != 0) {
        return connection->peer;
    }
    connection->peer_known = true;
    if (address.ss_family == AF_INET6) {
        memcpy(connection->peer.bytes, &((struct sockaddr_in6 *)&address)->sin6_addr, 16);
    } else if (address.ss_family == AF_INET) {
        memset(connection->peer.bytes + 10, 0xff, 2);
        memcpy(connection->peer.bytes + 12, &((struct sockaddr_in *)&address)->sin_addr, 4);
    }
    return connection->peer;
}

/* --- reading --- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *out_buffer)
{
    (void)suggested;
    struct http_connection *connection = handle->data;
    out_buffer->base = connection->loop->read_buffer;
    out_buffer->len = sizeof connection->loop->read_buffer;
    if (connection->tls != NULL) { /* what it makes of that must not be more than one read */
        out_buffer->len -= HTTP_TLS_RECORD_BYTES_MAX;
    }
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct http_connection *connection = stream->data;
    if (connection->tls != NULL && (len > 0 || len == UV_EOF)) {
        http_secure_take(connection, (struct str){buffer->base, len > 0 ? (size_t)len : 0});
    } else if (len > 0) {
        http_input_take(connection, buffer->base, (size_t)len);
    } else if (len == UV_EOF) {
        http_input_end(connection);
    } else if (len < 0) {
        http_connection_cut(connection);
    }
}

static bool is_blocked(const struct http_connection *connection)
{
    const struct http_exchange *incoming = connection->incoming;
    return incoming != NULL && incoming->intake != NULL && http_intake_is_blocked(incoming->intake);
}

static bool wants_to_read(const struct http_connection *connection)
{
    if (connection->at_end || is_blocked(connection)) {
        return false;
    }
    return connection->input == HTTP_INPUT_OPEN ? connection->stash_len == 0
                                                : connection->discarded < DISCARD_BYTES_MAX;
}

static bool reading_update(struct http_connection *connection)
{
    bool wanted = wants_to_read(connection);
    if (wanted == connection->reading) {
        return true;
    }
    connection->reading = wanted;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    return (wanted ? uv_read_start(stream, on_allocate, on_read) : uv_read_stop(stream)) == 0;
}

/* --- what it waits for --- */

/* Of the body that a handler takes as it arrives; NULL: no such body. */
static struct http_intake *taken_intake(const struct http_connection *connection)
{
    const struct http_exchange *incoming = connection->incoming;
    struct http_intake *intake = incoming == NULL ? NULL : incoming->intake;
    return intake != NULL && intake->consumer != NULL ? intake : NULL;
}

static enum http_deadline_kind deadline_wanted(const struct http_connection *connection)
{
    if (connection->lingering) {
        return HTTP_DEADLINE_LINGER;
    }
    if (http_secure_is_shaking_hands(connection)) {
        return connection->tls_begun || connection->refused ? HTTP_DEADLINE_HEADER
                                                            : HTTP_DEADLINE_IDLE;
    }
    const struct http_exchange *incoming = connection->incoming;
    if (incoming != NULL && incoming->parser.phase < HTTP_PARSER_PHASE_BODY) {
        return HTTP_DEADLINE_HEADER;
    }
    if (incoming != NULL) {
        return is_blocked(connection)             ? HTTP_DEADLINE_NONE
               : taken_intake(connection) != NULL ? HTTP_DEADLINE_RATE
                                                  : HTTP_DEADLINE_BODY;
    }
    return connection->first == NULL ? HTTP_DEADLINE_IDLE : HTTP_DEADLINE_NONE;
}

static void deadline_update(struct http_connection *connection)
{
    enum http_deadline_kind wanted = deadline_wanted(connection);
    if (wanted == connection->input_deadline.kind) {
        return;
    }
    if (wanted == HTTP_DEADLINE_NONE) {
        http_deadline_clear(&connection->input_deadline);
        return;
    }
    struct http_intake *intake = taken_intake(connection);
    if (intake != NULL) {
        intake->taken_before = intake->taken;
    }
    http_deadline_set(&connection->loop->deadlines, &connection->input_deadline, wanted,
                      uv_now(&connection->loop->uv));
}

/* A body that came quickly enough is given as much time again. */
static void rate_expire(struct http_connection *connection)
{
    const struct http_limits *limits = &connection->loop->server->config.limits;
    const struct http_intake *intake = connection->incoming->intake;
    uint64_t least =
        (uint64_t)limits->body_rate_min * limits->body_timeout_ms / MILLISECONDS_PER_SECOND;
    if (intake->taken - intake->taken_before < least) {
        http_input_fail(connection, HTTP_FAULT_BODY_TOO_SLOW, NULL);
    }
    http_connection_update(connection);
}

void http_connection_update(struct http_connection *connection)
{
    if (connection->closing) {
        return;
    }
    if (!reading_update(connection)) {
        http_connection_cut(connection);
        return;
    }
    if (connection->tls_ended && !connection->at_end && wants_to_read(connection)) {
        http_input_end(connection);
        return;
    }
    deadline_update(connection);
}

void http_connection_expire(struct http_connection *connection, enum http_deadline_kind kind)
{
    switch (kind) {
    case HTTP_DEADLINE_HEADER:
        if (http_secure_is_shaking_hands(connection)) {
            http_secure_give_up(connection, "the handshake took too long");
            break;
        }
        http_input_fail(connection, HTTP_FAULT_HEADER_TIMEOUT, NULL);
        http_connection_update(connection);
        break;
    case HTTP_DEADLINE_BODY:
        http_input_fail(connection, HTTP_FAULT_BODY_TIMEOUT, NULL);
        http_connection_update(connection);
        break;
    case HTTP_DEADLINE_RATE:
        rate_expire(connection);
        break;
    case HTTP_DEADLINE_WRITE:
        http_output_expire(connection);
        break;
    default:
        http_connection_cut(connection);
    }
}

void http_connection_touch(struct http_connection *connection)
{
    if (connection->dirty || connection->closing) {
        return;
    }
    connection->dirty = true;
    connection->dirty_next = connection->loop->dirty;
    connection->loop->dirty = connection;
}

void http_connection_settle(struct http_connection *connection)
{
    if (!connection->closing) {
        http_output_flush(connection);
    }
}

static void writers_tell_leaving(struct http_connection *connection)
{
    for (struct http_exchange *at = connection->first; at != NULL; at = at->next) {
        if (at->stream != NULL && at->phase != HTTP_EXCHANGE_ANSWERED &&
            at->stream->writer->leaving != NULL) {
            at->stream->writer->leaving(at);
        }
    }
}

/* A client that has just come may have sent its request already: it gets its one answer. */
void http_connection_drain(struct http_connection *connection)
{
    if (connection->lingering || (connection->first == NULL && !connection->has_served)) {
        return;
    }
    if (connection->first == NULL) {
        http_connection_cut(connection);
        return;
    }
    writers_tell_leaving(connection);
    if (connection->incoming == NULL) {
        connection->input = HTTP_INPUT_DISCARD;
        connection->stash_len = 0;
    }
    http_connection_update(connection);
}
