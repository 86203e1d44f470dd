/*
 * Guards what a key may do: scopes by name, users in any order, and questions that are narrowed to
 * the users of a key.
 */
#include "domain/access_grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void scopes_have_names(void **state)
{
    (void)state;
    unsigned scopes = 0;
    char text[ACCESS_SCOPES_TEXT_BYTES];
    assert_true(access_scopes_parse(STR("erase,write"), &scopes));
    assert_int_equal(scopes, ACCESS_WRITE | ACCESS_ERASE);
    access_scopes_format(scopes, text);
    assert_string_equal(text, "write,erase");
    assert_true(access_scopes_parse(STR("write,read,admin,erase"), &scopes));
    assert_int_equal(scopes, access_grant_anybody.scopes);
    access_scopes_format(scopes, text);
    assert_string_equal(text, "write,read,admin,erase");
    assert_string_equal(access_scope_name(ACCESS_ADMIN), "admin");
}

static void anything_else_is_no_scope(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       ",",      "write,", ",write", "write,write",
                                        "Write",  "all",    "*",      "read ",  "write;read",
                                        "writer", "write,x"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        unsigned scopes = 77;
        assert_false(access_scopes_parse(str_from(texts[i]), &scopes) && scopes != 77);
        assert_false(access_scopes_parse(str_from(texts[i]), &scopes));
    }
}

static void names_are_plain(void **state)
{
    (void)state;
    char longest[ACCESS_NAME_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest);
    assert_true(access_name_is_valid(STR("web-frontend_2.prod")));
    assert_true(access_name_is_valid((struct str){longest, ACCESS_NAME_BYTES_MAX}));
    assert_false(access_name_is_valid((struct str){longest, ACCESS_NAME_BYTES_MAX + 1}));
    static const char *const wrong[] = {"", "-x", "a b", "a/b", "#a", "\xc3\xa4", "a\n", "*"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(access_name_is_valid(str_from(wrong[i])));
    }
}

static void users_are_kept_in_order(void **state)
{
    (void)state;
    static char texts[ACCESS_USERS_MAX + 1][8];
    struct str users[ACCESS_USERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < ACCESS_USERS_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "u%zu", i * 37 % ACCESS_USERS_MAX);
        assert_int_equal(access_users_add(users, &count, str_from(texts[i])), STATUS_OK);
        assert_int_equal(access_users_add(users, &count, str_from(texts[i])), STATUS_OK);
    }
    assert_int_equal(count, ACCESS_USERS_MAX);
    assert_int_equal(access_users_add(users, &count, STR("one more")), STATUS_TOO_LARGE);
    for (size_t i = 1; i < count; i++) {
        assert_true(str_compare(users[i - 1], users[i]) < 0);
    }
    struct access_grant grant = {.users = users, .user_count = count};
    for (size_t i = 0; i < count; i++) {
        assert_true(access_grant_covers_user(&grant, str_from(texts[i])));
    }
    static const char *const others[] = {"", "u", "u00", "u64", "U1", "v", "u1 "};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_false(access_grant_covers_user(&grant, str_from(others[i])));
    }
}

static void without_a_list_all_users_are_covered(void **state)
{
    (void)state;
    assert_true(access_grant_covers_user(&access_grant_anybody, STR("anybody")));
    struct str asked[FILTER_NAMES_MAX] = {STR("x")};
    struct str refused;
    size_t count = 1;
    assert_true(access_grant_narrow(&access_grant_anybody, asked, &count, &refused));
    assert_int_equal(count, 1);
    count = 0;
    assert_true(access_grant_narrow(&access_grant_anybody, asked, &count, &refused));
    assert_int_equal(count, 0);
}

static void questions_are_narrowed(void **state)
{
    (void)state;
    struct str users[] = {STR("a"), STR("b")};
    struct access_grant grant = {.users = users, .user_count = 2};
    struct str asked[FILTER_NAMES_MAX];
    struct str refused = {0};
    size_t count = 0;
    assert_true(access_grant_narrow(&grant, asked, &count, &refused));
    assert_int_equal(count, 2);
    assert_true(str_equal(asked[0], STR("a")) && str_equal(asked[1], STR("b")));
    asked[0] = STR("b");
    count = 1;
    assert_true(access_grant_narrow(&grant, asked, &count, &refused));
    assert_int_equal(count, 1);
    asked[1] = STR("c");
    count = 2;
    assert_false(access_grant_narrow(&grant, asked, &count, &refused));
    assert_true(str_equal(refused, STR("c")));
}

static void a_copy_stands_alone(void **state)
{
    (void)state;
    char name[] = "name";
    char user[] = "user";
    struct str users[] = {{user, 4}};
    struct access_grant grant = {
        .name = {name, 4}, .scopes = ACCESS_READ, .users = users, .user_count = 1};
    struct access_grant copy;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    assert_true(access_grant_copy(&arena, &grant, &copy));
    memset(name, 'x', 4);
    memset(user, 'x', 4);
    users[0] = STR("other");
    assert_true(str_equal(copy.name, STR("name")));
    assert_true(copy.scopes == ACCESS_READ && access_grant_covers_user(&copy, STR("user")));
    arena_deinit(&arena);
    arena_init(&arena, 1);
    assert_false(access_grant_copy(&arena, &grant, &copy));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_have_names),
        cmocka_unit_test(anything_else_is_no_scope),
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(users_are_kept_in_order),
        cmocka_unit_test(without_a_list_all_users_are_covered),
        cmocka_unit_test(questions_are_narrowed),
        cmocka_unit_test(a_copy_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
