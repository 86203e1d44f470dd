/*
 * The pipeline under everything that a machine does to it, by seeds: whatever the order of posts,
 * turns of the worker, failing stores and disks, killed processes and power cuts, what a client was
 * told is durable is stored once and unchanged. USERTRAIL_SIM_SEED repeats one seed,
 * USERTRAIL_SIM_SEEDS says how many are run.
 */
#include "pipeline_machine.h"
#include "support/seeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS_DEFAULT = 2000, SEEDS_LYING = 100, ACTIONS_PER_SEED = 40 };

/* Out of 100 actions, on average. */
struct weight {
    unsigned until;
    void (*act)(struct pipeline *pipeline);
};

static void clean_restart(struct pipeline *pipeline)
{
    pipeline_restart(pipeline, RESTART_CLEAN);
}

static void kill_process(struct pipeline *pipeline)
{
    pipeline_restart(pipeline, RESTART_KILL);
}

static void cut_power(struct pipeline *pipeline)
{
    pipeline_restart(pipeline, RESTART_POWER);
}

static const struct weight weights[] = {
    {35, pipeline_post},
    {42, pipeline_post_group},
    {72, pipeline_step},
    {79, pipeline_sync},
    {84, pipeline_fail_store},
    {88, pipeline_fail_disk},
    {92, pipeline_cut_power_soon},
    {94, clean_restart},
    {97, kill_process},
    {99, cut_power},
    {100, pipeline_check},
};

static void act(struct pipeline *pipeline)
{
    if (pipeline_is_dark(pipeline)) {
        cut_power(pipeline);
        return;
    }
    uint64_t drawn = random_below(&pipeline->random, 100);
    size_t i = 0;
    while (drawn >= weights[i].until) {
        i++;
    }
    weights[i].act(pipeline);
}

/* False with the broken promise. */
static bool run_seed(uint64_t seed, bool lying_fsync, char trouble[LEDGER_TROUBLE_BYTES])
{
    static struct pipeline pipeline;
    pipeline_init(&pipeline, &(struct pipeline_options){.seed = seed,
                                                        .lying_fsync = lying_fsync,
                                                        .store = (enum pipeline_store)(seed % 3)});
    for (int i = 0; i < ACTIONS_PER_SEED; i++) {
        act(&pipeline);
    }
    pipeline_check(&pipeline);
    pipeline_restart(&pipeline, RESTART_KILL);
    pipeline_check_drained(&pipeline);
    pipeline_restart(&pipeline, RESTART_POWER);
    pipeline_check(&pipeline);
    snprintf(trouble, LEDGER_TROUBLE_BYTES, "%s", pipeline.trouble);
    pipeline_deinit(&pipeline);
    return trouble[0] == '\0';
}

static void keeps_every_promise(void **state)
{
    (void)state;
    char trouble[LEDGER_TROUBLE_BYTES];
    const struct seed_range seeds = seeds_to_run("USERTRAIL_SIM", SEEDS_DEFAULT);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        if (!run_seed(seed, false, trouble)) {
            fail_msg("seed %llu: %s; repeat it with USERTRAIL_SIM_SEED=%llu",
                     (unsigned long long)seed, trouble, (unsigned long long)seed);
        }
    }
}

/* The simulation must be able to see a loss: on a disk whose fsync lies there are many. */
static void sees_what_a_lying_disk_loses(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS_LYING; seed++) {
        char trouble[LEDGER_TROUBLE_BYTES];
        lost += !run_seed(seed, true, trouble);
    }
    print_message("a disk that lies about fsync lost in %u of %d seeds\n", lost, SEEDS_LYING);
    assert_true(lost > SEEDS_LYING / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_promise),
        cmocka_unit_test(sees_what_a_lying_disk_loses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
