#pragma once
/*
 * Which activities a store would drop because their user was erased after they were received: for
 * whoever shows activities that come from a log, which knows nothing of erasures. Made by the
 * adapters of the store. Any thread but an event loop's.
 */
#include "base/error.h"
#include "base/macros.h"
#include "domain/activity_batch.h"

#include <stdbool.h>

struct erasure_lookup {
    enum status (*look_up)(struct erasure_lookup *lookup, const struct activity_batch *batch,
                           bool *out_erased, struct error *err);
};

/* Says of each row whether an erasure that was given before this call covers it; `out_erased` has
 * room for all of them. UNAVAILABLE, TIMED_OUT, BUSY, NO_MEMORY: nobody knows, ask again. */
MUST_USE static inline enum status erasure_lookup_ask(struct erasure_lookup *lookup,
                                                      const struct activity_batch *batch,
                                                      bool *out_erased, struct error *err)
{
    return lookup->look_up(lookup, batch, out_erased, err);
}
