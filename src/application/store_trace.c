#include "application/store_trace.h"

#include <string.h>

void store_trace_init(struct store_trace *trace, const struct tracer *tracer)
{
    *trace = (struct store_trace){.tracer = tracer};
}

/* --- which contexts a batch has --- */

static bool is_same(const struct trace_context *a, const struct trace_context *b)
{
    return memcmp(a->span_id, b->span_id, SPAN_ID_BYTES) == 0 &&
           memcmp(a->trace_id, b->trace_id, TRACE_ID_BYTES) == 0;
}

/* The slot of the context, or a free one for it. */
static uint16_t *find_slot(struct store_trace *trace, const struct trace_context *context)
{
    uint32_t at;
    memcpy(&at, context->span_id, sizeof at);
    while (trace->slots[at % STORE_TRACE_SLOTS] != 0 &&
           !is_same(&trace->links[trace->slots[at % STORE_TRACE_SLOTS] - 1], context)) {
        at++;
    }
    return &trace->slots[at % STORE_TRACE_SLOTS];
}

static void add_link(struct store_trace *trace, const struct trace_context *context)
{
    uint16_t *slot = find_slot(trace, context);
    if (*slot != 0) {
        return;
    }
    if (trace->link_count == SPAN_LINKS_MAX) {
        trace->links_dropped++;
        return;
    }
    trace->links[trace->link_count++] = *context;
    *slot = (uint16_t)trace->link_count;
}

/* What the activities of a batch say, all together. */
struct batch_contexts {
    size_t without;
    struct trace_context last;
    bool has_last;
};

/* Activities of one request follow each other, with one context for all of them. */
static void look_at(struct store_trace *trace, struct batch_contexts *seen, struct str packed)
{
    struct trace_context context;
    if (packed.len == 0 || !trace_context_unpack(packed, &context)) {
        seen->without++;
        return;
    }
    if (seen->has_last && is_same(&seen->last, &context)) {
        return;
    }
    seen->last = context;
    seen->has_last = true;
    if (trace_sampler_samples(&trace->tracer->sampler, &context, context.trace_id)) {
        add_link(trace, &context);
    }
}

/* --- the span --- */

/* A child of what alone caused it; of several causes none is more of a parent than the others, so
 * the batch begins a trace of its own. */
static void choose_place(struct store_trace *trace)
{
    const struct trace_context *parent = trace->link_count == 1 ? &trace->links[0] : NULL;
    tracer_begin(trace->tracer, parent, &trace->context);
    memset(trace->parent_id, 0, sizeof trace->parent_id);
    if (parent != NULL) {
        memcpy(trace->parent_id, parent->span_id, sizeof trace->parent_id);
    }
    if (trace->link_count > 0) { /* the sampler said so of each of them */
        trace->context.flags |= TRACE_FLAG_SAMPLED;
    }
}

void store_trace_begin(struct store_trace *trace, const struct activity_batch *batch)
{
    struct batch_contexts seen = {.without = 0};
    if (trace->tracer == NULL || batch->count == 0) {
        return;
    }
    trace->link_count = 0;
    trace->links_dropped = 0;
    memset(trace->slots, 0, sizeof trace->slots);
    for (size_t i = 0; i < batch->count; i++) {
        look_at(trace, &seen, batch->rows[i].activity.trace);
    }
    if (trace->link_count == 0 && seen.without == 0) {
        return; /* every cause was asked about, and none is recorded */
    }
    choose_place(trace);
    trace->is_open = trace_context_is_sampled(&trace->context);
    trace->failures = 0;
    trace->wall_ns = clock_wall_ns(trace->tracer->clock);
    trace->begun_ns = clock_monotonic_ns(trace->tracer->clock);
}

void store_trace_fail(struct store_trace *trace)
{
    trace->failures++;
}

void store_trace_end(struct store_trace *trace, const struct activity_batch *batch, size_t refused)
{
    const struct tracer *tracer = trace->tracer;
    if (!trace->is_open) {
        return;
    }
    struct span span = {
        .kind = SPAN_CONSUMER,
        .name = STR("store batch"),
        .context = trace->context,
        .begun_ns = trace->wall_ns,
        .ended_ns = trace->wall_ns + (clock_monotonic_ns(tracer->clock) - trace->begun_ns),
        .links = trace->links,
        .link_count = trace->link_count,
        .links_dropped = trace->links_dropped,
    };
    memcpy(span.parent_id, trace->parent_id, sizeof span.parent_id);
    tracer_add_messaging(tracer, &span, STR("store"), STR("process"), batch->count);
    span_add_text(&span, STR("messaging.consumer.group.name"), tracer->group);
    span_add_text(&span, STR("usertrail.store"), tracer->store);
    span_add_number(&span, STR("usertrail.activities"), (int64_t)batch->count);
    span_add_number(&span, STR("usertrail.refused"), (int64_t)refused);
    span_add_number(&span, STR("usertrail.failures"), (int64_t)trace->failures);
    span_sink_add(tracer->sink, &span);
    trace->is_open = false;
}
