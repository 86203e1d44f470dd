/*
 * Guards which actions are denied: whole ones and beginnings, in any order of the lines, compared
 * with the plain search over all of them.
 */
#include "base/buffer.h"
#include "base/random.h"
#include "domain/denied_actions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct denied_actions *parse(struct str text)
{
    struct denied_actions *denied = NULL;
    struct error err = {0};
    if (denied_actions_parse(text, &denied, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return denied;
}

static void lines_name_actions_and_beginnings(void **state)
{
    (void)state;
    struct denied_actions *denied =
        parse(STR("# what nobody needs\n\nheartbeat\r\n  debug.*  \ndebug.more*\n\tx y\n*z"));
    static const char *const match[] = {"heartbeat", "debug.", "debug.more.x",
                                        "debug.x",   "x y",    "*z"};
    static const char *const others[] = {
        "heartbeats", "heartbea", "debug", "Debug.x", "x", "", "# what nobody needs", "z"};
    assert_int_equal(denied_actions_count(denied), 5);
    for (size_t i = 0; i < ARRAY_LENGTH(match); i++) {
        assert_true(denied_actions_match(denied, str_from(match[i])));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_false(denied_actions_match(denied, str_from(others[i])));
    }
    denied_actions_free(denied);
}

static void a_star_alone_denies_all(void **state)
{
    (void)state;
    struct denied_actions *denied = parse(STR("a\n*\nb*"));
    assert_true(denied_actions_match(denied, STR("anything")));
    assert_true(denied_actions_match(denied, STR("a")));
    denied_actions_free(denied);
    denied = parse(STR(""));
    assert_int_equal(denied_actions_count(denied), 0);
    assert_false(denied_actions_match(denied, STR("a")));
    denied_actions_free(denied);
}

static void a_wrong_line_is_told_by_its_number(void **state)
{
    (void)state;
    static char text[2048];
    struct denied_actions *denied = NULL;
    struct error err;
    assert_int_equal(denied_actions_parse(STR("a\n\n\xff\n"), &denied, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "line 3 "));
    memset(text, 'x', 1026);
    text[0] = '\n';
    assert_int_equal(denied_actions_parse((struct str){text, 1026}, &denied, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "line 2 "));
    assert_int_equal(denied_actions_parse((struct str){text, 1025}, &denied, &err), STATUS_OK);
    denied_actions_free(denied);
}

/* Words of few letters, so that many begin with each other. */
static struct str make_word(struct random *random, char word[8])
{
    size_t len = 1 + (size_t)random_below(random, 5);
    for (size_t i = 0; i < len; i++) {
        word[i] = (char)('a' + random_below(random, 2));
    }
    return (struct str){word, len};
}

static bool is_denied(char (*lines)[8], size_t count, struct str action)
{
    for (size_t i = 0; i < count; i++) {
        struct str line = str_from(lines[i]);
        bool star = line.data[line.len - 1] == '*';
        struct str begin = {line.data, line.len - star};
        if (star ? str_starts_with(action, begin) : str_equal(action, line)) {
            return true;
        }
    }
    return false;
}

static void the_searches_find_what_a_walk_finds(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 7);
    for (int round = 0; round < 300; round++) {
        char lines[6][8];
        struct buffer text;
        buffer_init(&text, 64);
        size_t count = 1 + (size_t)random_below(&random, 6);
        for (size_t i = 0; i < count; i++) {
            char word[8];
            struct str made = make_word(&random, word);
            snprintf(lines[i], sizeof lines[i], "%.*s%s", STR_FORMAT(made),
                     random_below(&random, 2) == 0 ? "*" : "");
            buffer_append_format(&text, "%s\n", lines[i]);
        }
        struct denied_actions *denied = parse(buffer_str(&text));
        buffer_deinit(&text);
        for (int ask = 0; ask < 50; ask++) {
            char word[8];
            struct str action = make_word(&random, word);
            assert_int_equal(denied_actions_match(denied, action), is_denied(lines, count, action));
        }
        denied_actions_free(denied);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_name_actions_and_beginnings),
        cmocka_unit_test(a_star_alone_denies_all),
        cmocka_unit_test(a_wrong_line_is_told_by_its_number),
        cmocka_unit_test(the_searches_find_what_a_walk_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
