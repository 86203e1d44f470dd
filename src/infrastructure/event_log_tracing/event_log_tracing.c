#include "infrastructure/event_log_tracing/event_log_tracing.h"

#include <stdbool.h>
#include <stdlib.h>

enum { NANOSECONDS_PER_MICROSECOND = 1000 };

struct event_log_tracing {
    struct event_log log;
    struct event_log_tracing_config config;
};

static struct event_log_tracing *tracing_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct event_log_tracing, log);
}

static uint64_t start(const struct event_log_tracing *tracing)
{
    return clock_monotonic_ns(tracing->config.clock);
}

static struct log_field status_field(enum status status)
{
    return log_text("status", str_from(status_name(status)));
}

static struct log_field time_field(const struct event_log_tracing *tracing, uint64_t started_ns)
{
    uint64_t ns = clock_monotonic_ns(tracing->config.clock) - started_ns;
    return log_number("microseconds", (int64_t)(ns / NANOSECONDS_PER_MICROSECOND));
}

/* The first partition stands for all: a trace line is short. */
static int64_t first_offset(const struct position_set *positions)
{
    return positions->count == 0 ? -1 : positions->items[0].offset;
}

static enum status tracing_append(struct event_log *log, const struct activity *activities,
                                  size_t count, struct append_listener *listener,
                                  struct append_ticket ticket)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    uint64_t started = start(tracing);
    enum status status =
        event_log_append(tracing->config.inner, activities, count, listener, ticket);
    log_write(tracing->config.logger, LOG_DEBUG, "event_log append",
              LOG_FIELDS(log_number("activities", (int64_t)count), log_number("loop", ticket.loop),
                         log_number("slot", ticket.slot), status_field(status),
                         time_field(tracing, started)));
    return status;
}

static enum status tracing_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                                struct activity_batch *out_batch, struct error *err)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    uint64_t started = start(tracing);
    enum status status = event_log_poll(tracing->config.inner, rows_max, wait_ms, out_batch, err);
    bool fine = status == STATUS_OK;
    log_write(tracing->config.logger, LOG_DEBUG, "event_log poll",
              LOG_FIELDS(log_number("rows_max", (int64_t)rows_max), log_number("wait_ms", wait_ms),
                         log_number("rows", fine ? (int64_t)out_batch->count : 0),
                         log_number("next_offset", fine ? first_offset(out_batch->next) : -1),
                         status_field(status), time_field(tracing, started)));
    return status;
}

static enum status tracing_seek(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    uint64_t started = start(tracing);
    enum status status = event_log_seek(tracing->config.inner, positions, err);
    log_write(tracing->config.logger, LOG_DEBUG, "event_log seek",
              LOG_FIELDS(log_number("partitions", (int64_t)positions->count),
                         log_number("offset", first_offset(positions)), status_field(status),
                         time_field(tracing, started)));
    return status;
}

static enum status tracing_commit(struct event_log *log, const struct position_set *positions,
                                  struct error *err)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    uint64_t started = start(tracing);
    enum status status = event_log_commit(tracing->config.inner, positions, err);
    log_write(tracing->config.logger, LOG_DEBUG, "event_log commit",
              LOG_FIELDS(log_number("partitions", (int64_t)positions->count),
                         log_number("offset", first_offset(positions)), status_field(status),
                         time_field(tracing, started)));
    return status;
}

static enum status tracing_end_position(struct event_log *log, struct position_set *out_positions)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    uint64_t started = start(tracing);
    enum status status = event_log_end_position(tracing->config.inner, out_positions);
    log_write(tracing->config.logger, LOG_DEBUG, "event_log end_position",
              LOG_FIELDS(log_number("offset", first_offset(out_positions)), status_field(status),
                         time_field(tracing, started)));
    return status;
}

static void tracing_describe(struct event_log *log, struct event_log_state *out_state)
{
    const struct event_log_tracing *tracing = tracing_of(log);
    uint64_t started = start(tracing);
    event_log_describe(tracing->config.inner, out_state);
    log_write(tracing->config.logger, LOG_DEBUG, "event_log describe",
              LOG_FIELDS(log_text("accepting", str_from(status_name(out_state->accepting))),
                         log_number("bytes", (int64_t)out_state->bytes),
                         time_field(tracing, started)));
}

static void tracing_free(struct event_log *log)
{
    struct event_log_tracing *tracing = tracing_of(log);
    uint64_t started = start(tracing);
    event_log_free(tracing->config.inner);
    log_write(tracing->config.logger, LOG_DEBUG, "event_log free",
              LOG_FIELDS(time_field(tracing, started)));
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
