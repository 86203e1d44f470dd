/* find and count: every sentence of the port and of activity_page.h as a case. */
#include "activity_store_contract_support.h"
#include "base/clock.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Six activities of three users and three actions, put out of order, two of them at one time. */
static void put_six(struct fixture *fixture)
{
    struct activity activities[] = {
        activity_of("ann", 30, "c"), activity_of("bob", 10, "a"), activity_of("ann", 20, "b"),
        activity_of("cyd", 50, "f"), activity_of("bob", 40, "e"), activity_of("ann", 40, "d"),
    };
    activities[1].action = STR("view");
    activities[2].action = STR("view");
    activities[3].action = STR("buy");
    put(fixture, activities, ARRAY_LENGTH(activities));
}

static void test_order_is_by_time_then_id(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct activity_page_request request = request_all();
    assert_page(fixture, &request, "f e d c b a");
    request.order = ORDER_OLDEST_FIRST;
    assert_page(fixture, &request, "a b c d e f");
}

/* At one time the bytes of the ids decide, be they UUIDs or not, and a prefix sorts first. */
static void test_equal_times_are_ordered_by_id_bytes(void **state)
{
    struct fixture *fixture = *state;
    static const char *const ids[] = {
        "018f0000-0000-7000-8000-0000000000ff",
        "018f0000-0000-7000-8000-0000000000fff",
        "a",
        "018f0000-0000-7000-8000-00000000000a",
        "018F0000-0000-7000-8000-0000000000FF",
        "018f0000-0000-7000-8000-0000000000f",
        "_",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        assert_int_equal(put_one(fixture, activity_at(7, ids[i])), VERDICT_STORED);
    }
    struct activity_page_request request = request_all();
    request.order = ORDER_OLDEST_FIRST;
    assert_page(fixture, &request,
                "018F0000-0000-7000-8000-0000000000FF 018f0000-0000-7000-8000-00000000000a "
                "018f0000-0000-7000-8000-0000000000f 018f0000-0000-7000-8000-0000000000ff "
                "018f0000-0000-7000-8000-0000000000fff _ a");
}

static void test_empty_store_answers(void **state)
{
    struct fixture *fixture = *state;
    struct activity_page_request request = request_all();
    struct activity_page page = find_page(fixture, &request);
    assert_int_equal(page.count, 0);
    assert_false(page.more || page.cut_short);
    assert_int_equal(count_all(fixture), 0);
}

/* `more` is exact, also when the page ends with the last row. */
static void test_limit_and_more(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct activity_page_request request = request_all();
    for (size_t limit = 1; limit <= 7; limit++) {
        request.limit = limit;
        struct activity_page page = find_page(fixture, &request);
        assert_int_equal(page.count, limit < 6 ? limit : 6);
        assert_true(page.more == (limit < 6));
        assert_false(page.cut_short);
    }
}

/* Rows behind the page that do not match are no reason for `more`. */
static void test_more_counts_matches_only(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct str users[] = {STR("ann"), STR("cyd")};
    struct str action = STR("view");
    struct activity_page_request request = request_all();
    request.filter.user_ids.items = users;
    request.filter.user_ids.count = 2;
    request.filter.actions.items = &action;
    request.filter.actions.count = 1;
    request.limit = 1;
    struct activity_page page = find_page(fixture, &request);
    assert_int_equal(page.count, 1);
    assert_false(page.more);
    assert_page(fixture, &request, "b");
}

static void test_skip_passes_over_matches(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct activity_page_request request = request_all();
    request.limit = 2;
    request.skip = 2;
    assert_page(fixture, &request, "d c");
    request.skip = 5;
    assert_page(fixture, &request, "a");
    request.skip = 6;
    assert_page(fixture, &request, "");
    request.skip = 100000;
    assert_page(fixture, &request, "");
    assert_false(find_page(fixture, &request).more);
    request.order = ORDER_OLDEST_FIRST;
    request.skip = 1;
    assert_page(fixture, &request, "b c");
    struct str users[] = {STR("bob"), STR("ann")};
    request.filter.user_ids.items = users;
    request.filter.user_ids.count = 2;
    assert_page(fixture, &request, "b c");
    request.skip = 3;
    assert_page(fixture, &request, "d e");
    assert_false(find_page(fixture, &request).more);
}

/* The key need not be there: between rows, before the first, behind the last. */
static void test_after_goes_on_behind_a_key(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct activity_key key = {.timestamp_ms = 40, .id = STR("d")};
    struct activity_page_request request = request_all();
    request.after = &key;
    assert_page(fixture, &request, "c b a");
    key.id = STR("dd");
    assert_page(fixture, &request, "d c b a");
    key = (struct activity_key){.timestamp_ms = 25, .id = STR("zz")};
    assert_page(fixture, &request, "b a");
    key = (struct activity_key){.timestamp_ms = 10, .id = STR("a")};
    assert_page(fixture, &request, "");
    request.order = ORDER_OLDEST_FIRST;
    assert_page(fixture, &request, "b c d e f");
    key = (struct activity_key){.timestamp_ms = 40, .id = STR("d")};
    assert_page(fixture, &request, "e f");
    key = (struct activity_key){.timestamp_ms = 50, .id = STR("f")};
    assert_page(fixture, &request, "");
    key = (struct activity_key){.timestamp_ms = 50, .id = STR("e")};
    assert_page(fixture, &request, "f");
    request.skip = 1;
    assert_page(fixture, &request, "");
}

static void test_times_are_from_inclusive_to_exclusive(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct activity_page_request request = request_all();
    request.filter.from_ms = 20;
    request.filter.to_ms = 40;
    uint64_t count;
    assert_page(fixture, &request, "c b");
    assert_int_equal(activity_store_count(fixture->store, &request.filter, 0, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, 2);
    request.filter.to_ms = 41;
    assert_page(fixture, &request, "e d c b");
    request.filter.from_ms = 41;
    assert_page(fixture, &request, "");
    request.filter.to_ms = 20;
    assert_page(fixture, &request, "");
    assert_int_equal(activity_store_count(fixture->store, &request.filter, 0, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, 0);
    put_one(fixture, activity_at(TIMESTAMP_MS_MAX, "end"));
    request = request_all();
    request.filter.from_ms = TIMESTAMP_MS_MAX;
    assert_page(fixture, &request, "end");
    request.filter = activity_filter_all();
    request.filter.to_ms = TIMESTAMP_MS_MAX;
    assert_page(fixture, &request, "f e d c b a");
}

static void assert_filter(struct fixture *fixture, const struct activity_filter *filter,
                          const char *ids)
{
    struct activity_page_request request = request_all();
    request.filter = *filter;
    uint64_t expected = find_page(fixture, &request).count;
    uint64_t count = UINT64_MAX;
    assert_page(fixture, &request, ids);
    assert_int_equal(activity_store_count(fixture->store, filter, 0, &count, NULL), STATUS_OK);
    assert_int_equal(count, expected);
}

static void want_metadata(struct metadata_filter *metadata, const char *path, const char *value)
{
    assert_int_equal(metadata_filter_add(metadata, str_from(path), str_from(value), NULL),
                     STATUS_OK);
}

/* All conditions must hold; of several users or actions one must match. */
static void test_filters_by_user_and_action(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct str users[] = {STR("bob"), STR("ann"), STR("nobody")};
    struct str actions[] = {STR("view"), STR("buy"), STR("nothing")};
    struct activity_filter filter = activity_filter_all();
    filter.user_ids.items = users;
    filter.actions.items = actions;
    filter.user_ids.count = 1;
    assert_filter(fixture, &filter, "e a");
    filter.user_ids.count = 3;
    assert_filter(fixture, &filter, "e d c b a");
    filter.actions.count = 1;
    assert_filter(fixture, &filter, "b a");
    filter.user_ids.count = 0;
    filter.actions.count = 3;
    assert_filter(fixture, &filter, "f b a");
    filter.user_ids.count = 1;
    filter.from_ms = 11;
    assert_filter(fixture, &filter, "");
}

/* Texts match to the byte and as a whole; what is not there matches nothing, not everything. */
static void test_filter_texts_match_exactly(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    static const char *const others[] = {"an", "anna", "Ann", "ann ", "", "ann\xc2\xa0"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        struct str text = str_from(others[i]);
        struct activity_filter filter = activity_filter_all();
        filter.user_ids.items = &text;
        filter.user_ids.count = 1;
        assert_filter(fixture, &filter, "");
        filter.user_ids.count = 0;
        filter.actions.items = &text;
        filter.actions.count = 1;
        assert_filter(fixture, &filter, "");
    }
}

static void test_filters_by_metadata(void **state)
{
    struct fixture *fixture = *state;
    static struct metadata_filter metadata;
    static const char *const texts[] = {
        "{\"plan\":\"pro\",\"n\":1}",
        "{\"plan\":[\"free\",\"pro\"],\"cart\":{\"items\":[{\"sku\":7},{\"sku\":\"x.y\"}]}}",
        "{}",
        "{\"plan\":\"free\",\"n\":1.0,\"a.b\":null}",
    };
    static const char *const ids[] = {"a", "b", "c", "d"};
    struct activity_filter filter = activity_filter_all();
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct activity activity = activity_of(i == 3 ? "bob" : "ann", (int64_t)i, ids[i]);
        activity.metadata = str_from(texts[i]);
        put_one(fixture, activity);
    }
    memset(&metadata, 0, sizeof metadata);
    filter.metadata = &metadata;
    assert_filter(fixture, &filter, "d c b a");
    want_metadata(&metadata, "plan", "pro");
    assert_filter(fixture, &filter, "b a");
    want_metadata(&metadata, "n", "1");
    assert_filter(fixture, &filter, "a");
    want_metadata(&metadata, "plan", "free");
    assert_filter(fixture, &filter, "d a");
    struct str user = STR("bob");
    filter.user_ids.items = &user;
    filter.user_ids.count = 1;
    assert_filter(fixture, &filter, "d");
    filter.user_ids.count = 0;
    filter.to_ms = 3;
    assert_filter(fixture, &filter, "a");
    memset(&metadata, 0, sizeof metadata);
    want_metadata(&metadata, "cart.items.sku", "x.y");
    assert_filter(fixture, &filter, "b");
    filter.to_ms = TIMESTAMP_MS_MAX + 1;
    memset(&metadata, 0, sizeof metadata);
    want_metadata(&metadata, "a\\.b", "null");
    assert_filter(fixture, &filter, "d");
}

static void test_pages_of_rows_with_metadata(void **state)
{
    struct fixture *fixture = *state;
    enum { ROWS = 3000, EVERY = 50 };
    static struct metadata_filter metadata;
    static char ids[ROWS][16];
    static char texts[ROWS][80];
    static struct activity activities[ROWS];
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "i%05d", i);
        snprintf(texts[i], sizeof texts[i], "{\"at\":%d,\"kind\":\"%s\"}", i,
                 i % EVERY == 17 ? "rare" : "often");
        activities[i] = activity_of(i % 2 == 0 ? "ann" : "bob", i / 3, ids[i]);
        activities[i].metadata = str_from(texts[i]);
    }
    put(fixture, activities, ROWS);
    memset(&metadata, 0, sizeof metadata);
    want_metadata(&metadata, "kind", "rare");
    struct activity_page_request request = request_all();
    request.filter.metadata = &metadata;
    request.limit = 3;
    assert_page(fixture, &request, "i02967 i02917 i02867");
    assert_true(find_page(fixture, &request).more);
    struct activity_key key = {.timestamp_ms = 2867 / 3, .id = STR("i02867")};
    request.after = &key;
    assert_page(fixture, &request, "i02817 i02767 i02717");
    request.skip = 55;
    assert_page(fixture, &request, "i00067 i00017");
    assert_false(find_page(fixture, &request).more);
    request.skip = 0;
    request.order = ORDER_OLDEST_FIRST;
    assert_page(fixture, &request, "i02917 i02967");
    uint64_t count;
    assert_int_equal(activity_store_count(fixture->store, &request.filter, 0, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, ROWS / EVERY);
}

static void test_many_users_are_merged(void **state)
{
    struct fixture *fixture = *state;
    enum { ROWS = 2000 };
    static char names[FILTER_NAMES_MAX][16];
    static struct str users[FILTER_NAMES_MAX];
    static char ids[ROWS][16];
    static struct activity activities[ROWS];
    for (int i = 0; i < FILTER_NAMES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "u%d", i);
        users[i] = str_from(names[i]);
    }
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "i%05d", i);
        activities[i] = activity_of(names[i * 7 % FILTER_NAMES_MAX], i / 3, ids[i]);
    }
    put(fixture, activities, ROWS);
    struct activity_page_request request = request_all();
    request.filter.user_ids.items = users;
    request.filter.user_ids.count = FILTER_NAMES_MAX;
    request.skip = 500;
    struct activity_page page = find_page(fixture, &request);
    assert_int_equal(page.count, 1000);
    assert_true(page.more);
    for (size_t i = 0; i < page.count; i++) {
        assert_same_activity(&page.rows[i], &activities[ROWS - 1 - 500 - i]);
    }
}

static size_t texts_of(const struct activity *activity)
{
    return activity->id.len + activity->user_id.len + activity->action.len + activity->metadata.len;
}

/* The page stops before its texts pass the maximum; the first row always comes. An adapter may
 * count a little more than the texts for each row. */
static void test_bytes_max_cuts_the_page(void **state)
{
    struct fixture *fixture = *state;
    enum { METADATA = 3000, OTHER_BYTES_OF_A_ROW = 256 };
    static char metadata[METADATA];
    static const char *const ids[] = {"a", "b", "c", "d", "e"};
    memset(metadata, ' ', METADATA);
    metadata[0] = '{';
    metadata[METADATA - 1] = '}';
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        struct activity activity = activity_at((int64_t)i, ids[i]);
        activity.metadata = (struct str){.data = metadata, .len = METADATA};
        put_one(fixture, activity);
    }
    struct activity_page_request request = request_all();
    for (size_t bytes_max = 1; bytes_max < 6 * METADATA; bytes_max += 500) {
        request.bytes_max = bytes_max;
        struct activity_page page = find_page(fixture, &request);
        size_t texts = 0;
        for (size_t i = 0; i < page.count; i++) {
            texts += texts_of(&page.rows[i]);
        }
        assert_true(page.count == 1 || texts <= bytes_max);
        assert_true(page.cut_short == (page.count < 5) && page.more == page.cut_short);
        size_t with_next = (page.count + 1) * (METADATA + OTHER_BYTES_OF_A_ROW);
        assert_true(page.count == 5 || with_next > bytes_max);
    }
    request.bytes_max = METADATA;
    request.limit = 1;
    struct activity_page page = find_page(fixture, &request);
    assert_true(page.more && !page.cut_short);
}

/* Rows and texts live in the arena, whatever becomes of the store's own. */
static void test_page_is_a_copy(void **state)
{
    struct fixture *fixture = *state;
    struct activity_erasure erasure;
    put_six(fixture);
    struct activity_page_request request = request_all();
    struct activity_page page = find_page(fixture, &request);
    assert_int_equal(activity_store_erase(fixture->store, STR("cyd"), 0, &erasure, NULL),
                     STATUS_OK);
    activity_store_free(fixture->store);
    fixture->store = NULL;
    assert_true(str_equal(page.rows[0].user_id, STR("cyd")));
    assert_true(str_equal(page.rows[0].action, STR("buy")));
    assert_true(str_equal(page.rows[0].metadata, STR("{}")));
}

/* A failed find leaves the caller's page as it was. */
static void test_page_must_fit_the_arena(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct activity_page_request request = request_all();
    struct activity_page page = {.count = 99};
    struct arena small;
    struct error err;
    arena_init(&small, 300);
    assert_int_equal(activity_store_find(fixture->store, &request, &small, &page, &err),
                     STATUS_NO_MEMORY);
    assert_int_equal(err.status, STATUS_NO_MEMORY);
    assert_int_equal(page.count, 99);
    arena_deinit(&small);
}

static void test_deadline_in_the_past_times_out(void **state)
{
    struct fixture *fixture = *state;
    put_six(fixture);
    struct activity_page_request request = request_all();
    struct activity_page page = {.count = 99};
    uint64_t count = 99;
    request.deadline_ns = 1;
    assert_int_equal(activity_store_find(fixture->store, &request, &fixture->arena, &page, NULL),
                     STATUS_TIMED_OUT);
    assert_int_equal(activity_store_count(fixture->store, &request.filter, 1, &count, NULL),
                     STATUS_TIMED_OUT);
    assert_int_equal(page.count, 99);
    assert_int_equal(count, 99);
    request.deadline_ns = clock_monotonic_ns(&clock_system) + UINT64_C(60000000000);
    assert_page(fixture, &request, "f e d c b a");
}

/* A walk over more rows than an adapter may look at in one go gives the same answer. */
static void test_long_walks_are_complete(void **state)
{
    struct fixture *fixture = *state;
    enum { ROWS = 4000, BATCHES = 5 };
    static char ids[ROWS][16];
    static struct activity activities[ROWS];
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < ROWS; i++) {
            int number = batch * ROWS + i;
            snprintf(ids[i], sizeof ids[i], "i%05d", number);
            activities[i] = activity_of("ann", number / 4, ids[i]);
            activities[i].action = number % 5000 == 17 ? STR("rare") : STR("often");
        }
        put(fixture, activities, ROWS);
    }
    struct activity rare = activity_of("bob", 3, "other");
    rare.action = STR("often");
    put_one(fixture, rare);
    struct str users[] = {STR("ann"), STR("bob")};
    struct str actions[] = {STR("rare"), STR("often")};
    struct activity_page_request request = request_all();
    request.filter.user_ids.items = users;
    request.filter.user_ids.count = 1;
    request.filter.actions.items = actions;
    request.filter.actions.count = 1;
    assert_page(fixture, &request, "i15017 i10017 i05017 i00017");
    request.filter.actions.count = 2;
    request.limit = 1;
    request.skip = 19999;
    assert_page(fixture, &request, "i00000");
    assert_false(find_page(fixture, &request).more);
    uint64_t count;
    assert_int_equal(activity_store_count(fixture->store, &request.filter, 0, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, ROWS * BATCHES);
}

#define CASE(function)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(function, fixture_setup, fixture_teardown,            \
                                             (void *)(uintptr_t)maker)

int activity_store_contract_run_queries(const struct store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        CASE(test_order_is_by_time_then_id),
        CASE(test_equal_times_are_ordered_by_id_bytes),
        CASE(test_empty_store_answers),
        CASE(test_limit_and_more),
        CASE(test_more_counts_matches_only),
        CASE(test_skip_passes_over_matches),
        CASE(test_after_goes_on_behind_a_key),
        CASE(test_times_are_from_inclusive_to_exclusive),
        CASE(test_filters_by_user_and_action),
        CASE(test_filter_texts_match_exactly),
        CASE(test_filters_by_metadata),
        CASE(test_pages_of_rows_with_metadata),
        CASE(test_many_users_are_merged),
        CASE(test_bytes_max_cuts_the_page),
        CASE(test_page_is_a_copy),
        CASE(test_page_must_fit_the_arena),
        CASE(test_deadline_in_the_past_times_out),
        CASE(test_long_walks_are_complete),
    };
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
