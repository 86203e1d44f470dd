/* put_batch, get, erase, expire, durability and describe: every sentence of the port as a case. */
#include "activity_store_contract.h"

#include "activity_store_contract_support.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* What put_batch took is in the answers when it returns, to the byte. */
static void test_stored_is_found_at_once(void **state)
{
    struct fixture *fixture = *state;
    static char long_metadata[65536];
    memset(long_metadata, 'x', sizeof long_metadata);
    memcpy(long_metadata, "{\"k\":\"", 6);
    memcpy(long_metadata + sizeof long_metadata - 2, "\"}", 2);
    char long_id[129] = {0};
    memset(long_id, 'z', 128);
    struct activity activities[] = {
        activity_at(1, "018f0000-0000-7000-8000-0000000000aa"),
        activity_at(2, "018F0000-0000-7000-8000-0000000000AA"), /* another id: the case differs */
        activity_at(3, "x"),
        activity_at(4, long_id),
        activity_at(5, "018f0000-0000-7000-8000-0000000000ab"),
        activity_at(0, "first.of:all_times-0"),
        activity_at(TIMESTAMP_MS_MAX, "last"),
    };
    activities[1].user_id = STR("Zo\xc3\xab \xf0\x9f\x98\x80");
    activities[2].action = STR("\xe2\x82\xac pay");
    activities[3].metadata = (struct str){.data = long_metadata, .len = sizeof long_metadata};
    activities[4].metadata = STR("{\"n\":1e400,\"a\":[1,2,{\"\\u0041\":null}]}");
    put(fixture, activities, ARRAY_LENGTH(activities));
    for (size_t i = 0; i < ARRAY_LENGTH(activities); i++) {
        struct activity found;
        assert_int_equal(fixture->verdicts[i], VERDICT_STORED);
        assert_int_equal(
            activity_store_get(fixture->store, activities[i].id, &fixture->arena, &found, NULL),
            STATUS_OK);
        assert_same_activity(&found, &activities[i]);
    }
    struct activity_page_request request = request_all();
    request.order = ORDER_OLDEST_FIRST;
    struct activity_page page = find_page(fixture, &request);
    assert_int_equal(page.count, ARRAY_LENGTH(activities));
    assert_same_activity(&page.rows[0], &activities[5]);
    assert_same_activity(&page.rows[1], &activities[0]);
    assert_same_activity(&page.rows[6], &activities[6]);
    assert_int_equal(count_all(fixture), ARRAY_LENGTH(activities));
}

static void test_same_content_is_a_duplicate(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(put_one(fixture, activity_at(5, "a")), VERDICT_STORED);
    assert_int_equal(put_one(fixture, activity_at(5, "a")), VERDICT_DUPLICATE);
    struct activity later = activity_at(5, "a");
    later.received_at_ms += 50000;
    assert_int_equal(put_one(fixture, later), VERDICT_DUPLICATE);
    assert_int_equal(count_all(fixture), 1);
}

/* Everything that a client decides makes a conflict when it differs; the first one stays. */
static void test_other_content_is_a_conflict(void **state)
{
    struct fixture *fixture = *state;
    struct activity first = activity_at(5, "a");
    first.metadata = STR("{\"k\":1}");
    assert_int_equal(put_one(fixture, first), VERDICT_STORED);
    struct activity others[4] = {first, first, first, first};
    others[0].user_id = STR("bob");
    others[1].action = STR("clicks");
    others[2].metadata = STR("{\"k\":2}");
    others[3].timestamp_ms = 6;
    put(fixture, others, ARRAY_LENGTH(others));
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_int_equal(fixture->verdicts[i], VERDICT_CONFLICT);
    }
    struct activity found;
    assert_int_equal(activity_store_get(fixture->store, first.id, &fixture->arena, &found, NULL),
                     STATUS_OK);
    assert_same_activity(&found, &first);
    assert_int_equal(count_all(fixture), 1);
    assert_int_equal(count_user(fixture, "bob"), 0);
}

/* A timestamp that the server filled in is no content of the client's. */
static void test_filled_in_time_is_no_conflict(void **state)
{
    struct fixture *fixture = *state;
    struct activity filled = activity_at(100, "a");
    filled.received_at_ms = 100;
    struct activity again = activity_at(250, "a");
    again.received_at_ms = 250;
    assert_int_equal(put_one(fixture, filled), VERDICT_STORED);
    assert_int_equal(put_one(fixture, again), VERDICT_DUPLICATE);
    assert_int_equal(put_one(fixture, activity_at(90, "a")), VERDICT_DUPLICATE);
    assert_int_equal(put_one(fixture, activity_at(90, "b")), VERDICT_STORED);
    struct activity repeated = activity_at(300, "b");
    repeated.received_at_ms = 300;
    assert_int_equal(put_one(fixture, repeated), VERDICT_DUPLICATE);
    repeated.metadata = STR("{\"other\":true}");
    assert_int_equal(put_one(fixture, repeated), VERDICT_CONFLICT);
    assert_int_equal(count_all(fixture), 2);
}

static void test_one_batch_may_repeat_an_id(void **state)
{
    struct fixture *fixture = *state;
    struct activity activities[] = {activity_at(1, "a"), activity_at(1, "a"), activity_at(2, "a"),
                                    activity_at(3, "b")};
    put(fixture, activities, ARRAY_LENGTH(activities));
    assert_int_equal(fixture->verdicts[0], VERDICT_STORED);
    assert_int_equal(fixture->verdicts[1], VERDICT_DUPLICATE);
    assert_int_equal(fixture->verdicts[2], VERDICT_CONFLICT);
    assert_int_equal(fixture->verdicts[3], VERDICT_STORED);
    assert_int_equal(count_all(fixture), 2);
}

/* A position has one verdict; when it comes again nothing is counted, whatever it was. */
static void test_position_again_is_redelivered(void **state)
{
    struct fixture *fixture = *state;
    struct activity activities[] = {activity_at(1, "a"), activity_at(1, "a"), activity_at(2, "a"),
                                    activity_at(3, "b")};
    put(fixture, activities, ARRAY_LENGTH(activities));
    put_at(fixture, 0, activities, ARRAY_LENGTH(activities));
    for (size_t i = 0; i < ARRAY_LENGTH(activities); i++) {
        assert_int_equal(fixture->verdicts[i], VERDICT_REDELIVERED);
    }
    put_at(fixture, 2, activities + 2, 2);
    assert_int_equal(fixture->verdicts[0], VERDICT_REDELIVERED);
    assert_int_equal(fixture->verdicts[1], VERDICT_REDELIVERED);
    assert_int_equal(count_all(fixture), 2);
}

/* A batch may begin below what is covered and end above it. */
static void test_batch_may_overlap_what_is_covered(void **state)
{
    struct fixture *fixture = *state;
    struct activity activities[] = {activity_at(1, "a"), activity_at(2, "b"), activity_at(3, "c")};
    put(fixture, activities, 2);
    put_at(fixture, 1, activities + 1, 2);
    assert_int_equal(fixture->verdicts[0], VERDICT_REDELIVERED);
    assert_int_equal(fixture->verdicts[1], VERDICT_STORED);
    assert_int_equal(put_one(fixture, activities[0]), VERDICT_DUPLICATE);
    assert_int_equal(count_all(fixture), 3);
}

static enum verdict put_in_partition(struct fixture *fixture, struct activity activity,
                                     struct position position, struct uuid log_id)
{
    struct logged_activity row = {.activity = activity, .position = position};
    struct position end = {.partition = position.partition, .offset = position.offset + 1};
    struct position_set next = {.items = &end, .count = 1, .capacity = 1};
    struct activity_batch batch = {.log_id = log_id, .rows = &row, .count = 1, .next = &next};
    enum verdict verdict = VERDICT_COUNT;
    assert_int_equal(activity_store_put_batch(fixture->store, &batch, &verdict, NULL), STATUS_OK);
    return verdict;
}

/* What is covered is covered of one log and one partition. */
static void test_logs_and_partitions_are_apart(void **state)
{
    struct fixture *fixture = *state;
    struct uuid other_log = uuid_make_random(&random_system);
    struct position first = {.partition = 0, .offset = 7};
    struct position elsewhere = {.partition = 3, .offset = 7};
    struct activity activity = activity_at(1, "a");
    assert_int_equal(put_in_partition(fixture, activity, first, fixture->log_id), VERDICT_STORED);
    assert_int_equal(put_in_partition(fixture, activity, elsewhere, fixture->log_id),
                     VERDICT_DUPLICATE);
    assert_int_equal(put_in_partition(fixture, activity, first, other_log), VERDICT_DUPLICATE);
    assert_int_equal(put_in_partition(fixture, activity, first, fixture->log_id),
                     VERDICT_REDELIVERED);
    assert_int_equal(put_in_partition(fixture, activity, elsewhere, fixture->log_id),
                     VERDICT_REDELIVERED);
    assert_int_equal(put_in_partition(fixture, activity, first, other_log), VERDICT_REDELIVERED);
}

/* A batch without rows moves what is covered past offsets that hold no activity. */
static void test_batch_without_rows(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(put_one(fixture, activity_at(1, "a")), VERDICT_STORED);
    put_at(fixture, 50, NULL, 0);
    put_at(fixture, 49, &(struct activity){0}, 0);
    struct activity activity = activity_at(1, "a");
    put_at(fixture, 30, &activity, 1);
    assert_int_equal(fixture->verdicts[0], VERDICT_REDELIVERED);
    assert_int_equal(count_all(fixture), 1);
}

static void test_get_says_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct activity found = {.timestamp_ms = 77};
    struct error err;
    put_one(fixture, activity_at(1, "abc"));
    static const char *const absent[] = {"ab", "abcd", "ABC",
                                         "018f0000-0000-7000-8000-000000000001"};
    for (size_t i = 0; i < ARRAY_LENGTH(absent); i++) {
        assert_int_equal(
            activity_store_get(fixture->store, str_from(absent[i]), &fixture->arena, &found, &err),
            STATUS_NOT_FOUND);
        assert_int_equal(err.status, STATUS_NOT_FOUND);
    }
    assert_int_equal(found.timestamp_ms, 77);
}

static void test_get_needs_room_in_the_arena(void **state)
{
    struct fixture *fixture = *state;
    struct arena small;
    struct activity found;
    put_one(fixture, activity_at(1, "a"));
    arena_init(&small, 8);
    assert_int_equal(activity_store_get(fixture->store, STR("a"), &small, &found, NULL),
                     STATUS_NO_MEMORY);
    arena_deinit(&small);
}

static struct activity_erasure erase_told(struct fixture *fixture, const char *user_id,
                                          int64_t erased_at_ms)
{
    struct activity_erasure erasure;
    memset(&erasure, 0xa5, sizeof erasure);
    assert_int_equal(
        activity_store_erase(fixture->store, str_from(user_id), erased_at_ms, &erasure, NULL),
        STATUS_OK);
    return erasure;
}

static uint64_t erase(struct fixture *fixture, const char *user_id, int64_t erased_at_ms)
{
    return erase_told(fixture, user_id, erased_at_ms).erased;
}

/* All activities of the user leave every answer at once, also those received later; others stay. */
static void test_erase_removes_from_every_answer(void **state)
{
    struct fixture *fixture = *state;
    struct activity activities[] = {activity_of("ann", 1, "a1"), activity_of("bob", 2, "b1"),
                                    activity_of("ann", 3, "a2"), activity_of("ann", 900000, "a3")};
    put(fixture, activities, ARRAY_LENGTH(activities));
    assert_int_equal(erase(fixture, "ann", 500000), 3);
    assert_int_equal(count_user(fixture, "ann"), 0);
    assert_int_equal(count_all(fixture), 1);
    assert_false(has(fixture, "a1"));
    assert_false(has(fixture, "a3"));
    struct activity_page_request request = request_all();
    assert_page(fixture, &request, "b1");
    assert_int_equal(erase(fixture, "ann", 500000), 0);
}

/* What was received before the erasure is dropped from then on, what was received since is taken.
 */
static void test_erase_drops_what_was_received_before(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(erase(fixture, "ann", 5000), 0);
    assert_int_equal(put_one(fixture, activity_of("ann", 1, "a1")), VERDICT_ERASED);
    assert_int_equal(put_one(fixture, activity_of("ann", 3999, "a2")), VERDICT_ERASED);
    assert_int_equal(put_one(fixture, activity_of("ann", 4000, "a3")), VERDICT_STORED);
    assert_int_equal(put_one(fixture, activity_of("bob", 1, "b1")), VERDICT_STORED);
    assert_int_equal(put_one(fixture, activity_of("annie", 1, "c1")), VERDICT_STORED);
    assert_int_equal(count_user(fixture, "ann"), 1);
    assert_false(has(fixture, "a1"));
}

/* An earlier erasure that arrives later does not weaken the newer one. */
static void test_erase_keeps_the_newest_time(void **state)
{
    struct fixture *fixture = *state;
    erase(fixture, "ann", 9000);
    erase(fixture, "ann", 5000);
    assert_int_equal(put_one(fixture, activity_of("ann", 7000, "a1")), VERDICT_ERASED);
    erase(fixture, "ann", 12000);
    assert_int_equal(put_one(fixture, activity_of("ann", 10000, "a2")), VERDICT_ERASED);
}

/* Whoever asks is told of each row what put_batch would say, whether it is stored or not. */
static void test_erasures_are_told(void **state)
{
    struct fixture *fixture = *state;
    struct logged_activity rows[] = {
        {.activity = activity_of("ann", 1, "a1")},    {.activity = activity_of("bob", 1, "b1")},
        {.activity = activity_of("ann", 3999, "a2")}, {.activity = activity_of("ann", 4000, "a3")},
        {.activity = activity_of("annie", 1, "c1")},
    };
    const struct activity_batch batch = {.rows = rows, .count = ARRAY_LENGTH(rows)};
    bool erased[ARRAY_LENGTH(rows)];
    if (fixture->maker->erasures == NULL) {
        skip();
        return;
    }
    struct erasure_lookup *lookup = fixture->maker->erasures(fixture->store);
    put_one(fixture, rows[0].activity);
    assert_int_equal(erasure_lookup_ask(lookup, &batch, erased, NULL), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_false(erased[i]);
    }
    erase(fixture, "ann", 5000);
    assert_int_equal(erasure_lookup_ask(lookup, &batch, erased, NULL), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(erased[i], i == 0 || i == 2);
    }
}

/* An id of an erased activity is free again; its redelivered position is not counted twice. */
static void test_erased_positions_come_again(void **state)
{
    struct fixture *fixture = *state;
    struct activity activity = activity_of("ann", 1, "a1");
    assert_int_equal(put_one(fixture, activity), VERDICT_STORED);
    erase(fixture, "ann", 5000);
    put_at(fixture, 0, &activity, 1);
    assert_int_equal(fixture->verdicts[0], VERDICT_REDELIVERED);
    assert_int_equal(count_all(fixture), 0);
    assert_int_equal(put_one(fixture, activity), VERDICT_ERASED);
    assert_int_equal(put_one(fixture, activity_of("bob", 1, "a1")), VERDICT_STORED);
}

static void assert_unrecorded(const struct activity_erasure *erasure)
{
    static const struct uuid none;
    static const uint8_t zeros[ERASURE_HASH_BYTES];
    assert_false(erasure->recorded);
    assert_true(uuid_equal(erasure->record.store_id, none));
    assert_int_equal(erasure->record.number, 0);
    assert_memory_equal(erasure->record.hash, zeros, sizeof zeros);
    assert_int_equal(erasure->record.erased_at_ms, 0);
    assert_int_equal(erasure->record.sealed, 0);
}

/* Each erasure has a record of its own, also one that repeats another, and the later time stays. */
static void test_erase_names_its_record(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t asked_ms[] = {5000, 9000, 7000};
    static const int64_t kept_ms[] = {5000, 9000, 9000};
    struct activity_erasure before = {0};
    put_one(fixture, activity_of("ann", 1, "a1"));
    for (size_t i = 0; i < ARRAY_LENGTH(asked_ms); i++) {
        struct activity_erasure erasure = erase_told(fixture, "ann", asked_ms[i]);
        assert_int_equal(erasure.erased, i == 0 ? 1 : 0);
        if (!fixture->maker->records_erasures) {
            assert_unrecorded(&erasure);
            continue;
        }
        assert_true(erasure.recorded);
        assert_true(erasure.record.number > before.record.number);
        assert_memory_not_equal(erasure.record.hash, before.record.hash, ERASURE_HASH_BYTES);
        assert_true(i == 0 || uuid_equal(erasure.record.store_id, before.record.store_id));
        assert_int_equal(erasure.record.erased_at_ms, kept_ms[i]);
        assert_true(erasure.record.sealed <= erasure.erased);
        before = erasure;
    }
}

/* Many rows of one user among those of others; what is left stays in order. */
static void test_erase_of_many_rows(void **state)
{
    struct fixture *fixture = *state;
    enum { ROWS = 3000 };
    static char ids[ROWS][16];
    static struct activity activities[ROWS];
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "i%05d", i);
        activities[i] = activity_of(i % 3 == 0 ? "bob" : "ann", 10 * i, ids[i]);
    }
    put(fixture, activities, ROWS);
    assert_int_equal(erase(fixture, "ann", 0), 2000);
    assert_int_equal(count_all(fixture), 1000);
    struct activity_page_request request = request_all();
    request.order = ORDER_OLDEST_FIRST;
    struct activity_page page = find_page(fixture, &request);
    assert_int_equal(page.count, 1000);
    for (size_t i = 0; i < page.count; i++) {
        assert_same_activity(&page.rows[i], &activities[3 * i]);
    }
    assert_int_equal(put_one(fixture, activities[1]), VERDICT_STORED);
}

static uint64_t expire(struct fixture *fixture, int64_t before_ms)
{
    uint64_t expired = UINT64_MAX;
    assert_int_equal(activity_store_expire(fixture->store, before_ms, &expired, NULL), STATUS_OK);
    return expired;
}

/* Only what lies before goes, and the sum is right; perhaps not all of it. */
static void test_expire_removes_only_what_is_older(void **state)
{
    struct fixture *fixture = *state;
    struct activity activities[] = {activity_of("ann", 10, "a"), activity_of("bob", 20, "b"),
                                    activity_of("ann", 30, "c"), activity_of("cyd", 40, "d")};
    put(fixture, activities, ARRAY_LENGTH(activities));
    assert_int_equal(expire(fixture, 10), 0);
    uint64_t expired = expire(fixture, 30);
    assert_true(expired <= 2);
    assert_int_equal(count_all(fixture), 4 - expired);
    assert_true(has(fixture, "c") && has(fixture, "d"));
    if (fixture->maker->expires_exactly) {
        assert_int_equal(expired, 2);
        assert_false(has(fixture, "a") || has(fixture, "b"));
        assert_int_equal(count_user(fixture, "bob"), 0);
        struct activity_page_request request = request_all();
        assert_page(fixture, &request, "d c");
    }
}

/* A set that the caller holds is raised, never lowered; an unknown log changes nothing. */
/* What is between the rows of a log and no activity is covered like them. */
static void test_a_batch_without_rows_is_taken(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, NULL, 0);
    struct activity first = activity_at(1, "first");
    put_at(fixture, 3, &first, 1);
    assert_int_equal(fixture->verdicts[0], VERDICT_STORED);
    put_at(fixture, 9, NULL, 0);
    assert_int_equal(count_all(fixture), 1);
    assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
    struct position_set durable;
    position_set_init(&durable);
    assert_int_equal(
        activity_store_durable_positions(fixture->store, fixture->log_id, &durable, NULL),
        STATUS_OK);
    assert_in_range(position_set_get(&durable, 0), 0, 9);
    position_set_deinit(&durable);
    assert_int_equal(put_one(fixture, activity_at(2, "second")), VERDICT_STORED);
    assert_int_equal(count_all(fixture), 2);
}

static void test_durable_positions_only_rise(void **state)
{
    struct fixture *fixture = *state;
    struct position_set positions;
    position_set_init(&positions);
    struct position known = {.partition = 0, .offset = 1000};
    assert_int_equal(position_set_raise(&positions, known), STATUS_OK);
    put_one(fixture, activity_at(1, "a"));
    assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
    assert_int_equal(
        activity_store_durable_positions(fixture->store, fixture->log_id, &positions, NULL),
        STATUS_OK);
    assert_int_equal(position_set_get(&positions, 0), 1000);
    position_set_deinit(&positions);
    struct uuid unknown = uuid_make_random(&random_system);
    assert_int_equal(activity_store_durable_positions(fixture->store, unknown, &positions, NULL),
                     STATUS_OK);
    assert_int_equal(positions.count, 0);
}

static int64_t durable_offset(struct fixture *fixture)
{
    struct position_set positions;
    position_set_init(&positions);
    assert_int_equal(
        activity_store_durable_positions(fixture->store, fixture->log_id, &positions, NULL),
        STATUS_OK);
    int64_t offset = position_set_get(&positions, 0);
    position_set_deinit(&positions);
    return offset;
}

/* After a sync a durable store covers everything that was put; another says it covers nothing. */
static void test_sync_makes_durable(void **state)
{
    struct fixture *fixture = *state;
    struct activity activities[] = {activity_at(1, "a"), activity_at(2, "b")};
    put(fixture, activities, 2);
    assert_true(durable_offset(fixture) <= 2);
    assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
    struct activity_store_state described;
    activity_store_describe(fixture->store, &described);
    assert_int_equal(durable_offset(fixture), described.durable ? 2 : 0);
}

/* A crash leaves at least everything below the durable positions, verdicts included. */
static void test_crash_leaves_what_is_durable(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->maker->crash == NULL) {
        return; /* A store that promises nothing has nothing to keep. */
    }
    struct activity activities[] = {activity_at(1, "a"), activity_at(2, "b"), activity_at(3, "c")};
    put(fixture, activities, 2);
    assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
    put(fixture, activities + 2, 1);
    int64_t durable = durable_offset(fixture);
    fixture->store = fixture->maker->crash(fixture->store);
    assert_non_null(fixture->store);
    assert_true(has(fixture, "a") && has(fixture, "b"));
    assert_true(durable_offset(fixture) >= durable);
    put_at(fixture, 0, activities, 3);
    assert_int_equal(fixture->verdicts[0], VERDICT_REDELIVERED);
    assert_int_equal(fixture->verdicts[1], VERDICT_REDELIVERED);
    assert_true(
        fixture->verdicts[2] ==
        (durable_offset(fixture) >= 3 && durable >= 3 ? VERDICT_REDELIVERED : VERDICT_STORED));
    assert_int_equal(count_all(fixture), 3);
}

static void test_describe_follows(void **state)
{
    struct fixture *fixture = *state;
    struct activity_store_state described;
    activity_store_describe(fixture->store, &described);
    assert_non_null(described.kind);
    assert_int_equal(described.activities, 0);
    assert_true(described.durable == (fixture->maker->crash != NULL));
    uint64_t empty = described.bytes;
    static char metadata[20000];
    memset(metadata, ' ', sizeof metadata);
    metadata[0] = '{';
    metadata[sizeof metadata - 1] = '}';
    struct activity activity = activity_at(1, "a");
    activity.metadata = (struct str){.data = metadata, .len = sizeof metadata};
    put_one(fixture, activity);
    put_one(fixture, activity_of("bob", 2, "b"));
    activity_store_describe(fixture->store, &described);
    assert_int_equal(described.activities, 2);
    assert_true(described.bytes > empty);
    erase(fixture, "bob", 0);
    activity_store_describe(fixture->store, &described);
    assert_int_equal(described.activities, 1);
}

static int64_t erased_until(struct fixture *fixture)
{
    struct activity_store_state described;
    activity_store_describe(fixture->store, &described);
    return described.erased_until_ms;
}

/* The latest time of all erasures, if they outlive the process. */
static void test_describe_tells_how_far_is_erased(void **state)
{
    struct fixture *fixture = *state;
    bool durable = fixture->maker->crash != NULL;
    assert_int_equal(erased_until(fixture), 0);
    erase(fixture, "ann", 5000);
    erase(fixture, "bob", 9000);
    erase(fixture, "ann", 7000);
    assert_int_equal(erased_until(fixture), durable ? 9000 : 0);
    if (durable) {
        fixture->store = fixture->maker->crash(fixture->store);
        assert_non_null(fixture->store);
        assert_int_equal(erased_until(fixture), 9000);
        assert_int_equal(put_one(fixture, activity_of("bob", 7999, "b1")), VERDICT_ERASED);
    }
}

static void test_free_takes_null(void **state)
{
    (void)state;
    activity_store_free(NULL);
}

#define CASE(function)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(function, fixture_setup, fixture_teardown,            \
                                             (void *)(uintptr_t)maker)

int activity_store_contract_run_cases(const struct store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        CASE(test_stored_is_found_at_once),
        CASE(test_same_content_is_a_duplicate),
        CASE(test_other_content_is_a_conflict),
        CASE(test_filled_in_time_is_no_conflict),
        CASE(test_one_batch_may_repeat_an_id),
        CASE(test_position_again_is_redelivered),
        CASE(test_batch_may_overlap_what_is_covered),
        CASE(test_logs_and_partitions_are_apart),
        CASE(test_batch_without_rows),
        CASE(test_get_says_not_found),
        CASE(test_get_needs_room_in_the_arena),
        CASE(test_erase_removes_from_every_answer),
        CASE(test_erase_drops_what_was_received_before),
        CASE(test_erase_keeps_the_newest_time),
        CASE(test_erasures_are_told),
        CASE(test_erased_positions_come_again),
        CASE(test_erase_names_its_record),
        CASE(test_erase_of_many_rows),
        CASE(test_expire_removes_only_what_is_older),
        CASE(test_a_batch_without_rows_is_taken),
        CASE(test_durable_positions_only_rise),
        CASE(test_sync_makes_durable),
        CASE(test_crash_leaves_what_is_durable),
        CASE(test_describe_follows),
        CASE(test_describe_tells_how_far_is_erased),
        CASE(test_free_takes_null),
    };
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
