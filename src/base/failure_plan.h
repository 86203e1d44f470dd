#pragma once
/*
 * For tests: which calls of an adapter are to fail. The adapters that fail as planned number their
 * calls by an enum of their own, and all speak of failures in these words. Any thread.
 */
#include "base/macros.h"
#include "base/status.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Of the calls of this kind, `times` fail behind the first `skip`. */
struct planned_failure {
    unsigned call; /* of the adapter's enum */
    uint64_t skip;
    uint64_t times;     /* UINT64_MAX: for good */
    enum status status; /* never OK */
};

enum { FAILURE_PLAN_MAX = 32 };

struct failure_plan {
    pthread_mutex_t mutex; /* guards the rest */
    struct planned_failure failures[FAILURE_PLAN_MAX];
    uint64_t seen[FAILURE_PLAN_MAX]; /* calls of its kind since the plan was made */
    size_t count;
};

/* Nothing fails. */
void failure_plan_init(struct failure_plan *plan);
void failure_plan_deinit(struct failure_plan *plan);

/* Replaces all failures, at most FAILURE_PLAN_MAX; calls count from now. */
void failure_plan_set(struct failure_plan *plan, const struct planned_failure *failures,
                      size_t count);

/* Counts a call and says how it fails; OK: it does not. Of several failures the first counts. */
MUST_USE enum status failure_plan_count_call(struct failure_plan *plan, unsigned call);
