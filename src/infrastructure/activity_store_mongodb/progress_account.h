#pragma once
/*
 * What became of the positions of a log (domain/log_account.h), in its document of `progress`:
 *
 *     {…, partitions: {"0": NumberLong(30)}, starts: {"0": NumberLong(10)},
 *      counts: {stored: NumberLong(17), refused: NumberLong(3), …}}
 *
 * Counts are added by the update that raises the positions, and only if these are still what the
 * writer knew: of two workers that handle one position, as may be while a group rebalances, one
 * finds that the other was first, asks again and counts nothing twice. So it is, too, when an
 * update was not answered and had been carried out.
 *
 * A store does not cover what it refused before the batch behind it, so that the worker has listed
 * it (store_put.c). What was counted of such positions is carried until then. The worker's thread,
 * but for progress_accounts_read.
 */
#include "infrastructure/activity_store_mongodb/store_progress.h"

/* One raising on its way. */
struct account_change {
    const struct log_progress *progress;
    const struct progress_raising *raising;
    struct position_set starts; /* of the log, with those that are new */
    struct log_counts added;
    struct carried_list carried; /* afterwards */
};

/* Counts what raising adds to what the log's document said last. NO_MEMORY, TOO_LARGE. */
MUST_USE enum status account_change_make(const struct log_progress *progress,
                                         const struct progress_raising *raising,
                                         struct account_change *out_change);
void account_change_deinit(struct account_change *change);

/* Conditions of the update, in its query. */
void account_change_put_conditions(const struct account_change *change, struct buffer *out);

/* $inc and $set, as far as there is something to add. */
void account_change_put_changes(const struct account_change *change, struct buffer *out);

/* The update was confirmed: what it said is known now. */
void account_change_keep(struct account_change *change, struct log_progress *progress);

/* Raises by what a document of `progress` says, in `log`. NO_MEMORY, TOO_LARGE. */
MUST_USE enum status progress_account_read(const bson_t *document, struct log_coverage *log);

/* Asks for the accounts of all logs. Any thread. */
MUST_USE enum status progress_accounts(struct mongodb_store *store, struct coverage *out_accounts,
                                       struct error *err);
