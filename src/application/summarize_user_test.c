/*
 * Guards what is told of one user: sessions against those that a look at each time finds, whatever
 * the windows are that the times are counted in, pages of them, and what a store says when it has
 * no answer.
 */
#include "application/summarize_user.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define GAP_MS (30 * MS_PER_MINUTE)

enum { ROWS_MAX = 5000, CURSOR_BYTES = 256, ARENA_BYTES = 1 << 20, DEADLINE_MS = 250 };

/* A store with the times of one user, "ann"; every action is "did". */
struct timed_store {
    struct activity_store store;
    int64_t times[ROWS_MAX]; /* ascending */
    size_t count;
    uint64_t asked;        /* tallies by time */
    uint64_t most_at_once; /* activities that one of them by the millisecond counted */
    uint64_t deadline_ns;  /* of the last question */
    uint64_t fail_at;      /* the nth question fails; 0: none */
    uint64_t questions;
    enum status answer;
};

static enum status enter(struct timed_store *store, const struct activity_filter *filter,
                         uint64_t deadline_ns, struct error *err)
{
    assert_int_equal(filter->user_ids.count, 1);
    store->deadline_ns = deadline_ns;
    return ++store->questions == store->fail_at
               ? error_set(err, store->answer, 0, "the store says no")
               : STATUS_OK;
}

static bool matches(const struct timed_store *store, const struct activity_filter *filter, size_t i)
{
    return str_equal(filter->user_ids.items[0], STR("ann")) && store->times[i] >= filter->from_ms &&
           store->times[i] < filter->to_ms;
}

static enum status timed_count(struct activity_store *port, const struct activity_filter *filter,
                               uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct timed_store *store = CONTAINER_OF(port, struct timed_store, store);
    enum status status = enter(store, filter, deadline_ns, err);
    *out_count = 0;
    for (size_t i = 0; i < store->count; i++) {
        *out_count += matches(store, filter, i) ? 1 : 0;
    }
    return status;
}

/* The group that a row is in: the one that was made last, or another. */
static struct activity_group group_of(const struct timed_store *store,
                                      const struct activity_tally_request *request, size_t i)
{
    if (request->grouping == GROUP_BY_ACTION) {
        return (struct activity_group){.name = STR("did")};
    }
    return (struct activity_group){.start_ms = activity_interval_start_ms(
                                       activity_tally_interval_ms(request), store->times[i])};
}

static enum status timed_tally(struct activity_store *port,
                               const struct activity_tally_request *request, struct arena *arena,
                               struct activity_tally *out_tally, struct error *err)
{
    struct timed_store *store = CONTAINER_OF(port, struct timed_store, store);
    struct activity_tally tally = {
        .groups = arena_allocate(arena, ROWS_MAX * sizeof(struct activity_group))};
    uint64_t sum = 0;
    enum status status = enter(store, &request->filter, request->deadline_ns, err);
    assert_non_null(tally.groups);
    for (size_t i = 0; i < store->count; i++) {
        struct activity_group group = group_of(store, request, i);
        if (!matches(store, &request->filter, i)) {
            continue;
        }
        if (tally.count == 0 || tally.groups[tally.count - 1].start_ms != group.start_ms) {
            tally.groups[tally.count++] = group;
        }
        tally.groups[tally.count - 1].count++;
        sum++;
    }
    if (request->grouping == GROUP_BY_TIME && request->interval_ms == 1) {
        store->most_at_once = sum > store->most_at_once ? sum : store->most_at_once;
    }
    *out_tally = tally;
    return status;
}

static const struct activity_store_operations operations = {.count = timed_count,
                                                            .tally = timed_tally};

struct fixture {
    struct timed_store store;
    struct summarize_user summarizer;
    struct summarize_user_question question;
    struct user_summary summary;
    struct arena arena;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    fixture->store.store.operations = &operations;
    fixture->question = (struct summarize_user_question){
        .user_id = STR("ann"), .limit = 10, .asked_ns = 5 * NANOSECONDS_PER_MILLISECOND};
    summarize_user_init(&fixture->summarizer,
                        &(struct summarize_user_config){.store = &fixture->store.store,
                                                        .deadline_ms = DEADLINE_MS});
    arena_init(&fixture->arena, ARENA_BYTES);
    buffer_init(&fixture->summary.next_cursor, CURSOR_BYTES);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    buffer_deinit(&fixture->summary.next_cursor);
    arena_deinit(&fixture->arena);
    free(fixture);
    return 0;
}

static void add(struct fixture *fixture, int64_t time_ms)
{
    fixture->store.times[fixture->store.count++] = time_ms;
}

static enum status run(struct fixture *fixture)
{
    arena_reset(&fixture->arena);
    buffer_clear(&fixture->summary.next_cursor);
    fixture->err = (struct error){0};
    fixture->store.questions = 0;
    return summarize_user_run(&fixture->summarizer, &fixture->question, &fixture->arena,
                              &fixture->summary, &fixture->err);
}

static void expect_session(const struct fixture *fixture, size_t index, int64_t begin_ms,
                           int64_t end_ms, uint64_t activities)
{
    const struct user_session *session = &fixture->summary.sessions[index];
    assert_true(index < fixture->summary.sessions_shown);
    assert_int_equal(session->begin_ms, begin_ms);
    assert_int_equal(session->end_ms, end_ms);
    assert_int_equal(session->activities, activities);
}

static void half_an_hour_ends_a_session(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, 1000);
    add(fixture, 1000 + GAP_MS - 1);
    add(fixture, 1000 + 2 * GAP_MS - 1);
    add(fixture, 1000 + 2 * GAP_MS - 1);
    assert_int_equal(run(fixture), STATUS_OK);
    assert_int_equal(fixture->summary.session_count, 2);
    expect_session(fixture, 0, 1000 + 2 * GAP_MS - 1, 1000 + 2 * GAP_MS - 1, 2);
    expect_session(fixture, 1, 1000, 1000 + GAP_MS - 1, 2);
    assert_int_equal(fixture->summary.first_seen_ms, 1000);
    assert_int_equal(fixture->summary.last_seen_ms, 1000 + 2 * GAP_MS - 1);
    assert_int_equal(fixture->summary.activities, 4);
    assert_int_equal(fixture->summary.actions.count, 1);
    assert_int_equal(fixture->summary.actions.groups[0].count, 4);
    assert_int_equal(fixture->summary.next_cursor.len, 0);
    assert_int_equal(fixture->store.deadline_ns,
                     (uint64_t)(5 + DEADLINE_MS) * NANOSECONDS_PER_MILLISECOND);
}

static void the_ends_of_time_have_sessions(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, TIMESTAMP_MS_MIN);
    add(fixture, TIMESTAMP_MS_MAX);
    for (size_t window = 0; window <= 1; window++) {
        fixture->summarizer.config.window_activities = window == 0 ? 1 : 100;
        assert_int_equal(run(fixture), STATUS_OK);
        assert_int_equal(fixture->summary.session_count, 2);
        assert_int_equal(fixture->summary.first_seen_ms, TIMESTAMP_MS_MIN);
        assert_int_equal(fixture->summary.last_seen_ms, TIMESTAMP_MS_MAX);
    }
}

/* By looking at each time, from the last to the first. */
static size_t find_sessions(const struct timed_store *store, struct user_session *sessions)
{
    size_t count = 0;
    for (size_t i = store->count; i > 0; i--) {
        int64_t time_ms = store->times[i - 1];
        if (count == 0 || sessions[count - 1].begin_ms - time_ms >= GAP_MS) {
            sessions[count++] = (struct user_session){.end_ms = time_ms};
        }
        sessions[count - 1].begin_ms = time_ms;
        sessions[count - 1].activities++;
    }
    return count;
}

/* Bursts within a second, an hour and years, so that windows of every size have to be cut. */
static void add_many(struct fixture *fixture, const struct random *random, size_t count)
{
    static const int64_t steps_ms[] = {2, 1000, 2 * MS_PER_MINUTE, 2 * GAP_MS, 40 * MS_PER_DAY};
    int64_t time_ms = INT64_C(1700000000000);
    fixture->store.count = 0;
    while (fixture->store.count < count) {
        int64_t step_ms = steps_ms[random_below(random, ARRAY_LENGTH(steps_ms))];
        for (uint64_t i = random_below(random, 60); i > 0 && fixture->store.count < count; i--) {
            time_ms += (int64_t)random_below(random, (uint64_t)step_ms);
            add(fixture, time_ms);
        }
    }
}

static void sessions_are_those_of_each_time(void **state)
{
    struct fixture *fixture = *state;
    static struct user_session expected[ROWS_MAX];
    static const size_t windows[] = {1, 7, 100, 100000};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct random_seeded seeded;
        struct random random = random_from_seed(&seeded, seed);
        add_many(fixture, &random, 1 + random_below(&random, 900));
        size_t count = find_sessions(&fixture->store, expected);
        for (size_t i = 0; i < ARRAY_LENGTH(windows); i++) {
            fixture->summarizer.config.window_activities = windows[i];
            fixture->question.limit = SUMMARY_SESSIONS_MAX;
            assert_int_equal(run(fixture), STATUS_OK);
            assert_int_equal(fixture->summary.session_count, count);
            assert_int_equal(fixture->summary.activities, fixture->store.count);
            for (size_t at = 0; at < count; at++) {
                expect_session(fixture, at, expected[at].begin_ms, expected[at].end_ms,
                               expected[at].activities);
            }
        }
    }
}

/* However many there are, few are in memory at once: no window has more than one minute has. */
static void windows_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 4000; i++) {
        add(fixture, i * INT64_C(1500)); /* 40 a minute */
    }
    fixture->summarizer.config.window_activities = 100;
    assert_int_equal(run(fixture), STATUS_OK);
    assert_int_equal(fixture->summary.session_count, 1);
    assert_in_range(fixture->store.most_at_once, 40, 100);
    fixture->store.most_at_once = 0;
    fixture->summarizer.config.window_activities = 1;
    assert_int_equal(run(fixture), STATUS_OK);
    assert_int_equal(fixture->store.most_at_once, 40);
}

static void a_cursor_leads_to_earlier_sessions(void **state)
{
    struct fixture *fixture = *state;
    char cursor[CURSOR_BYTES];
    int64_t next = 24;
    for (int64_t i = 0; i < 25; i++) {
        add(fixture, i * GAP_MS);
    }
    for (int page = 0; page < 3; page++) {
        assert_int_equal(run(fixture), STATUS_OK);
        assert_int_equal(fixture->summary.session_count, 25);
        assert_int_equal(fixture->summary.sessions_shown, page < 2 ? 10 : 5);
        for (size_t i = 0; i < fixture->summary.sessions_shown; i++, next--) {
            expect_session(fixture, i, next * GAP_MS, next * GAP_MS, 1);
        }
        assert_true((fixture->summary.next_cursor.len > 0) == (page < 2));
        if (page < 2) {
            size_t len = fixture->summary.next_cursor.len;
            memcpy(cursor, fixture->summary.next_cursor.data, len);
            fixture->question.cursor = (struct str){cursor, len};
        }
    }
    fixture->question.user_id = STR("bob");
    assert_int_equal(run(fixture), STATUS_INVALID);
    assert_non_null(strstr(fixture->err.message, "another user"));
    fixture->question.cursor = STR("x");
    assert_int_equal(run(fixture), STATUS_INVALID);
}

static void an_unknown_user_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, 5);
    fixture->question.user_id = STR("bob");
    assert_int_equal(run(fixture), STATUS_NOT_FOUND);
    assert_non_null(strstr(fixture->err.message, "no activities of this user"));
}

static void what_the_store_says_is_the_answer(void **state)
{
    struct fixture *fixture = *state;
    enum status status = STATUS_TIMED_OUT;
    for (int64_t i = 0; i < 50; i++) {
        add(fixture, i * GAP_MS);
    }
    fixture->summarizer.config.window_activities = 5;
    fixture->store.answer = STATUS_TIMED_OUT;
    while (status != STATUS_OK) {
        fixture->store.fail_at++;
        status = run(fixture);
        assert_true(status == STATUS_OK || status == STATUS_TIMED_OUT);
        assert_true(status == STATUS_OK || strcmp(fixture->err.message, "the store says no") == 0);
    }
    assert_in_range(fixture->store.fail_at, 10, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(half_an_hour_ends_a_session),        TEST(the_ends_of_time_have_sessions),
        TEST(sessions_are_those_of_each_time),    TEST(windows_are_bounded),
        TEST(a_cursor_leads_to_earlier_sessions), TEST(an_unknown_user_is_not_found),
        TEST(what_the_store_says_is_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
