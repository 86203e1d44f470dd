/* Guards that what an entry said leaves the file when the entry leaves the list, and that a crash
 * in the midst of that harms no other. */
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/refusal_list_local/record_format.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER     "refused"
#define FIRST_FILE FOLDER "/0000000001.refused"

enum { FILE_BYTES_MAX = 1 << 12, ENTRIES = 4 };

struct bed {
    struct disk *disk;
    struct refusal_list *list;
    struct logger logger;
};

static const struct uuid log_id = {{0x77, 1}};

static void open_list(struct bed *bed)
{
    const struct refusal_list_local_config config = {.disk = bed->disk,
                                                     .directory = FOLDER,
                                                     .bytes_max = 1 << 20,
                                                     .clock = &clock_system,
                                                     .logger = &bed->logger};
    struct error err = {0};
    if (refusal_list_local_new(&config, &bed->list, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
}

static void reopen(struct bed *bed)
{
    refusal_list_free(bed->list);
    open_list(bed);
}

/* Four entries, of which the user ann has the second and the third. */
static void bed_init(struct bed *bed)
{
    const struct refusal refusals[ENTRIES] = {
        {.position = {0, 0}, .raw = STR("{\"userId\":\"bob\"}"), .reason = STR("first")},
        {.position = {0, 1}, .raw = STR("{\"userId\":\"ann\"}"), .reason = STR("second")},
        {.position = {0, 2}, .key = STR("ann"), .raw = STR("by key"), .reason = STR("third")},
        {.position = {0, 3}, .raw = STR("{\"userId\":\"eve\"}"), .reason = STR("fourth")},
    };
    *bed = (struct bed){.disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 1}),
                        .logger = {.clock = &clock_system, .descriptor = -1}};
    open_list(bed);
    assert_int_equal(refusal_list_add(bed->list, log_id, refusals, ENTRIES, NULL), STATUS_OK);
}

static void bed_deinit(struct bed *bed)
{
    refusal_list_free(bed->list);
    disk_simulated_free(bed->disk);
}

static size_t read_file(struct bed *bed, char bytes[FILE_BYTES_MAX])
{
    struct disk_file *file;
    struct iovec into = {.iov_base = bytes, .iov_len = FILE_BYTES_MAX};
    size_t len = 0;
    assert_int_equal(disk_open(bed->disk, FIRST_FILE, DISK_WRITE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
    disk_file_close(file);
    return len;
}

static void write_file(struct bed *bed, char *bytes, size_t len)
{
    struct disk_file *file;
    struct iovec part = {.iov_base = bytes, .iov_len = len};
    assert_int_equal(disk_open(bed->disk, FIRST_FILE, DISK_WRITE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &part, 1, NULL), STATUS_OK);
    assert_int_equal(disk_file_sync(file, NULL), STATUS_OK);
    disk_file_close(file);
}

static bool file_says(struct bed *bed, const char *word)
{
    char bytes[FILE_BYTES_MAX];
    return memmem(bytes, read_file(bed, bytes), word, strlen(word)) != NULL;
}

static uint64_t forget_ann(struct bed *bed)
{
    uint64_t forgotten = 0;
    assert_int_equal(refusal_list_forget(bed->list, STR("ann"), &forgotten, NULL), STATUS_OK);
    return forgotten;
}

static uint64_t listed(struct bed *bed)
{
    struct refusal_list_state about;
    refusal_list_describe(bed->list, &about);
    return about.listed;
}

static bool has(struct bed *bed, int64_t offset, struct str reason)
{
    char id[REFUSAL_ID_BYTES];
    struct refusal_entry entry;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    refusal_entry_write_id(log_id, (struct position){0, offset}, id);
    enum status status = refusal_list_get(bed->list, str_from(id), &arena, &entry, NULL);
    bool same = status == STATUS_OK && str_equal(entry.refusal.reason, reason);
    arena_deinit(&arena);
    return same;
}

/* Not only out of the answers: nothing of it is in the file any more. */
static void what_leaves_the_list_leaves_the_file(void **state)
{
    (void)state;
    struct bed bed;
    char id[REFUSAL_ID_BYTES];
    bed_init(&bed);
    assert_true(file_says(&bed, "ann") && file_says(&bed, "second") && file_says(&bed, "by key"));
    assert_int_equal(forget_ann(&bed), 2);
    assert_false(file_says(&bed, "ann") || file_says(&bed, "second") || file_says(&bed, "third"));
    assert_false(file_says(&bed, "by key"));
    assert_true(file_says(&bed, "first") && file_says(&bed, "fourth"));
    refusal_entry_write_id(log_id, (struct position){0, 3}, id);
    assert_int_equal(refusal_list_remove(bed.list, str_from(id), NULL), STATUS_OK);
    assert_false(file_says(&bed, "eve"));
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(listed(&bed), 1);
        assert_true(has(&bed, 0, STR("first")));
        reopen(&bed);
    }
    bed_deinit(&bed);
}

/* A receipt says that it is erased, so a power cut behind it brings nothing back. */
static void what_was_forgotten_is_off_the_disk(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed);
    assert_int_equal(forget_ann(&bed), 2);
    disk_simulated_cut_power(bed.disk);
    refusal_list_free(bed.list);
    disk_simulated_power_on(bed.disk);
    open_list(&bed);
    assert_int_equal(listed(&bed), 2);
    assert_false(file_says(&bed, "ann") || file_says(&bed, "by key"));
    bed_deinit(&bed);
}

/* The power goes while zeros take the place of a text, whichever end of them is on the disk. */
static void half_a_text_harms_nobody(void **state)
{
    (void)state;
    char before[FILE_BYTES_MAX];
    char after[FILE_BYTES_MAX];
    char mixed[FILE_BYTES_MAX];
    struct bed bed;
    bed_init(&bed);
    size_t old_len = read_file(&bed, before);
    assert_true(old_len > 0);
    assert_int_equal(forget_ann(&bed), 2);
    size_t len = read_file(&bed, after);
    assert_int_equal(len, old_len + 2 * RECORD_HEADER_BYTES);
    for (size_t at = 0; at < 2 * old_len; at++) {
        size_t split = at % old_len;
        memcpy(mixed, after, len);
        if (at < old_len) {
            memcpy(mixed, before, split);
        } else {
            memcpy(mixed + split, before + split, old_len - split);
        }
        write_file(&bed, mixed, len);
        reopen(&bed);
        assert_int_equal(listed(&bed), 2);
        assert_true(has(&bed, 0, STR("first")) && has(&bed, 3, STR("fourth")));
    }
    bed_deinit(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_the_list_leaves_the_file),
        cmocka_unit_test(what_was_forgotten_is_off_the_disk),
        cmocka_unit_test(half_a_text_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
