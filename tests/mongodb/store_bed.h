#pragma once
/*
 * For tests: a database of its own on the server that USERTRAIL_TEST_MONGODB names, and short ways
 * to put and to ask. One thread at a time, unless a function says otherwise.
 */
#include "infrastructure/activity_store_mongodb/activity_store_mongodb.h"

#include <mongoc/mongoc.h>

enum { BED_ROWS_MAX = 4096, BED_URI_BYTES = 512 };

struct bed {
    char uri[BED_URI_BYTES];
    char database[64];
    mongoc_client_t *client; /* to look at what is stored, and to write as others do */
    struct activity_store *store;
    struct arena arena;
    struct uuid log_id;
    int64_t offset; /* the next one in partition 0 */
    struct logged_activity rows[BED_ROWS_MAX];
    enum verdict verdicts[BED_ROWS_MAX];
    struct error err;
};

/* cmocka's setup and teardown. The teardown drops the database. */
int bed_setup(void **state);
int bed_teardown(void **state);

/* Another store on the same database, reached by `uri`; fails the test when it cannot. */
struct activity_store *bed_open(const char *uri);

/* An activity of "ann", received a second after its timestamp. */
struct activity bed_activity(const char *id, const char *metadata, int64_t timestamp_ms);

/* Puts at the next offsets, or at one that may have been there before; verdicts and words of a
 * failure are in the bed. */
MUST_USE enum status bed_put(struct bed *bed, const struct activity *activities, size_t count);
MUST_USE enum status bed_put_at(struct bed *bed, struct activity_store *store, int64_t offset,
                                const struct activity *activities, size_t count);

/* How many activities the user has, or all with NULL. */
uint64_t bed_count(struct activity_store *store, const char *user_id);

/* The ids of all rows that match, oldest first, as "a b c"; the text is static. */
const char *bed_ids(struct bed *bed, struct activity_store *store,
                    const struct activity_filter *filter);

/* A collection of the database; the caller destroys it. */
mongoc_collection_t *bed_collection(struct bed *bed, const char *name);
