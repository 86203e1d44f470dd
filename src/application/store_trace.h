#pragma once
/*
 * The span of a batch that the worker stores: begun when the log hands the batch over, ended when
 * all of it has its place, failures and pauses between them included. It is recorded where the
 * sampler records the trace of any activity of it; its links lead to these. A part of
 * store_activities.h. The worker's thread.
 */
#include "application/tracer.h"
#include "domain/activity_batch.h"

enum { STORE_TRACE_SLOTS = 512 }; /* a power of two, well above the links */

struct store_trace {
    const struct tracer *tracer; /* NULL: nobody collects spans */
    bool is_open;
    struct trace_context context;
    uint8_t parent_id[SPAN_ID_BYTES];
    uint64_t wall_ns; /* when it began */
    uint64_t begun_ns;
    unsigned failures;
    struct trace_context links[SPAN_LINKS_MAX]; /* each context once */
    size_t link_count;
    uint32_t links_dropped;
    uint16_t slots[STORE_TRACE_SLOTS]; /* links by their span ids: place + 1; 0: none */
};

void store_trace_init(struct store_trace *trace, const struct tracer *tracer);

/* A batch was polled, which stays as it is until the end. */
void store_trace_begin(struct store_trace *trace, const struct activity_batch *batch);

/* Storing it failed and is tried again. */
void store_trace_fail(struct store_trace *trace);

/* It is done. */
void store_trace_end(struct store_trace *trace, const struct activity_batch *batch, size_t refused);
