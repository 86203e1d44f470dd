#pragma once
/*
 * An activity store that fails as planned and is otherwise the one behind it: for tests of what
 * stands in front of a store. A failing call does not reach the store behind, so it has no effect.
 * Threads: as domain/activity_store.h says; plan and calls from any thread.
 */
#include "base/failure_plan.h"
#include "domain/activity_store.h"

#include <stdint.h>

enum activity_store_call {
    STORE_PUT_BATCH,
    STORE_DURABLE_POSITIONS,
    STORE_ACCOUNTS,
    STORE_SYNC,
    STORE_FIND,
    STORE_GET,
    STORE_COUNT,
    STORE_TALLY,
    STORE_ERASE,
    STORE_EXPIRE,
    STORE_CALL_COUNT
};

/* Owns `inner` once it returns OK. NO_MEMORY. */
MUST_USE enum status activity_store_failing_new(struct activity_store *inner,
                                                struct activity_store **out_store,
                                                struct error *err);

/* Replaces the plan: `call` of each failure is one of activity_store_call, and counts from now. */
void activity_store_failing_plan(struct activity_store *store,
                                 const struct planned_failure *failures, size_t count);

/* How often it was called since the store was made, failing calls included. */
uint64_t activity_store_failing_calls(struct activity_store *store, enum activity_store_call call);
