/* A list is copied while entries come and go between any two operations of the copy: what was
 * listed and stayed is in it, as it was, and what was taken off is there whole or not at all. */
#include "base/macros.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/refusal_list_local/refusal_copy.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES = 24, GONE = 8, TEXT_BYTES = 400, OPERATIONS_MAX = 200 };

static const struct uuid log_id = {{4}};
static const struct logger silent = {.clock = &clock_system, .descriptor = -1, .level = LOG_ERROR};

/* A disk through which somebody works with the list just before one of the opens of the copy. */
struct busy_disk {
    struct disk disk;
    struct disk *inner;
    struct refusal_list *list;
    unsigned at;
    unsigned count;
};

static struct refusal_list *open_list(struct disk *disk, const char *directory)
{
    struct refusal_list *list = NULL;
    struct error err = {0};
    const struct refusal_list_local_config config = {.disk = disk,
                                                     .directory = directory,
                                                     .bytes_max = 40 * 1024,
                                                     .clock = &clock_system,
                                                     .logger = &silent};
    if (refusal_list_local_new(&config, &list, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return list;
}

static void write_text(unsigned number, char out_text[TEXT_BYTES])
{
    memset(out_text, 'a' + (int)(number % 26), TEXT_BYTES);
}

static void add(struct refusal_list *list, unsigned number)
{
    char text[TEXT_BYTES];
    write_text(number, text);
    const struct refusal refusal = {
        .position.offset = number, .raw = {text, sizeof text}, .reason = STR("a reason")};
    assert_int_equal(refusal_list_add(list, log_id, &refusal, 1, NULL), STATUS_OK);
}

static void take_off(struct refusal_list *list, unsigned number)
{
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(log_id, (struct position){.offset = number}, id);
    enum status status = refusal_list_remove(list, str_from(id), NULL);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
}

/* The first ones go, and as many come. */
static void work(struct refusal_list *list)
{
    for (unsigned i = 0; i < GONE; i++) {
        take_off(list, i);
        add(list, ENTRIES + i);
    }
}

static struct disk *disturb(struct disk *disk)
{
    struct busy_disk *busy = CONTAINER_OF(disk, struct busy_disk, disk);
    if (++busy->count == busy->at) {
        work(busy->list);
    }
    return busy->inner;
}

static enum status busy_open(struct disk *disk, const char *path, enum disk_mode mode,
                             struct disk_file **out_file, struct error *err)
{
    return disk_open(disturb(disk), path, mode, out_file, err);
}

static enum status busy_list(struct disk *disk, const char *path, disk_visit *visit, void *context,
                             struct error *err)
{
    return disk_list(disturb(disk), path, visit, context, err);
}

static const struct disk_operations busy_operations = {.open = busy_open, .list = busy_list};

/* Whether the entry is there; if so it is what it was. */
static bool has(struct refusal_list *list, unsigned number)
{
    char id[REFUSAL_ID_BYTES];
    char text[TEXT_BYTES];
    struct arena arena;
    struct refusal_entry entry;
    refusal_entry_write_id(log_id, (struct position){.offset = number}, id);
    arena_init(&arena, 1 << 16);
    enum status status = refusal_list_get(list, str_from(id), &arena, &entry, NULL);
    if (status == STATUS_OK) {
        write_text(number, text);
        assert_true(str_equal(entry.refusal.raw, (struct str){text, sizeof text}));
    }
    arena_deinit(&arena);
    return status == STATUS_OK;
}

/* Returns how many operations there were. */
static unsigned copy_beside(unsigned at)
{
    struct disk *disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 8});
    struct busy_disk busy = {.disk = {.operations = &busy_operations}, .inner = disk, .at = at};
    struct error err = {0};
    uint64_t bytes = 0;
    assert_int_equal(disk_make_directory(disk, "to", &err), STATUS_OK);
    busy.list = open_list(disk, "from");
    for (unsigned i = 0; i < ENTRIES; i++) {
        add(busy.list, i);
    }
    assert_int_equal(refusal_list_local_copy(&busy.disk, "from", "to", &bytes, &err), STATUS_OK);
    refusal_list_free(busy.list);
    struct refusal_list *copy = open_list(disk, "to");
    for (unsigned i = 0; i < ENTRIES + GONE; i++) {
        bool stays = i >= GONE && i < ENTRIES;
        assert_true(has(copy, i) || !stays);
    }
    refusal_list_free(copy);
    disk_simulated_free(disk);
    return busy.count;
}

static void what_stays_is_copied_and_what_goes_is_whole_or_gone(void **state)
{
    (void)state;
    unsigned count = 2;
    for (unsigned at = 1; at <= count && at < OPERATIONS_MAX; at++) {
        count = copy_beside(at);
    }
    assert_true(count > 8);
}

static void a_second_copy_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct disk *disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 9});
    struct error err = {0};
    uint64_t bytes = 0;
    assert_int_equal(disk_make_directory(disk, "to", &err), STATUS_OK);
    assert_int_equal(refusal_list_local_copy(disk, "from", "to", &bytes, &err), STATUS_NOT_FOUND);
    struct refusal_list *list = open_list(disk, "from");
    add(list, 1);
    assert_int_equal(refusal_list_local_copy(disk, "from", "to", &bytes, &err), STATUS_OK);
    work(list);
    assert_int_equal(refusal_list_local_copy(disk, "from", "to", &bytes, &err), STATUS_OK);
    refusal_list_free(list);
    struct refusal_list *copy = open_list(disk, "to");
    assert_false(has(copy, 1));
    assert_true(has(copy, ENTRIES));
    refusal_list_free(copy);
    disk_simulated_free(disk);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_is_copied_and_what_goes_is_whole_or_gone),
        cmocka_unit_test(a_second_copy_takes_the_place_of_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
