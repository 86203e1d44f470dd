/* Guards the arguments of import: what each means, in either notation and any order, and that
 * nothing unknown, repeated or half is taken for something. */
#include "base/macros.h"
#include "interfaces/cli/import_arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { WORDS_MAX = 20 };

static enum status read_words(const char *const *words, struct import_arguments *out_arguments,
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
    return import_arguments_read(count, arguments, out_arguments, err);
}

#define READ(arguments, err, ...)                                                                  \
    read_words((const char *const[]){__VA_ARGS__, NULL}, (arguments), (err))

static void file_and_destination_are_enough(void **state)
{
    (void)state;
    struct import_arguments arguments;
    assert_int_equal(READ(&arguments, NULL, "a.ndjson", "--data-dir", "data"), STATUS_OK);
    assert_string_equal(arguments.input, "a.ndjson");
    assert_string_equal(arguments.data_dir, "data");
    assert_null(arguments.server);
    assert_null(arguments.state);
    assert_null(arguments.errors);
    assert_null(arguments.key);
    assert_int_equal(arguments.give_up_ms, 60000);
    assert_false(arguments.quiet);
}

static void options_come_in_any_order_and_notation(void **state)
{
    (void)state;
    struct import_arguments arguments;
    assert_int_equal(READ(&arguments, NULL, "--quiet", "--server=http://h:1/?a=b", "--key", "--k",
                          "file", "--state=s", "--errors", "e", "--give-up-after=5"),
                     STATUS_OK);
    assert_string_equal(arguments.input, "file");
    assert_string_equal(arguments.server, "http://h:1/?a=b");
    assert_string_equal(arguments.key, "--k");
    assert_string_equal(arguments.state, "s");
    assert_string_equal(arguments.errors, "e");
    assert_int_equal(arguments.give_up_ms, 5000);
    assert_true(arguments.quiet);
    assert_int_equal(READ(&arguments, NULL, "--data-dir=d", "--config=c", "-"), STATUS_OK);
    assert_string_equal(arguments.input, "-");
    assert_string_equal(arguments.config, "c");
}

#define REFUSED(words, ...)                                                                        \
    do {                                                                                           \
        struct import_arguments arguments;                                                         \
        struct error err;                                                                          \
        assert_int_equal(READ(&arguments, &err, __VA_ARGS__), STATUS_INVALID);                     \
        assert_non_null(strstr(err.message, (words)));                                             \
    } while (0)

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    REFUSED("the file is missing", "--data-dir", "d");
    REFUSED("say where to", "file");
    REFUSED("not both", "file", "--data-dir", "d", "--server", "http://h");
    REFUSED("not both", "file", "--data-dir", "d", "--url", "http://h");
    REFUSED("the same", "file", "--server", "http://h", "--url", "http://h");
    REFUSED("the same", "file", "--url", "http://h", "--key-file", "k", "--api-key-file", "k");
    REFUSED("\"two\"", "one", "two", "--data-dir", "d");
    REFUSED("\"-x\"", "-x", "--data-dir", "d");
    REFUSED("\"--datadir=d\"", "one", "--datadir=d");
    REFUSED("--quiet", "one", "--data-dir=d", "--quiet=1");
    REFUSED("--data-dir needs a value", "one", "--data-dir");
    REFUSED("--data-dir needs a value", "one", "--data-dir=");
    REFUSED("--data-dir may be given once", "one", "--data-dir=a", "--data-dir=b");
    REFUSED("--state goes with a file", "-", "--data-dir=d", "--state=s");
    REFUSED("--config goes with --data-dir", "one", "--server=http://h", "--config=c");
    REFUSED("--give-up-after", "one", "--data-dir=d", "--give-up-after=0");
    REFUSED("--give-up-after", "one", "--data-dir=d", "--give-up-after=1m");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_and_destination_are_enough),
        cmocka_unit_test(options_come_in_any_order_and_notation),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
