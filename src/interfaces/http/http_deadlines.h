#pragma once
/*
 * Deadlines of one loop. Every kind has one constant length, so a list in order of arrival is a
 * list in order of expiry: setting and clearing are a few pointers, and one coarse timer per loop
 * looks at the heads only. Loop thread only.
 */
#include <stdbool.h>
#include <stdint.h>

enum http_deadline_kind {
    HTTP_DEADLINE_NONE,
    HTTP_DEADLINE_HEADER, /* first byte of a request to the end of its header */
    HTTP_DEADLINE_BODY,   /* end of the header to the end of the body */
    HTTP_DEADLINE_RATE,   /* a body that is taken as it arrives: looked at anew each time */
    HTTP_DEADLINE_IDLE,   /* no request at all */
    HTTP_DEADLINE_WRITE,  /* an answer that is not taken */
    HTTP_DEADLINE_LINGER, /* answered and shut down, the client has not closed yet */
    HTTP_DEADLINE_COUNT
};

struct http_deadline {
    struct http_deadline *previous;
    struct http_deadline *next;
    uint64_t due_ms;
    enum http_deadline_kind kind; /* NONE: in no list */
};

struct http_deadlines {
    struct http_deadline lists[HTTP_DEADLINE_COUNT]; /* heads of rings; the oldest comes first */
    uint64_t timeout_ms[HTTP_DEADLINE_COUNT];
};

void http_deadlines_init(struct http_deadlines *deadlines,
                         const uint64_t timeout_ms[HTTP_DEADLINE_COUNT]);

/* Starts the deadline anew from `now_ms`, whatever it was before. */
void http_deadline_set(struct http_deadlines *deadlines, struct http_deadline *deadline,
                       enum http_deadline_kind kind, uint64_t now_ms);
void http_deadline_clear(struct http_deadline *deadline);

/* When the next one is due; false when there is none. */
bool http_deadlines_next(const struct http_deadlines *deadlines, uint64_t *out_due_ms);

/* One that is due, taken out of its list but with its kind still readable; NULL when none is. */
struct http_deadline *http_deadlines_take_due(struct http_deadlines *deadlines, uint64_t now_ms,
                                              enum http_deadline_kind *out_kind);

/* Shortens a kind for all that wait already, too. */
void http_deadlines_shorten(struct http_deadlines *deadlines, enum http_deadline_kind kind,
                            uint64_t timeout_ms, uint64_t now_ms);
