/*
 * Guards the table of routes: the canonical path and every alias lead to the same operations, ids
 * stay raw and undivided, and nothing else matches.
 */
#include "interfaces/api/api_media.h"
#include "interfaces/api/api_query_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const collections[] = {"/api/v1/activities", "/api/v1/logs", "/api/logs",
                                          "/logs", "/api/activities"};

static const struct api_route *find(const char *path, struct str *out_rest)
{
    return api_route_find(str_from(path), out_rest);
}

static const struct api_route *find_below(const char *collection, const char *rest,
                                          struct str *out_rest)
{
    static char path[256];
    snprintf(path, sizeof path, "%s%s", collection, rest);
    return find(path, out_rest);
}

/* NULL: nothing is done for this method. */
static api_call_function *handler(const struct api_route *route, enum http_method method)
{
    const struct api_operation *operation = api_route_operation(route, method);
    return operation == NULL ? NULL : operation->handle;
}

static const struct api_parameter_set *parameters(const char *path, enum http_method method)
{
    struct str rest;
    return api_route_operation(find(path, &rest), method)->parameters;
}

static void expect_allow(const struct api_route *route, const char *expected)
{
    char text[API_ALLOW_BYTES];
    assert_string_equal(api_route_allow(route, text), expected);
}

static void every_alias_has_the_same_operations(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(collections); i++) {
        static const char *const endings[] = {"", "/"};
        for (size_t ending = 0; ending < ARRAY_LENGTH(endings); ending++) {
            struct str rest;
            const struct api_route *route = find_below(collections[i], endings[ending], &rest);
            assert_non_null(route);
            assert_true(handler(route, HTTP_METHOD_GET) == api_find_list);
            assert_true(handler(route, HTTP_METHOD_POST) == api_media_post);
            assert_null(rest.data);
            expect_allow(route, "GET, HEAD, POST, OPTIONS");
        }
    }
}

static void one_more_segment_is_an_id(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "x", "019bbe4c-0000-7000-8000-000000000000", "a%2Fb", "%2F", "%", "a.b_c:d-e", "..", ";"};
    for (size_t i = 0; i < ARRAY_LENGTH(collections); i++) {
        for (size_t id = 0; id < ARRAY_LENGTH(ids); id++) {
            char rest_of_path[64];
            snprintf(rest_of_path, sizeof rest_of_path, "/%s", ids[id]);
            struct str rest;
            const struct api_route *route = find_below(collections[i], rest_of_path, &rest);
            assert_non_null(route);
            assert_true(handler(route, HTTP_METHOD_GET) == api_find_one &&
                        handler(route, HTTP_METHOD_POST) == NULL);
            assert_true(str_equal(rest, str_from(ids[id]))); /* raw: split before decoding */
            expect_allow(route, "GET, HEAD, OPTIONS");
        }
    }
}

static void probes_have_their_own_paths(void **state)
{
    (void)state;
    struct str rest;
    assert_true(handler(find("/livez", &rest), HTTP_METHOD_GET) == api_probe_live);
    assert_true(handler(find("/readyz", &rest), HTTP_METHOD_GET) == api_probe_ready);
    assert_true(handler(find("/health", &rest), HTTP_METHOD_GET) == api_probe_health);
    assert_true(handler(find("/health/", &rest), HTTP_METHOD_GET) == api_probe_health);
    assert_true(handler(find("/livez", &rest), HTTP_METHOD_POST) == NULL);
}

static void counts_have_one_path(void **state)
{
    (void)state;
    struct str rest;
    assert_true(handler(find("/api/v1/stats", &rest), HTTP_METHOD_GET) == api_stats);
    assert_true(handler(find("/api/v1/stats/", &rest), HTTP_METHOD_GET) == api_stats);
    assert_true(handler(find("/api/v1/stats", &rest), HTTP_METHOD_POST) == NULL);
}

static void users_can_be_erased(void **state)
{
    (void)state;
    struct str rest;
    assert_true(handler(find("/api/v1/users", &rest), HTTP_METHOD_DELETE) ==
                api_erase_user_of_query);
    assert_null(rest.data);
    const struct api_route *route = find("/api/v1/users/a%2Fb", &rest);
    assert_true(handler(route, HTTP_METHOD_DELETE) == api_erase_user &&
                handler(route, HTTP_METHOD_POST) == NULL);
    assert_true(str_equal(rest, STR("a%2Fb")));
    expect_allow(route, "GET, HEAD, DELETE, OPTIONS");
}

static void users_can_be_asked_for(void **state)
{
    (void)state;
    struct str rest;
    assert_true(handler(find("/api/v1/users", &rest), HTTP_METHOD_GET) == api_user_of_query);
    assert_true(handler(find("/api/v1/users/", &rest), HTTP_METHOD_GET) == api_user_of_query);
    assert_true(handler(find("/api/v1/users/ann", &rest), HTTP_METHOD_GET) == api_user);
    assert_true(str_equal(rest, STR("ann")));
    const struct api_route *route = find("/api/v1/users/a%2Fb/activities", &rest);
    assert_true(handler(route, HTTP_METHOD_GET) == api_timeline &&
                handler(route, HTTP_METHOD_DELETE) == NULL);
    assert_true(str_equal(rest, STR("a%2Fb")));
    expect_allow(route, "GET, HEAD, OPTIONS");
    assert_true(handler(find("/api/v1/users/activities/activities", &rest), HTTP_METHOD_GET) ==
                api_timeline);
    assert_true(str_equal(rest, STR("activities")));
    assert_true(handler(find("/api/v1/users/activities", &rest), HTTP_METHOD_GET) ==
                api_timeline_of_query);
    assert_true(handler(find("/api/v1/users/activities", &rest), HTTP_METHOD_DELETE) == NULL);
    assert_true(handler(find("/api/v1/users/%61ctivities", &rest), HTTP_METHOD_GET) == api_user);
    assert_true(handler(find("/api/v1/users/activitiesx", &rest), HTTP_METHOD_GET) == api_user);
    assert_true(handler(find("/api/v1/users/export", &rest), HTTP_METHOD_GET) ==
                api_user_export_of_query);
    assert_true(handler(find("/api/v1/users/a%2Fb/export", &rest), HTTP_METHOD_GET) ==
                api_user_export);
    assert_true(str_equal(rest, STR("a%2Fb")));
    assert_true(handler(find("/api/v1/users/activities/export", &rest), HTTP_METHOD_GET) ==
                api_user_export);
    assert_true(handler(find("/api/v1/users/export/export", &rest), HTTP_METHOD_GET) ==
                api_user_export);
    assert_true(handler(find("/api/v1/users/export/activities", &rest), HTTP_METHOD_GET) ==
                api_timeline);
    assert_true(handler(find("/api/v1/users/%65xport", &rest), HTTP_METHOD_GET) == api_user);
}

/* A misspelt name must not erase, nor answer with everybody's activities. */
static void every_route_says_its_parameters(void **state)
{
    (void)state;
    assert_ptr_equal(parameters("/logs", HTTP_METHOD_GET), &api_list_parameters);
    assert_ptr_equal(parameters("/logs", HTTP_METHOD_POST), &api_post_parameters);
    assert_ptr_equal(parameters("/logs/id", HTTP_METHOD_GET), &api_one_parameters);
    assert_ptr_equal(parameters("/api/v1/stats", HTTP_METHOD_GET), &api_stats_parameters);
    assert_ptr_equal(parameters("/api/v1/refused", HTTP_METHOD_GET), &api_refused_parameters);
    assert_ptr_equal(parameters("/api/v1/users", HTTP_METHOD_DELETE), &api_user_parameters);
    assert_null(parameters("/api/v1/users/ann", HTTP_METHOD_DELETE));
    assert_ptr_equal(parameters("/api/v1/users/ann", HTTP_METHOD_GET), &api_summary_parameters);
    assert_ptr_equal(parameters("/api/v1/users", HTTP_METHOD_GET),
                     &api_summary_of_query_parameters);
    assert_ptr_equal(parameters("/api/v1/users/ann/activities", HTTP_METHOD_GET),
                     &api_timeline_parameters);
    assert_ptr_equal(parameters("/readyz", HTTP_METHOD_GET), &api_verbose_parameters);
    assert_null(parameters("/health", HTTP_METHOD_GET));
}

/* HEAD is GET without the body; no other method stands for another. */
static void methods_lead_to_operations(void **state)
{
    (void)state;
    struct str rest;
    const struct api_route *route = find("/logs", &rest);
    const struct api_operation *get = api_route_operation(route, HTTP_METHOD_GET);
    assert_non_null(get);
    assert_ptr_equal(api_route_operation(route, HTTP_METHOD_HEAD), get);
    assert_ptr_not_equal(api_route_operation(route, HTTP_METHOD_POST), get);
    assert_null(api_route_operation(find("/api/v1/refused/resend", &rest), HTTP_METHOD_HEAD));
    static const enum http_method others[] = {HTTP_METHOD_OPTIONS, HTTP_METHOD_DELETE,
                                              HTTP_METHOD_PUT, HTTP_METHOD_PATCH,
                                              HTTP_METHOD_OTHER};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_null(api_route_operation(route, others[i]));
    }
}

static void what_is_allowed_is_what_there_is(void **state)
{
    (void)state;
    struct str rest;
    expect_allow(find("/livez", &rest), "GET, HEAD, OPTIONS");
    expect_allow(find("/api/v1/refused/resend", &rest), "POST, OPTIONS");
    expect_allow(find("/api/v1/users", &rest), "GET, HEAD, DELETE, OPTIONS");
    expect_allow(NULL, "GET, HEAD, POST, DELETE, OPTIONS");
}

static void nothing_else_matches(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "*",
        "//",
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/activities",
        "/log",
        "/logsx",
        "/logs-x",
        "/logs//",
        "/logs//x",
        "/logs/a/",
        "/logs/a/b",
        "/LOGS",
        "logs",
        "/livezz",
        "/livez/x",
        "/livez//",
        "/dashboard",
        "/dashboard/",
        "/dashboard/a/b",
        "/api/v1/users/a/b",
        "/api/v1/users//activities",
        "/api/v1/users/a/activities/",
        "/api/v1/users/a/activitiesx",
        "/api/v1/users/a/xactivities",
        "/api/v1/users/a/b/activities",
        "/api/v1/users//",
        "/users",
        "/health/x",
        "/api/v1/activities/a/b",
        "//logs",
        "/./logs",
        "/%6Cogs",
        "/logs%2Fx",
        "/api/v1/activitiesx",
        "/api/v1/stats/action",
        "/api/stats",
        "/stats",
        "/api%2Fv1/activities",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct str rest;
        if (find(paths[i], &rest) != NULL) {
            fail_msg("%s has a route", paths[i]);
        }
    }
}

/* A path is a slice: what stands behind it in memory is none of its business. */
static void reads_no_further_than_the_path(void **state)
{
    (void)state;
    static const char text[] = "/logs/id?userId=x";
    struct str rest;
    assert_true(handler(api_route_find((struct str){text, 5}, &rest), HTTP_METHOD_GET) ==
                api_find_list);
    assert_true(handler(api_route_find((struct str){text, 6}, &rest), HTTP_METHOD_GET) ==
                api_find_list);
    assert_null(api_route_find((struct str){text, 4}, &rest));
    assert_true(handler(api_route_find((struct str){text, 7}, &rest), HTTP_METHOD_GET) ==
                api_find_one);
    assert_true(str_equal(rest, STR("i")));
}

/* Requests are counted by these names, so two routes must not share one, and nothing of a path that
 * a client chose may be in it. */
static void every_route_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned number = 1; number <= api_route_count(); number++) {
        char room[HTTP_ROUTE_BYTES];
        struct str name = api_route_name(number, room);
        assert_true(name.len < HTTP_ROUTE_BYTES);
        assert_int_equal(api_route_number(api_route_at(number - 1)), number);
        for (unsigned other = 1; other < number; other++) {
            char other_room[HTTP_ROUTE_BYTES];
            assert_false(str_equal(name, api_route_name(other, other_room)));
        }
    }
    struct str rest;
    char room[HTTP_ROUTE_BYTES];
    unsigned number = api_route_number(find("/api/v1/users/somebody/activities", &rest));
    assert_true(str_equal(api_route_name(number, room), STR("/api/v1/users/{id}/activities")));
    assert_int_equal(api_route_number(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_alias_has_the_same_operations),
        cmocka_unit_test(one_more_segment_is_an_id),
        cmocka_unit_test(probes_have_their_own_paths),
        cmocka_unit_test(counts_have_one_path),
        cmocka_unit_test(users_can_be_erased),
        cmocka_unit_test(users_can_be_asked_for),
        cmocka_unit_test(every_route_says_its_parameters),
        cmocka_unit_test(methods_lead_to_operations),
        cmocka_unit_test(what_is_allowed_is_what_there_is),
        cmocka_unit_test(nothing_else_matches),
        cmocka_unit_test(reads_no_further_than_the_path),
        cmocka_unit_test(every_route_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
