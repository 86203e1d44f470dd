#pragma once
/*
 * A memory table with the lock under which threads share it: what both stores do with activities in
 * memory. One thread puts, expires and owns the workspace; every call from any thread otherwise.
 * Changes go before questions; either side holds the lock for a few milliseconds at a time. An
 * erasure holds it to its end, half a microsecond for each row of the user, so that no answer shows
 * a part of it.
 */
#include "base/clock.h"
#include "domain/activity_batch.h"
#include "domain/activity_page.h"
#include "domain/activity_store.h"
#include "infrastructure/activity_table/memory_table.h"
#include "infrastructure/activity_table/tally_table.h"

#include <pthread.h>

struct shared_table {
    pthread_rwlock_t lock; /* guards table */
    struct memory_table table;
};

/* UNAVAILABLE when the system has no lock. */
MUST_USE enum status shared_table_init(struct shared_table *shared, uint64_t bytes_max,
                                       const struct random *random, struct error *err);
void shared_table_deinit(struct shared_table *shared);

/* --- putting --- */

/* What a store knows of an arriving row from beyond this table. */
enum elsewhere {
    ELSEWHERE_NOTHING,
    ELSEWHERE_SAME,  /* the id is there, and the row says the same again */
    ELSEWHERE_OTHER, /* the id is there with other content */
    ELSEWHERE_ERASED /* its user was erased after it was received */
};

/* What is known of a batch before it is put. */
struct table_knowledge {
    const struct position_set *covered; /* positions that had their verdict before */
    const enum elsewhere *elsewhere;    /* for each row; NULL: nothing of any */
};

/* What became of a row. */
struct table_outcome {
    uint32_t row; /* in the table, when it was stored */
    enum verdict verdict;
};

/* The workspace of the thread that puts. */
struct table_putter;

MUST_USE enum status table_putter_new(struct table_putter **out_putter, struct error *err);
void table_putter_free(struct table_putter *putter);
CLEANUP_FUNCTION(struct table_putter *, table_putter_free)

/* Puts the rows of a batch, all or none. `out_outcomes` lives until the next put. NO_SPACE: beyond
 * the table's maximum of bytes; NO_MEMORY. */
MUST_USE enum status shared_table_put(struct shared_table *shared, struct table_putter *putter,
                                      const struct activity_batch *batch,
                                      const struct table_knowledge *knowledge,
                                      const struct table_outcome **out_outcomes);

/* --- asking; see domain/activity_store.h --- */

MUST_USE enum status shared_table_find(struct shared_table *shared, const struct clock *clock,
                                       const struct activity_page_request *request,
                                       struct arena *arena, struct activity_page *out_page);
MUST_USE enum status shared_table_get(struct shared_table *shared, struct str id,
                                      struct arena *arena, struct activity *out_activity);
MUST_USE enum status shared_table_count(struct shared_table *shared, const struct clock *clock,
                                        const struct activity_filter *filter, uint64_t deadline_ns,
                                        uint64_t *out_count);

/* Counts into the table of groups, which may have counts of elsewhere. TIMED_OUT, and what
 * tally_table_add_name says. */
MUST_USE enum status shared_table_tally(struct shared_table *shared, const struct clock *clock,
                                        struct tally_table *into);

/* The seed of this table's hashes, for hashes of what is in it. */
static inline uint64_t shared_table_seed(const struct shared_table *shared)
{
    return shared->table.seed;
}

/* Which rows were received before their user was erased, as far as this table knows. */
void shared_table_tell_erased(struct shared_table *shared, const struct activity_batch *batch,
                              bool *out_erased);

/* --- removing --- */

MUST_USE enum status shared_table_erase(struct shared_table *shared, struct str user_id,
                                        int64_t erased_at_ms, uint64_t *out_erased);
uint64_t shared_table_expire(struct shared_table *shared, int64_t before_ms);

struct table_size {
    uint64_t rows;
    uint64_t bytes;
};

struct table_size shared_table_size(struct shared_table *shared);
