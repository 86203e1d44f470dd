#pragma once
/*
 * Who was erased from a store, as its folder shows it, for carrying erasures into an older copy of
 * it. No lock is taken, nothing is written. One thread.
 */
#include "base/str.h"
#include "infrastructure/disk/disk.h"

#include <stdint.h>

/* Embedded by who listens. */
struct erasure_visitor {
    /* The text lives until it returns. Anything but OK ends the visit and is its result. */
    enum status (*erased)(struct erasure_visitor *visitor, struct str user_id, int64_t erased_at_ms,
                          struct error *err);
};

/* Hears of each erasure that `directory` knows and the store in `older` does not, or only an
 * earlier one of the same user. NOT_FOUND: one of both has no store. What manifest_load says. */
MUST_USE enum status activity_store_local_visit_erasures(struct disk *disk, const char *directory,
                                                         const char *older,
                                                         struct erasure_visitor *visitor,
                                                         struct error *err);
