#pragma once
/*
 * Where activities stand in an event log. A log has an id and one or more partitions; offsets grow
 * by partition. A position set says for each partition the offset from which on nothing is covered:
 * everything below is. One thread at a time.
 */
#include "base/macros.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct position {
    int32_t partition; /* 0 in a local log */
    int64_t offset;    /* >= 0 */
};

struct position_set {
    struct position *items; /* one for each partition, sorted by partition */
    size_t count;
    size_t capacity;
};

enum { POSITION_PARTITIONS_MAX = 65536 };

/* Allocates nothing yet. */
void position_set_init(struct position_set *set);
void position_set_deinit(struct position_set *set);

/* Whether the set knows the partition, at whatever offset. */
bool position_set_has(const struct position_set *set, int32_t partition);

/* The offset of the partition, 0 when the set does not know it. */
int64_t position_set_get(const struct position_set *set, int32_t partition);

/* Raises the partition's offset to `position.offset`; a lower one changes nothing. NO_MEMORY, or
 * TOO_LARGE beyond POSITION_PARTITIONS_MAX. */
MUST_USE enum status position_set_raise(struct position_set *set, struct position position);

/* Raises every partition of `from`. */
MUST_USE enum status position_set_raise_all(struct position_set *set,
                                            const struct position_set *from);

/* Adds the partitions of `from` that are missing, at offset 0, so that raising all of them later
 * cannot fail. NO_MEMORY or TOO_LARGE, and then some may be added. */
MUST_USE enum status position_set_prepare(struct position_set *set,
                                          const struct position_set *from);

/* How many offsets `to` covers that `from` does not, over all partitions of `to`. */
uint64_t position_set_distance(const struct position_set *from, const struct position_set *to);

static inline bool position_set_covers(const struct position_set *set, struct position position)
{
    return position.offset < position_set_get(set, position.partition);
}
