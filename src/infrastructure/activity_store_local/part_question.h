#pragma once
/*
 * What is asked of one part, by whoever walks over its rows or counts them. Any thread.
 */
#include "base/clock.h"
#include "domain/activity_store.h"
#include "infrastructure/activity_store_local/hidden_users.h"

/* Everything is borrowed for as long as it is asked. */
struct part_question {
    const struct activity_filter *filter;
    enum activity_order order;
    const struct activity_key *after; /* only rows behind this one in the order; NULL: all */
    /* Whose rows are passed over, also those of users whom the filter excludes (part_exclude.h).
     * NULL: nobody's. */
    const struct hidden_users *hidden;
    const struct clock *clock;
    uint64_t deadline_ns; /* of the monotonic clock; 0: none */
};
