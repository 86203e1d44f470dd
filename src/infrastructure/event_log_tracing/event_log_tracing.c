#include "infrastructure/event_log_tracing/event_log_tracing.h"

#include "base/call_trace.h"

#include <stdbool.h>
#include <stdlib.h>

struct event_log_tracing {
    struct event_log log;
    struct event_log_tracing_config config;
};

static struct event_log_tracing *tracing_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct event_log_tracing, log);
}

static struct call_trace trace_begin(const struct event_log_tracing *tracing)
{
    return call_trace_begin(tracing->config.logger, tracing->config.clock);
}

/* The first partition stands for all: a trace line is short. */
static int64_t first_offset(const struct position_set *positions)
{
    return positions->count == 0 ? -1 : positions->items[0].offset;
}

static void trace_positions(struct call_trace *trace, const struct position_set *positions)
{
    call_trace_number(trace, "partitions", (int64_t)positions->count);
    call_trace_number(trace, "offset", first_offset(positions));
}

static enum status tracing_append(struct event_log *log, const struct activity *activities,
                                  size_t count, struct append_listener *listener,
                                  struct append_ticket ticket)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    struct call_trace trace = trace_begin(tracing);
    enum status status =
        event_log_append(tracing->config.inner, activities, count, listener, ticket);
    call_trace_number(&trace, "activities", (int64_t)count);
    call_trace_number(&trace, "loop", ticket.loop);
    call_trace_number(&trace, "slot", ticket.slot);
    call_trace_end(&trace, "event_log append", status);
    return status;
}

static enum status tracing_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                                struct activity_batch *out_batch, struct error *err)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    struct call_trace trace = trace_begin(tracing);
    enum status status = event_log_poll(tracing->config.inner, rows_max, wait_ms, out_batch, err);
    bool fine = status == STATUS_OK;
    call_trace_number(&trace, "rows_max", (int64_t)rows_max);
    call_trace_number(&trace, "wait_ms", wait_ms);
    call_trace_number(&trace, "rows", fine ? (int64_t)out_batch->count : 0);
    call_trace_number(&trace, "next_offset", fine ? first_offset(out_batch->next) : -1);
    call_trace_end(&trace, "event_log poll", status);
    return status;
}

static enum status tracing_seek(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    struct call_trace trace = trace_begin(tracing);
    enum status status = event_log_seek(tracing->config.inner, positions, err);
    trace_positions(&trace, positions);
    call_trace_end(&trace, "event_log seek", status);
    return status;
}

static enum status tracing_commit(struct event_log *log, const struct position_set *positions,
                                  struct error *err)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    struct call_trace trace = trace_begin(tracing);
    enum status status = event_log_commit(tracing->config.inner, positions, err);
    trace_positions(&trace, positions);
    call_trace_end(&trace, "event_log commit", status);
    return status;
}

static enum status tracing_end_position(struct event_log *log, struct position_set *out_positions)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    struct call_trace trace = trace_begin(tracing);
    enum status status = event_log_end_position(tracing->config.inner, out_positions);
    trace_positions(&trace, out_positions);
    call_trace_end(&trace, "event_log end_position", status);
    return status;
}

static void tracing_describe(struct event_log *log, struct event_log_state *out_state)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    struct call_trace trace = trace_begin(tracing);
    event_log_describe(tracing->config.inner, out_state);
    call_trace_text(&trace, "accepting", str_from(status_name(out_state->accepting)));
    call_trace_number(&trace, "bytes", (int64_t)out_state->bytes);
    call_trace_end(&trace, "event_log describe", STATUS_OK);
}

static void tracing_free(struct event_log *log)
{
    struct event_log_tracing *tracing = tracing_of(log);
    struct call_trace trace = trace_begin(tracing);
    event_log_free(tracing->config.inner);
    call_trace_end(&trace, "event_log free", STATUS_OK);
    free(tracing);
}

static const struct event_log_operations tracing_operations = {
    .append = tracing_append,
    .poll = tracing_poll,
    .seek = tracing_seek,
    .commit = tracing_commit,
    .end_position = tracing_end_position,
    .describe = tracing_describe,
    .free = tracing_free,
};

enum status event_log_tracing_new(const struct event_log_tracing_config *config,
                                  struct event_log **out_log, struct error *err)
{
    struct event_log_tracing *tracing = calloc(1, sizeof *tracing);
    if (tracing == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for tracing the event log");
    }
    tracing->log.operations = &tracing_operations;
    tracing->config = *config;
    *out_log = &tracing->log;
    return STATUS_OK;
}
