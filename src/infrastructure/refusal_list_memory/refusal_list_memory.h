#pragma once
/*
 * The refused list in memory: gone with the process, as the store beside it is. Threads: as
 * refusal_list.h says.
 */
#include "application/refusal_list.h"
#include "base/clock.h"

struct refusal_list_memory_config {
    uint64_t bytes_max; /* of entries with what finding them takes; >= 1 */
    const struct clock *clock;
};

MUST_USE enum status refusal_list_memory_new(const struct refusal_list_memory_config *config,
                                             struct refusal_list **out_list, struct error *err);
