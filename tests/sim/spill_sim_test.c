/*
 * The spilling log under everything that happens to it, by seeds: a remote log that goes away and
 * comes back, loses reports and hangs, a disk that fails, processes that end in every way. What a
 * client was told is durable gets into the remote log, each client's in order, and each append has
 * one result. USERTRAIL_SPILL_SEED repeats a seed's plan (threads run as they like),
 * USERTRAIL_SPILL_SEEDS says how many are run.
 */
#include "spill_rig.h"
#include "support/seeds.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SEEDS_DEFAULT = 150, SEEDS_CONTROL = 32, ACTIONS_PER_SEED = 60, CLIENTS = 3 };

static uint64_t spilled;   /* appends that were answered from this machine's disk */
static uint64_t set_aside; /* activities */

static uint64_t below(struct spill_rig *rig, uint64_t bound)
{
    return random_below(&rig->random, bound);
}

static void append_some(struct spill_rig *rig)
{
    unsigned appends = 1 + (unsigned)below(rig, 6);
    for (unsigned i = 0; i < appends; i++) {
        (void)!spill_rig_append(rig, (unsigned)below(rig, CLIENTS), 1 + (size_t)below(rig, 5),
                                NULL);
    }
}

static void turn_away(struct spill_rig *rig)
{
    remote_set_away(&rig->remote, below(rig, 2) == 0);
}

static void turn_hold(struct spill_rig *rig)
{
    remote_hold(&rig->remote, below(rig, 3) == 0);
}

static void pause_some(struct spill_rig *rig)
{
    const struct timespec pause = {.tv_nsec = (long)below(rig, 3000000)};
    nanosleep(&pause, NULL);
}

static void wait_for_answers(struct spill_rig *rig)
{
    if (!rig->remote.held && !spill_rig_wait_told(rig)) {
        fail_msg("seed %llu: an append is told nothing: %s", (unsigned long long)rig->options.seed,
                 spill_rig_state(rig).reason);
    }
}

static void fail_disk(struct spill_rig *rig)
{
    disk_simulated_fail_at(rig->disk, 1 + below(rig, 6), below(rig, 2) == 0 ? ENOSPC : EIO, false);
}

static void restart(struct spill_rig *rig, enum spill_end end)
{
    spill_rig_close(rig, end);
    if (below(rig, 2) == 0) {
        remote_hold(&rig->remote, false);
    }
    if (!spill_rig_open(rig)) {
        assert_true(rig->options.lying_fsync);
    }
}

static void end_cleanly(struct spill_rig *rig)
{
    restart(rig, SPILL_END_CLEAN);
}

static void kill_process(struct spill_rig *rig)
{
    restart(rig, SPILL_END_KILL);
}

static void cut_power(struct spill_rig *rig)
{
    restart(rig, SPILL_END_POWER);
}

/* Out of 100 actions, on average. */
static const struct {
    unsigned until;
    void (*act)(struct spill_rig *rig);
} weights[] = {
    {45, append_some}, {60, turn_away},        {66, turn_hold},
    {80, pause_some},  {86, wait_for_answers}, {89, fail_disk},
    {92, end_cleanly}, {96, kill_process},     {100, cut_power},
};

static void act(struct spill_rig *rig)
{
    uint64_t drawn = below(rig, 100);
    size_t i = 0;
    while (drawn >= weights[i].until) {
        i++;
    }
    weights[i].act(rig);
}

/* With everything healed all of it must come through. */
static bool conclude(struct spill_rig *rig, char trouble[SPILL_TROUBLE_BYTES])
{
    remote_hold(&rig->remote, false);
    remote_set_away(&rig->remote, false);
    if (rig->log != NULL) {
        cut_power(rig);
    }
    if (rig->log == NULL) {
        snprintf(trouble, SPILL_TROUBLE_BYTES, "the spill is lost");
        return false;
    }
    if (!spill_rig_wait_direct(rig)) {
        snprintf(trouble, SPILL_TROUBLE_BYTES, "it does not become direct again: %.100s",
                 spill_rig_state(rig).reason);
        return false;
    }
    struct spill_append last = spill_rig_append_and_wait(rig, 0);
    if (last.status == STATUS_TOO_LARGE) { /* and not the next one */
        last = spill_rig_append_and_wait(rig, 0);
    }
    if (last.status != STATUS_OK || last.durability != DURABILITY_REPLICATED) {
        snprintf(trouble, SPILL_TROUBLE_BYTES, "the last append was told %s",
                 status_name(last.status));
        return false;
    }
    spill_rig_close(rig, SPILL_END_CLEAN);
    return spill_rig_check(rig, trouble);
}

static void count_spilled(const struct spill_rig *rig)
{
    uint64_t numbers[SPILL_SET_ASIDE_MAX];
    set_aside += spill_rig_set_aside(rig, numbers);
    for (size_t i = 0; i < rig->append_count; i++) {
        spilled += rig->appends[i].status == STATUS_OK &&
                   rig->appends[i].durability == DURABILITY_LOCAL_DISK;
    }
}

static bool run_seed(const struct spill_options *options, char trouble[SPILL_TROUBLE_BYTES])
{
    static struct spill_rig rig;
    spill_rig_init(&rig, options);
    assert_true(spill_rig_open(&rig));
    for (int i = 0; i < ACTIONS_PER_SEED && rig.log != NULL; i++) {
        act(&rig);
    }
    bool fine = conclude(&rig, trouble);
    count_spilled(&rig);
    spill_rig_deinit(&rig);
    return fine;
}

static struct spill_options options_of(uint64_t seed)
{
    return (struct spill_options){
        .seed = seed,
        .refuses_every = seed % 3 == 1 ? 7 : 0,
        .spill_bytes_max = seed % 4 == 0 ? 16 * 1024 : 1 << 20,
        .held_bytes_max = seed % 5 == 0 ? 8 * 1024 : 0,
        .drain_ms = seed % 3 == 0 ? 30 : 1,
    };
}

static void keeps_every_promise(void **state)
{
    (void)state;
    char trouble[SPILL_TROUBLE_BYTES];
    const struct seed_range seeds = seeds_to_run("USERTRAIL_SPILL", SEEDS_DEFAULT);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        const struct spill_options options = options_of(seed);
        if (!run_seed(&options, trouble)) {
            fail_msg("seed %llu: %s; repeat it with USERTRAIL_SPILL_SEED=%llu",
                     (unsigned long long)seed, trouble, (unsigned long long)seed);
        }
    }
    print_message("%llu appends were answered from this machine's disk, %llu activities set "
                  "aside\n",
                  (unsigned long long)spilled, (unsigned long long)set_aside);
    assert_true((spilled > 10 && set_aside > 10) || seeds.last - seeds.first < 10);
}

static unsigned count_found(bool lying_fsync, bool overtaking, const char *word)
{
    unsigned found = 0;
    for (uint64_t seed = 1; seed <= SEEDS_CONTROL; seed++) {
        char trouble[SPILL_TROUBLE_BYTES];
        struct spill_options options = options_of(seed);
        options.lying_fsync = lying_fsync;
        options.overtaking = overtaking;
        found += !run_seed(&options, trouble) && strstr(trouble, word) != NULL;
    }
    return found;
}

/* The simulation must be able to see a loss. */
static void sees_what_a_lying_disk_loses(void **state)
{
    (void)state;
    unsigned found = count_found(true, false, "is lost");
    print_message("a disk that lies about fsync lost in %u of %d seeds\n", found, SEEDS_CONTROL);
    assert_true(found > SEEDS_CONTROL / 8);
}

/* And appends that do not wait for their turn, as a switch between the modes that does not wait for
 * all would bring. */
static void sees_who_overtakes(void **state)
{
    (void)state;
    unsigned found = count_found(false, true, "came behind");
    print_message("clients that overtake were found in %u of %d seeds\n", found, SEEDS_CONTROL);
    assert_true(found > SEEDS_CONTROL / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_promise),
        cmocka_unit_test(sees_what_a_lying_disk_loses),
        cmocka_unit_test(sees_who_overtakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
