/*
 * Guards what is answered about one user: its shape, the ways to name the user, and who is told
 * that there is none.
 */
#include "interfaces/api/api_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Three activities in two sessions. */
static void fill(struct api_bed *bed)
{
    static struct activity_group times[] = {{.start_ms = INT64_C(1768431600000), .count = 1},
                                            {.start_ms = INT64_C(1768435200000), .count = 1},
                                            {.start_ms = INT64_C(1768435260000), .count = 1}};
    static struct activity_group actions[] = {{.name = {"a\"", 2}, .count = 2},
                                              {.name = {"b", 1}, .count = 1}};
    bed->counted = 3;
    bed->times = (struct activity_tally){.groups = times, .count = 3};
    bed->tally = (struct activity_tally){.groups = actions, .count = 2};
}

#define HEAD                                                                                       \
    "{\"status\":\"success\",\"userId\":\"u/1\",\"firstSeen\":\"2026-01-14T23:00:00.000Z\","       \
    "\"lastSeen\":\"2026-01-15T00:01:00.000Z\",\"activities\":3,\"actions\":[{\"key\":\"a\\\"\","  \
    "\"count\":2},{\"key\":\"b\",\"count\":1}],\"moreActions\":false,\"sessions\":{\"count\":2,"   \
    "\"gapMinutes\":30,\"data\":["
#define LATEST                                                                                     \
    "{\"begin\":\"2026-01-15T00:00:00.000Z\",\"end\":\"2026-01-15T00:01:00.000Z\","                \
    "\"activities\":2}"
#define FIRST                                                                                      \
    "{\"begin\":\"2026-01-14T23:00:00.000Z\",\"end\":\"2026-01-14T23:00:00.000Z\","                \
    "\"activities\":1}"

static void a_summary_has_its_shape(void **state)
{
    struct api_bed *bed = *state;
    static const char *const targets[] = {"/api/v1/users/u%2F1", "/api/v1/users?userId=u/1",
                                          "/api/v1/users/?userId=u%2f1"};
    fill(bed);
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        bed_get(bed, targets[i]);
        assert_int_equal(bed->exchange.status, 200);
        assert_string_equal(bed->exchange.answer, HEAD LATEST "," FIRST "],\"nextCursor\":null}}");
        assert_string_equal(bed->exchange.link, "");
    }
}

static void the_link_leads_to_earlier_sessions(void **state)
{
    struct api_bed *bed = *state;
    char target[512];
    fill(bed);
    bed_get(bed, "/api/v1/users/u%2F1?limit=1");
    const char *begin = "</api/v1/users/u%2F1?limit=1&cursor=";
    assert_memory_equal(bed->exchange.link, begin, strlen(begin));
    assert_non_null(strstr(bed->exchange.answer, HEAD LATEST "],\"nextCursor\":\""));
    snprintf(target, sizeof target, "%.*s", (int)strcspn(bed->exchange.link + 1, ">"),
             bed->exchange.link + 1);
    bed_get(bed, target);
    assert_string_equal(bed->exchange.answer, HEAD FIRST "],\"nextCursor\":null}}");
}

static void an_unknown_user_is_told(void **state)
{
    struct api_bed *bed = *state;
    static const char *const targets[] = {"/api/v1/users/nobody", "/api/v1/users?userId=nobody",
                                          "/api/v1/users/%zz",    "/api/v1/users/%ff",
                                          "/api/v1/users/a%00b",  "/api/v1/users/%zz/activities"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        assert_true(bed_is_problem(bed_get(bed, targets[i]), 404, "no-such-user"));
    }
}

static void what_is_not_understood_is_refused(void **state)
{
    struct api_bed *bed = *state;
    fill(bed);
    static const struct {
        const char *target;
        const char *word;
    } cases[] = {
        {"/api/v1/users", "name one user"},
        {"/api/v1/users?userId=", "name one user"},
        {"/api/v1/users?userId=a&userId=b", "userId may appear once"},
        {"/api/v1/users?user=a", "user is not known"},
        {"/api/v1/users/u?userId=u", "userId is not known; there are limit, cursor, after"},
        {"/api/v1/users/u?limit=0", "from 1 to 1000"},
        {"/api/v1/users/u?limit=1001", "from 1 to 1000"},
        {"/api/v1/users/u?cursor=x", "not a cursor"},
        {"/api/v1/users/u?after=x", "not a receipt"},
        {"/api/v1/users/u?page=1", "page is not known"},
        {"/api/v1/users/u/activities?userId=u", "userId is not known; there are action, from"},
        {"/api/v1/users/u/activities?userId[$ne]=u", "userId[$ne] is not known"},
        {"/api/v1/users/activities", "name one user"},
        {"/api/v1/users/activities?userId=a&userId=b", "name one user"},
        {"/api/v1/users/activities?userId=", "must not be empty"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_true(bed_is_problem(bed_get(bed, cases[i].target), 400, cases[i].word));
    }
}

static void a_timeline_is_a_list_of_the_user(void **state)
{
    struct api_bed *bed = *state;
    static const char *const targets[] = {
        "/api/v1/users/u%2F1/activities?action=a&metadata.k=v&limit=1&count=true",
        "/api/v1/users/activities?userId=u/1&action=a&metadata.k=v&limit=1&count=true"};
    bed->more = true;
    bed->counted = 7;
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        bed_get(bed, targets[i]);
        assert_int_equal(bed->exchange.status, 200);
        assert_non_null(strstr(bed->exchange.answer, "\"count\":7}"));
        assert_memory_equal(bed->exchange.link + 1, targets[i], strlen("/api/v1/users/"));
        assert_true(str_equal(bed->find_user, STR("u/1")));
    }
    /* Without a filter of its own, metadata can be looked for: there is a user. */
    bed_get(bed, "/api/v1/users/u/activities?metadata.k=v&limit=1");
    assert_int_equal(bed->exchange.status, 200);
}

static void a_summary_waits_for_its_receipt(void **state)
{
    struct api_bed *bed = *state;
    char target[512];
    fill(bed);
    snprintf(target, sizeof target, "/api/v1/users/u?after=%s", bed_receipt(7, 3));
    bed_get(bed, target);
    assert_int_equal(bed->exchange.answers, 0);
    bed_store(bed, 4, true);
    assert_int_equal(bed->exchange.status, 200);
    snprintf(target, sizeof target, "/api/v1/users/u/activities?after=%s", bed_receipt(7, 4));
    bed_get(bed, target);
    assert_int_equal(bed->exchange.answers, 0);
    bed_store(bed, 5, true);
    assert_int_equal(bed->exchange.status, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_summary_has_its_shape),          TEST(the_link_leads_to_earlier_sessions),
        TEST(an_unknown_user_is_told),          TEST(what_is_not_understood_is_refused),
        TEST(a_timeline_is_a_list_of_the_user), TEST(a_summary_waits_for_its_receipt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
