#include "support/seeds.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t number_from_environment(const char *name, const char *what, uint64_t otherwise)
{
    char variable[64];
    snprintf(variable, sizeof variable, "%s_%s", name, what);
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

struct seed_range seeds_to_run(const char *name, uint64_t count)
{
    uint64_t only = number_from_environment(name, "SEED", 0);
    if (only != 0) {
        return (struct seed_range){only, only};
    }
    uint64_t share = number_from_environment("USERTRAIL_TEST", "SEEDS_SHARE", 1);
    uint64_t own = share > 1 ? (count + share - 1) / share : count;
    return (struct seed_range){1, number_from_environment(name, "SEEDS", own)};
}
