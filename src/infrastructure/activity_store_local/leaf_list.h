#pragma once
/*
 * Leaves of the chain's seals with the places of their activities in the logs, and the order in
 * which a seal hashes them: by log id, partition and offset. Whoever seals, merges or verifies
 * gathers leaves so. One thread at a time.
 */
#include "infrastructure/activity_store_local/leaf.h"
#include "infrastructure/activity_store_local/part.h"

/* Filled zeros are an empty list. */
struct leaf_list {
    struct placed_leaf *leaves;
    size_t count;
    size_t capacity;
};

void leaf_list_deinit(struct leaf_list *list);

/* NO_MEMORY. */
MUST_USE enum status leaf_list_reserve(struct leaf_list *list, size_t capacity);
MUST_USE enum status leaf_list_add(struct leaf_list *list, const struct placed_leaf *leaf);

/* By their places. A list that is in order already takes one look at each leaf. */
void leaf_list_sort(struct leaf_list *list);

/* The Merkle root of a sorted list. NO_MEMORY. */
MUST_USE enum status leaf_list_root(const struct leaf_list *list, struct sha256 *sha256,
                                    uint8_t out_root[SHA256_BYTES]);

/* The leaf of a stored row; `source` is that of its part. NO_MEMORY. */
MUST_USE enum status placed_leaf_make(struct sha256 *sha256, const struct part_row *row,
                                      const struct part_source *source,
                                      struct placed_leaf *out_leaf);

/* The leaves of all rows of a part. CORRUPT, NO_MEMORY, what the disk says. */
MUST_USE enum status leaf_list_add_part(struct leaf_list *list, struct sha256 *sha256,
                                        struct part_view *view, struct error *err);

/* The places of the leaves, without regard to their hashes. */
int placed_leaf_compare(const struct placed_leaf *a, const struct placed_leaf *b);
