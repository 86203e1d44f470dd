#pragma once
/*
 * What a merge leaves out: the rows of hidden users, of which the chain keeps the leaves, so that
 * the seals they are in can still be proven. One thread at a time.
 */
#include "infrastructure/activity_store_local/leaf_list.h"
#include "infrastructure/activity_store_local/merge.h"

/* Adds the leaves of all rows of the parts that are hidden. BUSY: cancelled. CORRUPT, NO_MEMORY,
 * what the disk says. */
MUST_USE enum status left_out_leaves(const struct merge_part *parts, size_t count,
                                     const atomic_bool *cancel, struct leaf_list *list,
                                     struct error *err);
