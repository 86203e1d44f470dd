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
    }
    free(coverage->logs);
    coverage_init(coverage);
}

static struct position_set *find_positions(const struct coverage *coverage, struct uuid log_id)
{
    for (size_t i = 0; i < coverage->count; i++) {
        if (uuid_equal(coverage->logs[i].log_id, log_id)) {
            return &coverage->logs[i].positions;
        }
    }
    return NULL;
}

const struct position_set *coverage_find(const struct coverage *coverage, struct uuid log_id)
{
    return find_positions(coverage, log_id);
}

/* One place more each time: there are few logs, and a new one is rare. */
static enum status add_log(struct coverage *coverage, struct uuid log_id,
                           struct position_set **out_positions)
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
    added->log_id = log_id;
    position_set_init(&added->positions);
    *out_positions = &added->positions;
    return STATUS_OK;
}

enum status coverage_of(struct coverage *coverage, struct uuid log_id,
                        struct position_set **out_positions)
{
    struct position_set *known = find_positions(coverage, log_id);
    if (known == NULL) {
        return add_log(coverage, log_id, out_positions);
    }
    *out_positions = known;
    return STATUS_OK;
}

enum status coverage_raise_all(struct coverage *coverage, const struct coverage *from)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < from->count; i++) {
        struct position_set *positions;
        status = coverage_of(coverage, from->logs[i].log_id, &positions);
        if (status == STATUS_OK) {
            status = position_set_raise_all(positions, &from->logs[i].positions);
        }
    }
    return status;
}
