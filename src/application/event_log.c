#include "application/event_log.h"

#include "base/assert.h"

static bool reports(enum status status, const struct error *err)
{
    return status == STATUS_OK || err == NULL || err->status == status;
}

enum status event_log_append(struct event_log *log, const struct activity *activities, size_t count,
                             struct append_listener *listener, struct append_ticket ticket)
{
    ASSERT(count >= 1 && count <= EVENT_LOG_APPEND_ACTIVITIES_MAX);
    ASSERT(listener != NULL && listener->completed != NULL);
    return log->operations->append(log, activities, count, listener, ticket);
}

enum status event_log_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                           struct activity_batch *out_batch, struct error *err)
{
    ASSERT(rows_max >= 1 && rows_max <= EVENT_LOG_POLL_ROWS_MAX);
    struct activity_batch batch = {0};
    enum status status = log->operations->poll(log, rows_max, wait_ms, &batch, err);
    ASSERT(reports(status, err));
    if (status == STATUS_OK) {
        ASSERT(batch.count <= rows_max && batch.next != NULL);
        *out_batch = batch;
    }
    return status;
}

enum status event_log_seek(struct event_log *log, const struct position_set *positions,
                           struct error *err)
{
    enum status status = log->operations->seek(log, positions, err);
    ASSERT(reports(status, err));
    return status;
}

enum status event_log_commit(struct event_log *log, const struct position_set *positions,
                             struct error *err)
{
    enum status status = log->operations->commit(log, positions, err);
    ASSERT(reports(status, err));
    return status;
}

enum status event_log_end_position(struct event_log *log, struct position_set *out_positions)
{
    return log->operations->end_position(log, out_positions);
}

void event_log_describe(struct event_log *log, struct event_log_state *out_state)
{
    *out_state = (struct event_log_state){0}; /* adapters fill in what they know */
    log->operations->describe(log, out_state);
    ASSERT(out_state->kind != NULL);
}

void event_log_free(struct event_log *log)
{
    if (log != NULL) {
        log->operations->free(log);
    }
}

const char *durability_name(enum durability durability)
{
    switch (durability) {
    case DURABILITY_LOCAL_DISK:
        return "local-disk";
    case DURABILITY_REPLICATED:
        return "replicated";
    default:
        ASSERT(durability == DURABILITY_MEMORY);
        return "memory";
    }
}
