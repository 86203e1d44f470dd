#pragma once
/*
 * The activity store in memory: quick and honest about it. Nothing survives the process, so it
 * reports no position as durable, and the event log keeps everything and replays it at the start.
 * Threads: as domain/activity_store.h says; infrastructure/activity_table/shared_table.h tells how
 * long queries and changes wait for each other.
 */
#include "base/clock.h"
#include "base/random.h"
#include "domain/activity_store.h"
#include "domain/erasure_lookup.h"

#include <stdint.h>

struct activity_store_memory_config {
    const struct clock *clock;   /* for deadlines; outlives the store */
    const struct random *random; /* for the seeds of the hashes; used by new only */
    uint64_t bytes_max;          /* beyond this put_batch says NO_SPACE; 0: no limit */
};

/* NO_MEMORY. */
MUST_USE enum status activity_store_memory_new(const struct activity_store_memory_config *config,
                                               struct activity_store **out_store,
                                               struct error *err);

/* Lives as long as the store. */
struct erasure_lookup *activity_store_memory_erasures(struct activity_store *store);
