#pragma once
/*
 * What a store needs before its first operation: a server that answers, and the indexes. Used by
 * activity_store_mongodb_new.
 */
#include "infrastructure/activity_store_mongodb/mongodb_store.h"

/* Makes the indexes that are missing; one that somebody made otherwise under the same name stays,
 * and is warned of. Reads the time of the latest erasure. */
MUST_USE enum status store_open(struct mongodb_store *store, unsigned retention_days,
                                struct error *err);
