#pragma once
/*
 * What was handed over of several event logs: a position set for each, and what became of these
 * positions (log_account.h). One thread at a time.
 */
#include "domain/log_account.h"
#include "domain/position.h"

struct log_coverage {
    struct uuid log_id;
    struct position_set positions;
    struct position_set starts; /* where counting began in each partition that is counted */
    struct log_counts counts;
};

struct coverage {
    struct log_coverage *logs;
    size_t count;
};

enum { COVERAGE_LOGS_MAX = 4096 };

/* Allocates nothing yet. */
void coverage_init(struct coverage *coverage);
void coverage_deinit(struct coverage *coverage);

/* The positions of a log, or NULL. */
const struct position_set *coverage_find(const struct coverage *coverage, struct uuid log_id);

/* The same; a log that is not there is added with no position. They live until a log is added.
 * NO_MEMORY, or TOO_LARGE beyond COVERAGE_LOGS_MAX. */
MUST_USE enum status coverage_of(struct coverage *coverage, struct uuid log_id,
                                 struct position_set **out_positions);

/* The same with what became of the positions. */
MUST_USE enum status coverage_log(struct coverage *coverage, struct uuid log_id,
                                  struct log_coverage **out_log);

/* Raises every position of `from`, and the counts with them: both are states of one account, of
 * which the later holds. NO_MEMORY, TOO_LARGE, and then some may be raised. */
MUST_USE enum status coverage_raise_all(struct coverage *coverage, const struct coverage *from);

/* How far the counts are from adding up: covered - start - sum of the outcomes, 0 when they do. */
int64_t log_coverage_difference(const struct log_coverage *log);
