#pragma once
/*
 * The port of the keys: who is it that shows this one? Keys come and go while the service runs;
 * readers are numbered from 0, each is used by one thread at a time, and none waits for another.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "base/status.h"
#include "domain/access_grant.h"

struct key_ring;

struct key_ring_operations {
    enum status (*find)(struct key_ring *ring, unsigned reader, struct str key, struct arena *arena,
                        struct access_grant *out_grant);
};

/* Embedded first in every adapter. */
struct key_ring {
    const struct key_ring_operations *operations;
};

/* What the key grants, with its texts in `arena`. NOT_FOUND: there is no such key; how long that
 * took tells nothing about how much of a key was right. NO_MEMORY. */
MUST_USE static inline enum status key_ring_find(struct key_ring *ring, unsigned reader,
                                                 struct str key, struct arena *arena,
                                                 struct access_grant *out_grant)
{
    return ring->operations->find(ring, reader, key, arena, out_grant);
}
