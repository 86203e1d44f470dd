/* Guards the walk over a command's options: either notation, any order, and that nothing unknown,
 * repeated or half is taken for something. */
#include "base/macros.h"
#include "interfaces/cli/option_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { WORDS_MAX = 8, WORD_BYTES = 32 };

struct found {
    const char *name;
    const char *number;
    bool loud;
    const char *others[WORDS_MAX];
    size_t other_count;
};

static enum status keep_text(void *context, const struct option_found *next, struct error *err)
{
    struct found *found = context;
    if (strcmp(next->text, "wrong") == 0) {
        return error_set(err, STATUS_INVALID, 0, "that is wrong");
    }
    assert_null(next->option);
    found->others[found->other_count++] = next->text;
    return STATUS_OK;
}

static enum status walk_words(const char *const *words, struct found *found, struct error *err)
{
    static char storage[WORDS_MAX][WORD_BYTES];
    char *arguments[WORDS_MAX];
    int count = 0;
    for (; words[count] != NULL; count++) {
        assert_true(count < WORDS_MAX);
        snprintf(storage[count], sizeof storage[count], "%s", words[count]);
        arguments[count] = storage[count];
    }
    *found = (struct found){0};
    const struct option options[] = {{.name = "name", .value = &found->name},
                                     {.name = "loud", .letter = 'l', .given = &found->loud},
                                     {.name = "number", .letter = 'n', .value = &found->number}};
    struct option_walk walk = OPTION_WALK(options, count, arguments);
    return option_walk_all(&walk, &(struct option_taker){keep_text, found}, err);
}

#define WALK(found, err, ...) walk_words((const char *const[]){__VA_ARGS__, NULL}, (found), (err))

static void letters_are_short_for_names(void **state)
{
    (void)state;
    struct found found;
    struct error err;
    assert_int_equal(WALK(&found, NULL, "-l", "-n", "5", "-x", "-"), STATUS_OK);
    assert_true(found.loud);
    assert_string_equal(found.number, "5");
    assert_int_equal(found.other_count, 2);
    assert_string_equal(found.others[0], "-x");
    assert_int_equal(WALK(&found, &err, "-n", "5", "--number", "6"), STATUS_INVALID);
    assert_int_equal(WALK(&found, &err, "-n"), STATUS_INVALID);
    assert_int_equal(WALK(&found, NULL, "-ln"), STATUS_OK);
    assert_string_equal(found.others[0], "-ln");
}

static void either_notation_among_others(void **state)
{
    (void)state;
    struct found found;
    assert_int_equal(WALK(&found, NULL, "one", "--name", "--x", "-", "--loud", "two"), STATUS_OK);
    assert_string_equal(found.name, "--x");
    assert_true(found.loud);
    assert_int_equal(found.other_count, 3);
    assert_string_equal(found.others[0], "one");
    assert_string_equal(found.others[1], "-");
    assert_string_equal(found.others[2], "two");
    assert_int_equal(WALK(&found, NULL, "--name=a=b"), STATUS_OK);
    assert_string_equal(found.name, "a=b");
    assert_false(found.loud);
}

static void nothing_is_left_at_once(void **state)
{
    (void)state;
    struct found found;
    assert_int_equal(walk_words((const char *const[]){NULL}, &found, NULL), STATUS_OK);
    assert_null(found.name);
    assert_int_equal(found.other_count, 0);
}

#define REFUSED(words, ...)                                                                        \
    assert_int_equal(WALK(&found, &err, __VA_ARGS__), STATUS_INVALID);                             \
    assert_string_equal(err.message, words)

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    struct found found;
    struct error err;
    REFUSED("there is no option \"--nam\"", "--nam", "x");
    REFUSED("there is no option \"--names=x\"", "--names=x");
    REFUSED("there is no option \"--\"", "--");
    REFUSED("--name may be given once only", "--name=a", "--name", "b");
    REFUSED("--name needs a value", "--name");
    REFUSED("--name needs a value", "--name=");
    REFUSED("--loud takes no value", "--loud=yes");
    REFUSED("--loud may be given once only", "--loud", "--loud");
}

/* Nothing behind it is taken, so that the first thing that is wrong is the one that is told. */
static void who_takes_ends_the_walk(void **state)
{
    (void)state;
    struct found found;
    struct error err;
    REFUSED("that is wrong", "one", "wrong", "--name=a", "two", "--unknown");
    assert_null(found.name);
    assert_int_equal(found.other_count, 1);
    const struct option_found other = {.text = "x"};
    assert_int_equal(option_take_none(NULL, &other, &err), STATUS_INVALID);
    assert_string_equal(err.message, "\"x\" is not understood here; options begin with --");
}

static void who_walks_reads_what_has_no_place(void **state)
{
    (void)state;
    static const struct option options[] = {{.name = "each", .repeatable = true},
                                            {.name = "all", .is_switch = true}};
    char words[][WORD_BYTES] = {"--each", "", "--all", "--each=b", "--all"};
    char *arguments[] = {words[0], words[1], words[2], words[3], words[4]};
    struct option_walk walk = {.options = options,
                               .option_count = ARRAY_LENGTH(options),
                               .next = arguments,
                               .left = ARRAY_LENGTH(arguments)};
    struct option_found found;
    assert_int_equal(option_walk_next(&walk, &found, NULL), STATUS_OK);
    assert_ptr_equal(found.option, &options[0]);
    assert_string_equal(found.text, "");
    assert_int_equal(option_walk_next(&walk, &found, NULL), STATUS_OK);
    assert_ptr_equal(found.option, &options[1]);
    assert_null(found.text);
    assert_int_equal(option_walk_next(&walk, &found, NULL), STATUS_OK);
    assert_ptr_equal(found.option, &options[0]);
    assert_string_equal(found.text, "b");
    assert_int_equal(option_walk_next(&walk, &found, NULL), STATUS_INVALID);
}

static void what_is_somebody_elses_stays_in_order(void **state)
{
    (void)state;
    const char *name = NULL;
    const struct option options[] = {{.name = "name", .value = &name}};
    char words[][WORD_BYTES] = {"--store", "x", "--name=a", "one", "--names"};
    char *arguments[] = {words[0], words[1], words[2], words[3], words[4]};
    struct option_walk walk = {.options = options,
                               .option_count = ARRAY_LENGTH(options),
                               .next = arguments,
                               .left = ARRAY_LENGTH(arguments),
                               .passes_unknown = true};
    int others = 0;
    assert_int_equal(option_walk_take_out(&walk, &others, NULL), STATUS_OK);
    assert_string_equal(name, "a");
    assert_int_equal(others, 4);
    assert_ptr_equal(arguments[0], words[0]);
    assert_ptr_equal(arguments[1], words[1]);
    assert_ptr_equal(arguments[2], words[3]);
    assert_ptr_equal(arguments[3], words[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_short_for_names),
        cmocka_unit_test(either_notation_among_others),
        cmocka_unit_test(nothing_is_left_at_once),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(who_takes_ends_the_walk),
        cmocka_unit_test(who_walks_reads_what_has_no_place),
        cmocka_unit_test(what_is_somebody_elses_stays_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
