#pragma once
/*
 * What is covered of each event log: one document of the collection `progress` for each,
 *
 *     {_id: "<log id>", erasures: NumberLong(n), looks: NumberLong(m),
 *      partitions: {"0": NumberLong(offset), …}, starts: {…}, counts: {…}}
 *
 * raised after a batch was inserted and confirmed, and by that confirmed itself. Offsets only rise,
 * so workers that share the partitions of a log do not disturb each other. `erasures` and
 * `looks` are explained in store_erase.h, `starts` and `counts` in progress_account.h. The worker's
 * thread, but for store_durable_positions.
 */
#include "infrastructure/activity_store_mongodb/mongodb_store.h"
#include "infrastructure/activity_store_mongodb/put_rows.h"

/* Positions [from, to) of a partition that have their verdicts and are not covered yet. */
struct carried_counts {
    int32_t partition;
    int64_t from;
    int64_t to;
    struct log_counts counts;
};

struct carried_list {
    struct carried_counts *items;
    size_t count;
    size_t capacity;
};

/* What the worker knows of a log that it puts from. */
struct log_progress {
    struct uuid log_id;
    char text[UUID_TEXT_BYTES];
    bool opened;
    struct position_set covered; /* what has verdicts, as far as this worker knows */
    struct log_coverage account; /* what the log's document said last, or was raised to */
    struct carried_list carried;
    int64_t erasures;
    int64_t erased_until_ms; /* read after `erasures` */
    /* Erasures since then remove what was inserted: see step W4. */
    bool settled;
    /* Raising was not answered: it may have happened, and yet the rows of that batch have no
     * verdicts, so `covered` takes nothing from the server until they do. */
    bool uncertain;
};

/* How far the judged rows of a batch raise the positions. */
struct progress_raising {
    const struct put_rows *rows;
    const struct position_set *next;
};

/* Of one log, of which nothing is known yet. */
void progress_init(struct log_progress *progress, struct uuid log_id);
void progress_deinit(struct log_progress *progress);

/* Makes the log's document if it is missing, and reads it. */
MUST_USE enum status progress_open(struct mongodb_store *store, mongoc_client_t *connection,
                                   struct log_progress *progress, struct error *err);

/* Reads it again: covered positions, erasures and erasedUntil. */
MUST_USE enum status progress_read(struct mongodb_store *store, mongoc_client_t *connection,
                                   struct log_progress *progress, struct error *err);

/* The same, confirmed by the majority to be so: step W4 of store_erase.h. */
MUST_USE enum status progress_look(struct mongodb_store *store, mongoc_client_t *connection,
                                   struct log_progress *progress, struct error *err);

/* Raises the positions, and adds what became of them, unless an erasure came since `erasures` was
 * read; once settled, whether one did or not. NOT_FOUND, without words: one did, or another worker
 * raised them meanwhile, or the log's document went. */
MUST_USE enum status progress_raise(struct mongodb_store *store, mongoc_client_t *connection,
                                    struct log_progress *progress,
                                    const struct progress_raising *raising, struct error *err);

static inline bool progress_covers(const struct log_progress *progress, struct position position)
{
    return position_set_covers(&progress->covered, position);
}

MUST_USE enum status store_durable_positions(struct mongodb_store *store, struct uuid log_id,
                                             struct position_set *out_positions, struct error *err);
