/*
 * Guards links for viewers: each says its user and its end, and nothing that was changed or made
 * with another secret is taken.
 */
#include "domain/activity_rules.h"
#include "infrastructure/disk/lone_file.h"
#include "infrastructure/disk/small_file.h"
#include "infrastructure/viewer_link/viewer_link_hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const path = lone_file_path;

static struct viewer_links *open_links(void)
{
    struct viewer_links *links = NULL;
    struct error err = {0};
    if (viewer_link_make_secret(path, &random_system, &err) != STATUS_OK ||
        viewer_link_hmac_new(path, 2, &links, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return links;
}

static void issue(struct viewer_links *links, struct str user, struct buffer *token)
{
    buffer_init(token, 4096);
    struct viewer_link link = {.user_id = user, .expires_at_s = 1768435085};
    assert_int_equal(viewer_links_issue(links, 0, &link, token), STATUS_OK);
}

static enum status check(struct viewer_links *links, struct str token, struct str user)
{
    struct arena arena;
    struct viewer_link link;
    arena_init(&arena, 1 << 16);
    enum status status = viewer_links_check(links, 1, token, &arena, &link);
    if (status == STATUS_OK) {
        assert_true(str_equal(link.user_id, user));
        assert_int_equal(link.expires_at_s, 1768435085);
    }
    arena_deinit(&arena);
    return status;
}

static void a_link_says_whose_it_is(void **state)
{
    (void)state;
    static char longest[USER_ID_BYTES_MAX];
    memset(longest, 'u', sizeof longest);
    const struct str users[] = {STR("u"), STR("a/b \xc3\xbc"), {longest, sizeof longest}};
    CLEANUP(viewer_link_hmac_free) struct viewer_links *links = open_links();
    for (size_t i = 0; i < ARRAY_LENGTH(users); i++) {
        struct buffer token;
        issue(links, users[i], &token);
        assert_true(str_starts_with(buffer_str(&token), STR(VIEWER_LINK_PREFIX)));
        assert_int_equal(check(links, buffer_str(&token), users[i]), STATUS_OK);
        buffer_deinit(&token);
    }
}

static void a_changed_link_is_none(void **state)
{
    (void)state;
    CLEANUP(viewer_link_hmac_free) struct viewer_links *links = open_links();
    struct buffer token;
    issue(links, STR("user-1"), &token);
    for (size_t i = 0; i < token.len; i++) {
        char kept = token.data[i];
        for (int other = 0; other < 3; other++) {
            token.data[i] = "Aq_"[other] == kept ? '-' : "Aq_"[other];
            assert_int_equal(check(links, buffer_str(&token), STR("")), STATUS_NOT_FOUND);
        }
        token.data[i] = kept;
        assert_int_equal(check(links, (struct str){token.data, i}, STR("")), STATUS_NOT_FOUND);
    }
    buffer_append_char(&token, 'A');
    assert_int_equal(check(links, buffer_str(&token), STR("")), STATUS_NOT_FOUND);
    buffer_deinit(&token);
}

static void another_secret_ends_all_links(void **state)
{
    (void)state;
    struct viewer_links *links = open_links();
    struct buffer token;
    issue(links, STR("u"), &token);
    viewer_link_hmac_free(links);
    links = open_links(); /* the secret stays */
    assert_int_equal(check(links, buffer_str(&token), STR("u")), STATUS_OK);
    viewer_link_hmac_free(links);
    unlink(path);
    links = open_links();
    assert_int_equal(check(links, buffer_str(&token), STR("u")), STATUS_NOT_FOUND);
    viewer_link_hmac_free(links);
    buffer_deinit(&token);
}

static void a_bad_secret_is_told(void **state)
{
    (void)state;
    struct viewer_links *links = NULL;
    struct error err;
    assert_int_equal(viewer_link_hmac_new(path, 1, &links, &err), STATUS_NOT_FOUND);
    assert_int_equal(small_file_replace(path, STR("  0123456789012345678901234567890\n\n"), &err),
                     STATUS_OK);
    assert_int_equal(viewer_link_hmac_new(path, 1, &links, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "shorter than 32"));
    assert_int_equal(small_file_replace(path, STR("01234567890123456789012345678901"), &err),
                     STATUS_OK);
    assert_int_equal(viewer_link_hmac_new(path, 1, &links, &err), STATUS_OK);
    viewer_link_hmac_free(links);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(viewer_link_hmac_new(path, 1, &links, &err), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_says_whose_it_is, lone_file_make, lone_file_remove),
        cmocka_unit_test_setup_teardown(a_changed_link_is_none, lone_file_make, lone_file_remove),
        cmocka_unit_test_setup_teardown(another_secret_ends_all_links, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(a_bad_secret_is_told, lone_file_make, lone_file_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
