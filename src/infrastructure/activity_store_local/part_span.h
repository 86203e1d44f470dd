#pragma once
/*
 * A stretch of numbers, of rows or of places in a list, that is used up from the end that comes
 * first in the order of answers. Any thread.
 */
#include "domain/activity_page.h"

/* From `low` up to `high`, without that one. */
struct part_span {
    uint32_t low;
    uint32_t high; /* >= low */
};

static inline uint32_t part_span_length(struct part_span span)
{
    return span.high - span.low;
}

/* The number that comes first; there must be one. */
static inline uint32_t part_span_first(struct part_span span, enum activity_order order)
{
    return order == ORDER_OLDEST_FIRST ? span.low : span.high - 1;
}

/* Takes up to `count` numbers off from the first on; says how many there were. */
static inline uint32_t part_span_take(struct part_span *span, enum activity_order order,
                                      uint64_t count)
{
    uint32_t length = part_span_length(*span);
    uint32_t taken = count < length ? (uint32_t)count : length;
    if (order == ORDER_OLDEST_FIRST) {
        span->low += taken;
    } else {
        span->high -= taken;
    }
    return taken;
}
