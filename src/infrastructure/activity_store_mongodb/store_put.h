#pragma once
/*
 * Putting a batch: see store_erase.h for the order of its steps, and why. In the usual case, where
 * everything is new, it costs one round trip for the rows, in parts that go at once, and one for
 * the positions. Whatever fails on the way, the same batch may be put again: its rows are known by
 * the position that their documents carry, and get the verdicts that they would have had. The
 * worker's thread.
 */
#include "infrastructure/activity_store_mongodb/mongodb_store.h"

MUST_USE enum status store_put(struct mongodb_store *store, const struct activity_batch *batch,
                               enum verdict *out_verdicts, struct error *err);

/* Takes NULL. */
void putting_free(struct putting *putting);
