#pragma once
/*
 * Users who were erased: what was received before is dropped whenever it comes again, and parts
 * that were written before an erasure hide the user's rows. Each erasure has a number; numbers
 * rise. Kept in byte order of the users' ids. The caller serialises access.
 */
#include "base/macros.h"
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

struct tombstone {
    struct str user_id;   /* owned */
    int64_t erased_at_ms; /* the latest that was ever given */
    uint64_t number;      /* of the user's latest erasure */
};

struct tombstones {
    struct tombstone *items;
    size_t count;
    size_t capacity;
};

/* Allocates nothing yet. */
void tombstones_init(struct tombstones *tombstones);
void tombstones_deinit(struct tombstones *tombstones);

/* The user's tombstone, or NULL; until the next set. */
const struct tombstone *tombstones_find(const struct tombstones *tombstones, struct str user_id);

/* Adds or changes a tombstone, whose text is copied; an earlier time does not replace a later one.
 * NO_MEMORY, and then nothing changed. */
MUST_USE enum status tombstones_set(struct tombstones *tombstones, const struct tombstone *erased);
