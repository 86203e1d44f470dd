/* What became of the positions of a log, told by its document: once for each, whoever else works on
 * them, and whatever is lost in between. */
#include "store_bed.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct log_counts counts_of(struct bed *bed)
{
    struct coverage accounts;
    struct log_coverage *log;
    coverage_init(&accounts);
    if (activity_store_accounts(bed->store, &accounts, &bed->err) != STATUS_OK) {
        fail_msg("accounts: %s", bed->err.message);
    }
    assert_int_equal(coverage_log(&accounts, bed->log_id, &log), STATUS_OK);
    assert_int_equal(log_coverage_difference(log), 0);
    struct log_counts counts = log->counts;
    coverage_deinit(&accounts);
    return counts;
}

static void assert_counts(struct bed *bed, const uint64_t expected[OUTCOME_COUNT])
{
    struct log_counts counts = counts_of(bed);
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (counts.outcomes[i] != expected[i]) {
            fail_msg("%s: expected %llu, found %llu", log_outcome_name((enum log_outcome)i),
                     (unsigned long long)expected[i], (unsigned long long)counts.outcomes[i]);
        }
    }
}

static enum status put_refused(struct bed *bed, struct activity_store *store, int64_t offset,
                               size_t count)
{
    struct refusal refused[16];
    struct position end = {.offset = offset + (int64_t)count};
    struct position_set next = {.items = &end, .count = 1, .capacity = 1};
    const struct activity_batch batch = {
        .log_id = bed->log_id, .refused = refused, .refused_count = count, .next = &next};
    for (size_t i = 0; i < count; i++) {
        refused[i] = (struct refusal){.position.offset = offset + (int64_t)i, .reason = STR("no")};
    }
    return activity_store_put_batch(store, &batch, bed->verdicts, &bed->err);
}

/* The second worker knows less than the server, and nothing in its batch makes it ask. */
static void test_another_worker_was_first(void **state)
{
    struct bed *bed = *state;
    struct activity_store *other = bed_open(bed->uri);
    assert_int_equal(put_refused(bed, bed->store, 0, 2), STATUS_OK);
    assert_int_equal(put_refused(bed, other, 0, 2), STATUS_OK);
    assert_int_equal(put_refused(bed, bed->store, 2, 3), STATUS_OK);
    assert_int_equal(put_refused(bed, other, 2, 5), STATUS_OK);
    assert_int_equal(put_refused(bed, bed->store, 2, 4), STATUS_OK);
    assert_counts(bed, (const uint64_t[OUTCOME_COUNT]){0, 0, 0, 7, 0, 0});
    activity_store_free(other);
}

enum { SHARED_ROWS = 3000, SHARED_BATCH = 37 };

struct sharer {
    struct bed *bed;
    const struct activity *activities;
    size_t batch;
    enum status status;
};

/* Each has its own store, as two processes would. */
static void *put_all(void *context)
{
    struct sharer *sharer = context;
    static __thread struct logged_activity rows[SHARED_ROWS];
    static __thread enum verdict verdicts[SHARED_ROWS];
    struct activity_store *store = bed_open(sharer->bed->uri);
    for (size_t at = 0; at < SHARED_ROWS && sharer->status == STATUS_OK; at += sharer->batch) {
        size_t count = SHARED_ROWS - at < sharer->batch ? SHARED_ROWS - at : sharer->batch;
        for (size_t i = 0; i < count; i++) {
            rows[i] = (struct logged_activity){.activity = sharer->activities[at + i],
                                               .position.offset = (int64_t)(at + i)};
        }
        struct position end = {.offset = (int64_t)(at + count)};
        struct position_set next = {.items = &end, .count = 1, .capacity = 1};
        const struct activity_batch batch = {
            .log_id = sharer->bed->log_id, .rows = rows, .count = count, .next = &next};
        sharer->status = activity_store_put_batch(store, &batch, verdicts, NULL);
    }
    activity_store_free(store);
    return NULL;
}

/* As may be while a group rebalances, but all the time. */
static void test_workers_side_by_side(void **state)
{
    struct bed *bed = *state;
    enum { SHARERS = 3, EACH_REPEATED = 10 };
    static char ids[SHARED_ROWS][16];
    static struct activity activities[SHARED_ROWS];
    struct sharer sharers[SHARERS];
    pthread_t threads[SHARERS];
    for (int i = 0; i < SHARED_ROWS; i++) {
        int number = i % EACH_REPEATED == 9 ? i - 5 : i;
        snprintf(ids[i], sizeof ids[i], "i%d", number);
        activities[i] = bed_activity(ids[i], "{}", number);
    }
    for (int i = 0; i < SHARERS; i++) {
        sharers[i] = (struct sharer){bed, activities, SHARED_BATCH + (size_t)i * 11, STATUS_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, put_all, &sharers[i]), 0);
    }
    for (int i = 0; i < SHARERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(sharers[i].status, STATUS_OK);
    }
    struct log_counts counts = counts_of(bed);
    uint64_t repeated = SHARED_ROWS / EACH_REPEATED;
    assert_int_equal(counts.outcomes[OUTCOME_STORED], SHARED_ROWS - repeated);
    assert_int_equal(counts.outcomes[OUTCOME_DUPLICATE], repeated);
    assert_int_equal(bed_count(bed->store, NULL), SHARED_ROWS - repeated);
}

/* 17 MiB, which no document holds; freed by the caller. */
static struct activity too_large(const char *id)
{
    enum { LARGE = 17 * 1024 * 1024 };
    char *text = malloc(LARGE);
    assert_non_null(text);
    memset(text, 'x', LARGE);
    memcpy(text, "{\"k\":\"", 6);
    memcpy(text + LARGE - 2, "\"}", 2);
    struct activity activity = bed_activity(id, "{}", 2);
    activity.metadata = (struct str){text, LARGE};
    return activity;
}

/* What the store refused is covered with the next batch, and counted with it: a batch of nothing is
 * enough. */
static void test_refused_rows_are_counted_when_they_are_covered(void **state)
{
    struct bed *bed = *state;
    struct activity activities[] = {bed_activity("a", "{}", 1), too_large("b"),
                                    bed_activity("c", "{}", 3), bed_activity("a", "{}", 1)};
    assert_int_equal(bed_put(bed, activities, 4), STATUS_OK);
    assert_counts(bed, (const uint64_t[OUTCOME_COUNT]){1, 0, 0, 0, 0, 0});
    assert_int_equal(bed_put(bed, NULL, 0), STATUS_OK);
    assert_counts(bed, (const uint64_t[OUTCOME_COUNT]){2, 1, 0, 1, 0, 0});
    assert_int_equal(bed_put(bed, &activities[1], 1), STATUS_OK);
    assert_int_equal(bed_put(bed, activities, 1), STATUS_OK);
    assert_counts(bed, (const uint64_t[OUTCOME_COUNT]){2, 2, 0, 2, 0, 0});
    free((void *)(uintptr_t)activities[1].metadata.data);
}

/* The worker died before it listed them; another one goes on from what is covered. */
static void test_refused_rows_of_a_worker_that_died(void **state)
{
    struct bed *bed = *state;
    struct activity activities[] = {bed_activity("a", "{}", 1), too_large("b"),
                                    bed_activity("c", "{}", 3), bed_activity("a", "{}", 1)};
    struct activity_store *dying = bed_open(bed->uri);
    assert_int_equal(bed_put_at(bed, dying, 0, activities, 4), STATUS_OK);
    activity_store_free(dying);
    assert_int_equal(bed_put_at(bed, bed->store, 1, activities + 1, 3), STATUS_OK);
    assert_int_equal(bed->verdicts[1], VERDICT_STORED);
    assert_int_equal(bed_put_at(bed, bed->store, 1, activities + 1, 3), STATUS_OK);
    assert_int_equal(bed_put_at(bed, bed->store, 4, NULL, 0), STATUS_OK);
    assert_counts(bed, (const uint64_t[OUTCOME_COUNT]){2, 1, 0, 1, 0, 0});
    free((void *)(uintptr_t)activities[1].metadata.data);
}

/* Positions that a version without counts had covered are where they begin. */
static void test_a_document_without_counts(void **state)
{
    struct bed *bed = *state;
    char text[UUID_TEXT_BYTES + 1] = "";
    uuid_format(bed->log_id, text);
    mongoc_collection_t *progress = bed_collection(bed, "progress");
    bson_t *document = BCON_NEW("_id", BCON_UTF8(text), "erasures", BCON_INT64(0), "partitions",
                                "{", "0", BCON_INT64(1000), "}");
    assert_true(mongoc_collection_insert_one(progress, document, NULL, NULL, NULL));
    bson_destroy(document);
    mongoc_collection_destroy(progress);
    const struct activity activity = bed_activity("a", "{}", 1);
    assert_int_equal(bed_put_at(bed, bed->store, 1000, &activity, 1), STATUS_OK);
    assert_counts(bed, (const uint64_t[OUTCOME_COUNT]){1, 0, 0, 0, 0, 0});
}

struct eraser {
    struct activity_store *store;
    enum status status;
    struct activity_erasure erasure;
};

static void *erase_once(void *context)
{
    struct eraser *eraser = context;
    eraser->status =
        activity_store_erase(eraser->store, STR("ann"), INT64_C(1000000), &eraser->erasure, NULL);
    return NULL;
}

/* A row that was inserted and removed at once is told as stored and erased, or as neither: what was
 * stored without what was erased since is what is there. */
static void test_erasing_while_putting_adds_up(void **state)
{
    struct bed *bed = *state;
    enum { TURNS = 60, ROWS = 40 };
    static char ids[ROWS][40];
    struct activity activities[ROWS];
    for (int turn = 0; turn < TURNS; turn++) {
        mongoc_collection_t *erasures = bed_collection(bed, "erasures");
        assert_true(mongoc_collection_drop(erasures, NULL) || turn == 0);
        mongoc_collection_destroy(erasures);
        struct eraser eraser = {.store = bed_open(bed->uri)};
        struct activity_store *writer = bed_open(bed->uri);
        const struct timespec wait = {.tv_nsec = turn * 80000L};
        pthread_t thread;
        bed->log_id = uuid_make_random(&random_system);
        for (int i = 0; i < ROWS; i++) {
            snprintf(ids[i], sizeof ids[i], "%d-%d", turn, i);
            activities[i] = bed_activity(ids[i], "{}", i);
        }
        assert_int_equal(bed_put_at(bed, writer, 0, NULL, 0), STATUS_OK);
        assert_int_equal(pthread_create(&thread, NULL, erase_once, &eraser), 0);
        nanosleep(&wait, NULL);
        assert_int_equal(bed_put_at(bed, writer, 0, activities, ROWS), STATUS_OK);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(eraser.status, STATUS_OK);
        struct log_counts counts = counts_of(bed);
        assert_int_equal(counts.outcomes[OUTCOME_STORED], eraser.erasure.erased);
        assert_int_equal(counts.outcomes[OUTCOME_ERASED], ROWS - eraser.erasure.erased);
        activity_store_free(writer);
        activity_store_free(eraser.store);
    }
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_another_worker_was_first),
        CASE(test_workers_side_by_side),
        CASE(test_refused_rows_are_counted_when_they_are_covered),
        CASE(test_refused_rows_of_a_worker_that_died),
        CASE(test_a_document_without_counts),
        CASE(test_erasing_while_putting_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
