#pragma once
/*
 * Which seeds a test runs, as the environment says: <NAME>_SEED one alone, <NAME>_SEEDS that many
 * instead of the test's own number, and USERTRAIL_TEST_SEEDS_SHARE=4 a fourth of that number, for
 * programs that are several times slower.
 */
#include <stdint.h>

/* Both included. */
struct seed_range {
    uint64_t first;
    uint64_t last;
};

/* `name` is that of the variables without what follows the last "_"; `count` is at least 1. */
struct seed_range seeds_to_run(const char *name, uint64_t count);
