#pragma once
/*
 * What the files of this adapter share: the store itself. Each file works on it for one kind of
 * operation; activity_store_mongodb.c puts them together.
 */
#include "domain/activity_store.h"
#include "domain/coverage.h"
#include "infrastructure/activity_store_mongodb/activity_store_mongodb.h"
#include "infrastructure/mongodb_client/document_writer.h"
#include "infrastructure/mongodb_client/mongodb_client.h"

#include <pthread.h>

enum { REQUEST_BYTES_MAX = 8 * 1024 * 1024 };

#define STORE_PROGRESS "progress"
#define STORE_ERASURES "erasures"

struct putting;

/* How much there is, as last asked of the server and changed by this process since. */
struct store_size {
    int64_t activities;
    int64_t bytes;
    int64_t on_their_way; /* rows of the batch that is being put */
    uint64_t ask_at_ms;   /* of the monotonic clock: not before */
    bool away;            /* the last asking failed */
    bool asking;          /* one thread asks, the others take what is known */
};

struct mongodb_store {
    struct activity_store store;
    struct erasure_lookup erasures;
    struct mongodb_client *client;
    char *collection;
    const struct clock *clock;
    const struct logger *logger;
    unsigned sessions;
    bool tells_absence; /* to the logger: nobody else does for a store that connects later */
    uint64_t seed;
    struct putting *putting; /* the worker's; NULL until the first batch */

    pthread_mutex_t lock; /* guards what follows */
    struct coverage covered;
    pthread_t worker;
    bool has_worker;
    struct store_size size;
    int64_t erased_until_ms;
};

static inline struct mongodb_store *mongodb_store_of(struct activity_store *store)
{
    return CONTAINER_OF(store, struct mongodb_store, store);
}

/* store_size.c */

/* Notes what this process stored and removed. */
void store_size_add(struct mongodb_store *store, int64_t activities, int64_t bytes);

/* Around each batch that is put; the second one adds what was stored of it. */
void store_size_begin_put(struct mongodb_store *store, size_t rows);
void store_size_end_put(struct mongodb_store *store, int64_t activities, int64_t bytes);

void store_describe(struct mongodb_store *store, struct activity_store_state *out_state);

/* Raises the time of the latest erasure that is known, and returns it. */
int64_t store_raise_erased_until(struct mongodb_store *store, int64_t erased_until_ms);

/* store_find.c */
MUST_USE enum status store_find(struct mongodb_store *store,
                                const struct activity_page_request *request, struct arena *arena,
                                struct activity_page *out_page, struct error *err);
MUST_USE enum status store_get(struct mongodb_store *store, struct str id, struct arena *arena,
                               struct activity *out_activity, struct error *err);

/* store_tally.c */
MUST_USE enum status store_count(struct mongodb_store *store, const struct activity_filter *filter,
                                 uint64_t deadline_ns, uint64_t *out_count, struct error *err);
MUST_USE enum status store_tally(struct mongodb_store *store,
                                 const struct activity_tally_request *request, struct arena *arena,
                                 struct activity_tally *out_tally, struct error *err);

/* store_erase.c */
MUST_USE enum status store_erase(struct mongodb_store *store, struct str user_id,
                                 int64_t erased_at_ms, uint64_t *out_erased, struct error *err);
MUST_USE enum status store_expire(struct mongodb_store *store, int64_t before_ms,
                                  uint64_t *out_expired, struct error *err);
