#include "infrastructure/activity_store_local/merge_plan.h"

#include "infrastructure/activity_store_local/merge.h"

enum { HIDDEN_SHARE = 8 }; /* a part is written anew when this part of its rows is hidden */

static uint64_t higher_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The cheapest range that begins with this part; how many rows it has, or UINT64_MAX. */
static uint64_t plan_from(const struct merge_candidate *parts, size_t count,
                          const struct merge_limits *limits, size_t *out_count)
{
    uint64_t sum = 0;
    uint64_t largest = 0;
    size_t most = count < MERGE_PARTS_MAX ? count : MERGE_PARTS_MAX;
    for (size_t i = 0; i < most && sum + parts[i].rows <= limits->rows_max; i++) {
        sum += parts[i].rows;
        largest = higher_of(largest, parts[i].rows);
        if (i + 1 >= limits->parts_min && sum >= 2 * largest) {
            *out_count = i + 1;
            return sum;
        }
    }
    return UINT64_MAX;
}

static bool plan_rewrite(const struct merge_candidate *parts, size_t count,
                         struct merge_range *out_range)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].hidden > 0 &&
            parts[i].hidden * HIDDEN_SHARE >= parts[i].rows + parts[i].hidden) {
            *out_range = (struct merge_range){.begin = i, .count = 1};
            return true;
        }
    }
    return false;
}

bool merge_plan(const struct merge_candidate *parts, size_t count,
                const struct merge_limits *limits, struct merge_range *out_range)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        size_t wanted = 0;
        uint64_t rows = plan_from(parts + i, count - i, limits, &wanted);
        if (rows < least) {
            least = rows;
            *out_range = (struct merge_range){.begin = i, .count = wanted};
        }
    }
    return least != UINT64_MAX || plan_rewrite(parts, count, out_range);
}
