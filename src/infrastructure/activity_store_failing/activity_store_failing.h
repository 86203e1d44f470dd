#pragma once
/*
 * An activity store that fails as planned and is otherwise the one behind it: for tests of what
 * stands in front of a store. A failing call does not reach the store behind, so it has no effect.
 * Threads: as domain/activity_store.h says; plan and calls from any thread.
 */
#include "domain/activity_store.h"

#include <stdint.h>

enum activity_store_operation {
    STORE_PUT_BATCH,
    STORE_DURABLE_POSITIONS,
    STORE_SYNC,
    STORE_FIND,
    STORE_GET,
    STORE_COUNT,
    STORE_TALLY,
    STORE_ERASE,
    STORE_EXPIRE,
    STORE_OPERATION_COUNT
};

/* Of the calls of `operation` from now on, `times` fail behind the first `skip`. */
struct activity_store_failure {
    enum activity_store_operation operation;
    uint64_t skip;
    uint64_t times; /* UINT64_MAX: for good */
    enum status status;
};

enum { STORE_FAILURES_MAX = 32 };

/* Owns `inner` once it returns OK. NO_MEMORY. */
MUST_USE enum status activity_store_failing_new(struct activity_store *inner,
                                                struct activity_store **out_store,
                                                struct error *err);

/* Replaces the plan; at most STORE_FAILURES_MAX. Where several failures name one call, the first
 * counts. */
void activity_store_failing_plan(struct activity_store *store,
                                 const struct activity_store_failure *failures, size_t count);

/* How often the operation was called since the store was made, failing calls included. */
uint64_t activity_store_failing_calls(struct activity_store *store,
                                      enum activity_store_operation operation);
