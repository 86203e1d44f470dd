#include "application/tracer.h"

#include <string.h>

enum { RATIO_BITS = 63 };

static uint64_t big_endian(const uint8_t bytes[8])
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* By the last 8 bytes of the id, which are random also where the first are not, so that all who ask
 * with the same ratio say the same of a trace. */
static bool is_within(double ratio, const uint8_t trace_id[TRACE_ID_BYTES])
{
    uint64_t drawn = big_endian(trace_id + TRACE_ID_BYTES - sizeof drawn) >> (64 - RATIO_BITS);
    return ratio >= 1 || (double)drawn < ratio * (double)(UINT64_C(1) << RATIO_BITS);
}

bool trace_sampler_samples(const struct trace_sampler *sampler, const struct trace_context *parent,
                           const uint8_t trace_id[TRACE_ID_BYTES])
{
    if (sampler->follows_parent && parent != NULL) {
        return trace_context_is_sampled(parent);
    }
    return sampler->root == TRACE_ROOT_ALL ||
           (sampler->root == TRACE_ROOT_RATIO && is_within(sampler->ratio, trace_id));
}

/* None is all zero. */
static void draw(const struct tracer *tracer, uint8_t *bytes, size_t len)
{
    random_fill(tracer->random, bytes, len);
    bytes[len - 1] |= 1;
}

struct trace_context tracer_begin_below(const struct tracer *tracer,
                                        const struct trace_context *parent)
{
    struct trace_context context = *parent;
    draw(tracer, context.span_id, sizeof context.span_id);
    return context;
}

void tracer_begin(const struct tracer *tracer, const struct trace_context *parent,
                  struct trace_context *out_context)
{
    struct trace_context context = {.flags = TRACE_FLAG_RANDOM};
    if (parent != NULL) {
        context = *parent;
    } else {
        random_fill(tracer->random, context.trace_id, sizeof context.trace_id);
        context.trace_id[0] |= 1; /* none is all zero, and the last ones stay random */
    }
    draw(tracer, context.span_id, sizeof context.span_id);
    bool samples = trace_sampler_samples(&tracer->sampler, parent, context.trace_id);
    context.flags =
        (uint8_t)((context.flags & ~TRACE_FLAG_SAMPLED) | (samples ? TRACE_FLAG_SAMPLED : 0));
    *out_context = context;
}

/* The names are those of OpenTelemetry's conventions for messaging. */
void tracer_add_messaging(const struct tracer *tracer, struct span *span, struct str operation,
                          struct str operation_type, size_t messages)
{
    if (tracer->topic.data == NULL) {
        return;
    }
    span_add_text(span, STR("messaging.system"), STR("kafka"));
    span_add_text(span, STR("messaging.destination.name"), tracer->topic);
    span_add_text(span, STR("messaging.operation.name"), operation);
    span_add_text(span, STR("messaging.operation.type"), operation_type);
    span_add_number(span, STR("messaging.batch.message_count"), (int64_t)messages);
}
