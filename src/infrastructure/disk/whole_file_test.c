/* Guards files that are written as a whole: whatever fails and wherever the power goes, the file is
 * what it was or the new one; nothing is written through a link or into a pipe; and what could not
 * be written to its end leaves nothing. */
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/disk/lone_file.h"
#include "infrastructure/disk/whole_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define PATH  "folder/file"
#define DRAFT "folder/file.draft"

enum { SEEDS = 8, OPERATIONS_MAX = 100, TEXT_BYTES = 1500 };

/* Of several sectors, so that it can tear. */
static char texts[2][TEXT_BYTES + 1];

static int make_texts(void **state)
{
    (void)state;
    memset(texts[0], 'a', TEXT_BYTES);
    memset(texts[1], 'b', TEXT_BYTES);
    return 0;
}

static struct disk *make_disk(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = seed, .short_writes = true};
    struct disk *disk = disk_simulated_new(&options);
    assert_int_equal(disk_make_durable_directory(disk, "folder", NULL), STATUS_OK);
    return disk;
}

static bool holds(struct disk *disk, const char *path, const char *text)
{
    char found[TEXT_BYTES + 2];
    const struct iovec into = {.iov_base = found, .iov_len = sizeof found};
    const struct disk_named_file named = {disk, path, "file"};
    size_t len = 0;
    assert_int_equal(disk_read_named(&named, into, &len, NULL), STATUS_OK);
    return len == strlen(text) && memcmp(found, text, len) == 0;
}

static bool is_there(struct disk *disk, const char *path)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    return disk_open(disk, path, DISK_READ, &file, NULL) == STATUS_OK;
}

static enum status replace(struct disk *disk, const char *text)
{
    return whole_file_replace(disk, PATH, DISK_MAKE, str_from(text), NULL);
}

static void it_is_made_and_replaced(void **state)
{
    (void)state;
    struct disk *disk = make_disk(1);
    assert_int_equal(replace(disk, texts[0]), STATUS_OK);
    assert_true(holds(disk, PATH, texts[0]));
    assert_int_equal(replace(disk, "short"), STATUS_OK);
    assert_true(holds(disk, PATH, "short"));
    assert_int_equal(replace(disk, ""), STATUS_OK);
    assert_true(holds(disk, PATH, ""));
    assert_false(is_there(disk, DRAFT));
    disk_simulated_free(disk);
}

static void an_error_at_any_operation_leaves_one_of_both_and_no_draft(void **state)
{
    (void)state;
    enum status status = STATUS_UNAVAILABLE;
    uint64_t nth;
    for (nth = 1; status != STATUS_OK; nth++) {
        struct disk *disk = make_disk(nth);
        assert_int_equal(replace(disk, texts[0]), STATUS_OK);
        disk_simulated_fail_at(disk, nth, EIO, false);
        status = replace(disk, texts[1]);
        disk_simulated_fail_at(disk, 0, EIO, false);
        assert_true(holds(disk, PATH, texts[1]) ||
                    (status != STATUS_OK && holds(disk, PATH, texts[0])));
        assert_false(is_there(disk, DRAFT));
        assert_in_range(nth, 1, OPERATIONS_MAX);
        disk_simulated_free(disk);
    }
    assert_in_range(nth, 6, OPERATIONS_MAX); /* open, write, sync, rename, sync */
}

/* Also when a draft of a process that died stands in the way. */
static void a_power_cut_at_any_operation_leaves_one_of_both(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        enum status status = STATUS_UNAVAILABLE;
        for (uint64_t nth = 1; status != STATUS_OK; nth++) {
            struct disk *disk = make_disk(seed);
            assert_int_equal(replace(disk, texts[0]), STATUS_OK);
            assert_int_equal(whole_file_make(disk, DRAFT, DISK_MAKE, STR("left"), NULL), STATUS_OK);
            disk_simulated_cut_power_at(disk, nth);
            status = replace(disk, texts[1]);
            disk_simulated_cut_power(disk);
            disk_simulated_power_on(disk);
            assert_true(holds(disk, PATH, texts[1]) ||
                        (status != STATUS_OK && holds(disk, PATH, texts[0])));
            assert_in_range(nth, 1, OPERATIONS_MAX);
            disk_simulated_free(disk);
        }
    }
}

static void a_full_disk_is_told_and_keeps_no_room_taken(void **state)
{
    (void)state;
    struct disk *disk = make_disk(1);
    assert_int_equal(replace(disk, texts[0]), STATUS_OK);
    disk_simulated_set_capacity(disk, TEXT_BYTES + 512);
    assert_int_equal(replace(disk, texts[1]), STATUS_NO_SPACE);
    assert_true(holds(disk, PATH, texts[0]));
    assert_false(is_there(disk, DRAFT));
    disk_simulated_set_capacity(disk, UINT64_MAX);
    assert_int_equal(replace(disk, texts[1]), STATUS_OK);
    disk_simulated_free(disk);
}

/* --- on the machine's disk --- */

static char draft_path[96];

static int make_lone(void **state)
{
    int made = lone_file_make(state);
    snprintf(draft_path, sizeof draft_path, "%s" WHOLE_FILE_DRAFT, lone_file_path);
    return made;
}

static void expect_replaced(const char *text)
{
    struct error err;
    if (whole_file_replace(disk_posix(), lone_file_path, DISK_MAKE, str_from(text), &err) !=
        STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(holds(disk_posix(), lone_file_path, text));
    assert_int_equal(access(draft_path, F_OK), -1);
}

/* A link would have the text written to wherever it leads, with the rights of who writes. */
static void nothing_is_written_through_a_link(void **state)
{
    (void)state;
    char victim[96];
    snprintf(victim, sizeof victim, "%s.victim", lone_file_path);
    assert_int_equal(whole_file_make(disk_posix(), victim, DISK_MAKE, STR("precious"), NULL),
                     STATUS_OK);
    assert_int_equal(symlink(victim, draft_path), 0);
    expect_replaced("x");
    assert_int_equal(link(victim, draft_path), 0);
    expect_replaced("y");
    assert_true(holds(disk_posix(), victim, "precious"));
    unlink(victim);
}

static void no_pipe_and_no_empty_folder_is_in_the_way(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(draft_path, 0600), 0);
    expect_replaced("x");
    assert_int_equal(mkdir(draft_path, 0700), 0);
    expect_replaced("y");
}

static void a_folder_with_something_in_it_is_told_and_left(void **state)
{
    (void)state;
    char inside[128];
    struct error err;
    snprintf(inside, sizeof inside, "%s/x", draft_path);
    assert_int_equal(mkdir(draft_path, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(whole_file_replace(disk_posix(), lone_file_path, DISK_MAKE, STR("x"), &err),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, WHOLE_FILE_DRAFT));
    assert_non_null(strstr(err.message, "not empty"));
    assert_int_equal(rmdir(inside), 0);
    assert_int_equal(rmdir(draft_path), 0);
}

static void a_secret_is_for_nobody_else(void **state)
{
    (void)state;
    static const struct {
        enum disk_mode mode;
        mode_t others;
    } cases[] = {{DISK_MAKE_SECRET, 0}, {DISK_MAKE, 040}, {DISK_MAKE_SECRET, 0}};
    struct stat about;
    mode_t before = umask(0);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(
            whole_file_replace(disk_posix(), lone_file_path, cases[i].mode, STR("x"), NULL),
            STATUS_OK);
        assert_int_equal(stat(lone_file_path, &about), 0);
        assert_int_equal(about.st_mode & 077, cases[i].others);
    }
    umask(before);
}

static void a_path_that_leaves_no_room_for_its_draft_is_refused(void **state)
{
    (void)state;
    char path[DISK_PATH_BYTES_MAX];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(whole_file_replace(disk_posix(), path, DISK_MAKE, STR("x"), NULL),
                     STATUS_INVALID);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_made_and_replaced),
        cmocka_unit_test(an_error_at_any_operation_leaves_one_of_both_and_no_draft),
        cmocka_unit_test(a_power_cut_at_any_operation_leaves_one_of_both),
        cmocka_unit_test(a_full_disk_is_told_and_keeps_no_room_taken),
        cmocka_unit_test_setup_teardown(nothing_is_written_through_a_link, make_lone,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(no_pipe_and_no_empty_folder_is_in_the_way, make_lone,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(a_folder_with_something_in_it_is_told_and_left, make_lone,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(a_secret_is_for_nobody_else, make_lone, lone_file_remove),
        cmocka_unit_test(a_path_that_leaves_no_room_for_its_draft_is_refused),
    };
    return cmocka_run_group_tests(tests, make_texts, NULL);
}
