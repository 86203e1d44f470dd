/*
 * Guards the size of the store on disk: beyond the limit whole parts go, those with the oldest
 * activities first and the newest never, and the chain counts; what went is counted once and does
 * not come back.
 */
#include "base/macros.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/activity_store_local/manifest.h"
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
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { PART_ROWS = 20, METADATA_BYTES = 2000, HOUR_MS = 3600000, LOG_BYTES = 8192 };

struct fixture {
    struct disk *disk;
    struct logger logger; /* writes into a file, which has no name any more */
    struct activity_store_local_config config;
    struct activity_store *store;
    struct position_set next;
    int64_t offset;
    struct error err;
};

static void open_store(struct fixture *fixture)
{
    if (activity_store_local_new(&fixture->config, &fixture->store, &fixture->err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", fixture->err.message);
    }
}

static void reopen(struct fixture *fixture, uint64_t bytes_max)
{
    activity_store_free(fixture->store);
    fixture->store = NULL;
    fixture->config.bytes_max = bytes_max;
    open_store(fixture);
}

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char path[] = "/tmp/usertrail-retention-XXXXXX";
    int descriptor = mkstemp(path);
    if (fixture == NULL || descriptor < 0) {
        free(fixture);
        return -1;
    }
    unlink(path);
    fixture->disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 7});
    fixture->logger = (struct logger){.clock = &clock_system,
                                      .descriptor = descriptor,
                                      .format = LOG_FORMAT_JSON,
                                      .level = LOG_INFO};
    fixture->config = (struct activity_store_local_config){.disk = fixture->disk,
                                                           .directory = "store",
                                                           .clock = &clock_system,
                                                           .random = &random_system,
                                                           .logger = &fixture->logger,
                                                           .merge_parts = 16};
    position_set_init(&fixture->next);
    open_store(fixture);
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    activity_store_free(fixture->store);
    disk_simulated_free(fixture->disk);
    position_set_deinit(&fixture->next);
    close(fixture->logger.descriptor);
    free(fixture);
    return 0;
}

/* As much as it is, so that parts are large beside the chain. */
static struct str incompressible(char text[METADATA_BYTES + 1], uint64_t seed)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, seed);
    int at = snprintf(text, METADATA_BYTES + 1, "{\"n\":\"");
    while (at < METADATA_BYTES - 2) {
        text[at++] = (char)('!' + 2 + random_below(&random, 50)); /* no quote, no backslash */
    }
    snprintf(text + at, (size_t)(METADATA_BYTES + 1 - at), "\"}");
    return (struct str){text, METADATA_BYTES};
}

/* A part of activities from that hour on, with ids "h<hour>-<n>", which came in the other hour. All
 * parts have about one size. */
static void add_part_late(struct fixture *fixture, int hour, int received_hour)
{
    struct logged_activity batch[PART_ROWS];
    enum verdict verdicts[PART_ROWS];
    char ids[PART_ROWS][24];
    static char metadata[PART_ROWS][METADATA_BYTES + 1];
    for (int i = 0; i < PART_ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "h%d-%02d", hour, i);
        batch[i] = (struct logged_activity){
            .activity = {.id = str_from(ids[i]),
                         .user_id = STR("ann"),
                         .action = STR("click"),
                         .metadata = incompressible(metadata[i], (uint64_t)fixture->offset),
                         .timestamp_ms = (int64_t)hour * HOUR_MS + i,
                         .received_at_ms = (int64_t)received_hour * HOUR_MS + 1000},
            .position = {.offset = fixture->offset++},
        };
    }
    assert_int_equal(
        position_set_raise(&fixture->next, (struct position){.offset = fixture->offset}),
        STATUS_OK);
    const struct activity_batch put = {
        .log_id = {{3}}, .rows = batch, .count = PART_ROWS, .next = &fixture->next};
    assert_int_equal(activity_store_put_batch(fixture->store, &put, verdicts, NULL), STATUS_OK);
    assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
}

static void add_part(struct fixture *fixture, int hour)
{
    add_part_late(fixture, hour, hour);
}

static bool has_hour(struct fixture *fixture, int hour)
{
    struct arena arena;
    struct activity found;
    char id[24];
    arena_init(&arena, 1 << 20);
    snprintf(id, sizeof id, "h%d-00", hour);
    enum status status = activity_store_get(fixture->store, str_from(id), &arena, &found, NULL);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    arena_deinit(&arena);
    return status == STATUS_OK;
}

static uint64_t count_all(struct fixture *fixture)
{
    struct activity_store_state state;
    activity_store_describe(fixture->store, &state);
    return state.activities;
}

static uint64_t expire(struct fixture *fixture)
{
    uint64_t expired = UINT64_MAX;
    assert_int_equal(activity_store_expire(fixture->store, INT64_MIN, &expired, &fixture->err),
                     STATUS_OK);
    return expired;
}

/* What the manifest on the disk says. */
struct size {
    size_t parts;
    uint64_t parts_bytes;
    uint64_t chain_bytes;
};

static struct size size_on_disk(struct fixture *fixture)
{
    struct manifest manifest;
    assert_int_equal(manifest_load(fixture->disk, "store", &manifest, NULL), STATUS_OK);
    struct size size = {.parts = manifest.part_count, .chain_bytes = manifest.chain.bytes};
    for (size_t i = 0; i < manifest.part_count; i++) {
        size.parts_bytes += manifest.parts[i].bytes;
    }
    manifest_deinit(&manifest);
    return size;
}

static bool fits(struct fixture *fixture)
{
    struct size size = size_on_disk(fixture);
    return size.parts_bytes + size.chain_bytes <= fixture->config.bytes_max;
}

/* Room for so many of the parts that are there, and for the chain of some more. */
static uint64_t room_for(struct fixture *fixture, size_t parts)
{
    struct size size = size_on_disk(fixture);
    return size.parts_bytes / size.parts * parts + size.parts_bytes / size.parts / 2;
}

static void expect_log(struct fixture *fixture, const char *words, bool there)
{
    char text[LOG_BYTES];
    ssize_t len = pread(fixture->logger.descriptor, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    if ((strstr(text, words) != NULL) != there) {
        fail_msg("the log %s \"%s\": %s", there ? "lacks" : "has", words, text);
    }
}

static void keeps_everything_without_a_limit(void **state)
{
    struct fixture *fixture = *state;
    for (int hour = 0; hour < 8; hour++) {
        add_part(fixture, hour);
    }
    assert_int_equal(expire(fixture), 0);
    assert_int_equal(count_all(fixture), 8 * PART_ROWS);
    expect_log(fixture, "dropped", false);
}

/* By when they came, whatever their own times say; the part that was written last stays. */
static void drops_the_oldest_parts_first(void **state)
{
    struct fixture *fixture = *state;
    static const int hours[] = {5, 9, 1, 7, 0, 3};
    for (size_t i = 0; i < ARRAY_LENGTH(hours); i++) {
        add_part(fixture, hours[i]);
    }
    reopen(fixture, room_for(fixture, 3));
    assert_int_equal(expire(fixture), 3 * PART_ROWS);
    for (size_t i = 0; i < ARRAY_LENGTH(hours); i++) {
        bool last = i + 1 == ARRAY_LENGTH(hours);
        assert_int_equal(has_hour(fixture, hours[i]), hours[i] > 5 || last);
    }
    assert_int_equal(count_all(fixture), 3 * PART_ROWS);
    expect_log(fixture, "\"activities\":60", true);
    assert_int_equal(expire(fixture), 0);

    reopen(fixture, fixture->config.bytes_max);
    assert_int_equal(expire(fixture), 0);
    assert_int_equal(count_all(fixture), 3 * PART_ROWS);
    assert_true(has_hour(fixture, 3) && has_hour(fixture, 7) && has_hour(fixture, 9));
    assert_true(fits(fixture));
    assert_int_equal(size_on_disk(fixture).parts, 3);
}

static void the_chain_counts(void **state)
{
    struct fixture *fixture = *state;
    for (int hour = 0; hour < 4; hour++) {
        add_part(fixture, hour);
    }
    struct size size = size_on_disk(fixture);
    assert_true(size.chain_bytes > 0);
    reopen(fixture, size.parts_bytes + size.chain_bytes);
    assert_int_equal(expire(fixture), 0);
    reopen(fixture, size.parts_bytes + size.chain_bytes - 1);
    assert_int_equal(expire(fixture), PART_ROWS);
    assert_true(fits(fixture));
}

/* It never gets smaller, so it would take the place of all activities some day. */
static void the_chain_leaves_half_to_activities(void **state)
{
    struct fixture *fixture = *state;
    struct activity_erasure erasure;
    for (int hour = 0; hour < 6; hour++) {
        add_part(fixture, hour);
    }
    uint64_t bytes_max = room_for(fixture, 4);
    for (int i = 0; size_on_disk(fixture).chain_bytes < bytes_max; i++) {
        char user[16];
        snprintf(user, sizeof user, "u%d", i);
        assert_int_equal(activity_store_erase(fixture->store, str_from(user), 1000, &erasure, NULL),
                         STATUS_OK);
    }
    reopen(fixture, bytes_max);
    assert_int_equal(expire(fixture), 4 * PART_ROWS);
    assert_int_equal(size_on_disk(fixture).parts, 2);
    assert_true(size_on_disk(fixture).parts_bytes <= bytes_max / 2);
}

/* Whose clock is wrong must not make what others send the oldest. */
static void a_client_ahead_of_the_time_pushes_nobody_out(void **state)
{
    struct fixture *fixture = *state;
    add_part_late(fixture, 100, 1);
    add_part(fixture, 2);
    add_part(fixture, 3);
    reopen(fixture, room_for(fixture, 2));
    assert_int_equal(expire(fixture), PART_ROWS);
    assert_false(has_hour(fixture, 100));
    assert_true(has_hour(fixture, 2) && has_hour(fixture, 3));
}

static void never_drops_the_newest(void **state)
{
    struct fixture *fixture = *state;
    add_part(fixture, 4);
    add_part(fixture, 6);
    add_part(fixture, 2);
    reopen(fixture, 1);
    assert_int_equal(expire(fixture), 2 * PART_ROWS);
    assert_true(has_hour(fixture, 2)); /* though its activities came first */
    assert_int_equal(expire(fixture), 0);
    assert_int_equal(count_all(fixture), PART_ROWS);
}

/* Between two expiries much may come: each part that is written makes its own room. What it dropped
 * is counted by the expiry that comes next, once. */
static void a_new_part_makes_room_at_once(void **state)
{
    struct fixture *fixture = *state;
    add_part(fixture, 0);
    reopen(fixture, room_for(fixture, 4));
    for (int hour = 1; hour < 30; hour++) {
        add_part(fixture, hour);
        assert_true(fits(fixture));
        assert_true(has_hour(fixture, hour));
    }
    assert_int_equal(count_all(fixture), 4 * PART_ROWS);
    assert_int_equal(expire(fixture), 26 * PART_ROWS);
    assert_int_equal(expire(fixture), 0);
}

/* Age and size at once: each activity is counted once. */
static void by_age_and_by_size(void **state)
{
    struct fixture *fixture = *state;
    for (int hour = 0; hour < 6; hour++) {
        add_part(fixture, hour);
    }
    reopen(fixture, room_for(fixture, 2));
    uint64_t expired;
    assert_int_equal(activity_store_expire(fixture->store, 2 * HOUR_MS, &expired, NULL), STATUS_OK);
    assert_int_equal(expired, 4 * PART_ROWS);
    assert_int_equal(count_all(fixture), 2 * PART_ROWS);
}

/* Every operation of an expiry fails once: nothing half happens, and the next one does the rest. */
static void a_failure_loses_no_count(void **state)
{
    struct fixture *fixture = *state;
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        uint64_t expired = 0;
        activity_store_free(fixture->store);
        disk_simulated_free(fixture->disk);
        fixture->disk = disk_simulated_new(&(struct disk_simulated_options){.seed = nth});
        fixture->config.disk = fixture->disk;
        fixture->config.bytes_max = 0;
        open_store(fixture);
        for (int hour = 0; hour < 4; hour++) {
            add_part(fixture, hour);
        }
        reopen(fixture, room_for(fixture, 1));
        disk_simulated_fail_at(fixture->disk, nth, EIO, false);
        uint64_t before = disk_simulated_count(fixture->disk);
        enum status status = activity_store_expire(fixture->store, HOUR_MS, &expired, NULL);
        failed = disk_simulated_count(fixture->disk) - before >= nth;
        disk_simulated_fail_at(fixture->disk, 1, 0, false);
        if (status == STATUS_OK) {
            assert_int_equal(expired, 3 * PART_ROWS);
        } else {
            assert_int_equal(expired, 0);
            status = activity_store_expire(fixture->store, HOUR_MS, &expired, NULL);
            assert_true(status != STATUS_OK || expired == 3 * PART_ROWS);
        }
        reopen(fixture, fixture->config.bytes_max); /* also when the manifest was not known */
        expire(fixture);
        assert_int_equal(count_all(fixture), PART_ROWS);
        assert_true(has_hour(fixture, 3));
    }
}

static uint64_t largest_part(struct fixture *fixture)
{
    struct manifest manifest;
    uint64_t rows = 0;
    assert_int_equal(manifest_load(fixture->disk, "store", &manifest, NULL), STATUS_OK);
    for (size_t i = 0; i < manifest.part_count; i++) {
        rows = manifest.parts[i].rows > rows ? manifest.parts[i].rows : rows;
    }
    manifest_deinit(&manifest);
    return rows;
}

/* Whole parts go, so with a limit merging makes none that is a large share of it; without one
 * they grow. */
static void merging_leaves_parts_small_enough_to_go(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.merge_parts = 2;
    reopen(fixture, 0);
    for (int hour = 0; hour < 40; hour++) {
        add_part(fixture, hour);
    }
    assert_true(largest_part(fixture) > 10 * PART_ROWS);
    activity_store_free(fixture->store);
    disk_simulated_free(fixture->disk);
    fixture->disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 7});
    fixture->config.disk = fixture->disk;
    fixture->store = NULL;
    open_store(fixture);
    add_part(fixture, 0);
    reopen(fixture, room_for(fixture, 80));
    for (int hour = 1; hour < 40; hour++) {
        add_part(fixture, hour);
    }
    assert_in_range(largest_part(fixture), 2 * PART_ROWS, 10 * PART_ROWS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_everything_without_a_limit),
        TEST(drops_the_oldest_parts_first),
        TEST(the_chain_counts),
        TEST(the_chain_leaves_half_to_activities),
        TEST(a_client_ahead_of_the_time_pushes_nobody_out),
        TEST(never_drops_the_newest),
        TEST(a_new_part_makes_room_at_once),
        TEST(by_age_and_by_size),
        TEST(a_failure_loses_no_count),
        TEST(merging_leaves_parts_small_enough_to_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
