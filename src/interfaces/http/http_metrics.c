/*
 * What the transport tells of itself. How long requests took has the name, the labels and the
 * buckets of OpenTelemetry's semantic conventions for HTTP, so that what others made for them fits
 * (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/).
 */
#include "interfaces/http/http_loop.h"
#include "interfaces/http/http_server.h"

#include <stdio.h>

enum { STATUS_TEXT_BYTES = 8 };

/* Requests --------------------------------------------------------------------------------- */

static struct str route_name(const struct http_server *server, unsigned route,
                             char room[HTTP_ROUTE_BYTES])
{
    return route == 0 ? STR("none") : server->config.handler.name_route(route, room);
}

static struct str status_name_of(int status, char room[STATUS_TEXT_BYTES])
{
    if (status == 0) {
        return STR("other");
    }
    int len = snprintf(room, STATUS_TEXT_BYTES, "%d", status);
    return (struct str){room, (size_t)len};
}

static bool has_any(const struct http_server *server, unsigned route, enum http_method method)
{
    bool any = false;
    for (unsigned i = 0; i < server->loop_count; i++) {
        any = any || http_series_has(&server->loops[i]->series, route, method);
    }
    return any;
}

static struct histogram_sums sum_loops(const struct http_server *server,
                                       const struct http_series_key *key)
{
    struct histogram_sums sums = {.bounds = &histogram_bounds_requests};
    for (unsigned i = 0; i < server->loop_count; i++) {
        http_series_sum(&server->loops[i]->series, key, &sums);
    }
    return sums;
}

/* Of the statuses that there were. */
static void tell_statuses(const struct http_server *server, unsigned route, enum http_method method,
                          struct metric_text *text)
{
    char route_room[HTTP_ROUTE_BYTES];
    struct str name = route_name(server, route, route_room);
    for (unsigned place = 0; place < HTTP_STATUS_PLACES; place++) {
        char status_room[STATUS_TEXT_BYTES];
        const struct http_series_key key = {route, method, http_series_status(place)};
        struct histogram_sums sums = sum_loops(server, &key);
        if (histogram_count(&sums) > 0) {
            metric_add_histogram(text,
                                 METRIC_LABELS({"http_request_method", http_method_name(method)},
                                               {"http_route", name},
                                               {"http_response_status_code",
                                                status_name_of(key.status, status_room)}),
                                 &sums);
        }
    }
}

static void tell_durations(const struct http_server *server, struct metric_text *text)
{
    static const struct metric durations = {
        "http_server_request_duration_seconds", METRIC_HISTOGRAM,
        "Requests from their first byte to their answer, by route, method and status."};
    unsigned row_count = server->loops[0]->series.route_count * HTTP_METHODS;
    metric_begin(text, &durations);
    for (unsigned i = 0; i < row_count; i++) {
        enum http_method method = (enum http_method)(i % HTTP_METHODS);
        if (has_any(server, i / HTTP_METHODS, method)) {
            tell_statuses(server, i / HTTP_METHODS, method, text);
        }
    }
}

static void tell_requests(const struct http_counters *counters, struct metric_text *text)
{
    static const struct metric active = {"http_server_active_requests", METRIC_GAUGE,
                                         "Requests that began and whose answer is not sent yet."};
    static const struct metric abandoned = {"usertrail_http_abandoned_requests_total",
                                            METRIC_COUNTER,
                                            "Requests whose connection ended before their answer."};
    metric_tell(text, &active, counters->requests_active);
    metric_tell(text, &abandoned, counters->requests_abandoned);
}

/* Connections ------------------------------------------------------------------------------ */

static void tell_connections(const struct http_server *server, const struct http_counters *counters,
                             struct metric_text *text)
{
    static const struct metric open = {"usertrail_http_connections", METRIC_GAUGE,
                                       "Connections that are open and served."};
    static const struct metric max = {"usertrail_http_max_connections", METRIC_GAUGE,
                                      "Connections that may be open at once."};
    static const struct metric accepted = {"usertrail_http_accepted_connections_total",
                                           METRIC_COUNTER,
                                           "Connections that clients made, refused ones too."};
    static const struct metric refused = {"usertrail_http_refused_connections_total",
                                          METRIC_COUNTER,
                                          "Connections that were beyond what may be open at once."};
    static const struct metric failed = {"usertrail_tls_failures_total", METRIC_COUNTER,
                                         "Handshakes of TLS that failed, and what broke later."};
    metric_tell(text, &open, counters->connections_open);
    metric_tell(text, &max, server->config.limits.connections_max);
    metric_tell(text, &accepted, counters->connections_accepted);
    metric_tell(text, &refused, counters->connections_refused);
    metric_tell(text, &failed, counters->handshakes_failed);
}

/* Bounds ------------------------------------------------------------------------------------ */

static void tell_questions(const struct http_server *server, struct metric_text *text)
{
    static const struct metric now = {"usertrail_http_questions", METRIC_GAUGE,
                                      "Questions to log and store that are under way."};
    static const struct metric max = {"usertrail_http_max_questions", METRIC_GAUGE,
                                      "Questions that may be under way at once."};
    metric_tell(text, &now, atomic_load_explicit(&server->offloads, memory_order_relaxed));
    metric_tell(text, &max, server->config.limits.offloads_max);
}

static void tell_budgets(const struct http_server *server, struct metric_text *text)
{
    static const struct metric used = {"usertrail_budget_used_bytes", METRIC_GAUGE,
                                       "Memory of requests and answers that count as large."};
    static const struct metric max = {"usertrail_budget_max_bytes", METRIC_GAUGE,
                                      "Memory that these may take; beyond it: 503."};
    const struct {
        struct str name;
        const struct memory_budget *budget;
    } budgets[] = {{STR("bodies"), &server->body_memory}, {STR("answers"), &server->answer_memory}};
    metric_begin(text, &used);
    for (size_t i = 0; i < ARRAY_LENGTH(budgets); i++) {
        metric_add(text, METRIC_LABELS({"of", budgets[i].name}),
                   atomic_load_explicit(&budgets[i].budget->bytes_used, memory_order_relaxed));
    }
    metric_begin(text, &max);
    for (size_t i = 0; i < ARRAY_LENGTH(budgets); i++) {
        metric_add(text, METRIC_LABELS({"of", budgets[i].name}), budgets[i].budget->bytes_max);
    }
}

void http_server_tell_metrics(const struct http_server *server, struct metric_text *text)
{
    struct http_counters counters;
    http_server_count(server, &counters);
    tell_durations(server, text);
    tell_requests(&counters, text);
    tell_connections(server, &counters, text);
    tell_questions(server, text);
    tell_budgets(server, text);
}
