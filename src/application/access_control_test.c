/*
 * Guards who may do what: each scope for itself, users where an answer can be narrowed to them, and
 * links for viewers nowhere but where they are meant.
 */
#include "application/access_control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define EXPIRES_AT_S 1000

static enum status find_key(struct key_ring *ring, unsigned reader, struct str key,
                            struct arena *arena, struct access_grant *out_grant)
{
    (void)ring;
    (void)reader;
    (void)arena;
    if (!str_equal(key, STR("ut_known"))) {
        return STATUS_NOT_FOUND;
    }
    *out_grant = (struct access_grant){.name = STR("known"), .scopes = ACCESS_WRITE};
    return STATUS_OK;
}

static enum status check_link(struct viewer_links *links, unsigned reader, struct str token,
                              struct arena *arena, struct viewer_link *out_link)
{
    (void)links;
    (void)reader;
    (void)arena;
    if (!str_equal(token, STR("utl_known"))) {
        return STATUS_NOT_FOUND;
    }
    *out_link = (struct viewer_link){.user_id = STR("u"), .expires_at_s = EXPIRES_AT_S};
    return STATUS_OK;
}

static const struct key_ring_operations ring_operations = {.find = find_key};
static const struct viewer_links_operations links_operations = {.check = check_link};

static enum status identify(const char *text, int64_t now_ms, bool has_links,
                            struct access_grant *out_grant)
{
    static struct arena arena;
    struct key_ring ring = {&ring_operations};
    struct viewer_links links = {&links_operations};
    struct access_control control = {&ring, has_links ? &links : NULL};
    arena_deinit(&arena);
    arena_init(&arena, 1 << 16);
    return access_control_identify(&control, &(struct access_credential){str_from(text), now_ms, 0},
                                   &arena, out_grant);
}

static void keys_and_links_are_told_apart(void **state)
{
    (void)state;
    struct access_grant grant;
    assert_int_equal(identify("ut_known", 0, true, &grant), STATUS_OK);
    assert_true(grant.scopes == ACCESS_WRITE && !grant.is_link);
    assert_int_equal(identify("utl_known", 0, true, &grant), STATUS_OK);
    assert_true(grant.scopes == ACCESS_READ && grant.is_link && grant.user_count == 1);
    assert_true(access_grant_covers_user(&grant, STR("u")));
    assert_int_equal(identify("ut_other", 0, true, &grant), STATUS_NOT_FOUND);
    assert_int_equal(identify("utl_other", 0, true, &grant), STATUS_NOT_FOUND);
    assert_int_equal(identify("", 0, true, &grant), STATUS_NOT_FOUND);
    assert_int_equal(identify("utl_known", 0, false, &grant), STATUS_NOT_FOUND);
}

static void a_link_ends(void **state)
{
    (void)state;
    struct access_grant grant;
    assert_int_equal(identify("utl_known", EXPIRES_AT_S * 1000 - 1, true, &grant), STATUS_OK);
    assert_int_equal(identify("utl_known", EXPIRES_AT_S * 1000, true, &grant), STATUS_NOT_FOUND);
}

static void each_scope_is_for_itself(void **state)
{
    (void)state;
    for (unsigned has = 0; has < 16; has++) {
        for (unsigned scope = 1; scope < 16; scope++) {
            struct access_grant grant = {.scopes = has};
            struct access_need need = {.scopes = scope};
            assert_int_equal(access_control_decide(&grant, &need),
                             (has & scope) == scope ? ACCESS_GRANTED : ACCESS_LACKS_SCOPE);
        }
    }
}

static void what_says_no_scope_is_for_nobody(void **state)
{
    (void)state;
    struct access_need need = {.limits_users = true, .is_for_viewers = true};
    assert_int_equal(access_control_decide(&access_grant_anybody, &need), ACCESS_LACKS_SCOPE);
}

static void users_and_viewers(void **state)
{
    (void)state;
    struct str user = STR("u");
    struct access_grant limited = {.scopes = 15, .users = &user, .user_count = 1};
    struct access_grant link = {
        .scopes = ACCESS_READ, .is_link = true, .users = &user, .user_count = 1};
    struct access_need of_users = {.scopes = ACCESS_READ, .limits_users = true};
    struct access_need of_all = {.scopes = ACCESS_READ};
    struct access_need of_viewers = {
        .scopes = ACCESS_READ, .limits_users = true, .is_for_viewers = true};
    assert_int_equal(access_control_decide(&limited, &of_users), ACCESS_GRANTED);
    assert_int_equal(access_control_decide(&limited, &of_all), ACCESS_LIMITED_TO_USERS);
    assert_int_equal(access_control_decide(&link, &of_users), ACCESS_NOT_FOR_VIEWERS);
    assert_int_equal(access_control_decide(&link, &of_all), ACCESS_NOT_FOR_VIEWERS);
    assert_int_equal(access_control_decide(&link, &of_viewers), ACCESS_GRANTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_links_are_told_apart),
        cmocka_unit_test(a_link_ends),
        cmocka_unit_test(each_scope_is_for_itself),
        cmocka_unit_test(what_says_no_scope_is_for_nobody),
        cmocka_unit_test(users_and_viewers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
