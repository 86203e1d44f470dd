/* What the contract suite cannot see: limits of one head, and what other stores leave in a folder.
 */
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/activity_store_local/part_format.h"
#include "infrastructure/disk/disk_simulated.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { BATCH_ROWS = PART_SOURCES_MAX - 100 };

static struct logged_activity rows[BATCH_ROWS];
static char ids[BATCH_ROWS][24];
static enum verdict verdicts[BATCH_ROWS];

static struct logger *quiet(void)
{
    static struct logger logger = {
        .clock = &clock_system, .descriptor = -1, .format = LOG_FORMAT_JSON, .level = LOG_ERROR};
    if (logger.descriptor < 0) {
        logger.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    return &logger;
}

static struct activity_store *open_merging(struct disk *disk, size_t merge_parts)
{
    const struct activity_store_local_config config = {.disk = disk,
                                                       .directory = "store",
                                                       .clock = &clock_system,
                                                       .random = &random_system,
                                                       .logger = quiet(),
                                                       .merge_parts = merge_parts};
    struct activity_store *store = NULL;
    struct error err;
    if (activity_store_local_new(&config, &store, &err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", err.message);
    }
    return store;
}

static struct activity_store *open_on(struct disk *disk)
{
    return open_merging(disk, 3);
}

/* Rows with ids that count up from `id`, each of another partition from `first` on; or all of
 * partition 0, when `first` is below 0. */
static enum status put(struct activity_store *store, int32_t first, unsigned id)
{
    struct position_set next;
    position_set_init(&next);
    for (int32_t i = 0; i < BATCH_ROWS; i++) {
        struct position at = {.partition = first + i, .offset = 0};
        if (first < 0) {
            at = (struct position){.partition = 0, .offset = (int64_t)id + i};
        }
        snprintf(ids[i], sizeof ids[i], "id-%u", id + (unsigned)i);
        rows[i] = (struct logged_activity){.activity = {.id = str_from(ids[i]),
                                                        .user_id = STR("u"),
                                                        .action = STR("a"),
                                                        .metadata = STR("{}"),
                                                        .timestamp_ms = 1000 + i,
                                                        .received_at_ms = 9},
                                           .position = at};
        struct position end = {.partition = at.partition, .offset = at.offset + 1};
        assert_int_equal(position_set_raise(&next, end), STATUS_OK);
    }
    const struct activity_batch batch = {
        .log_id = {{7}}, .rows = rows, .count = BATCH_ROWS, .next = &next};
    enum status status = activity_store_put_batch(store, &batch, verdicts, NULL);
    position_set_deinit(&next);
    return status;
}

/* A log of more partitions than one part can name goes through several heads, and an id of the head
 * before is still known. */
static void test_many_partitions(void **state)
{
    (void)state;
    CLEANUP(disk_simulated_free)
    struct disk *disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 1});
    struct activity_store *store = open_on(disk);
    assert_int_equal(put(store, 0, 0), STATUS_OK);
    assert_int_equal(put(store, BATCH_ROWS, 1000), STATUS_OK);
    for (unsigned i = 0; i < BATCH_ROWS; i++) {
        bool known = i + 1000 < BATCH_ROWS;
        assert_int_equal(verdicts[i], known ? VERDICT_CONFLICT : VERDICT_STORED);
    }
    assert_int_equal(put(store, 2 * BATCH_ROWS, 1000), STATUS_OK);
    for (unsigned i = 0; i < BATCH_ROWS; i++) {
        bool first_wins = i + 1000 < BATCH_ROWS;
        assert_int_equal(verdicts[i], first_wins ? VERDICT_CONFLICT : VERDICT_DUPLICATE);
    }
    struct activity_store_state described;
    activity_store_describe(store, &described);
    assert_int_equal(described.activities, BATCH_ROWS + 1000);
    activity_store_free(store);
}

enum { MINTED_PARTS = 12, MINTED_ROWS = 40 };

/* As this program makes them, in the order of time. */
static struct str minted_id(unsigned number, char out_id[UUID_TEXT_BYTES + 1])
{
    snprintf(out_id, UUID_TEXT_BYTES + 1, "019bbef1-%04x-7000-8000-%012x", 4 * number, number);
    return str_from(out_id);
}

/* Operations of the disk that putting an activity takes whose id is new. */
static uint64_t put_minted(struct activity_store *store, struct disk *disk, unsigned number)
{
    char id[UUID_TEXT_BYTES + 1];
    enum verdict verdict;
    struct position_set next;
    position_set_init(&next);
    const struct logged_activity row = {.activity = {.id = minted_id(number, id),
                                                     .user_id = STR("u"),
                                                     .action = STR("a"),
                                                     .metadata = STR("{}"),
                                                     .timestamp_ms = 1000 + number,
                                                     .received_at_ms = 1000 + number},
                                        .position = {.partition = 0, .offset = number}};
    assert_int_equal(position_set_raise(&next, (struct position){0, (int64_t)number + 1}),
                     STATUS_OK);
    const struct activity_batch batch = {.log_id = {{7}}, .rows = &row, .count = 1, .next = &next};
    uint64_t before = disk_simulated_count(disk);
    assert_int_equal(activity_store_put_batch(store, &batch, &verdict, NULL), STATUS_OK);
    uint64_t operations = disk_simulated_count(disk) - before;
    assert_int_equal(verdict, VERDICT_STORED);
    position_set_deinit(&next);
    return operations;
}

static uint64_t get_minted(struct activity_store *store, struct disk *disk, unsigned number)
{
    char id[UUID_TEXT_BYTES + 1];
    struct activity found;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint64_t before = disk_simulated_count(disk);
    assert_int_equal(activity_store_get(store, minted_id(number, id), &arena, &found, NULL),
                     STATUS_OK);
    assert_int_equal(found.timestamp_ms, 1000 + number);
    arena_deinit(&arena);
    return disk_simulated_count(disk) - before;
}

/* However many parts there are, a new id that was made here reads none of them, and getting an
 * activity by its id reads one. */
static void test_ids_made_here_need_no_other_part(void **state)
{
    (void)state;
    CLEANUP(disk_simulated_free)
    struct disk *disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 1});
    struct activity_store *store = open_merging(disk, MINTED_PARTS + 1);
    uint64_t reads_of_one = 0;
    for (unsigned part = 0; part < MINTED_PARTS; part++) {
        for (unsigned i = 0; i < MINTED_ROWS; i++) {
            assert_int_equal(put_minted(store, disk, part * MINTED_ROWS + i), 0);
        }
        assert_int_equal(activity_store_sync(store, NULL), STATUS_OK);
        uint64_t reads = get_minted(store, disk, part * MINTED_ROWS);
        reads_of_one = part == 0 ? reads : reads_of_one;
        assert_in_range(reads, 1, reads_of_one);
    }
    for (unsigned part = 0; part < MINTED_PARTS; part++) {
        assert_in_range(get_minted(store, disk, part * MINTED_ROWS + 7), 0, reads_of_one);
    }
    activity_store_free(store);
}

/* Two processes, or one twice, never have the same folder. */
static void test_a_folder_has_one_owner(void **state)
{
    (void)state;
    CLEANUP(disk_simulated_free)
    struct disk *disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 1});
    struct activity_store *store = open_on(disk);
    struct activity_store *second = NULL;
    const struct activity_store_local_config config = {.disk = disk,
                                                       .directory = "store",
                                                       .clock = &clock_system,
                                                       .random = &random_system,
                                                       .logger = quiet()};
    assert_int_equal(activity_store_local_new(&config, &second, NULL), STATUS_BUSY);
    activity_store_free(store);
    activity_store_free(open_on(disk));
}

/* Puts and syncs, so that there is a part more; says how many there are. */
static size_t add_part(struct activity_store *store, struct disk *disk, unsigned number)
{
    struct manifest manifest;
    assert_int_equal(put(store, -1, number * BATCH_ROWS), STATUS_OK);
    assert_int_equal(activity_store_sync(store, NULL), STATUS_OK);
    assert_int_equal(manifest_load(disk, "store", &manifest, NULL), STATUS_OK);
    size_t parts = manifest.part_count;
    manifest_deinit(&manifest);
    return parts;
}

/* A part that cannot be merged is left alone, and does not keep others from it. */
static void test_a_damaged_part_does_not_stop_merging(void **state)
{
    (void)state;
    CLEANUP(disk_simulated_free)
    struct disk *disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 1});
    struct activity_store *store = open_on(disk);
    assert_int_equal(add_part(store, disk, 0), 1);
    assert_true(disk_simulated_flip_bit(disk, "store/0000000000000001.part", 100 * 8));
    assert_int_equal(add_part(store, disk, 1), 2);
    assert_int_equal(add_part(store, disk, 2), 3); /* the three that fail */
    assert_int_equal(add_part(store, disk, 3), 4);
    assert_int_equal(add_part(store, disk, 4), 5);
    assert_int_equal(add_part(store, disk, 5), 4);
    activity_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_partitions),
        cmocka_unit_test(test_ids_made_here_need_no_other_part),
        cmocka_unit_test(test_a_folder_has_one_owner),
        cmocka_unit_test(test_a_damaged_part_does_not_stop_merging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
