#pragma once
/*
 * Activities that were accepted by another log first and moved on into the one that is stored, as
 * from a spill: where they are now. Embedded in whoever moves them.
 */
#include "base/macros.h"
#include "base/status.h"
#include "domain/position.h"

struct moved_activities {
    /* OK: raises `out_positions` to what covers in the log all that `positions` names. BUSY: some
     * of it waits to be moved. NOT_FOUND: nothing is moved from a log of this id. UNAVAILABLE: it
     * was moved, and nobody knows where any more. NO_MEMORY. Any thread; never waits. */
    enum status (*find)(struct moved_activities *moved, struct uuid log_id,
                        const struct position_set *positions, struct position_set *out_positions);
};
