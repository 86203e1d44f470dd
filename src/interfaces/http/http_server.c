#include "interfaces/http/http_server.h"

#include "base/assert.h"
#include "interfaces/http/http_loop.h"
#include "interfaces/http/http_offload.h"

#include <errno.h>
#include <stdlib.h>

const struct http_limits http_limits_default = {
    .connections_max = 10000,
    .header_bytes_max = 16 * 1024,
    .target_bytes_max = 8 * 1024,
    .headers_max = 100,
    .exchange_arena_bytes_max = 64 * 1024 * 1024,
    .pipeline_max = 64,
    .body_memory_bytes_max = 256 * 1024 * 1024,
    .answer_memory_bytes_max = 256 * 1024 * 1024,
    .offloads_max = 256,
    .header_timeout_ms = 10 * 1000,
    .body_timeout_ms = 30 * 1000,
    .body_rate_min = 500,
    .body_ratio_max = 200,
    .idle_timeout_ms = 75 * 1000,
    .write_timeout_ms = 30 * 1000,
};

static enum status loops_new(struct http_server *server, struct error *err)
{
    for (unsigned i = 0; i < server->config.loops; i++) {
        enum status status =
            http_loop_new(server, i, &server->listener.sockets[i], &server->loops[i], err);
        if (status != STATUS_OK) {
            return status;
        }
        server->loop_count++;
    }
    return STATUS_OK;
}

static enum status server_open(struct http_server *server, struct error *err)
{
    const struct http_server_config *config = &server->config;
    enum status status =
        http_listener_open(&server->listener, config->host, config->port, config->loops, err);
    return status == STATUS_OK ? loops_new(server, err) : status;
}

enum status http_server_new(const struct http_server_config *config,
                            struct http_server **out_server, struct error *err)
{
    ASSERT(config->loops >= 1 && config->loops <= HTTP_LOOPS_MAX);
    ASSERT(config->limits.pipeline_max > 0 && config->limits.header_bytes_max <= UINT32_MAX);
    struct http_server *server = calloc(1, sizeof *server);
    struct http_loop **loops = calloc(config->loops, sizeof *loops);
    if (server == NULL || loops == NULL) {
        free(server);
        free(loops);
        return error_set_system(err, ENOMEM, "Cannot make the HTTP server");
    }
    server->config = *config;
    server->listener.guard = -1;
    server->loops = loops;
    server->body_memory.bytes_max = config->limits.body_memory_bytes_max;
    server->answer_memory.bytes_max = config->limits.answer_memory_bytes_max;
    enum status status = server_open(server, err);
    if (status != STATUS_OK) {
        http_server_free(server);
        return status;
    }
    *out_server = server;
    return STATUS_OK;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->listener.port;
}

enum status http_server_start(struct http_server *server, struct error *err)
{
    ASSERT(!server->started);
    server->started = true;
    enum status warm = http_offload_warm_up(server->loops[0], err);
    if (warm != STATUS_OK) {
        return warm;
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        enum status status = http_loop_start(server->loops[i], err);
        if (status != STATUS_OK) {
            http_server_stop(server, 0);
            return status;
        }
    }
    return STATUS_OK;
}

void http_server_leave(struct http_server *server)
{
    atomic_store(&server->leaving, true);
}

void http_server_stop(struct http_server *server, unsigned drain_ms)
{
    atomic_store(&server->drain_ms, drain_ms);
    atomic_store(&server->stopping, true);
    for (unsigned i = 0; i < server->loop_count; i++) {
        http_mailbox_wake(&server->loops[i]->mailbox);
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        http_loop_join(server->loops[i]);
    }
}

static void count_row(const struct http_series *series, unsigned route, enum http_method method,
                      struct http_counters *counters)
{
    for (unsigned place = 0; place < HTTP_STATUS_PLACES; place++) {
        struct histogram_sums sums = {0};
        const struct http_series_key key = {route, method, http_series_status(place)};
        http_series_sum(series, &key, &sums);
        counters->responses_by_class[key.status / 100] += histogram_count(&sums);
    }
}

static void count_responses(const struct http_series *series, struct http_counters *counters)
{
    for (unsigned i = 0; i < series->route_count * HTTP_METHODS; i++) {
        enum http_method method = (enum http_method)(i % HTTP_METHODS);
        if (http_series_has(series, i / HTTP_METHODS, method)) {
            count_row(series, i / HTTP_METHODS, method, counters);
        }
    }
}

void http_server_count(const struct http_server *server, struct http_counters *out_counters)
{
    struct http_counters sum = {
        .connections_open = atomic_load_explicit(&server->connections_open, memory_order_relaxed)};
    for (unsigned i = 0; i < server->loop_count; i++) {
        const struct http_loop_counters *counters = &server->loops[i]->counters;
        sum.connections_accepted += counter_read(&counters->connections_accepted);
        sum.connections_refused += counter_read(&counters->connections_refused);
        sum.requests += counter_read(&counters->requests);
        sum.handshakes_failed += counter_read(&counters->handshakes_failed);
        sum.requests_active += counter_read(&counters->requests_active);
        sum.requests_abandoned += counter_read(&counters->requests_abandoned);
        count_responses(&server->loops[i]->series, &sum);
    }
    *out_counters = sum;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        http_loop_free(server->loops[i]);
    }
    http_listener_close(&server->listener);
    free(server->loops);
    free(server);
}
