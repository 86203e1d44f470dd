/* Guards what the contract does not ask of every store: that a batch without memory or beyond the
 * maximum leaves nothing behind, that memory is used again, and that late activities and long walks
 * stay quick. */
#include "base/failing_memory.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct activity_store *make(uint64_t bytes_max)
{
    struct activity_store_memory_config config = {
        .clock = &clock_system, .random = &random_system, .bytes_max = bytes_max};
    struct activity_store *store = NULL;
    assert_int_equal(activity_store_memory_new(&config, &store, NULL), STATUS_OK);
    return store;
}

enum { ROWS_MAX = 5000, PAGE_ROWS_MAX = 100000 };

struct row_texts {
    char id[40];
    char user_id[16];
    char metadata[64];
};

static struct row_texts texts[ROWS_MAX];
static struct logged_activity rows[ROWS_MAX];
static enum verdict verdicts[ROWS_MAX];

/* Row `number` of an endless sequence of activities with different ids. */
static void make_row(size_t at, uint64_t number, uint64_t users, int64_t timestamp_ms)
{
    struct row_texts *text = &texts[at];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, number);
    snprintf(text->user_id, sizeof text->user_id, "u%u", (unsigned)(number % users));
    snprintf(text->metadata, sizeof text->metadata, "{\"number\":%llu}",
             (unsigned long long)number);
    memset(text->id, 0, sizeof text->id);
    uuid_format(uuid_make_random(&random), text->id);
    text->id[0] = number % 4 == 0 ? 'X' : text->id[0]; /* some are no UUIDs */
    rows[at] = (struct logged_activity){
        .activity = {.id = str_from(text->id),
                     .user_id = str_from(text->user_id),
                     .action = number % 3 == 0 ? STR("click") : STR("view"),
                     .metadata = number % 5 == 0 ? STR("{}") : str_from(text->metadata),
                     .timestamp_ms = timestamp_ms,
                     .received_at_ms = timestamp_ms + 5},
        .position = {.partition = 0, .offset = (int64_t)number},
    };
}

static enum status put(struct activity_store *store, size_t count)
{
    struct position end = {.offset = count == 0 ? 0 : rows[count - 1].position.offset + 1};
    struct position_set next = {.items = &end, .count = 1, .capacity = 1};
    struct activity_batch batch = {.rows = rows, .count = count, .next = &next};
    return activity_store_put_batch(store, &batch, verdicts, NULL);
}

static struct activity_store_state describe(struct activity_store *store)
{
    struct activity_store_state state;
    activity_store_describe(store, &state);
    return state;
}

static void assert_in_order(struct activity_store *store, uint64_t expected)
{
    struct arena arena;
    struct activity_page page;
    struct activity_page_request request = {.filter = activity_filter_all(),
                                            .order = ORDER_OLDEST_FIRST,
                                            .limit = PAGE_ROWS_MAX,
                                            .bytes_max = SIZE_MAX};
    arena_init(&arena, 256 * 1024 * 1024);
    assert_int_equal(activity_store_find(store, &request, &arena, &page, NULL), STATUS_OK);
    assert_int_equal(page.count, expected);
    for (size_t i = 1; i < page.count; i++) {
        assert_true(activity_key_compare(activity_key_of(&page.rows[i - 1]),
                                         activity_key_of(&page.rows[i])) < 0);
    }
    arena_deinit(&arena);
}

enum { BEFORE = 1500, BATCH = 900 };

/* A batch that touches everything: new and known users, late rows that split runs, duplicates. */
static void make_batch(void)
{
    for (size_t i = 0; i < BATCH; i++) {
        make_row(i, BEFORE + i, i % 2 == 0 ? 3 : 4000, (int64_t)(i * 7919 % 4000));
    }
    rows[BATCH - 1].activity = rows[0].activity;
}

static struct activity_store *make_filled(void)
{
    struct activity_store *store = make(0);
    for (size_t i = 0; i < BEFORE; i++) {
        make_row(i, i, 3, (int64_t)i * 3);
    }
    assert_int_equal(put(store, BEFORE), STATUS_OK);
    return store;
}

/* True when the batch went through, that is, when it needed no more than `allocations`. */
static bool try_batch(unsigned long allocations)
{
    struct activity_store *store = make_filled();
    make_batch();
    memset(verdicts, 0xff, sizeof verdicts);
    failing_memory_arm(allocations);
    enum status status = put(store, BATCH);
    (void)failing_memory_disarm();
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_int_equal((int)verdicts[0], -1);
        assert_int_equal(describe(store).activities, BEFORE);
        if (allocations % 16 == 0) {
            assert_in_order(store, BEFORE);
        }
        assert_int_equal(put(store, BATCH), STATUS_OK);
    }
    for (size_t i = 0; i < BATCH; i++) {
        assert_int_equal(verdicts[i], i == BATCH - 1 ? VERDICT_DUPLICATE : VERDICT_STORED);
    }
    assert_int_equal(describe(store).activities, BEFORE + BATCH - 1);
    activity_store_free(store);
    return status == STATUS_OK;
}

/* Whichever allocation fails, nothing of the batch stays, and putting it again gives its verdicts.
 */
static void test_batch_without_memory_can_be_put_again(void **state)
{
    (void)state;
    unsigned long allocations = 0;
    while (!try_batch(allocations)) {
        allocations += allocations < 300 ? 1 : 17; /* all of them would take seconds */
    }
    assert_true(allocations > 1000);
}

static void test_new_without_memory(void **state)
{
    (void)state;
    struct activity_store_memory_config config = {.clock = &clock_system, .random = &random_system};
    struct activity_store *store = NULL;
    struct error err;
    unsigned long allocations = 0;
    enum status status;
    do {
        assert_null(store);
        failing_memory_arm(allocations++);
        status = activity_store_memory_new(&config, &store, &err);
        (void)failing_memory_disarm();
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
    } while (status != STATUS_OK);
    assert_true(allocations > 1);
    activity_store_free(store);
}

/* Erasing an unknown user needs memory for the tombstone, a known one none. */
static void test_erase_without_memory(void **state)
{
    (void)state;
    struct activity_store *store = make_filled();
    struct activity_erasure erasure = {.erased = 99};
    unsigned long allocations = 0; /* one or two, as the hash has it */
    enum status status;
    do {
        assert_int_equal(erasure.erased, 99);
        failing_memory_arm(allocations++);
        status = activity_store_erase(store, STR("unknown"), 5, &erasure, NULL);
        (void)failing_memory_disarm();
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
    } while (status != STATUS_OK);
    assert_int_equal(erasure.erased, 0);
    assert_true(allocations == 2 || allocations == 3);
    failing_memory_arm(0);
    status = activity_store_erase(store, STR("u1"), 5, &erasure, NULL);
    (void)failing_memory_disarm();
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(erasure.erased, BEFORE / 3);
    assert_in_order(store, BEFORE - BEFORE / 3);
    activity_store_free(store);
}

static void test_find_without_memory(void **state)
{
    (void)state;
    struct activity_store *store = make_filled();
    struct activity_page_request request = {
        .filter = activity_filter_all(), .limit = 1000, .bytes_max = SIZE_MAX};
    struct activity_page page;
    enum status status;
    unsigned long allocations = 0;
    do {
        struct arena arena;
        arena_init(&arena, 16 * 1024 * 1024);
        failing_memory_arm(allocations++);
        status = activity_store_find(store, &request, &arena, &page, NULL);
        (void)failing_memory_disarm();
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        arena_deinit(&arena);
    } while (status != STATUS_OK);
    assert_true(allocations > 5);
    activity_store_free(store);
}

/* Beyond the maximum a batch is refused whole; what expires makes room again, for good. */
static void test_maximum_of_bytes(void **state)
{
    (void)state;
    enum { MAXIMUM = 2 * 1024 * 1024 };
    struct activity_store *store = make(MAXIMUM);
    uint64_t number = 0;
    uint64_t refused = 0;
    for (int turn = 0; turn < 200; turn++) {
        for (size_t i = 0; i < 200; i++) {
            make_row(i, number + i, 50, (int64_t)(number + i));
        }
        uint64_t before = describe(store).activities;
        enum status status = put(store, 200);
        if (status == STATUS_OK) {
            number += 200;
        } else {
            uint64_t expired = 0;
            assert_int_equal(status, STATUS_NO_SPACE);
            assert_int_equal(describe(store).activities, before);
            int64_t oldest = (int64_t)(number - before);
            assert_int_equal(activity_store_expire(store, oldest + 1000, &expired, NULL),
                             STATUS_OK);
            assert_int_equal(expired, 1000);
            refused++;
        }
        assert_true(describe(store).bytes <= MAXIMUM);
    }
    assert_true(refused > 5 && number > 20000);
    assert_in_order(store, describe(store).activities);
    activity_store_free(store);
}

/* Rows that came and went leave no memory behind but what the next ones use. */
static void test_memory_is_used_again(void **state)
{
    (void)state;
    struct activity_store *store = make(0);
    uint64_t bytes_after_first = 0;
    uint64_t number = 0;
    for (int turn = 0; turn < 20; turn++) {
        uint64_t expired;
        for (size_t i = 0; i < ROWS_MAX; i++) {
            make_row(i, number + i, 1000 + 100 * (uint64_t)turn, (int64_t)(number + i));
        }
        assert_int_equal(put(store, ROWS_MAX), STATUS_OK);
        number += ROWS_MAX;
        assert_int_equal(activity_store_expire(store, (int64_t)number, &expired, NULL), STATUS_OK);
        assert_int_equal(expired, ROWS_MAX);
        if (turn == 0) {
            bytes_after_first = describe(store).bytes;
        }
    }
    assert_int_equal(describe(store).activities, 0);
    assert_true(describe(store).bytes <= bytes_after_first + bytes_after_first / 2);
    activity_store_free(store);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Activities of one user at random times cost about the same however many are there: the last
 * quarter takes at most four times as long as the first; with a plain array it would be seven. */
static void test_late_activities_stay_quick(void **state)
{
    (void)state;
    enum { BATCHES = 40, QUARTER = BATCHES / 4 };
    struct activity_store *store = make(0);
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 3);
    uint64_t spent_ns[4] = {0};
    for (uint64_t batch = 0; batch < BATCHES; batch++) {
        for (size_t i = 0; i < ROWS_MAX; i++) {
            make_row(i, batch * ROWS_MAX + i, 1, (int64_t)random_below(&random, 1000000000));
        }
        uint64_t begin_ns = cpu_ns();
        assert_int_equal(put(store, ROWS_MAX), STATUS_OK);
        spent_ns[batch / QUARTER] += cpu_ns() - begin_ns;
    }
    if (spent_ns[3] > 4 * spent_ns[0]) {
        fail_msg("first quarter %llu ns, last quarter %llu ns", (unsigned long long)spent_ns[0],
                 (unsigned long long)spent_ns[3]);
    }
    assert_in_order(store, PAGE_ROWS_MAX);
    activity_store_free(store);
}

struct ticking {
    uint64_t now_ns;
};

static uint64_t tick_ns(void *context)
{
    struct ticking *ticking = context;
    return ticking->now_ns += 1000;
}

/* The deadline ends a walk on its way, not only before it begins. */
static void test_deadline_ends_a_walk(void **state)
{
    (void)state;
    struct ticking ticking = {0};
    struct clock clock = {.wall_ns = tick_ns, .monotonic_ns = tick_ns, .context = &ticking};
    struct activity_store_memory_config config = {.clock = &clock, .random = &random_system};
    struct activity_store *store;
    assert_int_equal(activity_store_memory_new(&config, &store, NULL), STATUS_OK);
    for (uint64_t batch = 0; batch < 4; batch++) {
        for (size_t i = 0; i < ROWS_MAX; i++) {
            make_row(i, batch * ROWS_MAX + i, 1, 7);
        }
        assert_int_equal(put(store, ROWS_MAX), STATUS_OK);
    }
    struct str user = STR("u0");
    struct str action = STR("click");
    struct activity_filter filter = activity_filter_all();
    filter.user_ids.items = &user;
    filter.actions.items = &action;
    filter.user_ids.count = filter.actions.count = 1;
    uint64_t count = 0;
    assert_int_equal(activity_store_count(store, &filter, ticking.now_ns + 1500, &count, NULL),
                     STATUS_TIMED_OUT);
    assert_int_equal(activity_store_count(store, &filter, ticking.now_ns + 90000, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, 4 * ROWS_MAX / 3 + 1);
    activity_store_free(store);
}

/* Large metadata makes shorter steps: the clock is read after some hundreds of KiB, and what does
 * not match takes no memory. */
static void test_deadline_ends_a_search_in_metadata(void **state)
{
    (void)state;
    enum { ROWS = 200, METADATA_BYTES = 32 * 1024 };
    static char metadata[METADATA_BYTES + 1];
    struct ticking ticking = {0};
    struct clock clock = {.wall_ns = tick_ns, .monotonic_ns = tick_ns, .context = &ticking};
    struct activity_store_memory_config config = {.clock = &clock, .random = &random_system};
    struct activity_store *store;
    static struct metadata_filter wanted;
    struct activity_page page;
    struct arena arena;
    uint64_t count;
    assert_int_equal(activity_store_memory_new(&config, &store, NULL), STATUS_OK);
    snprintf(metadata, sizeof metadata, "{\"a\":\"%0*d\"}", METADATA_BYTES - 8, 1);
    for (size_t i = 0; i < ROWS; i++) {
        make_row(i, i, 1, 7);
        rows[i].activity.metadata = str_from(metadata);
    }
    assert_int_equal(put(store, ROWS), STATUS_OK);
    assert_int_equal(metadata_filter_add(&wanted, STR("a"), STR("2"), NULL), STATUS_OK);
    struct activity_page_request request = {.filter = activity_filter_all(),
                                            .limit = 10,
                                            .bytes_max = SIZE_MAX,
                                            .deadline_ns = ticking.now_ns + 10000};
    request.filter.metadata = &wanted;
    arena_init(&arena, 1000);
    assert_int_equal(activity_store_find(store, &request, &arena, &page, NULL), STATUS_TIMED_OUT);
    assert_int_equal(
        activity_store_count(store, &request.filter, ticking.now_ns + 10000, &count, NULL),
        STATUS_TIMED_OUT);
    request.deadline_ns = 0;
    assert_int_equal(activity_store_find(store, &request, &arena, &page, NULL), STATUS_OK);
    assert_int_equal(page.count, 0);
    arena_deinit(&arena);
    activity_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_without_memory_can_be_put_again),
        cmocka_unit_test(test_new_without_memory),
        cmocka_unit_test(test_erase_without_memory),
        cmocka_unit_test(test_find_without_memory),
        cmocka_unit_test(test_maximum_of_bytes),
        cmocka_unit_test(test_memory_is_used_again),
        cmocka_unit_test(test_late_activities_stay_quick),
        cmocka_unit_test(test_deadline_ends_a_walk),
        cmocka_unit_test(test_deadline_ends_a_search_in_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
