/*
 * Guards the arguments of keys, and that what they say reaches the file.
 */
#include "interfaces/cli/cli.h"
#include "interfaces/cli/keys_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { WORDS_MAX = 160 };

static struct access_grant seen;
static struct str seen_users[ACCESS_USERS_MAX];
static const char *seen_path;
static char seen_name[ACCESS_NAME_BYTES_MAX + 1];
static int calls;
static enum status answer;

static void keep(const char *path, struct str name)
{
    calls++;
    seen_path = path;
    snprintf(seen_name, sizeof seen_name, "%.*s", STR_FORMAT(name));
}

static enum status create(const char *path, const struct access_grant *grant,
                          char out_key[KEYS_TEXT_BYTES], struct error *err)
{
    keep(path, grant->name);
    seen = *grant;
    memcpy(seen_users, grant->users, grant->user_count * sizeof *grant->users);
    snprintf(out_key, KEYS_TEXT_BYTES, "ut_key");
    return answer == STATUS_OK ? STATUS_OK : error_set(err, answer, 0, "the double says no");
}

static enum status list(const char *path, keys_visit *visit, void *context, struct error *err)
{
    keep(path, STR(""));
    visit(&(struct keys_entry){.grant = &access_grant_anybody}, context);
    return answer == STATUS_OK ? STATUS_OK : error_set(err, answer, 0, "the double says no");
}

static enum status revoke(const char *path, struct str name, struct error *err)
{
    keep(path, name);
    return answer == STATUS_OK ? STATUS_OK : error_set(err, answer, 0, "the double says no");
}

static const struct keys_access access_double = {create, list, revoke};

static int run(const char *line)
{
    static char copy[4096];
    static char *words[WORDS_MAX];
    int count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    char *rest;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    calls = 0;
    return command_keys(&access_double, count, words);
}

static void a_key_is_made_as_said(void **state)
{
    (void)state;
    answer = STATUS_OK;
    assert_int_equal(run("create --keys-file f --scopes read,erase --name web --user b --user=a"),
                     EXIT_FINE);
    assert_int_equal(calls, 1);
    assert_string_equal(seen_path, "f");
    assert_string_equal(seen_name, "web");
    assert_int_equal(seen.scopes, ACCESS_READ | ACCESS_ERASE);
    assert_int_equal(seen.user_count, 2);
    assert_true(str_equal(seen_users[0], STR("a")) && str_equal(seen_users[1], STR("b")));
    answer = STATUS_DUPLICATE;
    assert_int_equal(run("create --keys-file f --scopes read --name web"), EXIT_FAILED);
}

static void keys_are_listed_and_revoked(void **state)
{
    (void)state;
    answer = STATUS_OK;
    assert_int_equal(run("list --keys-file f"), EXIT_FINE);
    assert_int_equal(run("revoke --keys-file f --name web"), EXIT_FINE);
    assert_string_equal(seen_name, "web");
    answer = STATUS_NOT_FOUND;
    assert_int_equal(run("list --keys-file f"), EXIT_FAILED);
    assert_int_equal(run("revoke --keys-file f --name web"), EXIT_FAILED);
}

static void wrong_arguments_change_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "make --keys-file f",
        "create",
        "create --scopes read --name web",
        "create --keys-file f --name web",
        "create --keys-file f --scopes read",
        "create --keys-file f --scopes all --name web",
        "create --keys-file f --scopes read --name a/b",
        "create --keys-file f --scopes read --name web --user null",
        "create --keys-file f --scopes read --name web --scopes read",
        "create --keys-file f --scopes read --name web more",
        "create --keys-file f --scopes read --name web --limit 4",
        "list",
        "list --keys-file f --name web",
        "list --keys-file f --user u",
        "revoke --keys-file f",
        "revoke --keys-file f --name web --scopes read",
        "revoke --keys-file f --name web --user u",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        if (run(lines[i]) != EXIT_USAGE || calls != 0) {
            fail_msg("%s", lines[i]);
        }
    }
}

static void a_key_has_no_more_users_than_a_question(void **state)
{
    (void)state;
    char line[4096];
    int used = snprintf(line, sizeof line, "create --keys-file f --scopes read --name web");
    answer = STATUS_OK;
    for (int i = 0; i < ACCESS_USERS_MAX; i++) {
        used += snprintf(line + used, sizeof line - (size_t)used, " --user u%d", i);
    }
    assert_int_equal(run(line), EXIT_FINE);
    assert_int_equal(seen.user_count, ACCESS_USERS_MAX);
    snprintf(line + used, sizeof line - (size_t)used, " --user x");
    assert_int_equal(run(line), EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_made_as_said),
        cmocka_unit_test(keys_are_listed_and_revoked),
        cmocka_unit_test(wrong_arguments_change_nothing),
        cmocka_unit_test(a_key_has_no_more_users_than_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
