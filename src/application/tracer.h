#pragma once
/*
 * Who decides which traces are recorded, and begins spans in them. Where nobody collects spans
 * there is no tracer at all, and NULL stands for it. Any thread.
 */
#include "application/span_sink.h"
#include "base/clock.h"
#include "base/random.h"

/* As OTEL_TRACES_SAMPLER names them, without parentbased_. */
enum trace_root { TRACE_ROOT_ALL, TRACE_ROOT_NONE, TRACE_ROOT_RATIO };

struct trace_sampler {
    bool follows_parent; /* parentbased: who was called in a trace does as its caller does */
    enum trace_root root;
    double ratio; /* 0 to 1, of TRACE_ROOT_RATIO: which share of traces, by their ids */
};

/* `parent` is NULL for work that begins a trace. */
bool trace_sampler_samples(const struct trace_sampler *sampler, const struct trace_context *parent,
                           const uint8_t trace_id[TRACE_ID_BYTES]);

struct tracer {
    struct span_sink *sink; /* borrowed, as all of these */
    const struct clock *clock;
    const struct random *random;
    struct trace_sampler sampler;
    /* What the spans about log and store say of them; static or as long as the tracer. */
    struct str event_log;
    struct str store;
    struct str topic; /* {NULL, 0}: the log is no broker's */
    struct str group; /* {NULL, 0}: none */
};

/* A new context below `parent` (NULL: of a new trace), sampled as the sampler says; the state is
 * the parent's. */
void tracer_begin(const struct tracer *tracer, const struct trace_context *parent,
                  struct trace_context *out_context);

/* The same in a trace that was decided about: a new span id, and all else as in `parent`. */
struct trace_context tracer_begin_below(const struct tracer *tracer,
                                        const struct trace_context *parent);

/* What a span about the log's messages says of them, where a broker has it. */
void tracer_add_messaging(const struct tracer *tracer, struct span *span, struct str operation,
                          struct str operation_type, size_t messages);
