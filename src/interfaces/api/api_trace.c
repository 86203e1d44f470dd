#include "interfaces/api/api_trace.h"

#include "base/digits.h"
#include "interfaces/api/api_private.h"

#include <stdio.h>
#include <string.h>

enum { SERVER_FAULT = 500 };

/* Of one request; in its exchange's arena. */
struct api_trace {
    const struct tracer *tracer; /* NULL: the context is only carried on */
    bool records;                /* spans of this request */
    bool in_append;              /* the log has not spoken yet */
    uint8_t parent_id[SPAN_ID_BYTES];
    struct trace_context context; /* the request's own; else the one that came */
    struct trace_context append;  /* of the span of the newest append */
    uint64_t wall_ns;             /* when the request began */
    uint64_t begun_ns;            /* the same by the monotonic clock */
    uint64_t append_ns;           /* when the newest append did */
    size_t append_activities;
    char *packed; /* room for what activities carry */
};

/* --- what came --- */

/* Fields of a header are put together in their order. False: there is no memory. */
static bool read_state(const struct api_call *call, struct str *out_text)
{
    struct api_fields fields = api_call_fields(call);
    const struct http_header *header;
    struct trace_state state;
    size_t at = 0;
    trace_state_init(&state);
    while ((header = api_fields_next(&fields, API_FIELD_TRACESTATE, &at)) != NULL) {
        trace_state_add(&state, header->value);
    }
    struct str text = trace_state_text(&state);
    *out_text =
        text.data == NULL ? text : arena_copy_str(http_exchange_arena(call->exchange), text);
    return text.data == NULL || out_text->data != NULL;
}

/* One that is there twice says nothing. */
static bool read_parent(const struct api_call *call, struct trace_context *out_parent)
{
    struct api_fields fields = api_call_fields(call);
    size_t count;
    struct str text = api_fields_only(&fields, API_FIELD_TRACEPARENT, &count);
    return text.data != NULL && trace_context_parse(text, out_parent) &&
           read_state(call, &out_parent->state);
}

/* --- its beginning --- */

static struct api_trace *keep(const struct api_call *call, const struct api_trace *trace)
{
    struct arena *arena = http_exchange_arena(call->exchange);
    struct api_trace *kept = arena_allocate(arena, sizeof *kept);
    char *packed = arena_allocate(arena, TRACE_PACKED_BYTES_MIN + trace->context.state.len);
    if (kept == NULL || packed == NULL) {
        return NULL;
    }
    *kept = *trace;
    kept->packed = packed;
    return kept;
}

/* A request that does not find memory for its trace is answered without one. */
void api_trace_begin(const struct api_call *call)
{
    const struct tracer *tracer = call->api->config.tracer;
    struct api_trace trace = {.tracer = tracer};
    struct trace_context parent;
    if (tracer == NULL && !call->api->config.carries_traces) {
        return;
    }
    bool has_parent = read_parent(call, &parent);
    if (tracer != NULL) {
        tracer_begin(tracer, has_parent ? &parent : NULL, &trace.context);
        trace.records = trace_context_is_sampled(&trace.context);
    }
    if (!trace.records && !has_parent) {
        return; /* a trace that nobody records and nobody else knows of */
    }
    if (trace.records) {
        trace.wall_ns = clock_wall_ns(tracer->clock);
        trace.begun_ns = clock_monotonic_ns(tracer->clock);
    }
    if (has_parent) {
        memcpy(trace.parent_id, parent.span_id, sizeof trace.parent_id);
    }
    if (!trace.records) { /* it goes on from the caller, and unrecorded if that was decided here */
        uint8_t flags = tracer == NULL ? parent.flags : trace.context.flags;
        trace.context = parent;
        trace.context.flags = flags;
    }
    http_exchange_set_trace(call->exchange, keep(call, &trace));
}

/* --- appends --- */

static struct api_trace *trace_of(const struct http_exchange *exchange)
{
    return http_exchange_trace(exchange);
}

void api_trace_begin_append(struct http_exchange *exchange, struct activity *activities,
                            size_t count)
{
    struct api_trace *trace = trace_of(exchange);
    char packed[TRACE_PACKED_BYTES_MAX];
    if (trace == NULL) {
        return;
    }
    trace->append =
        trace->records ? tracer_begin_below(trace->tracer, &trace->context) : trace->context;
    size_t len = trace_context_pack(&trace->append, packed);
    memcpy(trace->packed, packed, len);
    for (size_t i = 0; i < count; i++) {
        activities[i].trace = (struct str){trace->packed, len};
    }
    if (trace->records) {
        trace->in_append = true;
        trace->append_ns = clock_monotonic_ns(trace->tracer->clock);
        trace->append_activities = count;
    }
}

static uint64_t wall_at(const struct api_trace *trace, uint64_t monotonic_ns)
{
    return trace->wall_ns + (monotonic_ns - trace->begun_ns);
}

/* The operation is first in the name, as conventions for messaging want it. */
static struct str append_name(const struct tracer *tracer, char *room, size_t room_bytes)
{
    if (tracer->topic.data == NULL) {
        return STR("commit");
    }
    snprintf(room, room_bytes, "publish %.*s", STR_FORMAT(tracer->topic));
    return str_from(room);
}

/* `status` says why it failed; STATUS_OK with an absent durability: nobody knows any more. */
static void end_append(struct api_trace *trace, enum status status, struct str durability,
                       uint64_t at_ns)
{
    const struct tracer *tracer = trace->tracer;
    char name[300];
    struct span span = {
        .kind = tracer->topic.data == NULL ? SPAN_INTERNAL : SPAN_PRODUCER,
        .name = append_name(tracer, name, sizeof name),
        .context = trace->append,
        .begun_ns = wall_at(trace, trace->append_ns),
        .ended_ns = wall_at(trace, at_ns),
        .failed = status != STATUS_OK,
    };
    memcpy(span.parent_id, trace->context.span_id, sizeof span.parent_id);
    tracer_add_messaging(tracer, &span, STR("publish"), STR("send"), trace->append_activities);
    span_add_text(&span, STR("usertrail.event_log"), tracer->event_log);
    span_add_number(&span, STR("usertrail.activities"), (int64_t)trace->append_activities);
    span_add_text(&span, STR("usertrail.durability"), durability);
    if (status != STATUS_OK) {
        span.problem = str_from(status_name(status));
        span_add_text(&span, STR("error.type"), span.problem);
    }
    span_sink_add(tracer->sink, &span);
    trace->in_append = false;
}

void api_trace_end_append(struct http_exchange *exchange, enum status status, struct str durability,
                          uint64_t at_ns)
{
    struct api_trace *trace = trace_of(exchange);
    if (trace != NULL && trace->in_append) {
        end_append(trace, status, status == STATUS_OK ? durability : (struct str){0}, at_ns);
    }
}

/* --- its end --- */

/* The name and the path have what the route says and not what a client named: users stand in paths,
 * and paths of no route may hold anything. */
static void describe(const struct http_request *request, const struct api_route *route,
                     struct span *span, char room[HTTP_ROUTE_BYTES],
                     char name[HTTP_ROUTE_BYTES + 16])
{
    struct str method = http_method_name(request->method);
    struct str template =
        route == NULL ? (struct str){0} : api_route_name(api_route_number(route), room);
    bool is_known = request->method != HTTP_METHOD_OTHER;
    snprintf(name, HTTP_ROUTE_BYTES + 16, "%.*s%s%.*s", STR_FORMAT(is_known ? method : STR("HTTP")),
             template.len > 0 ? " " : "", (int)template.len,
             template.data == NULL ? "" : template.data);
    span->name = str_from(name);
    span_add_text(span, STR("http.request.method"), method);
    span_add_text(span, STR("http.route"), template);
    span_add_text(span, STR("url.path"), template);
}

/* Probes and scrapes come every few seconds for ever, and would be most of what is told; those of
 * somebody's trace are his wish. */
static bool is_told(const struct api_trace *trace, const struct api_route *route)
{
    static const uint8_t nobody[SPAN_ID_BYTES] = {0};
    return route == NULL || !route->is_probe ||
           memcmp(trace->parent_id, nobody, sizeof nobody) != 0;
}

static void end_request(const struct api_trace *trace, const struct http_exchange *exchange,
                        int status, uint64_t now_ns)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct str rest;
    const struct api_route *route = api_route_find(request->path, &rest);
    if (!is_told(trace, route)) {
        return;
    }
    char room[HTTP_ROUTE_BYTES];
    char name[HTTP_ROUTE_BYTES + 16];
    char code[16];
    struct span span = {
        .kind = SPAN_SERVER,
        .context = trace->context,
        .begun_ns = trace->wall_ns,
        .ended_ns = wall_at(trace, now_ns),
        .failed = status >= SERVER_FAULT,
    };
    memcpy(span.parent_id, trace->parent_id, sizeof span.parent_id);
    describe(request, route, &span, room, name);
    if (status != 0) {
        span_add_number(&span, STR("http.response.status_code"), status);
    }
    if (span.failed) {
        snprintf(code, sizeof code, "%d", status);
        span_add_text(&span, STR("error.type"), str_from(code));
    }
    span_add_text(&span, STR("usertrail.request_id"), http_exchange_name(exchange));
    span_sink_add(trace->tracer->sink, &span);
}

void api_trace_end(const struct http_exchange *exchange, int status)
{
    struct api_trace *trace = trace_of(exchange);
    if (trace == NULL || !trace->records) {
        return;
    }
    uint64_t now_ns = clock_monotonic_ns(trace->tracer->clock);
    if (trace->in_append) { /* its client left, and with it who waited for the log */
        end_append(trace, STATUS_OK, (struct str){0}, now_ns);
    }
    end_request(trace, exchange, status, now_ns);
}

struct str api_trace_id(const struct http_exchange *exchange, char text[2 * TRACE_ID_BYTES])
{
    const struct api_trace *trace = trace_of(exchange);
    if (trace == NULL) {
        return (struct str){0};
    }
    digits_write_bytes(trace->context.trace_id, TRACE_ID_BYTES, text);
    return (struct str){text, 2 * TRACE_ID_BYTES};
}
