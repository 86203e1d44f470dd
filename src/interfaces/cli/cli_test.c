/*
 * Guards the finding of commands: which one runs with which arguments, where help and refusals are
 * printed, and the exit codes that scripts rely on.
 */
#include "interfaces/cli/cli.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { OUTPUT_BYTES_MAX = 4096, WORDS_MAX = 8 };

static int run_count;
static int seen_count;
static char **seen_arguments;

static int run_copy(int argument_count, char **arguments)
{
    run_count++;
    seen_count = argument_count;
    seen_arguments = arguments;
    return 7;
}

static int run_version(int argument_count, char **arguments)
{
    (void)argument_count;
    (void)arguments;
    printf("version 1.2.3\n");
    return EXIT_FINE;
}

static void print_options(void)
{
    printf("  --to FILE\n");
}

static const struct cli_command commands[] = {
    {.name = "copy",
     .arguments = "FILE [options]",
     .summary = "Copies a file.",
     .help = "Example\n  copy a",
     .print_options = print_options,
     .run = run_copy},
    {.name = "version", .arguments = "", .summary = "Tells it.", .help = "", .run = run_version},
};

static const struct cli cli = {"1.2.3", commands, 2, "Examples\n  usertrail copy a"};

/* One run and what it printed on either stream. */
struct run {
    char *words[WORDS_MAX + 1];
    int code;
    char out[OUTPUT_BYTES_MAX];
    char err[OUTPUT_BYTES_MAX];
};

/* From here on the stream goes to a file without a name; returns the stream's own descriptor. */
static int redirect(FILE *stream, FILE *file)
{
    assert_int_equal(fflush(stream), 0);
    int own = fcntl(fileno(stream), F_DUPFD_CLOEXEC, 0);
    assert_true(own >= 0);
    assert_true(dup2(fileno(file), fileno(stream)) >= 0);
    return own;
}

static void restore(FILE *stream, int own, FILE *file, char text[OUTPUT_BYTES_MAX])
{
    assert_int_equal(fflush(stream), 0);
    assert_true(dup2(own, fileno(stream)) >= 0);
    close(own);
    rewind(file);
    text[fread(text, 1, OUTPUT_BYTES_MAX - 1, file)] = '\0';
    fclose(file);
}

static void run(struct run *run, const char *const *words)
{
    static char storage[WORDS_MAX][32];
    int count = 0;
    memset(run, 0, sizeof *run);
    for (; words[count] != NULL; count++) {
        snprintf(storage[count], sizeof storage[count], "%s", words[count]);
        run->words[count] = storage[count];
    }
    run_count = 0;
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    assert_true(out != NULL && err != NULL);
    int own_out = redirect(stdout, out);
    int own_err = redirect(stderr, err);
    run->code = cli_run(&cli, count, run->words);
    restore(stderr, own_err, err, run->err);
    restore(stdout, own_out, out, run->out);
}

#define RUN(result, ...) run((result), (const char *const[]){"usertrail", __VA_ARGS__, NULL})

static void refuses_what_follows_a_command_that_takes_nothing(void **state)
{
    (void)state;
    struct run result;
    RUN(&result, "version", "extra");
    assert_int_equal(result.code, EXIT_USAGE);
    assert_string_equal(result.out, "");
    assert_string_equal(
        result.err,
        "usertrail: \"extra\" is not understood here; version takes nothing behind it\n");
}

static void runs_the_command_with_what_follows_it(void **state)
{
    (void)state;
    struct run result;
    RUN(&result, "copy", "a", "--to=b");
    assert_int_equal(result.code, 7);
    assert_int_equal(run_count, 1);
    assert_int_equal(seen_count, 2);
    assert_string_equal(seen_arguments[0], "a");
    assert_string_equal(seen_arguments[1], "--to=b");
    assert_string_equal(result.out, "");
    assert_string_equal(result.err, "");
}

static void a_command_may_have_no_arguments(void **state)
{
    (void)state;
    struct run result;
    RUN(&result, "copy");
    assert_int_equal(run_count, 1);
    assert_int_equal(seen_count, 0);
}

static void no_command_at_all_is_wrong_usage(void **state)
{
    (void)state;
    struct run result;
    run(&result, (const char *const[]){"usertrail", NULL});
    assert_int_equal(result.code, EXIT_USAGE);
    assert_string_equal(result.out, "");
    assert_non_null(strstr(result.err, "copy"));
}

static void help_lists_the_commands(void **state)
{
    (void)state;
    static const char *const words[] = {"help", "--help", "-h"};
    for (size_t i = 0; i < 3; i++) {
        struct run result;
        RUN(&result, words[i]);
        assert_int_equal(result.code, EXIT_FINE);
        assert_non_null(strstr(result.out, "usertrail 1.2.3"));
        assert_non_null(strstr(result.out, "copy"));
        assert_non_null(strstr(result.out, "Tells it."));
        assert_non_null(strstr(result.out, "\nExit codes\n  0  "));
        assert_non_null(strstr(result.out, "\n\nExamples\n  usertrail copy a\n"));
        assert_string_equal(result.err, "");
    }
}

static void expect_help_of_copy(const struct run *result)
{
    assert_int_equal(result->code, EXIT_FINE);
    assert_int_equal(run_count, 0);
    assert_non_null(strstr(result->out, "Usage: usertrail copy FILE [options]"));
    assert_non_null(strstr(result->out, "Example"));
    assert_non_null(strstr(result->out, "--to FILE"));
    assert_string_equal(result->err, "");
}

static void help_of_a_command_has_its_options(void **state)
{
    (void)state;
    struct run result;
    RUN(&result, "help", "copy");
    expect_help_of_copy(&result);
    RUN(&result, "--help", "copy");
    expect_help_of_copy(&result);
    RUN(&result, "copy", "--help");
    expect_help_of_copy(&result);
    RUN(&result, "copy", "a", "-h");
    expect_help_of_copy(&result);
    RUN(&result, "version", "--help");
    assert_non_null(strstr(result.out, "Usage: usertrail version"));
}

static void an_unknown_command_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const unknown[] = {"coppy", "cop", "--copy", "", "COPY"};
    for (size_t i = 0; i < 5; i++) {
        struct run result;
        RUN(&result, unknown[i], "a");
        assert_int_equal(result.code, EXIT_USAGE);
        assert_int_equal(run_count, 0);
        char named[64];
        snprintf(named, sizeof named, "\"%s\"", unknown[i]);
        assert_non_null(strstr(result.err, named));
        assert_string_equal(result.out, "");
        RUN(&result, "help", unknown[i]);
        assert_int_equal(result.code, EXIT_USAGE);
        assert_non_null(strstr(result.err, named));
    }
}

static void version_is_a_flag_too(void **state)
{
    (void)state;
    struct run result;
    RUN(&result, "--version");
    assert_int_equal(result.code, EXIT_FINE);
    assert_string_equal(result.out, "version 1.2.3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_the_command_with_what_follows_it),
        cmocka_unit_test(refuses_what_follows_a_command_that_takes_nothing),
        cmocka_unit_test(a_command_may_have_no_arguments),
        cmocka_unit_test(no_command_at_all_is_wrong_usage),
        cmocka_unit_test(help_lists_the_commands),
        cmocka_unit_test(help_of_a_command_has_its_options),
        cmocka_unit_test(an_unknown_command_is_refused_by_name),
        cmocka_unit_test(version_is_a_flag_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
