#pragma once
/*
 * A piece of work that was done, as part of a trace: what OpenTelemetry calls a span
 * (https://opentelemetry.io/docs/specs/otel/trace/api/). Made on the stack when the work is over
 * and handed to a span_sink. All texts are borrowed until that returns. Any thread.
 */
#include "base/trace_context.h"

enum {
    SPAN_ATTRIBUTES_MAX = 12,
    SPAN_LINKS_MAX = 128 /* as OTEL_SPAN_LINK_COUNT_LIMIT is by default */
};

/* The numbers are those of OTLP. */
enum span_kind {
    SPAN_INTERNAL = 1,
    SPAN_SERVER = 2,   /* answers a request */
    SPAN_PRODUCER = 4, /* sends messages that are dealt with later */
    SPAN_CONSUMER = 5  /* deals with such */
};

struct span_attribute {
    struct str key;  /* static */
    struct str text; /* UTF-8, or nearly; {NULL, 0}: it is the number */
    int64_t number;
};

struct span {
    enum span_kind kind;
    struct str name;
    struct trace_context context;     /* its own; the state is that of its parent */
    uint8_t parent_id[SPAN_ID_BYTES]; /* all zero: it begins its trace */
    uint64_t begun_ns;                /* since 1970 */
    uint64_t ended_ns;
    bool failed;
    struct str problem; /* of one that failed, for people; {NULL, 0}: none */
    struct span_attribute attributes[SPAN_ATTRIBUTES_MAX];
    size_t attribute_count;
    const struct trace_context *links; /* other work that caused it; at most SPAN_LINKS_MAX */
    size_t link_count;
    uint32_t links_dropped; /* further ones that are not there */
};

/* Leaves an absent text out. */
void span_add_text(struct span *span, struct str key, struct str text);
void span_add_number(struct span *span, struct str key, int64_t number);
