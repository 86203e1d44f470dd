/* What is special to MongoDB, on a server that speaks its protocol. */
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/activity_store_mongodb/activity_store_mongodb.h"
#include "store_bed.h"
#include "support/quiet_logger.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Metadata: as the memory store answers ----------------------------------------------------- */

static char deep_32[1024];
static char deep_100[4096];

static const char *const odd_metadata[] = {
    "{}",
    "{\"n\":12345678901234567890}",
    "{\"n\":12345678901234567891}",
    "{\"n\":1}",
    "{\"n\":1.0}",
    "{\"n\":\"1\"}",
    "{\"n\":[0,1e0,2]}",
    "{\"n\":9007199254740993}",
    "{\"n\":9007199254740992}",
    "{\"n\":123456789012345000}", /* no double has this value */
    "{\"n\":0.1}",
    "{\"n\":0.30000000000000004}",
    "{\"n\":1e400}",
    "{\"n\":-0}",
    "{\"n\":true}",
    "{\"n\":null}",
    "{\"n\":{\"m\":1}}",
    "{\"$where\":\"1\",\"n\":2}",
    "{\"a.b\":1,\"n\":2}",
    "{\"a\":{\"b\":1}}",
    "{\"a\":[{\"b\":1},{\"b\":\"x\"}]}",
    "{\"a\":[[{\"b\":7}]]}",
    "{\"\":1,\"n\":3}",
    "{\"n\":3,\"n\":4}",
    "{\"s\":\"caf\\u00e9\"}",
    "{\"s\":\"caf\xc3\xa9\"}",
    "{\"s\":\"line\\nbreak\"}",
    "{\"0\":\"zero\",\"list\":[\"zero\"]}",
    deep_32,
    deep_100,
};

static const char *const questions[][2] = {
    {"n", "1"},
    {"n", "1.0"},
    {"n", "12345678901234567890"},
    {"n", "1.2345678901234567890e19"},
    {"n", "9007199254740993"},
    {"n", "9007199254740993.0"},
    {"n", "123456789012345e3"},
    {"n", "0.1"},
    {"n", "0.10"},
    {"n", "0.30000000000000004"},
    {"n", "1e400"},
    {"n", "0"},
    {"n", "-0"},
    {"n", "true"},
    {"n", "null"},
    {"n", "2"},
    {"n", "3"},
    {"n", "4"},
    {"n.m", "1"},
    {"a.b", "1"},
    {"a.b", "x"},
    {"a.b", "7"},
    {"a\\.b", "1"},
    {"s", "caf\xc3\xa9"},
    {"s", "line\nbreak"},
    {"0", "zero"},
    {"list.0", "zero"},
    {"list", "zero"},
    {"x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.y", "deep"},
    {"absent", "null"},
};

/* A chain of objects with key x, and at one of them y. */
static void nest(char *text, size_t size, int levels)
{
    size_t len = (size_t)snprintf(text, size, "{");
    for (int i = 1; i < levels; i++) {
        len +=
            (size_t)snprintf(text + len, size - len, "%s\"x\":{", i == 16 ? "\"y\":\"deep\"," : "");
    }
    for (int i = 0; i < levels; i++) {
        len += (size_t)snprintf(text + len, size - len, "}");
    }
}

static struct activity_store *make_memory(void)
{
    const struct activity_store_memory_config config = {.clock = &clock_system,
                                                        .random = &random_system};
    struct activity_store *store = NULL;
    assert_int_equal(activity_store_memory_new(&config, &store, NULL), STATUS_OK);
    return store;
}

static void put_odd(struct bed *bed, struct activity_store *memory)
{
    static char ids[ARRAY_LENGTH(odd_metadata)][8];
    struct activity activities[ARRAY_LENGTH(odd_metadata)];
    nest(deep_32, sizeof deep_32, 32);
    nest(deep_100, sizeof deep_100, 100);
    for (size_t i = 0; i < ARRAY_LENGTH(odd_metadata); i++) {
        snprintf(ids[i], sizeof ids[i], "i%02zu", i);
        activities[i] = bed_activity(ids[i], odd_metadata[i], (int64_t)i);
    }
    assert_int_equal(bed_put_at(bed, memory, 0, activities, ARRAY_LENGTH(activities)), STATUS_OK);
    assert_int_equal(bed_put(bed, activities, ARRAY_LENGTH(activities)), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(activities); i++) {
        struct activity found;
        assert_int_equal(bed->verdicts[i], VERDICT_STORED);
        assert_int_equal(
            activity_store_get(bed->store, activities[i].id, &bed->arena, &found, NULL), STATUS_OK);
        assert_true(activity_same_content(&found, &activities[i], true));
    }
}

/* Whatever is kept as text is found like the rest, and nothing is found that does not match. */
static void test_metadata_is_found_as_in_memory(void **state)
{
    struct bed *bed = *state;
    struct activity_store *memory = make_memory();
    static char expected[4096];
    put_odd(bed, memory);
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
        static struct metadata_filter metadata;
        struct activity_filter filter = activity_filter_all();
        uint64_t count;
        memset(&metadata, 0, sizeof metadata);
        assert_int_equal(metadata_filter_add(&metadata, str_from(questions[i][0]),
                                             str_from(questions[i][1]), NULL),
                         STATUS_OK);
        filter.metadata = &metadata;
        snprintf(expected, sizeof expected, "%s", bed_ids(bed, memory, &filter));
        const char *found = bed_ids(bed, bed->store, &filter);
        if (strcmp(expected, found) != 0) {
            fail_msg("%s=%s: expected \"%s\", found \"%s\"", questions[i][0], questions[i][1],
                     expected, found);
        }
        assert_int_equal(activity_store_count(memory, &filter, 0, &count, NULL), STATUS_OK);
        uint64_t expected_count = count;
        assert_int_equal(activity_store_count(bed->store, &filter, 0, &count, NULL), STATUS_OK);
        assert_int_equal(count, expected_count);
    }
    activity_store_free(memory);
}

/* Only odd metadata takes the room of its text twice. */
static void test_text_is_kept_only_where_needed(void **state)
{
    struct bed *bed = *state;
    struct activity activities[] = {bed_activity("a", "{\"n\":[1,0.5,\"x\"]}", 1),
                                    bed_activity("b", "{\"n\":1.50}", 2)};
    assert_int_equal(bed_put(bed, activities, 2), STATUS_OK);
    mongoc_collection_t *collection = bed_collection(bed, "activities");
    bson_t *query = BCON_NEW("metadataText", "{", "$exists", BCON_BOOL(true), "}");
    assert_int_equal(mongoc_collection_count_documents(collection, query, NULL, NULL, NULL, NULL),
                     1);
    bson_destroy(query);
    mongoc_collection_destroy(collection);
}

/* Other writers ----------------------------------------------------------------------------- */

static void insert_other(struct bed *bed, const char *object_id, bson_t *document)
{
    bson_oid_t oid;
    bson_error_t failure;
    mongoc_collection_t *collection = bed_collection(bed, "activities");
    if (object_id != NULL) {
        bson_oid_init_from_string(&oid, object_id);
        BSON_APPEND_OID(document, "_id", &oid);
    }
    if (!mongoc_collection_insert_one(collection, document, NULL, NULL, &failure)) {
        fail_msg("%s", failure.message);
    }
    bson_destroy(document);
    mongoc_collection_destroy(collection);
}

static bson_t *other_document(const char *user_id, int64_t timestamp_ms)
{
    return BCON_NEW("userId", BCON_UTF8(user_id), "action", BCON_UTF8("view"), "timestamp",
                    BCON_DATE_TIME(timestamp_ms), "metadata", "{", "page", BCON_UTF8("/x"), "}",
                    "__v", BCON_INT32(0));
}

static void put_others(struct bed *bed)
{
    static const char *const ids[] = {"507f1f77bcf86cd799439011", "507f1f77bcf86cd799439012",
                                      "a07f1f77bcf86cd799439013"};
    struct activity activities[] = {bed_activity("z", "{}", 5), bed_activity("100", "{}", 5),
                                    bed_activity("607f1f77bcf86cd799439011", "{}", 5)};
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        insert_other(bed, ids[i], other_document("ann", 5));
    }
    insert_other(bed, "507f1f77bcf86cd799439019",
                 BCON_NEW("userId", BCON_INT32(42), "action", BCON_UTF8("view"), "timestamp",
                          BCON_DATE_TIME(9)));
    insert_other(bed, NULL,
                 BCON_NEW("_id", BCON_INT32(7), "userId", BCON_UTF8("ann"), "action",
                          BCON_UTF8("view"), "timestamp", BCON_DATE_TIME(5)));
    insert_other(bed, NULL,
                 BCON_NEW("_id", BCON_UTF8("no user"), "action", BCON_UTF8("view"), "timestamp",
                          BCON_DATE_TIME(5)));
    insert_other(bed, NULL,
                 BCON_NEW("_id", BCON_UTF8("no date"), "userId", BCON_UTF8("ann"), "action",
                          BCON_UTF8("view"), "timestamp", BCON_UTF8("now")));
    assert_int_equal(bed_put(bed, activities, ARRAY_LENGTH(activities)), STATUS_OK);
}

/* Each row once, whichever kind of id ends a page, and in both directions. */
static void test_pages_pass_both_kinds_of_ids(void **state)
{
    struct bed *bed = *state;
    put_others(bed);
    for (int order = ORDER_NEWEST_FIRST; order <= ORDER_OLDEST_FIRST; order++) {
        for (size_t limit = 1; limit <= 3; limit++) {
            struct activity_page_request request = {.filter = activity_filter_all(),
                                                    .order = (enum activity_order)order,
                                                    .limit = limit,
                                                    .bytes_max = SIZE_MAX};
            struct activity_page page = {.more = true};
            struct activity_key after;
            size_t rows = 0;
            while (page.more && rows < 20) {
                assert_int_equal(
                    activity_store_find(bed->store, &request, &bed->arena, &page, NULL), STATUS_OK);
                rows += page.count;
                assert_true(page.count > 0);
                after = activity_key_of(&page.rows[page.count - 1]);
                request.after = &after;
            }
            assert_int_equal(rows, 7);
        }
    }
}

static void test_documents_of_others_are_answered(void **state)
{
    struct bed *bed = *state;
    struct activity found;
    struct activity_erasure erasure;
    struct activity_filter filter = activity_filter_all();
    struct str user = STR("42");
    put_others(bed);
    assert_int_equal(
        activity_store_get(bed->store, STR("507f1f77bcf86cd799439011"), &bed->arena, &found, NULL),
        STATUS_OK);
    assert_true(str_equal(found.metadata, STR("{\"page\":\"/x\"}")));
    assert_int_equal(found.received_at_ms, 5);
    assert_int_equal(
        activity_store_get(bed->store, STR("607f1f77bcf86cd799439011"), &bed->arena, &found, NULL),
        STATUS_OK);
    assert_int_equal(activity_store_get(bed->store, STR("no user"), &bed->arena, &found, NULL),
                     STATUS_NOT_FOUND);
    filter.user_ids.items = &user;
    filter.user_ids.count = 1;
    assert_string_equal(bed_ids(bed, bed->store, &filter), "507f1f77bcf86cd799439019");
    assert_int_equal(activity_store_erase(bed->store, user, 5, &erasure, NULL), STATUS_OK);
    assert_int_equal(erasure.erased, 1);
    /* An id that a strange document has is taken. */
    struct activity taken = bed_activity("no user", "{}", 5);
    assert_int_equal(bed_put(bed, &taken, 1), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_CONFLICT);
}

/* Verdicts ---------------------------------------------------------------------------------- */

/* In the middle of parts of a thousand, which the server may carry out in any order. */
static void test_duplicates_within_large_batches(void **state)
{
    struct bed *bed = *state;
    enum { ROWS = 3000 };
    static char ids[ROWS][40];
    static struct activity activities[ROWS];
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "i%04d", i);
        activities[i] = bed_activity(ids[i], "{}", i);
    }
    assert_int_equal(bed_put(bed, activities + 500, 1), STATUS_OK);
    activities[1700] = activities[1600];
    activities[2500] = activities[3];
    activities[2501].id = activities[4].id;
    assert_int_equal(bed_put(bed, activities, ROWS), STATUS_OK);
    for (int i = 0; i < ROWS; i++) {
        bool same = i == 500 || i == 1700 || i == 2500;
        enum verdict expected = same        ? VERDICT_DUPLICATE
                                : i == 2501 ? VERDICT_CONFLICT
                                            : VERDICT_STORED;
        assert_int_equal(bed->verdicts[i], expected);
    }
    assert_int_equal(bed_count(bed->store, NULL), ROWS - 3);
    assert_int_equal(bed_put_at(bed, bed->store, 1, activities, ROWS), STATUS_OK);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(bed->verdicts[i], VERDICT_REDELIVERED);
    }
}

/* Another worker goes on where this one was, which knows less of the log than the server. */
static void test_another_worker_goes_on(void **state)
{
    struct bed *bed = *state;
    struct activity activities[] = {bed_activity("a", "{}", 1), bed_activity("b", "{}", 2),
                                    bed_activity("c", "{}", 3)};
    struct activity_store *other = bed_open(bed->uri);
    assert_int_equal(bed_put_at(bed, other, 0, activities, 1), STATUS_OK);
    assert_int_equal(bed_put_at(bed, bed->store, 1, activities + 1, 1), STATUS_OK);
    assert_int_equal(bed_put_at(bed, other, 1, activities + 1, 2), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_REDELIVERED);
    assert_int_equal(bed->verdicts[1], VERDICT_STORED);
    activity_store_free(other);
}

/* An attempt whose end is not known left rows and did not cover them: they are stored, not
 * duplicates of themselves. */
static void test_rows_of_an_attempt_before_are_stored(void **state)
{
    struct bed *bed = *state;
    struct activity activities[] = {bed_activity("a", "{}", 1), bed_activity("b", "{}", 2)};
    assert_int_equal(bed_put(bed, activities, 2), STATUS_OK);
    mongoc_collection_t *progress = bed_collection(bed, "progress");
    bson_t *all = bson_new();
    assert_true(mongoc_collection_delete_many(progress, all, NULL, NULL, NULL));
    bson_destroy(all);
    mongoc_collection_destroy(progress);
    struct activity_store *other = bed_open(bed->uri);
    assert_int_equal(bed_put_at(bed, other, 0, activities, 2), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_STORED);
    assert_int_equal(bed->verdicts[1], VERDICT_STORED);
    assert_int_equal(bed_put_at(bed, other, 2, activities, 2), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_DUPLICATE);
    activity_store_free(other);
}

/* More bytes than one command takes. */
static void test_a_part_of_several_commands(void **state)
{
    struct bed *bed = *state;
    enum { ROWS = 250, BYTES = 60000 };
    static char metadata[BYTES + 1];
    static char ids[ROWS][40];
    static struct activity activities[ROWS];
    memset(metadata, 'x', BYTES);
    memcpy(metadata, "{\"k\":\"", 6);
    memcpy(metadata + BYTES - 2, "\"}", 2);
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "i%04d", i);
        activities[i] = bed_activity(ids[i], metadata, i);
    }
    assert_int_equal(bed_put(bed, activities + 200, 1), STATUS_OK);
    assert_int_equal(bed_put(bed, activities, ROWS), STATUS_OK);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(bed->verdicts[i], i == 200 ? VERDICT_DUPLICATE : VERDICT_STORED);
    }
    assert_int_equal(bed_count(bed->store, NULL), ROWS);
}

/* More than a document may have: that row is refused, with a reason, and the others are stored. */
static void test_too_large_is_refused(void **state)
{
    struct bed *bed = *state;
    enum { LARGE = 17 * 1024 * 1024 };
    char *text = malloc(LARGE);
    assert_non_null(text);
    memset(text, 'x', LARGE);
    memcpy(text, "{\"k\":\"", 6);
    memcpy(text + LARGE - 2, "\"}", 2);
    struct activity activities[] = {bed_activity("a", "{}", 1), bed_activity("b", "{}", 2),
                                    bed_activity("b", "{}", 2), bed_activity("c", "{}", 3)};
    activities[1].metadata = (struct str){text, LARGE};
    assert_int_equal(bed_put(bed, activities, 4), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_STORED);
    assert_int_equal(bed->verdicts[1], VERDICT_REFUSED);
    assert_int_equal(bed->verdicts[2], VERDICT_STORED);
    assert_int_equal(bed->verdicts[3], VERDICT_STORED);
    assert_non_null(strstr(bed->err.message, "too large"));
    free(text);
}

static int64_t covered(struct bed *bed)
{
    struct position_set positions;
    position_set_init(&positions);
    assert_int_equal(activity_store_durable_positions(bed->store, bed->log_id, &positions, NULL),
                     STATUS_OK);
    int64_t offset = position_set_get(&positions, 0);
    position_set_deinit(&positions);
    return offset;
}

/* A crash before somebody has listed a refused row must bring it again: it is covered with the next
 * batch only. */
static void test_a_refused_row_is_not_covered_at_once(void **state)
{
    struct bed *bed = *state;
    enum { LARGE = 17 * 1024 * 1024 };
    char *text = malloc(LARGE);
    assert_non_null(text);
    memset(text, 'x', LARGE);
    memcpy(text, "{\"k\":\"", 6);
    memcpy(text + LARGE - 2, "\"}", 2);
    struct activity activities[] = {bed_activity("a", "{}", 1), bed_activity("b", "{}", 2),
                                    bed_activity("c", "{}", 3)};
    activities[1].metadata = (struct str){text, LARGE};
    int64_t before = covered(bed);
    assert_int_equal(bed_put(bed, activities, 3), STATUS_OK);
    assert_int_equal(bed->verdicts[1], VERDICT_REFUSED);
    assert_int_equal(bed->verdicts[2], VERDICT_STORED);
    assert_int_equal(covered(bed), before + 1);
    const struct activity later = bed_activity("d", "{}", 4);
    assert_int_equal(bed_put(bed, &later, 1), STATUS_OK);
    assert_int_equal(covered(bed), before + 4);
    free(text);
}

/* What somebody's own index keeps out can never be stored; it does not stop the log. */
static void test_a_unique_index_refuses(void **state)
{
    struct bed *bed = *state;
    bson_t *command =
        BCON_NEW("createIndexes", "activities", "indexes", "[", "{", "key", "{", "action",
                 BCON_INT32(1), "}", "name", "mine", "unique", BCON_BOOL(true), "}", "]");
    assert_true(
        mongoc_client_command_simple(bed->client, bed->database, command, NULL, NULL, NULL));
    bson_destroy(command);
    struct activity activities[] = {bed_activity("a", "{}", 1), bed_activity("b", "{}", 2)};
    assert_int_equal(bed_put(bed, activities, 2), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_STORED);
    assert_int_equal(bed->verdicts[1], VERDICT_REFUSED);
    assert_non_null(strstr(bed->err.message, "unique index"));
}

/* Erasures ---------------------------------------------------------------------------------- */

/* By another process: the writer learns of it in time. */
static void test_erased_elsewhere(void **state)
{
    struct bed *bed = *state;
    struct activity_erasure erasure;
    struct activity_store *other = bed_open(bed->uri);
    struct activity activities[] = {bed_activity("a", "{}", 1), bed_activity("b", "{}", 2),
                                    bed_activity("b", "{}", 9000)};
    activities[2].user_id = STR("bob");
    assert_int_equal(bed_put(bed, activities, 1), STATUS_OK);
    assert_int_equal(activity_store_erase(other, STR("ann"), 5000, &erasure, NULL), STATUS_OK);
    assert_int_equal(erasure.erased, 1);
    assert_int_equal(bed_put(bed, activities + 1, 2), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_ERASED);
    assert_int_equal(bed->verdicts[1], VERDICT_STORED); /* its id is free */
    assert_int_equal(bed_count(bed->store, "ann"), 0);
    assert_int_equal(bed_count(bed->store, "bob"), 1);
    activity_store_free(other);
}

/* A writer that ended between inserting and covering left a row of a user who was erased meanwhile;
 * when its batch comes again, the row goes. */
static void test_what_slipped_in_goes(void **state)
{
    struct bed *bed = *state;
    struct activity_erasure erasure;
    struct activity activity = bed_activity("a", "{}", 1);
    assert_int_equal(activity_store_erase(bed->store, STR("ann"), 5000, &erasure, NULL), STATUS_OK);
    insert_other(bed, NULL,
                 BCON_NEW("_id", BCON_UTF8("a"), "userId", BCON_UTF8("ann"), "action",
                          BCON_UTF8("click"), "timestamp", BCON_DATE_TIME(1), "receivedAt",
                          BCON_DATE_TIME(1001), "metadata", "{", "}"));
    assert_int_equal(bed_put(bed, &activity, 1), STATUS_OK);
    assert_int_equal(bed->verdicts[0], VERDICT_ERASED);
    assert_int_equal(bed_count(bed->store, NULL), 0);
}

struct eraser {
    struct activity_store *store;
    enum status status;
};

static void *erase_once(void *context)
{
    struct eraser *eraser = context;
    struct activity_erasure erasure;
    eraser->status =
        activity_store_erase(eraser->store, STR("ann"), INT64_C(1000000), &erasure, NULL);
    return NULL;
}

/* Up to some milliseconds, so that the steps of both meet in different orders. */
static void wait_a_little(int turn)
{
    const struct timespec wait = {.tv_nsec = turn * 50000L};
    nanosleep(&wait, NULL);
}

/* Whoever comes first, nothing that was received before is left when both have returned. */
static void test_erasing_while_putting(void **state)
{
    struct bed *bed = *state;
    enum { TURNS = 100, ROWS = 40 };
    static char ids[ROWS][40];
    struct activity activities[ROWS];
    for (int turn = 0; turn < TURNS; turn++) {
        mongoc_collection_t *erasures = bed_collection(bed, "erasures");
        assert_true(mongoc_collection_drop(erasures, NULL) || turn == 0);
        mongoc_collection_destroy(erasures);
        struct eraser eraser = {.store = bed_open(bed->uri)};
        struct activity_store *writer = bed_open(bed->uri);
        pthread_t thread;
        bed->log_id = uuid_make_random(&random_system);
        assert_int_equal(bed_put_at(bed, writer, 0, NULL, 0), STATUS_OK);
        for (int i = 0; i < ROWS; i++) {
            snprintf(ids[i], sizeof ids[i], "%d-%d", turn, i);
            activities[i] = bed_activity(ids[i], "{}", i);
        }
        assert_int_equal(pthread_create(&thread, NULL, erase_once, &eraser), 0);
        wait_a_little(turn);
        assert_int_equal(bed_put_at(bed, writer, 0, activities, ROWS), STATUS_OK);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(eraser.status, STATUS_OK);
        assert_int_equal(bed_count(bed->store, "ann"), 0);
        activity_store_free(writer);
        activity_store_free(eraser.store);
    }
}

struct busy_eraser {
    struct activity_store *store;
    atomic_bool *stop;
    enum status status;
};

static void *erase_on(void *context)
{
    struct busy_eraser *eraser = context;
    struct activity_erasure erasure;
    while (!atomic_load(eraser->stop) && eraser->status == STATUS_OK) {
        eraser->status = activity_store_erase(eraser->store, STR("bob"), 1, &erasure, NULL);
    }
    return NULL;
}

/* However many erasures follow each other, batches go on between them. */
static void test_erasures_do_not_keep_batches_out(void **state)
{
    struct bed *bed = *state;
    enum { ERASERS = 6, BATCHES = 20 };
    struct busy_eraser erasers[ERASERS];
    pthread_t threads[ERASERS];
    char id[16];
    atomic_bool stop = false;
    for (int i = 0; i < ERASERS; i++) {
        erasers[i] = (struct busy_eraser){.store = bed_open(bed->uri), .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, erase_on, &erasers[i]), 0);
    }
    enum status status = STATUS_OK;
    for (int i = 0; i < BATCHES && status == STATUS_OK; i++) {
        snprintf(id, sizeof id, "i%d", i);
        struct activity activity = bed_activity(id, "{}", i);
        status = bed_put(bed, &activity, 1);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < ERASERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(erasers[i].status, STATUS_OK);
        activity_store_free(erasers[i].store);
    }
    if (status != STATUS_OK) {
        fail_msg("%s", bed->err.message);
    }
    assert_int_equal(bed_count(bed->store, "ann"), BATCHES);
}

/* More than are removed at once. */
static void test_large_erasures_and_expiries(void **state)
{
    struct bed *bed = *state;
    enum { ROWS = 4000, BATCHES = 6 };
    static char ids[ROWS][40];
    static struct activity activities[ROWS];
    struct activity_erasure erasure;
    uint64_t expired;
    for (int turn = 0; turn < 2; turn++) {
        for (int batch = 0; batch < BATCHES; batch++) {
            for (int i = 0; i < ROWS; i++) {
                snprintf(ids[i], sizeof ids[i], "%d-%d-%d", turn, batch, i);
                activities[i] = bed_activity(ids[i], "{}", batch % 2 == 0 ? 7 : 10000 + i);
            }
            assert_int_equal(bed_put(bed, activities, ROWS), STATUS_OK);
        }
        if (turn == 0) {
            assert_int_equal(activity_store_expire(bed->store, 10001, &expired, NULL), STATUS_OK);
            assert_int_equal(expired, ROWS * BATCHES / 2 + BATCHES / 2);
        }
        assert_int_equal(activity_store_erase(bed->store, STR("ann"), 0, &erasure, NULL),
                         STATUS_OK);
        assert_int_equal(erasure.erased, turn == 0 ? (ROWS - 1) * BATCHES / 2 : ROWS * BATCHES);
        assert_int_equal(bed_count(bed->store, NULL), 0);
    }
}

/* Opening ----------------------------------------------------------------------------------- */

static enum status try_to_open(const char *uri, struct error *err)
{
    const struct activity_store_mongodb_config config = {
        .uri = uri, .clock = &clock_system, .random = &random_system, .logger = quiet_logger()};
    struct activity_store *store;
    enum status status = activity_store_mongodb_new(&config, &store, err);
    if (status == STATUS_OK) {
        activity_store_free(store);
    }
    return status;
}

/* In words, soon, and without the password. */
static void test_opening_without_a_server(void **state)
{
    (void)state;
    struct error err;
    uint64_t begin_ms = clock_monotonic_ms(&clock_system);
    assert_int_equal(
        try_to_open("mongodb://me:secret@127.0.0.1:1/db?serverSelectionTimeoutMS=300", &err),
        STATUS_UNAVAILABLE);
    assert_true(clock_monotonic_ms(&clock_system) - begin_ms < 5000);
    assert_null(strstr(err.message, "secret"));
    assert_true(strlen(err.message) > 20);
    static const char *const wrong[] = {"", "me:secret", "http://me:secret@host/",
                                        "mongodb://me:sec@ret@host:70000/",
                                        "mongodb://me:secret%@host/"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_int_equal(try_to_open(wrong[i], &err), STATUS_INVALID);
        assert_null(strstr(err.message, "sec"));
    }
}

/* Opening twice changes nothing, and the indexes are there. */
static void test_indexes_are_made(void **state)
{
    struct bed *bed = *state;
    unsigned count = 0;
    const bson_t *document;
    activity_store_free(bed_open(bed->uri));
    mongoc_collection_t *collection = bed_collection(bed, "activities");
    mongoc_cursor_t *cursor = mongoc_collection_find_indexes_with_opts(collection, NULL);
    while (mongoc_cursor_next(cursor, &document)) {
        count++;
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(collection);
    assert_int_equal(count, 4);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_metadata_is_found_as_in_memory),
        CASE(test_text_is_kept_only_where_needed),
        CASE(test_pages_pass_both_kinds_of_ids),
        CASE(test_documents_of_others_are_answered),
        CASE(test_duplicates_within_large_batches),
        CASE(test_another_worker_goes_on),
        CASE(test_rows_of_an_attempt_before_are_stored),
        CASE(test_a_part_of_several_commands),
        CASE(test_too_large_is_refused),
        CASE(test_a_refused_row_is_not_covered_at_once),
        CASE(test_a_unique_index_refuses),
        CASE(test_erased_elsewhere),
        CASE(test_what_slipped_in_goes),
        CASE(test_erasing_while_putting),
        CASE(test_erasures_do_not_keep_batches_out),
        CASE(test_large_erasures_and_expiries),
        cmocka_unit_test(test_opening_without_a_server),
        CASE(test_indexes_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
