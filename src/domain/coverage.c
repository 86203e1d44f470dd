#include "domain/coverage.h"

#include <stdlib.h>

void coverage_init(struct coverage *coverage)
{
    *coverage = (struct coverage){0};
}

void coverage_deinit(struct coverage *coverage)
{
    for (size_t i = 0; i < coverage->count; i++) {
        position_set_deinit(&coverage->logs[i].positions);
        position_set_deinit(&coverage->logs[i].starts);
    }
    free(coverage->logs);
    coverage_init(coverage);
}

static struct log_coverage *find_log(const struct coverage *coverage, struct uuid log_id)
{
    for (size_t i = 0; i < coverage->count; i++) {
        if (uuid_equal(coverage->logs[i].log_id, log_id)) {
            return &coverage->logs[i];
        }
    }
    return NULL;
}

const struct position_set *coverage_find(const struct coverage *coverage, struct uuid log_id)
{
    const struct log_coverage *log = find_log(coverage, log_id);
    return log == NULL ? NULL : &log->positions;
}

/* One place more each time: there are few logs, and a new one is rare. */
static enum status add_log(struct coverage *coverage, struct uuid log_id,
                           struct log_coverage **out_log)
{
    if (coverage->count == COVERAGE_LOGS_MAX) {
        return STATUS_TOO_LARGE;
    }
    struct log_coverage *logs = realloc(coverage->logs, (coverage->count + 1) * sizeof *logs);
    if (logs == NULL) {
        return STATUS_NO_MEMORY;
    }
    coverage->logs = logs;
    struct log_coverage *added = &logs[coverage->count++];
    *added = (struct log_coverage){.log_id = log_id};
    position_set_init(&added->positions);
    position_set_init(&added->starts);
    *out_log = added;
    return STATUS_OK;
}

enum status coverage_log(struct coverage *coverage, struct uuid log_id,
                         struct log_coverage **out_log)
{
    struct log_coverage *known = find_log(coverage, log_id);
    if (known == NULL) {
        return add_log(coverage, log_id, out_log);
    }
    *out_log = known;
    return STATUS_OK;
}

enum status coverage_of(struct coverage *coverage, struct uuid log_id,
                        struct position_set **out_positions)
{
    struct log_coverage *log;
    enum status status = coverage_log(coverage, log_id, &log);
    if (status == STATUS_OK) {
        *out_positions = &log->positions;
    }
    return status;
}

/* A partition has one start, for good. */
static enum status take_starts(struct position_set *starts, const struct position_set *from)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < from->count; i++) {
        if (!position_set_has(starts, from->items[i].partition)) {
            status = position_set_raise(starts, from->items[i]);
        }
    }
    return status;
}

static enum status raise_log(struct coverage *coverage, const struct log_coverage *from)
{
    struct log_coverage *log;
    enum status status = coverage_log(coverage, from->log_id, &log);
    if (status == STATUS_OK) {
        status = position_set_raise_all(&log->positions, &from->positions);
    }
    if (status == STATUS_OK) {
        status = take_starts(&log->starts, &from->starts);
    }
    if (status == STATUS_OK) {
        log_counts_raise(&log->counts, &from->counts);
    }
    return status;
}

enum status coverage_raise_all(struct coverage *coverage, const struct coverage *from)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < from->count; i++) {
        status = raise_log(coverage, &from->logs[i]);
    }
    return status;
}

int64_t log_coverage_difference(const struct log_coverage *log)
{
    uint64_t passed = 0;
    for (size_t i = 0; i < log->starts.count; i++) {
        struct position start = log->starts.items[i];
        int64_t covered = position_set_get(&log->positions, start.partition);
        passed += covered > start.offset ? (uint64_t)(covered - start.offset) : 0;
    }
    return (int64_t)(passed - log_counts_sum(&log->counts));
}
