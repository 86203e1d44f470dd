/*
 * Guards who is let in: every route with no key, each scope, users and links; limits as they are
 * told; and what a key for some users may record and ask.
 */
#include "domain/denied_actions.h"
#include "interfaces/api/api_access.h"
#include "interfaces/api/api_bed.h"
#include "interfaces/api/api_link.h"
#include "interfaces/api/api_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static bool revoked; /* every key */

/* The ring knows keys that are their own scopes, "write,read", also "only-u:read" for user u. */
static enum status find_key(struct key_ring *ring, unsigned reader, struct str key,
                            struct arena *arena, struct access_grant *out_grant)
{
    static const struct str user = {"u", 1};
    struct access_grant grant = {.name = key};
    (void)ring;
    (void)arena;
    assert_int_equal(reader, 0);
    if (str_starts_with(key, STR("only-u:"))) {
        grant.users = &user;
        grant.user_count = 1;
        (void)str_split(&key, ':');
    }
    if (revoked || !access_scopes_parse(key, &grant.scopes)) {
        return STATUS_NOT_FOUND;
    }
    *out_grant = grant;
    return STATUS_OK;
}

/* The link of user u for ever. */
static enum status check_link(struct viewer_links *links, unsigned reader, struct str token,
                              struct arena *arena, struct viewer_link *out_link)
{
    (void)links;
    (void)reader;
    (void)arena;
    *out_link = (struct viewer_link){.user_id = STR("u"), .expires_at_s = INT64_MAX};
    return str_equal(token, STR("utl_u")) ? STATUS_OK : STATUS_NOT_FOUND;
}

static const struct key_ring_operations ring_operations = {.find = find_key};
static enum status issue_link(struct viewer_links *links, unsigned reader,
                              const struct viewer_link *link, struct buffer *out_token)
{
    (void)links;
    (void)reader;
    buffer_append_format(out_token, "utl_%.*s-%lld", STR_FORMAT(link->user_id),
                         (long long)link->expires_at_s);
    return STATUS_OK;
}

static const struct viewer_links_operations link_operations = {.issue = issue_link,
                                                               .check = check_link};
static struct key_ring ring = {&ring_operations};
static struct viewer_links links = {&link_operations};
static struct access_control control = {&ring, &links};
static struct shared_snapshot denied;
static _Atomic uint64_t reloads = 3;

static int setup(void **state)
{
    int failed = bed_setup(state);
    struct api_bed *bed = *state;
    if (failed == 0) {
        bed->api->config.access.control = &control;
    }
    return failed;
}

static const struct http_exchange *run_with(struct api_bed *bed, const char *key)
{
    char field[128];
    snprintf(field, sizeof field, "Bearer %s", key);
    if (key[0] != '\0') {
        bed_add_header(bed, STR("Authorization"), field);
    }
    return bed_run(bed);
}

static const struct http_exchange *get(struct api_bed *bed, const char *target, const char *key)
{
    bed_request(bed, HTTP_METHOD_GET, target);
    return run_with(bed, key);
}

static const struct http_exchange *post(struct api_bed *bed, const char *body, const char *key)
{
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/activities");
    bed_set_body(bed, body);
    bed->append_answer = STATUS_OK;
    return run_with(bed, key);
}

/* --- every route --- */

static const struct {
    enum http_method method;
    const char *name;
} methods[] = {
    {HTTP_METHOD_GET, "get"}, {HTTP_METHOD_POST, "post"}, {HTTP_METHOD_DELETE, "delete"}};

static void ask_route(struct api_bed *bed, const struct api_route *route, enum http_method method,
                      const char *key)
{
    static char path[128];
    snprintf(path, sizeof path, "%.*s%s%.*s", STR_FORMAT(route->path), route->has_id ? "/x" : "",
             (int)route->behind_id.len, route->behind_id.len == 0 ? "" : route->behind_id.data);
    bed_request(bed, method, path);
    if (method == HTTP_METHOD_POST) {
        bed_set_body(bed, BED_ONE);
    }
    run_with(bed, key);
}

static bool is_let_in(const struct api_bed *bed)
{
    return bed->exchange.status != 401 && bed->exchange.status != 403;
}

static void expect_scope_only(struct api_bed *bed, const struct api_route *route,
                              enum http_method method)
{
    const struct api_operation *operation = api_route_operation(route, method);
    for (unsigned scopes = 1; scopes < 16; scopes++) {
        char key[ACCESS_SCOPES_TEXT_BYTES];
        access_scopes_format(scopes, key);
        ask_route(bed, route, method, key);
        bool may = operation->is_open || (scopes & operation->needs) == operation->needs;
        assert_int_equal(is_let_in(bed), may);
    }
    ask_route(bed, route, method, "");
    assert_int_equal(bed->exchange.status == 401, !operation->is_open);
    ask_route(bed, route, method, "nonsense");
    assert_int_equal(bed->exchange.status == 401, !operation->is_open);
}

static void each_operation_is_for_its_scope_only(void **state)
{
    struct api_bed *bed = *state;
    const struct api_route *route;
    for (size_t i = 0; (route = api_route_at(i)) != NULL; i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(methods); j++) {
            if (api_route_operation(route, methods[j].method) != NULL) {
                expect_scope_only(bed, route, methods[j].method);
            }
        }
    }
}

/* Nothing is open by oversight. */
static void each_operation_says_what_it_needs(void **state)
{
    (void)state;
    const struct api_route *route;
    for (size_t i = 0; (route = api_route_at(i)) != NULL; i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(methods); j++) {
            const struct api_operation *operation = api_route_operation(route, methods[j].method);
            if (operation == NULL) {
                continue;
            }
            if (operation->is_open == (operation->needs != 0)) {
                fail_msg("%.*s %s", STR_FORMAT(route->path), methods[j].name);
            }
            assert_true(!route->is_probe || operation->is_open);
        }
    }
}

static void a_refusal_says_what_is_missing(void **state)
{
    struct api_bed *bed = *state;
    assert_true(bed_is_problem(get(bed, "/logs", ""), 401, "/problems/unauthorized"));
    assert_non_null(strstr(bed->exchange.fields, "WWW-Authenticate: Bearer realm="));
    assert_true(bed_is_problem(get(bed, "/logs", "write"), 403, "/problems/forbidden"));
    assert_true(bed_is_problem(get(bed, "/logs", "write"), 403, "the scope read"));
    assert_true(bed_is_problem(post(bed, BED_ONE, "read"), 403, "the scope write"));
    assert_true(bed_is_problem(get(bed, "/api/v1/refused", "read"), 403, "the scope admin"));
    assert_int_equal(get(bed, "/logs?limit=x", "read")->status, 400);
    assert_int_equal(get(bed, "/nowhere", "")->status, 404);
    bed_request(bed, HTTP_METHOD_OPTIONS, "/logs");
    assert_int_equal(bed_run(bed)->status, 204);
    bed_request(bed, HTTP_METHOD_PUT, "/logs");
    assert_int_equal(bed_run(bed)->status, 405);
}

/* --- users --- */

static void a_key_for_a_user_asks_about_this_user_only(void **state)
{
    struct api_bed *bed = *state;
    bed->rows = 1;
    bed->row.user_id = STR("u");
    assert_int_equal(get(bed, "/logs?userId=u", "only-u:read")->status, 200);
    assert_int_equal(get(bed, "/logs", "only-u:read")->status, 200);
    assert_int_equal(bed->find_filter_users, 1);
    assert_int_equal(get(bed, "/logs", "read")->status, 200);
    assert_int_equal(bed->find_filter_users, 0);
    assert_int_equal(get(bed, "/logs/export?userId=v", "only-u:read")->status, 403);
    assert_true(
        bed_is_problem(get(bed, "/logs?userId=v", "only-u:read"), 403, "\\\"v\\\" is none"));
    assert_int_equal(get(bed, "/logs?userId=u&userId=v", "only-u:read")->status, 403);
    assert_int_equal(get(bed, "/api/v1/stats?by=action", "only-u:read")->status, 200);
    assert_int_equal(bed->tally_asked.filter.user_ids.count, 1);
    assert_int_equal(get(bed, "/api/v1/stats?by=action&userId=v", "only-u:read")->status, 403);
    assert_true(bed_is_problem(get(bed, "/api/v1/refused", "only-u:admin"), 403, "all of them"));
}

static void anothers_activity_is_not_there(void **state)
{
    struct api_bed *bed = *state;
    bed->row.id = STR("own");
    bed->row.user_id = STR("u");
    assert_int_equal(get(bed, "/logs/own", "only-u:read")->status, 200);
    bed->row.user_id = STR("v");
    assert_int_equal(get(bed, "/logs/own", "read")->status, 200);
    assert_true(bed_is_problem(get(bed, "/logs/own", "only-u:read"), 404, "with this id"));
    assert_true(bed_is_problem(get(bed, "/logs/other", "only-u:read"), 404, "there is no such"));
}

static void a_key_for_a_user_records_for_this_user_only(void **state)
{
    struct api_bed *bed = *state;
    assert_int_equal(post(bed, BED_ONE, "only-u:write")->answers, 0);
    assert_int_equal(bed->appended_count, 1);
    bed->appended_count = 0;
    post(bed, "{\"userId\":\"v\",\"action\":\"a\"}", "only-u:write");
    assert_true(bed_is_problem(&bed->exchange, 403, "/problems/user-denied"));
    assert_int_equal(bed->appended_count, 0);
    post(bed, "[" BED_ONE ",{\"userId\":\"v\",\"action\":\"a\"}]", "only-u:write");
    assert_int_equal(bed->appended_count, 1);
    bed_complete(bed, STATUS_OK, 5, true);
    assert_non_null(strstr(bed->exchange.answer, "\"rejected\":1"));
    assert_non_null(strstr(bed->exchange.answer, "/problems/user-denied"));
}

/* --- links --- */

static void a_link_reads_its_user_and_nothing_else(void **state)
{
    struct api_bed *bed = *state;
    bed->row.user_id = STR("u");
    bed->row.id = STR("own");
    assert_int_equal(get(bed, "/logs", "utl_u")->status, 200);
    assert_int_equal(bed->find_filter_users, 1);
    assert_int_equal(get(bed, "/logs?token=utl_u&limit=3", "")->status, 200);
    assert_int_equal(get(bed, "/logs/own?token=utl_u", "")->status, 200);
    assert_int_equal(get(bed, "/logs?userId=v&token=utl_u", "")->status, 403);
    assert_int_equal(get(bed, "/logs?token=utl_x", "")->status, 401);
    assert_int_equal(get(bed, "/logs?token=read", "")->status, 401); /* a key does not go there */
    assert_int_equal(get(bed, "/api/v1/stats?by=action&token=utl_u", "")->status, 403);
    assert_int_equal(post(bed, BED_ONE, "utl_u")->status, 403);
    assert_int_equal(get(bed, "/api/v1/refused", "utl_u")->status, 403);
}

static void a_link_is_made_by_who_may_read_and_administer(void **state)
{
    struct api_bed *bed = *state;
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/users/a%2Fb/links");
    bed_set_body(bed, "{ \"expiresIn\" : 60 }");
    bed->now_ns = UINT64_C(1768435085000000000);
    run_with(bed, "read,admin");
    assert_int_equal(bed->exchange.status, 201);
    assert_string_equal(
        bed->exchange.answer,
        "{\"status\":\"success\",\"userId\":\"a/b\","
        "\"expiresAt\":\"2026-01-14T23:59:05.000Z\",\"token\":\"utl_a/b-1768435145\","
        "\"activities\":\"/api/v1/activities?token=utl_a/b-1768435145\"}");
    assert_non_null(strstr(bed->exchange.fields, "Cache-Control: no-store"));
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/users/u/links");
    assert_true(bed_is_problem(run_with(bed, "read"), 403, "the scope admin"));
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/users/u/links");
    assert_int_equal(run_with(bed, "only-u:read,admin")->status, 201);
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/users/v/links");
    assert_int_equal(run_with(bed, "only-u:read,admin")->status, 403);
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/users/null/links");
    assert_true(bed_is_problem(run_with(bed, "read,admin"), 400, "/problems/invalid-link"));
    bed->api->config.access.control = NULL;
    bed_request(bed, HTTP_METHOD_POST, "/api/v1/users/u/links");
    assert_true(bed_is_problem(bed_run(bed), 404, "/problems/no-links"));
}

static void a_link_lasts_as_long_as_said(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        uint64_t seconds; /* 0: refused */
    } cases[] = {
        {"", 3600},
        {"{}", 3600},
        {" { } ", 3600},
        {"{\"expiresIn\":1}", 1},
        {"\n{\t\"expiresIn\" : 2592000 }\r\n", 2592000},
        {"{\"expiresIn\":0}", 0},
        {"{\"expiresIn\":2592001}", 0},
        {"{\"expiresIn\":-1}", 0},
        {"{\"expiresIn\":1.5}", 0},
        {"{\"expiresIn\":\"60\"}", 0},
        {"{\"expiresIn\":true}", 0},
        {"{\"expires In\":60}", 0},
        {"{\"expiresIn\":9 00}", 0},
        {"{\"expiresIn\":}", 0},
        {"{ } {", 0},
        {"{\"expiresIn\":60,\"x\":1}", 0},
        {"{\"expiresIn\":60}}", 0},
        {"{\"expiresIn\":60", 0},
        {"60", 0},
        {"[]", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint64_t seconds = 0;
        bool read = api_link_read_seconds(str_from(cases[i].body), &seconds);
        if (read != (cases[i].seconds > 0) || seconds != cases[i].seconds) {
            fail_msg("%s", cases[i].body);
        }
    }
}

/* --- what lasts --- */

static void a_key_that_went_before_its_stream_began_ends_it(void **state)
{
    struct api_bed *bed = *state;
    struct str rest;
    struct api_pass pass;
    struct arena arena;
    bed->api->config.access.reloads = &reloads;
    bed_request(bed, HTTP_METHOD_GET, "/logs/stream");
    bed_add_header(bed, STR("Authorization"), "Bearer read");
    struct api_call call = {
        .api = bed->api, .exchange = &bed->exchange, .request = &bed->exchange.request};
    call.operation =
        api_route_operation(api_route_find(STR("/logs/stream"), &rest), HTTP_METHOD_GET);
    assert_true(api_access_admits(&call));
    revoked = true;
    reloads++;
    arena_init(&arena, 4096);
    assert_true(api_access_take_pass(&call, &arena, &pass));
    assert_false(api_access_still_admits(api_call_loop(&call), &pass));
    arena_deinit(&arena);
    revoked = false;
    reloads--;
}

/* --- actions --- */

static void a_denied_action_is_not_recorded(void **state)
{
    struct api_bed *bed = *state;
    struct denied_actions *rules = NULL;
    struct error err;
    assert_int_equal(denied_actions_parse(STR("a\n"), &rules, &err), STATUS_OK);
    assert_int_equal(shared_snapshot_init(&denied, 1), STATUS_OK);
    assert_null(shared_snapshot_replace(&denied, rules));
    bed->api->config.access = (struct api_access_config){.denied_actions = &denied};
    assert_true(bed_is_problem(post(bed, BED_ONE, ""), 403, "/problems/action-denied"));
    post(bed, "[" BED_ONE ",{\"userId\":\"v\",\"action\":\"b\"}]", "");
    assert_int_equal(bed->appended_count, 1);
    denied_actions_free(shared_snapshot_replace(&denied, NULL));
    assert_int_equal(post(bed, BED_ONE, "")->answers, 0);
    shared_snapshot_deinit(&denied);
}

/* --- limits --- */

static void limit(struct rate_limiter **limiter, uint64_t burst)
{
    assert_int_equal(rate_limiter_new(&random_system, limiter), STATUS_OK);
    assert_int_equal(rate_limiter_reserve(*limiter), STATUS_OK);
    rate_limiter_set_limit(*limiter, (struct rate_limit){10, burst}, 1);
}

static void a_key_is_told_its_limit(void **state)
{
    struct api_bed *bed = *state;
    struct api_access_config *config = &bed->api->config.access;
    limit(&config->key_limiter, 3);
    get(bed, "/logs", "read");
    assert_non_null(strstr(bed->exchange.fields,
                           "RateLimit-Policy: \"key\";q=3;w=1\nRateLimit: \"key\";r=2;t=1\n"));
    get(bed, "/logs", "read");
    get(bed, "/logs", "read");
    assert_true(bed_is_problem(get(bed, "/logs", "read"), 429, "/problems/rate-limited"));
    assert_string_equal(bed->exchange.retry_after, "1");
    assert_non_null(strstr(bed->exchange.fields, "\"key\";r=0;t=1"));
    assert_int_equal(get(bed, "/logs", "read,write")->status, 200); /* another key */
    assert_int_equal(get(bed, "/livez", "")->status, 200);
    rate_limiter_free(config->key_limiter);
}

static void an_array_counts_as_its_activities(void **state)
{
    struct api_bed *bed = *state;
    struct api_access_config *config = &bed->api->config.access;
    limit(&config->key_limiter, 4);
    assert_int_equal(post(bed, "[" BED_ONE ",1,2]", "write")->answers, 0);
    assert_non_null(strstr(bed->exchange.fields, "\"key\";r=1;t=1"));
    assert_int_equal(post(bed, "[" BED_ONE ",1,2,3]", "write")->answers, 0); /* owes three */
    assert_int_equal(post(bed, BED_ONE, "write")->status, 429);
    assert_string_equal(bed->exchange.retry_after, "1");
    rate_limiter_free(config->key_limiter);
}

static void an_address_has_a_limit_before_its_key(void **state)
{
    struct api_bed *bed = *state;
    struct api_access_config *config = &bed->api->config.access;
    limit(&config->address_limiter, 2);
    assert_int_equal(get(bed, "/logs", "")->status, 401);
    assert_int_equal(get(bed, "/logs", "nonsense")->status, 401);
    assert_int_equal(get(bed, "/logs", "read")->status, 429); /* whoever tries keys waits, too */
    assert_null(bed->exchange.caller);                        /* nor does it go on */
    assert_non_null(strstr(bed->exchange.fields, "RateLimit-Policy: \"address\";q=2;w=1\n"));
    bed_request(bed, HTTP_METHOD_GET, "/logs");
    bed->exchange.peer = (struct http_peer){.bytes = {0x20, 1}};
    assert_int_equal(run_with(bed, "read")->status, 200);
    rate_limiter_free(config->address_limiter);
}

static void a_limit_that_is_turned_off_says_nothing_any_more(void **state)
{
    struct api_bed *bed = *state;
    struct api_access_config *config = &bed->api->config.access;
    limit(&config->key_limiter, 3);
    get(bed, "/logs", "read");
    assert_non_null(strstr(bed->exchange.fields, "\"key\";r=2;t=1"));
    uint64_t now_ns = clock_monotonic_ns(bed->api->config.clock);
    rate_limiter_set_limit(config->key_limiter, (struct rate_limit){20, 2}, now_ns);
    get(bed, "/logs", "read");
    assert_non_null(strstr(bed->exchange.fields, "RateLimit-Policy: \"key\";q=2;w=1\n"));
    rate_limiter_set_limit(config->key_limiter, (struct rate_limit){0}, now_ns);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(get(bed, "/logs", "read")->status, 200);
        assert_null(strstr(bed->exchange.fields, "RateLimit"));
    }
    rate_limiter_free(config->key_limiter);
}

static void what_was_let_in_by_a_limit_that_went_is_not_charged(void **state)
{
    struct api_bed *bed = *state;
    struct api_access_config *config = &bed->api->config.access;
    char detail[API_LIMIT_DETAIL_BYTES];
    struct http_problem problem;
    limit(&config->key_limiter, 3);
    struct api_caller caller = {0};
    assert_true(rate_limiter_enter(config->key_limiter, caller.key, 1, &caller.key_standing));
    assert_true(api_access_charges_lines(bed->api->loops, &caller, 10, detail, &problem));
    assert_false(api_access_charges_lines(bed->api->loops, &caller, 10, detail, &problem));
    rate_limiter_set_limit(config->key_limiter, (struct rate_limit){0}, 1);
    assert_true(api_access_charges_lines(bed->api->loops, &caller, 10, detail, &problem));
    assert_int_equal(caller.key_standing.limit.per_second, 0);
    rate_limiter_free(config->key_limiter);
}

/* --- what is told of it --- */

static void health_counts_who_was_not_let_in(void **state)
{
    struct api_bed *bed = *state;
    assert_null(strstr(get(bed, "/health", "")->answer, "\"access\""));
    bed->api->config.access.reloads = &reloads;
    get(bed, "/logs", "");
    get(bed, "/logs", "x");
    get(bed, "/logs", "write");
    assert_non_null(strstr(get(bed, "/health", "")->answer,
                           "\"access\":{\"keys\":0,\"unauthorized\":2,\"forbidden\":1,"
                           "\"limited\":0,\"reloads\":3,\"failedReloads\":0}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_says_what_it_needs),
        cmocka_unit_test_setup_teardown(each_operation_is_for_its_scope_only, setup, bed_teardown),
        cmocka_unit_test_setup_teardown(a_refusal_says_what_is_missing, setup, bed_teardown),
        cmocka_unit_test_setup_teardown(a_key_for_a_user_asks_about_this_user_only, setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(anothers_activity_is_not_there, setup, bed_teardown),
        cmocka_unit_test_setup_teardown(a_key_for_a_user_records_for_this_user_only, setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(a_link_reads_its_user_and_nothing_else, setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(a_link_is_made_by_who_may_read_and_administer, setup,
                                        bed_teardown),
        cmocka_unit_test(a_link_lasts_as_long_as_said),
        cmocka_unit_test_setup_teardown(a_key_that_went_before_its_stream_began_ends_it, setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(a_denied_action_is_not_recorded, setup, bed_teardown),
        cmocka_unit_test_setup_teardown(a_key_is_told_its_limit, setup, bed_teardown),
        cmocka_unit_test_setup_teardown(an_array_counts_as_its_activities, setup, bed_teardown),
        cmocka_unit_test_setup_teardown(an_address_has_a_limit_before_its_key, setup, bed_teardown),
        cmocka_unit_test_setup_teardown(a_limit_that_is_turned_off_says_nothing_any_more, setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(what_was_let_in_by_a_limit_that_went_is_not_charged, setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(health_counts_who_was_not_let_in, setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
