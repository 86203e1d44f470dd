#pragma once
/*
 * One hash over many, in their order: the root of a tree of SHA-256. Whoever has the leaves can
 * compute it again from what stands here.
 *
 *     leaf        32 bytes; leaf.h makes them
 *     level 0     the leaves
 *     level k+1   one node for every 16 nodes of level k in order, the last for as many as are
 *                 left (1 to 16): SHA-256(0x01, k+1 as one byte, these nodes one behind the other)
 *     top         the only node of the first level that has one; that is level 0 for one leaf
 *     root        SHA-256(0x02, number of leaves in 8 bytes little-endian, top); without leaves
 *                 there is no top, and nothing follows the number
 *
 * The first byte tells leaves, nodes and roots apart, and the number of leaves with the level fixes
 * the shape, so that no two lists of leaves have the same root. Sixteen children instead of two
 * because the tree is there to show a change, not to prove single leaves: 0.6 blocks of SHA-256 for
 * a leaf instead of 2. One thread at a time.
 */
#include "infrastructure/crypto/sha256.h"

enum {
    MERKLE_CHILDREN = 16,
    MERKLE_LEVELS_MAX = 16, /* 16^16 leaves are more than can be counted */
    MERKLE_NODE_PREFIX_BYTES = 2
};

struct merkle_level {
    uint8_t bytes[MERKLE_NODE_PREFIX_BYTES + MERKLE_CHILDREN * SHA256_BYTES];
    unsigned count; /* of nodes that no node above holds yet */
};

/* 8 KiB, however many leaves there are. */
struct merkle {
    struct sha256 *sha256;
    uint64_t leaf_count;
    bool failed;
    struct merkle_level levels[MERKLE_LEVELS_MAX + 1];
};

/* `sha256` is borrowed: it must outlive the tree, and may be used for other things between two
 * calls. There is nothing to free. */
void merkle_init(struct merkle *merkle, struct sha256 *sha256);

void merkle_add_leaf(struct merkle *merkle, const uint8_t leaf[SHA256_BYTES]);

/* The root of all leaves so far, of which none may follow. NO_MEMORY, also when it happened while
 * leaves were added. */
MUST_USE enum status merkle_root(struct merkle *merkle, uint8_t out_root[SHA256_BYTES]);
