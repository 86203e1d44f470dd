/* Guards the files that an import writes: none of them may be the input or the other one, by
 * whatever name, and none may cost a file that is there. */
#include "interfaces/cli/import_paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define ERRORS_LINE "{\"line\":1,\"error\":{}}\n"

static char folder[] = "/tmp/usertrail-import-paths-XXXXXX";
static const char *const names[] = {
    "in", "link", "other", "other.draft", "in.import-state", "in.import-errors.ndjson", "pipe"};

static void remove_files(void)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(names[i]);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    remove_files();
    return rmdir(folder);
}

static void write_file(const char *name, const char *content)
{
    FILE *file = fopen(name, "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_input(void **state)
{
    (void)state;
    remove_files();
    write_file("in", "input");
    return 0;
}

/* With `words` NULL they must be taken, else refused so. */
static void check(const char *state, const char *errors, const char *words)
{
    const struct import_arguments arguments = {.input = "in", .state = state, .errors = errors};
    struct import_paths paths;
    struct import_input input;
    struct error err = {0};
    assert_int_equal(import_input_open(&input, "in", NULL), STATUS_OK);
    enum status status = import_paths_set(&arguments, &input, &paths, &err);
    import_input_close(&input);
    assert_int_equal(status, words == NULL ? STATUS_OK : STATUS_INVALID);
    if (words != NULL) {
        assert_non_null(strstr(err.message, words));
        return;
    }
    assert_string_equal(paths.state, state == NULL ? "in.import-state" : state);
    assert_string_equal(paths.errors, errors == NULL ? "in.import-errors.ndjson" : errors);
}

static void names_follow_from_the_input(void **state)
{
    (void)state;
    check(NULL, NULL, NULL);
    check("other", NULL, NULL);
    check(NULL, "other", NULL);
    check("other", "link", NULL);
    check(NULL, "/dev/null", NULL);
    assert_int_equal(access("in.import-errors.ndjson", F_OK), -1);
}

static void the_input_is_not_written_over(void **state)
{
    (void)state;
    char whole[sizeof folder + 8];
    snprintf(whole, sizeof whole, "%s/in", folder);
    assert_int_equal(link("in", "link"), 0);
    const char *const same[] = {"in", "./in", "link", whole};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        check(NULL, same[i], "over the input");
        check(same[i], NULL, "over the input");
    }
    assert_int_equal(link("in", "other.draft"), 0);
    check("other", NULL, "over the input");
    assert_int_equal(symlink("in", "in.import-errors.ndjson"), 0);
    check(NULL, NULL, "over the input");
}

static void standard_input_is_not_written_over(void **state)
{
    (void)state;
    const struct import_arguments arguments = {.input = "-", .errors = "in"};
    struct import_input input;
    struct import_paths paths;
    struct error err;
    assert_int_equal(import_input_open(&input, "in", NULL), STATUS_OK);
    input.regular = false;
    assert_int_equal(import_paths_set(&arguments, &input, &paths, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "over the input"));
    import_input_close(&input);
}

static void state_and_errors_are_two_files(void **state)
{
    (void)state;
    check("other", "other", "the same file");
    check("other", "./other", "the same file");
    check("other", "other.draft", "the same file");
    check("in.import-errors.ndjson", NULL, "the same file");
    check("nowhere/other", "nowhere/other", "the same file");
    check("nowhere/other", "nowhere/another", NULL);
    write_file("other", ERRORS_LINE);
    assert_int_equal(link("other", "link"), 0);
    check("other", "link", "the same file");
}

static void a_file_that_is_there_is_not_lost(void **state)
{
    (void)state;
    write_file("other", "notes of mine");
    check(NULL, "other", "is there already");
    write_file("other", ERRORS_LINE);
    check(NULL, "other", "is there already");
    write_file("in.import-state", "some state");
    check(NULL, "other", NULL); /* of the import that goes on */
    write_file("other", "notes of mine");
    check(NULL, "other", "not the file of refused lines");
    unlink("in.import-state");
    write_file("other", "");
    check(NULL, "other", NULL);
    write_file("in.import-errors.ndjson", ERRORS_LINE);
    check(NULL, NULL, NULL);
    write_file("in.import-errors.ndjson", "notes of mine");
    check(NULL, NULL, "not the file of refused lines");
}

static void a_state_is_an_ordinary_file(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    check("pipe", NULL, "no ordinary file");
    check("/dev/null", NULL, "no ordinary file");
}

static void what_comes_once_has_no_state(void **state)
{
    (void)state;
    struct import_arguments arguments = {.input = "-"};
    const struct import_input input = {.descriptor = STDIN_FILENO};
    struct import_paths paths;
    assert_int_equal(import_paths_set(&arguments, &input, &paths, NULL), STATUS_OK);
    assert_string_equal(paths.state, "");
    assert_string_equal(paths.errors, "import-errors.ndjson");
    arguments = (struct import_arguments){.input = "pipe", .state = "other"};
    assert_int_equal(import_paths_set(&arguments, &input, &paths, NULL), STATUS_INVALID);
}

static void names_have_a_maximum(void **state)
{
    (void)state;
    char name[IMPORT_PATH_BYTES + 1];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    check(name, NULL, "too long");
    check(NULL, name, "too long");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_follow_from_the_input, make_input),
        cmocka_unit_test_setup(the_input_is_not_written_over, make_input),
        cmocka_unit_test_setup(standard_input_is_not_written_over, make_input),
        cmocka_unit_test_setup(state_and_errors_are_two_files, make_input),
        cmocka_unit_test_setup(a_file_that_is_there_is_not_lost, make_input),
        cmocka_unit_test_setup(a_state_is_an_ordinary_file, make_input),
        cmocka_unit_test_setup(what_comes_once_has_no_state, make_input),
        cmocka_unit_test_setup(names_have_a_maximum, make_input),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
