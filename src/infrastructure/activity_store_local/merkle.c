#include "infrastructure/activity_store_local/merkle.h"

#include "base/assert.h"
#include "base/little_endian.h"

enum { NODE = 0x01, ROOT = 0x02 };

void merkle_init(struct merkle *merkle, struct sha256 *sha256)
{
    merkle->sha256 = sha256;
    merkle->leaf_count = 0;
    merkle->failed = false;
    for (size_t i = 0; i <= MERKLE_LEVELS_MAX; i++) {
        struct merkle_level *level = &merkle->levels[i];
        level->bytes[0] = NODE;
        level->bytes[1] = (uint8_t)(i + 1); /* of the node that these will make */
        level->count = 0;
    }
}

static uint8_t *place_of(struct merkle_level *level, unsigned index)
{
    return level->bytes + MERKLE_NODE_PREFIX_BYTES + (size_t)index * SHA256_BYTES;
}

/* Makes one node above of those that wait on this level. */
static void fold(struct merkle *merkle, size_t index)
{
    struct merkle_level *level = &merkle->levels[index];
    struct merkle_level *above = &merkle->levels[index + 1];
    ASSERT(index < MERKLE_LEVELS_MAX && above->count < MERKLE_CHILDREN);
    size_t len = MERKLE_NODE_PREFIX_BYTES + (size_t)level->count * SHA256_BYTES;
    uint8_t *node = place_of(above, above->count);
    merkle->failed =
        merkle->failed || sha256_once(merkle->sha256, level->bytes, len, node) != STATUS_OK;
    above->count++;
    level->count = 0;
}

void merkle_add_leaf(struct merkle *merkle, const uint8_t leaf[SHA256_BYTES])
{
    struct merkle_level *leaves = &merkle->levels[0];
    memcpy(place_of(leaves, leaves->count++), leaf, SHA256_BYTES);
    merkle->leaf_count++;
    for (size_t i = 0; merkle->levels[i].count == MERKLE_CHILDREN; i++) {
        fold(merkle, i);
    }
}

static bool is_top(const struct merkle *merkle, size_t index)
{
    for (size_t i = index + 1; i <= MERKLE_LEVELS_MAX; i++) {
        if (merkle->levels[i].count > 0) {
            return false;
        }
    }
    return merkle->levels[index].count == 1;
}

/* Folds what is left from the leaves upward until one node holds all. */
static const uint8_t *find_top(struct merkle *merkle)
{
    size_t index = 0;
    while (!is_top(merkle, index)) {
        if (merkle->levels[index].count > 0) {
            fold(merkle, index);
        }
        index++;
    }
    return place_of(&merkle->levels[index], 0);
}

enum status merkle_root(struct merkle *merkle, uint8_t out_root[SHA256_BYTES])
{
    uint8_t head[1 + sizeof merkle->leaf_count] = {ROOT};
    const uint8_t *top = merkle->leaf_count == 0 ? NULL : find_top(merkle);
    if (merkle->failed) {
        return STATUS_NO_MEMORY;
    }
    little_endian_put_u64(head + 1, merkle->leaf_count);
    sha256_begin(merkle->sha256);
    sha256_add(merkle->sha256, head, sizeof head);
    if (top != NULL) {
        sha256_add(merkle->sha256, top, SHA256_BYTES);
    }
    return sha256_end(merkle->sha256, out_root);
}
