/*
 * What others say of a trace: the input is a traceparent, a packed context, and, by its lines, the
 * values of several fields tracestate. What is read is written so that it reads the same, and a
 * state that counts is one that counts again, to the byte.
 */
#include "base/assert.h"
#include "base/trace_context.h"
#include "base/utf8.h"
#include "fuzz.h"

#include <stdlib.h>

static void expect_same(const struct trace_context *a, const struct trace_context *b)
{
    ASSERT(memcmp(a->trace_id, b->trace_id, TRACE_ID_BYTES) == 0);
    ASSERT(memcmp(a->span_id, b->span_id, SPAN_ID_BYTES) == 0);
    ASSERT(a->flags == b->flags && str_equal(a->state, b->state));
}

static void write_and_read(const struct trace_context *context)
{
    char text[TRACE_PARENT_BYTES];
    char packed[TRACE_PACKED_BYTES_MAX];
    struct trace_context again;
    size_t len = trace_context_pack(context, packed);
    ASSERT(len == TRACE_PACKED_BYTES_MIN + context->state.len);
    ASSERT(trace_context_unpack((struct str){packed, len}, &again));
    expect_same(context, &again);
    trace_context_format(context, text);
    ASSERT(trace_context_parse((struct str){text, sizeof text}, &again));
    again.state = context->state;
    expect_same(context, &again);
}

static void read_contexts(struct str text)
{
    struct trace_context context;
    if (trace_context_parse(text, &context)) {
        ASSERT(context.state.data == NULL);
        write_and_read(&context);
    }
    if (trace_context_unpack(text, &context)) {
        write_and_read(&context);
    }
}

static void read_state(struct str lines)
{
    struct trace_state state;
    struct trace_state again;
    trace_state_init(&state);
    while (lines.data != NULL) {
        trace_state_add(&state, str_split(&lines, '\n'));
    }
    struct str text = trace_state_text(&state);
    if (text.data == NULL) {
        return;
    }
    ASSERT(text.len > 0 && text.len <= TRACE_STATE_BYTES_MAX && utf8_is_plain_ascii(text));
    trace_state_init(&again);
    trace_state_add(&again, text);
    ASSERT(str_equal(trace_state_text(&again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size, 0);
    read_contexts((struct str){text, size});
    read_state((struct str){text, size});
    free(text);
    return 0;
}
