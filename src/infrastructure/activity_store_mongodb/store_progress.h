#pragma once
/*
 * What is covered of each event log: one document of the collection `progress` for each,
 *
 *     {_id: "<log id>", erasures: NumberLong(n), looks: NumberLong(m),
 *      partitions: {"0": NumberLong(offset), …}}
 *
 * raised after a batch was inserted and confirmed, and by that confirmed itself. Offsets only rise,
 * so workers that share the partitions of a log do not disturb each other. `erasures` and
 * `looks` are explained in store_erase.h. The worker's thread, but for store_durable_positions.
 */
#include "infrastructure/activity_store_mongodb/mongodb_store.h"

/* What the worker knows of a log that it puts from. */
struct log_progress {
    struct uuid log_id;
    char text[UUID_TEXT_BYTES];
    bool opened;
    struct position_set covered; /* what has verdicts, as far as this worker knows */
    int64_t erasures;
    int64_t erased_until_ms; /* read after `erasures` */
    /* Erasures since then remove what was inserted: see step W4. */
    bool settled;
    /* Raising was not answered: it may have happened, and yet the rows of that batch have no
     * verdicts, so `covered` takes nothing from the server until they do. */
    bool uncertain;
};

/* Makes the log's document if it is missing, and reads it. */
MUST_USE enum status progress_open(struct mongodb_store *store, mongoc_client_t *connection,
                                   struct log_progress *progress, struct error *err);

/* Reads it again: covered positions, erasures and erasedUntil. */
MUST_USE enum status progress_read(struct mongodb_store *store, mongoc_client_t *connection,
                                   struct log_progress *progress, struct error *err);

/* The same, confirmed by the majority to be so: step W4 of store_erase.h. */
MUST_USE enum status progress_look(struct mongodb_store *store, mongoc_client_t *connection,
                                   struct log_progress *progress, struct error *err);

/* Raises the positions, unless an erasure came since `erasures` was read; once settled, whether one
 * did or not. NOT_FOUND, without words: one did, or the log's document went. */
MUST_USE enum status progress_raise(struct mongodb_store *store, mongoc_client_t *connection,
                                    struct log_progress *progress, const struct position_set *next,
                                    struct error *err);

static inline bool progress_covers(const struct log_progress *progress, struct position position)
{
    return position_set_covers(&progress->covered, position);
}

MUST_USE enum status store_durable_positions(struct mongodb_store *store, struct uuid log_id,
                                             struct position_set *out_positions, struct error *err);
