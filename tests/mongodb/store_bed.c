#include "store_bed.h"

#include "support/quiet_logger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ARENA_BYTES = 256 * 1024 * 1024, IDS_BYTES = 65536 };

int bed_setup(void **state)
{
    static unsigned number;
    struct bed *bed = calloc(1, sizeof *bed);
    const char *server = getenv("USERTRAIL_TEST_MONGODB");
    if (server == NULL || bed == NULL) {
        free(bed);
        fail_msg("USERTRAIL_TEST_MONGODB names no server; see tests/servers");
        return -1;
    }
    snprintf(bed->database, sizeof bed->database, "usertrail_unit_%d_%u", (int)getpid(), number++);
    snprintf(bed->uri, sizeof bed->uri, "%s/%s", server, bed->database);
    bed->store = bed_open(bed->uri);
    bed->client = mongoc_client_new(bed->uri);
    bed->log_id = uuid_make_random(&random_system);
    arena_init(&bed->arena, ARENA_BYTES);
    *state = bed;
    return 0;
}

int bed_teardown(void **state)
{
    struct bed *bed = *state;
    activity_store_free(bed->store);
    mongoc_database_t *database = mongoc_client_get_database(bed->client, bed->database);
    assert_true(mongoc_database_drop(database, NULL));
    mongoc_database_destroy(database);
    mongoc_client_destroy(bed->client);
    arena_deinit(&bed->arena);
    free(bed);
    return 0;
}

struct activity_store *bed_open(const char *uri)
{
    const struct activity_store_mongodb_config config = {.uri = uri,
                                                         .sessions = 2,
                                                         .clock = &clock_system,
                                                         .random = &random_system,
                                                         .logger = quiet_logger()};
    struct activity_store *store = NULL;
    struct error err;
    if (activity_store_mongodb_new(&config, &store, &err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", err.message);
    }
    return store;
}

struct activity bed_activity(const char *id, const char *metadata, int64_t timestamp_ms)
{
    return (struct activity){.id = str_from(id),
                             .user_id = STR("ann"),
                             .action = STR("click"),
                             .metadata = str_from(metadata),
                             .timestamp_ms = timestamp_ms,
                             .received_at_ms = timestamp_ms + 1000};
}

enum status bed_put_at(struct bed *bed, struct activity_store *store, int64_t offset,
                       const struct activity *activities, size_t count)
{
    assert_true(count <= BED_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        bed->rows[i] = (struct logged_activity){.activity = activities[i],
                                                .position = {.offset = offset + (int64_t)i}};
    }
    struct position end = {.offset = offset + (int64_t)count};
    struct position_set next = {.items = &end, .count = 1, .capacity = 1};
    struct activity_batch batch = {
        .log_id = bed->log_id, .rows = bed->rows, .count = count, .next = &next};
    bed->err = (struct error){.status = STATUS_OK};
    enum status status = activity_store_put_batch(store, &batch, bed->verdicts, &bed->err);
    if (status == STATUS_OK && bed->offset < end.offset) {
        bed->offset = end.offset;
    }
    return status;
}

enum status bed_put(struct bed *bed, const struct activity *activities, size_t count)
{
    return bed_put_at(bed, bed->store, bed->offset, activities, count);
}

uint64_t bed_count(struct activity_store *store, const char *user_id)
{
    struct activity_filter filter = activity_filter_all();
    struct str user = user_id == NULL ? (struct str){NULL, 0} : str_from(user_id);
    uint64_t count = UINT64_MAX;
    filter.user_ids.items = &user;
    filter.user_ids.count = user_id == NULL ? 0 : 1;
    assert_int_equal(activity_store_count(store, &filter, 0, &count, NULL), STATUS_OK);
    return count;
}

const char *bed_ids(struct bed *bed, struct activity_store *store,
                    const struct activity_filter *filter)
{
    static char ids[IDS_BYTES];
    size_t len = 0;
    struct activity_page page;
    struct activity_page_request request = {
        .filter = *filter, .order = ORDER_OLDEST_FIRST, .limit = 1000, .bytes_max = SIZE_MAX};
    arena_reset(&bed->arena);
    enum status status = activity_store_find(store, &request, &bed->arena, &page, &bed->err);
    if (status != STATUS_OK) {
        fail_msg("find: %s", bed->err.message);
    }
    ids[0] = '\0';
    for (size_t i = 0; i < page.count; i++) {
        len += (size_t)snprintf(ids + len, sizeof ids - len, "%s%.*s", i == 0 ? "" : " ",
                                STR_FORMAT(page.rows[i].id));
    }
    return ids;
}

mongoc_collection_t *bed_collection(struct bed *bed, const char *name)
{
    return mongoc_client_get_collection(bed->client, bed->database, name);
}
