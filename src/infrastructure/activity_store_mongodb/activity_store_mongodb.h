#pragma once
/*
 * The activity store on MongoDB 4.4 or later, by libmongoc. What put_batch took is confirmed by the
 * majority of a replica set and its journal when it returns, so every put is durable, and any
 * number of processes may put, ask and erase at once. Collections of the URI's database, which
 * holds one store:
 *
 *     activities   one document each (activity_document.h); the name can be chosen
 *     progress     one for each event log: what is covered of it (store_progress.h)
 *     erasures     one for each erased user (store_erase.h)
 *
 * Indexes over activities are made when missing: (userId, timestamp, _id), (action, timestamp,
 * _id), (timestamp, _id), and one that lets activities expire when retention_days is given.
 *
 * Queries read as the URI's read preference says, by default from the primary; the answers promised
 * by the port are the primary's. A query whose server does not answer ends with the timeouts of
 * mongodb_client.h. Erasures leave no record in a chain. Threads: as domain/activity_store.h says.
 */
#include "base/clock.h"
#include "base/logger.h"
#include "base/random.h"
#include "domain/activity_store.h"
#include "domain/erasure_lookup.h"

enum {
    ACTIVITY_STORE_MONGODB_SESSIONS = 4,
    ACTIVITY_STORE_MONGODB_SESSIONS_MAX = 64,
    ACTIVITY_STORE_MONGODB_CONNECTIONS = 32
};

struct activity_store_mongodb_config {
    const char *uri;           /* with credentials, which appear in no message */
    const char *collection;    /* NULL: "activities" */
    unsigned sessions;         /* parts of a batch that are sent at once; 0: SESSIONS */
    unsigned connections;      /* to each server, beside those of the sessions; 0: CONNECTIONS */
    bool connects_later;       /* a server that is away now is warned of and asked again by what
                                  comes; indexes are left to those who do not connect later */
    unsigned retention_days;   /* activities expire so long after their timestamp; 0: never, and an
                                  index that was made before stays */
    const struct clock *clock; /* for deadlines; outlives the store */
    const struct random *random; /* for the seeds of hashes; used by new only */
    const struct logger *logger; /* outlives the store */
};

/* Whether the URI can be read, without asking any server. INVALID. */
MUST_USE enum status activity_store_mongodb_check(const char *uri, struct error *err);

/* Connects and makes what is missing. INVALID: the URI or a name cannot be used; UNAVAILABLE: no
 * server answered, or it did not let us in, unless it connects later; NO_MEMORY. */
MUST_USE enum status activity_store_mongodb_new(const struct activity_store_mongodb_config *config,
                                                struct activity_store **out_store,
                                                struct error *err);

/* Lives as long as the store. */
struct erasure_lookup *activity_store_mongodb_erasures(struct activity_store *store);
