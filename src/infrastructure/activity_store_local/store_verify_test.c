/* Guards looking into a folder: a store that is opened for reading only shows what the manifest
 * names and leaves every file as it was, also while another has it open and merges; verifying names
 * whatever is not as it was written, and goes on behind it. */
#include "infrastructure/activity_store_local/store_bed.h"
#include "infrastructure/disk/disk_simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const struct verification_request of_folder = {.directory = STORE_BED_FOLDER};

static struct store_bed *begin(void)
{
    return store_bed_new(1);
}

/* The ids "row-FIRST" and so on as one part. */
static void put_part(struct store_bed *bed, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        char id[32];
        char user[32];
        char metadata[64];
        snprintf(id, sizeof id, "row-%u", i);
        snprintf(user, sizeof user, "user-%u", i % 5);
        snprintf(metadata, sizeof metadata, "{\"number\":%u,\"text\":\"abcabcabcabc\"}", i);
        const struct activity activity = {.id = str_from(id),
                                          .user_id = str_from(user),
                                          .action = STR("login"),
                                          .metadata = str_from(metadata),
                                          .timestamp_ms = 1000 + i,
                                          .received_at_ms = 1000 + i};
        store_bed_put(bed, &activity);
    }
    store_bed_sync(bed);
}

/* Two parts with 300 rows each, closed. */
static struct store_bed *begin_with_parts(void)
{
    struct store_bed *bed = begin();
    put_part(bed, 0, 300);
    put_part(bed, 300, 300);
    store_bed_close(bed);
    return bed;
}

/* Verifying --------------------------------------------------------------------------------- */

/* Returns how many problems there are. */
static uint64_t verify(struct store_bed *bed, struct store_bed_verdicts *out_verdicts)
{
    store_bed_verify(bed, &of_folder, out_verdicts);
    return out_verdicts->problems;
}

/* One problem in one part, with these words. */
static void expect_problem(struct store_bed *bed, size_t at, const char *words)
{
    static struct store_bed_verdicts verdicts;
    assert_int_equal(verify(bed, &verdicts), 1);
    assert_int_equal(verdicts.ended, 2);
    assert_int_equal(verdicts.parts[at].problem_count, 1);
    assert_int_equal(verdicts.parts[1 - at].problem_count, 0);
    assert_true(store_bed_says(&verdicts, words));
}

static void a_whole_store_is_whole(void **state)
{
    (void)state;
    static struct store_bed_verdicts verdicts;
    struct store_bed *bed = begin_with_parts();
    assert_int_equal(verify(bed, &verdicts), 0);
    assert_int_equal(verdicts.ended, 2);
    assert_int_equal(verdicts.parts[0].number, 1);
    assert_int_equal(verdicts.parts[1].activities, 300);
    assert_int_equal(verdicts.parts[1].first_ms, 1300);
    assert_int_equal(verdicts.parts[1].last_ms, 1599);
    assert_true(verdicts.parts[1].bytes > 1000);
    store_bed_free(bed);
}

/* The middle of each section of a part, in this order. */
enum section {
    HEADER,
    COLUMNS,
    METADATA,
    LISTS,
    USERS,
    FILTER,
    IDS,
    FIRSTS,
    PAGES_AND_USERS,
    FOOTER,
    TRAILER,
    SECTIONS
};

static struct part *open_part(struct store_bed *bed, uint64_t number)
{
    struct manifest manifest;
    char path[DISK_PATH_BYTES_MAX];
    struct part *part = NULL;
    store_bed_load(bed, &manifest);
    const struct part_name name = {.store_id = manifest.store_id, .number = number};
    manifest_deinit(&manifest);
    store_bed_part_path(number, path);
    assert_int_equal(part_open(bed->disk, path, &name, &part, NULL), STATUS_OK);
    return part;
}

static void find_sections(struct store_bed *bed, uint64_t out_offsets[SECTIONS])
{
    struct part *part = open_part(bed, 2);
    const struct part_footer *footer = part_footer(part);
    const struct part_page *page = &part_directory(part)->pages[0];
    const struct part_names *names = &part_directory(part)->names[0];
    out_offsets[HEADER] = PART_HEADER_BYTES / 2;
    out_offsets[COLUMNS] = page->place.offset + page->place.columns_length / 2;
    out_offsets[METADATA] = page->place.offset + page->place.columns_length + 5;
    out_offsets[LISTS] = names->place.offset - 5;
    out_offsets[USERS] = names->place.offset + names->place.length / 2;
    out_offsets[FILTER] = footer->filter.offset + footer->filter.length / 2;
    out_offsets[IDS] = footer->ids.offset + footer->ids.length / 2;
    out_offsets[FIRSTS] = footer->id_firsts.offset + footer->id_firsts.length / 2;
    out_offsets[PAGES_AND_USERS] = footer->directory.offset + footer->directory.length / 2;
    out_offsets[FOOTER] = part_size(part) - PART_TRAILER_BYTES - 5;
    out_offsets[TRAILER] = part_size(part) - PART_TRAILER_BYTES / 2;
    part_close(part);
}

static void damage_in_each_section_is_named(void **state)
{
    (void)state;
    struct store_bed *bed = begin_with_parts();
    uint64_t offsets[SECTIONS];
    char path[DISK_PATH_BYTES_MAX];
    store_bed_part_path(2, path);
    find_sections(bed, offsets);
    for (size_t i = 0; i < SECTIONS; i++) {
        assert_true(disk_simulated_flip_bit(bed->disk, path, offsets[i] * 8 + 3));
        expect_problem(bed, 1, i == HEADER || i == TRAILER ? "" : "are damaged");
        assert_true(disk_simulated_flip_bit(bed->disk, path, offsets[i] * 8 + 3));
    }
    store_bed_free(bed);
}

static void all_damage_of_a_part_is_named(void **state)
{
    (void)state;
    static struct store_bed_verdicts verdicts;
    static const enum section damaged[] = {COLUMNS, USERS, IDS};
    struct store_bed *bed = begin_with_parts();
    uint64_t offsets[SECTIONS];
    char path[DISK_PATH_BYTES_MAX];
    store_bed_part_path(2, path);
    find_sections(bed, offsets);
    for (size_t i = 0; i < ARRAY_LENGTH(damaged); i++) {
        assert_true(disk_simulated_flip_bit(bed->disk, path, offsets[damaged[i]] * 8));
    }
    assert_int_equal(verify(bed, &verdicts), ARRAY_LENGTH(damaged));
    assert_int_equal(verdicts.parts[1].problem_count, ARRAY_LENGTH(damaged));
    store_bed_free(bed);
}

/* Every metadata block of a part is damaged, which is more than is told. */
static void endless_damage_has_an_end(void **state)
{
    (void)state;
    static struct store_bed_verdicts verdicts;
    static struct store_bed_file content;
    struct store_bed *bed = begin();
    char path[DISK_PATH_BYTES_MAX];
    put_part(bed, 0, 1500);
    store_bed_close(bed);
    store_bed_part_path(1, path);
    store_bed_read(bed, path, &content);
    struct part *part = open_part(bed, 1);
    for (size_t i = 0; i < part_directory(part)->page_count; i++) {
        const struct page_place *place = &part_directory(part)->pages[i].place;
        for (size_t at = 0; at < 300; at += 50) {
            content.bytes[place->offset + place->columns_length + at] ^= 1;
        }
    }
    part_close(part);
    store_bed_write(bed, path, &content);
    assert_int_equal(verify(bed, &verdicts), VERIFIED_PROBLEMS_MAX);
    assert_true(verdicts.parts[0].stopped);
    store_bed_free(bed);
}

static void a_missing_part_is_named(void **state)
{
    (void)state;
    struct store_bed *bed = begin_with_parts();
    char path[DISK_PATH_BYTES_MAX];
    store_bed_part_path(1, path);
    assert_int_equal(disk_remove(bed->disk, path, NULL), STATUS_OK);
    expect_problem(bed, 0, path);
    store_bed_free(bed);
}

static void a_part_of_another_store_is_named(void **state)
{
    (void)state;
    static struct store_bed_file content;
    struct store_bed *bed = store_bed_new(2);
    put_part(bed, 0, 300);
    store_bed_close(bed);
    char path[DISK_PATH_BYTES_MAX];
    store_bed_part_path(1, path);
    store_bed_read(bed, path, &content);
    struct store_bed *other = begin_with_parts();
    store_bed_write(other, path, &content);
    expect_problem(other, 0, "does not begin as this part of this store");
    store_bed_free(other);
    store_bed_free(bed);
}

static void another_count_in_the_manifest_is_named(void **state)
{
    (void)state;
    struct store_bed *bed = begin_with_parts();
    struct manifest manifest;
    store_bed_load(bed, &manifest);
    manifest.parts[1].rows++;
    store_bed_save(bed, &manifest);
    expect_problem(bed, 1, "the manifest says 301 activities, the part holds 300");
    store_bed_load(bed, &manifest);
    manifest.parts[1].rows--;
    manifest.parts[0].bytes--;
    store_bed_save(bed, &manifest);
    expect_problem(bed, 0, "bytes, the file has");
    store_bed_free(bed);
}

/* The first part comes back after the store, which lost it, took one of its ids again. */
static void an_id_in_two_parts_is_named(void **state)
{
    (void)state;
    static struct store_bed_file content;
    struct store_bed *bed = begin();
    struct manifest manifest;
    char path[DISK_PATH_BYTES_MAX];
    put_part(bed, 0, 300);
    store_bed_close(bed);
    store_bed_part_path(1, path);
    store_bed_read(bed, path, &content);
    store_bed_load(bed, &manifest);
    const struct manifest_part first = manifest.parts[0];
    assert_int_equal(manifest_replace(&manifest, 0, 1, NULL), STATUS_OK);
    store_bed_save(bed, &manifest);
    store_bed_open(bed);
    put_part(bed, 299, 300);
    store_bed_close(bed);
    store_bed_write(bed, path, &content);
    store_bed_load(bed, &manifest);
    assert_int_equal(manifest_replace(&manifest, 0, 0, &first), STATUS_OK);
    store_bed_save(bed, &manifest);
    expect_problem(bed, 1, "the id row-299 stands in part 1, too");
    store_bed_free(bed);
}

static void an_id_of_an_erased_user_may_come_again(void **state)
{
    (void)state;
    static struct store_bed_verdicts verdicts;
    struct store_bed *bed = begin();
    struct activity activity = {.id = STR("again"),
                                .user_id = STR("gone"),
                                .action = STR("login"),
                                .metadata = STR("{}"),
                                .timestamp_ms = 5000,
                                .received_at_ms = 5000};
    struct activity_erasure erasure;
    store_bed_put(bed, &activity);
    put_part(bed, 0, 300);
    assert_int_equal(activity_store_erase(bed->store, STR("gone"), 6000, &erasure, NULL),
                     STATUS_OK);
    activity.user_id = STR("other");
    store_bed_put(bed, &activity);
    put_part(bed, 300, 300);
    assert_int_equal(verify(bed, &verdicts), 0);
    assert_int_equal(verdicts.ended, 2);
    store_bed_free(bed);
}

static void a_store_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    static struct store_bed_verdicts verdicts;
    const struct verification_request absent = {.directory = "absent"};
    struct store_bed *bed = begin_with_parts();
    struct store_verification found;
    struct error err;
    assert_int_equal(
        activity_store_local_verify(bed->disk, &absent, &verdicts.listener, &found, &err),
        STATUS_NOT_FOUND);
    assert_true(disk_simulated_flip_bit(bed->disk, STORE_BED_FOLDER "/manifest", 30 * 8));
    assert_int_equal(
        activity_store_local_verify(bed->disk, &of_folder, &verdicts.listener, &found, &err),
        STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "manifest"));
    store_bed_free(bed);
}

/* Reading only ------------------------------------------------------------------------------ */

static enum status open_reading(struct disk *disk, const char *directory,
                                struct activity_store **out_store, struct error *err)
{
    const struct activity_store_local_config config = {.disk = disk,
                                                       .directory = directory,
                                                       .clock = &clock_system,
                                                       .random = &random_system,
                                                       .merge_parts = 3,
                                                       .read_only = true};
    return activity_store_local_new(&config, out_store, err);
}

static struct activity_store *open_to_read(struct disk *disk)
{
    struct activity_store *store = NULL;
    struct error err;
    if (open_reading(disk, STORE_BED_FOLDER, &store, &err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", err.message);
    }
    return store;
}

static uint64_t count_in(struct activity_store *store)
{
    struct activity_filter filter = activity_filter_all();
    uint64_t count = UINT64_MAX;
    assert_int_equal(activity_store_count(store, &filter, 0, &count, NULL), STATUS_OK);
    return count;
}

static void expect_refused(enum status status, const struct error *err)
{
    assert_int_equal(status, STATUS_UNAVAILABLE);
    assert_string_equal(err->message, "the store is opened for reading only");
}

static void reading_only_answers_and_refuses_changes(void **state)
{
    (void)state;
    struct store_bed *bed = begin_with_parts();
    struct activity_store *store = open_to_read(bed->disk);
    struct position_set covered;
    struct activity_batch batch = {.log_id = store_bed_log_id};
    enum verdict verdict;
    struct error err;
    uint64_t removed;
    struct activity_erasure erasure;
    assert_int_equal(count_in(store), 600);
    position_set_init(&covered);
    assert_int_equal(activity_store_durable_positions(store, store_bed_log_id, &covered, NULL),
                     STATUS_OK);
    assert_int_equal(position_set_get(&covered, 0), 600);
    struct logged_activity row = {.position = {0, 600}};
    batch.rows = &row;
    batch.count = 1;
    batch.next = &covered;
    expect_refused(activity_store_put_batch(store, &batch, &verdict, &err), &err);
    expect_refused(activity_store_sync(store, &err), &err);
    expect_refused(activity_store_erase(store, STR("user-1"), 9999, &erasure, &err), &err);
    expect_refused(activity_store_expire(store, 9999, &removed, &err), &err);
    assert_int_equal(count_in(store), 600);
    position_set_deinit(&covered);
    activity_store_free(store);
    store_bed_free(bed);
}

struct names {
    char text[512];
};

static void add_name(void *context, const char *name)
{
    struct names *names = context;
    size_t len = strlen(names->text);
    snprintf(names->text + len, sizeof names->text - len, "%s ", name);
}

static void list(struct store_bed *bed, struct names *out_names)
{
    out_names->text[0] = '\0';
    assert_int_equal(disk_list(bed->disk, STORE_BED_FOLDER, add_name, out_names, NULL), STATUS_OK);
}

/* A part that does not know an erased user is as sound as before. */
static void reading_only_answers_after_erasures(void **state)
{
    (void)state;
    struct store_bed *bed = begin_with_parts();
    struct activity_erasure erasure;
    store_bed_open(bed);
    assert_int_equal(activity_store_erase(bed->store, STR("nobody"), 9999, &erasure, NULL),
                     STATUS_OK);
    assert_int_equal(activity_store_erase(bed->store, STR("user-1"), 9999, &erasure, NULL),
                     STATUS_OK);
    assert_int_equal(erasure.erased, 120);
    store_bed_close(bed);
    struct activity_store *store = open_to_read(bed->disk);
    assert_int_equal(count_in(store), 480);
    activity_store_free(store);
    store_bed_free(bed);
}

static void reading_only_changes_no_file(void **state)
{
    (void)state;
    static struct store_bed_file before;
    static struct store_bed_file after;
    struct store_bed *bed = begin_with_parts();
    struct names names_before;
    struct names names_after;
    char leftover[DISK_PATH_BYTES_MAX];
    store_bed_part_path(99, leftover);
    store_bed_read(bed, STORE_BED_FOLDER "/manifest", &before);
    store_bed_write(bed, leftover, &before);
    list(bed, &names_before);
    activity_store_free(open_to_read(bed->disk));
    list(bed, &names_after);
    store_bed_read(bed, STORE_BED_FOLDER "/manifest", &after);
    assert_string_equal(names_before.text, names_after.text);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.bytes, after.bytes, before.len);
    store_bed_free(bed);
}

static void reading_only_needs_a_whole_store(void **state)
{
    (void)state;
    struct store_bed *bed = begin_with_parts();
    struct activity_store *store = NULL;
    struct error err;
    char path[DISK_PATH_BYTES_MAX];
    store_bed_part_path(1, path);
    assert_int_equal(open_reading(bed->disk, "absent", &store, &err), STATUS_NOT_FOUND);
    assert_int_equal(disk_remove(bed->disk, path, NULL), STATUS_OK);
    assert_int_equal(open_reading(bed->disk, STORE_BED_FOLDER, &store, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, path));
    store_bed_free(bed);
}

/* A disk through which the store that has the folder open merges just before a part is opened. */
struct busy_disk {
    struct disk disk;
    struct store_bed *bed;
    unsigned merges_left;
};

static enum status busy_open(struct disk *disk, const char *path, enum disk_mode mode,
                             struct disk_file **out_file, struct error *err)
{
    struct busy_disk *self = CONTAINER_OF(disk, struct busy_disk, disk);
    if (strstr(path, ".part") != NULL && self->merges_left > 0) {
        unsigned before = (unsigned)self->bed->offset;
        self->merges_left--;
        put_part(self->bed, before, 1); /* the third part of its size: all become one */
        put_part(self->bed, before + 1, 1);
        put_part(self->bed, before + 2, 1);
    }
    return disk_open(self->bed->disk, path, mode, out_file, err);
}

static const struct disk_operations busy_operations = {.open = busy_open};

static void reading_only_goes_along_with_merges(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed, 0, 1);
    put_part(bed, 1, 1);
    struct busy_disk busy = {
        .disk = {.operations = &busy_operations}, .bed = bed, .merges_left = 3};
    struct activity_store *store = open_to_read(&busy.disk);
    assert_int_equal(busy.merges_left, 0);
    uint64_t count = count_in(store);
    assert_true(count >= 2 && count <= 11);
    put_part(bed, 100, 1); /* whatever goes now stays readable */
    put_part(bed, 101, 1);
    put_part(bed, 102, 1);
    assert_int_equal(count_in(store), count);
    struct activity_page_request request = {
        .filter = activity_filter_all(), .limit = 100, .bytes_max = 1 << 20};
    struct activity_page page;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_int_equal(activity_store_find(store, &request, &arena, &page, NULL), STATUS_OK);
    assert_int_equal(page.count, count);
    arena_deinit(&arena);
    activity_store_free(store);
    store_bed_free(bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_store_is_whole),
        cmocka_unit_test(damage_in_each_section_is_named),
        cmocka_unit_test(all_damage_of_a_part_is_named),
        cmocka_unit_test(endless_damage_has_an_end),
        cmocka_unit_test(a_missing_part_is_named),
        cmocka_unit_test(a_part_of_another_store_is_named),
        cmocka_unit_test(another_count_in_the_manifest_is_named),
        cmocka_unit_test(an_id_in_two_parts_is_named),
        cmocka_unit_test(an_id_of_an_erased_user_may_come_again),
        cmocka_unit_test(a_store_that_cannot_be_read_is_told),
        cmocka_unit_test(reading_only_answers_and_refuses_changes),
        cmocka_unit_test(reading_only_answers_after_erasures),
        cmocka_unit_test(reading_only_changes_no_file),
        cmocka_unit_test(reading_only_needs_a_whole_store),
        cmocka_unit_test(reading_only_goes_along_with_merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
