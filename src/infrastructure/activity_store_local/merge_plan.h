#pragma once
/*
 * Which parts to merge next. Neighbours become one when together they are at least twice as large
 * as the largest of them, so that each activity is written a number of times that grows with the
 * logarithm of all (size-tiered compaction). Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct merge_limits {
    uint64_t rows_max; /* of the part that a merge makes */
    size_t parts_min;  /* fewer are not worth it, 2 to MERGE_PARTS_MAX */
};

struct merge_candidate {
    uint64_t rows;   /* without hidden ones */
    uint64_t hidden; /* rows that are still in the file, and seen by nobody */
};

struct merge_range {
    size_t begin;
    size_t count;
};

/* False: nothing is worth its while. Otherwise the range that costs least: several parts, or one
 * of which a part is hidden. */
bool merge_plan(const struct merge_candidate *parts, size_t count,
                const struct merge_limits *limits, struct merge_range *out_range);
