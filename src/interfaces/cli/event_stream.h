#pragma once
/*
 * Reads Server-Sent Events (the HTML standard, section 9.2.6) out of an answer that comes in
 * pieces. One thread.
 */
#include "base/buffer.h"
#include "base/error.h"

struct stream_event {
    struct str name; /* "message" where the stream names none */
    struct str data;
};

/* Its texts live until it returns. Anything but OK ends the reading. */
typedef enum status event_stream_visit(void *context, const struct stream_event *event,
                                       struct error *err);

struct event_stream {
    event_stream_visit *visit;
    void *context;
    uint64_t retry_ms;     /* after how long to come back; what the stream said last */
    struct buffer last_id; /* of what was visited, for Last-Event-ID; empty: there was none */
    struct buffer id;      /* of the event that is being read */
    struct buffer line;
    struct buffer name;
    struct buffer data;
    bool has_data;
    bool after_carriage_return;
};

void event_stream_init(struct event_stream *stream, uint64_t retry_ms, event_stream_visit *visit,
                       void *context);
void event_stream_deinit(struct event_stream *stream);

/* Another answer begins: what the last one did not end is dropped; last_id stays. */
void event_stream_restart(struct event_stream *stream);

/* NO_MEMORY, TOO_LARGE (no line is as long as that), or what `visit` returned. */
MUST_USE enum status event_stream_take(struct event_stream *stream, struct str piece,
                                       struct error *err);
