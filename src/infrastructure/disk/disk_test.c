/* Both disks keep what disk.h says; the simulated one loses exactly what was not synced. */
#include "base/macros.h"
#include "infrastructure/disk/disk.h"
#include "infrastructure/disk/disk_lock.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/disk_simulated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct disk *disk;
static char folder[64];

static int use_posix(void **state)
{
    (void)state;
    disk = disk_posix();
    snprintf(folder, sizeof folder, "/tmp/usertrail-disk-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static void remove_name(void *context, const char *name)
{
    (void)context;
    char path[DISK_PATH_BYTES_MAX];
    assert_int_equal(disk_path(folder, name, path, NULL), STATUS_OK);
    if (unlink(path) != 0) {
        rmdir(path);
    }
}

static int leave_posix(void **state)
{
    (void)state;
    enum status status = disk_list(disk, folder, remove_name, NULL, NULL);
    return status == STATUS_OK ? rmdir(folder) : -1;
}

static int use_simulated(void **state)
{
    (void)state;
    const struct disk_simulated_options options = {.seed = 5, .short_writes = true};
    disk = disk_simulated_new(&options);
    snprintf(folder, sizeof folder, "data");
    return disk_make_directory(disk, folder, NULL) == STATUS_OK &&
                   disk_sync_directory(disk, ".", NULL) == STATUS_OK
               ? 0
               : -1;
}

static int leave_simulated(void **state)
{
    (void)state;
    disk_simulated_free(disk);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[DISK_PATH_BYTES_MAX];
    assert_int_equal(disk_path(folder, name, path, NULL), STATUS_OK);
    return path;
}

static struct disk_file *open_file(const char *name, enum disk_mode mode)
{
    struct disk_file *file = NULL;
    struct error err;
    if (disk_open(disk, path_of(name), mode, &file, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return file;
}

static void write_text(struct disk_file *file, uint64_t offset, const char *text)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    assert_int_equal(disk_file_write(file, offset, &part, 1, NULL), STATUS_OK);
}

static void expect_text(const char *name, const char *text)
{
    struct disk_file *file = open_file(name, DISK_READ);
    char bytes[256] = {0};
    size_t len = 0;
    struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
    assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(bytes, text, len);
    disk_file_close(file);
}

/* The wrappers make whole reads and writes of many parts, whatever the disk does at a time. */
static void many_parts_are_written_whole(void **state)
{
    (void)state;
    enum { PARTS = 3000 };
    struct disk_file *file = open_file("parts", DISK_MAKE);
    static uint16_t numbers[PARTS];
    static struct iovec parts[PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        numbers[i] = (uint16_t)i;
        parts[i] =
            (struct iovec){.iov_base = &numbers[i], .iov_len = i % 5 == 0 ? 0 : sizeof numbers[i]};
    }
    assert_int_equal(disk_file_write(file, 3, parts, PARTS, NULL), STATUS_OK);
    static uint16_t back[PARTS];
    size_t len = 0;
    struct iovec into = {.iov_base = back, .iov_len = sizeof back};
    assert_int_equal(disk_file_read(file, 3, into, &len, NULL), STATUS_OK);
    assert_int_equal(len, PARTS / 5 * 4 * sizeof back[0]);
    for (size_t i = 0, k = 0; i < PARTS; i++) {
        if (i % 5 != 0) {
            assert_int_equal(back[k++], i);
        }
    }
    disk_file_close(file);
}

static void modes_say_what_may_be_there(void **state)
{
    (void)state;
    struct disk_file *file = NULL;
    struct error err;
    assert_int_equal(disk_open(disk, path_of("a"), DISK_READ, &file, &err), STATUS_NOT_FOUND);
    assert_int_equal(err.status, STATUS_NOT_FOUND);
    assert_int_equal(disk_open(disk, path_of("a"), DISK_WRITE, &file, &err), STATUS_NOT_FOUND);
    disk_file_close(open_file("a", DISK_MAKE));
    assert_int_equal(disk_open(disk, path_of("a"), DISK_MAKE, &file, &err), STATUS_DUPLICATE);
    assert_int_equal(disk_open(disk, path_of("none/a"), DISK_MAKE, &file, &err), STATUS_NOT_FOUND);
    assert_null(file);
    disk_file_close(open_file("a", DISK_WRITE_OR_MAKE));
    disk_file_close(open_file("b", DISK_WRITE_OR_MAKE));
}

static void a_named_file_is_read_from_its_beginning(void **state)
{
    (void)state;
    char text[4] = "....";
    const struct iovec into = {.iov_base = text, .iov_len = sizeof text};
    const struct disk_named_file named = {disk, path_of("named"), "paper"};
    struct error err;
    size_t len = 9;
    assert_int_equal(disk_read_named(&named, into, &len, &err), STATUS_INVALID);
    assert_int_equal(err.status, STATUS_INVALID);
    assert_non_null(strstr(err.message, "there is no paper "));
    assert_int_equal(len, 9);
    struct disk_file *file = open_file("named", DISK_MAKE);
    write_text(file, 0, "long");
    assert_int_equal(disk_read_named(&named, into, &len, &err), STATUS_OK);
    assert_int_equal(len, 4);
    assert_memory_equal(text, "long", 4);
    write_text(file, 4, "er");
    assert_int_equal(disk_read_named(&named, into, &len, &err), STATUS_OK);
    assert_int_equal(len, 4);
    disk_file_close(file);
}

static void sizes_change_as_asked(void **state)
{
    (void)state;
    struct disk_file *file = open_file("sized", DISK_MAKE);
    uint64_t size = 0;
    assert_int_equal(disk_file_allocate(file, 0, 10000, NULL), STATUS_OK);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    assert_int_equal(size, 10000);
    write_text(file, 0, "hello");
    assert_int_equal(disk_file_allocate(file, 0, 100, NULL), STATUS_OK); /* never shorter */
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    assert_int_equal(size, 10000);
    assert_int_equal(disk_file_truncate(file, 5, NULL), STATUS_OK);
    assert_int_equal(disk_file_sync(file, NULL), STATUS_OK);
    expect_text("sized", "hello");
    assert_int_equal(disk_file_truncate(file, 3, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 5, NULL), STATUS_OK);
    char back[6] = "xxxxx";
    size_t len = 0;
    struct iovec into = {.iov_base = back, .iov_len = 5};
    assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
    assert_memory_equal(back, "hel\0\0", 5); /* what was cut reads as zeros */
    disk_file_close(file);
}

static void count_name(void *context, const char *name)
{
    (void)name;
    (*(size_t *)context)++;
}

static void names_come_and_go(void **state)
{
    (void)state;
    struct disk_file *file = open_file("old", DISK_MAKE);
    write_text(file, 0, "one");
    disk_file_close(file);
    disk_file_close(open_file("new", DISK_MAKE));
    char from[DISK_PATH_BYTES_MAX];
    assert_int_equal(disk_path(folder, "old", from, NULL), STATUS_OK);
    assert_int_equal(disk_rename(disk, from, path_of("new"), NULL), STATUS_OK);
    expect_text("new", "one");
    assert_int_equal(disk_rename(disk, from, path_of("new"), NULL), STATUS_NOT_FOUND);
    assert_int_equal(disk_make_directory(disk, path_of("sub"), NULL), STATUS_OK);
    assert_int_equal(disk_make_directory(disk, path_of("sub"), NULL), STATUS_OK);
    size_t names = 0;
    assert_int_equal(disk_list(disk, folder, count_name, &names, NULL), STATUS_OK);
    assert_int_equal(names, 2);
    assert_int_equal(disk_remove(disk, path_of("new"), NULL), STATUS_OK);
    assert_int_equal(disk_remove(disk, path_of("new"), NULL), STATUS_NOT_FOUND);
    assert_int_equal(disk_sync_directory(disk, folder, NULL), STATUS_OK);
    uint64_t bytes = 0;
    assert_int_equal(disk_free_bytes(disk, folder, &bytes, NULL), STATUS_OK);
    assert_true(bytes > 0);
}

static void a_lock_has_one_holder(void **state)
{
    (void)state;
    struct disk_lock *first = NULL;
    struct disk_lock *second = NULL;
    char address[DISK_LOCK_ADDRESS_BYTES_MAX + 1];
    struct error err;
    assert_int_equal(disk_lock_read_address(disk, folder, address, &err), STATUS_NOT_FOUND);
    assert_int_equal(disk_lock_take(disk, folder, &first, &err), STATUS_OK);
    assert_int_equal(disk_lock_read_address(disk, folder, address, &err), STATUS_NOT_FOUND);
    assert_int_equal(disk_lock_write_address(first, STR("[::1]:3000"), &err), STATUS_OK);
    assert_int_equal(disk_lock_read_address(disk, folder, address, &err), STATUS_OK);
    assert_string_equal(address, "[::1]:3000");
    assert_int_equal(disk_lock_write_address(first, STR("a\nb"), &err), STATUS_INVALID);
    assert_int_equal(disk_lock_take(disk, folder, &second, &err), STATUS_BUSY);
    assert_non_null(strstr(err.message, "[::1]:3000"));
    disk_lock_release(first);
    assert_int_equal(disk_lock_read_address(disk, folder, address, &err), STATUS_NOT_FOUND);
    assert_int_equal(disk_lock_take(disk, folder, &second, &err), STATUS_OK);
    disk_lock_release(second);
}

/* A path that does not fit is refused, not cut. */
static void long_paths_are_refused(void **state)
{
    (void)state;
    char name[DISK_PATH_BYTES_MAX + 1];
    char path[DISK_PATH_BYTES_MAX];
    memset(name, 'n', DISK_PATH_BYTES_MAX);
    name[DISK_PATH_BYTES_MAX] = '\0';
    assert_int_equal(disk_path("d", name, path, NULL), STATUS_INVALID);
}

static void restart(void)
{
    disk_simulated_cut_power(disk);
    disk_simulated_power_on(disk);
}

/* What was synced, content and name, is there after any power cut; a name without its directory's
 * sync is there at times and at times not; the same for content without its file's sync. */
static void power_cuts_take_only_what_was_not_synced(void **state)
{
    (void)state;
    int names_left = 0;
    int texts_left = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        const struct disk_simulated_options options = {.seed = seed};
        struct disk *saved = disk;
        disk = disk_simulated_new(&options);
        assert_int_equal(disk_make_directory(disk, folder, NULL), STATUS_OK);
        assert_int_equal(disk_sync_directory(disk, ".", NULL), STATUS_OK);
        struct disk_file *safe = open_file("safe", DISK_MAKE);
        write_text(safe, 0, "kept");
        assert_int_equal(disk_file_sync(safe, NULL), STATUS_OK);
        assert_int_equal(disk_sync_directory(disk, folder, NULL), STATUS_OK);
        write_text(safe, 600, "maybe");
        disk_file_close(open_file("unsafe", DISK_MAKE));
        restart();
        assert_int_equal(disk_file_sync(safe, NULL), STATUS_UNAVAILABLE); /* a dead handle */
        disk_file_close(safe);
        char bytes[605] = {0};
        size_t len = 0;
        safe = open_file("safe", DISK_READ);
        struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
        assert_int_equal(disk_file_read(safe, 0, into, &len, NULL), STATUS_OK);
        disk_file_close(safe);
        assert_memory_equal(bytes, "kept", 4);
        texts_left += memcmp(bytes + 600, "maybe", 5) == 0;
        struct disk_file *file = NULL;
        if (disk_open(disk, path_of("unsafe"), DISK_READ, &file, NULL) == STATUS_OK) {
            names_left++;
            disk_file_close(file);
        }
        disk_simulated_free(disk);
        disk = saved;
    }
    assert_in_range(names_left, 5, 35);
    assert_in_range(texts_left, 2, 35);
}

/* After a sync that failed the next one succeeds and proves nothing. */
static void a_failed_sync_loses_for_good(void **state)
{
    (void)state;
    int lost = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        const struct disk_simulated_options options = {.seed = seed};
        struct disk *saved = disk;
        disk = disk_simulated_new(&options);
        assert_int_equal(disk_make_directory(disk, folder, NULL), STATUS_OK);
        struct disk_file *file = open_file("a", DISK_MAKE);
        assert_int_equal(disk_file_allocate(file, 0, 4, NULL), STATUS_OK);
        assert_int_equal(disk_file_sync(file, NULL), STATUS_OK);
        assert_int_equal(disk_sync_directory(disk, folder, NULL), STATUS_OK);
        assert_int_equal(disk_sync_directory(disk, ".", NULL), STATUS_OK);
        write_text(file, 0, "text");
        disk_simulated_fail_at(disk, 1, EIO, false);
        assert_int_equal(disk_file_sync(file, NULL), STATUS_UNAVAILABLE);
        assert_int_equal(disk_file_sync(file, NULL), STATUS_OK);
        disk_file_close(file);
        expect_text("a", "text"); /* shown all the same */
        restart();
        char bytes[4];
        size_t len = 0;
        file = open_file("a", DISK_READ);
        struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
        assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
        lost += memcmp(bytes, "text", 4) != 0;
        disk_file_close(file);
        disk_simulated_free(disk);
        disk = saved;
    }
    assert_in_range(lost, 5, 35);
}

/* Faults hit the operation they are set for, once or from then on; a full disk spares reading. */
static void faults_hit_where_they_are_set(void **state)
{
    (void)state;
    struct disk_file *file = open_file("a", DISK_MAKE);
    disk_simulated_fail_at(disk, 2, EIO, false);
    uint64_t size = 0;
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_UNAVAILABLE);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    disk_simulated_fail_at(disk, 1, ENOSPC, true);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    assert_int_equal(disk_file_allocate(file, 0, 10, NULL), STATUS_NO_SPACE);
    assert_int_equal(disk_file_allocate(file, 0, 10, NULL), STATUS_NO_SPACE);
    disk_simulated_fail_at(disk, 0, 0, false);
    disk_simulated_set_capacity(disk, 100);
    assert_int_equal(disk_file_allocate(file, 0, 101, NULL), STATUS_NO_SPACE);
    assert_int_equal(disk_file_allocate(file, 0, 100, NULL), STATUS_OK);
    disk_file_close(file);
}

/* Two names are one file, until one of them is gone; a name that is there is not replaced. */
static void a_link_is_the_same_file(void **state)
{
    (void)state;
    char other[DISK_PATH_BYTES_MAX];
    snprintf(other, sizeof other, "%s", path_of("other"));
    struct disk_file *file = open_file("one", DISK_MAKE);
    write_text(file, 0, "before");
    assert_int_equal(disk_link(disk, path_of("one"), other, NULL), STATUS_OK);
    assert_int_equal(disk_link(disk, path_of("one"), other, NULL), STATUS_DUPLICATE);
    assert_int_equal(disk_link(disk, path_of("none"), path_of("none"), NULL), STATUS_NOT_FOUND);
    write_text(file, 0, "after!");
    expect_text("other", "after!");
    assert_int_equal(disk_remove(disk, path_of("one"), NULL), STATUS_OK);
    expect_text("other", "after!");
    disk_file_close(file);
}

/* Some bytes of a file to the same place; more than there are is told. */
static void copies_are_as_long_as_asked(void **state)
{
    (void)state;
    struct disk_file *from = open_file("from", DISK_MAKE);
    struct disk_file *to = open_file("to", DISK_MAKE);
    write_text(from, 0, "0123456789");
    write_text(to, 0, "abcdefghij");
    assert_int_equal(disk_file_copy(from, to, 2, 5, NULL), STATUS_OK);
    expect_text("to", "ab234fghij");
    assert_int_equal(disk_file_copy(from, to, 10, 10, NULL), STATUS_OK);
    assert_int_equal(disk_file_copy(from, to, 5, 11, NULL), STATUS_UNAVAILABLE);
    disk_file_close(from);
    disk_file_close(to);
}

/* A folder goes with what is in it, and only an empty one is removed. */
static void a_folder_is_renamed_and_removed(void **state)
{
    (void)state;
    char first[DISK_PATH_BYTES_MAX];
    char second[DISK_PATH_BYTES_MAX];
    snprintf(first, sizeof first, "%s", path_of("first"));
    snprintf(second, sizeof second, "%s", path_of("second"));
    assert_int_equal(disk_make_durable_directory(disk, first, NULL), STATUS_OK);
    struct disk_file *file = open_file("first/file", DISK_MAKE);
    write_text(file, 0, "text");
    assert_int_equal(disk_file_sync(file, NULL), STATUS_OK);
    disk_file_close(file);
    assert_int_equal(disk_sync_directory(disk, first, NULL), STATUS_OK);
    assert_int_equal(disk_rename(disk, first, second, NULL), STATUS_OK);
    assert_int_equal(disk_sync_parent(disk, second, NULL), STATUS_OK);
    expect_text("second/file", "text");
    assert_int_equal(disk_remove(disk, path_of("second/file"), NULL), STATUS_OK);
    assert_int_equal(disk_remove(disk, second, NULL), STATUS_OK);
}

/* What a power cut leaves of a folder whose name was not synced is there under one name, whole. */
static void a_renamed_folder_survives_a_power_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct disk *of_seed = disk_simulated_new(&(struct disk_simulated_options){.seed = seed});
        CLEANUP(disk_file_close) struct disk_file *file = NULL;
        assert_int_equal(disk_make_durable_directory(of_seed, "a", NULL), STATUS_OK);
        assert_int_equal(disk_open(of_seed, "a/f", DISK_MAKE, &file, NULL), STATUS_OK);
        assert_int_equal(disk_sync_directory(of_seed, "a", NULL), STATUS_OK);
        disk_file_close(TAKE(file));
        assert_int_equal(disk_rename(of_seed, "a", "b", NULL), STATUS_OK);
        disk_simulated_cut_power(of_seed);
        disk_simulated_power_on(of_seed);
        bool before = disk_open(of_seed, "a/f", DISK_READ, &file, NULL) == STATUS_OK;
        disk_file_close(TAKE(file));
        bool after = disk_open(of_seed, "b/f", DISK_READ, &file, NULL) == STATUS_OK;
        disk_file_close(TAKE(file));
        assert_true(before != after);
        disk_simulated_free(of_seed);
    }
}

int main(void)
{
    static const struct CMUnitTest common[] = {
        cmocka_unit_test_setup_teardown(modes_say_what_may_be_there, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(a_named_file_is_read_from_its_beginning, use_posix,
                                        leave_posix),
        cmocka_unit_test_setup_teardown(many_parts_are_written_whole, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(sizes_change_as_asked, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(names_come_and_go, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(a_lock_has_one_holder, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(long_paths_are_refused, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(a_link_is_the_same_file, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(copies_are_as_long_as_asked, use_posix, leave_posix),
        cmocka_unit_test_setup_teardown(a_folder_is_renamed_and_removed, use_posix, leave_posix),
    };
    static const struct CMUnitTest nasty[] = {
        cmocka_unit_test(power_cuts_take_only_what_was_not_synced),
        cmocka_unit_test(a_failed_sync_loses_for_good),
        cmocka_unit_test(faults_hit_where_they_are_set),
        cmocka_unit_test(a_renamed_folder_survives_a_power_cut),
    };
    struct CMUnitTest simulated[ARRAY_LENGTH(common) + ARRAY_LENGTH(nasty)];
    memcpy(simulated, common, sizeof common);
    memcpy(simulated + ARRAY_LENGTH(common), nasty, sizeof nasty);
    for (size_t i = 0; i < ARRAY_LENGTH(simulated); i++) {
        simulated[i].setup_func = use_simulated;
        simulated[i].teardown_func = leave_simulated;
    }
    int failed = cmocka_run_group_tests_name("posix disk", common, NULL, NULL);
    failed += cmocka_run_group_tests_name("simulated disk", simulated, NULL, NULL);
    return failed;
}
