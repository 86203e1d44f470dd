/* The store on disk, held to the port: on a disk in memory that loses power, where writing and
 * merging happen in an order that repeats, with heads so small that most tests have parts; and on
 * the machine's disk with threads of its own. */
#include "activity_store_contract.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/disk_simulated.h"
#include "support/quiet_logger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct disk *simulated; /* of the store that was made last */
static char directory[64];     /* of the store on the machine's disk */
static uint64_t head_rows;

static struct activity_store *open_simulated(void)
{
    const struct activity_store_local_config config = {.disk = simulated,
                                                       .directory = "store",
                                                       .clock = &clock_system,
                                                       .random = &random_system,
                                                       .logger = quiet_logger(),
                                                       .head_rows = head_rows,
                                                       .merge_parts = 3};
    struct activity_store *store = NULL;
    struct error err;
    if (activity_store_local_new(&config, &store, &err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", err.message);
    }
    return store;
}

static struct activity_store *make_simulated(uint64_t rows)
{
    static uint64_t seed;
    seed++;
    const struct disk_simulated_options options = {.seed = seed, .short_writes = seed % 2 == 0};
    disk_simulated_free(simulated);
    simulated = disk_simulated_new(&options);
    assert_non_null(simulated);
    head_rows = rows;
    return open_simulated();
}

static struct activity_store *make_tiny(void)
{
    return make_simulated(1);
}

static struct activity_store *make_small(void)
{
    return make_simulated(20);
}

static struct activity_store *make_large(void)
{
    return make_simulated(0);
}

static struct activity_store *crash_simulated(struct activity_store *store)
{
    disk_simulated_cut_power(simulated);
    activity_store_free(store);
    disk_simulated_power_on(simulated);
    return open_simulated();
}

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    if (directory[0] != '\0') {
        assert_int_equal(system(command), 0);
    }
}

static struct activity_store *open_posix(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/store", directory);
    const struct activity_store_local_config config = {.disk = disk_posix(),
                                                       .directory = path,
                                                       .clock = &clock_system,
                                                       .random = &random_system,
                                                       .logger = quiet_logger(),
                                                       .head_rows = 40,
                                                       .merge_parts = 3,
                                                       .background = true};
    struct activity_store *store = NULL;
    assert_int_equal(activity_store_local_new(&config, &store, NULL), STATUS_OK);
    return store;
}

static struct activity_store *make_posix(void)
{
    remove_directory();
    snprintf(directory, sizeof directory, "/tmp/usertrail-store-XXXXXX");
    assert_non_null(mkdtemp(directory));
    return open_posix();
}

static struct activity_store *crash_posix(struct activity_store *store)
{
    activity_store_free(store);
    return open_posix();
}

static const struct store_maker makers[] = {
    {.name = "local, a part for each batch",
     .make = make_tiny,
     .crash = crash_simulated,
     .records_erasures = true,
     .erasures = activity_store_local_erasures},
    {.name = "local, small heads",
     .make = make_small,
     .crash = crash_simulated,
     .records_erasures = true,
     .erasures = activity_store_local_erasures},
    {.name = "local",
     .make = make_large,
     .crash = crash_simulated,
     .records_erasures = true,
     .erasures = activity_store_local_erasures},
    {.name = "local, with threads",
     .make = make_posix,
     .crash = crash_posix,
     .records_erasures = true,
     .erasures = activity_store_local_erasures},
};

static const unsigned seeds[ARRAY_LENGTH(makers)] = {500, 2000, 200, 100};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(makers); i++) {
        failed += activity_store_contract_run_cases(&makers[i]);
        failed += activity_store_contract_run_accounts(&makers[i]);
        failed += activity_store_contract_run_queries(&makers[i]);
        failed += activity_store_contract_run_tallies(&makers[i]);
        failed += activity_store_contract_run_oracle(&makers[i], seeds[i]);
        failed += activity_store_contract_run_threads(&makers[i]);
    }
    disk_simulated_free(simulated);
    remove_directory();
    return failed;
}
