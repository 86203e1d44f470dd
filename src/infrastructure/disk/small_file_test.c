/*
 * Guards files of keys and rules: read as they are or refused in words, replaced at once, and
 * nobody else's to read.
 */
#include "infrastructure/disk/lone_file.h"
#include "infrastructure/disk/small_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const path = lone_file_path;

static enum status look(mode_t forbidden, size_t bytes_max, char out_text[64], struct error *err)
{
    struct buffer text;
    buffer_init(&text, bytes_max);
    enum status status = small_file_read(path, forbidden, &text, err);
    snprintf(out_text, 64, "%.*s", (int)text.len, text.data == NULL ? "" : text.data);
    buffer_deinit(&text);
    return status;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    char text[64];
    struct error err;
    struct stat about;
    assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), STATUS_NOT_FOUND);
    assert_int_equal(small_file_replace(path, STR("first"), &err), STATUS_OK);
    assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), STATUS_OK);
    assert_string_equal(text, "first");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(small_file_replace(path, STR("0123456789"), &err), STATUS_OK);
    assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), STATUS_OK);
    assert_string_equal(text, "0123456789");
    assert_int_equal(small_file_replace(path, STR("0123456789a"), &err), STATUS_OK);
    assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "longer than 10 bytes"));
}

static void what_others_may_do_is_refused(void **state)
{
    (void)state;
    char text[64];
    struct error err;
    assert_int_equal(small_file_replace(path, STR("x"), &err), STATUS_OK);
    static const struct {
        mode_t mode;
        enum status secret;
        enum status ours;
    } cases[] = {
        {0600, STATUS_OK, STATUS_OK},           {0400, STATUS_OK, STATUS_OK},
        {0640, STATUS_INVALID, STATUS_OK},      {0644, STATUS_INVALID, STATUS_OK},
        {0620, STATUS_INVALID, STATUS_INVALID}, {0602, STATUS_INVALID, STATUS_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(chmod(path, cases[i].mode), 0);
        assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), cases[i].secret);
        assert_int_equal(look(SMALL_FILE_OURS, 10, text, &err), cases[i].ours);
    }
}

static void what_is_no_file_is_not_waited_for(void **state)
{
    (void)state;
    char text[64];
    struct error err;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "no regular file"));
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), STATUS_INVALID);
    assert_int_not_equal(small_file_replace(path, STR("x"), &err), STATUS_OK);
    rmdir(path);
}

static void a_draft_that_was_left_is_no_harm(void **state)
{
    (void)state;
    char draft[160];
    char text[64];
    struct error err;
    snprintf(draft, sizeof draft, "%s.draft", path);
    assert_int_equal(symlink("/nowhere/at/all", draft), 0);
    assert_int_equal(small_file_replace(path, STR("x"), &err), STATUS_OK);
    assert_int_equal(look(SMALL_FILE_SECRET, 10, text, &err), STATUS_OK);
    assert_string_equal(text, "x");
}

static void one_at_a_time_writes(void **state)
{
    (void)state;
    int first;
    int ended;
    struct error err;
    assert_int_equal(small_file_lock(path, &first, &err), STATUS_OK);
    pid_t child = fork();
    if (child == 0) {
        int second;
        close(first); /* inherited, it would hold the lock on */
        _exit(small_file_lock(path, &second, NULL) == STATUS_OK ? 0 : 1);
    }
    usleep(100000);
    assert_int_equal(waitpid(child, &ended, WNOHANG), 0); /* it waits */
    small_file_unlock(first);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, lone_file_make, lone_file_remove),
        cmocka_unit_test_setup_teardown(what_others_may_do_is_refused, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_not_waited_for, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(a_draft_that_was_left_is_no_harm, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(one_at_a_time_writes, lone_file_make, lone_file_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
