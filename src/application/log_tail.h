#pragma once
/*
 * The port for following an event log beside the worker: what is durable, in the order of the log,
 * without moving the worker's read position and without keeping the log from dropping what the
 * store has. Each log has a source of tails; any number of tails may be open. The contract suite in
 * tests/contract/log_tail_contract.c holds every adapter to what is written here.
 *
 * Threads: sources from any thread, each tail from one at a time. All of them may read from disk or
 * network, so none of them runs on an event loop. A log outlives its tails.
 */
#include "base/error.h"
#include "base/macros.h"
#include "domain/activity_batch.h"

struct log_tail;

/* Where a tail begins. */
struct log_tail_begin {
    struct uuid log_id;
    struct position_set positions; /* for every partition; the caller's to deinit */
    uint64_t gone; /* positions between what was asked for and this, which the log no longer holds
                    */
};

/* Some more of the log. */
struct log_tail_batch {
    struct activity_batch batch; /* borrowed until the next poll; what is refused is left out */
    uint64_t gone;               /* positions in front of or between these that can no longer be had
                                  */
};

struct log_tail_operations {
    enum status (*poll)(struct log_tail *tail, size_t rows_max, unsigned wait_ms,
                        struct log_tail_batch *out_batch, struct error *err);
    void (*free)(struct log_tail *tail);
};

/* Embedded first in every adapter's tail. */
struct log_tail {
    const struct log_tail_operations *operations;
};

/* Embedded in whoever makes tails of one log. */
struct log_tail_source {
    enum status (*open)(struct log_tail_source *source, const struct position_set *from,
                        struct log_tail_begin *out_begin, struct log_tail **out_tail,
                        struct error *err);
};

enum { LOG_TAIL_ROWS_MAX = 10000 }; /* in one poll */

/* Opens a tail at the log's end (`from` is NULL), or at the positions named; partitions that are
 * not named at their first position. What the log no longer holds is passed and counted. INVALID: a
 * position lies beyond the log's end. UNAVAILABLE, TIMED_OUT, NO_MEMORY. `out_begin` is made in any
 * case. */
MUST_USE enum status log_tail_open(struct log_tail_source *source, const struct position_set *from,
                                   struct log_tail_begin *out_begin, struct log_tail **out_tail,
                                   struct error *err);

/* What comes next, at most `rows_max` rows; waits at most `wait_ms` for the first. None: OK with a
 * count of 0. UNAVAILABLE, NO_MEMORY: try again, nothing is left out. CORRUPT: open another. */
MUST_USE enum status log_tail_poll(struct log_tail *tail, size_t rows_max, unsigned wait_ms,
                                   struct log_tail_batch *out_batch, struct error *err);

/* Takes NULL. */
void log_tail_free(struct log_tail *tail);
CLEANUP_FUNCTION(struct log_tail *, log_tail_free)
