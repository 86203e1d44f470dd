#include "base/call_trace.h"

#include "base/assert.h"

enum { NANOSECONDS_PER_MICROSECOND = 1000 };

struct call_trace call_trace_begin(const struct logger *logger, const struct clock *clock)
{
    return (struct call_trace){
        .logger = logger, .clock = clock, .began_ns = clock_monotonic_ns(clock)};
}

static void add(struct call_trace *trace, struct log_field field)
{
    ASSERT(trace->count < ARRAY_LENGTH(trace->fields));
    trace->fields[trace->count++] = field;
}

void call_trace_number(struct call_trace *trace, const char *name, int64_t number)
{
    add(trace, log_number(name, number));
}

void call_trace_text(struct call_trace *trace, const char *name, struct str text)
{
    add(trace, log_text(name, text));
}

void call_trace_end(struct call_trace *trace, const char *message, enum status status)
{
    uint64_t ns = clock_monotonic_ns(trace->clock) - trace->began_ns;
    call_trace_text(trace, "status", str_from(status_name(status)));
    call_trace_number(trace, "microseconds", (int64_t)(ns / NANOSECONDS_PER_MICROSECOND));
    log_write(trace->logger, LOG_DEBUG, message, trace->fields, trace->count);
}
