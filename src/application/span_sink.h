#pragma once
/*
 * The port that spans go to when their work is over. Whoever makes spans must never wait for those
 * who collect them, so adding always returns at once: a sink that has no room drops the span and
 * counts it. Any thread.
 */
#include "application/span.h"
#include "base/macros.h"

struct span_sink;

struct span_sink_operations {
    void (*add)(struct span_sink *sink, const struct span *span);
    void (*free)(struct span_sink *sink);
};

/* Embedded first in every adapter. */
struct span_sink {
    const struct span_sink_operations *operations;
};

/* Borrows the span until it returns. Never blocks, never fails. */
static inline void span_sink_add(struct span_sink *sink, const struct span *span)
{
    sink->operations->add(sink, span);
}

/* Passes on what it has, as long as it may take, and ends. Takes NULL. Nobody may add any more. */
static inline void span_sink_free(struct span_sink *sink)
{
    if (sink != NULL) {
        sink->operations->free(sink);
    }
}
CLEANUP_FUNCTION(struct span_sink *, span_sink_free)
