/* Guards the arguments of commands that look into a folder: what each option means, in either
 * notation and any order, and that nothing unknown, repeated or half is taken for something. */
#include "base/timestamp.h"
#include "interfaces/cli/folder_arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { WORDS_MAX = 80 };

static enum status read_all(struct folder_question *question, const char *value, struct error *err)
{
    (void)err;
    assert_null(value);
    question->count = true;
    return STATUS_OK;
}

static const struct folder_option items[] = {FOLDER_FILTER_OPTIONS,
                                             {.name = "all", .is_switch = true, .read = read_all}};
static const struct folder_options options = {items, ARRAY_LENGTH(items)};

static enum status read_words(const char *const *words, struct folder_question *out_question,
                              struct error *err)
{
    static char storage[WORDS_MAX][64];
    char *arguments[WORDS_MAX];
    int count = 0;
    for (; words[count] != NULL; count++) {
        assert_true(count < WORDS_MAX);
        snprintf(storage[count], sizeof storage[count], "%s", words[count]);
        arguments[count] = storage[count];
    }
    return folder_arguments_read(&options, count, arguments, out_question, err);
}

#define READ(question, err, ...)                                                                   \
    read_words((const char *const[]){__VA_ARGS__, NULL}, (question), (err))

static void a_folder_alone_asks_for_everything(void **state)
{
    (void)state;
    struct folder_question question;
    assert_int_equal(READ(&question, NULL, "data"), STATUS_OK);
    assert_string_equal(question.directory, "data");
    assert_int_equal(question.filter.user_ids.count, 0);
    assert_int_equal(question.filter.actions.count, 0);
    assert_false(activity_filter_asks_metadata(&question.filter));
    assert_int_equal(question.filter.from_ms, TIMESTAMP_MS_MIN);
    assert_int_equal(question.filter.to_ms, TIMESTAMP_MS_MAX + 1);
    assert_int_equal(question.order, ORDER_NEWEST_FIRST);
    assert_true(question.limit == UINT64_MAX);
    assert_false(question.count);
    assert_null(question.output);
}

static void options_come_in_any_order_and_notation(void **state)
{
    (void)state;
    struct folder_question question;
    assert_int_equal(READ(&question, NULL, "--user", "a", "--all", "--user=b", "data", "--user",
                          "a", "--action", "--user", "--from=1970-01-01T00:00:01Z", "--to",
                          "1970-01-01T02:00:02+02:00"),
                     STATUS_OK);
    assert_string_equal(question.directory, "data");
    assert_int_equal(question.filter.user_ids.count, 2);
    assert_true(str_equal(question.filter.user_ids.items[0], STR("a")));
    assert_true(str_equal(question.filter.user_ids.items[1], STR("b")));
    assert_int_equal(question.filter.actions.count, 1);
    assert_true(str_equal(question.filter.actions.items[0], STR("--user")));
    assert_int_equal(question.filter.from_ms, 1000);
    assert_int_equal(question.filter.to_ms, 2000);
    assert_true(question.count);
    assert_int_equal(READ(&question, NULL, "d", "--user=a=b"), STATUS_OK);
    assert_true(str_equal(question.filter.user_ids.items[0], STR("a=b")));
}

/* The first sign of equality ends the path; the rest is value. */
static void metadata_is_asked_for_by_path(void **state)
{
    (void)state;
    struct folder_question question;
    assert_int_equal(READ(&question, NULL, "d", "--metadata", "cart.coupon=a=b", "--metadata=n=1",
                          "--metadata=n=", "--metadata", "a\\.b=x"),
                     STATUS_OK);
    assert_ptr_equal(question.filter.metadata, &question.metadata.filter);
    assert_true(
        metadata_filter_matches(&question.metadata.filter,
                                STR("{\"n\":\"\",\"a.b\":\"x\",\"cart\":{\"coupon\":\"a=b\"}}")));
    assert_false(metadata_filter_matches(
        &question.metadata.filter, STR("{\"n\":2,\"a.b\":\"x\",\"cart\":{\"coupon\":\"a=b\"}}")));
    assert_int_equal(question.metadata.filter.value_count, 4);
}

static void what_is_left_out_is_said_likewise(void **state)
{
    (void)state;
    struct folder_question question;
    assert_int_equal(READ(&question, NULL, "d", "--not-user=a", "--not-user", "b", "--not-user=a",
                          "--user=a", "--not-action", "x", "--not-metadata", "n=1",
                          "--not-metadata=cart.coupon=a=b"),
                     STATUS_OK);
    const struct activity_exclusions *excluded = &question.filter.excluded;
    assert_int_equal(question.filter.user_ids.count, 1);
    assert_int_equal(excluded->user_ids.count, 2);
    assert_true(str_equal(excluded->user_ids.items[1], STR("b")));
    assert_int_equal(excluded->actions.count, 1);
    assert_true(str_equal(excluded->actions.items[0], STR("x")));
    assert_true(metadata_filter_finds_any(excluded->metadata, STR("{\"n\":1}")));
    assert_true(
        metadata_filter_finds_any(excluded->metadata, STR("{\"cart\":{\"coupon\":\"a=b\"}}")));
    assert_int_equal(question.metadata.filter.value_count, 0);
}

#define REFUSED(words, ...)                                                                        \
    do {                                                                                           \
        struct folder_question question;                                                           \
        struct error err;                                                                          \
        assert_int_equal(READ(&question, &err, __VA_ARGS__), STATUS_INVALID);                      \
        assert_non_null(strstr(err.message, (words)));                                             \
    } while (0)

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    REFUSED("the folder is missing", "--all");
    REFUSED("\"two\"", "one", "two");
    REFUSED("\"-u\"", "one", "-u");
    REFUSED("\"-x\"", "one", "-x");
    REFUSED("\"\"", "");
    REFUSED("\"--usr=a\"", "one", "--usr=a");
    REFUSED("\"--\"", "one", "--");
    REFUSED("--user needs a value", "one", "--user");
    REFUSED("--user needs a text", "one", "--user=");
    REFUSED("--action needs a text", "one", "--action", "\xc3");
    REFUSED("--metadata needs PATH=VALUE", "one", "--metadata", "plan");
    REFUSED("--metadata needs PATH=VALUE", "one", "--metadata", "plan=\xc3");
    REFUSED("empty member", "one", "--metadata", "=x");
    REFUSED("empty member", "one", "--metadata==x");
    REFUSED("--not-user needs a text", "one", "--not-user=");
    REFUSED("--not-action needs a text", "one", "--not-action", "\xc3");
    REFUSED("--not-metadata needs PATH=VALUE", "one", "--not-metadata", "plan");
    REFUSED("$gt", "one", "--metadata", "a.$gt=1");
    REFUSED("--all takes no value", "one", "--all=1");
    REFUSED("--all may be given once", "one", "--all", "--all");
    REFUSED("--from may be given once", "--from=1970-01-01T00:00:01Z", "d",
            "--from=1970-01-01T00:00:01Z");
    REFUSED("--from must be an RFC 3339", "one", "--from", "1970-01-01");
    REFUSED("--to must be an RFC 3339", "one", "--to", "");
}

static void lists_have_a_bound(void **state)
{
    (void)state;
    static char texts[FILTER_NAMES_MAX + 1][16];
    const char *words[FILTER_NAMES_MAX + 3] = {"data"};
    struct folder_question question;
    struct error err;
    for (size_t i = 0; i <= FILTER_NAMES_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "--user=u%zu", i);
        words[i + 1] = texts[i];
    }
    assert_int_equal(read_words(words, &question, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "at most 64 times"));
    words[FILTER_NAMES_MAX + 1] = NULL;
    assert_int_equal(read_words(words, &question, &err), STATUS_OK);
    assert_int_equal(question.filter.user_ids.count, FILTER_NAMES_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_alone_asks_for_everything),
        cmocka_unit_test(options_come_in_any_order_and_notation),
        cmocka_unit_test(metadata_is_asked_for_by_path),
        cmocka_unit_test(what_is_left_out_is_said_likewise),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(lists_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
