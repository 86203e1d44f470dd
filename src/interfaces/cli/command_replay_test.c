/*
 * Guards the arguments of replay: where it begins and ends, in both spellings, and that every other
 * argument reaches the settings as it was.
 */
#include "interfaces/cli/cli.h"
#include "interfaces/cli/replay_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 12 };

static struct replay_request seen;
static char *seen_words[WORDS_MAX];
static int runs;
static enum status answer;
static enum replay_end answer_end;

static enum status run(const struct replay_request *request, struct replay_figures *out_figures,
                       enum replay_end *out_end, struct error *err)
{
    runs++;
    seen = *request;
    for (int i = 0; i < request->argument_count; i++) {
        seen_words[i] = request->arguments[i];
    }
    *out_figures = (struct replay_figures){.done = 3, .total = 3, .activities = 3};
    *out_end = answer_end;
    return answer == STATUS_OK ? STATUS_OK : error_set(err, answer, 0, "the double says no");
}

static bool stop_wanted(void)
{
    return false;
}

static int replay(const char *const *words)
{
    static const struct replay_access access = {
        .run = run, .stop_wanted = stop_wanted, .clock = &clock_system};
    char *arguments[WORDS_MAX];
    int count = 0;
    for (; words[count] != NULL; count++) {
        arguments[count] = (char *)(uintptr_t)words[count];
    }
    return command_replay(&access, count, arguments);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int reset(void **state)
{
    (void)state;
    runs = 0;
    answer = STATUS_OK;
    answer_end = REPLAY_DONE;
    return 0;
}

static void takes_its_own_arguments_out(void **state)
{
    (void)state;
    assert_int_equal(replay(WORDS("--store", "mongodb", "--from", "17", "--kafka-topic=t",
                                  "--to=2024-01-15T10:00:00Z", "--trace-ports")),
                     EXIT_FINE);
    assert_int_equal(seen.from.value, 17);
    assert_false(seen.from.is_time);
    assert_true(seen.to.given && seen.to.is_time);
    assert_int_equal(seen.to.value, INT64_C(1705312800000));
    static const char *const rest[] = {"--store", "mongodb", "--kafka-topic=t", "--trace-ports"};
    assert_int_equal(seen.argument_count, ARRAY_LENGTH(rest));
    for (size_t i = 0; i < ARRAY_LENGTH(rest); i++) {
        assert_string_equal(seen_words[i], rest[i]);
    }
}

static void wants_to_know_where_to_begin(void **state)
{
    (void)state;
    assert_int_equal(replay(WORDS("--to", "5")), EXIT_USAGE);
    assert_int_equal(replay(WORDS("--from")), EXIT_USAGE);
    assert_int_equal(replay(WORDS("--from", "yesterday")), EXIT_USAGE);
    assert_int_equal(replay(WORDS("--from", "-1")), EXIT_USAGE);
    assert_int_equal(replay(WORDS("--from=0", "--to=")), EXIT_USAGE);
    assert_int_equal(runs, 0);
}

static void exit_codes_tell_how_it_ended(void **state)
{
    (void)state;
    answer_end = REPLAY_STOPPED;
    assert_int_equal(replay(WORDS("--from", "0")), EXIT_FAILED);
    answer = STATUS_TIMED_OUT;
    assert_int_equal(replay(WORDS("--from", "0")), EXIT_FAILED);
    answer = STATUS_INVALID;
    assert_int_equal(replay(WORDS("--from", "0")), EXIT_USAGE);
    assert_false(seen.to.given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(takes_its_own_arguments_out, reset),
        cmocka_unit_test_setup(wants_to_know_where_to_begin, reset),
        cmocka_unit_test_setup(exit_codes_tell_how_it_ended, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
