/* tally: every sentence of the port and of activity_tally.h as a case. */
#include "activity_store_contract_names.h"
#include "activity_store_contract_support.h"
#include "base/clock.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

#define INTERVAL_MS INT64_C(7000000) /* neither whole hours nor a part of one */

enum { GROUPS_SHOWN_MAX = 100, TEXT_BYTES = 4096 };

static struct activity_tally_request request_by(enum activity_grouping grouping)
{
    static struct metadata_path path;
    assert_int_equal(metadata_path_read(STR("did"), &path, NULL), STATUS_OK);
    return (struct activity_tally_request){.filter = activity_filter_all(),
                                           .grouping = grouping,
                                           .interval_ms = INTERVAL_MS,
                                           .path = &path,
                                           .limit = GROUPS_SHOWN_MAX,
                                           .groups_max = GROUPS_SHOWN_MAX};
}

static struct activity_tally tally_of(struct fixture *fixture,
                                      const struct activity_tally_request *request)
{
    struct activity_tally tally;
    struct error err = {.message = ""};
    enum status status =
        activity_store_tally(fixture->store, request, &fixture->arena, &tally, &err);
    if (status != STATUS_OK) {
        fail_msg("tally: %s: %s", status_name(status), err.message);
    }
    return tally;
}

/* The action stands in the metadata, too, so that groups by that are the same. */
static struct activity doing(struct activity activity, const char *action)
{
    static char texts[16][32];
    size_t at = 0;
    char text[sizeof texts[0]];
    snprintf(text, sizeof text, "{\"did\":\"%s\"}", action);
    while (texts[at][0] != '\0' && strcmp(texts[at], text) != 0) {
        at++;
    }
    assert_true(at < sizeof texts / sizeof texts[0] - 1);
    memcpy(texts[at], text, sizeof text);
    activity.action = str_from(action);
    activity.metadata = str_from(texts[at]);
    return activity;
}

/* "click:3 view:1", or "0:2 1:1" with times in stretches since 1970. */
static void write_tally(const struct activity_tally *tally,
                        const struct activity_tally_request *request, char text[TEXT_BYTES])
{
    enum activity_grouping grouping = request->grouping;
    struct buffer buffer;
    buffer_init(&buffer, TEXT_BYTES - 1);
    int64_t unit_ms =
        activity_grouping_is_by_time(grouping) ? activity_tally_interval_ms(request) : 0;
    for (size_t i = 0; i < tally->count; i++) {
        const struct activity_group *group = &tally->groups[i];
        buffer_append_str(&buffer, i == 0 ? STR("") : STR(" "));
        if (activity_grouping_is_by_time(grouping)) {
            assert_null(group->name.data);
            assert_int_equal(group->start_ms % unit_ms, 0);
            buffer_append_i64(&buffer, group->start_ms / unit_ms);
        } else {
            assert_int_equal(group->start_ms, 0);
            buffer_append_str(&buffer, group->name);
        }
        buffer_append_char(&buffer, ':');
        buffer_append_u64(&buffer, group->count);
    }
    assert_int_equal(buffer.failed, STATUS_OK);
    snprintf(text, TEXT_BYTES, "%.*s", STR_FORMAT(buffer_str(&buffer)));
    buffer_deinit(&buffer);
}

#define assert_tally(fixture, request, groups)                                                     \
    assert_tally_at((fixture), (request), (groups), __LINE__)
static void assert_tally_at(struct fixture *fixture, const struct activity_tally_request *request,
                            const char *groups, int line)
{
    char text[TEXT_BYTES];
    struct activity_tally tally = tally_of(fixture, request);
    write_tally(&tally, request, text);
    if (strcmp(text, groups) != 0) {
        fail_msg("line %d: expected \"%s\", found \"%s\"", line, groups, text);
    }
}

/* Three users and four actions over three hours of two days, in two batches and out of order. */
static void put_eight(struct fixture *fixture)
{
    static const char *const names[] = {"view", "click", "buy", "click",
                                        "view", "buy",   "z",   "view"};
    struct activity activities[] = {
        activity_of("ann", 23 * HOUR_MS, "a"),     activity_of("bob", 25 * HOUR_MS - 1, "b"),
        activity_of("ann", 23 * HOUR_MS + 1, "c"), activity_of("cyd", 25 * HOUR_MS, "d"),
        activity_of("bob", 24 * HOUR_MS - 1, "e"), activity_of("ann", 24 * HOUR_MS, "f"),
        activity_of("ann", 24 * HOUR_MS, "g"),     activity_of("cyd", 26 * HOUR_MS - 1, "h"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(activities); i++) {
        activities[i] = doing(activities[i], names[i]);
    }
    put(fixture, activities, 5);
    put(fixture, activities + 5, 3);
}

static void test_names_come_by_count_then_bytes(void **state)
{
    struct fixture *fixture = *state;
    put_eight(fixture);
    struct activity_tally_request request = request_by(GROUP_BY_ACTION);
    assert_tally(fixture, &request, "view:3 buy:2 click:2 z:1");
    request.grouping = GROUP_BY_USER;
    assert_tally(fixture, &request, "ann:4 bob:2 cyd:2");
}

static void test_hours_and_days_come_by_time(void **state)
{
    struct fixture *fixture = *state;
    put_eight(fixture);
    struct activity_tally_request request = request_by(GROUP_BY_HOUR);
    assert_tally(fixture, &request, "23:3 24:3 25:2");
    request.grouping = GROUP_BY_DAY;
    assert_tally(fixture, &request, "0:3 1:5");
}

static void test_minutes_and_other_stretches(void **state)
{
    struct fixture *fixture = *state;
    put_eight(fixture);
    struct activity_tally_request request = request_by(GROUP_BY_MINUTE);
    assert_tally(fixture, &request, "1380:2 1439:1 1440:2 1499:1 1500:1 1559:1");
    request.grouping = GROUP_BY_TIME;
    assert_tally(fixture, &request, "11:2 12:5 13:1");
    request.interval_ms = 1;
    assert_tally(fixture, &request,
                 "82800000:1 82800001:1 86399999:1 86400000:2 89999999:1 90000000:1 93599999:1");
    request.interval_ms = 2 * HOUR_MS;
    assert_tally(fixture, &request, "11:3 12:5");
    request.interval_ms = 3000 * DAY_MS;
    assert_tally(fixture, &request, "0:8");
    request.interval_ms = 90 * 60000;
    request.filter.from_ms = 24 * HOUR_MS;
    request.filter.to_ms = 26 * HOUR_MS - 1;
    assert_tally(fixture, &request, "16:4");
}

/* {user, metadata} */
static const char *const with_values[][2] = {
    {"ann", "{\"k\":1}"},
    {"bob", "{\"k\":1.0}"},
    {"ann", "{\"k\":\"1\"}"},
    {"bob", "{\"k\":[1,\"1\",2,[3],{\"k\":4}]}"},
    {"ann", "{\"k\":null}"},
    {"ann", "{\"k\":true,\"o\":[{\"n\":\"x\"},{\"n\":[\"x\",\"y\"]},5]}"},
    {"bob", "{\"k\":{\"a\":1},\"o\":{\"n\":12345678901234567890}}"},
    {"bob", "{\"k\":[]}"},
    {"ann", "{}"},
    {"ann", "{\"a.b\":\"dotted \\u00e9\",\"a\":{\"b\":\"nested\"}}"},
};

static void expect_values(struct fixture *fixture, const char *path_text, const char *groups)
{
    struct metadata_path path;
    struct activity_tally_request request = request_by(GROUP_BY_METADATA);
    assert_int_equal(metadata_path_read(str_from(path_text), &path, NULL), STATUS_OK);
    request.path = &path;
    request.filter.to_ms = 1000;
    assert_tally(fixture, &request, groups);
}

/* What stands at a path: each value once a row, numbers by value, arrays by their elements. */
static void test_values_of_metadata_make_groups(void **state)
{
    struct fixture *fixture = *state;
    char ids[ARRAY_LENGTH(with_values)][8];
    struct activity activities[ARRAY_LENGTH(with_values)];
    for (size_t i = 0; i < ARRAY_LENGTH(with_values); i++) {
        snprintf(ids[i], sizeof ids[i], "v%zu", i);
        activities[i] = activity_of(with_values[i][0], (int64_t)i * 10, ids[i]);
        activities[i].metadata = str_from(with_values[i][1]);
    }
    put(fixture, activities, 6);
    put(fixture, activities + 6, ARRAY_LENGTH(activities) - 6);
    for (int synced = 0; synced < 2; synced++) {
        expect_values(fixture, "k", "1:4 2:1 null:1 true:1");
        expect_values(fixture, "o.n", "12345678901234567890:1 x:1 y:1");
        expect_values(fixture, "k.a", "1:1");
        expect_values(fixture, "a.b", "nested:1");
        expect_values(fixture, "a\\.b", "dotted \xc3\xa9:1");
        expect_values(fixture, "none", "");
        struct str user = STR("ann");
        struct activity_tally_request request = request_by(GROUP_BY_METADATA);
        struct metadata_path path;
        assert_int_equal(metadata_path_read(STR("k"), &path, NULL), STATUS_OK);
        request.path = &path;
        request.filter.user_ids.items = &user;
        request.filter.user_ids.count = 1;
        assert_tally(fixture, &request, "1:2 null:1 true:1");
        assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
    }
}

static void test_the_ends_of_time_have_their_groups(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, activity_at(TIMESTAMP_MS_MIN, "a"));
    put_one(fixture, activity_at(TIMESTAMP_MS_MAX, "b"));
    struct activity_tally_request request = request_by(GROUP_BY_HOUR);
    assert_tally(fixture, &request, "0:1 70389527:1");
    request.grouping = GROUP_BY_DAY;
    assert_tally(fixture, &request, "0:1 2932896:1");
}

static void test_an_empty_store_has_no_groups(void **state)
{
    struct fixture *fixture = *state;
    for (int by = 0; by < GROUPING_COUNT; by++) {
        struct activity_tally_request request = request_by((enum activity_grouping)by);
        struct activity_tally tally = tally_of(fixture, &request);
        assert_int_equal(tally.count, 0);
        assert_false(tally.more);
    }
}

/* Whole hours, ends within an hour, and both ends within the same one. */
static void test_times_may_end_within_an_hour(void **state)
{
    struct fixture *fixture = *state;
    put_eight(fixture);
    struct activity_tally_request request = request_by(GROUP_BY_HOUR);
    request.filter.from_ms = 23 * HOUR_MS + 1;
    assert_tally(fixture, &request, "23:2 24:3 25:2");
    request.filter.to_ms = 26 * HOUR_MS - 1;
    assert_tally(fixture, &request, "23:2 24:3 25:1");
    request.filter.from_ms = 24 * HOUR_MS;
    request.filter.to_ms = 25 * HOUR_MS;
    assert_tally(fixture, &request, "24:3");
    request.filter.to_ms = 24 * HOUR_MS + 1;
    assert_tally(fixture, &request, "24:2");
    request.filter.from_ms = 24 * HOUR_MS + 1;
    request.filter.to_ms = 25 * HOUR_MS - 1;
    assert_tally(fixture, &request, "");
    request.filter.from_ms = 25 * HOUR_MS;
    request.filter.to_ms = 24 * HOUR_MS;
    assert_tally(fixture, &request, "");
    request = request_by(GROUP_BY_ACTION);
    request.filter.from_ms = 23 * HOUR_MS + 1;
    request.filter.to_ms = 25 * HOUR_MS;
    assert_tally(fixture, &request, "buy:2 click:1 view:1 z:1");
    request.grouping = GROUP_BY_USER;
    assert_tally(fixture, &request, "ann:3 bob:2");
    request.grouping = GROUP_BY_DAY;
    assert_tally(fixture, &request, "0:2 1:3");
}

/* `more` is exact, and the groups behind the limit are the last ones of the order. */
static void test_limit_and_more(void **state)
{
    struct fixture *fixture = *state;
    static const char *const actions[] = {"view:3", "view:3 buy:2", "view:3 buy:2 click:2",
                                          "view:3 buy:2 click:2 z:1", "view:3 buy:2 click:2 z:1"};
    put_eight(fixture);
    for (size_t limit = 1; limit <= ARRAY_LENGTH(actions); limit++) {
        struct activity_tally_request request = request_by(GROUP_BY_ACTION);
        request.limit = limit;
        assert_tally(fixture, &request, actions[limit - 1]);
        assert_true(tally_of(fixture, &request).more == (limit < 4));
    }
    struct activity_tally_request request = request_by(GROUP_BY_HOUR);
    request.limit = 2;
    assert_tally(fixture, &request, "23:3 24:3");
    assert_true(tally_of(fixture, &request).more);
}

static void test_groups_max_is_too_large(void **state)
{
    struct fixture *fixture = *state;
    static const size_t groups[GROUPING_COUNT] = {4, 3, 3, 2, 6, 3, 4};
    put_eight(fixture);
    for (int by = 0; by < GROUPING_COUNT; by++) {
        struct activity_tally_request request = request_by((enum activity_grouping)by);
        struct activity_tally tally = {.count = 77};
        struct error err;
        request.limit = 1;
        request.groups_max = groups[by] - 1;
        assert_int_equal(
            activity_store_tally(fixture->store, &request, &fixture->arena, &tally, &err),
            STATUS_TOO_LARGE);
        assert_non_null(strstr(err.message, "narrow the filter"));
        assert_int_equal(tally.count, 77);
        request.groups_max = groups[by];
        assert_int_equal(tally_of(fixture, &request).count, 1);
    }
}

/* What only erased users did makes no group, nor does it count among groups_max. */
static void test_erased_users_are_in_no_group(void **state)
{
    struct fixture *fixture = *state;
    struct activity_erasure erasure;
    put_eight(fixture);
    assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
    assert_int_equal(activity_store_erase(fixture->store, STR("ann"), 0, &erasure, NULL),
                     STATUS_OK);
    struct activity_tally_request request = request_by(GROUP_BY_ACTION);
    request.groups_max = 2;
    assert_tally(fixture, &request, "click:2 view:2");
    request.grouping = GROUP_BY_USER;
    assert_tally(fixture, &request, "bob:2 cyd:2");
    request.groups_max = 3;
    request.grouping = GROUP_BY_HOUR;
    assert_tally(fixture, &request, "23:1 24:1 25:2");
    request.filter.from_ms = 24 * HOUR_MS;
    request.filter.to_ms = 26 * HOUR_MS - 1;
    request.groups_max = 2;
    assert_tally(fixture, &request, "24:1 25:1");
    put_one(fixture, activity_of("ann", 24 * HOUR_MS, "new"));
    assert_tally(fixture, &request, "24:2 25:1");
}

/* --- any filter, against the rows that find gives --- */

enum { ROWS = 700, USERS = 9, ACTIONS = 5, FILTERS = 60 };

static const char *const users[USERS] = {"u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9"};
static const char *const actions[ACTIONS] = {"a", "b", "c", "d", "e"};

/* Days of rows, a third of them late, in batches of different sizes, with erasures between. */
static void put_many(struct fixture *fixture, const struct random *random)
{
    static char ids[ROWS][16];
    struct activity batch[ROWS];
    size_t count = 0;
    struct activity_erasure erasure;
    for (int i = 0; i < ROWS; i++) {
        int64_t late_ms = i % 3 == 0 ? (int64_t)random_below(random, (uint64_t)DAY_MS) : 0;
        int64_t time_ms = 5 * DAY_MS + i * (HOUR_MS / 6) - late_ms;
        snprintf(ids[i], sizeof ids[i], "i%05d", i);
        uint64_t user = random_below(random, 2) == 0 ? 0 : random_below(random, USERS);
        batch[count++] = doing(activity_of(users[user], time_ms, ids[i]),
                               actions[random_below(random, ACTIONS)]);
        if (random_below(random, 90) == 0 || i == ROWS - 1) {
            put(fixture, batch, count);
            count = 0;
        }
        if (i == ROWS / 2) {
            assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
        }
        if (i == ROWS / 3 || i == 2 * ROWS / 3) {
            struct str user_id = str_from(users[i < ROWS / 2 ? 8 : 7]);
            assert_int_equal(activity_store_erase(fixture->store, user_id, 0, &erasure, NULL),
                             STATUS_OK);
        }
    }
}

static int compare_groups(const void *a, const void *b)
{
    return activity_group_comes_first(a, b) ? -1 : 1;
}

/* The group that a row makes. */
static struct activity_group group_of(const struct activity *row,
                                      const struct activity_tally_request *request)
{
    if (activity_grouping_is_by_time(request->grouping)) {
        return (struct activity_group){.start_ms = activity_interval_start_ms(
                                           activity_tally_interval_ms(request), row->timestamp_ms)};
    }
    return (struct activity_group){.name = request->grouping == GROUP_BY_USER ? row->user_id
                                                                              : row->action};
}

static bool is_same_group(const struct activity_group *a, const struct activity_group *b)
{
    return a->start_ms == b->start_ms && str_equal(a->name, b->name);
}

/* Looks at each row. */
static void tally_by_looking(struct fixture *fixture, const struct activity_tally_request *request,
                             char text[TEXT_BYTES])
{
    static struct activity_group groups[ROWS];
    struct activity_page_request all = request_all();
    all.filter = request->filter;
    struct activity_page page = find_page(fixture, &all);
    struct activity_tally tally = {.groups = groups};
    for (size_t i = 0; i < page.count; i++) {
        const struct activity_group made = group_of(&page.rows[i], request);
        size_t at = 0;
        while (at < tally.count && !is_same_group(&groups[at], &made)) {
            at++;
        }
        if (at == tally.count) {
            groups[tally.count++] = made;
        }
        groups[at].count++;
    }
    qsort(groups, tally.count, sizeof *groups, compare_groups);
    tally.count = tally.count < request->limit ? tally.count : request->limit;
    write_tally(&tally, request, text);
}

static int64_t choose_time(const struct random *random)
{
    int64_t time_ms = 4 * DAY_MS + (int64_t)random_below(random, (uint64_t)(8 * DAY_MS));
    return random_below(random, 2) == 0 ? time_ms : time_ms / HOUR_MS * HOUR_MS;
}

struct chosen_texts {
    struct str users[USERS];
    struct str actions[ACTIONS];
    struct str excluded_users[USERS];
    struct str excluded_actions[ACTIONS];
};

static void choose_filter(const struct random *random, struct chosen_texts *texts,
                          struct activity_filter *out_filter)
{
    *out_filter = activity_filter_all();
    choose_names(random, &(struct name_pool){users, USERS, .one_in = 3}, texts->users,
                 &out_filter->user_ids);
    choose_names(random, &(struct name_pool){actions, ACTIONS, .one_in = 3, .from_end = true},
                 texts->actions, &out_filter->actions);
    if (random_below(random, 2) == 0) {
        choose_names(random, &(struct name_pool){users, USERS, .one_in = 3, .from_end = true},
                     texts->excluded_users, &out_filter->excluded.user_ids);
        choose_names(random, &(struct name_pool){actions, ACTIONS, .one_in = 2},
                     texts->excluded_actions, &out_filter->excluded.actions);
    }
    if (random_below(random, 3) > 0) {
        out_filter->from_ms = choose_time(random);
    }
    if (random_below(random, 3) > 0) {
        out_filter->to_ms = choose_time(random);
    }
}

static void test_any_filter_counts_what_find_finds(void **state)
{
    struct fixture *fixture = *state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 4711);
    put_many(fixture, &random);
    for (int i = 0; i < FILTERS * GROUPING_COUNT; i++) {
        static char expected[TEXT_BYTES];
        static char found[TEXT_BYTES];
        struct chosen_texts texts;
        struct activity_tally_request request =
            request_by((enum activity_grouping)(i % GROUPING_COUNT));
        request.groups_max = ROWS;
        choose_filter(&random, &texts, &request.filter);
        struct activity_tally tally = tally_of(fixture, &request);
        write_tally(&tally, &request, found);
        tally_by_looking(fixture, &request, expected);
        if (strcmp(expected, found) != 0) {
            fail_msg("question %d by %s: expected \"%s\", found \"%s\"", i,
                     activity_grouping_name(request.grouping), expected, found);
        }
        arena_reset(&fixture->arena);
    }
}

/* More rows, users and hours than an adapter may look at in one go. */
static void test_long_tallies_are_complete(void **state)
{
    struct fixture *fixture = *state;
    enum { LONG_ROWS = 4000, BATCHES = 3, TIMES = (LONG_ROWS - 1) * HOUR_MS / INTERVAL_MS + 1 };
    static char ids[LONG_ROWS][32];
    static char names[LONG_ROWS][32];
    static struct activity activities[LONG_ROWS];
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < LONG_ROWS; i++) {
            snprintf(ids[i], sizeof ids[i], "i%d-%d", batch, i);
            snprintf(names[i], sizeof names[i], "user-%04d", i);
            activities[i] = doing(activity_of(names[i], i * HOUR_MS + batch, ids[i]), "click");
        }
        put(fixture, activities, LONG_ROWS);
    }
    struct str all[2] = {STR("click"), STR("other")};
    for (int by = GROUP_BY_USER; by < GROUPING_COUNT * 2; by++) {
        struct activity_tally_request request =
            request_by((enum activity_grouping)(by % GROUPING_COUNT));
        request.filter.actions.items = all;
        request.filter.actions.count = by < GROUPING_COUNT ? 0 : 2;
        request.limit = LONG_ROWS;
        request.groups_max = LONG_ROWS;
        static const size_t groups[GROUPING_COUNT] = {
            1, LONG_ROWS, LONG_ROWS, LONG_ROWS / 24 + 1, LONG_ROWS, TIMES, 1};
        struct activity_tally tally = tally_of(fixture, &request);
        uint64_t sum = 0;
        assert_int_equal(tally.count, groups[by % GROUPING_COUNT]);
        for (size_t i = 0; i < tally.count; i++) {
            sum += tally.groups[i].count;
        }
        assert_int_equal(sum, LONG_ROWS * BATCHES);
    }
}

/* Groups and names live in the arena, whatever becomes of the store's own. */
static void test_tally_is_a_copy(void **state)
{
    struct fixture *fixture = *state;
    char text[TEXT_BYTES];
    put_eight(fixture);
    struct activity_tally_request request = request_by(GROUP_BY_USER);
    struct activity_tally tally = tally_of(fixture, &request);
    activity_store_free(fixture->store);
    fixture->store = NULL;
    write_tally(&tally, &request, text);
    assert_string_equal(text, "ann:4 bob:2 cyd:2");
}

static void test_tally_must_fit_the_arena(void **state)
{
    struct fixture *fixture = *state;
    put_eight(fixture);
    struct activity_tally_request request = request_by(GROUP_BY_ACTION);
    struct activity_tally tally = {.count = 99};
    struct arena small;
    struct error err;
    arena_init(&small, 100);
    assert_int_equal(activity_store_tally(fixture->store, &request, &small, &tally, &err),
                     STATUS_NO_MEMORY);
    assert_int_equal(err.status, STATUS_NO_MEMORY);
    assert_int_equal(tally.count, 99);
    arena_deinit(&small);
}

static void test_deadline_in_the_past_times_out(void **state)
{
    struct fixture *fixture = *state;
    put_eight(fixture);
    for (int by = 0; by < GROUPING_COUNT; by++) {
        struct activity_tally_request request = request_by((enum activity_grouping)by);
        struct activity_tally tally = {.count = 99};
        request.deadline_ns = 1;
        assert_int_equal(
            activity_store_tally(fixture->store, &request, &fixture->arena, &tally, NULL),
            STATUS_TIMED_OUT);
        assert_int_equal(tally.count, 99);
        request.deadline_ns = clock_monotonic_ns(&clock_system) + UINT64_C(60000000000);
        assert_true(tally_of(fixture, &request).count > 0);
    }
}

#define CASE(function)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(function, fixture_setup, fixture_teardown,            \
                                             (void *)(uintptr_t)maker)

int activity_store_contract_run_tallies(const struct store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        CASE(test_names_come_by_count_then_bytes),
        CASE(test_hours_and_days_come_by_time),
        CASE(test_minutes_and_other_stretches),
        CASE(test_values_of_metadata_make_groups),
        CASE(test_the_ends_of_time_have_their_groups),
        CASE(test_an_empty_store_has_no_groups),
        CASE(test_times_may_end_within_an_hour),
        CASE(test_limit_and_more),
        CASE(test_groups_max_is_too_large),
        CASE(test_erased_users_are_in_no_group),
        CASE(test_any_filter_counts_what_find_finds),
        CASE(test_long_tallies_are_complete),
        CASE(test_tally_is_a_copy),
        CASE(test_tally_must_fit_the_arena),
        CASE(test_deadline_in_the_past_times_out),
    };
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
