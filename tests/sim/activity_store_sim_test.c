/*
 * The store on disk over a disk that fails and loses power at each of its operations in turn, as
 * the worker uses it: batches from a log, syncs, erasures; after a crash it goes on from
 * the store's own positions. In the end, and again after one more restart, the store holds what a
 * simple reading of the log says, each activity once. What each crash leaves is verified before the
 * store is opened again, chain and all, the last one too. Prints seed and operation on failure;
 * USERTRAIL_STORE_SIM_SEED repeats one seed, USERTRAIL_STORE_SIM_SEEDS says how many are run.
 */
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/disk/disk_simulated.h"
#include "support/quiet_logger.h"
#include "support/seeds.h"
#include "support/verified_store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum {
    SEEDS = 12,
    ROWS = 60,
    USERS = 5,
    STEPS_MAX = 200,
    ATTEMPTS_MAX = 5, /* of one call before the store is opened anew */
    START_MS = 1000
};

enum fault { FAULT_NONE, FAULT_POWER, FAULT_ERROR, FAULT_FULL };

struct log_row {
    struct logged_activity logged;
    char id[16];
    char user[16];
    char metadata[48];
};

struct run {
    uint64_t seed;
    struct random_seeded seeded;
    struct random random;
    struct disk *disk;
    bool lying; /* the disk; nothing then holds what it should */
    struct activity_store *store;
    struct uuid log_id;
    struct log_row rows[ROWS];
    size_t put;               /* rows handed over so far, in this life of the store */
    size_t ever;              /* and the most of any life */
    int64_t erased_ms[USERS]; /* of the users' erasures; 0: never */
    unsigned crashes;
    uint64_t verifying; /* operations of the disk that took */
    char difference[200];
};

static void differ(struct run *run, const char *what, uint64_t expected, uint64_t found)
{
    if (run->difference[0] == '\0' && expected != found) {
        snprintf(run->difference, sizeof run->difference, "%s: expected %llu, found %llu", what,
                 (unsigned long long)expected, (unsigned long long)found);
    }
}

/* One row in eight repeats an earlier one. */
static void make_log(struct run *run)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct log_row *row = &run->rows[i];
        size_t same =
            i > 0 && random_below(&run->random, 8) == 0 ? (size_t)random_below(&run->random, i) : i;
        const struct activity *earlier = &run->rows[same].logged.activity;
        uint64_t user = random_below(&run->random, USERS);
        snprintf(row->id, sizeof row->id, "id-%zu", i);
        snprintf(row->user, sizeof row->user, "u%llu", (unsigned long long)user);
        snprintf(row->metadata, sizeof row->metadata, "{\"n\":%zu}", i);
        row->logged.activity = (struct activity){
            .id = str_from(row->id),
            .user_id = str_from(row->user),
            .action = i % 3 == 0 ? STR("a") : STR("b"),
            .metadata = str_from(row->metadata),
            .timestamp_ms = 5000 + (int64_t)random_below(&run->random, 300),
        };
        if (same != i) {
            row->logged.activity = *earlier;
        }
        row->logged.activity.received_at_ms = START_MS + (int64_t)i;
        row->logged.position.offset = (int64_t)i;
    }
}

static bool open_store(struct run *run)
{
    const struct activity_store_local_config config = {.disk = run->disk,
                                                       .directory = "store",
                                                       .clock = &clock_system,
                                                       .random = &run->random,
                                                       .logger = quiet_logger(),
                                                       .head_rows = 4,
                                                       .merge_parts = 3};
    struct error err = {0};
    enum status status = activity_store_local_new(&config, &run->store, &err);
    if (status == STATUS_OK) {
        return true;
    }
    run->store = NULL;
    if (status == STATUS_CORRUPT || status == STATUS_INVALID) {
        snprintf(run->difference, sizeof run->difference, "opening: %s", err.message);
    }
    return false;
}

/* A store was there before the crash, so one is there. */
static void verify(struct run *run)
{
    uint64_t before = disk_simulated_count(run->disk);
    const char *problem = run->lying ? "" : verified_store_problem(run->disk, "store");
    run->verifying += disk_simulated_count(run->disk) - before;
    if (problem[0] != '\0' && run->difference[0] == '\0') {
        snprintf(run->difference, sizeof run->difference, "verify finds: %s", problem);
    }
}

/* As after a crash: power gone, and then everything works. */
static void restart(struct run *run)
{
    struct position_set durable;
    disk_simulated_cut_power(run->disk);
    activity_store_free(run->store);
    disk_simulated_power_on(run->disk);
    disk_simulated_fail_at(run->disk, 0, 0, false);
    run->crashes++;
    verify(run);
    if (!open_store(run)) {
        differ(run, "opening after a crash", true, false);
        return;
    }
    position_set_init(&durable);
    assert_int_equal(activity_store_durable_positions(run->store, run->log_id, &durable, NULL),
                     STATUS_OK);
    run->put = (size_t)position_set_get(&durable, 0);
    differ(run, "durable positions are those of rows that were put", true, run->put <= run->ever);
    position_set_deinit(&durable);
}

static enum status put_some(struct run *run)
{
    struct logged_activity batch[ROWS];
    enum verdict verdicts[ROWS];
    struct position_set next;
    size_t left = ROWS - run->put;
    size_t count = left == 0 ? 0 : 1 + (size_t)random_below(&run->random, left < 9 ? left : 9);
    for (size_t i = 0; i < count; i++) {
        batch[i] = run->rows[run->put + i].logged;
    }
    position_set_init(&next);
    struct position end = {.offset = (int64_t)(run->put + count)};
    assert_int_equal(position_set_raise(&next, end), STATUS_OK);
    const struct activity_batch rows = {
        .log_id = run->log_id, .rows = batch, .count = count, .next = &next};
    enum status status = activity_store_put_batch(run->store, &rows, verdicts, NULL);
    if (status == STATUS_OK) {
        run->put += count;
        run->ever = run->put > run->ever ? run->put : run->ever;
    }
    position_set_deinit(&next);
    return status;
}

/* Of a user, everything that was put so far. What was put in an earlier life and will be put again
 * was received before, too. */
static enum status erase_one(struct run *run)
{
    char user[16];
    uint64_t number = random_below(&run->random, USERS);
    struct activity_erasure erasure;
    int64_t erased_at_ms = START_MS + (int64_t)run->ever;
    snprintf(user, sizeof user, "u%llu", (unsigned long long)number);
    /* Noted before: one that failed may have happened all the same, and is then tried again. */
    run->erased_ms[number] = erased_at_ms;
    enum status status;
    for (int attempt = 0;; attempt++) {
        status = activity_store_erase(run->store, str_from(user), erased_at_ms, &erasure, NULL);
        if (status == STATUS_OK || run->difference[0] != '\0') {
            return STATUS_OK;
        }
        if (attempt >= 1) {
            restart(run);
        }
    }
}

static enum status step(struct run *run)
{
    switch (random_below(&run->random, 12)) {
    case 0:
    case 1:
        return activity_store_sync(run->store, NULL);
    case 2:
        return erase_one(run);
    default:
        return put_some(run);
    }
}

static bool is_erased(const struct run *run, const struct activity *activity)
{
    return activity->received_at_ms < run->erased_ms[activity->user_id.data[1] - '0'];
}

/* How many activities a simple reading of the log leaves, each id once. */
static uint64_t expect_rows(const struct run *run, bool out_present[ROWS])
{
    uint64_t count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const struct activity *activity = &run->rows[i].logged.activity;
        out_present[i] = !is_erased(run, activity);
        for (size_t j = 0; j < i && out_present[i]; j++) {
            out_present[i] =
                !(out_present[j] && str_equal(run->rows[j].logged.activity.id, activity->id));
        }
        count += out_present[i];
    }
    return count;
}

static void compare(struct run *run, struct arena *arena)
{
    bool present[ROWS];
    uint64_t expected = expect_rows(run, present);
    struct activity_page page = {0};
    struct activity_page_request request = {
        .filter = activity_filter_all(), .limit = 1000, .bytes_max = SIZE_MAX};
    uint64_t count = 0;
    differ(run, "find", STATUS_OK, activity_store_find(run->store, &request, arena, &page, NULL));
    differ(run, "rows found", expected, page.count);
    differ(run, "count", STATUS_OK,
           activity_store_count(run->store, &request.filter, 0, &count, NULL));
    differ(run, "rows counted", expected, count);
    for (size_t i = 0; i < ROWS; i++) {
        const struct activity *activity = &run->rows[i].logged.activity;
        struct activity found;
        enum status status = activity_store_get(run->store, activity->id, arena, &found, NULL);
        if (present[i]) {
            differ(run, "get", STATUS_OK, status);
        }
        if (present[i] && status == STATUS_OK) {
            differ(run, "content", true, activity_same_content(activity, &found, true));
        }
    }
    for (size_t i = 1; i < page.count; i++) {
        differ(run, "order", true,
               activity_key_compare(activity_key_of(&page.rows[i - 1]),
                                    activity_key_of(&page.rows[i])) > 0);
    }
}

static void order_fault(struct run *run, enum fault fault, uint64_t nth)
{
    if (fault == FAULT_POWER) {
        disk_simulated_cut_power_at(run->disk, nth);
    } else if (fault == FAULT_ERROR) {
        disk_simulated_fail_at(run->disk, nth, EIO, false);
    } else if (fault == FAULT_FULL) {
        disk_simulated_fail_at(run->disk, nth, ENOSPC, true);
    }
}

static void live(struct run *run)
{
    int attempts = 0;
    while (!open_store(run) && run->difference[0] == '\0') {
        disk_simulated_cut_power(run->disk);
        disk_simulated_power_on(run->disk);
        disk_simulated_fail_at(run->disk, 0, 0, false);
    }
    for (int i = 0; i < STEPS_MAX && run->put < ROWS && run->difference[0] == '\0'; i++) {
        enum status status = step(run);
        differ(run, "no damage", true, status != STATUS_CORRUPT);
        attempts = status == STATUS_OK ? 0 : attempts + 1;
        if (attempts == ATTEMPTS_MAX) {
            restart(run);
            attempts = 0;
        }
    }
    if (run->difference[0] == '\0') {
        restart(run); /* also a fault that has not come yet is over then */
    }
    while (!run->lying && run->put < ROWS && run->difference[0] == '\0') {
        if (put_some(run) != STATUS_OK) {
            restart(run);
        }
    }
}

/* "" when all is well; static. `out_operations`: how many the disk saw. */
static const char *run_once(uint64_t seed, enum fault fault, uint64_t nth, bool lying,
                            uint64_t *out_operations)
{
    static struct run run;
    struct arena arena;
    memset(&run, 0, sizeof run);
    run.seed = seed;
    run.lying = lying;
    run.random = random_from_seed(&run.seeded, seed);
    run.log_id = uuid_make_random(&run.random);
    const struct disk_simulated_options options = {
        .seed = seed, .short_writes = seed % 2 == 0, .lying_fsync = lying};
    run.disk = disk_simulated_new(&options);
    assert_non_null(run.disk);
    make_log(&run);
    arena_init(&arena, (size_t)64 << 20);
    order_fault(&run, fault, nth);
    live(&run);
    *out_operations = disk_simulated_count(run.disk) - run.verifying;
    if (run.difference[0] == '\0') {
        compare(&run, &arena);
    }
    if (run.difference[0] == '\0' && activity_store_sync(run.store, NULL) == STATUS_OK) {
        restart(&run);
        differ(&run, "everything was durable", ROWS, run.put);
        if (run.difference[0] == '\0') {
            compare(&run, &arena);
        }
    }
    arena_deinit(&arena);
    activity_store_free(run.store);
    disk_simulated_free(run.disk);
    return run.difference;
}

static void try_every_operation(enum fault fault, const char *name)
{
    const struct seed_range seeds = seeds_to_run("USERTRAIL_STORE_SIM", SEEDS);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        uint64_t operations = 0;
        const char *difference = run_once(seed, FAULT_NONE, 0, false, &operations);
        for (uint64_t nth = 1; difference[0] == '\0' && nth <= operations; nth++) {
            uint64_t ignored;
            difference = run_once(seed, fault, nth, false, &ignored);
            if (difference[0] != '\0') {
                fail_msg("%s at operation %llu, USERTRAIL_STORE_SIM_SEED=%llu: %s", name,
                         (unsigned long long)nth, (unsigned long long)seed, difference);
            }
        }
        if (difference[0] != '\0') {
            fail_msg("without a fault, USERTRAIL_STORE_SIM_SEED=%llu: %s", (unsigned long long)seed,
                     difference);
        }
    }
}

static void test_power_cut_at_every_operation(void **state)
{
    (void)state;
    try_every_operation(FAULT_POWER, "power cut");
}

static void test_error_at_every_operation(void **state)
{
    (void)state;
    try_every_operation(FAULT_ERROR, "error");
}

static void test_full_disk_at_every_operation(void **state)
{
    (void)state;
    try_every_operation(FAULT_FULL, "full disk");
}

/* Negative control: on a disk whose syncs do nothing the store must be seen to lose. */
static void test_lying_disk_is_noticed(void **state)
{
    (void)state;
    unsigned noticed = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t operations = 0;
        noticed += run_once(seed, FAULT_NONE, 0, true, &operations)[0] != '\0';
    }
    assert_true(noticed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cut_at_every_operation),
        cmocka_unit_test(test_error_at_every_operation),
        cmocka_unit_test(test_full_disk_at_every_operation),
        cmocka_unit_test(test_lying_disk_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
