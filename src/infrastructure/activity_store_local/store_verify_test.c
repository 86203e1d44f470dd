/* Guards looking into a folder: a store that is opened for reading only shows what the manifest
 * names and leaves every file as it was, also while another has it open and merges; verifying names
 * whatever is not as it was written, and goes on behind it. */
#include "infrastructure/activity_store_local/local_store.h"
#include "infrastructure/activity_store_local/store_verify.h"
#include "infrastructure/disk/disk_simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { FILE_BYTES_MAX = 1 << 20, PARTS_MAX = 8 };

#define DIRECTORY "store"

static const struct uuid log_id = {{7}};
static const struct verification_request of_folder = {.directory = DIRECTORY};

/* A store on a disk in memory, and how far its log got. */
struct world {
    struct disk *disk;
    struct activity_store *store; /* NULL: closed */
    int64_t offset;
};

static struct activity_store *open_in(struct disk *disk, const char *directory, bool read_only)
{
    const struct activity_store_local_config config = {.disk = disk,
                                                       .directory = directory,
                                                       .clock = &clock_system,
                                                       .random = &random_system,
                                                       .merge_parts = 3,
                                                       .read_only = read_only};
    struct activity_store *store = NULL;
    struct error err;
    if (activity_store_local_new(&config, &store, &err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", err.message);
    }
    return store;
}

static struct world begin(void)
{
    const struct disk_simulated_options options = {.seed = 1};
    struct world world = {.disk = disk_simulated_new(&options)};
    assert_non_null(world.disk);
    world.store = open_in(world.disk, DIRECTORY, false);
    return world;
}

static void end(struct world *world)
{
    activity_store_free(world->store);
    disk_simulated_free(world->disk);
}

static void close_store(struct world *world)
{
    activity_store_free(TAKE(world->store));
}

static void put(struct world *world, struct activity activity)
{
    struct logged_activity row = {.activity = activity, .position = {0, world->offset++}};
    struct position next_item = {0, world->offset};
    struct position_set next = {.items = &next_item, .count = 1, .capacity = 1};
    const struct activity_batch batch = {.log_id = log_id, .rows = &row, .count = 1, .next = &next};
    enum verdict verdict;
    struct error err;
    if (activity_store_put_batch(world->store, &batch, &verdict, &err) != STATUS_OK) {
        fail_msg("cannot put: %s", err.message);
    }
    assert_int_equal(verdict, VERDICT_STORED);
}

/* The ids "row-FIRST" and so on as one part. */
static void put_part(struct world *world, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        char id[32];
        char user[32];
        char metadata[64];
        snprintf(id, sizeof id, "row-%u", i);
        snprintf(user, sizeof user, "user-%u", i % 5);
        snprintf(metadata, sizeof metadata, "{\"number\":%u,\"text\":\"abcabcabcabc\"}", i);
        put(world, (struct activity){.id = str_from(id),
                                     .user_id = str_from(user),
                                     .action = STR("login"),
                                     .metadata = str_from(metadata),
                                     .timestamp_ms = 1000 + i,
                                     .received_at_ms = 1000 + i});
    }
    assert_int_equal(activity_store_sync(world->store, NULL), STATUS_OK);
}

/* Two parts with 300 rows each, closed. */
static struct world begin_with_parts(void)
{
    struct world world = begin();
    put_part(&world, 0, 300);
    put_part(&world, 300, 300);
    close_store(&world);
    return world;
}

/* Files ------------------------------------------------------------------------------------- */

struct content {
    size_t len;
    uint8_t bytes[FILE_BYTES_MAX];
};

static void path_of(uint64_t number, char out_path[DISK_PATH_BYTES_MAX])
{
    assert_int_equal(stored_part_path(DIRECTORY, number, out_path, NULL), STATUS_OK);
}

static void read_file(struct world *world, const char *path, struct content *out_content)
{
    struct disk_file *file = NULL;
    struct iovec into = {.iov_base = out_content->bytes, .iov_len = FILE_BYTES_MAX};
    assert_int_equal(disk_open(world->disk, path, DISK_READ, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_read(file, 0, into, &out_content->len, NULL), STATUS_OK);
    disk_file_close(file);
}

static void write_file(struct world *world, const char *path, struct content *content)
{
    struct disk_file *file = NULL;
    struct iovec part = {.iov_base = content->bytes, .iov_len = content->len};
    assert_int_equal(disk_open(world->disk, path, DISK_WRITE_OR_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 0, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &part, 1, NULL), STATUS_OK);
    disk_file_close(file);
}

static void load(struct world *world, struct manifest *out_manifest)
{
    assert_int_equal(manifest_load(world->disk, DIRECTORY, out_manifest, NULL), STATUS_OK);
}

static void save(struct world *world, struct manifest *manifest)
{
    bool unknown;
    assert_int_equal(manifest_save(world->disk, DIRECTORY, manifest, &unknown, NULL), STATUS_OK);
    manifest_deinit(manifest);
}

/* Verifying --------------------------------------------------------------------------------- */

/* What was heard. */
struct verdicts {
    struct verification_listener listener;
    struct verified_part parts[PARTS_MAX];
    struct verified_chain chain;
    size_t begun;
    size_t ended;
};

static void note_begin(struct verification_listener *listener, const struct verified_part *part)
{
    struct verdicts *verdicts = CONTAINER_OF(listener, struct verdicts, listener);
    assert_int_equal(part->at, verdicts->begun++);
}

static void note_end(struct verification_listener *listener, const struct verified_part *part)
{
    struct verdicts *verdicts = CONTAINER_OF(listener, struct verdicts, listener);
    assert_true(verdicts->ended < PARTS_MAX);
    verdicts->parts[verdicts->ended++] = *part;
    assert_int_equal(verdicts->begun, verdicts->ended);
}

static void note_chain(struct verification_listener *listener, const struct verified_chain *chain)
{
    struct verdicts *verdicts = CONTAINER_OF(listener, struct verdicts, listener);
    verdicts->chain = *chain;
}

/* Returns how many problems there are. */
static uint64_t verify(struct world *world, struct verdicts *out_verdicts)
{
    struct store_verification found;
    struct error err;
    *out_verdicts = (struct verdicts){
        .listener = {.part_begins = note_begin, .part_ends = note_end, .chain_ends = note_chain}};
    if (activity_store_local_verify(world->disk, &of_folder, &out_verdicts->listener, &found,
                                    &err) != STATUS_OK) {
        fail_msg("cannot verify: %s", err.message);
    }
    assert_int_equal(found.parts, out_verdicts->ended);
    return found.problems;
}

/* One problem in one part, with these words. */
static void expect_problem(struct world *world, size_t at, const char *words)
{
    static struct verdicts verdicts;
    assert_int_equal(verify(world, &verdicts), 1);
    assert_int_equal(verdicts.ended, 2);
    assert_int_equal(verdicts.parts[at].problem_count, 1);
    assert_int_equal(verdicts.parts[1 - at].problem_count, 0);
    if (strstr(verdicts.parts[at].problems[0].message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", verdicts.parts[at].problems[0].message, words);
    }
}

static void a_whole_store_is_whole(void **state)
{
    (void)state;
    static struct verdicts verdicts;
    struct world world = begin_with_parts();
    assert_int_equal(verify(&world, &verdicts), 0);
    assert_int_equal(verdicts.ended, 2);
    assert_int_equal(verdicts.parts[0].number, 1);
    assert_int_equal(verdicts.parts[1].activities, 300);
    assert_int_equal(verdicts.parts[1].first_ms, 1300);
    assert_int_equal(verdicts.parts[1].last_ms, 1599);
    assert_true(verdicts.parts[1].bytes > 1000);
    end(&world);
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

static struct part *open_part(struct world *world, uint64_t number)
{
    struct manifest manifest;
    char path[DISK_PATH_BYTES_MAX];
    struct part *part = NULL;
    load(world, &manifest);
    const struct part_name name = {.store_id = manifest.store_id, .number = number};
    manifest_deinit(&manifest);
    path_of(number, path);
    assert_int_equal(part_open(world->disk, path, &name, &part, NULL), STATUS_OK);
    return part;
}

static void find_sections(struct world *world, uint64_t out_offsets[SECTIONS])
{
    struct part *part = open_part(world, 2);
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
    struct world world = begin_with_parts();
    uint64_t offsets[SECTIONS];
    char path[DISK_PATH_BYTES_MAX];
    path_of(2, path);
    find_sections(&world, offsets);
    for (size_t i = 0; i < SECTIONS; i++) {
        assert_true(disk_simulated_flip_bit(world.disk, path, offsets[i] * 8 + 3));
        expect_problem(&world, 1, i == HEADER || i == TRAILER ? "" : "are damaged");
        assert_true(disk_simulated_flip_bit(world.disk, path, offsets[i] * 8 + 3));
    }
    end(&world);
}

static void all_damage_of_a_part_is_named(void **state)
{
    (void)state;
    static struct verdicts verdicts;
    static const enum section damaged[] = {COLUMNS, USERS, IDS};
    struct world world = begin_with_parts();
    uint64_t offsets[SECTIONS];
    char path[DISK_PATH_BYTES_MAX];
    path_of(2, path);
    find_sections(&world, offsets);
    for (size_t i = 0; i < ARRAY_LENGTH(damaged); i++) {
        assert_true(disk_simulated_flip_bit(world.disk, path, offsets[damaged[i]] * 8));
    }
    assert_int_equal(verify(&world, &verdicts), ARRAY_LENGTH(damaged));
    assert_int_equal(verdicts.parts[1].problem_count, ARRAY_LENGTH(damaged));
    end(&world);
}

/* Every metadata block of a part is damaged, which is more than is told. */
static void endless_damage_has_an_end(void **state)
{
    (void)state;
    static struct verdicts verdicts;
    static struct content content;
    struct world world = begin();
    char path[DISK_PATH_BYTES_MAX];
    put_part(&world, 0, 1500);
    close_store(&world);
    path_of(1, path);
    read_file(&world, path, &content);
    struct part *part = open_part(&world, 1);
    for (size_t i = 0; i < part_directory(part)->page_count; i++) {
        const struct page_place *place = &part_directory(part)->pages[i].place;
        for (size_t at = 0; at < 300; at += 50) {
            content.bytes[place->offset + place->columns_length + at] ^= 1;
        }
    }
    part_close(part);
    write_file(&world, path, &content);
    assert_int_equal(verify(&world, &verdicts), VERIFIED_PROBLEMS_MAX);
    assert_true(verdicts.parts[0].stopped);
    end(&world);
}

static void a_missing_part_is_named(void **state)
{
    (void)state;
    struct world world = begin_with_parts();
    char path[DISK_PATH_BYTES_MAX];
    path_of(1, path);
    assert_int_equal(disk_remove(world.disk, path, NULL), STATUS_OK);
    expect_problem(&world, 0, path);
    end(&world);
}

static void a_part_of_another_store_is_named(void **state)
{
    (void)state;
    static struct content content;
    struct world world = begin();
    put_part(&world, 0, 300);
    close_store(&world);
    char path[DISK_PATH_BYTES_MAX];
    path_of(1, path);
    read_file(&world, path, &content);
    struct world other = begin_with_parts();
    write_file(&other, path, &content);
    expect_problem(&other, 0, "does not begin as this part of this store");
    end(&other);
    end(&world);
}

static void another_count_in_the_manifest_is_named(void **state)
{
    (void)state;
    struct world world = begin_with_parts();
    struct manifest manifest;
    load(&world, &manifest);
    manifest.parts[1].rows++;
    save(&world, &manifest);
    expect_problem(&world, 1, "the manifest says 301 activities, the part holds 300");
    load(&world, &manifest);
    manifest.parts[1].rows--;
    manifest.parts[0].bytes--;
    save(&world, &manifest);
    expect_problem(&world, 0, "bytes, the file has");
    end(&world);
}

/* The first part comes back after the store, which lost it, took one of its ids again. */
static void an_id_in_two_parts_is_named(void **state)
{
    (void)state;
    static struct content content;
    struct world world = begin();
    struct manifest manifest;
    char path[DISK_PATH_BYTES_MAX];
    put_part(&world, 0, 300);
    close_store(&world);
    path_of(1, path);
    read_file(&world, path, &content);
    load(&world, &manifest);
    const struct manifest_part first = manifest.parts[0];
    assert_int_equal(manifest_replace(&manifest, 0, 1, NULL), STATUS_OK);
    save(&world, &manifest);
    world.store = open_in(world.disk, DIRECTORY, false);
    put_part(&world, 299, 300);
    close_store(&world);
    write_file(&world, path, &content);
    load(&world, &manifest);
    assert_int_equal(manifest_replace(&manifest, 0, 0, &first), STATUS_OK);
    save(&world, &manifest);
    expect_problem(&world, 1, "the id row-299 stands in part 1, too");
    end(&world);
}

static void an_id_of_an_erased_user_may_come_again(void **state)
{
    (void)state;
    static struct verdicts verdicts;
    struct world world = begin();
    struct activity activity = {.id = STR("again"),
                                .user_id = STR("gone"),
                                .action = STR("login"),
                                .metadata = STR("{}"),
                                .timestamp_ms = 5000,
                                .received_at_ms = 5000};
    uint64_t erased;
    put(&world, activity);
    put_part(&world, 0, 300);
    assert_int_equal(activity_store_erase(world.store, STR("gone"), 6000, &erased, NULL),
                     STATUS_OK);
    activity.user_id = STR("other");
    put(&world, activity);
    put_part(&world, 300, 300);
    assert_int_equal(verify(&world, &verdicts), 0);
    assert_int_equal(verdicts.ended, 2);
    end(&world);
}

static void a_store_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    static struct verdicts verdicts;
    const struct verification_request absent = {.directory = "absent"};
    struct world world = begin_with_parts();
    struct store_verification found;
    struct error err;
    assert_int_equal(
        activity_store_local_verify(world.disk, &absent, &verdicts.listener, &found, &err),
        STATUS_NOT_FOUND);
    assert_true(disk_simulated_flip_bit(world.disk, DIRECTORY "/manifest", 30 * 8));
    assert_int_equal(
        activity_store_local_verify(world.disk, &of_folder, &verdicts.listener, &found, &err),
        STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "manifest"));
    end(&world);
}

/* Reading only ------------------------------------------------------------------------------ */

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
    struct world world = begin_with_parts();
    struct activity_store *store = open_in(world.disk, DIRECTORY, true);
    struct position_set covered;
    struct activity_batch batch = {.log_id = log_id};
    enum verdict verdict;
    struct error err;
    uint64_t removed;
    assert_int_equal(count_in(store), 600);
    position_set_init(&covered);
    assert_int_equal(activity_store_durable_positions(store, log_id, &covered, NULL), STATUS_OK);
    assert_int_equal(position_set_get(&covered, 0), 600);
    struct logged_activity row = {.position = {0, 600}};
    batch.rows = &row;
    batch.count = 1;
    batch.next = &covered;
    expect_refused(activity_store_put_batch(store, &batch, &verdict, &err), &err);
    expect_refused(activity_store_sync(store, &err), &err);
    expect_refused(activity_store_erase(store, STR("user-1"), 9999, &removed, &err), &err);
    expect_refused(activity_store_expire(store, 9999, &removed, &err), &err);
    assert_int_equal(count_in(store), 600);
    position_set_deinit(&covered);
    activity_store_free(store);
    end(&world);
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

static void list(struct world *world, struct names *out_names)
{
    out_names->text[0] = '\0';
    assert_int_equal(disk_list(world->disk, DIRECTORY, add_name, out_names, NULL), STATUS_OK);
}

static void reading_only_changes_no_file(void **state)
{
    (void)state;
    static struct content before;
    static struct content after;
    struct world world = begin_with_parts();
    struct names names_before;
    struct names names_after;
    char leftover[DISK_PATH_BYTES_MAX];
    path_of(99, leftover);
    read_file(&world, DIRECTORY "/manifest", &before);
    write_file(&world, leftover, &before);
    list(&world, &names_before);
    activity_store_free(open_in(world.disk, DIRECTORY, true));
    list(&world, &names_after);
    read_file(&world, DIRECTORY "/manifest", &after);
    assert_string_equal(names_before.text, names_after.text);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.bytes, after.bytes, before.len);
    end(&world);
}

static enum status open_reading(struct disk *disk, const char *directory, struct error *err)
{
    const struct activity_store_local_config config = {.disk = disk,
                                                       .directory = directory,
                                                       .clock = &clock_system,
                                                       .random = &random_system,
                                                       .read_only = true};
    struct activity_store *store = NULL;
    enum status status = activity_store_local_new(&config, &store, err);
    activity_store_free(store);
    return status;
}

static void reading_only_needs_a_whole_store(void **state)
{
    (void)state;
    struct world world = begin_with_parts();
    struct error err;
    char path[DISK_PATH_BYTES_MAX];
    path_of(1, path);
    assert_int_equal(open_reading(world.disk, "absent", &err), STATUS_NOT_FOUND);
    assert_int_equal(disk_remove(world.disk, path, NULL), STATUS_OK);
    assert_int_equal(open_reading(world.disk, DIRECTORY, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, path));
    end(&world);
}

/* A disk through which the store that has the folder open merges just before a part is opened. */
struct busy_disk {
    struct disk disk;
    struct world *world;
    unsigned merges_left;
};

static enum status busy_open(struct disk *disk, const char *path, enum disk_mode mode,
                             struct disk_file **out_file, struct error *err)
{
    struct busy_disk *self = CONTAINER_OF(disk, struct busy_disk, disk);
    if (strstr(path, ".part") != NULL && self->merges_left > 0) {
        unsigned before = (unsigned)self->world->offset;
        self->merges_left--;
        put_part(self->world, before, 1); /* the third part of its size: all become one */
        put_part(self->world, before + 1, 1);
        put_part(self->world, before + 2, 1);
    }
    return disk_open(self->world->disk, path, mode, out_file, err);
}

static const struct disk_operations busy_operations = {.open = busy_open};

static void reading_only_goes_along_with_merges(void **state)
{
    (void)state;
    struct world world = begin();
    put_part(&world, 0, 1);
    put_part(&world, 1, 1);
    struct busy_disk busy = {
        .disk = {.operations = &busy_operations}, .world = &world, .merges_left = 3};
    struct activity_store *store = open_in(&busy.disk, DIRECTORY, true);
    assert_int_equal(busy.merges_left, 0);
    uint64_t count = count_in(store);
    assert_true(count >= 2 && count <= 11);
    put_part(&world, 100, 1); /* whatever goes now stays readable */
    put_part(&world, 101, 1);
    put_part(&world, 102, 1);
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
    end(&world);
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
        cmocka_unit_test(reading_only_changes_no_file),
        cmocka_unit_test(reading_only_needs_a_whole_store),
        cmocka_unit_test(reading_only_goes_along_with_merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
