/* The sums as JSON, for people and programs. */
#include "application/accounting.h"
#include "base/json_text.h"
#include "base/timestamp.h"

#include <inttypes.h>

enum { PARTITIONS_TOLD_MAX = 1000 };

/* What each place of the minutes counts. */
static const char *const edge_names[RECORD_COUNTS] = {"received", "accepted", "rejected", "resent"};
static const char *const worker_names[WORKER_COUNTS] = {"stored",  "duplicate", "conflict",
                                                        "refused", "erased",    "redelivered"};

static void append_number(struct buffer *json, const char *name, uint64_t number)
{
    buffer_append_format(json, ",\"%s\":%" PRIu64, name, number);
}

static void append_time(struct buffer *json, const char *name, int64_t ms)
{
    char text[TIMESTAMP_TEXT_BYTES];
    timestamp_format(ms, text);
    buffer_append_format(json, "\"%s\":\"%.*s\"", name, (int)sizeof text, text);
}

static void append_closing(struct buffer *json, int64_t difference)
{
    buffer_append_format(json, ",\"closes\":%s,\"difference\":%" PRId64,
                         difference == 0 ? "true" : "false", difference);
}

static void append_edge(struct buffer *json, const struct accounting_sums *sums)
{
    const uint64_t counts[RECORD_COUNTS] = {sums->edge.received, sums->edge.accepted,
                                            sums->edge.rejected, sums->edge.resent};
    buffer_append_literal(json, ",\"edge\":{");
    append_time(json, "since", sums->since_ms);
    for (size_t i = 0; i < RECORD_COUNTS; i++) {
        append_number(json, edge_names[i], counts[i]);
    }
    append_closing(json, accounting_edge_difference(sums));
    buffer_append_char(json, '}');
}

/* Logs ------------------------------------------------------------------------------------- */

static void append_partition(struct buffer *json, const struct accounting_sums *sums,
                             const struct log_coverage *log, struct position covered)
{
    buffer_append_format(json, "{\"partition\":%" PRId32, covered.partition);
    if (position_set_has(&log->starts, covered.partition)) {
        buffer_append_format(json, ",\"start\":%" PRId64,
                             position_set_get(&log->starts, covered.partition));
    }
    buffer_append_format(json, ",\"covered\":%" PRId64, covered.offset);
    bool in_use = uuid_equal(log->log_id, sums->log.log_id);
    if (in_use && position_set_has(&sums->ends, covered.partition)) {
        buffer_append_format(json, ",\"end\":%" PRId64,
                             position_set_get(&sums->ends, covered.partition));
    }
    buffer_append_char(json, '}');
}

static void append_partitions(struct buffer *json, const struct accounting_sums *sums,
                              const struct log_coverage *log)
{
    size_t count = log->positions.count;
    size_t told = count < PARTITIONS_TOLD_MAX ? count : PARTITIONS_TOLD_MAX;
    buffer_append_literal(json, ",\"partitions\":[");
    for (size_t i = 0; i < told; i++) {
        buffer_append_str(json, i == 0 ? STR("") : STR(","));
        append_partition(json, sums, log, log->positions.items[i]);
    }
    buffer_append_char(json, ']');
}

static void append_log(struct buffer *json, const struct accounting_sums *sums,
                       const struct log_coverage *log)
{
    char log_id[UUID_TEXT_BYTES];
    bool in_use = uuid_equal(log->log_id, sums->log.log_id);
    uint64_t pending = accounting_pending(sums, log);
    int64_t difference = log_coverage_difference(log);
    uuid_format(log->log_id, log_id);
    buffer_append_format(json, "{\"logId\":\"%.*s\",\"inUse\":%s", (int)sizeof log_id, log_id,
                         in_use ? "true" : "false");
    append_number(json, "positions", log_counts_sum(&log->counts) + (uint64_t)difference + pending);
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        append_number(json, log_outcome_name((enum log_outcome)i), log->counts.outcomes[i]);
    }
    append_number(json, "pending", pending);
    append_closing(json, difference);
    append_number(json, "foreign", log->counts.foreign);
    append_number(json, "replayed", log->counts.replayed);
    append_partitions(json, sums, log);
    buffer_append_char(json, '}');
}

static void append_logs(struct buffer *json, const struct accounting_sums *sums)
{
    size_t count = sums->accounts.count < ACCOUNTING_LOGS_TOLD_MAX ? sums->accounts.count
                                                                   : ACCOUNTING_LOGS_TOLD_MAX;
    buffer_append_literal(json, ",\"logs\":[");
    for (size_t i = 0; i < count; i++) {
        buffer_append_str(json, i == 0 ? STR("") : STR(","));
        append_log(json, sums, &sums->accounts.logs[i]);
    }
    buffer_append_char(json, ']');
}

/* Minutes ----------------------------------------------------------------------------------- */

static void append_counts(struct buffer *json, const char *const *names, size_t count,
                          const struct minute_sums *sums)
{
    for (size_t i = 0; i < count; i++) {
        append_number(json, names[i], sums == NULL ? 0 : sums->counts[i]);
    }
}

/* The next of either list, if it is of that minute. */
static const struct minute_sums *take(const struct minute_sums *sums, size_t count, size_t *at,
                                      int64_t minute)
{
    return *at < count && sums[*at].minute == minute ? &sums[(*at)++] : NULL;
}

static int64_t next_minute(const struct accounting_sums *sums, size_t edge, size_t worker)
{
    int64_t of_edge = edge < sums->edge_minute_count ? sums->edge_minutes[edge].minute : INT64_MAX;
    int64_t of_worker =
        worker < sums->worker_minute_count ? sums->worker_minutes[worker].minute : INT64_MAX;
    return of_edge < of_worker ? of_edge : of_worker;
}

static void append_minutes(struct buffer *json, const struct accounting_sums *sums)
{
    size_t edge = 0;
    size_t worker = 0;
    buffer_append_format(json, ",\"minutesKept\":%d,\"minutes\":[", MINUTES_KEPT);
    for (bool first = true; next_minute(sums, edge, worker) != INT64_MAX; first = false) {
        int64_t minute = next_minute(sums, edge, worker);
        buffer_append_str(json, first ? STR("{") : STR(",{"));
        append_time(json, "minute", minute * MS_PER_MINUTE);
        append_counts(json, edge_names, RECORD_COUNTS,
                      take(sums->edge_minutes, sums->edge_minute_count, &edge, minute));
        if (sums->has_worker) {
            append_counts(json, worker_names, WORKER_COUNTS,
                          take(sums->worker_minutes, sums->worker_minute_count, &worker, minute));
        }
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
}

void accounting_append_json(struct buffer *buffer, const struct accounting_sums *sums)
{
    buffer_append_format(buffer, "{\"status\":\"success\",\"closes\":%s",
                         accounting_closes(sums) ? "true" : "false");
    append_edge(buffer, sums);
    append_logs(buffer, sums);
    append_minutes(buffer, sums);
    buffer_append_char(buffer, '}');
}
