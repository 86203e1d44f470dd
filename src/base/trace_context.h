#pragma once
/*
 * Where a piece of work stands in a trace, as programs tell each other: the fields traceparent and
 * tracestate of W3C Trace Context (https://www.w3.org/TR/trace-context/, levels 1 and 2).
 *
 *     traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *                  version  trace id                    span id         flags
 *     tracestate:  congo=t61rcWkgMzE,rojo=00f067aa0ba902b7
 *
 * A field that is wrong counts as absent: a caller with a broken tracer is answered all the same.
 *
 * Inside of this program, and in its files, a context travels packed: trace id, span id and flags
 * in base64url, which is 34 bytes, and then the text of tracestate, if there is any. It is text
 * since the files of the event log rely on holding nothing but text there. Any thread.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TRACE_ID_BYTES = 16,
    SPAN_ID_BYTES = 8,
    TRACE_PARENT_BYTES = 55, /* of the text, as it is written here */
    TRACE_STATE_BYTES_MAX = 512,
    TRACE_STATE_MEMBERS_MAX = 32,
    TRACE_PACKED_BYTES_MIN = 34,
    TRACE_PACKED_BYTES_MAX = TRACE_PACKED_BYTES_MIN + TRACE_STATE_BYTES_MAX
};

enum {
    TRACE_FLAG_SAMPLED = 0x01, /* who called records this trace */
    TRACE_FLAG_RANDOM = 0x02   /* level 2: the trace id is random, at least its last 7 bytes */
};

struct trace_context {
    uint8_t trace_id[TRACE_ID_BYTES]; /* not all zero, as the next one */
    uint8_t span_id[SPAN_ID_BYTES];   /* of the work that caused this */
    uint8_t flags;                    /* of those above; others are not carried on */
    struct str state;                 /* of tracestate; {NULL, 0}: none; borrowed */
};

static inline bool trace_context_is_sampled(const struct trace_context *context)
{
    return (context->flags & TRACE_FLAG_SAMPLED) != 0;
}

/* Reads a traceparent without white space around it, of this version or a later one; the context
 * comes without a state. False: it is none. */
bool trace_context_parse(struct str text, struct trace_context *out_context);

/* Writes a traceparent. */
void trace_context_format(const struct trace_context *context, char out_text[TRACE_PARENT_BYTES]);

/* Returns how many bytes there are, from TRACE_PACKED_BYTES_MIN on. A state that is longer than
 * TRACE_STATE_BYTES_MAX is left out. */
size_t trace_context_pack(const struct trace_context *context,
                          char out_text[TRACE_PACKED_BYTES_MAX]);

/* The state points into `packed`. False: these bytes are no context. */
bool trace_context_unpack(struct str packed, struct trace_context *out_context);

/* The members of all fields tracestate of a request, put together. */
struct trace_state {
    char text[TRACE_STATE_BYTES_MAX];
    size_t len;
    unsigned members;
    bool is_full;   /* a member found no room, and so none behind it is taken */
    bool is_broken; /* all of it counts as absent */
};

void trace_state_init(struct trace_state *state);

/* The value of one field, in the order of the header. Where all of them are longer than
 * TRACE_STATE_BYTES_MAX, members above 128 bytes are left out first, and then the last ones. */
void trace_state_add(struct trace_state *state, struct str value);

/* {NULL, 0}: there is none, or one of the fields was wrong. Points into `state`. */
struct str trace_state_text(const struct trace_state *state);
