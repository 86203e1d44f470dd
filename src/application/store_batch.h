#pragma once
/*
 * One batch of the worker on its way from the log into the store, in stages, so that after a
 * failure it goes on where it stood and repeats nothing:
 *
 *     polled   what the log refused is listed first, since the store may make the batch durable as
 *              soon as it is put, and what is durable there does not come again out of the log
 *     listed   the rows are put into the store, which gives each its verdict
 *     stored   what the store refused is listed; only then may its position become durable, which
 *              an empty batch brings about
 *     done     or there is none yet
 *
 * A part of store_activities.h. The worker's thread.
 */
#include "application/store_activities.h"

#include <stdbool.h>

enum batch_stage { BATCH_DONE, BATCH_POLLED, BATCH_LISTED, BATCH_STORED };

struct store_batch {
    const struct store_activities_config *config; /* the worker's */
    struct keep_refusals keeper;
    struct activity_batch polled; /* the last one */
    enum batch_stage stage;
    enum verdict *verdicts; /* of its rows, once they are stored */
    size_t refused_rows;    /* of them */
    char refused_why[ERROR_MESSAGE_BYTES];
    bool refusal_told; /* since the start */
};

/* NO_MEMORY. The config is borrowed for as long as the batch is there. */
MUST_USE enum status store_batch_init(struct store_batch *self,
                                      const struct store_activities_config *config);
void store_batch_deinit(struct store_batch *self);

/* Each takes a batch from one stage to the next, or fails as log, list or store do and leaves it
 * there. */
MUST_USE enum status store_batch_poll(struct store_batch *self, struct error *err);
MUST_USE enum status store_batch_list_messages(struct store_batch *self, struct error *err);

/* Without rows there may be nothing to say to the store: `moves` when its positions go on. */
MUST_USE enum status store_batch_put_rows(struct store_batch *self, bool moves, struct error *err);
MUST_USE enum status store_batch_list_rows(struct store_batch *self, struct error *err);
