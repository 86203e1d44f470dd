/*
 * Guards the way from a client's question to the store's request and back: page numbers and
 * cursors, which of them exclude each other, and that a cursor leads on only where it came from.
 */
#include "application/find_activities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CURSOR_TEXT_BYTES_MAX = 1024, PAGE_BYTES_MAX = 4096, DEADLINE_MS = 250 };

/* Answers every find with the same page and keeps the request. */
struct canned_store {
    struct activity_store store;
    enum status answer;
    struct activity_page page;
    struct activity_page_request request;
    char after_id[ACTIVITY_ID_BYTES_MAX]; /* request.after lives as long as the call only */
    struct activity_key after;
    int asked;
    int counted;
    enum status count_answer;
    uint64_t count_deadline_ns; /* of the last count */
};

static enum status canned_find(struct activity_store *store,
                               const struct activity_page_request *request, struct arena *arena,
                               struct activity_page *out_page, struct error *err)
{
    (void)arena;
    struct canned_store *canned = CONTAINER_OF(store, struct canned_store, store);
    canned->asked++;
    canned->request = *request;
    if (request->after != NULL) {
        canned->after = *request->after;
        memcpy(canned->after_id, request->after->id.data, request->after->id.len);
        canned->after.id.data = canned->after_id;
    }
    if (canned->answer != STATUS_OK) {
        return error_set(err, canned->answer, 0, "the store says no");
    }
    *out_page = canned->page;
    return STATUS_OK;
}

static enum status canned_get(struct activity_store *store, struct str id, struct arena *arena,
                              struct activity *out_activity, struct error *err)
{
    (void)arena;
    struct canned_store *canned = CONTAINER_OF(store, struct canned_store, store);
    if (canned->answer != STATUS_OK) {
        return error_set(err, canned->answer, 0, "the store says no");
    }
    *out_activity = (struct activity){.id = id, .timestamp_ms = 5};
    return STATUS_OK;
}

static enum status canned_count(struct activity_store *store, const struct activity_filter *filter,
                                uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct canned_store *canned = CONTAINER_OF(store, struct canned_store, store);
    canned->counted++;
    canned->count_deadline_ns = deadline_ns;
    if (canned->count_answer != STATUS_OK) {
        return error_set(err, canned->count_answer, 0, "the store does not count");
    }
    *out_count = 77 + filter->user_ids.count;
    return STATUS_OK;
}

static const struct activity_store_operations canned_operations = {
    .find = canned_find, .get = canned_get, .count = canned_count};

struct fixture {
    struct canned_store store;
    struct find_activities finder;
    struct find_activities_question question;
    struct find_activities_answer answer;
    struct error err;
    struct activity rows[3];
};

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    fixture->rows[0] = (struct activity){.id = STR("c"), .timestamp_ms = 30};
    fixture->rows[1] = (struct activity){.id = STR("b"), .timestamp_ms = 20};
    fixture->rows[2] = (struct activity){.id = STR("a"), .timestamp_ms = 10};
    fixture->store.store.operations = &canned_operations;
    fixture->store.page = (struct activity_page){.rows = fixture->rows, .count = 3};
    fixture->question = (struct find_activities_question){
        .filter = activity_filter_all(),
        .limit = 3,
        .order = ORDER_NEWEST_FIRST,
        .asked_ns = 1000000000,
    };
    find_activities_init(&fixture->finder, &(struct find_activities_config){
                                               .store = &fixture->store.store,
                                               .deadline_ms = DEADLINE_MS,
                                               .page_bytes_max = PAGE_BYTES_MAX,
                                           });
    buffer_init(&fixture->answer.next_cursor, CURSOR_TEXT_BYTES_MAX);
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    buffer_deinit(&fixture->answer.next_cursor);
    free(fixture);
    return 0;
}

static enum status ask(struct fixture *fixture)
{
    buffer_clear(&fixture->answer.next_cursor);
    fixture->err = (struct error){0};
    return find_activities_page(&fixture->finder, &fixture->question, NULL, &fixture->answer,
                                &fixture->err);
}

/* Refused with words, without asking the store. */
static void expect_refused(struct fixture *fixture, const char *word)
{
    int asked = fixture->store.asked;
    assert_int_equal(ask(fixture), STATUS_INVALID);
    assert_non_null(strstr(fixture->err.message, word));
    assert_int_equal(fixture->store.asked, asked);
}

/* The cursor to the next page of the fixture's question, as a client would send it back. */
static struct str next_cursor(struct fixture *fixture)
{
    static char text[CURSOR_TEXT_BYTES_MAX];
    fixture->store.page.more = true;
    assert_int_equal(ask(fixture), STATUS_OK);
    struct str cursor = buffer_str(&fixture->answer.next_cursor);
    assert_true(cursor.len > 0 && cursor.len < sizeof text);
    memcpy(text, cursor.data, cursor.len);
    return (struct str){text, cursor.len};
}

static void asks_the_store_from_the_start(void **state)
{
    struct fixture *fixture = *state;
    fixture->question.order = ORDER_OLDEST_FIRST;
    assert_int_equal(ask(fixture), STATUS_OK);
    const struct activity_page_request *request = &fixture->store.request;
    assert_int_equal(request->limit, 3);
    assert_int_equal(request->skip, 0);
    assert_int_equal(request->order, ORDER_OLDEST_FIRST);
    assert_null(request->after);
    assert_int_equal(request->bytes_max, PAGE_BYTES_MAX);
    assert_int_equal(request->deadline_ns, 1000000000 + DEADLINE_MS * 1000000);
    assert_int_equal(fixture->answer.page.count, 3);
}

static void the_last_page_has_no_cursor(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->answer.next_cursor.len, 0);
    fixture->store.page = (struct activity_page){0};
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->answer.next_cursor.len, 0);
}

static void the_cursor_leads_behind_the_last_row(void **state)
{
    struct fixture *fixture = *state;
    fixture->question.cursor = next_cursor(fixture);
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_non_null(fixture->store.request.after);
    assert_int_equal(fixture->store.after.timestamp_ms, 10);
    assert_true(str_equal(fixture->store.after.id, STR("a")));
    assert_int_equal(fixture->store.request.skip, 0);
}

static void a_cursor_holds_the_longest_id(void **state)
{
    struct fixture *fixture = *state;
    char id[ACTIVITY_ID_BYTES_MAX];
    memset(id, 'z', sizeof id);
    fixture->rows[2].id = (struct str){id, sizeof id};
    fixture->question.cursor = next_cursor(fixture);
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_true(str_equal(fixture->store.after.id, fixture->rows[2].id));
}

/* The limit may change from page to page, the list of users may come in another order. */
static void a_cursor_goes_with_the_same_conditions(void **state)
{
    struct fixture *fixture = *state;
    const struct str users[] = {STR("ann"), STR("bob")};
    const struct str turned[] = {STR("bob"), STR("ann")};
    fixture->question.filter.user_ids.items = users;
    fixture->question.filter.user_ids.count = 2;
    fixture->question.cursor = next_cursor(fixture);
    fixture->question.filter.user_ids.items = turned;
    fixture->question.limit = 1;
    fixture->store.page = (struct activity_page){.rows = fixture->rows, .count = 1};
    assert_int_equal(ask(fixture), STATUS_OK);
}

static void a_cursor_of_another_question_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct str user = STR("ann");
    const struct find_activities_question asked = fixture->question;
    struct str cursor = next_cursor(fixture);
    struct find_activities_question others[] = {asked, asked, asked, asked, asked};
    others[0].filter.user_ids.items = &user;
    others[0].filter.user_ids.count = 1;
    others[1].filter.actions.items = &user;
    others[1].filter.actions.count = 1;
    others[2].filter.from_ms = 1;
    others[3].filter.to_ms = 1;
    others[4].order = ORDER_OLDEST_FIRST;
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        fixture->question = others[i];
        fixture->question.cursor = cursor;
        expect_refused(fixture, "another filter or order");
    }
}

static void what_is_no_cursor_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct str cursor = next_cursor(fixture);
    for (size_t cut = 0; cut < cursor.len; cut++) {
        fixture->question.cursor = (struct str){cursor.data, cut};
        expect_refused(fixture, "cursor");
    }
    fixture->question.cursor = STR("nonsense");
    expect_refused(fixture, "not a cursor");
}

static void page_and_cursor_exclude_each_other(void **state)
{
    struct fixture *fixture = *state;
    fixture->question.cursor = next_cursor(fixture);
    fixture->question.page = 1;
    expect_refused(fixture, "exclude each other");
}

struct page_case {
    size_t page;
    size_t limit;
    size_t skip; /* SIZE_MAX: refused */
};

static void page_times_limit_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    static const struct page_case cases[] = {
        {1, 1, 0},
        {2, 10, 10},
        {100, 1000, 99000},
        {101, 1000, SIZE_MAX},
        {100000, 1, 99999},
        {100001, 1, SIZE_MAX},
        {14285, 7, 14284 * 7},
        {14286, 7, SIZE_MAX},
        {UINT32_MAX, 1000, SIZE_MAX},
        {SIZE_MAX, 1000, SIZE_MAX},
    };
    fixture->store.page.count = 1;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        fixture->question.page = cases[i].page;
        fixture->question.limit = cases[i].limit;
        if (cases[i].skip == SIZE_MAX) {
            expect_refused(fixture, "cursor");
        } else {
            assert_int_equal(ask(fixture), STATUS_OK);
            assert_int_equal(fixture->store.request.skip, cases[i].skip);
        }
    }
}

/* From a page asked for by number one may go on by cursor. */
static void a_numbered_page_has_a_cursor_too(void **state)
{
    struct fixture *fixture = *state;
    fixture->question.page = 2;
    struct str cursor = next_cursor(fixture);
    fixture->question.page = 0;
    fixture->question.cursor = cursor;
    assert_int_equal(ask(fixture), STATUS_OK);
}

/* The next number would pass over the rows that did not fit; a cursor does not. */
static void a_short_page_is_for_cursors_only(void **state)
{
    struct fixture *fixture = *state;
    fixture->store.page =
        (struct activity_page){.rows = fixture->rows, .count = 2, .more = true, .cut_short = true};
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->answer.page.count, 2);
    assert_true(fixture->answer.next_cursor.len > 0);
    fixture->question.page = 1;
    assert_int_equal(ask(fixture), STATUS_TOO_LARGE);
    assert_non_null(strstr(fixture->err.message, "4096 bytes"));
}

static void all_matches_are_counted_when_asked(void **state)
{
    struct fixture *fixture = *state;
    struct str user = STR("u");
    fixture->store.page.more = true;
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->store.counted, 0);
    fixture->question.counts = true;
    fixture->question.filter.user_ids.items = &user;
    fixture->question.filter.user_ids.count = 1;
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->answer.count, 78);
    assert_int_equal(fixture->store.count_deadline_ns, fixture->store.request.deadline_ns);
    fixture->store.count_answer = STATUS_TIMED_OUT;
    assert_int_equal(ask(fixture), STATUS_TIMED_OUT);
    assert_string_equal(fixture->err.message, "the store does not count");
}

/* So that count and results of one answer never contradict each other where both are all. */
static void a_page_of_all_is_its_own_count(void **state)
{
    struct fixture *fixture = *state;
    fixture->question.counts = true;
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->answer.count, 3);
    fixture->question.page = 1;
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->answer.count, 3);
    assert_int_equal(fixture->store.counted, 0);
    fixture->question.page = 2;
    assert_int_equal(ask(fixture), STATUS_OK);
    assert_int_equal(fixture->answer.count, 77);
}

static void the_store_s_failure_is_the_answer(void **state)
{
    struct fixture *fixture = *state;
    static const enum status failures[] = {STATUS_TIMED_OUT, STATUS_UNAVAILABLE, STATUS_NO_MEMORY,
                                           STATUS_CORRUPT};
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        fixture->store.answer = failures[i];
        fixture->store.page.more = true;
        assert_int_equal(ask(fixture), failures[i]);
        assert_string_equal(fixture->err.message, "the store says no");
        assert_int_equal(fixture->answer.next_cursor.len, 0);
    }
}

static void a_cursor_that_finds_no_room_is_a_failure(void **state)
{
    struct fixture *fixture = *state;
    fixture->store.page.more = true;
    fixture->answer.next_cursor.bytes_max = 8;
    assert_int_equal(ask(fixture), STATUS_NO_MEMORY);
}

static void finds_one(void **state)
{
    struct fixture *fixture = *state;
    struct activity activity = {0};
    assert_int_equal(
        find_activities_one(&fixture->finder, STR("x"), NULL, &activity, &fixture->err), STATUS_OK);
    assert_int_equal(activity.timestamp_ms, 5);
    fixture->store.answer = STATUS_NOT_FOUND;
    assert_int_equal(
        find_activities_one(&fixture->finder, STR("x"), NULL, &activity, &fixture->err),
        STATUS_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_the_store_from_the_start),
        TEST(the_last_page_has_no_cursor),
        TEST(the_cursor_leads_behind_the_last_row),
        TEST(a_cursor_holds_the_longest_id),
        TEST(a_cursor_goes_with_the_same_conditions),
        TEST(a_cursor_of_another_question_is_refused),
        TEST(what_is_no_cursor_is_refused),
        TEST(page_and_cursor_exclude_each_other),
        TEST(page_times_limit_is_bounded),
        TEST(a_numbered_page_has_a_cursor_too),
        TEST(a_short_page_is_for_cursors_only),
        TEST(all_matches_are_counted_when_asked),
        TEST(a_page_of_all_is_its_own_count),
        TEST(the_store_s_failure_is_the_answer),
        TEST(a_cursor_that_finds_no_room_is_a_failure),
        TEST(finds_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
