#pragma once
/*
 * One call of a port as a line of the log: what it was asked, its status and how many microseconds
 * it took. The adapters that trace a port write their lines with this, so that all read alike. One
 * thread, for one call.
 */
#include "base/logger.h"

#include <stddef.h>
#include <stdint.h>

enum { CALL_TRACE_FIELDS_MAX = 10 }; /* what a call was asked, at most */

struct call_trace {
    const struct logger *logger;
    const struct clock *clock;
    uint64_t began_ns;
    struct log_field fields[CALL_TRACE_FIELDS_MAX + 2];
    size_t count;
};

/* Before the call, whose time `clock` measures. */
struct call_trace call_trace_begin(const struct logger *logger, const struct clock *clock);

/* Names and texts live until the end. */
void call_trace_number(struct call_trace *trace, const char *name, int64_t number);
void call_trace_text(struct call_trace *trace, const char *name, struct str text);

/* Writes the line, at LOG_DEBUG; `message` is the port and its call. */
void call_trace_end(struct call_trace *trace, const char *message, enum status status);
