#pragma once
/*
 * Rows of a batch whose users were erased after they were received: steps W1 and W3 of
 * store_erase.h. The worker's thread, and any for
 * the last.
 */
#include "infrastructure/activity_store_mongodb/put_rows.h"
#include "infrastructure/activity_store_mongodb/store_progress.h"

/* Looks up the users of all rows received before progress->erased_until_ms. Rows that an erasure
 * covers are judged erased, and what this or an earlier attempt inserted of them is removed; rows
 * with the id of one that was inserted wait again. What this attempt inserted and the erasure
 * removed stays stored. */
MUST_USE enum status put_erased_drop(struct mongodb_store *store, mongoc_client_t *connection,
                                     const struct log_progress *progress, struct put_rows *rows,
                                     struct error *err);

/* As erasure_lookup_ask. */
MUST_USE enum status put_erased_look_up(struct mongodb_store *store,
                                        const struct activity_batch *batch, bool *out_erased,
                                        struct error *err);
